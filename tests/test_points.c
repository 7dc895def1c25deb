/* The 22 points: standing and moving, calculated by hand, any pose against rotation matrices, and the heading
 * of leaning roots. */
#include "tests/body.h"

#include "motion/kinematics.h"
#include "motion/points.h"

static ami_character *character;

static int set_up(void **unused)
{
    (void)unused;
    character = load_character(120);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    ami_character_destroy(character);
    return 0;
}

static void points_of(const double pose[AMI_POSE], const double vel[AMI_VEL], ami_points *points)
{
    ami_state state;
    memset(points, 0xff, sizeof *points); /* NaN: a number that is not written shows */
    ami_fk_state(&character->skeleton, pose, vel, &state);
    ami_points_of_state(&character->skeleton, &state, points);
}

/* Which body a point rides on, and where, from deepmimic.md's table. */
typedef struct point_row {
    const char *name;
    int body;
    double local[3];
} point_row;

/* clang-format off */
#define SIDE(side, hip)                                                                                                                      \
    {side " hip", hip, {0}}, {side " knee", hip + 1, {0}}, {side " ankle", hip + 2, {0}}, {side " toe", hip + 2, {.1335, -.05, 0}},           \
    {side " heel", hip + 2, {-.0435, -.05, 0}}, {side " shoulder", hip + 3, {0}}, {side " elbow", hip + 4, {0}}, {side " wrist", hip + 5, {0}}
static const point_row rows[AMI_POINTS] = {
    {"root", AMI_ROOT, {0}},
    {"pelvis top", AMI_CHEST, {0}},
    {"chest centre", AMI_CHEST, {0, .12, 0}},
    {"neck", AMI_NECK, {0}},
    {"head", AMI_NECK, {0, .175, 0}},
    {"head front", AMI_NECK, {.1025, .175, 0}},
    SIDE("left", AMI_LEFT_HIP),
    SIDE("right", AMI_RIGHT_HIP),
};
#undef SIDE
/* clang-format on */

static void standing_they_are_as_on_paper(void **unused)
{
    (void)unused;
    /* Facing x from the origin, z up, so right is -y. Height of the root: .421546 + .40987 + .05, the soles
     * on the ground. */
    static const double want[AMI_POINTS][3] = {
        {0, 0, .881416},
        {0, 0, 1.117567},
        {0, 0, 1.237567},
        {0, 0, 1.341461},
        {0, 0, 1.516461},
        {.1025, 0, 1.516461},
        {0, .084887, .881416},
        {0, .084887, .45987},
        {0, .084887, .05},
        {.1335, .084887, 0},
        {-.0435, .084887, 0},
        {-.02405, .18311, 1.361067},
        {-.02405, .18311, 1.086279},
        {-.02405, .18311, .827332},
        {0, -.084887, .881416},
        {0, -.084887, .45987},
        {0, -.084887, .05},
        {.1335, -.084887, 0},
        {-.0435, -.084887, 0},
        {-.02405, -.18311, 1.361067},
        {-.02405, -.18311, 1.086279},
        {-.02405, -.18311, .827332},
    };
    double pose[AMI_POSE], vel[AMI_VEL] = {1, 2, 3};
    ami_points points;
    pose_at_rest(pose, .881416);
    points_of(pose, vel, &points);
    for (int p = 0; p < AMI_POINTS; p++) {
        assert_string_equal(ami_point_name[p], rows[p].name);
        assert_all_near(points.pos[p], want[p], 3, 1e-12, ami_point_name[p]);
        assert_all_near(points.vel[p], vel, 3, 1e-12, ami_point_name[p]);
    }
    assert_all_near(points.forward, (const double[2]){1, 0}, 2, 1e-12, "heading");
    assert_near(points.yaw_rate, 0, 1e-12, "yaw rate", 0);
}

/* By hand: the right elbow bent by 90 degrees points the forearm forward; turning at 3 rad/s it lifts the
 * wrist by 3 · .258947 m/s. */
