// SPDX-License-Identifier: MIT
// The table of networks for pictures.
#include "classifiers.h"

#include <string.h>

static clg_tensor small_cnn(clg_store s, clg_tensor x, int classes)
{
    return cnn(s, x, classes, 0.3);
}

const classifier classifiers[] = {
    { "cnn", "convolutions, batch norm, pooling, two linear layers", small_cnn, 64, 8, false, 0.003, 0.01 },
    { "resnet8", "three residual blocks of 16 to 64 channels", resnet8, 64, 8, true, 0.1, 5e-4 },
    { "resnet18", "eight residual blocks of 64 to 512 channels", resnet18, 128, 32, true, 0.005, 5e-4 },
    { "mobilenet_v2", "seventeen narrow blocks of depthwise convolutions", mobilenet_v2, 128, 32, true, 0.02, 4e-5 },
    { "vit_tiny", "a vision transformer of 12 layers, 192 wide, 3 heads", vit_tiny, 64, 16, false, 0.0005, 0.05 },
};
const int classifier_count = (int) (sizeof classifiers / sizeof classifiers[0]);

const classifier *classifier_find(const char *name)
{
    for (int i = 0; i < classifier_count; i++) {
        if (strcmp(classifiers[i].name, name) == 0)
            return &classifiers[i];
    }
    return NULL;
}

const char *classifier_choice(int i)
{
    return i >= 0 && i < classifier_count ? classifiers[i].name : NULL;
}

const char *classifier_refuses(const classifier *c, long size)
{
    if (size < c->least)
        return "pictures are too small for it";
    if (c->logits == vit_tiny && size % vit_tiny_patch(size) != 0)
        return "it takes multiples of 4 up to 32, of 8 up to 96, of 16 above";
    return NULL;
}
