// SPDX-License-Identifier: MIT
// Matrix products of more than two dimensions: rows of a batch are one product, batches are found by strides,
// and what is repeated is neither copied nor packed twice. Launches, memory, and values in every type.
#include "testing.h"

static uint64_t launches_of(clg_tensor t)
{
    const uint64_t before = clg_device_get_stats(dev).launches;
    ok(clg_eval(t));
    return clg_device_get_stats(dev).launches - before;
}

static clg_tensor noise(clg_shape s)
{
    clg_tensor t = clg_uniform(dev, CLG_F32, s, -1, 1);
    ok(clg_eval(t));
    return t;
}

static void same_bits(const char *what, clg_tensor a, clg_tensor b)
{
    const size_t bytes = (size_t) clg_numel(a->shape) * clg_dtype_size(a->dtype);
    char *x = calloc(bytes + 1, 1), *y = calloc(bytes + 1, 1);
    ck_assert_msg(a->status >= 0 && b->status >= 0, "%s: %s", what, clg_error(dev, CLG_OK));
    ck_assert_int_eq(clg_numel(a->shape), clg_numel(b->shape));
    ok(clg_read(a, x, bytes));
    ok(clg_read(b, y, bytes));
    for (size_t i = 0; i < bytes; i++)
        ck_assert_msg(x[i] == y[i], "%s: byte %zu of %zu differs", what, i, bytes);
    free(x);
    free(y);
}

// A product of two matrices: one launch, or two more that pack.
static uint64_t launches_of_one(void)
{
    return launches_of(clg_matmul(noise(CLG_SHAPE(6, 5)), noise(CLG_SHAPE(5, 7))));
}

static clg_tensor loss_of(clg_tensor y)
{
    return clg_sum(clg_mul(y, y), CLG_ALL, false);
}

// [..,C] x [C,N] and both derivatives are what [rows,C] x [C,N] has: as many launches, the same bits.
START_TEST(rows_of_a_batch_are_one_product)
{
    const clg_shape shapes[] = { CLG_SHAPE(4, 9, 5), CLG_SHAPE(2, 3, 4, 5), CLG_SHAPE(2, 1, 3, 1, 4, 1, 2, 5),
                                 CLG_SHAPE(1, 1, 5), CLG_SHAPE(33, 1, 17), CLG_SHAPE(3, 70, 65) };
    clg_scope s = clg_scope_push(dev);
    const clg_shape x_shape = shapes[_i];
    const int64_t c = x_shape.dim[x_shape.rank - 1], rows = clg_numel(x_shape) / c;
    clg_tensor x = clg_track(noise(x_shape)), w = clg_track(noise(CLG_SHAPE(c, 7))), g[2], h[2];
    clg_tensor flat = clg_track(noise(CLG_SHAPE(rows, c)));
    clg_tensor y = clg_matmul(x, w), z = clg_matmul(flat, w);
    ck_assert_int_eq(y->shape.rank, x_shape.rank);
    ck_assert_uint_eq(launches_of(y), launches_of_one());
    ok(clg_eval(z));
    ok(clg_grad_n(loss_of(y), (clg_tensor[]) { x, w }, 2, g));
    ok(clg_grad_n(loss_of(z), (clg_tensor[]) { flat, w }, 2, h));
    ck_assert_uint_eq(launches_of(g[0]), launches_of(h[0]));
    ck_assert_uint_eq(launches_of(g[1]), launches_of(h[1]));
    clg_tensor again = clg_track(clg_reshape(x, CLG_SHAPE(rows, c)));
    same_bits("value", y, clg_matmul(again, w));
    ok(clg_grad_n(loss_of(clg_matmul(again, w)), (clg_tensor[]) { again, w }, 2, h));
    same_bits("gradient of the rows", g[0], h[0]);
    same_bits("gradient of the weights", g[1], h[1]);
    clg_scope_pop(s);
}
END_TEST

