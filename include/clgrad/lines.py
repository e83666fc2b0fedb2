#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""lines.py OUT INCLUDE CC...: writes lines.h, in which every function of the public headers that takes or gives a handle
is a macro that tells the library where the call stands (place.h)."""
import pathlib
import re
import subprocess
import sys

HEAD = '''// SPDX-License-Identifier: MIT
// Calls tell where they stand: included after, or in place of, clgrad.h. Made by lines.py from the public headers.
//
// Every function that takes or gives a handle becomes a macro of the same name, which sets the place of the call
// (clg_set_place) around it. What is recorded then has its file and line, and messages name them: errors, and what
// clg_device_watch found, in a gradient too. Without this header nothing of it costs anything. A function whose address
// is taken, or that is called through one, has no line, and (clg_add)(a, b) neither. Of calls within each other that
// stand on several lines, compilers may give all of them the line of the outermost one.
#ifndef CLGRAD_LINES_H
#define CLGRAD_LINES_H

#include <clgrad/clgrad.h>

CLG_BEGIN
'''
TAIL = '''
CLG_END
#endif
'''


def parts(text):
    """What commas part that are in no parentheses."""
    depth, start = 0, 0
    for i, c in enumerate(text):
        depth += (c == '(') - (c == ')')
        if c == ',' and depth == 0:
            yield text[start:i].strip()
            start = i + 1
    yield text[start:].strip()


def named(parameter):
    """The parameter with a name that hides none of the program's, and that name."""
    found = (re.search(r'\(\s*\*\s*(?:const\s+)?(\w+)\s*\)\s*\(', parameter) or
             re.search(r'(\w+)\s*(?:\[[^]]*\]\s*)*$', parameter))
    return f'{parameter[:found.end(1)]}_{parameter[found.end(1):]}', found[1] + '_'


def wrapped(result, name, parameters):
    names = [named(p)[1] for p in parameters]
    short = name[len('clg_'):]
    declared = ''.join(', ' + named(p)[0] for p in parameters)
    gives = result != 'void'
    star = '' if result.endswith('*') else ' '
    return (f'static inline {result}{star}clg_at_{short}(const char *in_file_, int in_line_{declared})\n'
            '{\n'
            '    const clg_place was_ = clg_set_place(in_file_, in_line_);\n'
            f'    {f"{result}{star}const result_ = " if gives else ""}{name}({", ".join(names)});\n'
            '    clg_set_place(was_.file, was_.line);\n' +
            ('    return result_;\n' if gives else '') +
            '}\n'
            f'#define {name}({"..." if names else ""}) '
            f'clg_at_{short}(__FILE__, __LINE__{", __VA_ARGS__" if names else ""})\n')


def main():
    out, include, *cc = sys.argv[1:]
    text = subprocess.run([*cc, '-E', '-P', f'-I{include}', f'{include}/clgrad/clgrad.h'], check=True, text=True,
                          capture_output=True).stdout
    macros = set()
    for header in pathlib.Path(include, 'clgrad').glob('*.h'):
        macros |= set(re.findall(r'#define (clg_\w+)\(', header.read_text()))
    handles = set(re.findall(r'typedef (?:const )?struct (?:clg_\w+)\s*(?:\{[^}]*\})?\s*\*\s*(clg_\w+);', text))
    handles.add('clg_status')
    functions = {}
    for declaration in re.findall(r'visibility\("default"\)\)\)\s*([^;{]*);', text):
        declaration = re.sub(r'__attribute__\s*\(\(.*?\)\)\s*$', '', declaration.strip())
        declaration = re.sub(r'\b_Bool\b', 'bool', ' '.join(declaration.split()))
        found = re.match(r'(.*?)\b(clg_\w+) ?\((.*)\)$', declaration)
        if found and '...' not in found[3]:
            functions[found[2]] = found[1].strip(), found[3]
    lines = [HEAD]
    for name, (result, list_) in sorted(functions.items()):
        if name in macros or name == 'clg_set_place' or not handles & set(re.findall(r'clg_\w+', result + ' ' + list_)):
            continue
        parameters = [] if list_.strip() in ('', 'void') else list(parts(list_))
        lines.append(wrapped(result, name, parameters))
    pathlib.Path(out).write_text('\n'.join(lines) + TAIL)


main()
