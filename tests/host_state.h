// SPDX-License-Identifier: MIT
// The state of a hostile host process, as CLGRAD_TEST_HOST names it: words of "up down zero" (rounding),
// "flush" (denormals), "trap" (invalid, division by zero, overflow), and the locale of the environment.
// A test sets it around calls of the library; its own arithmetic is done without.
#ifndef CLG_TESTS_HOST_STATE_H
#define CLG_TESTS_HOST_STATE_H

#include <fenv.h>
#include <locale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SSE__) && defined(__GNUC__)
enum { MXCSR_FLUSH = 0x8040, MXCSR_TRAPS = 0x0680, X87_TRAPS = 0x0d };

static inline void set_unit(unsigned clear, unsigned set, unsigned short x87_clear)
{
    unsigned short x87;
    __asm__ volatile("fnclex\n\tfnstcw %0" : "=m"(x87));
    x87 &= (unsigned short) ~x87_clear;
    __asm__ volatile("fldcw %0" : : "m"(x87));
    // without the flags of what was computed before
    __builtin_ia32_ldmxcsr((__builtin_ia32_stmxcsr() & ~clear & ~0x3fu) | set);
}
#else
enum { MXCSR_FLUSH = 0, MXCSR_TRAPS = 0, X87_TRAPS = 0 };
static inline void set_unit(unsigned clear, unsigned set, unsigned short x87_clear)
{
    (void) clear;
    (void) set;
    (void) x87_clear;
}
#endif

static inline void set_state(const char *words)
{
    fesetenv(FE_DFL_ENV);
    if (strstr(words, "up"))
        fesetround(FE_UPWARD);
    if (strstr(words, "down"))
        fesetround(FE_DOWNWARD);
    if (strstr(words, "zero"))
        fesetround(FE_TOWARDZERO);
    if (strstr(words, "flush"))
        set_unit(0, MXCSR_FLUSH, 0);
    if (strstr(words, "trap"))
        set_unit(MXCSR_TRAPS, 0, X87_TRAPS);
}

static inline void disturb(bool on)
{
    const char *words = getenv("CLGRAD_TEST_HOST");
    if (words && *words)
        set_state(on ? words : "");
}

// Numbers of test data have a point in every locale.
static inline void c_numbers(bool on)
{
    static locale_t c, old;
    if (!c)
        c = newlocale(LC_ALL_MASK, "C", (locale_t) 0);
    if (on)
        old = uselocale(c);
    else
        uselocale(old);
}
#endif
