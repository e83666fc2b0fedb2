// SPDX-License-Identifier: MIT
// Convolutions of every kind of shape, forward and both gradients, against sums in double: strided, grouped,
// depthwise, dilated, padded beyond the window, with few channels, wide, long, of one to three dimensions. Each
// element has its own bound. Then the work at their ends, which changes no bit.
#include "testing.h"

typedef struct shape {
    int nd, n, c, o, groups;
    int in[3], k[3], stride[3], lo[3], hi[3], dilation[3]; // depth, height, width
} shape;

// of images: N, C, H, W, O, groups, window, stride, padding, dilation
#define IMAGE(n, c, h, w, o, g, kh, kw, s, ph, pw, d)                                                                  \
    { 2, n, c, o, g, { 1, h, w }, { 1, kh, kw }, { 1, s, s }, { 0, ph, pw }, { 0, ph, pw }, { 1, d, d } }
#define LINE(n, c, w, o, g, kw, s, p, d)                                                                               \
    { 1, n, c, o, g, { 1, 1, w }, { 1, 1, kw }, { 1, 1, s }, { 0, 0, p }, { 0, 0, p }, { 1, 1, d } }
static const shape shapes[] = {
    IMAGE(2, 5, 13, 17, 7, 1, 3, 3, 2, 1, 1, 1), IMAGE(2, 6, 17, 40, 70, 2, 4, 4, 2, 1, 1, 1), // few inputs in a group
    IMAGE(1, 3, 7, 5, 33, 1, 3, 3, 3, 0, 2, 1),
    IMAGE(2, 4, 11, 9, 6, 2, 5, 3, 2, 4, 3, 1), IMAGE(1, 2, 20, 21, 3, 1, 3, 3, 1, 5, 4, 1),
    IMAGE(1, 6, 19, 40, 18, 3, 3, 2, 2, 0, 1, 3), IMAGE(3, 3, 9, 9, 3, 3, 3, 3, 1, 1, 1, 1),
    IMAGE(2, 7, 7, 7, 7, 7, 5, 5, 2, 2, 2, 1), IMAGE(2, 5, 10, 19, 5, 5, 3, 3, 2, 1, 1, 1),
    IMAGE(2, 4, 17, 33, 4, 4, 5, 5, 1, 2, 2, 1), IMAGE(1, 3, 21, 35, 3, 3, 3, 3, 2, 0, 0, 1),
    IMAGE(1, 3, 21, 50, 3, 3, 3, 3, 1, 3, 0, 2), IMAGE(2, 2, 4, 3, 2, 2, 3, 3, 2, 2, 2, 1),
    IMAGE(1, 9, 1, 1, 17, 1, 1, 1, 1, 0, 0, 1), IMAGE(1, 2, 5, 700, 20, 1, 2, 5, 3, 1, 2, 1),
    IMAGE(1, 40, 6, 300, 24, 1, 3, 3, 1, 1, 1, 1), IMAGE(2, 3, 8, 9, 2, 1, 2, 2, 4, 0, 0, 1),
    IMAGE(1, 1, 3, 70, 1, 1, 1, 19, 1, 0, 9, 1), IMAGE(1, 1, 40, 5, 1, 1, 19, 1, 1, 9, 0, 1),
    IMAGE(2, 3, 12, 15, 3, 3, 3, 3, 3, 1, 1, 1), IMAGE(2, 130, 5, 5, 70, 1, 3, 3, 2, 1, 1, 1),
    IMAGE(1, 2, 9, 34, 2, 2, 5, 5, 2, 1, 3, 1), IMAGE(1, 2, 9, 64, 2, 2, 5, 5, 2, 0, 6, 1),
    IMAGE(2, 6, 14, 13, 70, 1, 1, 1, 2, 0, 0, 1), IMAGE(1, 33, 8, 8, 65, 1, 2, 2, 2, 0, 0, 1),
    IMAGE(1, 3, 23, 25, 5, 1, 7, 7, 2, 3, 3, 1), IMAGE(1, 4, 30, 30, 8, 4, 3, 3, 1, 1, 1, 1), // channel multiplier
    IMAGE(2, 3, 15, 18, 9, 3, 3, 3, 2, 1, 1, 1), IMAGE(1, 64, 7, 9, 64, 16, 3, 3, 1, 1, 1, 1),
    IMAGE(9, 3, 5, 6, 4, 1, 3, 3, 1, 1, 1, 1), IMAGE(1, 2, 19, 3, 2, 2, 3, 3, 1, 2, 2, 2),
    IMAGE(1, 1, 33, 31, 1, 1, 4, 4, 2, 1, 1, 1), IMAGE(1, 900, 3, 4, 5, 1, 3, 3, 1, 1, 1, 1), // channels by turns
    IMAGE(1, 5, 3, 4, 900, 1, 3, 3, 2, 1, 1, 1), IMAGE(1, 2, 40, 40, 4, 2, 3, 3, 7, 1, 1, 2),
    IMAGE(3, 16, 1, 17, 16, 16, 1, 3, 1, 0, 1, 1), IMAGE(1, 16, 48, 47, 16, 16, 3, 3, 1, 1, 1, 1),
    IMAGE(1, 2, 33, 120, 2, 2, 3, 3, 2, 1, 1, 1), IMAGE(2, 3, 28, 16, 3, 3, 5, 5, 1, 2, 2, 1),
    IMAGE(1, 3, 5, 2100, 2, 1, 3, 3, 1, 1, 1, 1), IMAGE(1, 3, 5, 1700, 3, 3, 3, 3, 1, 1, 1, 1),
    LINE(2, 3, 41, 5, 1, 4, 1, 1, 1), LINE(1, 4, 200, 4, 4, 7, 2, 3, 1), LINE(1, 2, 3000, 3, 1, 700, 1, 9, 1),
    LINE(2, 6, 50, 12, 6, 3, 1, 2, 2), LINE(1, 1, 9000, 2, 1, 5, 5, 0, 1),
    { 2, 2, 3, 5, 1, { 1, 12, 19 }, { 1, 3, 2 }, { 1, 1, 3 }, { 0, 2, 0 }, { 0, 1, 3 }, { 1, 2, 1 } },
    { 2, 1, 4, 4, 4, { 1, 16, 33 }, { 1, 3, 3 }, { 1, 2, 1 }, { 0, 1, 1 }, { 0, 0, 2 }, { 1, 1, 1 } },
    { 3, 1, 4, 6, 2, { 6, 5, 7 }, { 2, 3, 2 }, { 2, 3, 1 }, { 1, 1, 0 }, { 1, 1, 2 }, { 2, 1, 2 } },
    { 3, 2, 3, 3, 3, { 4, 7, 9 }, { 3, 3, 3 }, { 1, 1, 1 }, { 1, 1, 1 }, { 1, 1, 1 }, { 1, 1, 1 } },
    { 3, 1, 2, 17, 1, { 5, 6, 8 }, { 3, 2, 3 }, { 2, 2, 2 }, { 1, 0, 1 }, { 0, 1, 1 }, { 1, 1, 1 } },
    // as matrix products: images as they lie, parts of vectors and of tiles, long sums; then rows that are copied before
    IMAGE(3, 20, 5, 7, 33, 1, 1, 1, 1, 0, 0, 1), IMAGE(2, 7, 31, 33, 70, 1, 1, 1, 1, 0, 0, 2),
    IMAGE(2, 300, 7, 7, 40, 1, 1, 1, 1, 0, 0, 1), IMAGE(1, 2100, 3, 5, 18, 1, 1, 1, 1, 0, 0, 1),
    IMAGE(5, 3, 23, 24, 2, 1, 1, 1, 1, 0, 0, 1), IMAGE(4, 17, 1, 1, 50, 1, 1, 1, 1, 0, 0, 1),
    IMAGE(2, 5, 9, 70, 20, 1, 1, 1, 2, 0, 0, 1), IMAGE(3, 6, 11, 65, 9, 1, 1, 1, 3, 0, 0, 1),
    IMAGE(2, 3, 20, 67, 18, 1, 2, 2, 2, 0, 0, 1), IMAGE(2, 3, 33, 50, 40, 1, 4, 4, 4, 0, 0, 1),
    IMAGE(1, 2, 9, 41, 5, 1, 2, 1, 2, 0, 0, 3), IMAGE(1, 3, 12, 300, 33, 1, 3, 2, 5, 0, 0, 1),
    IMAGE(1, 2, 6, 4200, 3, 1, 1, 2, 2, 0, 0, 1), LINE(2, 5, 90, 7, 1, 1, 2, 0, 1), LINE(2, 4, 66, 20, 1, 1, 1, 0, 1),
    { 3, 2, 3, 18, 1, { 4, 5, 9 }, { 1, 1, 1 }, { 1, 1, 1 }, { 0 }, { 0 }, { 1, 1, 1 } },
    { 3, 2, 3, 5, 1, { 6, 7, 37 }, { 2, 2, 2 }, { 2, 3, 2 }, { 0 }, { 0 }, { 1, 1, 1 } },
    { 2, 2, 5, 20, 1, { 1, 8, 70 }, { 1, 1, 1 }, { 1, 1, 2 }, { 0 }, { 0 }, { 1, 1, 1 } },
    // the columns of several small images as one product's
    IMAGE(3, 20, 7, 7, 33, 1, 1, 1, 1, 0, 0, 1), IMAGE(40, 9, 1, 1, 19, 1, 1, 1, 1, 0, 0, 1),
    IMAGE(9, 5, 2, 3, 41, 1, 1, 1, 1, 0, 0, 1), IMAGE(6, 18, 14, 14, 12, 1, 1, 1, 1, 0, 0, 1),
    IMAGE(2, 2100, 3, 3, 20, 1, 1, 1, 1, 0, 0, 1), IMAGE(5, 6, 5, 5, 24, 1, 1, 1, 2, 0, 0, 1),
    // few outputs in a group: rows and channels in parts, halos wider than images, outputs that fill no tile
    IMAGE(2, 5, 13, 17, 3, 1, 3, 3, 1, 1, 1, 1), IMAGE(1, 24, 60, 70, 2, 1, 3, 3, 1, 1, 1, 1),
    IMAGE(1, 2, 5, 9000, 3, 1, 3, 3, 1, 1, 1, 1), IMAGE(2, 16, 9, 11, 8, 1, 3, 3, 1, 5, 5, 1),
    IMAGE(2, 12, 15, 20, 12, 2, 3, 5, 1, 1, 2, 1), IMAGE(3, 10, 14, 14, 14, 2, 3, 3, 1, 1, 1, 3),
    IMAGE(1, 20, 31, 33, 20, 4, 3, 3, 1, 1, 1, 1), IMAGE(2, 300, 9, 9, 4, 1, 2, 2, 1, 0, 0, 1),
    IMAGE(1, 8, 8, 8, 64, 8, 3, 3, 1, 1, 1, 1), LINE(3, 6, 130, 4, 1, 9, 1, 4, 1),
    // with strides, whose taps fall into phases, all of one with dilation 2; small images together
    IMAGE(2, 12, 17, 140, 2, 1, 5, 5, 2, 1, 2, 1), IMAGE(3, 20, 14, 150, 6, 2, 4, 4, 2, 1, 1, 2),
    IMAGE(5, 16, 13, 129, 3, 1, 5, 7, 3, 2, 1, 1), IMAGE(1, 8, 19, 270, 2, 1, 4, 7, 4, 0, 1, 3),
    IMAGE(7, 40, 5, 7, 4, 2, 3, 3, 1, 1, 1, 1),
    { 2, 2, 6, 2, 1, { 1, 15, 137 }, { 1, 3, 4 }, { 1, 1, 2 }, { 0, 1, 1 }, { 0, 3, 0 }, { 1, 2, 1 } },
    // depthwise of strides 3 and 4; gradients of few channels
    IMAGE(2, 3, 14, 14, 6, 3, 3, 3, 3, 1, 1, 1), IMAGE(1, 2, 19, 133, 2, 2, 5, 4, 4, 2, 1, 1),
    IMAGE(2, 3, 33, 35, 24, 1, 3, 3, 3, 1, 1, 2), IMAGE(1, 2, 21, 90, 9, 1, 5, 4, 4, 2, 1, 1),
    // by fewer products: parts of tiles, of panels, of vectors; rows in parts; padding from none to beyond the window
    IMAGE(1, 16, 13, 18, 16, 1, 3, 3, 1, 1, 1, 1), IMAGE(3, 33, 29, 31, 45, 1, 3, 3, 1, 1, 1, 1),
    IMAGE(1, 20, 12, 70, 33, 1, 3, 3, 1, 2, 0, 1), IMAGE(2, 64, 7, 9, 66, 2, 3, 3, 1, 1, 1, 1),
    IMAGE(3, 40, 14, 14, 32, 1, 3, 3, 1, 0, 0, 1), IMAGE(1, 64, 8, 8, 17, 1, 3, 3, 1, 3, 4, 1),
    { 2, 2, 24, 20, 1, { 1, 10, 11 }, { 1, 3, 3 }, { 1, 1, 1 }, { 0, 0, 2 }, { 0, 3, 0 }, { 1, 1, 1 } },
    { 2, 1, 48, 32, 1, { 1, 37, 131 }, { 1, 3, 3 }, { 1, 1, 1 }, { 0, 1, 0 }, { 0, 1, 1 }, { 1, 1, 1 } },
};
enum { SHAPES = sizeof shapes / sizeof shapes[0], WINOGRAD = SHAPES - 8, LANES = WINOGRAD - 20, FLAT = LANES - 6, PRODUCTS = FLAT - 18 }; // the first of those

