// SPDX-License-Identifier: MIT
// Text and numbers of the library are the same in every locale and in every state of the floating-point
// unit. No device.
#include "base/format.h"
#include "base/str.h"

#include "checks.h"
#include <fenv.h>
#include <float.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLUSH 0x8040u // flush-to-zero and denormals-are-zero of MXCSR

static void flush_denormals(bool on)
{
#ifdef __SSE__
    const unsigned csr = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(on ? csr | FLUSH : csr & ~FLUSH);
#else
    (void) on;
#endif
}

static const struct {
    const char *format;
    double v;
    const char *text;
} numbers[] = {
    { "%g", 0.5, "0.5" },
    { "%.17g", 0.1, "0.10000000000000001" },
    { "%.17g", 1.0 / 3, "0.33333333333333331" },
    { "%.17g", 0x1p-1074, "4.9406564584124654e-324" },
    { "%.17g", DBL_MIN, "2.2250738585072014e-308" },
    { "%.17g", DBL_MAX, "1.7976931348623157e+308" },
    { "%g", 1e6, "1e+06" },
    { "%g", 999999.5, "1e+06" },
    { "%g", 999998.5, "999998" },
    { "%#g", 999999.5, "1.00000e+06" },
    { "%.0f", 0.5, "0" },
    { "%.0f", 1.5, "2" },
    { "%.0f", 2.5, "2" },
    { "%.2f", 1.005, "1.00" },
    { "%.1f", 0.25, "0.2" },
    { "%.3f", 1234567.0, "1234567.000" },
    { "%.0f", 1e22, "10000000000000000000000" },
    { "%f", -0.0, "-0.000000" },
    { "%e", 12345.678, "1.234568e+04" },
    { "%.0e", 9.5, "1e+01" },
    { "%+08.2f|", 3.14159, "+0003.14|" },
    { "%-8.2f|", 3.14159, "3.14    |" },
    { "%a", 0.1, "0x1.999999999999ap-4" },
    { "%g", INFINITY, "inf" },
    { "%5g", -INFINITY, " -inf" },
    { "%g", NAN, "nan" },
};

static void check_numbers(const char *state)
{
    char text[400];
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        const int n = clg__format(text, sizeof text, numbers[i].format, numbers[i].v);
        ck_assert_msg(strcmp(text, numbers[i].text) == 0 && n == (int) strlen(text),
                      "%s: %s gives '%s', expected '%s'", state, numbers[i].format, text, numbers[i].text);
    }
    clg__str s = { 0 };
    clg__str_printf(&s, "(E_f32)(%.17g) %lld", 0.5, 1234567LL);
    ck_assert_str_eq(clg__str_text(&s), "(E_f32)(0.5) 1234567");
    clg__str_free(&s);
}

START_TEST(numbers_are_the_same_in_every_state)
{
    static const int modes[] = { FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO };
    static const char *const locales[] = { "C", "", "de_DE.UTF-8", "tr_TR.UTF-8" };
    for (int l = 0; l < 4; l++) {
        if (!setlocale(LC_ALL, locales[l]))
            continue; // not made on this machine; the locale runs make it
        for (int m = 0; m < 8; m++) {
            fesetround(modes[m % 4]);
            flush_denormals(m >= 4);
            check_numbers(locales[l]);
            flush_denormals(false);
            fesetround(FE_TONEAREST);
        }
    }
    setlocale(LC_ALL, "");
}
END_TEST

static double any_double(uint64_t *state)
{
    double v;
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    const uint64_t bits = *state ^ *state >> 31;
    memcpy(&v, &bits, sizeof v);
    return v;
}

