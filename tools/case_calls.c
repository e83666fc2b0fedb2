// SPDX-License-Identifier: MIT
// The functions that an expression of cases.txt may call. The rows of the maps of ops.h are there by
// themselves; any other function is a line here: name, arguments, call.
#include "case_calls.h"
#include "case_calls_image.h"
#include "case_calls_index.h"
#include "case_calls_linalg.h"

#include <stddef.h>

#define T(k) v->t[k]
#define N(k) v->n[k]
#define I(k) ((int) v->n[k])
#define L(k) ((int64_t) v->n[k])
#define B(k) (v->n[k] != 0)
#define S(k) v->s[k]
#define R(k) ((clg_reduction) I(k))
#define PARAMS(kind)                                                                               \
    struct kind p = { .size = sizeof p };                                                          \
    v->named(v, &p);

// name, signature, call
#define PLAIN_CALLS(M)                                                                             \
    M(leaky_relu, "tn", clg_leaky_relu(T(0), N(1)))                                                \
    M(elu, "tn", clg_elu(T(0), N(1)))                                                              \
    M(softplus, "tnn", clg_softplus(T(0), N(1), N(2)))                                             \
    M(clamp, "tnn", clg_clamp(T(0), N(1), N(2)))                                                   \
    M(lerp, "ttt", clg_lerp(T(0), T(1), T(2)))                                                     \
    M(lerp_scalar, "ttn", clg_lerp_scalar(T(0), T(1), N(2)))                                       \
    M(fma, "ttt", clg_fma(T(0), T(1), T(2)))                                                      \
    M(addcmul, "tttn", clg_addcmul(T(0), T(1), T(2), N(3)))                                        \
    M(addcdiv, "tttn", clg_addcdiv(T(0), T(1), T(2), N(3)))                                        \
    M(logit, "tn", clg_logit(T(0), N(1)))                                                          \
    M(polygamma, "nt", clg_polygamma(I(0), T(1)))                                                  \
    M(nan_to_num, "tnnn", clg_nan_to_num(T(0), N(1), N(2), N(3)))                                  \
    M(isclose, "ttnnn", clg_isclose(T(0), T(1), N(2), N(3), B(4)))                                 \
    M(allclose, "ttnnn", clg_allclose(T(0), T(1), N(2), N(3), B(4)))                               \
    M(round_decimals, "tn", clg_round_decimals(T(0), I(1)))                                        \
    M(float_power, "tt", clg_float_power(T(0), T(1)))                                              \
    M(bitwise_not, "t", clg_bitwise_not(T(0)))                                                     \
    M(prelu, "tt", clg_prelu(T(0), T(1)))                                                          \
    M(celu, "tn", clg_celu(T(0), N(1)))                                                            \
    M(softshrink, "tn", clg_softshrink(T(0), N(1)))                                                \
    M(hardshrink, "tn", clg_hardshrink(T(0), N(1)))                                                \
    M(tanhshrink, "t", clg_tanhshrink(T(0)))                                                       \
    M(hardtanh, "tnn", clg_hardtanh(T(0), N(1), N(2)))                                             \
    M(relu6, "t", clg_relu6(T(0)))                                                                 \
    M(threshold, "tnn", clg_threshold(T(0), N(1), N(2)))                                           \
    M(glu, "tn", clg_glu(T(0), I(1)))                                                              \
    M(softmin, "tn", clg_softmin(T(0), I(1)))                                                      \
    M(gumbel_softmax, "tnnn", clg_gumbel_softmax(T(0), N(1), B(2), I(3)))                          \
    M(rrelu, "tnnn", clg_rrelu(T(0), N(1), N(2), B(3)))                                            \
    M(where, "ttt", clg_where(T(0), T(1), T(2)))                                                   \
    M(cast, "tn", clg_cast(T(0), (clg_dtype) I(1)))                                                \
    M(sum, "tsn", clg_sum(T(0), S(1), B(2)))                                                       \
    M(mean, "tsn", clg_mean(T(0), S(1), B(2)))                                                     \
    M(amax, "tsn", clg_amax(T(0), S(1), B(2)))                                                     \
    M(amin, "tsn", clg_amin(T(0), S(1), B(2)))                                                     \
    M(any, "tsn", clg_any(T(0), S(1), B(2)))                                                       \
    M(all, "tsn", clg_all(T(0), S(1), B(2)))                                                       \
    M(argmax, "tsn", clg_argmax(T(0), S(1), B(2)))                                                 \
    M(argmin, "tsn", clg_argmin(T(0), S(1), B(2)))                                                 \
    M(variance, "tsnn", clg_variance(T(0), S(1), N(2), B(3)))                                      \
    M(std, "tsnn", clg_std(T(0), S(1), N(2), B(3)))                                                \
    M(logsumexp, "tsn", clg_logsumexp(T(0), S(1), B(2)))                                           \
    M(softmax, "tn", clg_softmax(T(0), I(1)))                                                      \
    M(log_softmax, "tn", clg_log_softmax(T(0), I(1)))                                              \
    M(local_response_norm, "tnnnn", clg_local_response_norm(T(0), I(1), N(2), N(3), N(4)))         \
    M(normalize, "tnnn", clg_normalize(T(0), N(1), I(2), N(3)))                                    \
    M(mse_loss, "ttn", clg_mse_loss(T(0), T(1), R(2)))                                             \
    M(l1_loss, "ttn", clg_l1_loss(T(0), T(1), R(2)))                                               \
    M(smooth_l1_loss, "ttnn", clg_smooth_l1_loss(T(0), T(1), N(2), R(3)))                          \
    M(huber_loss, "ttnn", clg_huber_loss(T(0), T(1), N(2), R(3)))                                  \
    M(mse_loss_weighted, "tttn", clg_mse_loss_weighted(T(0), T(1), T(2), R(3)))                    \
    M(l1_loss_weighted, "tttn", clg_l1_loss_weighted(T(0), T(1), T(2), R(3)))                      \
    M(huber_loss_weighted, "tttnn", clg_huber_loss_weighted(T(0), T(1), T(2), N(3), R(4)))         \
    M(binary_cross_entropy, "ttTn", clg_binary_cross_entropy(T(0), T(1), T(2), R(3)))              \
    M(binary_cross_entropy_with_logits, "ttTTn",                                                   \
      clg_binary_cross_entropy_with_logits(T(0), T(1), T(2), T(3), R(4)))                          \
    M(kl_div, "ttnn", clg_kl_div(T(0), T(1), B(2), R(3)))                                          \
    M(poisson_nll_loss, "ttnnnn", clg_poisson_nll_loss(T(0), T(1), B(2), B(3), N(4), R(5)))        \
    M(gaussian_nll_loss, "tttnnn", clg_gaussian_nll_loss(T(0), T(1), T(2), B(3), N(4), R(5)))      \
    M(hinge_embedding_loss, "ttnn", clg_hinge_embedding_loss(T(0), T(1), N(2), R(3)))              \
    M(margin_ranking_loss, "tttnn", clg_margin_ranking_loss(T(0), T(1), T(2), N(3), R(4)))         \
    M(cosine_embedding_loss, "tttnn", clg_cosine_embedding_loss(T(0), T(1), T(2), N(3), R(4)))     \
    M(multi_margin_loss, "ttnnTn",                                                                 \
      clg_multi_margin_loss(T(0), T(1), I(2), N(3), T(4), R(5)))                                   \
    M(multilabel_margin_loss, "ttn", clg_multilabel_margin_loss(T(0), T(1), R(2)))                 \
    M(multilabel_soft_margin_loss, "ttTn",                                                         \
      clg_multilabel_soft_margin_loss(T(0), T(1), T(2), R(3)))                                     \
    M(soft_margin_loss, "ttn", clg_soft_margin_loss(T(0), T(1), R(2)))                             \
    M(triplet_margin_loss, "tttnnnnn",                                                             \
      clg_triplet_margin_loss(T(0), T(1), T(2), N(3), N(4), N(5), B(6), R(7)))                     \
    M(triplet_margin_with_distance_loss, "tttnnn",                                                 \
      clg_triplet_margin_with_distance_loss(T(0), T(1), T(2), angle, NULL, N(3), B(4), R(5)))      \
    M(ctc_loss, "ttttnnn", clg_ctc_loss(T(0), T(1), T(2), T(3), L(4), B(5), R(6)))                 \
    M(cosine_similarity, "ttnn", clg_cosine_similarity(T(0), T(1), I(2), N(3)))                    \
    M(pairwise_distance, "ttnnn", clg_pairwise_distance(T(0), T(1), N(2), N(3), B(4)))             \
    M(affine_grid, "tsn", clg_affine_grid(T(0), S(1), B(2)))                                       \
    M(pdist, "tn", clg_pdist(T(0), N(1)))                                                          \
    M(reshape, "ts", clg_reshape(T(0), S(1)))                                                      \
    M(flatten, "tnn", clg_flatten(T(0), I(1), I(2)))                                               \
    M(permute, "ts", clg_permute(T(0), S(1)))                                                      \
    M(transpose, "tnn", clg_transpose(T(0), I(1), I(2)))                                           \
    M(squeeze, "ts", clg_squeeze(T(0), S(1)))                                                      \
    M(unsqueeze, "tn", clg_unsqueeze(T(0), I(1)))                                                  \
    M(expand, "ts", clg_expand(T(0), S(1)))                                                        \
    M(slice, "tnnnn", clg_slice(T(0), I(1), L(2), L(3), L(4)))                                     \
    M(flip, "ts", clg_flip(T(0), S(1)))                                                            \
    M(pad, "tssn", clg_pad(T(0), S(1), S(2), N(3)))                                                \
    M(concat, "nt*", clg_concat_n(v->t + 1, v->count - 1, I(0)))                                   \
    M(stack, "nt*", clg_stack_n(v->t + 1, v->count - 1, I(0)))                                     \
    M(one_hot, "tn", clg_one_hot(T(0), L(1)))                                                      \
    M(index_select, "tnt", clg_index_select(T(0), I(1), T(2)))                                     \
    M(matmul, "tt", clg_matmul(T(0), T(1)))                                                        \
    M(adaptive_max_pool1d, "ts", clg_adaptive_max_pool1d(T(0), S(1), NULL))                        \
    M(adaptive_max_pool2d, "ts", clg_adaptive_max_pool2d(T(0), S(1), NULL))                        \
    M(adaptive_max_pool3d, "ts", clg_adaptive_max_pool3d(T(0), S(1), NULL))                        \
    M(adaptive_avg_pool1d, "ts", clg_adaptive_avg_pool1d(T(0), S(1)))                              \
    M(adaptive_avg_pool2d, "ts", clg_adaptive_avg_pool2d(T(0), S(1)))                              \
    M(adaptive_avg_pool3d, "ts", clg_adaptive_avg_pool3d(T(0), S(1)))                              \
    M(dropout, "tn", clg_dropout(T(0), N(1)))                                                      \
    M(uniform, "tsnn", clg_uniform(T(0)->dev, T(0)->dtype, S(1), N(2), N(3)))                      \
    M(normal, "tsnn", clg_normal(T(0)->dev, T(0)->dtype, S(1), N(2), N(3)))                        \
    M(bernoulli, "tsn", clg_bernoulli(T(0)->dev, T(0)->dtype, S(1), N(2)))                         \
    M(permutation, "tn", clg_permutation(T(0)->dev, L(1)))                                         \
    M(arange, "tnnn", clg_arange(T(0)->dev, T(0)->dtype, N(1), N(2), N(3)))

