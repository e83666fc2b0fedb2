// SPDX-License-Identifier: MIT
// Random graphs of every kind of node. Values stay of moderate size, so that a rounding error does too.
#include "fuzz_graph.h"

#include "checks.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Elements of a tensor. Long graphs reach over the blocks in which sums are made, and the chunks that items share.
enum { MOST = 800, MOST_LONG = 24000 };

static uint32_t next(fuzz *f)
{
    f->state = f->state * 6364136223846793005u + 1442695040888963407u;
    const uint32_t v = (uint32_t) (f->state >> 33);
    return ++f->draws == f->mutate ? 0x7fffffffu - v : v;
}

int64_t fuzz_below(fuzz *f, int64_t n)
{
    return n > 0 ? next(f) % n : 0;
}

static bool chance(fuzz *f, int percent)
{
    return fuzz_below(f, 100) < percent;
}

static double number(fuzz *f)
{
    return (double) ((int64_t) next(f) - ((int64_t) 1 << 30)) * 0x1p-30;
}

static void say(const fuzz *f, const char *what, clg_tensor t)
{
    if (!f->log)
        return;
    printf("  %%%d = %s ->", f->n, what);
    for (int d = 0; d < t->shape.rank; d++)
        printf(" %lld", (long long) t->shape.dim[d]);
    printf(" %s\n", clg_dtype_name(t->dtype));
    fflush(stdout);
}

static clg_tensor add(fuzz *f, const char *what, clg_tensor t)
{
    ck_assert_msg(t->status >= 0, "seed %llu, %s: %s", (unsigned long long) f->seed, what,
                  clg_error(f->dev, t->status));
    say(f, what, t);
    if (f->n < FUZZ_POOL)
        f->pool[f->n++] = t;
    return t;
}

static clg_shape random_shape(fuzz *f)
{
    static const int sizes[] = { 1, 1, 2, 2, 3, 3, 4, 5, 7, 8, 16, 17, 19, 33 },
                     long_sizes[] = { 1, 2, 3, 3, 5, 6, 7, 16, 33, 100, 1023, 1026, 1027, 2049 };
    clg_shape s = { .rank = (int) fuzz_below(f, 5) };
    int64_t n = 1;
    if (chance(f, 5))
        s.rank = 8;
    for (int d = 0; d < s.rank; d++) {
        s.dim[d] = s.rank == 8 ? 1 + fuzz_below(f, 2) : (f->most > MOST ? long_sizes : sizes)[fuzz_below(f, 14)];
        if (n * s.dim[d] > f->most)
            s.dim[d] = 1;
        n *= s.dim[d];
    }
    if (s.rank > 0 && chance(f, 3))
        s.dim[fuzz_below(f, s.rank)] = 0;
    return s;
}

static clg_tensor upload(fuzz *f, clg_dtype t, clg_shape s, int64_t below)
{
    const int64_t n = clg_numel(s);
    double *p = calloc((size_t) n + 1, sizeof *p), *numbers = calloc((size_t) n + 1, sizeof *numbers);
    for (int64_t i = 0; i < n; i++) {
        const double v = below ? (double) fuzz_below(f, below) : number(f);
        numbers[i] = t == CLG_F32 ? (double) (float) v : v;
        switch (t) {
        case CLG_F32:
            ((float *) p)[i] = (float) v;
            break;
        case CLG_F64:
            p[i] = v;
            break;
        case CLG_I64:
            ((int64_t *) p)[i] = (int64_t) v;
            break;
        case CLG_I32:
            ((int32_t *) p)[i] = (int32_t) v;
            break;
        default:
            ((uint8_t *) p)[i] = (uint8_t) v;
        }
    }
    clg_tensor x = clg_upload(f->dev, t, s, p);
    if (f->uploaded)
        f->uploaded(f->user, x, numbers);
    free(numbers);
    free(p);
    return x;
}

static clg_tensor leaf(fuzz *f, clg_shape s)
{
    clg_tensor x = clg_track(upload(f, f->real, s, 0));
    if (f->n < FUZZ_POOL)
        f->leaf[f->n] = true;
    return add(f, "leaf", x);
}

