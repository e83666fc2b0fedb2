// SPDX-License-Identifier: MIT
// Calls of index.h, arrange.h and image.h, as case_calls.c has them.
#ifndef CLG_TOOLS_CASE_CALLS_INDEX_H
#define CLG_TOOLS_CASE_CALLS_INDEX_H

#define INDEX_CALLS(M)                                                                             \
    M(gather, "tnt", clg_gather(T(0), I(1), T(2)))                                                 \
    M(scatter, "tntt", clg_scatter(T(0), I(1), T(2), T(3)))                                        \
    M(scatter_value, "tntn", clg_scatter_value(T(0), I(1), T(2), N(3)))                            \
    M(scatter_add, "tntt", clg_scatter_add(T(0), I(1), T(2), T(3)))                                \
    M(scatter_reduce, "tnttnn",                                                                    \
      clg_scatter_reduce(T(0), I(1), T(2), T(3), (clg_scatter_reduction) I(4), B(5)))              \
    M(take_along_dim, "ttn", clg_take_along_dim(T(0), T(1), I(2)))                                 \
    M(take, "tT", clg_take(T(0), T(1)))                                                            \
    M(put, "tttn", clg_put(T(0), T(1), T(2), B(3)))                                                \
    M(index_add, "tnttn", clg_index_add(T(0), I(1), T(2), T(3), N(4)))                             \
    M(index_copy, "tntt", clg_index_copy(T(0), I(1), T(2), T(3)))                                  \
    M(index_fill, "tntn", clg_index_fill(T(0), I(1), T(2), N(3)))                                  \
    M(index_reduce, "tnttnn",                                                                      \
      clg_index_reduce(T(0), I(1), T(2), T(3), (clg_scatter_reduction) I(4), B(5)))                \
    M(index, "tt*", clg_index_n(T(0), v->t + 1, v->count - 1))                                     \
    M(index_put, "tntt*", clg_index_put_n(T(0), v->t + 3, v->count - 3, T(2), B(1)))               \
    M(masked_fill, "ttn", clg_masked_fill(T(0), T(1), N(2)))                                       \
    M(masked_select, "tT", clg_masked_select(T(0), T(1)))                                          \
    M(masked_scatter, "ttt", clg_masked_scatter(T(0), T(1), T(2)))                                 \
    M(nonzero, "t", clg_nonzero(T(0)))                                                             \
    M(argwhere, "t", clg_argwhere(T(0)))                                                           \
    M(narrow, "tnnn", clg_narrow(T(0), I(1), L(2), L(3)))                                          \
    M(select, "tnn", clg_select(T(0), I(1), L(2)))                                                 \
    M(unfold_dim, "tnnn", clg_unfold_dim(T(0), I(1), L(2), L(3)))                                  \
    M(movedim, "tss", clg_movedim(T(0), S(1), S(2)))                                               \
    M(unflatten, "tns", clg_unflatten(T(0), I(1), S(2)))                                           \
    M(roll, "tss", clg_roll(T(0), S(1), S(2)))                                                     \
    M(rot90, "tnnn", clg_rot90(T(0), I(1), I(2), I(3)))                                            \
    M(fliplr, "t", clg_fliplr(T(0)))                                                               \
    M(flipud, "t", clg_flipud(T(0)))                                                               \
    M(repeat, "ts", clg_repeat(T(0), S(1)))                                                        \
    M(tile, "ts", clg_tile(T(0), S(1)))                                                            \
    M(repeat_interleave, "tnn", clg_repeat_interleave(T(0), L(1), I(2)))                           \
    M(repeat_interleave_each, "ttn", clg_repeat_interleave_each(T(0), T(1), I(2)))                 \
    M(tril, "tn", clg_tril(T(0), L(1)))                                                            \
    M(triu, "tn", clg_triu(T(0), L(1)))                                                            \
    M(diagonal, "tnnn", clg_diagonal(T(0), L(1), I(2), I(3)))                                      \
    M(diag_embed, "tnnn", clg_diag_embed(T(0), L(1), I(2), I(3)))                                  \
    M(diag, "tn", clg_diag(T(0), L(1)))                                                            \
    M(diagflat, "tn", clg_diagflat(T(0), L(1)))                                                    \
    M(block_diag, "t*", clg_block_diag_n(v->t, v->count))                                          \
    M(diagonal_scatter, "ttnnn", clg_diagonal_scatter(T(0), T(1), L(2), I(3), I(4)))               \
    M(slice_scatter, "ttnnnn", clg_slice_scatter(T(0), T(1), I(2), L(3), L(4), L(5)))              \
    M(select_scatter, "ttnn", clg_select_scatter(T(0), T(1), I(2), L(3)))                          \
    M(pad_reflect, "tss", clg_pad_reflect(T(0), S(1), S(2)))                                       \
    M(pad_replicate, "tss", clg_pad_replicate(T(0), S(1), S(2)))                                   \
    M(pad_circular, "tss", clg_pad_circular(T(0), S(1), S(2)))                                     \
    M(pixel_shuffle, "tn", clg_pixel_shuffle(T(0), L(1)))                                          \
    M(pixel_unshuffle, "tn", clg_pixel_unshuffle(T(0), L(1)))                                      \
    M(channel_shuffle, "tn", clg_channel_shuffle(T(0), L(1)))                                      \
    M(resample, "tttn", clg_resample(T(0), T(1), T(2), I(3)))

// Parts that a tensor is cut into, the last one first: what split_parts and its kin stand for.
#define PART_CALLS(M)                                                                              \
    M(split_parts, split, clg_split(T(0), I(1), L(2), part, PARTS))                                \
    M(chunk_parts, chunk, clg_chunk(T(0), I(1), I(2), part, PARTS))                                \
    M(section_parts, tensor_split, clg_tensor_split(T(0), I(1), I(2), part, PARTS))                \
    M(unbind_parts, unbind, clg_unbind(T(0), I(1), part, PARTS))
#endif
