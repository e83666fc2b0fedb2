// SPDX-License-Identifier: MIT
// Policies of augmentation: magnitudes, pairs and results against torchvision's (data/augment.txt); each image draws its
// own, whatever its batch, of all that there is and of nothing else; gradients; what is refused.
#include "testing.h"

#include "image/policies.h"

enum { H = 16, W = 17, IMAGE = 3 * H * W, LINE = 16384, MOST = 64, N = 60, OPS = 14, BINS = 31, TRIES = 4096 };

// As augment_torch.py draws it.
static void draw_image(int channels, unsigned char *bytes, float *numbers)
{
    uint32_t state = 1;
    for (int i = 0; i < channels * H * W; i++) {
        state = state * 1664525u + 1013904223u;
        bytes[i] = (unsigned char) (20 + (state >> 24) * 3 / 4);
        numbers[i] = (float) bytes[i] / 256;
    }
}

// n times the same.
static clg_tensor same_image(int n, int channels, bool floating)
{
    unsigned char bytes[IMAGE];
    float numbers[IMAGE];
    draw_image(channels, bytes, numbers);
    const clg_shape one = CLG_SHAPE(1, channels, H, W);
    const clg_tensor x = floating ? clg_upload(dev, CLG_F32, one, numbers) : clg_upload(dev, CLG_U8, one, bytes);
    return clg_expand(x, CLG_SHAPE(n, channels, H, W));
}

static FILE *golden(void)
{
    const char *path = getenv("CLGRAD_AUGMENT");
    FILE *f = fopen(path ? path : "tests/data/augment.txt", "r");
    ck_assert_msg(f != NULL, "CLGRAD_AUGMENT names data/augment.txt");
    return f;
}

// The next line of a kind, behind that word; NULL at the end.
static char *next(FILE *f, const char *kind, char *line)
{
    while (fgets(line, LINE, f)) {
        const size_t n = strlen(kind);
        if (strncmp(line, kind, n) == 0)
            return line + n;
    }
    fclose(f);
    return NULL;
}

START_TEST(magnitudes_as_torchvision)
{
    static char line[LINE];
    FILE *f = golden();
    int lines = 0;
    for (char *at; (at = next(f, "magnitude", line)) != NULL; lines++) {
        long v[5];
        for (int k = 0; k < 5; k++)
            v[k] = strtol(at, &at, 10);
        for (int bin = 0; bin < v[2]; bin++) {
            const uint32_t bits = (uint32_t) strtoul(at, &at, 16);
            float want;
            memcpy(&want, &bits, sizeof want);
            const double got = clg_image_op_magnitude((clg_image_space) v[0], (clg_image_op) v[1], bin, (int) v[2], v[3], v[4]);
            ck_assert_msg(got == (double) want, "space %ld, operation %ld, %d of %ld: %.9g, expected %.9g", v[0], v[1], bin,
                          v[2], got, (double) want);
        }
    }
    ck_assert_int_eq(lines, 132);
    for (int op = 0; op < 15; op++) {
        const bool none = op == CLG_IMAGE_IDENTITY || op >= CLG_IMAGE_AUTOCONTRAST;
        ck_assert(none == (clg_image_op_magnitude(CLG_IMAGE_SPACE_WIDE, (clg_image_op) op, 13, 31, 9, 9) == 0));
    }
    ck_assert(isnan(clg_image_op_magnitude(CLG_IMAGE_SPACE_AUTO, CLG_IMAGE_ROTATE, 2, 2, 9, 9)));
    ck_assert(isnan(clg_image_op_magnitude(CLG_IMAGE_SPACE_AUTO, CLG_IMAGE_ROTATE, -1, 2, 9, 9)));
    ck_assert(isnan(clg_image_op_magnitude(CLG_IMAGE_SPACE_AUTO, CLG_IMAGE_ROTATE, 0, 1, 9, 9)));
    ck_assert(isnan(clg_image_op_magnitude((clg_image_space) 3, CLG_IMAGE_ROTATE, 0, 2, 9, 9)));
    ck_assert(isnan(clg_image_op_magnitude(CLG_IMAGE_SPACE_AUTO, (clg_image_op) 15, 0, 2, 9, 9)));
}
END_TEST

