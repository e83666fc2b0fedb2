// SPDX-License-Identifier: MIT
// Folders of images and batches out of them: order, labels, the same from any number of threads and after a new start,
// files that cannot be read, sizes.
#include "folder.h"
#include "io/resample.h"

#include <clgrad/loader.h>

#include <locale.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

enum { H = 6, W = 8, IMAGES = 11 };
static char error[500];
static const char *const files[IMAGES] = { "a/0.png", "a/1.PNG", "a/b/2.jpeg", "a/b-b/3.png", "b/4.png", "b/5.jpg", "b/6.png",
                                           "c/7.png", "c/8.png", "c/9.png", "c/a.png" };
static const int labels[IMAGES] = { 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2 };

static void folder_at(const char *name)
{
    ck_assert(mkdir(in_folder(name), 0777) == 0);
}

static const char *data_at(const char *name)
{
    static char path[400];
    snprintf(path, sizeof path, "%s/data/%s", folder, name);
    return path;
}

// Image i is of numbers that tell it; image 6 is larger where `mixed`.
static void make_images(bool mixed)
{
    static unsigned char pixels[4 * H * W * 3];
    static const char *const folders[] = { "data", "data/a", "data/a/b", "data/a/b-b", "data/b", "data/c" };
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        folder_at(folders[i]);
    for (int i = 0; i < IMAGES; i++) {
        const int k = mixed && i == 6 ? 2 : 1;
        for (int p = 0; p < k * k * H * W * 3; p++)
            pixels[p] = (unsigned char) (20 * i + p % 17 + p / (3 * k * W));
        ck_assert_msg(clg_image_write(data_at(files[i]), CLG_U8, CLG_SHAPE(k * H, k * W, 3), pixels, NULL, error,
                                      sizeof error) == 0, "%s", error);
    }
    put("data/a/readme.txt", "x", 1);
    put("data/top.png", "x", 1);
}

static void remove_images(void)
{
    char command[200];
    snprintf(command, sizeof command, "rm -rf '%s/data'", folder);
    ck_assert_int_eq(system(command), 0);
}

static clg_image_folder open_folder(void)
{
    clg_image_folder f;
    ck_assert_msg(clg_image_folder_open(&f, in_folder("data"), error, sizeof error) == 0, "%s", error);
    return f;
}

static clg_image_loader open_loader(clg_image_folder f, const struct clg_image_loader_params *p)
{
    clg_image_loader l;
    ck_assert_msg(clg_image_loader_open(&l, f, p, error, sizeof error) == 0, "%s", error);
    return l;
}

START_TEST(folders_are_classes)
{
    make_images(false);
    clg_image_folder f = open_folder();
    ck_assert_int_eq(clg_image_folder_count(f), IMAGES);
    ck_assert_int_eq(clg_image_folder_classes(f), 3);
    ck_assert_str_eq(clg_image_folder_class(f, 1), "b");
    ck_assert_ptr_null(clg_image_folder_class(f, 3));
    ck_assert_ptr_null(clg_image_folder_path(f, -1, NULL));
    ck_assert_ptr_null(clg_image_folder_path(f, IMAGES, NULL));
    for (int i = 0; i < IMAGES; i++) {
        int label;
        ck_assert_str_eq(clg_image_folder_path(f, i, &label), data_at(files[i]));
        ck_assert_int_eq(label, labels[i]);
    }
    clg_image_folder_close(&f);
    ck_assert_ptr_null(f);
    folder_at("data/d");
    ck_assert_int_eq(clg_image_folder_open(&f, in_folder("data"), error, sizeof error), CLG_EFORMAT);
    ck_assert_ptr_nonnull(strstr(error, "data/d: a class without images"));
    ck_assert(symlink("../d", data_at("d/round")) == 0);
    ck_assert_int_eq(clg_image_folder_open(&f, in_folder("data"), error, sizeof error), CLG_EIO);
    ck_assert_ptr_nonnull(strstr(error, "deep"));
    ck_assert_int_eq(clg_image_folder_open(&f, in_folder("data/c"), error, sizeof error), CLG_EFORMAT);
    ck_assert_int_eq(clg_image_folder_open(&f, in_folder("absent"), error, sizeof error), CLG_EIO);
    ck_assert_int_eq(clg_image_folder_open(&f, NULL, error, sizeof error), CLG_EINVAL);
    remove_images();
}
END_TEST

