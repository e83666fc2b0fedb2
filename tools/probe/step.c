// SPDX-License-Identifier: MIT
// step: runs a command under a limit of time and writes down what became of it, whatever that is.
#include "probe.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TAIL = 1 << 18 };

static void help(void)
{
    printf("usage: step --into FILE --name NAME --limit SECONDS [--group G] [--data FILE] -- COMMAND...\n\n"
           "Run the command, at most so long, and write a JSON object about it to FILE: outcome (ok,\n"
           "failed, skipped, crashed, late), exit code, seconds, the end of its output, and under\n"
           "\"data\" the JSON that it printed or wrote to --data. Exit status 0 whatever happened to\n"
           "the command; 1 when FILE cannot be written.\n");
}

static const char *outcome_of(int code)
{
    return code == 0 ? "ok" : code == PROBE_NOT_HERE ? "skipped" : code == -1 ? "late" : code >= 128 ? "crashed" : "failed";
}

// JSON needs UTF-8; a compiler's output may be cut in the middle of a character.
static json_t *text_of(char *s)
{
    json_t *t = json_string(s);
    for (char *c = s; !t && *c; c++) {
        if ((unsigned char) *c >= 128)
            *c = '?';
    }
    return t ? t : json_string(s);
}

static bool write_whole(const char *path, const json_t *o)
{
    char temporary[4096];
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    char *text = json_dumps(o, JSON_INDENT(2));
    const int fd = text ? open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0644) : -1;
    const size_t n = text ? strlen(text) : 0;
    bool ok = fd >= 0 && write(fd, text, n) == (ssize_t) n && fsync(fd) == 0;
    if (fd >= 0)
        ok = close(fd) == 0 && ok;
    free(text);
    return ok && rename(temporary, path) == 0;
}

int main(int argc, char **argv)
{
    const char *into = NULL, *name = NULL, *group = "", *data = NULL;
    double limit = 60;
    int i = 1;
    for (; i + 1 < argc && strcmp(argv[i], "--") != 0; i += 2) {
        const char *o = argv[i], *v = argv[i + 1];
        if (strcmp(o, "--into") == 0)
            into = v;
        else if (strcmp(o, "--name") == 0)
            name = v;
        else if (strcmp(o, "--group") == 0)
            group = v;
        else if (strcmp(o, "--data") == 0)
            data = v;
        else if (strcmp(o, "--limit") == 0)
            limit = atof(v);
        else
            i = argc;
    }
    if (!into || !name || i + 1 >= argc) {
        help();
        return 2;
    }
    char *tail = malloc(TAIL);
    if (!tail)
        return 1;
    const double from = probe_now();
    const int code = child_run(argv + i + 1, limit, tail, TAIL);
    const double seconds = probe_now() - from;
    json_t *found = data ? json_load_file(data, 0, NULL) : json_loads(tail, 0, NULL);
    json_t *o = json_pack("{s:s, s:s, s:s, s:i, s:f, s:f}", "name", name, "group", group, "outcome", outcome_of(code),
                          "code", code, "seconds", seconds, "limit", limit);
    if (found)
        json_object_set_new(o, "data", found);
    if (!found || data)
        json_object_set_new(o, "output", text_of(tail));
    const bool ok = write_whole(into, o);
    printf("%-8s %7.1f s  %s\n", outcome_of(code), seconds, name);
    json_decref(o);
    free(tail);
    return ok ? 0 : 1;
}
