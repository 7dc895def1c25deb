/* amble rollout: characters walk headless under an actor for a while, and the terminal shows how well and how
 * fast. */
#include "base/file.h"
#include "base/npy.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/ranks.h"
#include "cli/rollout_life.h"
#include "learn/spread.h"
#include "motion/npz.h"
#include "options/options.h"
#include "options/precision.h"
#include "options/progress.h"
#include "options/report.h"
#include "options/simulation.h"
#include "options/style.h"
#include "options/threads.h"
#include "policy/may_touch.h"
#include "policy/models.h"
#include "policy/repertoire.h"
#include "policy/rollout.h"
#include "policy/skill_table.h"
#include "session/performance.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_REALTIME = CLI_KEY_OWN, KEY_RECORD, KEY_OBSERVATIONS, KEY_DATASET, KEY_SKILL };

enum { OBSERVATIONS = 1024 };
static const double start_noise = .25; /* ami_env_def.start_noise of skills that are done once */

typedef struct arguments {
    cli_common common;
    ami_style_request style;
    cli_simulation sim;
    rollout_life life;
    const char *record, *observations, *dataset, *skill;
    bool realtime;
    ami_skill_entry entry; /* of --skill */
    ami_skill_place place; /* its network */
} arguments;

static error_t parse(int key, char *text, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->common;
        state->child_inputs[1] = &a->style;
        state->child_inputs[2] = &a->sim;
        state->child_inputs[3] = &a->life;
        return 0;
    case KEY_REALTIME:
        a->realtime = true;
        return 0;
    case KEY_OBSERVATIONS:
        a->observations = text;
        return 0;
    case KEY_SKILL:
        a->skill = text;
        return 0;
    case KEY_DATASET:
        a->dataset = text;
        return 0;
    case KEY_RECORD:
        a->record = text;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" found where nothing is expected", text);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"realtime", KEY_REALTIME, NULL, 0, "wait for every control step's absolute deadline", 1},
    {"skill", KEY_SKILL, "NAME", 0,
     "do a skill of amble's models: a loop goes on; what is done once (assets/models/skills.json) begins "
     "again from "
     "standing whenever it has ended, as often as fits into --seconds, and each character starts with a "
     "small random "
     "deviation",
     1},
    {"record", KEY_RECORD, "FILE", 0,
     "write character 0's motion: .txt, .bvh, .glb or .npz; .npz also holds what --dataset writes", 1},
    {"dataset", KEY_DATASET, "FILE.npz", 0,
     "write every step of all characters up to their falls: observations, actions, torques, contacts, "
     "rewards, MuJoCo's "
     "states (docs/motions.md)",
     1},
    {"observations", KEY_OBSERVATIONS, "FILE.npy", 0,
     "write 1024 of the observations that the actor is given, evenly spread over all characters and steps: "
     "for "
     "amble model export --calibrate",
     1},
    {0},
};

static const struct argp_option simulated[] = {
    {"motion", CLI_SIM_MOTION, "NAME|FILE", 0,
     "motion clip to follow (default: what the policy was trained on; with no policy either, style walk)", 1},
    {"policy", CLI_SIM_POLICY, "FILE", 0,
     "actor, an ONNX file; a bare name is looked up among amble's models too (default: MOTION.onnx there)",
     1},
    CLI_SIM_OPTION_NO_POLICY(1),
    {"seconds", CLI_SIM_SECONDS, "S", 0, "how long (default 20; with --life 600)", 1},
    {"envs", CLI_SIM_ENVS, "N", 0, "characters (default 16)", 1},
    {"push", CLI_SIM_PUSH, "SPEED,PERIOD", 0,
     "every PERIOD s change the root's velocity by SPEED m/s in a random horizontal direction", 1},
    {"turn", CLI_SIM_TURN, "DEG/S", 0, "turn the reference all the time; the character is to follow", 1},
    CLI_SIM_OPTION_HEADING(1),
    CLI_SIM_OPTION_START(1),
    CLI_SIM_OPTION_PRECISION(1),
    CLI_SIM_OPTION_CALIBRATE(1),
    CLI_SIM_OPTION_SELF_COLLISION(1),
    CLI_SIM_OPTION_MAY_TOUCH(1),
    CLI_SIM_OPTION_MAX_ROOT(1),
    CLI_SIM_OPTIONS_VARY(1),
    {0},
};
static const struct argp simulation_argp = {simulated, cli_simulation_parse, NULL, NULL, NULL, NULL, NULL};

