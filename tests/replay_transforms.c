// SPDX-License-Identifier: MIT
// transforms_torch.py --replay IMAGES... | replay_transforms: every transform of data/transform_cases.txt beside torchvision's,
// over whatever images. Prints a table of the largest differences, a row a transform. It is no suite: the data is
// hundreds of megabytes, made where torchvision is. Exits 1 where a result is farther off than the documentation says.
#include <clgrad/clgrad.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARGS = 24, ROWS = 64 };

typedef struct args {
    double v[ARGS];
    int n;
    char word[8];
    int64_t w, h; // of the image
    bool floating;
} args;

typedef struct row {
    char name[32];
    int64_t elements[2], off[2]; // of bytes and other integers, of floating numbers
    double worst[2];
    int cases;
} row;

static clg_device dev;

static int whole(const args *a, int i)
{
    return (int) a->v[i];
}

static struct clg_image_warp_params warp(const args *a, int filter, int centered, int fills)
{
    struct clg_image_warp_params p = { .size = sizeof p, .filter = (clg_image_filter) whole(a, filter) };
    if (centered >= 0 && a->v[centered] != 0)
        p.center = &a->v[centered + 1];
    p.fills = a->n - fills;
    p.fill = p.fills ? &a->v[fills] : NULL;
    return p;
}

static clg_tensor to_dtype(clg_tensor x, const args *a)
{
    static const clg_dtype all[] = { CLG_F32, CLG_U8, CLG_I16, CLG_I32, CLG_F64 };
    static const char *const names[] = { "f32", "u8", "i16", "i32", "f64" };
    for (int i = 0; i < 5; i++) {
        if (strcmp(names[i], a->word) == 0)
            return clg_image_to_dtype(x, all[i], true);
    }
    return NULL;
}

static clg_tensor normalize(clg_tensor x, const args *a)
{
    return clg_image_normalize(clg_image_to_dtype(x, CLG_F32, true), a->v, a->v + 3, 3);
}

static clg_tensor resize(clg_tensor x, const args *a)
{
    return clg_image_resize(x, CLG_SHAPE(whole(a, 0), whole(a, 1)),
                            clg_image_resize_params(.filter = (clg_image_filter) whole(a, 2), .no_antialias = a->v[3] != 0));
}

static clg_tensor rescale(clg_tensor x, const args *a)
{
    const double h = floor((double) a->h * a->v[0]), w = floor((double) a->w * a->v[1]);
    return clg_image_resize(x, CLG_SHAPE(h < 1 ? 1 : (int64_t) h, w < 1 ? 1 : (int64_t) w),
                            clg_image_resize_params(.filter = (clg_image_filter) whole(a, 2), .no_antialias = a->v[3] != 0));
}

static clg_tensor resize_short(clg_tensor x, const args *a)
{
    return clg_image_resize(x, CLG_SHAPE(whole(a, 0)),
                            clg_image_resize_params(.max_size = whole(a, 1), .filter = (clg_image_filter) whole(a, 2)));
}

static clg_tensor crop(clg_tensor x, const args *a)
{
    return clg_image_crop(x, whole(a, 0), whole(a, 1), whole(a, 2), whole(a, 3));
}

static clg_tensor pad(clg_tensor x, const args *a)
{
    return clg_image_pad(x, whole(a, 0), whole(a, 1), whole(a, 2), whole(a, 3), (clg_image_margin) whole(a, 4), a->v[5]);
}

static clg_tensor rotate(clg_tensor x, const args *a)
{
    struct clg_image_warp_params p = warp(a, 1, 3, 6);
    p.expand = a->v[2] != 0;
    return clg_image_rotate(x, a->v[0], &p);
}

static clg_tensor affine(clg_tensor x, const args *a)
{
    const struct clg_image_warp_params p = warp(a, 6, 7, 10);
    return clg_image_affine(x, (struct clg_image_affine_map) { a->v[0], a->v[1], a->v[2], a->v[3], a->v[4], a->v[5] }, &p);
}

static clg_tensor perspective(clg_tensor x, const args *a)
{
    const struct clg_image_warp_params p = warp(a, 16, -1, 17);
    double points[16], c[8];
    for (int i = 0; i < 16; i++) // whole pixels, as torchvision's draws are
        points[i] = floor(a->v[i] * (double) (i % 2 ? a->h - 1 : a->w - 1));
    if (clg_image_perspective_of(c, points, points + 8) < 0)
        return NULL;
    return clg_image_perspective(x, c, &p);
}

static clg_tensor blur(clg_tensor x, const args *a)
{
    return clg_image_gaussian_blur(x, whole(a, 0), whole(a, 1), a->v[2], a->v[3]);
}

