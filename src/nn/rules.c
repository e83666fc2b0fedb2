// SPDX-License-Identifier: MIT
// Update rules: one parameter's step as plain graph code, which the scheduler runs in few launches. Sums are
// made in F32, of F64 in F64, and rounded to the parameter's type once, where they are stored.
#include "nn/optim.h"

#include "nn/fp.h"
#include <clgrad/grad.h>
#include <clgrad/reduce.h>

#include <math.h>

typedef struct update { // a parameter
    clg__step *s;
    int i, group;
    const clg__group *g;
    clg__param *p;
    clg_dtype type; // of the sums
    clg_tensor w, grad;
    bool known; // it has had a step
    clg_tensor *clock;
} update;

enum {
    I_ONE = CLG__ONE, I_LR, I_DECAY, I_BETA1, I_REST1, I_BETA2, I_REST2, I_EPS, I_MOMENTUM, I_REST_MOMENTUM, I_UNDAMPED, I_ALPHA,
    I_REST_ALPHA, I_LR_DECAY, I_LOG1, I_LOG2, I_LARGEST, I_SMALLEST, I_INFINITE, I_ROOT, I_MU, I_HALF, I_SHARE,
    I_ZERO, I_NS_A, I_NS_B, I_NS_C, I_RHO, I_RHO_END, I_LIMIT, I_QUARTER
};

static clg_tensor num_of(clg__step *s, int group, clg_dtype t, int id, double v)
{
    return clg__step_number(s, group, t, id, v);
}

static clg_tensor num(const update *p, int id, double v)
{
    return num_of(p->s, p->group, p->type, id, v);
}

static clg_tensor field(const update *p, int id, clg__number k)
{
    return num(p, id, p->g->v[k]);
}

static clg_tensor lr_of(const update *p)
{
    return field(p, I_LR, N_LR);
}

static clg_tensor in_type(clg_tensor t, clg_dtype type)
{
    return t->dtype == type ? t : clg_cast(t, type);
}

// A state's value; name: its place in the group's list
static clg_tensor state(update *p, int k, double first, clg_shape shape, clg_dtype type)
{
    clg_var *v = &p->p->state[k];
    if (!*v)
        *v = clg__store_state(p->s->o->store, clg__group_states(p->g)[k], p->p->name, type, shape, first, NULL);
    return *v ? in_type(clg_var_value(*v), p->type) : NULL;
}

static clg_tensor moment(update *p, int k)
{
    const clg_tensor w = p->s->o->value[p->i];
    return state(p, k, 0, w->shape, p->g->master ? p->type : w->dtype);
}

static void keep(update *p, int k, clg_tensor t)
{
    clg__step_put(p->s, p->p->state[k], t);
}

static bool set_weight(update *p, clg_tensor w)
{
    if (p->p->master)
        clg__step_put(p->s, p->p->master, w);
    clg__step_put(p->s, p->p->var, w);
    return true;
}

// m = beta m + (1 - beta) x
static clg_tensor blend(clg_tensor m, clg_tensor beta, clg_tensor x, clg_tensor rest)
{
    return clg_add(clg_mul(m, beta), clg_mul(x, rest));
}

// ---- time: what follows from the number of steps that a parameter has had

// 1 - beta^t without cancellation
static clg_tensor bias(clg__step *s, int group, clg_dtype type, int id, double beta, clg_tensor t)
{
    return clg_neg(clg_expm1(clg_mul(t, num_of(s, group, type, id, log(beta)))));
}

// coth(y) - 1/y below 1/4, by its series
static clg_tensor langevin(clg_tensor y)
{
    static const double c[] = { 1. / 3, -1. / 45, 2. / 945, -1. / 4725, 2. / 93555, -1382. / 638512875 };
    clg_tensor q = clg_mul(y, y), sum = clg_mul_scalar(q, c[5]);
    for (int i = 4; i >= 0; i--)
        sum = clg_mul(clg_add_scalar(sum, c[i]), i > 0 ? q : y);
    return sum;
}

