// SPDX-License-Identifier: MIT
// Reads shapes.txt. A line that is not understood says where and why.
#include "shapes.h"

#include "../cases.h"
#include "shapes_text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

shape_case *shape_cases;
int shape_count;
shape_family *shape_families;
int shape_family_count;

enum { WORDS = 16, WORD = 80 };

typedef struct line_reader {
    const char *where;
    int line;
    char *error;
    bool failed;
    char word[WORDS][WORD];
    int words;
} line_reader;

static bool CLG_PRINTF(2, 3) fail(line_reader *r, const char *format, ...)
{
    va_list list;
    if (r->failed)
        return false;
    r->failed = true;
    const int n = snprintf(r->error, SHAPE_ERROR, "%s:%d: ", r->where, r->line);
    va_start(list, format);
    vsnprintf(r->error + n, (size_t) (SHAPE_ERROR - n), format, list);
    va_end(list);
    return false;
}

static void *grown(line_reader *r, void *p, int n, size_t size)
{
    void *more = realloc(p, (size_t) (n + 1) * size);
    if (!more)
        fail(r, "out of memory");
    return more;
}

static void add(line_reader *r, const shape_case *c)
{
    if (shape_family_count == 0) {
        fail(r, "a [family] comes before its cases");
        return;
    }
    for (int i = 0; i < shape_count; i++) {
        if (shape_cases[i].family == shape_family_count - 1 && strcmp(shape_cases[i].name, c->name) == 0)
            fail(r, "'%s' is on line %d too", c->name, shape_cases[i].line);
    }
    shape_case *more = r->failed ? NULL : grown(r, shape_cases, shape_count, sizeof *c);
    if (!more)
        return;
    shape_cases = more;
    shape_cases[shape_count] = *c;
    shape_cases[shape_count].family = shape_family_count - 1;
    shape_cases[shape_count++].line = r->line;
}

// ---- words

static void split(line_reader *r, const char *text)
{
    r->words = 0;
    while (!r->failed) {
        while (*text == ' ' || *text == '\t')
            text++;
        const int n = (int) strcspn(text, " \t\n#|");
        if (n == 0)
            return;
        if (r->words == WORDS || n >= WORD)
            fail(r, "too many words, or too long: '%.20s'", text);
        else
            snprintf(r->word[r->words++], WORD, "%.*s", n, text);
        text += n;
    }
}

// "8x64x56x56": how many, 0 after a message.
static int sizes(line_reader *r, const char *text, int64_t *out, int most)
{
    const char *whole = text;
    for (int n = 0; n < most; n++) {
        char *end;
        out[n] = isdigit((unsigned char) *text) ? strtoll(text, &end, 10) : -1;
        if (out[n] < 0 || (*end != 'x' && *end != '\0'))
            break;
        if (*end == '\0')
            return n + 1;
        text = end + 1;
    }
    fail(r, "sizes like 8x64x56x56 expected, %d at most, not '%s'", most, whole);
    return 0;
}

static bool type_word(const char *word, clg_dtype *t)
{
    for (int k = 0; k < CLG_DTYPE_COUNT; k++) {
        if (clg_dtype_is_float((clg_dtype) k) && strcmp(clg_dtype_name((clg_dtype) k), word) == 0) {
            *t = (clg_dtype) k;
            return true;
        }
    }
    return false;
}

// "quick" or a type, which any case may have.
static bool common_word(const char *word, shape_case *c)
{
    if (strcmp(word, "quick") == 0)
        return c->quick = true;
    return type_word(word, &c->type);
}

static void name_part(shape_case *c, const char *word)
{
    const size_t n = strlen(c->name);
    if (strcmp(word, "quick") != 0)
        snprintf(c->name + n, sizeof c->name - n, "%s%s", n ? " " : "", word);
}

static double size_of(const shape_case *c)
{
    return (double) clg_dtype_size(c->type);
}

// ---- kinds of lines

