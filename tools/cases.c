// SPDX-License-Identifier: MIT
// Reads cases.txt: expressions, inputs, options. A line that is not understood says where and why.
#include "cases.h"

#include "case_calls.h"
#include "cases_text.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

op_case *op_cases;
int op_case_count;

static call *calls; // of all expressions
static int call_count;

typedef struct reader {
    const char *at, *where;
    int line;
    char *error;
    bool failed;
} reader;

static bool fail(reader *r, const char *format, ...)
{
    va_list list;
    if (r->failed)
        return false;
    r->failed = true;
    const int n = snprintf(r->error, CASE_ERROR, "%s:%d: ", r->where, r->line);
    va_start(list, format);
    if (n > 0 && n < CASE_ERROR)
        vsnprintf(r->error + n, (size_t) (CASE_ERROR - n), format, list);
    va_end(list);
    return false;
}

// ---- words

static void spaces(reader *r)
{
    while (*r->at == ' ' || *r->at == '\t')
        r->at++;
}

static bool is_next(reader *r, char c)
{
    spaces(r);
    if (*r->at != c)
        return false;
    r->at++;
    return true;
}

static bool expect(reader *r, char c, const char *what)
{
    return is_next(r, c) || fail(r, "'%c' expected %s, not '%.12s'", c, what, r->at);
}

static int word(reader *r, char out[CASE_NAME])
{
    int n = 0;
    spaces(r);
    while (isalnum((unsigned char) r->at[n]) || r->at[n] == '_')
        n++;
    snprintf(out, CASE_NAME, "%.*s", n, r->at);
    if (n >= CASE_NAME)
        fail(r, "'%s...' is longer than %d characters", out, CASE_NAME - 1);
    r->at += n;
    return n;
}

// Not strtod: its decimal point is the locale's.
static double number(reader *r)
{
    double v = 0;
    int digits = 0, scale = 0;
    spaces(r);
    const char *p = r->at, sign = *p;
    p += sign == '-' || sign == '+';
    for (bool point = false; isdigit((unsigned char) *p) || (*p == '.' && !point); p++) {
        point |= *p == '.';
        if (*p != '.') {
            v = 10 * v + (*p - '0');
            digits++;
            scale -= point;
        }
    }
    if (digits == 0)
        fail(r, "a number expected, not '%.12s'", r->at);
    if (digits > 0 && *p == 'e') {
        const bool down = p[1] == '-';
        int e = 0;
        for (p += 1 + (p[1] == '-' || p[1] == '+'); isdigit((unsigned char) *p); p++)
            e = e < 400 ? 10 * e + (*p - '0') : e;
        scale += down ? -e : e;
    }
    r->at = p;
    v = scale < 0 ? v / pow(10, -scale) : v * pow(10, scale);
    return sign == '-' ? -v : v;
}

static clg_shape list(reader *r)
{
    clg_shape s = { 0 };
    while (!r->failed && !is_next(r, ']')) {
        if (s.rank > 0)
            expect(r, ',', "between the numbers of a list");
        const double v = number(r);
        if (s.rank == CLG_MAX_RANK)
            fail(r, "a list of more than %d numbers", CLG_MAX_RANK);
        else
            s.dim[s.rank++] = (int64_t) v;
    }
    return s;
}

static double named_number(const char *name, bool *known)
{
    static const struct {
        const char *name;
        double v;
    } all[] = { { "true", 1 }, { "false", 0 }, { "nan", NAN }, { "inf", INFINITY }, { "neginf", -INFINITY }, { "min", (double) INT64_MIN },
                { "mean", CLG_REDUCE_MEAN }, { "sum", CLG_REDUCE_SUM }, { "each", CLG_REDUCE_NONE },
                { "batchmean", CLG_REDUCE_BATCHMEAN } };
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        if (strcmp(all[k].name, name) == 0)
            return all[k].v;
    }
    for (int t = 0; t < CLG_DTYPE_COUNT; t++) {
        if (strcmp(clg_dtype_name((clg_dtype) t), name) == 0)
            return t;
    }
    *known = false;
    return 0;
}

// ---- expressions

static int expression(reader *r, const char *name);