static clg_tensor packed(clg_tensor t)
{
    return clg_add_scalar(clg_reshape(t, t->shape), 0);
}

static clg_tensor transposed(clg_tensor t)
{
    return clg_transpose(t, -1, -2);
}

enum { HEADS, HEADS_TURNED, SCORES, GROUPED, MASKED_WEIGHTS, EXPANDED, EXPANDED_LEFT, SLICED, REVERSED, UNFOLDED,
       STRIDED_ROWS, PAIRS };

static void pair(int k, clg_tensor *a, clg_tensor *b)
{
    switch (k) {
    case HEADS: // [B,T,H,D] seen as [B,H,T,D]
        *a = clg_transpose(noise(CLG_SHAPE(2, 5, 3, 4)), 1, 2);
        *b = clg_transpose(noise(CLG_SHAPE(2, 4, 3, 7)), 1, 2);
        break;
    case HEADS_TURNED:
        *a = transposed(clg_transpose(noise(CLG_SHAPE(2, 4, 3, 5)), 1, 2));
        *b = transposed(clg_transpose(noise(CLG_SHAPE(2, 7, 3, 4)), 1, 2));
        break;
    case SCORES: { // q and k out of one tensor
        clg_tensor z = noise(CLG_SHAPE(2, 5, 24));
        *a = clg_transpose(clg_reshape(clg_slice(z, 2, 0, 12, 1), CLG_SHAPE(2, 5, 3, 4)), 1, 2);
        *b = transposed(clg_transpose(clg_reshape(clg_slice(z, 2, 12, 24, 1), CLG_SHAPE(2, 5, 3, 4)), 1, 2));
        break;
    }
    case GROUPED: // one key for several queries
        *a = noise(CLG_SHAPE(2, 3, 5, 4));
        *b = noise(CLG_SHAPE(2, 1, 4, 7));
        break;
    case MASKED_WEIGHTS: // batches repeat in turn
        *a = noise(CLG_SHAPE(2, 1, 3, 5, 4));
        *b = noise(CLG_SHAPE(3, 1, 4, 7));
        break;
    case EXPANDED:
        *a = noise(CLG_SHAPE(6, 5, 4));
        *b = clg_expand(noise(CLG_SHAPE(4, 7)), CLG_SHAPE(6, 4, 7));
        break;
    case EXPANDED_LEFT:
        *a = noise(CLG_SHAPE(5, 4));
        *b = noise(CLG_SHAPE(6, 4, 7));
        break;
    case SLICED:
        *a = clg_slice(noise(CLG_SHAPE(6, 10, 8)), 1, 1, 9, 2);
        *b = clg_slice(noise(CLG_SHAPE(9, 16, 7)), 0, 1, 7, 1);
        *b = clg_slice(*b, 1, 0, 16, 2);
        break;
    case REVERSED:
        *a = clg_flip(noise(CLG_SHAPE(3, 5, 4)), CLG_AXES(0, 2));
        *b = clg_flip(noise(CLG_SHAPE(3, 4, 7)), CLG_AXES(0, 1));
        break;
    case UNFOLDED: // rows that do not lie one after another, and one matrix for all
        *a = clg_transpose(noise(CLG_SHAPE(5, 3, 4)), 0, 1);
        *b = noise(CLG_SHAPE(4, 7));
        break;
    default: // rows that do, in steps
        *a = clg_slice(noise(CLG_SHAPE(3, 5, 8)), 2, 1, 8, 2);
        *b = transposed(noise(CLG_SHAPE(7, 4)));
    }
}