static void a_bending_arm_is_as_on_paper(void **unused)
{
    (void)unused;
    double pose[AMI_POSE], vel[AMI_VEL] = {0};
    ami_points points;
    pose_at_rest(pose, .881416);
    pose[pose_at[AMI_RIGHT_ELBOW]] = M_PI / 2;
    vel[vel_at[AMI_RIGHT_ELBOW]] = 3;
    points_of(pose, vel, &points);
    const int wrist = AMI_POINT_RIGHT + AMI_POINT_WRIST;
    assert_all_near(points.pos[wrist], (const double[3]){-.02405 + .258947, -.18311, 1.086279}, 3, 1e-12,
                    "wrist");
    assert_all_near(points.vel[wrist], (const double[3]){0, 0, 3 * .258947}, 3, 1e-12, "wrist's velocity");
    assert_all_near(points.vel[wrist - 1], (const double[3]){0}, 3, 1e-12, "elbow's velocity");
}

static void any_pose_agrees_with_matrices(void **unused)
{
    (void)unused;
    ami_rng rng = ami_rng_seed(1, 0);
    for (int n = 0; n < 200; n++) {
        double pose[AMI_POSE], vel[AMI_VEL], p[AMI_POSE];
        random_pose(&rng, pose, 1.2, 3);
        random_velocity(&rng, vel, 3);
        ami_points points;
        points_of(pose, vel, &points);
        const double e = 1e-5;
        placed_body at, before, after;
        place_body(&at, pose);
        drift(p, pose, vel, -e);
        place_body(&before, p);
        drift(p, pose, vel, e);
        place_body(&after, p);
        double t[3][3], d[3][3];
        transposed(t, before.rot[0]);
        matrix_product(d, after.rot[0], t);
        assert_near(points.yaw_rate, (d[1][0] - d[0][1]) / (4 * e), 1e-6, "yaw rate", n);
        for (int i = 0; i < AMI_POINTS; i++) {
            double now[3], a[3], b[3];
            const int body = rows[i].body;
            matrix_times(now, at.rot[body], rows[i].local);
            matrix_times(b, before.rot[body], rows[i].local);
            matrix_times(a, after.rot[body], rows[i].local);
            for (int k = 0; k < 3; k++) {
                assert_near(points.pos[i][k], at.joint[body][k] + now[k], 1e-12, ami_point_name[i], k);
                const double speed = (after.joint[body][k] + a[k] - before.joint[body][k] - b[k]) / (2 * e);
                assert_near(points.vel[i][k], speed, 1e-6, ami_point_name[i], k);
            }
        }
    }
}

/* Turned by `heading`, then leaning by `angle` about a horizontal axis at `about` from x, a root has that
 * heading: the lean changes nothing until it is upside down. */
static void a_lean_does_not_change_the_heading(void **unused)
{
    (void)unused;
    for (int n = 0; n < 2000; n++) {
        const double heading = -3.1 + .31 * (n % 21), lean = -3.1 + .062 * (n % 101), about = .37 * n;
        double turn[4], tilt[4], q[4], forward[2];
        turn_about(turn, 0, 0, 1, heading);
        turn_about(tilt, cos(about), sin(about), 0, lean);
        ami_quat_mul(q, tilt, turn);
        ami_quat_mul(q, q, (const double[4]){sqrt(.5), sqrt(.5), 0, 0});
        const double scale = n % 2 ? -1 : 2; /* neither sign nor length matter */
        for (int k = 0; k < 4; k++)
            q[k] *= scale;
        ami_points_heading(q, forward);
        assert_all_near(forward, (const double[2]){cos(heading), sin(heading)}, 2, 1e-12, "heading");
    }
    const double half = sqrt(.5);
    double forward[2];
    ami_points_heading((const double[4]){half, -half, 0, 0}, forward); /* standing on its head */
    assert_near(forward[0] * forward[0] + forward[1] * forward[1], 1, 1e-12,
                "length of a heading that is none", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(standing_they_are_as_on_paper),
        cmocka_unit_test(a_bending_arm_is_as_on_paper),
        cmocka_unit_test(any_pose_agrees_with_matrices),
        cmocka_unit_test(a_lean_does_not_change_the_heading),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
