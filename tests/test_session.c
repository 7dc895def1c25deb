/* The viewer's session without any window: the same bits as a rollout, history, pushes, pulls, resets,
 * skills. */
#include "tests/session_fixture.h"

#include "session/internal.h"

static ami_skill *skill;

static int set_up(void **state)
{
    load_body(state);
    skill = make_skill("march", .3, true, 11);
    return 0;
}

static int tear_down(void **state)
{
    ami_skill_free(skill);
    return unload_body(state);
}

static void steps(ami_session *s, int n)
{
    for (int i = 0; i < n; i++)
        assert_true(ami_session_step(s));
}

static void apply(ami_session *s, ami_command_kind kind, double value)
{
    ami_session_apply(s, &(ami_command){.kind = kind, .value = value});
}

static ami_snapshot look(const ami_session *s, int characters)
{
    static ami_snapshot snapshot;
    free(snapshot.body);
    assert_true(ami_session_snapshot_init(&snapshot, characters, NULL));
    ami_session_look(s, &snapshot);
    return snapshot;
}

/* Eleven characters make two groups. Long enough that some fall, and get up again, which a rollout does not
 * simulate. */
static void untouched_it_is_a_rollout(void **state)
{
    (void)state;
    ami_session_def def = session_def(skill, 11);
    def.env.push_speed = 1.5;
    def.get_up_s = .5;
    for (int seconds = 1; seconds <= 4; seconds += 3) {
        ami_session *s = make_session(&def);
        steps(s, 30 * seconds);
        const ami_snapshot snap = look(s, 11);
        int fallen = 0;
        for (int i = 0; i < 11; i++)
            fallen += snap.body[i].down || snap.body[i].up_s < seconds - .01;
        assert_int_equal(ami_session_hash(s), rollout_hash(&def, seconds));
        if (seconds == 4)
            assert_true(fallen > 0); /* otherwise this test says nothing about falls */
        ami_session_destroy(s);
    }
}

static void stops_at_its_limit(void **state)
{
    (void)state;
    ami_session_def def = session_def(skill, 1);
    def.step_limit = 5;
    ami_session *s = make_session(&def);
    steps(s, 5);
    assert_false(ami_session_step(s));
    assert_int_equal(ami_session_steps(s), 5);
    assert_true(look(s, 1).finished);
    ami_session_destroy(s);
}

static void history_goes_back_and_repeats(void **state)
{
    (void)state;
    ami_session_def def = session_def(skill, 3);
    def.get_up_s = -1;
    ami_session *s = make_session(&def);
    uint64_t hash[401];
    for (int i = 0; i <= 400; i++) {
        hash[i] = ami_session_hash(s);
        if (i < 400)
            steps(s, 1);
    }
    apply(s, AMI_DO_STEP, -300); /* ten seconds */
    assert_int_equal(ami_session_steps(s), 100);
    assert_int_equal(ami_session_hash(s), hash[100]);
    apply(s, AMI_DO_STEP, 7);
    assert_int_equal(ami_session_hash(s), hash[107]);
    steps(s, 50); /* simulated anew: the same */
    assert_int_equal(ami_session_hash(s), hash[157]);
    assert_int_equal(look(s, 3).newest, 157);
    apply(s, AMI_DO_STEP, -1000);
    assert_int_equal(ami_session_steps(s), 0);
    assert_int_equal(ami_session_hash(s), hash[0]);
    ami_session_destroy(s);
}

static void history_is_bounded(void **state)
{
    (void)state;
    ami_session_def def = session_def(skill, 1);
    def.history_s = 1;
    def.get_up_s = -1;
    ami_session *s = make_session(&def);
    steps(s, 100);
    assert_int_equal(look(s, 1).oldest, 70);
    apply(s, AMI_DO_STEP, -1000);
    assert_int_equal(ami_session_steps(s), 70);
    ami_session_destroy(s);
}

/* What was done is part of what is gone through again; doing something else in the past begins another story.
 */