// As many launches as two plain matrices, and the bits of contiguous operands. Gradients too, to second order.
START_TEST(views_are_read_where_they_lie)
{
    if (!in_turn(_i, 3))
        return;
    clg_scope s = clg_scope_push(dev);
    clg_tensor a, b, g[2], h[2];
    pair(_i, &a, &b);
    ok(clg_eval(a, b));
    clg_tensor y = clg_matmul(a, b);
    ck_assert_msg(y->status >= 0, "%s", clg_error(dev, y->status));
    ck_assert_uint_eq(launches_of(y), launches_of_one());
    clg_tensor pa = packed(a), pb = packed(b);
    ok(clg_eval(pa, pb));
    same_bits("value", y, clg_matmul(pa, pb));
    a = clg_track(a);
    b = clg_track(b);
    pa = clg_track(pa);
    pb = clg_track(pb);
    ok(clg_grad_n(loss_of(clg_matmul(a, b)), (clg_tensor[]) { a, b }, 2, g));
    ok(clg_grad_n(loss_of(clg_matmul(pa, pb)), (clg_tensor[]) { pa, pb }, 2, h));
    for (int k = 0; k < 2; k++)
        same_bits(k ? "gradient of b" : "gradient of a", packed(g[k]), packed(h[k]));
    clg_tensor gg = clg_sum(clg_mul(g[0], g[0]), CLG_ALL, false), hh = clg_sum(clg_mul(h[0], h[0]), CLG_ALL, false);
    clg_tensor g2, h2;
    ok(clg_grad_n(gg, &b, 1, &g2));
    ok(clg_grad_n(hh, &pb, 1, &h2));
    same_bits("second derivative", packed(g2), packed(h2));
    clg_scope_pop(s);
}
END_TEST

