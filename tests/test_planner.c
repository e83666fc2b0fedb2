// SPDX-License-Identifier: MIT
// The planner: which values are one, and what planning costs.
#include "testing.h"

static clg_tensor numbers(clg_shape s, float *to)
{
    for (int64_t i = 0; i < clg_numel(s); i++)
        to[i] = (float) (i % 23 + 1);
    return clg_upload(dev, CLG_F32, s, to);
}

// What differs in nothing but how far an input is read is two values.
START_TEST(equal_results_of_unequal_inputs_are_two)
{
    clg_scope s = clg_scope_push(dev);
    float h[64], y[4][64];
    clg_tensor x = numbers(CLG_SHAPE(8, 8), h);
    clg_tensor sums[2], products[2];
    for (int k = 0; k < 2; k++) {
        const int n = 3 + 2 * k;
        sums[k] = clg_sum(clg_slice(x, 1, 0, n, 1), CLG_AXES(1), false);
        products[k] = clg_matmul(clg_slice(x, 1, 0, n, 1), clg_slice(x, 0, 0, n, 1));
    }
    ok(clg_eval(sums[0], sums[1], products[0], products[1]));
    for (int k = 0; k < 2; k++) {
        ok(clg_read(sums[k], y[k], 8 * sizeof(float)));
        ok(clg_read(products[k], y[2 + k], sizeof y[2 + k]));
        const int n = 3 + 2 * k;
        for (int i = 0; i < 8; i++) {
            double sum = 0, product = 0;
            for (int j = 0; j < n; j++) {
                sum += h[8 * i + j];
                product += h[8 * i + j] * h[8 * j + 1];
            }
            ck_assert_double_eq(y[k][i], sum);
            ck_assert_double_eq(y[2 + k][8 * i + 1], product);
        }
    }
    clg_scope_pop(s);
}
END_TEST

static uint64_t launches(const clg_tensor *t, int n)
{
    clg_plan_info info;
    ok(clg_plan_n(dev, t, n, &info));
    return info.launches;
}

// A kernel that cannot read a transposed input gets a copy; equal kernels of equal copies are one.
START_TEST(copies_are_values_like_any_other)
{
    clg_scope s = clg_scope_push(dev);
    float h[2 * 3 * 8 * 8];
    clg_tensor x = clg_track(numbers(CLG_SHAPE(2, 3, 8, 8), h));
    uint64_t n[2];
    for (int k = 0; k < 2; k++) {
        clg_tensor in = k ? clg_transpose(x, 2, 3) : x;
        clg_tensor y = clg_max_pool2d(in, clg_pool2d_params(.kernel = 2));
        clg_tensor all[2] = { y, clg_grad(clg_sum(clg_mul(y, y), CLG_ALL, false), x) };
        n[k] = launches(all, 2);
    }
    ck_assert_uint_le(n[1], n[0] + 2); // there and back
    clg_scope_pop(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("planner");
    TCase *c = tcase_create("planner");
    tcase_set_timeout(c, 300);
    tcase_add_test(c, equal_results_of_unequal_inputs_are_two);
    tcase_add_test(c, copies_are_values_like_any_other);
    suite_add_tcase(s, c);
    return run_suite(s);
}
