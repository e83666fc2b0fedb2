// SPDX-License-Identifier: MIT
// Instructions as OpenCL text. A row's text is one expression in a, b, c, the same for scalars and
// vectors of any type, thanks to these words, which get the suffix of the computing type:
//
//   K(x)          a literal              B(c)        a comparison as a BOOL value (0 or 1)
//   SEL(c, x, y)  c ? x : y by lanes     MASK(b)     a BOOL value as a comparison
//   H_...         functions that differ between types, below
//
// Signed overflow is undefined in OpenCL C, so I32 and I64 add, subtract and multiply as U_(x), unsigned, and
// S_(x) makes the result signed again: a row of plain arithmetic all of it, a word where it could overflow.
//
// The computing type is that of the last input. What is in memory and what is in registers are two things
// (base/dtype.def): loads and stores convert, and the value of a packed type is rounded after every instruction, so
// that it is the same whether it went through memory or not. In texts of helpers $M is the type in memory, $B its
// bits, $G and $P what makes a register's element of it and back (nothing where they are the same), $( ... $) a
// register of 16.
#include "base/format.h"
#include "codegen/gen.h"

#include <math.h>
#include <string.h>

const char *clg__memory(clg_dtype t)
{
    return clg__dtype_of(t)->storage;
}

// Of registers: "float16".
static const char *cl_type(clg_dtype t, int vec, char buf[16])
{
    clg__format(buf, 16, vec > 1 ? "%s%d" : "%s", clg__register(t), vec);
    return buf;
}

const char *clg__suffix(clg_dtype t)
{
    return clg__dtype_of(t)->suffix;
}

clg_dtype clg__as(clg_dtype t)
{
    return clg__dtype_of(t)->as;
}

static const char *mask_type(clg_dtype t)
{
    return clg__dtype_of(clg__as(t))->mask;
}

static clg_kind kind(clg_dtype t)
{
    return clg__dtype_of(t)->info.kind;
}

