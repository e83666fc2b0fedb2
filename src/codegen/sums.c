// SPDX-License-Identifier: MIT
// Floating sums. A lane's total is three registers: a + c, where c holds what a's rounding lost,
// and the power of two n that both are multiplied by. Elements of a block are added without loss
// (two-sum, Knuth; Ogita, Rump and Oishi 2005), blocks join the total in doubled precision. A block
// that does not fit is done once more with n smaller (for squares that vanish: larger), so that
// nothing overflows on the way; the CPU class looks at blocks only where the result came out wrong,
// and does it all again. Sums, means and what is left of them read one total, as squares and their
// root do.
#include "codegen/reduce.h"

#include "base/format.h"

#include <math.h>
#include <string.h>

bool clg__sum_is_square(const clg__reducer *r, int k)
{
    const clg__reduce_kind kind = r->body->reductions[k].kind;
    return kind == CLG__RED_SQUARE || kind == CLG__RED_ROOT;
}

// Powers of two: a block's sum above `top` is done again by `down`, squares below `low` by `up`.
// 2^31 blocks of `top` are finite, and so are 2^31 blocks of the largest elements times `down`.
static const struct scales {
    int top, down, square_down, low, up;
} f32_scales = {96, -64, -80, -70, 64}, f64_scales = {960, -512, -640, -800, 512};

static const struct scales *scales_of(clg_dtype t)
{
    return t == CLG_F64 ? &f64_scales : &f32_scales;
}

static const char *power(clg_dtype t, int exponent, char buf[32])
{
    clg__format(buf, 32, "0x1p%d%s", exponent, t == CLG_F64 ? "" : "f");
    return buf;
}

// @ is the type's suffix, $ the type of registers or of elements.
static const char *const words =
    "#define TWO_SUM_@(s, e, v) { const T_@ x_ = (v), t_ = s + x_, z_ = t_ - s; \\\n"
    "    e += (s - (t_ - z_)) + (x_ - z_); s = t_; }\n"
    // (Dekker) without loss where |v| <= s. Of squares another one at least doubles s, so that what is lost
    // in all is an ulp of the total.
    "#define FAST_SUM_@(s, e, v) { const T_@ x_ = (v), t_ = s + x_; e += x_ - (t_ - s); s = t_; }\n";
// a + c += s + e. An infinite sum has no remainder.
static const char *const join_text =
    "static inline void NAME(join_$)($ *a, $ *c, $ s, $ e)\n{\n"
    "    const $ zero = ($)(0), t = *a + s, z = t - *a;\n"
    "    $ r = (*a - (t - z)) + (s - z) + (*c + e);\n"
    "    r = r == r ? r : zero;\n    *a = t + r;\n    r = r - (*a - t);\n"
    "    *c = r == r ? r : zero;\n}\n";
// The same of totals with scales; zeros take any scale.
static const char *const meet_text =
    "static inline void NAME(meet_$)($ *a, $ *c, $ *n, $ x, $ y, $ w, int squares)\n{\n"
    "    const $ zero = ($)(0), one = ($)(1);\n"
    "    const $ p = (*a != zero) | (*c != zero) ? *n : ($)(UP_@);\n"
    "    const $ q = (x != zero) | (y != zero) ? w : ($)(UP_@), to = fmin(p, q);\n"
    "    $ f = fmin(to / *n, one), h = fmin(to / w, one);\n"
    "    *a *= f;\n    *c *= f;\n    x *= h;\n    y *= h;\n"
    "    f = squares ? f : one;\n    h = squares ? h : one;\n"
    "    *a *= f;\n    *c *= f;\n    NAME(join_$)(a, c, x * h, y * h);\n    *n = to;\n}\n";
// (a + c) / (dh + dl), what its rounding left in *rest. A rest that is the total's own error is
// none, so that equal elements do not differ from their mean.
static const char *const mean_text =
    "static inline $ NAME(mean_$)($ a, $ c, E_@ dh, E_@ dl, $ *rest)\n{\n"
    "    const $ zero = ($)(0), high = ($)(dh), q = a / high;\n"
    "    $ r = (fma(-q, high, a) + (c - q * ($)(dl))) / high;\n"
    "    r = r == r ? r : zero;\n    const $ m = q + r;\n"
    "    r = r - (m - q);\n    *rest = fabs(r) > fabs(m) * ($)(NONE_@) ? r : zero;\n    return "
    "m;\n}\n";
