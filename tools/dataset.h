// SPDX-License-Identifier: MIT
// A set of pictures by classes: those to learn from, in batches of an epoch, and others to be tested on.
#ifndef CLG_TOOLS_DATASET_H
#define CLG_TOOLS_DATASET_H

#include "model.h"

struct training;
typedef struct dataset dataset;

typedef struct picture_batch {
    int64_t n;       // pictures
    clg_tensor x, y; // as model_logits takes them (x may have been augmented), and classes; of the innermost scope
} picture_batch;

// What a kind of data set does. All say what is wrong when they return false.
typedef struct dataset_kind {
    // After the options of the run are known; data_state: as of below, of the run that goes on, or NULL.
    bool (*prepare)(dataset *d, struct training *t);
    // What the set found out, to be kept in the checkpoint; NULL: nothing. Released with free.
    char *(*state)(const dataset *d);
    // Batch k of an epoch, in an order that follows from the seed and the epoch alone.
    bool (*train)(dataset *d, clg_device dev, long epoch, long k, picture_batch *out);
    // Test pictures from `from` on, in their order; begins with 0.
    bool (*test)(dataset *d, clg_device dev, int64_t from, picture_batch *out);
    void (*close)(dataset *d);
} dataset_kind;

struct dataset {
    const dataset_kind *kind;
    const char *path;
    uint64_t hash;           // a number that two different sets hardly share
    bool has_tests;          // of its own
    // from prepare on:
    model_form form;
    int64_t batch, train_n, test_n;
    const int *truth;        // classes of the test pictures
    double people;           // accuracy of people, NAN: not known
    // from the first test on: some test pictures, u8 [size,size,channels] each, and their numbers
    int n_samples;
    const uint8_t *samples;
    const int64_t *sample_of;
};

enum { MOST_SAMPLES = 100 };

dataset *fashion_open(const char *folder);
dataset *folder_open(const char *path);
#endif
