/* The viewer without its window: every key over every kind of skill, and numbers out of their bounds. The
 * assets are amble's networks for styles and small actors of synthetic motions. There are too many characters
 * for simulating entries ahead, so that skills are entered at once. */
#include "tests/gaits.h"

#include "nets/onnx/onnx.h"
#include "viewer/app.h"

#include <sys/stat.h>

enum { CHARACTERS = 5 };

static ami_app app;

static ami_app_def app_def(void)
{
    ami_app_def def = {.sim = cli_simulation_default(),
                       .seed = 3,
                       .speed = 1,
                       .get_up_s = .3,
                       .width = 320,
                       .height = 180,
                       .fps = 30,
                       .quality = AMI_QUALITY_LOW,
                       .azimuth = (double)NAN,
                       .elevation = (double)NAN,
                       .distance = (double)NAN};
    def.sim.envs = CHARACTERS;
    def.sim.start = .1;
    return def;
}

static void open_app(const ami_app_def *def)
{
    ami_error err = {""};
    if (!ami_app_init(&app, def, &err) || !ami_app_make_scene(&app, &err))
        fail_msg("%s", err.text);
}

/* What window and film do for every picture, but for the drawing. */
static const ami_snapshot *frames(int n)
{
    for (int i = 0; i < n; i++) {
        if (app.content.playing_clip)
            ami_player_advance(&app.content.player, 1. / 30);
        else
            ami_session_step(app.content.session);
        app.content.own_fresh = false;
        const ami_snapshot *s = ami_app_look(&app);
        ami_plots_add(app.view.plots, s);
        ami_app_see_style(&app, s);
        ami_scene_update(&app.view.scene, s, .5, 1. / 30, &app.view.shown.look);
        ami_app_tidy(&app, s);
    }
    return ami_app_look(&app);
}

static void choose(int choice)
{
    ami_app_choose(&app, choice);
    const int skill = app.content.choice[choice].skill;
    if (frames(1)->skill != skill)
        fail_msg("\"%s\" is not followed: %s", app.content.choice[choice].name, app.view.message);
}

/* Kinds of skills that the tests have pressed their keys over. */
static struct {
    int loops, ends, styles, generates, goal, no_goal, no_policy;
} seen;

static void note_kind(const ami_choice *choice)
{
    const ami_skill *skill = app.content.skill[choice->skill];
    assert_non_null(skill);
    seen.loops += !skill->invents && ami_skill_loops(skill);
    seen.ends += !ami_skill_loops(skill);
    seen.styles += skill->invents && choice->style >= 0;
    seen.generates += skill->invents && choice->style < 0;
    seen.goal += skill->has_policy && skill->policy.goal;
    seen.no_goal += skill->has_policy && !skill->policy.goal;
    seen.no_policy += !skill->has_policy;
}

/* Every action that has a name, which are those of all keys; up and down as often as it takes to get to the
 * end and over it. */
static void press_every_key(int choice)
{
    for (const ami_action_info *a = ami_action_table; a->name; a++) {
        const bool pace = a->action == AMI_ACT_PACE_UP || a->action == AMI_ACT_PACE_DOWN;
        if (choice >= 0)
            choose(choice);
        for (int i = 0; i < (pace ? 12 : 1); i++) {
            ami_app_act(&app, a->action, a->value);
            frames(1);
        }
        frames(1);
    }
    for (int side = -1; side <= 1; side++) { /* the arrow keys */
        ami_app_steer(&app, side);
        frames(1);
    }
}

/* Of the styles two stand for all. */
static bool is_one_of_many(int choice)
{
    return choice >= 2 && app.content.choice[choice].style >= 0;
}

static void every_key_over_every_skill_of(const ami_app_def *def)
{
    open_app(def);
    assert_in_range(app.content.choices, 1, AMI_CHOICES);
    for (int i = 0; i < app.content.choices; i++) /* every skill is loaded, so that the others can find it */
        if (!is_one_of_many(i))
            choose(i);
    for (int i = 0; i < app.content.choices; i++) {
        if (is_one_of_many(i))
            continue;
        note_kind(&app.content.choice[i]);
        press_every_key(i);
    }
    ami_app_free(&app);
}

