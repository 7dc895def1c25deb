/* The physics step: stable PD against a reference solution, the torque limit, kinematics against the skeleton
 * table, saving, unusable states. */
#include "tests/body.h"

#include "sim/world.h"

static ami_world make_world(const ami_character *character)
{
    ami_world world;
    ami_error err = {""};
    if (!ami_world_init(&world, character, &err))
        fail_msg("%s", err.text);
    return world;
}

/* The largest angle, rad, between a body's joints and their targets. */
static double worst_joint(const ami_state *state, const double target[AMI_POSE])
{
    double worst = 0;
    for (int i = 1; i < AMI_BODIES; i++) {
        double a[3][3], b[3][3];
        if (is_hinge(i)) {
            worst = fmax(worst, fabs(state->pose[pose_at[i]] - target[pose_at[i]]));
        } else if (is_ball(i)) {
            matrix_of(a, state->pose + pose_at[i]);
            matrix_of(b, target + pose_at[i]);
            worst = fmax(worst, angle_between(a, b));
        }
    }
    return worst;
}

static void assert_all_finite(const ami_state *state)
{
    const double *number = (const double *)state;
    for (size_t k = 0; k < sizeof *state / sizeof *number; k++)
        assert_true(isfinite(number[k]));
}

static void kinematics_agree_with_the_skeleton_table(void **unused)
{
    (void)unused;
    ami_character *character = load_character(120);
    ami_world world = make_world(character);
    ami_rng rng = ami_rng_seed(1, 0);
    for (int n = 0; n < 100; n++) {
        double pose[AMI_POSE], vel[AMI_VEL];
        random_pose(&rng, pose, ami_rng_range(&rng, -2, 4), 1.5);
        random_velocity(&rng, vel, 3);
        pose[0] = ami_rng_range(&rng, -20, 20);
        pose[1] = ami_rng_range(&rng, -20, 20);
        ami_world_set(&world, pose, vel);
        ami_state state;
        ami_world_state(&world, &state);
        assert_memory_equal(state.pose, pose, sizeof pose);
        assert_memory_equal(state.vel, vel, sizeof vel);
        moving_body want;
        place_moving_body(&want, pose, vel);
        assert_all_near(&state.joint[0][0], &want.at.joint[0][0], 3 * AMI_BODIES, 1e-12, "joint");
        assert_all_near(&state.centre[0][0], &want.at.centre[0][0], 3 * AMI_BODIES, 1e-12, "centre");
        assert_all_near(&state.lin[0][0], &want.lin[0][0], 3 * AMI_BODIES, 1e-7, "linear velocity");
        assert_all_near(&state.ang[0][0], &want.ang[0][0], 3 * AMI_BODIES, 1e-7, "angular velocity");
        assert_all_near(state.com_vel, want.com_vel, 3, 1e-7, "velocity of the centre of mass");
        for (int i = 0; i < AMI_BODIES; i++) {
            double rot[3][3];
            matrix_of(rot, state.rot[i]);
            assert_all_near(&rot[0][0], &want.at.rot[i][0][0], 9, 1e-12, "rotation");
        }
        assert_near(ami_world_lowest(&world), want.at.lowest, 1e-12, "lowest point of pose", n);
    }
    ami_world_free(&world);
    ami_character_destroy(character);
}

