/* An environment: one body, its reference, and the rules of an episode (start, step, reward, end).
 * DeepMimic's, with amble's residual action, steerable reference and pushes. Nothing here knows what chooses
 * the actions.
 *
 * An environment is used by one thread at a time; many may share a character and a clip. What happens depends
 * on the definition, on (seed, stream) and on the actions alone. */
#ifndef AMI_SIM_ENV_H
#define AMI_SIM_ENV_H

#include "base/rng.h"
#include "sim/observe.h"
#include "sim/reference.h"
#include "sim/reward.h"

/* How 36 numbers become PD targets; ball joints have four each, hinges one, in a pose's order.
 * - RESIDUAL: ball: reference ∘ normalise(1 + a0, a1, a2, a3); hinge: reference + 2 a. Zeros track the
 *   reference.
 * - ABSOLUTE: DeepMimic's: ball: rotation by a0 rad about the axis (a1, a2, a3), a zero axis meaning z;
 *   hinge: an angle in rad. */
typedef enum ami_action_mode { AMI_ACTION_RESIDUAL, AMI_ACTION_ABSOLUTE } ami_action_mode;

/* DeepMimic's scale of absolute actions, mean and std (AMI_ACTION): what a policy network says, times std,
 * plus mean, is the action. 0 and 1 for residual actions. */
void ami_action_scale(ami_action_mode mode, float *mean, float *std);

/* Control steps a second with the usual physics (120 Hz, 4 physics steps in a control step). */
#define AMI_CONTROL_HZ 30.0

typedef struct ami_env_def {
    const ami_character *character;
    const ami_clip *clip;
    uint64_t seed, stream; /* stream: the environment's number */
    int substeps;          /* 4: physics steps in a control step */
    double look_ahead;     /* s (.06): how much earlier than due the PD target's reference is looked up */
    ami_action_mode action_mode;
    double episode_s;    /* s (20) until the time-out */
    unsigned may_touch;  /* bits of the bodies that may meet the floor (the ankles) */
    double max_root_m;   /* m; an episode ends when the root is farther from the reference's; 0: never */
    double max_height_m; /* m; or when the heights of the two roots differ by more; 0: never */
    double max_tilt; /* or when the vertical as the two roots see it differs by more: |Δ cos(tilt)|, 0 to 2;
                            0: never (BeyondMimic's rule) */
    double max_body_m;    /* m; or when the bodies are farther off on average, each seen from its own root
                             (reward.h); 0: never (PHC's) */
    double hold_s[2];     /* s; a clip that does not loop holds its last pose for a time drawn between these
                             two, then the episode is a time-out; negative (default): until episode_s is
                             over */
    double start_noise;   /* starts are off the reference: 1 means joints by .1 rad, the root by .1 rad and
                             .05 m, speeds by .5 rad/s and .3 m/s (standard deviations); 0: they are on it */
    double start_phase;   /* [0, 1), or negative (default): random */
    double start_heading; /* rad, or NaN: random (default 0) */
    double rate;          /* 1: seconds of the clip in a second, > 0; at the start, the reference's own rate
                             from then on */
    double start_at[2];   /* m, ground position */
    double turn_rate;     /* rad/s: the reference is turned all the time */
    double push_speed;    /* m/s: change of root velocity in a random horizontal direction; 0: no pushes */
    double push_period;   /* s between pushes */
    bool goal;            /* observations end with what the reference wants (sim/observe.h) */
    bool push_random;     /* speed uniform in [0, push_speed], first push at a random time: for training */
} ami_env_def;

typedef enum ami_env_end {
    AMI_ENV_GOES_ON = 0,
    AMI_ENV_FELL,     /* a body that may not touch the floor did */
    AMI_ENV_LOST,     /* the body no longer follows the reference (max_...) */
    AMI_ENV_UNSTABLE, /* non-finite or absurd state; the step's reward is 0 and the observation must not be
                         used */
    AMI_ENV_TIME_OUT, /* episode_s or the clip is over: no failure, the value goes on */
} ami_env_end;

typedef struct ami_env {
    ami_env_def def;
    ami_world world;
    ami_reference reference;
    ami_rng rng;
    int step;                  /* control steps since the reset */
    int steps_max;             /* control steps in an episode, at most */
    int steps_end;             /* the same in this one: fewer where a clip that does not loop ends earlier */
    double control_dt;         /* s */
    double next_push;          /* s since the reset */
    ami_state state;           /* the body, after the last reset or step */
    ami_state reference_state; /* the reference at the same time */
    double physics_s;          /* wall time spent in physics so far; for measuring, not part of the state */
} ami_env;

ami_env_def ami_env_default_def(const ami_character *character, const ami_clip *clip);

/* Checks the definition, makes the world and resets. */
bool ami_env_init(ami_env *env, const ami_env_def *def, ami_error *err);
void ami_env_free(ami_env *env);

/* A new episode: random (or given) start, the body in the reference's pose and velocity, lifted out of the
 * floor where it is in it. */
void ami_env_reset(ami_env *env);

/* Numbers in an observation: AMI_OBS, or AMI_OBS_MAX with the goal behind. */
int ami_env_obs_size(const ami_env *env);
void ami_env_observe(const ami_env *env, float *obs);

/* The reference's pose that a zero residual action would make the PD target for the coming step. */
void ami_env_target(const ami_env *env, const float action[AMI_ACTION], double target[AMI_POSE]);

/* One control step. The reward compares body and reference at its end; it is 0 in a step that ends with a
 * fall. The environment is not reset by itself. */
ami_env_end ami_env_step(ami_env *env, const float action[AMI_ACTION], ami_reward *reward);

/* The same step with given PD targets instead of an action (replays; ami_env_step is ami_env_target and
 * this). */
ami_env_end ami_env_step_target(ami_env *env, const double target[AMI_POSE], ami_reward *reward);

/* For bit-equal continuation: ami_env_save_size bytes of plain data. Load goes into an environment of the
 * same definition. */
size_t ami_env_save_size(const ami_env *env);
void ami_env_save(const ami_env *env, void *data);
void ami_env_load(ami_env *env, const void *data);

#endif
