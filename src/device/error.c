// SPDX-License-Identifier: MIT
// Names of OpenCL's error codes.
#include "device/internal.h"

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
        CASE(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST);
#undef CASE
    case -1001:
        return "no platform";
    default:
        return "unknown OpenCL error";
    }
}
