/* The stages from a latent to a clip. The decoded window is only resampled, closed and turned: feet are not
 * pinned, nothing is smoothed. */
#include "policy/cycle.h"

#include "base/assert.h"
#include "motion/kinematics.h"
#include "motion/rotation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 3 * AMI_POINTS };

struct ami_cycle_workspace {
    void *decoder, *deepphase; /* workspaces */
    float phase_features[AMI_STYLE_FRAMES * AMI_PHASE_FEATURES];
    float features[AMI_CYCLE_FRAMES * AMI_FEATURES];
    ami_phase phase[AMI_STYLE_FRAMES];
    double time[AMI_CYCLE_FRAMES + 1], pose[(AMI_CYCLE_FRAMES + 1) * AMI_POSE];
};

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

ami_cycle_workspace *ami_cycle_workspace_create(const ami_motion_nets *nets, ami_error *err)
{
    AMI_ASSERT(nets && nets->skeleton && nets->vae && nets->deepphase);
    ami_cycle_workspace *workspace = calloc(1, sizeof *workspace);
    if (workspace) {
        workspace->decoder = malloc(ami_stylevae_workspace_size(nets->vae));
        workspace->deepphase = malloc(ami_deepphase_workspace_size(nets->deepphase));
        if (workspace->decoder && workspace->deepphase)
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
    free(workspace->decoder);
    free(workspace->deepphase);
    free(workspace);
}

void ami_cycle_begin(ami_cycle *cycle, const ami_latent *latent)
{
    AMI_ASSERT(cycle && latent);
    memset(cycle, 0, sizeof *cycle);
    cycle->latent = *latent;
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

static ami_refusal decode(ami_cycle *cycle, const ami_motion_nets *nets, ami_cycle_workspace *workspace)
{
    for (int k = 0; k < AMI_STYLE_SIZE; k++)
        if (!isfinite(cycle->latent.z[k]))
            return AMI_REFUSED_NUMBERS;
    if (!isfinite(cycle->latent.scale))
        return AMI_REFUSED_NUMBERS;
    ami_stylevae_decode(nets->vae, workspace->decoder, cycle->latent.z, 1, cycle->window);
    return in_range(cycle->window, AMI_STYLE_WINDOW) ? AMI_MOTION_OK : AMI_REFUSED_NUMBERS;
}

/* ---- rhythm: where to cut ---- */

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

void ami_window_phase_features(const float window[AMI_STYLE_WINDOW], float *out)
{
    for (int f = 0; f < AMI_STYLE_FRAMES; f++) {
        const float *now = window + f * AMI_FEATURES;
        float vel[POINTS];
        point_velocities(window, f, vel);
        for (int p = 0; p < AMI_POINTS; p++) {
            memcpy(out + f * AMI_PHASE_FEATURES + 6 * p, now + 3 * p, 3 * sizeof *out);
            memcpy(out + f * AMI_PHASE_FEATURES + 6 * p + 3, vel + 3 * p, 3 * sizeof *out);
        }
    }
}

/* The phase at a fractional frame of the window, linearly interpolated. */
static double unwrapped_at(const ami_cycle *cycle, double t)
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
    const double first = unwrapped_at(cycle, cycle->start), whole = ceil(first),
                 end = cycle->start + cycle->length;
    double t = cycle->start, before = first;
    cycle->advance = unwrapped_at(cycle, end) - first;
    cycle->strike = cycle->start;
    while (t < end) {
        const double next = fmin(floor(t) + 1, end), now = unwrapped_at(cycle, next);
        if (now >= whole && now > before) {
            cycle->strike = t + (next - t) * (whole - before) / (now - before);
            return;
        }
        t = next;
        before = now;
    }
}

static ami_refusal rhythm(ami_cycle *cycle, const ami_motion_nets *nets, const ami_motion_limits *limits,
                          ami_cycle_workspace *workspace)
{
    ami_window_phase_features(cycle->window, workspace->phase_features);
    ami_phase_trajectory trajectory = {AMI_STYLE_FRAMES, AMI_FEATURE_RATE, workspace->phase,
                                       cycle->unwrapped};
    ami_phase_period period;
    if (!ami_deepphase_encode_sequence(nets->deepphase, workspace->deepphase, workspace->phase_features,
                                       &trajectory, NULL) ||
        !ami_deepphase_periodicity(&trajectory, &period, NULL))
        return AMI_REFUSED_NUMBERS;
    cycle->facts.confidence = period.confidence;
    if (!(period.velocity > 0) || !(period.confidence >= limits->confidence) ||
        !(period.period_s >= limits->period_s[0]) || !(period.period_s <= limits->period_s[1]))
        return AMI_REFUSED_RHYTHM;
    choose_cut(cycle, period.period_s * AMI_FEATURE_RATE);
    find_strike(cycle);
    if (fabs(cycle->advance - 1) > .25)
        return AMI_REFUSED_RHYTHM;
    cycle->facts.stretch = fmin(fmax(cycle->latent.scale, limits->stretch[0]), limits->stretch[1]);
    cycle->facts.period_s = cycle->length / AMI_FEATURE_RATE * cycle->facts.stretch;
    cycle->facts.frames =
        (int)fmin(fmax(round(cycle->facts.period_s * AMI_FEATURE_RATE), 8), AMI_CYCLE_FRAMES);
    return cycle->facts.close_m <= limits->close_m ? AMI_MOTION_OK : AMI_REFUSED_OPEN;
}

/* ---- poses ---- */

/* Feature k of the window between frames i and i + 1, by Catmull-Rom interpolation (1974); linear beyond the
 * ends. */
static inline float between_frames(const float *window, int i, float u, int k)
{
    const float *b = window + i * AMI_FEATURES + k, v = 1 - u;
    const float b0 = b[0], c0 = b[AMI_FEATURES];
    const float before = i > 0 ? b[-AMI_FEATURES] : 2 * b0 - c0,
                after = i < AMI_STYLE_FRAMES - 2 ? b[2 * AMI_FEATURES] : 2 * c0 - b0;
    const float mb = .5f * (c0 - before), mc = .5f * (after - b0);
    return v * v * ((1 + 2 * u) * b0 + u * mb) + u * u * ((3 - 2 * u) * c0 - v * mc);
}

static int frame_before(double t)
{
    return t >= AMI_STYLE_FRAMES - 2 ? AMI_STYLE_FRAMES - 2 : t < 0 ? 0 : (int)t;
}

/* The window at a fractional frame. */
static void sample_window(const float *window, double t, float out[AMI_FEATURES])
{
    const int i = frame_before(t);
    for (int k = 0; k < AMI_FEATURES; k++)
        out[k] = between_frames(window, i, (float)(t - i), k);
}

/* The frame of the window at frame f of the cycle; *over: it wraps to the start of the cut. */
static double cut_time(const ami_cycle *cycle, int f, bool *over)
{
    const double t = cycle->strike + cycle->length * f / cycle->facts.frames;
    *over = t >= cycle->start + cycle->length;
    return *over ? t - cycle->length : t;
}

/* The cycle's features, from the strike on. The difference of the cut's ends is distributed linearly over the
 * cut, half of it at either end. */
static void cut(ami_cycle *cycle, float *features)
{
    const int n = cycle->facts.frames;
    float first[AMI_FEATURES], last[AMI_FEATURES];
    sample_window(cycle->window, cycle->start, first);
    sample_window(cycle->window, cycle->start + cycle->length, last);
    const double phase0 = unwrapped_at(cycle, cycle->start);
    const double strike = (unwrapped_at(cycle, cycle->strike) - phase0) / cycle->advance;
    double floor_phase = 0;
    for (int f = 0; f < n; f++) {
        bool over;
        const double t = cut_time(cycle, f, &over);
        const float off = (float)((t - cycle->start) / cycle->length - .5);
        float *out = features + f * AMI_FEATURES;
        sample_window(cycle->window, t, out);
        for (int k = 0; k < AMI_FEATURES; k++)
            out[k] -= off * (last[k] - first[k]);
        const double phase = (unwrapped_at(cycle, t) - phase0) / cycle->advance - strike + (over ? 1 : 0);
        floor_phase = fmin(fmax(phase, floor_phase), 1);
        cycle->phase[f] = floor_phase;
    }
    cycle->phase[n] = 1;
}

/* Turns the motion so that its mean heading is along x. */
static void straighten(int frames, double *pose)
{
    double sum[2] = {0, 0}, turn[4];
    for (int f = 0; f < frames; f++) {
        double forward[2];
        ami_points_heading(pose + f * AMI_POSE + 3, forward);
        sum[0] += forward[0];
        sum[1] += forward[1];
    }
    const double angle = -atan2(sum[1], sum[0]), c = cos(angle), s = sin(angle);
    ami_quat_about_z(turn, angle);
    for (int f = 0; f <= frames; f++) {
        double *p = pose + f * AMI_POSE;
        const double x = p[0], y = p[1];
        p[0] = c * x - s * y;
        p[1] = s * x + c * y;
        ami_quat_mul(p + 3, turn, p + 3);
    }
}

static ami_refusal make_poses(ami_cycle *cycle, const ami_motion_nets *nets, ami_cycle_workspace *workspace,
                              ami_clip *clip)
{
    const int n = cycle->facts.frames;
    cut(cycle, workspace->features);
    ami_ik_def def = ami_ik_default_def(nets->skeleton);
    def.rate = n * AMI_FEATURE_RATE / cycle->length;
    if (!ami_ik_motion(&def, n, workspace->features, true, workspace->time, workspace->pose, NULL))
        return AMI_REFUSED_BODY;
    for (int f = 0; f <= n; f++)
        workspace->time[f] = cycle->facts.period_s * f / n;
    straighten(n, workspace->pose);
    return ami_clip_refill(clip, n + 1, workspace->time, workspace->pose, true, NULL) ? AMI_MOTION_OK
                                                                                      : AMI_REFUSED_BODY;
}

/* ---- checks ---- */

static double length_of(const double *v, int n)
{
    double sum = 0;
    for (int k = 0; k < n; k++)
        sum += v[k] * v[k];
    return sqrt(sum);
}

static bool joints_within(const ami_motion_limits *limits, const double *pose, const double *vel)
{
    const double cosine = cos(limits->joint_angle / 2);
    bool good = length_of(vel + 3, 3) <= limits->joint_speed;
    for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
        const ami_clip_joint *joint = &ami_clip_joints[j];
        good &= length_of(vel + joint->vel, joint->ball ? 3 : 1) <= limits->joint_speed;
        good &= !joint->ball || fabs(pose[joint->pose]) >= cosine;
    }
    return good;
}

