/* Parts of the viewer without OpenGL: pictures, films, scripts, the table of actions, the clip player,
 * picking. */
#include "base/number.h"
#include "tests/session_fixture.h"

#include "session/player.h"
#include "viewer/actions.h"
#include "viewer/film.h"
#include "viewer/png_file.h"
#include "viewer/scene.h"

#include <limits.h>
#include <png.h>
#include <sys/stat.h>

static void a_picture_is_what_was_drawn(void **state)
{
    (void)state;
    enum { WIDTH = 5, HEIGHT = 3 };
    unsigned char rgb[HEIGHT * WIDTH * 3], back[HEIGHT * WIDTH * 3];
    for (int i = 0; i < HEIGHT * WIDTH * 3; i++)
        rgb[i] = (unsigned char)(i * 5);
    ami_error err;
    assert_true(ami_png_write(scratch("a.png"), rgb, WIDTH, HEIGHT, &err));
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_file(&image, scratch("a.png")));
    assert_int_equal(image.width, WIDTH);
    assert_int_equal(image.height, HEIGHT);
    image.format = PNG_FORMAT_RGB;
    assert_true(png_image_finish_read(&image, NULL, back, 0, NULL));
    for (int y = 0; y < HEIGHT; y++)
        assert_memory_equal(back + y * WIDTH * 3, rgb + (HEIGHT - 1 - y) * WIDTH * 3, WIDTH * 3);
    assert_false(ami_png_write("/nonexistent/a.png", rgb, WIDTH, HEIGHT, &err));
    assert_non_null(strstr(err.text, "/nonexistent"));
}

/* A stand-in for ffmpeg, first in PATH: a script. */
static void pretend_ffmpeg(const char *script)
{
    static char path[8192];
    if (!path[0])
        snprintf(path, sizeof path, "%s:%s",
                 scratch_folder[0] ? scratch_folder : (scratch("x"), scratch_folder), getenv("PATH"));
    FILE *f = fopen(scratch("ffmpeg"), "w");
    assert_non_null(f);
    fprintf(f, "#!/bin/sh\n%s\n", script);
    fclose(f);
    assert_int_equal(chmod(scratch("ffmpeg"), 0755), 0);
    setenv("PATH", path, 1);
}

static void every_frame_reaches_ffmpeg(void **state)
{
    (void)state;
    char script[600];
    snprintf(script, sizeof script, "echo \"$@\" > %s; cat > %s", scratch("words"), scratch("bytes"));
    pretend_ffmpeg(script);
    ami_error err;
    ami_film *film = ami_film_open(scratch("a.mp4"), 4, 2, 24, &err);
    assert_non_null(film);
    unsigned char rgb[24];
    for (int f = 0; f < 3; f++) {
        memset(rgb, 10 * f + 1, sizeof rgb);
        assert_true(ami_film_frame(film, rgb, &err));
    }
    assert_int_equal(ami_film_frames(film), 3);
    assert_true(ami_film_close(film, &err));
    FILE *f = fopen(scratch("bytes"), "r");
    for (int i = 0; i < 72; i++)
        assert_int_equal(fgetc(f), 10 * (i / 24) + 1);
    assert_int_equal(fgetc(f), EOF);
    fclose(f);
    char words[1000] = "";
    f = fopen(scratch("words"), "r");
    assert_non_null(fgets(words, sizeof words, f));
    fclose(f);
    assert_non_null(strstr(words, "-video_size 4x2 -framerate 24"));
}

