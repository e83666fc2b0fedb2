// SPDX-License-Identifier: MIT
// PyTorch's conventions beside formulas: axes of 0-d tensors, integers where floating types are usual,
// empty shapes, numbers out of range. What PyTorch gives was seen with 2.15.
#include "testing.h"

#define N(...) (const double[]) { __VA_ARGS__ }

// Type, shape and elements (n at most 64), exactly.
static void expect(const char *what, clg_tensor t, clg_dtype type, clg_shape s, const double *want)
{
    double got[64];
    const int n = (int) clg_numel(s);
    ck_assert_msg(t->status >= 0, "%s: %s", what, clg_error(dev, t->status));
    ck_assert_msg(t->dtype == type, "%s: %s", what, clg_dtype_name(t->dtype));
    ck_assert_msg(t->shape.rank == s.rank && memcmp(t->shape.dim, s.dim, (size_t) s.rank * 8) == 0,
                  "%s: rank %d, %lld elements", what, t->shape.rank, (long long) clg_numel(t->shape));
    for (int i = 0; i < n; i++) {
        clg_tensor at = clg_slice(clg_reshape(t, CLG_SHAPE(-1)), 0, i, i + 1, 1);
        got[i] = clg_item(at, NULL);
        ck_assert_msg(isnan(want[i]) ? isnan(got[i]) : got[i] == want[i], "%s: element %d is %.17g, not %.17g",
                      what, i, got[i], want[i]);
    }
}

static void refused(const char *what, clg_tensor t, clg_status st, const char *part)
{
    ck_assert_msg(t->status == st, "%s: status %d", what, t->status);
    ck_assert_msg(strstr(clg_error(dev, st), part) != NULL, "%s: %s", what, clg_error(dev, st));
    clg_error_clear(dev);
}

static void scope_end(clg_scope s)
{
    clg_scope_pop(s);
    clg_error_clear(dev);
}

// Every op with an axis, over axis `at`; what a 0-d tensor of -2.5 gives, and 1 for its gradient.
enum { AXIS_OPS = 17 };
static clg_tensor of_axis(int k, clg_tensor x, int at)
{
    const clg_shape a = CLG_AXES(at);
    clg_tensor zero = clg_zeros(dev, CLG_I64, CLG_SHAPE(1));
    switch (k) {
    case 0: return clg_sum(x, a, true);
    case 1: return clg_mean(x, a, false);
    case 2: return clg_amax(x, a, false);
    case 3: return clg_amin(x, a, true);
    case 4: return clg_logsumexp(x, a, false);
    case 5: return clg_flip(x, a);
    case 6: return clg_squeeze(x, a);
    case 7: return clg_transpose(x, at, 0);
    case 8: return clg_index_select(x, at, zero);
    case 9: return clg_index_select(x, at, clg_zeros(dev, CLG_I32, CLG_SCALAR));
    case 10: return clg_any(x, a, false);
    case 11: return clg_all(x, a, true);
    case 12: return clg_argmax(x, a, false);
    case 13: return clg_argmin(x, a, true);
    case 14: return clg_variance(x, a, 0, false);
    case 15: return clg_softmax(x, at);
    default: return clg_log_softmax(x, at);
    }
}

