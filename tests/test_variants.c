// SPDX-License-Identifier: MIT
// Every variant of every op with kernels of its own, forced by CLGRAD_VARIANT, on shapes of every kind, against the
// reference in double; with each parameter at the ends of its range, which changes no bit. Then what CLGRAD_VARIANT
// refuses, CLGRAD_LANES, and that every variant of this class of kernels was taken.
#include "reference.h"
#include "sched/cache.h"
#include "testing.h"

static clg_tensor numbers(clg_device d, clg_dtype t, clg_shape s)
{
    const int64_t n = clg_numel(s);
    char *raw = malloc((size_t) n * 8 + 8);
    for (int64_t i = 0; i < n; i++) { // exact in every type
        const double v = floor(rnd() * 32) / (clg_dtype_is_float(t) ? 32 : 4);
        clg_element_set(t, raw + (size_t) i * clg_dtype_size(t), clg_dtype_is_float(t) ? v : floor(v));
    }
    clg_tensor x = clg_upload(d, t, s, raw);
    free(raw);
    ck_assert_int_ge(x->status, 0);
    return clg_dtype_is_float(t) ? clg_track(x) : x;
}

static clg_tensor turned(clg_tensor x)
{
    return clg_transpose(x, -1, -2);
}

// ---- ops: their k-th kind of shape; NULL: there are no more

static clg_tensor matmul(clg_device d, int k)
{
    switch (k) {
    case 0:
        return clg_matmul(numbers(d, CLG_F32, CLG_SHAPE(19, 23)), numbers(d, CLG_F32, CLG_SHAPE(23, 53)));
    case 1: // few rows
        return clg_matmul(numbers(d, CLG_F32, CLG_SHAPE(3, 261)), turned(numbers(d, CLG_F32, CLG_SHAPE(67, 261))));
    case 2: // few columns
        return clg_matmul(turned(numbers(d, CLG_F32, CLG_SHAPE(35, 37))), numbers(d, CLG_F32, CLG_SHAPE(35, 1)));
    case 3: // cut sums
        return clg_matmul(numbers(d, CLG_F32, CLG_SHAPE(17, 2051)), turned(numbers(d, CLG_F32, CLG_SHAPE(18, 2051))));
    case 4: // batches that repeat, an epilogue
        return clg_relu(clg_matmul(numbers(d, CLG_F32, CLG_SHAPE(2, 1, 9, 5)), numbers(d, CLG_F32, CLG_SHAPE(3, 5, 70))));
    case 5:
        return clg_matmul(numbers(d, CLG_I32, CLG_SHAPE(11, 20)), turned(numbers(d, CLG_I32, CLG_SHAPE(33, 20))));
    case 6:
        return clg_matmul(turned(numbers(d, CLG_F16, CLG_SHAPE(20, 13))), numbers(d, CLG_F16, CLG_SHAPE(20, 34)));
    case 7:
        return clg_device_get_info(d)->fp64
                   ? clg_matmul(numbers(d, CLG_F64, CLG_SHAPE(9, 18)), numbers(d, CLG_F64, CLG_SHAPE(18, 37))) : NULL;
    default:
        return NULL;
    }
}

typedef struct image {
    clg_shape x, w;
    struct clg_conv_params p;
} image;

// use: y, dx, dw
static clg_tensor convolution(clg_device d, const image *m, int use)
{
    const bool deep = m->x.rank == 5;
    struct clg_conv_params p = m->p;
    p.size = sizeof p;
    clg_tensor x = numbers(d, CLG_F32, m->x), w = numbers(d, CLG_F32, m->w), g[2];
    clg_tensor y = (deep ? clg_conv3d : clg_conv2d)(x, w, NULL, &p);
    if (use <= 0)
        return y;
    ck_assert_int_ge(clg_vjp_n(y, numbers(d, CLG_F32, y->shape), (clg_tensor[]) { x, w }, 2, false, g), 0);
    return g[use == 2];
}

static clg_tensor conv2d_of(clg_device d, int k, int use)
{
    static const image images[] = {
        { { 4, { 2, 3, 9, 21 } }, { 4, { 37, 3, 3, 2 } }, { .padding = 1, .stride_w = 2 } },
        { { 4, { 1, 34, 11, 18 } }, { 4, { 35, 34, 3, 3 } }, { .padding = 1 } },
        { { 4, { 2, 6, 9, 37 } }, { 4, { 6, 1, 3, 3 } }, { .groups = 6, .padding = 1 } },
        { { 4, { 1, 3, 13, 35 } }, { 4, { 6, 1, 3, 3 } }, { .groups = 3, .stride = 2, .padding = 1 } },
        { { 4, { 3, 7, 5, 6 } }, { 4, { 18, 7, 1, 1 } }, { 0 } },
        { { 4, { 2, 3, 8, 35 } }, { 4, { 19, 3, 2, 2 } }, { .stride = 2 } },
        { { 4, { 3, 6, 10, 19 } }, { 4, { 3, 6, 3, 4 } }, { .stride = 3, .padding = 1, .dilation_h = 2 } },
    };
    return k < (int) (sizeof images / sizeof images[0]) ? convolution(d, &images[k], use) : NULL;
}

