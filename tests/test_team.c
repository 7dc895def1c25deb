/* A team's results are ami_model_run's, bit for bit, in any state of its workers: awake, asleep, stopped in a
 * part for longer than the caller waits, or ended. Run under ThreadSanitizer too. */
#define _GNU_SOURCE
#include "base/clock.h"
#include "base/cores.h"
#include "base/rng.h"
#include "bench/team.h"

#include <setjmp.h>
#include <stdarg.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

/* A model, its inputs, and what one thread makes of them. */
typedef struct problem {
    ami_model *model;
    int inputs, outputs, most;
    float *in, *want, *got;
} problem;

static problem problem_create(ami_precision precision, int layers, const int *dim, bool normalizer, int most)
{
    ami_rng rng = ami_rng_seed(31, (uint64_t)precision);
    ami_net *net = ami_net_create(layers, dim, NULL);
    assert_non_null(net);
    for (int l = 0; l < layers; l++) {
        const double range = sqrt(6.0 / dim[l]);
        for (int i = 0; i < dim[l] * dim[l + 1]; i++)
            net->weight[l][i] = (float)ami_rng_range(&rng, -range, range);
        for (int i = 0; i < dim[l + 1]; i++)
            net->bias[l][i] = (float)ami_rng_range(&rng, -.5, .5);
    }
    if (normalizer) {
        assert_true(ami_net_add_normalizer(net));
        net->in_mean[0] = .5f;
        net->in_clip = 2.0f;
    }
    problem p = {.inputs = dim[0], .outputs = dim[layers], .most = most};
    p.model = ami_model_create(net, &(ami_model_def){.precision = precision}, NULL);
    ami_net_destroy(net);
    p.in = malloc((size_t)most * (size_t)p.inputs * sizeof(float));
    p.want = malloc((size_t)most * (size_t)p.outputs * sizeof(float));
    p.got = malloc((size_t)most * (size_t)p.outputs * sizeof(float));
    assert_true(p.model && p.in && p.want && p.got);
    for (int i = 0; i < most * p.inputs; i++)
        p.in[i] = (float)ami_rng_normal(&rng);
    void *workspace = malloc(ami_model_workspace_size(p.model, most));
    assert_non_null(workspace);
    ami_model_run(p.model, workspace, p.in, most, p.want);
    free(workspace);
    return p;
}

static void problem_free(problem *p)
{
    ami_model_destroy(p->model);
    free(p->in);
    free(p->want);
    free(p->got);
}

static ami_team *team_of(int threads, double join_spin_us, double idle_spin_us)
{
    ami_error err = {""};
    ami_team_def def = {.threads = threads, .join_spin_us = join_spin_us, .idle_spin_us = idle_spin_us};
    ami_team *team = ami_team_create(&def, &err);
    if (!team)
        fail_msg("%s", err.text);
    assert_int_equal(ami_team_threads(team), threads);
    return team;
}

static void reserve(ami_team *team, const problem *p)
{
    ami_error err = {""};
    if (!ami_team_reserve(team, p->model, p->most, &err))
        fail_msg("%s", err.text);
}

static void check(const problem *p, int first, int n, const char *what)
{
    for (int i = 0; i < n * p->outputs; i++)
        if (memcmp(&p->got[i], &p->want[first * p->outputs + i], sizeof(float)) != 0)
            fail_msg("%s, %s, %d rows: row %d, output %d is %.9g, on one thread %.9g", what,
                     ami_model_kernel_name(p->model), n, i / p->outputs, i % p->outputs, (double)p->got[i],
                     (double)p->want[first * p->outputs + i]);
}

/* Rows first .. first + n - 1. */
static void run_and_check(ami_team *team, problem *p, int first, int n, const char *what)
{
    memset(p->got, 0xa5, (size_t)n * (size_t)p->outputs * sizeof(float));
    ami_team_run(team, p->model, p->in + (size_t)first * (size_t)p->inputs, n, p->got);
    check(p, first, n, what);
}

