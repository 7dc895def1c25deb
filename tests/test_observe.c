/* The 197 numbers: the rest pose worked out on paper, anything else against rotation matrices. */
#include "tests/body.h"

#include "sim/observe.h"

static amb_character *character;
static amb_world world;

static int set_up(void **unused)
{
    (void)unused;
    character = load_character(120);
    return amb_world_init(&world, character, NULL) ? 0 : -1;
}

static int tear_down(void **unused)
{
    (void)unused;
    amb_world_free(&world);
    amb_character_destroy(character);
    return 0;
}

static void observe(const double pose[AMB_POSE], const double vel[AMB_VEL], double phase, double heading, double obs[AMB_OBS])
{
    amb_state state;
    float got[AMB_OBS];
    memset(got, 0xff, sizeof got); /* NaN: a number that is not written shows */
    amb_world_set(&world, pose, vel);
    amb_world_state(&world, &state);
    amb_observe(&state, phase, heading, got);
    for (int k = 0; k < AMB_OBS; k++)
        obs[k] = (double)got[k];
}

/* Body centres of the standing body minus the root joint, added up from deepmimic.md's table: x forward, y up, z right. */
static const double centre_at_rest[AMB_BODIES][3] = {
    {0, .07, 0},                 /* root */
    {0, .356151, 0},             /* chest: .236151 + .12 */
    {0, .635045, 0},             /* neck: .236151 + .223894 + .175 */
    {0, -.21, .084887},          /* hip */
    {0, -.621546, .084887},      /* knee: -.421546 - .2 */
    {.045, -.853916, .084887},   /* ankle: -.421546 - .40987 - .0225 */
    {-.02405, .339651, .18311},  /* shoulder: .236151 + .2435 - .14 */
    {-.02405, .084863, .18311},  /* elbow: .236151 + .2435 - .274788 - .12 */
    {-.02405, -.054084, .18311}, /* wrist: .236151 + .2435 - .274788 - .258947 */
    {0, -.21, -.084887},
    {0, -.621546, -.084887},
    {.045, -.853916, -.084887},
    {-.02405, .339651, -.18311},
    {-.02405, .084863, -.18311},
    {-.02405, -.054084, -.18311},
};

static void the_standing_body_is_as_on_paper(void **unused)
{
    (void)unused;
    double pose[AMB_POSE], vel[AMB_VEL] = {0}, obs[AMB_OBS];
    pose_at_rest(pose, .9);
    pose[0] = 3;
    pose[1] = -2;
    observe(pose, vel, .375, 0, obs);
    assert_near(obs[0], .375, 0, "phase", 0);
    assert_near(obs[1], .9, 1e-7, "height", 0);
    for (int i = 0; i < AMB_BODIES; i++) {
        assert_all_near(obs + 2 + 7 * i, centre_at_rest[i], 3, 1e-7, amb_body_name[i]);
        assert_all_near(obs + 5 + 7 * i, (const double[4]){1, 0, 0, 0}, 4, 1e-7, amb_body_name[i]);
    }
    for (int k = 107; k < AMB_OBS; k++)
        assert_near(obs[k], 0, 1e-12, "velocity", k);
}

/* The whole body flies at (1, 2, 3) m/s, z up: forward 1, up 3, right -2. */
static void a_flying_body_is_as_on_paper(void **unused)
{
    (void)unused;
    double pose[AMB_POSE], vel[AMB_VEL] = {1, 2, 3}, obs[AMB_OBS];
    pose_at_rest(pose, 2);
    observe(pose, vel, 0, 0, obs);
    for (int i = 0; i < AMB_BODIES; i++)
        assert_all_near(obs + 107 + 6 * i, (const double[6]){1, 3, -2, 0, 0, 0}, 6, 1e-6, amb_body_name[i]);

    /* Facing the world's y (heading 90 degrees), the same motion is 2 forward, 3 up and 1 right. The reference still faces x. */
    double turn[4];
    turn_about(turn, 0, 0, 1, M_PI / 2);
    amb_quat_mul(pose + 3, turn, (const double[4]){sqrt(.5), sqrt(.5), 0, 0});
    observe(pose, vel, 0, 0, obs);
    assert_all_near(obs + 107, (const double[6]){1, 3, -2, 0, 0, 0}, 6, 1e-6, "root");
    assert_all_near(obs + 5, (const double[4]){sqrt(.5), 0, sqrt(.5), 0}, 4, 1e-7, "root, turned to the left about y");
    for (int i = 1; i < AMB_BODIES; i++) {
        assert_all_near(obs + 107 + 6 * i, (const double[6]){2, 3, 1, 0, 0, 0}, 6, 1e-6, amb_body_name[i]);
        assert_all_near(obs + 5 + 7 * i, (const double[4]){1, 0, 0, 0}, 4, 1e-7, amb_body_name[i]);
    }
    for (int i = 0; i < AMB_BODIES; i++)
        assert_all_near(obs + 2 + 7 * i, centre_at_rest[i], 3, 1e-7, amb_body_name[i]);
}

