// SPDX-License-Identifier: MIT
// Formulas, proved by numbers from outside: forward and gradient of every op against PyTorch, in F32 and
// where the device has it in F64. The file and its format: golden_torch.py.
#include "../tools/cases.h"
#include "reference.h"
#include "testing.h"

enum { MAX_IN = 8, MAX_PARAMS = 12 };

typedef struct record {
    char name[64], op[256];
    double p[MAX_PARAMS];
    int n_p, n_in;
    char kind[MAX_IN];
    clg_shape shape[MAX_IN], out_shape;
    double *in[MAX_IN], *out, *grad[MAX_IN];
} record;

static clg_dtype real = CLG_F32;
static uint64_t digest = 14695981039346656037u; // of all results (FNV-1a): process.py compares runs

static double *read_values(FILE *f, int64_t n)
{
    double *v = calloc((size_t) n + 1, sizeof *v);
    for (int64_t i = 0; i < n; i++)
        ck_assert_int_eq(fscanf(f, "%lf", &v[i]), 1);
    return v;
}

static clg_shape read_shape(FILE *f)
{
    clg_shape s = { 0 };
    ck_assert_int_eq(fscanf(f, "%d", &s.rank), 1);
    for (int d = 0; d < s.rank; d++) {
        long n;
        ck_assert_int_eq(fscanf(f, "%ld", &n), 1);
        s.dim[d] = n;
    }
    return s;
}

// One record; stops before the next "case". word holds the last word read.
static bool read_record(FILE *f, record *r, char word[64])
{
    memset(r, 0, sizeof *r);
    if (strcmp(word, "case") != 0)
        return false;
    ck_assert_int_eq(fscanf(f, "%63s %255s", r->name, r->op), 2);
    while (fscanf(f, "%63s", word) == 1 && strcmp(word, "end") != 0)
        r->p[r->n_p++] = atof(word);
    word[0] = '\0';
    while (fscanf(f, "%63s", word) == 1 && strcmp(word, "case") != 0) {
        if (strcmp(word, "in") == 0) {
            const int k = r->n_in++;
            ck_assert_int_eq(fscanf(f, " %c", &r->kind[k]), 1);
            r->shape[k] = read_shape(f);
            r->in[k] = read_values(f, clg_numel(r->shape[k]));
        } else if (strcmp(word, "out") == 0) {
            r->out_shape = read_shape(f);
            r->out = read_values(f, clg_numel(r->out_shape));
        } else {
            int k;
            ck_assert_int_eq(fscanf(f, "%d", &k), 1);
            r->grad[k] = read_values(f, clg_numel(r->shape[k]));
        }
        word[0] = '\0';
    }
    return true;
}

static clg_shape rest(const record *r, int from)
{
    clg_shape s = { 0 };
    for (int i = from; i < r->n_p; i++)
        s.dim[s.rank++] = (int64_t) r->p[i];
    return s;
}

