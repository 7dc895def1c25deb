/* options/options: strict numbers and their sentences, the shared options through argp, JSON to files and to
 * standard output. */
#include "options/options.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/scratch.h"

#include <fcntl.h>
#include <stdio_ext.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_double(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } good[] = {{"1", 1},     {".5", .5},  {"-2.5e-1", -.25}, {"+3", 3},    {"10", 10},
                {"-10", -10}, {"1e1", 10}, {"0", 0},          {"1E-400", 0}};
    static const char *const bad[] = {"",      " ",     " 1",    "1 ",  "1x",       "x",  "nan", "NaN",
                                      "inf",   "-inf",  "1e999", "0x1", "1,5",      "1e", "--1", "1-1",
                                      "10.01", "-10.1", "1\n",   "e5",  "infinity", ".",  "-",   "1e400"};
    ami_error err;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        double x = 77;
        assert_true(cli_parse_double(good[i].text, -10, 10, "--x", &x, &err));
        assert_true(x == good[i].value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        double x = 77;
        err.text[0] = 0;
        if (cli_parse_double(bad[i], -10, 10, "--x", &x, &err))
            fail_msg("\"%s\" was taken", bad[i]);
        assert_true(x == 77);
        assert_memory_equal(err.text, "--x is ", 7);
        char found[32];
        assert_non_null(strstr(err.text, ami_text_escape(bad[i], found, sizeof found)));
        assert_non_null(strstr(err.text, "10")); /* what was expected */
    }
}

static void test_int(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t lo, hi, value;
    } good[] = {{"0", 0, 5, 0},
                {"5", 0, 5, 5},
                {"-3", -3, 5, -3},
                {"2e6", 0, 9000000, 2000000},
                {"1.5e3", 0, 9000, 1500},
                {"9223372036854775807", 0, INT64_MAX, INT64_MAX},
                {"-9223372036854775808", INT64_MIN, 0, INT64_MIN},
                {"9007199254740993", 0, INT64_MAX, INT64_C(9007199254740993)}, /* no double holds it */
                {"20k", 0, 20000, 20000},
                {"4.1M", 0, 5000000, 4100000},
                {"007", 0, 10, 7}};
    static const char *const bad[] = {"",      " 1",   "1 ", "1x",     "0x1",  "nan",
                                      "inf",   "1.5",  "6",  "-1",     "1e-1", "9223372036854775808",
                                      "1e300", "1e18", "1k", ".0015k", "1kk",  "k"};
    ami_error err;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t x = 77;
        if (!cli_parse_int(good[i].text, good[i].lo, good[i].hi, "--n", &x, &err))
            fail_msg("%s", err.text);
        assert_true(x == good[i].value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t x = 77;
        err.text[0] = 0;
        if (cli_parse_int(bad[i], 0, 5, "--n", &x, &err))
            fail_msg("\"%s\" was taken", bad[i]);
        assert_true(x == 77);
        assert_memory_equal(err.text, "--n is ", 7);
        assert_non_null(strstr(err.text, bad[i]));
        assert_non_null(strstr(err.text, "0 to 5"));
    }
    int64_t x = 77;
    assert_false(cli_parse_int("9223372036854775808", 0, INT64_MAX, "--n", &x, &err));
    assert_false(cli_parse_int("1e19", 0, INT64_MAX, "--n", &x, &err));
    assert_int_equal(x, 77);
}

static void test_push(void **state)
{
    (void)state;
    static const char *const bad[] = {"",     ",",    ".5",  ".5,",   ",2",  ".5,2,3", ".5;2",
                                      "-1,2", "21,2", "1,0", "1,nan", "x,2", " 1,2",   "1, 2"};
    ami_error err;
    double v = 7, s = 7;
    assert_true(cli_parse_push(".5,2", "--push", &v, &s, &err));
    assert_true(v == .5 && s == 2);
    assert_true(cli_parse_push("0,.05", "--push", &v, &s, &err));
    assert_true(v == 0 && s == .05);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        v = s = 7;
        if (cli_parse_push(bad[i], "--push", &v, &s, &err))
            fail_msg("\"%s\" was taken", bad[i]);
        assert_true(v == 7 && s == 7);
        assert_memory_equal(err.text, "--push ", 7);
    }
    char endless[5000];
    memset(endless, '1', sizeof endless);
    endless[sizeof endless - 1] = 0;
    assert_false(cli_parse_push(endless, "--push", &v, &s, &err));
    endless[3000] = ',';
    assert_false(cli_parse_push(endless, "--push", &v, &s, &err));
}

typedef struct mine {
    cli_common common;
    int level;
} mine;

