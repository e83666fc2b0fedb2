// SPDX-License-Identifier: MIT
// Every public function that takes a handle, with every kind of dead one: it refuses, says why in its own
// name, and leaves the device as it was. Where traps are compiled in, the caller's bugs trap. handles.py
// sees to it that no function is missing here.
#include "testing.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

typedef enum kind {
    GOOD, IS_NULL, POPPED, NEEDED, DROPPED, CLOSED, FOREIGN, POISONED, DESTROYED, STORELESS, KINDS
} kind;
static const char *const kinds[] = { "good", "NULL", "of an ended scope", "of an ended scope, needed by others",
                                     "dropped", "of a closed device", "of another device", "poisoned",
                                     "destroyed", "of a destroyed store" };
static const char *const words[] = { "", "NULL", "scope", "scope", "dropped", "closed", "device", "first cause",
                                     "destroyed", "destroyed" };

static clg_device other, closed;
static clg_tensor good, tensors[KINDS], alive; // alive needs tensors[NEEDED]
static clg_var vars[KINDS];
static clg_scope scopes[KINDS];
static clg_store stores[KINDS];
static clg_optim optims[KINDS];
static clg_device devices[KINDS];

static void make(void)
{
    if (clg_device_open(&closed, clg_device_params(.share = dev)) < 0 ||
        clg_device_open(&other, clg_device_params(.share = dev)) < 0)
        ck_abort_msg("no recorders");
    good = clg_track(clg_ones(dev, CLG_F32, CLG_SHAPE(2, 3)));
    tensors[GOOD] = clg_ones(dev, CLG_F32, CLG_SHAPE(2, 3));
    clg_scope s = scopes[POPPED] = clg_scope_push(dev);
    tensors[POPPED] = clg_exp(good);
    tensors[NEEDED] = clg_exp(good);
    alive = clg_keep(clg_mul(tensors[NEEDED], good));
    tensors[DROPPED] = clg_keep(clg_exp(good));
    clg_scope_pop(s);
    clg_tensor copy = tensors[DROPPED];
    clg_drop(&copy);
    tensors[CLOSED] = clg_keep(clg_ones(closed, CLG_F32, CLG_SHAPE(2, 3)));
    tensors[FOREIGN] = clg_ones(other, CLG_F32, CLG_SHAPE(2, 3));
    tensors[POISONED] = clg_poison(dev, CLG_ESHAPE, "test: the first cause");
    vars[GOOD] = clg_var_create(good);
    vars[DESTROYED] = clg_var_create(good);
    clg_var v = vars[DESTROYED];
    clg_var_destroy(&v);
    vars[CLOSED] = clg_var_create(tensors[CLOSED]);
    vars[FOREIGN] = clg_var_create(tensors[FOREIGN]);
    scopes[CLOSED] = clg_scope_push(closed);
    for (int i = 0; i < KINDS; i++) {
        if (i == GOOD || i == DESTROYED || i == STORELESS || i == CLOSED)
            stores[i] = clg_store_create(i == CLOSED ? closed : dev, 1);
        if (stores[i])
            clg_store_param(stores[i], "w", CLG_SHAPE(2, 3), (clg_init) { 0 }, 0);
        optims[i] = stores[i] ? clg_sgd_create(stores[i], NULL) : NULL;
    }
    clg_optim o = optims[DESTROYED];
    clg_optim_destroy(&o);
    clg_store w = stores[STORELESS];
    clg_store_destroy(&w);
    w = stores[DESTROYED];
    clg_store_destroy(&w);
    clg_device d = closed;
    clg_device_close(&d);
    devices[GOOD] = dev;
    devices[CLOSED] = closed;
    clg_error_clear(dev);
}

static void unmake(void)
{
    clg_drop(&alive);
    clg_drop(&tensors[CLOSED]);
    for (int i = 0; i < KINDS; i++) {
        if (i == GOOD || i == CLOSED || i == FOREIGN)
            clg_var_destroy(&vars[i]);
        if (i != DESTROYED)
            clg_optim_destroy(&optims[i]);
        if (i != DESTROYED && i != STORELESS)
            clg_store_destroy(&stores[i]);
    }
    clg_device_close(&other);
}

