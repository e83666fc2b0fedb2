// SPDX-License-Identifier: MIT
// `clgrad man`: a command's description as a man page, in troff's man macros.
#include "pieces.h"

#include <clgrad/clgrad.h>

#include <ctype.h>
#include <string.h>

// Nothing of a text is a request, an escape or a typographer's sign.
static void escaped(FILE *out, const char *text, int n)
{
    for (int i = 0; i < n; i++) {
        switch (text[i]) {
        case '\\': fputs("\\e", out); break;
        case '-': fputs("\\-", out); break;
        case '\'': fputs("\\(aq", out); break;
        case '`': fputs("\\(ga", out); break;
        case '^': fputs("\\(ha", out); break;
        case '~': fputs("\\(ti", out); break;
        case '.': fputs(i == 0 ? "\\&." : ".", out); break;
        default: fputc(text[i], out);
        }
    }
}

static void escaped_all(FILE *out, const char *text)
{
    escaped(out, text, (int) strlen(text));
}

// Is it an operand's or a value's name? A letter alone is also a word.
static bool names_metavar(const description *c, const char *text, int n)
{
    for (const help_row *t = c->operands; n > 1 && t && t->name; t++) {
        if (is_metavar(t->name) && strlen(t->name) == (size_t) n && strncmp(text, t->name, (size_t) n) == 0)
            return true;
    }
    for (const option *o = c->options; n > 1 && o && o->kind != OPTION_END; o++) {
        if (o->value && strlen(o->value) == (size_t) n && strncmp(text, o->value, (size_t) n) == 0)
            return true;
    }
    return n == 6 && strncmp(text, "OPTION", 6) == 0;
}

// Bold where it is an option, slanted where it is a metavariable.
static void word(FILE *out, const description *c, const char *text, int n)
{
    int at = text[0] == '(' || text[0] == '[', end = at;
    const bool is_option = n - at > 2 && strncmp(text + at, "--", 2) == 0 && islower((unsigned char) text[at + 2]);
    while (end < n && (isalnum((unsigned char) text[end]) || text[end] == '-' || text[end] == '_'))
        end++;
    if (!is_option && !names_metavar(c, text + at, end - at)) {
        escaped(out, text, n);
        return;
    }
    escaped(out, text, at);
    fputs(is_option ? "\\fB" : "\\fI", out);
    escaped(out, text + at, end - at);
    fputs("\\fR", out);
    escaped(out, text + end, n - end);
}

static void print_text(FILE *out, const description *c, const char *text)
{
    const char *start;
    int n, column = 0;
    bool stays = false, sentence = false;
    for (piece_kind k; (k = next_piece(&text, &start, &n)) != PIECE_END;) {
        if (stays != (k == PIECE_LINE)) {
            stays = !stays;
            fputs(column ? "\n" : "", out);
            fputs(stays ? ".RS 4\n.nf\n" : ".fi\n.RE\n", out);
            column = 0;
        }
        if (k == PIECE_BREAK) {
            fputs(column ? "\n.PP\n" : ".PP\n", out);
            column = 0;
        } else if (k == PIECE_LINE) {
            escaped(out, start + strspn(start, " "), n - (int) strspn(start, " "));
            fputs("\n", out);
        } else {
            const bool breaks = column + n > 55 || sentence; // a new sentence has a new line, as troff likes it
            if (column)
                fputs(breaks ? "\n" : " ", out);
            column = breaks ? n : column + n + 1;
            word(out, c, start, n);
            sentence = start[n - 1] == '.';
        }
    }
    fputs(column ? "\n" : "", out);
    if (stays)
        fputs(".fi\n.RE\n", out);
}

static void print_terms(FILE *out, const description *c, const char *heading, const help_row *t)
{
    if (heading && t && t->name)
        fprintf(out, ".SH %s\n", heading);
    for (; t && t->name; t++) {
        fputs(is_metavar(t->name) ? ".TP\n\\fI" : ".TP\n\\fB", out);
        escaped_all(out, t->name);
        fputs("\\fR\n", out);
        print_text(out, c, t->text);
    }
}

static void print_options(FILE *out, const description *c)
{
    char text[1200];
    fputs(".SH OPTIONS\n", out);
    for (const option *o = c->options; o && o->kind != OPTION_END; o++) {
        if (o->kind == OPTION_PART) {
            fputs(".SS ", out);
            escaped_all(out, o->text);
            fputs("\n", out);
            continue;
        }
        fputs(".TP\n\\fB", out);
        escaped_all(out, o->name);
        fputs("\\fR", out);
        if (o->value) {
            fputs(" \\fI", out);
            escaped_all(out, o->value);
            fputs("\\fR", out);
        }
        fputs("\n", out);
        print_text(out, c, option_text(c, o, text, sizeof text));
    }
    fputs(".TP\n\\fB\\-\\-help\\fR\nprint a page of help\n", out);
}