START_TEST(a_0d_tensor_takes_axis_0_and_minus_1)
{
    TAKES_TURNS(2);
    clg_scope s = clg_scope_push(dev);
    clg_tensor x = clg_track(clg_scalar(dev, CLG_F32, -2.5));
    for (int k = 0; k < AXIS_OPS; k++) {
        char what[32];
        snprintf(what, sizeof what, "op %d", k);
        const double want = k < 10 ? -2.5 : k < 12 || k == 15 ? 1 : 0;
        const clg_dtype type = k == 10 || k == 11 ? CLG_BOOL : k == 12 || k == 13 ? CLG_I64 : CLG_F32;
        for (int at = -1; at <= 0; at++) {
            clg_tensor y = of_axis(k, x, at);
            expect(what, y, type, CLG_SCALAR, &want);
            if (type == CLG_F32)
                expect(what, clg_grad(y, x), CLG_F32, CLG_SCALAR, N(k < 10));
        }
        refused(what, of_axis(k, x, 1), CLG_ESHAPE, "");
        refused(what, of_axis(k, x, -2), CLG_ESHAPE, "");
    }
    for (int at = -1; at <= 0; at++) {
        expect("unsqueeze", clg_unsqueeze(x, at), CLG_F32, CLG_SHAPE(1), N(-2.5));
        expect("flatten", clg_flatten(x, 0, at), CLG_F32, CLG_SHAPE(1), N(-2.5));
        expect("stack", clg_stack(at, x, x), CLG_F32, CLG_SHAPE(2), N(-2.5, -2.5));
        refused("slice", clg_slice(x, at, 0, 1, 1), CLG_ESHAPE, "rank 0");
        refused("concat", clg_concat(at, x, x), CLG_ESHAPE, "rank 0");
        refused("permute", clg_permute(x, CLG_AXES(at)), CLG_ESHAPE, "rank 0");
    }
    refused("flatten", clg_flatten(x, 1, 1), CLG_ESHAPE, "rank 0");
    refused("doubled", clg_sum(x, CLG_AXES(0, -1), false), CLG_ESHAPE, "doubled");
    refused("doubled", clg_flip(x, CLG_AXES(0, 0)), CLG_ESHAPE, "doubled");
    refused("two", clg_index_select(x, 0, clg_zeros(dev, CLG_I64, CLG_SHAPE(2))), CLG_ESHAPE, "2 elements");
    refused("none", clg_index_select(x, 0, clg_zeros(dev, CLG_I64, CLG_SHAPE(0))), CLG_ESHAPE, "0 elements");
    expect("outside", clg_index_select(x, 0, clg_ones(dev, CLG_I64, CLG_SHAPE(1))), CLG_F32, CLG_SCALAR, N(NAN));
    // not by the low 32 bits
    clg_tensor m = clg_ones(dev, CLG_F32, CLG_SHAPE(2, 2));
    refused("far", clg_permute(m, CLG_AXES(((int64_t) 1 << 32) + 1, 0)), CLG_ESHAPE, "4294967297");
    refused("far", clg_sum(m, CLG_AXES(INT64_MIN), false), CLG_ESHAPE, "out of range");
    scope_end(s);
}
END_TEST

// ---- integers: arithmetic modulo 2^bits, against the same in C

static const clg_dtype integers[] = { CLG_I32, CLG_I64, CLG_U8 };

static uint64_t bits64(void)
{
    seed_state = seed_state * 6364136223846793005u + 1442695040888963407u;
    return (seed_state ^ seed_state >> 29) * 0xbf58476d1ce4e5b9u;
}

static int64_t wrapped(clg_dtype t, uint64_t v)
{
    return t == CLG_I32 ? (int32_t) v : t == CLG_U8 ? (int64_t) (v & 255) : (int64_t) v;
}

// n numbers of all magnitudes; *host as int64_t.
static clg_tensor upload_int(clg_dtype t, clg_shape s, int64_t **host)
{
    const int64_t n = clg_numel(s);
    char *raw = calloc((size_t) n + 1, 8);
    *host = calloc((size_t) n + 1, 8);
    for (int64_t i = 0; i < n; i++) {
        const int64_t v = (*host)[i] = wrapped(t, bits64() >> (bits64() % 64));
        if (t == CLG_I32)
            ((int32_t *) raw)[i] = (int32_t) v;
        else if (t == CLG_I64)
            ((int64_t *) raw)[i] = v;
        else
            ((uint8_t *) raw)[i] = (uint8_t) v;
    }
    clg_tensor x = clg_upload(dev, t, s, raw);
    free(raw);
    return x;
}

static void compare_int(const char *what, clg_tensor y, clg_dtype t, const uint64_t *want)
{
    const int64_t n = clg_numel(y->shape);
    ck_assert_msg(y->status >= 0, "%s: %s", what, clg_error(dev, y->status));
    ck_assert_msg(y->dtype == t, "%s: %s", what, clg_dtype_name(y->dtype));
    char *raw = calloc((size_t) n + 1, 8);
    ok(clg_read(y, raw, (size_t) n * clg_dtype_size(t)));
    for (int64_t i = 0; i < n; i++) {
        const int64_t got = t == CLG_I32   ? ((int32_t *) raw)[i]
                            : t == CLG_I64 ? ((int64_t *) raw)[i]
                                           : ((uint8_t *) raw)[i];
        ck_assert_msg(got == wrapped(t, want[i]), "%s %s: element %lld is %lld, not %lld", what,
                      clg_dtype_name(t), (long long) i, (long long) got, (long long) wrapped(t, want[i]));
    }
    free(raw);
}

