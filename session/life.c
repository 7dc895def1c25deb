/* Lives: a session a character, random commands, and what became of the falls. */
#include "session/life.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/rng.h"
#include "session/solo.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const double cause_s = 3, near_m = .5, near_s = .5, quick_s = 8, loop_s[2] = {3, 6};

/* Times that took a character to get up again. */
typedef struct downs {
    double *s;
    int count, room;
} downs;

typedef struct life {
    ami_solo solo;
    ami_session *session; /* the solo's */
    ami_rng rng;
    double next_push[AMI_LIFE_PUSHES], next_skill, next_turn, leave_skill; /* s */
    double last[AMI_LIFE_CAUSES];  /* s, of what a fall may be due to */
    double down_since, near_since; /* s, NaN: not down, not near */
    int64_t falls, stood, endings;
    ami_latent style;
    downs down;
    double down_s; /* in all */
    ami_life_result r;
} life;

const char *ami_life_cause_name(ami_life_cause cause)
{
    static const char *const names[] = {"push", "hard_push", "skill", "style", "rose", "nothing"};
    AMI_ASSERT(cause >= 0 && cause < AMI_LIFE_CAUSES);
    return names[cause];
}

/* The time of the next of what happens every period_s on average; never if that is 0. */
static double next(life *l, double now, double period_s)
{
    return period_s > 0 ? now + ami_rng_range(&l->rng, .5, 1.5) * period_s : (double)INFINITY;
}

static bool make(life *l, const ami_life_def *def, int index, ami_error *err)
{
    if (!ami_solo_make(&l->solo, &def->session, def->generator, def->seed, index, err))
        return false;
    if (l->solo.skill[0]->invents)
        l->style = *ami_generator_requested(l->solo.skill[0]->generator[0]);
    l->rng = ami_rng_seed(def->seed, (UINT64_C(5) << 32) + (uint64_t)index);
    l->session = l->solo.session;
    for (int k = 0; k < AMI_LIFE_PUSHES; k++)
        l->next_push[k] = next(l, 0, def->push[k].period_s);
    l->next_skill = next(l, 0, def->session.skills > 1 ? def->skill_every_s : 0);
    l->next_turn = next(l, 0, def->turn_every_s);
    l->leave_skill = (double)INFINITY;
    l->down_since = l->near_since = (double)NAN;
    for (int k = 0; k < AMI_LIFE_CAUSES; k++)
        l->last[k] = -(double)INFINITY;
    return true;
}

static void destroy(life *l)
{
    ami_solo_free(&l->solo);
    free(l->down.s);
}

static void apply(life *l, ami_command_kind kind, double value)
{
    ami_session_apply(l->session, &(ami_command){.kind = kind, .value = value});
}

static void push(life *l, const ami_life_def *def, int kind, double now)
{
    const ami_life_push *p = &def->push[kind];
    const double angle = ami_rng_range(&l->rng, 0, 2 * M_PI), speed = ami_rng_range(&l->rng, p->min, p->max);
    ami_session_apply(l->session,
                      &(ami_command){.kind = AMI_DO_PUSH, .v = {speed * cos(angle), speed * sin(angle), 0}});
    l->next_push[kind] = next(l, now, p->period_s);
    l->last[AMI_LIFE_PUSH_0 + kind] = now;
    l->r.pushes[kind]++;
}

/* Asks for another skill where the body is up and follows what was asked last; else later. */
static void skill(life *l, const ami_life_def *def, const ami_member_view *view, double now)
{
    if (view->down || !view->settled || view->skill != 0) {
        l->next_skill = now + 1;
        return;
    }
    const int number = 1 + (int)ami_rng_below(&l->rng, (uint32_t)(def->session.skills - 1));
    apply(l, AMI_DO_SKILL, number);
    l->last[AMI_LIFE_SKILL] = now;
    l->r.skills++;
    l->next_skill = next(l, now, def->skill_every_s);
    if (ami_skill_loops(l->solo.skill[number]))
        l->leave_skill = now + ami_rng_range(&l->rng, loop_s[0], loop_s[1]);
}

static void command(life *l, const ami_life_def *def, double now)
{
    ami_member_view view;
    ami_session_view(l->session, 0, &view);
    for (int k = 0; k < AMI_LIFE_PUSHES; k++)
        if (now >= l->next_push[k])
            push(l, def, k, now);
    if (now >= l->leave_skill && !view.down) {
        apply(l, AMI_DO_SKILL, 0);
        l->last[AMI_LIFE_SKILL] = now;
        l->leave_skill = (double)INFINITY;
    }
    if (now >= l->next_skill)
        skill(l, def, &view, now);
    if (now >= l->next_turn) {
        apply(l, AMI_DO_HEADING, ami_rng_range(&l->rng, -M_PI, M_PI));
        l->next_turn = next(l, now, def->turn_every_s);
        l->r.turns++;
    }
}

