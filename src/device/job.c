// SPDX-License-Identifier: MIT
// A job as bytes: both ends are the same program on one machine, so that numbers lie as in memory; lengths are checked
// all the same, because anybody may start such a process.
#include "device/job.h"

#include "base/alloc.h"

#include <clgrad/clgrad.h>
#include <string.h>

static const char magic[16] = "clgrad job 1\n";
enum { MOST_KERNELS = 1 << 16, MOST_ARGS = 160 };

// ---- writing

static void put(clg__str *s, uint64_t v)
{
    clg__str_add_n(s, &v, sizeof v);
}

// Eight-byte aligned, so that data can be used where it lies; a byte 0 follows texts.
static void put_bytes(clg__str *s, const void *bytes, size_t n)
{
    static const char zeros[8];
    put(s, n);
    if (n)
        clg__str_add_n(s, bytes, n);
    clg__str_add_n(s, zeros, 8 - n % 8);
}

static void put_text(clg__str *s, const char *text)
{
    put_bytes(s, text, strlen(text));
}

static void put_trial(clg__str *s, const clg__trial *t)
{
    put(s, (uint64_t) t->dims);
    for (int d = 0; d < 3; d++) {
        put(s, t->groups[d]);
        put(s, t->items[d]);
    }
    put(s, (uint64_t) t->n_args);
    for (int i = 0; i < t->n_args; i++) {
        const clg__trial_arg *a = &t->args[i];
        put(s, (uint64_t) a->kind);
        put(s, a->bytes);
        put(s, a->value);
        put(s, a->data != NULL);
        if (a->data)
            put_bytes(s, a->data, a->bytes);
    }
}

void clg__job_write(const clg__job *j, clg__str *out)
{
    clg__str_add_n(out, magic, sizeof magic);
    put_text(out, clg_version());
    put_text(out, j->identity);
    put(out, (uint64_t) j->device);
    put_text(out, j->options);
    put(out, j->own_declarations);
    put(out, j->only_own);
    put_bytes(out, clg__str_text(&j->program), j->program.length);
    put(out, (uint64_t) j->n_kernels);
    for (int i = 0; i < j->n_kernels; i++) {
        put_text(out, j->kernels[i].name);
        put_trial(out, &j->kernels[i].trial);
    }
}

// ---- reading

typedef struct cursor {
    char *at, *end;
    bool failed;
} cursor;

static uint64_t take(cursor *c, uint64_t most)
{
    uint64_t v = 0;
    c->failed |= (size_t) (c->end - c->at) < sizeof v;
    if (c->failed)
        return 0;
    memcpy(&v, c->at, sizeof v);
    c->at += sizeof v;
    c->failed |= v > most;
    return c->failed ? 0 : v;
}

static char *take_bytes(cursor *c, size_t *n)
{
    *n = (size_t) take(c, SIZE_MAX / 2);
    const size_t left = (size_t) (c->end - c->at), room = *n + 8 - *n % 8;
    c->failed |= room > left;
    if (c->failed) {
        *n = 0;
        return c->end; // a byte 0 lies there
    }
    char *at = c->at;
    c->at += room;
    return at;
}

static const char *take_text(cursor *c)
{
    size_t n;
    const char *text = take_bytes(c, &n);
    c->failed |= strlen(text) != n;
    return text;
}

static void take_trial(cursor *c, clg__trial *t)
{
    t->dims = (int) take(c, 3);
    for (int d = 0; d < 3; d++) {
        t->groups[d] = (size_t) take(c, SIZE_MAX);
        t->items[d] = (size_t) take(c, SIZE_MAX);
    }
    const int n = (int) take(c, MOST_ARGS);
    t->args = n && !c->failed ? clg__calloc((size_t) n, sizeof *t->args) : NULL;
    if (!t->args)
        return;
    t->n_args = n;
    for (int i = 0; i < n; i++) {
        clg__trial_arg *a = &t->args[i];
        a->kind = (clg__trial_kind) take(c, CLG__TRIAL_LOCAL);
        a->bytes = (size_t) take(c, SIZE_MAX);
        a->value = take(c, UINT64_MAX);
        c->failed |= a->kind == CLG__TRIAL_VALUE && a->bytes > sizeof a->value;
        if (take(c, 1)) {
            size_t bytes;
            a->data = take_bytes(c, &bytes);
            c->failed |= bytes != a->bytes;
        }
    }
}

bool clg__job_read(clg__job *j, char *bytes, size_t n)
{
    cursor c = { .at = bytes, .end = bytes + n };
    *j = (clg__job) { 0 };
    if (n < sizeof magic || memcmp(bytes, magic, sizeof magic) != 0)
        return false;
    c.at += sizeof magic;
    c.failed = strcmp(take_text(&c), clg_version()) != 0;
    j->identity = take_text(&c);
    j->device = (int) take(&c, INT32_MAX);
    j->options = take_text(&c);
    j->own_declarations = take(&c, 1);
    j->only_own = take(&c, 1);
    size_t length;
    const char *program = take_bytes(&c, &length);
    clg__str_add_n(&j->program, program, length);
    const int count = (int) take(&c, MOST_KERNELS);
    j->kernels = c.failed ? NULL : clg__calloc((size_t) count + 1, sizeof *j->kernels);
    j->n_kernels = j->kernels ? count : 0;
    for (int i = 0; i < j->n_kernels && !c.failed; i++) {
        j->kernels[i].name = take_text(&c);
        take_trial(&c, &j->kernels[i].trial);
    }
    return !c.failed && j->kernels && !j->program.failed && c.at == c.end;
}

void clg__job_free(clg__job *j)
{
    for (int i = 0; i < j->n_kernels; i++)
        clg__free(j->kernels[i].trial.args);
    clg__free(j->kernels);
    clg__str_free(&j->program);
}