static int out_of(const shape *s, int i)
{
    return (s->in[i] + s->lo[i] + s->hi[i] - (s->k[i] - 1) * s->dilation[i] - 1) / s->stride[i] + 1;
}

static void outs(const shape *s, int out[3])
{
    for (int i = 0; i < 3; i++)
        out[i] = out_of(s, i);
}

static clg_shape shape_of(int nd, int64_t a, int64_t b, const int v[3])
{
    clg_shape s = CLG_SHAPE(a, b);
    for (int i = 0; i < 3; i++) {
        if (i >= 3 - nd)
            s.dim[s.rank++] = v[i];
    }
    return s;
}

// One of y, dx, dw, and of the same terms' magnitudes: sums over all pairs of places.
static void sums(const shape *s, int what, const double *a, const double *b, double *sum, double *size, int64_t n)
{
    const int cg = s->c / s->groups, og = s->o / s->groups, od = out_of(s, 0), oh = out_of(s, 1), ow = out_of(s, 2);
    memset(sum, 0, (size_t) n * sizeof *sum);
    memset(size, 0, (size_t) n * sizeof *size);
    for (int64_t t = 0; t < (int64_t) s->o * cg * s->k[0] * s->k[1] * s->k[2]; t++) {
        const int q = (int) (t % s->k[2]), r = (int) (t / s->k[2] % s->k[1]);
        const int p = (int) (t / s->k[2] / s->k[1] % s->k[0]), c = (int) (t / s->k[2] / s->k[1] / s->k[0] % cg);
        const int o = (int) (t / s->k[2] / s->k[1] / s->k[0] / cg);
        for (int64_t m = 0; m < (int64_t) s->n * od * oh * ow; m++) {
            const int j = (int) (m % ow), i = (int) (m / ow % oh), z = (int) (m / ow / oh % od);
            const int img = (int) (m / ow / oh / od), x = j * s->stride[2] + q * s->dilation[2] - s->lo[2];
            const int y = i * s->stride[1] + r * s->dilation[1] - s->lo[1];
            const int d = z * s->stride[0] + p * s->dilation[0] - s->lo[0];
            if (x < 0 || y < 0 || d < 0 || x >= s->in[2] || y >= s->in[1] || d >= s->in[0])
                continue;
            const int64_t plane = (int64_t) (img * s->c + o / og * cg + c) * s->in[0] + d;
            const int64_t xi = (plane * s->in[1] + y) * s->in[2] + x;
            const int64_t yi = (((int64_t) (img * s->o + o) * od + z) * oh + i) * ow + j;
            const int64_t to = what == 0 ? yi : what == 1 ? xi : t;
            const double v = a[what == 0 ? xi : yi] * b[what == 2 ? xi : t];
            sum[to] += v;
            size[to] += fabs(v);
        }
    }
}

