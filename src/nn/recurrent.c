// SPDX-License-Identifier: MIT
// Recurrent layers and cells. The product of all steps' inputs is one; a step is the product of its state, and one
// pointwise pass, which fuses.
#include "nn/fp.h"
#include "nn/layer.h"
#include <clgrad/arrange.h>
#include <clgrad/create.h>
#include <clgrad/recurrent.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef enum kind { RNN, LSTM, GRU } kind;
typedef struct cell {
    kind kind;
    bool relu;
    clg_tensor w_ih, w_hh, b_ih, b_hh; // biases may be NULL
} cell;

static int gates_of(kind k)
{
    return k == RNN ? 1 : k == LSTM ? 4 : 3;
}

// Columns of gate k
static clg_tensor gate(clg_tensor t, int k, int64_t width)
{
    return clg_slice(t, -1, k * width, (k + 1) * width, 1);
}

static clg_tensor product(clg_tensor x, clg_tensor w)
{
    return clg_matmul(x, clg_transpose(w, 0, 1));
}

// What inputs add to the gates. Biases of the state are theirs too, but for those that GRU multiplies.
static clg_tensor of_inputs(const cell *l, clg_tensor x)
{
    clg_tensor y = product(x, l->w_ih);
    if (l->b_ih)
        y = clg_add(y, l->kind == GRU ? l->b_ih : clg_add(l->b_ih, l->b_hh));
    return y;
}

// The next state from the gates' inputs; *c is the other state of an LSTM.
static clg_tensor step(const cell *l, clg_tensor inputs, clg_tensor h, clg_tensor *c)
{
    const int64_t width = l->w_hh->shape.dim[1];
    clg_tensor state = product(h, l->w_hh);
    if (l->kind == GRU) {
        if (l->b_hh)
            state = clg_add(state, l->b_hh);
        const clg_tensor r = clg_sigmoid(clg_add(gate(inputs, 0, width), gate(state, 0, width)));
        const clg_tensor z = clg_sigmoid(clg_add(gate(inputs, 1, width), gate(state, 1, width)));
        const clg_tensor n = clg_tanh(clg_add(gate(inputs, 2, width), clg_mul(r, gate(state, 2, width))));
        return clg_add(n, clg_mul(z, clg_sub(h, n)));
    }
    const clg_tensor all = clg_add(inputs, state);
    if (l->kind == RNN)
        return l->relu ? clg_relu(all) : clg_tanh(all);
    const clg_tensor i = clg_sigmoid(gate(all, 0, width)), f = clg_sigmoid(gate(all, 1, width));
    const clg_tensor g = clg_tanh(gate(all, 2, width)), o = clg_sigmoid(gate(all, 3, width));
    *c = clg_add(clg_mul(f, *c), clg_mul(i, g));
    return clg_mul(o, clg_tanh(*c));
}

// ---- cells

static clg_tensor cell_call(const char *what, cell l, clg_tensor x, clg_tensor h, clg_tensor c, clg_tensor *new_c)
{
    clg_tensor in[7] = { x, h, l.w_ih, l.w_hh };
    int n = 4;
    if (l.kind == LSTM)
        in[n++] = c;
    if (l.b_ih)
        in[n++] = l.b_ih;
    if (l.b_hh)
        in[n++] = l.b_hh;
    clg_tensor bad = clg_check_inputs(what, "x h w_ih w_hh", in, n);
    if (bad)
        return bad;
    const int rank = x->shape.rank;
    if ((rank != 1 && rank != 2) || h->shape.rank != rank || l.w_ih->shape.rank != 2 || l.w_hh->shape.rank != 2 ||
        (l.kind == LSTM && c->shape.rank != rank))
        return clg_poison(x->dev, CLG_ESHAPE, "%s: expected x and states of rank 1 or 2, weights of rank 2", what);
    const int64_t width = l.w_hh->shape.dim[1], rows = gates_of(l.kind) * width;
    if (l.w_hh->shape.dim[0] != rows || l.w_ih->shape.dim[0] != rows || h->shape.dim[rank - 1] != width ||
        (l.kind == LSTM && c->shape.dim[rank - 1] != width) || l.w_ih->shape.dim[1] != x->shape.dim[rank - 1])
        return clg_poison(x->dev, CLG_ESHAPE, "%s: weights have not %lld rows, or not as many columns as x and h", what,
                          (long long) rows);
    if (!l.b_ih != !l.b_hh || (l.b_ih && (l.b_ih->shape.rank != 1 || l.b_hh->shape.rank != 1 ||
                                          l.b_ih->shape.dim[0] != rows || l.b_hh->shape.dim[0] != rows)))
        return clg_poison(x->dev, CLG_ESHAPE, "%s: expected two biases of %lld elements, or none", what, (long long) rows);
    if (rank == 2 && (h->shape.dim[0] != x->shape.dim[0] || (l.kind == LSTM && c->shape.dim[0] != x->shape.dim[0])))
        return clg_poison(x->dev, CLG_ESHAPE, "%s: x has %lld rows, the states have not", what, (long long) x->shape.dim[0]);
    if (rank == 1) {
        x = clg_unsqueeze(x, 0);
        h = clg_unsqueeze(h, 0);
        c = c ? clg_unsqueeze(c, 0) : NULL;
    }
    clg_tensor y = step(&l, of_inputs(&l, x), h, &c);
    if (new_c)
        *new_c = rank == 1 && c ? clg_squeeze(c, CLG_AXES(0)) : c;
    return rank == 1 && y->status >= 0 ? clg_squeeze(y, CLG_AXES(0)) : y;
}

