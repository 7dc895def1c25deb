/* Text from files: printable characters, escapes of others, valid names. */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *text, *escaped;
    bool utf8;
} rows[] = {
    {"", "", true},
    {"walk", "walk", true},
    {"fröhlich 走 \xf0\x9f\x9a\xb6", "fröhlich 走 \xf0\x9f\x9a\xb6", true},
    {"\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m", true},
    {"two\nlines\tand\x7f", "two\\x0alines\\x09and\\x7f", true},
    {"\xc2\x9b"
     "31m",
     "\\xc2\\x9b31m", true}, /* CSI as one character of C1 */
    {"abc\xe2\x80\xae"
     "fed",
     "abc\\xe2\\x80\\xaefed", true},                                        /* right to left from here */
    {"\xe2\x81\xa6x\xe2\x80\xa8", "\\xe2\\x81\\xa6x\\xe2\\x80\\xa8", true}, /* isolate, line separator */
    {"\xe2\x80\xafx", "\xe2\x80\xafx", true},                               /* a narrow space does no harm */
    {"a\xff"
     "b",
     "a\\xffb", false},
    {"\xc0\xaf", "\\xc0\\xaf", false},          /* overlong */
    {"\xe0\x80\xaf", "\\xe0\\x80\\xaf", false}, /* overlong */
    {"\xed\xa0\x80", "\\xed\\xa0\\x80", false}, /* surrogate */
    {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", false},
    {"cut \xe8\xb5", "cut \\xe8\\xb5", false},
    {"\xb0", "\\xb0", false},
};

static void test_escapes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[200];
        assert_string_equal(ami_text_escape(rows[i].text, out, sizeof out), rows[i].escaped);
        assert_int_equal(ami_text_is_utf8(rows[i].text), rows[i].utf8);
        assert_int_equal(ami_text_is_printable(rows[i].text), strcmp(rows[i].text, rows[i].escaped) == 0);
        assert_true(ami_text_is_printable(out));
        /* cut between characters, nothing beyond the size */
        for (size_t size = 0; size <= strlen(rows[i].escaped) + 1; size++) {
            char cut[200];
            memset(cut, 'c', sizeof cut);
            ami_text_escape(rows[i].text, cut, size);
            if (size > 0) {
                assert_true(strlen(cut) < size && ami_text_is_printable(cut));
                assert_memory_equal(cut, rows[i].escaped, strlen(cut));
            }
            assert_int_equal(cut[size], 'c');
        }
        assert_string_equal(ami_text_escape(rows[i].text, out, strlen(rows[i].escaped) + 1), rows[i].escaped);
    }
}

static void test_names(void **state)
{
    (void)state;
    char longest[AMI_NAME], longer[AMI_NAME + 1];
    memset(longest, 'n', AMI_NAME - 1);
    memset(longer, 'n', AMI_NAME);
    longest[AMI_NAME - 1] = longer[AMI_NAME] = 0;
    const char *const good[] = {"a", "walk", "long walk", "走", longest};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(ami_name_check(good[i], "style 3", NULL));
    const struct {
        const char *name, *says;
    } bad[] = {{"", "style 3: the name is empty"},
               {longer, "has 65 bytes, expected at most 64"},
               {" walk", "style 3: the name \" walk\" begins or ends with a blank"},
               {"walk ", "begins or ends with a blank"},
               {" ", "begins or ends with a blank"},
               {"\x1b[2Jwalk", "style 3: the name \"\\x1b[2Jwalk\" holds control characters"},
               {"walk\n", "the name \"walk\\x0a\" holds"},
               {"w\xff", "the name \"w\\xff\" holds control characters or is not UTF-8"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ami_error err = {""};
        assert_false(ami_name_check(bad[i].name, "style 3", &err));
        if (!strstr(err.text, bad[i].says))
            fail_msg("\"%s\" does not say \"%s\"", err.text, bad[i].says);
        assert_true(ami_text_is_printable(err.text));
    }
}

static void test_endings(void **state)
{
    (void)state;
    assert_true(ami_text_has_ending("a.npz", ".npz"));
    assert_true(ami_text_has_ending("runs/A.NPZ", ".npz"));
    assert_false(ami_text_has_ending(".npz", ".npz"));
    assert_false(ami_text_has_ending("npz", ".npz"));
    assert_false(ami_text_has_ending("a.npz.txt", ".npz"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_endings), cmocka_unit_test(test_escapes),
                                       cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