/* Foot skate: the horizontal speed of sole points, weighted by contact, which depends on height alone. */
typedef struct skating {
    double speed, weight; /* sums */
} skating;

static void add_skating(skating *s, double height, double x, double y)
{
    const double contact = ami_contact(height, (const double[3]){0, 0, 0});
    s->speed += contact * sqrt(x * x + y * y);
    s->weight += contact;
}

static double skate_of(const skating *s)
{
    return s->weight > 0 ? s->speed / s->weight : 0;
}

/* Adds the skating of the window at frame f of the clip; velocities over two frames, as in the clip. */
static void add_window_skating(const ami_cycle *cycle, int f, skating *s)
{
    bool over;
    const double t = fmin(fmax(cut_time(cycle, f, &over), 1), AMI_STYLE_FRAMES - 2);
    const int i[3] = {frame_before(t - 1), frame_before(t), frame_before(t + 1)};
    const float u[3] = {(float)(t - 1 - i[0]), (float)(t - i[1]), (float)(t + 1 - i[2])},
                rate = (float)(.5 * AMI_FEATURE_RATE);
    const float yaw = between_frames(cycle->window, i[1], u[1], AMI_FEATURE_YAW_RATE);
    for (int k = 0; k < 4; k++) {
        float at[3], vel[2];
        for (int n = 0; n < 3; n++)
            at[n] = between_frames(cycle->window, i[1], u[1], 3 * ami_sole_point[k] + n);
        for (int n = 0; n < 2; n++)
            vel[n] = rate * (between_frames(cycle->window, i[2], u[2], 3 * ami_sole_point[k] + n) -
                             between_frames(cycle->window, i[0], u[0], 3 * ami_sole_point[k] + n)) +
                     (n == 0 ? -yaw * at[1] : yaw * at[0]) +
                     between_frames(cycle->window, i[1], u[1], AMI_FEATURE_FORWARD + n);
        add_skating(s, (double)at[2], (double)vel[0], (double)vel[1]);
    }
}

