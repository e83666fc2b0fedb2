// SPDX-License-Identifier: MIT
// clgrad show: what is in files of arrays and images.
#include "../tool.h"
#include "page.h"
#include "picture.h"

#include <fnmatch.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

typedef struct show_options {
    const char *name, *out;
    bool json, values;
} show_options;

// Does the locale of the user have letters of Unicode? The process keeps its own.
static bool has_blocks(void)
{
    const locale_t l = newlocale(LC_CTYPE_MASK, "", (locale_t) 0);
    const bool has = l && strcmp(nl_langinfo_l(CODESET, l), "UTF-8") == 0;
    if (l)
        freelocale(l);
    return has;
}

static int fail(const char *message)
{
    fflush(stdout); // in the order in which it happened
    fprintf(stderr, "clgrad show: ");
    print_clean(stderr, message, 2000);
    fprintf(stderr, "\n");
    return EXIT_FAILED;
}

static bool chosen(const show_options *o, const char *name)
{
    return !o->name || fnmatch(o->name, name, 0) == 0;
}

// The picture of the only array, or a row of that of all.
static int draw(const show_options *o, const source *s, const shown *a, const numbers *n, overview *all)
{
    char error[SOURCE_ERROR];
    if (all)
        overview_add(all, a, n);
    else if (!picture_of_array(o->out, a, n, s->kind, error, sizeof error))
        return fail(error);
    return EXIT_OK;
}

// all: NULL where one array is wanted.
static int show_arrays(page *p, const show_options *o, source *s, overview *all)
{
    char error[SOURCE_ERROR];
    numbers n;
    int code = EXIT_OK;
    for (int i = 0; i < s->count; i++) {
        shown a;
        if (!chosen(o, source_name(s, i)))
            continue;
        if (!source_get(s, i, &a, error)) {
            code = fail(error);
            continue;
        }
        memset(&n, 0, sizeof n);
        if (a.known)
            numbers_of(&a, PAGE_BINS, &n);
        if (p->json)
            json_array_of(p, &a, &n);
        else
            page_array(p, &a, &n);
        if (o->out && draw(o, s, &a, &n, all) != EXIT_OK)
            code = EXIT_FAILED;
        if (!flush_output("show"))
            return EXIT_FAILED;
    }
    return code;
}

static int show_file(page *p, const show_options *o, const char *path)
{
    char error[SOURCE_ERROR];
    source s;
    int code = EXIT_FAILED, found = 0;
    if (!source_open(&s, path, error)) {
        source_close(&s);
        return fail(error);
    }
    for (int i = 0; i < s.count; i++)
        found += chosen(o, source_name(&s, i));
    if (found == 0 && o->name) {
        snprintf(error, sizeof error, "%.900s: no array is named like '%.300s'", path, o->name);
        code = fail(error);
    } else {
        (p->json ? json_file : page_file)(p, path, &s);
        overview *all = o->out && found != 1 ? calloc(1, sizeof *all) : NULL;
        if (o->out && found != 1 && !all)
            code = fail("out of memory");
        else
            code = show_arrays(p, o, &s, all);
        if (all && code == EXIT_OK && !picture_of_all(o->out, path, all, error, sizeof error))
            code = fail(error);
        free(all);
        if (p->json)
            json_file_end(p);
    }
    source_close(&s);
    return code;
}

static int run(void *options, const arguments *w)
{
    const show_options *o = options;
    page p = { .out = stdout, .blocks = has_blocks(), .values = o->values, .json = o->json };
    int code = EXIT_OK;
    if (w->n == 0)
        return usage_error("show", "which files?");
    if (o->out && w->n > 1)
        return usage_error("show", "--out is of one file");
    const size_t n = o->out ? strlen(o->out) : 0;
    if (o->out && (n < 5 || strcmp(o->out + n - 4, ".png") != 0))
        return usage_error("show", "--out '%s': expected a name that ends in .png", o->out);
    for (int i = 0; i < w->n; i++) {
        if (show_file(&p, o, w->word[i]) != EXIT_OK)
            code = EXIT_FAILED;
    }
    if (o->json)
        json_end(&p);
    return code;
}

const description show_command = {
    .name = "show",
    .summary = "show what is in tensors, images and checkpoints",
    .usage = (const char *const[]) { "FILE... [OPTION...]", NULL },
    .about = "Show the arrays in files, each with its type and shape, the range, mean, standard deviation, a histogram "
             "between its ends, and its first elements as NumPy prints them. What kind of file it is follows from "
             "what is in it.",
    .operands = (const help_row[]) {
        { "FILE", ".npy, .npz, safetensors, PNG, JPEG (turned as its EXIF data say), IDX (gzip too), or a binary file "
                  "of CIFAR", NULL },
        { 0 },
    },
    .options = (const option[]) {
        { "--name", OPTION_TEXT, offsetof(show_options, name), "GLOB",
          "only arrays with such a name: * stands for any text, ? for a letter" },
        { "--out", OPTION_TEXT, offsetof(show_options, out), "FILE.png",
          "write a picture too: an image; tiles of planes and filters, a matrix as colours, a vector as bars; of many "
          "arrays a row each with histogram and numbers" },
        { "--values", OPTION_FLAG, offsetof(show_options, values), NULL, "print all elements" },
        { "--json", OPTION_FLAG, offsetof(show_options, json), NULL,
          "print as JSON: an object for each file; what is not finite is a text (\"nan\", \"inf\", \"-inf\")" },
        { 0 },
    },
    .notes = "Numbers are computed in double precision, of the finite elements; zeros, NaN and infinities are counted. "
             "std is that of all elements, not of a sample. A file is in memory once while it is shown, of an .npz "
             "the packed file and one array; the rest takes a few hundred KB whatever the size.",
    .examples = (const help_row[]) {
        { "clgrad show run/model.safetensors", "a checkpoint of clgrad train" },
        { "clgrad show model.safetensors --name '*.weight'", "some of it" },
        { "clgrad show model.safetensors --name conv1.weight --out filters.png", NULL },
        { "clgrad show x.npy --values", "all elements" },
        { 0 },
    },
    .size = sizeof(show_options),
    .words = WORDS_ANY,
    .run = run,
};
