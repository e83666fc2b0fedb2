// SPDX-License-Identifier: MIT
// What lazy evaluation promises: versions, assignments, random draws, bits, history, errors, views.
#include "testing.h"

static void scope_end(clg_scope s)
{
    clg_scope_pop(s);
    clg_error_clear(dev);
}

START_TEST(a_value_survives_a_later_assignment)
{
    clg_scope s = clg_scope_push(dev);
    clg_var v = clg_var_create(clg_full(dev, CLG_F32, CLG_SHAPE(4), 1));
    clg_tensor before = clg_var_value(v), twice = clg_mul_scalar(before, 2);
    ok(clg_var_assign(v, clg_add_scalar(before, 10)));
    clg_tensor after = clg_var_value(v);
    ok(clg_eval(after));
    ck_assert_double_eq(clg_item(clg_mean(twice, CLG_ALL, false), NULL), 2);
    ck_assert_double_eq(clg_item(clg_mean(before, CLG_ALL, false), NULL), 1);
    ck_assert_double_eq(clg_item(clg_mean(after, CLG_ALL, false), NULL), 11);
    clg_var_destroy(&v);
    scope_end(s);
}
END_TEST

START_TEST(groups_are_atomic_and_poison_is_refused)
{
    clg_scope s = clg_scope_push(dev);
    clg_var v[2] = { clg_var_create(clg_ones(dev, CLG_F32, CLG_SHAPE(2))),
                     clg_var_create(clg_ones(dev, CLG_F32, CLG_SHAPE(3))) };
    ok(clg_eval_assigned(dev));
    clg_tensor bad = clg_add(clg_ones(dev, CLG_F32, CLG_SHAPE(2)), clg_ones(dev, CLG_F32, CLG_SHAPE(3)));
    ck_assert_int_eq(bad->status, CLG_ESHAPE);
    clg_tensor good = clg_zeros(dev, CLG_F32, CLG_SHAPE(2));
    ck_assert_int_eq(clg_assign_n(v, (clg_tensor[]) { good, bad }, 2), CLG_ESHAPE);
    ck_assert_double_eq(clg_item(clg_sum(clg_var_value(v[0]), CLG_ALL, false), NULL), 2);
    ck_assert_int_eq(clg_var_assign(v[0], clg_zeros(dev, CLG_F32, CLG_SHAPE(5))), CLG_ESHAPE);
    ck_assert_int_eq(clg_var_assign(v[0], clg_zeros(dev, CLG_I32, CLG_SHAPE(2))), CLG_EDTYPE);
    // evaluating a poisoned tensor runs nothing and discards what was recorded
    ok(clg_var_assign(v[0], good));
    ck_assert_int_lt(clg_eval(bad), 0);
    ck_assert_double_eq(clg_item(clg_sum(clg_var_value(v[0]), CLG_ALL, false), NULL), 2);
    clg_var_destroy(&v[0]);
    clg_var_destroy(&v[1]);
    scope_end(s);
}
END_TEST

START_TEST(poison_keeps_its_first_cause)
{
    clg_scope s = clg_scope_push(dev);
    clg_error_clear(dev);
    clg_tensor a = clg_ones(dev, CLG_F32, CLG_SHAPE(2, 3)), b = clg_ones(dev, CLG_F32, CLG_SHAPE(4, 5));
    clg_tensor p = clg_exp(clg_add(clg_matmul(a, b), a));
    ck_assert_int_eq(p->status, CLG_ESHAPE);
    ck_assert_ptr_nonnull(strstr(clg_error(dev, p->status), "matmul"));
    ck_assert_ptr_nonnull(strstr(clg_error(dev, p->status), "2x3"));
    clg_error_clear(dev);
    float x;
    ck_assert_int_eq(clg_read(p, &x, 4), CLG_ESHAPE);
    ck_assert_ptr_nonnull(strstr(clg_error(dev, CLG_OK), "matmul"));
    scope_end(s);
}
END_TEST

