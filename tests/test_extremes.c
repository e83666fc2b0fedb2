// SPDX-License-Identifier: MIT
// Movement of elements with every number that an int64_t can be: slices as Python counts them, and axes,
// sizes and margins that are refused or right, never overflow.
#include "graph/build.h"

#include "testing.h"

static const int64_t numbers[] = { 0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6, 7, -7, INT64_MAX, INT64_MAX - 1,
                                   INT64_MAX - 4, INT64_MAX / 2, (int64_t) 1 << 62, (int64_t) 1 << 32,
                                   ((int64_t) 1 << 32) + 1, INT64_MIN, INT64_MIN + 1, INT64_MIN / 2,
                                   -((int64_t) 1 << 32) };
enum { N = sizeof numbers / sizeof numbers[0] };

__extension__ typedef __int128 wide_int;

// slice(start, stop, step).indices(n) of Python, in arithmetic that cannot overflow.
static int64_t python_slice(int64_t n, int64_t start, int64_t stop, int64_t step, int64_t *first)
{
    const wide_int low = step < 0 ? -1 : 0, high = step < 0 ? n - 1 : n, by = step;
    wide_int from = start, to = stop;
    from = from < 0 ? (from + n < low ? low : from + n) : from > high ? high : from;
    to = to < 0 ? (to + n < low ? low : to + n) : to > high ? high : to;
    *first = (int64_t) from;
    if (by > 0)
        return from < to ? (int64_t) ((to - from - 1) / by + 1) : 0;
    return to < from ? (int64_t) ((from - to - 1) / -by + 1) : 0;
}

START_TEST(slices_are_python_s)
{
    for (int64_t n = 0; n <= 5; n++) {
        clg_scope s = clg_scope_push(dev);
        clg_tensor x = clg_upload(dev, CLG_F32, CLG_SHAPE(n), (float[]) { 0, 1, 2, 3, 4 });
        for (int i = 0; i < N * N * N; i++) {
            const int64_t start = numbers[i % N], stop = numbers[i / N % N], step = numbers[i / N / N];
            clg_scope inner = clg_scope_push(dev);
            clg_tensor y = clg_slice(x, 0, start, stop, step);
            if (step == 0) {
                ck_assert_int_eq(y->status, CLG_EINVAL);
            } else {
                int64_t first;
                const int64_t count = python_slice(n, start, stop, step, &first);
                const clg__access g = clg__tensor_access(y, NULL);
                ck_assert_msg(y->status >= 0 && y->shape.dim[0] == count, "%lld elements, [%lld:%lld:%lld]: %lld, "
                              "expected %lld", (long long) n, (long long) start, (long long) stop, (long long) step,
                              (long long) y->shape.dim[0], (long long) count);
                for (int64_t k = 0; k < count; k++)
                    ck_assert_int_eq(g.offset + k * g.stride[0], first + k * (count > 1 ? step : 0));
            }
            clg_scope_pop(inner);
        }
        clg_error_clear(dev);
        clg_scope_pop(s);
    }
}
END_TEST

// Their gradients too: zeros, and ones where an element was taken.
START_TEST(slices_by_any_step_have_gradients)
{
    static const int64_t cuts[][4] = { { 0, 5, INT64_MAX, 1 },         { 0, 5, INT64_MAX - 1, 1 },
                                       { 7, INT64_MIN, INT64_MIN, 1 }, { -1, INT64_MIN, INT64_MIN + 1, 1 },
                                       { 2, INT64_MAX, 5, 2 },         { INT64_MAX, INT64_MIN, -7, 2 },
                                       { INT64_MIN, INT64_MAX, 1, 8 }, { 1, 1, INT64_MIN, 0 } };
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        clg_scope s = clg_scope_push(dev);
        const int64_t *c = cuts[i];
        float got[8];
        int64_t first;
        clg_tensor x = clg_track(clg_upload(dev, CLG_F32, CLG_SHAPE(8), (float[]) { 0, 1, 2, 3, 4, 5, 6, 7 }));
        clg_tensor y = clg_slice(x, 0, c[0], c[1], c[2]);
        ck_assert_int_eq(y->shape.dim[0], c[3]);
        const int64_t count = python_slice(8, c[0], c[1], c[2], &first);
        ck_assert_int_eq(count, c[3]);
        ok(clg_read(clg_grad(clg_sum(y, CLG_ALL, false), x), got, sizeof got));
        for (int64_t k = 0; k < 8; k++) {
            bool taken = false;
            for (int64_t j = 0; j < count; j++)
                taken |= first + (j ? j * c[2] : 0) == k;
            ck_assert_float_eq(got[k], taken);
        }
        clg_scope_pop(s);
    }
}
END_TEST

// A result, or poison with a sentence: never anything else.
static void fine(clg_tensor t)
{
    ck_assert(t != NULL);
    if (t->status >= 0)
        ck_assert_int_ge(clg_numel(t->shape), 0);
    else
        ck_assert_int_gt((int) strlen(clg_error(dev, t->status)), 10);
    clg_error_clear(dev);
}

