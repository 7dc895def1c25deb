/* amble/character.h as a host uses it: linked against the shared library alone. */
#include <amble/character.h>

#include "tests/allocations.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { BODIES = 15 };

static amb_model_set *set;
static int asserted;

static void count_assertion(void *context, const char *condition, const char *function)
{
    (void)context;
    assert_non_null(condition);
    assert_non_null(function);
    asserted++;
}

#define ok(call)                                                                \
    do {                                                                        \
        if ((call) != AMB_OK)                                                   \
            fail_msg("%s: %s (line %d)", #call, amb_error_message(), __LINE__); \
    } while (0)

static void expect_sentence(const char *part)
{
    if (!strstr(amb_error_message(), part))
        fail_msg("\"%s\" is not in the sentence \"%s\"", part, amb_error_message());
}

static int load_set(void **state)
{
    (void)state;
    if (amb_model_set_load(NULL, &set) == AMB_OK)
        return 0;
    fprintf(stderr, "%s\n", amb_error_message());
    return -1;
}

static int free_set(void **state)
{
    (void)state;
    amb_model_set_destroy(set);
    return 0;
}

static amb_character *make(amb_space space, uint64_t seed)
{
    amb_character_def def;
    amb_character *character;
    amb_character_def_init(&def);
    def.space = space;
    def.seed = seed;
    ok(amb_character_create(set, &def, &character));
    return character;
}

static amb_request request_of(const char *style, double heading, double speed)
{
    amb_request request;
    amb_request_init(&request);
    request.style = style;
    request.heading = heading;
    request.speed = speed;
    return request;
}

static void ask(amb_character *character, const char *style, double heading, double speed)
{
    const amb_request request = request_of(style, heading, speed);
    ok(amb_character_request(character, &request));
}

static void run(amb_character *character, double seconds)
{
    for (int i = 0; i < (int)(60 * seconds + .5); i++)
        ok(amb_character_advance(character, 1. / 60));
}

static amb_character_state state_of(const amb_character *character)
{
    amb_character_state state = {.size = sizeof state};
    ok(amb_character_get_state(character, &state));
    return state;
}

/* Time of the next event of a type, -1: it is not in the queue. Takes what stands before it, too. */
static double time_of(amb_character *character, amb_event_type type)
{
    for (amb_event event = {.size = sizeof event}; amb_character_poll(character, &event);)
        if (event.type == type)
            return event.time;
    return -1;
}

static uint32_t random_state = 1;
static double uniform(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) / 16777216.;
}

/* ---- time ---- */

static void a_second_at(amb_character *character, int frames)
{
    double left = 1;
    for (int i = 0; i < 200 && frames == 0 && left > 0; i++) { /* irregular frames, up to .1 s long */
        const double dt = fmin(left, i < 199 ? .1 * uniform() * uniform() : left);
        ok(amb_character_advance(character, dt));
        left -= dt;
    }
    for (int i = 0; i < frames; i++)
        ok(amb_character_advance(character, 1. / frames));
}

static void every_frame_rate_gives_the_same_motion(void **state)
{
    (void)state;
    static const int rates[] = {60, 30, 144, 1000, 1, 7, 0, 0, 0};
    uint64_t expected[6];
    amb_transform reference[BODIES], pose[BODIES];
    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
        amb_character *character = make(AMB_SPACE_MUJOCO, 5);
        for (int second = 0; second < 6; second++) {
            if (second == 1)
                ask(character, "jog", .7, NAN);
            if (second == 3)
                ok(amb_character_push(character, (double[3]){.3, .6, 0}));
            a_second_at(character, rates[r]);
            if (r == 0)
                expected[second] = amb_character_hash(character);
            assert_int_equal(amb_character_hash(character), expected[second]);
        }
        ok(amb_character_pose(character, -.01, r == 0 ? reference : pose, NULL));
        for (int b = 0; b < BODIES && r > 0; b++)
            for (int k = 0; k < 3; k++)
                assert_true(fabs(pose[b].position[k] - reference[b].position[k]) < 1e-9);
        assert_true(fabs(state_of(character).time - 6) < 1e-12);
        amb_character_destroy(character);
    }
}

/* Frames much shorter than a step: no body jumps, and steps join without a seam. */
static void poses_are_continuous(void **state)
{
    (void)state;
    amb_character *character = make(AMB_SPACE_GODOT, 1);
    ask(character, "run", NAN, NAN);
    run(character, 5);
    amb_transform before[BODIES], now[BODIES], seam[2][BODIES];
    double fastest = 0;
    int seams = 0;
    ok(amb_character_pose(character, 0, before, NULL));
    for (int i = 0; i < 1000; i++) {
        ok(amb_character_pose(character, 1, seam[0], NULL)); /* the newest step's end */
        const uint64_t hash = amb_character_hash(character);
        ok(amb_character_advance(character, 1. / 1000));
        ok(amb_character_pose(character, 0, now, NULL));
        if (amb_character_hash(character) != hash) {
            ok(amb_character_pose(character, -1, seam[1], NULL)); /* the next one's beginning */
            seams++;
            for (int b = 0; b < BODIES; b++)
                for (int k = 0; k < 4; k++)
                    assert_true(fabs(fabs(seam[0][b].rotation[k]) - fabs(seam[1][b].rotation[k])) < 1e-12 &&
                                (k == 3 || fabs(seam[0][b].position[k] - seam[1][b].position[k]) < 1e-12));
        }
        for (int b = 0; b < BODIES; b++) {
            double moved = 0, dot = 0;
            for (int k = 0; k < 3; k++)
                moved += pow(now[b].position[k] - before[b].position[k], 2);
            for (int k = 0; k < 4; k++)
                dot += now[b].rotation[k] * before[b].rotation[k];
            fastest = fmax(fastest, sqrt(moved) * 1000);
            assert_true(fabs(dot) > cos(.5 * .04)); /* 40 rad/s */
        }
        memcpy(before, now, sizeof before);
    }
    assert_int_equal(seams, 30);
    assert_true(fastest > 4 && fastest < 15); /* m/s: a runner's foot */
    amb_character_destroy(character);
}

