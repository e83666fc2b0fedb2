// reduce: 16 x 1 groups of 1 items, arguments geo i32 i32 in out temp
#pragma OPENCL FP_CONTRACT OFF
#define LANE16 (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
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
#define TWO_SUM_f32(s, e, v) { const T_f32 x_ = (v), t_ = s + x_, z_ = t_ - s; \
    e += (s - (t_ - z_)) + (x_ - z_); s = t_; }
#define FAST_SUM_f32(s, e, v) { const T_f32 x_ = (v), t_ = s + x_; e += x_ - (t_ - s); s = t_; }
#define UP_f32 0x1p64f
#define NONE_f32 0x1p-45f
#ifdef BY_LANES
#define HI(half, v) (((const half *)&(v))[1])
#else
#define HI(half, v) ((v).hi)
#endif
static inline int NAME(any_f32)(int16 c)
{
    const int8 a = c.lo | HI(int8, c);
    const int4 b = a.lo | HI(int4, a);
    const int2 d = b.lo | HI(int2, b);
    return (d.x | d.y) < 0;
}
#define ANY_f32(c) NAME(any_f32)(c)
static inline void NAME(join_T_f32)(T_f32 *a, T_f32 *c, T_f32 s, T_f32 e)
{
    const T_f32 zero = (T_f32)(0), t = *a + s, z = t - *a;
    T_f32 r = (*a - (t - z)) + (s - z) + (*c + e);
    r = r == r ? r : zero;
    *a = t + r;
    r = r - (*a - t);
    *c = r == r ? r : zero;
}
static float4 NAME(fold_f32)(T_f32 a, T_f32 c, T_f32 n, int squares)
{
if (ANY_f32(n != (T_f32)(1))) {
const T_f32 t16 = (a != (T_f32)(0)) | (c != (T_f32)(0)) ? n : (T_f32)(UP_f32);
const float8 t8 = fmin(t16.lo, HI(float8, t16));
const float4 t4 = fmin(t8.lo, HI(float4, t8));
const float2 t2 = fmin(t4.lo, HI(float2, t4));
const T_f32 t1 = (T_f32)(fmin(t2.x, t2.y)), f = fmin(t1 / n, (T_f32)(1));
const T_f32 g = squares ? f : (T_f32)(1);
a = a * f * g;
c = c * f * g;
n = t1;
}
const float8 h8 = HI(float8, a), s8 = a.lo + h8, z8 = s8 - a.lo;
const float8 e8 = (a.lo - (s8 - z8)) + (h8 - z8) + (c.lo + HI(float8, c));
const float4 h4 = HI(float4, s8), s4 = s8.lo + h4, z4 = s4 - s8.lo;
const float4 e4 = (s8.lo - (s4 - z4)) + (h4 - z4) + (e8.lo + HI(float4, e8));
const float2 h2 = HI(float2, s4), s2 = s4.lo + h2, z2 = s2 - s4.lo;
const float2 e2 = (s4.lo - (s2 - z2)) + (h2 - z2) + (e4.lo + HI(float2, e4));
const float h1 = HI(float, s2), s1 = s2.lo + h1, z1 = s1 - s2.lo;
const float e1 = (s2.lo - (s1 - z1)) + (h1 - z1) + (e2.lo + HI(float, e2));
const int wrong = !(fabs(s1) <= 0x1p96f) || e1 != e1 || (squares && s1 < 0x1p-70f);
return (float4)(s1, e1 == e1 ? e1 : 0, n.s0, wrong);
}
__attribute__((reqd_work_group_size(1, 1, 1)))
kernel void NAME(reduce)(global const long *geo, int base, int epilogue, global const float *restrict b0, global float *restrict q0, global float *restrict part0)
{
global const long *g = geo + base, *ge = geo + epilogue;
const long wg = get_group_id(0), wgs = get_num_groups(0), units = g[-9];
for (long u = units * wg / wgs; u < units * (wg + 1) / wgs; u++) {
const long n = ge[0], n_keep = g[-8], parts = g[-7];
const long blocks = g[-6];
const long at = u / parts, part = u % parts;
const long row = at / max(n, 1L), j = at % max(n, 1L);
const long block0 = parts > 1 ? blocks * part / parts : 0;
const long block1 = parts > 1 ? blocks * (part + 1) / parts : blocks;
int careful = 0, wrong;
do {
wrong = 0;
T_f32 a0 = (T_f32)(0), c0 = (T_f32)(0), n0_ = (T_f32)(1);
const long inner = g[-11], per = (inner + 1023) / 1024;
for (long block = block0; block < block1; block++) {
const long line = per > 1 ? block / per : block, e0 = (block - line * per) * 1024;
const long e1 = min(inner, e0 + 1024);
int again = 0;
T_f32 s0_ = (T_f32)(0), e0_ = (T_f32)(0);
const long outer = line;
{
global const float *p0 = b0 + (g[1]);
const long s0 = g[2];
for (long k = e0; k < e1; k += 16) {
const long j = min(k, inner - 16);
const int skip = (int)(k - j);
const T_f32 v0 = LD_f32(p0 + j);
{ T_f32 v = v0;
if (skip)
v = (CI_f32(LANE16) >= (I_f32)(skip)) ? v : (T_f32)((E_f32)(0));
if (careful) {
v *= n0_;
}
TWO_SUM_f32(s0_, e0_, v) }
}
}
if (careful) {
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
}
NAME(join_T_f32)(&a0, &c0, s0_, e0_);
}
const float4 t0_ = NAME(fold_f32)(a0, c0, n0_, 0);
const float fa0 = t0_.x, fc0 = t0_.y, fn0 = t0_.z;
wrong |= t0_.w != 0;
wrong &= !careful;
if (wrong) {
careful = 1;
continue;
}
if (parts > 1) {
*(part0 + (part + 0 * parts) * n_keep + at) = fa0;
*(part0 + (part + 1 * parts) * n_keep + at) = fc0;
*(part0 + (part + 2 * parts) * n_keep + at) = fn0;
} else {
const E_f32 f0 = (fa0 + fc0) / fn0;
{
global const long *g = ge;
const T_f32 v1 = (T_f32)(f0);
q0[at] = v1.s0;
}
}
} while (wrong);
}
}
// reduce_parts: 1 x 1 groups of 1 items, arguments geo i32 i32 out temp
#pragma OPENCL FP_CONTRACT OFF
#define LANE16 (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
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
#define TWO_SUM_f32(s, e, v) { const T_f32 x_ = (v), t_ = s + x_, z_ = t_ - s; \
    e += (s - (t_ - z_)) + (x_ - z_); s = t_; }
