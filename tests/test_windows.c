// SPDX-License-Identifier: MIT
// Windows at their limits: larger than the image, beyond 32 bits, further apart than it is wide; places of
// maxima whatever is evaluated first; what is refused, and in which words.
#include "testing.h"

static void expect(const char *what, clg_tensor t, clg_shape s, const double *want)
{
    const int64_t n = clg_numel(s);
    char raw[8 * 256];
    ck_assert_int_le(n, 256);
    ck_assert_msg(t->status >= 0, "%s: %s", what, clg_error(dev, t->status));
    ck_assert_msg(t->shape.rank == s.rank && memcmp(t->shape.dim, s.dim, (size_t) s.rank * 8) == 0,
                  "%s: rank %d, %lld elements", what, t->shape.rank, (long long) clg_numel(t->shape));
    ok(clg_read(t, raw, (size_t) n * clg_dtype_size(t->dtype)));
    expect_within(what, t->dtype, raw, want, NULL, n);
}

#define N(...) (double[]) { __VA_ARGS__ }

static clg_tensor image(clg_shape s, const float *v)
{
    return clg_upload(dev, CLG_F32, s, v);
}

static const float twelve[] = { 1, 2, 3, 4, 8, 7, 6, 5, -1, -2, -3, -4 }; // 3x4

START_TEST(windows_larger_than_the_image)
{
    TAKES_TURNS(2);
    clg_scope s = clg_scope_push(dev);
    const clg_shape one = CLG_SHAPE(1, 1, 1, 1), whole = CLG_SHAPE(1, 1, 3, 4);
    clg_tensor x = clg_track(image(whole, twelve)), index = NULL, g;
    // 2^40 places of a window: its count needs 64 bits, its sum looks at twelve
    for (int k = 1 << 20; k >= 46340; k = k > 46342 ? 46342 : k - 1) {
        const struct clg_pool_params p = { .size = sizeof p, .kernel = k, .padding = k / 2 };
        struct clg_pool_params q = p;
        q.indices = &index;
        clg_tensor y = clg_avg_pool2d(x, &p), top = clg_max_pool2d(x, &q);
        const double count = (double) k * k;
        expect("average", clg_slice(clg_slice(y, 2, 0, 1, 1), 3, 0, 1, 1), one, N((double) (26.0f / (float) count)));
        expect("maximum", clg_slice(clg_slice(top, 2, 0, 1, 1), 3, 0, 1, 1), one, N(8));
        expect("place", clg_slice(clg_slice(index, 2, 0, 1, 1), 3, 0, 1, 1), one, N(4));
        g = clg_grad(clg_sum(top, CLG_ALL, false), x);
        ck_assert_double_eq(clg_item(clg_sum(clg_abs(g), CLG_ALL, false), NULL), (double) clg_numel(top->shape));
        g = clg_grad(clg_sum(y, CLG_ALL, false), x);
        ck_assert_double_eq_tol(clg_item(clg_amax(g, CLG_ALL, false), NULL), 1 / count, 1e-6 / count);
    }
    const struct clg_pool_params *inside = clg_pool_params(.kernel = 1 << 29, .padding = 1 << 28, .exclude_padding = true);
    expect("inside", clg_avg_pool2d(x, inside), one, N((double) (26.0f / 12)));
    // integers, of which the sum is divided
    clg_tensor i = clg_cast(clg_detach(x), CLG_I64);
    expect("integers", clg_avg_pool2d(i, clg_pool_params(.kernel = 1 << 20, .padding = 1 << 19)), one, N(0));
    expect("integers", clg_avg_pool2d(i, clg_pool_params(.kernel = 1 << 20, .padding = 1 << 19, .divisor = 5)), one, N(5));
    clg_scope_pop(s);
}
END_TEST

