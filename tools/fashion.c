// SPDX-License-Identifier: MIT
// Fashion-MNIST: the files, and the network that learns it.
#include "tool.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *const class_names[10] = { "T-SHIRT", "TROUSER", "PULLOVER", "DRESS", "COAT",
                                      "SANDAL", "SHIRT", "SNEAKER", "BAG", "BOOT" };

static bool open_one(clg_idx *x, const char *folder, const char *name)
{
    char path[1100], error[1300];
    snprintf(path, sizeof path, "%s/%s.gz", folder, name);
    if (access(path, R_OK) != 0)
        snprintf(path, sizeof path, "%s/%s", folder, name);
    if (access(path, R_OK) != 0) {
        fprintf(stderr, "clgrad train: %s[.gz] is not there. Install the data set (Debian and Ubuntu: "
                        "apt install dataset-fashion-mnist) or name its folder with --data\n", path);
        return false;
    }
    if (clg_idx_open(x, path, error, sizeof error) < 0) {
        fprintf(stderr, "clgrad train: %s\n", error);
        return false;
    }
    return true;
}

static bool fits(const clg_idx *x, const clg_idx *y)
{
    bool ok = x->dtype == CLG_U8 && y->dtype == CLG_U8 && x->shape.rank == 3 && y->shape.rank == 1 &&
              x->shape.dim[0] == y->shape.dim[0] && x->shape.dim[0] > 0 && x->shape.dim[1] == 28 &&
              x->shape.dim[2] == 28;
    const uint8_t *labels = y->data;
    for (int64_t i = 0; ok && i < y->shape.dim[0]; i++)
        ok = labels[i] < 10;
    return ok;
}

bool dataset_open(dataset *d, const char *folder)
{
    memset(d, 0, sizeof *d);
    bool ok = open_one(&d->train_x, folder, "train-images-idx3-ubyte") &&
              open_one(&d->train_y, folder, "train-labels-idx1-ubyte") &&
              open_one(&d->test_x, folder, "t10k-images-idx3-ubyte") &&
              open_one(&d->test_y, folder, "t10k-labels-idx1-ubyte");
    if (ok && (!fits(&d->train_x, &d->train_y) || !fits(&d->test_x, &d->test_y))) {
        fprintf(stderr, "clgrad train: the files in %s are not Fashion-MNIST (28x28 bytes, labels 0 "
                        "to 9)\n", folder);
        ok = false;
    }
    if (!ok)
        dataset_close(d);
    return ok;
}

void dataset_close(dataset *d)
{
    clg_idx_close(&d->train_x);
    clg_idx_close(&d->train_y);
    clg_idx_close(&d->test_x);
    clg_idx_close(&d->test_y);
}

static clg_tensor block(clg_store s, const char *conv, const char *norm, clg_tensor x, int out)
{
    x = clg_nn_conv2d(s, conv, x, clg_nn_conv2d_params(.out = out, .kernel = 3, .padding = 1));
    x = clg_relu(clg_nn_batch_norm2d(s, norm, x, NULL));
    return clg_max_pool2d(x, clg_pool2d_params(.kernel = 2));
}

clg_tensor network(clg_store s, clg_tensor pixels)
{
    // mean 0.286041 and deviation 0.353024 of the training pixels in [0,1]
    clg_tensor x = clg_mul_scalar(clg_cast(pixels, CLG_F32), 1 / (255 * 0.353024));
    x = clg_sub_scalar(x, 0.286041 / 0.353024);
    x = block(s, "conv1", "bn1", x, 32);
    x = block(s, "conv2", "bn2", x, 64);
    x = clg_relu(clg_nn_linear(s, "fc1", clg_flatten(x, 1, -1), clg_nn_linear_params(.out = 128)));
    return clg_nn_linear(s, "fc2", clg_nn_dropout(s, x, 0.3), clg_nn_linear_params(.out = 10));
}