static bool on_progress(void *context, double fraction)
{
    ami_progress_update(context, fraction, "simulating");
    return true;
}

/* The steps of a rollout, as they go into files. */
typedef struct steps {
    ami_dataset *data;
    const char *name[AMI_DATASET_ARRAYS];
    ami_npy array[AMI_DATASET_ARRAYS];
} steps;

/* Whether the recording holds more than the motion. */
static bool records_steps(const arguments *a)
{
    return a->record && ami_text_has_ending(a->record, ".npz");
}

/* Room for the steps, if they are to be written. */
static bool prepare_steps(const arguments *a, ami_rollout_def *def, steps *s, ami_error *err)
{
    if (!a->dataset && !records_steps(a))
        return true;
    const int episodes = a->dataset ? def->envs : 1, inputs = def->env.goal ? AMI_OBS_MAX : AMI_OBS;
    const double count = ceil(def->env.episode_s / (def->env.substeps * def->env.character->timestep) - 1e-9);
    const double most = 4294967296., bytes = ami_dataset_bytes(episodes, count, inputs);
    if (bytes > .99 * most)
        return ami_fail(
            err,
            "--%s: %d characters for %g s take up to %.1f GiB, more than the 4 GiB that a .npz file holds",
            a->dataset ? "dataset" : "record", episodes, def->env.episode_s, bytes / most * 4);
    def->dataset = s->data = ami_dataset_create(episodes, (int)count, inputs, err);
    return s->data != NULL;
}

static bool write_steps(const arguments *a, const steps *s, ami_error *err)
{
    return !a->dataset || ami_npz_write(a->dataset, AMI_DATASET_ARRAYS, s->name, s->array, err);
}

static bool write_recording(const arguments *a, const ami_rollout_result *r, const steps *s, ami_error *err)
{
    if (!a->record)
        return true;
    double *time = malloc((size_t)r->frames * sizeof *time);
    if (!time)
        return ami_fail(err, "out of memory for the recording");
    for (int i = 0; i < r->frames; i++)
        time[i] = i * r->control_dt;
    ami_clip *clip = ami_clip_create(r->frames, time, r->pose, false, "recording", err);
    if (clip)
        ami_clip_set_loop_known(clip, false);
    ami_npy first[AMI_DATASET_ARRAYS];
    if (s->data)
        ami_dataset_first(s->array, first);
    const bool ok = clip && (records_steps(a) ? ami_motion_npz_write_with(clip, a->record, AMI_DATASET_ARRAYS,
                                                                          s->name, first, err)
                                              : ami_clip_write(clip, a->record, err));
    ami_clip_destroy(clip);
    free(time);
    return ok;
}

/* With --skill: its actor, motion and length, and whole repetitions of what is done once. The return then is the mean
 * over the skill's own length. */
static bool choose_skill(arguments *a, ami_error *err)
{
    ami_skill_table table;
    if (!ami_skill_find_one(a->skill, &a->place, err) || !ami_skill_table_beside(&table, a->place.path, err))
        return ami_fail_in(err, "--skill");
    const ami_skill_entry *entry = ami_skill_table_skill(&table, a->place.name);
    if (entry)
        a->entry = *entry;
    a->sim.policy = a->place.path;
    if (entry && entry->motion[0])
        a->sim.motion = a->entry.motion;
    return true;
}

static void repeat_skill(const arguments *a, ami_rollout_def *def)
{
    const ami_clip *clip = def->env.clip;
    if (!a->skill || !clip || (!a->entry.once && ami_clip_loops(clip)))
        return;
    const double dt = def->env.substeps * def->env.character->timestep;
    def->repeat_steps = (int)fmax(1, ceil(ami_clip_duration(clip) / dt - 1e-9));
    def->env.episode_s =
        fmax(1, floor(def->env.episode_s / (def->repeat_steps * dt) + 1e-9)) * def->repeat_steps * dt;
    def->env.start_phase = 0;
    def->env.start_noise = start_noise;
}

static json_t *with_skill(const arguments *a, const ami_rollout_def *def, const ami_rollout_result *r,
                          json_t *o)
{
    if (!a->skill)
        return o;
    const double once_s = def->repeat_steps * r->control_dt;
    json_object_set_new(o, "skill", json_string(a->skill));
    json_object_set_new(o, "repetitions",
                        def->repeat_steps ? json_integer(llround(def->env.episode_s / once_s)) : json_null());
    json_object_set_new(o, "repetition_s", def->repeat_steps ? cli_real(once_s) : json_null());
    return o;
}

