// SPDX-License-Identifier: MIT
// Tensors, fused kernels and gradients on any OpenCL device. Includes every part.
#ifndef CLGRAD_CLGRAD_H
#define CLGRAD_CLGRAD_H

#include <clgrad/amp.h>
#include <clgrad/arrange.h>
#include <clgrad/array.h>
#include <clgrad/attention.h>
#include <clgrad/augment.h>
#include <clgrad/auto_augment.h>
#include <clgrad/autocast.h>
#include <clgrad/autograd.h>
#include <clgrad/base.h>
#include <clgrad/color.h>
#include <clgrad/conv.h>
#include <clgrad/create.h>
#include <clgrad/custom.h>
#include <clgrad/device.h>
#include <clgrad/factor.h>
#include <clgrad/grad.h>
#include <clgrad/image.h>
#include <clgrad/image_file.h>
#include <clgrad/index.h>
#include <clgrad/io.h>
#include <clgrad/linalg.h>
#include <clgrad/loader.h>
#include <clgrad/loss.h>
#include <clgrad/monitor.h>
#include <clgrad/nn.h>
#include <clgrad/norm.h>
#include <clgrad/observe.h>
#include <clgrad/ops.h>
#include <clgrad/optim.h>
#include <clgrad/place.h>
#include <clgrad/pointwise.h>
#include <clgrad/recurrent.h>
#include <clgrad/reduce.h>
#include <clgrad/scan.h>
#include <clgrad/schedule.h>
#include <clgrad/search.h>
#include <clgrad/sort.h>
#include <clgrad/tensor.h>
#include <clgrad/transform.h>
#include <clgrad/transformer.h>
#include <clgrad/var.h>

#endif