static const int actor[] = {197, 1024, 512, 36}, critic[] = {197, 1024, 512, 1}, small[] = {12, 40, 3},
                 wide[] = {30, 200, 4380};

/* Every precision, number of threads and way of splitting; calls that come one after the other, so that
 * workers are met awake. */
static void test_same_bits(void **state)
{
    (void)state;
    static const int rows[] = {1, 2, 7, 12, 23, 24, 25, 47, 48, 49, 100, 300};
    enum { MOST = 300 };
    for (int precision = 0; precision < AMI_PRECISIONS; precision++) {
        problem p[] = {problem_create((ami_precision)precision, 3, actor, true, MOST),
                       problem_create((ami_precision)precision, 3, critic, false, MOST),
                       problem_create((ami_precision)precision, 2, small, false, MOST),
                       problem_create((ami_precision)precision, 2, wide, true, 60)};
        for (int threads = 1; threads <= 5; threads++) {
            ami_team *team = team_of(threads, 1000, 1000);
            for (size_t i = 0; i < sizeof p / sizeof p[0]; i++)
                reserve(team, &p[i]);
            for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
                for (size_t i = 0; i < sizeof p / sizeof p[0]; i++)
                    if (rows[r] <= p[i].most)
                        run_and_check(team, &p[i], p[i].most - rows[r], rows[r], "awake");
            ami_team_destroy(team);
        }
        for (size_t i = 0; i < sizeof p / sizeof p[0]; i++)
            problem_free(&p[i]);
    }
}

/* Several networks in one call, one of them twice. */
static void test_jobs(void **state)
{
    (void)state;
    problem p[] = {problem_create(AMI_PRECISION_INT16, 3, actor, true, 40),
                   problem_create(AMI_PRECISION_INT8, 3, critic, false, 40),
                   problem_create(AMI_PRECISION_FP32, 2, small, false, 40),
                   problem_create(AMI_PRECISION_BF16, 2, wide, true, 40)};
    enum { COUNT = sizeof p / sizeof p[0] };
    for (int threads = 1; threads <= 4; threads++) {
        ami_team *team = team_of(threads, 1000, 1000);
        for (int i = 0; i < COUNT; i++)
            reserve(team, &p[i]);
        float again[40 * 36];
        for (int n = 1; n <= 40; n += 13) {
            ami_team_job job[COUNT + 1];
            for (int i = 0; i < COUNT; i++) {
                memset(p[i].got, 0xa5, (size_t)(40 * p[i].outputs) * sizeof(float));
                job[i] = (ami_team_job){p[i].model, p[i].in, n, p[i].got};
            }
            job[COUNT] = (ami_team_job){p[0].model, p[0].in + p[0].inputs, n - 1 > 0 ? n - 1 : 1, again};
            for (int jobs = 1; jobs <= COUNT + 1; jobs++) {
                ami_team_run_jobs(team, job, jobs);
                for (int i = 0; i < jobs && i < COUNT; i++)
                    check(&p[i], 0, n, "jobs");
                if (jobs > COUNT)
                    assert_memory_equal(again, p[0].want + p[0].outputs,
                                        (size_t)(job[COUNT].n * p[0].outputs) * sizeof(float));
            }
        }
        ami_team_destroy(team);
    }
    for (int i = 0; i < COUNT; i++)
        problem_free(&p[i]);
}

/* Calls so far apart that the workers sleep in between: woken, and never waited for in vain for long. */
static void test_sleeping_workers(void **state)
{
    (void)state;
    problem p = problem_create(AMI_PRECISION_INT16, 3, actor, true, 64);
    ami_team *team = team_of(3, 100, 0);
    reserve(team, &p);
    for (int i = 0; i < 60; i++) {
        const int n = i % 2 ? 1 : 64;
        ami_clock_sleep_until(ami_clock_now() + (i % 3) * 1e-3);
        run_and_check(team, &p, 0, n, "asleep");
    }
    ami_team_stats stats = ami_team_get_stats(team);
    assert_int_equal(stats.calls, 60);
    assert_true(stats.alone <= stats.calls);
    ami_team_destroy(team);
    problem_free(&p);
}

