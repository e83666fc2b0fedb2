// SPDX-License-Identifier: MIT
// Attention and its gradients against loops in double: sizes around every block, views, masks, heads that share keys, what
// is dropped, rows of no key, and memory that grows with the lengths alone.
#include "testing.h"

#include <float.h>

typedef enum mask_kind { NO_MASK, CAUSAL, BOOL_MASK, ADDED_MASK, KEY_MASK } mask_kind;
typedef struct shape {
    int64_t b, h, shared, l, s, e, v; // `shared` heads of q have one of k and v
    mask_kind mask;
    bool turned; // [B,L,H,E] in memory
} shape;

// What is in host memory, in double: [b][h][rows][columns], masks [b][h][l][s] as what is added.
typedef struct host {
    double *q, *k, *v, *g, *mask, *kept, *o, *dq, *dk, *dv, *size; // size: of the sums that cancel in o
} host;

static double *doubles(int64_t n)
{
    double *p = calloc((size_t) n + 1, sizeof *p);
    ck_assert_ptr_nonnull(p);
    return p;
}

static int64_t heads_of(const shape *z)
{
    return z->h / z->shared;
}

static host host_of(const shape *z)
{
    const int64_t queries = z->b * z->h * z->l, keys = z->b * heads_of(z) * z->s;
    host m = { doubles(queries * z->e), doubles(keys * z->e), doubles(keys * z->v), doubles(queries * z->v),
               doubles(queries * z->s), doubles(queries * z->s), doubles(queries * z->v), doubles(queries * z->e),
               doubles(keys * z->e), doubles(keys * z->v), doubles(queries * z->v) };
    for (int64_t i = 0; i < queries * z->s; i++)
        m.kept[i] = 1;
    return m;
}

static void drop(host *m)
{
    double *all[] = { m->q, m->k, m->v, m->g, m->mask, m->kept, m->o, m->dq, m->dk, m->dv, m->size };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
}

static void attend(const shape *z, double scale, host *m)
{
    double *p = doubles(z->s), *d = doubles(z->s);
    for (int64_t r = 0; r < z->b * z->h * z->l; r++) {
        const int64_t bh = r / z->l, head = bh / z->h * heads_of(z) + bh % z->h / z->shared;
        const double *q = m->q + r * z->e, *k = m->k + head * z->s * z->e, *v = m->v + head * z->s * z->v;
        double top = -INFINITY, sum = 0, dot = 0;
        for (int64_t j = 0; j < z->s; j++) {
            double s = 0;
            for (int64_t e = 0; e < z->e; e++)
                s += q[e] * k[j * z->e + e];
            p[j] = s * scale + m->mask[r * z->s + j];
            if (m->mask[r * z->s + j] == -INFINITY)
                p[j] = -INFINITY;
            top = p[j] > top ? p[j] : top;
        }
        for (int64_t j = 0; j < z->s; j++) {
            p[j] = top == -INFINITY ? 0 : exp(p[j] - top);
            sum += p[j];
        }
        for (int64_t j = 0; j < z->s; j++) {
            p[j] = sum == 0 ? 0 : p[j] / sum;
            d[j] = 0;
            for (int64_t e = 0; e < z->v; e++) {
                m->o[r * z->v + e] += p[j] * m->kept[r * z->s + j] * v[j * z->v + e];
                m->dv[(head * z->s + j) * z->v + e] += p[j] * m->kept[r * z->s + j] * m->g[r * z->v + e];
                d[j] += m->g[r * z->v + e] * v[j * z->v + e] * m->kept[r * z->s + j];
            }
            dot += p[j] * d[j];
        }
        for (int64_t j = 0; j < z->s; j++) {
            for (int64_t e = 0; e < z->e; e++) {
                m->dq[r * z->e + e] += scale * p[j] * (d[j] - dot) * k[j * z->e + e];
                m->dk[(head * z->s + j) * z->e + e] += scale * p[j] * (d[j] - dot) * q[e];
            }
        }
    }
    free(p);
    free(d);
}

