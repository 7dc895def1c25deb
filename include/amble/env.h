/* DeepMimic's environment for reinforcement learning: a simulated humanoid that imitates a motion.
 *
 *     amb_env_def def;
 *     amb_env_def_init(&def);
 *     def.motion = "walk";
 *     amb_envs *envs;
 *     amb_envs_create(&def, 64, &envs);
 *     amb_env_info info = {.size = sizeof info};
 *     amb_env_get_info(amb_envs_at(envs, 0), &info);
 *     float *observations = malloc(64 * info.observation_size * sizeof(float));
 *     amb_envs_reset(envs, NULL, observations);
 *     amb_envs_arrays out = {.size = sizeof out, .observations = observations, .rewards = rewards};
 *     for (;;) {
 *         choose(observations, actions);
 *         amb_envs_step(envs, actions, &out);
 *     }
 *
 * An episode
 *   The body starts in the motion's pose, at a random time of it. In every step an action sets the joints' PD
 *   targets, usually relative to the motion's; the physics runs for 1/30 s; the reward, 0 to 1, measures how
 *   closely the body follows the motion (Peng et al. 2018, DeepMimic, section 5.1). The episode ends when a
 *   body that must not touch the floor does, when the body is too far from the motion (limits in the
 *   definition), when its state is no longer usable, or after episode_s.
 *
 * One or many
 *   amb_env is one environment; amb_envs is N of them, stepped in one call. amb_envs_at returns one of the N,
 *   to seed, save, restore or inspect it.
 *
 * Seeds
 *   Results depend on the definition, on (seed, stream) and on the actions alone, to the bit: not on threads,
 *   not on the other environments. Environment i of amb_envs has the stream def.stream + i and equals an
 *   amb_env of that seed and stream. `amble rollout --seed S` simulates streams 0, 1, … of seed S.
 *
 * Threads: a handle is used by one thread at a time; those of amb_envs_at count as their amb_envs. Stepping,
 * resetting, observing, saving and restoring allocate nothing. */
#ifndef AMBLE_ENV_H
#define AMBLE_ENV_H

#include <amble/clip.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct amb_env amb_env;
typedef struct amb_envs amb_envs;

/* What an action means (amb_env_action_block returns each joint's numbers):
 *   RESIDUAL  beside the motion: a ball joint's four numbers a turn its pose by the quaternion
 *             normalise(1 + a0, a1, a2, a3), a hinge's number is added as 2 a rad. Zeros track the motion.
 *   ABSOLUTE  DeepMimic's own: a ball joint is turned by a0 rad about the axis (a1, a2, a3), a hinge is at an
 *             angle in rad. */
typedef enum amb_action_mode { AMB_ACTION_RESIDUAL = 0, AMB_ACTION_ABSOLUTE = 1 } amb_action_mode;

/* Why an episode ended. The first three are failures (Gymnasium's terminated); the time-out is not
 * (truncated). */
typedef enum amb_env_end {
    AMB_ENV_GOES_ON = 0,
    AMB_ENV_FELL = 1,     /* a body that must not touch the floor did */
    AMB_ENV_LOST = 2,     /* it no longer follows the motion (max_...) */
    AMB_ENV_UNSTABLE = 3, /* a state that is not finite or absurd, or an error of MuJoCo's (amb_env_failure);
                             reward 0, the observation is that before the step */
    AMB_ENV_TIME_OUT = 4  /* episode_s, or a clip that does not loop, is over */
} amb_env_end;

/* "goes on", "fell", "lost", "unstable", "time-out". */
AMB_API const char *amb_env_end_name(amb_env_end end);

/* What amb_envs_step does where an episode ends; the names are Gymnasium's.
 *   NONE       the environment stops: later steps return its last observation and flags again, reward 0,
 *              until it is reset.
 *   NEXT_STEP  the next step resets it instead: its action is not used, the reward is 0, no flag is set.
 *   SAME_STEP  it is reset in the same step: the observation is the new episode's first, the last one of the
 *              old episode goes to final_observations. */
typedef enum amb_autoreset {
    AMB_AUTORESET_NONE = 0,
    AMB_AUTORESET_NEXT_STEP = 1,
    AMB_AUTORESET_SAME_STEP = 2
} amb_autoreset;

