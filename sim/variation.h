/* What may vary from episode to episode, so that a policy is trained for, or tested in, more worlds than one:
 * friction, masses, a delay of the actions, and noise in what is observed (dynamics randomisation, Peng et al.
 * 2018, "Sim-to-real transfer of robotic control with dynamics randomization").
 *
 * Nothing varies by default; then no random number is drawn and no model is copied. */
#ifndef AMI_SIM_VARIATION_H
#define AMI_SIM_VARIATION_H

#include "base/rng.h"
#include "sim/world.h"

enum { AMI_DELAY_MAX = 8 };

typedef struct ami_variation_def {
    double friction[2]; /* range of the coefficient of sliding friction with the floor, drawn in each episode;
                           0 0 (default): the body's own */
    double mass[2];     /* range of the factor of mass and inertia, drawn for each body in each episode; 0 0
                           (default): 1 */
    int delay[2]; /* range, drawn in each episode: control steps by which PD targets come late (0 0), at most
                     AMI_DELAY_MAX; until the first arrives the episode's first pose is the target */
    double observation_noise; /* (0) at 1, normally distributed with .01 rad and m (joints, root) and .1 rad/s
                                 and m/s in what the policy observes of the body */
} ami_variation_def;

/* The numbers of an episode. */
typedef struct ami_variation {
    int64_t delay;
    double friction;                      /* 0: the body's own */
    double mass[AMI_BODIES];              /* factors; mass[0] 0: all are 1 */
    double late[AMI_DELAY_MAX][AMI_POSE]; /* targets on their way, a ring */
    uint64_t noise;                       /* of the noise's random numbers */
} ami_variation;

/* False and a sentence if a number is out of range. */
AMI_MUST_CHECK bool ami_variation_check(const ami_variation_def *def, ami_error *err);

/* Whether anything varies; whether the world needs a model of its own (ami_world_own_model). */
bool ami_variation_any(const ami_variation_def *def);
bool ami_variation_of_model(const ami_variation_def *def);

/* Draws the numbers of an episode and sets them in the world, before ami_world_set. */
void ami_variation_draw(const ami_variation_def *def, ami_rng *rng, ami_variation *variation,
                        ami_world *world);
/* Sets them again, after a load. */
void ami_variation_apply(const ami_variation *variation, ami_world *world);

/* At an episode's start: the pose is the target until the first action arrives. */
void ami_variation_start(ami_variation *variation, const double pose[AMI_POSE]);

/* Replaces the target of control step `step` by the one that arrives in it. */
void ami_variation_delay(ami_variation *variation, int step, double target[AMI_POSE]);

/* The state as it is observed in control step `step`: with noise, always the same in this step. */
void ami_variation_observe(const ami_variation_def *def, const ami_variation *variation, int step,
                           const ami_character *character, const ami_state *state, ami_state *observed);

/* Turns q by a rotation vector with normally distributed components, in q's own frame. */
void ami_perturb_rotation(ami_rng *rng, double deviation, double q[4]);

#endif
