// SPDX-License-Identifier: MIT
// clgrad cache: where compiled kernels are kept, making those of a network, and making all go.
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 // nftw
#endif
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

static void help(void)
{
    printf("usage: clgrad cache [--json]\n"
           "       clgrad cache warm --net N [--device D]\n"
           "       clgrad cache clear [--driver]\n\n"
           "Kernels are compiled while a program runs, and kept on disk: by clgrad, or by\n"
           "the OpenCL driver where it does that better (PoCL, NVIDIA). Without a word:\n"
           "where that is, and how much of it.\n\n"
           "  warm        compile what a network's inference and training take, and run\n"
           "              nothing; programs of your own can do so with clg_prepare_n\n"
           "  clear       delete what clgrad keeps; nothing is lost but time\n\n"
           "  --net N     networks: names with commas, or all, of bench --net all --list\n"
           "  --device D  number, type or part of a name; see clgrad devices\n"
           "  --driver    delete what PoCL keeps too, that of other programs included\n"
           "  --json      print as JSON\n\n"
           "CLGRAD_CACHE_DIR and POCL_CACHE_DIR name other folders.\n");
}

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

int command_cache(int argc, char **argv)
{
    bool json = false, driver = false;
    const char *net = NULL, *device = NULL, *word = NULL;
    option options[] = { { "--json", OPTION_FLAG, &json },
                         { "--driver", OPTION_FLAG, &driver },
                         { "--net", OPTION_TEXT, &net },
                         { "--device", OPTION_TEXT, &device } };
    const int parsed = parse_options("cache", options, 4, argc, argv, &word);
    if (parsed == HELP_WANTED)
        help();
    if (parsed != EXIT_OK)
        return parsed == HELP_WANTED ? EXIT_OK : parsed;
    const bool warm = word && strcmp(word, "warm") == 0, clears = word && strcmp(word, "clear") == 0;
    if (word && !warm && !clears)
        return usage_error("cache", "'%s' is neither warm nor clear", word);
    if (warm && !net)
        return usage_error("cache", "warm: for which network? --net NAME");
    if ((json && word) || (driver && !clears) || ((net || device) && !warm))
        return usage_error("cache", "%s does not go with that", json && word ? "--json" : driver && !clears ? "--driver"
                                                                : net ? "--net" : "--device");
    if (warm)
        return nets_prepare(net, device);
    if (!clears)
        return show(json);
    const int code = clear("clgrad", "CLGRAD_CACHE_DIR", "clgrad", is_ours);
    const int other = driver ? clear("PoCL", "POCL_CACHE_DIR", "pocl/kcache", is_pocls) : EXIT_OK;
    return code != EXIT_OK ? code : other;
}
