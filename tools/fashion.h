// SPDX-License-Identifier: MIT
// Fashion-MNIST: 60,000 pictures of clothes to learn from, 10,000 to be tested on, ten classes; and
// the network that learns it.
#ifndef CLG_TOOLS_FASHION_H
#define CLG_TOOLS_FASHION_H

#include "model.h"

enum { SIDE = 28, PIXELS = SIDE * SIDE, CLASSES = 10 };
// Accuracy of people who sort the pictures without training.
//
// source  Xiao, Rasul and Vollgraf 2017, "Fashion-MNIST", the project's page
extern const double human_accuracy;
extern const model_form fashion_form;

// u8 [N,1,28,28] -> logits [N,10]
clg_tensor network(clg_store s, clg_tensor pixels);
#endif
