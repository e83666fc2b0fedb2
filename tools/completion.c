// SPDX-License-Identifier: MIT
// `clgrad completion`: scripts by which bash and zsh complete the command line, made of the descriptions.
#include "command.h"

#include <string.h>

static void print_list(FILE *out, word_list *list)
{
    for (int i = 0; list(i); i++)
        fprintf(out, "%s%s", i ? " " : "", list(i));
}

static void print_choice(FILE *out, const char *metavar, word_list *choice)
{
    if (!is_metavar(metavar))
        fprintf(out, "%s", metavar);
    else if (choice)
        print_list(out, choice);
}

// ---- bash

static void bash_value(FILE *out, const description *c, const option *o)
{
    static const char *const how[] = { "", "paths=f", "paths=d", "words='" };
    const completes k = value_completes(o->value, o->choice);
    fprintf(out, "    '%s %s') %s", c->name, o->name, how[k]);
    if (k == COMPLETES_WORDS) {
        print_list(out, o->choice);
        fprintf(out, "'%s", o->many ? " many=1" : "");
    }
    fprintf(out, " ;;\n");
}

static void bash_command(FILE *out, const description *c)
{
    const char *paths = "";
    for (const option *o = c->options; o && o->kind != OPTION_END; o++) {
        if (o->value)
            bash_value(out, c, o);
    }
    fprintf(out, "    '%s '*) options='--help", c->name);
    for (const option *o = c->options; o && o->kind != OPTION_END; o++) {
        if (o->name)
            fprintf(out, " %s", o->name);
    }
    fprintf(out, "' words='");
    for (const help_row *t = c->operands; t && t->name; t++) {
        const completes k = value_completes(t->name, t->choice);
        if (k == COMPLETES_FILES || (k == COMPLETES_FOLDERS && !*paths))
            paths = k == COMPLETES_FILES ? "f" : "d";
        print_choice(out, t->name, t->choice);
        fprintf(out, " ");
    }
    fprintf(out, "' paths=%s ;;\n", paths);
}

static void bash(FILE *out)
{
    fprintf(out,
            "# bash completion of clgrad, as `clgrad completion bash` prints it\n"
            "_clgrad()\n"
            "{\n"
            "    local IFS=$' \\t\\n' line rest head= options= words= paths= many=\n"
            "    local current=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD-1]}\n"
            "    if [[ $current == --*=* ]]; then\n"
            "        option=${current%%%%=*} head=${current%%%%=*}= current=${current#*=}\n"
            "    elif [[ $current == = ]]; then\n"
            "        current=\n"
            "    elif [[ $option == = ]]; then\n"
            "        option=${COMP_WORDS[COMP_CWORD-2]}\n"
            "    fi\n"
            "    COMPREPLY=()\n"
            "    if ((COMP_CWORD == 1)); then\n"
            "        option= words='");
    print_list(out, command_choice);
    fprintf(out, "' options='--help");
    for (const option *o = tool_command.options; o->kind != OPTION_END; o++)
        fprintf(out, " %s", o->name);
    fprintf(out, "'\n    else case \"${COMP_WORDS[1]} $option\" in\n");
    for (int i = 0; commands[i]; i++)
        bash_command(out, commands[i]);
    fprintf(out,
            "    esac; fi\n"
            "    if [[ $many ]]; then\n"
            "        rest=${current##*,} head=$head${current%%\"${current##*,}\"} current=${current##*,}\n"
            "    fi\n"
            "    if [[ $current == -* && $options ]]; then\n"
            "        words=$options paths=\n"
            "    fi\n"
            "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
            "    if [[ $paths ]]; then\n"
            "        compopt -o filenames 2>/dev/null\n"
            "        while IFS= read -r line; do\n"
            "            COMPREPLY+=(\"$line\")\n"
            "        done < <(compgen \"-$paths\" -- \"$current\")\n"
            "    elif ((${#COMPREPLY[@]} == 0)); then\n"
            "        COMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n"
            "    fi\n"
            "    if [[ $head ]]; then\n"
            "        COMPREPLY=(\"${COMPREPLY[@]/#/$head}\")\n"
            "    fi\n"
            "}\n"
            "complete -F _clgrad clgrad\n");
}

