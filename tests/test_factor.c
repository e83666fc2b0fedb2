// SPDX-License-Identifier: MIT
// Factorisations by what they promise, a x - b and the like, in double: matrices that are ordinary, graded, nearly
// singular, singular, zero, empty, of every size at which blocks begin; views, batches, NaN; and their gradients.
#include "testing.h"

enum { PLAIN, GRADED, NEAR, DEFINITE, ZERO, KINDS, REGULAR, MIXED }; // the last two: a batch of all but ZERO, or of all

static double unit_of(clg_dtype t)
{
    return t == CLG_F32 ? 0x1p-23 : 0x1p-52;
}

// m [rows, columns] of one kind
static void numbers(int kind, int64_t rows, int64_t columns, double *m)
{
    for (int64_t i = 0; i < rows * columns; i++)
        m[i] = kind == ZERO ? 0 : rnd();
    if (kind == GRADED)
        for (int64_t i = 0; i < rows * columns; i++)
            m[i] *= pow(10, -6.0 * (double) (i / columns) / (double) rows);
    if (kind == NEAR && rows > 1)
        for (int64_t j = 0; j < columns; j++)
            m[(rows - 1) * columns + j] = m[j] * 2 + 1e-3 * rnd();
    if (kind == DEFINITE) {
        double *a = malloc((size_t) (rows * columns + 1) * sizeof *a);
        memcpy(a, m, (size_t) (rows * columns) * sizeof *a);
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < columns; j++) {
                double s = i == j ? 0.5 : 0;
                for (int64_t k = 0; k < columns; k++)
                    s += a[i * columns + k] * a[j * columns + k];
                m[i * columns + j] = s;
            }
        free(a);
    }
}

static double *batch_of(int kind, int64_t batch, int64_t rows, int64_t columns)
{
    double *m = calloc((size_t) (batch * rows * columns) + 1, sizeof *m);
    for (int64_t b = 0; b < batch; b++)
        numbers(kind == MIXED ? (int) b % KINDS : kind == REGULAR ? (int) b % ZERO : kind, rows, columns, m + b * rows * columns);
    return m;
}

// As the device has it: rounded to t; turned: a view of what lies transposed.
static clg_tensor on_device(clg_dtype t, int64_t batch, int64_t rows, int64_t columns, double *m, bool turned)
{
    char *raw = calloc((size_t) (batch * rows * columns) + 1, 8);
    for (int64_t b = 0; b < batch; b++)
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < columns; j++) {
                double *v = &m[(b * rows + i) * columns + j];
                const int64_t at = turned ? (b * columns + j) * rows + i : (b * rows + i) * columns + j;
                clg_element_set(t, raw + (size_t) at * clg_dtype_size(t), *v);
                *v = clg_element_get(t, raw + (size_t) at * clg_dtype_size(t));
            }
    clg_tensor y = clg_upload(dev, t, turned ? CLG_SHAPE(batch, columns, rows) : CLG_SHAPE(batch, rows, columns), raw);
    free(raw);
    return turned ? clg_transpose(y, 1, 2) : y;
}

static double most_of(const double *m, int64_t n)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++)
        most = isnan(m[i]) ? INFINITY : fmax(most, fabs(m[i]));
    return most;
}

// max |a b - c| over the batch, a [r,k], b [k,n], each possibly transposed.
static double apart(int64_t batch, int64_t r, int64_t k, int64_t n, const double *a, bool ta, const double *b, bool tb, const double *c)
{
    double most = 0;
    for (int64_t m = 0; m < batch; m++, a += r * k, b += k * n)
        for (int64_t i = 0; i < r; i++)
            for (int64_t j = 0; j < n; j++) {
                double s = 0;
                for (int64_t q = 0; q < k; q++)
                    s += (ta ? a[q * r + i] : a[i * k + q]) * (tb ? b[j * k + q] : b[q * n + j]);
                s = fabs(s - (c ? c[(m * r + i) * n + j] : i == j));
                most = isnan(s) ? INFINITY : fmax(most, s);
            }
    return most;
}

