// SPDX-License-Identifier: MIT
// The floating-point unit as C starts it: to nearest, denormals kept, nothing trapped. The application may
// have set it otherwise (audio and game programs flush denormals, others round upward or trap); what we
// compute on the host, and the driver's compiler and threads, must not see that.
#ifndef CLG_BASE_FP_H
#define CLG_BASE_FP_H

#include <fenv.h>
#include <stdbool.h>

typedef struct clg__fp {
    fenv_t old;
    bool changed;
} clg__fp;

static inline bool clg__fp_is_default(void)
{
#if defined(__SSE__) && defined(__GNUC__)
    unsigned short x87; // all but the flags that past operations left
    __asm__ volatile("fnstcw %0" : "=m"(x87));
    return (__builtin_ia32_stmxcsr() & 0xffc0u) == 0x1f80u && (x87 & 0xf3fu) == 0x33fu;
#else
    return false;
#endif
}

static inline clg__fp clg__fp_begin(void)
{
    clg__fp f;
    f.changed = !clg__fp_is_default();
    if (f.changed) {
        fegetenv(&f.old);
        fesetenv(FE_DFL_ENV);
    }
    return f;
}

static inline void clg__fp_end(clg__fp *f)
{
    if (f->changed)
        fesetenv(&f->old);
}

// First in a function that computes with floating numbers or calls the driver: until it returns.
#define CLG__DEFAULT_FP __attribute__((cleanup(clg__fp_end))) clg__fp clg__fp_here = clg__fp_begin()

// A number that is not used before this place, whatever the optimiser thinks of moving arithmetic.
static inline double clg__fp_pin(double v)
{
    volatile double pinned = v;
    return pinned;
}
#endif
