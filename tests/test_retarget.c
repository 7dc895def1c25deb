/* Retargeting: files of every flavour made from a motion that is known, so that the right answer is. */
#include "motion/bvh.h"
#include "motion/edit.h"
#include "motion/metrics.h"
#include "motion/motion_file.h"
#include "motion/points.h"
#include "tests/bvh_flavours.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const double degree = M_PI / 180;

/* A walk with what the shipped gait lacks: a turned head, arms that swing out. */
static ami_clip *known_motion(void)
{
    ami_error err = {""};
    ami_clip *gait = ami_clip_read(AMB_SOURCE_DIR "/assets/motions/style_walk.txt", &err);
    if (!gait)
        fail_msg("%s", err.text);
    const int n = 150;
    double *time = malloc((size_t)n * (1 + AMI_POSE) * sizeof *time), *pose = time + n;
    for (int f = 0; f < n; f++) {
        double *p = pose + (size_t)f * AMI_POSE, q[4];
        time[f] = f / 60.;
        ami_clip_sample(gait, time[f], p, NULL);
        const double u = sin(2 * time[f]);
        ami_quat_axis_angle(q, (const double[3]){0, 1, 0}, .5 * u);
        ami_quat_mul(p + ami_body_joint(AMI_NECK).pose, p + ami_body_joint(AMI_NECK).pose, q);
        ami_quat_axis_angle(q, (const double[3]){1, 0, 0}, -.6 - .4 * u);
        ami_quat_mul(p + ami_body_joint(AMI_RIGHT_SHOULDER).pose, q,
                     p + ami_body_joint(AMI_RIGHT_SHOULDER).pose);
        p[ami_body_joint(AMI_RIGHT_ELBOW).pose] += .3 * (1 + u);
    }
    ami_clip *clip = ami_clip_create(n, time, pose, false, "known", &err);
    free(time);
    ami_clip_destroy(gait);
    if (!clip)
        fail_msg("%s", err.text);
    return clip;
}

static ami_clip *known;

static int set_up(void **unused)
{
    (void)unused;
    known = known_motion();
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    ami_clip_destroy(known);
    return 0;
}

static ami_mocap *decoded(const char *text, size_t size)
{
    ami_error err = {""};
    ami_mocap *mocap = ami_bvh_decode(text, size, &err);
    if (!mocap)
        fail_msg("%s", err.text);
    return mocap;
}

static ami_clip *retargeted(const flavour *f, const ami_clip *source, const ami_retarget_def *def,
                            ami_retarget_report *report)
{
    ami_error err = {""};
    size_t size;
    char *text = write_flavour(f, source, &size);
    ami_mocap *mocap = decoded(text, size);
    ami_clip *clip = ami_retarget(mocap, def, "imported", report, &err);
    if (!clip)
        fail_msg("%s: %s", f->what, err.text);
    ami_mocap_destroy(mocap);
    free(text);
    return clip;
}

static double heading_of(const double *pose)
{
    double forward[2];
    ami_points_heading(pose + 3, forward);
    return atan2(forward[1], forward[0]);
}

/* How far the clip is from the known motion: largest angle of a joint (the root's lean is one), largest
 * distance of the root, after its place and heading at the first frame are taken off both. `skip`: the clip's
 * frames before the motion. */
