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
#define LANES (long16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
#define U_RAND uint16
static inline void NAME(philox)(long16 index, ulong seed, ulong counter, U_RAND *w0, U_RAND *w1)
{
    U_RAND c0 = convert_uint16(index & (long16)(0xffffffffL)), c1 = convert_uint16(index >> (long16)(32));
    U_RAND c2 = (U_RAND)((uint)counter), c3 = (U_RAND)((uint)(counter >> 32));
    uint k0 = (uint)seed, k1 = (uint)(seed >> 32);
    for (int r = 0; r < 10; r++) {
        const U_RAND h0 = mul_hi((U_RAND)(0xD2511F53u), c0), l0 = c0 * (U_RAND)(0xD2511F53u);
        const U_RAND h1 = mul_hi((U_RAND)(0xCD9E8D57u), c2), l1 = c2 * (U_RAND)(0xCD9E8D57u);
        c0 = h1 ^ c1 ^ (U_RAND)(k0);
        c1 = l1;
        c2 = h0 ^ c3 ^ (U_RAND)(k1);
        c3 = l0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    *w0 = c0;
    *w1 = c1;
}
static inline T_f32 NAME(normal_f32)(long16 i, ulong seed, ulong counter)
{
    U_RAND a, b;
    NAME(philox)(i, seed, counter, &a, &b);
    const T_f32 u = (CT_f32(a >> (U_RAND)(8)) + (T_f32)(1.0f)) * (T_f32)(0x1p-24f);
    const T_f32 t = CT_f32(b >> (U_RAND)(8)) * (T_f32)(0x1p-23f);
    return sqrt((T_f32)(-2.0f) * log(u)) * cospi(t);
}
static void NAME(work)(global const long *g, long first, long stop, const ulong seed0, const ulong counter0, global float *q0)
{
const long n = g[0], parts = g[4];
for (long u = first; u < stop; u++) {
const long row = u / parts, from = (u % parts) * CHUNK;
const long to = (u + 1) % parts ? from + CHUNK : n;
const long p0 = (g[1]);
const long s0 = g[2];
for (long k = from; k < to; k += 16) {
const long j = min(k, to - 16), at = row * n + j;
const T_f32 v0 = NAME(normal_f32)(((long16)(p0 + j * s0) + LANES * (long16)(s0)), seed0, counter0);
const T_f32 v1 = exp(v0);
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