static const char *const root_text =
    "static inline $ NAME(root_$)($ a, $ rest)\n{\n"
    "    const $ zero = ($)(0), y = sqrt(a), r = (fma(-y, y, a) + rest) / (y + y);\n"
    "    return r == r ? y + r : y;\n}\n";

static void add_text(clg__str *out, const char *text, const char *suffix, const char *type)
{
    for (const char *p = text; *p; p++) {
        if (*p == '@')
            clg__str_add(out, suffix);
        else if (*p == '$')
            clg__str_add(out, type);
        else
            clg__str_add_n(out, p, 1);
    }
}

static void need(clg__reducer *r, const char *text, const char *name, clg_dtype t, bool element)
{
    char type[16], mark[48];
    clg__format(type, sizeof type, "%s_%s", element ? "E" : "T", clg__suffix(t));
    clg__format(mark, sizeof mark, "NAME(%s_%s)(%s", name, type, type);
    clg__need_type(&r->elements, t);
    if (!strstr(clg__str_text(&r->elements.helpers), mark))
        add_text(&r->elements.helpers, text, clg__suffix(t), type);
}

static void need_words(clg__reducer *r, clg_dtype t)
{
    char mark[48], line[160], up[32], none[32];
    clg__format(mark, sizeof mark, "#define TWO_SUM_%s(", clg__suffix(t));
    clg__need_type(&r->elements, t);
    if (strstr(clg__str_text(&r->elements.helpers), mark))
        return;
    add_text(&r->elements.helpers, words, clg__suffix(t), "");
    clg__format(line, sizeof line, "#define UP_@ %s\n#define NONE_@ %s\n", power(t, scales_of(t)->up, up),
                power(t, t == CLG_F64 ? -103 : -45, none));
    add_text(&r->elements.helpers, line, clg__suffix(t), "");
    clg__need(&r->elements, "ANY", t);
}

static const char *suffix_of(const clg__reducer *r, int k)
{
    return clg__suffix(clg__red_type(r->body, &r->body->reductions[k]));
}

// a{k} total, c{k} what its rounding lost, n{k}_ their scale
void clg__sum_declare(clg__reducer *r, clg__str *b, int k)
{
    const char *s = suffix_of(r, k);
    need_words(r, clg__red_type(r->body, &r->body->reductions[k]));
    clg__str_printf(b, "T_%s a%d = (T_%s)(0), c%d = (T_%s)(0), n%d_ = (T_%s)(1);\n", s, k, s, k, s,
                    k, s);
    if (clg__sum_is_square(r, k)) // something is not zero
        clg__str_printf(b, "I_%s m%d_ = (I_%s)(0);\n", s, k, s);
}

// s{k}_ sum of the block, e{k}_ what its rounding lost
void clg__sum_begin_block(clg__reducer *r, clg__str *b, int k)
{
    const char *s = suffix_of(r, k);
    clg__str_printf(b, "T_%s s%d_ = (T_%s)(0), e%d_ = (T_%s)(0);\n", s, k, s, k, s);
}

// The element is in v. A scale other than 1, and the search for squares that vanished, cost the CPU class
// nothing before it is careful.
void clg__sum_accumulate(clg__reducer *r, clg__str *b, int k)
{
    const char *s = suffix_of(r, k);
    const bool later = r->vec > 1 && r->inner_reduced; // lanes that are no results stay zero for ever
    if (clg__sum_is_square(r, k) && !later)
        clg__str_printf(b, "m%d_ |= v != (T_%s)(0);\n", k, s);
    clg__str_add(b, r->vec > 1 ? "if (careful) {\n" : "");
    if (clg__sum_is_square(r, k) && later)
        clg__str_printf(b, "m%d_ |= v != (T_%s)(0);\n", k, s);
    clg__str_printf(b, "v *= n%d_;\n%s%s", k, r->vec > 1 ? "}\n" : "", clg__sum_is_square(r, k) ? "v *= v;\n" : "");
    clg__str_printf(b, "%s_SUM_%s(s%d_, e%d_, v) }\n", clg__sum_is_square(r, k) ? "FAST" : "TWO", s, k, k);
}

