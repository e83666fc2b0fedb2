// SPDX-License-Identifier: MIT
// The one place that calls getenv.
#define _XOPEN_SOURCE 700 // realpath
#include "base/env.h"

#include "base/alloc.h"

#include <limits.h>
#include <stdlib.h>

static const struct {
    const char *name, *help;
} options[] = {
#define OPTION(name, text) { #name, text },
#include "base/options.def"
#undef OPTION
};

const char *clg__env(clg__option o)
{
    return getenv(options[o].name);
}

const char *clg__env_of_system(const char *name)
{
    return getenv(name);
}

const char *clg__env_name(clg__option o)
{
    return options[o].name;
}

const char *clg__env_help(clg__option o)
{
    return options[o].help;
}

char *clg__absolute(const char *path)
{
    char real[PATH_MAX]; // what realpath allocates itself is not counted as ours
    return realpath(path, real) ? clg__strdup(real) : NULL;
}
