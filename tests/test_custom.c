// SPDX-License-Identifier: MIT
// Operations of an application's own: values and gradients, fusion, what is refused, and that nothing breaks around
// a text that does not compile.
#include "testing.h"

static const clg_tensor *one(clg_tensor t)
{
    static clg_tensor all[1];
    all[0] = t;
    return all;
}

static void expect_error(clg_status got, clg_status want, const char *part)
{
    const char *text = clg_error(dev, got);
    ck_assert_msg(got == want, "status %d, expected %d: %s", got, want, text);
    ck_assert_msg(strstr(text, part) != NULL, "'%s' is not in: %s", part, text);
    clg_error_clear(dev);
}

// ---- pointwise

// a * sigmoid(slope * a)
static clg_status swish_backward(const clg_custom_grad *c, clg_tensor *grad)
{
    clg_tensor k = clg_scalar(c->dev, c->in[0]->dtype, c->scalars[0]), s = clg_sigmoid(clg_mul(k, c->in[0]));
    clg_tensor slope = clg_add(s, clg_mul(clg_mul(k, c->y), clg_scalar_sub(1, s)));
    grad[0] = clg_mul(c->g, slope);
    return CLG_OK;
}

static clg_custom swish(void)
{
    return clg_custom_pointwise(dev, clg_custom_pointwise_params(.name = "swish", .inputs = "a", .scalars = "slope",
                                                                 .expression = "a / (1 + exp(-slope * a))",
                                                                 .backward = swish_backward));
}

static clg_tensor f_swish(const clg_tensor *x, int n, void *user)
{
    (void) user;
    return clg_custom_apply(swish(), x, n, clg_custom_numbers(.n_scalars = 1, .scalars = (double[]) { 1.5 }));
}

static clg_tensor f_swish_slope(const clg_tensor *x, int n, void *user)
{
    return clg_grad(clg_sum(f_swish(x, n, user), CLG_ALL, false), x[0]);
}

static void gradients(clg_tensor (*f)(const clg_tensor *, int, void *), int n)
{
    char report[400] = "";
    clg_scope s = clg_scope_push(dev);
    const clg_dtype t = clg_device_get_info(dev)->fp64 ? CLG_F64 : CLG_F32;
    clg_tensor x[2];
    for (int i = 0; i < n; i++)
        x[i] = clg_uniform(dev, t, CLG_SHAPE(3, 5), 0.2, 1.7);
    const clg_status st = clg_grad_check(f, NULL, x, n, clg_grad_check_params(.report = report, .report_size = sizeof report));
    ck_assert_msg(st >= 0, "%s %s", report, clg_error(dev, st));
    clg_scope_pop(s);
}

START_TEST(a_formula_is_right)
{
    enum { N = 37 };
    clg_scope s = clg_scope_push(dev);
    float x[N], y[N];
    double want[N];
    clg_tensor t = upload(CLG_SHAPE(N), x);
    for (double slope = 0.5; slope < 3; slope += 1) {
        clg_tensor r = clg_custom_apply(swish(), one(t), 1, clg_custom_numbers(.n_scalars = 1, .scalars = &slope));
        ok(clg_read(r, y, sizeof y));
        for (int i = 0; i < N; i++)
            want[i] = (double) x[i] / (1 + exp(-slope * (double) x[i]));
        same("swish", y, want, N, 1e-6);
    }
    clg_scope_pop(s);
    if (in_turn(0, 4))
        gradients(f_swish, 1);
    if (in_turn(1, 4))
        gradients(f_swish_slope, 1);
}
END_TEST

// Plain C, for an element at a time; on other numbers than these it would not end.
static clg_custom steps(void)
{
    return clg_custom_pointwise(dev, clg_custom_pointwise_params(
        .name = "collatz", .inputs = "a b", .integers = true, .expression = "NAME(steps)(a) + b // how many",
        .functions = "/* from n\n to 1 */\nT NAME(steps)(T n)\n{\n    T k = 0;\n"
                     "    while (n != 1) {\n        n = (n & 1) ? 3 * n + 1 : n >> 1;\n        k++;\n    }\n    return k;\n}"));
}

static int collatz_steps(int n)
{
    int k = 0;
    for (; n != 1; k++)
        n = n % 2 ? 3 * n + 1 : n / 2;
    return k;
}