// Random numbers of a type that are exact in it; behind others in their buffer, so that offsets count. With them
// their values.
static clg_tensor fresh(clg_dtype t, clg_shape s, double **values)
{
    const bool whole = !clg_dtype_is_float(t);
    clg_shape more = s;
    more.dim[0]++;
    clg_tensor x = clg_uniform(dev, CLG_F32, more, -1, 1);
    if (whole) { // -9 to 9
        const int64_t n = clg_numel(more), step = 3 + 2 * (int64_t) (500 * (rnd() + 1));
        x = clg_remainder_scalar(clg_mul_scalar(clg_arange(dev, t, 0, (double) n, 1), (double) step), 19);
        x = clg_reshape(clg_sub_scalar(x, 9), more);
    }
    x = clg_slice(clg_cast(x, t), 0, 1, more.dim[0], 1);
    ok(clg_eval(x));
    *values = read_all(x);
    return whole ? x : clg_track(x);
}

static clg_tensor convolve(const shape *s, clg_tensor x, clg_tensor w, clg_tensor bias)
{
    clg_tensor (*const conv[])(clg_tensor, clg_tensor, clg_tensor, const struct clg_conv_params *) = {
        clg_conv1d, clg_conv2d, clg_conv3d
    };
    struct clg_conv_params p = { .size = sizeof p, .groups = s->groups, .no_padding_end = true };
    int *const stride[] = { &p.stride_d, &p.stride_h, &p.stride_w };
    int *const lo[] = { &p.padding_d, &p.padding_h, &p.padding_w };
    int *const hi[] = { &p.padding_end_d, &p.padding_end_h, &p.padding_end_w };
    int *const dilation[] = { &p.dilation_d, &p.dilation_h, &p.dilation_w };
    for (int i = 3 - s->nd; i < 3; i++) {
        *stride[i] = s->stride[i];
        *lo[i] = s->lo[i];
        *hi[i] = s->hi[i];
        *dilation[i] = s->dilation[i];
    }
    return conv[s->nd - 1](x, w, bias, &p);
}

