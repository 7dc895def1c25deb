/* Clips in files: reading gives the file's numbers, written files are read back, and each broken file is an
 * error with one sentence. */
#include "base/file.h"
#include "base/number.h"
#include "base/rng.h"
#include "base/text.h"
#include "motion/clip.h"
#include "motion/rotation.h"
#include "tests/skip.h"

#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/scratch.h"

enum { FRAME = 44 };

/* A folder with the public clips: $AMBLE_CLIPS, clips/ or ../shared/clips beside the sources. NULL where
 * there is none. */
static const char *public_clips(void)
{
    static char found[2][512];
    const char *own = getenv("AMBLE_CLIPS");
    const char *root = ".";
#ifdef AMB_SOURCE_DIR
    root = AMB_SOURCE_DIR;
#endif
    if (own && *own) {
        return own;
    }
    snprintf(found[0], sizeof found[0], "%s/clips", root);
    snprintf(found[1], sizeof found[1], "%s/../shared/clips", root);
    for (int i = 0; i < 2; i++) {
        char walk[600];
        snprintf(walk, sizeof walk, "%s/humanoid3d_walk.txt", found[i]);
        if (access(walk, R_OK) == 0) {
            return found[i];
        }
    }
    return NULL;
}

/* A small valid file: `frames` frames, everything swinging a little; odd ones with quaternions of the other
 * sign. */
static char *small_file(int frames, const char *loop)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    fprintf(out, "{\n\"Loop\": \"%s\",\n\"RightJoints\": [3, 4, 5],\n\"Frames\":\n[\n", loop);
    for (int f = 0; f < frames; f++) {
        const double a = 0.1 * f, s = f % 2 ? -1.0 : 1.0;
        ami_number_fprintf(out, "[%g, %g, 0.85, %g", f == frames - 1 ? 0.0 : 0.03125, 0.25 * f, -0.5 * f);
        ami_number_fprintf(out, ", %.9f, 0, %.9f, 0", s * cos(a), s * sin(a)); /* root about y (up) by 2a */
        for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
            if (ami_clip_joints[j].ball) {
                ami_number_fprintf(out, ", %.9f, %.9f, 0, 0", s * cos(a + j), s * sin(a + j));
            } else {
                ami_number_fprintf(out, ", %.9f", 0.1 * j - a);
            }
        }
        fprintf(out, "]%s\n", f == frames - 1 ? "" : ",");
    }
    fprintf(out, "]\n}\n");
    assert_int_equal(fclose(out), 0);
    return text;
}

static ami_clip *read_well(const char *path)
{
    ami_error err = {""};
    ami_clip *clip = ami_clip_read(path, &err);
    if (!clip) {
        fail_msg("%s", err.text);
    }
    return clip;
}

static void a_small_file_reads_as_written_on_paper(void **state)
{
    (void)state;
    char *text = small_file(5, "wrap");
    put_text(scratch("humanoid3d_small.txt"), text);
    free(text);
    ami_clip *clip = read_well(scratch("humanoid3d_small.txt"));
    assert_string_equal(ami_clip_name(clip), "small");
    assert_int_equal(ami_clip_frames(clip), 5);
    assert_true(ami_clip_loops(clip));
    assert_true(ami_clip_duration(clip) == 4 * 0.03125);
    double offset[3], pose[AMI_POSE], vel[AMI_VEL];
    ami_clip_cycle_offset(clip, offset);
    assert_true(offset[0] == 1.0 && offset[1] == 2.0 && offset[2] == 0.0); /* z of the file is -y here */
    for (int f = 0; f < 5; f++) {
        ami_clip_sample(clip, fmin(0.03125 * f, 0.1249999999), pose, vel);
        assert_true(fabs(pose[0] - 0.25 * f) < 1e-8 && fabs(pose[1] - 0.5 * f) < 1e-8 && pose[2] == 0.85);
        /* a turn by 2a about the file's y is one about z here, of a body that stands */
        double turn[4], want[4];
        ami_quat_about_z(turn, 0.2 * f);
        ami_quat_mul(want, turn, AMI_QUAT_Y_UP);
        assert_true(ami_quat_angle(pose + 3, want) < 1e-8);
        for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
            const double *at = pose + ami_clip_joints[j].pose;
            const double a = 0.1 * f, ball[4] = {cos(a + j), sin(a + j), 0, 0};
            if (ami_clip_joints[j].ball) {
                assert_true(ami_quat_angle(at, ball) < 1e-8);
            } else {
                assert_true(fabs(at[0] - (0.1 * j - a)) < 1e-8);
            }
        }
    }
    const double rate = 0.1 / 0.03125; /* of a, per second */
    ami_clip_sample(clip, 0.05, NULL, vel);
    assert_true(fabs(vel[0] - 8.0) < 1e-12 && fabs(vel[1] - 16.0) < 1e-12 && vel[2] == 0.0);
    assert_true(fabs(vel[4] - 2.0 * rate) < 1e-6); /* root, about its own y */
    assert_true(fabs(vel[6] - 2.0 * rate) < 1e-6); /* chest, about its own x */
    assert_true(fabs(vel[15] + rate) < 1e-6);      /* right knee */
    ami_clip_destroy(clip);
}

