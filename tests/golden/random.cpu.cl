// pointwise: 1 x 1 groups of 1 items, arguments geo i32 seed out
#pragma OPENCL FP_CONTRACT OFF
#define CHUNK 4096
#define T_f32 float16
#define E_f32 float
#define I_f32 int16
#define CI_f32(x) convert_int16(x)
#define CT_f32(x) convert_float16(x)
#if defined(__clang__) && !defined(BY_LANES)
typedef E_f32 NAME(at_f32) __attribute__((ext_vector_type(16), aligned(sizeof(E_f32))));
#define LD_f32(p) (*(global const NAME(at_f32) *)(p))
#define ST_f32(v, p) (*(global NAME(at_f32) *)(p) = (v))
#else
#define LD_f32(p) vload16(0, p)
#define ST_f32(v, p) vstore16(v, 0, p)
#endif
#define CB_f32(c) (convert_uchar16(c) & (uchar16)(1))
#define U_RAND uint16
#define S_RAND(x) as_int16(x)
#define AT_RAND(i, n) convert_uint16((i) & (long16)(n))
#define ROUNDS_INLINE static inline __attribute__((always_inline))
#define TIMES(x, m) (((x) & (ulong8)(0xffffffffUL)) * (ulong8)(m))
#define WORDS(even, odd) as_uint16(((even) & (ulong8)(0xffffffffUL)) | ((odd) << 32))
ROUNDS_INLINE void NAME(rounds)(ulong8 a0, ulong8 b0, ulong counter, uint k0, uint k1, uint16 *w)
{
    ulong8 a1 = a0 >> 32, b1 = b0 >> 32, a2 = (ulong8)(counter), b2 = a2, a3 = (ulong8)(counter >> 32), b3 = a3;
    _Pragma("unroll")
    for (int r = 0; r < 10; r++) {
        const ulong8 p0 = TIMES(a0, 0xD2511F53UL), p1 = TIMES(a2, 0xCD9E8D57UL);
        const ulong8 q0 = TIMES(b0, 0xD2511F53UL), q1 = TIMES(b2, 0xCD9E8D57UL);
        a0 = (p1 >> 32) ^ a1 ^ (ulong8)(k0);
        b0 = (q1 >> 32) ^ b1 ^ (ulong8)(k0);
        a1 = p1;
        b1 = q1;
        a2 = (p0 >> 32) ^ a3 ^ (ulong8)(k1);
        b2 = (q0 >> 32) ^ b3 ^ (ulong8)(k1);
        a3 = p0;
        b3 = q0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    w[0] = WORDS(a0, b0);
    w[1] = WORDS(a1, b1);
    w[2] = WORDS(a2, b2);
    w[3] = WORDS(a3, b3);
}
#define AS_T_f32(x) as_float16(x)
#define AS_I_f32(x) as_int16(x)
#define WIDTH_f32 16
#define K_f32(x) ((T_f32)((E_f32)(x)))
static inline T_f32 NAME(log_rest_f32)(T_f32 f)
{
    T_f32 p = fma(f, K_f32(-7.286021113e-2f), K_f32(0.1256588995f));
    p = fma(p, f, K_f32(-0.1321235597f));
    p = fma(p, f, K_f32(0.1423890740f));
    p = fma(p, f, K_f32(-0.1662120670f));
    p = fma(p, f, K_f32(0.1999898999f));
    p = fma(p, f, K_f32(-0.2500084043f));
    p = fma(p, f, K_f32(0.3333337307f));
    p = fma(p, f, K_f32(-0.5f));
    return f * f * p;
}
#define LOG_REST_f32(x)
static inline T_f32 NAME(log_sum_f32)(T_f32 k, T_f32 f)
{
    return fma(k, K_f32(0.693145752f), f + fma(k, K_f32(1.428606765e-6f), NAME(log_rest_f32)(f)));
}
#define LOG_SUM_f32(x)
static inline T_f32 NAME(log_unit_f32)(T_f32 x)
{
    const I_f32 bits = AS_I_f32(x), n = (bits - (I_f32)(0x3f3504f3)) >> 23;
    const T_f32 k = AS_T_f32(n + (I_f32)(0x4b400000)) - K_f32(12582912.0f);
    return NAME(log_sum_f32)(k, AS_T_f32(bits - (n << 23)) - K_f32(1));
}
#define LOG_UNIT_f32(a) NAME(log_unit_f32)(a)
static inline T_f32 NAME(radius_f32)(U_RAND a)
{
    return sqrt((T_f32)(-2.0f) * LOG_UNIT_f32((CT_f32(S_RAND(a >> (U_RAND)(8))) + (T_f32)(1.0f)) * (T_f32)(0x1p-24f)));
}
#if defined(__clang__) && !defined(BY_LANES)
typedef E_f32 NAME(some_f32) __attribute__((ext_vector_type(16), aligned(sizeof(E_f32))));
#define LOW_f32(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define HIGH_f32(a, b) __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#endif
static inline void NAME(weave4_f32)(T_f32 *v)
{
#if defined(__clang__) && !defined(BY_LANES)
    const T_f32 a = LOW_f32(v[0], v[2]), b = LOW_f32(v[1], v[3]);
    const T_f32 c = HIGH_f32(v[0], v[2]), d = HIGH_f32(v[1], v[3]);
    v[0] = LOW_f32(a, b);
    v[1] = HIGH_f32(a, b);
    v[2] = LOW_f32(c, d);
    v[3] = HIGH_f32(c, d);
#else
    T_f32 u[4];
    for (int r = 0; r < 4; r++)
        u[r] = v[r];
    for (int i = 0; i < 64; i++)
        ((E_f32 *)v)[i] = ((const E_f32 *)u)[i % 4 * 16 + i / 4];
#endif
}
static inline T_f32 NAME(circle_f32)(uint16 w, T_f32 *sine)
{
    const uint16 t = w & (uint16)(0xffffff00), q = (t + (uint16)(0x20000000)) >> 30;
    const T_f32 r = CT_f32(as_int16(t - (q << 30))) * K_f32(0x1p-32f), z = r * r;
    T_f32 s = fma(z, K_f32(-75.4020691f), K_f32(81.5925522f)), c = fma(z, K_f32(-83.5926132f), K_f32(64.9212494f));
    s = fma(s, z, K_f32(-41.3416634f));
    c = fma(c, z, K_f32(-19.7391529f));
    s = fma(s, z, K_f32(6.28318548f));
    c = fma(c, z, K_f32(1));
    s *= r;
    const I_f32 p = as_int16(q), odd = (p & (I_f32)(1)) != (I_f32)(0);
    *sine = AS_T_f32(AS_I_f32(odd ? c : s) ^ ((p & (I_f32)(2)) << 30));
    return AS_T_f32(AS_I_f32(odd ? s : c) ^ (((p + (I_f32)(1)) & (I_f32)(2)) << 30));
}
#define CIRCLE_f32(w, sine) NAME(circle_f32)(w, sine)
typedef struct {
    long first, last;
    T_f32 v[8];
} NAME(kept_normal_f32);
static inline T_f32 NAME(row_normal_f32)(long i, ulong seed, ulong counter, NAME(kept_normal_f32) *k)
{
    const long first = i >> 6, last = (i + 15) >> 6;
    if (first != k->first || last > k->last) {
        if (first != k->first && first == k->last)
            for (int r = 0; r < 4; r++)
                k->v[r] = k->v[r + 4];
        else if (first != k->first)
            k->last = first - 1;
        k->first = first;
_Pragma("clang loop vectorize(disable) unroll(disable)")
        while (k->last < last) {
            uint16 w[4];
            T_f32 *to = k->v + (++k->last == first ? 0 : 4);
            const ulong8 a = (ulong8)((ulong)k->last << 4) + (ulong8)(0, 2, 4, 6, 8, 10, 12, 14);
            NAME(rounds)(a, a + (ulong8)(1), counter, (uint)seed, (uint)(seed >> 32), w);
            for (int r = 0; r < 4; r += 2) {
                T_f32 s;
                const T_f32 radius = NAME(radius_f32)(w[r]), c = CIRCLE_f32(w[r + 1], &s);
                to[r] = radius * c;
                to[r + 1] = radius * s;
            }
            NAME(weave4_f32)(to);
        }
    }
#if defined(__clang__) && !defined(BY_LANES)
    return *(const NAME(some_f32) *)((const E_f32 *)k->v + (i - (first << 6)));
#else
    return vload16(0, (const E_f32 *)k->v + (i - (first << 6)));
#endif
}
#define SEL_f32(c, x, y) ((c) ? (x) : (y))
static inline T_f32 NAME(exp_part_f32)(T_f32 x, I_f32 *n)
{
    const T_f32 t = fma(x, K_f32(1.44269504f), K_f32(12582912.0f)), k = t - K_f32(12582912.0f);
    *n = AS_I_f32(t) - (I_f32)(0x4b400000);
    const T_f32 r = fma(k, K_f32(1.90465421e-9f), fma(k, K_f32(-0.693147182f), x));
    T_f32 p = fma(r, K_f32(1.386548509e-3f), K_f32(8.366725408e-3f));
    p = fma(p, r, K_f32(4.166749493e-2f));
    p = fma(p, r, K_f32(0.1666654199f));
    p = fma(p, r, K_f32(0.4999999702f));
    return fma(r * r, p, r);
}
#define POWER_OF_2_f32(n) AS_T_f32(((n) << 23) + (I_f32)(0x3f800000))
static inline T_f32 NAME(exp_scale_f32)(T_f32 p, I_f32 n)
{
    const I_f32 h = n >> 1;
    return p * POWER_OF_2_f32(h) * POWER_OF_2_f32(n - h);
}
#define EXP_PART_f32(x)
static inline T_f32 NAME(exp_f32)(T_f32 x)
{
    x = SEL_f32(x > K_f32(89), K_f32(89), x);
    x = SEL_f32(x < K_f32(-115), K_f32(-115), x);
    I_f32 n;
    const T_f32 q = NAME(exp_part_f32)(x, &n);
    return NAME(exp_scale_f32)(q + K_f32(1), n);
}
#define exp_f32(a) NAME(exp_f32)(a)
static void NAME(work)(global const long *g, long first, long stop, const ulong seed0, const ulong counter0, global float *q0)
{
NAME(kept_normal_f32) kept0;
kept0.first = kept0.last = -1;
const long n = g[0], parts = g[4];
for (long u = first; u < stop; u++) {
const long row = u / parts, from = (u % parts) * CHUNK;
const long to = (u + 1) % parts ? from + CHUNK : n;
const long p0 = (g[1]);
const long s0 = g[2];
for (long k = from; k < to; k += 16) {
const long j = min(k, to - 16), at = row * n + j;
const T_f32 v0 = NAME(row_normal_f32)(p0 + j, seed0, counter0, &kept0);
const T_f32 v1 = exp_f32(v0);
ST_f32(v1, q0 + at);
}
}
}
__attribute__((reqd_work_group_size(1, 1, 1)))
kernel void NAME(pointwise)(global const long *geo, int base, const ulong seed0, const ulong counter0, global float *restrict q0)
{
int s = 0;
_Pragma("clang loop vectorize(disable) unroll(disable)")
while (s < 0 && get_group_id(0) >= geo[base + 2 * s + 2])
s++;
const long wg = get_group_id(0) - geo[base + 2 * s];
global const long *g = geo + geo[base + 2 * s + 1];
NAME(work)(g, g[-2] * wg / g[-1], g[-2] * (wg + 1) / g[-1], seed0, counter0, q0);
}
// geometry: 0 6 1 0 1 1 100 0 1 1 1
