// SPDX-License-Identifier: MIT
// Functions that rows use and that drivers lack, or compute slowly or wrongly: one text for a scalar and for sixteen
// lanes, in which a lane does not see its neighbours. Special cases are selected, not branched to. What only CPUs get
// may count on lanes: a condition is 0 or -1. Which class gets which function, for which type, stands in the tables.
//
// fma must be rounded once, contraction be off. "Tail": a number is the unevaluated sum of a number and a small one.
// K_@(-0.0f) as a tail costs nothing. Coefficients are minimax, fitted with Sollya and by Remez' algorithm.
#include "codegen/gen.h"
#include "codegen/pieces.h"

#include <string.h>

static const clg__piece *const tables[] = { clg__math_exp,  clg__math_log,   clg__math_trig,
                                            clg__math_nets, clg__math_gamma, clg__math_more,
                                            clg__math_special };

const char *clg__math(const char *word, clg_dtype t, bool cpu, const char **needs)
{
    const int where = cpu ? CLG__CPU : CLG__GPU;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0] && clg_dtype_is_float(t); i++) {
        for (const clg__piece *p = tables[i]; p->word; p++) {
            const char *text = t == CLG_F64 ? p->f64 : p->f32;
            if ((p->where & where) == 0 || !text || strcmp(p->word, word) != 0)
                continue;
            *needs = p->needs;
            return text;
        }
    }
    return NULL;
}
