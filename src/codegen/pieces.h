// SPDX-License-Identifier: MIT
// Tables of functions as kernel text, for math.c, which looks words up in them.
#ifndef CLG_CODEGEN_PIECES_H
#define CLG_CODEGEN_PIECES_H

#include <stddef.h>

typedef enum clg__where {
    CLG__CPU = 1, // in the CPU class
    CLG__GPU = 2, // in the GPU class
    CLG__BOTH = 3
} clg__where;

// A word of rows or of other pieces; `needs` come before it. @ is the suffix of the type, which E_@, T_@, I_@ (an
// integer as wide as it), K_@, SEL_@, AS_T_@, AS_I_@ and ANY_@ go by. NULL: another row, or the driver has it.
typedef struct clg__piece {
    const char *word;
    clg__where where;
    const char *needs, *f32, *f64;
} clg__piece;

// Where a table ends, `word` is NULL.
extern const clg__piece clg__math_exp[], clg__math_log[], clg__math_trig[], clg__math_nets[],
    clg__math_gamma[], clg__math_more[],
    clg__math_special[];

#define FN1(name, body) "static inline T_@ NAME(" name "_@)(T_@ x)\n{\n" body "}\n"
#define IS1(name)       "#define " name "_@(a) NAME(" name "_@)(a)\n"
#define FN2(name, body) "static inline T_@ NAME(" name "_@)(T_@ x, T_@ y)\n{\n" body "}\n"
// one more coefficient of a polynomial p in z
#define NEXT(p, z, c) "    " p " = fma(" p ", " z ", K_@(" c "));\n"
// x + ROUNDING has the integer nearest x in its low bits, those of x + ROUNDING - ROUNDING_BITS
#define ROUNDING32      "K_@(12582912.0f)"
#define ROUNDING64      "K_@(6755399441055744.0)"
#define ROUNDING_BITS32 "(I_@)(0x4b400000)"
#define ROUNDING_BITS64 "(I_@)(0x4338000000000000)"
#define SIGN32          "(I_@)((int)0x80000000)"
#define SIGN64          "(I_@)((long)0x8000000000000000)"
#endif
