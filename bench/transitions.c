/* amble-bench transitions: from styles into skills and back, for many characters: how many are still up 3 s after each
 * transition, and how long they wait for its moment.
 *
 * Every character follows a style for 3 to 5 s, so that the request meets any moment of it. A skill that loops is
 * left 3 s after it was entered, by a request; one that is done once leaves by itself. Who falls is not simulated
 * any further. Results depend on the seed and the options alone. */
#include "base/rng.h"
#include "bench/bench.h"
#include "options/options.h"
#include "options/threads.h"
#include "policy/repertoire.h"
#include "session/solo.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_FROM = 'f', KEY_SKILLS = 'k', KEY_CHARACTERS = 'n', KEY_TRIES = CLI_KEY_OWN, KEY_EACH, KEY_BY };
enum { NAMES = 32 };
static const double before_s[2] = {3, 5}, after_s = 3, limit_s = 40;

typedef struct arguments {
    cli_common common;
    const char *from, *skills;
    int characters, tries, each;
    bool by_value;
} arguments;

static error_t parse(int key, char *text, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->common;
        return 0;
    case KEY_FROM:
        a->from = text;
        return 0;
    case KEY_SKILLS:
        a->skills = text;
        return 0;
    case KEY_CHARACTERS:
        a->characters = (int)cli_int(state, text, 1, 65536, "--characters");
        return 0;
    case KEY_TRIES:
        a->tries = (int)cli_int(state, text, 0, AMI_SKILL_PHASES, "--entry-tries");
        return 0;
    case KEY_EACH:
        a->each = (int)cli_int(state, text, 0, AMI_SKILL_PHASES, "--entry-per-step");
        return 0;
    case KEY_BY:
        a->by_value = !strcmp(text, "value");
        if (!a->by_value && strcmp(text, "pose") != 0)
            argp_error(state, "--entry-by: \"%s\", expected pose or value", text);
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" found where nothing is expected", text);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"from", KEY_FROM, "LIST", 0, "styles to come from and return to (default walk,jog,run)", 1},
    {"skills", KEY_SKILLS, "LIST", 0,
     "skills to enter, names, models or files (default: amble's own whose motions are here)", 1},
    {"characters", KEY_CHARACTERS, "N", 0, "characters for each pair (default 256)", 1},
    {"entry-tries", KEY_TRIES, "N", 0, "phases of the new motion that are candidates (default as a session)",
     2},
    {"entry-per-step", KEY_EACH, "N", 0,
     "of them simulated ahead in a step (default as a session); 0: all, every third step", 2},
    {"entry-by", KEY_BY, "pose|value", 0,
     "order of the candidates: nearest pose (default), or highest value of the skill's critic", 2},
    {0},
};

/* One character on its way. */
typedef struct trip {
    ami_solo solo;
    double begin, asked, entered, left, back; /* s: leaves the style, …; NAN: not yet */
    bool fell, up_in, up_back;                /* up: 3 s after entered, back */
    bool done;
} trip;

typedef struct pair_result {
    int characters, up_in, returned, up_back, up_all;
    double *wait, *wait_back; /* (characters), sorted; of those that entered and went back */
    int waits, waits_back;
} pair_result;

static void request(trip *t, int skill)
{
    ami_session_apply(t->solo.session, &(ami_command){.kind = AMI_DO_SKILL, .value = skill});
}

static void before_step(trip *t, int skill, double now)
{
    if (isnan(t->asked) && now >= t->begin) {
        t->asked = now;
        request(t, skill);
    } else if (!isnan(t->entered) && isnan(t->left) && ami_skill_loops(t->solo.skill[skill]) &&
               now >= t->entered + after_s) {
        t->left = now;
        request(t, 0);
    }
}

static void after_step(trip *t, int skill, double now)
{
    ami_member_view view;
    ami_session_view(t->solo.session, 0, &view);
    t->fell = t->fell || view.down || view.restarts > 0;
    if (!isnan(t->asked) && isnan(t->entered) && view.skill == skill)
        t->entered = now;
    if (!isnan(t->entered) && isnan(t->left) && view.requested == 0)
        t->left = now;
    if (!isnan(t->left) && isnan(t->back) && view.skill == 0)
        t->back = now;
    t->up_in = t->up_in || (!t->fell && now >= t->entered + after_s);
    t->up_back = t->up_back || (!t->fell && now >= t->back + after_s);
    t->done = t->fell || (t->up_in && t->up_back) || now > limit_s;
}

