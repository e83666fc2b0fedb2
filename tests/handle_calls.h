// SPDX-License-Identifier: MIT
// Every public function that takes a handle, called with one that may be dead: rows of name, the name that messages
// spell, the call, and kinds of handle that are not its business. t, v, s, w, o, d are those of test_handles.c.
#ifndef CLG_TESTS_HANDLE_CALLS_H
#define CLG_TESTS_HANDLE_CALLS_H

#include "handle_calls_loss.h"

// index.h, arrange.h, image.h
#define ROWS_INDEX(R)                                                                              \
    R(embedding0, embedding, clg_embedding(t, good, NULL), 0)                                      \
    R(embedding1, embedding, clg_embedding(good, t, NULL), 0)                                      \
    R(embedding_bag0, embedding_bag, clg_embedding_bag(t, good, NULL, NULL), 0)                    \
    R(embedding_bag1, embedding_bag, clg_embedding_bag(good, t, NULL, NULL), 0)                    \
    R(embedding_bag2, embedding_bag, clg_embedding_bag(good, good, t, NULL), OPTIONAL)             \
    R(interpolate, interpolate, clg_interpolate(t, CLG_SHAPE(2), NULL), 0)                         \
    R(affine_grid, affine_grid, clg_affine_grid(t, CLG_SHAPE(1, 1, 2, 2), false), 0)               \
    R(grid_sample0, grid_sample, clg_grid_sample(t, good, NULL), 0)                                \
    R(grid_sample1, grid_sample, clg_grid_sample(good, t, NULL), 0)                                \
    R(pad_reflect, pad_reflect, clg_pad_reflect(t, CLG_SHAPE(1), CLG_SHAPE(0)), 0)                 \
    R(pad_replicate, pad_replicate, clg_pad_replicate(t, CLG_SHAPE(1), CLG_SHAPE(0)), 0)           \
    R(pad_circular, pad_circular, clg_pad_circular(t, CLG_SHAPE(1), CLG_SHAPE(0)), 0)              \
    R(pixel_shuffle, pixel_shuffle, clg_pixel_shuffle(t, 1), 0)                                    \
    R(pixel_unshuffle, pixel_unshuffle, clg_pixel_unshuffle(t, 1), 0)                              \
    R(channel_shuffle, channel_shuffle, clg_channel_shuffle(t, 1), 0)                              \
    R(gather0, gather, clg_gather(t, 0, good), 0)                                                  \
    R(gather1, gather, clg_gather(good, 0, t), 0)                                                  \
    R(scatter0, scatter, clg_scatter(t, 0, good, good), 0)                                         \
    R(scatter1, scatter, clg_scatter(good, 0, t, good), 0)                                         \
    R(scatter2, scatter, clg_scatter(good, 0, good, t), 0)                                         \
    R(scatter_value0, scatter_value, clg_scatter_value(t, 0, good, 1), 0)                          \
    R(scatter_value1, scatter_value, clg_scatter_value(good, 0, t, 1), 0)                          \
    R(scatter_add0, scatter_add, clg_scatter_add(t, 0, good, good), 0)                             \
    R(scatter_add1, scatter_add, clg_scatter_add(good, 0, t, good), 0)                             \
    R(scatter_add2, scatter_add, clg_scatter_add(good, 0, good, t), 0)                             \
    R(scatter_reduce0, scatter_reduce, clg_scatter_reduce(t, 0, good, good, CLG_SCATTER_PROD, true), 0)\
    R(scatter_reduce1, scatter_reduce, clg_scatter_reduce(good, 0, t, good, CLG_SCATTER_PROD, true), 0)\
    R(scatter_reduce2, scatter_reduce, clg_scatter_reduce(good, 0, good, t, CLG_SCATTER_PROD, true), 0)\
    R(take_along_dim0, take_along_dim, clg_take_along_dim(t, good, 0), 0)                          \
    R(take_along_dim1, take_along_dim, clg_take_along_dim(good, t, 0), 0)                          \
    R(take0, take, clg_take(t, good), 0)                                                           \
    R(take1, take, clg_take(good, t), 0)                                                           \
    R(put0, put, clg_put(t, good, good, true), 0)                                                  \
    R(put1, put, clg_put(good, t, good, true), 0)                                                  \
    R(put2, put, clg_put(good, good, t, true), 0)                                                  \
    R(index_add0, index_add, clg_index_add(t, 0, good, good, 1), 0)                                \
    R(index_add1, index_add, clg_index_add(good, 0, t, good, 1), 0)                                \
    R(index_add2, index_add, clg_index_add(good, 0, good, t, 1), 0)                                \
    R(index_copy0, index_copy, clg_index_copy(t, 0, good, good), 0)                                \
    R(index_copy1, index_copy, clg_index_copy(good, 0, t, good), 0)                                \
    R(index_copy2, index_copy, clg_index_copy(good, 0, good, t), 0)                                \
    R(index_fill0, index_fill, clg_index_fill(t, 0, good, 1), 0)                                   \
    R(index_fill1, index_fill, clg_index_fill(good, 0, t, 1), 0)                                   \
    R(index_reduce0, index_reduce, clg_index_reduce(t, 0, good, good, CLG_SCATTER_PROD, true), 0)  \
    R(index_reduce1, index_reduce, clg_index_reduce(good, 0, t, good, CLG_SCATTER_PROD, true), 0)  \
    R(index_reduce2, index_reduce, clg_index_reduce(good, 0, good, t, CLG_SCATTER_PROD, true), 0)  \
    R(index0, index, clg_index_n(t, &good, 1), 0)                                                  \
    R(index1, index, clg_index_n(good, (clg_tensor[]) { good, t }, 2), OPTIONAL)                   \
    R(index_put0, index_put, clg_index_put_n(t, &good, 1, good, true), 0)                          \
    R(index_put1, index_put, clg_index_put_n(good, (clg_tensor[]) { good, t }, 2, good, true), OPTIONAL)\
    R(index_put2, index_put, clg_index_put_n(good, &good, 1, t, true), 0)                          \
    R(masked_fill0, masked_fill, clg_masked_fill(t, good, 1), 0)                                   \
    R(masked_fill1, masked_fill, clg_masked_fill(good, t, 1), 0)                                   \
    R(masked_select0, masked_select, clg_masked_select(t, good), 0)                                \
    R(masked_select1, masked_select, clg_masked_select(good, t), 0)                                \
    R(masked_scatter0, masked_scatter, clg_masked_scatter(t, good, good), 0)                       \
    R(masked_scatter1, masked_scatter, clg_masked_scatter(good, t, good), 0)                       \
    R(masked_scatter2, masked_scatter, clg_masked_scatter(good, good, t), 0)                       \
    R(nonzero, nonzero, clg_nonzero(t), 0)                                                         \
    R(argwhere, argwhere, clg_argwhere(t), 0)                                                      \
    R(narrow, narrow, clg_narrow(t, 0, 0, 1), 0)                                                   \
    R(select, select, clg_select(t, 0, 0), 0)                                                      \
    R(resample0, resample, clg_resample(t, good, good, 1), 0)                                      \
    R(resample1, resample, clg_resample(good, t, good, 1), 0)                                      \
    R(resample2, resample, clg_resample(good, good, t, 1), 0)                                      \
    R(unfold_dim, unfold_dim, clg_unfold_dim(t, 0, 1, 1), 0)                                       \
    R(movedim, movedim, clg_movedim(t, CLG_AXES(0), CLG_AXES(1)), 0)                               \
    R(unflatten, unflatten, clg_unflatten(t, 0, CLG_SHAPE(-1, 1)), 0)                              \
    R(roll, roll, clg_roll(t, CLG_SHAPE(1), CLG_AXES(0)), 0)                                       \
    R(rot90, rot90, clg_rot90(t, 1, 0, 1), 0)                                                      \
    R(repeat, repeat, clg_repeat(t, CLG_SHAPE(1, 2)), 0)                                           \
    R(tile, tile, clg_tile(t, CLG_SHAPE(2)), 0)                                                    \
    R(repeat_interleave, repeat_interleave, clg_repeat_interleave(t, 2, 0), 0)                     \
    R(tril, tril, clg_tril(t, 0), 0)                                                               \
    R(triu, triu, clg_triu(t, 0), 0)                                                               \
    R(diagonal, diagonal, clg_diagonal(t, 0, 0, 1), 0)                                             \
    R(diag_embed, diag_embed, clg_diag_embed(t, 0, 0, 1), 0)                                       \
    R(diag, diag, clg_diag(t, 0), 0)                                                               \
    R(diagflat, diagflat, clg_diagflat(t, 0), 0)                                                   \
    R(fliplr, fliplr, clg_fliplr(t), 0)                                                            \
    R(flipud, flipud, clg_flipud(t), 0)                                                            \
    R(repeat_interleave_each0, repeat_interleave_each, clg_repeat_interleave_each(t, good, 0), 0)  \
    R(repeat_interleave_each1, repeat_interleave_each, clg_repeat_interleave_each(good, t, 0), 0)  \
    R(block_diag, block_diag, clg_block_diag_n((clg_tensor[]) { good, t }, 2), 0)                  \
    R(diagonal_scatter0, diagonal_scatter, clg_diagonal_scatter(t, good, 0, 0, 1), 0)              \
    R(diagonal_scatter1, diagonal_scatter, clg_diagonal_scatter(good, t, 0, 0, 1), 0)              \
    R(slice_scatter0, slice_scatter, clg_slice_scatter(t, good, 0, 0, 1, 1), 0)                    \
    R(slice_scatter1, slice_scatter, clg_slice_scatter(good, t, 0, 0, 1, 1), 0)                    \
    R(select_scatter0, select_scatter, clg_select_scatter(t, good, 0, 0), 0)                       \
    R(select_scatter1, select_scatter, clg_select_scatter(good, t, 0, 0), 0)                       \
    R(split, split, FROM(clg_split(t, 0, 1, many, 2)), 0)                                          \
    R(split_sizes, split_sizes, FROM(clg_split_sizes(t, 0, (int64_t[]) { 1 }, 1, many)), 0)        \
    R(chunk, chunk, FROM(clg_chunk(t, 0, 2, many, 2)), 0)                                          \
    R(tensor_split, tensor_split, FROM(clg_tensor_split(t, 0, 2, many, 2)), 0)                     \
    R(tensor_split_at, tensor_split_at, FROM(clg_tensor_split_at(t, 0, (int64_t[]) { 1 }, 1, many)), 0)\
    R(hsplit, hsplit, FROM(clg_hsplit(t, 1, many, 2)), 0)                                          \
    R(vsplit, vsplit, FROM(clg_vsplit(t, 1, many, 2)), 0)                                          \
    R(dsplit, dsplit, FROM(clg_dsplit(t, 1, many, 2)), 0)                                          \
    R(unbind, unbind, FROM(clg_unbind(t, 0, many, 2)), 0)

