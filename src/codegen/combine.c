// SPDX-License-Identifier: MIT
// What reductions do to values, as text: identities, steps, folds. Floating sums are in sums.c.
#include "codegen/reduce.h"

#include "base/format.h"

#include <string.h>

bool clg__red_is_arg(clg__reduce_kind k)
{
    return k == CLG__RED_ARGMAX || k == CLG__RED_ARGMIN;
}

clg_dtype clg__red_type(const clg__body *body, const clg__reduction *r)
{
    return r->kind == CLG__RED_ANY || r->kind == CLG__RED_ALL ? CLG_BOOL : clg__as(body->insns[r->src].dtype);
}

bool clg__red_is_sum(const clg__reducer *r, int k)
{
    const clg__reduce_kind kind = r->body->reductions[k].kind;
    return kind >= CLG__RED_MEAN ||
           (kind == CLG__RED_SUM && clg_dtype_is_float(r->body->reductions[k].dtype));
}

bool clg__red_owns(const clg__reducer *r, int k)
{
    return r->owner[k] == k;
}

const char *clg__red_identity(clg__reduce_kind k, clg_dtype t)
{
    const bool low = k == CLG__RED_MAX || k == CLG__RED_ARGMAX;
    if (k == CLG__RED_SUM || k == CLG__RED_ANY || k >= CLG__RED_MEAN)
        return "0";
    if (k == CLG__RED_ALL || k == CLG__RED_PROD)
        return "1";
    return low ? clg__dtype_of(t)->low : clg__dtype_of(t)->high;
}

void clg__red_combine(clg__gen *n, clg__str *out, clg__reduce_kind k, clg_dtype t, const char *x,
                      const char *y)
{
    const char *s = clg__suffix(t);
    if (k == CLG__RED_SUM && !clg_dtype_is_float(t)) { // I64, wraps
        clg__need(n, "U", t);
        clg__str_printf(out, "S_i64(U_i64(%s) + U_i64(%s))", x, y);
    } else if (k == CLG__RED_PROD && !clg_dtype_is_float(t)) {
        clg__need(n, "U", t);
        clg__str_printf(out, "S_i64(U_i64(%s) * U_i64(%s))", x, y);
    } else if (k == CLG__RED_SUM || k == CLG__RED_PROD)
        clg__str_printf(out, "%s %c %s", x, k == CLG__RED_SUM ? '+' : '*', y);
    else if (k == CLG__RED_ANY)
        clg__str_printf(out, "%s | %s", x, y);
    else if (k == CLG__RED_ALL)
        clg__str_printf(out, "%s & %s", x, y);
    else {
        const char *word = k == CLG__RED_MAX ? "H_MAX" : "H_MIN";
        clg__need(n, word, t);
        clg__str_printf(out, "%s_%s(%s, %s)", word, s, x, y);
    }
}

void clg__red_declare(clg__reducer *r, clg__str *b)
{
    for (int k = 0; k < r->body->n_reductions; k++) {
        const clg__reduction *d = &r->body->reductions[k];
        const clg_dtype t = clg__red_type(r->body, d);
        const char *s = clg__suffix(t);
        clg__need_type(&r->elements, t);
        if (clg__red_is_sum(r, k)) {
            if (clg__red_owns(r, k))
                clg__sum_declare(r, b, k);
            continue;
        }
        clg__str_printf(b, "T_%s a%d = (T_%s)((E_%s)(%s));\n", s, k, s, s,
                        clg__red_identity(d->kind, t));
        if (clg__red_is_arg(d->kind)) {
            clg__need_type(&r->elements, CLG_I64);
            clg__str_printf(b, "T_i64 x%d_ = (T_i64)(LONG_MAX);\n", k);
        }
    }
}

bool clg__red_has_sums(const clg__reducer *r)
{
    bool yes = false;
    for (int k = 0; k < r->body->n_reductions; k++)
        yes |= clg__red_is_sum(r, k);
    return yes;
}

// A plain register that may not see an element twice: of whole sums and of products.
static bool is_counted(const clg__reducer *r, int k)
{
    const clg__reduce_kind kind = r->body->reductions[k].kind;
    return kind == CLG__RED_PROD || (kind == CLG__RED_SUM && !clg__red_is_sum(r, k));
}