static void every_key_over_every_skill(void **state)
{
    (void)state;
    ami_app_def def = app_def(); /* nothing is said: styles, and the skills that are not among them */
    every_key_over_every_skill_of(&def);
    def.sim.motion = "walk"; /* skills, of which one generates its motions */
    every_key_over_every_skill_of(&def);
    def.sim.no_policy = true;
    every_key_over_every_skill_of(&def);
    def.sim.motion = NULL;
    def.style.style = "walk:.5,zombie:.5";
    every_key_over_every_skill_of(&def);
    const int kinds[] = {seen.loops, seen.ends,    seen.styles,   seen.generates,
                         seen.goal,  seen.no_goal, seen.no_policy};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!kinds[i])
            fail_msg("there was no skill of kind %zu", i);
}

/* A motion that is played, and what comes after it: a session of all characters. As a film, whose session has
 * no thread. */
static void every_key_over_a_clip(void **state)
{
    (void)state;
    static const char *const clip[] = {"walk", "jump"};
    for (int i = 0; i < 2; i++) {
        ami_app_def def = app_def();
        def.clip_file = clip[i];
        def.screenshot = "unused.png";
        open_app(&def);
        press_every_key(-1);
        assert_null(app.content.sim);
        ami_app_choose(&app, 0);
        assert_false(app.content.playing_clip);
        assert_null(app.content.sim);
        assert_int_equal(frames(3)->characters, CHARACTERS);
        press_every_key(0);
        ami_app_free(&app);
    }
}

/* Slower and faster than walking lies another gait, and never a skill that makes its own. */
static void faster_is_a_gait(void **state)
{
    (void)state;
    ami_app_def def = app_def();
    def.sim.motion = "walk";
    open_app(&def);
    int walk = -1, run = -1, generates = -1;
    for (int i = 0; i < app.content.choices; i++) {
        choose(i);
        const ami_skill *skill = app.content.skill[app.content.choice[i].skill];
        walk = !strcmp(app.content.choice[i].name, "walk") ? i : walk;
        run = !strcmp(app.content.choice[i].name, "run") ? i : run;
        generates = skill->invents ? i : generates;
    }
    assert_true(walk >= 0 && run >= 0 && generates >= 0);
    choose(walk);
    for (int i = 0; i < 3; i++) {
        ami_app_act(&app, AMI_ACT_PACE_UP, 0);
        assert_int_equal(frames(1)->skill, app.content.choice[walk].skill);
    }
    assert_true(fabs(app.input.pace - 1.15) < 1e-9);
    ami_app_act(&app, AMI_ACT_PACE_UP, 0);
    assert_int_equal(frames(1)->skill, app.content.choice[run].skill);
    for (int i = 0; i < 4; i++) {
        ami_app_act(&app, AMI_ACT_PACE_DOWN, 0);
        frames(1);
    }
    assert_int_equal(frames(1)->skill, app.content.choice[walk].skill);
    for (int i = 0; i < 9; i++) { /* nothing is slower */
        ami_app_act(&app, AMI_ACT_PACE_DOWN, 0);
        assert_int_equal(frames(1)->skill, app.content.choice[walk].skill);
    }
    assert_true(fabs(app.input.pace - .7) < 1e-9);
    ami_app_free(&app);
}