// p [b][h][rows][columns], rounded to t, as a tensor of this shape; a view where it is `turned`, and of a larger tensor.
static clg_tensor tensor_of(double *p, clg_dtype t, int64_t b, int64_t h, int64_t rows, int64_t columns, bool turned)
{
    const int64_t n = b * h * rows * columns;
    float *f = malloc((size_t) (n + 1) * sizeof *f);
    double *d = turned ? doubles(n) : p;
    for (int64_t i = 0; i < n; i++)
        p[i] = t == CLG_F64 ? p[i] : (double) (float) p[i];
    for (int64_t i = 0; turned && i < n; i++) {
        const int64_t c = i % columns, r = i / columns % rows, of = i / columns / rows;
        d[((of / h * rows + r) * h + of % h) * columns + c] = p[i];
    }
    for (int64_t i = 0; i < n; i++)
        f[i] = (float) d[i];
    const clg_shape s = turned ? CLG_SHAPE(b, rows, h, columns) : CLG_SHAPE(b, h, rows, columns);
    clg_tensor x = t == CLG_F64 ? clg_upload(dev, t, s, d) : clg_upload(dev, CLG_F32, s, f);
    if (t != CLG_F64 && t != CLG_F32) { // as it is rounded
        x = clg_cast(x, t);
        double *back = read_all(turned ? clg_transpose(x, 1, 2) : x);
        memcpy(p, back, (size_t) n * sizeof *p);
        free(back);
    }
    free(f);
    if (turned)
        free(d);
    return turned ? clg_transpose(x, 1, 2) : x;
}

static void compare(const char *what, const char *which, clg_tensor got, const double *want, int64_t n, double part)
{
    char name[160];
    double most = 0, *x = read_all(got), *bound = doubles(n);
    for (int64_t i = 0; i < n; i++)
        most = fmax(most, fabs(want[i]));
    for (int64_t i = 0; i < n; i++)
        bound[i] = part * (most + fabs(want[i]) + 0.1);
    snprintf(name, sizeof name, "%s, %s", what, which);
    expect_within(name, CLG_F64, x, want, bound, n);
    free(x);
    free(bound);
}

static double part_of(clg_dtype t)
{
    return t == CLG_F64 ? 1e-13 : t == CLG_F32 ? 4e-6 : t == CLG_F16 ? 2e-3 : 1.6e-2;
}

static clg_tensor mask_of(const shape *z, clg_dtype t, host *m)
{
    const int64_t n = z->b * z->h * z->l * z->s, own = z->mask == KEY_MASK ? z->b * z->s : z->l * z->s;
    uint8_t *yes = calloc((size_t) own + 1, 1);
    double *add = doubles(own);
    for (int64_t i = 0; i < own; i++) {
        yes[i] = rnd() > -0.4;
        add[i] = rnd() > -0.6 ? (double) (float) (2 * rnd()) : -INFINITY;
    }
    for (int64_t j = 0; z->l > 0 && j < z->s && z->mask != KEY_MASK; j++) { // of the first query nothing is left
        yes[j] = false;
        add[j] = -INFINITY;
    }
    for (int64_t i = 0; i < n; i++) {
        const int64_t j = i % z->s, l = i / z->s % z->l, b = i / z->s / z->l / z->h;
        const int64_t at = z->mask == KEY_MASK ? b * z->s + j : l * z->s + j;
        m->mask[i] = z->mask == CAUSAL ? (j > l ? -INFINITY : 0) : z->mask == ADDED_MASK ? add[at] : z->mask == NO_MASK || yes[at] ? 0 : -INFINITY;
    }
    clg_tensor x = NULL;
    if (z->mask == BOOL_MASK)
        x = clg_upload(dev, CLG_BOOL, CLG_SHAPE(z->l, z->s), yes);
    else if (z->mask == KEY_MASK)
        x = clg_upload(dev, CLG_BOOL, CLG_SHAPE(z->b, 1, 1, z->s), yes);
    else if (z->mask == ADDED_MASK && t == CLG_F64)
        x = clg_upload(dev, CLG_F64, CLG_SHAPE(z->l, z->s), add);
    else if (z->mask == ADDED_MASK) {
        float *f = malloc((size_t) (own + 1) * sizeof *f);
        for (int64_t i = 0; i < own; i++)
            f[i] = (float) add[i];
        x = clg_upload(dev, CLG_F32, CLG_SHAPE(z->l, z->s), f);
        free(f);
    }
    free(yes);
    free(add);
    return x;
}

