/* What the tests of viewer/ share: a session of small marching characters, from files as a user would give
 * them. */
#ifndef AMB_TESTS_SESSION_FIXTURE_H
#define AMB_TESTS_SESSION_FIXTURE_H

#include "tests/policy.h"

#include "nets/onnx/onnx.h"
#include "policy/rollout.h"
#include "session/session.h"

static amb_character *character;

/* An actor with its critic and motion, written to files and read back. `lift`: of the legs, rad; other
 * numbers make other skills. inputs: AMB_OBS, or AMB_OBS_MAX for one that sees the goal. */
static inline amb_skill *make_skill_of(int inputs, const char *name, double lift, bool loop, int characters)
{
    amb_error err = {""};
    char actor_path[160], critic_path[160], clip_path[160], file[80];
    snprintf(file, sizeof file, "%s.onnx", name);
    snprintf(actor_path, sizeof actor_path, "%s", scratch(file));
    snprintf(file, sizeof file, "%s_critic.onnx", name);
    snprintf(critic_path, sizeof critic_path, "%s", scratch(file));
    snprintf(file, sizeof file, "%s.txt", name);
    snprintf(clip_path, sizeof clip_path, "%s", scratch(file));
    amb_clip *clip = march(lift, loop);
    amb_net *net = small_actor_of(inputs, 2, .02);
    assert_true(amb_net_set_meta(net, "action", "residual"));
    assert_true(amb_clip_write(clip, clip_path, &err));
    if (!amb_onnx_write(actor_path, net, AMB_ONNX_FLOAT32, &err))
        fail_msg("%s", err.text);
    amb_net_destroy(net);
    const int dim[] = {inputs, 8, 1};
    net = amb_net_create(2, dim, NULL);
    for (int i = 0; i < inputs * 8; i++)
        net->weight[0][i] = (float)(i % 7 - 3) * .01f;
    for (int i = 0; i < 8; i++)
        net->weight[1][i] = .1f * (float)(i + 1);
    if (!amb_onnx_write(critic_path, net, AMB_ONNX_FLOAT32, &err))
        fail_msg("%s", err.text);
    amb_net_destroy(net);
    amb_clip_destroy(clip);
    const amb_skill_def def = {.policy = actor_path,
                               .motion = clip_path,
                               .character = character,
                               .substeps = 4,
                               .characters = characters};
    amb_skill *skill = amb_skill_load(&def, &err);
    if (!skill)
        fail_msg("%s", err.text);
    return skill;
}

static inline amb_skill *make_skill(const char *name, double lift, bool loop, int characters)
{
    return make_skill_of(AMB_OBS, name, lift, loop, characters);
}

static inline amb_session_def session_def(amb_skill *skill, int characters)
{
    amb_env_def env = amb_env_default_def(character, skill->clip);
    amb_policy_use(&skill->policy, &env);
    env.seed = 21;
    return amb_session_default_def(&env, skill, characters);
}

static inline amb_session *make_session(const amb_session_def *def)
{
    amb_error err = {""};
    amb_session *session = amb_session_create(def, &err);
    if (!session)
        fail_msg("%s", err.text);
    return session;
}

static inline uint64_t rollout_hash(const amb_session_def *def, double seconds)
{
    amb_rollout_def rollout = {.env = def->env, .policy = &def->skill[0]->policy, .envs = def->characters};
    rollout.env.clip = def->skill[0]->clip;
    rollout.env.episode_s = seconds;
    amb_rollout_result result;
    amb_error err = {""};
    if (!amb_rollout_run(&rollout, &result, &err))
        fail_msg("%s", err.text);
    amb_rollout_result_free(&result);
    return result.hash;
}

static inline int load_body(void **state)
{
    (void)state;
    set_threads(2);
    character = load_character(120);
    return 0;
}

static inline int unload_body(void **state)
{
    amb_character_destroy(character);
    return remove_scratch(state);
}

#endif
