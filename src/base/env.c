// SPDX-License-Identifier: MIT
// The one place that calls getenv.
#define _XOPEN_SOURCE 700 // realpath
#include "base/env.h"

#include "base/alloc.h"

#include <limits.h>
#include <stdlib.h>

static const char *const names[] = {
#define OPTION(name, text) #name,
#include "base/options.def"
#undef OPTION
};

const char *clg__env(clg__option o)
{
    return getenv(names[o]);
}

const char *clg__env_of_system(const char *name)
{
    return getenv(name);
}

char *clg__absolute(const char *path)
{
    char real[PATH_MAX]; // what realpath allocates itself is not counted as ours
    return realpath(path, real) ? clg__strdup(real) : NULL;
}