static void gemm_line(line_reader *r)
{
    shape_case c = { .kind = SHAPE_GEMM, .taken = -1 };
    gemm_shape *g = &c.gemm;
    int64_t s[4];
    const int n = r->words > 2 ? sizes(r, r->word[1], s, 4) : 0;
    const char *form = r->word[2];
    if (n < 3 || strlen(form) != 2 || !strchr("NT", form[0]) || !strchr("NT", form[1])) {
        fail(r, "gemm [BATCHx]MxKxN and NN, NT, TN or TT expected");
        return;
    }
    *g = (gemm_shape) { n == 4 ? s[0] : 1, s[n - 3], s[n - 2], s[n - 1], form[0] == 'T', form[1] == 'T', 0 };
    for (int i = 1; i < r->words; i++) {
        char *end;
        name_part(&c, r->word[i]);
        if (i > 2 && strncmp(r->word[i], "heads", 5) == 0)
            g->heads = strtoll(r->word[i] + 5, &end, 10);
        else if (i > 2 && !common_word(r->word[i], &c))
            fail(r, "'%s' is no type, nor headsN, nor quick", r->word[i]);
    }
    if (g->heads < 0 || (g->heads > 0 && (g->batch % g->heads || g->ta || g->tb)))
        fail(r, "heads divide the batch, and lie as NN");
    c.flops = 2.0 * (double) g->batch * (double) g->m * (double) g->k * (double) g->n;
    c.bytes = size_of(&c) * (double) g->batch * ((double) g->m * (double) g->k + (double) g->k * (double) g->n +
                                                 (double) g->m * (double) g->n);
    add(r, &c);
}

static void conv_numbers(line_reader *r, const char *word, conv_shape *c)
{
    int64_t s[SHAPE_AXES];
    int *to = *word == 'k' ? c->window : *word == 's' ? c->stride : *word == 'p' ? c->padding : c->dilation;
    const int n = sizes(r, word + 1, s, SHAPE_AXES);
    if (n != 1 && n != c->axes)
        fail(r, "'%s': one number or one for each of %d axes", word, c->axes);
    for (int i = 0; i < c->axes && !r->failed; i++)
        to[i] = (int) s[n == 1 ? 0 : i];
}

static void conv_line(line_reader *r)
{
    static const char *const parts[] = { "y", "dx", "dw" };
    shape_case c = { .kind = SHAPE_CONV, .taken = -1 };
    conv_shape *v = &c.conv;
    int64_t s[2 + SHAPE_AXES];
    v->axes = (r->words > 1 ? sizes(r, r->word[1], s, 2 + SHAPE_AXES) : 0) - 2;
    if (v->axes < 1) {
        fail(r, "conv NxCx[[D]xH]xW expected");
        return;
    }
    v->n = s[0];
    v->c = s[1];
    v->groups = 1;
    for (int i = 0; i < v->axes; i++) {
        v->in[i] = s[2 + i];
        v->stride[i] = v->dilation[i] = 1;
    }
    for (int i = 1; i < r->words && !r->failed; i++) {
        const char *w = r->word[i];
        name_part(&c, w);
        if (i == 1 || common_word(w, &c))
            continue;
        if (strcmp(w, "transposed") == 0)
            v->transposed = true;
        else if (*w == 'o' || *w == 'g')
            sizes(r, w + 1, *w == 'o' ? &v->o : &v->groups, 1);
        else if (strchr("kspd", *w))
            conv_numbers(r, w, v);
        else
            fail(r, "'%s' is none of oN kN sN pN dN gN transposed quick and no type", w);
    }
    if (!r->failed && (v->o < 1 || v->window[0] < 1 || v->groups < 1 || v->c % v->groups || v->o % v->groups))
        fail(r, "a convolution needs o and k, and groups that divide its channels");
    double in = 1, out = 1, window = 1;
    for (int i = 0; i < v->axes && !r->failed; i++) {
        const int64_t reach = (int64_t) v->dilation[i] * (v->window[i] - 1) + 1;
        v->out[i] = v->transposed ? (v->in[i] - 1) * v->stride[i] - 2 * v->padding[i] + reach
                                  : (v->in[i] + 2 * v->padding[i] - reach) / v->stride[i] + 1;
        if (v->out[i] < 1 || (!v->transposed && v->in[i] + 2 * v->padding[i] < reach))
            fail(r, "the window does not fit");
        in *= (double) v->in[i];
        out *= (double) v->out[i];
        window *= v->window[i];
    }
    const double per_group = (double) v->c / (double) v->groups;
    c.flops = 2.0 * (double) v->n * (double) v->o * per_group * window * (v->transposed ? in : out);
    c.bytes = size_of(&c) * ((double) v->n * ((double) v->c * in + (double) v->o * out) +
                             (double) v->o * per_group * window);
    char whole[SHAPE_NAME];
    snprintf(whole, sizeof whole, "%s", c.name);
    for (int i = PART_Y; i <= PART_DW; i++) {
        c.part = (shape_part) i;
        snprintf(c.name, sizeof c.name, "%.58s %s", whole, parts[i]);
        add(r, &c);
    }
}

