// SPDX-License-Identifier: MIT
// What kernel ops do at their end: casts to the stored type, several results, operands that vary along some of the
// batch's dimensions alone, results in another order. Each as many launches as the op by itself, and the bits of one
// kernel for every op (a device of CLGRAD_FUSE=0).
#include "testing.h"

static clg_device plain; // fuses nothing

enum { MOST = 8 };

// A graph: outputs go to out; how many.
typedef int (*graph)(clg_device d, int kind, clg_tensor *out);

static clg_tensor noise(clg_device d, clg_dtype t, clg_shape s)
{
    const clg_tensor x = clg_cast(clg_mul_scalar(clg_uniform(d, CLG_F32, s, -1, 1), clg_dtype_is_float(t) ? 1 : 9), t);
    ok(clg_eval(x));
    return x;
}

// What is freed keeps its contents, and is what results get.
static void poison_memory(clg_device d, const clg_tensor *like, int n)
{
    const clg_scope s = clg_scope_push(d);
    for (int k = 0; k < n; k++) {
        const int64_t bytes = clg_numel(like[k]->shape) * (int64_t) clg_dtype_size(like[k]->dtype);
        for (int i = 0; i < 3; i++)
            ok(clg_eval(clg_full(d, CLG_F32, CLG_SHAPE(bytes / 4 + 1), NAN)));
    }
    clg_scope_pop(s);
}

typedef struct got {
    int n;
    clg_dtype dtype[MOST];
    int64_t numel[MOST];
    char *raw[MOST];
    uint64_t launches;
} got;

static got run(clg_device d, graph record, int kind)
{
    got r = { 0 };
    clg_tensor out[MOST];
    const clg_scope s = clg_scope_push(d);
    clg_manual_seed(d, 7);
    r.n = record(d, kind, out);
    for (int k = 0; k < r.n; k++)
        ck_assert_msg(out[k]->status >= 0, "%s", clg_error(d, out[k]->status));
    poison_memory(d, out, r.n);
    const uint64_t before = clg_device_get_stats(d).launches;
    ok(clg_eval_n(out, r.n));
    r.launches = clg_device_get_stats(d).launches - before;
    for (int k = 0; k < r.n; k++) {
        const size_t bytes = (size_t) clg_numel(out[k]->shape) * clg_dtype_size(out[k]->dtype);
        r.dtype[k] = out[k]->dtype;
        r.numel[k] = clg_numel(out[k]->shape);
        r.raw[k] = malloc(bytes + 1);
        ok(clg_read(out[k], r.raw[k], bytes));
    }
    clg_scope_pop(s);
    return r;
}

// The exponent's bits and one more: any NaN is like another.
static bool is_nan(clg_dtype t, const char *p)
{
    uint64_t bits = 0;
    const size_t size = clg_dtype_size(t);
    memcpy(&bits, p, size);
    const int fraction = t == CLG_F64 ? 52 : t == CLG_F32 ? 23 : t == CLG_F16 ? 10 : 7;
    const uint64_t all = ((uint64_t) 1 << (8 * size - 1)) - 1, inf = all >> fraction << fraction;
    return clg_dtype_is_float(t) && (bits & all) > inf;
}

static void same_bits(const char *what, int kind, const got *a, const got *b)
{
    ck_assert_int_eq(a->n, b->n);
    for (int k = 0; k < a->n; k++) {
        const size_t size = clg_dtype_size(a->dtype[k]);
        ck_assert_int_eq(a->dtype[k], b->dtype[k]);
        ck_assert_int_eq(a->numel[k], b->numel[k]);
        for (int64_t i = 0; i < a->numel[k]; i++) {
            const char *x = a->raw[k] + (size_t) i * size, *y = b->raw[k] + (size_t) i * size;
            ck_assert_msg(memcmp(x, y, size) == 0 || (is_nan(a->dtype[k], x) && is_nan(a->dtype[k], y)),
                          "%s %d: element %lld of output %d (%s) differs from what one kernel for each op gives", what,
                          kind, (long long) i, k, clg_dtype_name(a->dtype[k]));
        }
    }
}

static void free_got(got *r)
{
    for (int k = 0; k < r->n; k++)
        free(r->raw[k]);
}