static bool add_down(downs *d, double s, ami_error *err)
{
    if (d->count == d->room) {
        const int room = d->room ? 2 * d->room : 64;
        double *more = realloc(d->s, (size_t)room * sizeof *more);
        if (!more)
            return ami_fail(err, "out of memory for the times of %d falls", room);
        d->s = more;
        d->room = room;
    }
    d->s[d->count++] = s;
    return true;
}

static void count_fall(life *l, double now)
{
    ami_life_cause cause = AMI_LIFE_NOTHING;
    double latest = now - cause_s;
    for (int k = 0; k < AMI_LIFE_NOTHING; k++)
        if (l->last[k] >= latest) {
            latest = l->last[k];
            cause = (ami_life_cause)k;
        }
    l->r.falls++;
    l->r.by[cause]++;
    l->near_since = (double)NAN;
    if (isnan(l->down_since))
        l->down_since = now;
}

/* After a step that ended at `now`. */
static bool look(life *l, double now, double dt, ami_error *err)
{
    ami_member_view view;
    ami_session_view(l->session, 0, &view);
    l->r.distance_m += hypot(view.pose[0] - view.before[0], view.pose[1] - view.before[1]);
    if (view.endings > l->endings)
        l->last[AMI_LIFE_SKILL] = now;
    if (view.stood > l->stood)
        l->last[AMI_LIFE_ROSE] = now;
    l->endings = view.endings;
    l->stood = view.stood;
    if (l->solo.skill[0]->invents && view.skill == 0 && view.requested == 0 &&
        !ami_latent_same(ami_generator_requested(l->solo.skill[0]->generator[0]), &l->style)) {
        l->style = *ami_generator_requested(l->solo.skill[0]->generator[0]);
        l->last[AMI_LIFE_STYLE] = now;
        l->r.styles++;
    }
    for (; l->falls < view.falls; l->falls++)
        count_fall(l, now);
    if (isnan(l->down_since))
        return true;
    l->down_s += dt;
    if (view.down || view.reward->body_m >= near_m)
        l->near_since = (double)NAN;
    else if (isnan(l->near_since))
        l->near_since = now;
    if (!(now - l->near_since >= near_s - 1e-9))
        return true;
    const double took = now - l->down_since;
    l->down_since = l->near_since = (double)NAN;
    return add_down(&l->down, took, err);
}

static void keep(const life *l, ami_life_result *r, int frame)
{
    ami_member_view view;
    ami_session_view(l->session, 0, &view);
    memcpy(r->pose + (size_t)frame * AMI_POSE, view.pose, AMI_POSE * sizeof *r->pose);
}

static void report(const ami_life_def *def, double fraction)
{
#pragma omp critical(ami_life_progress)
    def->progress(def->context, fraction);
}