/* The whole body turns about the vertical through the root, 2 rad/s to the left: body y, so w = (0, 2, 0) and w x r = (2 z, 0, -2 x). */
static void a_turning_body_is_as_on_paper(void **unused)
{
    (void)unused;
    double pose[AMB_POSE], vel[AMB_VEL] = {0}, obs[AMB_OBS];
    pose_at_rest(pose, 1);
    vel[4] = 2;
    observe(pose, vel, 0, 0, obs);
    for (int i = 0; i < AMB_BODIES; i++) {
        const double *r = centre_at_rest[i], want[6] = {2 * r[2], 0, -2 * r[0], 0, 2, 0};
        assert_all_near(obs + 107 + 6 * i, want, 6, 1e-6, amb_body_name[i]);
    }
}

/* Expected numbers of any pose: matrices all the way, y up = a turn of the axes by hand. */
static void expect(const double pose[AMB_POSE], const double vel[AMB_VEL], double reference_heading, double obs[AMB_OBS],
                   double rot[AMB_BODIES][3][3])
{
    moving_body body;
    place_moving_body(&body, pose, vel);
    double(*root)[3] = body.at.rot[AMB_ROOT];
    const double heading = atan2(root[1][0], root[0][0]); /* where the body's x axis points on the ground */
    obs[1] = pose[2];
    for (int i = 0; i < AMB_BODIES; i++) {
        double own[3][3], frame[3][3], from_root[3], turned[3][3];
        matrix_about_z(own, -heading);
        matrix_about_z(frame, i == AMB_ROOT ? -reference_heading : -heading);
        for (int k = 0; k < 3; k++)
            from_root[k] = body.at.centre[i][k] - pose[k];
        double v[3][3];
        matrix_times(v[0], own, from_root);
        matrix_times(v[1], frame, body.lin[i]);
        matrix_times(v[2], frame, body.ang[i]);
        matrix_product(turned, frame, body.at.rot[i]);
        double *out[3] = {obs + 2 + 7 * i, obs + 107 + 6 * i, obs + 110 + 6 * i};
        for (int n = 0; n < 3; n++) {
            out[n][0] = v[n][0];
            out[n][1] = v[n][2];
            out[n][2] = -v[n][1];
        }
        for (int k = 0; k < 3; k++) { /* rows as the vectors' components: (x, y, z) -> (x, z, -y) */
            rot[i][0][k] = turned[0][k];
            rot[i][1][k] = turned[2][k];
            rot[i][2][k] = -turned[1][k];
        }
    }
}

static void any_pose_agrees_with_matrices(void **unused)
{
    (void)unused;
    amb_rng rng = amb_rng_seed(1, 0);
    int negative = 0;
    for (int n = 0; n < 200; n++) {
        double pose[AMB_POSE], vel[AMB_VEL], got[AMB_OBS], want[AMB_OBS], rot[AMB_BODIES][3][3];
        random_pose(&rng, pose, 1.2, 3);
        random_velocity(&rng, vel, 3);
        const double heading = amb_rng_range(&rng, -M_PI, M_PI);
        observe(pose, vel, .5, heading, got);
        expect(pose, vel, heading, want, rot);
        assert_near(got[1], want[1], 1e-6, "height", 0);
        for (int i = 0; i < AMB_BODIES; i++) {
            assert_all_near(got + 2 + 7 * i, want + 2 + 7 * i, 3, 1e-6, amb_body_name[i]);
            assert_all_near(got + 107 + 6 * i, want + 107 + 6 * i, 6, 1e-5, amb_body_name[i]);
            const double *q = got + 5 + 7 * i;
            double m[3][3];
            matrix_of(m, q);
            assert_all_near(&m[0][0], &rot[i][0][0], 9, 1e-6, amb_body_name[i]);
            if (!(q[0] >= 0))
                fail_msg("w of %s is %g", amb_body_name[i], q[0]);
            assert_near(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3], 1, 1e-6, "length", i);
            /* MuJoCo's own quaternions, one after the other down the chain, do reach the other half */
            amb_state state;
            amb_world_state(&world, &state);
            negative += state.rot[i][0] < 0;
        }
    }
    assert_true(negative > 100);
}

