// pointwise: 1 x 1 groups of 256 items, arguments geo i32 in out
#pragma OPENCL FP_CONTRACT OFF
#define CHUNK 4096
#define T_f64 double
#define E_f64 double
#define I_f64 long
#define CI_f64(x) convert_long(x)
#define CT_f64(x) convert_double(x)
#define CB_f64(c) ((uchar)((c) != 0))
#define H_POW_f64(a, b) pow(a, b)
static void NAME(work)(global const long *g, long first, long stop, global const double *b0, global double *q0)
{
if (first >= g[12])
    return;
const long at = first, n = g[1];
const long row = at / n, j = at % n;
const long i0 = row;
global const double *p0 = b0 + (g[2] + i0 * g[3]);
const long s0 = g[4];
const long lo0 = g[7], hi0 = g[8];
const int w0 = 1 && i0 >= g[5] && i0 < g[6];
const long p1 = (g[9] + i0 * g[10]);
const long s1 = g[11];
const T_f64 v0 = w0 && j >= lo0 && j < hi0 ? p0[j * s0] : (E_f64)(0);
const T_f64 v1 = CT_f64((p1 + j * s1)) * (T_f64)((E_f64)(1)) + (T_f64)((E_f64)(0));
const T_f64 v2 = H_POW_f64(v0, v1);
q0[at] = v2;
}
__attribute__((reqd_work_group_size(256, 1, 1)))
kernel void NAME(pointwise)(global const long *geo, int base, global const double *restrict b0, global double *restrict q0)
{
int s = 0;
_Pragma("clang loop vectorize(disable) unroll(disable)")
while (s < 0 && get_group_id(0) >= geo[base + 2 * s + 2])
s++;
const long wg = get_group_id(0) - geo[base + 2 * s];
global const long *g = geo + geo[base + 2 * s + 1];
NAME(work)(g, wg * 256 + (long)get_local_id(0), 0, b0, q0);
}
// geometry: 0 6 1 0 240 1 6 40 3 30 -1 1 5 4 34 0 40 1 240 1
