/* Binary glTF: what is written comes back; nodes, skins and animations of files made here, number by number; and what
 * is wrong in a sentence. */
#include "base/file.h"
#include "motion/export.h"
#include "motion/glb.h"
#include "motion/motion_file.h"
#include "motion/rotation.h"
#include "tests/body.h"

#include <stdio.h>
#include <stdlib.h>

/* A file of this JSON and these numbers. */
static uint8_t *glb_of(const char *json, const float *numbers, size_t count, size_t *size)
{
    const size_t text = (strlen(json) + 3) / 4 * 4, bytes = count * sizeof *numbers;
    const uint32_t head[5] = {0x46546c67, 2, (uint32_t)(28 + text + bytes), (uint32_t)text, 0x4e4f534a},
                   part[2] = {(uint32_t)bytes, 0x004e4942};
    uint8_t *file = malloc(28 + text + bytes);
    memcpy(file, head, sizeof head);
    memset(file + 20, ' ', text);
    memcpy(file + 20, json, strlen(json));
    memcpy(file + 20 + text, part, sizeof part);
    if (bytes > 0)
        memcpy(file + 28 + text, numbers, bytes);
    *size = 28 + text + bytes;
    return file;
}

static ami_mocap *decode(const char *json, const float *numbers, size_t count, ami_error *err)
{
    size_t size;
    uint8_t *file = glb_of(json, numbers, count, &size);
    ami_mocap *m = ami_glb_decode(file, size, err);
    free(file);
    return m;
}

static void assert_refused(const char *json, const float *numbers, size_t count, const char *says)
{
    ami_error err = {""};
    ami_mocap *m = decode(json, numbers, count, &err);
    assert_null(m);
    assert_sentence(&err, says);
}

static ami_clip *dancing(int frames)
{
    double *time = calloc((size_t)frames * (1 + AMI_POSE), sizeof *time), *pose = time + frames;
    ami_rng rng = ami_rng_seed(3, 0);
    double start[AMI_POSE], end[AMI_POSE];
    random_pose(&rng, start, 1, .8);
    random_pose(&rng, end, 1, .8);
    for (int f = 0; f < frames; f++) {
        time[f] = f / 60.;
        for (int k = 0; k < AMI_POSE; k++)
            pose[f * AMI_POSE + k] = start[k] + (end[k] - start[k]) * .3 * sin(.1 * f);
    }
    ami_clip *clip = make_clip(frames, time, pose, false);
    free(time);
    return clip;
}

static void what_is_written_comes_back(void **unused)
{
    (void)unused;
    enum { FRAMES = 80 };
    ami_clip *clip = dancing(FRAMES);
    size_t size;
    ami_error err = {""};
    uint8_t *file = ami_glb_encode(clip, &size, &err);
    assert_non_null(file);
    assert_true(ami_glb_looks_like(file, size));
    ami_mocap *m = ami_glb_decode(file, size, &err);
    if (!m)
        fail_msg("%s", err.text);
    assert_int_equal(m->frames, FRAMES);
    assert_int_equal(m->joints, AMI_EXPORT_JOINTS);
    assert_near(m->frame_time, 1 / 60., 1e-6, "frame time", 0);
    assert_true(ami_export_is_own(m));
    assert_int_equal(m->loop, AMI_MOCAP_LOOP_NONE);
    /* at rest it stands: the lowest joints, the ankles, are a foot's height above the floor */
    double pos[AMI_EXPORT_JOINTS][3], rot[AMI_EXPORT_JOINTS][4], local[AMI_EXPORT_JOINTS][4], low = INFINITY;
    for (int j = 0; j < m->joints; j++)
        memcpy(local[j], (const double[4]){1, 0, 0, 0}, sizeof local[j]);
    m->joint[0].channels = 0; /* the zero pose with the root at its rest place */
    ami_mocap_place(m, -1, (const double(*)[4])local, pos, rot);
    for (int j = 0; j < m->joints; j++)
        low = fmin(low, pos[j][1]);
    assert_true(low > 3 && low < 12); /* cm */
    ami_mocap_destroy(m);
    ami_retarget_report report;
    ami_clip *again = ami_motion_decode(file, size, "again.glb", NULL, &report, &err);
    if (!again)
        fail_msg("%s", err.text);
    assert_true(report.own);
    assert_string_equal(ami_clip_name(again), "again");
    for (int f = 0; f < FRAMES; f++) {
        const double *a = ami_clip_poses(clip) + f * AMI_POSE, *b = ami_clip_poses(again) + f * AMI_POSE;
        for (int k = 0; k < 3; k++)
            assert_near(b[k], a[k], 1e-5, "place", f);
        for (int i = 0; i < AMI_BODIES; i++) {
            double one[3][3], other[3][3];
            if (is_hinge(i)) {
                assert_near(b[pose_at[i]], a[pose_at[i]], 1e-5, "hinge", i);
            } else if (is_ball(i) || i == AMI_ROOT) {
                const int at = i == AMI_ROOT ? 3 : pose_at[i];
                matrix_of(one, a + at);
                matrix_of(other, b + at);
                assert_near(angle_between(one, other), 0, 1e-5, "ball", i);
            }
        }
    }
    ami_clip_destroy(again);
    ami_clip_destroy(clip);
    free(file);
}

