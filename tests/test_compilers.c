// SPDX-License-Identifier: MIT
// Compiling ahead, and by several processes: the results are those of one process, whatever becomes of the others; a job
// that is damaged harms nobody.
#include "device/internal.h"
#include "device/job.h"
#include "device/workers.h"
#include "graph/node.h"

#include "scratch.h"
#include "testing.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
static const bool sanitized = true; // processes start slowly then
#else
static const bool sanitized = false;
#endif
static const char *self;
static char folder[] = "/tmp/clgrad_compilers_XXXXXX";

// ---- this program as a child

// Kernels of several kinds, which take more than a second to compile; prints the bits of what they compute.
static int work(const char *const *compiler, bool ahead)
{
    char error[1100] = "";
    clg_device d;
    if (clg_device_open(&d, clg_device_params(.compiler = compiler, .compilers = 1, .error = error,
                                              .error_size = sizeof error)) < 0) {
        printf("%s\n", error);
        return 77;
    }
    float x[2 * 3 * 12 * 12], w[5 * 3 * 3 * 3];
    seed_state = 7;
    fill(x, sizeof x / sizeof x[0]);
    fill(w, sizeof w / sizeof w[0]);
    clg_scope s = clg_scope_push(d);
    clg_var weights = clg_var_create(clg_upload(d, CLG_F32, CLG_SHAPE(5, 3, 3, 3), w));
    clg_tensor image = clg_upload(d, CLG_F32, CLG_SHAPE(2, 3, 12, 12), x);
    clg_tensor y = clg_conv2d(image, clg_var_value(weights), NULL, clg_conv_params(.padding = 1));
    y = clg_max_pool2d(clg_gelu(y), clg_pool_params(.kernel = 2));
    clg_tensor p = clg_softmax(clg_flatten(y, 1, -1), 1), z = clg_matmul(p, clg_transpose(p, 0, 1));
    clg_tensor loss = clg_mean(clg_mul(z, clg_log(z)), CLG_ALL, false);
    clg_tensor g = clg_grad(loss, clg_var_value(weights));
    clg_status st = g->status;
    float bits[1 + 5 * 27];
    if (st >= 0)
        st = clg_var_assign(weights, clg_sub(clg_var_value(weights), clg_mul_scalar(g, 0.5)));
    if (st >= 0 && ahead)
        st = clg_prepare_n(d, &loss, 1, NULL);
    if (st >= 0)
        st = clg_read(loss, bits, sizeof *bits);
    if (st >= 0)
        st = clg_read(clg_var_value(weights), bits + 1, sizeof bits - sizeof *bits);
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++) {
        uint32_t b;
        memcpy(&b, &bits[i], sizeof b);
        sum = sum * 31 + b;
    }
    printf("status %d %s\nsum %llx of %g\n", st, st < 0 ? clg_error(d, st) : "", (unsigned long long) sum,
           (double) bits[0]);
    clg_scope_pop(s);
    clg_device_close(&d);
    return st < 0;
}

static int child(int argc, char **argv)
{
    if (strcmp(argv[1], "--compile-kernels") == 0)
        return clg_compiler_main();
    if (strcmp(argv[1], "--killed") == 0)
        return raise(SIGKILL);
    if (strcmp(argv[1], "--ignoring") == 0)
        signal(SIGCHLD, SIG_IGN);
    if (strcmp(argv[1], "--impatient") == 0)
        clg__worker_patience = 0.2;
    return work((const char *const *) argv + 2, argc > 2 && strcmp(argv[1], "--ahead") == 0);
}

// ---- children and what they said

// Caches in `caches` of the folder; all that it printed, which the caller frees.
static char *run_child(const char *caches, const char *how, const char *command)
{
    char line[1500], *said = calloc(1, 1 << 16);
    snprintf(line, sizeof line, "POCL_CACHE_DIR='%s/%s' XDG_CACHE_HOME='%s/%s' CLGRAD_LOG=build '%s' %s %s 2>&1",
             folder, caches, folder, caches, self, how, command);
    ck_assert_ptr_nonnull(said);
    FILE *f = popen(line, "r");
    ck_assert_ptr_nonnull(f);
    const size_t n = fread(said, 1, (1 << 16) - 1, f);
    said[n] = '\0';
    const int code = pclose(f);
    ck_assert_msg(code == 0, "%s\nstatus %d:\n%s", line, code, said);
    return said;
}