// Any tensor of the graph's floating type, newer ones more often.
static clg_tensor pick(fuzz *f)
{
    for (int tries = 0; tries < 40; tries++) {
        const int64_t a = fuzz_below(f, f->n), b = fuzz_below(f, f->n);
        clg_tensor t = f->pool[a > b ? a : b];
        if (t->dtype == f->real)
            return t;
    }
    return leaf(f, random_shape(f));
}

static bool broadcasts(const fuzz *f, clg_tensor a, clg_tensor b)
{
    int64_t n = 1;
    const int rank = a->shape.rank > b->shape.rank ? a->shape.rank : b->shape.rank;
    for (int d = 1; d <= rank; d++) {
        const int64_t x = d <= a->shape.rank ? a->shape.dim[a->shape.rank - d] : 1;
        const int64_t y = d <= b->shape.rank ? b->shape.dim[b->shape.rank - d] : 1;
        if (x != y && x != 1 && y != 1)
            return false;
        n *= x > y ? x : y;
    }
    return n <= 4 * f->most;
}

static clg_shape part_of(fuzz *f, clg_shape s)
{
    clg_shape r = { 0 };
    for (int d = (int) fuzz_below(f, s.rank + 1); d < s.rank; d++)
        r.dim[r.rank++] = chance(f, 30) ? 1 : s.dim[d];
    return r;
}

// Something that broadcasts with a.
static clg_tensor partner(fuzz *f, clg_tensor a)
{
    for (int tries = 0; tries < 6; tries++) {
        clg_tensor b = pick(f);
        if (broadcasts(f, a, b))
            return b;
    }
    return leaf(f, chance(f, 50) ? a->shape : part_of(f, a->shape));
}

// ---- one operation each

static void unary(fuzz *f)
{
    clg_tensor x = pick(f);
    switch (fuzz_below(f, 14)) {
#define CASE(k, text, y)                                                                           \
    case k:                                                                                        \
        add(f, text, y);                                                                           \
        break;
        CASE(0, "neg", clg_neg(x))
        CASE(1, "exp sin", clg_exp(clg_sin(x)))
        CASE(2, "tanh", clg_tanh(x))
        CASE(3, "sigmoid", clg_sigmoid(x))
        CASE(4, "gelu", clg_gelu(clg_tanh(x)))
        CASE(5, "cos", clg_cos(clg_tanh(x)))
        CASE(6, "square", clg_square(clg_sin(clg_tanh(x))))
        CASE(7, "relu", clg_relu(x))
        CASE(8, "abs", clg_abs(x))
        CASE(9, "sqrt", clg_sqrt(clg_add_scalar(clg_square(clg_tanh(x)), 0.5)))
        CASE(10, "log", clg_log(clg_add_scalar(clg_sigmoid(x), 0.25)))
        CASE(11, "pow", clg_pow_scalar(clg_add_scalar(clg_sigmoid(x), 0.25), 1.75))
        CASE(12, "leaky_relu", clg_leaky_relu(x, 0.25))
        CASE(13, "erf", clg_erf(clg_tanh(x)))
    }
}

static void binary(fuzz *f)
{
    clg_tensor a = pick(f), b = partner(f, a);
    switch (fuzz_below(f, 9)) {
        CASE(0, "add", clg_add(a, b))
        CASE(1, "add", clg_add(b, a))
        CASE(2, "sub", clg_sub(a, b))
        CASE(3, "mul tanh", clg_mul(clg_tanh(a), b))
        CASE(4, "div", clg_div(a, clg_add_scalar(clg_cos(clg_tanh(b)), 1.5)))
        CASE(5, "maximum", clg_maximum(a, b))
        CASE(6, "minimum", clg_minimum(b, a))
        CASE(7, "scalar", clg_scalar_sub(number(f), clg_mul_scalar(a, number(f))))
        CASE(8, "itself", clg_mul(a, clg_sigmoid(a)))
    }
}

static clg_shape random_axes(fuzz *f, int rank)
{
    clg_shape axes = { 0 };
    for (int d = 0; d < rank; d++) {
        if (chance(f, 45))
            axes.dim[axes.rank++] = chance(f, 30) ? d - rank : d;
    }
    return axes;
}

