/* Motions in npz files: what is written comes back, AMASS on a mean skeleton, and what is wrong in a
 * sentence. The ZIP files are made here, stored, so that each of their bytes is known. */
#include "base/file.h"
#include "base/npy.h"
#include "motion/edit.h"
#include "motion/humanoid.h"
#include "motion/kinematics.h"
#include "motion/motion_file.h"
#include "motion/npz.h"
#include "motion/rotation.h"
#include "tests/skip.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct entry {
    const char *name;
    uint8_t *bytes;
    size_t size;
} entry;

static uint32_t crc32_of(const uint8_t *data, size_t n)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < n; i++) {
        crc ^= data[i];
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static uint8_t *put(uint8_t *at, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        *at++ = (uint8_t)(value >> 8 * i);
    return at;
}

/* A ZIP file (APPNOTE 6.3) whose entries are stored; `claim` is added to the sizes that it claims. */
static uint8_t *zip_of(const entry *entries, int count, uint32_t claim, size_t *size)
{
    size_t room = 22;
    for (int i = 0; i < count; i++)
        room += entries[i].size + 2 * (46 + strlen(entries[i].name));
    uint8_t *zip = malloc(room), *at = zip;
    uint32_t offset[8];
    for (int pass = 0; pass < 2; pass++) {
        const uint32_t directory = (uint32_t)(at - zip);
        for (int i = 0; i < count; i++) {
            const uint32_t length = (uint32_t)entries[i].size, name = (uint32_t)strlen(entries[i].name);
            if (pass == 0)
                offset[i] = (uint32_t)(at - zip);
            at = put(at, pass ? 0x02014b50 : 0x04034b50, 4);
            at = pass ? put(at, 20, 2) : at;
            at = put(put(put(put(put(at, 20, 2), 0, 2), 0, 2), 0, 2), 0x21, 2);
            at = put(put(put(at, crc32_of(entries[i].bytes, length), 4), length + claim, 4), length + claim,
                     4);
            at = put(put(at, name, 2), 0, 2);
            at = pass ? put(put(put(put(put(at, 0, 2), 0, 2), 0, 2), 0, 4), offset[i], 4) : at;
            memcpy(at, entries[i].name, name);
            at += name;
            if (pass == 0) {
                memcpy(at, entries[i].bytes, length);
                at += length;
            }
        }
        if (pass == 1) {
            const uint32_t end = (uint32_t)(at - zip);
            at = put(put(put(put(put(at, 0x06054b50, 4), 0, 2), 0, 2), (uint32_t)count, 2), (uint32_t)count,
                     2);
            at = put(put(put(at, end - directory, 4), directory, 4), 0, 2);
        }
    }
    *size = (size_t)(at - zip);
    return zip;
}

static entry numbers(const char *name, int rank, size_t a, size_t b, size_t c, const double *data)
{
    const size_t shape[3] = {a, b, c};
    entry e = {.name = name};
    e.bytes = ami_npy_encode(AMI_NPY_FLOAT64, rank, shape, data, &e.size, NULL);
    assert_non_null(e.bytes);
    return e;
}

static void release(entry *entries, int count)
{
    for (int i = 0; i < count; i++)
        free(entries[i].bytes);
}

/* An npy array of any type: header and data. */
static entry raw(const char *name, const char *descr, const char *shape, const void *data, size_t n)
{
    entry e = {name, calloc(1, 128 + n), 128 + n};
    memcpy(e.bytes, "\x93NUMPY\x01\x00\x76\x00", 10);
    memset(e.bytes + 10, ' ', 118);
    char header[118];
    const int length = snprintf(header, sizeof header,
                                "{'descr': '%s', 'fortran_order': False, 'shape': %s, }", descr, shape);
    memcpy(e.bytes + 10, header, (size_t)length);
    e.bytes[127] = '\n';
    memcpy(e.bytes + 128, data, n);
    return e;
}

static bool built_without(void)
{
    ami_error err = {""};
    return !ami_motion_npz_decode("PK\3\4", 4, &err) && strstr(err.text, "need libzip");
}

static void a_clip_keeps_its_directions(void **unused)
{
    (void)unused;
    if (built_without())
        skip_because("built without libzip");
    ami_error err = {""};
    char folder[] = "/tmp/amb_test_npz_XXXXXX", path[100];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/walk.npz", folder);
    ami_clip *clip = ami_clip_read(AMB_SOURCE_DIR "/assets/motions/style_walk.txt", &err);
    assert_non_null(clip);
    if (!ami_clip_write(clip, path, &err))
        fail_msg("%s", err.text);
    assert_true(ami_clip_looks_like(path));
    ami_retarget_def def = ami_retarget_default_def();
    def.lock_feet = false;
    ami_retarget_report report;
    ami_clip *again = ami_motion_read(path, &def, &report, &err);
    if (!again)
        fail_msg("%s", err.text);
    /* amble's own: the poses themselves */
    assert_true(report.own && ami_clip_loops(again));
    double worst = 0;
    for (int f = 0; f < ami_clip_frames(clip); f++) {
        double pose[AMI_POSE], a[AMI_BODIES][3], b[AMI_BODIES][3], rot[2][AMI_BODIES][4];
        ami_clip_sample(clip, ami_clip_times(again)[f], pose, NULL);
        if (f == ami_clip_frames(clip) - 1)
            memcpy(pose, ami_clip_poses(clip) + (size_t)f * AMI_POSE, sizeof pose);
        ami_fk(ami_humanoid(), pose, a, rot[0]);
        ami_fk(ami_humanoid(), ami_clip_poses(again) + (size_t)f * AMI_POSE, b, rot[1]);
        for (int i = 0; i < AMI_BODIES; i++) {
            for (int k = 0; k < 3; k++)
                worst = fmax(worst, fabs(a[i][k] - b[i][k]));
            worst = fmax(worst, ami_quat_angle(rot[0][i], rot[1][i]));
        }
    }
    if (worst > 1e-6)
        fail_msg("off by %g m or rad", worst);
    ami_clip_destroy(again);
    /* the same of another body: only directions are in it */
    size_t size;
    uint8_t *bytes = ami_file_read(path, 1 << 24, &size, &err);
    assert_non_null(bytes);
    int renamed = 0;
    for (size_t i = 0; i + 13 < size; i++)
        if (!memcmp(bytes + i, "rotations.npy", 13)) {
            memcpy(bytes + i, "rotationz.npy", 13);
            renamed++;
        }
    assert_int_equal(renamed, 2);
    again = ami_motion_decode(bytes, size, path, &def, &report, &err);
    free(bytes);
    if (!again)
        fail_msg("%s", err.text);
    assert_true(!report.own && !ami_clip_loops(again) && !ami_clip_loop_is_known(again));
    assert_int_equal(report.up, 3);
    assert_int_equal(ami_clip_frames(again), ami_clip_frames(clip));
    assert_true(fabs(ami_clip_duration(again) - ami_clip_duration(clip)) < 1e-9);
    assert_true(fabs(report.scale - 1) < 1e-6);
    for (int b = AMI_RIGHT_HIP; b < AMI_BODIES; b++)
        if (report.joint[b].angle[0] > .05 || report.joint[b].off[0] > .05)
            fail_msg("%s: %g rad, %g m", ami_body_name[b], report.joint[b].angle[0], report.joint[b].off[0]);
    ami_clip_destroy(again);
    ami_clip_destroy(clip);
    unlink(path);
    rmdir(folder);
}

/* One second in which a body in AMASS's layout swings its left thigh by .8 rad and bends the right elbow,
 * walks along y, turned about z by .5. */
static void amass_is_put_on_a_mean_skeleton(void **unused)
{
    (void)unused;
    if (built_without())
        skip_because("built without libzip");
    enum { T = 31, WIDTH = 156 };
    static double poses[T][WIDTH], trans[T][3];
    memset(poses, 0, sizeof poses);
    for (int t = 0; t < T; t++) {
        const double u = sin(2 * M_PI * t / 30.), upright[4] = {sqrt(.5), sqrt(.5), 0, 0};
        double turn[4], q[4];
        ami_quat_about_z(turn, .5);
        ami_quat_mul(q, turn, upright); /* y up to z up, then about z */
        ami_quat_log(poses[t], q);
        poses[t][3 * 1] = -.4 * (1 + u);     /* left hip, about x (to the left): forward */
        poses[t][3 * 5] = .3 * (1 + u);      /* right knee: backward */
        poses[t][3 * 19 + 1] = .5 * (1 + u); /* right elbow, about y: forward from a T-pose */
        trans[t][1] = -1.2 * t / 30;
        trans[t][2] = .95;
    }
    const double rate = 30;
    const float rate_f = 30;
    const int64_t rate_i = 30;
    const entry rates[] = {raw("mocap_framerate.npy", "<f8", "()", &rate, 8),
                           raw("mocap_frame_rate.npy", "<f4", "()", &rate_f, 4),
                           raw("mocap_framerate.npy", "<i8", "()", &rate_i, 8)};
    for (int i = 0; i < 3; i++) {
        ami_error err = {""};
        entry entries[] = {numbers("poses.npy", 2, T, WIDTH, 0, poses[0]),
                           numbers("trans.npy", 2, T, 3, 0, trans[0]), rates[i],
                           raw("gender.npy", "<U4", "()", "m\0\0\0a\0\0\0l\0\0\0e\0\0\0", 16)};
        size_t size;
        uint8_t *zip = zip_of(entries, 4, 0, &size);
        ami_retarget_def def = ami_retarget_default_def();
        def.lock_feet = false;
        ami_retarget_report report;
        ami_clip *clip = ami_motion_decode(zip, size, "amass.npz", &def, &report, &err);
        if (!clip)
            fail_msg("%s", err.text);
        assert_int_equal(report.rest, AMI_REST_ZERO);
        assert_int_equal(report.up, 3);
        assert_false(report.mirrored);
        for (int t = 0; t < T; t++) {
            const double u = sin(2 * M_PI * t / 30.), *p = ami_clip_poses(clip) + (size_t)t * AMI_POSE;
            const double knee = p[ami_body_joint(AMI_RIGHT_KNEE).pose],
                         elbow = p[ami_body_joint(AMI_RIGHT_ELBOW).pose];
            /* the mean body's limbs are not quite straight at rest */
            if (fabs(knee + .3 * (1 + u)) > .2 || fabs(elbow - .5 * (1 + u)) > .2)
                fail_msg("frame %d: knee %g, elbow %g, expected %g and %g", t, knee, elbow, -.3 * (1 + u),
                         .5 * (1 + u));
        }
        const double *last = ami_clip_poses(clip) + (size_t)(T - 1) * AMI_POSE;
        assert_true(fabs(last[1] - ami_clip_poses(clip)[1] + 1.2 * report.scale) < .02);
        ami_clip_destroy(clip);
        free(zip);
        entries[2].bytes = NULL; /* rates are released below */
        release(entries, 4);
    }
    for (int i = 0; i < 3; i++)
        free(rates[i].bytes);
}

static void what_is_wrong_is_said(void **unused)
{
    (void)unused;
    if (built_without())
        skip_because("built without libzip");
    enum { T = 4 };
    static double poses[T * 156], trans[T * 4], places[T * 2 * 3];
    static double bad_poses[T * 156];
    bad_poses[156 * 2 + 5] = NAN;
    const double rate = 30, wild = 1e6;
    const struct {
        const char *sentence;
        entry entries[3];
    } rows[] = {
        {"holds neither poses and trans (AMASS) nor positions and names",
         {numbers("x.npy", 1, 4, 0, 0, trans)}},
        {"there are poses, but no trans", {numbers("poses.npy", 2, T, 156, 0, poses)}},
        {"there is no frame rate",
         {numbers("poses.npy", 2, T, 156, 0, poses), numbers("trans.npy", 2, T, 3, 0, trans)}},
        {"poses is (4, 10) and trans (4, 3), expected (T, 66 or more) and (T, 3)",
         {numbers("poses.npy", 2, T, 10, 0, poses), numbers("trans.npy", 2, T, 3, 0, trans),
          raw("fps.npy", "<f8", "()", &rate, 8)}},
        {"poses has the shape (624,), expected 2 dimensions",
         {numbers("poses.npy", 1, T * 156, 0, 0, poses)}},
        {"frame 2: number 5 of poses is nan",
         {numbers("poses.npy", 2, T, 156, 0, bad_poses), numbers("trans.npy", 2, T, 3, 0, trans),
          raw("fps.npy", "<f8", "()", &rate, 8)}},
        {"fps is 1e+06, expected 1 to 1000 Hz",
         {numbers("poses.npy", 2, T, 156, 0, poses), numbers("trans.npy", 2, T, 3, 0, trans),
          raw("fps.npy", "<f8", "()", &wild, 8)}},
        {"fps is not one number",
         {numbers("poses.npy", 2, T, 156, 0, poses), numbers("trans.npy", 2, T, 3, 0, trans),
          raw("fps.npy", "<U2", "()",
              "3\0\0\0"
              "0\0\0\0",
              8)}},
        {"there are positions, but no names of joints",
         {numbers("positions.npy", 3, T, 2, 3, places), raw("fps.npy", "<f8", "()", &rate, 8)}},
        {"names is not a list of 2 short texts",
         {numbers("positions.npy", 3, T, 2, 3, places), raw("fps.npy", "<f8", "()", &rate, 8),
          raw("names.npy", "|S4", "(3,)", "aaaabbbbcccc", 12)}},
        {"no joint is the",
         {numbers("positions.npy", 3, T, 2, 3, places), raw("fps.npy", "<f8", "()", &rate, 8),
          raw("names.npy", "|S4", "(2,)", "hipsleg", 8)}},
    };
    int failures = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int count = 0;
        while (count < 3 && rows[i].entries[count].bytes)
            count++;
        size_t size;
        uint8_t *zip = zip_of(rows[i].entries, count, 0, &size);
        ami_error err = {""};
        ami_clip *clip = ami_motion_decode(zip, size, "in.npz", NULL, NULL, &err);
        if (clip || strncmp(err.text, "in.npz: ", 8) != 0 || !strstr(err.text, rows[i].sentence)) {
            printf("\"%s\", expected \"%s\"\n", err.text, rows[i].sentence);
            failures++;
        }
        ami_clip_destroy(clip);
        free(zip);
        /* cut anywhere, or with sizes that are not there, it is a sentence too */
        for (uint32_t claim = 0; claim < 2; claim++) {
            zip = zip_of(rows[i].entries, count, claim ? 0x40000000 : 0, &size);
            for (size_t cut = claim ? size : size / 7; cut <= size; cut += size / 7 + 1) {
                uint8_t *part = malloc(cut);
                memcpy(part, zip, cut);
                err.text[0] = 0;
                clip = ami_motion_decode(part, cut, "in.npz", NULL, NULL, &err);
                failures += clip || !err.text[0];
                ami_clip_destroy(clip);
                free(part);
            }
            free(zip);
        }
        for (int k = 0; k < count; k++)
            free(rows[i].entries[k].bytes);
    }
    assert_int_equal(failures, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clip_keeps_its_directions),
        cmocka_unit_test(amass_is_put_on_a_mean_skeleton),
        cmocka_unit_test(what_is_wrong_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
