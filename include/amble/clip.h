/* Motion clips: poses over time, from files, memory or arrays; and the skeleton that the poses belong to.
 *
 *     amb_clip *clip;
 *     amb_clip_load("walk", NULL, &clip);
 *     amb_clip_info info = {.size = sizeof info};
 *     amb_clip_get_info(clip, &info);
 *     double *pose = malloc(info.pose_size * sizeof *pose);
 *     amb_clip_sample(clip, 0.5, pose, NULL);
 *
 *     const amb_skeleton *skeleton;
 *     amb_skeleton_humanoid(&skeleton);
 *     double position[15][3], rotation[15][4];        amb_skeleton_info.bodies of them
 *     amb_skeleton_transforms(skeleton, pose, position[0], rotation[0]);
 *
 * Poses and velocities
 *   A pose is pose_size numbers: root position (m, the z axis points up), root rotation, then the joints. All
 *   rotations are quaternions wxyz, whose sign carries no meaning. A ball joint has the rotation of its body
 *   relative to the parent, a hinge an angle in rad about its body's z axis.
 *
 *   A velocity is velocity_size numbers: the root's linear velocity (world, m/s), its angular velocity
 *   (rad/s, in the root's own frame), then the joints: a ball has the angular velocity relative to the parent
 *   in the frame of its body, a hinge rad/s. Where a joint's numbers begin: amb_body_info.
 *
 *   Body frames at rest: x forward, y up, z to the right (DeepMimic's), so the root of a body that stands
 *   upright and faces the world's x axis has the rotation (√½, √½, 0, 0).
 *
 * Files
 *   DeepMimic's JSON (Peng et al. 2018), y up: "Loop" and "Frames", each of 44 numbers: duration s and the
 *   pose. Files are converted to z up when read, and back when saved. BVH files, and npz files of AMASS or of
 *   joint positions (if the library was built with libzip), are retargeted to the humanoid by the directions
 *   of their bones, with resting feet held in place; they do not loop.
 *
 * Threads: clips and skeletons are const once made; any number of threads may use one. amb_clip_sample,
 * amb_clip_frame and amb_skeleton_transforms allocate nothing and take no lock. */
#ifndef AMBLE_CLIP_H
#define AMBLE_CLIP_H

#include <amble/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the skeleton ---- */

typedef struct amb_skeleton amb_skeleton;

/* amble's humanoid, DeepMimic's: 15 bodies, 45 kg. It is read from humanoid.xml among the assets, which
 * MuJoCo compiles, at the first call in a process (some milliseconds); later calls return the same. Any
 * thread may call at any time. It is not to be destroyed. AMB_ERROR_NOT_FOUND if the assets are missing; the
 * next call tries again. */
AMB_NODISCARD AMB_API amb_result amb_skeleton_humanoid(const amb_skeleton **skeleton);

typedef struct amb_skeleton_info {
    size_t size; /* sizeof(amb_skeleton_info), set by the caller */
    int bodies;
    int pose_size;     /* numbers in a pose */
    int velocity_size; /* numbers in a velocity */
    double mass;       /* kg, of the whole body */
} amb_skeleton_info;

AMB_API amb_result amb_skeleton_get_info(const amb_skeleton *skeleton, amb_skeleton_info *info);

/* How a body is joined to its parent, with its numbers in a pose and in a velocity. */
typedef enum amb_joint_type {
    AMB_JOINT_FREE = 0,  /* the root: 7 (position, rotation) and 6 */
    AMB_JOINT_BALL = 1,  /* 4 and 3 */
    AMB_JOINT_HINGE = 2, /* 1 and 1 */
    AMB_JOINT_FIXED = 3  /* the wrists: none */
} amb_joint_type;

typedef struct amb_body_info {
    size_t size;      /* sizeof(amb_body_info), set by the caller */
    const char *name; /* "root", "right_knee", …: of the body and of its joint; never freed */
    int parent;       /* its parent's number, smaller than its own; -1 for the root */
    amb_joint_type joint;
    int pose, pose_size;         /* its joint's first number in a pose, and how many; -1 and 0: none */
    int velocity, velocity_size; /* the same in a velocity */
    double offset[3]; /* m: its joint, which is its origin, in the parent's frame; 0 for the root */
    double centre[3]; /* m: its centre of mass, in its own frame */
    double mass;      /* kg */
    double limit[2];  /* rad: smallest and largest angle of a hinge; 0 0 for other joints */
} amb_body_info;

/* Bodies are numbered from the root down, parents before children. AMB_ERROR_ARGUMENT where there is none. */
AMB_API amb_result amb_skeleton_body(const amb_skeleton *skeleton, int index, amb_body_info *info);

/* The number of the body of that name, -1 where there is none. */
AMB_API int amb_skeleton_find_body(const amb_skeleton *skeleton, const char *name);

/* Standing upright on the floor at the origin, facing x, all joints at 0: pose (pose_size). */
AMB_API amb_result amb_skeleton_rest_pose(const amb_skeleton *skeleton, double *pose);

