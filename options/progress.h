/* Progress of a long run on standard error: a bar with time left and a status where that is a terminal, a
 * plain line at intervals where it is not.
 *
 *   train [=========>               ]  38 %  4:12 gone, 6:51 left  reward .842
 *
 * The bar is redrawn at most ten times a second, never wraps (each drawing reads the terminal's width) and is
 * erased at the end. TERM=dumb counts as no terminal. One thread. */
#ifndef AMI_OPTIONS_PROGRESS_H
#define AMI_OPTIONS_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct ami_progress {
    const char *what; /* the word before the bar */
    double first;     /* work that was done before this run began (a resumed training) */
    double total;     /* in the same unit; ≤ first: unknown, no bar and no time left */
    double interval;  /* s between lines where standard error is no terminal */
    bool terminal;
    bool drawn;         /* a bar stands on the current line */
    double began, last; /* s, ami_clock_now at the start and at the last drawing */
    char line[512];     /* the line that is shown */
} ami_progress;

/* `interval` ≤ 0: 30 s. Draws nothing yet. `what` must stay valid. */
void ami_progress_start(ami_progress *progress, const char *what, double first, double total,
                        double interval);

/* Draws if it is time to. The status is printf-style, one line. */
void ami_progress_update(ami_progress *progress, double done, const char *status, ...)
    __attribute__((format(printf, 3, 4)));

/* Prints a message, which has no newline, as a separate line above the bar. */
void ami_progress_note(ami_progress *progress, const char *text, ...) __attribute__((format(printf, 2, 3)));

/* Erases the bar. Does nothing without a terminal. */
void ami_progress_end(ami_progress *progress);

/* The pure parts. All write a C string, cut at size, and return its length. */

/* "0:07", "12:34", "3:02:01", "5 days"; "?" for what is negative or not finite. */
size_t ami_progress_duration(char *text, size_t size, double seconds);

/* s; what remains at the mean speed since the start. NAN where nothing is done yet or the total is unknown.
 */
double ami_progress_left(double first, double done, double total, double elapsed);

/* The bar as above in at most `columns` columns; what does not fit is left out: first the status is cut, then
 * the bar is dropped, then the times. `left` NAN: not shown. `fraction` NAN: unknown total. A UTF-8 character
 * counts as one column and is never cut in two; control characters become spaces. */
size_t ami_progress_bar(char *text, size_t size, int columns, const char *what, double fraction,
                        double elapsed, double left, const char *status);

/* "train: 38 %, 4:12 gone, 6:51 left, reward .842" */
size_t ami_progress_plain(char *text, size_t size, const char *what, double fraction, double elapsed,
                          double left, const char *status);

#endif
