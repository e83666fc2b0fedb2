// SPDX-License-Identifier: MIT
// Convolutions by fewer products: the error that docs/architecture.md states, on data of every kind, against sums in
// double; what infinities, NaN and huge numbers become; and the setting that asks for the plain sum.
#include "testing.h"

#include <float.h>

typedef struct shape {
    int n, c, h, w, o, pad;
} shape;

static const shape shapes[] = { { 2, 16, 17, 22, 16, 1 }, { 1, 64, 14, 14, 40, 1 }, { 1, 230, 9, 12, 33, 2 },
                                { 1, 24, 8, 90, 18, 0 } };
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

typedef struct data {
    shape s;
    int oh, ow;
    int64_t nx, nw, ny;
    float *x, *w, *g; // g: the cotangent
    double *sum, *size; // of one of y, dx, dw; of the magnitudes of its terms
} data;

static data *data_of(const shape *s)
{
    data *d = calloc(1, sizeof *d);
    d->s = *s;
    d->oh = s->h + 2 * s->pad - 2;
    d->ow = s->w + 2 * s->pad - 2;
    d->nx = (int64_t) s->n * s->c * s->h * s->w;
    d->nw = (int64_t) s->o * s->c * 9;
    d->ny = (int64_t) s->n * s->o * d->oh * d->ow;
    const int64_t most = d->nx > d->ny ? d->nx : d->ny;
    d->x = malloc((size_t) d->nx * sizeof *d->x);
    d->w = malloc((size_t) d->nw * sizeof *d->w);
    d->g = malloc((size_t) d->ny * sizeof *d->g);
    d->sum = malloc((size_t) (most > d->nw ? most : d->nw) * sizeof *d->sum);
    d->size = malloc((size_t) (most > d->nw ? most : d->nw) * sizeof *d->size);
    fill(d->x, d->nx);
    fill(d->w, d->nw);
    fill(d->g, d->ny);
    return d;
}

static void data_free(data *d)
{
    free(d->x);
    free(d->w);
    free(d->g);
    free(d->sum);
    free(d->size);
    free(d);
}

enum { Y, DX, DW, USES };
static const char *const uses[] = { "y", "dx", "dw" };

static int64_t count(const data *d, int use)
{
    return use == Y ? d->ny : use == DX ? d->nx : d->nw;
}

static void reference(data *d, int use)
{
    const shape *s = &d->s;
    memset(d->sum, 0, (size_t) count(d, use) * sizeof *d->sum);
    memset(d->size, 0, (size_t) count(d, use) * sizeof *d->size);
    for (int64_t t = 0; t < d->nw; t++) {
        const int q = (int) (t % 3), r = (int) (t / 3 % 3), c = (int) (t / 9 % s->c), o = (int) (t / 9 / s->c);
        for (int m = 0; m < s->n * d->oh; m++) {
            const int img = m / d->oh, i = m % d->oh, y = i + r - s->pad;
            for (int j = 0; j < d->ow && y >= 0 && y < s->h; j++) {
                const int x = j + q - s->pad;
                if (x < 0 || x >= s->w)
                    continue;
                const int64_t xi = (((int64_t) img * s->c + c) * s->h + y) * s->w + x;
                const int64_t yi = (((int64_t) img * s->o + o) * d->oh + i) * d->ow + j;
                const int64_t to = use == Y ? yi : use == DX ? xi : t;
                const double a = (double) (use == Y ? d->x[xi] : d->g[yi]), b = (double) (use == DW ? d->x[xi] : d->w[t]);
                d->sum[to] += a * b;
                d->size[to] += fabs(a * b);
            }
        }
    }
}

