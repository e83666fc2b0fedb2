// SPDX-License-Identifier: MIT
// CIFAR-10 and CIFAR-100 as their binary files have them: records of one or two labels and 3 x 32 x 32 bytes.
#include "io/text.h"
#include "io/whole.h"

#include <clgrad/array.h>

#include <stdlib.h>
#include <string.h>

enum { PIXELS = 3 * 32 * 32, MAX_BYTES = 1 << 30, COARSE = 20 };

// Any bytes may begin a file. One without an end is more than MAX_BYTES.
static bool anything(const unsigned char *first)
{
    (void) first;
    return true;
}

static clg_status split(clg_array *images, clg_array *labels, const unsigned char *p, size_t n, int classes,
                        const char *path, char *error, size_t error_size)
{
    const size_t tags = classes == 10 ? 1 : 2, record = tags + PIXELS, count = n / record;
    if (n == 0 || n % record)
        return clg__text(error, error_size, CLG_EFORMAT,
                         "%s: has %zu bytes, expected records of %zu (CIFAR-%d)", path, n, record, classes);
    images->data = malloc(count * PIXELS);
    labels->data = malloc(count * tags);
    if (!images->data || !labels->data)
        return clg__text(error, error_size, CLG_ENOMEM, "%s: out of host memory", path);
    for (size_t i = 0; i < count; i++) {
        const unsigned char *r = p + i * record;
        for (size_t k = 0; k < tags; k++) {
            const int most = tags == 2 && k == 0 ? COARSE : classes;
            if (r[k] >= most)
                return clg__text(error, error_size, CLG_EFORMAT,
                                 "%s: record %zu has label %d, expected less than %d (CIFAR-%d)", path, i, r[k], most,
                                 classes);
        }
        memcpy((unsigned char *) labels->data + i * tags, r, tags);
        memcpy((unsigned char *) images->data + i * PIXELS, r + tags, PIXELS);
    }
    images->dtype = labels->dtype = CLG_U8;
    images->shape = CLG_SHAPE((int64_t) count, 3, 32, 32);
    labels->shape = CLG_SHAPE((int64_t) count, 2);
    labels->shape.rank = (int) tags;
    return CLG_OK;
}

clg_status clg_cifar_open(clg_array *images, clg_array *labels, const char *path, int classes, char *error,
                          size_t error_size)
{
    unsigned char *bytes;
    size_t n;
    if (images)
        memset(images, 0, sizeof *images);
    if (labels)
        memset(labels, 0, sizeof *labels);
    if (!images || !labels || !path)
        return clg__text(error, error_size, CLG_EINVAL, "%s: NULL", path ? path : "cifar");
    if (classes != 10 && classes != 100)
        return clg__text(error, error_size, CLG_EINVAL, "%s: %d classes, expected 10 or 100", path, classes);
    clg_status st = clg__read_whole(path, anything, MAX_BYTES, &bytes, &n, error, error_size);
    if (st >= 0)
        st = split(images, labels, bytes, n, classes, path, error, error_size);
    free(bytes);
    if (st < 0) {
        clg_array_close(images);
        clg_array_close(labels);
    }
    return st;
}
