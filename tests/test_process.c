// SPDX-License-Identifier: MIT
// The process around the library: nothing of its state changes kernels, results or files. process.py
// compares whole golden runs; here are the parts that it does not reach.
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/clgrad_process_XXXXXX"; // or in TMPDIR
static char self[1000];

static bool in_child;

// Check's assertions are for the process that runs the suite.
#define MUST(condition, ...)                                                                       \
    do {                                                                                           \
        if (!in_child) {                                                                           \
            ck_assert_msg(condition, __VA_ARGS__);                                                 \
        } else if (!(condition)) {                                                                 \
            printf(__VA_ARGS__);                                                                   \
            exit(2);                                                                               \
        }                                                                                          \
    } while (0)

static const char *in_folder(const char *name)
{
    static char path[4][1200];
    static int k;
    k = (k + 1) % 4;
    snprintf(path[k], sizeof path[k], "%s/%s", folder, name);
    return path[k];
}

static void add(uint64_t *digest, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++)
        *digest = (*digest ^ p[i]) * 1099511628211u;
}

static uint64_t file_digest(const char *path)
{
    uint64_t d = 14695981039346656037u;
    unsigned char piece[4096];
    size_t n;
    FILE *f = fopen(path, "rb");
    MUST(f != NULL, "%s: %s", path, strerror(errno));
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        add(&d, piece, n);
    fclose(f);
    return d;
}

static void add_tensor(clg_device on, uint64_t *digest, clg_tensor t)
{
    unsigned char raw[4096];
    const size_t bytes = (size_t) clg_numel(t->shape) * clg_dtype_size(t->dtype);
    MUST(bytes <= sizeof raw, "%zu bytes", bytes);
    const clg_status st = clg_read(t, raw, bytes);
    MUST(st >= 0, "%s", clg_error(on, st));
    add(digest, raw, bytes);
}

// ---- what programs do: a network that is trained and saved, numbers small and odd, text

static clg_tensor network(clg_store s, clg_tensor x)
{
    x = clg_nn_linear(s, "a", x, clg_nn_linear_params(.out = 7));
    x = clg_dropout(clg_gelu(x), 0.3);
    return clg_nn_linear(s, "b", x, clg_nn_linear_params(.out = 3));
}

static void train(clg_device on, uint64_t *digest, bool adam, const char *file)
{
    static const float data[6][5] = { { 0.1f, -0.7f, 1.3f, 0.01f, 3 }, { 1, 2, -3, 0.5f, -0.25f } };
    static const int64_t labels[6] = { 0, 1, 2, 2, 1, 0 };
    clg_store s = clg_store_create(on, 7);
    clg_optim o = adam ? clg_adamw_create(s, clg_adam_params(.lr = 0.01))
                       : clg_sgd_create(s, clg_sgd_params(.lr = 0.1, .momentum = 0.9, .dampening = 0.1));
    clg_manual_seed(on, 11);
    for (int i = 0; i < 3; i++) {
        clg_scope scope = clg_scope_push(on);
        clg_tensor x = clg_upload(on, CLG_F32, CLG_SHAPE(6, 5), data);
        clg_tensor y = clg_upload(on, CLG_I64, CLG_SHAPE(6), labels);
        clg_tensor loss = clg_cross_entropy(network(s, x), y,
                                            clg_cross_entropy_params(.label_smoothing = 0.1));
        clg_optim_set_lr(o, clg_lr_one_cycle(0.1, i, 7, 0, 0, 0) + clg_lr_cosine(0.3, 0.1, i, 7));
        const clg_status st = clg_optim_step(o, loss);
        ck_assert_msg(st >= 0, "%s", clg_error(on, st));
        add_tensor(on, digest, loss);
        clg_scope_pop(scope);
    }
    const clg_status st = clg_store_save(s, file, NULL);
    ck_assert_msg(st >= 0, "%s", clg_error(on, st));
    clg_optim_destroy(&o);
    clg_store_destroy(&s);
}

