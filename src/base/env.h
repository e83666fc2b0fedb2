// SPDX-License-Identifier: MIT
// The environment variables of options.def; other files never call getenv for them.
#ifndef CLG_BASE_ENV_H
#define CLG_BASE_ENV_H

typedef enum clg__option {
#define OPTION(name, text) CLG__##name,
#include "base/options.def"
#undef OPTION
} clg__option;

const char *clg__env(clg__option o); // NULL when unset
const char *clg__env_of_system(const char *name); // of other makers: XDG_CACHE_HOME, HOME

// The path as it is now, whatever the working folder becomes; NULL where nothing is there.
char *clg__absolute(const char *path);
#endif