static void within(const char *what, clg_dtype t, int kind, int64_t n, double got, double bound)
{
    ck_assert_msg(got <= bound, "%s of %s, kind %d, size %lld: %g, expected at most %g", what, clg_dtype_name(t), kind,
                  (long long) n, got, bound);
}

static void systems_of(clg_dtype t, int kind, int64_t batch, int64_t n, int64_t k, bool turned)
{
    double *a = batch_of(kind, batch, n, n), *b = batch_of(PLAIN, batch, n, k);
    clg_scope s = clg_scope_push(dev);
    const clg_tensor x = on_device(t, batch, n, n, a, turned), y = on_device(t, batch, n, k, b, !turned);
    clg_tensor info, l, u;
    const clg_tensor solved = clg_solve(x, y, true, &info), right = clg_solve(x, clg_transpose(y, 1, 2), false, NULL);
    const clg_tensor inverse = clg_inv(x, NULL), p = clg_lu(x, &l, &u);
    ok(clg_eval(solved, right, inverse, p, l, u, info));
    double *z = read_all(solved), *w = read_all(right), *v = read_all(inverse), *product = read_all(clg_matmul(p, clg_matmul(l, u)));
    const double eps = unit_of(t) * (double) (n + 4), size = most_of(a, batch * n * n);
    for (int64_t i = 0; i < batch * n * n; i++)
        product[i] -= a[i];
    within("P L U - a", t, kind, n, most_of(product, batch * n * n), 8 * eps * size);
    within("a x - b", t, kind, n, apart(batch, n, n, k, a, false, z, false, b), 8 * eps * (size * (double) n * most_of(z, batch * n * k) + 1));
    double *c = calloc((size_t) (batch * n * k) + 1, sizeof *c); // b turned
    for (int64_t m = 0; m < batch; m++)
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < k; j++)
                c[(m * k + j) * n + i] = b[(m * n + i) * k + j];
    within("x a - b", t, kind, n, apart(batch, k, n, n, w, false, a, false, c), 8 * eps * (size * (double) n * most_of(w, batch * n * k) + 1));
    within("a inv a - 1", t, kind, n, apart(batch, n, n, n, a, false, v, false, NULL), 8 * eps * (size * (double) n * most_of(v, batch * n * n) + 1));
    clg_scope_pop(s);
    free(a), free(b), free(c), free(z), free(w), free(v), free(product);
}

static void definite(clg_dtype t, int64_t batch, int64_t n, bool upper)
{
    double *a = batch_of(DEFINITE, batch, n, n), *b = batch_of(PLAIN, batch, n, 3);
    clg_scope s = clg_scope_push(dev);
    const clg_tensor x = on_device(t, batch, n, n, a, false), l = clg_cholesky(x, upper, NULL);
    double *f = read_all(l), *z = read_all(clg_cholesky_solve(on_device(t, batch, n, 3, b, false), l, upper));
    double *v = read_all(clg_cholesky_inverse(l, upper));
    const double eps = 8 * unit_of(t) * (double) (n + 4), size = most_of(a, batch * n * n);
    within("l l^T - a", t, upper, n, apart(batch, n, n, n, f, upper, f, !upper, a), eps * size);
    within("a x - b, definite", t, upper, n, apart(batch, n, n, 3, a, false, z, false, b), eps * (size * (double) n * most_of(z, batch * n * 3) + 1));
    within("a inv a - 1, definite", t, upper, n, apart(batch, n, n, n, a, false, v, false, NULL), eps * (size * (double) n * most_of(v, batch * n * n) + 1));
    for (int64_t i = 0; i < batch * n * n; i++)
        ck_assert_msg(upper ? i % n >= i / n % n || f[i] == 0 : i % n <= i / n % n || f[i] == 0, "half of the factor is not 0");
    clg_scope_pop(s);
    free(a), free(b), free(f), free(z), free(v);
}

static const int64_t sizes[] = { 1, 2, 3, 5, 15, 16, 17, 31, 32, 33, 47, 64, 65, 97 };

static bool has_f64(void)
{
    return clg_device_get_info(dev)->fp64;
}