typedef struct amb_env_def {
    size_t size;
    /* The reference motion. */
    const char *motion;    /* a clip by its name ("walk") or file; or "style:" and a style ("style:walk"), a
                              mixture ("style:walk:0.7,zombie:0.3") or styles drawn from the seed
                              ("style:random", "style:random-names", "style:random-blends"): then the motion
                              is invented. NULL, the default: what the policy was trained on, else
                              "style:walk" */
    const char *clips;     /* folder of clips by name; NULL: $AMBLE_CLIPS, ./clips, amble's own */
    const amb_clip *clip;  /* a clip instead, which is copied; motion is NULL then. NULL: none */
    double style_change_s; /* s between changes of drawn styles; 0: one style for each episode */
    double ground_speed; /* m/s of invented motions, by playing them .7 to 1.4 times as fast; 0: their own */
    double rate;         /* 1: playback speed of a clip, .01 to 100 */
    /* The policy's settings. The environment runs no network; if a policy is given, its file sets
     * action_mode, goal, physics_hz, substeps and look_ahead, which override the fields below. */
    const char *policy;          /* an ONNX file, or one of amble's models by name; NULL: none; "auto": what
                                    `amble rollout` takes, the model with the motion's name, "locomotion" for
                                    invented motions; none where there is no such model */
    amb_action_mode action_mode; /* AMB_ACTION_RESIDUAL */
    bool goal;                   /* false; true: observations end with the goal, 49 more numbers about the
                                    motion, which a policy for many motions needs */
    /* Time and body. */
    double physics_hz;     /* 120: physics steps a second, 30 to 10000 */
    int substeps;          /* 4: physics steps in a control step, 1 to 1000 */
    double look_ahead;     /* s (.06): the PD target's pose is looked up this much earlier than due, 0 to 1 */
    bool self_collision;   /* false: limbs meet the floor only */
    const char *may_touch; /* bodies that may touch the floor: "feet", "auto" (those that touch it in the
                              clip), or names with commas; the ankles always. NULL: as the policy was trained;
                              without one "auto" for a clip, "feet" for invented motions */
    double episode_s;      /* s (20) until the time-out; more than 0, at most 1e6 */
    double hold_s[2];      /* s; a clip that does not loop holds its last pose for a time drawn between these
                              two, then it is a time-out; negative (default): until episode_s */
    /* Limits: an episode ends where the body is farther from the motion than these; 0, the default: none. */
    double max_root_m;   /* m: distance of the roots */
    double max_height_m; /* m: difference of the roots' heights */
    double max_tilt;     /* |Δ cos| of the angles between root and vertical, 0 to 2 */
    double max_body_m;   /* m: mean distance of the bodies, each seen from its own root */
    /* The start of an episode. */
    double start_phase;   /* [0, 1) of the motion; negative (default): random */
    double start_heading; /* rad (0), -100 to 100; NaN: random */
    double start_noise;   /* 0: on the motion; 1: beside it, joints by .1 rad, the root by .1 rad and .05 m,
                             speeds by .5 rad/s and .3 m/s (standard deviations); up to 10 */
    /* Turns and pushes. */
    double turn_rate;   /* rad/s (0): the motion turns at this rate, -100 to 100 */
    double push_speed;  /* m/s (0: no pushes): change of root velocity in a random horizontal direction */
    double push_period; /* s (2) between pushes, .01 or more */
    bool push_random;   /* false; true: each push uniform up to push_speed, the first at a random time */
    uint64_t seed;      /* 0 */
    uint64_t stream;    /* 0: of the seed's random numbers; of amb_envs the first one's */
    /* Of amb_envs alone. */
    amb_autoreset autoreset; /* AMB_AUTORESET_SAME_STEP */
    amb_parallel parallel;   /* the calling thread */
    /* What varies from episode to episode (dynamics randomisation, Peng et al. 2018); by default nothing. */
    double friction[2];   /* 0 0: the body's own, 1; else the coefficient of sliding friction with the floor
                                 is drawn between these, .01 to 10 */
    double mass_range[2]; /* 0 0: 1; else mass and inertia of each body are multiplied by a number drawn
                                 between these, .1 to 10 */
    int delay[2];         /* 0 0: control steps by which actions come late, drawn between these, at most 8 */
    double observation_noise; /* 0; at 1 .01 rad and m (joints, root), .1 rad/s and m/s of normally
                                 distributed noise in what is observed of the body; at most 100 */
} amb_env_def;

