/* The stages from a latent to a clip, slice by slice. The decoded window is only resampled, closed and
 * turned: feet are not pinned, nothing is smoothed. */
#include "base/assert.h"
#include "policy/cycle_stages.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- setting up ---- */

/* The sizes of motion features are those of the networks. */
_Static_assert((int)AMI_STYLE_FEATURES == (int)AMI_FEATURES, "StyleVAE's features in a frame");
_Static_assert((int)AMI_STYLE_WINDOW == AMI_STYLE_FRAMES * (int)AMI_FEATURES, "StyleVAE's window");
_Static_assert((int)AMI_DEEPPHASE_INPUTS == (int)AMI_PHASE_FEATURES, "DeepPhase's inputs");

ami_motion_limits ami_motion_default_limits(void)
{
    return (ami_motion_limits){
        .period_s = {.35, 1.97},
        .stretch = {.5, 5},
        .confidence = .2,
        .close_m = .1,
        .fit_m = .06,
        .root_speed = 8,
        .root_height = {.3, 1.3},
        .sole_height = {-.12, .12},
        .joint_speed = 30,
        .joint_angle = 2.8,
    };
}

const char *ami_refusal_text(ami_refusal refusal)
{
    AMI_ASSERT(refusal >= 0 && refusal < AMI_REFUSALS);
    static const char *const text[AMI_REFUSALS] = {
        "it is usable",
        "it is not made of finite numbers",
        "it has no period, or one that is too short or too long",
        "its cycle does not close",
        "its points are not those of the body",
        "the root or the feet are too high or too low",
        "the root is too fast",
        "a joint turns too fast or too far",
    };
    return text[refusal];
}

ami_cycle_task *ami_cycle_task_create(const ami_motion_nets *nets, ami_error *err)
{
    AMI_ASSERT(nets && nets->vae);
    ami_cycle_task *task = calloc(1, sizeof *task);
    if (task && (task->decoder = malloc(ami_stylevae_part_size(nets->vae))))
        return task;
    free(task);
    ami_fail(err, "out of memory for generating motions");
    return NULL;
}

void ami_cycle_task_destroy(ami_cycle_task *task)
{
    if (!task)
        return;
    free(task->decoder);
    free(task);
}

ami_cycle_workspace *ami_cycle_workspace_create(const ami_motion_nets *nets, ami_error *err)
{
    AMI_ASSERT(nets && nets->skeleton && nets->vae && nets->deepphase);
    ami_cycle_workspace *workspace = calloc(1, sizeof *workspace);
    if (workspace) {
        workspace->task = ami_cycle_task_create(nets, NULL);
        workspace->deepphase = malloc(ami_deepphase_workspace_size(nets->deepphase));
        if (workspace->task && workspace->deepphase)
            return workspace;
        ami_cycle_workspace_destroy(workspace);
    }
    ami_fail(err, "out of memory for generating motions");
    return NULL;
}

void ami_cycle_workspace_destroy(ami_cycle_workspace *workspace)
{
    if (!workspace)
        return;
    ami_cycle_task_destroy(workspace->task);
    free(workspace->deepphase);
    free(workspace);
}

void ami_cycle_begin(ami_cycle *cycle, ami_cycle_task *task, const ami_latent *latent)
{
    AMI_ASSERT(cycle && task && latent);
    memset(cycle, 0, sizeof *cycle);
    cycle->latent = *latent;
    task->slice = 0;
    task->placed = false;
}

/* ---- decode ---- */

/* Whether all are finite and none exceeds any body's positions or speeds, so that inverse kinematics cannot
 * overflow. */
static bool in_range(const float *x, int n)
{
    const float max = 100;
    bool good = true;
    for (int i = 0; i < n; i++)
        good &= fabsf(x[i]) <= max;
    return good;
}

static ami_refusal decode(ami_cycle *cycle, ami_cycle_task *task, const ami_motion_nets *nets, bool *done)
{
    *done = task->slice + 1 == AMI_DECODE_SLICES;
    if (task->slice == 0) {
        for (int k = 0; k < AMI_STYLE_SIZE; k++)
            if (!isfinite(cycle->latent.z[k]))
                return AMI_REFUSED_NUMBERS;
        if (!isfinite(cycle->latent.scale))
            return AMI_REFUSED_NUMBERS;
    }
    ami_stylevae_decode_part(nets->vae, task->decoder, cycle->latent.z, task->slice, AMI_DECODE_SLICES,
                             cycle->window);
    return !*done || in_range(cycle->window, AMI_STYLE_WINDOW) ? AMI_MOTION_OK : AMI_REFUSED_NUMBERS;
}

/* ---- all stages ---- */

/* Nominal costs of the stages, µs on a core of 2024. */
static const double stage_us[AMI_CYCLE_DONE] = {90, 60, 120, 30};

double ami_cycle_stage_us(ami_cycle_stage stage)
{
    AMI_ASSERT(stage >= 0 && stage < AMI_CYCLE_DONE);
    return stage_us[stage];
}

