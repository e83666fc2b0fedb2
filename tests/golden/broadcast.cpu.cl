// pointwise: 1 x 1 groups of 1 items, arguments geo i32 in in scalar out out
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
__attribute__((noinline)) static T_f32 NAME(ld_f32)(global const float *p, long step, int m)
{
    T_f32 t = (T_f32)(0);
_Pragma("clang loop vectorize(disable) unroll(disable)")
    for (int i = 0; i < m; i++)
        ((E_f32 *)&t)[i] = (p[i * step]);
    return t;
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
#define H_POW_f32(a, b) pow(a, b)
__attribute__((noinline)) static void NAME(st_f32)(T_f32 v, global float *p, int m)
{
_Pragma("clang loop vectorize(disable) unroll(disable)")
    for (int i = 0; i < m; i++)
        p[i] = (((E_f32 *)&v)[i]);
}
static void NAME(work)(global const long *g, long first, long stop, global const float *b0, global const int *b1, const float x2, global float *q0, global float *q1)
{
const long n = g[1], parts = g[9];
for (long u = first; u < stop; u++) {
const long row = u, j = 0, at = row * n;
const int m = (int)n;
const long i0 = row;
global const float *p0 = b0 + (g[2]);
const long s0 = g[4];
global const int *p1 = b1 + (g[5] + i0 * g[6]);
const long s1 = g[7];
const T_f32 v0 = NAME(ld_f32)(p0 + j, 1, m);
const T_i32 v1 = (T_i32)(p1[0]);
const T_f32 v2 = (T_f32)(x2);
const T_f32 v3 = convert_float16(v1);
const T_f32 v4 = (T_f32)((E_f32)(0.5));
const T_f32 v5 = H_POW_f32(v0, v3);
const T_f32 v6 = v5 + v2;
const T_f32 v7 = v6 + v4;
NAME(st_f32)(v7, q0 + at, m);
NAME(st_f32)(v6, q1 + at, m);
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
// geometry: 0 6 1 0 5 1 5 7 0 0 1 0 1 0 5 1
