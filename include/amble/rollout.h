/* Rollouts and evaluation: many characters follow a motion under a policy; the results measure quality and
 * speed. The functions behind `amble rollout` and `amble eval`.
 *
 *     amb_env_def env;
 *     amb_env_def_init(&env);
 *     env.policy = "walk.onnx";
 *     env.episode_s = 20;
 *     env.push_speed = .5;
 *     amb_rollout_def def;
 *     amb_rollout_def_init(&def);
 *     def.env = &env;
 *     amb_rollout *rollout;
 *     amb_rollout_run(&def, &rollout);
 *     amb_rollout_result result = {.size = sizeof result};
 *     amb_rollout_get_result(rollout, &result);
 *     printf("%.1f %% up at the end\n", 100 * result.survival);
 *     amb_rollout_destroy(rollout);
 *
 * Every character has one episode. One that falls is finished: its reward is 0 for the rest of the time. One
 * whose state is no longer usable is reset, goes on, and counts as fallen. Results, except times, depend on
 * the definition alone, not on threads; `amble rollout` with the same settings gives the same, the hash too.
 *
 * Threads: a run is a call; a finished amb_rollout is const. */
#ifndef AMBLE_ROLLOUT_H
#define AMBLE_ROLLOUT_H

#include <amble/clip.h>
#include <amble/env.h>
#include <amble/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct amb_rollout amb_rollout;

typedef struct amb_rollout_def {
    size_t size;
    const amb_env_def *env;  /* motion, start, pushes, limits, seed; its episode_s is the simulated time, its
                                policy acts (NULL: none, the joints track the motion). stream, autoreset and
                                parallel are not read. NULL: the defaults */
    amb_precision precision; /* of the policy's network: AMB_PRECISION_AUTO */
    int characters;          /* 16; 1 to 65536 */
    bool record;             /* false; true: character 0's poses are kept */
    bool realtime;           /* false; true: every control step waits for its absolute deadline; at most 8
                                characters a thread */
    amb_parallel parallel;   /* the calling thread */
    /* Called from time to time by one thread during the run; fraction in [0, 1] never falls; false stops
     * it. */
    bool (*progress)(void *context, double fraction);
    void *context;
} amb_rollout_def;

AMB_API void amb_rollout_def_init_size(amb_rollout_def *def, size_t size);
static inline void amb_rollout_def_init(amb_rollout_def *def)
{
    amb_rollout_def_init_size(def, sizeof *def);
}

/* Loads and simulates. def NULL: the defaults. *rollout holds the results; the caller destroys it. */
AMB_NODISCARD AMB_API amb_result amb_rollout_run(const amb_rollout_def *def, amb_rollout **rollout);
AMB_API void amb_rollout_destroy(amb_rollout *rollout); /* NULL is fine */

typedef struct amb_percentiles {
    double p50, p99, p999, max;
} amb_percentiles;

typedef struct amb_rollout_result {
    size_t size;        /* sizeof(amb_rollout_result), set by the caller */
    const char *motion; /* its name; lives as long as the rollout */
    const char *policy; /* its file, or NULL; the same */
    int characters;
    bool stopped;    /* by progress: the numbers then cover what was simulated */
    double survival; /* fraction that never fell */
    /* and were never off the motion by more than .25 m of the root's height or a tilt of .8 (BeyondMimic:
     * Liao et al. 2025) */
    double success;
    double normalised_return; /* mean reward over characters and steps, 0 after a fall; at most 1 */
    double seconds_up;        /* s, mean time until the fall or the end */
    /* Means over the steps that were simulated: */
    double root_m, joint_rad, end_effector_m; /* from the motion: roots, joints, wrists and ankles */
    int64_t control_steps;
    int64_t unstable;     /* states that were no longer usable */
    int physics_failures; /* characters that MuJoCo reported an error for */
    const char *failure;  /* the first such error, a sentence; else empty */
    uint64_t hash;        /* of every character's final state: equal hashes, equal rollouts */
    double control_dt;    /* s of a control step */
    /* Times, which differ from run to run: */
    double wall_s, control_steps_per_s;
    double physics_fraction;     /* of the time in control steps */
    amb_percentiles step_us;     /* µs of a control step of one character */
    amb_percentiles generate_us; /* µs of that for generating motions */
    amb_percentiles wakeup_us;   /* realtime: µs that a step began late */
    int64_t missed_deadlines;    /* realtime: steps not done when the next was due */
} amb_rollout_result;

AMB_API amb_result amb_rollout_get_result(const amb_rollout *rollout, amb_rollout_result *result);

/* Mean of a part of the reward over the simulated steps, and its name; NaN and NULL beyond the last. */
AMB_API double amb_rollout_reward_part(const amb_rollout *rollout, int part);
AMB_API const char *amb_rollout_reward_name(const amb_rollout *rollout, int part);

/* Character 0's poses (frames, pose_size; amble/env.h), one each control_dt from the start on;
 * NULL where none were recorded. frames and pose_size may be NULL. */
AMB_API const double *amb_rollout_poses(const amb_rollout *rollout, int *frames, int *pose_size);

/* The same as a clip that does not loop, called "recording", the caller's to destroy. AMB_ERROR_ARGUMENT
 * where none were recorded, or where they are not valid in a clip. */
AMB_NODISCARD AMB_API amb_result amb_rollout_clip(const amb_rollout *rollout, amb_clip **clip);

/* ---- evaluation: the same over several seeds and pushes ---- */

/* How a motion is followed:
 *   SECONDS     for env->episode_s, from env->start_phase; a clip that does not loop holds its last pose.
 *   OWN_LENGTH  once from a clip's first frame to its last, as DeepMimic's paper does with clips that do not
 *               loop. Not for invented motions. */
typedef enum amb_protocol { AMB_PROTOCOL_SECONDS = 0, AMB_PROTOCOL_OWN_LENGTH = 1 } amb_protocol;

typedef struct amb_push {
    double speed;  /* m/s, change of root velocity; 0: no pushes */
    double period; /* s between them */
} amb_push;

typedef struct amb_evaluation_def {
    size_t size;
    /* env->seed is the first seed; record and realtime are not read. NULL: the defaults */
    const amb_rollout_def *rollout;
    int seeds;              /* 3, counted up from the first */
    amb_protocol protocol;  /* AMB_PROTOCOL_SECONDS */
    const amb_push *pushes; /* (push_count) a row of results each; NULL: one row, with env's pushes */
    int push_count;         /* 0 */
} amb_evaluation_def;

AMB_API void amb_evaluation_def_init_size(amb_evaluation_def *def, size_t size);
static inline void amb_evaluation_def_init(amb_evaluation_def *def)
{
    amb_evaluation_def_init_size(def, sizeof *def);
}

/* One row: means over the seeds, and the minima of two of them. */
typedef struct amb_evaluation {
    size_t size;                            /* sizeof(amb_evaluation), set by the caller */
    int seeds;                              /* that were run: all, unless progress stopped it */
    bool stopped;                           /* by progress */
    double survival, worst_survival;        /* as amb_rollout_result has them, */
    double success;                         /* the same */
    double normalised_return, worst_return; /* the same */
    double root_m, joint_rad;               /* the same */
    double control_steps_per_s;             /* the same */
    int64_t unstable;                       /* sum over the seeds */
} amb_evaluation;

/* rows: push_count of them (1 where pushes is NULL), each with its size. def NULL: the defaults. */
AMB_NODISCARD AMB_API amb_result amb_evaluate(const amb_evaluation_def *def, amb_evaluation *rows);

#ifdef __cplusplus
}
#endif

#endif