// What the batch repeats, on either side and along any of its dimensions, has one product for its gradient: no more
// launches than two plain matrices and what makes the cotangent. Beside the sum of all batches' products.
START_TEST(what_is_repeated_has_one_product_for_its_gradient)
{
    if (!in_turn(_i, 2))
        return;
    static const struct { clg_shape a, b; int which; } all[] = {
        { { 2, { 5, 4 } }, { 3, { 6, 4, 7 } }, 0 },          { { 2, { 70, 65 } }, { 3, { 3, 65, 33 } }, 0 },
        { { 4, { 1, 3, 5, 4 } }, { 4, { 2, 3, 4, 7 } }, 0 }, { { 4, { 2, 1, 5, 4 } }, { 4, { 2, 3, 4, 7 } }, 0 },
        { { 4, { 2, 3, 5, 4 } }, { 4, { 2, 1, 4, 7 } }, 1 }, { { 5, { 2, 1, 3, 5, 4 } }, { 5, { 1, 4, 3, 4, 7 } }, 0 },
        { { 5, { 2, 1, 3, 5, 4 } }, { 5, { 1, 4, 3, 4, 7 } }, 1 }, { { 3, { 3, 5, 4 } }, { 2, { 4, 7 } }, 2 },
        { { 2, { 5, 4 } }, { 3, { 6, 4, 1 } }, 0 },          { { 2, { 1, 4 } }, { 3, { 6, 4, 3 } }, 0 } };
    clg_scope s = clg_scope_push(dev);
    clg_tensor a = noise(all[_i].a), b = noise(all[_i].b), in[2], whole[2], g, h;
    const int k = all[_i].which == 0 ? 0 : 1;
    if (all[_i].which == 2) // rows that do not lie one after another
        a = clg_transpose(noise(CLG_SHAPE(5, 3, 4)), 0, 1);
    in[0] = clg_track(a);
    in[1] = clg_track(b);
    clg_tensor y = clg_matmul(in[0], in[1]), c = noise(y->shape);
    g = clg_grad(clg_sum(clg_mul(clg_mul(y, y), c), CLG_ALL, false), in[k]);
    ok(clg_eval(y));
    ck_assert_uint_le(launches_of(g), launches_of_one() + 1);
    clg_shape full = y->shape; // the repeated operand, written out
    full.dim[full.rank - 2] = in[k]->shape.dim[in[k]->shape.rank - 2];
    full.dim[full.rank - 1] = in[k]->shape.dim[in[k]->shape.rank - 1];
    whole[k] = clg_track(packed(clg_expand(in[k], full)));
    whole[1 - k] = in[1 - k];
    h = clg_grad(clg_sum(clg_mul(clg_mul(y, y), c), CLG_ALL, false), y); // the cotangent
    h = clg_grad(clg_sum(clg_mul(clg_matmul(whole[0], whole[1]), clg_detach(h)), CLG_ALL, false), whole[k]);
    clg_shape axes = { 0 };
    for (int d = 0, more = full.rank - in[k]->shape.rank; d < full.rank - 2; d++) {
        if (d < more || in[k]->shape.dim[d - more] != full.dim[d])
            axes.dim[axes.rank++] = d;
    }
    h = clg_reshape(clg_sum(h, axes, true), in[k]->shape);
    const int64_t n = clg_numel(g->shape);
    ck_assert_int_eq(n, clg_numel(in[k]->shape));
    double *got = read_all(g), *want = read_all(h);
    for (int64_t i = 0; i < n; i++)
        ck_assert_msg(fabs(got[i] - want[i]) <= 2e-5 * (fabs(want[i]) + 1), "element %lld is %g, expected %g",
                      (long long) i, got[i], want[i]);
    free(got);
    free(want);
    // second derivatives by both, against each other through the operand that is written out
    clg_tensor gg = clg_grad(clg_sum(clg_mul(g, g), CLG_ALL, false), in[1 - k]);
    ck_assert_msg(gg->status >= 0, "%s", clg_error(dev, gg->status));
    clg_tensor again = clg_matmul(k == 0 ? packed(clg_expand(in[0], full)) : in[0], k == 1 ? packed(clg_expand(in[1], full)) : in[1]);
    clg_tensor g2 = clg_grad(clg_sum(clg_mul(clg_mul(again, again), c), CLG_ALL, false), in[k]);
    clg_tensor hh = clg_grad(clg_sum(clg_mul(g2, g2), CLG_ALL, false), in[1 - k]);
    got = read_all(packed(gg));
    want = read_all(packed(hh));
    double size = 0;
    for (int64_t i = 0; i < clg_numel(gg->shape); i++)
        size = fmax(size, fabs(want[i]));
    for (int64_t i = 0; i < clg_numel(gg->shape); i++)
        ck_assert_msg(fabs(got[i] - want[i]) <= 1e-4 * size, "second derivative %lld is %g, expected %g", (long long) i,
                      got[i], want[i]);
    free(got);
    free(want);
    clg_scope_pop(s);
}
END_TEST

static uint64_t peak_of(clg_shape sa, clg_shape sb, bool derivative)
{
    clg_device old = dev;
    ok(clg_device_open(&dev, NULL));
    clg_scope s = clg_scope_push(dev);
    clg_tensor a = clg_track(noise(sa)), b = clg_track(noise(sb)), g;
    clg_tensor y = clg_matmul(a, b);
    if (derivative) {
        ok(clg_grad_n(clg_sum(y, CLG_ALL, false), &b, 1, &g));
        y = g;
    }
    clg_device_trim(dev);
    ok(clg_eval(y));
    const uint64_t peak = clg_device_get_stats(dev).bytes_peak;
    clg_scope_pop(s);
    clg_device_close(&dev);
    dev = old;
    return peak;
}

