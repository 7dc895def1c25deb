/* Checks an amb_env_def, loads its files and makes the internal definitions. */
#include "lib/scene.h"

#include "base/file.h"
#include "lib/internal.h"
#include "lib/motion.h"
#include "nets/onnx/onnx.h"
#include "policy/may_touch.h"
#include "policy/models.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void amb_env_def_init_size(amb_env_def *def, size_t size)
{
    const ami_env_def usual = ami_env_default_def(NULL, NULL);
    const amb_env_def full = {.size = size,
                              .rate = usual.rate,
                              .action_mode = AMB_ACTION_RESIDUAL,
                              .physics_hz = ami_character_default_def().physics_hz,
                              .substeps = usual.substeps,
                              .look_ahead = usual.look_ahead,
                              .episode_s = usual.episode_s,
                              .hold_s = {usual.hold_s[0], usual.hold_s[1]},
                              .start_phase = usual.start_phase,
                              .push_period = usual.push_period,
                              .autoreset = AMB_AUTORESET_SAME_STEP,
                              .parallel = {.threads = 1}};
    if (def)
        memcpy(def, &full, size < sizeof full ? size : sizeof full);
}

/* ---- checks ---- */

static amb_result check_numbers(const amb_env_def *d)
{
    const struct {
        const char *field;
        double value, from, to;
    } range[] = {
        {"style_change_s", d->style_change_s, 0, 1e6},
        {"ground_speed", d->ground_speed, 0, 20},
        {"rate", d->rate, .01, 100},
        {"physics_hz", d->physics_hz, 30, 10000},
        {"substeps", d->substeps, 1, 1000},
        {"look_ahead", d->look_ahead, 0, 1},
        {"episode_s", d->episode_s, 1e-6, 1e6},
        {"max_root_m", d->max_root_m, 0, 1e6},
        {"max_height_m", d->max_height_m, 0, 1e6},
        {"max_tilt", d->max_tilt, 0, 2},
        {"max_body_m", d->max_body_m, 0, 1e6},
        {"start_heading", isnan(d->start_heading) ? 0 : d->start_heading, -100, 100},
        {"start_noise", d->start_noise, 0, 10},
        {"turn_rate", d->turn_rate, -100, 100},
        {"push_speed", d->push_speed, 0, 100},
        {"push_period", d->push_period, d->push_speed > 0 ? .01 : -INFINITY, INFINITY},
        {"hold_s[1]", d->hold_s[1], d->hold_s[0], 1e6},
        {"friction[0]", d->friction[0], d->friction[1] == 0 ? 0 : .01, d->friction[1]},
        {"friction[1]", d->friction[1], 0, 10},
        {"mass_range[0]", d->mass_range[0], d->mass_range[1] == 0 ? 0 : .1, d->mass_range[1]},
        {"mass_range[1]", d->mass_range[1], 0, 10},
        {"delay[0]", d->delay[0], 0, d->delay[1]},
        {"delay[1]", d->delay[1], 0, AMI_DELAY_MAX},
        {"observation_noise", d->observation_noise, 0, 100},
        {"parallel.threads", d->parallel.threads, 0, 1024},
    };
    for (size_t i = 0; i < sizeof range / sizeof *range; i++)
        if (!(range[i].value >= range[i].from && range[i].value <= range[i].to))
            return lib_fail(AMB_ERROR_ARGUMENT, "%s is %g, expected %g to %g", range[i].field, range[i].value,
                            range[i].from, range[i].to);
    if (!(d->start_phase < 1))
        return lib_fail(AMB_ERROR_ARGUMENT,
                        "start_phase is %g, expected 0 up to, but not 1, or less than 0 for a random one",
                        d->start_phase);
    if (d->action_mode != AMB_ACTION_RESIDUAL && d->action_mode != AMB_ACTION_ABSOLUTE)
        return lib_fail(AMB_ERROR_ARGUMENT, "action_mode is %d, expected one of amb_action_mode",
                        (int)d->action_mode);
    if (d->autoreset != AMB_AUTORESET_NONE && d->autoreset != AMB_AUTORESET_NEXT_STEP &&
        d->autoreset != AMB_AUTORESET_SAME_STEP)
        return lib_fail(AMB_ERROR_ARGUMENT, "autoreset is %d, expected one of amb_autoreset",
                        (int)d->autoreset);
    return AMB_OK;
}

