/* The observation's 197 numbers and the goal's 49: the rest pose calculated by hand, other poses against
 * rotation matrices. */
#include "tests/body.h"

#include "motion/kinematics.h"
#include "sim/observe.h"

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

static void observe(const double pose[AMI_POSE], const double vel[AMI_VEL], double phase, double heading,
                    double obs[AMI_OBS])
{
    ami_state state;
    float got[AMI_OBS];
    memset(got, 0xff, sizeof got); /* NaN: a number that is not written shows */
    ami_world_set(&world, pose, vel);
    ami_world_state(&world, &state);
    ami_observe(&state, phase, heading, got);
    for (int k = 0; k < AMI_OBS; k++)
        obs[k] = (double)got[k];
}

/* Body centres of the standing body minus the root joint, added up from deepmimic.md's table: x forward, y
 * up, z right. */
static const double centre_at_rest[AMI_BODIES][3] = {
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
    double pose[AMI_POSE], vel[AMI_VEL] = {0}, obs[AMI_OBS];
    pose_at_rest(pose, .9);
    pose[0] = 3;
    pose[1] = -2;
    observe(pose, vel, .375, 0, obs);
    assert_near(obs[0], .375, 0, "phase", 0);
    assert_near(obs[1], .9, 1e-7, "height", 0);
    for (int i = 0; i < AMI_BODIES; i++) {
        assert_all_near(obs + 2 + 7 * i, centre_at_rest[i], 3, 1e-7, ami_body_name[i]);
        assert_all_near(obs + 5 + 7 * i, (const double[4]){1, 0, 0, 0}, 4, 1e-7, ami_body_name[i]);
    }
    for (int k = 107; k < AMI_OBS; k++)
        assert_near(obs[k], 0, 1e-12, "velocity", k);
}

/* The whole body flies at (1, 2, 3) m/s, z up: forward 1, up 3, right -2. */
static void a_flying_body_is_as_on_paper(void **unused)
{
    (void)unused;
    double pose[AMI_POSE], vel[AMI_VEL] = {1, 2, 3}, obs[AMI_OBS];
    pose_at_rest(pose, 2);
    observe(pose, vel, 0, 0, obs);
    for (int i = 0; i < AMI_BODIES; i++)
        assert_all_near(obs + 107 + 6 * i, (const double[6]){1, 3, -2, 0, 0, 0}, 6, 1e-6, ami_body_name[i]);

    /* Facing the world's y (heading 90 degrees), the same motion is 2 forward, 3 up and 1 right. The
     * reference still faces x. */
    double turn[4];
    turn_about(turn, 0, 0, 1, M_PI / 2);
    ami_quat_mul(pose + 3, turn, (const double[4]){sqrt(.5), sqrt(.5), 0, 0});
    observe(pose, vel, 0, 0, obs);
    assert_all_near(obs + 107, (const double[6]){1, 3, -2, 0, 0, 0}, 6, 1e-6, "root");
    assert_all_near(obs + 5, (const double[4]){sqrt(.5), 0, sqrt(.5), 0}, 4, 1e-7,
                    "root, turned to the left about y");
    for (int i = 1; i < AMI_BODIES; i++) {
        assert_all_near(obs + 107 + 6 * i, (const double[6]){2, 3, 1, 0, 0, 0}, 6, 1e-6, ami_body_name[i]);
        assert_all_near(obs + 5 + 7 * i, (const double[4]){1, 0, 0, 0}, 4, 1e-7, ami_body_name[i]);
    }
    for (int i = 0; i < AMI_BODIES; i++)
        assert_all_near(obs + 2 + 7 * i, centre_at_rest[i], 3, 1e-7, ami_body_name[i]);
}

/* The whole body turns about the vertical through the root, 2 rad/s to the left: body y, so w = (0, 2, 0) and
 * w x r = (2 z, 0, -2 x). */
static void a_turning_body_is_as_on_paper(void **unused)
{
    (void)unused;
    double pose[AMI_POSE], vel[AMI_VEL] = {0}, obs[AMI_OBS];
    pose_at_rest(pose, 1);
    vel[4] = 2;
    observe(pose, vel, 0, 0, obs);
    for (int i = 0; i < AMI_BODIES; i++) {
        const double *r = centre_at_rest[i], want[6] = {2 * r[2], 0, -2 * r[0], 0, 2, 0};
        assert_all_near(obs + 107 + 6 * i, want, 6, 1e-6, ami_body_name[i]);
    }
}