// RAdam's rho_t = 2 / (1 - b) - 1 - 2 t b^t / (1 - b^t), which loses all digits of f32 as it is written. With
// l = -log b it is coth(l/2) - t coth(tl/2) + t, whose large parts 2/l cancel on paper.
static clg_tensor rho_of(clg__step *s, int group, clg_dtype type, double beta, clg_tensor t)
{
    const double l = -log(beta), y = l / 2, rest = 1 / tanh(y) - 2 / l;
    clg_tensor at = clg_mul(t, num_of(s, group, type, I_MU, y)), first = num_of(s, group, type, I_SHARE, rest);
    clg_tensor end = num_of(s, group, type, I_QUARTER, 0.25);
    clg_tensor soon = clg_add(first, clg_sub(t, clg_mul(t, langevin(clg_minimum(at, end)))));
    clg_tensor late = clg_sub(num_of(s, group, type, I_RHO, rest + 2 / l),
                              clg_div(clg_add(t, t), clg_expm1(clg_add(at, at))));
    return clg_where(clg_lt(at, end), soon, late);
}

static void rectify(clg__step *s, int group, clg_dtype type, const clg__group *g, clg_tensor t, clg_tensor out[3])
{
    const double inf = 2 / (1 - g->v[N_BETA2]) - 1;
    clg_tensor rho = rho_of(s, group, type, g->v[N_BETA2], t);
    clg_tensor four = clg_sub_scalar(rho, 4), two = clg_sub_scalar(rho, 2);
    clg_tensor square = clg_mul(clg_div(clg_mul(four, two), rho),
                                num_of(s, group, type, I_RHO_END, inf / ((inf - 4) * (inf - 2))));
    out[2] = clg_gt(rho, num_of(s, group, type, I_LIMIT, 5));
    out[1] = clg_where(out[2], clg_sqrt(clg_mul(square, bias(s, group, type, I_LOG2, g->v[N_BETA2], t))),
                       num_of(s, group, type, I_ONE, 1));
}

// Adam and its kin: lr / (1 - beta1^t), 1 / sqrt(1 - beta2^t). SGD: is this the first step?
static void tell_time(clg__step *s, int group, clg_dtype type, clg_tensor counter, clg_tensor out[3])
{
    const clg__group *g = &s->o->group[group];
    const double *v = g->v;
    clg_tensor one = num_of(s, group, type, I_ONE, 1), lr = num_of(s, group, type, I_LR, v[N_LR]);
    if (g->rule == CLG_OPTIM_SGD) {
        out[0] = clg_eq(counter, num_of(s, group, CLG_F32, I_ONE, 1));
        return;
    }
    clg_tensor t = in_type(counter, type);
    if (g->rule == CLG_OPTIM_ADAGRAD) {
        out[0] = clg_div(lr, clg_add(one, clg_mul(clg_sub(t, one), num_of(s, group, type, I_LR_DECAY, v[N_LR_DECAY]))));
        return;
    }
    if (g->rule == CLG_OPTIM_NADAM)
        out[0] = t;
    else
        out[0] = clg_div(g->rule == CLG_OPTIM_LAMB ? one : lr, bias(s, group, type, I_LOG1, v[N_BETA1], t));
    if (g->rule == CLG_OPTIM_RADAM)
        rectify(s, group, type, g, t, out);
    else if (g->rule != CLG_OPTIM_ADAMAX)
        out[1] = clg_rsqrt(bias(s, group, type, I_LOG2, v[N_BETA2], t));
}

static bool is_timed(const clg__group *g)
{
    switch (g->rule) {
    case CLG_OPTIM_SGD:
        return g->v[N_MOMENTUM] != 0;
    case CLG_OPTIM_ADAGRAD:
        return g->v[N_LR_DECAY] != 0;
    case CLG_OPTIM_RMSPROP:
    case CLG_OPTIM_ADADELTA:
    case CLG_OPTIM_LION:
    case CLG_OPTIM_MUON:
        return false;
    default:
        return true;
    }
}

static clg_var own_steps(clg__step *s, clg__param *p, clg_tensor first)
{
    if (!p->own_steps)
        p->own_steps = clg__store_state(s->o->store, "step", p->name, CLG_F32, CLG_SCALAR, 0, first);
    return p->own_steps;
}

