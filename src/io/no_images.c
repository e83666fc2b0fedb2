// SPDX-License-Identifier: MIT
// A build without libpng and libjpeg: the functions are there and say so.
#include "io/image.h"
#include "io/text.h"

static clg_status absent(clg__image *im, const char *format, const char *library)
{
    return clg__text(im->why, sizeof im->why, CLG_EINVAL, "%s: this clgrad was built without %s (meson's option images)",
                     format, library);
}

bool clg_has_images(void)
{
    return false;
}

clg_status clg__png_read(clg__image *im, const unsigned char *bytes, size_t n, const struct clg_image_params *p)
{
    (void) bytes, (void) n, (void) p;
    return absent(im, "PNG", "libpng");
}

clg_status clg__jpeg_read(clg__image *im, const unsigned char *bytes, size_t n, const struct clg_image_params *p)
{
    (void) bytes, (void) n, (void) p;
    return absent(im, "JPEG", "libjpeg");
}

clg_status clg__png_write(clg__bytes *out, clg__image *im, const struct clg_image_write_params *p)
{
    (void) out, (void) p;
    return absent(im, "PNG", "libpng");
}

clg_status clg__jpeg_write(clg__bytes *out, clg__image *im, const struct clg_image_write_params *p)
{
    (void) out, (void) p;
    return absent(im, "JPEG", "libjpeg");
}