#define ROWS_CREATE(R)                                                                             \
    R(full_like, full_like, clg_full_like(t, 0.5), 0)                                              \
    R(zeros_like, zeros_like, clg_zeros_like(t), 0)                                                \
    R(ones_like, ones_like, clg_ones_like(t), 0)                                                   \
    R(vander, vander, clg_vander(t, 2, true), 0)                                                   \
    R(combinations, combinations, clg_combinations(t, 2, true), 0)                                 \
    R(multinomial, multinomial, clg_multinomial(t, 2, true), 0)                                    \
    R(poisson, poisson, clg_poisson(t), 0)                                                         \
    R(dropout1d, dropout1d, clg_dropout1d(t, 0.5), 0)                                              \
    R(dropout2d, dropout2d, clg_dropout2d(t, 0.5), 0)                                              \
    R(dropout3d, dropout3d, clg_dropout3d(t, 0.5), 0)                                              \
    R(feature_dropout, feature_dropout, clg_feature_dropout(t, 0.5), 0)                            \
    R(alpha_dropout, alpha_dropout, clg_alpha_dropout(t, 0.5), 0)                                  \
    R(feature_alpha_dropout, feature_alpha_dropout, clg_feature_alpha_dropout(t, 0.5), 0)          \
    R(cartesian_prod, cartesian_prod, clg_cartesian_prod_n((clg_tensor[]) { good, t }, 2), 0)

// transform.h, color.h, augment.h
#define ROWS_IMAGES(R)                                                                             \
    R(image_channels_first, image_channels_first, clg_image_channels_first(t), 0)                  \
    R(image_to_dtype, image_to_dtype, clg_image_to_dtype(t, CLG_F32, false), 0)                    \
    R(image_normalize, image_normalize, clg_image_normalize(t, NULL, NULL, 1), 0)                  \
    R(image_resize, image_resize, clg_image_resize(t, CLG_SHAPE(2), NULL), 0)                      \
    R(image_crop, image_crop, clg_image_crop(t, 0, 0, 1, 1), 0)                                    \
    R(image_center_crop, image_center_crop, clg_image_center_crop(t, 1, 1), 0)                     \
    R(image_five_crop, image_five_crop, clg_image_five_crop(t, 1, 1), 0)                           \
    R(image_pad, image_pad, clg_image_pad(t, 0, 0, 0, 0, CLG_IMAGE_EDGE, 0), 0)                    \
    R(image_hflip, image_hflip, clg_image_hflip(t), 0)                                             \
    R(image_vflip, image_vflip, clg_image_vflip(t), 0)                                             \
    R(image_rotate, image_rotate, clg_image_rotate(t, 1, NULL), 0)                                 \
    R(image_affine, image_affine, clg_image_affine(t, (struct clg_image_affine_map) { 0 }, NULL), 0)   \
    R(image_perspective, image_perspective, clg_image_perspective(t, NULL, NULL), 0)               \
    R(image_gaussian_blur, image_gaussian_blur, clg_image_gaussian_blur(t, 1, 1, 1, 1), 0)         \
    R(image_erase, image_erase, clg_image_erase(t, 0, 0, 1, 1, NULL, 1), 0)                        \
    R(image_grayscale, image_grayscale, clg_image_grayscale(t, 1), 0)                              \
    R(image_adjust_brightness, image_adjust_brightness, clg_image_adjust_brightness(t, 1), 0)      \
    R(image_adjust_contrast, image_adjust_contrast, clg_image_adjust_contrast(t, 1), 0)            \
    R(image_adjust_saturation, image_adjust_saturation, clg_image_adjust_saturation(t, 1), 0)      \
    R(image_adjust_hue, image_adjust_hue, clg_image_adjust_hue(t, 0), 0)                           \
    R(image_adjust_sharpness, image_adjust_sharpness, clg_image_adjust_sharpness(t, 1), 0)         \
    R(image_adjust_gamma, image_adjust_gamma, clg_image_adjust_gamma(t, 1, 1), 0)                  \
    R(image_invert, image_invert, clg_image_invert(t), 0)                                          \
    R(image_posterize, image_posterize, clg_image_posterize(t, 1), 0)                              \
    R(image_solarize, image_solarize, clg_image_solarize(t, 1), 0)                                 \
    R(image_autocontrast, image_autocontrast, clg_image_autocontrast(t), 0)                        \
    R(image_equalize, image_equalize, clg_image_equalize(t), 0)                                    \
    R(image_random_hflip, image_random_hflip,                                                      \
      clg_image_random_hflip(t, 1, (clg_draw_key) { 0 }), 0)                                       \
    R(image_random_vflip, image_random_vflip,                                                      \
      clg_image_random_vflip(t, 1, (clg_draw_key) { 0 }), 0)                                       \
    R(image_random_crop, image_random_crop,                                                        \
      clg_image_random_crop(t, 1, 1, (clg_draw_key) { 0 }), 0)                                     \
    R(image_random_resized_crop, image_random_resized_crop,                                        \
      clg_image_random_resized_crop(t, 1, 1, NULL, (clg_draw_key) { 0 }), 0)                       \
    R(image_color_jitter, image_color_jitter,                                                      \
      clg_image_color_jitter(t, 1, 0, 0, 0, (clg_draw_key) { 0 }), 0)                              \
    R(image_random_erasing, image_random_erasing,                                                  \
      clg_image_random_erasing(t, 1, NULL, 0, (clg_draw_key) { 0 }), 0)                            \
    R(image_mixup, image_mixup,                                                                    \
      clg_image_mixup(t, &(clg_tensor) { good }, 1, (clg_draw_key) { 0 }), 0)                      \
    R(image_cutmix, image_cutmix,                                                                  \
      clg_image_cutmix(t, &(clg_tensor) { good }, 1, (clg_draw_key) { 0 }), 0)                     \
    R(image_apply_ops, image_apply_ops,                                                            \
      clg_image_apply_ops(t, &(clg_image_op) { 0 }, &(double) { 0 }, NULL), 0)                     \
    R(image_rand_augment, image_rand_augment,                                                      \
      clg_image_rand_augment(t, 1, 1, 2, NULL, (clg_draw_key) { 0 }), 0)                           \
    R(image_trivial_augment, image_trivial_augment,                                                \
      clg_image_trivial_augment(t, 2, NULL, (clg_draw_key) { 0 }), 0)                              \
    R(image_auto_augment, image_auto_augment,                                                      \
      clg_image_auto_augment(t, CLG_IMAGE_POLICY_SVHN, NULL, (clg_draw_key) { 0 }), 0)             \
    R(image_augmix, image_augmix, clg_image_augmix(t, NULL, (clg_draw_key) { 0 }), 0)

