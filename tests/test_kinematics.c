/* amble's kinematics against MuJoCo's, which it must reproduce, and against DeepMimic's skeleton table.
 */
#include "tests/body.h"

#include "base/assets.h"
#include "base/clock.h"
#include "motion/humanoid.h"
#include "motion/kinematics.h"

static ami_character *character;
static ami_world world;

static int set_up(void **unused)
{
    (void)unused;
    character = load_character(120);
    return ami_world_init(&world, character, NULL) ? 0 : -1;
}

static int tear_down(void **unused)
{
    (void)unused;
    ami_world_free(&world);
    ami_character_destroy(character);
    return 0;
}

/* What imports motions without a model takes the same measures. */
static void the_humanoid_is_the_compiled_one(void **unused)
{
    (void)unused;
    const ami_skeleton *s = &character->skeleton, *h = ami_humanoid();
    for (int i = 0; i < AMI_BODIES; i++) {
        assert_int_equal(h->parent[i], s->parent[i]);
        assert_memory_equal(&h->joint[i], &s->joint[i], sizeof h->joint[i]);
        assert_all_near(h->offset[i], s->offset[i], 3, 1e-12, ami_body_name[i]);
        assert_all_near(h->centre[i], s->centre[i], 3, 1e-12, ami_body_name[i]);
        assert_near(h->mass[i], s->mass[i], 1e-12, ami_body_name[i], i);
        if (h->joint[i].width == 1)
            assert_all_near(h->hinge_range[i], s->hinge_range[i], 2, 1e-12, ami_body_name[i]);
    }
    for (int i = 0, g = 0; i < AMI_BODIES; i++) { /* one geom each */
        const mjModel *m = character->model;
        const ami_shape shape = ami_humanoid_shape(i);
        for (g = 0; character->geom_body[g] != i; g++)
            assert_true(g + 1 < m->ngeom);
        const int kind = shape.kind == AMI_SHAPE_BOX      ? mjGEOM_BOX
                         : shape.kind == AMI_SHAPE_SPHERE ? mjGEOM_SPHERE
                                                          : mjGEOM_CAPSULE;
        assert_int_equal(m->geom_type[g], kind);
        assert_all_near(shape.at, m->geom_pos + 3 * g, 3, 1e-12, ami_body_name[i]);
        assert_all_near(shape.size, m->geom_size + 3 * g,
                        kind == mjGEOM_BOX       ? 3
                        : kind == mjGEOM_CAPSULE ? 2
                                                 : 1,
                        1e-12, ami_body_name[i]);
        if (kind == mjGEOM_CAPSULE) { /* along y */
            double axis[3];
            mju_rotVecQuat(axis, (const double[3]){0, 0, 1}, m->geom_quat + 4 * g);
            assert_near(fabs(axis[1]), 1, 1e-12, ami_body_name[i], 1);
        }
    }
    for (int side = 0; side < 2; side++) {
        assert_all_near(h->toe[side], s->toe[side], 3, 1e-12, "toe");
        assert_all_near(h->heel[side], s->heel[side], 3, 1e-12, "heel");
    }
    assert_all_near(h->head_front, s->head_front, 3, 1e-12, "head front");
    assert_near(h->total_mass, s->total_mass, 1e-12, "mass", 0);
}

static void the_measures_are_those_of_the_table(void **unused)
{
    (void)unused;
    const ami_skeleton *s = &character->skeleton;
    for (int i = 0; i < AMI_BODIES; i++) {
        assert_int_equal(s->parent[i], skeleton[i].parent);
        assert_all_near(s->offset[i], skeleton[i].offset, 3, 1e-12, ami_body_name[i]);
        assert_all_near(s->centre[i], skeleton[i].centre, 3, 1e-12, ami_body_name[i]);
        assert_near(s->mass[i], skeleton[i].mass, 1e-12, ami_body_name[i], i);
    }
    for (int side = 0; side < 2; side++) { /* the foot's box: .177 long, .055 high, about (.045, -.0225, 0) */
        assert_all_near(s->toe[side], (const double[3]){.1335, -.05, 0}, 3, 1e-12, "toe");
        assert_all_near(s->heel[side], (const double[3]){-.0435, -.05, 0}, 3, 1e-12, "heel");
    }
    assert_all_near(s->head_front, (const double[3]){.1025, .175, 0}, 3, 1e-12, "head's front");
}