static clg_tensor apply_simple(const record *r, clg_tensor *x)
{
#define TRY_UNARY(id)                                                                              \
    if (strcmp(r->op, #id) == 0)                                                                   \
        return clg_##id(x[0]);
    CLG_UNARY_MAP(TRY_UNARY)
#define TRY_BINARY(id)                                                                             \
    if (strcmp(r->op, #id) == 0)                                                                   \
        return clg_##id(x[0], x[1]);
    CLG_BINARY_MAP(TRY_BINARY)
#define TRY_REDUCE(id)                                                                             \
    if (strcmp(r->op, #id) == 0)                                                                   \
        return clg_##id(x[0], rest(r, 1), r->p[0] != 0);
    TRY_REDUCE(sum)
    TRY_REDUCE(mean)
    TRY_REDUCE(amax)
    TRY_REDUCE(amin)
    TRY_REDUCE(any)
    TRY_REDUCE(all)
    TRY_REDUCE(argmax)
    TRY_REDUCE(argmin)
    TRY_REDUCE(logsumexp)
    return NULL;
}

static clg_tensor apply_movement(const record *r, clg_tensor *x)
{
    const double *p = r->p;
#define IS(id) (strcmp(r->op, id) == 0)
    if (IS("reshape"))
        return clg_reshape(x[0], rest(r, 0));
    if (IS("permute"))
        return clg_permute(x[0], rest(r, 0));
    if (IS("expand"))
        return clg_expand(x[0], rest(r, 0));
    if (IS("slice"))
        return clg_slice(x[0], (int) p[0], (int64_t) p[1], (int64_t) p[2], (int64_t) p[3]);
    if (IS("flip"))
        return clg_flip(x[0], rest(r, 0));
    if (IS("pad"))
        return clg_pad(x[0], CLG_SHAPE((int64_t) p[1], (int64_t) p[2], (int64_t) p[3]),
                       CLG_SHAPE((int64_t) p[4], (int64_t) p[5], (int64_t) p[6]), p[0]);
    if (IS("flatten"))
        return clg_flatten(x[0], (int) p[0], (int) p[1]);
    if (IS("transpose"))
        return clg_transpose(x[0], (int) p[0], (int) p[1]);
    if (IS("squeeze"))
        return clg_squeeze(x[0], rest(r, 0));
    if (IS("unsqueeze"))
        return clg_unsqueeze(x[0], (int) p[0]);
    if (IS("concat"))
        return clg_concat_n(x, r->n_in, (int) p[0]);
    if (IS("stack"))
        return clg_stack_n(x, r->n_in, (int) p[0]);
    if (IS("one_hot"))
        return clg_one_hot(x[0], (int64_t) p[0]);
    if (IS("index_select"))
        return clg_index_select(x[0], (int) p[0], x[1]);
    if (IS("where"))
        return clg_where(x[0], x[1], x[2]);
    return NULL;
}

static clg_tensor apply_rest(const record *r, clg_tensor *x)
{
    const double *p = r->p;
    if (IS("leaky_relu"))
        return clg_leaky_relu(x[0], p[0]);
    if (IS("elu"))
        return clg_elu(x[0], p[0]);
    if (IS("softplus"))
        return clg_softplus(x[0], p[0], p[1]);
    if (IS("clamp"))
        return clg_clamp(x[0], p[0], p[1]);
    if (IS("variance"))
        return clg_variance(x[0], rest(r, 2), (int) p[1], p[0] != 0);
    if (IS("std"))
        return clg_std(x[0], rest(r, 2), (int) p[1], p[0] != 0);
    if (IS("softmax"))
        return clg_softmax(x[0], (int) p[0]);
    if (IS("log_softmax"))
        return clg_log_softmax(x[0], (int) p[0]);
    if (IS("cross_entropy"))
        return clg_cross_entropy(x[0], x[1],
                                 clg_cross_entropy_params(.reduction = (clg_reduction) p[0],
                                                          .label_smoothing = p[1],
                                                          .weight = p[2] != 0 ? x[2] : NULL));
    if (IS("mse_loss"))
        return clg_mse_loss(x[0], x[1], (clg_reduction) p[0]);
    if (IS("matmul"))
        return clg_matmul(p[0] == 2 ? clg_transpose(x[0], 0, 1) : x[0],
                          p[0] != 0 ? clg_transpose(x[1], 0, 1) : x[1]);
    if (IS("conv2d"))
        return clg_conv2d(x[0], x[1], x[2],
                          clg_conv2d_params(.stride = (int) p[0], .padding = (int) p[1],
                                            .dilation = (int) p[2], .groups = (int) p[3]));
    if (IS("max_pool2d"))
        return clg_max_pool2d(x[0], clg_pool2d_params(.kernel = (int) p[0], .stride = (int) p[1],
                                                      .padding = (int) p[2], .dilation = (int) p[3],
                                                      .ceil_mode = p[4] != 0));
    if (IS("avg_pool2d"))
        return clg_avg_pool2d(x[0], clg_pool2d_params(.kernel = (int) p[0], .stride = (int) p[1],
                                                      .padding = (int) p[2], .ceil_mode = p[3] != 0,
                                                      .exclude_padding = p[4] != 0));
    if (IS("conv2d_hw"))
        return clg_conv2d(x[0], x[1], NULL,
                          clg_conv2d_params(.stride_h = (int) p[0], .stride_w = (int) p[1],
                                            .padding_h = (int) p[2], .padding_w = (int) p[3],
                                            .dilation_h = (int) p[4], .dilation_w = (int) p[5]));
    if (IS("max_pool2d_hw") || IS("avg_pool2d_hw")) {
        const struct clg_pool2d_params *q =
            clg_pool2d_params(.kernel_h = (int) p[0], .kernel_w = (int) p[1],
                              .stride_h = (int) p[2], .stride_w = (int) p[3],
                              .padding_h = (int) p[4], .padding_w = (int) p[5]);
        return IS("max_pool2d_hw") ? clg_max_pool2d(x[0], q) : clg_avg_pool2d(x[0], q);
    }
    if (IS("running")) {
        clg_tensor now[2] = { NULL, NULL };
        clg_batch_norm(x[0], NULL, NULL, x[1], x[2],
                       clg_batch_norm_params(.training = true, .momentum = p[0],
                                             .new_mean = &now[0], .new_var = &now[1]));
        return now[p[1] != 0];
    }
    if (IS("batch_norm"))
        return clg_batch_norm(x[0], x[1], x[2], x[3], x[4],
                              clg_batch_norm_params(.training = p[0] != 0));
    return NULL;
}

// An expression of tools/cases.txt: what it says of its inputs is not used.
static clg_tensor apply_expression(const record *r, clg_tensor *x)
{
    char line[400], error[CASE_ERROR];
    if (!strchr(r->op, '('))
        return NULL;
    int n = snprintf(line, sizeof line, "golden | %s |", r->op);
    for (int k = 0; k < r->n_in; k++)
        n += snprintf(line + n, sizeof line - (size_t) n, " real(0,1)[1]");
    disturb(false); // numbers of a test's text are the C library's
    const bool read = cases_read(r->name, line, error);
    disturb(true);
    ck_assert_msg(read, "%s", error);
    for (int k = 0; k < op_case_count; k++) {
        if (strcmp(op_cases[k].name, "golden") == 0) // the others come with the maps of ops.h
            return case_apply(&op_cases[k], x);
    }
    return NULL;
}

// Records are recorded together and run as one evaluation, so that their kernels share few programs.
// Inputs of the file have nine digits; PyTorch has constants in float, such as 1/6 of hard_sigmoid.
static const double DIGITS = 5e-9, FLOAT_CONSTANTS = 5e-8;
enum { BATCH = 40, RESULTS = MAX_IN + 1 };

typedef struct upload_row {
    clg_tensor t;
    void *data;
    double *numbers; // as they are in the file
} upload_row;

typedef struct batch {
    record r[BATCH];
    upload_row up[BATCH * (MAX_IN + 1)]; // equal inputs are one tensor: their kernels fuse
    int n_up;
    clg_tensor result[BATCH][RESULTS]; // forward, then the gradients that the file has
    int input[BATCH][RESULTS];         // whose gradient
    ref_value reference[BATCH][RESULTS];
    int n_results[BATCH], n;
} batch;

static void *as_elements(clg_dtype t, const double *v, int64_t n)
{
    void *p = calloc((size_t) n + 1, 8);
    for (int64_t i = 0; i < n; i++) {
        if (t == CLG_F32)
            ((float *) p)[i] = (float) v[i];
        else if (t == CLG_F64)
            ((double *) p)[i] = v[i];
        else if (t == CLG_I64)
            ((int64_t *) p)[i] = (int64_t) v[i];
        else
            ((uint8_t *) p)[i] = v[i] != 0;
    }
    return p;
}

static clg_tensor shared_upload(batch *b, clg_dtype t, clg_shape s, const double *v, bool track)
{
    const size_t bytes = (size_t) clg_numel(s) * clg_dtype_size(t);
    void *p = as_elements(t, v, clg_numel(s));
    for (int i = 0; i < b->n_up; i++) {
        const clg_tensor x = b->up[i].t;
        if (x->dtype == t && clg_is_tracked(x) == track && x->shape.rank == s.rank &&
            memcmp(x->shape.dim, s.dim, (size_t) s.rank * sizeof s.dim[0]) == 0 &&
            memcmp(p, b->up[i].data, bytes) == 0) {
            free(p);
            return x;
        }
    }
    disturb(true);
    clg_tensor x = clg_upload(dev, t, s, p);
    disturb(false);
    if (track)
        x = clg_track(x);
    double *numbers = malloc(((size_t) clg_numel(s) + 1) * sizeof *numbers);
    memcpy(numbers, v, (size_t) clg_numel(s) * sizeof *numbers);
    b->up[b->n_up++] = (upload_row) { x, p, numbers };
    return x;
}

static clg_tensor upload_input(batch *b, const record *r, int k)
{
    const clg_dtype t = r->kind[k] == 'i' ? CLG_I64 : r->kind[k] == 'b' ? CLG_BOOL : real;
    return shared_upload(b, t, r->shape[k], r->in[k], r->kind[k] == 'f');
}

// Within what the reference allows this graph, and the file's nine digits.
static void compare(const record *r, const char *part, clg_tensor t, const ref_value *bounds, const double *want)
{
    char what[200];
    const size_t bytes = (size_t) bounds->n * clg_dtype_size(t->dtype);
    char *raw = calloc(bytes + 8, 1);
    double *bound = calloc((size_t) bounds->n + 1, sizeof *bound);
    snprintf(what, sizeof what, "%s %s (%s)", r->name, part, clg_dtype_name(real));
    disturb(true);
    const clg_status st = clg_read(t, raw, bytes);
    disturb(false);
    for (size_t i = 0; i < bytes; i++)
        digest = (digest ^ (unsigned char) raw[i]) * 1099511628211u;
    ck_assert_msg(st >= 0, "%s: %s", what, clg_error(dev, st));
    for (int64_t i = 0; i < bounds->n; i++)
        bound[i] = isfinite(want[i]) ? reference_error(bounds, i) + FLOAT_CONSTANTS * fabs(want[i]) : 0;
    expect_within(what, t->dtype, raw, want, bound, bounds->n);
    free(bound);
    free(raw);
}

static void add_gradients(batch *b, int k, const clg_tensor *x)
{
    const record *r = &b->r[k];
    const clg_tensor y = b->result[k][0];
    clg_tensor wrt[MAX_IN];
    int n = 0;
    for (int i = 0; i < r->n_in; i++) {
        if (r->grad[i]) {
            b->input[k][n + 1] = i;
            wrt[n++] = x[i];
        }
    }
    if (n == 0)
        return;
    const int64_t m = clg_numel(y->shape);
    double *w = calloc((size_t) m + 1, sizeof *w);
    for (int64_t i = 0; i < m; i++)
        w[i] = (double) (37 * i % 11 - 5) / 5;
    const clg_tensor seed = shared_upload(b, y->dtype, y->shape, w, false);
    free(w);
    disturb(true);
    const clg_status st = clg_vjp_n(y, seed, wrt, n, false, b->result[k] + 1);
    disturb(false);
    ck_assert_msg(st >= 0, "%s: %s", r->name, clg_error(dev, st));
    b->n_results[k] += n;
}

static void record_graph(batch *b, int k)
{
    const record *r = &b->r[k];
    clg_tensor x[MAX_IN];
    for (int i = 0; i < r->n_in; i++)
        x[i] = upload_input(b, r, i);
    disturb(true);
    clg_tensor y = apply_simple(r, x);
    y = y ? y : apply_movement(r, x);
    y = y ? y : apply_expression(r, x);
    y = y ? y : apply_rest(r, x);
    disturb(false);
    ck_assert_msg(y != NULL, "%s: no op '%s'", r->name, r->op);
    ck_assert_msg(y->status >= 0, "%s: %s", r->name, clg_error(dev, y->status));
    ck_assert_msg(y->shape.rank == r->out_shape.rank &&
                      memcmp(y->shape.dim, r->out_shape.dim, (size_t) y->shape.rank * 8) == 0,
                  "%s: wrong shape", r->name);
    b->result[k][0] = y;
    b->n_results[k] = 1;
    add_gradients(b, k, x);
}

static void interpret(batch *b)
{
    reference *r = reference_create(true);
    for (int i = 0; i < b->n_up; i++)
        reference_set_about(r, b->up[i].t, b->up[i].numbers, DIGITS);
    for (int k = 0; k < b->n; k++) {
        for (int i = 0; i < b->n_results[k]; i++)
            b->reference[k][i] = reference_copy(reference_of(r, b->result[k][i]));
    }
    reference_free(r);
}

static void drop_record(record *r)
{
    for (int i = 0; i < MAX_IN; i++) {
        free(r->in[i]);
        free(r->grad[i]);
    }
    free(r->out);
}

static void run_batch(batch *b)
{
    clg_tensor all[BATCH * RESULTS];
    int n = 0;
    clg_scope s = clg_scope_push(dev);
    for (int k = 0; k < b->n; k++) {
        record_graph(b, k);
        for (int i = 0; i < b->n_results[k]; i++)
            all[n++] = b->result[k][i];
    }
    interpret(b);
    // A failure here is named by the reads below, which then evaluate one by one.
    disturb(true);
    clg_eval_n(all, n);
    disturb(false);
    clg_error_clear(dev);
    for (int k = 0; k < b->n; k++) {
        record *r = &b->r[k];
        compare(r, "forward", b->result[k][0], &b->reference[k][0], r->out);
        for (int i = 1; i < b->n_results[k]; i++)
            compare(r, "gradient", b->result[k][i], &b->reference[k][i], r->grad[b->input[k][i]]);
        for (int i = 0; i < b->n_results[k]; i++)
            reference_drop(&b->reference[k][i]);
        drop_record(r);
    }
    for (int i = 0; i < b->n_up; i++) {
        free(b->up[i].data);
        free(b->up[i].numbers);
    }
    b->n = b->n_up = 0;
    clg_scope_pop(s);
}

static void run_file(clg_dtype t)
{
    static batch b;
    const char *path = getenv("CLGRAD_GOLDEN");
    char word[64] = "";
    int count = 0;
    FILE *f = fopen(path ? path : "tests/data/golden.txt", "r");
    ck_assert_msg(f != NULL, "golden.txt is missing");
    real = t;
    b.n = b.n_up = 0;
    ck_assert_msg(fscanf(f, "torch %*s %63s", word) == 1, "golden.txt does not begin with its version");
    for (;; count++) {
        c_numbers(true);
        const bool more = read_record(f, &b.r[b.n], word);
        c_numbers(false);
        if (!more)
            break;
        if (strncmp(b.r[b.n].op, "float_power", 11) == 0 && !clg_device_has(dev, CLG_F64))
            drop_record(&b.r[b.n]); // it has no other type
        else if (strchr(b.r[b.n].op, '(') && !in_turn(count / 16, 9))
            drop_record(&b.r[b.n]); // expressions are many: a quarter each time, neighbours share kernels
        else if (t == CLG_F32 && !in_turn(count, 3)) // the others next time; f64 has all of it
            drop_record(&b.r[b.n]);
        else if (++b.n == BATCH)
            run_batch(&b);
    }
    run_batch(&b);
    fclose(f);
    cases_close();
    ck_assert_int_ge(count, 200);
}

START_TEST(f32_agrees_with_pytorch)
{
    if (!on_pocl() || everything()) // there `cases` has all of f32
        run_file(CLG_F32);
}
END_TEST

START_TEST(f64_agrees_with_pytorch)
{
    if (clg_device_has(dev, CLG_F64))
        run_file(CLG_F64);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("golden");
    TCase *c = tcase_create("pytorch");
    tcase_add_test(c, f32_agrees_with_pytorch);
    tcase_add_test(c, f64_agrees_with_pytorch);
    suite_add_tcase(s, c);
    const int rc = run_suite(s);
    printf("digest %016llx\n", (unsigned long long) digest);
    return rc;
}
