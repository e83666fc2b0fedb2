// SPDX-License-Identifier: MIT
// Rows of handle_calls.h: losses.
#ifndef CLG_TESTS_HANDLE_CALLS_LOSS_H
#define CLG_TESTS_HANDLE_CALLS_LOSS_H

#define ROWS_LOSSES(R)                                                                             \
    R(l1_loss_0, l1_loss, clg_l1_loss(t, good, CLG_REDUCE_MEAN), 0)                                \
    R(l1_loss_1, l1_loss, clg_l1_loss(good, t, CLG_REDUCE_MEAN), 0)                                \
    R(smooth_l1_loss_0, smooth_l1_loss, clg_smooth_l1_loss(t, good, 1, CLG_REDUCE_MEAN), 0)        \
    R(smooth_l1_loss_1, smooth_l1_loss, clg_smooth_l1_loss(good, t, 1, CLG_REDUCE_MEAN), 0)        \
    R(huber_loss_0, huber_loss, clg_huber_loss(t, good, 1, CLG_REDUCE_MEAN), 0)                    \
    R(huber_loss_1, huber_loss, clg_huber_loss(good, t, 1, CLG_REDUCE_MEAN), 0)                    \
    R(mse_loss_weighted_0, mse_loss_weighted,                                                      \
      clg_mse_loss_weighted(t, good, good, CLG_REDUCE_MEAN), 0)                                    \
    R(mse_loss_weighted_1, mse_loss_weighted,                                                      \
      clg_mse_loss_weighted(good, t, good, CLG_REDUCE_MEAN), 0)                                    \
    R(mse_loss_weighted_2, mse_loss_weighted,                                                      \
      clg_mse_loss_weighted(good, good, t, CLG_REDUCE_MEAN), 0)                                    \
    R(l1_loss_weighted_0, l1_loss_weighted,                                                        \
      clg_l1_loss_weighted(t, good, good, CLG_REDUCE_MEAN), 0)                                     \
    R(l1_loss_weighted_1, l1_loss_weighted,                                                        \
      clg_l1_loss_weighted(good, t, good, CLG_REDUCE_MEAN), 0)                                     \
    R(l1_loss_weighted_2, l1_loss_weighted,                                                        \
      clg_l1_loss_weighted(good, good, t, CLG_REDUCE_MEAN), 0)                                     \
    R(huber_loss_weighted_0, huber_loss_weighted,                                                  \
      clg_huber_loss_weighted(t, good, good, 1, CLG_REDUCE_MEAN), 0)                               \
    R(huber_loss_weighted_1, huber_loss_weighted,                                                  \
      clg_huber_loss_weighted(good, t, good, 1, CLG_REDUCE_MEAN), 0)                               \
    R(huber_loss_weighted_2, huber_loss_weighted,                                                  \
      clg_huber_loss_weighted(good, good, t, 1, CLG_REDUCE_MEAN), 0)                               \
    R(binary_cross_entropy_0, binary_cross_entropy,                                                \
      clg_binary_cross_entropy(t, good, NULL, CLG_REDUCE_MEAN), 0)                                 \
    R(binary_cross_entropy_1, binary_cross_entropy,                                                \
      clg_binary_cross_entropy(good, t, NULL, CLG_REDUCE_MEAN), 0)                                 \
    R(binary_cross_entropy_2, binary_cross_entropy,                                                \
      clg_binary_cross_entropy(good, good, t, CLG_REDUCE_MEAN), OPTIONAL)                          \
    R(binary_cross_entropy_with_logits_0, binary_cross_entropy_with_logits,                        \
      clg_binary_cross_entropy_with_logits(t, good, NULL, NULL, CLG_REDUCE_MEAN), 0)               \
    R(binary_cross_entropy_with_logits_1, binary_cross_entropy_with_logits,                        \
      clg_binary_cross_entropy_with_logits(good, t, NULL, NULL, CLG_REDUCE_MEAN), 0)               \
    R(binary_cross_entropy_with_logits_2, binary_cross_entropy_with_logits,                        \
      clg_binary_cross_entropy_with_logits(good, good, t, NULL, CLG_REDUCE_MEAN), OPTIONAL)        \
    R(binary_cross_entropy_with_logits_3, binary_cross_entropy_with_logits,                        \
      clg_binary_cross_entropy_with_logits(good, good, NULL, t, CLG_REDUCE_MEAN), OPTIONAL)        \
    R(kl_div_0, kl_div, clg_kl_div(t, good, true, CLG_REDUCE_MEAN), 0)                             \
    R(kl_div_1, kl_div, clg_kl_div(good, t, true, CLG_REDUCE_MEAN), 0)                             \
    R(poisson_nll_loss_0, poisson_nll_loss,                                                        \
      clg_poisson_nll_loss(t, good, true, true, 0, CLG_REDUCE_MEAN), 0)                            \
    R(poisson_nll_loss_1, poisson_nll_loss,                                                        \
      clg_poisson_nll_loss(good, t, true, true, 0, CLG_REDUCE_MEAN), 0)                            \
    R(gaussian_nll_loss_0, gaussian_nll_loss,                                                      \
      clg_gaussian_nll_loss(t, good, good, true, 0, CLG_REDUCE_MEAN), 0)                           \
    R(gaussian_nll_loss_1, gaussian_nll_loss,                                                      \
      clg_gaussian_nll_loss(good, t, good, true, 0, CLG_REDUCE_MEAN), 0)                           \
    R(gaussian_nll_loss_2, gaussian_nll_loss,                                                      \
      clg_gaussian_nll_loss(good, good, t, true, 0, CLG_REDUCE_MEAN), 0)                           \
    R(hinge_embedding_loss_0, hinge_embedding_loss,                                                \
      clg_hinge_embedding_loss(t, good, 1, CLG_REDUCE_MEAN), 0)                                    \
    R(hinge_embedding_loss_1, hinge_embedding_loss,                                                \
      clg_hinge_embedding_loss(good, t, 1, CLG_REDUCE_MEAN), 0)                                    \
    R(margin_ranking_loss_0, margin_ranking_loss,                                                  \
      clg_margin_ranking_loss(t, good, good, 1, CLG_REDUCE_MEAN), 0)                               \
    R(margin_ranking_loss_1, margin_ranking_loss,                                                  \
      clg_margin_ranking_loss(good, t, good, 1, CLG_REDUCE_MEAN), 0)                               \
    R(margin_ranking_loss_2, margin_ranking_loss,                                                  \
      clg_margin_ranking_loss(good, good, t, 1, CLG_REDUCE_MEAN), 0)                               \
    R(cosine_embedding_loss_0, cosine_embedding_loss,                                              \
      clg_cosine_embedding_loss(t, good, good, 1, CLG_REDUCE_MEAN), 0)                             \
    R(cosine_embedding_loss_1, cosine_embedding_loss,                                              \
      clg_cosine_embedding_loss(good, t, good, 1, CLG_REDUCE_MEAN), 0)                             \
    R(cosine_embedding_loss_2, cosine_embedding_loss,                                              \
      clg_cosine_embedding_loss(good, good, t, 1, CLG_REDUCE_MEAN), 0)                             \
    R(multi_margin_loss_0, multi_margin_loss,                                                      \
      clg_multi_margin_loss(t, good, 1, 1, NULL, CLG_REDUCE_MEAN), 0)                              \
    R(multi_margin_loss_1, multi_margin_loss,                                                      \
      clg_multi_margin_loss(good, t, 1, 1, NULL, CLG_REDUCE_MEAN), 0)                              \
    R(multi_margin_loss_2, multi_margin_loss,                                                      \
      clg_multi_margin_loss(good, good, 1, 1, t, CLG_REDUCE_MEAN), OPTIONAL)                       \
    R(multilabel_margin_loss_0, multilabel_margin_loss,                                            \
      clg_multilabel_margin_loss(t, good, CLG_REDUCE_MEAN), 0)                                     \
    R(multilabel_margin_loss_1, multilabel_margin_loss,                                            \
      clg_multilabel_margin_loss(good, t, CLG_REDUCE_MEAN), 0)                                     \
    R(multilabel_soft_margin_loss_0, multilabel_soft_margin_loss,                                  \
      clg_multilabel_soft_margin_loss(t, good, NULL, CLG_REDUCE_MEAN), 0)                          \
    R(multilabel_soft_margin_loss_1, multilabel_soft_margin_loss,                                  \
      clg_multilabel_soft_margin_loss(good, t, NULL, CLG_REDUCE_MEAN), 0)                          \
    R(multilabel_soft_margin_loss_2, multilabel_soft_margin_loss,                                  \
      clg_multilabel_soft_margin_loss(good, good, t, CLG_REDUCE_MEAN), OPTIONAL)                   \
    R(soft_margin_loss_0, soft_margin_loss, clg_soft_margin_loss(t, good, CLG_REDUCE_MEAN), 0)     \
    R(soft_margin_loss_1, soft_margin_loss, clg_soft_margin_loss(good, t, CLG_REDUCE_MEAN), 0)     \
    R(triplet_margin_loss_0, triplet_margin_loss,                                                  \
      clg_triplet_margin_loss(t, good, good, 1, 2, 0, true, CLG_REDUCE_MEAN), 0)                   \
    R(triplet_margin_loss_1, triplet_margin_loss,                                                  \
      clg_triplet_margin_loss(good, t, good, 1, 2, 0, true, CLG_REDUCE_MEAN), 0)                   \
    R(triplet_margin_loss_2, triplet_margin_loss,                                                  \
      clg_triplet_margin_loss(good, good, t, 1, 2, 0, true, CLG_REDUCE_MEAN), 0)                   \
    R(triplet_margin_with_distance_loss_0, triplet_margin_with_distance_loss,                      \
      clg_triplet_margin_with_distance_loss(t, good, good, NULL, NULL, 1, true,                    \
        CLG_REDUCE_MEAN), 0)                                                                       \
    R(triplet_margin_with_distance_loss_1, triplet_margin_with_distance_loss,                      \
      clg_triplet_margin_with_distance_loss(good, t, good, NULL, NULL, 1, true,                    \
        CLG_REDUCE_MEAN), 0)                                                                       \
    R(triplet_margin_with_distance_loss_2, triplet_margin_with_distance_loss,                      \
      clg_triplet_margin_with_distance_loss(good, good, t, NULL, NULL, 1, true,                    \
        CLG_REDUCE_MEAN), 0)                                                                       \
    R(ctc_loss_0, ctc_loss, clg_ctc_loss(t, good, good, good, 0, true, CLG_REDUCE_MEAN), 0)        \
    R(ctc_loss_1, ctc_loss, clg_ctc_loss(good, t, good, good, 0, true, CLG_REDUCE_MEAN), 0)        \
    R(ctc_loss_2, ctc_loss, clg_ctc_loss(good, good, t, good, 0, true, CLG_REDUCE_MEAN), 0)        \
    R(ctc_loss_3, ctc_loss, clg_ctc_loss(good, good, good, t, 0, true, CLG_REDUCE_MEAN), 0)        \
    R(cosine_similarity_0, cosine_similarity, clg_cosine_similarity(t, good, 0, 0), 0)             \
    R(cosine_similarity_1, cosine_similarity, clg_cosine_similarity(good, t, 0, 0), 0)             \
    R(pairwise_distance_0, pairwise_distance, clg_pairwise_distance(t, good, 2, 0, false), 0)      \
    R(pairwise_distance_1, pairwise_distance, clg_pairwise_distance(good, t, 2, 0, false), 0)      \
    R(pdist_0, pdist, clg_pdist(t, 2), 0)                                                          \
    R(nll_loss_0, nll_loss, clg_nll_loss(t, good, NULL), 0)                                        \
    R(nll_loss_1, nll_loss, clg_nll_loss(good, t, NULL), 0)                                        \
    R(nll_loss_2, nll_loss, clg_nll_loss(good, good, clg_nll_loss_params(.weight = t)), OPTIONAL)  \
    R(linear_cross_entropy_0, linear_cross_entropy,                                                \
      clg_linear_cross_entropy(t, good, NULL, good, NULL), 0)                                      \
    R(linear_cross_entropy_1, linear_cross_entropy,                                                \
      clg_linear_cross_entropy(good, t, NULL, good, NULL), 0)                                      \
    R(linear_cross_entropy_2, linear_cross_entropy,                                                \
      clg_linear_cross_entropy(good, good, NULL, t, NULL), 0)                                      \
    R(linear_cross_entropy_3, linear_cross_entropy,                                                \
      clg_linear_cross_entropy(good, good, t, good, NULL), OPTIONAL)
#endif
