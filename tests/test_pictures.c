// SPDX-License-Identifier: MIT
// The tool's pictures: decoded, of a size that fits a screen, with what they have to show in its colour; for any number of
// epochs, classes and images, for names of any bytes, without fonts and without cairo.
#include "folder.h"
#include "pictures.h"

#include <clgrad/clgrad.h>
#include <math.h>
#include <sys/stat.h>

enum { WRONG_FRAME = 0xD55E00, BLUE = 0x0072B2, GREEN = 0x00795A };

static char why[600];
static clg_array picture;

static void open_picture(const char *name)
{
    clg_array_close(&picture);
    ck_assert_msg(clg_image_open(&picture, in_folder(name), clg_image_params(.mode = CLG_IMAGE_RGB), why, sizeof why) == CLG_OK,
                  "%s", why);
    const int64_t h = picture.shape.dim[0], w = picture.shape.dim[1];
    ck_assert_msg(w >= 300 && h >= 100 && w <= 2000, "%s: %lld x %lld", name, (long long) w, (long long) h);
}

static const uint8_t *pixel(int64_t i)
{
    return (const uint8_t *) picture.data + 3 * i;
}

static int64_t pixels(void)
{
    return picture.shape.dim[0] * picture.shape.dim[1];
}

static int64_t count_color(color k)
{
    int64_t n = 0;
    for (int64_t i = 0; i < pixels(); i++)
        n += pixel(i)[0] == (k >> 16) && pixel(i)[1] == (k >> 8 & 255) && pixel(i)[2] == (k & 255);
    return n;
}

// Of thin letters no pixel has the whole colour.
static int64_t count_near(color k)
{
    int64_t n = 0;
    for (int64_t i = 0; i < pixels(); i++) {
        int apart = 0;
        for (int c = 0; c < 3; c++)
            apart += abs(pixel(i)[c] - (int) (k >> (16 - 8 * c) & 255));
        n += apart < 200;
    }
    return n;
}

static void check_drawn(bool ok, const char *name)
{
    ck_assert_msg(ok, "%s", why);
    open_picture(name);
    const int64_t white = count_color(0xFFFFFF);
    ck_assert_msg(white < pixels() && white > pixels() / 10, "%s: %lld of %lld white", name, (long long) white,
                  (long long) pixels());
}

// ---- canvas

START_TEST(shapes_are_where_they_belong)
{
    canvas *c = canvas_make(300, 100, 0xFFFFFF, why, sizeof why);
    ck_assert_msg(c != NULL, "%s", why);
    ck_assert_int_eq(canvas_width(c) * 1000 + canvas_height(c), 300100);
    canvas_rect(c, 10, 10, 20, 10, 0xFF0000);
    canvas_clip(c, 100, 0, 10, 100);
    canvas_rect(c, 90, 10, 40, 10, 0x00FF00);
    canvas_unclip(c);
    canvas_rect(c, 200, 10, 10, 10, faded(0x000000, 0.5));
    canvas_pixels(c, 50, 50, 30, 30, (const uint8_t[]) { 0, 0, 254, 254, 0, 254, 0, 254, 254, 1, 2, 3 }, 2, 2, 3, false);
    const uint8_t clear[] = { 9, 9, 9, 0, 9, 9, 9, 255 };
    canvas_pixels(c, 250, 50, 20, 10, clear, 2, 1, 4, false);
    canvas_frame(c, 150, 50, 10, 10, 1, 0x123456);
    canvas_polygon(c, (double[]) { 0, 90, 10, 90, 10, 100, 0, 100 }, 4, 0x345678);
    canvas_line(c, (double[]) { 0, NAN, 20, 95.5, 40, 95.5, NAN, 0, INFINITY, 4 }, 5, 1, 0, 0x456789);
    check_drawn(canvas_save(c, in_folder("shapes.png"), why, sizeof why), "shapes.png");
    canvas_free(&c);
    ck_assert_ptr_null(c);
    ck_assert_int_eq(count_color(0xFF0000), 200);
    ck_assert_int_eq(count_color(0x00FF00), 100);
    ck_assert_int_eq(count_color(0x7F7F7F) + count_color(0x808080), 100);
    ck_assert_int_eq(count_color(0x0000FE), 225);
    ck_assert_int_eq(count_color(0x010203), 225);
    ck_assert_int_eq(count_color(0x090909), 100);
    ck_assert_int_eq(count_color(0x123456), 36);
    ck_assert_int_eq(count_color(0x345678), 100);
    ck_assert_int_ge(count_color(0x456789), 18);
}
END_TEST

