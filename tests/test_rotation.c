/* Rotations against matrices, and against their inverses. */
#include "tests/clips.h"

/* Rotation matrix by Rodrigues' formula, I + sin a K + (1 - cos a) K K. */
static void matrix_of_vector(double m[3][3], const double r[3])
{
    const double a = sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]);
    const double k[3] = {r[0] / a, r[1] / a, r[2] / a};
    const double cross[3][3] = {{0, -k[2], k[1]}, {k[2], 0, -k[0]}, {-k[1], k[0], 0}};
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++) {
            double kk = 0.0;
            for (int l = 0; l < 3; l++) {
                kk += cross[i][l] * cross[l][j];
            }
            m[i][j] = (i == j) + sin(a) * cross[i][j] + (1.0 - cos(a)) * kk;
        }
    }
}

static void rotating_a_vector_is_the_matrix_product(void **state)
{
    (void)state;
    ami_rng rng = ami_rng_seed(1, 0);
    for (int n = 0; n < 500; n++) {
        double r[2][3], v[3], q[2][4], m[2][3][3], got[3], want[3], both[4];
        for (int k = 0; k < 2; k++) {
            random_vector(&rng, r[k], ami_rng_range(&rng, 1e-3, 6.0));
            ami_quat_exp(q[k], r[k]);
            matrix_of_vector(m[k], r[k]);
        }
        random_vector(&rng, v, 3.0);
        for (int i = 0; i < 3; i++) {
            want[i] = m[0][i][0] * v[0] + m[0][i][1] * v[1] + m[0][i][2] * v[2];
        }
        ami_quat_rotate(got, q[0], v);
        assert_all_near(got, want, 3, 1e-14, "rotated");
        ami_quat_unrotate(got, q[0], got);
        assert_all_near(got, v, 3, 1e-14, "rotated back");
        /* the product turns by the right one first */
        double first[3], second[3];
        for (int i = 0; i < 3; i++) {
            first[i] = m[1][i][0] * v[0] + m[1][i][1] * v[1] + m[1][i][2] * v[2];
        }
        for (int i = 0; i < 3; i++) {
            second[i] = m[0][i][0] * first[0] + m[0][i][1] * first[1] + m[0][i][2] * first[2];
        }
        ami_quat_mul(both, q[0], q[1]);
        ami_quat_rotate(got, both, v);
        assert_all_near(got, second, 3, 2e-14, "rotated twice");
    }
}

static void log_undoes_exp_at_every_size(void **state)
{
    (void)state;
    ami_rng rng = ami_rng_seed(2, 0);
    for (double size = 1e-150; size < M_PI; size *= size < 1e-8 ? 1e9 : 1.03) {
        double r[3], q[4], back[3], other[4] = {1, 0, 0, 0};
        random_vector(&rng, r, size);
        ami_quat_exp(q, r);
        ami_quat_log(back, q);
        assert_all_near(back, r, 3, 4e-15 * size / fmax(M_PI - size, 0.05), "log");
        assert_near(ami_quat_dot(q, q), 1.0, 1e-15, "squared length of exp", 0);
        assert_near(ami_quat_angle(other, q), size, 4e-15 * size, "angle", 0);
        for (int i = 0; i < 4; i++) {
            q[i] = -q[i];
        }
        ami_quat_log(back, q); /* the same rotation */
        assert_all_near(back, r, 3, 4e-15 * size / fmax(M_PI - size, 0.05), "log of the negated");
    }
}

static void slerp_moves_at_constant_speed(void **state)
{
    (void)state;
    ami_rng rng = ami_rng_seed(3, 0);
    /* across the switch from series to sine, too */
    for (double size = 1e-12; size < 3.1; size *= size < 1e-3 ? 10.0 : 1.01) {
        double a[4], b[4], r[3], step[4], part[3], want[4], got[4];
        random_quat(&rng, a);
        random_vector(&rng, r, size);
        ami_quat_exp(step, r);
        ami_quat_mul(b, a, step);
        for (int k = 0; k <= 8; k++) {
            const double u = k / 8.0;
            for (int i = 0; i < 3; i++) {
                part[i] = u * r[i];
            }
            ami_quat_exp(step, part);
            ami_quat_mul(want, a, step);
            ami_quat_slerp(got, a, b, u);
            assert_all_near(got, want, 4, 2e-15, "slerp");
            const double minus[4] = {-b[0], -b[1], -b[2], -b[3]};
            ami_quat_slerp(got, a, minus, u); /* the shorter arc, whatever the sign */
            assert_all_near(got, want, 4, 2e-15, "slerp to the negated");
        }
    }
}

static void heading_is_where_forward_points(void **state)
{
    (void)state;
    for (double angle = -3.1; angle < 3.1; angle += 0.1) {
        double turn[4], q[4];
        ami_quat_about_z(turn, angle);
        ami_quat_mul(q, turn, AMI_QUAT_Y_UP);
        assert_near(ami_quat_heading(q), angle, 1e-14, "heading", 0);
    }
    const double up[3] = {0, 1, 0}, right[3] = {0, 0, 1}, x[3] = {1, 0, 0};
    double got[3];
    ami_quat_rotate(got, AMI_QUAT_Y_UP, up); /* the body's y is the world's z */
    assert_all_near(got, (const double[3]){0, 0, 1}, 3, 1e-15, "up");
    ami_quat_rotate(got, AMI_QUAT_Y_UP, right);
    assert_all_near(got, (const double[3]){0, -1, 0}, 3, 1e-15, "right");
    ami_quat_rotate(got, AMI_QUAT_Y_UP, x);
    assert_all_near(got, x, 3, 1e-15, "forward");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rotating_a_vector_is_the_matrix_product),
        cmocka_unit_test(log_undoes_exp_at_every_size),
        cmocka_unit_test(slerp_moves_at_constant_speed),
        cmocka_unit_test(heading_is_where_forward_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
