/* Saving a generator and loading it again: latents instead of motions. */
#include "base/assert.h"
#include "policy/generator_state.h"

#include <limits.h>
#include <string.h>

/* The format in checkpoints: plain data that does not depend on the layout of ami_generator_state. */
typedef struct saved_generator {
    ami_rng rng;
    ami_latent from, to, middle;
    int64_t has_middle;
    ami_latent tried, before, again;
    double transition_begun, transition_s, entered, begun, changed, next_change;
    double heading, speed, pace, lag, lag_seen_s;
    int64_t moment, current, change_again, busy;
    ami_generator_counts counts;
    ami_latent followed, coming; /* latents of the current and of the next motion */
    int64_t stage;               /* of the next motion, nominal */
} saved_generator;

static void put_state(const ami_generator_state *s, saved_generator *saved)
{
    const ami_transition *t = &s->transition;
    saved->rng = s->rng;
    saved->from = t->from;
    saved->to = t->to;
    saved->middle = t->middle;
    saved->has_middle = t->has_middle;
    saved->tried = s->tried;
    saved->before = s->before;
    saved->again = s->again;
    saved->transition_begun = t->begun;
    saved->transition_s = t->duration;
    saved->entered = s->entered;
    saved->begun = s->begun;
    saved->changed = s->changed;
    saved->next_change = s->next_change;
    saved->heading = s->heading;
    saved->speed = s->speed;
    saved->pace = s->pace;
    saved->lag = s->lag;
    saved->lag_seen_s = s->lag_seen_s;
    saved->moment = s->moment;
    saved->current = s->current;
    saved->change_again = s->change_again;
    saved->busy = s->busy;
    saved->stage = s->busy ? s->stage : 0;
    saved->counts = s->counts;
}

static ami_generator_state get_state(const saved_generator *saved)
{
    return (ami_generator_state){.rng = saved->rng,
                                 .transition = {.from = saved->from,
                                                .to = saved->to,
                                                .middle = saved->middle,
                                                .has_middle = saved->has_middle != 0,
                                                .begun = saved->transition_begun,
                                                .duration = saved->transition_s},
                                 .heading = saved->heading,
                                 .speed = saved->speed,
                                 .pace = saved->pace,
                                 .moment = (int)saved->moment,
                                 .changed = saved->changed,
                                 .next_change = saved->next_change,
                                 .before = saved->before,
                                 .change_again = saved->change_again != 0,
                                 .again = saved->again,
                                 .current = (int)saved->current,
                                 .busy = saved->busy != 0,
                                 .stage = (int)saved->stage,
                                 .tried = saved->tried,
                                 .begun = saved->begun,
                                 .entered = saved->entered,
                                 .counts = saved->counts,
                                 .lag = saved->lag,
                                 .lag_seen_s = saved->lag_seen_s};
}

/* Whether the saved state is valid. */
static bool is_possible(const saved_generator *saved)
{
    return saved->current >= 0 && saved->current <= 1 && saved->busy >= 0 && saved->busy <= 1 &&
           saved->moment >= 0 && saved->moment <= INT_MAX && saved->stage >= 0 &&
           saved->stage < AMI_CYCLE_DONE;
}

size_t ami_generator_save_size(const ami_generator *generator)
{
    (void)generator;
    return sizeof(saved_generator);
}

void ami_generator_save(const ami_generator *generator, void *data)
{
    AMI_ASSERT(generator && data);
    const ami_cycle *followed = &generator->cycle[generator->s.current],
                    *coming = &generator->cycle[1 - generator->s.current];
    saved_generator saved;
    memset(&saved, 0, sizeof saved); /* padding too: equal generators save equal bytes */
    put_state(&generator->s, &saved);
    saved.followed = followed->latent;
    if (generator->s.busy)
        saved.coming = coming->latent;
    memcpy(data, &saved, sizeof saved);
}

bool ami_generator_load(ami_generator *generator, ami_cycle_workspace *workspace, const void *data,
                        ami_env *env, ami_error *err)
{
    AMI_ASSERT(generator && workspace && data && env);
    saved_generator saved;
    memcpy(&saved, data, sizeof saved);
    if (!is_possible(&saved))
        return ami_fail(err, "the saved state of a motion generator is not valid");
    generator->s = get_state(&saved);
    ami_cycle *followed = &generator->cycle[generator->s.current],
              *coming = &generator->cycle[1 - generator->s.current];
    ami_refusal refusal = AMI_MOTION_OK;
    const bool is_made = followed->stage == AMI_CYCLE_DONE && /* if few steps are undone */
                         memcmp(&followed->latent, &saved.followed, sizeof saved.followed) == 0;
    if (!is_made)
        refusal = ami_cycle_make(followed, generator->def.nets, &generator->def.limits, workspace,
                                 &saved.followed, generator->clip[generator->s.current]);
    generator->started = generator->s.busy; /* nothing of it is done; the steps that are left do it */
    generator->refusal = AMI_MOTION_OK;
    if (generator->s.busy)
        ami_cycle_begin(coming, generator->task, &saved.coming);
    ami_generator_use(generator, &env->def);
    return refusal == AMI_MOTION_OK ||
           ami_fail(err, "a saved motion is not usable any more (%s): it was made with other networks",
                    ami_refusal_text(refusal));
}
