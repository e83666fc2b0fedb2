// pointwise: 6 x 1 groups of 256 items, arguments geo i32 in in out in in out in in out
#pragma OPENCL FP_CONTRACT OFF
#define CHUNK 4096
#define T_f32 float
#define E_f32 float
#define I_f32 int
#define CI_f32(x) convert_int(x)
#define CT_f32(x) convert_float(x)
#define CB_f32(c) ((uchar)((c) != 0))
#define SEL_f32(c, x, y) ((c) ? (x) : (y))
#define K_f32(x) ((T_f32)((E_f32)(x)))
static void NAME(work)(global const long *g, long first, long stop, global const float *b0, global const float *b1, global float *q0)
{
if (first >= g[5])
    return;
const long at = first, n = g[0];
const long j = at;
global const float *p0 = b0 + (g[1]);
const long s0 = g[2];
global const float *p1 = b1 + (g[3]);
const long s1 = g[4];
const T_f32 v0 = (T_f32)(p0[j]);
const T_f32 v1 = (T_f32)(p1[j]);
const T_f32 v2 = v0 + v1;
const T_f32 v3 = SEL_f32(v2 < K_f32(0), K_f32(0), v2);
q0[at] = v3;
}
__attribute__((reqd_work_group_size(256, 1, 1)))
kernel void NAME(pointwise)(global const long *geo, int base, global const float *restrict g0_b0, global const float *restrict g0_b1, global float *restrict g0_q0, global const float *restrict g1_b0, global const float *restrict g1_b1, global float *restrict g1_q0, global const float *restrict g2_b0, global const float *restrict g2_b1, global float *restrict g2_q0)
{
int s = 0;
_Pragma("clang loop vectorize(disable) unroll(disable)")
while (s < 2 && get_group_id(0) >= geo[base + 2 * s + 2])
s++;
const long wg = get_group_id(0) - geo[base + 2 * s];
global const long *g = geo + geo[base + 2 * s + 1];
NAME(work)(g, wg * 256 + (long)get_local_id(0), 0, s == 0 ? g0_b0 : s == 1 ? g1_b0 : g2_b0, s == 0 ? g0_b1 : s == 1 ? g1_b1 : g2_b1, s == 0 ? g0_q0 : s == 1 ? g1_q0 : g2_q0);
}
// geometry: 0 10 2 19 4 28 6 0 512 2 512 0 1 0 1 512 1 512 2 512 0 1 0 1 512 1 512 2 512 0 1 0 1 512 1