static void after_a_step_kinematics_are_up_to_date(void **unused)
{
    (void)unused;
    ami_character *character = load_character(120);
    ami_world world = make_world(character);
    ami_rng rng = ami_rng_seed(2, 0);
    double pose[AMI_POSE], vel[AMI_VEL], target[AMI_POSE];
    random_pose(&rng, pose, 3, .8);
    random_pose(&rng, target, 3, .8);
    random_velocity(&rng, vel, 2);
    ami_world_set(&world, pose, vel);
    ami_world_step(&world, target, 4);
    ami_state state;
    ami_world_state(&world, &state);
    assert_true(fabs(state.pose[0] - pose[0]) > 1e-3);
    moving_body want;
    place_moving_body(&want, state.pose, state.vel);
    assert_all_near(&state.joint[0][0], &want.at.joint[0][0], 3 * AMI_BODIES, 1e-12, "joint");
    assert_all_near(&state.centre[0][0], &want.at.centre[0][0], 3 * AMI_BODIES, 1e-12, "centre");
    assert_all_near(&state.lin[0][0], &want.lin[0][0], 3 * AMI_BODIES, 1e-7, "linear velocity");
    assert_all_near(&state.ang[0][0], &want.ang[0][0], 3 * AMI_BODIES, 1e-7, "angular velocity");
    ami_world_free(&world);
    ami_character_destroy(character);
}

/* x = A^-1 b by elimination with pivots; both are overwritten. */
static void solve(int n, double *a, double *b)
{
    for (int c = 0; c < n; c++) {
        int pivot = c;
        for (int r = c + 1; r < n; r++)
            if (fabs(a[r * n + c]) > fabs(a[pivot * n + c]))
                pivot = r;
        for (int k = 0; k < n; k++) {
            const double t = a[c * n + k];
            a[c * n + k] = a[pivot * n + k];
            a[pivot * n + k] = t;
        }
        const double t = b[c];
        b[c] = b[pivot];
        b[pivot] = t;
        for (int r = c + 1; r < n; r++) {
            const double f = a[r * n + c] / a[c * n + c];
            for (int k = c; k < n; k++)
                a[r * n + k] -= f * a[c * n + k];
            b[r] -= f * b[c];
        }
    }
    for (int r = n - 1; r >= 0; r--) {
        for (int k = r + 1; k < n; k++)
            b[r] -= a[r * n + k] * b[k];
        b[r] /= a[r * n + r];
    }
}

/* Tan, Liu, Turk 2011 with the position, too, taken at the step's end, as sim/world.h promises: tau = Kp
 * (target - q - h v') - Kd v' with v' = v + h a, so that (M + h Kd + h^2 Kp) a = Kp (target - q - h v) - Kd v
 * - C. Solved here with the full matrix. */
static void one_step_is_a_stable_pd_solve(void **unused)
{
    (void)unused;
    for (double hz = 60; hz <= 240; hz *= 2) {
        ami_character *character = load_character(hz);
        ami_world world = make_world(character);
        mjModel *m = character->model;
        mjData *d = mj_makeData(m);
        ami_rng rng = ami_rng_seed(3, (uint64_t)hz);
        const double h = 1 / hz;
        for (int n = 0; n < 10; n++) {
            double pose[AMI_POSE], vel[AMI_VEL], target[AMI_POSE], error[AMI_VEL] = {0};
            random_pose(&rng, pose, 4, 1);
            random_velocity(&rng, vel, .3);
            memcpy(target, pose, sizeof target);
            for (int i = 1; i < AMI_BODIES; i++) { /* targets a known small turn away, seen from the child: no
                                                      limit is met */
                if (is_hinge(i)) {
                    error[vel_at[i]] = ami_rng_range(&rng, -.05, .05);
                    target[pose_at[i]] += error[vel_at[i]];
                } else if (is_ball(i)) {
                    double axis[3], turn[4];
                    const double angle = ami_rng_range(&rng, 0, .05);
                    random_unit(&rng, axis, 3);
                    turn_about(turn, axis[0], axis[1], axis[2], angle);
                    for (int k = 0; k < 3; k++)
                        error[vel_at[i] + k] = angle * axis[k];
                    ami_quat_mul(target + pose_at[i], pose + pose_at[i], turn);
                }
            }
            ami_world_set(&world, pose, vel);

            /* M and C, gravity included, of another mjData at the same state, without any force of ours */
            mj_resetData(m, d);
            memcpy(d->qpos, world.data->qpos, sizeof pose);
            memcpy(d->qvel, world.data->qvel, sizeof vel);
            mj_forward(m, d);
            assert_int_equal(d->ncon, 0);
            double matrix[AMI_VEL * AMI_VEL], force[AMI_VEL], want[AMI_VEL];
            for (int c = 0; c < AMI_VEL; c++) {
                double one[AMI_VEL] = {0}, column[AMI_VEL];
                one[c] = 1;
                mj_mulM(m, d, column, one);
                for (int r = 0; r < AMI_VEL; r++)
                    matrix[r * AMI_VEL + c] = column[r];
                force[c] = -d->qfrc_bias[c];
            }
            for (int i = 1; i < AMI_BODIES; i++) {
                if (vel_at[i] < 0)
                    continue;
                const double kp = skeleton[i].kp, kd = kp / 10;
                for (int k = 0; k < (is_hinge(i) ? 1 : 3); k++) {
                    const int from = vel_at[i] + k, to = character->joint[i].qvel + k;
                    matrix[to * AMI_VEL + to] += h * kd + h * h * kp;
                    force[to] += kp * (error[from] - h * vel[from]) - kd * vel[from];
                }
            }
            solve(AMI_VEL, matrix, force);
            for (int k = 0; k < AMI_VEL; k++)
                want[k] = world.data->qvel[k] + h * force[k];
            ami_world_step(&world, target, 1);
            assert_all_near(world.data->qvel, want, AMI_VEL, 1e-9, "velocity after the step");
        }
        mj_deleteData(d);
        ami_world_free(&world);
        ami_character_destroy(character);
    }
}