START_TEST(a_random_node_is_one_draw)
{
    clg_scope s = clg_scope_push(dev);
    clg_manual_seed(dev, 42);
    clg_tensor u = clg_uniform(dev, CLG_F32, CLG_SHAPE(100), 0, 1);
    clg_tensor n = clg_normal(dev, CLG_F32, CLG_SHAPE(10000), 0, 1);
    float a[100], b[100];
    ok(clg_read(clg_add_scalar(u, 0), a, sizeof a));
    ok(clg_read(u, b, sizeof b));
    ck_assert_mem_eq(a, b, sizeof a);
    ck_assert(fabs(clg_item(clg_mean(n, CLG_ALL, false), NULL)) < 0.05);
    ck_assert(fabs(clg_item(clg_variance(n, CLG_ALL, 1, false), NULL) - 1) < 0.05);
    // the same numbers on every device
    ck_assert_float_eq(a[0] * 16777216.0f, floorf(a[0] * 16777216.0f));
    clg_manual_seed(dev, 42);
    ok(clg_read(clg_uniform(dev, CLG_F32, CLG_SHAPE(100), 0, 1), b, sizeof b));
    ck_assert_mem_eq(a, b, sizeof a);
    scope_end(s);
}
END_TEST

START_TEST(history_goes_after_evaluation)
{
    clg_scope outer = clg_scope_push(dev);
    clg_tensor u = clg_keep(clg_ones(dev, CLG_F32, CLG_SHAPE(64)));
    clg_device_stats first = { 0 };
    for (int i = 0; i < 60; i++) {
        clg_scope s = clg_scope_push(dev);
        clg_tensor next = clg_keep(clg_mul_scalar(u, 1.01));
        ok(clg_eval(next));
        clg_drop(&u);
        u = next;
        clg_scope_pop(s);
        if (i == 20)
            first = clg_device_get_stats(dev);
    }
    const clg_device_stats last = clg_device_get_stats(dev);
    ck_assert_uint_eq(first.nodes, last.nodes);
    ck_assert_uint_eq(first.bytes_used, last.bytes_used);
    ck_assert_uint_eq(first.plans, last.plans);
    ck_assert_uint_eq(first.kernels, last.kernels);
    ck_assert_uint_eq(first.host_bytes, last.host_bytes);
    clg_drop(&u);
    scope_end(outer);
}
END_TEST

START_TEST(a_number_that_changes_compiles_nothing)
{
    clg_scope s = clg_scope_push(dev);
    clg_tensor x = clg_ones(dev, CLG_F32, CLG_SHAPE(33));
    ok(clg_eval(x));
    ok(clg_eval(clg_mul_scalar(x, 2)));
    const clg_device_stats a = clg_device_get_stats(dev);
    for (int i = 0; i < 10; i++)
        ck_assert(fabs(clg_item(clg_mean(clg_mul_scalar(x, 3 + i), CLG_ALL, false), NULL) - 3 - i) < 1e-5);
    ok(clg_eval(clg_mul_scalar(x, 77)));
    const clg_device_stats b = clg_device_get_stats(dev);
    ck_assert_uint_le(b.plans - a.plans, 1);
    ck_assert_uint_ge(b.plan_hits - a.plan_hits, 10);
    scope_end(s);
}
END_TEST

START_TEST(views_and_windows)
{
    clg_scope s = clg_scope_push(dev);
    float h[4 * 6 * 5], got[4 * 6 * 5];
    clg_tensor x = upload(CLG_SHAPE(4, 6, 5), h);
    // x[::-1, 1:6:2].transpose(1, 2), padded, flipped
    clg_tensor v = clg_slice(clg_flip(x, CLG_AXES(0)), 1, 1, 6, 2);
    v = clg_transpose(v, 1, 2);
    clg_tensor p = clg_pad(v, CLG_SHAPE(0, 1, 0), CLG_SHAPE(1, 0, 2), 7);
    double want[5 * 6 * 5];
    float out[5 * 6 * 5];
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 6; j++)
            for (int k = 0; k < 5; k++)
                want[(i * 6 + j) * 5 + k] =
                    i < 4 && j >= 1 && k < 3 ? h[((3 - i) * 6 + 1 + 2 * k) * 5 + j - 1] : 7;
    ok(clg_read(p, out, sizeof out));
    same("pad of transpose of slice", out, want, 150, 0);
    ok(clg_read(clg_reshape(clg_add_scalar(clg_permute(x, CLG_AXES(2, 0, 1)), 1), CLG_SHAPE(5, 24)), got,
                sizeof got));
    double want2[120];
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 24; j++)
            want2[i * 24 + j] = h[j * 5 + i] + 1.0f;
    same("reshape of permute", got, want2, 120, 0);

    clg_error_clear(dev);
    float cat[240];
    ok(clg_read(clg_concat(2, x, clg_neg(x)), cat, sizeof cat));
    double want3[240];
    for (int i = 0; i < 24; i++)
        for (int j = 0; j < 10; j++)
            want3[i * 10 + j] = j < 5 ? h[i * 5 + j] : -h[i * 5 + j - 5];
    same("concat", cat, want3, 240, 0);
    scope_end(s);
}
END_TEST