/* Where the bodies are in a pose (forward kinematics): position (bodies, 3) m, of each body's origin, which
 * is its joint; rotation (bodies, 4) wxyz, from the body's frame to the world's. Either may be NULL.
 * Quaternions of the pose need not have unit length. AMB_ERROR_ARGUMENT for numbers that are not finite. */
AMB_API amb_result amb_skeleton_transforms(const amb_skeleton *skeleton, const double *pose, double *position,
                                           double *rotation);

/* ---- clips ---- */

typedef struct amb_clip amb_clip;

/* A file, or the name of a motion ("walk"): DIR/humanoid3d_NAME.txt, DIR/NAME.txt, DIR/NAME.bvh, DIR/NAME.glb or
 * DIR/NAME.npz, DIR being `folder`, or, where that is NULL, one after the other $AMBLE_CLIPS, ./clips and
 * amble's own motions. The clip is named after the file, without "humanoid3d_" and extension. The caller
 * destroys *clip.
 *
 * AMB_ERROR_NOT_FOUND: no such file or motion; the sentence lists the available ones. AMB_ERROR_FILE: the
 * content is not valid; the sentence names frame (from 0), field, what was found and what was expected.
 * Values that no human reaches are not valid either, because they indicate wrong units: a root above 2.5 m,
 * always above 1.5 m or below the floor, faster than 20 m/s, a joint faster than 200 rad/s, a frame longer
 * than 1 s. */
AMB_NODISCARD AMB_API amb_result amb_clip_load(const char *name_or_path, const char *folder, amb_clip **clip);

/* The same from the bytes of a file; `name` is the clip's name and replaces the path in sentences. */
AMB_NODISCARD AMB_API amb_result amb_clip_load_memory(const void *bytes, size_t size, const char *name,
                                                      amb_clip **clip);

typedef struct amb_clip_def {
    size_t size;
    const char *name;   /* "clip": 1 to 64 bytes of UTF-8 */
    bool loops;         /* false. In a loop the last frame is the first of the next cycle, moved on by the
                           cycle offset */
    int frames;         /* 0; 2 to 100000 */
    int pose_size;      /* 0: numbers in each pose, which must be amb_skeleton_info.pose_size */
    const double *time; /* NULL: (frames) s, from 0, each at least 10 µs after the one before */
    const double *pose; /* NULL: (frames, pose_size), as above; quaternions of length .5 to 1.5 are made unit
                           length */
} amb_clip_def;

AMB_API void amb_clip_def_init_size(amb_clip_def *def, size_t size);
static inline void amb_clip_def_init(amb_clip_def *def)
{
    amb_clip_def_init_size(def, sizeof *def);
}

/* A clip from arrays, which are copied. They are checked as a file is, except for the length of a frame;
 * errors are AMB_ERROR_ARGUMENT with the same sentences. */
AMB_NODISCARD AMB_API amb_result amb_clip_create(const amb_clip_def *def, amb_clip **clip);

/* A new clip with left and right exchanged: mirrored in the vertical plane through the x axis. It is called
 * NAME_mirrored. */
AMB_NODISCARD AMB_API amb_result amb_clip_mirror(const amb_clip *clip, amb_clip **mirrored);
AMB_API void amb_clip_destroy(amb_clip *clip); /* NULL is fine */

/* Writes DeepMimic's JSON, numbers with 12 digits, or, where the name ends in .bvh, .glb or .npz, that
 * format, replacing `path` as a whole or not at all. AMB_ERROR_FILE where it cannot be written, or where the name has
 * the extension of another format (.fbx, .csv). */
AMB_NODISCARD AMB_API amb_result amb_clip_save(const amb_clip *clip, const char *path);

typedef struct amb_clip_info {
    size_t size;      /* sizeof(amb_clip_info), set by the caller */
    const char *name; /* lives as long as the clip */
    int frames;
    double duration; /* s: the last frame's time */
    bool loops;
    int pose_size, velocity_size; /* numbers in a pose and in a velocity */
    double cycle_offset[3]; /* m: how far a loop advances in each cycle, z 0; 0 where it does not loop */
    uint32_t checksum;      /* CRC-32C of times, poses and whether it loops */
} amb_clip_info;

AMB_API amb_result amb_clip_get_info(const amb_clip *clip, amb_clip_info *info);

/* Pose (pose_size) and velocity (velocity_size) at any time in s, from -1e9 to 1e9; either may be NULL.
 * Rotations are interpolated by slerp, other numbers linearly; velocities are differences over the
 * neighbouring frames, interpolated linearly. A loop advances by the cycle offset in each cycle; a clip that
 * does not loop holds its first or last pose outside of [0, duration], with velocity 0. */
AMB_API amb_result amb_clip_sample(const amb_clip *clip, double time, double *pose, double *velocity);

/* A frame as it is stored, [0, frames): time in s, pose, velocity; any may be NULL. */
AMB_API amb_result amb_clip_frame(const amb_clip *clip, int frame, double *time, double *pose,
                                  double *velocity);

#ifdef __cplusplus
}
#endif

#endif