/* Held in the air without gravity: every joint arrives, and stays, at its target. */
static void joints_arrive_at_their_targets(void **unused)
{
    (void)unused;
    for (int row = 0; row < 4; row++) {
        const double hz[4] = {60, 120, 240, 60};
        ami_character *character = load_character(hz[row]);
        for (int k = 0; k < 3; k++)
            character->model->opt.gravity[k] = 0;
        if (row == 3) { /* thirty times the gains and no limit to speak of: an explicit PD explodes at once */
            for (int i = 1; i < AMI_BODIES; i++) {
                ami_joint *joint = &character->joint[i];
                joint->kp *= 30;
                joint->kd *= 30;
                joint->limit = 1e9;
                for (int k = 0; k < (is_hinge(i) ? 1 : is_ball(i) ? 3 : 0); k++)
                    character->model->dof_damping[joint->qvel + k] *= 30;
            }
        }
        ami_world world = make_world(character);
        ami_rng rng = ami_rng_seed(4, (uint64_t)row);
        for (int n = 0; n < 3; n++) {
            double pose[AMI_POSE], vel[AMI_VEL], target[AMI_POSE];
            random_pose(&rng, pose, 5, .8);
            random_pose(&rng, target, 5, .8);
            random_velocity(&rng, vel, 1);
            ami_world_set(&world, pose, vel);
            ami_state state;
            ami_world_state(&world, &state);
            assert_true(worst_joint(&state, target) > .3);
            ami_world_step(&world, target, (int)(3 * hz[row]));
            assert_false(world.unstable);
            ami_world_state(&world, &state);
            assert_all_finite(&state);
            assert_near(worst_joint(&state, target), 0, .01, "largest distance from the target at rate",
                        (int)hz[row]);
        }
        ami_world_free(&world);
        ami_character_destroy(character);
    }
}

