// SPDX-License-Identifier: MIT
// What the files of a reduction share: reduce_analysis.c what is known before any text, reduce_body.c the loop over
// elements and what is done with totals, combine.c what happens to values there, reduce_fold.c many totals to one,
// sums.c floating sums, reduce_frame.c the kernels around it all.
#ifndef CLG_CODEGEN_REDUCE_H
#define CLG_CODEGEN_REDUCE_H

#include "codegen/gen.h"

enum { CLG__PACKED_LEAST = 4096 }; // elements of a narrow matrix whose rows are packed
// A matrix of so many rows of `narrow` results, and `others` beside it
static inline bool clg__red_packs(int64_t rows, int64_t narrow, int64_t others)
{
    return narrow > 0 && narrow * others < 16 && rows >= CLG__PACKED_LEAST / narrow;
}
enum { CLG__STRIP = 32 };   // vectors of results that are reduced together, so that memory is read in order
enum { CLG__BLOCK = 1024 }; // elements of a lane or row that are summed before they join the total

typedef struct clg__reducer {
    clg__gen elements, epilogue; // per element; per element of what is kept
    const clg__body *body;
    clg__kplan *p;
    int vec;
    bool inner_reduced;  // the innermost dimension is; CPU class: lanes go along it
    // CPU class, where lanes do not: `flat`, along all results, one run; `packed`, along a narrow matrix as it lies in
    // memory, several of its rows in a vector, few results of many rows; else along the innermost kept dimension.
    bool flat, packed;
    int64_t narrow; // packed: results of a row of that matrix
    int kept[CLG_MAX_RANK], n_kept, outer[CLG_MAX_RANK], n_outer; // outer: reduced but the inner ones
    // The inner reduced dimensions, neighbours in the logical shape: one index runs through them, whatever
    // the operands' strides, so that the order of a sum follows from the shape alone.
    int inner[CLG_MAX_RANK], n_inner_dims;
    int64_t n_results, n_outer_total, n_inner, blocks, parts;
    int64_t group; // CPU class: indices of the outer dimensions that a block has
    int64_t pieces; // totals of a result in memory: parts, times rows of a packed vector
    int64_t strips; // of the innermost kept dimension, each a unit of work
    int owner[CLG__BODY_REDUCTIONS]; // the reduction whose total this one reads
} clg__reducer;

// Geometry of a reduction: two words per sum, its divisor (of sums.c); these; then the elements' body from g[0] on, and
// the epilogue's. So text finds them before g: CLG__FROM_G(CLG__RED_PARTS) is -2.
enum { CLG__RED_INNER, // elements of the inner run
       CLG__RED_ALONE, // an item has a result for itself
       CLG__RED_UNITS, // of work: results (or 16 of them) times parts
       CLG__RED_RESULTS, CLG__RED_PARTS, CLG__RED_BLOCKS,
       CLG__RED_PIECES, CLG__RED_GROUP, CLG__RED_OUTER, // totals of a result; outer indices of a block, and in all
       CLG__RED_STRIPS, CLG__RED_NARROW, CLG__RED_HEAD };
#define CLG__FROM_G(word) ((word) - CLG__RED_HEAD)

#define CLG__LOCAL_TREE                                                                            \
    "for (int h = get_local_size(0) / 2; h > 0; h /= 2) {\nbarrier(CLK_LOCAL_MEM_FENCE);\n"       \
    "if (lid < h)\n"

bool clg__red_is_arg(clg__reduce_kind k);
clg_dtype clg__red_type(const clg__body *body, const clg__reduction *r); // of its total
const char *clg__red_identity(clg__reduce_kind k, clg_dtype t);
bool clg__red_is_sum(const clg__reducer *r, int k); // floating: total, remainder and scale
bool clg__red_owns(const clg__reducer *r, int k);