static void orthogonal(clg_dtype t, int kind, int64_t batch, int64_t r, int64_t k, bool turned)
{
    double *a = batch_of(kind, batch, r, k);
    clg_scope s = clg_scope_push(dev);
    const int64_t n = r < k ? r : k;
    const clg_tensor x = on_device(t, batch, r, k, a, turned);
    clg_tensor rest, values, vh;
    const clg_tensor u = clg_svd(x, &values, &vh);
    const double eps = 8 * unit_of(t) * (double) (r + k + 4), size = most_of(a, batch * r * k);
    for (int mode = CLG_QR_REDUCED; mode <= CLG_QR_COMPLETE; mode++) {
        const int64_t m = mode == CLG_QR_REDUCED ? n : r;
        double *q = read_all(clg_qr(x, (clg_qr_mode) mode, &rest)), *f = read_all(rest);
        within("q r - a", t, kind, r, apart(batch, r, m, k, q, false, f, false, a), eps * size);
        for (int64_t b = 0; b < batch; b++)
            within("q^T q - 1", t, kind, r, apart(1, m, r, m, q + b * r * m, true, q + b * r * m, false, NULL), eps);
        free(q), free(f);
    }
    double *left = read_all(u), *right = read_all(vh), *v = read_all(values), *us = calloc((size_t) (batch * r * n) + 1, sizeof *us);
    for (int64_t b = 0; b < batch; b++) {
        for (int64_t i = 0; i < r * n; i++)
            us[b * r * n + i] = left[b * r * n + i] * v[b * n + i % n];
        for (int64_t i = 1; i < n; i++)
            ck_assert_msg(v[b * n + i] <= v[b * n + i - 1] && v[b * n + i] >= 0, "kind %d, %lldx%lld: singular value %lld is %g after %g", kind, (long long) r, (long long) k, (long long) i, v[b * n + i], v[b * n + i - 1]);
        within("u^T u - 1", t, kind, r, apart(1, n, r, n, left + b * r * n, true, left + b * r * n, false, NULL), eps);
        within("vh vh^T - 1", t, kind, r, apart(1, n, k, n, right + b * n * k, false, right + b * n * k, true, NULL), eps);
    }
    within("u s vh - a", t, kind, r, apart(batch, r, n, k, us, false, right, false, a), eps * size * (double) n);
    if (r == k && kind == DEFINITE) {
        clg_tensor vectors;
        double *w = read_all(clg_eigh(x, turned, &vectors)), *z = read_all(vectors), *zw = calloc((size_t) (batch * r * r) + 1, sizeof *zw);
        for (int64_t b = 0; b < batch; b++) {
            for (int64_t i = 0; i < r * r; i++)
                zw[b * r * r + i] = z[b * r * r + i] * w[b * r + i % r];
            for (int64_t i = 0; i < r; i++)
                ck_assert_msg(fabs(w[b * r + i] - v[b * r + r - 1 - i]) <= eps * size * (double) r, "eigenvalue %lld is %g, the singular value %g",
                              (long long) i, w[b * r + i], v[b * r + r - 1 - i]);
            within("v^T v - 1", t, kind, r, apart(1, r, r, r, z + b * r * r, true, z + b * r * r, false, NULL), eps);
            within("v w v^T - a", t, kind, r, apart(1, r, r, r, zw + b * r * r, false, z + b * r * r, true, a + b * r * r), eps * size * (double) r);
        }
        free(w), free(z), free(zw);
    }
    clg_scope_pop(s);
    free(a), free(left), free(right), free(v), free(us);
}

