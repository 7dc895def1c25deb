/* The imitation reward: perfect tracking, single known deviations calculated by hand, and others against a
 * second derivation. */
#include "tests/body.h"

#include "sim/reward.h"

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

static ami_reward reward_of(const double pose[AMI_POSE], const double vel[AMI_VEL],
                            const double reference_pose[AMI_POSE], const double reference_vel[AMI_VEL])
{
    ami_state body, reference;
    ami_reward reward;
    memset(&reward, 0xff, sizeof reward);
    ami_world_set(&world, pose, vel);
    ami_world_state(&world, &body);
    ami_world_set(&world, reference_pose, reference_vel);
    ami_world_state(&world, &reference);
    ami_reward_compute(character, &body, &reference, &reward);
    return reward;
}

/* Parts in the order pose, velocity, end effectors, root, centre of mass. */
static void assert_parts(const ami_reward *reward, double pose, double velocity, double ends, double root,
                         double com)
{
    const double want[5] = {pose, velocity, ends, root, com};
    assert_int_equal(AMI_REWARD_PARTS, 5);
    for (int k = 0; k < 5; k++)
        assert_near(reward->part[k], want[k], 1e-12, ami_reward_name[k], k);
    assert_near(reward->total, .5 * pose + .05 * velocity + .15 * ends + .2 * root + .1 * com, 1e-12, "total",
                0);
}

enum {
    TENTHS = 48
}; /* of weights over the body: root 10, chest 5, neck 3, twice hip 5, knee 3, ankle 2,
                         shoulder 3, elbow 2 */

static void perfect_tracking_is_one(void **unused)
{
    (void)unused;
    ami_rng rng = ami_rng_seed(1, 0);
    for (int n = 0; n < 20; n++) {
        double pose[AMI_POSE], vel[AMI_VEL];
        random_pose(&rng, pose, 1, 1.5);
        random_velocity(&rng, vel, 5);
        const ami_reward reward = reward_of(pose, vel, pose, vel);
        assert_parts(&reward, 1, 1, 1, 1, 1);
        assert_near(reward.root_m + reward.joint_rad + reward.end_effector_m, 0, 1e-12, "errors", n);
        assert_near(reward.height_m + reward.tilt + reward.body_m, 0, 1e-12, "distance from the reference",
                    n);
        for (int i = 0; i < AMI_BODIES; i++) /* a quaternion's sign carries no meaning */
            if (i == AMI_ROOT || is_ball(i)) {
                double other[AMI_POSE];
                memcpy(other, pose, sizeof pose);
                for (int k = 0; k < 4; k++)
                    other[pose_at[i] + k] = -pose[pose_at[i] + k];
                const ami_reward same = reward_of(other, vel, pose, vel);
                assert_parts(&same, 1, 1, 1, 1, 1);
            }
    }
}

static double rest[AMI_POSE];
static const double still[AMI_VEL] = {0};

/* How far the body is from the reference, by the measures that end an episode. */
static void assert_distance(const ami_reward *reward, double height, double tilt, double body)
{
    assert_near(reward->height_m, height, 1e-12, "height of the root", 0);
    assert_near(reward->tilt, tilt, 1e-12, "tilt of the root", 0);
    assert_near(reward->body_m, body, 1e-12, "mean distance of the bodies", 0);
}

