// SPDX-License-Identifier: MIT
// A build without cairo: no canvas can be made, so the other functions have nothing to draw on.
#include "canvas.h"

#include <stdio.h>

bool canvas_available(void)
{
    return false;
}

bool canvas_lacks_fonts(void)
{
    return false;
}

canvas *canvas_make(int w, int h, color background, char *error, size_t error_size)
{
    (void) w, (void) h, (void) background;
    snprintf(error, error_size, "this clgrad draws no pictures: it was built without cairo (meson's option pictures)");
    return NULL;
}

void canvas_free(canvas **c)
{
    *c = NULL;
}

int canvas_width(const canvas *c)
{
    (void) c;
    return 0;
}

int canvas_height(const canvas *c)
{
    (void) c;
    return 0;
}

void canvas_rect(canvas *c, double x, double y, double w, double h, color k)
{
    (void) c, (void) x, (void) y, (void) w, (void) h, (void) k;
}

void canvas_frame(canvas *c, double x, double y, double w, double h, double thick, color k)
{
    (void) c, (void) x, (void) y, (void) w, (void) h, (void) thick, (void) k;
}

void canvas_disc(canvas *c, double x, double y, double radius, color k)
{
    (void) c, (void) x, (void) y, (void) radius, (void) k;
}

void canvas_line(canvas *c, const double *xy, int n, double thick, double dash, color k)
{
    (void) c, (void) xy, (void) n, (void) thick, (void) dash, (void) k;
}

void canvas_polygon(canvas *c, const double *xy, int n, color k)
{
    (void) c, (void) xy, (void) n, (void) k;
}

void canvas_clip(canvas *c, double x, double y, double w, double h)
{
    (void) c, (void) x, (void) y, (void) w, (void) h;
}

void canvas_unclip(canvas *c)
{
    (void) c;
}

bool canvas_pixels(canvas *c, double x, double y, double w, double h, const uint8_t *pixels, int pw, int ph,
                   int channels, bool smooth)
{
    (void) c, (void) x, (void) y, (void) w, (void) h, (void) pixels, (void) pw, (void) ph, (void) channels, (void) smooth;
    return false;
}

double canvas_text(canvas *c, double x, double y, const text_style *s, const char *text)
{
    (void) c, (void) x, (void) y, (void) s, (void) text;
    return 0;
}

double canvas_text_width(canvas *c, double size, bool bold, const char *text)
{
    (void) c, (void) size, (void) bold, (void) text;
    return 0;
}

bool canvas_save(const canvas *c, const char *path, char *error, size_t error_size)
{
    (void) c;
    snprintf(error, error_size, "%s: this clgrad draws no pictures", path);
    return false;
}