START_TEST(movement_takes_any_number)
{
    clg_scope s = clg_scope_push(dev);
    clg_tensor x = clg_upload(dev, CLG_F32, CLG_SHAPE(2, 3), (float[]) { 0, 1, 2, 3, 4, 5 });
    clg_tensor wide = clg_expand(clg_reshape(x, CLG_SHAPE(2, 1, 3)), CLG_SHAPE(2, (int64_t) 1 << 50, 3));
    clg_tensor none = clg_slice(x, 0, 0, 0, 1), index = clg_cast(x, CLG_I64);
    const clg_tensor of[] = { x, wide, none, clg_transpose(x, 0, 1), clg_pad(x, CLG_SHAPE(1, 0), CLG_SHAPE(0, 2), 1) };
    for (int i = 0; i < N * N * 5; i++) {
        const int64_t a = numbers[i % N], b = numbers[i / N % N];
        clg_scope inner = clg_scope_push(dev);
        clg_tensor t = of[i / N / N];
        clg_shape two = t->shape, list = { .rank = (int) (a % 100), .dim = { b, a } }, all = t->shape;
        two.dim[0] = a;
        two.dim[1] = b;
        all.dim[t->shape.rank - 1] = b;
        fine(clg_reshape(t, CLG_SHAPE(a, b)));
        fine(clg_reshape(t, CLG_SHAPE(-1, a, b)));
        fine(clg_reshape(t, list));
        fine(clg_permute(t, CLG_AXES(a, b)));
        fine(clg_permute(t, list));
        fine(clg_transpose(t, (int) a, (int) b));
        fine(clg_flatten(t, (int) a, (int) b));
        fine(clg_squeeze(t, CLG_AXES(a)));
        fine(clg_squeeze(t, list));
        fine(clg_unsqueeze(t, (int) a));
        fine(clg_expand(t, two));
        fine(clg_expand(t, all));
        fine(clg_expand(t, list));
        fine(clg_expand(t, CLG_SHAPE(a, b, 2, 3)));
        fine(clg_flip(t, CLG_AXES(a, b)));
        fine(clg_flip(t, list));
        fine(clg_slice(t, (int) (a % 3), b, a, a ? a : 1));
        const clg_shape zero = { .rank = t->shape.rank };
        fine(clg_pad(t, two, zero, 0));
        fine(clg_pad(t, zero, two, 0));
        fine(clg_pad(t, two, two, (double) a));
        fine(clg_pad(t, list, list, 0));
        fine(clg_slice(clg_pad(t, two, two, 0), 0, b, a, -1));
        fine(clg_transpose(clg_pad(clg_transpose(t, 0, 1), two, two, 0), 0, 1));
        fine(clg_concat((int) (a % 3), t, clg_pad(t, zero, two, 0)));
        fine(clg_stack((int) (a % 4), t, t));
        fine(clg_one_hot(index, a));
        fine(clg_arange(dev, CLG_I64, (double) a, (double) b, 1));
        fine(clg_arange(dev, CLG_F32, 0, (double) b, (double) a));
        fine(clg_full(dev, CLG_I32, CLG_SHAPE(a, b), (double) a));
        fine(clg_zeros(dev, CLG_F32, list));
        fine(clg_sum(t, CLG_AXES(a, b), false));
        fine(clg_index_select(t, (int) (a % 3), index));
        (void) clg_numel(CLG_SHAPE(a < 0 ? 0 : a, b < 0 ? 0 : b, 7));
        clg_scope_pop(inner);
    }
    clg_error_clear(dev);
    clg_scope_pop(s);
}
END_TEST

// What lies outside the margins of any size can still be read.
START_TEST(elements_behind_huge_margins_are_where_they_belong)
{
    clg_scope s = clg_scope_push(dev);
    const int64_t far = (int64_t) 1 << 56;
    clg_tensor x = clg_upload(dev, CLG_F32, CLG_SHAPE(2, 3), (float[]) { 1, 2, 3, 4, 5, 6 });
    for (int k = 0; k < 2; k++) {
        clg_tensor t = k ? clg_transpose(x, 0, 1) : x; // rows of t: 2 x 3, or 3 x 2
        clg_tensor p = clg_pad(t, CLG_SHAPE(far, 0), CLG_SHAPE(1, 0), 7);
        float got[4][3], want[2][4][3] = { { { 7, 7, 7 }, { 1, 2, 3 }, { 4, 5, 6 }, { 7, 7, 7 } },
                                           { { 7, 7 }, { 1, 4 }, { 2, 5 }, { 3, 6 } } };
        const int64_t columns = t->shape.dim[1];
        ck_assert_int_eq(p->status, CLG_OK);
        clg_tensor cut = clg_add_scalar(clg_slice(p, 0, far - 1, far + 3, 1), 0);
        float flat[12];
        ok(clg_read(cut, flat, (size_t) (4 * columns) * sizeof *flat));
        for (int64_t i = 0; i < 4 * columns; i++) {
            got[i / columns][i % columns] = flat[i];
            ck_assert_float_eq(got[i / columns][i % columns], want[k][i / columns][i % columns]);
        }
    }
    clg_scope_pop(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("extremes");
    TCase *c = tcase_create("extremes");
    tcase_set_timeout(c, 300);
    tcase_add_test(c, slices_are_python_s);
    tcase_add_test(c, slices_by_any_step_have_gradients);
    tcase_add_test(c, movement_takes_any_number);
    tcase_add_test(c, elements_behind_huge_margins_are_where_they_belong);
    suite_add_tcase(s, c);
    return run_suite(s);
}
