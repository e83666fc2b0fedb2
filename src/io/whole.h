// SPDX-License-Identifier: MIT
// A file, whole in memory.
#ifndef CLG_IO_WHOLE_H
#define CLG_IO_WHOLE_H

#include <clgrad/base.h>

// All bytes of a file, a pipe too, up to `most`; the caller frees them. CLG_EFORMAT: it is longer.
clg_status clg__read_whole(const char *path, size_t most, unsigned char **out, size_t *size, char *error,
                           size_t error_size);
#endif