clg_tensor clg_rnn_cell(clg_tensor x, clg_tensor h, clg_tensor w_ih, clg_tensor w_hh, clg_tensor b_ih, clg_tensor b_hh,
                        bool relu)
{
    return cell_call("rnn_cell", (cell) { RNN, relu, w_ih, w_hh, b_ih, b_hh }, x, h, NULL, NULL);
}

clg_tensor clg_lstm_cell(clg_tensor x, clg_tensor h, clg_tensor c, clg_tensor w_ih, clg_tensor w_hh, clg_tensor b_ih,
                         clg_tensor b_hh, clg_tensor *new_c)
{
    clg_tensor now = NULL;
    clg_tensor y = cell_call("lstm_cell", (cell) { LSTM, false, w_ih, w_hh, b_ih, b_hh }, x, h, c, &now);
    if (new_c)
        *new_c = now ? now : y; // of a call that failed, why
    return y;
}

clg_tensor clg_gru_cell(clg_tensor x, clg_tensor h, clg_tensor w_ih, clg_tensor w_hh, clg_tensor b_ih, clg_tensor b_hh)
{
    return cell_call("gru_cell", (cell) { GRU, false, w_ih, w_hh, b_ih, b_hh }, x, h, NULL, NULL);
}

// ---- layers

typedef struct sequence {
    kind kind;
    int64_t steps, rows, hidden;
    int layers, directions;
    clg_tensor within; // [T,N,1]: true before a row's end; NULL: all rows have all steps
    struct clg_nn_recurrent_params p;
} sequence;

static bool take_cell(const clg__layer *l, const sequence *q, int layer, bool reverse, int64_t inputs, cell *out)
{
    static const char *const parts[4] = { "weight_ih", "weight_hh", "bias_ih", "bias_hh" };
    const int64_t rows = gates_of(q->kind) * q->hidden;
    const double bound = 1 / sqrt((double) q->hidden);
    const clg_init init = { .kind = CLG_INIT_UNIFORM, .a = -bound, .b = bound };
    clg_tensor value[4] = { NULL, NULL, NULL, NULL };
    for (int i = 0; i < (q->p.no_bias ? 2 : 4); i++) {
        char part[64];
        snprintf(part, sizeof part, "%s_l%d%s", parts[i], layer, reverse ? "_reverse" : "");
        const clg_shape s = i < 2 ? CLG_SHAPE(rows, i ? q->hidden : inputs) : CLG_SHAPE(rows);
        const clg_var v = clg__layer_param(l, part, s, init, q->hidden);
        if (!v)
            return false;
        value[i] = clg_var_value(v);
    }
    *out = (cell) { q->kind, q->p.relu, value[0], value[1], value[2], value[3] };
    return true;
}

