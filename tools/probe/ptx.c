// SPDX-License-Identifier: MIT
// Probes of NVIDIA's inline PTX in OpenCL C: which instructions the driver's compiler takes, and whether they
// compute what they should. How a local pointer reaches asm (an offset into .shared, or a generic address)
// differs between drivers, so what needs one is tried both ways.
#include "probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 32 };

// x: 32-bit words of input, y: words of output; one warp.
static const char head[] =
    "inline uint at(const local void *p)\n{\n    uint s;\n"
    "#ifdef GENERIC\n"
    "    __asm__(\"{ .reg .u64 t; cvta.to.shared.u64 t, %1; cvt.u32.u64 %0, t; }\" : \"=r\"(s) : \"l\"(p));\n"
    "#else\n    __asm__(\"cvt.u32.u64 %0, %1;\" : \"=r\"(s) : \"l\"(p));\n#endif\n    return s;\n}\n"
    "__attribute__((reqd_work_group_size(32, 1, 1)))\n"
    "kernel void f(global const uint *x, global uint *y)\n{\n"
    "    local uint s[256] __attribute__((aligned(16)));\n    const uint lane = get_local_id(0);\n"
    "    const uint g = lane / 4, t = lane % 4;\n"
    "    for (uint i = lane; i < 256; i += 32)\n        s[i] = 0;\n    barrier(CLK_LOCAL_MEM_FENCE);\n";

typedef struct ptx {
    const char *name, *body;
    bool local;               // needs the address of local memory
    uint32_t (*want)(const uint32_t *x, int i); // word i of the output
    int words;                // of the output
} ptx;

static float as_float(uint32_t x)
{
    float f;
    memcpy(&f, &x, sizeof f);
    return f;
}

static uint32_t as_word(float f)
{
    uint32_t x;
    memcpy(&x, &f, sizeof x);
    return x;
}

static uint32_t want_store(const uint32_t *x, int i)
{
    return x[LANES - 1 - i];
}

static uint32_t want_shuffle(const uint32_t *x, int i)
{
    return x[i ^ 5];
}

static uint32_t want_async(const uint32_t *x, int i)
{
    return x[(i + 4) % 128];
}

// Four 8 x 8 matrices of 16-bit elements, two elements a word: lane g * 4 + t holds row g, words t.
static uint32_t want_ldmatrix(const uint32_t *x, int i)
{
    const int lane = i / 4, matrix = i % 4;
    return x[(matrix * 8 + lane / 4) * 4 + lane % 4];
}

// Small whole numbers, exact in both short types: a is 16 x K, b is K x 8, c is 16 x 8.
static float small(const uint32_t *x, int i)
{
    return (float) ((int) (x[i] % 9) - 4);
}

static uint32_t product(const uint32_t *x, int i, int depth)
{
    const int row = i / 8, column = i % 8;
    float sum = 0;
    for (int k = 0; k < depth; k++)
        sum += small(x, row * depth + k) * small(x, 16 * depth + k * 8 + column);
    return as_word(sum);
}

static uint32_t want_tf32(const uint32_t *x, int i)
{
    return product(x, i, 8);
}

static uint32_t want_bf16(const uint32_t *x, int i)
{
    return product(x, i, 16);
}

#define SMALL "#define S(i) ((float)((int)(x[i] % 9) - 4))\n"
#define STORE_C                                                                                    \
    "    y[g * 8 + 2 * t] = as_uint(c[0]);\n    y[g * 8 + 2 * t + 1] = as_uint(c[1]);\n"           \
    "    y[(g + 8) * 8 + 2 * t] = as_uint(c[2]);\n    y[(g + 8) * 8 + 2 * t + 1] = as_uint(c[3]);\n"

