// SPDX-License-Identifier: MIT
// Counts by the names of the functions that an expression calls.
#include "least.h"

#include <math.h>
#include <string.h>

enum { LINE = 64 };

// ---- functions of an element

// Simple operations on each element, in f32 and in f64, as vector forms to an ulp or two need them: reducing the
// range, a polynomial (exp of degree 6 and 11, log of 8 and 14, sin of 4 and 7 in the square, erf of 10 and 20), putting
// together; degrees as in Cephes and SLEEF. A division counts 5 (an estimate, two steps of Newton's, the remainder), a
// square root 6. What is made of several functions adds them up. Philox is apart, below.
static const struct {
    const char *name;
    int f32, f64;
} functions[] = {
    { "exp", 12, 18 },     { "exp2", 11, 17 },    { "expm1", 15, 22 },  { "log", 15, 25 },
    { "log1p", 18, 28 },   { "log2", 15, 25 },    { "sqrt", 6, 8 },     { "rsqrt", 6, 8 },
    { "sin", 14, 22 },     { "cos", 14, 22 },     { "tan", 19, 32 },    { "asin", 18, 30 },
    { "acos", 18, 30 },    { "atan", 16, 28 },    { "atan2", 24, 36 },  { "sinh", 22, 34 },
    { "cosh", 20, 30 },    { "tanh", 20, 30 },    { "erf", 20, 40 },    { "gelu", 23, 43 },
    { "gelu_tanh", 24, 36 }, { "silu", 18, 25 },  { "sigmoid", 18, 25 }, { "softplus", 32, 48 },
    { "asinh", 30, 43 },   { "acosh", 29, 41 },   { "atanh", 26, 37 },  { "entr", 17, 27 },
    { "ndtr", 24, 46 },    { "log_ndtr", 66, 110 }, { "i0", 45, 75 },     { "i0e", 45, 75 },     { "i1", 46, 76 },
    { "i1e", 46, 76 },      { "ldexp", 12, 18 },
    { "elu", 16, 24 },     { "pow", 40, 65 },     { "fmod", 9, 9 },     { "div", 5, 6 },
    { "local_response_norm", 36, 60 }, // a window's sum, a power with a known exponent, a division
    // e^(x - max), the sum, a factor; a logarithm for each row is nothing
    { "softmax", 16, 22 }, { "log_softmax", 16, 22 }, { "logsumexp", 15, 21 }, { "cross_entropy", 16, 22 },
    { "logcumsumexp", 16, 22 }, // in blocks with a common maximum
    { "binary_cross_entropy", 36, 56 }, { "binary_cross_entropy_with_logits", 34, 50 },
    { "kl_div", 18, 28 },  { "gaussian_nll_loss", 24, 34 },
};

// Of Philox 4x32-10, which makes four words: ten rounds of two products and four exclusive ors. Words of a number,
// and what is done with them: to a float 3; Box and Muller's logarithm, root, sine and cosine for two numbers; the
// logarithm of an exponential, the inverse error function's polynomials of a truncated normal.
static const struct {
    const char *name;
    int f32, f64; // beside the words
} draws[] = {
    { "uniform", 3, 4 },     { "normal", 26, 40 },       { "bernoulli", 2, 3 },  { "dropout", 4, 5 },
    { "alpha_dropout", 5, 6 }, { "randint", 3, 3 },      { "exponential", 18, 28 }, { "trunc_normal", 32, 50 },
    // an inversion from e^-rate on, or a squeeze with one logarithm: the least of all rates
    { "poisson", 20, 30 },   { "multinomial", 24, 34 }, // an exponential over its probability
};

static double numel(clg_tensor t)
{
    return t ? (double) clg_numel(t->shape) : 0;
}

static double bytes_of(clg_tensor t)
{
    return numel(t) * (double) clg_dtype_size(t->dtype);
}

static int64_t dim(clg_tensor t, int from_last)
{
    return t->shape.rank >= from_last ? t->shape.dim[t->shape.rank - from_last] : 1;
}

