// SPDX-License-Identifier: MIT
// PyTorch's own samples of its operations, replayed from data/opinfo.txt, and of other types than F32 from
// data/opinfo_types.txt (opinfo_torch.py makes both and says what their lines are): values, types, shapes and gradients of each. A group, the samples of an entry in one type, is one
// evaluation, so that they share kernels; a few groups have their turn in each run, with --all every one has.
//
//   test_opinfo [--all] [ENTRY...]   those entries alone, and what fails in them
//   test_opinfo --calls              the functions of the language, for opinfo_torch.py
#include "../tools/case_calls.h"
#include "../tools/cases.h"
#include "testing.h"

#include <inttypes.h>

enum { INPUTS = CASE_INPUTS, RESULTS = 8, GROUP = 64, EVERY = 100, EVERY_TYPE = 500 };
static const double OF_SIZE = 4; // eps of a result's size (opinfo_torch.py)

typedef struct values {
    clg_dtype type;
    clg_shape shape;
    double *v;
    double tolerance, size;
    bool there;
} values;

typedef struct result {
    char *expression;
    values out, grad[INPUTS];
} result;

typedef struct sample {
    int line, n_in, n_out;
    const char *known;
    bool tracked[INPUTS];
    values in[INPUTS];
    result out[RESULTS];
} sample;

typedef struct outcome { // of a sample
    clg_tensor y[RESULTS], g[RESULTS][INPUTS];
    char why[700]; // it failed
    bool skipped;
} outcome;

typedef struct reader {
    char *at;
    int line;
} reader;

static char **wanted; // entries of the command line
static int wanted_count;
static int passed, failed, skipped, known_count, groups;

// ---- reading

static char *next_word(reader *r)
{
    while (*r->at == ' ')
        r->at++;
    char *word = r->at;
    while (*r->at && *r->at != ' ' && *r->at != '\n')
        r->at++;
    if (*r->at == ' ')
        *r->at++ = '\0';
    return word;
}

static double next_number(reader *r)
{
    char *end;
    const double v = strtod(r->at, &end);
    ck_assert_msg(end != r->at, "opinfo.txt:%d: a number expected, not '%.12s'", r->line, r->at);
    r->at = end;
    return v;
}

static void end_line(reader *r)
{
    while (*r->at && *r->at != '\n')
        r->at++;
    if (*r->at)
        *r->at++ = '\0';
    r->line++;
}

static clg_dtype type_of(reader *r)
{
    const char *name = next_word(r);
    for (int t = 0; t < CLG_DTYPE_COUNT; t++) {
        if (strcmp(clg_dtype_name((clg_dtype) t), name) == 0)
            return (clg_dtype) t;
    }
    ck_abort_msg("opinfo.txt:%d: '%s' is no type", r->line, name);
    return CLG_F32;
}

static clg_shape shape_of(reader *r)
{
    clg_shape s = { .rank = (int) next_number(r) };
    ck_assert_msg(s.rank >= 0 && s.rank <= CLG_MAX_RANK, "opinfo.txt:%d: rank", r->line);
    for (int d = 0; d < s.rank; d++)
        s.dim[d] = (int64_t) next_number(r);
    return s;
}

static void numbers_of(reader *r, values *v)
{
    const int64_t n = clg_numel(v->shape);
    ck_assert_msg(strcmp(next_word(r), ":") == 0, "opinfo.txt:%d: ':' expected", r->line);
    v->v = calloc((size_t) n + 1, sizeof *v->v);
    ck_assert_ptr_nonnull(v->v);
    for (int64_t i = 0; i < n; i++)
        v->v[i] = next_number(r);
    v->there = true;
}

static void read_in(reader *r, sample *s)
{
    const int k = s->n_in++;
    ck_assert_int_lt(k, INPUTS);
    s->tracked[k] = next_word(r)[0] == 't';
    s->in[k].type = type_of(r);
    s->in[k].shape = shape_of(r);
    numbers_of(r, &s->in[k]);
}

static void read_out(reader *r, sample *s)
{
    ck_assert_int_lt(s->n_out, RESULTS);
    result *o = &s->out[s->n_out++];
    o->expression = r->at;
    r->at = strchr(r->at, ';');
    ck_assert_ptr_nonnull(r->at);
    *r->at++ = '\0';
    o->out.type = type_of(r);
    o->out.tolerance = next_number(r);
    o->out.size = next_number(r);
    o->out.shape = shape_of(r);
    numbers_of(r, &o->out);
}

