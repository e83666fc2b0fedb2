// SPDX-License-Identifier: MIT
// Promotion: type and value of operations on mixed types, against PyTorch (data/promotion.txt, made by
// golden_torch.py).
#include "testing.h"

enum { ROWS = 6000 };

typedef struct row {
    char how[16], op[16], a[8], b[8], type[8];
    double value;
    clg_tensor y;
} row;

static row rows[ROWS];

static bool type_named(const char *name, clg_dtype *t)
{
    for (int k = 0; k < CLG_DTYPE_COUNT; k++) {
        if (strcmp(clg_dtype_name((clg_dtype) k), name) == 0) {
            *t = (clg_dtype) k;
            return true;
        }
    }
    return false;
}

static clg_tensor one(const char *type, double v, bool scalar)
{
    clg_dtype t = CLG_F32;
    ck_assert(type_named(type, &t));
    if (scalar)
        return clg_scalar(dev, t, t == CLG_BOOL ? 1 : v);
    return clg_full(dev, t, CLG_SHAPE(1), t == CLG_BOOL ? 1 : v);
}

static clg_tensor apply(const char *op, clg_tensor a, clg_tensor b)
{
#define TRY(id)                                                                                    \
    if (strcmp(op, #id) == 0)                                                                      \
        return clg_##id(a, b);
    CLG_BINARY_MAP(TRY)
    return NULL;
}

static clg_tensor apply_number(const char *op, clg_tensor a, double b)
{
#define TRY_NUMBER(id)                                                                             \
    if (strcmp(op, #id) == 0)                                                                      \
        return clg_##id##_scalar(a, b);
    CLG_BINARY_MAP(TRY_NUMBER)
    return NULL;
}

static clg_tensor record(const row *r)
{
    clg_tensor x = one(r->a, 3, strcmp(r->how, "first") == 0);
    if (strcmp(r->how, "number") == 0) {
        c_numbers(true);
        const double number = atof(r->b);
        c_numbers(false);
        return apply_number(r->op, x, number);
    }
    return apply(r->op, x, one(r->b, 2, strcmp(r->how, "scalar") == 0));
}

static int read_rows(void)
{
    const char *path = getenv("CLGRAD_PROMOTION");
    FILE *f = fopen(path ? path : "tests/data/promotion.txt", "r");
    int n = 0;
    ck_assert_msg(f != NULL, "promotion.txt is missing");
    c_numbers(true);
    while (n < ROWS && fscanf(f, "%15s %15s %7s %7s %7s %lf", rows[n].how, rows[n].op, rows[n].a,
                              rows[n].b, rows[n].type, &rows[n].value) == 6) {
        const row *r = &rows[n];
        const bool wide = !strcmp(r->a, "f64") || !strcmp(r->b, "f64") || !strcmp(r->type, "f64");
        n += !wide || clg_device_has(dev, CLG_F64);
    }
    c_numbers(false);
    fclose(f);
    ck_assert_int_ge(n, 200);
    return n;
}

START_TEST(types_and_values_are_those_of_pytorch)
{
    static clg_tensor all[ROWS];
    clg_scope s = clg_scope_push(dev);
    const int n = read_rows();
    for (int k = 0; k < n; k++) {
        row *r = &rows[k];
        r->y = all[k] = record(r);
        ck_assert_msg(r->y && r->y->status >= 0, "%s %s %s %s: %s", r->how, r->op, r->a, r->b,
                      clg_error(dev, CLG_EINVAL));
        ck_assert_msg(strcmp(clg_dtype_name(r->y->dtype), r->type) == 0,
                      "%s %s %s %s gives %s, PyTorch %s", r->how, r->op, r->a, r->b,
                      clg_dtype_name(r->y->dtype), r->type);
    }
    int m = 0;
    const int every = on_pocl() ? 8 : 16; // values: types are those of all rows
    for (int k = 0; k < n; k++) {
        if (in_turn(k, every))
            all[m++] = rows[k].y;
    }
    ok(clg_eval_n(all, m));
    for (int k = 0; k < n; k++) {
        const row *r = &rows[k];
        if (!in_turn(k, every))
            continue;
        const double v = clg_item(r->y, NULL);
        ck_assert_msg(fabs(v - r->value) <= 1e-6 * fabs(r->value), "%s %s %s %s is %.9g, PyTorch %.9g",
                      r->how, r->op, r->a, r->b, v, r->value);
    }
    clg_scope_pop(s);
}
END_TEST

// As PyTorch has it: sums and products are or and and, differences and negatives do not exist.
START_TEST(arithmetic_of_bools_is_logic)
{
    clg_scope s = clg_scope_push(dev);
    const uint8_t a[] = { 0, 0, 1, 1 }, b[] = { 0, 1, 0, 1 };
    const uint8_t any[] = { 0, 1, 1, 1 }, both[] = { 0, 0, 0, 1 };
    clg_tensor x = clg_upload(dev, CLG_BOOL, CLG_SHAPE(4), a), y = clg_upload(dev, CLG_BOOL, CLG_SHAPE(4), b);
    const clg_tensor results[] = { clg_add(x, y), clg_maximum(x, y), clg_mul(x, y), clg_minimum(x, y), clg_sign(x) };
    const uint8_t *expected[] = { any, any, both, both, a };
    for (int i = 0; i < 5; i++) {
        uint8_t got[4] = { 7, 7, 7, 7 };
        ck_assert_int_eq(results[i]->dtype, CLG_BOOL);
        ck_assert_int_eq(clg_read(results[i], got, sizeof got), CLG_OK);
        ck_assert_mem_eq(got, expected[i], sizeof got);
    }
    ck_assert_int_eq(clg_sub(x, y)->status, CLG_EDTYPE);
    ck_assert_int_eq(clg_neg(x)->status, CLG_EDTYPE);
    clg_error_clear(dev);
    clg_scope_pop(s);
}
END_TEST

START_TEST(the_table_is_symmetric_and_associates)
{
    for (int a = 0; a < CLG_DTYPE_COUNT; a++) {
        for (int b = 0; b < CLG_DTYPE_COUNT; b++) {
            const clg_dtype ab = clg_promote_types((clg_dtype) a, (clg_dtype) b);
            ck_assert_int_eq(ab, clg_promote_types((clg_dtype) b, (clg_dtype) a));
            for (int c = 0; c < CLG_DTYPE_COUNT; c++) {
                const clg_dtype bc = clg_promote_types((clg_dtype) b, (clg_dtype) c);
                if ((int) ab < CLG_DTYPE_COUNT && (int) bc < CLG_DTYPE_COUNT) // where there are common types
                    ck_assert_int_eq(clg_promote_types(ab, (clg_dtype) c), clg_promote_types((clg_dtype) a, bc));
            }
        }
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dtype");
    TCase *c = tcase_create("promotion");
    tcase_add_test(c, the_table_is_symmetric_and_associates);
    tcase_add_test(c, arithmetic_of_bools_is_logic);
    tcase_add_test(c, types_and_values_are_those_of_pytorch);
    suite_add_tcase(s, c);
    return run_suite(s);
}
