// SPDX-License-Identifier: MIT
// Data of layers, a case's named numbers a line each ("x 1 2 3", "param w 1 2", "grad w 1 2"), and comparisons with them.
#ifndef CLG_TESTS_NUMBERS_H
#define CLG_TESTS_NUMBERS_H

#include "testing.h"

enum { NUMBERS = 1024, PARAMS = 64 };

typedef struct numbers {
    char name[64];
    double v[NUMBERS];
    int n;
} numbers;

static numbers lines[2 * PARAMS + 16];
static int n_lines;

static const numbers *line_of(const char *name)
{
    for (int i = 0; i < n_lines; i++) {
        if (strcmp(lines[i].name, name) == 0)
            return &lines[i];
    }
    return NULL;
}

static clg_tensor tensor_of(const numbers *l, clg_shape s)
{
    float f[NUMBERS];
    ck_assert_int_eq(clg_numel(s), l->n);
    for (int i = 0; i < l->n; i++)
        f[i] = (float) l->v[i];
    return clg_upload(dev, CLG_F32, s, f);
}

static void compare(const char *what, const char *name, clg_tensor t)
{
    const numbers *l = line_of(name);
    float f[NUMBERS];
    char full[200];
    ck_assert_msg(l != NULL, "%s: the data has no %s", what, name);
    ok(t->status);
    ck_assert_int_eq(clg_numel(t->shape), l->n);
    ok(clg_read(t, f, (size_t) l->n * sizeof *f));
    snprintf(full, sizeof full, "%s, %s", what, name);
    same_beside(full, f, l->v, l->n, 3e-6, 1);
}

static void read_line(const char *at)
{
    numbers *l = &lines[n_lines++];
    const size_t words = strncmp(at, "param ", 6) == 0 ? 6 : strncmp(at, "grad ", 5) == 0 ? 5 : 0;
    const size_t n = words + strcspn(at + words, " ");
    ck_assert_int_le(n_lines, (int) (sizeof lines / sizeof lines[0]));
    memcpy(l->name, at, n);
    l->name[n] = 0;
    l->n = 0;
    for (at += n; l->n < NUMBERS; l->n++) {
        char *end;
        l->v[l->n] = strtod(at, &end);
        if (end == at)
            break;
        at = end;
    }
}
#endif