// One counter serves all parameters that were there at the first step and at each one since; others, thawed,
// of a new layer or once without a gradient, count their own, or their bias correction would be that of
// another one.
static bool read_clock(update *p, clg_tensor own[3])
{
    clg__step *s = p->s;
    clg__slots *k = &s->slots[2 * p->group + (p->type == CLG_F64)];
    const bool alone = p->p->own_steps || clg__store_has_state(s->o->store, "step", p->p->name);
    if (!alone && (p->known || s->fresh)) {
        if (!k->timed)
            tell_time(s, p->group, p->type, s->t, k->clock);
        k->timed = true;
        p->clock = k->clock;
        return true;
    }
    clg_var v = own_steps(s, p->p, NULL);
    if (v)
        tell_time(s, p->group, p->type, clg__step_count(s, v), own);
    p->clock = own;
    return v != NULL;
}

bool clg__step_none(clg__step *s, int i)
{
    clg__param *p = &s->o->param[i];
    const clg__group *g = &s->o->group[p->group];
    const char *const *states = clg__group_states(g);
    if (s->fresh || !is_timed(g) || !states[0] || p->own_steps ||
        !(p->state[0] || clg__store_has_state(s->o->store, states[0], p->name)))
        return true;
    return own_steps(s, p, s->before) != NULL;
}

// ---- rules

static bool sgd(update *p)
{
    clg_tensor g = p->grad;
    if (p->g->v[N_MOMENTUM] != 0) {
        clg_tensor old = moment(p, 0), by = field(p, I_MOMENTUM, N_MOMENTUM);
        if (!old)
            return false;
        // the first step takes the whole gradient, later ones 1 - dampening of it
        clg_tensor share = clg_where(p->clock[0], num(p, I_ONE, 1), num(p, I_UNDAMPED, 1 - p->g->v[N_DAMPENING]));
        clg_tensor m = blend(old, by, g, share);
        keep(p, 0, m);
        g = p->g->nesterov ? clg_add(g, clg_mul(m, by)) : m;
    }
    return set_weight(p, clg_sub(p->w, clg_mul(g, lr_of(p))));
}

// The square of a gradient beyond 2^64 is infinite in f32, and would be the second moment for ever: the
// parameter would never move again, and nobody would know. Where both moments take the largest number
// whose square is finite instead, their ratio stays what it is. Infinite gradients stay to be seen.
static clg_tensor squarable(const update *p)
{
    const double largest = p->type == CLG_F64 ? 0x1.fffffffffffffp511 : 0x1.fffffep63;
    clg_tensor finite = clg_minimum(clg_maximum(p->grad, num(p, I_SMALLEST, -largest)), num(p, I_LARGEST, largest));
    return clg_where(clg_eq(clg_abs(p->grad), num(p, I_INFINITE, INFINITY)), p->grad, finite);
}

// sqrt(v). A square below 2^-126 is lost, with a usual eps for no harm. Where eps is tiny the first
// moment tells how small v can be: by Cauchy and Schwarz, m^2 <= c^2 v with the c of these betas.
static clg_tensor root_of(const update *p, clg_tensor v, clg_tensor m)
{
    const double b1 = p->g->v[N_BETA1], b2 = p->g->v[N_BETA2], rest = 1 - b1 * b1 / b2;
    clg_tensor root = clg_sqrt(v);
    if (p->type == CLG_F64 || p->g->v[N_EPS] >= 1e-12 || !(rest > 0 && b1 < 1 && b2 < 1))
        return root;
    const double c = (1 - b1) / sqrt(1 - b2) / sqrt(rest);
    return clg_maximum(root, clg_mul(clg_abs(m), num(p, I_ROOT, 0.99 / c)));
}

static clg_tensor first_moment(update *p, clg_tensor g)
{
    clg_tensor m = moment(p, 0);
    return m ? blend(m, field(p, I_BETA1, N_BETA1), g, num(p, I_REST1, 1 - p->g->v[N_BETA1])) : NULL;
}