/* ---- spaces ---- */

/* Written down by hand: columns are where amble's x (forward), y (left), z (up) point in the host. */
static const struct {
    amb_space space;
    double m[3][3], unit, det;
} hosts[] = {
    {AMB_SPACE_MUJOCO, {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, 1, 1},
    {AMB_SPACE_UNITY, {{0, -1, 0}, {0, 0, 1}, {1, 0, 0}}, 1, -1},
    {AMB_SPACE_UNREAL, {{1, 0, 0}, {0, -1, 0}, {0, 0, 1}}, 100, -1},
    {AMB_SPACE_GODOT, {{0, -1, 0}, {0, 0, 1}, {-1, 0, 0}}, 1, 1},
    {AMB_SPACE_BLENDER, {{0, 1, 0}, {-1, 0, 0}, {0, 0, 1}}, 1, 1},
};
enum { HOSTS = sizeof hosts / sizeof *hosts };

typedef double matrix[3][3];

static void matrix_of(const double q[4], matrix m)
{
    const double w = q[0], x = q[1], y = q[2], z = q[3];
    const matrix out = {{1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)},
                        {2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)},
                        {2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)}};
    memcpy(m, out, sizeof out);
}

static void times(const double a[3][3], const double b[3][3], bool transposed, matrix out)
{
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            out[i][j] = 0;
            for (int k = 0; k < 3; k++)
                out[i][j] += a[i][k] * (transposed ? b[j][k] : b[k][j]);
        }
}

static double determinant(const double m[3][3])
{
    return m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
           m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
           m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
}

static void expect_matrix(const double q[4], const double expected[3][3])
{
    matrix m;
    matrix_of(q, m);
    assert_true(fabs(determinant((const double(*)[3])m) - 1) < 1e-12);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            if (fabs(m[i][j] - expected[i][j]) > 1e-12)
                fail_msg("element %d %d of a rotation is %g, expected %g", i, j, m[i][j], expected[i][j]);
}

static void transforms_are_those_of_the_host(void **state)
{
    (void)state;
    static const matrix rest = {
        {1, 0, 0}, {0, 0, -1}, {0, 1, 0}}; /* amble's bodies: x forward, y up, z right */
    amb_character *character = make(AMB_SPACE_MUJOCO, 3);
    ask(character, "zombie", 2.1, NAN);
    run(character, 4);
    amb_transform own[BODIES], world[BODIES], local[BODIES];
    ok(amb_character_pose(character, 0, own, NULL));
    for (size_t h = 0; h < HOSTS; h++) {
        const double(*m)[3] = hosts[h].m;
        assert_true(determinant(m) == hosts[h].det);
        ok(amb_character_pose_in(character, hosts[h].space, 0, world, local));
        for (int b = 0; b < BODIES; b++) {
            matrix r, turned, left, expected;
            for (int i = 0; i < 3; i++) {
                const double p = m[i][0] * own[b].position[0] + m[i][1] * own[b].position[1] +
                                 m[i][2] * own[b].position[2];
                assert_true(fabs(world[b].position[i] - hosts[h].unit * p) < 1e-9);
            }
            matrix_of(own[b].rotation, r);
            if (hosts[h].space == AMB_SPACE_MUJOCO)
                memcpy(turned, r, sizeof r);
            else
                times((const double(*)[3])r, rest, true, turned); /* R · restᵀ */
            times(m, (const double(*)[3])turned, false, left);
            times((const double(*)[3])left, m, true, expected); /* M R restᵀ Mᵀ */
            expect_matrix(world[b].rotation, (const double(*)[3])expected);

            const int parent = amb_character_body_parent(character, b);
            assert_true(parent < b);
            if (parent < 0) {
                assert_memory_equal(&local[b], &world[b], sizeof world[b]);
                continue;
            }
            matrix p, l;
            matrix_of(world[parent].rotation, p);
            matrix_of(local[b].rotation, l);
            times((const double(*)[3])p, (const double(*)[3])l, false, r);
            expect_matrix(world[b].rotation, (const double(*)[3])r);
            for (int i = 0; i < 3; i++) {
                double at = world[parent].position[i];
                for (int k = 0; k < 3; k++)
                    at += p[i][k] * local[b].position[k];
                assert_true(fabs(at - world[b].position[i]) < 1e-9);
            }
        }
    }
    assert_int_equal(amb_character_pose_in(character, AMB_SPACE_CUSTOM, 0, world, NULL), AMB_ERROR_ARGUMENT);
    amb_character_destroy(character);
}

static void rest_is_upright_with_the_hosts_axes(void **state)
{
    (void)state;
    static const double identity[4] = {1, 0, 0, 0};
    for (size_t h = 0; h < HOSTS; h++) {
        amb_character *character = make(hosts[h].space, 0);
        assert_int_equal(amb_character_bodies(character), BODIES);
        amb_transform world[BODIES], local[BODIES];
        ok(amb_character_rest(character, world, local));
        const int head = amb_character_find_body(character, "neck"),
                  hand = amb_character_find_body(character, "left_wrist"),
                  foot = amb_character_find_body(character, "left_ankle");
        double up[3] = {0}, left[3] = {0};
        for (int i = 0; i < 3; i++) {
            for (int k = 0; k < 3; k++) {
                up[k] += hosts[h].m[i][2] * (k == 0   ? world[head].position[i]
                                             : k == 1 ? world[hand].position[i]
                                                      : world[foot].position[i]);
            }
            left[0] += hosts[h].m[i][1] * world[hand].position[i];
        }
        const double unit = hosts[h].unit;
        assert_true(up[0] > 1.2 * unit && up[0] < 1.5 * unit);   /* the head is high, */
        assert_true(up[1] > .5 * unit && up[1] < 1.0 * unit);    /* the arms hang, */
        assert_true(up[2] > 0 && up[2] < .1 * unit);             /* the feet stand on the floor, */
        assert_true(left[0] > .1 * unit && left[0] < .4 * unit); /* and the left hand is on the left */
        if (hosts[h].space != AMB_SPACE_MUJOCO)
            for (int b = 0; b < BODIES; b++)
                for (int k = 0; k < 4; k++)
                    assert_true(fabs(world[b].rotation[k] - identity[k]) < 1e-12 &&
                                fabs(local[b].rotation[k] - identity[k]) < 1e-12);
        amb_character_destroy(character);
    }
}

