// SPDX-License-Identifier: MIT
// Matrix products of the CPU class, three kernels: cl/gemm_thin.cl for few rows or columns, cl/gemm_tile.cl, which
// packs as it goes, and cl/gemm_cpu.cl, whose operands cl/gemm_pack.cl lays into panels before. An element's sum has one
// order in all of them, so which one is taken follows from how operands lie and what the device has; where a long sum is
// cut follows from the sizes alone.
#include "ops/matmul.h"

#include "ops/tile.h"

enum { BATCH = CLG__MATMUL_BATCH, LANES = CLG__VL };

static size_t up(int64_t a, int64_t b)
{
    return clg__matmul_up(a, b);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

// ---- long sums

// Few results with long sums are made in parts, of `chunk` of what is summed over, that cl/gemm_sum.cl adds up.
typedef struct cut {
    int64_t sums, chunk, parts;
} cut;

// What decides holds for rows of a batch that are one product and for those that could not be, and for a product
// and its transpose.
static cut cut_of(const clg__kernel_call *c, const clg__matmul *s)
{
    enum { RESULTS = 1 << 18, PARTS = 32, FEW = 16, RUN = 2048, DEEP = 512 };
    int64_t of[2] = { 1, 1 };
    for (int i = 0; i < 2; i++) {
        for (int d = 0; d < BATCH; d++)
            of[i] *= clg__matmul_dim(&c->in_shape[i], d);
    }
    const int64_t rows = of[1] == 1 ? s->b * s->m : s->m, columns = of[0] == 1 ? s->b * s->n : s->n;
    // Where memory bounds, long runs; else what a tile has in the cache.
    const bool few = least(rows, columns) <= FEW;
    const int64_t chunk = few ? RUN : DEEP, long_sum = few ? 2 * RUN : 4 * DEEP;
    cut u = { s->sums * s->k, s->sums * s->k, 1 };
    const int64_t results = most(1, s->b * s->m * s->n);
    if (u.sums < long_sum || results >= RESULTS || s->flat)
        return u;
    u.parts = least(least(PARTS, u.sums / chunk), (int64_t) up(RESULTS, results));
    u.chunk = (int64_t) up((int64_t) up(u.sums, u.parts), LANES) * LANES;
    u.parts = (int64_t) up(u.sums, u.chunk);
    return u;
}

// Where the parts lie: elements from one to the next part, product, sixteen lanes, row.
typedef struct layout {
    int64_t part, product, across, down;
    int rows, lanes;
    bool swapped; // the result's rows lie along the lanes
} layout;

static layout rows_of_parts(const clg__matmul *s)
{
    const int64_t down = (int64_t) up(s->n, LANES) * LANES;
    return (layout) { s->b * s->m * down, s->m * down, LANES, down, s->m, s->n, false };
}

static void define(clg__kplan *p, clg__launch *l, clg_dtype t, bool parts)
{
    clg__define_element(p, l, t);
    clg__define_mad(p, l, t, true);
    if (parts)
        clg__kplan_define(p, l, "PARTS", "1");
}

static int parts_temp(const clg__kernel_call *c, clg__kplan *p, const cut *u, const layout *y)
{
    return clg__kplan_temp(p, (size_t) (u->parts * y->part) * clg__acc_size(c->out_dtype[0]));
}

static void add_parts(const clg__kernel_call *c, clg__kplan *p, const clg__matmul *s, const cut *u, const layout *y,
                      int temp)
{
    enum { SHARE = 64 }; // blocks that are worth a work-group
    clg__launch *l = clg__kplan_kernel(p, "gemm_sum", "gemm_sum");
    int64_t out[BATCH + 1];
    clg__matmul_result(c, out);
    define(p, l, c->out_dtype[0], false);
    clg__arg_temp(p, l, temp);
    clg__arg_out(p, l, 0);
    CLG__ARG_TABLE(p, l, "GEMM", { "c_s0", out[0], true }, { "c_s1", out[1], true }, { "c_s2", out[2], true },
                   { "c_sm", out[3], true }, { "n1", s->batch[1], true }, { "n2", s->batch[2], true },
                   { "part", y->part, true }, { "product", y->product, true }, { "across", y->across, true },
                   { "down", y->down, true }, { "parts", u->parts, false }, { "batches", s->b, false },
                   { "rows", y->rows, false }, { "lanes", y->lanes, false }, { "swapped", y->swapped, false });
    clg__arg_epilogue(p, l);
    const int64_t blocks = s->b * (int64_t) (up(y->rows, LANES) * up(y->lanes, LANES));
    clg__kplan_grid(l, (size_t) most(1, least(4 * c->caps->compute_units, blocks / SHARE)), 1, 1, 1, 1, 1);
}

// ---- sizes of the work

const clg__param clg__matmul_thin_params[CLG__MATMUL_THIN_PARAMS] = { { "groups", "work-groups wanted", 1, 4096, false } };
#define CPU_PARAMS(rows_most, vectors_most)                                                        \
    { "rows", "of a register tile", 1, rows_most, false },                                         \
    { "vectors", "of 16 in a register tile", 1, vectors_most, false },                             \
    { "groups", "work-groups wanted", 1, 4096, false }
const clg__param clg__matmul_tile_params[CLG__MATMUL_CPU_PARAMS] = { CPU_PARAMS(8, 3) };
const clg__param clg__matmul_packed_params[CLG__MATMUL_CPU_PARAMS] = { CPU_PARAMS(8, 4) };
enum { THIN_GROUPS, TILE_ROWS = 0, TILE_VECTORS, GROUPS };

// A register tile of the variant.
static clg__tile tile_of(const clg__kernel_call *c, int rows, int vectors)
{
    const clg__tile t = clg__tile_fit(c->caps, clg__acc_size(c->out_dtype[0]), (clg__tile) { rows, vectors });
    return (clg__tile) { clg__param_or(c, TILE_ROWS, t.rows), clg__param_or(c, TILE_VECTORS, t.vectors) };
}

// Work-groups: one where another thread would wake up too late to help, else four of equal cost for each core.
static int groups_wanted(const clg__kernel_call *c, const clg__matmul *s)
{
    const double k = (double) s->sums * s->k, b = (double) s->b, bytes = (double) clg__acc_size(c->out_dtype[0]);
    const double moved = b * bytes * ((double) s->m * k + k * s->n + (double) s->m * s->n);
    const double work = 2 * b * s->m * k * s->n * bytes / 4 + 4 * moved;
    const double most_work = 5e5 * 4 * c->caps->compute_units;
    return work < 1.5e6 ? 1 : (int) most(2, (int64_t) ((work < most_work ? work : most_work) / 5e5));
}

static int64_t local_elements(const clg__kernel_call *c)
{
    const int64_t stays = (int64_t) c->caps->cache_bytes / 2;
    return least(stays, (int64_t) c->caps->local_bytes) / (int64_t) clg__acc_size(c->out_dtype[0]);
}

static const char *takes(const clg__kernel_call *c, const clg__matmul *s)
{
    if (!c->caps->cpu_class)
        return "for CPU-class devices";
    return s->b > INT32_MAX ? "more matrices than an int counts" : NULL;
}

// ---- few rows or columns

// X * Y, or transposed (swapped): X has few rows, Y many columns, which are lanes.
typedef struct thin {
    clg__matmul s;
    cut u;
    bool swapped;
    int rows, lanes, x;                        // x: which input X is
    int64_t xs[BATCH + 2], ys[BATCH + 2]; // batch, rows, k; batch, k, lanes
    int64_t deep, strip;
} thin;

static thin thin_of(const clg__kernel_call *c)
{
    thin t = { .s = clg__matmul_sizes(c) };
    t.u = cut_of(c, &t.s);
    t.swapped = t.s.m > t.s.n;
    t.rows = t.swapped ? t.s.n : t.s.m;
    t.lanes = t.swapped ? t.s.m : t.s.n;
    t.x = t.swapped;
    clg__matmul_strides(c, t.x, t.xs);
    clg__matmul_strides(c, !t.x, t.ys);
    int64_t *turned = t.swapped ? t.xs : t.ys, swap = 0;
    if (t.swapped) { // B has k first, A last
        swap = turned[BATCH], turned[BATCH] = turned[BATCH + 1], turned[BATCH + 1] = swap;
        swap = t.ys[BATCH], t.ys[BATCH] = t.ys[BATCH + 1], t.ys[BATCH + 1] = swap;
    }
    if (t.lanes == 1 && t.ys[BATCH] == 1) // one column is read down
        t.ys[BATCH + 1] = 0;
    return t;
}

const char *clg__matmul_accepts_thin(const clg__kernel_call *c)
{
    enum { ROWS = 16, WIDE = 64, SHORT = 16, LONG = 256 };
    const clg__matmul s = clg__matmul_sizes(c);
    const char *why = takes(c, &s);
    if (why)
        return why;
    const thin t = thin_of(c);
    if (s.sums != 1 || clg__matmul_empty(&s) || t.rows > ROWS)
        return "many rows and columns";
    if (!c->forced && s.k < LONG && (t.swapped || t.lanes < WIDE || s.k < SHORT))
        return "a short sum";
    if (t.ys[BATCH] != 1 && t.ys[BATCH + 1] != 1)
        return "strides in both dimensions";
    return local_elements(c) < 2 * ROWS * LANES ? "too little local memory" : NULL;
}

void clg__matmul_thin(const clg__kernel_call *c, clg__kplan *p)
{
    enum { STRIP = 2048, RUN = 4096, SHORTEST = 512 };
    const thin t = thin_of(c);
    const clg__matmul *s = &t.s;
    const int64_t half = local_elements(c) / 2 / t.rows / LANES * LANES; // of X, and of the sums
    const int64_t vectors = (int64_t) up(t.lanes, LANES), groups = clg__param_or(c, THIN_GROUPS, groups_wanted(c, s));
    const bool turned = t.ys[BATCH + 1] != 1, cut_up = t.u.parts > 1;
    const int64_t strips = (int64_t) up(groups, s->b * t.u.parts);
    int64_t strip = least(half, least(STRIP, (int64_t) up(vectors, least(vectors, strips)) * LANES));
    if (!turned) // along rows, so long runs
        strip = most(strip, least(half, least(SHORTEST, vectors * LANES)));
    const int64_t deep = turned ? least(half, RUN) : LANES;
    const layout y = { s->b * vectors * t.rows * LANES, vectors * t.rows * LANES, t.rows * LANES, LANES, t.rows, t.lanes,
                       t.swapped };
    const int temp = cut_up ? parts_temp(c, p, &t.u, &y) : 0;
    clg__launch *l = clg__kplan_kernel(p, "gemm_thin", "gemm_thin");
    const size_t e = clg__acc_size(c->out_dtype[0]);
    int64_t out[BATCH + 1];
    clg__matmul_result(c, out);
    define(p, l, c->out_dtype[0], cut_up);
    for (int i = 0; i < 2; i++) {
        clg__arg_in(p, l, i ? !t.x : t.x);
        clg__arg_in_offset(p, l, i ? !t.x : t.x);
    }
    if (cut_up)
        clg__arg_temp(p, l, temp);
    else
        clg__arg_out(p, l, 0);
    clg__arg_local(p, l, (size_t) (least(deep, (int64_t) up(t.u.chunk, LANES) * LANES) * t.rows) * e);
    clg__arg_local(p, l, (size_t) (strip * t.rows) * e);
    CLG__ARG_TABLE(p, l, "GEMM", { "x_s0", t.xs[0], true }, { "x_s1", t.xs[1], true }, { "x_s2", t.xs[2], true },
                   { "x_sr", t.xs[3], true }, { "x_sk", t.xs[4], true }, { "y_s0", t.ys[0], true },
                   { "y_s1", t.ys[1], true }, { "y_s2", t.ys[2], true }, { "y_sk", t.ys[3], true },
                   { "y_sl", t.ys[4], true }, { "c_s0", out[0], true }, { "c_s1", out[1], true }, { "c_s2", out[2], true },
                   { "c_sm", out[3], true }, { "n1", s->batch[1], true }, { "n2", s->batch[2], true },
                   { "rows", t.rows, false }, { "lanes", t.lanes, false }, { "K", s->k, false },
                   { "chunk", t.u.chunk, false }, { "strip", strip, false }, { "deep", deep, false },
                   { "swapped", t.swapped, false });
    if (!cut_up)
        clg__arg_epilogue(p, l);
    clg__kplan_grid(l, up(t.lanes, strip), (size_t) t.u.parts, (size_t) s->b, 1, 1, 1);
    if (cut_up)
        add_parts(c, p, s, &t.u, &y, temp);
    p->flops += clg__matmul_flops(s);
}

// ---- packed as it goes

static clg__tile small_tile(const clg__kernel_call *c)
{
    const clg_dtype t = c->out_dtype[0]; // integers take more registers for a product
    return tile_of(c, 8, clg__acc_size(t) == 8 ? 1 : clg_dtype_is_float(t) ? 3 : 2);
}

// Columns whose copy stays in a core's cache, beside the rows of a tile where those are copied.
static int64_t tile_columns(const clg__kernel_call *c, const cut *u)
{
    const int64_t chunk = (int64_t) up(most(1, u->chunk), LANES) * LANES;
    const int64_t rows = clg__is_packed(c->out_dtype[0]) ? chunk * small_tile(c).rows : 0;
    return (local_elements(c) - rows) / chunk / LANES * LANES;
}

// Elements from the first of input i to its last, and one.
static int64_t extent_of(const clg__kernel_call *c, int i)
{
    int64_t n = 1;
    for (int d = 0; d < c->in_shape[i].rank; d++)
        n += most(0, c->in_access[i].stride[d]) * (c->in_shape[i].dim[d] - 1);
    return n;
}

const char *clg__matmul_accepts_tile(const clg__kernel_call *c)
{
    enum { WIDE = 256, DEEP = 768, PAGE = 4096 };
    const clg__matmul s = clg__matmul_sizes(c);
    const cut u = cut_of(c, &s);
    const char *why = takes(c, &s);
    if (why || clg__matmul_empty(&s))
        return why;
    if (s.sums != 1 && clg__is_packed(c->out_dtype[0]))
        return "a sum over the batch";
    const int64_t columns = tile_columns(c, &u);
    if (columns < LANES || (!c->forced && columns < least(s.n, LANES * small_tile(c).vectors)))
        return "long sums";
    // Where A's tile is read many times and badly: a page for each of its numbers, or converted one by one.
    int64_t a[BATCH + 2];
    clg__matmul_strides(c, 0, a);
    const int64_t step = a[BATCH + 1] < 0 ? -a[BATCH + 1] : a[BATCH + 1];
    if (!c->forced && s.n > WIDE && s.m > WIDE && step > 1 &&
        (clg__is_packed(c->out_dtype[0]) ||
         (u.chunk > DEEP && step * (int64_t) clg__acc_size(c->out_dtype[0]) >= PAGE)))
        return "columns of A far apart";
    return NULL;
}

void clg__matmul_tile(const clg__kernel_call *c, clg__kplan *p)
{
    const clg__matmul s = clg__matmul_sizes(c);
    const cut u = cut_of(c, &s);
    if (clg__matmul_empty(&s))
        return;
    const clg_dtype t = c->out_dtype[0];
    const bool cut_up = u.parts > 1, packed = clg__is_packed(t);
    const clg__tile tile = small_tile(c);
    const int mr = tile.rows, nv = tile.vectors;
    const int64_t vectors = (int64_t) up(s.n, LANES), tiles = (int64_t) up(s.m, mr);
    // Blocks of columns first: each copies its own. Then of rows.
    const int64_t want = clg__param_or(c, GROUPS, groups_wanted(c, &s)), each = (int64_t) up(want, s.b * u.parts);
    int64_t across = least(each, (int64_t) up(vectors, nv)), down = least(tiles, (int64_t) up(each, across));
    if (s.m * most(1, u.chunk) > local_elements(c)) { // each block of columns reads all of A from afar
        for (int64_t a = 1; a <= each; a++) {
            const int64_t d = least(tiles, (int64_t) up(each, a));
            const bool fits = (int64_t) up(vectors, a) * LANES <= tile_columns(c, &u);
            if (fits && a * d >= each && d * s.n + a * s.m < down * s.n + across * s.m) {
                across = a;
                down = d;
            }
        }
    }
    const int64_t n_block = least((int64_t) up(vectors, across) * LANES, tile_columns(c, &u));
    const int64_t m_block = (int64_t) up(tiles, down) * mr;
    const int64_t together = most(1, s.b * u.parts / most(want, 1) / u.parts);
    const layout y = rows_of_parts(&s);
    const int temp = cut_up ? parts_temp(c, p, &u, &y) : 0;
    int64_t a[BATCH + 2], b[BATCH + 2], out[BATCH + 1];
    clg__matmul_strides(c, 0, a);
    clg__matmul_strides(c, 1, b);
    clg__matmul_result(c, out);
    clg__launch *l = clg__kplan_kernel(p, "gemm_tile", "gemm_tile");
    define(p, l, t, cut_up);
    clg__kplan_define(p, l, "MR", "%d", mr);
    clg__kplan_define(p, l, "NV", "%d", nv);
    if (packed)
        clg__kplan_define(p, l, "TILED_A", "1");
    if (s.flat)
        clg__kplan_define(p, l, "FLAT", "1");
    clg__arg_in(p, l, 0);
    clg__arg_in_offset(p, l, 0);
    clg__arg_in(p, l, 1);
    clg__arg_in_offset(p, l, 1);
    if (cut_up)
        clg__arg_temp(p, l, temp);
    else
        clg__arg_out(p, l, 0);
    const int64_t deep = (int64_t) up(most(1, u.chunk), LANES) * LANES;
    clg__arg_local(p, l, (size_t) (deep * (n_block + (packed ? mr : 0)) + (s.flat ? LANES : 0)) * clg__acc_size(t));
    CLG__ARG_TABLE(p, l, "GEMM", { "a_s0", a[0], true }, { "a_s1", a[1], true }, { "a_s2", a[2], true },
                   { "a_sm", a[3], true }, { "a_sk", a[4], true }, { "b_s0", b[0], true }, { "b_s1", b[1], true },
                   { "b_s2", b[2], true }, { "b_sk", b[3], true }, { "b_sn", b[4], true },
                   { "b_end", extent_of(c, 1), true }, { "c_s0", out[0], true }, { "c_s1", out[1], true },
                   { "c_s2", out[2], true }, { "c_sm", out[3], true }, { "n1", s.batch[1], false },
                   { "n2", s.flat ? s.flat : s.batch[2], false }, { "k1", s.sum[1] ? s.all[1] : 1, false },
                   { "k2", s.sum[2] ? s.all[2] : 1, false }, { "batches", s.b, false }, { "together", together, false },
                   { "parts", u.parts, false }, { "chunk", u.chunk, false }, { "sums", u.sums, false },
                   { "M", s.m, false }, { "N", s.n, false }, { "K", s.k, false }, { "m_block", m_block, false },
                   { "n_block", n_block, false });
    if (!cut_up)
        clg__arg_epilogue(p, l);
    clg__kplan_grid(l, up(s.n, n_block), up(s.m, m_block), up(s.b, together) * (size_t) u.parts, 1, 1, 1);
    if (cut_up)
        add_parts(c, p, &s, &u, &y, temp);
    p->flops += clg__matmul_flops(&s);
}

// ---- packed before

const char *clg__matmul_accepts_packed(const clg__kernel_call *c)
{
    return c->caps->cpu_class ? NULL : "for CPU-class devices";
}

// The matrices of one operand that are packed: a repeated one once. Those that are summed over lie one after another
// in each panel.
typedef struct packed {
    int64_t batch[BATCH], n; // their product
    int64_t at[BATCH];       // steps along it, in packed elements
    int64_t step[BATCH];     // in packed matrices, along the batch of the result
    int64_t kept;            // packed matrices
} packed;

// panel: elements that a matrix has in one of `panels`
static packed packed_of(const clg__kernel_call *c, const clg__matmul *s, int i, int64_t panel, size_t panels)
{
    int64_t stride[BATCH + 2], sums = 1;
    packed p = { .n = 1, .kept = 1 };
    clg__matmul_strides(c, i, stride);
    for (int d = BATCH - 1; d >= 0; d--) {
        p.batch[d] = stride[d] || s->sum[d] ? s->all[d] : 1;
        p.n *= p.batch[d];
        p.at[d] = s->sum[d] ? sums * panel : p.kept * (int64_t) panels * s->sums * panel;
        p.step[d] = s->sum[d] || !stride[d] ? 0 : p.kept;
        sums *= s->sum[d] ? p.batch[d] : 1;
        p.kept *= s->sum[d] ? 1 : p.batch[d];
    }
    return p;
}

void clg__matmul_packed(const clg__kernel_call *c, clg__kplan *p)
{
    const clg__matmul s = clg__matmul_sizes(c);
    const size_t e = clg__acc_size(c->out_dtype[0]);
    const bool fused = clg_dtype_is_float(c->out_dtype[0]); // integers take two more registers a product
    const clg__tile tile = tile_of(c, fused ? 6 : 4, fused && e == 4 ? 4 : 2);
    const int mr = tile.rows, nv = tile.vectors, nr = LANES * nv;
    const size_t tiles = up(s.m, mr), panels = up(s.n, nr);
    if (clg__matmul_empty(&s))
        return;
    const int64_t panel[2] = { (int64_t) s.k * mr, (int64_t) s.k * nr };
    const packed pack[2] = { packed_of(c, &s, 0, panel[0], tiles), packed_of(c, &s, 1, panel[1], panels) };
    const cut u = cut_of(c, &s);
    const bool cut_up = u.parts > 1;
    const layout y = rows_of_parts(&s);
    const int pa = clg__kplan_temp(p, (size_t) (pack[0].kept * s.sums * panel[0]) * tiles * e + 4);
    const int pb = clg__kplan_temp(p, (size_t) (pack[1].kept * s.sums * panel[1]) * panels * e + 4);
    clg__launch *l[3] = { clg__kplan_kernel(p, "gemm_pack", "gemm_pack_a"),
                          clg__kplan_kernel(p, "gemm_pack", "gemm_pack_b"),
                          clg__kplan_kernel(p, "gemm_cpu", "gemm") };
    for (int i = 0; i < 3; i++) {
        clg__define_element(p, l[i], c->out_dtype[0]);
        clg__kplan_define(p, l[i], "MR", "%d", mr);
        clg__kplan_define(p, l[i], "NV", "%d", nv);
    }
    clg__define_mad(p, l[2], c->out_dtype[0], true);
    if (cut_up)
        clg__kplan_define(p, l[2], "PARTS", "1");
    for (int i = 0; i < 2; i++) {
        int64_t stride[BATCH + 2];
        clg__matmul_strides(c, i, stride);
        clg__arg_in(p, l[i], i);
        clg__arg_in_offset(p, l[i], i);
        clg__arg_temp(p, l[i], i ? pb : pa);
        CLG__ARG_TABLE(p, l[i], "PACK", { "s0", stride[0], true }, { "s1", stride[1], true },
                       { "s2", stride[2], true }, { "row_step", stride[3], true }, { "column_step", stride[4], true },
                       { "p0", pack[i].at[0], true }, { "p1", pack[i].at[1], true }, { "p2", pack[i].at[2], true },
                       { "panel_step", s.sums * panel[i], true },
                       { "n1", pack[i].batch[1], true }, { "n2", pack[i].batch[2], true },
                       { "rows", i ? s.k : s.m, false }, { "columns", i ? s.n : s.k, false });
    }
    clg__kplan_grid(l[0], tiles, (size_t) pack[0].n, 1, 1, 1, 1);
    clg__kplan_grid(l[1], panels, up(s.k, 16), (size_t) pack[1].n, 1, 1, 1);
    l[0]->prepares = 1 + 0;
    l[1]->prepares = 1 + 1;
    // Enough equal work-groups for the cores, and B panels shared by neighbours.
    const size_t want = (size_t) clg__param_or(c, GROUPS, 8 * c->caps->compute_units), outer = panels * (size_t) (s.b * u.parts);
    size_t blocks = outer >= want ? 1 : up((int64_t) want, (int64_t) outer);
    blocks = blocks > tiles ? tiles : blocks;
    const size_t block = up((int64_t) tiles, (int64_t) blocks);
    const int64_t *a = pack[0].step, *b = pack[1].step;
    int64_t out[BATCH + 1];
    clg__matmul_result(c, out);
    clg__arg_temp(p, l[2], pa);
    clg__arg_temp(p, l[2], pb);
    const int temp = cut_up ? parts_temp(c, p, &u, &y) : 0;
    if (cut_up)
        clg__arg_temp(p, l[2], temp);
    else
        clg__arg_out(p, l[2], 0);
    CLG__ARG_TABLE(p, l[2], "GEMM", { "a_s0", a[0], true }, { "a_s1", a[1], true }, { "a_s2", a[2], true },
                   { "b_s0", b[0], true }, { "b_s1", b[1], true }, { "b_s2", b[2], true },
                   { "c_s0", out[0], true }, { "c_s1", out[1], true }, { "c_s2", out[2], true },
                   { "c_sm", out[3], true }, { "n1", s.batch[1], true }, { "n2", s.batch[2], true },
                   { "M", s.m, false }, { "N", s.n, false }, { "K", u.sums, false },
                   { "block", (int64_t) block, false }, { "batches", s.b, true }, { "chunk", u.chunk, false });
    if (!cut_up)
        clg__arg_epilogue(p, l[2]);
    clg__kplan_grid(l[2], panels, up((int64_t) tiles, (int64_t) block), (size_t) (s.b * u.parts), 1, 1, 1);
    if (cut_up)
        add_parts(c, p, &s, &u, &y, temp);
    p->flops += clg__matmul_flops(&s);
}

// ---- the first that takes it

bool clg__matmul_better_flat(const clg__kernel_call *c)
{
    enum { PERCENT = 4, ROWS = 8 }; // of vectors that end in nothing
    const clg__matmul s = clg__matmul_sizes(c);
    clg__matmul_params flat = { .flat = true };
    clg__kernel_call as_one = *c;
    as_one.params = &flat;
    const int64_t apart = s.b * (int64_t) up(s.n, LANES) * LANES, together = s.b * s.n;
    return s.b > 1 && s.sums == 1 && s.m > ROWS && together <= INT32_MAX && (apart - together) * 100 > together * PERCENT &&
           !clg__matmul_accepts_tile(&as_one);
}

void clg__matmul_cpu(const clg__kernel_call *c, clg__kplan *p)
{
    if (((const clg__matmul_params *) c->params)->flat)
        clg__matmul_tile(c, p);
    else if (!clg__matmul_accepts_thin(c))
        clg__matmul_thin(c, p);
    else if (!clg__matmul_accepts_tile(c))
        clg__matmul_tile(c, p);
    else
        clg__matmul_packed(c, p);
}
