/* base/file: bounded reads, atomic writes that keep the old file when they fail, removal of killed processes'
 * temporary files, mkdir -p, CRC-32C. */
#include "base/file.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int entries(const char *path)
{
    DIR *dir = opendir(path);
    assert_non_null(dir);
    int n = 0;
    for (struct dirent *e; (e = readdir(dir));)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(dir);
    return n;
}

static void assert_says(const ami_error *err, const char *path, const char *words)
{
    if (!strstr(err->text, words) || strncmp(err->text, path, strlen(path)) != 0)
        fail_msg("\"%s\" should begin with \"%s\" and contain \"%s\"", err->text, path, words);
}

static void assert_holds(const char *path, const void *data, size_t size)
{
    ami_error err = {0};
    size_t got;
    uint8_t *read = ami_file_read(path, 1 << 20, &got, &err);
    assert_string_equal(err.text, "");
    assert_non_null(read);
    assert_int_equal(got, size);
    assert_memory_equal(read, data, size);
    assert_int_equal(read[size], 0);
    free(read);
}

static void assert_unreadable(const char *path, size_t max, const char *words)
{
    ami_error err = {0};
    size_t size = 7;
    assert_null(ami_file_read(path, max, &size, &err));
    assert_int_equal(size, 0);
    assert_says(&err, path, words);
    assert_null(ami_file_read(path, max, &size, NULL));
}

static void test_read_refuses(void **state)
{
    (void)state;
    assert_unreadable(scratch("missing"), 100, "No such file");
    assert_unreadable(scratch_folder, 100, "is a folder, a regular file was expected");
    const char *pipe = scratch("pipe");
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_unreadable(pipe, 100, "is a pipe");
    assert_unreadable("/dev/zero", 100, "is a device");
    ami_error err = {0};
    const char *big = scratch("big");
    assert_true(ami_file_write(big, "0123456789", 10, &err));
    assert_unreadable(big, 9, "10 bytes long, at most 9");
    assert_holds(big, "0123456789", 10);
    assert_unreadable("/proc/self/cmdline/x", 100, "Not a directory");
}

static void test_write_then_read(void **state)
{
    (void)state;
    ami_error err = {0};
    const char *path = scratch("round");
    uint8_t data[70000];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 2654435761u >> 13);
    const size_t sizes[] = {sizeof data, 0, 1, 4096, 3};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_true(ami_file_write(path, data, sizes[i], &err));
        assert_holds(path, data, sizes[i]);
    }
    /* a name without a folder in it */
    char before[512];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(scratch_folder), 0);
    bool written = ami_file_write("bare", "x", 1, &err);
    assert_int_equal(chdir(before), 0);
    assert_true(written);
    assert_holds(scratch("bare"), "x", 1);
}

static void test_write_keeps_permissions(void **state)
{
    (void)state;
    ami_error err = {0};
    struct stat st;
    const char *path = scratch("private");
    assert_true(ami_file_write(path, "a", 1, &err));
    assert_int_equal(chmod(path, 0640), 0);
    assert_true(ami_file_write(path, "b", 1, &err));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
}

static void test_write_replaces_a_link_not_its_target(void **state)
{
    (void)state;
    ami_error err = {0};
    struct stat st;
    assert_true(ami_file_write(scratch("target"), "old", 3, &err));
    assert_int_equal(symlink("target", scratch("link")), 0);
    assert_true(ami_file_write(scratch("link"), "new", 3, &err));
    assert_int_equal(lstat(scratch("link"), &st), 0);
    assert_true(S_ISREG(st.st_mode));
    assert_holds(scratch("target"), "old", 3);
    assert_holds(scratch("link"), "new", 3);
}

static void assert_unwritable(const char *path, const char *words)
{
    ami_error err = {0};
    int before = entries(scratch_folder);
    assert_false(ami_file_write(path, "data", 4, &err));
    assert_says(&err, path, words);
    assert_int_equal(entries(scratch_folder), before);
}

static void test_write_refuses(void **state)
{
    (void)state;
    assert_unwritable(scratch_folder, "is a folder");
    assert_unwritable("/dev/null", "is a device");
    assert_unwritable("/dev/full", "is a device");
    assert_unwritable(scratch("no/such/folder/file"), "No such file");
    assert_unwritable("/proc/ami_no_such_file", "not written");
    char path[400];
    memset(path, 'n', sizeof path);
    memcpy(path, scratch_folder, strlen(scratch_folder));
    path[strlen(scratch_folder)] = '/';
    path[sizeof path - 1] = 0;
    assert_unwritable(path, "too long");
    assert_unwritable("", "not written");
}