static void same_clip(const ami_clip *a, const ami_clip *b, double tolerance)
{
    const int n = ami_clip_frames(a);
    assert_int_equal(ami_clip_frames(b), n);
    assert_true(ami_clip_loops(a) == ami_clip_loops(b));
    for (int f = 0; f < n; f++) {
        const double *p = ami_clip_poses(a) + f * AMI_POSE, *q = ami_clip_poses(b) + f * AMI_POSE;
        assert_true(fabs(ami_clip_times(a)[f] - ami_clip_times(b)[f]) < tolerance * 10.0);
        for (int i = 0; i < AMI_POSE; i++) {
            if (!(fabs(p[i] - q[i]) < tolerance)) {
                fail_msg("frame %d, %d: %.17g and %.17g", f, i, p[i], q[i]);
            }
        }
    }
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    for (int loop = 0; loop < 2; loop++) {
        char *text = small_file(9, loop ? "wrap" : "none"), copy[160];
        put_text(scratch("first.txt"), text);
        free(text);
        ami_clip *first = read_well(scratch("first.txt"));
        snprintf(copy, sizeof copy, "%s", scratch("second.json"));
        ami_error err = {""};
        assert_true(ami_clip_write(first, copy, &err));
        ami_clip *second = read_well(copy);
        assert_string_equal(ami_clip_name(second), "second");
        same_clip(first, second, 3e-12);
        ami_clip_destroy(first);
        ami_clip_destroy(second);
    }
    ami_clip *clip = read_well(scratch("first.txt"));
    ami_error err = {""};
    assert_false(ami_clip_write(clip, scratch("no such folder/clip.txt"), &err));
    assert_non_null(strstr(err.text, "no such folder"));
    ami_clip_destroy(clip);
}

/* Every clip of a folder: against the file's own numbers, read here without sim/. How many there are. */
static int clips_load(const char *dir)
{
    DIR *folder = opendir(dir);
    assert_non_null(folder);
    int count = 0;
    for (const struct dirent *entry; (entry = readdir(folder));) {
        char path[800];
        const char *end = strrchr(entry->d_name, '.');
        if (!end || strcmp(end, ".txt") != 0) {
            continue;
        }
        count++;
        snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        ami_clip *clip = read_well(path);
        json_t *root = json_load_file(path, 0, NULL);
        const json_t *frames = json_object_get(root, "Frames");
        const int n = ami_clip_frames(clip);
        assert_int_equal(n, json_array_size(frames));
        double now = 0.0;
        for (int f = 0; f < n; f++) {
            const json_t *frame = json_array_get(frames, (size_t)f);
            double v[FRAME];
            for (int i = 0; i < FRAME; i++) {
                v[i] = json_number_value(json_array_get(frame, (size_t)i));
            }
            const double *p = ami_clip_poses(clip) + f * AMI_POSE;
            assert_true(fabs(ami_clip_times(clip)[f] - now) < 1e-9);
            assert_true(p[0] == v[1] && p[1] == -v[3] && p[2] == v[2]);
            /* the file's body axes, turned from y up to z up, are ours */
            for (int axis = 0; axis < 3; axis++) {
                const double e[3] = {axis == 0, axis == 1, axis == 2};
                double theirs[3], ours[3], q[4] = {v[4], v[5], v[6], v[7]};
                ami_quat_normalize(q);
                ami_quat_rotate(theirs, q, e);
                ami_quat_rotate(ours, p + 3, e);
                assert_true(fabs(ours[0] - theirs[0]) < 1e-14 && fabs(ours[1] + theirs[2]) < 1e-14 &&
                            fabs(ours[2] - theirs[1]) < 1e-14);
            }
            for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
                const int at = ami_clip_joints[j].pose;
                if (ami_clip_joints[j].ball) {
                    assert_true(ami_quat_angle(p + at, v + 1 + at) < 1e-14);
                } else {
                    assert_true(p[at] == v[1 + at]);
                }
            }
            now += v[0];
        }
        json_decref(root);
        /* nothing in them moves faster than people do: what hand-made frames and seams make of it stays
         * bounded */
        for (int k = -200; k < 400; k++) {
            double pose[AMI_POSE], vel[AMI_VEL];
            ami_clip_sample(clip, ami_clip_duration(clip) * k / 200.0, pose, vel);
            for (int i = 0; i < AMI_VEL; i++) {
                assert_true(fabs(vel[i]) < (i < 3 ? 12.0 : 40.0));
            }
            assert_true(pose[2] > 0.05 && pose[2] < 1.6);
        }
        char copy[160];
        snprintf(copy, sizeof copy, "%s", scratch("copy.txt"));
        ami_error err = {""};
        assert_true(ami_clip_write(clip, copy, &err));
        ami_clip *again = read_well(copy);
        same_clip(clip, again, 3e-11);
        ami_clip_destroy(again);
        ami_clip_destroy(clip);
    }
    closedir(folder);
    assert_true(count > 0);
    return count;
}