static clg_tensor conv3d_of(clg_device d, int k, int use)
{
    static const image volumes[] = {
        { { 5, { 1, 4, 4, 5, 19 } }, { 5, { 18, 2, 2, 3, 3 } }, { .groups = 2, .padding = 1 } },
        { { 5, { 1, 3, 1, 7, 37 } }, { 5, { 3, 1, 1, 3, 3 } }, { .groups = 3, .padding_h = 1, .padding_w = 1 } },
        { { 5, { 1, 3, 4, 4, 19 } }, { 5, { 18, 3, 2, 2, 1 } }, { .stride_d = 2, .stride_h = 2 } },
    };
    return k < 3 ? convolution(d, &volumes[k], use) : NULL;
}

#define CONV(dims, id, use)                                                                        \
    static clg_tensor conv##dims##id(clg_device d, int k)                                          \
    {                                                                                              \
        return conv##dims##_of(d, k, use);                                                         \
    }
CONV(2d, , 0)
CONV(2d, _dx, 1)
CONV(2d, _dw, 2)
CONV(3d, , 0)
CONV(3d, _dx, 1)
CONV(3d, _dw, 2)

// Windows that tile the plane, that overlap, by many steps; order: the value, its gradient, that of its gradient.
static clg_tensor pooling(clg_device d, int k, bool max, int order)
{
    if (k > (order == 2 ? 1 : 3)) // of F16 a maximum's gradient, whose sums are rounded once
        return NULL;
    const clg_dtype type = k == 3 && max && order == 1 ? CLG_F16 : CLG_F32;
    clg_tensor x = numbers(d, type, CLG_SHAPE(2, 3, 9, 39)), g;
    const struct clg_pool_params *p = k == 0                    ? clg_pool_params(.kernel = 2)
                                      : k == 3 && type == CLG_F32 ? clg_pool_params(.kernel = 3, .stride = 4)
                                      : k == 2 ? clg_pool_params(.kernel_h = 3, .kernel_w = 17, .stride_h = 2, .stride_w = 9)
                                               : clg_pool_params(.kernel = 3, .stride = 2, .padding = 1);
    clg_tensor y = (max ? clg_max_pool2d : clg_avg_pool2d)(x, p);
    if (order == 0)
        return y;
    clg_tensor of = numbers(d, type, y->shape);
    ck_assert_int_ge(clg_vjp_n(y, of, &x, 1, true, &g), 0);
    if (order == 1)
        return g;
    ck_assert_int_ge(clg_vjp_n(g, numbers(d, CLG_F32, g->shape), &of, 1, false, &y), 0);
    return y;
}

#define POOL(id, max, order)                                                                       \
    static clg_tensor id(clg_device d, int k)                                                      \
    {                                                                                              \
        return pooling(d, k, max, order);                                                          \
    }
POOL(max_pool, true, 0)
POOL(max_pool_scatter, true, 1)
POOL(max_pool_gather, true, 2)
POOL(avg_pool, false, 0)
POOL(avg_pool_back, false, 1)

static clg_tensor softmax_of(clg_device d, int k, bool log)
{
    static const clg_shape shapes[] = { { 2, { 35, 37 } }, { 2, { 3, 700 } }, { 3, { 3, 9, 21 } } };
    if (k > 2)
        return NULL;
    return (log ? clg_log_softmax : clg_softmax)(numbers(d, CLG_F32, shapes[k]), 1);
}

static clg_tensor softmax(clg_device d, int k)
{
    return softmax_of(d, k, false);
}

static clg_tensor log_softmax(clg_device d, int k)
{
    return softmax_of(d, k, true);
}

// Its statistics are a kernel op, which the loss is made of.
static clg_tensor softmax_stats(clg_device d, int k)
{
    static const clg_shape shapes[] = { { 2, { 35, 37 } }, { 2, { 3, 700 } } };
    if (k > 1)
        return NULL;
    const double n = (double) shapes[k].dim[0];
    return clg_cross_entropy(numbers(d, CLG_F32, shapes[k]), clg_arange(d, CLG_I64, 0, n, 1), NULL);
}