#define ROWS_T(R)                                                                                  \
    CLG_UNARY_MAP(UNARY) CLG_BINARY_MAP(BINARY) ROWS_LOSSES(R) ROWS_INDEX(R) ROWS_CREATE(R)        \
    ROWS_IMAGES(R)                                                                                 \
    R(leaky_relu, leaky_relu, clg_leaky_relu(t, 0.1), 0)                                           \
    R(elu, elu, clg_elu(t, 1), 0)                                                                  \
    R(softplus, softplus, clg_softplus(t, 1, 20), 0)                                               \
    R(clamp, clamp, clg_clamp(t, 0, 1), 0)                                                         \
    R(lerp0, lerp, clg_lerp(t, good, good), 0)                                                     \
    R(lerp1, lerp, clg_lerp(good, t, good), 0)                                                     \
    R(lerp2, lerp, clg_lerp(good, good, t), 0)                                                     \
    R(lerp_scalar0, lerp_scalar, clg_lerp_scalar(t, good, 0.5), 0)                                 \
    R(lerp_scalar1, lerp_scalar, clg_lerp_scalar(good, t, 0.5), 0)                                 \
    R(fma0, fma, clg_fma(t, good, good), 0)                                                       \
    R(fma1, fma, clg_fma(good, t, good), 0)                                                       \
    R(fma2, fma, clg_fma(good, good, t), 0)                                                       \
    R(addcmul0, addcmul, clg_addcmul(t, good, good, 2), 0)                                         \
    R(addcmul1, addcmul, clg_addcmul(good, t, good, 2), 0)                                         \
    R(addcmul2, addcmul, clg_addcmul(good, good, t, 2), 0)                                         \
    R(addcdiv0, addcdiv, clg_addcdiv(t, good, good, 2), 0)                                         \
    R(addcdiv1, addcdiv, clg_addcdiv(good, t, good, 2), 0)                                         \
    R(addcdiv2, addcdiv, clg_addcdiv(good, good, t, 2), 0)                                         \
    R(logit, logit, clg_logit(t, 0.1), 0)                                                          \
    R(logit1, logit, clg_logit(t, -1), 0)                                                          \
    R(polygamma, polygamma, clg_polygamma(2, t), 0)                                                \
    R(nan_to_num, nan_to_num, clg_nan_to_num(t, 0, 1, 1), 0)                                       \
    R(isclose0, isclose, clg_isclose(t, good, 1, 1, false), 0)                                     \
    R(isclose1, isclose, clg_isclose(good, t, 1, 1, true), 0)                                      \
    R(allclose0, allclose, clg_allclose(t, good, 1, 1, false), 0)                                  \
    R(allclose1, allclose, clg_allclose(good, t, 1, 1, true), 0)                                   \
    R(round_decimals, round_decimals, clg_round_decimals(t, 1), 0)                                 \
    R(float_power0, float_power, clg_float_power(t, good), 0)                                      \
    R(float_power1, float_power, clg_float_power(good, t), 0)                                      \
    R(bitwise_not, bitwise_not, clg_bitwise_not(t), 0)                                             \
    R(prelu0, prelu, clg_prelu(t, good), 0)                                                        \
    R(prelu1, prelu, clg_prelu(good, t), 0)                                                        \
    R(celu, celu, clg_celu(t, 1), 0)                                                               \
    R(softshrink, softshrink, clg_softshrink(t, 1), 0)                                             \
    R(hardshrink, hardshrink, clg_hardshrink(t, 1), 0)                                             \
    R(tanhshrink, tanhshrink, clg_tanhshrink(t), 0)                                                \
    R(hardtanh, hardtanh, clg_hardtanh(t, -1, 1), 0)                                               \
    R(relu6, relu6, clg_relu6(t), 0)                                                               \
    R(threshold, threshold, clg_threshold(t, 1, 2), 0)                                             \
    R(glu, glu, clg_glu(t, 0), 0)                                                                  \
    R(softmin, softmin, clg_softmin(t, 0), 0)                                                      \
    R(gumbel_softmax, gumbel_softmax, clg_gumbel_softmax(t, 1, true, 0), 0)                        \
    R(rrelu, rrelu, clg_rrelu(t, 0.1, 0.3, true), 0)                                               \
    R(where0, where, clg_where(t, good, good), 0)                                                  \
    R(where1, where, clg_where(good, t, good), 0)                                                  \
    R(where2, where, clg_where(good, good, t), 0)                                                  \
    R(cast, cast, clg_cast(t, CLG_F32), 0)                                                         \
    R(cast2, cast, clg_cast(t, CLG_I32), 0)                                                        \
    R(sum, sum, clg_sum(t, CLG_ALL, false), 0)                                                     \
    R(mean, mean, clg_mean(t, CLG_ALL, false), 0)                                                  \
    R(amax, amax, clg_amax(t, CLG_ALL, false), 0)                                                  \
    R(amin, amin, clg_amin(t, CLG_ALL, false), 0)                                                  \
    R(argmax, argmax, clg_argmax(t, CLG_ALL, false), 0)                                            \
    R(argmin, argmin, clg_argmin(t, CLG_ALL, false), 0)                                            \
    R(any, any, clg_any(t, CLG_ALL, false), 0)                                                     \
    R(all, all, clg_all(t, CLG_ALL, false), 0)                                                     \
    R(variance, variance, clg_variance(t, CLG_ALL, 0, false), 0)                                   \
    R(std, std, clg_std(t, CLG_ALL, 0, false), 0)                                                  \
    R(prod, prod, clg_prod(t, CLG_ALL, false), 0)                                                  \
    R(norm, norm, clg_norm(t, 2, CLG_ALL, false), 0)                                               \
    R(dist0, dist, clg_dist(t, good, 2), 0)                                                        \
    R(dist1, dist, clg_dist(good, t, 2), 0)                                                        \
    R(cdist0, cdist, clg_cdist(t, good, 2), 0)                                                     \
    R(cdist1, cdist, clg_cdist(good, t, 2), 0)                                                     \
    R(max, max, clg_max(t, 0, false, NULL), 0)                                                     \
    R(min, min, clg_min(t, 0, false, NULL), 0)                                                     \
    R(aminmax, aminmax, clg_aminmax(t, CLG_ALL, false, NULL), 0)                                   \
    R(count_nonzero, count_nonzero, clg_count_nonzero(t, CLG_ALL, false), 0)                       \
    R(nansum, nansum, clg_nansum(t, CLG_ALL, false), 0)                                            \
    R(nanmean, nanmean, clg_nanmean(t, CLG_ALL, false), 0)                                         \
    R(var_mean, var_mean, clg_var_mean(t, CLG_ALL, 0, false, NULL), 0)                             \
    R(std_mean, std_mean, clg_std_mean(t, CLG_ALL, 0, false, NULL), 0)                             \
    R(trace, trace, clg_trace(t), 0)                                                               \
    R(diff0, diff, clg_diff(t, 1, 0, NULL, NULL), 0)                                               \
    R(trapezoid0, trapezoid, clg_trapezoid(t, NULL, 1, 0), 0)                                      \
    R(cov0, cov, clg_cov(t, 0, NULL, NULL), 0)                                                     \
    R(corrcoef, corrcoef, clg_corrcoef(t), 0)                                                      \
    R(cumsum, cumsum, clg_cumsum(t, 0), 0)                                                         \
    R(cumprod, cumprod, clg_cumprod(t, 0), 0)                                                      \
    R(cummax, cummax, clg_cummax(t, 0, NULL), 0)                                                   \
    R(cummin, cummin, clg_cummin(t, 0, NULL), 0)                                                   \
    R(logcumsumexp, logcumsumexp, clg_logcumsumexp(t, 0), 0)                                       \
    R(sort, sort, clg_sort(t, 0, false, NULL), 0)                                                  \
    R(argsort, argsort, clg_argsort(t, 0, false), 0)                                               \
    R(msort, msort, clg_msort(t), 0)                                                               \
    R(quantile0, quantile, clg_quantile(t, good, 0, false, CLG_QUANTILE_LINEAR), 0)                \
    R(quantile1, quantile, clg_quantile(good, t, 0, false, CLG_QUANTILE_LINEAR), 0)                \
    R(nanquantile0, nanquantile, clg_nanquantile(t, good, 0, false, CLG_QUANTILE_LOWER), 0)        \
    R(nanquantile1, nanquantile, clg_nanquantile(good, t, 0, false, CLG_QUANTILE_LOWER), 0)        \
    R(mode, mode, clg_mode(t, 0, false, NULL), 0)                                                  \
    R(searchsorted0, searchsorted, clg_searchsorted(t, good, false, NULL), 0)                      \
    R(searchsorted1, searchsorted, clg_searchsorted(good, t, false, NULL), 0)                      \
    R(bucketize0, bucketize, clg_bucketize(t, good, false), 0)                                     \
    R(bucketize1, bucketize, clg_bucketize(good, t, false), 0)                                     \
    R(isin0, isin, clg_isin(t, good, false), 0)                                                    \
    R(isin1, isin, clg_isin(good, t, false), 0)                                                    \
    R(bincount0, bincount, clg_bincount(t, NULL, 0), 0)                                            \
    R(histc, histc, clg_histc(t, 3, 0, 1), 0)                                                      \
    R(histogram0, histogram, clg_histogram(t, good, NULL, false), 0)                               \
    R(histogram1, histogram, clg_histogram(good, t, NULL, false), 0)                               \
    R(histogram_edges, histogram_edges, clg_histogram_edges(t, 3, 0, 1), 0)                        \
    R(unique, unique, clg_unique(t, NULL, NULL), 0)                                                \
    R(unique_consecutive, unique_consecutive, clg_unique_consecutive(t, NULL, NULL), 0)            \
    R(unique_dim, unique_dim, clg_unique_dim(t, 0, NULL, NULL), 0)                                 \
    R(unique_consecutive_dim, unique_consecutive_dim,                                              \
      clg_unique_consecutive_dim(t, 0, NULL, NULL), 0)                                             \
    R(cumulative_trapezoid0, cumulative_trapezoid, clg_cumulative_trapezoid(t, NULL, 1, 0), 0)     \
    R(gradient0, gradient, clg_gradient(t, NULL, 1, 0, 1), 0)                                      \
    R(mm0, mm, clg_mm(t, good), 0)                                                                 \
    R(mm1, mm, clg_mm(good, t), 0)                                                                 \
    R(bmm0, bmm, clg_bmm(t, good), 0)                                                              \
    R(bmm1, bmm, clg_bmm(good, t), 0)                                                              \
    R(mv0, mv, clg_mv(t, good), 0)                                                                 \
    R(mv1, mv, clg_mv(good, t), 0)                                                                 \
    R(dot0, dot, clg_dot(t, good), 0)                                                              \
    R(dot1, dot, clg_dot(good, t), 0)                                                              \
    R(vdot0, vdot, clg_vdot(t, good), 0)                                                           \
    R(vdot1, vdot, clg_vdot(good, t), 0)                                                           \
    R(outer0, outer, clg_outer(t, good), 0)                                                        \
    R(outer1, outer, clg_outer(good, t), 0)                                                        \
    R(inner0, inner, clg_inner(t, good), 0)                                                        \
    R(inner1, inner, clg_inner(good, t), 0)                                                        \
    R(vecdot0, vecdot, clg_vecdot(t, good, 0), 0)                                                  \
    R(vecdot1, vecdot, clg_vecdot(good, t, 0), 0)                                                  \
    R(einsum0, einsum, clg_einsum("ij,ij->i", t, good), 0)                                         \
    R(einsum1, einsum, clg_einsum("ij,ij->i", good, t), 0)                                         \
    R(tensordot0, tensordot, clg_tensordot(t, good, 1), 0)                                         \
    R(tensordot1, tensordot, clg_tensordot(good, t, 1), 0)                                         \
    R(tensordot_axes0, tensordot, clg_tensordot_axes(t, good, CLG_AXES(1), CLG_AXES(1)), 0)        \
    R(tensordot_axes1, tensordot, clg_tensordot_axes(good, t, CLG_AXES(1), CLG_AXES(1)), 0)        \
    R(addmm0, addmm, clg_addmm(t, good, good, 1, 1), 0)                                            \
    R(addmm1, addmm, clg_addmm(good, t, good, 1, 1), 0)                                            \
    R(addmm2, addmm, clg_addmm(good, good, t, 1, 1), 0)                                            \
    R(addmv0, addmv, clg_addmv(t, good, good, 1, 1), 0)                                            \
    R(addmv1, addmv, clg_addmv(good, t, good, 1, 1), 0)                                            \
    R(addmv2, addmv, clg_addmv(good, good, t, 1, 1), 0)                                            \
    R(baddbmm0, baddbmm, clg_baddbmm(t, good, good, 1, 1), 0)                                      \
    R(baddbmm1, baddbmm, clg_baddbmm(good, t, good, 1, 1), 0)                                      \
    R(baddbmm2, baddbmm, clg_baddbmm(good, good, t, 1, 1), 0)                                      \
    R(addbmm0, addbmm, clg_addbmm(t, good, good, 1, 1), 0)                                         \
    R(addbmm1, addbmm, clg_addbmm(good, t, good, 1, 1), 0)                                         \
    R(addbmm2, addbmm, clg_addbmm(good, good, t, 1, 1), 0)                                         \
    R(addr0, addr, clg_addr(t, good, good, 1, 1), 0)                                               \
    R(addr1, addr, clg_addr(good, t, good, 1, 1), 0)                                               \
    R(addr2, addr, clg_addr(good, good, t, 1, 1), 0)                                               \
    R(multi_dot0, multi_dot, clg_multi_dot(t, good), 0)                                            \
    R(multi_dot1, multi_dot, clg_multi_dot(good, t), 0)                                            \
    R(matrix_power, matrix_power, clg_matrix_power(t, 2), 0)                                       \
    R(cond, cond, clg_cond(t, CLG_NORM_2), 0)                                                      \
    R(matrix_exp, matrix_exp, clg_matrix_exp(t), 0)                                                \
    R(kron0, kron, clg_kron(t, good), 0)                                                           \
    R(kron1, kron, clg_kron(good, t), 0)                                                           \
    R(cross0, cross, clg_cross(t, good, -1), 0)                                                    \
    R(cross1, cross, clg_cross(good, t, -1), 0)                                                    \
    R(bilinear0, bilinear, clg_bilinear(t, good, good, NULL), 0)                                   \
    R(bilinear1, bilinear, clg_bilinear(good, t, good, NULL), 0)                                   \
    R(bilinear2, bilinear, clg_bilinear(good, good, t, NULL), 0)                                   \
    R(matrix_norm, matrix_norm, clg_matrix_norm(t, CLG_NORM_FRO, 0, 1, false), 0)                  \
    R(lu_factor, lu_factor, clg_lu_factor(t, NULL, NULL), 0)                                       \
    R(lu_unpack_0, lu_unpack, clg_lu_unpack(t, good, NULL, NULL), 0)                               \
    R(lu_unpack_1, lu_unpack, clg_lu_unpack(good, t, NULL, NULL), 0)                               \
    R(lu, lu, clg_lu(t, NULL, NULL), 0)                                                            \
    R(lu_solve0, lu_solve, clg_lu_solve(t, good, good, true, false), 0)                            \
    R(lu_solve1, lu_solve, clg_lu_solve(good, t, good, true, false), 0)                            \
    R(lu_solve2, lu_solve, clg_lu_solve(good, good, t, true, false), 0)                            \
    R(solve0, solve, clg_solve(t, good, true, NULL), 0)                                            \
    R(solve1, solve, clg_solve(good, t, true, NULL), 0)                                            \
    R(inv, inv, clg_inv(t, NULL), 0)                                                               \
    R(det, det, clg_det(t), 0)                                                                     \
    R(slogdet, slogdet, clg_slogdet(t, NULL), 0)                                                   \
    R(logdet, logdet, clg_logdet(t), 0)                                                            \
    R(solve_triangular0, solve_triangular, clg_solve_triangular(t, good, true, true, false), 0)    \
    R(solve_triangular1, solve_triangular, clg_solve_triangular(good, t, true, true, false), 0)    \
    R(cholesky, cholesky, clg_cholesky(t, false, NULL), 0)                                         \
    R(cholesky_solve0, cholesky_solve, clg_cholesky_solve(t, good, false), 0)                      \
    R(cholesky_solve1, cholesky_solve, clg_cholesky_solve(good, t, false), 0)                      \
    R(cholesky_inverse, cholesky_inverse, clg_cholesky_inverse(t, false), 0)                       \
    R(qr, qr, clg_qr(t, CLG_QR_REDUCED, NULL), 0)                                                  \
    R(lstsq0, lstsq, clg_lstsq(t, good), 0)                                                        \
    R(lstsq1, lstsq, clg_lstsq(good, t), 0)                                                        \
    R(eigh, eigh, clg_eigh(t, false, NULL), 0)                                                     \
    R(eigvalsh, eigvalsh, clg_eigvalsh(t, false), 0)                                               \
    R(svd, svd, clg_svd(t, NULL, NULL), 0)                                                         \
    R(svdvals, svdvals, clg_svdvals(t), 0)                                                         \
    R(svd_full, svd_full, clg_svd_full(t, NULL, NULL), 0)                                          \
    R(pinv, pinv, clg_pinv(t, -1), 0)                                                              \
    R(matrix_rank, matrix_rank, clg_matrix_rank(t, -1), 0)                                         \
    R(topk, topk, clg_topk(t, 1, 0, false, NULL), 0)                                               \
    R(kthvalue, kthvalue, clg_kthvalue(t, 1, 0, false, NULL), 0)                                   \
    R(median, median, clg_median(t, 0, false, NULL), 0)                                            \
    R(nanmedian, nanmedian, clg_nanmedian(t, 0, false, NULL), 0)                                   \
    R(logsumexp, logsumexp, clg_logsumexp(t, CLG_ALL, false), 0)                                   \
    R(reshape, reshape, clg_reshape(t, CLG_SHAPE(6)), 0)                                           \
    R(reshape2, reshape, clg_reshape(t, CLG_SHAPE(2, 3)), 0)                                       \
    R(flatten, flatten, clg_flatten(t, 0, -1), 0)                                                  \
    R(squeeze, squeeze, clg_squeeze(t, CLG_ALL), 0)                                                \
    R(unsqueeze, unsqueeze, clg_unsqueeze(t, 0), 0)                                                \
    R(permute, permute, clg_permute(t, CLG_AXES(1, 0)), 0)                                         \
    R(transpose, transpose, clg_transpose(t, 0, 1), 0)                                             \
    R(expand, expand, clg_expand(t, CLG_SHAPE(4, 2, 3)), 0)                                        \
    R(expand2, expand, clg_expand(t, CLG_SHAPE(2, 3)), 0)                                          \
    R(slice, slice, clg_slice(t, 0, 0, 1, 1), 0)                                                   \
    R(flip, flip, clg_flip(t, CLG_AXES(0)), 0)                                                     \
    R(pad, pad, clg_pad(t, CLG_SHAPE(1, 1), CLG_SHAPE(0, 0), 0), 0)                                \
    R(concat, concat, clg_concat_n((clg_tensor[]) { good, t }, 2, 0), 0)                           \
    R(stack, stack, clg_stack_n((clg_tensor[]) { good, t }, 2, 0), 0)                              \
    R(one_hot, one_hot, clg_one_hot(t, 3), 0)                                                      \
    R(index_select0, index_select, clg_index_select(t, 0, good), 0)                                \
    R(index_select1, index_select, clg_index_select(good, 0, t), 0)                                \
    R(matmul0, matmul, clg_matmul(t, good), 0)                                                     \
    R(matmul1, matmul, clg_matmul(good, t), 0)                                                     \
    R(conv1d_0, conv1d, clg_conv1d(t, good, NULL, NULL), 0)                                        \
    R(conv1d_1, conv1d, clg_conv1d(good, t, NULL, NULL), 0)                                        \
    R(conv1d_2, conv1d, clg_conv1d(good, good, t, NULL), OPTIONAL)                                 \
    R(conv2d_0, conv2d, clg_conv2d(t, good, NULL, NULL), 0)                                        \
    R(conv2d_1, conv2d, clg_conv2d(good, t, NULL, NULL), 0)                                        \
    R(conv2d_2, conv2d, clg_conv2d(good, good, t, NULL), OPTIONAL)                                 \
    R(conv3d_0, conv3d, clg_conv3d(t, good, NULL, NULL), 0)                                        \
    R(conv3d_1, conv3d, clg_conv3d(good, t, NULL, NULL), 0)                                        \
    R(conv3d_2, conv3d, clg_conv3d(good, good, t, NULL), OPTIONAL)                                 \
    R(conv_transpose1d_0, conv_transpose1d, clg_conv_transpose1d(t, good, NULL, NULL), 0)          \
    R(conv_transpose1d_1, conv_transpose1d, clg_conv_transpose1d(good, t, NULL, NULL), 0)          \
    R(conv_transpose1d_2, conv_transpose1d, clg_conv_transpose1d(good, good, t, NULL), OPTIONAL)   \
    R(conv_transpose2d_0, conv_transpose2d, clg_conv_transpose2d(t, good, NULL, NULL), 0)          \
    R(conv_transpose2d_1, conv_transpose2d, clg_conv_transpose2d(good, t, NULL, NULL), 0)          \
    R(conv_transpose2d_2, conv_transpose2d, clg_conv_transpose2d(good, good, t, NULL), OPTIONAL)   \
    R(conv_transpose3d_0, conv_transpose3d, clg_conv_transpose3d(t, good, NULL, NULL), 0)          \
    R(conv_transpose3d_1, conv_transpose3d, clg_conv_transpose3d(good, t, NULL, NULL), 0)          \
    R(conv_transpose3d_2, conv_transpose3d, clg_conv_transpose3d(good, good, t, NULL), OPTIONAL)   \
    R(max_pool1d, max_pool1d, clg_max_pool1d(t, NULL), 0)                                          \
    R(max_pool2d, max_pool2d, clg_max_pool2d(t, NULL), 0)                                          \
    R(max_pool3d, max_pool3d, clg_max_pool3d(t, NULL), 0)                                          \
    R(avg_pool1d, avg_pool1d, clg_avg_pool1d(t, NULL), 0)                                          \
    R(avg_pool2d, avg_pool2d, clg_avg_pool2d(t, NULL), 0)                                          \
    R(avg_pool3d, avg_pool3d, clg_avg_pool3d(t, NULL), 0)                                          \
    R(adaptive_max_pool1d, adaptive_max_pool1d, clg_adaptive_max_pool1d(t, CLG_SHAPE(1), NULL), 0) \
    R(adaptive_avg_pool1d, adaptive_avg_pool1d, clg_adaptive_avg_pool1d(t, CLG_SHAPE(1)), 0)       \
    R(adaptive_max_pool2d, adaptive_max_pool2d, clg_adaptive_max_pool2d(t, CLG_SHAPE(1), NULL), 0) \
    R(adaptive_avg_pool2d, adaptive_avg_pool2d, clg_adaptive_avg_pool2d(t, CLG_SHAPE(1)), 0)       \
    R(adaptive_max_pool3d, adaptive_max_pool3d, clg_adaptive_max_pool3d(t, CLG_SHAPE(1), NULL), 0) \
    R(adaptive_avg_pool3d, adaptive_avg_pool3d, clg_adaptive_avg_pool3d(t, CLG_SHAPE(1)), 0)       \
    R(max_unpool1d_0, max_unpool1d, clg_max_unpool1d(t, good, CLG_SCALAR, NULL), 0)                \
    R(max_unpool1d_1, max_unpool1d, clg_max_unpool1d(good, t, CLG_SCALAR, NULL), 0)                \
    R(max_unpool2d_0, max_unpool2d, clg_max_unpool2d(t, good, CLG_SCALAR, NULL), 0)                \
    R(max_unpool2d_1, max_unpool2d, clg_max_unpool2d(good, t, CLG_SCALAR, NULL), 0)                \
    R(max_unpool3d_0, max_unpool3d, clg_max_unpool3d(t, good, CLG_SCALAR, NULL), 0)                \
    R(max_unpool3d_1, max_unpool3d, clg_max_unpool3d(good, t, CLG_SCALAR, NULL), 0)                \
    R(unfold, unfold, clg_unfold(t, NULL), 0)                                                      \
    R(fold, fold, clg_fold(t, CLG_SHAPE(1), NULL), 0)                                              \
    R(lp_pool1d, lp_pool1d, clg_lp_pool1d(t, 2, NULL), 0)                                          \
    R(lp_pool2d, lp_pool2d, clg_lp_pool2d(t, 2, NULL), 0)                                          \
    R(lp_pool3d, lp_pool3d, clg_lp_pool3d(t, 2, NULL), 0)                                          \
    R(softmax, softmax, clg_softmax(t, 0), 0)                                                      \
    R(log_softmax, log_softmax, clg_log_softmax(t, 0), 0)                                          \
    R(mse_loss0, mse_loss, clg_mse_loss(t, good, CLG_REDUCE_MEAN), 0)                              \
    R(mse_loss1, mse_loss, clg_mse_loss(good, t, CLG_REDUCE_MEAN), 0)                              \
    R(cross_entropy0, cross_entropy, clg_cross_entropy(t, good, NULL), 0)                          \
    R(cross_entropy1, cross_entropy, clg_cross_entropy(good, t, NULL), 0)                          \
    R(cross_entropy2, cross_entropy,                                                               \
      clg_cross_entropy(good, good, clg_cross_entropy_params(.weight = t)), OPTIONAL)              \
    R(batch_norm0, batch_norm, clg_batch_norm(t, NULL, NULL, NULL, NULL, NULL), 0)                 \
    R(batch_norm1, batch_norm, clg_batch_norm(good, t, NULL, NULL, NULL, NULL), OPTIONAL)          \
    R(batch_norm2, batch_norm, clg_batch_norm(good, NULL, t, NULL, NULL, NULL), OPTIONAL)          \
    R(batch_norm3, batch_norm, clg_batch_norm(good, NULL, NULL, t, NULL, NULL), OPTIONAL)          \
    R(batch_norm4, batch_norm, clg_batch_norm(good, NULL, NULL, NULL, t, NULL), OPTIONAL)          \
    R(instance_norm0, instance_norm, clg_instance_norm(t, NULL, NULL, NULL, NULL, NULL), 0)        \
    R(instance_norm1, instance_norm, clg_instance_norm(good, t, NULL, NULL, NULL, NULL), OPTIONAL) \
    R(instance_norm2, instance_norm, clg_instance_norm(good, NULL, t, NULL, NULL, NULL), OPTIONAL) \
    R(instance_norm3, instance_norm, clg_instance_norm(good, NULL, NULL, t, NULL, NULL), OPTIONAL) \
    R(instance_norm4, instance_norm, clg_instance_norm(good, NULL, NULL, NULL, t, NULL), OPTIONAL) \
    R(attention0, scaled_dot_product_attention, clg_scaled_dot_product_attention(t, good, good, NULL), 0) \
    R(attention1, scaled_dot_product_attention, clg_scaled_dot_product_attention(good, t, good, NULL), 0) \
    R(attention2, scaled_dot_product_attention, clg_scaled_dot_product_attention(good, good, t, NULL), 0) \
    R(attention3, scaled_dot_product_attention,                                                    \
      clg_scaled_dot_product_attention(good, good, good, clg_attention_params(.mask = t)), OPTIONAL) \
    R(layer_norm0, layer_norm, clg_layer_norm(t, CLG_SHAPE(1), NULL, NULL, NULL), 0)               \
    R(layer_norm1, layer_norm, clg_layer_norm(good, CLG_SHAPE(1), t, NULL, NULL), OPTIONAL)        \
    R(layer_norm2, layer_norm, clg_layer_norm(good, CLG_SHAPE(1), NULL, t, NULL), OPTIONAL)        \
    R(rms_norm0, rms_norm, clg_rms_norm(t, CLG_SHAPE(1), NULL, NULL), 0)                           \
    R(rms_norm1, rms_norm, clg_rms_norm(good, CLG_SHAPE(1), t, NULL), OPTIONAL)                    \
    R(group_norm0, group_norm, clg_group_norm(t, 1, NULL, NULL, NULL), 0)                          \
    R(group_norm1, group_norm, clg_group_norm(good, 1, t, NULL, NULL), OPTIONAL)                   \
    R(group_norm2, group_norm, clg_group_norm(good, 1, NULL, t, NULL), OPTIONAL)                   \
    R(local_response_norm, local_response_norm, clg_local_response_norm(t, 3, 1, 1, 1), 0)         \
    R(normalize, normalize, clg_normalize(t, 2, 0, 0), 0)                                          \
    R(dropout, dropout, clg_dropout(t, 0.5), 0)                                                    \
    R(detach, detach, clg_detach(t), 0)                                                            \
    R(track, track, clg_track(t), 0)                                                               \
    R(grad0, grad, clg_grad(t, good), 0)                                                           \
    R(grad1, grad, clg_grad(clg_sum(good, CLG_ALL, false), t), 0)                                  \
    R(grad_some_n, grad, FROM(clg_grad_some_n(t, &good, 1, many)), 0)                              \
    R(grad_n, grad, FROM(clg_grad_n(t, &good, 1, many)), 0)                                        \
    R(vjp0, vjp, FROM(clg_vjp_n(t, good, &good, 1, true, many)), 0)                                \
    R(vjp1, vjp, FROM(clg_vjp_n(good, t, &good, 1, true, many)), 0)                                \
    R(vjp2, vjp, FROM(clg_vjp_n(good, good, &t, 1, true, many)), 0)                                \
    R(meshgrid, meshgrid, FROM(clg_meshgrid_n(&t, 1, false, many)), 0)                             \
    R(grad_check, grad_check, FROM(clg_grad_check(identity, NULL, &t, 1, NULL)), 0)                \
    R(vjp_outputs_n0, vjp_outputs,                                                                 \
      FROM(clg_vjp_outputs_n((clg_tensor[]) { good, t }, (clg_tensor[]) { good, good }, 2, &good, 1, true, many)), 0) \
    R(vjp_outputs_n1, vjp_outputs, FROM(clg_vjp_outputs_n(&good, &t, 1, &good, 1, true, many)), 0) \
    R(vjp_outputs_n2, vjp_outputs, FROM(clg_vjp_outputs_n(&good, &good, 1, &t, 1, true, many)), 0) \
    R(jvp_n, jvp, FROM(clg_jvp_n(&good, 1, &t, &good, 1, many)), 0)                                \
    R(jvp0, jvp, clg_jvp(t, good, good), 0)                                                        \
    R(jvp1, jvp, clg_jvp(good, good, t), 0)                                                        \
    R(hvp_n, hvp, FROM(clg_hvp_n(clg_sum(good, CLG_ALL, false), &good, &t, 1, many)), 0)           \
    R(hvp, hvp, clg_hvp(clg_sum(good, CLG_ALL, false), t, good), 0)                                \
    R(jacobian0, jacobian, clg_jacobian(t, good), 0)                                               \
    R(jacobian1, jacobian, clg_jacobian(good, t), 0)                                               \
    R(hessian, hessian, clg_hessian(clg_sum(good, CLG_ALL, false), t), 0)                          \
    R(grad_add_n, grad, FROM(clg_grad_add_n(t, &good, 1, many)), 0)                                \
    R(checkpoint, checkpoint, clg_checkpoint(identity, NULL, &t, 1), 0)                            \
    R(checkpoint_n, checkpoint, FROM(clg_checkpoint_n(two_of, NULL, &t, 1, many, 2)), 0)           \
    R(register_hook, register_hook, FROM(clg_register_hook(t, NULL, NULL, NULL)), 0)               \
    R(remove_hook, remove_hook, FROM(clg_remove_hook(t, 0)), 0)                                    \
    R(custom_apply, custom_apply, clg_custom_apply(own(), (clg_tensor[]) { good, t }, 2, NULL), 0) \
    R(custom_apply_n, custom_apply,                                                                \
      FROM(clg_custom_apply_n(own(), (clg_tensor[]) { t, good }, 2, NULL, many, 1)), 0)            \
    R(eval_n, eval, FROM(clg_eval_n((clg_tensor[]) { good, t }, 2)), 0)                            \
    R(eval_alone, eval, FROM(clg_eval_alone(t)), 0)                                                \
    R(read, read, FROM(clg_read(t, host, sizeof host)), 0)                                         \
    R(item, item, (clg_item(t, &said), (clg_tensor) NULL), 0)                                      \
    R(print, print, FROM(clg_print(stdout, t)), 0)                                                 \
    R(dot, dot, FROM(clg_dot_n(stdout, (clg_tensor[]) { good, t }, 2)), 0)                         \
    R(plan1, plan, FROM(clg_plan_n(dev, (clg_tensor[]) { good, t }, 2, &info)), 0)                 \
    R(prepare1, prepare, FROM(clg_prepare_n(dev, (clg_tensor[]) { good, t }, 2, NULL)), 0)         \
    R(keep, keep, clg_keep(t), OPTIONAL | HARMLESS)                                                \
    R(drop, drop, VOID(drop()), OPTIONAL | 1 << CLOSED | HARMLESS)                                 \
    R(escape, escape, clg_escape(t), OPTIONAL | HARMLESS)                                          \
    R(label, label, clg_label(t, "x"), OPTIONAL)                                                   \
    R(is_tracked, is_tracked, VOID(clg_is_tracked(t)), OPTIONAL | 1 << CLOSED | HARMLESS)          \
    R(tensor_error, tensor_error, VOID(clg_tensor_error(t)), OPTIONAL | 1 << CLOSED | HARMLESS)    \
    R(check_inputs, test, clg_check_inputs("test", "a b", (clg_tensor[]) { good, t }, 2), 0)       \
    R(var_create, var_create, VOID(clg_var_create(t)), OPTIONAL | 1 << CLOSED)                     \
    R(var_assign1, var_assign, FROM(clg_var_assign(vars[GOOD], t)), 0)                             \
    R(assign_n1, assign_n, FROM(clg_assign_n((clg_var[]) { vars[GOOD], vars[GOOD] },               \
                                             (clg_tensor[]) { good, t }, 2)), 0)                   \
    R(nn_conv1d0, nn_conv1d, clg_nn_conv1d(stores[GOOD], "c", t,                                   \
      clg_nn_conv_params(.out = 1, .kernel = 1)), 0)                                               \
    R(nn_conv2d0, nn_conv2d, clg_nn_conv2d(stores[GOOD], "c", t,                                   \
      clg_nn_conv_params(.out = 1, .kernel = 1)), 0)                                               \
    R(nn_conv3d0, nn_conv3d, clg_nn_conv3d(stores[GOOD], "c", t,                                   \
      clg_nn_conv_params(.out = 1, .kernel = 1)), 0)                                               \
    R(nn_conv_transpose1d0, nn_conv_transpose1d, clg_nn_conv_transpose1d(stores[GOOD], "c", t,     \
      clg_nn_conv_params(.out = 1, .kernel = 1)), 0)                                               \
    R(nn_conv_transpose2d0, nn_conv_transpose2d, clg_nn_conv_transpose2d(stores[GOOD], "c", t,     \
      clg_nn_conv_params(.out = 1, .kernel = 1)), 0)                                               \
    R(nn_conv_transpose3d0, nn_conv_transpose3d, clg_nn_conv_transpose3d(stores[GOOD], "c", t,     \
      clg_nn_conv_params(.out = 1, .kernel = 1)), 0)                                               \
    R(nn_linear0, nn_linear, clg_nn_linear(stores[GOOD], "l", t, clg_nn_linear_params(.out = 1)), 0) \
    R(nn_batch_norm2d0, nn_batch_norm2d, clg_nn_batch_norm2d(stores[GOOD], "b", t, NULL), 0)       \
    R(nn_batch_norm1d0, nn_batch_norm1d, clg_nn_batch_norm1d(stores[GOOD], "b", t, NULL), 0)       \
    R(nn_batch_norm3d0, nn_batch_norm3d, clg_nn_batch_norm3d(stores[GOOD], "b", t, NULL), 0)       \
    R(nn_layer_norm0, nn_layer_norm, clg_nn_layer_norm(stores[GOOD], "b", t, NULL), 0)             \
    R(nn_rms_norm0, nn_rms_norm, clg_nn_rms_norm(stores[GOOD], "b", t, NULL), 0)                   \
    R(rnn_cell0, rnn_cell, clg_rnn_cell(t, good, good, good, good, good, true), 0)                 \
    R(gru_cell0, gru_cell, clg_gru_cell(t, good, good, good, good, good), 0)                       \
    R(rnn_cell1, rnn_cell, clg_rnn_cell(good, t, good, good, good, good, true), 0)                 \
    R(gru_cell1, gru_cell, clg_gru_cell(good, t, good, good, good, good), 0)                       \
    R(rnn_cell2, rnn_cell, clg_rnn_cell(good, good, t, good, good, good, true), 0)                 \
    R(gru_cell2, gru_cell, clg_gru_cell(good, good, t, good, good, good), 0)                       \
    R(rnn_cell3, rnn_cell, clg_rnn_cell(good, good, good, t, good, good, true), 0)                 \
    R(gru_cell3, gru_cell, clg_gru_cell(good, good, good, t, good, good), 0)                       \
    R(rnn_cell4, rnn_cell, clg_rnn_cell(good, good, good, good, t, good, true), OPTIONAL)          \
    R(gru_cell4, gru_cell, clg_gru_cell(good, good, good, good, t, good), OPTIONAL)                \
    R(rnn_cell5, rnn_cell, clg_rnn_cell(good, good, good, good, good, t, true), OPTIONAL)          \
    R(gru_cell5, gru_cell, clg_gru_cell(good, good, good, good, good, t), OPTIONAL)                \
    R(lstm_cell0, lstm_cell, clg_lstm_cell(t, good, good, good, good, good, good, NULL), 0)        \
    R(lstm_cell1, lstm_cell, clg_lstm_cell(good, t, good, good, good, good, good, NULL), 0)        \
    R(lstm_cell2, lstm_cell, clg_lstm_cell(good, good, t, good, good, good, good, NULL), 0)        \
    R(lstm_cell3, lstm_cell, clg_lstm_cell(good, good, good, t, good, good, good, NULL), 0)        \
    R(lstm_cell4, lstm_cell, clg_lstm_cell(good, good, good, good, t, good, good, NULL), 0)        \
    R(lstm_cell5, lstm_cell, clg_lstm_cell(good, good, good, good, good, t, good, NULL), OPTIONAL) \
    R(lstm_cell6, lstm_cell, clg_lstm_cell(good, good, good, good, good, good, t, NULL), OPTIONAL) \
    R(nn_rnn0, nn_rnn, clg_nn_rnn(stores[GOOD], "rnn", t, clg_nn_recurrent_params(.hidden = 1)), 0) \
    R(nn_lstm0, nn_lstm, clg_nn_lstm(stores[GOOD], "lstm", t, clg_nn_recurrent_params(.hidden = 1)), 0) \
    R(nn_gru0, nn_gru, clg_nn_gru(stores[GOOD], "gru", t, clg_nn_recurrent_params(.hidden = 1)), 0) \
    R(nn_multihead_attention0, nn_multihead_attention, clg_nn_multihead_attention(stores[GOOD], "mha", t, good, good, clg_nn_attention_params(.heads = 1)), 0) \
    R(nn_multihead_attention1, nn_multihead_attention, clg_nn_multihead_attention(stores[GOOD], "mha", good, t, good, clg_nn_attention_params(.heads = 1)), 0) \
    R(nn_multihead_attention2, nn_multihead_attention, clg_nn_multihead_attention(stores[GOOD], "mha", good, good, t, clg_nn_attention_params(.heads = 1)), 0) \
    R(nn_transformer_encoder_layer0, nn_transformer_encoder_layer, clg_nn_transformer_encoder_layer(stores[GOOD], "tel", t, clg_nn_transformer_params(.heads = 1)), 0) \
    R(nn_transformer_decoder_layer0, nn_transformer_decoder_layer, clg_nn_transformer_decoder_layer(stores[GOOD], "tdl", t, good, clg_nn_transformer_params(.heads = 1)), 0) \
    R(nn_transformer_decoder_layer1, nn_transformer_decoder_layer, clg_nn_transformer_decoder_layer(stores[GOOD], "tdl", good, t, clg_nn_transformer_params(.heads = 1)), 0) \
    R(nn_transformer_encoder0, nn_transformer_encoder, clg_nn_transformer_encoder(stores[GOOD], "te", t, 1, clg_nn_transformer_params(.heads = 1)), 0) \
    R(nn_transformer_decoder0, nn_transformer_decoder, clg_nn_transformer_decoder(stores[GOOD], "td", t, good, 1, clg_nn_transformer_params(.heads = 1)), 0) \
    R(nn_transformer_decoder1, nn_transformer_decoder, clg_nn_transformer_decoder(stores[GOOD], "td", good, t, 1, clg_nn_transformer_params(.heads = 1)), 0) \
    R(nn_group_norm0, nn_group_norm, clg_nn_group_norm(stores[GOOD], "b", t, clg_nn_norm_params(.groups = 1)), 0) \
    R(nn_dropout0, nn_dropout, clg_nn_dropout(stores[GOOD], t, 0.5), 0)                            \
    R(optim_step1, optim_step, FROM(clg_optim_step(optims[GOOD], t)), 0)                           \
    R(optim_grads1, optim_grads, FROM(clg_optim_grads(optims[GOOD], t, NULL, NULL)), 0)            \
    R(optim_accumulate1, optim_accumulate, FROM(clg_optim_accumulate(optims[GOOD], t, 1)), 0)      \
    R(autocast_input, autocast_input, clg_autocast_input("exp", t), ~0u)                           \
    R(optim_apply1, optim_apply, FROM(clg_optim_apply(optims[GOOD], &t, grads())), OPTIONAL)       \
    R(clip_grad_norm, clip_grad_norm, clg_clip_grad_norm((clg_tensor[]) { good, t }, 2, 1), OPTIONAL) \
    R(clip_grad_norm_p, clip_grad_norm, clg_clip_grad_norm_p((clg_tensor[]) { good, t }, 2, 1, 1), OPTIONAL) \
    R(clip_grad_value, clip_grad_value, clip_value(), OPTIONAL)                                    \
    R(monitor_watch, monitor_watch, FROM(watch_tensor()), 0)                                       \
    R(loss_watch_add_later, loss_watch_add_later, FROM(watch_loss()), OPTIONAL)                    \
    R(tensor_op, tensor_op, VOID(clg_tensor_op(t)), ~0u)

