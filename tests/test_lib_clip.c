/* amble/clip.h as a host uses it: linked against the shared library alone. */
#include "tests/lib_motion.h"

#include <pthread.h>
#include <unistd.h>

static char folder[] = "/tmp/amble_lib_clip_XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    void *bytes = malloc(*size);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static void expect_near(const double *a, const double *b, int n, double most)
{
    for (int i = 0; i < n; i++)
        if (!(fabs(a[i] - b[i]) <= most))
            fail_msg("number %d is %.17g, expected %.17g to %g", i, a[i], b[i], most);
}

/* ---- the skeleton ---- */

static void describes_every_number_of_a_pose_once(void **state)
{
    (void)state;
    const amb_skeleton *skeleton = humanoid();
    amb_skeleton_info about = {.size = sizeof about};
    expect(amb_skeleton_get_info(skeleton, &about), AMB_OK);
    assert_int_equal(about.bodies, BODIES);
    assert_int_equal(about.pose_size, POSE);
    assert_int_equal(about.velocity_size, VELOCITY);
    int pose[POSE] = {0}, velocity[VELOCITY] = {0};
    static const int numbers[4][2] = {{7, 6}, {4, 3}, {1, 1}, {0, 0}}; /* free, ball, hinge, fixed */
    double mass = 0;
    for (int i = 0; i < about.bodies; i++) {
        amb_body_info body = {.size = sizeof body};
        expect(amb_skeleton_body(skeleton, i, &body), AMB_OK);
        assert_true(body.parent < i);
        assert_int_equal(body.parent < 0, i == 0);
        assert_int_equal(body.joint == AMB_JOINT_FREE, i == 0);
        assert_int_equal(body.pose_size, numbers[body.joint][0]);
        assert_int_equal(body.velocity_size, numbers[body.joint][1]);
        for (int k = 0; k < body.pose_size; k++)
            pose[body.pose + k]++;
        for (int k = 0; k < body.velocity_size; k++)
            velocity[body.velocity + k]++;
        assert_int_equal(amb_skeleton_find_body(skeleton, body.name), i);
        assert_int_equal(body.limit[0] < body.limit[1], body.joint == AMB_JOINT_HINGE);
        mass += body.mass;
    }
    for (int k = 0; k < POSE; k++)
        assert_int_equal(pose[k], 1);
    for (int k = 0; k < VELOCITY; k++)
        assert_int_equal(velocity[k], 1);
    assert_true(fabs(mass - about.mass) < 1e-9);
    assert_true(fabs(mass - 45) < .1);

    amb_body_info knee = {.size = sizeof knee};
    expect(amb_skeleton_body(skeleton, amb_skeleton_find_body(skeleton, "left_knee"), &knee), AMB_OK);
    assert_int_equal(knee.joint, AMB_JOINT_HINGE);
    assert_int_equal(knee.pose, 33);
    assert_int_equal(knee.velocity, 26);
    assert_int_equal(knee.parent, amb_skeleton_find_body(skeleton, "left_hip"));
    assert_int_equal(amb_skeleton_find_body(skeleton, "tail"), -1);
    expect(amb_skeleton_body(skeleton, BODIES, &knee), AMB_ERROR_ARGUMENT);
    expect_sentence("body 15 was asked for, expected 0 to 14");
}

/* Bodies hang on their parents by their offsets, in the rest pose, in a pose turned and moved, and in one of
 * a clip. */