/* Those that are shipped, and DeepMimic's where they are at hand. */
static void clips_of_both_kinds_load(void **state)
{
    (void)state;
    const char *dir = public_clips();
    assert_int_equal(clips_load(AMB_SOURCE_DIR "/assets/motions"), 9);
    if (dir) {
        print_message("%d of DeepMimic's clips\n", clips_load(dir));
    } else {
        print_message("not tested with DeepMimic's clips: there are none at hand (scripts/get-clips.sh "
                      "fetches some)\n");
    }
}

/* The small file with its first `old` replaced. */
static char *changed(const char *text, const char *old, const char *new)
{
    const char *at = strstr(text, old);
    if (!at) {
        fail_msg("\"%s\" is not in the file", old);
    }
    const size_t size = strlen(text) + strlen(new) + 1;
    char *out = malloc(size);
    assert_non_null(out);
    snprintf(out, size, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
    return out;
}

static void bad_files_get_a_sentence(void **state)
{
    (void)state;
    static const struct {
        const char *old, *new, *says;
    } rows[] = {
        {"\"Loop\"", "\"loop\"", "Loop is missing"},
        {"\"Frames\"", "\"frames\"", "Frames is missing"},
        {"\"wrap\"", "\"sometimes\"",
         "Loop is \"sometimes\", expected \"wrap\" (or true, 1) or \"none\" (or false, 0)"},
        {"\"wrap\"", "\"\\u001b[1m\"", "Loop is \"\\x1b[1m\", expected"},
        {"\"wrap\"", "null", "Loop is null, expected \"wrap\" (or true, 1) or \"none\" (or false, 0)"},
        {"\"wrap\"", "2", "Loop is 2, expected \"wrap\" (or true, 1)"},
        {"\"wrap\"", "0.5", "Loop is 0.5, expected \"wrap\" (or true, 1)"},
        {"\"wrap\"", "\"wrap", "not JSON at line 2, column "},
        {"\"RightJoints\"", "\"Loop\"", "not JSON at line 3, column "},
        {"\n[\n", "\n[[0.1, 2, 3],\n",
         "frame 0 holds 3 values, expected the 44 of DeepMimic's humanoid3d: duration, root position (3) and "
         "rotation (4), joints (36)"},
        {"\n[\n", "\n[{},\n", "frame 0 is an object, expected a list of 44 numbers"},
        {"\n[\n", "\n[7,\n", "frame 0 is a number, expected a list of 44 numbers"},
        {"[0.03125,", "[0.03125, 1,", "frame 0 holds 45 values, expected the 44 of DeepMimic's humanoid3d"},
        {"[0.03125,", "[\"fast\",", "frame 0: value 0 (duration) is a string, expected a number"},
        {"[0.03125, 0.25, 0.85,", "[0.03125, 0.25, null,",
         "frame 1: value 2 (root position y) is null, expected a number"},
        {"[0.03125, 0.25,", "[0, 0.25,",
         "frame 1: the duration is 0 s, expected more than 0 (only the last frame may have 0)"},
        {"[0.03125, 0.25,", "[-0.5, 0.25,", "frame 1: the duration is -0.5 s, expected more than 0"},
        {"[0.03125, 0.25,", "[1e-9, 0.25,", "frame 1: the duration is 1e-09 s"},
        {"[0, 1, 0.85,", "[-1, 1, 0.85,", "frame 4: the duration is -1 s, expected 0 or more"},
        {"[0.03125, 0.25, 0.85,", "[0.03125, 0.25, 1e5,",
         "frame 1: the root's height is 100000 m, expected at most 2.5; "},
        {"[0.03125, 0.25, 0.85,", "[0.03125, 0.25, -0.1,",
         "frame 1: the root's height is -0.1 m, below the floor, which is at 0"},
        {"[0.03125, 0.25, 0.85,", "[0.03125, 5, 0.85,",
         "frame 0: the root moves at 85.5 m/s, expected at most 20; lengths are in metres"},
        {"[0.03125, 0.25, 0.85,", "[33.3, 0.25, 0.85,",
         "frame 1: the duration is 33.3 s, expected at most 1: divide by 1000"},
        {"[0.03125, 0.25, 0.85,", "[0.03125, 1e999, 0.85,", "not JSON at line 7, column "},
        {"[0.03125, 0.25, 0.85,", "[0.03125, NaN, 0.85,", "not JSON at line 7, column "},
        {"[0, 1, 0.85, -2, 0.921060994, 0,", "[0, 1, 0.85, -2, 3, 0,",
         "frame 4: the quaternion root rotation has length 3.0"},
        {"0.540302306, 0.841470985, 0, 0", "0, 0, 0, 0",
         "frame 0: the quaternion neck has length 0, expected 0.5 to 1.5"},
        {", 0.300000000,", ", 100,", "frame 0: the angle right_knee is 100 rad, outside -2 pi to 2 pi"},
        {"]\n}\n", "]\n}\n}\n", "not JSON at line 13, column 1"},
    };
    char *text = small_file(5, "wrap"), path[160];
    snprintf(path, sizeof path, "%s", scratch("bad.txt"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *bad = changed(text, rows[i].old, rows[i].new), says[400];
        put_text(path, bad);
        free(bad);
        snprintf(says, sizeof says, "%s: %s", path, rows[i].says);
        ami_error err = {""};
        ami_clip *clip = ami_clip_read(path, &err);
        if (clip || strncmp(err.text, says, strlen(says)) != 0 || strchr(err.text, '\n')) {
            fail_msg("row %zu: \"%s\" does not begin with \"%s\"", i, err.text, says);
        }
    }
    free(text);
    static const char *const whole[][2] = {
        {"", "not JSON at line 1"},
        {"[1, 2]", "the file holds a list, expected an object with Loop and Frames"},
        {"{\"Loop\": \"none\", \"Frames\": 3}", "Frames is a number, expected a list of frames"},
        {"{\"Loop\": \"none\", \"Frames\": []}", "Frames holds 0 frames, expected 2 to 100000"},
        {"{\"Loop\": \"none\", \"Frames\": [[0]]}", "Frames holds 1 frame, expected 2 to 100000"},
        {"\xff\xfe{", "UTF-16"},
        /* no control characters to a terminal */
        {"{\x1b[2J\x7f", "not JSON at line 1, column 2: string or '}' expected near '\\x1b'"},
        {"HIERARCHY\nROOT Hips\n{", "line 3: the file ends, expected OFFSET, CHANNELS"},
        {"Kaydara FBX Binary  ", "FBX"}, /* by another process, if there is one */
        {"glTF\2", "is a GLB file; amble reads"},
        {"<html>", "is an XML file; amble reads"},
        {"\2P", "is a C3D file; amble reads"},
    };
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        ami_error err = {""};
        put_text(path, whole[i][0]);
        assert_null(ami_clip_read(path, &err));
        if (!strstr(err.text, whole[i][1])) {
            fail_msg("whole file %zu: \"%s\" does not say \"%s\"", i, err.text, whole[i][1]);
        }
    }
    ami_error err = {""};
    assert_null(ami_clip_read(scratch("nowhere.txt"), &err));
    assert_non_null(strstr(err.text, "nowhere.txt"));
    assert_null(ami_clip_read(scratch_folder, &err)); /* a folder */
}

/* The small file with lengths and durations in other units. */
static char *scaled_file(double length, double duration)
{
    char *text = NULL, *plain = small_file(5, "none");
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    for (const char *line = plain; *line; line += strcspn(line, "\n") + 1) {
        double d = 0, x = 0, y = 0, z = 0;
        const char *at = line + 1, *comma[4];
        if (line[0] == '[' && line[1] != '\n') {
            assert_true(ami_number_read(at, &comma[0], &d) && ami_number_read(comma[0] + 2, &comma[1], &x) &&
                        ami_number_read(comma[1] + 2, &comma[2], &y) &&
                        ami_number_read(comma[2] + 2, &comma[3], &z));
            ami_number_fprintf(out, "[%g, %g, %g, %g", duration * d, length * x, length * y, length * z);
            line = comma[3];
        }
        fprintf(out, "%.*s\n", (int)strcspn(line, "\n"), line);
    }
    free(plain);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void other_units_are_refused(void **state)
{
    (void)state;
    static const struct {
        double length, duration;
        const char *says; /* NULL: read */
    } rows[] = {
        {1, 1, NULL},
        {100, 1,
         "the root's height is 85 m, expected at most 2.5; the floor is at 0 and lengths are in metres: "
         "multiply root positions by "
         "0.01 if these are centimetres, by 0.0254 if inches, by 0.3048 if feet"},
        {1 / .0254, 1, "the root's height is 33.4646 m, expected at most 2.5; "},
        {1 / .3048, 1, "the root's height is 2.78871 m, expected at most 2.5; "},
        {1.9, 1, "the root's lowest height is 1.615 m, expected less than 1.5; "},
        {1000, 1, "the root's height is 850 m"},
        {1, 1000, "the duration is 31.25 s, expected at most 1: divide by 1000 if these are milliseconds"},
        {1, .01, "m/s, expected at most 20; lengths are in metres, durations in seconds"},
        {.005, .01, " turns at "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = scaled_file(rows[i].length, rows[i].duration);
        ami_error err = {""};
        put_text(scratch("units.txt"), text);
        ami_clip *clip = ami_clip_read(scratch("units.txt"), &err);
        if (!clip != !!rows[i].says || (rows[i].says && !strstr(err.text, rows[i].says)))
            fail_msg("row %zu: %s \"%s\"", i, clip ? "read" : "refused", err.text);
        ami_clip_destroy(clip);
        free(text);
    }
}

static void loops_are_told_in_several_ways(void **state)
{
    (void)state;
    static const struct {
        const char *loop;
        bool loops;
    } rows[] = {{"true", true}, {"false", false},   {"1", true},        {"0", false},
                {"1.0", true},  {"\"wrap\"", true}, {"\"none\"", false}};
    char *text = small_file(5, "wrap");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *other = changed(text, "\"wrap\"", rows[i].loop);
        put_text(scratch("loop.txt"), other);
        ami_clip *clip = read_well(scratch("loop.txt"));
        assert_int_equal(ami_clip_loops(clip), rows[i].loops);
        ami_clip_destroy(clip);
        free(other);
    }
    char *marked = changed(text, "{", "\xef\xbb\xbf{"); /* as some editors save it */
    put_text(scratch("marked.txt"), marked);
    ami_clip_destroy(read_well(scratch("marked.txt")));
    assert_true(ami_clip_looks_like(scratch("marked.txt")));
    free(marked);
    free(text);
}

static void a_clip_has_a_name_whatever_its_file_is_called(void **state)
{
    (void)state;
    char longest[100], expected[100];
    memset(longest, 'n', 90);
    strcpy(longest + 90, ".txt");
    memset(expected, 'n', 64);
    expected[64] = 0;
    const char *const rows[][2] = {{"humanoid3d_walk.txt", "walk"},
                                   {"\x1b[31mwalk.txt", "\\x1b[31mwalk"},
                                   {" walk .txt", "walk"},
                                   {"a.b.json", "a.b"},
                                   {".txt", ".txt"},
                                   {longest, expected},
                                   {" .txt", ".txt"},
                                   {"fr\xc3\xb6hlich.txt", "fr\xc3\xb6hlich"}};
    char *text = small_file(5, "none");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        put_text(scratch(rows[i][0]), text);
        ami_clip *clip = read_well(scratch(rows[i][0]));
        assert_string_equal(ami_clip_name(clip), rows[i][1]);
        assert_true(ami_name_check(ami_clip_name(clip), "clip", NULL));
        ami_clip_destroy(clip);
        unlink(scratch(rows[i][0]));
    }
    free(text);
}

static void other_formats_are_not_written(void **state)
{
    (void)state;
    char *text = small_file(5, "none");
    put_text(scratch("in.txt"), text);
    free(text);
    ami_clip *clip = read_well(scratch("in.txt"));
    static const char *const refused[] = {"x.FBX", "x.gltf",    "x.csv", "x.npy",
                                          "x.mp4", "a.txt.fbx", "x.v2",  "x.tmp"};
    static const char *const written[] = {"x.txt", "x.json", "x", "X.TXT", "bvh", "x.bvh", "x.glb"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        ami_error err = {""};
        assert_false(ami_clip_write(clip, scratch(refused[i]), &err));
        if (!strstr(err.text, "expected a name that ends in .txt, .json, .bvh, .glb or .npz") ||
            access(scratch(refused[i]), F_OK) == 0)
            fail_msg("%s: \"%s\"", refused[i], err.text);
    }
    for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
        assert_true(ami_clip_write(clip, scratch(written[i]), NULL));
        unlink(scratch(written[i]));
    }
    ami_clip_destroy(clip);
}