// PyTorch refuses images smaller than the window in three dimensions alone; the formula is the same in all.
START_TEST(windows_that_hang_over)
{
    TAKES_TURNS(2);
    clg_scope s = clg_scope_push(dev);
    clg_tensor x = image(CLG_SHAPE(1, 1, 3, 4), twelve), deep = clg_reshape(x, CLG_SHAPE(1, 1, 1, 3, 4));
    const struct clg_pool_params *p = clg_pool_params(.kernel = 5, .ceil_mode = true);
    expect("flat", clg_avg_pool2d(x, p), CLG_SHAPE(1, 1, 1, 1), N((double) (26.0f / 12)));
    expect("deep", clg_avg_pool3d(deep, p), CLG_SHAPE(1, 1, 1, 1, 1), N((double) (26.0f / 12)));
    const struct clg_pool_params *q = clg_pool_params(.kernel = 4, .padding = 2);
    expect("padded", clg_slice(clg_avg_pool3d(deep, q), 4, 0, 1, 1), CLG_SHAPE(1, 1, 1, 1, 1), N(18.0 / 64));
    ck_assert_int_eq(clg_avg_pool3d(deep, clg_pool_params(.kernel = 2))->status, CLG_ESHAPE);
    clg_error_clear(dev);
    clg_scope_pop(s);
}
END_TEST