// @ is the suffix; T_@ the register type, E_@ its element, I_@ the mask type, CI_@ converts to it.
static const struct {
    const char *name, *real, *sign, *unsign; // for floats, signed, unsigned; NULL: as `real`
} words[] = {
    { "K", "#define K_@(x) ((T_@)((E_@)(x)))\n", 0, 0 },
    { "B", "#define B_@(c) CB_@(c)\n", 0, 0 },
    { "SEL", "#define SEL_@(c, x, y) ((c) ? (x) : (y))\n", 0, 0 },
    { "MASK", "#define MASK_@(c) (CI_@(c) != (I_@)(0))\n", 0, 0 },
    { "H_ABS", "#define H_ABS_@(a) fabs(a)\n", "#define H_ABS_@(a) CT_@(abs(a))\n",
      "#define H_ABS_@(a) (a)\n" },
    { "H_FLOOR", "#define H_FLOOR_@(a) floor(a)\n", "#define H_FLOOR_@(a) (a)\n", 0 },
    { "H_CEIL", "#define H_CEIL_@(a) ceil(a)\n", "#define H_CEIL_@(a) (a)\n", 0 },
    { "H_ROUND", "#define H_ROUND_@(a) rint(a)\n", "#define H_ROUND_@(a) (a)\n", 0 },
    { "H_TRUNC", "#define H_TRUNC_@(a) trunc(a)\n", "#define H_TRUNC_@(a) (a)\n", 0 },
    { "H_NAN", "#define H_NAN_@(a) ((a) != (a))\n", "#define H_NAN_@(a) ((a) != (a))\n", 0 },
    { "H_INF", "#define H_INF_@(a) (fabs(a) == (T_@)(INFINITY))\n",
      "#define H_INF_@(a) ((a) != (a))\n", 0 },
    { "H_FINITE", "#define H_FINITE_@(a) (fabs(a) < (T_@)(INFINITY))\n",
      "#define H_FINITE_@(a) ((a) == (a))\n", 0 },
    // NaN wins, as in PyTorch
    { "H_MAX", "#define H_MAX_@(a, b) (((a) > (b)) | ((a) != (a)) ? (a) : (b))\n",
      "#define H_MAX_@(a, b) ((a) > (b) ? (a) : (b))\n", 0 },
    { "H_MIN", "#define H_MIN_@(a, b) (((a) < (b)) | ((a) != (a)) ? (a) : (b))\n",
      "#define H_MIN_@(a, b) ((a) < (b) ? (a) : (b))\n", 0 },
    { "H_FMOD", "#define H_FMOD_@(a, b) fmod(a, b)\n",
      // x / 0 and MIN / -1 trap on CPUs
      "static inline T_@ NAME(fmod_@)(T_@ a, T_@ b)\n{\n    const T_@ one = (T_@)((E_@)1);\n"
      "    const T_@ d = (b == (T_@)((E_@)0)) | (b == (T_@)((E_@)-1)) ? one : b;\n"
      "    return a % d;\n}\n#define H_FMOD_@(a, b) NAME(fmod_@)(a, b)\n",
      "static inline T_@ NAME(fmod_@)(T_@ a, T_@ b)\n{\n"
      "    const T_@ d = b == (T_@)((E_@)0) ? (T_@)((E_@)1) : b;\n"
      "    return a % d;\n}\n#define H_FMOD_@(a, b) NAME(fmod_@)(a, b)\n" },
    { "H_REM",
      "static inline T_@ NAME(rem_@)(T_@ a, T_@ b)\n{\n    const T_@ m = H_FMOD_@(a, b), z = (T_@)((E_@)0);\n"
      "    return (m != z) & ((b < z) != (m < z)) ? m + b : m;\n}\n"
      "#define H_REM_@(a, b) NAME(rem_@)(a, b)\n",
      "static inline T_@ NAME(rem_@)(T_@ a, T_@ b)\n{\n    const T_@ z = (T_@)((E_@)0);\n"
      "    const T_@ d = (b == z) | (b == (T_@)((E_@)-1)) ? (T_@)((E_@)1) : b;\n    const T_@ m = a % d;\n"
      "    return (m != z) & ((b < z) != (m < z)) ? m + b : m;\n}\n"
      "#define H_REM_@(a, b) NAME(rem_@)(a, b)\n",
      "static inline T_@ NAME(rem_@)(T_@ a, T_@ b)\n{\n"
      "    return a % (b == (T_@)((E_@)0) ? (T_@)((E_@)1) : b);\n}\n"
      "#define H_REM_@(a, b) NAME(rem_@)(a, b)\n" },
    // to the bit as torch.floor_divide: not the floor of a quotient that rounding raised
    { "H_FLOOR_DIVIDE",
      "static inline T_@ NAME(floor_divide_@)(T_@ a, T_@ b)\n{\n"
      "    const T_@ z = (T_@)((E_@)0), one = (T_@)((E_@)1), q = a / b, m = H_FMOD_@(a, b);\n"
      "    T_@ d = (a - m) / b;\n    d = (m != z) & ((b < z) != (m < z)) ? d - one : d;\n"
      "    T_@ f = floor(d);\n    f = d - f > (T_@)((E_@)0.5) ? f + one : f;\n"
      "    return b == z ? q : d == z ? copysign(z, q) : f;\n}\n"
      "#define H_FLOOR_DIVIDE_@(a, b) NAME(floor_divide_@)(a, b)\n",
      // x / 0 is 0, MIN / -1 wraps
      "static inline T_@ NAME(floor_divide_@)(T_@ a, T_@ b)\n{\n"
      "    const T_@ z = (T_@)((E_@)0), one = (T_@)((E_@)1);\n"
      "    const T_@ d = (b == z) | (b == -one) ? one : b, q = a / d, m = a - q * d;\n"
      "    const T_@ f = (m != z) & ((b < z) != (m < z)) ? q - one : q;\n"
      "    return b == z ? z : b == -one ? S_@(-U_@(a)) : f;\n}\n"
      "#define H_FLOOR_DIVIDE_@(a, b) NAME(floor_divide_@)(a, b)\n",
      "static inline T_@ NAME(floor_divide_@)(T_@ a, T_@ b)\n{\n    const T_@ z = (T_@)((E_@)0);\n"
      "    const T_@ q = a / (b == z ? (T_@)((E_@)1) : b);\n    return b == z ? z : q;\n}\n"
      "#define H_FLOOR_DIVIDE_@(a, b) NAME(floor_divide_@)(a, b)\n" },
    { "H_TRUNC_DIVIDE", "#define H_TRUNC_DIVIDE_@(a, b) trunc((a) / (b))\n",
      "static inline T_@ NAME(trunc_divide_@)(T_@ a, T_@ b)\n{\n"
      "    const T_@ z = (T_@)((E_@)0), one = (T_@)((E_@)1);\n"
      "    const T_@ q = a / ((b == z) | (b == -one) ? one : b);\n"
      "    return b == z ? z : b == -one ? S_@(-U_@(a)) : q;\n}\n"
      "#define H_TRUNC_DIVIDE_@(a, b) NAME(trunc_divide_@)(a, b)\n",
      "static inline T_@ NAME(trunc_divide_@)(T_@ a, T_@ b)\n{\n    const T_@ z = (T_@)((E_@)0);\n"
      "    const T_@ q = a / (b == z ? (T_@)((E_@)1) : b);\n    return b == z ? z : q;\n}\n"
      "#define H_TRUNC_DIVIDE_@(a, b) NAME(trunc_divide_@)(a, b)\n" },
    // math_more.c for floats
    { "H_SIGN", "", "#define H_SIGN_@(a) ((a) < (T_@)((E_@)0))\n", "#define H_SIGN_@(a) ((a) != (a))\n" },
    // by more than there are bits, and by less than 0: all are shifted out
    { "H_SHL", "", "static inline T_@ NAME(shl_@)(T_@ a, T_@ b)\n{\n    const T_@ z = (T_@)((E_@)0), most = (T_@)((E_@)($B - 1));\n"
      "    return (b < z) | (b > most) ? z : a << b;\n}\n#define H_SHL_@(a, b) NAME(shl_@)(a, b)\n",
      "static inline T_@ NAME(shl_@)(T_@ a, T_@ b)\n{\n    const T_@ most = (T_@)((E_@)($B - 1));\n"
      "    return b > most ? (T_@)((E_@)0) : a << b;\n}\n#define H_SHL_@(a, b) NAME(shl_@)(a, b)\n" },
    { "H_SHR", "", "static inline T_@ NAME(shr_@)(T_@ a, T_@ b)\n{\n    const T_@ z = (T_@)((E_@)0), most = (T_@)((E_@)($B - 1));\n"
      "    return a >> ((b < z) | (b > most) ? most : b);\n}\n#define H_SHR_@(a, b) NAME(shr_@)(a, b)\n",
      "static inline T_@ NAME(shr_@)(T_@ a, T_@ b)\n{\n    const T_@ most = (T_@)((E_@)($B - 1));\n"
      "    return b > most ? (T_@)((E_@)0) : a >> b;\n}\n#define H_SHR_@(a, b) NAME(shr_@)(a, b)\n" },
    // Euclid's; a lane that has ended stays. The smallest number's own is itself
    { "H_GCD", "", "static inline T_@ NAME(euclid_@)(T_@ a, T_@ b)\n{\n    const T_@ z = (T_@)((E_@)0), one = (T_@)((E_@)1);\n"
      "    while (ANY_@(CI_@(b) != (I_@)(0))) {\n"
      "        const T_@ m = a % ((b == z) | (b == -one) ? one : b);\n"
      "        a = b == z ? a : b;\n        b = b == z ? z : m;\n    }\n"
      "    return a;\n}\n"
      "static inline T_@ NAME(gcd_@)(T_@ a, T_@ b)\n{\n    const T_@ d = NAME(euclid_@)(a, b);\n"
      "    return d < (T_@)((E_@)0) ? S_@(-U_@(d)) : d;\n}\n#define H_GCD_@(a, b) NAME(gcd_@)(a, b)\n",
      "static inline T_@ NAME(gcd_@)(T_@ a, T_@ b)\n{\n    const T_@ z = (T_@)((E_@)0), one = (T_@)((E_@)1);\n"
      "    while (ANY_@(CI_@(b) != (I_@)(0))) {\n        const T_@ m = a % (b == z ? one : b);\n"
      "        a = b == z ? a : b;\n        b = b == z ? z : m;\n    }\n"
      "    return a;\n}\n#define H_GCD_@(a, b) NAME(gcd_@)(a, b)\n" },
    // What does not fit wraps as in PyTorch, where a product of narrow integers is an int
    { "H_LCM", "", "static inline T_@ NAME(lcm_@)(T_@ a, T_@ b)\n{\n    const T_@ z = (T_@)((E_@)0), one = (T_@)((E_@)1), d = NAME(euclid_@)(a, b);\n"
      "    const T_@ q = a / ((d == z) | (d == -one) ? one : d), m = S_@(U_@(H_ABS_@(q)) * U_@(H_ABS_@(b)));\n"
      "    return $B < 32 ? m : H_ABS_@(m);\n}\n#define H_LCM_@(a, b) NAME(lcm_@)(a, b)\n",
      "static inline T_@ NAME(lcm_@)(T_@ a, T_@ b)\n{\n    const T_@ z = (T_@)((E_@)0), d = H_GCD_@(a, b);\n"
      "    const T_@ q = a / (d == z ? (T_@)((E_@)1) : d);\n    return S_@(U_@(q) * U_@(b));\n}\n#define H_LCM_@(a, b) NAME(lcm_@)(a, b)\n" },
    // b & ~(b >> ..): the larger one of b and 0 kills Mesa 22.3's compiler where b is an argument of 8 bits
    { "H_POW", "#define H_POW_@(a, b) pow(a, b)\n",
      "static inline T_@ NAME(pow_@)(T_@ a, T_@ b)\n{\n    const T_@ z = (T_@)((E_@)0), one = (T_@)((E_@)1);\n"
      "    T_@ r = one, x = a, e = b & ~(b >> (T_@)((E_@)($B - 1)));\n    for (int i = 0; i < $B - 1; i++) {\n"
      "        r = (e & one) != z ? S_@(U_@(r) * U_@(x)) : r;\n        x = S_@(U_@(x) * U_@(x));\n"
      "        e = e >> one;\n    }\n"
      "    const T_@ minus = (b & one) != z ? -one : one;\n"
      "    const T_@ inverse = a == one ? one : a == -one ? minus : z;\n"
      "    return b < z ? inverse : r;\n}\n#define H_POW_@(a, b) NAME(pow_@)(a, b)\n",
      "static inline T_@ NAME(pow_@)(T_@ a, T_@ b)\n{\n    const T_@ z = (T_@)((E_@)0), one = (T_@)((E_@)1);\n"
      "    T_@ r = one, x = a, e = b;\n    for (int i = 0; i < $B; i++) {\n"
      "        r = (e & one) != z ? S_@(U_@(r) * U_@(x)) : r;\n        x = S_@(U_@(x) * U_@(x));\n"
      "        e = e >> one;\n    }\n"
      "    return r;\n}\n#define H_POW_@(a, b) NAME(pow_@)(a, b)\n" },
};