static void product(clg_dtype t, int batch, int m, int k, int n, bool views)
{
    int64_t *ha, *hb;
    clg_tensor a = upload_int(t, views ? CLG_SHAPE(batch, k, m) : CLG_SHAPE(batch, m, k), &ha);
    clg_tensor b = upload_int(t, views ? CLG_SHAPE(n, k) : CLG_SHAPE(k, n), &hb); // over all batches
    uint64_t *want = calloc((size_t) (batch * m * n) + 1, 8);
    for (int p = 0; p < batch; p++)
        for (int i = 0; i < m; i++)
            for (int j = 0; j < n; j++)
                for (int q = 0; q < k; q++)
                    want[(p * m + i) * n + j] += (uint64_t) ha[views ? (p * k + q) * m + i : (p * m + i) * k + q] *
                                                 (uint64_t) hb[views ? j * k + q : q * n + j];
    clg_tensor y = clg_matmul(views ? clg_transpose(a, 1, 2) : a, views ? clg_transpose(b, 0, 1) : b);
    compare_int("matmul", y, t, want);
    for (int i = 0; i < batch * m * n; i++)
        want[i] = (uint64_t) wrapped(t, want[i]) * 3 + 5;
    compare_int("with more", clg_add_scalar(clg_mul_scalar(y, 3), 5), t, want); // the kernel's end
    free(ha);
    free(hb);
    free(want);
}

START_TEST(integer_products_wrap)
{
    TAKES_TURNS(2);
    clg_scope s = clg_scope_push(dev);
    for (int i = 0; i < 3; i++) {
        const clg_dtype t = integers[i];
        product(t, 1, 1, 1, 1, false);
        product(t, 2, 7, 19, 21, true);
        product(t, 1, 13, 65, 139, false);
        product(t, 3, 67, 17, 33, true);
        product(t, 1, 3, 0, 5, false);
    }
    clg_tensor v = clg_upload(dev, CLG_U8, CLG_SHAPE(3), (uint8_t[]) { 200, 100, 3 });
    clg_tensor w = clg_upload(dev, CLG_I32, CLG_SHAPE(3, 2), (int32_t[]) { 1, -1, 2, 0, -3, INT32_MIN });
    expect("dot", clg_matmul(v, v), CLG_U8, CLG_SCALAR, N((40000 + 10000 + 9) % 256));
    expect("vector", clg_matmul(v, w), CLG_I32, CLG_SHAPE(2), N(391, 2147483448));
    expect("mixed", clg_matmul(v, clg_cast(w, CLG_F32)), CLG_F32, CLG_SHAPE(2), N(391, -6442450944.0));
    clg_tensor yes = clg_ones(dev, CLG_BOOL, CLG_SHAPE(3));
    expect("bool beside numbers", clg_matmul(yes, w), CLG_I32, CLG_SHAPE(2), N(0, INT32_MAX));
    refused("bool", clg_matmul(yes, yes), CLG_EDTYPE, "bool");
    scope_end(s);
}
END_TEST

