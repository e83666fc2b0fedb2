// SPDX-License-Identifier: MIT
// Where calls stand (place.h). The one thing that the library keeps for each thread: the macros of lines.h know no device.
#include "graph/node.h"

#include "base/format.h"

#include <string.h>

_Thread_local clg_place clg__here;

clg_place clg_set_place(const char *file, int line)
{
    const clg_place was = clg__here;
    clg__here = (clg_place) { file, file ? line : 0 };
    return was;
}

const char *clg__with_place(const char *text, char all[CLG__ERR_TEXT])
{
    char place[CLG__ERR_TEXT / 4];
    if (!clg__here.file)
        return text;
    clg__format(place, sizeof place, "%.200s:%d", clg__here.file, clg__here.line);
    if (strstr(text, place))
        return text;
    clg__format(all, CLG__ERR_TEXT, "%.*s (called at %s)", (int) (CLG__ERR_TEXT - sizeof place - 16), text, place);
    return all;
}
