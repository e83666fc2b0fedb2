// SPDX-License-Identifier: MIT
// The one allocator: counts live bytes.
#ifndef CLG_BASE_ALLOC_H
#define CLG_BASE_ALLOC_H

#include <stddef.h>
#include <stdint.h>

void *clg__malloc(size_t bytes);
void *clg__calloc(size_t count, size_t bytes); // checks the product
void *clg__realloc(void *p, size_t bytes);
void clg__free(void *p);
char *clg__strdup(const char *s);

size_t clg__alloc_live(void); // bytes, all threads

// Grow an array of `item` bytes each so that it holds `need`; keeps *data on failure (returns 0).
int clg__grow(void **data, int *capacity, int need, size_t item);
#endif
