// SPDX-License-Identifier: MIT
// Element types: the table of dtype.def, and what follows from it.
#include "base/dtype.h"

#include "base/fp.h"

#include <math.h>
#include <string.h>

#ifndef CLG_VERSION // meson.build has it; files compiled by other means do not
#define CLG_VERSION "0.0.0"
#endif

// ---- the table

enum { ANY, FP64 };

// ---- kernel text of packed types: $ is "" or "16", @ the number of lanes and the type

// Integers alone: drivers' own conversions of half differ in NaN, rounding and whether they exist, and flush
// what is denormal. Denormals of f16 are multiples of 2^-24, the distance of f32 numbers from 0.5 on.
static const char f16_text[] =
    "static inline float$ NAME(get@)(ushort$ h)\n{\n"
    "    const int$ u = convert_int$(h), a = u & (int$)(0x7fff), s = (u & (int$)(0x8000)) << 16;\n"
    "    const int$ far = (a << 13) + (a >= (int$)(0x7c00) ? (int$)(0x70000000) : (int$)(0x38000000));\n"
    "    const int$ near = as_int$(as_float$(a | (int$)(0x3f000000)) - (float$)(0.5f));\n"
    "    return as_float$(s | (a < (int$)(0x400) ? near : far));\n}\n"
    "static inline float$ NAME(rnd@)(float$ x)\n{\n"
    "    const int$ u = as_int$(x), a = u & (int$)(0x7fffffff), s = u ^ a;\n"
    "    const int$ near = as_int$(fabs(x) + (float$)(0.5f) - (float$)(0.5f));\n"
    "    int$ r = (a + (int$)(0xfff) + ((a >> 13) & (int$)(1))) & (int$)(~0x1fff);\n"
    "    r = r > (int$)(0x477fe000) ? (int$)(0x7f800000) : r;\n"
    "    r = a < (int$)(0x38800000) ? near : r;\n"
    "    r = a > (int$)(0x7f800000) ? (a | (int$)(0x400000)) & (int$)(~0x1fff) : r;\n"
    "    return as_float$(s | r);\n}\n"
    "static inline ushort$ NAME(put@)(float$ x)\n{\n"
    "    const int$ u = as_int$(x), a = u & (int$)(0x7fffffff), s = (u >> 16) & (int$)(0x8000);\n"
    "    const int$ far = (a - (a >= (int$)(0x7f800000) ? (int$)(0x70000000) : (int$)(0x38000000))) >> 13;\n"
    "    const int$ near = as_int$(fabs(x) + (float$)(0.5f)) & (int$)(0x3ff);\n"
    "    return convert_ushort$(s | (a < (int$)(0x38800000) ? near : far));\n}\n";
#define GIVEN(name, value, bytes, text)                                                            \
    enum { bytes_##name = bytes };                                                                 \
    static const char name_##name[] = text;
CLG_DTYPE_MAP(GIVEN)
#undef GIVEN

// The upper half of an f32.
static const char bf16_text[] =
    "static inline float$ NAME(get@)(ushort$ h)\n{\n    return as_float$(convert_uint$(h) << 16);\n}\n"
    "static inline float$ NAME(rnd@)(float$ x)\n{\n"
    "    const uint$ u = as_uint$(x), r = u + (uint$)(0x7fff) + ((u >> 16) & (uint$)(1));\n"
    "    return as_float$((x != x ? u | (uint$)(0x400000) : r) & (uint$)(0xffff0000));\n}\n"
    "static inline ushort$ NAME(put@)(float$ x)\n{\n    return convert_ushort$(as_uint$(x) >> 16);\n}\n";

#define ROW(id, kind_, digits_, storage_, as_, mask_, low_, high_, products_, st, npy_, idx_, dlpack_,   \
            text_, needs)                                                                          \
    [CLG_##id] = { .info = { .name = name_##id, .bytes = bytes_##id, .kind = CLG_KIND_##kind_,     \
                             .safetensors = st, .npy = npy_, .idx = idx_, .dlpack = dlpack_ },     \
                   .suffix = CLG_##id == CLG_BOOL ? "b8" : name_##id, .digits = digits_,           \
                   .storage = storage_, .as = CLG_##as_, .mask = mask_,                            \
                   .low = low_, .high = high_, .products = CLG_##products_, .text = text_,         \
                   .needs_fp64 = (needs) == FP64 },
static const clg__dtype rows[CLG_DTYPE_COUNT] = {
#include "base/dtype.def"
};
#undef ROW

const clg__dtype *clg__dtype_of(clg_dtype t)
{
    static const clg__dtype none = { .info = { .name = "?" } };
    return (unsigned) t < CLG_DTYPE_COUNT ? &rows[t] : &none;
}

