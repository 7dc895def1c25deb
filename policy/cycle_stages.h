/* The inside of policy/cycle.c: its stages, each in slices of about 10 µs. */
#ifndef AMI_POLICY_CYCLE_STAGES_H
#define AMI_POLICY_CYCLE_STAGES_H

#include "policy/cycle.h"

struct ami_cycle_workspace {
    void *deepphase;      /* workspace */
    ami_cycle_task *task; /* of ami_cycle_make */
    float phase_features[AMI_STYLE_FRAMES * AMI_PHASE_FEATURES];
    float features[AMI_CYCLE_FRAMES * AMI_FEATURES];
};

/* Foot skate: the horizontal speed of sole points, weighted by contact, which depends on height alone. */
typedef struct ami_skating {
    double speed, weight; /* sums */
} ami_skating;

/* What a motion that is being made needs from one slice to the next. */
struct ami_cycle_task {
    int slice;     /* of the stage: the next one */
    void *decoder; /* workspace for one row */
    ami_phase phase[AMI_STYLE_FRAMES];
    ami_phase_period period;
    ami_ik_pass ik;
    bool placed; /* the root's path is in `pose` */
    double time[AMI_CYCLE_FRAMES + 1], pose[(AMI_CYCLE_FRAMES + 1) * AMI_POSE];
    double off, lowest; /* of the frames checked: sum of distances, lowest sole point */
    ami_skating skate, window_skate;
};

enum {
    AMI_DECODE_SLICES = 8,
    AMI_PHASE_SLICES = 5,                     /* of the rhythm: a fifth of the window's frames each */
    AMI_RHYTHM_SLICES = AMI_PHASE_SLICES + 2, /* then the period, then the cut */
    AMI_SOLVE_FRAMES = 8,                     /* a slice of the poses */
    AMI_CHECK_FRAMES = 10,                    /* a slice of the checks */
};

/* Does slice task->slice of the stage. *done: it was the stage's last. */
ami_refusal ami_cycle_rhythm(ami_cycle *cycle, ami_cycle_task *task, const ami_motion_nets *nets,
                             const ami_motion_limits *limits, ami_cycle_workspace *workspace, bool *done);
ami_refusal ami_cycle_poses(ami_cycle *cycle, ami_cycle_task *task, const ami_motion_nets *nets,
                            ami_cycle_workspace *workspace, ami_clip *clip, bool *done);
ami_refusal ami_cycle_check(ami_cycle *cycle, ami_cycle_task *task, const ami_motion_nets *nets,
                            const ami_motion_limits *limits, const ami_clip *clip, bool *done);

/* DeepPhase's phase at a fractional frame of the window, linearly interpolated. */
double ami_cycle_unwrapped_at(const ami_cycle *cycle, double t);

/* Feature k of the window between frames i and i + 1, by Catmull-Rom interpolation (1974); linear beyond the
 * ends. */
static inline float ami_between_frames(const float *window, int i, float u, int k)
{
    const float *b = window + i * AMI_FEATURES + k, v = 1 - u;
    const float b0 = b[0], c0 = b[AMI_FEATURES];
    const float before = i > 0 ? b[-AMI_FEATURES] : 2 * b0 - c0,
                after = i < AMI_STYLE_FRAMES - 2 ? b[2 * AMI_FEATURES] : 2 * c0 - b0;
    const float mb = .5f * (c0 - before), mc = .5f * (after - b0);
    return v * v * ((1 + 2 * u) * b0 + u * mb) + u * u * ((3 - 2 * u) * c0 - v * mc);
}

static inline int ami_frame_before(double t)
{
    return t >= AMI_STYLE_FRAMES - 2 ? AMI_STYLE_FRAMES - 2 : t < 0 ? 0 : (int)t;
}

/* The frame of the window at frame f of the cycle; *over: it wraps to the start of the cut. */
static inline double ami_cut_time(const ami_cycle *cycle, int f, bool *over)
{
    const double t = cycle->strike + cycle->length * f / cycle->facts.frames;
    *over = t >= cycle->start + cycle->length;
    return *over ? t - cycle->length : t;
}

/* How much the cut's last frame differs from its first. */
typedef struct ami_cut_ends {
    float difference[AMI_FEATURES];
} ami_cut_ends;
void ami_find_cut_ends(const ami_cycle *cycle, ami_cut_ends *ends);

/* The cycle's features at frame f, from the strike on. The difference of the cut's ends is distributed
 * linearly over the cut, half of it at either end. */
void ami_cut_frame(const ami_cycle *cycle, const ami_cut_ends *ends, int f, float out[AMI_FEATURES]);

#endif