static void compare_with(const ami_clip *truth, const ami_clip *clip, int skip, double rate, double *angle,
                         double *place)
{
    double start[2][3] = {{0}}, heading[2] = {0};
    *angle = *place = 0;
    for (int f = skip; f < ami_clip_frames(clip); f++) {
        double pose[2][AMI_POSE];
        ami_clip_sample(truth, (f - skip) / rate, pose[0], NULL);
        memcpy(pose[1], ami_clip_poses(clip) + (size_t)f * AMI_POSE, sizeof pose[1]);
        for (int i = 0; i < 2; i++) {
            double *p = pose[i], turn[4], at[3];
            if (f == skip) {
                memcpy(start[i], p, sizeof start[i]);
                heading[i] = heading_of(p);
            }
            ami_quat_about_z(turn, -heading[i]);
            ami_quat_mul(p + 3, turn, p + 3);
            memcpy(at, (const double[3]){p[0] - start[i][0], p[1] - start[i][1], p[2]}, sizeof at);
            ami_quat_rotate(p, turn, at);
        }
        for (int k = 0; k < 3; k++)
            *place = fmax(*place, fabs(pose[0][k] - pose[1][k]));
        *angle = fmax(*angle, ami_quat_angle(pose[0] + 3, pose[1] + 3));
        for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
            const int at = ami_clip_joints[j].pose;
            *angle = fmax(*angle, ami_clip_joints[j].ball ? ami_quat_angle(pose[0] + at, pose[1] + at)
                                                          : fabs(pose[0][at] - pose[1][at]));
        }
    }
}

static void every_flavour_gives_the_motion_back(void **unused)
{
    (void)unused;
    int failures = 0;
    for (int i = 0; i < FLAVOURS; i++) {
        const flavour *f = &flavours[i];
        ami_retarget_def def = ami_retarget_default_def();
        def.lock_feet = false;
        ami_retarget_report report;
        ami_clip *clip = retargeted(f, known, &def, &report);
        double angle, place;
        compare_with(known, clip, f->first_is_t, f->rate, &angle, &place);
        const bool up = report.up == (f->up == 'z' ? 3 : 2);
        const bool rest =
            f->first_is_t ? report.rest == 0 || f->zero != BONES_ALONG_X : report.rest == AMI_REST_ZERO;
        if (angle > 2 * degree || place > .01 || !up || !rest || report.mirrored != f->left_handed ||
            fabs(report.scale / f->unit - 1) > .01 || report.jumps != 0) {
            printf("%s: %.3f deg, %.4f m, up %s, rest %d, mirrored %d, scale %g, jumps %d\n", f->what,
                   angle / degree, place, ami_axis_name(report.up), report.rest, report.mirrored,
                   report.scale, report.jumps);
            failures++;
        }
        ami_clip_destroy(clip);
    }
    assert_int_equal(failures, 0);
}

/* Bars: mean direction error, skate not above the source's, penetration. */
static void feet_are_held_and_bones_keep_their_directions(void **unused)
{
    (void)unused;
    int failures = 0;
    for (int i = 0; i < FLAVOURS; i++) {
        const flavour *f = &flavours[i];
        const ami_retarget_def def = ami_retarget_default_def();
        ami_retarget_report report;
        ami_clip *clip = retargeted(f, known, &def, &report);
        double mean = 0;
        for (int b = 0; b < AMI_BODIES; b++)
            mean += report.joint[b].angle[0] / (AMI_BODIES - 2);
        if (mean > 3 * degree || report.skate[1] > report.skate[0] || report.depth[1] > .01 ||
            report.contact < .3) {
            printf("%s: %.2f deg, skate %.3f to %.3f m/s, depth %.4f m, contact %.2f\n", f->what,
                   mean / degree, report.skate[0], report.skate[1], report.depth[1], report.contact);
            failures++;
        }
        ami_clip_destroy(clip);
    }
    assert_int_equal(failures, 0);
}

/* A slid clip: its feet are carried along at .2 m/s. */
static void sliding_feet_are_stopped(void **unused)
{
    (void)unused;
    ami_error err = {""};
    const int n = ami_clip_frames(known);
    double *pose = malloc((size_t)n * AMI_POSE * sizeof *pose);
    memcpy(pose, ami_clip_poses(known), (size_t)n * AMI_POSE * sizeof *pose);
    for (int f = 0; f < n; f++)
        pose[(size_t)f * AMI_POSE + 1] += .15 * ami_clip_times(known)[f];
    ami_clip *slid = ami_clip_create(n, ami_clip_times(known), pose, false, "slid", &err);
    assert_non_null(slid);
    const ami_retarget_def def = ami_retarget_default_def();
    ami_retarget_report report;
    ami_clip *clip = retargeted(&flavours[5], slid, &def, &report);
    if (report.skate[0] < .12 || report.skate[1] > report.skate[0] / 2)
        fail_msg("skate %g to %g m/s", report.skate[0], report.skate[1]);
    ami_clip_destroy(clip);
    ami_clip_destroy(slid);
    free(pose);
}

