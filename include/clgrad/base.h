// SPDX-License-Identifier: MIT
// Status codes, element types and shapes: what every other header needs.
#ifndef CLGRAD_BASE_H
#define CLGRAD_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define CLG_API __attribute__((visibility("default")))
#define CLG_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define CLG_API
#define CLG_PRINTF(f, a)
#endif

#ifdef __cplusplus
#define CLG_BEGIN extern "C" {
#define CLG_END }
#else
#define CLG_BEGIN
#define CLG_END
#endif

CLG_BEGIN

// 0 is success, below 0 an error.
typedef int clg_status;

#define CLG_STATUS_MAP(M)                                                                          \
    M(OK, 0, "success")                                                                            \
    M(ENOMEM, -1, "out of memory")                                                                 \
    M(ESHAPE, -2, "shapes do not fit the operation")                                               \
    M(EDTYPE, -3, "element type not supported here")                                               \
    M(EINVAL, -4, "invalid argument")                                                              \
    M(EDEVICE, -5, "an OpenCL call failed")                                                        \
    M(EBUILD, -6, "a kernel did not compile")                                                      \
    M(EIO, -7, "a file could not be read or written")                                              \
    M(EFORMAT, -8, "a file is damaged or of another format")                                       \
    M(ENODEV, -9, "no usable OpenCL device")                                                       \
    M(EGRAD, -10, "no gradient exists")                                                            \
    M(ENUMERIC, -11, "a number is NaN or infinite")

#define CLG_STATUS_ENUM(name, value, text) CLG_##name = value,
enum { CLG_STATUS_MAP(CLG_STATUS_ENUM) };
#undef CLG_STATUS_ENUM

// Element types: name, enum value, bytes, spelling; values are stable. See also clg_dtype_info.
#define CLG_DTYPE_MAP(M)                                                                           \
    M(F32, 0, 4, "f32")                                                                            \
    M(F64, 1, 8, "f64")                                                                            \
    M(I32, 2, 4, "i32")                                                                            \
    M(I64, 3, 8, "i64")                                                                            \
    M(U8, 4, 1, "u8")                                                                              \
    M(BOOL, 5, 1, "bool")                                                                          \
    M(F16, 6, 2, "f16")                                                                            \
    M(BF16, 7, 2, "bf16")                                                                          \
    M(I8, 8, 1, "i8")                                                                              \
    M(I16, 9, 2, "i16")                                                                            \
    M(U16, 10, 2, "u16")                                                                           \
    M(U32, 11, 4, "u32")                                                                           \
    M(U64, 12, 8, "u64")

typedef enum clg_dtype {
#define CLG_DTYPE_ENUM(name, value, bytes, text) CLG_##name = value,
    CLG_DTYPE_MAP(CLG_DTYPE_ENUM)
#undef CLG_DTYPE_ENUM
} clg_dtype;

#define CLG_DTYPE_ONE(name, value, bytes, text) +1
enum { CLG_DTYPE_COUNT = 0 CLG_DTYPE_MAP(CLG_DTYPE_ONE), CLG_MAX_RANK = 8 };
#undef CLG_DTYPE_ONE

typedef enum clg_kind { CLG_KIND_BOOL, CLG_KIND_UINT, CLG_KIND_INT, CLG_KIND_FLOAT } clg_kind;

// An element type, and how file formats and other libraries spell it.
typedef struct clg_dtype_info {
    const char *name; // "f32"
    size_t bytes;     // of an element
    clg_kind kind;
    const char *safetensors; // "F32"
    const char *npy;         // NumPy's, little-endian: "<f4"; NULL: it has none
    int idx;                 // the type byte of IDX files; 0: they have none
    int dlpack;              // DLDataTypeCode; bits are 8 * bytes
} clg_dtype_info;

// A shape, outermost dimension first; rank 0 is a single element. Also a list of axes, which may be
// negative (counted from the end).
typedef struct clg_shape {
    int rank;
    int64_t dim[CLG_MAX_RANK];
} clg_shape;

