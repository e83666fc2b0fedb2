// SPDX-License-Identifier: MIT
// Life of a node: made with all its inputs referenced, freed when nothing refers to it.
#include "graph/node.h"

#include "base/alloc.h"
#include "base/format.h"

#include <pthread.h>
#include <stdarg.h>
#include <string.h>

const clg__op clg__op_leaf = { .name = "leaf", .kind = CLG__LEAF };

static void link_node(clg_device dev, clg__node *n)
{
    n->next = dev->nodes;
    if (n->next)
        n->next->prev = n;
    dev->nodes = n;
    dev->n_nodes++;
}

static void unlink_node(clg_device dev, clg__node *n)
{
    if (n->prev)
        n->prev->next = n->next;
    else
        dev->nodes = n->next;
    if (n->next)
        n->next->prev = n->prev;
    dev->n_nodes--;
}

// Where inputs and params lie: in the node, or in a block of their own.
static bool place_operands(clg__node *n, int n_in, size_t params_bytes)
{
    const size_t in = (size_t) n_in * sizeof(clg__node *), align = sizeof(max_align_t);
    const size_t params_at = n_in > CLG__FEW_INPUTS ? (in + align - 1) / align * align : 0;
    const size_t more = params_at + (params_bytes > CLG__FEW_PARAMS ? params_bytes : 0);
    n->more = more ? clg__malloc(more) : NULL;
    n->in = n_in > CLG__FEW_INPUTS ? n->more : n->few_in;
    n->params = params_bytes == 0                ? NULL
                : params_bytes > CLG__FEW_PARAMS ? (char *) n->more + params_at
                                                 : n->few_params.bytes;
    return !more || n->more;
}

clg__node *clg__node_new(clg_device dev, const clg__op *op, clg_dtype t, const clg_shape *s,
                         int n_in, const clg_tensor *in, const void *params)
{
    clg__enter(dev);
#ifdef CLG_DEBUG
    // Params that no key tells apart: nodes of different params would share a plan.
    if (op->params_bytes && !op->key && op->kind != CLG__VIEW && op->kind != CLG__ALIAS &&
        op->kind != CLG__SCALAR)
        clg__caller_bug("an operation with params needs a key");
#endif
    const uint32_t number = clg__op_number(dev, op);
    clg__node *n = number ? clg__slot_new(&dev->node_slots) : NULL;
    if (!n) {
        clg__leave(dev);
        return NULL;
    }
    memset(n, 0, offsetof(clg__node, access));
    n->pub = (struct clg_tensor_t) { .dev = dev, .dtype = t, .shape = *s };
    for (int d = s->rank; d < CLG_MAX_RANK; d++)
        n->pub.shape.dim[d] = 0;
    n->op = op;
    n->layer = dev->node_layer;
    n->file = clg__here.file;
    n->line = clg__here.line;
    n->derivative = dev->sweeping > 0;
    n->serial = ++dev->serial;
    n->stop = dev->no_grad;
    n->number = number;
    n->refs = 1;
    if (!place_operands(n, n_in, op->params_bytes)) {
        n->pub.status = CLG_EINVAL;
        clg__slot_end(&dev->node_slots, n);
        clg__leave(dev);
        return NULL;
    }
    n->n_in = n_in;
    for (int i = 0; i < n_in; i++) {
        n->in[i] = clg__node_of(in[i]);
        n->in[i]->refs++;
        n->tracked |= n->in[i]->tracked && !n->stop;
    }
    if (op->params_bytes)
        memcpy(n->params, params, op->params_bytes);
    link_node(dev, n);
    clg__leave(dev);
    return n;
}

void clg__node_ref(clg__node *n)
{
    n->refs++;
}

static void drop_cause(clg__cause *c)
{
    if (c && --c->refs == 0)
        clg__free(c);
}

void clg__hooks_unref(clg__hooks *h)
{
    if (!h || --h->refs > 0)
        return;
    clg__free(h->all);
    clg__free(h);
}

// Nodes whose count reaches zero form a list through `next`, so that a chain of a million nodes does
// not recurse a million deep.
static void release_ref(clg__node *n, clg__node **dead)
{
    if (!n || --n->refs > 0)
        return;
    unlink_node(n->pub.dev, n);
    n->next = *dead;
    *dead = n;
}

static void release_inputs(clg__node *n, clg__node **dead)
{
    for (int i = 0; i < n->n_in; i++)
        release_ref(n->in[i], dead);
    n->n_in = 0;
    release_ref(n->base, dead);
    n->base = NULL;
}

// What the node owns goes; the node itself stays readable, and says that it is dead.
static void end_node(clg__node *n)
{
    clg_device dev = n->pub.dev;
    if (n->buf)
        dev->buf_unref(n->buf);
    drop_cause(n->cause);
    clg__free(n->outs);
    clg__free(n->label);
    clg__free(n->more);
    clg__hooks_unref(n->hooks);
    n->hooks = NULL;
    n->pub.status = CLG_EINVAL;
    n->handles = n->kept = 0;
    n->op = NULL;
    n->cause = NULL;
    clg__slot_end(&dev->node_slots, n);
}

static void free_dead(clg__node *dead)
{
    while (dead) {
        clg__node *n = dead;
        dead = n->next;
        release_inputs(n, &dead);
        end_node(n);
    }
}

void clg__nodes_end(clg_device dev)
{
    while (dev->nodes) {
        clg__node *n = dev->nodes;
        unlink_node(dev, n);
        end_node(n);
    }
}