static clg_tensor erase(clg_tensor x, const args *a)
{
    return clg_image_erase(x, whole(a, 0), whole(a, 1), whole(a, 2), whole(a, 3), a->v + 4, 3);
}

static clg_tensor solarize(clg_tensor x, const args *a)
{
    return clg_image_solarize(x, a->floating ? a->v[1] / 1000 : a->v[0]);
}

#define SIMPLE(name, call) static clg_tensor name(clg_tensor x, const args *a) { (void) a; return call; }
SIMPLE(center_crop, clg_image_center_crop(x, whole(a, 0), whole(a, 1)))
SIMPLE(five_crop, clg_image_five_crop(x, whole(a, 0), whole(a, 1)))
SIMPLE(hflip, clg_image_hflip(x))
SIMPLE(vflip, clg_image_vflip(x))
SIMPLE(grayscale, clg_image_grayscale(x, whole(a, 0)))
SIMPLE(brightness, clg_image_adjust_brightness(x, a->v[0]))
SIMPLE(contrast, clg_image_adjust_contrast(x, a->v[0]))
SIMPLE(saturation, clg_image_adjust_saturation(x, a->v[0]))
SIMPLE(hue, clg_image_adjust_hue(x, a->v[0]))
SIMPLE(sharpness, clg_image_adjust_sharpness(x, a->v[0]))
SIMPLE(gamma_of, clg_image_adjust_gamma(x, a->v[0], a->v[1]))
SIMPLE(invert, clg_image_invert(x))
SIMPLE(posterize, clg_image_posterize(x, whole(a, 0)))
SIMPLE(autocontrast, clg_image_autocontrast(x))
SIMPLE(equalize, clg_image_equalize(x))

static const struct {
    const char *name;
    clg_tensor (*call)(clg_tensor x, const args *a);
} calls[] = {
    { "to_dtype", to_dtype }, { "normalize", normalize }, { "resize", resize }, { "rescale", rescale },
    { "resize_short", resize_short },
    { "crop", crop }, { "center_crop", center_crop }, { "five_crop", five_crop }, { "pad", pad }, { "hflip", hflip },
    { "vflip", vflip }, { "rotate", rotate }, { "affine", affine }, { "perspective", perspective }, { "blur", blur },
    { "erase", erase }, { "grayscale", grayscale }, { "brightness", brightness }, { "contrast", contrast },
    { "saturation", saturation }, { "hue", hue }, { "sharpness", sharpness }, { "gamma", gamma_of }, { "invert", invert },
    { "posterize", posterize }, { "solarize", solarize }, { "autocontrast", autocontrast }, { "equalize", equalize }
};

static row rows[ROWS];
static int n_rows, far_off;

static row *row_of(const char *name)
{
    int i = 0;
    while (i < n_rows && strcmp(rows[i].name, name) != 0)
        i++;
    if (i == n_rows && n_rows < ROWS)
        snprintf(rows[n_rows++].name, sizeof rows[0].name, "%s", name);
    return &rows[i];
}

static void *read_bytes(size_t n)
{
    void *p = malloc(n + 1);
    if (!p || fread(p, 1, n, stdin) != n) {
        fprintf(stderr, "replay_transforms: the data ends early\n");
        exit(1);
    }
    return p;
}

// "TYPE DIM DIM ..." and the elements behind it
static void *read_array(const char *line, clg_dtype *t, clg_shape *shape)
{
    static const clg_dtype all[] = { CLG_F32, CLG_U8, CLG_I16, CLG_I32, CLG_F64 };
    static const char *const names[] = { "f32", "u8", "i16", "i32", "f64" };
    const size_t word = strcspn(line, " ");
    *t = CLG_U8;
    for (int i = 0; i < 5; i++) {
        if (strlen(names[i]) == word && strncmp(line, names[i], word) == 0)
            *t = all[i];
    }
    *shape = CLG_SCALAR;
    for (const char *at = line + word; *at == ' ' && shape->rank < 8;) {
        char *end;
        shape->dim[shape->rank++] = strtoll(at, &end, 10);
        at = end;
    }
    return read_bytes((size_t) clg_numel(*shape) * clg_dtype_size(*t));
}

static double element(const void *p, clg_dtype t, int64_t i)
{
    return t == CLG_F32 ? (double) ((const float *) p)[i] : t == CLG_F64 ? ((const double *) p)[i]
           : t == CLG_I32 ? ((const int32_t *) p)[i] : t == CLG_I16 ? ((const int16_t *) p)[i] : ((const uint8_t *) p)[i];
}