AMB_API void amb_env_def_init_size(amb_env_def *def, size_t size);
static inline void amb_env_def_init(amb_env_def *def)
{
    amb_env_def_init_size(def, sizeof *def);
}

/* Loads body, motion and networks and begins the first episode. def NULL: the defaults. */
AMB_NODISCARD AMB_API amb_result amb_env_create(const amb_env_def *def, amb_env **env);
AMB_API void amb_env_destroy(amb_env *env); /* NULL is fine; not for those of amb_envs_at */

/* ---- sizes, layouts, names ---- */

typedef struct amb_env_info {
    size_t size;           /* sizeof(amb_env_info), set by the caller */
    int observation_size;  /* O: numbers in an observation */
    int action_size;       /* A: in an action; not bounded, near 0 ± 1 in units of amb_env_action_scale */
    int pose_size;         /* numbers in a pose: root position (3, m), root quaternion wxyz, joints (a ball: a
                              quaternion wxyz relative to its parent, a hinge: an angle, rad) */
    int velocity_size;     /* in a velocity: root linear (3, m/s, world), root angular (3, rad/s, its own
                              frame), joints (a ball: 3 rad/s in the child's frame, a hinge: rad/s) */
    int reward_parts;      /* R: parts of the reward */
    int tracking_errors;   /* T: measures of distance from the motion */
    int max_episode_steps; /* control steps until the time-out */
    double control_dt;     /* s of a control step */
    size_t state_bytes;    /* of amb_env_save */
    const char *motion;    /* its name: "walk", "style walk"; lives as long as the environment */
    double clip_s;         /* s, the clip's length; NaN where motions are invented */
    bool clip_loops;       /* true where motions are invented */
} amb_env_info;

AMB_API amb_result amb_env_get_info(const amb_env *env, amb_env_info *info);

/* Observations and actions in named blocks, in order, without gaps; AMB_ERROR_ARGUMENT beyond the last.
 *   Observation: "phase" (1, [0, 1)), "root_height" (1, m), "bodies" (15, 7: place m, quaternion wxyz),
 *     "velocities" (15, 6: m/s, rad/s), all in the root's heading frame, x forward, y up, z right; the root's
 *     own rotation and velocities in the motion's. With a goal, in the motion's heading: "goal_place" (3, m,
 *     from the root to the motion's), "goal_velocity" (3, m/s), "goal_rotation" (4), "goal_spin" (3, rad/s),
 *     "goal_joints" (the pose that zero residual actions aim at).
 *   Action: one block a joint, "chest" (4), "right_knee" (1), … */
typedef struct amb_env_block {
    size_t size;      /* sizeof(amb_env_block), set by the caller */
    const char *name; /* lives as long as the program */
    int first, count; /* numbers [first, first + count) */
    int rows;         /* of which the block is made, 1 or a body each */
} amb_env_block;

AMB_API amb_result amb_env_observation_block(const amb_env *env, int index, amb_env_block *block);
AMB_API amb_result amb_env_action_block(const amb_env *env, int index, amb_env_block *block);

/* How actions are distributed, about: mean and std (A each). A network's output x gives the action
 * mean + std x; the standard deviations of exploration are fractions of std. 0 and 1 for residual actions. */
AMB_API amb_result amb_env_action_scale(const amb_env *env, float *mean, float *std);

/* The reward's parts, "pose", "velocity", "end_effectors", "root", "com", and their weights, which sum to 1;
 * NULL and 0 beyond the last. */
AMB_API const char *amb_env_reward_name(const amb_env *env, int part);
AMB_API double amb_env_reward_weight(const amb_env *env, int part);

/* "root_m", "joint_rad", "end_effector_m", "height_m", "tilt", "body_m": see amb_env_step_info; NULL beyond
 * the last. */
