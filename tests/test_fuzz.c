// SPDX-License-Identifier: MIT
// Random graphs evaluated in several ways that must agree to the bit: fused, one kernel per operation, in
// pieces, from a cached plan; and with the host reference as far as rounding allows.
//
//   CLGRAD_FUZZ_SEED=n     first seed (they are printed); CLGRAD_FUZZ_ROUNDS=n  how many
//   CLGRAD_FUZZ_NODES=n    operations of a graph: fewer of them for the same start of the same graph
//   CLGRAD_FUZZ_LOG=1      print the graphs
#include "fuzz_graph.h"
#include "reference.h"
#include "testing.h"

enum { TOGETHER = 6 }; // graphs in one evaluation: kernels share a program

static clg_device unfused;

typedef struct results {
    void *raw[FUZZ_OUTPUTS];
    clg_tensor t[FUZZ_OUTPUTS]; // valid while recorded
    clg_dtype dtype[FUZZ_OUTPUTS];
    int64_t n[FUZZ_OUTPUTS];
    int count;
} results;

static int setting(const char *name, int usual)
{
    const char *v = getenv(name);
    return v ? atoi(v) : usual;
}

static void read_results(clg_device d, const fuzz *f, results *r)
{
    memset(r, 0, sizeof *r);
    r->count = f->n_out;
    for (int k = 0; k < f->n_out; k++) {
        r->dtype[k] = f->out[k]->dtype;
        r->n[k] = clg_numel(f->out[k]->shape);
        const size_t bytes = (size_t) r->n[k] * clg_dtype_size(r->dtype[k]);
        r->raw[k] = calloc(bytes + 8, 1);
        const clg_status st = clg_read(f->out[k], r->raw[k], bytes);
        ck_assert_msg(st >= 0, "seed %llu: %s", (unsigned long long) f->seed, clg_error(d, st));
    }
}

static void free_results(results *r)
{
    for (int k = 0; k < r->count; k++)
        free(r->raw[k]);
}

// To the bit, but any NaN is like another, and Mesa's compiler turns x - y into -(y - x): zeros change
// their sign with what is compiled together.
static void same_bits(const fuzz *f, const char *how, const results *a, const results *b)
{
    const bool mesa = strstr(clg_device_get_info(f->dev)->platform, "rusticl") != NULL;
    for (int k = 0; k < a->count; k++) {
        const size_t size = clg_dtype_size(a->dtype[k]);
        for (int64_t i = 0; i < a->n[k]; i++) {
            const char *x = (const char *) a->raw[k] + (size_t) i * size,
                       *y = (const char *) b->raw[k] + (size_t) i * size;
            const double u = element_at(a->dtype[k], a->raw[k], i), v = element_at(b->dtype[k], b->raw[k], i);
            ck_assert_msg(memcmp(x, y, size) == 0 || (isnan(u) && isnan(v)) ||
                              (mesa && u == 0 && v == 0),
                          "seed %llu: output %d of %d, element %lld of %lld is %.17g fused, %.17g %s",
                          (unsigned long long) f->seed, k, a->count, (long long) i,
                          (long long) a->n[k], u, v, how);
        }
    }
}

static void like_reference(const fuzz *f, const ref_value *want, const results *got)
{
    char what[80];
    for (int k = 0; k < got->count; k++) {
        snprintf(what, sizeof what, "seed %llu: output %d of %d", (unsigned long long) f->seed, k, got->count);
        reference_check(what, &want[k], got->raw[k]);
    }
}

// ---- the ways

static void interpret(const fuzz *f, ref_value *want)
{
    reference *r = reference_create(true);
    for (int k = 0; k < f->n_out; k++)
        want[k] = reference_copy(reference_of(r, f->out[k]));
    reference_free(r);
}

static void evaluate_together(fuzz *f, int n)
{
    clg_tensor all[TOGETHER * FUZZ_OUTPUTS];
    int m = 0;
    for (int k = 0; k < n; k++) {
        for (int i = 0; i < f[k].n_out; i++)
            all[m++] = f[k].out[i];
    }
    clg_eval_n(all, m); // the reads name what failed
    clg_error_clear(f[0].dev);
}

// Some of what lies between first, each in its turn.
static void evaluate_pieces(fuzz *f)
{
    const int pieces = 2 + (int) fuzz_below(f, 3);
    for (int k = 0; k < pieces; k++) {
        clg_tensor t = f->pool[fuzz_below(f, f->n)];
        const clg_status st = fuzz_below(f, 2) ? clg_eval(t) : clg_eval_alone(t);
        ck_assert_msg(st >= 0, "seed %llu, in pieces: %s", (unsigned long long) f->seed,
                      clg_error(f->dev, st));
    }
}

enum way { FUSED, PLAIN, PIECES, AGAIN };