START_TEST(plain_text_is_right)
{
    int32_t x[7 * 23], y[7 * 23];
    for (int i = 0; i < 7 * 23; i++)
        x[i] = 1 + i;
    const clg_shape shapes[] = { CLG_SHAPE(3), CLG_SHAPE(7, 23), CLG_SHAPE(5, 2), CLG_SHAPE(1) };
    for (int k = 0; k < 4; k++) {
        if (!in_turn(k, 4))
            continue;
        clg_scope s = clg_scope_push(dev);
        const int64_t n = clg_numel(shapes[k]);
        clg_tensor a = clg_upload(dev, CLG_I32, shapes[k], x), b = clg_upload(dev, CLG_I32, CLG_SHAPE(1), x + 4);
        clg_tensor r = clg_mul_scalar(clg_custom_apply(steps(), (clg_tensor[]) { a, b }, 2, NULL), 2);
        clg_tensor total = clg_sum(clg_custom_apply(steps(), (clg_tensor[]) { a, b }, 2, NULL), CLG_AXES(0), false);
        ok(clg_eval(total));
        ok(clg_read(r, y, (size_t) n * sizeof y[0]));
        for (int64_t i = 0; i < n; i++)
            ck_assert_int_eq(y[i], 2 * (collatz_steps(x[i]) + 5));
        clg_scope_pop(s);
    }
}
END_TEST

// As a choice, in all types, between neighbours that it fuses with: one kernel, and the bits of the built-in.
START_TEST(it_fuses_with_its_neighbours)
{
    const clg_dtype types[] = { CLG_F32, CLG_F16, CLG_BF16, CLG_F64 };
    clg_custom leaky = clg_custom_pointwise(dev, clg_custom_pointwise_params(
        .name = "leaky", .inputs = "a", .scalars = "slope", .expression = "a > 0 ? a : slope * a"));
    for (int k = 0; k < (clg_device_get_info(dev)->fp64 ? 4 : 3); k++) {
        if (!in_turn(k, 4))
            continue;
        clg_scope s = clg_scope_push(dev);
        clg_plan_info info;
        clg_tensor x = clg_cast(clg_normal(dev, CLG_F32, CLG_SHAPE(5, 35), 0, 1), types[k]);
        ok(clg_eval(x));
        const double slope = 0.25;
        clg_tensor before = clg_add_scalar(x, 0.5);
        clg_tensor mine = clg_custom_apply(leaky, one(before), 1, clg_custom_numbers(.n_scalars = 1, .scalars = &slope));
        clg_tensor y = clg_mul(clg_square(mine), x), want = clg_mul(clg_square(clg_leaky_relu(before, slope)), x);
        ck_assert_int_eq(y->dtype, types[k]);
        ok(clg_plan_n(dev, &y, 1, &info));
        ck_assert_uint_eq(info.launches, 1);
        double *got = read_all(y), *expected = read_all(want);
        for (int i = 0; i < 5 * 35; i++)
            ck_assert_msg(memcmp(&got[i], &expected[i], sizeof *got) == 0, "%s [%d]: %g, expected %g", clg_dtype_name(types[k]),
                          i, got[i], expected[i]);
        free(got);
        free(expected);
        clg_scope_pop(s);
    }
}
END_TEST

// At a product's end, and before and after a reduction.
START_TEST(it_fuses_into_kernels)
{
    clg_scope s = clg_scope_push(dev);
    float a[6 * 5], b[5 * 19], y[6 * 19], sums[6];
    double want[6 * 19], want_sums[6] = { 0 };
    clg_tensor x = upload(CLG_SHAPE(6, 5), a), w = upload(CLG_SHAPE(5, 19), b);
    clg_custom cube = clg_custom_pointwise(dev, clg_custom_pointwise_params(
        .name = "cube", .inputs = "a", .expression = "(float)a * a * a"));
    clg_tensor r = clg_custom_apply(cube, one(clg_matmul(x, w)), 1, NULL);
    clg_tensor total = clg_custom_apply(cube, one(clg_sum(r, CLG_AXES(1), false)), 1, NULL);
    clg_plan_info info;
    ok(clg_plan_n(dev, &r, 1, &info));
    ck_assert_uint_eq(info.launches, 1);
    ok(clg_eval(r, total));
    ok(clg_read(r, y, sizeof y));
    ok(clg_read(total, sums, sizeof sums));
    for (int i = 0; i < 6; i++) {
        for (int j = 0; j < 19; j++) {
            double v = 0;
            for (int k = 0; k < 5; k++)
                v += (double) a[i * 5 + k] * (double) b[k * 19 + j];
            want[i * 19 + j] = v * v * v;
            want_sums[i] += v * v * v;
        }
        want_sums[i] = want_sums[i] * want_sums[i] * want_sums[i];
    }
    same_beside("cube", y, want, 6 * 19, 1e-5, 1);
    same_beside("cube of sums", sums, want_sums, 6, 1e-4, 1);
    clg_scope_pop(s);
}
END_TEST

