/* Quoting for programs that write gnuplot scripts. */
#include "options/gnuplot.h"

void cli_put_quoted(FILE *f, const char *text)
{
    putc('\'', f);
    for (; *text; text++) {
        if (*text == '\'')
            putc('\'', f);
        putc(*text, f);
    }
    putc('\'', f);
}