static void reduced(fuzz *f, clg_tensor x)
{
    const clg_shape axes = random_axes(f, x->shape.rank);
    const bool keep = chance(f, 50), empty = clg_numel(x->shape) == 0;
    switch (empty ? 0 : fuzz_below(f, 8)) {
        CASE(0, "sum", clg_mul_scalar(clg_sum(x, axes, keep), 0.125))
        CASE(1, "mean", clg_mean(x, axes, keep))
        CASE(2, "amax", clg_amax(x, axes, keep))
        CASE(3, "amin", clg_amin(x, axes, keep))
        CASE(4, "variance", clg_variance(x, axes, 0, keep))
        CASE(5, "logsumexp", clg_logsumexp(clg_tanh(x), axes, keep))
        CASE(6, "centred", clg_sub(x, clg_mean(x, axes, true)))
        CASE(7, "sum of squares", clg_mean(clg_square(clg_tanh(x)), axes, keep))
    }
}

static void reduction(fuzz *f)
{
    reduced(f, pick(f));
}

static void normalised(fuzz *f, clg_tensor x)
{
    if (x->shape.rank == 0)
        return;
    const int axis = (int) fuzz_below(f, x->shape.rank);
    if (chance(f, 50))
        add(f, "softmax", clg_softmax(x, axis));
    else
        add(f, "log_softmax", clg_log_softmax(clg_tanh(x), axis));
}

static void rows(fuzz *f)
{
    normalised(f, pick(f));
}

static clg_shape refactored(fuzz *f, int64_t n)
{
    clg_shape s = { 0 };
    while (n > 1 && s.rank < 5) {
        int64_t d = 2 + fuzz_below(f, 8);
        while (n % d)
            d = d < n ? d + 1 : n;
        s.dim[s.rank++] = chance(f, 25) ? 1 : d;
        n /= s.dim[s.rank - 1];
    }
    s.dim[s.rank++] = n;
    return s;
}

// 0 to room, both included.
static int64_t place(fuzz *f, int64_t room)
{
    f->moves = f->moves * 6364136223846793005u + 1442695040888963407u;
    return (int64_t) (f->moves >> 33) % (room + 1);
}

static clg_tensor sliced(fuzz *f, clg_tensor x)
{
    const int axis = (int) fuzz_below(f, x->shape.rank);
    const int64_t n = x->shape.dim[axis], step = 1 + fuzz_below(f, 3);
    const bool back = chance(f, 40);
    const int64_t most = (n - 1) / step + 1, count = most - fuzz_below(f, most / 2 + 1);
    const int64_t reach = (count - 1) * step, from = place(f, n - 1 - reach);
    if (count == 0)
        return clg_slice(x, axis, 0, 0, 1);
    if (back)
        return clg_slice(x, axis, from + reach, from > 0 ? from - 1 : INT64_MIN, -step);
    return clg_slice(x, axis, from, from + reach + 1, step);
}

static clg_tensor padded(fuzz *f, clg_tensor x)
{
    clg_shape before = { .rank = x->shape.rank }, after = before;
    for (int d = 0; d < x->shape.rank; d++) {
        const int64_t more = (chance(f, 40) ? fuzz_below(f, 3) : 0) + (chance(f, 40) ? fuzz_below(f, 3) : 0);
        before.dim[d] = place(f, more);
        after.dim[d] = more - before.dim[d];
    }
    return clg_numel(x->shape) > f->most ? x : clg_pad(x, before, after, chance(f, 50) ? 0 : 0.5);
}

static clg_tensor expanded(fuzz *f, clg_tensor x)
{
    clg_shape s = x->shape;
    for (int d = 0; d < s.rank; d++) {
        if (s.dim[d] == 1 && clg_numel(s) < f->most / 4)
            s.dim[d] = 1 + fuzz_below(f, 4);
    }
    if (s.rank < 6 && clg_numel(s) < f->most / 4) {
        memmove(s.dim + 1, s.dim, (size_t) s.rank * sizeof s.dim[0]);
        s.dim[0] = 1 + fuzz_below(f, 3);
        s.rank++;
    }
    return clg_expand(x, s);
}