static int product(clg_device d, int kind, clg_tensor *out)
{
    (void) kind;
    out[0] = clg_matmul(noise(d, CLG_F32, CLG_SHAPE(6, 5)), noise(d, CLG_F32, CLG_SHAPE(5, 7)));
    return 1;
}

// As many launches as `like`, a kernel op by itself.
static void check_like(const char *what, graph record, int kind, graph like)
{
    got alone = run(dev, like, kind), fused = run(dev, record, kind), apart = run(plain, record, kind);
    same_bits(what, kind, &fused, &apart);
    ck_assert_msg(fused.launches == alone.launches, "%s %d takes %llu launches, the op alone %llu", what, kind,
                  (unsigned long long) fused.launches, (unsigned long long) alone.launches);
    ck_assert_msg(apart.launches > alone.launches, "%s %d: nothing to fuse", what, kind);
    free_got(&alone);
    free_got(&fused);
    free_got(&apart);
}

static void check(const char *what, graph record, int kind)
{
    check_like(what, record, kind, product);
}

// ---- casts

static const clg_dtype pairs[][2] = {
    { CLG_F32, CLG_F16 }, { CLG_F32, CLG_BF16 }, { CLG_F32, CLG_F64 }, { CLG_F32, CLG_I8 }, { CLG_F32, CLG_BOOL },
    { CLG_F32, CLG_I64 }, { CLG_F16, CLG_F32 },  { CLG_F16, CLG_BF16 }, { CLG_F16, CLG_F64 }, { CLG_F16, CLG_U8 },
    { CLG_BF16, CLG_F32 }, { CLG_BF16, CLG_F16 }, { CLG_I32, CLG_F32 }, { CLG_I32, CLG_I16 }, { CLG_F64, CLG_F32 },
    { CLG_F64, CLG_F16 },
};
enum { CASTS = sizeof pairs / sizeof pairs[0] };

static int cast_result(clg_device d, int kind, clg_tensor *out)
{
    const clg_dtype f = pairs[kind][0], t = pairs[kind][1];
    clg_tensor a = noise(d, f, CLG_SHAPE(7, 19)), b = noise(d, f, CLG_SHAPE(19, 83)), bias = noise(d, f, CLG_SHAPE(83));
    out[0] = clg_cast(clg_mul_scalar(clg_add(clg_matmul(a, b), bias), 3), t);
    return 1;
}

START_TEST(a_product_stores_the_type_it_is_cast_to)
{
    if (!clg_device_has(dev, pairs[_i][0]) || !clg_device_has(dev, pairs[_i][1]) || !in_turn(_i, 3))
        return;
    check("cast", cast_result, _i);
}
END_TEST

// What does not fit, and what is not a number.
static int cast_of_extremes(clg_device d, int kind, clg_tensor *out)
{
    static const float rows[6] = { 70000, -70000, 65519.996f, 5.9604645e-8f, NAN, -INFINITY };
    clg_tensor a = clg_upload(d, CLG_F32, CLG_SHAPE(6, 1), rows), b = clg_ones(d, CLG_F32, CLG_SHAPE(1, 33));
    ok(clg_eval(b));
    out[0] = clg_cast(clg_neg(clg_matmul(a, b)), kind ? CLG_BF16 : CLG_F16);
    return 1;
}

START_TEST(casts_of_extremes)
{
    check("extreme cast", cast_of_extremes, _i);
}
END_TEST

// ---- several results

static int results(clg_device d, int kind, clg_tensor *out)
{
    const clg_dtype t = kind >= 5 ? CLG_F16 : CLG_F32;
    clg_tensor a = noise(d, t, CLG_SHAPE(3, 21, 11)), b = noise(d, t, CLG_SHAPE(11, 37)), c = noise(d, t, CLG_SHAPE(37));
    clg_tensor p = clg_matmul(a, b), h = clg_add(p, c);
    switch (kind % 5) {
    case 0: // with its activation
        out[0] = h;
        out[1] = clg_relu(h);
        return 2;
    case 1: // with its mask
        out[0] = clg_gelu(h);
        out[1] = clg_gt(h, clg_full(d, t, CLG_SHAPE(1), 0));
        return 2;
    case 2: // the product too
        out[0] = p;
        out[1] = clg_sigmoid(p);
        return 2;
    case 3:
        out[0] = p;
        out[1] = h;
        out[2] = clg_tanh(h);
        return 3;
    default: // in two types
        out[0] = clg_cast(h, CLG_F16);
        out[1] = clg_cast(clg_relu(h), CLG_BF16);
        return 2;
    }
}