static void ffmpegs_own_words(void **state)
{
    (void)state;
    pretend_ffmpeg("cat > /dev/null; echo first >&2; echo 'no such encoder' >&2; exit 3");
    ami_error err;
    ami_film *film = ami_film_open(scratch("a.gif"), 4, 2, 24, &err);
    assert_non_null(film);
    assert_false(ami_film_close(film, &err));
    assert_non_null(strstr(err.text, "ffmpeg failed: no such encoder"));
    pretend_ffmpeg("echo 'disk full' >&2; exit 1");
    film = ami_film_open(scratch("a.mp4"), 512, 512, 24, &err);
    assert_non_null(film);
    static unsigned char large[512 * 512 * 3];
    bool ok = true;
    for (int i = 0; i < 200 && ok; i++) /* more than any pipe holds */
        ok = ami_film_frame(film, large, &err);
    assert_false(ok);
    assert_non_null(strstr(err.text, "ffmpeg gave up"));
    ami_film_close(film, NULL);
}

static void films_are_refused_beforehand(void **state)
{
    (void)state;
    ami_error err;
    assert_false(ami_film_check("a.avi", &err));
    assert_non_null(strstr(err.text, "must end in .mp4"));
    assert_false(ami_film_check("/nonexistent/a.mp4", &err));
    assert_non_null(strstr(err.text, "cannot be written"));
    char *path = strdup(getenv("PATH"));
    setenv("PATH", "/nonexistent", 1);
    assert_false(ami_film_check(scratch("b.mp4"), &err));
    assert_non_null(strstr(err.text, "install the package ffmpeg"));
    setenv("PATH", path, 1);
    free(path);
    assert_int_equal(mkfifo(scratch("pipe.mp4"), 0600), 0);
    assert_false(ami_film_check(scratch("pipe.mp4"), &err)); /* and does not wait for a reader */
    assert_sentence(&err, "pipe.mp4|is a pipe");
    assert_true(ami_film_check(scratch("b.mp4"), &err));
    assert_int_not_equal(access(scratch("b.mp4"), F_OK), 0); /* asking leaves nothing behind */
}

static void scripts(void **state)
{
    (void)state;
    ami_error err;
    ami_cue cue;
    assert_true(ami_cue_parse("2.5 push", &cue, &err));
    assert_true(cue.time == 2.5 && cue.action == AMI_ACT_PUSH && cue.value == 1);
    assert_true(ami_cue_parse("0 push 1.5", &cue, &err));
    assert_true(cue.value == 1.5);
    assert_true(ami_cue_parse("3 skill run", &cue, &err));
    assert_string_equal(cue.text, "run");
    assert_true(ami_cue_parse("3 skill 2", &cue, &err));
    assert_true(cue.text[0] == 0 && cue.value == 2);
    static const char *const bad[] = {"",           "push",   "-1 push",    "1 fly", "1 push hard",
                                      "1 push 1 2", "x push", "1 turn nan", "1 open"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (ami_cue_parse(bad[i], &cue, &err))
            fail_msg("\"%s\" was taken", bad[i]);
}

/* Every number that a script can give has bounds, and what is out of them is one sentence that says which. */
static void numbers_of_scripts_have_bounds(void **state)
{
    (void)state;
    ami_error err;
    ami_cue cue;
    char text[100];
    for (const ami_action_info *a = ami_action_table; a->name; a++) {
        const ami_action_bounds b = ami_action_bounds_of(a->action);
        if (a->action == AMI_ACT_OPEN || a->action == AMI_ACT_STYLE)
            continue; /* these take a text */
        if (b.lo == b.hi) {
            ami_number_format(text, sizeof text, "1 %s 1", a->name);
            assert_false(ami_cue_parse(text, &cue, &err));
            assert_sentence(&err, "takes no value");
            continue;
        }
        assert_true(a->value >= b.lo && a->value <= b.hi);
        const double good[] = {b.lo, b.hi}, bad[] = {b.lo - 1e-3, b.hi + 1e-3, b.lo - 1, b.hi + 1, 3e9,
                                                     -3e9,        99999999999, 1e300,    -1e300};
        for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
            ami_number_format(text, sizeof text, "1 %s %.17g", a->name, good[i]);
            if (!ami_cue_parse(text, &cue, &err))
                fail_msg("\"%s\": %s", text, err.text);
            assert_true(cue.value == good[i]);
        }
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
            ami_number_format(text, sizeof text, "1 %s %.17g", a->name, bad[i]);
            if (ami_cue_parse(text, &cue, &err))
                fail_msg("\"%s\" was taken", text);
            ami_number_format(text, sizeof text, "%s is |, expected a |number from %g to %g", a->name, b.lo,
                              b.hi);
            assert_sentence(&err, text);
        }
    }
    assert_false(ami_cue_parse("1e9 push", &cue, &err));
    assert_sentence(&err, "the time is 1e+09 s|expected 0 to 1e+06");
    assert_false(ami_cue_parse("-1 push", &cue, &err));
    assert_sentence(&err, "the time is -1 s");
    assert_false(ami_cue_parse("1 forward 2.5", &cue, &err));
    assert_sentence(&err, "whole number");
}

