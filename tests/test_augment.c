// SPDX-License-Identifier: MIT
// Random transforms: a draw depends on the image's number, never on its batch; each does what its fixed form does, with
// numbers in its range, and reaches all of them.
#include "testing.h"

enum { N = 24, C = 3, H = 8, W = 8, IMAGE = C * H * W, ALL = N * IMAGE };

static float data[ALL];

static clg_tensor images(int first, int n)
{
    for (int i = 0; i < ALL; i++)
        data[i] = (float) ((i * 37 + i / IMAGE * 11) % 251) / 256;
    return clg_upload(dev, CLG_F32, CLG_SHAPE(n, C, H, W), data + first * IMAGE);
}

static clg_draw_key key_at(int first)
{
    return (clg_draw_key) { .seed = 5, .epoch = 3, .first = first };
}

static const struct clg_random_part *const half = &(struct clg_random_part) { sizeof(struct clg_random_part), .3, .6, .8, 1.25 };
static clg_tensor hflip(clg_tensor x, clg_draw_key k) { return clg_image_random_hflip(x, .5, k); }
static clg_tensor vflip(clg_tensor x, clg_draw_key k) { return clg_image_random_vflip(x, .5, k); }
static clg_tensor crop(clg_tensor x, clg_draw_key k) { return clg_image_random_crop(x, 5, 6, k); }
static clg_tensor resized(clg_tensor x, clg_draw_key k) { return clg_image_random_resized_crop(x, 5, 6, NULL, k); }
static clg_tensor jitter(clg_tensor x, clg_draw_key k) { return clg_image_color_jitter(x, .4, .3, .2, .1, k); }
static clg_tensor erasing(clg_tensor x, clg_draw_key k) { return clg_image_random_erasing(x, .5, half, 2, k); }

static float *numbers(clg_tensor t)
{
    float *v = malloc((size_t) (clg_numel(t->shape) + 1) * sizeof *v);
    ok(t->status);
    ok(clg_read(t, v, (size_t) clg_numel(t->shape) * sizeof *v));
    return v;
}

START_TEST(a_draw_is_the_images_own)
{
    clg_tensor (*const all[])(clg_tensor, clg_draw_key) = { hflip, vflip, crop, resized, jitter, erasing };
    static const int64_t backwards[3] = { 17, 4, 23 };
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        if (!in_turn((int) k, 3))
            continue;
        clg_scope scope = clg_scope_push(dev);
        float *whole = numbers(all[k](images(0, N), key_at(0)));
        const clg_tensor part = all[k](images(7, 5), key_at(7));
        const size_t n = (size_t) clg_numel(part->shape) / 5;
        float *some = numbers(part);
        ck_assert_msg(memcmp(some, whole + 7 * n, 5 * n * sizeof *some) == 0, "case %d: a part of the batch", (int) k);
        clg_tensor three[3];
        for (int i = 0; i < 3; i++)
            three[i] = images((int) backwards[i], 1);
        clg_draw_key named = key_at(0);
        named.samples = backwards;
        float *picked = numbers(all[k](clg_concat_n(three, 3, 0), named));
        for (int i = 0; i < 3; i++)
            ck_assert_msg(memcmp(picked + (size_t) i * n, whole + (size_t) backwards[i] * n, n * sizeof *whole) == 0,
                          "case %d: image %d by its number", (int) k, (int) backwards[i]);
        clg_draw_key other = key_at(0);
        other.epoch++;
        float *later = numbers(all[k](images(0, N), other));
        ck_assert_msg(memcmp(later, whole, (size_t) N * n * sizeof *whole) != 0, "case %d: epochs are alike", (int) k);
        free(whole), free(some), free(picked), free(later);
        clg_scope_pop(scope);
    }
}
END_TEST