// Functions of create.h
#define CREATE_CALLS(M)                                                                            \
    M(full_like, "tn", clg_full_like(T(0), N(1)))                                                  \
    M(zeros_like, "t", clg_zeros_like(T(0)))                                                       \
    M(ones_like, "t", clg_ones_like(T(0)))                                                         \
    M(linspace, "tnnn", clg_linspace(T(0)->dev, T(0)->dtype, N(1), N(2), L(3)))                    \
    M(logspace, "tnnnn", clg_logspace(T(0)->dev, T(0)->dtype, N(1), N(2), L(3), N(4)))             \
    M(eye, "tnn", clg_eye(T(0)->dev, T(0)->dtype, L(1), L(2)))                                     \
    M(vander, "tnn", clg_vander(T(0), L(1), B(2)))                                                 \
    M(cartesian_prod, "t*", clg_cartesian_prod_n(v->t, v->count))                                  \
    M(combinations, "tnn", clg_combinations(T(0), L(1), B(2)))                                     \
    M(tril_indices, "tnnn", clg_tril_indices(T(0)->dev, L(1), L(2), L(3)))                         \
    M(triu_indices, "tnnn", clg_triu_indices(T(0)->dev, L(1), L(2), L(3)))                         \
    M(hann_window, "tnn", clg_hann_window(T(0)->dev, T(0)->dtype, L(1), B(2)))                     \
    M(blackman_window, "tnn", clg_blackman_window(T(0)->dev, T(0)->dtype, L(1), B(2)))             \
    M(nuttall_window, "tnn", clg_nuttall_window(T(0)->dev, T(0)->dtype, L(1), B(2)))               \
    M(bartlett_window, "tnn", clg_bartlett_window(T(0)->dev, T(0)->dtype, L(1), B(2)))             \
    M(cosine_window, "tnn", clg_cosine_window(T(0)->dev, T(0)->dtype, L(1), B(2)))                 \
    M(hamming_window, "tnnnn", clg_hamming_window(T(0)->dev, T(0)->dtype, L(1), B(2), N(3), N(4))) \
    M(general_hamming_window, "tnnn",                                                              \
      clg_general_hamming_window(T(0)->dev, T(0)->dtype, L(1), B(2), N(3)))                        \
    M(general_cosine_window, "tnnnn",                                                              \
      clg_general_cosine_window(T(0)->dev, T(0)->dtype, L(1), B(2), v->n + 3, 2))                  \
    M(kaiser_window, "tnnn", clg_kaiser_window(T(0)->dev, T(0)->dtype, L(1), B(2), N(3)))          \
    M(gaussian_window, "tnnn", clg_gaussian_window(T(0)->dev, T(0)->dtype, L(1), B(2), N(3)))      \
    M(exponential_window, "tnnnn",                                                                 \
      clg_exponential_window(T(0)->dev, T(0)->dtype, L(1), B(2), N(3), N(4)))                      \
    M(randint, "tsnn", clg_randint(T(0)->dev, T(0)->dtype, S(1), L(2), L(3)))                      \
    M(exponential, "tsn", clg_exponential(T(0)->dev, T(0)->dtype, S(1), N(2)))                     \
    M(log_normal, "tsnn", clg_log_normal(T(0)->dev, T(0)->dtype, S(1), N(2), N(3)))                \
    M(geometric, "tsn", clg_geometric(T(0)->dev, T(0)->dtype, S(1), N(2)))                         \
    M(cauchy, "tsnn", clg_cauchy(T(0)->dev, T(0)->dtype, S(1), N(2), N(3)))                        \
    M(trunc_normal, "tsnnnn",                                                                      \
      clg_trunc_normal(T(0)->dev, T(0)->dtype, S(1), N(2), N(3), N(4), N(5)))                      \
    M(multinomial, "tnn", clg_multinomial(T(0), L(1), B(2)))                                       \
    M(poisson, "t", clg_poisson(T(0)))                                                             \
    M(dropout1d, "tn", clg_dropout1d(T(0), N(1)))                                                  \
    M(dropout2d, "tn", clg_dropout2d(T(0), N(1)))                                                  \
    M(dropout3d, "tn", clg_dropout3d(T(0), N(1)))                                                  \
    M(feature_dropout, "tn", clg_feature_dropout(T(0), N(1)))                                      \
    M(alpha_dropout, "tn", clg_alpha_dropout(T(0), N(1)))                                          \
    M(feature_alpha_dropout, "tn", clg_feature_alpha_dropout(T(0), N(1)))

