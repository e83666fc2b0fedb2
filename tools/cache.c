// SPDX-License-Identifier: MIT
// clgrad cache: where compiled kernels are kept, making those of a network, and making all go.
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 // nftw
#endif
#include "nets/nets.h"
#include "nets/run.h"
#include "tool.h"

#include <errno.h>
#include <ftw.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct cache_options {
    bool json, driver;
    const char *net, *device;
} cache_options;

// ---- folders

typedef struct cache {
    const char *name, *what;
    char folder[PATH_MAX];
    double bytes;
    long files;
    bool there;
} cache;

static bool folder_of(char to[PATH_MAX], const char *variable, const char *under)
{
    const char *named = getenv(variable), *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int n = -1;
    if (named)
        n = snprintf(to, PATH_MAX, "%s", named);
    else if (xdg && *xdg)
        n = snprintf(to, PATH_MAX, "%s/%s", xdg, under);
    else if (home && *home)
        n = snprintf(to, PATH_MAX, "%s/.cache/%s", home, under);
    return n > 0 && n < PATH_MAX;
}

static cache *counted; // of nftw, which passes nothing on

static int count(const char *path, const struct stat *s, int type, struct FTW *at)
{
    (void) path;
    (void) at;
    if (type == FTW_F) {
        counted->files++;
        counted->bytes += (double) s->st_size;
    }
    return 0;
}

static void look(cache *c, const char *name, const char *what, const char *variable, const char *under)
{
    *c = (cache) { .name = name, .what = what };
    if (!folder_of(c->folder, variable, under))
        snprintf(c->folder, sizeof c->folder, "nowhere");
    counted = c;
    struct stat s;
    c->there = stat(c->folder, &s) == 0 && S_ISDIR(s.st_mode);
    if (c->there)
        nftw(c->folder, count, 16, FTW_PHYS);
}

