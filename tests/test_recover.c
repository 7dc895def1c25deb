/* Falls from which a session's characters get up by themselves: the stages, what is kept meanwhile, saving,
 * history, batches; and falls with amble's own actors, where they are installed.
 *
 * The stages are tested with a motion that lies from its beginning to its end, and with a session's skill that
 * lets every body touch the floor when the test sets `lies`: so a lying body can enter it. */
#include "tests/allocations.h"
#include "tests/session_fixture.h"

#include "base/assets.h"
#include "session/internal.h"

enum { FEET = 1u << AMI_RIGHT_ANKLE | 1u << AMI_LEFT_ANKLE, ALL = (1u << AMI_BODIES) - 1 };
enum {
    LIE = 45,
    RISE = 30,
    LEAD = 12,
    GROUPS = 11
}; /* steps: max of FALLEN; of the lying motion; of it that
                                                          are STANDING; characters */

static ami_skill *skill, *other, *flip, *get_up[AMI_FACES];

/* 1 s in one pose, on the back or on the front, or upright. */
static ami_clip *still(double pitch, double height)
{
    enum { FRAMES = 31 };
    static double time[FRAMES], pose[FRAMES * AMI_POSE];
    for (int f = 0; f < FRAMES; f++) {
        double *p = pose + f * AMI_POSE, turn[4];
        time[f] = f / 30.0;
        pose_at_rest(p, height);
        const double upright[4] = {p[3], p[4], p[5], p[6]};
        turn_about(turn, 0, 1, 0, pitch);
        ami_quat_mul(p + 3, turn, upright);
    }
    return make_clip(FRAMES, time, pose, false);
}

/* A skill of getting up that follows `clip`, which it takes. */
static ami_skill *get_up_skill(const char *name, ami_clip *clip, int characters)
{
    ami_skill *made = make_skill(name, .1, false, characters);
    ami_clip_destroy(made->clip);
    made->clip = clip;
    made->may_touch = ALL;
    return made;
}

static int set_up(void **state)
{
    load_body(state);
    skill = make_skill("march", .3, true, GROUPS);
    other = make_skill("trot", .5, true, GROUPS);
    flip = make_skill("flip", .4, false, GROUPS);
    get_up[AMI_FACE_DOWN] = get_up_skill("down", still(M_PI / 2, .12), GROUPS);
    get_up[AMI_FACE_UP] = get_up_skill("up", still(-M_PI / 2, .12), GROUPS);
    return 0;
}

static int tear_down(void **state)
{
    ami_skill *const all[] = {skill, other, flip, get_up[0], get_up[1]};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        ami_skill_free(all[i]);
    return unload_body(state);
}

static ami_session_def recovering(int characters)
{
    skill->may_touch = other->may_touch = flip->may_touch = FEET;
    ami_session_def def = session_def(skill, characters);
    def.skill[1] = other;
    def.skill[2] = flip;
    def.skills = 3;
    memcpy(def.get_up, get_up, sizeof get_up);
    return def;
}

static void steps(ami_session *s, int n)
{
    for (int i = 0; i < n; i++)
        assert_true(ami_session_step(s));
}

static ami_member_view view(const ami_session *s, int i)
{
    ami_member_view out;
    ami_session_view(s, i, &out);
    return out;
}

static void push(ami_session *s, int i, double x, double y)
{
    ami_session_apply(s, &(ami_command){.kind = AMI_DO_PUSH, .character = i, .v = {x, y, 0}});
}

static void apply(ami_session *s, ami_command_kind kind, double value)
{
    ami_session_apply(s, &(ami_command){.kind = kind, .value = value});
}

/* Steps until the character is in this stage; returns the number of steps, at most `max`, else it fails. */
static int until(ami_session *s, int i, ami_stage stage, int max)
{
    for (int n = 0; n <= max; n++) {
        if (view(s, i).stage == stage)
            return n;
        steps(s, 1);
    }
    fail_msg("character %d is in stage %d after %d steps, expected %d", i, (int)view(s, i).stage, max,
             (int)stage);
    return 0;
}

static void fell_down(ami_session *s)
{
    push(s, 0, 4, 0);
    until(s, 0, AMI_FALLEN, 60);
}