static bool write_observations(const char *path, const ami_rollout_result *r, ami_error *err)
{
    const size_t shape[2] = {(size_t)r->observation_rows, (size_t)r->observation_inputs};
    return ami_npy_write(path, AMI_NPY_FLOAT32, 2, shape, r->observation, err);
}

/* Which actor: as given, else the model of the motion's name, else walk's, or locomotion's where motions are
 * invented. False and a sentence if it cannot be loaded. */
static bool load_policy(const arguments *a, ami_policy *policy, char *path, size_t size, ami_error *err)
{
    const char *otherwise = ami_style_requested(&a->style) ? "locomotion" : "walk";
    return ami_find_actor(a->sim.policy, a->sim.motion, a->common.clips, otherwise, path, size, err) &&
           cli_load_policy(policy, path, a->sim.precision, &a->sim.calibration, err);
}

/* With nothing said, the default model on the default style, for which no clip is needed; where that model is
 * not, the walk. */
static void choose_style(arguments *a)
{
    char path[4096];
    if (!a->sim.motion && !a->sim.policy && !a->sim.no_policy && !ami_style_requested(&a->style) &&
        ami_find_model("locomotion.onnx", path, sizeof path, NULL))
        a->style.style = "walk";
}

/* Before the work, not after it. */
static bool check_outputs(const arguments *a, ami_error *err)
{
    static const char *const npy[] = {".npy", NULL}, *const npz[] = {".npz", NULL};
    return (!a->record || ami_clip_check_ending(a->record, err)) && cli_check_output(a->record, NULL, err) &&
           cli_check_output(a->dataset, npz, err) && cli_check_output(a->observations, npy, err);
}

static void on_performed(void *context, double fraction)
{
    ami_progress_update(context, fraction, "simulating");
}

/* The names of the plan's skills, each once, with commas. */
static bool name_skills(const ami_style_plan *plan, char *names, size_t size, ami_error *err)
{
    names[0] = 0;
    for (int i = 0; i < plan->moments; i++) {
        const char *name = plan->moment[i].skill;
        bool known = !name[0];
        for (int k = 0; k < i && !known; k++)
            known = !strcmp(plan->moment[k].skill, name);
        const size_t used = strlen(names);
        if (!known &&
            (size_t)snprintf(names + used, size - used, "%s%s", used ? "," : "", name) >= size - used)
            return ami_fail(err, "the schedule names more skills than fit into %zu bytes", size - 1);
    }
    return true;
}

/* A schedule that names skills: characters in sessions, which change to them. */
static bool perform(const arguments *a, const ami_style_plan *plan, ami_error *err)
{
    const char *const given[] = {a->dataset ? "--dataset" : NULL, a->observations ? "--observations" : NULL,
                                 a->realtime ? "--realtime" : NULL,
                                 records_steps(a) ? "--record FILE.npz" : NULL,
                                 a->sim.no_policy ? "--no-policy" : NULL};
    for (size_t i = 0; i < sizeof given / sizeof *given; i++)
        if (given[i])
            return ami_fail(err, "a --style-schedule with skills and %s exclude each other", given[i]);
    if (ami_exchange_ranks(cli_ranks()) > 1)
        return ami_fail(err, "a --style-schedule with skills is for one process");
    char skills[1024];
    cli_calibration calibration = a->sim.calibration;
    ami_model_def model = ami_model_default_def();
    model.precision = a->sim.precision;
    const ami_repertoire_def load = {.locomotion = a->sim.policy,
                                     .style = &a->style,
                                     .clips = a->common.clips,
                                     .model = &model,
                                     .self_collision = a->sim.self_collision,
                                     .skills = skills,
                                     .skills_from = a->style.schedule};
    ami_repertoire w;
    bool ok = name_skills(plan, skills, sizeof skills, err) &&
              cli_calibration_use(&calibration, &model, err) && ami_repertoire_load(&w, &load, err);
    cli_calibration_free(&calibration);
    if (!ok)
        return false;
    ami_env_def env = ami_env_default_def(w.body, NULL);
    ami_policy_use(&w.skill[0]->policy, &env);
    cli_simulation_use(&a->sim, &env);
    ami_performance_def def = {.session = ami_session_default_def(&env, w.skill[0], 1),
                               .generator = &w.motions.def,
                               .characters = a->sim.envs,
                               .seconds = a->sim.seconds,
                               .seed = a->common.seed,
                               .record = a->record != NULL,
                               .progress = on_performed};
    memcpy(def.session.skill, w.skill, sizeof def.session.skill);
    def.session.skills = w.skills;
    def.session.get_up_s = -1;
    def.session.styles_tried = true;
    ami_progress progress;
    ami_progress_start(&progress, "rollout", 0, 1, 0);
    def.context = &progress;
    ami_rollout_result result = {0};
    const steps none = {0};
    ok = ami_performance_run(&def, &result, err);
    ami_progress_end(&progress);
    ami_rollout_def shown = {.env = env,
                             .policy = &w.skill[0]->policy,
                             .envs = a->sim.envs}; /* no generator: motions are not counted */
    shown.env.episode_s = a->sim.seconds;
    shown.env.seed = a->common.seed;
    if (ok && !(a->common.json && !strcmp(a->common.json, "-")))
        cli_print_rollout(&shown, &result, w.motions.name, w.skill[0]->path);
    ok = ok && write_recording(a, &result, &none, err) &&
         cli_write_json(a->common.json, cli_rollout_json(&shown, &result, w.motions.name, w.skill[0]->path),
                        err);
    ami_rollout_result_free(&result);
    ami_repertoire_free(&w);
    return ok;
}