bool clg__red_has_blocks(const clg__reducer *r)
{
    bool yes = false;
    for (int k = 0; k < r->body->n_reductions; k++)
        yes |= clg__red_is_sum(r, k) || is_counted(r, k);
    return yes;
}

// A block may be done again, so only what may see an element twice goes on without a block's own
// value.
void clg__red_begin_block(clg__reducer *r, clg__str *b)
{
    for (int k = 0; k < r->body->n_reductions; k++) {
        const char *s = clg__suffix(clg__red_type(r->body, &r->body->reductions[k]));
        if (clg__red_is_sum(r, k) && clg__red_owns(r, k))
            clg__sum_begin_block(r, b, k);
        else if (is_counted(r, k))
            clg__str_printf(b, "T_%s s%d_ = (T_%s)(%s);\n", s, k, s, clg__red_identity(r->body->reductions[k].kind, CLG_I64));
    }
}

void clg__red_check_block(clg__reducer *r, clg__str *b)
{
    for (int k = 0; k < r->body->n_reductions; k++) {
        if (clg__red_is_sum(r, k) && clg__red_owns(r, k))
            clg__sum_check_block(r, b, k);
    }
}

static void end_counted(clg__reducer *r, clg__str *b, int k)
{
    const clg__reduction *d = &r->body->reductions[k];
    char total[16], block[16];
    clg__format(total, sizeof total, "a%d", k);
    clg__format(block, sizeof block, "s%d_", k);
    clg__str_printf(b, "%s = ", total);
    clg__red_combine(&r->elements, b, d->kind, clg__red_type(r->body, d), total, block);
    clg__str_add(b, ";\n");
}

void clg__red_end_block(clg__reducer *r, clg__str *b)
{
    for (int k = 0; k < r->body->n_reductions; k++) {
        if (clg__red_is_sum(r, k) && clg__red_owns(r, k))
            clg__sum_end_block(r, b, k);
        else if (is_counted(r, k))
            end_counted(r, b, k);
    }
}

// A register {letter}{k}{end} of each kind that reductions have.
typedef void (*word_text)(clg__str *b, const char *type, char letter, int k, const char *end);

static void each_word(clg__reducer *r, clg__str *b, int words, word_text text)
{
    const bool total = words & CLG__RED_TOTALS, block = words & CLG__RED_OF_BLOCK;
    for (int k = 0; k < r->body->n_reductions; k++) {
        const clg__reduction *d = &r->body->reductions[k];
        const bool sum = clg__red_is_sum(r, k);
        char type[24], mask[24];
        clg__format(type, sizeof type, "T_%s", clg__suffix(clg__red_type(r->body, d)));
        clg__format(mask, sizeof mask, "I_%s", clg__suffix(clg__red_type(r->body, d)));
        if (!clg__red_owns(r, k))
            continue;
        if (total)
            text(b, type, 'a', k, "");
        if (total && sum) {
            text(b, type, 'c', k, "");
            text(b, type, 'n', k, "_");
        }
        if (total && sum && clg__sum_is_square(r, k))
            text(b, mask, 'm', k, "_");
        if (total && clg__red_is_arg(d->kind))
            text(b, "T_i64", 'x', k, "_");
        if (block && (sum || is_counted(r, k)))
            text(b, type, 's', k, "_");
        if (block && sum)
            text(b, type, 'e', k, "_");
    }
}

static void declare_word(clg__str *b, const char *type, char letter, int k, const char *end)
{
    clg__str_printf(b, "%s %c%d%s_of[STRIP];\n", type, letter, k, end);
}

static void load_word(clg__str *b, const char *type, char letter, int k, const char *end)
{
    clg__str_printf(b, "%s %c%d%s = %c%d%s_of[w];\n", type, letter, k, end, letter, k, end);
}

static void store_word(clg__str *b, const char *type, char letter, int k, const char *end)
{
    (void) type;
    clg__str_printf(b, "%c%d%s_of[w] = %c%d%s;\n", letter, k, end, letter, k, end);
}

void clg__red_arrays_declare(clg__reducer *r, clg__str *b, int words)
{
    each_word(r, b, words, declare_word);
}

void clg__red_arrays_load(clg__reducer *r, clg__str *b, int words)
{
    each_word(r, b, words, load_word);
}

void clg__red_arrays_store(clg__reducer *r, clg__str *b, int words)
{
    each_word(r, b, words, store_word);
}