// Reductions of reduce.h. SECOND: the second of two results
#define REDUCE_CALLS(M)                                                                            \
    M(prod, "tsn", clg_prod(T(0), S(1), B(2)))                                                     \
    M(norm, "tnsn", clg_norm(T(0), N(1), S(2), B(3)))                                              \
    M(dist, "ttn", clg_dist(T(0), T(1), N(2)))                                                     \
    M(cdist, "ttn", clg_cdist(T(0), T(1), N(2)))                                                   \
    M(max, "tnn", clg_max(T(0), I(1), B(2), NULL))                                                 \
    M(min, "tnn", clg_min(T(0), I(1), B(2), NULL))                                                 \
    M(aminmax, "tsn", clg_aminmax(T(0), S(1), B(2), NULL))                                         \
    M(count_nonzero, "tsn", clg_count_nonzero(T(0), S(1), B(2)))                                   \
    M(nansum, "tsn", clg_nansum(T(0), S(1), B(2)))                                                 \
    M(nanmean, "tsn", clg_nanmean(T(0), S(1), B(2)))                                               \
    M(var_mean, "tsnn", clg_var_mean(T(0), S(1), N(2), B(3), NULL))                                \
    M(std_mean, "tsnn", clg_std_mean(T(0), S(1), N(2), B(3), NULL))                                \
    M(trace, "t", clg_trace(T(0)))                                                                 \
    M(diff, "tnnTT", clg_diff(T(0), I(1), I(2), T(3), T(4)))                                       \
    M(trapezoid, "tTnn", clg_trapezoid(T(0), T(1), N(2), I(3)))                                    \
    M(cumulative_trapezoid, "tTnn", clg_cumulative_trapezoid(T(0), T(1), N(2), I(3)))              \
    M(gradient, "tTnnn", clg_gradient(T(0), T(1), N(2), I(3), I(4)))                               \
    M(cov, "tnTT", clg_cov(T(0), N(1), T(2), T(3)))                                                \
    M(corrcoef, "t", clg_corrcoef(T(0)))
