/* For tests of generators: one with an environment that follows it. */
#ifndef AMI_TESTS_GENERATORS_H
#define AMI_TESTS_GENERATORS_H

#include "tests/motions.h"

static ami_character *character;
static hand_made made;

static inline int set_up(void **state)
{
    (void)state;
    set_threads(1);
    character = load_character(120);
    make_by_hand(&made, character, .02);
    return 0;
}

static inline int tear_down(void **state)
{
    free_hand_made(&made);
    ami_character_destroy(character);
    return remove_scratch(state);
}

/* A generator and an environment that follows it. */
typedef struct pair {
    ami_style_plan plan;
    ami_generator *generator;
    ami_env env;
} pair;

static inline ami_style_plan plan_of(const char *text)
{
    ami_style_plan plan;
    ami_error err = {""};
    const char *path = scratch("plan.txt");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    const bool ok = strchr(text, ' ') ? ami_style_plan_read(&plan, &made.styles, path, &err)
                                      : ami_style_plan_parse(&plan, &made.styles, text, &err);
    if (!ok)
        fail_msg("%s", err.text);
    return plan;
}

/* change: of drawn styles. def: NULL for the default one. */
static inline void start_pair(pair *p, const char *text, double change, const ami_generator_def *with)
{
    ami_error err = {""};
    p->plan = plan_of(text);
    p->plan.change_s[0] = p->plan.change_s[1] = change;
    ami_generator_def def = with ? *with : ami_generator_default_def(&made.nets, NULL);
    def.plan = &p->plan;
    if (!with)
        def.seed = 3;
    p->generator = ami_generator_create(&def, made.workspace, &err);
    if (!p->generator)
        fail_msg("%s", err.text);
    ami_env_def env_def = ami_env_default_def(character, NULL);
    env_def.seed = 8;
    env_def.episode_s = 1000;
    env_def.may_touch = (1u << AMI_BODIES) - 1;
    ami_generator_use(p->generator, &env_def);
    assert_ptr_equal(env_def.clip, ami_generator_clip(p->generator));
    if (!ami_env_init(&p->env, &env_def, &err))
        fail_msg("%s", err.text);
}

static inline void end_pair(pair *p)
{
    ami_env_free(&p->env);
    ami_generator_destroy(p->generator);
    ami_style_plan_free(&p->plan);
}

static inline ami_generator_def default_def(void)
{
    ami_generator_def def = ami_generator_default_def(&made.nets, NULL);
    def.seed = 3;
    return def;
}

/* One control step of a body without a network. */
static inline void step(pair *p)
{
    static const float nothing[AMI_ACTION];
    ami_reward reward;
    ami_generator_step(p->generator, made.workspace, &p->env);
    ami_env_step(&p->env, nothing, &reward);
}

#endif