/* Beforehand, for what others will write: no waiting, and nothing is changed or left behind. */
static void test_check_writable(void **state)
{
    (void)state;
    ami_error err = {0};
    const struct {
        const char *path, *words;
    } bad[] = {{scratch_folder, "is a folder"},
               {"/dev/null", "is a device"},
               {scratch("no/such/file"), "No such file"},
               {"", "No such file"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(ami_file_check_writable(bad[i].path, &err));
        assert_non_null(strstr(err.text, bad[i].path));
        assert_non_null(strstr(err.text, bad[i].words));
    }
    char path[512];
    snprintf(path, sizeof path, "%s", scratch("new-pipe"));
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(ami_file_check_writable(path, &err));
    assert_non_null(strstr(err.text, "is a pipe"));
    unlink(path);
    assert_true(ami_file_check_writable(path, &err));
    assert_int_not_equal(access(path, F_OK), 0);
    assert_true(ami_file_write(path, "old", 3, &err));
    assert_true(ami_file_check_writable(path, &err));
    size_t size = 0;
    uint8_t *data = ami_file_read(path, 100, &size, &err);
    assert_int_equal(size, 3);
    assert_memory_equal(data, "old", 3);
    free(data);
}

/* Runs as another user where it must: root may write anywhere. */
static void test_unwritable_folder(void **state)
{
    (void)state;
    ami_error err = {0};
    const char *closed = scratch("closed"), *file = scratch("closed/file");
    assert_true(ami_folder_make(closed, &err));
    assert_true(ami_file_write(file, "old", 3, &err));
    assert_int_equal(chmod(scratch_folder, 0755), 0);
    assert_int_equal(chmod(closed, 0555), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (geteuid() == 0 && setuid(65534) != 0)
            _exit(10);
        bool ok = ami_file_write(file, "new", 3, &err);
        _exit(!ok && strstr(err.text, "Permission denied") && strstr(err.text, file) ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_holds(file, "old", 3);
    assert_int_equal(entries(closed), 1);
}

/* A write that the system cuts short, as a full disk does. */
static void test_full_disk(void **state)
{
    (void)state;
    ami_error err = {0};
    const char *full = scratch("full"), *file = scratch("full/file");
    assert_true(ami_folder_make(full, &err));
    assert_true(ami_file_write(file, "old", 3, &err));
    static uint8_t data[100000];
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit limit = {30000, 30000};
        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
            _exit(10);
        bool ok = ami_file_write(file, data, sizeof data, &err);
        _exit(!ok && strstr(err.text, strerror(EFBIG)) && strstr(err.text, "writing failed") ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_holds(file, "old", 3);
    assert_int_equal(entries(full), 1);
}

/* What a crashed process of the same id left behind is neither used nor removed. */
static void test_stale_temporary(void **state)
{
    (void)state;
    ami_error err = {0};
    char name[64];
    snprintf(name, sizeof name, "stale.tmp.%ld", (long)getpid());
    assert_true(ami_file_write(scratch(name), "half", 4, &err));
    assert_true(ami_file_write(scratch("stale"), "whole", 5, &err));
    assert_holds(scratch("stale"), "whole", 5);
    assert_holds(scratch(name), "half", 4);
}

/* The number of a process that is not there any more. */
static long gone_process(void)
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    return child;
}

static void test_remove_temporaries(void **state)
{
    (void)state;
    ami_error err = {0};
    const long gone = gone_process(), own = getpid(), there = getppid();
    const struct {
        const char *format;
        long pid;
        bool removed;
    } file[] = {
        {"left/a.tmp.%ld", gone, true},
        {"left/checkpoint.bin.tmp.%ld.12", gone, true},
        {"left/b.tmp.1.tmp.%ld", gone, true},
        {"left/c.tmp.%ld", own, true}, /* of an earlier process with our number: we write nothing now */
        {"left/d.tmp.%ld", there, false},
        {"left/d.tmp.%ld.3", there, false},
        {"left/d.tmp.%ld.tmp.x", gone, false},
        {"left/.tmp.%ld", gone, false},
        {"left/e.tmp.%ld.", gone, false},
        {"left/e.tmp.%ld.0", gone, false},
        {"left/e.tmp.%ld.1000", gone, false},
        {"left/e.tmp.%ld.1.1", gone, false},
        {"left/e.tmp.0%ld", gone, false},
        {"left/e.tmp.-%ld", gone, false},
        {"left/e.tmp. %ld", gone, false},
        {"left/e.tmp.%ldx", gone, false},
        {"left/e.tmp%ld", gone, false},
        {"left/e.tmp.9999999999%ld", gone, false},
        {"left/e.tmp.99999999999999999999%ld", gone, false},
        {"left/e.%ld", gone, false},
    };
    enum { FILES = sizeof file / sizeof *file };
    char name[FILES][80];
    int removed = 0;
    assert_int_equal(ami_folder_remove_temporaries(scratch("left")), 0); /* no such folder */
    assert_true(ami_folder_make(scratch("left"), &err));
    for (int i = 0; i < FILES; i++) {
        snprintf(name[i], sizeof name[i], file[i].format, file[i].pid);
        assert_true(ami_file_write(scratch(name[i]), "half", 4, &err));
        removed += file[i].removed;
    }
    /* Neither a folder nor a link, and nothing that a process which is not seen from here is writing. */
    char odd[3][80];
    for (int i = 0; i < 3; i++)
        snprintf(odd[i], sizeof odd[i], "left/%c.tmp.%ld", "xyz"[i], gone);
    assert_true(ami_folder_make(scratch(odd[0]), &err));
    assert_int_equal(symlink("/dev/null", scratch(odd[1])), 0);
    assert_true(ami_file_write(scratch(odd[2]), "half", 4, &err));
    const int writer = open(scratch(odd[2]), O_WRONLY);
    assert_true(writer >= 0);
    assert_int_equal(flock(writer, LOCK_EX), 0);

    assert_int_equal(ami_folder_remove_temporaries(scratch("left")), removed);
    for (int i = 0; i < FILES; i++)
        if ((access(scratch(name[i]), F_OK) != 0) != file[i].removed)
            fail_msg("%s should %s", name[i], file[i].removed ? "be gone" : "have stayed");
    struct stat st;
    for (int i = 0; i < 3; i++)
        assert_int_equal(lstat(scratch(odd[i]), &st), 0);
    close(writer);
    assert_int_equal(ami_folder_remove_temporaries(scratch("left")), 1);
    assert_int_equal(lstat(scratch(odd[2]), &st), -1);
}

static void *write_in_thread(void *context)
{
    ami_error err = {0};
    bool ok = true;
    for (int i = 0; ok && i < 100; i++)
        ok = ami_file_write(scratch("busy/file"), "content", 7, &err);
    if (!ok)
        fprintf(stderr, "%s\n", err.text);
    atomic_store((atomic_int *)context, ok ? 1 : -1);
    return NULL;
}

/* A file that is being written is never removed, though its name is that of a process that might be gone:
 * this one's. */
static void test_remove_while_writing(void **state)
{
    (void)state;
    ami_error err = {0};
    atomic_int done = 0;
    pthread_t writer;
    char busy[512];
    snprintf(busy, sizeof busy, "%s", scratch("busy"));
    assert_true(ami_folder_make(busy, &err));
    assert_int_equal(pthread_create(&writer, NULL, write_in_thread, &done), 0);
    while (!atomic_load(&done))
        ami_folder_remove_temporaries(busy);
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_int_equal(atomic_load(&done), 1);
    ami_folder_remove_temporaries(busy); /* what was about to be removed when its writer chose another name */
    assert_int_equal(entries(busy), 1);
}

static bool write_often(char fill)
{
    ami_error err = {0};
    char content[3000];
    memset(content, fill, sizeof content);
    for (int i = 0; i < 50; i++) {
        if (!ami_file_write(scratch("contended"), content, sizeof content, &err))
            return false;
    }
    return true;
}

static void test_two_writers(void **state)
{
    (void)state;
    ami_error err = {0};
    assert_true(ami_folder_make(scratch("race"), &err));
    pid_t child[2];
    for (int i = 0; i < 2; i++) {
        child[i] = fork();
        assert_true(child[i] >= 0);
        if (child[i] == 0)
            _exit(!write_often(i ? 'a' : 'b'));
    }
    for (int looks = 0; looks < 200; looks++) {
        size_t size;
        uint8_t *seen = ami_file_read(scratch("contended"), 10000, &size, NULL);
        if (!seen)
            continue;
        bool whole = size == 3000;
        for (size_t i = 0; i < size; i++)
            whole &= seen[i] == seen[0];
        free(seen);
        assert_true(whole);
    }
    for (int i = 0; i < 2; i++) {
        int status;
        assert_int_equal(waitpid(child[i], &status, 0), child[i]);
        assert_int_equal(status, 0);
    }
}

static void test_folder_make(void **state)
{
    (void)state;
    ami_error err = {0};
    struct stat st;
    assert_true(ami_folder_make(scratch("a/b//c/"), &err));
    assert_int_equal(stat(scratch("a/b/c"), &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_true(ami_folder_make(scratch("a/b/c"), &err));
    assert_true(ami_folder_make("/", &err));
    assert_true(ami_folder_make(".", &err));
    assert_true(ami_file_write(scratch("a/file"), "", 0, &err));
    assert_string_equal(err.text, "");
    assert_false(ami_folder_make(scratch("a/file"), &err));
    assert_says(&err, scratch("a/file"), "not a folder");
    assert_false(ami_folder_make(scratch("a/file/d"), &err));
    assert_says(&err, scratch("a/file/d"), "not a folder");
    assert_false(ami_folder_make("/proc/amb/x", &err));
    assert_says(&err, "/proc/amb/x", "cannot be made");
    assert_false(ami_folder_make("", &err));
    assert_non_null(strstr(err.text, "empty"));
}

static uint32_t crc_plain(uint32_t crc, const uint8_t *data, size_t size)
{
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int b = 0; b < 8; b++)
            crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

static void test_crc32c(void **state)
{
    (void)state;
    uint8_t data[200], zeros[32] = {0}, ones[32], up[32], down[32];
    memset(ones, 0xff, sizeof ones);
    for (int i = 0; i < 32; i++)
        up[i] = (uint8_t)i, down[i] = (uint8_t)(31 - i);
    /* RFC 3720, appendix B.4 */
    assert_int_equal(ami_crc32c(0, zeros, 32), 0x8a9136aau);
    assert_int_equal(ami_crc32c(0, ones, 32), 0x62a8ab43u);
    assert_int_equal(ami_crc32c(0, up, 32), 0x46dd794eu);
    assert_int_equal(ami_crc32c(0, down, 32), 0x113fdb5cu);
    assert_int_equal(ami_crc32c(0, "123456789", 9), 0xe3069283u);
    assert_int_equal(ami_crc32c(0, NULL, 0), 0);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * i + 7 * i);
    for (size_t from = 0; from < 9; from++) {
        for (size_t size = 0; from + size <= sizeof data; size++) {
            uint32_t crc = ami_crc32c(0, data + from, size);
            assert_int_equal(crc, crc_plain(0, data + from, size));
            size_t cut = size / 3; /* in two pieces */
            assert_int_equal(ami_crc32c(ami_crc32c(0, data + from, cut), data + from + cut, size - cut), crc);
        }
    }
}

static void test_read_text(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *text; /* NULL: refused */
    } rows[] = {{"\xef\xbb\xbfwalk\n", 8, "walk\n"},
                {"walk", 4, "walk"},
                {"\xef\xbb\xbf", 3, ""},
                {"", 0, ""},
                {"\xef\xbb", 2, "\xef\xbb"},
                {"w\xef\xbb\xbf", 4, "w\xef\xbb\xbf"},
                {"\xff\xfew\0", 4, NULL},
                {"\xfe\xff\0w", 4, NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ami_error err = {""};
        size_t size = 99;
        assert_true(ami_file_write(scratch("text"), rows[i].bytes, rows[i].size, &err));
        char *text = ami_file_read_text(scratch("text"), 1000, &size, &err);
        if (!rows[i].text) {
            assert_null(text);
            assert_says(&err, scratch("text"), "UTF-16");
            continue;
        }
        assert_non_null(text);
        assert_string_equal(text, rows[i].text);
        assert_int_equal(size, strlen(rows[i].text));
        free(text);
    }
    size_t size;
    assert_null(ami_file_read_text(scratch("none"), 1000, &size, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_refuses),
        cmocka_unit_test(test_read_text),
        cmocka_unit_test(test_write_then_read),
        cmocka_unit_test(test_write_keeps_permissions),
        cmocka_unit_test(test_write_replaces_a_link_not_its_target),
        cmocka_unit_test(test_write_refuses),
        cmocka_unit_test(test_check_writable),
        cmocka_unit_test(test_unwritable_folder),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_stale_temporary),
        cmocka_unit_test(test_remove_temporaries),
        cmocka_unit_test(test_remove_while_writing),
        cmocka_unit_test(test_two_writers),
        cmocka_unit_test(test_folder_make),
        cmocka_unit_test(test_crc32c),
    };
    return cmocka_run_group_tests_name("file", tests, make_scratch, remove_scratch);
}
