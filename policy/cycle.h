/* From a style to a motion: z → decoder → two seconds of motion features → DeepPhase → one cycle, from
 * left-foot strike to left-foot strike, closed → inverse kinematics → a clip that loops.
 *
 * Anything may come in as a latent and out of a network. What comes out here is a clip within the limits
 * below, or a refusal and no clip.
 *
 * The work is cut into stages, so that a control loop can take them in different steps; it depends on the
 * latent and the networks alone. Nothing allocates after creation; networks and limits are const and shared,
 * a room belongs to a thread, a cycle to one motion in the making. */
#ifndef AMI_POLICY_CYCLE_H
#define AMI_POLICY_CYCLE_H

#include "motion/ik.h"
#include "nets/deepphase.h"
#include "nets/stylevae.h"
#include "policy/style_plan.h"

enum {
    AMI_CYCLE_FRAMES = 50
}; /* in a cycle's clip at most, without the last one, which begins the next
                                   cycle */

/* What is needed to make motions: const, shared by threads, the caller's. */
typedef struct ami_motion_nets {
    const ami_skeleton *skeleton;
    const ami_stylevae *vae; /* its decoder */
    const ami_deepphase *deepphase;
} ami_motion_nets;

/* What a motion may be. */
typedef struct ami_motion_limits {
    double period_s[2];    /* .35 1.97: s, in the decoder's window; it holds no longer cycle */
    double stretch[2];     /* .5 5: how much longer than there the cycle may take; a latent's scale is kept
                              within it */
    double confidence;     /* .2: least of DeepPhase's, which is at most half the cycles in the window */
    double close_m;        /* .1: mean distance of the points between a cycle's two ends before it is
                              closed */
    double fit_m;          /* .06: mean distance of the points from those of the body that is put in */
    double root_speed;     /* 8 m/s */
    double root_height[2]; /* .3 1.3 m */
    double sole_height[2]; /* -.12 .12 m: the lowest sole point of every other frame */
    double joint_speed;    /* 30 rad/s, of each joint and of the root */
    double joint_angle;    /* 2.8 rad, of a ball joint from its rest */
} ami_motion_limits;

ami_motion_limits ami_motion_default_limits(void);

typedef enum ami_refusal {
    AMI_MOTION_OK,
    AMI_REFUSED_NUMBERS, /* z or the window is not finite, or absurd */
    AMI_REFUSED_RHYTHM,  /* no period, or not one in the limits */
    AMI_REFUSED_OPEN,    /* the cycle's ends are too far apart */
    AMI_REFUSED_BODY,    /* the points are not those of the body */
    AMI_REFUSED_HEIGHT,  /* root or soles */
    AMI_REFUSED_SPEED,   /* root */
    AMI_REFUSED_JOINTS,  /* speed or angle */
    AMI_REFUSALS
} ami_refusal;

/* "its cycle does not close", … for sentences. */
const char *ami_refusal_text(ami_refusal refusal);

typedef enum ami_cycle_stage {
    AMI_CYCLE_DECODE,
    AMI_CYCLE_RHYTHM,
    AMI_CYCLE_POSES,
    AMI_CYCLE_CHECKS,
    AMI_CYCLE_DONE
} ami_cycle_stage;

/* What a finished cycle is like, as measured. */
typedef struct ami_cycle_facts {
    int frames;                 /* without the one that begins the next cycle */
    double period_s, speed;     /* s of the clip; m/s: the way over a cycle */
    double stretch;             /* the clip's period in the window's */
    double confidence;          /* of the period */
    double close_m, fit_m;      /* as in the limits */
    double skate, window_skate; /* m/s: mean speed of the four sole points while they are in contact, of the
                                   clip and of the part of the window that it was cut from, played in the
                                   clip's time */
} ami_cycle_facts;

/* A motion in the making. Plain data. */
typedef struct ami_cycle {
    ami_cycle_stage stage; /* the next one to be done */
    ami_latent latent;
    float window[AMI_STYLE_WINDOW];
    double start, length, strike;       /* frames of the window: the cut, and where in it the left foot
                                           strikes */
    double advance;                     /* of the phase over the cut, cycles; about 1 */
    double unwrapped[AMI_STYLE_FRAMES]; /* DeepPhase's phase in the window, cycles */
    double phase[AMI_CYCLE_FRAMES + 1]; /* DeepPhase's phase at the clip's frames, from 0 at the first to 1 at
                                           the last, never falling */
    ami_cycle_facts facts;
} ami_cycle;

/* Scratch memory of a thread. */
typedef struct ami_cycle_room ami_cycle_room;
ami_cycle_room *ami_cycle_room_create(const ami_motion_nets *nets, ami_error *err);
void ami_cycle_room_destroy(ami_cycle_room *room);

void ami_cycle_begin(ami_cycle *cycle, const ami_latent *latent);

/* Does the next stage. The last two fill `clip` (ami_clip_reserve of AMI_CYCLE_FRAMES + 1 or more), which is
 * then a loop whose x axis is the mean heading of the root and whose first frame is the left foot's strike;
 * after a refusal it holds anything. */
ami_refusal ami_cycle_advance(ami_cycle *cycle, const ami_motion_nets *nets, const ami_motion_limits *limits,
                              ami_cycle_room *room, ami_clip *clip);

/* All stages. */
ami_refusal ami_cycle_make(ami_cycle *cycle, const ami_motion_nets *nets, const ami_motion_limits *limits,
                           ami_cycle_room *room, const ami_latent *latent, ami_clip *clip);

/* DeepPhase on a simulated body. False where its features are not finite. */
bool ami_cycle_body_phase(const ami_motion_nets *nets, ami_cycle_room *room, const ami_state *state,
                          ami_phase *phase);

/* Of a finished cycle: DeepPhase's phase at a share of the clip's duration, and back; both in [0, 1]. */
double ami_cycle_phase_at(const ami_cycle *cycle, double share);
double ami_cycle_share_at(const ami_cycle *cycle, double phase);

/* DeepPhase's input for every frame of a window (60, 73): places as they are, velocities from them (central
 * differences), seen in the world along the frame's axes as ami_phase_features has them. out (60, 132). */
void ami_window_phase_features(const float window[AMI_STYLE_WINDOW], float *out);

#endif
