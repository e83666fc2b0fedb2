// SPDX-License-Identifier: MIT
// oneDNN (2.x): convolutions by its direct and its Winograd form in whatever layouts it likes, brought into them
// outside the timing; products by dnnl_sgemm, and by its matmul where they come in batches. f32 alone.
#include "peers.h"

#include <dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_ARGS = 3, MOST_AXES = 6 };

typedef struct operand {
    int id; // DNNL_ARG_...
    dnnl_memory_t mem;
    dnnl_memory_desc_t plain; // how it lies outside
} operand;

typedef struct primitive {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t p;
    operand arg[MOST_ARGS]; // two inputs and the result
    gemm_shape gemm;        // k > 0: dnnl_sgemm
    const float *a, *b;
    float *c;
} primitive;

static bool ok(dnnl_status_t s)
{
    return s == dnnl_success;
}

static void end(void *state)
{
    primitive *p = state;
    for (int i = 0; i < MOST_ARGS; i++) {
        if (p->arg[i].mem)
            dnnl_memory_destroy(p->arg[i].mem);
    }
    if (p->p)
        dnnl_primitive_destroy(p->p);
    if (p->stream)
        dnnl_stream_destroy(p->stream);
    if (p->engine)
        dnnl_engine_destroy(p->engine);
    free(p->c);
    free(p);
}

static int run(void *state, int times)
{
    const primitive *p = state;
    const gemm_shape *g = &p->gemm;
    dnnl_exec_arg_t args[MOST_ARGS];
    for (int i = 0; i < MOST_ARGS; i++)
        args[i] = (dnnl_exec_arg_t) { p->arg[i].id, p->arg[i].mem };
    for (int i = 0; i < times; i++) {
        if (g->k > 0 && !ok(dnnl_sgemm(g->ta ? 'T' : 'N', g->tb ? 'T' : 'N', g->m, g->n, g->k, 1, p->a,
                                       g->ta ? g->m : g->k, p->b, g->tb ? g->k : g->n, 0, p->c, g->n)))
            return -1;
        if (g->k == 0 && !ok(dnnl_primitive_execute(p->p, p->stream, MOST_ARGS, args)))
            return -1;
    }
    return g->k > 0 || ok(dnnl_stream_wait(p->stream)) ? 0 : -1;
}

static double seconds(primitive *p)
{
    struct timespec a, b;
    if (run(p, 1) < 0)
        return 1e9;
    clock_gettime(CLOCK_MONOTONIC, &a);
    const bool fine = run(p, 3) == 0;
    clock_gettime(CLOCK_MONOTONIC, &b);
    return fine ? (double) (b.tv_sec - a.tv_sec) + 1e-9 * (double) (b.tv_nsec - a.tv_nsec) : 1e9;
}

static bool reorder(const primitive *p, dnnl_memory_t from, dnnl_memory_t to)
{
    const dnnl_memory_desc_t *f, *t;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_primitive_t r = NULL;
    bool fine = ok(dnnl_memory_get_memory_desc(from, &f)) && ok(dnnl_memory_get_memory_desc(to, &t)) &&
                ok(dnnl_reorder_primitive_desc_create(&pd, f, p->engine, t, p->engine, NULL)) &&
                ok(dnnl_primitive_create(&r, pd));
    if (fine) {
        const dnnl_exec_arg_t args[] = { { DNNL_ARG_FROM, from }, { DNNL_ARG_TO, to } };
        fine = ok(dnnl_primitive_execute(r, p->stream, 2, args)) && ok(dnnl_stream_wait(p->stream));
    }
    if (r)
        dnnl_primitive_destroy(r);
    if (pd)
        dnnl_primitive_desc_destroy(pd);
    return fine;
}

// Between an operand and an array outside.
static bool copy(const primitive *p, const operand *o, const void *from, void *to)
{
    dnnl_memory_t outside = NULL;
    void *data = to ? to : (void *) (uintptr_t) from;
    bool fine = ok(dnnl_memory_create(&outside, &o->plain, p->engine, data));
    fine = fine && (to ? reorder(p, o->mem, outside) : reorder(p, outside, o->mem));
    if (outside)
        dnnl_memory_destroy(outside);
    return fine;
}

static bool result(void *state, void *to)
{
    const primitive *p = state;
    if (p->gemm.k > 0) {
        memcpy(to, p->c, (size_t) (p->gemm.m * p->gemm.n) * sizeof *p->c);
        return true;
    }
    return copy(p, &p->arg[2], NULL, to);
}