// One direction of a layer. y: results of each step; h, c: first states, then the last.
static void run(const sequence *q, const cell *l, clg_tensor x, bool reverse, clg_tensor *y, clg_tensor *h, clg_tensor *c)
{
    const clg_tensor inputs = of_inputs(l, x);
    for (int64_t k = 0; k < q->steps; k++) {
        const int64_t t = reverse ? q->steps - 1 - k : k;
        const clg_tensor now = clg_select(inputs, 0, t), was = *h, was_c = *c;
        *h = step(l, now, *h, c);
        y[t] = *h;
        if (q->within) {
            const clg_tensor in = clg_select(q->within, 0, t);
            y[t] = clg_where(in, *h, clg_zeros(now->dev, CLG_F32, CLG_SCALAR));
            *h = clg_where(in, *h, was);
            *c = was_c ? clg_where(in, *c, was_c) : NULL;
        }
    }
}

static clg_tensor first_state(clg_device dev, const sequence *q, clg_tensor given, int at)
{
    return given ? clg_select(given, 0, at) : clg_zeros(dev, CLG_F32, CLG_SHAPE(q->rows, q->hidden));
}

// All layers, of x [T,N,I]; NULL: a parameter is not to be had, or memory.
static clg_tensor run_layers(const clg__layer *l, const sequence *q, clg_tensor x)
{
    const int states = q->layers * q->directions;
    clg_tensor *all = calloc((size_t) (q->steps * q->directions + 2 * states), sizeof *all);
    if (!all) {
        clg__store_refuse(l->s, CLG_ENOMEM, "out of memory");
        return NULL;
    }
    clg_tensor *h = all + q->steps * q->directions, *c = h + states, y = x;
    for (int i = 0; i < q->layers; i++) {
        if (i > 0 && q->p.dropout > 0 && clg_store_is_training(l->s))
            y = clg_dropout(y, q->p.dropout);
        clg_tensor part[2] = { NULL, NULL };
        for (int d = 0; d < q->directions; d++) {
            const int at = i * q->directions + d;
            cell one;
            if (!take_cell(l, q, i, d == 1, y->shape.dim[2], &one)) {
                free(all);
                return NULL;
            }
            h[at] = first_state(x->dev, q, q->p.h0, at);
            c[at] = q->kind == LSTM ? first_state(x->dev, q, q->p.c0, at) : NULL;
            run(q, &one, y, d == 1, all + d * q->steps, &h[at], &c[at]);
            part[d] = clg_stack_n(all + d * q->steps, (int) q->steps, 0);
        }
        y = q->directions == 1 ? part[0] : clg_concat_n(part, 2, 2);
        if (y->status < 0)
            break;
    }
    if (q->p.h_n && y->status >= 0)
        *q->p.h_n = clg_stack_n(h, states, 0);
    if (q->p.c_n && q->kind == LSTM && y->status >= 0)
        *q->p.c_n = clg_stack_n(c, states, 0);
    free(all);
    return y;
}

static bool is_state(const sequence *q, clg_tensor t, bool batched)
{
    const clg_shape *s = &t->shape;
    return s->rank == (batched ? 3 : 2) && s->dim[0] == q->layers * q->directions && s->dim[s->rank - 1] == q->hidden &&
           (!batched || s->dim[1] == q->rows);
}