#define ROWS_V(R)                                                                                  \
    R(var_destroy, var_destroy, VOID(var_destroy()), 1 << IS_NULL | 1 << CLOSED)                   \
    R(var_value, var_value, clg_var_value(v), 0)                                                   \
    R(var_freeze, var_freeze, VOID(clg_var_freeze(v, true)), 1 << IS_NULL | 1 << CLOSED)           \
    R(var_assign, var_assign, FROM(clg_var_assign(v, good)), 0)                                    \
    R(store_put0, , FROM(clg_store_put(stores[GOOD], "put", v)), OPTIONAL)                \
    R(assign_n, assign_n, FROM(clg_assign_n((clg_var[]) { vars[GOOD], v },                         \
                                            (clg_tensor[]) { good, good }, 2)), 0)

#define ROWS_W(R)                                                                                  \
    R(store_destroy, store_destroy, VOID(store_destroy()), 1 << IS_NULL | 1 << CLOSED)             \
    R(store_train, store_train, VOID(clg_store_train(w, true)), 1 << IS_NULL | 1 << CLOSED)        \
    R(store_is_training, store_is_training, VOID(clg_store_is_training(w)), QUIET)                 \
    R(store_param, store_param, VOID(clg_store_param(w, "x", CLG_SHAPE(1), zero, 0)), QUIET)       \
    R(store_buffer, store_buffer, VOID(clg_store_buffer(w, "x", CLG_F32, CLG_SHAPE(1), 0)), QUIET) \
    R(store_freeze, store_freeze, VOID(clg_store_freeze(w, "", true)), QUIET)                      \
    R(store_count, store_count, VOID(clg_store_count(w)), QUIET)                                   \
    R(store_at, store_at, VOID(clg_store_at(w, 0, NULL, NULL)), QUIET)                             \
    R(store_find, store_find, VOID(clg_store_find(w, "w")), QUIET)                                 \
    R(store_device, store_device, VOID(clg_store_device(w)), QUIET)                                \
    R(store_check, store_check, FROM(clg_store_check(w)), 0)                                       \
    R(store_missing, store_missing, VOID(clg_store_missing(w, 0)), QUIET)                          \
    R(store_unexpected, store_unexpected, VOID(clg_store_unexpected(w, 0)), QUIET)                 \
    R(store_save, store_save, FROM(clg_store_save(w, "/nowhere/x", NULL)), 0)                      \
    R(store_load, store_load, FROM(clg_store_load(w, "/nowhere/x")), 0)                            \
    R(store_load_with, store_load, FROM(clg_store_load_with(w, "/nowhere/x", NULL)), 0)            \
    R(nn_conv1d, nn_conv1d, clg_nn_conv1d(w, "c", good, clg_nn_conv_params(.out = 1)), 0)          \
    R(nn_conv2d, nn_conv2d, clg_nn_conv2d(w, "c", good, clg_nn_conv_params(.out = 1)), 0)          \
    R(nn_conv3d, nn_conv3d, clg_nn_conv3d(w, "c", good, clg_nn_conv_params(.out = 1)), 0)          \
    R(nn_conv_transpose1d, nn_conv_transpose1d, clg_nn_conv_transpose1d(w, "c", good, clg_nn_conv_params(.out = 1)), 0)\
    R(nn_conv_transpose2d, nn_conv_transpose2d, clg_nn_conv_transpose2d(w, "c", good, clg_nn_conv_params(.out = 1)), 0)\
    R(nn_conv_transpose3d, nn_conv_transpose3d, clg_nn_conv_transpose3d(w, "c", good, clg_nn_conv_params(.out = 1)), 0)\
    R(nn_linear, nn_linear, clg_nn_linear(w, "l", good, clg_nn_linear_params(.out = 1)), 0)        \
    R(nn_batch_norm2d, nn_batch_norm2d, clg_nn_batch_norm2d(w, "b", good, NULL), 0)                \
    R(nn_batch_norm1d, nn_batch_norm1d, clg_nn_batch_norm1d(w, "b", good, NULL), 0)                \
    R(nn_batch_norm3d, nn_batch_norm3d, clg_nn_batch_norm3d(w, "b", good, NULL), 0)                \
    R(nn_rnn, nn_rnn, clg_nn_rnn(w, "rnn", good, clg_nn_recurrent_params(.hidden = 1)), 0)         \
    R(nn_lstm, nn_lstm, clg_nn_lstm(w, "lstm", good, clg_nn_recurrent_params(.hidden = 1)), 0)     \
    R(nn_gru, nn_gru, clg_nn_gru(w, "gru", good, clg_nn_recurrent_params(.hidden = 1)), 0)         \
    R(nn_multihead_attention, nn_multihead_attention, clg_nn_multihead_attention(w, "mha", good, good, good, clg_nn_attention_params(.heads = 1)), 0) \
    R(nn_transformer_encoder_layer, nn_transformer_encoder_layer, clg_nn_transformer_encoder_layer(w, "tel", good, clg_nn_transformer_params(.heads = 1)), 0) \
    R(nn_transformer_decoder_layer, nn_transformer_decoder_layer, clg_nn_transformer_decoder_layer(w, "tdl", good, good, clg_nn_transformer_params(.heads = 1)), 0) \
    R(nn_transformer_encoder, nn_transformer_encoder, clg_nn_transformer_encoder(w, "te", good, 1, clg_nn_transformer_params(.heads = 1)), 0) \
    R(nn_transformer_decoder, nn_transformer_decoder, clg_nn_transformer_decoder(w, "td", good, good, 1, clg_nn_transformer_params(.heads = 1)), 0) \
    R(nn_layer_norm, nn_layer_norm, clg_nn_layer_norm(w, "b", good, NULL), 0)                      \
    R(nn_rms_norm, nn_rms_norm, clg_nn_rms_norm(w, "b", good, NULL), 0)                            \
    R(nn_group_norm, nn_group_norm, clg_nn_group_norm(w, "b", good, clg_nn_norm_params(.groups = 1)), 0) \
    R(nn_dropout, nn_dropout, clg_nn_dropout(w, good, 0.5), 0)                                     \
    R(sgd_create, sgd_create, VOID(clg_sgd_create(w, NULL)), QUIET)                                \
    R(adam_create, adam_create, VOID(clg_adam_create(w, NULL)), QUIET)                             \
    R(monitor_create, monitor_create, VOID(clg_monitor_create(w, NULL)), QUIET)                    \
    R(adamw_create, adamw_create, VOID(clg_adamw_create(w, NULL)), QUIET)                          \
    R(optim_create, optim_create, VOID(clg_optim_create(w, clg_optim_params(.rule = CLG_OPTIM_LION))), QUIET) \
    R(store_average, store_average, FROM(clg_store_average(w, NULL)), 0)                           \
    R(store_use_average, store_use_average, FROM(clg_store_use_average(w, true)), 0)               \
    R(store_put, store_put, FROM(clg_store_put(w, "put", vars[GOOD])), 0)