static bool travel(trip *t, int count, int skill)
{
    const double dt = ami_session_dt(t[0].solo.session);
    ami_session *session[AMI_SKILL_GROUP];
    for (int64_t step = 0;; step++) {
        int n = 0;
        for (int i = 0; i < count; i++)
            if (!t[i].done) {
                before_step(&t[i], skill, (double)step * dt);
                session[n++] = t[i].solo.session;
            }
        if (n == 0)
            return true;
        ami_session_step_together(session, n);
        for (int i = 0; i < count; i++)
            if (!t[i].done)
                after_step(&t[i], skill, (double)(step + 1) * dt);
    }
}

static void count(const trip *t, pair_result *r)
{
    r->up_in += t->up_in;
    r->up_back += t->up_back;
    if (!isnan(t->entered))
        r->wait[r->waits++] = t->entered - t->asked;
    if (!isnan(t->back)) {
        r->returned++;
        r->wait_back[r->waits_back++] = t->back - t->left;
    }
}

static bool run_pair(const arguments *a, const ami_repertoire *w, const char *from, int skill, pair_result *r,
                     ami_error *err)
{
    ami_style_plan plan;
    if (!ami_style_plan_parse(&plan, w->motions.styles, from, err))
        return false;
    ami_generator_def generator = ami_generator_default_def(&w->motions.nets, &plan);
    ami_env_def env = ami_env_default_def(w->body, NULL);
    ami_policy_use(&w->skill[0]->policy, &env);
    ami_session_def def = ami_session_default_def(&env, w->skill[0], 1);
    memcpy(def.skill, w->skill, sizeof def.skill);
    def.skills = w->skills;
    def.get_up_s = -1;
    def.styles_tried = true;
    def.entry_by_value = a->by_value;
    def.entry_tries = a->tries >= 0 ? a->tries : def.entry_tries;
    def.entry_per_step = a->each >= 0 ? a->each : def.entry_per_step;
    trip *t = calloc((size_t)a->characters, sizeof *t);
    bool ok = t || ami_fail(err, "out of memory for %d characters", a->characters);
    for (int i = 0; ok && i < a->characters; i++) {
        ami_rng rng = ami_rng_seed(a->common.seed, (UINT64_C(6) << 32) + (uint64_t)i);
        t[i].begin = ami_rng_range(&rng, before_s[0], before_s[1]);
        def.env.start_phase = ami_rng_uniform(&rng);
        t[i].asked = t[i].entered = t[i].left = t[i].back = (double)NAN;
        ok = ami_solo_make(&t[i].solo, &def, &generator, a->common.seed, i, err);
    }
    if (ok) {
#pragma omp parallel for schedule(dynamic, 1)
        for (int i = 0; i < a->characters; i += AMI_SKILL_GROUP)
            travel(t + i, a->characters - i < AMI_SKILL_GROUP ? a->characters - i : AMI_SKILL_GROUP, skill);
    }
    r->characters = a->characters;
    for (int i = 0; i < a->characters && t; i++) {
        if (ok)
            count(&t[i], r);
        ami_solo_free(&t[i].solo);
    }
    bench_sort(r->wait, r->waits);
    bench_sort(r->wait_back, r->waits_back);
    free(t);
    ami_style_plan_free(&plan);
    return ok;
}

static json_t *to_json(const char *from, const char *to, const pair_result *r)
{
    const double n = r->characters;
    json_t *o = json_pack("{ss ss si}", "from", from, "to", to, "characters", r->characters);
    json_object_set_new(o, "up_3_s_after_entering", cli_real(r->up_in / n));
    json_object_set_new(o, "entered", json_integer(r->waits));
    json_object_set_new(o, "returned", json_integer(r->returned));
    json_object_set_new(o, "up_3_s_after_returning",
                        cli_real(r->returned ? r->up_back / (double)r->returned : 0));
    json_object_set_new(o, "up_at_the_end", cli_real(r->up_back / n));
    json_object_set_new(o, "wait_median_s",
                        cli_real(r->waits ? bench_quantile(r->wait, r->waits, .5) : (double)NAN));
    json_object_set_new(o, "wait_p95_s",
                        cli_real(r->waits ? bench_quantile(r->wait, r->waits, .95) : (double)NAN));
    json_object_set_new(
        o, "wait_back_median_s",
        cli_real(r->waits_back ? bench_quantile(r->wait_back, r->waits_back, .5) : (double)NAN));
    return o;
}