static void history_knows_pushes(void **state)
{
    (void)state;
    const ami_session_def def = session_def(skill, 1);
    ami_session *s = make_session(&def);
    steps(s, 10);
    const uint64_t before = ami_session_hash(s);
    ami_session_apply(s, &(ami_command){.kind = AMI_DO_PUSH, .v = {.5, .2, 0}});
    assert_int_not_equal(ami_session_hash(s), before);
    steps(s, 10);
    const uint64_t after = ami_session_hash(s);
    apply(s, AMI_DO_STEP, -15);
    apply(s, AMI_DO_STEP, 15);
    assert_int_equal(ami_session_hash(s), after);
    apply(s, AMI_DO_STEP, -15);
    apply(s, AMI_DO_TURN, .5);
    assert_int_equal(look(s, 1).newest, 5);
    apply(s, AMI_DO_STEP, 15);
    assert_int_not_equal(ami_session_hash(s), after);
    assert_int_equal(ami_session_steps(s), 20);
    ami_session_destroy(s);
}

static void a_push_changes_the_speed(void **state)
{
    (void)state;
    const ami_session_def def = session_def(skill, 2);
    ami_session *a = make_session(&def), *b = make_session(&def);
    steps(a, 3);
    steps(b, 3);
    ami_session_apply(b, &(ami_command){.kind = AMI_DO_PUSH, .character = 1, .v = {0, 1, 0}});
    steps(a, 1);
    steps(b, 1);
    ami_snapshot snap = look(b, 2);
    assert_int_equal(snap.pushes, 1);
    assert_int_equal(snap.pushed_character, 1);
    assert_true(snap.pushed_ago < .05);
    const double y0 = snap.body[0].pose[1], y1 = snap.body[1].pose[1];
    snap = look(a, 2);
    assert_true(y0 == snap.body[0].pose[1]); /* nobody else is pushed */
    assert_true(y1 - snap.body[1].pose[1] > .015 && y1 - snap.body[1].pose[1] < .04);
    ami_session_destroy(a);
    ami_session_destroy(b);
}

static double wrist_to(const ami_snapshot *snap, const double target[3])
{
    double joint[AMI_BODIES][3], rot[AMI_BODIES][4];
    ami_fk(&character->skeleton, snap->body[0].pose, joint, rot);
    return mju_dist3(joint[AMI_RIGHT_WRIST], target);
}

static void a_pull_draws_the_limb_and_ends(void **state)
{
    (void)state;
    ami_session_def def = session_def(skill, 1);
    def.get_up_s = -1;
    ami_session *a = make_session(&def), *b = make_session(&def);
    const double target[3] = {.5, -.4, 1.5};
    ami_session_apply(b, &(ami_command){.kind = AMI_DO_PULL,
                                        .body = AMI_RIGHT_WRIST,
                                        .v = {0, 0, 0, target[0], target[1], target[2]}});
    steps(a, 8);
    steps(b, 8);
    ami_snapshot snap = look(b, 1);
    assert_true(snap.pulling);
    assert_int_equal(snap.pulled_body, AMI_RIGHT_WRIST);
    const double pulled = wrist_to(&snap, target);
    snap = look(a, 1);
    assert_false(snap.pulling);
    if (!(pulled < .75 * wrist_to(&snap, target)))
        fail_msg("%g m from the target, without a pull %g m", pulled, wrist_to(&snap, target));
    const mjData *d = b->member[0].env.world.data;
    double force = 0;
    for (int i = 0; i < 6 * character->model->nbody; i++)
        force += fabs(d->xfrc_applied[i]);
    assert_true(force > 10);
    apply(b, AMI_DO_RELEASE, 0);
    steps(b, 1);
    assert_false(look(b, 1).pulling);
    for (int i = 0; i < 6 * character->model->nbody; i++)
        assert_true(d->xfrc_applied[i] == 0);
    ami_session_destroy(a);
    ami_session_destroy(b);
}

