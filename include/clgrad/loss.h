// SPDX-License-Identifier: MIT
// Losses, and distances between tensors. Included by ops.h, whose head says what all operations
// share.
//
// What these share:
//
// r       CLG_REDUCE_MEAN, _SUM or _NONE; CLG_REDUCE_BATCHMEAN (the sum, divided by the first size)
//         where it is named
// result  0-d, or what is named for CLG_REDUCE_NONE. The mean of nothing is NaN, the sum 0
// types   float: tensors take their common floating type, targets of other types become it. F16 and
//         BF16 are computed in F32 and rounded at the end
// errors  CLG_EINVAL    no such reduction
//         CLG_EDTYPE    no tensor is floating
//
// What PyTorch refuses by looking at values (a probability outside 0 to 1, a class that there is
// not) is not refused here, since that would need an evaluation; each function says what it gives.
#ifndef CLGRAD_LOSS_H
#define CLGRAD_LOSS_H

#include <clgrad/tensor.h>

CLG_BEGIN

typedef enum clg_reduction {
    CLG_REDUCE_MEAN,
    CLG_REDUCE_SUM,
    CLG_REDUCE_NONE,
    CLG_REDUCE_BATCHMEAN
} clg_reduction;

// ---- classes

struct clg_cross_entropy_params {
    size_t size;
    clg_reduction reduction;
    double label_smoothing;
    clg_tensor weight;       // [K], may be NULL
    int64_t ignore_index;    // with use_ignore_index
    bool use_ignore_index;   // false: PyTorch's default, -100
};
#define clg_cross_entropy_params(...)                                                              \
    (&(struct clg_cross_entropy_params) { .size = sizeof(struct clg_cross_entropy_params),         \
                                          __VA_ARGS__ })

// Cross-entropy of class numbers, or of probabilities of classes.
//
//   logp = log_softmax(logits, 1), s = label_smoothing
//   l = -(1 - s) w[t] logp[t] - s/K sum_k w[k] logp[k]
//   y = l, sum of l, or sum of l / sum of w[t]
//   with probabilities: l = -sum_k w[k] ((1 - s) t[k] + s/K) logp[k]; y = l, its sum, or its mean
//
// logits  [N,K,...] or [K]   float
// target  [N,...] or 0-d     I32, I64 or U8: the class t. Equal to ignore_index: no part. Any other
//                       number outside 0..K-1 matches no class: its logp[t] counts as 0
//         shape of logits, float: the probabilities t[k], of any sum
// p       may be NULL; label_smoothing 0 to 1, weight [K] (else 1)
// result  0-d, [N,...] for CLG_REDUCE_NONE; type of logits. The mean of nothing is NaN, the sum 0
// grad    logits, weight, probabilities
// errors  CLG_EDTYPE    logits are not floating, or the target is BOOL, or an integer of their
//                       shape
//         CLG_ESHAPE    shapes do not fit
//         CLG_EINVAL    label_smoothing is outside 0 to 1, reduction is none of the three, or an
//                       ignore_index of 0 or more beside probabilities
// source  PyTorch, aten/src/ATen/native/LossNLL.cpp
CLG_API clg_tensor clg_cross_entropy(clg_tensor logits, clg_tensor target,
                                     const struct clg_cross_entropy_params *p);

// Cross-entropy of a linear layer's results.
//
//   logits[n,k] = sum_i x[n,i] w[k,i] + bias[k]; y = cross_entropy(logits, target)
//
// x       [N,I] or [I]  float
// w       [K,...,I]     float; the dimensions in between stand behind K in the logits
// bias    [K,...]       float, may be NULL
// target, p   as of clg_cross_entropy
// result  as of clg_cross_entropy
// grad    x, w, bias, the weight of p
// errors  those of clg_cross_entropy
//         CLG_ESHAPE    shapes do not fit
CLG_API clg_tensor clg_linear_cross_entropy(clg_tensor x, clg_tensor w, clg_tensor bias,
                                            clg_tensor target,
                                            const struct clg_cross_entropy_params *p);

