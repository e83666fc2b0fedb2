// SPDX-License-Identifier: MIT
// OpenCL's error codes: their names, and what they mean for the work.
#include "device/internal.h"

#include "base/format.h"

#include <stdarg.h>

const char *clg__cl_error(cl_int code)
{
    switch (code) {
#define CASE(x)                                                                                    \
    case x:                                                                                        \
        return #x
        CASE(CL_SUCCESS);
        CASE(CL_DEVICE_NOT_FOUND);
        CASE(CL_DEVICE_NOT_AVAILABLE);
        CASE(CL_COMPILER_NOT_AVAILABLE);
        CASE(CL_MEM_OBJECT_ALLOCATION_FAILURE);
        CASE(CL_OUT_OF_RESOURCES);
        CASE(CL_OUT_OF_HOST_MEMORY);
        CASE(CL_BUILD_PROGRAM_FAILURE);
        CASE(CL_INVALID_VALUE);
        CASE(CL_INVALID_DEVICE);
        CASE(CL_INVALID_BINARY);
        CASE(CL_INVALID_KERNEL_NAME);
        CASE(CL_INVALID_KERNEL_ARGS);
        CASE(CL_INVALID_ARG_INDEX);
        CASE(CL_INVALID_ARG_VALUE);
        CASE(CL_INVALID_ARG_SIZE);
        CASE(CL_INVALID_WORK_GROUP_SIZE);
        CASE(CL_INVALID_WORK_ITEM_SIZE);
        CASE(CL_INVALID_BUFFER_SIZE);
        CASE(CL_INVALID_MEM_OBJECT);
        CASE(CL_INVALID_COMMAND_QUEUE);
        CASE(CL_INVALID_CONTEXT);
        CASE(CL_INVALID_EVENT);
        CASE(CL_INVALID_KERNEL);
        CASE(CL_INVALID_PROGRAM);
        CASE(CL_INVALID_WORK_DIMENSION);
        CASE(CL_INVALID_GLOBAL_WORK_SIZE);
        CASE(CL_INVALID_GLOBAL_OFFSET);
        CASE(CL_INVALID_EVENT_WAIT_LIST);
        CASE(CL_INVALID_OPERATION);
        CASE(CL_MAP_FAILURE);
        CASE(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST);
#undef CASE
    case -1001:
        return "no platform";
    default:
        return "unknown OpenCL error";
    }
}

static bool is_memory(cl_int rc)
{
    return rc == CL_OUT_OF_RESOURCES || rc == CL_MEM_OBJECT_ALLOCATION_FAILURE ||
           rc == CL_OUT_OF_HOST_MEMORY;
}

bool clg__is_lost(cl_int rc)
{
    return rc == CL_DEVICE_NOT_AVAILABLE || rc == CL_INVALID_COMMAND_QUEUE ||
           rc == CL_INVALID_CONTEXT || rc == CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST;
}

clg_status clg__cl_fail(clg__gpu *g, clg__err *e, cl_int rc, const char *format, ...)
{
    const clg_status st = is_memory(rc) ? CLG_ENOMEM : CLG_EDEVICE;
    char text[CLG__ERR_TEXT / 2];
    va_list ap;
    va_start(ap, format);
    clg__vformat(text, sizeof text, format, ap);
    va_end(ap);
    __atomic_fetch_add(&g->failures, 1, __ATOMIC_RELAXED);
    if (clg__is_lost(rc)) {
        pthread_mutex_lock(&g->lost_lock);
        clg__fail(&g->lost, CLG_EDEVICE, "the device failed earlier: %s: %s", text, clg__cl_error(rc));
        pthread_mutex_unlock(&g->lost_lock);
    }
    return clg__fail(e, st, "%s: %s", text, clg__cl_error(rc));
}

clg_status clg__gpu_lost(clg__gpu *g, clg__err *e)
{
    pthread_mutex_lock(&g->lost_lock);
    const clg_status st = g->lost.status;
    if (st < 0)
        clg__fail(e, st, "%s", g->lost.text);
    pthread_mutex_unlock(&g->lost_lock);
    return st;
}

uint64_t clg__gpu_failures(clg__gpu *g)
{
    return __atomic_load_n(&g->failures, __ATOMIC_RELAXED);
}
