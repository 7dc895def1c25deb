/* The reference generator: follows the plan, makes motions, runs the clock, is saved and loaded. */
#include "policy/generator.h"

#include "base/assert.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Nominal costs of the stages, µs on a core of 2024 in fp32. They are not measured at run time, because
 * results would depend on it. */
static const double stage_us[AMI_CYCLE_DONE] = {90, 60, 120, 30};

static const double rate_slew = 1.5; /* 1/s */
static const double max_pull = .25, lag_s = 2;
static const double longest_glide_s = 3;
static const double straight_up_to = 5;            /* ratio of speeds */
static const double change_takes_s = 3;            /* a fall this soon after a change of style is due to it */
static const double change_again_s[2] = {.2, 1.5}; /* min and max time until such a change is repeated */
static const double turn_gain = 2, max_turn = .8;  /* 1/s, rad/s: towards a requested heading */

/* The path of the latent from one style to the next: straight, or a quadratic Bézier curve with control point
 * `middle`. Afterwards the latent stays at `to`. */
typedef struct transition {
    ami_latent from, to, middle;
    bool has_middle;
    double begun, duration; /* s */
} transition;

/* The generator's state without its motions. */
typedef struct state {
    ami_rng rng; /* of the plan's drawn styles, and of when they change */

    /* The plan (follow_plan, begin_plan) and interactive overrides (ami_generator_request, …_set_pace, …) */
    transition transition;
    double heading, speed, pace; /* requested; heading NaN: none, speed 0: the style's */
    int moment;                  /* index of the next moment of a fixed plan */
    double changed, next_change; /* s, changes of drawn styles; changed 0: none yet */
    ami_latent before;           /* of drawn styles: the one before transition.to */
    bool change_again;           /* the next change of drawn styles is to `again`, … */
    ami_latent again;            /* … to which the body fell in the transition from `before` */

    /* Making motions (work, make_now, change) */
    int current;      /* index of the motion that is followed */
    bool busy;        /* the other motion is being made */
    ami_latent tried; /* the last latent of which a motion was begun */
    double begun;     /* s, when the last motion was begun */
    double entered;   /* s, when the reference changed to the current motion */
    ami_generator_counts counts;

    /* The clock (phase_pull) */
    double lag, lag_seen_s; /* cycles; s, time over which lag has been averaged */
} state;

struct ami_generator {
    ami_generator_def def; /* phase_gain may be set while it runs */
    ami_clip *clip[2];
    ami_cycle cycle[2];
    state s;
};

ami_generator_def ami_generator_default_def(const ami_motion_nets *nets, const ami_style_plan *plan)
{
    return (ami_generator_def){.nets = nets,
                               .plan = plan,
                               .budget_us = 150,
                               .glide_s = 1,
                               .acceleration = 1.2,
                               .blend_s = .3,
                               .octave_s = 1.2,
                               .every_s = .2,
                               .limits = ami_motion_default_limits()};
}

/* ---- the plan ---- */