static bool moments(update *p, clg_tensor *g, clg_tensor *m, clg_tensor *v)
{
    clg_tensor old_m = moment(p, 0), old = moment(p, 1);
    if (!old_m || !old)
        return false;
    *g = squarable(p);
    *m = blend(old_m, field(p, I_BETA1, N_BETA1), *g, num(p, I_REST1, 1 - p->g->v[N_BETA1]));
    *v = blend(old, field(p, I_BETA2, N_BETA2), clg_mul(*g, *g), num(p, I_REST2, 1 - p->g->v[N_BETA2]));
    return true;
}

static clg_tensor with_eps(const update *p, clg_tensor t)
{
    return clg_add(t, field(p, I_EPS, N_EPS));
}

static bool adam(update *p)
{
    clg_tensor g, m, v, most = NULL;
    if (!moments(p, &g, &m, &v))
        return false;
    if (p->g->amsgrad) {
        most = moment(p, 2);
        if (!most)
            return false;
        most = clg_maximum(most, v);
    }
    clg_tensor down = with_eps(p, clg_mul(root_of(p, most ? most : v, m), p->clock[1]));
    keep(p, 0, m);
    keep(p, 1, v);
    if (most)
        keep(p, 2, most);
    return set_weight(p, clg_sub(p->w, clg_mul(p->clock[0], clg_div(m, down))));
}

static bool rmsprop(update *p)
{
    int k = 0;
    clg_tensor alpha = field(p, I_ALPHA, N_ALPHA), rest = num(p, I_REST_ALPHA, 1 - p->g->v[N_ALPHA]);
    clg_tensor v = moment(p, k), g = p->grad, b;
    if (!v)
        return false;
    v = blend(v, alpha, clg_mul(g, g), rest);
    keep(p, k++, v);
    if (p->g->centered) {
        clg_tensor mean = moment(p, k);
        if (!mean)
            return false;
        // PyTorch's lerp: what is left of v, a difference, shows how the mean was rounded
        mean = clg_add(mean, clg_mul(rest, clg_sub(g, mean)));
        keep(p, k++, mean);
        v = clg_sub(v, clg_mul(mean, mean));
    }
    clg_tensor d = clg_div(g, with_eps(p, clg_sqrt(v)));
    if (p->g->v[N_MOMENTUM] > 0) {
        b = moment(p, k);
        if (!b)
            return false;
        d = clg_add(clg_mul(b, field(p, I_MOMENTUM, N_MOMENTUM)), d);
        keep(p, k, d);
    }
    return set_weight(p, clg_sub(p->w, clg_mul(d, lr_of(p))));
}

static bool adagrad(update *p)
{
    const clg_tensor w = p->s->o->value[p->i];
    clg_tensor v = state(p, 0, p->g->v[N_INITIAL], w->shape, p->g->master ? p->type : w->dtype);
    if (!v)
        return false;
    v = clg_add(v, clg_mul(p->grad, p->grad));
    keep(p, 0, v);
    clg_tensor lr = p->clock ? p->clock[0] : lr_of(p);
    return set_weight(p, clg_sub(p->w, clg_mul(lr, clg_div(p->grad, with_eps(p, clg_sqrt(v))))));
}

static bool adadelta(update *p)
{
    clg_tensor alpha = field(p, I_ALPHA, N_ALPHA), rest = num(p, I_REST_ALPHA, 1 - p->g->v[N_ALPHA]), g = p->grad;
    clg_tensor v = moment(p, 0), u = moment(p, 1);
    if (!v || !u)
        return false;
    v = blend(v, alpha, clg_mul(g, g), rest);
    clg_tensor d = clg_mul(clg_div(clg_sqrt(with_eps(p, u)), clg_sqrt(with_eps(p, v))), g);
    keep(p, 0, v);
    keep(p, 1, blend(u, alpha, clg_mul(d, d), rest));
    return set_weight(p, clg_sub(p->w, clg_mul(d, lr_of(p))));
}

static bool adamax(update *p)
{
    clg_tensor m = first_moment(p, p->grad), u = moment(p, 1);
    if (!m || !u)
        return false;
    u = clg_maximum(clg_mul(u, field(p, I_BETA2, N_BETA2)), with_eps(p, clg_abs(p->grad)));
    keep(p, 0, m);
    keep(p, 1, u);
    return set_weight(p, clg_sub(p->w, clg_mul(p->clock[0], clg_div(m, u))));
}

