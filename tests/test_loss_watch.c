// SPDX-License-Identifier: MIT
// The watch of a loss on simulated courses: how often it finds what is there, and what is not. The rates are printed.
#include "testing.h"

static double normal(void)
{
    return sqrt(-2 * log(0.5 * (rnd() + 1) + 1e-12)) * cos(3.141592653589793 * rnd());
}

// Student's t of 3 degrees: batches out of the ordinary
static double heavy(void)
{
    double sum = 0;
    for (int i = 0; i < 3; i++) {
        const double z = normal();
        sum += z * z;
    }
    return normal() / sqrt(sum / 3);
}

enum { N = 2000, FINDINGS = CLG_FINDING_DIVERGING + 1 };

static double slow(int t) { return 0.3 + 2 * exp(-3.0 * t / N); }
static double steady(int t) { return slow(t) + 0.05 * normal(); }
static double noisy(int t) { return slow(t) + 0.3 * normal(); }
static double by_power(int t) { return 2.3 / sqrt(1 + t / 20.0) + 0.05 * normal(); }
static double scaled(int t) { return slow(t) * (1 + 0.2 * normal()); }
static double negative(int t) { return -100 + 40 * exp(-3.0 * t / N) + 3 * normal(); }
static double small(int t) { return 1e-9 * steady(t); }
static double outliers(int t) { return slow(t) + 0.05 * heavy(); }
static double flat(int t) { (void) t; return 2.303 + 0.02 * normal(); }
static double finished(int t) { return 0.3 + 2 * exp(-t / 100.0) + 0.1 * normal(); }
static double stepped(int t) { return steady(t) + (t >= N / 2); }
static double rising(int t) { return steady(t) + (t > N / 2 ? (t - N / 2) / 300.0 : 0); }
static double exploding(int t) { return steady(t) + (t > N / 2 ? 0.01 * pow(1.3, t - N / 2) : 0); }
static double at_once(int t) { return 2.3 * pow(1.5, t); }
static double one_jump(int t) { return steady(t) + (t == N / 2 ? 10 : 0); }
static double lost(int t) { return t == N / 2 ? NAN : steady(t); }

// Which courses show what, and the share of courses that may show anything else.
typedef struct course {
    const char *name;
    double (*loss)(int t);
    clg_finding has;
    double wrong; // share of courses with another finding
} course;

static const course courses[] = {
    { "falls, little noise", steady, CLG_FINDING_NONE, 0.02 },
    { "falls, much noise", noisy, CLG_FINDING_NONE, 0.12 },
    { "a power of the step", by_power, CLG_FINDING_NONE, 0.05 },
    { "noise as large as the loss", scaled, CLG_FINDING_NONE, 0.08 },
    { "negative", negative, CLG_FINDING_NONE, 0.05 },
    { "tiny", small, CLG_FINDING_NONE, 0.02 },
    { "flat from the start", flat, CLG_FINDING_PLATEAU, 0.02 },
    { "done", finished, CLG_FINDING_PLATEAU, 0.02 },
    { "one jump", one_jump, CLG_FINDING_SPIKE, 0.02 },
    { "rises slowly", rising, CLG_FINDING_DIVERGING, 0.1 },
    { "explodes", exploding, CLG_FINDING_DIVERGING, 0.5 },
    { "diverges at once", at_once, CLG_FINDING_DIVERGING, 0.02 },
    { "a step up", stepped, CLG_FINDING_DIVERGING, 1 },
    { "NaN once", lost, CLG_FINDING_NOT_FINITE, 0.02 },
};

// How many of the runs show each finding, and after which step first, on average.
static void count(double (*loss)(int t), int runs, int shown[FINDINGS], double after[FINDINGS])
{
    memset(shown, 0, FINDINGS * sizeof *shown);
    memset(after, 0, FINDINGS * sizeof *after);
    for (int r = 0; r < runs; r++) {
        bool seen[FINDINGS] = { false };
        clg_loss_watch w = clg_loss_watch_create(NULL);
        for (int t = 0; t < N; t++) {
            const double x = loss(t);
            const clg_finding f = isinf(x) ? CLG_FINDING_NONE : clg_loss_watch_add(w, x);
            if (f != CLG_FINDING_NONE && !seen[f]) {
                seen[f] = true;
                shown[f]++;
                after[f] += t;
                const char *text = clg_loss_watch_text(w);
                ck_assert_msg(text[0] && text[strlen(text) - 1] == '.', "%s", text);
            }
        }
        clg_loss_watch_destroy(&w);
    }
}