static void add_word(clg__str *out, char word, clg_dtype t)
{
    const char *s = clg__suffix(t);
    if (word == 'M')
        clg__str_add(out, clg__memory(t));
    else if (word == 'B')
        clg__str_printf(out, "%d", 8 * (int) clg_dtype_size(t));
    else if (word == '(' && clg__is_packed(t))
        clg__str_printf(out, "GETS_%s((%s16)(", s, clg__memory(t));
    else if (word == '(')
        clg__str_printf(out, "(T_%s)(", s);
    else if (word == ')')
        clg__str_add(out, clg__is_packed(t) ? "))" : ")");
    else if (clg__is_packed(t))
        clg__str_printf(out, "%s_%s", word == 'G' ? "GET" : "PUT", s);
}

static void add_text(clg__str *out, const char *text, clg_dtype t)
{
    for (const char *p = text; *p; p++) {
        if (*p == '@')
            clg__str_add(out, clg__suffix(t));
        else if (*p == '$')
            add_word(out, *++p, t);
        else
            clg__str_add_n(out, p, 1);
    }
}

// Sixteen elements at any address; why not vload16: see LOAD16 in cl/common.clh.
static const char *const access =
    "#if defined(__clang__) && !defined(BY_LANES)\n"
    "typedef E_@ NAME(at_@) __attribute__((ext_vector_type(16), aligned(sizeof(E_@))));\n"
    "#define LD_@(p) (*(global const NAME(at_@) *)(p))\n"
    "#define ST_@(v, p) (*(global NAME(at_@) *)(p) = (v))\n"
    "#else\n#define LD_@(p) vload16(0, p)\n#define ST_@(v, p) vstore16(v, 0, p)\n#endif\n";