const clg_dtype_info *clg_dtype_get_info(clg_dtype t)
{
    return (unsigned) t < CLG_DTYPE_COUNT ? &rows[t].info : NULL;
}

const char *clg_dtype_name(clg_dtype t)
{
    return clg__dtype_of(t)->info.name;
}

size_t clg_dtype_size(clg_dtype t)
{
    return clg__dtype_of(t)->info.bytes;
}

bool clg_dtype_is_float(clg_dtype t)
{
    return clg__dtype_of(t)->info.kind == CLG_KIND_FLOAT;
}

bool clg__is_packed(clg_dtype t)
{
    return clg__dtype_of(t)->text != NULL;
}

const char *clg__register(clg_dtype t)
{
    return rows[clg__dtype_of(t)->as].storage;
}

void clg__dtype_text(clg_dtype t, int lanes, clg__str *out)
{
    const char *text = clg__dtype_of(t)->text;
    for (const char *p = text ? text : ""; *p; p++) {
        if (*p == '@')
            clg__str_printf(out, "%d_%s", lanes, rows[t].suffix);
        else if (*p == '$')
            clg__str_add(out, lanes > 1 ? "16" : "");
        else
            clg__str_add_n(out, p, 1);
    }
}

// ---- promotion

// PyTorch's: the higher kind wins, of one kind the wider type. What holds neither (signed beside unsigned,
// of floats one with more range beside one with more digits) makes the next type that holds both.
clg_dtype clg_promote_types(clg_dtype a, clg_dtype b)
{
    const clg__dtype *x = clg__dtype_of(a), *y = clg__dtype_of(b);
    if (!x->info.bytes || !y->info.bytes || a == b)
        return a;
    const bool floats = x->info.kind == CLG_KIND_FLOAT || y->info.kind == CLG_KIND_FLOAT;
    if (x->info.kind == CLG_KIND_BOOL || (floats && x->info.kind != CLG_KIND_FLOAT))
        return b;
    if (y->info.kind == CLG_KIND_BOOL || (floats && y->info.kind != CLG_KIND_FLOAT))
        return a;
    if (x->info.bytes < y->info.bytes && (x->info.kind == y->info.kind || x->info.kind == CLG_KIND_UINT))
        return b;
    if (y->info.bytes < x->info.bytes && (x->info.kind == y->info.kind || y->info.kind == CLG_KIND_UINT))
        return a;
    const size_t more = 2 * (x->info.bytes > y->info.bytes ? x->info.bytes : y->info.bytes);
    for (int t = 0; t < CLG_DTYPE_COUNT; t++) {
        const clg_kind kind = rows[t].info.kind;
        if (rows[t].info.bytes == more && kind == (floats ? CLG_KIND_FLOAT : CLG_KIND_INT))
            return (clg_dtype) t;
    }
    return (clg_dtype) CLG_DTYPE_COUNT;
}

// ---- elements on the host

// Floats of 16 bits with `digits` in the significand, to nearest even; like PyTorch's, they are made of floats.
static uint16_t narrow(int digits, float f)
{
    const int drop = 24 - digits, shift = 127 - ((1 << (15 - digits)) - 1); // of digits, of exponents
    const uint32_t one = 1, top = ((one << (16 - digits)) - 1) << (digits - 1);
    uint32_t u, a, r;
    memcpy(&u, &f, sizeof u);
    a = u & 0x7fffffff;
    if (a > 0x7f800000) { // the rest of a NaN's bits stay
        r = top | one << (digits - 2) | (a >> drop & ((one << (digits - 1)) - 1));
    } else if (shift && a < (uint32_t) (shift + 1) << 23) { // less than the least normal number
        const int by = drop + shift + 1 - (int) (a >> 23);
        const uint64_t m = (a & 0x7fffff) | 0x800000;
        r = by > 40 ? 0 : (uint32_t) ((m + (((uint64_t) 1 << (by - 1)) - 1) + (m >> by & 1)) >> by);
    } else {
        r = ((a + ((one << (drop - 1)) - 1) + (a >> drop & 1)) >> drop) - ((uint32_t) shift << (digits - 1));
        r = r > top ? top : r;
    }
    return (uint16_t) (r | (u >> 31) << 15);
}

