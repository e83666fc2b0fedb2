// SPDX-License-Identifier: MIT
// Image files: which format, which channels, which way up.
#include "io/image.h"
#include "io/text.h"
#include "io/whole.h"

#include <clgrad/io.h>

#include <stdlib.h>
#include <string.h>

enum { MAX_PIXELS = 178956970, MAX_SIDE = 0x7fffffff };

bool clg__image_fits(clg__image *im, const struct clg_image_params *p)
{
    const int64_t most = p->max_pixels ? p->max_pixels : MAX_PIXELS;
    if (im->w < 1 || im->h < 1) {
        clg__text(im->why, sizeof im->why, CLG_EFORMAT, "has no pixels");
        return false;
    }
    if (im->w <= most / im->h)
        return true;
    clg__text(im->why, sizeof im->why, CLG_EFORMAT, "has %lld x %lld pixels, more than the %lld that are allowed",
              (long long) im->w, (long long) im->h, (long long) most);
    return false;
}

static size_t bytes_of(const clg__image *im)
{
    return (size_t) im->w * (size_t) im->h * (size_t) im->channels * (im->wide ? 2 : 1);
}

bool clg__image_alloc(clg__image *im)
{
    const uint64_t pixel = (uint64_t) im->channels * (im->wide ? 2 : 1);
    im->pixels = (uint64_t) im->w <= SIZE_MAX / pixel / (uint64_t) im->h ? malloc(bytes_of(im)) : NULL;
    if (!im->pixels)
        clg__text(im->why, sizeof im->why, CLG_ENOMEM, "out of host memory for %lld x %lld pixels",
                  (long long) im->w, (long long) im->h);
    return im->pixels != NULL;
}

int clg__exif_orientation(const unsigned char *p, size_t n)
{
    if (n < 8 || (memcmp(p, "II*\0", 4) != 0 && memcmp(p, "MM\0*", 4) != 0))
        return 1;
    const int low = p[0] == 'I' ? 0 : 1; // where the low byte of 16 bits is
#define TWO(at) ((unsigned) p[(at) + (size_t) low] | (unsigned) p[(at) + 1 - (size_t) low] << 8)
    const uint64_t at = low == 0 ? TWO(4) | (uint64_t) TWO(6) << 16 : TWO(6) | (uint64_t) TWO(4) << 16;
    if (at > n - 2)
        return 1;
    const size_t entries = TWO((size_t) at);
    for (size_t i = 0; i < entries && (size_t) at + 2 + 12 * i + 12 <= n; i++) {
        const size_t e = (size_t) at + 2 + 12 * i;
        if (TWO(e) != 0x0112 || TWO(e + 2) != 3) // orientation, 16 bits
            continue;
        const int o = (int) TWO(e + 8);
        return o >= 1 && o <= CLG__EXIF_ORIENTATIONS ? o : 1;
    }
#undef TWO
    return 1;
}

// ---- channels

// Pillow's rounding of a * b / 255.
static unsigned times(unsigned a, unsigned b)
{
    const unsigned v = a * b + 128;
    return ((v >> 8) + v) >> 8;
}

// libpng's, which rounds 16 bits and cuts 8 off, with torchvision's weights.
static unsigned gray_of(const unsigned c[3], unsigned most)
{
    return (9794u * c[0] + 19234u * c[1] + 3740u * c[2] + (most > 255 ? 16384u : 0)) >> 15;
}

// One pixel: of 1 to 4 channels, or inverted CMYK, as `to` channels.
static void convert_pixel(const unsigned *in, int from, bool cmyk, unsigned most, unsigned *out, int to)
{
    unsigned c[3], alpha = most;
    if (cmyk) {
        for (int i = 0; i < 3; i++)
            c[i] = in[3] - times(in[3], 255 - in[i]);
    } else {
        for (int i = 0; i < 3; i++)
            c[i] = in[from < 3 ? 0 : i];
        alpha = from == 2 ? in[1] : from == 4 ? in[3] : most;
    }
    if (to < 3)
        out[0] = cmyk ? (19595 * c[0] + 38470 * c[1] + 7471 * c[2] + 0x8000) >> 16 : from < 3 ? c[0] : gray_of(c, most);
    else
        memcpy(out, c, sizeof c);
    if (to == 2 || to == 4)
        out[to - 1] = alpha;
}

static bool convert(clg__image *im, int to)
{
    if (im->channels == to && !im->cmyk)
        return true;
    clg__image new = { .w = im->w, .h = im->h, .channels = to, .wide = im->wide };
    if (!clg__image_alloc(&new)) {
        memcpy(im->why, new.why, sizeof im->why);
        return false;
    }
    const unsigned most = im->wide ? 65535 : 255;
    const int from = im->channels;
    const size_t n = (size_t) im->w * (size_t) im->h;
    const uint16_t *in2 = (const uint16_t *) (const void *) im->pixels;
    uint16_t *out2 = (uint16_t *) (void *) new.pixels;
    for (size_t i = 0; i < n; i++) {
        unsigned in[4] = { 0 }, out[4];
        for (int c = 0; c < from; c++)
            in[c] = im->wide ? in2[i * (size_t) from + (size_t) c] : im->pixels[i * (size_t) from + (size_t) c];
        convert_pixel(in, from, im->cmyk, most, out, to);
        for (int c = 0; c < to; c++) {
            if (im->wide)
                out2[i * (size_t) to + (size_t) c] = (uint16_t) out[c];
            else
                new.pixels[i * (size_t) to + (size_t) c] = (unsigned char) out[c];
        }
    }
    free(im->pixels);
    im->pixels = new.pixels;
    im->channels = to;
    im->cmyk = false;
    return true;
}

