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
__attribute__((noinline)) static T_f64 NAME(lde_f64)(global const double *p, int inside, long j, long lo, long hi,
                       long step, int m, E_f64 fill)
{
    T_f64 t = (T_f64)(fill);
_Pragma("clang loop vectorize(disable) unroll(disable)")
    for (long i = max(0L, lo - j); inside && i < min((long)m, hi - j); i++)
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
static inline T_f64 NAME(pow_f64)(T_f64 a, T_f64 b)
{
_Pragma("clang loop vectorize(disable) unroll(disable)")
    for (int i = 0; i < 16; i++) {
        const E_f64 x = ((E_f64 *)&a)[i], y = ((E_f64 *)&b)[i];
        ((E_f64 *)&a)[i] = pow(x, y);
    }
    return a;
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
