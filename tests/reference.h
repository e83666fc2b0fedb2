// SPDX-License-Identifier: MIT
// What a recorded graph must give, computed node by node on the host: floating values in double, integers
// as integers. Needs no device unless a leaf's numbers have to be read from one.
//
// Beside every element stands how far a right result may be from it: each node passes the bounds of its
// inputs on and adds its own, in ulp for pointwise rows (what OpenCL allows the function), by the sum of
// |a||b| for products. An element whose bound is its own size or more proves nothing: tests count those.
#ifndef CLG_TESTS_REFERENCE_H
#define CLG_TESTS_REFERENCE_H

#include "graph/node.h"

typedef struct ref_value {
    clg_dtype dtype;
    clg_shape shape;
    int64_t n;
    double *f;  // floating types
    int64_t *i; // the others; the other pointer is NULL
    double *e;  // bounds of the error; NULL: exact, or not asked for
} ref_value;

typedef struct reference reference;

// bounds: errors too
reference *reference_create(bool bounds);
void reference_free(reference *r);
// The numbers of a leaf, in place of what is on the device. Stays until the next call for it.
void reference_set(reference *r, clg_tensor leaf, const double *v);
// As above, of numbers known to a part of their size.
void reference_set_about(reference *r, clg_tensor leaf, const double *v, double relative);
// Drop what was computed, keep what was set: for another round with other leaves.
void reference_forget(reference *r);
// The value of t, its arrays owned by r. Before t is evaluated: a node may forget its inputs then.
ref_value reference_of(reference *r, clg_tensor t);
double reference_item(const ref_value *v, int64_t k);
void reference_put(ref_value *v, int64_t k, double x);
double reference_error(const ref_value *v, int64_t k);
// Fails a test unless what was read from a device is within the bounds; integers without one are equal.
void reference_check(const char *what, const ref_value *want, const void *raw);
// Fails when more than `most` of what this program compared was compared with bounds that prove little.
void reference_check_strict(double most);
// A copy with arrays of its own; free them with reference_drop.
ref_value reference_copy(ref_value v);
void reference_drop(ref_value *v);

// ---- between the files of the reference
ref_value reference_new(clg_dtype t, const clg_shape *s);
enum { REF_INPUTS = 32 };
// Values of a KERNEL node's outputs, and their bounds where out->e are arrays.
void reference_kernel(const clg__node *n, const ref_value *const *in, ref_value *out);
// Half the distance between neighbours, relative; for F64, as exact as the reference, twice that.
double reference_unit(clg_dtype t);
double reference_tiny(clg_dtype t); // what may become zero
// Those of scans and sorts, whose numbers p come from the op's key; false: it is none. p NULL: asks.
bool reference_order(const char *name, const int64_t *p, const ref_value *const *in, ref_value *out);
bool reference_norm(const char *name, const int64_t *p, const ref_value *const *in, ref_value *out);
// The same of ctc_loss (reference_ctc.c).
bool reference_ctc(const char *name, const int64_t *p, const ref_value *const *in, ref_value *out);
// The same of sums over taps (reference_taps.c).
bool reference_taps(const char *name, const int64_t *p, const ref_value *const *in, ref_value *out);
// The same of factorisations (reference_factor.c).
bool reference_factor(const char *name, const int64_t *p, const ref_value *const *in, ref_value *out);
// The same of distances of all rows (reference_pairs.c).
bool reference_pairs(const char *name, const int64_t *p, const ref_value *const *in, ref_value *out);
// The same of Poisson draws (reference_poisson.c).
bool reference_poisson(const char *name, const ref_value *const *in, ref_value *out);
// The same of sums of rows in bags (reference_bags.c).
bool reference_bags(const char *name, const int64_t *p, const ref_value *const *in, ref_value *out);
// The same of images along two axes by sparse matrices (reference_separable.c).
bool reference_separable(const char *name, const int64_t *p, const ref_value *const *in, ref_value *out);
// The same of attention (reference_attention.c).
bool reference_attention(const char *name, const int64_t *p, const ref_value *const *in, ref_value *out);
// Is there one for this op?
bool reference_has_kernel(const char *name);
// A row of elementwise.def applied to one element; false: no such row for this type.
bool reference_row_f(const char *name, const double x[3], double *y);
bool reference_row_i(const char *name, clg_dtype t, const int64_t x[3], int64_t *y);
int64_t reference_wrap(clg_dtype t, int64_t v);
// How far a device's row may be from the value y at inputs that are within e of x.
double reference_row_error(const char *name, clg_dtype t, int arity, const double x[3],
                           const double e[3], double y);
double reference_row_error_i(const char *name, clg_dtype t, int arity, const int64_t x[3],
                             const double e[3], int64_t y);
#endif