/* Measures one frame of the clip: distance of its points from the window's, lowest sole point, skating. */
static void measure_frame(const ami_motion_nets *nets, const ami_cycle_workspace *workspace,
                          const ami_clip *clip, int f, double *off, double *lowest, skating *s)
{
    ami_state state;
    ami_points points;
    float features[AMI_FEATURES];
    ami_fk_state(nets->skeleton, ami_clip_poses(clip) + f * AMI_POSE, ami_clip_vels(clip) + f * AMI_VEL,
                 &state);
    ami_points_of_state(nets->skeleton, &state, &points);
    ami_features(&points, features);
    *off += ami_features_distance(features, workspace->features + f * AMI_FEATURES);
    for (int k = 0; k < 4; k++) {
        const int p = ami_sole_point[k];
        *lowest = fmin(*lowest, points.pos[p][2]);
        add_skating(s, points.pos[p][2], points.vel[p][0], points.vel[p][1]);
    }
}

/* Checks the clip. Limits apply to every frame, means are taken over every other one. */
static ami_refusal check(ami_cycle *cycle, const ami_motion_nets *nets, const ami_motion_limits *limits,
                         ami_cycle_workspace *workspace, const ami_clip *clip)
{
    const int n = cycle->facts.frames;
    double lowest = INFINITY, off = 0, offset[3];
    skating s = {0}, before = {0};
    cut(cycle, workspace->features); /* another motion may have overwritten them since make_poses */
    for (int f = 0; f < n; f++) {
        const double *pose = ami_clip_poses(clip) + f * AMI_POSE, *vel = ami_clip_vels(clip) + f * AMI_VEL;
        if (!(pose[2] >= limits->root_height[0] && pose[2] <= limits->root_height[1]))
            return AMI_REFUSED_HEIGHT;
        if (!(length_of(vel, 3) <= limits->root_speed))
            return AMI_REFUSED_SPEED;
        if (!joints_within(limits, pose, vel))
            return AMI_REFUSED_JOINTS;
        if (f % 2 == 0) {
            measure_frame(nets, workspace, clip, f, &off, &lowest, &s);
            add_window_skating(cycle, f, &before);
        }
    }
    ami_clip_cycle_offset(clip, offset);
    cycle->facts.fit_m = off / ((n + 1) / 2);
    cycle->facts.speed = length_of(offset, 2) / cycle->facts.period_s;
    cycle->facts.skate = skate_of(&s);
    cycle->facts.window_skate = skate_of(&before) / cycle->facts.stretch;
    if (!(lowest >= limits->sole_height[0] && lowest <= limits->sole_height[1]))
        return AMI_REFUSED_HEIGHT;
    return cycle->facts.fit_m <= limits->fit_m ? AMI_MOTION_OK : AMI_REFUSED_BODY;
}