AMB_API const char *amb_env_tracking_name(const amb_env *env, int error);

/* ---- one environment ---- */

/* Begins a new episode. The first reset after creation or seeding keeps the episode, which is new already.
 * observation (O) may be NULL. */
AMB_API amb_result amb_env_reset(amb_env *env, float *observation);

/* Begins a new episode at this phase of the motion, [0, 1), instead of the definition's. */
AMB_API amb_result amb_env_reset_at(amb_env *env, double phase, float *observation);

/* Sets the environment to the state of one just created with this seed and stream. */
AMB_API amb_result amb_env_seed(amb_env *env, uint64_t seed, uint64_t stream, float *observation);

typedef struct amb_env_step_info {
    size_t size;            /* sizeof(amb_env_step_info), set by the caller */
    double reward;          /* [0, 1]; 0 in a step that ends with a failure */
    amb_env_end end;        /* why the episode ended, if it did */
    bool terminated;        /* fell, lost or unstable */
    bool truncated;         /* time-out */
    double root_m;          /* distance of the roots, m */
    double joint_rad;       /* mean over joints of the angle to the motion's, rad */
    double end_effector_m;  /* mean over wrists and ankles, m */
    double height_m;        /* difference of the roots' heights, m */
    double tilt;            /* |Δ cos| of the angles between root and vertical, 0 to 2 */
    double body_m;          /* mean distance of the bodies, each seen from its own root, m */
    double episode_return;  /* sum of the episode's rewards so far */
    int64_t episode_length; /* control steps so far */
    double saturated;       /* fraction of joints whose torque was at its limit, over the physics steps */
} amb_env_step_info;

/* One control step with an action (A). observation (O) and info may be NULL. AMB_ERROR_ARGUMENT and nothing
 * done where a number of the action is not finite or the episode is over. */
AMB_API amb_result amb_env_step(amb_env *env, const float *action, float *observation,
                                amb_env_step_info *info);

/* The present observation (O). */
AMB_API amb_result amb_env_observe(amb_env *env, float *observation);

/* The last step's results, 0 after a reset; and the reward's parts (R), each [0, 1], without their
 * weights. */
AMB_API amb_result amb_env_last_step(amb_env *env, amb_env_step_info *info);
AMB_API amb_result amb_env_reward_parts(amb_env *env, double *parts);

/* The first error of MuJoCo's that made an episode unstable, a sentence; empty: there was none. */
AMB_API const char *amb_env_failure(const amb_env *env);

/* The body's pose and velocity, and the motion's at the same time; each of the four may be NULL. */
AMB_API amb_result amb_env_body(amb_env *env, double *pose, double *velocity);
AMB_API amb_result amb_env_reference(amb_env *env, double *pose, double *velocity);

/* Sets the body's pose and velocity; the motion, its time and the episode stay. Quaternions are normalised.
 * AMB_ERROR_ARGUMENT and nothing done where a number is not finite, a velocity is above 10000 or a
 * quaternion's length is not within .5 and 1.5. */
AMB_API amb_result amb_env_set_body(amb_env *env, const double *pose, const double *velocity);

/* The whole state, amb_env_info.state_bytes: an environment of the same definition (seed and stream may
 * differ) that restores it goes on bit for bit as this one, with the same version of the library on the same
 * kind of CPU. AMB_ERROR_ARGUMENT and nothing changed where the bytes are not such a state. restore's
 * observation (O) may be NULL. */
AMB_API amb_result amb_env_save(amb_env *env, void *bytes, size_t size);
AMB_API amb_result amb_env_restore(amb_env *env, const void *bytes, size_t size, float *observation);

/* ---- a policy for it, as a file ---- */

/* After a layer, with alpha as α. ReLU: max(v, 0). Leaky ReLU: v < 0 ? α v : v. ELU: v < 0 ? α (e^v - 1) : v.
 * Sigmoid: 1 / (1 + e^-v). */
typedef enum amb_activation {
    AMB_ACTIVATION_NONE = 0,
    AMB_ACTIVATION_RELU = 1,
    AMB_ACTIVATION_LEAKY_RELU = 2,
    AMB_ACTIVATION_ELU = 3,
    AMB_ACTIVATION_TANH = 4,
    AMB_ACTIVATION_SIGMOID = 5
} amb_activation;

