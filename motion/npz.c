/* Motions in npz files. */
#include "motion/npz.h"

#include "base/assert.h"
#include "motion/edit.h"
#include "motion/humanoid.h"
#include "motion/kinematics.h"
#include "motion/rotation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool ami_motion_npz_looks_like(const void *bytes, size_t size)
{
    return size >= 4 && memcmp(bytes, "PK\x03\x04", 4) == 0;
}

bool ami_motion_npz_holds_arrays(const void *bytes, size_t size)
{
    enum { NAME_SIZE = 26, NAME = 30 }; /* places in a ZIP file's local header */
    const uint8_t *b = bytes;
    if (!ami_motion_npz_looks_like(bytes, size) || size < NAME)
        return false;
    const size_t length = (size_t)b[NAME_SIZE] | (size_t)b[NAME_SIZE + 1] << 8;
    return length > 4 && length <= size - NAME && !memcmp(b + NAME + length - 4, ".npy", 4);
}

#ifdef AMB_LIBZIP
#include <zip.h>

enum { SMPL_JOINTS = 22, LONGEST_NAME = 256 };

static const double off_hinge = .01;               /* sine of half an angle that is no hinge's */
static const double same_place = 1e-3;             /* m */
static const size_t max_array = (size_t)512 << 20; /* bytes */

/* SMPL's joints: names, parents, and bones of a mean adult body at rest (m; x left, y up, z forward), the
 * same on both sides. */
static const struct {
    const char *name;
    int parent;
    double offset[3];
} smpl[SMPL_JOINTS] = {
    {"pelvis", -1, {0, 0, 0}},
    {"left_hip", 0, {.069, -.091, -.006}},
    {"right_hip", 0, {-.069, -.091, -.006}},
    {"spine1", 0, {0, .109, -.027}},
    {"left_knee", 1, {.036, -.379, -.007}},
    {"right_knee", 2, {-.036, -.379, -.007}},
    {"spine2", 3, {0, .135, .001}},
    {"left_ankle", 4, {-.015, -.398, -.043}},
    {"right_ankle", 5, {.015, -.398, -.043}},
    {"spine3", 6, {0, .053, .025}},
    {"left_foot", 7, {.026, -.052, .121}},
    {"right_foot", 8, {-.026, -.052, .121}},
    {"neck", 9, {0, .214, -.043}},
    {"left_collar", 9, {.08, .12, -.036}},
    {"right_collar", 9, {-.08, .12, -.036}},
    {"head", 12, {0, .065, .051}},
    {"left_shoulder", 13, {.094, .032, -.009}},
    {"right_shoulder", 14, {-.094, .032, -.009}},
    {"left_elbow", 16, {.257, -.013, -.024}},
    {"right_elbow", 17, {-.257, -.013, -.024}},
    {"left_wrist", 18, {.252, .008, -.003}},
    {"right_wrist", 19, {-.252, .008, -.003}},
};

/* An array's bytes, *size long; NULL without a sentence where there is none of that name. */
static uint8_t *entry_of(zip_t *zip, const char *name, size_t *size, bool *failed, ami_error *err)
{
    char file[64];
    zip_stat_t st;
    snprintf(file, sizeof file, "%s.npy", name);
    if (zip_stat(zip, file, 0, &st) != 0)
        return NULL;
    *failed = true;
    if (!(st.valid & ZIP_STAT_SIZE) || st.size > max_array) {
        ami_fail(err, "%s is larger than %zu bytes", file, max_array);
        return NULL;
    }
    /* The size is the file's own claim: memory grows with what really comes. */
    size_t capacity = st.size < 65536 ? st.size + 1 : 65536, used = 0;
    uint8_t *bytes = malloc(capacity);
    zip_file_t *in = bytes ? zip_fopen(zip, file, 0) : NULL;
    zip_int64_t n = in ? 1 : -1;
    while (bytes && n > 0) {
        if (used == capacity) {
            capacity = capacity * 2 < st.size + 1 ? capacity * 2 : st.size + 1;
            uint8_t *more = used < capacity ? realloc(bytes, capacity) : NULL;
            if (!more)
                break;
            bytes = more;
        }
        n = zip_fread(in, bytes + used, capacity - used);
        used += n > 0 ? (size_t)n : 0;
    }
    if (in)
        zip_fclose(in);
    if (n != 0 || used != st.size) {
        free(bytes);
        ami_fail(err, "%s is damaged or needs more memory than there is", file);
        return NULL;
    }
    *size = used;
    *failed = false;
    return bytes;
}

