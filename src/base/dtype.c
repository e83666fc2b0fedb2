// SPDX-License-Identifier: MIT
// Element types: size, name, promotion. Everything comes from the one table in base.h.
#include <clgrad/base.h>

#ifndef CLG_VERSION // meson.build has it; files compiled by other means do not
#define CLG_VERSION "0.0.0"
#endif

const char *clg_dtype_name(clg_dtype t)
{
    switch (t) {
#define CASE(name, value, bytes, text)                                                             \
    case CLG_##name:                                                                               \
        return text;
        CLG_DTYPE_MAP(CASE)
#undef CASE
    }
    return "?";
}

size_t clg_dtype_size(clg_dtype t)
{
    switch (t) {
#define CASE(name, value, bytes, text)                                                             \
    case CLG_##name:                                                                               \
        return bytes;
        CLG_DTYPE_MAP(CASE)
#undef CASE
    }
    return 0;
}

bool clg_dtype_is_float(clg_dtype t)
{
    return t == CLG_F32 || t == CLG_F64;
}

// PyTorch's table for tensors with dimensions.
static const clg_dtype promotion[CLG_DTYPE_COUNT][CLG_DTYPE_COUNT] = {
    //            f32      f64      i32      i64      u8       bool
    /* f32  */ { CLG_F32, CLG_F64, CLG_F32, CLG_F32, CLG_F32, CLG_F32 },
    /* f64  */ { CLG_F64, CLG_F64, CLG_F64, CLG_F64, CLG_F64, CLG_F64 },
    /* i32  */ { CLG_F32, CLG_F64, CLG_I32, CLG_I64, CLG_I32, CLG_I32 },
    /* i64  */ { CLG_F32, CLG_F64, CLG_I64, CLG_I64, CLG_I64, CLG_I64 },
    /* u8   */ { CLG_F32, CLG_F64, CLG_I32, CLG_I64, CLG_U8, CLG_U8 },
    /* bool */ { CLG_F32, CLG_F64, CLG_I32, CLG_I64, CLG_U8, CLG_BOOL },
};

clg_dtype clg_promote_types(clg_dtype a, clg_dtype b)
{
    if ((unsigned) a >= CLG_DTYPE_COUNT || (unsigned) b >= CLG_DTYPE_COUNT)
        return a;
    return promotion[a][b];
}

int64_t clg_numel(clg_shape s)
{
    int64_t n = 1;
    bool too_many = false;
    for (int d = 0; d < s.rank && d < CLG_MAX_RANK; d++) {
        if (s.dim[d] == 0)
            return 0;
        too_many |= __builtin_mul_overflow(n, s.dim[d], &n);
    }
    return too_many ? INT64_MAX : n;
}

const char *clg_version(void)
{
    return CLG_VERSION;
}