static call_arg argument(reader *r)
{
    char name[CASE_NAME];
    bool known = true;
    call_arg a = { .kind = ARG_NUMBER };
    if (is_next(r, '[')) {
        a.kind = ARG_LIST;
        a.list = list(r);
        return a;
    }
    spaces(r);
    if (!isalpha((unsigned char) *r->at)) {
        a.number = number(r);
        return a;
    }
    word(r, name);
    if (is_next(r, '(')) {
        a.kind = ARG_CALL;
        a.at = expression(r, name);
    } else if (name[0] >= 'a' && name[0] < 'a' + CASE_INPUTS && name[1] == '\0') {
        a.kind = ARG_INPUT;
        a.at = name[0] - 'a';
    } else if (strcmp(name, "none") == 0) {
        a.kind = ARG_NONE;
    } else if (strcmp(name, "all") == 0) {
        a.kind = ARG_LIST;
    } else {
        a.number = named_number(name, &known);
        if (!known)
            fail(r, "'%s' is no input (a to %c), no type and no other word", name, 'a' + CASE_INPUTS - 1);
    }
    return a;
}

static bool fits(const call_op *op, const call *c)
{
    const char *s = op->signature;
    for (int k = 0; k < c->n_args; k++) {
        const arg_kind kind = c->arg[k].kind;
        const bool tensor = kind == ARG_CALL || kind == ARG_INPUT;
        if (*s == '\0' || (*s == 't' && !tensor) || (*s == 'T' && !tensor && kind != ARG_NONE) ||
            (*s == 'n' && kind != ARG_NUMBER) || (*s == 's' && kind != ARG_LIST))
            return false;
        s += s[1] == '*' ? 0 : 1;
    }
    while (*s == 'T') // those that are left out are none
        s++;
    return *s == '\0' || s[1] == '*';
}

static const call_op *find_op(reader *r, const char *name, const call *c)
{
    const call_op *other = NULL;
    for (int k = 0; k < call_op_count; k++) {
        if (strcmp(call_ops[k].name, name) != 0)
            continue;
        if (fits(&call_ops[k], c))
            return &call_ops[k];
        other = &call_ops[k];
    }
    if (other)
        fail(r, "%s takes '%s' (t tensor, T tensor or none, n number, s list), not these %d arguments", name,
             other->signature, c->n_args);
    else
        fail(r, "no function '%s': a row of PLAIN_CALLS in case_calls.c makes one", name);
    return NULL;
}

static void find_fields(reader *r, call *c, char names[CALL_NAMED][CASE_NAME])
{
    for (int k = 0; k < c->n_named; k++) {
        const call_field *f = c->op->fields;
        while (f && f->name && strcmp(f->name, names[k]) != 0)
            f++;
        if (!f || !f->name) {
            fail(r, "%s has no parameter '%s'", c->op->name, names[k]);
            return;
        }
        const arg_kind kind = c->named[k].kind;
        if ((f->type == 't') != (kind == ARG_CALL || kind == ARG_INPUT) || kind == ARG_LIST)
            fail(r, "%s: parameter '%s' is a %s", c->op->name, names[k],
                 f->type == 't' ? "tensor" : "number");
        c->named[k].field = f;
    }
}

// NAME=
static bool is_named(const reader *r)
{
    const char *p = r->at;
    while (isalnum((unsigned char) *p) || *p == '_' || *p == ' ')
        p++;
    return *p == '=';
}

// After "name("; the call's number.
static int expression(reader *r, const char *name)
{
    char names[CALL_NAMED][CASE_NAME];
    call c = { 0 };
    while (!r->failed && !is_next(r, ')')) {
        if (c.n_args + c.n_named > 0)
            expect(r, ',', "between arguments");
        if (is_named(r)) {
            if (c.n_named == CALL_NAMED) {
                fail(r, "%s: more than %d named parameters", name, CALL_NAMED);
                break;
            }
            word(r, names[c.n_named]);
            expect(r, '=', "after a parameter's name");
            c.named[c.n_named++] = argument(r);
        } else if (c.n_args == CALL_ARGS) {
            fail(r, "%s: more than %d arguments", name, CALL_ARGS);
        } else {
            c.arg[c.n_args++] = argument(r);
        }
    }
    if (!r->failed && (c.op = find_op(r, name, &c)))
        find_fields(r, &c, names);
    call *more = r->failed ? NULL : realloc(calls, (size_t) (call_count + 1) * sizeof *calls);
    if (!more) {
        fail(r, "out of memory");
        return 0;
    }
    calls = more;
    calls[call_count] = c;
    return call_count++;
}

// ---- lines