START_TEST(orthogonal_factors)
{
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (!in_turn((int) i, 3) || (!on_pocl() && sizes[i] > 17)) // long loops of one item are cut short on Mesa's driver
            continue;
        const int64_t n = sizes[i];
        for (int kind = PLAIN; kind < KINDS; kind++) {
            orthogonal(CLG_F32, kind, 1 + (int64_t) i % 2, n, n, (i + (size_t) kind) % 2);
            if (kind != DEFINITE)
                orthogonal(CLG_F32, kind, 2, kind % 2 ? n + 5 : n, kind % 2 ? n : n + 3, i % 2);
        }
        if (n <= 33) { // lanes, with some that have no matrix
            orthogonal(CLG_F32, DEFINITE, 19, n, n, i % 2);
            orthogonal(CLG_F32, MIXED, 19, n + (int64_t) i % 3, n, i % 2);
        }
        if (has_f64() && in_turn((int) i / 3, 2)) {
            orthogonal(CLG_F64, i % 2 ? DEFINITE : MIXED, 7, n < 33 ? n : 33, n < 33 ? n : 33, i % 2);
            orthogonal(CLG_F64, DEFINITE, 2, n, n, i % 2);
            orthogonal(CLG_F64, (int) i % DEFINITE, 1, n, n + 9, i % 2);
        }
    }
}
END_TEST

START_TEST(systems)
{
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (!in_turn((int) i, 2))
            continue;
        for (int kind = PLAIN; kind <= DEFINITE; kind++)
            systems_of(CLG_F32, kind, 1 + (int64_t) i % 3, sizes[i], 1 + (int64_t) (i * 7 + (size_t) kind) % 20, (i + (size_t) kind) % 2);
        definite(CLG_F32, 2 + (int64_t) i % 2 * 17, sizes[i], i % 2);
        systems_of(CLG_F32, REGULAR, 19, sizes[i], 1 + (int64_t) i % 5, i % 2);
        if (has_f64() && in_turn((int) i / 2, 2)) {
            systems_of(CLG_F64, (int) i % ZERO, 2, sizes[i], 5, i % 2);
            systems_of(CLG_F64, REGULAR, 7, sizes[i], 3, i % 2);
            definite(CLG_F64, 1, sizes[i], i % 2 == 0);
        }
    }
}
END_TEST

// ---- derivatives, of derivatives too

static clg_tensor symmetric(clg_tensor a) // and definite
{
    return clg_add(clg_matmul(a, clg_transpose(a, -1, -2)), clg_eye(a->dev, a->dtype, a->shape.dim[a->shape.rank - 1], a->shape.dim[a->shape.rank - 1]));
}

typedef clg_tensor (*function)(const clg_tensor *x, int n, void *user);

#define F(name, value)                                                                             \
    static clg_tensor f_##name(const clg_tensor *x, int n, void *user)                             \
    {                                                                                              \
        (void) n;                                                                                  \
        (void) user;                                                                               \
        clg_tensor second = NULL;                                                                  \
        (void) second;                                                                             \
        return value;                                                                              \
    }
F(inv, clg_inv(x[0], NULL))
F(solve, clg_solve(x[0], x[1], true, NULL))
F(det, clg_det(x[0]))
F(log, clg_slogdet(x[0], &second) ? second : NULL)
F(lu, clg_lu_factor(x[0], NULL, NULL))
F(wide, clg_lu_factor(clg_slice(x[0], -2, 0, 2, 1), NULL, NULL))
F(tall, clg_lu_factor(clg_slice(x[0], -1, 0, 2, 1), NULL, NULL))
F(lu_solve, clg_lu_solve(clg_lu_factor(x[0], NULL, NULL), (clg_lu_factor(x[0], &second, NULL), second), x[1], true, true))
F(triangle, clg_solve_triangular(x[0], x[1], false, true, false))
F(cholesky, clg_cholesky(symmetric(x[0]), false, NULL))
F(upper, clg_cholesky(symmetric(x[0]), true, NULL))
F(cholesky_solve, clg_cholesky_solve(x[1], symmetric(x[0]), false))

