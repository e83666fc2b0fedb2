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

int main(void)
{
    Suite *s = suite_create("conventions");
    TCase *c = tcase_create("pytorch");
    tcase_add_test(c, a_0d_tensor_takes_axis_0_and_minus_1);
    suite_add_tcase(s, c);
    return run_suite(s);
}