static error_t parse_mine(int key, char *text, struct argp_state *state)
{
    mine *m = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &m->common;
        return 0;
    case 'l':
        m->level = (int)cli_int(state, text, 1, 9, "--level");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option my_options[] = {{"level", 'l', "N", 0, "level", 0}, {0}};
static const struct argp_child my_children[] = {{&cli_common_argp, 0, NULL, 0}, {0}};
static const struct argp my_argp = {my_options, parse_mine, NULL, "Does it.", my_children, NULL, NULL};

static void test_common(void **state)
{
    (void)state;
    char *argv[] = {"amble it", "--seed", "12",      "--threads=3", "-l", "4",
                    "--json",   "-",      "--clips", "some/where",  NULL};
    mine m = {.common = {.seed = 1}};
    assert_int_equal(argp_parse(&my_argp, 10, argv, 0, NULL, &m), 0);
    assert_int_equal(m.common.seed, 12);
    assert_true(m.common.seed_given);
    assert_int_equal(m.common.threads, 3);
    assert_string_equal(m.common.json, "-");
    assert_string_equal(m.common.clips, "some/where");
    assert_int_equal(m.level, 4);
    char *none[] = {"amble it", NULL};
    m = (mine){.common = {.seed = 1}};
    assert_int_equal(argp_parse(&my_argp, 1, none, 0, NULL, &m), 0);
    assert_int_equal(m.common.seed, 1);
    assert_true(!m.common.seed_given && !m.common.json && !m.common.clips && !m.common.threads);
}

/* Parses in a process of its own; returns the exit status (77: parsed) and what went to standard error. */
static int parse_apart(char *option, char *said, size_t size)
{
    char *argv[] = {"amble it", option, NULL};
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(NULL);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        mine m = {.common = {.seed = 1}};
        dup2(fileno(file), STDERR_FILENO);
        argp_err_exit_status = CLI_BAD_INPUT;
        argp_parse(&my_argp, 2, argv, 0, NULL, &m);
        _exit(77);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    const ssize_t n = pread(fileno(file), said, size - 1, 0);
    assert_true(n >= 0);
    said[n] = 0;
    fclose(file);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_common_refuses(void **state)
{
    (void)state;
    static const struct {
        char *option;
        const char *said;
    } bad[] = {{"--seed=-1", "amble it: --seed is -1, expected 0 to "},
               {"--seed=x", "--seed is \"x\""},
               {"--seed=1e300", "--seed is 1e300"},
               {"--threads=-2", "--threads is -2, expected 0 to "},
               {"--threads=1.5", "--threads is 1.5"},
               {"--threads=99999", "--threads is 99999"},
               {"--json=", "--json is empty"},
               {"--clips=", "--clips is empty"},
               {"--level=0", "--level is 0, expected 1 to 9"},
               {"--nonsense", "unrecognized option"}};
    char said[2048];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(parse_apart(bad[i].option, said, sizeof said), CLI_BAD_INPUT);
        if (!strstr(said, bad[i].said))
            fail_msg("\"%s\" does not say \"%s\"", said, bad[i].said);
        assert_non_null(strstr(said, "--help"));
    }
    assert_int_equal(parse_apart("--level=9", said, sizeof said), 77);
    assert_string_equal(said, "");
}

static json_t *sample(void)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:I}", "third", cli_real(1. / 3), "tenth", cli_real(.1), "nan",
                     cli_real(NAN), "inf", cli_real(-INFINITY), "count",
                     (json_int_t)INT64_C(9007199254740993));
}

static const char sample_text[] =
    "{\n  \"third\": 0.333333333,\n  \"tenth\": 0.1,\n  \"nan\": null,\n  \"inf\": null,\n"
    "  \"count\": 9007199254740993\n}\n";

static void test_json_file(void **state)
{
    (void)state;
    const char *path = scratch("out.json");
    ami_error err = {""};
    assert_true(cli_write_json(path, sample(), &err));
    size_t size;
    uint8_t *text = ami_file_read(path, 4096, &size, &err);
    assert_non_null(text);
    assert_string_equal((char *)text, sample_text);
    free(text);
    assert_true(cli_write_json(NULL, sample(), &err)); /* --json was not given */
    assert_true(cli_write_json(NULL, NULL, &err));
    assert_false(cli_write_json(path, NULL, &err));
    assert_non_null(strstr(err.text, "memory"));
    assert_false(cli_write_json(scratch_folder, sample(), &err));
    assert_non_null(strstr(err.text, scratch_folder));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(remove_empty_scratch(state), 0);
}

