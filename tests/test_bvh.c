/* BVH in and out: every trap of files in the wild, what is wrong with a line's number, and no loss on the way
 * out and back. */
#include "base/file.h"
#include "motion/bvh.h"
#include "motion/export.h"
#include "motion/motion_file.h"
#include "motion/rotation.h"
#include "tests/bvh_flavours.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#define HEAD                                                                                                 \
    "HIERARCHY\nROOT Hips\n{\nOFFSET 0 0 0\nCHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation "   \
    "Xrotation\nJOINT Leg\n{\nOFFSET 0 -1 0\nCHANNELS 3 Zrotation Xrotation Yrotation\nEnd Site\n{\nOFFSET " \
    "0 "                                                                                                     \
    "-1 0\n}\n}\n}\n"
#define ROW "1 2 3 10 20 30 40 50 60\n"

static ami_mocap *read_text(const char *text)
{
    ami_error err = {""};
    ami_mocap *mocap = ami_bvh_decode(text, strlen(text), &err);
    if (!mocap)
        fail_msg("%s\n%s", err.text, text);
    return mocap;
}

static void the_usual_is_read(void **unused)
{
    (void)unused;
    ami_mocap *m = read_text(HEAD "MOTION\nFrames: 2\nFrame Time: 0.033333\n" ROW ROW);
    assert_int_equal(m->joints, 3);
    assert_int_equal(m->frames, 2);
    assert_int_equal(m->channels, 9);
    assert_true(fabs(m->frame_time - .033333) < 1e-12);
    assert_string_equal(m->joint[1].name, "Leg");
    assert_string_equal(m->joint[2].name, "Leg end");
    assert_true(m->joint[2].end && m->joint[2].parent == 1);
    assert_true(m->value[9 + 5] == 30);
    double local[3][4], pos[3][3], rot[3][4];
    ami_mocap_local(m, 0, local);
    ami_mocap_place(m, 0, (const double(*)[4])local, pos, rot);
    /* Rz(10) Ry(20) Rx(30) on paper, applied to the leg's offset (0, -1, 0): minus its second column */
    const double a = 10 * M_PI / 180, b = 20 * M_PI / 180, c = 30 * M_PI / 180;
    const double column[3] = {cos(a) * sin(b) * sin(c) - sin(a) * cos(c),
                              sin(a) * sin(b) * sin(c) + cos(a) * cos(c), cos(b) * sin(c)};
    for (int k = 0; k < 3; k++)
        assert_true(fabs(pos[1][k] - (k + 1 - column[k])) < 1e-12);
    ami_mocap_destroy(m);
}