START_TEST(pairs_as_torchvision)
{
    static char line[LINE];
    FILE *f = golden();
    int lines = 0;
    for (char *at; (at = next(f, "policy", line)) != NULL; lines++) {
        long v[8];
        for (int k = 0; k < 8; k++)
            v[k] = strtol(at, &at, 10);
        for (int k = 0; k < 2; k++) {
            const clg__policy_step s = clg__policies[v[0]][v[1]][k];
            ck_assert_msg(s.op == v[2 + 3 * k] && s.tenths == v[3 + 3 * k] && s.bin == v[4 + 3 * k], "policy %ld, pair %ld", v[0], v[1]);
        }
    }
    ck_assert_int_eq(lines, CLG__POLICIES * CLG__POLICY_PAIRS);
}
END_TEST

// ---- results

typedef struct group { // of lines that differ in operation and magnitude
    int floating, channels, bilinear, fill, n;
    clg_image_op ops[MOST];
    double magnitudes[MOST], want[MOST][IMAGE];
} group;

static double number_at(const char *text, int i, bool floating)
{
    char digits[9] = "";
    const int n = floating ? 8 : 2;
    memcpy(digits, text + (size_t) (i * n), (size_t) n);
    const uint32_t bits = (uint32_t) strtoul(digits, NULL, 16);
    float v;
    memcpy(&v, &bits, sizeof v);
    return floating ? (double) v : (double) bits;
}

static void compare(const group *g, clg_dtype t, double tolerance)
{
    static const double bytes[3] = { 130, 0, 255 }, numbers[3] = { .5, 0, 1 };
    clg_scope scope = clg_scope_push(dev);
    const clg_tensor x = clg_cast(same_image(g->n, g->channels, g->floating), t);
    const struct clg_image_ops_params *const p =
        clg_image_ops_params(.bilinear = g->bilinear, .fill = g->fill ? g->floating ? numbers : bytes : NULL, .fills = 3);
    double *got = read_all(clg_image_apply_ops(x, g->ops, g->magnitudes, p));
    const int all = g->channels * H * W;
    for (int k = 0; k < g->n; k++) {
        int off = 0;
        for (int i = 0; i < all; i++) {
            const double e = fabs(got[k * all + i] - g->want[k][i]);
            off += e > tolerance * 1e-3;
            ck_assert_msg(e <= tolerance * (g->floating ? 1 + fabs(g->want[k][i]) : 1),
                          "%s, bilinear %d, operation %d by %g: element %d is %g, expected %g", clg_dtype_name(t), g->bilinear,
                          (int) g->ops[k], g->magnitudes[k], i, got[k * all + i], g->want[k][i]);
        }
        ck_assert_msg(g->floating || off * 20 <= all, "operation %d by %g: %d are off by one", (int) g->ops[k], g->magnitudes[k], off);
    }
    free(got);
    clg_scope_pop(scope);
}

// Bytes and nearest pixels always, as all of the tests need those kernels.
static void compare_group(const group *g, int turn)
{
    if (turn == 0 || in_turn(turn, 5))
        compare(g, g->floating ? CLG_F32 : CLG_U8, g->floating ? 1e-5 : 1);
    if (g->floating && g->bilinear && clg_device_get_info(dev)->fp64 && in_turn(0, 5))
        compare(g, CLG_F64, 1e-5);
}