static void stage_follows_stage(void **state)
{
    (void)state;
    const ami_session_def def = recovering(1);
    ami_session *s = make_session(&def);
    assert_int_equal(view(s, 0).stage, AMI_UP);
    fell_down(s);
    ami_member_view v = view(s, 0);
    assert_true(v.down && v.falls == 1 && v.rises == 0 && !v.settled);
    const int lay = until(s, 0, AMI_RISING, LIE + 1);
    assert_true(lay >= 9 && lay <= LIE);
    assert_int_equal(view(s, 0).rises, 1);
    const int rose = until(s, 0, AMI_STANDING, RISE + 1);
    assert_true(abs(rose - (RISE - LEAD)) <= 1);
    assert_true(view(s, 0).down);
    skill->may_touch = ALL;
    until(s, 0, AMI_UP, 62);
    v = view(s, 0);
    assert_true(!v.down && v.settled);
    assert_true(v.falls == 1 && v.rises == 1 && v.stood == 1 && v.lifts == 0 && v.restarts == 0);
    ami_session_destroy(s);
}

/* The motion for the side that the body fell on, from where it lies. */
static void the_side_decides(void **state)
{
    (void)state;
    for (int back = 0; back < 2; back++) {
        const ami_session_def def = recovering(1);
        ami_session *s = make_session(&def);
        push(s, 0, back ? -4 : 4, 0);
        until(s, 0, AMI_RISING, 110);
        const member *m = &s->member[0];
        assert_int_equal(m->facts.face, back ? AMI_FACE_UP : AMI_FACE_DOWN);
        assert_true(m->env.def.clip == get_up[m->facts.face]->clip);
        assert_true(hypot(m->env.reference_state.pose[0] - m->env.state.pose[0],
                          m->env.reference_state.pose[1] - m->env.state.pose[1]) < .01);
        assert_true(ami_quat_angle(m->env.reference_state.pose + 3, m->env.state.pose + 3) < .6);
        ami_session_destroy(s);
    }
}

/* While it cannot enter the motion, it begins anew, and is neither lifted nor given up. */
static void failures_begin_anew(void **state)
{
    (void)state;
    ami_session_def def = recovering(1);
    def.get_up_s = .1; /* is not used */
    ami_session *s = make_session(&def);
    fell_down(s);
    steps(s, 12 * 30); /* the floor is touched all the time */
    assert_true(view(s, 0).rises >= 2 && view(s, 0).stood == 0 && view(s, 0).lifts == 0);
    assert_true(view(s, 0).down && view(s, 0).falls == 1);
    ami_session_destroy(s);

    ami_skill *upright[AMI_FACES]; /* a body that lies is far from this motion's height */
    upright[0] = get_up_skill("upright0", still(0, .881416), 1);
    upright[1] = get_up_skill("upright1", still(0, .881416), 1);
    memcpy(def.get_up, upright, sizeof upright);
    s = make_session(&def);
    fell_down(s);
    until(s, 0, AMI_RISING, LIE + 1);
    assert_true(until(s, 0, AMI_FALLEN, 2) <= 2);
    until(s, 0, AMI_RISING, LIE + 1);
    assert_int_equal(view(s, 0).rises, 2);
    ami_session_destroy(s);
    ami_skill_free(upright[0]);
    ami_skill_free(upright[1]);
}

static void requests_are_kept(void **state)
{
    (void)state;
    const ami_session_def def = recovering(1);
    ami_session *s = make_session(&def);
    fell_down(s);
    apply(s, AMI_DO_TURN, .5);
    until(s, 0, AMI_RISING, LIE + 1);
    apply(s, AMI_DO_SKILL, 1);
    assert_true(s->member[0].env.reference.turn_rate == 0); /* the motion of getting up does not turn */
    apply(s, AMI_DO_TURN, .25);
    assert_true(s->member[0].env.reference.turn_rate == 0);
    assert_true(s->member[0].env.def.clip != other->clip && !view(s, 0).settled);
    other->may_touch = ALL;
    until(s, 0, AMI_UP, RISE + 62);
    assert_true(s->member[0].env.def.clip == other->clip && s->member[0].env.reference.clip == other->clip);
    assert_true(s->member[0].env.reference.turn_rate == .25);
    assert_int_equal(view(s, 0).skill, 1);
    ami_session_destroy(s);
}

