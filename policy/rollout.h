/* Rollouts: many characters, one episode each, headless; measures how well the policy does and how fast the
 * loop runs.
 *
 * A character that falls is done: its reward counts 0 for the rest of the asked time and it is not simulated
 * any more. One whose state is no longer finite is reset, goes on, and counts as fallen. Results (not times)
 * depend on the definition alone, not on threads. */
#ifndef AMI_POLICY_ROLLOUT_H
#define AMI_POLICY_ROLLOUT_H

#include "policy/controller.h"
#include "policy/generator.h"

typedef struct ami_rollout_def {
    ami_env_def env;          /* episode_s is the asked time; stream is replaced by the character's number */
    const ami_policy *policy; /* NULL: no network, pure tracking */
    /* NULL: the clip of `env` is followed. Else motions are invented and env.clip is not read; stream is
     * replaced by the character's number. */
    const ami_generator_def *generator;
    int envs;
    int threads;          /* how many work at it; 0: as many as OpenMP has */
    bool realtime;        /* every control step waits for its absolute deadline */
    bool record;          /* keep character 0's poses */
    int observation_rows; /* keep so many of the observations that the actor is given, evenly spread over all
                             characters' asked steps (fewer where characters fall); 0, or no policy: none */
    /* Runs task(index, argument) for every index in [0, count), on any threads, and returns when all have
     * returned. NULL: OpenMP's threads. count is `threads`. */
    void (*run)(void *run_context, int count, void (*task)(int index, void *argument), void *argument);
    void *run_context;
    /* Called by one of the threads now and then while it runs, `fraction` in [0, 1] never falling; may be
     * NULL. Returning false stops early. */
    bool (*progress)(void *context, double fraction);
    void *context;
} ami_rollout_def;

typedef struct ami_percentiles {
    double p50, p99, p999, max; /* µs */
} ami_percentiles;

/* What was achieved from one moment of a style schedule to the next, by the asked steps between. */
typedef struct ami_moment_result {
    double from, until;       /* s */
    char label[64];           /* what the schedule asked for */
    double survival;          /* fraction that had not fallen by the end of it */
    double normalised_return; /* mean reward over the asked steps, 0 after a fall */
} ami_moment_result;

enum { AMI_ROLLOUT_MOMENTS = 64 };

typedef struct ami_rollout_result {
    int episodes;
    double survival;          /* fraction that never fell in the asked time */
    double success;           /* of those, the fraction of all whose root never was off the reference's by
                                 more than .25 m of height or a tilt of .8 (BeyondMimic's rule: Liao et al.
                                 2025; ami_reward.height_m, .tilt) */
    double normalised_return; /* mean over characters and asked steps of the reward, 0 after a fall */
    double seconds;           /* mean time until the fall or the end, s */
    /* Means over the steps that were simulated: */
    double part[AMI_REWARD_PARTS];
    double root_m, joint_rad, end_effector_m;
    /* The field's errors against the reference (docs/metrics.md), m, m a step, m a step²; and the fraction of
     * characters that never fell and whose joints never were off by more than .5 m in the mean (PHC's rule). */
    double e_g_mpjpe, e_mpjpe, e_vel, e_acc, success_phc;
    int64_t control_steps;
    int64_t resets_unstable;
    int failed;                      /* characters that were reset because MuJoCo reported an error */
    char failure[AMI_WORLD_FAILURE]; /* the first error of the first of them; empty: there is none */
    bool stopped;                    /* by progress(): the numbers then cover what was simulated */
    double wall_s;
    double control_steps_per_s;
    double physics_share;           /* of the time inside control steps, that spent in physics (substeps and
                                       kinematics) */
    ami_percentiles step_us;        /* one control step of one character: a group's step divided by the
                                       characters still in it */
    ami_percentiles generate_us;    /* inventing motions and listening to the body's phase, in a control step
                                       of one character */
    ami_generator_counts generator; /* of all characters together */
    ami_percentiles wakeup_us;      /* realtime: how late the thread woke */
    int64_t missed_deadlines;       /* realtime: steps that were not done when the next one was due */
    uint64_t hash;                  /* of every character's final state: equal hashes, equal rollouts */
    int moments;                    /* of a schedule of two and more, those that begin in the asked time, at
                                       most AMI_ROLLOUT_MOMENTS */
    ami_moment_result moment[AMI_ROLLOUT_MOMENTS];
    int frames; /* record: poses (frames, AMI_POSE), one a control step, and how long a step is */
    double *pose;
    double control_dt;
    int observation_rows; /* observations: (observation_rows, observation_inputs) */
    int observation_inputs;
    float *observation;
} ami_rollout_result;

bool ami_rollout_run(const ami_rollout_def *def, ami_rollout_result *result, ami_error *err);
void ami_rollout_result_free(ami_rollout_result *result);

#endif
