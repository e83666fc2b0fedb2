// SPDX-License-Identifier: MIT
// AugMix: chains of operations, mixed with the image.
#include "choices.h"
#include "draw.h"

#include <math.h>
#include <stdlib.h>

enum { BINS = 10, MOST_WIDTH = 16, MOST_DEPTH = 16, DRAWN_DEPTH = 3 };

static const clg_image_op all_ops[] = {
    CLG_IMAGE_SHEAR_X, CLG_IMAGE_SHEAR_Y, CLG_IMAGE_TRANSLATE_X, CLG_IMAGE_TRANSLATE_Y, CLG_IMAGE_ROTATE, CLG_IMAGE_POSTERIZE,
    CLG_IMAGE_SOLARIZE, CLG_IMAGE_AUTOCONTRAST, CLG_IMAGE_EQUALIZE, // that many without colors
    CLG_IMAGE_BRIGHTNESS, CLG_IMAGE_COLOR, CLG_IMAGE_CONTRAST, CLG_IMAGE_SHARPNESS
};
enum { ALL_OPS = (int) (sizeof all_ops / sizeof all_ops[0]), PARTIAL_OPS = 9 };

static const char *check(struct clg_image_augmix_params *q, const struct clg_image_augmix_params *p)
{
    const char *wrong = clg_params_read(q, sizeof *q, p);
    if (wrong)
        return wrong;
    q->severity = q->severity ? q->severity : 3;
    q->mixture_width = q->mixture_width ? q->mixture_width : 3;
    q->alpha = q->alpha != 0 ? q->alpha : 1;
    if (q->severity < 1 || q->severity > BINS)
        return "severity is not 1 to 10";
    if (q->mixture_width < 1 || q->mixture_width > MOST_WIDTH || q->chain_depth < 0 || q->chain_depth > MOST_DEPTH)
        return "mixture_width or chain_depth is not within 0 and 16";
    return q->alpha > 0 && isfinite(q->alpha) ? NULL : "alpha is not above 0";
}

// Operation k of a chain, for each image; nothing where its chain is shorter.
static void draw_ops(clg__choice *c, clg_tensor x, const struct clg_image_augmix_params *q, const clg_draw_key *key, int chain,
                     int k)
{
    for (int64_t i = 0; i < x->shape.dim[0]; i++) {
        double u[4];
        clg__draw(key, i, CLG__DRAW_AUGMIX, chain * (MOST_DEPTH + 1), u);
        const int64_t depth = q->chain_depth ? q->chain_depth : 1 + clg__draw_whole(u[0], DRAWN_DEPTH);
        c[i] = (clg__choice) { CLG_IMAGE_IDENTITY, 0 };
        if (k >= depth)
            continue;
        clg__draw(key, i, CLG__DRAW_AUGMIX, chain * (MOST_DEPTH + 1) + 1 + k, u);
        c[i].op = all_ops[clg__draw_whole(u[0], q->partial_ops ? PARTIAL_OPS : ALL_OPS)];
        c[i].magnitude = clg_image_op_magnitude(CLG_IMAGE_SPACE_AUGMIX, c[i].op, (int) clg__draw_whole(u[1], q->severity), BINS,
                                                x->shape.dim[2], x->shape.dim[3]);
        if (clg__image_op_is_signed(c[i].op) && u[2] < 0.5)
            c[i].magnitude = -c[i].magnitude;
    }
}

// Of the image, then of each chain: [1+width,N,1,1,1] of the type that x is computed in.
static clg_tensor draw_weights(const char *op, clg_tensor x, const struct clg_image_augmix_params *q, const clg_draw_key *key)
{
    const int64_t n = x->shape.dim[0];
    float *w = malloc(((size_t) (n * (1 + q->mixture_width)) + 1) * sizeof *w);
    if (!w)
        return clg_poison(x->dev, CLG_ENOMEM, "%s: out of host memory", op);
    for (int64_t i = 0; i < n; i++) {
        int from = 0;
        double of_two[2], chains[MOST_WIDTH];
        clg__draw_dirichlet(key, i, q->alpha, 2, &from, of_two);
        clg__draw_dirichlet(key, i, q->alpha, q->mixture_width, &from, chains);
        w[i] = (float) of_two[0];
        for (int k = 0; k < q->mixture_width; k++)
            w[(1 + k) * n + i] = (float) (of_two[1] * chains[k]);
    }
    const clg_tensor y = clg_upload(x->dev, CLG_F32, CLG_SHAPE(1 + q->mixture_width, n, 1, 1, 1), w);
    free(w);
    return x->dtype == CLG_F64 ? clg_cast(y, CLG_F64) : y;
}

clg_tensor clg_image_augmix(clg_tensor x, const struct clg_image_augmix_params *p, clg_draw_key key)
{
    static const char op[] = "image_augmix";
    struct clg_image_augmix_params q;
    struct clg_image_ops_params ops;
    clg_tensor bad = clg__choices_check(op, x, NULL, &ops);
    if (bad)
        return bad;
    const char *wrong = check(&q, p);
    if (wrong)
        return clg_poison(x->dev, CLG_EINVAL, "%s: %s", op, wrong);
    bad = clg__choices_check(op, x, clg_image_ops_params(.bilinear = !q.nearest, .fill = q.fill, .fills = q.fills), &ops);
    if (bad)
        return bad;
    const clg_tensor in = clg__choices_begin(x), weights = draw_weights(op, in, &q, &key);
    clg__choice *c = malloc(((size_t) x->shape.dim[0] + 1) * sizeof *c);
    if (!c || weights->status < 0) {
        free(c);
        return weights->status < 0 ? weights : clg_poison(x->dev, CLG_ENOMEM, "%s: out of host memory", op);
    }
    clg_tensor mix = clg_mul(clg__image_work(in), clg_select(weights, 0, 0));
    for (int chain = 0; chain < q.mixture_width; chain++) {
        clg_tensor y = in;
        for (int k = 0; k < (q.chain_depth ? q.chain_depth : DRAWN_DEPTH); k++) {
            draw_ops(c, in, &q, &key, chain, k);
            y = clg__choices_apply(op, y, c, &ops);
        }
        mix = clg_add(mix, clg_mul(clg__image_work(y), clg_select(weights, 0, 1 + chain)));
    }
    free(c);
    if (!clg__image_is_float(x)) // weights may add up to a little more than 1
        mix = clg_minimum(mix, clg_scalar(x->dev, mix->dtype, clg__image_most(x->dtype)));
    return clg__image_back(mix, x->dtype);
}