START_TEST(results_as_torchvision)
{
    static char line[LINE], text[LINE];
    static group g;
    FILE *f = golden();
    int lines = 0, groups = 0;
    g.n = 0;
    for (char *at; (at = next(f, "result", line)) != NULL; lines++) {
        int v[5];
        for (int k = 0; k < 5; k++)
            v[k] = (int) strtol(at, &at, 10);
        if (g.n && (v[0] != g.floating || v[1] != g.channels || v[2] != g.bilinear)) {
            compare_group(&g, groups++);
            g.n = 0;
        }
        g.floating = v[0], g.channels = v[1], g.bilinear = v[2], g.fill = v[3];
        g.ops[g.n] = (clg_image_op) v[4];
        g.magnitudes[g.n] = strtod(at, &at);
        ck_assert(g.n < MOST && sscanf(at, "%s", text) == 1);
        for (int i = 0; i < g.channels * H * W; i++)
            g.want[g.n][i] = number_at(text, i, g.floating);
        g.n++;
    }
    compare_group(&g, groups++);
    ck_assert_int_gt(lines, 80);
    ck_assert_int_eq(groups, 5);
}
END_TEST

// ---- beside the operations alone

static clg_tensor alone(clg_tensor x, clg_image_op op, double m, struct clg_image_warp_params p)
{
    static const double corner[2] = { 0, 0 };
    const double degrees = atan(m) * 57.29577951308232;
    struct clg_image_affine_map a = { .scale = 1 };
    if (op == CLG_IMAGE_SHEAR_X || op == CLG_IMAGE_SHEAR_Y)
        p.center = corner;
    switch (op) {
    case CLG_IMAGE_SHEAR_X: return a.shear_x = degrees, clg_image_affine(x, a, &p);
    case CLG_IMAGE_SHEAR_Y: return a.shear_y = degrees, clg_image_affine(x, a, &p);
    case CLG_IMAGE_TRANSLATE_X: return a.translate_x = trunc(m), clg_image_affine(x, a, &p);
    case CLG_IMAGE_TRANSLATE_Y: return a.translate_y = trunc(m), clg_image_affine(x, a, &p);
    case CLG_IMAGE_ROTATE: return clg_image_rotate(x, m, &p);
    case CLG_IMAGE_BRIGHTNESS: return clg_image_adjust_brightness(x, 1 + m);
    case CLG_IMAGE_COLOR: return clg_image_adjust_saturation(x, 1 + m);
    case CLG_IMAGE_CONTRAST: return clg_image_adjust_contrast(x, 1 + m);
    case CLG_IMAGE_SHARPNESS: return clg_image_adjust_sharpness(x, 1 + m);
    case CLG_IMAGE_POSTERIZE: return clg_image_posterize(x, (int) m);
    case CLG_IMAGE_SOLARIZE: return clg_image_solarize(x, m * (x->dtype == CLG_U8 ? 255 : 1));
    case CLG_IMAGE_AUTOCONTRAST: return clg_image_autocontrast(x);
    case CLG_IMAGE_EQUALIZE: return clg_image_equalize(x);
    case CLG_IMAGE_INVERT: return clg_image_invert(x);
    case CLG_IMAGE_IDENTITY: break;
    }
    return x;
}