/* An armature of centimetres, turned to lie, with two joints; the second one rests bent by 90 degrees and turns by
 * 60 degrees in a second while the first one moves. Rests are zero: only the movement counts. */
/* clang-format off */
#define ARM(interpolation, keys, values) \
    "{\"asset\":{\"version\":\"2.0\"},\"nodes\":[" \
    "{\"name\":\"Armature\",\"children\":[1],\"scale\":[0.01,0.01,0.01],\"rotation\":[0.70710678,0,0,0.70710678]}," \
    "{\"name\":\"a:Hips\",\"children\":[2],\"translation\":[0,90,0]}," \
    "{\"name\":\"b\",\"translation\":[0,20,0],\"rotation\":[0,0,0.70710678,0.70710678]}]," \
    "\"animations\":[{\"channels\":[" \
    "{\"sampler\":0,\"target\":{\"node\":1,\"path\":\"translation\"}}," \
    "{\"sampler\":1,\"target\":{\"node\":2,\"path\":\"rotation\"}}],\"samplers\":[{\"input\":0,\"output\":1}," \
    "{\"input\":0,\"output\":2,\"interpolation\":\"" interpolation "\"}]}]," \
    "\"buffers\":[{\"byteLength\":1}],\"bufferViews\":[{\"buffer\":0,\"byteLength\":8}," \
    "{\"buffer\":0,\"byteOffset\":8,\"byteLength\":24},{\"buffer\":0,\"byteOffset\":32,\"byteLength\":" values "}]," \
    "\"accessors\":[{\"bufferView\":0,\"componentType\":5126,\"count\":2,\"type\":\"SCALAR\",\"max\":[1]}," \
    "{\"bufferView\":1,\"componentType\":5126,\"count\":2,\"type\":\"VEC3\"}," \
    "{\"bufferView\":2,\"componentType\":5126,\"count\":" keys ",\"type\":\"VEC4\"}]}"
/* clang-format on */

static void nodes_move_from_their_rest(void **unused)
{
    (void)unused;
    /* 45 and 75 degrees about half of z: from 90 to 150 degrees */
    const float linear[] = {0, 1, 0,          90,         0, 30, 90,         0,
                            0, 0, .70710678f, .70710678f, 0, 0,  .96592583f, .25881905f};
    ami_error err = {""};
    ami_mocap *m = decode(ARM("LINEAR", "2", "32"), linear, 16, &err);
    if (!m)
        fail_msg("%s", err.text);
    assert_int_equal(m->joints, 2);
    assert_int_equal(m->frames, 2); /* as far apart as its keys */
    assert_string_equal(m->joint[0].name, "a:Hips");
    assert_int_equal(m->joint[1].parent, 0);
    /* the armature's turn takes y to z; cm are cm */
    assert_near(m->joint[0].offset[2], 90, 1e-4, "hips at rest", 2);
    assert_near(m->joint[1].offset[2], 20, 1e-4, "bone", 2);
    double local[2][4], at[2][3], rot[2][4];
    ami_mocap_local(m, 0, local);
    assert_near(fabs(local[1][0]), 1, 1e-6, "at rest at first", 0);
    ami_mocap_local(m, 1, local);
    ami_mocap_place(m, 1, (const double(*)[4])local, at, rot);
    assert_near(2 * acos(fabs(local[1][0])), M_PI / 3, 1e-5, "turn", 1);
    assert_near(fabs(local[1][2]), .5, 1e-5, "about the axis that z became", 0); /* -y */
    assert_near(at[0][0], 30, 1e-4, "hips moved", 0);
    assert_near(at[0][2], 90, 1e-4, "hips moved", 2);
    assert_near(at[1][2], 110, 1e-4, "bone follows", 2);
    ami_mocap_destroy(m);
}

