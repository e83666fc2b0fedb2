// SPDX-License-Identifier: MIT
// Error buffers of functions without a device.
#ifndef CLG_IO_TEXT_H
#define CLG_IO_TEXT_H

#include <clgrad/base.h>

// Write the message (when there is a buffer); returns st.
clg_status clg__text(char *error, size_t size, clg_status st, const char *format, ...)
    CLG_PRINTF(4, 5);
// Elements of a shape in bytes, false on overflow.
bool clg__bytes_of(const clg_shape *s, size_t item, size_t *out);
#endif
