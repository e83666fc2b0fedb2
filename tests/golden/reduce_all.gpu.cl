// reduce: 30 x 1 groups of 128 items, arguments geo i32 i32 in out temp
#define LID lid
#define STEP step
#define ELID LID
#define ESTEP step
#pragma OPENCL FP_CONTRACT OFF
#define T_f32 float
#define E_f32 float
#define I_f32 int
#define CI_f32(x) convert_int(x)
#define CT_f32(x) convert_float(x)
#define CB_f32(c) ((uchar)((c) != 0))
__attribute__((reqd_work_group_size(128, 1, 1)))
kernel void NAME(reduce)(global const long *geo, int base, int tail, global const float *restrict b0, global float *restrict q0, global float *restrict part0)
{
global const long *g = geo + base, *gt = geo + tail;
local float l0[128];
const int alone = (int)g[-5], lid = alone ? 0 : (int)get_local_id(0);
const int step = alone ? 1 : 128;
const long units = g[-4], unit = alone ? get_global_id(0) : get_group_id(0);
const long u = min(unit, units - 1);
{
const long n = gt[0], n_keep = g[-3], parts = g[-2], blocks = g[-1];
const long at = u / parts, part = u % parts;
const long row = at / max(n, 1L), j = at % max(n, 1L);
const long block0 = blocks * part / parts, block1 = blocks * (part + 1) / parts;
{
T_f32 a0 = (T_f32)((E_f32)(0));
T_f32 c0 = (T_f32)(0);
const long inner = g[0], per = (inner + 1023) / 1024;
for (long block = block0; block < block1; block++) {
const long e0 = (block % per) * 1024, e1 = min(inner, e0 + 1024);
const long outer = block / per;
T_f32 s0_ = (T_f32)(0);
global const float *p0 = b0 + (g[1]);
const long s0 = g[2];
for (long j = e0 + LID; j < e1; j += STEP) {
const T_f32 v0 = (T_f32)(p0[j]);
{ T_f32 v = v0;
s0_ += v; }
}
{ const T_f32 t = a0 + s0_, z = t - a0;
c0 += (a0 - (t - z)) + (s0_ - z);
a0 = t; }
}
a0 += (c0 == c0 ? c0 : (T_f32)(0));
T_f32 f0 = a0;
if (!alone) {
l0[lid] = a0;
for (int h = get_local_size(0) / 2; h > 0; h /= 2) {
barrier(CLK_LOCAL_MEM_FENCE);
if (lid < h)
l0[lid] = l0[lid] + l0[lid + h];
}
barrier(CLK_LOCAL_MEM_FENCE);
f0 = l0[0];
}
if (unit < units && lid == 0) {
if (parts > 1) {
part0[part * n_keep + at] = f0;
} else
{
global const long *g = gt;
const T_f32 v1 = (T_f32)(f0);
q0[at] = v1;
}
}
}
}
}
// reduce_parts: 1 x 1 groups of 64 items, arguments geo i32 i32 out temp
#define LID 0
#define STEP 1
#define ELID LID
#define ESTEP 1
#pragma OPENCL FP_CONTRACT OFF
#define T_f32 float
#define E_f32 float
#define I_f32 int
#define CI_f32(x) convert_int(x)
#define CT_f32(x) convert_float(x)
#define CB_f32(c) ((uchar)((c) != 0))
__attribute__((reqd_work_group_size(64, 1, 1)))
kernel void NAME(reduce_parts)(global const long *geo, int base, int tail, global float *restrict q0, global const float *restrict part0)
{
global const long *g = geo + base, *gt = geo + tail;
const long n = gt[0], n_keep = g[-3], parts = g[-2];
const long at = get_global_id(0), row = at / max(n, 1L), j = at % max(n, 1L);
if (at < n_keep) {
T_f32 a0 = (T_f32)((E_f32)(0));
T_f32 c0 = (T_f32)(0);
for (long part = 0; part < parts; part++) {
const T_f32 s0_ = part0[part * n_keep + at];
{ const T_f32 t = a0 + s0_, z = t - a0;
c0 += (a0 - (t - z)) + (s0_ - z);
a0 = t; }
}
const T_f32 f0 = a0 + (c0 == c0 ? c0 : (T_f32)(0));
{
global const long *g = gt;
const T_f32 v1 = (T_f32)(f0);
q0[at] = v1;
}
}
}
// geometry: 0 30 1 30 977 1000000 0 1 1 0 0
