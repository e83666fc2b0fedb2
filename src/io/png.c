// SPDX-License-Identifier: MIT
// PNG by libpng. Its errors jump: what is alive across a jump is in the struct, never in a local variable.
#include "io/image.h"
#include "io/text.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

typedef struct png_work {
    png_structp png;
    png_infop info;
    jmp_buf back;
    clg__image *im;
    const unsigned char *at, *end; // what is left to read
    clg__bytes *out;               // what is written
    clg_status status;
    bool no_memory, whole; // whole: all rows were read
} png_work;

bool clg_has_images(void)
{
    return true;
}

static void on_error(png_structp png, png_const_charp text)
{
    png_work *w = png_get_error_ptr(png);
    const clg_status st = w->no_memory ? CLG_ENOMEM : CLG_EFORMAT;
    if (w->status >= 0 && !w->whole) {
        w->status = st;
        if (w->no_memory)
            clg__text(w->im->why, sizeof w->im->why, st, "PNG: out of host memory");
        else
            clg__text(w->im->why, sizeof w->im->why, st, "%s (libpng: %.150s)",
                      w->at == w->end && !w->out ? "the PNG data are cut short" : "damaged PNG data", text);
    }
    longjmp(w->back, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void) png, (void) text;
}

static png_voidp take(png_structp png, png_alloc_size_t n)
{
    png_work *w = png_get_mem_ptr(png);
    void *p = malloc(n);
    w->no_memory |= !p;
    return p;
}

static void give(png_structp png, png_voidp p)
{
    (void) png;
    free(p);
}

static void read_some(png_structp png, png_bytep to, size_t n)
{
    png_work *w = png_get_io_ptr(png);
    if (n > (size_t) (w->end - w->at)) {
        w->at = w->end;
        png_error(png, "no more data");
    }
    memcpy(to, w->at, n);
    w->at += n;
}

static void write_some(png_structp png, png_bytep from, size_t n)
{
    png_work *w = png_get_io_ptr(png);
    if (!clg__bytes_add(w->out, from, n)) {
        w->no_memory = true;
        png_error(png, "out of memory");
    }
}

static void flush(png_structp png)
{
    (void) png;
}

// Chunks that change no pixel here, and those that can be bombs: libpng does not unpack them.
static void skip_chunks(png_structp png)
{
    static const unsigned char names[] = "bKGD\0cHRM\0gAMA\0hIST\0iCCP\0iTXt\0oFFs\0pCAL\0pHYs\0sBIT\0sCAL\0sPLT\0sRGB\0"
                                         "tEXt\0tIME\0zTXt";
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, names, (int) (sizeof names / 5));
}

static void refuse(png_work *w, clg_status st)
{
    w->status = st;
    longjmp(w->back, 1);
}

static void read_header(png_work *w, const struct clg_image_params *p)
{
    png_set_user_limits(w->png, 0x7fffffff, 0x7fffffff);
    skip_chunks(w->png);
    png_read_info(w->png, w->info);
    w->im->w = png_get_image_width(w->png, w->info);
    w->im->h = png_get_image_height(w->png, w->info);
    if (!clg__image_fits(w->im, p))
        refuse(w, CLG_EFORMAT);
    const int type = png_get_color_type(w->png, w->info), depth = png_get_bit_depth(w->png, w->info);
    const bool alpha = p->mode == CLG_IMAGE_GRAY_ALPHA || p->mode == CLG_IMAGE_RGBA;
    if (type == PNG_COLOR_TYPE_PALETTE)
        png_set_palette_to_rgb(w->png);
    if (type == PNG_COLOR_TYPE_GRAY && depth < 8)
        png_set_expand_gray_1_2_4_to_8(w->png);
    if (alpha && png_get_valid(w->png, w->info, PNG_INFO_tRNS))
        png_set_tRNS_to_alpha(w->png);
    w->im->wide = depth == 16 && p->wide;
    if (depth == 16 && !p->wide)
        png_set_scale_16(w->png);
    if (w->im->wide && !clg__big_endian_host())
        png_set_swap(w->png);
}

static void read_exif(png_work *w)
{
    png_bytep data = NULL;
    png_uint_32 n = 0;
    if (w->im->orientation == 1 && png_get_eXIf_1(w->png, w->info, &n, &data) && data)
        w->im->orientation = clg__exif_orientation(data, n);
}

static void read_rows(png_work *w)
{
    const int passes = png_set_interlace_handling(w->png);
    png_read_update_info(w->png, w->info);
    w->im->channels = png_get_channels(w->png, w->info);
    const size_t row = png_get_rowbytes(w->png, w->info);
    if (row != (size_t) w->im->w * (size_t) w->im->channels * (w->im->wide ? 2 : 1))
        png_error(w->png, "rows of another length");
    if (!clg__image_alloc(w->im))
        refuse(w, CLG_ENOMEM);
    for (int pass = 0; pass < passes; pass++) {
        for (size_t y = 0; y < (size_t) w->im->h; y++)
            png_read_row(w->png, w->im->pixels + y * row, NULL);
    }
    w->whole = true; // what follows may be damaged: the pixels are there
}

static void read_all(png_work *w, const struct clg_image_params *p)
{
    if (setjmp(w->back))
        return;
    png_set_read_fn(w->png, w, read_some);
    read_header(w, p);
    read_rows(w);
    read_exif(w);
    if (p->exif_orientation && w->im->orientation == 1) { // EXIF data may come last
        png_read_end(w->png, w->info);
        read_exif(w);
    }
}

clg_status clg__png_read(clg__image *im, const unsigned char *bytes, size_t n, const struct clg_image_params *p)
{
    png_work w = { .im = im, .at = bytes, .end = bytes + n };
    w.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &w, on_error, on_warning, &w, take, give);
    w.info = w.png ? png_create_info_struct(w.png) : NULL;
    if (w.info)
        read_all(&w, p);
    else
        w.status = clg__text(im->why, sizeof im->why, CLG_ENOMEM, "PNG: out of host memory");
    png_destroy_read_struct(&w.png, &w.info, NULL);
    return w.status;
}

static void write_all(png_work *w, const struct clg_image_write_params *p)
{
    static const int types[] = { 0, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                                 PNG_COLOR_TYPE_RGB_ALPHA };
    const clg__image *im = w->im;
    const size_t row = (size_t) im->w * (size_t) im->channels * (im->wide ? 2 : 1);
    if (setjmp(w->back))
        return;
    png_set_user_limits(w->png, 0x7fffffff, 0x7fffffff);
    png_set_write_fn(w->png, w, write_some, flush);
    png_set_compression_level(w->png, p->level == -1 ? 0 : p->level == 0 ? 6 : p->level);
    png_set_IHDR(w->png, w->info, (png_uint_32) im->w, (png_uint_32) im->h, im->wide ? 16 : 8,
                 types[im->channels], PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(w->png, w->info);
    if (im->wide && !clg__big_endian_host())
        png_set_swap(w->png);
    for (size_t y = 0; y < (size_t) im->h; y++)
        png_write_row(w->png, im->pixels + y * row);
    png_write_end(w->png, NULL);
}

clg_status clg__png_write(clg__bytes *out, clg__image *im, const struct clg_image_write_params *p)
{
    png_work w = { .im = im, .out = out };
    w.png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &w, on_error, on_warning, &w, take, give);
    w.info = w.png ? png_create_info_struct(w.png) : NULL;
    if (w.info)
        write_all(&w, p);
    else
        w.status = clg__text(im->why, sizeof im->why, CLG_ENOMEM, "PNG: out of host memory");
    png_destroy_write_struct(&w.png, &w.info);
    return w.status;
}
