// SPDX-License-Identifier: MIT
// The same library from C++11, without the macros that only C has.
#include <clgrad/clgrad.h>

int main()
{
    struct clg_device_params p = {};
    p.size = sizeof p;
    clg_device dev = nullptr;
    if (clg_device_open(&dev, &p) < 0)
        return 0;
    clg_shape s = {};
    s.rank = 1;
    s.dim[0] = 5;
    const clg_shape all = {};
    clg_tensor x = clg_ones(dev, CLG_F32, s);
    const bool right = clg_item(clg_sum(clg_add(x, x), all, false), nullptr) == 10;
    clg_device_close(&dev);
    return !right;
}