static void run_way(enum way way, uint64_t seed, int n, int nodes, results *r, ref_value (*want)[FUZZ_OUTPUTS])
{
    static fuzz f[TOGETHER];
    const clg_device d = way == PLAIN ? unfused : dev;
    const bool log = way == FUSED && setting("CLGRAD_FUZZ_LOG", 0) != 0;
    clg_scope s = clg_scope_push(d);
    for (int k = 0; k < n; k++) {
        if (log)
            printf("seed %llu\n", (unsigned long long) (seed + (uint64_t) k));
        fuzz_record(&f[k], d, seed + (uint64_t) k, nodes, log);
        if (want)
            interpret(&f[k], want[k]);
        if (way == PIECES)
            evaluate_pieces(&f[k]);
    }
    evaluate_together(f, n);
    for (int k = 0; k < n; k++)
        read_results(d, &f[k], &r[k]);
    for (int k = 0; k < n && way != FUSED; k++) {
        static const char *const how[] = { "", "unfused", "in pieces", "from a cached plan" };
        same_bits(&f[k], how[way], &r[k - TOGETHER], &r[k]);
    }
    for (int k = 0; k < n && want; k++)
        like_reference(&f[k], want[k], &r[k]);
    clg_scope_pop(s);
}

static void run_group(uint64_t seed, int n, int nodes)
{
    static results r[2 * TOGETHER]; // fused, and another way
    static ref_value want[TOGETHER][FUZZ_OUTPUTS];
    memset(want, 0, sizeof want);
    run_way(FUSED, seed, n, nodes, r, want);
    for (int way = PLAIN; way <= AGAIN; way++) {
        run_way((enum way) way, seed, n, nodes, r + TOGETHER, NULL);
        for (int k = 0; k < n; k++)
            free_results(&r[TOGETHER + k]);
    }
    for (int k = 0; k < n; k++) {
        free_results(&r[k]);
        for (int i = 0; i < FUZZ_OUTPUTS; i++)
            reference_drop(&want[k][i]);
    }
}

static void open_unfused(void)
{
    setenv("CLGRAD_FUSE", "0", 1);
    ok(clg_device_open(&unfused, clg_device_params(.share = dev)));
    unsetenv("CLGRAD_FUSE");
}

START_TEST(random_graphs_agree)
{
    const int rounds = setting("CLGRAD_FUZZ_ROUNDS", on_pocl() ? 12 : 6), nodes = setting("CLGRAD_FUZZ_NODES", 14);
    const uint64_t first = (uint64_t) setting("CLGRAD_FUZZ_SEED", 1);
    printf("CLGRAD_FUZZ_SEED=%llu CLGRAD_FUZZ_ROUNDS=%d\n", (unsigned long long) first, rounds);
    open_unfused();
    for (int k = 0; k < rounds; k += TOGETHER)
        run_group(first + (uint64_t) k, rounds - k < TOGETHER ? rounds - k : TOGETHER, nodes);
    clg_device_close(&unfused);
    reference_check_strict(0.05);
}
END_TEST

// Reductions alone, each of another shape: long and narrow, of views, less what broadcasts.
START_TEST(random_reductions_agree)
{
    const int rounds = setting("CLGRAD_FUZZ_ROUNDS", 1);
    const uint64_t first = (uint64_t) setting("CLGRAD_FUZZ_SEED", (int) (first_seed / 4096 % 100000));
    static fuzz f;
    static results r;
    static ref_value want[FUZZ_OUTPUTS];
    printf("CLGRAD_FUZZ_SEED=%llu CLGRAD_FUZZ_ROUNDS=%d\n", (unsigned long long) first, rounds);
    for (int k = 0; k < rounds; k++) {
        clg_scope s = clg_scope_push(dev);
        fuzz_start(&f, dev, 3 * (first + (uint64_t) k), 0, setting("CLGRAD_FUZZ_LOG", 0) != 0);
        while (f.n_out < 12)
            fuzz_reduce(&f);
        interpret(&f, want);
        evaluate_together(&f, 1);
        read_results(dev, &f, &r);
        like_reference(&f, want, &r);
        free_results(&r);
        for (int i = 0; i < f.n_out; i++)
            reference_drop(&want[i]);
        clg_scope_pop(s);
    }
}
END_TEST

// ---- graphs whose slices move

static void moved_results(clg_device d, uint64_t seed, uint64_t moves, int nodes, fuzz *f, results *r)
{
    clg_scope s = clg_scope_push(d);
    fuzz_record_moved(f, d, seed, moves, nodes, setting("CLGRAD_FUZZ_LOG", 0) != 0);
    evaluate_together(f, 1);
    read_results(d, f, r);
    clg_scope_pop(s);
}