static bool run(const arguments *a, ami_error *err)
{
    if (!check_outputs(a, err))
        return false;
    if (a->dataset && a->record && !strcmp(a->dataset, a->record))
        return ami_fail(err, "--dataset and --record name the same file, %s", a->dataset);
    if (a->observations && a->sim.no_policy)
        return ami_fail(err, "--observations: without a policy there are none");
    ami_policy policy = {0};
    char path[4096] = "";
    bool ok = a->sim.no_policy || load_policy(a, &policy, path, sizeof path, err);
    if (!ami_exchange_agree(cli_ranks(), ok, err)) {
        ami_policy_free(&policy);
        return false;
    }
    ami_character_def character_def = ami_character_default_def();
    character_def.self_collision = a->sim.self_collision;
    if (!a->sim.no_policy)
        character_def.physics_hz = policy.physics_hz;
    ami_character *character = ami_character_create(&character_def, err);
    const ami_origin origin = ami_policy_origin(&policy, path);
    ami_followed followed = {0};
    ok = character && ami_follow(&followed, a->sim.motion, &a->style, a->sim.no_policy ? NULL : &origin,
                                 &character->skeleton, a->common.clips, err);
    if (ok && !followed.clip && followed.motions.plan.skills > 0) {
        ok = perform(a, &followed.motions.plan, err);
    } else if (ok) {
        ami_rollout_def def = {.env = ami_env_default_def(character, followed.clip),
                               .envs = a->sim.envs,
                               .realtime = a->realtime};
        if (!a->sim.no_policy)
            ami_policy_use(&policy, &def.env);
        def.policy = a->sim.no_policy ? NULL : &policy;
        followed.motions.def.seed = a->common.seed;
        def.generator = followed.clip ? NULL : &followed.motions.def;
        def.record = a->record != NULL;
        def.observation_rows = a->observations ? OBSERVATIONS : 0;
        def.env.seed = a->common.seed;
        def.env.episode_s = a->sim.seconds;
        cli_simulation_use(&a->sim, &def.env);
        repeat_skill(a, &def);
        const double frames = a->sim.seconds / (def.env.substeps * character->timestep) + 2;
        if (a->record && frames > AMI_CLIP_MAX_FRAMES)
            ok = ami_fail(err, "--record: %g s make %.0f frames, more than the %d that a clip may have",
                          a->sim.seconds, frames, AMI_CLIP_MAX_FRAMES);
        ami_progress progress;
        ami_progress_start(&progress, "rollout", 0, 1, 0);
        def.progress = on_progress;
        def.context = &progress;
        ami_rollout_result result;
        steps all = {0};
        const ami_rollout_share share = ami_spread(cli_ranks());
        def.share = share.parts > 1 ? &share : NULL;
        ok = ok && prepare_steps(a, &def, &all, err) &&
             ami_choose_may_touch(a->sim.may_touch, def.policy, character, followed.clip, &def.env.may_touch,
                                  err);
        ok = ami_exchange_agree(cli_ranks(), ok, err) && ami_rollout_run(&def, &result, err);
        ami_progress_end(&progress);
        if (ok) {
            const bool quiet = a->common.json && !strcmp(a->common.json, "-");
            if (!quiet)
                cli_print_rollout(&def, &result, followed.name, a->sim.no_policy ? NULL : path);
            if (all.data)
                ami_dataset_finish(all.data, all.name, all.array);
            ok = !cli_ranks_first() ||
                 (write_recording(a, &result, &all, err) && write_steps(a, &all, err) &&
                  (!a->observations || write_observations(a->observations, &result, err)) &&
                  cli_write_json(a->common.json,
                                 with_skill(a, &def, &result,
                                            cli_rollout_json(&def, &result, followed.name,
                                                             a->sim.no_policy ? NULL : path)),
                                 err));
            ami_rollout_result_free(&result);
        }
        ami_dataset_destroy(all.data);
    } else {
        ok = ami_exchange_agree(cli_ranks(), false, err);
    }
    ami_followed_free(&followed);
    ami_character_destroy(character);
    ami_policy_free(&policy);
    return ok;
}