struct clg_nll_loss_params {
    size_t size;
    clg_reduction reduction;
    clg_tensor weight;       // [K], may be NULL
    int64_t ignore_index;    // with use_ignore_index
    bool use_ignore_index;   // false: PyTorch's default, -100
};
#define clg_nll_loss_params(...)                                                                   \
    (&(struct clg_nll_loss_params) { .size = sizeof(struct clg_nll_loss_params), __VA_ARGS__ })

// Negative log-likelihood of class numbers.
//
//   l = -w[t] x[t]; y = l, sum of l, or sum of l / sum of w[t]
//
// x       [N,K,...] or [K]   float: logarithms of probabilities
// target  [N,...] or 0-d     I32, I64 or U8: the class t, as of clg_cross_entropy; a number that is
//                       no class counts as 0
// p       may be NULL; weight [K] (else 1)
// result  0-d, [N,...] for CLG_REDUCE_NONE; type of x
// grad    x, weight
// errors  CLG_EDTYPE    x is not floating, or the target is no integer
//         CLG_ESHAPE    shapes do not fit
//         CLG_EINVAL    reduction is none of the three
CLG_API clg_tensor clg_nll_loss(clg_tensor x, clg_tensor target,
                                const struct clg_nll_loss_params *p);

// Connectionist temporal classification: labels without places in a longer sequence.
//
//   l = -log(sum of probabilities of all ways to spread the labels, with blanks, over the steps)
//
// x       [T,N,C] or [T,C]   float: logarithms of probabilities, as of clg_log_softmax
// target  [N,S], or all labels one after another; of [T,C] [S]. Integers; a label that is no class
//         has no probability
// steps   [N]           integers: how many of the T steps count (cut to 0..T)
// lengths [N]           integers: how many labels a row has (cut to what is there)
// blank   the class that stands for none
// zero_infinity   where labels do not fit into the steps, is the loss 0 (with gradient 0) in place
//         of infinite (NaN)?
// r       CLG_REDUCE_MEAN (of l / max(1, length)), _SUM or _NONE
// result  0-d, [N] (of [T,C] 0-d) for CLG_REDUCE_NONE; type of x
// grad    x, as PyTorch has it: g (e^x - probability of the class at that step), right for what
//         log_softmax made; not twice
// errors  CLG_EDTYPE    x is not floating, or others are no integers
//         CLG_ESHAPE    shapes do not fit, or T is 0
//         CLG_EINVAL    blank is no class
// source  Graves and others 2006
CLG_API clg_tensor clg_ctc_loss(clg_tensor x, clg_tensor target, clg_tensor steps,
                                clg_tensor lengths, int64_t blank, bool zero_infinity,
                                clg_reduction r);

// ---- differences

// Mean squared error.
//
//   y = (x - target)^2, its sum, or its mean
//
// x, target   number (any type but BOOL), of one shape: they do not broadcast (where PyTorch warns)
// r       CLG_REDUCE_MEAN, _SUM or _NONE
// result  0-d, shape of x for CLG_REDUCE_NONE; the common type (a sum of integers is I64)
// grad    x, target
// errors  CLG_ESHAPE    shapes differ
//         CLG_EDTYPE    BOOL, or the mean of integers
//         CLG_EINVAL    no such reduction
CLG_API clg_tensor clg_mse_loss(clg_tensor x, clg_tensor target, clg_reduction r);

// Mean absolute error.
//
//   y = abs(x - target), its sum, or its mean
//
// x, target, r   as of clg_mse_loss
// result  as of clg_mse_loss
// grad    x, target; 0 where they are equal
// errors  as of clg_mse_loss
CLG_API clg_tensor clg_l1_loss(clg_tensor x, clg_tensor target, clg_reduction r);

