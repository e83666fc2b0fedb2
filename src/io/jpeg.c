// SPDX-License-Identifier: MIT
// JPEG by libjpeg. Its errors jump: what is alive across a jump is in the struct, never in a local variable.
#include "io/image.h"
#include "io/text.h"

#include <setjmp.h>
#include <stdio.h> // jpeglib.h wants it
#include <stdlib.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

enum { EXIF_MARKER = JPEG_APP0 + 1, PIECE = 1 << 16 };

typedef struct jpeg_work {
    union {
        struct jpeg_common_struct any;
        struct jpeg_decompress_struct in;
        struct jpeg_compress_struct out;
    } c;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_destination_mgr target;
    struct jpeg_progress_mgr progress;
    jmp_buf back;
    clg__image *im;
    clg__bytes *bytes;
    clg_status status;
    unsigned char piece[PIECE]; // what is written goes out by pieces
} jpeg_work;

static jpeg_work *work_of(j_common_ptr c)
{
    return c->client_data;
}

static void refuse(jpeg_work *w, clg_status st)
{
    w->status = st;
    longjmp(w->back, 1);
}

static void on_error(j_common_ptr c)
{
    jpeg_work *w = work_of(c);
    char text[JMSG_LENGTH_MAX];
    const int code = c->err->msg_code;
    c->err->format_message(c, text);
    if (code == JERR_OUT_OF_MEMORY) {
        clg__text(w->im->why, sizeof w->im->why, CLG_ENOMEM, "JPEG: out of host memory");
        refuse(w, CLG_ENOMEM);
    }
    if (code == JERR_INPUT_EOF)
        clg__text(w->im->why, sizeof w->im->why, CLG_EFORMAT, "the JPEG data are cut short");
    else
        clg__text(w->im->why, sizeof w->im->why, CLG_EFORMAT, "damaged or unusual JPEG data (libjpeg: %.150s)", text);
    refuse(w, CLG_EFORMAT);
}

static void on_warning(j_common_ptr c, int level)
{
    (void) c, (void) level;
}

static void on_text(j_common_ptr c)
{
    (void) c;
}

static void begin(jpeg_work *w)
{
    w->c.any.err = jpeg_std_error(&w->errors);
    w->errors.error_exit = on_error;
    w->errors.emit_message = on_warning;
    w->errors.output_message = on_text;
    w->c.any.client_data = w;
}

// ---- reading

static void start(j_decompress_ptr c)
{
    (void) c;
}

static boolean no_more(j_decompress_ptr c)
{
    ERREXIT(c, JERR_INPUT_EOF);
    return FALSE;
}

static void skip(j_decompress_ptr c, long n)
{
    if (n <= 0)
        return;
    if ((size_t) n > c->src->bytes_in_buffer)
        ERREXIT(c, JERR_INPUT_EOF);
    c->src->next_input_byte += n;
    c->src->bytes_in_buffer -= (size_t) n;
}

// A progressive file may have any number of scans, each over the whole image.
static void count_scans(j_common_ptr c)
{
    jpeg_work *w = work_of(c);
    if (!c->is_decompressor || w->c.in.input_scan_number <= CLG__MAX_SCANS)
        return;
    clg__text(w->im->why, sizeof w->im->why, CLG_EFORMAT, "the JPEG data have more than %d scans", CLG__MAX_SCANS);
    refuse(w, CLG_EFORMAT);
}

static void read_exif(jpeg_work *w)
{
    for (jpeg_saved_marker_ptr m = w->c.in.marker_list; m; m = m->next) {
        if (m->marker == EXIF_MARKER && m->data_length > 6 && memcmp(m->data, "Exif\0", 6) == 0) {
            w->im->orientation = clg__exif_orientation(m->data + 6, m->data_length - 6);
            return;
        }
    }
}

// Into which channels libjpeg decodes.
static void choose(jpeg_work *w, const struct clg_image_params *p)
{
    j_decompress_ptr c = &w->c.in;
    const bool gray = p->mode == CLG_IMAGE_GRAY || p->mode == CLG_IMAGE_GRAY_ALPHA;
    if (c->num_components != 1 && c->num_components != 3 && c->num_components != 4) {
        clg__text(w->im->why, sizeof w->im->why, CLG_EFORMAT, "a JPEG of %d channels, expected 1, 3 or 4",
                  c->num_components);
        refuse(w, CLG_EFORMAT);
    }
    w->im->cmyk = c->num_components == 4;
    c->out_color_space = w->im->cmyk ? JCS_CMYK : JCS_RGB;
    if (gray && !w->im->cmyk)
        c->out_color_space = JCS_GRAYSCALE;
    if (c->num_components == 1 && (gray || p->mode == CLG_IMAGE_UNCHANGED))
        c->out_color_space = JCS_GRAYSCALE;
}