/* --life. */
static bool live(arguments *a, ami_error *err)
{
    const char *const given[] = {a->dataset ? "--dataset" : NULL, a->observations ? "--observations" : NULL,
                                 a->realtime ? "--realtime" : NULL};
    if (!a->life.on)
        return ami_fail(err, "%s is for characters that live on, expected --life too", a->life.option);
    for (size_t i = 0; i < sizeof given / sizeof *given; i++)
        if (given[i])
            return ami_fail(err, "--life and %s exclude each other", given[i]);
    if (!a->sim.pushes)
        a->sim.push[0] = (cli_push){1.5, 4};
    cli_set_threads(a->common.threads);
    return check_outputs(a, err) && cli_style_check(&a->style, NULL, err) &&
           rollout_life_run(&a->life, &a->common, &a->style, &a->sim, a->record, err);
}

int cmd_rollout(int argc, char **argv)
{
    arguments a = {.common = {.seed = 1}, .sim = cli_simulation_default(), .life = rollout_life_default()};
    a.sim.seconds = 0;
    a.sim.envs = 16;
    const struct argp_child children[] = {{&cli_common_argp, 0, NULL, 90},
                                          {&cli_style_argp, 0, NULL, 2},
                                          {&simulation_argp, 0, NULL, 0},
                                          {&rollout_life_argp, 0, NULL, 0},
                                          {0}};
    const struct argp argp = {
        options,
        parse,
        NULL,
        "Lets characters move headless under an actor network and says how well and how fast.\v"
        "Examples:\n  amble rollout --motion walk --policy walk.onnx --seconds 20 --push 0.5,2\n"
        "  amble rollout --style walk:0.7,zombie:0.3 --seconds 60\n"
        "  amble rollout --skill backflip --seconds 20 --json -\n"
        "  amble rollout --life --seconds 600 --envs 16",
        children,
        NULL,
        NULL};
    cli_parse(&argp, argc, argv, &a);
    a.style.skills = true;
    ami_error err = {{0}};
    if (a.sim.policy && a.sim.no_policy) {
        ami_fail(&err, "--policy and --no-policy exclude each other");
        return cli_fail(&err);
    }
    if (a.sim.no_policy && a.sim.precision != AMI_PRECISION_AUTO) {
        ami_fail(&err, "--precision and --no-policy exclude each other");
        return cli_fail(&err);
    }
    if (ami_exchange_ranks(cli_ranks()) > 1 && (a.realtime || a.dataset || a.observations || a.life.on)) {
        ami_fail(
            &err,
            "--realtime, --dataset, --observations and --life are for one process, and this is one of %d",
            ami_exchange_ranks(cli_ranks()));
        return cli_fail(&err);
    }
    if (a.sim.no_policy && a.sim.calibration.count) {
        ami_fail(&err, "--calibrate and --no-policy exclude each other");
        return cli_fail(&err);
    }
    const char *const beside = a.sim.policy                         ? "--policy"
                               : a.sim.no_policy                    ? "--no-policy"
                               : a.sim.motion                       ? "--motion"
                               : a.sim.start >= 0                   ? "--start"
                               : ami_style_requested(&a.style)      ? "the options of styles"
                               : a.life.on || a.life.option != NULL ? "--life"
                                                                    : NULL;
    if (a.skill && beside) {
        ami_fail(&err, "--skill and %s exclude each other", beside);
        return cli_fail(&err);
    }
    if (a.skill && !choose_skill(&a, &err))
        return cli_fail(&err);
    if (a.sim.seconds == 0)
        a.sim.seconds = a.life.on ? 600 : 20;
    if (a.life.on || a.life.option)
        return live(&a, &err) ? 0 : cli_fail(&err);
    choose_style(&a);
    if (!cli_style_check(&a.style, a.sim.motion, &err))
        return cli_fail(&err);
    cli_set_threads(a.common.threads);
    return run(&a, &err) ? 0 : cli_fail(&err);
}