static void pulls_delay_and_pushes_act(void **state)
{
    (void)state;
    const ami_session_def def = recovering(1);
    ami_session *s = make_session(&def);
    fell_down(s);
    ami_session_apply(s, &(ami_command){.kind = AMI_DO_PULL, .body = AMI_CHEST, .v = {0, 0, 0, 0, 0, .3}});
    steps(s, 3 * LIE);
    assert_int_equal(view(s, 0).stage, AMI_FALLEN);
    apply(s, AMI_DO_RELEASE, 0);
    until(s, 0, AMI_RISING, LIE + 1);
    const double before = view(s, 0).vel[0];
    push(s, 0, 1, 0);
    assert_true(fabs(view(s, 0).vel[0] - before - 1) < 1e-9);
    ami_session_destroy(s);
}

static void a_lift_ends_it(void **state)
{
    (void)state;
    for (ami_stage stage = AMI_FALLEN; stage <= AMI_STANDING; stage++) {
        const ami_session_def def = recovering(1);
        ami_session *s = make_session(&def);
        fell_down(s);
        until(s, 0, stage, LIE + RISE + 2);
        ami_session_apply(s, &(ami_command){.kind = AMI_DO_RESET, .character = -1});
        const ami_member_view v = view(s, 0);
        assert_true(v.stage == AMI_UP && !v.down && v.pose[2] > .7 && v.stood == 0);
        assert_true(s->member[0].env.def.clip == skill->clip && s->member[0].env.def.may_touch == FEET);
        steps(s, 5);
        apply(s, AMI_DO_RESTART, 0);
        assert_int_equal(view(s, 0).stage, AMI_UP);
        ami_session_destroy(s);
    }
}

static void a_broken_state_ends_it(void **state)
{
    (void)state;
    const ami_session_def def = recovering(1);
    ami_session *s = make_session(&def);
    fell_down(s);
    until(s, 0, AMI_RISING, LIE + 1);
    push(s, 0, 1e12, 0);
    steps(s, 2);
    const ami_member_view v = view(s, 0);
    assert_true(v.restarts == 1 && v.stage == AMI_UP && !v.down);
    assert_true(s->member[0].env.def.clip == skill->clip);
    ami_session_destroy(s);
}

/* A motion that ends is not begun again after a fall in it. */
static void a_fall_ends_a_single_motion(void **state)
{
    (void)state;
    ami_session_def def = recovering(1);
    def.entry_tries = 0;
    ami_session *s = make_session(&def);
    steps(s, 10);
    apply(s, AMI_DO_SKILL, 2);
    assert_int_equal(view(s, 0).skill, 2);
    fell_down(s);
    assert_int_equal(view(s, 0).endings, 1);
    assert_int_equal(view(s, 0).skill, 0);
    ami_session_destroy(s);
}

/* The whole state of a session. */
static char *saved(const ami_session *s)
{
    char *data = malloc(ami_session_save_size(s));
    assert_non_null(data);
    ami_session_save(s, data);
    return data;
}

static void expect_same(const ami_session *a, const ami_session *b)
{
    char *x = saved(a), *y = saved(b);
    assert_memory_equal(x, y, ami_session_save_size(a));
    free(x);
    free(y);
}

static void topple(ami_session *s)
{
    for (int i = 0; i < s->def.characters; i++)
        push(s, i, 4 * cos(i), 4 * sin(i));
}

