// SPDX-License-Identifier: MIT
// Statistics of tensors, one row of numbers each, on the device. Two kernels for all tensors of a type, whatever their
// shape and what made them: fused with what makes the tensors, the reductions of a small network are some dozen kernels,
// and compile for 20 s.
#include "nn/monitor.h"

#include <clgrad/custom.h>
#include <clgrad/grad.h>
#include <clgrad/ops.h>

#include <math.h>
#include <string.h>

// y is saturated where abs(y - middle) > reach; reach 0: where it is 0; below 0: never.
typedef struct activation {
    const char *op;
    double middle, reach;
} activation;

static const activation activations[] = {
    { "relu", 0, 0 },           { "leaky_relu", 0, -1 },  { "elu", 0, -1 },   { "selu", 0, -1 },
    { "celu", 0, -1 },          { "gelu", 0, -1 },        { "gelu_tanh", 0, -1 }, { "silu", 0, -1 },
    { "mish", 0, -1 },          { "hard_swish", 0, -1 },  { "softplus", 0, -1 },
    { "sigmoid", 0.5, 0.485 },  { "hard_sigmoid", 0.5, 0.485 },
    { "tanh", 0, 0.97 },        { "softsign", 0, 0.97 },
};

static const activation *find(const char *op)
{
    for (size_t i = 0; op && i < sizeof activations / sizeof activations[0]; i++) {
        if (strcmp(activations[i].op, op) == 0)
            return &activations[i];
    }
    return NULL;
}

const char *clg__activation(const char *op)
{
    const activation *a = find(op);
    return a ? a->op : NULL;
}

bool clg__saturates(const char *op)
{
    const activation *a = find(op);
    return a && a->reach >= 0;
}

// ---- the kernels

// A work-item takes a slice three times, which then is in its cache: what is counted and the largest; the mean; squares
// of deviations from it. In between it scales by a power of two, so that squares neither overflow nor vanish. Eight lanes
// stand side by side for the compiler, and are folded once a block, which keeps rounding errors small.
enum { PARTS = 256, OF_PART = 9 }; // the texts have these numbers too

#define PART_BODY(AT_I_K, AT_I) \
    "const long p = get_global_id(0);\n" \
    "if (p >= y_dim[0])\n" \
    "    return;\n" \
    "const long length = ((x_n + y_dim[0] - 1) / y_dim[0] + 7) / 8 * 8;\n" \
    "const long from = min(p * length, x_n), to = min(from + length, x_n), whole = from + (to - from) / 8 * 8;\n" \
    "T most[8], none[8], flat[8], nans[8], infs[8], sum[8];\n" \
    "for (int k = 0; k < 8; k++)\n" \
    "    most[k] = none[k] = flat[k] = nans[k] = infs[k] = (T)0;\n" \
    "for (long i = from; i < to; i += 8) {\n" \
    "    for (int k = 0; k < 8; k++) {\n" \
    "        const bool within = i + k < to;\n" \
    "        const T v = within ? (" AT_I_K ") : (T)1, a = fabs(v);\n" \
    "        most[k] = within && a > most[k] ? a : most[k];\n" \
    "        none[k] += within && v == (T)0 ? (T)1 : (T)0;\n" \
    "        flat[k] += within && fabs(v - middle) > reach ? (T)1 : (T)0;\n" \
    "        nans[k] += v != v ? (T)1 : (T)0;\n" \
    "        infs[k] += a == (T)INFINITY ? (T)1 : (T)0;\n" \
    "    }\n" \
    "}\n" \
    "T big = (T)0, zeros = (T)0, saturated = (T)0, nan_count = (T)0, inf_count = (T)0;\n" \
    "for (int k = 0; k < 8; k++) {\n" \
    "    big = most[k] > big ? most[k] : big;\n" \
    "    zeros += none[k];\n" \
    "    saturated += flat[k];\n" \
    "    nan_count += nans[k];\n" \
    "    inf_count += infs[k];\n" \
    "}\n" \
    "const T e = big > (T)0 && big < (T)INFINITY ? clamp(floor(log2(big)), (T)-120, (T)120) : (T)0;\n" \
    "const T scale = exp2(-e);\n" \
    "T mean = (T)0, squares = (T)0;\n" \
    "for (int pass = 0; pass < 2; pass++) {\n" \
    "    T total = (T)0;\n" \
    "    for (long block = from; block < to; block += 512) {\n" \
    "        for (int k = 0; k < 8; k++)\n" \
    "            sum[k] = (T)0;\n" \
    "        const long end = min(block + 512, whole);\n" \
    "        for (long i = block; i < end; i += 8) {\n" \
    "            for (int k = 0; k < 8; k++) {\n" \
    "                const T d = (" AT_I_K ") * scale - mean;\n" \
    "                sum[k] += pass ? d * d : d;\n" \
    "            }\n" \
    "        }\n" \
    "        for (int k = 0; k < 8; k++)\n" \
    "            total += sum[k];\n" \
    "    }\n" \
    "    for (long i = whole; i < to; i++) {\n" \
    "        const T d = " AT_I " * scale - mean;\n" \
    "        total += pass ? d * d : d;\n" \
    "    }\n" \
    "    mean = pass == 0 && to > from ? total / (T)(to - from) : mean;\n" \
    "    squares = total;\n" \
    "}\n" \
    "const long at = p * 9;\n" \
    "STORE_y(at, (T)(to - from));\n" \
    "STORE_y(at + 1, big);\n" \
    "STORE_y(at + 2, zeros);\n" \
    "STORE_y(at + 3, saturated);\n" \
    "STORE_y(at + 4, nan_count);\n" \
    "STORE_y(at + 5, inf_count);\n" \
    "STORE_y(at + 6, mean);\n" \
    "STORE_y(at + 7, squares);\n" \
    "STORE_y(at + 8, e);\n"