// ---- which way up: EXIF's eight, as out[y][x] = in[...]

static bool orient(clg__image *im)
{
    const int o = im->orientation;
    if (o <= 1)
        return true;
    const bool swap = o >= 5;
    clg__image new = { .w = swap ? im->h : im->w, .h = swap ? im->w : im->h, .channels = im->channels,
                       .wide = im->wide };
    if (!clg__image_alloc(&new)) {
        memcpy(im->why, new.why, sizeof im->why);
        return false;
    }
    const size_t pixel = (size_t) im->channels * (im->wide ? 2 : 1);
    const bool flip_x = o == 2 || o == 3 || o == 7 || o == 8, flip_y = o == 3 || o == 4 || o == 6 || o == 7;
    for (int64_t y = 0; y < new.h; y++) {
        for (int64_t x = 0; x < new.w; x++) {
            const int64_t sx = swap ? y : x, sy = swap ? x : y;
            const int64_t at = (flip_y ? im->h - 1 - sy : sy) * im->w + (flip_x ? im->w - 1 - sx : sx);
            memcpy(new.pixels + (size_t) (y * new.w + x) * pixel, im->pixels + (size_t) at * pixel, pixel);
        }
    }
    free(im->pixels);
    im->pixels = new.pixels;
    im->w = new.w;
    im->h = new.h;
    return true;
}

// ---- reading

static const unsigned char png_begins[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };

static bool may_be_image(const unsigned char *p)
{
    return memcmp(p, png_begins, 8) == 0 || memcmp(p, "\xff\xd8\xff", 3) == 0;
}

static clg_status decode(clg_array *out, const unsigned char *bytes, size_t n, const struct clg_image_params *p,
                         const char *name, char *error, size_t error_size)
{
    static const int channels[] = { 0, 1, 2, 3, 4 };
    clg__image im = { .orientation = 1 };
    clg_status st;
    if (n >= 8 && memcmp(bytes, png_begins, 8) == 0)
        st = clg__png_read(&im, bytes, n, p);
    else if (n >= 3 && memcmp(bytes, "\xff\xd8\xff", 3) == 0)
        st = clg__jpeg_read(&im, bytes, n, p);
    else if (n < 4)
        return clg__text(error, error_size, CLG_EFORMAT, "%s: has %zu bytes, expected a PNG or JPEG file", name, n);
    else
        return clg__text(error, error_size, CLG_EFORMAT,
                         "%s: starts with %02x %02x %02x %02x, expected a PNG or JPEG file", name, bytes[0],
                         bytes[1], bytes[2], bytes[3]);
    const int to = p->mode == CLG_IMAGE_UNCHANGED ? 0 : channels[p->mode];
    if (st >= 0 && ((to && !convert(&im, to)) || (p->exif_orientation && !orient(&im))))
        st = CLG_ENOMEM;
    if (st < 0) {
        free(im.pixels);
        return clg__text(error, error_size, st, "%s: %s", name, im.why);
    }
    *out = (clg_array) { im.wide ? CLG_U16 : CLG_U8, CLG_SHAPE(im.h, im.w, im.channels), im.pixels };
    return CLG_OK;
}

static const char *read_params(struct clg_image_params *q, const struct clg_image_params *p)
{
    const char *wrong = clg_params_read(q, sizeof *q, p);
    if (wrong)
        return wrong;
    if ((int) q->mode < CLG_IMAGE_UNCHANGED || q->mode > CLG_IMAGE_RGBA)
        return "there is no such mode";
    return q->max_pixels < 0 ? "max_pixels is negative" : NULL;
}

clg_status clg_image_decode(clg_array *out, const void *bytes, size_t n, const struct clg_image_params *p,
                            char *error, size_t error_size)
{
    struct clg_image_params q;
    const char *wrong = !out || (!bytes && n) ? "NULL" : read_params(&q, p);
    if (out)
        memset(out, 0, sizeof *out);
    if (wrong)
        return clg__text(error, error_size, CLG_EINVAL, "image: %s", wrong);
    return decode(out, bytes, n, &q, "image", error, error_size);
}

clg_status clg_image_open(clg_array *out, const char *path, const struct clg_image_params *p, char *error,
                          size_t error_size)
{
    struct clg_image_params q;
    const char *wrong = !out || !path ? "NULL" : read_params(&q, p);
    unsigned char *bytes;
    size_t n;
    if (out)
        memset(out, 0, sizeof *out);
    if (wrong)
        return clg__text(error, error_size, CLG_EINVAL, "%s: %s", path ? path : "image", wrong);
    clg_status st = clg__read_whole(path, may_be_image, (size_t) 1 << 31, &bytes, &n, error, error_size);
    if (st >= 0)
        st = decode(out, bytes, n, &q, path, error, error_size);
    free(bytes);
    return st;
}