static void one_input(reader *r, op_case *c, int k)
{
    static const char *const kinds[] = { "", "real", "const", "i64", "i32", "u8", "i8", "i16",
                                         "u16", "u32", "u64", "bool" };
    case_input *in = &c->in[k];
    char name[CASE_NAME];
    if (is_next(r, '[')) {
        *in = (case_input) { CASE_REAL, -1, 1, list(r) };
        return;
    }
    word(r, name);
    for (int i = CASE_REAL; i <= CASE_BOOL; i++) {
        if (strcmp(kinds[i], name) == 0)
            in->kind = (case_kind) i;
    }
    in->hi = 2; // of a bool
    if (in->kind == CASE_NONE) {
        fail(r, "an input is real, const, an integer type or bool, not '%s%.8s'", name, r->at);
        return;
    }
    if (in->kind != CASE_BOOL) {
        expect(r, '(', "before the range of an input");
        in->lo = number(r);
        expect(r, ',', "in the range of an input");
        in->hi = number(r);
        expect(r, ')', "after the range of an input");
        if (!r->failed && !(in->lo < in->hi))
            fail(r, "the range of input %c is empty", 'a' + k);
    }
    if (expect(r, '[', "before the shape of an input"))
        in->shape = list(r);
}

static void bench_option(reader *r, op_case *c)
{
    char name[CASE_NAME];
    int n = 0;
    if (!expect(r, '"', "before what the bench measures"))
        return;
    while (r->at[n] && r->at[n] != '"' && r->at[n] != '\n')
        n++;
    if (n >= CASE_NAME)
        fail(r, "what the bench measures is longer than %d characters", CASE_NAME - 1);
    snprintf(c->what, sizeof c->what, "%.*s", n, r->at);
    r->at += n;
    expect(r, '"', "after what the bench measures");
    for (int k = 0; is_next(r, '['); k++) {
        if (k == 2) {
            fail(r, "the bench has one or two shapes");
            return;
        }
        c->large[k] = list(r);
    }
    word(r, name);
    if (strcmp(name, "flops") == 0)
        c->flops = number(r);
    else if (strcmp(name, "bytes") == 0)
        c->bytes = number(r);
    else
        fail(r, "'flops' or 'bytes' expected after the shapes of the bench, not '%s'", name);
}

static bool is_end(reader *r)
{
    spaces(r);
    return *r->at == '\0' || *r->at == '\n' || *r->at == '\r' || *r->at == '#';
}

static void options(reader *r, op_case *c)
{
    char name[CASE_NAME];
    while (!r->failed && !is_end(r)) {
        word(r, name);
        if (strcmp(name, "twice") == 0)
            c->twice = true;
        else if (strcmp(name, "f64") == 0)
            c->f64 = true;
        else if (strcmp(name, "seldom") == 0)
            c->seldom = true;
        else if (strcmp(name, "bench") == 0)
            bench_option(r, c);
        else
            fail(r, "an option is twice, f64, seldom or bench, not '%s%.8s'", name, r->at);
        if (!r->failed && !is_next(r, ';') && !is_end(r))
            fail(r, "';' expected between options, not '%.12s'", r->at);
    }
}

static void check_inputs(reader *r, const op_case *c, int from)
{
    for (int k = from; k < call_count && !r->failed; k++) {
        for (int i = 0; i < calls[k].n_args + calls[k].n_named; i++) {
            const call_arg *a = i < calls[k].n_args ? &calls[k].arg[i] : &calls[k].named[i - calls[k].n_args];
            if (a->kind == ARG_INPUT && c->in[a->at].kind == CASE_NONE)
                fail(r, "%s: the line has no input %c", c->name, 'a' + a->at);
        }
    }
}

static void one_line(reader *r)
{
    op_case c = { .line = r->line };
    char name[CASE_NAME];
    const int from = call_count;
    if (word(r, c.name) == 0)
        fail(r, "a name expected, not '%.12s'", r->at);
    for (int k = 0; k < op_case_count && !r->failed; k++) {
        if (strcmp(op_cases[k].name, c.name) == 0)
            fail(r, "'%s' is the name of line %d too", c.name, op_cases[k].line);
    }
    if (!expect(r, '|', "after the name"))
        return;
    word(r, name);
    if (!expect(r, '(', "after the name of a function"))
        return;
    c.call = expression(r, name);
    expect(r, '|', "after the expression");
    for (int k = 0; !r->failed && !is_end(r) && !is_next(r, '|'); k++) {
        if (k == CASE_INPUTS)
            fail(r, "more than %d inputs", CASE_INPUTS);
        else
            one_input(r, &c, k);
    }
    if (!r->failed && c.in[0].kind == CASE_NONE)
        fail(r, "%s: no input", c.name);
    options(r, &c);
    check_inputs(r, &c, from);
    op_case *more = r->failed ? NULL : realloc(op_cases, (size_t) (op_case_count + 1) * sizeof c);
    if (!more) {
        fail(r, "out of memory");
        return;
    }
    op_cases = more;
    op_cases[op_case_count++] = c;
}