// Squares near 0, absolute values beyond.
//
//   d = abs(x - target); y = d^2 / (2 beta) where d < beta, else d - beta / 2
//
// x, target   float, of one shape
// beta    0 or more; 0: clg_l1_loss
// r       CLG_REDUCE_MEAN, _SUM or _NONE
// result  0-d, shape of x for CLG_REDUCE_NONE; the common type
// grad    x, target
// errors  CLG_ESHAPE    shapes differ
//         CLG_EINVAL    beta is negative or NaN
// source  Girshick 2015
CLG_API clg_tensor clg_smooth_l1_loss(clg_tensor x, clg_tensor target, double beta,
                                      clg_reduction r);

// Squares near 0, straight lines beyond.
//
//   d = abs(x - target); y = d^2 / 2 where d < delta, else delta (d - delta / 2)
//
// x, target   float, of one shape
// delta   above 0
// r       CLG_REDUCE_MEAN, _SUM or _NONE
// result  0-d, shape of x for CLG_REDUCE_NONE; the common type
// grad    x, target
// errors  CLG_ESHAPE    shapes differ
//         CLG_EINVAL    delta is not above 0
// source  Huber 1964
CLG_API clg_tensor clg_huber_loss(clg_tensor x, clg_tensor target, double delta, clg_reduction r);

// Mean squared error with a weight for each element.
//
//   l = weight (x - target)^2; y = l, its sum, or sum of l / sum of weight
//
// x, target, weight   number, at least one floating, of one shape
// r       CLG_REDUCE_MEAN, _SUM or _NONE
// result  0-d, shape of x for CLG_REDUCE_NONE; the common type
// grad    x, target, weight
// errors  CLG_ESHAPE    shapes differ
CLG_API clg_tensor clg_mse_loss_weighted(clg_tensor x, clg_tensor target, clg_tensor weight,
                                         clg_reduction r);

// Mean absolute error with a weight for each element.
//
//   l = weight abs(x - target); y = l, its sum, or sum of l / sum of weight
//
// x, target, weight, r   as of clg_mse_loss_weighted
// result  as of clg_mse_loss_weighted
// grad    x, target, weight
// errors  CLG_ESHAPE    shapes differ
CLG_API clg_tensor clg_l1_loss_weighted(clg_tensor x, clg_tensor target, clg_tensor weight,
                                        clg_reduction r);

// The loss of clg_huber_loss with a weight for each element.
//
//   l = weight huber_loss(x, target); y = l, its sum, or its mean, which as PyTorch has it is not
//   divided by the weights
//
// x, target, weight, r   as of clg_mse_loss_weighted
// delta   above 0
// result  as of clg_mse_loss_weighted
// grad    x, target, weight
// errors  CLG_ESHAPE    shapes differ
//         CLG_EINVAL    delta is not above 0
CLG_API clg_tensor clg_huber_loss_weighted(clg_tensor x, clg_tensor target, clg_tensor weight,
                                           double delta, clg_reduction r);

// ---- probabilities

// Cross-entropy of two classes.
//
//   l = -w (t max(log(x), -100) + (1 - t) max(log(1 - x), -100)); y = l, its sum, or its mean
//
// x       float: probabilities. Outside 0 to 1: NaN
// target  float, shape of x: t, mostly 0 or 1
// weight  a shape that x's broadcasts to, or that broadcasts to it; may be NULL
// r       CLG_REDUCE_MEAN, _SUM or _NONE
// result  0-d, shape of x with weight for CLG_REDUCE_NONE
// grad    x: g w (x - t) / max(x (1 - x), 1e-12); target: g w (log(1 - x) - log(x)); weight
// errors  CLG_ESHAPE    shapes do not fit
CLG_API clg_tensor clg_binary_cross_entropy(clg_tensor x, clg_tensor target, clg_tensor weight,
                                            clg_reduction r);

// The same, of logits: exact for large ones too.
//
//   l = w ((1 - t) log(1 + e^x) + v t log(1 + e^-x)); y = l, its sum, or its mean
//
// x       float: logits
// target  float, shape of x
// weight  w, broadcasts with x; may be NULL
// pos_weight  v, broadcasts with x; may be NULL
// r       CLG_REDUCE_MEAN, _SUM or _NONE
// result  0-d, shape of x with both weights for CLG_REDUCE_NONE
// grad    x: g w ((1 - t) sigmoid(x) - v t sigmoid(-x)); target, weight, pos_weight
// errors  CLG_ESHAPE    shapes do not fit
CLG_API clg_tensor clg_binary_cross_entropy_with_logits(clg_tensor x, clg_tensor target,
                                                        clg_tensor weight, clg_tensor pos_weight,
                                                        clg_reduction r);

