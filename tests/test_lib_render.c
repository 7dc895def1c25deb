/* amble/render.h as a host uses it: linked against the shared libraries alone. */
#include <amble/env.h>
#include <amble/render.h>

#include "tests/skip.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WIDTH = 160, HEIGHT = 96, SIZE = 3 * WIDTH * HEIGHT };

static amb_model_set *set;
static unsigned char picture[SIZE], other[SIZE];
static int asserted;

static void count_assertion(void *context, const char *condition, const char *function)
{
    (void)context, (void)condition, (void)function;
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
    amb_model_set_def def;
    amb_model_set_def_init(&def);
    def.skills = (const char *const[]){NULL};
    return amb_model_set_load(&def, &set) == AMB_OK ? 0 : -1;
}

static int free_set(void **state)
{
    (void)state;
    amb_model_set_destroy(set);
    return 0;
}

static amb_renderer *open_renderer(void)
{
    amb_renderer_def def;
    amb_renderer *renderer;
    amb_renderer_def_init(&def);
    def.width = WIDTH;
    def.height = HEIGHT;
    def.quality = AMB_QUALITY_LOW;
    if (amb_renderer_create(&def, &renderer) == AMB_OK)
        return renderer;
    if (strstr(amb_error_message(), "pictures without a display are not possible"))
        skip_because("no OpenGL without a display here");
    fail_msg("%s", amb_error_message());
    return NULL;
}

static amb_character *make(double x, amb_space space)
{
    amb_character_def def;
    amb_character *character;
    amb_character_def_init(&def);
    def.space = space;
    def.seed = 7;
    def.position[0] = x;
    ok(amb_character_create(set, &def, &character));
    return character;
}

/* Pixels of two pictures that differ clearly, and their middle, fractions of the picture from the top left.
 */
static int differing(double middle[2])
{
    int n = 0;
    double x = 0, y = 0;
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        int gap = 0;
        for (int k = 0; k < 3; k++)
            gap += abs(picture[3 * i + k] - other[3 * i + k]);
        if (gap > 60) {
            n++;
            x += i % WIDTH;
            y += (double)(i / WIDTH);
        }
    }
    middle[0] = n ? x / n / WIDTH : -1;
    middle[1] = n ? y / n / HEIGHT : -1;
    return n;
}

static void expect_env(amb_env **env)
{
    amb_env_def def;
    amb_env_def_init(&def);
    def.motion = "style_walk";
    def.clips = "assets/motions";
    ok(amb_env_create(&def, env));
}

static void the_character_is_in_the_picture(void **state)
{
    (void)state;
    amb_renderer *renderer = open_renderer();
    amb_character *character = make(0, AMB_SPACE_MUJOCO), *away = make(500, AMB_SPACE_MUJOCO);
    amb_camera camera;
    double middle[2];
    amb_camera_init(&camera);
    camera.follow = -1;
    camera.azimuth = 1.5708; /* looks along y: x is to the right */
    assert_true(strlen(amb_renderer_backend(renderer)) > 0);
    ok(amb_renderer_draw(renderer, &away, 1, 0, &camera, other)); /* nobody there */
    ok(amb_renderer_draw(renderer, &character, 1, 0, &camera, picture));
    int n = differing(middle);
    assert_true(n > WIDTH * HEIGHT / 60 && n < WIDTH * HEIGHT / 3);
    assert_true(fabs(middle[0] - .5) < .08 && fabs(middle[1] - .5) < .15);
    int sky = 0, floor = 0; /* the first row is the sky's */
    for (int i = 0; i < 3 * WIDTH; i++) {
        sky += other[i];
        floor += other[SIZE - 1 - i];
    }
    assert_true(sky != floor);

    camera.at[0] = -1; /* one metre to its right */
    ok(amb_renderer_draw(renderer, &away, 1, 0, &camera, other));
    ok(amb_renderer_draw(renderer, &character, 1, 0, &camera, picture));
    differing(middle);
    assert_true(middle[0] > .65);
    camera.height = 0; /* it is above what is looked at */
    ok(amb_renderer_draw(renderer, &away, 1, 0, &camera, other));
    ok(amb_renderer_draw(renderer, &character, 1, 0, &camera, picture));
    differing(middle);
    assert_true(middle[1] < .45);

    /* The same picture whatever the host's axes, and when it is drawn again. */
    amb_character *unreal = make(0, AMB_SPACE_UNREAL);
    memcpy(other, picture, sizeof other);
    ok(amb_renderer_draw(renderer, &unreal, 1, 0, &camera, picture));
    assert_int_equal(differing(middle), 0);
    /* Three in one picture cover more. */
    amb_camera_init(&camera);
    camera.distance = 8;
    amb_character *three[3] = {character, make(1.5, AMB_SPACE_MUJOCO), make(-1.5, AMB_SPACE_MUJOCO)};
    ok(amb_renderer_draw(renderer, three, 1, 0, &camera, other));
    ok(amb_renderer_draw(renderer, three, 3, 0, &camera, picture));
    assert_true(differing(middle) > WIDTH * HEIGHT / 100);
    for (int i = 0; i < 3; i++)
        amb_character_destroy(three[i]);
    amb_character_destroy(unreal);
    amb_character_destroy(away);
    amb_renderer_destroy(renderer);
}