START_TEST(text_of_any_bytes)
{
    canvas *c = canvas_make(300, 200, 0xFFFFFF, why, sizeof why);
    char all[600], every[256];
    memset(all, 'W', sizeof all - 1);
    all[sizeof all - 1] = '\0';
    for (int i = 0; i < 255; i++)
        every[i] = (char) (i + 1);
    every[255] = '\0';
    const char *const texts[] = { "", " ", "a\xFF" "b", "\xC3", "\xE2\x80", "\xF4\x90\x80\x80", "\xED\xA0\x80", "\xC0\x80", "\n\t\x01",
                                  "K\xC3\xA4" "fer \xE7\x8C\xAB \xF0\x9F\x90\x88", all, every };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        canvas_text(c, 10, 20 + 10 * (double) i, &(text_style) { .size = 12, .ink = BLUE, .turn = i % 2 ? 30 : 0 }, texts[i]);
        const double w = canvas_text(c, 10, 20, &(text_style) { .size = 12, .ink = BLUE, .room = 40, .align = TEXT_MIDDLE }, texts[i]);
        ck_assert_msg(w <= 40, "text %zu is %g wide", i, w);
    }
    ck_assert(canvas_text_width(c, 12, false, "Wide") < canvas_text_width(c, 12, false, "Wider"));
    ck_assert(canvas_text_width(c, 12, false, "Wide") < canvas_text_width(c, 24, false, "Wide"));
    ck_assert_int_eq(canvas_lacks_fonts(), getenv("FONTCONFIG_FILE") != NULL);
    check_drawn(canvas_save(c, in_folder("text.png"), why, sizeof why), "text.png");
    ck_assert_int_gt(count_near(BLUE), 100);
    canvas_free(&c);
}
END_TEST

START_TEST(failures_say_where)
{
    int64_t one = 1;
    struct stat s;
    canvas *c = canvas_make(10, 10, 0, why, sizeof why);
    ck_assert(!canvas_save(c, in_folder("no/such.png"), why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "no/such.png"));
    canvas_free(&c);
    canvas_free(&c);
    ck_assert_ptr_null(canvas_make(1 << 20, 10, 0, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "1048576x10"));
    ck_assert(!draw_confusion(in_folder("no/such.png"), &(confusion) { 1, &one, NULL, "images" }, why, sizeof why));
    ck_assert(!draw_samples(in_folder("no/such.png"), &(samples) { 0 }, why, sizeof why));
    ck_assert(!draw_curve(in_folder("no/such.png"), &(curves) { 0 }, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "no/such.png"));
    ck_assert_int_ne(stat(in_folder("no"), &s), 0);
}
END_TEST

// ---- pictures

START_TEST(curves_of_any_length)
{
    const int lengths[] = { 0, 1, 2, 3, 40, 200, 20000 };
    for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++) {
        const int n = lengths[k];
        double *v = calloc(4 * (size_t) n + 4, sizeof *v);
        for (int i = 0; i < n; i++) {
            v[4 * i] = exp(-i * 3.0 / n);
            v[4 * i + 1] = 0.9 * v[4 * i];
            v[4 * i + 2] = 1 - v[4 * i] / 2;
        }
        curves c = { .n = n, .loss = v, .test_loss = k % 2 ? v + 1 : NULL, .accuracy = v + 2, .stride = 4 * sizeof *v,
                     .landmark = 0.8, .landmark_name = k % 3 ? "people" : NULL };
        check_drawn(draw_curve(in_folder("curve.png"), &c, why, sizeof why), "curve.png");
        ck_assert_int_gt(count_color(BLUE), n ? 150 : 20);
        ck_assert_int_gt(count_color(WRONG_FRAME), n ? 150 : 20);
        ck_assert_int_eq(count_color(GREEN) > 100, k % 3 != 0);
        free(v);
    }
}
END_TEST

START_TEST(numbers_that_are_none_are_gaps)
{
    const color band = mixed(0xFFFFFF, WRONG_FRAME, 0.12);
    double v[5] = { 3, NAN, 2, -INFINITY, 1 };
    curves c = { .n = 5, .loss = v };
    check_drawn(draw_curve(in_folder("gaps.png"), &c, why, sizeof why), "gaps.png");
    int64_t near = 0;
    for (int64_t i = 0; i < pixels(); i++)
        near += abs(pixel(i)[0] - (int) (band >> 16)) < 3 && abs(pixel(i)[2] - (int) (band & 255)) < 3;
    ck_assert_int_gt(near, 2 * 80 * 300);
    for (int i = 0; i < 5; i++)
        v[i] = i % 2 ? INFINITY : NAN;
    c.accuracy = v;
    check_drawn(draw_curve(in_folder("gaps.png"), &c, why, sizeof why), "gaps.png");
    for (int i = 0; i < 5; i++)
        v[i] = i == 4 ? 1e300 : i * 1e-300; // 0 among them, and a range that no plain axis shows
    check_drawn(draw_curve(in_folder("gaps.png"), &c, why, sizeof why), "gaps.png");
    for (int i = 0; i < 5; i++)
        v[i] = 1234.5; // no range at all
    check_drawn(draw_curve(in_folder("gaps.png"), &c, why, sizeof why), "gaps.png");
}
END_TEST