static const char *const packed_access =
    "#define GETS_@(x) NAME(get16_@)(x)\n"
    "#if defined(__clang__) && !defined(BY_LANES)\n"
    "typedef $M NAME(at_@) __attribute__((ext_vector_type(16), aligned(sizeof($M))));\n"
    "#define LD_@(p) NAME(get16_@)(*(global const NAME(at_@) *)(p))\n"
    "#define ST_@(v, p) (*(global NAME(at_@) *)(p) = NAME(put16_@)(v))\n"
    "#else\n#define LD_@(p) NAME(get16_@)(vload16(0, p))\n"
    "#define ST_@(v, p) vstore16(NAME(put16_@)(v), 0, p)\n#endif\n";

static void need_packed(clg__gen *n, clg_dtype t)
{
    for (int lanes = 1; lanes <= n->vec && t != n->given; lanes += 15)
        clg__dtype_text(t, lanes, &n->helpers);
    clg__str_printf(&n->helpers, "#define RND_%s(x) NAME(rnd%d_%s)(x)\n", clg__suffix(t), n->vec, clg__suffix(t));
    add_text(&n->helpers, "#define GET_@(x) NAME(get1_@)(x)\n#define PUT_@(x) NAME(put1_@)(x)\n", t);
    if (n->vec > 1)
        add_text(&n->helpers, packed_access, t);
}