// Rows, and channels of a batch.
static clg_tensor norm_stats(clg_device d, int k)
{
    if (k > 2)
        return NULL;
    return k == 2 ? clg_layer_norm(numbers(d, CLG_F32, CLG_SHAPE(19, 7)), CLG_SHAPE(7), NULL, NULL, NULL)
         : k ? clg_batch_norm(numbers(d, CLG_F32, CLG_SHAPE(3, 5, 37)), NULL, NULL, NULL, NULL, NULL)
             : clg_layer_norm(numbers(d, CLG_F32, CLG_SHAPE(2, 70000)), CLG_SHAPE(70000), NULL, NULL, NULL);
}

static clg_tensor norm_slope(clg_device d, int k)
{
    if (k > 2)
        return NULL;
    const clg_shape s = k < 2 ? CLG_SHAPE(7, 85) : CLG_SHAPE(19, 7), row = CLG_SHAPE(s.dim[1]);
    clg_tensor g, x = numbers(d, CLG_F32, s), w = numbers(d, CLG_F32, row);
    clg_tensor y = k == 1 ? clg_rms_norm(x, row, NULL, NULL) : clg_layer_norm(x, row, w, NULL, NULL);
    ck_assert_int_ge(clg_vjp_n(y, numbers(d, CLG_F32, x->shape), &x, 1, false, &g), 0);
    return g;
}

static clg_tensor selection(clg_device d, int k, bool back)
{
    if (k > 2)
        return NULL;
    const int64_t rows = k == 1 ? 3 : 29, n = k == 2 ? 601 : 41; // the last of single elements, in a list of several blocks
    clg_tensor x = numbers(d, CLG_F32, k == 2 ? CLG_SHAPE(1, rows, 1) : CLG_SHAPE(2, rows, 19)), g;
    clg_tensor index = clg_remainder_scalar(clg_mul_scalar(clg_arange(d, CLG_I32, 0, (double) n, 1), 7), (double) rows);
    clg_tensor y = clg_index_select(x, 1, index);
    if (!back)
        return y;
    ck_assert_int_ge(clg_vjp_n(y, numbers(d, CLG_F32, y->shape), &x, 1, false, &g), 0);
    return g;
}

static clg_tensor index_select(clg_device d, int k)
{
    return selection(d, k, false);
}

static clg_tensor index_add(clg_device d, int k)
{
    return selection(d, k, true);
}

static clg_tensor elements(clg_device d, int k, bool back)
{
    if (k > 1)
        return NULL;
    const clg_shape s = k ? CLG_SHAPE(3, 700, 1) : CLG_SHAPE(2, 41, 19);
    clg_tensor x = numbers(d, CLG_F32, CLG_SHAPE(s.dim[0], 29, s.dim[2]));
    clg_tensor at = clg_reshape(clg_arange(d, CLG_I32, 0, (double) clg_numel(s), 1), s);
    clg_tensor index = clg_remainder_scalar(clg_mul_scalar(at, 7), 29);
    return back ? clg_scatter_add(x, 1, index, numbers(d, CLG_F32, s)) : clg_gather(x, 1, index);
}

static clg_tensor gather(clg_device d, int k)
{
    return elements(d, k, false);
}

static clg_tensor scatter(clg_device d, int k)
{
    return elements(d, k, true);
}

static clg_tensor separable(clg_device d, int k)
{
    return k ? NULL : clg_interpolate(numbers(d, CLG_F32, CLG_SHAPE(2, 3, 7, 9)), CLG_SHAPE(5, 20),
                                      clg_interpolate_params(.mode = CLG_INTERPOLATE_CUBIC));
}

// Columns by one, two and many steps; windows that leave gaps.
static const struct clg_fold_params folds[] = { { .size = sizeof folds[0], .kernel = 3, .padding = 1 },
                                                { .size = sizeof folds[0], .kernel = 4, .stride = 2, .dilation_w = 3 },
                                                { .size = sizeof folds[0], .kernel = 5, .stride_w = 6, .padding_w = 2 } };

static clg_tensor separable_bytes(clg_device d, int k)
{
    return k ? NULL : clg_interpolate(numbers(d, CLG_U8, CLG_SHAPE(2, 3, 17, 35)), CLG_SHAPE(5, 20),
                                      clg_interpolate_params(.mode = CLG_INTERPOLATE_CUBIC));
}

static clg_tensor unfold(clg_device d, int k)
{
    return k > 2 ? NULL : clg_unfold(numbers(d, k > 1 ? CLG_U8 : CLG_F32, CLG_SHAPE(2, 3, 7, 41)), &folds[k]);
}

