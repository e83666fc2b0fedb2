// SPDX-License-Identifier: MIT
// .npy, .npz and CIFAR: files of data/arrays.txt as NumPy has them, what is written comes back, hostile files get an error.
#include "folder.h"
#include <clgrad/array.h>

#include <locale.h>
#include <unistd.h>

enum { LINE = 1 << 14, BYTES = 1 << 12 };

static char error[500];

static int hex(char c)
{
    return c >= 'a' ? c - 'a' + 10 : c - '0';
}

static size_t bytes_of(const char *word, unsigned char *out)
{
    size_t n = 0;
    for (; word[0] != '-' && word[2 * n] && word[2 * n + 1]; n++) {
        ck_assert_uint_lt(n, BYTES);
        out[n] = (unsigned char) (16 * hex(word[2 * n]) + hex(word[2 * n + 1]));
    }
    return n;
}

typedef struct example {
    char kind[64], type[8], shape[64];
    unsigned char file[BYTES], data[BYTES];
    size_t n, size;
} example;

static bool next(FILE *f, example *e)
{
    static char line[LINE], file[LINE], data[LINE];
    if (!fgets(line, sizeof line, f))
        return false;
    ck_assert_int_eq(sscanf(line, "%63s %7s %63s %s %s", e->kind, e->type, e->shape, file, data), 5);
    if (strcmp(file, "=") != 0)
        e->n = bytes_of(file, e->file);
    e->size = bytes_of(data, e->data);
    return true;
}

static FILE *examples(void)
{
    const char *path = getenv("CLGRAD_ARRAYS");
    FILE *f = fopen(path ? path : "tests/data/arrays.txt", "r");
    ck_assert_msg(f != NULL, "CLGRAD_ARRAYS names data/arrays.txt");
    return f;
}

static void same_array(const example *e, const clg_array *a)
{
    char shape[64] = "";
    for (int d = 0; d < a->shape.rank; d++)
        sprintf(shape + strlen(shape), d ? "x%d" : "%d", (int) a->shape.dim[d]);
    ck_assert_str_eq(a->shape.rank ? shape : "-", e->shape);
    ck_assert_str_eq(clg_dtype_name(a->dtype), e->type);
    ck_assert_ptr_nonnull(a->data);
    ck_assert_uint_eq((size_t) clg_numel(a->shape) * clg_dtype_size(a->dtype), e->size);
    ck_assert_msg(e->size == 0 || memcmp(a->data, e->data, e->size) == 0, "%s %s %s: elements", e->kind, e->type, e->shape);
}

START_TEST(as_numpy_writes)
{
    static example e;
    FILE *f = examples();
    int n = 0, members = 0;
    for (; next(f, &e); n++) {
        clg_array a;
        put("a", e.file, e.n);
        if (strcmp(e.kind, "npy") == 0) {
            ck_assert_msg(clg_npy_open(&a, in_folder("a"), error, sizeof error) == 0, "%s %s: %s", e.type, e.shape, error);
        } else {
            clg_npz z;
            ck_assert_msg(clg_npz_open(&z, in_folder("a"), error, sizeof error) == 0, "%s: %s", e.kind, error);
            const int i = clg_npz_find(z, e.kind + 4);
            ck_assert_msg(i >= 0, "%s is not there", e.kind);
            ck_assert_str_eq(clg_npz_name(z, i), e.kind + 4);
            ck_assert_msg(clg_npz_read(z, i, &a, error, sizeof error) == 0, "%s: %s", e.kind, error);
            ck_assert_int_eq(clg_npz_find(z, "read.me"), -1);
            clg_npz_close(&z);
            members++;
        }
        same_array(&e, &a);
        clg_array_close(&a);
    }
    fclose(f);
    ck_assert(n > 130 && members == 14);
}
END_TEST

static uint32_t state = 1;

static unsigned draw(unsigned n)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % n;
}

static clg_shape draw_shape(void)
{
    clg_shape s = { .rank = (int) draw(CLG_MAX_RANK + 1) };
    for (int d = 0; d < s.rank; d++)
        s.dim[d] = draw(9) ? 1 + (int64_t) draw(3) : 0;
    return s;
}

