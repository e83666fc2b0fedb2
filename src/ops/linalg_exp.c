// SPDX-License-Identifier: MIT
// Exponentials of matrices: scaled until their norm is at most 1, there a polynomial of Taylor's, then squared as often as
// they were halved. How often follows from a matrix on the device: a squaring that it does not need is computed and left.
#include "base/fp.h"
#include "ops/element.h"
#include "ops/linalg.h"
#include <clgrad/arrange.h>
#include <clgrad/grad.h>
#include <clgrad/linalg.h>

#include <math.h>

enum { SQUARINGS = 12, MOST_POWERS = 5 };

// terms/k! of powers[k] from k = from on, `n` of them
static clg_tensor terms(const clg_tensor *powers, int from, int n)
{
    clg_tensor sum = NULL;
    double factor = 1;
    for (int k = 2; k <= from; k++)
        factor /= k;
    for (int k = 0; k < n; k++) {
        const clg_tensor t = clg_mul(powers[k], clg__lit(powers[k]->dev, powers[k]->dtype, factor));
        sum = sum ? clg_add(sum, t) : t;
        factor /= from + k + 1;
    }
    return sum;
}

// Of a norm at most 1: as many terms as leave less than half an eps (Paterson and Stockmeyer 1973).
static clg_tensor taylor(clg_tensor x)
{
    const int by = x->dtype == CLG_F64 ? 5 : 4, parts = x->dtype == CLG_F64 ? 4 : 3;
    clg_tensor power[MOST_POWERS + 1] = { clg__eye_like(x), x };
    for (int k = 2; k <= by; k++)
        power[k] = clg_matmul(power[k / 2], power[k - k / 2]);
    clg_tensor y = terms(power, by * (parts - 1), by);
    for (int part = parts - 2; part >= 0; part--)
        y = clg_add(clg_matmul(y, power[by]), terms(power, by * part, by));
    return y;
}

// Without derivatives; a is F32 or F64.
static clg_tensor value_of(clg_tensor a)
{
    const clg_tensor x = clg_detach(a), half = clg__lit(a->dev, a->dtype, 0.5), one = clg__lit(a->dev, a->dtype, 1);
    clg_tensor norm = clg_amax(clg_sum(clg_abs(x), CLG_AXES(-2), true), CLG_AXES(-1), true), scale = one, larger[SQUARINGS];
    for (int k = 0; k < SQUARINGS; k++) {
        larger[k] = clg_gt(norm, clg__lit(a->dev, a->dtype, ldexp(1, k)));
        scale = clg_mul(scale, clg_where(larger[k], half, one));
    }
    clg_tensor y = taylor(clg_mul(x, scale));
    for (int k = 0; k < SQUARINGS && y->status >= 0; k++)
        y = clg_where(larger[k], clg_matmul(y, y), y);
    const clg_tensor fits = clg_le(norm, clg__lit(a->dev, a->dtype, ldexp(1, SQUARINGS)));
    return clg_where(fits, y, clg__lit(a->dev, a->dtype, NAN));
}

static clg_tensor exponential(clg_tensor a);

// The derivative of exp in a^T towards g, which is the upper right part of exp [a^T g; 0 a^T]; linear in g, so that its
// size is taken out before.
static clg_tensor exp_vjp(const clg__vjp *v, int i)
{
    (void) i;
    const clg_tensor t = clg__mT(v->in[0]), zero = clg__lit(t->dev, t->dtype, 0), one = clg__lit(t->dev, t->dtype, 1);
    const int64_t n = clg__rows(t);
    clg_tensor size = clg_amax(clg_sum(clg_abs(clg_detach(v->g)), CLG_AXES(-2), true), CLG_AXES(-1), true);
    size = clg_where(clg_gt(size, zero), size, one);
    const clg_tensor above = clg_concat(-1, t, clg_div(v->g, size)), below = clg_concat(-1, clg_expand(zero, t->shape), t);
    const clg_tensor y = exponential(clg_concat(-2, above, below));
    return clg_mul(clg_slice(clg_slice(y, -2, 0, n, 1), -1, n, 2 * n, 1), size);
}

static const clg__op op_exp = { .name = "matrix_exp", .kind = CLG__ALIAS, .vjp = exp_vjp };

static clg_tensor exponential(clg_tensor a)
{
    if (a->status < 0)
        return a;
    const clg_tensor y = value_of(a);
    return y->status < 0 ? y : clg__custom_vjp(&op_exp, y, 1, &a, NULL);
}

clg_tensor clg_matrix_exp(clg_tensor a)
{
    CLG__DEFAULT_FP;
    clg__call c;
    if (!clg__call_begin(&c, "matrix_exp", "a", 1, &a))
        return clg__call_poison(&c);
    if (a->shape.rank < 2 || clg__rows(a) != clg__columns(a))
        return clg__call_fail(&c, CLG_ESHAPE, "expected square matrices, or batches of them");
    if (!clg_dtype_is_float(a->dtype))
        return clg__call_fail(&c, CLG_EDTYPE, "only floating types");
    if (clg_numel(a->shape) == 0)
        return clg__call_own(&c, clg_reshape(a, a->shape));
    return clg__call_own(&c, clg_cast(exponential(clg__wide(a)), a->dtype));
}