static clg_tensor fold(clg_device d, int k)
{
    static const int64_t columns[] = { 7 * 41, 2 * 16, 3 * 7 }, taps[] = { 9, 16, 25 };
    return k > 2 ? NULL : clg_fold(numbers(d, k > 1 ? CLG_I32 : CLG_F32, CLG_SHAPE(2, 3 * taps[k], columns[k])),
                                   CLG_SHAPE(7, 41), &folds[k]);
}

static clg_tensor unpool(clg_device d, int k)
{
    clg_tensor index;
    if (k)
        return NULL;
    clg_tensor y = clg_max_pool2d(numbers(d, CLG_F32, CLG_SHAPE(2, 3, 7, 9)), clg_pool_params(.kernel = 2, .indices = &index));
    return clg_max_unpool2d(y, index, CLG_SHAPE(7, 9), NULL);
}

static clg_tensor sequence(clg_device d, bool back)
{
    clg_tensor x = numbers(d, CLG_F32, CLG_SHAPE(9, 2, 5)), g;
    const clg_tensor labels = clg_full(d, CLG_I32, CLG_SHAPE(2, 3), 2), n = clg_arange(d, CLG_I32, 2, 4, 1);
    const clg_tensor y = clg_ctc_loss(x, labels, clg_full(d, CLG_I32, CLG_SHAPE(2), 9), n, 0, false, CLG_REDUCE_NONE);
    if (!back)
        return y;
    ck_assert_int_ge(clg_vjp_n(y, numbers(d, CLG_F32, y->shape), &x, 1, false, &g), 0);
    return g;
}

static clg_tensor attend(clg_device d, int k, bool back)
{
    if (k > 1)
        return NULL;
    clg_tensor q = numbers(d, CLG_F32, CLG_SHAPE(2, 2, k ? 130 : 13, 19)), x = numbers(d, CLG_F32, CLG_SHAPE(2, 2, 101, 19)), g;
    clg_tensor y = clg_scaled_dot_product_attention(q, x, x, clg_attention_params(.is_causal = k == 1));
    ck_assert_int_ge(clg_vjp_n(y, numbers(d, CLG_F32, y->shape), &x, 1, false, &g), 0);
    return back ? g : y;
}

static clg_tensor attention(clg_device d, int k)
{
    return attend(d, k, false);
}

static clg_tensor attention_back(clg_device d, int k)
{
    return attend(d, k, true);
}

static clg_tensor ctc(clg_device d, int k)
{
    return k ? NULL : sequence(d, false);
}

static clg_tensor ctc_back(clg_device d, int k)
{
    return k ? NULL : sequence(d, true);
}

// Long rows, which are cut up, and columns.
static clg_tensor scanned(clg_device d, int k, clg_tensor (*scan)(clg_tensor a, int axis))
{
    return k > 1 ? NULL : scan(numbers(d, CLG_F32, k ? CLG_SHAPE(41, 37) : CLG_SHAPE(2, 5000)), k ? 0 : 1);
}

static clg_tensor largest(clg_tensor a, int axis)
{
    return clg_cummax(a, axis, NULL);
}

static clg_tensor smallest(clg_tensor a, int axis)
{
    return clg_cummin(a, axis, NULL);
}

// The derivative of a running product.
static clg_tensor recurring(clg_tensor a, int axis)
{
    clg_tensor y = clg_cumprod(a, axis), g;
    ck_assert_int_ge(clg_vjp_n(y, clg_ones_like(y), &a, 1, false, &g), 0);
    return g;
}

#define SCAN(id, scan)                                                                             \
    static clg_tensor id(clg_device d, int k)                                                      \
    {                                                                                              \
        return scanned(d, k, scan);                                                                \
    }
SCAN(cumsum, clg_cumsum)
SCAN(cumprod, clg_cumprod)
SCAN(recurrence, recurring)
SCAN(cummax, largest)
SCAN(cummin, smallest)
SCAN(log_sums, clg_logcumsumexp)

static clg_tensor sort_rank(clg_device d, int k)
{
    return k ? NULL : clg_argsort(numbers(d, CLG_F32, CLG_SHAPE(9, 37)), 1, false);
}

static clg_tensor sort_step(clg_device d, int k)
{
    return k ? NULL : clg_argsort(numbers(d, CLG_F32, CLG_SHAPE(2, 65600)), 1, false);
}

static clg_tensor topk(clg_device d, int k)
{
    clg_tensor at, y = k > 1 ? NULL : clg_topk(numbers(d, CLG_F32, k ? CLG_SHAPE(1, 5000) : CLG_SHAPE(9, 37)), 3, 1, false, &at);
    return y ? at : NULL;
}