// Each result is widened, or compared, in the kernel that computed it: a compiler that takes overflow to be impossible
// would compute in the wider type, or not compare at all.
static void chains(clg_dtype t, int n)
{
    enum { CHAINS = 12, MOST = 300 };
    static const char *const what[CHAINS] = { "add", "sub", "mul", "neg", "square", "abs", "pow", "floor_divide",
        "trunc_divide", "chain", "a + 1 > a", "a * a >= 0" };
    int64_t *ha, *hb;
    clg_tensor a = upload_int(t, CLG_SHAPE(n), &ha), b = upload_int(t, CLG_SHAPE(n), &hb);
    clg_tensor minus = clg_full(dev, t, CLG_SHAPE(n), t == CLG_U8 ? 255 : -1), one = clg_ones(dev, t, CLG_SHAPE(n));
    clg_tensor y[CHAINS] = { clg_add(a, b), clg_sub(a, b), clg_mul(a, b), clg_neg(a), clg_square(a), clg_abs(a),
        clg_pow_scalar(a, 3), clg_floor_divide(a, minus), clg_trunc_divide(a, minus),
        clg_sub(clg_mul(clg_square(clg_add(a, b)), clg_neg(b)), a), clg_gt(clg_add(a, one), a),
        clg_ge(clg_mul(a, a), clg_zeros(dev, t, CLG_SCALAR)) };
    static uint64_t want[CHAINS][MOST];
    uint64_t sum = 0;
    for (int i = 0; i < n; i++) {
        const uint64_t p = (uint64_t) ha[i], q = (uint64_t) hb[i];
        const uint64_t over = t == CLG_U8 ? p / 255 : -p, s = (uint64_t) wrapped(t, p + q);
        const uint64_t w[CHAINS] = { p + q, p - q, p * q, -p, p * p, ha[i] < 0 ? -p : p, p * p * p, over, over,
            s * s * -q - p, wrapped(t, p + 1) > ha[i], wrapped(t, p * p) >= 0 };
        for (int k = 0; k < CHAINS; k++)
            want[k][i] = (uint64_t) wrapped(t, w[k]);
        sum += (uint64_t) wrapped(t, p * q) * 0x10000000000000u;
    }
    for (int k = 0; k < CHAINS; k++)
        compare_int(what[k], clg_cast(y[k], CLG_I64), CLG_I64, want[k]);
    clg_tensor wide = clg_mul(clg_cast(y[2], CLG_I64), clg_full(dev, CLG_I64, CLG_SHAPE(n), 0x1p52));
    compare_int("sum", clg_sum(wide, CLG_ALL, false), CLG_I64, &sum);
    // a sum that is past the end
    clg_tensor ends = clg_full(dev, CLG_I64, CLG_SHAPE(n + 2, 3), 0x1p62);
    for (int k = 0; k < 3; k++)
        want[0][k] = (uint64_t) (n + 2) << 62, want[1][k] = (int64_t) want[0][k] < 0;
    clg_tensor total = clg_sum(ends, CLG_AXES(0), false);
    compare_int("columns", total, CLG_I64, want[0]);
    compare_int("below 0", clg_cast(clg_lt_scalar(total, 0), CLG_I64), CLG_I64, want[1]);
    free(ha);
    free(hb);
}

START_TEST(integer_chains_wrap)
{
    TAKES_TURNS(2);
    static const int sizes[] = { 1, 5, 16, 37, 300 };
    clg_scope s = clg_scope_push(dev);
    for (int i = 0; i < 15; i++)
        chains(integers[i % 3], sizes[i / 3]);
    // what of averages wraps, and the one quotient that traps
    clg_tensor least = clg_full(dev, CLG_I64, CLG_SHAPE(1, 1, 2, 2), -0x1p63);
    expect("average", clg_avg_pool2d(least, clg_pool2d_params(.kernel = 1, .divisor = -1)), CLG_I64,
           CLG_SHAPE(1, 1, 2, 2), N(-0x1p63, -0x1p63, -0x1p63, -0x1p63));
    expect("average", clg_avg_pool2d(least, clg_pool2d_params(.kernel = 2)), CLG_I64, CLG_SHAPE(1, 1, 1, 1), N(0));
    scope_end(s);
}
END_TEST

static void convolution(clg_dtype t, int groups, int stride, int pad, int dil)
{
    enum { IMAGES = 2, C = 4, H = 9, W = 7, O = 6, K = 3 };
    const int cg = C / groups, og = O / groups, oh = (H + 2 * pad - dil * (K - 1) - 1) / stride + 1,
              ow = (W + 2 * pad - dil * (K - 1) - 1) / stride + 1;
    int64_t *hx, *hw, *hb;
    clg_tensor x = upload_int(t, CLG_SHAPE(IMAGES, C, H, W), &hx), w = upload_int(t, CLG_SHAPE(O, cg, K, K), &hw),
               b = upload_int(t, CLG_SHAPE(O), &hb);
    uint64_t *want = calloc((size_t) (IMAGES * O * oh * ow), 8), *to = want;
    for (int n = 0; n < IMAGES; n++)
        for (int o = 0; o < O; o++)
            for (int i = 0; i < oh; i++)
                for (int j = 0; j < ow; j++, to++) {
                    *to = (uint64_t) hb[o];
                    for (int tap = 0; tap < cg * K * K; tap++) {
                        const int c = o / og * cg + tap / (K * K), p = i * stride - pad + tap / K % K * dil,
                                  q = j * stride - pad + tap % K * dil;
                        if (p >= 0 && q >= 0 && p < H && q < W)
                            *to += (uint64_t) hx[((n * C + c) * H + p) * W + q] * (uint64_t) hw[o * cg * K * K + tap];
                    }
                }
    compare_int("conv2d", clg_conv2d(x, w, b, clg_conv2d_params(.stride = stride, .padding = pad, .dilation = dil,
                                                                .groups = groups)), t, want);
    free(hx);
    free(hw);
    free(hb);
    free(want);
}

