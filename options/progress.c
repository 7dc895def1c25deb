/* Progress bars, redrawn in place with a carriage return; the formatting functions decide what fits, so that
 * no line ever wraps. */
#include "options/progress.h"

#include "base/clock.h"
#include "base/number.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { BAR_LEAST = 8, BAR_MOST = 30, COLUMNS_UNKNOWN = 80 };
static const double redraw_s = .1, default_interval_s = 30;

/* Appends at text[at], cut at size; returns the new length. */
static size_t add(char *text, size_t size, size_t at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static size_t add(char *text, size_t size, size_t at, const char *format, ...)
{
    if (at + 1 >= size)
        return at;
    va_list args;
    va_start(args, format);
    const int n = ami_number_vformat(text + at, size - at, format, args);
    va_end(args);
    return n < 0 ? at : at + (size_t)n < size ? at + (size_t)n : size - 1;
}

/* A UTF-8 character's later bytes. */
static bool continues(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static int columns_of(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += !continues(*text);
    return n;
}

/* Cuts text to a number of columns, never inside a character, even if the buffer's end had cut one. */
static size_t cut(char *text, int columns)
{
    size_t at = 0;
    int n = 0;
    while (text[at] && (continues(text[at]) || n < columns)) {
        n += !continues(text[at]);
        if ((unsigned char)text[at] < 32 || text[at] == 127)
            text[at] = ' ';
        at++;
    }
    text[at] = 0;
    size_t begin = at;
    while (begin > 0 && continues(text[begin - 1]))
        begin--;
    if (begin > 0) {
        const unsigned char lead = (unsigned char)text[begin - 1];
        const size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
        if (at - (begin - 1) < want)
            at = begin - 1;
    }
    text[at] = 0;
    return at;
}

size_t ami_progress_duration(char *text, size_t size, double seconds)
{
    if (!(seconds >= 0) || seconds > 1e9)
        return add(text, size, 0, "?");
    const long s = lround(seconds);
    if (s >= 4 * 86400)
        return add(text, size, 0, "%ld days", (s + 43200) / 86400);
    if (s >= 3600)
        return add(text, size, 0, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    return add(text, size, 0, "%ld:%02ld", s / 60, s % 60);
}

double ami_progress_left(double first, double done, double total, double elapsed)
{
    if (!(total > first) || !(done > first) || !(elapsed > 0))
        return NAN;
    return done >= total ? 0 : elapsed * (total - done) / (done - first);
}

/* "4:12 gone, 6:51 left" */
static void times(char *text, size_t size, double elapsed, double left)
{
    char a[32], b[32];
    ami_progress_duration(a, sizeof a, elapsed);
    ami_progress_duration(b, sizeof b, left);
    snprintf(text, size, isnan(left) ? "%s gone" : "%s gone, %s left", a, b);
}

/* Whole per cent, 100 only at the end. */
static int percent(double fraction)
{
    return fraction >= 1 ? 100 : fraction > 0 ? (int)(100 * fraction) : 0;
}

size_t ami_progress_bar(char *text, size_t size, int columns, const char *what, double fraction,
                        double elapsed, double left, const char *status)
{
    char clock[80], percentage[16] = "";
    times(clock, sizeof clock, elapsed, left);
    if (size == 0)
        return 0;
    text[0] = 0;
    if (!isnan(fraction))
        snprintf(percentage, sizeof percentage, "%3d %%  ", percent(fraction));
    size_t at = add(text, size, 0, "%s ", what);
    /* The widths of the parts decide which of them are shown. */
    const int fixed = columns_of(text) + columns_of(percentage);
    const int wants = columns_of(clock) + (*status ? 2 + columns_of(status) : 0);
    int bar = 0;
    if (!isnan(fraction) && columns - fixed - columns_of(clock) - 3 >= BAR_LEAST) {
        bar = columns - fixed - wants - 3;
        bar = bar < BAR_LEAST ? BAR_LEAST : bar > BAR_MOST ? BAR_MOST : bar;
    }
    if (bar) {
        const int full = fraction >= 1 ? bar : fraction > 0 ? (int)(bar * fraction) : 0;
        at = add(text, size, at, "[");
        for (int i = 0; i < bar; i++)
            at = add(text, size, at, i < full ? "=" : i == full ? ">" : " ");
        at = add(text, size, at, "] ");
    }
    at = add(text, size, at, "%s", percentage);
    if (columns_of(text) + columns_of(clock) <= columns) {
        at = add(text, size, at, "%s", clock);
        if (*status)
            at = add(text, size, at, "  %s", status);
    }
    return cut(text, columns);
}

size_t ami_progress_plain(char *text, size_t size, const char *what, double fraction, double elapsed,
                          double left, const char *status)
{
    char clock[80];
    times(clock, sizeof clock, elapsed, left);
    if (size == 0)
        return 0;
    size_t at = add(text, size, 0, "%s: ", what);
    if (!isnan(fraction))
        at = add(text, size, at, "%d %%, ", percent(fraction));
    at = add(text, size, at, "%s", clock);
    if (*status)
        add(text, size, at, ", %s", status);
    return cut(text, (int)size);
}

static bool is_terminal(void)
{
    const char *term = getenv("TERM");
    return isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

static int terminal_columns(void)
{
    struct winsize w;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ? w.ws_col : COLUMNS_UNKNOWN;
}

void ami_progress_start(ami_progress *progress, const char *what, double first, double total, double interval)
{
    memset(progress, 0, sizeof *progress);
    progress->what = what;
    progress->first = first;
    progress->total = total;
    progress->interval = interval > 0 ? interval : default_interval_s;
    progress->terminal = is_terminal();
    progress->began = ami_clock_now();
    progress->last = progress->terminal ? -INFINITY : progress->began;
}

static void draw(ami_progress *p)
{
    fprintf(stderr, "\r%s\x1b[K", p->line); /* then clears what an older, longer line left */
    fflush(stderr);
    p->drawn = true;
}

void ami_progress_update(ami_progress *progress, double done, const char *status, ...)
{
    const double now = ami_clock_now();
    if (now - progress->last < (progress->terminal ? redraw_s : progress->interval))
        return;
    progress->last = now;
    char shown[256];
    va_list args;
    va_start(args, status);
    ami_number_vformat(shown, sizeof shown, status, args);
    va_end(args);
    const double elapsed = now - progress->began,
                 left = ami_progress_left(progress->first, done, progress->total, elapsed);
    const double fraction = progress->total > progress->first ? done / progress->total : NAN;
    if (progress->terminal) {
        /* one column less: the cursor behind a full line is on the next one on some terminals */
        ami_progress_bar(progress->line, sizeof progress->line, terminal_columns() - 1, progress->what,
                         fraction, elapsed, left, shown);
        draw(progress);
    } else {
        ami_progress_plain(progress->line, sizeof progress->line, progress->what, fraction, elapsed, left,
                           shown);
        fprintf(stderr, "%s\n", progress->line);
    }
}

void ami_progress_note(ami_progress *progress, const char *text, ...)
{
    va_list args;
    va_start(args, text);
    if (progress->drawn)
        fputs("\r\x1b[K", stderr);
    vfprintf(stderr, text, args);
    fputc('\n', stderr);
    va_end(args);
    if (progress->drawn)
        draw(progress);
}

void ami_progress_end(ami_progress *progress)
{
    if (progress->drawn)
        fputs("\r\x1b[K", stderr);
    progress->drawn = false;
}
