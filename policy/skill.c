/* Loads skills, creates their generators, and finds start phases. */
#include "policy/skill.h"

#include "base/assert.h"
#include "motion/rotation.h"
#include "policy/followed.h"
#include "policy/may_touch.h"
#include "policy/models.h"
#include "policy/motion.h"
#include "policy/skill_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_critic_scratch(ami_skill *skill, ami_error *err)
{
    skill->workspace = malloc(ami_model_workspace_size(skill->critic, 1));
    skill->obs = malloc(AMI_OBS_MAX * sizeof(float));
    skill->value = malloc(sizeof(float));
    return (skill->workspace && skill->obs && skill->value) || ami_fail(err, "out of memory for a critic");
}

static bool load_critic(ami_skill *skill, const ami_skill_def *def, ami_error *err)
{
    char path[4200];
    if (def->no_critic)
        return true;
    if (def->critic) {
        if (!ami_find_model(def->critic, path, sizeof path, err))
            return false;
    } else if (!def->policy || !ami_policy_critic_path(def->policy, path, sizeof path)) {
        return true;
    }
    skill->critic = ami_model_load(path, NULL, err);
    if (!skill->critic)
        return false;
    const int inputs = skill->has_policy ? ami_policy_inputs(&skill->policy) : AMI_OBS;
    if (ami_model_inputs(skill->critic) != inputs || ami_model_outputs(skill->critic) != 1)
        return ami_fail(err, "%s: the network has %d inputs and %d outputs, expected a critic with %d and 1",
                        path, ami_model_inputs(skill->critic), ami_model_outputs(skill->critic), inputs);
    return make_critic_scratch(skill, err);
}

static bool fits(const ami_skill *skill, const ami_skill_def *def, ami_error *err)
{
    const ami_policy *p = &skill->policy;
    if (!def->policy || !def->character)
        return true;
    const double hz = 1 / def->character->timestep;
    if (fabs(p->physics_hz - hz) > 1e-6 * hz || (def->substeps && p->substeps != def->substeps))
        return ami_fail(err,
                        "%s was trained with physics at %g Hz and control at %g Hz, but this session runs at "
                        "%g and %g Hz: start amble-view with it",
                        def->policy, p->physics_hz, p->physics_hz / p->substeps, hz,
                        hz / (def->substeps ? def->substeps : p->substeps));
    return true;
}

static bool make_controllers(ami_skill *skill, int characters, ami_error *err)
{
    skill->characters = characters;
    skill->groups = (characters + AMI_SKILL_GROUP - 1) / AMI_SKILL_GROUP;
    skill->controller = calloc((size_t)skill->groups, sizeof *skill->controller);
    if (!skill->controller)
        return ami_fail(err, "out of memory for %d characters", characters);
    for (int g = 0; g < skill->groups; g++)
        if (!ami_controller_init(&skill->controller[g], skill->has_policy ? &skill->policy : NULL,
                                 AMI_SKILL_GROUP, err))
            return false;
    return true;
}

static void name_after(ami_skill *skill, const char *policy)
{
    const char *slash = policy ? strrchr(policy, '/') : NULL;
    snprintf(skill->name, sizeof skill->name, "%.60s", slash ? slash + 1 : policy ? policy : "");
    char *dot = strrchr(skill->name, '.');
    if (dot && dot != skill->name)
        *dot = 0;
    /* A run folder's actor.onnx is named after its motion, and so is one of several. */
    if (!strcmp(skill->name, "actor") || !policy || (skill->clip && skill->policy.motions > 1))
        snprintf(skill->name, sizeof skill->name, "%.60s",
                 skill->clip ? ami_clip_name(skill->clip) : "styles");
    if (!strncmp(skill->name, "humanoid3d_", 11))
        memmove(skill->name, skill->name + 11, strlen(skill->name + 11) + 1);
}