static void read_grad(reader *r, sample *s)
{
    const int k = (int) next_number(r);
    ck_assert(k >= 0 && k < s->n_in && s->n_out > 0);
    values *g = &s->out[s->n_out - 1].grad[k];
    g->type = s->in[k].type;
    g->shape = s->in[k].shape;
    g->tolerance = next_number(r);
    g->size = next_number(r);
    numbers_of(r, g);
}

static bool starts(const reader *r, const char *word)
{
    return strncmp(r->at, word, strlen(word)) == 0;
}

// From "sample TYPE" on.
static void read_sample(reader *r, sample *s)
{
    memset(s, 0, sizeof *s);
    s->line = r->line;
    r->at += strcspn(r->at + 7, " \n") + 7;
    s->known = starts(r, " known ") ? r->at + 7 : NULL;
    end_line(r);
    for (;; end_line(r)) {
        if (starts(r, "in ")) {
            next_word(r);
            read_in(r, s);
        } else if (starts(r, "out ")) {
            next_word(r);
            read_out(r, s);
        } else if (starts(r, "grad ")) {
            next_word(r);
            read_grad(r, s);
        } else {
            return;
        }
    }
}

static void drop_sample(sample *s)
{
    for (int k = 0; k < s->n_in; k++)
        free(s->in[k].v);
    for (int k = 0; k < s->n_out; k++) {
        free(s->out[k].out.v);
        for (int i = 0; i < s->n_in; i++)
            free(s->out[k].grad[i].v);
    }
}

// ---- recording

static clg_tensor upload_values(const values *v)
{
    const int64_t n = clg_numel(v->shape);
    void *p = case_elements(v->type, v->v, n);
    clg_tensor t = clg_upload(dev, v->type, v->shape, p);
    free(p);
    return t;
}

static clg_tensor cotangent(clg_tensor y)
{
    const int64_t n = clg_numel(y->shape);
    double *w = calloc((size_t) n + 1, sizeof *w);
    for (int64_t i = 0; i < n; i++)
        w[i] = (double) (37 * i % 11 * 2 - 9) / 8;
    clg_tensor t = upload_values(&(values) { .type = y->dtype, .shape = y->shape, .v = w });
    free(w);
    return t;
}

static bool has_types(const sample *s)
{
    for (int k = 0; k < s->n_in; k++) {
        if (!clg_device_has(dev, s->in[k].type))
            return false;
    }
    for (int k = 0; k < s->n_out; k++) {
        if (!clg_device_has(dev, s->out[k].out.type))
            return false;
    }
    return true;
}

static bool note(outcome *o, const char *what, const char *why)
{
    if (!o->why[0])
        snprintf(o->why, sizeof o->why, "%s: %s", what, why);
    return false;
}

static bool same_shape(clg_shape a, clg_shape b)
{
    return a.rank == b.rank && memcmp(a.dim, b.dim, (size_t) a.rank * sizeof a.dim[0]) == 0;
}

static bool record_result(const sample *s, int k, const clg_tensor *x, outcome *o)
{
    char error[CASE_ERROR];
    const result *r = &s->out[k];
    const size_t room = strlen(r->expression) + 100;
    char *line = malloc(room);
    int n = snprintf(line, room, "s%d_%d | %s |", s->line, k, r->expression);
    for (int i = 0; i < s->n_in; i++)
        n += snprintf(line + n, room - (size_t) n, " [1]");
    const int at = cases_add("opinfo.txt", s->line, line, error);
    free(line);
    ck_assert_msg(at >= 0, "%s", error);
    const clg_tensor y = o->y[k] = case_apply(&op_cases[at], x);
    if (y->status < 0)
        return note(o, r->expression, clg_error(dev, y->status));
    if (y->dtype != r->out.type || !same_shape(y->shape, r->out.shape))
        return note(o, r->expression, y->dtype != r->out.type ? "another type" : "another shape");
    clg_tensor wrt[INPUTS], g[INPUTS];
    int which[INPUTS], m = 0;
    for (int i = 0; i < s->n_in; i++) {
        if (r->grad[i].there) {
            which[m] = i;
            wrt[m++] = x[i];
        }
    }
    if (m == 0)
        return true;
    const clg_status st = clg_vjp_n(y, cotangent(y), wrt, m, true, g);
    if (st < 0)
        return note(o, r->expression, clg_error(dev, st));
    for (int i = 0; i < m; i++)
        o->g[k][which[i]] = g[i];
    return true;
}

