// SPDX-License-Identifier: MIT
// A command is one description: what it is called, takes, and is told to people. From it come its --help, its man
// page (`clgrad man`), what shells complete, the reading of its options and the messages about wrong ones.
//
// To add `clgrad look`: a line in commands.def, and a file look.c with
//
//   typedef struct look_options { const char *out; long depth; bool json; } look_options;
//   static const look_options normal = { .depth = 3 };                // the defaults, which help shows
//   static const option options[] = {
//       { "--out", OPTION_TEXT, offsetof(look_options, out), "FILE", "where to write" },
//       { "--depth", OPTION_WHOLE, offsetof(look_options, depth), "N", "how deep", .lo = 1, .hi = 9 },
//       { "--json", OPTION_FLAG, offsetof(look_options, json), NULL, "print as JSON" },
//       { 0 },
//   };
//   static int run(void *o, const arguments *w);                          // an exit status
//   const description look_command = {
//       .name = "look", .summary = "look at files", .usage = (const char *[]) { "FILE... [OPTION...]", NULL },
//       .about = "What it does, in paragraphs.", .options = options, .normal = &normal, .size = sizeof normal,
//       .words = WORDS_ANY, .run = run,
//   };
//
// All texts are filled to the width of the page; those of `about` and `notes` are paragraphs with an empty line
// between, and a line that begins with a space stays as it is. A metavariable with FILE, PICTURE or DIR in it is
// completed by files or folders, one with a `choice` by its words. ASCII alone.
#ifndef CLG_TOOLS_COMMAND_H
#define CLG_TOOLS_COMMAND_H

#include <clgrad/base.h>

#include <stddef.h>
#include <stdio.h>

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

// The known words of something, from 0 on; NULL after the last.
typedef const char *word_list(int i);

// OPTION_ONE: text that is one of `choice`, else it is refused with what there is. OPTION_PART: no option but a heading
// in the list, its `text`.
typedef enum option_kind { OPTION_END, OPTION_FLAG, OPTION_TEXT, OPTION_ONE, OPTION_WHOLE, OPTION_REAL, OPTION_PART } option_kind;
typedef struct option {
    const char *name; // "--epochs"
    option_kind kind;
    size_t at;         // in the command's struct of options: a bool, const char *, long or double
    const char *value; // metavariable, "N"; NULL of a flag
    const char *text;  // what it does; the default is added
    const char *otherwise; // the default, where it is not in `normal`
    double lo, hi;         // of numbers
    word_list *choice;     // what the value may be, for completion
    bool many;             // several of these, with commas
} option;

// A row of a list: an operand, a file that is written, an example. The last one has no name.
typedef struct help_row {
    const char *name, *text;
    word_list *choice; // of an operand
} help_row;

enum { WORDS_ANY = -1, OPTIONS_MOST = 48 };

// What the command line had, besides what is in the struct of options.
typedef struct arguments {
    const char **word; // those that are no options
    int n;
    bool given[OPTIONS_MOST]; // by the option's place in the table
} arguments;

typedef struct description {
    const char *name, *summary;
    const char *const *usage; // after "clgrad NAME"; NULL ends
    const char *about;        // paragraphs before the options
    const help_row *operands;     // words: metavariables (FILE, NET) or themselves (warm, clear)
    const option *options;
    const help_row *results;      // files that are written
    const char *notes;        // paragraphs after the options
    const help_row *examples;     // whole command lines, with what they do or NULL
    const void *normal;       // a struct of options with the defaults
    size_t size;              // of it
    int words;                // how many words at most that are no options
    int (*run)(void *options, const arguments *w); // returns an exit status
    bool is_tool;             // the description of clgrad itself
} description;

#define COMMAND(name) extern const description name##_command;
#include "commands.def"
#undef COMMAND
extern const description *const commands[]; // NULL ends
extern const description tool_command;      // clgrad itself
const description *command_find(const char *name);
word_list command_choice, device_choice;

// The option that all commands with a device have.
#define OPTION_DEVICE(at) \
    { "--device", OPTION_TEXT, at, "D", "number, type (gpu, cpu) or part of a name; see clgrad devices", \
      .choice = device_choice }

// ---- options.c
// Reads the command line and runs the command: with defaults where there are no options, or help where it is wanted.
int command_run(const description *c, int argc, char **argv);
// "clgrad CMD: message" on stderr, and where help is; returns EXIT_USAGE
int usage_error(const char *command, const char *format, ...) CLG_PRINTF(2, 3);
// The word of a list that is most like this one, for messages; NULL: none is near.
const char *nearest(const char *to, word_list *list);
bool parse_int(const char *text, long lo, long hi, long *out);
bool parse_double(const char *text, double lo, double hi, double *out);

// ---- help.c, man.c, completion.c: the description as text
void command_help(FILE *out, const description *c);
// The text of an option with its default, in a buffer; of a heading as it is.
const char *option_text(const description *c, const option *o, char *to, size_t size);
// How an operand or value is completed.
typedef enum completes { COMPLETES_NOTHING, COMPLETES_FILES, COMPLETES_FOLDERS, COMPLETES_WORDS } completes;
completes value_completes(const char *metavar, word_list *choice);
bool is_metavar(const char *word); // "FILE...", not "warm"
#endif