static void restart_is_the_beginning(void **state)
{
    (void)state;
    const ami_session_def def = session_def(skill, 3);
    ami_session *s = make_session(&def);
    const uint64_t begin = ami_session_hash(s);
    steps(s, 30);
    const uint64_t later = ami_session_hash(s);
    assert_int_not_equal(begin, later);
    ami_session_apply(s, &(ami_command){.kind = AMI_DO_PUSH, .v = {2, 0, 0}});
    steps(s, 30);
    apply(s, AMI_DO_RESTART, 0);
    assert_int_equal(ami_session_steps(s), 0);
    assert_int_equal(ami_session_hash(s), begin);
    steps(s, 30);
    assert_int_equal(ami_session_hash(s), later);
    ami_session_destroy(s);
}

static void reset_keeps_the_place(void **state)
{
    (void)state;
    ami_session_def def = session_def(skill, 2);
    def.get_up_s = -1;
    def.env.start_at[0] = 3;
    ami_session *s = make_session(&def);
    ami_session_apply(s, &(ami_command){.kind = AMI_DO_PUSH, .v = {5, 0, 0}});
    steps(s, 60);
    ami_snapshot snap = look(s, 2);
    assert_true(snap.body[0].down);
    const double x = snap.body[0].pose[0], y = snap.body[0].pose[1], other = snap.body[1].pose[0];
    assert_true(x > 3.3);
    ami_session_apply(s, &(ami_command){.kind = AMI_DO_RESET, .character = 0});
    snap = look(s, 2);
    assert_false(snap.body[0].down);
    assert_true(fabs(snap.body[0].pose[0] - x) < 1e-9 && fabs(snap.body[0].pose[1] - y) < 1e-9);
    assert_true(snap.body[0].pose[2] > .7);
    assert_true(snap.body[0].up_s == 0);
    assert_true(snap.body[1].pose[0] == other);
    ami_session_destroy(s);
}

/* Getting up does not move the appointed pushes. */
static void pushes_keep_their_times(void **state)
{
    (void)state;
    ami_session_def def = session_def(skill, 1);
    def.env.push_speed = .1;
    def.env.push_period = 1;
    ami_session *s = make_session(&def);
    steps(s, 20);
    apply(s, AMI_DO_RESET, 0);
    steps(s, 10);
    assert_true(fabs(s->member[0].env.next_push - 1) < 1e-9);
    steps(s, 2);
    assert_true(fabs(s->member[0].env.next_push - 2) < 1e-9);
    ami_session_destroy(s);
}

static void the_fallen_get_up(void **state)
{
    (void)state;
    ami_session_def def = session_def(skill, 1);
    def.get_up_s = .5;
    ami_session *s = make_session(&def);
    ami_session_apply(s, &(ami_command){.kind = AMI_DO_PUSH, .v = {5, 0, 0}});
    int down = 0, risen = 0;
    for (int i = 0; i < 90 && !risen; i++) {
        steps(s, 1);
        const bool is_down = look(s, 1).body[0].down;
        risen = down && !is_down;
        down += is_down;
    }
    assert_true(risen);
    assert_in_range(down, 14, 17); /* half a second */
    ami_session_destroy(s);
}

static void turning_and_pace(void **state)
{
    (void)state;
    const ami_session_def def = session_def(skill, 1);
    ami_session *s = make_session(&def);
    const double phase = look(s, 1).phase, heading = look(s, 1).reference_heading;
    apply(s, AMI_DO_TURN, .6);
    apply(s, AMI_DO_PACE, 1.2);
    steps(s, 10);
    ami_snapshot snap = look(s, 1);
    assert_true(fabs(snap.reference_heading - heading - .2) < 1e-9);
    double gone = snap.phase - phase;
    gone -= floor(gone);
    assert_true(fabs(gone - 1.2 / 3) < 1e-9); /* a cycle takes 1 s */
    apply(s, AMI_DO_TURN, 0);
    steps(s, 5);
    assert_true(look(s, 1).reference_heading == snap.reference_heading);
    apply(s, AMI_DO_PACE, 9);
    assert_true(look(s, 1).pace == 1.3);
    ami_session_destroy(s);
}

