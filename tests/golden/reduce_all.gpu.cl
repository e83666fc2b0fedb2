// reduce: 30 x 1 groups of 128 items, arguments geo i32 i32 in out temp
#pragma OPENCL FP_CONTRACT OFF
#define T_f32 float
#define E_f32 float
#define I_f32 int
#define CI_f32(x) convert_int(x)
#define CT_f32(x) convert_float(x)
#define CB_f32(c) ((uchar)((c) != 0))
#define TWO_SUM_f32(s, e, v) { const T_f32 x_ = (v), t_ = s + x_, z_ = t_ - s; \
    e += (s - (t_ - z_)) + (x_ - z_); s = t_; }
#define FAST_SUM_f32(s, e, v) { const T_f32 x_ = (v), t_ = s + x_; e += x_ - (t_ - s); s = t_; }
#define UP_f32 0x1p64f
#define NONE_f32 0x1p-45f
#define ANY_f32(c) (c)
static inline void NAME(join_T_f32)(T_f32 *a, T_f32 *c, T_f32 s, T_f32 e)
{
    const T_f32 zero = (T_f32)(0), t = *a + s, z = t - *a;
    T_f32 r = (*a - (t - z)) + (s - z) + (*c + e);
    r = r == r ? r : zero;
    *a = t + r;
    r = r - (*a - t);
    *c = r == r ? r : zero;
}
static inline void NAME(join_E_f32)(E_f32 *a, E_f32 *c, E_f32 s, E_f32 e)
{
    const E_f32 zero = (E_f32)(0), t = *a + s, z = t - *a;
    E_f32 r = (*a - (t - z)) + (s - z) + (*c + e);
    r = r == r ? r : zero;
    *a = t + r;
    r = r - (*a - t);
    *c = r == r ? r : zero;
}
static inline void NAME(meet_E_f32)(E_f32 *a, E_f32 *c, E_f32 *n, E_f32 x, E_f32 y, E_f32 w, int squares)
{
    const E_f32 zero = (E_f32)(0), one = (E_f32)(1);
    const E_f32 p = (*a != zero) | (*c != zero) ? *n : (E_f32)(UP_f32);
    const E_f32 q = (x != zero) | (y != zero) ? w : (E_f32)(UP_f32), to = fmin(p, q);
    E_f32 f = fmin(to / *n, one), h = fmin(to / w, one);
    *a *= f;
    *c *= f;
    x *= h;
    y *= h;
    f = squares ? f : one;
    h = squares ? h : one;
    *a *= f;
    *c *= f;
    NAME(join_E_f32)(a, c, x * h, y * h);
    *n = to;
}
__attribute__((reqd_work_group_size(128, 1, 1)))
kernel void NAME(reduce)(global const long *geo, int base, int epilogue, global const float *restrict b0, global float *restrict q0, global float *restrict part0)
{
global const long *g = geo + base, *ge = geo + epilogue;
local float l0[128];
local float lc0[128], ln0[128];
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
T_f32 a0 = (T_f32)(0), c0 = (T_f32)(0), n0_ = (T_f32)(1);
const long inner = g[-11], per = (inner + 1023) / 1024;
for (long block = block0; block < block1; block++) {
const long line = per > 1 ? block / per : block, e0 = (block - line * per) * 1024;
const long e1 = min(inner, e0 + 1024);
int again = 0;
T_f32 s0_ = (T_f32)(0), e0_ = (T_f32)(0);
const long outer = line;
global const float *p0 = b0 + (g[1]);
const long s0 = g[2];
for (long j = e0 + lid; j < e1; j += step) {
const T_f32 v0 = (T_f32)(p0[j]);
{ T_f32 v = v0;
v *= n0_;
TWO_SUM_f32(s0_, e0_, v) }
}
{ const I_f32 full = ((s0_ > (T_f32)(0x1p96f)) | (s0_ < (T_f32)(-0x1p96f)) | (s0_ != s0_) | (e0_ != e0_)) & (n0_ != (T_f32)(0x1p-64f));
if (ANY_f32(full)) {
const T_f32 f = full ? (T_f32)(0x1p-64f) : (T_f32)(1);
a0 *= f;
c0 *= f;
n0_ *= f;
again = 1;
}
}
if (again) {
block--;
continue;
}
NAME(join_T_f32)(&a0, &c0, s0_, e0_);
}
if (!alone) {
l0[lid] = a0;
lc0[lid] = c0;
ln0[lid] = n0_;
for (int h = get_local_size(0) / 2; h > 0; h /= 2) {
barrier(CLK_LOCAL_MEM_FENCE);
if (lid < h)
{
E_f32 a = l0[lid], c = lc0[lid], n = ln0[lid];
NAME(meet_E_f32)(&a, &c, &n, l0[lid + h], lc0[lid + h], ln0[lid + h], 0);
l0[lid] = a;
lc0[lid] = c;
ln0[lid] = n;
}
}
barrier(CLK_LOCAL_MEM_FENCE);
a0 = l0[0];
c0 = lc0[0];
n0_ = ln0[0];
}
if (unit < units && lid == 0) {
if (parts > 1) {
*(part0 + (part + 0 * parts) * n_keep + at) = a0;
*(part0 + (part + 1 * parts) * n_keep + at) = c0;
*(part0 + (part + 2 * parts) * n_keep + at) = n0_;
} else {
const T_f32 f0 = (a0 + c0) / n0_;
{
global const long *g = ge;
const T_f32 v1 = (T_f32)(f0);
q0[at] = v1;
}
}
}
}
}
}
// reduce_parts: 1 x 1 groups of 64 items, arguments geo i32 i32 out temp
#pragma OPENCL FP_CONTRACT OFF
#define T_f32 float
#define E_f32 float
#define I_f32 int
#define CI_f32(x) convert_int(x)
#define CT_f32(x) convert_float(x)
#define CB_f32(c) ((uchar)((c) != 0))
#define TWO_SUM_f32(s, e, v) { const T_f32 x_ = (v), t_ = s + x_, z_ = t_ - s; \
    e += (s - (t_ - z_)) + (x_ - z_); s = t_; }