static void elements(const least_call *q, least *to)
{
    const bool f64 = q->in[0]->dtype == CLG_F64 || q->y->dtype == CLG_F64;
    const double n = fmax(numel(q->in[0]), numel(q->y));
    for (size_t k = 0; k < sizeof functions / sizeof functions[0]; k++) {
        if (case_calls(q->c, functions[k].name))
            to->n[ROOF_OPS] += n * (f64 ? functions[k].f64 : functions[k].f32);
    }
    for (size_t k = 0; k < sizeof draws / sizeof draws[0]; k++) {
        if (!case_calls(q->c, draws[k].name))
            continue;
        const double words = f64 ? 2 : 1;
        to->n[ROOF_PRODUCTS] += n * words * 10 * 2 / 4;
        to->n[ROOF_OPS] += n * (words * 10 * 4 / 4 + (f64 ? draws[k].f64 : draws[k].f32));
    }
}

static void loads(double n, double table, least *to)
{
    to->n[ROOF_LOADS] += n;
    to->table = fmax(to->table, table);
}

// How long in[0] is along the axis that a function's second argument names; inner: elements inside of that axis.
static int64_t axis_of(const least_call *q, const char *function, double *inner)
{
    const clg_shape a = q->in[0]->shape;
    int k = (int) case_number(q->c, function, 1, 0);
    double n = 1;
    k += k < 0 ? a.rank : 0;
    for (int i = k + 1; i < a.rank; i++)
        n *= (double) a.dim[i];
    if (inner)
        *inner = n;
    return k >= 0 && k < a.rank ? a.dim[k] : 1;
}

// ---- orders

// Sorting n rows of that many keys with their places. Short rows: Batcher's network over rows side by side, five
// operations a comparator (a comparison, four selections). Long ones: a radix sort of eight bits a pass, which for
// each key looks up where its digit goes and puts it there; rows that no cache holds are streamed once a pass.
static void sorted(double rows, double keys, double key_bytes, least *to)
{
    enum { NETWORK = 256, CACHED = 1 << 17 };
    const double l = ceil(log2(fmax(keys, 2)));
    if (keys <= NETWORK) {
        to->n[ROOF_OPS] += rows * keys * l * (l + 1) / 4 * 5;
        return;
    }
    loads(rows * keys * key_bytes * 2, 256 * 4, to);
    if (keys > CACHED)
        to->n[ROOF_BYTES] += rows * keys * key_bytes * 2 * (key_bytes + 4);
}

static void sort(const least_call *q, least *to)
{
    const int argsort = case_calls(q->c, "argsort");
    const double keys = (double) axis_of(q, argsort ? "argsort" : "sort", NULL);
    sorted(numel(q->in[0]) / keys, keys, (double) clg_dtype_size(q->in[0]->dtype), to);
    if (q->gradient) // of which the values were kept, and not the places
        loads(numel(q->in[0]), keys * (double) clg_dtype_size(q->in[0]->dtype), to);
}

static void permutation(const least_call *q, least *to)
{
    sorted(1, numel(q->y), 4, to); // of random words
    to->n[ROOF_PRODUCTS] += numel(q->y) * 5;
}

// A digit of each key is counted once; what is left after that is little.
static void selection(const least_call *q, least *to)
{
    loads(numel(q->in[0]), 256 * 4, to);
}

static void search(const least_call *q, least *to)
{
    loads(numel(q->y) * ceil(log2(fmax(numel(q->in[0]), 2))), bytes_of(q->in[0]), to);
}

static void counts(const least_call *q, least *to)
{
    loads(numel(q->in[0]), 4 * numel(q->y), to);
}

// ---- places that indices choose

// n runs of `run` bytes, each one of those in a block that an index chooses from; a line that holds several of them
// serves neighbours too.
typedef struct choice {
    double n, run, block;
} choice;

static bool choice_of(const least_call *q, choice *to)
{
    static const char *const rows[] = { "index_select", "index_add", "index_copy", "index_reduce" };
    static const char *const each[] = { "gather", "scatter", "scatter_add", "scatter_reduce", "nll_loss" };
    static const char *const whole[] = { "take", "index", "embedding_bag" };
    const double size = (double) clg_dtype_size(q->in[0]->dtype);
    double inner;
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        if (case_calls(q->c, rows[k])) {
            const double n = (double) axis_of(q, rows[k], &inner);
            *to = (choice) { numel(q->in[0]) / n / inner * numel(q->in[1]), inner * size, n * inner * size };
            return true;
        }
    }
    for (size_t k = 0; k < sizeof each / sizeof each[0]; k++) {
        if (case_calls(q->c, each[k])) {
            double n = (double) axis_of(q, each[k], &inner);
            if (strcmp(each[k], "nll_loss") == 0) { // of classes, which its second argument does not say
                n = (double) q->in[0]->shape.dim[1];
                inner = numel(q->in[0]) / n / (double) q->in[0]->shape.dim[0];
            }
            *to = (choice) { numel(q->in[1]), size, n * fmin(inner * size, LINE) };
            return true;
        }
    }
    for (size_t k = 0; k < sizeof whole / sizeof whole[0]; k++) {
        if (case_calls(q->c, whole[k])) {
            *to = (choice) { numel(q->in[1]), k == 0 ? size : size * (double) dim(q->in[0], 1), bytes_of(q->in[0]) };
            return true;
        }
    }
    return false;
}