/* Sentences of policy/ name the options of amble's programs; these are the fields to name instead. */
static void name_fields(ami_error *err)
{
    static const char *const names[][2] = {
        {"--may-touch", "may_touch"}, {"--style-from", "motion"}, {"--style", "motion"},
        {"--motion", "motion"},       {"--realtime", "realtime"}, {"--policy, or --no-policy", "policy"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *at = strstr(err->text, names[i][0]);
        if (at) { /* a field's name is not longer than its option's */
            const size_t option = strlen(names[i][0]), field = strlen(names[i][1]);
            memcpy(at, names[i][1], field);
            memmove(at + field, at + option, strlen(at + option) + 1);
        }
    }
}

amb_result lib_scene_fail(amb_result result, ami_error *err)
{
    name_fields(err);
    const amb_result of_style = lib_result_of_style(err);
    return lib_fail_with(of_style == AMB_ERROR_NOT_FOUND ? of_style : result, err);
}

/* ---- loading ---- */

static const char default_motion[] = "style:walk";

static bool describe(ami_policy *policy, const char *path, ami_error *err)
{
    ami_error why = {""};
    ami_net *net = ami_onnx_read(path, &why);
    if (!net) { /* a graph is known only once it is planned */
        if (!ami_policy_load(policy, path, &(ami_model_def){.precision = AMI_PRECISION_FP32}, err))
            return false;
        ami_graph_destroy(policy->graph);
        policy->graph = NULL;
        return true;
    }
    const bool ok = ami_policy_describe(policy, net, err);
    ami_net_destroy(net);
    return ok || ami_fail_in(err, "%s", path);
}

/* The policy "auto": among amble's models "locomotion" for invented motions, else the one with the motion's
 * name. False where there is none. */
static bool choose_policy(const lib_scene *s, char *path, size_t size)
{
    const amb_env_def *d = &s->def;
    if (d->clip)
        return ami_find_actor(NULL, NULL, NULL, ami_clip_name(d->clip->clip), path, size, NULL);
    if (!d->motion || ami_style_trained_on(d->motion))
        return ami_find_model("locomotion", path, size, NULL);
    return ami_find_actor(NULL, d->motion, d->clips, "", path, size, NULL);
}

static amb_result load_policy(lib_scene *s, const char *name, const ami_model_def *actor)
{
    ami_error err = {""};
    const bool automatic = name && strcmp(name, "auto") == 0;
    if (!name || (automatic && !choose_policy(s, s->policy_path, sizeof s->policy_path)))
        return AMB_OK;
    if (automatic && !s->def.motion && !s->def.clip)
        s->def.motion = default_motion;
    if (!automatic && !ami_find_model(name, s->policy_path, sizeof s->policy_path, &err))
        return lib_scene_fail(AMB_ERROR_NOT_FOUND, &err);
    if (!(actor ? ami_policy_load(&s->policy, s->policy_path, actor, &err)
                : describe(&s->policy, s->policy_path, &err)))
        return lib_scene_fail(AMB_ERROR_FILE, &err);
    s->has_policy = true;
    return AMB_OK;
}

static amb_result load_character(lib_scene *s)
{
    ami_error err = {""};
    ami_character_def def = ami_character_default_def();
    def.physics_hz = s->has_policy ? s->policy.physics_hz : s->def.physics_hz;
    def.self_collision = s->def.self_collision;
    s->character = ami_character_create(&def, &err);
    return s->character ? AMB_OK : lib_scene_fail(AMB_ERROR_FILE, &err);
}

/* The motion of def.motion, or without it the policy's. */
static amb_result find_motion(lib_scene *s)
{
    ami_error err = {""};
    const char *motion = s->def.motion ? s->def.motion : s->has_policy ? NULL : default_motion;
    const char *style = motion ? ami_style_trained_on(motion) : NULL;
    const ami_style_request request = {
        .style = style, .change = s->def.style_change_s, .speed = s->def.ground_speed};
    const ami_origin origin = ami_policy_origin(&s->policy, s->policy_path);
    char path[4096];
    amb_result otherwise = style ? AMB_ERROR_ARGUMENT : AMB_ERROR_FILE;
    if (motion && !style && !ami_clip_find(motion, s->def.clips, path, sizeof path, NULL))
        otherwise = AMB_ERROR_NOT_FOUND;
    if (!ami_follow(&s->followed, style ? NULL : motion, &request, s->has_policy ? &origin : NULL,
                    &s->character->skeleton, s->def.clips, &err))
        return lib_scene_fail(otherwise, &err);
    return AMB_OK;
}

static amb_result copy_clip(lib_scene *s, const ami_clip *clip)
{
    ami_error err = {""};
    if (s->def.motion)
        return lib_fail(AMB_ERROR_ARGUMENT,
                        "motion is \"%.80s\", but a clip is given, too: expected one of them", s->def.motion);
    s->followed.clip = ami_clip_create(ami_clip_frames(clip), ami_clip_times(clip), ami_clip_poses(clip),
                                       ami_clip_loops(clip), ami_clip_name(clip), &err);
    if (!s->followed.clip)
        return lib_fail_with(AMB_ERROR_ARGUMENT, &err);
    s->followed.name = ami_clip_name(s->followed.clip);
    return AMB_OK;
}

static amb_result load_motion(lib_scene *s)
{
    const amb_result result = s->def.clip ? copy_clip(s, s->def.clip->clip) : find_motion(s);
    if (result != AMB_OK)
        return result;
    s->invented = s->followed.clip == NULL;
    if (s->invented && s->def.rate != 1)
        return lib_fail(AMB_ERROR_ARGUMENT,
                        "rate is %g, but it is for clips: invented motions have a "
                        "ground_speed",
                        s->def.rate);
    if (!s->invented && s->def.ground_speed > 0)
        return lib_fail(AMB_ERROR_ARGUMENT,
                        "ground_speed is %g, but it is for invented motions: a clip has a "
                        "rate",
                        s->def.ground_speed);
    if (s->def.style_change_s > 0 && !(s->invented && s->followed.motions.plan.moments == 0))
        return lib_fail(AMB_ERROR_ARGUMENT,
                        "style_change_s is %g, but it is for drawn styles, as of the "
                        "motion \"style:random\"",
                        s->def.style_change_s);
    return AMB_OK;
}

static amb_result make_definitions(lib_scene *s)
{
    const amb_env_def *d = &s->def;
    ami_error err = {""};
    s->env = ami_env_default_def(s->character, s->followed.clip);
    s->env.seed = d->seed;
    s->env.stream = d->stream;
    s->env.substeps = d->substeps;
    s->env.look_ahead = d->look_ahead;
    s->env.action_mode = d->action_mode == AMB_ACTION_ABSOLUTE ? AMI_ACTION_ABSOLUTE : AMI_ACTION_RESIDUAL;
    s->env.episode_s = d->episode_s;
    s->env.max_root_m = d->max_root_m;
    s->env.max_height_m = d->max_height_m;
    s->env.max_tilt = d->max_tilt;
    s->env.max_body_m = d->max_body_m;
    memcpy(s->env.hold_s, d->hold_s, sizeof s->env.hold_s);
    s->env.start_noise = d->start_noise;
    s->env.start_phase = d->start_phase;
    s->env.start_heading = d->start_heading;
    s->env.rate = d->rate;
    s->env.turn_rate = d->turn_rate;
    s->env.push_speed = d->push_speed;
    s->env.push_period = d->push_period;
    s->env.push_random = d->push_random;
    s->env.goal = d->goal;
    memcpy(s->env.vary.friction, d->friction, sizeof s->env.vary.friction);
    memcpy(s->env.vary.mass, d->mass_range, sizeof s->env.vary.mass);
    memcpy(s->env.vary.delay, d->delay, sizeof s->env.vary.delay);
    s->env.vary.observation_noise = d->observation_noise;
    if (s->has_policy)
        ami_policy_use(&s->policy, &s->env);
    if (s->invented) {
        s->generator = s->followed.motions.def;
        s->generator.seed = d->seed;
        s->generator.stream = d->stream;
    }
    return ami_choose_may_touch(d->may_touch, s->has_policy ? &s->policy : NULL, s->character,
                                s->followed.clip, &s->env.may_touch, &err)
               ? AMB_OK
               : lib_scene_fail(AMB_ERROR_ARGUMENT, &err);
}

/* The numbers on which a saved state and its continuation depend, without padding. */
static uint32_t fingerprint(const lib_scene *s)
{
    const ami_env_def *e = &s->env;
    const double numbers[] = {e->substeps,
                              s->character->timestep,
                              s->character->state_size,
                              s->def.self_collision,
                              e->look_ahead,
                              e->action_mode,
                              e->goal,
                              e->may_touch,
                              e->episode_s,
                              e->hold_s[0],
                              e->hold_s[1],
                              e->max_root_m,
                              e->max_height_m,
                              e->max_tilt,
                              e->max_body_m,
                              e->start_noise,
                              e->start_phase,
                              isnan(e->start_heading) ? 1e9 : e->start_heading,
                              s->def.rate,
                              e->turn_rate,
                              e->push_speed,
                              e->push_period,
                              e->push_random,
                              s->invented,
                              s->def.style_change_s,
                              s->def.ground_speed,
                              s->env.vary.friction[0],
                              s->env.vary.friction[1],
                              s->env.vary.mass[0],
                              s->env.vary.mass[1],
                              s->env.vary.delay[0],
                              s->env.vary.delay[1],
                              s->env.vary.observation_noise,
                              s->invented ? s->followed.motions.crc : ami_clip_crc(s->followed.clip)};
    return ami_crc32c(ami_crc32c(0, numbers, sizeof numbers), s->followed.name, strlen(s->followed.name));
}

static amb_result load(lib_scene *s, const amb_env_def *given, const ami_model_def *actor)
{
    amb_env_def_init(&s->def);
    if (given)
        LIB_REQUIRE(lib_def_copy(&s->def, sizeof s->def, given) && "the definition was initialised");
    amb_result result = check_numbers(&s->def);
    if (result == AMB_OK)
        result = load_policy(s, s->def.policy, actor);
    if (result == AMB_OK)
        result = load_character(s);
    if (result == AMB_OK)
        result = load_motion(s);
    if (result == AMB_OK)
        result = make_definitions(s);
    if (result == AMB_OK)
        s->fingerprint = fingerprint(s);
    s->def.clip = NULL;
    s->def.motion = s->def.clips = s->def.policy = s->def.may_touch = NULL;
    return result;
}

amb_result lib_scene_create(const amb_env_def *given, const ami_model_def *actor, lib_scene **scene)
{
    *scene = NULL;
    lib_scene *s = calloc(1, sizeof *s);
    if (!s)
        return lib_fail(AMB_ERROR_MEMORY, "out of memory for an environment");
    const amb_result result = load(s, given, actor);
    if (result == AMB_OK)
        *scene = s;
    else
        lib_scene_destroy(s);
    return result;
}

void lib_scene_destroy(lib_scene *scene)
{
    if (!scene)
        return;
    ami_followed_free(&scene->followed);
    ami_character_destroy(scene->character);
    ami_policy_free(&scene->policy);
    free(scene);
}
