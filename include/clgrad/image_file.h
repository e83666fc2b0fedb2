// SPDX-License-Identifier: MIT
// PNG and JPEG. A build without their libraries (option images) has the functions all the same;
// they say so.
#ifndef CLGRAD_IMAGE_FILE_H
#define CLGRAD_IMAGE_FILE_H

#include <clgrad/array.h>

CLG_BEGIN

typedef enum clg_image_mode {
    CLG_IMAGE_UNCHANGED,  // the channels of the file; a palette is looked up: RGB, or RGBA
    CLG_IMAGE_GRAY,       // 1 channel
    CLG_IMAGE_GRAY_ALPHA, // 2
    CLG_IMAGE_RGB,        // 3
    CLG_IMAGE_RGBA        // 4
} clg_image_mode;

typedef enum clg_image_format {
    CLG_IMAGE_BY_NAME, // as the path ends: .png, .jpg, .jpeg
    CLG_IMAGE_PNG,
    CLG_IMAGE_JPEG
} clg_image_format;

struct clg_image_params {
    size_t size;
    clg_image_mode mode;
    bool exif_orientation; // turned and mirrored as the file's EXIF data say
    bool wide;             // PNG of 16 bits as U16; else they are rounded to 8
    int64_t max_pixels;    // more are refused; 0: 178,956,970
};
#define clg_image_params(...)                                                                      \
    (&(struct clg_image_params) { .size = sizeof(struct clg_image_params), __VA_ARGS__ })

// Read an image file, PNG or JPEG by its first bytes. The pixels are those of torchvision's
// decode_image: gray of a PNG is (9794 R + 19234 G + 3740 B) / 2^15, of 8 bits cut off, of 16
// rounded; of a JPEG its Y. Gamma and profiles are not looked at. Alpha is cut off, never blended;
// where the file has none it is the greatest value, or what PNG's tRNS says. CMYK is taken as Adobe
// writes it (0 is full ink); unchanged, it is as in the file. A file that ends too early is
// refused; damage within the data of a JPEG that its library can pass over is not.
//
// out     U8 or U16 [H,W,C]
// path    of the file
// p       may be NULL
// error   as of clg_write_atomic
// result  CLG_OK
// owns    release with clg_array_close; *out is empty on failure
// errors  CLG_EIO       cannot be opened or read
//         CLG_EFORMAT   neither PNG nor JPEG, damaged, cut short, more than max_pixels or 2 GiB, or
//                       a JPEG of more than 500 scans, of 12 bits, or of 2 channels
//         CLG_EINVAL    NULL, no such mode, or a build without the library; CLG_ENOMEM
// blocks  reads the file; a progressive JPEG takes up to 6 bytes a pixel more meanwhile
// source  W3C PNG (Third Edition); ITU-T T.81; CIPA DC-008 (EXIF)
CLG_API clg_status clg_image_open(clg_array *out, const char *path,
                                  const struct clg_image_params *p, char *error,
                                  size_t error_size);

// The same from memory.
//
// out     as of clg_image_open
// bytes   n bytes, the whole file
// p, error   as of clg_image_open
// result  CLG_OK
// owns    release with clg_array_close; *out is empty on failure
// errors  as of clg_image_open; messages begin with "image"
// blocks  decodes
CLG_API clg_status clg_image_decode(clg_array *out, const void *bytes, size_t n,
                                    const struct clg_image_params *p, char *error,
                                    size_t error_size);

typedef enum clg_chroma { CLG_CHROMA_420, CLG_CHROMA_422, CLG_CHROMA_444 } clg_chroma;

struct clg_image_write_params {
    size_t size;
    clg_image_format format;
    int level;         // PNG: 1 (fast) to 9 (small), -1: not compressed; 0: 6
    int quality;       // JPEG: 1 to 100; 0: 75
    clg_chroma chroma; // JPEG: resolution of colours, half in both directions by default
};
#define clg_image_write_params(...)                                                                \
    (&(struct clg_image_write_params) { .size = sizeof(struct clg_image_write_params),             \
                                        __VA_ARGS__ })

// Write an image file, atomically (clg_write_atomic).
//
// path    of the file
// t       U8, PNG also U16
// shape   [H,W] or [H,W,C]: gray, gray and alpha, RGB, RGBA; JPEG has no alpha
// data    elements in host order
// p       may be NULL
// error   as of clg_write_atomic
// result  CLG_OK
// owns    nothing
// errors  CLG_EIO
//         CLG_EINVAL    NULL, another type or shape, an empty image, one side of 2^31 pixels (JPEG:
//                       65,501), a number outside of its range, a name that ends otherwise, or a
//                       build without the library; CLG_ENOMEM
// blocks  as clg_write_atomic
CLG_API clg_status clg_image_write(const char *path, clg_dtype t, clg_shape shape,
                                   const void *data, const struct clg_image_write_params *p,
                                   char *error, size_t error_size);

// The bytes of such a file.
//
// out     U8 [n]
// t, shape, data, error   as of clg_image_write
// p       its format is CLG_IMAGE_PNG or CLG_IMAGE_JPEG
// result  CLG_OK
// owns    release with clg_array_close; *out is empty on failure
// errors  as of clg_image_write, less CLG_EIO
// blocks  encodes
CLG_API clg_status clg_image_encode(clg_array *out, clg_dtype t, clg_shape shape,
                                    const void *data, const struct clg_image_write_params *p,
                                    char *error, size_t error_size);

// Was this library built with libpng and libjpeg?
//
// result  true: files can be read and written
// errors  none
// blocks  no
CLG_API bool clg_has_images(void);

CLG_END
#endif
