// SPDX-License-Identifier: MIT
// What the commands of the tool share.
#ifndef CLG_TOOLS_TOOL_H
#define CLG_TOOLS_TOOL_H

#include "command.h"

#include <clgrad/clgrad.h>

// names: cases, of which n; none: all
int bench_cases(clg_device dev, const char *const *names, int n, bool json);
bool bench_cases_knows(const char *name);
void bench_cases_list(void);
// names: families, of which n; none: all
int bench_plan(clg_device dev, const char *const *names, int n, bool json);
bool bench_plan_knows(const char *name);
void bench_plan_list(void);

double now_seconds(void);
// What would break a line or a terminal becomes '?', in place: names of files may hold anything. Returns text.
char *one_line(char *text);
// Opens the chosen device or says why not.
clg_device open_device(const char *command, const char *select, bool profile);
// Hands what was printed to the system; says so once where that fails (a full disk, a closed pipe).
bool flush_output(const char *command);
#endif