// Divergence of Kullback and Leibler, element by element.
//
//   l = t (log(t) - x), 0 for t = 0 (log_target: e^t (t - x)); y = l, its sum, or its mean
//
// x       float: logarithms of probabilities
// target  float: probabilities t, or their logarithms; broadcasts with x
// log_target   is it logarithms?
// r       CLG_REDUCE_MEAN, _SUM, _NONE or _BATCHMEAN (the sum / first size of x; 0-d: the sum)
// result  0-d, the broadcast shape for CLG_REDUCE_NONE
// grad    x, target
// errors  CLG_ESHAPE    shapes do not broadcast
CLG_API clg_tensor clg_kl_div(clg_tensor x, clg_tensor target, bool log_target, clg_reduction r);

// Negative log-likelihood of Poisson's distribution.
//
//   l = e^x - t x; without log_input: x - t log(x + eps)
//   full: and t log(t) - t + log(2 pi t) / 2 where t > 1
//   y = l, its sum, or its mean
//
// x       float
// target  float: t; broadcasts with x
// log_input, full   see above
// eps     0 or more, PyTorch's default is 1e-8
// r       CLG_REDUCE_MEAN, _SUM or _NONE
// result  0-d, the broadcast shape for CLG_REDUCE_NONE
// grad    x, target
// errors  CLG_ESHAPE    shapes do not broadcast
//         CLG_EINVAL    eps is negative or NaN
CLG_API clg_tensor clg_poisson_nll_loss(clg_tensor x, clg_tensor target, bool log_input, bool full,
                                        double eps, clg_reduction r);

// Negative log-likelihood of normal distributions.
//
//   v = max(var, eps); l = (log(v) + (x - t)^2 / v) / 2, full: + log(2 pi) / 2
//   y = l, its sum, or its mean
//
// x       float: expected values
// target  float: t; broadcasts with x
// var     variances: shape of x, that without the last dimension, or with one dimension of size 1.
//         Below 0 they count as eps (PyTorch refuses them)
// full    see above
// eps     0 or more, PyTorch's default is 1e-6
// r       CLG_REDUCE_MEAN, _SUM or _NONE
// result  0-d, the broadcast shape for CLG_REDUCE_NONE
// grad    x, target, var (as if v were var)
// errors  CLG_ESHAPE    shapes do not fit
//         CLG_EINVAL    eps is negative or NaN
// source  Nix and Weigend 1994
CLG_API clg_tensor clg_gaussian_nll_loss(clg_tensor x, clg_tensor target, clg_tensor var, bool full,
                                         double eps, clg_reduction r);

// ---- margins

// Is it similar (1) or not (-1)?
//
//   l = x where t = 1, max(0, margin - x) where t = -1, else the sum of both
//   y = l, its sum or mean
//
// x       float: distances
// target  any type: t, broadcasts with x
// margin  a number, PyTorch's default is 1
// r       CLG_REDUCE_MEAN, _SUM or _NONE
// result  0-d, the broadcast shape for CLG_REDUCE_NONE
// grad    x; 0 at the margin
// errors  CLG_ESHAPE    shapes do not broadcast
CLG_API clg_tensor clg_hinge_embedding_loss(clg_tensor x, clg_tensor target, double margin,
                                            clg_reduction r);

// Should a be larger than b (1), or smaller (-1)?
//
//   l = max(0, margin - t (a - b)); y = l, its sum or mean
//
// a, b    float, of one rank
// target  any type, of their rank: t. The three broadcast
// margin  a number, PyTorch's default is 0
// r       CLG_REDUCE_MEAN, _SUM or _NONE
// result  0-d, the broadcast shape for CLG_REDUCE_NONE
// grad    a, b, target; 0 at the margin
// errors  CLG_ESHAPE    ranks differ, or shapes do not broadcast
CLG_API clg_tensor clg_margin_ranking_loss(clg_tensor a, clg_tensor b, clg_tensor target,
                                           double margin, clg_reduction r);