const char *clg__convert(const char *word, clg_dtype t, char buf[24])
{
    buf[0] = '\0';
    if (clg__is_packed(t))
        clg__format(buf, 24, "%s_%s(", word, clg__suffix(t));
    return buf;
}

const char *clg__converted(clg_dtype t)
{
    return clg__is_packed(t) ? ")" : "";
}

void clg__need_type(clg__gen *n, clg_dtype t)
{
    char line[64], type[16];
    const char *s = clg__suffix(t), *m = mask_type(t), *v = n->vec > 1 ? "16" : "";
    clg__format(line, sizeof line, "#define T_%s ", s);
    if (strstr(clg__str_text(&n->helpers), line))
        return;
    clg__str_printf(&n->helpers, "%s%s\n#define E_%s %s\n#define I_%s %s%s\n", line,
                    cl_type(t, n->vec, type), s, clg__register(t), s, m, v);
    clg__str_printf(&n->helpers, "#define CI_%s(x) convert_%s%s(x)\n#define CT_%s(x) convert_%s(x)\n", s, m,
                    v, s, type);
    if (clg__is_packed(t))
        need_packed(n, t);
    else if (n->vec > 1)
        add_text(&n->helpers, access, t);
    clg__str_printf(&n->helpers,
                    n->vec > 1 ? "#define CB_%s(c) (convert_uchar16(c) & (uchar16)(1))\n"
                               : "#define CB_%s(c) ((uchar)((c) != 0))\n", s);
}