static clg_tensor resample(clg_device d, int k)
{
    const clg_tensor x = numbers(d, CLG_F32, CLG_SHAPE(2, 3, 9, 20));
    const int64_t taps = k > 2 ? 3 : 2, out = k % 2 ? 7 : 37;
    const clg_tensor first = clg_cast(clg_mul_scalar(numbers(d, CLG_F32, CLG_SHAPE(2, out)), 9), CLG_I32);
    return k > 4 ? NULL : clg_resample(x, first, numbers(d, CLG_F32, CLG_SHAPE(2, taps, out)), k == 4 ? 1 : 2 + k % 2);
}

static clg_tensor lookup(clg_device d, int k, int use)
{
    if (k)
        return NULL;
    clg_tensor x = numbers(d, CLG_F32, CLG_SHAPE(2, 5, 7, 9)), grid = numbers(d, CLG_F32, CLG_SHAPE(2, 7, 11, 2)), g[2];
    const clg_grid_mode mode = use < 0 ? CLG_GRID_NEAREST : use > 2 ? CLG_GRID_CUBIC : CLG_GRID_LINEAR;
    const clg_tensor y = clg_grid_sample(x, clg_mul_scalar(grid, 1.25), clg_grid_sample_params(.mode = mode));
    if (use <= 0)
        return y;
    ck_assert_int_ge(clg_vjp_n(y, numbers(d, CLG_F32, y->shape), (clg_tensor[]) { x, grid }, 2, false, g), 0);
    return g[use == 2];
}

#define GRID(id, use)                                                                              \
    static clg_tensor id(clg_device d, int k)                                                      \
    {                                                                                              \
        return lookup(d, k, use);                                                                  \
    }
GRID(bilinear_sample, 0)
GRID(bilinear_scatter, 1)
GRID(grid_sample, -1)
GRID(grid_scatter, 3)
GRID(grid_weights, 2)

// Tiles that are cut, a sum in two chunks, equal rows.
static clg_tensor pairs(clg_device d, int k, bool back)
{
    clg_tensor a = numbers(d, CLG_F32, k & 1 ? CLG_SHAPE(2, 7, 3) : CLG_SHAPE(1, 5, 515)),
               b = k & 1 ? numbers(d, CLG_F32, CLG_SHAPE(2, 37, 3)) : clg_slice(a, 1, 1, 4, 1), g;
    const clg_tensor y = k > 3 ? NULL : clg_cdist(a, b, k & 2 ? 1 : 2);
    if (!y || !back)
        return y;
    ck_assert_int_ge(clg_vjp_n(y, numbers(d, CLG_F32, y->shape), &a, 1, false, &g), 0);
    return g;
}

static clg_tensor pair_distance(clg_device d, int k)
{
    return pairs(d, k, false);
}

static clg_tensor pair_slopes(clg_device d, int k)
{
    return pairs(d, k, true);
}

// Rows in bags: of one length, of a list with places before the first bag and a bag of none, with weights and a row left
// out; columns of whole vectors, of some, and less than one.
static clg_tensor bags(clg_device d, int k, bool back)
{
    enum { ROWS = 311, PLACES = 90 };
    if (k > 3)
        return NULL;
    int64_t at[PLACES];
    for (int i = 0; i < PLACES; i++)
        at[i] = i % 4 ? (int64_t) i * i * 131 % ROWS : 17;
    const clg_tensor list = clg_cast(clg_upload(d, CLG_I64, CLG_SHAPE(PLACES), at), k & 1 ? CLG_I32 : CLG_I64);
    const clg_tensor table = numbers(d, CLG_F32, CLG_SHAPE(ROWS, (int64_t[]) { 64, 37, back ? 45 : 13, 70 }[k]));
    const clg_tensor start = clg_upload(d, CLG_I64, CLG_SHAPE(4), (int64_t[]) { 3, 20, 20, 75 });
    const bool lists = k > 1;
    const clg_tensor y = clg_embedding_bag(
        table, lists ? list : clg_reshape(list, CLG_SHAPE(6, 15)), lists ? start : NULL,
        clg_embedding_bag_params(.mode = k == 0 ? CLG_BAG_MEAN : CLG_BAG_SUM, .use_padding = k % 2 == 0, .padding_idx = 17,
                                 .include_last_offset = k == 3, .weight = k == 2 ? numbers(d, CLG_F32, CLG_SHAPE(PLACES)) : NULL));
    clg_tensor g;
    if (!back)
        return y;
    ck_assert_int_ge(clg_vjp_n(y, numbers(d, CLG_F32, y->shape), &table, 1, false, &g), 0);
    return g;
}

static clg_tensor bag_sum(clg_device d, int k)
{
    return bags(d, k, false);
}

static clg_tensor bag_scatter(clg_device d, int k)
{
    return bags(d, k, true);
}