// beta1 (1 - 0.96^(t momentum_decay) / 2)
static clg_tensor mu_of(const update *p, clg_tensor t)
{
    clg_tensor power = clg_exp(clg_mul(t, num(p, I_MU, p->g->v[N_MU_DECAY] * log(0.96))));
    clg_tensor one = num(p, I_ONE, 1), half = num(p, I_HALF, 0.5);
    return clg_mul(field(p, I_BETA1, N_BETA1), clg_sub(one, clg_mul(half, power)));
}

static bool nadam(update *p)
{
    clg_tensor g, m, v, one = num(p, I_ONE, 1), t = p->clock[0], lr = lr_of(p);
    clg_tensor product = state(p, 2, 1, CLG_SCALAR, p->type);
    if (!product || !moments(p, &g, &m, &v))
        return false;
    clg_tensor mu = mu_of(p, t), next = mu_of(p, clg_add(t, one));
    product = clg_mul(product, mu);
    clg_tensor by_g = clg_div(clg_mul(lr, clg_sub(one, mu)), clg_sub(one, product));
    clg_tensor by_m = clg_div(clg_mul(lr, next), clg_sub(one, clg_mul(product, next)));
    clg_tensor down = with_eps(p, clg_mul(clg_sqrt(v), p->clock[1]));
    keep(p, 0, m);
    keep(p, 1, v);
    keep(p, 2, product);
    return set_weight(p, clg_sub(p->w, clg_div(clg_add(clg_mul(g, by_g), clg_mul(m, by_m)), down)));
}

static bool radam(update *p)
{
    clg_tensor g, m, v;
    if (!moments(p, &g, &m, &v))
        return false;
    clg_tensor step = clg_mul(m, p->clock[0]), scaled = clg_div(clg_mul(step, p->clock[1]), with_eps(p, clg_sqrt(v)));
    keep(p, 0, m);
    keep(p, 1, v);
    return set_weight(p, clg_sub(p->w, clg_where(p->clock[2], scaled, step)));
}

static bool lion(update *p)
{
    clg_tensor old = moment(p, 0), g = p->grad;
    if (!old)
        return false;
    clg_tensor way = blend(old, field(p, I_BETA1, N_BETA1), g, num(p, I_REST1, 1 - p->g->v[N_BETA1]));
    keep(p, 0, blend(old, field(p, I_BETA2, N_BETA2), g, num(p, I_REST2, 1 - p->g->v[N_BETA2])));
    // the sign of NaN is 0 here, and a step must not hide it
    clg_tensor sign = clg_where(clg_is_nan(way), way, clg_sign(way));
    return set_weight(p, clg_sub(p->w, clg_mul(sign, lr_of(p))));
}

static clg_tensor norm_of(clg_tensor t)
{
    return clg_sqrt(clg_sum(clg_mul(t, t), CLG_ALL, false));
}

static bool lamb(update *p)
{
    clg_tensor g, m, v, zero = num(p, I_ZERO, 0), one = num(p, I_ONE, 1);
    if (!moments(p, &g, &m, &v))
        return false;
    clg_tensor u = clg_div(clg_mul(m, p->clock[0]), with_eps(p, clg_mul(clg_sqrt(v), p->clock[1])));
    if (p->g->v[N_DECAY] != 0)
        u = clg_add(u, clg_mul(p->w, field(p, I_DECAY, N_DECAY)));
    clg_tensor a = norm_of(p->w), b = norm_of(u);
    clg_tensor both = clg_logical_and(clg_gt(a, zero), clg_gt(b, zero));
    clg_tensor trust = clg_where(both, clg_div(a, clg_where(both, b, one)), one);
    keep(p, 0, m);
    keep(p, 1, v);
    return set_weight(p, clg_sub(p->w, clg_mul(u, clg_mul(lr_of(p), trust))));
}