#define FAST_SUM_f32(s, e, v) { const T_f32 x_ = (v), t_ = s + x_; e += x_ - (t_ - s); s = t_; }
#define UP_f32 0x1p64f
#define NONE_f32 0x1p-45f
#ifdef BY_LANES
#define HI(half, v) (((const half *)&(v))[1])
#else
#define HI(half, v) ((v).hi)
#endif
static inline int NAME(any_f32)(int16 c)
{
    const int8 a = c.lo | HI(int8, c);
    const int4 b = a.lo | HI(int4, a);
    const int2 d = b.lo | HI(int2, b);
    return (d.x | d.y) < 0;
}
#define ANY_f32(c) NAME(any_f32)(c)
static inline void NAME(join_T_f32)(T_f32 *a, T_f32 *c, T_f32 s, T_f32 e)
{
    const T_f32 zero = (T_f32)(0), t = *a + s, z = t - *a;
    T_f32 r = (*a - (t - z)) + (s - z) + (*c + e);
    r = r == r ? r : zero;
    *a = t + r;
    r = r - (*a - t);
    *c = r == r ? r : zero;
}
static float4 NAME(fold_f32)(T_f32 a, T_f32 c, T_f32 n, int squares)
{
if (ANY_f32(n != (T_f32)(1))) {
const T_f32 t16 = (a != (T_f32)(0)) | (c != (T_f32)(0)) ? n : (T_f32)(UP_f32);
const float8 t8 = fmin(t16.lo, HI(float8, t16));
const float4 t4 = fmin(t8.lo, HI(float4, t8));
const float2 t2 = fmin(t4.lo, HI(float2, t4));
const T_f32 t1 = (T_f32)(fmin(t2.x, t2.y)), f = fmin(t1 / n, (T_f32)(1));
const T_f32 g = squares ? f : (T_f32)(1);
a = a * f * g;
c = c * f * g;
n = t1;
}
const float8 h8 = HI(float8, a), s8 = a.lo + h8, z8 = s8 - a.lo;
const float8 e8 = (a.lo - (s8 - z8)) + (h8 - z8) + (c.lo + HI(float8, c));
const float4 h4 = HI(float4, s8), s4 = s8.lo + h4, z4 = s4 - s8.lo;
const float4 e4 = (s8.lo - (s4 - z4)) + (h4 - z4) + (e8.lo + HI(float4, e8));
const float2 h2 = HI(float2, s4), s2 = s4.lo + h2, z2 = s2 - s4.lo;
const float2 e2 = (s4.lo - (s2 - z2)) + (h2 - z2) + (e4.lo + HI(float2, e4));
const float h1 = HI(float, s2), s1 = s2.lo + h1, z1 = s1 - s2.lo;
const float e1 = (s2.lo - (s1 - z1)) + (h1 - z1) + (e2.lo + HI(float, e2));
const int wrong = !(fabs(s1) <= 0x1p96f) || e1 != e1 || (squares && s1 < 0x1p-70f);
return (float4)(s1, e1 == e1 ? e1 : 0, n.s0, wrong);
}
__attribute__((noinline)) static T_f32 NAME(ld_f32)(global const float *p, long step, int m)
{
    T_f32 t = (T_f32)(0);
_Pragma("clang loop vectorize(disable) unroll(disable)")
    for (int i = 0; i < m; i++)
        ((E_f32 *)&t)[i] = (p[i * step]);
    return t;
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
__attribute__((noinline)) static void NAME(put_f32)(T_f32 v, global float *p, int skip, int m)
{
    if (skip == 0 && m == 16) {
        ST_f32(v, p);
        return;
    }
_Pragma("clang loop vectorize(disable) unroll(disable)")
    for (int i = skip; i < m; i++)
        p[i] = (((E_f32 *)&v)[i]);
}
__attribute__((reqd_work_group_size(1, 1, 1)))
kernel void NAME(reduce_parts)(global const long *geo, int base, int epilogue, global float *restrict q0, global const float *restrict part0)
{
global const long *g = geo + base, *ge = geo + epilogue;
const long n_keep = g[-8], parts = g[-5], n = n_keep;
const long wide = (n + 15) / 16, rows = n_keep / max(n, 1L);
for (long u = get_group_id(0); u < rows * wide; u += get_num_groups(0)) {
const long row = u / wide, k = (u % wide) * 16;
const long j = max(0L, min(k, n - 16)), at = j;
const int skip = (int)(k - j), m = (int)min(16L, n), whole = m == 16;
T_f32 a0 = (T_f32)(0), c0 = (T_f32)(0), n0_ = (T_f32)(1);
for (long part = 0; part < parts; part++) {
{
const T_f32 t0 = whole ? LD_f32(part0 + (part + 0 * parts) * n_keep + at) : NAME(ld_f32)(part0 + (part + 0 * parts) * n_keep + at, 1, m);
const T_f32 t1 = whole ? LD_f32(part0 + (part + 1 * parts) * n_keep + at) : NAME(ld_f32)(part0 + (part + 1 * parts) * n_keep + at, 1, m);
const T_f32 t2 = whole ? LD_f32(part0 + (part + 2 * parts) * n_keep + at) : NAME(ld_f32)(part0 + (part + 2 * parts) * n_keep + at, 1, m);
NAME(meet_T_f32)(&a0, &c0, &n0_, t0, t1, t2, 0);
}
}
const T_f32 f0 = (a0 + c0) / n0_;
{
global const long *g = ge;
const T_f32 v1 = (T_f32)(f0);
const long lead = 0;
const int c = 0;
NAME(put_f32)(v1, q0 + at, skip, m);
}
}
}
// geometry: 0 0 1000000 0 30 1 30 977 30 1 1 1 1 1000000 0 1 1 0 0