// y, dx and dw.
static void compute(clg_device on, const data *d, float *out[USES])
{
    const shape *s = &d->s;
    clg_scope scope = clg_scope_push(on);
    clg_tensor x = clg_track(clg_upload(on, CLG_F32, CLG_SHAPE(s->n, s->c, s->h, s->w), d->x)), grads[2];
    clg_tensor w = clg_track(clg_upload(on, CLG_F32, CLG_SHAPE(s->o, s->c, 3, 3), d->w));
    clg_tensor y = clg_conv2d(x, w, NULL, clg_conv2d_params(.padding = s->pad));
    clg_tensor g = clg_upload(on, CLG_F32, CLG_SHAPE(s->n, s->o, d->oh, d->ow), d->g);
    ck_assert_msg(clg_vjp_n(y, g, (clg_tensor[]) { x, w }, 2, false, grads) >= 0, "%s", clg_error(on, 0));
    clg_tensor all[USES] = { y, grads[0], grads[1] };
    for (int use = 0; use < USES; use++) {
        const size_t bytes = (size_t) count(d, use) * sizeof(float);
        out[use] = malloc(bytes + 1);
        memset(out[use], 0xff, bytes);
        ck_assert_msg(clg_read(all[use], out[use], bytes) >= 0, "%s", clg_error(on, 0));
    }
    clg_scope_pop(scope);
}

static double terms(const data *d, int use)
{
    return use == Y ? d->s.c * 9 : use == DX ? d->s.o * 9 : (double) (d->s.n * d->oh * d->ow);
}

// The magnitudes of a result's terms with the largest of its tile in place of each input.
static void sizes_of_tiles(data *d, int use)
{
    const shape *s = &d->s;
    const bool y = use == Y;
    const int ci = y ? s->c : s->o, co = y ? s->o : s->c, pad = y ? s->pad : 2 - s->pad;
    const int hi = y ? s->h : d->oh, wi = y ? s->w : d->ow, ho = y ? d->oh : s->h, wo = y ? d->ow : s->w;
    const float *in = y ? d->x : d->g;
    memset(d->size, 0, (size_t) count(d, use) * sizeof *d->size);
    for (int img = 0; img < s->n; img++) {
        for (int c = 0; c < ci; c++) {
            for (int t = 0; t < (ho + 3) / 4 * ((wo + 3) / 4); t++) {
                const int y0 = t / ((wo + 3) / 4) * 4, x0 = t % ((wo + 3) / 4) * 4;
                double most = 0;
                for (int k = 0; k < 36; k++) {
                    const int i = y0 + k / 6 - pad, j = x0 + k % 6 - pad;
                    if (i >= 0 && i < hi && j >= 0 && j < wi)
                        most = fmax(most, fabs((double) in[(((int64_t) img * ci + c) * hi + i) * wi + j]));
                }
                for (int o = 0; o < co; o++) {
                    const float *w = d->w + ((int64_t) (y ? o : c) * s->c + (y ? c : o)) * 9;
                    double sum = 0;
                    for (int k = 0; k < 9; k++)
                        sum += fabs((double) w[k]);
                    for (int k = 0; k < 16; k++)
                        if (y0 + k / 4 < ho && x0 + k % 4 < wo)
                            d->size[(((int64_t) img * co + o) * ho + y0 + k / 4) * wo + x0 + k % 4] += most * sum;
                }
            }
        }
    }
}

// Within `times` the bound of a plain sum, with the terms of the result itself or of its tile; the mean square of the error over the mean square of the bound.
static double check(const char *kind, data *d, int use, const float *got, double times, bool of_tile)
{
    const int64_t n = count(d, use);
    double *bound = malloc((size_t) n * sizeof *bound), error = 0, all = 0;
    char name[80];
    reference(d, use);
    if (of_tile)
        sizes_of_tiles(d, use);
    for (int64_t i = 0; i < n; i++) {
        bound[i] = times * (double) FLT_EPSILON * (sqrt(terms(d, use)) + 4) * d->size[i];
        error += ((double) got[i] - d->sum[i]) * ((double) got[i] - d->sum[i]);
        all += bound[i] * bound[i] / times / times;
    }
    snprintf(name, sizeof name, "%s %s of %d channels, %d outputs", kind, uses[use], d->s.c, d->s.o);
    expect_within(name, CLG_F32, got, d->sum, bound, n);
    free(bound);
    return sqrt(error / all);
}

