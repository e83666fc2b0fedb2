// SPDX-License-Identifier: MIT
// What a store holds.
#ifndef CLG_NN_STORE_H
#define CLG_NN_STORE_H

#include "nn/handle.h"
#include <clgrad/nn.h>
#include <clgrad/norm.h>

// A file does not say what is trained: what was loaded is nothing yet until a layer or an optimizer
// asks for it, as a parameter or as a buffer.
typedef enum role { LOADED, PARAMETER, BUFFER } role;

struct entry {
    char *name;
    uint64_t hash; // of the name
    clg_var var;
    role role;
    bool frozen;
    bool from_file; // made by a load
    bool borrowed;  // the application's, see clg_store_put
    clg_var kept;   // the weight, while its average is in its place; else NULL
    bool lacking;   // asked for, and the file that was loaded last does not have it
    clg_dtype dtype;
    clg_shape shape;
};

struct clg_store_t {
    clg_device dev;
    uint64_t seed;
    bool training;
    struct entry *entry;
    int n, capacity;
    bool averaged; // averages are in the place of the parameters
    unsigned changes; // of the list of variables, and of which are trained
    int claimed; // entries [0, claimed) have a role, in the order in which they got it
    // A load is compared with what is asked for later, until that is known to be all.
    char *file; // that was loaded; NULL: nothing to compare with
    bool allow_missing, allow_unexpected;
    struct clg_monitor_t *monitor; // that looks at it, or NULL
    bool quiet;         // a layer will say it in its own name
    clg_status refused; // why the last variable was not given
    char why[700];
};

// NULL: s is a store that lives, on a device that is open. Else why not.
const char *clg__store_dead(clg_store s);
// The same; says why in the name of the function `what`, where there is a device to tell.
bool clg__store_usable(clg_store s, const char *what);
// Keeps why, and tells the device; NULL.
clg_var clg__store_refuse(clg_store s, clg_status st, const char *format, ...) CLG_PRINTF(3, 4);
struct entry *clg__store_entry(clg_store s, const char *name);
// A new variable; NULL after a message.
clg_var clg__store_add(clg_store s, const char *name, clg_tensor value, role is);
// Forget all variables from the first on.
void clg__store_drop(clg_store s, int first);
// Optimizer state "optim.<what>.<name>" ("optim.<what>" without a name): made where the store, and a
// file that was loaded, do not have it, of `value` everywhere or as a copy of `first`.
clg_var clg__store_state(clg_store s, const char *what, const char *name, clg_dtype t, clg_shape shape,
                         double value, clg_tensor first);
bool clg__store_has_state(clg_store s, const char *what, const char *name);
// "32x1x3x3", "scalar"
const char *clg__store_shape(clg_shape s, char text[128]);

// Take back what was made or claimed since s->claimed was `claimed`: a call that fails leaves nothing.
void clg__store_back(clg_store s, int claimed);

// What an optimizer keeps of a parameter, up to NULL; all of it or nothing.
typedef struct clg__states {
    const char *const *(*of)(void *optimizer, const char *param);
    void *optimizer;
} clg__states;
// Before a step: has all that was loaded been asked for? states: NULL: nobody asks for any.
clg_status clg__store_settle(clg_store s, const clg__states *states);

// average.c
void clg__store_forget_kept(clg_store s);

// names.c: what a checkpoint could not hold, or NULL
const char *clg__name_refused(const char *name);
bool clg__is_state(const char *name); // an optimizer's
typedef struct clg__nearest {
    const char *name; // NULL: none is near
    int distance;
} clg__nearest;
void clg__near(clg__nearest *best, const char *wanted, const char *name);

// ---- first numbers (init.c)

const char *clg__init_wrong(clg_shape shape, clg_init in); // NULL: a kind that this shape may have
clg_tensor clg__init_value(clg_device dev, clg_shape shape, clg_init in, int64_t fan_in);
#endif
