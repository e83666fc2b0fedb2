// SPDX-License-Identifier: MIT
// Life of a node: made with all its inputs referenced, freed when nothing refers to it.
#include "graph/node.h"

#include "base/alloc.h"

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

clg__node *clg__node_new(clg_device dev, const clg__op *op, clg_dtype t, const clg_shape *s,
                         int n_in, const clg_tensor *in, const void *params)
{
    clg__enter(dev);
    const size_t params_at = (sizeof(clg__node) + (size_t) n_in * sizeof(clg__node *) + 15) & ~15u;
    clg__node *n = clg__malloc(params_at + op->params_bytes);
    if (!n) {
        clg__leave(dev);
        return NULL;
    }
    memset(n, 0, sizeof *n);
    n->pub = (struct clg_tensor_t) { .dev = dev, .dtype = t, .shape = *s };
    for (int d = s->rank; d < CLG_MAX_RANK; d++)
        n->pub.shape.dim[d] = 0;
    n->op = op;
    n->refs = 1;
    n->n_in = n_in;
    n->in = (clg__node **) (n + 1);
    for (int i = 0; i < n_in; i++) {
        n->in[i] = clg__node_of(in[i]);
        n->in[i]->refs++;
        n->tracked |= n->in[i]->tracked;
    }
    if (op->params_bytes) {
        n->params = (char *) n + params_at;
        memcpy(n->params, params, op->params_bytes);
    }
    n->file = dev->file;
    n->line = dev->line;
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

static void free_dead(clg__node *dead)
{
    while (dead) {
        clg__node *n = dead;
        dead = n->next;
        release_inputs(n, &dead);
        if (n->buf)
            n->pub.dev->buf_unref(n->buf);
        drop_cause(n->cause);
        clg__free(n->outs);
        clg__free(n->label);
#ifdef CLG_DEBUG
        n->op = NULL; // a use after the scope ended shows
        n->next = n->pub.dev->graves;
        n->pub.dev->graves = n;
        if (++n->pub.dev->n_graves > 2000)
            clg__bury(n->pub.dev, 1000);
#else
        clg__free(n);
#endif
    }
}

void clg__bury(clg_device dev, int keep)
{
    clg__node **at = &dev->graves;
    for (int i = 0; i < keep && *at; i++)
        at = &(*at)->next;
    while (*at) {
        clg__node *n = *at;
        *at = n->next;
        dev->n_graves--;
        clg__free(n);
    }
}

void clg__node_unref(clg__node *n)
{
    clg__node *dead = NULL;
    release_ref(n, &dead);
    free_dead(dead);
}

void clg__node_drop_inputs(clg__node *n)
{
    clg__node *dead = NULL;
    release_inputs(n, &dead);
    free_dead(dead);
}

void clg__node_set_buffer(clg__node *n, void *buf, int64_t offset)
{
    if (n->buf)
        n->pub.dev->buf_unref(n->buf);
    n->buf = buf;
    n->offset = offset;
    if (!n->tracked || n->op == &clg__op_value || n->op == &clg__op_track) {
        // History that no gradient can ask for goes, so that u = step(u) does not grow.
        clg__node_drop_inputs(n);
        n->op = &clg__op_leaf;
    }
}

clg_tensor clg__poison_from(clg_tensor cause)
{
    static const clg_shape none = { 0 };
    clg__node *from = clg__node_of(cause);
    clg_device dev = cause->dev;
    if (!dev)
        return cause; // the poison of a NULL device
    clg__node *n = clg__node_new(dev, &clg__op_leaf, cause->dtype, &none, 0, NULL, NULL);
    if (!n)
        return cause;
    n->pub.status = cause->status;
    n->cause = from->cause;
    if (n->cause)
        n->cause->refs++;
    return clg__handle(dev, n);
}

// The poison of calls that have no device to put a node on.
static struct clg_tensor_t nowhere = { .status = CLG_EINVAL };

clg_tensor clg__poison(clg_device dev, clg_status st, const char *text)
{
    static const clg_shape none = { 0 };
    if (!dev)
        return &nowhere;
    clg__publish(dev, st, text);
    clg__node *n = clg__node_new(dev, &clg__op_leaf, CLG_F32, &none, 0, NULL, NULL);
    if (!n)
        return clg__handle(dev, NULL);
    n->pub.status = st;
    const size_t length = strlen(text);
    n->cause = clg__malloc(sizeof *n->cause + length + 1);
    if (n->cause) {
        n->cause->refs = 1;
        n->cause->status = st;
        memcpy(n->cause->text, text, length + 1);
    }
    return clg__handle(dev, n);
}

const char *clg__cause_text(clg_tensor t)
{
    if (t == &nowhere)
        return "NULL tensor or device";
    const clg__node *n = clg__node_of(t);
    return n->cause ? n->cause->text : clg_status_text(t->status);
}
