// SPDX-License-Identifier: MIT
// Every public function that takes a handle, with every kind of dead one: it refuses, says why in its own
// name, and leaves the device as it was. Where traps are compiled in, the caller's bugs trap. handles.py
// sees to it that no function is missing here.
#include "handle_calls.h"
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

enum {
    OPTIONAL = 1 << IS_NULL,
    HARMLESS = 1 << FOREIGN | 1 << POISONED,
    QUIET = 1 << IS_NULL | 1 << CLOSED, // documented to answer nothing for NULL; no device would hold the text
    NO_BUG = 1 << GOOD // no caller's bug: does not trap
};
static const clg_init zero;

static clg_status two_of(const clg_tensor *x, int n, clg_tensor *y, int m, void *user)
{
    (void) n;
    (void) m;
    (void) user;
    y[0] = y[1] = x[0];
    return CLG_OK;
}

static clg_tensor identity(const clg_tensor *x, int n, void *user)
{
    (void) n;
    (void) user;
    return x[0];
}

static clg_custom own(void)
{
    return clg_custom_pointwise(dev, clg_custom_pointwise_params(.name = "custom_apply", .inputs = "a b", .expression = "a"));
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

static bool never(const char *name, clg_shape shape, void *user)
{
    (void) name;
    (void) shape;
    (void) user;
    return false;
}

static clg_tensor clip_value(void)
{
    clg_tensor g = t;
    clg_clip_grad_value(&g, 1, 1);
    return g;
}

// By a monitor of its own, since the store's must not outlive the call.
static clg_status watch_tensor(void)
{
    clg_monitor m = clg_monitor_create(stores[GOOD], NULL);
    clg_monitor_begin(m);
    const clg_status st = clg_monitor_watch(m, "t", t);
    clg_monitor_destroy(&m);
    return st;
}

static clg_status watch_loss(void)
{
    clg_loss_watch l = clg_loss_watch_create(NULL);
    const bool refused = clg_loss_watch_add_later(l, t) != CLG_FINDING_NONE;
    clg_loss_watch_destroy(&l);
    const clg_status st = clg_error_status(dev);
    return !refused ? CLG_OK : st < 0 ? st : CLG_EINVAL; // of a closed device nothing is kept
}

static void seen(clg_tensor y, const char *op, void *user)
{
    (void) y;
    (void) op;
    (void) user;
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
                                           "mse_loss", "nll_loss", "linear_cross", "l1_loss", "huber", "binary_cross",
                                           "kl_div", "gaussian_nll", "margin_ranking", "multilabel", "triplet", "cosine",
                                           "pairwise",
                                           "cross_entropy", "vjp", "eval", "dot", "var_assign", "assign_n", "nn_",
                                           "optim_", "clip_grad_norm", "custom_apply", "test", "add", "sub", "mul", "div", "pow" };
    for (size_t i = 0; i < COUNT(tensor_calls); i++) {
        const call *c = &tensor_calls[i];
        bool takes = false;
        for (size_t k = 0; k < COUNT(several); k++)
            takes |= strncmp(c->name, several[k], strlen(several[k])) == 0;
        if (!takes || strstr(c->name, "scalar") || strstr(c->name, "multinomial") || c->run == call_eval_alone || c->run == call_sub_2)
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