static clg_device open_strict(const char *value, char *error, size_t size)
{
    clg_device d = NULL;
    setenv("CLGRAD_PRECISION", value, 1);
    const clg_status st = clg_device_open(&d, clg_device_params(.error = error, .error_size = size));
    unsetenv("CLGRAD_PRECISION");
    ck_assert_int_eq(st < 0, d == NULL);
    return d;
}

// Numbers in [-1, 1), far from zero, of channels whose scales differ by 12 orders, of rectified images, of weights
// whose scales differ. Within four times the plain sum's bound, and strict within that bound.
START_TEST(errors_are_within_the_bound)
{
    static const char *const kinds[] = { "uniform", "mean 100", "scaled channels", "rectified", "scaled weights" };
    char error[1100] = "";
    clg_device strict = open_strict("strict", error, sizeof error);
    ck_assert_msg(strict != NULL, "%s", error);
    for (int k = 0; k < SHAPES; k++) {
        data *d = data_of(&shapes[k]);
        const int64_t plane = (int64_t) d->s.h * d->s.w;
        for (int64_t i = 0; i < d->nx; i++) {
            const double scale = pow(10, 6 * sin(1.0 + (double) (i / plane % d->s.c)));
            d->x[i] = _i == 1 ? d->x[i] + 100 : _i == 2 ? (float) ((double) d->x[i] * scale) :
                      _i == 3 && d->x[i] < 0 ? 0 : d->x[i];
        }
        for (int64_t i = 0; i < d->ny; i++)
            d->g[i] = _i == 1 ? d->g[i] + 100 : _i == 3 && d->g[i] < 0 ? 0 : d->g[i];
        for (int64_t i = 0; i < d->nw && _i == 4; i++)
            d->w[i] *= (float) pow(10, 6 * sin(1.0 + (double) (i / 9)));
        float *got[USES], *plain[USES];
        compute(dev, d, got);
        compute(strict, d, plain);
        for (int use = 0; use < USES; use++) {
            // where one weight outdoes the others a result may be smaller than what its tile is made of
            const double a = check(kinds[_i], d, use, got[use], 4, _i == 4 && use != DW);
            const double b = check("strict", d, use, plain[use], 1, false);
            if (use != DW)
                check("of the tile", d, use, got[use], 1, true);
            printf("%-16s %-3s of %3d channels, %2d outputs: error over bound, mean squares: %.4f, strict %.4f\n", kinds[_i],
                   uses[use], d->s.c, d->s.o, a, b);
            free(got[use]);
            free(plain[use]);
        }
        data_free(d);
    }
    clg_device_close(&strict);
}
END_TEST

// One huge pixel in a tile: its neighbours' error follows the largest magnitude of the tile.
START_TEST(a_tile_shares_its_error)
{
    data *d = data_of(&shapes[1]);
    float *got[USES];
    d->x[5 * 14 + 6] = 1e6f;
    compute(dev, d, got);
    check("beside a huge pixel", d, Y, got[Y], 1, true);
    for (int use = 0; use < USES; use++)
        free(got[use]);
    data_free(d);
}
END_TEST

static double largest(const float *a, int64_t n)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++)
        most = isfinite(a[i]) && fabs((double) a[i]) > most ? fabs((double) a[i]) : most;
    return most;
}

