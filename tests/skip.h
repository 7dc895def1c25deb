/* Skipping a test with its reason, which cmocka's skip() does not take: test.sh collects the reasons and
 * counts them. */
#ifndef AMI_TESTS_SKIP_H
#define AMI_TESTS_SKIP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* skip_because(FORMAT, ...): like skip(); does not return. The reason is one line. The same reason is the
 * same words, without numbers that differ from test to test. */
#define skip_because(...)           \
    do {                            \
        print_message("SKIPPED: "); \
        print_message(__VA_ARGS__); \
        print_message("\n");        \
        skip();                     \
    } while (0)

#endif