// What is repeated takes no memory of its own: neither the weights of every batch, nor one gradient for each.
START_TEST(what_is_repeated_takes_no_memory)
{
    if (!on_pocl() && !in_turn(0, 4))
        return;
    for (int derivative = 0; derivative < 2; derivative++) {
        const uint64_t many = peak_of(CLG_SHAPE(64, 16, 256), CLG_SHAPE(256, 512), derivative),
                       one = peak_of(CLG_SHAPE(64 * 16, 256), CLG_SHAPE(256, 512), derivative);
        ck_assert_msg(many <= one + one / 20, "%s: a batch of 64 takes %.2f MB, its rows take %.2f MB",
                      derivative ? "derivative" : "product", 1e-6 * (double) many, 1e-6 * (double) one);
    }
    // shared keys: inputs, result, what is packed of each; not 16 times the keys
    const uint64_t grouped = peak_of(CLG_SHAPE(16, 32, 256), CLG_SHAPE(1, 256, 1024), false);
    const uint64_t bytes = 4 * (2 * 16 * 32 * 256 + 2 * 256 * 1024 + 16 * 32 * 1024);
    ck_assert_msg(grouped <= bytes + bytes / 3, "%.2f MB for %.2f", 1e-6 * (double) grouped, 1e-6 * (double) bytes);
}
END_TEST

// Against sums in double, in every type, with batches of every kind.
START_TEST(values_in_every_type)
{
    static const struct { clg_shape a, b; } all[] = {
        { { 3, { 3, 5, 4 } }, { 2, { 4, 6 } } },
        { { 2, { 5, 4 } }, { 4, { 2, 3, 4, 6 } } },
        { { 4, { 2, 1, 5, 4 } }, { 3, { 3, 4, 6 } } },
        { { 7, { 2, 2, 1, 2, 3, 5, 4 } }, { 6, { 2, 2, 1, 3, 4, 6 } } },
        { { 7, { 2, 3, 1, 2, 1, 3, 4 } }, { 7, { 2, 1, 3, 1, 2, 4, 3 } } },
        { { 3, { 7, 1, 19 } }, { 3, { 7, 19, 1 } } },
        { { 1, { 4 } }, { 3, { 3, 4, 6 } } },
        { { 3, { 3, 5, 4 } }, { 1, { 4 } } },
    };
    const clg_dtype types[] = { CLG_F32, CLG_F64, CLG_I32, CLG_I64, CLG_U8 };
    clg_scope s = clg_scope_push(dev);
    for (int t = 0; t < 5; t++) {
        if (!clg_device_has(dev, types[t]) || !in_turn(_i + t, 3))
            continue;
        const clg_tensor a = clg_uniform(dev, CLG_F32, all[_i].a, 0, 9), b = clg_uniform(dev, CLG_F32, all[_i].b, 0, 9);
        clg_tensor x = clg_cast(a, types[t]), y = clg_cast(b, types[t]);
        if (!clg_dtype_is_float(types[t])) { // wraps
            x = clg_mul_scalar(x, 3);
            y = clg_mul_scalar(y, 5);
        }
        const clg_tensor p = clg_matmul(x, y);
        ck_assert_msg(p->status >= 0, "%s", clg_error(dev, p->status));
        ck_assert_int_eq(p->dtype, types[t]);
        // the same by broadcasting and sums
        const bool va = all[_i].a.rank == 1, vb = all[_i].b.rank == 1;
        clg_tensor u = clg_unsqueeze(va ? clg_unsqueeze(x, 0) : x, -1), v = clg_unsqueeze(vb ? clg_unsqueeze(y, 1) : y, -3);
        const clg_tensor sums = clg_cast(clg_sum(clg_mul(u, v), CLG_AXES(-2), false), types[t]);
        ck_assert_msg(sums->status >= 0, "%s", clg_error(dev, sums->status));
        const int64_t n = clg_numel(p->shape);
        ck_assert_int_eq(n, clg_numel(sums->shape));
        double *got = calloc((size_t) n, 8), *want = calloc((size_t) n, 8);
        const clg_dtype as = clg_device_has(dev, CLG_F64) ? CLG_F64 : CLG_F32;
        const clg_tensor pd = clg_cast(p, as), sd = clg_cast(sums, as);
        ok(clg_read(pd, got, (size_t) n * clg_dtype_size(as)));
        ok(clg_read(sd, want, (size_t) n * clg_dtype_size(as)));
        for (int64_t i = 0; i < n; i++) {
            const double g = as == CLG_F64 ? got[i] : (double) ((float *) got)[i],
                         w = as == CLG_F64 ? want[i] : (double) ((float *) want)[i];
            const double bound = clg_dtype_is_float(types[t]) ? (types[t] == CLG_F64 ? 1e-14 : 4e-6) * fabs(w) : 0;
            ck_assert_msg(fabs(g - w) <= bound, "%s: element %lld is %.17g, expected %.17g", clg_dtype_name(types[t]),
                          (long long) i, g, w);
        }
        free(got);
        free(want);
    }
    clg_scope_pop(s);
}
END_TEST