static clg_tensor searchsorted(clg_device d, int k)
{
    return k ? NULL : clg_bucketize(numbers(d, CLG_F32, CLG_SHAPE(9, 37)), clg_msort(numbers(d, CLG_F32, CLG_SHAPE(50))), true);
}

static clg_tensor poisson(clg_device d, int k)
{
    return k ? NULL : clg_poisson(clg_mul_scalar(clg_exp(numbers(d, CLG_F32, CLG_SHAPE(9, 37))), 6));
}

// Batches that fill no vector of lanes, and a matrix alone; its pivots lie across.
static clg_tensor matrices(clg_device d, int k, bool square)
{
    static const int64_t batch[] = { 21, 1, 5, 18 }, rows[] = { 7, 35, 3, 5 }, columns[] = { 7, 35, 6, 5 };
    if (k > 3 || (k == 3 && !clg_device_get_info(d)->fp64))
        return NULL;
    const bool cut = strstr(clg_device_get_info(d)->name, "llvmpipe"); // whose driver cuts long loops of one item short
    const int64_t r = cut && rows[k] > 17 ? 17 : rows[k], c = square ? r : cut && columns[k] > 17 ? 17 : columns[k];
    const clg_dtype t = k == 3 ? CLG_F64 : CLG_F32;
    const clg_tensor across = clg_flip(clg_eye(d, t, r, c), CLG_AXES(0));
    return clg_add(numbers(d, t, CLG_SHAPE(batch[k], r, c)), clg_mul_scalar(across, 4));
}

static clg_tensor symmetric(clg_device d, int k) // and definite, its eigenvalues apart
{
    const clg_tensor m = matrices(d, k, true);
    if (!m)
        return NULL;
    const clg_tensor own = clg_diag_embed(clg_arange(d, m->dtype, 1, (double) m->shape.dim[1] + 1, 1), 0, 0, 1);
    return clg_add(clg_mul_scalar(clg_add(m, turned(m)), 1.0 / 64), clg_mul_scalar(own, 4));
}

static clg_tensor lu(clg_device d, int k)
{
    const clg_tensor m = matrices(d, k, false);
    return m ? clg_lu_factor(m, NULL, NULL) : NULL;
}

static clg_tensor solve(clg_device d, int k)
{
    const clg_tensor m = matrices(d, k / 2, true);
    if (!m)
        return NULL;
    const clg_tensor b = numbers(d, m->dtype, CLG_SHAPE(m->shape.dim[0], m->shape.dim[1], k < 4 ? 3 : 6));
    return k % 2 ? clg_solve_triangular(symmetric(d, k / 2), b, k > 2, true, false) : clg_solve(m, b, true, NULL);
}

static clg_tensor cholesky(clg_device d, int k)
{
    const clg_tensor m = symmetric(d, k);
    return m ? clg_cholesky(m, false, NULL) : NULL;
}

static clg_tensor qr(clg_device d, int k)
{
    clg_tensor m = matrices(d, k / 2, false), r, q = m ? clg_qr(k % 2 ? turned(m) : m, CLG_QR_REDUCED, &r) : NULL;
    return m ? clg_matmul(q, r) : NULL;
}

static clg_tensor eigh(clg_device d, int k)
{
    if (k > 3) // values alone
        return k > 7 || !symmetric(d, k - 4) ? NULL : clg_eigvalsh(symmetric(d, k - 4), false);
    clg_tensor m = symmetric(d, k), v, w = m ? clg_eigh(m, false, &v) : NULL;
    return m ? clg_matmul(clg_mul(v, clg_unsqueeze(w, -2)), turned(v)) : NULL;
}

static clg_tensor svd(clg_device d, int k)
{
    if (k > 3) // values alone
        return k > 7 || !matrices(d, k - 4, false) ? NULL : clg_svdvals(matrices(d, k - 4, false));
    clg_tensor m = k == 2 ? matrices(d, k, false) : symmetric(d, k), s, v, u = m ? clg_svd(m, &s, &v) : NULL;
    return m ? clg_matmul(clg_mul(u, clg_unsqueeze(s, -2)), v) : NULL;
}

static clg_tensor count(clg_device d, int k)
{
    return k > 1 ? NULL : clg_histc(numbers(d, CLG_F32, CLG_SHAPE(9, 3700)), k ? 5000 : 7, -1, 1);
}

