// SPDX-License-Identifier: MIT
// What moves from step to step, where slices start and where tensors lie in their padding, is an argument: programs
// of one structure have one plan and no further kernel, with the bits of a recorder that saw no other place.
#include "testing.h"
#include <unistd.h>

enum { ROWS = 70, COLUMNS = 37, BATCH = 9, STEPS = 50, MOST = 8192 };

typedef struct numbers {
    float *data, *weights;
    int64_t *labels;
} numbers;

typedef struct world {
    clg_device d;
    clg_tensor data, labels, weights; // ROWS x COLUMNS, ROWS, ROWS x COLUMNS
} world;

static int64_t at(int step, int64_t room)
{
    return (int64_t) step * 7919 % (room + 1);
}

static clg_tensor rows(clg_tensor t, int64_t from, int64_t n)
{
    return clg_slice(t, 0, from, from + n, 1);
}

static clg_tensor columns(clg_tensor t, int64_t from, int64_t n)
{
    return clg_slice(t, 1, from, from + n, 1);
}

// ---- programs: a tensor of each step

static clg_tensor minibatch(const world *w, int step)
{
    const int64_t i = at(step, ROWS - BATCH);
    clg_tensor k = clg_track(columns(rows(w->weights, 0, COLUMNS), 0, 10));
    clg_tensor loss = clg_cross_entropy(clg_matmul(rows(w->data, i, BATCH), k), rows(w->labels, i, BATCH), NULL);
    return clg_grad(loss, k);
}

static clg_tensor pointwise(const world *w, int step)
{
    clg_tensor x = columns(w->data, at(step, COLUMNS - 21), 21), y = columns(w->weights, at(3 * step, COLUMNS - 21), 21);
    return clg_mul(clg_add_scalar(x, 0.5), clg_tanh(y));
}

static clg_tensor sums(const world *w, int step)
{
    clg_tensor x = columns(rows(w->data, at(step, ROWS - 40), 40), at(step, COLUMNS - 18), 18);
    return clg_concat(0, clg_reshape(clg_sum(x, CLG_AXES(0), false), CLG_SHAPE(-1)),
                      clg_reshape(clg_mean(clg_square(x), CLG_AXES(1), false), CLG_SHAPE(-1)));
}

static clg_tensor strided(const world *w, int step)
{
    return clg_neg(clg_slice(clg_slice(w->data, 0, at(step, 10) + 60, at(step, 10), -3), 1, at(step, 6), 31 + at(step, 6), 2));
}

// The derivative puts what comes back to where the slice was.
static clg_tensor put_back(const world *w, int step)
{
    clg_tensor x = clg_track(w->data), part = columns(rows(x, at(step, ROWS - 20), 20), at(5 * step, COLUMNS - 11), 11);
    return clg_grad(clg_sum(clg_mul(clg_square(part), columns(rows(w->weights, 0, 20), 0, 11)), CLG_ALL, false), x);
}

static clg_tensor put_back_by_twos(const world *w, int step)
{
    clg_tensor x = clg_track(w->data), part = clg_slice(x, 0, at(step, 9), 60 + at(step, 9), 2);
    return clg_grad(clg_sum(clg_exp(part), CLG_ALL, false), x);
}

// Twice the same derivative, seen in another order and once more in part.
static clg_tensor seen_turned(const world *w, int step)
{
    return clg_concat(0, clg_transpose(put_back(w, step), 0, 1), clg_slice(clg_transpose(put_back(w, step), 0, 1), 0, 3, 9, 1));
}

static clg_tensor assigned_part(const world *w, int step)
{
    const int64_t i = at(step, ROWS - BATCH);
    clg_tensor new = clg_square(rows(w->weights, 5, BATCH));
    const clg_shape before = CLG_SHAPE(i, 0), after = CLG_SHAPE(ROWS - BATCH - i, 0);
    clg_tensor inside = clg_pad(clg_full(w->d, CLG_BOOL, new->shape, 1), before, after, 0);
    return clg_where(inside, clg_pad(new, before, after, 0), w->data);
}

static clg_tensor window_sum(const world *w, int step)
{
    clg_tensor x = clg_pad(rows(w->data, at(step, 30), 17), CLG_SHAPE(at(step, 8), 0), CLG_SHAPE(8 - at(step, 8), 5), 0.25);
    return clg_sum(clg_square(x), CLG_AXES(1), false);
}