START_TEST(confusions_of_any_number_of_classes)
{
    const int sizes[] = { 1, 2, 3, 10, 37, 100, 1000, 1301 };
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        const int n = sizes[k];
        int64_t *counts = calloc((size_t) n * (size_t) n, sizeof *counts);
        const char **names = calloc((size_t) n, sizeof *names);
        for (int i = 0; i < n; i++) {
            counts[(ptrdiff_t) i * n + i] = 1000000 * (i % 3);
            names[i] = i % 2 ? "a name that is very much longer than there is room for it in a table of classes" : "\xFF";
        }
        counts[n - 1] = 7;
        const confusion m = { n, counts, k % 2 ? names : NULL, "test images" };
        check_drawn(draw_confusion(in_folder("confusion.png"), &m, why, sizeof why), "confusion.png");
        if (n > 1)
            ck_assert_int_gt(count_color(0x004C8C), 20); // rows that are right alone
        ck_assert_int_ge(picture.shape.dim[1], picture.shape.dim[0] - 100);
        free(names);
        free(counts);
    }
    const int64_t none[4] = { 0 };
    check_drawn(draw_confusion(in_folder("none.png"), &(confusion) { 2, none, NULL, "images" }, why, sizeof why), "none.png");
}
END_TEST

START_TEST(images_of_any_size)
{
    static const int sizes[][4] = { { 1, 28, 28, 1 }, { 12, 28, 28, 1 }, { 11, 3, 5, 3 }, { 3, 1, 1, 4 }, { 5, 300, 70, 3 }, { 2, 1, 2000, 3 } };
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        const int n = sizes[k][0], h = sizes[k][1], w = sizes[k][2], channels = sizes[k][3];
        const size_t bytes = (size_t) n * (size_t) h * (size_t) w * (size_t) channels;
        uint8_t *p = malloc(bytes);
        for (size_t i = 0; i < bytes; i++)
            p[i] = channels == 1 ? 77 : (uint8_t[]) { 200, 10, 60, 255 }[i % (size_t) channels];
        const int64_t truth[12] = { 0, 1, -1, 0 }, said[12] = { 1, 0, 5 };
        const double sure[12] = { 1, 0.5 };
        const char *const names[] = { "cat", "a dog with a name that is longer than its picture is wide" };
        samples s = { n, h, w, channels, p, k % 2, truth, said, k % 3 ? sure : NULL, names, 2, NULL };
        check_drawn(draw_samples(in_folder("samples.png"), &s, why, sizeof why), "samples.png");
        const color shown = channels == 1 ? (k % 2 ? 0xB2B2B2 : 0x4D4D4D) : k % 2 ? 0x37F5C3 : 0xC80A3C;
        const int64_t one = h == 28 ? 12544 : h == 3 ? 9000 : h == 1 && w == 1 ? 16384 : h == 300 ? 3600 : 128;
        ck_assert_msg(count_color(shown) >= n * one, "%zu: %lld", k, (long long) count_color(shown));
        ck_assert_int_gt(count_color(WRONG_FRAME), 500);
        ck_assert_int_gt(count_near(BLUE), 20);
        s.truth = NULL;
        check_drawn(draw_samples(in_folder("samples.png"), &s, why, sizeof why), "samples.png");
        ck_assert_int_lt(count_color(WRONG_FRAME), 50);
        free(p);
    }
    check_drawn(draw_samples(in_folder("empty.png"), &(samples) { 0 }, why, sizeof why), "empty.png");
}
END_TEST