// Views, images of few and of odd numbers of pixels, one NaN and one infinite number: an image is its own business.
START_TEST(as_the_operations_alone)
{
    TAKES_TURNS(4);
    enum { ALL = 31 };
    static const int64_t shapes[][3] = { { 3, 1, 1 }, { 1, 5, 2 }, { 3, 37, 21 }, { 1, 3, 3 } };
    static const double fills[3] = { .3, .6, .9 };
    for (int k = 0; k < 8; k++) {
        if (!in_turn(k, 7))
            continue;
        clg_scope scope = clg_scope_push(dev);
        const int64_t c = shapes[k % 4][0], h = shapes[k % 4][1], w = shapes[k % 4][2], n = c * h * w;
        float *v = malloc((size_t) (ALL * n) * sizeof *v);
        for (int64_t i = 0; i < ALL * n; i++)
            v[i] = (float) floor(128 + 128 * rnd()) / (k % 2 ? 1 : 256);
        if (k % 2 == 0) {
            v[n / 2] = INFINITY;
            v[n / 3 + 2 * n] = NAN;
        }
        const clg_tensor turned = clg_upload(dev, CLG_F32, CLG_SHAPE(ALL, c, w, h), v);
        const clg_tensor x = clg_flip(clg_transpose(clg_cast(turned, k % 2 ? CLG_U8 : CLG_F32), 2, 3), CLG_AXES(0));
        clg_image_op ops[ALL];
        double magnitudes[ALL];
        for (int i = 0; i < ALL; i++) {
            ops[i] = (clg_image_op) (i % 15);
            const bool back = ops[i] >= CLG_IMAGE_SHEAR_X && ops[i] <= CLG_IMAGE_SHARPNESS && rnd() < 0;
            magnitudes[i] = clg_image_op_magnitude(CLG_IMAGE_SPACE_WIDE, ops[i], (int) (15.5 + 15.5 * rnd()), BINS, h, w) * (back ? -1 : 1);
        }
        struct clg_image_warp_params p = { .size = sizeof p, .filter = k / 4 ? CLG_IMAGE_NEAREST : CLG_IMAGE_BILINEAR, .fill = fills, .fills = (int) c };
        double *got = read_all(clg_image_apply_ops(x, ops, magnitudes, clg_image_ops_params(.bilinear = k / 4 == 0, .fill = fills, .fills = (int) c)));
        for (int i = 0; i < ALL; i++) {
            double *want = read_all(alone(clg_slice(x, 0, i, i + 1, 1), ops[i], magnitudes[i], p));
            for (int64_t e = 0; e < n; e++) {
                const double a = got[i * n + e], b = want[e];
                ck_assert_msg((isnan(a) && isnan(b)) || a == b || fabs(a - b) <= (k % 2 ? 1 : 1e-5 * (1 + fabs(b))),
                              "case %d, operation %d by %g: element %d is %g, expected %g", k, (int) ops[i], magnitudes[i], (int) e, a, b);
            }
            free(want);
        }
        free(got), free(v);
        clg_scope_pop(scope);
    }
}
END_TEST

// ---- draws

static clg_draw_key key_at(int first)
{
    return (clg_draw_key) { .seed = 5, .epoch = 3, .first = first };
}

static clg_tensor rand_two(clg_tensor x, clg_draw_key k) { return clg_image_rand_augment(x, 2, 9, BINS, NULL, k); }
static clg_tensor trivial(clg_tensor x, clg_draw_key k) { return clg_image_trivial_augment(x, BINS, NULL, k); }
static clg_tensor svhn(clg_tensor x, clg_draw_key k) { return clg_image_auto_augment(x, CLG_IMAGE_POLICY_SVHN, NULL, k); }
static clg_tensor augmix(clg_tensor x, clg_draw_key k)
{
    return clg_image_augmix(x, clg_image_augmix_params(.mixture_width = 2, .nearest = true), k);
}

START_TEST(a_draw_is_the_images_own)
{
    clg_tensor (*const all[])(clg_tensor, clg_draw_key) = { rand_two, trivial, svhn, augmix };
    static const int64_t backwards[3] = { 17, 4, 23 };
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        clg_scope scope = clg_scope_push(dev);
        double *whole = read_all(all[k](same_image(N, 3, false), key_at(0))), *some = read_all(all[k](same_image(5, 3, false), key_at(7)));
        double *again = read_all(all[k](same_image(N, 3, false), key_at(0)));
        ck_assert_mem_eq(again, whole, N * IMAGE * sizeof *whole);
        ck_assert_msg(memcmp(some, whole + 7 * IMAGE, 5 * IMAGE * sizeof *some) == 0, "case %d: a part of the batch", (int) k);
        clg_draw_key named = key_at(0), later = key_at(0), seeded = key_at(0);
        named.samples = backwards;
        later.epoch++;
        seeded.seed++;
        double *picked = read_all(all[k](same_image(3, 3, false), named));
        for (int i = 0; i < 3; i++)
            ck_assert_msg(memcmp(picked + i * IMAGE, whole + backwards[i] * IMAGE, IMAGE * sizeof *whole) == 0,
                          "case %d: image %d by its number", (int) k, (int) backwards[i]);
        double *other = read_all(all[k](same_image(N, 3, false), later)), *third = read_all(all[k](same_image(N, 3, false), seeded));
        ck_assert(memcmp(other, whole, N * IMAGE * sizeof *whole) != 0 && memcmp(third, whole, N * IMAGE * sizeof *whole) != 0);
        free(whole), free(some), free(again), free(picked), free(other), free(third);
        clg_scope_pop(scope);
    }
}
END_TEST