#define ROWS_O(R)                                                                                  \
    R(optim_destroy, optim_destroy, VOID(optim_destroy()), 1 << IS_NULL | 1 << CLOSED | 1 << STORELESS) \
    R(optim_set_lr, optim_set_lr, VOID(clg_optim_set_lr(o, 1)), QUIET | 1 << STORELESS)            \
    R(optim_lr, optim_lr, VOID(clg_optim_lr(o)), QUIET | 1 << STORELESS)                           \
    R(optim_step, optim_step, FROM(clg_optim_step(o, good)), 0)                                    \
    R(optim_grads, optim_grads, FROM(clg_optim_grads(o, good, NULL, NULL)), 0)                     \
    R(optim_apply, optim_apply, FROM(clg_optim_apply(o, &good, 1)), 0)                             \
    R(optim_scale, optim_scale, FROM(clg_optim_scale(o, NULL)), 0)                                 \
    R(optim_loss_scale, optim_loss_scale, clg_optim_loss_scale(o), 0)                              \
    R(optim_accumulate, optim_accumulate, FROM(clg_optim_accumulate(o, good, 1)), 0)               \
    R(optim_accumulated, optim_accumulated, FROM(clg_optim_accumulated(o, NULL, NULL)), 0)         \
    R(schedule_create, schedule_create, VOID(clg_schedule_create(o, NULL)), QUIET | 1 << STORELESS) \
    R(optim_group, optim_group, FROM(clg_optim_group(o, "*", NULL)), 0)                            \
    R(optim_group_by, optim_group_by, FROM(clg_optim_group_by(o, never, NULL, NULL)), 0)           \
    R(optim_group_set, optim_group_set, FROM(clg_optim_group_set(o, 0, NULL)), 0)                  \
    R(optim_group_count, optim_group_count, VOID(clg_optim_group_count(o)), QUIET | 1 << STORELESS) \
    R(optim_group_set_lr, optim_group_set_lr, VOID(clg_optim_group_set_lr(o, 0, 1)), QUIET | 1 << STORELESS) \
    R(optim_group_lr, optim_group_lr, VOID(clg_optim_group_lr(o, 0)), QUIET | 1 << STORELESS)

