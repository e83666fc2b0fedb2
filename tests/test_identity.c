// SPDX-License-Identifier: MIT
// Operations of several outputs, what evaluated tensors keep, sweeps inside sweeps, identity of operations,
// and limits: each is kept, or refused with a sentence. With operations made for these tests.
#include "base/alloc.h"
#include "device/internal.h"
#include "graph/build.h"
#include "graph/node.h"
#include "sched/cache.h"

#include "testing.h"

static clg_scope begin(void)
{
    clg_error_clear(dev);
    return clg_scope_push(dev);
}

static void end(clg_scope s)
{
    clg_scope_pop(s);
    clg_error_clear(dev);
}

static uint64_t launches(void)
{
    return clg_device_get_stats(dev).launches;
}

static clg_tensor ramp4(void)
{
    return clg_upload(dev, CLG_F32, CLG_SHAPE(4), (float[]) { 0, 1, 2, 3 });
}

static void expect(clg_tensor t, const float *want, int n)
{
    float got[64];
    ok(clg_read(t, got, (size_t) n * sizeof *got));
    for (int i = 0; i < n; i++)
        ck_assert_msg(fabsf(got[i] - want[i]) <= 1e-5f * fabsf(want[i]), "element %d is %g, expected %g", i,
                      (double) got[i], (double) want[i]);
}

// ---- two outputs: 2 a + 1 and 3 a + 2

static void plan_two(const clg__kernel_call *c, clg__kplan *p)
{
    clg__launch *l = clg__kplan_kernel(p, NULL, "two");
    clg__str_add(&l->text, "kernel void NAME(two)(global const float *a, long o, global float *x, "
                           "global float *y)\n{\n    const int i = get_global_id(0);\n"
                           "    x[i] = 2 * a[o + i] + 1;\n    y[i] = 3 * a[o + i] + 2;\n}\n");
    clg__arg_in(p, l, 0);
    clg__arg_in_offset(p, l, 0);
    clg__arg_out(p, l, 0);
    clg__arg_out(p, l, 1);
    clg__kplan_grid(l, (size_t) clg_numel(c->out_shape[0]), 1, 1, 1, 1, 1);
}

static clg_tensor two_vjp(const clg__vjp *v, int i)
{
    ck_assert_int_eq(i, 0);
    return clg_mul_scalar(v->g, v->out ? 3 : 2);
}

static const clg__variant two_variants[] = { { "items", NULL, plan_two, false } };
static const clg__op op_two = { .name = "two", .kind = CLG__KERNEL, .vjp = two_vjp,
                                .variants = two_variants, .n_variants = 1 };

static void two(clg_tensor a, clg_tensor out[2])
{
    clg__call c;
    ck_assert(clg__call_begin(&c, "two", "a", 1, (clg_tensor[]) { a }));
    const clg_dtype t[2] = { CLG_F32, CLG_F32 };
    const clg_shape s[2] = { a->shape, a->shape };
    clg__call_node_n(&c, &op_two, 2, t, s, NULL, out);
}

static const float want_two[2][4] = { { 1, 3, 5, 7 }, { 2, 5, 8, 11 } };

START_TEST(each_output_holds_its_own_value)
{
    for (int tracked = 0; tracked < 2; tracked++) {
        for (int order = 0; order < 3; order++) { // which is evaluated first; 2: together
            clg_scope s = begin();
            clg_tensor x = ramp4(), out[2];
            x = tracked ? clg_track(x) : x;
            two(x, out);
            if (order == 2)
                ok(clg_eval(out[0], out[1]));
            for (int k = 0; k < 2; k++) {
                const int at = order == 1 ? 1 - k : k;
                const uint64_t buffers = clg_device_get_stats(dev).buffers_used;
                expect(out[at], want_two[at], 4);
                // a buffer for what is asked for; the first plan has none of geometry
                if (order < 2 && (tracked || order || k))
                    ck_assert_uint_le(clg_device_get_stats(dev).buffers_used, buffers + 1);
                expect(out[at], want_two[at], 4);
                expect(clg_mul_scalar(out[at], 2), (float[]) { 2 * want_two[at][0], 2 * want_two[at][1],
                                                               2 * want_two[at][2], 2 * want_two[at][3] }, 4);
                expect(clg_slice(out[at], 0, 1, 3, 1), want_two[at] + 1, 2);
            }
            end(s);
        }
    }
}
END_TEST