F(q, clg_qr(x[0], CLG_QR_REDUCED, NULL))
F(r, (clg_qr(clg_slice(x[0], -1, 0, 2, 1), CLG_QR_REDUCED, &second), second))
F(wide_q, clg_qr(clg_slice(x[0], -2, 0, 2, 1), CLG_QR_REDUCED, NULL))
F(eigen, clg_eigh(symmetric(x[0]), false, NULL))
F(vectors, (clg_eigh(symmetric(x[0]), true, &second), clg_square(second)))
F(u, clg_square(clg_svd(clg_slice(x[0], -1, 0, 2, 1), NULL, NULL)))
F(vh, (clg_svd(clg_slice(x[0], -2, 0, 2, 1), NULL, &second), clg_square(second)))
F(pinv, clg_pinv(clg_slice(x[0], -2, 0, 2, 1), -1))
F(nuclear, clg_matrix_norm(clg_slice(x[0], -1, 0, 2, 1), CLG_NORM_NUC, -2, -1, false))
F(condition, clg_cond(x[0], CLG_NORM_2))
F(product_of_norms, clg_cond(x[0], CLG_NORM_FRO))
F(inverse_power, clg_matrix_power(x[0], -2))
F(exponential, clg_matrix_exp(clg_mul_scalar(x[0], 0.7)))
F(unpacked, (clg_lu_unpack(x[0], (clg_lu_factor(x[0], &second, NULL), second), NULL, &second), clg_square(second)))
F(full, clg_square(clg_slice(clg_svd_full(clg_slice(x[0], -1, 0, 2, 1), NULL, NULL), -1, 0, 2, 1)))
F(lstsq, clg_lstsq(clg_slice(x[0], -1, 0, 2, 1), x[1]))

// Of sum(cos(i) f_i): its gradient, for a second look.
static clg_tensor gradient(const clg_tensor *x, int n, void *user)
{
    const clg_tensor y = (*(function *) user)(x, n, NULL);
    clg_tensor w = clg_cos(clg_reshape(clg_arange(y->dev, y->dtype, 0, (double) clg_numel(y->shape), 1), y->shape));
    return clg_grad(clg_sum(clg_mul(w, y), CLG_ALL, false), x[0]);
}

START_TEST(derivatives)
{
    static function f[] = { f_inv, f_solve, f_det, f_log, f_lu, f_wide, f_tall, f_lu_solve, f_triangle, f_cholesky, f_upper, f_cholesky_solve,
                            f_q, f_r, f_wide_q, f_eigen, f_vectors, f_u, f_vh, f_pinv, f_lstsq, f_nuclear, f_condition,
                            f_product_of_norms, f_inverse_power, f_exponential, f_unpacked, f_full };
    if (!has_f64())
        return;
    for (size_t i = 0; i < sizeof f / sizeof *f; i++) {
        if (!in_turn((int) i, 2))
            continue;
        double a[18], b[12];
        for (int k = 0; k < 18; k++)
            a[k] = rnd() + (k % 9 % 4 == 0 ? 3 : 0);
        for (int k = 0; k < 12; k++)
            b[k] = rnd();
        clg_scope s = clg_scope_push(dev);
        const clg_tensor x[2] = { clg_track(clg_upload(dev, CLG_F64, CLG_SHAPE(2, 3, 3), a)),
                                  clg_track(clg_upload(dev, CLG_F64, CLG_SHAPE(2, 3, 2), b)) };
        const int n = f[i] == f_solve || f[i] == f_lu_solve || f[i] == f_triangle || f[i] == f_cholesky_solve || f[i] == f_lstsq ? 2 : 1;
        char report[300] = "";
        const struct clg_grad_check_params *p = clg_grad_check_params(.tolerance = 1e-5, .report = report, .report_size = sizeof report);
        ck_assert_msg(clg_grad_check(f[i], NULL, x, n, p) >= 0, "function %zu: %s %s", i, report, clg_error(dev, CLG_EGRAD));
        ck_assert_msg(clg_grad_check(gradient, &f[i], x, n, p) >= 0, "gradient of function %zu: %s %s", i, report, clg_error(dev, CLG_EGRAD));
        clg_scope_pop(s);
    }
}
END_TEST