static void numbers(clg_device on, uint64_t *digest)
{
    static const double small[] = { 0x1p-149, 1e-40, 1e-310, 0x1p-1074, -1e-41, 1.0 / 3, 0.1, -0.7 };
    const float tiny[4] = { 0x1p-149f, 1e-40f, -1e-39f, 1.5f };
    clg_tensor t = clg_upload(on, CLG_F32, CLG_SHAPE(4), tiny);
    add_tensor(on, digest, t);
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++) {
        const double item = clg_item(clg_scalar(on, CLG_F32, small[i]), NULL);
        add(digest, &item, sizeof item);
        add_tensor(on, digest, clg_mul_scalar(t, small[i]));
        add_tensor(on, digest, clg_clamp(t, small[i], 1));
        add_tensor(on, digest, clg_pad(t, CLG_SHAPE(1), CLG_SHAPE(1), small[i]));
        add_tensor(on, digest, clg_full(on, CLG_I32, CLG_SHAPE(2), 1e10 * small[i]));
        add_tensor(on, digest, clg_full(on, CLG_BOOL, CLG_SHAPE(2), small[i]));
        add_tensor(on, digest, clg_leaky_relu(t, small[i]));
    }
    add_tensor(on, digest, clg_arange(on, CLG_F32, 0.1, 1.7, 0.1));
    add_tensor(on, digest, clg_variance(t, CLG_ALL, 1, false));
    clg_manual_seed(on, 5);
    add_tensor(on, digest, clg_uniform(on, CLG_F32, CLG_SHAPE(5), 0.1, 0.7));
    add_tensor(on, digest, clg_normal(on, CLG_F32, CLG_SHAPE(5), 0.1, 0.7));
    const double rates[] = { clg_lr_step(0.1, 7, 2, 0.7), clg_lr_warmup(0.1, 0.3, 2, 7),
                             clg_lr_cosine(0.1, 0.01, 2, 7), clg_lr_one_cycle(0.1, 5, 17, 0, 0, 0) };
    add(digest, rates, sizeof rates);
}

static void text(clg_device on, uint64_t *digest)
{
    char *out = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&out, &n);
    const float v[3] = { 0.5f, 1e-40f, -1234567.0f };
    clg_tensor t = clg_upload(on, CLG_F32, CLG_SHAPE(3), v);
    ck_assert_int_ge(clg_print(f, t), 0);
    ck_assert_int_ge(clg_dot_n(f, &(clg_tensor) { clg_pad(t, CLG_SHAPE(1), CLG_SHAPE(0), 0.25) }, 1), 0);
    const char *message = clg_poison(on, CLG_EINVAL, "%g of %d", 0.5, 1234567)->status < 0 ? clg_error(on, CLG_EINVAL) : "";
    fputs(message, f);
    fclose(f);
    ck_assert_msg(strstr(out, "[0.5, ") && strstr(out, "0.5 of 1234567"), "%s", out);
    add(digest, out, n);
    free(out);
    clg_error_clear(on);
}

static uint64_t work(clg_device on)
{
    uint64_t d = 14695981039346656037u;
    clg_scope s = clg_scope_push(on);
    train(on, &d, true, in_folder("adam"));
    train(on, &d, false, in_folder("sgd"));
    numbers(on, &d);
    text(on, &d);
    clg_scope_pop(s);
    const uint64_t files[] = { file_digest(in_folder("adam")), file_digest(in_folder("sgd")) };
    add(&d, files, sizeof files);
    return d;
}

static uint64_t calm_digest;

static uint64_t calm(void)
{
    if (!calm_digest)
        calm_digest = work(dev);
    return calm_digest;
}

START_TEST(rounding_flushing_and_traps_change_nothing)
{
    static const char *const states[] = { "up", "down", "zero", "flush", "trap", "up flush trap", "down flush" };
    const uint64_t want = calm();
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        set_state(states[i]);
        const uint64_t got = work(dev);
        const int mode = fegetround();
        set_state("");
        ck_assert_msg(got == want, "%s: other results", states[i]);
        ck_assert_msg(mode == (strstr(states[i], "up")     ? FE_UPWARD
                               : strstr(states[i], "down") ? FE_DOWNWARD
                               : strstr(states[i], "zero") ? FE_TOWARDZERO
                                                           : FE_TONEAREST),
                      "%s: the application's mode is not back", states[i]);
    }
}
END_TEST