START_TEST(reductions_of_many_shapes)
{
    const clg_shape shapes[] = { CLG_SHAPE(1), CLG_SHAPE(17), CLG_SHAPE(5000), CLG_SHAPE(3, 40),
                                 CLG_SHAPE(40, 3), CLG_SHAPE(300, 70), CLG_SHAPE(4, 5, 33),
                                 CLG_SHAPE(7, 3, 11, 13), CLG_SHAPE(2, 0, 3), CLG_SHAPE(100000) };
    for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++) {
        const clg_shape s = shapes[k];
        const int64_t n = clg_numel(s);
        float *h = malloc((size_t) n * 4 + 4);
        for (int mask = 1; mask < 1 << s.rank; mask++) {
            clg_scope scope = clg_scope_push(dev);
            clg_tensor x = upload(s, h);
            clg_shape axes = { 0 }, kept = { 0 };
            for (int d = 0; d < s.rank; d++) {
                if (mask >> d & 1)
                    axes.dim[axes.rank++] = d;
                else
                    kept.dim[kept.rank++] = s.dim[d];
            }
            const int64_t m = clg_numel(kept);
            double *sum = calloc((size_t) m + 1, 8), *top = calloc((size_t) m + 1, 8);
            float *got = calloc((size_t) m + 1, 4);
            for (int64_t i = 0; i < m; i++)
                top[i] = -INFINITY;
            for (int64_t i = 0; i < n; i++) {
                int64_t rest = i, at = 0, step = 1;
                for (int d = s.rank - 1; d >= 0; d--) {
                    if (!(mask >> d & 1)) {
                        at += rest % s.dim[d] * step;
                        step *= s.dim[d];
                    }
                    rest /= s.dim[d];
                }
                sum[at] += (double) h[i] * h[i];
                top[at] = h[i] > top[at] ? h[i] : top[at];
            }
            ok(clg_read(clg_sum(clg_mul(x, x), axes, false), got, (size_t) m * 4));
            same("sum", got, sum, m, 1e-6);
            if (n > 0) {
                ok(clg_read(clg_amax(x, axes, false), got, (size_t) m * 4));
                same("amax", got, top, m, 0);
            }
            free(sum);
            free(top);
            free(got);
            scope_end(scope);
        }
        free(h);
    }
}
END_TEST