static void try_shape(const shape *z, clg_dtype t)
{
    char what[160];
    clg_scope scope = clg_scope_push(dev);
    const int64_t kh = heads_of(z), queries = z->b * z->h * z->l, keys = z->b * kh * z->s;
    const double part = part_of(t), scale = z->e % 2 ? 0.3 : 1 / sqrt((double) z->e);
    host m = host_of(z);
    snprintf(what, sizeof what, "%s %lldx%lld/%lld, %lld queries, %lld keys, %lld and %lld, mask %d%s", clg_dtype_name(t),
             (long long) z->b, (long long) z->h, (long long) z->shared, (long long) z->l, (long long) z->s,
             (long long) z->e, (long long) z->v, z->mask, z->turned ? ", turned" : "");
    for (int64_t i = 0; i < queries * z->e; i++)
        m.q[i] = 2 * rnd();
    for (int64_t i = 0; i < keys * z->e; i++)
        m.k[i] = 2 * rnd();
    for (int64_t i = 0; i < keys * z->v; i++)
        m.v[i] = rnd();
    for (int64_t i = 0; i < queries * z->v; i++)
        m.g[i] = rnd();
    clg_tensor q = clg_track(tensor_of(m.q, t, z->b, z->h, z->l, z->e, z->turned));
    clg_tensor k = clg_track(tensor_of(m.k, t, z->b, kh, z->s, z->e, z->turned));
    clg_tensor v = clg_track(tensor_of(m.v, t, z->b, kh, z->s, z->v, z->turned));
    clg_tensor g = tensor_of(m.g, t, z->b, z->h, z->l, z->v, z->turned), mask = mask_of(z, t, &m), d[3];
    clg_tensor y = clg_scaled_dot_product_attention(
        q, k, v, clg_attention_params(.mask = mask, .is_causal = z->mask == CAUSAL, .scale = z->e % 2 ? 0.3 : 0, .enable_gqa = z->shared > 1));
    ok(y->status);
    ok(clg_vjp_n(y, g, (clg_tensor[]) { q, k, v }, 3, true, d));
    ok(clg_eval(y, d[0], d[1], d[2]));
    attend(z, scale, &m);
    compare(what, "y", y, m.o, queries * z->v, part);
    compare(what, "dq", d[0], m.dq, queries * z->e, 4 * part);
    compare(what, "dk", d[1], m.dk, keys * z->e, 4 * part);
    compare(what, "dv", d[2], m.dv, keys * z->v, 2 * part);
    drop(&m);
    clg_scope_pop(scope);
}

static const shape shapes[] = {
    { 2, 3, 1, 7, 5, 4, 6, NO_MASK, false },     { 1, 2, 1, 33, 33, 17, 16, CAUSAL, true },
    { 1, 1, 1, 1, 1, 1, 1, NO_MASK, false },     { 1, 2, 1, 1, 203, 64, 64, NO_MASK, true },
    { 1, 1, 1, 97, 193, 32, 20, NO_MASK, false },{ 2, 1, 1, 200, 97, 8, 40, CAUSAL, false },
    { 1, 2, 1, 101, 100, 16, 16, BOOL_MASK, false }, { 2, 2, 1, 19, 115, 24, 9, ADDED_MASK, true },
    { 2, 4, 2, 50, 61, 16, 33, KEY_MASK, true }, { 1, 6, 3, 37, 37, 12, 12, CAUSAL, false },
    { 1, 6, 6, 1, 150, 48, 48, CAUSAL, false },  { 1, 1, 1, 31, 70, 130, 100, NO_MASK, false },
    { 1, 9, 1, 40, 200, 32, 32, CAUSAL, false }, { 1, 1, 1, 3, 17, 4, 300, BOOL_MASK, false },
    { 3, 0, 1, 4, 5, 4, 4, NO_MASK, false },     { 1, 1, 1, 0, 5, 4, 4, NO_MASK, false },
    { 1, 1, 1, 4, 0, 4, 4, NO_MASK, false },     { 1, 1, 1, 300, 300, 64, 64, CAUSAL, true },
};

START_TEST(against_loops)
{
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        if (shapes[i].mask == NO_MASK || (shapes[i].mask == CAUSAL && on_pocl()) || in_turn(shapes[i].mask, 3)) // each is a kernel of its own
            try_shape(&shapes[i], CLG_F32);
    }
}
END_TEST

START_TEST(in_every_type)
{
    const clg_dtype types[] = { CLG_F16, CLG_BF16, CLG_F64 };
    for (int i = 0; i < 2 + clg_device_get_info(dev)->fp64; i++) {
        for (size_t k = 4; k < 9 && (on_pocl() || everything()); k++) {
            if (in_turn((int) k + 3 * i, 8))
                try_shape(&shapes[k], types[i]);
        }
    }
}
END_TEST