static void single_jumps_are_repaired(void **unused)
{
    (void)unused;
    ami_error err = {""};
    size_t size;
    const flavour *f = &flavours[3];
    char *text = write_flavour(f, known, &size);
    ami_mocap *mocap = decoded(text, size);
    const int arm = ami_mocap_joint_by_name(mocap, "LeftShoulder"), frame = 40;
    assert_true(arm > 0);
    double *values = mocap->value + (size_t)frame * (size_t)mocap->channels;
    values[mocap->joint[arm].first] += 120;                    /* a rotation, for one frame */
    mocap->value[(size_t)70 * (size_t)mocap->channels] += 120; /* the root, by 1.2 m */
    ami_retarget_def def = ami_retarget_default_def();
    def.lock_feet = false;
    ami_retarget_report report;
    ami_clip *clip = ami_retarget(mocap, &def, "jumps", &report, &err);
    if (!clip)
        fail_msg("%s", err.text);
    assert_int_equal(report.jumps, 2);
    double angle, place;
    compare_with(known, clip, 0, f->rate, &angle, &place);
    if (angle > 2 * degree || place > .01)
        fail_msg("%g deg, %g m", angle / degree, place);
    ami_clip_destroy(clip);
    ami_mocap_destroy(mocap);
    free(text);
}

static void a_map_names_what_no_table_knows(void **unused)
{
    (void)unused;
    static const char map[] = "# by hand\n"
                              "hips = j0\r\n  chest=j2\nneck = j3\nhead = j4\n"
                              "left_arm = j6\nleft_forearm = j7\nleft_hand = j8\n"
                              "right_arm = j10\nright_forearm = j11\nright_hand = j12\n"
                              "left_thigh = j13\nleft_shin = j14\nleft_foot = j15\nleft_toe = j16\n"
                              "right_thigh = j17\nright_shin = j18\nright_foot = j19\nright_toe = j20";
    const flavour f = {"own names", "",   ROWS_OF(own_name_rows), "ZXY", false, false, false, 'y', 0, .01, 60,
                       T_POSE,      false};
    ami_error err = {""};
    size_t size;
    char *text = write_flavour(&f, known, &size);
    ami_mocap *mocap = decoded(text, size);
    ami_retarget_def def = ami_retarget_default_def();
    assert_null(ami_retarget(mocap, &def, "x", NULL, &err));
    if (!strstr(err.text, "no joint is the") || !strstr(err.text, "--map") || !strstr(err.text, "j20"))
        fail_msg("\"%s\"", err.text);
    def.map = map;
    def.lock_feet = false;
    ami_clip *clip = ami_retarget(mocap, &def, "x", NULL, &err);
    if (!clip)
        fail_msg("%s", err.text);
    double angle, place;
    compare_with(known, clip, 0, f.rate, &angle, &place);
    assert_true(angle < 2 * degree && place < .01);
    ami_clip_destroy(clip);
    static const struct {
        const char *map, *sentence;
    } bad[] = {{"hips\n", "line 1 of the map: \"hips\", expected PART = JOINT"},
               {"\n\nelbow = j1", "line 3 of the map: \"elbow\" is no part; expected hips"},
               {"hips = Hips", "line 1 of the map: the motion has no joint \"Hips\""}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        def.map = bad[i].map;
        assert_null(ami_retarget(mocap, &def, "x", NULL, &err));
        if (!strstr(err.text, bad[i].sentence))
            fail_msg("\"%s\"", err.text);
    }
    ami_mocap_destroy(mocap);
    free(text);
}