// NULL: go on.
static clg_tensor check(const clg__layer *l, const char *what, sequence *q, clg_tensor x)
{
    struct clg_nn_recurrent_params *p = &q->p;
    const int rank = x->shape.rank;
    clg_tensor given[3], bad;
    int n = 0;
    if (p->lengths)
        given[n++] = p->lengths;
    if (p->h0)
        given[n++] = p->h0;
    if (p->c0)
        given[n++] = p->c0;
    bad = n ? clg_check_inputs(what, "lengths and states", given, n) : NULL;
    if (bad)
        return bad;
    if (!(p->dropout >= 0 && p->dropout <= 1))
        return clg__layer_refuse(l, CLG_EINVAL, "dropout is not from 0 to 1");
    if (q->kind != LSTM && (p->c0 || p->c_n))
        return clg__layer_refuse(l, CLG_EINVAL, "c0 and c_n are of an LSTM");
    if (q->kind != RNN && p->relu)
        return clg__layer_refuse(l, CLG_EINVAL, "relu is of a plain cell");
    if (p->hidden < 1 || p->layers < 0 || (rank != 2 && rank != 3) || x->dtype != CLG_F32)
        return clg__layer_refuse(l, CLG_ESHAPE, "expected an F32 x of rank 2 or 3, hidden and layers positive");
    if (rank == 2 && p->lengths)
        return clg__layer_refuse(l, CLG_EINVAL, "lengths without a batch");
    const int time = rank == 3 && p->batch_first ? 1 : 0;
    q->steps = x->shape.dim[time];
    q->rows = rank == 2 ? 1 : x->shape.dim[1 - time];
    q->hidden = p->hidden;
    q->layers = p->layers ? p->layers : 1;
    q->directions = p->bidirectional ? 2 : 1;
    if (q->steps < 1 || q->steps > 1 << 20)
        return clg__layer_refuse(l, CLG_ESHAPE, "no steps, or more than 2^20");
    if ((p->h0 && !is_state(q, p->h0, rank == 3)) || (p->c0 && !is_state(q, p->c0, rank == 3)))
        return clg__layer_refuse(l, CLG_ESHAPE, "states are not [layers*directions,N,hidden]");
    if (p->lengths && (p->lengths->shape.rank != 1 || p->lengths->shape.dim[0] != q->rows ||
                       clg_dtype_is_float(p->lengths->dtype) || p->lengths->dtype == CLG_BOOL))
        return clg__layer_refuse(l, CLG_ESHAPE, "lengths are not N integers");
    return NULL;
}

static clg_tensor recurrent(const char *what, kind k, clg_store s, const char *name, clg_tensor x,
                            const struct clg_nn_recurrent_params *p)
{
    DEFAULT_FP;
    sequence q = { .kind = k };
    clg__layer l;
    clg_tensor bad = clg__layer_begin(&l, what, s, name, x);
    if (bad)
        return bad;
    const char *wrong = p ? clg_params_read(&q.p, sizeof q.p, p) : "NULL params";
    if (wrong)
        return clg__layer_refuse(&l, CLG_EINVAL, wrong);
    bad = check(&l, what, &q, x);
    if (bad)
        return bad;
    const bool batched = x->shape.rank == 3;
    clg__layer_enter(&l);
    clg_tensor t = !batched ? clg_unsqueeze(x, 1) : q.p.batch_first ? clg_transpose(x, 0, 1) : x;
    if (!batched) {
        q.p.h0 = q.p.h0 ? clg_unsqueeze(q.p.h0, 1) : NULL;
        q.p.c0 = q.p.c0 ? clg_unsqueeze(q.p.c0, 1) : NULL;
    }
    if (q.p.lengths) {
        const clg_tensor at = clg_reshape(clg_arange(x->dev, CLG_I64, 0, (double) q.steps, 1), CLG_SHAPE(q.steps, 1, 1));
        q.within = clg_gt(clg_reshape(clg_cast(q.p.lengths, CLG_I64), CLG_SHAPE(1, q.rows, 1)), at);
        t = clg_where(q.within, t, clg_zeros(x->dev, CLG_F32, CLG_SCALAR)); // what is beyond takes no part in gradients either
    }
    clg_tensor y = run_layers(&l, &q, t);
    if (!y) {
        clg_set_layer(x->dev, l.before);
        return clg__layer_missing(&l);
    }
    if (y->status >= 0) {
        y = !batched ? clg_squeeze(y, CLG_AXES(1)) : q.p.batch_first ? clg_transpose(y, 0, 1) : y;
        if (!batched && q.p.h_n)
            *q.p.h_n = clg_squeeze(*q.p.h_n, CLG_AXES(1));
        if (!batched && q.p.c_n)
            *q.p.c_n = clg_squeeze(*q.p.c_n, CLG_AXES(1));
    }
    return clg__layer_leave(&l, y);
}

clg_tensor clg_nn_rnn(clg_store s, const char *name, clg_tensor x, const struct clg_nn_recurrent_params *p)
{
    return recurrent("nn_rnn", RNN, s, name, x, p);
}

clg_tensor clg_nn_lstm(clg_store s, const char *name, clg_tensor x, const struct clg_nn_recurrent_params *p)
{
    return recurrent("nn_lstm", LSTM, s, name, x, p);
}

clg_tensor clg_nn_gru(clg_store s, const char *name, clg_tensor x, const struct clg_nn_recurrent_params *p)
{
    return recurrent("nn_gru", GRU, s, name, x, p);
}