typedef struct tries { // what may come out
    int n;
    clg_image_op ops[2][TRIES];
    double magnitudes[2][TRIES];
} tries;

static void add(tries *t, const clg_image_op ops[2], const double magnitudes[2])
{
    ck_assert_int_lt(t->n, TRIES);
    for (int k = 0; k < 2; k++) {
        t->ops[k][t->n] = ops[k];
        t->magnitudes[k][t->n] = magnitudes[k];
    }
    t->n++;
}

// Both ways of the first of two.
static void add_one(tries *t, clg_image_space space, int op, int bin, int bins)
{
    const clg_image_op ops[2] = { (clg_image_op) op, CLG_IMAGE_IDENTITY };
    const double m = clg_image_op_magnitude(space, ops[0], bin, bins, H, W);
    const bool both = op >= CLG_IMAGE_SHEAR_X && op <= CLG_IMAGE_SHARPNESS;
    for (int way = 0; way <= both; way++)
        add(t, ops, (double[2]) { way ? -m : m, 0 });
}

static double *results(const tries *t, bool floating)
{
    clg_tensor y = same_image(t->n, 3, floating);
    for (int k = 0; k < 2; k++)
        y = clg_image_apply_ops(y, t->ops[k], t->magnitudes[k], NULL);
    return read_all(y);
}

// Every image of `got` is one of these; counts the first operations of those that fit.
static void find(const char *what, const tries *t, const double *got, int n, int hits[16])
{
    double *all = results(t, false);
    for (int i = 0; i < n; i++) {
        int k = 0;
        while (k < t->n && memcmp(all + (size_t) k * IMAGE, got + (size_t) i * IMAGE, IMAGE * sizeof *got) != 0)
            k++;
        ck_assert_msg(k < t->n, "%s: image %d is nothing that may come out", what, i);
        hits[t->ops[0][k]]++;
    }
    free(all);
}

START_TEST(one_of_all_operations)
{
    static tries t;
    clg_scope scope = clg_scope_push(dev);
    int hits[16] = { 0 }, wide[16] = { 0 };
    const clg_tensor x = same_image(4 * N, 3, false);
    t.n = 0;
    for (int op = 0; op < OPS; op++)
        add_one(&t, CLG_IMAGE_SPACE_AUTO, op, 9, BINS);
    double *got = read_all(clg_image_rand_augment(x, 1, 9, BINS, NULL, key_at(0)));
    find("rand_augment", &t, got, 4 * N, hits);
    for (int op = 0; op < OPS; op++)
        ck_assert_msg(hits[op] >= 4 && hits[op] < 40, "operation %d: %d of %d", op, hits[op], 4 * N);
    free(got);
    t.n = 0;
    for (int op = 0; op < OPS; op++) {
        for (int bin = 0; bin < BINS; bin++)
            add_one(&t, CLG_IMAGE_SPACE_WIDE, op, bin, BINS);
    }
    got = read_all(clg_image_trivial_augment(x, BINS, NULL, key_at(0)));
    find("trivial_augment", &t, got, 4 * N, wide);
    for (int op = 1; op < OPS; op++)
        ck_assert_msg(wide[op] >= 3, "operation %d: %d of %d", op, wide[op], 4 * N);
    free(got);
    got = read_all(clg_image_rand_augment(x, 0, 9, BINS, NULL, key_at(0)));
    double *want = read_all(x);
    ck_assert_mem_eq(got, want, 4 * N * IMAGE * sizeof *got);
    free(got), free(want);
    clg_scope_pop(scope);
}
END_TEST

