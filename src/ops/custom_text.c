// SPDX-License-Identifier: MIT
// An application's OpenCL C stands in programs with other kernels, and in kernels with other operations. So nothing of
// it may reach beyond its end: brackets are in pairs, there are no macros and no names that programs share.
#include "ops/custom_text.h"

#include "base/dtype.h"
#include "base/format.h"

#include <string.h>

enum { MOST_BYTES = 65536, MOST_DEPTH = 128, MOST_NAME = 48 };

static bool begins_name(char c)
{
    return clg__is_letter(c) || c == '_';
}

static bool in_name(char c)
{
    return begins_name(c) || clg__is_digit(c);
}

static bool is_one_of(const char *word, size_t n, const char *const *list)
{
    for (; *list; list++) {
        if (strlen(*list) == n && memcmp(*list, word, n) == 0)
            return true;
    }
    return false;
}

// ---- names

static const char *const forbidden[] = { "asm", "__asm", "__asm__", "_Pragma", "__attribute__", "__attribute", "kernel",
                                         "__kernel", "extern", "static", "goto", NULL };
static const char *const keywords[] = {
    "auto", "bool", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum", "float",
    "for", "half", "if", "inline", "int", "long", "register", "restrict", "return", "short", "signed", "sizeof", "struct",
    "switch", "typedef", "union", "unsigned", "void", "volatile", "while", "global", "local", "constant", "private",
    "uchar", "ushort", "uint", "ulong", "size_t", "ptrdiff_t", "true", "false", "event_t", "sampler_t", "local_memory",
    "scratch_memory",
    "read_only", "write_only", "read_write", "vec_step", "uniform", "pipe", "NULL", NULL
};
static const char *const constants[] = { "NAN", "INFINITY", "HUGE_VAL", "HUGE_VALF", "MAXFLOAT", "T", "NULL", NULL };
static const char *const groups[] = { "M_", "FLT_", "DBL_", "HALF_", "INT_", "UINT_", "LONG_", "ULONG_", "CHAR_", "SCHAR_",
                                      "UCHAR_", "SHRT_", "USHRT_", "CLK_", "LOAD_", "STORE_", NULL };

static bool all_capitals(const char *word, size_t n)
{
    bool capital = false;
    for (size_t i = 0; i < n; i++) {
        if (word[i] >= 'a' && word[i] <= 'z')
            return false;
        capital |= clg__is_letter(word[i]);
    }
    return capital;
}

// One of the library's, whose macros stand around the text.
static bool is_reserved(const char *word, size_t n)
{
    if (is_one_of(word, n, constants))
        return false;
    for (const char *const *g = groups; *g; g++) {
        if (n > strlen(*g) && memcmp(word, *g, strlen(*g)) == 0)
            return false;
    }
    if (all_capitals(word, n) || (n > 4 && memcmp(word, "own_", 4) == 0))
        return true;
    for (int t = 0; t < CLG_DTYPE_COUNT; t++) {
        const char *type = clg_dtype_name((clg_dtype) t);
        const size_t length = strlen(type);
        if (n > length + 1 && word[n - length - 1] == '_' && memcmp(word + n - length, type, length) == 0)
            return true;
    }
    return false;
}

bool clg__custom_is_name(const char *name)
{
    const size_t n = strlen(name);
    if (n == 0 || n > MOST_NAME || !begins_name(name[0]) || (n > 1 && name[0] == '_' && name[1] == '_'))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!in_name(name[i]))
            return false;
    }
    for (const char *const *g = groups; *g; g++) {
        if (memcmp(name, *g, n < strlen(*g) ? n : strlen(*g)) == 0 && n >= strlen(*g))
            return false;
    }
    return !is_reserved(name, n) && !is_one_of(name, n, keywords) && !is_one_of(name, n, forbidden) &&
           !is_one_of(name, n, constants);
}

// ---- looking through

