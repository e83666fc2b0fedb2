// SPDX-License-Identifier: MIT
// A network that has learnt to sort pictures: what a model.safetensors says of itself, so that other commands can ask
// it without being told which network it is.
#ifndef CLG_TOOLS_MODEL_H
#define CLG_TOOLS_MODEL_H

#include "nets/classifiers.h"

enum { MODEL_CHANNELS = 3, MODEL_MOST = 4096 }; // the most channels, and the largest side

// What a network needs to know beside its weights.
typedef struct model_form {
    const classifier *net;
    int channels, classes;    // channels: 1 (gray) or 3
    int size, resize;         // a picture's shorter side becomes `resize`, its middle of size x size is looked at
    const char *const *names; // of classes
    double mean[MODEL_CHANNELS], deviation[MODEL_CHANNELS]; // of channels, of values from 0 to 1
    bool on_black;            // it learnt bright things on black, as Fashion-MNIST has them
} model_form;

// ---- model.c

// Pixels [N,channels,size,size] from 0 to 255, U8 or floating, to logits [N,classes]; the gradient of floating ones
// passes. Parameters are made on first use.
clg_tensor model_logits(const model_form *f, clg_store s, clg_tensor pixels);

// ---- model_file.c

typedef struct model {
    model_form form;
    clg_store store; // does not train
    char **names;    // those of the form
} model;

// Reads a file of `clgrad train` and builds its network; says what is wrong, as "clgrad COMMAND: ...".
bool model_open(model *m, const char *command, const char *path, clg_device dev);
void model_close(model *m);
// The form as text, for metadata under model_key; NULL: out of memory. Released with free.
extern const char model_key[];
char *model_text(const model_form *f);
// The form of such a text; names gets what form->names points to. False where it is none.
bool model_of_text(const char *text, model_form *f, char ***names);
void model_free_names(char **names, int n);

// A picture as the network takes it: u8 [size,size,channels]. How files are read is said in one place, here; other
// readers (a loader's) take it from model_loading.
bool model_read_picture(const model_form *f, const char *path, uint8_t *pixels, char *error, size_t error_size);
struct clg_image_loader_params model_loading(const model_form *f);
#endif