/* Expected numbers of any pose: matrices all the way, y up = a turn of the axes by hand. */
static void expect(const double pose[AMI_POSE], const double vel[AMI_VEL], double reference_heading,
                   double obs[AMI_OBS], double rot[AMI_BODIES][3][3])
{
    moving_body body;
    place_moving_body(&body, pose, vel);
    double(*root)[3] = body.at.rot[AMI_ROOT];
    const double heading = atan2(root[1][0], root[0][0]); /* where the body's x axis points on the ground */
    obs[1] = pose[2];
    for (int i = 0; i < AMI_BODIES; i++) {
        double own[3][3], frame[3][3], from_root[3], turned[3][3];
        matrix_about_z(own, -heading);
        matrix_about_z(frame, i == AMI_ROOT ? -reference_heading : -heading);
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
    ami_rng rng = ami_rng_seed(1, 0);
    int negative = 0;
    for (int n = 0; n < 200; n++) {
        double pose[AMI_POSE], vel[AMI_VEL], got[AMI_OBS], want[AMI_OBS], rot[AMI_BODIES][3][3];
        random_pose(&rng, pose, 1.2, 3);
        random_velocity(&rng, vel, 3);
        const double heading = ami_rng_range(&rng, -M_PI, M_PI);
        observe(pose, vel, .5, heading, got);
        expect(pose, vel, heading, want, rot);
        assert_near(got[1], want[1], 1e-6, "height", 0);
        for (int i = 0; i < AMI_BODIES; i++) {
            assert_all_near(got + 2 + 7 * i, want + 2 + 7 * i, 3, 1e-6, ami_body_name[i]);
            assert_all_near(got + 107 + 6 * i, want + 107 + 6 * i, 6, 1e-5, ami_body_name[i]);
            const double *q = got + 5 + 7 * i;
            double m[3][3];
            matrix_of(m, q);
            assert_all_near(&m[0][0], &rot[i][0][0], 9, 1e-6, ami_body_name[i]);
            if (!(q[0] >= 0))
                fail_msg("w of %s is %g", ami_body_name[i], q[0]);
            assert_near(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3], 1, 1e-6, "length", i);
            /* MuJoCo's own quaternions, one after the other down the chain, do reach the other half */
            ami_state state;
            ami_world_state(&world, &state);
            negative += state.rot[i][0] < 0;
        }
    }
    assert_true(negative > 100);
}

/* Body and reference turned and moved together are the same to a policy. */
static void place_and_heading_of_the_world_do_not_matter(void **unused)
{
    (void)unused;
    ami_rng rng = ami_rng_seed(2, 0);
    for (int n = 0; n < 50; n++) {
        double pose[AMI_POSE], vel[AMI_VEL], turned_pose[AMI_POSE], turned_vel[AMI_VEL], a[AMI_OBS],
            b[AMI_OBS], turn[4], m[3][3];
        random_pose(&rng, pose, 1, 1);
        random_velocity(&rng, vel, 2);
        memcpy(turned_pose, pose, sizeof pose);
        memcpy(turned_vel, vel, sizeof vel);
        const double heading = ami_rng_range(&rng, -M_PI, M_PI), by = ami_rng_range(&rng, -M_PI, M_PI);
        matrix_about_z(m, by);
        turn_about(turn, 0, 0, 1, by);
        matrix_times(turned_pose, m, pose);
        matrix_times(turned_vel, m, vel); /* the root's angular velocity is in its own frame */
        turned_pose[0] += 7;
        turned_pose[1] -= 5;
        ami_quat_mul(turned_pose + 3, turn, pose + 3);
        observe(pose, vel, .25, heading, a);
        observe(turned_pose, turned_vel, .25, heading + by, b);
        for (int i = 0; i < AMI_BODIES; i++) /* w = 0 may round to either sign */
            if (fabs(a[5 + 7 * i]) < 1e-6 && a[6 + 7 * i] * b[6 + 7 * i] < 0)
                for (int k = 5; k < 9; k++)
                    b[k + 7 * i] = -b[k + 7 * i];
        assert_all_near(b, a, AMI_OBS, 1e-6, "number");
    }
}

/* What the reference's heading alone changes is the root's own rotation and velocities, by just that turn: a
 * body off course can see it. */