static clg_tensor permuted(fuzz *f, clg_tensor x)
{
    clg_shape p = { .rank = x->shape.rank };
    for (int d = 0; d < p.rank; d++) {
        const int j = (int) fuzz_below(f, d + 1);
        p.dim[d] = p.dim[j];
        p.dim[j] = d;
    }
    return clg_permute(x, p);
}

static void movement(fuzz *f)
{
    clg_tensor x = pick(f);
    if (x->shape.rank == 0 || clg_numel(x->shape) == 0)
        return;
    switch (fuzz_below(f, 9)) {
        CASE(0, "reshape", clg_reshape(x, refactored(f, clg_numel(x->shape))))
        CASE(1, "permute", permuted(f, x))
        CASE(2, "slice", sliced(f, x))
        CASE(3, "flip", clg_flip(x, random_axes(f, x->shape.rank)))
        CASE(4, "pad", padded(f, x))
        CASE(5, "expand", expanded(f, x))
        CASE(6, "slice pad", sliced(f, padded(f, x)))
        CASE(7, "permute slice", permuted(f, sliced(f, x)))
    default: {
        const int axis = (int) fuzz_below(f, x->shape.rank);
        clg_tensor part = clg_slice(clg_tanh(x), axis, 0, fuzz_below(f, x->shape.dim[axis]) + 1, 1);
        if (clg_numel(x->shape) <= f->most / 2)
            add(f, "concat", clg_concat(axis, x, part));
    }
    }
}

static void product(fuzz *f)
{
    clg_tensor x = pick(f);
    const int64_t n = clg_numel(x->shape), columns[] = { 1, 2, 3, 5, 16, 19, 33 };
    if (x->shape.rank == 0 || n == 0)
        return;
    const int64_t k = x->shape.dim[x->shape.rank - 1], m = columns[fuzz_below(f, 7)];
    if (x->shape.rank == 1 || k > 200 || n / k * m > 2 * f->most || x->shape.rank > 4)
        return;
    clg_tensor w = leaf(f, chance(f, 50) ? CLG_SHAPE(k, m) : CLG_SHAPE(m, k));
    if (w->shape.dim[0] != k || (m == k && chance(f, 50)))
        w = clg_transpose(w, 0, 1);
    clg_tensor y = clg_mul_scalar(clg_matmul(x, w), 0.5);
    if (chance(f, 50))
        y = clg_relu(clg_add(y, leaf(f, chance(f, 70) ? CLG_SHAPE(m) : CLG_SHAPE(1))));
    add(f, "matmul", y);
}

// Maxima go back to where they were, and so does another tensor.
static void back_and_forth(fuzz *f, clg_tensor x)
{
    clg_tensor index = NULL;
    const int64_t h = x->shape.dim[2], w = x->shape.dim[3];
    clg_tensor top = clg_max_pool2d(x, clg_pool_params(.kernel = 2, .stride = 1 + (int) fuzz_below(f, 2),
                                                       .indices = &index));
    add(f, "top", top);
    add(f, "unpool", clg_max_unpool2d(clg_tanh(top), index, CLG_SHAPE(h, w), NULL));
}

