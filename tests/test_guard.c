/* base/guard: C++ exceptions of every type end in it, destructors of inner frames run, guards nest, and each
 * thread has its own. */
#include "base/guard.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* What operator new and std::string do when they cannot. */
extern void throw_bad_alloc(void) __asm__("_ZSt17__throw_bad_allocv");
extern void throw_length_error(const char *) __asm__("_ZSt20__throw_length_errorPKc");

static int called, left_early, cleaned;

static void note_end(int *unused)
{
    (void)unused;
    cleaned++;
}

static void run_out_of_memory(void *context)
{
    __attribute__((cleanup(note_end))) int local = 0; /* as a destructor would run */
    (void)local;
    called = *(int *)context;
    errno = ENOMEM;
    throw_bad_alloc();
    left_early = 1;
}

static void an_exception_is_a_sentence(void **state)
{
    (void)state;
    ami_error err;
    int number = 7;
    cleaned = left_early = 0;
    assert_false(ami_guard(run_out_of_memory, &number, &err));
    assert_string_equal(err.text, "out of memory");
    assert_int_equal(called, 7);
    assert_int_equal(cleaned, 1);
    assert_int_equal(left_early, 0);
    assert_false(ami_guard_active());
    assert_false(ami_guard(run_out_of_memory, &number, NULL));
}

static void make_too_long(void *context)
{
    throw_length_error(context);
}

static void memory_is_not_blamed_for_another(void **state)
{
    (void)state;
    ami_error err;
    char name[] = "a string";
    errno = ENOMEM; /* from long ago */
    assert_false(ami_guard(make_too_long, name, &err));
    assert_string_equal(err.text, "it ended with an exception");
}

static void return_normally(void *context)
{
    *(bool *)context = ami_guard_active();
    errno = EINTR;
}

static void nothing_happens_otherwise(void **state)
{
    (void)state;
    bool active = false;
    ami_error err = {"untouched"};
    errno = ENOENT;
    assert_true(ami_guard(return_normally, &active, &err));
    assert_int_equal(errno, ENOENT);
    assert_true(active);
    assert_false(ami_guard_active());
    assert_string_equal(err.text, "untouched");
}

static void report(void *context)
{
    ami_guard_leave(context);
}

static void nest(void *context)
{
    ami_error *inner = context;
    char text[] = "the inner one";
    const bool returned = ami_guard(report, text, inner);
    if (!returned && ami_guard_active())
        ami_guard_leave("the outer one");
}

static void guards_nest(void **state)
{
    (void)state;
    ami_error inner, outer;
    assert_false(ami_guard(nest, &inner, &outer));
    assert_string_equal(inner.text, "the inner one");
    assert_string_equal(outer.text, "the outer one");
    assert_false(ami_guard_active());
}

static void long_sentences_are_cut(void **state)
{
    (void)state;
    static char text[5000];
    ami_error err;
    memset(text, 'x', sizeof text - 1);
    assert_false(ami_guard(report, text, &err));
    assert_in_range(strlen(err.text), 100, sizeof err.text - 1);
}

static void every_thread_has_its_own(void **state)
{
    (void)state;
    int wrong = 0;
#pragma omp parallel for num_threads(4) reduction(+ : wrong)
    for (int i = 0; i < 400; i++) {
        char text[32];
        ami_error err;
        snprintf(text, sizeof text, "number %d", i);
        bool active;
        if (i % 2)
            wrong += ami_guard(report, text, &err) || strcmp(err.text, text) != 0;
        else
            wrong += !ami_guard(return_normally, &active, &err);
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exception_is_a_sentence), cmocka_unit_test(memory_is_not_blamed_for_another),
        cmocka_unit_test(nothing_happens_otherwise),  cmocka_unit_test(guards_nest),
        cmocka_unit_test(long_sentences_are_cut),     cmocka_unit_test(every_thread_has_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
