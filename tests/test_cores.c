/* base/cores: the cores of the affinity mask, and the CPU quota from made-up files of control groups,
 * versions 1 and 2. */
#define _GNU_SOURCE
#include "base/cores.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/scratch.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char root[64];

/* A new, empty file system. */
static void begin(void)
{
    static int number;
    snprintf(root, sizeof root, "%s/%d", scratch_folder, number++);
    assert_int_equal(mkdir(root, 0700), 0);
}

/* A file below it, with its folders. */
static void put(const char *path, const char *text)
{
    char full[512];
    snprintf(full, sizeof full, "%s%s", root, path);
    for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(full, 0700);
        *slash = '/';
    }
    FILE *f = fopen(full, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void assert_quota(double want)
{
    const double got = ami_cores_quota(root);
    if (isinf(want) ? !isinf(got) : !(fabs(got - want) < 1e-12))
        fail_msg("quota %g, expected %g", got, want);
}

static const char v2_mount[] =
    "22 1 0:20 / /proc rw - proc proc rw\n"
    "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 master:1 - cgroup2 cgroup2 rw,nsdelegate\n";

static void version_2(void **state)
{
    (void)state;
    begin();
    assert_quota(INFINITY); /* nothing at all */
    put("/proc/self/mountinfo", v2_mount);
    assert_quota(INFINITY);
    put("/proc/self/cgroup", "0::/user.slice/job\n");
    assert_quota(INFINITY);
    put("/sys/fs/cgroup/user.slice/job/cpu.max", "max 100000\n");
    assert_quota(INFINITY);
    put("/sys/fs/cgroup/user.slice/job/cpu.max", "150000 100000\n");
    assert_quota(1.5);
    put("/sys/fs/cgroup/user.slice/cpu.max", "25000 50000\n"); /* the group above grants less */
    assert_quota(.5);
    put("/sys/fs/cgroup/user.slice/cpu.max", "400000 100000\n"); /* more */
    assert_quota(1.5);
    put("/sys/fs/cgroup/user.slice/job/cpu.max", "rubbish\n");
    assert_quota(4);
    put("/sys/fs/cgroup/user.slice/job/cpu.max", "");
    assert_quota(4);
    put("/sys/fs/cgroup/user.slice/job/cpu.max", "100000\n"); /* no period */
    assert_quota(4);
}

static void version_2_in_a_container(void **state)
{
    (void)state;
    begin(); /* with a name space of its own, it sees itself at the top */
    put("/proc/self/mountinfo", v2_mount);
    put("/proc/self/cgroup", "0::/\n");
    put("/sys/fs/cgroup/cpu.max", "200000 100000\n");
    assert_quota(2);

    begin(); /* without one, the group has the host's path, and the mount shows that part of the host's
                tree */
    put("/proc/self/mountinfo", "30 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
    put("/proc/self/cgroup", "0::/docker/abc/worker\n");
    put("/sys/fs/cgroup/worker/cpu.max", "300000 100000\n");
    assert_quota(3);
    put("/sys/fs/cgroup/cpu.max", "100000 100000\n");
    assert_quota(1);
    put("/proc/self/cgroup", "0::/docker/abcdef\n"); /* a name that only begins alike */
    assert_quota(1);
    put("/proc/self/cgroup", "0::/../elsewhere\n");
    assert_quota(1);
}

static void version_1(void **state)
{
    (void)state;
    begin();
    put("/proc/self/mountinfo", "32 31 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
                                "33 31 0:30 / /sys/fs/cgroup/my\\040cpu rw - cgroup cgroup rw,cpuacct,cpu\n"
                                "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
    put("/proc/self/cgroup", "9:cpuset:/set\n2:cpuacct,cpu:/batch/7\n0::/\n");
    assert_quota(INFINITY);
    put("/sys/fs/cgroup/my cpu/batch/7/cpu.cfs_quota_us", "-1\n");
    put("/sys/fs/cgroup/my cpu/batch/7/cpu.cfs_period_us", "100000\n");
    assert_quota(INFINITY);
    put("/sys/fs/cgroup/my cpu/batch/7/cpu.cfs_quota_us", "250000\n");
    assert_quota(2.5);
    put("/sys/fs/cgroup/my cpu/batch/cpu.cfs_quota_us", "10000\n");
    assert_quota(2.5); /* no period beside it */
    put("/sys/fs/cgroup/my cpu/batch/cpu.cfs_period_us", "20000\n");
    assert_quota(.5);
    put("/sys/fs/cgroup/cpuset/set/cpu.cfs_quota_us", "1\n"); /* another controller's folder */
    put("/sys/fs/cgroup/cpuset/set/cpu.cfs_period_us", "100000\n");
    assert_quota(.5);
}

static void the_affinity_mask_counts(void **state)
{
    (void)state;
    cpu_set_t before, one;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    const int all = CPU_COUNT(&before), quota = (int)fmin(fmax(ceil(ami_cores_quota("")), 1), 1 << 20);
    assert_int_equal(ami_cores(), all < quota ? all : quota);
    CPU_ZERO(&one);
    for (int c = 0; c < CPU_SETSIZE && CPU_COUNT(&one) == 0; c++)
        if (CPU_ISSET((size_t)c, &before))
            CPU_SET((size_t)c, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(ami_cores(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof before, &before), 0);
    assert_int_equal(ami_cores_within_quota(0), 1);
    assert_int_equal(ami_cores_within_quota(1), 1);
    assert_int_equal(ami_cores_within_quota(1 << 20), quota);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_2),
        cmocka_unit_test(version_2_in_a_container),
        cmocka_unit_test(version_1),
        cmocka_unit_test(the_affinity_mask_counts),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
