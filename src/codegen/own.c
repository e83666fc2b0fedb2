// SPDX-License-Identifier: MIT
// Pointwise operations of an application's own. Each is a function, so that its text has scopes and names of its own:
// of vectors where the text is a formula (ops/custom_text.h), else of one element, called for each lane that counts,
// since on made-up elements it might divide by 0 or never end.
#include "base/format.h"
#include "codegen/gen.h"

#include <string.h>

// A formula with numbers of type t and our own functions, whose definitions go into the helpers.
static void add_formula(clg__gen *n, const clg__own *o, clg_dtype t, clg__str *out)
{
    const char *p = o->expression, *s = clg__suffix(t);
    while (*p) {
        const char *start = p;
        if (clg__is_digit(*p) || (*p == '.' && clg__is_digit(p[1]))) {
            while (clg__is_digit(*p) || clg__is_letter(*p) || *p == '.' || ((*p == '+' || *p == '-') && strchr("eE", p[-1])))
                p++;
            clg__need(n, "K", t);
            clg__str_printf(out, "K_%s(%.*s)", s, (int) (p - start), start);
        } else if (clg__is_letter(*p) || *p == '_') {
            char word[64];
            bool input = false;
            while (clg__is_letter(*p) || clg__is_digit(*p) || *p == '_')
                p++;
            clg__format(word, sizeof word, "%.*s", (int) (p - start), start);
            clg__str_add(out, word);
            for (int i = 0; i < o->n; i++)
                input |= strcmp(word, o->names[i]) == 0;
            if (!input && clg__is_word(n, word, t)) {
                clg__need(n, word, t);
                clg__str_printf(out, "_%s", s);
            }
        } else {
            clg__str_add_n(out, p++, 1);
        }
    }
}

// Text whose NAME(own_ID_f) become those of one type, since a kernel may use several.
static void add_typed(clg__str *out, const clg__own *o, const char *text, const char *suffix)
{
    char mark[64];
    clg__format(mark, sizeof mark, "NAME(own_%s_", o->id);
    for (const char *next; (next = strstr(text, mark)) != NULL; text = next + strlen(mark)) {
        clg__str_add_n(out, text, (size_t) (next - text));
        clg__str_printf(out, "%s%s_", mark, suffix);
    }
    clg__str_add(out, text);
}

static void add_parameters(clg__str *out, const clg__own *o, const char *type)
{
    for (int i = 0; i < o->n; i++)
        clg__str_printf(out, "%s%s %s", i ? ", " : "", type, o->names[i]);
}

// T NAME(name)(T a, ...) with the expression as its value. Lines are counted from the text's own first.
static void add_function(clg__gen *n, const clg__own *o, const char *type, const char *name, const char *value)
{
    clg__str *out = &n->helpers;
    clg__str_printf(out, "static inline %s %s(", type, name);
    add_parameters(out, o, type);
    clg__str_printf(out, ")\n{\n    return (\n#line 1 \"custom %s\"\n%s\n#line 1 \"custom %s, end\"\n    );\n}\n", o->name,
                    value, o->name);
}

static void need_formula(clg__gen *n, const clg__own *o, clg_dtype t, const char *name)
{
    char type[24];
    clg__str value = { 0 };
    clg__format(type, sizeof type, "T_%s", clg__suffix(t));
    add_formula(n, o, t, &value);
    add_function(n, o, type, name, clg__str_text(&value));
    n->helpers.failed |= value.failed;
    clg__str_free(&value);
}

static void need_element(clg__gen *n, const clg__own *o, clg_dtype t, const char *name)
{
    char mark[128];
    clg__str value = { 0 };
    const char *type = clg__register(t), *s = clg__suffix(t);
    clg__str_printf(&n->helpers, "#define T %s\n", type);
    clg__format(mark, sizeof mark, "#line 1 \"custom %s, functions of %s\"", o->name, s);
    if (*o->functions && !strstr(clg__str_text(&n->helpers), mark)) {
        clg__str_printf(&n->helpers, "%s\n", mark);
        add_typed(&n->helpers, o, o->functions, s);
        clg__str_add(&n->helpers, "\n");
    }
    add_typed(&value, o, o->expression, s);
    add_function(n, o, type, name, clg__str_text(&value));
    clg__str_add(&n->helpers, "#undef T\n");
    n->helpers.failed |= value.failed;
    clg__str_free(&value);
}

// Its first `m` lanes.
static void need_lanes(clg__gen *n, const clg__own *o, clg_dtype t, const char *one, const char *name)
{
    char type[24];
    clg__str *out = &n->helpers;
    const char *s = clg__suffix(t);
    clg__format(type, sizeof type, "T_%s", s);
    clg__str_printf(out, "static inline %s %s(", type, name);
    add_parameters(out, o, type);
    clg__str_printf(out, ", int own_m)\n{\n    %s own_y = (%s)(0);\n    for (int own_i = 0; own_i < own_m; own_i++)\n"
                    "        ((E_%s *)&own_y)[own_i] = %s(", type, type, s, one);
    for (int i = 0; i < o->n; i++)
        clg__str_printf(out, "%s((E_%s *)&%s)[own_i]", i ? ", " : "", s, o->names[i]);
    clg__str_add(out, ");\n    return own_y;\n}\n");
}

void clg__gen_own(clg__gen *n, const clg__insn *in, clg_dtype t, clg__lanes lanes)
{
    const clg__own *o = in->op->own;
    const char *s = clg__suffix(t), *all = lanes == CLG__FULL ? "16" : n->active ? n->active : "m";
    char name[80], one[80];
    const bool formula = o->vectors && clg_dtype_is_float(t), scalar = n->vec == 1 || formula;
    const bool single = !scalar && lanes == CLG__ONE && !n->active;
    clg__need_type(n, t);
    clg__format(name, sizeof name, "NAME(own%d_%s_%s)", o->result, o->id, s);
    clg__format(one, sizeof one, "NAME(one%d_%s_%s)", o->result, o->id, s);
    if (!strstr(clg__str_text(&n->helpers), formula ? name : one)) {
        if (formula)
            need_formula(n, o, t, name);
        else
            need_element(n, o, t, one);
    }
    if (!scalar && !single && !strstr(clg__str_text(&n->helpers), name))
        need_lanes(n, o, t, one, name);
    if (single)
        clg__str_printf(&n->text, "(T_%s)", s);
    clg__str_printf(&n->text, "%s%s(", single ? "(" : "", formula || (!scalar && !single) ? name : one);
    for (int i = 0; i < o->n && single; i++)
        clg__str_printf(&n->text, "%s((const E_%s *)&v%d)[0]", i ? ", " : "", s, in->src[i]);
    for (int i = 0; i < o->n && !single; i++)
        clg__str_printf(&n->text, "%sv%d", i ? ", " : "", in->src[i]);
    if (!scalar && !single)
        clg__str_printf(&n->text, ", %s", all);
    clg__str_add(&n->text, single ? "))" : ")");
}