/* The latent at this time of its transition. */
static ami_latent latent_at(const ami_generator *g, double now)
{
    const transition *t = &g->s.transition;
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

static void request(ami_generator *g, const ami_latent *latent, double now)
{
    transition *t = &g->s.transition;
    t->from = latent_at(g, now);
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
    request(g, &moment->latent, now);
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
    request(g, &latent, now);
    draw_next_change(g, now);
}

static void follow_plan(ami_generator *g, double now)
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

/* Restarts the plan without a transition to its first style. Again: with the style that was requested last
 * instead of a drawn one. */
static void begin_plan(ami_generator *g, bool again)
{
    state *s = &g->s;
    s->moment = 0;
    s->heading = (double)NAN;
    s->speed = g->def.speed;
    s->lag = 0; /* bodies start at the reference */
    s->lag_seen_s = lag_s;
    s->busy = false;
    s->changed = 0;
    s->entered = s->begun = -(double)INFINITY;
    s->change_again = false;
    if (again && g->def.plan->moments == 0) {
        draw_next_change(g, 0);
    } else {
        s->pace = 1;
        s->next_change = 0;
        follow_plan(g, 0);
    }
    s->transition.from = s->transition.to;
    s->transition.has_middle = false;
}

/* ---- motions ---- */

/* The requested rate: seconds of the clip per second. */
static double requested_rate(const ami_generator *g, const ami_cycle *cycle)
{
    if (!(g->s.speed > 0))
        return g->s.pace;
    const double own = cycle->facts.speed; /* a style on the spot has no speed to scale */
    return own < .1 ? 1 : fmin(fmax(g->s.speed / own, AMI_PACE_MIN), AMI_PACE_MAX);
}

static ami_refusal count(ami_generator *g, ami_refusal refusal)
{
    if (refusal == AMI_MOTION_OK)
        g->s.counts.made++;
    else
        g->s.counts.refused[refusal]++;
    return refusal;
}

/* Makes a whole motion in the unused buffer and makes it the current one. */
static ami_refusal make_now(ami_generator *g, ami_cycle_workspace *workspace, const ami_latent *latent)
{
    const int other = 1 - g->s.current;
    g->s.tried = *latent;
    const ami_refusal refusal =
        ami_cycle_make(&g->cycle[other], g->def.nets, &g->def.limits, workspace, latent, g->clip[other]);
    if (refusal == AMI_MOTION_OK)
        g->s.current = other;
    return count(g, refusal);
}

void ami_generator_use(const ami_generator *generator, ami_env_def *def)
{
    AMI_ASSERT(generator && def);
    def->clip = generator->clip[generator->s.current];
    def->rate = requested_rate(generator, &generator->cycle[generator->s.current]);
}

/* Changes the reference to the new motion, at the same phase. */
static void change(ami_generator *g, ami_env *env)
{
    const ami_cycle *old = &g->cycle[g->s.current];
    g->s.current = 1 - g->s.current;
    const ami_cycle *new = &g->cycle[g->s.current];
    const double phase = ami_cycle_phase_at(old, ami_reference_phase(&env->reference));
    const double duration = ami_clip_duration(g->clip[g->s.current]);
    const double time = fmin(ami_cycle_fraction_at(new, phase) * duration, nextafter(duration, 0));
    ami_reference_change(&env->reference, g->clip[g->s.current], time, requested_rate(g, new),
                         g->def.blend_s);
    g->s.counts.changes++;
    g->s.entered = env->step * env->control_dt;
    ami_generator_use(g, &env->def);
}

/* Whether to begin a motion of this latent: at once at the beginning and the end of a transition, else
 * every_s after the last one. */
static bool is_due(const ami_generator *g, const ami_latent *latent, double now)
{
    if (ami_latent_same(latent, &g->s.tried))
        return false;
    return now >= g->s.begun + g->def.every_s - 1e-9 || ami_latent_same(latent, &g->s.transition.to);
}

/* Does stages of the motion that is being made, or begins a new one if it is due. */
static void work(ami_generator *g, ami_cycle_workspace *workspace, ami_env *env, double now)
{
    const int other = 1 - g->s.current;
    ami_cycle *cycle = &g->cycle[other];
    if (!g->s.busy) {
        const ami_latent latent = latent_at(g, now);
        if (!is_due(g, &latent, now))
            return;
        g->s.tried = latent;
        g->s.begun = now;
        ami_cycle_begin(cycle, &latent);
        g->s.busy = true;
    }
    double spent = 0;
    do {
        spent += stage_us[cycle->stage];
        const ami_refusal refusal =
            ami_cycle_advance(cycle, g->def.nets, &g->def.limits, workspace, g->clip[other]);
        if (refusal != AMI_MOTION_OK || cycle->stage == AMI_CYCLE_DONE) {
            g->s.busy = false;
            if (count(g, refusal) == AMI_MOTION_OK)
                change(g, env);
            return;
        }
    } while (spent + stage_us[cycle->stage] <= g->def.budget_us);
}

/* ---- clock and heading ---- */

static double clamped(double x, double max)
{
    return fmin(fmax(x, -max), max);
}

/* Whether the requested latent's motion is not yet made. */
static bool in_transition(const ami_generator *g)
{
    return g->s.busy || !ami_latent_same(&g->s.tried, &g->s.transition.to);
}

/* The phase-locked loop of the header. */
static double phase_pull(ami_generator *g, ami_cycle_workspace *workspace, const ami_env *env)
{
    ami_phase body;
    if (in_transition(g)) {
        g->s.lag_seen_s = 0;
        return 0;
    }
    if (!(g->def.phase_gain > 0) || !ami_cycle_body_phase(g->def.nets, workspace, &env->state, &body))
        return 0;
    const double reference =
        ami_cycle_phase_at(&g->cycle[g->s.current], ami_reference_phase(&env->reference));
    const double ahead = ami_phase_difference(reference, body.phase), sure = fmin(body.amplitude, 1);
    const double unusual = ami_phase_difference(g->s.lag, ahead);
    const double weight = env->control_dt / fmin(g->s.lag_seen_s + env->control_dt, lag_s);
    g->s.lag = ami_phase_difference(0, g->s.lag + sure * unusual * weight);
    g->s.lag_seen_s += env->control_dt;
    return clamped(g->def.phase_gain * sure * unusual, max_pull);
}

static void set_clock(ami_generator *g, ami_cycle_workspace *workspace, ami_env *env)
{
    const double rate = requested_rate(g, &g->cycle[g->s.current]) * (1 + phase_pull(g, workspace, env));
    env->reference.rate += clamped(rate - env->reference.rate, rate_slew * env->control_dt);
}

static void steer(const ami_generator *g, ami_env *env)
{
    if (isnan(g->s.heading))
        return;
    const double off = remainder(g->s.heading - env->reference.heading, 2 * M_PI);
    env->reference.turn_rate = fabs(off) < 1e-6 ? 0 : clamped(turn_gain * off, max_turn);
}

/* ---- creation and steps ---- */

static bool check_def(const ami_generator_def *def, ami_error *err)
{
    if (!(def->budget_us >= 0))
        return ami_fail(err, "generation budget %g µs, expected 0 or more", def->budget_us);
    if (!(def->glide_s >= 0 && def->glide_s <= 60))
        return ami_fail(err, "transition time %g s, expected 0 to 60", def->glide_s);
    if (!(def->acceleration >= .1 && def->acceleration <= 1000))
        return ami_fail(err, "acceleration %g m/s², expected 0.1 to 1000", def->acceleration);
    if (!(def->blend_s >= .01 && def->blend_s <= 10))
        return ami_fail(err, "blend time %g s, expected 0.01 to 10", def->blend_s);
    if (!(def->octave_s >= 0 && def->octave_s <= 60))
        return ami_fail(err, "time to double the tempo %g s, expected 0 to 60", def->octave_s);
    if (!(def->every_s >= 0 && def->every_s <= 10))
        return ami_fail(err, "time between motions %g s, expected 0 to 10", def->every_s);
    if (!(def->phase_gain >= 0 && def->phase_gain <= 20))
        return ami_fail(err, "phase gain %g, expected 0 (off) to 20", def->phase_gain);
    if (!(def->speed >= 0 && def->speed <= 20))
        return ami_fail(err, "speed %g m/s, expected 0 (the style's own) to 20", def->speed);
    return true;
}

static bool first_motion(ami_generator *g, ami_cycle_workspace *workspace, ami_error *err)
{
    const ami_style_plan *plan = g->def.plan;
    begin_plan(g, false);
    ami_refusal refusal = make_now(g, workspace, &g->s.transition.to);
    if (refusal == AMI_MOTION_OK)
        return true;
    if (plan->moments > 0)
        return ami_fail(err, "the first requested style gives no usable motion: %s",
                        ami_refusal_text(refusal));
    for (int i = 0; i < plan->styles->count; i++) {
        ami_latent latent;
        ami_latent_of_style(&plan->styles->style[i], &latent);
        if (make_now(g, workspace, &latent) == AMI_MOTION_OK)
            return true;
    }
    return ami_fail(err, "none of the %d styles gives a usable motion; the first one: %s",
                    plan->styles->count, ami_refusal_text(refusal));
}

static ami_rng first_numbers(const ami_generator_def *def)
{
    return ami_rng_seed(def->seed, (UINT64_C(2) << 32) + def->stream);
}

ami_generator *ami_generator_create(const ami_generator_def *def, ami_cycle_workspace *workspace,
                                    ami_error *err)
{
    AMI_ASSERT(def && def->nets && def->plan && workspace);
    if (!check_def(def, err))
        return NULL;
    ami_generator *g = calloc(1, sizeof *g);
    if (!g) {
        ami_fail(err, "out of memory for a motion generator");
        return NULL;
    }
    g->def = *def;
    g->s.rng = first_numbers(def);
    bool ok = true;
    for (int i = 0; i < 2; i++)
        ok = ok && (g->clip[i] = ami_clip_reserve(AMI_CYCLE_FRAMES + 1, "generated", err)) != NULL;
    if (ok && first_motion(g, workspace, err))
        return g;
    ami_generator_destroy(g);
    return NULL;
}

void ami_generator_destroy(ami_generator *generator)
{
    if (!generator)
        return;
    ami_clip_destroy(generator->clip[0]);
    ami_clip_destroy(generator->clip[1]);
    free(generator);
}

const ami_clip *ami_generator_clip(const ami_generator *generator)
{
    return generator->clip[generator->s.current];
}

const ami_latent *ami_generator_latent(const ami_generator *generator)
{
    return &generator->cycle[generator->s.current].latent;
}

double ami_generator_followed_s(const ami_generator *generator, const ami_env *env)
{
    return env->step * env->control_dt - generator->s.entered;
}

const ami_cycle_facts *ami_generator_facts(const ami_generator *generator)
{
    return &generator->cycle[generator->s.current].facts;
}

const ami_generator_counts *ami_generator_get_counts(const ami_generator *generator)
{
    return &generator->s.counts;
}

bool ami_generator_is_making(const ami_generator *generator)
{
    return generator->s.busy;
}

static void make_requested(ami_generator *g, ami_cycle_workspace *workspace, ami_env *env)
{
    if (ami_latent_same(&g->s.transition.to, &g->cycle[g->s.current].latent))
        g->s.tried = g->s.transition.to;
    else
        make_now(g, workspace, &g->s.transition.to);
    ami_generator_use(g, &env->def);
}

void ami_generator_start(ami_generator *generator, ami_cycle_workspace *workspace, ami_env *env)
{
    AMI_ASSERT(generator && workspace && env);
    begin_plan(generator, false);
    make_requested(generator, workspace, env);
}

bool ami_generator_start_seeded(ami_generator *generator, ami_cycle_workspace *workspace, ami_env *env,
                                uint64_t seed, uint64_t stream, ami_error *err)
{
    generator->def.seed = seed;
    generator->def.stream = stream;
    memset(&generator->s, 0, sizeof generator->s);
    generator->s.rng = first_numbers(&generator->def);
    if (!first_motion(generator, workspace, err))
        return false;
    ami_generator_use(generator, &env->def);
    return true;
}

void ami_generator_start_again(ami_generator *generator, ami_cycle_workspace *workspace, ami_env *env)
{
    AMI_ASSERT(generator && workspace && env);
    state *s = &generator->s;
    const double now = env->step * env->control_dt;
    const bool in_change =
        generator->def.plan->moments == 0 && s->changed > 0 && now - s->changed < change_takes_s;
    if (in_change) {
        s->again = s->transition.to;
        s->transition.to = s->before;
    }
    begin_plan(generator, true);
    if (in_change) {
        s->change_again = true;
        s->next_change = ami_rng_range(&s->rng, change_again_s[0], change_again_s[1]);
    }
    make_requested(generator, workspace, env);
}

void ami_generator_step(ami_generator *generator, ami_cycle_workspace *workspace, ami_env *env)
{
    AMI_ASSERT(generator && workspace && env);
    const double now = env->step * env->control_dt;
    follow_plan(generator, now);
    work(generator, workspace, env, now);
    steer(generator, env);
    set_clock(generator, workspace, env);
}

/* ---- interactive overrides ---- */

/* Ignores the plan's later styles. */
static void leave_plan(ami_generator *g)
{
    g->s.moment = g->def.plan->moments;
    g->s.next_change = (double)INFINITY;
}

void ami_generator_request(ami_generator *generator, const ami_env *env, const ami_latent *latent)
{
    AMI_ASSERT(generator && env && latent && latent->scale > 0);
    leave_plan(generator);
    request(generator, latent, env->step * env->control_dt);
}

void ami_generator_request_drawn(ami_generator *generator, const ami_env *env)
{
    AMI_ASSERT(generator && env);
    const ami_style_plan any = {.styles = generator->def.plan->styles, .blends = .5};
    ami_latent latent;
    double pace;
    ami_style_draw(&any, &generator->s.rng, &latent, &pace);
    ami_generator_request(generator, env, &latent);
}

void ami_generator_start_with(ami_generator *generator, ami_cycle_workspace *workspace, ami_env *env,
                              const ami_latent *latent)
{
    AMI_ASSERT(generator && workspace && env && latent && latent->scale > 0);
    begin_plan(generator, false);
    leave_plan(generator);
    generator->s.transition.from = generator->s.transition.to = *latent;
    make_requested(generator, workspace, env);
}

void ami_generator_set_pace(ami_generator *generator, double pace)
{
    generator->s.speed = 0;
    generator->s.pace = fmin(fmax(pace, AMI_PACE_MIN), AMI_PACE_MAX);
}

void ami_generator_set_speed(ami_generator *generator, double speed)
{
    generator->s.speed = fmin(fmax(speed, 0), 20);
    generator->s.pace = 1;
}

void ami_generator_release_heading(ami_generator *generator)
{
    generator->s.heading = (double)NAN;
}

void ami_generator_set_phase_gain(ami_generator *generator, double gain)
{
    generator->def.phase_gain = fmin(fmax(gain, 0), 20);
}

double ami_generator_phase_gain(const ami_generator *generator)
{
    return generator->def.phase_gain;
}

bool ami_generator_settled(const ami_generator *generator, const ami_env *env)
{
    return !generator->s.busy &&
           ami_latent_same(&generator->s.transition.to, &generator->cycle[generator->s.current].latent) &&
           ami_generator_followed_s(generator, env) >= generator->def.blend_s;
}

const ami_latent *ami_generator_requested(const ami_generator *generator)
{
    return &generator->s.transition.to;
}

double ami_generator_rate(const ami_generator *generator)
{
    return requested_rate(generator, &generator->cycle[generator->s.current]);
}

double ami_generator_phase(const ami_generator *generator, const ami_env *env)
{
    return ami_cycle_phase_at(&generator->cycle[generator->s.current], ami_reference_phase(&env->reference));
}

bool ami_generator_body_phase(const ami_generator *generator, ami_cycle_workspace *workspace,
                              const ami_env *env, ami_phase *phase)
{
    return ami_cycle_body_phase(generator->def.nets, workspace, &env->state, phase);
}

/* ---- saving ---- */

/* The format in checkpoints: plain data that does not depend on the layout of `state`. */
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
    int64_t stage;               /* of the next motion */
} saved_generator;

static void put_state(const state *s, saved_generator *saved)
{
    const transition *t = &s->transition;
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
    saved->counts = s->counts;
}

static state get_state(const saved_generator *saved)
{
    return (state){.rng = saved->rng,
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
    if (generator->s.busy) {
        saved.coming = coming->latent;
        saved.stage = coming->stage;
    }
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
    if (generator->s.busy)
        ami_cycle_begin(coming, &saved.coming);
    while (refusal == AMI_MOTION_OK && generator->s.busy && coming->stage < (ami_cycle_stage)saved.stage)
        refusal = ami_cycle_advance(coming, generator->def.nets, &generator->def.limits, workspace,
                                    generator->clip[1 - generator->s.current]);
    ami_generator_use(generator, &env->def);
    return refusal == AMI_MOTION_OK ||
           ami_fail(err, "a saved motion is not usable any more (%s): it was made with other networks",
                    ami_refusal_text(refusal));
}
