/* Counts the cores that this process may use, from its affinity mask and its control groups. */
#define _GNU_SOURCE /* sched_getaffinity, CPU_ALLOC */
#include "base/cores.h"

#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_SIZE = 4096, MAX_CPUS = 1 << 20 };

/* ---- Affinity ---- */

/* The number of cores in the affinity mask; 0 where the system call fails. The mask is as large as the
 * kernel's, which may be larger than cpu_set_t. */
static int allowed_cores(void)
{
    for (int cpus = CPU_SETSIZE; cpus <= MAX_CPUS; cpus *= 2) {
        cpu_set_t *set = CPU_ALLOC((size_t)cpus);
        const size_t size = CPU_ALLOC_SIZE((size_t)cpus);
        const bool answered = set && sched_getaffinity(0, size, set) == 0;
        const int count = answered ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (answered)
            return count;
    }
    return 0;
}

/* ---- Quota ---- */

/* Whether a list of words separated by commas contains the word. */
static bool list_contains(const char *list, const char *word)
{
    const size_t length = strlen(word);
    while (*list) {
        const size_t n = strcspn(list, ",");
        if (n == length && !strncmp(list, word, length))
            return true;
        list += n + (list[n] == ',');
    }
    return false;
}

/* The numbers in a file of one line; "max" is read as infinite. Returns how many of `count` were found. */
static int read_numbers(const char *folder, const char *name, double *number, int count)
{
    char path[PATH_SIZE + 32], line[128] = "";
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    const bool read = fgets(line, sizeof line, f) != NULL;
    fclose(f);
    int found = 0;
    char *rest = NULL;
    for (char *word = read ? strtok_r(line, " \n", &rest) : NULL; word && found < count;
         word = strtok_r(NULL, " \n", &rest)) {
        char *end;
        const long long value = strtoll(word, &end, 10);
        if (strcmp(word, "max") && *end)
            break;
        number[found++] = strcmp(word, "max") ? (double)value : INFINITY;
    }
    return found;
}

/* The quota in one group's folder, cores. */
static double group_quota(const char *folder, bool version2)
{
    double number[2] = {0, 0}; /* quota and period, µs */
    const bool read = version2 ? read_numbers(folder, "cpu.max", number, 2) == 2
                               : read_numbers(folder, "cpu.cfs_quota_us", number, 1) &&
                                     read_numbers(folder, "cpu.cfs_period_us", number + 1, 1);
    /* version 1 writes -1 for no quota */
    return read && number[0] > 0 && number[1] > 0 ? number[0] / number[1] : INFINITY;
}

/* The smallest quota of the group at `path` below `mount` and of all above it. */
static double smallest_quota(const char *root, const char *mount, const char *path, bool version2)
{
    char folder[PATH_SIZE];
    double quota = INFINITY;
    const int start = snprintf(folder, sizeof folder, "%s%s", root, mount);
    const int end = snprintf(folder, sizeof folder, "%s%s%s", root, mount, path);
    if (end >= (int)sizeof folder)
        return quota;
    for (;;) {
        quota = fmin(quota, group_quota(folder, version2));
        char *slash = strrchr(folder, '/');
        if (!slash || slash < folder + start)
            return quota;
        *slash = 0;
    }
}

/* This process's group in the hierarchy, as /proc/self/cgroup names it; false where it is in none. */
static bool own_group(const char *root, bool version2, char *path)
{
    char file[PATH_SIZE], line[PATH_SIZE];
    snprintf(file, sizeof file, "%s/proc/self/cgroup", root);
    FILE *f = fopen(file, "re");
    bool found = false;
    while (f && !found && fgets(line, sizeof line, f)) { /* number:controllers:path */
        line[strcspn(line, "\n")] = 0;
        char *controllers = strchr(line, ':'), *at = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!at)
            continue;
        *at = 0;
        found = version2 ? !strcmp(line, "0:") : list_contains(controllers + 1, "cpu");
        strcpy(path, at + 1);
    }
    if (f)
        fclose(f);
    return found;
}

/* mountinfo writes blanks, tabs, newlines and backslashes in paths as three octal digits. */
static void unescape(char *text)
{
    char *to = text;
    for (const char *at = text; *at;) {
        if (at[0] == '\\' && at[1] >= '0' && at[1] <= '3' && at[2] >= '0' && at[2] <= '7' && at[3] >= '0' &&
            at[3] <= '7') {
            *to++ = (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0'));
            at += 4;
        } else {
            *to++ = *at++;
        }
    }
    *to = 0;
}

/* Where a mount shows the group: the path below the mount point. A mount that shows another part of the
 * hierarchy (a container's own, seen with the host's path) is assumed to show the group itself. */
static const char *below_mount(const char *shown, const char *group)
{
    const size_t length = strcmp(shown, "/") ? strlen(shown) : 0;
    const bool inside = !strncmp(group, shown, length) && (!group[length] || group[length] == '/');
    const char *path = inside ? group + length : "";
    return !strcmp(path, "/") || strstr(path, "/..") ? "" : path;
}

double ami_cores_quota(const char *root)
{
    char file[PATH_SIZE], line[PATH_SIZE], group[PATH_SIZE];
    double quota = INFINITY;
    snprintf(file, sizeof file, "%s/proc/self/mountinfo", root);
    FILE *f = fopen(file, "re");
    while (f && fgets(line, sizeof line, f)) { /* id parent device shown mount options [optional …] - type
                                                  source options */
        line[strcspn(line, "\n")] = 0;
        char *second = strstr(line, " - ");
        if (!second)
            continue;
        *second = 0;
        char *rest = NULL;
        const char *type = strtok_r(second + 3, " ", &rest), *source = strtok_r(NULL, " ", &rest),
                   *options = strtok_r(NULL, " ", &rest);
        const bool version2 = type && !strcmp(type, "cgroup2");
        if (!version2 &&
            !(type && source && options && !strcmp(type, "cgroup") && list_contains(options, "cpu")))
            continue;
        char *field[5] = {strtok_r(line, " ", &rest)};
        for (int i = 1; i < 5; i++)
            field[i] = strtok_r(NULL, " ", &rest);
        if (!field[4] || !own_group(root, version2, group))
            continue;
        unescape(field[3]);
        unescape(field[4]);
        quota = fmin(quota, smallest_quota(root, field[4], below_mount(field[3], group), version2));
    }
    if (f)
        fclose(f);
    return quota;
}

/* ---- Both ---- */

int ami_cores_within_quota(int cores)
{
    const double quota = ceil(ami_cores_quota("") - 1e-9);
    return cores > 1 && quota < cores ? (int)fmax(quota, 1) : cores < 1 ? 1 : cores;
}

int ami_cores(void)
{
    return ami_cores_within_quota(allowed_cores());
}