static void what_is_no_clip_does_not_look_like_one(void **state)
{
    (void)state;
    char *text = small_file(5, "none"), *dog = changed(text, "[0.03125, 0,", "[0.03125, 0, 0, 0, 0, 0,");
    char *spaced = changed(text, "\"Frames\":\n[\n", "\"Frames\"\t:\r\n [ ");
    char *late = malloc(100000 + strlen(text)); /* Frames further behind than it looks */
    sprintf(late, "{\"note\": \"%099000d\",%s", 0, text + 1);
    const struct {
        const char *text;
        bool looks;
    } rows[] = {{text, true},
                {spaced, true},
                {dog, false},
                {late, false},
                {"", false},
                {"{", false},
                {"{\"Frames\": [[1, 2", false},
                {"MIT License", false},
                {"[[1]]", false},
                {"{\"Frames\": 3}", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        put_text(scratch("look.txt"), rows[i].text);
        if (ami_clip_looks_like(scratch("look.txt")) != rows[i].looks)
            fail_msg("row %zu", i);
    }
    assert_false(ami_clip_looks_like(scratch_folder));
    assert_false(ami_clip_looks_like(scratch("nowhere.txt")));
    free(late);
    free(spaced);
    free(dog);
    free(text);
}

/* More values than the largest clip has are refused before they cost memory; too many frames by their number;
 * too large a file by its size.
 */
static void oversized_files_are_refused(void **state)
{
    (void)state;
    char path[160];
    snprintf(path, sizeof path, "%s", scratch("large.txt"));
    for (int kind = 0; kind < 2; kind++) {
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        fputs("{\"Loop\": \"none\", \"Frames\": [0", file);
        for (int i = 0; i < (kind == 0 ? 5000000 : 100000); i++) {
            fputs(",0", file);
        }
        fputs("]}", file);
        assert_int_equal(fclose(file), 0);
        ami_error err = {""};
        assert_null(ami_clip_read(path, &err));
        assert_non_null(strstr(err.text, kind == 0 ? "the file holds more than 4500000 values"
                                                   : "Frames holds 100001 frames"));
    }
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), 300l << 20), 0); /* sparse */
    assert_int_equal(fclose(file), 0);
    ami_error err = {""};
    assert_null(ami_clip_read(path, &err));
    assert_non_null(strstr(err.text, "268435456"));
    unlink(path);
}

