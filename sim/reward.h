/* The imitation reward (Peng et al. 2018, DeepMimic, section 5.1, with the public code's weights):
 *
 *   .5 pose + .05 velocity + .15 end effectors + .2 root + .1 centre of mass, each part in [0, 1]
 *   pose             exp(-2 Σ w θ²) θ: angle between the body's and the reference's joint rotation, root
 *                    included
 *   velocity         exp(-.1 Σ w |Δω|²)   joint angular velocities, root included
 *   end effectors    exp(-10 Σ |Δp|²) wrists and ankles: their height above the ground, and where they are
 *                    horizontally as seen
 *                                         from the root, each in its own heading frame (as SceneImitate.cpp
 *                                         does)
 *   root             exp(-5 (|Δp|² + .1 θ² + .01 |Δv|² + .001 |Δω|²))
 *   centre of mass   exp(-10 · .1 |Δv|²)
 *
 * with w the joints' weights (amb_joint.weight, Σ = 1), lengths in m, angles in rad, times in s. */
#ifndef AMB_SIM_REWARD_H
#define AMB_SIM_REWARD_H

#include "sim/world.h"

enum {
    AMB_REWARD_POSE,
    AMB_REWARD_VELOCITY,
    AMB_REWARD_END_EFFECTORS,
    AMB_REWARD_ROOT,
    AMB_REWARD_CENTRE_OF_MASS,
    AMB_REWARD_PARTS
};

extern const char *const amb_reward_name[AMB_REWARD_PARTS]; /* "pose", "velocity", "end_effectors", "root",
                                                               "com" */
extern const double amb_reward_weight[AMB_REWARD_PARTS];

typedef struct amb_reward {
    double total;                  /* [0, 1] */
    double part[AMB_REWARD_PARTS]; /* each [0, 1], before its weight */
    double root_m;                 /* distance of the roots, m */
    double joint_rad;              /* mean over joints of θ, rad (root not counted) */
    double end_effector_m;         /* mean over the four of |Δp|, m */
    /* How well the reference is followed, for the end of an episode: */
    double height_m; /* difference of the roots' heights, m */
    double tilt;     /* |Δ cos| of the angle between each root's own up and the vertical, 0 to 2 */
    double body_m;   /* mean over the bodies' joints of |Δp|, m, each seen from its own root's ground
                        projection and heading */
} amb_reward;

/* `body` and `reference` as amb_world_state gives them. */
void amb_reward_compute(const amb_character *character, const amb_state *body, const amb_state *reference,
                        amb_reward *reward);

#endif