static void saved_in_any_stage_it_goes_on_to_the_bit(void **state)
{
    (void)state;
    const ami_session_def def = recovering(GROUPS);
    ami_session *s = make_session(&def), *twin = make_session(&def);
    ami_session_def lifted = def;
    lifted.get_up[0] = lifted.get_up[1] = NULL;
    ami_session *without = make_session(&lifted);
    ami_error err;
    unsigned seen = 0;
    topple(s);
    for (int round = 0; round < 9; round++) {
        steps(s, 12);
        if (round == 5)
            skill->may_touch = ALL;
        for (int i = 0; i < GROUPS; i++)
            seen |= 1u << view(s, i).stage;
        char *data = saved(s);
        assert_true(ami_session_load(twin, data, &err));
        if (round == 3) {
            assert_false(ami_session_load(without, data, &err));
            assert_non_null(strstr(err.text, "not valid"));
        }
        free(data);
        expect_same(s, twin);
        steps(s, 7);
        steps(twin, 7);
        expect_same(s, twin);
    }
    assert_int_equal(seen, 15); /* all four stages */
    ami_session_destroy(s);
    ami_session_destroy(twin);
    ami_session_destroy(without);
}

static void history_goes_back_and_repeats(void **state)
{
    (void)state;
    const ami_session_def def = recovering(2);
    ami_session *s = make_session(&def);
    push(s, 0, 4, 0);
    push(s, 1, -4, 1);
    steps(s, 10);
    enum { N = 120, BACK = 40 }; /* back to where at least one rises */
    double height[2][N];
    for (int i = 0; i < N; i++) {
        apply(s, AMI_DO_STEP, 1);
        for (int k = 0; k < 2; k++)
            height[k][i] = view(s, k).pose[2] + 10 * (double)view(s, k).stage;
    }
    for (int pass = 0; pass < 2; pass++) { /* the recorded steps, then the same simulated again */
        apply(s, AMI_DO_STEP, -BACK);
        assert_int_equal(ami_session_steps(s), 10 + N - BACK);
        assert_true(view(s, 0).stage > AMI_FALLEN || view(s, 1).stage > AMI_FALLEN);
        if (pass == 1)
            apply(s, AMI_DO_TURN, 0); /* forgets the later steps */
        for (int i = N - BACK; i < N; i++) {
            apply(s, AMI_DO_STEP, 1);
            for (int k = 0; k < 2; k++)
                assert_true(view(s, k).pose[2] + 10 * (double)view(s, k).stage == height[k][i]);
        }
    }
    ami_session_destroy(s);
}

static void threads_and_batches_do_not_matter(void **state)
{
    (void)state;
    enum { N = 5 };
    const ami_session_def def = recovering(GROUPS);
    ami_session *s = make_session(&def), *twin = make_session(&def);
    topple(s);
    topple(twin);
    steps(s, 130);
    set_threads(1);
    steps(twin, 130);
    set_threads(2);
    expect_same(s, twin);
    ami_session_destroy(s);
    ami_session_destroy(twin);

    ami_session *one[N], *alone[N];
    ami_skill *shared[2 * N][3];
    ami_error err = {""};
    for (int i = 0; i < 2 * N; i++) {
        ami_session_def own = recovering(1);
        ami_skill *const from[] = {skill, get_up[0], get_up[1]};
        for (int k = 0; k < 3; k++)
            assert_non_null(shared[i][k] = ami_skill_share(from[k], 1, &err));
        own.skill[0] = shared[i][0];
        own.skills = 1;
        memcpy(own.get_up, shared[i] + 1, sizeof own.get_up);
        own.env.seed = (uint64_t)(i % N);
        *(i < N ? &one[i] : &alone[i - N]) = make_session(&own);
    }
    for (int step = 0; step < 130; step++) {
        if (step % 9 == 0 && step / 9 < N)
            for (int k = 0; k < 2; k++)
                push(k ? one[step / 9] : alone[step / 9], 0, 4 * cos(step), 4 * sin(step));
        ami_session_step_together(one, N);
        for (int i = 0; i < N; i++)
            assert_true(ami_session_step(alone[i]));
    }
    for (int i = 0; i < N; i++) {
        assert_true(view(one[i], 0).rises > 0);
        expect_same(one[i], alone[i]);
    }
    for (int i = 0; i < N; i++) {
        ami_session_destroy(one[i]);
        ami_session_destroy(alone[i]);
    }
    for (int i = 0; i < 2 * N; i++)
        for (int k = 0; k < 3; k++)
            ami_skill_free(shared[i][k]);
}