static void puts_bodies_where_their_parents_carry_them(void **state)
{
    (void)state;
    const amb_skeleton *skeleton = humanoid();
    double pose[POSE], at[BODIES][3], turn[BODIES][4];
    amb_clip *clip = shipped("style_run");
    for (int k = 0; k < 3; k++) {
        expect(k == 2 ? amb_clip_sample(clip, .3, pose, NULL) : amb_skeleton_rest_pose(skeleton, pose),
               AMB_OK);
        if (k == 1) { /* face the world's y axis, at (3, -2) */
            const double q[4] = {.5, .5, .5, .5};
            pose[0] = 3, pose[1] = -2;
            memcpy(pose + 3, q, sizeof q);
        }
        expect(amb_skeleton_transforms(skeleton, pose, at[0], turn[0]), AMB_OK);
        expect_near(at[0], pose, 3, 1e-15);
        for (int i = 1; i < BODIES; i++) {
            amb_body_info body = {.size = sizeof body};
            expect(amb_skeleton_body(skeleton, i, &body), AMB_OK);
            const double *q = turn[body.parent], w = q[0], *u = q + 1, *v = body.offset;
            const double uv = u[0] * v[0] + u[1] * v[1] + u[2] * v[2],
                         uu = u[0] * u[0] + u[1] * u[1] + u[2] * u[2];
            const double c[3] = {u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2],
                                 u[0] * v[1] - u[1] * v[0]};
            for (int n = 0; n < 3; n++) {
                const double arm = 2 * uv * u[n] + (w * w - uu) * v[n] + 2 * w * c[n];
                assert_true(fabs(at[body.parent][n] + arm - at[i][n]) < 1e-12);
            }
        }
        const int left = amb_skeleton_find_body(skeleton, "left_hip"),
                  right = amb_skeleton_find_body(skeleton, "right_hip"),
                  head = amb_skeleton_find_body(skeleton, "neck");
        assert_true(at[head][2] > at[0][2] + .3);
        if (k == 0) { /* left is +y where x is faced */
            assert_true(at[left][1] > .05 && at[right][1] < -.05);
            assert_true(at[0][2] > .8 && at[0][2] < 1);
        }
        if (k == 1)
            assert_true(at[left][0] < 3 - .05 && at[right][0] > 3 + .05);
    }
    const double nothing[POSE] = {0};
    pose[20] = NAN;
    at[3][1] = 77;
    expect(amb_skeleton_transforms(skeleton, pose, at[0], NULL), AMB_ERROR_ARGUMENT);
    expect_sentence("number 20 of the pose is nan, expected a finite one");
    assert_true(at[3][1] == 77);
    expect(amb_skeleton_transforms(skeleton, nothing, NULL, turn[0]), AMB_OK);
    assert_true(turn[0][0] == 1); /* a quaternion of length 0 is the identity */
    amb_clip_destroy(clip);
}

static void *get_humanoid(void *out)
{
    return amb_skeleton_humanoid(out) == AMB_OK ? out : NULL;
}

/* Must be the first test: the skeleton is made once in a process. */
static void threads_share_one_skeleton(void **state)
{
    (void)state;
    enum { THREADS = 8 };
    pthread_t thread[THREADS];
    const amb_skeleton *got[THREADS];
    assert_int_equal(amb_set_assets("tests/data"), AMB_OK);
    expect(amb_skeleton_humanoid(&got[0]), AMB_ERROR_NOT_FOUND);
    expect_sentence("humanoid.xml");
    assert_null(got[0]);
    assert_int_equal(amb_set_assets(NULL), AMB_OK); /* the next call tries again */
    for (int t = 0; t < THREADS; t++)
        assert_int_equal(pthread_create(&thread[t], NULL, get_humanoid, &got[t]), 0);
    for (int t = 0; t < THREADS; t++) {
        void *result;
        assert_int_equal(pthread_join(thread[t], &result), 0);
        assert_ptr_equal(result, &got[t]);
        assert_non_null(got[t]);
        assert_ptr_equal(got[t], got[0]);
    }
}

/* ---- clips ---- */