// Should two vectors point the same way (1), or not (-1)?
//
//   l = 1 - cos where t = 1, max(0, cos - margin) where t = -1, else 0; y = l, its sum or mean
//   cos = sum of a b / (sqrt(sum of a^2 + 1e-12) sqrt(sum of b^2 + 1e-12))
//
// a, b    [N,D] or [D]  float, broadcast
// target  [N] or 0-d    any type: t
// margin  a number, PyTorch's default is 0
// r       CLG_REDUCE_MEAN, _SUM or _NONE
// result  0-d, [N] or 0-d for CLG_REDUCE_NONE
// grad    a, b; 0 at the margin
// errors  CLG_ESHAPE    shapes do not fit
CLG_API clg_tensor clg_cosine_embedding_loss(clg_tensor a, clg_tensor b, clg_tensor target,
                                             double margin, clg_reduction r);

// Hinge loss of several classes.
//
//   l = w[t] sum over j != t of max(0, margin + x[j] - x[t])^p / K; y = l, its sum, or its mean
//
// x       [N,K], [K] or 0-d  float
// target  [N], 0-d or [1]    I32, I64 or U8: the class t. One that there is not: unspecified
// p       1 or 2
// margin  a number, PyTorch's default is 1
// weight  [K], may be NULL
// r       CLG_REDUCE_MEAN, _SUM or _NONE
// result  0-d, shape of target for CLG_REDUCE_NONE; type of x
// grad    x, weight
// errors  CLG_EDTYPE    x is not floating, or the target no integer
//         CLG_ESHAPE    shapes do not fit
//         CLG_EINVAL    p
CLG_API clg_tensor clg_multi_margin_loss(clg_tensor x, clg_tensor target, int p, double margin,
                                         clg_tensor weight, clg_reduction r);

// Hinge loss of several classes at once.
//
//   l = sum over j that are meant, i that are not of max(0, 1 + x[i] - x[j]) / K
//
// x       [N,K], [K] or 0-d  float
// target  shape of x    I32 or I64: numbers of the classes that are meant, up to the first below 0
// r       CLG_REDUCE_MEAN, _SUM or _NONE
// result  0-d, [N] or 0-d for CLG_REDUCE_NONE; type of x
// grad    x
// errors  CLG_EDTYPE    x is not floating, or the target no such integer
//         CLG_ESHAPE    shapes do not fit
CLG_API clg_tensor clg_multilabel_margin_loss(clg_tensor x, clg_tensor target, clg_reduction r);

// Cross-entropy of two classes, several times: the mean over the last dimension of
// clg_binary_cross_entropy_with_logits.
//
// x       [...,K]       float: logits
// target  float, broadcasts with x
// weight  broadcasts with x; may be NULL
// r       CLG_REDUCE_MEAN, _SUM or _NONE
// result  0-d, x without its last dimension for CLG_REDUCE_NONE
// grad    x, target, weight
// errors  CLG_ESHAPE    shapes do not fit, or x is 0-d
CLG_API clg_tensor clg_multilabel_soft_margin_loss(clg_tensor x, clg_tensor target,
                                                   clg_tensor weight, clg_reduction r);

// Logistic loss of two classes, 1 and -1.
//
//   l = log(1 + e^(-t x)); y = l, its sum or mean
//
// x       float
// target  any type: t; broadcasts with x
// r       CLG_REDUCE_MEAN, _SUM or _NONE
// result  0-d, the broadcast shape for CLG_REDUCE_NONE
// grad    x, target
// errors  CLG_ESHAPE    shapes do not broadcast
CLG_API clg_tensor clg_soft_margin_loss(clg_tensor x, clg_tensor target, clg_reduction r);