/* Standing on the floor with the rest pose as the target, and heaps on the floor with targets that jump. */
static void nothing_explodes_on_the_floor(void **unused)
{
    (void)unused;
    for (double hz = 60; hz <= 240; hz *= 2) {
        ami_character *character = load_character(hz);
        ami_world world = make_world(character);
        double pose[AMI_POSE], vel[AMI_VEL] = {0}, target[AMI_POSE];
        ami_state state;
        pose_at_rest(pose, .881416);
        ami_world_set(&world, pose, vel);
        ami_world_step(&world, pose, (int)(.4 * hz));
        ami_world_state(&world, &state);
        assert_all_finite(&state);
        assert_near(worst_joint(&state, pose), 0, .15, "largest distance from the standing pose at rate",
                    (int)hz);
        assert_near(state.pose[2], .881, .02, "root height of the standing body at rate", (int)hz);
        assert_int_equal(world.touching & ~(1u << AMI_RIGHT_ANKLE | 1u << AMI_LEFT_ANKLE), 0);

        ami_rng rng = ami_rng_seed(5, (uint64_t)hz);
        for (int n = 0; n < 60; n++) {
            random_pose(&rng, target, 1, 2.5);
            ami_world_step(&world, target, (int)(.1 * hz));
            assert_false(world.unstable);
            ami_world_state(&world, &state);
            assert_all_finite(&state);
            assert_true(state.pose[2] < 3 && state.pose[2] > -.1);
        }
        ami_world_free(&world);
        ami_character_destroy(character);
    }
}

/* |applied torque without what is there to be taken off as damping|, for each joint of one physics step from
 * this state. */
static void check_torques(ami_world *world, const double pose[AMI_POSE], const double vel[AMI_VEL],
                          const double target[AMI_POSE])
{
    ami_world_set(world, pose, vel);
    ami_world_step(world, target, 1);
    int limited = 0;
    for (int i = 1; i < AMI_BODIES; i++) {
        if (vel_at[i] < 0)
            continue;
        const double kp = skeleton[i].kp, kd = kp / 10, limit = skeleton[i].limit;
        const double *applied = world->data->qfrc_applied + world->character->joint[i].qvel;
        double want[3] = {0}, norm = 0, turn[3] = {0};
        const int n = is_hinge(i) ? 1 : 3;
        if (n == 1) {
            turn[0] = target[pose_at[i]] - pose[pose_at[i]];
        } else { /* the turn that is missing, as axis times angle in the child's frame, from the matrices */
            double a[3][3], b[3][3], t[3][3], d[3][3];
            matrix_of(a, pose + pose_at[i]);
            matrix_of(b, target + pose_at[i]);
            transposed(t, a);
            matrix_product(d, t, b);
            const double axis[3] = {d[2][1] - d[1][2], d[0][2] - d[2][0], d[1][0] - d[0][1]};
            const double length = sqrt(axis[0] * axis[0] + axis[1] * axis[1] + axis[2] * axis[2]),
                         angle = angle_between(a, b);
            for (int k = 0; k < 3; k++)
                turn[k] = length > 0 ? angle * axis[k] / length : 0;
        }
        for (int k = 0; k < n; k++) {
            want[k] = kp * turn[k] - kd * vel[vel_at[i] + k];
            norm += want[k] * want[k];
        }
        norm = sqrt(norm);
        limited += norm > limit;
        double got = 0;
        for (int k = 0; k < n; k++) {
            const double whole = applied[k] - kd * vel[vel_at[i] + k];
            got += whole * whole;
            assert_near(whole, want[k] * fmin(1, limit / norm), 1e-6, skeleton[i].name, k);
        }
        if (sqrt(got) > limit * (1 + 1e-12))
            fail_msg("the torque at %s is %.17g N·m, its limit %g", skeleton[i].name, sqrt(got), limit);
    }
    assert_int_equal(world->limited, limited);
}

static void torques_stay_within_their_limits(void **unused)
{
    (void)unused;
    ami_character *character = load_character(120);
    ami_world world = make_world(character);
    ami_rng rng = ami_rng_seed(6, 0);
    const double rest[AMI_VEL] = {0};
    for (int n = 0; n < 50; n++) {
        double pose[AMI_POSE], vel[AMI_VEL], target[AMI_POSE];
        random_pose(&rng, pose, 5, 1.2);
        random_pose(&rng, target, 5, n % 2 ? 1.2 : .05);
        random_velocity(&rng, vel, 10);
        check_torques(&world, pose, rest, target);
        check_torques(&world, pose, vel, target);
    }
    ami_world_free(&world);
    ami_character_destroy(character);
}

