// SPDX-License-Identifier: MIT
// Windows of signal processing, computed on the host in double and uploaded.
#include "base/alloc.h"
#include "base/dtype.h"
#include "base/fp.h"
#include "graph/build.h"
#include <clgrad/create.h>
#include <clgrad/tensor.h>

#include <math.h>

static const double PI = 3.14159265358979324;

// What a window is at place x of 0..last.
typedef double (*window_fn)(double x, double last, const double *p, int n);

// a[0] - a[1] cos(x) + a[2] cos(2 x) - ...
static double cosines(double x, double last, const double *a, int n)
{
    double y = 0;
    for (int k = 0; k < n; k++)
        y += (k % 2 ? -a[k] : a[k]) * cos(2 * PI * k * x / last);
    return y;
}

// Cosines that add up to 0 at the ends, and may not fall below.
static double bounded_cosines(double x, double last, const double *a, int n)
{
    return fmax(0, cosines(x, last, a, n));
}

static double triangle(double x, double last, const double *p, int n)
{
    (void) p, (void) n;
    return 1 - fabs(2 * x / last - 1);
}

// Bessel's function of the first kind, modified: the power series, whose terms are all positive.
static double bessel0(double x)
{
    double sum = 1, term = 1;
    for (int k = 1; term > sum * 1e-17 && k < 2000; k++)
        sum += term *= x * x / 4 / k / k;
    return sum;
}

static double kaiser(double x, double last, const double *p, int n)
{
    const double r = 2 * x / last - 1;
    (void) n;
    return bessel0(p[0] * sqrt(fmax(0, 1 - r * r))) / bessel0(p[0]);
}

static double gaussian(double x, double last, const double *p, int n)
{
    const double r = (x - last / 2) / p[0];
    (void) n;
    return exp(-r * r / 2);
}

static double sine(double x, double last, const double *p, int n)
{
    (void) p, (void) n;
    return sin(PI * (x + 0.5) / (last + 1));
}

static double decay(double x, double last, const double *p, int n)
{
    (void) n;
    return exp(-fabs(x - (isnan(p[1]) ? last / 2 : p[1])) / p[0]);
}

static clg_tensor window(clg_device dev, const char *op, clg_dtype t, int64_t n, bool periodic, window_fn f,
                         const double *p, int n_p)
{
    CLG__DEFAULT_FP;
    clg__call c;
    clg__call_source(&c, dev, op);
    if (!c.dev)
        return clg__call_own(&c, clg_full(dev, CLG_F32, CLG_SCALAR, 0)); // says why
    if (!clg_dtype_is_float(t))
        return clg__call_fail(&c, CLG_EDTYPE, "%s, expected a floating type", clg_dtype_name(t));
    if (n < 0 || n > INT32_MAX)
        return clg__call_fail(&c, CLG_EINVAL, "%lld places", (long long) n);
    const size_t e = clg_dtype_size(t);
    char *v = clg__calloc((size_t) n + 1, e);
    if (!v)
        return clg__call_fail(&c, CLG_ENOMEM, "out of host memory for %lld places", (long long) n);
    for (int64_t i = 0; i < n; i++) {
        const double last = (double) (periodic && n > 1 ? n : n - 1);
        clg_element_set(t, v + (size_t) i * e, n == 1 && f != decay ? 1 : f((double) i, last, p, n_p));
    }
    const clg_tensor y = clg__call_own(&c, clg_upload(dev, t, CLG_SHAPE(n), v));
    clg__free(v);
    return y;
}

clg_tensor clg_hann_window(clg_device dev, clg_dtype t, int64_t n, bool periodic)
{
    return window(dev, "hann_window", t, n, periodic, cosines, (double[]) { 0.5, 0.5 }, 2);
}

clg_tensor clg_hamming_window(clg_device dev, clg_dtype t, int64_t n, bool periodic, double alpha, double beta)
{
    return window(dev, "hamming_window", t, n, periodic, cosines, (double[]) { alpha, beta }, 2);
}

clg_tensor clg_blackman_window(clg_device dev, clg_dtype t, int64_t n, bool periodic)
{
    return window(dev, "blackman_window", t, n, periodic, bounded_cosines, (double[]) { 0.42, 0.5, 0.08 }, 3);
}

clg_tensor clg_nuttall_window(clg_device dev, clg_dtype t, int64_t n, bool periodic)
{
    return window(dev, "nuttall_window", t, n, periodic, cosines, (double[]) { 0.3635819, 0.4891775, 0.1365995, 0.0106411 }, 4);
}

clg_tensor clg_general_hamming_window(clg_device dev, clg_dtype t, int64_t n, bool periodic, double alpha)
{
    return window(dev, "general_hamming_window", t, n, periodic, cosines, (double[]) { alpha, 1 - alpha }, 2);
}

clg_tensor clg_general_cosine_window(clg_device dev, clg_dtype t, int64_t n, bool periodic, const double *a, int terms)
{
    if (dev && (!a || terms < 1))
        return clg_poison(dev, CLG_EINVAL, "general_cosine_window: %d terms", a ? terms : 0);
    return window(dev, "general_cosine_window", t, n, periodic, cosines, a, terms);
}

clg_tensor clg_bartlett_window(clg_device dev, clg_dtype t, int64_t n, bool periodic)
{
    return window(dev, "bartlett_window", t, n, periodic, triangle, NULL, 0);
}

clg_tensor clg_kaiser_window(clg_device dev, clg_dtype t, int64_t n, bool periodic, double beta)
{
    if (dev && !(beta >= 0 && beta <= 700))
        return clg_poison(dev, CLG_EINVAL, "kaiser_window: beta is %g, expected 0 to 700", beta);
    return window(dev, "kaiser_window", t, n, periodic, kaiser, &beta, 1);
}

clg_tensor clg_gaussian_window(clg_device dev, clg_dtype t, int64_t n, bool periodic, double std)
{
    if (dev && !(std > 0))
        return clg_poison(dev, CLG_EINVAL, "gaussian_window: std is %g, expected above 0", std);
    return window(dev, "gaussian_window", t, n, periodic, gaussian, &std, 1);
}

clg_tensor clg_cosine_window(clg_device dev, clg_dtype t, int64_t n, bool periodic)
{
    return window(dev, "cosine_window", t, n, periodic, sine, NULL, 0);
}

clg_tensor clg_exponential_window(clg_device dev, clg_dtype t, int64_t n, bool periodic, double tau, double center)
{
    if (dev && !(tau > 0))
        return clg_poison(dev, CLG_EINVAL, "exponential_window: tau is %g, expected above 0", tau);
    if (dev && !periodic && !isnan(center))
        return clg_poison(dev, CLG_EINVAL, "exponential_window: a symmetric one has no center of its own");
    return window(dev, "exponential_window", t, n, periodic, decay, (double[]) { tau, center }, 2);
}