START_TEST(outputs_outlive_each_other)
{
    clg_scope s = begin();
    clg_tensor out[2];
    clg_scope inner = clg_scope_push(dev);
    two(ramp4(), out);
    clg_escape(out[1]);
    ok(clg_eval(out[0]));
    clg_scope_pop(inner);
    expect(out[1], want_two[1], 4);
    end(s);
}
END_TEST

START_TEST(gradients_go_through_each_output)
{
    for (int evaluated = 0; evaluated < 3; evaluated++) {
        clg_scope s = begin();
        clg_tensor x = clg_track(ramp4()), out[2];
        two(x, out);
        if (evaluated)
            ok(clg_eval(out[evaluated - 1]));
        clg_tensor y = clg_sum(clg_mul(clg_mul(out[0], out[0]), out[1]), CLG_ALL, false);
        // u = 2x+1, v = 3x+2: d u^2 v = 4 u v + 3 u^2
        expect(clg_grad(y, x), (float[]) { 11, 87, 235, 455 }, 4);
        // and one alone
        expect(clg_grad(clg_sum(out[1], CLG_ALL, false), x), (float[]) { 3, 3, 3, 3 }, 4);
        end(s);
    }
}
END_TEST

START_TEST(more_outputs_than_there_may_be_are_refused)
{
    clg_scope s = begin();
    clg_tensor x = ramp4(), out[CLG__MAX_OUTPUTS + 1];
    clg_dtype t[CLG__MAX_OUTPUTS + 1] = { CLG_F32 };
    clg_shape shapes[CLG__MAX_OUTPUTS + 1];
    clg__call c;
    for (int i = 0; i <= CLG__MAX_OUTPUTS; i++)
        shapes[i] = x->shape;
    ck_assert(clg__call_begin(&c, "two", "a", 1, &x));
    clg__call_node_n(&c, &op_two, CLG__MAX_OUTPUTS + 1, t, shapes, NULL, out);
    for (int i = 0; i <= CLG__MAX_OUTPUTS; i++)
        ck_assert_int_eq(out[i]->status, CLG_EINVAL);
    ck_assert_ptr_nonnull(strstr(clg_error(dev, 0), "5 outputs, expected at most 4"));
    end(s);
}
END_TEST

// ---- what is evaluated is not computed again

static clg_tensor product(clg_tensor w)
{
    static float host[256];
    clg_tensor x = clg_upload(dev, CLG_F32, CLG_SHAPE(16, 16), host);
    return clg_matmul(clg_matmul(clg_exp(x), w), w); // a reshape of a kernel's result
}