static clg_tensor overlapping(const world *w, int step)
{
    return clg_sub(rows(w->data, at(step, 40), 30), rows(w->data, at(11 * step, 40), 30)); // equal ones, now and then
}

// Parts of parts that are the same in the first step, by chance.
static clg_tensor meeting(const world *w, int step)
{
    clg_tensor a = clg_tanh(rows(w->data, at(step, 40), 20)), b = clg_neg(rows(w->data, at(11 * step, 37) + 3, 20));
    return clg_add(rows(a, 3, 5), rows(b, 0, 5));
}

static clg_tensor of_what_is_computed(const world *w, int step)
{
    clg_tensor all = clg_tanh(clg_mul(w->data, w->weights));
    return clg_mul_scalar(rows(all, at(step, ROWS - BATCH), BATCH), 3);
}

static clg_tensor of_what_is_normalised(const world *w, int step)
{
    clg_tensor mean = clg_mean(w->data, CLG_AXES(0), true);
    clg_tensor all = clg_mul(clg_sub(w->data, mean), clg_slice(w->weights, 0, 2, 3, 1));
    return clg_exp(rows(all, at(step, ROWS - BATCH), BATCH));
}

static clg_tensor beside_a_product(const world *w, int step)
{
    clg_tensor y = clg_matmul(rows(w->data, 0, BATCH), clg_transpose(rows(w->weights, 0, COLUMNS), 0, 1));
    return clg_relu(clg_add(y, rows(w->data, at(step, ROWS - BATCH), BATCH)));
}

static clg_tensor turned_product(const world *w, int step)
{
    clg_tensor a = columns(w->data, at(step, COLUMNS - 19), 19), b = columns(w->weights, at(2 * step, COLUMNS - 19), 19);
    return clg_matmul(clg_transpose(a, 0, 1), b);
}

static clg_tensor image(const world *w, int step)
{
    clg_tensor flat = clg_reshape(w->data, CLG_SHAPE(-1)); // 2 x 3 x 8 x 9, from any element on
    clg_tensor x = clg_reshape(rows(flat, at(step, 1000) + 1, 432), CLG_SHAPE(2, 3, 8, 9));
    clg_tensor k = clg_reshape(rows(clg_reshape(w->weights, CLG_SHAPE(-1)), at(step, 99), 108), CLG_SHAPE(4, 3, 3, 3));
    return clg_max_pool2d(clg_conv2d(x, k, NULL, clg_conv2d_params(.padding = 1)), clg_pool2d_params(.kernel = 2));
}

static clg_tensor rows_by_index(const world *w, int step)
{
    clg_tensor index = clg_remainder_scalar(rows(w->labels, at(step, ROWS - BATCH), BATCH), 5);
    return clg_softmax(clg_index_select(rows(w->data, at(step, 60), 10), 0, index), -1);
}

static clg_tensor packed(const world *w, int step)
{
    clg_tensor all = clg_cast(w->data, CLG_BF16);
    if (clg_eval(all) < 0)
        return NULL;
    return clg_cast(clg_mul(columns(all, at(step, 20), 16), columns(all, at(step, 19) + 1, 16)), CLG_F32);
}

static clg_tensor numbers_in_a_row(const world *w, int step)
{
    clg_tensor line = clg_arange(w->d, CLG_F32, 0, 100, 1);
    return clg_add(rows(line, at(step, 60), COLUMNS), clg_slice(w->data, 0, 3, 4, 1));
}

// What was evaluated is a slice of a buffer, and is read from there on.
static clg_tensor evaluated_part(const world *w, int step)
{
    clg_tensor part = rows(w->data, at(step, ROWS - BATCH), BATCH);
    if (clg_eval(part) < 0)
        return NULL;
    return clg_exp(columns(part, at(step, 3), 30));
}

static clg_tensor the_part_itself(const world *w, int step)
{
    return rows(w->data, at(step, ROWS - BATCH), BATCH);
}

typedef struct program {
    const char *name;
    clg_tensor (*make)(const world *w, int step);
    int plans; // at most, of all steps; 2: what starts together in the first step does not later
} program;

