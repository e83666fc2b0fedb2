// SPDX-License-Identifier: MIT
// How op files make nodes: entering a call, failing it with one clear message, finishing it.
#include "graph/build.h"

#include "base/alloc.h"
#include "base/format.h"
#include "graph/node.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

// "a", of names "a b"; "t[1]", of names "t[]"; or "input 1"
static const char *input_name(const clg__call *c, int i, char text[64])
{
    const char *name = c->names;
    const size_t length = name ? strlen(name) : 0;
    if (length > 2 && strcmp(name + length - 2, "[]") == 0) {
        clg__format(text, 64, "%.*s[%d]", (int) length - 2, name, i);
        return text;
    }
    for (int k = 0; k < i && name; k++) {
        name += strcspn(name, " ");
        name = *name ? name + 1 : NULL;
    }
    if (name && *name)
        clg__format(text, 64, "%.*s", (int) strcspn(name, " "), name);
    else
        clg__format(text, 64, "input %d", i);
    return text;
}

// Why a call cannot begin, worst first: a bug of the caller, then poison.
static bool refuse(clg__call *c)
{
    char dead[CLG__ERR_TEXT], name[64], text[CLG__ERR_TEXT + 200];
    const char *why = NULL;
    clg_tensor bad = NULL;
    int i;
    for (i = 0; i < c->n && !c->dev; i++)
        c->dev = c->in[i] && clg__is_open(c->in[i]->dev) ? c->in[i]->dev : NULL;
    for (i = 0; i < c->n && !why; i++) {
        why = c->in[i] ? clg__why_dead(c->in[i], dead) : "is NULL";
        if (!why && !bad && c->in[i]->status < 0)
            bad = c->in[i];
    }
    if (!why && bad) {
        c->bad = bad;
        return false;
    }
    for (int k = 0; k < c->n && !why; k++) {
        if (c->in[k]->dev != c->dev) {
            why = "belongs to another device";
            i = k + 1;
        }
    }
    if (why)
        clg__format(text, sizeof text, "%s%s%.100s%s: %s %s", c->op, c->dev && c->dev->layer ? " '" : "",
                 c->dev && c->dev->layer ? c->dev->layer : "", c->dev && c->dev->layer ? "'" : "",
                 input_name(c, i - 1, name), why);
    else
        clg__format(text, sizeof text, "%s: there are no inputs", c->op);
    if (c->n > 0)
        clg__caller_bug(text);
    c->bad = clg__poison(c->dev, CLG_EINVAL, text);
    return false;
}

bool clg__call_begin(clg__call *c, const char *op, const char *names, int n, const clg_tensor *in)
{
    *c = (clg__call) { .op = op, .names = names, .n = n, .in = in };
    bool fine = n > 0 && in;
    if (n > 0 && !in)
        c->n = 0;
    if (n <= (int) (sizeof c->few / sizeof c->few[0])) {
        for (int i = 0; i < c->n; i++)
            c->few[i] = in[i];
        c->in = c->few;
    }
    for (int i = 0; i < n && fine; i++) // a dead node has an error's status
        fine = in[i] && in[i]->status >= 0 && in[i]->dev == in[0]->dev && clg__is_held(clg__node_of(in[i]));
    if (!fine)
        return refuse(c);
    c->dev = in[0]->dev;
    c->causes = c->dev->n_causes;
    return true;
}

bool clg__is_usable(clg_tensor t)
{
    return t && t->status >= 0 && clg__is_held(clg__node_of(t));
}

void clg__call_source(clg__call *c, clg_device dev, const char *op)
{
    *c = (clg__call) { .dev = clg__is_open(dev) ? dev : NULL, .op = op };
    c->no_device = clg__why_no_device(dev);
    if (c->no_device)
        clg__caller_bug(c->no_device);
    else
        c->causes = dev->n_causes;
}

clg_tensor clg__call_poison(const clg__call *c)
{
    // The failing call publishes its own cause, also when the message was cleared meanwhile.
    clg__publish(c->dev, c->bad->status, clg__cause_text(c->bad));
    return clg__poison_from(c->bad);
}