static void turning_the_reference_turns_the_root_alone(void **unused)
{
    (void)unused;
    double pose[AMI_POSE], vel[AMI_VEL] = {1, 0, 0}, a[AMI_OBS], b[AMI_OBS];
    pose_at_rest(pose, 1);
    vel[5] = 1; /* about the body's z: to the right, world -y */
    observe(pose, vel, .5, 0, a);
    observe(pose, vel, .5, .5, b); /* the reference goes to the left: the body is turned to the right of it,
                                      about -y */
    for (int k = 0; k < AMI_OBS; k++)
        if (!((k >= 5 && k < 9) || (k >= 107 && k < 113)))
            assert_near(b[k], a[k], 0, "number", k);
    assert_all_near(b + 5, (const double[4]){cos(.25), 0, -sin(.25), 0}, 4, 1e-7, "quaternion");
    /* the root's centre moves at (1, 0, 0) + (0, -1, 0) x (0, 0, .07), z up, which is .93 forward */
    assert_all_near(a + 107, (const double[6]){.93, 0, 0, 0, 0, 1}, 6, 1e-6, "seen along the body");
    assert_all_near(b + 107, (const double[6]){.93 * cos(.5), 0, .93 * sin(.5), -sin(.5), 0, cos(.5)}, 6,
                    1e-6, "seen along the reference");
}

static void goal_of(const double body[AMI_POSE], const double wanted[AMI_POSE], const double vel[AMI_VEL],
                    double heading, const double target[AMI_POSE], double goal[AMI_GOAL])
{
    static const double still[AMI_VEL];
    ami_state own, reference;
    float got[AMI_GOAL];
    memset(got, 0xff, sizeof got); /* NaN: a number that is not written shows */
    ami_fk_state(&character->skeleton, body, still, &own);
    ami_fk_state(&character->skeleton, wanted, vel, &reference);
    ami_observe_goal(&own, &reference, heading, target, got);
    for (int k = 0; k < AMI_GOAL; k++)
        goal[k] = (double)got[k];
}

/* A body at (1, 2, .9) is to be at (4, 8, 1), move at (.5, 2, -.25) m/s and turn to the left at 3 rad/s. z is
 * up here, y there: seen along x it has to go 3 forward, .1 up and 6 to the left, which is -6 to the right.
 */
static void the_goal_is_as_on_paper(void **unused)
{
    (void)unused;
    double body[AMI_POSE], wanted[AMI_POSE], vel[AMI_VEL] = {.5, 2, -.25, 0, 3, 0}, target[AMI_POSE],
                                             goal[AMI_GOAL];
    pose_at_rest(body, .9);
    body[0] = 1;
    body[1] = 2;
    body[pose_at[AMI_LEFT_KNEE]] = -1; /* how the body's limbs are has no say */
    pose_at_rest(wanted, 1);
    wanted[0] = 4;
    wanted[1] = 8;
    for (int k = 0; k < AMI_POSE; k++)
        target[k] = .01 * k;
    goal_of(body, wanted, vel, 0, target, goal);
    assert_all_near(goal, (const double[3]){3, .1, -6}, 3, 1e-6, "way");
    assert_all_near(goal + 3, (const double[3]){.5, -.25, -2}, 3, 1e-6, "velocity");
    assert_all_near(goal + 6, (const double[4]){1, 0, 0, 0}, 4, 1e-6, "rotation");
    assert_all_near(goal + 10, (const double[3]){0, 3, 0}, 3, 1e-6, "angular velocity");
    for (int k = 7; k < AMI_POSE; k++)
        assert_near(goal[13 + k - 7], .01 * k, 1e-7, "joint", k);

    /* The reference's frame turned a quarter to the left: 6 forward and 3 to the right; the reference itself
     * looks to the frame's right. */
    goal_of(body, wanted, vel, M_PI / 2, target, goal);
    assert_all_near(goal, (const double[3]){6, .1, 3}, 3, 1e-6, "way, turned");
    assert_all_near(goal + 3, (const double[3]){2, -.25, .5}, 3, 1e-6, "velocity, turned");
    assert_all_near(goal + 6, (const double[4]){sqrt(.5), 0, -sqrt(.5), 0}, 4, 1e-6, "rotation, turned");
    assert_all_near(goal + 10, (const double[3]){0, 3, 0}, 3, 1e-6, "angular velocity, turned");

    /* Leaning forward by .4 rad about the axis to the right, z, which is a negative turn. */
    double lean[4];
    turn_about(lean, 0, 0, 1, -.4);
    ami_quat_mul(wanted + 3, wanted + 3, lean);
    goal_of(body, wanted, vel, 0, target, goal);
    assert_all_near(goal + 6, (const double[4]){cos(.2), 0, 0, -sin(.2)}, 4, 1e-6, "rotation, leaning");
}

