// SPDX-License-Identifier: MIT
// PNG and JPEG: files of data/images.txt as torchvision reads them, what is written comes back, hostile files get an
// error each.
#include "folder.h"
#include <clgrad/clgrad.h>

#include <locale.h>
#include <unistd.h>

enum { LINE = 1 << 14, BYTES = 1 << 12 };

static char error[500];

static int hex(char c)
{
    return c >= 'a' ? c - 'a' + 10 : c - '0';
}

// Of a word in hexadecimal; its length.
static size_t bytes_of(const char *word, unsigned char *out)
{
    size_t n = 0;
    for (; word[2 * n] && word[2 * n + 1]; n++) {
        ck_assert_uint_lt(n, BYTES);
        out[n] = (unsigned char) (16 * hex(word[2 * n]) + hex(word[2 * n + 1]));
    }
    return n;
}

typedef struct example {
    char name[64], flags[8];
    int mode, h, w, c, bits;
    unsigned char file[BYTES], pixels[BYTES];
    size_t n;
} example;

static bool next(FILE *f, example *e)
{
    static char line[LINE], file[LINE], pixels[LINE];
    if (!fgets(line, sizeof line, f))
        return false;
    ck_assert_int_eq(sscanf(line, "%63s %d %7s %d %d %d %d %s %s", e->name, &e->mode, e->flags, &e->h, &e->w, &e->c,
                            &e->bits, file, pixels), 9);
    if (strcmp(file, "=") != 0) // else that of the line before
        e->n = bytes_of(file, e->file);
    ck_assert_uint_eq(bytes_of(pixels, e->pixels), (size_t) (e->h * e->w * e->c * e->bits / 8));
    return true;
}

static FILE *examples(void)
{
    const char *path = getenv("CLGRAD_IMAGES");
    FILE *f = fopen(path ? path : "tests/data/images.txt", "r");
    ck_assert_msg(f != NULL, "CLGRAD_IMAGES names data/images.txt");
    return f;
}

static struct clg_image_params params_of(const example *e)
{
    return *clg_image_params(.mode = (clg_image_mode) e->mode, .exif_orientation = strchr(e->flags, 'e') != NULL,
                             .wide = strchr(e->flags, 'w') != NULL);
}

static void same_pixels(const example *e, const clg_array *a)
{
    ck_assert_msg(a->shape.rank == 3 && a->shape.dim[0] == e->h && a->shape.dim[1] == e->w && a->shape.dim[2] == e->c,
                  "%s, mode %d: shape", e->name, e->mode);
    ck_assert_msg(a->dtype == (e->bits == 16 ? CLG_U16 : CLG_U8), "%s, mode %d: type", e->name, e->mode);
    for (int i = 0; i < e->h * e->w * e->c; i++) {
        const int got = e->bits == 16 ? ((const uint16_t *) a->data)[i] : ((const uint8_t *) a->data)[i];
        const int want = e->bits == 16 ? 256 * e->pixels[2 * i] + e->pixels[2 * i + 1] : e->pixels[i];
        ck_assert_msg(got == want, "%s, mode %d: element %d is %d, expected %d", e->name, e->mode, i, got, want);
    }
}

START_TEST(as_torchvision_reads)
{
    static example e;
    FILE *f = examples();
    int n = 0;
    for (; next(f, &e); n++) {
        clg_array a;
        const struct clg_image_params p = params_of(&e);
        ck_assert_msg(clg_image_decode(&a, e.file, e.n, &p, error, sizeof error) == 0, "%s: %s", e.name, error);
        same_pixels(&e, &a);
        clg_array_close(&a);
        put("file", e.file, e.n);
        ck_assert_msg(clg_image_open(&a, in_folder("file"), &p, error, sizeof error) == 0, "%s", error);
        same_pixels(&e, &a);
        clg_array_close(&a);
        ck_assert_ptr_null(a.data);
    }
    fclose(f);
    ck_assert_int_gt(n, 150);
}
END_TEST