/* +90 degrees of heading lead where the host's own rotation about its up axis leads: by hand for each. */
static void headings_and_pushes_are_the_hosts(void **state)
{
    (void)state;
    static const double quarter[HOSTS][3] = {{0, 1, 0}, {1, 0, 0}, {0, 1, 0}, {-1, 0, 0}, {1, 0, 0}};
    for (size_t h = 0; h < HOSTS; h++) {
        amb_character *character = make(hosts[h].space, 2);
        amb_character_state before = state_of(character);
        ok(amb_character_push(character, (double[3]){.25 * hosts[h].unit, 0, 0}));
        amb_character_state after = state_of(character);
        assert_true(fabs(after.velocity[0] - before.velocity[0] - .25 * hosts[h].unit) <
                    1e-9 * hosts[h].unit);
        assert_true(fabs(after.velocity[1] - before.velocity[1]) < 1e-9 * hosts[h].unit);
        assert_true(fabs(after.velocity[2] - before.velocity[2]) < 1e-9 * hosts[h].unit);
        ask(character, NULL, .5 * 3.14159265358979, NAN);
        run(character, 8);
        amb_transform from[BODIES], to[BODIES];
        ok(amb_character_pose(character, 0, from, NULL));
        double heading = 0;
        for (int i = 0; i < 240; i++) {
            ok(amb_character_advance(character, 1. / 60));
            heading += state_of(character).heading / 240;
        }
        ok(amb_character_pose(character, 0, to, NULL));
        double way = 0, along = 0;
        for (int k = 0; k < 3; k++) {
            const double d = (to[0].position[k] - from[0].position[k]) / hosts[h].unit;
            way += d * d;
            along += d * quarter[h][k];
        }
        assert_true(sqrt(way) > 2 && along > .97 * sqrt(way));
        assert_true(fabs(heading - 1.57) < .2);
        amb_character_destroy(character);
    }
}

static void begins_where_it_is_put(void **state)
{
    (void)state;
    amb_character_def def;
    amb_character *character;
    amb_transform world[BODIES];
    amb_character_def_init(&def);
    def.space = AMB_SPACE_UNREAL;
    def.position[0] = 400;
    def.position[1] = -250;
    def.heading = -2;
    ok(amb_character_create(set, &def, &character));
    ok(amb_character_pose(character, 0, world, NULL));
    assert_true(fabs(world[0].position[0] - 400) < 1e-6 && fabs(world[0].position[1] + 250) < 1e-6);
    assert_true(world[0].position[2] > 60 && world[0].position[2] < 110);
    assert_true(fabs(state_of(character).heading + 2) < .3);
    amb_character_destroy(character);

    /* A host with its own axes: right-handed, y up, x forward, millimetres. */
    def.space = AMB_SPACE_CUSTOM;
    def.axes = (amb_axes){1, -3, 2, 1000};
    def.position[0] = 3000;
    def.position[1] = 0;
    def.position[2] = 1000;
    ok(amb_character_create(set, &def, &character));
    ok(amb_character_pose(character, 0, world, NULL));
    assert_true(fabs(world[0].position[0] - 3000) < 1e-6 && fabs(world[0].position[2] - 1000) < 1e-6);
    assert_true(world[0].position[1] > 600 && world[0].position[1] < 1100);
    amb_character_destroy(character);
}

/* ---- commands and events ---- */

/* m/s in the mean of the coming seconds, and where it leads, rad, of a character in amble's own axes. */
static double speed_over(amb_character *character, double seconds, double *direction)
{
    amb_transform from[BODIES], to[BODIES];
    ok(amb_character_pose(character, 0, from, NULL));
    run(character, seconds);
    ok(amb_character_pose(character, 0, to, NULL));
    const double x = to[0].position[0] - from[0].position[0], y = to[0].position[1] - from[0].position[1];
    *direction = atan2(y, x);
    return hypot(x, y) / seconds;
}

static void a_push_makes_it_fall_and_it_is_lifted(void **state)
{
    (void)state;
    amb_character_def def;
    amb_character *character;
    amb_character_def_init(&def);
    def.space = AMB_SPACE_UNITY;
    def.seed = 1;
    def.recover = 0;
    ok(amb_character_create(set, &def, &character));
    run(character, 2);
    assert_false(state_of(character).down);
    ok(amb_character_push(character, (double[3]){4, 0, 3}));
    run(character, 1.4);
    assert_true(state_of(character).down);
    run(character, 2);
    assert_false(state_of(character).down);
    const double fell = time_of(character, AMB_EVENT_FELL), lifted = time_of(character, AMB_EVENT_LIFTED);
    assert_true(fell > 2 && fell < 3.4);
    assert_true(lifted > fell && fabs(lifted - fell - 1.5) < .05);
    amb_character_destroy(character);

    amb_character_def_init(&def); /* a time of one's own takes the place of getting up, too */
    def.get_up_s = -1;
    ok(amb_character_create(set, &def, &character));
    ok(amb_character_push(character, (double[3]){4, 3, 0}));
    run(character, 5);
    assert_true(state_of(character).down);
    amb_character_lift(character);
    assert_false(state_of(character).down);
    amb_character_lift(character); /* nothing to do */
    assert_true(time_of(character, AMB_EVENT_FELL) > 0);
    assert_true(fabs(time_of(character, AMB_EVENT_LIFTED) - 5) < .001);
    assert_true(time_of(character, AMB_EVENT_LIFTED) < 0);
    amb_character_destroy(character);
}

