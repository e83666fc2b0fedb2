// reduce: 1 x 1 groups of 128 items, arguments geo i32 i32 in out temp temp
#pragma OPENCL FP_CONTRACT OFF
#define T_i64 long
#define E_i64 long
#define I_i64 long
#define CI_i64(x) convert_long(x)
#define CT_i64(x) convert_long(x)
#define CB_i64(c) ((uchar)((c) != 0))
static inline int NAME(before_max_i64)(E_i64 a, long i, E_i64 b, long j)
{
    if (i == LONG_MAX || j == LONG_MAX)
        return j == LONG_MAX;
    if (a != a || b != b)
        return a != a && (b == b || i < j);
    return a > b || (a == b && i < j);
}
__attribute__((reqd_work_group_size(128, 1, 1)))
kernel void NAME(reduce)(global const long *geo, int base, int epilogue, global const long *restrict b0, global long *restrict q0, global long *restrict part0, global long *restrict index0)
{
global const long *g = geo + base, *ge = geo + epilogue;
local long l0[128];
local long lx0[128];
const int alone = (int)g[-10], lid = alone ? 0 : (int)get_local_id(0);
const int step = alone ? 1 : 128;
const long units = g[-9], unit = alone ? get_global_id(0) : get_group_id(0);
const long u = min(unit, units - 1);
{
const long n = ge[0], n_keep = g[-8], parts = g[-7];
const long blocks = g[-6];
const long at = u / parts, part = u % parts;
const long row = at / max(n, 1L), j = at % max(n, 1L);
const long block0 = parts > 1 ? blocks * part / parts : 0;
const long block1 = parts > 1 ? blocks * (part + 1) / parts : blocks;
{
T_i64 a0 = (T_i64)((E_i64)(LONG_MIN));
T_i64 x0_ = (T_i64)(LONG_MAX);
const long inner = g[-11], per = (inner + 1023) / 1024;
for (long block = block0; block < block1; block++) {
const long line = per > 1 ? block / per : block, e0 = (block - line * per) * 1024;
const long e1 = min(inner, e0 + 1024);
const long outer = line;
for (long e = e0 + lid; e < e1; e += step) {
const long i0 = e;
global const long *p0 = b0 + (g[2] + i0 * g[3]);
const long s0 = g[4];
const T_i64 v0 = (T_i64)(p0[j]);
{ const T_i64 v = v0;
const T_i64 at = (T_i64)(outer * inner + e);
const I_i64 better = ((v > a0) | ((v != v) & (a0 == a0)) |
CI_i64(x0_ == (T_i64)(LONG_MAX)));
a0 = better ? v : a0;
x0_ = (better) ? at : x0_; }
}
}
if (!alone) {
l0[lid] = a0;
lx0[lid] = x0_;
{
local long *v = l0;
local long *x = lx0;
for (int h = get_local_size(0) / 2; h > 0; h /= 2) {
barrier(CLK_LOCAL_MEM_FENCE);
if (lid < h)
if (NAME(before_max_i64)(v[lid + h], x[lid + h], v[lid], x[lid])) {
v[lid] = v[lid + h];
x[lid] = x[lid + h];
}
}
barrier(CLK_LOCAL_MEM_FENCE);
a0 = v[0];
x0_ = x[0];
}
}
if (unit < units && lid == 0) {
if (parts > 1) {
index0[part * n_keep + at] = x0_;
*(part0 + (part + 0 * parts) * n_keep + at) = a0;
} else {
const T_i64 f0 = x0_;
{
global const long *g = ge;
const T_i64 v1 = (T_i64)(f0);
q0[at] = v1;
}
}
}
}
}
}
// geometry: 0 0 40 1 9 9 1 1 1 1 1 1 9 40 9 0 9 1 9 0 1