// Two results of the same inputs, which broadcast; the gradient of each.
static clg_status polar_backward(const clg_custom_grad *c, clg_tensor *grad)
{
    clg_tensor x = c->in[0], y = c->in[1], square = clg_add(clg_square(x), clg_square(y));
    if (c->output == 0) {
        grad[0] = clg_mul(c->g, clg_div(x, c->y));
        grad[1] = c->needed[1] ? clg_mul(c->g, clg_div(y, c->y)) : NULL;
    } else {
        grad[0] = clg_neg(clg_mul(c->g, clg_div(y, square)));
        grad[1] = clg_mul(c->g, clg_div(x, square));
    }
    return CLG_OK;
}

static clg_tensor f_polar(const clg_tensor *x, int n, void *user)
{
    clg_tensor r[2];
    (void) user;
    clg_custom op = clg_custom_pointwise(dev, clg_custom_pointwise_params(
        .name = "polar", .inputs = "x y", .expression = "sqrt(x * x + y * y)", .more = { "atan2(y, x)" },
        .backward = polar_backward));
    if (clg_custom_apply_n(op, x, n, NULL, r, 2) < 0)
        return r[0];
    return clg_add(r[0], clg_mul(r[1], clg_sum(r[1], CLG_AXES(0), true)));
}

START_TEST(several_results)
{
    if (in_turn(2, 4))
        gradients(f_polar, 2);
}
END_TEST

// ---- kernels

static clg_status running_backward(const clg_custom_grad *c, clg_tensor *grad)
{
    grad[0] = clg_flip(clg_custom_apply(c->user ? *(clg_custom *) c->user : NULL, one(clg_flip(c->g, CLG_AXES(-1))), 1, NULL),
                       CLG_AXES(-1));
    return CLG_OK;
}

static clg_status by_rows(const clg_custom_call *c, size_t global[3], size_t local[3], size_t *local_bytes)
{
    (void) local;
    (void) local_bytes;
    global[0] = (size_t) (clg_numel(c->out_shape[0]) / (c->out_shape[0].rank ? c->out_shape[0].dim[c->out_shape[0].rank - 1] : 1));
    return CLG_OK;
}

static clg_status at_least_one_axis(const clg_custom_call *c)
{
    if (c->in_shape[0].rank > 0)
        return CLG_OK;
    snprintf(c->error, c->error_size, "x has no axis to run along");
    return CLG_ESHAPE;
}

static clg_custom running_op;

static clg_custom running(void)
{
    running_op = clg_custom_kernel(dev, clg_custom_kernel_params(
        .name = "running", .inputs = "x", .shape = at_least_one_axis, .grid = by_rows, .backward = running_backward,
        .user = &running_op,
        .body = "const long n = x_dim[x_rank - 1], row = get_global_id(0);\nif (row * n >= x_n)\n    return;\nT sum = 0;\n"
                "for (long j = 0; j < n; j++) {\n    sum += LOAD_x(row * n + j);\n    STORE_y(row * n + j, sum);\n}"));
    return running_op;
}

static clg_tensor f_running(const clg_tensor *x, int n, void *user)
{
    (void) user;
    return clg_square(clg_custom_apply(running(), x, n, NULL));
}

START_TEST(a_kernel_is_right)
{
    const clg_dtype types[] = { CLG_F32, CLG_BF16, CLG_I32, CLG_F64 };
    for (int k = 0; k < (clg_device_get_info(dev)->fp64 ? 4 : 3); k++) {
        if (!in_turn(k, 4))
            continue;
        clg_scope s = clg_scope_push(dev);
        clg_tensor x = clg_cast(clg_arange(dev, CLG_F32, 0, 3 * 11, 1), types[k]);
        x = clg_slice(clg_transpose(clg_reshape(x, CLG_SHAPE(11, 3)), 0, 1), 0, 1, 3, 1); // strides and an offset
        double *got = read_all(clg_custom_apply(running(), one(x), 1, NULL)), *want = read_all(clg_cumsum(x, 1));
        for (int i = 0; i < 2 * 11; i++)
            ck_assert_msg(fabs(got[i] - want[i]) <= (types[k] == CLG_BF16 ? 0.02 : 0) * fabs(want[i]), "%s [%d]: %g, expected %g",
                          clg_dtype_name(types[k]), i, got[i], want[i]);
        free(got);
        free(want);
        clg_scope_pop(s);
    }
    if (in_turn(3, 4))
        gradients(f_running, 1);
    expect_error(clg_custom_apply(running(), one(clg_scalar(dev, CLG_F32, 1)), 1, NULL)->status, CLG_ESHAPE,
                 "x has no axis to run along [x scalar f32]");
    double *none = read_all(clg_custom_apply(running(), one(clg_zeros(dev, CLG_F32, CLG_SHAPE(0, 4))), 1, NULL));
    free(none);
}
END_TEST

// Two results of other shapes and types, scalars, whole numbers, groups with memory of their own.
static clg_status blocks_shape(const clg_custom_call *c)
{
    c->out_shape[0] = CLG_SHAPE((c->in_shape[0].dim[0] + c->ints[0] - 1) / c->ints[0]);
    c->out_shape[1] = c->out_shape[0];
    c->out_dtype[1] = CLG_I32;
    return CLG_OK;
}

