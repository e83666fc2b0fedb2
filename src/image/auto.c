// SPDX-License-Identifier: MIT
// RandAugment, TrivialAugmentWide and AutoAugment: what each image draws.
#include "choices.h"
#include "draw.h"
#include "policies.h"

#include <stdlib.h>

enum { MOST_OPS = 64, OPS = CLG_IMAGE_EQUALIZE + 1, POLICY_BINS = 10 };

typedef struct augment {
    const char *op;
    clg_tensor x;
    int64_t n, h, w;
    struct clg_image_ops_params p;
    clg_draw_key key;
    clg__choice *c; // N
} augment;

// NULL, or the poison that the call is; `wrong` is what the caller found.
static clg_tensor begin(augment *a, const char *op, clg_tensor x, const struct clg_image_ops_params *p, const clg_draw_key *key,
                        const char *(*check)(int, int, int), int n0, int n1, int n2)
{
    *a = (augment) { .op = op, .key = *key };
    clg_tensor bad = clg__choices_check(op, x, p, &a->p);
    if (bad)
        return bad;
    const char *wrong = check(n0, n1, n2);
    if (wrong)
        return clg_poison(x->dev, CLG_EINVAL, "%s: %s", op, wrong);
    a->n = x->shape.dim[0], a->h = x->shape.dim[2], a->w = x->shape.dim[3];
    a->x = clg__choices_begin(x);
    a->c = malloc(((size_t) a->n + 1) * sizeof *a->c);
    return a->c ? NULL : clg_poison(x->dev, CLG_ENOMEM, "%s: out of host memory", op);
}

static clg_tensor end(augment *a, clg_tensor x)
{
    free(a->c);
    return clg__image_back(a->x == x ? clg_reshape(x, x->shape) : a->x, x->dtype);
}

static clg__choice choice(const augment *a, clg_image_space space, clg_image_op op, int bin, int bins, bool back)
{
    const double m = clg_image_op_magnitude(space, op, bin, bins, a->h, a->w);
    return (clg__choice) { op, back && clg__image_op_is_signed(op) ? -m : m };
}

static const char *check_rand(int num_ops, int magnitude, int bins)
{
    if (num_ops < 0 || num_ops > MOST_OPS)
        return "num_ops is not 0 to 64";
    if (bins < 2)
        return "num_magnitude_bins is below 2";
    return magnitude >= 0 && magnitude < bins ? NULL : "magnitude is not the number of one";
}

clg_tensor clg_image_rand_augment(clg_tensor x, int num_ops, int magnitude, int num_magnitude_bins,
                                  const struct clg_image_ops_params *p, clg_draw_key key)
{
    augment a;
    clg_tensor bad = begin(&a, "image_rand_augment", x, p, &key, check_rand, num_ops, magnitude, num_magnitude_bins);
    if (bad)
        return bad;
    for (int k = 0; k < num_ops; k++) {
        for (int64_t i = 0; i < a.n; i++) {
            double u[4];
            clg__draw(&key, i, CLG__DRAW_RAND, k, u);
            a.c[i] = choice(&a, CLG_IMAGE_SPACE_AUTO, (clg_image_op) clg__draw_whole(u[0], OPS), magnitude, num_magnitude_bins,
                            u[1] < 0.5);
        }
        a.x = clg__choices_apply(a.op, a.x, a.c, &a.p);
    }
    return end(&a, x);
}

static const char *check_trivial(int bins, int b, int c)
{
    (void) b, (void) c;
    return bins >= 2 ? NULL : "num_magnitude_bins is below 2";
}

clg_tensor clg_image_trivial_augment(clg_tensor x, int num_magnitude_bins, const struct clg_image_ops_params *p,
                                     clg_draw_key key)
{
    augment a;
    clg_tensor bad = begin(&a, "image_trivial_augment", x, p, &key, check_trivial, num_magnitude_bins, 0, 0);
    if (bad)
        return bad;
    for (int64_t i = 0; i < a.n; i++) {
        double u[4];
        clg__draw(&key, i, CLG__DRAW_TRIVIAL, 0, u);
        a.c[i] = choice(&a, CLG_IMAGE_SPACE_WIDE, (clg_image_op) clg__draw_whole(u[0], OPS),
                        (int) clg__draw_whole(u[1], num_magnitude_bins), num_magnitude_bins, u[2] < 0.5);
    }
    a.x = clg__choices_apply(a.op, a.x, a.c, &a.p);
    return end(&a, x);
}

static const char *check_policy(int policy, int b, int c)
{
    (void) b, (void) c;
    return policy >= 0 && policy < CLG__POLICIES ? NULL : "there is no such policy";
}

clg_tensor clg_image_auto_augment(clg_tensor x, clg_image_policy policy, const struct clg_image_ops_params *p, clg_draw_key key)
{
    augment a;
    clg_tensor bad = begin(&a, "image_auto_augment", x, p, &key, check_policy, (int) policy, 0, 0);
    if (bad)
        return bad;
    for (int k = 0; k < 2; k++) {
        for (int64_t i = 0; i < a.n; i++) {
            double which[4], u[4];
            clg__draw(&key, i, CLG__DRAW_AUTO, 0, which);
            clg__draw(&key, i, CLG__DRAW_AUTO, 1 + k, u);
            const clg__policy_step s = clg__policies[policy][clg__draw_whole(which[0], CLG__POLICY_PAIRS)][k];
            a.c[i] = u[0] * 10 < s.tenths ? choice(&a, CLG_IMAGE_SPACE_AUTO, (clg_image_op) s.op, s.bin, POLICY_BINS, u[1] < 0.5)
                                          : (clg__choice) { CLG_IMAGE_IDENTITY, 0 };
        }
        a.x = clg__choices_apply(a.op, a.x, a.c, &a.p);
    }
    return end(&a, x);
}