// The first line of a run is a load, what follows it is a stream. Blocks of which few lines are read are as one.
static void chosen(const least_call *q, least *to)
{
    choice c;
    if (!choice_of(q, &c))
        return;
    const double blocks = fmax(bytes_of(q->in[0]) / c.block, 1);
    loads(c.n, c.n / blocks < c.block / LINE / 4 ? bytes_of(q->in[0]) : c.block, to);
}

double least_taken(const least_call *q)
{
    choice c;
    const double table = bytes_of(q->in[0]), lines = ceil(table / LINE);
    if (!choice_of(q, &c))
        return fmin(bytes_of(q->y), table);
    return fmin(table, c.run >= LINE ? c.n * c.run : LINE * lines * (1 - exp(-c.n / lines)));
}

// Four neighbours of a point in each channel: two lines of two; twenty operations for its weights.
static void grid(const least_call *q, least *to)
{
    const double points = numel(q->in[1]) / 2, channels = (double) q->in[0]->shape.dim[1];
    loads(2 * points * channels, bytes_of(q->in[0]) / (double) q->in[0]->shape.dim[0] / channels, to);
    to->n[ROOF_OPS] += points * (20 + 4 * channels);
}

// ---- products and factors: what LAPACK's working notes count, for as many matrices as there are

static double matrices(clg_tensor a)
{
    return numel(a) / ((double) dim(a, 1) * (double) dim(a, 2));
}

static double longer(clg_tensor a)
{
    return fmax((double) dim(a, 1), (double) dim(a, 2));
}

static double shorter(clg_tensor a)
{
    return fmin((double) dim(a, 1), (double) dim(a, 2));
}

// flops: of one matrix. chain: dependent operations for each of its columns.
static void factor(const least_call *q, least *to, double flops, double chain)
{
    to->n[ROOF_FLOPS] += matrices(q->in[0]) * flops;
    to->n[ROOF_CHAIN] += shorter(q->in[0]) * chain;
}

static double cube(clg_tensor a)
{
    return pow((double) dim(a, 1), 3);
}

// Looking for the pivot, dividing by it, taking its row away.
static void lu(const least_call *q, least *to)
{
    factor(q, to, cube(q->in[0]) * (q->gradient ? 4 : 2) / 3, 8);
}

static void inverse(const least_call *q, least *to)
{
    factor(q, to, cube(q->in[0]) * (q->gradient ? 4 : 2), q->gradient ? 0 : 8); // of the inverse two products
}

static void cholesky(const least_call *q, least *to)
{
    factor(q, to, cube(q->in[0]) / 3, 8); // root, quotient, row
}

static void solve(const least_call *q, least *to)
{
    const double n = (double) dim(q->in[0], 1);
    lu(q, to);
    to->n[ROOF_FLOPS] += 2 * n * numel(q->in[1]);
}

static double reflected(const least_call *q)
{
    const double m = longer(q->in[0]), n = shorter(q->in[0]);
    return 2 * m * n * n - n * n * n * 2 / 3;
}

// Reflections, then the orthogonal factor from them. A reflection is a norm and what it is taken from.
static void qr(const least_call *q, least *to)
{
    factor(q, to, 2 * reflected(q), 16);
}

static void eigenvalues(const least_call *q, least *to)
{
    factor(q, to, cube(q->in[0]) * 4 / 3, 16); // to three diagonals; what follows is of the second order
}

// And vectors of the three diagonals multiplied by the reflections.
static void eigenvectors(const least_call *q, least *to)
{
    factor(q, to, cube(q->in[0]) * (4.0 / 3 + 2), 16);
}