START_TEST(one_launch_stores_several_results)
{
    if (in_turn(_i, 3))
        check("results", results, _i);
}
END_TEST

// ---- operands

enum { B = 2, H = 3, T = 21, S = 35, D = 9 };
static const struct {
    clg_shape shape;
    bool boolean;
} masks[] = {
    { { 4, { B, 1, 1, S } }, false }, { { 4, { 1, H, 1, S } }, false }, { { 4, { B, 1, T, S } }, false },
    { { 2, { T, S } }, false },       { { 4, { B, H, T, S } }, false }, { { 3, { H, 1, 1 } }, false },
    { { 4, { B, H, T, 1 } }, false }, { { 4, { B, 1, T, 1 } }, false }, { { 3, { H, T, S } }, false },
    { { 1, { S } }, false },          { { 4, { B, 1, 1, S } }, true },  { { 4, { B, 1, T, S } }, true },
};
enum { MASKS = sizeof masks / sizeof masks[0] };

static int masked(clg_device d, int kind, clg_tensor *out)
{
    const clg_dtype t = kind >= MASKS ? CLG_F16 : CLG_F32;
    const int m = kind % MASKS;
    clg_tensor q = noise(d, t, CLG_SHAPE(B, H, T, D)), k = noise(d, t, CLG_SHAPE(B, H, S, D));
    clg_tensor mask = noise(d, masks[m].boolean ? CLG_BOOL : t, masks[m].shape);
    clg_tensor y = clg_mul_scalar(clg_matmul(q, clg_transpose(k, -1, -2)), 0.35);
    out[0] = masks[m].boolean ? clg_where(mask, y, clg_full(d, t, CLG_SHAPE(1), -INFINITY)) : clg_add(y, mask);
    return 1;
}

START_TEST(masks_of_part_of_the_batch)
{
    if (in_turn(_i, 3))
        check("mask", masked, _i);
}
END_TEST

// Two of three batch dimensions, and a slice of a wider mask.
static int masked_in_three(clg_device d, int kind, clg_tensor *out)
{
    clg_tensor a = noise(d, CLG_F32, CLG_SHAPE(2, 3, 2, 5, 4)), b = noise(d, CLG_F32, CLG_SHAPE(2, 3, 2, 4, 19));
    static const clg_shape shapes[] = { { 5, { 2, 1, 2, 1, 21 } }, { 5, { 1, 3, 1, 5, 21 } }, { 5, { 2, 3, 1, 1, 21 } } };
    clg_tensor mask = clg_slice(noise(d, CLG_F32, shapes[kind]), -1, 1, 20, 1);
    out[0] = clg_maximum(clg_matmul(a, b), mask);
    return 1;
}

START_TEST(masks_of_three_dimensions)
{
    check("mask", masked_in_three, _i);
}
END_TEST

// ---- another order

static int merged_heads(clg_device d, int kind, clg_tensor *out)
{
    const clg_dtype t = kind & 1 ? CLG_F16 : CLG_F32;
    clg_tensor p = noise(d, t, CLG_SHAPE(B, H, T, S)), v = noise(d, t, CLG_SHAPE(B, H, S, D));
    clg_tensor y = clg_permute(clg_matmul(p, v), CLG_AXES(0, 2, 1, 3));
    clg_tensor rows = clg_reshape(y, CLG_SHAPE(B, T, H * D));
    switch (kind / 2) {
    case 0: // [B,H,T,D] as [B,T,H*D]
        out[0] = rows;
        return 1;
    case 1: // with what is made of it
        out[0] = clg_mul(clg_add(rows, noise(d, t, CLG_SHAPE(H * D))), noise(d, t, CLG_SHAPE(B, T, 1)));
        return 1;
    case 2: // cast
        out[0] = clg_cast(rows, CLG_BF16);
        return 1;
    case 3: { // two results in that order
        clg_tensor h = clg_add(rows, noise(d, t, CLG_SHAPE(B, T, H * D)));
        out[0] = h;
        out[1] = clg_relu(h);
        return 2;
    }
    default: // the batch's dimensions change places
        out[0] = clg_reshape(clg_permute(clg_matmul(p, v), CLG_AXES(1, 0, 2, 3)), CLG_SHAPE(H, B * T * D));
        return 1;
    }
}