static const ptx table[] = {
    { "store",
      "    __asm__ volatile(\"st.shared.u32 [%0], %1;\" :: \"r\"(at(s + 31 - lane)), \"r\"(x[lane]) : \"memory\");\n"
      "    barrier(CLK_LOCAL_MEM_FENCE);\n    y[lane] = s[lane];\n",
      true, want_store, LANES },
    { "shuffle",
      "    uint v = x[lane], r;\n"
      "    __asm__ volatile(\"shfl.sync.bfly.b32 %0, %1, 5, 0x1f, 0xffffffff;\" : \"=r\"(r) : \"r\"(v));\n"
      "    y[lane] = r;\n",
      false, want_shuffle, LANES },
    { "async",
      "    __asm__ volatile(\"cp.async.cg.shared.global [%0], [%1], 16;\" :: \"r\"(at(s + 4 * lane)), "
      "\"l\"(x + (4 * lane + 4) % 128) : \"memory\");\n"
      "    __asm__ volatile(\"cp.async.wait_all;\" ::: \"memory\");\n    barrier(CLK_LOCAL_MEM_FENCE);\n"
      "    for (int i = 0; i < 4; i++)\n        y[4 * lane + i] = s[4 * lane + i];\n",
      true, want_async, 4 * LANES },
    { "ldmatrix",
      "    for (int i = 0; i < 4; i++)\n        s[4 * lane + i] = x[4 * lane + i];\n"
      "    barrier(CLK_LOCAL_MEM_FENCE);\n    uint r[4];\n"
      "    __asm__ volatile(\"ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];\"\n"
      "                     : \"=r\"(r[0]), \"=r\"(r[1]), \"=r\"(r[2]), \"=r\"(r[3]) : \"r\"(at(s + 4 * lane)) : \"memory\");\n"
      "    for (int i = 0; i < 4; i++)\n        y[4 * lane + i] = r[i];\n",
      true, want_ldmatrix, 4 * LANES },
    { "tf32",
      SMALL "    uint a[4], b[2];\n    float c[4] = { 0, 0, 0, 0 };\n"
            "    a[0] = as_uint(S(g * 8 + t));\n    a[1] = as_uint(S((g + 8) * 8 + t));\n"
            "    a[2] = as_uint(S(g * 8 + t + 4));\n    a[3] = as_uint(S((g + 8) * 8 + t + 4));\n"
            "    b[0] = as_uint(S(128 + t * 8 + g));\n    b[1] = as_uint(S(128 + (t + 4) * 8 + g));\n"
            "    __asm__ volatile(\"mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, "
            "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};\"\n"
            "                     : \"+f\"(c[0]), \"+f\"(c[1]), \"+f\"(c[2]), \"+f\"(c[3])\n"
            "                     : \"r\"(a[0]), \"r\"(a[1]), \"r\"(a[2]), \"r\"(a[3]), \"r\"(b[0]), \"r\"(b[1]));\n" STORE_C,
      false, want_tf32, 128 },
    { "bf16",
      SMALL "#define P(i, j) ((as_uint(S(i)) >> 16) | (as_uint(S(j)) & 0xffff0000u))\n"
            "#define A(r, k) P((r) * 16 + (k), (r) * 16 + (k) + 1)\n"
            "#define B(k, n) P(256 + (k) * 8 + (n), 256 + ((k) + 1) * 8 + (n))\n"
            "    uint a[4], b[2];\n    float c[4] = { 0, 0, 0, 0 };\n"
            "    a[0] = A(g, 2 * t);\n    a[1] = A(g + 8, 2 * t);\n"
            "    a[2] = A(g, 2 * t + 8);\n    a[3] = A(g + 8, 2 * t + 8);\n"
            "    b[0] = B(2 * t, g);\n    b[1] = B(2 * t + 8, g);\n"
            "    __asm__ volatile(\"mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, "
            "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};\"\n"
            "                     : \"+f\"(c[0]), \"+f\"(c[1]), \"+f\"(c[2]), \"+f\"(c[3])\n"
            "                     : \"r\"(a[0]), \"r\"(a[1]), \"r\"(a[2]), \"r\"(a[3]), \"r\"(b[0]), \"r\"(b[1]));\n" STORE_C,
      false, want_bf16, 128 },
};

static int run_one(probe *p, const ptx *k, bool generic)
{
    enum { IN = 512, OUT = 128 };
    char source[6000];
    uint32_t x[IN], y[OUT];
    for (int i = 0; i < IN; i++)
        x[i] = (uint32_t) i * 2654435761u + 12345u;
    memset(y, 0x5a, sizeof y);
    snprintf(source, sizeof source, "%s%s}\n", head, k->body);
    cl_kernel f = probe_kernel(p, source, generic ? "-cl-std=CL1.2 -DGENERIC" : "-cl-std=CL1.2", "f");
    cl_mem in = f ? probe_buffer(p, CL_MEM_READ_ONLY, sizeof x, x) : NULL;
    cl_mem out = in ? probe_buffer(p, CL_MEM_READ_WRITE, sizeof y, y) : NULL;
    if (!out || !probe_set(p, f, 2, (size_t[]) { sizeof in, sizeof out }, (const void *[]) { &in, &out }) ||
        probe_run(p, f, LANES, LANES) < 0 ||
        !probe_ok(p, clEnqueueReadBuffer(p->queue, out, CL_TRUE, 0, sizeof y, y, 0, NULL, NULL), "read"))
        return PROBE_FAILED;
    for (int i = 0; i < k->words; i++) {
        const uint32_t want = k->want(x, i);
        if (y[i] != want)
            return probe_says(p, "word %d is %08x (%g), expected %08x (%g)", i, y[i], (double) as_float(y[i]), want,
                              (double) as_float(want)), PROBE_FAILED;
    }
    return PROBE_OK;
}