static clg_status blocks_grid(const clg_custom_call *c, size_t global[3], size_t local[3], size_t *local_bytes)
{
    global[0] = (size_t) c->out_shape[0].dim[0] * 4;
    local[0] = 4;
    *local_bytes = 4 * sizeof(float);
    return CLG_OK;
}

START_TEST(results_numbers_and_local_memory)
{
    clg_custom op = clg_custom_kernel(dev, clg_custom_kernel_params(
        .name = "blocks", .inputs = "x", .outputs = "sum count", .scalars = "scale shift", .ints = "width",
        .shape = blocks_shape, .grid = blocks_grid,
        .body = "local float *part = (local float *)local_memory;\nconst long b = get_group_id(0), i = get_local_id(0);\n"
                "float s = 0;\nfor (long k = b * width + i; k < min((b + 1) * width, x_n); k += 4)\n    s += x[k];\n"
                "part[i] = s;\nbarrier(CLK_LOCAL_MEM_FENCE);\nif (i == 0) {\n"
                "    sum[b] = scale * (part[0] + part[1] + part[2] + part[3]) + shift;\n"
                "    count[b] = (int)(min((b + 1) * width, x_n) - b * width);\n}"));
    ck_assert_ptr_nonnull(op);
    float x[23];
    for (int64_t width = 5; width < 8; width += 2) {
        clg_scope s = clg_scope_push(dev);
        clg_tensor out[2], t = upload(CLG_SHAPE(23), x);
        const double numbers[] = { (double) width / 2, -1 };
        ok(clg_custom_apply_n(op, &t, 1, clg_custom_numbers(.n_scalars = 2, .scalars = numbers, .n_ints = 1, .ints = &width), out, 2));
        double *sum = read_all(out[0]), *count = read_all(out[1]);
        for (int64_t b = 0; b * width < 23; b++) {
            double want = 0;
            int n = 0;
            for (int64_t k = b * width; k < (b + 1) * width && k < 23; k++, n++)
                want += (double) x[k];
            ck_assert_msg(fabs(sum[b] - numbers[0] * want - numbers[1]) < 1e-5, "block %d", (int) b);
            ck_assert_int_eq((int) count[b], n);
        }
        free(sum);
        free(count);
        clg_scope_pop(s);
    }
}
END_TEST

// A row's running sums of its neighbour's elements, by way of scratch memory: as much as is asked for, by a number, by
// a function of shapes and whole numbers, or both.
static clg_status turn_scratch(const clg_custom_call *c, size_t *bytes)
{
    if (c->ints[0] < 0) {
        snprintf(c->error, c->error_size, "width %lld", (long long) c->ints[0]);
        return CLG_ESHAPE;
    }
    ck_assert_uint_eq(*bytes, 24);
    *bytes = c->ints[0] == 77 ? SIZE_MAX : (size_t) (clg_numel(c->in_shape[0]) * c->ints[0]) * sizeof(float);
    return CLG_OK;
}

static clg_status turn_grid(const clg_custom_call *c, size_t global[3], size_t local[3], size_t *local_bytes)
{
    (void) c;
    (void) local_bytes;
    global[0] = local[0] = 4; // one group, so that a barrier is enough
    return CLG_OK;
}

static clg_custom turn(bool asks)
{
    return clg_custom_kernel(dev, clg_custom_kernel_params(
        .name = asks ? "turn" : "turn24", .inputs = "x", .ints = "width", .grid = turn_grid, .scratch_bytes = 24,
        .scratch = asks ? turn_scratch : NULL,
        .body = "global float *kept = (global float *)scratch_memory;\nconst long i = get_local_id(0);\n"
                "for (long k = i; k < x_n * width; k += 4)\n    kept[k] = LOAD_x(k / width) + (float)(k % width);\n"
                "barrier(CLK_GLOBAL_MEM_FENCE);\n"
                "for (long k = i; k < x_n; k += 4) {\n    T s = 0;\n    for (long j = 0; j < width; j++)\n"
                "        s += kept[(x_n - 1 - k) * width + j];\n    STORE_y(k, s);\n}"));
}