static const program programs[] = {
    { "minibatch", minibatch, 1 }, { "pointwise", pointwise, 1 }, { "sums", sums, 1 }, { "strided", strided, 1 },
    { "put_back", put_back, 1 }, { "put_back_by_twos", put_back_by_twos, 1 }, { "seen_turned", seen_turned, 1 },
    { "assigned_part", assigned_part, 1 }, { "window_sum", window_sum, 1 }, { "overlapping", overlapping, 2 },
    { "meeting", meeting, 1 }, { "of_what_is_computed", of_what_is_computed, 1 }, { "of_what_is_normalised", of_what_is_normalised, 1 },
    { "beside_a_product", beside_a_product, 2 },
    { "turned_product", turned_product, 1 }, { "image", image, 1 }, { "rows_by_index", rows_by_index, 1 },
    { "packed", packed, 2 }, { "numbers_in_a_row", numbers_in_a_row, 1 }, { "evaluated_part", evaluated_part, 2 },
    { "the_part_itself", the_part_itself, 1 },
};

static world upload_world(clg_device d, const numbers *n)
{
    return (world) { d, clg_upload(d, CLG_F32, CLG_SHAPE(ROWS, COLUMNS), n->data),
                     clg_upload(d, CLG_I64, CLG_SHAPE(ROWS), n->labels),
                     clg_upload(d, CLG_F32, CLG_SHAPE(ROWS, COLUMNS), n->weights) };
}

static size_t result_of(const program *p, const world *w, int step, void *out)
{
    clg_scope s = clg_scope_push(w->d);
    clg_tensor y = p->make(w, step);
    ck_assert_msg(y && y->status >= 0, "%s: %s", p->name, clg_error(w->d, CLG_EINVAL));
    const size_t bytes = (size_t) clg_numel(y->shape) * clg_dtype_size(y->dtype);
    ck_assert(bytes <= MOST * sizeof(float));
    const clg_status st = clg_read(y, out, bytes);
    ck_assert_msg(st >= 0, "%s: %s", p->name, clg_error(w->d, st));
    clg_scope_pop(s);
    return bytes;
}

// A recorder without any plan, that fuses nothing.
static size_t fresh_result(const program *p, const numbers *n, int step, void *out)
{
    clg_device d;
    setenv("CLGRAD_FUSE", "0", 1);
    ok(clg_device_open(&d, clg_device_params(.share = dev)));
    unsetenv("CLGRAD_FUSE");
    const world w = upload_world(d, n);
    const size_t bytes = result_of(p, &w, step, out);
    clg_device_close(&d);
    return bytes;
}

static numbers make_numbers(void)
{
    numbers n = { malloc(sizeof(float[ROWS * COLUMNS])), malloc(sizeof(float[ROWS * COLUMNS])),
                  malloc(sizeof(int64_t[ROWS])) };
    fill(n.data, ROWS * COLUMNS);
    fill(n.weights, ROWS * COLUMNS);
    for (int i = 0; i < ROWS; i++)
        n.labels[i] = i * 7 % 10;
    return n;
}

START_TEST(places_are_arguments)
{
    const program *p = &programs[_i];
    static float got[MOST], want[MOST];
    numbers n = make_numbers();
    clg_scope s = clg_scope_push(dev);
    const world w = upload_world(dev, &n);
    const clg_device_stats before = clg_device_get_stats(dev);
    uint64_t built = 0, more = 0;
    for (int step = 0; step < STEPS; step++) {
        memset(got, 0xff, sizeof got); // a step that writes nothing is seen
        const size_t bytes = result_of(p, &w, step, got);
        const clg_device_stats now = clg_device_get_stats(dev);
        more += step > 0 ? now.programs_built - built : 0; // another plan may be of another text
        ck_assert_msg(more < (uint64_t) p->plans, "%s, step %d: a program more", p->name, step);
        ck_assert_msg(now.plan_misses - before.plan_misses <= (uint64_t) p->plans, "%s, step %d: %llu plans", p->name, step,
                      (unsigned long long) (now.plan_misses - before.plan_misses));
        built = now.programs_built;
        if (step % 7 != 3)
            continue;
        memset(want, 0, sizeof want);
        ck_assert_uint_eq(fresh_result(p, &n, step, want), bytes);
        for (size_t i = 0; i < bytes / sizeof got[0]; i++)
            ck_assert_msg(memcmp(&got[i], &want[i], sizeof got[0]) == 0, "%s, step %d, element %zu: %.9g, not %.9g",
                          p->name, step, i, (double) got[i], (double) want[i]);
        built = clg_device_get_stats(dev).programs_built; // those of the fresh recorder
    }
    clg_scope_pop(s);
    free(n.data);
    free(n.weights);
    free(n.labels);
}
END_TEST

