/* base/error: sentences, prefixes, and both cut at the buffer's end. */
#include "base/error.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_sentence_is_formatted(void **state)
{
    (void)state;
    ami_error err;
    assert_false(ami_fail(&err, "%s: %d found, expected %d", "walk.txt", 43, 44));
    assert_string_equal(err.text, "walk.txt: 43 found, expected 44");
}

static void a_prefix_goes_before_it(void **state)
{
    (void)state;
    ami_error err;
    ami_fail(&err, "frame 3 is empty");
    assert_false(ami_fail_in(&err, "%s", "clips/walk.txt"));
    assert_string_equal(err.text, "clips/walk.txt: frame 3 is empty");
}

static void nobody_has_to_listen(void **state)
{
    (void)state;
    assert_false(ami_fail(NULL, "%d", 1));
    assert_false(ami_fail_in(NULL, "%d", 1));
}

static void long_sentences_are_cut(void **state)
{
    (void)state;
    struct {
        ami_error err;
        char canary;
    } guarded = {.canary = 'c'};
    char text[3000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    assert_false(ami_fail(&guarded.err, "%s", text));
    assert_int_equal(strlen(guarded.err.text), sizeof guarded.err.text - 1);
    assert_false(ami_fail_in(&guarded.err, "a file"));
    assert_int_equal(strlen(guarded.err.text), sizeof guarded.err.text - 1);
    assert_memory_equal(guarded.err.text, "a file: xxx", 11);
    assert_false(ami_fail_in(&guarded.err, "%s", text)); /* the prefix alone fills it */
    assert_int_equal(guarded.canary, 'c');
}

static void what_a_terminal_would_obey_is_escaped(void **state)
{
    (void)state;
    ami_error err;
    ami_fail(&err, "no style \"%s\"", "\x1b[31mred\r\n");
    assert_string_equal(err.text, "no style \"\\x1b[31mred\\x0d\\x0a\"");
    ami_fail_in(&err, "%s", "st\ayles.json");
    assert_string_equal(err.text, "st\\x07yles.json: no style \"\\x1b[31mred\\x0d\\x0a\"");
    ami_fail(&err, "fr\xc3\xb6hlich");
    assert_string_equal(err.text, "fr\xc3\xb6hlich");
    char text[1100]; /* the end falls into a character, which is left out; then into every byte of an escaped
                        one */
    for (int shift = 0; shift < 4; shift++) {
        memset(text, 'x', sizeof text);
        for (size_t i = sizeof err.text - 8 + (size_t)shift; i + 2 < sizeof text; i += 2)
            memcpy(text + i, "\xc3\xb6", 2);
        text[sizeof text - 2] = 0;
        ami_fail(&err, "%s", text);
        assert_true(strlen(err.text) >= sizeof err.text - 2 && ami_text_is_printable(err.text));
        assert_null(strchr(err.text, '\\'));
        text[0] = '\n';
        ami_fail(&err, "%s", text);
        assert_true(strlen(err.text) >= sizeof err.text - 5 && ami_text_is_printable(err.text));
    }
}

/* Where memory was short, nothing else is tried. */
static void memory_is_told_apart(void **state)
{
    (void)state;
    ami_error err = {""};
    ami_fail(&err, "%s: not enough memory to read %d bytes", "walk.onnx", 100);
    assert_true(ami_error_is_memory(&err));
    ami_fail(&err, "out of memory for a network");
    assert_true(ami_error_is_memory(&err));
    ami_fail(&err, "walk.onnx: node 3 is a Conv, expected Gemm");
    assert_false(ami_error_is_memory(&err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_told_apart),    cmocka_unit_test(a_sentence_is_formatted),
        cmocka_unit_test(a_prefix_goes_before_it), cmocka_unit_test(nobody_has_to_listen),
        cmocka_unit_test(long_sentences_are_cut),  cmocka_unit_test(what_a_terminal_would_obey_is_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
