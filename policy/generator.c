/* The reference generator: makes motions, runs the clock, takes requests. */
#include "base/assert.h"
#include "policy/generator_state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double rate_slew = 1.5; /* 1/s */
static const double max_pull = .25;
static const double change_takes_s = 3; /* a fall this soon after a change of style is due to it */
static const double walking_speed = 1, braking = 4, brake_min_s = .3; /* m/s, m/s², s */
static const double change_again_s[2] = {.2, 1.5}; /* min and max time until such a change is repeated */
static const double turn_gain = 2, max_turn = .8;  /* 1/s, rad/s: towards a requested heading */

enum { LOOK_AHEAD = 2 }; /* control steps before a motion begins in which it may be worked on */

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

/* The nominal stage of a motion after another control step: as many stages as the budget allows, but one. */
static int stage_after(const ami_generator *g, int stage)
{
    double spent = 0;
    do
        spent += ami_cycle_stage_us((ami_cycle_stage)stage++);
    while (stage < AMI_CYCLE_DONE && spent + ami_cycle_stage_us((ami_cycle_stage)stage) <= g->def.budget_us);
    return stage;
}

/* In how many steps from this one a motion is followed that has come to this stage. */
static int steps_left(const ami_generator *g, int stage)
{
    int steps = 0;
    for (; stage < AMI_CYCLE_DONE; steps++)
        stage = stage_after(g, stage);
    return steps;
}

/* Works on the other motion: its part of what is left, if `more` steps follow in which to work on it. */
static void work_on(ami_generator *g, ami_cycle_workspace *workspace, int more)
{
    const int other = 1 - g->s.current;
    ami_cycle *cycle = &g->cycle[other];
    const double part = ami_cycle_left_us(cycle, g->task) / (more + 1);
    double spent = 0;
    while (g->refusal == AMI_MOTION_OK && cycle->stage != AMI_CYCLE_DONE &&
           (more == 0 || spent + .5 * ami_cycle_slice_us(cycle) <= part)) {
        spent += ami_cycle_slice_us(cycle);
        g->refusal =
            ami_cycle_advance(cycle, g->task, g->def.nets, &g->def.limits, workspace, g->clip[other]);
        g->worked = true;
    }
}

static void start_work(ami_generator *g, const ami_latent *latent)
{
    ami_cycle_begin(&g->cycle[1 - g->s.current], g->task, latent);
    g->refusal = AMI_MOTION_OK;
    g->started = true;
}

/* Whether a motion may begin by this time, which costs little to find out. */
static bool may_begin(const ami_generator *g, double time)
{
    const ami_transition *t = &g->s.transition;
    if (time >= ami_generator_next_change(g) - 1e-9)
        return true;
    return !ami_latent_same(&g->s.tried, &t->to) &&
           (time >= g->s.begun + g->def.every_s - 1e-9 || time >= t->begun + t->duration);
}

/* Starts to work on the motion that will begin in one of the next steps, if there is one and no request comes
 * between. */
static void look_ahead(ami_generator *g, const ami_env *env)
{
    if (!may_begin(g, (env->step + LOOK_AHEAD) * env->control_dt))
        return;
    const ami_generator_state now = g->s;
    for (int ahead = 1; ahead <= LOOK_AHEAD; ahead++) {
        const double time = (env->step + ahead) * env->control_dt;
        ami_generator_follow_plan(g, time);
        const ami_latent latent = ami_generator_latent_at(g, time);
        if (is_due(g, &latent, time)) {
            start_work(g, &latent);
            g->begins = env->step + ahead;
            break;
        }
    }
    g->s = now;
}

/* Before a motion begins: works on it if it is known already. */
static void work_ahead(ami_generator *g, ami_cycle_workspace *workspace, const ami_env *env)
{
    if (g->started && g->begins <= env->step)
        g->started = false; /* it should have begun */
    if (!g->started)
        look_ahead(g, env);
    if (g->started)
        work_on(g, workspace, g->begins - env->step + steps_left(g, 0) - 1);
}

