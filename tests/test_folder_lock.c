/* base/folder_lock: one process at a time, whose id is in the others' error; a kill releases the lock; no
 * file remains. */
#include "base/file.h"
#include "base/folder_lock.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/scratch.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char lock_file[sizeof scratch_folder + 32];

static int make_folder(void **state)
{
    (void)state;
    if (make_scratch(state))
        return -1;
    snprintf(lock_file, sizeof lock_file, "%s/.amble.lock", scratch_folder);
    return 0;
}

static void assert_busy(const ami_error *err, long pid)
{
    char words[80];
    if (pid)
        snprintf(words, sizeof words, "%s: process %ld is writing to this folder", scratch_folder, pid);
    else
        snprintf(words, sizeof words, "%s: another process is writing to this folder", scratch_folder);
    if (strncmp(err->text, words, strlen(words)))
        fail_msg("\"%s\" should begin with \"%s\"", err->text, words);
}

/* A child that takes the lock and, once it has it, waits to be ended; its process number. */
static pid_t child_with_lock(void)
{
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        ami_folder_lock *lock = ami_folder_lock_take(scratch_folder, NULL);
        const char answer = lock && !ami_folder_lock_missing(lock) ? 'y' : 'n';
        if (write(ready[1], &answer, 1) == 1)
            for (;;)
                pause();
        _exit(1);
    }
    char answer = 0;
    assert_int_equal(read(ready[0], &answer, 1), 1);
    close(ready[0]);
    close(ready[1]);
    assert_int_equal(answer, 'y');
    return child;
}

static void end(pid_t child)
{
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void test_take_and_release(void **state)
{
    (void)state;
    ami_error err = {""};
    assert_false(ami_folder_locked(scratch_folder, &err));
    assert_int_equal(access(lock_file, F_OK), -1); /* asking makes no file */
    for (int i = 0; i < 3; i++) {
        ami_folder_lock *lock = ami_folder_lock_take(scratch_folder, &err);
        assert_non_null(lock);
        assert_null(ami_folder_lock_missing(lock));
        assert_int_equal(access(lock_file, F_OK), 0);
        /* Also from another thread's point of view: a second lock of the same process. */
        assert_null(ami_folder_lock_take(scratch_folder, &err));
        assert_busy(&err, getpid());
        ami_folder_lock_release(lock);
        assert_int_equal(access(lock_file, F_OK), -1);
    }
    ami_folder_lock_release(NULL);
}

static void test_another_process(void **state)
{
    (void)state;
    const pid_t child = child_with_lock();
    ami_error err = {""}, asked = {""};
    assert_null(ami_folder_lock_take(scratch_folder, &err));
    assert_busy(&err, child);
    assert_true(ami_folder_locked(scratch_folder, &asked));
    assert_string_equal(asked.text, err.text);
    end(child);
    assert_false(ami_folder_locked(scratch_folder, &err));
    assert_int_equal(access(lock_file, F_OK), 0); /* left behind, and no hindrance */
    ami_folder_lock *lock = ami_folder_lock_take(scratch_folder, &err);
    assert_non_null(lock);
    assert_null(ami_folder_lock_take(scratch_folder, &err));
    assert_busy(&err, getpid());
    ami_folder_lock_release(lock);
}

/* Until a new owner has written its number the file holds that of a killed one. */
static void test_owner_not_yet_written(void **state)
{
    (void)state;
    static const char *const text[] = {"", "x", "0 somewhere\n", "-5 somewhere\n"};
    ami_error err = {""};
    ami_folder_lock *lock = ami_folder_lock_take(scratch_folder, &err);
    assert_non_null(lock);
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        const int fd = open(lock_file, O_WRONLY | O_TRUNC);
        assert_int_equal(write(fd, text[i], strlen(text[i])), strlen(text[i]));
        close(fd);
        assert_null(ami_folder_lock_take(scratch_folder, &err));
        assert_busy(&err, 0);
    }
    const pid_t gone = fork();
    if (gone == 0)
        _exit(0);
    assert_int_equal(waitpid(gone, NULL, 0), gone);
    char host[64] = "", line[128];
    gethostname(host, sizeof host - 1);
    snprintf(line, sizeof line, "%ld %s\n", (long)gone, host);
    int fd = open(lock_file, O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, line, strlen(line)), strlen(line));
    close(fd);
    assert_null(ami_folder_lock_take(scratch_folder, &err));
    assert_busy(&err, 0);
    /* Of another machine nothing is known but what it wrote. */
    snprintf(line, sizeof line, "%ld elsewhere.example\n", (long)gone);
    fd = open(lock_file, O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, line, strlen(line)), strlen(line));
    close(fd);
    assert_null(ami_folder_lock_take(scratch_folder, &err));
    snprintf(line, sizeof line, "process %ld on elsewhere.example is writing", (long)gone);
    assert_non_null(strstr(err.text, line));
    ami_folder_lock_release(lock);
}

/* A folder that was moved while it was locked, and another one has its name now: that one's lock stays. */
static void test_moved(void **state)
{
    (void)state;
    ami_error err = {""};
    char moved[sizeof scratch_folder + 8], moved_lock[sizeof moved + 32];
    snprintf(moved, sizeof moved, "%s.moved", scratch_folder);
    snprintf(moved_lock, sizeof moved_lock, "%s/.amble.lock", moved);
    ami_folder_lock *first = ami_folder_lock_take(scratch_folder, &err);
    assert_non_null(first);
    assert_int_equal(rename(scratch_folder, moved), 0);
    assert_int_equal(mkdir(scratch_folder, 0777), 0);
    ami_folder_lock *second = ami_folder_lock_take(scratch_folder, &err);
    assert_non_null(second);
    assert_true(ami_folder_locked(moved, &err));
    ami_folder_lock_release(first);
    assert_true(ami_folder_locked(scratch_folder, &err));
    assert_busy(&err, getpid());
    ami_folder_lock_release(second);
    assert_int_equal(unlink(moved_lock), 0);
    assert_int_equal(rmdir(moved), 0);
}

static void test_refuses(void **state)
{
    (void)state;
    ami_error err = {""};
    char missing[sizeof scratch_folder + 16], target[sizeof scratch_folder + 16];
    snprintf(missing, sizeof missing, "%s/missing", scratch_folder);
    assert_null(ami_folder_lock_take(missing, &err));
    assert_non_null(strstr(err.text, "missing/.amble.lock: cannot be opened"));
    /* Nobody's link leads it out of the folder. */
    snprintf(target, sizeof target, "%s/target", scratch_folder);
    assert_int_equal(symlink("target", lock_file), 0);
    assert_null(ami_folder_lock_take(scratch_folder, &err));
    assert_int_equal(access(target, F_OK), -1);
    assert_int_equal(unlink(lock_file), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_take_and_release),
        cmocka_unit_test(test_another_process),
        cmocka_unit_test(test_owner_not_yet_written),
        cmocka_unit_test(test_moved),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests_name("folder_lock", tests, make_folder, remove_empty_scratch);
}