START_TEST(views_of_what_is_evaluated_compute_nothing_again)
{
    static float ones[256];
    for (int i = 0; i < 256; i++)
        ones[i] = 1;
    for (int tracked = 0; tracked < 2; tracked++) {
        clg_scope s = begin();
        clg_tensor w = clg_upload(dev, CLG_F32, CLG_SHAPE(16, 16), ones);
        w = tracked ? clg_track(w) : w;
        clg_tensor y = product(w), before = clg_slice(y, 0, 2, 4, 1);
        clg_tensor through = clg_slice(clg_detach(y), 1, 2, 4, 1), shaped = clg_reshape(y, CLG_SHAPE(4, 64));
        ok(clg_eval(y));
        clg_tensor views[] = { before, through, clg_slice(y, 0, 0, 8, 1), clg_transpose(y, 0, 1),
                               clg_reshape(y, CLG_SHAPE(256)), clg_slice(shaped, 0, 1, 3, 1), clg_flip(y, CLG_ALL),
                               clg_expand(clg_slice(y, 0, 0, 1, 1), CLG_SHAPE(4, 16)),
                               clg_pad(y, CLG_SHAPE(1, 0), CLG_SHAPE(0, 1), 0), clg_detach(y) };
        for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
            const uint64_t had = launches();
            const double n = (double) clg_numel(views[i]->shape), pad = i == 8 ? 33 : 0;
            ck_assert_double_eq(clg_item(clg_sum(views[i], CLG_ALL, false), NULL), 256 * (n - pad));
            ck_assert_msg(launches() <= had + 2, "view %zu, tracked %d: %llu launches", i, tracked,
                          (unsigned long long) (launches() - had));
        }
        if (tracked) { // history is there nevertheless
            clg_tensor g = clg_grad(clg_sum(clg_slice(y, 0, 0, 1, 1), CLG_ALL, false), w);
            ck_assert_double_eq(clg_item(clg_sum(g, CLG_ALL, false), NULL), 2 * 256 * 16);
        }
        end(s);
    }
}
END_TEST

// Evaluating a name for it, or a view of all of it, is evaluating it.
START_TEST(a_whole_view_evaluates_what_it_shows)
{
    static float ones[256];
    for (int which = 0; which < 3; which++) {
        clg_scope s = begin();
        clg_tensor w = clg_track(clg_upload(dev, CLG_F32, CLG_SHAPE(16, 16), ones));
        clg_tensor y = product(w);
        ok(clg_eval(which == 0 ? clg_detach(y) : which == 1 ? clg_reshape(y, CLG_SHAPE(2, 128)) : clg_track(y)));
        const uint64_t had = launches();
        ck_assert_double_eq(clg_item(clg_sum(y, CLG_ALL, false), NULL), 0);
        ck_assert_uint_le(launches(), had + 1);
        // numbers stay what they are: arguments
        clg_tensor one = clg_scalar(dev, CLG_F32, 1);
        ok(clg_eval(clg_detach(one)));
        ck_assert_ptr_null(clg__node_of(one)->buf);
        end(s);
    }
}
END_TEST

// ---- every result has an event of its own

START_TEST(every_result_of_a_launch_can_be_waited_for)
{
    enum { N = 70 };
    static float host[256];
    clg_scope s = begin();
    clg_tensor x[N], y[N];
    for (int i = 0; i < N; i++)
        x[i] = clg_upload(dev, CLG_F32, CLG_SHAPE(100 + i), host);
    for (int i = 0; i < N; i++)
        y[i] = clg_exp(x[i]);
    const uint64_t had = launches();
    ok(clg_eval_n(y, N));
    ck_assert_uint_le(launches() - had, 8);
    for (int i = 0; i < N; i++) {
        ck_assert_ptr_nonnull(((clg__buf *) clg__node_of(y[i])->buf)->written);
        ck_assert_double_eq_tol(clg_item(clg_mean(y[i], CLG_ALL, false), NULL), 1, 1e-6);
    }
    end(s);
}
END_TEST

// ---- derivatives that differentiate, and that evaluate

static clg_tensor inner_function(clg_tensor x)
{
    return clg_sin(clg_mul(clg_exp(x), x));
}

static bool evaluates;

static clg_tensor checkpoint_vjp(const clg__vjp *v, int i)
{
    clg_tensor x = v->in[0], y = inner_function(x), out;
    (void) i;
    if (evaluates)
        ok(clg_eval_n(v->in, v->n_in));
    clg_vjp_n(y, v->g, &x, 1, true, &out);
    return out;
}
static const clg__op op_checkpoint = { .name = "checkpoint", .kind = CLG__ALIAS, .vjp = checkpoint_vjp };