#define SCAN_CALLS(M)                                                                              \
    M(cumsum, "tn", clg_cumsum(T(0), I(1)))                                                        \
    M(cumprod, "tn", clg_cumprod(T(0), I(1)))                                                      \
    M(cummax, "tn", clg_cummax(T(0), I(1), NULL))                                                  \
    M(cummin, "tn", clg_cummin(T(0), I(1), NULL))                                                  \
    M(logcumsumexp, "tn", clg_logcumsumexp(T(0), I(1)))
#define SORT_CALLS(M)                                                                              \
    M(sort, "tnn", clg_sort(T(0), I(1), B(2), NULL))                                               \
    M(argsort, "tnn", clg_argsort(T(0), I(1), B(2)))                                               \
    M(msort, "t", clg_msort(T(0)))                                                                 \
    M(topk, "tnnn", clg_topk(T(0), L(1), I(2), B(3), NULL))                                        \
    M(kthvalue, "tnnn", clg_kthvalue(T(0), L(1), I(2), B(3), NULL))                                \
    M(median, "tnn", clg_median(T(0), I(1), B(2), NULL))                                           \
    M(nanmedian, "tnn", clg_nanmedian(T(0), I(1), B(2), NULL))                                     \
    M(quantile, "ttnnn", clg_quantile(T(0), T(1), I(2), B(3), (clg_interpolation) I(4)))           \
    M(nanquantile, "ttnnn", clg_nanquantile(T(0), T(1), I(2), B(3), (clg_interpolation) I(4)))     \
    M(mode, "tnn", clg_mode(T(0), I(1), B(2), NULL))                                               \
    M(searchsorted, "ttnT", clg_searchsorted(T(0), T(1), B(2), T(3)))                              \
    M(bucketize, "ttn", clg_bucketize(T(0), T(1), B(2)))                                           \
    M(isin, "ttn", clg_isin(T(0), T(1), B(2)))                                                     \
    M(bincount, "tTn", clg_bincount(T(0), T(1), L(2)))                                             \
    M(histc, "tnnn", clg_histc(T(0), L(1), N(2), N(3)))                                            \
    M(histogram, "ttTn", clg_histogram(T(0), T(1), T(2), B(3)))                                    \
    M(histogram_edges, "tnnn", clg_histogram_edges(T(0), L(1), N(2), N(3)))                        \
    M(unique, "t", clg_unique(T(0), NULL, NULL))                                                   \
    M(unique_dim, "tn", clg_unique_dim(T(0), I(1), NULL, NULL))                                    \
    M(unique_consecutive_dim, "tn", clg_unique_consecutive_dim(T(0), I(1), NULL, NULL))            \
    M(unique_consecutive, "t", clg_unique_consecutive(T(0), NULL, NULL))
#define SECOND_CALLS(M)                                                                            \
    M(mode, "tnn", clg_mode(T(0), I(1), B(2), &second))                                            \
    M(unique, "t", clg_unique(T(0), &second, NULL))                                                \
    M(unique_dim, "tn", clg_unique_dim(T(0), I(1), &second, NULL))                                 \
    M(unique_consecutive_dim, "tn", clg_unique_consecutive_dim(T(0), I(1), NULL, &second))         \
    M(unique_consecutive, "t", clg_unique_consecutive(T(0), NULL, &second))                        \
    M(cummax, "tn", clg_cummax(T(0), I(1), &second))                                               \
    M(cummin, "tn", clg_cummin(T(0), I(1), &second))                                               \
    M(sort, "tnn", clg_sort(T(0), I(1), B(2), &second))                                            \
    M(topk, "tnnn", clg_topk(T(0), L(1), I(2), B(3), &second))                                     \
    M(kthvalue, "tnnn", clg_kthvalue(T(0), L(1), I(2), B(3), &second))                             \
    M(median, "tnn", clg_median(T(0), I(1), B(2), &second))                                        \
    M(nanmedian, "tnn", clg_nanmedian(T(0), I(1), B(2), &second))                                  \
    M(max, "tnn", clg_max(T(0), I(1), B(2), &second))                                              \
    M(min, "tnn", clg_min(T(0), I(1), B(2), &second))                                              \
    M(aminmax, "tsn", clg_aminmax(T(0), S(1), B(2), &second))                                      \
    M(var_mean, "tsnn", clg_var_mean(T(0), S(1), N(2), B(3), &second))                             \
    M(std_mean, "tsnn", clg_std_mean(T(0), S(1), N(2), B(3), &second))

// A distance of triplets: 1 - cos.
static clg_tensor angle(clg_tensor a, clg_tensor b, void *user)
{
    (void) user;
    return clg_scalar_sub(1, clg_cosine_similarity(a, b, -1, 1e-8));
}

#define APPLY(id, signature, value)                                                                \
    static clg_tensor do_##id(const call_values *v)                                                \
    {                                                                                              \
        return value;                                                                              \
    }
