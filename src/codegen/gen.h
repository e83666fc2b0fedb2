// SPDX-License-Identifier: MIT
// What the files of codegen/ share: one kernel text in the making.
#ifndef CLG_CODEGEN_GEN_H
#define CLG_CODEGEN_GEN_H

#include "base/dtype.h"
#include "codegen/codegen.h"

// The body after joining neighbouring dimensions that every access walks alike.
typedef struct clg__space {
    int rank; // at least 1
    int64_t dim[CLG_MAX_RANK];
    bool reduced[CLG_MAX_RANK];
    clg__access access[CLG__BODY_OPERANDS];
} clg__space;

typedef enum clg__lanes {
    CLG__FULL, // a whole vector
    CLG__PARTIAL, // the first m lanes of a vector
    CLG__NEAR, // the same; where `whole`, those behind may be read too
    CLG__ONE   // one element in every lane (or scalar code)
} clg__lanes;

enum { CLG__CHUNK = 4096 }; // elements of a row that are one unit of work in the CPU class

// Elements for which a text is compiled that knows more of their shape: steps, rows of few. Others share one.
enum { CLG__MANY = 16384 };
static inline bool clg__are_many(const clg__space *s)
{
    int64_t n = 1;
    for (int d = 0; d < s->rank; d++)
        n *= s->dim[d];
    return n >= CLG__MANY;
}

// Stands before loops that seldom run: compilers, who would unroll them, spend their time on others.
#define CLG__EDGE "_Pragma(\"clang loop vectorize(disable) unroll(disable)\")\n"

// CPU class, a row of at least 16 elements: vectors are whole, the last one moves back over what was
// done before. Shorter rows are one vector in part. Either way a text holds its instructions once.
static inline bool clg__long_row(int64_t n)
{
    return n >= 16;
}

// Stands before functions that stay functions: what they hold is compiled once, whoever calls them.
#define CLG__SELDOM "__attribute__((noinline)) static "

typedef struct clg__gen {
    const clg__body *body;
    clg__space s;
    int vec; // 16 or 1
    clg__str helpers, text; // functions that stand before the kernel, statements
    clg__kplan *p;
    int geo_at[CLG__BODY_OPERANDS]; // where the operand's numbers start
    int dims_at;
    int run; // the first of the dimensions that one index, j, runs through: of a row; else the last one
    bool split[CLG__BODY_OPERANDS]; // the operand has no single step along it
    int turned; // CPU class: a dimension along which operands lie that are read by square tiles; pointwise, or -1
    bool tile[CLG__BODY_OPERANDS]; // those
    bool weave; // pointwise: weave.c
    bool rows; // vectors follow each other: draws keep what a vector leaves (random.c)
    bool kept[CLG__BODY_OPERANDS]; // those
    bool tables; // what is split and has no window is loaded through a table of the lanes' places
    const char *active; // how many lanes count where instructions are CLG__ONE, as text; NULL: all are one
    clg_dtype given; // a packed type whose conversions the kernel's file has
} clg__gen;

void clg__collapse(const clg__body *body, clg__space *s);

// types: in memory, and in registers (clg__register)
const char *clg__memory(clg_dtype t);                         // "float"
clg_dtype clg__as(clg_dtype t); // what its registers compute as: rows, reductions
// "GET_f16(" and ")" around what is to be converted, "" where nothing is. GET: an element in memory to one of a
// register; PUT: back; RND: a register, rounded to what memory holds.
const char *clg__convert(const char *word, clg_dtype t, char buf[24]);
const char *clg__converted(clg_dtype t);
const char *clg__suffix(clg_dtype t);
void clg__need(clg__gen *n, const char *macro, clg_dtype t); // its definition into helpers, once
void clg__need_type(clg__gen *n, clg_dtype t);
bool clg__is_word(const clg__gen *n, const char *name, clg_dtype t); // does clg__need know it?
void clg__gen_own(clg__gen *n, const clg__insn *in, clg_dtype t, clg__lanes lanes); // an expression: own.c
void clg__need_halves(clg__gen *n); // HI(type, variable): the upper half of a vector
// The text of a function of ours and the words that it needs; NULL: there is none for this type in this class
const char *clg__math(const char *word, clg_dtype t, bool cpu, const char **needs);
// statements "T vK = ...;" of insns [from, to)
void clg__gen_insns(clg__gen *n, int from, int to, clg__lanes lanes);
void clg__gen_cast(clg__gen *n, clg__str *out, clg_dtype from, clg_dtype to, const char *value);
const char *clg__literal(char out[64], clg_dtype t, double v); // v as kernel text, exactly what t holds of it
void clg__gen_load(clg__gen *n, int k, clg__lanes lanes);      // operand k, an expression: load.c
// Draws of operand k. row: a vector from `index` on, else of that index, or of those
void clg__gen_random(clg__gen *n, int k, const char *index, bool row, clg__str *out);
void clg__gen_kept(const clg__gen *n, clg__str *out); // declares what these keep, before all loops

// parameters "global const float *restrict b0, ..." of the used operands and outputs, each with this
// prefix; and the matching kplan arguments
void clg__gen_params(clg__str *out, const clg__body *body, const char *prefix, bool scalars, bool kernel);
void clg__gen_args(clg__kplan *p, clg__launch *l, const clg__body *body, bool scalars);
// geometry: append numbers, returns the first index
int clg__geo_add(clg__kplan *p, int64_t v);
void clg__geo_body(clg__gen *n); // dims and operands of n->s
// statements that set p0.. (pointers or indices at the row) from i0..i{rank-2} or all dims
void clg__gen_bases(clg__gen *n, int from_dim, int to_dim, bool (*skip)(const clg__gen *n, int k));
void clg__gen_decompose(clg__gen *n, const char *linear, const int *dims, int n_dims);

// adds text to the helpers, once, with the type's suffix for @
void clg__need_function(clg__gen *n, const char *text, const char *name, clg_dtype t);
void clg__need_partial(clg__gen *n, clg_dtype t); // ld_@(p, step, m): the first m lanes
void clg__need_turn(clg__gen *n, clg_dtype t); // turn_@(r): 16 registers become their columns
void clg__need_strided(clg__gen *n, const char *text, const char *name, clg_dtype t); // that uses lds_@

// run.c: which operands are split, the place of j, and their loads
void clg__run_split(clg__gen *n, int first);
void clg__run_place(clg__gen *n);
// Where `tables` is set: makes tables, one for each of `starts` first places `from`, a text in which i counts them, of
// `count` lanes. Then, for a vector `lead` steps of the run's first dimension behind first place c, picks that.
typedef bool (*clg__skip)(const clg__gen *n, int k);
void clg__run_tables(clg__gen *n, clg__skip skip, const char *starts, const char *from, const char *count);
void clg__run_lead(clg__gen *n, clg__skip skip);
bool clg__run_by_table(const clg__gen *n, int k);
void clg__run_load(clg__gen *n, int k, clg__lanes lanes, const char *fill);
void clg__run_index(clg__gen *n, int k, clg__lanes lanes, char *out, size_t size);

// weave.c: is the operand woven? Tiles, before the loop over vectors; filled, where sixteen rows begin.
bool clg__weaves(const clg__gen *n, int k);
void clg__weave_begin(clg__gen *n);
void clg__weave(clg__gen *n);

clg_status clg__gen_pointwise(const clg__body *const *bodies, int n, const clg__caps *caps,
                              clg__kplan *p);
clg_status clg__gen_reduce(const clg__body *body, const clg__caps *caps, clg__kplan *p);
#endif