// Every file cut at every place, and with every byte changed: an image or one line that names it, never more.
START_TEST(hostile_files)
{
    static example e;
    static unsigned char bad[BYTES];
    char last[64] = "";
    int refused = 0, read = 0;
    FILE *f = examples();
    while (next(f, &e)) {
        if (strcmp(e.name, last) == 0 || strstr(e.name, "exif-png-last"))
            continue;
        strcpy(last, e.name);
        const struct clg_image_params p = { .size = sizeof p, .mode = CLG_IMAGE_RGBA, .exif_orientation = true,
                                            .max_pixels = 1000 };
        for (size_t k = 0; k < 2 * e.n; k++) {
            clg_array a;
            memcpy(bad, e.file, e.n);
            if (k >= e.n)
                bad[k - e.n] ^= (unsigned char) (k % 3 ? 0xff : 1 << k % 8);
            const size_t n = k < e.n ? k : e.n;
            unsigned char *alone = malloc(n ? n : 1); // so that ASan sees its end
            memcpy(alone, bad, n);
            error[0] = 0;
            const clg_status st = clg_image_decode(&a, alone, n, &p, error, sizeof error);
            free(alone);
            ck_assert_msg((st < 0) == (a.data == NULL) && (st < 0) == (error[0] != 0), "%s %zu", e.name, k);
            ck_assert_msg(st >= 0 || (st == CLG_EFORMAT && strncmp(error, "image: ", 7) == 0 && !strchr(error, '\n')),
                          "%s %zu: %d %s", e.name, k, st, error);
            const bool png = e.file[0] == 0x89;
            ck_assert_msg(k >= e.n || st < 0 || (png && e.n - k < 90), "%s cut at %zu of %zu is read", e.name, k, e.n);
            refused += st < 0;
            read += st >= 0;
            clg_array_close(&a);
        }
    }
    fclose(f);
    ck_assert_msg(refused > 1000 && read > 100, "%d and %d", refused, read);
}
END_TEST

static uint32_t state = 1;

static unsigned draw(unsigned n)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % n;
}

START_TEST(written_png_comes_back)
{
    static uint16_t data[40 * 40 * 4];
    for (int round = 0; round < 60; round++) {
        const bool wide = draw(2), flat = draw(4) == 0;
        clg_shape s = flat ? CLG_SHAPE(1 + draw(40), 1 + draw(40)) : CLG_SHAPE(1 + draw(40), 1 + draw(40), 1 + draw(4));
        for (size_t i = 0; i < sizeof data / 2; i++)
            data[i] = (uint16_t) (draw(65536) & (round % 2 ? 0xffff : 0x0f0f));
        const struct clg_image_write_params p = { .size = sizeof p, .level = (int) draw(11) - 1 };
        const clg_dtype t = wide ? CLG_U16 : CLG_U8;
        clg_array a, bytes;
        ck_assert_msg(clg_image_write(in_folder("a.PNG"), t, s, data, &p, error, sizeof error) == 0, "%s", error);
        ck_assert_msg(clg_image_open(&a, in_folder("a.PNG"), clg_image_params(.wide = true), error, sizeof error) == 0,
                      "%s", error);
        ck_assert(a.dtype == t && a.shape.rank == 3 && a.shape.dim[0] == s.dim[0] && a.shape.dim[1] == s.dim[1]);
        ck_assert_int_eq(a.shape.dim[2], flat ? 1 : s.dim[2]);
        ck_assert_mem_eq(a.data, data, (size_t) clg_numel(s) * clg_dtype_size(t));
        clg_array_close(&a);
        struct clg_image_write_params q = p;
        q.format = CLG_IMAGE_PNG;
        ck_assert_int_eq(clg_image_encode(&bytes, t, s, data, &q, error, sizeof error), 0);
        FILE *f = fopen(in_folder("a.PNG"), "rb");
        static unsigned char file[1 << 16];
        ck_assert_int_eq((int64_t) fread(file, 1, sizeof file, f), bytes.shape.dim[0]);
        fclose(f);
        ck_assert_mem_eq(file, bytes.data, (size_t) bytes.shape.dim[0]);
        clg_array_close(&bytes);
    }
}
END_TEST

