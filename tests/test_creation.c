// SPDX-License-Identifier: MIT
// Creation and draws: exact ends, moments, what is refused.
#include "base/philox.h"
#include "testing.h"

enum { N = 20000 };

// Mean and largest distance of a draw's kind from what they should be. Six standard errors: a seed in a billion fails.
START_TEST(draws_have_their_moments)
{
    const clg_shape s = CLG_SHAPE(N);
    clg_scope scope = clg_scope_push(dev);
    clg_manual_seed(dev, 7);
    const clg_tensor z = clg_trunc_normal(dev, CLG_F32, s, 0.5, 2, -1, 1);
    const clg_tensor k = clg_randint(dev, CLG_I32, s, -3, 7), w = clg_ones(dev, CLG_F32, CLG_SHAPE(N));
    const clg_tensor one = clg_dropout2d(clg_reshape(w, CLG_SHAPE(N / 10, 2, 5)), 0.25);
    const clg_tensor alpha = clg_alpha_dropout(clg_normal(dev, CLG_F32, s, 0, 1), 0.3);
    const clg_tensor weights = clg_expand(clg_arange(dev, CLG_F32, 0, 4, 1), CLG_SHAPE(N / 4, 4));
    const clg_tensor chosen = clg_multinomial(weights, 1, true);
    const struct {
        const char *what;
        clg_tensor x;
        double mean, variance;
    } all[] = {
        { "exponential", clg_exponential(dev, CLG_F32, s, 2), 0.5, 0.25 },
        { "log_normal", clg_log_normal(dev, CLG_F32, s, 0.25, 0.5), exp(0.375), (exp(0.25) - 1) * exp(0.75) },
        { "geometric", clg_cast(clg_geometric(dev, CLG_I64, s, 0.3), CLG_F32), 1 / 0.3, 0.7 / 0.09 },
        { "cauchy", clg_cast(clg_lt_scalar(clg_cauchy(dev, CLG_F32, s, 0.5, 2), 2.5), CLG_F32), 0.75, 0.1875 },
        { "trunc_normal", z, 0.040255, 0.321413 },
        { "randint", clg_cast(k, CLG_F32), 1.5, 8.25 },
        { "dropout2d", one, 1, 5 * 0.25 / 0.75 },
        { "alpha_dropout", alpha, 0, 1 },
        { "multinomial", clg_cast(chosen, CLG_F32), 14 / 6.0, 4 * 0.555556 },
    };
    enum { KINDS = sizeof all / sizeof all[0] };
    clg_tensor mean[KINDS + 1];
    for (int i = 0; i < KINDS; i++)
        mean[i] = clg_mean(all[i].x, CLG_ALL, false);
    mean[KINDS] = clg_stack(0, clg_cast(clg_amin(k, CLG_ALL, false), CLG_F32), clg_cast(clg_amax(k, CLG_ALL, false), CLG_F32),
                            clg_amin(z, CLG_ALL, false), clg_amax(z, CLG_ALL, false));
    ok(clg_eval_n(mean, KINDS + 1));
    for (int i = 0; i < KINDS; i++) {
        const double got = clg_item(mean[i], NULL), error = sqrt(all[i].variance / N);
        ck_assert_msg(fabs(got - all[i].mean) < 6 * error + 1e-4, "%s: mean %g, expected %g", all[i].what, got, all[i].mean);
    }
    float range[4];
    ok(clg_read(mean[KINDS], range, sizeof range));
    ck_assert_float_eq(range[0], -3);
    ck_assert_float_eq(range[1], 6);
    ck_assert(range[2] >= -1 && range[3] <= 1);
    clg_scope_pop(scope);
}
END_TEST