static void compare(const char *what, const shape *s, clg_dtype t, int use, clg_tensor got, const double *a,
                    const double *b, double terms)
{
    const double eps = t == CLG_F64 ? 0x1p-52 : 0x1p-23, last = t == CLG_F16 ? 0x1p-10 : t == CLG_BF16 ? 0x1p-7 : 0;
    const int64_t n = clg_numel(got->shape);
    double *want = calloc((size_t) n + 1, sizeof *want), *bound = calloc((size_t) n + 1, sizeof *bound);
    char *raw = malloc((size_t) n * 8 + 8), name[160];
    memset(raw, 0xff, (size_t) n * 8 + 8);
    ok(got->status);
    ok(clg_read(got, raw, (size_t) n * clg_dtype_size(t)));
    sums(s, use, a, b, want, bound, n);
    for (int64_t i = 0; i < n; i++)
        bound[i] = clg_dtype_is_float(t) ? eps * (sqrt(terms) + 4) * bound[i] + last * fabs(want[i]) : 0;
    snprintf(name, sizeof name, "%s %s of %dx%dx%dx%dx%d, %d of %dx%dx%d in %d groups, strides %d %d %d",
             clg_dtype_name(t), what, s->n, s->c, s->in[0], s->in[1], s->in[2], s->o, s->k[0], s->k[1], s->k[2], s->groups,
             s->stride[0], s->stride[1], s->stride[2]);
    expect_within(name, t, raw, want, bound, n);
    free(raw);
    free(want);
    free(bound);
}