/* Step keeps the first key until the second; a cubic whose tangents are zero is slow at both ends. */
static void keys_are_interpolated_as_asked(void **unused)
{
    (void)unused;
    /* a third key at .25 s makes frames there: of the hips' times only */
    static const char json[] =
        "{\"asset\":{\"version\":\"2.0\"},\"nodes\":[{\"name\":\"Hips\"}],\"animations\":[{\"channels\":["
        "{\"sampler\":0,\"target\":{\"node\":0,\"path\":\"translation\"}},"
        "{\"sampler\":1,\"target\":{\"node\":0,\"path\":\"rotation\"}}],"
        "\"samplers\":[{\"input\":0,\"output\":1,\"interpolation\":\"%s\"},{\"input\":2,\"output\":3}]}],"
        "\"bufferViews\":[{\"buffer\":0,\"byteLength\":8},{\"buffer\":0,\"byteOffset\":8,\"byteLength\":72},"
        "{\"buffer\":0,\"byteOffset\":80,\"byteLength\":20},{\"buffer\":0,\"byteOffset\":100,\"byteLength\":"
        "80}],"
        "\"accessors\":[{\"bufferView\":0,\"componentType\":5126,\"count\":2,\"type\":\"SCALAR\"},"
        "{\"bufferView\":1,\"componentType\":5126,\"count\":%d,\"type\":\"VEC3\"},"
        "{\"bufferView\":2,\"componentType\":5126,\"count\":5,\"type\":\"SCALAR\"},"
        "{\"bufferView\":3,\"componentType\":5126,\"count\":5,\"type\":\"VEC4\"}]}";
    float numbers[45] = {0, 1};
    for (int k = 0; k < 5; k++) {
        numbers[20 + k] = .25f * (float)k;
        numbers[25 + 4 * k + 3] = 1;
    }
    const struct {
        const char *how;
        int rows;
        double at[5];
    } rows[] = {{"LINEAR", 2, {0, 25, 50, 75, 100}},
                {"STEP", 2, {0, 0, 0, 0, 100}},
                {"CUBICSPLINE", 6, {0, 15.625, 50, 84.375, 100}}};
    for (int i = 0; i < 3; i++) {
        const int last = rows[i].rows == 6 ? 2 + 3 * 4 : 2 + 3; /* value of the second key: x = 1 m */
        memset(numbers + 2, 0, 18 * sizeof *numbers);
        numbers[last] = 1;
        char text[4096];
        snprintf(text, sizeof text, json, rows[i].how, rows[i].rows);
        ami_error err = {""};
        ami_mocap *m = decode(text, numbers, 45, &err);
        if (!m)
            fail_msg("%s", err.text);
        assert_int_equal(m->frames, 5);
        for (int f = 0; f < 5; f++)
            assert_near(m->value[f * m->channels], rows[i].at[f], 1e-4, rows[i].how, f);
        ami_mocap_destroy(m);
    }
}

