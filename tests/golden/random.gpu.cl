// pointwise: 1 x 1 groups of 256 items, arguments geo i32 seed out
#pragma OPENCL FP_CONTRACT OFF
#define CHUNK 4096
#define T_f32 float
#define E_f32 float
#define I_f32 int
#define CI_f32(x) convert_int(x)
#define CT_f32(x) convert_float(x)
#define CB_f32(c) ((uchar)((c) != 0))
#define U_RAND uint
#define S_RAND(x) as_int(x)
#define AT_RAND(i, n) ((uint)((i) & (n)))
static inline void NAME(blocks)(long block, ulong seed, ulong counter, uint *w)
{
    uint c0 = convert_uint(block & 0xffffffffL), c1 = convert_uint(block >> 32);
    uint c2 = (uint)counter, c3 = (uint)(counter >> 32);
    uint k0 = (uint)seed, k1 = (uint)(seed >> 32);
    for (int r = 0; r < 10; r++) {
        const uint h0 = mul_hi(0xD2511F53u, c0), l0 = c0 * 0xD2511F53u;
        const uint h1 = mul_hi(0xCD9E8D57u, c2), l1 = c2 * 0xCD9E8D57u;
        c0 = h1 ^ c1 ^ k0;
        c1 = l1;
        c2 = h0 ^ c3 ^ k1;
        c3 = l0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    w[0] = c0;
    w[1] = c1;
    w[2] = c2;
    w[3] = c3;
}
#define LOG_UNIT_f32(a) log(a)
static inline T_f32 NAME(radius_f32)(U_RAND a)
{
    return sqrt((T_f32)(-2.0f) * LOG_UNIT_f32((CT_f32(S_RAND(a >> (U_RAND)(8))) + (T_f32)(1.0f)) * (T_f32)(0x1p-24f)));
}
#define PICK(c, x, y) (((c) != (U_RAND)(0)) ? (x) : (y))
#define COS_TURN_f32(w) cospi(CT_f32(S_RAND((w) >> (U_RAND)(8))) * (T_f32)(0x1p-23f))
static inline T_f32 NAME(normal_f32)(long i, ulong seed, ulong counter)
{
    U_RAND w[4];
    NAME(blocks)(i >> 2, seed, counter, w);
    const U_RAND at = AT_RAND(i, 3), second = at & (U_RAND)(2), back = (at & (U_RAND)(1)) << (U_RAND)(30);
    return NAME(radius_f32)(PICK(second, w[2], w[0])) * COS_TURN_f32(PICK(second, w[3], w[1]) - back);
}
static void NAME(work)(global const long *g, long first, long stop, const ulong seed0, const ulong counter0, global float *q0)
{
if (first >= g[3])
    return;
const long at = first, n = g[0];
const long j = at;
const long p0 = (g[1]);
const long s0 = g[2];
const T_f32 v0 = NAME(normal_f32)((p0 + j * s0), seed0, counter0);
const T_f32 v1 = exp(v0);
q0[at] = v1;
}
__attribute__((reqd_work_group_size(256, 1, 1)))
kernel void NAME(pointwise)(global const long *geo, int base, const ulong seed0, const ulong counter0, global float *restrict q0)
{
int s = 0;
_Pragma("clang loop vectorize(disable) unroll(disable)")
while (s < 0 && get_group_id(0) >= geo[base + 2 * s + 2])
s++;
const long wg = get_group_id(0) - geo[base + 2 * s];
global const long *g = geo + geo[base + 2 * s + 1];
NAME(work)(g, wg * 256 + (long)get_local_id(0), 0, seed0, counter0, q0);
}
// geometry: 0 6 1 0 100 1 100 0 1 100 1
