// SPDX-License-Identifier: MIT
// Conversions for text. Numbers are taken apart with integer arithmetic, so that the state of the
// floating-point unit is of no consequence.
#include "base/format.h"

#include <stdint.h>
#include <string.h>
#include <wchar.h>

enum { LIMB = 1000000000, LIMBS = 90, DIGITS = 9 * LIMBS }; // 2^-1074 has 767 digits

typedef struct text {
    char *to;
    size_t size, n; // n: what there was to write
} text;

typedef struct spec {
    bool left, plus, space, alt, zero;
    int width, precision; // precision < 0: none given
    char length;          // H hh, h, l, L ll and j, z, t, D long double, or 0
    char type;
} spec;

static void put(text *t, char c)
{
    if (t->n + 1 < t->size)
        t->to[t->n] = c;
    t->n++;
}

static void put_n(text *t, const char *s, int n)
{
    for (int i = 0; i < n; i++)
        put(t, s[i]);
}

static void fill(text *t, char c, int n)
{
    for (int i = 0; i < n; i++)
        put(t, c);
}

// Sign or 0x, then zeros up to the width where they are wanted, then `n` characters that follow.
static void put_head(text *t, const spec *s, const char *prefix, bool zeros, int n)
{
    const int used = (int) strlen(prefix);
    const int rest = s->width > used + n ? s->width - used - n : 0;
    if (!s->left && !zeros)
        fill(t, ' ', rest);
    put_n(t, prefix, used);
    if (!s->left && zeros)
        fill(t, '0', rest);
}

static void put_tail(text *t, const spec *s, size_t start)
{
    const int n = (int) (t->n - start);
    if (s->left && n < s->width)
        fill(t, ' ', s->width - n);
}

static void put_text(text *t, const spec *s, const char *p)
{
    int n = 0;
    p = p ? p : "(null)";
    while ((s->precision < 0 || n < s->precision) && p[n])
        n++;
    const size_t start = t->n;
    put_head(t, s, "", false, n);
    put_n(t, p, n);
    put_tail(t, s, start);
}

static int utf8(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char) c;
        return 1;
    }
    const int n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (int i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char) (0x80 | (c & 0x3f));
    out[0] = (char) ((0xf00 >> n & 0xff) | c);
    return n;
}

static void put_wide(text *t, const spec *s, const wchar_t *p)
{
    char one[4];
    int n = 0, k = 0;
    for (int step; p[k] && (step = utf8((uint32_t) p[k], one), s->precision < 0 || n + step <= s->precision); k++)
        n += step;
    const size_t start = t->n;
    put_head(t, s, "", false, n);
    for (int i = 0; i < k; i++)
        put_n(t, one, utf8((uint32_t) p[i], one));
    put_tail(t, s, start);
}

static void put_whole(text *t, const spec *s, uint64_t v, bool negative)
{
    char digits[24], prefix[4] = "";
    int n = 0;
    const bool hex = s->type == 'x' || s->type == 'X' || s->type == 'p';
    const unsigned base = hex ? 16 : s->type == 'o' ? 8 : 10;
    const char *set = s->type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    if (s->type == 'd' || s->type == 'i')
        prefix[0] = negative ? '-' : s->plus ? '+' : s->space ? ' ' : '\0';
    else if (hex && (s->alt || s->type == 'p') && v)
        memcpy(prefix, s->type == 'X' ? "0X" : "0x", 3);
    for (uint64_t r = v; r; r /= base)
        digits[sizeof digits - 1 - (size_t) n++] = set[r % base];
    int lead = s->precision < 0 ? n == 0 : s->precision > n ? s->precision - n : 0;
    if (base == 8 && s->alt && lead == 0)
        lead = 1;
    const size_t start = t->n;
    put_head(t, s, prefix, s->zero && s->precision < 0, lead + n);
    fill(t, '0', lead);
    put_n(t, digits + sizeof digits - n, n);
    put_tail(t, s, start);
}

// A number taken apart: 0.d1 d2 ... dn * 10^point.
typedef struct decimal {
    char d[DIGITS];
    int n, point;
} decimal;

// by < LIMB, so that the carry is one limb.
static int times(uint32_t limb[LIMBS], int n, uint32_t by)
{
    uint64_t carry = 0;
    for (int i = 0; i < n; i++) {
        carry += (uint64_t) limb[i] * by;
        limb[i] = (uint32_t) (carry % LIMB);
        carry /= LIMB;
    }
    if (carry)
        limb[n++] = (uint32_t) carry;
    return n;
}

