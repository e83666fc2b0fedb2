// pointwise: 1 x 1 groups of 1 items, arguments geo i32 in in scalar out out
#pragma OPENCL FP_CONTRACT OFF
#define CHUNK 4096
static inline long NAME(run_at)(global const long *d, global const long *s, int rank, long line)
{
    long at = 0;
    for (int k = rank - 1; k > 0; k--) {
        at += line % d[k] * s[k];
        line /= d[k];
    }
    return at + line * s[0];
}
__attribute__((noinline)) static void NAME(run_lanes)(long16 *to, global const long *d, global const long *s, int rank, long at,
                                 int m)
{
    const long n = d[rank - 1];
    long line = at / n, col = at % n;
    long from = NAME(run_at)(d, s, rank - 1, line);
_Pragma("clang loop vectorize(disable) unroll(disable)")
    for (int i = 0; i < 16; i++) {
        ((long *)to)[i] = i < m ? from + col * s[rank - 1] : ((long *)to)[0];
        if (++col == n) {
            col = 0;
            from = NAME(run_at)(d, s, rank - 1, ++line);
        }
    }
}
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
static inline T_f32 NAME(ldo_f32)(global const float *p, const long *s)
{
    return (T_f32)(p[s[0]], p[s[1]], p[s[2]], p[s[3]], p[s[4]], p[s[5]], p[s[6]], p[s[7]],
                 p[s[8]], p[s[9]], p[s[10]], p[s[11]], p[s[12]], p[s[13]], p[s[14]],
                 p[s[15]]);
}
#define T_i32 int16
#define E_i32 int
#define I_i32 int16
#define CI_i32(x) convert_int16(x)
#define CT_i32(x) convert_int16(x)
#if defined(__clang__) && !defined(BY_LANES)
typedef E_i32 NAME(at_i32) __attribute__((ext_vector_type(16), aligned(sizeof(E_i32))));
#define LD_i32(p) (*(global const NAME(at_i32) *)(p))
#define ST_i32(v, p) (*(global NAME(at_i32) *)(p) = (v))
#else
#define LD_i32(p) vload16(0, p)
#define ST_i32(v, p) vstore16(v, 0, p)
#endif
#define CB_i32(c) (convert_uchar16(c) & (uchar16)(1))
static inline T_i32 NAME(ldo_i32)(global const int *p, const long *s)
{
    return (T_i32)(p[s[0]], p[s[1]], p[s[2]], p[s[3]], p[s[4]], p[s[5]], p[s[6]], p[s[7]],
                 p[s[8]], p[s[9]], p[s[10]], p[s[11]], p[s[12]], p[s[13]], p[s[14]],
                 p[s[15]]);
}
#define K_f32(x) ((T_f32)((E_f32)(x)))
#define SEL_f32(c, x, y) ((c) ? (x) : (y))
#define AS_T_f32(x) as_float16(x)
#define AS_I_f32(x) as_int16(x)
#define WIDTH_f32 16
static inline T_f32 NAME(log_reduce_f32)(T_f32 x, T_f32 *k)
{
    const I_f32 tiny = x < K_f32(0x1p-126f), bits = AS_I_f32(SEL_f32(tiny, x * K_f32(0x1p23f), x));
    const I_f32 n = (bits - (I_f32)(0x3f3504f3)) >> 23;
    *k = AS_T_f32(n + (I_f32)(0x4b400000)) - SEL_f32(tiny, K_f32(12582935.0f), K_f32(12582912.0f));
    return AS_T_f32(bits - (n << 23)) - K_f32(1);
}
#define LOG_REDUCE_f32(x)
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
static inline T_f32 NAME(exp2_sum_f32)(T_f32 x, T_f32 tail)
{
    x = SEL_f32(x > K_f32(129), K_f32(129), x);
    x = SEL_f32(x < K_f32(-151), K_f32(-151), x);
    const T_f32 t = x + K_f32(12582912.0f), near = x - (t - K_f32(12582912.0f)), r = near + tail;
    T_f32 p = fma(r, K_f32(1.524128464e-4f), K_f32(1.339130220e-3f));
    p = fma(p, r, K_f32(9.618833661e-3f));
    p = fma(p, r, K_f32(5.550358817e-2f));
    p = fma(p, r, K_f32(0.2402264476f));
    p = fma(p, r, K_f32(0.6931471825f));
    p = fma(p, r, K_f32(1));
    return NAME(exp_scale_f32)(p, AS_I_f32(t) - (I_f32)(0x4b400000));
}
#define EXP2_SUM_f32(x)
static inline T_f32 NAME(pow_f32)(T_f32 x, T_f32 y)
{
    const T_f32 a = fabs(x);
    T_f32 k;
    const T_f32 f = NAME(log_reduce_f32)(a, &k);
    const T_f32 e = f + K_f32(2), e_l = f - (e - K_f32(2)), r = K_f32(1) / e;
    const T_f32 s = f * r, s_l = fma(-s, e_l, fma(-s, e, f)) * r, z = s * s;
    T_f32 q = fma(z, K_f32(0.337828457f), K_f32(0.411849737f));
    q = fma(q, z, K_f32(0.577080190f));
    q = fma(q, z, K_f32(0.961796701f));
    q = fma(q, z, K_f32(3.85192601e-8f));
    const T_f32 u = s * K_f32(2.88539004f);
    const T_f32 slope = fma(z, K_f32(2.88539004f), K_f32(2.88539004f));
    const T_f32 u_l = fma(s, q, fma(s_l, slope, fma(s, K_f32(2.88539004f), -u)));
    const T_f32 v = k + u, v_l = k - v + u + u_l;
    T_f32 h = v + v_l;
    const T_f32 h_l = v - h + v_l;
    h = SEL_f32(a < K_f32(INFINITY), h, a);
    h = SEL_f32(a == K_f32(0), K_f32(-INFINITY), h);
    T_f32 b = SEL_f32(y > K_f32(0x1p32f), K_f32(0x1p32f), y);
    b = SEL_f32(b < K_f32(-0x1p32f), K_f32(-0x1p32f), b);
    const T_f32 t = b * h, t_l = fma(b, h_l, fma(b, h, -t));
    T_f32 p = NAME(exp2_sum_f32)(t, SEL_f32(fabs(t) < K_f32(200), t_l, K_f32(0)));
    T_f32 m = fabs(y);
    m = SEL_f32(m > K_f32(0x1p24f), K_f32(0x1p24f), m);
    const I_f32 large = m >= K_f32(0x1p23f);
    const T_f32 w = SEL_f32(large, m, m + K_f32(0x1p23f));
    const I_f32 is_whole = large | (w - K_f32(0x1p23f) == m), minus = AS_I_f32(x) < (I_f32)(0);
    p = AS_T_f32(AS_I_f32(p) ^ ((AS_I_f32(w) << 31) & is_whole & minus));
    p = SEL_f32(minus & ~is_whole & (a > K_f32(0)) & (a < K_f32(INFINITY)), K_f32(NAN), p);
    return SEL_f32((y == K_f32(0)) | (x == K_f32(1)), K_f32(1), p);
}
#define H_POW_f32(a, b) NAME(pow_f32)(a, b)
static void NAME(work)(global const long *g, long first, long stop, global const float *b0, global const int *b1, const float x2, global float *q0, global float *q1)
{
const long n = g[10], parts = g[9];
const long step = g[11];
long16 o0[16];
_Pragma("clang loop vectorize(disable) unroll(disable)")
for (int i = 0; i < step; i++)
NAME(run_lanes)(&o0[i], g + 0, g + 3, 2, i, 16);
long16 o1[16];
_Pragma("clang loop vectorize(disable) unroll(disable)")
for (int i = 0; i < step; i++)
NAME(run_lanes)(&o1[i], g + 0, g + 6, 2, i, 16);
for (long u = first; u < stop; u++) {
const long row = u / parts, from = (u % parts) * CHUNK;
const long to = (u + 1) % parts ? from + CHUNK : n;
global const float *p0 = b0 + (g[2]);
const long s0 = g[4];
global const int *p1 = b1 + (g[5]);
const long s1 = g[7];
for (long k = from; k < to; k += 16) {
const long j = min(k, to - 16), at = row * n + j;
const long lead = j / step;
const int c = (int)(j - lead * step);
const long *l0 = (const long *)&o0[c];
const long t0 = lead * g[3];
const long *l1 = (const long *)&o1[c];
const long t1 = lead * g[6];
const T_f32 v0 = NAME(ldo_f32)(p0 + t0, l0);
const T_i32 v1 = NAME(ldo_i32)(p1 + t1, l1);
const T_f32 v2 = (T_f32)(x2);
const T_f32 v3 = convert_float16(v1);
const T_f32 v4 = (T_f32)((E_f32)(0.5));
const T_f32 v5 = H_POW_f32(v0, v3);
const T_f32 v6 = v5 + v2;
const T_f32 v7 = v6 + v4;
ST_f32(v7, q0 + at);
ST_f32(v6, q1 + at);
}
}
}
__attribute__((reqd_work_group_size(1, 1, 1)))
kernel void NAME(pointwise)(global const long *geo, int base, global const float *restrict b0, global const int *restrict b1, const float x2, global float *restrict q0, global float *restrict q1)
{
int s = 0;
_Pragma("clang loop vectorize(disable) unroll(disable)")
while (s < 0 && get_group_id(0) >= geo[base + 2 * s + 2])
s++;
const long wg = get_group_id(0) - geo[base + 2 * s];
global const long *g = geo + geo[base + 2 * s + 1];
NAME(work)(g, g[-2] * wg / g[-1], g[-2] * (wg + 1) / g[-1], b0, b1, x2, q0, q1);
}
// geometry: 0 6 1 0 1 1 5 7 0 0 1 0 1 0 1 1 35 7
