// SPDX-License-Identifier: MIT
// Families of graphs: one unit is a step, a layer, an assignment.
#include "graphs.h"

#include <stdlib.h>
#include <string.h>

static clg_tensor leaf(graph *g, clg_shape s)
{
    void *zeros = calloc((size_t) clg_numel(s), sizeof(float));
    clg_tensor t = clg_upload(g->dev, CLG_F32, s, zeros);
    free(zeros);
    return t;
}

static clg_tensor weight(graph *g, clg_shape s)
{
    return g->weight[g->n_weights++] = clg_track(leaf(g, s));
}

static void output(graph *g, clg_tensor t)
{
    if (g->n_out < GRAPH_OUTPUTS)
        g->out[g->n_out++] = t;
}

static void set_loss(graph *g, clg_tensor y)
{
    g->loss = clg_mean(clg_mul(y, y), CLG_ALL, false);
    output(g, g->loss);
}

static void chain(graph *g, int units)
{
    clg_tensor x = weight(g, CLG_SHAPE(64)), one = leaf(g, CLG_SHAPE(64));
    for (int i = 0; i < units; i++)
        x = clg_add(clg_mul_scalar(x, 0.5), one);
    set_loss(g, x);
}

static void sums(graph *g, int units)
{
    clg_tensor x = weight(g, CLG_SHAPE(64)), one = leaf(g, CLG_SHAPE(64));
    for (int i = 0; i < units; i++)
        x = clg_add(clg_mul_scalar(clg_sum(x, CLG_ALL, false), 0.01), one);
    set_loss(g, x);
}

static void skip(graph *g, int units)
{
    clg_tensor x = leaf(g, CLG_SHAPE(64)), one = leaf(g, CLG_SHAPE(64));
    clg_tensor first = clg_sum(x, CLG_ALL, false), y = clg_add(first, one);
    for (int i = 0; i < units; i++)
        y = clg_add(clg_mul_scalar(clg_sum(y, CLG_ALL, false), 0.01), one);
    output(g, clg_mul(first, clg_sum(y, CLG_ALL, false)));
}

static clg_tensor step_of(clg_tensor xs, int i, int64_t rows, int64_t columns)
{
    return clg_reshape(clg_slice(xs, 0, i, i + 1, 1), CLG_SHAPE(rows, columns));
}

static void rnn(graph *g, int units)
{
    enum { B = 8, H = 32 };
    clg_tensor w = weight(g, CLG_SHAPE(H, H)), u = weight(g, CLG_SHAPE(H, H)), b = weight(g, CLG_SHAPE(H));
    clg_tensor h = leaf(g, CLG_SHAPE(B, H)), xs = leaf(g, CLG_SHAPE(units, B, H));
    for (int i = 0; i < units; i++)
        h = clg_tanh(clg_add(clg_add(clg_matmul(h, w), clg_matmul(step_of(xs, i, B, H), u)), b));
    set_loss(g, h);
}

static void lstm(graph *g, int units)
{
    enum { B = 8, H = 32 };
    clg_tensor w = weight(g, CLG_SHAPE(2 * H, 4 * H)), b = weight(g, CLG_SHAPE(4 * H));
    clg_tensor h = leaf(g, CLG_SHAPE(B, H)), c = leaf(g, CLG_SHAPE(B, H)), xs = leaf(g, CLG_SHAPE(units, B, H));
    for (int i = 0; i < units; i++) {
        clg_tensor z = clg_add(clg_matmul(clg_concat(1, step_of(xs, i, B, H), h), w), b), gate[4];
        for (int k = 0; k < 4; k++)
            gate[k] = clg_slice(z, 1, k * H, (k + 1) * H, 1);
        c = clg_add(clg_mul(clg_sigmoid(gate[1]), c), clg_mul(clg_sigmoid(gate[0]), clg_tanh(gate[2])));
        h = clg_mul(clg_sigmoid(gate[3]), clg_tanh(c));
    }
    set_loss(g, h);
}

static void delayed(graph *g, int units)
{
    clg_var v = g->var[g->n_vars++] = clg_var_create(leaf(g, CLG_SHAPE(64)));
    clg_eval_assigned(g->dev);
    for (int i = 0; i < units; i++)
        clg_var_assign(v, clg_mul_scalar(clg_var_value(v), 0.999));
}