START_TEST(integer_convolutions_wrap)
{
    TAKES_TURNS(2);
    clg_scope s = clg_scope_push(dev);
    for (int i = 0; i < 3; i++) {
        convolution(integers[i], 1, 1, 1, 1);
        convolution(integers[i], 2, 2, 2, 2);
    }
    clg_tensor x = clg_ones(dev, CLG_I32, CLG_SHAPE(1, 1, 3, 3)), l = clg_cast(x, CLG_I64);
    clg_tensor b = clg_cast(x, CLG_BOOL), f = clg_cast(x, CLG_F32);
    refused("types", clg_conv2d(x, l, NULL, NULL), CLG_EDTYPE, "differ");
    refused("bool", clg_conv2d(b, b, NULL, NULL), CLG_EDTYPE, "bool");
    refused("bias", clg_conv2d(f, f, clg_ones(dev, CLG_I32, CLG_SHAPE(1)), NULL), CLG_EDTYPE, "differ");
    scope_end(s);
}
END_TEST

START_TEST(integers_are_pooled)
{
    TAKES_TURNS(2);
    clg_scope s = clg_scope_push(dev);
    const int32_t host[] = { -3, -4, 7, INT32_MAX, -2, -1, INT32_MAX, INT32_MAX };
    const struct clg_pool2d_params *two = clg_pool2d_params(.kernel = 2),
                                   *edge = clg_pool2d_params(.kernel = 2, .padding = 1);
    clg_tensor x = clg_upload(dev, CLG_I32, CLG_SHAPE(1, 1, 2, 4), host), l = clg_cast(x, CLG_I64);
    clg_tensor u = clg_upload(dev, CLG_U8, CLG_SHAPE(1, 1, 2, 2), (uint8_t[]) { 250, 255, 251, 252 });
    const clg_shape one = CLG_SHAPE(1, 1, 1, 2), four = CLG_SHAPE(1, 1, 2, 3);
    expect("i32", clg_max_pool2d(x, two), CLG_I32, one, N(-1, INT32_MAX));
    expect("i64", clg_max_pool2d(l, edge), CLG_I64, four, N(-3, 7, INT32_MAX, -2, INT32_MAX, INT32_MAX));
    expect("u8", clg_max_pool2d(u, two), CLG_U8, CLG_SHAPE(1, 1, 1, 1), N(255));
    expect("i32", clg_avg_pool2d(x, two), CLG_I32, one, N(-2, 1610612737)); // (3 (2^31 - 1) + 7) / 4
    expect("i64", clg_avg_pool2d(l, two), CLG_I64, one, N(-2, 1610612737));
    expect("u8", clg_avg_pool2d(u, two), CLG_U8, CLG_SHAPE(1, 1, 1, 1), N(252));
    expect("divisor", clg_avg_pool2d(l, clg_pool2d_params(.kernel = 2, .divisor = -3)), CLG_I64, one,
           N(3, -2147483649.0));
    expect("pixels", clg_avg_pool2d(l, clg_pool2d_params(.kernel = 2, .padding = 1, .exclude_padding = true)), CLG_I64,
           four, N(-3, 1, INT32_MAX, -2, 1073741823, INT32_MAX));
    clg_tensor b = clg_cast(x, CLG_BOOL);
    refused("bool", clg_max_pool2d(b, two), CLG_EDTYPE, "bool");
    refused("bool", clg_avg_pool2d(b, two), CLG_EDTYPE, "bool");
    refused("divisor", clg_max_pool2d(x, clg_pool2d_params(.kernel = 2, .divisor = 3)), CLG_EINVAL, "divisor");
    // a window that sees padding alone
    clg_tensor gap = clg_zeros(dev, CLG_I64, CLG_SHAPE(1, 1, 2, 2));
    const struct clg_pool2d_params *wide = clg_pool2d_params(.kernel = 2, .stride = 1, .padding = 1, .dilation = 3);
    expect("lowest", clg_max_pool2d(gap, wide), CLG_I64, CLG_SHAPE(1, 1, 1, 1), N((double) INT64_MIN));
    expect("lowest", clg_max_pool2d(clg_cast(gap, CLG_F32), wide), CLG_F32, CLG_SHAPE(1, 1, 1, 1), N(-INFINITY));
    scope_end(s);
}
END_TEST