static void print(const char *from, const char *to, const pair_result *r)
{
    printf("  %-10s %-12s %7.1f %% %8.2f s %8.2f s %9.1f %% %8.2f s\n", from, to,
           100. * r->up_in / r->characters, r->waits ? bench_quantile(r->wait, r->waits, .5) : (double)NAN,
           r->waits ? bench_quantile(r->wait, r->waits, .95) : (double)NAN,
           r->returned ? 100. * r->up_back / r->returned : 0.,
           r->waits_back ? bench_quantile(r->wait_back, r->waits_back, .5) : (double)NAN);
    fflush(stdout);
}

static bool run_all(const arguments *a, const ami_repertoire *w, json_t *list, ami_error *err)
{
    char names[1024];
    pair_result r = {.wait = calloc((size_t)a->characters, sizeof(double)),
                     .wait_back = calloc((size_t)a->characters, sizeof(double))};
    bool ok = (r.wait && r.wait_back) || ami_fail(err, "out of memory for %d characters", a->characters);
    if (ok && (size_t)snprintf(names, sizeof names, "%s", a->from) >= sizeof names)
        ok = ami_fail(err, "--from: the list is longer than %zu bytes", sizeof names - 1);
    const bool quiet = a->common.json && !strcmp(a->common.json, "-");
    if (ok && !quiet)
        printf("  from       to           up after     wait      95 %%    and back       wait\n");
    for (char *rest = names, *from; ok && (from = strsep(&rest, ","));)
        for (int k = 1; ok && k < w->skills; k++) {
            r.up_in = r.up_back = r.returned = r.waits = r.waits_back = 0;
            ok = run_pair(a, w, from, k, &r, err);
            if (ok && !quiet)
                print(from, w->skill[k]->name, &r);
            if (ok)
                json_array_append_new(list, to_json(from, w->skill[k]->name, &r));
        }
    free(r.wait);
    free(r.wait_back);
    return ok;
}

static void left_out(const char *name, const char *why)
{
    fprintf(stderr, "the skill %s is left out: %s\n", name, why);
}

int bench_transitions(int argc, char **argv)
{
    arguments a = {.common = {.seed = 1}, .from = "walk,jog,run", .characters = 256, .tries = -1, .each = -1};
    const struct argp_child children[] = {{&cli_common_argp, 0, NULL, 90}, {0}};
    const struct argp argp = {
        options,
        parse,
        NULL,
        "Measures transitions from styles into skills and back: how many characters are still "
        "up 3 s after each, and how long they wait for a good moment.",
        children,
        NULL,
        NULL};
    cli_parse(&argp, argc, argv, &a);
    ami_error err = {""};
    const ami_style_request style = {.style = "random"};
    const ami_repertoire_def def = {.style = &style,
                                    .clips = a.common.clips,
                                    .skills = a.skills,
                                    .critics = a.by_value,
                                    .left_out = left_out};
    ami_repertoire w;
    if (!cli_check_output(a.common.json, NULL, &err) || !ami_repertoire_load(&w, &def, &err))
        return cli_fail(&err);
    cli_set_threads(a.common.threads);
    json_t *list = json_array();
    bool ok = w.skills > 1 || ami_fail(&err, "there are no skills to enter");
    ok = ok && run_all(&a, &w, list, &err);
    json_t *all = json_pack("{sI si ss so}", "seed", (json_int_t)a.common.seed, "characters", a.characters,
                            "entry_by", a.by_value ? "value" : "pose", "transitions", list);
    if (ok)
        ok = cli_write_json(a.common.json, all, &err);
    else
        json_decref(all);
    ami_repertoire_free(&w);
    return ok ? 0 : cli_fail(&err);
}