static _Atomic int stopped;
static _Atomic long stop_ns;

/* Runs on a worker, wherever it happens to be: in the middle of a layer, claiming, spinning. */
static void on_signal(int signal)
{
    (void)signal;
    const int kept = errno;
    stopped++;
    nanosleep(&(struct timespec){.tv_nsec = stop_ns}, NULL);
    errno = kept;
}

/* Sends SIGUSR1 to all threads but this one. */
static int signal_workers(void)
{
    const pid_t self = (pid_t)syscall(SYS_gettid);
    int sent = 0;
    DIR *dir = opendir("/proc/self/task");
    assert_non_null(dir);
    for (struct dirent *d = readdir(dir); d; d = readdir(dir)) {
        const pid_t tid = (pid_t)atoi(d->d_name);
        if (tid > 0 && tid != self)
            sent += syscall(SYS_tgkill, getpid(), tid, SIGUSR1) == 0;
    }
    closedir(dir);
    return sent;
}

static _Atomic bool sending;

/* A thread that stops the workers again and again, so that they are met in the middle of parts as well as
 * between them. The caller's thread and its own have the signal blocked. */
static void *send_signals(void *context)
{
    (void)context;
    while (sending) {
        signal_workers();
        nanosleep(&(struct timespec){.tv_nsec = 1300000}, NULL);
    }
    return NULL;
}

/* Parts so long that most stops fall into one: the caller has to give up waiting, and must not use what is
 * half done. */
static void test_stopped_in_a_part(void **state)
{
    (void)state;
    signal(SIGUSR1, on_signal);
    problem p = problem_create(AMI_PRECISION_FP32, 3, (int[]){600, 1500, 1500, 40}, true, 24);
    ami_team *team = team_of(3, 0, 5000); /* no patience; its workers have the signal open */
    reserve(team, &p);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
    stop_ns = 500000;
    sending = true;
    pthread_t sender;
    assert_int_equal(pthread_create(&sender, NULL, send_signals, NULL), 0);
    const double end = ami_clock_now() + .7;
    for (int i = 0; ami_clock_now() < end; i++) {
        run_and_check(team, &p, i % 8, 16, "stopped in a part");
        if (i % 4 == 0)
            ami_team_settle(team);
    }
    sending = false;
    pthread_join(sender, NULL);
    assert_true(ami_team_get_stats(team).alone > 0);
    ami_team_destroy(team);
    signal(SIGUSR1, SIG_IGN); /* drops what is pending for this thread */
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    signal(SIGUSR1, SIG_DFL);
    problem_free(&p);
}

/* Workers that stop anywhere, for much longer than the caller waits. */
static void test_stopped_workers(void **state)
{
    (void)state;
    signal(SIGUSR1, on_signal);
    problem p = problem_create(AMI_PRECISION_INT16, 3, actor, true, 100);
    problem q = problem_create(AMI_PRECISION_FP32, 2, wide, false, 100);
    ami_rng rng = ami_rng_seed(32, 0);
    ami_team *team = team_of(3, 20, 300);
    reserve(team, &p);
    reserve(team, &q);
    stop_ns = 2000000;
    stopped = 0;
    int sent = 0;
    for (int i = 0; i < 400; i++) {
        const double until = ami_clock_now() + ami_rng_range(&rng, 0, 2e-4);
        if (i % 8 == 0)
            sent += signal_workers();
        while (ami_clock_now() < until) {
        }
        const int n = i % 3 == 0 ? 90 : 1 + (int)ami_rng_below(&rng, 30);
        if (i % 5 == 0) {
            ami_team_job job[] = {{q.model, q.in, 3, q.got}, {p.model, p.in, n, p.got}};
            ami_team_run_jobs(team, job, 2);
            check(&q, 0, 3, "stopped, jobs");
            check(&p, 0, n, "stopped, jobs");
        } else {
            run_and_check(team, i % 2 ? &p : &q, i % 10, n, "stopped");
        }
    }
    const ami_team_stats stats = ami_team_get_stats(team);
    assert_int_equal(stats.calls, 400);
    assert_true(sent > 0 && stats.alone > 0);
    ami_team_settle(team);
    ami_team_destroy(team);
    assert_true(stopped > 0);
    problem_free(&p);
    problem_free(&q);
    signal(SIGUSR1, SIG_DFL);
}