// The adjugate, also where a pivot is 0.
START_TEST(gradient_of_a_determinant)
{
    static const float m[][9] = { { 1, 2, 2, 4 }, { 0, 0, 0, 0 }, { 0, 1, 0, 0 }, { 3, 1, 2, 5 } };
    for (int i = 0; i < 4; i++) {
        clg_scope s = clg_scope_push(dev);
        const clg_tensor a = clg_track(clg_upload(dev, CLG_F32, CLG_SHAPE(2, 2), m[i]));
        double *g = read_all(clg_grad(clg_det(a), a));
        const double want[4] = { m[i][3], -m[i][2], -m[i][1], m[i][0] };
        for (int k = 0; k < 4; k++)
            ck_assert_msg(fabs(g[k] - want[k]) < 1e-5, "matrix %d: element %d is %g, expected %g", i, k, g[k], want[k]);
        clg_scope_pop(s);
        free(g);
    }
}
END_TEST

static void info_is(clg_tensor info, int64_t n, const int *want)
{
    double *got = read_all(info);
    for (int64_t i = 0; i < n; i++)
        ck_assert_msg(got[i] == want[i], "info[%lld] is %g, expected %d", (long long) i, got[i], want[i]);
    free(got);
}

START_TEST(edges)
{
    clg_scope s = clg_scope_push(dev);
    static const float m[27] = { 1, 2, 3, 2, 4, 6, 1, 5, 7, 1, 0, 0, 0, 1, 0, 0, 0, 1, 2, 0, 0, 0, -1, 0, 0, 0, 3 };
    const clg_tensor a = clg_upload(dev, CLG_F32, CLG_SHAPE(3, 3, 3), m);
    clg_tensor info, pivots;
    clg_inv(a, &info);
    info_is(info, 3, (int[]) { 3, 0, 0 });
    clg_cholesky(a, false, &info);
    info_is(info, 3, (int[]) { 2, 0, 2 });
    for (int n = 0; n < 2; n++) { // of nothing
        const clg_tensor none = clg_zeros(dev, CLG_F32, n ? CLG_SHAPE(0, 3, 3) : CLG_SHAPE(2, 0, 0));
        double *one = read_all(clg_det(none));
        ck_assert(n || (one[0] == 1 && one[1] == 1));
        free(one);
        ok(clg_eval(clg_inv(none, NULL), clg_cholesky(none, false, NULL), clg_lu_factor(none, &pivots, &info), pivots, info));
        ok(clg_eval(clg_solve(none, none, true, NULL), clg_qr(none, CLG_QR_COMPLETE, NULL), clg_eigvalsh(none, false), clg_svdvals(none),
                    clg_pinv(none, -1), clg_matrix_rank(none, -1)));
    }
    float bad[40 * 40];
    for (int i = 0; i < 40 * 40; i++)
        bad[i] = i % 41 == 0 ? 3 : i % 7;
    bad[5 * 40 + 2] = NAN;
    bad[3 * 40 + 2] = INFINITY;
    const clg_tensor b = clg_upload(dev, CLG_F32, CLG_SHAPE(40, 40), bad);
    ok(clg_eval(clg_inv(b, NULL), clg_cholesky(b, true, NULL), clg_det(b), clg_qr(b, CLG_QR_REDUCED, NULL)));
    const clg_tensor part = clg_slice(clg_slice(b, 0, 0, 12, 1), 1, 0, 12, 1);
    double *w = read_all(clg_eigvalsh(part, false)), *v = read_all(clg_svdvals(part)); // which ends
    for (int i = 0; i < 12; i++)
        ck_assert(isnan(w[i]) && isnan(v[i]));
    free(w), free(v);
    const clg_tensor rank = clg_full(dev, CLG_F32, CLG_SHAPE(5, 16, 16), 0.1);
    for (int few = 0; few < 2; few++) { // of rank 1, what is left of which falls below the least number; alone and in lanes
        clg_tensor vectors;
        const clg_tensor one = few ? rank : clg_slice(rank, 0, 0, 1, 1), y = clg_eigh(one, false, &vectors);
        double *q[4] = { read_all(y), read_all(vectors), read_all(clg_eigvalsh(one, false)), read_all(clg_svdvals(one)) };
        for (int i = 0; i < 16; i++) {
            const double want = i < 15 ? 0 : 1.6;
            ck_assert_msg(fabs(q[0][i] - want) < 1e-5 && fabs(q[2][i] - want) < 1e-5 && fabs(q[3][15 - i] - want) < 1e-5 && isfinite(q[1][i]),
                          "value %d is %g, %g, %g, expected %g", i, q[0][i], q[2][i], q[3][15 - i], want);
        }
        for (int k = 0; k < 4; k++)
            free(q[k]);
    }
    const clg_tensor x = clg_zeros(dev, CLG_F16, CLG_SHAPE(2, 2));
    ck_assert_int_eq(clg_inv(x, NULL)->status, CLG_EDTYPE);
    ck_assert_int_eq(clg_det(clg_zeros(dev, CLG_F32, CLG_SHAPE(2, 3)))->status, CLG_ESHAPE);
    ck_assert_int_eq(clg_solve(a, clg_zeros(dev, CLG_F32, CLG_SHAPE(2, 2)), true, NULL)->status, CLG_ESHAPE);
    clg_scope_pop(s);
}
END_TEST