/* A knee bent by .3 rad: the ankle goes along a circle of .40987 m. */
static void a_bent_knee_by_hand(void **unused)
{
    (void)unused;
    double pose[AMI_POSE];
    pose_at_rest(rest, 1);
    memcpy(pose, rest, sizeof pose);
    pose[19] = -.3;
    const double chord = 2 * .40987 * sin(.15);
    ami_reward reward = reward_of(pose, still, rest, still);
    assert_parts(&reward, exp(-2 * 3. / TENTHS * .09), 1, exp(-10 * chord * chord), 1, 1);
    assert_near(reward.joint_rad, .3 / 12, 1e-12, "mean joint error", 0);
    assert_near(reward.end_effector_m, chord / 4, 1e-12, "mean end effector error", 0);
    assert_near(reward.root_m, 0, 0, "root error", 0);
    assert_distance(&reward, 0, 0, chord / 15); /* of 15 bodies only the ankle's joint is elsewhere */
    pose[33] = -.4;                             /* the other one, too */
    const double other = 2 * .40987 * sin(.2);
    reward = reward_of(pose, still, rest, still);
    assert_parts(&reward, exp(-2 * 3. / TENTHS * (.09 + .16)), 1, exp(-10 * (chord * chord + other * other)),
                 1, 1);
    assert_near(reward.joint_rad, .7 / 12, 1e-12, "mean joint error", 0);
    assert_near(reward.end_effector_m, (chord + other) / 4, 1e-12, "mean end effector error", 0);
    assert_distance(&reward, 0, 0, (chord + other) / 15);
}

/* Each ball turned by .5 rad about the line to what hangs on it (the leg's or the arm's, the body's y), which
 * moves no end effector but a chest's, whose wrists go along circles about the spine. */
static void each_joint_has_its_weight(void **unused)
{
    (void)unused;
    pose_at_rest(rest, 1);
    for (int i = 1; i < AMI_BODIES; i++) {
        if (pose_at[i] < 0)
            continue;
        double pose[AMI_POSE], vel[AMI_VEL] = {0}, ends = 0;
        memcpy(pose, rest, sizeof pose);
        const double angle = .5, speed = 1.5;
        if (is_hinge(i)) {
            pose[pose_at[i]] = i == AMI_RIGHT_KNEE || i == AMI_LEFT_KNEE ? -angle : angle;
            const double arm = i == AMI_RIGHT_KNEE || i == AMI_LEFT_KNEE ? .40987 : .258947,
                         chord = 2 * arm * sin(angle / 2);
            ends = chord * chord;
        } else {
            turn_about(pose + pose_at[i], 0, 1, 0, angle);
            if (i == AMI_CHEST) {
                const double chord = 2 * hypot(.02405, .18311) * sin(angle / 2);
                ends = 2 * chord * chord;
            }
        }
        ami_reward reward = reward_of(pose, still, rest, still);
        assert_parts(&reward, exp(-2 * 10 * skeleton[i].weight / TENTHS * angle * angle), 1, exp(-10 * ends),
                     1, 1);
        assert_near(reward.joint_rad, angle / 12, 1e-12, "mean joint error", i);

        vel[vel_at[i] + (is_hinge(i) ? 0 : 1)] = speed;
        reward = reward_of(rest, vel, rest, still);
        assert_near(reward.part[AMI_REWARD_VELOCITY],
                    exp(-.1 * 10 * skeleton[i].weight / TENTHS * speed * speed), 1e-12, "velocity", i);
        assert_near(reward.part[AMI_REWARD_POSE], 1, 0, "pose", i);
        assert_near(reward.part[AMI_REWARD_ROOT], 1, 1e-12, "root", i);
    }
}

/* The place on the ground is the root's error alone; the height is that of hands and feet above the ground,
 * too. */
static void a_root_elsewhere_by_hand(void **unused)
{
    (void)unused;
    double pose[AMI_POSE];
    pose_at_rest(rest, 1);
    memcpy(pose, rest, sizeof pose);
    pose[0] += .1;
    pose[1] += .2;
    pose[2] -= .2;
    ami_reward reward = reward_of(pose, still, rest, still);
    assert_parts(&reward, 1, 1, exp(-10 * 4 * .04), exp(-5 * .09), 1);
    assert_near(reward.root_m, .3, 1e-12, "root error", 0);
    assert_near(reward.end_effector_m, .2, 1e-12, "mean end effector error", 0);
    assert_distance(&reward, .2, 0, .2);
    pose[2] = rest[2];
    reward = reward_of(pose, still, rest, still);
    assert_parts(&reward, 1, 1, 1, exp(-5 * .05), 1);
    assert_near(reward.end_effector_m, 0, 1e-12, "mean end effector error", 0);
    assert_distance(&reward, 0, 0, 0);
    pose[2] = rest[2] + .3; /* too high is as bad as too low */
    reward = reward_of(pose, still, rest, still);
    assert_parts(&reward, 1, 1, exp(-10 * 4 * .09), exp(-5 * .14), 1);
    assert_distance(&reward, .3, 0, .3);
}