static bool of_integers(const char *function)
{
    static const char *const words[] = { "bitwise_", "_shift", "gcd", "lcm" };
    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
        if (strstr(function, words[k]))
            return true;
    }
    return false;
}

// Every row of the maps by itself, where nearly every function is smooth: a new one is tested by existing. The number
// beside a tensor is on either side by turns.
static void rows_of_the_maps(reader *r)
{
    char line[200];
    int pairs = 0;
    for (int k = 0; k < call_op_count && !r->failed; k++) {
        const call_op *op = &call_ops[k];
        const bool pair = strcmp(op->signature, "tt") == 0;
        const bool number = strcmp(op->signature, "tn") == 0 || strcmp(op->signature, "nt") == 0;
        if (op->fields || op->matrices || strcmp(op->function, "matmul") == 0 || strcmp(op->name, "padded") == 0 ||
            strstr(op->function, "nextafter") || strcmp(op->function, "float_power") == 0 || // of wide types alone
            strncmp(op->function, "unique", 6) == 0 || // evaluates, so that the reference sees no history
            strcmp(op->function, "poisson") == 0 ||    // has no gradient
            (strcmp(op->signature, "t") != 0 && !pair && !(number && strstr(op->function, "scalar_")) &&
             !(number && strstr(op->function, "_scalar"))))
            continue;
        if (strcmp(op->name, op->function) != 0 && !strstr(op->function, "scalar"))
            continue;
        pairs += pair;
        if (number && (pairs % 2 == 0) == (op->signature[0] == 'n'))
            continue;
        const bool whole = of_integers(op->function);
        const char *few = whole ? "i32(1,40)[5]" : op->signature[0] == 'n' ? "real(1.3,1.9)[5]" : "real(0.2,0.7)[5]";
        snprintf(line, sizeof line, "%s_plain | %s(%s) | %s", op->function, op->name,
                 pair ? "a, b" : op->signature[0] == 'n' ? (whole ? "37, a" : "1.25, a")
                 : op->signature[1] ? (whole ? "a, 3" : "a, 0.75") : "a",
                 pair ? (whole ? "i32(-99,99)[2,3] i32(1,9)[3]" : "real(0.2,0.8)[2,3] real(1.1,1.9)[3]")
                 : op->signature[1] ? few : whole ? "i32(-99,99)[2,3]"
                 : strcmp(op->function, "acosh") == 0 ? "real(1.2,1.8)[2,3]" : "real(0.2,0.8)[2,3]");
        reader one = { .at = line, .where = "rows of the maps", .line = k + 1, .error = r->error };
        one_line(&one);
        r->failed = one.failed;
    }
}

int cases_add(const char *where, int line, const char *text, char error[CASE_ERROR])
{
    reader r = { .at = text, .where = where, .line = line, .error = error };
    one_line(&r);
    return r.failed ? -1 : op_case_count - 1;
}

bool cases_read(const char *where, const char *text, char error[CASE_ERROR])
{
    reader r = { .at = text, .where = where, .line = 1, .error = error };
    cases_close();
    error[0] = '\0';
    rows_of_the_maps(&r);
    while (!r.failed && *r.at) {
        if (!is_end(&r))
            one_line(&r);
        while (!r.failed && *r.at && *r.at != '\n')
            r.at++;
        if (*r.at == '\n') {
            r.at++;
            r.line++;
        }
    }
    return !r.failed;
}

static char *file_text(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = f ? calloc(1, 1 << 20) : NULL;
    const size_t n = text ? fread(text, 1, (1 << 20) - 1, f) : 0;
    if (f)
        fclose(f);
    if (text)
        text[n] = '\0';
    return text;
}

bool cases_open(char error[CASE_ERROR])
{
    const char *path = getenv("CLGRAD_CASES");
    if (!path || !*path)
        return cases_read("cases.txt", cases_text, error);
    char *text = file_text(path);
    if (!text) {
        snprintf(error, CASE_ERROR, "%s: cannot be read", path);
        return false;
    }
    const bool fine = cases_read(path, text, error);
    free(text);
    return fine;
}

void cases_close(void)
{
    free(op_cases);
    free(calls);
    op_cases = NULL;
    calls = NULL;
    op_case_count = call_count = 0;
}

// ---- calling

static void fill_params(const call_values *v, void *params)
{
    for (int k = 0; k < v->call->n_named; k++) {
        const call_arg *a = &v->call->named[k];
        char *p = (char *) params + a->field->at;
        if (a->field->type == 't')
            *(clg_tensor *) (void *) p = v->named_t[k];
        else if (a->field->type == 'b')
            *(bool *) p = a->number != 0;
        else if (a->field->type == 'n')
            *(double *) (void *) p = a->number;
        else if (a->field->type == 'l')
            *(int64_t *) (void *) p = (int64_t) a->number;
        else
            *(int *) (void *) p = (int) a->number;
    }
}