static void assert_same_state(const ami_state *got, const ami_state *want, double tolerance)
{
    assert_memory_equal(got->pose, want->pose, sizeof got->pose);
    assert_memory_equal(got->vel, want->vel, sizeof got->vel);
    assert_all_near(got->com_vel, want->com_vel, 3, tolerance, "velocity of the centre of mass");
    for (int i = 0; i < AMI_BODIES; i++) {
        assert_all_near(got->joint[i], want->joint[i], 3, tolerance, "joint");
        assert_all_near(got->centre[i], want->centre[i], 3, tolerance, "centre");
        assert_all_near(got->rot[i], want->rot[i], 4, tolerance, "rotation");
        assert_all_near(got->lin[i], want->lin[i], 3, tolerance, "velocity");
        assert_all_near(got->ang[i], want->ang[i], 3, tolerance, "angular velocity");
    }
}

static void compare(const double pose[AMI_POSE], const double vel[AMI_VEL], double tolerance)
{
    ami_state got, want;
    double joint[AMI_BODIES][3], rot[AMI_BODIES][4];
    memset(&got, 0xff, sizeof got); /* NaN: a number that is not written shows */
    memset(joint, 0xff, sizeof joint);
    memset(rot, 0xff, sizeof rot);
    ami_world_set(&world, pose, vel);
    state_by_mujoco(&world, &want);
    ami_fk_state(&character->skeleton, pose, vel, &got);
    assert_same_state(&got, &want, tolerance);
    ami_fk(&character->skeleton, pose, joint, rot);
    for (int i = 0; i < AMI_BODIES; i++) {
        assert_all_near(joint[i], want.joint[i], 3, tolerance, "joint without velocity");
        assert_all_near(rot[i], want.rot[i], 4, tolerance, "rotation without velocity");
    }
}

static void any_state_is_mujocos(void **unused)
{
    (void)unused;
    ami_rng rng = ami_rng_seed(1, 0);
    for (int n = 0; n < 1000; n++) {
        double pose[AMI_POSE], vel[AMI_VEL];
        random_pose(&rng, pose, 1.2, 3);
        random_velocity(&rng, vel, 10);
        pose[0] = ami_rng_range(&rng, -5, 5);
        pose[1] = ami_rng_range(&rng, -5, 5);
        for (int i = 0; i < AMI_BODIES; i++) /* the other sign is the same rotation, and stays where it is
                                                put */
            if ((is_ball(i) || i == AMI_ROOT) && ami_rng_uniform(&rng) < .5)
                for (int k = 0; k < 4; k++)
                    pose[pose_at[i] + k] *= -1;
        compare(pose, vel, 1e-12);
    }
}

/* Quaternions of the wrong length are normalised and those of none are the identity, as MuJoCo has it. */
static void lengths_of_quaternions_do_not_matter(void **unused)
{
    (void)unused;
    ami_rng rng = ami_rng_seed(2, 0);
    static const double lengths[] = {.5, 1 - 1e-4, 1 - 1e-8, 1 + 1e-9, 1 + 1e-6, 2};
    for (int n = 0; n < 60; n++) {
        double pose[AMI_POSE], vel[AMI_VEL];
        random_pose(&rng, pose, 1, 2);
        random_velocity(&rng, vel, 3);
        for (int i = 0; i < AMI_BODIES; i++)
            if (is_ball(i) || i == AMI_ROOT)
                for (int k = 0; k < 4; k++)
                    pose[pose_at[i] + k] *= lengths[n % 6];
        if (n >= 30)
            memset(pose + pose_at[AMI_CHEST], 0, 4 * sizeof *pose);
        compare(pose, vel, 1e-12);
    }
}

/* Turning about the vertical through the root, the whole body does what a rigid one does: v = w x r, by hand
 * for the right wrist. */
static void a_turning_wrist_is_as_on_paper(void **unused)
{
    (void)unused;
    double pose[AMI_POSE], vel[AMI_VEL] = {.5};
    ami_state state;
    pose_at_rest(pose, .9);
    vel[4] = 2; /* the body's y is up */
    ami_fk_state(&character->skeleton, pose, vel, &state);
    const double wrist[3] = {-.02405, -.18311, .9 + .236151 + .2435 - .274788 - .258947};
    assert_all_near(state.joint[AMI_RIGHT_WRIST], wrist, 3, 1e-12, "wrist");
    assert_all_near(state.centre[AMI_RIGHT_WRIST], wrist, 3, 1e-12, "wrist's centre");
    assert_all_near(state.lin[AMI_RIGHT_WRIST], (const double[3]){.5 + 2 * .18311, -2 * .02405, 0}, 3, 1e-12,
                    "wrist's velocity");
    assert_all_near(state.ang[AMI_RIGHT_WRIST], (const double[3]){0, 0, 2}, 3, 1e-12, "wrist's turn");
}

