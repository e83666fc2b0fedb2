// reduce: 1 x 1 groups of 1 items, arguments geo i32 i32 in out temp temp
#pragma OPENCL FP_CONTRACT OFF
#define LANE16 (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
#define STRIP 1
#define T_i64 long16
#define E_i64 long
#define I_i64 long16
#define CI_i64(x) convert_long16(x)
#define CT_i64(x) convert_long16(x)
#if defined(__clang__) && !defined(BY_LANES)
typedef E_i64 NAME(at_i64) __attribute__((ext_vector_type(16), aligned(sizeof(E_i64))));
#define LD_i64(p) (*(global const NAME(at_i64) *)(p))
#define ST_i64(v, p) (*(global NAME(at_i64) *)(p) = (v))
#else
#define LD_i64(p) vload16(0, p)
#define ST_i64(v, p) vstore16(v, 0, p)
#endif
#define CB_i64(c) (convert_uchar16(c) & (uchar16)(1))
__attribute__((noinline)) static T_i64 NAME(ld_i64)(global const long *p, long step, int m)
{
    T_i64 t = (T_i64)(0);
_Pragma("clang loop vectorize(disable) unroll(disable)")
    for (int i = 0; i < m; i++)
        ((E_i64 *)&t)[i] = (p[i * step]);
    return t;
}
__attribute__((noinline)) static void NAME(put_i64)(T_i64 v, global long *p, int skip, int m)
{
    if (skip == 0 && m == 16) {
        ST_i64(v, p);
        return;
    }
_Pragma("clang loop vectorize(disable) unroll(disable)")
    for (int i = skip; i < m; i++)
        p[i] = (((E_i64 *)&v)[i]);
}
__attribute__((reqd_work_group_size(1, 1, 1)))
kernel void NAME(reduce)(global const long *geo, int base, int epilogue, global const long *restrict b0, global long *restrict q0, global long *restrict part0, global long *restrict index0)
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
T_i64 a0_of[STRIP];
T_i64 x0__of[STRIP];
for (int w = 0; w < vectors; w++) {
T_i64 a0 = (T_i64)((E_i64)(LONG_MIN));
T_i64 x0_ = (T_i64)(LONG_MAX);
a0_of[w] = a0;
x0__of[w] = x0_;
}
const long inner = g[-11], per = (inner + 1023) / 1024;
for (long block = block0; block < block1; block++) {
const long line = per > 1 ? block / per : block, e0 = (block - line * per) * 1024;
const long e1 = min(inner, e0 + 1024);
const long outer = line;
{
const long chunk = vectors > 1 ? 8 : 1024;
for (long from = e0; from < e1; from += chunk) {
const long to = min(from + chunk, e1);
for (int w = 0; w < vectors; w++) {
const long k = (left + w) * 16;
const long j = max(0L, min(k, n - 16)), at = j;
const int skip = (int)(k - j), m = (int)min(16L, n), whole = m == 16;
T_i64 a0 = a0_of[w];
T_i64 x0_ = x0__of[w];
const long lead = 0;
const int c = w;
for (long e = from; e < to; e++) {
const long i0 = e;
global const long *p0 = b0 + (g[2] + i0 * g[3]);
const long s0 = g[4];
const T_i64 v0 = whole ? LD_i64(p0 + j) : NAME(ld_i64)(p0 + j, 1, m);
{ const T_i64 v = v0;
const T_i64 at = (T_i64)(outer * inner + e);
const I_i64 better = ((v > a0) | ((v != v) & (a0 == a0)) |
CI_i64(x0_ == (T_i64)(LONG_MAX)));
a0 = better ? v : a0;
x0_ = (better) ? at : x0_; }
}
a0_of[w] = a0;
x0__of[w] = x0_;
}
}
}
}
for (int w = 0; w < vectors; w++) {
const long k = (left + w) * 16;
const long j = max(0L, min(k, n - 16)), at = j;
const int skip = (int)(k - j), m = (int)min(16L, n), whole = m == 16;
T_i64 a0 = a0_of[w];
T_i64 x0_ = x0__of[w];
if (parts > 1) {
_Pragma("clang loop vectorize(disable) unroll(disable)")
for (int i = skip; i < m; i++)
index0[part * n_keep + at + i] = ((long *)&x0_)[i];
NAME(put_i64)(a0, part0 + (part + 0 * parts) * n_keep + at, skip, m);
} else {
const T_i64 f0 = x0_;
{
global const long *g = ge;
const T_i64 v1 = (T_i64)(f0);
const long lead = 0;
const int c = 0;
NAME(put_i64)(v1, q0 + at, skip, m);
}
}
}
}
}
// geometry: 0 0 40 0 1 9 1 1 1 25 1 1 9 40 9 0 9 1 9 0 1