static void another_skill_takes_over(void **state)
{
    (void)state;
    ami_skill *high = make_skill("high", .5, true, 1), *single = make_skill("single", .4, false, 1);
    const ami_session_def def = session_def(skill, 1);
    ami_session *s = make_session(&def);
    steps(s, 5);
    apply(s, AMI_DO_SKILL, 1); /* there is none */
    assert_int_equal(look(s, 1).skill, 0);
    ami_session_apply(s, &(ami_command){.kind = AMI_DO_REPLACE, .value = 1, .skill = high});
    ami_session_apply(s, &(ami_command){.kind = AMI_DO_REPLACE, .value = 2, .skill = single});
    assert_int_equal(look(s, 1).skills, 3);
    double before[AMI_POSE], after[AMI_POSE];
    memcpy(before, look(s, 1).body[0].pose, sizeof before);
    apply(s, AMI_DO_SKILL, 1);
    for (int i = 0; i < 100 && look(s, 1).skill != 1; i++) /* it may wait for a good moment */
        steps(s, 1);
    assert_int_equal(look(s, 1).skill, 1);
    if (ami_session_steps(s) == 5) {
        memcpy(after, look(s, 1).body[0].pose, sizeof after);
        assert_memory_equal(before, after, sizeof before); /* trying ways leaves no trace in the body */
    }
    apply(s, AMI_DO_SKILL, 2);
    for (int i = 0; i < 120 && look(s, 1).skill != 2; i++)
        steps(s, 1);
    assert_int_equal(look(s, 1).skill, 2);
    for (int i = 0; i < 150 && look(s, 1).skill == 2; i++) /* over after a second, then back */
        steps(s, 1);
    assert_int_equal(look(s, 1).skill, 1);
    ami_session_destroy(s);
    ami_skill_free(high);
    ami_skill_free(single);
}

/* A clip that is written as a loop, but is done once: the motion before it resumes; with cycles after so many; and
 * what follows may be another skill. The bodies cannot fall here, so nothing waits. */
static void a_loop_done_once_ends(void **state)
{
    (void)state;
    ami_skill *walk = make_skill("walk", .3, true, 1), *hop = make_skill("hop", .4, true, 1),
              *last = make_skill("last", .5, true, 1);
    walk->may_touch = hop->may_touch = last->may_touch = (1u << AMI_BODIES) - 1;
    hop->ends = true;
    ami_session_def def = session_def(walk, 1);
    def.skill[1] = hop;
    def.skill[2] = last;
    def.skills = 3;
    def.entry_tries = 0;
    ami_session *s = make_session(&def);
    steps(s, 7);
    apply(s, AMI_DO_SKILL, 1);
    assert_int_equal(look(s, 1).skill, 1);
    const double entered = look(s, 1).phase;
    assert_true(entered <= .25); /* near its beginning */
    int took = 0;
    for (; took < 100 && look(s, 1).skill == 1; took++)
        steps(s, 1);
    assert_int_equal(look(s, 1).skill, 0);
    assert_in_range(took, (int)(30 * (1 - entered)) - 12, (int)(30 * (1 - entered)) + 1);
    ami_session_apply(s, &(ami_command){.kind = AMI_DO_SKILL, .value = 1, .cycles = 3});
    for (took = 0; took < 200 && look(s, 1).skill == 1; took++)
        steps(s, 1);
    assert_in_range(took, 60, 91);
    ami_session_apply(s, &(ami_command){.kind = AMI_DO_SKILL, .value = 2, .cycles = 1}); /* of a loop */
    for (took = 0; took < 200 && look(s, 1).skill == 2; took++)
        steps(s, 1);
    assert_in_range(took, 5, 61);
    assert_int_equal(look(s, 1).skill, 0);
    strcpy(hop->then, "last");
    apply(s, AMI_DO_SKILL, 1);
    steps(s, 10);
    void *saved = malloc(ami_session_save_size(s));
    assert_non_null(saved);
    ami_session_save(s, saved);
    steps(s, 25);
    assert_int_equal(look(s, 1).skill, 2);
    const uint64_t hash = ami_session_hash(s);
    apply(s, AMI_DO_STEP, -25); /* what is left of the motion comes back with its step … */
    assert_int_equal(look(s, 1).skill, 1);
    apply(s, AMI_DO_STEP, 25);
    assert_int_equal(look(s, 1).skill, 2);
    ami_error err = {""};
    assert_true(ami_session_load(s, saved, &err)); /* … and with a saved state */
    steps(s, 25);
    assert_int_equal(look(s, 1).skill, 2);
    assert_true(ami_session_hash(s) == hash);
    steps(s, 90); /* a loop: for good */
    assert_int_equal(look(s, 1).skill, 2);
    free(saved);
    ami_session_destroy(s);
    ami_skill_free(walk);
    ami_skill_free(hop);
    ami_skill_free(last);
}