// What is chosen out of a folder loads as it did there; a list of files alone has one class.
START_TEST(lists_of_ones_own)
{
    enum { N = 3 };
    static const int64_t which[N] = { 6, 1, 3 };
    const char *paths[N], *classes[3];
    int labels_of[N], label;
    clg_image_batch b;
    make_images(true);
    clg_image_folder f = open_folder(), g, h;
    for (int i = 0; i < 3; i++)
        classes[i] = clg_image_folder_class(f, i);
    for (int i = 0; i < N; i++)
        paths[i] = clg_image_folder_path(f, which[i], &labels_of[i]);
    ck_assert_int_eq(clg_image_folder_create(&g, paths, labels_of, N, classes, 3, error, sizeof error), 0);
    ck_assert_int_eq(clg_image_folder_create(&h, paths, NULL, N, classes, 1, error, sizeof error), 0);
    ck_assert(clg_image_folder_classes(g) == 3 && clg_image_folder_classes(h) == 1);
    clg_image_loader l = open_loader(g, clg_image_loader_params(.height = 3, .width = 3));
    ck_assert_int_eq(clg_image_loader_next(l, &b), 0);
    ck_assert_int_eq(b.n, N);
    for (int i = 0; i < N; i++) {
        ck_assert_str_eq(clg_image_folder_path(h, i, &label), data_at(files[which[i]]));
        ck_assert(b.samples[i] == i && b.labels[i] == labels[which[i]] && label == 0);
    }
    clg_image_loader_close(&l);
    clg_image_folder_close(&g);
    clg_image_folder_close(&h);
    labels_of[2] = 3;
    ck_assert_int_eq(clg_image_folder_create(&g, paths, labels_of, N, classes, 3, error, sizeof error), CLG_EINVAL);
    ck_assert_str_eq(error, "image folder: a label is no class");
    ck_assert_ptr_null(g);
    ck_assert_int_eq(clg_image_folder_create(&g, paths, NULL, 0, classes, 3, NULL, 0), CLG_EINVAL);
    ck_assert_int_eq(clg_image_folder_create(&g, paths, NULL, N, classes, 0, NULL, 0), CLG_EINVAL);
    ck_assert_int_eq(clg_image_folder_create(NULL, paths, NULL, N, classes, 3, NULL, 0), CLG_EINVAL);
    paths[1] = NULL;
    ck_assert_int_eq(clg_image_folder_create(&g, paths, NULL, N, classes, 3, NULL, 0), CLG_EINVAL);
    clg_image_folder_close(&f);
    remove_images();
}
END_TEST

START_TEST(batches_in_order)
{
    make_images(false);
    clg_image_folder f = open_folder();
    clg_image_loader l = open_loader(f, clg_image_loader_params(.batch = 4));
    for (int epoch = 0; epoch < 3; epoch++) {
        clg_image_batch b;
        for (int64_t at = 0; at < IMAGES; at += b.n) {
            ck_assert_int_eq(clg_image_loader_next(l, &b), 0);
            ck_assert_int_eq(b.n, at + 4 <= IMAGES ? 4 : IMAGES - at);
            ck_assert(b.shape.rank == 4 && b.shape.dim[0] == b.n && b.shape.dim[1] == H && b.shape.dim[2] == W &&
                      b.shape.dim[3] == 3 && b.epoch == epoch && b.position == at + b.n);
            for (int64_t i = 0; i < b.n; i++) {
                clg_array a;
                ck_assert_int_eq(b.samples[i], at + i);
                ck_assert_int_eq(b.labels[i], labels[at + i]);
                ck_assert_int_eq(clg_image_open(&a, data_at(files[at + i]), NULL, error, sizeof error), 0);
                ck_assert_mem_eq(a.data, b.pixels + i * H * W * 3, H * W * 3);
                clg_array_close(&a);
            }
        }
        ck_assert_int_eq(clg_image_loader_next(l, &b), 0);
        ck_assert(b.n == 0 && b.epoch == epoch + 1 && b.position == 0);
    }
    clg_image_loader_close(&l);
    l = open_loader(f, clg_image_loader_params(.batch = 4, .drop_last = true));
    clg_image_batch b;
    for (int i = 0; i < 9; i++) {
        ck_assert_int_eq(clg_image_loader_next(l, &b), 0);
        ck_assert_int_eq(b.n, i % 3 == 2 ? 0 : 4);
    }
    clg_image_loader_close(&l);
    clg_image_folder_close(&f);
    remove_images();
}
END_TEST