/* ---- all stages ---- */

ami_refusal ami_cycle_advance(ami_cycle *cycle, const ami_motion_nets *nets, const ami_motion_limits *limits,
                              ami_cycle_workspace *workspace, ami_clip *clip)
{
    AMI_ASSERT(cycle && cycle->stage < AMI_CYCLE_DONE && nets && limits && workspace && clip);
    switch (cycle->stage++) {
    case AMI_CYCLE_DECODE:
        return decode(cycle, nets, workspace);
    case AMI_CYCLE_RHYTHM:
        return rhythm(cycle, nets, limits, workspace);
    case AMI_CYCLE_POSES:
        return make_poses(cycle, nets, workspace, clip);
    case AMI_CYCLE_CHECKS:
        return check(cycle, nets, limits, workspace, clip);
    default:
        cycle->stage = AMI_CYCLE_DONE;
        return AMI_MOTION_OK;
    }
}

ami_refusal ami_cycle_make(ami_cycle *cycle, const ami_motion_nets *nets, const ami_motion_limits *limits,
                           ami_cycle_workspace *workspace, const ami_latent *latent, ami_clip *clip)
{
    AMI_ASSERT(cycle && nets && limits && workspace && latent && clip);
    ami_refusal refusal = AMI_MOTION_OK;
    ami_cycle_begin(cycle, latent);
    while (refusal == AMI_MOTION_OK && cycle->stage != AMI_CYCLE_DONE)
        refusal = ami_cycle_advance(cycle, nets, limits, workspace, clip);
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