static void optim_line(line_reader *r)
{
    static const struct {
        const char *name;
        int passes; // over the parameters: gradient, weights and state read, weights and state written
    } rules[] = { { "sgd", 3 },      { "momentum", 5 }, { "adam", 7 },   { "adamw", 7 },
                  { "rmsprop", 5 }, { "adagrad", 5 },  { "adadelta", 7 }, { "adamax", 7 },
                  { "nadam", 7 },   { "radam", 7 },    { "lion", 5 },     { "lamb", 7 } };
    shape_case c = { .kind = SHAPE_OPTIM, .taken = -1 };
    int passes = 0;
    for (size_t k = 0; r->words > 2 && k < sizeof rules / sizeof rules[0]; k++) {
        if (strcmp(rules[k].name, r->word[1]) == 0)
            passes = rules[k].passes;
    }
    int64_t s[2];
    if (passes == 0 || sizes(r, r->word[2], s, 2) != 2) {
        fail(r, "optim RULE TENSORSxELEMENTS expected, RULE one of sgd, momentum, adam, adamw, rmsprop, adagrad, "
                "adadelta, adamax, nadam, radam, lion, lamb");
        return;
    }
    snprintf(c.rule, sizeof c.rule, "%.11s", r->word[1]);
    c.tensors = s[0];
    c.elements = s[1];
    for (int i = 1; i < r->words; i++) {
        name_part(&c, r->word[i]);
        if (i > 2 && !common_word(r->word[i], &c))
            fail(r, "'%s' is no type, nor quick", r->word[i]);
    }
    if (c.type != CLG_F32)
        fail(r, "optimizers are timed in f32");
    c.bytes = 4.0 * passes * (double) c.tensors * (double) c.elements;
    add(r, &c);
}

// "flops=2*512*512*64": false where that is not what the word says.
static bool need_word(const char *word, const char *name, double *to)
{
    const size_t n = strlen(name);
    double product = 1;
    if (strncmp(word, name, n) != 0 || word[n] != '=')
        return false;
    for (const char *at = word + n; *at; at++) { // at an = or a *
        char *end;
        const int64_t v = isdigit((unsigned char) at[1]) ? strtoll(at + 1, &end, 10) : 0;
        if (v < 1 || (*end != '*' && *end != '\0'))
            return false;
        product *= (double) v;
        at = end - 1;
        if (!*end)
            break;
    }
    *to = product;
    return true;
}