// The primitive of a description, memory in the layouts that it chose, and the inputs in it.
static bool finish(primitive *p, dnnl_primitive_desc_t pd, const int ids[MOST_ARGS],
                   const dnnl_query_t queries[MOST_ARGS], const void *a, const void *b)
{
    bool fine = ok(dnnl_primitive_create(&p->p, pd));
    for (int i = 0; i < MOST_ARGS && fine; i++) {
        const dnnl_memory_desc_t *md = dnnl_primitive_desc_query_md(pd, queries[i], 0);
        p->arg[i].id = ids[i];
        fine = md && ok(dnnl_memory_create(&p->arg[i].mem, md, p->engine, DNNL_MEMORY_ALLOCATE));
    }
    return fine && copy(p, &p->arg[0], a, NULL) && copy(p, &p->arg[1], b, NULL);
}

static primitive *created(void)
{
    primitive *p = calloc(1, sizeof *p);
    if (p && ok(dnnl_engine_create(&p->engine, dnnl_cpu, 0)) &&
        ok(dnnl_stream_create(&p->stream, p->engine, dnnl_stream_default_flags)))
        return p;
    if (p)
        end(p);
    return NULL;
}

// ---- convolutions. A transposed one is the gradient for the input of one from its result to its image.

typedef struct conv_numbers {
    dnnl_memory_desc_t x, w, y, any_x, any_w, any_y;
    dnnl_dims_t stride, dilation, padding, padding_end;
} conv_numbers;

static void describe(const conv_shape *c, conv_numbers *n)
{
    static const dnnl_format_tag_t tags[] = { 0, 0, 0, dnnl_abc, dnnl_abcd, dnnl_abcde, dnnl_abcdef };
    const int64_t image = c->transposed ? c->o : c->c, maps = c->transposed ? c->c : c->o;
    const int grouped = c->groups > 1;
    dnnl_dims_t x = { c->n, image }, y = { c->n, maps }, w = { 0 };
    if (grouped)
        w[0] = c->groups;
    w[grouped] = maps / c->groups;
    w[grouped + 1] = image / c->groups;
    for (int i = 0; i < c->axes; i++) {
        const int64_t large = c->transposed ? c->out[i] : c->in[i], small = c->transposed ? c->in[i] : c->out[i];
        const int64_t reach = (int64_t) c->dilation[i] * (c->window[i] - 1) + 1;
        x[2 + i] = large;
        y[2 + i] = small;
        w[2 + grouped + i] = c->window[i];
        n->stride[i] = c->stride[i];
        n->dilation[i] = c->dilation[i] - 1;
        n->padding[i] = c->padding[i];
        n->padding_end[i] = (small - 1) * c->stride[i] + reach - large - c->padding[i];
    }
    const int rank = 2 + c->axes;
    dnnl_memory_desc_init_by_tag(&n->x, rank, x, dnnl_f32, tags[rank]);
    dnnl_memory_desc_init_by_tag(&n->y, rank, y, dnnl_f32, tags[rank]);
    dnnl_memory_desc_init_by_tag(&n->w, rank + grouped, w, dnnl_f32, tags[rank + grouped]);
    dnnl_memory_desc_init_by_tag(&n->any_x, rank, x, dnnl_f32, dnnl_format_tag_any);
    dnnl_memory_desc_init_by_tag(&n->any_y, rank, y, dnnl_f32, dnnl_format_tag_any);
    dnnl_memory_desc_init_by_tag(&n->any_w, rank + grouped, w, dnnl_f32, dnnl_format_tag_any);
}