/* Turned about the vertical through the root: the end effectors are the same in the body's own heading frame.
 */
static void a_root_turned_by_hand(void **unused)
{
    (void)unused;
    double pose[AMI_POSE], turn[4];
    pose_at_rest(rest, 1);
    memcpy(pose, rest, sizeof pose);
    turn_about(turn, 0, 0, 1, .4);
    ami_quat_mul(pose + 3, turn, rest + 3);
    ami_reward reward = reward_of(pose, still, rest, still);
    assert_parts(&reward, exp(-2 * 10. / TENTHS * .16), 1, 1, exp(-5 * .1 * .16), 1);
    assert_near(reward.joint_rad, 0, 0, "mean joint error", 0);
    assert_distance(&reward, 0, 0, 0);

    /* Leaning to the side by .4 rad about the world's x, which the heading does not take out: every end
     * effector moves along a circle about the root joint, at a distance seen from the front. Ankles: .831416
     * down, .084887 out; wrists: -.054084 up, .18311 out. */
    turn_about(turn, 1, 0, 0, .4);
    ami_quat_mul(pose + 3, turn, rest + 3);
    const double k = 4 * sin(.2) * sin(.2);
    const double ankle2 = k * (.831416 * .831416 + .084887 * .084887),
                 wrist2 = k * (.054084 * .054084 + .18311 * .18311);
    reward = reward_of(pose, still, rest, still);
    assert_parts(&reward, exp(-2 * 10. / TENTHS * .16), 1, exp(-10 * 2 * (ankle2 + wrist2)),
                 exp(-5 * .1 * .16), 1);
    assert_near(reward.end_effector_m, (2 * sqrt(ankle2) + 2 * sqrt(wrist2)) / 4, 1e-12,
                "mean end effector error", 0);
    placed_body upright;
    place_body(&upright, rest);
    double out = 0; /* distances from the axis, which goes through the root */
    for (int i = 0; i < AMI_BODIES; i++)
        out += hypot(upright.joint[i][1], upright.joint[i][2] - 1) / AMI_BODIES;
    assert_distance(&reward, 0, 1 - cos(.4), 2 * sin(.2) * out);

    /* Leaning less and more than a reference that leans itself, to another side and upside down: the tilt is
     * a difference of cosines. */
    static const double angle[][2] = {{.4, .9}, {.9, .4}, {-.7, .7}, {M_PI, 0}, {.5, M_PI}};
    for (size_t i = 0; i < sizeof angle / sizeof *angle; i++) {
        double other[AMI_POSE];
        memcpy(other, rest, sizeof rest);
        turn_about(turn, 1, 0, 0, angle[i][0]);
        ami_quat_mul(pose + 3, turn, rest + 3);
        turn_about(turn, 0, 1, 0, angle[i][1]); /* forward */
        ami_quat_mul(other + 3, turn, rest + 3);
        reward = reward_of(pose, still, other, still);
        assert_near(reward.tilt, fabs(cos(angle[i][0]) - cos(angle[i][1])), 1e-12, "tilt of the root",
                    (int)i);
        assert_near(reward.height_m, 0, 1e-12, "height of the root", (int)i);
    }
}

static void a_flying_root_by_hand(void **unused)
{
    (void)unused;
    const double vel[AMI_VEL] = {.2, -.4, .4}, reference[AMI_VEL] = {.1, -.2, .2}; /* .3 m/s apart */
    pose_at_rest(rest, 1);
    const ami_reward reward = reward_of(rest, vel, rest, reference);
    assert_parts(&reward, 1, 1, 1, exp(-5 * .01 * .09), exp(-10 * .1 * .09));
}

/* Turning at 2 rad/s about the vertical, the centre of mass off the axis: feet .045 forward (1 kg each), arms
 * .02405 back (3 kg each). */