START_TEST(rates_on_simulated_courses)
{
    const int runs = everything() ? 60 : 12;
    int shown[FINDINGS];
    double after[FINDINGS];
    for (size_t i = 0; i < sizeof courses / sizeof courses[0]; i++) {
        const course *c = &courses[i];
        int others = 0;
        count(c->loss, runs, shown, after);
        printf("%-28s", c->name);
        for (int f = 1; f < FINDINGS; f++) {
            if (shown[f])
                printf("  %s %d %% after %.0f", clg_finding_name((clg_finding) f), 100 * shown[f] / runs, after[f] / shown[f]);
            others = f != (int) c->has && shown[f] > others ? shown[f] : others;
        }
        printf("\n");
        ck_assert_msg(c->has == CLG_FINDING_NONE || shown[c->has] >= runs - 1, "%s: %s in %d of %d", c->name,
                      clg_finding_name(c->has), shown[c->has], runs);
        ck_assert_msg(others <= 1 + (int) (c->wrong * runs), "%s: %d of %d show something else", c->name, others, runs);
    }
    count(outliers, runs, shown, after); // these are there: one batch in some thousands is far off
    printf("%-28s  spike %d %%, else %d\n", "outliers", 100 * shown[CLG_FINDING_SPIKE] / runs,
           shown[CLG_FINDING_PLATEAU] + shown[CLG_FINDING_DIVERGING]);
    ck_assert_int_le(shown[CLG_FINDING_PLATEAU] + shown[CLG_FINDING_DIVERGING], runs / 20);
}
END_TEST

// Another unit, sign or zero changes nothing.
START_TEST(scale_and_offset_do_not_matter)
{
    static const double unit[] = { 1, 1e-12, 1e12 }, zero[] = { 0, -5e-12, 3e12 };
    clg_loss_watch w[3];
    for (int k = 0; k < 3; k++)
        w[k] = clg_loss_watch_create(clg_loss_watch_params(.window = 20));
    for (int t = 0; t < N; t++) {
        const double x = stepped(t);
        const clg_finding f = clg_loss_watch_add(w[0], x);
        for (int k = 1; k < 3; k++)
            ck_assert_int_eq(clg_loss_watch_add(w[k], unit[k] * x + zero[k]), f);
    }
    for (int k = 0; k < 3; k++)
        clg_loss_watch_destroy(&w[k]);
}
END_TEST

START_TEST(edges)
{
    ck_assert_ptr_null(clg_loss_watch_create(clg_loss_watch_params(.window = 5)));
    ck_assert_ptr_null(clg_loss_watch_create(clg_loss_watch_params(.window = -1)));
    ck_assert_ptr_null(clg_loss_watch_create(clg_loss_watch_params(.spike = NAN)));
    ck_assert_ptr_null(clg_loss_watch_create(clg_loss_watch_params(.patience = -3)));
    clg_loss_watch w = clg_loss_watch_create(NULL), none = NULL;
    ck_assert_str_eq(clg_loss_watch_text(w), "");
    ck_assert_str_eq(clg_loss_watch_text(none), "");
    ck_assert_int_eq(clg_loss_watch_add(none, 1), CLG_FINDING_NONE);
    ck_assert_int_eq(clg_loss_watch_add_later(none, NULL), CLG_FINDING_NONE);
    for (int i = 0; i < 300; i++) // a loss of one number all the time has no scatter
        ck_assert_int_ne(clg_loss_watch_add(w, 1), CLG_FINDING_DIVERGING);
    ck_assert_int_eq(clg_loss_watch_add(w, INFINITY), CLG_FINDING_NOT_FINITE);
    ck_assert_int_eq(clg_loss_watch_add(w, NAN), CLG_FINDING_NONE); // said already
    ck_assert_int_eq(clg_loss_watch_add(w, 1), CLG_FINDING_NONE);
    ck_assert_int_eq(clg_loss_watch_add(w, NAN), CLG_FINDING_NOT_FINITE);
    ck_assert_msg(strstr(clg_loss_watch_text(w), "NaN at step 304"), "%s", clg_loss_watch_text(w));
    clg_loss_watch_destroy(&w);
    clg_loss_watch_destroy(&w);
}
END_TEST

START_TEST(tensors_are_read_a_step_later)
{
    const uint64_t handles = clg_device_get_stats(dev).handles;
    clg_loss_watch w = clg_loss_watch_create(NULL);
    for (int i = 0; i < 40; i++) {
        const clg_scope scope = clg_scope_push(dev);
        clg_tensor loss = clg_scalar(dev, CLG_F32, i == 30 ? (double) NAN : 1 + 0.1 * normal());
        ck_assert_int_eq(clg_loss_watch_add_later(w, loss), i == 31 ? CLG_FINDING_NOT_FINITE : CLG_FINDING_NONE);
        clg_scope_pop(scope);
    }
    ck_assert_int_eq(clg_loss_watch_add_later(w, NULL), CLG_FINDING_NONE);
    clg_scope scope = clg_scope_push(dev);
    clg_tensor poison = clg_matmul(clg_zeros(dev, CLG_F32, CLG_SHAPE(2, 3)), clg_zeros(dev, CLG_F32, CLG_SHAPE(2, 3)));
    ck_assert_int_eq(clg_loss_watch_add_later(w, poison), CLG_FINDING_NOT_FINITE);
    clg_loss_watch_add_later(w, clg_scalar(dev, CLG_F32, 1)); // kept until the end
    clg_scope_pop(scope);
    clg_loss_watch_destroy(&w);
    clg_error_clear(dev);
    ck_assert_uint_eq(clg_device_get_stats(dev).handles, handles);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("loss_watch");
    TCase *c = tcase_create("loss_watch");
    tcase_set_timeout(c, 0);
    tcase_add_test(c, rates_on_simulated_courses);
    tcase_add_test(c, scale_and_offset_do_not_matter);
    tcase_add_test(c, edges);
    tcase_add_test(c, tensors_are_read_a_step_later);
    suite_add_tcase(s, c);
    return run_suite(s);
}