static primitive *convolution(const peer_problem *problem, shape_part part, dnnl_alg_kind_t alg)
{
    static const int ids[][MOST_ARGS] = { { DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST },
                                          { DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC },
                                          { DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS } };
    static const dnnl_query_t queries[][MOST_ARGS] = {
        { dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_dst_md },
        { dnnl_query_diff_dst_md, dnnl_query_weights_md, dnnl_query_diff_src_md },
        { dnnl_query_src_md, dnnl_query_diff_dst_md, dnnl_query_diff_weights_md }
    };
    primitive *p = created();
    conv_numbers n;
    dnnl_convolution_desc_t forward, d;
    dnnl_primitive_desc_t hint = NULL, pd = NULL;
    if (!p)
        return NULL;
    describe(&problem->s->conv, &n);
    const dnnl_memory_desc_t plain[][MOST_ARGS] = { { n.x, n.w, n.y }, { n.y, n.w, n.x }, { n.x, n.y, n.w } };
    for (int i = 0; i < MOST_ARGS; i++)
        p->arg[i].plain = plain[part][i];
    bool fine = ok(dnnl_dilated_convolution_forward_desc_init(
                    &forward, part == PART_Y ? dnnl_forward_inference : dnnl_forward_training, alg, &n.any_x,
                    &n.any_w, NULL, &n.any_y, n.stride, n.dilation, n.padding, n.padding_end)) &&
                ok(dnnl_primitive_desc_create(&hint, &forward, NULL, p->engine, NULL));
    if (!fine && alg == dnnl_convolution_winograd && part != PART_Y) // a hint it must have, of any form
        fine = ok(dnnl_dilated_convolution_forward_desc_init(&forward, dnnl_forward_training, dnnl_convolution_direct,
                                                             &n.any_x, &n.any_w, NULL, &n.any_y, n.stride, n.dilation,
                                                             n.padding, n.padding_end)) &&
               ok(dnnl_primitive_desc_create(&hint, &forward, NULL, p->engine, NULL));
    if (fine && part == PART_DX)
        fine = ok(dnnl_dilated_convolution_backward_data_desc_init(&d, alg, &n.any_x, &n.any_w, &n.any_y, n.stride,
                                                                   n.dilation, n.padding, n.padding_end)) &&
               ok(dnnl_primitive_desc_create(&pd, &d, NULL, p->engine, hint));
    if (fine && part == PART_DW)
        fine = ok(dnnl_dilated_convolution_backward_weights_desc_init(
                   &d, alg, &n.any_x, &n.any_w, NULL, &n.any_y, n.stride, n.dilation, n.padding, n.padding_end)) &&
               ok(dnnl_primitive_desc_create(&pd, &d, NULL, p->engine, hint));
    // of a transposed one's weights the image is the cotangent
    const bool swapped = part == PART_DW && problem->s->conv.transposed;
    fine = fine && finish(p, pd ? pd : hint, ids[part], queries[part], swapped ? problem->b : problem->a,
                          swapped ? problem->a : problem->b);
    if (pd)
        dnnl_primitive_desc_destroy(pd);
    if (hint)
        dnnl_primitive_desc_destroy(hint);
    if (fine)
        return p;
    end(p);
    return NULL;
}

// ---- products

static primitive *product(const peer_problem *problem)
{
    const gemm_shape *g = &problem->s->gemm;
    primitive *p = created();
    if (!p)
        return NULL;
    if (g->batch == 1) {
        p->gemm = *g;
        p->a = problem->a;
        p->b = problem->b;
        p->c = calloc((size_t) (g->m * g->n), sizeof *p->c);
        if (p->c)
            return p;
        end(p);
        return NULL;
    }
    static const int ids[] = { DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST };
    static const dnnl_query_t queries[] = { dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_dst_md };
    const dnnl_dims_t a = { g->batch, g->m, g->k }, b = { g->batch, g->k, g->n }, c = { g->batch, g->m, g->n };
    const dnnl_dims_t sa = { g->m * g->k, g->ta ? 1 : g->k, g->ta ? g->m : 1 },
                      sb = { g->k * g->n, g->tb ? 1 : g->n, g->tb ? g->k : 1 }, sc = { g->m * g->n, g->n, 1 };
    dnnl_matmul_desc_t d;
    dnnl_primitive_desc_t pd = NULL;
    const bool fine = ok(dnnl_memory_desc_init_by_strides(&p->arg[0].plain, 3, a, dnnl_f32, sa)) &&
                      ok(dnnl_memory_desc_init_by_strides(&p->arg[1].plain, 3, b, dnnl_f32, sb)) &&
                      ok(dnnl_memory_desc_init_by_strides(&p->arg[2].plain, 3, c, dnnl_f32, sc)) &&
                      ok(dnnl_matmul_desc_init(&d, &p->arg[0].plain, &p->arg[1].plain, NULL, &p->arg[2].plain)) &&
                      ok(dnnl_primitive_desc_create(&pd, &d, NULL, p->engine, NULL)) &&
                      finish(p, pd, ids, queries, problem->a, problem->b);
    if (pd)
        dnnl_primitive_desc_destroy(pd);
    if (fine)
        return p;
    end(p);
    return NULL;
}

static void *begin(const peer_problem *problem)
{
    const shape_case *s = problem->s;
    if (s->type != CLG_F32 || !problem->a || !problem->b)
        return NULL;
    if (s->kind == SHAPE_GEMM)
        return s->gemm.heads > 0 ? NULL : product(problem);
    if (s->kind != SHAPE_CONV)
        return NULL;
    // forward of a transposed one is dx, and dx forward
    const shape_part part = !s->conv.transposed || s->part == PART_DW ? s->part
                            : s->part == PART_Y                       ? PART_DX
                                                                      : PART_Y;
    primitive *direct = convolution(problem, part, dnnl_convolution_direct);
    primitive *winograd = convolution(problem, part, dnnl_convolution_winograd);
    if (!direct || !winograd)
        return direct ? direct : winograd;
    const bool first = seconds(direct) <= seconds(winograd);
    end(first ? winograd : direct);
    return first ? direct : winograd;
}

static void version(char *to, size_t size)
{
    const dnnl_version_t *v = dnnl_version();
    snprintf(to, size, "%d.%d.%d", v->major, v->minor, v->patch);
}

const peer peer_onednn = { "oneDNN", version, begin, run, result, end, "cpu" };
