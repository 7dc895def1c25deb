/* Quoting for programs that write gnuplot scripts. */
#ifndef AMI_OPTIONS_GNUPLOT_H
#define AMI_OPTIONS_GNUPLOT_H

#include <stdio.h>

/* Writes text in single quotes, as gnuplot reads it. */
void cli_put_quoted(FILE *f, const char *text);

#endif