static const char *sum_of(const char *said)
{
    const char *sum = strstr(said, "\nsum ");
    ck_assert_msg(sum, "%s", said);
    return sum;
}

// What is known to be compiled already is not given away.
static void forget(const char *caches)
{
    char file[300];
    snprintf(file, sizeof file, "%s/%s/clgrad/compiled", folder, caches);
    unlink(file);
}

static char *alone; // what one process says

START_TEST(several_processes_compute_what_one_does)
{
    char command[300];
    snprintf(command, sizeof command, "'%s' --compile-kernels", self);
    alone = run_child("one", "--work", "");
    ck_assert_ptr_null(strstr(alone, "beside this process"));
    char *many = run_child("many", "--work", command), *known = run_child("many", "--work", command);
    forget("many");
    char *again = run_child("many", "--ahead", command);
    ck_assert_msg(strcmp(sum_of(alone), sum_of(known)) == 0 && !strstr(known, "beside this process"), "%s", known);
    ck_assert_msg(strcmp(sum_of(alone), sum_of(many)) == 0 && strcmp(sum_of(alone), sum_of(again)) == 0, "%s%s%s",
                  alone, many, again);
    if (on_pocl()) { // Mesa cannot hand over what it compiles late
        ck_assert_msg(strstr(many, "beside this process") && strstr(many, "has compiled its part") &&
                      strstr(many, "compiler: done"), "%s", many);
        ck_assert_msg(strstr(again, "has compiled its part"), "%s", again);
    }
    free(many);
    free(known);
    free(again);
}
END_TEST

// Caches are warm, but nobody knows.
START_TEST(whatever_becomes_of_them)
{
    static const struct { const char *how, *command, *said; } rows[] = {
        { "--work", "/nonexistent/compiler", "cannot be started" },
        { "--work", "false", "compiled nothing" },
        { "--work", "true", "has compiled its part" }, // it says so, and has not
        { "--work", "'%s' --killed", "compiled nothing" },
        { "--impatient", "sleep 1000", "compiled nothing" },
        { "--ignoring", "'%s' --compile-kernels", "compiler: done" },
        { "--ahead", "cat", "has compiled its part" }, // 64 KB and more to nowhere
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char command[400];
        snprintf(command, sizeof command, strstr(rows[i].command, "%s") ? "'%s' %s" : "%s%s",
                 strstr(rows[i].command, "%s") ? self : rows[i].command,
                 strstr(rows[i].command, "%s") ? strrchr(rows[i].command, ' ') + 1 : "");
        forget("many");
        char *said = run_child("many", rows[i].how, command);
        ck_assert_msg(strcmp(sum_of(alone), sum_of(said)) == 0, "%s: %s", rows[i].command, said);
        if (on_pocl())
            ck_assert_msg(strstr(said, rows[i].said), "%s: %s", rows[i].command, said);
        free(said);
    }
}
END_TEST

START_TEST(none_is_started_where_it_would_be_in_vain)
{
    char command[300];
    snprintf(command, sizeof command, "'%s' --compile-kernels", self);
    static const char *const settings[][2] = { { "CLGRAD_COMPILERS", "0" }, { "CLGRAD_COMPILERS", "many" },
                                               { "POCL_KERNEL_CACHE", "0" } };
    for (int i = 0; i < (everything() ? 3 : 2); i++) { // the last one compiles all anew
        forget("many");
        setenv(settings[i][0], settings[i][1], 1);
        char *said = run_child(i == 2 ? "none" : "many", "--work", command);
        unsetenv(settings[i][0]);
        ck_assert_msg(strcmp(sum_of(alone), sum_of(said)) == 0, "%s", said);
        ck_assert_msg(!strstr(said, "beside this process") || (i == 2 && !on_pocl()), "%s", said);
        free(said);
    }
}
END_TEST

