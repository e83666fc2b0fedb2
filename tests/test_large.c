// SPDX-License-Identifier: MIT
// Shapes of several tiles, panels, strips, blocks and chunks, with tails: products, convolutions with both
// gradients, pooling. Both classes of kernels against double precision, each element within a few roundings of
// its own sum of |a||b|, and so against each other. With CLGRAD_TEST_FULL also tensors of more than 2^31 elements.
#include "testing.h"

static const double unit = 0x1p-24;

typedef struct check {
    const char *what;
    double *want, *size; // of each element: the sum, and that of the magnitudes
    int64_t n;
    double times; // of the bound; 0: 1
} check;

static check check_new(const char *what, int64_t n)
{
    return (check) { what, calloc((size_t) n, 8), calloc((size_t) n, 8), n, 0 };
}

static void add(check *c, int64_t at, double v)
{
    c->want[at] += v;
    c->size[at] += fabs(v);
}

static void compare(check *c, clg_tensor t, const char *class)
{
    char what[100];
    float *got = malloc((size_t) c->n * 4);
    double *bound = malloc((size_t) c->n * 8);
    snprintf(what, sizeof what, "%s, %s class", c->what, class);
    ck_assert_msg(t->status >= 0, "%s: %s", what, clg_error(dev, t->status));
    ck_assert_int_eq(clg_numel(t->shape), c->n);
    ok(clg_read(t, got, (size_t) c->n * 4));
    for (int64_t i = 0; i < c->n; i++)
        bound[i] = (c->times > 0 ? c->times : 1) * 8 * unit * c->size[i];
    expect_within(what, CLG_F32, got, c->want, bound, c->n);
    free(got);
    free(bound);
}

static void check_free(check *c)
{
    free(c->want);
    free(c->size);
}

static float *numbers(int64_t n)
{
    float *p = malloc((size_t) n * 4);
    fill(p, n);
    return p;
}

static const char *const classes[] = { "cpu", "gpu" };

// Runs f on a device of either class.
static void each_class(void (*f)(const char *class, const void *what), const void *what)
{
    clg_device old = dev;
    const char *before = getenv("CLGRAD_CLASS");
    char *keep = before ? strdup(before) : NULL;
    for (int k = 0; k < 2; k++) {
        setenv("CLGRAD_CLASS", classes[k], 1);
        ok(clg_device_open(&dev, NULL));
        f(classes[k], what);
        clg_device_close(&dev);
    }
    dev = old;
    if (keep)
        setenv("CLGRAD_CLASS", keep, 1);
    else
        unsetenv("CLGRAD_CLASS");
    free(keep);
}

// ---- products

typedef struct product {
    int b, m, k, n;
    bool ta, tb;
    float *a, *x; // a [b,m,k] or [b,k,m], x [k,n] or [n,k]
    check y;
} product;

static void run_product(const char *class, const void *what)
{
    product p = *(const product *) what;
    clg_tensor a = clg_upload(dev, CLG_F32, p.ta ? CLG_SHAPE(p.b, p.k, p.m) : CLG_SHAPE(p.b, p.m, p.k), p.a);
    clg_tensor x = clg_upload(dev, CLG_F32, p.tb ? CLG_SHAPE(p.n, p.k) : CLG_SHAPE(p.k, p.n), p.x);
    compare(&p.y, clg_matmul(p.ta ? clg_transpose(a, 1, 2) : a, p.tb ? clg_transpose(x, 0, 1) : x), class);
}

START_TEST(products)
{
    product all[] = { { 3, 131, 523, 197, false, false, NULL, NULL, { 0 } },
                      { 1, 67, 33, 1031, false, true, NULL, NULL, { 0 } },
                      { 2, 259, 17, 65, true, false, NULL, NULL, { 0 } },
                      { 1, 1, 4099, 1, false, false, NULL, NULL, { 0 } },
                      { 1, 1, 515, 641, false, false, NULL, NULL, { 0 } },
                      { 5, 79, 1, 133, true, true, NULL, NULL, { 0 } } };
    product *p = &all[_i];
    char what[60];
    snprintf(what, sizeof what, "%dx%dx%d by %d", p->b, p->m, p->k, p->n);
    p->a = numbers((int64_t) p->b * p->m * p->k);
    p->x = numbers((int64_t) p->k * p->n);
    p->y = check_new(what, (int64_t) p->b * p->m * p->n);
    for (int b = 0; b < p->b; b++)
        for (int i = 0; i < p->m; i++)
            for (int k = 0; k < p->k; k++) {
                const double a = p->a[p->ta ? (b * p->k + k) * p->m + i : (b * p->m + i) * p->k + k];
                for (int j = 0; j < p->n; j++)
                    add(&p->y, (int64_t) (b * p->m + i) * p->n + j, a * p->x[p->tb ? j * p->k + k : k * p->n + j]);
            }
    each_class(run_product, p);
    check_free(&p->y);
    free(p->a);
    free(p->x);
}
END_TEST