/* Of the two quaternions of a rotation the one with w >= 0 is seen; hinges keep their sign. */
static void quaternions_of_the_goal_have_one_sign(void **unused)
{
    (void)unused;
    ami_rng rng = ami_rng_seed(5, 0);
    int negative = 0;
    for (int n = 0; n < 100; n++) {
        double body[AMI_POSE], wanted[AMI_POSE], other[AMI_POSE], target[AMI_POSE], vel[AMI_VEL], a[AMI_GOAL],
            b[AMI_GOAL];
        random_pose(&rng, body, 1, 1);
        random_pose(&rng, wanted, 1, 3);
        random_pose(&rng, target, 1, 3);
        random_velocity(&rng, vel, 2);
        const double heading = ami_rng_range(&rng, -M_PI, M_PI);
        goal_of(body, wanted, vel, heading, target, a);
        memcpy(other, wanted, sizeof other);
        for (int k = 3; k < 7; k++)
            other[k] = -wanted[k];
        for (int i = 1; i < AMI_BODIES; i++)
            for (int k = 0; is_ball(i) && k < 4; k++)
                target[pose_at[i] + k] *= -1;
        goal_of(body, other, vel, heading, target, b);
        assert_all_near(b, a, AMI_GOAL, 1e-6, "number");
        assert_true(a[6] >= 0);
        for (int i = 1; i < AMI_BODIES; i++) {
            const double *q = a + 13 + pose_at[i] - 7;
            if (is_ball(i)) {
                assert_true(q[0] >= 0);
                assert_near(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3], 1, 1e-6, ami_body_name[i],
                            n);
                negative += target[pose_at[i]] < 0;
            } else if (is_hinge(i)) {
                assert_near(q[0], target[pose_at[i]], 1e-6, ami_body_name[i], n);
            }
        }
    }
    assert_true(negative > 100);
}

/* Body and reference turned and moved together: the same goal; the body alone: another. */
static void the_goal_does_not_depend_on_the_world(void **unused)
{
    (void)unused;
    ami_rng rng = ami_rng_seed(6, 0);
    for (int n = 0; n < 50; n++) {
        double pose[2][AMI_POSE], turned[2][AMI_POSE], vel[AMI_VEL], turned_vel[AMI_VEL], target[AMI_POSE],
            a[AMI_GOAL], b[AMI_GOAL];
        double turn[4], m[3][3];
        random_velocity(&rng, vel, 2);
        random_pose(&rng, target, 1, 1);
        const double heading = ami_rng_range(&rng, -M_PI, M_PI), by = ami_rng_range(&rng, -M_PI, M_PI);
        matrix_about_z(m, by);
        turn_about(turn, 0, 0, 1, by);
        for (int i = 0; i < 2; i++) {
            random_pose(&rng, pose[i], 1, 1);
            for (int k = 0; k < 3; k++)
                pose[i][k] = ami_rng_range(&rng, -1, 1);
            memcpy(turned[i], pose[i], sizeof turned[i]);
            matrix_times(turned[i], m, pose[i]);
            turned[i][0] += 7;
            turned[i][1] -= 5;
            ami_quat_mul(turned[i] + 3, turn, pose[i] + 3);
        }
        memcpy(turned_vel, vel, sizeof vel);
        matrix_times(turned_vel, m, vel); /* the root's angular velocity is in its own frame */
        goal_of(pose[0], pose[1], vel, heading, target, a);
        goal_of(turned[0], turned[1], turned_vel, heading + by, target, b);
        if (fabs(a[6]) < 1e-6 && a[7] * b[7] < 0) /* w = 0 may round to either sign */
            for (int k = 6; k < 10; k++)
                b[k] = -b[k];
        assert_all_near(b, a, AMI_GOAL, 1e-6, "number");
        goal_of(turned[0], pose[1], vel, heading, target, b);
        assert_true(fabs(b[0] - a[0]) + fabs(b[2] - a[2]) > .1);
        assert_all_near(b + 3, a + 3, AMI_GOAL - 3, 0, "number that has nothing to do with the body");
    }
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
        cmocka_unit_test(the_goal_is_as_on_paper),
        cmocka_unit_test(quaternions_of_the_goal_have_one_sign),
        cmocka_unit_test(the_goal_does_not_depend_on_the_world),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
