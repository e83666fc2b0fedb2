// SPDX-License-Identifier: MIT
// Writing whole files or none: beside other writers, after killed ones, through links, with the rights that were.
#include "folder.h"
#include <clgrad/io.h>

#include <glob.h>
#include <locale.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

enum { WRITERS = 4, WRITES = 30, LENGTH = 5000 };

// Writes files of one letter.
static void *write_often(void *letter)
{
    char bytes[LENGTH], error[500];
    memset(bytes, *(const char *) letter, sizeof bytes);
    for (int i = 0; i < WRITES; i++) {
        if (clg_write_atomic(in_folder("shared"), bytes, sizeof bytes, error, 500) < 0) {
            fprintf(stderr, "%s\n", error);
            return letter;
        }
    }
    return NULL;
}

static int count_temps(const char *name)
{
    char pattern[300];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s.tmp-*", in_folder(name));
    const int n = glob(pattern, 0, NULL, &found) == 0 ? (int) found.gl_pathc : 0;
    if (n)
        globfree(&found);
    return n;
}

START_TEST(writers_of_one_path_do_not_disturb_each_other)
{
    pthread_t thread[WRITERS];
    const char letters[] = "abcdefgh";
    in_folder("shared"); // the threads write the same text to its buffer
    const pid_t child = fork();
    for (int i = 0; i < WRITERS; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, write_often,
                                        (void *) (uintptr_t) &letters[i + (child ? 0 : WRITERS)]), 0);
    bool failed = false;
    for (int i = 0; i < WRITERS; i++) {
        void *bad;
        pthread_join(thread[i], &bad);
        failed |= bad != NULL;
    }
    if (child == 0)
        _exit(failed);
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(!failed && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    char got[LENGTH + 1];
    FILE *f = fopen(in_folder("shared"), "rb");
    ck_assert_uint_eq(fread(got, 1, sizeof got, f), LENGTH);
    fclose(f);
    for (int i = 1; i < LENGTH; i++)
        ck_assert_int_eq(got[i], got[0]);
    ck_assert_int_eq(count_temps("shared"), 0);
}
END_TEST

START_TEST(what_a_killed_writer_left_goes)
{
    // of this process, which lives; of one that is dead; of an unknown one, new and two days old
    ck_assert_int_eq(clg_write_atomic(in_folder("left"), "a", 1, NULL, 0), CLG_OK);
    char host[256] = "", name[80];
    unsigned hash = 2166136261u;
    gethostname(host, sizeof host - 1);
    for (const char *p = host; *p; p++)
        hash = (hash ^ (unsigned char) *p) * 16777619u;
    const pid_t dead = fork();
    if (dead == 0)
        _exit(0);
    waitpid(dead, NULL, 0);
    const long pids[] = { (long) getpid(), (long) dead };
    for (int i = 0; i < 2; i++) {
        snprintf(name, sizeof name, "left.tmp-%08x-%ld-0", hash, pids[i]);
        put(name, "x", 1);
    }
    put("left.tmp-00000000-1-0", "x", 1);
    const struct utimbuf old = { time(NULL) - 200000, time(NULL) - 200000 };
    static const char *const aged[] = { "left.tmp-00000000-7-7", "left.tmp-77", "left.tmp-my backup",
                                        "left.tmp-00000000-7-7.png" };
    for (int i = 0; i < 4; i++) {
        put(aged[i], "x", 1);
        ck_assert_int_eq(utime(in_folder(aged[i]), &old), 0);
    }
    ck_assert_int_eq(count_temps("left"), 7);
    ck_assert_int_eq(clg_write_atomic(in_folder("left"), "b", 1, NULL, 0), CLG_OK);
    ck_assert_int_eq(count_temps("left"), 5); // what has another form is not ours
    ck_assert_int_ne(access(in_folder(name), F_OK), 0);
    ck_assert_int_ne(access(in_folder(aged[0]), F_OK), 0);
    // a name that a pattern would read otherwise, and one as long as names may be
    char odd[256] = "a[b]*?\\c", text[100];
    for (int i = 0; i < 2; i++) {
        if (i)
            memset(odd, 'n', 255);
        ck_assert_msg(clg_write_atomic(in_folder(odd), "b", 1, NULL, 0) == CLG_OK, "%s", odd);
    }
    snprintf(text, sizeof text, "a[b]*?\\c.tmp-%08x-%ld-0", hash, (long) dead);
    put(text, "x", 1);
    ck_assert_int_eq(clg_write_atomic(in_folder("a[b]*?\\c"), "b", 1, NULL, 0), CLG_OK);
    ck_assert_int_ne(access(in_folder(text), F_OK), 0);
}
END_TEST

// ---- what a path may be

