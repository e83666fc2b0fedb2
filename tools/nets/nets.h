// SPDX-License-Identifier: MIT
// Networks that `clgrad bench --net` times whole. Names of parameters are PyTorch's, so that tools/compare-torch
// can run the same weights. None has dropout: losses are compared.
#ifndef CLG_NETS_H
#define CLG_NETS_H

#include <clgrad/clgrad.h>

enum { NET_ARRAYS = 3, NET_NAME = 120 };

// One array of data: F32 uniform in [-1,1) where classes is 0, else I64 below classes.
typedef struct net_array {
    clg_shape shape;
    int64_t classes;
} net_array;

typedef struct net {
    const char *name, *what;
    clg_tensor (*output)(clg_store s, const clg_tensor *in);
    clg_tensor (*loss)(clg_tensor y, const clg_tensor *in); // one number
    net_array in[NET_ARRAYS];                               // those the net reads, then what the loss compares with
} net;

extern const net nets[];
extern const int net_count;
const char *net_choice(int i); // the i-th name, then "all", then NULL

// ---- in vision.c and sequence.c
clg_tensor net_demo(clg_store s, const clg_tensor *in);
clg_tensor net_resnet18(clg_store s, const clg_tensor *in);
clg_tensor net_resnet50(clg_store s, const clg_tensor *in);
clg_tensor net_mobilenet(clg_store s, const clg_tensor *in);
clg_tensor net_unet(clg_store s, const clg_tensor *in);
clg_tensor net_vae(clg_store s, const clg_tensor *in);
clg_tensor net_mlp(clg_store s, const clg_tensor *in);
clg_tensor net_vit(clg_store s, const clg_tensor *in);
clg_tensor net_lstm(clg_store s, const clg_tensor *in);
clg_tensor net_embedding(clg_store s, const clg_tensor *in);

// "layer1.0" and "conv1" with a point between, in a buffer of NET_NAME.
const char *net_join(char *to, const char *prefix, const char *name);
#endif
