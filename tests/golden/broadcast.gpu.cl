// pointwise: 1 x 1 groups of 256 items, arguments geo i32 in in scalar out out
#pragma OPENCL FP_CONTRACT OFF
#define CHUNK 4096
#define T_f32 float
#define E_f32 float
#define I_f32 int
#define CI_f32(x) convert_int(x)
#define CT_f32(x) convert_float(x)
#define CB_f32(c) ((uchar)((c) != 0))
#define T_i32 int
#define E_i32 int
#define I_i32 int
#define CI_i32(x) convert_int(x)
#define CT_i32(x) convert_int(x)
#define CB_i32(c) ((uchar)((c) != 0))
#define H_POW_f32(a, b) pow(a, b)
static void NAME(work)(global const long *g, long first, long stop, global const float *b0, global const int *b1, const float x2, global float *q0, global float *q1)
{
if (first >= g[8])
    return;
const long at = first, n = g[1];
const long row = at / n, j = at % n;
const long i0 = row;
global const float *p0 = b0 + (g[2]);
const long s0 = g[4];
global const int *p1 = b1 + (g[5] + i0 * g[6]);
const long s1 = g[7];
const T_f32 v0 = (T_f32)(p0[j]);
const T_i32 v1 = (T_i32)(p1[0]);
const T_f32 v2 = (T_f32)(x2);
const T_f32 v3 = convert_float(v1);
const T_f32 v4 = (T_f32)((E_f32)(0.5));
const T_f32 v5 = H_POW_f32(v0, v3);
const T_f32 v6 = v5 + v2;
const T_f32 v7 = v6 + v4;
q0[at] = v7;
q1[at] = v6;
}
__attribute__((reqd_work_group_size(256, 1, 1)))
kernel void NAME(pointwise)(global const long *geo, int base, global const float *restrict b0, global const int *restrict b1, const float x2, global float *restrict q0, global float *restrict q1)
{
int s = 0;
_Pragma("clang loop vectorize(disable) unroll(disable)")
while (s < 0 && get_group_id(0) >= geo[base + 2 * s + 2])
s++;
const long wg = get_group_id(0) - geo[base + 2 * s];
global const long *g = geo + geo[base + 2 * s + 1];
NAME(work)(g, wg * 256 + (long)get_local_id(0), 0, b0, b1, x2, q0, q1);
}
// geometry: 0 6 1 0 35 1 5 7 0 0 1 0 1 0 35 1