START_TEST(errors_name_the_op)
{
    clg_scope s = clg_scope_push(dev);
    clg_tensor x = clg_ones(dev, CLG_F32, CLG_SHAPE(1, 3, 8, 8)), w = clg_ones(dev, CLG_F32, CLG_SHAPE(4, 1, 3, 3));
    clg_tensor i = clg_ones(dev, CLG_I32, CLG_SHAPE(2, 2));
    const struct {
        clg_tensor t;
        const char *word;
    } bad[] = {
        { clg_conv2d(x, w, NULL, NULL), "channels" },
        { clg_conv2d(x, w, NULL, clg_conv2d_params(.stride = -1)), "stride" },
        { clg_reshape(x, CLG_SHAPE(5, -1)), "reshape" },
        { clg_permute(x, CLG_AXES(0, 1, 1, 2)), "permute" },
        { clg_sum(x, CLG_AXES(4), false), "axis 4" },
        { clg_matmul(i, clg_ones(dev, CLG_I32, CLG_SHAPE(3, 2))), "columns" },
        { clg_softmax(i, 0), "floating" },
        { clg_max_pool2d(x, NULL), "kernel" },
        { clg_slice(x, 0, 0, 1, 0), "step" },
        { clg_pad(x, CLG_SHAPE(-1, 0, 0, 0), CLG_SHAPE(0, 0, 0, 0), 0), "pad" },
        { clg_expand(x, CLG_SHAPE(2, 2)), "expand" },
        { clg_index_select(x, 0, x), "index" },
        { clg_cross_entropy(x, clg_cast(i, CLG_BOOL), NULL), "integers" },
        { clg_dropout(x, 2), "dropout" },
        { clg_batch_norm(i, NULL, NULL, NULL, NULL, NULL), "batch_norm" },
        { clg_concat(1, x, i), "concat" },
        { clg_upload(dev, CLG_F32, CLG_SHAPE(-1), NULL), "negative" },
        { clg_upload(dev, (clg_dtype) 99, CLG_SHAPE(1), NULL), "element type" },
        { clg_neg(clg_cast(i, CLG_BOOL)), "bool" },
    };
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        clg_error_clear(dev);
        ck_assert_msg(bad[k].t->status < 0, "case %zu was accepted", k);
        float f;
        clg_read(bad[k].t, &f, 4);
        ck_assert_msg(strstr(clg_error(dev, 0), bad[k].word), "case %zu: '%s' lacks '%s'", k,
                      clg_error(dev, 0), bad[k].word);
    }
    scope_end(s);
}
END_TEST

START_TEST(gradients_stop_where_they_should)
{
    clg_scope s = clg_scope_push(dev);
    clg_tensor x = clg_track(clg_full(dev, CLG_F32, CLG_SHAPE(3), 2));
    clg_tensor y = clg_sum(clg_mul(clg_mul(x, x), clg_detach(x)), CLG_ALL, false);
    ck_assert_double_eq(clg_item(clg_mean(clg_grad(y, x), CLG_ALL, false), NULL), 8);
    // second derivative of x^3
    clg_tensor z = clg_sum(clg_mul(clg_mul(x, x), x), CLG_ALL, false), g = clg_grad(z, x);
    clg_tensor gg = clg_grad(clg_sum(g, CLG_ALL, false), x);
    ck_assert_double_eq(clg_item(clg_mean(gg, CLG_ALL, false), NULL), 12);
    clg_error_clear(dev);
    ck_assert_int_eq(clg_grad(y, clg_ones(dev, CLG_F32, CLG_SHAPE(3)))->status, CLG_EGRAD);
    ck_assert_int_eq(clg_grad(x, x)->status, CLG_EINVAL);
    ck_assert(clg_is_tracked(y));
    ck_assert(!clg_is_tracked(clg_detach(y)));
    scope_end(s);
}
END_TEST

START_TEST(two_recorders_share_a_device)
{
    clg_device other;
    ok(clg_device_open(&other, clg_device_params(.share = dev)));
    clg_tensor a = clg_full(other, CLG_F32, CLG_SHAPE(10), 3);
    ck_assert_double_eq(clg_item(clg_sum(a, CLG_ALL, false), NULL), 30);
    clg_tensor bad = clg_add(a, clg_ones(other, CLG_F32, CLG_SHAPE(11)));
    ck_assert_int_lt(bad->status, 0);
    ck_assert_int_eq(clg_error_status(dev), CLG_OK);
    clg_device_close(&other);
    ck_assert_double_eq(clg_item(clg_ones(dev, CLG_F32, CLG_SHAPE(1)), NULL), 1);
}
END_TEST

START_TEST(the_cap_holds)
{
    clg_device small;
    char error[1100];
    ok(clg_device_open(&small, clg_device_params(.memory_cap = 1 << 20, .error = error,
                                                 .error_size = sizeof error)));
    clg_tensor x = clg_full(small, CLG_F32, CLG_SHAPE(1 << 20), 1);
    ck_assert_int_eq(clg_eval(x), CLG_ENOMEM);
    ck_assert_ptr_nonnull(strstr(clg_error(small, 0), "cap"));
    clg_error_clear(small);
    ok(clg_eval(clg_full(small, CLG_F32, CLG_SHAPE(1 << 10), 1)));
    clg_device_close(&small);
}
END_TEST