// oclgrind takes lanes of a vector's upper half for uninitialised where they are a shuffle.
void clg__need_halves(clg__gen *n)
{
    if (!strstr(clg__str_text(&n->helpers), "#define HI("))
        clg__str_add(&n->helpers, "#ifdef BY_LANES\n#define HI(half, v) (((const half *)&(v))[1])\n"
                               "#else\n#define HI(half, v) ((v).hi)\n#endif\n");
}

// Registers as integers of their width
static void need_bits(clg__gen *n, clg_dtype t)
{
    const char *s = clg__suffix(t), *e = clg__register(t), *i = mask_type(t), *v = n->vec > 1 ? "16" : "";
    clg__str_printf(&n->helpers, "#define AS_T_%s(x) as_%s%s(x)\n#define AS_I_%s(x) as_%s%s(x)\n"
                    "#define WIDTH_%s %d\n", s, e, v, s, i, v, s, n->vec);
}

// A condition in any lane; the built-in any() may be sixteen branches.
static void need_any(clg__gen *n, clg_dtype t)
{
    const char *s = clg__suffix(t), *i = mask_type(t);
    if (n->vec == 1) {
        clg__str_printf(&n->helpers, "#define ANY_%s(c) (c)\n", s);
        return;
    }
    clg__need_halves(n);
    clg__str_printf(&n->helpers,
                    "static inline int NAME(any_%s)(%s16 c)\n{\n    const %s8 a = c.lo | HI(%s8, c);\n"
                    "    const %s4 b = a.lo | HI(%s4, a);\n    const %s2 d = b.lo | HI(%s2, b);\n"
                    "    return (d.x | d.y) < 0;\n}\n#define ANY_%s(c) NAME(any_%s)(c)\n",
                    s, i, i, i, i, i, i, i, s, s);
}

// Whose arithmetic must be made that of unsigned integers to wrap: signed, and what scalar code makes an int of
// that can overflow.
static bool overflows(clg_dtype t)
{
    return kind(t) == CLG_KIND_INT || (kind(t) == CLG_KIND_UINT && clg_dtype_size(t) == 2);
}

static void need_unsigned(clg__gen *n, clg_dtype t)
{
    const char *s = clg__suffix(t), *e = clg__register(t), *v = n->vec > 1 ? "16" : "";
    const char *u = kind(t) == CLG_KIND_INT ? "u" : "";
    if (clg_dtype_size(t) < 4 && n->vec == 1) // scalars narrower than an int become one
        clg__str_printf(&n->helpers, "#define U_%s(x) ((uint)as_%s%s(x))\n#define S_%s(x) as_%s((%s%s)(x))\n", s, u,
                        e, s, e, u, e);
    else
        clg__str_printf(&n->helpers, "#define U_%s(x) as_%s%s%s(x)\n#define S_%s(x) as_%s%s(x)\n", s, u, e, v, s,
                        e, v);
}

static void need_math(clg__gen *n, const char *text, const char *needs, clg_dtype t)
{
    char word[24];
    for (const char *p = needs; *p; p += *p == ' ') {
        size_t length = 0;
        while (*p && *p != ' ' && length < sizeof word - 1)
            word[length++] = *p++;
        word[length] = '\0';
        clg__need(n, word, t);
    }
    add_text(&n->helpers, text, t);
}