enum { STEPS = 14, BYTES = 5 * 5 * 7 * 3 };

typedef struct record {
    int64_t n, epoch, position, samples[5];
    unsigned char pixels[BYTES];
} record;

static void run(clg_image_folder f, int threads, int64_t epoch, int64_t start, record *to, int steps)
{
    clg_image_loader l = open_loader(f, clg_image_loader_params(.batch = 5, .threads = threads, .shuffle = true, .seed = 7,
                                                                .random_resized_crop = true, .random_flip = true, .height = 5,
                                                                .width = 7, .start_epoch = epoch, .start = start));
    for (int i = 0; i < steps; i++) {
        clg_image_batch b;
        ck_assert_int_eq(clg_image_loader_next(l, &b), 0);
        memset(&to[i], 0, sizeof to[i]);
        to[i].n = b.n;
        to[i].epoch = b.epoch;
        to[i].position = b.position;
        memcpy(to[i].samples, b.samples, (size_t) b.n * sizeof *b.samples);
        memcpy(to[i].pixels, b.pixels, (size_t) b.n * 5 * 7 * 3);
    }
    clg_image_loader_close(&l);
}

START_TEST(the_same_from_any_threads_and_starts)
{
    static record one[STEPS], many[STEPS], rest[STEPS];
    int64_t seen[3] = { 0 };
    make_images(true);
    clg_image_folder f = open_folder();
    run(f, 1, 0, 0, one, STEPS);
    run(f, 4, 0, 0, many, STEPS);
    ck_assert_mem_eq(one, many, sizeof one);
    for (int from = 0; from < STEPS - 1; from += 2) {
        run(f, 3, one[from].epoch, one[from].position, rest, STEPS - 1 - from);
        ck_assert_mem_eq(one + from + 1, rest, (size_t) (STEPS - 1 - from) * sizeof *one);
    }
    for (int i = 0; i < 12; i++) { // each image once an epoch, in another order
        for (int64_t k = 0; k < one[i].n; k++)
            seen[i / 4] |= (int64_t) 1 << one[i].samples[k];
    }
    ck_assert(seen[0] == (1 << IMAGES) - 1 && seen[1] == seen[0] && seen[2] == seen[0]);
    ck_assert(memcmp(one[0].samples, one[4].samples, sizeof one[0].samples) != 0);
    clg_image_folder_close(&f);
    remove_images();
}
END_TEST

START_TEST(files_that_fail_are_left_out)
{
    clg_image_batch b;
    char text[400];
    make_images(true);
    put("data/b/5.jpg", "no image", 8);
    clg_image_folder f = open_folder();
    clg_image_loader l = open_loader(f, clg_image_loader_params(.batch = 4, .threads = 2));
    static const int sizes[] = { 4, 2, 3, 0 };
    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(clg_image_loader_next(l, &b), 0);
        ck_assert_int_eq(b.n, sizes[i % 4]);
        if (i % 4 == 1)
            ck_assert(b.samples[0] == 4 && b.samples[1] == 7 && b.labels[1] == 2 && b.pixels[H * W * 3] == 140);
    }
    ck_assert_int_eq(clg_image_loader_failed(l, text, sizeof text), 4);
    ck_assert_ptr_nonnull(strstr(text, "b/6.png: comes out as 16 x 12 pixels, expected 8 x 6 as the first"));
    clg_image_loader_close(&l);
    l = open_loader(f, clg_image_loader_params(.batch = 1, .height = 3, .width = 3, .start = 5)); // a batch of nothing
    ck_assert_int_eq(clg_image_loader_next(l, &b), 0);
    ck_assert(b.n == 1 && b.samples[0] == 6 && clg_image_loader_failed(l, text, sizeof text) == 1);
    ck_assert_ptr_nonnull(strstr(text, "b/5.jpg: starts with"));
    clg_image_loader_close(&l);
    for (int i = 0; i < IMAGES; i++) {
        char name[100];
        snprintf(name, sizeof name, "data/%s", files[i]);
        put(name, "x", 1);
    }
    ck_assert_int_eq(clg_image_loader_open(&l, f, NULL, error, sizeof error), CLG_EFORMAT);
    ck_assert_ptr_nonnull(strstr(error, "a/0.png: has 1 bytes"));
    l = open_loader(f, clg_image_loader_params(.height = 3, .width = 3));
    ck_assert_int_eq(clg_image_loader_next(l, &b), 0);
    ck_assert(b.n == 0 && clg_image_loader_failed(l, NULL, 0) == IMAGES);
    clg_image_loader_close(&l);
    clg_image_folder_close(&f);
    remove_images();
}
END_TEST