START_TEST(flips_and_crops)
{
    clg_scope scope = clg_scope_push(dev);
    const clg_tensor x = images(0, N);
    float *flipped = numbers(hflip(x, key_at(0))), *parts = numbers(crop(x, key_at(0)));
    float *never = numbers(clg_image_random_vflip(x, 0, key_at(0))), *always = numbers(clg_image_random_vflip(x, 1, key_at(0)));
    int turned = 0, places[4][3] = { { 0 } }, reached = 0;
    for (int i = 0; i < N; i++) {
        const float *p = data + i * IMAGE;
        const bool same_way = flipped[i * IMAGE] == p[0] && flipped[i * IMAGE + 1] == p[1];
        turned += !same_way;
        for (int k = 0; k < IMAGE; k++) {
            ck_assert(never[i * IMAGE + k] == p[k]);
            ck_assert(always[i * IMAGE + k] == p[k / (H * W) * H * W + (H - 1 - k / W % H) * W + k % W]);
            ck_assert(flipped[i * IMAGE + k] == p[same_way ? k : k / W * W + W - 1 - k % W]);
        }
        int found = 0;
        for (int y = 0; y <= H - 5; y++) {
            for (int left = 0; left <= W - 6; left++) {
                bool same_part = true;
                for (int k = 0; k < C * 30; k++)
                    same_part &= parts[i * C * 30 + k] == p[k / 30 * H * W + (y + k / 6 % 5) * W + left + k % 6];
                found += same_part;
                places[y][left] += same_part;
            }
        }
        ck_assert_int_eq(found, 1);
    }
    for (int k = 0; k < 12; k++)
        reached += places[k / 3][k % 3] > 0;
    ck_assert_msg(turned > 5 && turned < 19 && reached >= 6, "%d of 24 are flipped, %d places", turned, reached);
    free(flipped), free(parts), free(never), free(always);
    clg_scope_pop(scope);
}
END_TEST

START_TEST(resized_and_jittered)
{
    clg_scope scope = clg_scope_push(dev);
    const struct clg_random_part *const all = clg_random_part(.area_lo = 1, .area_hi = 1, .ratio_lo = 1, .ratio_hi = 1);
    const clg_tensor x = images(0, 2), bytes = clg_image_to_dtype(x, CLG_U8, true);
    double *got = read_all(clg_image_random_resized_crop(x, 5, 6, all, key_at(0))), *want = read_all(clg_image_resize(x, CLG_SHAPE(5, 6), NULL));
    for (int k = 0; k < 2 * C * 30; k++)
        ck_assert_msg(fabs(got[k] - want[k]) < 1e-5, "%d: %g, expected %g", k, got[k], want[k]);
    free(got), free(want);
    got = read_all(clg_image_random_resized_crop(bytes, 5, 6, all, key_at(0)));
    want = read_all(clg_image_resize(bytes, CLG_SHAPE(5, 6), NULL));
    for (int k = 0; k < 2 * C * 30; k++)
        ck_assert(fabs(got[k] - want[k]) <= 1);
    free(got), free(want);
    // brightness alone: one factor for an image, of 0.6 to 1.4
    got = read_all(clg_image_color_jitter(clg_mul_scalar(images(0, N), 0.5), .4, 0, 0, 0, key_at(0)));
    double least = 9, most = 0;
    for (int i = 0; i < N; i++) {
        const double f = got[i * IMAGE + 5] / (0.5 * (double) data[i * IMAGE + 5]);
        least = fmin(least, f);
        most = fmax(most, f);
        for (int k = 0; k < IMAGE; k++)
            ck_assert(fabs(got[i * IMAGE + k] - f * 0.5 * (double) data[i * IMAGE + k]) < 1e-5);
    }
    ck_assert_msg(least >= .6 && least < .8 && most > 1.2 && most <= 1.4, "%g to %g", least, most);
    free(got);
    got = read_all(clg_image_color_jitter(bytes, 0, 0, 0, 0, key_at(0)));
    want = read_all(bytes);
    ck_assert_mem_eq(got, want, 2 * IMAGE * sizeof *got);
    free(got), free(want);
    clg_scope_pop(scope);
}
END_TEST

START_TEST(erased)
{
    clg_scope scope = clg_scope_push(dev);
    float *got = numbers(erasing(images(0, N), key_at(0)));
    int with = 0;
    for (int i = 0; i < N; i++) {
        int x0 = W, x1 = -1, y0 = H, y1 = -1, n = 0;
        for (int k = 0; k < IMAGE; k++) {
            const bool gone = got[i * IMAGE + k] == 2;
            ck_assert(gone || got[i * IMAGE + k] == data[i * IMAGE + k]);
            ck_assert(gone == (got[i * IMAGE + k % (H * W)] == 2));
            if (!gone || k >= H * W)
                continue;
            n++;
            x0 = k % W < x0 ? k % W : x0, x1 = k % W > x1 ? k % W : x1;
            y0 = k / W < y0 ? k / W : y0, y1 = k / W > y1 ? k / W : y1;
        }
        with += n > 0;
        ck_assert_msg(n == 0 || (n == (x1 - x0 + 1) * (y1 - y0 + 1) && n >= 12 && n <= 49), "image %d: %d pixels", i, n);
    }
    ck_assert_msg(with > 5 && with < 19, "%d of 24", with);
    free(got);
    clg_scope_pop(scope);
}
END_TEST