static void options_override_geometry(void **unused)
{
    (void)unused;
    ami_retarget_report report;
    ami_retarget_def def = ami_retarget_default_def();
    def.lock_feet = false;
    def.scale = .02; /* everything twice as far */
    def.check = false;
    ami_clip *far = retargeted(&flavours[5], known, &def, &report);
    const double *first = ami_clip_poses(far), *last = first + (size_t)(ami_clip_frames(far) - 1) * AMI_POSE;
    double pose[AMI_POSE];
    ami_clip_sample(known, (ami_clip_frames(far) - 1) / flavours[5].rate, pose, NULL);
    const double way = hypot(last[0] - first[0], last[1] - first[1]),
                 should = 2 * hypot(pose[0] - ami_clip_poses(known)[0], pose[1] - ami_clip_poses(known)[1]);
    assert_true(fabs(way - should) < .01);
    ami_clip_destroy(far);
    def.scale = 0;
    def.up = -2; /* on its head */
    ami_clip *upside_down = retargeted(&flavours[5], known, &def, &report);
    assert_int_equal(report.up, -2);
    assert_true(ami_clip_poses(upside_down)[2] < 0);
    ami_clip_destroy(upside_down);
    /* a body that is said to face its file's z (its x is true) stands turned by a quarter in its skin */
    def.up = 0;
    for (int facing = 1; facing <= 3; facing += 2) {
        def.facing = facing;
        ami_clip *clip = retargeted(&flavours[3], known, &def, &report);
        double angle, place;
        compare_with(known, clip, 0, flavours[3].rate, &angle, &place);
        assert_true(facing == 1 ? angle < 2 * degree : angle > 30 * degree);
        ami_clip_destroy(clip);
    }
    def.facing = 0;
    def.rest = 99999;
    ami_error err = {""};
    size_t size;
    char *text = write_flavour(&flavours[3], known, &size);
    ami_mocap *mocap = decoded(text, size);
    assert_null(ami_retarget(mocap, &def, "x", NULL, &err));
    assert_non_null(strstr(err.text, "the rest pose is to be frame 99999, but there are only"));
    ami_mocap_destroy(mocap);
    free(text);
    int axis = 0;
    assert_true(ami_axis_read("-y", &axis) && axis == -2 && ami_axis_read("z", &axis) && axis == 3);
    assert_false(ami_axis_read("xy", &axis) || ami_axis_read("", &axis) || ami_axis_read("w", &axis));
}

static void what_no_human_does_is_refused(void **unused)
{
    (void)unused;
    ami_error err = {""};
    size_t size;
    char *text = write_flavour(&flavours[5], known, &size);
    ami_mocap *mocap = decoded(text, size);
    const ami_retarget_def def = ami_retarget_default_def();
    mocap->frame_time = .0005; /* s, as where somebody meant 1/2000 of something else */
    assert_null(ami_retarget(mocap, &def, "fast", NULL, &err));
    if (!strstr(err.text, "m/s, expected at most 20") || !strstr(err.text, "--time-scale"))
        fail_msg("\"%s\"", err.text);
    mocap->frame_time = 1. / 30;
    mocap->frames = 1;
    assert_null(ami_retarget(mocap, &def, "pose", NULL, &err));
    assert_non_null(strstr(err.text, "one frame"));
    ami_mocap_destroy(mocap);
    free(text);
}

