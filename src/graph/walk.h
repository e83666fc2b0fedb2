// SPDX-License-Identifier: MIT
// A walk of the graph from a node to all that it needs, each once and inputs first, without recursion.
#ifndef CLG_GRAPH_WALK_H
#define CLG_GRAPH_WALK_H

#include "graph/node.h"

// The node that n needs k-th, NULL when there are no more.
typedef clg__node *clg__dependency(const clg__node *n, int k);

// Calls `visit` for root and what it needs, but for nodes that have this stamp already; false: a visit was. Until it
// is visited, a node's aux links the stack, and its index counts the dependencies done; both are then free.
static inline bool clg__walk(clg__node *root, uint32_t stamp, clg__dependency *dependency,
                             bool (*visit)(void *user, clg__node *n), void *user)
{
    if (root->stamp == stamp)
        return true;
    clg__node *top = root;
    root->stamp = stamp;
    root->index = 0;
    root->aux = NULL;
    while (top) {
        clg__node *next = dependency(top, top->index++);
        if (next && next->stamp == stamp)
            continue;
        if (next) {
            next->stamp = stamp;
            next->index = 0;
            next->aux = top;
            top = next;
            continue;
        }
        clg__node *done = top;
        top = top->aux;
        if (!visit(user, done))
            return false;
    }
    return true;
}
#endif