static float widen(int digits, uint16_t h)
{
    const int drop = 24 - digits, shift = 127 - ((1 << (15 - digits)) - 1);
    const uint32_t one = 1, a = h & 0x7fff, top = ((one << (16 - digits)) - 1) << (digits - 1);
    uint32_t u = a << drop;
    float f;
    if (shift && a < one << (digits - 1)) { // a multiple of the least one
        f = ldexpf((float) a, 2 - digits - ((1 << (15 - digits)) - 1));
        memcpy(&u, &f, sizeof u);
    } else {
        u += (uint32_t) (a >= top ? 2 * shift : shift) << 23;
    }
    u |= (uint32_t) (h >> 15) << 31;
    memcpy(&f, &u, sizeof f);
    return f;
}

static double between(double v, double lo, double hi)
{
    return isnan(v) ? 0 : v < lo ? lo : v > hi ? hi : trunc(v);
}

double clg__fit(clg_dtype t, double v)
{
    CLG__DEFAULT_FP;
    const clg_dtype_info *i = &clg__dtype_of(t)->info;
    switch (i->kind) {
    case CLG_KIND_FLOAT:
        return i->bytes == 2 ? (double) widen(rows[t].digits, narrow(rows[t].digits, (float) v)) : v;
    case CLG_KIND_BOOL:
        return v != 0;
    case CLG_KIND_UINT:
        return between(v, 0, i->bytes == 8 ? 0x1p64 : ldexp(1, 8 * (int) i->bytes) - 1);
    default:
        return between(v, -ldexp(1, 8 * (int) i->bytes - 1),
                       i->bytes == 8 ? 0x1p63 : ldexp(1, 8 * (int) i->bytes - 1) - 1);
    }
}

// An integer's bytes are the low ones of an int64_t, whatever the host's order.
#define EACH_WIDTH(M) M(1, uint8_t, int8_t) M(2, uint16_t, int16_t) M(4, uint32_t, int32_t) M(8, uint64_t, int64_t)

int64_t clg__get_integer(clg_dtype t, const void *p)
{
    const clg_dtype_info *i = &clg__dtype_of(t)->info;
    switch (i->bytes) {
#define GET(width, u, s)                                                                           \
    case width: {                                                                                  \
        u x;                                                                                       \
        memcpy(&x, p, sizeof x);                                                                   \
        return i->kind == CLG_KIND_INT ? (int64_t) (s) x : (int64_t) x;                            \
    }
        EACH_WIDTH(GET)
#undef GET
    }
    return 0;
}

static void put_integer(size_t bytes, void *p, uint64_t v)
{
    switch (bytes) {
#define PUT(width, u, s)                                                                           \
    case width: {                                                                                  \
        const u x = (u) v;                                                                         \
        memcpy(p, &x, sizeof x);                                                                   \
        break;                                                                                     \
    }
        EACH_WIDTH(PUT)
#undef PUT
    }
}

double clg_element_get(clg_dtype t, const void *element)
{
    CLG__DEFAULT_FP;
    const clg_dtype_info *i = &clg__dtype_of(t)->info;
    float f;
    double d;
    if (i->kind == CLG_KIND_UINT)
        return (double) (uint64_t) clg__get_integer(t, element);
    if (i->kind != CLG_KIND_FLOAT)
        return (double) clg__get_integer(t, element);
    if (i->bytes == 2)
        return (double) widen(rows[t].digits, (uint16_t) clg__get_integer(t, element));
    if (i->bytes == 8)
        return memcpy(&d, element, sizeof d), d;
    return memcpy(&f, element, sizeof f), (double) f;
}

void clg_element_set(clg_dtype t, void *element, double value)
{
    CLG__DEFAULT_FP;
    const clg_dtype_info *i = &clg__dtype_of(t)->info;
    const float f = (float) clg__fp_pin(value);
    const double v = clg__fit(t, value);
    if (i->kind == CLG_KIND_FLOAT && i->bytes == 2)
        put_integer(2, element, narrow(rows[t].digits, f));
    else if (i->kind == CLG_KIND_FLOAT)
        memcpy(element, i->bytes == 8 ? (const void *) &v : &f, i->bytes);
    else if (v >= 0x1p63)
        put_integer(i->bytes, element, i->kind == CLG_KIND_INT ? INT64_MAX : v >= 0x1p64 ? UINT64_MAX : (uint64_t) v);
    else
        put_integer(i->bytes, element, (uint64_t) (int64_t) v);
}

int64_t clg_numel(clg_shape s)
{
    int64_t n = 1;
    bool too_many = false;
    for (int d = 0; d < s.rank && d < CLG_MAX_RANK; d++) {
        if (s.dim[d] == 0)
            return 0;
        too_many |= __builtin_mul_overflow(n, s.dim[d], &n);
    }
    return too_many ? INT64_MAX : n;
}

const char *clg_version(void)
{
    return CLG_VERSION;
}