static void a_step_allocates_nothing(void **state)
{
    (void)state;
    const ami_session_def def = recovering(1);
    ami_session *s = make_session(&def);
    steps(s, 3);
    const long before = asked;
    for (int i = 0; i < 300; i++) {
        if (i == 2)
            push(s, 0, 4, 0);
        if (i == 100)
            skill->may_touch = ALL;
        (void)ami_session_step(s);
    }
    assert_int_equal(asked - before, 0);
    assert_int_equal(view(s, 0).stood, 1);
    ami_session_destroy(s);
}

static void missing_actors_are_named(void **state)
{
    (void)state;
    ami_error err = {""};
    ami_skill *none[AMI_FACES];
    const ami_skill_def def = {.character = character, .substeps = 4, .characters = 1};
    assert_true(ami_assets_set(scratch(""), &err));
    assert_false(ami_get_up_load(none, &def, &err));
    assert_true(ami_assets_set(NULL, NULL));
    assert_true(!none[0] && !none[1]);
    assert_non_null(strstr(err.text, "getup_facedown: No such file"));
}

/* While it is down its limbs collide with each other, and only then. */
static void limbs_collide_while_it_is_down(void **state)
{
    (void)state;
    const ami_session_def def = recovering(1);
    ami_session *s = make_session(&def);
    steps(s, 3);
    assert_false(s->member[0].env.world.collides);
    fell_down(s);
    steps(s, 1);
    assert_true(s->member[0].env.world.collides);
    until(s, 0, AMI_STANDING, LIE + RISE + 10);
    skill->may_touch = ALL;
    until(s, 0, AMI_UP, 100);
    steps(s, 1);
    assert_false(s->member[0].env.world.collides);
    ami_session_destroy(s);
}

/* Walking with amble's actor, from falls in eight directions. */
static void amble_gets_up(void **state)
{
    (void)state;
    enum { N = 8, FALLS = N - 1 };
    ami_error err = {""};
    ami_skill *own[AMI_FACES];
    char walk[4096];
    const ami_skill_def def = {.character = character, .substeps = 4, .characters = N};
    if (!ami_get_up_load(own, &def, &err))
        skip_because("the actors getup_facedown and getup_faceup are not installed, or their motions");
    ami_skill_def walking = def;
    assert_true(ami_asset_path("models/walk.onnx", walk, sizeof walk, &err));
    walking.policy = walk;
    ami_skill *walker = ami_skill_load(&walking, &err);
    if (!walker) {
        ami_skill_free(own[0]);
        ami_skill_free(own[1]);
        skip_because("the motion walk is not installed");
    }
    ami_session_def of = session_def(walker, N);
    memcpy(of.get_up, own, sizeof own);
    ami_session *s = make_session(&of);
    steps(s, 20);
    for (int i = 0; i < N; i++)
        push(s, i, 4 * cos(i * M_PI / 4), 4 * sin(i * M_PI / 4));
    steps(s, 15 * 30);
    int fell = 0, stood = 0;
    for (int i = 0; i < N; i++) {
        const ami_member_view v = view(s, i);
        fell += v.falls > 0;
        stood += v.falls > 0 && v.stood > 0;
        assert_true(v.lifts == 0 && v.restarts == 0);
    }
    assert_true(fell >= N / 2);
    assert_true(stood >= fell - 1);
    ami_session_destroy(s);
    ami_skill_free(walker);
    ami_skill_free(own[0]);
    ami_skill_free(own[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stage_follows_stage),
        cmocka_unit_test(the_side_decides),
        cmocka_unit_test(failures_begin_anew),
        cmocka_unit_test(requests_are_kept),
        cmocka_unit_test(pulls_delay_and_pushes_act),
        cmocka_unit_test(a_lift_ends_it),
        cmocka_unit_test(a_broken_state_ends_it),
        cmocka_unit_test(a_fall_ends_a_single_motion),
        cmocka_unit_test(saved_in_any_stage_it_goes_on_to_the_bit),
        cmocka_unit_test(history_goes_back_and_repeats),
        cmocka_unit_test(threads_and_batches_do_not_matter),
        cmocka_unit_test(a_step_allocates_nothing),
        cmocka_unit_test(limbs_collide_while_it_is_down),
        cmocka_unit_test(missing_actors_are_named),
        cmocka_unit_test(amble_gets_up),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
