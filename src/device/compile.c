// SPDX-License-Identifier: MIT
// A program from its source: by the cache, or by the driver's compiler.
#include "device/internal.h"

#include "base/alloc.h"
#include "base/env.h"
#include "base/format.h"
#include "base/hash.h"
#include "base/log.h"

#include <string.h>
#include <time.h>

double clg__seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

// What builds take from the environment, read once: it may change while the device is open, and so may the
// working folder. No option that relaxes arithmetic, ever.
bool clg__build_options(clg__gpu *g, clg__err *e)
{
    const char *more = clg__env(CLG__CLGRAD_CL_OPTIONS), *folder = clg__env(CLG__CLGRAD_CL_DIR);
    const char *declarations = clg__env(CLG__CLGRAD_DECLARATIONS);
    clg__format(g->options, sizeof g->options, "-cl-std=CL1.2 -w %s", more ? more : "");
    // PoCL: the one driver known to read its declarations as text that a macro leaves out
    g->own_declarations = clg__is_pocl(g->found) && !(declarations && strcmp(declarations, "driver") == 0);
    g->only_own = declarations && strcmp(declarations, "own") == 0;
    if (!folder || !*folder)
        return true;
    g->cl_dir = clg__absolute(folder);
    if (!g->cl_dir)
        clg__fail(e, CLG_EIO, "CLGRAD_CL_DIR: there is no folder '%s'", folder);
    return g->cl_dir != NULL;
}

// CL_PROGRAM_BUILD_LOG; the caller frees it.
static char *log_of(clg__gpu *g, cl_program p)
{
    size_t size = 0;
    clGetProgramBuildInfo(p, g->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &size);
    char *log = clg__calloc(1, size + 1);
    if (log && size)
        clGetProgramBuildInfo(p, g->id, CL_PROGRAM_BUILD_LOG, size, log, NULL);
    return log;
}

static void build_failed(clg__gpu *g, cl_program p, cl_int rc, const char *files, clg__err *e)
{
    char *log = log_of(g, p);
    const char *first = log ? strstr(log, "error") : NULL;
    while (first && first > log && first[-1] != '\n') // from the place that is said before it
        first--;
    if (first && strncmp(first, "error: custom ", 14) == 0) // as PoCL has it
        first += 7;
    const char *own = first && strncmp(first, "custom ", 7) == 0 ? first + 7 : NULL; // text of an application's own
    if (rc == CL_BUILD_PROGRAM_FAILURE && own)
        clg__fail(e, CLG_EBUILD, "custom %.*s: its text did not compile on %s: %.700s", (int) strcspn(own, ":,\n"), own,
                  g->found->info.name, first);
    else if (rc == CL_BUILD_PROGRAM_FAILURE)
        clg__fail(e, CLG_EBUILD, "kernels did not build (%s) on %s:%s: %.500s", clg__cl_error(rc),
                  g->found->info.name, files, first ? first : log ? log : "");
    else
        clg__cl_fail(g, e, rc, "kernels did not build on %s:%.200s", g->found->info.name, files);
    clg__log(CLG__LOG_BUILD, "%s", log ? log : "");
    clg__free(log);
}

// Built or not: *rc says it. NULL: not even made.
static cl_program build(clg__gpu *g, const clg__str *source, const char *options, cl_int *rc)
{
    const char *text = source->text;
    cl_program p = clCreateProgramWithSource(g->context, 1, &text, &source->length, rc);
    if (p)
        *rc = clBuildProgram(p, 1, &g->id, options, NULL, NULL);
    return p;
}

// With cl/builtins.clh in place of the driver's declarations.
static cl_program build_with_own(clg__gpu *g, const clg__str *source, cl_int *rc)
{
    char options[sizeof g->options + 16];
    clg__str text = { 0 };
    clg__err none = { 0 };
    cl_program p = NULL;
    clg__format(options, sizeof options, "%s -D_OPENCL_H_", g->options);
    if (clg__add_file(&text, g->cl_dir, "builtins.clh", &none))
        clg__str_add_n(&text, source->text, source->length);
    if (none.status >= 0 && !text.failed)
        p = build(g, &text, options, rc);
    clg__str_free(&text);
    return p;
}

static cl_program build_source(clg__gpu *g, const clg__str *source, const char *files, clg__err *e)
{
    cl_int rc = CL_OUT_OF_HOST_MEMORY;
    cl_program p = NULL;
    if (g->own_declarations) {
        p = build_with_own(g, source, &rc);
        if (p && rc == CL_SUCCESS) {
            g->own_worked = true;
            return p;
        }
        if (p && g->only_own && g->own_worked) {
            build_failed(g, p, rc, files, e);
            clReleaseProgram(p);
            return NULL;
        }
        if (p)
            clReleaseProgram(p);
        clg__log(CLG__LOG_BUILD, "once more, with the driver's declarations");
    }
    // the text needs those, or the driver does, or the text is wrong, which this build will tell
    p = build(g, source, g->options, &rc);
    if (!p) {
        clg__cl_fail(g, e, rc, "clCreateProgramWithSource");
    } else if (rc != CL_SUCCESS) {
        build_failed(g, p, rc, files, e);
        clReleaseProgram(p);
        p = NULL;
    } else if (!g->own_worked) {
        g->own_declarations = false; // another driver: not tried again
    }
    return p;
}

cl_program clg__compile(clg__gpu *g, const clg__str *source, const char *files, clg__err *e)
{
    char key[33];
    clg__str id = { 0 };
    clg__str_printf(&id, "1|%s|%s|", g->identity, g->options);
    clg__str_add_n(&id, source->text, source->length);
    const bool keyed = !id.failed; // half a key would find other programs
    clg__hash_hex(clg__str_text(&id), id.length, key);
    const double start = clg__seconds();
    cl_program p = keyed ? clg__cache_load(g, key, &id) : NULL;
    if (p) {
        g->stats.programs_cached++;
        clg__log(CLG__LOG_BUILD, "program %s from the cache, %.3f s", key, clg__seconds() - start);
    } else {
        p = build_source(g, source, files, e);
        if (p) {
            g->stats.programs_built++;
            clg__log(CLG__LOG_BUILD, "program %s built, %.3f s", key, clg__seconds() - start);
            if (keyed)
                clg__cache_store(g, key, &id, p);
        }
    }
    clg__str_free(&id);
    return p;
}
