/* Runs schedules with skills, and sums their results. */
#include "session/performance.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/rng.h"
#include "motion/metrics.h"
#include "session/internal.h"
#include "session/solo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct player {
    ami_solo solo;
    bool fell, lost;
    int up, steps;
    double reward, part[AMI_REWARD_PARTS], root_m, joint_rad, end_effector_m, moment[AMI_ROLLOUT_MOMENTS];
    ami_tracking tracking;
} player;

/* First steps of the plan's moments, and the end. */
typedef struct schedule {
    int moments, first[AMI_ROLLOUT_MOMENTS + 1], steps;
} schedule;

static void count(player *p, const schedule *plan, int step)
{
    const member *m = &p->solo.session->member[0];
    const ami_reward *r = &m->reward;
    p->steps++;
    p->up += 1;
    p->lost |= r->height_m > .25 || r->tilt > .8;
    p->fell = m->facts.fell || m->restarts > 0;
    for (int k = 0; k < AMI_REWARD_PARTS; k++)
        p->part[k] += r->part[k];
    p->root_m += r->root_m;
    p->joint_rad += r->joint_rad;
    p->end_effector_m += r->end_effector_m;
    if (p->fell)
        return;
    ami_tracking_add(&p->tracking, (const double(*)[3])m->env.state.joint,
                     (const double(*)[3])m->env.reference_state.joint);
    p->reward += r->total;
    int k = 0;
    while (k + 1 < plan->moments && step >= plan->first[k + 1])
        k++;
    p->moment[k] += r->total;
}

static void perform(player *p, int players, const schedule *plan, ami_rollout_result *record)
{
    for (int step = 0; step < plan->steps; step++) {
        ami_session *session[AMI_SKILL_GROUP];
        int n = 0;
        for (int i = 0; i < players; i++)
            if (!p[i].fell)
                session[n++] = p[i].solo.session;
        if (n == 0)
            return;
        ami_session_step_together(session, n);
        for (int i = 0; i < players; i++)
            if (!p[i].fell) {
                count(&p[i], plan, step);
                if (record && i == 0)
                    memcpy(record->pose + (size_t)record->frames++ * AMI_POSE,
                           p[0].solo.session->member[0].env.state.pose, AMI_POSE * sizeof(double));
            }
    }
}

static schedule make_schedule(const ami_style_plan *plan, double seconds, double dt)
{
    schedule s = {.steps = (int)ceil(seconds / dt - 1e-9)};
    for (int m = 0; m < plan->moments && m < AMI_ROLLOUT_MOMENTS; m++) {
        const double first = ceil(plan->moment[m].time / dt - 1e-6);
        if (first >= s.steps)
            break;
        s.first[m] = (int)first;
        s.moments = m + 1;
    }
    s.first[s.moments] = s.steps;
    return s;
}