// ---- convolutions and their gradients

typedef struct convolution {
    int n, c, h, w, o, k, stride, pad, dil, groups;
    float *x, *weight, *g;
    int oh, ow;
    check y, dx, dw;
} convolution;

static void run_convolution(const char *class, const void *what)
{
    convolution p = *(const convolution *) what;
    clg_tensor x = clg_track(clg_upload(dev, CLG_F32, CLG_SHAPE(p.n, p.c, p.h, p.w), p.x));
    clg_tensor w = clg_track(clg_upload(dev, CLG_F32, CLG_SHAPE(p.o, p.c / p.groups, p.k, p.k), p.weight));
    clg_tensor g = clg_upload(dev, CLG_F32, CLG_SHAPE(p.n, p.o, p.oh, p.ow), p.g), d[2];
    clg_tensor y = clg_conv2d(x, w, NULL, clg_conv2d_params(.stride = p.stride, .padding = p.pad, .dilation = p.dil,
                                                            .groups = p.groups));
    ok(clg_vjp_n(y, g, (clg_tensor[]) { x, w }, 2, false, d));
    compare(&p.y, y, class);
    compare(&p.dx, d[0], class);
    compare(&p.dw, d[1], class);
}

static void convolve(convolution *p)
{
    const int cg = p->c / p->groups, og = p->o / p->groups;
    for (int n = 0; n < p->n; n++)
        for (int o = 0; o < p->o; o++)
            for (int i = 0; i < p->oh; i++)
                for (int j = 0; j < p->ow; j++) {
                    const int64_t at = (((int64_t) n * p->o + o) * p->oh + i) * p->ow + j;
                    const double g = p->g[at];
                    for (int t = 0; t < cg * p->k * p->k; t++) {
                        const int a = i * p->stride - p->pad + t / p->k % p->k * p->dil;
                        const int b = j * p->stride - p->pad + t % p->k * p->dil;
                        if (a < 0 || b < 0 || a >= p->h || b >= p->w)
                            continue;
                        const int64_t c = (int64_t) n * p->c + o / og * cg + t / (p->k * p->k);
                        const int64_t from = (c * p->h + a) * p->w + b, tap = (int64_t) o * cg * p->k * p->k + t;
                        add(&p->y, at, (double) p->x[from] * p->weight[tap]);
                        add(&p->dx, from, g * p->weight[tap]);
                        add(&p->dw, tap, g * p->x[from]);
                    }
                }
}

static const convolution convolutions[] = {
    { .n = 9, .c = 5, .h = 37, .w = 61, .o = 70, .k = 3, .stride = 1, .pad = 1, .dil = 1, .groups = 1 },
    { .n = 17, .c = 3, .h = 29, .w = 31, .o = 33, .k = 5, .stride = 2, .pad = 2, .dil = 1, .groups = 1 },
    { .n = 2, .c = 30, .h = 61, .w = 64, .o = 17, .k = 3, .stride = 1, .pad = 1, .dil = 1, .groups = 1 }, // channel blocks
    { .n = 3, .c = 70, .h = 14, .w = 14, .o = 65, .k = 1, .stride = 1, .pad = 0, .dil = 1, .groups = 1 },
    { .n = 2, .c = 40, .h = 23, .w = 19, .o = 70, .k = 3, .stride = 1, .pad = 2, .dil = 2, .groups = 2 },
};

START_TEST(convolutions_and_gradients)
{
    convolution p = convolutions[_i];
    char what[3][60];
    p.oh = (p.h + 2 * p.pad - p.dil * (p.k - 1) - 1) / p.stride + 1;
    p.ow = (p.w + 2 * p.pad - p.dil * (p.k - 1) - 1) / p.stride + 1;
    const int64_t nx = (int64_t) p.n * p.c * p.h * p.w, nw = (int64_t) p.o * p.c / p.groups * p.k * p.k;
    const int64_t ny = (int64_t) p.n * p.o * p.oh * p.ow;
    for (int i = 0; i < 3; i++)
        snprintf(what[i], sizeof what[i], "%s of conv %d", i == 0 ? "y" : i == 1 ? "dx" : "dw", _i);
    p.x = numbers(nx);
    p.weight = numbers(nw);
    p.g = numbers(ny);
    p.y = check_new(what[0], ny);
    p.dx = check_new(what[1], nx);
    p.dw = check_new(what[2], nw);
    if (p.k == 3 && p.stride == 1 && p.dil == 1) // by fewer products, which errs up to four times as much
        p.y.times = p.dx.times = p.dw.times = 4;
    convolve(&p);
    each_class(run_convolution, &p);
    check_free(&p.y);
    check_free(&p.dx);
    check_free(&p.dw);
    free(p.x);
    free(p.weight);
    free(p.g);
}
END_TEST