START_TEST(wrong_numbers)
{
    make_images(false);
    clg_image_folder f = open_folder();
    clg_image_loader l;
    const struct clg_image_loader_params bad[] = {
        { .batch = -1 }, { .threads = -1 }, { .height = 3 }, { .random_resized_crop = true }, { .start = IMAGES + 1 },
        { .mode = (clg_image_mode) 9 }, { .ahead = 5000 }, { .height = INT64_MAX, .width = 1 },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct clg_image_loader_params p = bad[i];
        p.size = sizeof p;
        ck_assert_int_eq(clg_image_loader_open(&l, f, &p, error, sizeof error), CLG_EINVAL);
        ck_assert_ptr_null(l);
    }
    ck_assert_int_eq(clg_image_loader_open(&l, NULL, NULL, error, sizeof error), CLG_EINVAL);
    ck_assert_int_eq(clg_image_loader_next(NULL, NULL), CLG_EINVAL);
    ck_assert_int_eq(clg_image_loader_failed(NULL, NULL, 0), 0);
    clg_image_folder_close(&f);
    remove_images();
}
END_TEST

// The triangle of both directions at once, in double: rounding between rows and columns is all that may differ.
START_TEST(resampled)
{
    static const int64_t sizes[][4] = { { 40, 30, 7, 11 }, { 5, 9, 20, 4 }, { 16, 16, 16, 5 }, { 3, 64, 3, 1 }, { 1, 1, 4, 4 } };
    static unsigned char in[40 * 64 * 3], out[30 * 30 * 3];
    uint32_t state = 3;
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (unsigned char) ((state = state * 1664525u + 1013904223u) >> 24);
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        const int64_t h = sizes[k][0], w = sizes[k][1], oh = sizes[k][2], ow = sizes[k][3];
        for (int c = 1; c <= 3; c += 2) {
            ck_assert(clg__resample(in, w, c, (clg__rectangle) { 0, 0, h, w }, oh, ow, (clg__rectangle) { 0, 0, oh, ow }, out, ow));
            const double sy = (double) h / (double) oh, sx = (double) w / (double) ow, ry = fmax(sy, 1), rx = fmax(sx, 1);
            for (int64_t i = 0; i < oh * ow * c; i++) {
                double sum = 0, weights = 0;
                for (int64_t y = 0; y < h; y++) {
                    for (int64_t x = 0; x < w; x++) {
                        const double fy = 1 - fabs(((double) y + 0.5 - ((double) (i / c / ow) + 0.5) * sy) / ry);
                        const double fx = 1 - fabs(((double) x + 0.5 - ((double) (i / c % ow) + 0.5) * sx) / rx);
                        sum += fmax(fy, 0) * fmax(fx, 0) * in[(y * w + x) * c + i % c];
                        weights += fmax(fy, 0) * fmax(fx, 0);
                    }
                }
                ck_assert_msg(fabs(out[i] - sum / weights) <= 1.01, "%d: element %d is %d, expected %g", (int) k, (int) i, out[i],
                              sum / weights);
            }
        }
    }
}
END_TEST

int main(void)
{
    setlocale(LC_ALL, "");
    if (!clg_has_images() || !folder_made()) {
        printf("skipped: built without libpng and libjpeg, or no folder\n");
        return 77;
    }
    Suite *s = suite_create("loader");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, folders_are_classes);
    tcase_add_test(c, lists_of_ones_own);
    tcase_add_test(c, batches_in_order);
    tcase_add_test(c, the_same_from_any_threads_and_starts);
    tcase_add_test(c, files_that_fail_are_left_out);
    tcase_add_test(c, wrong_numbers);
    tcase_add_test(c, resampled);
    suite_add_tcase(s, c);
    return run_in_folder(s);
}