/* Foreseeing simulates and takes back; the body must not notice. */
static void trying_leaves_no_trace(void **state)
{
    (void)state;
    ami_skill *same = make_skill("same", .3, true, 1);
    const ami_session_def def = session_def(skill, 1);
    ami_session *a = make_session(&def), *b = make_session(&def);
    steps(a, 9);
    steps(b, 9);
    const uint64_t hash = ami_session_hash(a);
    ami_session_apply(b, &(ami_command){.kind = AMI_DO_REPLACE, .value = 1, .skill = same});
    apply(b, AMI_DO_SKILL, 1);
    assert_int_equal(ami_session_hash(b), hash);
    ami_session_destroy(a);
    ami_session_destroy(b);
    ami_skill_free(same);
}

/* Nor must what is drawn of it: the contacts are those of the last step, and not of a body that was tried
 * out. */
static void trying_leaves_the_contacts(void **state)
{
    (void)state;
    ami_skill *high = make_skill("high", .5, true, 1);
    const ami_session_def def = session_def(skill, 1);
    ami_session *s = make_session(&def);
    for (int i = 0; i < 60 && !look(s, 1).contacts; i++)
        steps(s, 1);
    static ami_view_contact before[AMI_VIEW_CONTACTS];
    const int contacts = look(s, 1).contacts;
    assert_in_range(contacts, 1, AMI_VIEW_CONTACTS);
    memcpy(before, look(s, 1).contact, sizeof before);
    ami_session_apply(s, &(ami_command){.kind = AMI_DO_REPLACE, .value = 1, .skill = high});
    apply(s, AMI_DO_SKILL, 1);
    const ami_snapshot snap = look(s, 1);
    assert_int_equal(snap.contacts, contacts);
    assert_memory_equal(snap.contact, before, (size_t)contacts * sizeof *before);
    ami_session_destroy(s);
    ami_skill_free(high);
}

/* Many steps, one at a time: the same as at once, and one command. */
static void a_command_in_parts(void **state)
{
    (void)state;
    const ami_session_def def = session_def(skill, 2);
    ami_session *a = make_session(&def), *b = make_session(&def);
    static const int by[] = {20, -15, 25, -1000, 7, 0};
    for (size_t i = 0; i < sizeof by / sizeof *by; i++) {
        ami_command rest = {.kind = AMI_DO_STEP, .value = by[i]};
        apply(a, AMI_DO_STEP, by[i]);
        int parts = 1;
        for (; ami_session_apply_part(b, &rest); parts++)
            assert_int_equal(look(b, 2).commands_done, i);
        assert_true(parts <= 21);
        assert_int_equal(look(b, 2).commands_done, i + 1);
        assert_int_equal(look(a, 2).commands_done, i + 1);
        assert_int_equal(ami_session_steps(a), ami_session_steps(b));
        assert_int_equal(ami_session_hash(a), ami_session_hash(b));
    }
    assert_int_equal(ami_session_steps(b), 7);
    ami_command far = {.kind = AMI_DO_STEP, .value = 1e9};
    for (int i = 0; i < 3; i++)
        assert_true(ami_session_apply_part(b, &far));
    assert_int_equal(ami_session_steps(b), 32); /* what was left of the history at once, then two more */
    assert_true(far.value == 1e9 - 25);
    ami_session_destroy(a);
    ami_session_destroy(b);
}

