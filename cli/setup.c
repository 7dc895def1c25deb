#include "cli/setup.h"

#include "base/clock.h"
#include "base/cores.h"
#include "cli/program.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#ifdef _OPENMP
/* This program's file: by its real name, so that it keeps that name in the list of processes, where that can be had. */
static const char *own_path(void)
{
    static char path[4096];
    const ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    return n > 0 && access(path, X_OK) == 0 ? path : "/proc/self/exe";
}

/* How often GCC's runtime, which counts, has to look at what it waits for in `us` microseconds. A processor's pause takes 10 to 140 cycles,
 * so it is measured: the fastest of some short runs. */
static int spins_in(double us)
{
    enum { RUNS = 5, SPINS = 200 };
    double fastest = INFINITY;
    for (int run = 0; run < RUNS; run++) {
        const double begun = amb_clock_now();
        for (volatile int i = 0; i < SPINS; i++) {
#ifdef __x86_64__
            __builtin_ia32_pause();
#endif
        }
        fastest = fmin(fastest, amb_clock_now() - begun);
    }
    return (int)fmin(fmax(1e-6 * us * SPINS / fmax(fastest, 1e-9), 1), 1e6);
}
#endif

/* A runtime that is left alone spins for milliseconds at a barrier (GCC's 300,000 times, LLVM's .2 s). Where another program has the core
 * of the thread that is waited for, that is time in which nobody gets on, taken from the core that this thread could have. Waking a
 * sleeping thread costs some microseconds, so waits that are shorter are spun through. Nor are threads bound to cores: the system moves a
 * thread that waits for its core to one that has become free.
 *
 * GCC's runtime reads its environment before main, so the variables are set and the program starts itself again, once. If that cannot be
 * done it goes on as it is: slower, not wrong. */
void cli_set_up_openmp(char **argv)
{
#ifdef _OPENMP
    static const char guard[] = "AMBLE_OPENMP_SET_UP";
    const double spin_us = 20;
    if (getenv(guard)) {
        unsetenv(guard); /* programs that this one starts decide for themselves */
        return;
    }
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT") || getenv("KMP_BLOCKTIME"))
        return;
    char spins[32];
    snprintf(spins, sizeof spins, "%d", spins_in(spin_us));
    if (setenv("GOMP_SPINCOUNT", spins, 1) == 0 && setenv("KMP_BLOCKTIME", "1", 1) == 0 && setenv(guard, "1", 1) == 0) /* 1 ms, the least */
        execv(own_path(), argv);
    unsetenv(guard);
#else
    (void)argv;
#endif
}

/* Asks OpenMP, which looked at the mask before it may have bound this thread. */
int cli_cores(void)
{
#ifdef _OPENMP
    return amb_cores_within_quota(omp_get_num_procs());
#else
    return amb_cores();
#endif
}

void cli_set_threads(int threads)
{
#ifdef _OPENMP
    omp_set_dynamic(0);
    omp_set_num_threads(cli_start_team(threads > 0 ? threads : cli_cores()));
#else
    (void)threads;
#endif
}

enum { MOMENTS = 240 }; /* of a clip that are looked at */

/* Puts the body of `world` into the clip's pose at moment i. */
static void show_moment(amb_world *world, const amb_clip *clip, int i)
{
    double pose[AMB_POSE], vel[AMB_VEL];
    amb_clip_sample(clip, amb_clip_duration(clip) * i / (MOMENTS - 1), pose, vel);
    amb_world_set(world, pose, vel);
}

/* Bodies whose geoms come closer to the floor than `gap` (m) at one of the clip's moments. */
static bool bodies_near_floor(const amb_character *c, const amb_clip *clip, double gap, unsigned *bits, amb_error *err)
{
    amb_world world;
    if (!amb_world_init(&world, c, err))
        return false;
    for (int i = 0; i < MOMENTS; i++) {
        show_moment(&world, clip, i);
        for (int b = 0; b < AMB_BODIES; b++)
            if (amb_world_lowest_of(&world, b) < gap)
                *bits |= 1u << b;
    }
    amb_world_free(&world);
    return true;
}

bool cli_clip_height(const amb_character *c, const amb_clip *clip, double *lowest, double *mean, amb_error *err)
{
    amb_world world;
    if (!amb_world_init(&world, c, err))
        return false;
    *lowest = INFINITY;
    *mean = 0;
    for (int i = 0; i < MOMENTS; i++) {
        show_moment(&world, clip, i);
        const double height = amb_world_lowest(&world);
        *lowest = fmin(*lowest, height);
        *mean += height / MOMENTS;
    }
    amb_world_free(&world);
    return true;
}

bool cli_choose_may_touch(const char *text, const amb_policy *policy, const amb_character *character, const amb_clip *clip, unsigned *bits,
                          amb_error *err)
{
    *bits = 1u << AMB_RIGHT_ANKLE | 1u << AMB_LEFT_ANKLE;
    if (!text && policy)
        *bits |= policy->may_touch;
    else if (!text)
        text = clip ? "auto" : "feet";
    if (!text || !strcmp(text, "feet"))
        return true;
    if (!strcmp(text, "auto") && !clip)
        return amb_fail(err, "--may-touch auto asks a clip, and motions are invented here: name the bodies");
    if (!strcmp(text, "auto"))
        return bodies_near_floor(character, clip, .02, bits, err);
    unsigned named;
    if (!amb_bodies_read(text, &named, err))
        return amb_fail_in(err, "--may-touch: expected feet, auto, or names");
    *bits |= named;
    return true;
}

bool cli_parse_precision(const char *text, amb_precision *precision, amb_error *err)
{
    char known[128] = "";
    if (amb_precision_by_name(text, precision))
        return true;
    for (int p = 0; p < AMB_PRECISIONS; p++)
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s, ", amb_precision_name((amb_precision)p));
    return amb_fail(err, "--precision is \"%.40s\", expected %sor %s", text, known, amb_precision_name(AMB_PRECISION_AUTO));
}

bool cli_load_policy(amb_policy *policy, const char *path, amb_precision precision, amb_error *err)
{
    char choice[256];
    amb_model_def def = amb_model_default_def();
    def.precision = precision;
    if (!amb_policy_load(policy, path, &def, err))
        return false;
    amb_model_describe(policy->actor, choice, sizeof choice);
    fprintf(stderr, "%s: %s\n", path, choice);
    return true;
}