/* A walker is knocked onto its face and asked to jog while it lies. */
static void with_recover_it_stands_up_by_itself(void **state)
{
    (void)state;
    amb_character_def def;
    amb_character *character, *twin;
    amb_character_def_init(&def);
    assert_int_equal(def.recover, 2); /* if it can */
    def.recover = 1;
    if (amb_character_create(set, &def, &character) == AMB_ERROR_NOT_FOUND) {
        expect_sentence("recover: characters cannot get up by themselves: getup_face");
        assert_null(character);
        skip_because("the actors getup_facedown and getup_faceup are not installed, or their motions");
    }
    def.recover = 2;
    ok(amb_character_create(set, &def, &twin));
    run(character, 2);
    ok(amb_character_push(character, (double[3]){4, 0, 0}));
    run(character, 1);
    ask(character, "jog", NAN, NAN);
    assert_true(state_of(character).down && !state_of(character).settled);
    const size_t size = amb_character_save_size(character);
    char *saved = malloc(size);
    assert_non_null(saved);
    run(character, 1.5); /* rising */
    ok(amb_character_save(character, saved, size));
    ok(amb_character_restore(twin, saved, size));
    run(character, 15);
    run(twin, 15);
    assert_int_equal(amb_character_hash(character), amb_character_hash(twin));
    assert_false(state_of(character).down);
    assert_string_equal(state_of(character).style, "jog");

    static const amb_event_type order[] = {AMB_EVENT_FELL, AMB_EVENT_RISING, AMB_EVENT_STOOD_UP,
                                           AMB_EVENT_REACHED};
    amb_event event = {.size = sizeof event};
    double time = 2;
    for (int i = 0; i < 4; i++) {
        do
            assert_true(amb_character_poll(character, &event));
        while (i == 2 && event.type == AMB_EVENT_RISING); /* a second attempt */
        assert_int_equal(event.type, order[i]);
        assert_true(event.time > time && event.time < 12);
        time = event.time;
    }
    assert_false(amb_character_poll(character, &event));
    def.recover = 0; /* it could not go on from there */
    amb_character_destroy(twin);
    ok(amb_character_create(set, &def, &twin));
    assert_int_equal(amb_character_restore(twin, saved, size), AMB_ERROR_ARGUMENT);
    expect_sentence("not valid");
    amb_character_destroy(twin);
    amb_character_destroy(character);
    free(saved);
}

static void what_flies_apart_begins_anew(void **state)
{
    (void)state;
    amb_character *character = make(AMB_SPACE_UNREAL, 1);
    ok(amb_character_push(character, (double[3]){1e12, 0, 1e12}));
    run(character, 3);
    assert_true(time_of(character, AMB_EVENT_RESTARTED) > 0);
    assert_false(state_of(character).down);
    assert_true(isfinite(state_of(character).velocity[0]) && state_of(character).speed < 5);
    amb_character_destroy(character);
}

static void requests_are_reached_and_followed(void **state)
{
    (void)state;
    amb_character *character = make(AMB_SPACE_MUJOCO, 1);
    assert_string_equal(state_of(character).style, "walk");
    ask(character, "walk:0.8,jog:0.2", -1.2, 1.3);
    assert_string_equal(state_of(character).style, "walk:0.8,jog:0.2");
    assert_false(state_of(character).settled);
    run(character, 8);
    assert_true(state_of(character).settled);
    assert_true(time_of(character, AMB_EVENT_REACHED) > .5);
    assert_true(time_of(character, AMB_EVENT_REACHED) < 0); /* once */
    double direction;
    assert_true(fabs(speed_over(character, 5, &direction) - 1.3) < .15);
    assert_true(fabs(direction + 1.2) < .12);

    amb_request circle;
    amb_request_init(&circle);
    circle.turn = .5;
    ok(amb_character_request(character, &circle));
    double turned = 0, last = state_of(character).heading;
    for (int i = 0; i < 300; i++) {
        ok(amb_character_advance(character, 1. / 60));
        const double heading = state_of(character).heading;
        turned += remainder(heading - last, 2 * 3.14159265358979);
        last = heading;
    }
    assert_true(fabs(turned - 2.5) < .4);
    assert_int_equal(state_of(character).down, false);
    amb_character_destroy(character);
}

static void a_pull_pulls_until_it_is_released(void **state)
{
    (void)state;
    amb_character *character = make(AMB_SPACE_UNREAL, 1);
    const int hand = amb_character_find_body(character, "left_wrist");
    amb_transform world[BODIES];
    run(character, 1);
    double nearest = 1e9, farthest = 0;
    for (int i = 0; i < 60; i++) { /* beside it on its left and high, in cm */
        ok(amb_character_pose(character, 1, world, NULL));
        const double target[3] = {world[0].position[0], world[0].position[1] - 55, 165};
        ok(amb_character_pull(character, hand, (double[3]){0, 0, 0}, target));
        ok(amb_character_advance(character, 1. / 30));
        ok(amb_character_pose(character, 1, world, NULL));
        double gap = 0;
        for (int k = 0; k < 3; k++)
            gap += pow(world[hand].position[k] - target[k], 2);
        nearest = fmin(nearest, sqrt(gap));
        farthest = fmax(farthest, sqrt(gap));
    }
    assert_true(farthest > 80 && nearest < 25); /* the shoulder resists */
    amb_character_release(character);
    run(character, 6); /* on its feet again, or still */
    ok(amb_character_pose(character, 0, world, NULL));
    assert_true(world[hand].position[2] < 140);
    amb_character_destroy(character);
}