/* Places alone, as some files have them: directions are kept, though twists are not known. */
static void places_alone_are_enough_for_directions(void **unused)
{
    (void)unused;
    const flavour *f = &flavours[5];
    ami_error err = {""};
    const int n = ami_clip_frames(known), joints = f->joints;
    ami_mocap mocap = {
        .joints = joints, .frames = n, .channels = 3 * joints, .frame_time = 1. / 60, .global = true};
    mocap.joint = calloc((size_t)joints, sizeof *mocap.joint);
    mocap.value = malloc((size_t)n * (size_t)mocap.channels * sizeof *mocap.value);
    for (int j = 0; j < joints; j++) {
        snprintf(mocap.joint[j].name, AMI_NAME, "%s", f->joint[j].name);
        mocap.joint[j].parent = -1;
        mocap.joint[j].channels = 3;
        mocap.joint[j].channel[1] = 1;
        mocap.joint[j].channel[2] = 2;
        mocap.joint[j].first = 3 * j;
    }
    for (int t = 0; t < n; t++) {
        flavour_frame all;
        flavour_place(f, ami_clip_poses(known) + (size_t)t * AMI_POSE, &all);
        memcpy(mocap.value + (size_t)t * (size_t)mocap.channels, all.pos,
               (size_t)mocap.channels * sizeof(double));
    }
    const ami_retarget_def def = ami_retarget_default_def();
    ami_retarget_report report;
    ami_clip *clip = ami_retarget(&mocap, &def, "places", &report, &err);
    if (!clip)
        fail_msg("%s", err.text);
    for (int b = AMI_RIGHT_HIP; b < AMI_BODIES; b++)
        if (report.joint[b].angle[0] > 4 * degree || report.joint[b].off[0] > .12)
            fail_msg("%s: %g deg, %g m", ami_body_name[b], report.joint[b].angle[0] / degree,
                     report.joint[b].off[0]);
    ami_clip_destroy(clip);
    free(mocap.joint);
    free(mocap.value);
}