const char *clg__shape_text(const clg_shape *s, char buf[128])
{
    size_t at = 0;
    buf[0] = '\0';
    if (s->rank == 0)
        clg__format(buf, 128, "scalar");
    for (int d = 0; d < s->rank && d < CLG_MAX_RANK && at < 120; d++)
        at += (size_t) clg__format(buf + at, 128 - at, d ? "x%lld" : "%lld", (long long) s->dim[d]);
    return buf;
}

static void add_inputs(const clg__call *c, clg__str *s)
{
    const char *name = c->names && strchr(c->names, '[') ? NULL : c->names;
    for (int i = 0; i < c->n && i < 6; i++) {
        char shape[128];
        const int length = name ? (int) strcspn(name, " ") : 0;
        clg__str_add(s, i ? ", " : " [");
        if (length > 0)
            clg__str_printf(s, "%.*s ", length, name);
        clg__str_printf(s, "%s %s", clg__shape_text(&c->in[i]->shape, shape),
                        clg_dtype_name(c->in[i]->dtype));
        name = name && name[length] ? name + length + 1 : NULL;
    }
    if (c->n > 6)
        clg__str_printf(s, ", and %d more", c->n - 6);
    clg__str_add(s, c->n ? "]" : "");
}

static void add_head(const clg__call *c, clg__str *s)
{
    clg__str_add(s, c->op);
    if (c->dev && c->dev->layer)
        clg__str_printf(s, " '%.200s'", c->dev->layer);
    if (c->dev && clg__here.file)
        clg__str_printf(s, " at %.200s:%d", clg__here.file, clg__here.line);
    else if (c->dev && c->dev->file)
        clg__str_printf(s, " (%s:%d)", c->dev->file, c->dev->line);
    clg__str_add(s, ": ");
}

clg_tensor clg__call_fail(const clg__call *c, clg_status st, const char *format, ...)
{
    clg__str s = { 0 };
    va_list ap;
    add_head(c, &s);
    const int reason = (int) s.length;
    va_start(ap, format);
    clg__str_vprintf(&s, format, ap);
    va_end(ap);
    const int length = (int) s.length - reason;
    add_inputs(c, &s);
    clg_tensor t = s.failed ? clg__poison(c->dev, st, clg_status_text(st))
                            : clg__poison_why(c->dev, st, clg__str_text(&s), reason, length);
    clg__str_free(&s);
    return t;
}

// The error that the call inside published was this one's.
static void forget(clg__err *e, const clg__cause *inner)
{
    if (e->status == inner->status && strncmp(e->text, inner->text, sizeof e->text - 1) == 0)
        e->status = CLG_OK;
}

clg_tensor clg__call_own(const clg__call *c, clg_tensor y)
{
    if (y->status >= 0)
        return y;
    if (c->no_device)
        return clg__call_fail(c, CLG_EINVAL, "%s", c->no_device);
    if (!c->dev || y->dev != c->dev)
        return y;
    clg__cause *inner = clg__node_of(y)->cause;
    if (!inner || inner->number <= c->causes) // an input's, or of no call
        return y;
    inner->refs++; // while its text is read
    forget(&c->dev->first, inner);
    forget(&c->dev->last, inner);
    y = inner->length ? clg__call_fail(c, inner->status, "%.*s", inner->length, inner->text + inner->reason)
                      : clg__call_fail(c, inner->status, "%s", inner->text);
    inner->refs--;
    return y;
}

clg_tensor clg_check_inputs(const char *op, const char *names, const clg_tensor *t, int n)
{
    clg__call c;
    return clg__call_begin(&c, op ? op : "?", names, n, t) ? NULL : clg__call_poison(&c);
}

const char *clg_tensor_error(clg_tensor t)
{
    clg__call c;
    if (clg__call_begin(&c, "tensor_error", "t", 1, &t))
        return clg_status_text(CLG_OK);
    return clg__cause_text(c.bad);
}

