// SPDX-License-Identifier: MIT
// Folders of images by class, in the order of names.
#include "io/text.h"

#include <clgrad/loader.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_DEEP = 32, MOST_IMAGES = INT32_MAX };

typedef struct names {
    char **at;
    int64_t n, room;
} names;

struct clg_image_folder_t {
    names classes, paths;
    int *labels; // of paths
};

static bool add(names *s, const char *a, const char *b)
{
    if (s->n == s->room) {
        char **p = realloc(s->at, (size_t) (2 * s->room + 16) * sizeof *p);
        if (!p)
            return false;
        s->at = p;
        s->room = 2 * s->room + 16;
    }
    const size_t n = strlen(a) + strlen(b) + 2;
    char *text = malloc(n);
    if (!text)
        return false;
    snprintf(text, n, "%s%s%s", a, *a ? "/" : "", b);
    s->at[s->n++] = text;
    return true;
}

static void drop(names *s)
{
    for (int64_t i = 0; i < s->n; i++)
        free(s->at[i]);
    free(s->at);
    *s = (names) { 0 };
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}

static void sort(names *s)
{
    if (s->n)
        qsort(s->at, (size_t) s->n, sizeof *s->at, by_bytes);
}

static bool is_image(const char *name)
{
    static const char *const ends[] = { ".png", ".jpg", ".jpeg" };
    const size_t n = strlen(name);
    for (int k = 0; k < 3; k++) {
        const size_t m = strlen(ends[k]);
        bool same = n >= m;
        for (size_t i = 0; i < m && same; i++) {
            const char c = name[n - m + i];
            same = (c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) == ends[k][i];
        }
        if (same)
            return true;
    }
    return false;
}

// The folders and the images of one folder. `whole`: names with its path.
static clg_status list(const char *path, bool whole, names *folders, names *images, char *error, size_t size)
{
    DIR *d = opendir(path);
    if (!d)
        return clg__text(error, size, CLG_EIO, "%s: %s", path, strerror(errno));
    clg_status st = CLG_OK;
    errno = 0;
    for (struct dirent *e; st >= 0 && (e = readdir(d)) != NULL; errno = 0) {
        char full[4400];
        struct stat s;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (snprintf(full, sizeof full, "%s/%s", path, e->d_name) >= (int) sizeof full)
            st = clg__text(error, size, CLG_EIO, "%.200s...: the path is too long", path);
        else if (stat(full, &s) != 0)
            continue; // a link to nothing
        else if (S_ISDIR(s.st_mode) ? !add(folders, whole ? path : "", e->d_name)
                                    : images && S_ISREG(s.st_mode) && is_image(e->d_name) && !add(images, path, e->d_name))
            st = clg__text(error, size, CLG_ENOMEM, "%s: out of host memory", path);
    }
    if (st >= 0 && errno)
        st = clg__text(error, size, CLG_EIO, "%s: %s", path, strerror(errno));
    closedir(d);
    return st;
}

// All folders of a class, itself first.
static clg_status walk(const char *path, int deep, names *all, char *error, size_t size)
{
    names below = { 0 };
    if (deep > MOST_DEEP)
        return clg__text(error, size, CLG_EIO, "%.200s...: folders are %d deep, do links make a circle?", path, deep);
    if (!add(all, "", path))
        return clg__text(error, size, CLG_ENOMEM, "%s: out of host memory", path);
    clg_status st = list(path, true, &below, NULL, error, size);
    for (int64_t i = 0; i < below.n && st >= 0; i++)
        st = walk(below.at[i], deep + 1, all, error, size);
    drop(&below);
    return st;
}

static clg_status add_class(clg_image_folder f, const char *path, int label, char *error, size_t size)
{
    names folders = { 0 };
    clg_status st = walk(path, 0, &folders, error, size);
    const int64_t before = f->paths.n;
    sort(&folders);
    for (int64_t i = 0; i < folders.n && st >= 0; i++) {
        names below = { 0 }, images = { 0 };
        st = list(folders.at[i], false, &below, &images, error, size);
        sort(&images);
        for (int64_t k = 0; k < images.n && st >= 0; k++) {
            if (!add(&f->paths, "", images.at[k]))
                st = clg__text(error, size, CLG_ENOMEM, "%s: out of host memory", path);
        }
        drop(&below);
        drop(&images);
    }
    drop(&folders);
    if (st < 0)
        return st;
    const int64_t n = f->paths.n;
    if (n == before)
        return clg__text(error, size, CLG_EFORMAT, "%s: a class without images (.png, .jpg, .jpeg)", path);
    int *labels = n <= MOST_IMAGES ? realloc(f->labels, (size_t) n * sizeof *labels) : NULL;
    if (!labels)
        return clg__text(error, size, CLG_ENOMEM, "%s: out of host memory", path);
    f->labels = labels;
    for (int64_t i = before; i < n; i++)
        labels[i] = label;
    return CLG_OK;
}