/* The shapes of the table of synonyms, on their own. */
static void names_are_found_with_any_prefix(void **unused)
{
    (void)unused;
    static const char *const names[][3] = {
        /* thigh, shin, foot of the left side */
        {"LeftUpLeg", "LeftLeg", "LeftFoot"},
        {"mixamorig1:LeftUpLeg", "mixamorig1:LeftLeg", "mixamorig1:LeftFoot"},
        {"Character1_LeftUpLeg", "Character1_LeftLeg", "Character1_LeftFoot"},
        {"lfemur", "ltibia", "lfoot"},
        {"LThigh", "LShin", "LFoot"},
        {"lThigh", "lShin", "lFoot"},
        {"thigh_l", "calf_l", "foot_l"},
        {"DEF-thigh.L", "DEF-shin.L", "DEF-foot.L"},
        {"Bip001 L Thigh", "Bip001 L Calf", "Bip001 L Foot"},
        {"LeftHip", "LeftKnee", "LeftAnkle"},
        {"left_hip", "left_knee", "left_ankle"},
        {"L_UpperLeg", "L_LowerLeg", "L_Foot"},
        {"LeftLeg", "LeftShin", "LeftFoot"},
        {"LeftThigh", "LeftLeg", "LeftFoot"},
        {"CC_Base_L_Thigh", "CC_Base_L_Calf", "CC_Base_L_Foot"},
        {"Hero_LeftUpLeg", "Hero_LeftLeg", "Hero_LeftFoot"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ami_mocap_joint joint[8] = {{.parent = -1}};
        snprintf(joint[0].name, AMI_NAME, "Hips");
        for (int side = 0; side < 2; side++)
            for (int k = 0; k < 3; k++) {
                ami_mocap_joint *j = &joint[1 + 3 * side + k];
                snprintf(j->name, AMI_NAME, "%s", names[i][k]);
                j->parent = k ? 3 * side + k : 0;
                j->offset[1] = -1;
                for (char *c = j->name; side && *c; c++) { /* Left, left, L, l, to the right */
                    char *at = strstr(j->name, "Left") ? strstr(j->name, "Left") : strstr(j->name, "left");
                    if (at) {
                        char rest[AMI_NAME];
                        snprintf(rest, sizeof rest, "%s", at + 4);
                        snprintf(at, (size_t)(j->name + AMI_NAME - at), "%s%s",
                                 *at == 'L' ? "Right" : "right", rest);
                        break;
                    }
                    const bool word = (c == j->name || strchr("_. ", c[-1])) &&
                                      (!c[1] || strchr("_. ", c[1]) || c == j->name);
                    if (word && (*c == 'l' || *c == 'L')) {
                        *c = *c == 'l' ? 'r' : 'R';
                        break;
                    }
                }
            }
        const ami_mocap mocap = {.joints = 7, .joint = joint};
        ami_joint_map map;
        ami_error err = {""};
        assert_true(ami_joint_map_guess(&map, &mocap, NULL, &err));
        for (int k = 0; k < 3; k++)
            if (map.joint[AMI_PART_LEFT + k] != 1 + k || map.joint[AMI_PART_RIGHT + k] != 4 + k)
                fail_msg("%s and %s: %d and %d", joint[1 + k].name, joint[4 + k].name,
                         map.joint[AMI_PART_LEFT + k], map.joint[AMI_PART_RIGHT + k]);
        assert_int_equal(map.joint[AMI_PART_HIPS], 0);
    }
}

/* Arms: what is a collar bone in one system is an upper arm in another. */
static void arms_are_told_from_collar_bones(void **unused)
{
    (void)unused;
    static const char *const names[][4] = {
        /* collar bone or nothing, arm, forearm, hand */
        {"LeftShoulder", "LeftArm", "LeftForeArm", "LeftHand"},
        {"LeftCollar", "LeftShoulder", "LeftElbow", "LeftWrist"},
        {"clavicle_l", "upperarm_l", "lowerarm_l", "hand_l"},
        {"shoulder.L", "DEF-upper_arm.L", "DEF-forearm.L", "DEF-hand.L"},
        {"LShoulder", "LUArm", "LFArm", "LHand"},
        {"L_Collar", "L_Shoulder", "L_Elbow", "L_Wrist"},
        {"Bip01 L Clavicle", "Bip01 L UpperArm", "Bip01 L Forearm", "Bip01 L Hand"},
        {"lclavicle", "lhumerus", "lradius", "lwrist"},
        {"LeftCollar", "LeftUpArm", "LeftLowArm", "LeftHand"},
        {"lCollar", "lShldr", "lForeArm", "lHand"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ami_mocap_joint joint[6] = {{.parent = -1}};
        snprintf(joint[0].name, AMI_NAME, "Hips");
        for (int k = 0; k < 5; k++) {
            snprintf(joint[1 + k].name, AMI_NAME, "%s", k < 4 ? names[i][k] : "LeftHandThumb1");
            joint[1 + k].parent = k;
            joint[1 + k].offset[0] = 1;
        }
        const ami_mocap mocap = {.joints = 6, .joint = joint};
        ami_joint_map map;
        ami_error err = {""};
        assert_true(ami_joint_map_guess(&map, &mocap, NULL, &err));
        for (int k = 0; k < 3; k++)
            if (map.joint[AMI_PART_LEFT + AMI_PART_ARM + k] != 2 + k)
                fail_msg("%s: %d, expected %d", names[i][1 + k], map.joint[AMI_PART_LEFT + AMI_PART_ARM + k],
                         2 + k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flavour_gives_the_motion_back),
        cmocka_unit_test(feet_are_held_and_bones_keep_their_directions),
        cmocka_unit_test(sliding_feet_are_stopped),
        cmocka_unit_test(single_jumps_are_repaired),
        cmocka_unit_test(a_map_names_what_no_table_knows),
        cmocka_unit_test(options_override_geometry),
        cmocka_unit_test(what_no_human_does_is_refused),
        cmocka_unit_test(places_alone_are_enough_for_directions),
        cmocka_unit_test(names_are_found_with_any_prefix),
        cmocka_unit_test(arms_are_told_from_collar_bones),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