/* An array of doubles of this rank; false where it is wrong, and, with a sentence only if `needed`, where
 * there is none. */
static bool array_of(zip_t *zip, const char *name, int rank, ami_npy *array, bool *failed, ami_error *err)
{
    size_t size;
    uint8_t *bytes = entry_of(zip, name, &size, failed, err);
    if (!bytes)
        return false;
    bool ok = ami_npy_decode(bytes, size, name, AMI_NPY_WIDEN_TO_DOUBLE, array, err);
    free(bytes);
    if (ok && array->rank != rank) {
        char shape[64];
        ok = ami_fail(err, "%s has the shape %s, expected %d dimensions", name,
                      ami_npy_shape_text(array->rank, array->shape, shape, sizeof shape), rank);
        ami_npy_free(array);
    }
    *failed = !ok;
    return ok;
}

/* The text of an npy header, and where its data begins; false where it is none. */
static bool header_of(const uint8_t *bytes, size_t size, char *header, size_t room, size_t *data)
{
    if (size < 12 || memcmp(bytes, "\x93NUMPY", 6) != 0)
        return false;
    const size_t start = bytes[6] == 1 ? 10 : 12;
    const size_t length = bytes[6] == 1 ? (size_t)bytes[8] | (size_t)bytes[9] << 8
                                        : (size_t)bytes[8] | (size_t)bytes[9] << 8 | (size_t)bytes[10] << 16 |
                                              (size_t)bytes[11] << 24;
    *data = start + length;
    if (*data > size || length >= room)
        return false;
    memcpy(header, bytes + start, length);
    header[length] = 0;
    return true;
}

/* A frame rate: one number of any usual type, with or without a dimension. */
static bool rate_of(zip_t *zip, double *rate, bool *failed, ami_error *err)
{
    static const char *const names[] = {"mocap_framerate", "mocap_frame_rate", "fps", "framerate",
                                        "frame_rate"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t size, data;
        char header[512];
        uint8_t *bytes = entry_of(zip, names[i], &size, failed, err);
        if (!bytes) {
            if (*failed)
                return false;
            continue;
        }
        bool ok = header_of(bytes, size, header, sizeof header, &data);
        const uint8_t *at = bytes + data;
        const size_t left = ok ? size - data : 0;
        if (ok && strstr(header, "'<f8'") && left == 8) {
            memcpy(rate, at, 8);
        } else if (ok && strstr(header, "'<f4'") && left == 4) {
            float value;
            memcpy(&value, at, 4);
            *rate = value;
        } else if (ok && strstr(header, "'<i8'") && left == 8) {
            int64_t value;
            memcpy(&value, at, 8);
            *rate = (double)value;
        } else if (ok && strstr(header, "'<i4'") && left == 4) {
            int32_t value;
            memcpy(&value, at, 4);
            *rate = value;
        } else {
            ok = false;
        }
        free(bytes);
        *failed = true;
        if (!ok)
            return ami_fail(err, "%s is not one number", names[i]);
        if (!(*rate >= 1 && *rate <= 1000))
            return ami_fail(err, "%s is %g, expected 1 to 1000 Hz", names[i], *rate);
        *failed = false;
        return true;
    }
    *failed = true;
    return ami_fail(err, "there is no frame rate, expected mocap_framerate, mocap_frame_rate or fps");
}