clg_status clg_image_folder_open(clg_image_folder *out, const char *path, char *error, size_t error_size)
{
    if (out)
        *out = NULL;
    if (!out || !path)
        return clg__text(error, error_size, CLG_EINVAL, "%s: NULL", path ? path : "image folder");
    clg_image_folder f = calloc(1, sizeof *f);
    if (!f)
        return clg__text(error, error_size, CLG_ENOMEM, "%s: out of host memory", path);
    clg_status st = list(path, false, &f->classes, NULL, error, error_size);
    sort(&f->classes);
    if (st >= 0 && f->classes.n == 0)
        st = clg__text(error, error_size, CLG_EFORMAT, "%s: has no folders, expected one for each class", path);
    for (int i = 0; i < f->classes.n && st >= 0; i++) {
        char full[4400];
        if (snprintf(full, sizeof full, "%s/%s", path, f->classes.at[i]) >= (int) sizeof full)
            st = clg__text(error, error_size, CLG_EIO, "%.200s...: the path is too long", path);
        else
            st = add_class(f, full, i, error, error_size);
    }
    if (st < 0)
        clg_image_folder_close(&f);
    *out = f;
    return st;
}

static bool fill(clg_image_folder f, const char *const *paths, const int *labels, int64_t n,
                 const char *const *classes, int n_classes)
{
    f->labels = calloc((size_t) n, sizeof *f->labels);
    bool ok = f->labels != NULL;
    for (int i = 0; i < n_classes && ok; i++)
        ok = add(&f->classes, "", classes[i]);
    for (int64_t i = 0; i < n && ok; i++)
        ok = add(&f->paths, "", paths[i]);
    if (ok && labels)
        memcpy(f->labels, labels, (size_t) n * sizeof *labels);
    return ok;
}

clg_status clg_image_folder_create(clg_image_folder *out, const char *const *paths, const int *labels, int64_t n,
                                   const char *const *classes, int n_classes, char *error, size_t error_size)
{
    if (out)
        *out = NULL;
    const char *wrong = !out || !classes || !paths                  ? "NULL"
                        : n < 1 || n > MOST_IMAGES || n_classes < 1 ? "a number is out of range"
                                                                    : NULL;
    for (int i = 0; i < n_classes && !wrong; i++)
        wrong = classes[i] ? NULL : "the name of a class is NULL";
    for (int64_t i = 0; i < n && !wrong; i++)
        wrong = !paths[i]                                              ? "a path is NULL"
                : labels && (labels[i] < 0 || labels[i] >= n_classes) ? "a label is no class"
                                                                      : NULL;
    if (wrong)
        return clg__text(error, error_size, CLG_EINVAL, "image folder: %s", wrong);
    clg_image_folder f = calloc(1, sizeof *f);
    if (!f || !fill(f, paths, labels, n, classes, n_classes)) {
        clg_image_folder_close(&f);
        return clg__text(error, error_size, CLG_ENOMEM, "image folder: out of host memory");
    }
    *out = f;
    return CLG_OK;
}

void clg_image_folder_close(clg_image_folder *f)
{
    if (!f || !*f)
        return;
    drop(&(*f)->classes);
    drop(&(*f)->paths);
    free((*f)->labels);
    free(*f);
    *f = NULL;
}

int64_t clg_image_folder_count(clg_image_folder f)
{
    return f ? f->paths.n : 0;
}

int clg_image_folder_classes(clg_image_folder f)
{
    return f ? (int) f->classes.n : 0;
}

const char *clg_image_folder_class(clg_image_folder f, int i)
{
    return f && i >= 0 && i < f->classes.n ? f->classes.at[i] : NULL;
}

const char *clg_image_folder_path(clg_image_folder f, int64_t i, int *label)
{
    if (!f || i < 0 || i >= f->paths.n)
        return NULL;
    if (label)
        *label = f->labels[i];
    return f->paths.at[i];
}