// ---- the calls: t, v, s, w, o, d are the dead handles, the others are good

static clg_tensor t, many[3];
static clg_var v;
static clg_store w;
static clg_optim o;
static clg_device d;
static float host[6];
static clg_plan_info info;
static clg_status said; // by what returns no tensor
#define FROM(x) (said = (x), (clg_tensor) NULL)
#define VOID(x) ((x), said = clg_error_status(dev), (clg_tensor) NULL)

typedef struct call {
    const char *name; // as messages spell it
    clg_tensor (*run)(void);
    unsigned skip; // kinds that are welcome, or not this call's business
} call;

#define ROWS_T(R)                                                                                  \
    CLG_UNARY_MAP(UNARY) CLG_BINARY_MAP(BINARY)                                                    \
    R(leaky_relu, leaky_relu, clg_leaky_relu(t, 0.1), 0)                                           \
    R(elu, elu, clg_elu(t, 1), 0)                                                                  \
    R(softplus, softplus, clg_softplus(t, 1, 20), 0)                                               \
    R(clamp, clamp, clg_clamp(t, 0, 1), 0)                                                         \
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
    R(dropout, dropout, clg_dropout(t, 0.5), 0)                                                    \
    R(detach, detach, clg_detach(t), 0)                                                            \
    R(track, track, clg_track(t), 0)                                                               \
    R(grad0, grad, clg_grad(t, good), 0)                                                           \
    R(grad1, grad, clg_grad(clg_sum(good, CLG_ALL, false), t), 0)                                  \
    R(grad_n, grad, FROM(clg_grad_n(t, &good, 1, many)), 0)                                        \
    R(vjp0, vjp, FROM(clg_vjp_n(t, good, &good, 1, true, many)), 0)                                \
    R(vjp1, vjp, FROM(clg_vjp_n(good, t, &good, 1, true, many)), 0)                                \
    R(vjp2, vjp, FROM(clg_vjp_n(good, good, &t, 1, true, many)), 0)                                \
    R(grad_check, grad_check, FROM(clg_grad_check(identity, NULL, &t, 1, NULL)), 0)                \
    R(eval_n, eval, FROM(clg_eval_n((clg_tensor[]) { good, t }, 2)), 0)                            \
    R(eval_alone, eval, FROM(clg_eval_alone(t)), 0)                                                \
    R(read, read, FROM(clg_read(t, host, sizeof host)), 0)                                         \
    R(item, item, (clg_item(t, &said), (clg_tensor) NULL), 0)                                      \
    R(print, print, FROM(clg_print(stdout, t)), 0)                                                 \
    R(dot, dot, FROM(clg_dot_n(stdout, (clg_tensor[]) { good, t }, 2)), 0)                         \
    R(plan1, plan, FROM(clg_plan_n(dev, (clg_tensor[]) { good, t }, 2, &info)), 0)                 \
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
    R(nn_dropout0, nn_dropout, clg_nn_dropout(stores[GOOD], t, 0.5), 0)                            \
    R(optim_step1, optim_step, FROM(clg_optim_step(optims[GOOD], t)), 0)                           \
    R(optim_grads1, optim_grads, FROM(clg_optim_grads(optims[GOOD], t, NULL, NULL)), 0)            \
    R(optim_apply1, optim_apply, FROM(clg_optim_apply(optims[GOOD], &t, grads())), 0)              \
    R(clip_grad_norm, clip_grad_norm, clg_clip_grad_norm((clg_tensor[]) { good, t }, 2, 1), 0)     \
    R(clip_grad_value, clip_grad_value, clip_value(), 0)