static ami_mocap *allocate(int joints, size_t frames, int channels, double rate, ami_error *err)
{
    if (frames < 1 || frames > AMI_CLIP_MAX_FRAMES) {
        ami_fail(err, "%zu frames, expected 1 to %d", frames, AMI_CLIP_MAX_FRAMES);
        return NULL;
    }
    ami_mocap *m = calloc(1, sizeof *m);
    if (m) {
        m->joints = joints;
        m->frames = (int)frames;
        m->channels = channels;
        m->frame_time = 1 / rate;
        m->joint = calloc((size_t)joints, sizeof *m->joint);
        m->value = malloc(frames * (size_t)channels * sizeof *m->value);
    }
    if (!m || !m->joint || !m->value) {
        ami_mocap_destroy(m);
        ami_fail(err, "out of memory for %zu frames", frames);
        return NULL;
    }
    return m;
}

/* `limit`: what a number may be. */
static bool copy_checked(double *out, const double *in, size_t n, double limit, const char *what,
                         size_t frame, ami_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (!(fabs(in[i]) <= limit))
            return ami_fail(err, "frame %zu: number %zu of %s is %g, expected a finite one of at most %g",
                            frame, i, what, in[i], limit);
        out[i] = in[i];
    }
    return true;
}

static ami_mocap *amass(const ami_npy *poses, const ami_npy *trans, double rate, ami_error *err)
{
    const size_t width = poses->shape[1], frames = poses->shape[0];
    if (width < 3 * SMPL_JOINTS || trans->shape[0] != frames || trans->shape[1] != 3) {
        ami_fail(err, "poses is (%zu, %zu) and trans (%zu, %zu), expected (T, %d or more) and (T, 3)", frames,
                 width, trans->shape[0], trans->shape[1], 3 * SMPL_JOINTS);
        return NULL;
    }
    ami_mocap *m = allocate(SMPL_JOINTS, frames, 3 + 3 * SMPL_JOINTS, rate, err);
    for (int j = 0, first = 0; m && j < SMPL_JOINTS; j++) {
        ami_mocap_joint *joint = &m->joint[j];
        snprintf(joint->name, sizeof joint->name, "%s", smpl[j].name);
        joint->parent = smpl[j].parent;
        memcpy(joint->offset, smpl[j].offset, sizeof joint->offset);
        joint->first = first;
        for (int k = 0; j == 0 && k < 3; k++)
            joint->channel[joint->channels++] = (unsigned char)k;
        joint->channel[joint->channels++] = AMI_CHANNEL_VECTOR;
        joint->channels += 2;
        first += joint->channels;
    }
    for (size_t f = 0; m && f < frames; f++) {
        double *value = m->value + f * (size_t)m->channels;
        if (!copy_checked(value, trans->f64 + 3 * f, 3, 1e6, "trans", f, err) ||
            !copy_checked(value + 3, poses->f64 + width * f, 3 * SMPL_JOINTS, 1e3, "poses", f, err)) {
            ami_mocap_destroy(m);
            return NULL;
        }
    }
    return m;
}

/* Joint j's name out of '<U20' or '|S20'. */
static void name_of(const uint8_t *data, char type, int letters, int j, char name[AMI_NAME])
{
    char text[LONGEST_NAME + 1];
    int n = 0;
    for (int i = 0; i < letters && n < LONGEST_NAME; i++) {
        const uint8_t *at = data + ((size_t)j * (size_t)letters + (size_t)i) * (type == 'U' ? 4 : 1);
        const bool ascii = type != 'U' || (!at[1] && !at[2] && !at[3]);
        if (at[0] == 0)
            break;
        text[n++] = ascii && at[0] < 128 ? (char)at[0] : '?';
    }
    text[n] = 0;
    ami_text_escape(text, name, AMI_NAME);
}

