/* amble style plot: the scripts that draw the tables, and gnuplot, which runs them in their folder. The
 * script may be changed and run again. */
#include "cli/cmd_style.h"

#include "base/file.h"
#include "base/number.h"
#include "options/gnuplot.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Okabe and Ito's palette without its yellow, which is too pale for a line on white. */
static const char *const colour[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                     "#E69F00", "#56B4E9", "#000000"};
enum { COLOURS = sizeof colour / sizeof *colour };

const char *style_plain_name(const ami_motions *motions, int style, char plain[AMI_NAME])
{
    snprintf(plain, AMI_NAME, "%s", motions->styles->style[style].name);
    for (char *c = plain; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = '?';
    return plain;
}

bool style_write_text(const char *folder, const char *name, const char *text, size_t size, ami_error *err)
{
    char path[4096];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path)
        return ami_fail(err, "%.100s...: too long for the name of a folder", folder);
    return ami_file_write(path, text, size, err);
}

static void put_head(FILE *f, const char *name, int width, int height)
{
    fprintf(f,
            "# gnuplot %s.gp draws %s.png from %s.tsv\n"
            "set terminal pngcairo size %d,%d font 'sans,11' background '#ffffff'\n"
            "set output '%s.png'\n"
            "set datafile separator tab\n"
            "file = '%s.tsv'\n",
            name, name, name, width, height, name, name);
}

/* ---- phase ---- */

/* A trajectory thick, with a dot every twentieth of the cycle, arrows along time and a triangle where the
 * left foot strikes. `step` counts the table's rows in a cycle. */
static void put_panel(FILE *f, int number, const char *line)
{
    fprintf(f,
            "  file using (column('number') == %d ? column('x') : NaN):(column('y')) with lines lw 2.5 lc "
            "rgb '%s', \\\n"
            "  file using (column('number') == %d && step(column('share')) %% 9 == 0 ? column('x') : "
            "NaN):(column('y')) "
            "with points pt 7 ps .8 lc rgb '%s', \\\n"
            "  file using (column('number') == %d && step(column('share')) %% 60 == 23 ? column('x') : "
            "NaN):(column('y'))"
            ":(column('dx')):(column('dy')) with vectors head filled size .15,24,90 fixed lw 2.5 lc rgb "
            "'%s', \\\n"
            "  file using (column('number') == %d && column('share') == 0 ? column('x') : NaN):(column('y')) "
            "with points pt 9 ps 2 lc rgb '#000000'\n",
            number, line, number, line, number, line, number);
}

static void put_thin(FILE *f, int number, const char *line)
{
    fprintf(f,
            "  file using (column('number') == %d ? column('x') : NaN):(column('y')) with lines lw 1.2 lc "
            "rgb '%s', \\\n",
            number, line);
}

static void put_phase_script(const style_pictures *p, FILE *f)
{
    const int styles = p->motions->styles->count, panels = styles + (styles > 1),
              columns = panels <= 4   ? panels
                        : panels <= 8 ? 4
                                      : 6;
    const int rows = (panels + columns - 1) / columns;
    char plain[2][AMI_NAME], title[200];
    put_head(f, STYLE_PHASE_NAME, 290 * columns, 300 * rows + 70);
    fprintf(
        f,
        "step(share) = int(share * 180 + .5)\n"
        "set multiplot layout %d,%d title \"DeepPhase's trajectory over one invented cycle: (x, y) = A (cos "
        "2πφ, sin 2πφ)\\n"
        "{/*.85 ▲ the left foot strikes     ● every twentieth of the cycle     grey: A = 1}\" offset 0,-.1\n"
        "set size ratio -1\nset xrange [-1.35:1.35]\nset yrange [-1.35:1.35]\nset xtics -1,1,1 scale .5\nset "
        "ytics -1,1,1 scale .5\n"
        "set grid lc rgb '#e4e4e4' lt 1\nset border lc rgb '#808080'\nunset key\nset parametric\nset trange "
        "[0:2*pi]\n"
        "set lmargin 4\nset rmargin 1\nset tmargin 2\nset bmargin 2\n",
        rows, columns);
    for (int i = 0; i < panels; i++) {
        const bool blend = i == styles;
        const int a = p->between[0], b = p->between[1];
        if (blend)
            snprintf(title, sizeof title, "half-way: %s, %s", style_plain_name(p->motions, a, plain[0]),
                     style_plain_name(p->motions, b, plain[1]));
        else
            style_plain_name(p->motions, i, title);
        fputs("set title ", f);
        cli_put_quoted(f, title);
        fputs(" noenhanced offset 0,-.6\nplot cos(t), sin(t) with lines lw 1.2 lc rgb '#b8b8b8', \\\n", f);
        if (blend) {
            put_thin(f, a, colour[a % COLOURS]);
            put_thin(f, b, colour[b % COLOURS]);
        }
        put_panel(f, i, blend ? "#606060" : colour[i % COLOURS]);
    }
    fputs("unset multiplot\n", f);
}

/* ---- map ---- */