static void image(fuzz *f)
{
    clg_tensor x = pick(f);
    const int64_t n = clg_numel(x->shape);
    if (x->shape.rank != 4) {
        const int64_t c = 1 + fuzz_below(f, 3), h = 3 + fuzz_below(f, 4), w = 3 + fuzz_below(f, 16);
        if (n >= c * h * w && n <= f->most) // a part of what is there
            x = clg_reshape(clg_slice(clg_reshape(x, CLG_SHAPE(-1)), 0, 0, c * h * w, 1),
                            CLG_SHAPE(1, c, h, w));
        else
            x = leaf(f, CLG_SHAPE(1 + fuzz_below(f, 2), c, h, w));
    }
    const int64_t c = x->shape.dim[1], h = x->shape.dim[2], w = x->shape.dim[3];
    if (clg_numel(x->shape) == 0 || c > 40 || h < 2 || w < 2)
        return;
    const int kind = (int) fuzz_below(f, 9);
    if (kind == 0)
        add(f, "max_pool", clg_max_pool2d(x, clg_pool2d_params(.kernel = 2)));
    else if (kind == 1)
        add(f, "avg_pool", clg_avg_pool2d(x, clg_pool2d_params(.kernel = 2, .stride = 1,
                                                               .padding = (int) fuzz_below(f, 2))));
    else if (kind == 2 && x->shape.dim[0] * h * w > 1)
        add(f, "batch_norm",
            clg_batch_norm(x, NULL, NULL, NULL, NULL,
                           clg_batch_norm_params(.training = true, .eps = 0.1)));
    else if (kind == 5)
        back_and_forth(f, x);
    else if (kind == 6)
        add(f, "adaptive", clg_adaptive_avg_pool2d(x, CLG_SHAPE(1 + fuzz_below(f, 3), 1 + fuzz_below(f, 9))));
    else if (kind == 7) {
        const struct clg_fold_params *p = clg_fold_params(.kernel = 2, .stride = 1 + (int) fuzz_below(f, 2));
        clg_tensor columns = clg_unfold(x, p);
        add(f, "unfold", columns);
        add(f, "fold", clg_fold(clg_tanh(columns), CLG_SHAPE(h, w), p));
    } else if (kind == 8 && c <= 8)
        add(f, "transposed", clg_conv_transpose2d(x, leaf(f, CLG_SHAPE(c, 1 + fuzz_below(f, 3), 2, 2)), NULL,
                                                  clg_conv_params(.stride_h = 1 + (int) fuzz_below(f, 2))));
    else if (c <= 8) {
        const int64_t o = 1 + fuzz_below(f, 5), k = 1 + fuzz_below(f, 2);
        clg_tensor wt = leaf(f, CLG_SHAPE(o, c, k, k));
        clg_tensor b = chance(f, 50) ? leaf(f, CLG_SHAPE(o)) : NULL;
        add(f, "conv2d", clg_conv2d(x, wt, b, clg_conv2d_params(.padding = (int) fuzz_below(f, 2),
                                                                .stride = 1 + (int) fuzz_below(f, 2))));
    }
}

static void choice(fuzz *f)
{
    clg_tensor a = pick(f), b = partner(f, a);
    const int kind = (int) fuzz_below(f, 4);
    if (kind == 0 && a->shape.rank > 0 && clg_numel(a->shape) > 0) {
        const int axis = (int) fuzz_below(f, a->shape.rank);
        const clg_dtype t = chance(f, 50) ? CLG_I32 : CLG_I64;
        clg_tensor index = upload(f, t, CLG_SHAPE(1 + fuzz_below(f, 5)), a->shape.dim[axis]);
        add(f, "index_select", clg_index_select(a, axis, index));
    } else if (kind == 1) {
        add(f, "where", clg_where(upload(f, CLG_BOOL, part_of(f, a->shape), 2), a, b));
    } else if (kind == 2) {
        clg_tensor i = upload(f, CLG_I32, part_of(f, a->shape), 9);
        clg_tensor k = clg_remainder_scalar(clg_add_scalar(clg_mul(i, i), 3), 5);
        add(f, "integers", clg_mul(a, k));
        add(f, "sum of integers", clg_sum(k, CLG_ALL, false));
    } else {
        add(f, "dropout", clg_dropout(a, 0.25));
    }
}

// Gradients of a number that depends on some tensor, for a few leaves and for that tensor's inputs.
static void gradient(fuzz *f)
{
    clg_tensor y = pick(f), wrt[4], g[4];
    int n = 0;
    if (!clg_is_tracked(y) || clg_numel(y->shape) == 0)
        return;
    for (int tries = 0; tries < 12 && n < 3; tries++) {
        const int k = (int) fuzz_below(f, f->n);
        bool twice = false;
        for (int i = 0; i < n; i++)
            twice |= wrt[i] == f->pool[k];
        if (f->pool[k]->dtype == f->real && !twice && f->pool[k] != y)
            wrt[n++] = f->pool[k];
    }
    clg_tensor seed = clg_cos(clg_tanh(chance(f, 50) ? y : upload(f, f->real, y->shape, 0)));
    const clg_status st = clg_vjp_n(y, clg_detach(seed), wrt, n, true, g);
    ck_assert_msg(st >= 0, "seed %llu, gradient: %s", (unsigned long long) f->seed,
                  clg_error(f->dev, st));
    for (int k = 0; k < n; k++)
        add(f, "gradient", clg_tanh(g[k]));
}