// ---- writing

static bool ends(const char *path, const char *with)
{
    const size_t n = strlen(path), m = strlen(with);
    if (n < m)
        return false;
    for (size_t i = 0; i < m; i++) {
        const char c = path[n - m + i];
        if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != with[i])
            return false;
    }
    return true;
}

// The image that is to be written; NULL, or what is wrong with it.
static const char *image_of(clg__image *im, clg_dtype t, const clg_shape *s, const void *data,
                            const struct clg_image_write_params *p)
{
    const bool jpeg = p->format == CLG_IMAGE_JPEG;
    if (p->format != CLG_IMAGE_PNG && !jpeg)
        return "it has no format; .format says PNG or JPEG, or the name's end .png, .jpg or .jpeg";
    if (!data)
        return "it has no data";
    if (t != CLG_U8 && (t != CLG_U16 || jpeg))
        return jpeg ? "JPEG has elements of u8" : "PNG has elements of u8 or u16";
    if (s->rank != 2 && s->rank != 3)
        return "an image is [H,W] or [H,W,C]";
    const int64_t c = s->rank == 3 ? s->dim[2] : 1, side = jpeg ? 65500 : MAX_SIDE;
    if (c < 1 || c > 4 || (jpeg && c != 1 && c != 3))
        return jpeg ? "JPEG has 1 or 3 channels" : "PNG has 1 to 4 channels";
    if (s->dim[0] < 1 || s->dim[1] < 1 || s->dim[0] > side || s->dim[1] > side)
        return jpeg ? "JPEG's sides have 1 to 65500 pixels" : "PNG's sides have 1 to 2147483647 pixels";
    if (p->level < -1 || p->level > 9)
        return "the level is 1 to 9, 0 or -1";
    if (p->quality < 0 || p->quality > 100)
        return "the quality is 1 to 100, or 0";
    if ((int) p->chroma < CLG_CHROMA_420 || p->chroma > CLG_CHROMA_444)
        return "there is no such resolution of colours";
    *im = (clg__image) { .w = s->dim[1], .h = s->dim[0], .channels = (int) c, .wide = t == CLG_U16,
                         .pixels = (unsigned char *) (uintptr_t) data };
    return NULL;
}

static clg_status encode(clg__bytes *out, const char *name, clg_dtype t, const clg_shape *shape, const void *data,
                         const struct clg_image_write_params *p, char *error, size_t error_size)
{
    clg__image im;
    const char *wrong = image_of(&im, t, shape, data, p);
    if (wrong) {
        const int64_t c = shape->rank > 2 ? shape->dim[2] : 1;
        return clg__text(error, error_size, CLG_EINVAL, "%s: cannot write %s of rank %d [%lld,%lld,%lld]: %s", name,
                         clg_dtype_name(t), shape->rank, (long long) shape->dim[0], (long long) shape->dim[1],
                         (long long) c, wrong);
    }
    const clg_status st = p->format == CLG_IMAGE_PNG ? clg__png_write(out, &im, p) : clg__jpeg_write(out, &im, p);
    if (st >= 0)
        return st;
    free(out->data);
    return clg__text(error, error_size, st, "%s: %s", name, im.why);
}

clg_status clg_image_write(const char *path, clg_dtype t, clg_shape shape, const void *data,
                           const struct clg_image_write_params *p, char *error, size_t error_size)
{
    struct clg_image_write_params q;
    const char *wrong = !path ? "NULL" : clg_params_read(&q, sizeof q, p);
    if (wrong)
        return clg__text(error, error_size, CLG_EINVAL, "%s: %s", path ? path : "image", wrong);
    if (q.format == CLG_IMAGE_BY_NAME && ends(path, ".png"))
        q.format = CLG_IMAGE_PNG;
    if (q.format == CLG_IMAGE_BY_NAME && (ends(path, ".jpg") || ends(path, ".jpeg")))
        q.format = CLG_IMAGE_JPEG;
    clg__bytes b = { 0 };
    clg_status st = encode(&b, path, t, &shape, data, &q, error, error_size);
    if (st < 0)
        return st;
    st = clg_write_atomic(path, b.data, b.n, error, error_size);
    free(b.data);
    return st;
}

clg_status clg_image_encode(clg_array *out, clg_dtype t, clg_shape shape, const void *data,
                            const struct clg_image_write_params *p, char *error, size_t error_size)
{
    struct clg_image_write_params q;
    const char *wrong = !out ? "NULL" : clg_params_read(&q, sizeof q, p);
    if (out)
        memset(out, 0, sizeof *out);
    if (wrong)
        return clg__text(error, error_size, CLG_EINVAL, "image: %s", wrong);
    clg__bytes b = { 0 };
    const clg_status st = encode(&b, "image", t, &shape, data, &q, error, error_size);
    if (st >= 0)
        *out = (clg_array) { CLG_U8, CLG_SHAPE((int64_t) b.n), b.data };
    return st;
}