// C++ has none of these macros nor the *_params() of other headers: fill the structs by name there,
// .size with sizeof the struct.
#define CLG__COUNT(type, ...) ((int) (sizeof((type[]) { __VA_ARGS__ }) / sizeof(type)))
// More than CLG_MAX_RANK values do not compile.
#define CLG_SHAPE(...)                                                                             \
    ((clg_shape) {                                                                                 \
        .rank = CLG__COUNT(int64_t, __VA_ARGS__) +                                                 \
                0 * (int) sizeof(char[CLG__COUNT(int64_t, __VA_ARGS__) <= CLG_MAX_RANK ? 1 : -1]), \
        .dim = { __VA_ARGS__ } })
#define CLG_AXES(...) CLG_SHAPE(__VA_ARGS__)
// No axes named: all of them. As a shape: a single element.
#define CLG_ALL ((clg_shape) { .rank = 0 })
#define CLG_SCALAR ((clg_shape) { .rank = 0 })

// Text of a status.
//
// st      any number
// result  one line of static storage; "unknown status" for a number that is no status
// errors  none
// blocks  no
CLG_API const char *clg_status_text(clg_status st);

// Name of an element type, as it is spelled in messages.
//
// t       any number
// result  "f32", "i64", ..., of static storage; "?" for an unknown one
// errors  none
// blocks  no
CLG_API const char *clg_dtype_name(clg_dtype t);

// Bytes of one element.
//
// t       any number
// result  1, 2, 4 or 8; 0 for an unknown type
// errors  none
// blocks  no
CLG_API size_t clg_dtype_size(clg_dtype t);

// All about an element type.
//
// t       any number
// result  of static storage; NULL for an unknown type
// errors  none
// blocks  no
CLG_API const clg_dtype_info *clg_dtype_get_info(clg_dtype t);

// Is it a floating type? Only those have gradients.
//
// t       any number
// result  true for F16, BF16, F32 and F64
// errors  none
// blocks  no
CLG_API bool clg_dtype_is_float(clg_dtype t);

// An element as a number.
//
// t       an element type
// element where it lies, at any address
// result  its value (i64 and u64 beyond 2^53 rounded); 0 for an unknown type
// errors  none
// blocks  no
CLG_API double clg_element_get(clg_dtype t, const void *element);

// Write a number as an element: how host code makes f16, which C has not.
//
// t       an element type
// element where it goes, at any address: clg_dtype_size(t) bytes
// value   floating types round it to nearest even; integers cut it off toward zero and take the
//         nearest that they have, 0 for NaN; BOOL is 0 for 0, else 1. Nothing is written for an
//         unknown type
// errors  none
// blocks  no
CLG_API void clg_element_set(clg_dtype t, void *element, double value);

// The element type of an operation on tensors with dimensions.
//
//   the higher kind of bool < integer < floating; of one kind the wider type, and where that does
//   not hold the other (U8 and I8, F16 and BF16), the next wider one that does
//
// PyTorch's, and where it has none (U16, U32 and U64 beside other integers) by the same rule; U64
// beside signed integers has no common type, and is refused by operations.
//
// In operations a 0-d tensor beside tensors with dimensions counts only where its kind is higher
// (bool, integer, floating), as in PyTorch.
//
// a, b    element types
// result  the common type, CLG_DTYPE_COUNT when there is none; a when one of them is unknown
// errors  none
// blocks  no
// source  PyTorch, torch.promote_types
CLG_API clg_dtype clg_promote_types(clg_dtype a, clg_dtype b);

// Number of elements of a shape.
//
//   product of dim[0..rank), 1 for rank 0
//
// s       a valid shape: sizes are not negative; a product beyond int64_t is INT64_MAX
// result  elements
// errors  none
// blocks  no
CLG_API int64_t clg_numel(clg_shape s);

// Take a caller's params struct, which may be of another version: how every function of the
// library reads one, and code built on it may read its own. They grow at their end; 0 is a default.
//
// out     a struct whose first member is size_t size; fields that `given` lacks become 0
// size    bytes of out
// given   the caller's struct, with its own size in its first member. NULL: all zeros
// result  NULL; else what is wrong, of static storage: its size is 0 (set by hand without the
//         macro), or it is longer than out and uses what is there; out is NULL or has no size
// errors  none
// blocks  no
CLG_API const char *clg_params_read(void *out, size_t size, const void *given);

// Version of the library that runs.
//
// result  "major.minor.patch", of static storage
// errors  none
// blocks  no
CLG_API const char *clg_version(void);

CLG_END
#endif