START_TEST(results_are_stored_in_the_order_they_are_wanted)
{
    if (in_turn(_i, 3))
        check("order", merged_heads, _i);
}
END_TEST

// What cannot be: columns that are no neighbours, a value that is needed in both orders, a part of it, twice an element.
static int other_orders(clg_device d, int kind, clg_tensor *out)
{
    clg_tensor p = noise(d, CLG_F32, CLG_SHAPE(B, H, T, S)), v = noise(d, CLG_F32, CLG_SHAPE(B, H, S, D));
    clg_tensor y = clg_matmul(p, v), turned = clg_permute(y, CLG_AXES(0, 2, 1, 3));
    switch (kind) {
    case 0:
        out[0] = clg_add_scalar(clg_transpose(y, -1, -2), 1);
        return 1;
    case 1:
        out[0] = clg_reshape(turned, CLG_SHAPE(B, T, H * D));
        out[1] = y;
        return 2;
    case 2:
        out[0] = clg_add(turned, clg_reshape(y, CLG_SHAPE(B, T, H, D)));
        return 1;
    case 3:
        out[0] = clg_add_scalar(clg_flip(y, CLG_AXES(1)), 1);
        return 1;
    case 4:
        out[0] = clg_add_scalar(clg_slice(turned, 1, 1, T, 1), 1);
        return 1;
    case 5:
        out[0] = clg_add(clg_expand(clg_slice(y, 1, 0, 1, 1), CLG_SHAPE(B, H, T, D)), y);
        return 1;
    case 6:
        out[0] = clg_add_scalar(clg_pad(turned, CLG_SHAPE(0, 1, 0, 0), CLG_SHAPE(0, 0, 1, 0), 3), 1);
        return 1;
    default: { // in two orders, and a sum of one
        clg_tensor h = clg_relu(clg_reshape(turned, CLG_SHAPE(B * T, H * D)));
        out[0] = h;
        out[1] = clg_sum(y, CLG_AXES(1), false);
        out[2] = clg_matmul(h, noise(d, CLG_F32, CLG_SHAPE(H * D, 4)));
        return 3;
    }
    }
}

START_TEST(other_orders_are_right)
{
    got fused = run(dev, other_orders, _i), apart = run(plain, other_orders, _i);
    same_bits("other order", _i, &fused, &apart);
    free_got(&fused);
    free_got(&apart);
}
END_TEST

// ---- convolution

static clg_tensor convolution(clg_device d, clg_dtype t)
{
    return clg_conv2d(noise(d, t, CLG_SHAPE(2, 3, 7, 9)), noise(d, t, CLG_SHAPE(5, 3, 3, 3)), NULL,
                      clg_conv2d_params(.padding = 1));
}

static int convolution_alone(clg_device d, int kind, clg_tensor *out)
{
    out[0] = convolution(d, kind % 2 ? CLG_F16 : CLG_F32);
    return 1;
}

static int convolved(clg_device d, int kind, clg_tensor *out)
{
    const clg_dtype t = kind % 2 ? CLG_F16 : CLG_F32;
    clg_tensor y = convolution(d, t);
    switch (kind / 2) {
    case 0:
        out[0] = clg_cast(clg_relu(clg_add(y, noise(d, t, CLG_SHAPE(5, 1, 1)))), kind % 2 ? CLG_F32 : CLG_F16);
        return 1;
    case 1:
        out[0] = y;
        out[1] = clg_relu(y);
        return 2;
    case 2: // one number per image, one image for all
        out[0] = clg_mul(clg_add(y, noise(d, t, CLG_SHAPE(2, 1, 1, 1))), noise(d, t, CLG_SHAPE(5, 7, 9)));
        return 1;
    default: // channels first
        out[0] = clg_add(clg_transpose(y, 0, 1), noise(d, t, CLG_SHAPE(5, 1, 7, 9)));
        return 1;
    }
}

START_TEST(convolutions_do_the_same)
{
    if (in_turn(_i, 3))
        check_like("convolution", convolved, _i, convolution_alone);
}
END_TEST

