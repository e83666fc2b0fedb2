// SPDX-License-Identifier: MIT
// Error buffers of functions without a device.
#ifndef CLG_IO_TEXT_H
#define CLG_IO_TEXT_H

#include <clgrad/base.h>

// Write the message (when there is a buffer); returns st.
clg_status clg__text(char *error, size_t size, clg_status st, const char *format, ...)
    CLG_PRINTF(4, 5);
// Elements of a shape times the size of one. False where a dimension is negative, or where those that
// are not zero overflow: whatever their order, as the sizes of an empty tensor have to be sizes too.
bool clg__size_of(const clg_shape *s, uint64_t item, uint64_t *out);
#endif
