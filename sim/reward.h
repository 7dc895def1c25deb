/* The imitation reward (Peng et al. 2018, DeepMimic, section 5.1, with the public code's weights):
 *
 *   .5 pose + .05 velocity + .15 end effectors + .2 root + .1 centre of mass, each part in [0, 1]
 *   pose             exp(-2 Σ w θ²)      θ: angle between joint rotations of body and reference, with root
 *   velocity         exp(-.1 Σ w |Δω|²)  angular velocities of the joints, with root
 *   end effectors    exp(-10 Σ |Δp|²)    wrists and ankles: height above the ground, and horizontal position
 *                                        relative to the root in its heading frame (as in SceneImitate.cpp)
 *   root             exp(-5 (|Δp|² + .1 θ² + .01 |Δv|² + .001 |Δω|²))
 *   centre of mass   exp(-10 · .1 |Δv|²)
 *
 * with w the joints' weights (ami_joint.weight, Σ = 1), lengths in m, angles in rad, times in s. */
#ifndef AMI_SIM_REWARD_H
#define AMI_SIM_REWARD_H

#include "sim/world.h"

enum {
    AMI_REWARD_POSE,
    AMI_REWARD_VELOCITY,
    AMI_REWARD_END_EFFECTORS,
    AMI_REWARD_ROOT,
    AMI_REWARD_CENTRE_OF_MASS,
    AMI_REWARD_PARTS
};

/* "pose", "velocity", "end_effectors", "root", "com" */
extern const char *const ami_reward_name[AMI_REWARD_PARTS];
extern const double ami_reward_weight[AMI_REWARD_PARTS];

typedef struct ami_reward {
    double total;                  /* [0, 1] */
    double part[AMI_REWARD_PARTS]; /* each [0, 1], before its weight */
    double root_m;                 /* distance of the roots, m */
    double joint_rad;              /* mean of θ over the joints without the root, rad */
    double end_effector_m;         /* mean of |Δp| over the four end effectors, m */
    /* Tracking errors, for early termination: */
    double height_m; /* difference of the roots' heights, m */
    double tilt;     /* |Δ cos| of the angle between each root's up axis and the vertical, 0 to 2 */
    double body_m;   /* mean of |Δp| over the bodies' joints, m, each relative to its own root's ground
                        projection and heading */
} ami_reward;

/* body, reference: states as from ami_world_state. */
void ami_reward_compute(const ami_character *character, const ami_state *body, const ami_state *reference,
                        ami_reward *reward);

#endif