START_TEST(a_derivative_may_differentiate)
{
    float want[4];
    for (int k = 0; k < 5; k++) { // 0: without; 2, 4: of a leaf that nothing tracks; 3, 4: evaluating too
        clg_scope s = begin();
        clg_tensor x = clg_upload(dev, CLG_F32, CLG_SHAPE(4), (float[]) { .1f, .2f, .3f, .4f });
        x = k == 2 || k == 4 ? x : clg_track(x);
        evaluates = k >= 3;
        clg_tensor q = clg_tanh(clg_exp(x)), t = clg_mul(clg_mul(x, x), q), y = inner_function(t);
        if (k)
            y = clg__custom_vjp(&op_checkpoint, clg_detach(y), 1, &t, NULL);
        clg_tensor z = clg_sum(clg_mul(clg_tanh(y), clg_mul(q, clg_tanh(t))), CLG_ALL, false);
        clg_tensor g = clg_grad(z, x);
        ck_assert_msg(g->status >= 0, "%d: %s", k, clg_error(dev, 0));
        if (k == 0)
            ok(clg_read(g, want, sizeof want));
        else
            expect(g, want, 4);
        end(s);
    }
}
END_TEST

// ---- many inputs

enum { MANY = 70 };

static void plan_many(const clg__kernel_call *c, clg__kplan *p)
{
    clg__launch *l = clg__kplan_kernel(p, NULL, "many");
    clg__str_add(&l->text, "kernel void NAME(many)(global float *y");
    clg__arg_out(p, l, 0);
    for (int i = 0; i < c->n_in; i++) {
        clg__str_printf(&l->text, ", global const float *a%d", i);
        clg__arg_in(p, l, i);
    }
    clg__str_add(&l->text, ")\n{\n    const int i = get_global_id(0);\n    y[i] = 0");
    for (int i = 0; i < c->n_in; i++)
        clg__str_printf(&l->text, " + %d * a%d[i]", i + 1, i);
    clg__str_add(&l->text, ";\n}\n");
    clg__kplan_grid(l, (size_t) clg_numel(c->out_shape[0]), 1, 1, 1, 1, 1);
}
static const clg__variant many_variants[] = { { "items", NULL, plan_many, false } };
static const clg__op op_many = { .name = "many", .kind = CLG__KERNEL, .variants = many_variants,
                                 .n_variants = 1 };

// Each input is a value of its own that the plan has to keep until the operation has read it.
START_TEST(an_operation_of_many_inputs_loses_none)
{
    clg_scope s = begin();
    clg_tensor x = ramp4(), in[MANY];
    double sum = 0;
    for (int i = 0; i < MANY; i++) {
        in[i] = clg_sum(clg_expand(clg_mul_scalar(x, i), CLG_SHAPE(3, 4)), CLG_AXES(0), false);
        sum += 3.0 * i * (i + 1);
    }
    clg__call c;
    ck_assert(clg__call_begin(&c, "many", NULL, MANY, in));
    clg_tensor y = clg__call_node(&c, &op_many, CLG_F32, &x->shape, NULL);
    expect(y, (float[]) { 0, (float) sum, (float) (2 * sum), (float) (3 * sum) }, 4);
    end(s);
}
END_TEST

static clg_tensor weighted_vjp(const clg__vjp *v, int i)
{
    ck_assert_int_eq(v->n_in, 20);
    return clg_mul_scalar(v->g, i + 1);
}
static const clg__op op_weighted = { .name = "weighted", .kind = CLG__ALIAS, .vjp = weighted_vjp };

START_TEST(a_derivative_of_many_inputs_loses_none)
{
    clg_scope s = begin();
    clg_tensor in[20], y = ramp4(), g[20];
    for (int i = 0; i < 20; i++)
        in[i] = clg_track(ramp4());
    y = clg__custom_vjp(&op_weighted, y, 20, in, NULL);
    ok(clg_grad_n(clg_sum(y, CLG_ALL, false), in, 20, g));
    for (int i = 0; i < 20; i++)
        ck_assert_double_eq(clg_item(clg_mean(g[i], CLG_ALL, false), NULL), i + 1);
    end(s);
}
END_TEST