static void record(const sample *s, outcome *o)
{
    clg_tensor x[INPUTS];
    memset(o, 0, sizeof *o);
    if (!has_types(s)) {
        o->skipped = true;
        return;
    }
    for (int k = 0; k < s->n_in; k++) {
        x[k] = upload_values(&s->in[k]);
        if (s->tracked[k] && (s->in[k].type == CLG_F32 || s->in[k].type == CLG_F64))
            x[k] = clg_track(x[k]);
        ck_assert_msg(x[k]->status >= 0, "opinfo.txt:%d: %s", s->line, clg_error(dev, x[k]->status));
    }
    for (int k = 0; k < s->n_out; k++)
        record_result(s, k, x, o);
}

// ---- comparing

static double eps_of(clg_dtype t)
{
    return t == CLG_F64 ? 0x1p-52 : t == CLG_F32 ? 0x1p-23 : t == CLG_F16 ? 0x1p-10 : t == CLG_BF16 ? 0x1p-7 : 0;
}

// Below the smallest normal number a device may flush.
static double least_of(clg_dtype t)
{
    return t == CLG_F64 ? 0x1p-1022 : t == CLG_F32 || t == CLG_BF16 ? 0x1p-126 : t == CLG_F16 ? 0x1p-24 : 0;
}

// What has no tolerance has the nearest number of its type, in few digits.
static double as_element(clg_dtype t, double v)
{
    unsigned char e[8];
    clg_element_set(t, e, v);
    return clg_element_get(t, e);
}

static bool right(const values *want, clg_tensor t, const char *what, outcome *o)
{
    const int64_t n = clg_numel(want->shape);
    const size_t bytes = (size_t) n * clg_dtype_size(want->type);
    const double eps = eps_of(want->type);
    char why[200];
    char *raw = malloc(bytes + 8);
    memset(raw, 0xa5, bytes + 8);
    const clg_status st = clg_read(t, raw, bytes);
    bool fine = st >= 0;
    if (!fine)
        note(o, what, clg_error(dev, st));
    for (int64_t i = 0; i < n && fine; i++) {
        const double got = element_at(want->type, raw, i),
                     w = want->tolerance > 0 ? want->v[i] : as_element(want->type, want->v[i]);
        const double bound = isfinite(w) ? eps * (want->tolerance * fabs(w) + OF_SIZE * want->size) +
                                               (want->tolerance > 0 ? least_of(want->type) : 0)
                                         : 0;
        if (!is_within(want->type, got, w, bound)) {
            snprintf(why, sizeof why, "element %" PRId64 " of %" PRId64 " is %.9g, expected %.9g within %.3g, %.3g eps",
                     i, n, got, w, bound, fabs(got - w) / (eps * fabs(w)));
            fine = note(o, what, why);
        }
    }
    free(raw);
    return fine;
}

static void compare(const sample *s, outcome *o)
{
    char what[1000];
    for (int k = 0; k < s->n_out && !o->why[0]; k++) {
        if (!right(&s->out[k].out, o->y[k], s->out[k].expression, o))
            return;
        for (int i = 0; i < s->n_in; i++) {
            if (!s->out[k].grad[i].there)
                continue;
            snprintf(what, sizeof what, "%s, gradient of %c", s->out[k].expression, 'a' + i);
            if (!right(&s->out[k].grad[i], o->g[k][i], what, o))
                return;
        }
    }
}

// ---- groups

static void count(const char *entry, const sample *s, outcome *o)
{
    if (o->skipped) {
        skipped++;
    } else if (s->known) {
        known_count++;
        if (!o->why[0]) {
            failed++;
            printf("%s, line %d: listed as wrong (%s), and right\n", entry, s->line, s->known);
        }
    } else if (o->why[0]) {
        failed++;
        printf("%s, line %d: %s\n", entry, s->line, o->why);
    } else {
        passed++;
    }
}

static void run_group(const char *entry, sample *s, int n)
{
    static outcome o[GROUP];
    static clg_tensor all[GROUP * RESULTS * (INPUTS + 1)];
    int m = 0;
    clg_scope scope = clg_scope_push(dev);
    for (int k = 0; k < n; k++) {
        record(&s[k], &o[k]);
        for (int i = 0; i < s[k].n_out && !o[k].why[0] && !o[k].skipped; i++) {
            all[m++] = o[k].y[i];
            for (int j = 0; j < s[k].n_in; j++) {
                if (o[k].g[i][j])
                    all[m++] = o[k].g[i][j];
            }
        }
    }
    if (m > 0)
        clg_eval_n(all, m); // what fails here says so when it is read
    clg_error_clear(dev);
    for (int k = 0; k < n; k++) {
        if (!o[k].why[0] && !o[k].skipped)
            compare(&s[k], &o[k]);
        count(entry, &s[k], &o[k]);
        clg_error_clear(dev);
    }
    clg_scope_pop(scope);
    cases_close();
    groups++;
}

