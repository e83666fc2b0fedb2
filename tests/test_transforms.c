// SPDX-License-Identifier: MIT
// Transforms of images against torchvision's results (data/transforms.txt), on batches as on images alone, and what is
// refused.
#include "testing.h"

enum { LINE = 1 << 16, MOST = 8192 };

static clg_tensor image(int kind, bool floating)
{
    const clg_shape s = kind == 3 ? CLG_SHAPE(2, 3, 6, 7) : kind == 1 ? CLG_SHAPE(2, 1, 6, 7)
                      : kind == 30 ? CLG_SHAPE(1, 3, 20, 30) : CLG_SHAPE(1, 3, 16, 16);
    static unsigned char bytes[MOST];
    static float numbers[MOST];
    uint32_t state = 1;
    for (int64_t i = 0; i < clg_numel(s); i++) {
        state = state * 1664525u + 1013904223u;
        bytes[i] = (unsigned char) (state >> 24);
        numbers[i] = (float) bytes[i] / 256;
    }
    return floating ? clg_upload(dev, CLG_F32, s, numbers) : clg_upload(dev, CLG_U8, s, bytes);
}

static const double ones[3] = { 1, 1, 1 }, lilac[3] = { 1, 0, 1 }, yellow[3] = { 1, 1, 0 }, cyan[3] = { 0, 1, 1 };
static const double off_center[2] = { 1, 2 }, corner[2] = { 0, 0 };
static const double mean[3] = { .485, .456, .406 }, deviation[3] = { .229, .224, .225 };

static clg_tensor perspective(clg_tensor x, const struct clg_image_warp_params *p)
{
    static const double from[8] = { 0, 0, 6, 0, 6, 5, 0, 5 }, to[8] = { 1, 0, 5, 1, 6, 4, 0, 5 };
    double c[8];
    ok(clg_image_perspective_of(c, from, to));
    return clg_image_perspective(x, c, p);
}

