// reduce: 1 x 1 groups of 1 items, arguments geo i32 i32 in in out out temp temp
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
#define K_f32(x) ((T_f32)((E_f32)(x)))
#define SEL_f32(c, x, y) ((c) ? (x) : (y))
#define AS_T_f32(x) as_float16(x)
#define AS_I_f32(x) as_int16(x)
#define WIDTH_f32 16
static inline T_f32 NAME(exp_part_f32)(T_f32 x, I_f32 *n)
{
    const T_f32 t = fma(x, K_f32(1.44269504f), K_f32(12582912.0f)), k = t - K_f32(12582912.0f);
    *n = AS_I_f32(t) - (I_f32)(0x4b400000);
    const T_f32 r = fma(k, K_f32(1.90465421e-9f), fma(k, K_f32(-0.693147182f), x));
    T_f32 p = fma(r, K_f32(1.386548509e-3f), K_f32(8.366725408e-3f));
    p = fma(p, r, K_f32(4.166749493e-2f));
    p = fma(p, r, K_f32(0.1666654199f));
    p = fma(p, r, K_f32(0.4999999702f));
    return fma(r * r, p, r);
}
#define POWER_OF_2_f32(n) AS_T_f32(((n) << 23) + (I_f32)(0x3f800000))
static inline T_f32 NAME(exp_scale_f32)(T_f32 p, I_f32 n)
{
    const I_f32 h = n >> 1;
    return p * POWER_OF_2_f32(h) * POWER_OF_2_f32(n - h);
}
#define EXP_PART_f32(x)
static inline T_f32 NAME(exp_f32)(T_f32 x)
{
    x = SEL_f32(x > K_f32(89), K_f32(89), x);
    x = SEL_f32(x < K_f32(-115), K_f32(-115), x);
    I_f32 n;
    const T_f32 q = NAME(exp_part_f32)(x, &n);
    return NAME(exp_scale_f32)(q + K_f32(1), n);
}
#define exp_f32(a) NAME(exp_f32)(a)
#define H_MAX_f32(a, b) (((a) > (b)) | ((a) != (a)) ? (a) : (b))
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
kernel void NAME(reduce)(global const long *geo, int base, int epilogue, global const float *restrict b0, global const float *restrict b1, global float *restrict q0, global float *restrict q1, global float *restrict part0, global float *restrict part1)
{
global const long *g = geo + base, *ge = geo + epilogue;
const long wg = get_group_id(0), wgs = get_num_groups(0), units = g[-4];
for (long u = units * wg / wgs; u < units * (wg + 1) / wgs; u++) {
const long n = ge[0], n_keep = g[-3], parts = g[-2], blocks = g[-1];
const long at = u / parts, part = u % parts;
const long row = at / max(n, 1L), j = at % max(n, 1L);
const long block0 = blocks * part / parts, block1 = blocks * (part + 1) / parts;
const long i0 = at;
int careful = 0, wrong;
do {
wrong = 0;
T_f32 a0 = (T_f32)(0), c0 = (T_f32)(0), n0_ = (T_f32)(1);
T_f32 a1 = (T_f32)((E_f32)(-INFINITY));
const long inner = g[-6], per = (inner + 1023) / 1024;
for (long block = block0; block < block1; block++) {
const long e0 = (block % per) * 1024, e1 = min(inner, e0 + 1024);
const long outer = block / per;
int again = 0;
T_f32 s0_ = (T_f32)(0), e0_ = (T_f32)(0);
global const float *p0 = b0 + (g[2] + i0 * g[3]);
const long s0 = g[4];
for (long k = e0; k < e1; k += 16) {
const long j = min(k, inner - 16);
const int skip = (int)(k - j);
const T_f32 v0 = LD_f32(p0 + j);
const T_f32 v1 = exp_f32(v0);
{ T_f32 v = v1;
if (skip)
v = (CI_f32(LANE16) >= (I_f32)(skip)) ? v : (T_f32)((E_f32)(0));
if (careful) {
v *= n0_;
}
TWO_SUM_f32(s0_, e0_, v) }
{ T_f32 v = v0;
if (skip)
v = (CI_f32(LANE16) >= (I_f32)(skip)) ? v : (T_f32)((E_f32)(-INFINITY));
a1 = H_MAX_f32(a1, v); }
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
float f1;
{ T_f32 all = a1;
float *t = (float *)&all;
for (int h = 8; h > 0; h /= 2)
for (int i = 0; i < h; i++)
t[i] = t[i] > t[i + h] || t[i] != t[i] ? t[i] : t[i + h];
f1 = t[0]; }
wrong &= !careful;
if (wrong) {
careful = 1;
continue;
}
if (parts > 1) {
*(part0 + (part + 0 * parts) * n_keep + at) = fa0;
*(part0 + (part + 1 * parts) * n_keep + at) = fc0;
*(part0 + (part + 2 * parts) * n_keep + at) = fn0;
*(part1 + (part + 0 * parts) * n_keep + at) = f1;
} else {
const E_f32 f0 = (fa0 + fc0) / fn0;
{
global const long *g = ge;
const T_f32 v2 = (T_f32)(f0);
const T_f32 v3 = (T_f32)(f1);
global const float *p1 = b1 + (g[3]);
const long s1 = g[4];
const T_f32 v4 = (T_f32)(p1[j]);
const T_f32 v5 = v2 + v4;
q0[at] = v5.s0;
q1[at] = v3.s0;
}
}
} while (wrong);
}
}
// geometry: 0 0 0 0 50 0 3 3 1 1 3 50 0 50 1 0 1 0 3 0 50 0 1
