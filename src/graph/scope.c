// SPDX-License-Identifier: MIT
// Scopes own handles; keep, drop and escape are the three ways around them.
#include "graph/node.h"

#include "base/alloc.h"

static bool scope_add(struct clg_scope_t *s, clg__node *n)
{
    if (!clg__grow((void **) &s->handles, &s->capacity, s->n + 1, sizeof *s->handles))
        return false;
    s->handles[s->n++] = n;
    if (!n->scope)
        n->scope = s;
    n->handles++;
    n->pub.dev->n_handles++;
    return true;
}

static clg__node out_of_memory = { .pub = { .status = CLG_ENOMEM } };

clg_tensor clg__handle(clg_device dev, clg__node *n)
{
    if (n && scope_add(dev->scope, n))
        return &n->pub;
    if (n)
        clg__node_unref(n);
    clg__publish(dev, CLG_ENOMEM, "out of host memory while recording");
    return &out_of_memory.pub;
}

clg_scope clg_scope_push_at(clg_device dev, const char *file, int line)
{
    if (!dev) {
        clg__caller_bug("NULL device");
        return NULL;
    }
    clg__enter(dev);
    clg__leave(dev);
    struct clg_scope_t *s = clg__calloc(1, sizeof *s);
    if (!s) {
        clg__publish(dev, CLG_ENOMEM, "scope_push: out of host memory");
        return NULL;
    }
    *s = (struct clg_scope_t) { .dev = dev, .parent = dev->scope, .file = file, .line = line };
    dev->scope = s;
    dev->file = file;
    dev->line = line;
    return s;
}

static void release(struct clg_scope_t *s)
{
    clg_device dev = s->dev;
    for (int i = s->n - 1; i >= 0; i--) {
        clg__node *n = s->handles[i];
        n->handles--;
        dev->n_handles--;
        if (n->scope == s)
            n->scope = NULL;
        clg__node_unref(n);
    }
    dev->scope = s->parent;
    dev->file = s->parent ? s->parent->file : NULL;
    dev->line = s->parent ? s->parent->line : 0;
    clg__free(s->handles);
    clg__free(s);
}

void clg_scope_pop(clg_scope s)
{
    if (!s)
        return;
    clg_device dev = s->dev;
    clg__enter(dev);
    const struct clg_scope_t *open = dev->scope;
    while (open && open != s)
        open = open->parent;
    if (!open || !s->parent) { // popped already, or the device's own
        clg__caller_bug("scope is not open");
        clg__leave(dev);
        return;
    }
    while (dev->scope != s)
        release(dev->scope);
    release(s);
    clg__leave(dev);
}

clg_tensor clg_keep(clg_tensor t)
{
    if (!t || !t->dev)
        return t;
    clg__node *n = clg__node_of(t);
    n->kept++;
    n->handles++;
    n->refs++;
    t->dev->n_handles++;
    return t;
}

void clg_drop(clg_tensor *t)
{
    if (!t || !*t)
        return;
    clg__node *n = clg__node_of(*t);
    clg_device dev = (*t)->dev;
    *t = NULL;
    if (!dev)
        return;
    if (!n->kept) {
        clg__caller_bug("drop of a tensor that was not kept");
        return;
    }
    n->kept--;
    n->handles--;
    dev->n_handles--;
    clg__node_unref(n);
}

clg_tensor clg_escape(clg_tensor t)
{
    if (!t || !t->dev)
        return t;
    clg__node *n = clg__node_of(t);
    struct clg_scope_t *home = n->scope ? n->scope : t->dev->scope;
    if (!home->parent)
        return t;
    n->refs++;
    if (!scope_add(home->parent, n)) {
        n->refs--;
        clg__publish(t->dev, CLG_ENOMEM, "escape: out of host memory");
        return t;
    }
    n->scope = home->parent;
    return t;
}