/* Prints the time it takes beside MuJoCo's, of which it must be a part: where it is optimised, as MuJoCo's
 * library always is. */
static void time_is_a_part_of_mujocos(void **unused)
{
    (void)unused;
    ami_rng rng = ami_rng_seed(3, 0);
    double pose[AMI_POSE], vel[AMI_VEL], own = INFINITY, mujoco = INFINITY, place = INFINITY;
    double joint[AMI_BODIES][3], rot[AMI_BODIES][4];
    ami_state state;
    random_pose(&rng, pose, 1, 1);
    random_velocity(&rng, vel, 3);
    for (int run = 0; run < 200; run++) {
        enum { CALLS = 50 };
        const double t0 = ami_clock_now();
        for (int n = 0; n < CALLS; n++) {
            ami_fk_state(&character->skeleton, pose, vel, &state);
            pose[0] = state.joint[AMI_LEFT_WRIST][2]; /* no call can be left out */
        }
        const double t1 = ami_clock_now();
        for (int n = 0; n < CALLS; n++) {
            ami_fk(&character->skeleton, pose, joint, rot);
            pose[0] = joint[AMI_LEFT_WRIST][2];
        }
        const double t2 = ami_clock_now();
        for (int n = 0; n < CALLS; n++) {
            ami_world_set(&world, pose, vel);
            state_by_mujoco(&world, &state);
            pose[0] = state.joint[AMI_LEFT_WRIST][2];
        }
        const double t3 = ami_clock_now();
        own = fmin(own, (t1 - t0) / CALLS);
        place = fmin(place, (t2 - t1) / CALLS);
        mujoco = fmin(mujoco, (t3 - t2) / CALLS);
    }
    print_message("state %.2f us, places alone %.2f us, MuJoCo %.2f us\n", own * 1e6, place * 1e6,
                  mujoco * 1e6);
#ifdef NDEBUG
    assert_true(own < mujoco);
    assert_true(place < mujoco);
#endif
}

/* A copy of the humanoid with `from` written as `to`. */
static void assert_refused(const char *from, const char *to, const char *sentence)
{
    char path[1024], name[] = "/tmp/ami_kinematics_XXXXXX";
    ami_error err = {""};
    static char text[65536];
    assert_true(ami_asset_path("humanoid.xml", path, sizeof path, &err));
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    text[fread(text, 1, sizeof text - 1, in)] = 0;
    fclose(in);
    char *at = strstr(text, from);
    assert_non_null(at);
    const int file = mkstemp(name);
    assert_true(file >= 0);
    FILE *out = fdopen(file, "w");
    fprintf(out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    fclose(out);
    ami_character_def def = ami_character_default_def();
    def.path = name;
    ami_character *other = ami_character_create(&def, &err);
    remove(name);
    assert_null(other);
    assert_sentence(&err, sentence);
    assert_sentence(&err, name);
}

static void another_skeleton_is_refused(void **unused)
{
    (void)unused;
    assert_refused("<body name=\"chest\" pos", "<body name=\"chest\" quat=\"0 1 0 0\" pos",
                   "\"chest\"|rotated");
    assert_refused("<joint name=\"neck\" type=\"ball\"", "<joint name=\"neck\" type=\"ball\" pos=\"0 .1 0\"",
                   "\"neck\"|(0, 0.1, 0)|(0, 0, 0)");
    assert_refused("<joint name=\"left_knee\" type=\"hinge\" axis=\"0 0 1\"",
                   "<joint name=\"left_knee\" type=\"hinge\" axis=\"0 1 0\"",
                   "\"left_knee\"|(0, 1, 0)|(0, 0, 1)");
    assert_refused("<joint name=\"right_elbow\" type=\"hinge\" axis=\"0 0 1\"",
                   "<joint name=\"right_elbow\" type=\"hinge\" ref=\".5\" axis=\"0 0 1\"",
                   "\"right_elbow\"|0.5 rad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_humanoid_is_the_compiled_one),
        cmocka_unit_test(the_measures_are_those_of_the_table),
        cmocka_unit_test(any_state_is_mujocos),
        cmocka_unit_test(lengths_of_quaternions_do_not_matter),
        cmocka_unit_test(a_turning_wrist_is_as_on_paper),
        cmocka_unit_test(time_is_a_part_of_mujocos),
        cmocka_unit_test(another_skeleton_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