/* Writes the sample to standard output as fd; returns cli_write_json's result. */
static bool write_to(int fd, ami_error *err)
{
    fflush(stdout);
    const int kept = dup(STDOUT_FILENO);
    assert_true(kept >= 0);
    dup2(fd, STDOUT_FILENO);
    const bool ok = cli_write_json("-", sample(), err);
    __fpurge(stdout);
    clearerr(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    return ok;
}

static void test_json_standard_output(void **state)
{
    (void)state;
    ami_error err = {""};
    FILE *file = tmpfile();
    assert_non_null(file);
    const bool ok = write_to(fileno(file), &err);
    char text[512];
    const ssize_t n = pread(fileno(file), text, sizeof text - 1, 0);
    assert_true(n >= 0);
    text[n] = 0;
    fclose(file);
    assert_true(ok);
    assert_string_equal(text, sample_text);
    const int full = open("/dev/full", O_WRONLY);
    if (full < 0)
        return;
    const bool taken = write_to(full, &err);
    close(full);
    assert_false(taken);
    assert_non_null(strstr(err.text, "standard output"));
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const names[] = {"rollout", "train", "eval", "clip", "model"};
    static const struct {
        const char *word, *nearest;
    } is[] = {{"trian", "train"},
              {"train", "train"},
              {"Train", "train"},
              {"models", "model"},
              {"rolout", "rollout"},
              {"evl", "eval"},
              {"clips", "clip"},
              {"xyz", NULL},
              {"", NULL},
              {"rollback", NULL},
              {"t", NULL}};
    for (size_t i = 0; i < sizeof is / sizeof *is; i++) {
        const char *found = cli_nearest(is[i].word, names, 5);
        if (is[i].nearest)
            assert_string_equal(found, is[i].nearest);
        else
            assert_null(found);
    }
    char endless[5000];
    memset(endless, 'a', sizeof endless);
    endless[sizeof endless - 1] = 0;
    assert_null(cli_nearest(endless, names, 5));
    assert_null(cli_nearest("train", names, 0));
}

static void test_fail(void **state)
{
    (void)state;
    ami_error err = {"walk.onnx: cannot be read"};
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(stderr);
    const int kept = dup(STDERR_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    const int status = cli_fail(&err);
    dup2(kept, STDERR_FILENO);
    close(kept);
    char text[256];
    const ssize_t n = pread(fileno(file), text, sizeof text - 1, 0);
    fclose(file);
    assert_true(n >= 0);
    text[n] = 0;
    assert_int_equal(status, 2);
    assert_string_equal(text, "amble: walk.onnx: cannot be read\n");
}

/* What is printed for a shell, a shell reads as it was. */
static void test_quote(void **state)
{
    (void)state;
    static const char *const words[] = {"runs/walk/checkpoint.bin",
                                        "my run/a b",
                                        "",
                                        "'",
                                        "it's",
                                        "''",
                                        "a\"b",
                                        "$HOME",
                                        "`id`",
                                        "a\\b",
                                        "*",
                                        "~/x",
                                        "a\nb",
                                        "größe",
                                        "--clip=a b",
                                        "a;b&c|d",
                                        "(x)",
                                        "!1",
                                        "#x",
                                        "a'b'c d",
                                        "\t"};
    static const char *const plain[] = {"runs/walk/checkpoint.bin", "walk:0.7,zombie:0.3", "walk=a.onnx",
                                        "2e6", "-x_y"};
    char quoted[CLI_QUOTED], command[CLI_QUOTED + 32], got[256];
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        snprintf(command, sizeof command, "printf '%%s' %s", cli_quote(words[i], quoted, sizeof quoted));
        FILE *shell = popen(command, "r");
        assert_non_null(shell);
        const size_t n = fread(got, 1, sizeof got - 1, shell);
        got[n] = 0;
        assert_int_equal(pclose(shell), 0);
        assert_string_equal(got, words[i]);
    }
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        assert_ptr_equal(cli_quote(plain[i], quoted, sizeof quoted), plain[i]);
    for (size_t size = 1; size < 10; size++) { /* 'a'\''b' and a zero are 9 bytes */
        char *tight = malloc(size);
        const char *word = "a'b";
        const char *text = cli_quote(word, tight, size);
        assert_ptr_equal(text, size == 9 ? tight : word);
        if (size == 9)
            assert_string_equal(text, "'a'\\''b'");
        free(tight);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_double),
        cmocka_unit_test(test_int),
        cmocka_unit_test(test_push),
        cmocka_unit_test(test_common),
        cmocka_unit_test(test_common_refuses),
        cmocka_unit_test(test_json_file),
        cmocka_unit_test(test_json_standard_output),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_quote),
        cmocka_unit_test(test_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