static void samples_frames_and_cycles(void **state)
{
    (void)state;
    amb_clip *clip = shipped("style_walk");
    const amb_clip_info info = info_of_clip(clip);
    assert_string_equal(info.name, "style_walk");
    assert_true(info.loops);
    assert_int_equal(info.pose_size, POSE);
    assert_int_equal(info.velocity_size, VELOCITY);
    assert_true(info.duration > 1 && info.duration < 2);
    assert_true(info.cycle_offset[0] > 1 && info.cycle_offset[2] == 0);
    double pose[POSE], velocity[VELOCITY], frame[POSE], speed[VELOCITY], time, before = -1;
    for (int f = 0; f < info.frames; f++) {
        expect(amb_clip_frame(clip, f, &time, frame, speed), AMB_OK);
        assert_true(time > before);
        before = time;
        if (f == info.frames - 1)
            break;
        expect(amb_clip_sample(clip, time, pose, velocity), AMB_OK);
        expect_near(pose, frame, POSE, 1e-12);
        expect_near(velocity, speed, VELOCITY, 1e-12);
    }
    assert_true(fabs(time - info.duration) < 1e-15);
    /* three cycles on: the same pose, further on */
    expect(amb_clip_sample(clip, .4, pose, velocity), AMB_OK);
    expect(amb_clip_sample(clip, .4 + 3 * info.duration, frame, speed), AMB_OK);
    for (int k = 0; k < 3; k++)
        pose[k] += 3 * info.cycle_offset[k];
    expect_near(frame, pose, POSE, 1e-9);
    expect_near(speed, velocity, VELOCITY, 1e-9);
    /* the velocity is the pose's derivative */
    expect(amb_clip_sample(clip, .5, pose, velocity), AMB_OK);
    expect(amb_clip_sample(clip, .5 + 1. / 30, frame, NULL), AMB_OK);
    assert_true(fabs((frame[0] - pose[0]) * 30 - velocity[0]) < .1);

    static const double bad[] = {NAN, INFINITY, -INFINITY, 1.1e9, -1e300};
    pose[5] = 77;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        expect(amb_clip_sample(clip, bad[i], pose, velocity), AMB_ERROR_ARGUMENT);
        expect_sentence("the time is ");
    }
    assert_true(pose[5] == 77);
    expect(amb_clip_sample(clip, 1e9, pose, velocity), AMB_OK);
    assert_true(isfinite(pose[0]));
    expect(amb_clip_frame(clip, info.frames, &time, NULL, NULL), AMB_ERROR_ARGUMENT);
    expect_sentence("expected 0 to ");
    amb_clip_destroy(clip);
}

static void saves_what_it_loads(void **state)
{
    (void)state;
    amb_clip *clip = shipped("style_zombie"), *again, *from_bytes, *twice;
    const amb_clip_info info = info_of_clip(clip);
    expect(amb_clip_save(clip, in_folder("humanoid3d_shuffle.txt")), AMB_OK);
    expect(amb_clip_load("shuffle", folder, &again), AMB_OK);
    const amb_clip_info copy = info_of_clip(again);
    assert_string_equal(copy.name, "shuffle");
    assert_int_equal(copy.frames, info.frames);
    assert_int_equal(copy.loops, info.loops);
    assert_true(fabs(copy.duration - info.duration) < 1e-9);
    expect_near(copy.cycle_offset, info.cycle_offset, 3, 1e-9);
    for (int f = 0; f < info.frames; f++) {
        double a[POSE], b[POSE];
        expect(amb_clip_frame(clip, f, NULL, a, NULL), AMB_OK);
        expect(amb_clip_frame(again, f, NULL, b, NULL), AMB_OK);
        for (int k = 0; k < POSE; k++) /* a quaternion's sign carries no meaning: here it is kept */
            assert_true(fabs(a[k] - b[k]) < 1e-10);
    }
    /* the bytes of the file give the same clip as the file, to the bit, with a byte-order mark, too */
    size_t size;
    char *bytes = read_file(in_folder("humanoid3d_shuffle.txt"), &size), *marked = malloc(size + 3);
    assert_non_null(marked);
    memcpy(marked, "\xef\xbb\xbf", 3);
    memcpy(marked + 3, bytes, size);
    expect(amb_clip_load_memory(bytes, size, "humanoid3d_other.txt", &from_bytes), AMB_OK);
    expect(amb_clip_load_memory(marked, size + 3, "marked", &twice), AMB_OK);
    assert_string_equal(info_of_clip(from_bytes).name, "other");
    assert_string_equal(info_of_clip(twice).name, "marked");
    assert_true(info_of_clip(from_bytes).checksum == copy.checksum);
    assert_true(info_of_clip(twice).checksum == copy.checksum);
    amb_clip *run = shipped("style_run");
    assert_true(info_of_clip(run).checksum != copy.checksum);
    unlink(in_folder("humanoid3d_shuffle.txt"));
    free(bytes);
    free(marked);
    amb_clip_destroy(run);
    amb_clip_destroy(twice);
    amb_clip_destroy(from_bytes);
    amb_clip_destroy(again);

    expect(amb_clip_save(clip, in_folder("clip.fbx")), AMB_ERROR_FILE);
    expect_sentence("expected a name that ends in .txt, .json, .bvh, .glb or .npz");
    expect(amb_clip_save(clip, in_folder("no such folder/clip.txt")), AMB_ERROR_FILE);
    expect_sentence("no such folder");
    amb_clip_destroy(clip);
}