static clg_tensor a_draw(int kind, clg_shape s)
{
    clg_random_set_state(dev, 0x9123456789abcdefu, (uint64_t) 3 << 33 | 5);
    return kind == 0   ? clg_uniform(dev, CLG_F32, s, 0, 1)
           : kind == 1 ? clg_normal(dev, CLG_F32, s, 0, 1)
           : kind == 2 ? clg_cast(clg_randint(dev, CLG_I64, s, -((int64_t) 1 << 60), (int64_t) 1 << 60), CLG_F32)
           : kind == 3 ? clg_uniform(dev, CLG_F16, s, 0, 1)
           : kind == 4 ? clg_cast(clg_uniform(dev, CLG_F64, s, 0, 1), CLG_F32)
                       : clg_cast(clg_normal(dev, CLG_F64, s, 0, 1), CLG_F32);
}

static clg_tensor a_reading(int how, clg_tensor x)
{
    const int64_t n = x->shape.dim[1];
    const clg_tensor column = clg_slice(clg_arange(dev, x->dtype, 0, 20, 1), 0, 0, x->shape.dim[0], 1);
    return how == 0   ? clg_neg(x)
           : how == 1 ? clg_neg(clg_slice(x, 1, 3, n - 1, 1))
           : how == 2 ? clg_neg(clg_slice(clg_slice(x, 0, 1, INT64_MAX, 1), 1, 2, n, 3))
           : how == 3 ? clg_neg(clg_transpose(x, 0, 1))
           : how == 4 ? clg_neg(clg_flip(x, CLG_AXES(0, 1)))
           : how == 5 ? clg_mul(x, clg_reshape(column, CLG_SHAPE(x->shape.dim[0], 1)))
           : how == 6 ? clg_sum(x, CLG_AXES(1), false)
           : how == 7 ? clg_sum(x, CLG_AXES(0), false)
                      : clg_amax(clg_slice(x, 1, 5, n, 1), CLG_ALL, false);
}

// A view of a draw is made of its elements alone, wherever vectors and blocks begin; and these are what the header says.
static void reads_alike(int kind, int how, clg_shape s)
{
    static float got[6700], expected[6700];
    const clg_tensor x = a_draw(kind, s), y = clg_cast(a_reading(how, a_draw(kind, s)), CLG_F32);
    const size_t bytes = (size_t) clg_numel(y->shape) * sizeof *got;
    ok(clg_read(y, got, bytes));
    ok(clg_eval(x));
    ok(clg_read(clg_cast(a_reading(how, x), CLG_F32), expected, bytes));
    ck_assert_msg(memcmp(got, expected, bytes) == 0, "draw %d, reading %d of %lldx%lld", kind, how, (long long) s.dim[0],
                  (long long) s.dim[1]);
    for (int64_t i = 0; kind == 0 && how == 0 && i < clg_numel(s); i++) {
        uint32_t w[4];
        clg__philox((uint64_t) i / 4, 0x9123456789abcdefu, (uint64_t) 3 << 33 | 5, w);
        if (got[i] != -(float) (w[i % 4] >> 8) * 0x1p-24f)
            ck_abort_msg("element %lld is %g", (long long) i, (double) got[i]);
    }
}

START_TEST(draws_are_of_their_elements)
{
    enum { KINDS = 6, READINGS = 9 };
    for (int k = 0; k < KINDS * READINGS; k++) { // each build is a compiler's
        const int kind = k % KINDS, how = k / KINDS;
        if (!in_turn(k, kind < 2 && how < 2 ? 1 : 9) || (kind > 3 && !clg_device_has(dev, CLG_F64)))
            continue;
        clg_scope scope = clg_scope_push(dev);
        reads_alike(kind, how, CLG_SHAPE(6, 131));
        if (how != 3 && how != 7) {
            reads_alike(kind, how, CLG_SHAPE(20, 331));
            reads_alike(kind, how, CLG_SHAPE(3, 17));
        }
        clg_scope_pop(scope);
    }
}
END_TEST