// The quintic iteration of Jordan's Muon: singular values go to about 1, not quite.
static clg_tensor orthogonal(const update *p, clg_tensor x)
{
    const bool tall = x->shape.dim[0] > x->shape.dim[1];
    clg_tensor a = num(p, I_NS_A, 3.4445), b = num(p, I_NS_B, -4.7750), c = num(p, I_NS_C, 2.0315);
    x = clg_div(x, clg_maximum(norm_of(x), field(p, I_EPS, N_EPS)));
    for (int k = 0; k < p->g->ns_steps; k++) { // of the smaller of the two squares
        clg_tensor t = clg_transpose(x, 0, 1), gram = tall ? clg_matmul(t, x) : clg_matmul(x, t);
        clg_tensor poly = clg_add(clg_mul(gram, b), clg_mul(clg_matmul(gram, gram), c));
        x = clg_add(clg_mul(x, a), tall ? clg_matmul(x, poly) : clg_matmul(poly, x));
    }
    return x;
}

static bool muon(update *p)
{
    clg_tensor m = moment(p, 0), g = p->grad, by = field(p, I_MOMENTUM, N_MOMENTUM);
    if (!m)
        return false;
    const double rows = (double) p->w->shape.dim[0], columns = (double) p->w->shape.dim[1];
    m = clg_add(m, clg_mul(num(p, I_REST_MOMENTUM, 1 - p->g->v[N_MOMENTUM]), clg_sub(g, m)));
    keep(p, 0, m);
    clg_tensor u = p->g->nesterov ? clg_add(g, clg_mul(by, clg_sub(m, g))) : m;
    const double ratio = p->g->adjust == CLG_MUON_ORIGINAL          ? sqrt(fmax(1, rows / columns))
                         : p->g->adjust == CLG_MUON_MATCH_RMS_ADAMW ? 0.2 * sqrt(fmax(rows, columns))
                                                                    : sqrt(rows / columns);
    if (clg_numel(u->shape) > 0)
        u = orthogonal(p, u);
    clg_tensor lr = clg_scalar(p->s->dev, p->type, p->g->v[N_LR] * ratio); // follows from the shape
    return set_weight(p, clg_sub(p->w, clg_mul(u, lr)));
}

static bool (*const rules[])(update *p) = {
    NULL, sgd, adam, adam, rmsprop, adagrad, adadelta, adamax, nadam, radam, lion, lamb, muon,
};

// The first state tells whether a parameter has had a step.
static bool begin(update *p)
{
    clg__step *s = p->s;
    const clg_tensor w = s->o->value[p->i];
    const char *const *states = clg__group_states(p->g);
    p->known = p->p->state[0] || (states[0] && clg__store_has_state(s->o->store, states[0], p->p->name));
    p->type = w->dtype == CLG_F64 ? CLG_F64 : CLG_F32;
    p->w = in_type(w, p->type);
    p->grad = in_type(s->o->grad[p->i], p->type);
    if (clg__keeps_master(p->g, w->dtype)) {
        if (!p->p->master)
            p->p->master = clg__store_state(s->o->store, "master", p->p->name, p->type, w->shape, 0, clg_detach(p->w));
        if (!p->p->master)
            return false;
        p->w = clg_var_value(p->p->master);
    }
    return true;
}

bool clg__step_one(clg__step *s, int i)
{
    clg__param *p = &s->o->param[i];
    update q = { .s = s, .i = i, .group = p->group, .g = &s->o->group[p->group], .p = p };
    clg_tensor own[3] = { NULL };
    if (!begin(&q))
        return false;
    if (is_timed(q.g) && !read_clock(&q, own))
        return false;
    if (q.g->maximize)
        q.grad = clg_neg(q.grad);
    if (q.g->v[N_DECAY] != 0 && q.g->rule != CLG_OPTIM_LAMB) {
        clg_tensor decay = field(&q, I_DECAY, N_DECAY);
        if (q.g->decoupled)
            q.w = clg_sub(q.w, clg_mul(q.w, clg_mul(lr_of(&q), decay)));
        else
            q.grad = clg_add(q.grad, clg_mul(q.w, decay));
    }
    return rules[q.g->rule](&q);
}