// The mask of an identity's values is what was dropped; gradients and another evaluation drop the same.
START_TEST(dropped)
{
    enum { L = 61, S = 130, E = 8 };
    if (!on_pocl() && !in_turn(0, 3))
        return;
    clg_scope scope = clg_scope_push(dev);
    const shape z = { 1, 2, 1, L, S, E, S, CAUSAL, false };
    host m = host_of(&z);
    for (int64_t i = 0; i < 2 * L * E; i++)
        m.q[i] = rnd();
    for (int64_t i = 0; i < 2 * S * E; i++)
        m.k[i] = rnd();
    for (int64_t i = 0; i < 2 * S; i++)
        m.v[i * S + i % S] = 1;
    for (int64_t i = 0; i < 2 * L * S; i++)
        m.g[i] = rnd();
    clg_tensor q = clg_track(tensor_of(m.q, CLG_F32, 1, 2, L, E, false)), k = clg_track(tensor_of(m.k, CLG_F32, 1, 2, S, E, false));
    clg_tensor v = clg_track(tensor_of(m.v, CLG_F32, 1, 2, S, S, false)), g = tensor_of(m.g, CLG_F32, 1, 2, L, S, false), d[3];
    clg_tensor y = clg_scaled_dot_product_attention(q, k, v, clg_attention_params(.is_causal = true, .dropout = 0.25));
    ok(clg_vjp_n(y, g, (clg_tensor[]) { q, k, v }, 3, true, d));
    double *x = read_all(y);
    int64_t kept = 0, seen = 0;
    for (int64_t i = 0; i < 2 * L * S; i++) {
        const bool may = i % S <= i / S % L;
        m.mask[i] = may ? 0 : -INFINITY;
        m.kept[i] = x[i] != 0 ? 1 / 0.75 : 0;
        seen += may;
        kept += x[i] != 0;
    }
    ck_assert_msg(fabs((double) kept / (double) seen - 0.75) < 0.05, "%lld of %lld are kept", (long long) kept, (long long) seen);
    attend(&z, 1 / sqrt((double) E), &m);
    compare("dropped", "y", y, m.o, 2 * L * S, 4e-6);
    compare("dropped", "dq", d[0], m.dq, 2 * L * E, 2e-5);
    compare("dropped", "dk", d[1], m.dk, 2 * S * E, 2e-5);
    compare("dropped", "dv", d[2], m.dv, 2 * S * S, 1e-5);
    clg_tensor none = clg_scaled_dot_product_attention(q, k, v, clg_attention_params(.dropout = 1));
    free(x);
    x = read_all(none);
    for (int64_t i = 0; i < 2 * L * S; i++)
        ck_assert(x[i] == 0);
    free(x);
    drop(&m);
    clg_scope_pop(scope);
}
END_TEST

// What is not seen does not matter, nor what a score that is infinite or not a number makes of other rows.
START_TEST(not_numbers)
{
    enum { L = 70, E = 16 };
    clg_scope scope = clg_scope_push(dev);
    float x[3][L * E];
    for (int i = 0; i < 3; i++)
        fill(x[i], L * E);
    clg_tensor q = clg_upload(dev, CLG_F32, CLG_SHAPE(L, E), x[0]), k = clg_upload(dev, CLG_F32, CLG_SHAPE(L, E), x[1]);
    clg_tensor v = clg_upload(dev, CLG_F32, CLG_SHAPE(L, E), x[2]);
    double *clean = read_all(clg_scaled_dot_product_attention(q, k, v, clg_attention_params(.is_causal = true)));
    x[1][40 * E + 3] = NAN;
    x[2][64 * E + 1] = INFINITY;
    k = clg_upload(dev, CLG_F32, CLG_SHAPE(L, E), x[1]);
    v = clg_upload(dev, CLG_F32, CLG_SHAPE(L, E), x[2]);
    double *got = read_all(clg_scaled_dot_product_attention(q, k, v, clg_attention_params(.is_causal = true)));
    for (int i = 0; i < L; i++) {
        for (int e = 0; e < E; e++)
            ck_assert_msg(i < 40 ? got[i * E + e] == clean[i * E + e] : isnan(got[i * E + e]), "row %d is %g", i, got[i * E + e]);
    }
    free(clean);
    free(got);
    clg_scope_pop(scope);
}
END_TEST

