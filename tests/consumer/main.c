// SPDX-License-Identifier: MIT
// An application that links an installed clgrad: prints the version of header and library. With a
// device it also computes, and fails when the answer is wrong.
#include <clgrad/clgrad.h>

int main(void)
{
    char error[1024];
    clg_device dev;
    printf("%s\n", clg_version());
    if (clg_device_open(&dev, clg_device_params(.error = error, .error_size = sizeof error)) < 0) {
        fprintf(stderr, "no device: %s\n", error);
        return 0;
    }
    clg_tensor x = clg_track(clg_full(dev, CLG_F32, CLG_SHAPE(3, 4), 2));
    clg_tensor y = clg_sum(clg_square(x), CLG_ALL, false), g = clg_grad(y, x);
    const bool right = clg_item(y, NULL) == 48 && clg_item(clg_mean(g, CLG_ALL, false), NULL) == 4;
    if (!right)
        fprintf(stderr, "wrong: %s\n", clg_error(dev, CLG_OK));
    clg_device_close(&dev);
    return !right;
}