/* A dense layer: activation(weight x + bias). */
typedef struct amb_dense_layer {
    int inputs, outputs; /* 1 to 65536 */
    const float *weight; /* (outputs, inputs), as PyTorch's Linear.weight */
    const float *bias;   /* (outputs); NULL: 0 */
    amb_activation activation;
    float alpha; /* of leaky ReLU and ELU, 0 or more; else not read */
} amb_dense_layer;

/* A policy: x = clamp((observation - mean) / std, -clip, clip), then the layers. The last layer's outputs are
 * the action. */
typedef struct amb_actor_def {
    size_t size;
    const amb_dense_layer *layers; /* NULL; (layer_count) the first takes O numbers, the last gives A */
    int layer_count;               /* 0; 1 to 16 */
    const float *mean, *std;       /* NULL; (O) both or none; std more than 0 */
    float clip;                    /* 0: no clamp; else more than 0 */
    bool half;                     /* false; true: weights are written as float16 */
} amb_actor_def;

AMB_API void amb_actor_def_init_size(amb_actor_def *def, size_t size);
static inline void amb_actor_def_init(amb_actor_def *def)
{
    amb_actor_def_init_size(def, sizeof *def);
}

/* Writes the policy as an ONNX file with this environment's settings (motion, action mode, rates, bodies that
 * may touch the floor) as its metadata, so that amble's programs, amb_env_def.policy and other ONNX readers
 * can run it. Replaces `path` as a whole or not at all. AMB_ERROR_ARGUMENT where sizes do not fit or a number
 * is not finite, AMB_ERROR_FILE where the file cannot be written. */
AMB_NODISCARD AMB_API amb_result amb_env_save_actor(const amb_env *env, const amb_actor_def *def,
                                                    const char *path);

/* ---- many ---- */

/* n = count of them, 1 to 65536. They share body, motion and networks. */
AMB_NODISCARD AMB_API amb_result amb_envs_create(const amb_env_def *def, int count, amb_envs **envs);
AMB_API void amb_envs_destroy(amb_envs *envs); /* NULL is fine */
AMB_API int amb_envs_count(const amb_envs *envs);

/* One of them, owned by `envs`; NULL beyond the last. */
AMB_API amb_env *amb_envs_at(amb_envs *envs, int index);

/* amb_env_reset for all, or where mask (n) is true. observations (n, O) may be NULL; other rows stay. */
AMB_API amb_result amb_envs_reset(amb_envs *envs, const bool *mask, float *observations);

/* amb_env_seed for all with seeds (n): number i gets the stream def.stream + i of seeds[i]. */
AMB_API amb_result amb_envs_seed(amb_envs *envs, const uint64_t *seeds, float *observations);

/* The caller's arrays, filled by a step; row-major; each may be NULL. */
typedef struct amb_envs_arrays {
    size_t size;          /* sizeof(amb_envs_arrays), set by the caller */
    float *observations;  /* (n, O) to act on next */
    double *rewards;      /* (n) */
    float *rewards_f32;   /* (n) the same, rounded */
    bool *terminated;     /* (n) */
    bool *truncated;      /* (n) */
    uint8_t *ends;        /* (n) amb_env_end */
    double *reward_parts; /* (n, R), as amb_env_reward_parts */
    double *tracking;     /* (n, T), in the order of amb_env_tracking_name */
    /* Of the episodes that end in this step; the other rows are left as they are: */
    float *final_observations; /* (n, O) */
    double *episode_returns;   /* (n) sum of rewards */
    int64_t *episode_lengths;  /* (n) control steps */
} amb_envs_arrays;

/* One control step of all, with actions (n, A); the definition's autoreset decides what happens where an
 * episode ends. AMB_ERROR_ARGUMENT and nothing done where a number of an action that is used is not
 * finite. */
AMB_API amb_result amb_envs_step(amb_envs *envs, const float *actions, const amb_envs_arrays *out);

#ifdef __cplusplus
}
#endif

#endif
