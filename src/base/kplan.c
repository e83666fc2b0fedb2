// SPDX-License-Identifier: MIT
// Writing kernel descriptions. Every function is a no-op once the plan has failed.
#include "base/kplan.h"

#include "base/alloc.h"
#include "base/format.h"

#include <stdarg.h>

void clg__kplan_init(clg__kplan *p)
{
    *p = (clg__kplan) { .err.status = CLG_OK };
}

void clg__kplan_free(clg__kplan *p)
{
    for (int i = 0; i < p->n_launches; i++) {
        clg__str_free(&p->launches[i].defines);
        clg__str_free(&p->launches[i].text);
        clg__free(p->launches[i].args);
    }
    clg__free(p->geo);
    clg__free(p->terms);
    clg__kplan_init(p);
}

int clg__kplan_temp(clg__kplan *p, size_t bytes)
{
    if (p->n_temps >= CLG__MAX_TEMPS) {
        clg__fail(&p->err, CLG_EINVAL, "more than %d scratch buffers", CLG__MAX_TEMPS);
        return 0;
    }
    p->temp_bytes[p->n_temps] = bytes;
    return p->n_temps++;
}

void clg__kplan_moves(clg__kplan *p, int geo, int position, int64_t by)
{
    if (position == 0 || by == 0 || p->err.status < 0)
        return;
    if (!clg__grow((void **) &p->terms, &p->cap_terms, p->n_terms + 1, sizeof *p->terms))
        clg__fail(&p->err, CLG_ENOMEM, "out of host memory");
    else
        p->terms[p->n_terms++] = (clg__term) { geo, position, by };
}

clg__launch *clg__kplan_kernel(clg__kplan *p, const char *file, const char *entry)
{
    if (p->n_launches >= CLG__MAX_LAUNCHES) {
        clg__fail(&p->err, CLG_EINVAL, "more than %d launches", CLG__MAX_LAUNCHES);
        return &p->launches[CLG__MAX_LAUNCHES - 1];
    }
    clg__launch *l = &p->launches[p->n_launches++];
    *l = (clg__launch) { .file = file, .entry = entry, .dims = 1, .grid = { 1, 1, 1 },
                         .group = { 1, 1, 1 } };
    return l;
}

void clg__kplan_define(clg__kplan *p, clg__launch *l, const char *name, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    clg__str_printf(&l->defines, "#define %s ", name);
    clg__str_vprintf(&l->defines, format, ap);
    clg__str_add(&l->defines, "\n");
    va_end(ap);
    if (l->defines.failed)
        clg__fail(&p->err, CLG_ENOMEM, "out of host memory");
}

void clg__kplan_grid(clg__launch *l, size_t gx, size_t gy, size_t gz, size_t ix, size_t iy,
                     size_t iz)
{
    l->dims = gz * iz > 1 ? 3 : gy * iy > 1 ? 2 : 1;
    l->grid[0] = gx;
    l->grid[1] = gy;
    l->grid[2] = gz;
    l->group[0] = ix;
    l->group[1] = iy;
    l->group[2] = iz;
}

void clg__kplan_items(clg__launch *l, int64_t n)
{
    clg__kplan_grid(l, (size_t) ((n + 63) / 64), 1, 1, 64, 1, 1);
}

int clg__kplan_side(int most, int max_work_group, bool squared)
{
    while (most > 1 && (squared ? most * most : most) > max_work_group)
        most /= 2;
    return most;
}

static void add(clg__kplan *p, clg__launch *l, clg__arg a)
{
    if (p->err.status < 0)
        return;
    if (l->n_args >= CLG__MAX_ARGS) {
        clg__fail(&p->err, CLG_EINVAL, "kernel %s: more than %d arguments", l->entry, CLG__MAX_ARGS);
        return;
    }
    if (!clg__grow((void **) &l->args, &l->cap_args, l->n_args + 1, sizeof *l->args)) {
        clg__fail(&p->err, CLG_ENOMEM, "kernel %s: out of host memory", l->entry);
        return;
    }
    l->args[l->n_args++] = a;
}

void clg__arg_in(clg__kplan *p, clg__launch *l, int input)
{
    add(p, l, (clg__arg) { .kind = CLG__ARG_IN, .index = input });
}

void clg__arg_in_offset(clg__kplan *p, clg__launch *l, int input)
{
    add(p, l, (clg__arg) { .kind = CLG__ARG_IN_OFFSET, .index = input });
}

void clg__arg_out(clg__kplan *p, clg__launch *l, int output)
{
    add(p, l, (clg__arg) { .kind = CLG__ARG_OUT, .index = output });
}

