// SPDX-License-Identifier: MIT
// How kernel files are told the element type: E, VEC (16 of them) and for sums of products MAD.
#ifndef CLG_OPS_ELEMENT_H
#define CLG_OPS_ELEMENT_H

#include "base/kplan.h"

const char *clg__element(clg_dtype t); // "float", ...; BOOL is a byte
void clg__define_element(clg__kplan *p, clg__launch *l, clg_dtype t);
// MAD(a, b, c) = a * b + c, of one element or of vectors: fused for floating types, wrapping for integers.
void clg__define_mad(clg__kplan *p, clg__launch *l, clg_dtype t, bool vectors);
#endif
