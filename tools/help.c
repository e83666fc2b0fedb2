// SPDX-License-Identifier: MIT
// `clgrad help`: a command's description as a page of text, 79 columns wide.
#include "pieces.h"

#include <ctype.h>
#include <string.h>

enum { WIDTH = 79, LEFT_MOST = 18 };

bool is_metavar(const char *word)
{
    return isupper((unsigned char) word[0]) || word[0] == '[';
}

completes value_completes(const char *metavar, word_list *choice)
{
    if (choice)
        return COMPLETES_WORDS;
    if (metavar && (strstr(metavar, "FILE") || strstr(metavar, "PICTURE")))
        return COMPLETES_FILES;
    return metavar && strstr(metavar, "DIR") ? COMPLETES_FOLDERS : COMPLETES_NOTHING;
}

const char *option_text(const description *c, const option *o, char *to, size_t size)
{
    const char *normal = (const char *) c->normal, *text = o->otherwise;
    char number[40] = "";
    if (!text && normal && (o->kind == OPTION_TEXT || o->kind == OPTION_ONE))
        text = *(const char *const *) (normal + o->at);
    else if (!text && normal && o->kind == OPTION_WHOLE && (double) *(const long *) (normal + o->at) >= o->lo)
        snprintf(number, sizeof number, "%ld", *(const long *) (normal + o->at));
    else if (!text && normal && o->kind == OPTION_REAL && *(const double *) (normal + o->at) >= o->lo)
        snprintf(number, sizeof number, "%g", *(const double *) (normal + o->at));
    if (*number)
        text = number;
    snprintf(to, size, text ? "%s (default %s)" : "%s", o->text, text);
    return to;
}

// One after another: words, lines that stay, ends of paragraphs.
piece_kind next_piece(const char **at, const char **start, int *n)
{
    const char *p = *at;
    if (p[0] == '\n' && p[1] == '\n') {
        *at = p + 2;
        return PIECE_BREAK;
    }
    if (*p == '\n')
        p++;
    else
        p += strspn(p, " ");
    if (!*p)
        return PIECE_END;
    const bool stays = *p == ' ';
    *start = p;
    *n = (int) strcspn(p, stays ? "\n" : " \n");
    *at = p + *n;
    return stays ? PIECE_LINE : PIECE_WORD;
}

// From column `column` on, further lines at `indent`; ends the line.
static void fill(FILE *out, const char *text, int indent, int column)
{
    const char *start;
    int n;
    bool first = true;
    for (piece_kind k; (k = next_piece(&text, &start, &n)) != PIECE_END;) {
        if (k == PIECE_BREAK) {
            fprintf(out, "\n\n%*s", indent, "");
            first = true;
            column = indent;
        } else if (k == PIECE_LINE) {
            if (!first)
                fprintf(out, "\n%*s", indent, "");
            fprintf(out, " %.*s", n, start);
            first = false;
            column = WIDTH;
        } else {
            if (!first && column + 1 + n > WIDTH) {
                fprintf(out, "\n%*s", indent, "");
                column = indent;
                first = true;
            }
            fprintf(out, "%s%.*s", first ? "" : " ", n, start);
            column += n + !first;
            first = false;
        }
    }
    fprintf(out, "\n");
}

static int left_column(int most, const char *name, const char *value)
{
    const int n = (int) strlen(name) + (value ? 1 + (int) strlen(value) : 0);
    return n > most && n <= LEFT_MOST ? n : most;
}

static void row(FILE *out, int left, const char *name, const char *value, const char *text)
{
    const int n = fprintf(out, "  %s%s%s", name, value ? " " : "", value ? value : "");
    const int column = left + 4;
    if (n + 2 > column)
        fprintf(out, "\n%*s", column, "");
    else
        fprintf(out, "%*s", column - n, "");
    fill(out, text, column, column);
}

static void print_terms(FILE *out, const char *heading, const help_row *t)
{
    int left = 0;
    for (const help_row *k = t; k && k->name; k++)
        left = left_column(left, k->name, NULL);
    if (t && t->name)
        fprintf(out, "\n%s", heading);
    for (; t && t->name; t++)
        row(out, left, t->name, NULL, t->text);
}

static void print_options(FILE *out, const description *c)
{
    char text[1200];
    int left = left_column(0, "--help", NULL);
    bool parts = false;
    for (const option *o = c->options; o && o->kind != OPTION_END; o++) {
        if (o->name)
            left = left_column(left, o->name, o->value);
    }
    for (const option *o = c->options; o && o->kind != OPTION_END; o++) {
        if (o == c->options && o->kind != OPTION_PART)
            fprintf(out, "\n");
        if (o->kind == OPTION_PART)
            fprintf(out, "\n%s:\n", o->text);
        else
            row(out, left, o->name, o->value, option_text(c, o, text, sizeof text));
        parts |= o->kind == OPTION_PART;
    }
    if (c->is_tool)
        row(out, left, "--help", NULL, "print this page; after a command, what it can do");
}

static void print_commands(FILE *out)
{
    int left = 0;
    fprintf(out, "\ncommands:\n");
    for (int i = 0; commands[i]; i++)
        left = left_column(left, commands[i]->name, NULL);
    for (int i = 0; commands[i]; i++)
        row(out, left, commands[i]->name, NULL, commands[i]->summary);
}

static void print_examples(FILE *out, const help_row *t)
{
    int left = 0;
    for (const help_row *k = t; k && k->name; k++) {
        const int n = (int) strlen(k->name);
        if (k->text && n > left && n + 7 + (int) strlen(k->text) <= WIDTH)
            left = n;
    }
    if (t && t->name)
        fprintf(out, "\nExamples:\n");
    for (; t && t->name; t++) {
        if (!t->text)
            fprintf(out, "  %s\n", t->name);
        else if (left + 6 + (int) strlen(t->text) <= WIDTH && (int) strlen(t->name) <= left)
            fprintf(out, "  %-*s  # %s\n", left, t->name, t->text);
        else
            fprintf(out, "  %s\n      # %s\n", t->name, t->text);
    }
}

void command_help(FILE *out, const description *c)
{
    for (int i = 0; c->usage[i]; i++)
        fprintf(out, "%s clgrad%s%s%s%s\n", i == 0 ? "usage:" : "      ", *c->name ? " " : "", c->name,
                c->usage[i][0] ? " " : "", c->usage[i]);
    fprintf(out, "\n");
    fill(out, c->about, 0, 0);
    if (c->is_tool)
        print_commands(out);
    print_terms(out, "", c->operands);
    print_options(out, c);
    print_terms(out, "Results:\n", c->results);
    if (c->notes) {
        fprintf(out, "\n");
        fill(out, c->notes, 0, 0);
    }
    print_examples(out, c->examples);
}

// ---- the command

static int run(void *options, const arguments *w)
{
    (void) options;
    const description *c = w->n == 0 ? &tool_command : command_find(w->word[0]);
    if (!c) {
        const char *near = nearest(w->word[0], command_choice);
        return usage_error("help", near ? "no command '%s'; there is %s" : "no command '%s'", w->word[0], near);
    }
    command_help(stdout, c);
    return EXIT_OK;
}

const description help_command = {
    .name = "help",
    .summary = "print what a command can do",
    .usage = (const char *const[]) { "[COMMAND]", NULL },
    .about = "Print what clgrad, or one of its commands, can do: the same as COMMAND --help.",
    .operands = (const help_row[]) { { "COMMAND", "one of those that clgrad help lists", command_choice }, { 0 } },
    .words = 1,
    .run = run,
};