/* Joints at their limit are counted anew in each control step, over all of its physics steps. */
static void limited_joints_are_counted_over_a_control_step(void **unused)
{
    (void)unused;
    ami_character *character = load_character(120);
    ami_world world = make_world(character), single = make_world(character);
    ami_rng rng = ami_rng_seed(7, 0);
    const double rest[AMI_VEL] = {0};
    double pose[AMI_POSE], target[AMI_POSE];
    pose_at_rest(pose, 5);
    ami_world_set(&world, pose, rest);
    ami_world_step(&world, pose, 4);
    assert_int_equal(world.limited, 0); /* it is where it is to be */
    memcpy(target, pose, sizeof target);
    target[pose_at[AMI_RIGHT_KNEE]] = -1; /* 500 N·m asked for, 150 to be had, for the first steps at least */
    ami_world_step(&world, target, 1);
    assert_int_equal(world.limited, 1);
    int most = 0;
    for (int n = 0; n < 20; n++) {
        random_pose(&rng, pose, 5, 1.2);
        random_pose(&rng, target, 5, 1.2);
        ami_world_set(&world, pose, rest);
        ami_world_set(&single, pose, rest);
        for (int step = 0; step < 3; step++) {
            int sum = 0;
            for (int k = 0; k < 4; k++) {
                ami_world_step(&single, target, 1);
                sum += single.limited;
            }
            ami_world_step(&world, target, 4);
            assert_int_equal(world.limited, sum);
            assert_in_range(sum, 0, 4 * AMI_CLIP_JOINTS);
            most = sum > most ? sum : most;
        }
    }
    assert_in_range(most, AMI_CLIP_JOINTS + 1, 4 * AMI_CLIP_JOINTS); /* more than one physics step can
                                                                        count */
    ami_world_free(&world);
    ami_world_free(&single);
    ami_character_destroy(character);
}

static void contacts_are_told_by_body(void **unused)
{
    (void)unused;
    ami_character *character = load_character(120);
    ami_world world = make_world(character);
    const double rest[AMI_VEL] = {0};
    double pose[AMI_POSE];
    pose_at_rest(pose, 3);
    ami_world_set(&world, pose, rest);
    ami_world_step(&world, pose, 4);
    assert_int_equal(world.touching, 0);

    pose_at_rest(pose, .881416 - .002);
    ami_world_set(&world, pose, rest);
    assert_int_equal(world.touching, 0);
    ami_world_step(&world, pose, 4);
    assert_int_equal(world.touching, 1u << AMI_RIGHT_ANKLE | 1u << AMI_LEFT_ANKLE);

    /* Upside down, the head 2 mm in the floor: root - .236151 - .223894 - .175 - .1025 = 0. */
    pose_at_rest(pose, .737545 - .002);
    pose[3] = -sqrt(.5);
    ami_world_set(&world, pose, rest);
    ami_world_step(&world, pose, 1);
    assert_int_equal(world.touching, 1u << AMI_NECK);

    /* A touch in the first of many physics steps is remembered till the control step's end, and no longer. */
    pose_at_rest(pose, .881416 - .002);
    double up[AMI_VEL] = {0};
    up[2] = 4;
    ami_world_set(&world, pose, up);
    ami_world_step(&world, pose, 6);
    assert_true(world.data->ncon == 0);
    assert_int_equal(world.touching, 1u << AMI_RIGHT_ANKLE | 1u << AMI_LEFT_ANKLE);
    ami_world_step(&world, pose, 6);
    assert_int_equal(world.touching, 0);
    ami_world_free(&world);
    ami_character_destroy(character);
}