// ---- jobs

static void make_job(clg__str *bytes)
{
    static const long long geometry[] = { 4, 5, 6 };
    clg__trial_arg args[] = {
        { .kind = CLG__TRIAL_BUFFER, .bytes = 4096 },
        { .kind = CLG__TRIAL_BUFFER, .bytes = sizeof geometry, .data = geometry },
        { .kind = CLG__TRIAL_VALUE, .bytes = 4, .value = 77 },
        { .kind = CLG__TRIAL_LOCAL, .bytes = 64 },
    };
    clg__job_kernel kernel[] = { { "a", { 1, { 3, 1, 1 }, { 64, 1, 1 }, args, 4 } }, { "longer_name", { .dims = 1 } } };
    clg__job j = { .identity = "a device", .device = 3, .options = "-w", .own_declarations = true,
                   .kernels = kernel, .n_kernels = 2 };
    clg__str_add(&j.program, "kernel void a() {}\n");
    clg__job_write(&j, bytes);
    ck_assert(!bytes->failed);
    clg__str_free(&j.program);
}

START_TEST(a_job_is_read_as_it_was_written)
{
    clg__str bytes = { 0 };
    clg__job j;
    make_job(&bytes);
    ck_assert(clg__job_read(&j, bytes.text, bytes.length));
    ck_assert_str_eq(j.identity, "a device");
    ck_assert_int_eq(j.device, 3);
    ck_assert(j.own_declarations && !j.only_own && strcmp(j.options, "-w") == 0);
    ck_assert_str_eq(j.program.text, "kernel void a() {}\n");
    ck_assert_int_eq(j.n_kernels, 2);
    ck_assert_str_eq(j.kernels[1].name, "longer_name");
    const clg__trial *t = &j.kernels[0].trial;
    ck_assert(t->n_args == 4 && t->dims == 1 && t->groups[0] == 3 && t->items[0] == 64);
    ck_assert(t->args[0].kind == CLG__TRIAL_BUFFER && t->args[0].bytes == 4096 && !t->args[0].data);
    ck_assert(((const long long *) t->args[1].data)[2] == 6 && t->args[2].value == 77 && t->args[3].bytes == 64);
    clg__job_free(&j);
    clg__str_free(&bytes);
}
END_TEST

START_TEST(a_damaged_job_is_refused_or_harmless)
{
    clg__str bytes = { 0 };
    clg__job j;
    make_job(&bytes);
    for (size_t n = 0; n < bytes.length; n++) { // cut; in a block of its own, so that a checker sees the end
        char *cut = malloc(n + 1);
        ck_assert_ptr_nonnull(cut);
        memcpy(cut, bytes.text, n);
        cut[n] = '\0';
        ck_assert_msg(!clg__job_read(&j, cut, n), "%zu of %zu bytes are a job", n, bytes.length);
        clg__job_free(&j);
        free(cut);
    }
    char *wrong = malloc(bytes.length + 1);
    ck_assert_ptr_nonnull(wrong);
    for (int round = 0; round < 20000; round++) {
        memcpy(wrong, bytes.text, bytes.length + 1);
        for (int k = 0; k <= round % 3; k++)
            wrong[(size_t) (fabs(rnd()) * (double) bytes.length)] = (char) (rnd() * 128);
        clg__job_read(&j, wrong, bytes.length);
        clg__job_free(&j);
    }
    free(wrong);
    clg__str_free(&bytes);
    // as a process
    char line[400];
    static const char *const inputs[] = { "/dev/null", "/dev/zero", "/proc/self/exe" };
    for (int i = 0; i < 3; i++) {
        snprintf(line, sizeof line, "head -c 100000 %s | '%s' --compile-kernels", inputs[i], self);
        const int code = system(line);
        ck_assert_msg(WIFEXITED(code) && WEXITSTATUS(code) == 2, "%s: %d", line, code);
    }
}
END_TEST

// ---- ahead

typedef struct heard {
    int calls, last, all;
} heard;