// One plan serves them, as far as it may, with the bits that a device has which saw no other place.
START_TEST(moved_graphs_agree)
{
    const int rounds = setting("CLGRAD_FUZZ_ROUNDS", on_pocl() ? 8 : 4), nodes = setting("CLGRAD_FUZZ_NODES", 14);
    const uint64_t first = (uint64_t) setting("CLGRAD_FUZZ_SEED", 1);
    static fuzz f;
    static results r[2];
    uint64_t hits = 0, misses = 0;
    printf("CLGRAD_FUZZ_SEED=%llu CLGRAD_FUZZ_ROUNDS=%d\n", (unsigned long long) first, rounds);
    for (int k = 0; k < rounds; k++) {
        for (uint64_t moves = 0; moves < 4; moves++) {
            const clg_device_stats before = clg_device_get_stats(dev);
            moved_results(dev, first + (uint64_t) k, moves, nodes, &f, &r[0]);
            const clg_device_stats after = clg_device_get_stats(dev);
            hits += moves > 0 ? after.plan_hits - before.plan_hits : 0;
            misses += moves > 0 ? after.plan_misses - before.plan_misses : 0;
            ck_assert_msg(moves == 0 || after.programs_built == before.programs_built, "seed %llu: %llu programs more",
                          (unsigned long long) (first + (uint64_t) k),
                          (unsigned long long) (after.programs_built - before.programs_built));
            open_unfused();
            moved_results(unfused, first + (uint64_t) k, moves, nodes, &f, &r[1]);
            same_bits(&f, "on a fresh device", &r[0], &r[1]);
            free_results(&r[0]);
            free_results(&r[1]);
            clg_device_close(&unfused);
        }
    }
    printf("%llu hits, %llu misses\n", (unsigned long long) hits, (unsigned long long) misses);
    ck_assert_msg(hits > misses, "%llu plans were found, %llu were made", (unsigned long long) hits,
                  (unsigned long long) misses);
}
END_TEST

// ---- what random graphs found, small

static clg_tensor counted(clg_device d, clg_shape s)
{
    float v[600];
    const int64_t n = clg_numel(s);
    for (int64_t i = 0; i < n; i++)
        v[i] = (float) sin((double) (i * i));
    return clg_upload(d, CLG_F32, s, v);
}

// The order of a sum followed the dimensions that could be joined, and so what was fused into it.
static clg_tensor sum_of_a_part(clg_device d, clg_tensor *between)
{
    clg_tensor x = counted(d, CLG_SHAPE(4, 15, 3));
    *between = clg_neg(clg_slice(clg_slice(x, 0, 1, 4, 1), 1, 1, 15, 1));
    return clg_sum(*between, CLG_AXES(0, 1), false);
}

static clg_tensor sum_of_a_turned(clg_device d, clg_tensor *between)
{
    *between = clg_transpose(counted(d, CLG_SHAPE(17, 19)), 0, 1);
    return clg_sum(*between, CLG_ALL, false);
}

static clg_tensor sum_of_a_padded(clg_device d, clg_tensor *between)
{
    *between = clg_pad(counted(d, CLG_SHAPE(17, 19)), CLG_SHAPE(1, 2), CLG_SHAPE(0, 3), 0.1);
    return clg_sum(*between, CLG_ALL, false);
}

START_TEST(sums_keep_their_order)
{
    clg_tensor (*const graphs[])(clg_device, clg_tensor *) = { sum_of_a_part, sum_of_a_turned,
                                                               sum_of_a_padded };
    open_unfused();
    for (size_t k = 0; k < sizeof graphs / sizeof graphs[0]; k++) {
        float v[3][3] = { { 0 } };
        clg_tensor between;
        for (int way = 0; way < 3; way++) { // fused, unfused, in pieces
            const clg_device d = way == 1 ? unfused : dev;
            clg_scope s = clg_scope_push(d);
            clg_tensor y = graphs[k](d, &between);
            if (way == 2)
                ok(clg_eval(between));
            ok(clg_read(y, v[way], (size_t) clg_numel(y->shape) * 4));
            clg_scope_pop(s);
        }
        ck_assert_msg(memcmp(v[0], v[1], sizeof v[0]) == 0, "graph %zu: fusion changes a sum", k);
        ck_assert_msg(memcmp(v[0], v[2], sizeof v[0]) == 0, "graph %zu: evaluation changes a sum", k);
    }
    clg_device_close(&unfused);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fuzz");
    TCase *c = tcase_create("graphs");
    tcase_add_test(c, sums_keep_their_order);
    tcase_add_test(c, random_graphs_agree);
    suite_add_tcase(s, c);
    c = tcase_create("reductions");
    tcase_add_test(c, random_reductions_agree);
    suite_add_tcase(s, c);
    c = tcase_create("moved");
    tcase_add_test(c, moved_graphs_agree);
    suite_add_tcase(s, c);
    return run_suite(s);
}