// ---- identity: operations made at run time, and keys

static void plan_plus(const clg__kernel_call *c, clg__kplan *p, int what)
{
    clg__launch *l = clg__kplan_kernel(p, NULL, "plus");
    clg__str_printf(&l->text, "kernel void NAME(plus)(global const float *a, global float *y)\n{\n"
                              "    y[get_global_id(0)] = a[get_global_id(0)] + %d;\n}\n", what);
    clg__arg_in(p, l, 0);
    clg__arg_out(p, l, 0);
    clg__kplan_grid(l, (size_t) clg_numel(c->out_shape[0]), 1, 1, 1, 1, 1);
}

static void plan_plus_1(const clg__kernel_call *c, clg__kplan *p)
{
    plan_plus(c, p, 1);
}

static void plan_plus_2(const clg__kernel_call *c, clg__kplan *p)
{
    plan_plus(c, p, 2);
}

START_TEST(an_operation_in_the_place_of_one_that_is_gone_is_another)
{
    static const clg__variant one[] = { { "items", NULL, plan_plus_1, false } },
                              other[] = { { "items", NULL, plan_plus_2, false } };
    clg__op place;
    for (int k = 0; k < 4; k++) {
        clg_scope s = begin();
        clg__call c;
        clg_tensor x = ramp4();
        memset(&place, 0, sizeof place);
        place.name = "plus";
        place.kind = CLG__KERNEL;
        place.variants = k & 1 ? other : one;
        place.n_variants = 1;
        ck_assert(clg__call_begin(&c, "plus", "a", 1, &x));
        const float by = k & 1 ? 2 : 1;
        expect(clg__call_node(&c, &place, CLG_F32, &x->shape, NULL), (float[]) { by, 1 + by, 2 + by, 3 + by }, 4);
        end(s);
    }
}
END_TEST

static clg__key key_of(clg__node **roots, int n)
{
    clg__err err = { 0 };
    clg__key k = { 0 };
    clg__work w = { .dev = dev, .err = &err, .fuse = true, .outputs = roots, .n_outputs = n };
    ck_assert(clg__work_collect(&w));
    ck_assert(clg__work_key(&w, &k));
    clg__work_free(&w);
    return k;
}

START_TEST(no_key_begins_with_another)
{
    enum { N = 24 };
    clg_scope s = begin();
    clg__key k[N];
    clg_tensor x = ramp4(), in[8];
    int n = 0;
    for (int i = 0; i < 8; i++)
        in[i] = ramp4();
    for (int inputs = 1; inputs <= 6; inputs++) {
        clg__call c;
        ck_assert(clg__call_begin(&c, "many", NULL, inputs, in));
        clg__node *roots[4];
        for (int i = 0; i < 4; i++)
            roots[i] = clg__node_of(clg__call_node(&c, &op_many, CLG_F32, &x->shape, NULL));
        for (int r = 1; r <= 4; r++)
            k[n++] = key_of(roots, r);
    }
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            const size_t shorter = k[i].bytes.length < k[j].bytes.length ? k[i].bytes.length : k[j].bytes.length;
            ck_assert_msg(i == j || memcmp(k[i].bytes.text, k[j].bytes.text, shorter) != 0, "keys %d and %d", i, j);
        }
    }
    for (int i = 0; i < n; i++)
        clg__str_free(&k[i].bytes);
    end(s);
}
END_TEST

// ---- what a device cannot do is said before it is tried

static size_t wished_items, wished_local;
static int wished_arguments;