// What every new tensor must satisfy, whatever made it.
static clg_tensor check_result(const clg__call *c, clg_dtype t, const clg_shape *s)
{
    int64_t n;
    char text[128];
    if (!c->dev)
        return clg__call_fail(c, CLG_EINVAL, "%s", c->no_device ? c->no_device : "the device is NULL");
    if (t == (clg_dtype) CLG_DTYPE_COUNT)
        return clg__call_fail(c, CLG_EDTYPE, "no element type holds the values of both");
    if (!clg_dtype_size(t))
        return clg__call_fail(c, CLG_EDTYPE, "%d is not an element type", (int) t);
    if (!clg_device_has(c->dev, t))
        return clg__call_fail(c, CLG_EDTYPE, "device %s does not compute with %s",
                              c->dev->info->name, clg_dtype_name(t));
    if (s->rank < 0 || s->rank > CLG_MAX_RANK)
        return clg__call_fail(c, CLG_ESHAPE, "rank %d, expected 0 to %d", s->rank, CLG_MAX_RANK);
    if (!clg__numel(s, &n) || n > INT64_MAX / 16)
        return clg__call_fail(c, CLG_ESHAPE, "shape %s is negative or too large",
                              clg__shape_text(s, text));
    return NULL;
}

clg_tensor clg__call_node(const clg__call *c, const clg__op *op, clg_dtype t, const clg_shape *s,
                          const void *params)
{
    clg_tensor bad = check_result(c, t, s);
    if (bad)
        return bad;
    const clg_tensor y = clg__handle(c->dev, clg__node_new(c->dev, op, t, s, c->n, c->in, params));
    if (c->dev->n_observers > 0)
        clg__observed(y, op->name);
    return y;
}

static void key_out(const void *params, clg__key *k)
{
    clg__key_i64(k, *(const int *) params);
}

const clg__op clg__op_out = { .name = "out", .kind = CLG__OUT, .key = key_out,
                              .params_bytes = sizeof(int) };

// The operation has no handle and never a buffer: each output is a node that holds its own.
void clg__call_node_n(const clg__call *c, const clg__op *op, int n_out, const clg_dtype *t,
                      const clg_shape *s, const void *params, clg_tensor *out)
{
    clg_tensor bad = n_out > CLG__MAX_OUTPUTS
                         ? clg__call_fail(c, CLG_EINVAL, "%d outputs, expected at most %d", n_out,
                                          CLG__MAX_OUTPUTS)
                         : NULL;
    for (int k = 0; k < n_out && !bad; k++)
        bad = check_result(c, t[k], &s[k]);
    clg__node *n = bad ? NULL : clg__node_new(c->dev, op, t[0], &s[0], c->n, c->in, params);
    if (n && !(n->outs = clg__calloc(1, sizeof *n->outs))) {
        clg__node_unref(n);
        n = NULL;
    }
    if (!n && !bad)
        bad = clg__handle(c->dev, NULL);
    for (int k = 0; k < n_out && bad; k++)
        out[k] = bad;
    if (!n)
        return;
    n->outs->n = n_out;
    for (int k = 0; k < n_out; k++) {
        n->outs->dtype[k] = t[k];
        n->outs->shape[k] = s[k];
    }
    const clg_tensor of = &n->pub;
    for (int k = 0; k < n_out; k++)
        out[k] = clg__handle(c->dev, clg__node_new(c->dev, &clg__op_out, t[k], &s[k], 1, &of, &k));
    clg__node_unref(n);
}

clg_tensor clg__call_view(const clg__call *c, const clg__op *op, const clg_shape *s,
                          const clg__access *g, double fill, const void *params)
{
    clg_tensor bad = check_result(c, c->in[0]->dtype, s);
    if (bad)
        return bad;
    clg__node *n = clg__node_new(c->dev, op, c->in[0]->dtype, s, c->n, c->in, params);
    if (n) {
        clg__node *of = clg__node_of(c->in[0]);
        n->base = of->base && !of->buf ? of->base : of;
        n->base->refs++;
        n->access = *g;
        n->fill = fill;
    }
    return clg__handle(c->dev, n);
}

clg__access clg__tensor_access(clg_tensor t, double *fill)
{
    const clg__node *n = clg__node_of(t);
    const bool own = !n->base || n->buf;
    if (fill)
        *fill = own ? 0 : n->fill;
    return own ? clg__access_contiguous(&t->shape) : n->access;
}

