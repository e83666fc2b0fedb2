// SPDX-License-Identifier: MIT
// Every operation of the table of cases with inputs that it does not expect: other types, ranks and sizes,
// poison, NULL. Nothing crashes; what is refused says why, what is accepted can be differentiated or says
// why not. Recorded only: no kernel is compiled.
#include "../tools/cases.h"
#include "testing.h"

static const clg_dtype types[] = { CLG_F32, CLG_F64, CLG_I32, CLG_I64, CLG_U8, CLG_BOOL };
static const clg_shape shapes[] = {
    { 0 },
    { .rank = 1, .dim = { 0 } },
    { .rank = 1, .dim = { 3 } },
    { .rank = 2, .dim = { 7, 1 } },
    { .rank = 3, .dim = { 2, 0, 5 } },
    { .rank = 4, .dim = { 1, 2, 3, 4 } },
    { .rank = 8, .dim = { 2, 1, 2, 1, 2, 1, 2, 1 } },
};
enum { TYPES = sizeof types / sizeof types[0], SHAPES = sizeof shapes / sizeof shapes[0] };

static long accepted, refused;

static clg_tensor expected(const op_case *c, int k)
{
    return clg_zeros(dev, case_dtype(c, k, CLG_F32), c->in[k].shape);
}

static void judge(const op_case *c, clg_tensor y, const char *what)
{
    ck_assert_msg(y != NULL, "%s with %s: no tensor", c->name, what);
    if (y->status >= 0) {
        accepted++;
        clg_error_clear(dev); // a case may call more than what it returns
        return;
    }
    refused++;
    ck_assert_msg(clg_error_status(dev) == y->status, "%s with %s: status %d, message of %d", c->name, what,
                  y->status, clg_error_status(dev));
    ck_assert_msg(strstr(clg_error(dev, 0), ": ") != NULL, "%s with %s: '%s' names no operation", c->name,
                  what, clg_error(dev, 0));
    clg_error_clear(dev);
}

// Input k is `odd`, the others are as expected; then the gradient for all.
static void one_odd(const op_case *c, int n, int k, clg_tensor odd, const char *what)
{
    clg_tensor x[CASE_INPUTS], g[CASE_INPUTS];
    for (int i = 0; i < n; i++) {
        x[i] = i == k ? odd : expected(c, i);
        if (x[i] && x[i]->status >= 0 && clg_dtype_is_float(x[i]->dtype))
            x[i] = clg_track(x[i]);
    }
    const clg_tensor y = case_apply(c, x);
    judge(c, y, what);
    if (!odd || y->status < 0 || !clg_dtype_is_float(y->dtype) || !clg_dtype_is_float(odd->dtype))
        return;
    clg_vjp_n(y, clg_ones(dev, y->dtype, y->shape), &x[k], 1, true, g);
    judge(c, g[0], "a gradient");
}

static void odd_inputs(const op_case *c, int n, int k)
{
    char what[80];
    for (int t = 0; t < TYPES; t++) {
        if (!clg_device_has(dev, types[t]))
            continue;
        snprintf(what, sizeof what, "input %d of type %s", k, clg_dtype_name(types[t]));
        one_odd(c, n, k, clg_zeros(dev, types[t], c->in[k].shape), what);
    }
    for (int s = 0; s < SHAPES; s++) {
        snprintf(what, sizeof what, "input %d of shape %d of the list", k, s);
        one_odd(c, n, k, clg_zeros(dev, case_dtype(c, k, CLG_F32), shapes[s]), what);
    }
    clg_tensor poison = clg_poison(dev, CLG_ESHAPE, "test: poison");
    clg_error_clear(dev);
    one_odd(c, n, k, poison, "poison");
}

START_TEST(no_operation_minds_odd_inputs)
{
    for (int i = 0; i < op_case_count; i++) {
        const op_case *c = &op_cases[i];
        int n = 0;
        while (n < CASE_INPUTS && c->in[n].kind != CASE_NONE)
            n++;
        for (int k = 0; k < n; k++) {
            clg_scope s = clg_scope_push(dev);
            odd_inputs(c, n, k);
            clg_scope_pop(s);
            clg_error_clear(dev);
        }
    }
    printf("%ld accepted, %ld refused\n", accepted, refused);
    ck_assert_int_gt(refused, 1000);
    ck_assert_int_gt(accepted, 1000);
}
END_TEST

