// SPDX-License-Identifier: MIT
// A file, whole in memory; bytes that grow.
#ifndef CLG_IO_WHOLE_H
#define CLG_IO_WHOLE_H

#include <clgrad/base.h>

// All bytes of a file, a pipe too, up to `most`; the caller frees them. CLG_EFORMAT: it is longer. Where its first 8
// bytes are none that `known` knows, reading ends: the file may have no end.
clg_status clg__read_whole(const char *path, bool (*known)(const unsigned char *first), size_t most,
                           unsigned char **out, size_t *size, char *error, size_t error_size);

// Bytes that grow.
typedef struct clg__bytes {
    unsigned char *data;
    size_t n, room;
} clg__bytes;

// Append; false when out of memory.
bool clg__bytes_add(clg__bytes *b, const void *p, size_t n);

// n values of `width` bytes from one byte order to the other.
void clg__swap_bytes(unsigned char *p, size_t n, size_t width);
bool clg__big_endian_host(void);
#endif
