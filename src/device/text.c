// SPDX-License-Identifier: MIT
// The text of a kernel file with what it includes, from the library or from CLGRAD_CL_DIR.
#include "device/internal.h"

#include "base/file.h"
#include "base/format.h"
#include "device/kernels.h"

#include <stdio.h>
#include <string.h>

static bool read_disk(const char *folder, const char *name, clg__str *out)
{
    char path[1024], chunk[4096];
    size_t n;
    clg__format(path, sizeof path, "%s/%s", folder, name);
    FILE *f = clg__open_stream(path);
    if (!f)
        return false;
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        clg__str_add_n(out, chunk, n);
    const bool ok = !ferror(f);
    fclose(f);
    return ok;
}

static bool add_file(clg__str *out, const char *folder, const char *name, int depth, clg__err *e);

// The name that stands behind `word` in a line: up to `close`, or as long as there are letters.
static bool name_after(const char *line, const char *word, char close, char name[128])
{
    const size_t skip = strlen(word);
    size_t n = 0;
    if (strncmp(line, word, skip) != 0)
        return false;
    line += skip + (close ? 0 : strspn(line + skip, " \t"));
    while (n < 127 && line[n] && line[n] != '\n' &&
           (close ? line[n] != close : clg__is_letter(line[n]) || clg__is_digit(line[n]) || line[n] == '_'))
        n++;
    memcpy(name, line, n);
    name[n] = '\0';
    return n > 0 && (!close || line[n] == close);
}

// Copy text of a file, NULL: of none, replacing #include "x.clh" by the file.
static bool add_text(clg__str *out, const char *folder, const char *file, const char *text, int depth,
                     clg__err *e)
{
    if (file)
        clg__str_printf(out, "#line 1 \"cl/%s\"\n", file);
    for (int line = 1; *text; line++) {
        const char *end = strchr(text, '\n');
        const size_t n = end ? (size_t) (end - text) + 1 : strlen(text);
        char name[128];
        if (name_after(text, "#include \"", '"', name)) {
            if (depth > 8)
                return clg__fail(e, CLG_EBUILD, "kernel files include each other: %s", name) == 0;
            if (!add_file(out, folder, name, depth + 1, e))
                return false;
            clg__str_add(out, "\n");
            if (file)
                clg__str_printf(out, "#line %d \"cl/%s\"\n", line + 1, file);
        } else {
            clg__str_add_n(out, text, n);
        }
        text += n;
    }
    return true;
}

static bool add_file(clg__str *out, const char *folder, const char *name, int depth, clg__err *e)
{
    char full[140];
    clg__format(full, sizeof full, "%s%s", name, strchr(name, '.') ? "" : ".cl");
    if (folder) {
        clg__str disk = { 0 };
        const bool found = read_disk(folder, full, &disk);
        const bool ok = found && add_text(out, folder, full, clg__str_text(&disk), depth, e);
        clg__str_free(&disk);
        if (!found)
            clg__fail(e, CLG_EIO, "CLGRAD_CL_DIR: %s/%s cannot be read", folder, full);
        return ok;
    }
    for (const clg__kernel_source *s = clg__kernel_sources; s->name; s++) {
        if (strcmp(s->name, full) == 0)
            return add_text(out, folder, full, s->text, depth, e);
    }
    clg__fail(e, CLG_EBUILD, "kernel file %s is not part of this library", full);
    return false;
}

bool clg__add_file(clg__str *out, const char *folder, const char *name, clg__err *e)
{
    return add_file(out, folder, name, 0, e);
}

bool clg__add_text(clg__str *out, const char *folder, const char *text, clg__err *e)
{
    return add_text(out, folder, NULL, text, 0, e);
}

// Forget every macro of the instance: the next one defines its own.
void clg__add_undefs(clg__str *out, const char *text)
{
    for (const char *at = text; at && *at; at = strchr(at, '\n'), at += at != NULL) {
        char name[128];
        const char *p = at + strspn(at, " \t");
        if (*p == '#' && name_after(p + 1 + strspn(p + 1, " \t"), "define ", '\0', name))
            clg__str_printf(out, "#undef %s\n", name);
    }
}