void clg__node_unref(clg__node *n)
{
    clg__node *dead = NULL;
    release_ref(n, &dead);
    free_dead(dead);
}

static void drop_inputs(clg__node *n)
{
    clg__node *dead = NULL;
    release_inputs(n, &dead);
    free_dead(dead);
}

// History that no gradient can ask for goes, so that u = step(u) does not grow.
static void drop_history(clg__node *n)
{
    if (n->buf && !n->swept && (!n->tracked || n->op == &clg__op_value || n->op == &clg__op_track)) {
        drop_inputs(n);
        n->of_variable |= n->op == &clg__op_value;
        n->op = &clg__op_leaf;
    }
}

void clg__node_set_buffer(clg__node *n, void *buf, int64_t offset)
{
    if (n->buf)
        n->pub.dev->buf_unref(n->buf);
    n->buf = buf;
    n->offset = offset;
    drop_history(n);
}

void clg__node_hold(clg__node *n)
{
    n->refs++;
    n->swept++;
}

void clg__node_release(clg__node *n)
{
    n->swept--;
    drop_history(n);
    clg__node_unref(n);
}

clg_tensor clg__poison_from(clg_tensor cause)
{
    static const clg_shape none = { 0 };
    clg__node *from = clg__node_of(cause);
    clg_device dev = cause->dev;
    if (!clg__is_open(dev))
        return cause; // has no device
    clg__node *n = clg__node_new(dev, &clg__op_leaf, cause->dtype, &none, 0, NULL, NULL);
    if (!n)
        return cause;
    n->pub.status = cause->status;
    n->cause = from->cause;
    if (n->cause)
        n->cause->refs++;
    return clg__handle(dev, n);
}

// Poisons of calls that have no device to put a node on: kept for ever, each text once.
typedef struct orphan {
    struct clg_tensor_t pub;
    char text[120];
} orphan;

enum { ORPHANS = 1024 }; // more than there are functions and inputs
static struct {
    pthread_mutex_t lock;
    int n;
    orphan all[ORPHANS];
} orphans = { .lock = PTHREAD_MUTEX_INITIALIZER };
static orphan nameless = { { .status = CLG_EINVAL }, "the device is NULL or was closed" };

static clg_tensor orphan_of(clg_status st, const char *text)
{
    char cut[sizeof nameless.text];
    clg__format(cut, sizeof cut, "%s", text);
    pthread_mutex_lock(&orphans.lock);
    orphan *o = &nameless;
    for (int i = 0; i < orphans.n && o == &nameless; i++) {
        if (orphans.all[i].pub.status == st && strcmp(orphans.all[i].text, cut) == 0)
            o = &orphans.all[i];
    }
    if (o == &nameless && orphans.n < ORPHANS) {
        o = &orphans.all[orphans.n++];
        o->pub.status = st;
        memcpy(o->text, cut, sizeof cut);
    }
    pthread_mutex_unlock(&orphans.lock);
    return &o->pub;
}

clg_tensor clg__poison_why(clg_device dev, clg_status st, const char *text, int reason, int length)
{
    static const clg_shape none = { 0 };
    if (!clg__is_open(dev))
        return orphan_of(st, text);
    char all[CLG__ERR_TEXT];
    text = clg__with_place(text, all);
    clg__publish(dev, st, text);
    clg__node *n = clg__node_new(dev, &clg__op_leaf, CLG_F32, &none, 0, NULL, NULL);
    if (!n)
        return clg__handle(dev, NULL);
    n->pub.status = st;
    const size_t bytes = strlen(text) + 1;
    n->cause = clg__malloc(sizeof *n->cause + bytes);
    if (n->cause) {
        *n->cause = (clg__cause) { .refs = 1, .status = st, .number = ++dev->n_causes,
                                   .reason = reason, .length = length };
        memcpy(n->cause->text, text, bytes);
    }
    return clg__handle(dev, n);
}

clg_tensor clg__poison(clg_device dev, clg_status st, const char *text)
{
    return clg__poison_why(dev, st, text, 0, 0);
}

const char *clg__cause_text(clg_tensor t)
{
    if (!t->dev)
        return ((const orphan *) t)->text;
    const clg__node *n = clg__node_of(t);
    return n->cause ? n->cause->text : clg_status_text(t->status);
}

const char *clg__why_no_device(clg_device dev)
{
    return !dev ? "the device is NULL" : clg__is_open(dev) ? NULL : "the device was closed";
}

const char *clg__why_dead(clg_tensor t, char text[CLG__ERR_TEXT])
{
    const clg__node *n = clg__node_of(t);
    if (!t->dev)
        return NULL;
    if (!clg__is_open(t->dev))
        return "belongs to a device that was closed";
    if (clg__slot_alive(n) && clg__is_held(n))
        return NULL;
    if (n->end_line == 0)
        return "was used after it was dropped";
    if (!n->end_file)
        return "was used after its scope ended";
    clg__format(text, CLG__ERR_TEXT, "was used after its scope ended (scope pushed at %s:%d)", n->end_file,
             n->end_line);
    return text;
}

clg_status clg__misuse(clg_device dev, const char *format, ...)
{
    char text[CLG__ERR_TEXT];
    va_list ap;
    va_start(ap, format);
    clg__vformat(text, sizeof text, format, ap);
    va_end(ap);
    clg__caller_bug(text);
    return clg__publish(dev, CLG_EINVAL, text);
}