static void check_shape(const shape *s, clg_dtype t)
{
    if (!clg_device_has(dev, t))
        return;
    clg_scope scope = clg_scope_push(dev);
    int out[3];
    outs(s, out);
    const double window = s->k[0] * s->k[1] * s->k[2];
    double *x, *w, *g;
    clg_tensor tx = fresh(t, shape_of(s->nd, s->n, s->c, s->in), &x);
    clg_tensor tw = fresh(t, shape_of(s->nd, s->o, s->c / s->groups, s->k), &w);
    clg_tensor tg = fresh(t, shape_of(s->nd, s->n, s->o, out), &g), d[2];
    clg_tensor y = convolve(s, tx, tw, NULL);
    ok(y->status);
    compare("y", s, t, 0, y, x, w, s->c / s->groups * window);
    if (clg_dtype_is_float(t)) {
        ok(clg_vjp_n(y, tg, (clg_tensor[]) { tx, tw }, 2, false, d));
        compare("dx", s, t, 1, d[0], g, w, s->o / s->groups * window);
        compare("dw", s, t, 2, d[1], g, x, (double) s->n * out[0] * out[1] * out[2]);
    }
    free(x);
    free(w);
    free(g);
    clg_scope_pop(scope);
}

START_TEST(every_shape)
{
    if (in_turn(_i, 7))
        check_shape(&shapes[_i], CLG_F32);
}
END_TEST