void clg__need(clg__gen *n, const char *word, clg_dtype t)
{
    char mark[64];
    clg__need_type(n, t);
    clg__format(mark, sizeof mark, "#define %s_%s(", word, clg__suffix(t));
    if (strstr(clg__str_text(&n->helpers), mark))
        return;
    const char *needs, *function = clg__math(word, t, n->vec > 1, &needs);
    if (function) {
        need_math(n, function, needs, t);
        return;
    }
    if (strcmp(word, "AS_T") == 0)
        need_bits(n, t);
    if (strcmp(word, "ANY") == 0)
        need_any(n, t);
    if (strcmp(word, "U") == 0)
        need_unsigned(n, t);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i].name, word) != 0)
            continue;
        const char *text = words[i].real;
        if (clg_dtype_is_float(t) && (strcmp(word, "H_FLOOR_DIVIDE") == 0 || strcmp(word, "H_REM") == 0))
            clg__need(n, "H_FMOD", t);
        if (!clg_dtype_is_float(t) && words[i].sign)
            text = words[i].sign;
        if ((kind(t) == CLG_KIND_UINT || kind(t) == CLG_KIND_BOOL) && words[i].unsign)
            text = words[i].unsign;
        if (!clg_dtype_is_float(t) && strstr(text, "U_@("))
            clg__need(n, "U", t);
        if (strstr(text, "ANY_@("))
            clg__need(n, "ANY", t);
        if (strcmp(word, "H_LCM") == 0) {
            clg__need(n, "H_GCD", t);
            clg__need(n, "H_ABS", t);
        }
        add_text(&n->helpers, text, t);
        return;
    }
    if (word[0] >= 'a') // a function that the driver has
        clg__str_printf(&n->helpers, "%sa) %s(a)\n", mark, word);
}

bool clg__is_word(const clg__gen *n, const char *name, clg_dtype t)
{
    const char *needs;
    if (clg__math(name, t, n->vec > 1, &needs))
        return true;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i].name, name) == 0)
            return true;
    }
    return false;
}

// Is a row sums, differences and products of its operands and nothing else?
static bool is_plain(const char *text)
{
    bool computes = false;
    for (const char *p = text; *p; p++) {
        if (!strchr("abc +-*()", *p) || (clg__is_letter(*p) && clg__is_letter(p[1])))
            return false;
        computes |= strchr("+-*", *p) != NULL;
    }
    return computes;
}

// The row's text with its operands and typed words filled in.
static void add_row(clg__gen *n, const clg__insn *in, clg_dtype t)
{
    const char *p = in->op->text;
    const bool wraps = overflows(t) && is_plain(p);
    if (wraps) {
        clg__need(n, "U", t);
        clg__str_printf(&n->text, "S_%s(", clg__suffix(t));
    }
    while (*p) {
        char name[32];
        size_t length = 0;
        if (!clg__is_letter(*p) && *p != '_') {
            // a literal's exponent must not look like a name
            const bool number = clg__is_digit(*p);
            do
                clg__str_add_n(&n->text, p++, 1);
            while (number && (clg__is_letter(*p) || clg__is_digit(*p) || *p == '.'));
            continue;
        }
        while ((clg__is_letter(*p) || clg__is_digit(*p) || *p == '_') && length < sizeof name - 1)
            name[length++] = *p++;
        name[length] = '\0';
        if (length == 1 && name[0] >= 'a' && name[0] <= 'c') {
            const int v = in->src[name[0] - 'a'];
            if (wraps)
                clg__str_printf(&n->text, "U_%s(v%d)", clg__suffix(t), v);
            else
                clg__str_printf(&n->text, "v%d", v);
        } else if (clg__is_word(n, name, t)) {
            clg__need(n, name, t);
            clg__str_printf(&n->text, "%s_%s", name, clg__suffix(t));
        } else {
            clg__str_add(&n->text, name);
        }
    }
    if (wraps)
        clg__str_add(&n->text, ")");
}

// Out of range, floats to integers: the narrow ones wrap what fits an int, the wide ones saturate, as signed
// ones do; NaN is 0.
static void to_integer(clg__gen *n, clg__str *out, clg_dtype to, const char *value)
{
    char type[16], wide[16];
    const bool is_signed = kind(to) == CLG_KIND_INT;
    const size_t bytes = clg_dtype_size(to);
    cl_type(to, n->vec, type);
    if (is_signed && bytes >= 4)
        clg__str_printf(out, "convert_%s_sat(%s)", type, value);
    else if (bytes == 8)
        clg__str_printf(out, "(convert_%s_sat(%s) + as_%s(min(convert_%s_sat(%s), (%s)(0))))", type, value, type,
                        cl_type(CLG_I64, n->vec, wide), value, wide);
    else
        clg__str_printf(out, "convert_%s(convert_%s_sat(%s))", type,
                        cl_type(bytes == 4 ? CLG_I64 : CLG_I32, n->vec, wide), value);
}