/* Slices of a stage. Before the number of frames is known: for the most. */
static int slices(const ami_cycle *cycle, ami_cycle_stage stage)
{
    const int n = cycle->stage > AMI_CYCLE_RHYTHM ? cycle->facts.frames : AMI_CYCLE_FRAMES;
    switch (stage) {
    case AMI_CYCLE_DECODE:
        return AMI_DECODE_SLICES;
    case AMI_CYCLE_RHYTHM:
        return AMI_RHYTHM_SLICES;
    case AMI_CYCLE_POSES: /* a second before the first frame; then the root's path; then the clip */
        return (n + (n < 30 ? n : 30) + AMI_SOLVE_FRAMES) / AMI_SOLVE_FRAMES + 2;
    default:
        return (n + AMI_CHECK_FRAMES - 1) / AMI_CHECK_FRAMES;
    }
}

double ami_cycle_slice_us(const ami_cycle *cycle)
{
    AMI_ASSERT(cycle && cycle->stage < AMI_CYCLE_DONE);
    return stage_us[cycle->stage] / slices(cycle, cycle->stage);
}

double ami_cycle_left_us(const ami_cycle *cycle, const ami_cycle_task *task)
{
    AMI_ASSERT(cycle && task);
    double left = 0;
    for (int s = cycle->stage; s < AMI_CYCLE_DONE; s++) {
        const int n = slices(cycle, (ami_cycle_stage)s), done = s == (int)cycle->stage ? task->slice : 0;
        left += done < n ? stage_us[s] * (n - done) / n : 0;
    }
    return left;
}

ami_refusal ami_cycle_advance(ami_cycle *cycle, ami_cycle_task *task, const ami_motion_nets *nets,
                              const ami_motion_limits *limits, ami_cycle_workspace *workspace, ami_clip *clip)
{
    AMI_ASSERT(cycle && cycle->stage < AMI_CYCLE_DONE && task && nets && limits && workspace && clip);
    bool done = false;
    ami_refusal refusal = AMI_MOTION_OK;
    switch (cycle->stage) {
    case AMI_CYCLE_DECODE:
        refusal = decode(cycle, task, nets, &done);
        break;
    case AMI_CYCLE_RHYTHM:
        refusal = ami_cycle_rhythm(cycle, task, nets, limits, workspace, &done);
        break;
    case AMI_CYCLE_POSES:
        refusal = ami_cycle_poses(cycle, task, nets, workspace, clip, &done);
        break;
    default:
        refusal = ami_cycle_check(cycle, task, nets, limits, clip, &done);
        break;
    }
    task->slice = done ? 0 : task->slice + 1;
    cycle->stage += done;
    return refusal;
}

ami_refusal ami_cycle_make(ami_cycle *cycle, const ami_motion_nets *nets, const ami_motion_limits *limits,
                           ami_cycle_workspace *workspace, const ami_latent *latent, ami_clip *clip)
{
    AMI_ASSERT(cycle && nets && limits && workspace && latent && clip);
    ami_refusal refusal = AMI_MOTION_OK;
    ami_cycle_begin(cycle, workspace->task, latent);
    while (refusal == AMI_MOTION_OK && cycle->stage != AMI_CYCLE_DONE)
        refusal = ami_cycle_advance(cycle, workspace->task, nets, limits, workspace, clip);
    return refusal;
}

bool ami_cycle_body_phase(const ami_motion_nets *nets, ami_cycle_workspace *workspace, const ami_state *state,
                          ami_phase *phase)
{
    AMI_ASSERT(nets && workspace && state && phase);
    ami_points points;
    ami_points_of_state(nets->skeleton, state, &points);
    ami_phase_features(&points, workspace->phase_features);
    return ami_deepphase_encode(nets->deepphase, workspace->deepphase, workspace->phase_features, phase,
                                NULL);
}

double ami_cycle_phase_at(const ami_cycle *cycle, double fraction)
{
    AMI_ASSERT(cycle && cycle->stage == AMI_CYCLE_DONE && fraction >= 0 && fraction <= 1);
    const int n = cycle->facts.frames;
    const double at = fmin(fmax(fraction, 0), 1) * n;
    const int i = at >= n - 1 ? n - 1 : (int)at;
    return cycle->phase[i] + (at - i) * (cycle->phase[i + 1] - cycle->phase[i]);
}

double ami_cycle_fraction_at(const ami_cycle *cycle, double phase)
{
    AMI_ASSERT(cycle && cycle->stage == AMI_CYCLE_DONE && phase >= 0 && phase <= 1);
    const int n = cycle->facts.frames;
    int i = 0;
    while (i < n - 1 && cycle->phase[i + 1] < phase)
        i++;
    const double step = cycle->phase[i + 1] - cycle->phase[i];
    const double u = step > 0 ? (phase - cycle->phase[i]) / step : 0;
    return fmin(fmax((i + u) / n, 0), 1);
}