/* Names stand beside their points, away from the nearest other one. */
static void put_names(const style_pictures *p, FILE *f)
{
    const int n = p->motions->styles->count;
    char plain[AMI_NAME];
    for (int i = 0; i < n; i++) {
        const double *at = p->at[i], *nearest = NULL;
        for (int j = 0; j < n; j++)
            if (j != i && (!nearest || hypot(p->at[j][0] - at[0], p->at[j][1] - at[1]) <
                                           hypot(nearest[0] - at[0], nearest[1] - at[1])))
                nearest = p->at[j];
        const bool left = nearest && nearest[0] > at[0];
        fputs("set label ", f);
        cli_put_quoted(f, style_plain_name(p->motions, i, plain));
        ami_number_fprintf(f, " at %.6f,%.6f %s offset %s,%s font 'sans,13' front noenhanced\n", at[0], at[1],
                           left ? "right" : "left", left ? "-1.3" : "1.3",
                           nearest && nearest[1] > at[1] ? "-.5" : ".4");
    }
}

static void put_map_script(const style_pictures *p, FILE *f)
{
    put_head(f, STYLE_MAP_NAME, 1100, 800);
    fprintf(
        f,
        "set title \"Named styles, their blends and windows of their motions in StyleVAE's latent space,\\n"
        "on the plane of the named styles' first two principal components\"\n"
        "set xlabel 'first component (%.0f %% of the variance)'\nset ylabel 'second component (%.0f %%)'\n"
        "set size ratio -1\nset grid lc rgb '#ececec' lt 1\nset border lc rgb '#808080'\nset tics tc rgb "
        "'#404040'\n"
        "set key horizontal center at screen .46,.035 width 1 samplen 2\nset bmargin 6\n"
        "set offsets graph .08, graph .08, graph .05, graph .05\n"
        "set palette defined (0 '#00204c', 1 '#31446b', 2 '#666970', 3 '#958f78', 4 '#cbba69', 5 '#ffe945') "
        "# cividis\n"
        "set cblabel 'speed of the invented motion, m/s'\nset cbrange [0:*]\n",
        100 * p->share[0], 100 * p->share[1]);
    put_names(p, f);
    fputs("plot \\\n", f);
    for (int i = 0; i < p->motions->styles->count; i++)
        fprintf(f,
                "  file using (strcol('kind') eq 'window' && column('number') == %d ? column('pc1') : "
                "NaN):(column('pc2')) with lines lw 2 "
                "lc rgb '%s' notitle, \\\n",
                i, colour[i % COLOURS]);
    fputs("  file using (strcol('kind') eq 'blend' && column('usable') > 0 ? column('pc1') : "
          "NaN):(column('pc2')):(column('speed_mps')) "
          "with points pt 7 ps .9 lc palette title 'blend of two', \\\n",
          f);
    if (p->fails)
        fputs("  file using (strcol('kind') eq 'blend' && column('usable') < 1 ? column('pc1') : "
              "NaN):(column('pc2')) "
              "with points pt 2 ps .9 lw 1.5 lc rgb '#D55E00' title 'blend without a usable motion', \\\n",
              f);
    fputs(
        "  file using (strcol('kind') eq 'name' ? column('pc1') : NaN):(column('pc2')):(column('speed_mps')) "
        "with points pt 7 ps 2.2 lc palette notitle, \\\n"
        "  file using (strcol('kind') eq 'name' ? column('pc1') : NaN):(column('pc2')) "
        "with points pt 6 ps 2.3 lw 2 lc rgb '#000000' title 'named style', \\\n"
        "  NaN with lines lw 2 lc rgb '#606060' title 'windows of its motion, from every moment of the "
        "cycle'\n",
        f);
}

/* ---- writing and running ---- */

static bool write_script(const style_pictures *p, void (*put)(const style_pictures *, FILE *),
                         const char *folder, const char *name, ami_error *err)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return ami_fail(err, "%s: out of memory", name);
    put(p, out);
    const bool whole = !ferror(out);
    const bool ok = (fclose(out) == 0 && whole) ? style_write_text(folder, name, text, size, err)
                                                : ami_fail(err, "%s: out of memory", name);
    free(text);
    return ok;
}

bool style_write_scripts(const style_pictures *pictures, const char *folder, ami_error *err)
{
    return write_script(pictures, put_phase_script, folder, STYLE_PHASE_NAME ".gp", err) &&
           write_script(pictures, put_map_script, folder, STYLE_MAP_NAME ".gp", err);
}

/* gnuplot's exit status, 127 where it is not there, -1 where it cannot be started. Its complaints go to
 * standard error. */
static int run_gnuplot(const char *folder, const char *script)
{
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        signal(SIGPIPE, SIG_DFL); /* which amble ignores */
        if (chdir(folder) == 0 && freopen("/dev/null", "w", stdout))
            execlp("gnuplot", "gnuplot", script, (char *)NULL);
        _exit(127);
    }
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool style_draw(const char *folder, ami_error *err)
{
    static const char *const script[] = {STYLE_PHASE_NAME ".gp", STYLE_MAP_NAME ".gp"};
    for (int i = 0; i < 2; i++) {
        const int status = run_gnuplot(folder, script[i]);
        if (status == 127)
            return ami_fail(
                err,
                "%s: not drawn: gnuplot is not here; install it (Debian, Ubuntu: the package gnuplot-nox)",
                folder);
        if (status != 0)
            return ami_fail(err, "%s/%s: not drawn: gnuplot ended with status %d", folder, script[i], status);
    }
    return true;
}