// Sets `again` where the block must be done with another scale.
void clg__sum_check_block(clg__reducer *r, clg__str *b, int k)
{
    const clg_dtype t = clg__red_type(r->body, &r->body->reductions[k]);
    const struct scales *z = scales_of(t);
    const char *s = clg__suffix(t);
    char top[32], down[32], low[32], up[32], unit[32];
    power(t, z->top, top);
    power(t, clg__sum_is_square(r, k) ? z->square_down : z->down, down);
    power(t, z->low, low);
    power(t, z->up, up);
    power(t, -z->up, unit);
    clg__str_printf(b,
                    "{ const I_%s full = ((s%d_ > (T_%s)(%s)) | (s%d_ < (T_%s)(-%s)) | "
                    "(s%d_ != s%d_) | (e%d_ != e%d_)) & (n%d_ != (T_%s)(%s));\n",
                    s, k, s, top, k, s, top, k, k, k, k, k, s, down);
    if (clg__sum_is_square(r, k)) {
        clg__str_printf(b,
                        "const I_%s faint = (s%d_ < (T_%s)(%s)) & (m%d_ != (I_%s)(0)) & "
                        "(a%d == (T_%s)(0)) & (n%d_ == (T_%s)(1));\n"
                        "if (ANY_%s(full | faint)) {\n",
                        s, k, s, low, k, s, k, s, k, s, s);
        clg__str_printf(b,
                        "const T_%s f = full ? (n%d_ == (T_%s)(%s) ? (T_%s)(%s) : (T_%s)(%s)) : "
                        "(T_%s)(1);\n",
                        s, k, s, up, s, unit, s, down, s);
        clg__str_printf(b,
                        "a%d = a%d * f * f;\nc%d = c%d * f * f;\n"
                        "n%d_ = faint ? (T_%s)(%s) : n%d_ * f;\nagain = 1;\n}\n}\n",
                        k, k, k, k, k, s, up, k);
        return;
    }
    clg__str_printf(b,
                    "if (ANY_%s(full)) {\nconst T_%s f = full ? (T_%s)(%s) : (T_%s)(1);\n"
                    "a%d *= f;\nc%d *= f;\nn%d_ *= f;\nagain = 1;\n}\n}\n",
                    s, s, s, down, s, k, k, k);
}

void clg__sum_end_block(clg__reducer *r, clg__str *b, int k)
{
    const clg_dtype t = clg__red_type(r->body, &r->body->reductions[k]);
    need(r, join_text, "join", t, false);
    clg__str_printf(b, "NAME(join_T_%s)(&a%d, &c%d, s%d_, e%d_);\n", clg__suffix(t), k, k, k, k);
}

