/* Percentile plots by gnuplot. */
#include "bench/plot.h"

#include "base/file.h"
#include "base/number.h"
#include "bench/bench.h"
#include "options/gnuplot.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static const char *terminal(const char *file)
{
    const char *dot = strrchr(file, '.');
    return !dot                   ? NULL
           : !strcmp(dot, ".png") ? "pngcairo size 1100,700 font 'sans,12'"
           : !strcmp(dot, ".svg") ? "svg size 1100,700"
                                  : NULL;
}

bool bench_plot_check(const char *file, ami_error *err)
{
    if (!terminal(file) || strpbrk(file, "\r\n"))
        return ami_fail(err, "--plot is \"%.200s\", expected a file that ends in .png or .svg", file);
    if (!ami_file_check_writable(file, err)) /* gnuplot would wait for the reader of a pipe */
        return ami_fail_in(err, "--plot");
    if (system("gnuplot --version >/dev/null 2>&1") != 0)
        return ami_fail(err, "--plot: gnuplot is not installed (Debian, Ubuntu: the package gnuplot-nox)");
    return true;
}

static void put_head(FILE *f, const char *file, const char *title, int max)
{
    fprintf(f, "set terminal %s\nset output ", terminal(file));
    cli_put_quoted(f, file);
    fprintf(f, "\nset title ");
    cli_put_quoted(f, title);
    fprintf(f,
            " noenhanced\nset logscale xy\nset grid\nset key top left noenhanced\nset ylabel 'time, µs'\nset "
            "xlabel 'percentile'\n"
            "set xrange [1:%d]\nset xtics ('0' 1, '50' 2, '90' 10, '99' 100, '99.9' 1000, '99.99' 10000, "
            "'99.999' 100000, '99.9999' 1000000)\n",
            max);
    fprintf(f, "plot ");
}

bool bench_plot(const char *file, const char *title, const bench_curve *curve, int curves, ami_error *err)
{
    enum { POINTS = 300 };
    int max = 10;
    for (int c = 0; c < curves; c++)
        max = curve[c].n > max ? curve[c].n : max;
    void (*const before)(int) = signal(SIGPIPE, SIG_IGN); /* if gnuplot ends early, report an error instead of
                                                             ending */
    FILE *f = popen("gnuplot >/dev/null", "w");
    if (!f) {
        signal(SIGPIPE, before);
        return ami_fail(err, "%s: not drawn: gnuplot cannot be started", file);
    }
    put_head(f, file, title, max);
    for (int c = 0; c < curves; c++) {
        fprintf(f, "%s'-' using 1:2 with lines linewidth 2 title ", c ? ", " : "");
        cli_put_quoted(f, curve[c].name);
    }
    putc('\n', f);
    for (int c = 0; c < curves; c++) {
        for (int i = 0; i <= POINTS; i++) {
            const double x = pow(curve[c].n, (double)i / POINTS);
            const double us = 1e6 * bench_quantile(curve[c].sorted, curve[c].n, 1 - 1 / x);
            ami_number_fprintf(f, "%.9g %.9g\n", x, us > 1e-3 ? us : 1e-3);
        }
        fprintf(f, "e\n");
    }
    const int status = pclose(f);
    signal(SIGPIPE, before);
    if (status == 0)
        return true;
    return ami_fail(err, "%s: not drawn: gnuplot ended with status %d", file,
                    WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}