START_TEST(other_types)
{
    const clg_dtype types[] = { CLG_F64, CLG_F16, CLG_BF16, CLG_I32, CLG_I64 };
    for (int i = _i; i < SHAPES; i += everything() ? 5 : 26)
        check_shape(&shapes[i], types[_i]);
}
END_TEST

static int below(int n)
{
    const int v = (int) ((rnd() + 1) / 2 * n);
    return v < n ? v : n - 1;
}

START_TEST(shapes_by_chance)
{
    for (int i = 0; i < (everything() ? 60 : 8); i++) {
        shape s = { .nd = 2 + (below(8) == 0), .n = 1 + below(3), .groups = 1 };
        const int kind = below(3), cg = 1 + below(9), og = 1 + below(20);
        s.groups = kind == 0 ? 1 : 1 + below(6);
        s.c = s.groups * (kind == 2 ? 1 : cg);
        s.o = s.groups * (kind == 2 ? 1 + below(2) : og);
        for (int d = 0; d < 3; d++) {
            const bool there = d >= 3 - s.nd;
            s.k[d] = there ? 1 + below(4) : 1;
            s.dilation[d] = there ? 1 + below(2) : 1;
            s.stride[d] = there ? 1 + below(3) : 1;
            s.lo[d] = there ? below(4) : 0;
            s.hi[d] = there ? below(4) : 0;
            s.in[d] = there ? (s.k[d] - 1) * s.dilation[d] + 1 + below(d < 2 ? 12 : 40) : 1;
        }
        check_shape(&s, CLG_F32);
    }
}
END_TEST

static void same_bits(const char *what, clg_tensor a, clg_tensor b)
{
    const size_t bytes = (size_t) clg_numel(a->shape) * clg_dtype_size(a->dtype);
    char *x = calloc(bytes + 1, 1), *y = calloc(bytes + 1, 1);
    ok(clg_read(a, x, bytes));
    ok(clg_read(b, y, bytes));
    ck_assert_msg(memcmp(x, y, bytes) == 0, "%s: bits differ", what);
    free(x);
    free(y);
}

// Bias, activation and residual at the end of each kind of kernel: the bits of separate passes.
START_TEST(ends_of_convolutions)
{
    static const int some[] = { 0, 2, 4, 5, 7, 9, 13, 20, 22, 25, 26, 33, 36, 47,
                                WINOGRAD + 1, WINOGRAD + 2, WINOGRAD + 3, WINOGRAD + 6, PRODUCTS, PRODUCTS + 2,
                                PRODUCTS + 3, PRODUCTS + 4, PRODUCTS + 6, PRODUCTS + 7, PRODUCTS + 9, PRODUCTS + 15,
                                PRODUCTS + 16, LANES, LANES + 2, LANES + 3, LANES + 5, LANES + 8, LANES + 9, LANES + 10, LANES + 14,
                                FLAT, FLAT + 1, FLAT + 2, FLAT + 3, FLAT + 5 };
    if (!in_turn(_i, 2))
        return;
    const shape *s = &shapes[some[_i]];
    clg_scope scope = clg_scope_push(dev);
    const int one[3] = { 1, 1, 1 };
    int out[3];
    outs(s, out);
    double *unused[6];
    clg_tensor x = fresh(CLG_F32, shape_of(s->nd, s->n, s->c, s->in), &unused[0]);
    clg_tensor w = fresh(CLG_F32, shape_of(s->nd, s->o, s->c / s->groups, s->k), &unused[1]);
    clg_tensor g = fresh(CLG_F32, shape_of(s->nd, s->n, s->o, out), &unused[2]);
    clg_tensor bias = fresh(CLG_F32, shape_of(s->nd, 1, s->o, one), &unused[3]);
    clg_tensor shift = fresh(CLG_F32, shape_of(s->nd, 1, s->c, one), &unused[4]);
    clg_tensor rest = fresh(CLG_F32, shape_of(s->nd, s->n, s->c, s->in), &unused[5]), dx[2];
    clg_tensor y = clg_add(clg_relu(clg_add(convolve(s, x, w, NULL), bias)), g), apart = convolve(s, x, w, NULL);
    ok(clg_eval(y));
    ok(clg_eval(apart));
    same_bits("y", y, clg_add(clg_relu(clg_add(apart, bias)), g));
    for (int i = 0; i < 2; i++)
        ok(clg_vjp_n(convolve(s, x, w, NULL), g, &x, 1, false, &dx[i]));
    y = clg_mul(clg_tanh(clg_add(dx[0], shift)), rest);
    ok(clg_eval(y));
    ok(clg_eval(dx[1]));
    same_bits("dx", y, clg_mul(clg_tanh(clg_add(dx[1], shift)), rest));
    for (int i = 0; i < 6; i++)
        free(unused[i]);
    clg_scope_pop(scope);
}
END_TEST

