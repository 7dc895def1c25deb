/* From a style to a motion: z → decoder → 2 s of motion features → DeepPhase → one closed cycle from
 * left-foot strike to left-foot strike → inverse kinematics → a clip that loops.
 *
 * Latents and network outputs are not trusted: the result is a clip within the limits below, or a refusal.
 *
 * The work is divided into slices of about 10 µs, so that a control loop can distribute them over several
 * steps. The result depends only on the latent and the networks, not on when which slice is done. Nothing
 * allocates after creation. Networks and limits are const and shared; each thread has a workspace, each
 * unfinished motion a cycle and a task. */
#ifndef AMI_POLICY_CYCLE_H
#define AMI_POLICY_CYCLE_H

#include "motion/ik.h"
#include "nets/deepphase.h"
#include "nets/stylevae.h"
#include "policy/style_plan.h"

/* Max frames in a cycle's clip, without the last one, which is the next cycle's first. */
enum { AMI_CYCLE_FRAMES = 50 };

/* The networks that make motions: const, shared by threads, owned by the caller. */
typedef struct ami_motion_nets {
    const ami_skeleton *skeleton;
    const ami_stylevae *vae; /* its decoder */
    const ami_deepphase *deepphase;
} ami_motion_nets;

/* Limits of a usable motion, with their defaults; [2]: min and max. */
typedef struct ami_motion_limits {
    double period_s[2];    /* s (.35, 1.97): the period in the decoder's window of 2 s */
    double stretch[2];     /* (.5, 5): period of the clip / period in the window; clamps a latent's scale */
    double confidence;     /* (.2): min; DeepPhase's confidence is at most half the cycles in the window */
    double close_m;        /* m (.1): max mean distance of the points at the cycle's ends, before closing */
    double fit_m;          /* m (.06): max mean distance of the points from those after inverse kinematics */
    double root_speed;     /* m/s (8), max */
    double root_height[2]; /* m (.3, 1.3) */
    double sole_height[2]; /* m (-.12, .12): lowest sole point of every other frame */
    double joint_speed;    /* rad/s (30), max of each joint and of the root */
    double joint_angle;    /* rad (2.8), max of a ball joint from its rest */
} ami_motion_limits;

ami_motion_limits ami_motion_default_limits(void);

typedef enum ami_refusal {
    AMI_MOTION_OK,
    AMI_REFUSED_NUMBERS, /* z or the window is not finite or too large */
    AMI_REFUSED_RHYTHM,  /* no period, or period_s or confidence out of range */
    AMI_REFUSED_OPEN,    /* close_m */
    AMI_REFUSED_BODY,    /* fit_m, or inverse kinematics failed */
    AMI_REFUSED_HEIGHT,  /* root_height or sole_height */
    AMI_REFUSED_SPEED,   /* root_speed */
    AMI_REFUSED_JOINTS,  /* joint_speed or joint_angle */
    AMI_REFUSALS
} ami_refusal;

/* The reason for error sentences, such as "its cycle does not close". */
const char *ami_refusal_text(ami_refusal refusal);

typedef enum ami_cycle_stage {
    AMI_CYCLE_DECODE,
    AMI_CYCLE_RHYTHM,
    AMI_CYCLE_POSES,
    AMI_CYCLE_CHECKS,
    AMI_CYCLE_DONE
} ami_cycle_stage;

/* Measurements of a finished cycle. */
typedef struct ami_cycle_facts {
    int frames;            /* without the next cycle's first one */
    double period_s;       /* s, of the clip */
    double speed;          /* m/s, mean over a cycle */
    double stretch;        /* period of the clip / period in the window */
    double confidence;     /* of the period */
    double close_m, fit_m; /* m, as in the limits */

    /* m/s, mean speed of the four sole points during contact: in the clip, and in the cut part of the window
     * played at the clip's rate. */
    double skate, window_skate;
} ami_cycle_facts;

/* A finished or unfinished motion. Plain data. */
typedef struct ami_cycle {
    ami_cycle_stage stage; /* the next stage */
    ami_latent latent;
    float window[AMI_STYLE_WINDOW];
    double start, length;               /* the cut, in frames of the window */
    double strike;                      /* the left foot's strike in the cut, in frames of the window */
    double advance;                     /* advance of the phase over the cut, cycles; about 1 */
    double unwrapped[AMI_STYLE_FRAMES]; /* DeepPhase's phase in the window, cycles */
    double phase[AMI_CYCLE_FRAMES + 1]; /* DeepPhase's phase at the clip's frames, rising from 0 to 1 */
    ami_cycle_facts facts;
} ami_cycle;

/* Scratch memory of a thread. */
typedef struct ami_cycle_workspace ami_cycle_workspace;
ami_cycle_workspace *ami_cycle_workspace_create(const ami_motion_nets *nets, ami_error *err);
void ami_cycle_workspace_destroy(ami_cycle_workspace *workspace);

/* What a motion that is being made needs from one slice to the next: of one motion at a time. */
typedef struct ami_cycle_task ami_cycle_task;
ami_cycle_task *ami_cycle_task_create(const ami_motion_nets *nets, ami_error *err);
void ami_cycle_task_destroy(ami_cycle_task *task); /* NULL is fine */

void ami_cycle_begin(ami_cycle *cycle, ami_cycle_task *task, const ami_latent *latent);

/* Does the next slice; cycle->stage is AMI_CYCLE_DONE after the last. The last two stages fill `clip`
 * (ami_clip_reserve of AMI_CYCLE_FRAMES + 1 or more): a loop whose x axis is the mean heading of the root and
 * whose first frame is the left foot's strike. After a refusal its content is undefined, and the motion
 * cannot go on. */
ami_refusal ami_cycle_advance(ami_cycle *cycle, ami_cycle_task *task, const ami_motion_nets *nets,
                              const ami_motion_limits *limits, ami_cycle_workspace *workspace,
                              ami_clip *clip);

/* Nominal costs, µs: of a stage, of the next slice, and of all slices that are left. They are constants, not
 * measured: results must not depend on time. */
double ami_cycle_stage_us(ami_cycle_stage stage);
double ami_cycle_slice_us(const ami_cycle *cycle);
double ami_cycle_left_us(const ami_cycle *cycle, const ami_cycle_task *task);

/* All of it, with the workspace's own task. */
ami_refusal ami_cycle_make(ami_cycle *cycle, const ami_motion_nets *nets, const ami_motion_limits *limits,
                           ami_cycle_workspace *workspace, const ami_latent *latent, ami_clip *clip);

/* DeepPhase's phase of a simulated body. False if its features are not finite. */
bool ami_cycle_body_phase(const ami_motion_nets *nets, ami_cycle_workspace *workspace, const ami_state *state,
                          ami_phase *phase);

/* For a finished cycle: DeepPhase's phase at a fraction of the clip's duration, and its inverse; all in
 * [0, 1]. */
double ami_cycle_phase_at(const ami_cycle *cycle, double fraction);
double ami_cycle_fraction_at(const ami_cycle *cycle, double phase);

/* DeepPhase's input for every frame of a window (60, 73): the window's positions, and world velocities from
 * central differences along the frame's axes, in the layout of ami_phase_features. out (60, 132). */
void ami_window_phase_features(const float window[AMI_STYLE_WINDOW], float *out);

#endif
