/* Clips: a reference motion as poses over time, sampled at any time with velocities.
 *
 * A clip is const once made (or refilled) and may be shared by threads; sampling allocates nothing. The world
 * is z up (as MuJoCo's); DeepMimic's y-up files are converted when read and when written. A clip knows
 * nothing of bodies, contacts or control: it does not lift a pose out of the ground, does not mirror, does
 * not retarget. */
#ifndef AMI_MOTION_CLIP_H
#define AMI_MOTION_CLIP_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Pose (43), z up, in amble's and DeepMimic's joint order: [0:3] root position m; [3:7] root quaternion wxyz
 * (body frame at rest x forward, y up, z right, as DeepMimic's, so a root standing upright and facing x has
 * (cos 45 deg, sin 45 deg, 0, 0)); then the joints: a ball has a quaternion wxyz relative to its parent, a
 * hinge an angle in rad about z. A quaternion's sign carries no meaning. Velocity (34): [0:3] root linear,
 * world frame, m/s; [3:6] root angular, the root's own (body) frame, rad/s; then the joints: a ball has the
 * angular velocity of the child relative to the parent in the child's frame, rad/s (MuJoCo's qvel), a hinge
 * rad/s. */
enum { AMI_POSE = 43, AMI_VEL = 34, AMI_CLIP_JOINTS = 12, AMI_CLIP_MAX_FRAMES = 100000 };

/* Where a joint lies in a pose and in a velocity:
 *   chest 7/6, neck 11/9, right hip 15/12, right knee 19/15, right ankle 20/16, right shoulder 24/19, right
 *   elbow 28/22,
 *   left hip 29/23, left knee 33/26, left ankle 34/27, left shoulder 38/30, left elbow 42/33. */
typedef struct ami_clip_joint {
    const char *name; /* "chest", "right_hip", ... */
    int pose;         /* first index in the pose: 4 numbers for a ball, 1 for a hinge */
    int vel;          /* first index in the velocity: 3 or 1 */
    bool ball;
} ami_clip_joint;
extern const ami_clip_joint ami_clip_joints[AMI_CLIP_JOINTS];

typedef struct ami_clip ami_clip;

/* Reads a motion of any format that amble knows (motion/motion_file.h): BVH, which is retargeted to the
 * humanoid and loops only where it says so, or DeepMimic's JSON: `Loop` ("wrap" or true or 1, "none" or false or 0) and
 * `Frames`, each of 44 numbers: duration s, then the pose, y up. A frame's time is the sum of the durations
 * before it; the last one's is ignored. Other keys are ignored, and a byte-order mark. NULL on error: the
 * sentence names file, frame (from 0), field, what was found and what was expected. So it is for what no
 * human does, which is how other units show: a root above 2.5 m, always above 1.5 m or below the floor,
 * faster than 20 m/s, a joint faster than 200 rad/s, a frame longer than 1 s. The clip's name is the file's,
 * without "humanoid3d_" and ending. */
ami_clip *ami_clip_read(const char *path, ami_error *err);

/* The same from the bytes of such a file; `name` stands in sentences for its path, and names the clip as a
 * path would. */
ami_clip *ami_clip_read_memory(const void *bytes, size_t size, const char *name, ami_error *err);

/* Whether a file looks like such a motion, whatever its name: BVH, binary glTF with an animation, a ZIP file that
 * begins with an npy array, or an object in whose Frames the first one has 44 values. It looks at the first 64 KiB
 * (of glTF, at the JSON part), believes nothing else and changes nothing. */
bool ami_clip_looks_like(const char *path);

/* Writes DeepMimic's JSON, one frame a line, numbers with 12 digits, or, where the name ends in .bvh, .glb
 * or .npz, that format (motion/bvh.h, glb.h, npz.h), replacing `path` as a whole or not at all. A name that ends
 * otherwise (.fbx, .csv, .2) is refused; one without a dot is JSON. */
AMI_MUST_CHECK bool ami_clip_write(const ami_clip *clip, const char *path, ami_error *err);

/* Whether ami_clip_write knows how to write a file of that name, for what checks before its work; false and a
 * sentence that names the endings. */
AMI_MUST_CHECK bool ami_clip_check_ending(const char *path, ami_error *err);

/* The text of DeepMimic's JSON that ami_clip_write writes, malloc'd, *size long. NULL and a sentence when
 * memory is short. */
char *ami_clip_encode(const ami_clip *clip, size_t *size, ami_error *err);