// Is the anchor nearer to the positive than to the negative, by a margin?
//
//   l = max(0, margin + d(a, p) - d(a, n)), d as of clg_pairwise_distance
//   swap: d(p, n) in place of d(a, n) where it is smaller; y = l, its sum or mean
//
// a, p, n   [...,D]     float, of one rank, broadcast
// margin  above 0, PyTorch's default is 1
// norm, eps   as of clg_pairwise_distance, PyTorch's defaults are 2 and 1e-6
// swap    see above
// r       CLG_REDUCE_MEAN, _SUM or _NONE
// result  0-d, [...] for CLG_REDUCE_NONE
// grad    a, p, n; 0 at the margin
// errors  CLG_ESHAPE    ranks differ, or shapes do not broadcast
//         CLG_EINVAL    margin is not above 0, or norm or eps is NaN
// source  Balntas and others 2016
CLG_API clg_tensor clg_triplet_margin_loss(clg_tensor a, clg_tensor p, clg_tensor n, double margin,
                                           double norm, double eps, bool swap, clg_reduction r);

// A distance of two tensors: a tensor, or a poison.
typedef clg_tensor (*clg_distance_fn)(clg_tensor a, clg_tensor b, void *user);

// The same with any distance.
//
// a, p, n   float, of one rank
// distance, user   called two times (with swap three); NULL: clg_pairwise_distance(a, b, 2, 1e-6)
// margin, swap, r   as of clg_triplet_margin_loss
// result  0-d, the shape of distances for CLG_REDUCE_NONE
// grad    as the distance has it
// errors  CLG_ESHAPE    ranks differ, or distances do not broadcast
//         CLG_EINVAL    margin is not above 0
CLG_API clg_tensor clg_triplet_margin_with_distance_loss(clg_tensor a, clg_tensor p, clg_tensor n,
                                                         clg_distance_fn distance, void *user,
                                                         double margin, bool swap,
                                                         clg_reduction r);

// ---- distances

// Cosine of the angle between vectors along an axis.
//
//   y = sum of (a / max(norm(a), eps)) (b / max(norm(b), eps))
//
// a, b    float, broadcast
// axis    of the broadcast shape, may be negative
// eps     PyTorch's default is 1e-8
// result  the broadcast shape without the axis; the common type
// grad    a, b (as if max were not there; the norm of zeros has none)
// errors  CLG_ESHAPE    shapes do not broadcast, or no such axis
//         CLG_EINVAL    eps is negative or NaN
CLG_API clg_tensor clg_cosine_similarity(clg_tensor a, clg_tensor b, int axis, double eps);

// Distance of vectors along the last axis.
//
//   y = (sum of abs(a - b + eps)^p)^(1/p); p infinite: the largest, -infinite: the smallest, 0: how
//   many are not 0
//
// a, b    [...,D]       float, broadcast
// p       a number, PyTorch's default is 2
// eps     a number, PyTorch's default is 1e-6
// keepdims   the last dimension stays with size 1
// result  [...]; the common type
// grad    a, b; 0 where y is 0
// errors  CLG_ESHAPE    shapes do not broadcast, two 0-d tensors
//         CLG_EINVAL    p or eps is NaN
CLG_API clg_tensor clg_pairwise_distance(clg_tensor a, clg_tensor b, double p, double eps,
                                         bool keepdims);

// Distances of each two rows, (0,1), (0,2), ... (N-2,N-1).
//
//   y = (sum of abs(a[i] - a[j])^p)^(1/p), as of clg_pairwise_distance
//
// a       [N,D]         float
// p       0 or more, may be infinite
// result  [N (N-1) / 2]; type of a
// grad    a, as of clg_cdist; 0 where y is 0
// errors  CLG_EDTYPE    a is not floating
//         CLG_ESHAPE    rank is not 2, or there are more than 2^31 distances
//         CLG_EINVAL    p is negative or NaN
//         CLG_ENOMEM, CLG_EDEVICE   as of clg_upload
CLG_API clg_tensor clg_pdist(clg_tensor a, double p);

CLG_END
#endif