static void skills_come_and_go(void **state)
{
    (void)state;
    int backflip = -1;
    for (int i = 0; i < amb_model_set_skills(set); i++)
        if (!strcmp(amb_model_set_skill_name(set, i), "backflip"))
            backflip = i;
    assert_string_equal(amb_model_set_skill_name(set, 0), "locomotion");
    assert_null(amb_model_set_skill_name(set, amb_model_set_skills(set)));
    if (backflip < 0)
        skip_because("there are no clips of the skills");
    amb_character *character = make(AMB_SPACE_MUJOCO, 1);
    amb_request flip;
    amb_request_init(&flip);
    flip.skill = "backflip";
    flip.cycles = 2;
    run(character, 1);
    ok(amb_character_request(character, &flip));
    double highest = 0;
    bool seen = false;
    for (int i = 0; i < 600; i++) {
        amb_transform world[BODIES];
        ok(amb_character_advance(character, 1. / 60));
        ok(amb_character_pose(character, 0, world, NULL));
        seen = seen || !strcmp(state_of(character).skill, "backflip");
        highest = fmax(highest, world[0].position[2]);
    }
    assert_true(seen);
    assert_true(highest > 1.1); /* it left the ground */
    assert_string_equal(state_of(character).skill, "locomotion");
    const double reached = time_of(character, AMB_EVENT_REACHED),
                 ended = time_of(character, AMB_EVENT_SKILL_ENDED);
    assert_true(reached > 0 && ended > reached + 2 && ended < reached + 6);
    amb_character_destroy(character);
}

/* A set of one's own, without styles: a clip's actor turns and changes its pace, too. */
static void skills_do_without_styles(void **state)
{
    (void)state;
    if (amb_model_set_skills(set) < 3)
        skip_because("there are no clips of the skills");
    amb_model_set_def def;
    amb_model_set *skills;
    amb_character *character;
    amb_model_set_def_init(&def);
    def.locomotion = "";
    def.skills = (const char *const[]){"assets/models/walk.onnx", "run"};
    def.skill_count = 2;
    ok(amb_model_set_load(&def, &skills));
    assert_int_equal(amb_model_set_styles(skills), 0);
    assert_null(amb_model_set_style_name(skills, 0));
    assert_int_equal(amb_model_set_skills(skills), 2);
    assert_string_equal(amb_model_set_skill_name(skills, 1), "run");
    ok(amb_character_create(skills, NULL, &character));
    assert_string_equal(state_of(character).skill, "walk");
    assert_string_equal(state_of(character).style, "");
    run(character, 3);
    double direction;
    const double own = speed_over(character, 5, &direction);
    assert_true(fabs(direction) < .1);
    ask(character, NULL, 1.2, 1.15 * own);
    run(character, 5);
    assert_true(fabs(speed_over(character, 5, &direction) - 1.15 * own) < .06 * own);
    assert_true(fabs(direction - 1.2) < .1);
    assert_true(time_of(character, AMB_EVENT_REACHED) > 0);
    amb_request request = request_of("walk", NAN, NAN);
    assert_int_equal(amb_character_request(character, &request), AMB_ERROR_NOT_FOUND);
    expect_sentence("no styles");
    request = request_of(NULL, NAN, 0);
    request.skill = "run";
    ok(amb_character_request(character, &request));
    run(character, 5);
    assert_string_equal(state_of(character).skill, "run");
    assert_true(state_of(character).speed > 2);
    assert_true(time_of(character, AMB_EVENT_FELL) < 0);
    amb_character_destroy(character);
    amb_model_set_destroy(skills);
}

static void the_queue_keeps_the_newest_events(void **state)
{
    (void)state;
    amb_character *character = make(AMB_SPACE_MUJOCO, 1);
    run(character, 1);
    for (int i = 0; i < AMB_MAX_EVENTS + 6; i++) { /* each is reached in the next step */
        ask(character, NULL, NAN, NAN);
        ok(amb_character_advance(character, 1. / 30));
    }
    int count = 0;
    for (amb_event event = {.size = sizeof event}; amb_character_poll(character, &event); count++) {
        assert_int_equal(event.type, AMB_EVENT_REACHED);
        assert_true(fabs(event.time - (31 + 6 + count) / 30.) < 1e-9);
    }
    assert_int_equal(count, AMB_MAX_EVENTS);
    amb_character_destroy(character);
}

/* ---- replays ---- */

/* A second of a script that does everything. */
static void play(amb_character *character, int second)
{
    amb_request skill;
    amb_request_init(&skill);
    skill.skill = amb_model_set_skill_name(set, amb_model_set_skills(set) - 1);
    static const double point[3] = {0, .1, 0}, target[3] = {0, 2, 1.6};
    switch (second % 8) {
    case 0:
        ask(character, "jog:0.3,walk:0.7", 1, NAN);
        break;
    case 1:
        ok(amb_character_push(character, (double[3]){.2, .5, 0}));
        break;
    case 2:
        ask(character, "zombie", NAN, .9);
        break;
    case 3:
        ok(amb_character_pull(character, 7, point, target));
        break;
    case 4:
        amb_character_release(character);
        ok(amb_character_push(character, (double[3]){-4, -3, 0}));
        break;
    case 6:
        ok(amb_character_request(character, &skill));
        break;
    default:
        break;
    }
    for (int i = 0; i < 50; i++)
        ok(amb_character_advance(character, 1. / 50));
}

static void what_follows_a_restore_is_what_followed_the_save(void **state)
{
    (void)state;
    amb_character *character = make(AMB_SPACE_UNITY, 4), *other = make(AMB_SPACE_BLENDER, 77);
    const size_t size = amb_character_save_size(character);
    char *saved = malloc(size), *end = malloc(size), *again = malloc(size);
    assert_true(saved && end && again);
    play(other, 1); /* it is anywhere */
    for (int from = 0; from < 9; from++) {
        ok(amb_character_advance(character, .007)); /* in the middle of a step */
        ok(amb_character_save(character, saved, size));
        const uint64_t hash = amb_character_hash(character);
        for (int s = 0; s < 4; s++)
            play(character, from + s);
        ok(amb_character_save(character, end, size));
        assert_true(amb_character_hash(character) != hash);
        amb_character *const both[2] = {character, other};
        for (int k = 0; k < 2; k++) {
            ok(amb_character_restore(both[k], saved, size));
            assert_int_equal(amb_character_hash(both[k]), hash);
            ok(amb_character_save(both[k], again, size));
            assert_memory_equal(saved, again, size);
        }
        for (int s = 0; s < 4; s++)
            play(character, from + s);
        ok(amb_character_save(character, again, size));
        assert_memory_equal(end, again, size);
        ok(amb_character_restore(character, saved, size));
        play(character, from);
    }
    amb_character_destroy(character);
    amb_character_destroy(other);
    free(saved);
    free(end);
    free(again);
}

