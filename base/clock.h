/* The clock for measuring and waiting: CLOCK_MONOTONIC in seconds, and absolute sleeps. */
#ifndef AMI_BASE_CLOCK_H
#define AMI_BASE_CLOCK_H

/* s since a fixed moment. */
double ami_clock_now(void);

/* Sleeps until ami_clock_now() reaches `when`; returns at once if that is past. Signals do not end the
 * sleep. */
void ami_clock_sleep_until(double when);

#endif
