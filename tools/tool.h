// SPDX-License-Identifier: MIT
// What the commands of the tool share.
#ifndef CLG_TOOLS_TOOL_H
#define CLG_TOOLS_TOOL_H

#include <clgrad/clgrad.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

int command_devices(int argc, char **argv);
int command_train(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_cache(int argc, char **argv);
int bench_cases(clg_device dev, char **names, int n, bool json); // names: cases, of which n; none: all
bool bench_cases_knows(const char *name);
void bench_cases_list(void);
int bench_plan(clg_device dev, char **names, int n, bool json); // names: families, of which n; none: all
bool bench_plan_knows(const char *name);
void bench_plan_list(void);

double now_seconds(void);
// Opens the chosen device or says why not.
clg_device open_device(const char *command, const char *select, bool profile);
// Hands what was printed to the system; says so once where that fails (a full disk, a closed pipe).
bool flush_output(const char *command);

// ---- options
typedef enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_WHOLE, OPTION_REAL } option_kind;
typedef struct option {
    const char *name; // "--epochs"
    option_kind kind;
    void *to;         // bool, const char *, long or double
    double lo, hi;    // of numbers
    bool given;
} option;
enum { HELP_WANTED = -1 };
// Reads "--name value" and "--name=value". The one word that is no option goes to *word (NULL: none
// is allowed). Returns EXIT_OK, EXIT_USAGE after a message, or HELP_WANTED.
int parse_options(const char *command, option *o, int n, int argc, char **argv, const char **word);
// The same by hand: the value of an option at argv[*i]; NULL: not this option. A missing value is
// "".
const char *option_value(int argc, char **argv, int *i, const char *name);
bool parse_int(const char *text, long lo, long hi, long *out);
bool parse_double(const char *text, double lo, double hi, double *out);
// "clgrad CMD: message" on stderr; returns EXIT_USAGE
int usage_error(const char *command, const char *format, ...) CLG_PRINTF(2, 3);
#endif