START_TEST(doubles_as_the_c_library_prints_them)
{
    static const char *const formats[] = { "%.17g", "%g", "%.9g", "%.6f", "%.3e", "%.0f", "%#.3g",
                                           "%+.1f", "% e", "%025.4f", "%-25g", "%.5a", "%A", "%.60f" };
    char want[400], got[400];
    uint64_t state = 12345;
    setlocale(LC_ALL, "C");
    for (int i = 0; i < 20000; i++) {
        const double v = i % 2 ? any_double(&state) : (double) (int) (any_double(&state) != 0) * i / 64;
        const char *f = formats[(size_t) i / 2 % (sizeof formats / sizeof formats[0])];
        const int n = snprintf(want, sizeof want, f, v), m = clg__format(got, sizeof got, f, v);
        ck_assert_msg(n == m && strcmp(want, got) == 0, "%s of %a: '%s', expected '%s'", f, v, got, want);
    }
    setlocale(LC_ALL, "");
}
END_TEST

#define SAME(...)                                                                                  \
    do {                                                                                           \
        char a_[200], b_[200];                                                                     \
        const int n_ = snprintf(a_, sizeof a_, __VA_ARGS__);                                       \
        ck_assert_int_eq(clg__format(b_, sizeof b_, __VA_ARGS__), n_);                             \
        ck_assert_str_eq(b_, a_);                                                                  \
    } while (0)

START_TEST(everything_else_as_the_c_library_prints_it)
{
    static const long long values[] = { 0, 1, -1, 42, INT_MAX, INT_MIN, LLONG_MAX, LLONG_MIN };
    setlocale(LC_ALL, "C");
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        const long long v = values[i];
        const unsigned long long u = (unsigned long long) v;
        SAME("%lld|%5lld|%-25lld|%025lld|%+lld|% lld|%.5lld|%10.4lld", v, v, v, v, v, v, v, v);
        SAME("%llx|%#llx|%#llX|%#llo|%llu|%016llx|%.0llu", u, u, u, u, u, u, u);
        SAME("%d|%ld|%i|%u|%08x|%hd|%hhu", (int) v, (long) v, (int) v, (unsigned) u, (unsigned) u,
             (short) v, (unsigned char) u);
        SAME("%zu|%zd|%jd|%td", (size_t) u, (ptrdiff_t) v, (intmax_t) v, (ptrdiff_t) v);
    }
    SAME("%s|%10s|%-10s|%.2s|%.*s|%c|%3c|%-3c|%%", "abc", "abc", "abc", "abc", 2, "hello", 'x', 'y', 'z');
    SAME("%*d|%-*d|%.*f|%p", 5, 3, 6, 4, 2, 2.5, (void *) values);
    setlocale(LC_ALL, "");
}
END_TEST

START_TEST(text_is_cut_where_it_does_not_fit)
{
    char small[5] = "";
    ck_assert_int_eq(clg__format(small, sizeof small, "%d", 1234567), 7);
    ck_assert_str_eq(small, "1234");
    ck_assert_int_eq(clg__format(NULL, 0, "%g", 0.5), 3);
}
END_TEST

START_TEST(whole_numbers_are_read_whole)
{
    int64_t v;
    ck_assert(clg__parse_i64("12", &v) && v == 12);
    ck_assert(clg__parse_i64("-9", &v) && v == -9);
    ck_assert(clg__parse_i64("9223372036854775807", &v) && v == INT64_MAX);
    static const char *const wrong[] = { "", "-", " 1", "1 ", "1.000", "1,000", "0x1", "9223372036854775808" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(!clg__parse_i64(wrong[i], &v), "'%s' was read", wrong[i]);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("format");
    TCase *t = tcase_create("text");
    setlocale(LC_ALL, "");
    tcase_add_test(t, numbers_are_the_same_in_every_state);
    tcase_add_test(t, doubles_as_the_c_library_prints_them);
    tcase_add_test(t, everything_else_as_the_c_library_prints_it);
    tcase_add_test(t, text_is_cut_where_it_does_not_fit);
    tcase_add_test(t, whole_numbers_are_read_whole);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_set_fork_status(r, CK_NOFORK);
    srunner_run_all(r, CK_NORMAL);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
