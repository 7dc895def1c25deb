/* options/progress: the formatting for every width and buffer, and the output to a terminal and to a file. */
#define _GNU_SOURCE /* posix_openpt and its like */
#include "options/progress.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/skip.h"

#include <fcntl.h>
#include <sys/wait.h>

static void test_duration(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        const char *text;
    } is[] = {{0, "0:00"},        {7.4, "0:07"},       {59.6, "1:00"},
              {754, "12:34"},     {3599.4, "59:59"},   {3600, "1:00:00"},
              {10921, "3:02:01"}, {86400, "24:00:00"}, {4 * 86400., "4 days"},
              {1e7, "116 days"},  {-1, "?"},           {NAN, "?"},
              {INFINITY, "?"},    {1e30, "?"}};
    for (size_t i = 0; i < sizeof is / sizeof *is; i++) {
        char text[32];
        assert_int_equal(ami_progress_duration(text, sizeof text, is[i].seconds), strlen(is[i].text));
        assert_string_equal(text, is[i].text);
    }
}

static void test_left(void **state)
{
    (void)state;
    assert_true(ami_progress_left(0, 25, 100, 50) == 150);
    assert_true(ami_progress_left(50, 75, 100, 50) == 50); /* what was done before does not count as this
                                                              run's speed */
    assert_true(ami_progress_left(0, 100, 100, 50) == 0);
    assert_true(ami_progress_left(0, 120, 100, 50) == 0);
    assert_true(isnan(ami_progress_left(0, 0, 100, 50)));
    assert_true(isnan(ami_progress_left(0, 50, 0, 50)));
    assert_true(isnan(ami_progress_left(0, 50, 100, 0)));
    assert_true(isnan(ami_progress_left(0, NAN, 100, 5)));
}

static void same_bar(int columns, double fraction, double left, const char *status, const char *expected)
{
    char text[512];
    const size_t n = ami_progress_bar(text, sizeof text, columns, "train", fraction, 252, left, status);
    assert_string_equal(text, expected);
    assert_int_equal(n, strlen(expected));
}

static void test_bar(void **state)
{
    (void)state;
    same_bar(100, .5, 411, "reward .842",
             "train [===============>              ]  50 %  4:12 gone, 6:51 left  reward .842");
    same_bar(66, .5, 411, "reward .842",
             "train [========>        ]  50 %  4:12 gone, 6:51 left  reward .842");
    same_bar(55, .5, 411, "reward .842", "train [====>   ]  50 %  4:12 gone, 6:51 left  reward .8");
    same_bar(40, .5, 411, "reward .842", "train  50 %  4:12 gone, 6:51 left  rewar");
    same_bar(20, .5, 411, "reward .842", "train  50 %  ");
    same_bar(8, .5, 411, "", "train  5");
    same_bar(0, .5, 411, "reward", "");
    same_bar(-1, .5, 411, "reward", "");
    same_bar(60, 0, NAN, "", "train [>                             ]   0 %  4:12 gone");
    same_bar(80, .999, 1, "", "train [=============================>]  99 %  4:12 gone, 0:01 left");
    same_bar(80, 1, 0, "", "train [==============================] 100 %  4:12 gone, 0:00 left");
    same_bar(80, 1.7, 0, "", "train [==============================] 100 %  4:12 gone, 0:00 left");
    same_bar(80, -1, NAN, "", "train [>                             ]   0 %  4:12 gone");
    same_bar(80, NAN, NAN, "iteration 7", "train 4:12 gone  iteration 7");
    same_bar(80, NAN, NAN, "a\tb\nc\x1b[31md\x7f", "train 4:12 gone  a b c [31md ");
}

/* At any width and in any buffer the text ends in time and at a character's end, and is a valid C string. */
static void test_fits(void **state)
{
    (void)state;
    static const char *const status[] = {"", "reward .842, episode 3.1 s", "größe ↑ 𝛼 µ ↑↑↑↑"};
    for (size_t s = 0; s < sizeof status / sizeof *status; s++) {
        for (int columns = 0; columns < 120; columns++) {
            for (size_t size = 1; size < 140; size += size < 20 ? 1 : 7) {
                char *text = malloc(size); /* so that a byte too many is seen by AddressSanitizer */
                assert_non_null(text);
                const size_t n = ami_progress_bar(text, size, columns, "träin", .4, 4000, 1e5, status[s]);
                assert_true(n < size);
                assert_int_equal(strlen(text), n);
                assert_true(columns_of(text) <= columns);
                for (size_t i = 0; i < n;) {
                    const unsigned char c = (unsigned char)text[i];
                    const size_t bytes = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
                    assert_true(c < 0x80 || c >= 0xc2);
                    for (size_t k = 1; k < bytes; k++)
                        assert_true(i + k < n && continues(text[i + k]));
                    i += bytes;
                }
                free(text);
            }
        }
    }
}

