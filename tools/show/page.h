// SPDX-License-Identifier: MIT
// What `clgrad show` prints of a file: a page for people, or JSON.
#ifndef CLG_SHOW_PAGE_H
#define CLG_SHOW_PAGE_H

#include "numbers.h"

#include <stdio.h>

enum { PAGE_BINS = 32 };

typedef struct page {
    FILE *out;
    bool blocks; // the terminal's letters have bars: UTF-8
    bool values; // all of them
    bool json;
    int files, arrays; // printed so far; arrays of this file
} page;

// text.c
void page_file(page *p, const char *path, const source *s);
void page_array(page *p, const shown *a, const numbers *n);
// A name out of a file, where nothing in it steers a terminal: other bytes than of readable UTF-8 as \xNN.
void print_clean(FILE *out, const char *text, int most);
// Few digits, for people; integers whole.
void short_number(const shown *a, double v, uint64_t whole, char *to, size_t size);
void short_shape(const shown *a, char *to, size_t size); // "f32 [2,3]"

// json.c
void json_file(page *p, const char *path, const source *s);
void json_array_of(page *p, const shown *a, const numbers *n);
void json_file_end(page *p);
void json_end(page *p);
#endif
