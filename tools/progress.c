// SPDX-License-Identifier: MIT
// The progress bar: on stderr, on a terminal only, never wider than it.
#include "training.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDEST = 100, NARROWEST = 20 };

static int terminal_width(void)
{
#ifdef TIOCGWINSZ
    struct winsize w;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
        return w.ws_col;
#endif
    return 80;
}

// The last column stays free: some terminals wrap there.
static void CLG_PRINTF(1, 2) show(const char *format, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    fprintf(stderr, "\r%.*s\033[K", terminal_width() - 1, text);
    fflush(stderr);
}

void progress_open(progress *p)
{
    const char *term = getenv("TERM");
    p->on = isatty(STDERR_FILENO) && !(term && strcmp(term, "dumb") == 0);
}

void progress_clear(progress *p)
{
    if (p->on && p->shown > 0)
        fprintf(stderr, "\r\033[K");
    p->shown = 0;
}

// "left[#####.....] right", as wide as the terminal
static void bar(progress *p, const char *left, double share, const char *right)
{
    char line[WIDEST + 1];
    const int columns = terminal_width() - 1;
    int n = (columns < WIDEST ? columns : WIDEST) - (int) (strlen(left) + strlen(right)) - 3;
    p->shown = now_seconds();
    if (n < NARROWEST / 2) {
        show("%s%s", left, right);
        return;
    }
    for (int i = 0; i < n; i++)
        line[i] = i < (int) (share * n + 0.5) ? '#' : '.';
    line[n] = '\0';
    show("%s[%s] %s", left, line, right);
}

static void epoch_bar(progress *p, const training *t, long epoch, double share, const char *right)
{
    char left[64];
    snprintf(left, sizeof left, "epoch %ld/%ld ", epoch, t->o.epochs);
    bar(p, left, share, right);
}

// Drivers that have compiled all of it before are too quick for a bar to be read.
void progress_compiling(progress *p, int done, int all)
{
    if (p->on && (done == 0 || now_seconds() - p->shown > 0.05))
        bar(p, "compiling kernels ", (double) done / (double) (all > 0 ? all : 1), "slow the first time only");
}

void progress_looking(progress *p, int64_t done, int64_t all)
{
    if (p->on && (p->shown == 0 || now_seconds() - p->shown > 0.1))
        bar(p, "looking at pictures ", (double) done / (double) all, "the first time only");
}

void progress_step(progress *p, const training *t, double loss)
{
    const double now = now_seconds();
    const long k = (t->step - 1) % t->per_epoch + 1, epoch = (t->step - 1) / t->per_epoch + 1;
    if (p->from_step < 0 || p->from_step >= t->step) { // the first step compiles: it says nothing
        p->from = now;
        p->from_step = t->step;
    }
    if (!p->on || (now - p->shown < 0.1 && k != t->per_epoch))
        return;
    char right[96] = "";
    const long steps = t->step - p->from_step;
    if (steps > 0 && now > p->from) {
        const double each = (now - p->from) / (double) steps;
        const double left = each * (double) (t->o.epochs * t->per_epoch - t->step) +
                            p->test_seconds * (double) (t->o.epochs - epoch + 1);
        snprintf(right, sizeof right, "loss %.3f  %.0f images/s  %ld:%02ld left", loss,
                 (double) t->d->batch / each, (long) left / 60, (long) left % 60);
    }
    epoch_bar(p, t, epoch, (double) k / (double) t->per_epoch, right);
}

void progress_test(progress *p, const training *t, int64_t done)
{
    char right[96];
    const int64_t n = t->d->test_n;
    if (!p->on || (now_seconds() - p->shown < 0.1 && done != 0 && done != n))
        return;
    snprintf(right, sizeof right, "testing %lld/%lld", (long long) done, (long long) n);
    epoch_bar(p, t, t->step / t->per_epoch, (double) done / (double) n, right);
}
