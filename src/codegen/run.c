// SPDX-License-Identifier: MIT
// Operands of a row's reduction that do not lie along it with one step: transposed, repeated or
// padded in part. The order of the elements is that of the row all the same, whose index is split
// into dimensions: `line` counts rows of the last one, `col` is the place in it. Vectors inside one
// such row are loaded as one, others lane by lane. Where the rows of the last dimension are shorter than a vector,
// the places of the lanes are in tables, which are made once.
#include "codegen/gen.h"

#include "base/format.h"

#include <string.h>

// d: sizes, s: steps, w: windows (pairs) of the `rank` dimensions of the row
static const char *const place_text = "static inline long NAME(run_at)(global const long *d, "
                                      "global const long *s, int rank, long line)\n{\n"
                                      "    long at = 0;\n    for (int k = rank - 1; k > 0; k--) {\n"
                                      "        at += line % d[k] * s[k];\n        line /= d[k];\n  "
                                      "  }\n    return at + line * s[0];\n}\n";
static const char *const inside_text =
    "static inline int NAME(run_in)(global const long *d, global const long *w, int rank, long "
    "line)\n{\n"
    "    int in = 1;\n    for (int k = rank - 1; k >= 0; k--) {\n"
    "        const long i = k > 0 ? line % d[k] : line;\n        line = k > 0 ? line / d[k] : "
    "line;\n"
    "        in &= i >= w[2 * k] && i < w[2 * k + 1];\n    }\n    return in;\n}\n";
static const char *const index_text =
    "static inline long16 NAME(run_index)(long p, global const long *d, global const long *s, int "
    "rank,\n"
    "                                     long line, long col, int m)\n{\n"
    "    const long n = d[rank - 1], step = s[rank - 1];\n"
    "    long at = p + NAME(run_at)(d, s, rank - 1, line);\n    long16 t = (long16)(0);\n"
    "    if (m == 16 && col + 16 <= n)\n        return (long16)(at + col * step) + LANES * "
    "(long16)(step);\n" CLG__EDGE
    "    for (int i = 0; i < m; i++) {\n        ((long *)&t)[i] = at + col * step;\n"
    "        if (++col == n) {\n            col = 0;\n"
    "            at = p + NAME(run_at)(d, s, rank - 1, ++line);\n        }\n    }\n    return "
    "t;\n}\n";
static const char *const load_text =
    "static inline T_@ NAME(ldr_@)(global const $M *p, global const long *d, global const long "
    "*s,\n"
    "                              int rank, long line, long col, int m)\n{\n"
    "    const long n = d[rank - 1], step = s[rank - 1];\n"
    "    long at = NAME(run_at)(d, s, rank - 1, line);\n    T_@ t = (T_@)(0);\n"
    "    if (m == 16 && col + 16 <= n)\n"
    "        return step == 1 ? LD_@(p + at + col) : step == 0 ? (T_@)($G(p[at]))\n"
    "                                               : NAME(lds_@)(p + at + col * step, "
    "step);\n" CLG__EDGE
    "    for (int i = 0; i < m; i++) {\n        ((E_@ *)&t)[i] = $G(p[at + col * step]);\n"
    "        if (++col == n) {\n            col = 0;\n"
    "            at = NAME(run_at)(d, s, rank - 1, ++line);\n        }\n    }\n    return t;\n}\n";
static const char *const window_text =
    "static inline T_@ NAME(ldrw_@)(global const $M *p, int inside, global const long *d,\n"
    "                               global const long *s, global const long *w, int rank, long "
    "line,\n"
    "                               long col, int m, E_@ fill)\n{\n"
    "    const long n = d[rank - 1], step = s[rank - 1], lo = w[2 * rank - 2], hi = w[2 * rank - "
    "1];\n"
    "    long at = NAME(run_at)(d, s, rank - 1, line);\n"
    "    int in = inside && NAME(run_in)(d, w, rank - 1, line);\n    T_@ t = (T_@)(fill);\n"
    "    if (in && step == 1 && m == 16 && col >= lo && col + 16 <= min(n, hi))\n"
    "        return LD_@(p + at + col);\n" CLG__EDGE
    "    for (int i = 0; i < m; i++) {\n        if (in && col >= lo && col < hi)\n"
    "            ((E_@ *)&t)[i] = $G(p[at + col * step]);\n"
    "        if (++col == n) {\n            col = 0;\n"
    "            at = NAME(run_at)(d, s, rank - 1, ++line);\n"
    "            in = inside && NAME(run_in)(d, w, rank - 1, line);\n        }\n    }\n    return "
    "t;\n}\n";