typedef struct scan {
    clg__text_kind kind;
    const char *at, *id;
    clg__str *out;
    char *why;
    int line, depth;
    char open[MOST_DEPTH];
    int opened[MOST_DEPTH]; // in which line
} scan;

static bool refuse(scan *s, const char *format, ...) CLG_PRINTF(2, 3);
static bool refuse(scan *s, const char *format, ...)
{
    char text[300];
    va_list ap;
    va_start(ap, format);
    clg__vformat(text, sizeof text, format, ap);
    va_end(ap);
    clg__format(s->why, CLG__ERR_TEXT, "line %d: %s", s->line, text);
    return false;
}

static bool skip_comment(scan *s)
{
    const int start = s->line;
    const bool line = s->at[1] == '/';
    for (s->at += 2; *s->at; s->at++) {
        if (line && *s->at == '\n')
            return true;
        if (!line && s->at[0] == '*' && s->at[1] == '/') {
            s->at += 2;
            clg__str_add(s->out, " ");
            return true;
        }
        if (*s->at == '\n') {
            s->line++;
            clg__str_add(s->out, "\n");
        }
    }
    s->line = line ? s->line : start;
    return line || refuse(s, "a comment does not end");
}

static bool bracket(scan *s, char c)
{
    const char *pairs = "()[]{}", *which = strchr(pairs, c);
    if ((which - pairs) % 2 == 0) {
        if (s->depth == MOST_DEPTH)
            return refuse(s, "more than %d brackets in each other", MOST_DEPTH);
        s->opened[s->depth] = s->line;
        s->open[s->depth++] = c;
        return true;
    }
    if (s->depth == 0 || s->open[s->depth - 1] != which[-1])
        return refuse(s, "'%c' closes nothing", c);
    s->depth--;
    return true;
}

// Outside of all braces nothing gets a name but by NAME().
static bool word_outside(scan *s, const char *word, size_t n)
{
    const char *next = s->at + strspn(s->at, " \t\r\n");
    if (n == 4 && memcmp(word, "NAME", 4) == 0)
        return true;
    if (is_one_of(word, n, (const char *const[]) { "typedef", "struct", "union", "enum", NULL }))
        return refuse(s, "'%.*s' outside of a function", (int) n, word);
    if (*next && strchr("(=[;,{", *next))
        return refuse(s, "'%.*s' is to be NAME(%.*s), there and wherever it is used", (int) n, word, (int) n, word);
    return true;
}

static bool word(scan *s)
{
    const char *start = s->at;
    while (in_name(*s->at))
        s->at++;
    const size_t n = (size_t) (s->at - start);
    const bool name = n == 4 && memcmp(start, "NAME", 4) == 0;
    if (is_one_of(start, n, forbidden))
        return refuse(s, "'%.*s' is not allowed", (int) n, start);
    if (!name && is_reserved(start, n))
        return refuse(s, "'%.*s' is a name of the library's", (int) (n < 40 ? n : 40), start);
    if (s->kind == CLG__FUNCTIONS && s->depth == 0 && !word_outside(s, start, n))
        return false;
    clg__str_add_n(s->out, start, n);
    if (!name)
        return true;
    s->at += strspn(s->at, " \t");
    if (*s->at != '(' || !begins_name(s->at[1]))
        return refuse(s, "NAME is written NAME(f)");
    const char *f = ++s->at;
    while (in_name(*s->at))
        s->at++;
    if (*s->at != ')')
        return refuse(s, "NAME is written NAME(f)");
    clg__str_printf(s->out, "(own_%s_%.*s)", s->id, (int) (s->at - f), f);
    s->at++;
    return true;
}

static bool number(scan *s)
{
    const char *start = s->at;
    while (in_name(*s->at) || *s->at == '.' || ((*s->at == '+' || *s->at == '-') && strchr("eEpP", s->at[-1])))
        s->at++;
    clg__str_add_n(s->out, start, (size_t) (s->at - start));
    return true;
}