#define ROWS_V(R)                                                                                  \
    R(var_destroy, var_destroy, VOID(var_destroy()), 1 << IS_NULL | 1 << CLOSED)                   \
    R(var_value, var_value, clg_var_value(v), 0)                                                   \
    R(var_freeze, var_freeze, VOID(clg_var_freeze(v, true)), 1 << IS_NULL | 1 << CLOSED)           \
    R(var_assign, var_assign, FROM(clg_var_assign(v, good)), 0)                                    \
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
    R(nn_dropout, nn_dropout, clg_nn_dropout(w, good, 0.5), 0)                                     \
    R(sgd_create, sgd_create, VOID(clg_sgd_create(w, NULL)), QUIET)                                \
    R(adam_create, adam_create, VOID(clg_adam_create(w, NULL)), QUIET)                             \
    R(adamw_create, adamw_create, VOID(clg_adamw_create(w, NULL)), QUIET)

#define ROWS_O(R)                                                                                  \
    R(optim_destroy, optim_destroy, VOID(optim_destroy()), 1 << IS_NULL | 1 << CLOSED | 1 << STORELESS) \
    R(optim_set_lr, optim_set_lr, VOID(clg_optim_set_lr(o, 1)), QUIET | 1 << STORELESS)            \
    R(optim_lr, optim_lr, VOID(clg_optim_lr(o)), QUIET | 1 << STORELESS)                           \
    R(optim_step, optim_step, FROM(clg_optim_step(o, good)), 0)                                    \
    R(optim_grads, optim_grads, FROM(clg_optim_grads(o, good, NULL, NULL)), 0)                     \
    R(optim_apply, optim_apply, FROM(clg_optim_apply(o, &good, 1)), 0)

#define ROWS_D(R)                                                                                  \
    R(upload, upload, clg_upload(d, CLG_F32, CLG_SHAPE(1), host), 0)                               \
    R(scalar, scalar, clg_scalar(d, CLG_F32, 1), 0)                                                \
    R(full, full, clg_full(d, CLG_F32, CLG_SHAPE(2), 1), 0)                                        \
    R(zeros, zeros, clg_zeros(d, CLG_F32, CLG_SHAPE(2)), 0)                                        \
    R(ones, ones, clg_ones(d, CLG_F32, CLG_SHAPE(2)), 0)                                           \
    R(arange, arange, clg_arange(d, CLG_F32, 0, 2, 1), 0)                                          \
    R(uniform, uniform, clg_uniform(d, CLG_F32, CLG_SHAPE(2), 0, 1), 0)                            \
    R(normal, normal, clg_normal(d, CLG_F32, CLG_SHAPE(2), 0, 1), 0)                               \
    R(bernoulli, bernoulli, clg_bernoulli(d, CLG_F32, CLG_SHAPE(2), 0.5), 0)                       \
    R(permutation, permutation, clg_permutation(d, 3), 0)                                          \
    R(poison, test, clg_poison(d, CLG_EINVAL, "test: closed, or NULL"), NO_BUG)                    \
    R(eval_assigned, eval_assigned, FROM(clg_eval_assigned(d)), 0)                                 \
    R(plan_n, plan, FROM(clg_plan_n(d, NULL, 0, &info)), 0)                                        \
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
    R(set_layer, layer, FROM(clg_set_layer(d, "x") ? 0 : -1), NO_BUG)                              \
    R(manual_seed, seed, (clg_manual_seed(d, 1), FROM(-1)), NO_BUG)                                \
    R(random_get_state, random, FROM(state_of(d) ? 0 : -1), NO_BUG)                                \
    R(random_set_state, random, (clg_random_set_state(d, 1, 1), FROM(-1)), NO_BUG)                 \
    R(store_create, store_create, FROM(clg_store_create(d, 1) ? 0 : -1), 0)                        \
    R(device_open, open, FROM(open_shared()), 1 << IS_NULL)                                        \
    R(device_close, close, (device_close(), FROM(-1)), 1 << IS_NULL)

enum {
    OPTIONAL = 1 << IS_NULL,
    HARMLESS = 1 << FOREIGN | 1 << POISONED,
    QUIET = 1 << IS_NULL | 1 << CLOSED, // documented to answer nothing for NULL; no device would hold the text
    NO_BUG = 1 << GOOD // no caller's bug: does not trap
};
static const clg_init zero;