static void same_as(const clg_array *a, const clg_array *b)
{
    ck_assert(a->dtype == b->dtype && a->shape.rank == b->shape.rank);
    for (int d = 0; d < a->shape.rank; d++)
        ck_assert_int_eq(a->shape.dim[d], b->shape.dim[d]);
    const size_t n = (size_t) clg_numel(a->shape) * clg_dtype_size(a->dtype);
    ck_assert(n == 0 || memcmp(a->data, b->data, n) == 0);
}

START_TEST(written_comes_back)
{
    static unsigned char data[8 * 6561]; // 0 and 1, so that it is BOOL too
    static const char *const names[] = { "w", "", "a/b", "../x", "\xc3\xa9", "w.npy", "a name", "\"" };
    clg_array in[8], out;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char) draw(2);
    for (int round = 0; round < 200; round++) {
        const int n = (int) draw(9);
        for (int i = 0; i < n; i++)
            in[i] = (clg_array) { (clg_dtype) draw(CLG_DTYPE_COUNT), draw_shape(), data };
        if (n > 0) {
            ck_assert_msg(clg_npy_write(in_folder("a.npy"), in[0].dtype, in[0].shape, data, error, sizeof error) == 0,
                          "%s", error);
            ck_assert_msg(clg_npy_open(&out, in_folder("a.npy"), error, sizeof error) == 0, "%s", error);
            same_as(&in[0], &out);
            clg_array_close(&out);
        }
        clg_npz z;
        ck_assert_msg(clg_npz_write(in_folder("a.npz"), names, in, n, round % 2, error, sizeof error) == 0, "%s", error);
        ck_assert_msg(clg_npz_open(&z, in_folder("a.npz"), error, sizeof error) == 0, "%s", error);
        ck_assert_int_eq(clg_npz_count(z), n);
        for (int i = 0; i < n; i++) {
            ck_assert_str_eq(clg_npz_name(z, i), names[i]);
            ck_assert_msg(clg_npz_read(z, i, &out, error, sizeof error) == 0, "%s", error);
            same_as(&in[i], &out);
            clg_array_close(&out);
        }
        clg_npz_close(&z);
        ck_assert_ptr_null(z);
    }
}
END_TEST

// Cut at every place and changed at every byte: an array or one line that names the file.
START_TEST(hostile_files)
{
    static example e;
    static unsigned char bad[BYTES];
    int refused = 0, read = 0, rounds = 0;
    FILE *f = examples();
    while (next(f, &e)) {
        const bool npz = strncmp(e.kind, "npz", 3) == 0;
        if (npz ? e.n > 2000 && rounds++ % 4 : draw(6))
            continue;
        for (size_t k = 0; k < 2 * e.n; k += npz && e.n > 800 ? 5 : 1) {
            clg_array a = { .data = NULL };
            clg_npz z = NULL;
            memcpy(bad, e.file, e.n);
            if (k >= e.n)
                bad[k - e.n] ^= (unsigned char) (k % 3 ? 0xff : 1 << k % 8);
            put("bad", bad, k < e.n ? k : e.n);
            error[0] = 0;
            clg_status st = npz ? clg_npz_open(&z, in_folder("bad"), error, sizeof error)
                                : clg_npy_open(&a, in_folder("bad"), error, sizeof error);
            ck_assert_msg((st < 0) == (!a.data && !z) && (st < 0) == (error[0] != 0), "%s %zu", e.kind, k);
            for (int i = 0; i < clg_npz_count(z) && st >= 0; i++) {
                clg_array_close(&a);
                st = clg_npz_read(z, i, &a, error, sizeof error);
            }
            ck_assert_msg(st >= 0 || (st == CLG_EFORMAT && strstr(error, "/bad: ") && !strchr(error, '\n')), "%s %zu: %d %s",
                          e.kind, k, st, error);
            ck_assert_msg(k >= e.n || st < 0, "%s cut at %zu of %zu is read", e.kind, k, e.n);
            refused += st < 0;
            read += st >= 0;
            clg_array_close(&a);
            clg_npz_close(&z);
        }
    }
    fclose(f);
    ck_assert_msg(refused > 1000 && read > 50, "%d and %d", refused, read);
}
END_TEST

