// SPDX-License-Identifier: MIT
// Fashion-MNIST: the files, and the network that learns it.
#include "fashion.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *const class_names[CLASSES] = { "T-shirt", "Trouser", "Pullover", "Dress", "Coat",
                                           "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot" };
const double human_accuracy = 0.835;

static bool open_one(clg_idx *x, const char *folder, const char *name)
{
    char path[1100], error[1300];
    snprintf(path, sizeof path, "%s/%s.gz", folder, name);
    if (access(path, F_OK) != 0)
        path[strlen(path) - 3] = '\0';
    if (access(path, F_OK) != 0) {
        fprintf(
            stderr,
            "clgrad train: %s[.gz] is not there. Install the data set (Debian, Ubuntu: apt install "
            "dataset-fashion-mnist) or name its folder with --data\n",
            path);
        return false;
    }
    if (clg_idx_open(x, path, error, sizeof error) >= 0)
        return true;
    fprintf(stderr, "clgrad train: %s\n", error);
    return false;
}

// What keeps two files from being pictures and their labels, or NULL.
static const char *misfit(const clg_idx *x, const clg_idx *y)
{
    if (x->dtype != CLG_U8 || x->shape.rank != 3 || x->shape.dim[1] != SIDE ||
        x->shape.dim[2] != SIDE)
        return "pictures are not 28 x 28 bytes";
    if (y->dtype != CLG_U8 || y->shape.rank != 1)
        return "labels are not a list of bytes";
    if (x->shape.dim[0] != y->shape.dim[0])
        return "there are not as many labels as pictures";
    if (x->shape.dim[0] < 1)
        return "there are no pictures";
    const uint8_t *labels = y->data;
    for (int64_t i = 0; i < y->shape.dim[0]; i++) {
        if (labels[i] >= CLASSES)
            return "a label is above 9";
    }
    return NULL;
}

bool dataset_open(dataset *d, const char *folder)
{
    memset(d, 0, sizeof *d);
    bool ok = open_one(&d->train_x, folder, "train-images-idx3-ubyte") &&
              open_one(&d->train_y, folder, "train-labels-idx1-ubyte") &&
              open_one(&d->test_x, folder, "t10k-images-idx3-ubyte") &&
              open_one(&d->test_y, folder, "t10k-labels-idx1-ubyte");
    for (int i = 0; i < 2 && ok; i++) {
        const char *bad = i ? misfit(&d->test_x, &d->test_y) : misfit(&d->train_x, &d->train_y);
        if (bad)
            fprintf(stderr, "clgrad train: the %s files in %s are not Fashion-MNIST: %s\n",
                    i ? "t10k" : "train", folder, bad);
        ok = !bad;
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

uint64_t dataset_hash(const dataset *d)
{
    const clg_idx *const files[] = { &d->train_x, &d->train_y, &d->test_x, &d->test_y };
    uint64_t h = 14695981039346656037u; // FNV-1a over words
    for (int i = 0; i < 4; i++) {
        const int64_t n = clg_numel(files[i]->shape);
        const unsigned char *p = files[i]->data;
        for (int64_t at = 0; at < n; at += 8) {
            uint64_t word = (uint64_t) i;
            memcpy(&word, p + at, n - at < 8 ? (size_t) (n - at) : 8);
            h = (h ^ word) * 1099511628211u;
            h ^= h >> 29;
        }
    }
    return h;
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
