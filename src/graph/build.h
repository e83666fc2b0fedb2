// SPDX-License-Identifier: MIT
// How op files make nodes. Every builder:
//
//     clg_tensor clg_foo(clg_tensor a, clg_tensor b)
//     {
//         clg__call c;
//         if (!clg__call_begin(&c, "foo", "a b", 2, (clg_tensor[]) { a, b }))
//             return clg__call_poison(&c);              // NULL, foreign or poisoned input
//         if (a->shape.rank != 2)
//             return clg__call_fail(&c, CLG_ESHAPE, "a has rank %d, expected 2", a->shape.rank);
//         return clg__call_node(&c, &op, a->dtype, &shape, &params);
//     }
#ifndef CLG_GRAPH_BUILD_H
#define CLG_GRAPH_BUILD_H

#include "graph/op.h"
#include <clgrad/autocast.h>

typedef struct clg__call {
    clg_device dev;
    const char *op;
    const char *names; // of the inputs, blank-separated, for messages; "t[]": t[0], t[1]; NULL: numbered
    int n;
    const clg_tensor *in; // copied up to 8: a literal in an if's condition is gone in its body
    clg_tensor few[8];
    clg_tensor bad; // the poisoned input, or the poison that says why there can be no call
    uint64_t causes; // of the device when the call began
    const char *no_device; // a call without inputs: why there is no device
} clg__call;

bool clg__call_begin(clg__call *c, const char *op, const char *names, int n, const clg_tensor *in);
// Could a call begin with t? For those that may return their argument as it is.
bool clg__is_usable(clg_tensor t);
void clg__call_source(clg__call *c, clg_device dev, const char *op); // ops without inputs
clg_tensor clg__call_poison(const clg__call *c);
// "foo 'layer' (file:line): <message> [a 2x3 f32, b 4 i64]": the layer of clg_set_layer, where there is
// one, and the place of the innermost scope. Poisons, and publishes to the device.
clg_tensor clg__call_fail(const clg__call *c, clg_status st, const char *format, ...)
    CLG_PRINTF(3, 4);
// What an op built of others returns: y, and where one of those failed, its reason under this op's name and
// with this op's inputs.
clg_tensor clg__call_own(const clg__call *c, clg_tensor y);
// A node with c's inputs. params (op->params_bytes) are copied.
clg_tensor clg__call_node(const clg__call *c, const clg__op *op, clg_dtype t, const clg_shape *s,
                          const void *params);
// A KERNEL node with several outputs: each is a tensor of its own, evaluated for itself.
void clg__call_node_n(const clg__call *c, const clg__op *op, int n_out, const clg_dtype *t,
                      const clg_shape *s, const void *params, clg_tensor *out);
// A view of c.in[0] with this geometry over the base of in[0]; fill is used when windowed.
clg_tensor clg__call_view(const clg__call *c, const clg__op *op, const clg_shape *s,
                          const clg__access *g, double fill, const void *params);
// Geometry of t over its base (contiguous for anything but a view, and once it is evaluated); the fill of
// a windowed one.
clg__access clg__tensor_access(clg_tensor t, double *fill);
// t as one contiguous tensor: t itself unless it is a view, else a copy node.
clg_tensor clg__contiguous(clg_tensor t);

// Small literals of gradients and composites: a 0-d tensor whose value is part of the kernel text.
clg_tensor clg__lit(clg_device dev, clg_dtype t, double v);
// A number that follows from shapes (1/n): equal ones are one value, but it stays out of the kernel's
// text, so that another batch size compiles nothing.
clg_tensor clg__num(clg_device dev, clg_dtype t, double v);
// y as a composite computed it, with this op's derivative instead of the composite's own.
// in[] are the tensors that op->vjp differentiates with respect to.
clg_tensor clg__custom_vjp(const clg__op *op, clg_tensor y, int n, const clg_tensor *in,
                           const void *params);
// Inside a vjp: there is no derivative, and this is why.
clg_tensor clg__no_grad(const clg__vjp *v, const char *why);

// Shape helpers.
bool clg__broadcast(const clg_shape *a, const clg_shape *b, clg_shape *out);
bool clg__shape_equal(const clg_shape *a, const clg_shape *b);
// Axes are negative from the end; a 0-d tensor has 0 and -1, where shape.dim[0] is no size of it.
bool clg__axis(int64_t axis, int rank, int *out);
// CLG_AXES list to flags; empty: all. false with which axis is bad or doubled.
bool clg__axes(clg_shape axes, int rank, bool flag[CLG_MAX_RANK], int64_t *bad);
bool clg__numel(const clg_shape *s, int64_t *out); // false: negative dimension or overflow
const char *clg__shape_text(const clg_shape *s, char buf[128]); // "2x3", "scalar"

// The two halves of promotion: one result type for tensors, 0-d ones weak; see dtype.c for the table.
clg_dtype clg__result_type(int n, const clg_tensor *in);
#endif