static bool sign(scan *s)
{
    static const char *const digraphs[] = { "??", "%:", "<%", "%>", "<:", ":>" };
    const char c = *s->at;
    for (size_t i = 0; i < sizeof digraphs / sizeof digraphs[0]; i++) {
        if (strncmp(s->at, digraphs[i], 2) == 0)
            return refuse(s, "'%s' is not allowed", digraphs[i]);
    }
    if ((unsigned char) c < 32 || (unsigned char) c > 126)
        return refuse(s, "byte 0x%02x is not allowed", (unsigned) (unsigned char) c);
    if (strchr("#\\\"'$@`", c))
        return refuse(s, "'%c' is not allowed", c);
    if (s->kind == CLG__EXPRESSION && strchr(";{}", c))
        return refuse(s, "'%c' in an expression", c);
    if (strchr("()[]{}", c) && !bracket(s, c))
        return false;
    clg__str_add_n(s->out, s->at++, 1);
    return true;
}

bool clg__custom_text(clg__text_kind kind, const char *text, const char *id, clg__str *out, char why[CLG__ERR_TEXT])
{
    scan s = { .kind = kind, .at = text ? text : "", .id = id, .out = out, .why = why, .line = 1 };
    bool any = false;
    if (strlen(s.at) > MOST_BYTES) {
        clg__format(why, CLG__ERR_TEXT, "it has %zu bytes, at most %d are taken", strlen(s.at), MOST_BYTES);
        return false;
    }
    while (*s.at) {
        const char c = *s.at;
        bool fine = true;
        if (c == '\n' || c == ' ' || c == '\t' || c == '\r') {
            s.line += c == '\n';
            clg__str_add(out, c == '\n' ? "\n" : " ");
            s.at++;
            continue;
        }
        if (c == '/' && (s.at[1] == '/' || s.at[1] == '*')) {
            if (!skip_comment(&s))
                return false;
            continue;
        }
        any = true;
        if (begins_name(c))
            fine = word(&s);
        else if (clg__is_digit(c) || (c == '.' && clg__is_digit(s.at[1])))
            fine = number(&s);
        else
            fine = sign(&s);
        if (!fine)
            return false;
    }
    if (s.depth > 0) {
        s.line = s.opened[s.depth - 1];
        return refuse(&s, "'%c' is not closed", s.open[s.depth - 1]);
    }
    if (!any && kind != CLG__FUNCTIONS) {
        clg__format(why, CLG__ERR_TEXT, "it is empty");
        return false;
    }
    return true;
}

// ---- formulas

// Of vectors a comparison is whole numbers, which arithmetic must not meet.
typedef enum type { NOTHING, NUMBER, VALUE, CONDITION } type;

typedef struct parser {
    const char *at;
    const char *const *names;
    int n, depth;
} parser;

static const char *const elementary[] = {
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh",
    "tanh", "asinh", "acosh", "atanh", "sqrt", "rsqrt", "cbrt", "fabs", "floor", "ceil", "trunc", "rint", "erf", "erfc",
    "fmin", "fmax", "fma", "pow", "atan2", "copysign", NULL
};

static void blanks(parser *p)
{
    p->at += strspn(p->at, " \n");
}

static bool accept(parser *p, const char *op)
{
    blanks(p);
    if (strncmp(p->at, op, strlen(op)) != 0)
        return false;
    p->at += strlen(op);
    return true;
}

static type choice(parser *p);

static type call(parser *p)
{
    do {
        const type t = choice(p);
        if (t != NUMBER && t != VALUE)
            return NOTHING;
    } while (accept(p, ","));
    return accept(p, ")") ? VALUE : NOTHING;
}

