/* For tests of viewer/: a session of small marching characters, loaded from files as a user gives them. */
#ifndef AMI_TESTS_SESSION_FIXTURE_H
#define AMI_TESTS_SESSION_FIXTURE_H

#include "tests/policy.h"

#include "nets/onnx/onnx.h"
#include "policy/rollout.h"
#include "session/session.h"

static ami_character *character;

/* An actor with its critic and motion, written to files and read back. `lift`: of the legs, rad; other
 * numbers make other skills. inputs: AMI_OBS, or AMI_OBS_MAX for one that sees the goal. */
static inline ami_skill *make_skill_of(int inputs, const char *name, double lift, bool loop, int characters)
{
    ami_error err = {""};
    char actor_path[160], critic_path[160], clip_path[160], file[80];
    snprintf(file, sizeof file, "%s.onnx", name);
    snprintf(actor_path, sizeof actor_path, "%s", scratch(file));
    snprintf(file, sizeof file, "%s_critic.onnx", name);
    snprintf(critic_path, sizeof critic_path, "%s", scratch(file));
    snprintf(file, sizeof file, "%s.txt", name);
    snprintf(clip_path, sizeof clip_path, "%s", scratch(file));
    ami_clip *clip = march(lift, loop);
    ami_net *net = small_actor_of(inputs, 2, .02);
    assert_true(ami_net_set_meta(net, "action", "residual"));
    assert_true(ami_clip_write(clip, clip_path, &err));
    if (!ami_onnx_write(actor_path, net, AMI_ONNX_FLOAT32, &err))
        fail_msg("%s", err.text);
    ami_net_destroy(net);
    const int dim[] = {inputs, 8, 1};
    net = ami_net_create(2, dim, NULL);
    for (int i = 0; i < inputs * 8; i++)
        net->weight[0][i] = (float)(i % 7 - 3) * .01f;
    for (int i = 0; i < 8; i++)
        net->weight[1][i] = .1f * (float)(i + 1);
    if (!ami_onnx_write(critic_path, net, AMI_ONNX_FLOAT32, &err))
        fail_msg("%s", err.text);
    ami_net_destroy(net);
    ami_clip_destroy(clip);
    const ami_skill_def def = {.policy = actor_path,
                               .motion = clip_path,
                               .character = character,
                               .substeps = 4,
                               .characters = characters};
    ami_skill *skill = ami_skill_load(&def, &err);
    if (!skill)
        fail_msg("%s", err.text);
    return skill;
}

static inline ami_skill *make_skill(const char *name, double lift, bool loop, int characters)
{
    return make_skill_of(AMI_OBS, name, lift, loop, characters);
}

static inline ami_session_def session_def(ami_skill *skill, int characters)
{
    ami_env_def env = ami_env_default_def(character, skill->clip);
    ami_policy_use(&skill->policy, &env);
    env.seed = 21;
    return ami_session_default_def(&env, skill, characters);
}

static inline ami_session *make_session(const ami_session_def *def)
{
    ami_error err = {""};
    ami_session *session = ami_session_create(def, &err);
    if (!session)
        fail_msg("%s", err.text);
    return session;
}

static inline uint64_t rollout_hash(const ami_session_def *def, double seconds)
{
    ami_rollout_def rollout = {.env = def->env, .policy = &def->skill[0]->policy, .envs = def->characters};
    rollout.env.clip = def->skill[0]->clip;
    rollout.env.episode_s = seconds;
    ami_rollout_result result;
    ami_error err = {""};
    if (!ami_rollout_run(&rollout, &result, &err))
        fail_msg("%s", err.text);
    ami_rollout_result_free(&result);
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
    ami_character_destroy(character);
    return remove_scratch(state);
}

#endif