// The places of m elements of a run from element `at` on: `rank` dimensions of sizes d and steps s. Lanes behind them
// have the place of the first.
static const char *const lanes_text =
    CLG__SELDOM "void NAME(run_lanes)(long16 *to, global const long *d, global const long *s, int rank, long at,\n"
    "                                 int m)\n{\n"
    "    const long n = d[rank - 1];\n    long line = at / n, col = at % n;\n"
    "    long from = NAME(run_at)(d, s, rank - 1, line);\n" CLG__EDGE
    "    for (int i = 0; i < 16; i++) {\n        ((long *)to)[i] = i < m ? from + col * s[rank - 1] : ((long *)to)[0];\n"
    "        if (++col == n) {\n            col = 0;\n"
    "            from = NAME(run_at)(d, s, rank - 1, ++line);\n        }\n    }\n}\n";
static const char *const table_text =
    "static inline T_@ NAME(ldo_@)(global const $M *p, const long *s)\n{\n"
    "    return $(p[s[0]], p[s[1]], p[s[2]], p[s[3]], p[s[4]], p[s[5]], p[s[6]], p[s[7]],\n"
    "                 p[s[8]], p[s[9]], p[s[10]], p[s[11]], p[s[12]], p[s[13]], p[s[14]],\n"
    "                 p[s[15]]$);\n}\n";

static bool joined(const clg__space *s, const clg__access *g, int first)
{
    for (int d = first; d + 1 < s->rank; d++) {
        if (g->stride[d] != g->stride[d + 1] * s->dim[d + 1])
            return false;
    }
    return !g->windowed;
}

void clg__run_split(clg__gen *n, int first)
{
    n->run = first;
    for (int k = 0; k < n->body->n_operands; k++)
        n->split[k] = n->body->operands[k].kind != CLG__FROM_SCALAR && first + 1 < n->s.rank &&
                      !joined(&n->s, &n->s.access[k], first);
}

bool clg__run_by_table(const clg__gen *n, int k)
{
    return n->split[k] && n->tables && !n->s.access[k].windowed;
}

static bool any_split(const clg__gen *n)
{
    bool yes = false;
    for (int k = 0; k < n->body->n_operands; k++)
        yes |= n->split[k] && !clg__run_by_table(n, k);
    return yes;
}

void clg__run_place(clg__gen *n)
{
    if (n->vec > 1 && any_split(n))
        clg__str_printf(&n->text, "const long line = j / g[%d], col = j - line * g[%d];\n",
                        n->dims_at + n->s.rank - 1, n->dims_at + n->s.rank - 1);
}

static void need_plain(clg__gen *n, const char *text, const char *name)
{
    char mark[48];
    clg__format(mark, sizeof mark, "NAME(%s)(global", name);
    if (!strstr(clg__str_text(&n->helpers), mark))
        clg__str_add(&n->helpers, text);
}

// "g + sizes, g + steps"
static void table(const clg__gen *n, int k, char buf[64])
{
    clg__format(buf, 64, "g + %d, g + %d", n->dims_at + n->run, n->geo_at[k] + 1 + n->run);
}

