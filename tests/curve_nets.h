// SPDX-License-Identifier: MIT
// Networks whose losses are compared with PyTorch's, step by step: those of curves_torch.py, with its names.
#ifndef CLG_TESTS_CURVE_NETS_H
#define CLG_TESTS_CURVE_NETS_H

#include <clgrad/clgrad.h>

enum { CURVE_VARS = 64 };

// F32: layers of nn.h. F64, which those lack: the operations behind them, on variables that the model owns.
typedef struct model {
    clg_device dev;
    clg_dtype t;
    clg_store s;
    clg_var var[CURVE_VARS];
    int n;
} model;

typedef struct curve_net {
    const char *name;
    clg_tensor (*loss)(model *m, int batch);
    clg_optim (*optim)(clg_store s);
    double most; // of the gradients' norm; 0: any
} curve_net;

extern const curve_net curve_nets[];
extern const int curve_net_count;

// The network of two: a generator and what tells its images from others.
clg_tensor curve_generator(model *m, clg_tensor z);
clg_tensor curve_discriminator(model *m, clg_tensor x);

// A function of a name and a place, as curves_torch.py has it: numbers in [-1, 1), and classes below k.
clg_tensor curve_uniform(const model *m, const char *name, clg_shape shape);
clg_tensor curve_classes(const model *m, const char *name, int64_t k, clg_shape shape);
// What a parameter begins with.
clg_tensor curve_first(const model *m, const char *name, clg_shape shape);
#endif