static const struct {
    const char *op;
    clg_tensor (*make)(clg_device d, int k);
} makers[] = {
#define OP(name) { #name, name }
    OP(matmul), OP(conv2d), OP(conv2d_dx), OP(conv2d_dw), OP(conv3d), OP(conv3d_dx), OP(conv3d_dw), OP(max_pool),
    OP(max_pool_scatter), OP(max_pool_gather), OP(avg_pool), OP(avg_pool_back), OP(softmax), OP(log_softmax), OP(softmax_stats),
    OP(index_select), OP(index_add), OP(gather), OP(scatter), OP(separable), OP(separable_bytes), OP(unfold), OP(fold), { "unpool_owners", unpool },
    { "pick", unpool }, OP(norm_stats), OP(norm_slope), OP(ctc), OP(ctc_back), OP(grid_sample), OP(grid_scatter), OP(grid_weights), OP(bilinear_sample), OP(bilinear_scatter),
    OP(cumsum), OP(cumprod), OP(recurrence),
    OP(cummax), OP(cummin), OP(log_sums), OP(sort_rank), OP(sort_step), OP(topk), OP(searchsorted), OP(attention), OP(attention_back),
    OP(pair_distance), OP(pair_slopes), OP(bag_sum), OP(bag_scatter), OP(poisson), OP(count), OP(resample),
    OP(lu), OP(solve), OP(cholesky), OP(qr), OP(eigh), OP(svd),
};
enum { OPS = sizeof makers / sizeof makers[0], KINDS = 8 };

// ---- one variant, forced

typedef struct result {
    char *raw;
    size_t bytes;
    bool taken;
} result;

static clg_device open_with(const char *name, const char *value)
{
    clg_device d;
    char error[600] = "";
    setenv(name, value, 1);
    const clg_status st = clg_device_open(&d, clg_device_params(.share = dev, .error = error, .error_size = sizeof error));
    unsetenv(name);
    ck_assert_msg(st >= 0, "%s=%s: %s", name, value, error);
    return d;
}

static bool has_taken(clg_device d, const clg__variant *v)
{
    const clg__sched *s = d->sched;
    for (const clg__plan *p = s->newest; p; p = p->older) {
        for (int i = 0; i < p->n_steps; i++) {
            if (p->steps[i].variant == v)
                return true;
        }
    }
    return false;
}

// With the numbers of this seed. want: made here where it is empty.
static result run(int op, int k, const clg__variant *v, const char *choice, uint64_t seed, ref_value *want)
{
    clg_device d = open_with("CLGRAD_VARIANT", choice);
    seed_state = seed;
    clg_tensor y = makers[op].make(d, k);
    result r = { 0 };
    char what[200];
    ck_assert_msg(y->status >= 0, "%s: %s", choice, clg_error(d, y->status));
    if (!want->f && !want->i) {
        reference *ref = reference_create(true);
        *want = reference_copy(reference_of(ref, y));
        reference_free(ref);
    }
    r.bytes = (size_t) clg_numel(y->shape) * clg_dtype_size(y->dtype);
    r.raw = malloc(r.bytes + 1);
    memset(r.raw, 0xff, r.bytes);
    const clg_status st = clg_read(y, r.raw, r.bytes);
    ck_assert_msg(st >= 0, "%s: %s", choice, clg_error(d, st));
    r.taken = has_taken(d, v);
    snprintf(what, sizeof what, "%s, shape %d", choice, k);
    reference_check(what, want, r.raw);
    clg_device_close(&d);
    return r;
}

static const clg__op *op_of(int i)
{
    const clg__op *op = clg__kernel_op(i);
    ck_assert_ptr_nonnull(op);
    ck_assert_str_eq(op->name, makers[i].op);
    return op;
}

static int n_kinds(int op)
{
    int k = 0;
    clg_scope s = clg_scope_push(dev);
    while (k < KINDS && makers[op].make(dev, k))
        k++;
    clg_scope_pop(s);
    return k;
}

static int most_of(const clg__param *p)
{
    return p->most < 64 ? p->most : 64;
}

// All shapes as the plan chooses; of parameters, both ends on one shape each, or one end of one of them by chance.
static bool try_variant(int i, const clg__variant *v)
{
    const uint64_t seed = seed_state * 2 + 1;
    const int kinds = n_kinds(i), ends = 2 * v->n_params;
    bool taken = false;
    for (int k = 0; k < kinds; k++) {
        char choice[100];
        ref_value want = { 0 };
        snprintf(choice, sizeof choice, "%s=%s", makers[i].op, v->name);
        const result usual = run(i, k, v, choice, seed, &want);
        taken |= usual.taken;
        seed_state = seed + (uint64_t) k;
        const int only = everything() ? -1 : (int) ((rnd() + 1) / 2 * ends), only_kind = (int) ((rnd() + 1) / 2 * kinds);
        for (int e = 0; e < ends && usual.taken && (everything() || (e == only && k == only_kind)); e++) {
            const clg__param *p = &v->params[e / 2];
            snprintf(choice, sizeof choice, "%s=%s:%s=%d", makers[i].op, v->name, p->name, e % 2 ? most_of(p) : p->least);
            result r = run(i, k, v, choice, seed, &want);
            ck_assert_msg(memcmp(r.raw, usual.raw, r.bytes) == 0, "%s: shape %d has other bits", choice, k);
            free(r.raw);
        }
        reference_drop(&want);
        free(usual.raw);
    }
    return taken;
}