/* Numbers that no int holds, and none at all: as the nearest one that means something. */
static void numbers_of_commands_have_bounds(void **state)
{
    (void)state;
    static const double wild[] = {1e300, -1e300, 3e9, -3e9, (double)INFINITY, (double)-INFINITY, (double)NAN};
    ami_session_def def = session_def(skill, 1);
    def.step_limit = 40;
    ami_session *s = make_session(&def);
    for (ami_command_kind kind = AMI_DO_NOTHING; kind <= AMI_DO_FOLLOW; kind++)
        for (size_t i = 0; i < sizeof wild / sizeof *wild; i++) {
            if (kind == AMI_DO_TURN) /* an angle's rate has no bounds */
                continue;
            ami_session_apply(s, &(ami_command){.kind = kind, .value = wild[i]});
            ami_session_step(s);
            const ami_snapshot snap = look(s, 1);
            assert_int_equal(snap.skill, 0);
            assert_true(snap.step >= snap.oldest && snap.step <= 40);
            assert_true(snap.pace >= .7 && snap.pace <= 1.3);
        }
    ami_session_destroy(s);
}

static void a_newer_model_goes_on_in_mid_step(void **state)
{
    (void)state;
    ami_skill *newer = make_skill("newer", .3, true, 1);
    const ami_session_def def = session_def(skill, 1);
    ami_session *a = make_session(&def), *b = make_session(&def);
    steps(a, 12);
    steps(b, 12);
    ami_session_apply(b, &(ami_command){.kind = AMI_DO_REPLACE, .value = 0, .skill = newer});
    assert_int_equal(look(b, 1).commands_done, 1);
    steps(a, 12);
    steps(b, 12);
    assert_int_equal(ami_session_hash(a), ami_session_hash(b)); /* it is the same network */
    ami_session_destroy(a);
    ami_session_destroy(b);
    ami_skill_free(newer);
}

/* A skill that sees the goal and one that does not, in turn: what each is shown changes with it, and its
 * critic evaluates what it sees. */
static void skills_may_see_different_things(void **state)
{
    (void)state;
    ami_skill *seeing = make_skill_of(AMI_OBS_MAX, "seeing", .5, true, 1);
    const ami_session_def def = session_def(skill, 1);
    ami_session *s = make_session(&def);
    steps(s, 5);
    ami_session_apply(s, &(ami_command){.kind = AMI_DO_REPLACE, .value = 1, .skill = seeing});
    for (int wanted = 1; wanted >= 0; wanted--) {
        const ami_skill *shown = wanted ? seeing : skill;
        apply(s, AMI_DO_SKILL, wanted);
        for (int i = 0; i < 70 && look(s, 1).skill != wanted; i++)
            steps(s, 1);
        assert_int_equal(look(s, 1).skill, wanted);
        steps(s, 3);
        const ami_env *env = &s->member[0].env;
        const int inputs = ami_model_inputs(shown->policy.actor);
        assert_int_equal(ami_env_obs_size(env), inputs);
        float obs[AMI_OBS_MAX], value;
        ami_env_observe(env, obs);
        void *workspace = malloc(ami_model_workspace_size(shown->critic, 1));
        ami_model_run(shown->critic, workspace, obs, 1, &value);
        free(workspace);
        assert_true((double)value == s->value);
    }
    ami_session_destroy(s);
    ami_skill_free(seeing);
}

static void contacts_carry_the_weight(void **state)
{
    (void)state;
    const ami_session_def def = session_def(skill, 1);
    ami_session *s = make_session(&def);
    double sum = 0;
    int seen = 0;
    for (int i = 0; i < 30; i++) {
        steps(s, 1);
        const ami_snapshot snap = look(s, 1);
        for (int k = 0; k < snap.contacts; k++) {
            sum += snap.contact[k].force[2];
            assert_true(fabs(snap.contact[k].at[2]) < .05);
            seen++;
        }
    }
    assert_true(seen > 20);
    assert_true(sum / 30 > .5 * character->mass * 9.8 && sum / 30 < 1.6 * character->mass * 9.8);
    ami_session_destroy(s);
}

