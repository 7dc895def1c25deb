/* Rollouts: many characters, one episode each, headless; measures the policy's performance and the loop's
 * speed.
 *
 * A character that falls is not simulated any more; its reward is 0 for the rest of the requested time. A
 * character whose state is not finite is reset, continues, and counts as fallen. Results, except times,
 * depend only on the definition, not on the number of threads. */
#ifndef AMI_POLICY_ROLLOUT_H
#define AMI_POLICY_ROLLOUT_H

#include "policy/controller.h"
#include "policy/dataset.h"
#include "policy/generator.h"

/* A rollout that several processes divide: each has the same definition but for `part` and simulates some of the
 * characters; all get the results of all, and times of their own. For at least as many characters as parts; else every process
 * simulates all. Both functions are called by all processes alike, by the thread that called ami_rollout_run. */
typedef struct ami_rollout_share {
    void *context;
    int part, parts;
    /* Whether all are ok; if not, all get the sentence of one that is not. */
    bool (*agree)(void *context, bool ok, ami_error *err);
    /* Fills the others' rows of rows (count, bytes), of which a part has those of its characters. */
    bool (*gather)(void *context, void *rows, size_t bytes, int count, ami_error *err);
} ami_rollout_share;

/* A part's first character of `count`. */
static inline int ami_rollout_first(const ami_rollout_share *share, int count, int part)
{
    return (int)((int64_t)count * part / share->parts);
}

typedef struct ami_rollout_def {
    ami_env_def env;          /* episode_s: the requested time; stream is replaced by the character's index */
    const ami_policy *policy; /* NULL: no network, pure tracking */
    /* NULL: the clip of `env` is followed. Else motions are invented and env.clip is ignored; stream is
     * replaced by the character's index. */
    const ami_generator_def *generator;
    int envs;
    int threads; /* 0: as many as OpenMP has */
    const ami_rollout_share
        *share;       /* or NULL; without realtime, observation_rows and a dataset of more than one
                                       character; character 0, of which recordings are made, is in part 0 */
    bool realtime;    /* every control step waits until it is due */
    int repeat_steps; /* > 0: after so many control steps, and again and again, the clip begins anew at its first
                             frame, where the body is and as it faces; 0 (default): never */
    bool record;      /* keep character 0's poses */
    ami_dataset *dataset; /* gets every step of its first ami_dataset_episodes characters; or NULL */
    int observation_rows; /* keep so many of the actor's observations, evenly spread over all characters'
                             requested steps (fewer where characters fall); 0, or no policy: none */
    /* Runs task(index, argument) for every index in [0, count), on any threads, and returns when all have
     * returned. NULL: OpenMP's threads. count is `threads`. */
    void (*run)(void *run_context, int count, void (*task)(int index, void *argument), void *argument);
    void *run_context;
    /* Called repeatedly by one of the threads with the completed fraction, [0, 1], nondecreasing; may be
     * NULL. Returning false stops early. */
    bool (*progress)(void *context, double fraction);
    void *context;
} ami_rollout_def;

typedef struct ami_percentiles {
    double p50, p99, p999, max; /* µs */
} ami_percentiles;

/* Results from one moment of a style schedule to the next. */
typedef struct ami_moment_result {
    double from, until;       /* s */
    char label[64];           /* the schedule's style */
    double survival;          /* fraction that had not fallen at `until` */
    double normalised_return; /* mean reward over the requested steps, 0 after a fall */
} ami_moment_result;

enum { AMI_ROLLOUT_MOMENTS = 64 };

typedef struct ami_rollout_result {
    int episodes;
    double survival;          /* fraction that never fell in the requested time */
    double success;           /* fraction that never fell and whose root never differed from the reference's
                                 by more than .25 m in height or .8 in tilt (BeyondMimic's rule: Liao et al.
                                 2025; ami_reward.height_m, .tilt) */
    double normalised_return; /* mean reward over characters and requested steps, 0 after a fall */
    double seconds;           /* mean time until the fall or the end, s */
    /* Means over the steps that were simulated: */
    double part[AMI_REWARD_PARTS];
    double root_m, joint_rad, end_effector_m;
    /* The field's errors against the reference (docs/metrics.md), m, m a step, m a step²; and the fraction of
     * characters that never fell and whose joints never were off by more than .5 m in the mean (PHC's rule).
     */
    double e_g_mpjpe, e_mpjpe, e_vel, e_acc, success_phc;
    int64_t control_steps;
    int64_t resets_unstable;
    int failed;                      /* characters that were reset after a MuJoCo error */
    char failure[AMI_WORLD_FAILURE]; /* the first error of the first of them; empty: none */
    bool stopped;                    /* by progress(): the results cover the simulated steps */
    double wall_s;
    double control_steps_per_s;
    double physics_fraction;        /* of the time inside control steps, that spent in physics (substeps and
                                       kinematics) */
    ami_percentiles step_us;        /* one control step of one character: a group's step divided by its
                                       remaining characters */
    ami_percentiles generate_us;    /* motion generation and phase measurement in one control step of one
                                       character */
    ami_generator_counts generator; /* of all characters together */
    ami_percentiles wakeup_us;      /* realtime: how late the thread woke */
    int64_t missed_deadlines;       /* realtime: steps that were not done when the next one was due */
    uint64_t hash;                  /* of all final states: equal rollouts have equal hashes */
    int moments;                    /* of a schedule with two or more: those that begin in the requested time,
                                       at most AMI_ROLLOUT_MOMENTS */
    ami_moment_result moment[AMI_ROLLOUT_MOMENTS];
    int frames;           /* of `pose`; 0 without def.record */
    double *pose;         /* (frames, AMI_POSE) of character 0, one per control step */
    double control_dt;    /* s */
    int observation_rows; /* observations: (observation_rows, observation_inputs) */
    int observation_inputs;
    float *observation;
} ami_rollout_result;

bool ami_rollout_run(const ami_rollout_def *def, ami_rollout_result *result, ami_error *err);
void ami_rollout_result_free(ami_rollout_result *result);

#endif