// Is (a, i), a value and its index, before (b, j) in the order of argmax, or of argmin? The first NaN wins, else the
// first extreme. LONG_MAX is the index of no element.
static const char *const before_text[] = {
    "static inline int NAME(before_max_@)(E_@ a, long i, E_@ b, long j)\n{\n"
    "    if (i == LONG_MAX || j == LONG_MAX)\n        return j == LONG_MAX;\n"
    "    if (a != a || b != b)\n        return a != a && (b == b || i < j);\n"
    "    return a > b || (a == b && i < j);\n}\n",
    "static inline int NAME(before_min_@)(E_@ a, long i, E_@ b, long j)\n{\n"
    "    if (i == LONG_MAX || j == LONG_MAX)\n        return j == LONG_MAX;\n"
    "    if (a != a || b != b)\n        return a != a && (b == b || i < j);\n"
    "    return a < b || (a == b && i < j);\n}\n",
};

void clg__red_before(clg__reducer *r, int k, char name[40])
{
    const clg__reduction *d = &r->body->reductions[k];
    const bool max = d->kind == CLG__RED_ARGMAX;
    const clg_dtype t = clg__red_type(r->body, d);
    clg__need_function(&r->elements, before_text[max ? 0 : 1], max ? "before_max" : "before_min", t);
    clg__format(name, 40, "NAME(before_%s_%s)", max ? "max" : "min", clg__suffix(t));
}

static void accumulate_arg(clg__reducer *r, clg__str *b, int k, const char *index, const char *mask)
{
    const clg__reduction *d = &r->body->reductions[k];
    const clg_dtype t = clg__red_type(r->body, d);
    const char *s = clg__suffix(t), *op = d->kind == CLG__RED_ARGMAX ? ">" : "<";
    const char *wide = r->vec > 1 && clg_dtype_size(t) != 8
                           ? "convert_long16"
                           : "";
    clg__str_printf(b, "{ const T_%s v = v%d;\nconst T_i64 at = %s;\n", s, d->src, index);
    // the order of before_text, where indices rise: a tie keeps the older
    clg__str_printf(b,
                    "const I_%s better = ((v %s a%d) | ((v != v) & (a%d == a%d)) |\n"
                    "CI_%s(x%d_ == (T_i64)(LONG_MAX)))%s;\n",
                    s, op, k, k, k, s, k, mask);
    clg__str_printf(b, "a%d = better ? v : a%d;\nx%d_ = %s(better) ? at : x%d_; }\n", k, k, k, wide,
                    k);
}

void clg__red_accumulate(clg__reducer *r, clg__lanes lanes, const char *index)
{
    clg__str *b = &r->elements.text;
    char mask[128];
    for (int k = 0; k < r->body->n_reductions; k++) {
        const clg__reduction *d = &r->body->reductions[k];
        const clg_dtype t = clg__red_type(r->body, d), from = r->body->insns[d->src].dtype;
        const char *s = clg__suffix(t);
        if (!clg__red_owns(r, k))
            continue;
        const bool masked = (r->inner_reduced || r->packed) && r->vec > 1;
        const char *part = lanes == CLG__FULL ? ">= (I_%s)(skip)" : "< (I_%s)(m)";
        char value[96], which[64];
        clg__format(which, sizeof which, part, s);
        clg__format(mask, sizeof mask, masked ? " & (CI_%s(LANE16) %s)" : "", s, which);
        if (clg__red_is_arg(d->kind)) {
            accumulate_arg(r, b, k, index, mask);
            continue;
        }
        clg__format(value, sizeof value, "v%d", d->src);
        clg__str_printf(b, "{ T_%s v = ", s);
        clg__gen_cast(&r->elements, b, from, t, value);
        clg__str_add(b, ";\n");
        if (masked)
            clg__str_printf(b, "%sv = (CI_%s(LANE16) %s) ? v : (T_%s)((E_%s)(%s));\n",
                            lanes == CLG__FULL ? "if (skip)\n" : "", s, which, s, s, clg__red_identity(d->kind, t));
        if (clg__red_is_sum(r, k)) {
            clg__sum_accumulate(r, b, k);
            continue;
        }
        char a[16];
        clg__format(a, sizeof a, is_counted(r, k) ? "s%d_" : "a%d", k);
        clg__str_printf(b, "%s = ", a);
        clg__red_combine(&r->elements, b, d->kind, t, a, "v");
        clg__str_add(b, "; }\n");
    }
}