// NAME | EXPRESSION | INPUTS | options
static void call_line(line_reader *r, const char *text)
{
    const char *first = strchr(text, '|'), *second = strchr(first + 1, '|');
    const char *end = text + strcspn(text, "\n");
    if (!second || second > end) {
        fail(r, "NAME | EXPRESSION | INPUTS [| OPTIONS] expected");
        return;
    }
    const char *third = memchr(second + 1, '|', (size_t) (end - second - 1));
    char line[1024], error[CASE_ERROR];
    shape_case c = { .kind = SHAPE_CALL, .taken = -1 };
    int name = (int) (first - text);
    bool gradient = false;
    while (name > 0 && (text[name - 1] == ' ' || text[name - 1] == '\t'))
        name--;
    if (name > SHAPE_NAME - 4)
        fail(r, "a name has at most %d characters", SHAPE_NAME - 4);
    snprintf(c.name, sizeof c.name, "%.*s", name, text);
    snprintf(line, sizeof line, "shape_%d %.*s", op_case_count, (int) ((third ? third : end) - first), first);
    c.call = cases_add(r->where, r->line, line, error);
    if (c.call < 0) {
        snprintf(r->error, SHAPE_ERROR, "%s", error);
        r->failed = true;
        return;
    }
    r->words = 0;
    if (third)
        split(r, third + 1);
    for (int i = 0; i < r->words; i++) {
        const char *w = r->word[i];
        if (strcmp(w, "grad") == 0)
            gradient = true;
        else if (strcmp(w, "linear") == 0)
            c.linear = true;
        else if (strncmp(w, "takes=", 6) == 0 && w[6] >= 'a' && w[6] < 'a' + CASE_INPUTS && !w[7])
            c.taken = w[6] - 'a';
        else if (!need_word(w, "flops", &c.flops) && !need_word(w, "ops", &c.ops) &&
                 !need_word(w, "loads", &c.loads) && !need_word(w, "launches", &c.launches) && !common_word(w, &c))
            fail(r, "an option is grad, linear, takes=INPUT, flops=, ops=, loads= or launches=N*N..., quick or a type, "
                    "not '%s'", w);
    }
    add(r, &c);
    c.part = PART_DX;
    snprintf(c.name + name, sizeof c.name - (size_t) name, " dx");
    if (gradient)
        add(r, &c);
}

static void family_line(line_reader *r, const char *text)
{
    const int n = (int) strcspn(text, "]\n");
    shape_family f = { 0 };
    if (text[n] != ']' || n == 0 || n >= SHAPE_NAME) {
        fail(r, "[FAMILY] and what it is expected");
        return;
    }
    snprintf(f.name, sizeof f.name, "%.*s", n, text);
    text += n + 1 + strspn(text + n + 1, " ");
    snprintf(f.what, sizeof f.what, "%.*s", (int) strcspn(text, "\n"), text);
    if (shapes_find_family(f.name) >= 0)
        fail(r, "family '%s' is there already", f.name);
    shape_family *more = r->failed ? NULL : grown(r, shape_families, shape_family_count, sizeof f);
    if (!more)
        return;
    shape_families = more;
    shape_families[shape_family_count++] = f;
}

static void one_line(line_reader *r, const char *text)
{
    text += strspn(text, " \t\r");
    if (*text == '[') {
        family_line(r, text + 1);
        return;
    }
    if (memchr(text, '|', strcspn(text, "\n#"))) {
        call_line(r, text);
        return;
    }
    split(r, text);
    if (r->words == 0 || r->failed)
        return;
    if (strcmp(r->word[0], "gemm") == 0)
        gemm_line(r);
    else if (strcmp(r->word[0], "conv") == 0)
        conv_line(r);
    else if (strcmp(r->word[0], "optim") == 0)
        optim_line(r);
    else
        fail(r, "a line is gemm, conv, optim, [FAMILY] or NAME | EXPRESSION | INPUTS, not '%s'", r->word[0]);
}

static char *file_text(const char *path)
{
    FILE *f = fopen(path, "rb");
    char *text = f ? calloc(1, 1 << 20) : NULL;
    if (text && fread(text, 1, (1 << 20) - 1, f) == 0) {
        free(text);
        text = NULL;
    }
    if (f)
        fclose(f);
    return text;
}

bool shapes_open(char error[SHAPE_ERROR])
{
    const char *path = getenv("CLGRAD_SHAPES");
    char *text = path && *path ? file_text(path) : NULL;
    line_reader r = { .where = text ? path : "shapes.txt", .line = 1, .error = error };
    shapes_close();
    if (path && *path && !text) {
        snprintf(error, SHAPE_ERROR, "%s: cannot be read", path);
        return false;
    }
    for (const char *at = text ? text : shapes_text; *at && !r.failed; r.line++) {
        one_line(&r, at);
        at += strcspn(at, "\n");
        at += *at == '\n';
    }
    free(text);
    return !r.failed;
}

void shapes_close(void)
{
    free(shape_cases);
    free(shape_families);
    shape_cases = NULL;
    shape_families = NULL;
    shape_count = shape_family_count = 0;
}

int shapes_find_family(const char *name)
{
    for (int i = 0; i < shape_family_count; i++) {
        if (strcmp(shape_families[i].name, name) == 0)
            return i;
    }
    return -1;
}
