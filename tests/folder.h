// SPDX-License-Identifier: MIT
// A folder for the files of a suite: in memory where that can be, as tests write often and a disk takes its time
// to sync.
#ifndef CLG_TESTS_FOLDER_H
#define CLG_TESTS_FOLDER_H

#include "checks.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char in_memory[] = "/dev/shm/clgrad_io_XXXXXX", on_disk[] = "/tmp/clgrad_io_XXXXXX";
static const char *folder = in_memory;

static inline const char *in_folder(const char *name)
{
    static char path[290];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static inline void put(const char *name, const void *bytes, size_t n)
{
    FILE *f = fopen(in_folder(name), "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static inline bool folder_made(void)
{
    if (!mkdtemp(in_memory))
        folder = mkdtemp(on_disk);
    return folder != NULL;
}

// The exit status of a program that ran these suites.
static inline int run_in_folder(Suite *s)
{
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    char clean[100];
    snprintf(clean, sizeof clean, "rm -rf '%s'", folder);
    return system(clean) != 0 || failed != 0;
}
#endif
