// SPDX-License-Identifier: MIT
// Random tensors: pure functions of the seed and counter that they were recorded with.
#include "base/alloc.h"
#include "base/fp.h"
#include "base/philox.h"
#include "graph/build.h"
#include "graph/node.h"
#include "ops/element.h"
#include <clgrad/ops.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void key_random(const void *params, clg__key *k)
{
    clg__key_i64(k, ((const clg__random *) params)->kind); // seed and counter are arguments
}

static const clg__op op_random = { .name = "random", .kind = CLG__RANDOM, .key = key_random,
                                   .params_bytes = sizeof(clg__random) };

static clg_tensor draw(clg_device dev, const char *name, clg_dtype t, const clg_shape *s,
                       clg__random_kind kind)
{
    clg__call c;
    clg__call_source(&c, dev, name);
    if (c.dev && !clg_dtype_is_float(t))
        return clg__call_fail(&c, CLG_EDTYPE, "%s, expected a floating type", clg_dtype_name(t));
    clg__random r = { .kind = kind };
    if (c.dev)
        clg__random_next(dev, &r.seed, &r.counter);
    return clg__call_node(&c, &op_random, t, s, &r);
}

clg_tensor clg__random_bits(clg_device dev, const clg_shape *s)
{
    clg__call c;
    clg__call_source(&c, dev, "random_bits");
    clg__random r = { .kind = CLG__RAND_UNIFORM };
    if (c.dev)
        clg__random_next(dev, &r.seed, &r.counter);
    return clg__call_node(&c, &op_random, CLG_I64, s, &r);
}

clg_tensor clg__drawn_again(clg_tensor u, const clg_shape *s)
{
    clg__call c;
    clg__call_source(&c, u->dev, "uniform");
    return clg__call_node(&c, &op_random, u->dtype, s, clg__node_of(u)->params);
}

static clg_tensor scaled(clg_tensor x, double by, double plus)
{
    if (x->status < 0 || (by == 1 && plus == 0))
        return x;
    if (clg__is_packed(x->dtype))
        return clg_cast(scaled(clg__wide(x), by, plus), x->dtype);
    return clg_add(clg_mul(x, clg_scalar(x->dev, x->dtype, by)), clg_scalar(x->dev, x->dtype, plus));
}

clg_tensor clg_uniform(clg_device dev, clg_dtype t, clg_shape shape, double lo, double hi)
{
    if (dev && !(lo <= hi && hi - lo <= (t == CLG_F64 ? DBL_MAX : FLT_MAX) && isfinite(clg__fit(t, hi - lo))))
        return clg_poison(dev, CLG_EINVAL, "uniform: from %g to %g is no finite range", lo, hi);
    CLG__DEFAULT_FP;
    lo = clg__fp_pin(lo);
    hi = clg__fp_pin(hi);
    return scaled(draw(dev, "uniform", t, &shape, CLG__RAND_UNIFORM), hi - lo, lo);
}

clg_tensor clg_normal(clg_device dev, clg_dtype t, clg_shape shape, double mean, double std)
{
    if (dev && !(std >= 0))
        return clg_poison(dev, CLG_EINVAL, "normal: std is %g, expected 0 or more", std);
    CLG__DEFAULT_FP;
    return scaled(draw(dev, "normal", t, &shape, CLG__RAND_NORMAL), std, mean);
}

clg_tensor clg_bernoulli(clg_device dev, clg_dtype t, clg_shape shape, double p)
{
    CLG__DEFAULT_FP;
    clg__call c;
    clg__call_source(&c, dev, "bernoulli");
    if (c.dev && !(p >= 0 && p <= 1))
        return clg__call_fail(&c, CLG_EINVAL, "p is %g, expected 0 to 1", p);
    clg_tensor u = draw(dev, "bernoulli", CLG_F32, &shape, CLG__RAND_UNIFORM);
    return clg__call_own(&c, clg_cast(clg_lt(u, clg_scalar(dev, CLG_F32, p)), t));
}

typedef struct drawn {
    uint64_t key;
    int64_t index;
} drawn;