static bool holds(const char *name, const char *text)
{
    char got[100] = "";
    FILE *f = fopen(in_folder(name), "rb");
    const bool opened = f != NULL;
    if (f) {
        got[fread(got, 1, sizeof got - 1, f)] = '\0';
        fclose(f);
    }
    return opened && strcmp(got, text) == 0;
}

static mode_t mode_of(const char *path)
{
    struct stat s;
    ck_assert_msg(lstat(path, &s) == 0, "%s", path);
    return s.st_mode;
}

static void link_to(const char *what, const char *name)
{
    ck_assert_int_eq(symlink(what, in_folder(name)), 0);
}

static clg_status write_to(const char *name, char error[500])
{
    return clg_write_atomic(in_folder(name), "new", 3, error, 500);
}

START_TEST(links_and_rights_stay)
{
    char error[500], absolute[300];
    ck_assert_int_eq(mkdir(in_folder("sub"), 0777), 0);
    put("real", "old", 3);
    snprintf(absolute, sizeof absolute, "%s", in_folder("sub/far"));
    link_to("real", "l1");
    link_to("l1", "l2");
    link_to(absolute, "l3"); // to nothing yet
    link_to("../real", "sub/l4");
    ck_assert_int_eq(chmod(in_folder("real"), 0640), 0);
    static const char *const links[] = { "l1", "l2", "sub/l4", "l3" };
    for (int i = 0; i < 4; i++) {
        put("real", "old", 3);
        ck_assert_msg(write_to(links[i], error) == CLG_OK, "%s", error);
        ck_assert(S_ISLNK(mode_of(in_folder(links[i]))));
        ck_assert(holds(i < 3 ? "real" : "sub/far", "new"));
        ck_assert_uint_eq(mode_of(in_folder("real")) & 0777, 0640);
    }
    const mode_t mask = umask(027);
    ck_assert_int_eq(write_to("fresh", error), CLG_OK);
    umask(mask);
    ck_assert_uint_eq(mode_of(in_folder("fresh")) & 0777, 0640);
}
END_TEST

START_TEST(only_files_are_replaced)
{
    char error[500], path[1100];
    ck_assert_int_eq(mkdir(in_folder("dir"), 0777), 0);
    ck_assert_int_eq(mkfifo(in_folder("pipe"), 0666), 0);
    link_to("/dev/null", "null");
    static const char *const names[] = { "dir", "dir/", "pipe", "null", "absent/x", "real/x", "turn" };
    put("real", "old", 3);
    const int temps = count_temps("*"); // of other tests
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], "turn") == 0)
            link_to("turn", "turn");
        error[0] = '\0';
        ck_assert_msg(write_to(names[i], error) == CLG_EIO, "%s", names[i]);
        ck_assert_msg(strncmp(error, in_folder(names[i]), strlen(in_folder(names[i]))) == 0, "%s", error);
        ck_assert_ptr_null(strstr(error, ".tmp-")); // in terms of what was asked for
    }
    ck_assert(S_ISDIR(mode_of(in_folder("dir"))) && S_ISFIFO(mode_of(in_folder("pipe"))));
    ck_assert(S_ISCHR(mode_of("/dev/null")) && holds("real", "old"));
    memset(path, 'p', sizeof path);
    path[1001] = '\0';
    ck_assert_int_eq(clg_write_atomic(path, "a", 1, error, 500), CLG_EINVAL);
    ck_assert_int_eq(clg_write_atomic("", "a", 1, error, 500), CLG_EINVAL);
    ck_assert_int_eq(clg_write_atomic(NULL, "a", 1, error, 500), CLG_EINVAL);
    ck_assert_int_eq(clg_write_atomic(in_folder("real"), NULL, 1, error, 500), CLG_EINVAL);
    ck_assert(holds("real", "old"));
    if (geteuid() != 0) { // root may write anything
        ck_assert_int_eq(chmod(in_folder("real"), 0444), 0);
        ck_assert_int_eq(write_to("real", error), CLG_EIO);
        ck_assert(holds("real", "old"));
        ck_assert_int_eq(chmod(in_folder("dir"), 0555), 0);
        ck_assert_int_eq(write_to("dir/x", error), CLG_EIO);
    }
    ck_assert_int_eq(count_temps("*"), temps);
    ck_assert_int_eq(clg_write_atomic(in_folder("real"), NULL, 0, error, 500), CLG_OK);
    ck_assert(holds("real", ""));
}
END_TEST

int main(void)
{
    setlocale(LC_ALL, "");
    if (!folder_made())
        return 77;
    Suite *s = suite_create("write");
    TCase *c = tcase_create("files");
    tcase_add_test(c, writers_of_one_path_do_not_disturb_each_other);
    tcase_add_test(c, what_a_killed_writer_left_goes);
    tcase_add_test(c, links_and_rights_stay);
    tcase_add_test(c, only_files_are_replaced);
    suite_add_tcase(s, c);
    return run_in_folder(s);
}