START_TEST(locales_change_nothing)
{
    static const char *const names[] = { "de_DE.UTF-8", "tr_TR.UTF-8" };
    const uint64_t want = calm();
    for (int i = 0; i < 2; i++) {
        locale_t l = newlocale(LC_ALL_MASK, names[i], (locale_t) 0);
        if (!l)
            continue; // the locale runs have them
        uselocale(l); // of this thread
        const uint64_t got = work(dev);
        uselocale(LC_GLOBAL_LOCALE);
        freelocale(l);
        ck_assert_msg(got == want, "%s: other results", names[i]);
    }
}
END_TEST

// ---- files

START_TEST(rights_of_files)
{
    static const struct {
        mode_t mask, want;
    } rows[] = { { 0777, 0600 }, { 0, 0664 }, { 022, 0644 }, { 077, 0600 }, { 0444, 0620 } };
    struct stat st;
    char error[500];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *path = in_folder("rights");
        unlink(path);
        const mode_t old = umask(rows[i].mask);
        const clg_status rc = clg_write_atomic(path, "abc", 3, error, sizeof error);
        umask(old);
        ck_assert_msg(rc >= 0, "%s", error);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_msg((st.st_mode & 0777) == rows[i].want, "umask %03o gives %03o", (unsigned) rows[i].mask,
                      (unsigned) st.st_mode & 0777);
    }
}
END_TEST

// ---- the rest happens in processes of their own, of this program

static int child(const char *what, const char *log)
{
    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        const int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        dup2(fd, 1);
        dup2(fd, 2);
        execl(self, self, what, folder, (char *) NULL);
        _exit(126);
    }
    int status = -1;
    const struct timespec pause = { 0, 20000000 };
    for (int i = 0; i < 12000; i++, nanosleep(&pause, NULL)) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return status;
    }
    kill(pid, SIGKILL); // it hangs
    waitpid(pid, &status, 0);
    return status;
}

static void passes(const char *what)
{
    char text_of[1000] = "";
    const int status = child(what, in_folder("log"));
    FILE *f = fopen(in_folder("log"), "rb");
    text_of[f ? fread(text_of, 1, sizeof text_of - 1, f) : 0] = '\0';
    if (f)
        fclose(f);
    ck_assert_msg(status == 0, "%s: status %x\n%s", what, (unsigned) status, text_of);
}

static void open_device(void)
{
    char error[1100];
    const clg_status st = clg_device_open(&dev, clg_device_params(.error = error, .error_size = sizeof error));
    MUST(st >= 0, "%s\n", error);
}

static uint64_t shapes(void) // kernels that nothing else here has
{
    uint64_t d = 1;
    float v[24] = { 1, 2, 3, -4 };
    clg_tensor a = clg_upload(dev, CLG_F32, CLG_SHAPE(4, 6), v), b = clg_upload(dev, CLG_F32, CLG_SHAPE(6, 4), v);
    add_tensor(dev, &d, clg_matmul(a, b));
    add_tensor(dev, &d, clg_softmax(clg_tanh(a), 1));
    return d;
}

static int environment(void)
{
    static const char *const names[] = { "CLGRAD_CLASS", "CLGRAD_FUSE", "CLGRAD_BLAS", "CLGRAD_LOG",
                                         "CLGRAD_CL_OPTIONS", "CLGRAD_CL_DIR", "CLGRAD_CACHE_DIR",
                                         "CLGRAD_DEVICE", "HOME", "XDG_CACHE_HOME", "LC_ALL", "LANG", "TZ" };
    open_device();
    const uint64_t want = shapes();
    clg_device_close(&dev);
    open_device();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (i < 5 || i > 6)
            setenv(names[i], i == 0 ? "nonsense" : i == 1 ? "0" : i == 2 ? "1" : i == 3 ? "all" : "-Dfloat=", 1);
        else
            setenv(names[i], "/nonexistent", 1);
    }
    return shapes() == want ? 0 : 3;
}

