// SPDX-License-Identifier: MIT
// Where temporaries lie: never two in one place at one time, within parts, aligned, and near the bound.
#include "base/alloc.h"
#include "sched/memory.h"

#include "checks.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t state;

static int below(int n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (int) ((state >> 33) % (uint64_t) n);
}

static void check_placement(const clg__span *s, int n, size_t align, size_t part, size_t total)
{
    size_t end = 0;
    for (int i = 0; i < n; i++) {
        const size_t after = s[i].offset + s[i].bytes;
        end = after > end ? after : end;
        if (s[i].offset % align || (s[i].bytes > 0 && s[i].offset / part != (after - 1) / part))
            ck_abort_msg("span %d: %zu bytes at %zu, parts of %zu", i, s[i].bytes, s[i].offset, part);
        for (int j = 0; j < i; j++) {
            const bool together = s[i].from <= s[j].until && s[j].from <= s[i].until;
            const bool apart = after <= s[j].offset || s[j].offset + s[j].bytes <= s[i].offset;
            // an empty one has a place of its own too, since it is a buffer
            if (together && (!apart || s[i].offset == s[j].offset))
                ck_abort_msg("spans %d and %d: %zu at %zu and %zu at %zu", j, i, s[j].bytes, s[j].offset, s[i].bytes,
                             s[i].offset);
        }
    }
    ck_assert_uint_eq(end, total);
}

static size_t least(const clg__span *s, int n, int launches)
{
    size_t most = 0;
    for (int l = 0; l < launches; l++) {
        size_t sum = 0;
        for (int i = 0; i < n; i++)
            sum += s[i].from <= l && l <= s[i].until ? s[i].bytes : 0;
        most = sum > most ? sum : most;
    }
    return most;
}

START_TEST(any_spans)
{
    clg__span s[400];
    const int n = below(400), launches = 1 + below(60);
    const size_t align = (size_t) 1 << (3 + below(8)), part = below(2) ? 0 : align * (size_t) (1 + below(2000));
    size_t total = 7, live = 7;
    for (int i = 0, at = 0; i < n; i++) {
        at = at + below(n / launches + 2) / (n / launches + 1);
        at = at < launches ? at : launches - 1;
        const int rest = launches - at;
        const size_t bytes = (size_t) below(1 << below(20)), most = clg__memory_part(part, align);
        s[i] = (clg__span) { .bytes = bytes < most ? bytes : most, .from = at,
                             .until = at + (below(2) ? below(rest) : below(3) % rest), .offset = 13 };
    }
    ck_assert(clg__memory_place(s, n, launches, align, part, &total, &live));
    check_placement(s, n, align, clg__memory_part(part, align), total);
    ck_assert_uint_eq(live, least(s, n, launches));
    ck_assert_uint_ge(total, live);
}
END_TEST

// Activations that live until their derivative is made, with scratch between: as training steps are.
static int training_step(clg__span *s, int layers, const size_t *bytes, int kinds)
{
    int n = 0;
    for (int l = 0; l < layers; l++) {
        const int last = 2 * layers - l;
        s[n++] = (clg__span) { .bytes = bytes[l % kinds], .from = l, .until = last };
        s[n++] = (clg__span) { .bytes = bytes[(l + 1) % kinds] / 2, .from = l, .until = l };
        s[n++] = (clg__span) { .bytes = bytes[(l + 2) % kinds], .from = l, .until = l + 1 };
    }
    for (int l = layers; l <= 2 * layers; l++) {
        s[n++] = (clg__span) { .bytes = bytes[(2 * layers - l) % kinds], .from = l, .until = l < 2 * layers ? l + 1 : l };
        s[n++] = (clg__span) { .bytes = bytes[l % kinds] / 2, .from = l, .until = l };
    }
    return n;
}

START_TEST(training_steps_are_near_the_bound)
{
    static const int layers[] = { 1, 2, 18, 50, 200, 5000, 20000 };
    const size_t bytes[] = { 1 << 20, 3 << 18, 1 << 19, 1 << 17, 900000, 123456 };
    const int all = layers[_i], kinds = 1 + below(6);
    clg__span *s = clg__malloc((size_t) all * 5 * sizeof *s + 1000);
    size_t total, live;
    const int n = training_step(s, all, bytes, kinds);
    const clock_t start = clock();
    ck_assert(clg__memory_place(s, n, 2 * all + 1, 128, 0, &total, &live));
    printf("%d spans of %d sizes: %.4f of the bound, %.3f ms\n", n, kinds, (double) total / (double) live,
           1e3 * (double) (clock() - start) / CLOCKS_PER_SEC);
    ck_assert_msg((double) total <= 1.05 * (double) live, "%d spans: %zu bytes, %zu alive at once", n, total, live);
    if (n < 3000)
        check_placement(s, n, 128, clg__memory_part(0, 128), total);
    clg__free(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("memory");
    TCase *c = tcase_create("memory");
    SRunner *r = srunner_create(s);
    const char *seed = getenv("CLGRAD_TEST_SEED");
    state = seed ? strtoull(seed, NULL, 10) : (uint64_t) time(NULL);
    printf("CLGRAD_TEST_SEED=%llu\n", (unsigned long long) state);
    suite_add_tcase(s, c);
    tcase_set_timeout(c, 0);
    tcase_add_loop_test(c, any_spans, 0, 300);
    tcase_add_loop_test(c, training_steps_are_near_the_bound, 0, 7);
    srunner_set_fork_status(r, CK_NOFORK);
    srunner_run_all(r, CK_NORMAL);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
