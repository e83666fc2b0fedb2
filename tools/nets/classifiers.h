// SPDX-License-Identifier: MIT
// Networks that say what a picture shows, of any number of classes: `clgrad train` learns them, and those that the
// bench has too are the same functions. Names of parameters are PyTorch's.
#ifndef CLG_NETS_CLASSIFIERS_H
#define CLG_NETS_CLASSIFIERS_H

#include <clgrad/clgrad.h>

typedef struct classifier {
    const char *name, *what;
    clg_tensor (*logits)(clg_store s, clg_tensor x, int classes); // F32 [N,C,S,S] to [N,classes]
    int size, least;                                              // S by default, and at least
    bool sgd;                                                     // learns better with SGD; else AdamW
    double lr, weight_decay;                                      // of that rule
} classifier;

extern const classifier classifiers[];
extern const int classifier_count;

// NULL: there is none of this name.
const classifier *classifier_find(const char *name);
const char *classifier_choice(int i); // names
// What keeps pictures of a side from this network, or NULL.
const char *classifier_refuses(const classifier *c, long size);

// ---- in vision.c and sequence.c

// Convolutions with batch norm and pooling until the side is 7 or less, two linear layers.
clg_tensor cnn(clg_store s, clg_tensor x, int classes, double dropout);
clg_tensor resnet8(clg_store s, clg_tensor x, int classes);
clg_tensor resnet18(clg_store s, clg_tensor x, int classes);
clg_tensor mobilenet_v2(clg_store s, clg_tensor x, int classes);
clg_tensor vit_tiny(clg_store s, clg_tensor x, int classes);
int vit_tiny_patch(int64_t size); // the side of what becomes one token
#endif