/* The lives of a group, from the first step to the last. `done`: steps of all groups so far, of `all`. */
static bool live(life *l, int count, const ami_life_def *def, int64_t steps, ami_life_result *record,
                 atomic_llong *done, double all, ami_error *err)
{
    ami_session *session[AMI_SKILL_GROUP];
    const double dt = ami_session_dt(l[0].session);
    const int64_t second = (int64_t)fmax(1, round(1 / dt));
    for (int i = 0; i < count; i++)
        session[i] = l[i].session;
    for (int64_t t = 0; t < steps; t++) {
        for (int i = 0; i < count; i++)
            command(&l[i], def, (double)t * dt);
        ami_session_step_together(session, count);
        for (int i = 0; i < count; i++)
            if (!look(&l[i], (double)(t + 1) * dt, dt, err))
                return false;
        if (record)
            keep(&l[0], record, (int)t + 1);
        if (def->progress && (t + 1) % second == 0)
            report(def, (double)(atomic_fetch_add(done, second) + second) / all);
    }
    return true;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool summarise(life *l, const ami_life_def *def, int64_t steps, ami_life_result *r, ami_error *err)
{
    const double dt = ami_session_dt(l[0].session), end = (double)steps * dt;
    downs all = {0};
    r->hash = AMI_HASH_START;
    r->longest_down_s = (double)NAN;
    int64_t quick = 0, counted = 0;
    for (int i = 0; i < def->characters; i++) {
        ami_member_view view;
        ami_session_view(l[i].session, 0, &view);
        const ami_life_result *own = &l[i].r;
        r->falls += own->falls;
        for (int k = 0; k < AMI_LIFE_CAUSES; k++)
            r->by[k] += own->by[k];
        for (int k = 0; k < AMI_LIFE_PUSHES; k++)
            r->pushes[k] += own->pushes[k];
        r->resets += view.lifts + view.restarts;
        r->skills += own->skills;
        r->styles += own->styles;
        r->turns += own->turns;
        r->distance_m += own->distance_m / def->characters;
        r->down_fraction += l[i].down_s / end / def->characters;
        for (int k = 0; k < l[i].down.count; k++)
            if (!add_down(&all, l[i].down.s[k], err)) {
                free(all.s);
                return false;
            }
        if (!isnan(l[i].down_since)) {
            r->still_down++;
            r->longest_down_s = fmax(r->longest_down_s, end - l[i].down_since);
            counted += end - l[i].down_since > quick_s;
        }
        const uint64_t hash = ami_session_hash(l[i].session);
        r->hash = ami_hash(r->hash, &hash, sizeof hash);
    }
    for (int k = 0; k < all.count; k++)
        quick += all.s[k] <= quick_s;
    counted += all.count;
    r->within_8_s = counted ? (double)quick / (double)counted : (double)NAN;
    if (all.count)
        qsort(all.s, (size_t)all.count, sizeof *all.s, by_size);
    r->downs = all.count + r->still_down;
    r->median_down_s = all.count ? all.s[all.count / 2] : (double)NAN;
    r->p95_down_s = all.count ? all.s[(all.count - 1) * 95 / 100] : (double)NAN;
    if (all.count)
        r->longest_down_s = fmax(r->longest_down_s, all.s[all.count - 1]);
    r->steps = steps * def->characters;
    free(all.s);
    return true;
}

static bool check(const ami_life_def *def, ami_error *err)
{
    if (def->characters < 1 || def->characters > 65536)
        return ami_fail(err, "%d characters, expected 1 to 65536", def->characters);
    if (!(def->seconds > 0 && def->seconds <= 1e6))
        return ami_fail(err, "a life of %g s, expected more than 0, at most 1e6", def->seconds);
    for (int k = 0; k < AMI_LIFE_PUSHES; k++)
        if (!(def->push[k].min >= 0 && def->push[k].max >= def->push[k].min && def->push[k].max <= 20 &&
              (def->push[k].period_s == 0 || def->push[k].period_s >= .05)))
            return ami_fail(err,
                            "pushes of %g to %g m/s every %g s, expected 0 to 20 m/s every .05 s or more",
                            def->push[k].min, def->push[k].max, def->push[k].period_s);
    return true;
}

static bool start(life *l, const ami_life_def *def, ami_life_result *r, int64_t *steps, ami_error *err)
{
    for (int i = 0; i < def->characters; i++)
        if (!make(&l[i], def, i, err))
            return false;
    r->dt = ami_session_dt(l[0].session);
    *steps = (int64_t)ceil(def->seconds / r->dt - 1e-9);
    if (!def->record)
        return true;
    r->frames = (int)*steps + 1;
    r->pose = malloc((size_t)r->frames * AMI_POSE * sizeof *r->pose);
    if (!r->pose)
        return ami_fail(err, "out of memory for %d poses", r->frames);
    keep(&l[0], r, 0);
    return true;
}

bool ami_life_run(const ami_life_def *def, ami_life_result *result, ami_error *err)
{
    AMI_ASSERT(def && result && def->session.skills >= 1);
    *result = (ami_life_result){0};
    if (!check(def, err))
        return false;
    life *l = calloc((size_t)def->characters, sizeof *l);
    if (!l)
        return ami_fail(err, "out of memory for %d characters", def->characters);
    int64_t steps = 0;
    bool ok = start(l, def, result, &steps, err);
    atomic_llong done = 0;
    const double begun = ami_clock_now();
    if (ok) {
        const int groups = (def->characters + AMI_SKILL_GROUP - 1) / AMI_SKILL_GROUP;
        const double all = (double)steps * groups;
        ami_error first = {""};
#pragma omp parallel for schedule(dynamic, 1)
        for (int g = 0; g < groups; g++) {
            const int from = g * AMI_SKILL_GROUP;
            const int count =
                def->characters - from < AMI_SKILL_GROUP ? def->characters - from : AMI_SKILL_GROUP;
            ami_error own = {""};
            if (!live(l + from, count, def, steps, def->record && g == 0 ? result : NULL, &done, all, &own)) {
#pragma omp critical(ami_life_error)
                first = own;
            }
        }
        ok = !first.text[0] || ami_fail(err, "%s", first.text);
    }
    result->wall_s = ami_clock_now() - begun;
    ok = ok && summarise(l, def, steps, result, err);
    for (int i = 0; i < def->characters; i++)
        destroy(&l[i]);
    free(l);
    if (!ok)
        ami_life_result_free(result);
    return ok;
}

void ami_life_result_free(ami_life_result *result)
{
    free(result->pose);
    *result = (ami_life_result){0};
}