void fuzz_start(fuzz *f, clg_device dev, uint64_t seed, int mutate, bool log)
{
    memset(f, 0, sizeof *f);
    f->dev = dev;
    f->seed = f->state = seed;
    f->log = log;
    for (int k = 0; k < 8; k++)
        next(f);
    f->real = chance(f, 25) && clg_device_has(dev, CLG_F64) ? CLG_F64 : CLG_F32;
    f->draws = 0;
    f->mutate = mutate;
    f->most = seed % 3 == 0 ? MOST_LONG : MOST;
    clg_random_set_state(dev, seed, 0);
}

void fuzz_take(fuzz *f, clg_tensor t)
{
    f->leaf[f->n] = true;
    add(f, "given", t);
}

clg_tensor fuzz_leaf(fuzz *f, clg_shape s)
{
    return leaf(f, s);
}

void fuzz_grow(fuzz *f, int operations)
{
    static void (*const kinds[])(fuzz *) = { unary, unary, unary, binary, binary, binary, binary,
                                             reduction, reduction, reduction, movement, movement,
                                             movement, movement, rows, product, image, choice,
                                             choice, gradient };
    for (int k = 0; k < operations && f->n < FUZZ_POOL - 8; k++)
        kinds[fuzz_below(f, (int64_t) (sizeof kinds / sizeof kinds[0]))](f);
}

// One dimension is long, of any length, and its neighbour short: rows and columns that share a vector.
static clg_shape narrow_shape(fuzz *f)
{
    clg_shape s = chance(f, 50) ? CLG_SHAPE(1, 1) : CLG_SHAPE(1 + fuzz_below(f, 3), 1, 1);
    const int at = s.rank - 1 - (int) fuzz_below(f, 2);
    for (int d = s.rank - 2; d < s.rank; d++)
        s.dim[d] = 1 + fuzz_below(f, d == at ? 20 : 4000);
    return s;
}

// A view, less a part of its shape, reduced: what kernels of reductions read, and how.
void fuzz_reduce(fuzz *f)
{
    clg_tensor x = leaf(f, chance(f, 70) ? narrow_shape(f) : random_shape(f));
    if (x->shape.rank > 0 && clg_numel(x->shape) > 0) {
        switch (fuzz_below(f, 10)) {
            CASE(0, "permute", x = permuted(f, x))
            CASE(1, "slice", x = sliced(f, x))
            CASE(2, "flip", x = clg_flip(x, random_axes(f, x->shape.rank)))
            CASE(3, "permute slice", x = permuted(f, sliced(f, x)))
        }
    }
    for (int k = (int) fuzz_below(f, 3); k > 0; k--) {
        clg_shape s = part_of(f, x->shape);
        clg_tensor b = leaf(f, s);
        if (s.rank > 1 && chance(f, 30)) // the same, but columns lie apart
            b = clg_transpose(leaf(f, clg_transpose(b, -1, -2)->shape), -1, -2);
        x = add(f, "less", chance(f, 70) ? clg_sub(x, b) : clg_mul(b, x));
    }
    if (chance(f, 75))
        reduced(f, x);
    else
        normalised(f, x);
    f->out[f->n_out++] = f->pool[f->n - 1];
}

void fuzz_choose(fuzz *f)
{
    for (int k = f->n - 1; k >= 0 && f->n_out < FUZZ_OUTPUTS; k--) {
        if (k == f->n - 1 || (!f->leaf[k] && chance(f, 40)))
            f->out[f->n_out++] = f->pool[k];
    }
}

void fuzz_record(fuzz *f, clg_device dev, uint64_t seed, int operations, bool log)
{
    fuzz_record_moved(f, dev, seed, 0, operations, log);
}

void fuzz_record_moved(fuzz *f, clg_device dev, uint64_t seed, uint64_t moves, int operations, bool log)
{
    fuzz_start(f, dev, seed, 0, log);
    f->moves = seed + (moves << 32);
    leaf(f, random_shape(f));
    leaf(f, random_shape(f));
    fuzz_grow(f, operations);
    fuzz_choose(f);
}
