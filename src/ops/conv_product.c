// SPDX-License-Identifier: MIT
// Convolutions whose windows do not overlap, as matrix products of the CPU class (matmul_cpu.c): those of one place, and
// those that tile the image, as of patches. With pixels p of the result, and rows k of the image that are channel and place
// in the window,
//
//   y[n] = w x[n]          w [O,K], x [K,P]
//   dx[n] = w^T dy[n]
//   dw = sum_n dy[n] x[n]^T
//
// With a window of one place and stride 1 an image is that matrix as it lies. Else its rows are copied to scratch before
// (cl/conv_gather.cl), or a product lies in scratch and is spread over the image (cl/conv_spread.cl).
#include "ops/conv.h"
#include "ops/matmul.h"

enum { BATCH = CLG__MATMUL_BATCH, RANK = BATCH + 2 };
typedef enum use { USE_Y, USE_DX, USE_DW } use;

// The product, as a call of one: matrices a, b and the result, by size and steps.
typedef struct product {
    clg__kernel_call call;
    clg__matmul_params params;
    clg_shape in[2], out;
    clg__access in_access[2], out_access;
    clg_dtype type[2];
} product;

// Is an image its matrix as it lies?
static bool is_matrix(const clg__window *w)
{
    for (int i = 0; i < CLG__SPATIAL; i++) {
        if (w->stride[i] != 1 && w->in[i] != 1)
            return false;
    }
    return clg__window_size(w->k) == 1;
}

static clg_shape matrices(int64_t n, int64_t rows, int64_t columns)
{
    return (clg_shape) { .rank = RANK, .dim = { 1, 1, n, rows, columns } };
}

static clg__access turned(const clg_shape *s)
{
    clg_shape as_it_lies = *s;
    as_it_lies.dim[RANK - 2] = s->dim[RANK - 1];
    as_it_lies.dim[RANK - 1] = s->dim[RANK - 2];
    clg__access a = clg__access_contiguous(&as_it_lies);
    const int64_t step = a.stride[RANK - 1];
    a.stride[RANK - 1] = a.stride[RANK - 2];
    a.stride[RANK - 2] = step;
    return a;
}

static void product_of(const clg__kernel_call *c, use u, product *p)
{
    const clg__window *w = c->params;
    const int64_t k = w->c * clg__window_size(w->k), pixels = clg__window_size(w->out);
    *p = (product) { .type = { c->out_dtype[0], c->out_dtype[0] } };
    const int64_t weights = u == USE_DW ? w->n : 1, m = u == USE_DX ? k : w->o, n = u == USE_DW ? k : pixels;
    const int64_t sum = u == USE_Y ? k : u == USE_DX ? w->o : pixels;
    p->in[0] = matrices(weights, m, sum);
    p->in[1] = matrices(w->n, sum, n);
    p->out = matrices(u == USE_DW ? 1 : w->n, m, n);
    p->in_access[0] = u == USE_DX ? turned(&p->in[0]) : clg__access_contiguous(&p->in[0]);
    p->in_access[1] = u == USE_DW ? turned(&p->in[1]) : clg__access_contiguous(&p->in[1]);
    p->out_access = clg__access_contiguous(&p->out);
    p->params.sum[BATCH - 1] = u == USE_DW && w->n != 1;
    p->call = (clg__kernel_call) { .caps = c->caps, .params = &p->params, .n_in = 2, .n_out = 1, .in_shape = p->in,
                                   .in_dtype = p->type, .in_access = p->in_access, .out_shape = &p->out,
                                   .out_dtype = c->out_dtype, .out_access = &p->out_access };
    p->params.flat = u != USE_DW && clg__matmul_better_flat(&p->call); // small images
}

const char *clg__conv_product_accepts(const clg__kernel_call *c)
{
    enum { MOST = INT32_MAX / 64 }; // of rows, columns and what is summed over, as of any product
    const clg__window *w = c->params;
    const char *why = clg__conv_cpu_takes(c);
    if (why)
        return why;
    if (w->groups != 1)
        return "groups";
    for (int i = 0; i < CLG__SPATIAL; i++) {
        if (w->lo[i] > 0 || (w->k[i] > 1 && (w->dilation[i] > 1 || w->k[i] > w->stride[i])) ||
            (w->out[i] - 1) * w->stride[i] + w->k[i] > w->in[i])
            return "windows that overlap, or see padding";
    }
    if (w->n * clg__window_size(w->out) > MOST || w->c * clg__window_size(w->k) > MOST || w->o > MOST)
        return "too large for a product";
    return NULL;
}