START_TEST(one_of_all_pairs)
{
    static tries t;
    for (int policy = 0; policy < CLG__POLICIES; policy++) {
        clg_scope scope = clg_scope_push(dev);
        int hits[16] = { 0 };
        t.n = 0;
        for (int pair = 0; pair < CLG__POLICY_PAIRS; pair++) {
            for (int how = 0; how < 9; how++) { // each of the two: not, one way, the other
                clg_image_op ops[2];
                double magnitudes[2];
                bool may = true;
                for (int k = 0; k < 2; k++) {
                    const clg__policy_step s = clg__policies[policy][pair][k];
                    const int way = k ? how / 3 : how % 3;
                    const bool sign = s.op >= CLG_IMAGE_SHEAR_X && s.op <= CLG_IMAGE_SHARPNESS;
                    may &= way == 0 ? s.tenths < 10 : s.tenths > 0 && (way == 1 || sign);
                    ops[k] = way ? (clg_image_op) s.op : CLG_IMAGE_IDENTITY;
                    const double m = clg_image_op_magnitude(CLG_IMAGE_SPACE_AUTO, ops[k], s.bin, 10, H, W);
                    magnitudes[k] = way == 2 ? -m : m;
                }
                if (may)
                    add(&t, ops, magnitudes);
            }
        }
        double *got = read_all(clg_image_auto_augment(same_image(2 * N, 3, false), (clg_image_policy) policy, NULL, key_at(0)));
        find("auto_augment", &t, got, 2 * N, hits);
        // each pair in four out of 100, about a quarter of them unchanged
        ck_assert_msg(hits[CLG_IMAGE_IDENTITY] > 8 && hits[CLG_IMAGE_IDENTITY] < 90, "policy %d: %d of %d", policy,
                      hits[CLG_IMAGE_IDENTITY], 2 * N);
        free(got);
        clg_scope_pop(scope);
    }
}
END_TEST

// A chain of one operation: the image goes a part of the way to it.
START_TEST(mixed_with_one_operation)
{
    TAKES_TURNS(4);
    static tries t;
    clg_scope scope = clg_scope_push(dev);
    double sum = 0;
    int moved = 0;
    t.n = 0;
    for (int op = 1; op < OPS; op++) {
        for (int bin = 0; bin < 4; bin++)
            add_one(&t, CLG_IMAGE_SPACE_AUGMIX, op, bin, 10);
    }
    const struct clg_image_augmix_params *const p =
        clg_image_augmix_params(.severity = 4, .mixture_width = 1, .chain_depth = 1, .nearest = true);
    double *all = results(&t, true), *x = read_all(same_image(1, 3, true));
    double *got = read_all(clg_image_augmix(same_image(2 * N, 3, true), p, key_at(0)));
    for (int i = 0; i < 2 * N; i++) {
        double best = 9, part = 0;
        bool counts = false;
        for (int k = 0; k < t.n && best > 1e-5; k++) {
            double up = 0, down = 0, worst = 0;
            for (int e = 0; e < IMAGE; e++) {
                const double d = all[k * IMAGE + e] - x[e];
                up += d * (got[i * IMAGE + e] - x[e]);
                down += d * d;
            }
            const double r = down > 0 ? up / down : 0;
            for (int e = 0; e < IMAGE; e++)
                worst = fmax(worst, fabs(x[e] + r * (all[k * IMAGE + e] - x[e]) - got[i * IMAGE + e]));
            if (worst < best && r > -1e-4 && r < 1.0001) {
                best = worst, part = r;
                // a stronger color less of the way is the same
                counts = r > 1e-4 && (t.ops[0][k] < CLG_IMAGE_BRIGHTNESS || t.ops[0][k] > CLG_IMAGE_SHARPNESS);
            }
        }
        ck_assert_msg(best <= 1e-5, "image %d: off by %g, %g of the way", i, best, part);
        moved += counts;
        sum += counts ? part : 0;
    }
    ck_assert_msg(moved > N / 2 && sum / moved > .35 && sum / moved < .65, "%d moved, %g of the way", moved, sum / moved);
    free(all), free(x), free(got);
    clg_scope_pop(scope);
}
END_TEST