/* Begins a motion if one is due, works on it, and follows it when its nominal stages are done. */
static void work(ami_generator *g, ami_cycle_workspace *workspace, ami_env *env, double now)
{
    ami_generator_state *s = &g->s;
    g->worked = false;
    if (!s->busy) {
        const ami_latent latent = ami_generator_latent_at(g, now);
        if (!is_due(g, &latent, now)) {
            work_ahead(g, workspace, env);
            return;
        }
        if (!g->started || !ami_latent_same(&g->cycle[1 - s->current].latent, &latent))
            start_work(g, &latent);
        s->tried = latent;
        s->begun = now;
        s->busy = true;
        s->stage = 0;
    }
    s->stage = stage_after(g, s->stage);
    work_on(g, workspace, steps_left(g, s->stage));
    if (s->stage == AMI_CYCLE_DONE) {
        s->busy = g->started = false;
        if (count(g, g->refusal) == AMI_MOTION_OK)
            change(g, env);
    }
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
    const double weight = env->control_dt / fmin(g->s.lag_seen_s + env->control_dt, AMI_LAG_S);
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
    ami_generator_begin_plan(g, false);
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
    bool ok = (g->task = ami_cycle_task_create(def->nets, err)) != NULL;
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
    ami_cycle_task_destroy(generator->task);
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

bool ami_generator_worked(const ami_generator *generator)
{
    return generator->worked;
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
    ami_generator_begin_plan(generator, false);
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
    ami_generator_state *s = &generator->s;
    const double now = env->step * env->control_dt;
    const bool in_change =
        generator->def.plan->moments == 0 && s->changed > 0 && now - s->changed < change_takes_s;
    if (in_change) {
        s->again = s->transition.to;
        s->transition.to = s->before;
    }
    ami_generator_begin_plan(generator, true);
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
    ami_generator_follow_plan(generator, now);
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
    ami_generator_glide(generator, latent, env->step * env->control_dt);
    generator->started = generator->s.busy; /* of another path */
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
    ami_generator_begin_plan(generator, false);
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

void ami_generator_resume(ami_generator *generator, const ami_env *env, double after_s)
{
    AMI_ASSERT(generator && env);
    ami_generator_state *s = &generator->s;
    const double now = env->step * env->control_dt;
    const ami_latent here = generator->cycle[s->current].latent, to = s->transition.to;
    s->busy = generator->started = false;
    s->tried = here;
    if (ami_latent_same(&here, &to))
        return;
    s->transition = (ami_transition){.from = here, .to = here, .begun = now};
    ami_generator_glide(generator, &to, now);
    s->transition.begun = now + after_s;
}

static bool walking_style(const ami_generator *g, ami_latent *latent)
{
    const ami_styles *styles = g->def.plan->styles;
    const ami_style *walk = NULL;
    for (int i = 0; i < styles->count; i++)
        if (!walk || fabs(styles->style[i].speed - walking_speed) < fabs(walk->speed - walking_speed))
            walk = &styles->style[i];
    if (walk)
        ami_latent_of_style(walk, latent);
    return walk != NULL;
}

bool ami_generator_brake(ami_generator *generator, const ami_env *env, ami_latent *before)
{
    AMI_ASSERT(generator && env && before);
    ami_latent walk;
    *before = generator->s.transition.to;
    if (!walking_style(generator, &walk) || before->speed < 1.3 * walk.speed)
        return false;
    ami_generator_glide(generator, &walk, env->step * env->control_dt);
    ami_transition *t = &generator->s.transition;
    t->has_middle = false;
    t->duration = fmin(t->duration, fmax(brake_min_s, fabs(t->from.speed - walk.speed) / braking));
    generator->started = generator->s.busy; /* of another path */
    return true;
}

void ami_generator_end_brake(ami_generator *generator, const ami_env *env, const ami_latent *before,
                             double after_s)
{
    AMI_ASSERT(generator && env && before);
    ami_latent walk;
    if (walking_style(generator, &walk) && ami_latent_same(&generator->s.transition.to, &walk))
        generator->s.transition.to = *before;
    ami_generator_resume(generator, env, after_s);
}

const ami_style_plan *ami_generator_plan(const ami_generator *generator)
{
    return generator->def.plan;
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