// A floating number that an integer type does not hold may become anything there.
static bool fits(clg_dtype from, clg_dtype to, double v)
{
    const clg_dtype_info *t = clg_dtype_get_info(to);
    const int bits = (int) (8 * t->bytes) - (t->kind == CLG_KIND_INT);
    if (!clg_dtype_is_float(from) || clg_dtype_is_float(to) || to == CLG_BOOL)
        return true;
    return v > (t->kind == CLG_KIND_INT ? -ldexp(1, bits) - 1 : -1) && v < ldexp(1, bits);
}

// Any bits of any type, cast twice: as one evaluation, and one by one. NaNs are alike.
START_TEST(casts_in_a_row_are_as_one_by_one)
{
    enum { N = 64, ROUNDS = 24 };
    for (int round = 0; round < ROUNDS; round++) {
        clg_dtype t[3];
        clg_scope s = clg_scope_push(dev);
        for (int k = 0; k < 3; k++) {
            do
                t[k] = (clg_dtype) (int) ((rnd() + 1) / 2 * CLG_DTYPE_COUNT);
            while ((int) t[k] >= CLG_DTYPE_COUNT || !clg_device_has(dev, t[k]));
        }
        if (round % 3 == 0) // there and back
            t[2] = t[0];
        unsigned char raw[8 * N];
        for (size_t i = 0; i < sizeof raw; i++)
            raw[i] = (unsigned char) (int) ((rnd() + 1) * 127.99);
        for (size_t i = 0; i < N && t[0] == CLG_BOOL; i++)
            raw[i] &= 1;
        clg_tensor x = clg_upload(dev, t[0], CLG_SHAPE(N), raw);
        if (round % 2 && t[0] != CLG_BOOL) // arithmetic's results, of which more is known
            x = clg_mul(x, x);
        clg_tensor together = clg_cast(clg_cast(x, t[1]), t[2]), by = clg_cast(x, t[1]);
        ok(clg_eval(together));
        ok(clg_eval(x));
        ok(clg_eval(by));
        const clg_tensor apart = clg_cast(by, t[2]);
        char a[8 * N] = { 0 }, b[8 * N] = { 0 };
        const size_t size = clg_dtype_size(t[2]);
        ok(clg_read(together, a, N * size));
        ok(clg_read(apart, b, N * size));
        const clg_tensor nan = clg_is_nan(together), nan2 = clg_is_nan(apart);
        unsigned char is[N] = { 0 }, is2[N] = { 0 };
        if (clg_dtype_is_float(t[2])) {
            ok(clg_read(nan, is, N));
            ok(clg_read(nan2, is2, N));
        }
        double *from = read_all(x), *through = read_all(by);
        // Mesa 22.3 takes an integer that becomes floating and an integer again for itself, rounded or not
        const bool folded = !on_pocl() && !clg_dtype_is_float(t[0]) && clg_dtype_is_float(t[1]) &&
                            !clg_dtype_is_float(t[2]);
        for (size_t i = 0; i < N && !folded; i++)
            ck_assert_msg((is[i] && is2[i]) || !fits(t[0], t[1], from[i]) || !fits(t[1], t[2], through[i]) ||
                              memcmp(a + i * size, b + i * size, size) == 0,
                          "%s to %s to %s: element %zu differs", clg_dtype_name(t[0]), clg_dtype_name(t[1]),
                          clg_dtype_name(t[2]), i);
        free(from);
        free(through);
        scope_end(s);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sched");
    TCase *c = tcase_create("promises");
    tcase_add_test(c, a_value_survives_a_later_assignment);
    tcase_add_test(c, groups_are_atomic_and_poison_is_refused);
    tcase_add_test(c, poison_keeps_its_first_cause);
    tcase_add_test(c, a_random_node_is_one_draw);
    tcase_add_test(c, history_goes_after_evaluation);
    tcase_add_test(c, a_number_that_changes_compiles_nothing);
    tcase_add_test(c, views_and_windows);
    tcase_add_test(c, reductions_of_many_shapes);
    tcase_add_test(c, errors_name_the_op);
    tcase_add_test(c, gradients_stop_where_they_should);
    tcase_add_test(c, two_recorders_share_a_device);
    tcase_add_test(c, the_cap_holds);
    tcase_add_test(c, casts_in_a_row_are_as_one_by_one);
    suite_add_tcase(s, c);
    return run_suite(s);
}