static const char part_body[] = PART_BODY("(T)LOAD_x(i + k)", "(T)LOAD_x(i)");
static const char update_body[] = PART_BODY("(T)LOAD_x(i + k) - (T)LOAD_before(i + k)", "((T)LOAD_x(i) - (T)LOAD_before(i))");

// Of each input, a tensor's parts, its statistics (Chan, Golub, LeVeque 1983, of means and squares); and the step's number.
static const char whole_body[] =
    "const long r = get_global_id(0);\n"
    "if (r >= 16) {\n"
    "    for (int k = 0; k < 8 && r == 16; k++)\n"
    "        STORE_y(r * 8 + k, (T)stamp);\n"
    "    return;\n"
    "}\n"
    "T big = (T)0, zeros = (T)0, saturated = (T)0, nans = (T)0, infs = (T)0, n = (T)0, mean = (T)0, squares = (T)0;\n"
    "T top = (T)-1000, v[9];\n"
    "for (int pass = 0; pass < 2; pass++) {\n"
    "    if (pass == 1)\n"
    "        top = top == (T)-1000 ? (T)0 : top;\n"
    "    for (long p = 0; p < 256; p++) {\n"
    "        for (int k = 0; k < 9; k++) {\n"
    "            const long at = p * 9 + k;\n"
    "            v[k] = r < 8 ? (r < 4 ? (r < 2 ? (r < 1 ? LOAD_x0(at) : LOAD_x1(at)) : (r < 3 ? LOAD_x2(at) : LOAD_x3(at)))\n"
    "                                  : (r < 6 ? (r < 5 ? LOAD_x4(at) : LOAD_x5(at)) : (r < 7 ? LOAD_x6(at) : LOAD_x7(at))))\n"
    "                         : (r < 12 ? (r < 10 ? (r < 9 ? LOAD_x8(at) : LOAD_x9(at)) : (r < 11 ? LOAD_x10(at) : LOAD_x11(at)))\n"
    "                                   : (r < 14 ? (r < 13 ? LOAD_x12(at) : LOAD_x13(at)) : (r < 15 ? LOAD_x14(at) : LOAD_x15(at))));\n"
    "        }\n"
    "        if (pass == 0) {\n"
    "            big = v[1] > big ? v[1] : big;\n"
    "            zeros += v[2];\n"
    "            saturated += v[3];\n"
    "            nans += v[4];\n"
    "            infs += v[5];\n"
    "            top = v[1] > (T)0 && v[8] > top ? v[8] : top;\n"
    "        } else if (v[0] > (T)0) {\n"
    "            const T by = exp2(fmax(v[8] - top, (T)-120)), step = v[6] * by - mean, all = n + v[0];\n"
    "            squares += v[7] * by * by + step * step * (n * (v[0] / all));\n"
    "            mean += step * (v[0] / all);\n"
    "            n = all;\n"
    "        }\n"
    "    }\n"
    "}\n"
    "const T root = sqrt(squares + mean * mean * n), spread = sqrt(squares / n), up = exp2(top), none = (T)NAN;\n"
    "const bool lost = nans > (T)0, endless = infs > (T)0;\n"
    "const long to = r * 8;\n"
    "STORE_y(to, lost ? none : endless ? (T)INFINITY : root * up);\n"
    "STORE_y(to + 1, lost || endless ? none : mean * up);\n"
    "STORE_y(to + 2, lost || endless ? none : spread * up);\n"
    "STORE_y(to + 3, lost ? none : endless ? (T)INFINITY : big);\n"
    "STORE_y(to + 4, zeros / n);\n"
    "STORE_y(to + 5, saturated / n);\n"
    "STORE_y(to + 6, nans);\n"
    "STORE_y(to + 7, infs);\n";