static void deep_nesting_is_refused(void **state)
{
    (void)state;
    enum { DEEP = 1000000 };
    char *text = malloc(DEEP + 1);
    assert_non_null(text);
    memset(text, '[', DEEP);
    text[DEEP] = '\0';
    put_text(scratch("deep.txt"), text);
    free(text);
    ami_error err = {""};
    assert_null(ami_clip_read(scratch("deep.txt"), &err));
    assert_non_null(strstr(err.text, "not JSON at line 1"));
}

/* Cut anywhere it is refused; with bytes flipped it is read or refused, and a read one can be sampled. */
static void broken_bytes_do_no_harm(void **state)
{
    (void)state;
    char *text = small_file(4, "none"), path[160];
    const size_t size = strlen(text), end = size - 2; /* without the last brace */
    snprintf(path, sizeof path, "%s", scratch("broken.txt"));
    for (size_t length = 0; length <= end; length += length < 100 || length > end - 100 ? 1 : 13) {
        char *part = strndup(text, length);
        assert_non_null(part);
        put_text(path, part);
        free(part);
        ami_error err = {""};
        assert_null(ami_clip_read(path, &err));
        assert_non_null(strstr(err.text, "not JSON at line "));
    }
    ami_rng rng = ami_rng_seed(8, 0);
    int read = 0, refused = 0;
    for (int n = 0; n < 3000; n++) {
        char *flipped = strdup(text);
        assert_non_null(flipped);
        for (uint32_t k = 1 + ami_rng_below(&rng, 3); k > 0; k--) {
            flipped[ami_rng_below(&rng, (uint32_t)size)] ^= (char)(1u << ami_rng_below(&rng, 8));
        }
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        fwrite(flipped, 1, size, file); /* zero bytes included */
        fclose(file);
        free(flipped);
        ami_error err = {""};
        ami_clip *clip = ami_clip_read(path, &err);
        if (clip) {
            double pose[AMI_POSE], vel[AMI_VEL];
            ami_clip_sample(clip, ami_clip_duration(clip) * 0.6, pose, vel);
            for (int i = 0; i < AMI_POSE; i++) {
                assert_true(isfinite(pose[i]));
            }
            for (int i = 0; i < AMI_VEL; i++) {
                assert_true(isfinite(vel[i]));
            }
            read++;
        } else {
            assert_true(err.text[0] != '\0' && !strchr(err.text, '\n'));
            refused++;
        }
        ami_clip_destroy(clip);
    }
    assert_true(read > 100 && refused > 100);
    free(text);
}