// Numbers that change are parameters of the kernel: none of its own names may hide them.
static int with_numbers(clg_device d, int kind, clg_tensor *out)
{
    const clg_dtype t = CLG_F32;
    clg_tensor x = noise(d, t, CLG_SHAPE(2, 4, 9, 21)), y;
    if (kind == 0)
        y = clg_conv2d(x, noise(d, t, CLG_SHAPE(5, 4, 3, 3)), NULL, NULL);
    else if (kind == 1)
        y = clg_conv2d(x, noise(d, t, CLG_SHAPE(4, 1, 3, 3)), NULL, clg_conv2d_params(.groups = 4, .padding = 1));
    else if (kind == 2)
        y = clg_conv_transpose2d(x, noise(d, t, CLG_SHAPE(4, 5, 4, 4)), NULL, clg_conv_params(.stride = 2));
    else if (kind == 3)
        y = clg_conv2d(x, noise(d, t, CLG_SHAPE(8, 2, 1, 1)), NULL, clg_conv2d_params(.groups = 2));
    else
        y = clg_matmul(x, noise(d, t, CLG_SHAPE(21, 6)));
    clg_tensor z = clg_mul(clg_scalar(d, t, 0.75), y);
    out[0] = clg_add(clg_scalar(d, t, 1.5), clg_mul(clg_scalar(d, t, -2.5), clg_relu(z)));
    return 1;
}

START_TEST(numbers_reach_the_end_of_a_kernel)
{
    got fused = run(dev, with_numbers, _i), apart = run(plain, with_numbers, _i);
    same_bits("numbers", _i, &fused, &apart);
    free_got(&fused);
    free_got(&apart);
}
END_TEST

// ---- all of it

static int attention(clg_device d, int kind, clg_tensor *out)
{
    const clg_dtype t = kind >= MASKS ? CLG_F16 : CLG_F32;
    enum { C = H * D };
    clg_tensor x = clg_track(noise(d, t, CLG_SHAPE(B, T, C))), y = clg_track(noise(d, t, CLG_SHAPE(B, S, C))), w[4], g[6];
    for (int k = 0; k < 4; k++)
        w[k] = clg_track(noise(d, t, CLG_SHAPE(C, C)));
    const clg_tensor all[6] = { x, y, w[0], w[1], w[2], w[3] };
    clg_tensor q = clg_transpose(clg_reshape(clg_matmul(x, w[0]), CLG_SHAPE(B, T, H, D)), 1, 2);
    clg_tensor k = clg_transpose(clg_reshape(clg_matmul(y, w[1]), CLG_SHAPE(B, S, H, D)), 1, 2);
    clg_tensor v = clg_transpose(clg_reshape(clg_matmul(y, w[2]), CLG_SHAPE(B, S, H, D)), 1, 2);
    const int m = kind % MASKS;
    clg_tensor mask = noise(d, masks[m].boolean ? CLG_BOOL : t, masks[m].shape);
    clg_tensor s = clg_mul_scalar(clg_matmul(q, clg_transpose(k, -1, -2)), 0.35);
    s = masks[m].boolean ? clg_where(mask, s, clg_full(d, t, CLG_SHAPE(1), -10000)) : clg_add(s, mask);
    clg_tensor z = clg_matmul(clg_softmax(s, -1), v);
    z = clg_matmul(clg_reshape(clg_transpose(z, 1, 2), CLG_SHAPE(B, T, C)), w[3]);
    out[0] = clg_gelu(clg_add(z, x));
    ok(clg_grad_n(clg_sum(clg_mul(out[0], out[0]), CLG_ALL, false), all, 6, g));
    memcpy(out + 1, g, sizeof g);
    return 7;
}

START_TEST(attention_and_its_gradients)
{
    if (!in_turn(_i, on_pocl() ? 3 : 4))
        return;
    got fused = run(dev, attention, _i), apart = run(plain, attention, _i);
    same_bits("attention", _i, &fused, &apart);
    ck_assert_msg(fused.launches + 16 <= apart.launches, "%llu launches of %llu", (unsigned long long) fused.launches,
                  (unsigned long long) apart.launches);
    free_got(&fused);
    free_got(&apart);
}
END_TEST

// ---- rows added up along a list, as an embedding's gradient

enum { SPREADS = 5 };
static const struct {
    int64_t outer, axis, n, inner;
} spreads[SPREADS] = { { 1, 2100, 203, 37 }, { 1, 901, 1700, 64 }, { 2, 1001, 600, 7 }, { 3, 70, 9001, 1 }, { 1, 3001, 99, 531 } };