static void following_and_value(void **state)
{
    (void)state;
    const ami_session_def def = session_def(skill, 3);
    ami_session *s = make_session(&def);
    steps(s, 4);
    const double value = look(s, 3).value;
    assert_true(isfinite(value));
    ami_session_apply(s, &(ami_command){.kind = AMI_DO_FOLLOW, .character = 2});
    const ami_snapshot snap = look(s, 3);
    assert_int_equal(snap.follow, 2);
    assert_true(snap.value != value);
    ami_session_apply(s, &(ami_command){.kind = AMI_DO_FOLLOW, .character = 3});
    assert_int_equal(look(s, 3).follow, 2);
    ami_session_destroy(s);
}

static void refuses(void **state)
{
    (void)state;
    ami_error err;
    ami_session_def def = session_def(skill, 0);
    assert_null(ami_session_create(&def, &err));
    assert_string_equal(err.text, "0 characters, expected 1 to 1000");
    const ami_skill_def other = {.policy = skill->path,
                                 .motion = scratch("march.txt"),
                                 .character = character,
                                 .substeps = 5,
                                 .characters = 1};
    assert_null(ami_skill_load(&other, &err));
    assert_non_null(strstr(err.text, "30 Hz, but this session runs at 120 and 24 Hz"));
    /* The critic of a policy that sees less. */
    ami_skill *seeing = make_skill_of(AMI_OBS_MAX, "seeing", .5, true, 1);
    const ami_skill_def pair = {.policy = seeing->path,
                                .critic = scratch("march_critic.onnx"),
                                .motion = scratch("seeing.txt"),
                                .character = character,
                                .substeps = 4,
                                .characters = 1};
    assert_null(ami_skill_load(&pair, &err));
    assert_non_null(strstr(
        err.text,
        "march_critic.onnx: the network has 197 inputs and 1 outputs, expected a critic with 246 and 1"));
    ami_skill_free(seeing);
}

/* ---- the whole state ---- */

/* Everything that a session can be in the middle of. */
static void busy(ami_session *s)
{
    apply(s, AMI_DO_HEADING, 1.1);
    apply(s, AMI_DO_PACE, 1.2);
    steps(s, 20);
    ami_session_apply(s, &(ami_command){.kind = AMI_DO_PUSH, .character = 3, .v = {4, 3, 0}});
    ami_session_apply(
        s, &(ami_command){.kind = AMI_DO_PULL, .character = 5, .body = 8, .v = {0, 0, 0, 2, 1, 1}});
    ami_session_apply(s, &(ami_command){.kind = AMI_DO_FOLLOW, .character = 4});
    steps(s, 13);
}

static void a_saved_session_goes_on_to_the_bit(void **state)
{
    (void)state;
    const ami_session_def def = session_def(skill, 11);
    ami_session *s = make_session(&def);
    const size_t size = ami_session_save_size(s);
    char *saved = malloc(size), *again = malloc(size);
    assert_true(saved && again);
    busy(s);
    ami_session_save(s, saved);
    steps(s, 60);
    const uint64_t expected = ami_session_hash(s);
    ami_session_save(s, again);
    assert_memory_not_equal(saved, again, size);

    ami_error err = {""};
    ami_session *other = make_session(&def);
    steps(other, 7);
    for (int k = 0; k < 2; k++) {
        ami_session *to = k ? s : other;
        assert_true(ami_session_load(to, saved, &err));
        ami_session_save(to, again);
        assert_memory_equal(saved, again, size);
        assert_int_equal(ami_session_steps(to), 33);
        assert_int_equal(look(to, 11).follow, 4);
        assert_int_equal(look(to, 11).oldest, 33); /* the history begins anew */
        steps(to, 60);
        assert_int_equal(ami_session_hash(to), expected);
    }
    /* What no session can be in is refused, and nothing changes. */
    memcpy(again, saved, size);
    const int32_t none = 99;
    memcpy(again + 6 * sizeof(int64_t) + 2 * sizeof none, &none, sizeof none); /* the skill's number */
    assert_false(ami_session_load(s, again, &err));
    assert_non_null(strstr(err.text, "11 characters"));
    assert_int_equal(ami_session_hash(s), expected);
    ami_session_destroy(s);
    ami_session_destroy(other);
    free(saved);
    free(again);
}

