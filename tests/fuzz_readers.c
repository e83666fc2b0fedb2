// SPDX-License-Identifier: MIT
// Readers against any bytes. FUZZ_READER is idx, safetensors, image, npy, npz or cifar. With libFuzzer:
//
//     clang -g -fsanitize=fuzzer,address,undefined -DLIBFUZZER -DFUZZ_READER=idx -Iinclude -Isrc
//         -D_POSIX_C_SOURCE=200809L tests/fuzz_readers.c $(ls src/io/*.c | grep -v no_images) src/base/*.c -lz -ljansson -lpng -ljpeg
//
// Without: a program that feeds every file of the folders it is given, which must not crash.
#include <clgrad/array.h>
#include <clgrad/image_file.h>
#include <clgrad/io.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef FUZZ_READER
#define FUZZ_READER idx
#endif
#define NAME_OF(a, b) a##b
#define READER(a) NAME_OF(read_, a)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static volatile unsigned sum; // every byte is looked at

static void touch(const void *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum += ((const unsigned char *) data)[i];
}

static inline void read_idx(const char *path)
{
    char error[300];
    clg_idx x;
    if (clg_idx_open(&x, path, error, sizeof error) >= 0)
        touch(x.data, (size_t) clg_numel(x.shape) * clg_dtype_size(x.dtype));
    else if (x.data || !error[0])
        abort();
    clg_idx_close(&x);
}

static inline void read_safetensors(const char *path)
{
    char error[300];
    clg_safetensors f;
    const clg_status st = clg_safetensors_open(&f, path, error, sizeof error);
    if ((st < 0) != (f == NULL) || (st < 0 && !error[0]))
        abort();
    for (int i = 0; i < clg_safetensors_count(f); i++) {
        const clg_safetensor *t = clg_safetensors_at(f, i);
        if (clg_safetensors_find(f, t->name) != t)
            abort();
        touch(t->data, t->bytes);
    }
    const char *key;
    for (int i = 0; (key = clg_safetensors_metadata_key(f, i)); i++)
        clg_safetensors_metadata(f, key);
    clg_safetensors_close(&f);
}

static inline void read_image(const char *path)
{
    static int mode; // each in turn
    char error[300] = "";
    clg_array x;
    const struct clg_image_params p = { .size = sizeof p, .mode = (clg_image_mode) mode, .exif_orientation = mode % 2,
                                        .wide = mode > 2, .max_pixels = 1 << 16 };
    mode = (mode + 1) % (CLG_IMAGE_RGBA + 1);
    if (clg_image_open(&x, path, &p, error, sizeof error) >= 0)
        touch(x.data, (size_t) clg_numel(x.shape) * clg_dtype_size(x.dtype));
    else if (x.data || !error[0])
        abort();
    clg_array_close(&x);
}

static void look_at(clg_array *x, clg_status st, const char *error)
{
    if (st >= 0)
        touch(x->data, (size_t) clg_numel(x->shape) * clg_dtype_size(x->dtype));
    else if (x->data || !error[0])
        abort();
    clg_array_close(x);
}

static inline void read_npy(const char *path)
{
    char error[300] = "";
    clg_array x;
    look_at(&x, clg_npy_open(&x, path, error, sizeof error), error);
}

static inline void read_npz(const char *path)
{
    char error[300] = "";
    clg_npz f;
    const clg_status st = clg_npz_open(&f, path, error, sizeof error);
    if ((st < 0) != (f == NULL) || (st < 0 && !error[0]))
        abort();
    for (int i = 0; i < clg_npz_count(f); i++) {
        clg_array x;
        if (clg_npz_find(f, clg_npz_name(f, i)) != i)
            abort();
        look_at(&x, clg_npz_read(f, i, &x, error, sizeof error), error);
    }
    clg_npz_close(&f);
}

static inline void read_cifar(const char *path)
{
    char error[300] = "";
    clg_array x, y;
    const clg_status st = clg_cifar_open(&x, &y, path, 10, error, sizeof error);
    look_at(&x, st, error);
    look_at(&y, st, error);
}

static char fed[64];

static void remove_file(void)
{
    unlink(fed);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (!fed[0]) {
        snprintf(fed, sizeof fed, "/tmp/clgrad_fuzz_XXXXXX");
        const int fd = mkstemp(fed);
        if (fd < 0 || atexit(remove_file) != 0)
            abort();
        close(fd);
    }
    FILE *f = fopen(fed, "wb");
    if (!f || fwrite(bytes, 1, n, f) != n || fclose(f) != 0)
        abort();
    READER(FUZZ_READER)(fed);
    return 0;
}

#ifndef LIBFUZZER
static int feed(const char *path)
{
    static uint8_t bytes[1 << 20];
    FILE *f = fopen(path, "rb");
    if (!f)
        return 0;
    const size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    LLVMFuzzerTestOneInput(bytes, n);
    for (size_t k = 0; k < n && k < 64; k++) { // and near it
        bytes[k] ^= 0x81;
        LLVMFuzzerTestOneInput(bytes, n);
        bytes[k] ^= 0x81;
        LLVMFuzzerTestOneInput(bytes, k);
    }
    return 1;
}

int main(int argc, char **argv)
{
    int files = 0;
    for (int i = 1; i < argc; i++) {
        DIR *d = opendir(argv[i]);
        for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
            char path[1024];
            snprintf(path, sizeof path, "%.500s/%.500s", argv[i], e->d_name);
            files += e->d_name[0] != '.' && feed(path);
        }
        if (d)
            closedir(d);
    }
    printf("%d files\n", files);
    return files == 0;
}
#endif