#define WARP(...) clg_image_warp_params(__VA_ARGS__)
#define RESIZE(...) clg_image_resize_params(__VA_ARGS__)
// name, image, call
#define CASES(C)                                                                                                       \
    C(to_float, 3, clg_image_to_dtype(x, CLG_F32, true))                                                               \
    C(to_u8, 3, clg_image_to_dtype(x, CLG_U8, true))                                                                   \
    C(normalize, 3, clg_image_normalize(clg_image_to_dtype(x, CLG_F32, true), mean, deviation, 3))                     \
    C(resize_small, 30, clg_image_resize(x, CLG_SHAPE(7, 11), NULL))                                                   \
    C(resize_large, 3, clg_image_resize(x, CLG_SHAPE(13, 9), NULL))                                                    \
    C(resize_short, 30, clg_image_resize(x, CLG_SHAPE(13), NULL))                                                      \
    C(resize_max, 30, clg_image_resize(x, CLG_SHAPE(13), RESIZE(.max_size = 17)))                                      \
    C(resize_plain, 30, clg_image_resize(x, CLG_SHAPE(7, 11), RESIZE(.no_antialias = true)))                           \
    C(resize_cubic, 30, clg_image_resize(x, CLG_SHAPE(9, 40), RESIZE(.filter = CLG_IMAGE_BICUBIC)))                    \
    C(resize_nearest, 30, clg_image_resize(x, CLG_SHAPE(7, 41), RESIZE(.filter = CLG_IMAGE_NEAREST)))                  \
    C(resize_exact, 30, clg_image_resize(x, CLG_SHAPE(7, 41), RESIZE(.filter = CLG_IMAGE_NEAREST_EXACT)))              \
    C(crop, 3, clg_image_crop(x, 1, 2, 3, 4))                                                                          \
    C(crop_outside, 3, clg_image_crop(x, -1, 5, 9, 4))                                                                 \
    C(crop_away, 3, clg_image_crop(x, 10, 0, 2, 2))                                                                    \
    C(center_crop, 3, clg_image_center_crop(x, 3, 4))                                                                  \
    C(center_large, 3, clg_image_center_crop(x, 9, 4))                                                                 \
    C(five_crop, 3, clg_image_five_crop(x, 3, 4))                                                                      \
    C(pad_constant, 3, clg_image_pad(x, 1, 2, 3, 0, CLG_IMAGE_CONSTANT, 1))                                            \
    C(pad_edge, 3, clg_image_pad(x, 1, 2, 3, 0, CLG_IMAGE_EDGE, 0))                                                    \
    C(pad_reflect, 3, clg_image_pad(x, 1, 2, 3, 0, CLG_IMAGE_REFLECT, 0))                                              \
    C(pad_symmetric, 3, clg_image_pad(x, 1, 2, 3, 0, CLG_IMAGE_SYMMETRIC, 0))                                          \
    C(hflip, 3, clg_image_hflip(x))                                                                                    \
    C(vflip, 3, clg_image_vflip(x))                                                                                    \
    C(rotate, 3, clg_image_rotate(x, 33, NULL))                                                                        \
    C(rotate_nearest, 3, clg_image_rotate(x, -71, WARP(.filter = CLG_IMAGE_NEAREST, .fill = lilac, .fills = 3)))       \
    C(rotate_expand, 3, clg_image_rotate(x, 400, WARP(.expand = true, .fill = ones, .fills = 1)))                      \
    C(rotate_90, 16, clg_image_rotate(x, 90, NULL))                                                                    \
    C(rotate_90_expand, 3, clg_image_rotate(x, -90, WARP(.expand = true)))                                             \
    C(rotate_center, 3, clg_image_rotate(x, 20, WARP(.center = off_center)))                                           \
    C(affine, 3, clg_image_affine(x, (struct clg_image_affine_map) { 20, 1, -2, 1.3, 10, -5 }, NULL))                      \
    C(affine_nearest, 3, clg_image_affine(x, (struct clg_image_affine_map) { -13, 1, 1, .7, 4, 3 },                        \
                                          WARP(.filter = CLG_IMAGE_NEAREST, .fill = yellow, .fills = 3)))              \
    C(affine_center, 3, clg_image_affine(x, (struct clg_image_affine_map) { 20, 0, 0, .8, 0, 0 }, WARP(.center = corner))) \
    C(perspective, 3, perspective(x, NULL))                                                                            \
    C(perspective_fill, 3, perspective(x, WARP(.filter = CLG_IMAGE_NEAREST, .fill = cyan, .fills = 3)))                \
    C(blur, 3, clg_image_gaussian_blur(x, 5, 3, 1.2, .7))                                                              \
    C(blur_default, 3, clg_image_gaussian_blur(x, 3, 5, 0, 0))                                                         \
    C(blur_gray, 1, clg_image_gaussian_blur(x, 3, 3, 2, 2))                                                            \
    C(erase, 3, clg_image_erase(x, 1, 2, 3, 4, lilac, 3))                                                              \
    C(gray, 3, clg_image_grayscale(x, 1))                                                                              \
    C(gray_3, 1, clg_image_grayscale(x, 3))                                                                            \
    C(brightness, 3, clg_image_adjust_brightness(x, 1.7))                                                              \
    C(contrast, 3, clg_image_adjust_contrast(x, .4))                                                                   \
    C(contrast_gray, 1, clg_image_adjust_contrast(x, 1.9))                                                             \
    C(saturation, 3, clg_image_adjust_saturation(x, 1.8))                                                              \
    C(hue, 3, clg_image_adjust_hue(x, .21))                                                                            \
    C(hue_back, 3, clg_image_adjust_hue(x, -.4))                                                                       \
    C(sharpness, 3, clg_image_adjust_sharpness(x, 2.5))                                                                \
    C(gamma, 3, clg_image_adjust_gamma(x, 2.2, 1.1))                                                                   \
    C(invert, 3, clg_image_invert(x))                                                                                  \
    C(posterize, 3, clg_image_posterize(x, 3))                                                                         \
    C(solarize, 3, clg_image_solarize(x, x->dtype == CLG_U8 ? 100 : .4))                                               \
    C(autocontrast, 3, clg_image_autocontrast(x))                                                                      \
    C(equalize, 16, clg_image_equalize(x))                                                                             \
    C(equalize_few, 3, clg_image_equalize(x))

#define FUNCTION(name, kind, call)                                                                                     \
    static clg_tensor case_##name(clg_tensor x)                                                                        \
    {                                                                                                                  \
        return call;                                                                                                   \
    }