/* What the table says about the skill. */
static bool take_entry(ami_skill *skill, const ami_skill_entry *entry, ami_error *err)
{
    snprintf(skill->name, sizeof skill->name, "%s", entry->name);
    snprintf(skill->then, sizeof skill->then, "%s", entry->then);
    if (!entry->once && skill->ends)
        return ami_fail(
            err,
            "the table of skills beside %s says that \"%s\" plays in a loop, but its motion \"%s\" "
            "does not loop: expected \"once\"",
            skill->path, entry->name, ami_clip_name(skill->clip));
    skill->ends = entry->once;
    return true;
}

/* Of a network with several skills it is not known which one is meant unless its name is given. */
static const ami_skill_entry *entry_of(const ami_skill_table *table, const ami_skill_def *def)
{
    const ami_skill_entry *entry = NULL;
    if (!def->policy || (ami_skill_table_network(table, def->policy, &entry) != 1 && !def->name))
        return NULL;
    const ami_skill_entry *named = entry && def->name ? ami_skill_table_skill(table, def->name) : NULL;
    return named && !strcmp(named->network, entry->network) ? named : def->name ? NULL : entry;
}

static bool load(ami_skill *skill, const ami_skill_def *def, ami_error *err)
{
    if (def->policy) {
        snprintf(skill->path, sizeof skill->path, "%s", def->policy);
        if (!ami_policy_load(&skill->policy, def->policy, def->model, err))
            return false;
        skill->has_policy = true;
    }
    if (!fits(skill, def, err) || !load_critic(skill, def, err))
        return false;
    ami_skill_table table = {0};
    if (def->policy && !ami_skill_table_beside(&table, def->policy, err))
        return false;
    const ami_skill_entry *entry = entry_of(&table, def);
    const ami_origin origin = ami_policy_origin(&skill->policy, skill->path);
    const bool listed = entry && entry->motion[0] && strcmp(entry->motion, skill->policy.motion) != 0;
    const char *motion = !def->motion && listed ? entry->motion : def->motion;
    char clip[4096];
    skill->invents = def->invents || (!motion && ami_style_trained_on(skill->policy.motion));
    skill->clip =
        skill->invents ? NULL : ami_load_motion(motion, def->clips, &origin, clip, sizeof clip, err);
    if (!skill->clip && !skill->invents)
        return false;
    name_after(skill, def->policy);
    skill->ends = skill->clip && !ami_clip_loops(skill->clip);
    if (entry && !skill->invents && !take_entry(skill, entry, err))
        return false;
    if (skill->clip && ami_clip_loops(skill->clip)) {
        double offset[3];
        ami_clip_cycle_offset(skill->clip, offset);
        skill->speed = hypot(offset[0], offset[1]) / ami_clip_duration(skill->clip);
    }
    skill->may_touch = 1u << AMI_RIGHT_ANKLE | 1u << AMI_LEFT_ANKLE;
    if (def->character && !ami_choose_may_touch(def->may_touch, skill->has_policy ? &skill->policy : NULL,
                                                def->character, skill->clip, &skill->may_touch, err))
        return false;
    return make_controllers(skill, def->characters, err);
}

ami_skill *ami_skill_load(const ami_skill_def *def, ami_error *err)
{
    AMI_ASSERT(def);
    ami_skill *skill = calloc(1, sizeof *skill);
    if (!skill) {
        ami_fail(err, "out of memory for a skill");
        return NULL;
    }
    if (load(skill, def, err))
        return skill;
    ami_skill_free(skill);
    return NULL;
}

ami_skill *ami_skill_share(const ami_skill *of, int characters, ami_error *err)
{
    ami_skill *skill = malloc(sizeof *skill);
    if (!skill) {
        ami_fail(err, "out of memory for a skill");
        return NULL;
    }
    *skill = *of;
    skill->shared = true;
    skill->generator = NULL;
    skill->cycle_workspace = NULL;
    skill->initial = NULL;
    skill->controller = NULL;
    skill->workspace = NULL;
    skill->obs = skill->value = NULL;
    if ((!skill->critic || make_critic_scratch(skill, err)) && make_controllers(skill, characters, err))
        return skill;
    ami_skill_free(skill);
    return NULL;
}