static double gradient_of_mask(const clg_tensor *x, int i)
{
    double *v = read_all(x[0]), at = v[i];
    free(v);
    return at;
}

// Of a mask that is added, and of other ranks: as what they broadcast to.
START_TEST(broadcast)
{
    clg_scope scope = clg_scope_push(dev);
    float some[512];
    clg_tensor q = upload(CLG_SHAPE(2, 3, 4, 5), some), k = upload(CLG_SHAPE(3, 6, 5), some), v = upload(CLG_SHAPE(2, 1, 6, 7), some);
    clg_tensor mask = clg_track(upload(CLG_SHAPE(3, 1, 6), some)), d, e;
    const clg_shape all = CLG_SHAPE(2, 3, 6, 5), of_v = CLG_SHAPE(2, 3, 6, 7);
    clg_tensor y = clg_scaled_dot_product_attention(q, k, v, clg_attention_params(.mask = mask));
    clg_tensor s = clg_add(clg_mul_scalar(clg_matmul(q, clg_transpose(clg_expand(k, all), -1, -2)), 1 / sqrt(5.0)), mask);
    clg_tensor w = clg_matmul(clg_softmax(s, -1), clg_expand(v, of_v));
    ok(clg_grad_n(clg_sum(clg_mul(y, y), CLG_ALL, false), &mask, 1, &d));
    ok(clg_grad_n(clg_sum(clg_mul(w, w), CLG_ALL, false), &mask, 1, &e));
    double *a = read_all(y), *b = read_all(w);
    for (int i = 0; i < 2 * 3 * 4 * 7; i++)
        ck_assert_msg(fabs(a[i] - b[i]) < 1e-5, "%d is %g, expected %g", i, a[i], b[i]);
    for (int i = 0; i < 18; i++)
        ck_assert_msg(fabs(gradient_of_mask(&d, i) - gradient_of_mask(&e, i)) < 1e-5, "gradient %d", i);
    free(a);
    free(b);
    y = clg_scaled_dot_product_attention(clg_reshape(clg_slice(q, 0, 0, 1, 1), CLG_SHAPE(12, 5)), clg_reshape(k, CLG_SHAPE(18, 5)),
                                         clg_ones(dev, CLG_F32, CLG_SHAPE(18, 1)), NULL);
    a = read_all(y);
    for (int i = 0; i < 12; i++)
        ck_assert_msg(fabs(a[i] - 1) < 1e-6, "weights add up to %g", a[i]);
    free(a);
    clg_scope_pop(scope);
}
END_TEST

// What an evaluation with its gradients takes at most, beyond its inputs.
static size_t peak_of(int64_t t)
{
    clg_device own;
    ok(clg_device_open(&own, NULL));
    const clg_shape s = CLG_SHAPE(1, 4, t, 32);
    clg_device_stats m;
    clg_tensor x[3], d[3];
    for (int i = 0; i < 3; i++)
        x[i] = clg_track(clg_uniform(own, CLG_F32, s, -1, 1));
    clg_tensor y = clg_scaled_dot_product_attention(x[0], x[1], x[2], clg_attention_params(.is_causal = true, .dropout = 0.1));
    ok(clg_grad_n(clg_sum(y, CLG_ALL, false), x, 3, d));
    ok(clg_eval(d[0], d[1], d[2]));
    m = clg_device_get_stats(own);
    clg_device_close(&own);
    return m.bytes_peak;
}

START_TEST(memory_is_linear)
{
    if (!on_pocl() && !everything())
        return;
    const size_t few = peak_of(512), many = peak_of(2048), scores = (size_t) 4 * 2048 * 2048 * sizeof(float);
    ck_assert_msg(many < 5 * few && many < scores / 2, "512 take %zu bytes, 2048 %zu", few, many);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("attention");
    TCase *t = tcase_create("attention");
    tcase_set_timeout(t, 0);
    tcase_add_test(t, against_loops);
    tcase_add_test(t, in_every_type);
    tcase_add_test(t, dropped);
    tcase_add_test(t, not_numbers);
    tcase_add_test(t, broadcast);
    tcase_add_test(t, memory_is_linear);
    suite_add_tcase(s, t);
    return run_suite(s);
}