/* Another process wants the worker's core (here every core this process may use). */
static void test_competing_process(void **state)
{
    (void)state;
    problem p = problem_create(AMI_PRECISION_INT8, 3, actor, false, 200);
    pid_t child[2];
    for (int i = 0; i < 2; i++) {
        child[i] = fork();
        if (child[i] == 0)
            for (;;) {
            }
        assert_true(child[i] > 0);
    }
    ami_team *team = ami_team_create(
        &(ami_team_def){.threads = 3, .join_spin_us = 10, .idle_spin_us = 100, .bind = true}, NULL);
    assert_non_null(team);
    reserve(team, &p);
    const double end = ami_clock_now() + .3;
    for (int i = 0; ami_clock_now() < end; i++)
        run_and_check(team, &p, i % 7, i % 4 ? 1 : 150, "competing");
    ami_team_destroy(team);
    for (int i = 0; i < 2; i++) {
        kill(child[i], SIGKILL);
        waitpid(child[i], NULL, 0);
    }
    problem_free(&p);
}

/* Destroyed at once, idle, asleep, stopped; models forgotten and made anew. */
static void test_life(void **state)
{
    (void)state;
    ami_team_destroy(NULL);
    for (int i = 0; i < 20; i++)
        ami_team_destroy(team_of(1 + i % 5, 50, i % 2 ? 0 : 1000));
    problem p = problem_create(AMI_PRECISION_INT16, 3, critic, true, 30);
    for (int how = 0; how < 4; how++) {
        ami_team *team = team_of(3, 50, how == 1 ? 0 : 5000);
        reserve(team, &p);
        run_and_check(team, &p, 0, 1, "before the end");
        if (how == 1)
            ami_clock_sleep_until(ami_clock_now() + 5e-3);
        if (how == 2) {
            signal(SIGUSR1, on_signal);
            stop_ns = 10000000;
            signal_workers();
        }
        ami_team_destroy(team);
    }
    signal(SIGUSR1, SIG_DFL);

    ami_team *team = team_of(2, 50, 100);
    reserve(team, &p);
    run_and_check(team, &p, 0, 30, "first");
    ami_team_forget(team, p.model);
    ami_team_forget(team, p.model);
    problem_free(&p);
    p = problem_create(AMI_PRECISION_BF16, 3, actor, false, 50);
    reserve(team, &p);
    reserve(team, &p);
    run_and_check(team, &p, 0, 50, "made anew");
    problem others[AMI_TEAM_MAX_MODELS];
    for (int i = 0; i < AMI_TEAM_MAX_MODELS; i++)
        others[i] = problem_create(AMI_PRECISION_FP32, 2, small, false, 2);
    for (int i = 0; i < AMI_TEAM_MAX_MODELS - 1; i++)
        reserve(team, &others[i]);
    ami_error err = {""};
    assert_false(ami_team_reserve(team, others[AMI_TEAM_MAX_MODELS - 1].model, 1, &err));
    assert_non_null(strstr(err.text, "at most 32 models"));
    ami_team_destroy(team);
    for (int i = 0; i < AMI_TEAM_MAX_MODELS; i++)
        problem_free(&others[i]);
    problem_free(&p);

    team = ami_team_create(NULL, NULL);
    assert_non_null(team);
    assert_int_equal(ami_team_threads(team),
                     ami_cores() < AMI_TEAM_MAX_THREADS ? ami_cores() : AMI_TEAM_MAX_THREADS);
    ami_team_destroy(team);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_jobs),
        cmocka_unit_test(test_sleeping_workers),
        cmocka_unit_test(test_stopped_workers),
        cmocka_unit_test(test_stopped_in_a_part),
        cmocka_unit_test(test_competing_process),
        cmocka_unit_test(test_life),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
