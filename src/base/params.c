// SPDX-License-Identifier: MIT
// Params structs of other versions: shorter ones lack the newest fields, longer ones may not use them.
#include <clgrad/base.h>

#include <string.h>

const char *clg_params_read(void *out, size_t size, const void *given)
{
    size_t have = 0;
    if (!out || size < sizeof size)
        return "params: the struct to fill is NULL, or is shorter than its size";
    memset(out, 0, size);
    if (given) {
        memcpy(&have, given, sizeof have);
        if (have < sizeof have)
            return "params: .size is not set; the macro of the struct's name does";
        for (size_t i = size; i < have; i++) {
            if (((const unsigned char *) given)[i])
                return "params: a field is set that this version of the library does not have";
        }
        memcpy(out, given, have < size ? have : size);
    }
    memcpy(out, &size, sizeof size);
    return NULL;
}