/* The same motion, written as nobody should but many do. */
static void every_way_to_write_it_is_read(void **unused)
{
    (void)unused;
    static const char *const texts[] = {
        /* CRLF, tabs, no line break at the end */
        "HIERARCHY\r\nROOT\tHips\r\n{\r\n\tOFFSET\t0.0\t0\t0\r\n\tCHANNELS 6 Xposition Yposition Zposition "
        "Zrotation Yrotation Xrotation \r\n\tJOINT Leg\r\n\t{\r\n\t\tOFFSET 0 -1 0\r\n\t\tCHANNELS 3 "
        "Zrotation "
        "Xrotation Yrotation\r\n\t\tEnd Site\r\n\t\t{\r\n\t\t\tOFFSET 0 -1 "
        "0\r\n\t\t}\r\n\t}\r\n}\r\nMOTION\r\nFrames:"
        "\t2\r\nFrame Time:\t0.033333\r\n1\t2\t3\t10\t20\t30\t40\t50\t60\t\r\n1 2 3 10 20 30 40 50 60",
        /* old Macintosh: CR alone */
        "HIERARCHY\rROOT Hips\r{\rOFFSET 0 0 0\rCHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation "
        "Xrotation\rJOINT Leg\r{\rOFFSET 0 -1 0\rCHANNELS 3 Zrotation Xrotation Yrotation\rEnd "
        "Site\r{\rOFFSET 0 -1 "
        "0\r}\r}\r}\rMOTION\rFrames: 2\rFrame Time: 3.3333e-2\r1 2 3 10 20 30 40 50 60\r1 2 3 10 20 30 40 50 "
        "60\r",
        /* any case, brace on the name's line, blank lines, exponents, signs, Frames and colon apart */
        "\n\nhierarchy\nRoot Hips {\nOffset 0 0 0\nChannels 6 xposition yPosition ZPOSITION zrotation "
        "Yrotation "
        "Xrotation\n\nJoint Leg {\noffset 0 -1e0 +0\nchannels 3 Zrotation Xrotation Yrotation\nEND SITE\n{ "
        "OFFSET 0 "
        "-1 0 } } }\n\nmotion\nframes : 2\nframe time : .033333\n\n1e0 +2.0 3. 1.0E+1 20 3000e-2 40 50 "
        "60.000000000000\n"
        "\n   1 2 3 10 20 30 40 50 60   \n\n\n",
        /* an end site that is named, CHANNELS before OFFSET, Frame Time before Frames */
        "HIERARCHY\nROOT Hips\n{\nCHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation "
        "Xrotation\nOFFSET 0 0 "
        "0\nJOINT Leg\n{\nCHANNELS 3 Zrotation Xrotation Yrotation\nOFFSET 0 -1 0\nEnd Site toe\n{\nOFFSET 0 "
        "-1 "
        "0\n}\n}\n}\nMOTION\nFrame Time: 0.033333\nFrames: 2\n" ROW ROW,
    };
    ami_mocap *usual = read_text(HEAD "MOTION\nFrames: 2\nFrame Time: 0.033333\n" ROW ROW);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ami_mocap *m = read_text(texts[i]);
        assert_int_equal(m->joints, usual->joints);
        assert_int_equal(m->frames, usual->frames);
        assert_true(m->frame_time == usual->frame_time);
        for (int j = 0; j < m->joints; j++) {
            assert_string_equal(m->joint[j].name, usual->joint[j].name);
            assert_int_equal(m->joint[j].parent, usual->joint[j].parent);
            assert_memory_equal(m->joint[j].offset, usual->joint[j].offset, sizeof m->joint[j].offset);
            assert_memory_equal(m->joint[j].channel, usual->joint[j].channel, sizeof m->joint[j].channel);
        }
        assert_memory_equal(m->value, usual->value, (size_t)m->frames * (size_t)m->channels * sizeof(double));
        ami_mocap_destroy(m);
    }
    ami_mocap_destroy(usual);
}

static void names_may_have_blanks_and_colons(void **unused)
{
    (void)unused;
    ami_mocap *m =
        read_text("HIERARCHY\nROOT  Bip01 L Thigh \n{\nOFFSET 0 0 0\nCHANNELS 3 Zrotation Xrotation "
                  "Yrotation\nJOINT ns:Left Foot {\nOFFSET 1 0 0\n}\n}\nMOTION\nFrames: 1\nFrame Time: "
                  ".01\n1 2 3\n");
    assert_string_equal(m->joint[0].name, "Bip01 L Thigh");
    assert_string_equal(m->joint[1].name, "ns:Left Foot");
    assert_int_equal(m->joint[1].channels, 0);
    ami_mocap_destroy(m);
}

