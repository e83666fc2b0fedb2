// SPDX-License-Identifier: MIT
// How kernel files are told the element type.
#include "ops/element.h"

const char *clg__element(clg_dtype t)
{
    switch (t) {
    case CLG_F32: return "float";
    case CLG_F64: return "double";
    case CLG_I32: return "int";
    case CLG_I64: return "long";
    default: return "uchar";
    }
}

void clg__define_element(clg__kplan *p, clg__launch *l, clg_dtype t)
{
    clg__kplan_define(p, l, "E", "%s", clg__element(t));
    clg__kplan_define(p, l, "VEC", "%s16", clg__element(t));
}

// Signed overflow is undefined, unsigned wraps.
void clg__define_mad(clg__kplan *p, clg__launch *l, clg_dtype t, bool vectors)
{
    if (clg_dtype_is_float(t))
        return; // the files' default
    const char *e = clg__element(t), *n = vectors ? "16" : "";
    clg__kplan_define(p, l, "MAD(a, b, c)", "as_%s%s(as_u%s%s(a) * as_u%s%s(b) + as_u%s%s(c))", e, n, e,
                      n, e, n, e, n);
}