static void damaged_and_foreign_states_are_refused(void **state)
{
    (void)state;
    amb_character *character = make(AMB_SPACE_UNITY, 4);
    const size_t size = amb_character_save_size(character);
    char *saved = malloc(size), *bad = malloc(size);
    assert_true(saved && bad);
    run(character, 1);
    ok(amb_character_save(character, saved, size));
    const uint64_t hash = amb_character_hash(character);
    for (size_t at = 0; at < size; at += 1 + size / 97) {
        memcpy(bad, saved, size);
        bad[at] ^= 0x41;
        assert_int_equal(amb_character_restore(character, bad, size), AMB_ERROR_ARGUMENT);
        assert_int_equal(amb_character_hash(character), hash);
    }
    assert_int_equal(amb_character_restore(character, saved, size - 1), AMB_ERROR_ARGUMENT);
    expect_sentence("cut off");
    assert_int_equal(amb_character_restore(character, saved, 3), AMB_ERROR_ARGUMENT);
    assert_int_equal(amb_character_restore(character, NULL, size), AMB_ERROR_ARGUMENT);
    memset(bad, 'x', size);
    assert_int_equal(amb_character_restore(character, bad, size), AMB_ERROR_ARGUMENT);
    expect_sentence("not a saved character");
    assert_int_equal(amb_character_save(character, bad, size - 1), AMB_ERROR_ARGUMENT);
    assert_int_equal(bad[0], 'x');

    amb_model_set_def def;
    amb_model_set *less;
    amb_character *stranger;
    amb_model_set_def_init(&def);
    def.skills = (const char *const[]){NULL};
    ok(amb_model_set_load(&def, &less));
    assert_int_equal(amb_model_set_skills(less), 1);
    ok(amb_character_create(less, NULL, &stranger));
    if (amb_model_set_skills(set) > 1) {
        assert_int_equal(amb_character_restore(stranger, saved, size), AMB_ERROR_ARGUMENT);
        expect_sentence("a model set other than");
    } else { /* without clips it is the same set, loaded twice */
        ok(amb_character_restore(stranger, saved, size));
    }
    amb_character_destroy(stranger);
    amb_model_set_destroy(less);
    amb_character_destroy(character);
    free(saved);
    free(bad);
}

/* ---- crowds ---- */

enum { CROWD = 21 };

static void make_crowd(amb_character **crowd)
{
    for (int i = 0; i < CROWD; i++)
        crowd[i] = make(AMB_SPACE_MUJOCO, (uint64_t)i);
}

/* What character i does in a second. */
static void direct(amb_character *character, int i, int second)
{
    amb_request skill;
    amb_request_init(&skill);
    skill.skill = amb_model_set_skill_name(set, i % amb_model_set_skills(set));
    if (second == 1)
        ask(character, amb_model_set_style_name(set, i % amb_model_set_styles(set)), .3 * i, NAN);
    if (second == 2 && i % 5 == 0)
        ok(amb_character_push(character, (double[3]){3, 3, 0}));
    if (second == 3 && i % 7 == 0)
        ok(amb_character_request(character, &skill));
    if (second == 3 && i % 3 == 0)
        ok(amb_character_advance(character, .01)); /* its steps fall due at other times */
}

static void backwards(void *context, int count, void (*task)(int index, void *argument), void *argument)
{
    ++*(int *)context;
    for (int i = count; i-- > 0;)
        task(i, argument);
}

static void a_crowd_is_many_single_characters(void **state)
{
    (void)state;
    int calls = 0;
    const amb_parallel ways[] = {
        {.threads = 1}, {.threads = 3}, {.threads = 0}, {.run = backwards, .context = &calls}};
    amb_character *crowd[CROWD];
    uint64_t expected[CROWD];
    make_crowd(crowd);
    for (int second = 0; second < 5; second++)
        for (int i = 0; i < CROWD; i++) {
            direct(crowd[i], i, second);
            for (int frame = 0; frame < 40; frame++)
                ok(amb_character_advance(crowd[i], 1. / 40));
        }
    for (int i = 0; i < CROWD; i++) {
        expected[i] = amb_character_hash(crowd[i]);
        amb_character_destroy(crowd[i]);
        for (int k = 0; k < i; k++)
            assert_true(expected[k] != expected[i]);
    }
    for (int w = 0; w < 5; w++) {
        make_crowd(crowd);
        for (int second = 0; second < 5; second++) {
            for (int i = 0; i < CROWD; i++)
                direct(crowd[i], i, second);
            for (int frame = 0; frame < 40; frame++)
                ok(amb_characters_advance(crowd, CROWD, 1. / 40, w < 4 ? &ways[w] : NULL));
        }
        for (int i = 0; i < CROWD; i++) {
            assert_int_equal(amb_character_hash(crowd[i]), expected[i]);
            amb_character_destroy(crowd[i]);
        }
    }
    assert_int_equal(calls, 200);
}

/* ---- memory ---- */

static void nothing_allocates_after_creation(void **state)
{
    (void)state;
    amb_character *crowd[10];
    amb_transform world[BODIES], local[BODIES];
    for (int i = 0; i < 10; i++)
        crowd[i] = make(AMB_SPACE_UNITY, (uint64_t)i);
    const size_t size = amb_character_save_size(crowd[0]);
    char *saved = malloc(size);
    assert_non_null(saved);
    const long before = asked;
    for (int second = 0; second < 9; second++) {
        play(crowd[0], second);
        ok(amb_character_save(crowd[0], saved, size));
        ok(amb_character_restore(crowd[1], saved, size));
        for (int frame = 0; frame < 30; frame++)
            ok(amb_characters_advance(crowd, 10, 1. / 30, NULL));
        ok(amb_character_pose(crowd[second], 0, world, local));
        ok(amb_character_rest(crowd[second], world, local));
        (void)state_of(crowd[second]);
        (void)time_of(crowd[second], AMB_EVENT_STOOD_UP);
        amb_character_lift(crowd[0]);
    }
    assert_int_equal(asked, before);
    free(saved);
    for (int i = 0; i < 10; i++)
        amb_character_destroy(crowd[i]);
}