static bool read_names(zip_t *zip, ami_mocap *m, ami_error *err)
{
    size_t size, data;
    bool failed = false;
    char header[512];
    uint8_t *bytes = entry_of(zip, "names", &size, &failed, err);
    if (!bytes)
        return failed ? false : ami_fail(err, "there are positions, but no names of joints");
    bool ok = header_of(bytes, size, header, sizeof header, &data);
    const char *type = ok ? strstr(header, "'<U") : NULL;
    type = type || !ok ? type : strstr(header, "'|S");
    const int letters = type ? atoi(type + 3) : 0;
    ok = type && letters > 0 && letters <= 4096 &&
         size - data == (size_t)m->joints * (size_t)letters * (type[2] == 'U' ? 4u : 1u);
    if (!ok)
        ami_fail(err, "names is not a list of %d short texts, one for each joint", m->joints);
    for (int j = 0; ok && j < m->joints; j++)
        name_of(bytes + data, type[2], letters, j, m->joint[j].name);
    free(bytes);
    return ok;
}

static ami_mocap *places(zip_t *zip, const ami_npy *positions, double rate, ami_error *err)
{
    const size_t frames = positions->shape[0], joints = positions->shape[1];
    if (positions->shape[2] != 3 || joints < 1 || joints > AMI_MOCAP_JOINTS) {
        ami_fail(err, "positions is (%zu, %zu, %zu), expected (frames, joints up to %d, 3)", frames, joints,
                 positions->shape[2], AMI_MOCAP_JOINTS);
        return NULL;
    }
    ami_mocap *m = allocate((int)joints, frames, 3 * (int)joints, rate, err);
    if (!m)
        return NULL;
    m->global = true;
    for (int j = 0; j < m->joints; j++) {
        ami_mocap_joint *joint = &m->joint[j];
        joint->parent = -1;
        joint->channels = 3;
        joint->first = 3 * j;
        for (int k = 0; k < 3; k++)
            joint->channel[k] = (unsigned char)k;
    }
    bool ok = read_names(zip, m, err);
    for (size_t f = 0; ok && f < frames; f++)
        ok = copy_checked(m->value + f * (size_t)m->channels, positions->f64 + f * (size_t)m->channels,
                          (size_t)m->channels, 1e9, "positions", f, err);
    if (ok)
        return m;
    ami_mocap_destroy(m);
    return NULL;
}

/* Whether it loops, as amble's own files say; what else may have that name is passed over. */
static bool read_loop(zip_t *zip, ami_mocap *m, ami_error *err)
{
    size_t size;
    bool failed = false;
    ami_error other;
    ami_npy loop;
    uint8_t *bytes = entry_of(zip, "loop", &size, &failed, err);
    if (bytes && ami_npy_decode(bytes, size, "loop", AMI_NPY_WIDEN_TO_DOUBLE, &loop, &other)) {
        if (loop.count == 1 && (loop.f64[0] == 0 || loop.f64[0] == 1))
            m->loop = loop.f64[0] == 1 ? AMI_MOCAP_LOOP_WRAP : AMI_MOCAP_LOOP_NONE;
        ami_npy_free(&loop);
    }
    free(bytes);
    return !failed;
}

static bool has_own_names(const ami_mocap *m)
{
    for (int j = 0; j < m->joints && j < AMI_BODIES; j++)
        if (strcmp(m->joint[j].name, ami_body_name[j]) != 0)
            return false;
    return m->joints == AMI_BODIES;
}

