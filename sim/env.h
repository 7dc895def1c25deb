/* An environment: one body, its reference, and the rules of an episode (start, step, reward, end).
 * DeepMimic's environment plus residual actions, a steerable reference and pushes. It does not depend on the
 * source of the actions.
 *
 * Only one thread at a time may use an environment; several environments may use the same character and clip.
 * Episodes depend only on the definition (seed and stream included) and the actions. */
#ifndef AMI_SIM_ENV_H
#define AMI_SIM_ENV_H

#include "base/rng.h"
#include "sim/observe.h"
#include "sim/reference.h"
#include "sim/reward.h"
#include "sim/variation.h"

/* How the 36 numbers of an action become PD targets. Ball joints have four numbers, hinges one, in the order
 * of a pose.
 * - RESIDUAL: ball: reference ∘ normalise(1 + a0, a1, a2, a3); hinge: reference + 2 a. Zeros track the
 *   reference.
 * - ABSOLUTE, as DeepMimic: ball: rotation by a0 rad about the axis (a1, a2, a3), or about z if that is zero;
 *   hinge: an angle in rad. */
typedef enum ami_action_mode { AMI_ACTION_RESIDUAL, AMI_ACTION_ABSOLUTE } ami_action_mode;

/* Scale of actions: action = mean + std · output of the policy network. mean and std (AMI_ACTION);
 * DeepMimic's values for absolute actions, 0 and 1 for residual ones. */
void ami_action_scale(ami_action_mode mode, float *mean, float *std);

/* Control steps per second at the default physics rate (120 Hz, 4 physics steps in a control step). */
#define AMI_CONTROL_HZ 30.0

typedef struct ami_env_def {
    const ami_character *character;
    const ami_clip *clip;
    uint64_t seed, stream;       /* of the random numbers; stream: index of the environment */
    int substeps;                /* physics steps in a control step (4) */
    double look_ahead;           /* s: PD targets use the reference this long after the step's end (.06) */
    ami_action_mode action_mode; /* (RESIDUAL) */
    double episode_s;            /* s, until the time-out (20) */
    unsigned may_touch;          /* bits of the bodies that may touch the floor (the ankles) */

    /* Early termination; 0 (default) turns a limit off. */
    double max_root_m;   /* m, distance of the root from the reference's */
    double max_height_m; /* m, difference of the heights of the two roots */
    double max_tilt;     /* |Δ cos(tilt)| of the two roots, 0 to 2 (BeyondMimic's rule) */
    double max_body_m; /* m, mean distance of the bodies relative to their own root (PHC's rule; reward.h) */

    double hold_s[2];     /* s; a clip that does not loop holds its last pose for a time drawn from this
                             range, then the episode times out; negative (default): until episode_s */
    double start_noise;   /* deviation of the start from the reference; at 1, standard deviations of .1 rad
                             (joints, root), .05 m (root), .5 rad/s and .3 m/s; 0 (default): none */
    double start_phase;   /* [0, 1), or negative (default): random */
    double start_heading; /* rad (0), or NaN: random */
    double rate;          /* seconds of the clip per second at the start, > 0 (1) */
    double start_at[2];   /* m, ground position */
    double turn_rate;     /* rad/s: constant turn rate of the reference */
    double push_speed;    /* m/s: change of root velocity in a random horizontal direction; 0: no pushes */
    double push_period;   /* s between pushes (2) */
    double force[2]; /* N: a force on the root, forward and to the left in the reference's heading frame … */
    double force_at;        /* … from this time since the reset, s … */
    double force_s;         /* … for so long; 0 (default): no force */
    bool goal;              /* observations include the goal (sim/observe.h) */
    bool push_random;       /* for training: speed uniform in [0, push_speed], first push at a random time */
    ami_variation_def vary; /* nothing varies by default */
} ami_env_def;

typedef enum ami_env_end {
    AMI_ENV_GOES_ON = 0,
    AMI_ENV_FELL,     /* a body touched the floor that may not (may_touch) */
    AMI_ENV_LOST,     /* the body is too far from the reference (max_...) */
    AMI_ENV_UNSTABLE, /* the state is not finite or too large; the step's reward is 0 and the observation must
                         not be used */
    AMI_ENV_TIME_OUT, /* episode_s or the clip is over: a truncation, to be bootstrapped from the value */
} ami_env_end;

typedef struct ami_env {
    ami_env_def def;
    ami_world world;
    ami_reference reference;
    ami_rng rng;
    int step;                  /* control steps since the reset */
    int steps_max;             /* max control steps in an episode */
    int steps_end;             /* max control steps in this episode: fewer if the clip ends earlier */
    double control_dt;         /* s */
    double next_push;          /* s since the reset */
    ami_state state;           /* the body, after the last reset or step */
    ami_state reference_state; /* the reference at the same time */
    ami_variation variation;   /* of this episode */
    double physics_s;          /* s, wall time spent in physics; a measurement, not part of the state */
} ami_env;

ami_env_def ami_env_default_def(const ami_character *character, const ami_clip *clip);

/* Checks the definition, creates the world and resets. */
bool ami_env_init(ami_env *env, const ami_env_def *def, ami_error *err);
void ami_env_free(ami_env *env);

/* Begins an episode at a random or given start. The body takes the reference's pose and velocity and is
 * lifted until it does not penetrate the floor. */
void ami_env_reset(ami_env *env);

/* Numbers in an observation: AMI_OBS, or AMI_OBS_MAX with the goal appended. */
int ami_env_obs_size(const ami_env *env);
void ami_env_observe(const ami_env *env, float *obs);

/* The PD targets of the next step for an action. */
void ami_env_target(const ami_env *env, const float action[AMI_ACTION], double target[AMI_POSE]);

/* One control step. The reward compares body and reference at its end; it is 0 if the step ends with a fall.
 * The environment does not reset itself. */
ami_env_end ami_env_step(ami_env *env, const float action[AMI_ACTION], ami_reward *reward);

/* The same step with PD targets instead of an action, for replays. ami_env_step calls ami_env_target, then
 * this. */
ami_env_end ami_env_step_target(ami_env *env, const double target[AMI_POSE], ami_reward *reward);

/* For bit-equal continuation: ami_env_save_size bytes of plain data. Load into an environment with the same
 * definition. */
size_t ami_env_save_size(const ami_env *env);
void ami_env_save(const ami_env *env, void *data);
void ami_env_load(ami_env *env, const void *data);

#endif