static void the_camera_follows(void **state)
{
    (void)state;
    amb_renderer *renderer = open_renderer();
    amb_character *walker = make(0, AMB_SPACE_GODOT), *away = make(500, AMB_SPACE_GODOT);
    amb_camera camera, still;
    double middle[2];
    amb_camera_init(&camera);
    amb_camera_init(&still);
    still.follow = -1;
    for (int i = 0; i < 150; i++) { /* some 5 m */
        ok(amb_character_advance(walker, 1. / 30));
        camera.seconds = 1. / 30;
        ok(amb_renderer_draw(renderer, &walker, 1, 0, &camera, picture));
    }
    ok(amb_renderer_draw(renderer, &away, 1, 0, &still, other));
    differing(middle);
    assert_true(fabs(middle[0] - .5) < .15);
    unsetenv("MUJOCO_GL");
    amb_character_destroy(walker);
    amb_character_destroy(away);
    amb_renderer_destroy(renderer);
}

static void the_environment_is_as_it_was(void **state)
{
    (void)state;
    setenv("MUJOCO_GL", "egl", 1);
    amb_renderer_destroy(open_renderer());
    assert_string_equal(getenv("MUJOCO_GL"), "egl");
    unsetenv("MUJOCO_GL");
    amb_renderer_destroy(open_renderer());
    assert_null(getenv("MUJOCO_GL"));
}

