// SPDX-License-Identifier: MIT
// What the cores of this machine can do at most, measured on the host: all with `threads` of them at once.
#ifndef CLG_BENCH_PROCESSOR_H
#define CLG_BENCH_PROCESSOR_H

#include <stdbool.h>
#include <stddef.h>

// Multiply-adds per second in registers, counted as two.
double processor_fma(int threads, bool f64);
// Products of 64 bits of two 32-bit integers per second in registers.
double processor_products(int threads);
// Independent loads of 4 bytes per second, from places of a table of so many bytes that nothing foretells. 0: no memory.
double processor_loads(int threads, size_t bytes);
// Seconds from a multiply-add to one that needs its result.
double processor_latency(void);
#endif
