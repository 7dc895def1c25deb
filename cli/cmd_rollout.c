/* amble rollout: characters walk headless under an actor for a while, and the terminal says how well and how
 * fast. */
#include "base/file.h"
#include "base/npy.h"
#include "cli/commands.h"
#include "options/options.h"
#include "options/precision.h"
#include "options/progress.h"
#include "options/report.h"
#include "options/style.h"
#include "options/threads.h"
#include "policy/may_touch.h"
#include "policy/models.h"
#include "policy/rollout.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_MOTION = 'm',
    KEY_POLICY = 'p',
    KEY_SECONDS = 's',
    KEY_ENVS = 'n',
    KEY_NO_POLICY = CLI_KEY_OWN,
    KEY_REALTIME,
    KEY_PUSH,
    KEY_TURN,
    KEY_HEADING,
    KEY_START,
    KEY_RECORD,
    KEY_OBSERVATIONS,
    KEY_SELF_COLLISION,
    KEY_MAY_TOUCH,
    KEY_MAX_ROOT,
    KEY_PRECISION,
};

enum { OBSERVATIONS = 1024 };

typedef struct arguments {
    cli_common common;
    ami_style_request style;
    const char *motion, *policy, *record, *observations, *may_touch;
    ami_precision precision;
    double seconds, push_speed, push_period, turn, heading, start, max_root;
    int envs;
    bool no_policy, realtime, self_collision;
} arguments;

static error_t parse(int key, char *text, struct argp_state *state)
{
    arguments *a = state->input;
    ami_error err;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->common;
        state->child_inputs[1] = &a->style;
        return 0;
    case KEY_MOTION:
        a->motion = text;
        return 0;
    case KEY_POLICY:
        a->policy = text;
        return 0;
    case KEY_SECONDS:
        a->seconds = cli_double(state, text, .01, 1e6, "--seconds");
        return 0;
    case KEY_ENVS:
        a->envs = (int)cli_int(state, text, 1, 65536, "--envs");
        return 0;
    case KEY_NO_POLICY:
        a->no_policy = true;
        return 0;
    case KEY_REALTIME:
        a->realtime = true;
        return 0;
    case KEY_PUSH:
        if (!cli_parse_push(text, "--push", &a->push_speed, &a->push_period, &err))
            argp_error(state, "%s", err.text);
        return 0;
    case KEY_TURN:
        a->turn = cli_double(state, text, -1000, 1000, "--turn");
        return 0;
    case KEY_HEADING:
        a->heading = !strcmp(text, "random") ? NAN : cli_double(state, text, -360, 360, "--heading");
        return 0;
    case KEY_START:
        a->start = !strcmp(text, "random") ? -1 : cli_double(state, text, 0, .999999, "--start");
        return 0;
    case KEY_OBSERVATIONS:
        a->observations = text;
        return 0;
    case KEY_RECORD:
        a->record = text;
        return 0;
    case KEY_SELF_COLLISION:
        a->self_collision = true;
        return 0;
    case KEY_MAY_TOUCH:
        a->may_touch = text;
        return 0;
    case KEY_PRECISION:
        if (!cli_parse_precision(text, &a->precision, &err))
            argp_error(state, "%s", err.text);
        return 0;
    case KEY_MAX_ROOT:
        a->max_root = cli_double(state, text, 0, 1e6, "--max-root-m");
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" found where nothing is expected", text);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"motion", KEY_MOTION, "NAME|FILE", 0,
     "motion clip to follow (default: what the policy was trained on; with no policy either, style walk)", 1},
    {"policy", KEY_POLICY, "FILE", 0,
     "actor, an ONNX file; a bare name is looked up among amble's models too (default: MOTION.onnx there)",
     1},
    {"no-policy", KEY_NO_POLICY, NULL, 0, "no network: the joints track the motion and nothing balances", 1},
    {"seconds", KEY_SECONDS, "S", 0, "how long (default 20)", 1},
    {"envs", KEY_ENVS, "N", 0, "characters (default 16)", 1},
    {"realtime", KEY_REALTIME, NULL, 0, "wait for every control step's absolute deadline", 1},
    {"push", KEY_PUSH, "SPEED,PERIOD", 0,
     "every PERIOD s change the root's velocity by SPEED m/s in a random horizontal direction", 1},
    {"turn", KEY_TURN, "DEG/S", 0, "turn the reference all the time; the character is to follow", 1},
    {"heading", KEY_HEADING, "DEG", 0, "first direction, or random (default 0)", 1},
    {"start", KEY_START, "PHASE", 0, "where in the motion to start, 0 to 1, or random (default)", 1},
    {"record", KEY_RECORD, "FILE", 0, "write character 0's motion as a clip file", 1},
    {"observations", KEY_OBSERVATIONS, "FILE.npy", 0,
     "write 1024 of the observations that the actor is given, evenly spread over all characters and steps: "
     "for "
     "amble model export --calibrate",
     1},
    {"precision", KEY_PRECISION, "NAME", 0,
     "the actor's arithmetic: fp32, bf16, int16, int8, or auto (default), the fastest of mean squared error "
     "below 1e-6",
     1},
    {"self-collision", KEY_SELF_COLLISION, NULL, 0, "limbs collide with each other, not only with the floor",
     1},
    {"may-touch", KEY_MAY_TOUCH, "BODIES", 0,
     "bodies that may touch the floor: feet, auto (those that the clip brings there), or names with commas "
     "(default: as in training)",
     1},
    {"max-root-m", KEY_MAX_ROOT, "M", 0,
     "a character this far from its reference counts as fallen (default 0: never)", 1},
    {0},
};

static bool on_progress(void *context, double fraction)
{
    ami_progress_update(context, fraction, "simulating");
    return true;
}