static type named(parser *p)
{
    const char *start = p->at;
    while (in_name(*p->at))
        p->at++;
    const size_t n = (size_t) (p->at - start);
    for (int i = 0; i < p->n; i++) {
        if (strlen(p->names[i]) == n && memcmp(p->names[i], start, n) == 0)
            return VALUE;
    }
    return is_one_of(start, n, elementary) && accept(p, "(") ? call(p) : NOTHING;
}

// Of decimal digits alone, with or without an f.
static type literal(parser *p)
{
    const char *start = p->at;
    while (in_name(*p->at) || *p->at == '.' || ((*p->at == '+' || *p->at == '-') && strchr("eE", p->at[-1])))
        p->at++;
    for (const char *c = start; c < p->at; c++) {
        if (clg__is_letter(*c) && *c != 'e' && *c != 'E' && !(*c == 'f' && c + 1 == p->at && strpbrk(start, ".eE")))
            return NOTHING;
    }
    return NUMBER;
}

static type unary(parser *p)
{
    type t = NOTHING;
    if (++p->depth > MOST_DEPTH)
        return NOTHING;
    blanks(p);
    if (*p->at == '-' || *p->at == '+') {
        const char c = *p->at++;
        t = *p->at == c ? NOTHING : unary(p);
        t = t == CONDITION ? NOTHING : t;
    } else if (*p->at == '!') {
        p->at++;
        t = unary(p) == CONDITION ? CONDITION : NOTHING;
    } else if (accept(p, "(")) {
        t = choice(p);
        t = accept(p, ")") ? t : NOTHING;
    } else if (begins_name(*p->at)) {
        t = named(p);
    } else if (clg__is_digit(*p->at) || *p->at == '.') {
        t = literal(p);
    }
    p->depth--;
    return t;
}

// The operators of one level, and what they make of two operands; a quotient of two numbers is C's business.
static type join(type a, type b, char op)
{
    const bool values = (a == NUMBER || a == VALUE) && (b == NUMBER || b == VALUE);
    if (op == '&' || op == '|')
        return a == CONDITION && b == CONDITION ? CONDITION : NOTHING;
    if (!values || (op == '/' && a == NUMBER && b == NUMBER))
        return NOTHING;
    if (op == '<')
        return CONDITION;
    return a == NUMBER && b == NUMBER ? NUMBER : VALUE;
}

static char operator_at(parser *p, int level)
{
    static const char *const levels[][5] = { { "||" }, { "&&" }, { "==", "!=" }, { "<=", ">=", "<", ">" }, { "+", "-" },
                                             { "*", "/" } };
    blanks(p);
    for (int i = 0; i < 5 && levels[level][i]; i++) {
        const char *op = levels[level][i];
        const size_t n = strlen(op);
        if (strncmp(p->at, op, n) != 0 || (n == 1 && (p->at[1] == '=' || p->at[1] == op[0])))
            continue;
        p->at += n;
        return level == 0 ? '|' : level == 1 ? '&' : level <= 3 ? '<' : op[0];
    }
    return 0;
}

static type binary(parser *p, int level)
{
    type t = level == 6 ? unary(p) : binary(p, level + 1);
    for (char op; level < 6 && t != NOTHING && (op = operator_at(p, level)) != 0;)
        t = join(t, binary(p, level + 1), op);
    return t;
}

static type choice(parser *p)
{
    if (++p->depth > MOST_DEPTH)
        return NOTHING;
    type t = binary(p, 0);
    if (accept(p, "?")) {
        const type a = t == CONDITION ? choice(p) : NOTHING, b = accept(p, ":") ? choice(p) : NOTHING;
        t = a == NOTHING || b == NOTHING || a == CONDITION || b == CONDITION ? NOTHING : VALUE;
    }
    p->depth--;
    return t;
}

bool clg__custom_is_formula(const char *text, const char *const *names, int n)
{
    parser p = { .at = text, .names = names, .n = n };
    const type t = choice(&p);
    blanks(&p);
    return (t == VALUE || t == NUMBER) && *p.at == '\0';
}
