// SPDX-License-Identifier: MIT
// Stores and optimizers stay readable for a while after their end, so that a dead one is told from a
// live one.
#ifndef CLG_NN_HANDLE_H
#define CLG_NN_HANDLE_H

#include <clgrad/device.h>

void *clg__object_new(size_t bytes); // cleared; NULL: out of memory
void clg__object_end(void *object);  // readable until 128 further ones have ended
bool clg__object_alive(const void *object);
long clg__objects_parked(void);

// A misuse of a handle: published, and a trap in debug builds. CLG_EINVAL.
clg_status clg__object_misuse(clg_device dev, const char *format, ...) CLG_PRINTF(2, 3);
#endif