static void nine_channels_and_positions_anywhere(void **unused)
{
    (void)unused;
    ami_mocap *m =
        read_text("HIERARCHY\nROOT a\n{\nOFFSET 5 0 0\nCHANNELS 9 Zrotation Xrotation Yrotation Xposition "
                  "Yposition Zposition Xscale Yscale Zscale\nJOINT b\n{\nOFFSET 0 1 0\nCHANNELS 1 "
                  "Yposition\n}\n}\nMOTION\nFrames: 1\nFrame Time: .01\n90 0 0 7 8 9 1 1 1.000 3\n");
    double local[2][4], pos[2][3], rot[2][4];
    ami_mocap_local(m, 0, local);
    ami_mocap_place(m, 0, (const double(*)[4])local, pos, rot);
    /* positions take the offset's place; y of the parent turned by 90 degrees about z is -x */
    const double should[2][3] = {{7, 8, 9}, {4, 8, 9}};
    for (int j = 0; j < 2; j++)
        for (int k = 0; k < 3; k++)
            assert_true(fabs(pos[j][k] - should[j][k]) < 1e-12);
    ami_mocap_destroy(m);
}

static void numbers_are_those_of_strtod(void **unused)
{
    (void)unused;
    static const char *const numbers[] = {"0.1",
                                          "-179.999999",
                                          "123456789.123456",
                                          "1e-30",
                                          "3.14159265358979323846",
                                          "9007199254740993",
                                          "0.00000000000000000001",
                                          "-0",
                                          "5e2",
                                          "0.30000000000000004"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char text[600];
        double should;
        assert_true(ami_number_read(numbers[i], NULL, &should));
        if (fabs(should) > 1e8)
            continue;
        snprintf(text, sizeof text,
                 "HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\nCHANNELS 1 Xposition\n}\nMOTION\nFrames: 1\nFrame "
                 "Time: .01\n%s\n",
                 numbers[i]);
        ami_mocap *m = read_text(text);
        assert_memory_equal(m->value, &should, sizeof should);
        ami_mocap_destroy(m);
    }
}