PLAIN_CALLS(APPLY)
CREATE_CALLS(APPLY)
REDUCE_CALLS(APPLY)
SCAN_CALLS(APPLY)
SORT_CALLS(APPLY)
#define APPLY_SECOND(id, signature, value)                                                         \
    static clg_tensor do_##id##_second(const call_values *v)                                       \
    {                                                                                              \
        clg_tensor second = NULL;                                                                  \
        value;                                                                                     \
        return second;                                                                             \
    }
SECOND_CALLS(APPLY_SECOND)
INDEX_CALLS(APPLY)
IMAGE_CALLS(APPLY)
LINALG_CALLS(APPLY)
#define APPLY_FACTOR(id, signature, value)                                                         \
    static clg_tensor do_##id(const call_values *v)                                                \
    {                                                                                              \
        clg_tensor second = NULL;                                                                  \
        const clg_tensor y = value;                                                                \
        (void) second;                                                                             \
        return y;                                                                                  \
    }
FACTOR_CALLS(APPLY)
#define APPLY_PART(id, function, signature, value) APPLY_FACTOR(id, signature, value)
FACTOR_PARTS(APPLY_PART)
#define APPLY_UNARY(id) APPLY(id, "t", clg_##id(T(0)))
CLG_UNARY_MAP(APPLY_UNARY)
#define APPLY_BINARY(id)                                                                           \
    APPLY(id, "tt", clg_##id(T(0), T(1)))                                                          \
    APPLY(id##_scalar, "tn", clg_##id##_scalar(T(0), N(1)))                                        \
    APPLY(scalar_##id, "nt", clg_scalar_##id(N(0), T(1)))
CLG_BINARY_MAP(APPLY_BINARY)

// ---- params structs

#define FIELD(kind, id, type) { #id, offsetof(struct kind, id), type }
static const call_field cross_entropy_fields[] = {
    FIELD(clg_cross_entropy_params, reduction, 'i'), FIELD(clg_cross_entropy_params, label_smoothing, 'n'),
    FIELD(clg_cross_entropy_params, weight, 't'), FIELD(clg_cross_entropy_params, ignore_index, 'l'),
    FIELD(clg_cross_entropy_params, use_ignore_index, 'b'), { NULL, 0, 0 }
};
static const call_field nll_fields[] = {
    FIELD(clg_nll_loss_params, reduction, 'i'), FIELD(clg_nll_loss_params, weight, 't'),
    FIELD(clg_nll_loss_params, ignore_index, 'l'), FIELD(clg_nll_loss_params, use_ignore_index, 'b'), { NULL, 0, 0 }
};
static const call_field conv_fields[] = {
    FIELD(clg_conv_params, stride, 'i'), FIELD(clg_conv_params, stride_d, 'i'),
    FIELD(clg_conv_params, stride_h, 'i'), FIELD(clg_conv_params, stride_w, 'i'),
    FIELD(clg_conv_params, padding, 'i'), FIELD(clg_conv_params, padding_d, 'i'),
    FIELD(clg_conv_params, padding_h, 'i'), FIELD(clg_conv_params, padding_w, 'i'),
    FIELD(clg_conv_params, dilation, 'i'), FIELD(clg_conv_params, dilation_d, 'i'),
    FIELD(clg_conv_params, dilation_h, 'i'), FIELD(clg_conv_params, dilation_w, 'i'),
    FIELD(clg_conv_params, padding_end, 'i'), FIELD(clg_conv_params, padding_end_d, 'i'),
    FIELD(clg_conv_params, padding_end_h, 'i'), FIELD(clg_conv_params, padding_end_w, 'i'),
    FIELD(clg_conv_params, output_padding, 'i'), FIELD(clg_conv_params, output_padding_d, 'i'),
    FIELD(clg_conv_params, output_padding_h, 'i'), FIELD(clg_conv_params, output_padding_w, 'i'),
    FIELD(clg_conv_params, groups, 'i'), FIELD(clg_conv_params, no_padding_end, 'b'),
    FIELD(clg_conv_params, padding_same, 'b'), { NULL, 0, 0 }
};
static const call_field pool_fields[] = {
    FIELD(clg_pool_params, kernel, 'i'), FIELD(clg_pool_params, kernel_d, 'i'),
    FIELD(clg_pool_params, kernel_h, 'i'), FIELD(clg_pool_params, kernel_w, 'i'),
    FIELD(clg_pool_params, stride, 'i'), FIELD(clg_pool_params, stride_d, 'i'),
    FIELD(clg_pool_params, stride_h, 'i'), FIELD(clg_pool_params, stride_w, 'i'),
    FIELD(clg_pool_params, padding, 'i'), FIELD(clg_pool_params, padding_d, 'i'),
    FIELD(clg_pool_params, padding_h, 'i'), FIELD(clg_pool_params, padding_w, 'i'),
    FIELD(clg_pool_params, dilation, 'i'), FIELD(clg_pool_params, dilation_d, 'i'),
    FIELD(clg_pool_params, dilation_h, 'i'), FIELD(clg_pool_params, dilation_w, 'i'),
    FIELD(clg_pool_params, padding_end, 'i'), FIELD(clg_pool_params, padding_end_d, 'i'),
    FIELD(clg_pool_params, padding_end_h, 'i'), FIELD(clg_pool_params, padding_end_w, 'i'),
    FIELD(clg_pool_params, exclude_padding, 'b'), FIELD(clg_pool_params, ceil_mode, 'b'),
    FIELD(clg_pool_params, divisor, 'i'), FIELD(clg_pool_params, no_padding_end, 'b'), { NULL, 0, 0 }
};
static const call_field fold_fields[] = {
    FIELD(clg_fold_params, kernel, 'i'), FIELD(clg_fold_params, kernel_d, 'i'),
    FIELD(clg_fold_params, kernel_h, 'i'), FIELD(clg_fold_params, kernel_w, 'i'),
    FIELD(clg_fold_params, stride, 'i'), FIELD(clg_fold_params, stride_d, 'i'),
    FIELD(clg_fold_params, stride_h, 'i'), FIELD(clg_fold_params, stride_w, 'i'),
    FIELD(clg_fold_params, padding, 'i'), FIELD(clg_fold_params, padding_d, 'i'),
    FIELD(clg_fold_params, padding_h, 'i'), FIELD(clg_fold_params, padding_w, 'i'),
    FIELD(clg_fold_params, dilation, 'i'), FIELD(clg_fold_params, dilation_d, 'i'),
    FIELD(clg_fold_params, dilation_h, 'i'), FIELD(clg_fold_params, dilation_w, 'i'),
    FIELD(clg_fold_params, padding_end, 'i'), FIELD(clg_fold_params, padding_end_d, 'i'),
    FIELD(clg_fold_params, padding_end_h, 'i'), FIELD(clg_fold_params, padding_end_w, 'i'),
    FIELD(clg_fold_params, no_padding_end, 'b'), { NULL, 0, 0 }
};
static const call_field batch_norm_fields[] = {
    FIELD(clg_batch_norm_params, training, 'b'), FIELD(clg_batch_norm_params, eps, 'n'),
    FIELD(clg_batch_norm_params, momentum, 'n'), { NULL, 0, 0 }
};

static const call_field instance_norm_fields[] = {
    FIELD(clg_instance_norm_params, use_running, 'b'), FIELD(clg_instance_norm_params, eps, 'n'),
    FIELD(clg_instance_norm_params, momentum, 'n'), { NULL, 0, 0 }
};
static const call_field norm_fields[] = {
    FIELD(clg_norm_params, eps, 'n'), FIELD(clg_norm_params, no_eps, 'b'), { NULL, 0, 0 }
};

static const call_field attention_fields[] = {
    FIELD(clg_attention_params, is_causal, 'b'), FIELD(clg_attention_params, scale, 'n'),
    FIELD(clg_attention_params, enable_gqa, 'b'), { NULL, 0, 0 }
};

static clg_tensor do_cross_entropy(const call_values *v)
{
    PARAMS(clg_cross_entropy_params)
    return clg_cross_entropy(T(0), T(1), &p);
}

static clg_tensor do_linear_cross_entropy(const call_values *v)
{
    PARAMS(clg_cross_entropy_params)
    return clg_linear_cross_entropy(T(0), T(1), T(2), T(3), &p);
}

static clg_tensor do_nll_loss(const call_values *v)
{
    PARAMS(clg_nll_loss_params)
    return clg_nll_loss(T(0), T(1), &p);
}

#define CONV_CALLS(M)                                                                              \
    M(conv1d) M(conv2d) M(conv3d) M(conv_transpose1d) M(conv_transpose2d) M(conv_transpose3d)
#define APPLY_CONV(id)                                                                             \
    static clg_tensor do_##id(const call_values *v)                                                \
    {                                                                                              \
        PARAMS(clg_conv_params)                                                                    \
        return clg_##id(T(0), T(1), T(2), &p);                                                     \
    }
CONV_CALLS(APPLY_CONV)

#define POOL_CALLS(M)                                                                              \
    M(max_pool1d) M(max_pool2d) M(max_pool3d) M(avg_pool1d) M(avg_pool2d) M(avg_pool3d)
#define APPLY_POOL(id)                                                                             \
    static clg_tensor do_##id(const call_values *v)                                                \
    {                                                                                              \
        PARAMS(clg_pool_params)                                                                    \
        return clg_##id(T(0), &p);                                                                 \
    }
POOL_CALLS(APPLY_POOL)

static clg_tensor do_unfold(const call_values *v)
{
    PARAMS(clg_fold_params)
    return clg_unfold(T(0), &p);
}

static clg_tensor do_fold(const call_values *v)
{
    PARAMS(clg_fold_params)
    return clg_fold(T(0), S(1), &p);
}

#define LP_CALLS(M) M(lp_pool1d) M(lp_pool2d) M(lp_pool3d)
#define APPLY_LP(id)                                                                               \
    static clg_tensor do_##id(const call_values *v)                                                \
    {                                                                                              \
        PARAMS(clg_pool_params)                                                                    \
        return clg_##id(T(0), N(1), &p);                                                           \
    }
LP_CALLS(APPLY_LP)

#define UNPOOL_CALLS(M) M(max_unpool1d) M(max_unpool2d) M(max_unpool3d)
#define APPLY_UNPOOL(id)                                                                           \
    static clg_tensor do_##id(const call_values *v)                                                \
    {                                                                                              \
        PARAMS(clg_pool_params)                                                                    \
        return clg_##id(T(0), T(1), S(2), &p);                                                     \
    }
UNPOOL_CALLS(APPLY_UNPOOL)

static clg_tensor do_batch_norm(const call_values *v)
{
    PARAMS(clg_batch_norm_params)
    return clg_batch_norm(T(0), T(1), T(2), T(3), T(4), &p);
}

static clg_tensor do_instance_norm(const call_values *v)
{
    PARAMS(clg_instance_norm_params)
    return clg_instance_norm(T(0), T(1), T(2), T(3), T(4), &p);
}

static clg_tensor do_layer_norm(const call_values *v)
{
    PARAMS(clg_norm_params)
    return clg_layer_norm(T(0), S(1), T(2), T(3), &p);
}

static clg_tensor do_rms_norm(const call_values *v)
{
    PARAMS(clg_norm_params)
    return clg_rms_norm(T(0), S(1), T(2), &p);
}

static clg_tensor do_group_norm(const call_values *v)
{
    PARAMS(clg_norm_params)
    return clg_group_norm(T(0), I(1), T(2), T(3), &p);
}

static clg_tensor do_attention(const call_values *v)
{
    PARAMS(clg_attention_params)
    p.mask = T(3);
    return clg_scaled_dot_product_attention(T(0), T(1), T(2), &p);
}

// ---- what no expression says

// 1, 2, ... places before each dimension.
static clg_tensor do_padded(const call_values *v)
{
    clg_shape none = { .rank = T(0)->shape.rank }, some = none;
    for (int d = 0; d < some.rank; d++)
        some.dim[d] = d + 1;
    return clg_pad(T(0), some, none, 0.25);
}

// All coordinates of a grid, one after another.
static clg_tensor grid(const call_values *v, bool xy)
{
    clg_tensor out[CALL_ARGS];
    const clg_status st = clg_meshgrid_n(v->t, v->count, xy, out);
    return st < 0 ? out[0] : clg_stack_n(out, v->count, 0);
}

static clg_tensor do_meshgrid(const call_values *v)
{
    return grid(v, false);
}

static clg_tensor do_meshgrid_xy(const call_values *v)
{
    return grid(v, true);
}

// The places of the winners.
static clg_tensor do_max_pool_indices(const call_values *v)
{
    clg_tensor indices = NULL;
    struct clg_pool_params p = { .size = sizeof p, .indices = &indices };
    v->named(v, &p);
    if (T(0)->shape.rank == 3)
        clg_max_pool1d(T(0), &p);
    else if (T(0)->shape.rank == 4)
        clg_max_pool2d(T(0), &p);
    else
        clg_max_pool3d(T(0), &p);
    return indices;
}

static clg_tensor do_adaptive_indices(const call_values *v)
{
    clg_tensor indices = NULL;
    clg_adaptive_max_pool2d(T(0), S(1), &indices);
    return indices;
}

// The padding that keeps the size.
static clg_tensor do_same_conv(const call_values *v)
{
    return clg_conv2d(T(0), T(1), NULL, clg_conv2d_params(.padding = (int) T(1)->shape.dim[2] / 2));
}

// A gradient of a convolution with twice as many channels out as in; the cotangent is x, twice.
static clg_tensor do_conv_gradient(const call_values *v)
{
    clg_tensor x = clg_is_tracked(T(0)) ? T(0) : clg_track(T(0)),
               w = clg_is_tracked(T(1)) ? T(1) : clg_track(T(1)), out;
    const clg_tensor y = do_same_conv(&(call_values) { .t = { x, w } });
    const clg_tensor flat = clg_reshape(T(0), CLG_SHAPE(-1));
    const clg_tensor g = clg_reshape(clg_concat(0, flat, flat), y->shape);
    clg_vjp_n(y, g, B(2) ? &x : &w, 1, false, &out);
    return out;
}

// A gradient of x times a square matrix; the cotangent is x.
static clg_tensor do_matmul_gradient(const call_values *v)
{
    clg_tensor x = clg_is_tracked(T(0)) ? T(0) : clg_track(T(0)),
               w = clg_is_tracked(T(1)) ? T(1) : clg_track(T(1)), out;
    clg_vjp_n(clg_matmul(x, w), T(0), B(2) ? &x : &w, 1, false, &out);
    return out;
}

static clg_tensor do_batch_norm_running(const call_values *v)
{
    clg_tensor mean = NULL, var = NULL;
    clg_batch_norm(T(0), NULL, NULL, T(1), T(2),
                   clg_batch_norm_params(.training = true, .momentum = 0.25, .new_mean = &mean,
                                         .new_var = &var));
    return mean && var ? clg_concat(0, mean, var) : T(0);
}

// The running statistics of instance_norm; batch_norm with a bias and no weight.
static clg_tensor do_instance_norm_running(const call_values *v)
{
    clg_tensor mean = NULL, var = NULL;
    clg_instance_norm(T(0), NULL, NULL, T(1), T(2),
                      clg_instance_norm_params(.momentum = 0.25, .new_mean = &mean, .new_var = &var));
    return mean && var ? clg_concat(0, mean, var) : T(0);
}

static clg_tensor do_batch_norm_shift(const call_values *v)
{
    return clg_batch_norm(T(0), NULL, T(1), NULL, NULL, clg_batch_norm_params(.training = true));
}

static const call_field interpolate_fields[] = {
    FIELD(clg_interpolate_params, mode, 'i'), FIELD(clg_interpolate_params, scale, 'n'),
    FIELD(clg_interpolate_params, scale_d, 'n'), FIELD(clg_interpolate_params, scale_h, 'n'),
    FIELD(clg_interpolate_params, scale_w, 'n'), FIELD(clg_interpolate_params, align_corners, 'b'),
    FIELD(clg_interpolate_params, antialias, 'b'), FIELD(clg_interpolate_params, recompute_scale_factor, 'b'),
    { NULL, 0, 0 }
};
static const call_field embedding_fields[] = {
    FIELD(clg_embedding_params, padding_idx, 'l'), FIELD(clg_embedding_params, use_padding, 'b'),
    FIELD(clg_embedding_params, scale_grad_by_freq, 'b'), { NULL, 0, 0 }
};

static clg_tensor do_interpolate(const call_values *v)
{
    PARAMS(clg_interpolate_params)
    return clg_interpolate(T(0), S(1), &p);
}

static const call_field grid_sample_fields[] = {
    FIELD(clg_grid_sample_params, mode, 'i'), FIELD(clg_grid_sample_params, padding, 'i'),
    FIELD(clg_grid_sample_params, align_corners, 'b'), { NULL, 0, 0 }
};

static clg_tensor do_grid_sample(const call_values *v)
{
    PARAMS(clg_grid_sample_params)
    return clg_grid_sample(T(0), T(1), &p);
}

static clg_tensor do_embedding(const call_values *v)
{
    PARAMS(clg_embedding_params)
    return clg_embedding(T(0), T(1), &p);
}

static const call_field embedding_bag_fields[] = {
    FIELD(clg_embedding_bag_params, mode, 'i'), FIELD(clg_embedding_bag_params, weight, 't'),
    FIELD(clg_embedding_bag_params, padding_idx, 'l'), FIELD(clg_embedding_bag_params, use_padding, 'b'),
    FIELD(clg_embedding_bag_params, include_last_offset, 'b'), FIELD(clg_embedding_bag_params, scale_grad_by_freq, 'b'),
    { NULL, 0, 0 }
};

static clg_tensor do_embedding_bag(const call_values *v)
{
    PARAMS(clg_embedding_bag_params)
    return clg_embedding_bag(T(0), T(1), T(2), &p);
}

enum { PARTS = 16 };
#define APPLY_PARTS(id, function, call)                                                            \
    static clg_tensor do_##id(const call_values *v)                                                \
    {                                                                                              \
        clg_tensor part[PARTS], back[PARTS];                                                       \
        const int n = call;                                                                        \
        for (int i = 0; i < n; i++)                                                                \
            back[i] = clg_reshape(part[n - 1 - i], CLG_SHAPE(-1));                                 \
        return n < 0 ? part[0] : clg_concat_n(back, n, 0);                                         \
    }
PART_CALLS(APPLY_PARTS)

#define ROW_PARTS(id, function, call) { #id, #function, "tnn", do_##id, NULL },
#define ROW(id, signature, value) { #id, #id, signature, do_##id, NULL },
#define ROW_MATRIX(id, signature, value) { #id, #id, signature, do_##id, NULL, true },
#define ROW_MATRIX_PART(id, function, signature, value) { #id, #function, signature, do_##id, NULL, true },
#define ROW_SECOND(id, signature, value) { #id "_second", #id, signature, do_##id##_second, NULL },
#define ROW_UNARY(id) { #id, #id, "t", do_##id, NULL },
#define ROW_BINARY(id)                                                                             \
    { #id, #id, "tt", do_##id, NULL }, { #id, #id "_scalar", "tn", do_##id##_scalar, NULL },       \
    { #id, "scalar_" #id, "nt", do_scalar_##id, NULL },
#define ROW_CONV(id) { #id, #id, "ttT", do_##id, conv_fields },
#define ROW_LP(id) { #id, #id, "tn", do_##id, pool_fields },
#define ROW_UNPOOL(id) { #id, #id, "tts", do_##id, pool_fields },
#define ROW_POOL(id) { #id, #id, "t", do_##id, pool_fields },
const call_op call_ops[] = {
    CLG_UNARY_MAP(ROW_UNARY)
    CLG_BINARY_MAP(ROW_BINARY)
    PLAIN_CALLS(ROW)
    CREATE_CALLS(ROW)
    REDUCE_CALLS(ROW)
    SCAN_CALLS(ROW)
    SORT_CALLS(ROW)
    SECOND_CALLS(ROW_SECOND)
    INDEX_CALLS(ROW)
    IMAGE_CALLS(ROW)
    LINALG_CALLS(ROW_MATRIX)
    FACTOR_CALLS(ROW_MATRIX)
    FACTOR_PARTS(ROW_MATRIX_PART)
    PART_CALLS(ROW_PARTS)
    { "interpolate", "interpolate", "ts", do_interpolate, interpolate_fields },
    { "grid_sample", "grid_sample", "tt", do_grid_sample, grid_sample_fields },
    { "embedding", "embedding", "tt", do_embedding, embedding_fields },
    { "embedding_bag", "embedding_bag", "ttT", do_embedding_bag, embedding_bag_fields },
    { "cross_entropy", "cross_entropy", "tt", do_cross_entropy, cross_entropy_fields },
    { "linear_cross_entropy", "linear_cross_entropy", "ttTt", do_linear_cross_entropy, cross_entropy_fields },
    { "nll_loss", "nll_loss", "tt", do_nll_loss, nll_fields },
    CONV_CALLS(ROW_CONV)
    POOL_CALLS(ROW_POOL)
    LP_CALLS(ROW_LP)
    UNPOOL_CALLS(ROW_UNPOOL)
    { "unfold", "unfold", "t", do_unfold, fold_fields },
    { "fold", "fold", "ts", do_fold, fold_fields },
    { "batch_norm", "batch_norm", "tTTTT", do_batch_norm, batch_norm_fields },
    { "batch_norm_shift", "batch_norm", "tt", do_batch_norm_shift, NULL },
    { "instance_norm", "instance_norm", "tTTTT", do_instance_norm, instance_norm_fields },
    { "instance_norm_running", "instance_norm", "ttt", do_instance_norm_running, NULL },
    { "layer_norm", "layer_norm", "tsTT", do_layer_norm, norm_fields },
    { "scaled_dot_product_attention", "scaled_dot_product_attention", "tttT", do_attention, attention_fields },
    { "rms_norm", "rms_norm", "tsT", do_rms_norm, norm_fields },
    { "group_norm", "group_norm", "tnTT", do_group_norm, norm_fields },
    { "max_pool_indices", "max_pool2d", "t", do_max_pool_indices, pool_fields },
    { "adaptive_indices", "adaptive_max_pool2d", "ts", do_adaptive_indices, NULL },
    { "meshgrid", "meshgrid", "t*", do_meshgrid, NULL },
    { "meshgrid_xy", "meshgrid", "t*", do_meshgrid_xy, NULL },
    { "padded", "pad", "t", do_padded, NULL },
    { "same_conv", "conv2d", "tt", do_same_conv, NULL },
    { "conv_gradient", "conv2d", "ttn", do_conv_gradient, NULL },
    { "matmul_gradient", "matmul", "ttn", do_matmul_gradient, NULL },
    { "batch_norm_running", "batch_norm", "ttt", do_batch_norm_running, NULL },
};
const int call_op_count = (int) (sizeof call_ops / sizeof call_ops[0]);