#define REFUSES_NULL(id)                                                                           \
    ck_assert_int_lt(clg_##id(NULL)->status, 0);
#define REFUSES_NULLS(id)                                                                          \
    ck_assert_int_lt(clg_##id(NULL, NULL)->status, 0);                                             \
    ck_assert_int_lt(clg_##id(x, NULL)->status, 0);                                                \
    ck_assert_int_lt(clg_##id(NULL, x)->status, 0);                                                \
    ck_assert_int_lt(clg_##id##_scalar(NULL, 1)->status, 0);                                       \
    ck_assert_int_lt(clg_scalar_##id(1, NULL)->status, 0);

START_TEST(null_is_refused)
{
#ifndef CLG_DEBUG // there it traps
    clg_scope s = clg_scope_push(dev);
    const clg_tensor x = clg_zeros(dev, CLG_F32, CLG_SHAPE(3));
    CLG_UNARY_MAP(REFUSES_NULL)
    CLG_BINARY_MAP(REFUSES_NULLS)
    struct clg_adam_params p;
    ck_assert_ptr_nonnull(clg_params_read(NULL, sizeof p, NULL));
    ck_assert_ptr_nonnull(clg_params_read(&p, 4, NULL));
    clg_error_clear(dev);
    ck_assert_int_eq(clg_fail(dev, CLG_OK, NULL), CLG_EINVAL);
    ck_assert_str_eq(clg_error(dev, CLG_EINVAL), clg_status_text(CLG_EINVAL));
    ck_assert_int_eq(clg_poison(dev, CLG_ENOMEM, NULL)->status, CLG_ENOMEM);
    clg_error_clear(dev);
    const clg_tensor none[] = { clg_sum(NULL, CLG_ALL, false), clg_matmul(x, NULL), clg_conv2d(NULL, x, NULL, NULL),
                                clg_softmax(NULL, 0), clg_reshape(NULL, CLG_SHAPE(1)), clg_where(x, NULL, x),
                                clg_cast(NULL, CLG_F32), clg_cross_entropy(NULL, x, NULL),
                                clg_max_pool2d(NULL, NULL), clg_concat(0, x, NULL), clg_one_hot(NULL, 3),
                                clg_index_select(x, 0, NULL), clg_dropout(NULL, 0.5), clg_grad(NULL, x),
                                clg_batch_norm(NULL, NULL, NULL, NULL, NULL, NULL), clg_detach(NULL) };
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        ck_assert_msg(none[i]->status < 0, "call %zu took NULL", i);
    // and where there is nowhere to write to
    clg_device_info *list;
    int n;
    char error[200] = "";
    const clg_tensor y = clg_sum(x, CLG_ALL, false);
    const clg_status nowhere[] = { clg_print(NULL, x), clg_dot_n(NULL, &x, 1), clg_grad_n(y, &x, 1, NULL),
                                   clg_vjp_n(x, x, &x, 1, true, NULL), clg_grad_n(x, &x, 1, NULL),
                                   clg_read(x, NULL, 12), clg_device_list(NULL, &n, error, sizeof error),
                                   clg_device_list(&list, NULL, NULL, 0), clg_device_open(NULL, NULL) };
    for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++)
        ck_assert_msg(nowhere[i] == CLG_EINVAL, "call %zu: %d", i, nowhere[i]);
    ck_assert_ptr_nonnull(strstr(error, "NULL"));
    clg_scope_pop(s);
    clg_error_clear(dev);
#endif
}
END_TEST

// Numbers at the ends of int64_t: none is negated, added or multiplied before it is known to be small.
START_TEST(far_numbers_are_refused_or_harmless)
{
    static const int64_t far[] = { INT64_MIN, INT64_MIN + 3, INT64_MAX, INT64_MAX - 3, INT64_C(1) << 62 };
    clg_scope s = clg_scope_push(dev);
    const clg_tensor x = clg_zeros(dev, CLG_F32, CLG_SHAPE(2, 3)), image = clg_zeros(dev, CLG_F32, CLG_SHAPE(1, 4, 5));
    const clg_tensor none = clg_zeros(dev, CLG_F32, CLG_SHAPE(0, 3));
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++) {
        const int64_t n = far[i];
        const clg_tensor no[] = { clg_diag_embed(x, n, 0, 1), clg_diagflat(x, n), clg_repeat_interleave(x, n, 1),
                                  clg_repeat(x, CLG_SHAPE(1, n)), clg_tile(x, CLG_SHAPE(n)),
                                  clg_image_resize(image, CLG_SHAPE(n), NULL),
                                  clg_image_center_crop(image, n, 2), clg_image_center_crop(image, 2, n),
                                  clg_image_crop(image, n, 0, 2, 2), clg_image_crop(image, 0, n, 2, 2),
                                  clg_select(x, 1, n), clg_narrow(x, 1, n, 1), clg_narrow(x, 1, 1, n),
                                  clg_unfold_dim(x, 1, n, 1), clg_expand(x, CLG_SHAPE(n, 2, 3)), clg_kthvalue(x, n, 1, false, NULL),
                                  clg_topk(x, n, 1, false, NULL), clg_pad(x, CLG_SHAPE(n, 0), CLG_SHAPE(0, 0), 0) };
        for (size_t k = 0; k < sizeof no / sizeof no[0]; k++)
            ck_assert_msg(no[k]->status < 0, "call %zu took %lld", k, (long long) n);
        clg_error_clear(dev);
        const double grey = 0.5;
        const clg_tensor yes[] = { clg_diagonal(x, n, 0, 1), clg_tril(x, n), clg_triu(x, n), clg_slice(x, 1, n, -n / 2, 1),
                                   clg_roll(x, CLG_SHAPE(n), CLG_SHAPE(1)), clg_repeat(none, CLG_SHAPE(1, n < 0 ? 3 : n / 4)),
                                   clg_image_erase(image, n, n, n, n, &grey, 1),
                                   clg_image_erase(image, -1, 1, n, 2, &grey, 1) };
        for (size_t k = 0; k < sizeof yes / sizeof yes[0]; k++)
            ck_assert_msg(yes[k]->status == 0, "call %zu with %lld: %s", k, (long long) n, clg_tensor_error(yes[k]));
    }
    ck_assert_ptr_nonnull(strstr(clg_tensor_error(clg_einsum("\xc3\xa9->", x)), "byte 0xc3"));
    ck_assert_ptr_nonnull(strstr(clg_tensor_error(clg_pad_reflect(image, CLG_SHAPE(0, 0, 0, 1), CLG_SHAPE(0, 0, 0, 1))),
                                 "last dimensions, one to 3"));
    // as many dimensions as there may be: with one for the quantiles there is one too many
    const clg_tensor deep = clg_zeros(dev, CLG_F32, shapes[SHAPES - 1]), q = clg_zeros(dev, CLG_F32, CLG_SHAPE(3));
    ck_assert_int_eq(clg_quantile(deep, clg_reshape(clg_slice(q, 0, 0, 1, 1), CLG_SCALAR), 2, false, 0)->shape.rank, 7);
    ck_assert_int_eq(clg_quantile(deep, q, 2, false, 0)->shape.dim[0], 3);
    ck_assert_int_eq(clg_quantile(deep, q, 2, true, 0)->status, CLG_ESHAPE);
    clg_error_clear(dev);
    clg_scope_pop(s);
}
END_TEST

// Named by the parameter, not by the operation that would have made its first numbers.
START_TEST(shapes_that_are_none_are_refused)
{
    const clg_shape bad[] = { { .rank = 9 }, { .rank = -1 }, CLG_SHAPE(2, -3),
                              CLG_SHAPE(INT64_MAX, 2, 2), CLG_SHAPE(0, INT64_MAX, 9) };
    clg_store s = clg_store_create(dev, 1);
    for (size_t i = 0; i < 2 * sizeof bad / sizeof bad[0]; i++) {
        ck_assert(i % 2 ? !clg_store_param(s, "p", bad[i / 2], (clg_init) { 0 }, 0)
                        : !clg_store_buffer(s, "p", CLG_I32, bad[i / 2], 0));
        ck_assert_int_eq(clg_error_status(dev), CLG_ESHAPE);
        ck_assert_msg(strstr(clg_error(dev, 0), "store: 'p'") != NULL, "%s", clg_error(dev, 0));
        clg_error_clear(dev);
    }
    ck_assert_ptr_nonnull(clg_store_param(s, "p", CLG_SHAPE(0, 3, 5), (clg_init) { 0 }, 0));
    ck_assert_int_eq(clg_store_count(s), 1);
    clg_store_destroy(&s);
}
END_TEST

int main(void)
{
    char error[CASE_ERROR];
    if (!cases_open(error)) {
        printf("%s\n", error);
        return 1;
    }
    Suite *s = suite_create("wrong");
    TCase *c = tcase_create("inputs");
    tcase_add_test(c, no_operation_minds_odd_inputs);
    tcase_add_test(c, null_is_refused);
    tcase_add_test(c, far_numbers_are_refused_or_harmless);
    tcase_add_test(c, shapes_that_are_none_are_refused);
    suite_add_tcase(s, c);
    const int code = run_suite(s);
    cases_close();
    return code;
}
