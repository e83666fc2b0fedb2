// pointwise: 1 x 1 groups of 1 items, arguments geo i32 in out
#pragma OPENCL FP_CONTRACT OFF
#define CHUNK 4096
#define T_f64 double16
#define E_f64 double
#define I_f64 long16
#define CI_f64(x) convert_long16(x)
#define CT_f64(x) convert_double16(x)
#if defined(__clang__) && !defined(BY_LANES)
typedef E_f64 NAME(at_f64) __attribute__((ext_vector_type(16), aligned(sizeof(E_f64))));
#define LD_f64(p) (*(global const NAME(at_f64) *)(p))
#define ST_f64(v, p) (*(global NAME(at_f64) *)(p) = (v))
#else
#define LD_f64(p) vload16(0, p)
#define ST_f64(v, p) vstore16(v, 0, p)
#endif
#define CB_f64(c) (convert_uchar16(c) & (uchar16)(1))
#if defined(__clang__) && !defined(BY_LANES)
typedef E_f64 NAME(half_f64) __attribute__((ext_vector_type(8), aligned(sizeof(E_f64))));
#endif
__attribute__((noinline)) static T_f64 NAME(lde_f64)(global const double *p, int inside, long j, long lo, long hi,
                       long step, int m, E_f64 fill)
{
    T_f64 t = (T_f64)(fill);
    const int a = (int)max(0L, lo - j), b = inside ? (int)min((long)m, hi - j) : 0;
#if defined(__clang__) && !defined(BY_LANES)
    if (step == 1 && b - a >= 8 && sizeof(E_f64) == sizeof(double)) {
        global const E_f64 *from = (global const E_f64 *)p + j;
        E_f64 *to = (E_f64 *)&t;
        const NAME(half_f64) low = *(global const NAME(half_f64) *)(from + a);
        *(NAME(half_f64) *)(to + b - 8) = *(global const NAME(half_f64) *)(from + b - 8);
        *(NAME(half_f64) *)(to + a) = low;
        return t;
    }
#endif
_Pragma("clang loop vectorize(disable) unroll(disable)")
    for (int i = a; i < b; i++)
        ((E_f64 *)&t)[i] = (p[(j + i) * step]);
    return t;
}
static inline T_f64 NAME(ldw_f64)(global const double *p, int inside, long j, long lo, long hi,
                              long step, int m, E_f64 fill)
{
    if (step == 1 && inside && m == 16 && j >= lo && j + 16 <= hi)
        return LD_f64(p + j);
    return NAME(lde_f64)(p, inside, j, lo, hi, step, m, fill);
}
#define LANES (long16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
#define K_f64(x) ((T_f64)((E_f64)(x)))
#define SEL_f64(c, x, y) ((c) ? (x) : (y))
#define AS_T_f64(x) as_double16(x)
#define AS_I_f64(x) as_long16(x)
#define WIDTH_f64 16
static inline T_f64 NAME(log_reduce_f64)(T_f64 x, T_f64 *k)
{
    const I_f64 tiny = x < K_f64(0x1p-1022), bits = AS_I_f64(SEL_f64(tiny, x * K_f64(0x1p54), x));
    const I_f64 n = (bits - (I_f64)(0x3fe6a09e667f3bcd)) >> 52;
    *k = AS_T_f64(n + (I_f64)(0x4338000000000000)) - SEL_f64(tiny, K_f64(6755399441055798.0), K_f64(6755399441055744.0));
    return AS_T_f64(bits - (n << 52)) - K_f64(1);
}
#define LOG_REDUCE_f64(x)
static inline T_f64 NAME(exp_part_f64)(T_f64 x, I_f64 *n)
{
    const T_f64 t = fma(x, K_f64(1.4426950408889634), K_f64(6755399441055744.0)), k = t - K_f64(6755399441055744.0);
    *n = AS_I_f64(t) - (I_f64)(0x4338000000000000);
    const T_f64 r = fma(k, K_f64(-2.3190468138462996e-17), fma(k, K_f64(-0.69314718055994531), x));
    T_f64 p = fma(r, K_f64(2.5044994216827436e-8), K_f64(2.7622366536334617e-7));
    p = fma(p, r, K_f64(2.755742833509434e-6));
    p = fma(p, r, K_f64(2.4801516043838844e-5));
    p = fma(p, r, K_f64(1.9841269705398918e-4));
    p = fma(p, r, K_f64(1.3888888920711531e-3));
    p = fma(p, r, K_f64(8.333333333390246e-3));
    p = fma(p, r, K_f64(4.1666666666619584e-2));
    p = fma(p, r, K_f64(0.166666666666666));
    p = fma(p, r, K_f64(0.5));
    return fma(r * r, p, r);
}
#define POWER_OF_2_f64(n) AS_T_f64(((n) << 52) + (I_f64)(0x3ff0000000000000))
static inline T_f64 NAME(exp_scale_f64)(T_f64 p, I_f64 n)
{
    const I_f64 h = n >> 1;
    return p * POWER_OF_2_f64(h) * POWER_OF_2_f64(n - h);
}
#define EXP_PART_f64(x)
static inline T_f64 NAME(exp2_sum_f64)(T_f64 x, T_f64 tail)
{
    x = SEL_f64(x > K_f64(1025), K_f64(1025), x);
    x = SEL_f64(x < K_f64(-1077), K_f64(-1077), x);
    const T_f64 t = x + K_f64(6755399441055744.0), near = x - (t - K_f64(6755399441055744.0)), r = near + tail;
    T_f64 p = fma(r, K_f64(4.4347696500770175e-10), K_f64(7.073790615864193e-09));
    p = fma(p, r, K_f64(1.0178199639103765e-07));
    p = fma(p, r, K_f64(1.3215435242283017e-06));
    p = fma(p, r, K_f64(1.5252733492828252e-05));
    p = fma(p, r, K_f64(0.00015403530457185896));
    p = fma(p, r, K_f64(0.0013333558146775076));
    p = fma(p, r, K_f64(0.009618129107594067));
    p = fma(p, r, K_f64(0.05550410866482008));
    p = fma(p, r, K_f64(0.2402265069591013));
    p = fma(r * r, p, (near - r + tail) * K_f64(0.6931471805599453));
    p = fma(r, K_f64(0.6931471805599453), p) + K_f64(1);
    return NAME(exp_scale_f64)(p, AS_I_f64(t) - (I_f64)(0x4338000000000000));
}
#define EXP2_SUM_f64(x)
static inline T_f64 NAME(pow_f64)(T_f64 x, T_f64 y)
{
    const T_f64 a = fabs(x);
    T_f64 k;
    const T_f64 f = NAME(log_reduce_f64)(a, &k);
    const T_f64 e = f + K_f64(2), e_l = f - (e - K_f64(2)), r = K_f64(1) / e;
    const T_f64 s = f * r, s_l = fma(-s, e_l, fma(-s, e, f)) * r, z = s * s;
    T_f64 q = fma(z, K_f64(0.17296496503495473), K_f64(0.16843201893992438));
    q = fma(q, z, K_f64(0.1924023905035128));
    q = fma(q, z, K_f64(0.22195223902785888));
    q = fma(q, z, K_f64(0.2623081991856372));
    q = fma(q, z, K_f64(0.32059889790772245));
    q = fma(q, z, K_f64(0.41219858311137103));
    q = fma(q, z, K_f64(0.5770780163555851));
    q *= z;
    const T_f64 z_l = fma(s, s, -z) + K_f64(2) * s * s_l, d = K_f64(0.9617966939259756) + q;
    const T_f64 d_l = K_f64(0.9617966939259756) - d + q + K_f64(5.0577616648125907e-17);
    const T_f64 g = z * d, g_l = fma(z, d, -g) + fma(z, d_l, z_l * d), c = K_f64(2.8853900817779268) + g;
    const T_f64 c_l = K_f64(2.8853900817779268) - c + g + (g_l + K_f64(4.0710547481862066e-17));
    const T_f64 u = s * c, u_l = fma(s, c, -u) + fma(s, c_l, s_l * c);
    T_f64 h = k + u;
    const T_f64 h_l = k - h + u + u_l;
    h = SEL_f64(a < K_f64(INFINITY), h, a);
    h = SEL_f64(a == K_f64(0), K_f64(-INFINITY), h);
    T_f64 b = SEL_f64(y > K_f64(0x1p65), K_f64(0x1p65), y);
    b = SEL_f64(b < K_f64(-0x1p65), K_f64(-0x1p65), b);
    const T_f64 t = b * h, t_l = fma(b, h_l, fma(b, h, -t));
    T_f64 p = NAME(exp2_sum_f64)(t, SEL_f64(fabs(t) < K_f64(1200), t_l, K_f64(0)));
    T_f64 m = fabs(y);
    m = SEL_f64(m > K_f64(0x1p53), K_f64(0x1p53), m);
    const I_f64 large = m >= K_f64(0x1p52);
    const T_f64 w = SEL_f64(large, m, m + K_f64(0x1p52));
    const I_f64 is_whole = large | (w - K_f64(0x1p52) == m), minus = AS_I_f64(x) < (I_f64)(0);
    p = AS_T_f64(AS_I_f64(p) ^ ((AS_I_f64(w) << 63) & is_whole & minus));
    p = SEL_f64(minus & ~is_whole & (a > K_f64(0)) & (a < K_f64(INFINITY)), K_f64(NAN), p);
    return SEL_f64((y == K_f64(0)) | (x == K_f64(1)), K_f64(1), p);
}
#define H_POW_f64(a, b) NAME(pow_f64)(a, b)
static void NAME(work)(global const long *g, long first, long stop, global const double *b0, global double *q0)
{
const long n = g[1], parts = g[13];
for (long u = first; u < stop; u++) {
const long row = u / parts, from = (u % parts) * CHUNK;
const long to = (u + 1) % parts ? from + CHUNK : n;
const long i0 = row;
global const double *p0 = b0 + (g[2] + i0 * g[3]);
const long s0 = g[4];
const long lo0 = g[7], hi0 = g[8];
const int w0 = 1 && i0 >= g[5] && i0 < g[6];
const long p1 = (g[9] + i0 * g[10]);
const long s1 = g[11];
for (long k = from; k < to; k += 16) {
const long j = min(k, to - 16), at = row * n + j;
const T_f64 v0 = NAME(ldw_f64)(p0, w0, j, lo0, hi0, s0, 16, (E_f64)(0));
const T_f64 v1 = CT_f64(((long16)(p1 + j * s1) + LANES * (long16)(s1))) * (T_f64)((E_f64)(1)) + (T_f64)((E_f64)(0));
const T_f64 v2 = H_POW_f64(v0, v1);
ST_f64(v2, q0 + at);
}
}
}
__attribute__((reqd_work_group_size(1, 1, 1)))
kernel void NAME(pointwise)(global const long *geo, int base, global const double *restrict b0, global double *restrict q0)
{
int s = 0;
_Pragma("clang loop vectorize(disable) unroll(disable)")
while (s < 0 && get_group_id(0) >= geo[base + 2 * s + 2])
s++;
const long wg = get_group_id(0) - geo[base + 2 * s];
global const long *g = geo + geo[base + 2 * s + 1];
NAME(work)(g, g[-2] * wg / g[-1], g[-2] * (wg + 1) / g[-1], b0, q0);
}
// geometry: 0 6 1 0 6 1 6 40 3 30 -1 1 5 4 34 0 40 1 6 1