static void moving_and_pushing_do_just_that(void **unused)
{
    (void)unused;
    ami_character *character = load_character(120);
    ami_world world = make_world(character);
    ami_rng rng = ami_rng_seed(7, 0);
    double pose[AMI_POSE], vel[AMI_VEL];
    random_pose(&rng, pose, 1, 1);
    random_velocity(&rng, vel, 2);
    ami_world_set(&world, pose, vel);
    ami_state before, after;
    ami_world_state(&world, &before);
    const double d[3] = {.5, -.25, 2}, dv[3] = {-1, .5, .125};
    const double lowest = ami_world_lowest(&world);
    ami_world_move(&world, d);
    ami_world_push(&world, dv);
    ami_world_state(&world, &after);
    assert_near(ami_world_lowest(&world), lowest + 2, 1e-12, "lowest", 0);
    assert_memory_equal(after.rot, before.rot, sizeof after.rot);
    for (int k = 0; k < 3; k++) {
        assert_near(after.com_vel[k], before.com_vel[k] + dv[k], 1e-12, "velocity of the centre of mass", k);
        for (int i = 0; i < AMI_BODIES; i++) {
            assert_near(after.centre[i][k], before.centre[i][k] + d[k], 1e-12, "centre", i);
            assert_near(after.joint[i][k], before.joint[i][k] + d[k], 1e-12, "joint", i);
            assert_near(after.lin[i][k], before.lin[i][k] + dv[k], 1e-12, "velocity", i);
            assert_near(after.ang[i][k], before.ang[i][k], 1e-12, "angular velocity", i);
        }
    }
    ami_world_free(&world);
    ami_character_destroy(character);
}

static void a_saved_world_goes_on_bit_by_bit(void **unused)
{
    (void)unused;
    enum { STEPS = 30 };
    ami_character *character = load_character(120);
    ami_world world = make_world(character), other = make_world(character);
    ami_rng rng = ami_rng_seed(8, 0);
    double pose[AMI_POSE], vel[AMI_VEL], target[STEPS][AMI_POSE];
    random_pose(&rng, pose, .6, .6);
    random_velocity(&rng, vel, 1);
    for (int n = 0; n < STEPS; n++)
        random_pose(&rng, target[n], 1, 1);
    ami_world_set(&world, pose, vel);
    for (int n = 0; n < STEPS; n++)
        ami_world_step(&world, target[n], 4);
    while (!world.data->ncon)
        ami_world_step(&world, target[0], 1);
    assert_true(world.touching); /* on the floor: the constraint solver's warm start matters */
    double *saved = malloc((size_t)character->state_size * sizeof *saved);
    ami_world_save(&world, saved);
    ami_state at, then[STEPS], again;
    unsigned touching[STEPS];
    ami_world_state(&world, &at);
    for (int n = 0; n < STEPS; n++) {
        ami_world_step(&world, target[n], 4);
        ami_world_state(&world, &then[n]);
        touching[n] = world.touching;
    }
    for (int round = 0; round < 2; round++) { /* into the world it came from, then into one that never
                                                 moved */
        ami_world *to = round ? &other : &world;
        ami_world_load(to, saved);
        ami_world_state(to, &again);
        assert_memory_equal(&again, &at, sizeof at);
        for (int n = 0; n < STEPS; n++) {
            ami_world_step(to, target[n], 4);
            ami_world_state(to, &again);
            assert_memory_equal(&again, &then[n], sizeof again);
            assert_int_equal(to->touching, touching[n]);
        }
    }
    free(saved);
    ami_world_free(&world);
    ami_world_free(&other);
    ami_character_destroy(character);
}

