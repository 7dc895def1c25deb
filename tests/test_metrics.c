/* Error metrics against what they are on paper, and against a plain twin written from the definitions. */
#include "base/rng.h"
#include "motion/metrics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 40, M = 31 };
typedef double joints[AMI_BODIES][3];

static void near(double found, double expected, const char *what)
{
    if (!(fabs(found - expected) <= 1e-12 + 1e-9 * fabs(expected)))
        fail_msg("%s is %.15g, expected %.15g", what, found, expected);
}

static void draw(joints *at, int n, uint64_t seed)
{
    ami_rng rng = ami_rng_seed(seed, 0);
    double *value = &at[0][0][0];
    for (int i = 0; i < n * AMI_BODIES * 3; i++)
        value[i] = ami_rng_normal(&rng);
}

static void a_motion_moved_by_a_vector(void **unused)
{
    (void)unused;
    static joints a[N], b[N];
    ami_metrics m;
    draw(a, N, 1);
    for (int f = 0; f < N; f++)
        for (int j = 0; j < AMI_BODIES; j++)
            for (int k = 0; k < 3; k++)
                b[f][j][k] = a[f][j][k] + (k == 0 ? .3 : k == 1 ? .4 : 0);
    assert_true(ami_metrics_of_joints(N, (const joints *)a, N, (const joints *)b, &m, NULL));
    near(m.e_g_mpjpe, .5, "e_g_mpjpe");
    assert_true(m.e_mpjpe < 1e-12 && m.e_vel < 1e-12 && m.e_acc < 1e-12);
    near(m.dtw, .5, "dtw");
    assert_int_equal(m.frames, N);
}

static void one_that_gets_faster(void **unused)
{
    (void)unused;
    static joints a[N], b[N];
    ami_metrics m;
    for (int f = 0; f < N; f++)
        for (int j = 0; j < AMI_BODIES; j++)
            b[f][j][1] = .01 * f * f; /* differences .01 (2 f + 1), second ones .02 */
    assert_true(ami_metrics_of_joints(N, (const joints *)a, N, (const joints *)b, &m, NULL));
    double place = 0;
    for (int f = 0; f < N; f++)
        place += .01 * f * f / N;
    near(m.e_g_mpjpe, place, "e_g_mpjpe");
    near(m.e_vel, .01 * (N - 1), "e_vel");
    near(m.e_acc, .02, "e_acc");
}

static double gap(const joints a, const joints b)
{
    double sum = 0;
    for (int j = 0; j < AMI_BODIES; j++)
        sum += sqrt(pow(a[j][0] - b[j][0], 2) + pow(a[j][1] - b[j][1], 2) + pow(a[j][2] - b[j][2], 2));
    return sum / AMI_BODIES;
}

/* The whole table, as textbooks have it. */
static double warped(const joints *a, int n, const joints *b, int m)
{
    static double cost[N + 1][M + 1];
    static int length[N + 1][M + 1];
    for (int i = 0; i <= n; i++)
        for (int k = 0; k <= m; k++)
            cost[i][k] = INFINITY;
    cost[0][0] = 0;
    for (int i = 1; i <= n; i++)
        for (int k = 1; k <= m; k++) {
            int from[2] = {i - 1, k - 1};
            if (cost[i - 1][k] < cost[from[0]][from[1]])
                from[0] = i - 1, from[1] = k;
            if (cost[i][k - 1] < cost[from[0]][from[1]])
                from[0] = i, from[1] = k - 1;
            cost[i][k] = cost[from[0]][from[1]] + gap(a[i - 1], b[k - 1]);
            length[i][k] = length[from[0]][from[1]] + 1;
        }
    return cost[n][m] / length[n][m];
}

static void random_motions_against_the_definitions(void **unused)
{
    (void)unused;
    static joints a[N], b[M];
    ami_metrics m;
    draw(a, N, 2);
    draw(b, M, 3);
    assert_true(ami_metrics_of_joints(N, (const joints *)a, M, (const joints *)b, &m, NULL));
    assert_int_equal(m.frames, M);
    double e_g = 0, e = 0, vel = 0, acc = 0;
    for (int f = 0; f < M; f++) {
        e_g += gap(a[f], b[f]) / M;
        for (int j = 0; j < AMI_BODIES; j++) {
            double d[3][3];
            for (int k = 0; k < 3; k++) {
                d[0][k] = (a[f][j][k] - a[f][0][k]) - (b[f][j][k] - b[f][0][k]);
                d[1][k] = f + 1 < M ? (a[f + 1][j][k] - a[f][j][k]) - (b[f + 1][j][k] - b[f][j][k]) : 0;
                d[2][k] = f + 2 < M ? (a[f + 2][j][k] - 2 * a[f + 1][j][k] + a[f][j][k]) -
                                          (b[f + 2][j][k] - 2 * b[f + 1][j][k] + b[f][j][k])
                                    : 0;
            }
            e += sqrt(d[0][0] * d[0][0] + d[0][1] * d[0][1] + d[0][2] * d[0][2]) / M / AMI_BODIES;
            vel += sqrt(d[1][0] * d[1][0] + d[1][1] * d[1][1] + d[1][2] * d[1][2]) / (M - 1) / AMI_BODIES;
            acc += sqrt(d[2][0] * d[2][0] + d[2][1] * d[2][1] + d[2][2] * d[2][2]) / (M - 2) / AMI_BODIES;
        }
    }
    near(m.e_g_mpjpe, e_g, "e_g_mpjpe");
    near(m.e_mpjpe, e, "e_mpjpe");
    near(m.e_vel, vel, "e_vel");
    near(m.e_acc, acc, "e_acc");
    near(m.dtw, warped((const joints *)a, N, (const joints *)b, M), "dtw");
}