// Infinities, NaN and numbers that a transform would let overflow come out as from the plain sum, in images as in
// weights: what is finite there is finite, and within the bound of its tile.
START_TEST(what_is_not_finite)
{
    static const float odd[] = { INFINITY, -INFINITY, NAN, 3e38f, -2.9e38f };
    char error[1100] = "";
    clg_device strict = open_strict("strict", error, sizeof error);
    ck_assert_msg(strict != NULL, "%s", error);
    for (int k = 0; k < SHAPES; k++) {
        data *d = data_of(&shapes[k]);
        float *got[USES], *plain[USES];
        const int kinds = _i % 2 ? 5 : 3; // without the huge ones the bound is a strict one
        for (int64_t i = 0; i < d->nw; i++) // so small that sums do not overflow
            d->w[i] *= 1e-3f;
        for (int64_t i = 0; i < d->ny; i++)
            d->g[i] *= 1e-3f;
        for (int64_t i = 11 * _i; i < d->nx && _i < 6; i += 331 + 100 * k)
            d->x[i] = odd[(i + _i) % kinds];
        for (int64_t i = 7; i < d->ny && _i < 6; i += 351 + 100 * k)
            d->g[i] = odd[(i + _i) % kinds];
        for (int64_t i = 7; i < d->nw && _i >= 6; i += 9 * d->s.c * 11 + 5)
            d->w[i] = odd[(i + _i) % kinds];
        compute(dev, d, got);
        compute(strict, d, plain);
        for (int use = 0; use < USES; use++) {
            const int64_t n = count(d, use);
            const double a = use == Y ? largest(d->x, d->nx) : largest(d->g, d->ny);
            const double b = use == DW ? largest(d->x, d->nx) : largest(d->w, d->nw);
            double *bound = malloc((size_t) n * sizeof *bound);
            for (int64_t i = 0; i < n; i++)
                bound[i] = 4 * (double) FLT_EPSILON * (sqrt(terms(d, use)) + 4) * a * b * terms(d, use);
            reference(d, use);
            for (int64_t i = 0; i < n; i++) {
                if (use == DW && d->size[i] > (double) FLT_MAX && !isfinite(got[use][i]))
                    d->sum[i] = (double) got[use][i]; // the order of chunks decides whether huge terms overflow
                else if (!isfinite(plain[use][i]))
                    d->sum[i] = (double) plain[use][i];
                bound[i] = isfinite(d->sum[i]) ? bound[i] : 0;
            }
            expect_within(uses[use], CLG_F32, got[use], d->sum, bound, n);
            free(bound);
            free(got[use]);
            free(plain[use]);
        }
        data_free(d);
    }
    clg_device_close(&strict);
}
END_TEST

static void same_bits(const float *a, const float *b, int64_t n)
{
    ck_assert_int_eq(memcmp(a, b, (size_t) n * sizeof *a), 0);
}

// A result that the guard makes anew has the plain sum's bits; the setting is what chooses; other words are refused.
START_TEST(strict_is_the_plain_sum)
{
    char error[1100] = "";
    clg_device strict = open_strict("strict", error, sizeof error), usual = open_strict("default", error, sizeof error);
    ck_assert_msg(strict && usual, "%s", error);
    ck_assert_ptr_null(open_strict("sloppy", error, sizeof error));
    ck_assert_ptr_nonnull(strstr(error, "CLGRAD_PRECISION is 'sloppy', expected default or strict"));
    data *d = data_of(&shapes[1]);
    float *a[USES], *b[USES], *c[USES];
    compute(dev, d, a);
    compute(usual, d, b);
    for (int use = 0; use < USES; use++) {
        same_bits(a[use], b[use], count(d, use));
        free(b[use]);
    }
    d->x[0] = INFINITY; // the first four rows of all channels
    compute(dev, d, b);
    compute(strict, d, c);
    for (int o = 0; o < d->s.o; o++)
        same_bits(b[Y] + (int64_t) o * 14 * 14, c[Y] + (int64_t) o * 14 * 14, 4 * 14);
    for (int use = 0; use < USES; use++) {
        free(a[use]);
        free(b[use]);
        free(c[use]);
    }
    data_free(d);
    clg_device_close(&usual);
    clg_device_close(&strict);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("winograd");
    TCase *c = tcase_create("winograd");
    tcase_set_timeout(c, 300);
    tcase_add_loop_test(c, errors_are_within_the_bound, 0, 5);
    tcase_add_test(c, a_tile_shares_its_error);
    tcase_add_loop_test(c, what_is_not_finite, 0, 8);
    tcase_add_test(c, strict_is_the_plain_sum);
    suite_add_tcase(s, c);
    return run_suite(s);
}