void clg__gen_cast(clg__gen *n, clg__str *out, clg_dtype from, clg_dtype to, const char *value)
{
    char type[16], round[24];
    const bool rounds = from != to;
    clg__need_type(n, from);
    if (rounds)
        clg__str_add(out, clg__convert("RND", to, round));
    if (clg__as(from) == clg__as(to))
        clg__str_add(out, value);
    else if (to == CLG_BOOL)
        clg__str_printf(out, "CB_%s(%s != (T_%s)(0))", clg__suffix(from), value, clg__suffix(from));
    else if (clg_dtype_is_float(from) && !clg_dtype_is_float(to))
        to_integer(n, out, to, value);
    else
        clg__str_printf(out, "convert_%s(%s)", cl_type(to, n->vec, type), value);
    if (rounds)
        clg__str_add(out, clg__converted(to));
}

void clg__need_function(clg__gen *n, const char *text, const char *name, clg_dtype t)
{
    char mark[64];
    clg__need_type(n, t);
    clg__format(mark, sizeof mark, "NAME(%s_%s)", name, clg__suffix(t));
    if (!strstr(clg__str_text(&n->helpers), mark))
        add_text(&n->helpers, text, t);
}

const char *clg__literal(char out[64], clg_dtype t, double v)
{
    if (clg__is_packed(t))
        v = clg__fit(t, v);
    if (isnan(v))
        clg__format(out, 64, "NAN");
    else if (isinf(v))
        clg__format(out, 64, "%sINFINITY", signbit(v) ? "-" : "");
    else if (!clg_dtype_is_float(t) && v >= 0x1p63 && kind(t) == CLG_KIND_UINT)
        clg__format(out, 64, v >= 0x1p64 ? "0xfffffffffffffffful" : "%.0ful", v);
    else if (!clg_dtype_is_float(t) && v == trunc(v)) // beyond 2^53 a floating literal is not every compiler's integer
        clg__format(out, 64, "%.0f", v);
    else
        clg__format(out, 64, v == 0 && signbit(v) ? "%.1f" : "%.17g", v);
    return out;
}

static void gen_const(clg__gen *n, const clg__insn *in)
{
    const char *suffix = clg__suffix(in->dtype);
    char text[64];
    clg__literal(text, in->dtype, in->value);
    if (isfinite(in->value))
        clg__str_printf(&n->text, "(T_%s)((E_%s)(%s))", suffix, suffix, text);
    else
        clg__str_printf(&n->text, "(T_%s)(%s)", suffix, text);
}

void clg__gen_insns(clg__gen *n, int from, int to, clg__lanes lanes)
{
    for (int i = from; i < to; i++) {
        const clg__insn *in = &n->body->insns[i];
        if (in->kind == CLG__I_REDUCED)
            continue; // set by the reduction
        clg__need_type(n, in->dtype);
        clg__str_printf(&n->text, "const T_%s v%d = ", clg__suffix(in->dtype), i);
        if (in->kind == CLG__I_LOAD) {
            clg__gen_load(n, in->operand, lanes);
        } else if (in->kind == CLG__I_CONST) {
            gen_const(n, in);
        } else if (in->kind == CLG__I_CAST) {
            char value[16];
            clg__format(value, sizeof value, "v%d", in->src[0]);
            clg__gen_cast(n, &n->text, n->body->insns[in->src[0]].dtype, in->dtype, value);
        } else {
            char round[24];
            const bool computes = strcmp(in->op->text, "a") != 0; // a copy keeps all bits of a NaN
            clg__str_add(&n->text, computes ? clg__convert("RND", in->dtype, round) : "");
            if (in->op->own)
                clg__gen_own(n, in, clg__as(n->body->insns[in->src[0]].dtype), lanes);
            else
                add_row(n, in, clg__as(n->body->insns[in->src[in->op->arity - 1]].dtype));
            clg__str_add(&n->text, computes ? clg__converted(in->dtype) : "");
        }
        clg__str_add(&n->text, ";\n");
    }
}