START_TEST(steps_beyond_the_image)
{
    TAKES_TURNS(2);
    clg_scope s = clg_scope_push(dev);
    clg_tensor x = clg_track(image(CLG_SHAPE(1, 1, 3, 4), twelve)), w = clg_ones(dev, CLG_F32, CLG_SHAPE(1, 1, 1, 1));
    clg_tensor two = clg_ones(dev, CLG_F32, CLG_SHAPE(1, 1, 1, 2));
    const clg_shape one = CLG_SHAPE(1, 1, 1, 1);
    clg_tensor y = clg_conv2d(x, w, NULL, clg_conv_params(.stride = INT32_MAX, .dilation = INT32_MAX));
    expect("stride", y, one, N(1));
    expect("its gradient", clg_grad(clg_sum(y, CLG_ALL, false), x), CLG_SHAPE(1, 1, 3, 4), N(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
    // windows at -2^28, 0 and 2^28 of each dimension, and a second tap far to the right of the first
    y = clg_conv2d(x, w, NULL, clg_conv_params(.stride = 1 << 28, .padding = 1 << 28));
    expect("padding", y, CLG_SHAPE(1, 1, 3, 3), N(0, 0, 0, 0, 1, 0, 0, 0, 0));
    y = clg_conv2d(x, two, NULL, clg_conv_params(.stride_h = 2, .padding_w = 1 << 28, .dilation_w = 1 << 28, .stride_w = 1 << 28));
    expect("dilation", y, CLG_SHAPE(1, 1, 2, 2), N(1, 1, -1, -1));
    y = clg_max_pool2d(x, clg_pool_params(.kernel = 2, .stride = INT32_MAX, .dilation_w = 3, .ceil_mode = true));
    expect("pool", y, one, N(8));
    y = clg_unfold(x, clg_fold_params(.kernel = 1, .stride = INT32_MAX, .padding = 1 << 28, .padding_end = 1));
    expect("unfold", y, CLG_SHAPE(1, 1, 1), N(0));
    y = clg_conv_transpose2d(y->status < 0 ? x : clg_slice(clg_slice(x, 2, 0, 1, 1), 3, 0, 1, 1), w, NULL,
                             clg_conv_params(.stride = INT32_MAX, .output_padding_w = 3));
    expect("transposed", y, CLG_SHAPE(1, 1, 1, 4), N(1, 0, 0, 0));
    clg_scope_pop(s);
}
END_TEST

static void equal(const char *what, clg_tensor a, clg_tensor b)
{
    ck_assert_msg(a->status >= 0 && b->status >= 0, "%s: %s", what, clg_error(dev, CLG_OK));
    ck_assert_msg(clg_item(clg_amax(clg_abs(clg_sub(a, b)), CLG_ALL, false), NULL) == 0, "%s", what);
}

// So many channels and taps that numbers of elements are counted in 64 bits.
START_TEST(indices_of_64_bits)
{
    TAKES_TURNS(2);
    enum { MANY = 46400 };
    clg_scope s = clg_scope_push(dev);
    const float three[] = { 1, -2, 3 }, two[] = { 5, 7 }, along[] = { 5, 12, 7 }, sums[] = { -1, 1 };
    clg_tensor a = clg_reshape(clg_remainder_scalar(clg_arange(dev, CLG_F32, 0, MANY, 1), 7), CLG_SHAPE(1, MANY, 1));
    clg_tensor x = clg_track(clg_mul(a, image(CLG_SHAPE(1, 1, 3), three)));
    clg_tensor w = clg_track(clg_expand(image(CLG_SHAPE(1, 1, 2), two), CLG_SHAPE(MANY, 1, 2))), g[2];
    clg_tensor y = clg_conv1d(x, w, NULL, clg_conv_params(.groups = MANY));
    equal("convolution", y, clg_mul(a, image(CLG_SHAPE(1, 1, 2), (float[]) { -9, 11 })));
    ok(clg_vjp_n(y, clg_ones(dev, CLG_F32, y->shape), (clg_tensor[]) { x, w }, 2, false, g));
    equal("dx", g[0], clg_expand(image(CLG_SHAPE(1, 1, 3), along), x->shape));
    equal("dw", g[1], clg_mul(clg_reshape(a, CLG_SHAPE(MANY, 1, 1)), image(CLG_SHAPE(1, 1, 2), sums)));
    // columns
    clg_tensor line = clg_reshape(clg_arange(dev, CLG_F32, 0, MANY + 2, 1), CLG_SHAPE(1, 1, MANY + 2));
    const struct clg_fold_params *taps = clg_fold_params(.kernel = MANY);
    clg_tensor columns = clg_unfold(line, taps);
    for (int l = 0; l < 3; l++)
        equal("column", clg_slice(columns, 2, l, l + 1, 1),
              clg_reshape(clg_slice(line, 2, l, MANY + l, 1), CLG_SHAPE(1, MANY, 1)));
    clg_tensor times = clg_fold(clg_ones(dev, CLG_F32, columns->shape), CLG_SHAPE(MANY + 2), taps);
    equal("fold", clg_mul(line, times), clg_fold(columns, CLG_SHAPE(MANY + 2), taps));
    ck_assert_double_eq(clg_item(clg_sum(times, CLG_ALL, false), NULL), 3.0 * MANY);
    clg_scope_pop(s);
}
END_TEST

START_TEST(a_transposed_convolution_is_a_gradient)
{
    TAKES_TURNS(2);
    static const struct {
        int nd, stride, padding, dilation, groups;
    } all[] = { { 1, 1, 1, 1, 1 }, { 1, 3, 0, 2, 2 }, { 2, 1, 2, 1, 1 }, { 2, 2, 1, 1, 4 }, { 2, 1, 0, 3, 2 },
                { 3, 1, 1, 1, 1 }, { 3, 2, 1, 2, 2 } };
    clg_tensor (*const conv[])(clg_tensor, clg_tensor, clg_tensor, const struct clg_conv_params *) = {
        clg_conv1d, clg_conv2d, clg_conv3d, clg_conv_transpose1d, clg_conv_transpose2d, clg_conv_transpose3d
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        clg_scope s = clg_scope_push(dev);
        const int nd = all[i].nd, groups = all[i].groups;
        clg_shape in = CLG_SHAPE(2, 4), window = CLG_SHAPE(8, 4 / groups);
        for (int d = 0; d < nd; d++) {
            in.dim[in.rank++] = 9;
            window.dim[window.rank++] = 3 - d % 2;
        }
        struct clg_conv_params p = { .size = sizeof p, .stride = all[i].stride, .padding = all[i].padding,
                                     .dilation = all[i].dilation, .groups = groups };
        clg_tensor x = clg_track(clg_uniform(dev, CLG_F32, in, -1, 1)), w = clg_uniform(dev, CLG_F32, window, -1, 1), dx;
        clg_tensor y = conv[nd - 1](x, w, NULL, &p), g = clg_uniform(dev, CLG_F32, y->shape, -1, 1);
        ok(clg_vjp_n(y, g, &x, 1, false, &dx));
        int *const padding[] = { &p.output_padding_w, &p.output_padding_h, &p.output_padding_d };
        clg_tensor t = conv[nd + 2](g, w, NULL, &p);
        for (int d = 0; d < nd; d++) // the gradient is as large as the image was
            *padding[d] = (int) (9 - t->shape.dim[nd + 1 - d]);
        t = conv[nd + 2](g, w, NULL, &p);
        char what[40];
        snprintf(what, sizeof what, "transposed %zu: %.3g", i,
                 clg_item(clg_amax(clg_abs(clg_sub(t, dx)), CLG_ALL, false), NULL));
        equal(what, t, dx);
        clg_scope_pop(s);
    }
}
END_TEST

START_TEST(places_of_maxima)
{
    TAKES_TURNS(2);
    clg_scope s = clg_scope_push(dev);
    const float rows[] = { 1, 1, NAN, 0, 2, 1, NAN, 0, -INFINITY, -INFINITY, 3, 3 };
    clg_tensor x = clg_track(image(CLG_SHAPE(1, 1, 3, 4), rows)), index[3], y[3];
    const clg_shape shape = CLG_SHAPE(1, 1, 2, 3);
    const double values[] = { 2, NAN, NAN, 2, NAN, NAN }, places[] = { 4, 6, 6, 4, 6, 6 };
    for (int i = 0; i < 3; i++) {
        const struct clg_pool_params *p = clg_pool_params(.kernel = 2, .stride = 1, .indices = &index[i]);
        y[i] = clg_max_pool2d(i == 2 ? clg_neg(clg_neg(x)) : x, p);
        ck_assert_int_eq(index[i]->dtype, CLG_I64);
    }
    ok(clg_eval(y[0])); // then its places, the other way round, and together
    expect("places after", index[0], shape, places);
    ok(clg_eval(index[1]));
    expect("values after", y[1], shape, values);
    ok(clg_eval(y[2], index[2]));
    expect("values", y[2], shape, values);
    expect("places", index[2], shape, places);
    expect("gradient", clg_grad(clg_sum(clg_where(clg_is_nan(y[0]), clg_mul_scalar(y[0], 0), y[0]), CLG_ALL, false), x),
           CLG_SHAPE(1, 1, 3, 4), N(0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0));
    // there and back
    clg_tensor top = clg_max_pool2d(x, clg_pool_params(.kernel = 2, .indices = &index[0]));
    expect("back", clg_max_unpool2d(top, index[0], CLG_SHAPE(3, 4), NULL), CLG_SHAPE(1, 1, 3, 4), N(0, 0, 0, 0, 2, 0, NAN, 0, 0, 0, 0, 0));
    // a window that sees padding alone has no place, and passes nothing on
    const struct clg_pool_params *gap = clg_pool_params(.kernel = 2, .stride = 1, .padding = 1, .dilation = 3,
                                                        .indices = &index[0]);
    clg_tensor small = clg_track(image(CLG_SHAPE(1, 1, 2, 2), (float[]) { 1, 2, 3, 4 })), none = clg_max_pool2d(small, gap), g;
    expect("no place", index[0], CLG_SHAPE(1, 1, 1, 1), N(-1));
    ok(clg_vjp_n(none, clg_ones(dev, CLG_F32, none->shape), &small, 1, false, &g));
    expect("no gradient", g, CLG_SHAPE(1, 1, 2, 2), N(0, 0, 0, 0));
    // the last of several elements has the place, and the gradient
    const int64_t same[] = { 2, 2, 9, 2, -1, 0 };
    clg_tensor v = clg_track(image(CLG_SHAPE(1, 1, 6), (float[]) { 1, 2, 3, 4, 5, 6 }));
    y[0] = clg_max_unpool1d(v, clg_upload(dev, CLG_I64, CLG_SHAPE(1, 1, 6), same), CLG_SHAPE(4), NULL);
    expect("the last", y[0], CLG_SHAPE(1, 1, 4), N(6, 0, 4, 0));
    expect("its gradient", clg_grad(clg_sum(clg_mul(y[0], y[0]), CLG_ALL, false), v), CLG_SHAPE(1, 1, 6),
           N(0, 0, 0, 8, 0, 12));
    clg_scope_pop(s);
}
END_TEST

// [C, sizes] is [1, C, sizes], in values, places and gradients; a batch of none and images of no channel stay what
// they are.
START_TEST(images_without_a_batch)
{
    TAKES_TURNS(2);
    clg_scope s = clg_scope_push(dev);
    const float *v = twelve;
    clg_tensor x = clg_track(image(CLG_SHAPE(1, 3, 4), v)), index = NULL;
    clg_tensor y = clg_max_pool2d(x, clg_pool_params(.kernel = 2, .stride = 1, .indices = &index));
    expect("maximum", y, CLG_SHAPE(1, 2, 3), N(8, 7, 6, 8, 7, 6));
    expect("places", index, CLG_SHAPE(1, 2, 3), N(4, 5, 6, 4, 5, 6));
    expect("its gradient", clg_grad(clg_sum(y, CLG_ALL, false), x), CLG_SHAPE(1, 3, 4),
           N(0, 0, 0, 0, 2, 2, 2, 0, 0, 0, 0, 0));
    y = clg_max_pool2d(x, clg_pool_params(.kernel = 2, .indices = &index));
    expect("back", clg_max_unpool2d(y, index, CLG_SHAPE(3, 4), NULL), CLG_SHAPE(1, 3, 4), N(0, 0, 0, 0, 8, 0, 6, 0, 0, 0, 0, 0));
    y = clg_adaptive_max_pool2d(x, CLG_SHAPE(1, 2), &index);
    expect("adaptive", y, CLG_SHAPE(1, 1, 2), N(8, 6));
    expect("its places", index, CLG_SHAPE(1, 1, 2), N(4, 6));
    // a view, and a type that is computed in another
    clg_tensor turned = clg_cast(clg_flip(clg_detach(x), CLG_AXES(2)), CLG_I8);
    clg_tensor w = clg_cast(clg_ones(dev, CLG_F32, CLG_SHAPE(1, 1, 2, 2)), CLG_I8);
    y = clg_conv2d(turned, w, NULL, NULL);
    ck_assert_int_eq(y->dtype, CLG_I8);
    expect("convolution", y, CLG_SHAPE(1, 2, 3), N(18, 18, 18, 4, 8, 12));
    expect("line", clg_avg_pool1d(clg_reshape(x, CLG_SHAPE(3, 4)), clg_pool_params(.kernel = 4)), CLG_SHAPE(3, 1),
           N(2.5, 6.5, -2.5));
    expect("none", clg_conv2d(clg_zeros(dev, CLG_F32, CLG_SHAPE(0, 1, 3, 4)), clg_ones(dev, CLG_F32, CLG_SHAPE(1, 1, 2, 2)),
                              NULL, NULL), CLG_SHAPE(0, 1, 2, 3), N(0));
    expect("no channel", clg_max_pool2d(clg_zeros(dev, CLG_F32, CLG_SHAPE(0, 3, 4)), clg_pool_params(.kernel = 2)),
           CLG_SHAPE(0, 1, 2), N(0));
    clg_scope_pop(s);
}
END_TEST

// Sums are made in the type that a type is computed in: where PyTorch's average of the largest numbers is a number.
START_TEST(averages_of_the_largest_numbers)
{
    TAKES_TURNS(2);
    clg_scope s = clg_scope_push(dev);
    const float f16[4] = { 65504, 65504, 65504, 65504 }, most = 3.4e38f;
    const float f32[8] = { most, most, most, most, most, most, most, most };
    const clg_shape square = CLG_SHAPE(1, 1, 2, 2), one = CLG_SHAPE(1, 1, 1, 1);
    clg_tensor x = clg_track(clg_cast(image(square, f16), CLG_F16));
    expect("f16", clg_avg_pool2d(x, clg_pool_params(.kernel = 2)), one, N(65504));
    expect("f16, adaptive", clg_adaptive_avg_pool2d(x, CLG_SHAPE(1, 1)), one, N(65504));
    expect("f16, in threes", clg_adaptive_avg_pool2d(x, CLG_SHAPE(1, 3)), CLG_SHAPE(1, 1, 1, 3), N(65504, 65504, 65504));
    expect("f16, sums", clg_avg_pool2d(x, clg_pool_params(.kernel = 2, .divisor = 1)), one, N(INFINITY));
    clg_tensor y = clg_avg_pool2d(x, clg_pool_params(.kernel = 1));
    expect("f16, gradient", clg_grad(clg_sum(clg_mul_scalar(y, 65504), CLG_ALL, false), x), square,
           N(65504, 65504, 65504, 65504));
    // bf16 reaches as far as f32, and PyTorch's sum of it too overflows
    for (int i = 0; i < 2; i++)
        expect("f32", clg_avg_pool2d(clg_cast(image(CLG_SHAPE(1, 1, 2, 4), f32), i ? CLG_BF16 : CLG_F32),
                                     clg_pool_params(.kernel = 2)), CLG_SHAPE(1, 1, 1, 2), N(INFINITY, INFINITY));
    // an average of all is a mean, which does not
    expect("f32, all", clg_avg_pool2d(image(square, f32), clg_pool_params(.kernel = 2)), one, N(most));
    clg_scope_pop(s);
}
END_TEST

START_TEST(what_is_refused_says_why)
{
    TAKES_TURNS(2);
    clg_scope s = clg_scope_push(dev);
    clg_tensor line = clg_ones(dev, CLG_F32, CLG_SHAPE(1, 2, 6)), x = clg_ones(dev, CLG_F32, CLG_SHAPE(1, 2, 6, 5));
    clg_tensor w = clg_ones(dev, CLG_F32, CLG_SHAPE(4, 2, 3, 3)), index = clg_ones(dev, CLG_I64, CLG_SHAPE(1, 2, 6, 5));
    clg_tensor places = x; // poisoned by what fails
    const struct {
        clg_tensor t;
        clg_status st;
        const char *words;
    } bad[] = {
        { clg_conv2d(x, w, NULL, clg_conv_params(.stride = -1)), CLG_EINVAL, "): stride is -1, expected 1 or more" },
        { clg_conv2d(x, w, NULL, clg_conv_params(.padding_w = -2)), CLG_EINVAL, "padding_w is -2, expected 0 or more" },
        { clg_conv2d(x, w, NULL, clg_conv_params(.stride_d = 2)), CLG_EINVAL, "stride_d is 2, but there is no such" },
        { clg_conv2d(x, w, NULL, clg_conv_params(.groups = -3)), CLG_EINVAL, "groups is -3" },
        { clg_conv2d(x, w, NULL, clg_conv_params(.output_padding = 1)), CLG_EINVAL, "only transposed" },
        { clg_conv2d(x, w, NULL, clg_conv_params(.padding = 1 << 30)), CLG_ESHAPE, "padded by 1073741824x1073741824" },
        { clg_conv2d(x, w, NULL, clg_conv_params(.dilation = 3)), CLG_ESHAPE, "does not fit the padded image: 7x7 in 6x5" },
        { clg_conv2d(x, w, NULL, clg_conv_params(.dilation = INT32_MAX)), CLG_ESHAPE, "window over 4294967295x4294967295" },
        { clg_conv2d(x, w, NULL, clg_conv_params(.padding = 1 << 28)), CLG_ESHAPE, "too large" },
        { clg_conv2d(x, w, NULL, clg_conv_params(.padding_same = true, .stride = 2)), CLG_EINVAL, "needs stride 1, not 2x2" },
        { clg_conv2d(x, w, NULL, clg_conv_params(.padding_same = true, .padding = 1)), CLG_EINVAL, "padding of 1x1" },
        { clg_conv2d(x, w, NULL, clg_conv_params(.no_padding_end = true, .padding_end = 1)), CLG_EINVAL, "padding_end is 1 beside no_padding_end" },
        { clg_conv2d(x, clg_ones(dev, CLG_F32, CLG_SHAPE(3, 1, 3, 3)), NULL, clg_conv_params(.groups = 2)), CLG_ESHAPE,
          "2 channels to 3 are not a multiple of 2 groups" },
        { clg_conv1d(x, w, NULL, NULL), CLG_ESHAPE, "x must be [N,C,W] or [C,W], and w [O,C/groups,KW]" },
        { clg_conv3d(x, w, NULL, NULL), CLG_ESHAPE, "[N,C,D,H,W]" },
        { clg_conv2d(line, w, NULL, NULL), CLG_ESHAPE, "x has 1 channels, w expects 2" },
        { clg_conv2d(clg_reshape(line, CLG_SHAPE(12)), w, NULL, NULL), CLG_ESHAPE, "[N,C,H,W] or [C,H,W]" },
        { clg_conv2d(x, w, clg_ones(dev, CLG_F32, CLG_SHAPE(2)), NULL), CLG_ESHAPE, "bias must be [4]" },
        { clg_conv2d(x, clg_cast(w, CLG_F16), NULL, NULL), CLG_EDTYPE, "expected that of x, f32" },
        { clg_max_pool2d(clg_zeros(dev, CLG_F32, CLG_SHAPE(1, 1, 0, 3)), clg_pool_params(.kernel = 1)), CLG_ESHAPE,
          "dimension -2 of x is 0, expected 1 to 1073741824" },
        { clg_max_pool2d(clg_zeros(dev, CLG_F32, CLG_SHAPE(0, 3)), clg_pool_params(.kernel = 1)), CLG_ESHAPE,
          "[N,C,H,W] or [C,H,W]" },
        { clg_conv_transpose2d(x, w, NULL, NULL), CLG_ESHAPE, "x has 2 channels, w expects 4" },
        { clg_conv_transpose2d(w, x, NULL, clg_conv_params(.output_padding = 1)), CLG_ESHAPE, "w expects 1" },
        { clg_conv_transpose2d(x, clg_ones(dev, CLG_F32, CLG_SHAPE(2, 1, 3, 3)), NULL, clg_conv_params(.output_padding = 1)),
          CLG_EINVAL, "output_padding is 1x1, expected less than" },
        { clg_conv_transpose2d(x, clg_ones(dev, CLG_F32, CLG_SHAPE(2, 1, 3, 3)), NULL, clg_conv_params(.padding = 5)),
          CLG_ESHAPE, "too much padding, 5x5 before" },
        { clg_conv_transpose2d(x, clg_ones(dev, CLG_F32, CLG_SHAPE(2, 1, 3, 3)), NULL, clg_conv_params(.stride = INT32_MAX)),
          CLG_ESHAPE, "an image of" },
        { clg_max_pool2d(x, NULL), CLG_EINVAL, "kernel is 0, expected 1 or more" },
        { clg_max_pool2d(x, clg_pool_params(.kernel = 3, .padding = 2, .indices = &places)), CLG_EINVAL, "half of the kernel of 3x3" },
        { clg_max_pool2d(x, clg_pool_params(.kernel = 3, .padding_end_h = 2)), CLG_EINVAL, "2x0 after" },
        { clg_max_pool2d(x, clg_pool_params(.kernel = 3, .exclude_padding = true)), CLG_EINVAL, "exclude_padding is set" },
        { clg_max_pool1d(line, clg_pool_params(.kernel = 7)), CLG_ESHAPE, "7 in 6" },
        { clg_avg_pool2d(x, clg_pool_params(.kernel = 2, .indices = &places)), CLG_EINVAL, "indices" },
        { clg_avg_pool3d(line, clg_pool_params(.kernel = 2)), CLG_ESHAPE, "[N,C,D,H,W]" },
        { clg_lp_pool2d(x, 0, clg_pool_params(.kernel = 2)), CLG_EINVAL, "norm is 0" },
        { clg_lp_pool2d(x, 2, clg_pool_params(.kernel = 2, .padding = 1)), CLG_EINVAL, "padding is 1, but a power mean has none" },
        { clg_adaptive_avg_pool2d(x, CLG_SHAPE(2)), CLG_ESHAPE, "size has 1 dimensions, expected 2" },
        { clg_adaptive_max_pool2d(x, CLG_SHAPE(2, -2), NULL), CLG_ESHAPE, "size is -2" },
        { clg_max_unpool2d(x, x, CLG_SHAPE(9, 9), NULL), CLG_EDTYPE, "indices are f32, expected i32 or i64" },
        { clg_max_unpool2d(x, index, CLG_SCALAR, NULL), CLG_EINVAL, "kernel is 0" },
        { clg_max_unpool2d(x, index, CLG_SHAPE(1 << 20, 1 << 20), NULL), CLG_ESHAPE, "elements of an image" },
        { clg_unfold(x, clg_fold_params(.kernel = 7)), CLG_ESHAPE, "7x7 in 6x5" },
        { clg_unfold(clg_ones(dev, CLG_F32, CLG_SHAPE(2, 2)), clg_fold_params(.kernel = 1)), CLG_ESHAPE, "[N,C,W]" },
        { clg_fold(line, CLG_SHAPE(3, 3), clg_fold_params(.kernel = 2)), CLG_ESHAPE, "multiple of the window of 2x2" },
        { clg_fold(line, CLG_SHAPE(3), clg_fold_params(.kernel = 2)), CLG_ESHAPE, "6 columns" },
        { clg_fold(line, CLG_SHAPE(1 << 30, 1 << 30), clg_fold_params(.kernel = 1 << 20)), CLG_ESHAPE, "multiple" },
        { clg_fold(line, CLG_SHAPE(1 << 30, 1 << 30, 1 << 30), clg_fold_params(.kernel = 1 << 30)), CLG_ESHAPE, "multiple" },
        { clg_fold(line, CLG_SHAPE(1 << 30, 1 << 30, 1 << 30), clg_fold_params(.kernel = 1)), CLG_ESHAPE, "6 columns" },
        { clg_unfold(clg_reshape(x, CLG_SHAPE(1, 1, 2, 6, 5)), clg_fold_params(.kernel = 1, .padding = 1 << 28)), CLG_ESHAPE,
          "more elements" },
        { clg_max_pool3d(clg_reshape(x, CLG_SHAPE(1, 1, 2, 6, 5)), clg_pool_params(.kernel = 1 << 29, .padding = 1 << 28,
                                                                                 .stride = 1)), CLG_ESHAPE, "be counted" },
        { clg_adaptive_avg_pool3d(clg_reshape(x, CLG_SHAPE(1, 1, 2, 6, 5)), CLG_SHAPE(1 << 30, 1 << 30, 1 << 30)),
          CLG_ESHAPE, "too large" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_msg(bad[i].t->status == bad[i].st, "%zu (%s): status %d, %s", i, bad[i].words, bad[i].t->status,
                      clg_tensor_error(bad[i].t));
        ck_assert_msg(strstr(clg_tensor_error(bad[i].t), bad[i].words) != NULL, "%zu: '%s' is not in '%s'", i, bad[i].words,
                      clg_tensor_error(bad[i].t));
    }
    ck_assert_int_lt(places->status, 0);
    clg_error_clear(dev);
    clg_scope_pop(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("windows");
    TCase *c = tcase_create("windows");
    tcase_set_timeout(c, 300);
    tcase_add_test(c, windows_larger_than_the_image);
    tcase_add_test(c, windows_that_hang_over);
    tcase_add_test(c, steps_beyond_the_image);
    tcase_add_test(c, indices_of_64_bits);
    tcase_add_test(c, a_transposed_convolution_is_a_gradient);
    tcase_add_test(c, places_of_maxima);
    tcase_add_test(c, images_without_a_batch);
    tcase_add_test(c, averages_of_the_largest_numbers);
    tcase_add_test(c, what_is_refused_says_why);
    suite_add_tcase(s, c);
    return run_suite(s);
}