// Relative folders are those of the moment when the device was opened; the working folder then goes away.
static int working_folder(void)
{
    char here[200], gone[300];
    snprintf(here, sizeof here, "%s/here", folder);
    snprintf(gone, sizeof gone, "%s/gone", folder);
    mkdir(here, 0700);
    mkdir(gone, 0700);
    if (chdir(here) != 0)
        return 3;
    umask(0777);
    setenv("CLGRAD_CACHE_DIR", "kernels/of/mine", 1);
    open_device();
    if (chdir(gone) != 0 || rmdir(gone) != 0)
        return 4;
    shapes();
    struct stat st;
    snprintf(gone, sizeof gone, "%.190s/kernels/of/mine", here);
    if (stat(gone, &st) != 0 || (st.st_mode & 0777) != 0700)
        return 5;
    char list[800];
    snprintf(list, sizeof list, "test -n \"$(ls %s)\" && ! ls -l %s | grep -v '^total\\|^-rw-------'", gone, gone);
    return system(list) == 0 ? 0 : 6;
}

// Nothing that is logged or printed may end in a file that took a closed stream's number.
static int closed_streams(void)
{
    char error[500];
    close(0);
    close(1);
    close(2);
    setenv("CLGRAD_LOG", "all", 1);
    open_device();
    shapes();
    for (int i = 0; i < 3; i++) {
        if (clg_write_atomic(in_folder("streams"), "weights", 7, error, sizeof error) < 0)
            return 3;
        fprintf(stderr, "noise\n");
    }
    clg_store s = clg_store_create(dev, 1);
    clg_store_param(s, "w", CLG_SHAPE(3), (clg_init) { CLG_INIT_CONSTANT, 0.5, 0 }, 0);
    if (clg_store_save(s, in_folder("store"), NULL) < 0)
        return 4;
    clg_store_destroy(&s);
    clg_store t = clg_store_create(dev, 1);
    const bool loaded = clg_store_load(t, in_folder("store")) >= 0;
    clg_store_destroy(&t);
    uint64_t want = 14695981039346656037u;
    add(&want, "weights", 7);
    return !loaded ? 5 : file_digest(in_folder("streams")) != want ? 6 : 0;
}

static void nothing(int signal)
{
    (void) signal;
}

static int file_limit(void)
{
    static char big[100000];
    char error[500] = "";
    const struct rlimit limit = { 5000, 5000 };
    unlink(in_folder("big"));
    setrlimit(RLIMIT_FSIZE, &limit); // SIGXFSZ would end the process
    if (clg_write_atomic(in_folder("big"), big, sizeof big, error, sizeof error) != CLG_EIO)
        return 3;
    return access(in_folder("big"), F_OK) == 0 ? 4 : 0;
}

// Threads of the driver take no signal of the application; a mask that blocks faults is not theirs.
static int driver_threads(void)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    open_device();
    shapes();
    char command[300];
    const unsigned long long faults = 1ull << (SIGSEGV - 1) | 1ull << (SIGFPE - 1);
    snprintf(command, sizeof command, "grep -H SigBlk /proc/%ld/task/*/status", (long) getpid());
    FILE *f = popen(command, "r");
    const bool inherits = strstr(clg_device_get_info(dev)->platform, "Portable") != NULL; // Mesa sets its own
    unsigned long long mask;
    long process, thread;
    int n = 0, bad = 0;
    while (f && fscanf(f, "/proc/%ld/task/%ld/status:SigBlk: %llx\n", &process, &thread, &mask) == 3) {
        if (thread == process)
            continue;
        n++;
        bad += ((mask & faults) && inherits) || !(mask & 1ull << (SIGALRM - 1));
    }
    if (f)
        pclose(f);
    printf("%d threads of the driver, %d with a wrong mask\n", n, bad);
    return bad == 0 && n > 0 ? 0 : 3;
}

// A timer without SA_RESTART interrupts whatever can be interrupted.
static void *feed(void *path)
{
    char bytes[400];
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    FILE *from = fopen(in_folder("whole"), "rb");
    const size_t n = fread(bytes, 1, sizeof bytes, from);
    fclose(from);
    const int fd = open(path, O_WRONLY);
    for (size_t i = 0; i < n; i++) {
        const struct timespec pause = { 0, 3000000 };
        if (i % 40 == 0)
            nanosleep(&pause, NULL);
        if (write(fd, bytes + i, 1) != 1)
            break;
    }
    close(fd);
    return NULL;
}