// Elements side by side, of a block or of two, have nothing to do with each other: neither they nor their squares.
START_TEST(neighbours_are_independent)
{
    enum { MANY = 65536 };
    static const int lags[] = { 1, 2, 3, 4, 5, 16, 64 };
    float *v = malloc(MANY * sizeof *v);
    clg_manual_seed(dev, 5);
    for (int kind = 0; kind < 4; kind++) {
        clg_scope scope = clg_scope_push(dev);
        const clg_tensor x = kind % 2 ? clg_normal(dev, CLG_F32, CLG_SHAPE(MANY), 0, 1)
                                      : clg_uniform(dev, CLG_F32, CLG_SHAPE(MANY), -1, 1);
        ok(clg_read(kind < 2 ? x : clg_square(x), v, MANY * sizeof *v));
        double mean = 0, variance = 0;
        for (int i = 0; i < MANY; i++)
            mean += (double) v[i] / MANY;
        for (int i = 0; i < MANY; i++)
            variance += ((double) v[i] - mean) * ((double) v[i] - mean) / MANY;
        const double should[] = { 1.0 / 3, 1, 4.0 / 45, 2 };
        ck_assert_msg(fabs(variance / should[kind] - 1) < 0.06, "kind %d: variance %g", kind, variance);
        for (size_t k = 0; k < sizeof lags / sizeof lags[0]; k++) {
            double sum = 0;
            for (int i = 0; i + lags[k] < MANY; i++)
                sum += ((double) v[i] - mean) * ((double) v[i + lags[k]] - mean) / variance;
            ck_assert_msg(fabs(sum) < 6 * sqrt(MANY), "kind %d: %g at a distance of %d", kind, sum / MANY, lags[k]);
        }
        clg_scope_pop(scope);
    }
    free(v);
}
END_TEST

// Poisson's: how often each number comes, beside how often it should, for rates on both sides of 10.
START_TEST(poisson_is_poissons)
{
    static const double rates[] = { 1e-3, 0.5, 3, 9.99, 10, 12.5, 40, 300, 5000 };
    enum { RATES = sizeof rates / sizeof rates[0], DRAWS = 100000, BINS = 24 };
    static const float odd[] = { 0, -1, NAN, INFINITY };
    float *v = malloc(DRAWS * sizeof *v), *again = malloc(DRAWS * sizeof *again);
    clg_manual_seed(dev, 11);
    for (int r = 0; r < RATES; r++) {
        clg_scope scope = clg_scope_push(dev);
        const double rate = rates[r], deviation = sqrt(rate), width = fmax(1, ceil(8 * deviation / BINS));
        const double first = fmax(0, floor(rate - 4 * deviation));
        const clg_tensor y = clg_poisson(clg_full(dev, CLG_F32, CLG_SHAPE(DRAWS), rate));
        ok(clg_read(clg_add_scalar(y, 0), again, DRAWS * sizeof *v));
        ok(clg_read(y, v, DRAWS * sizeof *v));
        ck_assert(memcmp(v, again, DRAWS * sizeof *v) == 0);
        double counts[BINS + 2] = { 0 }, shares[BINS + 2] = { 0 }, mean = 0, sum = 0;
        for (int i = 0; i < DRAWS; i++) {
            const double k = (double) v[i];
            ck_assert_msg(k >= 0 && k == floor(k), "rate %g: %g", rate, k);
            const double bin = floor((k - first) / width);
            counts[bin < 0 ? 0 : bin >= BINS ? BINS + 1 : (int) bin + 1]++;
            mean += k / DRAWS;
        }
        for (double k = 0; k < first + BINS * width; k++) {
            const double share = exp(k * log(rate) - rate - lgamma(k + 1));
            shares[k < first ? 0 : (int) ((k - first) / width) + 1] += share;
            sum += share;
        }
        shares[BINS + 1] = fmax(0, 1 - sum);
        ck_assert_msg(fabs(mean - rate) < 6 * sqrt(rate / DRAWS), "rate %g: mean %g", rate, mean);
        for (int b = 0; b < BINS + 2; b++) {
            const double want = shares[b] * DRAWS;
            ck_assert_msg(fabs(counts[b] - want) < 6 * sqrt(want) + 3, "rate %g, from %g, bin %d: %g, expected %g", rate, first, b,
                          counts[b], want);
        }
        clg_scope_pop(scope);
    }
    clg_scope scope = clg_scope_push(dev);
    ok(clg_read(clg_poisson(clg_upload(dev, CLG_F32, CLG_SHAPE(2, 2), odd)), v, sizeof odd));
    ck_assert(v[0] == 0 && isnan(v[1]) && isnan(v[2]) && isinf(v[3]));
    const clg_tensor many = clg_full(dev, CLG_F32, CLG_SHAPE(DRAWS), 1e6);
    ok(clg_read(clg_mean(clg_square(clg_sub(clg_poisson(many), many)), CLG_ALL, false), v, sizeof *v));
    ck_assert_msg(fabs((double) v[0] / 1e6 - 1) < 6 * sqrt(2.0 / DRAWS), "variance %g", (double) v[0]);
    ck_assert(clg_poisson(clg_zeros(dev, CLG_F16, CLG_SHAPE(0, 3)))->status >= 0);
    ck_assert(clg_poisson(clg_ones(dev, CLG_I32, CLG_SHAPE(2)))->status == CLG_EDTYPE);
    clg_error_clear(dev);
    clg_scope_pop(scope);
    free(v), free(again);
}
END_TEST