static void hear(void *user, int done, int all)
{
    heard *h = user;
    ck_assert_int_eq(done, h->last + 1);
    h->calls++;
    h->last = done;
    h->all = all;
}

START_TEST(what_was_prepared_is_only_run)
{
    heard h = { 0 };
    float x[300], now[3];
    clg_scope s = clg_scope_push(dev);
    clg_var v = clg_var_create(clg_full(dev, CLG_F32, CLG_SHAPE(3), 0.5));
    clg_tensor t = upload(CLG_SHAPE(100, 3), x), e = clg_softmax(clg_mul(clg_sin(t), clg_var_value(v)), 0);
    ok(clg_var_assign(v, clg_add(clg_var_value(v), clg_sum(e, CLG_AXES(0), false))));
    ok(clg_prepare_n(dev, &e, 1, clg_prepare_params(.progress = hear, .user = &h)));
    ck_assert_int_ge(h.calls, 2);
    ck_assert_int_eq(h.last, h.all);
    const clg_device_stats before = clg_device_get_stats(dev);
    ok(clg_read(clg_var_value(v), now, sizeof now)); // the assignment is pending still, and is run by this
    const clg_device_stats after = clg_device_get_stats(dev);
    for (int i = 0; i < 3; i++)
        ck_assert_float_eq_tol(now[i], 1.5, 1e-4);
    ck_assert_uint_eq(after.programs_built, before.programs_built);
    clg_var_destroy(&v);
    clg_scope_pop(s);
}
END_TEST

START_TEST(the_same_work_is_then_one_plan)
{
    clg_scope s = clg_scope_push(dev);
    float x[77];
    clg_tensor t = upload(CLG_SHAPE(7, 11), x), e = clg_log_softmax(clg_cos(t), 1);
    ok(clg_prepare_n(dev, &e, 1, NULL));
    const clg_device_stats before = clg_device_get_stats(dev);
    const clg__gpu *g = dev->gpu;
    const int launched = g->n_launched;
    ok(clg_prepare_n(dev, &e, 1, NULL));
    ok(clg_eval(e));
    const clg_device_stats after = clg_device_get_stats(dev);
    ck_assert_uint_eq(after.programs_built + after.programs_cached, before.programs_built + before.programs_cached);
    ck_assert_uint_eq(after.plan_misses, before.plan_misses);
    if (g->compiles_late)
        ck_assert_int_gt(launched, 0);
    ck_assert_int_eq(g->n_launched, launched);
    ok(clg_prepare_n(dev, &e, 1, NULL)); // nothing is left to do
#ifndef CLG_DEBUG // there it traps
    ck_assert_int_eq(clg_prepare_n(NULL, &e, 1, NULL), CLG_EINVAL);
    ck_assert_int_eq(clg_prepare_n(dev, &e, 1, &(struct clg_prepare_params) { .size = 3 }), CLG_EINVAL);
    clg_error_clear(dev);
#endif
    ok(clg_prepare_n(dev, NULL, 0, NULL));
    clg_scope_pop(s);
}
END_TEST

int main(int argc, char **argv)
{
    self = argv[0];
    if (argc > 1)
        return child(argc, argv);
    if (!scratch_made(folder))
        return 77;
    Suite *s = suite_create("compilers");
    TCase *c = tcase_create("compilers");
    tcase_set_timeout(c, 0);
    tcase_add_test(c, a_job_is_read_as_it_was_written);
    tcase_add_test(c, a_damaged_job_is_refused_or_harmless);
    tcase_add_test(c, several_processes_compute_what_one_does);
    if (!sanitized) {
        tcase_add_test(c, whatever_becomes_of_them);
        tcase_add_test(c, none_is_started_where_it_would_be_in_vain);
    }
    tcase_add_test(c, what_was_prepared_is_only_run);
    tcase_add_test(c, the_same_work_is_then_one_plan);
    suite_add_tcase(s, c);
    const int rc = run_suite(s);
    free(alone);
    char command[100];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) != 0 || rc ? (rc ? rc : 1) : 0;
}