static void short_memory_is_an_error(void **state)
{
    (void)state;
    amb_character *character = make(AMB_SPACE_MUJOCO, 0);
    const long before = asked;
    amb_character_destroy(character);
    character = make(AMB_SPACE_MUJOCO, 0);
    const long needed = asked - before;
    amb_character_destroy(character);
    if (needed == 0)
        skip_because("a sanitizer has its own malloc");
    for (long k = 0; k < needed; k++) {
        refused_call = asked + k;
        const amb_result result = amb_character_create(set, NULL, &character);
        refused_call = -1;
        if (result == AMB_OK) { /* calloc of the C library's own goes past the counter */
            amb_character_destroy(character);
            continue;
        }
        assert_int_equal(result, AMB_ERROR_MEMORY);
        assert_null(character);
    }
}

/* ---- mistakes ---- */

static void expect_refused(amb_character *character, amb_request request, amb_result result,
                           const char *sentence)
{
    const uint64_t hash = amb_character_hash(character);
    const amb_character_state before = state_of(character);
    assert_int_equal(amb_character_request(character, &request), result);
    expect_sentence(sentence);
    assert_string_equal(state_of(character).skill, before.skill);
    assert_string_equal(state_of(character).style, before.style);
    assert_int_equal(amb_character_hash(character), hash);
}

static void bad_values_are_refused_in_sentences(void **state)
{
    (void)state;
    amb_character *character = make(AMB_SPACE_MUJOCO, 1), *none = character;
    amb_request r = request_of("moonwalk", NAN, NAN);
    expect_refused(character, r, AMB_ERROR_NOT_FOUND, "moonwalk");
    expect_refused(character, r, AMB_ERROR_NOT_FOUND, "zombie"); /* which there are */
    r = request_of("walk:-1", NAN, NAN);
    expect_refused(character, r, AMB_ERROR_ARGUMENT, "-1");
    r = request_of("walk:0", NAN, NAN);
    expect_refused(character, r, AMB_ERROR_ARGUMENT, "whose weights are all 0");
    r = request_of(NULL, INFINITY, NAN);
    expect_refused(character, r, AMB_ERROR_ARGUMENT, "heading");
    r = request_of(NULL, NAN, 21);
    expect_refused(character, r, AMB_ERROR_ARGUMENT, "the speed is 21 m/s, expected 0");
    r = request_of(NULL, 1, NAN);
    r.turn = 1;
    expect_refused(character, r, AMB_ERROR_ARGUMENT, "a heading and a turn");
    r = request_of(NULL, NAN, NAN);
    r.turn = -11;
    expect_refused(character, r, AMB_ERROR_ARGUMENT, "the turn is -11 rad/s");
    r = request_of("run", NAN, NAN);
    r.skill = "locomotion";
    expect_refused(character, r, AMB_ERROR_ARGUMENT, "expected one of them");
    r = request_of(NULL, NAN, NAN);
    r.skill = "somersault";
    expect_refused(character, r, AMB_ERROR_NOT_FOUND,
                   "there is no skill \"somersault\"; there are locomotion");
    r.skill = "locomotion";
    r.cycles = -1;
    expect_refused(character, r, AMB_ERROR_ARGUMENT, "-1 cycles");
    r.skill = NULL;
    r.cycles = 3;
    expect_refused(character, r, AMB_ERROR_ARGUMENT, "no skill was given");

    const double fine[3] = {0, 0, 0}, bad[3] = {0, NAN, 0};
    assert_int_equal(amb_character_push(character, bad), AMB_ERROR_ARGUMENT);
    assert_int_equal(amb_character_push(character, NULL), AMB_ERROR_ARGUMENT);
    assert_int_equal(amb_character_pull(character, BODIES, fine, fine), AMB_ERROR_ARGUMENT);
    expect_sentence("body 15 is pulled, expected 0 to 14");
    assert_int_equal(amb_character_pull(character, 0, fine, bad), AMB_ERROR_ARGUMENT);
    assert_int_equal(amb_character_pose(character, NAN, NULL, NULL), AMB_ERROR_ARGUMENT);
    const double times_bad[] = {-.1, NAN, INFINITY, 61};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(amb_character_advance(character, times_bad[i]), AMB_ERROR_ARGUMENT);
        expect_sentence("expected 0 to 60");
        assert_int_equal(amb_characters_advance(&none, 1, times_bad[i], NULL), AMB_ERROR_ARGUMENT);
    }
    assert_int_equal(amb_characters_advance(&none, -1, .1, NULL), AMB_ERROR_ARGUMENT);
    assert_true(state_of(character).time == 0);
    assert_null(amb_character_body_name(character, BODIES));
    assert_int_equal(amb_character_find_body(character, "tail"), -1);
    assert_int_equal(amb_character_body_parent(character, -1), -1);
    assert_null(amb_model_set_style_name(set, -1));

    amb_character_def def;
    static const struct {
        amb_axes axes;
        const char *sentence;
    } wrong[] = {{{1, 1, 3, 1}, "forward 1, left 1, up 3"},
                 {{1, 2, 4, 1}, "up 4"},
                 {{1, 2, 3, 0}, "units"},
                 {{1, 2, 3, NAN}, "units"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        amb_character_def_init(&def);
        def.space = AMB_SPACE_CUSTOM;
        def.axes = wrong[i].axes;
        assert_int_equal(amb_character_create(set, &def, &none), AMB_ERROR_ARGUMENT);
        expect_sentence(wrong[i].sentence);
        assert_null(none);
    }
    amb_character_def_init(&def);
    def.space = (amb_space)9;
    assert_int_equal(amb_character_create(set, &def, &none), AMB_ERROR_ARGUMENT);
    amb_character_def_init(&def);
    def.style = "moonwalk";
    assert_int_equal(amb_character_create(set, &def, &none), AMB_ERROR_NOT_FOUND);
    def.style = "walk:0";
    assert_int_equal(amb_character_create(set, &def, &none), AMB_ERROR_ARGUMENT);
    amb_character_def_init(&def);
    def.position[1] = INFINITY;
    assert_int_equal(amb_character_create(set, &def, &none), AMB_ERROR_ARGUMENT);
    amb_character_def_init(&def);
    def.entry_tries = 33;
    assert_int_equal(amb_character_create(set, &def, &none), AMB_ERROR_ARGUMENT);
    amb_character_destroy(character);

    amb_model_set_def models;
    amb_model_set *other = set;
    amb_model_set_def_init(&models);
    models.locomotion = "/nowhere/actor.onnx";
    assert_int_equal(amb_model_set_load(&models, &other), AMB_ERROR_NOT_FOUND);
    assert_null(other);
    expect_sentence("/nowhere/actor.onnx");
    amb_model_set_def_init(&models);
    models.locomotion = "assets/models/deepphase.onnx";
    assert_int_equal(amb_model_set_load(&models, &other), AMB_ERROR_FILE);
    expect_sentence("deepphase.onnx");
    amb_model_set_def_init(&models);
    models.locomotion = "";
    models.skills = (const char *const[]){NULL};
    assert_int_equal(amb_model_set_load(&models, &other), AMB_ERROR_FILE);
    expect_sentence("neither styles nor skills");
    models.skills = (const char *const[]){"assets/models/locomotion.onnx"};
    models.skill_count = 1;
    assert_int_equal(amb_model_set_load(&models, &other), AMB_ERROR_FILE);
    expect_sentence("expected an actor of one motion");
    models.skill_count = 24;
    assert_int_equal(amb_model_set_load(&models, &other), AMB_ERROR_ARGUMENT);
    expect_sentence("24 skills, expected 0 to 23");
}

