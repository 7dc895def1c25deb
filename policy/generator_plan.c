/* Which style a generator follows when: the plan, and the latent's path from one style to the next. */
#include "policy/generator_state.h"

#include <math.h>

static const double longest_glide_s = 3;
static const double straight_up_to = 5; /* ratio of speeds */

ami_latent ami_generator_latent_at(const ami_generator *g, double now)
{
    const ami_transition *t = &g->s.transition;
    const double u = t->duration > 0 ? (now - t->begun) / t->duration : 1;
    ami_latent here, there;
    if (!t->has_middle || u <= 0 || u >= 1) {
        ami_latent_between(&t->from, &t->to, u, &here);
        return here;
    }
    ami_latent_between(&t->from, &t->middle, u, &here);
    ami_latent_between(&t->middle, &t->to, u, &there);
    ami_latent_between(&here, &there, u, &here);
    return here;
}

/* Duration of a transition, s. If a latent has no speed or tempo, the result is NaN, which fmax ignores. */
static double transition_s(const ami_generator *g, const ami_latent *from, const ami_latent *to)
{
    const double brake_s = fabs(to->speed - from->speed) / g->def.acceleration;
    const double rhythm_s = g->def.octave_s * fabs(log2(to->tempo / from->tempo));
    return fmin(fmax(g->def.glide_s, fmax(brake_s, rhythm_s)), fmax(g->def.glide_s, longest_glide_s));
}

/* The named style in the middle of a transition between very different speeds; NULL: the transition is
 * straight. */
static const ami_style *style_between(const ami_generator *g, const ami_latent *from, const ami_latent *to)
{
    const double apart = fabs(log(to->speed / from->speed)), middle = .5 * log(to->speed * from->speed);
    if (!(apart > log(straight_up_to) && isfinite(middle)))
        return NULL;
    const ami_styles *styles = g->def.plan->styles;
    const ami_style *nearest = NULL;
    double least = .25 * apart; /* it must be in the middle half */
    for (int i = 0; i < styles->count; i++) {
        const double off = fabs(log(styles->style[i].speed) - middle);
        if (off < least) {
            least = off;
            nearest = &styles->style[i];
        }
    }
    return nearest;
}

void ami_generator_glide(ami_generator *g, const ami_latent *latent, double now)
{
    ami_transition *t = &g->s.transition;
    t->from = ami_generator_latent_at(g, now);
    t->to = *latent;
    t->begun = now;
    t->duration = transition_s(g, &t->from, latent);
    const ami_style *middle = style_between(g, &t->from, latent);
    t->has_middle = middle != NULL;
    if (middle)
        ami_latent_of_style(middle, &t->middle);
}

static void request_moment(ami_generator *g, const ami_style_moment *moment, double now)
{
    if (!moment->skill[0]) /* else the session changes to it, and the generator stays as it is */
        ami_generator_glide(g, &moment->latent, now);
    if (!isnan(moment->heading))
        g->s.heading = moment->heading;
    if (!isnan(moment->speed))
        g->s.speed = moment->speed;
}

static void draw_next_change(ami_generator *g, double now)
{
    const double *in = g->def.plan->change_s;
    g->s.next_change = in[1] > 0 ? now + ami_rng_range(&g->s.rng, in[0], in[1]) : (double)INFINITY;
}

static void request_drawn(ami_generator *g, double now)
{
    const ami_style_plan *plan = g->def.plan;
    ami_latent latent = g->s.again;
    if (!g->s.change_again)
        ami_style_draw(plan, &g->s.rng, &latent, &g->s.pace);
    g->s.change_again = false;
    g->s.before = g->s.transition.to;
    g->s.changed = now;
    ami_generator_glide(g, &latent, now);
    draw_next_change(g, now);
}

void ami_generator_follow_plan(ami_generator *g, double now)
{
    const ami_style_plan *plan = g->def.plan;
    if (plan->moments == 0) {
        if (now >= g->s.next_change - 1e-9)
            request_drawn(g, now);
        return;
    }
    while (g->s.moment < plan->moments && now >= plan->moment[g->s.moment].time - 1e-9)
        request_moment(g, &plan->moment[g->s.moment++], now);
}

double ami_generator_next_change(const ami_generator *g)
{
    const ami_style_plan *plan = g->def.plan;
    if (plan->moments == 0)
        return g->s.next_change;
    return g->s.moment < plan->moments ? plan->moment[g->s.moment].time : (double)INFINITY;
}

void ami_generator_begin_plan(ami_generator *g, bool again)
{
    ami_generator_state *s = &g->s;
    s->moment = 0;
    s->heading = (double)NAN;
    s->speed = g->def.speed;
    s->lag = 0; /* bodies start at the reference */
    s->lag_seen_s = AMI_LAG_S;
    s->busy = g->started = false;
    s->changed = 0;
    s->entered = s->begun = -(double)INFINITY;
    s->change_again = false;
    if (again && g->def.plan->moments == 0) {
        draw_next_change(g, 0);
    } else {
        s->pace = 1;
        s->next_change = 0;
        ami_generator_follow_plan(g, 0);
    }
    s->transition.from = s->transition.to;
    s->transition.has_middle = false;
}