static void read_all(jpeg_work *w, const unsigned char *bytes, size_t n, const struct clg_image_params *p)
{
    j_decompress_ptr c = &w->c.in;
    if (setjmp(w->back))
        return;
    jpeg_create_decompress(c);
    c->client_data = w;
    w->source = (struct jpeg_source_mgr) { bytes, n, start, no_more, skip, jpeg_resync_to_restart, start };
    c->src = &w->source;
    w->progress.progress_monitor = count_scans;
    c->progress = &w->progress;
    if (p->exif_orientation)
        jpeg_save_markers(c, EXIF_MARKER, 0xffff);
    jpeg_read_header(c, TRUE);
    w->im->w = c->image_width;
    w->im->h = c->image_height;
    if (!clg__image_fits(w->im, p))
        refuse(w, CLG_EFORMAT);
    read_exif(w);
    choose(w, p);
    jpeg_start_decompress(c);
    w->im->channels = c->output_components;
    if (!clg__image_alloc(w->im))
        refuse(w, CLG_ENOMEM);
    const size_t row = (size_t) w->im->w * (size_t) w->im->channels;
    while (c->output_scanline < c->output_height) {
        JSAMPROW to = w->im->pixels + row * c->output_scanline;
        jpeg_read_scanlines(c, &to, 1);
    }
    jpeg_finish_decompress(c);
}

clg_status clg__jpeg_read(clg__image *im, const unsigned char *bytes, size_t n, const struct clg_image_params *p)
{
    jpeg_work *w = calloc(1, sizeof *w);
    if (!w)
        return clg__text(im->why, sizeof im->why, CLG_ENOMEM, "JPEG: out of host memory");
    w->im = im;
    begin(w);
    read_all(w, bytes, n, p);
    jpeg_destroy(&w->c.any);
    const clg_status st = w->status;
    free(w);
    return st;
}

// ---- writing

static void fresh_piece(j_compress_ptr c)
{
    jpeg_work *w = work_of((j_common_ptr) c);
    w->target.next_output_byte = w->piece;
    w->target.free_in_buffer = PIECE;
}

static void add(jpeg_work *w, size_t n)
{
    if (!clg__bytes_add(w->bytes, w->piece, n)) {
        clg__text(w->im->why, sizeof w->im->why, CLG_ENOMEM, "JPEG: out of host memory");
        refuse(w, CLG_ENOMEM);
    }
}

static boolean full_piece(j_compress_ptr c)
{
    add(work_of((j_common_ptr) c), PIECE);
    fresh_piece(c);
    return TRUE;
}

static void last_piece(j_compress_ptr c)
{
    jpeg_work *w = work_of((j_common_ptr) c);
    add(w, PIECE - w->target.free_in_buffer);
}

static void write_all(jpeg_work *w, const struct clg_image_write_params *p)
{
    j_compress_ptr c = &w->c.out;
    const size_t row = (size_t) w->im->w * (size_t) w->im->channels;
    if (setjmp(w->back))
        return;
    jpeg_create_compress(c);
    c->client_data = w;
    w->target = (struct jpeg_destination_mgr) { .init_destination = fresh_piece, .empty_output_buffer = full_piece,
                                                .term_destination = last_piece };
    c->dest = &w->target;
    c->image_width = (JDIMENSION) w->im->w;
    c->image_height = (JDIMENSION) w->im->h;
    c->input_components = w->im->channels;
    c->in_color_space = w->im->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(c);
    jpeg_set_quality(c, p->quality ? p->quality : 75, TRUE);
    if (w->im->channels == 3) {
        c->comp_info[0].h_samp_factor = p->chroma == CLG_CHROMA_444 ? 1 : 2;
        c->comp_info[0].v_samp_factor = p->chroma == CLG_CHROMA_420 ? 2 : 1;
    }
    jpeg_start_compress(c, TRUE);
    while (c->next_scanline < c->image_height) {
        JSAMPROW from = w->im->pixels + row * c->next_scanline;
        jpeg_write_scanlines(c, &from, 1);
    }
    jpeg_finish_compress(c);
}

clg_status clg__jpeg_write(clg__bytes *out, clg__image *im, const struct clg_image_write_params *p)
{
    jpeg_work *w = calloc(1, sizeof *w);
    if (!w)
        return clg__text(im->why, sizeof im->why, CLG_ENOMEM, "JPEG: out of host memory");
    w->im = im;
    w->bytes = out;
    begin(w);
    write_all(w, p);
    jpeg_destroy(&w->c.any);
    const clg_status st = w->status;
    free(w);
    return st;
}