START_TEST(scratch_memory_is_what_was_asked_for)
{
    clg_scope s = clg_scope_push(dev);
    float x[23];
    clg_tensor t = upload(CLG_SHAPE(23), x), six = clg_slice(t, 0, 5, 11, 1), y[3];
    y[0] = clg_custom_apply(turn(true), &t, 1, clg_custom_numbers(.n_ints = 1, .ints = (int64_t[]) { 3 }));
    y[1] = clg_custom_apply(turn(true), &y[0], 1, clg_custom_numbers(.n_ints = 1, .ints = (int64_t[]) { 2 }));
    y[2] = clg_custom_apply(turn(false), &six, 1, clg_custom_numbers(.n_ints = 1, .ints = (int64_t[]) { 1 })); // 24 bytes
    clg_plan_info info;
    ok(clg_plan_n(dev, y, 3, &info));
    ck_assert_uint_ge(info.bytes_peak, 23 * 3 * sizeof(float));
    ok(clg_eval_n(y, 3));
    double *got[3] = { read_all(y[0]), read_all(y[1]), read_all(y[2]) };
    for (int i = 0; i < 23; i++) {
        ck_assert_msg(fabs(got[0][i] - (3 * (double) x[22 - i] + 3)) < 1e-5, "[%d]: %g", i, got[0][i]);
        ck_assert_msg(fabs(got[1][i] - (6 * (double) x[i] + 7)) < 1e-5, "[%d]: %g", i, got[1][i]);
        ck_assert_msg(i >= 6 || fabs(got[2][i] - (double) x[10 - i]) < 1e-5, "[%d]: %g", i, got[2][i]);
    }
    for (int k = 0; k < 3; k++)
        free(got[k]);
    double *none = read_all(clg_custom_apply(turn(true), one(t), 1, clg_custom_numbers(.n_ints = 1, .ints = (int64_t[]) { 0 })));
    ck_assert_double_eq(none[22], 0); // no bytes, and the argument is there
    free(none);
    expect_error(clg_custom_apply(turn(true), &t, 1, clg_custom_numbers(.n_ints = 1, .ints = (int64_t[]) { -1 }))->status,
                 CLG_ESHAPE, "width -1 [x 23 f32]");
    expect_error(clg_custom_apply(turn(true), &t, 1, clg_custom_numbers(.n_ints = 1, .ints = (int64_t[]) { 77 }))->status,
                 CLG_EINVAL, "bytes of scratch memory, the device gives at most");
    ck_assert_ptr_null(clg_custom_kernel(dev, clg_custom_kernel_params(.name = "k", .inputs = "scratch_memory", .body = "y[0] = 0;")));
    expect_error(clg_error_status(dev), CLG_EINVAL, "'scratch_memory' among the inputs cannot be");
    ck_assert_ptr_null(clg_custom_kernel(dev, clg_custom_kernel_params(.name = "running", .inputs = "x", .body = "y[0] = 0;",
                                                                       .scratch_bytes = 8)));
    clg_error_clear(dev);
    clg_scope_pop(s);
}
END_TEST

// ---- what is refused

static void refuse_pointwise(struct clg_custom_pointwise_params p, const char *part)
{
    p.size = sizeof p;
    p.name = p.name ? p.name : "bad";
    p.inputs = p.inputs ? p.inputs : "a b";
    ck_assert_ptr_null(clg_custom_pointwise(dev, &p));
    expect_error(clg_error_status(dev), CLG_EINVAL, part);
}