/* Numbers that no int holds, and none at all, as a gamepad or a host might give them. */
static void wild_numbers(void **state)
{
    (void)state;
    static const double wild[] = {1e300, -1e300, 3e9, -3e9, (double)INFINITY, (double)-INFINITY, (double)NAN};
    ami_app_def def = app_def();
    def.sim.seconds = 1; /* so that very many steps are not */
    for (int clip = 0; clip < 2; clip++) {
        def.clip_file = clip ? "walk" : NULL;
        def.screenshot = "unused.png";
        open_app(&def);
        for (const ami_action_info *a = ami_action_table; a->name; a++)
            for (size_t i = 0; i < sizeof wild / sizeof *wild; i++) {
                if (clip && a->action == AMI_ACT_SKILL)
                    continue; /* would leave the clip */
                ami_app_act(&app, a->action, wild[i]);
                frames(1);
            }
        const ami_snapshot *s = ami_app_look(&app);
        assert_true(s->speed >= AMI_SPEED_MIN && s->speed <= AMI_SPEED_MAX);
        assert_true(fabs(app.input.turn_base) <= 1000 * M_PI / 180);
        assert_true(isfinite(app.view.scene.camera.azimuth) && isfinite(app.view.scene.camera.elevation) &&
                    isfinite(app.view.scene.camera.distance));
        ami_app_free(&app);
    }
}

/* Who wants to leave does not wait for steps that were asked for. */
static void many_steps_can_be_left(void **state)
{
    (void)state;
    static volatile sig_atomic_t stopped;
    ami_app_def def = app_def();
    def.sim.motion = "walk";
    open_app(&def);
    app.content.stopped = &stopped;
    stopped = 1;
    ami_app_act(&app, AMI_ACT_FORWARD, 1e9);
    assert_in_range(ami_session_steps(app.content.session), 0, 2);
    stopped = 0;
    ami_app_act(&app, AMI_ACT_FORWARD, 5);
    assert_in_range(ami_session_steps(app.content.session), 5, 7);
    ami_app_free(&app);
}

/* NAME.onnx among the models, with its motion among the clips. */
static void add_actor(const char *name, const stride *motion, uint64_t seed)
{
    ami_error err = {""};
    char file[80];
    ami_clip *clip = walk_clip(motion, name);
    snprintf(file, sizeof file, "clips/humanoid3d_%s.txt", name);
    assert_true(ami_clip_write(clip, scratch(file), &err));
    ami_net *net = small_actor(seed, .02);
    assert_true(ami_net_set_meta(net, "action", "residual") && ami_net_set_meta(net, "motion", name));
    snprintf(file, sizeof file, "models/%s.onnx", name);
    if (!ami_onnx_write(scratch(file), net, AMI_ONNX_FLOAT32, &err))
        fail_msg("%s", err.text);
    ami_net_destroy(net);
    ami_clip_destroy(clip);
}

static int set_up(void **state)
{
    (void)state;
    static const char *const own[] = {
        "humanoid.xml",       "models/locomotion.onnx",       "models/deepphase.onnx",
        "models/styles.json", "models/stylevae_decoder.onnx", "models/stylevae_encoder.onnx"};
    set_threads(1);
    assert_int_equal(mkdir(scratch("models"), 0777) + mkdir(scratch("clips"), 0777), 0);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/assets/%s", AMB_SOURCE_DIR, own[i]);
        assert_int_equal(symlink(path, scratch(own[i])), 0);
    }
    add_actor("walk", &(stride){.period = 1, .lift = .3, .speed = 1, .cycles = 1, .loop = true}, 2);
    add_actor("run", &(stride){.period = .7, .lift = .5, .speed = 2, .cycles = 1, .loop = true}, 3);
    add_actor("jump", &(stride){.period = .5, .lift = .4, .speed = .5, .cycles = 1}, 4);
    setenv("AMBLE_ASSETS", scratch_folder, 1);
    setenv("AMBLE_CLIPS", scratch("clips"), 1);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faster_is_a_gait),       cmocka_unit_test(every_key_over_every_skill),
        cmocka_unit_test(every_key_over_a_clip),  cmocka_unit_test(wild_numbers),
        cmocka_unit_test(many_steps_can_be_left),
    };
    return cmocka_run_group_tests(tests, set_up, remove_scratch);
}