static int by_key(const void *a, const void *b)
{
    const drawn *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

enum { FEW = 4, MOST_BITS = 16, SHORT = 24, IN_CACHE = 1 << 16, UPPER_BITS = 10 };

// The numbers of m of d by their keys, which are one in the first `used` bits. Keys spread evenly over buckets of a few
// neighbours each, which are then sorted where they stand. e: room for m; end: for 2^MOST_BITS.
static void place(const drawn *d, int64_t m, int used, drawn *e, int64_t *end, int64_t *out)
{
    int bits = 1;
    while (bits < MOST_BITS && m >> bits > FEW)
        bits++;
    memset(end, 0, sizeof *end << bits);
    for (int64_t i = 0; i < m; i++)
        end[d[i].key << used >> (64 - bits)]++;
    int64_t at = 0;
    for (int64_t b = 0; b < (int64_t) 1 << bits; b++) {
        const int64_t count = end[b];
        end[b] = at;
        at += count;
    }
    for (int64_t i = 0; i < m; i++)
        e[end[d[i].key << used >> (64 - bits)]++] = d[i];
    for (int64_t b = 0, first = 0; b < (int64_t) 1 << bits; first = end[b++]) {
        if (end[b] - first > SHORT) {
            qsort(e + first, (size_t) (end[b] - first), sizeof *e, by_key);
            continue;
        }
        for (int64_t i = first + 1; i < end[b]; i++) {
            const drawn moved = e[i];
            int64_t to = i;
            for (; to > first && by_key(&e[to - 1], &moved) > 0; to--)
                e[to] = e[to - 1];
            e[to] = moved;
        }
    }
    for (int64_t i = 0; i < m; i++)
        out[i] = e[i].index;
}

// The order of n random keys. What caches do not hold is first parted by the upper bits. out: the keys at first, at the end
// the numbers that they belonged to.
static clg_status order_of(int64_t *out, int64_t n, drawn *d)
{
    const int bits = n > IN_CACHE ? UPPER_BITS : 0;
    int64_t first[(1 << UPPER_BITS) + 1] = { 0 }, next[1 << UPPER_BITS], most = n;
    for (int64_t i = 0; bits && i < n; i++)
        first[((uint64_t) out[i] >> (64 - UPPER_BITS)) + 1]++;
    for (int b = 0; bits && b < 1 << UPPER_BITS; b++) {
        most = b == 0 || most < first[b + 1] ? first[b + 1] : most;
        first[b + 1] += first[b];
        next[b] = first[b];
    }
    for (int64_t i = 0; i < n; i++)
        d[bits ? next[(uint64_t) out[i] >> (64 - UPPER_BITS)]++ : i] = (drawn) { (uint64_t) out[i], i };
    drawn *e = clg__calloc((size_t) most + 1, sizeof *e);
    int64_t *end = clg__calloc((size_t) 1 << MOST_BITS, sizeof *end);
    for (int b = 0; e && end && b < 1 << bits; b++) {
        const int64_t from = bits ? first[b] : 0, to = bits ? first[b + 1] : n;
        place(d + from, to - from, bits, e, end, out + from);
    }
    const bool ok = e && end;
    clg__free(e);
    clg__free(end);
    return ok ? CLG_OK : CLG_ENOMEM;
}

clg_tensor clg_permutation(clg_device dev, int64_t n)
{
    clg__call c;
    uint64_t seed, counter;
    clg__call_source(&c, dev, "permutation");
    if (!c.dev)
        return clg__call_node(&c, &op_random, CLG_I64, &CLG_SCALAR, NULL); // says why
    if (n < 0 || n > (int64_t) 1 << 40)
        return clg__call_fail(&c, CLG_EINVAL, "%lld elements", (long long) n);
    clg__random_next(dev, &seed, &counter);
    drawn *d = clg__calloc((size_t) n + 1, sizeof *d);
    int64_t *out = clg__calloc((size_t) n + 1, sizeof *out);
    for (int64_t i = 0; out && i < n; i++) {
        uint32_t w[4];
        clg__philox((uint64_t) i, seed, counter, w);
        out[i] = (int64_t) (((uint64_t) w[0] << 32) | w[1]);
    }
    if (!d || !out || order_of(out, n, d) < 0) {
        clg__free(d);
        clg__free(out);
        return clg__call_fail(&c, CLG_ENOMEM, "out of host memory for %lld elements",
                              (long long) n);
    }
    clg_tensor t = clg__call_own(&c, clg_upload(dev, CLG_I64, CLG_SHAPE(n), out));
    clg__free(d);
    clg__free(out);
    return t;
}