// ---- zsh

// Inside of single quotes and of a spec of _arguments.
static void zsh_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", out);
        else if (strchr("[]:\\", *text))
            fprintf(out, "\\%c", *text);
        else
            fputc(*text == '\n' ? ' ' : *text, out);
    }
}

static void zsh_option(FILE *out, const description *c, const option *o)
{
    char text[1200];
    fprintf(out, "            '%s%s[", o->name, o->value ? "=" : "");
    zsh_text(out, option_text(c, o, text, sizeof text));
    fputs("]", out);
    if (o->value) {
        static const char *const how[] = { " ", "_files", "_files -/", "" };
        const completes k = value_completes(o->value, o->choice);
        fprintf(out, ":%s:%s", o->value, how[k]);
        if (k == COMPLETES_WORDS) {
            fputs(o->many ? "_sequence compadd - " : "(", out);
            print_list(out, o->choice);
            fputs(o->many ? "" : ")", out);
        }
    }
    fputs("' \\\n", out);
}

static void zsh_command(FILE *out, const description *c)
{
    bool files = false, folders = false;
    fprintf(out, "        (%s)\n            _arguments -s '--help[print a page of help]' \\\n", c->name);
    for (const option *o = c->options; o && o->kind != OPTION_END; o++) {
        if (o->name)
            zsh_option(out, c, o);
    }
    fputs("            '*:operand:{ compadd -- ", out);
    for (const help_row *t = c->operands; t && t->name; t++) {
        const completes k = value_completes(t->name, t->choice);
        files |= k == COMPLETES_FILES;
        folders |= k == COMPLETES_FOLDERS;
        print_choice(out, t->name, t->choice);
        fputs(" ", out);
    }
    fprintf(out, "%s}' ;;\n", files ? "; _files " : folders ? "; _files -/ " : "");
}

static void zsh(FILE *out)
{
    fprintf(out, "#compdef clgrad\n# zsh completion of clgrad, as `clgrad completion zsh` prints it\n"
                 "_clgrad() {\n    local curcontext=$curcontext state line\n    local -a known\n"
                 "    typeset -A opt_args\n"
                 "    _arguments -C '(- *)--help[print a page of help]' '(- *)--version[print the version]' \\\n"
                 "        '1:command:->command' '*::argument:->argument' && return\n"
                 "    case $state in\n    (command)\n        known=(\n");
    for (int i = 0; commands[i]; i++) {
        fprintf(out, "            '%s:", commands[i]->name);
        zsh_text(out, commands[i]->summary);
        fputs("'\n", out);
    }
    fputs("        )\n        _describe command known ;;\n    (argument)\n        case $line[1] in\n", out);
    for (int i = 0; commands[i]; i++)
        zsh_command(out, commands[i]);
    fputs("        esac ;;\n    esac\n}\n"
          "if [[ $funcstack[1] == _clgrad ]]; then _clgrad \"$@\"; else compdef _clgrad clgrad; fi\n", out);
}

// ---- the command

static int run(void *options, const arguments *w)
{
    (void) options;
    const char *shell = w->n ? w->word[0] : NULL;
    if (shell && strcmp(shell, "bash") == 0)
        bash(stdout);
    else if (shell && strcmp(shell, "zsh") == 0)
        zsh(stdout);
    else if (shell)
        return usage_error("completion", "no completion for '%s'; there is bash and zsh", shell);
    else
        return usage_error("completion", "for which shell? There is: bash, zsh");
    return EXIT_OK;
}

const description completion_command = {
    .name = "completion",
    .summary = "print a script by which a shell completes clgrad",
    .usage = (const char *const[]) { "bash", "zsh", NULL },
    .about = "Print a script by which the shell completes commands, options, their values and files. meson install "
             "puts both where the shells look for them; without that:\n"
             " source <(clgrad completion bash)      # in ~/.bashrc\n"
             " source <(clgrad completion zsh)       # in ~/.zshrc, after compinit",
    .operands = (const help_row[]) { { "bash", "for bash 4 or later" }, { "zsh", "for zsh 5 or later" }, { 0 } },
    .words = 1,
    .run = run,
};
