/* amble/clip.h: the humanoid's skeleton, created once in a process, and clips. */
#include "lib/motion.h"

#include "base/assets.h"
#include "base/text.h"
#include "lib/internal.h"
#include "motion/mirror.h"
#include "sim/character.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const double max_time = 1e9; /* s, limit for sampling a clip */

amb_result lib_check_finite(const char *what, const double *values, int count)
{
    for (int i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return lib_fail(AMB_ERROR_ARGUMENT, "number %d of %s is %g, expected a finite one", i, what,
                            values[i]);
    return AMB_OK;
}

/* ---- the skeleton ---- */

static amb_skeleton humanoid;
static atomic_bool humanoid_made;
static pthread_mutex_t humanoid_lock = PTHREAD_MUTEX_INITIALIZER;

/* With the lock held. */
static amb_result make_humanoid(void)
{
    ami_error err = {""};
    const ami_character_def def = ami_character_default_def();
    ami_character *character = ami_character_create(&def, &err);
    if (!character) {
        char path[4096];
        const bool there = ami_asset_path("humanoid.xml", path, sizeof path, NULL);
        return lib_fail_with(there ? AMB_ERROR_FILE : AMB_ERROR_NOT_FOUND, &err);
    }
    humanoid.measures = character->skeleton;
    ami_character_destroy(character);
    atomic_store(&humanoid_made, true);
    return AMB_OK;
}

amb_result amb_skeleton_humanoid(const amb_skeleton **skeleton)
{
    LIB_REQUIRE(skeleton);
    amb_result result = AMB_OK;
    *skeleton = NULL;
    if (!atomic_load(&humanoid_made)) {
        pthread_mutex_lock(&humanoid_lock);
        if (!atomic_load(&humanoid_made))
            result = make_humanoid();
        pthread_mutex_unlock(&humanoid_lock);
    }
    if (result == AMB_OK)
        *skeleton = &humanoid;
    return result;
}

amb_result amb_skeleton_get_info(const amb_skeleton *skeleton, amb_skeleton_info *info)
{
    LIB_REQUIRE(skeleton && info);
    const amb_skeleton_info full = {.bodies = AMI_BODIES,
                                    .pose_size = AMI_POSE,
                                    .velocity_size = AMI_VEL,
                                    .mass = skeleton->measures.total_mass};
    LIB_REQUIRE(lib_out_copy(info, &full, sizeof full) && "size is set");
    return AMB_OK;
}

/* The joint's type and the position of its numbers. */
static void describe_joint(const ami_joint_layout *joint, bool root, amb_body_info *info)
{
    if (root) {
        info->joint = AMB_JOINT_FREE;
        info->pose_size = 7, info->velocity_size = 6;
    } else if (joint->width == 0) {
        info->joint = AMB_JOINT_FIXED;
        info->pose = info->velocity = -1;
    } else {
        const bool ball = joint->width == 4;
        info->joint = ball ? AMB_JOINT_BALL : AMB_JOINT_HINGE;
        info->pose = joint->pose, info->pose_size = joint->width;
        info->velocity = joint->vel, info->velocity_size = ball ? 3 : 1;
    }
}

amb_result amb_skeleton_body(const amb_skeleton *skeleton, int index, amb_body_info *info)
{
    LIB_REQUIRE(skeleton && info);
    if (index < 0 || index >= AMI_BODIES)
        return lib_fail(AMB_ERROR_ARGUMENT, "body %d was asked for, expected 0 to %d", index, AMI_BODIES - 1);
    const ami_skeleton *s = &skeleton->measures;
    amb_body_info full = {.name = ami_body_name[index], .parent = s->parent[index], .mass = s->mass[index]};
    describe_joint(&s->joint[index], index == AMI_ROOT, &full);
    memcpy(full.offset, s->offset[index], sizeof full.offset);
    memcpy(full.centre, s->centre[index], sizeof full.centre);
    if (full.joint == AMB_JOINT_HINGE)
        memcpy(full.limit, s->hinge_range[index], sizeof full.limit);
    LIB_REQUIRE(lib_out_copy(info, &full, sizeof full) && "size is set");
    return AMB_OK;
}

int amb_skeleton_find_body(const amb_skeleton *skeleton, const char *name)
{
    LIB_REQUIRE_OR(skeleton && name, -1);
    return ami_body_by_name(name);
}

amb_result amb_skeleton_rest_pose(const amb_skeleton *skeleton, double *pose)
{
    LIB_REQUIRE(skeleton && pose);
    double rest[AMI_POSE] = {0}, joint[AMI_BODIES][3], rot[AMI_BODIES][4];
    rest[3] = rest[4] = M_SQRT1_2;
    for (int j = 0; j < AMI_CLIP_JOINTS; j++)
        if (ami_clip_joints[j].ball)
            rest[ami_clip_joints[j].pose] = 1;
    /* Body frames are upright in the rest pose, so the sole's height is y in the ankle's frame. */
    ami_fk(&skeleton->measures, rest, joint, rot);
    rest[2] = -(joint[AMI_RIGHT_ANKLE][2] + skeleton->measures.heel[0][1]);
    memcpy(pose, rest, sizeof rest);
    return AMB_OK;
}

amb_result amb_skeleton_transforms(const amb_skeleton *skeleton, const double *pose, double *position,
                                   double *rotation)
{
    LIB_REQUIRE(skeleton && pose);
    double joint[AMI_BODIES][3], rot[AMI_BODIES][4];
    const amb_result result = lib_check_finite("the pose", pose, AMI_POSE);
    if (result != AMB_OK)
        return result;
    ami_fk(&skeleton->measures, pose, joint, rot);
    if (position)
        memcpy(position, joint, sizeof joint);
    if (rotation)
        memcpy(rotation, rot, sizeof rot);
    return AMB_OK;
}

amb_result lib_state_of(const amb_skeleton *skeleton, const double *pose, const double *velocity,
                        ami_state *state)
{
    amb_result result = lib_check_finite("the pose", pose, AMI_POSE);
    if (result == AMB_OK)
        result = lib_check_finite("the velocity", velocity, AMI_VEL);
    if (result == AMB_OK)
        ami_fk_state(&skeleton->measures, pose, velocity, state);
    return result;
}

/* ---- clips ---- */

amb_result lib_clip_wrap(ami_clip *clip, amb_clip **out)
{
    amb_clip *made = malloc(sizeof *made);
    if (!made) {
        ami_clip_destroy(clip);
        return lib_fail(AMB_ERROR_MEMORY, "out of memory");
    }
    made->clip = clip;
    made->checksum = ami_clip_crc(clip);
    *out = made;
    return AMB_OK;
}

amb_result amb_clip_load(const char *name_or_path, const char *folder, amb_clip **clip)
{
    LIB_REQUIRE(name_or_path && clip);
    *clip = NULL;
    ami_error err = {""};
    char path[4096];
    if (!ami_clip_find(name_or_path, folder, path, sizeof path, &err)) {
        struct stat about; /* a folder, a pipe */
        return lib_fail_with(stat(name_or_path, &about) == 0 ? AMB_ERROR_FILE : AMB_ERROR_NOT_FOUND, &err);
    }
    ami_clip *read = ami_clip_read(path, &err);
    return read ? lib_clip_wrap(read, clip) : lib_fail_with(AMB_ERROR_FILE, &err);
}

amb_result amb_clip_load_memory(const void *bytes, size_t size, const char *name, amb_clip **clip)
{
    LIB_REQUIRE(bytes && name && clip);
    *clip = NULL;
    ami_error err = {""};
    ami_clip *read = ami_clip_read_memory(bytes, size, name, &err);
    return read ? lib_clip_wrap(read, clip) : lib_fail_with(AMB_ERROR_FILE, &err);
}

void amb_clip_def_init_size(amb_clip_def *def, size_t size)
{
    const amb_clip_def full = {.size = size, .name = "clip"};
    if (def)
        memcpy(def, &full, size < sizeof full ? size : sizeof full);
}

amb_result amb_clip_create(const amb_clip_def *def, amb_clip **clip)
{
    LIB_REQUIRE(def && clip);
    *clip = NULL;
    amb_clip_def full;
    amb_clip_def_init(&full);
    LIB_REQUIRE(lib_def_copy(&full, sizeof full, def) && "the definition was initialised");
    ami_error err = {""};
    if (!full.name || !full.time || !full.pose)
        return lib_fail(AMB_ERROR_ARGUMENT, "the clip has no %s",
                        !full.name   ? "name"
                        : !full.time ? "times"
                                     : "poses");
    if (!ami_name_check(full.name, "the clip's name", &err))
        return lib_fail_with(AMB_ERROR_ARGUMENT, &err);
    if (full.pose_size != AMI_POSE)
        return lib_fail(AMB_ERROR_ARGUMENT, "pose_size is %d, expected the skeleton's, %d", full.pose_size,
                        AMI_POSE);
    ami_clip *made = ami_clip_create_human(full.frames, full.time, full.pose, full.loops, full.name, &err);
    if (made)
        return lib_clip_wrap(made, clip);
    ami_fail_in(&err, "%s", full.name);
    return lib_fail_with(AMB_ERROR_ARGUMENT, &err);
}

amb_result amb_clip_mirror(const amb_clip *clip, amb_clip **mirrored)
{
    LIB_REQUIRE(clip && mirrored);
    ami_error err = {""};
    *mirrored = NULL;
    ami_clip *made = ami_mirror_clip(clip->clip, &err);
    return made ? lib_clip_wrap(made, mirrored) : lib_fail_with(AMB_ERROR_ARGUMENT, &err);
}

void amb_clip_destroy(amb_clip *clip)
{
    if (!clip)
        return;
    ami_clip_destroy(clip->clip);
    free(clip);
}

amb_result amb_clip_save(const amb_clip *clip, const char *path)
{
    LIB_REQUIRE(clip && path);
    ami_error err = {""};
    return ami_clip_write(clip->clip, path, &err) ? AMB_OK : lib_fail_with(AMB_ERROR_FILE, &err);
}

amb_result amb_clip_get_info(const amb_clip *clip, amb_clip_info *info)
{
    LIB_REQUIRE(clip && info);
    const ami_clip *c = clip->clip;
    amb_clip_info full = {.name = ami_clip_name(c),
                          .frames = ami_clip_frames(c),
                          .duration = ami_clip_duration(c),
                          .loops = ami_clip_loops(c),
                          .pose_size = AMI_POSE,
                          .velocity_size = AMI_VEL,
                          .checksum = clip->checksum};
    ami_clip_cycle_offset(c, full.cycle_offset);
    LIB_REQUIRE(lib_out_copy(info, &full, sizeof full) && "size is set");
    return AMB_OK;
}

amb_result amb_clip_sample(const amb_clip *clip, double time, double *pose, double *velocity)
{
    LIB_REQUIRE(clip);
    if (!(fabs(time) <= max_time))
        return lib_fail(AMB_ERROR_ARGUMENT, "the time is %g s, expected -%g to %g", time, max_time, max_time);
    ami_clip_sample(clip->clip, time, pose, velocity);
    return AMB_OK;
}

amb_result amb_clip_frame(const amb_clip *clip, int frame, double *time, double *pose, double *velocity)
{
    LIB_REQUIRE(clip);
    const ami_clip *c = clip->clip;
    const int frames = ami_clip_frames(c);
    if (frame < 0 || frame >= frames)
        return lib_fail(AMB_ERROR_ARGUMENT, "frame %d was asked for, expected 0 to %d", frame, frames - 1);
    if (time)
        *time = ami_clip_times(c)[frame];
    if (pose)
        memcpy(pose, ami_clip_poses(c) + (size_t)frame * AMI_POSE, AMI_POSE * sizeof *pose);
    if (velocity)
        memcpy(velocity, ami_clip_vels(c) + (size_t)frame * AMI_VEL, AMI_VEL * sizeof *velocity);
    return AMB_OK;
}