// Nobody twice, nobody without a weight; and a draw is one value.
START_TEST(multinomial_without_replacement)
{
    enum { ROWS = 50, K = 9 };
    float w[ROWS * K];
    int64_t got[ROWS * (K - 1)], again[ROWS * (K - 1)];
    for (int i = 0; i < ROWS * K; i++)
        w[i] = i % K == i / K % K ? 0 : (float) (1 + i % 5);
    clg_scope scope = clg_scope_push(dev);
    const clg_tensor y = clg_multinomial(clg_upload(dev, CLG_F32, CLG_SHAPE(ROWS, K), w), K - 1, false);
    ok(clg_read(clg_mul(y, clg_ones(dev, CLG_I64, CLG_SCALAR)), again, sizeof again));
    ok(clg_read(y, got, sizeof got));
    ck_assert(memcmp(got, again, sizeof got) == 0);
    for (int r = 0; r < ROWS; r++) {
        bool seen[K] = { false };
        for (int k = 0; k < K - 1; k++) {
            const int64_t c = got[r * (K - 1) + k];
            ck_assert(c >= 0 && c < K && c != r % K && !seen[c]);
            seen[c] = true;
        }
    }
    clg_scope_pop(scope);
}
END_TEST

// Both ends exactly, and one half the mirror of the other, at sizes where the step is not exact.
START_TEST(linspace_ends_where_it_should)
{
    clg_scope scope = clg_scope_push(dev);
    const int64_t steps[] = { 2, 3, 10, 1001 };
    for (int i = 0; i < 4; i++) {
        float v[1001];
        ok(clg_read(clg_linspace(dev, CLG_F32, -0.1, 0.1, steps[i]), v, sizeof(float) * (size_t) steps[i]));
        for (int64_t k = 0; k < steps[i] / 2; k++)
            ck_assert_float_eq(v[k], -v[steps[i] - 1 - k]);
        ck_assert_float_eq(v[steps[i] - 1], 0.1f);
    }
    clg_scope_pop(scope);
}
END_TEST

// A channel is dropped as a whole; an image without a batch has channels too.
START_TEST(channels_are_dropped_whole)
{
    clg_scope scope = clg_scope_push(dev);
    float v[2 * 300];
    ok(clg_read(clg_dropout1d(clg_ones(dev, CLG_F32, CLG_SHAPE(300, 2)), 0.5), v, sizeof v));
    int dropped = 0;
    for (int k = 0; k < 300; k++) {
        ck_assert_float_eq(v[2 * k], v[2 * k + 1]);
        dropped += v[2 * k] == 0;
    }
    ck_assert(dropped > 90 && dropped < 210);
    clg_scope_pop(scope);
}
END_TEST

