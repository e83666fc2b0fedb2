// SPDX-License-Identifier: MIT
// Check, whose assertions say where they are only when they fail: it would write the place of each that holds to a
// file, a system call for each element that is compared.
#ifndef CLG_TESTS_CHECKS_H
#define CLG_TESTS_CHECKS_H

#include <check.h>

#define _mark_point(file, line) ((void) 0)
#endif
