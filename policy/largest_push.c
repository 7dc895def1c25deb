/* Trials with growing forces; each is a rollout of one character on a thread of its own. */
#include "policy/largest_push.h"

#include "base/assert.h"

#ifdef _OPENMP
#include <omp.h>
#else
static int omp_get_max_threads(void)
{
    return 1;
}
#endif

enum { TRIALS = 64 }; /* at most so many at a time */

static double force_begins(const ami_rollout_def *rollout)
{
    if (rollout->generator)
        return 3;
    const ami_clip *clip = rollout->env.clip;
    return (ami_clip_loops(clip) ? 1.5 : .5) * ami_clip_duration(clip);
}

/* A character under `force`: *up is whether it did not fall. */
static bool try_force(const ami_rollout_def *rollout, const double force[2], double at, bool *up,
                      ami_error *err)
{
    ami_rollout_def trial = *rollout;
    trial.envs = trial.threads = 1;
    trial.share = NULL;
    trial.realtime = trial.record = false;
    trial.observation_rows = 0;
    trial.run = NULL;
    trial.progress = NULL;
    trial.env.start_phase = 0;
    trial.env.start_noise = 0;
    trial.env.push_speed = 0;
    trial.env.force[0] = force[0];
    trial.env.force[1] = force[1];
    trial.env.force_at = at;
    trial.env.force_s = .2;
    ami_rollout_result result;
    if (!ami_rollout_run(&trial, &result, err))
        return false;
    *up = result.survival == 1;
    ami_rollout_result_free(&result);
    return true;
}

/* The largest force in one direction (0: forward, 1: to the left). */
static bool find(const ami_rollout_def *rollout, int direction, double at, double *largest, bool *stopped,
                 ami_error *err)
{
    const int threads = rollout->threads > 0 ? rollout->threads : omp_get_max_threads();
    const int all = (int)(AMI_PUSH_MAX_N / AMI_PUSH_STEP_N) + 1, batch = threads < TRIALS ? threads : TRIALS;
    *largest = AMI_PUSH_MAX_N;
    for (int first = 0; first < all; first += batch) {
        const double done = (direction + (double)first / all) / 2;
        if (rollout->progress && !rollout->progress(rollout->context, done)) {
            *stopped = true;
            return true;
        }
        const int count = batch < all - first ? batch : all - first;
        bool up[TRIALS] = {false}, ok[TRIALS] = {false};
        ami_error errors[TRIALS] = {0};
#ifdef _OPENMP
#pragma omp parallel for num_threads(batch) schedule(dynamic, 1)
#endif
        for (int i = 0; i < count; i++) {
            double force[2] = {0, 0};
            force[direction] = (first + i) * AMI_PUSH_STEP_N;
            ok[i] = try_force(rollout, force, at, &up[i], &errors[i]);
        }
        for (int i = 0; i < count; i++) {
            if (!ok[i]) {
                *err = errors[i];
                return false;
            }
            if (!up[i]) {
                *largest = first + i > 0 ? (first + i - 1) * AMI_PUSH_STEP_N : -1;
                return true;
            }
        }
    }
    return true;
}

bool ami_find_largest_push(const ami_rollout_def *rollout, ami_largest_push *largest, bool *stopped,
                           ami_error *err)
{
    AMI_ASSERT(rollout && largest && stopped);
    *largest = (ami_largest_push){.at_s = force_begins(rollout)};
    *stopped = false;
    if (largest->at_s >= rollout->env.episode_s)
        return ami_fail(
            err, "the force begins %.2f s after the start, and the character is followed for %g s only",
            largest->at_s, rollout->env.episode_s);
    return find(rollout, 0, largest->at_s, &largest->forward_n, stopped, err) &&
           (*stopped || find(rollout, 1, largest->at_s, &largest->sideways_n, stopped, err));
}