static void refuse(const char *what, const char *line, const char *why)
{
    fprintf(stderr, "%s: %s: %s\n", what, line, why);
    far_off++;
}

static void compare(const char *text, clg_tensor y, const char *line)
{
    clg_dtype t;
    clg_shape s;
    char name[32];
    void *want = read_array(line, &t, &s);
    snprintf(name, sizeof name, "%.*s", (int) strcspn(text, " "), text);
    if (!y || y->status < 0) {
        refuse(text, line, y ? clg_tensor_error(y) : "no tensor");
    } else if (y->dtype != t || y->shape.rank != s.rank || memcmp(y->shape.dim, s.dim, (size_t) s.rank * sizeof s.dim[0]) != 0) {
        refuse(text, line, "another type or shape");
    } else {
        const int64_t n = clg_numel(s);
        void *got = malloc((size_t) n * clg_dtype_size(t) + 1);
        const clg_status st = clg_read(y, got, (size_t) n * clg_dtype_size(t));
        const int k = t == CLG_F32 || t == CLG_F64;
        row *r = row_of(name);
        double worst = 0;
        int64_t off = 0, beyond = 0;
        if (st < 0)
            refuse(text, line, clg_error(dev, st));
        for (int64_t i = 0; i < n && st >= 0; i++) {
            const double w = element(want, t, i), e = fabs(element(got, t, i) - w);
            off += e > 0;
            beyond += !(k ? e <= 1e-5 : e <= 1);
            worst = e > worst || isnan(e) ? e : worst;
        }
        r->elements[k] += n;
        r->off[k] += k ? beyond : off;
        r->worst[k] = fmax(r->worst[k], worst);
        r->cases++;
        if (beyond)
            printf("far: %s to %s: %lld of %lld, up to %.3g\n", text, line, (long long) beyond, (long long) n, worst);
        far_off += beyond > 0;
        free(got);
    }
    clg_error_clear(dev);
    free(want);
}

static clg_tensor call(const char *text, clg_tensor x)
{
    args a = { .n = 0, .w = x->shape.dim[x->shape.rank - 1], .h = x->shape.dim[x->shape.rank - 2], .floating = x->dtype == CLG_F32 };
    const size_t word = strcspn(text, " ");
    for (const char *at = text + word; *at == ' ' && a.n < ARGS;) {
        char *end;
        a.v[a.n] = strtod(at, &end);
        if (end == at) {
            snprintf(a.word, sizeof a.word, "%s", at + 1);
            break;
        }
        a.n++;
        at = end;
    }
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        if (strlen(calls[i].name) == word && strncmp(calls[i].name, text, word) == 0)
            return calls[i].call(x, &a);
    }
    return NULL;
}

// Lines: "image TYPE DIMS" with elements, "case TEXT", "result TYPE DIMS" with elements, "refused".
int main(void)
{
    char error[1100] = "", line[256], text[256] = "";
    if (clg_device_open(&dev, clg_device_params(.error = error, .error_size = sizeof error)) < 0) {
        fprintf(stderr, "replay_transforms: %s\n", error);
        return 77;
    }
    clg_tensor x = NULL;
    clg_scope outer = NULL;
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        if (strncmp(line, "image ", 6) == 0) {
            clg_dtype t;
            clg_shape s;
            clg_scope_pop(outer);
            outer = clg_scope_push(dev);
            void *p = read_array(line + 6, &t, &s);
            x = clg_upload(dev, t, s, p);
            free(p);
        } else if (strncmp(line, "case ", 5) == 0) {
            snprintf(text, sizeof text, "%s", line + 5);
        } else if (x) {
            clg_scope scope = clg_scope_push(dev);
            clg_tensor y = call(text, x);
            if (strncmp(line, "result ", 7) == 0)
                compare(text, y, line + 7);
            else if (!y || y->status >= 0)
                refuse(text, line, "torchvision refuses this");
            clg_error_clear(dev);
            clg_scope_pop(scope);
        }
    }
    clg_scope_pop(outer);
    printf("| transform | results | integers: largest difference | off by one, of 1000 | floating: largest difference | beyond 1e-5, of 1000 |\n|---|---|---|---|---|---|\n");
    for (int i = 0; i < n_rows; i++) {
        const row *r = &rows[i];
        printf("| %s | %d | %g | %.3f | %.2g | %.3f |\n", r->name, r->cases, r->worst[0], 1e3 * (double) r->off[0] / fmax(1, (double) r->elements[0]),
               r->worst[1], 1e3 * (double) r->off[1] / fmax(1, (double) r->elements[1]));
    }
    clg_device_close(&dev);
    return far_off > 0;
}