// Mean difference of what comes back.
static double lost(clg_shape s, const unsigned char *data, int quality, clg_chroma chroma, int64_t *size)
{
    clg_array bytes, a;
    double sum = 0;
    ck_assert_msg(clg_image_encode(&bytes, CLG_U8, s, data,
                                   clg_image_write_params(.format = CLG_IMAGE_JPEG, .quality = quality, .chroma = chroma),
                                   error, sizeof error) == 0, "%s", error);
    ck_assert_int_eq(clg_image_decode(&a, bytes.data, (size_t) bytes.shape.dim[0], NULL, error, sizeof error), 0);
    ck_assert_int_eq(clg_numel(a.shape), clg_numel(s));
    for (int64_t i = 0; i < clg_numel(s); i++)
        sum += abs(data[i] - ((unsigned char *) a.data)[i]);
    *size = bytes.shape.dim[0];
    clg_array_close(&bytes);
    clg_array_close(&a);
    return sum / (double) clg_numel(s);
}

START_TEST(written_jpeg_is_near)
{
    static unsigned char data[64 * 48 * 3];
    int64_t n[5];
    for (int y = 0; y < 48; y++) {
        for (int x = 0; x < 64; x++) {
            unsigned char *p = data + 3 * (64 * y + x);
            p[0] = (unsigned char) (4 * x);
            p[1] = (unsigned char) (5 * y);
            p[2] = (unsigned char) ((x / 4 + y / 4) % 2 ? 220 : 30);
        }
    }
    const clg_shape s = CLG_SHAPE(48, 64, 3);
    const double best = lost(s, data, 100, CLG_CHROMA_444, &n[0]), usual = lost(s, data, 0, CLG_CHROMA_420, &n[1]),
                 fair = lost(s, data, 75, CLG_CHROMA_422, &n[2]), full = lost(s, data, 75, CLG_CHROMA_444, &n[3]),
                 bad = lost(s, data, 1, CLG_CHROMA_420, &n[4]);
    ck_assert_msg(best < 1 && best < full && full < fair && fair < usual && usual < bad, "%g %g %g %g %g", best, full,
                  fair, usual, bad);
    ck_assert(n[4] < n[1] && n[1] < n[2] && n[2] < n[3] && n[3] < n[0]);
    ck_assert_double_lt(lost(CLG_SHAPE(48, 64), data, 100, CLG_CHROMA_420, &n[0]), 1);
    ck_assert_int_eq(clg_image_write(in_folder("a.jpeg"), CLG_U8, s, data, NULL, error, sizeof error), 0);
    ck_assert_int_eq(clg_image_write(in_folder("a.jpg"), CLG_U8, CLG_SHAPE(48, 64, 1), data, NULL, error, sizeof error), 0);
}
END_TEST