static const char plain[] = "kernel void f(global int *a) { a[get_global_id(0)] = 7; }\n";

static bool computes_seven(probe *p, cl_kernel k)
{
    int got = 0;
    cl_mem m = k ? probe_buffer(p, CL_MEM_READ_WRITE, 4, &got) : NULL;
    return m && probe_set(p, k, 1, (size_t[]) { sizeof m }, (const void *[]) { &m }) && probe_run(p, k, 1, 1) >= 0 &&
           probe_ok(p, clEnqueueReadBuffer(p->queue, m, CL_TRUE, 0, 4, &got, 0, NULL, NULL), "read") &&
           (got == 7 || probe_says(p, "the kernel gives %d, expected 7", got));
}

// The driver's binary is PTX as text. For sm_90a, with an instruction that only it has, loaded again.
static int run_wgmma(probe *p)
{
    cl_int status;
    size_t size = 0;
    cl_program program = clCreateProgramWithSource(p->context, 1, (const char *[]) { plain }, NULL, &status);
    if (!probe_ok(p, status, "clCreateProgramWithSource") ||
        !probe_ok(p, clBuildProgram(program, 1, &p->device, "-cl-std=CL1.2", NULL, NULL), "clBuildProgram") ||
        !probe_ok(p, clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof size, &size, NULL), "the binary's size"))
        return PROBE_FAILED;
    char *text = calloc(size + 1, 1), *edited = calloc(size + 256, 1);
    if (!text || !edited)
        return PROBE_FAILED;
    clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof text, &text, NULL);
    char *target = strstr(text, ".target sm_"), *ret = target ? strstr(target, "ret;") : NULL;
    bool ok = ret || probe_says(p, "the binary is no PTX text with a target");
    if (ok) {
        const char *after = target + strcspn(target, ",\n");
        snprintf(edited, size + 256, "%.*s.target sm_90a%.*swgmma.fence.sync.aligned;\n\t%s", (int) (target - text), text,
                 (int) (ret - after), after, ret);
        const unsigned char *bytes = (const unsigned char *) edited;
        const size_t length = strlen(edited) + 1;
        cl_program again = clCreateProgramWithBinary(p->context, 1, &p->device, &length, &bytes, NULL, &status);
        ok = probe_ok(p, status, "clCreateProgramWithBinary") &&
             probe_ok(p, clBuildProgram(again, 1, &p->device, "", NULL, NULL), "building the edited PTX");
        cl_kernel k = ok ? clCreateKernel(again, "f", &status) : NULL;
        ok = ok && probe_ok(p, status, "clCreateKernel") && computes_seven(p, k);
    }
    free(text);
    free(edited);
    return ok ? PROBE_OK : PROBE_FAILED;
}

int probe_ptx(probe *p, const char *arg)
{
    const bool generic = strstr(arg, " generic") != NULL;
    const size_t length = strcspn(arg, " ");
    if (!p->nvidia)
        return probe_says(p, "for NVIDIA devices"), PROBE_NOT_HERE;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strlen(table[i].name) == length && strncmp(table[i].name, arg, length) == 0)
            return generic && !table[i].local ? PROBE_NOT_HERE : run_one(p, &table[i], generic);
    }
    if (strncmp(arg, "arch", length) == 0)
        return computes_seven(p, probe_kernel(p, plain, "-cl-std=CL1.2 -cl-nv-arch sm_90a", "f")) ? PROBE_OK
                                                                                                   : PROBE_FAILED;
    if (strncmp(arg, "wgmma", length) == 0)
        return run_wgmma(p);
    return probe_says(p, "no PTX probe '%s'", arg), PROBE_FAILED;
}
