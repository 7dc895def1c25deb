/* How many cores this process may use: by its affinity mask and CPU quota, not the machine's number.
 */
#ifndef AMI_BASE_CORES_H
#define AMI_BASE_CORES_H

/* Cores in the calling thread's affinity mask, within the CPU quota. At least 1. */
int ami_cores(void);

/* `cores`, or fewer where the CPU quota allows fewer: the quota is rounded up, because a thread that fills a
 * fraction of a core still adds that fraction. At least 1. */
int ami_cores_within_quota(int cores);

/* CPU seconds a second that the control groups (version 1 and 2) grant this process: the smallest quota of
 * its group and of those above it that can be seen. INFINITY where there is none or where it cannot be read.
 * `root` is put before every path that is read: "" for this machine, a folder with made-up files for a test.
 */
double ami_cores_quota(const char *root);

#endif
