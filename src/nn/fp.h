// SPDX-License-Identifier: MIT
// Host arithmetic in the floating-point environment that C starts with, whatever the application set.
#ifndef CLG_NN_FP_H
#define CLG_NN_FP_H

#include <fenv.h>

static inline fenv_t default_fp(void)
{
    fenv_t old;
    fegetenv(&old);
    fesetenv(FE_DFL_ENV);
    return old;
}

static inline void restore_fp(const fenv_t *old)
{
    fesetenv(old);
}

// First in a function that computes: until it returns.
#define DEFAULT_FP __attribute__((cleanup(restore_fp))) fenv_t fp_here = default_fp()

// A number that is neither used nor computed on the other side of this place.
static inline double pin(double v)
{
    volatile double pinned = v;
    return pinned;
}
#endif
