// SPDX-License-Identifier: MIT
// The table of networks, and their losses.
#include "nets.h"

#include <stdio.h>

const char *net_join(char *to, const char *prefix, const char *name)
{
    snprintf(to, NET_NAME, "%s.%s", prefix, name);
    return to;
}

static clg_tensor classes(clg_tensor y, const clg_tensor *in)
{
    return clg_cross_entropy(y, in[1], NULL);
}

static clg_tensor itself(clg_tensor y, const clg_tensor *in)
{
    return clg_mse_loss(y, in[0], CLG_REDUCE_MEAN);
}

#define IMAGES(n, c, h, w) { .shape = { 4, { n, c, h, w } } }
#define ROWS(n, c) { .shape = { 2, { n, c } } }
#define LABELS(n, k) { .shape = { 1, { n } }, .classes = k }

const net nets[] = {
    { "demo", "the demo's network, 128 pictures of 28x28", net_demo, classes,
      { IMAGES(128, 1, 28, 28), LABELS(128, 10) } },
    { "demo_1", "the same, one picture", net_demo, classes,
      { IMAGES(1, 1, 28, 28), LABELS(1, 10) } },
    { "mlp", "784-1024-1024-10, 128 rows", net_mlp, classes,
      { ROWS(128, 784), LABELS(128, 10) } },
    { "mlp_1", "the same, one row", net_mlp, classes,
      { ROWS(1, 784), LABELS(1, 10) } },
    { "resnet18", "ResNet-18, 8 pictures of 224x224", net_resnet18, classes,
      { IMAGES(8, 3, 224, 224), LABELS(8, 1000) } },
    { "resnet18_1", "the same, one picture", net_resnet18, classes,
      { IMAGES(1, 3, 224, 224), LABELS(1, 1000) } },
    { "resnet50", "ResNet-50, 4 pictures of 224x224", net_resnet50, classes,
      { IMAGES(4, 3, 224, 224), LABELS(4, 1000) } },
    { "resnet50_1", "the same, one picture", net_resnet50, classes,
      { IMAGES(1, 3, 224, 224), LABELS(1, 1000) } },
    { "mobilenet", "MobileNet-v2, 4 pictures of 224x224", net_mobilenet, classes,
      { IMAGES(4, 3, 224, 224), LABELS(4, 1000) } },
    { "mobilenet_1", "the same, one picture", net_mobilenet, classes,
      { IMAGES(1, 3, 224, 224), LABELS(1, 1000) } },
    { "unet", "U-Net of 32 to 512 channels, 256x256, 4 classes a pixel", net_unet, classes,
      { IMAGES(1, 3, 256, 256), { .shape = { 3, { 1, 256, 256 } }, .classes = 4 } } },
    { "vae", "strided and transposed convolutions, 128 pictures of 28x28", net_vae, itself,
      { IMAGES(128, 1, 28, 28), ROWS(128, 16) } },
    { "vae_1", "the same, one picture", net_vae, itself,
      { IMAGES(1, 1, 28, 28), ROWS(1, 16) } },
    { "vit", "vision transformer of 4 blocks, 192 wide, 3 heads, 8 pictures of 224x224", net_vit, classes,
      { IMAGES(8, 3, 224, 224), LABELS(8, 1000) } },
    { "vit_1", "the same, one picture", net_vit, classes,
      { IMAGES(1, 3, 224, 224), LABELS(1, 1000) } },
    { "lstm", "LSTM of 256 over 20 steps of 128, 32 rows", net_lstm, classes,
      { { .shape = { 3, { 32, 20, 128 } } }, LABELS(32, 10) } },
    { "lstm_1", "the same, one row", net_lstm, classes,
      { { .shape = { 3, { 1, 20, 128 } } }, LABELS(1, 10) } },
    { "embedding", "a table of 30,000 rows of 256, 64 texts of 32 words", net_embedding, classes,
      { { .shape = { 2, { 64, 32 } }, .classes = 30000 }, LABELS(64, 10) } },
    { "embedding_1", "the same, one text", net_embedding, classes,
      { { .shape = { 2, { 1, 32 } }, .classes = 30000 }, LABELS(1, 10) } },
};
const int net_count = (int) (sizeof nets / sizeof nets[0]);

const char *net_choice(int i)
{
    return i < net_count ? nets[i].name : i == net_count ? "all" : NULL;
}
