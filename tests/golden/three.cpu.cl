// pointwise: 3 x 1 groups of 1 items, arguments geo i32 in in out in in out in in out
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
#define SEL_f32(c, x, y) ((c) ? (x) : (y))
#define K_f32(x) ((T_f32)((E_f32)(x)))
static void NAME(work)(global const long *g, long first, long stop, global const float *b0, global const float *b1, global float *q0)
{
const long n = g[0], parts = g[6];
for (long u = first; u < stop; u++) {
const long row = u / parts, from = (u % parts) * CHUNK;
const long to = (u + 1) % parts ? from + CHUNK : n;
global const float *p0 = b0 + (g[1]);
const long s0 = g[2];
global const float *p1 = b1 + (g[3]);
const long s1 = g[4];
for (long k = from; k < to; k += 16) {
const long j = min(k, to - 16), at = row * n + j;
const T_f32 v0 = LD_f32(p0 + j);
const T_f32 v1 = LD_f32(p1 + j);
const T_f32 v2 = v0 + v1;
const T_f32 v3 = SEL_f32(v2 < K_f32(0), K_f32(0), v2);
ST_f32(v3, q0 + at);
}
}
}
__attribute__((reqd_work_group_size(1, 1, 1)))
kernel void NAME(pointwise)(global const long *geo, int base, global const float *restrict g0_b0, global const float *restrict g0_b1, global float *restrict g0_q0, global const float *restrict g1_b0, global const float *restrict g1_b1, global float *restrict g1_q0, global const float *restrict g2_b0, global const float *restrict g2_b1, global float *restrict g2_q0)
{
int s = 0;
_Pragma("clang loop vectorize(disable) unroll(disable)")
while (s < 2 && get_group_id(0) >= geo[base + 2 * s + 2])
s++;
const long wg = get_group_id(0) - geo[base + 2 * s];
global const long *g = geo + geo[base + 2 * s + 1];
NAME(work)(g, g[-2] * wg / g[-1], g[-2] * (wg + 1) / g[-1], s == 0 ? g0_b0 : s == 1 ? g1_b0 : g2_b0, s == 0 ? g0_b1 : s == 1 ? g1_b1 : g2_b1, s == 0 ? g0_q0 : s == 1 ? g1_q0 : g2_q0);
}
// geometry: 0 10 1 19 2 28 3 0 1 1 512 0 1 0 1 1 1 1 1 512 0 1 0 1 1 1 1 1 512 0 1 0 1 1 1