static clg_tensor run_call(const call *c, const clg_tensor *x);

static clg_tensor tensor_of(const call_arg *a, const clg_tensor *x)
{
    return a->kind == ARG_CALL ? run_call(&calls[a->at], x) : a->kind == ARG_INPUT ? x[a->at] : NULL;
}

static clg_tensor run_call(const call *c, const clg_tensor *x)
{
    call_values v = { .count = c->n_args, .named = fill_params, .call = c };
    for (int k = 0; k < c->n_args; k++) {
        v.t[k] = tensor_of(&c->arg[k], x);
        v.n[k] = c->arg[k].number;
        v.s[k] = c->arg[k].list;
    }
    for (int k = 0; k < c->n_named; k++)
        v.named_t[k] = tensor_of(&c->named[k], x);
    return c->op->apply(&v);
}

clg_tensor case_apply(const op_case *c, const clg_tensor *x)
{
    return run_call(&calls[c->call], x);
}

static const call *find_call(const call *c, const char *function)
{
    const call *found = strcmp(c->op->function, function) == 0 ? c : NULL;
    for (int k = 0; k < c->n_args && !found; k++) {
        if (c->arg[k].kind == ARG_CALL)
            found = find_call(&calls[c->arg[k].at], function);
    }
    return found;
}

bool case_calls(const op_case *c, const char *function)
{
    return find_call(&calls[c->call], function) != NULL;
}

double case_number(const op_case *c, const char *function, int k, double otherwise)
{
    const call *f = find_call(&calls[c->call], function);
    return f && k < f->n_args && f->arg[k].kind == ARG_NUMBER ? f->arg[k].number : otherwise;
}

double case_field(const op_case *c, const char *function, const char *name, double otherwise)
{
    const call *f = find_call(&calls[c->call], function);
    for (int k = 0; f && k < f->n_named; k++) {
        if (strcmp(f->named[k].field->name, name) == 0)
            return f->named[k].number;
    }
    return otherwise;
}

// ---- numbers

static double next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double) (*state >> 11) * 0x1p-53;
}

// Real numbers: one in each of n slots, on a grid whose points are odd multiples of a small power of
// two, so that neither ties nor kinks (whole and half numbers) are near; two inputs have two grids.
static void reals(double lo, double hi, int64_t n, double shift, uint64_t *state, double *out)
{
    const double slot = (hi - lo) / (double) n;
    double grid = 1.0 / 64;
    while (grid > slot / 2 && grid > 0x1p-18)
        grid /= 2;
    const double room = fmax(1 - grid / slot, 0); // the end of a slot would share a point with the next one's
    for (int64_t i = 0; i < n; i++) {
        const double v = lo + slot * ((double) i + next(state) * room);
        out[i] = (double) (float) ((floor(v / grid) + shift) * grid);
    }
    for (int64_t i = n - 1; i > 0; i--) {
        const int64_t j = (int64_t) (next(state) * (double) (i + 1));
        const double t = out[i];
        out[i] = out[j];
        out[j] = t;
    }
}

void case_values(const op_case *c, int input, uint64_t *state, double *out)
{
    const case_input *in = &c->in[input];
    const int64_t n = clg_numel(in->shape);
    if (in->kind == CASE_REAL || in->kind == CASE_CONST) {
        reals(in->lo, in->hi, n, input % 2 ? 0.25 : 0.5, state, out);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        out[i] = floor(in->lo + (in->hi - in->lo) * next(state));
}

clg_dtype case_dtype(const op_case *c, int input, clg_dtype real)
{
    static const clg_dtype types[] = { [CASE_I64] = CLG_I64, [CASE_I32] = CLG_I32, [CASE_U8] = CLG_U8,
                                       [CASE_I8] = CLG_I8,   [CASE_I16] = CLG_I16, [CASE_U16] = CLG_U16,
                                       [CASE_U32] = CLG_U32, [CASE_U64] = CLG_U64, [CASE_BOOL] = CLG_BOOL };
    return c->in[input].kind >= CASE_I64 ? types[c->in[input].kind] : real;
}

void *case_elements(clg_dtype t, const double *v, int64_t n)
{
    void *p = malloc((size_t) n * clg_dtype_size(t) + 8);
    for (int64_t i = 0; p && i < n; i++)
        clg_element_set(t, (char *) p + (size_t) i * clg_dtype_size(t), v[i]);
    return p;
}