static void motions_are_found_by_name(void **state)
{
    (void)state;
    char dir[128], path[200], want[200];
    ami_error err = {""};
    snprintf(dir, sizeof dir, "%s/motions", scratch_folder);
    assert_int_equal(mkdir(dir, 0700), 0);
    snprintf(path, sizeof path, "%s/motions/sub.txt", scratch_folder);
    assert_int_equal(mkdir(path, 0700), 0); /* a folder is no motion */
    assert_false(ami_clip_find("sub", dir, path, sizeof path, &err));

    char *text = small_file(5, "none"), *dog = changed(text, "[0.03125, 0,", "[0.03125, 0, 0, 0, 0, 0,");
    put_text(scratch("motions/humanoid3d_hop.txt"), text);
    put_text(scratch("motions/limp.txt"), text);
    put_text(scratch("motions/dog3d_pace.txt"),
             dog); /* what is no motion of this body is not offered below */
    put_text(scratch("motions/LICENSE.txt"), "MIT License");
    free(dog);
    free(text);
    snprintf(want, sizeof want, "%s/humanoid3d_hop.txt", dir);
    assert_true(ami_clip_find("hop", dir, path, sizeof path, &err));
    assert_string_equal(path, want);
    assert_true(ami_clip_find("humanoid3d_hop", dir, path, sizeof path, &err));
    assert_string_equal(path, want);
    assert_true(ami_clip_find(want, NULL, path, sizeof path, &err)); /* a file as it is */
    assert_string_equal(path, want);
    char *short_path = malloc(8);
    assert_false(ami_clip_find(want, NULL, short_path, 8, &err));
    assert_non_null(strstr(err.text, "longer than 7 bytes"));
    assert_false(ami_clip_find("hop", dir, short_path, 8, &err));
    free(short_path);

    assert_int_equal(setenv("AMBLE_CLIPS", dir, 1), 0);
    assert_true(ami_clip_find("limp", NULL, path, sizeof path, &err));
    snprintf(want, sizeof want, "%s/limp.txt", dir);
    assert_string_equal(path, want);
    assert_false(ami_clip_find("hobble", NULL, path, sizeof path, &err));
    assert_non_null(strstr(err.text, "no motion \"hobble\" in "));
    assert_non_null(strstr(err.text, dir));
    assert_non_null(strstr(err.text, " clips"));
    assert_non_null(strstr(err.text, "there are hop, limp"));
    assert_null(strstr(err.text, "LICENSE"));
    assert_null(strstr(err.text, "pace"));
    assert_int_equal(unsetenv("AMBLE_CLIPS"), 0);

    assert_false(ami_clip_find("walk", scratch("empty"), path, sizeof path, &err));
    assert_non_null(strstr(err.text, "nor any other; " AMB_SOURCE_DIR "/scripts/get-clips.sh fetches"));
    /* a folder that is given is the only one */
    assert_false(ami_clip_find("style_jog", dir, path, sizeof path, &err));

    /* amble's own motions come last */
    assert_true(ami_clip_find("style_jog", NULL, path, sizeof path, &err));
    assert_string_equal(path, AMB_SOURCE_DIR "/assets/motions/style_jog.txt");
    put_text(scratch("motions/style_jog.txt"), "x");
    assert_int_equal(setenv("AMBLE_CLIPS", dir, 1), 0);
    assert_true(ami_clip_find("style_jog", NULL, path, sizeof path, &err));
    snprintf(want, sizeof want, "%s/style_jog.txt", dir);
    assert_string_equal(path, want);
    assert_int_equal(unsetenv("AMBLE_CLIPS"), 0);
    assert_false(ami_clip_find("no/such.txt", dir, path, sizeof path, &err));
    assert_non_null(strstr(err.text, "\"no/such.txt\" cannot be read: No such file"));
    assert_false(ami_clip_find("", dir, path, sizeof path, &err));
}

