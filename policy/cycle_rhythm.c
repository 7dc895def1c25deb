/* Where to cut a cycle out of a decoded window: DeepPhase's phases, the period, the start. */
#include "policy/cycle_stages.h"

#include <math.h>
#include <string.h>

enum { POINTS = 3 * AMI_POINTS };

/* World velocities of frame f's points, m/s: differences within the moving frame plus the velocity and turn
 * rate of the frame. */
static void point_velocities(const float *window, int f, float vel[POINTS])
{
    const int before = f > 0 ? f - 1 : 0, after = f < AMI_STYLE_FRAMES - 1 ? f + 1 : f;
    const float *now = window + f * AMI_FEATURES, *a = window + before * AMI_FEATURES,
                *b = window + after * AMI_FEATURES;
    const float rate = (float)AMI_FEATURE_RATE / (float)(after - before), yaw = now[AMI_FEATURE_YAW_RATE];
    for (int p = 0; p < POINTS; p += 3) {
        vel[p] = rate * (b[p] - a[p]) - yaw * now[p + 1] + now[AMI_FEATURE_FORWARD];
        vel[p + 1] = rate * (b[p + 1] - a[p + 1]) + yaw * now[p] + now[AMI_FEATURE_LEFT];
        vel[p + 2] = rate * (b[p + 2] - a[p + 2]);
    }
}

/* DeepPhase's input for frames [first, end). */
static void phase_features(const float *window, int first, int end, float *out)
{
    for (int f = first; f < end; f++, out += AMI_PHASE_FEATURES) {
        const float *now = window + f * AMI_FEATURES;
        float vel[POINTS];
        point_velocities(window, f, vel);
        for (int p = 0; p < AMI_POINTS; p++) {
            memcpy(out + 6 * p, now + 3 * p, 3 * sizeof *out);
            memcpy(out + 6 * p + 3, vel + 3 * p, 3 * sizeof *out);
        }
    }
}

void ami_window_phase_features(const float window[AMI_STYLE_WINDOW], float *out)
{
    phase_features(window, 0, AMI_STYLE_FRAMES, out);
}

double ami_cycle_unwrapped_at(const ami_cycle *cycle, double t)
{
    const int i = t < 0 ? 0 : t >= AMI_STYLE_FRAMES - 2 ? AMI_STYLE_FRAMES - 2 : (int)t;
    return cycle->unwrapped[i] + (t - i) * (cycle->unwrapped[i + 1] - cycle->unwrapped[i]);
}

/* Mean distance of the points of frame `first` from those `length` frames later. */
static double gap(const float *window, int first, double length)
{
    const int i = (int)(first + length) < AMI_STYLE_FRAMES - 1 ? (int)(first + length) : AMI_STYLE_FRAMES - 2;
    const float u = (float)(first + length - i);
    const float *a = window + i * AMI_FEATURES, *b = a + AMI_FEATURES;
    float later[AMI_FEATURES];
    for (int k = 0; k < AMI_FEATURES; k++)
        later[k] = a[k] + u * (b[k] - a[k]);
    return ami_features_distance(later, window + first * AMI_FEATURES);
}

static double mean_gap(const float *window, double length)
{
    double sum = 0;
    int n = 0;
    for (int first = 0; first + length <= AMI_STYLE_FRAMES - 1; first += 3, n++)
        sum += gap(window, first, length);
    return n ? sum / n : INFINITY;
}

/* Refines DeepPhase's period, which is exact to a few per cent, by the distance of the points one period
 * apart, and chooses the start with the smallest distance. An error of one frame in the period would move a
 * running foot by centimetres. */
static void choose_cut(ami_cycle *cycle, double length)
{
    enum { STEPS = 7 };
    double error[2 * STEPS + 1];
    int best = 0;
    for (int k = 0; k <= 2 * STEPS; k++) {
        error[k] = mean_gap(cycle->window, length * (1 + .01 * (k - STEPS)));
        if (error[k] < error[best])
            best = k;
    }
    double fine = best;
    if (best > 0 && best < 2 * STEPS && isfinite(error[best - 1]) && isfinite(error[best + 1])) {
        const double bend = error[best - 1] - 2 * error[best] + error[best + 1];
        if (bend > 0)
            fine += .5 * (error[best - 1] - error[best + 1]) / bend;
    }
    cycle->length = fmin(length * (1 + .01 * (fine - STEPS)), AMI_STYLE_FRAMES - 1);
    cycle->start = 0;
    cycle->facts.close_m = INFINITY;
    for (int first = 0; first + cycle->length <= AMI_STYLE_FRAMES - 1; first++) {
        const double e = gap(cycle->window, first, cycle->length);
        if (e < cycle->facts.close_m) {
            cycle->facts.close_m = e;
            cycle->start = first;
        }
    }
}

