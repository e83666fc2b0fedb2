// SPDX-License-Identifier: MIT
// What the commands of the tool share.
#ifndef CLG_TOOLS_TOOL_H
#define CLG_TOOLS_TOOL_H

#include <clgrad/clgrad.h>
#include <signal.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

int command_devices(int argc, char **argv);
int command_train(int argc, char **argv);
int command_bench(int argc, char **argv);

extern volatile sig_atomic_t interrupted; // Ctrl-C was pressed
double now_seconds(void);
// "clgrad CMD: message" on stderr; returns EXIT_USAGE
int usage_error(const char *command, const char *format, ...);
// The value of an option at argv[*i] ("--name value" or "--name=value"); NULL: not this option.
// A missing value is an empty string.
const char *option_value(int argc, char **argv, int *i, const char *name);
bool parse_int(const char *text, long lo, long hi, long *out);
bool parse_double(const char *text, double lo, double hi, double *out);
// Opens the chosen device or says why not.
clg_device open_device(const char *command, const char *select, bool profile);

// ---- Fashion-MNIST and its network
typedef struct dataset {
    clg_idx train_x, train_y, test_x, test_y;
} dataset;
extern const char *const class_names[10];
bool dataset_open(dataset *d, const char *folder);
void dataset_close(dataset *d);
clg_tensor network(clg_store s, clg_tensor pixels); // u8 [N,1,28,28] -> logits [N,10]

// ---- pictures, written as PNG
typedef struct epoch_row {
    long epoch;
    double loss, accuracy, seconds;
} epoch_row;
bool draw_curve(const char *path, const epoch_row *rows, int n, double landmark);
bool draw_confusion(const char *path, int64_t counts[10][10], const char *const *names);
bool draw_samples(const char *path, const uint8_t *pixels, const uint8_t *truth, const int64_t *said,
                  int n, const char *const *names);
#endif