static clg_tensor copy_vjp(const clg__vjp *v, int i)
{
    (void) i;
    return v->g;
}

// A pointwise identity: forces the elements into row-major order.
static const clg__op op_contiguous = { .name = "contiguous", .kind = CLG__POINTWISE, .text = "a",
                                       .arity = 1, .domain = CLG__ANY, .vjp = copy_vjp };

clg_tensor clg__contiguous(clg_tensor t)
{
    clg__call c;
    if (clg__is_usable(t) && (!clg__node_of(t)->base || clg__node_of(t)->buf))
        return t;
    if (!clg__call_begin(&c, "contiguous", "a", 1, (clg_tensor[]) { t }))
        return clg__call_poison(&c);
    return clg__call_node(&c, &op_contiguous, t->dtype, &t->shape, NULL);
}

static void key_const(const void *params, clg__key *k)
{
    clg__key_f64(k, *(const double *) params);
}

const clg__op clg__op_const = { .name = "const", .kind = CLG__CONST, .key = key_const,
                                .params_bytes = sizeof(double) };
// No key: the number is an argument of the kernel.
const clg__op clg__op_scalar = { .name = "scalar", .kind = CLG__SCALAR,
                                 .params_bytes = sizeof(double) };

static const clg__op op_number = { .name = "number", .kind = CLG__SCALAR, .key = key_const,
                                   .params_bytes = sizeof(double) };

clg_tensor clg__num(clg_device dev, clg_dtype t, double v)
{
    clg__call c;
    clg__call_source(&c, dev, "number");
    return clg__call_node(&c, &op_number, t, &CLG_SCALAR, &v);
}

clg_tensor clg__lit(clg_device dev, clg_dtype t, double v)
{
    clg__call c;
    clg__call_source(&c, dev, "literal");
    return clg__call_node(&c, &clg__op_const, t, &CLG_SCALAR, &v);
}

clg_tensor clg_scalar(clg_device dev, clg_dtype t, double value)
{
    clg__call c;
    clg__call_source(&c, dev, "scalar");
    return clg__call_node(&c, &clg__op_scalar, t, &CLG_SCALAR, &value);
}

clg_tensor clg__custom_vjp(const clg__op *op, clg_tensor y, int n, const clg_tensor *in,
                           const void *params)
{
    clg_tensor few[16], *all = n < 16 ? few : clg__malloc(((size_t) n + 1) * sizeof *all), t;
    clg__call c;
    if (!all)
        return clg__handle(y ? y->dev : NULL, NULL);
    all[0] = y;
    for (int i = 0; i < n; i++)
        all[i + 1] = in[i];
    if (!clg__call_begin(&c, op->name, NULL, n + 1, all))
        t = clg__call_poison(&c);
    else
        t = clg__call_node(&c, op, y->dtype, &y->shape, params);
    if (all != few)
        clg__free(all);
    return t;
}

clg_tensor clg__no_grad(const clg__vjp *v, const char *why)
{
    const clg__node *n = clg__node_of(v->y);
    if (n->op->kind == CLG__OUT && n->n_in)
        n = n->in[0];
    clg__call c = { .dev = v->y->dev, .op = n->op->name, .n = v->n_in, .in = v->in };
    return clg__call_fail(&c, CLG_EGRAD, "has no derivative here: %s", why);
}

bool clg_is_tracked(clg_tensor t)
{
    clg__call c;
    return t && clg__call_begin(&c, "is_tracked", "t", 1, &t) && clg__node_of(t)->tracked;
}

clg_tensor clg_label(clg_tensor t, const char *label)
{
    clg__call c;
    if (!t || !label)
        return t;
    if (!clg__call_begin(&c, "label", "t", 1, &t))
        return clg__call_poison(&c);
    clg__node *n = clg__node_of(t);
    char *copy = clg__strdup(label);
    if (copy) {
        clg__free(n->label);
        n->label = copy;
    }
    return t;
}

void clg__key_i64(clg__key *k, int64_t v)
{
    clg__str_add_n(&k->bytes, &v, sizeof v);
}

void clg__key_f64(clg__key *k, double v)
{
    clg__str_add_n(&k->bytes, &v, sizeof v);
}
