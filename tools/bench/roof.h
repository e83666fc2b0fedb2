// SPDX-License-Identifier: MIT
// The least time that a case can take on this machine: the longest of what its parts need, each at the rate that was
// measured in the same run.
#ifndef CLG_BENCH_ROOF_H
#define CLG_BENCH_ROOF_H

#include "measure.h"

#include <clgrad/clgrad.h>

// What a case needs, at least (least.h counts it).
typedef enum roof_kind {
    ROOF_BYTES,    // moved by a stream, as a + b moves them
    ROOF_FLOPS,    // of multiply-adds, counted as two
    ROOF_OPS,      // of other simple arithmetic on an element: half as many as flops
    ROOF_PRODUCTS, // of two 32-bit integers, with all 64 bits
    ROOF_LOADS,    // of single elements, or of first elements of rows, from places that nothing foretells
    ROOF_CHAIN,    // operations of which each needs the one before
    ROOF_LAUNCHES, // of kernels that must come one after the other
    ROOF_KINDS
} roof_kind;
extern const char *const roof_names[ROOF_KINDS];

typedef struct least {
    double n[ROOF_KINDS];
    double table; // bytes that ROOF_LOADS are from
} least;

enum { ROOF_SIZES = 3, ROOF_TABLES = 6 };

// What the machine can do, per second. Where the device is this machine's CPU, the host measures arithmetic and loads;
// elsewhere the product of two large matrices stands for arithmetic, and of products, loads and chains nothing is known.
typedef struct roof {
    double flops, flops64;
    double bytes[ROOF_SIZES];     // of a + b over arrays that are together
    double together[ROOF_SIZES];  // so many bytes
    double products, chain;
    double loads[ROOF_TABLES];    // from tables of
    double tables[ROOF_TABLES];   // so many bytes
    double launches;              // of a kernel over one element, recorded, found and launched as any case is
    double drift;                 // the largest change of flops or bytes between two measurements, as a share
    int measured;
    bool of_product;
} roof;

// May be called again: the higher figure stays.
clg_status roof_measure(roof *r, clg_device dev, patience p);
// Bytes per second for a case that moves so many; loads per second from a table of so many bytes.
double roof_bandwidth(const roof *r, double bytes);
double roof_loads(const roof *r, double table);
// Seconds that no run can beat, and, unless NULL, what bounds it.
double roof_seconds(const roof *r, clg_dtype type, const least *l, roof_kind *bound);
// Cores of this machine that the device uses, at most.
int device_cores(clg_device dev);
#endif