static void what_is_wrong_is_named_with_its_line(void **unused)
{
    (void)unused;
    static const char *const bad[][2] = {
        {"", "line 1: the file ends, expected HIERARCHY"},
        {"HIERARCHY\nJOINT x", "line 2: found \"JOINT\", expected ROOT"},
        {"HIERARCHY\nROOT\n{\n}", "line 2: ROOT has no name"},
        {"HIERARCHY\nROOT a\n{\nOFFSET 0 0\n}\n", "line 5: OFFSET z is \"}\", expected a number"},
        {"HIERARCHY\nROOT a\n{\nOFFSET 0 0,5 0\n}\n",
         "line 4: OFFSET y is \"0,5\", expected a number with a decimal point"},
        {"HIERARCHY\nROOT a\n{\nOFFSET 0 nan 0\n}\n", "line 4: OFFSET y is \"nan\", expected a number"},
        {"HIERARCHY\nROOT a\n{\nOFFSET 0 0 1e12\n}\n", "line 4: OFFSET z is 1e+12, expected at most 1e+09"},
        {"HIERARCHY\nROOT a\n{\nCHANNELS 10 Xposition\n}\n", "line 4: 10 CHANNELS, expected 0 to 9"},
        {"HIERARCHY\nROOT a\n{\nCHANNELS 2.5\n}\n", "line 4: 2.5 CHANNELS, expected 0 to 9"},
        {"HIERARCHY\nROOT a\n{\nCHANNELS 1 Wrotation\n}\n",
         "line 4: found \"Wrotation\", expected a channel"},
        {"HIERARCHY\nROOT a\n{\nCHANNELS 2 Xrotation Xrotation\n}\n",
         "line 4: \"a\" has the channel Xrotation twice"},
        {"HIERARCHY\nROOT a\n{\nCHANNELS 1 Xrotation\nCHANNELS 1 Yrotation\n}\n",
         "line 5: \"a\" has CHANNELS twice"},
        {"HIERARCHY\nROOT a\n{\nEnd Site\n{\nCHANNELS 1 Xrotation\n}\n}\n",
         "line 6: an end site has CHANNELS"},
        {"HIERARCHY\nROOT a\n{\nEnd Site\n{\nJOINT b\n{\n}\n}\n}\n",
         "line 6: found \"JOINT\", expected OFFSET or }"},
        {"HIERARCHY\nROOT a\n{\nOFFSET 0 0 0\n", "line 5: the file ends, expected OFFSET, CHANNELS"},
        {"HIERARCHY\nROOT a\n{\n}\nROOT b\n{\n}\nMOTION\n",
         "line 5: the file holds several roots, expected one: the second is \"b\""},
        {HEAD "Frames: 2", "line 16: found \"Frames:\", expected MOTION"},
        {HEAD "MOTION\nFrames: 0\nFrame Time: .1\n", "line 17: Frames is 0, expected 1 to 100000"},
        {HEAD "MOTION\nFrames: -3\nFrame Time: .1\n", "line 17: Frames is -3, expected 1 to 100000"},
        {HEAD "MOTION\nFrames: 4294967297\nFrame Time: .1\n",
         "line 17: Frames is 4.29497e+09, expected at most 1e+09"},
        {HEAD "MOTION\nFrames: 99999\nFrame Time: .1\n" ROW,
         "99999 frames of 9 values are announced, but only"},
        {HEAD "MOTION\nFrames: 1\nFrame Time: 0\n" ROW, "line 18: Frame Time is 0, expected 0.0001 to 1 s"},
        {HEAD "MOTION\nFrames: 1\nFrame Time: 30\n" ROW, "if these are frames a second"},
        {HEAD "MOTION\nFrames: 1\nFrame Time: 33.3\n" ROW, ".001 of it if milliseconds"},
        {HEAD "MOTION\nFrames: 1\nFrame Rate: 30\n" ROW,
         "line 18: found \"Rate:\", expected Time: behind Frame"},
        {HEAD "MOTION\nFrames: 2\nFrame Time: .1\n" ROW "1 2 3 4 5 6 7 8\n",
         "line 20: frame 1 has 8 values, expected 9"},
        {HEAD "MOTION\nFrames: 2\nFrame Time: .1\n" ROW "1 2 3 4 5 6 7 8 9 10\n",
         "line 20: frame 1 has 10 values, expected 9"},
        {HEAD "MOTION\nFrames: 2\nFrame Time: .1\n1.000 2.000 3.000 4.000 5.000 6.000 7.000 8.000 9.000\n\n",
         "line 21: the file ends after 1 frames, 2 are announced"},
        {HEAD "MOTION\nFrames: 1\nFrame Time: .1\n" ROW ROW,
         "line 20: found \"1\" behind the 1 frames that are announced"},
        {HEAD "MOTION\nFrames: 1\nFrame Time: .1\n1 2 3 4 5 6 7 nan 9\n",
         "line 19: frame 0: Xrotation of \"Leg\" is \"nan\", expected a number"},
        {HEAD "MOTION\nFrames: 1\nFrame Time: .1\n1 2 3 4 5 6 7 -inf 9\n",
         "Xrotation of \"Leg\" is \"-inf\""},
        {HEAD "MOTION\nFrames: 1\nFrame Time: .1\n1 2 3 4 5 6 7 0x10 9\n", "\"0x10\", expected a number"},
        {HEAD "MOTION\nFrames: 1\nFrame Time: .1\n1,5 2 3 4 5 6 7 8 9\n",
         "line 19: frame 0: Xposition of \"Hips\" is \"1,5\", expected a number with a decimal point"},
        {HEAD "MOTION\nFrames: 1\nFrame Time: .1\n1e300 2 3 4 5 6 7 8 9\n",
         "Xposition of \"Hips\" is 1e+300, expected at most"},
        {"HIERARCHY\nROOT a\n{\n}\nMOTION\nFrames: 1\nFrame Time: .1\n", "no joint has CHANNELS"},
        {"HIERARCHY\nROOT a\n{\nCHANNELS 1 Xscale\n}\nMOTION\nFrames: 1\nFrame Time: .1\n2\n",
         "Xscale of \"a\" is 2, expected 1: bones keep their length"},
    };
    int failures = 0;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ami_error err = {""};
        ami_mocap *m = ami_bvh_decode(bad[i][0], strlen(bad[i][0]), &err);
        if (m || !strstr(err.text, bad[i][1])) {
            printf("\"%s\", expected \"%s\"\n", m ? "read" : err.text, bad[i][1]);
            failures++;
        }
        ami_mocap_destroy(m);
    }
    assert_int_equal(failures, 0);
}

