// SPDX-License-Identifier: MIT
// The pictures that the tool makes, written as PNG, each in a file of pictures/. On failure error gets the reason; a build
// without cairo has all of them and they fail (canvas_available, canvas.h).
#ifndef CLG_TOOLS_PICTURES_H
#define CLG_TOOLS_PICTURES_H

#include "canvas.h"

// Losses and accuracies of the epochs of a run, a panel each. Numbers that are not finite are gaps; the title says so.
typedef struct curves {
    int n;                                    // epochs; 0 is allowed
    const double *loss, *test_loss;           // NULL: not known
    const double *accuracy, *train_accuracy;  // the first is of the test; NULL: not known
    size_t stride;                            // bytes from a number to that of the next epoch; 0: they follow each other
    double landmark;                          // an accuracy to compare with
    const char *landmark_name;                // NULL: there is none
} curves;
bool draw_curve(const char *path, const curves *c, char *error, size_t error_size);

// counts[truth * n + answer] of n classes, 1 at least. Rows are coloured by their shares; many classes share a cell.
typedef struct confusion {
    int n;
    const int64_t *counts;
    const char *const *names; // NULL: numbers
    const char *what;         // "test images"
} confusion;
bool draw_confusion(const char *path, const confusion *c, char *error, size_t error_size);

// A sheet of images with what they are and what the network said.
typedef struct samples {
    int n, h, w, channels;       // n images [h,w,channels] of 1 (gray), 3 (RGB) or 4 (RGBA) channels; n = 0 is allowed
    const uint8_t *pixels;
    bool negative;               // show 255 - pixel
    const int64_t *truth, *said; // classes; truth may be NULL or have -1 where it is not known
    const double *probability;   // of what was said; NULL: not known
    const char *const *names;    // of n_names classes; NULL: numbers
    int n_names;
    const char *title;           // NULL: how many are wrong
} samples;
bool draw_samples(const char *path, const samples *s, char *error, size_t error_size);

// Numbers about each layer in some steps: for each statistic a map of layer by step, and the numbers of the last step over
// depth. A statistic without any number is left out.
typedef struct layer_statistic {
    const char *title;    // "Gradients: norm"
    bool share;           // of 0 to 1; else shown by powers of ten of magnitudes
    const double *values; // [layer * n_steps + step]; NAN: not measured, an infinity: the layer's numbers are not finite
} layer_statistic;
typedef struct layers {
    int n_layers, n_steps, n_statistics; // 0 is allowed
    const char *const *names;            // of layers, in the order of depth
    const int64_t *steps;                // their numbers
    const layer_statistic *statistics;
    const char *const *words;            // of layers: "vanishing"; NULL or "" where nothing is wrong; NULL: of all
} layers;
bool draw_layers(const char *path, const layers *l, char *error, size_t error_size);

// An image, how much each pixel of it matters, and the one over the other.
typedef struct saliency {
    int h, w, channels;
    const uint8_t *pixels; // [h,w,channels] of 1 or 3 channels
    const double *heat;    // [h,w] of any scale; not finite: 0
    bool has_sign;         // a number below 0 speaks against the class
    const char *title;     // in large letters
    const char *below;     // what it is
} saliency;
bool draw_saliency(const char *path, const saliency *s, char *error, size_t error_size);
#endif