// All digits of m * 2^e: where e is negative, those of m * 5^-e with the point moved.
static void take_apart(decimal *out, uint64_t m, int e)
{
    uint32_t limb[LIMBS];
    int n = 0;
    out->n = out->point = 0;
    if (m == 0)
        return;
    for (; !(m & 1); m >>= 1)
        e++;
    for (; m; m /= LIMB)
        limb[n++] = (uint32_t) (m % LIMB);
    const int point = e < 0 ? e : 0;
    for (int step; e > 0; e -= step)
        n = times(limb, n, 1u << (step = e < 29 ? e : 29));
    for (; e <= -12; e += 12)
        n = times(limb, n, 244140625u);
    for (; e < 0; e++)
        n = times(limb, n, 5);
    for (int i = n - 1; i >= 0; i--) {
        for (uint32_t unit = LIMB / 10; unit; unit /= 10) {
            const char c = (char) ('0' + limb[i] / unit % 10);
            if (out->n || c != '0')
                out->d[out->n++] = c;
        }
    }
    out->point = out->n + point;
}

// To `keep` digits, to nearest, ties to even.
static void round_to(decimal *x, int keep)
{
    if (keep >= x->n)
        return;
    bool up = false;
    if (keep >= 0) {
        bool more = false;
        for (int i = keep + 1; i < x->n; i++)
            more = more || x->d[i] != '0';
        up = x->d[keep] > '5' ||
             (x->d[keep] == '5' && (more || (keep > 0 && (x->d[keep - 1] - '0') % 2)));
    }
    x->n = keep > 0 ? keep : 0;
    while (up && x->n && x->d[x->n - 1] == '9')
        x->n--;
    if (up && x->n) {
        x->d[x->n - 1]++;
    } else if (up) { // all nines
        x->d[x->n++] = '1';
        x->point++;
    }
}

static char digit(const decimal *x, int i)
{
    return i >= 0 && i < x->n ? x->d[i] : '0';
}

// "e+07" into out; its length.
static int exponent(char out[8], char letter, int x, int least)
{
    char back[6];
    int n = 0, at = 0;
    out[at++] = letter;
    out[at++] = x < 0 ? '-' : '+';
    for (unsigned v = (unsigned) (x < 0 ? -x : x); v || n < least; v /= 10)
        back[n++] = (char) ('0' + v % 10);
    while (n)
        out[at++] = back[--n];
    return at;
}

static void put_fixed(text *t, const spec *s, const char *sign, const decimal *x, int decimals)
{
    const int whole = x->n && x->point > 0 ? x->point : 1;
    const bool dot = decimals > 0 || s->alt;
    const size_t start = t->n;
    put_head(t, s, sign, s->zero, whole + dot + decimals);
    for (int i = 0; i < whole; i++)
        put(t, digit(x, x->point - whole + i));
    if (dot)
        put(t, '.');
    for (int i = 0; i < decimals; i++)
        put(t, digit(x, x->point + i));
    put_tail(t, s, start);
}

static void put_scientific(text *t, const spec *s, const char *sign, const decimal *x, int decimals)
{
    char e[8];
    const int n = exponent(e, s->type == 'E' || s->type == 'G' ? 'E' : 'e', x->n ? x->point - 1 : 0, 2);
    const bool dot = decimals > 0 || s->alt;
    const size_t start = t->n;
    put_head(t, s, sign, s->zero, 1 + dot + decimals + n);
    put(t, digit(x, 0));
    if (dot)
        put(t, '.');
    for (int i = 1; i <= decimals; i++)
        put(t, digit(x, i));
    put_n(t, e, n);
    put_tail(t, s, start);
}

static void put_general(text *t, const spec *s, const char *sign, decimal *x)
{
    const int p = s->precision < 0 ? 6 : s->precision ? s->precision : 1;
    round_to(x, p);
    int n = x->n;
    while (n > 0 && x->d[n - 1] == '0')
        n--;
    const int e = x->n ? x->point - 1 : 0, shown = s->alt ? p : n ? n : 1;
    if (e < -4 || e >= p)
        put_scientific(t, s, sign, x, shown - 1);
    else
        put_fixed(t, s, sign, x, shown - 1 - e > 0 ? shown - 1 - e : 0);
}