static void too_many_joints_are_refused(void **unused)
{
    (void)unused;
    enum { JOINTS = 1100 };
    char *text = malloc(JOINTS * 40 + 100);
    size_t n = (size_t)sprintf(text, "HIERARCHY\nROOT a\n{\n");
    for (int j = 0; j < JOINTS; j++)
        n += (size_t)sprintf(text + n, "JOINT j%d\n{\n", j);
    ami_error err = {""};
    assert_null(ami_bvh_decode(text, n, &err));
    assert_non_null(strstr(err.text, "more than 1024 joints"));
    free(text);
}

/* Clip to BVH to clip: joints within .1 degrees, the root within 1 mm, for all shipped motions and for one
 * that turns over, with frames at uneven times. */
static void a_clip_comes_back(void **unused)
{
    (void)unused;
    static const char *const names[] = {"style_walk", "style_jog", "style_run", "style_zombie",
                                        "pushed_walk"};
    for (size_t i = 0; i < 6; i++) {
        ami_error err = {""};
        char path[300];
        ami_clip *clip;
        if (i < 5) {
            snprintf(path, sizeof path, "%s/assets/motions/%s.txt", AMB_SOURCE_DIR, names[i]);
            clip = ami_clip_read(path, &err);
        } else { /* through every heading and upside down, knees at their limits */
            enum { N = 90 };
            double time[N], pose[N][AMI_POSE] = {{0}};
            for (int f = 0; f < N; f++) {
                const double axis[3] = {sin(.07 * f), .5, cos(.05 * f)}, size = sqrt(1.25);
                const double unit[3] = {axis[0] / size, axis[1] / size, axis[2] / size};
                time[f] = f * .02;
                pose[f][0] = .3 * f, pose[f][2] = 1;
                ami_quat_axis_angle(pose[f] + 3, unit, .21 * f);
                ami_quat_normalize(pose[f] + 3);
                for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
                    double *p = pose[f] + ami_clip_joints[j].pose;
                    if (ami_clip_joints[j].ball) {
                        ami_quat_axis_angle(p, unit, .1 * f + j);
                        ami_quat_normalize(p);
                    } else {
                        *p = (strstr(ami_clip_joints[j].name, "knee") ? -1 : 1) * (1.57 + 1.55 * sin(.1 * f));
                    }
                }
            }
            clip = ami_clip_create(N, time, pose[0], false, "tumble", &err);
        }
        if (!clip)
            fail_msg("%s", err.text);
        size_t size;
        char *text = ami_bvh_encode(clip, &size, &err);
        assert_non_null(text);
        ami_mocap *mocap = ami_bvh_decode(text, size, &err);
        if (!mocap)
            fail_msg("%s", err.text);
        assert_true(ami_export_is_own(mocap));
        ami_clip *again = ami_export_own_clip(mocap, "again", &err);
        if (!again)
            fail_msg("%s", err.text);
        assert_int_equal(ami_clip_frames(again), ami_clip_frames(clip));
        double angle = 0, place = 0;
        for (int f = 0; f < ami_clip_frames(again); f++) {
            const double t = ami_clip_times(again)[f], *p = ami_clip_poses(again) + (size_t)f * AMI_POSE;
            double q[AMI_POSE];
            if (f == ami_clip_frames(again) - 1)
                memcpy(q, ami_clip_poses(clip) + (size_t)f * AMI_POSE, sizeof q);
            else
                ami_clip_sample(clip, t, q, NULL);
            for (int k = 0; k < 3; k++)
                place = fmax(place, fabs(p[k] - q[k]));
            angle = fmax(angle, ami_quat_angle(p + 3, q + 3));
            for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
                const int at = ami_clip_joints[j].pose;
                angle = fmax(angle,
                             ami_clip_joints[j].ball ? ami_quat_angle(p + at, q + at) : fabs(p[at] - q[at]));
            }
        }
        if (angle > .1 * M_PI / 180 || place > .001)
            fail_msg("%s: %g deg, %g m", ami_clip_name(clip), angle * 180 / M_PI, place);
        ami_clip_destroy(again);
        ami_mocap_destroy(mocap);
        free(text);
        ami_clip_destroy(clip);
    }
}