/* A motion as users give it: an existing file is taken as it is; otherwise a NAME, looked up as
 * DIR/humanoid3d_NAME.txt, DIR/NAME.txt, DIR/NAME.bvh, .glb, .npz, then .fbx in `clips_dir`, or, where that is
 * NULL, in $AMBLE_CLIPS, ./clips, the clips folder amble was built with and amble's own assets/motions, in
 * this order. The path goes to path[n]. On error the sentence names the folders looked at and the motions
 * they hold, or how to get some. */
AMI_MUST_CHECK bool ami_clip_find(const char *name_or_path, const char *clips_dir, char *path, size_t n,
                                  ami_error *err);

/* The same for what is known to be a NAME, as a policy's metadata has it: a file of that name in the working folder is
 * another one. */
AMI_MUST_CHECK bool ami_clip_find_name(const char *name, const char *clips_dir, char *path, size_t n,
                                       ami_error *err);

/* The name of the clip in a file: "walk" of humanoid3d_walk.txt in any folder. False and a sentence where it
 * does not fit into name[n]. */
bool ami_clip_name_of_file(const char *path, char *name, size_t n, ami_error *err);

/* A clip from memory: time (frames) in s, from 0, strictly increasing; pose (frames, 43) as above, at least 2
 * frames, at most AMI_CLIP_MAX_FRAMES. Quaternions of length .5 to 1.5 (the public clips have hand-edited
 * ones of .58) are normalised and put on one side of the sphere from frame to frame. Hinges lie within +-2
 * pi, the root within 10 km and 100 m of height, frames 10 us apart or more. In a loop the last frame is the
 * first of the next cycle, moved by the cycle offset. Inputs are copied. NULL on error. */
ami_clip *ami_clip_create(int frames, const double *time, const double *pose, bool loop, const char *name,
                          ami_error *err);

/* The same, but refuses what no human does, as ami_clip_read does. */
ami_clip *ami_clip_create_human(int frames, const double *time, const double *pose, bool loop,
                                const char *name, ami_error *err);

/* A clip with a capacity of `capacity` frames (2 to AMI_CLIP_MAX_FRAMES), for a motion that is made while
 * others run: until it is filled it is a loop of one second in which the body stands upright at the origin.
 * NULL on error. */
ami_clip *ami_clip_reserve(int capacity, const char *name, ami_error *err);

/* Replaces what a clip holds, on the terms of ami_clip_create and without allocating; no other thread
 * may sample the clip meanwhile. False and a sentence, and the clip as it was, where the frames are refused
 * or exceed its capacity (of ami_clip_create's clips: the frames that they were made with). err may be NULL.
 */
AMI_MUST_CHECK bool ami_clip_refill(ami_clip *clip, int frames, const double *time, const double *pose,
                                    bool loop, ami_error *err);
void ami_clip_destroy(ami_clip *clip); /* NULL is fine */

double ami_clip_duration(const ami_clip *clip); /* s: the last frame's time */
int ami_clip_frames(const ami_clip *clip);
bool ami_clip_loops(const ami_clip *clip);

/* Whether it is known that the clip loops or does not: false for files that do not say (BVH, glTF and npz of other
 * programs), which are not taken for loops. True for every clip until it is set. */
bool ami_clip_loop_is_known(const ami_clip *clip);
void ami_clip_set_loop_known(ami_clip *clip, bool known);
const char *ami_clip_name(const ami_clip *clip);
const double *ami_clip_times(const ami_clip *clip); /* (frames) s */
const double *ami_clip_poses(const ami_clip *clip); /* (frames, 43) */
const double *ami_clip_vels(const ami_clip *clip);  /* (frames, 34), what ami_clip_sample interpolates */

/* CRC-32C of times, poses and whether it loops: distinguishes motions of the same name. A file
 * read twice gives it twice. */
uint32_t ami_clip_crc(const ami_clip *clip);

/* How far a loop advances each cycle: last minus first root position, horizontal only (z is 0). Zero where
 * the clip does not loop. */
void ami_clip_cycle_offset(const ami_clip *clip, double offset[3]);

/* [0, 1): t modulo the duration for a loop, else t over the duration, clamped to [0, 1). */
double ami_clip_phase(const ami_clip *clip, double t);

/* Pose and velocity at any finite time t in s, negative too. Poses: slerp along the shorter arc, linear for
 * hinges and positions. Velocities: differences over the neighbouring frames (one-sided at the ends of a clip
 * that does not loop, around the seam of one that does), linear in between, so they are continuous. A loop
 * advances by the cycle offset each cycle; a clip that does not loop holds its first or last pose outside [0,
 * duration], with zero velocity. pose or vel may be NULL. */
void ami_clip_sample(const ami_clip *clip, double t, double pose[AMI_POSE], double vel[AMI_VEL]);

#endif