/* A world that was used before is as good as a new one. */
static void setting_forgets_the_past(void **unused)
{
    (void)unused;
    ami_character *character = load_character(120);
    ami_world used = make_world(character), fresh = make_world(character);
    ami_rng rng = ami_rng_seed(9, 0);
    double pose[AMI_POSE], vel[AMI_VEL], target[AMI_POSE];
    ami_state a, b;
    for (int n = 0; n < 5; n++) {
        random_pose(&rng, pose, .5, 1);
        random_velocity(&rng, vel, 4);
        random_pose(&rng, target, .5, 1);
        ami_world_set(&used, pose, vel);
        ami_world_step(&used, target, 20);
    }
    ami_world_set(&used, pose, vel);
    ami_world_set(&fresh, pose, vel);
    assert_int_equal(used.touching, 0);
    for (int n = 0; n < 10; n++) {
        ami_world_step(&used, target, 4);
        ami_world_step(&fresh, target, 4);
        ami_world_state(&used, &a);
        ami_world_state(&fresh, &b);
        assert_memory_equal(&a, &b, sizeof a);
    }
    ami_world_free(&used);
    ami_world_free(&fresh);
    ami_character_destroy(character);
}

static void walking_far_is_allowed(void **unused)
{
    (void)unused;
    ami_character *character = load_character(120);
    ami_world world = make_world(character);
    const double rest[AMI_VEL] = {0};
    double pose[AMI_POSE];
    pose_at_rest(pose, 3);
    pose[0] = 2e4; /* 20 km from where it began */
    pose[1] = -2e4;
    ami_world_set(&world, pose, rest);
    ami_world_step(&world, pose, 4);
    assert_false(world.unstable);
    ami_world_free(&world);
    ami_character_destroy(character);
}

static void broken_states_are_flagged(void **unused)
{
    (void)unused;
    ami_character *character = load_character(120);
    ami_world world = make_world(character);
    const double rest[AMI_VEL] = {0};
    double pose[AMI_POSE], bad[AMI_POSE], qpos[AMI_POSE];
    pose_at_rest(pose, 3);
    for (int row = 0; row < 6; row++) {
        ami_world_set(&world, pose, rest);
        memcpy(bad, pose, sizeof bad);
        switch (row) {
        case 0:
            world.data->qvel[0] = NAN;
            break;
        case 1:
            world.data->qvel[2] = 2e4;
            break;
        case 2:
            world.data->qvel[AMI_VEL - 1] = INFINITY;
            break;
        case 3:
            world.data->qpos[2] = -2e4;
            break;
        case 4:
            world.data->qpos[20] = NAN;
            break;
        case 5:
            bad[7] = NAN;
            break;
        }
        ami_world_step(&world, bad, 4);
        if (!world.unstable)
            fail_msg("row %d was not found out", row);
        memcpy(qpos, world.data->qpos, sizeof qpos);
        const double time = world.data->time;
        ami_world_step(&world, pose, 4); /* does nothing */
        assert_true(world.unstable);
        assert_memory_equal(qpos, world.data->qpos, sizeof qpos);
        assert_true(world.data->time == time);
        ami_world_set(&world, pose, rest);
        assert_false(world.unstable);
        ami_world_step(&world, pose, 4);
        assert_false(world.unstable);
    }
    ami_world_free(&world);
    ami_character_destroy(character);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinematics_agree_with_the_skeleton_table),
        cmocka_unit_test(after_a_step_kinematics_are_up_to_date),
        cmocka_unit_test(one_step_is_a_stable_pd_solve),
        cmocka_unit_test(joints_arrive_at_their_targets),
        cmocka_unit_test(nothing_explodes_on_the_floor),
        cmocka_unit_test(torques_stay_within_their_limits),
        cmocka_unit_test(limited_joints_are_counted_over_a_control_step),
        cmocka_unit_test(contacts_are_told_by_body),
        cmocka_unit_test(moving_and_pushing_do_just_that),
        cmocka_unit_test(a_saved_world_goes_on_bit_by_bit),
        cmocka_unit_test(setting_forgets_the_past),
        cmocka_unit_test(walking_far_is_allowed),
        cmocka_unit_test(broken_states_are_flagged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
