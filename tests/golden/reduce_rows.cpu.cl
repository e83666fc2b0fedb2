// reduce: 1 x 1 groups of 1 items, arguments geo i32 i32 in in out out temp temp
#pragma OPENCL FP_CONTRACT OFF
#define LANE16 (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
#define STRIP 1
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
__attribute__((noinline)) static T_f32 NAME(ld_f32)(global const float *p, long step, int m)
{
    T_f32 t = (T_f32)(0);
_Pragma("clang loop vectorize(disable) unroll(disable)")
    for (int i = 0; i < m; i++)
        ((E_f32 *)&t)[i] = (p[i * step]);
    return t;
}
static inline T_f32 NAME(lds_f32)(global const float *p, long s)
{
    return (T_f32)(p[0], p[s], p[2 * s], p[3 * s], p[4 * s], p[5 * s], p[6 * s], p[7 * s],
                 p[8 * s], p[9 * s], p[10 * s], p[11 * s], p[12 * s], p[13 * s], p[14 * s],
                 p[15 * s]);
}
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
kernel void NAME(reduce)(global const long *geo, int base, int epilogue, global const float *restrict b0, global const float *restrict b1, global float *restrict q0, global float *restrict q1, global float *restrict part0, global float *restrict part1)
{
global const long *g = geo + base, *ge = geo + epilogue;
const long wg = get_group_id(0), wgs = get_num_groups(0), units = g[-9];
for (long u = units * wg / wgs; u < units * (wg + 1) / wgs; u++) {
const long n_keep = g[-8], parts = g[-7], n = n_keep;
const long blocks = g[-6];
const long part = parts > 1 ? u % parts : 0, left = parts > 1 ? u / parts : u, row = 0;
const int vectors = 1;
const long block0 = parts > 1 ? blocks * part / parts : 0;
const long block1 = parts > 1 ? blocks * (part + 1) / parts : blocks;
int careful = 0, wrong;
do {
wrong = 0;
T_f32 a0_of[STRIP];
T_f32 c0_of[STRIP];
T_f32 n0__of[STRIP];
T_f32 s0__of[STRIP];
T_f32 e0__of[STRIP];
T_f32 a1_of[STRIP];
for (int w = 0; w < vectors; w++) {
T_f32 a0 = (T_f32)(0), c0 = (T_f32)(0), n0_ = (T_f32)(1);
T_f32 a1 = (T_f32)((E_f32)(-INFINITY));
a0_of[w] = a0;
c0_of[w] = c0;
n0__of[w] = n0_;
a1_of[w] = a1;
}
const long inner = g[-11], per = (inner + 1023) / 1024;
for (long block = block0; block < block1; block++) {
const long line = per > 1 ? block / per : block, e0 = (block - line * per) * 1024;
const long e1 = min(inner, e0 + 1024);
int again = 0;
for (int w = 0; w < vectors; w++) {
T_f32 s0_ = (T_f32)(0), e0_ = (T_f32)(0);
s0__of[w] = s0_;
e0__of[w] = e0_;
}
const long outer = line;
{
const long chunk = vectors > 1 ? 8 : 1024;
for (long from = e0; from < e1; from += chunk) {
const long to = min(from + chunk, e1);
for (int w = 0; w < vectors; w++) {
const long k = (left + w) * 16;
const long j = max(0L, min(k, n - 16)), at = j;
const int skip = (int)(k - j), m = (int)min(16L, n), whole = m == 16;
T_f32 a0 = a0_of[w];
T_f32 c0 = c0_of[w];
T_f32 n0_ = n0__of[w];
T_f32 s0_ = s0__of[w];
T_f32 e0_ = e0__of[w];
T_f32 a1 = a1_of[w];
const long lead = 0;
const int c = w;
for (long e = from; e < to; e++) {
const long i0 = e;
global const float *p0 = b0 + (g[2] + i0 * g[3]);
const long s0 = g[4];
const T_f32 v0 = whole ? NAME(lds_f32)(p0 + j * s0, s0) : NAME(ld_f32)(p0 + j * s0, s0, m);
const T_f32 v1 = exp_f32(v0);
{ T_f32 v = v1;
if (careful) {
v *= n0_;
}
TWO_SUM_f32(s0_, e0_, v) }
{ T_f32 v = v0;
a1 = H_MAX_f32(a1, v); }
}
a0_of[w] = a0;
c0_of[w] = c0;
n0__of[w] = n0_;
s0__of[w] = s0_;
e0__of[w] = e0_;
a1_of[w] = a1;
}
}
}
if (careful) {
for (int w = 0; w < vectors; w++) {
T_f32 a0 = a0_of[w];
T_f32 c0 = c0_of[w];
T_f32 n0_ = n0__of[w];
T_f32 s0_ = s0__of[w];
T_f32 e0_ = e0__of[w];
T_f32 a1 = a1_of[w];
{ const I_f32 full = ((s0_ > (T_f32)(0x1p96f)) | (s0_ < (T_f32)(-0x1p96f)) | (s0_ != s0_) | (e0_ != e0_)) & (n0_ != (T_f32)(0x1p-64f));
if (ANY_f32(full)) {
const T_f32 f = full ? (T_f32)(0x1p-64f) : (T_f32)(1);
a0 *= f;
c0 *= f;
n0_ *= f;
again = 1;
}
}
a0_of[w] = a0;
c0_of[w] = c0;
n0__of[w] = n0_;
a1_of[w] = a1;
}
if (again) {
block--;
continue;
}
}
for (int w = 0; w < vectors; w++) {
T_f32 a0 = a0_of[w];
T_f32 c0 = c0_of[w];
T_f32 n0_ = n0__of[w];
T_f32 s0_ = s0__of[w];
T_f32 e0_ = e0__of[w];
T_f32 a1 = a1_of[w];
NAME(join_T_f32)(&a0, &c0, s0_, e0_);
a0_of[w] = a0;
c0_of[w] = c0;
n0__of[w] = n0_;
a1_of[w] = a1;
}
}
for (int w = 0; w < vectors; w++) {
T_f32 a0 = a0_of[w];
T_f32 c0 = c0_of[w];
T_f32 n0_ = n0__of[w];
T_f32 a1 = a1_of[w];
wrong |= ANY_f32(~(fabs(a0) <= (T_f32)(0x1p96f)));
}
wrong &= !careful;
if (wrong) {
careful = 1;
continue;
}
for (int w = 0; w < vectors; w++) {
const long k = (left + w) * 16;
const long j = max(0L, min(k, n - 16)), at = j;
const int skip = (int)(k - j), m = (int)min(16L, n), whole = m == 16;
T_f32 a0 = a0_of[w];
T_f32 c0 = c0_of[w];
T_f32 n0_ = n0__of[w];
T_f32 a1 = a1_of[w];
if (parts > 1) {
NAME(put_f32)(a0, part0 + (part + 0 * parts) * n_keep + at, skip, m);
NAME(put_f32)(c0, part0 + (part + 1 * parts) * n_keep + at, skip, m);
NAME(put_f32)(n0_, part0 + (part + 2 * parts) * n_keep + at, skip, m);
NAME(put_f32)(a1, part1 + (part + 0 * parts) * n_keep + at, skip, m);
} else {
const T_f32 f0 = (a0 + c0) / n0_;
const T_f32 f1 = a1;
{
global const long *g = ge;
const T_f32 v2 = (T_f32)(f0);
const T_f32 v3 = (T_f32)(f1);
global const float *p1 = b1 + (g[3]);
const long s1 = g[4];
const long lead = 0;
const int c = 0;
const T_f32 v4 = whole ? LD_f32(p1 + j) : NAME(ld_f32)(p1 + j, 1, m);
const T_f32 v5 = v2 + v4;
NAME(put_f32)(v5, q0 + at, skip, m);
NAME(put_f32)(v3, q1 + at, skip, m);
}
}
}
} while (wrong);
}
}
// geometry: 0 0 0 0 50 0 1 3 1 1 1 20 1 1 1 50 3 0 1 50 0 0 1 3 0 50 0 1