static void test_plain(void **state)
{
    (void)state;
    char text[100];
    ami_progress_plain(text, sizeof text, "train", .389, 252, 411, "reward .842");
    assert_string_equal(text, "train: 38 %, 4:12 gone, 6:51 left, reward .842");
    ami_progress_plain(text, sizeof text, "train", NAN, 252, NAN, "");
    assert_string_equal(text, "train: 4:12 gone");
    assert_int_equal(ami_progress_plain(text, 9, "train", .5, 252, 411, "x"), 8);
    assert_string_equal(text, "train: 5");
}

/* Runs `body` in a process of its own whose standard error is fd. Returns its exit status. */
static int run_with_stderr(int fd, void (*body)(void))
{
    fflush(NULL);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(fd, STDERR_FILENO);
        body();
        fflush(stderr);
        _exit(0);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void busy_until(double when, ami_progress *p, double *done)
{
    while (ami_clock_now() < when) {
        *done += .001;
        ami_progress_update(p, *done,
                            "reward .%d, and a status that is far longer than this terminal is wide", 842);
    }
}

static void draw_for_a_while(void)
{
    ami_progress p;
    double done = 0;
    ami_progress_start(&p, "train", 0, 1e9, 0);
    const double start = ami_clock_now();
    busy_until(start + .25, &p, &done);
    ami_progress_note(&p, "note %d", 7);
    busy_until(start + .35, &p, &done);
    ami_progress_end(&p);
    ami_progress_end(&p);
    fprintf(stderr, "took %.3f s\n", ami_clock_now() - start);
}

static void test_terminal(void **state)
{
    (void)state;
    const int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) || unlockpt(master))
        skip_because("there are no pseudo-terminals");
    const int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(slave >= 0);
    const struct winsize w = {.ws_row = 10, .ws_col = 40};
    assert_int_equal(ioctl(slave, TIOCSWINSZ, &w), 0);
    setenv("TERM", "xterm", 1);
    assert_int_equal(run_with_stderr(slave, draw_for_a_while), 0);
    static char text[1 << 16];
    assert_int_equal(fcntl(master, F_SETFL, O_NONBLOCK), 0);
    size_t size = 0;
    for (ssize_t n; size < sizeof text - 1 && (n = read(master, text + size, sizeof text - 1 - size)) > 0;)
        size += (size_t)n;
    text[size] = 0;
    close(slave);
    close(master);

    const char *took = strstr(text, "took ");
    assert_non_null(took);
    const double seconds = strtod(took + 5, NULL);
    assert_true(seconds >= .35);
    int drawn = 0;
    static const char head[] = "\rtrain ";
    for (const char *at = text; (at = strstr(at, head)); drawn++) {
        at++;
        const size_t columns = strcspn(at, "\x1b");
        assert_true(columns > 20 && columns < 40);
        assert_memory_equal(at + columns, "\x1b[K", 3);
    }
    assert_true(drawn >= 3); /* at once, by and by, and after the note */
    assert_true(drawn <= 3 + (int)(seconds / .1));
    assert_non_null(strstr(text, "\r\x1b[Knote 7"));
    assert_memory_equal(took - 4, "\r\x1b[K", 4); /* the last bar was wiped, once */
    assert_true(took[-5] == 'K');
}

static void short_lines(void)
{
    ami_progress p;
    ami_progress_start(&p, "eval", 0, 10, .05);
    ami_progress_update(&p, 1, "too early");
    ami_progress_note(&p, "note %d", 7);
    ami_clock_sleep_until(ami_clock_now() + .06);
    ami_progress_update(&p, 5, "half");
    ami_progress_update(&p, 6, "too early again");
    ami_progress_end(&p);
}

static void check_lines(int fd)
{
    char text[512];
    const ssize_t n = pread(fd, text, sizeof text - 1, 0);
    assert_true(n >= 0);
    text[n] = 0;
    assert_string_equal(text, "note 7\neval: 50 %, 0:00 gone, 0:00 left, half\n");
}

static void test_no_terminal(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    setenv("TERM", "xterm", 1);
    assert_int_equal(run_with_stderr(fileno(file), short_lines), 0);
    check_lines(fileno(file));
    fclose(file);
}

static void dumb(void)
{
    if (is_terminal())
        _exit(3);
}

static void test_dumb_terminal(void **state)
{
    (void)state;
    const int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) || unlockpt(master))
        skip_because("there are no pseudo-terminals");
    const int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(slave >= 0);
    setenv("TERM", "xterm", 1);
    assert_int_equal(run_with_stderr(slave, dumb), 3);
    setenv("TERM", "dumb", 1);
    assert_int_equal(run_with_stderr(slave, dumb), 0);
    unsetenv("TERM");
    assert_int_equal(run_with_stderr(slave, dumb), 0);
    close(slave);
    close(master);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_duration),    cmocka_unit_test(test_left),
        cmocka_unit_test(test_bar),         cmocka_unit_test(test_fits),
        cmocka_unit_test(test_plain),       cmocka_unit_test(test_terminal),
        cmocka_unit_test(test_no_terminal), cmocka_unit_test(test_dumb_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
