/* A generator and an environment that follows it, for tests of both. */
#ifndef AMB_TESTS_GENERATORS_H
#define AMB_TESTS_GENERATORS_H

#include "tests/motions.h"

static amb_character *character;
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
    amb_character_destroy(character);
    return remove_scratch(state);
}

/* A generator and an environment that follows it. */
typedef struct pair {
    amb_style_plan plan;
    amb_generator *generator;
    amb_env env;
} pair;

static inline amb_style_plan plan_of(const char *text)
{
    amb_style_plan plan;
    amb_error err = {""};
    const char *path = scratch("plan.txt");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    const bool ok = strchr(text, ' ') ? amb_style_plan_read(&plan, &made.styles, path, &err)
                                      : amb_style_plan_parse(&plan, &made.styles, text, &err);
    if (!ok)
        fail_msg("%s", err.text);
    return plan;
}

/* change: of drawn styles. def: NULL for the default one. */
static inline void start_pair(pair *p, const char *text, double change, const amb_generator_def *with)
{
    amb_error err = {""};
    p->plan = plan_of(text);
    p->plan.change_s[0] = p->plan.change_s[1] = change;
    amb_generator_def def = with ? *with : amb_generator_default_def(&made.nets, NULL);
    def.plan = &p->plan;
    if (!with)
        def.seed = 3;
    p->generator = amb_generator_create(&def, made.room, &err);
    if (!p->generator)
        fail_msg("%s", err.text);
    amb_env_def env_def = amb_env_default_def(character, NULL);
    env_def.seed = 8;
    env_def.episode_s = 1000;
    env_def.may_touch = (1u << AMB_BODIES) - 1;
    amb_generator_use(p->generator, &env_def);
    assert_ptr_equal(env_def.clip, amb_generator_clip(p->generator));
    if (!amb_env_init(&p->env, &env_def, &err))
        fail_msg("%s", err.text);
}

static inline void end_pair(pair *p)
{
    amb_env_free(&p->env);
    amb_generator_destroy(p->generator);
    amb_style_plan_free(&p->plan);
}

static inline amb_generator_def default_def(void)
{
    amb_generator_def def = amb_generator_default_def(&made.nets, NULL);
    def.seed = 3;
    return def;
}

/* One control step of a body without a network. */
static inline void step(pair *p)
{
    static const float nothing[AMB_ACTION];
    amb_reward reward;
    amb_generator_step(p->generator, made.room, &p->env);
    amb_env_step(&p->env, nothing, &reward);
}

#endif