// ---- types, gradients

START_TEST(other_types)
{
    static const clg_dtype types[] = { CLG_F16, CLG_BF16, CLG_I16 };
    for (int k = 0; k < 3; k++) {
        if (!in_turn(k, 5))
            continue;
        clg_scope scope = clg_scope_push(dev);
        const bool whole = types[k] == CLG_I16;
        const clg_tensor x = clg_cast(same_image(6, 3, !whole), types[k]), wide = clg_cast(x, CLG_F32);
        const clg_tensor y = rand_two(x, key_at(0));
        ck_assert(y->dtype == types[k]);
        double *got = read_all(y), *want = read_all(clg_cast(rand_two(wide, key_at(0)), types[k]));
        for (int i = 0; i < 6 * IMAGE && !whole; i++)
            ck_assert_msg(got[i] == want[i], "%s: element %d is %g, expected %g", clg_dtype_name(types[k]), i, got[i], want[i]);
        free(got), free(want);
        const clg_tensor none = clg_zeros(dev, types[k], CLG_SHAPE(0, 3, H, W));
        ck_assert(rand_two(none, key_at(0))->status >= 0 && augmix(none, key_at(0))->status >= 0);
        clg_scope_pop(scope);
    }
}
END_TEST

START_TEST(gradients_pass)
{
    TAKES_TURNS(4);
    static const clg_image_op ops[6] = { CLG_IMAGE_IDENTITY, CLG_IMAGE_BRIGHTNESS, CLG_IMAGE_TRANSLATE_X, CLG_IMAGE_SOLARIZE,
                                         CLG_IMAGE_POSTERIZE, CLG_IMAGE_INVERT };
    static const double magnitudes[6] = { 0, -.25, 2, 1, 3, 0 }, want[6] = { 1, .75, 1, 1, 0, -1 };
    clg_scope scope = clg_scope_push(dev);
    const clg_tensor x = same_image(6, 3, true);
    double *got = read_all(clg_grad(clg_sum(clg_image_apply_ops(x, ops, magnitudes, NULL), CLG_ALL, false), x));
    for (int i = 0; i < 6 * IMAGE; i++) {
        const bool gone = i / IMAGE == 2 && i % W >= W - 2; // moved out
        ck_assert_msg(fabs(got[i] - (gone ? 0 : want[i / IMAGE])) < 1e-5, "operation %d: element %d has %g", (int) ops[i / IMAGE],
                      i % IMAGE, got[i]);
    }
    free(got);
    clg_scope_pop(scope);
}
END_TEST

static void refused(clg_tensor y, clg_status st, const char *says)
{
    ck_assert_msg(y->status == st && strstr(clg_tensor_error(y), says), "%d: %s", y->status, clg_tensor_error(y));
    clg_error_clear(dev);
}

static clg_tensor apply(clg_tensor x, int op, double magnitude)
{
    const clg_image_op ops[2] = { CLG_IMAGE_EQUALIZE, (clg_image_op) op };
    return clg_image_apply_ops(x, ops, (double[2]) { NAN, magnitude }, NULL);
}