#define FAST_SUM_f32(s, e, v) { const T_f32 x_ = (v), t_ = s + x_; e += x_ - (t_ - s); s = t_; }
#define UP_f32 0x1p64f
#define NONE_f32 0x1p-45f
#define ANY_f32(c) (c)
static inline void NAME(join_T_f32)(T_f32 *a, T_f32 *c, T_f32 s, T_f32 e)
{
    const T_f32 zero = (T_f32)(0), t = *a + s, z = t - *a;
    T_f32 r = (*a - (t - z)) + (s - z) + (*c + e);
    r = r == r ? r : zero;
    *a = t + r;
    r = r - (*a - t);
    *c = r == r ? r : zero;
}
static inline void NAME(join_E_f32)(E_f32 *a, E_f32 *c, E_f32 s, E_f32 e)
{
    const E_f32 zero = (E_f32)(0), t = *a + s, z = t - *a;
    E_f32 r = (*a - (t - z)) + (s - z) + (*c + e);
    r = r == r ? r : zero;
    *a = t + r;
    r = r - (*a - t);
    *c = r == r ? r : zero;
}
static inline void NAME(meet_E_f32)(E_f32 *a, E_f32 *c, E_f32 *n, E_f32 x, E_f32 y, E_f32 w, int squares)
{
    const E_f32 zero = (E_f32)(0), one = (E_f32)(1);
    const E_f32 p = (*a != zero) | (*c != zero) ? *n : (E_f32)(UP_f32);
    const E_f32 q = (x != zero) | (y != zero) ? w : (E_f32)(UP_f32), to = fmin(p, q);
    E_f32 f = fmin(to / *n, one), h = fmin(to / w, one);
    *a *= f;
    *c *= f;
    x *= h;
    y *= h;
    f = squares ? f : one;
    h = squares ? h : one;
    *a *= f;
    *c *= f;
    NAME(join_E_f32)(a, c, x * h, y * h);
    *n = to;
}
static inline void NAME(meet_T_f32)(T_f32 *a, T_f32 *c, T_f32 *n, T_f32 x, T_f32 y, T_f32 w, int squares)
{
    const T_f32 zero = (T_f32)(0), one = (T_f32)(1);
    const T_f32 p = (*a != zero) | (*c != zero) ? *n : (T_f32)(UP_f32);
    const T_f32 q = (x != zero) | (y != zero) ? w : (T_f32)(UP_f32), to = fmin(p, q);
    T_f32 f = fmin(to / *n, one), h = fmin(to / w, one);
    *a *= f;
    *c *= f;
    x *= h;
    y *= h;
    f = squares ? f : one;
    h = squares ? h : one;
    *a *= f;
    *c *= f;
    NAME(join_T_f32)(a, c, x * h, y * h);
    *n = to;
}
__attribute__((reqd_work_group_size(64, 1, 1)))
kernel void NAME(reduce_parts)(global const long *geo, int base, int epilogue, global float *restrict q0, global const float *restrict part0)
{
global const long *g = geo + base, *ge = geo + epilogue;
const long n_keep = g[-8], parts = g[-5], n = ge[0];
const long at = get_global_id(0), row = at / max(n, 1L), j = at % max(n, 1L);
if (at < n_keep) {
T_f32 a0 = (T_f32)(0), c0 = (T_f32)(0), n0_ = (T_f32)(1);
for (long part = 0; part < parts; part++) {
{
const T_f32 t0 = *(part0 + (part + 0 * parts) * n_keep + at);
const T_f32 t1 = *(part0 + (part + 1 * parts) * n_keep + at);
const T_f32 t2 = *(part0 + (part + 2 * parts) * n_keep + at);
NAME(meet_T_f32)(&a0, &c0, &n0_, t0, t1, t2, 0);
}
}
const T_f32 f0 = (a0 + c0) / n0_;
{
global const long *g = ge;
const T_f32 v1 = (T_f32)(f0);
q0[at] = v1;
}
}
}
// geometry: 0 0 1000000 0 30 1 30 977 30 1 1 1 1 1000000 0 1 1 0 0