/* Whoever edits a knee out of its hinge gets it retargeted, not refused and not cut. */
static void an_edited_file_is_another_skeleton(void **unused)
{
    (void)unused;
    ami_error err = {""};
    ami_clip *clip = ami_clip_read(AMB_SOURCE_DIR "/assets/motions/style_walk.txt", &err);
    assert_non_null(clip);
    size_t size;
    char *text = ami_bvh_encode(clip, &size, &err);
    ami_mocap *mocap = ami_bvh_decode(text, size, &err);
    const int knee = ami_mocap_joint_by_name(mocap, "LeftLeg");
    mocap->value[(size_t)5 * (size_t)mocap->channels + (size_t)mocap->joint[knee].first + 2] += 5;
    assert_false(ami_export_is_own(mocap));
    const ami_retarget_def def = ami_retarget_default_def();
    ami_retarget_report report;
    ami_clip *again = ami_retarget(mocap, &def, "edited", &report, &err);
    if (!again)
        fail_msg("%s", err.text);
    ami_clip_destroy(again);
    ami_mocap_destroy(mocap);
    free(text);
    ami_clip_destroy(clip);
}

/* Through files: every reader of clips takes BVH, whatever its name. */
static void files_of_both_formats_are_read_alike(void **unused)
{
    (void)unused;
    char folder[] = "/tmp/amb_test_bvh_XXXXXX", path[100];
    ami_error err = {""};
    assert_non_null(mkdtemp(folder));
    ami_clip *clip = ami_clip_read(AMB_SOURCE_DIR "/assets/motions/style_jog.txt", &err);
    assert_non_null(clip);
    snprintf(path, sizeof path, "%s/jog.bvh", folder);
    assert_true(ami_clip_write(clip, path, &err) && ami_clip_looks_like(path));
    ami_retarget_report report;
    ami_clip *again = ami_motion_read(path, NULL, &report, &err);
    assert_non_null(again);
    assert_true(report.own);
    assert_string_equal(ami_clip_name(again), "jog");
    ami_clip_destroy(again);
    char found[200];
    assert_true(ami_clip_find("jog", folder, found, sizeof found, &err));
    assert_string_equal(found, path);
    unlink(path);
    snprintf(path, sizeof path, "%s/bad.bvh", folder);
    assert_true(ami_file_write(path, HEAD, strlen(HEAD), &err));
    assert_null(ami_clip_read(path, &err));
    if (strncmp(err.text, path, strlen(path)) != 0 ||
        !strstr(err.text, "line 16: the file ends, expected MOTION"))
        fail_msg("\"%s\"", err.text);
    unlink(path);
    rmdir(folder);
    ami_clip_destroy(clip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_usual_is_read),
        cmocka_unit_test(every_way_to_write_it_is_read),
        cmocka_unit_test(names_may_have_blanks_and_colons),
        cmocka_unit_test(nine_channels_and_positions_anywhere),
        cmocka_unit_test(numbers_are_those_of_strtod),
        cmocka_unit_test(what_is_wrong_is_named_with_its_line),
        cmocka_unit_test(too_many_joints_are_refused),
        cmocka_unit_test(a_clip_comes_back),
        cmocka_unit_test(an_edited_file_is_another_skeleton),
        cmocka_unit_test(files_of_both_formats_are_read_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
