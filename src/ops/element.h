// SPDX-License-Identifier: MIT
// How kernel files are told the element type (cl/element.clh), and for sums of products MAD.
#ifndef CLG_OPS_ELEMENT_H
#define CLG_OPS_ELEMENT_H

#include "base/dtype.h"
#include "base/kplan.h"
#include "graph/build.h"

// t in the type that it is computed in: f32 for f16; most types are their own. Derivatives and composites go by
// it where rounding after every step would be felt.
clg_tensor clg__wide(clg_tensor t);
// The row prelu, of shapes that broadcast: a where a > 0, else b * a.
clg_tensor clg__slopes(clg_tensor a, clg_tensor b);
// Elements of another shape by the draw of u, which is uniform, as it was recorded: [0,1) in u's type.
clg_tensor clg__random_bits(clg_device dev, const clg_shape *s); // I64, 63 bits each
clg_tensor clg__drawn_again(clg_tensor u, const clg_shape *s);
// E, VEC, and what converts between memory and registers where they differ.
void clg__define_element(clg__kplan *p, clg__launch *l, clg_dtype t);
// Of rows of n elements, SHORT at most, that go sixteen at a time (cl/short_rows.clh).
void clg__define_short_rows(clg__kplan *p, clg__launch *l, clg_dtype t, int most, int64_t n);
// Bytes of an element in registers and in scratch memory.
size_t clg__acc_size(clg_dtype t);
// MAD(a, b, c) = a * b + c, of one element or of vectors: fused for floating types, wrapping for integers.
void clg__define_mad(clg__kplan *p, clg__launch *l, clg_dtype t, bool vectors);
#endif