static void put_hex(text *t, const spec *s, const char *sign, uint64_t m, int e)
{
    const char *set = s->type == 'A' ? "0123456789ABCDEF" : "0123456789abcdef";
    char prefix[4], ex[8];
    int digits = 13;
    e = m ? e : 0;
    const size_t n_sign = strlen(sign);
    memcpy(prefix, sign, n_sign);
    memcpy(prefix + n_sign, s->type == 'A' ? "0X" : "0x", 3);
    if (s->precision >= 0 && s->precision < 13) { // to nearest, ties to even
        const int cut = 4 * (13 - s->precision);
        const uint64_t unit = (uint64_t) 1 << cut, rest = m & (unit - 1);
        m -= rest;
        m += rest > unit / 2 || (rest == unit / 2 && (m & unit)) ? unit : 0;
        digits = s->precision;
    }
    while (s->precision < 0 && digits > 0 && !(m >> 4 * (13 - digits) & 0xf))
        digits--;
    const int n = exponent(ex, s->type == 'A' ? 'P' : 'p', e, 1);
    const int more = s->precision > 13 ? s->precision - 13 : 0;
    const bool dot = digits + more > 0 || s->alt;
    const size_t start = t->n;
    put_head(t, s, prefix, s->zero, 1 + dot + digits + more + n);
    put(t, set[m >> 52 & 0xf]);
    if (dot)
        put(t, '.');
    for (int i = 0; i < digits; i++)
        put(t, set[m >> 4 * (12 - i) & 0xf]);
    fill(t, '0', more);
    put_n(t, ex, n);
    put_tail(t, s, start);
}

static void put_real(text *t, spec *s, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    const bool upper = s->type < 'a';
    const char *sign = bits >> 63 ? "-" : s->plus ? "+" : s->space ? " " : "";
    const int biased = (int) (bits >> 52 & 0x7ff);
    const uint64_t fraction = bits & 0xfffffffffffffu;
    if (biased == 0x7ff) {
        const size_t start = t->n;
        put_head(t, s, sign, false, 3);
        put_n(t, fraction ? (upper ? "NAN" : "nan") : upper ? "INF" : "inf", 3);
        put_tail(t, s, start);
        return;
    }
    const uint64_t m = biased ? fraction | (uint64_t) 1 << 52 : fraction;
    const int e = biased ? biased - 1075 : -1074;
    if (s->type == 'a' || s->type == 'A') {
        put_hex(t, s, sign, m, e + 52);
        return;
    }
    decimal x;
    take_apart(&x, m, e);
    const int decimals = s->precision < 0 ? 6 : s->precision;
    if (s->type == 'g' || s->type == 'G') {
        put_general(t, s, sign, &x);
    } else if (s->type == 'e' || s->type == 'E') {
        round_to(&x, decimals < DIGITS ? decimals + 1 : DIGITS);
        put_scientific(t, s, sign, &x, decimals);
    } else {
        round_to(&x, decimals < 2 * DIGITS ? x.point + decimals : DIGITS);
        put_fixed(t, s, sign, &x, decimals);
    }
}

static int number_of(const char **f)
{
    int v = 0;
    for (; clg__is_digit(**f); (*f)++)
        v = v > 100000 ? v : 10 * v + (**f - '0');
    return v;
}

static void read_length(spec *s, const char **f)
{
    static const struct {
        const char *name;
        char length;
    } names[] = { { "hh", 'H' }, { "h", 'h' }, { "ll", 'L' }, { "l", 'l' },
                  { "j", 'L' },  { "z", 'z' }, { "t", 't' },  { "L", 'D' } };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const size_t n = strlen(names[i].name);
        if (strncmp(*f, names[i].name, n) == 0) {
            s->length = names[i].length;
            *f += n;
            return;
        }
    }
}

// A list of arguments that functions can share.
typedef struct arguments {
    va_list ap;
} arguments;

