// SPDX-License-Identifier: MIT
// A data set of folders, in two parts: which pictures there are (folder_list.c), and their batches (folder_data.c).
#ifndef CLG_TOOLS_FOLDER_H
#define CLG_TOOLS_FOLDER_H

#include "training.h"

// Pictures as they lie on the disk, by classes.
typedef struct listing {
    clg_image_folder all; // NULL: there are none
    bool *bad;            // of each, that it cannot be read
} listing;

typedef struct folder {
    dataset set; // first
    listing here, held;             // DIR or DIR/train; DIR/val or DIR/test
    int *class_of_held;             // its classes as those of here
    clg_image_folder train, test;   // what is learnt from and tested on: parts of these
    int *truth;
    const char **names;             // of classes
    long seed;
    const char *augment;
    int64_t load;                   // the side as which pictures to learn from are loaded
    clg_image_loader loader, tester;
    long epoch;                     // where the loader stands
    int64_t position;
    uint8_t *two, *samples;
    int64_t numbers[MOST_SAMPLES];
} folder;

// ---- folder_list.c; all say what is wrong
bool folder_list(folder *f);
// Reads all once: which cannot be read, whether all are gray, mean and deviation.
bool folder_look(folder *f, training *t);
char *folder_state(const dataset *d);                  // what that found, as text
bool folder_recall(folder *f, const char *state);      // the same from a run that goes on
bool folder_split(folder *f, double share);            // by the seed, the same share of each class
void folder_free_lists(folder *f);
void folder_say(const char *format, ...) CLG_PRINTF(1, 2); // "clgrad train: ..." in one line, whatever names hold
#endif
