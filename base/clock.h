/* Time for measuring and for waiting: CLOCK_MONOTONIC in seconds and absolute sleeps. */
#ifndef AMB_BASE_CLOCK_H
#define AMB_BASE_CLOCK_H

/* s since some fixed moment. */
double amb_clock_now(void);

/* Sleeps until amb_clock_now() would say `when`; returns at once if that is past. Goes on sleeping after
 * signals. */
void amb_clock_sleep_until(double when);

#endif