static int interrupted(void)
{
    const struct sigaction act = { .sa_handler = nothing };
    const struct itimerval often = { { 0, 1000 }, { 0, 1000 } };
    const float values[2] = { 0.5f, -3 };
    char error[500] = "", pipe[1200];
    pthread_t thread;
    clg_idx x;
    clg_safetensors f;
    const clg_safetensor one = { .name = "w", .known = true, .dtype = CLG_F32, .shape = CLG_SHAPE(2),
                                 .data = values, .bytes = 8 };
    snprintf(pipe, sizeof pipe, "%s/pipe", folder);
    mkfifo(pipe, 0600);
    open_device();
    const uint64_t want = shapes();
    sigaction(SIGALRM, &act, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    if (clg_idx_write(in_folder("whole"), CLG_F32, CLG_SHAPE(2), values, error, sizeof error) < 0)
        return 3;
    pthread_create(&thread, NULL, feed, pipe);
    const clg_status idx = clg_idx_open(&x, pipe, error, sizeof error);
    pthread_join(thread, NULL);
    clg_idx_close(&x);
    if (idx >= 0 && clg_safetensors_write(in_folder("whole"), &one, 1, NULL, error, sizeof error) < 0)
        return 4;
    pthread_create(&thread, NULL, feed, pipe);
    const clg_status st = clg_safetensors_open(&f, pipe, error, sizeof error);
    pthread_join(thread, NULL);
    printf("%s\n", error);
    clg_safetensors_close(&f);
    return idx < 0 ? 5 : st < 0 ? 6 : shapes() == want ? 0 : 7;
}

static void slow_exit(void)
{
    const struct timespec pause = { 0, 200000000 };
    nanosleep(&pause, NULL);
}

// The process ends with kernels queued that no driver has compiled yet, nothing closed. A handler that was
// registered before the driver was loaded runs after the driver's globals are gone.
static int work_at_exit(void)
{
    static char cold[200];
    snprintf(cold, sizeof cold, "%.150s/cold_XXXXXX", folder);
    if (!mkdtemp(cold) || atexit(slow_exit) != 0)
        return 3;
    setenv("POCL_CACHE_DIR", cold, 1);
    open_device();
    clg_tensor a = clg_uniform(dev, CLG_F32, CLG_SHAPE(64, 64), -1, 1);
    return clg_eval(clg_tanh(clg_matmul(a, a))) >= 0 ? 0 : 4;
}

static const struct {
    const char *name;
    int (*run)(void);
} children[] = { { "environment", environment }, { "working_folder", working_folder },
                 { "closed_streams", closed_streams }, { "file_limit", file_limit },
                 { "driver_threads", driver_threads }, { "interrupted", interrupted },
                 { "work_at_exit", work_at_exit }, { "work_at_exit", work_at_exit } };

START_TEST(the_rest_of_the_process)
{
    passes(children[_i].name);
}
END_TEST

int main(int argc, char **argv)
{
    if (argc == 3) {
        in_child = true;
        snprintf(folder, sizeof folder, "%s", argv[2]);
        for (size_t i = 0; i < sizeof children / sizeof children[0]; i++) {
            if (strcmp(argv[1], children[i].name) == 0)
                return children[i].run();
        }
        return 125;
    }
    Suite *s = suite_create("process");
    TCase *c = tcase_create("state");
    const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0 || !mkdtemp(folder))
        return 1;
    tcase_set_timeout(c, 300);
    if (argc == 1) { // an argument: without what compiles much
        tcase_add_test(c, rounding_flushing_and_traps_change_nothing);
        tcase_add_test(c, locales_change_nothing);
    }
    tcase_add_test(c, rights_of_files);
    tcase_add_loop_test(c, the_rest_of_the_process, 0, (int) (sizeof children / sizeof children[0]));
    suite_add_tcase(s, c);
    const int rc = run_suite(s);
    char remove[1100];
    snprintf(remove, sizeof remove, "rm -rf %s", folder);
    return system(remove) == 0 ? rc : 1;
}