// The gradient of a table of `kind`, and a cotangent for what was selected; what is done with it goes by the kind.
static int rows_added(clg_device d, int kind, bool alone, clg_tensor *out)
{
    const clg_dtype t = kind >= SPREADS ? CLG_F16 : CLG_F32;
    const int64_t outer = spreads[kind % SPREADS].outer, axis = spreads[kind % SPREADS].axis,
                  n = spreads[kind % SPREADS].n, inner = spreads[kind % SPREADS].inner;
    int64_t *index = calloc((size_t) n, sizeof *index);
    for (int64_t i = 0; i < n; i++)
        index[i] = i % 4 ? i * i * 131 % (axis + 2) - 1 : 17;
    const clg_tensor list = clg_upload(d, CLG_I64, CLG_SHAPE(n), index), g = noise(d, t, CLG_SHAPE(outer, n, inner));
    free(index);
    clg_tensor x = clg_track(noise(d, t, CLG_SHAPE(outer, axis, inner))), sum;
    const clg_tensor m = noise(d, t, CLG_SHAPE(outer, axis, inner)), row = noise(d, t, CLG_SHAPE(axis, 1));
    ok(clg_vjp_n(clg_index_select(x, 1, list), g, &x, 1, false, &sum));
    if (alone) {
        out[0] = sum;
        return 1;
    }
    const clg_tensor momentum = clg_add(clg_mul_scalar(m, 0.9), sum);
    out[0] = momentum;
    out[1] = clg_sub(x, clg_mul_scalar(momentum, 0.1));
    out[2] = clg_mul(momentum, row); // by each row's number
    return kind % 2 ? 3 : 2;
}

static int rows_alone(clg_device d, int kind, clg_tensor *out)
{
    return rows_added(d, kind, true, out);
}

static int rows_updated(clg_device d, int kind, clg_tensor *out)
{
    return rows_added(d, kind, false, out);
}

START_TEST(rows_that_are_added_up_do_the_same)
{
    const char *class = getenv("CLGRAD_CLASS");
    const bool gpu = class ? strcmp(class, "cpu") != 0 : !strstr(clg_device_get_info(dev)->platform, "Portable");
    if (gpu || (_i < SPREADS && spreads[_i].inner == 1)) { // a kernel apart; so are rows of an element, which no sort precedes
        got fused = run(dev, rows_updated, _i), apart = run(plain, rows_updated, _i);
        same_bits("rows", _i, &fused, &apart);
        free_got(&fused);
        free_got(&apart);
        return;
    }
    check_like("rows", rows_updated, _i, rows_alone);
}
END_TEST

static void open_plain(void)
{
    setenv("CLGRAD_FUSE", "0", 1);
    ok(clg_device_open(&plain, NULL));
    unsetenv("CLGRAD_FUSE");
}

static void close_plain(void)
{
    clg_device_close(&plain);
}

int main(void)
{
    Suite *s = suite_create("epilogues");
    TCase *c = tcase_create("epilogues");
    tcase_add_unchecked_fixture(c, open_plain, close_plain);
    tcase_add_loop_test(c, a_product_stores_the_type_it_is_cast_to, 0, CASTS);
    tcase_add_loop_test(c, casts_of_extremes, 0, 2);
    tcase_add_loop_test(c, one_launch_stores_several_results, 0, 10);
    tcase_add_loop_test(c, masks_of_part_of_the_batch, 0, 2 * MASKS);
    tcase_add_loop_test(c, masks_of_three_dimensions, 0, 3);
    tcase_add_loop_test(c, results_are_stored_in_the_order_they_are_wanted, 0, 10);
    tcase_add_loop_test(c, other_orders_are_right, 0, 8);
    tcase_add_loop_test(c, convolutions_do_the_same, 0, 8);
    tcase_add_loop_test(c, numbers_reach_the_end_of_a_kernel, 0, 5);
    tcase_add_loop_test(c, attention_and_its_gradients, MASKS - 3, 2 * MASKS);
    tcase_add_loop_test(c, rows_that_are_added_up_do_the_same, 0, 2 * SPREADS);
    suite_add_tcase(s, c);
    return run_suite(s);
}
