// SPDX-License-Identifier: MIT
// Numbers of operations, for keys. An address alone does not tell them apart: an operation made at run
// time may be freed, and another stand where it was.
#include "graph/node.h"

#include "base/alloc.h"

#include <string.h>

struct clg__numbered {
    const clg__op *op; // NULL: a free place
    uint32_t number;
    clg__op copy; // as it was when it got its number
};

static size_t place_of(const struct clg__numbered *table, size_t capacity, const clg__op *op)
{
    size_t at = ((uintptr_t) op >> 4) * 0x9e3779b97f4a7c15u >> 32 & (capacity - 1);
    while (table[at].op && table[at].op != op)
        at = (at + 1) & (capacity - 1);
    return at;
}

static bool grow(clg_device dev)
{
    const size_t capacity = dev->cap_ops ? 2 * dev->cap_ops : 128;
    struct clg__numbered *table = clg__calloc(capacity, sizeof *table);
    if (!table)
        return false;
    for (size_t i = 0; i < dev->cap_ops; i++) {
        if (dev->ops[i].op)
            table[place_of(table, capacity, dev->ops[i].op)] = dev->ops[i];
    }
    clg__free(dev->ops);
    dev->ops = table;
    dev->cap_ops = capacity;
    return true;
}

uint32_t clg__op_number(clg_device dev, const clg__op *op)
{
    if (2 * dev->n_ops >= dev->cap_ops && !grow(dev))
        return 0;
    struct clg__numbered *n = &dev->ops[place_of(dev->ops, dev->cap_ops, op)];
    if (n->op && memcmp(&n->copy, op, sizeof *op) == 0)
        return n->number;
    dev->n_ops += n->op == NULL;
    n->op = op;
    memcpy(&n->copy, op, sizeof *op); // padding too
    return n->number = ++dev->last_number;
}