static clg_status part_shape(const clg_custom_call *c)
{
    c->out_shape[0] = CLG_SHAPE(PARTS, OF_PART);
    c->out_dtype[0] = c->in_dtype[0] == CLG_F64 ? CLG_F64 : CLG_F32;
    return CLG_OK;
}

static clg_status part_grid(const clg_custom_call *c, size_t global[3], size_t local[3], size_t *local_bytes)
{
    (void) c;
    (void) local;
    (void) local_bytes;
    global[0] = PARTS;
    return CLG_OK;
}

static clg_status whole_grid(const clg_custom_call *c, size_t global[3], size_t local[3], size_t *local_bytes)
{
    (void) c;
    (void) local_bytes;
    global[0] = M_TOGETHER + 1;
    local[0] = 1;
    return CLG_OK;
}

static clg_status whole_shape(const clg_custom_call *c)
{
    c->out_shape[0] = CLG_SHAPE(M_TOGETHER + 1, M_STATS);
    return CLG_OK;
}

static clg_tensor apply(clg_device dev, clg_custom op, const clg_tensor *x, int n, const struct clg_custom_numbers *p)
{
    return op ? clg_custom_apply(op, x, n, p) : clg_poison(dev, clg_error_status(dev), "%s", clg_error(dev, CLG_OK));
}

static clg_tensor part_of(clg_tensor t, clg_tensor before, const activation *a)
{
    const double numbers[2] = { a ? a->middle : 0, a && a->reach > 0 ? a->reach : (double) INFINITY };
    clg_custom op = clg_custom_kernel(t->dev, clg_custom_kernel_params(
        .name = before ? "statistics_of_update" : "statistics_of", .inputs = before ? "x before" : "x",
        .scalars = "middle reach", .body = before ? update_body : part_body, .shape = part_shape, .grid = part_grid));
    // one dimension, so that one text does for all
    const clg_tensor in[2] = { clg_reshape(clg_detach(t), CLG_SHAPE(-1)),
                               before ? clg_reshape(clg_detach(before), CLG_SHAPE(-1)) : NULL };
    return apply(t->dev, op, in, before ? 2 : 1, clg_custom_numbers(.n_scalars = 2, .scalars = numbers));
}

clg_tensor clg__statistics_part(clg_tensor t, const char *activation_name)
{
    return part_of(t, NULL, find(activation_name));
}

clg_tensor clg__statistics_update(clg_tensor after, clg_tensor before)
{
    return part_of(after, before, NULL);
}

clg_tensor clg__statistics(clg_tensor *part, int n, double stamp)
{
    clg_device dev = part[0]->dev;
    int made = 0;
    clg_custom op = clg_custom_kernel(dev, clg_custom_kernel_params(
        .name = "statistics", .inputs = "x0 x1 x2 x3 x4 x5 x6 x7 x8 x9 x10 x11 x12 x13 x14 x15", .scalars = "stamp", .body = whole_body,
        .shape = whole_shape, .grid = whole_grid));
    for (int at = 0; at < n; at += M_TOGETHER) {
        clg_tensor in[M_TOGETHER];
        for (int k = 0; k < M_TOGETHER; k++) // those that are too many are not read
            in[k] = part[at + k < n ? at + k : n - 1];
        part[made++] = apply(dev, op, in, M_TOGETHER, clg_custom_numbers(.n_scalars = 1, .scalars = &stamp));
    }
    return made == 1 ? part[0] : clg_concat_n(part, made, 0);
}
