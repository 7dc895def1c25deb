/* Linked into every test: sets a locale with a decimal comma, which amble's reading and writing of numbers
 * must not depend on. The test "locale" (tests/CMakeLists.txt) makes the locale; without it, every test
 * fails. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

__attribute__((constructor)) static void set_comma_locale(void)
{
    setenv("LOCPATH", AMB_TEST_LOCALES, 1);
    const char *found = setlocale(LC_ALL, "de_DE.UTF-8");
    unsetenv("LOCPATH");
    if (!found || *localeconv()->decimal_point != ',') {
        fputs("There is no locale de_DE.UTF-8 in " AMB_TEST_LOCALES
              ": ctest makes it with localedef (Debian's package locales).\n",
              stderr);
        exit(1);
    }
    setlocale(LC_MESSAGES, "C"); /* tests compare what strerror says */
}