void clg__arg_temp(clg__kplan *p, clg__launch *l, int temp)
{
    add(p, l, (clg__arg) { .kind = CLG__ARG_TEMP, .index = temp });
}

void clg__arg_buffers(clg__kplan *p, clg__launch *l, int n_in, int n_out)
{
    for (int i = 0; i < n_in; i++) {
        clg__arg_in(p, l, i);
        clg__arg_in_offset(p, l, i);
    }
    for (int i = 0; i < n_out; i++)
        clg__arg_out(p, l, i);
}

void clg__arg_geo(clg__kplan *p, clg__launch *l)
{
    add(p, l, (clg__arg) { .kind = CLG__ARG_GEO });
}

void clg__arg_scalar(clg__kplan *p, clg__launch *l, int input, clg_dtype t)
{
    add(p, l, (clg__arg) { .kind = CLG__ARG_SCALAR, .index = input, .dtype = t });
}

void clg__arg_seed(clg__kplan *p, clg__launch *l, int input)
{
    add(p, l, (clg__arg) { .kind = CLG__ARG_SEED, .index = input });
}

void clg__arg_i32(clg__kplan *p, clg__launch *l, int32_t v)
{
    add(p, l, (clg__arg) { .kind = CLG__ARG_I32, .i = v });
}

void clg__arg_i64(clg__kplan *p, clg__launch *l, int64_t v)
{
    add(p, l, (clg__arg) { .kind = CLG__ARG_I64, .i = v });
}

void clg__arg_offset(clg__kplan *p, clg__launch *l, int64_t v, int position, int also)
{
    add(p, l, (clg__arg) { .kind = CLG__ARG_OFFSET, .i = v, .index = position, .also = also });
}

void clg__arg_local(clg__kplan *p, clg__launch *l, size_t bytes)
{
    add(p, l, (clg__arg) { .kind = CLG__ARG_LOCAL, .i = (int64_t) bytes });
}

void clg__arg_epilogue(clg__kplan *p, clg__launch *l)
{
    add(p, l, (clg__arg) { .kind = CLG__ARG_EPILOGUE });
}

void clg__arg_block(clg__kplan *p, clg__launch *l, const char *block, const clg__named *v, size_t n)
{
    clg__str names = { 0 }, declared = { 0 };
    char name[40];
    for (size_t i = 0; i < n; i++) {
        clg__str_printf(&names, "%s%s", i ? ", " : "", v[i].name);
        clg__str_printf(&declared, "%s%s %s", i ? ", " : "", v[i].wide ? "long" : "int", v[i].name);
        if (v[i].wide)
            clg__arg_i64(p, l, v[i].value);
        else
            clg__arg_i32(p, l, (int32_t) v[i].value);
    }
    clg__format(name, sizeof name, "%s_NAMES", block);
    if (names.failed || declared.failed) {
        clg__fail(&p->err, CLG_ENOMEM, "kernel %s: out of host memory", l->entry);
    } else {
        clg__kplan_define(p, l, block, "%s", clg__str_text(&declared));
        clg__kplan_define(p, l, name, "%s", clg__str_text(&names));
    }
    clg__str_free(&names);
    clg__str_free(&declared);
}

int clg__kplan_geo(clg__kplan *p, int64_t v)
{
    if (!clg__grow((void **) &p->geo, &p->cap_geo, p->n_geo + 1, sizeof *p->geo)) {
        clg__fail(&p->err, CLG_ENOMEM, "kernel plan: out of host memory");
        return 0;
    }
    p->geo[p->n_geo] = v;
    return p->n_geo++;
}

void clg__arg_table(clg__kplan *p, clg__launch *l, const char *block, const clg__named *v, size_t n)
{
    clg__str read = { 0 };
    char name[40];
    const int base = p->n_geo;
    clg__arg_geo(p, l);
    clg__arg_i32(p, l, base);
    for (size_t i = 0; i < n; i++) {
        clg__kplan_geo(p, v[i].value);
        clg__str_printf(&read, "const %s %s = %stable[table_at + %d]; ", v[i].wide ? "long" : "int", v[i].name,
                        v[i].wide ? "" : "(int) ", (int) i);
    }
    clg__format(name, sizeof name, "%s_READ", block);
    if (read.failed) {
        clg__fail(&p->err, CLG_ENOMEM, "kernel %s: out of host memory", l->entry);
    } else {
        clg__kplan_define(p, l, block, "__global const long *restrict table, int table_at");
        clg__kplan_define(p, l, name, "%s", clg__str_text(&read));
    }
    clg__str_free(&read);
}