START_TEST(mixed)
{
    double mean = 0;
    for (int round = 0; round < 40; round++) {
        clg_scope scope = clg_scope_push(dev);
        float one[N * N] = { 0 };
        for (int i = 0; i < N; i++)
            one[i * N + i] = 1;
        clg_tensor labels = clg_upload(dev, CLG_F32, CLG_SHAPE(N, N), one), cut_labels = labels;
        const clg_draw_key key = { .seed = 9, .epoch = round };
        const double alpha = round % 3 == 0 ? .2 : round % 3 == 1 ? 1 : 4;
        double *y = read_all(clg_image_mixup(images(0, N), &labels, alpha, key)), *l = read_all(labels);
        double *z = read_all(clg_image_cutmix(images(0, N), &cut_labels, alpha, key)), *m = read_all(cut_labels);
        ck_assert(l[0] >= 0 && l[0] <= 1 && fabs(l[0] + l[N - 1] - 1) < 1e-6 && fabs(l[N] + l[N + 1] - 1) < 1e-6);
        mean += l[0] / 40;
        int of_other = 0;
        for (int k = 0; k < ALL; k++) {
            const int other = k < IMAGE ? k + ALL - IMAGE : k - IMAGE;
            ck_assert(fabs(y[k] - (l[0] * (double) data[k] + (1 - l[0]) * (double) data[other])) < 1e-5);
            ck_assert(z[k] == (double) data[k] || z[k] == (double) data[other]);
            of_other += z[k] != (double) data[k];
        }
        ck_assert_msg(fabs((double) of_other / ALL - (1 - m[0])) < 0.02, "%d of %d, %g", of_other, ALL, m[0]);
        free(y), free(l), free(z), free(m);
        clg_scope_pop(scope);
    }
    ck_assert_msg(mean > .3 && mean < .7, "lambda is %g in the mean", mean);
}
END_TEST

static void refused(clg_tensor y, clg_status st, const char *says)
{
    ck_assert_msg(y->status == st && strstr(clg_tensor_error(y), says), "%d: %s", y->status, clg_tensor_error(y));
    clg_error_clear(dev);
}

START_TEST(wrong_calls)
{
    clg_scope scope = clg_scope_push(dev);
    const clg_draw_key k = key_at(0);
    const clg_tensor x = images(0, 2), flat = clg_zeros(dev, CLG_F32, CLG_SHAPE(3, 4, 4));
    clg_tensor labels = clg_zeros(dev, CLG_F32, CLG_SHAPE(3, 4));
    refused(clg_image_random_hflip(flat, .5, k), CLG_ESHAPE, "rank 3");
    refused(clg_image_random_hflip(x, 1.5, k), CLG_EINVAL, "image_random_hflip: p");
    refused(clg_image_random_crop(x, 9, 2, k), CLG_ESHAPE, "larger");
    refused(clg_image_random_resized_crop(x, 0, 2, NULL, k), CLG_ESHAPE, "below 1");
    refused(clg_image_random_resized_crop(x, 2, 2, clg_random_part(.area_lo = .5, .area_hi = .2), k), CLG_EINVAL, "areas");
    refused(clg_image_color_jitter(x, -1, 0, 0, 0, k), CLG_EINVAL, "below 0");
    refused(clg_image_color_jitter(x, 0, 0, 0, .6, k), CLG_EINVAL, "hue");
    refused(clg_image_random_erasing(x, NAN, NULL, 0, k), CLG_EINVAL, "p is not");
    refused(clg_image_mixup(x, NULL, 1, k), CLG_EINVAL, "labels is NULL");
    refused(clg_image_mixup(x, &labels, 1, k), CLG_ESHAPE, "[N,K]");
    labels = clg_zeros(dev, CLG_F32, CLG_SHAPE(2, 4));
    refused(clg_image_cutmix(x, &labels, 0, k), CLG_EINVAL, "alpha");
    clg_scope_pop(scope);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("augment");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 600);
    tcase_add_test(c, a_draw_is_the_images_own);
    tcase_add_test(c, flips_and_crops);
    tcase_add_test(c, resized_and_jittered);
    tcase_add_test(c, erased);
    tcase_add_test(c, mixed);
    tcase_add_test(c, wrong_calls);
    suite_add_tcase(s, c);
    return run_suite(s);
}
