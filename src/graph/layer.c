// SPDX-License-Identifier: MIT
// Names of layers: for messages, and for what is told about nodes. Each name is kept once, since nodes outlive the
// call that recorded them; a program that makes up ever more names has the first few thousand on its nodes, and all
// in its messages.
#include "graph/node.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <string.h>

// NULL: there are too many, or no memory
static const char *keep(clg_device dev, const char *name, size_t length)
{
    clg__layer_name **bucket = &dev->layer_names[clg__hash(name, length, 0) % CLG__LAYER_BUCKETS];
    for (clg__layer_name *n = *bucket; n; n = n->next) {
        if (strncmp(n->text, name, length) == 0 && n->text[length] == '\0')
            return n->text;
    }
    clg__layer_name *n = dev->n_layer_names < CLG__MOST_LAYERS ? clg__malloc(sizeof *n + length + 1) : NULL;
    if (!n)
        return NULL;
    memcpy(n->text, name, length);
    n->text[length] = '\0';
    n->next = *bucket;
    *bucket = n;
    dev->n_layer_names++;
    return n->text;
}

static const char *keep_for_now(clg_device dev, const char *name, size_t length)
{
    for (int i = 0; i < CLG__LAYERS; i++) {
        if (name == dev->layers[i]) // set back
            return name;
    }
    char *copy = dev->layers[dev->next_layer++ % CLG__LAYERS];
    memcpy(copy, name, length);
    copy[length] = '\0';
    return copy;
}

const char *clg_set_layer(clg_device dev, const char *name)
{
    if (!clg__is_open(dev))
        return NULL;
    const char *old = dev->layer;
    if (name == old)
        return old;
    const size_t length = name ? strnlen(name, CLG__LAYER_NAME - 1) : 0;
    dev->node_layer = name ? keep(dev, name, length) : NULL;
    dev->layer = dev->node_layer || !name ? dev->node_layer : keep_for_now(dev, name, length);
    return old;
}

void clg__layers_end(clg_device dev)
{
    dev->layer = dev->node_layer = NULL;
    for (int i = 0; i < CLG__LAYER_BUCKETS; i++) {
        while (dev->layer_names[i]) {
            clg__layer_name *next = dev->layer_names[i]->next;
            clg__free(dev->layer_names[i]);
            dev->layer_names[i] = next;
        }
    }
    dev->n_layer_names = 0;
}