// The total of the 16 lanes, what its rounding lost, their scale, and whether that came out wrong; in a fixed tree.
// Zeros alone are summed twice where they are squares.
static void need_fold(clg__reducer *r, clg_dtype t)
{
    const char *e = clg__register(t), *s = clg__suffix(t);
    clg__str *b = &r->elements.helpers;
    char mark[48], top[32], low[32];
    clg__format(mark, sizeof mark, "NAME(fold_%s)(T_%s", s, s);
    if (strstr(clg__str_text(b), mark))
        return;
    int folds = 0; // a call each: compilers are spared all but the first
    for (int k = 0; k < r->body->n_reductions; k++)
        folds += clg__red_is_sum(r, k) && clg__red_owns(r, k);
    clg__need_halves(&r->elements);
    clg__str_printf(b, "%s%s4 NAME(fold_%s)(T_%s a, T_%s c, T_%s n, int squares)\n{\n",
                    folds > 1 ? CLG__SELDOM : "static ", e, s, s, s, s);
    clg__str_printf(b,
                    "if (ANY_%s(n != (T_%s)(1))) {\n"
                    "const T_%s t16 = (a != (T_%s)(0)) | (c != (T_%s)(0)) ? n : (T_%s)(UP_%s);\n",
                    s, s, s, s, s, s, s);
    for (int w = 8; w > 1; w /= 2)
        clg__str_printf(b, "const %s%d t%d = fmin(t%d.lo, HI(%s%d, t%d));\n", e, w, w, 2 * w, e, w, 2 * w);
    clg__str_printf(b,
                    "const T_%s t1 = (T_%s)(fmin(t2.x, t2.y)), f = fmin(t1 / n, (T_%s)(1));\n"
                    "const T_%s g = squares ? f : (T_%s)(1);\n"
                    "a = a * f * g;\nc = c * f * g;\nn = t1;\n}\n",
                    s, s, s, s, s);
    for (int w = 8; w > 0; w /= 2) {
        char type[16], from[8], lost[8];
        clg__format(type, sizeof type, w > 1 ? "%s%d" : "%s", e, w);
        clg__format(from, sizeof from, w == 8 ? "a" : "s%d", 2 * w);
        clg__format(lost, sizeof lost, w == 8 ? "c" : "e%d", 2 * w);
        clg__str_printf(b, "const %s h%d = HI(%s, %s), s%d = %s.lo + h%d, z%d = s%d - %s.lo;\n", type, w,
                        type, from, w, from, w, w, w, from);
        clg__str_printf(b,
                        "const %s e%d = (%s.lo - (s%d - z%d)) + (h%d - z%d) + (%s.lo + HI(%s, %s));\n",
                        type, w, from, w, w, w, w, lost, type, lost);
    }
    power(t, scales_of(t)->top, top);
    power(t, scales_of(t)->low, low);
    clg__str_printf(b,
                    "const int wrong = !(fabs(s1) <= %s) || e1 != e1 || (squares && s1 < %s);\n"
                    "return (%s4)(s1, e1 == e1 ? e1 : 0, n.s0, wrong);\n}\n",
                    top, low, e);
}

// The 16 lanes to fa{k} + fc{k}, times fn{k}
void clg__sum_fold(clg__reducer *r, int k)
{
    const clg_dtype t = clg__red_type(r->body, &r->body->reductions[k]);
    const char *e = clg__register(t), *s = clg__suffix(t);
    clg__str *b = &r->elements.text;
    need_fold(r, t);
    clg__str_printf(b, "const %s4 t%d_ = NAME(fold_%s)(a%d, c%d, n%d_, %d);\n"
                       "const %s fa%d = t%d_.x, fc%d = t%d_.y, fn%d = t%d_.z;\nwrong |= t%d_.w != 0;\n",
                    e, k, s, k, k, k, clg__sum_is_square(r, k), e, k, k, k, k, k, k, k);
}

// CPU class, a result per lane: sets `wrong` as the fold does.
void clg__sum_check(clg__reducer *r, clg__str *b, int k)
{
    const clg_dtype t = clg__red_type(r->body, &r->body->reductions[k]);
    char top[32], low[32];
    power(t, scales_of(t)->top, top);
    power(t, scales_of(t)->low, low);
    clg__str_printf(b, "wrong |= ANY_%s(~(fabs(a%d) <= (T_%s)(%s)))", clg__suffix(t), k, clg__suffix(t), top);
    if (clg__sum_is_square(r, k))
        clg__str_printf(b, " || ANY_%s((a%d < (T_%s)(%s)) & m%d_)", clg__suffix(t), k, clg__suffix(t), low, k);
    clg__str_add(b, ";\n");
}

// GPU class: the items' totals through local memory.
void clg__sum_local_fold(clg__reducer *r, int k)
{
    const clg_dtype t = clg__red_type(r->body, &r->body->reductions[k]);
    const char *s = clg__suffix(t);
    clg__str *b = &r->elements.text;
    need(r, join_text, "join", t, true);
    need(r, meet_text, "meet", t, true);
    clg__str_printf(b,
                    "l%d[lid] = a%d;\nlc%d[lid] = c%d;\nln%d[lid] = n%d_;\n" CLG__LOCAL_TREE "{\n",
                    k, k, k, k, k, k);
    clg__str_printf(b,
                    "E_%s a = l%d[lid], c = lc%d[lid], n = ln%d[lid];\n"
                    "NAME(meet_E_%s)(&a, &c, &n, l%d[lid + h], lc%d[lid + h], ln%d[lid + h], %d);\n"
                    "l%d[lid] = a;\nlc%d[lid] = c;\nln%d[lid] = n;\n}\n}\n",
                    s, k, k, k, s, k, k, k, clg__sum_is_square(r, k), k, k, k);
    clg__str_printf(
        b, "barrier(CLK_LOCAL_MEM_FENCE);\na%d = l%d[0];\nc%d = lc%d[0];\nn%d_ = ln%d[0];\n", k, k,
        k, k, k, k);
}

