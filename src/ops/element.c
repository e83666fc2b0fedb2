// SPDX-License-Identifier: MIT
// How kernel files are told the element type.
#include "ops/element.h"

#include "base/format.h"

size_t clg__acc_size(clg_dtype t)
{
    return clg_dtype_size(clg__dtype_of(t)->as);
}

void clg__define_element(clg__kplan *p, clg__launch *l, clg_dtype t)
{
    const clg__dtype *d = clg__dtype_of(t);
    clg__kplan_define(p, l, "E", "%s", d->storage);
    clg__kplan_define(p, l, "VEC", "%s16", clg__register(t));
    if (!clg__is_packed(t))
        return;
    clg__kplan_define(p, l, "ACC", "%s", clg__register(t));
    for (int lanes = 1; lanes <= 16; lanes += 15) {
        const char *n = lanes > 1 ? "16" : "";
        char name[16];
        clg__dtype_text(t, lanes, &l->defines);
        clg__format(name, sizeof name, "GET%s(x)", n);
        clg__kplan_define(p, l, name, "NAME(get%d_%s)(x)", lanes, d->suffix);
        clg__format(name, sizeof name, "PUT%s(x)", n);
        clg__kplan_define(p, l, name, "NAME(put%d_%s)(NAME(rnd%d_%s)(x))", lanes, d->suffix, lanes, d->suffix);
    }
}

void clg__define_short_rows(clg__kplan *p, clg__launch *l, clg_dtype t, int most, int64_t n)
{
    const bool pieces = !clg__is_packed(t); // of a vector can be read
    const int places = n <= 2 ? (int) n : pieces && n <= 4 ? 4 : pieces && n <= 8 ? 8 : 16;
    clg__kplan_define(p, l, "SHORT", "%d", most);
    clg__kplan_define(p, l, "PLACES", "%d", places);
}

// Signed overflow is undefined, unsigned wraps.
void clg__define_mad(clg__kplan *p, clg__launch *l, clg_dtype t, bool vectors)
{
    if (clg_dtype_is_float(t))
        return; // the files' default
    const char *e = clg__register(t), *n = vectors ? "16" : "";
    clg__kplan_define(p, l, "MAD(a, b, c)", "as_%s%s(as_u%s%s(a) * as_u%s%s(b) + as_u%s%s(c))", e, n, e,
                      n, e, n, e, n);
}