CASES(FUNCTION)

static const struct {
    const char *name;
    int kind;
    clg_tensor (*call)(clg_tensor x);
} cases[] = {
#define ENTRY(name, kind, call) { #name, kind, case_##name },
    CASES(ENTRY)
};
enum { N_CASES = (int) (sizeof cases / sizeof cases[0]) };

static int hex(char c)
{
    return c >= 'a' ? c - 'a' + 10 : c - '0';
}

static double number_at(const char *text, int64_t i, bool floating)
{
    uint32_t bits = 0;
    float v;
    const int digits = floating ? 8 : 2;
    for (int k = 0; k < digits; k++)
        bits = bits << 4 | (uint32_t) hex(text[i * digits + k]);
    memcpy(&v, &bits, sizeof v);
    return floating ? (double) v : (double) bits;
}

static void compare(const char *name, const char *type, const char *shape, const char *text, clg_tensor y)
{
    char got[64] = "";
    ck_assert_msg(y->status >= 0, "%s: %s", name, clg_tensor_error(y));
    for (int d = 0; d < y->shape.rank; d++)
        sprintf(got + strlen(got), d ? "x%d" : "%d", (int) y->shape.dim[d]);
    ck_assert_msg(strcmp(got, shape) == 0, "%s: [%s], expected [%s]", name, got, shape);
    ck_assert_msg(strcmp(clg_dtype_name(y->dtype), type) == 0, "%s: %s, expected %s", name, clg_dtype_name(y->dtype), type);
    const bool floating = y->dtype == CLG_F32;
    double *v = read_all(y);
    int64_t other = 0;
    for (int64_t i = 0; i < clg_numel(y->shape); i++) {
        const double want = number_at(text, i, floating), off = fabs(v[i] - want);
        other += off > 0;
        ck_assert_msg(off <= (floating ? 1e-5 : 1), "%s %s: element %d is %g, expected %g", name,
                      type, (int) i, v[i], want);
    }
    // bytes are resized by whole numbers; else rounding decides at halves
    ck_assert_msg(floating || (strncmp(name, "resize", 6) == 0 ? other == 0 : other * 100 <= clg_numel(y->shape)),
                  "%s: %d of %d elements are off by one", name, (int) other, (int) clg_numel(y->shape));
    free(v);
}

START_TEST(as_torchvision)
{
    static char line[LINE], text[LINE];
    char name[32], in[8], type[8], shape[64];
    const char *path = getenv("CLGRAD_TRANSFORMS");
    FILE *f = fopen(path ? path : "tests/data/transforms.txt", "r");
    int n = 0;
    ck_assert_msg(f != NULL, "CLGRAD_TRANSFORMS names data/transforms.txt");
    while (fgets(line, sizeof line, f)) {
        ck_assert_int_eq(sscanf(line, "%31s %7s %7s %63s %s", name, in, type, shape, text), 5);
        int k = 0;
        while (k < N_CASES && strcmp(cases[k].name, name) != 0)
            k++;
        ck_assert_msg(k < N_CASES, "there is no case %s", name);
        n++;
        if (!in_turn(n / 2, 15))
            continue;
        clg_scope scope = clg_scope_push(dev);
        compare(name, type, shape, text, cases[k].call(image(cases[k].kind, strcmp(in, "f32") == 0)));
        clg_scope_pop(scope);
    }
    fclose(f);
    ck_assert_int_eq(n, 2 * N_CASES);
}
END_TEST

static void refused(clg_tensor y, clg_status st, const char *says)
{
    ck_assert_msg(y->status == st, "%d, expected %d: %s", y->status, st, clg_tensor_error(y));
    ck_assert_msg(strstr(clg_tensor_error(y), says), "%s", clg_tensor_error(y));
    clg_error_clear(dev);
}