static void broken_programs_are_told(void **state)
{
    (void)state;
    amb_set_assert_handler(count_assertion, NULL);
    asserted = 0;
    amb_character *character = make(AMB_SPACE_MUJOCO, 1), *none;
    amb_request request = {0};
    amb_event event = {0};
    amb_character_state out = {0};
    amb_character_def def = {0};
    amb_model_set_def models = {0};
    amb_model_set *other;
    assert_int_equal(amb_character_advance(NULL, .1), AMB_ERROR_ARGUMENT);
    assert_int_equal(amb_character_request(NULL, &request), AMB_ERROR_ARGUMENT);
    assert_int_equal(amb_character_request(character, &request), AMB_ERROR_ARGUMENT);
    assert_int_equal(amb_character_push(NULL, NULL), AMB_ERROR_ARGUMENT);
    assert_int_equal(amb_character_get_state(character, &out), AMB_ERROR_ARGUMENT);
    assert_int_equal(amb_character_pose(NULL, 0, NULL, NULL), AMB_ERROR_ARGUMENT);
    assert_int_equal(amb_character_create(NULL, NULL, &none), AMB_ERROR_ARGUMENT);
    assert_int_equal(amb_character_create(set, &def, &none), AMB_ERROR_ARGUMENT);
    assert_int_equal(amb_model_set_load(&models, &other), AMB_ERROR_ARGUMENT);
    assert_int_equal(amb_model_set_load(NULL, NULL), AMB_ERROR_ARGUMENT);
    assert_int_equal(amb_character_bodies(NULL), 0);
    assert_int_equal(amb_character_save_size(NULL), 0);
    assert_int_equal(asserted, 12);
    assert_false(
        amb_character_poll(character, &event)); /* an event without size is a mistake even before one */
    amb_character *const twice[2] = {character, character};
    asserted = 0;
    assert_int_equal(amb_characters_advance(twice, 2, .1, NULL), AMB_ERROR_ARGUMENT);
    amb_character *const missing[2] = {character, NULL};
    assert_int_equal(amb_characters_advance(missing, 2, .1, NULL), AMB_ERROR_ARGUMENT);
    amb_model_set_destroy(set); /* it has a character */
    assert_int_equal(asserted, 3);
    ok(amb_character_advance(character, .1)); /* all of it did no harm */
    amb_character_destroy(character);
    amb_set_assert_handler(NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_frame_rate_gives_the_same_motion),
        cmocka_unit_test(poses_are_continuous),
        cmocka_unit_test(transforms_are_those_of_the_host),
        cmocka_unit_test(rest_is_upright_with_the_hosts_axes),
        cmocka_unit_test(headings_and_pushes_are_the_hosts),
        cmocka_unit_test(begins_where_it_is_put),
        cmocka_unit_test(a_push_makes_it_fall_and_it_is_lifted),
        cmocka_unit_test(with_recover_it_stands_up_by_itself),
        cmocka_unit_test(what_flies_apart_begins_anew),
        cmocka_unit_test(requests_are_reached_and_followed),
        cmocka_unit_test(a_pull_pulls_until_it_is_released),
        cmocka_unit_test(skills_come_and_go),
        cmocka_unit_test(skills_do_without_styles),
        cmocka_unit_test(the_queue_keeps_the_newest_events),
        cmocka_unit_test(what_follows_a_restore_is_what_followed_the_save),
        cmocka_unit_test(damaged_and_foreign_states_are_refused),
        cmocka_unit_test(a_crowd_is_many_single_characters),
        cmocka_unit_test(nothing_allocates_after_creation),
        cmocka_unit_test(short_memory_is_an_error),
        cmocka_unit_test(bad_values_are_refused_in_sentences),
        cmocka_unit_test(broken_programs_are_told),
    };
    return cmocka_run_group_tests(tests, load_set, free_set);
}