START_TEST(every_variant_is_right)
{
    const clg__op *op = op_of(_i);
    const bool cpu = dev->caps->cpu_class;
    for (int k = 0; k < op->n_variants; k++) {
        const char *name = op->variants[k].name;
        const bool other = strncmp(name, cpu ? "gpu_" : "cpu_", 4) == 0 || strstr(name, cpu ? "_gpu" : "_cpu") ||
                           strcmp(name, "clblast") == 0 ||
                           (strncmp(op->name, "conv3d", 6) == 0 && strcmp(name, "cpu_winograd") == 0);
        const bool taken = other || !in_turn(_i + k, 2) || try_variant(_i, &op->variants[k]);
        ck_assert_msg(taken, "%s of %s was never taken", name, op->name);
    }
}
END_TEST

START_TEST(every_op_is_tried)
{
    ck_assert_ptr_null(clg__kernel_op(OPS));
}
END_TEST

static void refused(const char *value, const char *part)
{
    clg_device d;
    char error[600] = "";
    setenv("CLGRAD_VARIANT", value, 1);
    const clg_status st = clg_device_open(&d, clg_device_params(.share = dev, .error = error, .error_size = sizeof error));
    unsetenv("CLGRAD_VARIANT");
    ck_assert_int_eq(st, CLG_EINVAL);
    ck_assert_msg(strstr(error, part), "CLGRAD_VARIANT=%s: %s", value, error);
}

START_TEST(what_is_not_there_is_refused)
{
    refused("matmull=cpu_thin", "there is no operation 'matmull'; there are matmul, conv2d");
    refused("matmul", "there is no variant ''; matmul has clblast, cpu_thin, cpu_tile");
    refused("matmul=thinn", "there is no variant 'thinn'");
    refused("matmul=cpu_tile:row=3", "there is no parameter 'row'; matmul=cpu_tile has rows=1..8");
    refused("matmul=cpu_tile:rows=9", "out of range: '9'");
    refused("matmul=cpu_tile:rows=0", "out of range: '0'");
    refused("matmul=cpu_tile:rows=", "out of range: ''");
    refused("matmul=cpu_tile:rows", "out of range: 'rows'");
    refused("matmul=cpu_tile:rows=3x", "out of range: '3x'");
    refused("matmul=gpu_tiled:side=3", "a power of two");
    refused("pick=items:rows=3", "no parameters");
    refused("conv2d=direct;x", "there is no operation 'x'");
    refused("=", "there is no operation ''");
}
END_TEST

// Blanks, several ops, the latest of two, a name without its class; and none at all.
START_TEST(what_is_there_is_read)
{
    static const char *const values[] = { "", ";", " ; ", " matmul = thin : groups = 3 ; conv2d=direct:pixels=3,vectors=1 ;",
                                          "matmul=thin;matmul=packed:rows=2;matmul=packed:rows=3" };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        clg_device d = open_with("CLGRAD_VARIANT", values[i]);
        const clg__sched *s = d->sched;
        const clg__op *op = op_of(0);
        ck_assert_int_eq(s->choices.n, i < 3 ? 0 : i == 3 ? 2 : 3);
        const clg__choice *c = clg__choices_find(&s->choices, op, i == 3 ? 1 : 3);
        if (i >= 3) {
            ck_assert_ptr_nonnull(c);
            ck_assert_int_eq(c->set[0], 3);
        }
        clg_device_close(&d);
    }
}
END_TEST

// A forced variant that cannot be taken is passed over.
START_TEST(what_does_not_fit_is_passed_over)
{
    ref_value want = { 0 };
    const clg__variant *thin = &op_of(0)->variants[1];
    const result r = run(0, 0, thin, "matmul=cpu_thin", 1, &want);
    ck_assert(!r.taken);
    free(r.raw);
    reference_drop(&want);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("variants");
    TCase *c = tcase_create("variants");
    tcase_add_loop_test(c, every_variant_is_right, 0, OPS);
    tcase_add_test(c, every_op_is_tried);
    tcase_add_test(c, what_is_not_there_is_refused);
    tcase_add_test(c, what_is_there_is_read);
    tcase_add_test(c, what_does_not_fit_is_passed_over);
    suite_add_tcase(s, c);
    return run_suite(s);
}