static int print_json(const cache *c, int n)
{
    json_t *all = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(all, json_pack("{s:s, s:s, s:b, s:I, s:f}", "name", c[i].name, "folder", c[i].folder,
                                             "exists", c[i].there, "files", (json_int_t) c[i].files, "bytes", c[i].bytes));
    char *text = json_dumps(all, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    json_decref(all);
    if (!text) {
        fprintf(stderr, "clgrad cache: a folder's name cannot be written as JSON\n");
        return EXIT_FAILED;
    }
    puts(text);
    free(text);
    return EXIT_OK;
}

static int show(bool json)
{
    cache c[2];
    look(&c[0], "clgrad", "programs, and which ones PoCL has", "CLGRAD_CACHE_DIR", "clgrad");
    look(&c[1], "PoCL", "its programs and kernels, of all that use it", "POCL_CACHE_DIR", "pocl/kcache");
    if (json)
        return print_json(c, 2);
    for (int i = 0; i < 2; i++)
        printf("%-7s %8.1f MB %6ld files  %s%s\n        %s\n", c[i].name, 1e-6 * c[i].bytes, c[i].files, c[i].folder,
               c[i].there ? "" : " (not there)", c[i].what);
    return EXIT_OK;
}

// ---- clearing: only what is known to be a cache's goes, whatever a variable names

static bool all_of(const char *text, size_t n, char first, char last)
{
    for (size_t i = 0; i < n; i++) {
        if (text[i] < first || text[i] > last)
            return false;
    }
    return true;
}

static bool is_ours(const char *name)
{
    const char *end = strstr(name, ".clbin");
    return strcmp(name, "compiled") == 0 ||
           (end && end - name >= 32 && strspn(name, "0123456789abcdef_") == (size_t) (end - name));
}

// PoCL's: AB/CDEF..., 40 letters from A to P of a hash, with all below; and its files in the making.
static bool is_pocls(const char *name)
{
    return (name[0] && name[1] && (name[2] == '/' || !name[2]) && all_of(name, 2, 'A', 'P') &&
            (!name[2] || strspn(name + 3, "ABCDEFGHIJKLMNOP") >= 32 || !name[3])) ||
           (strncmp(name, "tempfile_", 9) == 0 && !strchr(name, '/'));
}

static struct {
    size_t root;
    bool (*is_its)(const char *name);
    long gone;
    char failed[PATH_MAX];
    int error;
} clearing;

static int clear_one(const char *path, const struct stat *s, int type, struct FTW *at)
{
    (void) s;
    if (at->level == 0 || !clearing.is_its(path + clearing.root))
        return 0;
    const int rc = type == FTW_DP || type == FTW_D || type == FTW_DNR ? rmdir(path) : unlink(path);
    if (rc == 0) {
        clearing.gone += type == FTW_F || type == FTW_SL;
    } else if (errno != ENOENT && errno != ENOTEMPTY && !clearing.error) { // others may be at work there
        clearing.error = errno;
        snprintf(clearing.failed, sizeof clearing.failed, "%s", path);
    }
    return 0;
}

static int clear(const char *name, const char *variable, const char *under, bool (*is_its)(const char *name))
{
    char folder[PATH_MAX];
    struct stat s;
    memset(&clearing, 0, sizeof clearing);
    if (!folder_of(folder, variable, under) || stat(folder, &s) != 0) {
        printf("%s: nothing is kept\n", name);
        return EXIT_OK;
    }
    clearing.root = strlen(folder);
    while (clearing.root > 1 && folder[clearing.root - 1] == '/')
        folder[--clearing.root] = '\0';
    clearing.root++;
    clearing.is_its = is_its;
    if (nftw(folder, clear_one, 16, FTW_PHYS | FTW_DEPTH) != 0 && !clearing.error) {
        clearing.error = errno;
        snprintf(clearing.failed, sizeof clearing.failed, "%s", folder);
    }
    printf("%s: %ld files deleted in %s\n", name, clearing.gone, folder);
    if (!clearing.error)
        return EXIT_OK;
    fprintf(stderr, "clgrad cache: cannot delete %s: %s\n", clearing.failed, strerror(clearing.error));
    return EXIT_FAILED;
}

static int run(void *options, const arguments *w)
{
    const cache_options *o = options;
    const char *word = w->n ? w->word[0] : NULL;
    const bool warm = word && strcmp(word, "warm") == 0, clears = word && strcmp(word, "clear") == 0;
    if (word && !warm && !clears)
        return usage_error("cache", "'%s' is neither warm nor clear", word);
    if (warm && !o->net)
        return usage_error("cache", "warm: for which network? --net NAME");
    const bool json = o->json && word, driver = o->driver && !clears;
    if (json || driver || ((o->net || o->device) && !warm))
        return usage_error("cache", "%s does not go with that", json ? "--json" : driver ? "--driver" : o->net ? "--net" : "--device");
    if (warm)
        return nets_prepare(o->net, o->device);
    if (!clears)
        return show(o->json);
    const int code = clear("clgrad", "CLGRAD_CACHE_DIR", "clgrad", is_ours);
    const int other = o->driver ? clear("PoCL", "POCL_CACHE_DIR", "pocl/kcache", is_pocls) : EXIT_OK;
    return code != EXIT_OK ? code : other;
}

const description cache_command = {
    .name = "cache",
    .summary = "show, fill or clear what is kept of compiled kernels",
    .usage = (const char *const[]) { "[--json]", "warm --net N [--device D]", "clear [--driver]", NULL },
    .about = "Kernels are compiled while a program runs, and kept on disk: by clgrad, or by the OpenCL driver where it "
             "does that better (PoCL, NVIDIA). Without a word: where that is, and how much of it.",
    .operands = (const help_row[]) {
        { "warm", "compile what a network's inference and training take, and run nothing; programs of your own can do "
                  "so with clg_prepare_n" },
        { "clear", "delete what clgrad keeps; nothing is lost but time" },
        { 0 },
    },
    .options = (const option[]) {
        { "--net", OPTION_TEXT, offsetof(cache_options, net), "N",
          "networks: names with commas, or all, of bench --net all --list", .choice = net_choice, .many = true },
        OPTION_DEVICE(offsetof(cache_options, device)),
        { "--driver", OPTION_FLAG, offsetof(cache_options, driver), NULL,
          "delete what PoCL keeps too, that of other programs included" },
        { "--json", OPTION_FLAG, offsetof(cache_options, json), NULL, "print as JSON" },
        { 0 },
    },
    .notes = "CLGRAD_CACHE_DIR and POCL_CACHE_DIR name other folders.",
    .examples = (const help_row[]) {
        { "clgrad cache", NULL },
        { "clgrad cache warm --net demo", "so that the demo's first step waits for nothing" },
        { 0 },
    },
    .size = sizeof(cache_options),
    .words = 1,
    .run = run,
};