static bool is_wanted(const char *entry, int group, int every)
{
    for (int k = 0; k < wanted_count; k++) {
        if (strcmp(wanted[k], entry) == 0)
            return true;
    }
    return wanted_count == 0 && in_turn(group, every);
}

static char *whole_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s is missing", path);
    fseek(f, 0, SEEK_END);
    const long n = ftell(f);
    rewind(f);
    char *text = calloc((size_t) n + 1, 1);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_eq(fread(text, 1, (size_t) n, f), (size_t) n);
    fclose(f);
    return text;
}

static void run_entry(reader *r, const char *entry, int *group, int every)
{
    static sample s[GROUP];
    const int passed_before = passed, failed_before = failed;
    bool ran = false;
    while (*r->at && !starts(r, "entry ")) {
        if (!starts(r, "sample ")) {
            end_line(r);
            continue;
        }
        // the samples of one type
        const bool mine = is_wanted(entry, (*group)++, every);
        const size_t word = strcspn(r->at + 7, " \n") + 7;
        char head[40];
        snprintf(head, sizeof head, "%.*s", (int) word, r->at);
        int n = 0;
        while (strncmp(r->at, head, word) == 0 && (r->at[word] == ' ' || r->at[word] == '\n')) {
            ck_assert_int_lt(n, GROUP);
            if (mine) {
                read_sample(r, &s[n++]);
            } else {
                do
                    end_line(r);
                while (starts(r, "in ") || starts(r, "out ") || starts(r, "grad "));
            }
        }
        if (n > 0)
            run_group(entry, s, n);
        ran |= n > 0;
        for (int k = 0; k < n; k++)
            drop_sample(&s[k]);
    }
    if (ran)
        printf("%s %d/%d\n", entry, passed - passed_before, passed - passed_before + failed - failed_before);
}

// How many entries the file has.
static int run_file(const char *path, int every)
{
    char entry[100];
    int group = 0, entries = 0;
    char *text = whole_file(path);
    reader r = { text, 1 };
    ck_assert_msg(starts(&r, "torch "), "%s does not begin with its version", path);
    passed = failed = skipped = known_count = groups = 0;
    c_numbers(true);
    end_line(&r);
    while (*r.at) {
        ck_assert_msg(starts(&r, "entry "), "%s:%d: an entry expected", path, r.line);
        snprintf(entry, sizeof entry, "%.*s", (int) strcspn(r.at + 6, "\n"), r.at + 6);
        end_line(&r);
        entries++;
        run_entry(&r, entry, &group, every);
    }
    c_numbers(false);
    free(text);
    printf("%d groups of %d: %d samples right, %d wrong, %d known, %d of types that the device lacks\n", groups, group,
           passed, failed, known_count, skipped);
    ck_assert_int_eq(failed, 0);
    ck_assert_int_gt(groups, 0);
    return entries;
}

START_TEST(samples_of_pytorch)
{
    const char *path = getenv("CLGRAD_OPINFO");
    const int entries = run_file(path ? path : "tests/data/opinfo.txt", EVERY);
    if (wanted_count == 0)
        ck_assert_int_ge(entries, 300);
}
END_TEST

START_TEST(samples_of_other_types)
{
    const char *path = getenv("CLGRAD_OPINFO_TYPES");
    const int entries = run_file(path ? path : "tests/data/opinfo_types.txt", EVERY_TYPE);
    if (wanted_count == 0)
        ck_assert_int_ge(entries, 300);
}
END_TEST

static int print_calls(void)
{
    for (int k = 0; k < call_op_count; k++) {
        const call_op *op = &call_ops[k];
        printf("%s %s %s", op->name, op->function, op->signature[0] ? op->signature : "-");
        for (const call_field *f = op->fields; f && f->name; f++)
            printf(" %s", f->name);
        printf("\n");
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--calls") == 0)
        return print_calls();
    if (argc > 1 && strcmp(argv[1], "--all") == 0) {
        setenv("CLGRAD_TEST_FULL", "1", 1);
        argc--;
        argv++;
    }
    wanted = argv + 1;
    wanted_count = argc - 1;
    Suite *s = suite_create("opinfo");
    TCase *c = tcase_create("pytorch");
    tcase_set_timeout(c, 0);
    tcase_add_test(c, samples_of_pytorch);
    tcase_add_test(c, samples_of_other_types);
    suite_add_tcase(s, c);
    return run_suite(s);
}