// Few rows, few columns, tiny products of a batch, sums that are cut, tiles of every kind: however operands lie, the
// same bits, and near sums in double.
START_TEST(every_kernel_has_the_same_bits)
{
    static const struct { int b, m, k, n; } all[] = { { 1, 1, 4100, 70 }, { 1, 70, 4100, 1 },    { 2, 9, 300, 130 },
                                                      { 1, 67, 261, 16 }, { 3, 17, 2100, 18 },   { 20, 5, 7, 3 },
                                                      { 33, 8, 8, 8 },    { 2, 129, 65, 77 },    { 1, 1, 5000, 1 },
                                                      { 1, 260, 780, 261 }, { 1, 33, 16, 49 } };
    const clg_dtype types[] = { CLG_F32, CLG_F64, CLG_F16, CLG_BF16 };
    const int b = all[_i].b, m = all[_i].m, k = all[_i].k, n = all[_i].n;
    for (int t = 0; t < 4; t++) {
        const bool seldom = t >= 2 && _i % 3; // packed types
        if (!clg_device_has(dev, types[t]) || (seldom && !everything()) || !in_turn(_i + t, 3))
            continue;
        clg_scope s = clg_scope_push(dev);
        clg_tensor x = clg_cast(noise(CLG_SHAPE(b, m, k)), types[t]), y = clg_cast(noise(CLG_SHAPE(b, k, n)), types[t]);
        clg_tensor xt = packed(transposed(x)), yt = packed(transposed(y));
        clg_tensor wide = clg_concat(2, y, y); // a view with other rows between
        ok(clg_eval(x, y, xt, yt, wide));
        const clg_tensor p = clg_matmul(x, y);
        ck_assert_msg(p->status >= 0, "%s", clg_error(dev, p->status));
        same_bits("NT", p, clg_matmul(x, transposed(yt)));
        same_bits("TN", p, clg_matmul(transposed(xt), y));
        same_bits("TT", p, clg_matmul(transposed(xt), transposed(yt)));
        same_bits("view", p, clg_matmul(x, clg_slice(wide, 2, n, 2 * n, 1)));
        same_bits("turned", p, packed(transposed(clg_matmul(transposed(y), transposed(x)))));
        same_bits("epilogue", clg_relu(p), clg_relu(clg_matmul(transposed(xt), y)));
        double *u = read_all(clg_cast(x, CLG_F32)), *v = read_all(clg_cast(y, CLG_F32));
        double *got = read_all(clg_cast(p, CLG_F32));
        const double unit = types[t] == CLG_F16 ? 0x1p-10 : types[t] == CLG_BF16 ? 0x1p-7 : 0x1p-21;
        for (int64_t i = 0; i < (int64_t) b * m * n; i++) {
            const int64_t row = i / n, at = row / m * k * n + i % n;
            double sum = 0, size = 0;
            for (int j = 0; j < k; j++) {
                sum += u[row * k + j] * v[at + (int64_t) j * n];
                size += fabs(u[row * k + j] * v[at + (int64_t) j * n]);
            }
            ck_assert_msg(fabs(got[i] - sum) <= unit * size, "%s: element %lld is %g, expected %g",
                          clg_dtype_name(types[t]), (long long) i, got[i], sum);
        }
        free(u);
        free(v);
        free(got);
        clg_scope_pop(s);
    }
}
END_TEST

