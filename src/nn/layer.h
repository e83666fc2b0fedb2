// SPDX-License-Identifier: MIT
// A layer while it is recorded (layer.c).
#ifndef CLG_NN_LAYER_H
#define CLG_NN_LAYER_H

#include "nn/store.h"

// A layer being recorded. A call that fails leaves no parameter behind.
typedef struct clg__layer {
    const char *what, *name;
    clg_store s;
    clg_tensor x;
    int claimed;        // of the store, before
    const char *before; // the layer before
} clg__layer;

const char *clg__layer_wrong_store(clg_store s, clg_tensor x);
clg_tensor clg__layer_misuse(clg_device dev, const char *what, const char *why);
clg_tensor clg__layer_begin(clg__layer *l, const char *what, clg_store s, const char *name, clg_tensor x);
clg_tensor clg__layer_refuse(const clg__layer *l, clg_status st, const char *why);
clg_tensor clg__layer_missing(const clg__layer *l);
clg_var clg__layer_param(const clg__layer *l, const char *part, clg_shape shape, clg_init in, int64_t fan_in);
clg_var clg__layer_buffer(const clg__layer *l, const char *part, clg_shape shape, double value);
void clg__layer_enter(clg__layer *l);
clg_tensor clg__layer_leave(clg__layer *l, clg_tensor y);
#endif