// ---- pooling

typedef struct pooling {
    int planes, h, w, k, stride, pad;
    bool max;
    float *x, *g;
    int oh, ow;
    check y, dx;
} pooling;

static void run_pooling(const char *class, const void *what)
{
    pooling p = *(const pooling *) what;
    clg_tensor x = clg_track(clg_upload(dev, CLG_F32, CLG_SHAPE(1, p.planes, p.h, p.w), p.x)), d;
    clg_tensor g = clg_upload(dev, CLG_F32, CLG_SHAPE(1, p.planes, p.oh, p.ow), p.g);
    const struct clg_pool2d_params *q = clg_pool2d_params(.kernel = p.k, .stride = p.stride, .padding = p.pad);
    clg_tensor y = p.max ? clg_max_pool2d(x, q) : clg_avg_pool2d(x, q);
    ok(clg_vjp_n(y, g, &x, 1, false, &d));
    compare(&p.y, y, class);
    compare(&p.dx, d, class);
}

static void pool(pooling *p)
{
    int64_t at = 0;
    for (int c = 0; c < p->planes; c++)
        for (int i = 0; i < p->oh; i++)
            for (int j = 0; j < p->ow; j++, at++) {
                int64_t best = -1;
                for (int t = 0; t < p->k * p->k; t++) {
                    const int a = i * p->stride - p->pad + t / p->k, b = j * p->stride - p->pad + t % p->k;
                    if (a < 0 || b < 0 || a >= p->h || b >= p->w)
                        continue;
                    const int64_t from = ((int64_t) c * p->h + a) * p->w + b;
                    best = best < 0 || p->x[from] > p->x[best] ? from : best;
                    if (p->max)
                        continue;
                    add(&p->y, at, (double) p->x[from] / (p->k * p->k));
                    add(&p->dx, from, (double) p->g[at] / (p->k * p->k));
                }
                if (p->max) {
                    p->y.want[at] = p->x[best];
                    add(&p->dx, best, p->g[at]);
                }
            }
}

START_TEST(pools_and_gradients)
{
    pooling all[] = {
        { .planes = 67, .h = 35, .w = 77, .k = 2, .stride = 2, .max = true },
        { .planes = 13, .h = 66, .w = 130, .k = 2, .stride = 2, .max = true },
        { .planes = 131, .h = 31, .w = 29, .k = 3, .stride = 2, .pad = 1, .max = true },
        { .planes = 67, .h = 35, .w = 77, .k = 3, .stride = 2, .pad = 1 },
        { .planes = 9, .h = 65, .w = 33, .k = 5, .stride = 1, .pad = 2 },
    };
    pooling *p = &all[_i];
    char what[2][40];
    p->oh = (p->h + 2 * p->pad - p->k) / p->stride + 1;
    p->ow = (p->w + 2 * p->pad - p->k) / p->stride + 1;
    const int64_t nx = (int64_t) p->planes * p->h * p->w, ny = (int64_t) p->planes * p->oh * p->ow;
    for (int i = 0; i < 2; i++)
        snprintf(what[i], sizeof what[i], "%s of pool %d", i ? "dx" : "y", _i);
    p->x = numbers(nx);
    p->g = numbers(ny);
    p->y = check_new(what[0], ny);
    p->dx = check_new(what[1], nx);
    pool(p);
    each_class(run_pooling, p);
    check_free(&p->y);
    check_free(&p->dx);
    free(p->x);
    free(p->g);
}
END_TEST

// ---- more elements than 31 bits count

static void far(const char *class, const char *what, clg_tensor t, int n, const double *want)
{
    char name[100];
    int64_t got[8];
    double as[8];
    snprintf(name, sizeof name, "%s, %s class", what, class);
    ck_assert_msg(t->status >= 0, "%s: %s", name, clg_error(dev, t->status));
    ck_assert_int_eq(clg_numel(t->shape), n);
    ok(clg_read(clg_cast(t, CLG_I64), got, (size_t) n * sizeof *got));
    for (int i = 0; i < n; i++)
        as[i] = (double) got[i];
    for (int i = 0; i < n; i++)
        ck_assert_msg(as[i] == want[i], "%s: element %d is %.0f, expected %.0f", name, i, as[i], want[i]);
}

#define FAR(what, t, ...)                                                                          \
    far(class, what, t, (int) (sizeof((double[]) { __VA_ARGS__ }) / sizeof(double)), (double[]) { __VA_ARGS__ })