// Square matrices of singular vectors, orthogonal whatever the rank; exponentials that are known, and that are too large.
START_TEST(functions_of_matrices)
{
    clg_scope s = clg_scope_push(dev);
    static const float m[12] = { 1, 2, 2, 4, 3, 6, 0, 0, 2, 0, 0, 3 }; // ranks 1 and 2
    clg_tensor sv, vh;
    const clg_tensor a = clg_upload(dev, CLG_F32, CLG_SHAPE(2, 3, 2), m), u = clg_svd_full(a, &sv, &vh);
    const clg_tensor one = clg_sub(clg_matmul(clg_transpose(u, -1, -2), u), clg_eye(dev, CLG_F32, 3, 3));
    const clg_tensor again = clg_matmul(clg_mul(clg_slice(u, -1, 0, 2, 1), clg_unsqueeze(sv, -2)), vh);
    ck_assert(clg_item(clg_amax(clg_abs(one), CLG_ALL, false), NULL) < 1e-5);
    ck_assert(clg_item(clg_amax(clg_abs(clg_sub(again, a)), CLG_ALL, false), NULL) < 1e-5);
    static const float turn[2][4] = { { 0, -100, 100, 0 }, { 0, 4097, 0, 0 } };
    double *y = read_all(clg_matrix_exp(clg_upload(dev, CLG_F32, CLG_SHAPE(2, 2, 2), turn)));
    const double want[4] = { cos(100), -sin(100), sin(100), cos(100) };
    for (int i = 0; i < 4; i++)
        ck_assert_msg(fabs(y[i] - want[i]) < 2e-4 && isnan(y[4 + i]), "element %d is %g, expected %g; %g", i, y[i], want[i], y[4 + i]);
    free(y);
    double *none = read_all(clg_cond(clg_zeros(dev, CLG_F32, CLG_SHAPE(2, 0, 3)), CLG_NORM_2));
    ck_assert(none[0] == 0 && none[1] == 0);
    free(none);
    ck_assert_int_eq(clg_matrix_norm(clg_zeros(dev, CLG_F32, CLG_SHAPE(0, 3)), CLG_NORM_NEG_2, 0, 1, false)->status, CLG_ESHAPE);
    ck_assert_int_eq(clg_matrix_power(clg_zeros(dev, CLG_I32, CLG_SHAPE(2, 2)), -1)->status, CLG_EDTYPE);
    ck_assert_int_eq(clg_lu_unpack(a, clg_zeros(dev, CLG_I32, CLG_SHAPE(3)), NULL, NULL)->status, CLG_ESHAPE);
    clg_scope_pop(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("factor");
    TCase *c = tcase_create("factor");
    tcase_set_timeout(c, 300);
    tcase_add_test(c, systems);
    tcase_add_test(c, orthogonal_factors);
    tcase_add_test(c, derivatives);
    tcase_add_test(c, gradient_of_a_determinant);
    tcase_add_test(c, edges);
    tcase_add_test(c, functions_of_matrices);
    suite_add_tcase(s, c);
    return run_suite(s);
}