static void a_spinning_root_by_hand(void **unused)
{
    (void)unused;
    double vel[AMI_VEL] = {0};
    vel[4] = 2;
    pose_at_rest(rest, 1);
    const double com = (2 * .045 - 6 * .02405) / 45 * 2;
    const ami_reward reward = reward_of(rest, vel, rest, still);
    assert_parts(&reward, 1, exp(-.1 * 10. / TENTHS * 4), 1, exp(-5 * .001 * 4), exp(-10 * .1 * com * com));
}

/* Only hands at work: the roots are the same, but the centre of mass moves. Both elbows bend at 3 rad/s: 1 kg
 * at .12 m and .5 kg at .258947 m each side move forward. */
static void a_moving_centre_of_mass_by_hand(void **unused)
{
    (void)unused;
    double vel[AMI_VEL] = {0};
    vel[22] = vel[33] = 3;
    pose_at_rest(rest, 1);
    const double com = 2 * 3 * (1 * .12 + .5 * .258947) / 45;
    const ami_reward reward = reward_of(rest, vel, rest, still);
    assert_parts(&reward, 1, exp(-.1 * 2 * 2. / TENTHS * 9), 1, 1, exp(-10 * .1 * com * com));
}

/* Two bodies far apart in everything: all sums once more, with matrices. */
static void any_two_poses_agree_with_a_second_derivation(void **unused)
{
    (void)unused;
    ami_rng rng = ami_rng_seed(2, 0);
    static const int ends[4] = {8, 14, 5, 11};
    for (int n = 0; n < 100; n++) {
        double p[2][AMI_POSE], v[2][AMI_VEL];
        random_pose(&rng, p[0], 1, .6);
        memcpy(p[1], p[0], sizeof p[0]);
        for (int k = 0; k < 2; k++)
            random_velocity(&rng, v[k], 1);
        double between[AMI_VEL];
        random_velocity(&rng, between, .4);
        drift(p[1], p[0], between, 1);
        moving_body b[2];
        for (int k = 0; k < 2; k++)
            place_moving_body(&b[k], p[k], v[k]);
        double pose = 0, velocity = 0, mean = 0;
        for (int i = 0; i < AMI_BODIES; i++) {
            if (pose_at[i] < 0)
                continue;
            double angle, spin = 0;
            if (is_hinge(i)) {
                angle = p[1][pose_at[i]] - p[0][pose_at[i]];
            } else {
                double m[2][3][3];
                for (int k = 0; k < 2; k++)
                    matrix_of(m[k], p[k] + pose_at[i]);
                angle = angle_between(m[0], m[1]);
            }
            for (int k = 0; k < (is_hinge(i) ? 1 : 3); k++) { /* the root's angular velocities are compared in
                                                                 the world */
                const double d = i == AMI_ROOT ? b[1].ang[0][k] - b[0].ang[0][k]
                                               : v[1][vel_at[i] + k] - v[0][vel_at[i] + k];
                spin += d * d;
            }
            pose += skeleton[i].weight / 4.8 * angle * angle;
            velocity += skeleton[i].weight / 4.8 * spin;
            mean += i == AMI_ROOT ? 0 : fabs(angle) / 12;
        }
        double end_sum = 0, end_mean = 0, root = 0, com = 0,
               angle = angle_between(b[0].at.rot[0], b[1].at.rot[0]), far = 0;
        double apart[AMI_BODIES], bodies = 0;
        for (int i = 0; i < AMI_BODIES; i++) {
            double seen[2][3], d2 = 0;
            for (int k = 0; k < 2; k++) { /* from the root's place on the ground, which is at height 0 */
                double frame[3][3];
                matrix_about_z(frame, -atan2(b[k].at.rot[0][1][0], b[k].at.rot[0][0][0]));
                const double r[3] = {b[k].at.joint[i][0] - p[k][0], b[k].at.joint[i][1] - p[k][1],
                                     b[k].at.joint[i][2]};
                matrix_times(seen[k], frame, r);
            }
            for (int c = 0; c < 3; c++)
                d2 += (seen[1][c] - seen[0][c]) * (seen[1][c] - seen[0][c]);
            apart[i] = sqrt(d2);
            bodies += apart[i] / 15;
        }
        for (int e = 0; e < 4; e++) {
            end_sum += apart[ends[e]] * apart[ends[e]];
            end_mean += apart[ends[e]] / 4;
        }
        for (int c = 0; c < 3; c++) {
            const double x = p[1][c] - p[0][c], lin = v[1][c] - v[0][c],
                         ang = b[1].ang[0][c] - b[0].ang[0][c];
            root += x * x + .01 * lin * lin + .001 * ang * ang;
            far += x * x;
            com += .1 * (b[1].com_vel[c] - b[0].com_vel[c]) * (b[1].com_vel[c] - b[0].com_vel[c]);
        }
        root += .1 * angle * angle;
        const double want[5] = {exp(-2 * pose), exp(-.1 * velocity), exp(-10 * end_sum), exp(-5 * root),
                                exp(-10 * com)};
        const ami_reward reward = reward_of(p[1], v[1], p[0], v[0]);
        assert_all_near(reward.part, want, 5, 1e-7, "part");
        assert_near(reward.total, .5 * want[0] + .05 * want[1] + .15 * want[2] + .2 * want[3] + .1 * want[4],
                    1e-7, "total", n);
        assert_near(reward.root_m, sqrt(far), 1e-12, "root error", n);
        assert_near(reward.joint_rad, mean, 1e-9, "mean joint error", n);
        assert_near(reward.end_effector_m, end_mean, 1e-9, "mean end effector error", n);
        assert_near(reward.body_m, bodies, 1e-9, "mean distance of the bodies", n);
        assert_near(reward.height_m, fabs(p[1][2] - p[0][2]), 1e-12, "height of the root", n);
        assert_near(reward.tilt, fabs(b[1].at.rot[0][2][1] - b[0].at.rot[0][2][1]), 1e-9, "tilt of the root",
                    n);
    }
}