static void print_usage(FILE *out, const description *c)
{
    fputs(".SH SYNOPSIS\n.nf\n", out);
    for (int i = 0; c->usage[i]; i++) {
        fprintf(out, "\\fBclgrad%s%s\\fR ", *c->name ? " " : "", c->name);
        const char *text = c->usage[i], *start;
        int n;
        for (bool first = true; next_piece(&text, &start, &n) == PIECE_WORD; first = false) {
            fputs(first ? "" : " ", out);
            word(out, c, start, n);
        }
        fputs("\n", out);
    }
    fputs(".fi\n", out);
}

static void print_commands(FILE *out, const description *c)
{
    fputs(".SH COMMANDS\n", out);
    for (int i = 0; commands[i]; i++) {
        fprintf(out, ".TP\n\\fBclgrad %s\\fR\n", commands[i]->name);
        print_text(out, c, commands[i]->summary);
    }
}

static void print_examples(FILE *out, const description *c)
{
    const help_row *t = c->examples;
    if (t && t->name)
        fputs(".SH EXAMPLES\n", out);
    for (; t && t->name; t++) {
        fputs(".TP\n\\fB", out);
        escaped_all(out, t->name);
        fputs("\\fR\n", out);
        if (t->text)
            print_text(out, c, t->text);
        else
            fputs("\\&\n", out);
    }
}

static void print_see_also(FILE *out, const description *c)
{
    fputs(".SH SEE ALSO\n", out);
    if (!c->is_tool)
        fputs(".BR clgrad (1),\n", out);
    for (int i = 0; commands[i]; i++) {
        bool last = !commands[i + 1] || (commands[i + 1] == c && !commands[i + 2]);
        if (commands[i] != c)
            fprintf(out, ".BR clgrad\\-%s (1)%s\n", commands[i]->name, last ? "" : ",");
    }
}

static const char written[] = "2026-11-28"; // a page has a date, that of its texts

static void man_page(FILE *out, const description *c)
{
    char title[40] = "CLGRAD";
    for (size_t i = 0; *c->name && i <= strlen(c->name) && i < 30; i++)
        title[7 + i] = (char) toupper((unsigned char) c->name[i]);
    title[6] = *c->name ? '-' : '\0';
    fputs(".TH ", out);
    escaped_all(out, title);
    fprintf(out, " 1 \"%s\" \"clgrad %s\" \"User Commands\"\n.SH NAME\nclgrad%s%s \\- ", written, clg_version(),
            *c->name ? "\\-" : "", c->name);
    escaped_all(out, c->summary);
    fputs("\n", out);
    print_usage(out, c);
    fputs(".SH DESCRIPTION\n", out);
    print_text(out, c, c->about);
    print_terms(out, c, NULL, c->operands);
    if (c->is_tool)
        print_commands(out, c);
    print_options(out, c);
    print_terms(out, c, "RESULTS", c->results);
    if (c->notes) {
        fputs(".SH NOTES\n", out);
        print_text(out, c, c->notes);
    }
    fputs(".SH EXIT STATUS\n0 done, 1 failed, 2 not understood, 130 interrupted.\n", out);
    print_examples(out, c);
    print_see_also(out, c);
}

// ---- the command

static int run(void *options, const arguments *w)
{
    (void) options;
    const description *c = w->n == 0 ? &tool_command : command_find(w->word[0]);
    if (!c) {
        const char *near = nearest(w->word[0], command_choice);
        return usage_error("man", near ? "no command '%s'; there is %s" : "no command '%s'", w->word[0], near);
    }
    man_page(stdout, c);
    return EXIT_OK;
}

const description man_command = {
    .name = "man",
    .summary = "print a command's man page",
    .usage = (const char *const[]) { "[COMMAND]", NULL },
    .about = "Print the man page of clgrad, or of one of its commands, as troff. Installed pages are read with\n"
             " man clgrad-train",
    .operands = (const help_row[]) { { "COMMAND", "one of those that clgrad help lists", command_choice }, { 0 } },
    .examples = (const help_row[]) { { "clgrad man train | man -l -", "read it without installing it" }, { 0 } },
    .words = 1,
    .run = run,
};