static void no_key_means_two_things(void **state)
{
    (void)state;
    for (const ami_action_info *a = ami_action_table; a->name; a++) {
        assert_ptr_equal(ami_action_by_name(a->name), a);
        assert_ptr_equal(ami_action_of(a->action), a);
        assert_int_equal(a->keys != NULL, a->key[0] != 0); /* help tells every key, and no key that is not
                                                              there */
        assert_int_equal(a->keys != NULL, a->what != NULL);
        for (int k = 0; k < 3; k++)
            if (a->key[k])
                assert_ptr_equal(ami_action_by_key(a->key[k]), a);
    }
    assert_null(ami_action_by_key(0));
    assert_null(ami_action_by_name("fly"));
}

static void the_player_plays(void **state)
{
    (void)state;
    ami_player p;
    assert_true(ami_player_init(&p, character, march(.3, true), NULL));
    ami_player_advance(&p, 1.25);
    const ami_snapshot *s = ami_player_look(&p);
    assert_true(fabs(s->clip_time - .25) < 1e-9 && fabs(s->phase - .25) < 1e-9);
    assert_int_equal(s->clip_frame, 7);
    ami_player_step(&p, 1);
    assert_int_equal(ami_player_look(&p)->clip_frame, 8);
    assert_true(ami_player_look(&p)->paused);
    ami_player_advance(&p, 1);
    assert_int_equal(ami_player_look(&p)->clip_frame, 8);
    ami_player_step(&p, INT_MAX);
    assert_true(p.time == ami_clip_duration(p.clip));
    ami_player_step(&p, INT_MIN);
    assert_int_equal(ami_player_look(&p)->clip_frame, 0);
    double pose[AMI_POSE];
    ami_player_seek(&p, .5);
    ami_clip_sample(p.clip, .5, pose, NULL);
    assert_memory_equal(ami_player_look(&p)->body[0].pose, pose, sizeof pose);
    ami_player_free(&p);
}

/* What the mouse points at is what is drawn there: every joint, seen from several sides, is found where its
 * own picture is. */