static void singular_values(const least_call *q, least *to)
{
    factor(q, to, 2 * reflected(q) * (q->gradient ? 2 : 1), 32); // to two diagonals, from both sides
}

static void singular_vectors(const least_call *q, least *to)
{
    const double m = longer(q->in[0]), n = shorter(q->in[0]);
    factor(q, to, 2 * reflected(q) + 2 * m * m * n + 2 * n * n * n, 32);
}

// Five products suffice where the norm is below 3 (the form of degree 18); the gradient's matrix is of two blocks by
// two, one of them zero: three products for each.
static void matrix_exp(const least_call *q, least *to)
{
    factor(q, to, cube(q->in[0]) * 10 * (q->gradient ? 3 : 1), 0);
}

static void covariance(const least_call *q, least *to)
{
    to->n[ROOF_FLOPS] += (double) dim(q->in[0], 2) * numel(q->in[0]); // one of two equal halves
}

// Of all pairs, by one product; with a gradient two.
static void distances(const least_call *q, least *to)
{
    to->n[ROOF_FLOPS] += 2 * numel(q->in[0]) * (double) dim(q->in[1], 2);
}

static void own_distances(const least_call *q, least *to)
{
    to->n[ROOF_FLOPS] += numel(q->in[0]) * (double) dim(q->in[0], 2);
}

// q k^T and its product with v, half of it where keys are not ahead of queries. For the gradient of q: the first
// again, the cotangent with v, and the result's; each score an exponential.
static void attention(const least_call *q, least *to)
{
    const clg_tensor a = q->in[0], b = q->in[1], v = q->in[2];
    const double scores = numel(a) / (double) dim(a, 1) * (double) dim(b, 2) *
                          (case_field(q->c, "scaled_dot_product_attention", "is_causal", 0) > 0 ? 0.5 : 1);
    const double d = (double) dim(a, 1), dv = (double) dim(v, 1);
    to->n[ROOF_FLOPS] += 2 * scores * (q->gradient ? 2 * d + dv : d + dv);
    to->n[ROOF_OPS] += scores * 16;
}

// ---- losses

// Each step needs the one before: of three sums in logarithms a maximum, a difference, an exponential, a logarithm.
// A label and the blank beside it are two states. The gradient goes through all of it from both sides.
static void ctc(const least_call *q, least *to)
{
    const double steps = (double) q->in[0]->shape.dim[0];
    const double states = 2 * numel(q->in[1]) + (double) q->in[1]->shape.dim[0];
    to->n[ROOF_OPS] += steps * states * (q->gradient ? 2 : 1) * (3 * 12 + 15 + 6);
    to->n[ROOF_CHAIN] += steps * (2 + 1 + 12 + 2 + 15);
}

// Every class with each of a row's targets, of which a third as many as classes are in these rows.
static void label_margins(const least_call *q, least *to)
{
    to->n[ROOF_OPS] += numel(q->in[0]) * (double) dim(q->in[0], 1) / 3 * 2;
}

// ---- all

static const struct {
    const char *name;
    void (*count)(const least_call *q, least *to);
} rules[] = {
    { "sort", sort },
    { "argsort", sort },
    { "permutation", permutation },
    { "topk", selection },
    { "quantile", selection },
    { "median", selection },
    { "bucketize", search },
    { "histc", counts },
    { "grid_sample", grid },
    { "inv", inverse },
    { "lu_factor", lu },
    { "det", lu },
    { "solve", solve },
    { "cholesky", cholesky },
    { "qr", qr },
    { "eigvalsh", eigenvalues },
    { "eigh_vectors", eigenvectors },
    { "svdvals", singular_values },
    { "matrix_norm", singular_values },
    { "svd_full", singular_vectors },
    { "matrix_exp", matrix_exp },
    { "cov", covariance },
    { "cdist", distances },
    { "pdist", own_distances },
    { "scaled_dot_product_attention", attention },
    { "ctc_loss", ctc },
    { "multilabel_margin_loss", label_margins },
};

void least_of_call(const least_call *q, least *to)
{
    elements(q, to);
    chosen(q, to);
    for (size_t k = 0; k < sizeof rules / sizeof rules[0]; k++) {
        if (case_calls(q->c, rules[k].name))
            rules[k].count(q, to);
    }
}