void clg__run_tables(clg__gen *n, clg__skip skip, const char *starts, const char *from, const char *count)
{
    for (int k = 0; k < n->body->n_operands; k++) {
        char at[64];
        if (!clg__run_by_table(n, k) || (skip && skip(n, k)))
            continue;
        table(n, k, at);
        need_plain(n, place_text, "run_at");
        if (!strstr(clg__str_text(&n->helpers), "NAME(run_lanes)("))
            clg__str_add(&n->helpers, lanes_text);
        clg__str_printf(&n->text, "long16 o%d[16];\n" CLG__EDGE "for (int i = 0; i < %s; i++)\n"
                        "NAME(run_lanes)(&o%d[i], %s, %d, %s, %s);\n", k, starts, k, at, n->s.rank - n->run,
                        from, count);
    }
}

void clg__run_lead(clg__gen *n, clg__skip skip)
{
    for (int k = 0; k < n->body->n_operands; k++) {
        if (clg__run_by_table(n, k) && !(skip && skip(n, k)))
            clg__str_printf(&n->text, "const long *l%d = (const long *)&o%d[c];\nconst long t%d = lead * g[%d];\n", k,
                            k, k, n->geo_at[k] + 1 + n->run);
    }
}

void clg__run_index(clg__gen *n, int k, clg__lanes lanes, char *out, size_t size)
{
    char at[64];
    const int rank = n->s.rank - n->run;
    if (clg__run_by_table(n, k)) {
        clg__format(out, size, "((long16)(p%d + t%d) + *(const long16 *)l%d)", k, k, k);
        return;
    }
    table(n, k, at);
    need_plain(n, place_text, "run_at");
    if (n->vec == 1) {
        clg__format(out, size, "(p%d + NAME(run_at)(%s, %d, j))", k, at, rank);
        return;
    }
    if (!strstr(clg__str_text(&n->helpers), "NAME(run_index)(long"))
        clg__str_add(&n->helpers, index_text);
    clg__format(out, size, "NAME(run_index)(p%d, %s, %d, line, col, %s)", k, at, rank,
                lanes == CLG__FULL ? "16" : "m");
}

void clg__run_load(clg__gen *n, int k, clg__lanes lanes, const char *fill)
{
    const clg_dtype t = n->body->operands[k].dtype;
    const bool windowed = n->s.access[k].windowed;
    const int rank = n->s.rank - n->run, w = n->geo_at[k] + 1 + n->s.rank + 2 * n->run;
    const char *s = clg__suffix(t), *m = lanes == CLG__FULL ? "16" : "m";
    char at[64], from[24];
    if (clg__run_by_table(n, k)) {
        clg__need_function(n, table_text, "ldo", t);
        if (clg__weaves(n, k))
            clg__str_printf(&n->text, "in ? tile%d[(j - woven) / 16] : ", k);
        clg__str_printf(&n->text, "NAME(ldo_%s)(p%d + t%d, l%d)", s, k, k, k);
        return;
    }
    table(n, k, at);
    need_plain(n, place_text, "run_at");
    if (windowed)
        need_plain(n, inside_text, "run_in");
    if (n->vec == 1 && windowed)
        clg__str_printf(&n->text,
                        "w%d && NAME(run_in)(g + %d, g + %d, %d, j) ? "
                        "%sp%d[NAME(run_at)(%s, %d, j)]%s : (E_%s)(%s)",
                        k, n->dims_at + n->run, w, rank, clg__convert("GET", t, from), k, at, rank,
                        clg__converted(t), s, fill);
    else if (n->vec == 1)
        clg__str_printf(&n->text, "%sp%d[NAME(run_at)(%s, %d, j)]%s", clg__convert("GET", t, from), k, at, rank,
                        clg__converted(t));
    else if (windowed)
        clg__str_printf(&n->text,
                        "NAME(ldrw_%s)(p%d, w%d, %s, g + %d, %d, line, col, %s, (E_%s)(%s))", s, k,
                        k, at, w, rank, m, s, fill);
    else
        clg__str_printf(&n->text, "NAME(ldr_%s)(p%d, %s, %d, line, col, %s)", s, k, at, rank, m);
    if (n->vec > 1 && windowed)
        clg__need_function(n, window_text, "ldrw", t);
    else if (n->vec > 1)
        clg__need_strided(n, load_text, "ldr", t);
}