/* A pose out of the bodies' rotations in the world; false where knees or elbows turn otherwise than hinges do. */
static bool own_pose(const double *place, const double *turn, double pose[AMI_POSE])
{
    memcpy(pose, place, 3 * sizeof *pose);
    for (int b = 0; b < AMI_BODIES; b++) {
        const ami_joint_layout joint = ami_body_joint(b);
        double q[4], world[4], parent[4];
        memcpy(world, turn + 4 * b, sizeof world);
        if (!(fabs(ami_quat_dot(world, world) - 1) < 1e-3))
            return false;
        ami_quat_normalize(world);
        memcpy(q, world, sizeof q);
        if (b != AMI_ROOT) {
            memcpy(parent, turn + 4 * ami_body_parent[b], sizeof parent);
            ami_quat_normalize(parent);
            ami_quat_between(q, parent, world);
        }
        if (b == AMI_ROOT)
            memcpy(pose + 3, q, sizeof q);
        else if (joint.width == 4)
            memcpy(pose + joint.pose, q, sizeof q);
        else if (joint.width == 1 && hypot(q[1], q[2]) > off_hinge)
            return false;
        else if (joint.width == 1)
            pose[joint.pose] = remainder(2 * atan2(q[3], q[0]), 2 * M_PI);
    }
    return true;
}

/* amble's own files hold exact rotations beside the places: m->pose, unless somebody has edited one and not the other, or
 * the body is another. False and a sentence without memory or if rotations is damaged. */
static bool read_own_poses(zip_t *zip, ami_mocap *m, ami_error *err)
{
    bool failed = false;
    ami_npy rotations;
    if (!has_own_names(m) || !array_of(zip, "rotations", 3, &rotations, &failed, err))
        return !failed;
    bool own = rotations.shape[0] == (size_t)m->frames && rotations.shape[1] == AMI_BODIES &&
               rotations.shape[2] == 4;
    m->pose = own ? malloc((size_t)m->frames * AMI_POSE * sizeof *m->pose) : NULL;
    const bool ok = !own || m->pose || ami_fail(err, "out of memory for %d frames", m->frames);
    own = m->pose != NULL;
    for (int f = 0; own && f < m->frames; f++) {
        const double *place = m->value + (size_t)f * (size_t)m->channels;
        double *pose = m->pose + (size_t)f * AMI_POSE, at[AMI_BODIES][3], turn[AMI_BODIES][4];
        own = own_pose(place, rotations.f64 + (size_t)f * AMI_BODIES * 4, pose);
        if (own)
            ami_fk(ami_humanoid(), pose, at, turn);
        for (int i = 0; own && i < 3 * AMI_BODIES; i++)
            own = fabs((&at[0][0])[i] - place[i]) < same_place;
    }
    if (!own) {
        free(m->pose);
        m->pose = NULL;
    }
    ami_npy_free(&rotations);
    return ok;
}

static ami_mocap *decode(zip_t *zip, ami_error *err)
{
    static const char *const names[] = {"positions", "joint_positions", "global_positions"};
    ami_npy first = {0}, second = {0};
    bool failed = false;
    double rate;
    ami_mocap *m = NULL;
    if (array_of(zip, "poses", 2, &first, &failed, err)) {
        if (array_of(zip, "trans", 2, &second, &failed, err)) {
            m = rate_of(zip, &rate, &failed, err) ? amass(&first, &second, rate, err) : NULL;
        } else if (!failed) {
            ami_fail(err, "there are poses, but no trans");
        }
    } else if (!failed) {
        bool found = false;
        for (int i = 0; !found && !failed && i < 3; i++)
            found = array_of(zip, names[i], 3, &first, &failed, err);
        if (found)
            m = rate_of(zip, &rate, &failed, err) ? places(zip, &first, rate, err) : NULL;
        if (m && !read_own_poses(zip, m, err)) {
            ami_mocap_destroy(m);
            m = NULL;
        }
        if (!found && !failed)
            ami_fail(err, "holds neither poses and trans (AMASS) nor positions and names");
    }
    ami_npy_free(&first);
    ami_npy_free(&second);
    if (m && !read_loop(zip, m, err)) {
        ami_mocap_destroy(m);
        m = NULL;
    }
    return m;
}

