// SPDX-License-Identifier: MIT
// The command line against a command's description.
#include "command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int usage_error(const char *name, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fprintf(stderr, "clgrad%s%s: ", *name ? " " : "", name);
    vfprintf(stderr, format, ap);
    fprintf(stderr, "\nTry: clgrad%s%s --help\n", *name ? " " : "", name);
    va_end(ap);
    return EXIT_USAGE;
}

bool parse_int(const char *text, long lo, long hi, long *out)
{
    char *end;
    errno = 0;
    const long v = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || errno || v < lo || v > hi)
        return false;
    *out = v;
    return true;
}

bool parse_double(const char *text, double lo, double hi, double *out)
{
    char *end;
    const double v = strtod(text, &end);
    if (*text == '\0' || *end != '\0' || !(v >= lo && v <= hi))
        return false;
    *out = v;
    return true;
}

// ---- the nearest word

enum { LONGEST = 40 };

// Letters to put in, take out, replace or swap (Damerau and Levenshtein, neighbours once).
static int distance(const char *a, const char *b)
{
    int row[3][LONGEST + 1];
    const int n = (int) strlen(a), m = (int) strlen(b);
    if (n > LONGEST || m > LONGEST)
        return LONGEST;
    for (int i = 0; i <= n; i++) {
        int *now = row[i % 3];
        const int *above = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        now[0] = i;
        for (int k = 1; k <= m; k++) {
            if (i == 0) {
                now[k] = k;
                continue;
            }
            int d = above[k - 1] + (a[i - 1] != b[k - 1]);
            d = above[k] + 1 < d ? above[k] + 1 : d;
            d = now[k - 1] + 1 < d ? now[k - 1] + 1 : d;
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1] && before[k - 2] + 1 < d)
                d = before[k - 2] + 1;
            now[k] = d;
        }
    }
    return row[n % 3][m];
}

typedef struct search {
    const char *to, *found;
    int least;
} search;

// Near is what is one of three letters apart at most, or goes on where the other ends.
static void consider(search *s, const char *word)
{
    const size_t n = strlen(s->to), m = strlen(word);
    int d = distance(s->to, word);
    if (n > 2 && strncmp(s->to, word, n) == 0)
        d = d > 1 ? 1 : d;
    if (d < s->least && 3 * d <= (int) (n > m ? n : m)) {
        s->least = d;
        s->found = word;
    }
}

const char *nearest(const char *to, word_list *list)
{
    search s = { .to = to, .least = LONGEST };
    for (int i = 0; list && list(i); i++)
        consider(&s, list(i));
    return s.found;
}

static const char *nearest_option(const description *c, const char *name)
{
    search s = { .to = name, .least = LONGEST };
    for (const option *o = c->options; o && o->kind != OPTION_END; o++) {
        if (o->name)
            consider(&s, o->name);
    }
    consider(&s, "--help");
    return s.found;
}

// ---- reading

typedef struct reading {
    const description *c;
    char **argv;
    int argc, at; // of the word that is read
    char *options;
    arguments w;
} reading;

static int take_one(reading *r, const option *o, const char *text)
{
    char all[400] = "";
    for (int i = 0; o->choice(i); i++) {
        if (strcmp(o->choice(i), text) == 0) {
            *(const char **) (void *) (r->options + o->at) = o->choice(i);
            return EXIT_OK;
        }
        const size_t n = strlen(all);
        snprintf(all + n, sizeof all - n, "%s%s", i ? ", " : "", o->choice(i));
    }
    return usage_error(r->c->name, "%s '%s': there is %s", o->name, text, all);
}

static int take(reading *r, const option *o, const char *text)
{
    void *to = r->options + o->at;
    if (*text == '\0')
        return usage_error(r->c->name, "%s needs a value%s%s", o->name, o->value ? ": " : "", o->value ? o->value : "");
    if (o->kind == OPTION_ONE)
        return take_one(r, o, text);
    if (o->kind == OPTION_TEXT)
        *(const char **) to = text;
    else if (o->kind == OPTION_WHOLE && !parse_int(text, (long) o->lo, (long) o->hi, to))
        return usage_error(r->c->name, "%s '%s': expected a whole number from %.0f to %.0f", o->name, text, o->lo, o->hi);
    else if (o->kind == OPTION_REAL && !parse_double(text, o->lo, o->hi, to))
        return usage_error(r->c->name, "%s '%s': expected a number from %g to %g", o->name, text, o->lo, o->hi);
    return EXIT_OK;
}

static int read_option(reading *r, const char *word)
{
    const size_t n = strcspn(word, "=");
    for (const option *o = r->c->options; o && o->kind != OPTION_END; o++) {
        if (!o->name || strlen(o->name) != n || strncmp(word, o->name, n) != 0)
            continue;
        r->w.given[o - r->c->options] = true;
        if (o->kind == OPTION_FLAG) {
            if (word[n] == '=')
                return usage_error(r->c->name, "%s takes no value", o->name);
            *(bool *) (r->options + o->at) = true;
            return EXIT_OK;
        }
        if (word[n] == '=')
            return take(r, o, word + n + 1);
        const bool there = r->at + 1 < r->argc && strncmp(r->argv[r->at + 1], "--", 2) != 0;
        return take(r, o, there ? r->argv[++r->at] : "");
    }
    char name[LONGEST + 1];
    snprintf(name, sizeof name, "%.*s", (int) n, word);
    const char *near = nearest_option(r->c, name);
    return usage_error(r->c->name, near ? "no option '%s'; there is %s" : "no option '%s'", word, near);
}

static int read_words(reading *r)
{
    bool only_words = false; // after "--"
    for (r->at = 1; r->at < r->argc; r->at++) {
        const char *word = r->argv[r->at];
        int code = EXIT_OK;
        if (!only_words && strcmp(word, "--") == 0)
            only_words = true;
        else if (!only_words && word[0] == '-' && word[1])
            code = read_option(r, word);
        else if (r->c->words != WORDS_ANY && r->w.n == r->c->words)
            code = usage_error(r->c->name, "unexpected '%s'", word);
        else
            r->w.word[r->w.n++] = word;
        if (code != EXIT_OK)
            return code;
    }
    return EXIT_OK;
}

int command_run(const description *c, int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            command_help(stdout, c);
            return EXIT_OK;
        }
    }
    reading r = { .c = c, .argv = argv, .argc = argc, .options = calloc(1, c->size + 1) };
    r.w.word = calloc((size_t) argc + 1, sizeof *r.w.word);
    int code = EXIT_FAILED;
    if (r.options && r.w.word) {
        if (c->normal)
            memcpy(r.options, c->normal, c->size);
        code = read_words(&r);
        if (code == EXIT_OK)
            code = c->run(r.options, &r.w);
    } else {
        fprintf(stderr, "clgrad %s: out of memory\n", c->name);
    }
    free(r.options);
    free(r.w.word);
    return code;
}