/* Frame by frame it is the same, but for the first frame's velocity. */
static void frame_by_frame_is_the_same(void **unused)
{
    (void)unused;
    static joints a[N], b[N];
    ami_metrics m;
    draw(a, N, 5);
    draw(b, N, 6);
    ami_tracking t = {0};
    double worst = 0;
    for (int f = 0; f < N; f++) {
        ami_tracking_add(&t, (const double(*)[3])a[f], (const double(*)[3])b[f]);
        worst = fmax(worst, gap((const double(*)[3])a[f], (const double(*)[3])b[f]));
    }
    assert_true(ami_metrics_of_joints(N, (const joints *)a, N, (const joints *)b, &m, NULL));
    assert_int_equal(t.frames, N);
    near(t.g_mpjpe / N, m.e_g_mpjpe, "g_mpjpe");
    near(t.mpjpe / N, m.e_mpjpe, "mpjpe");
    near(t.acc / (N - 2), m.e_acc, "acc");
    near(t.worst, worst, "worst");
    double first = 0;
    for (int j = 0; j < AMI_BODIES; j++) {
        double v[3];
        for (int k = 0; k < 3; k++)
            v[k] = (a[1][j][k] - b[1][j][k]) - (a[0][j][k] - b[0][j][k]);
        first += sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]) / AMI_BODIES;
    }
    near(t.vel, m.e_vel * (N - 1) - first, "vel");
}

/* A clip held back for a while is no other motion to warping. */
static void warping_forgives_time(void **unused)
{
    (void)unused;
    static joints a[M], b[N];
    ami_metrics m;
    draw(a, M, 4);
    for (int f = 0; f < N; f++)
        memcpy(b[f], a[f < 5 ? 0 : f - 5 < M ? f - 5 : M - 1], sizeof b[f]);
    assert_true(ami_metrics_of_joints(M, (const joints *)a, N, (const joints *)b, &m, NULL));
    assert_true(m.dtw < 1e-12 && m.e_g_mpjpe > .5);
}

static void quality_of_a_body_that_stands_and_slides(void **unused)
{
    (void)unused;
    enum { FRAMES = 31 };
    ami_error err = {""};
    double time[FRAMES], pose[FRAMES][AMI_POSE] = {{0}};
    for (int f = 0; f < FRAMES; f++) {
        time[f] = f / 30.;
        pose[f][0] = .4 * time[f];
        pose[f][2] = .421546 + .40987 + .05 - .01; /* the soles 1 cm in the floor */
        pose[f][3] = pose[f][4] = sqrt(.5);
        for (int j = 0; j < AMI_CLIP_JOINTS; j++)
            if (ami_clip_joints[j].ball)
                pose[f][ami_clip_joints[j].pose] = 1;
    }
    ami_clip *clip = ami_clip_create(FRAMES, time, pose[0], false, "slide", &err);
    assert_non_null(clip);
    ami_quality q;
    assert_true(ami_quality_of_clip(clip, &q, &err));
    assert_true(fabs(q.foot_skate - .4) < 1e-6 && fabs(q.penetration - .01) < 1e-6 && q.jerk < 1e-6);
    ami_metrics m;
    assert_true(ami_metrics_of_clips(clip, clip, &m, &err) && m.e_g_mpjpe == 0 && m.dtw == 0 &&
                m.frames == 31);
    ami_clip_destroy(clip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_motion_moved_by_a_vector),
        cmocka_unit_test(one_that_gets_faster),
        cmocka_unit_test(random_motions_against_the_definitions),
        cmocka_unit_test(frame_by_frame_is_the_same),
        cmocka_unit_test(warping_forgives_time),
        cmocka_unit_test(quality_of_a_body_that_stands_and_slides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
