/* The body: DeepMimic's humanoid as a compiled MuJoCo model plus what MuJoCo does not know (PD gains, torque limits, reward weights, and
 * which MuJoCo id belongs to which of DeepMimic's bodies and joints).
 *
 * Const after creation and shared by every world and thread. Holds no state of a simulation. */
#ifndef AMB_SIM_CHARACTER_H
#define AMB_SIM_CHARACTER_H

#include "base/error.h"
#include "sim/clip.h"

#include <mujoco/mujoco.h>

/* Order of bodies everywhere, DeepMimic's: a body's number is the number of the joint that carries it. */
enum {
    AMB_ROOT,
    AMB_CHEST,
    AMB_NECK,
    AMB_RIGHT_HIP,
    AMB_RIGHT_KNEE,
    AMB_RIGHT_ANKLE,
    AMB_RIGHT_SHOULDER,
    AMB_RIGHT_ELBOW,
    AMB_RIGHT_WRIST,
    AMB_LEFT_HIP,
    AMB_LEFT_KNEE,
    AMB_LEFT_ANKLE,
    AMB_LEFT_SHOULDER,
    AMB_LEFT_ELBOW,
    AMB_LEFT_WRIST,
    AMB_BODIES,
    AMB_ACTION = 36, /* numbers in an action: what the pose (sim/clip.h) has behind the root */
};

typedef struct amb_joint {
    int width;      /* 4 ball (quaternion), 1 hinge (angle), 0 no joint (the wrists; the root is not driven either) */
    int pose;       /* first index in a pose (AMB_POSE numbers); an action's index is this - 7 */
    int vel;        /* first index in a velocity (AMB_VEL numbers) */
    int qpos, qvel; /* first index in mjData.qpos, mjData.qvel */
    double kp;      /* N·m/rad */
    double kd;      /* N·m·s/rad, = kp / 10 s */
    double limit;   /* N·m, on the Euclidean norm of the whole PD torque of the joint */
    double weight;  /* in the imitation reward, Σ over the body = 1 (the root has one too) */
} amb_joint;

/* The body's measures, for whoever places it without MuJoCo (sim/kinematics.h). m and kg, in body frames: at rest x forward, y up, z right.
 */
typedef struct amb_skeleton {
    int parent[AMB_BODIES];       /* number of the body it hangs on, smaller than its own; -1 for the root */
    double offset[AMB_BODIES][3]; /* the joint, in the parent's frame; 0 for the root */
    double centre[AMB_BODIES][3]; /* the centre of mass, in the body's own frame */
    double mass[AMB_BODIES];
    double toe[2][3], heel[2][3]; /* right, left: middle of the sole's front and rear edge, in the ankle's frame */
    double head_front[3];         /* the face's foremost point at the height of the head's centre, in the neck's frame */
} amb_skeleton;

typedef struct amb_character_def {
    const char *path;    /* MJCF file; NULL: humanoid.xml of amble's assets */
    double physics_hz;   /* 120: physics steps a second */
    bool self_collision; /* false: bodies meet the floor only */
} amb_character_def;

typedef struct amb_character {
    mjModel *model;
    int body[AMB_BODIES];         /* MuJoCo body ids */
    amb_joint joint[AMB_BODIES];  /* [AMB_ROOT] is the free joint: width 0, pose 3, vel 3 */
    amb_skeleton skeleton;        /* its measures */
    int floor_geom;               /* MuJoCo geom id of the plane */
    const signed char *geom_body; /* (ngeom) number of the body a geom belongs to, -1 for the world's */
    double mass;                  /* kg, whole body */
    double timestep;              /* s, of one physics step */
    int state_size;               /* numbers in amb_world_save's state */
} amb_character;

extern const char *const amb_body_name[AMB_BODIES];

amb_character_def amb_character_default_def(void);

/* Compiles the MJCF, looks every body and joint up by name and sets stable PD's damping, kd + kp·timestep (sim/world.h says why). NULL and
 * a sentence for a file that is missing, does not compile or is another body. */
amb_character *amb_character_create(const amb_character_def *def, amb_error *err);
void amb_character_destroy(amb_character *character); /* NULL is fine */

/* Number of a body by name ("right_ankle"), -1 if there is none. */
int amb_body_by_name(const char *name);

/* Bodies named in a list with commas ("left_wrist,right_wrist") as bits, and the other way round. Reading fails with a sentence where a
 * name is no body's. 256 bytes are enough for all names. */
bool amb_bodies_read(const char *list, unsigned *bits, amb_error *err);
void amb_bodies_print(unsigned bits, char *list, size_t size);

/* Path of a file of amble's assets ("humanoid.xml", "models/walk.onnx"): in $AMBLE_ASSETS, else ../share/amble beside the program, else the
 * source tree it was built from. False and a sentence naming the places looked at. */
bool amb_asset_path(const char *name, char *path, size_t size, amb_error *err);

#endif