// Elements i & 255 of n = 2^31 + 8: 2 GB, and as much again for each of what is made of them.
static void run_far(const char *class, const void *what)
{
    (void) what;
    const int64_t two31 = (int64_t) 1 << 31, n = two31 + 8;
    const bool quick = strcmp(class, "cpu") == 0; // an emulated GPU takes a minute for each of the others
    clg_tensor at = clg_arange(dev, CLG_I64, 0, (double) n, 1), x = clg_cast(at, CLG_U8);
    ok(clg_eval(x));
    FAR("slice", clg_slice(x, 0, n - 4, n, 1), 4, 5, 6, 7);
    FAR("steps", clg_slice(x, 0, 1, n, two31), 1, 1);
    FAR("flip", clg_slice(clg_flip(x, CLG_AXES(0)), 0, 0, 3, 1), 7, 6, 5);
    const int64_t index[5] = { n - 1, 0, two31, n, two31 + 3 }, rows[2] = { n / 8 - 1, 1 };
    FAR("gather", clg_index_select(x, 0, clg_upload(dev, CLG_I64, CLG_SHAPE(5), index)), 7, 0, 0, 0, 3);
    FAR("rows", clg_sum(clg_index_select(clg_reshape(x, CLG_SHAPE(n / 8, 8)), 0, clg_upload(dev, CLG_I64, CLG_SHAPE(2), rows)),
                        CLG_AXES(1), false), 28, 92);
    clg_scope s = clg_scope_push(dev);
    clg_tensor y = clg_cast(clg_add_scalar(clg_cast(x, CLG_I32), 1), CLG_I8);
    ok(clg_eval(y));
    FAR("pointwise", clg_slice(y, 0, n - 4, n, 1), 5, 6, 7, 8);
    FAR("cast", clg_slice(y, 0, two31 - 2, two31 + 1, 1), -1, 0, 1);
    clg_scope_pop(s);
    FAR("sum", clg_sum(x, CLG_ALL, false), 0x1p23 * 32640 + 28);
    if (!quick)
        return;
    s = clg_scope_push(dev);
    y = clg_reshape(clg_transpose(clg_reshape(x, CLG_SHAPE(n / 8, 8)), 0, 1), CLG_SHAPE(n));
    ok(clg_eval(y));
    FAR("transpose", clg_slice(y, 0, n - 3, n, 1), 247, 255, 7);
    clg_scope_pop(s);
    s = clg_scope_push(dev);
    y = clg_pad(x, CLG_SHAPE(1), CLG_SHAPE(2), 9);
    ok(clg_eval(y));
    FAR("pad", clg_slice(y, 0, n - 1, n + 3, 1), 6, 7, 9, 9);
    clg_scope_pop(s);
    s = clg_scope_push(dev);
    y = clg_cast(clg_eq_scalar(at, (double) (n - 3)), CLG_U8);
    ok(clg_eval(y));
    FAR("argmax", clg_argmax(y, CLG_AXES(0), false), (double) (n - 3));
    FAR("argmax of columns", clg_argmax(clg_reshape(y, CLG_SHAPE(n / 8, 8)), CLG_AXES(0), false), 0, 0, 0, 0, 0,
        (double) (n / 8 - 1), 0, 0);
    clg_scope_pop(s);
    FAR("amax", clg_amax(x, CLG_ALL, false), 255);
    s = clg_scope_push(dev);
    uint8_t *host = malloc((size_t) n);
    ck_assert_ptr_nonnull(host);
    ok(clg_read(x, host, (size_t) n));
    for (int64_t i = n - 300; i < n; i++)
        ck_assert_int_eq(host[i], (int) (i & 255));
    clg_drop(&x);
    host[n - 2] = 77;
    y = clg_upload(dev, CLG_U8, CLG_SHAPE(n), host);
    free(host);
    FAR("upload", clg_slice(y, 0, n - 3, n, 1), 5, 77, 7);
    clg_scope_pop(s);
}

START_TEST(elements_beyond_31_bits)
{
    each_class(run_far, NULL);
}
END_TEST

int main(void)
{
    // software that emulates a GPU would take minutes
    const char *icd = getenv("OCL_ICD_VENDORS");
    if (icd && strstr(icd, "rusticl")) {
        printf("skipped: shapes for devices that are quick\n");
        return 77;
    }
    Suite *s = suite_create("large");
    TCase *c = tcase_create("large");
    tcase_add_loop_test(c, products, 0, 6);
    tcase_add_loop_test(c, convolutions_and_gradients, 0, sizeof convolutions / sizeof convolutions[0]);
    tcase_add_loop_test(c, pools_and_gradients, 0, 5);
    suite_add_tcase(s, c);
    if (getenv("CLGRAD_TEST_FULL") && !getenv("LC_ALL")) { // 9 GB of memory, and not for each locale once more
        TCase *far = tcase_create("far");
        tcase_set_timeout(far, 1200);
        tcase_add_test(far, elements_beyond_31_bits);
        suite_add_tcase(s, far);
    }
    return run_suite(s);
}