START_TEST(texts_that_would_reach_out_are_refused)
{
    static char large[1 << 20];
    memset(large, '(', sizeof large - 1);
    const struct {
        const char *expression, *functions, *part;
    } bad[] = {
        { "", NULL, "expression: it is empty" },
        { NULL, NULL, "expression: it is empty" },
        { " // a", NULL, "expression: it is empty" },
        { "a)\n + (b", NULL, "line 1: ')' closes nothing" },
        { "a +\n(b", NULL, "line 2: '(' is not closed" },
        { "a; }", NULL, "';' in an expression" },
        { "({ a; })", NULL, "'{' in an expression" },
        { "a\n#define v0 1\n+ b", NULL, "line 2: '#' is not allowed" },
        { "a /* b", NULL, "line 1: a comment does not end" },
        { "a \\", NULL, "'\\' is not allowed" },
        { "a ?" "?/", NULL, "is not allowed" },
        { "a <% b", NULL, "'<%' is not allowed" },
        { "a + \"b\"", NULL, "'\"' is not allowed" },
        { "a + K_f32(1)", NULL, "'K_f32' is a name of the library's" },
        { "a + CHUNK", NULL, "'CHUNK' is a name of the library's" },
        { "a + own_y", NULL, "'own_y' is a name of the library's" },
        { "a + \xc3\xa9", NULL, "line 1: byte 0xc3 is not allowed" },
        { large, NULL, "it has 1048575 bytes, at most 65536 are taken" },
        { "a", "float f(float x) { return x; }", "functions: line 1: 'f' is to be NAME(f)" },
        { "a", "T NAME(f)(T x) { return x; }\n}", "functions: line 2: '}' closes nothing" },
        { "a", "\ntypedef int t;", "functions: line 2: 'typedef' outside of a function" },
        { "a", "constant float c[2] = { 1, 2 };", "'c' is to be NAME(c)" },
        { "a", "__attribute__((constructor)) T NAME(f)(T x) { return x; }", "'__attribute__' is not allowed" },
        { "a", "kernel void NAME(k)() { }", "'kernel' is not allowed" },
        { "NAME(f(a))", NULL, "NAME is written NAME(f)" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refuse_pointwise((struct clg_custom_pointwise_params) { .expression = bad[i].expression, .functions = bad[i].functions },
                         bad[i].part);
    large[70000] = '\0';
    memset(large, '(', 60000);
    large[60000] = '\0';
    refuse_pointwise((struct clg_custom_pointwise_params) { .expression = large }, "more than 128 brackets in each other");
    refuse_pointwise((struct clg_custom_pointwise_params) { .expression = "a / b", .integers = true }, "trap where integers");
}
END_TEST

START_TEST(definitions_that_are_wrong_are_refused)
{
    refuse_pointwise((struct clg_custom_pointwise_params) { .name = "", .expression = "a" }, "the name is missing");
    refuse_pointwise((struct clg_custom_pointwise_params) { .name = "x\"y", .expression = "a" }, "has other characters");
    refuse_pointwise((struct clg_custom_pointwise_params) { .inputs = " ", .expression = "a" }, "0 inputs and 0 scalars");
    refuse_pointwise((struct clg_custom_pointwise_params) { .inputs = "a b c d e f g h", .scalars = "i", .expression = "a" },
                     "8 inputs and 1 scalars");
    refuse_pointwise((struct clg_custom_pointwise_params) { .inputs = "a b c d e f g h i", .expression = "a" }, "more than 8 inputs");
    refuse_pointwise((struct clg_custom_pointwise_params) { .inputs = "a a", .expression = "a" }, "'a' among the inputs is there twice");
    refuse_pointwise((struct clg_custom_pointwise_params) { .inputs = "a float", .expression = "a" }, "'float' among the inputs cannot be");
    refuse_pointwise((struct clg_custom_pointwise_params) { .inputs = "a x+", .expression = "a" }, "'x+' among the inputs cannot be");
    refuse_pointwise((struct clg_custom_pointwise_params) { .inputs = "T", .expression = "T" }, "'T' among the inputs cannot be");
    refuse_pointwise((struct clg_custom_pointwise_params) { .expression = "a", .more = { NULL, "a" } }, "more[0] is NULL, more[1] is not");
    ck_assert_ptr_null(clg_custom_pointwise(dev, NULL));
    expect_error(clg_error_status(dev), CLG_EINVAL, "the definition is NULL");
    ck_assert_ptr_null(clg_custom_kernel(dev, NULL));
    expect_error(clg_error_status(dev), CLG_EINVAL, "the definition is NULL");
#ifndef CLG_DEBUG // a bug of the caller's, which traps
    ck_assert_ptr_null(clg_custom_pointwise(NULL, NULL));
#endif
    ck_assert_ptr_null(clg_custom_kernel(dev, clg_custom_kernel_params(.name = "k", .inputs = "x")));
    expect_error(clg_error_status(dev), CLG_EINVAL, "body: it is empty");
    ck_assert_ptr_null(clg_custom_kernel(dev, clg_custom_kernel_params(.name = "k", .inputs = "x", .body = "} void f() {")));
    expect_error(clg_error_status(dev), CLG_EINVAL, "body: line 1: '}' closes nothing");
    // the same definition is one operation, another one of its name is none
    ck_assert_ptr_eq(swish(), swish());
    refuse_pointwise((struct clg_custom_pointwise_params) { .name = "swish", .inputs = "a", .expression = "a" },
                     "the name is that of another definition");
}
END_TEST

static clg_status empty_grid(const clg_custom_call *c, size_t global[3], size_t local[3], size_t *local_bytes)
{
    (void) c;
    (void) global;
    (void) local_bytes;
    if (c->user) {
        global[0] = 1u << 22;
        local[0] = 1u << 21;
    }
    return CLG_OK;
}

static clg_status bad_shape(const clg_custom_call *c)
{
    c->out_shape[0].rank = *(int *) c->user;
    c->out_shape[0].dim[0] = -1;
    return CLG_OK;
}

START_TEST(calls_that_are_wrong_are_refused)
{
    clg_scope s = clg_scope_push(dev);
    clg_tensor x = clg_ones(dev, CLG_F32, CLG_SHAPE(2, 3)), out[2];
    static int ranks[] = { 1, 9, -1 };
    expect_error(clg_custom_apply(swish(), &x, 1, NULL)->status, CLG_EINVAL, "swish: 0 scalars given, expected 1");
    expect_error(clg_custom_apply(swish(), &x, 2, NULL)->status, CLG_EINVAL, "swish: 2 inputs given, expected 1");
    expect_error(clg_custom_apply(swish(), NULL, 1, clg_custom_numbers(.n_scalars = 1, .scalars = (double[]) { 1 }))->status,
                 CLG_EINVAL, "swish: the inputs are NULL");
    expect_error(clg_custom_apply(swish(), &x, 1, clg_custom_numbers(.n_scalars = 1))->status, CLG_EINVAL,
                 "swish: the scalars are NULL");
    expect_error(clg_custom_apply_n(swish(), &x, 1, clg_custom_numbers(.n_scalars = 1, .scalars = (double[]) { 1 }), out, 2),
                 CLG_EINVAL, "swish: 2 results given, expected 1");
    ck_assert_int_eq(out[1]->status, CLG_EINVAL);
#ifndef CLG_DEBUG
    ck_assert_int_eq(clg_custom_apply(NULL, &x, 1, NULL)->status, CLG_EINVAL);
#endif
    clg_tensor two[] = { x, clg_ones(dev, CLG_F32, CLG_SHAPE(4)) };
    clg_custom polar = clg_custom_pointwise(dev, clg_custom_pointwise_params(
        .name = "plus", .inputs = "x y", .expression = "x + y"));
    expect_error(clg_custom_apply(polar, two, 2, NULL)->status, CLG_ESHAPE, "shapes do not broadcast [x 2x3 f32, y 4 f32]");
    expect_error(clg_grad_n(clg_sum(clg_custom_apply(polar, (clg_tensor[]) { x, x }, 2, NULL), CLG_ALL, false), &x, 1, out),
                 CLG_EGRAD, "has no derivative here");
    for (int large = 0; large < 2; large++) {
        clg_custom k = clg_custom_kernel(dev, clg_custom_kernel_params(.name = large ? "huge" : "none", .inputs = "x",
                                                                       .body = "y[0] = 0;", .grid = empty_grid,
                                                                       .user = large ? ranks : NULL));
        expect_error(clg_custom_apply(k, &x, 1, NULL)->status, CLG_EINVAL, large ? "the device runs at most" : "a grid of no items");
    }
    for (int i = 0; i < 3; i++) {
        char name[] = "shape0";
        name[5] = (char) ('0' + i);
        clg_custom k = clg_custom_kernel(dev, clg_custom_kernel_params(.name = name, .inputs = "x", .body = "y[0] = 0;",
                                                                       .shape = bad_shape, .user = &ranks[i]));
        expect_error(clg_custom_apply(k, &x, 1, NULL)->status, CLG_ESHAPE, "an impossible shape");
    }
    clg_scope_pop(s);
}
END_TEST

// ---- backward functions that are wrong

static clg_status hostile_backward(const clg_custom_grad *c, clg_tensor *grad)
{
    switch (*(int *) c->user) {
    case 0:
        grad[0] = clg_sum(c->g, CLG_ALL, false);
        return CLG_OK;
    case 1:
        grad[0] = clg_poison(c->dev, CLG_EINVAL, "no such luck");
        return CLG_OK;
    case 2:
        return clg_fail(c->dev, CLG_EINVAL, "out of order");
    case 3: {
        clg_scope s = clg_scope_push(c->dev);
        grad[0] = clg_neg(c->g);
        clg_scope_pop(s);
        return CLG_OK;
    }
    case 4:
        grad[0] = clg_cast(c->g, CLG_I32);
        return CLG_OK;
    default:
        return CLG_OK; // zero
    }
}

START_TEST(backward_functions_that_are_wrong)
{
    static int which;
    const char *part[] = { "hostile: the gradient of input 'a' is scalar, expected 2x3", "no such luck",
                           "out of order", "hostile: the gradient of input 'a' was used",
                           "hostile: the gradient of input 'a' is i32" };
    const clg_status st[] = { CLG_ESHAPE, CLG_EINVAL, CLG_EINVAL, CLG_EINVAL, CLG_EDTYPE };
    clg_custom op = clg_custom_pointwise(dev, clg_custom_pointwise_params(
        .name = "hostile", .inputs = "a", .expression = "-a", .backward = hostile_backward, .user = &which));
    for (which = 0; which < 6; which++) {
        clg_scope s = clg_scope_push(dev);
        clg_tensor x = clg_track(clg_ones(dev, CLG_F32, CLG_SHAPE(2, 3))), g;
        const clg_status got = clg_grad_n(clg_sum(clg_custom_apply(op, &x, 1, NULL), CLG_ALL, false), &x, 1, &g);
        if (which < 5) {
            expect_error(got, st[which], part[which]);
        } else {
            double *zero = read_all(g);
            ck_assert(zero[5] == 0);
            free(zero);
        }
        clg_scope_pop(s);
    }
}
END_TEST

// ---- texts that do not compile

START_TEST(compile_errors_are_clear_and_harm_nothing)
{
    clg_custom bad = clg_custom_pointwise(dev, clg_custom_pointwise_params(
        .name = "oops", .inputs = "a", .expression = "a +\n\n  nothing_of_the_kind * 2"));
    clg_custom worse = clg_custom_kernel(dev, clg_custom_kernel_params(
        .name = "oops.kernel", .inputs = "x", .body = "const long i = get_global_id(0);\nif (i < y_n)\n    y[i] = q[i];"));
    clg_scope s = clg_scope_push(dev);
    float x[6], y[6];
    clg_tensor t = upload(CLG_SHAPE(2, 3), x);
    clg_var v = clg_var_create(t);
    ok(clg_eval_assigned(dev));
    clg_device_stats before = clg_device_get_stats(dev);
    for (int k = 0; k < 2; k++) {
        clg_tensor broken = clg_square(clg_custom_apply(k ? worse : bad, one(clg_var_value(v)), 1, NULL));
        ok(clg_var_assign(v, clg_neg(clg_var_value(v))));
        expect_error(clg_eval(broken), CLG_EBUILD, k ? "custom oops.kernel: its text did not compile" : "custom oops: its text did not compile");
        ck_assert_int_lt(clg_eval(broken), 0);
        ck_assert_ptr_nonnull(strstr(clg_error(dev, CLG_OK), ":3:"));
        clg_error_clear(dev);
        ok(clg_read(clg_var_value(v), y, sizeof y)); // as it was
        ck_assert_int_eq(memcmp(x, y, sizeof x), 0);
    }
    ok(clg_read(clg_neg(t), y, sizeof y));
    for (int i = 0; i < 6; i++)
        ck_assert(y[i] == -x[i]);
    clg_device_stats after = clg_device_get_stats(dev);
    ck_assert_uint_le(after.nodes, before.nodes + 16);
    clg_var_destroy(&v);
    clg_scope_pop(s);
}
END_TEST

// The same program twice: nothing is compiled again, other numbers and shapes included; another recorder has its own.
START_TEST(what_is_compiled_is_found_again)
{
    clg_scope s = clg_scope_push(dev);
    clg_device other;
    ok(clg_device_open(&other, clg_device_params(.share = dev)));
    uint64_t built = 0;
    for (int k = 0; k < 4; k++) {
        clg_tensor x = clg_uniform(dev, CLG_F32, CLG_SHAPE(17 + k, 20), -1, 1);
        const double slope = 1 + k;
        ok(clg_eval(x));
        ok(clg_eval(clg_custom_apply(swish(), &x, 1, clg_custom_numbers(.n_scalars = 1, .scalars = &slope))));
        if (k > 0)
            ck_assert_uint_eq(clg_device_get_stats(dev).programs_built, built);
        built = clg_device_get_stats(dev).programs_built;
    }
#ifndef CLG_DEBUG
    clg_tensor far = clg_uniform(other, CLG_F32, CLG_SHAPE(17, 20), -1, 1);
    ck_assert_int_eq(clg_custom_apply(swish(), &far, 1, clg_custom_numbers(.n_scalars = 1, .scalars = (double[]) { 1 }))->status,
                     CLG_EINVAL);
#endif
    clg_custom own = clg_custom_pointwise(other, clg_custom_pointwise_params(
        .name = "swish", .inputs = "a", .scalars = "slope", .expression = "a / (1 + exp(-slope * a))",
        .backward = swish_backward));
    ck_assert_ptr_nonnull(own);
    ck_assert(own != swish());
    clg_device_close(&other);
#ifndef CLG_DEBUG
    clg_tensor x = clg_ones(dev, CLG_F32, CLG_SHAPE(2));
    ck_assert_int_eq(clg_custom_apply(own, &x, 1, NULL)->status, CLG_EINVAL); // it ended with its device
    clg_error_clear(dev);
#endif
    clg_scope_pop(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("custom");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 0);
    tcase_add_test(c, a_formula_is_right);
    tcase_add_test(c, plain_text_is_right);
    tcase_add_test(c, it_fuses_with_its_neighbours);
    tcase_add_test(c, it_fuses_into_kernels);
    tcase_add_test(c, several_results);
    tcase_add_test(c, a_kernel_is_right);
    tcase_add_test(c, results_numbers_and_local_memory);
    tcase_add_test(c, scratch_memory_is_what_was_asked_for);
    tcase_add_test(c, texts_that_would_reach_out_are_refused);
    tcase_add_test(c, definitions_that_are_wrong_are_refused);
    tcase_add_test(c, calls_that_are_wrong_are_refused);
    tcase_add_test(c, backward_functions_that_are_wrong);
    tcase_add_test(c, compile_errors_are_clear_and_harm_nothing);
    tcase_add_test(c, what_is_compiled_is_found_again);
    suite_add_tcase(s, c);
    return run_suite(s);
}