static bool write_recording(const char *path, const ami_rollout_result *r, ami_error *err)
{
    double *time = malloc((size_t)r->frames * sizeof *time);
    if (!time)
        return ami_fail(err, "out of memory for the recording");
    for (int i = 0; i < r->frames; i++)
        time[i] = i * r->control_dt;
    ami_clip *clip = ami_clip_create(r->frames, time, r->pose, false, "recording", err);
    const bool ok = clip && ami_clip_write(clip, path, err);
    ami_clip_destroy(clip);
    free(time);
    return ok;
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
    return ami_find_actor(a->policy, a->motion, a->common.clips, otherwise, path, size, err) &&
           cli_load_policy(policy, path, a->precision, err);
}

/* With nothing said, the default model on the default style, for which no clip is needed; where that model is
 * not, the walk. */
static void choose_style(arguments *a)
{
    char path[4096];
    if (!a->motion && !a->policy && !a->no_policy && !ami_style_requested(&a->style) &&
        ami_find_model("locomotion.onnx", path, sizeof path, NULL))
        a->style.style = "walk";
}

static bool run(const arguments *a, ami_error *err)
{
    if (a->observations && a->no_policy)
        return ami_fail(err, "--observations: without a policy there are none");
    ami_policy policy = {0};
    char path[4096] = "";
    bool ok = a->no_policy || load_policy(a, &policy, path, sizeof path, err);
    if (!ok)
        return false;
    ami_character_def character_def = ami_character_default_def();
    character_def.self_collision = a->self_collision;
    if (!a->no_policy)
        character_def.physics_hz = policy.physics_hz;
    ami_character *character = ami_character_create(&character_def, err);
    const ami_origin origin = ami_policy_origin(&policy, path);
    ami_followed followed = {0};
    ok = character && ami_follow(&followed, a->motion, &a->style, a->no_policy ? NULL : &origin,
                                 &character->skeleton, a->common.clips, err);
    if (ok) {
        ami_rollout_def def = {
            .env = ami_env_default_def(character, followed.clip), .envs = a->envs, .realtime = a->realtime};
        if (!a->no_policy)
            ami_policy_use(&policy, &def.env);
        def.policy = a->no_policy ? NULL : &policy;
        followed.motions.def.seed = a->common.seed;
        def.generator = followed.clip ? NULL : &followed.motions.def;
        def.record = a->record != NULL;
        def.observation_rows = a->observations ? OBSERVATIONS : 0;
        def.env.seed = a->common.seed;
        def.env.episode_s = a->seconds;
        def.env.push_speed = a->push_speed;
        def.env.push_period = a->push_period;
        def.env.turn_rate = a->turn * M_PI / 180;
        def.env.start_heading = a->heading * M_PI / 180;
        def.env.start_phase = a->start;
        def.env.max_root_m = a->max_root;
        const double frames = a->seconds / (def.env.substeps * character->timestep) + 2;
        if (a->record && frames > AMI_CLIP_MAX_FRAMES)
            ok = ami_fail(err, "--record: %g s make %.0f frames, more than the %d that a clip may have",
                          a->seconds, frames, AMI_CLIP_MAX_FRAMES);
        ami_progress progress;
        ami_progress_start(&progress, "rollout", 0, 1, 0);
        def.progress = on_progress;
        def.context = &progress;
        ami_rollout_result result;
        ok = ok &&
             ami_choose_may_touch(a->may_touch, def.policy, character, followed.clip, &def.env.may_touch,
                                  err) &&
             ami_rollout_run(&def, &result, err);
        ami_progress_end(&progress);
        if (ok) {
            const bool quiet = a->common.json && !strcmp(a->common.json, "-");
            if (!quiet)
                cli_print_rollout(&def, &result, followed.name, a->no_policy ? NULL : path);
            ok = (!a->record || write_recording(a->record, &result, err)) &&
                 (!a->observations || write_observations(a->observations, &result, err)) &&
                 cli_write_json(a->common.json,
                                cli_rollout_json(&def, &result, followed.name, a->no_policy ? NULL : path),
                                err);
            ami_rollout_result_free(&result);
        }
    }
    ami_followed_free(&followed);
    ami_character_destroy(character);
    ami_policy_free(&policy);
    return ok;
}

int cmd_rollout(int argc, char **argv)
{
    arguments a = {.common = {.seed = 1},
                   .seconds = 20,
                   .envs = 16,
                   .push_period = 2,
                   .start = -1,
                   .precision = AMI_PRECISION_AUTO};
    const struct argp_child children[] = {
        {&cli_common_argp, 0, NULL, 90}, {&cli_style_argp, 0, NULL, 2}, {0}};
    const struct argp argp = {
        options,
        parse,
        NULL,
        "Lets characters move headless under an actor network and says how well and how fast.\v"
        "Examples:\n  amble rollout --motion walk --policy walk.onnx --seconds 20 --push 0.5,2\n"
        "  amble rollout --style walk:0.7,zombie:0.3 --seconds 60",
        children,
        NULL,
        NULL};
    cli_parse(&argp, argc, argv, &a);
    ami_error err = {{0}};
    if (a.policy && a.no_policy) {
        ami_fail(&err, "--policy and --no-policy exclude each other");
        return cli_fail(&err);
    }
    if (a.no_policy && a.precision != AMI_PRECISION_AUTO) {
        ami_fail(&err, "--precision and --no-policy exclude each other");
        return cli_fail(&err);
    }
    choose_style(&a);
    if (!cli_style_check(&a.style, a.motion, &err))
        return cli_fail(&err);
    cli_set_threads(a.common.threads);
    return run(&a, &err) ? 0 : cli_fail(&err);
}