// The total x + c times n joins a{k}, c{k}, n{k}_.
void clg__sum_meet(clg__reducer *r, clg__str *b, int k, const char *x, const char *c, const char *n)
{
    const clg_dtype t = clg__red_type(r->body, &r->body->reductions[k]);
    need(r, join_text, "join", t, false);
    need(r, meet_text, "meet", t, false);
    clg__str_printf(b, "NAME(meet_T_%s)(&a%d, &c%d, &n%d_, %s, %s, %s, %d);\n", clg__suffix(t), k,
                    k, k, x, c, n, clg__sum_is_square(r, k));
}

// Where reduction k's divisor stands before g: two words, as clg__sum_divisors writes them.
static int divisor_at(int k)
{
    return CLG__FROM_G(0) - 2 * (k + 1);
}

// f{k} from the total of its owner: {prefix}a, {prefix}c, {prefix}n
void clg__sum_result(clg__reducer *r, clg__str *b, int k, bool element, const char *prefix)
{
    const clg__reduction *d = &r->body->reductions[k];
    const clg_dtype t = clg__red_type(r->body, d);
    const char *s = clg__suffix(t), *set = element ? "E" : "T",
               *as = t == CLG_F64 ? "as_double(" : "as_float((int)";
    const int o = r->owner[k];
    char n[24];
    clg__format(n, sizeof n, *prefix ? "%sn%d" : "%sn%d_", prefix, o);
    if (d->kind == CLG__RED_SUM) {
        clg__str_printf(b, "const %s_%s f%d = (%sa%d + %sc%d) / %s;\n", set, s, k, prefix, o,
                        prefix, o, n);
        return;
    }
    need(r, mean_text, "mean", t, element);
    clg__str_printf(
        b, "%s_%s r%d_;\n%s_%s f%d = NAME(mean_%s_%s)(%sa%d, %sc%d, %sg[%d]), %sg[%d]), &r%d_);\n",
        set, s, k, set, s, k, set, s, prefix, o, prefix, o, as, divisor_at(k), as,
        divisor_at(k) + 1, k);
    if (d->kind == CLG__RED_ROOT) {
        need(r, root_text, "root", t, element);
        clg__str_printf(b, "f%d = NAME(root_%s_%s)(f%d, r%d_);\n", k, set, s, k, k);
    }
    clg__str_printf(b, "f%d = %s%d%s / %s%s%s;\n", k, d->kind == CLG__RED_REST ? "r" : "f", k,
                    d->kind == CLG__RED_REST ? "_" : "", n, d->kind == CLG__RED_SQUARE ? " / " : "",
                    d->kind == CLG__RED_SQUARE ? n : "");
}

static int64_t bits(clg_dtype t, double v)
{
    int64_t word = 0;
    const float f = (float)v;
    if (t == CLG_F64)
        memcpy(&word, &v, sizeof v);
    else
        memcpy(&word, &f, sizeof f);
    return word;
}

// As a sum of two, since a count above 2^24 is no f32. The last reduction's is the first.
void clg__sum_divisors(clg__reducer *r)
{
    for (int k = r->body->n_reductions - 1; k >= 0; k--) {
        const clg__reduction *d = &r->body->reductions[k];
        const clg_dtype t = clg__red_type(r->body, d);
        const double high = t == CLG_F64 ? d->divisor : (double)(float)d->divisor;
        clg__geo_add(r->p, bits(t, high));
        clg__geo_add(r->p, bits(t, isfinite(high) ? d->divisor - high : 0));
    }
}