START_TEST(wrong_calls)
{
    clg_scope scope = clg_scope_push(dev);
    const clg_tensor x = image(3, true), u = image(3, false), flat = clg_zeros(dev, CLG_F32, CLG_SHAPE(3, 4));
    const clg_tensor two = clg_zeros(dev, CLG_F32, CLG_SHAPE(2, 4, 4)), empty = clg_zeros(dev, CLG_U8, CLG_SHAPE(3, 0, 4));
    const double zero[3] = { 1, 0, 1 }, inf[8] = { INFINITY };
    double c[8];
    refused(clg_image_hflip(flat), CLG_ESHAPE, "rank 2");
    refused(clg_image_grayscale(two, 1), CLG_ESHAPE, "2 channels");
    refused(clg_image_grayscale(x, 2), CLG_EINVAL, "1 or 3");
    refused(clg_image_to_dtype(x, CLG_I32, true), CLG_EDTYPE, "f32 cannot be scaled to i32");
    refused(clg_image_normalize(u, mean, deviation, 3), CLG_EDTYPE, "u8");
    refused(clg_image_normalize(x, mean, zero, 3), CLG_EINVAL, "deviation 1 is 0");
    refused(clg_image_normalize(x, mean, deviation, 2), CLG_ESHAPE, "2 numbers");
    refused(clg_image_resize(x, CLG_SHAPE(0, 3), NULL), CLG_ESHAPE, "below 1");
    refused(clg_image_resize(empty, CLG_SHAPE(3, 3), NULL), CLG_ESHAPE, "empty");
    refused(clg_image_resize(x, CLG_SHAPE(3, 3), RESIZE(.max_size = 7)), CLG_EINVAL, "max_size");
    refused(clg_image_resize(x, CLG_SHAPE(3), RESIZE(.max_size = 3)), CLG_EINVAL, "max_size");
    refused(clg_image_resize(x, CLG_SHAPE(3), RESIZE(.filter = (clg_image_filter) 4)), CLG_EINVAL, "filter");
    refused(clg_image_crop(x, 0, 0, 0, 2), CLG_ESHAPE, "0 x 2");
    refused(clg_image_crop(x, INT64_MIN, 0, 1, INT64_MAX), CLG_ESHAPE, "pixels");
    refused(clg_image_five_crop(x, 7, 2), CLG_ESHAPE, "7 x 2");
    refused(clg_image_pad(x, 7, 0, 0, 0, CLG_IMAGE_REFLECT, 0), CLG_EINVAL, "margin of 7");
    refused(clg_image_pad(x, 0, -1, 0, 0, CLG_IMAGE_CONSTANT, 0), CLG_EINVAL, "margin of -1");
    refused(clg_image_pad(x, 0, 0, 0, 0, (clg_image_margin) 9, 0), CLG_EINVAL, "mode");
    refused(clg_image_rotate(x, NAN, NULL), CLG_EINVAL, "finite");
    refused(clg_image_rotate(x, 1, WARP(.filter = CLG_IMAGE_BICUBIC)), CLG_EINVAL, "filter");
    refused(clg_image_rotate(x, 1, WARP(.fill = ones, .fills = 2)), CLG_ESHAPE, "2 fills");
    refused(clg_image_affine(x, (struct clg_image_affine_map) { 0 }, NULL), CLG_EINVAL, "scale is 0");
    refused(clg_image_perspective(x, inf, NULL), CLG_EINVAL, "number 0");
    refused(clg_image_gaussian_blur(x, 2, 3, 1, 1), CLG_EINVAL, "2 x 3");
    refused(clg_image_gaussian_blur(x, 3, 3, -1, 1), CLG_EINVAL, "sigma");
    refused(clg_image_erase(x, 0, 0, 1, 1, lilac, 2), CLG_ESHAPE, "2 numbers");
    refused(clg_image_adjust_brightness(x, -1), CLG_EINVAL, "factor");
    refused(clg_image_adjust_hue(x, .6), CLG_EINVAL, "0.6");
    refused(clg_image_posterize(x, 9), CLG_EINVAL, "9 bits");
    refused(clg_image_solarize(x, 1.5), CLG_EINVAL, "1.5");
    ck_assert_int_eq(clg_image_perspective_of(c, inf, NULL), CLG_EINVAL);
    ck_assert_int_eq(clg_image_perspective_of(c, (double[8]) { 0 }, (double[8]) { 0 }), CLG_EINVAL);
    clg_scope_pop(scope);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("transforms");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 600);
    tcase_add_test(c, as_torchvision);
    tcase_add_test(c, wrong_calls);
    suite_add_tcase(s, c);
    return run_suite(s);
}