static bool make_generators(ami_skill *skill, const ami_generator_def *def, ami_error *err)
{
    skill->cycle_workspace = calloc((size_t)skill->groups, sizeof(ami_cycle_workspace *));
    skill->generator = calloc((size_t)skill->characters, sizeof(ami_generator *));
    if (!skill->cycle_workspace || !skill->generator)
        return ami_fail(err, "out of memory for %d characters", skill->characters);
    for (int g = 0; g < skill->groups; g++)
        if (!(skill->cycle_workspace[g] = ami_cycle_workspace_create(def->nets, err)))
            return false;
    for (int i = 0; i < skill->characters; i++) {
        ami_generator_def own = *def;
        own.stream = (uint64_t)i;
        if (!(skill->generator[i] = ami_generator_create(&own, skill->cycle_workspace[0], err)))
            return false;
    }
    return true;
}

bool ami_skill_invent(ami_skill *skill, const ami_generator_def *def, ami_error *err)
{
    AMI_ASSERT(skill && def);
    if (!make_generators(skill, def, err))
        return false;
    const size_t size = ami_generator_save_size(skill->generator[0]);
    skill->initial = malloc((size_t)skill->characters * size);
    if (!skill->initial)
        return ami_fail(err, "out of memory for %d characters", skill->characters);
    for (int i = 0; i < skill->characters; i++)
        ami_generator_save(skill->generator[i], skill->initial + (size_t)i * size);
    return true;
}

static void free_generators(ami_skill *skill)
{
    for (int i = 0; skill->generator && i < skill->characters; i++)
        ami_generator_destroy(skill->generator[i]);
    for (int g = 0; skill->cycle_workspace && g < skill->groups; g++)
        ami_cycle_workspace_destroy(skill->cycle_workspace[g]);
    free(skill->generator);
    free(skill->cycle_workspace);
    free(skill->initial);
}

void ami_skill_free(ami_skill *skill)
{
    if (!skill)
        return;
    free_generators(skill);
    for (int g = 0; skill->controller && g < skill->groups; g++)
        ami_controller_free(&skill->controller[g]);
    free(skill->controller);
    if (!skill->shared) {
        ami_policy_free(&skill->policy);
        ami_model_destroy(skill->critic);
        ami_clip_destroy(skill->clip);
    }
    free(skill->workspace);
    free(skill->obs);
    free(skill->value);
    free(skill);
}

double ami_skill_value(const ami_skill *skill, const ami_env *env)
{
    if (!skill->critic)
        return NAN;
    ami_env_observe(env, skill->obs);
    ami_model_run(skill->critic, skill->workspace, skill->obs, 1, skill->value);
    return skill->value[0];
}

/* Σ of the squared angles between the joints of two poses */
static double distance(const double *a, const double *b)
{
    double sum = 0;
    for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
        const int k = ami_clip_joints[j].pose;
        const double angle = ami_clip_joints[j].ball ? ami_quat_angle(a + k, b + k) : a[k] - b[k];
        sum += angle * angle;
    }
    return sum;
}

const ami_clip *ami_skill_clip(const ami_skill *skill, int character)
{
    return skill->invents ? ami_generator_clip(skill->generator[character]) : skill->clip;
}

bool ami_skill_loops(const ami_skill *skill)
{
    return skill->invents || !skill->ends;
}

int ami_skill_entries(const ami_clip *clip, const ami_state *state, double last, int n, double *phases)
{
    AMI_ASSERT(clip && state && n >= 0 && phases);
    double gap[AMI_SKILL_PHASES];
    int allowed = 0, written = 0;
    for (; allowed < AMI_SKILL_PHASES && (double)allowed / AMI_SKILL_PHASES <= last; allowed++) {
        double pose[AMI_POSE];
        ami_clip_sample(clip, ami_clip_duration(clip) * allowed / AMI_SKILL_PHASES, pose, NULL);
        gap[allowed] = distance(pose, state->pose);
    }
    for (; written < n && written < allowed; written++) {
        int best = 0;
        for (int i = 1; i < allowed; i++)
            if (gap[i] < gap[best])
                best = i;
        phases[written] = (double)best / AMI_SKILL_PHASES;
        gap[best] = INFINITY;
    }
    return written;
}