// What the launches from `first` on take for the product's inputs and result: those of the convolution, by number, or
// scratch, -1 - temp. What lies in scratch is no end of the work: it gets no epilogue.
static void bind(clg__kplan *p, int first, const int in[2], int out)
{
    for (int k = first; k < p->n_launches; k++) {
        clg__launch *l = &p->launches[k];
        for (int i = 0; i < l->n_args; i++) {
            clg__arg *a = &l->args[i];
            const bool read = a->kind == CLG__ARG_IN || a->kind == CLG__ARG_IN_OFFSET;
            const int from = a->kind == CLG__ARG_OUT ? out : read ? in[a->index] : 0;
            if (a->kind == CLG__ARG_EPILOGUE && out < 0)
                l->n_args = i;
            else if (a->kind == CLG__ARG_IN_OFFSET && from < 0)
                *a = (clg__arg) { .kind = CLG__ARG_I64 };
            else if (from < 0)
                *a = (clg__arg) { .kind = CLG__ARG_TEMP, .index = -1 - from };
            else if (read)
                a->index = from;
        }
    }
}

// Rows of the image by channel and place in the window: as many elements as results see.
static size_t rows_bytes(const clg__kernel_call *c)
{
    const clg__window *w = c->params;
    return (size_t) (w->n * w->c * clg__window_size(w->k) * clg__window_size(w->out)) * clg_dtype_size(c->out_dtype[0]);
}

static size_t shares(const clg__kernel_call *c)
{
    enum { ELEMENTS = 1 << 14 }; // that are worth a work-group
    const clg__window *w = c->params;
    const int64_t planes = w->n * w->c, all = planes * clg__window_size(w->in);
    int64_t n = 4 * (int64_t) c->caps->compute_units;
    n = n < all / ELEMENTS ? n : all / ELEMENTS;
    n = n < planes ? n : planes;
    return (size_t) (n < 1 ? 1 : n);
}

static void gather(const clg__kernel_call *c, clg__kplan *p, int input, int rows)
{
    clg__launch *l = clg__kplan_kernel(p, "conv_gather", "conv_gather");
    clg__define_element(p, l, c->out_dtype[0]);
    clg__arg_in(p, l, input);
    clg__arg_in_offset(p, l, input);
    clg__arg_temp(p, l, rows);
    clg__window_args(p, l, c->params);
    clg__kplan_grid(l, shares(c), 1, 1, 1, 1, 1);
}

enum { SPREAD = 1 << 12 }; // elements of rows of an image that are made at a time

static void spread(const clg__kernel_call *c, clg__kplan *p, int rows)
{
    const clg__window *w = c->params;
    const int64_t fit = SPREAD / w->in[CLG__W], some = fit < 1 ? 1 : fit < w->in[CLG__H] ? fit : w->in[CLG__H];
    clg__launch *l = clg__kplan_kernel(p, "conv_spread", "conv_spread");
    clg__define_element(p, l, c->out_dtype[0]);
    clg__arg_temp(p, l, rows);
    clg__arg_out(p, l, 0);
    clg__arg_local(p, l, (size_t) (some * w->in[CLG__W] + 48) * clg__acc_size(c->out_dtype[0]));
    clg__arg_i32(p, l, (int32_t) some);
    clg__window_args(p, l, w);
    clg__arg_epilogue(p, l);
    clg__kplan_grid(l, shares(c), 1, 1, 1, 1, 1);
}

static void plan_use(const clg__kernel_call *c, clg__kplan *p, use u)
{
    const clg__window *w = c->params;
    // convolutions have x or the cotangent first
    int in[2] = { u == USE_DW ? 0 : 1, u == USE_DW ? 1 : 0 }, out = 0;
    product q;
    product_of(c, u, &q);
    if (clg__window_size(w->in) == 0)
        return;
    const bool moved = !is_matrix(w);
    const int rows = moved ? clg__kplan_temp(p, rows_bytes(c)) : 0;
    if (moved && u == USE_DX)
        out = -1 - rows;
    else if (moved)
        in[1] = -1 - rows;
    if (moved && u != USE_DX)
        gather(c, p, u == USE_DW ? 1 : 0, rows);
    const int first = p->n_launches;
    clg__matmul_cpu(&q.call, p);
    bind(p, first, in, out);
    if (moved && u == USE_DX)
        spread(c, p, rows);
}

void clg__conv_product_y(const clg__kernel_call *c, clg__kplan *p)
{
    plan_use(c, p, USE_Y);
}

void clg__conv_product_dx(const clg__kernel_call *c, clg__kplan *p)
{
    plan_use(c, p, USE_DX);
}

void clg__conv_product_dw(const clg__kernel_call *c, clg__kplan *p)
{
    plan_use(c, p, USE_DW);
}