static void what_is_wrong_is_said(void **unused)
{
    (void)unused;
    const float good[16] = {0, 1, 0,          90,         0, 30, 90,         0,
                            0, 0, .70710678f, .70710678f, 0, 0,  .96592583f, .25881905f};
    float bad[16];
    memcpy(bad, good, sizeof bad);
    bad[1] = 0;
    assert_refused(ARM("LINEAR", "2", "32"), bad, 16, "time 1 is 0 s, after 0 s");
    bad[1] = NAN;
    assert_refused(ARM("LINEAR", "2", "32"), bad, 16, "nan|finite");
    assert_refused(ARM("LINEAR", "2", "32"), good, 12,
                   "accessor 2 of 2 rows does not lie in the file's 48 bytes");
    assert_refused(ARM("LINEAR", "2", "24"), good, 16, "accessor 2 of 2 rows");
    assert_refused(ARM("LINEAR", "99999999", "32"), good, 16, "accessor 2 of 99999999 rows");
    assert_refused(ARM("CUBICSPLINE", "2", "32"), good, 16, "2 times and 2 values");
    assert_refused(ARM("LINEAR", "4294967298", "32"), good, 16, "accessor 2 of 4294967298 rows");
    assert_refused(ARM("QUADRATIC", "2", "32"), good, 16,
                   "channel 1|\"QUADRATIC\"|LINEAR, STEP or CUBICSPLINE");
    assert_refused("{\"extensionsRequired\":[\"EXT_meshopt_compression\"]}", good, 0,
                   "EXT_meshopt_compression");
    assert_refused("{\"extensionsRequired\":[7]}", good, 0, "requires the glTF extension");
    assert_refused("{\"extensionsRequired\":[\"KHR_materials_unlit\"]}", good, 0, "0 nodes found");
    assert_refused("{\"asset\":{}}", good, 0, "0 nodes found");
    assert_refused("{\"nodes\":[{}]}", good, 0, "has no animation");
    assert_refused("{\"nodes\":[{\"children\":[1]},{\"children\":[0]}]}", good, 0, "own ancestors");
    assert_refused("{\"nodes\":[{\"children\":[0]}]}", good, 0, "child 0");
    assert_refused("{\"nodes\":[{\"children\":[7]}]}", good, 0, "child 7");
    static const char arm[] = ARM("LINEAR", "2", "32");
    char scaled[sizeof arm];
    memcpy(scaled, arm, sizeof arm);
    strstr(scaled, "[0.01,0.01,")[9] = '2'; /* what the joints hang on */
    assert_refused(scaled, good, 16, "node 0 is scaled by 0.01, 0.02 and 0.01");
    assert_refused("{\"nodes\":[{\"scale\":[1,2,1]}]}", good, 0, "has no animation"); /* no joint */
    assert_refused("{\"nodes\":[{\"rotation\":[0,0,0,0]}]}", good, 0, "node 0");
    assert_refused("{\"nodes\":[{\"matrix\":[1,0,0,0,0,1,0,0,0,0,-1,0,0,0,0,1]}]}", good, 0, "node 0");
    assert_refused("[1]", good, 0, "no object");
    assert_refused("{\"nodes\":", good, 0, "its JSON is none");
    static const char text[] = "{ \"asset\": {\"version\": \"2.0\"}, \"nodes\": []}";
    assert_true(ami_glb_looks_like(text, sizeof text - 1));
    assert_false(ami_glb_looks_like("{\"Loop\": \"wrap\", \"Frames\": []}", 31));
    ami_error err = {""};
    assert_null(ami_glb_decode(text, sizeof text - 1, &err));
    assert_sentence(&err, "glTF as text|.glb");
    uint8_t old[24] = "glTF\1";
    assert_null(ami_glb_decode(old, sizeof old, &err));
    assert_sentence(&err, "version 1 found, expected 2");
    size_t size;
    uint8_t *file = glb_of(ARM("LINEAR", "2", "32"), good, 16, &size);
    for (size_t n = 0; n < size; n++) { /* cut anywhere */
        uint8_t *cut = malloc(n + 1);
        memcpy(cut, file, n);
        err.text[0] = 0;
        assert_null(ami_glb_decode(cut, n, &err));
        assert_true(err.text[0] != 0);
        free(cut);
    }
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_comes_back),
        cmocka_unit_test(nodes_move_from_their_rest),
        cmocka_unit_test(keys_are_interpolated_as_asked),
        cmocka_unit_test(what_is_wrong_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