#define ROWS_D(R)                                                                                  \
    R(autocast_set, autocast_set, VOID(clg_autocast_set(d, (clg_autocast) { false, CLG_F32 })), QUIET) \
    R(upload, upload, clg_upload(d, CLG_F32, CLG_SHAPE(1), host), 0)                               \
    R(scalar, scalar, clg_scalar(d, CLG_F32, 1), 0)                                                \
    R(full, full, clg_full(d, CLG_F32, CLG_SHAPE(2), 1), 0)                                        \
    R(zeros, zeros, clg_zeros(d, CLG_F32, CLG_SHAPE(2)), 0)                                        \
    R(ones, ones, clg_ones(d, CLG_F32, CLG_SHAPE(2)), 0)                                           \
    R(linspace, linspace, clg_linspace(d, CLG_F32, 0, 1, 2), 0)                                    \
    R(logspace, logspace, clg_logspace(d, CLG_F32, 0, 1, 2, 10), 0)                                \
    R(eye, eye, clg_eye(d, CLG_F32, 2, 2), 0)                                                      \
    R(tril_indices, tril_indices, clg_tril_indices(d, 2, 2, 0), 0)                                 \
    R(triu_indices, triu_indices, clg_triu_indices(d, 2, 2, 0), 0)                                 \
    R(hann_window, hann_window, clg_hann_window(d, CLG_F32, 3, true), 0)                           \
    R(hamming_window, hamming_window, clg_hamming_window(d, CLG_F32, 3, true, 0.5, 0.5), 0)        \
    R(blackman_window, blackman_window, clg_blackman_window(d, CLG_F32, 3, true), 0)               \
    R(nuttall_window, nuttall_window, clg_nuttall_window(d, CLG_F32, 3, true), 0)                  \
    R(general_hamming_window, general_hamming_window,                                              \
      clg_general_hamming_window(d, CLG_F32, 3, true, 1), 0)                                       \
    R(general_cosine_window, general_cosine_window,                                                \
      clg_general_cosine_window(d, CLG_F32, 3, true, (double[]) { 1 }, 1), 0)                      \
    R(bartlett_window, bartlett_window, clg_bartlett_window(d, CLG_F32, 3, true), 0)               \
    R(kaiser_window, kaiser_window, clg_kaiser_window(d, CLG_F32, 3, true, 12), 0)                 \
    R(gaussian_window, gaussian_window, clg_gaussian_window(d, CLG_F32, 3, true, 1), 0)            \
    R(cosine_window, cosine_window, clg_cosine_window(d, CLG_F32, 3, true), 0)                     \
    R(exponential_window, exponential_window,                                                      \
      clg_exponential_window(d, CLG_F32, 3, true, 1, NAN), 0)                                      \
    R(randint, randint, clg_randint(d, CLG_I64, CLG_SHAPE(2), 0, 9), 0)                            \
    R(exponential, exponential, clg_exponential(d, CLG_F32, CLG_SHAPE(2), 1), 0)                   \
    R(log_normal, log_normal, clg_log_normal(d, CLG_F32, CLG_SHAPE(2), 0, 1), 0)                   \
    R(geometric, geometric, clg_geometric(d, CLG_F32, CLG_SHAPE(2), 0.5), 0)                       \
    R(cauchy, cauchy, clg_cauchy(d, CLG_F32, CLG_SHAPE(2), 0, 1), 0)                               \
    R(trunc_normal, trunc_normal, clg_trunc_normal(d, CLG_F32, CLG_SHAPE(2), 0, 1, -1, 1), 0)      \
    R(arange, arange, clg_arange(d, CLG_F32, 0, 2, 1), 0)                                          \
    R(uniform, uniform, clg_uniform(d, CLG_F32, CLG_SHAPE(2), 0, 1), 0)                            \
    R(normal, normal, clg_normal(d, CLG_F32, CLG_SHAPE(2), 0, 1), 0)                               \
    R(bernoulli, bernoulli, clg_bernoulli(d, CLG_F32, CLG_SHAPE(2), 0.5), 0)                       \
    R(permutation, permutation, clg_permutation(d, 3), 0)                                          \
    R(set_grad_enabled, grad, FROM(clg_set_grad_enabled(d, true) ? -1 : 0), NO_BUG)                \
    R(is_grad_enabled, grad, FROM(clg_is_grad_enabled(d) ? -1 : 0), NO_BUG)                        \
    R(custom_pointwise, custom_pointwise, FROM(clg_custom_pointwise(d, NULL) ? 0 : -1), 0)         \
    R(custom_kernel, custom_kernel, FROM(clg_custom_kernel(d, NULL) ? 0 : -1), 0)                  \
    R(poison, test, clg_poison(d, CLG_EINVAL, "test: closed, or NULL"), NO_BUG)                    \
    R(eval_assigned, eval_assigned, FROM(clg_eval_assigned(d)), 0)                                 \
    R(plan_n, plan, FROM(clg_plan_n(d, NULL, 0, &info)), 0)                                        \
    R(prepare_n, prepare, FROM(clg_prepare_n(d, NULL, 0, NULL)), 0)                                \
    R(sync, sync, FROM(clg_sync(d)), 0)                                                            \
    R(device_profile, device_profile, FROM(clg_device_profile(d, NULL, NULL)), 0)                  \
    R(fail, fail, FROM(clg_fail(d, CLG_EINVAL, "test")), NO_BUG)                                   \
    R(error_status, error_status, FROM(clg_error_status(d)), NO_BUG)                               \
    R(error, error, FROM(clg_error(d, CLG_EINVAL)[0] ? CLG_EINVAL : 0), NO_BUG)                    \
    R(error_clear, error_clear, (clg_error_clear(d), FROM(-1)), NO_BUG)                            \
    R(scope_push_at, scope_push, FROM(clg_scope_push(d) ? 0 : -1), 0)                              \
    R(device_get_info, info, FROM(clg_device_get_info(d) ? 0 : -1), NO_BUG)                        \
    R(device_has, has, FROM(clg_device_has(d, CLG_F32) ? 0 : -1), NO_BUG)                          \
    R(device_get_stats, stats, FROM(clg_device_get_stats(d).nodes ? 0 : -1), NO_BUG)               \
    R(device_trim, trim, (clg_device_trim(d), FROM(-1)), NO_BUG)                                   \
    R(device_watch, watch, (clg_device_watch(d, false), FROM(-1)), NO_BUG)                         \
    R(set_layer, layer, FROM(clg_set_layer(d, "x") ? 0 : -1), NO_BUG)                              \
    R(observe, observe, FROM(clg_observe(d, seen, NULL)), 0)                                       \
    R(unobserve, unobserve, FROM(clg_unobserve(d, seen, NULL)), 0)                                 \
    R(manual_seed, seed, (clg_manual_seed(d, 1), FROM(-1)), NO_BUG)                                \
    R(random_get_state, random, FROM(state_of(d) ? 0 : -1), NO_BUG)                                \
    R(random_set_state, random, (clg_random_set_state(d, 1, 1), FROM(-1)), NO_BUG)                 \
    R(store_create, store_create, FROM(clg_store_create(d, 1) ? 0 : -1), 0)                        \
    R(device_open, open, FROM(open_shared()), 1 << IS_NULL)                                        \
    R(device_close, close, (device_close(), FROM(-1)), 1 << IS_NULL)
#endif
