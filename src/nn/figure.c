// SPDX-License-Identifier: MIT
// Numbers for sentences: three digits, made of whole numbers alone, so that no locale shows.
#include "nn/monitor.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void trim(char *text) // "1.50" is 1.5, "2.00" is 2
{
    size_t n = strlen(text);
    while (n > 0 && text[n - 1] == '0')
        text[--n] = '\0';
    if (n > 0 && text[n - 1] == '.')
        text[n - 1] = '\0';
}

const char *clg__figure(double v, char text[FIGURE])
{
    const char *sign = v < 0 ? "-" : "";
    double a = fabs(v);
    if (isnan(v) || isinf(v)) {
        snprintf(text, FIGURE, "%s", isnan(v) ? "NaN" : v < 0 ? "-inf" : "inf");
        return text;
    }
    if (a == 0) {
        snprintf(text, FIGURE, "0");
        return text;
    }
    int e = (int) floor(log10(a));
    long m = lround(e < -300 ? a * 1e300 / pow(10, e + 300 - 2) : a / pow(10, e) * 100); // 100 ... 1000
    if (m >= 1000) {
        m /= 10;
        e++;
    }
    if (e >= -4 && e < 2) {
        long below = 1;
        for (int k = 0; k < 2 - e; k++)
            below *= 10;
        snprintf(text, FIGURE, "%s%ld.%0*ld", sign, m / below, 2 - e, m % below);
        trim(text);
    } else if (e >= 2 && e < 6) {
        for (int k = 2; k < e; k++)
            m *= 10;
        snprintf(text, FIGURE, "%s%ld", sign, m);
    } else {
        snprintf(text, FIGURE, "%s%ld.%02ld", sign, m / 100, m % 100);
        trim(text);
        const size_t n = strlen(text);
        snprintf(text + n, FIGURE - n, "e%d", e);
    }
    return text;
}