/* Finds the left foot's strike: the frame of the cut at which the unwrapped phase is an integer. */
static void find_strike(ami_cycle *cycle)
{
    const double first = ami_cycle_unwrapped_at(cycle, cycle->start), whole = ceil(first),
                 end = cycle->start + cycle->length;
    double t = cycle->start, before = first;
    cycle->advance = ami_cycle_unwrapped_at(cycle, end) - first;
    cycle->strike = cycle->start;
    while (t < end) {
        const double next = fmin(floor(t) + 1, end), now = ami_cycle_unwrapped_at(cycle, next);
        if (now >= whole && now > before) {
            cycle->strike = t + (next - t) * (whole - before) / (now - before);
            return;
        }
        t = next;
        before = now;
    }
}

/* The phases of a slice's frames. */
static ami_refusal find_phases(ami_cycle *cycle, ami_cycle_task *task, const ami_motion_nets *nets,
                               ami_cycle_workspace *workspace)
{
    const int first = AMI_STYLE_FRAMES * task->slice / AMI_PHASE_SLICES,
              end = AMI_STYLE_FRAMES * (task->slice + 1) / AMI_PHASE_SLICES;
    phase_features(cycle->window, first, end, workspace->phase_features);
    return ami_deepphase_encode_batch(nets->deepphase, workspace->deepphase, workspace->phase_features,
                                      end - first, task->phase + first, NULL)
               ? AMI_MOTION_OK
               : AMI_REFUSED_NUMBERS;
}

static ami_refusal find_period(ami_cycle *cycle, ami_cycle_task *task, const ami_motion_limits *limits)
{
    ami_phase_trajectory trajectory = {AMI_STYLE_FRAMES, AMI_FEATURE_RATE, task->phase, cycle->unwrapped};
    ami_phase_period *period = &task->period;
    ami_phase_unwrap(&trajectory);
    if (!ami_deepphase_periodicity(&trajectory, period, NULL))
        return AMI_REFUSED_NUMBERS;
    cycle->facts.confidence = period->confidence;
    return period->velocity > 0 && period->confidence >= limits->confidence &&
                   period->period_s >= limits->period_s[0] && period->period_s <= limits->period_s[1]
               ? AMI_MOTION_OK
               : AMI_REFUSED_RHYTHM;
}

static ami_refusal find_cut(ami_cycle *cycle, const ami_cycle_task *task, const ami_motion_limits *limits)
{
    choose_cut(cycle, task->period.period_s * AMI_FEATURE_RATE);
    find_strike(cycle);
    if (fabs(cycle->advance - 1) > .25)
        return AMI_REFUSED_RHYTHM;
    cycle->facts.stretch = fmin(fmax(cycle->latent.scale, limits->stretch[0]), limits->stretch[1]);
    cycle->facts.period_s = cycle->length / AMI_FEATURE_RATE * cycle->facts.stretch;
    cycle->facts.frames =
        (int)fmin(fmax(round(cycle->facts.period_s * AMI_FEATURE_RATE), 8), AMI_CYCLE_FRAMES);
    return cycle->facts.close_m <= limits->close_m ? AMI_MOTION_OK : AMI_REFUSED_OPEN;
}

ami_refusal ami_cycle_rhythm(ami_cycle *cycle, ami_cycle_task *task, const ami_motion_nets *nets,
                             const ami_motion_limits *limits, ami_cycle_workspace *workspace, bool *done)
{
    *done = task->slice + 1 == AMI_RHYTHM_SLICES;
    if (task->slice < AMI_PHASE_SLICES)
        return find_phases(cycle, task, nets, workspace);
    return *done ? find_cut(cycle, task, limits) : find_period(cycle, task, limits);
}
