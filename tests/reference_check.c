// SPDX-License-Identifier: MIT
// What a device gave, against the reference and its bounds.
#include "reference.h"

#include "base/dtype.h"
#include "compare.h"

#include <stdio.h>
#include <stdlib.h>

static int64_t compared, loose;

static int64_t integer_at(clg_dtype t, const void *raw, int64_t i)
{
    return clg__get_integer(t, (const char *) raw + (size_t) i * clg_dtype_size(t));
}

static void check_integers(const char *what, const ref_value *want, const void *raw)
{
    for (int64_t k = 0; k < want->n; k++) {
        const int64_t got = integer_at(want->dtype, raw, k), right = want->i[k];
        const double e = reference_error(want, k);
        const bool fine = got == right || (e > 0 && fabs((double) got - (double) right) <= e);
        compared++;
        loose += e > 0;
        ck_assert_msg(fine, "%s: element %lld of %lld is %lld, expected %lld", what, (long long) k,
                      (long long) want->n, (long long) got, (long long) right);
    }
}

void reference_check(const char *what, const ref_value *want, const void *raw)
{
    if (!want->f) {
        check_integers(what, want, raw);
        return;
    }
    for (int64_t k = 0; k < want->n; k++) {
        compared++;
        loose += reference_error(want, k) > fmax(0.01 * fabs(want->f[k]), 1e-4);
    }
    expect_within(what, want->dtype, raw, want->f, want->e, want->n);
}

void reference_check_strict(double most)
{
    printf("%lld elements compared, %lld with bounds above a hundredth\n", (long long) compared,
           (long long) loose);
    ck_assert_msg((double) loose <= most * (double) compared,
                  "%lld of %lld elements have bounds that prove little", (long long) loose,
                  (long long) compared);
}