// reduce_analysis.c
void clg__red_analyse(clg__reducer *r, const clg__body *body, const clg__caps *caps, clg__kplan *p);
bool clg__red_loop_skips(const clg__gen *n, int k); // operand k is not read per element
bool clg__red_epilogue_skips(const clg__gen *n, int k); // nor per result
clg__lanes clg__red_lanes_kept(const clg__reducer *r); // along the innermost kept dimension
int clg__red_last_kept(const clg__reducer *r);         // that dimension, of epilogue.s
int clg__red_arrays(const clg__reducer *r, int k);     // of its parts in memory
int64_t clg__red_count_units(const clg__reducer *r);
bool clg__red_in_parts(const clg__reducer *r); // a second kernel joins them
bool clg__red_by_strips(const clg__reducer *r); // a unit is CLG__STRIP vectors of results at most
bool clg__red_is_alone(const clg__reducer *r);

// reduce_frame.c
void clg__red_vector(clg__reducer *r, clg__str *b); // of a strip: sets j, at, and which lanes of vector w count

// reduce_body.c
void clg__red_loop(clg__reducer *r);
void clg__red_values(clg__reducer *r, clg__str *b, bool element); // "f{k}": the results
void clg__red_epilogue(clg__reducer *r, clg__str *b, clg__lanes lanes); // over what is kept: row, j and at are set
void clg__red_stores(clg__reducer *r, clg__str *b); // what a unit of work stores: its part, or results

// combine.c: text that the loops are made of
void clg__red_declare(clg__reducer *r, clg__str *b);
void clg__red_begin_block(clg__reducer *r, clg__str *b);
void clg__red_check_block(clg__reducer *r, clg__str *b); // sets `again`
void clg__red_end_block(clg__reducer *r, clg__str *b);
// The registers of a lane's totals and of its block, in arrays of CLG__STRIP: declared, loaded, stored back.
typedef enum clg__red_words { CLG__RED_TOTALS = 1, CLG__RED_OF_BLOCK = 2 } clg__red_words;
void clg__red_arrays_declare(clg__reducer *r, clg__str *b, int words);
void clg__red_arrays_load(clg__reducer *r, clg__str *b, int words);
void clg__red_arrays_store(clg__reducer *r, clg__str *b, int words);
void clg__red_accumulate(clg__reducer *r, clg__lanes lanes, const char *index);
void clg__red_combine(clg__gen *n, clg__str *out, clg__reduce_kind k, clg_dtype t, const char *x,
                      const char *y); // "x op y"
void clg__red_before(clg__reducer *r, int k, char name[40]); // of a function that orders what argmax and argmin meet
bool clg__red_has_sums(const clg__reducer *r);
bool clg__red_has_blocks(const clg__reducer *r); // some that have a value for each block

// reduce_fold.c
void clg__red_totals(clg__reducer *r, clg__str *b); // of a unit of work: folded, or those of the lanes
void clg__red_join_parts(clg__reducer *r, clg__str *b);
void clg__red_local(clg__reducer *r, clg__str *t, int k, int items); // local memory that folding takes

// sums.c; element: of scalars, else of registers
void clg__sum_declare(clg__reducer *r, clg__str *b, int k);
void clg__sum_begin_block(clg__reducer *r, clg__str *b, int k);
void clg__sum_check_block(clg__reducer *r, clg__str *b, int k);
void clg__sum_end_block(clg__reducer *r, clg__str *b, int k);
void clg__sum_accumulate(clg__reducer *r, clg__str *b, int k);
void clg__sum_fold(clg__reducer *r, int k);
void clg__sum_check(clg__reducer *r, clg__str *b, int k);
void clg__sum_local_fold(clg__reducer *r, int k);
void clg__sum_meet(clg__reducer *r, clg__str *b, int k, const char *x, const char *c, const char *n);
void clg__sum_result(clg__reducer *r, clg__str *b, int k, bool element, const char *prefix);
void clg__sum_divisors(clg__reducer *r); // into the geometry
bool clg__sum_is_square(const clg__reducer *r, int k);
#endif