START_TEST(wrong_calls)
{
    clg_scope scope = clg_scope_push(dev);
    const clg_draw_key k = key_at(0);
    const clg_tensor x = same_image(2, 3, true), two = clg_zeros(dev, CLG_F32, CLG_SHAPE(2, 2, 4, 4));
    const clg_image_op op = CLG_IMAGE_IDENTITY;
    const double zero = 0;
    const struct clg_image_ops_params *const fills = clg_image_ops_params(.fill = &zero, .fills = 2);
    refused(rand_two(clg_zeros(dev, CLG_F32, CLG_SHAPE(3, 4, 4)), k), CLG_ESHAPE, "image_rand_augment: x has rank 3");
    refused(trivial(two, k), CLG_ESHAPE, "2 channels");
    refused(svhn(clg_zeros(dev, CLG_I32, CLG_SHAPE(1, 3, 4, 4)), k), CLG_EDTYPE, "i32");
    refused(augmix(clg_zeros(dev, CLG_U8, CLG_SHAPE(1, 3, 0, 4)), k), CLG_ESHAPE, "empty");
    refused(clg_image_rand_augment(x, -1, 0, 2, NULL, k), CLG_EINVAL, "num_ops");
    refused(clg_image_rand_augment(x, 65, 0, 2, NULL, k), CLG_EINVAL, "num_ops");
    refused(clg_image_rand_augment(x, 1, 2, 2, NULL, k), CLG_EINVAL, "magnitude");
    refused(clg_image_rand_augment(x, 1, -1, 2, NULL, k), CLG_EINVAL, "magnitude");
    refused(clg_image_rand_augment(x, 1, 0, 1, NULL, k), CLG_EINVAL, "num_magnitude_bins");
    refused(clg_image_rand_augment(x, 1, 0, 2, fills, k), CLG_ESHAPE, "2 fills");
    refused(clg_image_trivial_augment(x, 1, NULL, k), CLG_EINVAL, "num_magnitude_bins");
    refused(clg_image_auto_augment(x, (clg_image_policy) 3, NULL, k), CLG_EINVAL, "policy");
    refused(clg_image_augmix(x, clg_image_augmix_params(.severity = 11), k), CLG_EINVAL, "severity");
    refused(clg_image_augmix(x, clg_image_augmix_params(.mixture_width = 17), k), CLG_EINVAL, "mixture_width");
    refused(clg_image_augmix(x, clg_image_augmix_params(.chain_depth = -1), k), CLG_EINVAL, "chain_depth");
    refused(clg_image_augmix(x, clg_image_augmix_params(.alpha = -1), k), CLG_EINVAL, "alpha");
    refused(clg_image_augmix(x, clg_image_augmix_params(.fill = &zero, .fills = 2), k), CLG_ESHAPE, "2 fills");
    refused(clg_image_apply_ops(x, NULL, &zero, NULL), CLG_EINVAL, "ops is NULL");
    refused(clg_image_apply_ops(x, &op, NULL, NULL), CLG_EINVAL, "magnitudes is NULL");
    refused(apply(x, 15, 0), CLG_EINVAL, "image 1: there is no such operation");
    refused(apply(x, -1, 0), CLG_EINVAL, "no such operation");
    refused(apply(x, CLG_IMAGE_ROTATE, NAN), CLG_EINVAL, "magnitude");
    refused(apply(x, CLG_IMAGE_SHARPNESS, -1.5), CLG_EINVAL, "below 0");
    refused(apply(x, CLG_IMAGE_POSTERIZE, 9), CLG_EINVAL, "bits");
    refused(apply(x, CLG_IMAGE_POSTERIZE, -1), CLG_EINVAL, "bits");
    refused(apply(x, CLG_IMAGE_SOLARIZE, 1.5), CLG_EINVAL, "threshold");
    clg_scope_pop(scope);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("auto_augment");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 600);
    tcase_add_test(c, magnitudes_as_torchvision);
    tcase_add_test(c, pairs_as_torchvision);
    tcase_add_test(c, results_as_torchvision);
    tcase_add_test(c, as_the_operations_alone);
    tcase_add_test(c, a_draw_is_the_images_own);
    tcase_add_test(c, one_of_all_operations);
    tcase_add_test(c, one_of_all_pairs);
    tcase_add_test(c, mixed_with_one_operation);
    tcase_add_test(c, other_types);
    tcase_add_test(c, gradients_pass);
    tcase_add_test(c, wrong_calls);
    suite_add_tcase(s, c);
    return run_suite(s);
}