/* Body and reference turned and moved together are the same to a policy. */
static void place_and_heading_of_the_world_do_not_matter(void **unused)
{
    (void)unused;
    amb_rng rng = amb_rng_seed(2, 0);
    for (int n = 0; n < 50; n++) {
        double pose[AMB_POSE], vel[AMB_VEL], turned_pose[AMB_POSE], turned_vel[AMB_VEL], a[AMB_OBS], b[AMB_OBS], turn[4], m[3][3];
        random_pose(&rng, pose, 1, 1);
        random_velocity(&rng, vel, 2);
        memcpy(turned_pose, pose, sizeof pose);
        memcpy(turned_vel, vel, sizeof vel);
        const double heading = amb_rng_range(&rng, -M_PI, M_PI), by = amb_rng_range(&rng, -M_PI, M_PI);
        matrix_about_z(m, by);
        turn_about(turn, 0, 0, 1, by);
        matrix_times(turned_pose, m, pose);
        matrix_times(turned_vel, m, vel); /* the root's angular velocity is in its own frame */
        turned_pose[0] += 7;
        turned_pose[1] -= 5;
        amb_quat_mul(turned_pose + 3, turn, pose + 3);
        observe(pose, vel, .25, heading, a);
        observe(turned_pose, turned_vel, .25, heading + by, b);
        for (int i = 0; i < AMB_BODIES; i++) /* w = 0 may round to either sign */
            if (fabs(a[5 + 7 * i]) < 1e-6 && a[6 + 7 * i] * b[6 + 7 * i] < 0)
                for (int k = 5; k < 9; k++)
                    b[k + 7 * i] = -b[k + 7 * i];
        assert_all_near(b, a, AMB_OBS, 1e-6, "number");
    }
}

/* What the reference's heading alone changes is the root's own rotation and velocities, by just that turn: a body off course can see it. */
static void turning_the_reference_turns_the_root_alone(void **unused)
{
    (void)unused;
    double pose[AMB_POSE], vel[AMB_VEL] = {1, 0, 0}, a[AMB_OBS], b[AMB_OBS];
    pose_at_rest(pose, 1);
    vel[5] = 1; /* about the body's z: to the right, world -y */
    observe(pose, vel, .5, 0, a);
    observe(pose, vel, .5, .5, b); /* the reference goes to the left: the body is turned to the right of it, about -y */
    for (int k = 0; k < AMB_OBS; k++)
        if (!((k >= 5 && k < 9) || (k >= 107 && k < 113)))
            assert_near(b[k], a[k], 0, "number", k);
    assert_all_near(b + 5, (const double[4]){cos(.25), 0, -sin(.25), 0}, 4, 1e-7, "quaternion");
    /* the root's centre moves at (1, 0, 0) + (0, -1, 0) x (0, 0, .07), z up, which is .93 forward */
    assert_all_near(a + 107, (const double[6]){.93, 0, 0, 0, 0, 1}, 6, 1e-6, "seen along the body");
    assert_all_near(b + 107, (const double[6]){.93 * cos(.5), 0, .93 * sin(.5), -sin(.5), 0, cos(.5)}, 6, 1e-6, "seen along the reference");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_standing_body_is_as_on_paper),
        cmocka_unit_test(a_flying_body_is_as_on_paper),
        cmocka_unit_test(a_turning_body_is_as_on_paper),
        cmocka_unit_test(any_pose_agrees_with_matrices),
        cmocka_unit_test(place_and_heading_of_the_world_do_not_matter),
        cmocka_unit_test(turning_the_reference_turns_the_root_alone),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