static void summarise(const ami_performance_def *def, const player *p, const schedule *plan, double dt,
                      ami_rollout_result *r)
{
    const int n = def->characters;
    double frames = 0, pairs = 0, steps = 0;
    r->hash = AMI_HASH_START;
    for (int i = 0; i < n; i++) {
        const ami_tracking *t = &p[i].tracking;
        r->survival += !p[i].fell / (double)n;
        r->success += !(p[i].fell || p[i].lost) / (double)n;
        r->success_phc += (!p[i].fell && t->worst <= AMI_PHC_DISTANCE) / (double)n;
        r->normalised_return += p[i].reward / ((double)plan->steps * n);
        r->seconds += p[i].up * dt / n;
        r->root_m += p[i].root_m;
        r->joint_rad += p[i].joint_rad;
        r->end_effector_m += p[i].end_effector_m;
        for (int k = 0; k < AMI_REWARD_PARTS; k++)
            r->part[k] += p[i].part[k];
        r->e_g_mpjpe += t->g_mpjpe;
        r->e_mpjpe += t->mpjpe;
        r->e_vel += t->vel;
        r->e_acc += t->acc;
        frames += t->frames;
        pairs += t->frames > 2 ? t->frames - 2 : 0;
        steps += p[i].steps;
        r->resets_unstable += p[i].solo.session->member[0].restarts;
        const uint64_t hash = ami_session_hash(p[i].solo.session);
        r->hash = ami_hash(r->hash, &hash, sizeof hash);
        for (int m = 0; m < plan->moments; m++) {
            const int from = plan->first[m], until = plan->first[m + 1];
            r->moment[m].normalised_return += p[i].moment[m] / ((double)(until - from) * n);
            r->moment[m].survival += (!p[i].fell || p[i].up > until) / (double)n;
        }
    }
    r->episodes = n;
    r->control_steps = (int64_t)steps;
    steps = fmax(steps, 1);
    r->root_m /= steps;
    r->joint_rad /= steps;
    r->end_effector_m /= steps;
    for (int k = 0; k < AMI_REWARD_PARTS; k++)
        r->part[k] /= steps;
    r->e_g_mpjpe /= fmax(frames, 1);
    r->e_mpjpe /= fmax(frames, 1);
    r->e_vel /= fmax(pairs, 1);
    r->e_acc /= fmax(pairs, 1);
    r->moments = plan->moments;
    for (int m = 0; m < plan->moments; m++) {
        r->moment[m].from = plan->first[m] * dt;
        r->moment[m].until = plan->first[m + 1] * dt;
        memcpy(r->moment[m].label, def->generator->plan->moment[m].label, sizeof r->moment[m].label);
    }
    r->control_dt = dt;
}

static bool run(const ami_performance_def *def, player *p, ami_rollout_result *r, ami_error *err)
{
    for (int i = 0; i < def->characters; i++) {
        ami_session_def own = def->session;
        ami_rng rng = ami_rng_seed(def->seed, (UINT64_C(7) << 32) + (uint64_t)i);
        if (own.env.start_phase < 0)
            own.env.start_phase = ami_rng_uniform(&rng);
        if (!ami_solo_make(&p[i].solo, &own, def->generator, def->seed, i, err))
            return false;
    }
    const double dt = ami_session_dt(p[0].solo.session);
    const schedule plan = make_schedule(def->generator->plan, def->seconds, dt);
    if (def->record) {
        r->pose = malloc(((size_t)plan.steps + 1) * AMI_POSE * sizeof *r->pose);
        if (!r->pose)
            return ami_fail(err, "out of memory for a recording of %d frames", plan.steps + 1);
        memcpy(r->pose, p[0].solo.session->member[0].env.state.pose, AMI_POSE * sizeof *r->pose);
        r->frames = 1;
    }
    const double begun = ami_clock_now();
    int done = 0;
#pragma omp parallel for schedule(dynamic, 1)
    for (int g = 0; g < def->characters; g += AMI_SKILL_GROUP) {
        perform(p + g, def->characters - g < AMI_SKILL_GROUP ? def->characters - g : AMI_SKILL_GROUP, &plan,
                def->record && g == 0 ? r : NULL);
#pragma omp critical(ami_performance_progress)
        {
            done += AMI_SKILL_GROUP;
            if (def->progress)
                def->progress(def->context, fmin((double)done / def->characters, 1));
        }
    }
    r->wall_s = ami_clock_now() - begun;
    summarise(def, p, &plan, dt, r);
    r->control_steps_per_s = (double)r->control_steps / fmax(r->wall_s, 1e-9);
    return true;
}

bool ami_performance_run(const ami_performance_def *def, ami_rollout_result *result, ami_error *err)
{
    AMI_ASSERT(def && result && def->generator && def->session.skills >= 1);
    memset(result, 0, sizeof *result);
    if (def->characters < 1 || def->characters > 65536)
        return ami_fail(err, "%d characters, expected 1 to 65536", def->characters);
    player *p = calloc((size_t)def->characters, sizeof *p);
    if (!p)
        return ami_fail(err, "out of memory for %d characters", def->characters);
    const bool ok = run(def, p, result, err);
    for (int i = 0; i < def->characters; i++)
        ami_solo_free(&p[i].solo);
    free(p);
    if (!ok)
        ami_rollout_result_free(result);
    return ok;
}
