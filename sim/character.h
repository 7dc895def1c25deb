/* The body: DeepMimic's humanoid as a compiled MuJoCo model plus what MuJoCo does not know (PD gains, torque
 * limits, reward weights, and which MuJoCo id belongs to which of DeepMimic's bodies and joints).
 *
 * Const after creation and shared by every world and thread. Holds no state of a simulation. */
#ifndef AMI_SIM_CHARACTER_H
#define AMI_SIM_CHARACTER_H

#include "base/error.h"
#include "motion/skeleton.h"

#include <mujoco/mujoco.h>

enum { AMI_ACTION = 36 }; /* numbers in an action: what the pose (motion/clip.h) has behind the root */

typedef struct ami_joint {
    int width;      /* as in the skeleton, */
    int pose;       /* the same; an action's index is this - 7 */
    int vel;        /* the same */
    int qpos, qvel; /* first index in mjData.qpos, mjData.qvel */
    double kp;      /* N·m/rad */
    double kd;      /* N·m·s/rad, = kp / 10 s */
    double limit;   /* N·m, on the Euclidean norm of the whole PD torque of the joint */
    double weight;  /* in the imitation reward, Σ over the body = 1 (the root has one too) */
} ami_joint;

typedef struct ami_character_def {
    const char *path;    /* MJCF file; NULL: humanoid.xml of amble's assets */
    double physics_hz;   /* 120: physics steps a second */
    bool self_collision; /* false: bodies meet the floor only */
} ami_character_def;

typedef struct ami_character {
    mjModel *model;
    int body[AMI_BODIES];         /* MuJoCo body ids */
    ami_joint joint[AMI_BODIES];  /* [AMI_ROOT] is the free joint: width 0, pose 3, vel 3 */
    ami_skeleton skeleton;        /* its tree and measures, without physics */
    int floor_geom;               /* MuJoCo geom id of the plane */
    const signed char *geom_body; /* (ngeom) number of the body a geom belongs to, -1 for the world's */
    double mass;                  /* kg, whole body */
    double timestep;              /* s, of one physics step */
    int state_size;               /* numbers in ami_world_save's state */
} ami_character;

ami_character_def ami_character_default_def(void);

/* Compiles the MJCF, looks every body and joint up by name and sets stable PD's damping, kd + kp·timestep
 * (sim/world.h says why). NULL and a sentence for a file that is missing, does not compile or is another
 * body. */
ami_character *ami_character_create(const ami_character_def *def, ami_error *err);
void ami_character_destroy(ami_character *character); /* NULL is fine */

#endif