START_TEST(layers_of_any_number)
{
    static const int sizes[][2] = { { 1, 1 }, { 3, 2 }, { 20, 30 }, { 300, 2000 } };
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        const int n = sizes[k][0], steps = sizes[k][1];
        double *v = calloc((size_t) n * (size_t) steps, sizeof *v), *none = calloc((size_t) n * (size_t) steps, sizeof *none);
        int64_t *at = calloc((size_t) steps, sizeof *at);
        const char **names = calloc((size_t) n, sizeof *names), **words = calloc((size_t) n, sizeof *words);
        for (int i = 0; i < n * steps; i++) {
            v[i] = i % steps == 0 && i > steps ? NAN : pow(10, -i / steps); // NOLINT: whole layers
            none[i] = NAN;
        }
        v[n * steps - 1] = INFINITY;
        for (int i = 0; i < n; i++) {
            names[i] = i % 2 ? "encoder.layers.3.self_attention.in_projection.weight" : "fc\xFF";
            words[i] = i == n - 1 ? "not finite" : i > n / 2 ? "vanishing" : i ? "" : NULL;
        }
        const layer_statistic s[] = { { "Outputs", false, v }, { "Nothing", false, none }, { "Zeros", true, v }, { "Weights", false, v } };
        check_drawn(draw_layers(in_folder("layers.png"), &(layers) { n, steps, 4, names, at, s, words }, why, sizeof why), "layers.png");
        ck_assert_int_gt(count_color(WRONG_FRAME), 150);
        ck_assert_int_eq(count_color(0xFDE725) > 3 * 15, n > 1); // the largest number's colour
        ck_assert_int_eq(count_color(BLUE) > 50, n > 1);
        check_drawn(draw_layers(in_folder("layers.png"), &(layers) { n, steps, 1, names, at, s + 1, NULL }, why, sizeof why), "layers.png");
        free(v), free(none), free(at), free(names), free(words);
    }
    check_drawn(draw_layers(in_folder("layers.png"), &(layers) { 0 }, why, sizeof why), "layers.png");
}
END_TEST

START_TEST(saliency_of_any_image)
{
    static const int sizes[][3] = { { 28, 28, 1 }, { 1, 1, 3 }, { 3, 500, 3 }, { 700, 2, 1 } };
    for (size_t k = 0; k < 8; k++) {
        const int h = sizes[k / 2][0], w = sizes[k / 2][1], channels = sizes[k / 2][2];
        uint8_t *p = calloc((size_t) (h * w * channels), 1);
        double *heat = calloc((size_t) (h * w), sizeof *heat);
        for (int i = 0; i < h * w; i++)
            heat[i] = i % 2 ? -1e-30 : 1e-30;
        saliency s = { h, w, channels, p, heat, k % 2, "an \xFF image with a title that is longer than all three of it are "
                       "wide, which is a good deal, and it has to be cut somewhere before the end of the page", "below" };
        check_drawn(draw_saliency(in_folder("s.png"), &s, why, sizeof why), "s.png");
        ck_assert_int_eq(count_color(WRONG_FRAME) > 100, k % 2 && k < 4); // smaller ones are averaged
        heat[0] = NAN;
        check_drawn(draw_saliency(in_folder("s.png"), &s, why, sizeof why), "s.png");
        for (int i = 0; i < h * w; i++)
            heat[i] = 0;
        check_drawn(draw_saliency(in_folder("s.png"), &s, why, sizeof why), "s.png");
        ck_assert_int_gt(count_near(WRONG_FRAME), 100); // it says that nothing matters
        free(p);
        free(heat);
    }
}
END_TEST

START_TEST(a_build_without_cairo_says_so)
{
    int64_t one = 1;
    ck_assert(!draw_curve(in_folder("x.png"), &(curves) { 0 }, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "cairo"));
    ck_assert(!draw_samples(in_folder("x.png"), &(samples) { 0 }, why, sizeof why));
    ck_assert(!draw_confusion(in_folder("x.png"), &(confusion) { 1, &one, NULL, "images" }, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "x.png"));
}
END_TEST

int main(void)
{
    if (!folder_made())
        return 1;
    Suite *s = suite_create("pictures");
    TCase *t = tcase_create("pictures");
    tcase_set_timeout(t, 60);
    if (!canvas_available()) {
        tcase_add_test(t, a_build_without_cairo_says_so);
    } else if (clg_has_images()) {
        tcase_add_test(t, shapes_are_where_they_belong);
        tcase_add_test(t, text_of_any_bytes);
        tcase_add_test(t, failures_say_where);
        tcase_add_test(t, curves_of_any_length);
        tcase_add_test(t, numbers_that_are_none_are_gaps);
        tcase_add_test(t, confusions_of_any_number_of_classes);
        tcase_add_test(t, images_of_any_size);
        tcase_add_test(t, layers_of_any_number);
        tcase_add_test(t, saliency_of_any_image);
    } else {
        printf("skipped: no PNG to be read\n");
        return 77;
    }
    suite_add_tcase(s, t);
    return run_in_folder(s);
}