// A mask that the batch repeats, and a slice of a wider one, are read at the end of the product.
START_TEST(masks_are_no_pass_of_their_own)
{
    clg_scope s = clg_scope_push(dev);
    for (int wide = 0; wide < 2; wide++) {
        clg_tensor a = noise(CLG_SHAPE(2, 3, 5, 4)), b = noise(CLG_SHAPE(2, 3, 4, 19));
        clg_tensor mask = wide ? clg_slice(noise(CLG_SHAPE(5, 30)), 1, 3, 22, 1) : noise(CLG_SHAPE(5, 19));
        if (wide) { // without a batch
            a = noise(CLG_SHAPE(5, 4));
            b = noise(CLG_SHAPE(4, 19));
        }
        clg_tensor apart = clg_matmul(a, b), y = clg_add(clg_mul_scalar(clg_matmul(a, b), 0.5), mask);
        ck_assert_uint_eq(launches_of(y), launches_of_one());
        ok(clg_eval(apart));
        same_bits("masked", y, clg_add(clg_mul_scalar(apart, 0.5), mask));
    }
    clg_scope_pop(s);
}
END_TEST

// Nothing to sum is 0, nothing to write is nothing.
START_TEST(empty_products)
{
    static const struct { clg_shape a, b; } all[] = {
        { { 3, { 3, 5, 0 } }, { 2, { 0, 6 } } }, { { 3, { 0, 5, 4 } }, { 2, { 4, 6 } } },
        { { 3, { 3, 0, 4 } }, { 2, { 4, 6 } } }, { { 3, { 3, 5, 4 } }, { 2, { 4, 0 } } },
        { { 4, { 2, 0, 5, 4 } }, { 4, { 2, 1, 4, 6 } } }, { { 3, { 0, 0, 4 } }, { 3, { 1, 4, 6 } } },
        { { 4, { 2, 3, 5, 0 } }, { 4, { 2, 1, 0, 6 } } }, { { 3, { 1, 5, 4 } }, { 3, { 0, 4, 6 } } } };
    clg_scope s = clg_scope_push(dev);
    clg_tensor a = clg_track(clg_ones(dev, CLG_F32, all[_i].a)), b = clg_track(clg_ones(dev, CLG_F32, all[_i].b));
    clg_tensor y = clg_matmul(a, b), g[2];
    ck_assert_msg(y->status >= 0, "%s", clg_error(dev, y->status));
    const int64_t k = all[_i].a.dim[all[_i].a.rank - 1], n = clg_numel(y->shape);
    if (n > 0)
        ck_assert_double_eq(clg_item(clg_sum(y, CLG_ALL, false), NULL), (double) (k * n));
    ok(clg_grad_n(clg_sum(y, CLG_ALL, false), (clg_tensor[]) { a, b }, 2, g));
    ok(clg_eval(g[0], g[1], y));
    for (int i = 0; i < 2; i++) {
        const double sum = clg_item(clg_sum(g[i], CLG_ALL, false), NULL);
        ck_assert_double_eq(sum, (double) (k * n));
    }
    clg_scope_pop(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("products");
    TCase *c = tcase_create("products");
    tcase_add_loop_test(c, rows_of_a_batch_are_one_product, 0, 6);
    tcase_add_loop_test(c, views_are_read_where_they_lie, 0, PAIRS);
    tcase_add_loop_test(c, what_is_repeated_has_one_product_for_its_gradient, 0, 10);
    tcase_add_loop_test(c, every_kernel_has_the_same_bits, 0, 11);
    tcase_add_test(c, what_is_repeated_takes_no_memory);
    tcase_add_test(c, masks_are_no_pass_of_their_own);
    tcase_add_loop_test(c, values_in_every_type, 0, 8);
    tcase_add_loop_test(c, empty_products, 0, 8);
    suite_add_tcase(s, c);
    return run_suite(s);
}