static const char *header_error(const char *dictionary, size_t data)
{
    unsigned char file[12000] = "\x93NUMPY\1";
    clg_array a;
    const size_t n = strlen(dictionary);
    file[8] = (unsigned char) n;
    file[9] = (unsigned char) (n >> 8);
    memcpy(file + 10, dictionary, n);
    put("h.npy", file, 10 + n + data);
    error[0] = 0;
    if (clg_npy_open(&a, in_folder("h.npy"), error, sizeof error) >= 0)
        clg_array_close(&a);
    return error;
}

START_TEST(hostile_headers)
{
    static const struct {
        const char *text;
        size_t data;
        const char *says; // NULL: it is right
    } rows[] = {
        { "{'descr':'<f4','fortran_order':False,'shape':(2,)}", 8, NULL },
        { "{'descr':'|u1','fortran_order':True,'shape':()}\n", 1, NULL },
        { "{'descr':'>u1','fortran_order':True,'shape':(1,)}\n", 1, NULL },
        { "{'descr':'<f4','fortran_order':False,'shape':(2,)}", 7, "its shape asks for 8" },
        { "{'descr':'<f4','fortran_order':False,'shape':(2,)}", 9, "its shape asks for 8" },
        { "{'descr':'<f4','fortran_order':False,'shape':(2)}", 8, "tuple" },
        { "{'descr':'<f4','fortran_order':False,'shape':(2,,)}", 8, "tuple" },
        { "{'descr':'<f4','fortran_order':False,'shape':(-1,)}", 8, "tuple" },
        { "{'descr':'<f4','fortran_order':False,'shape':(1,1,1,1,1,1,1,1,1)}", 4, "8 dimensions" },
        { "{'descr':'<f4','fortran_order':False,'shape':(4294967296,4294967296,4)}", 4, "no number" },
        { "{'descr':'<f4','fortran_order':False,'shape':(99999999999999999999,)}", 4, "tuple" },
        { "{'descr':'<f4','fortran_order':False,'shape':(0,9223372036854775807,9223372036854775807)}", 0, "" },
        { "{'descr':'<f4','fortran_order':0,'shape':(2,)}", 8, "dictionary" },
        { "{'descr':'<f4','fortran_order':False}", 8, "lacks" },
        { "{'descr':'<f4','descr':'<f4','fortran_order':False,'shape':(2,)}", 8, "dictionary" },
        { "{'descr':'<f4','fortran_order':False,'shape':(2,),'x':1}", 8, "dictionary" },
        { "{'descr':'<f4','fortran_order':False,'shape':(2,)} x", 8, "behind" },
        { "{'descr':[('a','<f4')],'fortran_order':False,'shape':(2,)}", 8, "structures" },
        { "{'descr':'|O','fortran_order':False,'shape':(1,)}", 8, "'|O'" },
        { "{'descr':'<c8','fortran_order':False,'shape':(1,)}", 8, "'<c8'" },
        { "{'descr':'<U4','fortran_order':False,'shape':(1,)}", 16, "'<U4'" },
        { "{'descr':'|f4','fortran_order':False,'shape':(1,)}", 4, "'|f4'" },
        { "{'descr':'f4','fortran_order':False,'shape':(1,)}", 4, "'f4'" },
        { "{'descr':'','fortran_order':False,'shape':(1,)}", 4, "''" },
        { "__import__('os').system('x')", 0, "dictionary" }, { "", 0, "dictionary" }, { "{", 0, "dictionary" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *got = header_error(rows[i].text, rows[i].data);
        ck_assert_msg(rows[i].says ? got[0] && strstr(got, rows[i].says) : !got[0], "%s: %s", rows[i].text, got);
    }
    static char deep[11001];
    memset(deep, '{', 11000);
    ck_assert_ptr_nonnull(strstr(header_error(deep, 0), "a header of 11000 bytes, expected at most 10000"));
    clg_array a;
    clg_npz z;
    ck_assert_int_eq(clg_npy_open(&a, "/dev/zero", error, sizeof error), CLG_EFORMAT); // and ends
    ck_assert_int_eq(clg_npz_open(&z, "/dev/zero", error, sizeof error), CLG_EFORMAT);
    ck_assert_int_eq(clg_npy_open(&a, in_folder("absent"), error, sizeof error), CLG_EIO);
    ck_assert_int_eq(clg_npz_open(&z, folder, error, sizeof error), CLG_EIO);
    put("two", "\x93NUMPY\4\0\0\0\0\0", 12);
    ck_assert_int_eq(clg_npy_open(&a, in_folder("two"), error, sizeof error), CLG_EFORMAT);
    ck_assert_ptr_nonnull(strstr(error, "npy version 4.0, expected 1.0, 2.0 or 3.0"));
}
END_TEST

START_TEST(refused_when_written)
{
    const unsigned char two[2] = { 2, 1 };
    const char *const names[] = { "a", "a" }, *const bad[] = { "\xff" }, *const none[] = { NULL };
    const clg_array a[2] = { { CLG_U8, CLG_SHAPE(2), (void *) (uintptr_t) two }, { CLG_U8, CLG_SHAPE(2), (void *) (uintptr_t) two } };
    const clg_array b = { CLG_BOOL, CLG_SHAPE(2), (void *) (uintptr_t) two };
    ck_assert_int_eq(clg_npy_write(in_folder("n.npy"), CLG_BOOL, CLG_SHAPE(2), two, error, sizeof error), CLG_EINVAL);
    ck_assert_ptr_nonnull(strstr(error, "0 and 1"));
    ck_assert_int_eq(clg_npy_write(in_folder("n.npy"), CLG_U8, CLG_SHAPE(2), NULL, error, sizeof error), CLG_EINVAL);
    ck_assert_int_eq(clg_npy_write(in_folder("n.npy"), CLG_U8, CLG_SHAPE(-1), two, error, sizeof error), CLG_EINVAL);
    ck_assert_int_eq(clg_npy_write(in_folder("n.npy"), CLG_U8, (clg_shape) { .rank = 9 }, two, error, sizeof error), CLG_EINVAL);
    ck_assert_int_eq(clg_npy_write(in_folder("n.npy"), (clg_dtype) 99, CLG_SHAPE(2), two, error, sizeof error), CLG_EINVAL);
    ck_assert_int_eq(clg_npy_write(NULL, CLG_U8, CLG_SHAPE(2), two, error, sizeof error), CLG_EINVAL);
    ck_assert_int_eq(clg_npz_write(in_folder("n.npy"), names, a, 2, false, error, sizeof error), CLG_EINVAL);
    ck_assert_ptr_nonnull(strstr(error, "two arrays have one name"));
    ck_assert_int_eq(clg_npz_write(in_folder("n.npy"), bad, a, 1, false, error, sizeof error), CLG_EINVAL);
    ck_assert_int_eq(clg_npz_write(in_folder("n.npy"), none, a, 1, false, error, sizeof error), CLG_EINVAL);
    ck_assert_int_eq(clg_npz_write(in_folder("n.npy"), names, &b, 1, false, error, sizeof error), CLG_EINVAL);
    ck_assert_ptr_nonnull(strstr(error, "'a'"));
    ck_assert_int_eq(clg_npz_write(in_folder("n.npy"), NULL, NULL, -1, false, error, sizeof error), CLG_EINVAL);
    ck_assert_int_ne(access(in_folder("n.npy"), F_OK), 0);
    ck_assert_int_eq(clg_npz_count(NULL), 0);
    ck_assert_int_eq(clg_npz_find(NULL, "a"), -1);
    ck_assert_ptr_null(clg_npz_name(NULL, 0));
    clg_array out;
    ck_assert_int_eq(clg_npz_read(NULL, 0, &out, error, sizeof error), CLG_EINVAL);
}
END_TEST

START_TEST(cifar)
{
    static unsigned char ten[3 * 3073], hundred[2 * 3074];
    clg_array x, y;
    for (size_t i = 0; i < sizeof ten; i++)
        ten[i] = i % 3073 ? (unsigned char) draw(256) : (unsigned char) (9 - i / 3073);
    put("ten.bin", ten, sizeof ten);
    ck_assert_msg(clg_cifar_open(&x, &y, in_folder("ten.bin"), 10, error, sizeof error) == 0, "%s", error);
    ck_assert(x.dtype == CLG_U8 && x.shape.rank == 4 && x.shape.dim[0] == 3 && x.shape.dim[1] == 3 && x.shape.dim[3] == 32);
    ck_assert(y.dtype == CLG_U8 && y.shape.rank == 1 && y.shape.dim[0] == 3);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(((unsigned char *) y.data)[i], 9 - i);
        ck_assert_mem_eq((unsigned char *) x.data + 3072 * i, ten + 3073 * i + 1, 3072);
    }
    clg_array_close(&x);
    clg_array_close(&y);
    hundred[0] = 19, hundred[1] = 99, hundred[3074] = 0, hundred[3075] = 7, hundred[2] = 5;
    put("hundred.bin", hundred, sizeof hundred);
    ck_assert_msg(clg_cifar_open(&x, &y, in_folder("hundred.bin"), 100, error, sizeof error) == 0, "%s", error);
    ck_assert(y.shape.rank == 2 && y.shape.dim[0] == 2 && y.shape.dim[1] == 2);
    ck_assert_mem_eq(y.data, "\x13\x63\0\7", 4);
    ck_assert_int_eq(((unsigned char *) x.data)[0], 5);
    clg_array_close(&x);
    clg_array_close(&y);
    hundred[0] = 20;
    put("hundred.bin", hundred, sizeof hundred);
    ck_assert_int_eq(clg_cifar_open(&x, &y, in_folder("hundred.bin"), 100, error, sizeof error), CLG_EFORMAT);
    ck_assert_ptr_nonnull(strstr(error, "record 0 has label 20, expected less than 20 (CIFAR-100)"));
    ck_assert(!x.data && !y.data);
    ten[3073] = 10;
    put("ten.bin", ten, sizeof ten);
    ck_assert_int_eq(clg_cifar_open(&x, &y, in_folder("ten.bin"), 10, error, sizeof error), CLG_EFORMAT);
    put("ten.bin", ten, 3072);
    ck_assert_int_eq(clg_cifar_open(&x, &y, in_folder("ten.bin"), 10, error, sizeof error), CLG_EFORMAT);
    ck_assert_ptr_nonnull(strstr(error, "has 3072 bytes, expected records of 3073 (CIFAR-10)"));
    put("ten.bin", ten, 0);
    ck_assert_int_eq(clg_cifar_open(&x, &y, in_folder("ten.bin"), 10, error, sizeof error), CLG_EFORMAT);
    ck_assert_int_eq(clg_cifar_open(&x, &y, in_folder("absent"), 10, error, sizeof error), CLG_EIO);
    ck_assert_int_eq(clg_cifar_open(&x, &y, in_folder("ten.bin"), 20, error, sizeof error), CLG_EINVAL);
    ck_assert_int_eq(clg_cifar_open(&x, NULL, in_folder("ten.bin"), 10, error, sizeof error), CLG_EINVAL);
}
END_TEST

int main(void)
{
    setlocale(LC_ALL, "");
    if (!folder_made())
        return 77;
    Suite *s = suite_create("arrays");
    TCase *c = tcase_create("files");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, as_numpy_writes);
    tcase_add_test(c, written_comes_back);
    tcase_add_test(c, hostile_files);
    tcase_add_test(c, hostile_headers);
    tcase_add_test(c, refused_when_written);
    tcase_add_test(c, cifar);
    suite_add_tcase(s, c);
    return run_in_folder(s);
}