static clg_tensor identity(const clg_tensor *x, int n, void *user)
{
    (void) n;
    (void) user;
    return x[0];
}

static void drop(void)
{
    clg_tensor copy = t;
    clg_drop(&copy);
}

static void var_destroy(void)
{
    clg_var copy = v;
    clg_var_destroy(&copy);
}

static void store_destroy(void)
{
    clg_store copy = w;
    clg_store_destroy(&copy);
}

static void optim_destroy(void)
{
    clg_optim copy = o;
    clg_optim_destroy(&copy);
}

static void device_close(void)
{
    clg_device copy = d;
    clg_device_close(&copy);
}

static clg_status open_shared(void)
{
    clg_device copy;
    return clg_device_open(&copy, clg_device_params(.share = d));
}

static uint64_t state_of(clg_device of)
{
    uint64_t seed = 7, counter = 7;
    clg_random_get_state(of, &seed, &counter);
    return seed + counter;
}

static int grads(void)
{
    clg_tensor loss = clg_sum(clg_var_value(clg_store_at(stores[GOOD], 0, NULL, NULL)), CLG_ALL, false), *g;
    int n = 0;
    clg_optim_grads(optims[GOOD], loss, &g, &n);
    return n;
}

static clg_tensor clip_value(void)
{
    clg_tensor g = t;
    clg_clip_grad_value(&g, 1, 1);
    return g;
}