static void plan_wish(const clg__kernel_call *c, clg__kplan *p)
{
    (void) c;
    clg__launch *l = clg__kplan_kernel(p, NULL, "wish");
    clg__str_add(&l->text, "kernel void NAME(wish)(global const float *a, global float *y, local float *s");
    clg__arg_in(p, l, 0);
    clg__arg_out(p, l, 0);
    clg__arg_local(p, l, wished_local);
    for (int i = 0; i < wished_arguments; i++) {
        clg__str_printf(&l->text, ", long x%d", i);
        clg__arg_i64(p, l, i);
    }
    clg__str_add(&l->text, ")\n{\n    s[0] = a[0];\n    y[get_global_id(0)] = s[0];\n}\n");
    clg__kplan_grid(l, 1, 1, 1, wished_items, 1 + (wished_items > 1), 1);
}
static const clg__variant wish_variants[] = { { "items", NULL, plan_wish, false } };
static const clg__op op_wish = { .name = "wish", .kind = CLG__KERNEL, .variants = wish_variants,
                                 .n_variants = 1 };

static clg_status wish(size_t items, size_t local, int arguments)
{
    clg_scope s = begin();
    clg__call c;
    clg_tensor x = ramp4();
    wished_items = items;
    wished_local = local;
    wished_arguments = arguments;
    clg_device_trim(dev); // the wishes are in no key
    ck_assert(clg__call_begin(&c, "wish", "a", 1, &x));
    const clg_status st = clg_eval(clg__call_node(&c, &op_wish, CLG_F32, &x->shape, NULL));
    clg_scope_pop(s);
    return st;
}

START_TEST(what_a_device_cannot_run_is_refused_with_the_sizes)
{
    ok(wish(1, 64, 3));
    ck_assert_int_eq(wish(1 << 20, 64, 3), CLG_EDEVICE);
    ck_assert_msg(strstr(clg_error(dev, 0), "kernel wish_") && strstr(clg_error(dev, 0), "1048576"), "%s",
                  clg_error(dev, 0));
    ck_assert_int_eq(wish(1, (size_t) 1 << 40, 3), CLG_EDEVICE);
    ck_assert_msg(strstr(clg_error(dev, 0), "kernel wish_") && strstr(clg_error(dev, 0), "local memory"), "%s",
                  clg_error(dev, 0));
    ck_assert_int_eq(wish(1, 64, 170), CLG_EINVAL);
    ck_assert_ptr_nonnull(strstr(clg_error(dev, 0), "kernel wish: more than 160 arguments"));
    const int most = dev->caps->max_parameter_bytes;
    if (most > 0 && most < 140 * 8) {
        ck_assert_int_eq(wish(1, 64, 140), CLG_EDEVICE);
        ck_assert_msg(strstr(clg_error(dev, 0), "bytes of arguments"), "%s", clg_error(dev, 0));
    }
    clg_error_clear(dev);
    ok(wish(1, 64, 3));
    ok(clg_sync(dev));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("identity");
    TCase *c = tcase_create("identity");
    tcase_set_timeout(c, 300);
    tcase_add_test(c, each_output_holds_its_own_value);
    tcase_add_test(c, outputs_outlive_each_other);
    tcase_add_test(c, gradients_go_through_each_output);
    tcase_add_test(c, more_outputs_than_there_may_be_are_refused);
    tcase_add_test(c, views_of_what_is_evaluated_compute_nothing_again);
    tcase_add_test(c, a_whole_view_evaluates_what_it_shows);
    tcase_add_test(c, every_result_of_a_launch_can_be_waited_for);
    tcase_add_test(c, a_derivative_may_differentiate);
    tcase_add_test(c, an_operation_of_many_inputs_loses_none);
    tcase_add_test(c, a_derivative_of_many_inputs_loses_none);
    tcase_add_test(c, an_operation_in_the_place_of_one_that_is_gone_is_another);
    tcase_add_test(c, no_key_begins_with_another);
    tcase_add_test(c, what_a_device_cannot_run_is_refused_with_the_sizes);
    suite_add_tcase(s, c);
    return run_suite(s);
}
