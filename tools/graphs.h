// SPDX-License-Identifier: MIT
// Families of graphs of any size, for the bench of the planner and for its tests.
#ifndef CLG_TOOLS_GRAPHS_H
#define CLG_TOOLS_GRAPHS_H

#include <clgrad/clgrad.h>

enum { GRAPH_WEIGHTS = 64, GRAPH_OUTPUTS = 65536 };

// What a family recorded. Gradients of the loss with respect to the weights are wanted where there are any;
// weights and outputs stay alive as long as the scope they were recorded in.
typedef struct graph {
    clg_device dev;
    clg_tensor loss;
    clg_tensor weight[GRAPH_WEIGHTS];
    int n_weights;
    clg_tensor *out; // of GRAPH_OUTPUTS; what is to be evaluated
    int n_out;
    clg_var var[GRAPH_WEIGHTS]; // whose assignments are pending
    int n_vars;
} graph;

typedef struct graph_family {
    const char *name, *what;
    void (*record)(graph *g, int units); // steps, layers, ...
} graph_family;

extern const graph_family graph_families[];
extern const int graph_family_count;

const graph_family *graph_find(const char *name); // NULL: there is none
// Units of a family that make about so many nodes, gradients included; 0: it failed, see clg_error.
int graph_units(clg_device dev, const graph_family *f, int nodes);
// The three parts; false: out of memory, or see clg_error.
bool graph_record(graph *g, clg_device dev, const graph_family *f, int units);
bool graph_differentiate(graph *g);
bool graph_plan(graph *g, clg_plan_info *info);
void graph_free(graph *g); // its variables too, whose assignments are forgotten
#endif