#define UNARY(id) DEFINE(id, id, clg_##id(t), 0)
#define BINARY(id)                                                                                 \
    DEFINE(id##_0, id, clg_##id(t, good), 0)                                                       \
    DEFINE(id##_1, id, clg_##id(good, t), 0)                                                       \
    DEFINE(id##_2, id##_scalar, clg_##id##_scalar(t, 1), 0)                                        \
    DEFINE(id##_3, scalar_##id, clg_scalar_##id(1, t), 0)
#define DEFINE(id, name, expression, skip)                                                         \
    static clg_tensor call_##id(void)                                                              \
    {                                                                                              \
        return expression;                                                                         \
    }
#define DEFINE_MANY(id, name, expression, skip) DEFINE(many_##id, name, expression, skip)
ROWS_T(DEFINE)
ROWS_V(DEFINE)
ROWS_W(DEFINE_MANY)
ROWS_O(DEFINE_MANY)
ROWS_D(DEFINE_MANY)
#undef DEFINE
#define DEFINE(id, name, expression, skip) { #name, call_##id, skip },
static const call tensor_calls[] = { ROWS_T(DEFINE) }, var_calls[] = { ROWS_V(DEFINE) };
#undef DEFINE
#define DEFINE(id, name, expression, skip) { #name, call_many_##id, skip },
static const call store_calls[] = { ROWS_W(DEFINE) }, optim_calls[] = { ROWS_O(DEFINE) },
                  device_calls[] = { ROWS_D(DEFINE) };

static int calls;

#ifdef CLG_DEBUG
// A bug of the caller traps: in a process of its own.
static void must_trap(const call *c, const char *what)
{
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(1);
        c->run();
        _exit(0);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGILL, "%s with a handle %s did not trap", c->name,
                  what);
}
#endif

// text: what is known of the message; NULL where no device can hold one
static void judge(const call *c, kind k, clg_tensor y, bool told)
{
    const clg_status st = y ? y->status : said;
    ck_assert_msg(st < 0, "%s with a handle %s: status %d", c->name, kinds[k], st);
    const char *text = clg_error_status(dev) < 0 ? clg_error(dev, 0) : y ? clg_tensor_error(y) : NULL;
    ck_assert_msg(text || !told, "%s with a handle %s: no message", c->name, kinds[k]);
    if (!text)
        return;
    ck_assert_msg(strstr(text, words[k]), "%s with a handle %s: '%s' lacks '%s'", c->name, kinds[k], text, words[k]);
    ck_assert_msg(k == POISONED || strncmp(text, c->name, strlen(c->name)) == 0,
                  "%s with a handle %s: '%s' does not begin with its name", c->name, kinds[k], text);
}

static void one(const call *c, kind k, bool told)
{
    if (c->skip >> k & 1)
        return;
    calls++;
#ifdef CLG_DEBUG
    if (k != POISONED && !(c->skip & NO_BUG)) {
        must_trap(c, kinds[k]);
        return;
    }
#endif
    clg_error_clear(dev);
    said = CLG_OK;
    judge(c, k, c->run(), told);
    clg_error_clear(dev);
}

#define COUNT(x) (sizeof x / sizeof x[0])

START_TEST(dead_tensors)
{
    static const kind all[] = { IS_NULL, POPPED, NEEDED, DROPPED, CLOSED, POISONED };
    for (size_t i = 0; i < COUNT(tensor_calls); i++) {
        clg_scope scope = clg_scope_push(dev);
        for (size_t k = 0; k < COUNT(all); k++) {
            t = tensors[all[k]];
            one(&tensor_calls[i], all[k], all[k] != IS_NULL && all[k] != CLOSED);
        }
        clg_scope_pop(scope);
    }
}
END_TEST

// Where there is a second input, or something else of the first device.
START_TEST(tensors_of_another_device)
{
    static const char *const several[] = { "where", "concat", "stack", "index_select", "matmul", "conv", "max_unpool",
                                           "mse_loss",
                                           "cross_entropy", "vjp", "eval", "dot", "var_assign", "assign_n", "nn_",
                                           "optim_", "clip_grad_norm", "test", "add", "sub", "mul", "div", "pow" };
    for (size_t i = 0; i < COUNT(tensor_calls); i++) {
        const call *c = &tensor_calls[i];
        bool takes = false;
        for (size_t k = 0; k < COUNT(several); k++)
            takes |= strncmp(c->name, several[k], strlen(several[k])) == 0;
        if (!takes || strstr(c->name, "scalar") || c->run == call_eval_alone || c->run == call_sub_2)
            continue;
        clg_scope scope = clg_scope_push(dev), there = clg_scope_push(other);
        t = tensors[FOREIGN];
#ifdef CLG_DEBUG
        one(c, FOREIGN, true);
#else
        clg_error_clear(dev);
        clg_error_clear(other);
        said = CLG_OK;
        const clg_tensor y = c->run();
        ck_assert_msg((y ? y->status : said) < 0, "%s took a tensor of another device", c->name);
        ck_assert_msg(strstr(clg_error(dev, 0), "device") || strstr(clg_error(other, 0), "device"),
                      "%s: '%s' and '%s'", c->name, clg_error(dev, 0), clg_error(other, 0));
        clg_error_clear(dev);
        calls++;
#endif
        clg_scope_pop(there);
        clg_scope_pop(scope);
    }
}
END_TEST

START_TEST(dead_variables)
{
    static const kind all[] = { IS_NULL, DESTROYED, CLOSED };
    for (size_t i = 0; i < COUNT(var_calls); i++) {
        for (size_t k = 0; k < COUNT(all); k++) {
            v = vars[all[k]];
            one(&var_calls[i], all[k], all[k] == DESTROYED);
        }
    }
}
END_TEST

START_TEST(dead_stores)
{
    static const kind all[] = { IS_NULL, DESTROYED, CLOSED };
    for (size_t i = 0; i < COUNT(store_calls); i++) {
        for (size_t k = 0; k < COUNT(all); k++) {
            w = stores[all[k]];
            if (all[k] == IS_NULL && !(store_calls[i].skip & QUIET)) {
#ifndef CLG_DEBUG
                said = CLG_OK; // some have no device to tell
                const clg_tensor y = store_calls[i].run();
                ck_assert_int_lt(y ? y->status : said, 0);
                clg_error_clear(dev);
#endif
            } else if (all[k] == DESTROYED) {
                one(&store_calls[i], all[k], true);
            } else {
                one(&store_calls[i], all[k], false);
            }
        }
    }
}
END_TEST

START_TEST(dead_optimizers)
{
    static const kind all[] = { DESTROYED, STORELESS, CLOSED };
    for (size_t i = 0; i < COUNT(optim_calls); i++) {
        for (size_t k = 0; k < COUNT(all); k++) {
            o = optims[all[k]];
            one(&optim_calls[i], all[k], all[k] != CLOSED);
        }
    }
    ck_assert_int_lt(clg_optim_step(NULL, good), 0);
    ck_assert_int_lt(clg_optim_apply(NULL, &good, 1), 0);
}
END_TEST

START_TEST(dead_devices)
{
    static const kind all[] = { IS_NULL, CLOSED };
    for (size_t i = 0; i < COUNT(device_calls); i++) {
        for (size_t k = 0; k < COUNT(all); k++) {
            d = devices[all[k]];
            one(&device_calls[i], all[k], false);
        }
    }
}
END_TEST

START_TEST(dead_scopes)
{
    clg_scope_pop(NULL);
    clg_scope_pop(scopes[CLOSED]); // its device ended it
    ck_assert_int_eq(clg_error_status(dev), CLG_OK);
#ifndef CLG_DEBUG
    clg_scope_pop(scopes[POPPED]);
    ck_assert_ptr_nonnull(strstr(clg_error(dev, 0), "scope_pop: the scope pushed at "));
    ck_assert_ptr_nonnull(strstr(clg_error(dev, 0), "was popped already"));
    clg_error_clear(dev);
    clg_scope a = clg_scope_push(dev), b = clg_scope_push(dev);
    clg_scope_pop(a); // b too
    ck_assert_int_eq(clg_error_status(dev), CLG_OK);
    clg_scope_pop(b);
    ck_assert_int_eq(clg_error_status(dev), CLG_EINVAL);
    clg_error_clear(dev);
#endif
}
END_TEST

// A handle is known to be dead for long, and the device is as it was.
START_TEST(the_device_is_usable_afterwards)
{
    clg_scope scope = clg_scope_push(dev);
    clg_status st;
    ck_assert_double_eq(clg_item(clg_sum(clg_add(good, good), CLG_ALL, false), &st), 12);
    ck_assert_int_eq(st, CLG_OK);
    ck_assert_double_eq(clg_item(clg_sum(clg_var_value(vars[GOOD]), CLG_ALL, false), &st), 6);
    ok(st);
    for (int i = 0; i < 10000; i++) {
        clg_scope inner = clg_scope_push(dev);
        clg_relu(good);
        clg_scope_pop(inner);
    }
#ifndef CLG_DEBUG
    clg_item(tensors[POPPED], &st);
    ck_assert_int_eq(st, CLG_EINVAL);
    ck_assert_ptr_nonnull(strstr(clg_error(dev, 0), "was used after its scope ended (scope pushed at "));
    ck_assert_ptr_nonnull(strstr(clg_error(dev, 0), "test_handles.c:"));
    clg_error_clear(dev);
#endif
    clg_scope_pop(scope);
}
END_TEST

// Scope, kept tensor, variable, optimizer, store, device: ended in every order.
static void end_in_order(const int order[6])
{
    clg_device own;
    ck_assert_int_eq(clg_device_open(&own, clg_device_params(.share = dev)), CLG_OK);
    clg_scope scope = clg_scope_push(own);
    clg_tensor kept = clg_keep(clg_ones(own, CLG_F32, CLG_SHAPE(3)));
    clg_var variable = clg_var_create(kept);
    clg_store store = clg_store_create(own, 1);
    clg_var p = clg_store_param(store, "p", CLG_SHAPE(3), zero, 0);
    clg_optim optim = clg_adam_create(store, NULL);
    clg_optim_step(optim, clg_sum(clg_mul(clg_var_value(p), clg_var_value(variable)), CLG_ALL, false)); // pending
    for (int i = 0; i < 6; i++) {
        switch (order[i]) {
        case 0:
            clg_scope_pop(scope);
            break;
        case 1:
            clg_drop(&kept);
            break;
        case 2:
            clg_var_destroy(&variable);
            break;
        case 3:
            clg_optim_destroy(&optim);
            break;
        case 4:
            clg_store_destroy(&store);
            break;
        default:
            ck_assert_int_eq(clg_error_status(own), CLG_OK);
            clg_device_close(&own);
        }
    }
}

static void permute(int order[6], int n)
{
    if (n == 1) {
        end_in_order(order);
        return;
    }
    for (int i = 0; i < n; i++) {
        permute(order, n - 1);
        const int k = n % 2 ? 0 : i, x = order[k];
        order[k] = order[n - 1];
        order[n - 1] = x;
    }
}

START_TEST(ends_in_any_order)
{
    permute((int[]) { 0, 1, 2, 3, 4, 5 }, 6);
}
END_TEST

START_TEST(closing_ends_everything)
{
    for (int round = 0; round < 20; round++) {
        clg_device own;
        ck_assert_int_eq(clg_device_open(&own, clg_device_params(.share = dev)), CLG_OK);
        clg_tensor x = clg_ones(own, CLG_F32, CLG_SHAPE(4));
        for (int i = 0; i < 50; i++) {
            clg_scope_push(own);
            x = clg_keep(clg_add(x, x));
            clg_keep(clg_track(x));
            clg_keep(x);
        }
        clg_var a = clg_var_create(x);
        clg_var_assign(a, clg_mul(clg_var_value(a), x));
#ifndef CLG_DEBUG
        clg_scope scope = clg_scope_push(own); // what hung: a dead handle that was evaluated
        clg_tensor dead = clg_exp(x), wanted = clg_keep(clg_mul(dead, x));
        clg_scope_pop(scope);
        clg_item(dead, NULL);
        clg_drop(&dead);
        (void) wanted;
#endif
        clg_device_close(&own);
    }
}
END_TEST

// The two halves of a step in scopes of their own.
START_TEST(gradients_may_be_kept)
{
    clg_store store = clg_store_create(dev, 1);
    clg_var p = clg_store_param(store, "p", CLG_SHAPE(2), (clg_init) { CLG_INIT_CONSTANT, 5, 0 }, 0);
    clg_optim optim = clg_sgd_create(store, clg_sgd_params(.lr = 1));
    clg_tensor *g, kept;
    int n;
    clg_scope scope = clg_scope_push(dev);
    ok(clg_optim_grads(optim, clg_sum(clg_mul_scalar(clg_var_value(p), 3), CLG_ALL, false), &g, &n));
    kept = clg_keep(g[0]);
    clg_scope_pop(scope);
    scope = clg_scope_push(dev);
    ok(clg_optim_apply(optim, &kept, 1));
    clg_status st;
    ck_assert_double_eq(clg_item(clg_sum(clg_var_value(p), CLG_ALL, false), &st), 4); // 2 (5 - 3)
    ok(st);
    clg_scope_pop(scope);
    clg_drop(&kept);
    clg_optim_destroy(&optim);
    clg_store_destroy(&store);
}
END_TEST

START_TEST(messages_belong_to_their_tensors)
{
    clg_scope scope = clg_scope_push(dev);
    clg_tensor first = clg_reshape(good, CLG_SHAPE(7)), second = clg_cast(good, (clg_dtype) 77);
    ck_assert_ptr_nonnull(strstr(clg_tensor_error(first), "reshape"));
    ck_assert_ptr_nonnull(strstr(clg_tensor_error(clg_relu(second)), "cast"));
    ck_assert_str_eq(clg_tensor_error(good), "success");
    ck_assert_ptr_nonnull(strstr(clg_error(dev, 0), "reshape"));
    ck_assert_ptr_nonnull(strstr(clg_error(dev, CLG_EDTYPE), "cast"));
    ck_assert_str_eq(clg_error(dev, CLG_EIO), clg_status_text(CLG_EIO));
    clg_error_clear(dev);
    // an op that is built of others speaks for itself, of what it was given
    const clg_tensor whole = clg_ones(dev, CLG_I32, CLG_SHAPE(2, 3));
    const struct {
        const char *begins;
        clg_tensor y;
    } composites[] = {
        { "logsumexp (", clg_logsumexp(good, CLG_AXES(4), false) },
        { "std (", clg_std(whole, CLG_ALL, 0, false) },
        { "mse_loss (", clg_mse_loss(whole, whole, CLG_REDUCE_MEAN) },
        { "stack (", clg_stack(0, good, clg_reshape(good, CLG_SHAPE(6))) },
        { "full (", clg_full(dev, CLG_F32, CLG_SHAPE(-3), 0) },
        { "bernoulli (", clg_bernoulli(dev, (clg_dtype) 50, CLG_SHAPE(2), 0.5) },
    };
    for (size_t i = 0; i < COUNT(composites); i++)
        ck_assert_msg(strncmp(clg_tensor_error(composites[i].y), composites[i].begins,
                              strlen(composites[i].begins)) == 0,
                      "'%s' does not begin with '%s'", clg_tensor_error(composites[i].y), composites[i].begins);
    ck_assert_ptr_nonnull(strstr(clg_error(dev, 0), "logsumexp"));
    ck_assert_ptr_nonnull(strstr(clg_tensor_error(composites[2].y), "[x 2x3 i32, target 2x3 i32]"));
    clg_error_clear(dev);
    clg_scope_pop(scope);
}
END_TEST

START_TEST(hostile_names)
{
    clg_scope scope = clg_scope_push(dev);
    char *name = malloc(20001);
    memset(name, 'x', 20000);
    memcpy(name, "%s%n%d%99999d", 13);
    name[20000] = '\0';
    const char *before = clg_set_layer(dev, name);
    clg_tensor y = clg_reshape(clg_label(clg_exp(good), name), CLG_SHAPE(7));
    ck_assert_ptr_nonnull(strstr(clg_tensor_error(y), "reshape '%s%n%d%99999d"));
    ck_assert_ptr_nonnull(strstr(clg_tensor_error(y), "6 elements do not make shape 7 [a 2x3 f32]"));
    ck_assert_ptr_nonnull(strstr(clg_error(dev, 0), "6 elements do not make shape 7"));
    clg_set_layer(dev, before);
    clg_error_clear(dev);
    clg_scope inner = clg_scope_push_at(dev, name, 1);
    ck_assert_ptr_nonnull(strstr(clg_tensor_error(clg_reshape(good, CLG_SHAPE(7))), "reshape ("));
    clg_error_clear(dev);
    y = clg_nn_linear(stores[GOOD], name, good, clg_nn_linear_params(.out = 1));
    ck_assert_int_lt(y->status, 0);
    ck_assert_ptr_nonnull(strstr(clg_tensor_error(y), "nn_linear '%s%n%d"));
    ck_assert_ptr_nonnull(strstr(clg_tensor_error(y), "longer than"));
    ck_assert_int_lt(clg_store_load(stores[GOOD], name), 0);
    ck_assert_ptr_nonnull(strstr(clg_error(dev, 0), "%s%n%d"));
    clg_error_clear(dev);
    clg_scope_pop(inner);
    clg_scope_pop(scope);
    free(name);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("handles");
    TCase *c = tcase_create("dead");
    tcase_add_unchecked_fixture(c, make, unmake);
    tcase_add_test(c, dead_tensors);
    tcase_add_test(c, tensors_of_another_device);
    tcase_add_test(c, dead_variables);
    tcase_add_test(c, dead_stores);
    tcase_add_test(c, dead_optimizers);
    tcase_add_test(c, dead_devices);
    tcase_add_test(c, dead_scopes);
    tcase_add_test(c, the_device_is_usable_afterwards);
    tcase_add_test(c, ends_in_any_order);
    tcase_add_test(c, closing_ends_everything);
    tcase_add_test(c, gradients_may_be_kept);
    tcase_add_test(c, messages_belong_to_their_tensors);
    tcase_add_test(c, hostile_names);
    tcase_set_timeout(c, 300);
    suite_add_tcase(suite, c);
    const int rc = run_suite(suite);
    printf("%d calls with dead handles\n", calls);
    return rc;
}