// A variable's part is trained, a part at a time.
START_TEST(parts_of_a_variable_are_trained)
{
    float x[64], want[64];
    fill(x, 64);
    memcpy(want, x, sizeof want);
    clg_scope all = clg_scope_push(dev);
    clg_var v = clg_var_create(clg_upload(dev, CLG_F32, CLG_SHAPE(64), x));
    ok(clg_eval_assigned(dev));
    const clg_device_stats before = clg_device_get_stats(dev);
    for (int step = 0; step < STEPS; step++) {
        clg_scope s = clg_scope_push(dev);
        const int64_t i = at(step, 64 - 21);
        clg_tensor a = clg_var_value(v), g = clg_grad(clg_sum(clg_square(rows(a, i, 21)), CLG_ALL, false), a);
        clg_var_assign(v, clg_sub(a, clg_mul_scalar(g, 0.125)));
        ok(clg_eval_assigned(dev));
        for (int64_t k = i; k < i + 21; k++)
            want[k] -= 0.25f * want[k]; // exact: a quarter of it, and one rounding
        clg_scope_pop(s);
    }
    const clg_device_stats after = clg_device_get_stats(dev);
    ck_assert_uint_le(after.plan_misses - before.plan_misses, 1);
    ok(clg_read(clg_var_value(v), x, sizeof x));
    for (int k = 0; k < 64; k++)
        ck_assert_msg(x[k] == want[k], "element %d: %.9g, not %.9g", k, (double) x[k], (double) want[k]);
    clg_var_destroy(&v);
    clg_scope_pop(all);
}
END_TEST

// Standard error from here on goes to a file that is read at the end.
static int divert(FILE *to)
{
    fflush(stderr);
    const int old = dup(2);
    dup2(fileno(to), 2);
    return old;
}

static void open_told(clg_device *d, const char *log)
{
    if (log)
        setenv("CLGRAD_LOG", log, 1);
    else
        unsetenv("CLGRAD_LOG");
    ok(clg_device_open(d, clg_device_params(.share = dev)));
}

// Each evaluation is of another shape: said once.
START_TEST(making_plans_all_the_time_is_told_once)
{
    clg_device d;
    char text[400] = "", line[400];
    int lines = 0;
    FILE *to = tmpfile();
    ck_assert_ptr_nonnull(to);
    const int old = divert(to);
    open_told(&d, "plan");
    clg_tensor x = clg_ones(d, CLG_F32, CLG_SHAPE(300, 2));
    clg_eval(x);
    for (int step = 0; step < 250; step++) {
        clg_scope s = clg_scope_push(d);
        clg_eval(clg_exp(rows(x, 0, step + 1)));
        clg_scope_pop(s);
    }
    fflush(stderr);
    dup2(old, 2);
    close(old);
    clg_device_close(&d);
    open_told(&d, NULL);
    clg_device_close(&d);
    rewind(to);
    while (fgets(line, sizeof line, to)) {
        if (strstr(line, "evaluations in a row"))
            memcpy(text, line, sizeof text);
        lines += strstr(line, "evaluations in a row") != NULL;
    }
    fclose(to);
    ck_assert_int_eq(lines, 1);
    ck_assert_msg(strstr(text, "slice") && strstr(text, ": shape"), "%s", text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("positions");
    TCase *c = tcase_create("positions");
    tcase_add_loop_test(c, places_are_arguments, 0, (int) (sizeof programs / sizeof programs[0]));
    tcase_add_test(c, parts_of_a_variable_are_trained);
    tcase_add_test(c, making_plans_all_the_time_is_told_once);
    suite_add_tcase(s, c);
    return run_suite(s);
}