static void a_mirror_image_of_a_mirror_image(void **state)
{
    (void)state;
    const amb_skeleton *skeleton = humanoid();
    amb_clip *clip = shipped("pushed_walk"), *mirrored, *back;
    expect(amb_clip_mirror(clip, &mirrored), AMB_OK);
    expect(amb_clip_mirror(mirrored, &back), AMB_OK);
    const amb_clip_info info = info_of_clip(clip);
    assert_string_equal(info_of_clip(mirrored).name, "pushed_walk_mirrored");
    assert_int_equal(info_of_clip(mirrored).loops, info.loops);
    double apart = 0;
    for (int f = 0; f < info.frames; f += 7) {
        double a[POSE], b[POSE], c[POSE], left[BODIES][3], right[BODIES][3];
        expect(amb_clip_frame(clip, f, NULL, a, NULL), AMB_OK);
        expect(amb_clip_frame(back, f, NULL, b, NULL), AMB_OK);
        expect(amb_clip_frame(mirrored, f, NULL, c, NULL), AMB_OK);
        expect_near(a, b, POSE, 1e-14);
        expect(amb_skeleton_transforms(skeleton, a, left[0], NULL), AMB_OK);
        expect(amb_skeleton_transforms(skeleton, c, right[0], NULL), AMB_OK);
        for (int i = 0; i < BODIES; i++) { /* each body where the other side's was, y turned round */
            amb_body_info body = {.size = sizeof body};
            char name[32];
            expect(amb_skeleton_body(skeleton, i, &body), AMB_OK);
            snprintf(name, sizeof name, "%s", body.name);
            if (!strncmp(name, "left", 4))
                snprintf(name, sizeof name, "right%s", body.name + 4);
            else if (!strncmp(name, "right", 5))
                snprintf(name, sizeof name, "left%s", body.name + 5);
            const double *twin = right[amb_skeleton_find_body(skeleton, name)];
            const double image[3] = {twin[0], -twin[1], twin[2]};
            expect_near(left[i], image, 3, 1e-9);
            apart = fmax(apart, fabs(left[i][1] - twin[1]));
        }
    }
    assert_true(apart > .1);
    amb_clip_destroy(back);
    amb_clip_destroy(mirrored);
    amb_clip_destroy(clip);
}

/* Two frames of standing, the second half a metre ahead. */
static amb_clip_def standing(double time[2], double pose[2][POSE])
{
    amb_clip_def def;
    amb_clip_def_init(&def);
    assert_int_equal(def.size, sizeof def);
    for (int f = 0; f < 2; f++) {
        time[f] = .5 * f;
        expect(amb_skeleton_rest_pose(humanoid(), pose[f]), AMB_OK);
    }
    pose[1][0] += .5;
    def.frames = 2;
    def.pose_size = POSE;
    def.time = time;
    def.pose = pose[0];
    return def;
}