static void place_and_heading_of_the_world_do_not_matter(void **unused)
{
    (void)unused;
    ami_rng rng = ami_rng_seed(3, 0);
    for (int n = 0; n < 30; n++) {
        double p[2][2][AMI_POSE], v[2][2][AMI_VEL], m[3][3], turn[4];
        const double by = ami_rng_range(&rng, -M_PI, M_PI);
        matrix_about_z(m, by);
        turn_about(turn, 0, 0, 1, by);
        for (int k = 0; k < 2; k++) {
            random_pose(&rng, p[0][k], 1 + .1 * k, .5);
            random_velocity(&rng, v[0][k], 1);
            memcpy(p[1][k], p[0][k], sizeof p[0][k]);
            memcpy(v[1][k], v[0][k], sizeof v[0][k]);
            matrix_times(p[1][k], m, p[0][k]);
            matrix_times(v[1][k], m, v[0][k]);
            p[1][k][0] += 30;
            p[1][k][1] -= 20;
            ami_quat_mul(p[1][k] + 3, turn, p[0][k] + 3);
        }
        const ami_reward a = reward_of(p[0][0], v[0][0], p[0][1], v[0][1]),
                         b = reward_of(p[1][0], v[1][0], p[1][1], v[1][1]);
        assert_all_near(b.part, a.part, 5, 1e-12, "part");
        assert_near(b.total, a.total, 1e-12, "total", n);
        assert_distance(&b, a.height_m, a.tilt, a.body_m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(perfect_tracking_is_one),
        cmocka_unit_test(a_bent_knee_by_hand),
        cmocka_unit_test(each_joint_has_its_weight),
        cmocka_unit_test(a_root_elsewhere_by_hand),
        cmocka_unit_test(a_root_turned_by_hand),
        cmocka_unit_test(a_flying_root_by_hand),
        cmocka_unit_test(a_spinning_root_by_hand),
        cmocka_unit_test(a_moving_centre_of_mass_by_hand),
        cmocka_unit_test(any_two_poses_agree_with_a_second_derivation),
        cmocka_unit_test(place_and_heading_of_the_world_do_not_matter),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
