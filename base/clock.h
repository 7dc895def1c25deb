/* Time for measuring and for waiting: CLOCK_MONOTONIC in seconds and absolute sleeps. */
#ifndef AMI_BASE_CLOCK_H
#define AMI_BASE_CLOCK_H

/* s since some fixed moment. */
double ami_clock_now(void);

/* Sleeps until ami_clock_now() would say `when`; returns at once if that is past. Goes on sleeping after
 * signals. */
void ami_clock_sleep_until(double when);

#endif