static void makes_clips_of_arrays(void **state)
{
    (void)state;
    double time[2], pose[2][POSE], sample[POSE], velocity[VELOCITY];
    amb_clip *clip;
    amb_clip_def def = standing(time, pose);
    def.loops = true;
    def.name = "glide";
    expect(amb_clip_create(&def, &clip), AMB_OK);
    time[1] = 99, pose[1][0] = 99; /* they were copied */
    amb_clip_info info = info_of_clip(clip);
    assert_string_equal(info.name, "glide");
    assert_true(info.duration == .5 && info.cycle_offset[0] == .5);
    expect(amb_clip_sample(clip, 1.25, sample, velocity), AMB_OK);
    assert_true(fabs(sample[0] - 1.25) < 1e-12 && fabs(velocity[0] - 1) < 1e-12);
    amb_clip_destroy(clip);

    static const struct {
        int frames, pose_size, number, no_array;
        double value, time;
        const char *name, *sentence;
    } bad[] = {
        {2, 42, 0, 0, 0, .5, "a", "pose_size is 42, expected the skeleton's, 43"},
        {1, 43, 0, 0, 0, .5, "a", "a: 1 frame, expected 2 to 100000"},
        {-3, 43, 0, 0, 0, .5, "a", "a: -3 frames, expected 2 to 100000"},
        {2, 43, 2, 0, 88, .5, "a", "a: frame 1: the root's height is 88 m, expected at most 2.5"},
        {2, 43, 2, 0, -1, .5, "a", "below the floor"},
        {2, 43, 2, 0, NAN, .5, "a", "a: frame 1: root position holds nan, not a finite number"},
        {2, 43, 11, 0, INFINITY, .5, "a", "a: frame 1: neck holds inf"},
        {2, 43, 11, 0, 3, .5, "a", "the quaternion neck has length 3"},
        {2, 43, 0, 0, 400, .5, "a", "a: frame 0: the root moves at 800 m/s, expected at most 20"},
        {2, 43, 0, 0, .5, 0, "a", "a: frame 0: the duration is 0 s"},
        {2, 43, 0, 0, .5, NAN, "a", "a: frame 0: the duration is nan s"},
        {2, 43, 0, 1, .5, .5, "a", "the clip has no times"},
        {2, 43, 0, 2, .5, .5, "a", "the clip has no poses"},
        {2, 43, 0, 0, .5, .5, "", "the clip's name"},
        {2, 43, 0, 0, .5, .5, NULL, "the clip has no name"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        def = standing(time, pose);
        def.frames = bad[i].frames;
        def.pose_size = bad[i].pose_size;
        def.name = bad[i].name;
        pose[1][bad[i].number] = bad[i].value;
        time[1] = bad[i].time;
        if (bad[i].no_array)
            *(bad[i].no_array == 1 ? &def.time : &def.pose) = NULL;
        clip = (amb_clip *)&def;
        expect(amb_clip_create(&def, &clip), AMB_ERROR_ARGUMENT);
        expect_sentence(bad[i].sentence);
        assert_null(clip);
    }
    /* what can be made can be saved and loaded */
    def = standing(time, pose);
    expect(amb_clip_create(&def, &clip), AMB_OK);
    assert_string_equal(info_of_clip(clip).name, "clip");
    expect(amb_clip_save(clip, in_folder("made.json")), AMB_OK);
    amb_clip_destroy(clip);
    expect(amb_clip_load(in_folder("made.json"), NULL, &clip), AMB_OK);
    assert_false(info_of_clip(clip).loops);
    amb_clip_destroy(clip);
    unlink(in_folder("made.json"));
}

static void bad_files_have_their_own_results(void **state)
{
    (void)state;
    amb_clip *clip = (amb_clip *)&clip;
    expect(amb_clip_load("moonwalk", "assets/motions", &clip), AMB_ERROR_NOT_FOUND);
    expect_sentence("there is no motion \"moonwalk\" in assets/motions; there are pushed_walk, ");
    assert_null(clip);
    expect(amb_clip_load("nowhere/walk.txt", NULL, &clip), AMB_ERROR_NOT_FOUND);
    expect_sentence("\"nowhere/walk.txt\" cannot be read");
    expect(amb_clip_load("assets/motions", NULL, &clip), AMB_ERROR_FILE);
    expect_sentence("not a regular file");
    expect(amb_clip_load("README.md", NULL, &clip), AMB_ERROR_FILE);
    expect_sentence("README.md: ");
    static const struct {
        const char *bytes, *sentence;
    } bad[] = {
        {"", "mine: not JSON"},
        {"{", "mine: not JSON"},
        {"[1, 2]", "mine: the file holds a list, expected an object with Loop and Frames"},
        {"{\"Loop\": \"wrap\"}", "mine: Frames is missing"},
        {"{\"Loop\": \"wrap\", \"Frames\": [[1], [2]]}", "mine: frame 0 holds 1 values"},
        {"HIERARCHY\nROOT", "mine: line 2: the file ends"},
        {"\xff\xfe{", "mine: is text in UTF-16"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        /* a copy of just the bytes, without a zero behind them */
        const size_t size = strlen(bad[i].bytes);
        char *bytes = malloc(size + 1);
        memcpy(bytes + 1, bad[i].bytes, size);
        clip = (amb_clip *)&clip;
        expect(amb_clip_load_memory(bytes + 1, size, "mine", &clip), AMB_ERROR_FILE);
        expect_sentence(bad[i].sentence);
        assert_null(clip);
        free(bytes);
    }
}

static void broken_programs_are_asserted(void **state)
{
    (void)state;
    amb_clip_def def;
    amb_clip *clip;
    amb_clip_info info = {.size = 0};
    memset(&def, 0, sizeof def);
    asserted = 0;
    amb_set_assert_handler(count_assertion, NULL);
    expect(amb_clip_create(&def, &clip), AMB_ERROR_ARGUMENT);
    expect(amb_clip_load(NULL, NULL, &clip), AMB_ERROR_ARGUMENT);
    expect(amb_clip_sample(NULL, 0, NULL, NULL), AMB_ERROR_ARGUMENT);
    expect(amb_skeleton_humanoid(NULL), AMB_ERROR_ARGUMENT);
    assert_int_equal(amb_skeleton_find_body(NULL, "root"), -1);
    assert_int_equal(asserted, 5);
    amb_clip *walk = shipped("style_walk");
    expect(amb_clip_get_info(walk, &info), AMB_ERROR_ARGUMENT);
    assert_int_equal(asserted, 6);
    amb_set_assert_handler(NULL, NULL);
    /* a header of an earlier version */
    info = (amb_clip_info){.size = offsetof(amb_clip_info, duration), .duration = 77};
    expect(amb_clip_get_info(walk, &info), AMB_OK);
    assert_string_equal(info.name, "style_walk");
    assert_true(info.duration == 77);
    amb_clip_destroy(walk);
    amb_clip_destroy(NULL);
}

static void sampling_allocates_nothing(void **state)
{
    (void)state;
    const amb_skeleton *skeleton = humanoid();
    amb_clip *clip = shipped("style_walk");
    double pose[POSE], velocity[VELOCITY], at[BODIES][3], turn[BODIES][4];
    const long before = asked;
    for (int i = 0; i < 100; i++) {
        expect(amb_clip_sample(clip, .01 * i, pose, velocity), AMB_OK);
        expect(amb_skeleton_transforms(skeleton, pose, at[0], turn[0]), AMB_OK);
    }
    assert_int_equal(asked, before);
    amb_clip_destroy(clip);
}

static void short_memory_is_a_result(void **state)
{
    (void)state;
#ifdef AMI_OWN_MALLOC
    skip_because("memory cannot be refused beside a sanitizer's own malloc");
#else
    size_t size;
    char *bytes = read_file("assets/motions/style_walk.txt", &size);
    amb_clip *clip = (amb_clip *)&clip;
    int refused = 0;
    for (long k = 0; k < 5000; k += 97) { /* each of these calls alone */
        refused_call = asked + k;
        const amb_result result = amb_clip_load_memory(bytes, size, "walk", &clip);
        refused_call = -1;
        if (result == AMB_OK) {
            amb_clip_destroy(clip);
            break;
        }
        refused++;
        assert_int_equal(result, AMB_ERROR_MEMORY);
        assert_null(clip);
    }
    assert_true(refused > 5);
    free(bytes);
#endif
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_one_skeleton),
        cmocka_unit_test(describes_every_number_of_a_pose_once),
        cmocka_unit_test(puts_bodies_where_their_parents_carry_them),
        cmocka_unit_test(samples_frames_and_cycles),
        cmocka_unit_test(saves_what_it_loads),
        cmocka_unit_test(a_mirror_image_of_a_mirror_image),
        cmocka_unit_test(makes_clips_of_arrays),
        cmocka_unit_test(bad_files_have_their_own_results),
        cmocka_unit_test(broken_programs_are_asserted),
        cmocka_unit_test(sampling_allocates_nothing),
        cmocka_unit_test(short_memory_is_a_result),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