static const char *read_spec(spec *s, const char *f, arguments *a)
{
    *s = (spec) { .precision = -1 };
    for (;; f++) {
        if (*f == '-')
            s->left = true;
        else if (*f == '+')
            s->plus = true;
        else if (*f == ' ')
            s->space = true;
        else if (*f == '#')
            s->alt = true;
        else if (*f == '0')
            s->zero = true;
        else
            break;
    }
    s->width = *f == '*' ? (f++, va_arg(a->ap, int)) : number_of(&f);
    if (s->width < 0) {
        s->left = true;
        s->width = -s->width;
    }
    if (*f == '.') {
        f++;
        s->precision = *f == '*' ? (f++, va_arg(a->ap, int)) : number_of(&f);
    }
    read_length(s, &f);
    s->type = *f;
    return *f ? f + 1 : f;
}

static int64_t whole_signed(char length, arguments *a)
{
    switch (length) {
    case 'H':
        return (signed char) va_arg(a->ap, int);
    case 'h':
        return (short) va_arg(a->ap, int);
    case 'l':
        return va_arg(a->ap, long);
    case 'L':
        return va_arg(a->ap, long long);
    case 'z':
    case 't':
        return va_arg(a->ap, ptrdiff_t);
    default:
        return va_arg(a->ap, int);
    }
}

static uint64_t whole_unsigned(char length, arguments *a)
{
    switch (length) {
    case 'H':
        return (unsigned char) va_arg(a->ap, unsigned);
    case 'h':
        return (unsigned short) va_arg(a->ap, unsigned);
    case 'l':
        return va_arg(a->ap, unsigned long);
    case 'L':
        return va_arg(a->ap, unsigned long long);
    case 'z':
    case 't':
        return va_arg(a->ap, size_t);
    default:
        return va_arg(a->ap, unsigned);
    }
}

static void convert(text *t, spec *s, arguments *a)
{
    int64_t v;
    wchar_t wide[2] = { 0 };
    char one[2] = { 0 };
    const size_t start = t->n;
    switch (s->type) {
    case 'd':
    case 'i':
        v = whole_signed(s->length, a);
        put_whole(t, s, v < 0 ? 0 - (uint64_t) v : (uint64_t) v, v < 0);
        break;
    case 'u':
    case 'x':
    case 'X':
    case 'o':
        put_whole(t, s, whole_unsigned(s->length, a), false);
        break;
    case 'p':
        put_whole(t, s, (uintptr_t) va_arg(a->ap, void *), false);
        break;
    case 'c':
        if (s->length == 'l') {
            wide[0] = (wchar_t) va_arg(a->ap, wint_t);
            put_wide(t, s, wide);
            break;
        }
        one[0] = (char) va_arg(a->ap, int);
        put_head(t, s, "", false, 1);
        put(t, one[0]);
        put_tail(t, s, start);
        break;
    case 's':
        if (s->length == 'l')
            put_wide(t, s, va_arg(a->ap, const wchar_t *));
        else
            put_text(t, s, va_arg(a->ap, const char *));
        break;
    default:
        put_real(t, s, s->length == 'D' ? (double) va_arg(a->ap, long double) : va_arg(a->ap, double));
    }
}

int clg__vformat(char *out, size_t size, const char *format, va_list ap)
{
    text t = { out, size, 0 };
    arguments a;
    spec s;
    va_copy(a.ap, ap);
    for (const char *f = format; *f;) {
        if (*f != '%') {
            put(&t, *f++);
            continue;
        }
        const char *from = f;
        f = read_spec(&s, f + 1, &a);
        if (s.type == '%')
            put(&t, '%');
        else if (s.type && strchr("diuxXopcsaAeEfFgG", s.type))
            convert(&t, &s, &a);
        else
            put_n(&t, from, (int) (f - from));
    }
    va_end(a.ap);
    if (size)
        out[t.n < size ? t.n : size - 1] = '\0';
    return (int) t.n;
}

int clg__format(char *out, size_t size, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    const int n = clg__vformat(out, size, format, ap);
    va_end(ap);
    return n;
}

bool clg__parse_i64(const char *digits, int64_t *out)
{
    const bool negative = *digits == '-';
    uint64_t v = 0;
    digits += *digits == '-' || *digits == '+';
    const char *p = digits;
    for (; clg__is_digit(*p); p++) {
        const uint64_t d = (uint64_t) (*p - '0');
        if (v > (INT64_MAX - d) / 10)
            return false;
        v = 10 * v + d;
    }
    *out = negative ? -(int64_t) v : (int64_t) v;
    return p > digits && *p == '\0';
}