START_TEST(classes_are_inferred)
{
    TAKES_TURNS(2);
    clg_scope s = clg_scope_push(dev);
    clg_tensor i = clg_upload(dev, CLG_I32, CLG_SHAPE(2), (int32_t[]) { 2, 0 });
    clg_tensor u = clg_upload(dev, CLG_U8, CLG_SCALAR, (uint8_t[]) { 1 });
    for (int classes = -1; classes <= 0; classes++) {
        expect("i32", clg_one_hot(i, classes), CLG_I64, CLG_SHAPE(2, 3), N(0, 0, 1, 1, 0, 0));
        expect("u8", clg_one_hot(u, classes), CLG_I64, CLG_SHAPE(2), N(0, 1));
        expect("recorded", clg_one_hot(clg_add(i, i), classes), CLG_I64, CLG_SHAPE(2, 5),
               N(0, 0, 0, 0, 1, 1, 0, 0, 0, 0));
        refused("below", clg_one_hot(clg_neg(i), classes), CLG_EINVAL, "class -2");
        refused("none", clg_one_hot(clg_zeros(dev, CLG_I64, CLG_SHAPE(3, 0)), classes), CLG_EINVAL, "infer");
        refused("far", clg_one_hot(clg_full(dev, CLG_I64, CLG_SHAPE(1), INFINITY), classes), CLG_EINVAL, "class");
        refused("poison", clg_one_hot(clg_poison(dev, CLG_EFORMAT, "bad"), classes), CLG_EFORMAT, "bad");
    }
    refused("below", clg_one_hot(i, -2), CLG_EINVAL, "-2 classes");
    refused("type", clg_one_hot(clg_cast(i, CLG_F32), 0), CLG_EDTYPE, "integer");
    // given, numbers outside are rows of zeros
    expect("outside", clg_one_hot(clg_sub_scalar(i, 1), 1), CLG_I64, CLG_SHAPE(2, 1), N(0, 0));
    expect("empty", clg_one_hot(clg_zeros(dev, CLG_I64, CLG_SHAPE(2, 0)), 3), CLG_I64, CLG_SHAPE(2, 0, 3), N(0));
    scope_end(s);
}
END_TEST

// The second derivative too is 0 where the deviation is.
START_TEST(std_of_a_constant_has_a_second_derivative)
{
    TAKES_TURNS(2);
    clg_scope s = clg_scope_push(dev);
    clg_tensor x = clg_track(clg_full(dev, CLG_F32, CLG_SHAPE(2, 3), 255.3));
    for (int k = 0; k < 2; k++) {
        clg_tensor slope = clg_grad(clg_sum(clg_std(x, CLG_AXES(1), k * 2, false), CLG_ALL, false), x);
        expect("slope", slope, CLG_F32, CLG_SHAPE(2, 3), N(0, 0, 0, 0, 0, 0));
        expect("its slope", clg_grad(clg_sum(slope, CLG_ALL, false), x), CLG_F32, CLG_SHAPE(2, 3),
               N(0, 0, 0, 0, 0, 0));
    }
    scope_end(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("conventions");
    TCase *c = tcase_create("pytorch");
    tcase_add_test(c, a_0d_tensor_takes_axis_0_and_minus_1);
    tcase_add_test(c, integer_products_wrap);
    tcase_add_test(c, integer_chains_wrap);
    tcase_add_test(c, integer_convolutions_wrap);
    tcase_add_test(c, integers_are_pooled);
    tcase_add_test(c, classes_are_inferred);
    tcase_add_test(c, std_of_a_constant_has_a_second_derivative);
    suite_add_tcase(s, c);
    return run_suite(s);
}