static void picking_finds_limbs(void **state)
{
    (void)state;
    const double aspect = 16. / 9;
    ami_scene scene;
    ami_snapshot snap;
    ami_error err;
    assert_true(ami_scene_init(&scene, character, 3, AMI_QUALITY_LOW, 320, 180, &err));
    assert_true(ami_session_snapshot_init(&snap, 3, &err));
    snap.pushed_ago = 9;
    for (int i = 0; i < 3; i++) {
        pose_at_rest(snap.body[i].pose, .9);
        memcpy(snap.body[i].before, snap.body[i].pose, sizeof snap.body[i].pose);
    }
    memcpy(snap.reference, snap.body[0].pose, sizeof snap.reference);
    memcpy(snap.reference_before, snap.body[0].pose, sizeof snap.reference);
    const ami_look look = {1, 1, 1, 1, 1};
    int found[AMI_BODIES] = {0};
    for (int side = 0; side < 4; side++) {
        scene.camera =
            (ami_camera){.azimuth = 90. * side + 20, .elevation = -10, .distance = 3, .height = .9};
        ami_scene_update(&scene, &snap, 1, 0, &look);
        for (int y = 0; y < 90; y++) {
            for (int x = 0; x < 160; x++) {
                int who = -1, body = -1;
                double local[3], depth, at[3], joint[AMI_BODIES][3], rot[AMI_BODIES][4], world[3];
                if (!ami_scene_pick(&scene, &snap, (x + .5) / 160, (y + .5) / 90, aspect, &who, &body, local,
                                    &depth))
                    continue;
                assert_in_range(who, 0, 2);
                found[body] += who == 0;
                /* The point in the body's frame and the point on the ray are one. */
                ami_scene_unproject(&scene, who, (x + .5) / 160, (y + .5) / 90, aspect, depth, at);
                const double turn = scene.camera.azimuth * M_PI / 180,
                             right = at[0] * sin(turn) - at[1] * cos(turn);
                if (who == 0 && abs(x - 80) > 4) /* it stands at the origin, which the camera looks at */
                    assert_true((x > 80) == (right > 0));
                if (who == 0 && abs(y - 45) > 8)
                    assert_true((y > 45) == (at[2] > .9));
                ami_fk(&character->skeleton, snap.body[who].pose, joint, rot);
                mju_rotVecQuat(world, local, rot[body]);
                mju_addTo3(world, joint[body]);
                assert_true(mju_dist3(world, at) < 1e-5 || at[2] <= .0201);
            }
        }
    }
    for (int b = 0; b < AMI_BODIES; b++)
        if (!found[b])
            fail_msg("%s was never found", ami_body_name[b]);
    int who, body;
    double local[3], depth;
    assert_false(ami_scene_pick(&scene, &snap, .02, .98, aspect, &who, &body, local, &depth)); /* the sky */
    ami_scene_free(&scene);
    free(snap.body);
}

static void the_camera_follows(void **state)
{
    (void)state;
    ami_scene scene;
    ami_snapshot snap;
    assert_true(ami_scene_init(&scene, character, 1, AMI_QUALITY_LOW, 320, 180, NULL));
    assert_true(ami_session_snapshot_init(&snap, 1, NULL));
    snap.pushed_ago = 9;
    pose_at_rest(snap.body[0].pose, .9);
    memcpy(snap.reference, snap.body[0].pose, sizeof snap.reference);
    memcpy(snap.reference_before, snap.body[0].pose, sizeof snap.reference);
    const ami_look look = {0};
    double fastest = 0;
    for (int i = 0; i < 600; i++) { /* ten seconds at 4 m/s, from standing */
        const double before = scene.camera.at[0];
        snap.body[0].pose[0] = 4 * i / 60.;
        memcpy(snap.body[0].before, snap.body[0].pose, sizeof snap.body[0].pose);
        ami_scene_update(&scene, &snap, 1, 1. / 60, &look);
        if (i)
            fastest = fmax(fastest, (scene.camera.at[0] - before) * 60);
    }
    assert_true(fabs(scene.camera.at[0] - snap.body[0].pose[0]) < .1);
    assert_true(fastest < 8); /* no jumps */
    ami_camera_orbit(&scene.camera, 0, 500);
    assert_true(scene.camera.elevation <= 8);
    ami_camera_zoom(&scene.camera, 1e-6);
    assert_true(scene.camera.distance >= 1);
    ami_scene_free(&scene);
    free(snap.body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_picture_is_what_was_drawn),
        cmocka_unit_test(films_are_refused_beforehand),
        cmocka_unit_test(every_frame_reaches_ffmpeg),
        cmocka_unit_test(ffmpegs_own_words),
        cmocka_unit_test(scripts),
        cmocka_unit_test(numbers_of_scripts_have_bounds),
        cmocka_unit_test(no_key_means_two_things),
        cmocka_unit_test(the_player_plays),
        cmocka_unit_test(picking_finds_limbs),
        cmocka_unit_test(the_camera_follows),
    };
    return cmocka_run_group_tests(tests, load_body, unload_body);
}
