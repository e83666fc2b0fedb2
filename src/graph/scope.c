// SPDX-License-Identifier: MIT
// Scopes own handles; keep, drop and escape are the three ways around them.
#include "graph/node.h"

#include "base/alloc.h"
#include "base/format.h"


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

clg_tensor clg__handle(clg_device dev, clg__node *n)
{
    if (n && scope_add(dev->scope, n))
        return &n->pub;
    if (n)
        clg__node_unref(n);
    clg__publish(dev, CLG_ENOMEM, "out of host memory while recording");
    return clg__poison(NULL, CLG_ENOMEM, "out of host memory while recording");
}

struct clg_scope_t *clg__scope_new(clg_device dev, const char *file, int line)
{
    struct clg_scope_t *s = clg__slot_new(&dev->scope_slots);
    if (s)
        *s = (struct clg_scope_t) { .dev = dev, .parent = dev->scope, .file = file, .line = line };
    return s;
}

clg_scope clg_scope_push_at(clg_device dev, const char *file, int line)
{
    if (!clg__is_open(dev)) {
        clg__misuse(NULL, "scope_push: %s", clg__why_no_device(dev));
        return NULL;
    }
    clg__enter(dev);
    clg__leave(dev);
    struct clg_scope_t *s = clg__scope_new(dev, file, line);
    if (!s) {
        clg__publish(dev, CLG_ENOMEM, "scope_push: out of host memory");
        return NULL;
    }
    dev->scope = s;
    dev->file = file;
    dev->line = line;
    return s;
}

// A handle less; with the last one the node is dead to the user, though others may still need it.
static void end_handle(clg__node *n, const struct clg_scope_t *s)
{
    n->pub.dev->n_handles--;
    if (--n->handles == 0) {
        n->end_file = s ? s->file : NULL;
        n->end_line = !s ? 0 : s->line ? s->line : -1;
    }
}

static void release(struct clg_scope_t *s)
{
    clg_device dev = s->dev;
    for (int i = s->n - 1; i >= 0; i--) {
        clg__node *n = s->handles[i];
        end_handle(n, s);
        if (n->scope == s)
            n->scope = NULL;
        clg__node_unref(n);
    }
    dev->scope = s->parent;
    dev->file = s->parent ? s->parent->file : NULL;
    dev->line = s->parent ? s->parent->line : 0;
    clg__free(s->handles);
    s->handles = NULL;
    clg__slot_end(&dev->scope_slots, s);
}

void clg_scope_pop(clg_scope s)
{
    if (!s || !clg__is_open(s->dev)) // the device's end was the scope's
        return;
    clg_device dev = s->dev;
    if (!clg__slot_alive(s)) {
        clg__misuse(dev, "scope_pop: the scope pushed at %s:%d was popped already",
                    s->file ? s->file : "?", s->line);
        return;
    }
    if (!s->parent) {
        clg__misuse(dev, "scope_pop: the outermost scope ends with its device");
        return;
    }
    clg__enter(dev);
    while (dev->scope != s)
        release(dev->scope);
    release(s);
    clg__leave(dev);
}

// The handle, or a poison that says why it is none.
static clg_tensor held(const char *op, clg_tensor t)
{
    char text[CLG__ERR_TEXT];
    const char *why = clg__why_dead(t, text);
    if (!why)
        return NULL;
    char all[CLG__ERR_TEXT + 64];
    clg__format(all, sizeof all, "%s: t %s", op, why);
    clg__caller_bug(all);
    return clg__poison(t->dev, CLG_EINVAL, all);
}

clg_tensor clg_keep(clg_tensor t)
{
    clg_tensor bad = t ? held("keep", t) : NULL;
    if (bad || !t || !t->dev)
        return bad ? bad : t;
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
    char text[CLG__ERR_TEXT];
    clg__node *n = clg__node_of(*t);
    clg_device dev = (*t)->dev;
    if (!clg__is_open(dev)) { // a kept tensor ends with its device
        *t = NULL;
        return;
    }
    const char *why = clg__why_dead(*t, text);
    *t = NULL;
    if (why || !n->kept) {
        clg__misuse(dev, "drop: t %s", why ? why : "was not kept, or was dropped already");
        return;
    }
    n->kept--;
    end_handle(n, NULL);
    clg__node_unref(n);
}

clg_tensor clg_escape(clg_tensor t)
{
    clg_tensor bad = t ? held("escape", t) : NULL;
    if (bad || !t || !t->dev)
        return bad ? bad : t;
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