static void names_come_from_files(void **state)
{
    (void)state;
    static const char *const row[][2] = {
        {"humanoid3d_walk.txt", "walk"}, {"/a/b.c/humanoid3d_walk.txt", "walk"},
        {"my walk.txt", "my walk"},      {"a/walk", "walk"},
        {"walk.slow.json", "walk.slow"}, {".txt", ".txt"}};
    char name[32];
    ami_error err = {""};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        assert_true(ami_clip_name_of_file(row[i][0], name, sizeof name, &err));
        assert_string_equal(name, row[i][1]);
    }
    assert_false(ami_clip_name_of_file("a/quite_long_name_of_a_motion.txt", name, 8, &err));
    assert_non_null(strstr(err.text, "longer than 7 bytes"));
}

/* The checksum of a clip is that of every copy of its file, and changes with any number that is followed, and
 * with what comes at the end.
 */
static void the_checksum_tells_motions_apart(void **state)
{
    (void)state;
    enum { FRAMES = 3 };
    double time[FRAMES] = {0, .1, .2}, pose[FRAMES * AMI_POSE] = {0};
    for (int f = 0; f < FRAMES; f++) {
        pose[f * AMI_POSE + 2] = .9;
        pose[f * AMI_POSE + 3] = 1;
        for (int j = 0; j < AMI_CLIP_JOINTS; j++)
            pose[f * AMI_POSE + ami_clip_joints[j].pose] = ami_clip_joints[j].ball;
    }
    ami_error err = {""};
    ami_clip *first = ami_clip_create(FRAMES, time, pose, true, "a", &err),
             *named = ami_clip_create(FRAMES, time, pose, true, "b", &err);
    ami_clip *once = ami_clip_create(FRAMES, time, pose, false, "a", &err);
    time[1] = .1000001;
    ami_clip *later = ami_clip_create(FRAMES, time, pose, true, "a", &err);
    time[1] = .1;
    pose[2 * AMI_POSE - 1] += 1e-12;
    ami_clip *bent = ami_clip_create(FRAMES, time, pose, true, "a", &err);
    assert_true(first && named && once && later && bent);
    assert_int_equal(ami_clip_crc(first), ami_clip_crc(named));
    assert_true(ami_clip_crc(first) != ami_clip_crc(once));
    assert_true(ami_clip_crc(first) != ami_clip_crc(later));
    assert_true(ami_clip_crc(first) != ami_clip_crc(bent));
    assert_true(ami_clip_write(first, scratch("first.txt"), &err));
    ami_clip *read = ami_clip_read(scratch("first.txt"), &err),
             *again = ami_clip_read(scratch("first.txt"), &err);
    assert_true(read && again);
    assert_int_equal(ami_clip_crc(read), ami_clip_crc(again));
    ami_clip *const all[] = {first, named, once, later, bent, read, again};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        ami_clip_destroy(all[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_file_reads_as_written_on_paper),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(clips_of_both_kinds_load),
        cmocka_unit_test(bad_files_get_a_sentence),
        cmocka_unit_test(other_units_are_refused),
        cmocka_unit_test(loops_are_told_in_several_ways),
        cmocka_unit_test(a_clip_has_a_name_whatever_its_file_is_called),
        cmocka_unit_test(other_formats_are_not_written),
        cmocka_unit_test(what_is_no_clip_does_not_look_like_one),
        cmocka_unit_test(oversized_files_are_refused),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(broken_bytes_do_no_harm),
        cmocka_unit_test(motions_are_found_by_name),
        cmocka_unit_test(names_come_from_files),
        cmocka_unit_test(the_checksum_tells_motions_apart),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