static void mistakes_are_refused(void **state)
{
    (void)state;
    amb_renderer_def def;
    amb_renderer *renderer, *second;
    amb_character *character = make(0, AMB_SPACE_MUJOCO);
    amb_renderer_def_init(&def);
    def.width = 9;
    assert_int_equal(amb_renderer_create(&def, &renderer), AMB_ERROR_ARGUMENT);
    expect_sentence("9 x 720");
    amb_renderer_def_init(&def);
    def.backend = "vulkan";
    assert_int_equal(amb_renderer_create(&def, &renderer), AMB_ERROR_ARGUMENT);
    expect_sentence("vulkan");
    amb_renderer_def_init(&def);
    def.max_characters = 0;
    assert_int_equal(amb_renderer_create(&def, &renderer), AMB_ERROR_ARGUMENT);
    amb_renderer_def_init(&def);
    def.quality = (amb_quality)7;
    assert_int_equal(amb_renderer_create(&def, &renderer), AMB_ERROR_ARGUMENT);
    amb_set_assert_handler(count_assertion, NULL);
    asserted = 0;
    memset(&def, 0, sizeof def);
    assert_int_equal(amb_renderer_create(&def, &renderer), AMB_ERROR_ARGUMENT);
    assert_int_equal(amb_renderer_draw(NULL, &character, 1, 0, NULL, picture), AMB_ERROR_ARGUMENT);
    assert_int_equal(asserted, 2);

    renderer = open_renderer();
    assert_int_equal(amb_renderer_create(NULL, &second), AMB_ERROR_UNSUPPORTED);
    expect_sentence("one at a time");
    assert_null(second);
    amb_camera camera;
    amb_camera_init(&camera);
    camera.follow = 1;
    memset(picture, 77, sizeof picture);
    assert_int_equal(amb_renderer_draw(renderer, &character, 1, 0, &camera, picture), AMB_ERROR_ARGUMENT);
    expect_sentence("follows character 1, expected -1 to 0");
    camera.follow = 0;
    camera.distance = 0;
    assert_int_equal(amb_renderer_draw(renderer, &character, 1, 0, &camera, picture), AMB_ERROR_ARGUMENT);
    expect_sentence("distance is 0 m");
    assert_int_equal(amb_renderer_draw(renderer, &character, 17, 0, NULL, picture), AMB_ERROR_ARGUMENT);
    assert_int_equal(amb_renderer_draw(renderer, &character, 1, NAN, NULL, picture), AMB_ERROR_ARGUMENT);
    for (int i = 0; i < SIZE; i++)
        assert_int_equal(picture[i], 77);
    asserted = 0;
    memset(&camera, 0, sizeof camera);
    assert_int_equal(amb_renderer_draw(renderer, &character, 1, 0, &camera, picture), AMB_ERROR_ARGUMENT);
    amb_character *none = NULL;
    assert_int_equal(amb_renderer_draw(renderer, &none, 1, 0, NULL, picture), AMB_ERROR_ARGUMENT);
    assert_int_equal(asserted, 2);
    amb_set_assert_handler(NULL, NULL);
    ok(amb_renderer_draw(renderer, &character, 1, 0, NULL, picture));
    amb_renderer_destroy(renderer);
    amb_character_destroy(character);
}

/* A pose is drawn as the character that has it, and paler where it is down. */
static void poses_are_drawn_as_characters(void **state)
{
    (void)state;
    amb_renderer *renderer = open_renderer();
    amb_character *character = make(0, AMB_SPACE_MUJOCO);
    amb_env *env;
    double pose[3 * 43], velocity[34], middle[2];
    expect_env(&env);
    assert_int_equal(amb_env_body(env, pose, velocity), AMB_OK);
    pose[0] = pose[1] = 0;
    ok(amb_renderer_draw_poses(renderer, pose, 43, NULL, 1, NULL, picture));
    const bool down = true;
    ok(amb_renderer_draw_poses(renderer, pose, 43, &down, 1, NULL, other));
    assert_int_not_equal(memcmp(picture, other, SIZE), 0);
    double far[43];
    memcpy(far, pose, sizeof far);
    far[0] = 500;
    amb_camera camera;
    amb_camera_init(&camera);
    camera.follow = -1;
    ok(amb_renderer_draw_poses(renderer, pose, 43, NULL, 1, &camera, picture));
    ok(amb_renderer_draw_poses(renderer, far, 43, NULL, 1, &camera, other));
    const int n = differing(middle);
    assert_true(n > WIDTH * HEIGHT / 60 && n < WIDTH * HEIGHT / 3);
    ok(amb_renderer_draw(renderer, &character, 1, 0, &camera, picture)); /* both ways with one renderer */
    assert_int_equal(amb_renderer_draw_poses(renderer, pose, 42, NULL, 1, NULL, other), AMB_ERROR_ARGUMENT);
    expect_sentence("poses of 42 numbers, expected 43");
    pose[7] = (double)NAN;
    assert_int_equal(amb_renderer_draw_poses(renderer, pose, 43, NULL, 1, NULL, other), AMB_ERROR_ARGUMENT);
    expect_sentence("number 7 of pose 0 is nan");
    assert_int_equal(amb_renderer_draw_poses(renderer, pose, 43, NULL, 0, NULL, other), AMB_ERROR_ARGUMENT);
    amb_env_destroy(env);
    amb_character_destroy(character);
    amb_renderer_destroy(renderer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_character_is_in_the_picture), cmocka_unit_test(the_camera_follows),
        cmocka_unit_test(the_environment_is_as_it_was),    cmocka_unit_test(mistakes_are_refused),
        cmocka_unit_test(poses_are_drawn_as_characters),
    };
    return cmocka_run_group_tests(tests, load_set, free_set);
}
