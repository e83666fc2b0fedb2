// SPDX-License-Identifier: MIT
// Names of variables: which a checkpoint can hold, and which is near another.
#include "nn/store.h"

#include <string.h>

enum { LONGEST = 127 }; // of what is compared

// Well-formed by Unicode's table 3-7: no overlong forms, no surrogates.
static bool is_utf8(const char *text)
{
    const unsigned char *p = (const unsigned char *) text;
    while (*p) {
        const unsigned char c = *p++;
        unsigned lo = 0x80, hi = 0xbf;
        int more = 0;
        if (c >= 0xc2 && c < 0xf5)
            more = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
        else if (c >= 0x80)
            return false;
        if (c == 0xe0 || c == 0xf0)
            lo = c == 0xe0 ? 0xa0 : 0x90;
        if (c == 0xed || c == 0xf4)
            hi = c == 0xed ? 0x9f : 0x8f;
        for (; more > 0; more--, lo = 0x80, hi = 0xbf) {
            if (*p < lo || *p > hi)
                return false;
            p++;
        }
    }
    return true;
}

const char *clg__name_refused(const char *name)
{
    if (!is_utf8(name))
        return "is not UTF-8, which the names in a checkpoint are";
    return strcmp(name, "__metadata__") == 0 ? "is the key of a checkpoint's metadata" : NULL;
}

bool clg__is_state(const char *name)
{
    return strncmp(name, "optim.", 6) == 0;
}

// Characters to insert, delete or replace.
static int distance(const char *a, const char *b)
{
    int row[LONGEST + 1];
    const int n = (int) strlen(a), m = (int) strlen(b);
    for (int k = 0; k <= m; k++)
        row[k] = k;
    for (int i = 1; i <= n; i++) {
        int corner = row[0];
        row[0] = i;
        for (int k = 1; k <= m; k++) {
            const int up = row[k], both = corner + (a[i - 1] != b[k - 1]);
            const int one = (up < row[k - 1] ? up : row[k - 1]) + 1;
            corner = up;
            row[k] = both < one ? both : one;
        }
    }
    return row[m];
}

void clg__near(clg__nearest *best, const char *wanted, const char *name)
{
    const size_t n = strlen(wanted);
    if (n > LONGEST || strlen(name) > LONGEST)
        return;
    const int d = distance(wanted, name);
    if (d <= (int) (n + 1) / 2 && (!best->name || d < best->distance))
        *best = (clg__nearest) { name, d };
}