START_TEST(what_is_no_creation_is_refused)
{
    clg_scope scope = clg_scope_push(dev);
    const clg_tensor x = clg_ones(dev, CLG_F32, CLG_SHAPE(3)), m = clg_ones(dev, CLG_F32, CLG_SHAPE(2, 3));
    const clg_shape s = CLG_SHAPE(2);
    clg_tensor out[2];
    const clg_tensor bad[] = {
        clg_linspace(dev, CLG_F32, 0, 1, -1), clg_logspace(dev, CLG_F32, 0, 1, -1, 10), clg_eye(dev, CLG_F32, -1, 2),
        clg_vander(m, 2, false), clg_vander(x, -1, false), clg_cartesian_prod(x, m), clg_combinations(m, 2, false),
        clg_combinations(x, -1, false), clg_tril_indices(dev, -1, 2, 0), clg_triu_indices(dev, 2, -1, 0),
        clg_hann_window(dev, CLG_I32, 3, true), clg_hann_window(dev, CLG_F32, -1, true),
        clg_kaiser_window(dev, CLG_F32, 3, true, -1), clg_gaussian_window(dev, CLG_F32, 3, true, 0),
        clg_exponential_window(dev, CLG_F32, 3, false, 1, 0), clg_randint(dev, CLG_I32, s, 3, 3),
        clg_randint(dev, CLG_BOOL, s, 0, 2), clg_exponential(dev, CLG_F32, s, 0), clg_exponential(dev, CLG_I32, s, 1),
        clg_log_normal(dev, CLG_F32, s, 0, 0), clg_geometric(dev, CLG_F32, s, 1), clg_geometric(dev, CLG_F32, s, NAN),
        clg_cauchy(dev, CLG_F32, s, 0, 0), clg_trunc_normal(dev, CLG_F32, s, 0, 1, 2, 1),
        clg_multinomial(x, 4, false), clg_multinomial(x, 0, true), clg_multinomial(clg_ones(dev, CLG_I32, s), 1, true),
        clg_dropout1d(x, 0.5), clg_dropout2d(x, 0.5), clg_alpha_dropout(x, 1.5), clg_dropout3d(m, NAN),
        clg_kaiser_window(dev, CLG_F32, 3, true, 701), clg_index_n(x, NULL, 1), clg_index_n(x, NULL, CLG_MAX_RANK + 1),
        clg_index_put_n(x, NULL, 1, x, false),
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(bad[i]->status < 0, "call %zu is not refused", i);
    ck_assert(clg_meshgrid_n((clg_tensor[]) { x, m }, 2, true, out) == CLG_ESHAPE && out[1]->status < 0);
    ck_assert_int_eq(clg_meshgrid_n((clg_tensor[]) { x, x }, 2, true, NULL), CLG_EINVAL);
    ck_assert_int_eq(clg_kaiser_window(dev, CLG_F32, 3, true, 700)->status, CLG_OK);
    clg_error_clear(dev);
    clg_scope_pop(scope);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("creation");
    TCase *c = tcase_create("creation");
    tcase_add_test(c, draws_have_their_moments);
    tcase_add_test(c, draws_are_of_their_elements);
    tcase_add_test(c, neighbours_are_independent);
    tcase_add_test(c, poisson_is_poissons);
    tcase_add_test(c, multinomial_without_replacement);
    tcase_add_test(c, linspace_ends_where_it_should);
    tcase_add_test(c, channels_are_dropped_whole);
    tcase_add_test(c, what_is_no_creation_is_refused);
    suite_add_tcase(s, c);
    return run_suite(s);
}
