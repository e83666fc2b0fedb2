// SPDX-License-Identifier: MIT
// Fashion-MNIST's form, and the network that learns it.
#include "fashion.h"

static const char *const class_names[CLASSES] = { "T-shirt", "Trouser", "Pullover", "Dress", "Coat",
                                                  "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot" };
const double human_accuracy = 0.835;

// Mean and deviation are those of the training pixels.
const model_form fashion_form = { .net = &classifiers[0], .channels = 1, .classes = CLASSES, .size = SIDE,
                                  .resize = SIDE, .names = class_names, .mean = { 0.286041 },
                                  .deviation = { 0.353024 }, .on_black = true };

clg_tensor network(clg_store s, clg_tensor pixels)
{
    return model_logits(&fashion_form, s, pixels);
}
