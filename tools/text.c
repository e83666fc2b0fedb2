// SPDX-License-Identifier: MIT
// Names of files and classes as people are shown them.
#include "tool.h"

// Bytes of the UTF-8 sequence that begins here; 1 too where none does. `good` says which.
static int sequence(const unsigned char *p, bool *good)
{
    const int n = p[0] < 0x80 ? 1 : p[0] >= 0xC2 && p[0] < 0xE0 ? 2 : p[0] >= 0xE0 && p[0] < 0xF0 ? 3
                  : p[0] >= 0xF0 && p[0] < 0xF5 ? 4 : 0;
    *good = n > 1 || (n == 1 && p[0] >= 32 && p[0] != 127);
    for (int i = 1; i < n; i++) {
        if (p[i] >> 6 != 2) {
            *good = false;
            return 1;
        }
    }
    return n > 0 ? n : 1;
}

char *one_line(char *text)
{
    for (unsigned char *p = (unsigned char *) text; *p;) {
        bool good;
        const int n = sequence(p, &good);
        if (!good)
            *p = '?';
        p += good ? n : 1;
    }
    return text;
}