ami_mocap *ami_motion_npz_decode(const void *bytes, size_t size, ami_error *err)
{
    zip_error_t why;
    zip_error_init(&why);
    zip_source_t *source = zip_source_buffer_create(bytes, size, 0, &why);
    zip_t *zip = source ? zip_open_from_source(source, ZIP_RDONLY, &why) : NULL;
    ami_mocap *m = NULL;
    if (zip) {
        m = decode(zip, err);
        zip_discard(zip);
    } else {
        zip_source_free(source);
        ami_fail(err, "not a whole ZIP file: %s", zip_error_strerror(&why));
    }
    zip_error_fini(&why);
    return m;
}

#else

static const char without[] = "npz files need libzip, without which this amble was built";

ami_mocap *ami_motion_npz_decode(const void *bytes, size_t size, ami_error *err)
{
    (void)bytes, (void)size;
    ami_fail(err, "%s", without);
    return NULL;
}

#endif

/* Rotations and places of all joints of all frames. */
static bool find_places(const ami_clip *clip, double *place, double *turn)
{
    const size_t n = (size_t)ami_clip_frames(clip);
    for (size_t f = 0; place && turn && f < n; f++)
        ami_fk(ami_humanoid(), ami_clip_poses(clip) + f * AMI_POSE,
               (double(*)[3])(place + f * AMI_BODIES * 3), (double(*)[4])(turn + f * AMI_BODIES * 4));
    return place && turn;
}

bool ami_motion_npz_write(const ami_clip *clip, const char *path, ami_error *err)
{
    return ami_motion_npz_write_with(clip, path, 0, NULL, NULL, err);
}

bool ami_motion_npz_write_with(const ami_clip *clip, const char *path, int more, const char *const *names,
                               const ami_npy *arrays, ami_error *err)
{
    enum { OWN = 5, MOST = 32, LETTERS = 16 };
    AMI_ASSERT(clip && path && more >= 0 && more + OWN <= MOST);
    const int frames = ami_clip_frames(clip);
    double rate = (frames - 1) / ami_clip_duration(clip), loop = ami_clip_loops(clip);
    const bool known = ami_clip_loop_is_known(clip);
    const int own = known ? OWN : OWN - 1;
    ami_clip *even = ami_edit_resample(clip, rate, err);
    if (!even)
        return ami_fail_in(err, "%s", path);
    const size_t n = (size_t)ami_clip_frames(even);
    rate = (double)(n - 1) / ami_clip_duration(even);
    double *place = malloc(n * AMI_BODIES * 3 * sizeof *place),
           *turn = malloc(n * AMI_BODIES * 4 * sizeof *turn);
    char text[AMI_BODIES][LETTERS] = {{0}};
    for (int i = 0; i < AMI_BODIES; i++)
        memcpy(text[i], ami_body_name[i], strlen(ami_body_name[i]));
    const char *name[MOST] = {"positions", "rotations", "fps", "names", "loop"};
    ami_npy array[MOST] = {
        {.type = AMI_NPY_FLOAT64,
         .rank = 3,
         .shape = {n, AMI_BODIES, 3},
         .count = n * AMI_BODIES * 3,
         .f64 = place},
        {.type = AMI_NPY_FLOAT64,
         .rank = 3,
         .shape = {n, AMI_BODIES, 4},
         .count = n * AMI_BODIES * 4,
         .f64 = turn},
        {.type = AMI_NPY_FLOAT64, .rank = 1, .shape = {1}, .count = 1, .f64 = &rate},
        {.type = AMI_NPY_TEXT, .rank = 1, .shape = {AMI_BODIES}, .count = AMI_BODIES, .data = text},
        {.type = AMI_NPY_FLOAT64, .rank = 1, .shape = {1}, .count = 1, .f64 = &loop}};
    for (int i = 0; i < more; i++) {
        name[own + i] = names[i];
        array[own + i] = arrays[i];
    }
    const bool ok = find_places(even, place, turn)
                        ? ami_npz_write(path, own + more, name, array, err)
                        : ami_fail(err, "%s: out of memory for %zu frames", path, n);
    free(place);
    free(turn);
    ami_clip_destroy(even);
    return ok;
}
