// SPDX-License-Identifier: MIT
// Programs that processes have compiled before, so that none is started to do it again: what a driver's cache holds
// cannot be asked. A file of 16 bytes each, which may be wrong: only time is lost then.
#include "device/internal.h"

#include "base/alloc.h"
#include "base/env.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MARK = 16, MOST_BYTES = 1 << 20 };

void clg__known_open(clg__gpu *g, const char *folder)
{
    static const char name[] = "/compiled";
    const size_t n = folder ? strlen(folder) : 0;
    g->known_file = folder ? clg__malloc(n + sizeof name) : NULL;
    if (!g->known_file)
        return;
    memcpy(g->known_file, folder, n);
    memcpy(g->known_file + n, name, sizeof name);
}

// Of the program, of what compiles it, and of where the driver keeps it. false: out of memory
static bool mark_of(const clg__gpu *g, const clg__str *program, char mark[MARK])
{
    const char *folder = clg__env_of_system("POCL_CACHE_DIR");
    char hex[33];
    clg__str id = { 0 };
    clg__str_printf(&id, "%s|%s|%s|%s|", clg_version(), g->identity, g->options, folder ? folder : "");
    clg__str_add_n(&id, program->text, program->length);
    clg__hash_hex(clg__str_text(&id), id.length, hex);
    const bool ok = !id.failed;
    clg__str_free(&id);
    memcpy(mark, hex, MARK);
    return ok;
}

bool clg__known_has(const clg__gpu *g, const clg__str *program)
{
    char mark[MARK], part[256 * MARK];
    size_t n;
    bool found = false;
    if (!g->known_file || !mark_of(g, program, mark))
        return false;
    FILE *f = clg__open_stream(g->known_file);
    while (f && !found && (n = fread(part, MARK, sizeof part / MARK, f)) > 0) {
        for (size_t i = 0; i < n && !found; i++)
            found = memcmp(part + i * MARK, mark, MARK) == 0;
    }
    if (f)
        fclose(f);
    return found;
}

void clg__known_add(const clg__gpu *g, const clg__str *program)
{
    char mark[MARK];
    struct stat st;
    if (!g->known_file || !mark_of(g, program, mark))
        return;
    const int fd = clg__open(g->known_file, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK, 0600);
    if (fd < 0)
        return;
    // whole marks alone, in a file of ordinary size: else it begins anew
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
        ((st.st_size >= MOST_BYTES || st.st_size % MARK != 0) && ftruncate(fd, 0) != 0) ||
        write(fd, mark, MARK) != MARK)
        clg__log(CLG__LOG_BUILD, "%s cannot be written", g->known_file);
    close(fd);
}