START_TEST(wrong_calls)
{
    static const unsigned char data[64];
    clg_array a;
    const struct {
        const char *name;
        clg_dtype t;
        clg_shape s;
        struct clg_image_write_params p;
        const char *says;
    } bad[] = {
        { "w.gif", CLG_U8, CLG_SHAPE(2, 2), { 0 }, "format" },
        { "png", CLG_U8, CLG_SHAPE(2, 2), { 0 }, "format" },
        { "w.png", CLG_F32, CLG_SHAPE(2, 2), { 0 }, "u16" },
        { "w.jpg", CLG_U16, CLG_SHAPE(2, 2), { 0 }, "u8" },
        { "w.png", CLG_U8, CLG_SHAPE(4), { 0 }, "[H,W,C]" },
        { "w.png", CLG_U8, CLG_SHAPE(2, 2, 5), { 0 }, "1 to 4" },
        { "w.png", CLG_U8, CLG_SHAPE(2, 2, 0), { 0 }, "1 to 4" },
        { "w.png", CLG_U8, CLG_SHAPE(0, 2, 1), { 0 }, "sides" },
        { "w.jpg", CLG_U8, CLG_SHAPE(2, 2, 4), { 0 }, "1 or 3" },
        { "w.jpg", CLG_U8, CLG_SHAPE(2, 65501), { 0 }, "65500" },
        { "w.png", CLG_U8, CLG_SHAPE(2, 2), { .level = 10 }, "level" },
        { "w.jpg", CLG_U8, CLG_SHAPE(2, 2), { .quality = 101 }, "quality" },
        { "w.jpg", CLG_U8, CLG_SHAPE(2, 2), { .chroma = (clg_chroma) 3 }, "colours" },
        { "w.jpg", CLG_U8, CLG_SHAPE(2, 2), { .format = (clg_image_format) 3 }, "format" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct clg_image_write_params p = bad[i].p;
        p.size = sizeof p;
        ck_assert_int_eq(clg_image_write(in_folder(bad[i].name), bad[i].t, bad[i].s, data, &p, error, sizeof error),
                         CLG_EINVAL);
        ck_assert_msg(strstr(error, bad[i].says) && strstr(error, bad[i].name), "%zu: %s", i, error);
        ck_assert_int_ne(access(in_folder(bad[i].name), F_OK), 0);
    }
    ck_assert_int_eq(clg_image_encode(&a, CLG_U8, CLG_SHAPE(2, 2), data, NULL, error, sizeof error), CLG_EINVAL);
    ck_assert_int_eq(clg_image_write("/nonexistent/a.png", CLG_U8, CLG_SHAPE(2, 2), data, NULL, error, sizeof error), CLG_EIO);
    ck_assert_int_eq(clg_image_open(&a, in_folder("absent.png"), NULL, error, sizeof error), CLG_EIO);
    ck_assert_ptr_nonnull(strstr(error, "absent.png"));
    ck_assert_int_eq(clg_image_open(&a, folder, NULL, error, sizeof error), CLG_EIO);
    ck_assert_int_eq(clg_image_open(NULL, "a", NULL, error, sizeof error), CLG_EINVAL);
    ck_assert_int_eq(clg_image_open(&a, NULL, NULL, error, sizeof error), CLG_EINVAL);
    ck_assert_int_eq(clg_image_decode(&a, NULL, 3, NULL, error, sizeof error), CLG_EINVAL);
    ck_assert_int_eq(clg_image_decode(&a, "GIF89a", 6, NULL, error, sizeof error), CLG_EFORMAT);
    ck_assert_str_eq(error, "image: starts with 47 49 46 38, expected a PNG or JPEG file");
    ck_assert_int_eq(clg_image_decode(&a, "", 0, NULL, NULL, 0), CLG_EFORMAT);
    ck_assert_int_eq(clg_image_decode(&a, "GIF89a", 6, clg_image_params(.mode = (clg_image_mode) 5), error, sizeof error),
                     CLG_EINVAL);
    ck_assert_int_eq(clg_image_write(in_folder("a.png"), CLG_U8, CLG_SHAPE(2, 2), data, NULL, error, sizeof error), 0);
    ck_assert_int_eq(clg_image_open(&a, in_folder("a.png"), clg_image_params(.max_pixels = 3), error, sizeof error),
                     CLG_EFORMAT);
    ck_assert_ptr_nonnull(strstr(error, "has 2 x 2 pixels, more than the 3 that are allowed"));
}
END_TEST

int main(void)
{
    setlocale(LC_ALL, "");
    if (!clg_has_images() || !folder_made()) {
        printf("skipped: built without libpng and libjpeg, or no folder\n");
        return 77;
    }
    Suite *s = suite_create("images");
    TCase *c = tcase_create("files");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, as_torchvision_reads);
    tcase_add_test(c, hostile_files);
    tcase_add_test(c, written_png_comes_back);
    tcase_add_test(c, written_jpeg_is_near);
    tcase_add_test(c, wrong_calls);
    suite_add_tcase(s, c);
    return run_in_folder(s);
}