static void resnet(graph *g, int units)
{
    enum { N = 2, C = 16, S = 8 };
    clg_tensor x = leaf(g, CLG_SHAPE(N, C, S, S));
    clg_tensor w[4], scale[4], shift[4];
    for (int k = 0; k < 4; k++) {
        w[k] = weight(g, CLG_SHAPE(C, C, 3, 3));
        scale[k] = weight(g, CLG_SHAPE(C));
        shift[k] = weight(g, CLG_SHAPE(C));
    }
    for (int i = 0; i < units; i++) {
        clg_tensor y = x;
        for (int k = 0; k < 2; k++) {
            const int at = (2 * i + k) % 4;
            y = clg_conv2d(y, w[at], NULL, clg_conv2d_params(.padding = 1));
            y = clg_batch_norm(y, scale[at], shift[at], NULL, NULL, clg_batch_norm_params(.training = true));
            y = clg_relu(k ? clg_add(y, x) : y);
        }
        x = y;
    }
    set_loss(g, x);
}

static void wide(graph *g, int units)
{
    clg_tensor x = leaf(g, CLG_SHAPE(64));
    for (int i = 0; i < units; i++)
        output(g, clg_exp(clg_mul_scalar(x, i)));
}

static void wide_sums(graph *g, int units)
{
    clg_tensor x = leaf(g, CLG_SHAPE(8, 64));
    for (int i = 0; i < units; i++)
        output(g, clg_sum(clg_exp(clg_mul_scalar(x, i)), CLG_AXES(1), false));
}

const graph_family graph_families[] = {
    { "chain", "x = x/2 + b, with its gradient", chain },
    { "sums", "x = sum(x)/100 + b, with its gradient", sums },
    { "skip", "sums that the first one skips", skip },
    { "rnn", "tanh(h W + x U + b), with gradients", rnn },
    { "lstm", "an LSTM cell, with gradients", lstm },
    { "delayed", "assignments of one variable", delayed },
    { "resnet", "residual blocks, with gradients", resnet },
    { "wide", "results of one tensor", wide },
    { "widesums", "sums of one tensor", wide_sums },
};
const int graph_family_count = (int) (sizeof graph_families / sizeof graph_families[0]);

const graph_family *graph_find(const char *name)
{
    for (int i = 0; i < graph_family_count; i++) {
        if (strcmp(graph_families[i].name, name) == 0)
            return &graph_families[i];
    }
    return NULL;
}

bool graph_record(graph *g, clg_device dev, const graph_family *f, int units)
{
    *g = (graph) { .dev = dev, .out = malloc(GRAPH_OUTPUTS * sizeof *g->out) };
    if (!g->out)
        return false;
    f->record(g, units);
    return clg_error_status(dev) >= 0;
}

bool graph_differentiate(graph *g)
{
    if (g->n_weights == 0 || !g->loss)
        return true;
    if (g->n_out + g->n_weights > GRAPH_OUTPUTS ||
        clg_grad_n(g->loss, g->weight, g->n_weights, g->out + g->n_out) < 0)
        return false;
    g->n_out += g->n_weights;
    return true;
}

bool graph_plan(graph *g, clg_plan_info *info)
{
    return clg_plan_n(g->dev, g->out, g->n_out, info) >= 0;
}

void graph_free(graph *g)
{
    for (int i = 0; i < g->n_vars; i++)
        clg_var_destroy(&g->var[i]);
    if (g->n_vars > 0)
        clg_eval_assigned(g->dev); // of no variable any more
    free(g->out);
    g->out = NULL;
}

static int64_t nodes_of(clg_device dev, const graph_family *f, int units)
{
    graph g;
    const uint64_t before = clg_device_get_stats(dev).nodes;
    clg_scope s = clg_scope_push(dev);
    const bool ok = graph_record(&g, dev, f, units) && graph_differentiate(&g);
    const int64_t n = (int64_t) (clg_device_get_stats(dev).nodes - before);
    graph_free(&g);
    clg_scope_pop(s);
    return ok ? n : -1;
}

int graph_units(clg_device dev, const graph_family *f, int nodes)
{
    const int64_t few = nodes_of(dev, f, 8), more = nodes_of(dev, f, 16);
    if (few < 0 || more <= few)
        return 0;
    const int64_t units = 8 + 8 * ((int64_t) nodes - few) / (more - few);
    return units < 1 ? 1 : (int) units;
}