static void a_heading_is_turned_to(void **state)
{
    (void)state;
    const ami_session_def def = session_def(skill, 2);
    ami_session *s = make_session(&def);
    const double from = look(s, 2).reference_heading;
    apply(s, AMI_DO_HEADING, from + .5);
    steps(s, 10);
    const double turned = look(s, 2).reference_heading - from;
    assert_true(turned > .15 && turned < .8 * 10 / 30 + .01); /* .8 rad/s at most */
    steps(s, 80);
    assert_true(fabs(look(s, 2).reference_heading - from - .5) < .01);
    apply(s, AMI_DO_TURN, .3); /* ends it */
    steps(s, 30);
    assert_true(fabs(look(s, 2).reference_heading - from - .5 - .3) < .02);
    apply(s, AMI_DO_HEADING, from);
    steps(s, 10);
    apply(s, AMI_DO_TURN, 0);
    apply(s, AMI_DO_HEADING, NAN); /* nowhere */
    const double here = look(s, 2).reference_heading;
    assert_true(fabs(here - from) > .1);
    steps(s, 30);
    assert_true(look(s, 2).reference_heading == here);
    ami_session_destroy(s);
}

/* Each shares its networks with the others, and goes on as alone. */
static void sessions_step_together(void **state)
{
    (void)state;
    enum { N = 5 };
    ami_session *one[N], *alone[N];
    ami_skill *shared[2 * N];
    ami_error err = {""};
    for (int i = 0; i < 2 * N; i++) {
        assert_non_null(shared[i] = ami_skill_share(skill, 1, &err));
        ami_session_def def = session_def(shared[i], 1);
        def.env.seed = (uint64_t)(i % N);
        def.unmeasured = i % 2;
        *(i < N ? &one[i] : &alone[i - N]) = make_session(&def);
    }
    for (int step = 0; step < 60; step++) {
        ami_session_step_together(one, N);
        for (int i = 0; i < N; i++)
            assert_true(ami_session_step(alone[i]));
        if (step == 20)
            for (int k = 0; k < 2; k++)
                ami_session_apply(k ? one[2] : alone[2], &(ami_command){.kind = AMI_DO_PUSH, .v = {4, 0, 0}});
    }
    for (int i = 0; i < N; i++) {
        assert_int_equal(ami_session_hash(one[i]), ami_session_hash(alone[i]));
        assert_true(i == 0 || ami_session_hash(one[i]) != ami_session_hash(one[0]));
    }
    for (int i = 0; i < N; i++) {
        ami_session_destroy(one[i]);
        ami_session_destroy(alone[i]);
    }
    for (int i = 0; i < 2 * N; i++)
        ami_skill_free(shared[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(untouched_it_is_a_rollout),
        cmocka_unit_test(stops_at_its_limit),
        cmocka_unit_test(history_goes_back_and_repeats),
        cmocka_unit_test(history_is_bounded),
        cmocka_unit_test(history_knows_pushes),
        cmocka_unit_test(a_push_changes_the_speed),
        cmocka_unit_test(a_pull_draws_the_limb_and_ends),
        cmocka_unit_test(restart_is_the_beginning),
        cmocka_unit_test(reset_keeps_the_place),
        cmocka_unit_test(pushes_keep_their_times),
        cmocka_unit_test(the_fallen_get_up),
        cmocka_unit_test(turning_and_pace),
        cmocka_unit_test(another_skill_takes_over),
        cmocka_unit_test(a_loop_done_once_ends),
        cmocka_unit_test(trying_leaves_no_trace),
        cmocka_unit_test(trying_leaves_the_contacts),
        cmocka_unit_test(a_command_in_parts),
        cmocka_unit_test(numbers_of_commands_have_bounds),
        cmocka_unit_test(a_newer_model_goes_on_in_mid_step),
        cmocka_unit_test(skills_may_see_different_things),
        cmocka_unit_test(contacts_carry_the_weight),
        cmocka_unit_test(following_and_value),
        cmocka_unit_test(a_saved_session_goes_on_to_the_bit),
        cmocka_unit_test(a_heading_is_turned_to),
        cmocka_unit_test(sessions_step_together),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
