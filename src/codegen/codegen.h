// SPDX-License-Identifier: MIT
// Bodies in, text out: one body becomes one or two kernels. Knows no OpenCL object.
#ifndef CLG_CODEGEN_CODEGEN_H
#define CLG_CODEGEN_CODEGEN_H

#include "graph/op.h"

typedef enum clg__operand_kind {
    CLG__FROM_BUFFER, // CLG__ARG_IN `input`
    CLG__FROM_SCALAR, // CLG__ARG_SCALAR `input`
    CLG__FROM_IOTA,   // a + b * index, index given by access
    CLG__FROM_RANDOM  // random[kind](seed, counter, index), CLG__ARG_SEED `input`
} clg__operand_kind;

typedef struct clg__operand {
    clg__operand_kind kind;
    clg_dtype dtype;
    int input;      // binding number, given by the scheduler
    clg__access access; // over the body's shape; FROM_IOTA and FROM_RANDOM: of the index
    int origin;     // position that is a part of the offset beside those of the access; 0: none
    double fill;    // where the window excludes
    double a, b;
    clg__random_kind random;
} clg__operand;

typedef enum clg__insn_kind {
    CLG__I_LOAD,  // operand
    CLG__I_CONST, // value
    CLG__I_CAST,  // src[0] to dtype
    CLG__I_EW,    // op (POINTWISE row) of src[]
    CLG__I_REDUCED // result `operand` of the reductions (epilogue only)
} clg__insn_kind;

enum { CLG__INSN_SOURCES = 8 };
typedef struct clg__insn {
    clg__insn_kind kind;
    clg_dtype dtype;
    const clg__op *op;
    int8_t src[CLG__INSN_SOURCES]; // instructions before it, of CLG__BODY_INSNS at most: short, since plans hold many
    int operand;
    double value;
} clg__insn;

typedef struct clg__reduction {
    clg__reduce_kind kind;
    int src;         // insn of the body
    clg_dtype dtype; // of the result
    double divisor;  // of means and squares
} clg__reduction;

typedef struct clg__output {
    int insn;   // value to store, in order of the kept shape, contiguous
    int output; // CLG__ARG_OUT binding number
    clg_dtype dtype;
} clg__output;

enum { CLG__BODY_OPERANDS = 24, CLG__BODY_INSNS = 96, CLG__BODY_OUTPUTS = 8,
       CLG__BODY_REDUCTIONS = 4 };

// What one group of the planner computes. insns[0..n_per_element) are computed per element of `shape`; for a
// reduction the others are the epilogue, computed per element of the kept shape (reduced dimensions 1; operands
// loaded there have stride 0 along them). Instructions come in order: sources before users.
typedef struct clg__body {
    clg_shape shape;
    bool reduced[CLG_MAX_RANK];
    bool ones[CLG_MAX_RANK]; // dimensions of size 1 that stay, so that the text is that of larger ones
    int n_operands, n_insns, n_per_element, n_outputs, n_reductions;
    clg__operand operands[CLG__BODY_OPERANDS];
    clg__insn insns[CLG__BODY_INSNS];
    clg__output outputs[CLG__BODY_OUTPUTS];
    clg__reduction reductions[CLG__BODY_REDUCTIONS];
} clg__body;

enum { CLG__LAUNCH_BODIES = 64 }; // of one launch, at most

// n > 1: several bodies of one text (clg__codegen_text), with other buffers and extents, in one launch; their binding
// numbers must be distinct, but scalars of body 0 serve all. n_reductions == 0: pointwise.
clg_status clg__codegen(const clg__body *const *bodies, int n, const clg__caps *caps,
                        clg__kplan *p);
// The text of a pointwise body's kernel, appended; nothing where there is nothing to launch. Bodies of equal
// texts can share a launch. False: out of memory.
bool clg__codegen_text(const clg__body *body, const clg__caps *caps, clg__str *text);
// Does a body give the bits that another does, which differs in `ones` alone?
bool clg__codegen_same_order(const clg__body *a, const clg__body *b, const clg__caps *caps);
// The body of a smaller batch, where that has another text: CPU class, 16 elements or more in a row
// that become fewer. false: there is none.
bool clg__codegen_short(const clg__body *body, const clg__caps *caps, clg__body *out);

// The epilogue of a kernel op's variant. The body's shape is [batch.., R, C], the output seen so, with one to three
// dimensions of the batch; insn 0 is the kernel's own value (an I_REDUCED with operand 0). Buffer operands are read by
// any steps along batch and R, and by 1 or 0 along C. All outputs lie as `place` says (step 1 along C); NULL: in order.
// Writes into l->defines:
//   EPI_OUT      type of the kernel's own output parameter, which is bound to outputs[0]
//   EPI_PARAMS   ", global uchar *restrict q1, ..., global const float *restrict b0, ..., const float x1..." to end the
//                kernel's parameter list
//   EPI_STORE(v, out, at, batch, row, col, n)   works on v and stores it; out: the parameter; at: where it would go
//                without an epilogue; batch: (long4)(i0, i1, i2, 0), or a number where it has one dimension.
//                CPU class: v is a vector of which n lanes count; GPU class: v scalar
// and makes the CLG__ARG_EPILOGUE argument the real ones. vec: lanes, 16 or 1; acc: type of the kernel's value.
// body NULL: the file's own EPI_STORE.
clg_status clg__codegen_epilogue(const clg__body *body, const clg__access *place, int vec, clg_dtype acc,
                                 clg__kplan *p, clg__launch *l);
#endif