// What surrounds a place of padding or a neighbouring channel reaches no result: NaN stay where they are.
START_TEST(nan_stay_in_their_windows)
{
    static const int some[] = { 0, 2, 5, 7, 8, 10, 25, 35, 36, 41, WINOGRAD + 1, WINOGRAD + 2, WINOGRAD + 3,
                                PRODUCTS, PRODUCTS + 2, PRODUCTS + 6, PRODUCTS + 9, LANES, LANES + 2,
                                LANES + 3, LANES + 5, LANES + 10, LANES + 12, FLAT, FLAT + 2 };
    if (!in_turn(_i, 2))
        return;
    const shape *s = &shapes[some[_i]];
    clg_scope scope = clg_scope_push(dev);
    int out[3];
    outs(s, out);
    double *x, *w, *g;
    clg_tensor tx = fresh(CLG_F32, shape_of(s->nd, s->n, s->c, s->in), &x);
    clg_tensor tw = fresh(CLG_F32, shape_of(s->nd, s->o, s->c / s->groups, s->k), &w);
    clg_tensor tg = fresh(CLG_F32, shape_of(s->nd, s->n, s->o, out), &g), d[2];
    const int64_t nx = clg_numel(tx->shape), ng = clg_numel(tg->shape);
    float *raw = malloc((size_t) (nx + ng) * sizeof *raw);
    for (int64_t i = 0; i < nx; i++)
        raw[i] = (float) (x[i] = i % 97 == 5 ? (double) NAN : x[i]);
    double *h = malloc((size_t) ng * sizeof *h);
    for (int64_t i = 0; i < ng; i++)
        raw[nx + i] = (float) (h[i] = i % 89 == 7 ? (double) NAN : g[i]);
    tx = clg_track(clg_upload(dev, CLG_F32, tx->shape, raw));
    clg_tensor bad = clg_upload(dev, CLG_F32, tg->shape, raw + nx);
    clg_tensor y = convolve(s, tx, tw, NULL);
    ok(clg_vjp_n(y, bad, &tx, 1, false, &d[0]));
    ok(clg_vjp_n(y, tg, &tw, 1, false, &d[1]));
    compare("y", s, CLG_F32, 0, y, x, w, 100);
    compare("dx", s, CLG_F32, 1, d[0], h, w, 100);
    compare("dw", s, CLG_F32, 2, d[1], g, x, 1000);
    free(h);
    free(raw);
    free(x);
    free(w);
    free(g);
    clg_scope_pop(scope);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("convs");
    TCase *c = tcase_create("convs");
    tcase_set_timeout(c, 300);
    tcase_add_loop_test(c, every_shape, 0, SHAPES);
    tcase_add_loop_test(c, other_types, 0, 5);
    tcase_add_test(c, shapes_by_chance);
    tcase_add_loop_test(c, ends_of_convolutions, 0, 40);
    tcase_add_loop_test(c, nan_stay_in_their_windows, 0, 25);
    suite_add_tcase(s, c);
    return run_suite(s);
}
