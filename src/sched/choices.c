// SPDX-License-Identifier: MIT
// CLGRAD_VARIANT: reading it, and saying what there is.
#include "sched/choices.h"

#include "base/alloc.h"
#include "base/format.h"
#include <clgrad/device.h>

#include <string.h>

// A part of the text.
typedef struct word {
    const char *at;
    size_t n;
} word;

static bool is(word w, const char *text)
{
    return strlen(text) == w.n && memcmp(w.at, text, w.n) == 0;
}

// What stands before the next `end`, without blanks around it; *text goes behind it.
static word next(const char **text, const char *ends)
{
    const char *from = *text + strspn(*text, " \t\n");
    size_t n = strcspn(from, ends);
    *text = from + n;
    while (n > 0 && strchr(" \t\n", from[n - 1]))
        n--;
    return (word) { from, n };
}

static bool name_is(word w, const char *name)
{
    const bool classed = strncmp(name, "cpu_", 4) == 0 || strncmp(name, "gpu_", 4) == 0;
    return is(w, name) || (classed && is(w, name + 4));
}

// "rows=1..8", separated by commas; what: "rows=1..8 of a register tile"
static void params_text(const clg__variant *v, bool what, clg__str *out)
{
    for (int i = 0; i < v->n_params; i++) {
        const clg__param *p = &v->params[i];
        clg__str_printf(out, "%s%s=%d..%d%s", i ? ", " : "", p->name, p->least, p->most, p->power ? " (a power of two)" : "");
        if (what)
            clg__str_printf(out, " %s", p->what);
    }
}

void clg_variant_list(void (*each)(void *user, const char *op, const char *variant, const char *params), void *user)
{
    const clg__op *op;
    for (int i = 0; each && (op = clg__kernel_op(i)); i++) {
        for (int k = 0; k < op->n_variants; k++) {
            clg__str s = { 0 };
            params_text(&op->variants[k], true, &s);
            each(user, op->name, op->variants[k].name, s.failed ? "" : clg__str_text(&s));
            clg__str_free(&s);
        }
    }
}

// "CLGRAD_VARIANT: <what> 'w'; there are <list>"
static bool refuse(clg__err *e, const char *what, word w, clg__str *list)
{
    if (list->failed)
        clg__fail(e, CLG_ENOMEM, "device open: out of host memory");
    else
        clg__fail(e, CLG_EINVAL, "CLGRAD_VARIANT: %s '%.*s'; %s", what, (int) (w.n < 60 ? w.n : 60), w.at,
                  clg__str_text(list));
    clg__str_free(list);
    return false;
}

static const clg__op *find_op(word w, clg__err *e)
{
    clg__str list = { 0 };
    const clg__op *op;
    for (int i = 0; (op = clg__kernel_op(i)); i++) {
        if (is(w, op->name))
            return op;
    }
    for (int i = 0; (op = clg__kernel_op(i)); i++)
        clg__str_printf(&list, "%s%s", i ? ", " : "there are ", op->name);
    refuse(e, "there is no operation", w, &list);
    return NULL;
}

static bool no_variant(const clg__op *op, word w, clg__err *e)
{
    clg__str list = { 0 };
    clg__str_printf(&list, "%s has ", op->name);
    for (int i = 0; i < op->n_variants; i++)
        clg__str_printf(&list, "%s%s", i ? ", " : "", op->variants[i].name);
    return refuse(e, "there is no variant", w, &list);
}

static bool no_param(const clg__op *op, const clg__variant *v, const char *what, word w, clg__err *e)
{
    clg__str list = { 0 };
    clg__str_printf(&list, "%s=%s has ", op->name, v->name);
    params_text(v, false, &list);
    if (v->n_params == 0)
        clg__str_add(&list, "no parameters");
    return refuse(e, what, w, &list);
}

// "parameter=value"
static bool read_param(const clg__op *op, clg__choice *c, const char **at, clg__err *e)
{
    const clg__variant *v = &op->variants[c->variant];
    const word name = next(at, "=,;");
    int k = 0;
    while (k < v->n_params && !is(name, v->params[k].name))
        k++;
    if (k == v->n_params)
        return no_param(op, v, "there is no parameter", name, e);
    word value = { name.at, name.n };
    if (**at == '=') {
        ++*at;
        value = next(at, ",;");
    }
    char digits[16];
    int64_t n = 0;
    if (value.n < sizeof digits) {
        memcpy(digits, value.at, value.n);
        digits[value.n] = '\0';
        if (!clg__parse_i64(digits, &n))
            n = 0;
    }
    const clg__param *p = &v->params[k];
    if (n < p->least || n > p->most || (p->power && (n & (n - 1))))
        return no_param(op, v, "the value is out of range:", value, e);
    c->set[k] = (int) n;
    return true;
}

// ":parameter=value,..." of all variants that have the name; the latest choice for a variant counts.
static bool read_choice(clg__choices *all, const char **at, clg__err *e)
{
    const word op_name = next(at, "=;");
    const clg__op *op = find_op(op_name, e);
    if (!op)
        return false;
    word name = { *at, 0 };
    if (**at == '=') {
        ++*at;
        name = next(at, ":;");
    }
    const char *params = *at, *after = *at;
    int found = 0;
    for (int i = 0; i < op->n_variants; i++) {
        if (!name_is(name, op->variants[i].name))
            continue;
        clg__choice c = { .op = op, .variant = i };
        after = params;
        while (*after == ':' || *after == ',') {
            after++;
            if (!read_param(op, &c, &after, e))
                return false;
        }
        if (!clg__grow((void **) &all->all, &all->cap, all->n + 1, sizeof *all->all)) {
            clg__fail(e, CLG_ENOMEM, "device open: out of host memory");
            return false;
        }
        all->all[all->n++] = c;
        found++;
    }
    *at = after;
    return found > 0 || no_variant(op, name, e);
}

bool clg__choices_read(clg__choices *c, const char *text, clg__err *e)
{
    while (text && *text) {
        text += strspn(text, " \t\n;");
        if (*text && !read_choice(c, &text, e))
            return false;
    }
    return true;
}

void clg__choices_free(clg__choices *c)
{
    clg__free(c->all);
    *c = (clg__choices) { 0 };
}

const clg__choice *clg__choices_find(const clg__choices *c, const clg__op *op, int variant)
{
    for (int i = c->n - 1; i >= 0; i--) {
        if (c->all[i].op == op && c->all[i].variant == variant)
            return &c->all[i];
    }
    return NULL;
}
