/* From a style to a motion: z → decoder → two seconds of motion features → DeepPhase → one cycle, from
 * left-foot strike to left-foot strike, closed → inverse kinematics → a clip that loops.
 *
 * Anything may come in as a latent and out of a network. What comes out here is a clip within the limits
 * below, or a refusal and no clip.
 *
 * The work is cut into stages, so that a control loop can take them in different steps; it depends on the
 * latent and the networks alone. Nothing allocates after creation; networks and limits are const and shared,
 * a room belongs to a thread, a cycle to one motion in the making. */
#ifndef AMB_POLICY_CYCLE_H
#define AMB_POLICY_CYCLE_H

#include "motion/ik.h"
#include "nets/deepphase.h"
#include "nets/stylevae.h"
#include "policy/style_plan.h"

enum {
    AMB_CYCLE_FRAMES = 50
};                           /* in a cycle's clip at most, without the last one, which begins the next
                                   cycle */
#define AMB_WINDOW_RATE 30.0 /* frames a second that the decoder gives */

/* What is needed to make motions: const, shared by threads, the caller's. */
typedef struct amb_motion_nets {
    const amb_skeleton *skeleton;
    const amb_stylevae *vae; /* its decoder */
    const amb_deepphase *deepphase;
} amb_motion_nets;

/* What a motion may be. */
typedef struct amb_motion_limits {
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
} amb_motion_limits;

amb_motion_limits amb_motion_default_limits(void);

typedef enum amb_refusal {
    AMB_MOTION_OK,
    AMB_REFUSED_NUMBERS, /* z or the window is not finite, or absurd */
    AMB_REFUSED_RHYTHM,  /* no period, or not one in the limits */
    AMB_REFUSED_OPEN,    /* the cycle's ends are too far apart */
    AMB_REFUSED_BODY,    /* the points are not those of the body */
    AMB_REFUSED_HEIGHT,  /* root or soles */
    AMB_REFUSED_SPEED,   /* root */
    AMB_REFUSED_JOINTS,  /* speed or angle */
    AMB_REFUSALS
} amb_refusal;

/* "its cycle does not close", … for sentences. */
const char *amb_refusal_text(amb_refusal refusal);

typedef enum amb_cycle_stage {
    AMB_CYCLE_DECODE,
    AMB_CYCLE_RHYTHM,
    AMB_CYCLE_POSES,
    AMB_CYCLE_CHECKS,
    AMB_CYCLE_DONE
} amb_cycle_stage;

/* What a finished cycle is like, as measured. */
typedef struct amb_cycle_facts {
    int frames;                 /* without the one that begins the next cycle */
    double period_s, speed;     /* s of the clip; m/s: the way over a cycle */
    double stretch;             /* the clip's period in the window's */
    double confidence;          /* of the period */
    double close_m, fit_m;      /* as in the limits */
    double skate, window_skate; /* m/s: mean speed of the four sole points while they are in contact, of the
                                   clip and of the part of the window that it was cut from, played in the
                                   clip's time */
} amb_cycle_facts;

/* A motion in the making. Plain data. */
typedef struct amb_cycle {
    amb_cycle_stage stage; /* the next one to be done */
    amb_latent latent;
    float window[AMB_STYLE_WINDOW];
    double start, length, strike;       /* frames of the window: the cut, and where in it the left foot
                                           strikes */
    double advance;                     /* of the phase over the cut, cycles; about 1 */
    double unwrapped[AMB_STYLE_FRAMES]; /* DeepPhase's phase in the window, cycles */
    double phase[AMB_CYCLE_FRAMES + 1]; /* DeepPhase's phase at the clip's frames, from 0 at the first to 1 at
                                           the last, never falling */
    amb_cycle_facts facts;
} amb_cycle;

/* Scratch memory of a thread. */
typedef struct amb_cycle_room amb_cycle_room;
amb_cycle_room *amb_cycle_room_create(const amb_motion_nets *nets, amb_error *err);
void amb_cycle_room_destroy(amb_cycle_room *room);

void amb_cycle_begin(amb_cycle *cycle, const amb_latent *latent);

/* Does the next stage. The last two fill `clip` (amb_clip_reserve of AMB_CYCLE_FRAMES + 1 or more), which is
 * then a loop whose x axis is the mean heading of the root and whose first frame is the left foot's strike;
 * after a refusal it holds anything. */
amb_refusal amb_cycle_advance(amb_cycle *cycle, const amb_motion_nets *nets, const amb_motion_limits *limits,
                              amb_cycle_room *room, amb_clip *clip);

/* All stages. */
amb_refusal amb_cycle_make(amb_cycle *cycle, const amb_motion_nets *nets, const amb_motion_limits *limits,
                           amb_cycle_room *room, const amb_latent *latent, amb_clip *clip);

/* DeepPhase on a simulated body. False where its features are not finite. */
bool amb_cycle_body_phase(const amb_motion_nets *nets, amb_cycle_room *room, const amb_state *state,
                          amb_phase *phase);

/* Of a finished cycle: DeepPhase's phase at a share of the clip's duration, and back; both in [0, 1]. */
double amb_cycle_phase_at(const amb_cycle *cycle, double share);
double amb_cycle_share_at(const amb_cycle *cycle, double phase);

/* DeepPhase's input for every frame of a window (60, 73): places as they are, velocities from them (central
 * differences), seen in the world along the frame's axes as amb_phase_features has them. out (60, 132). */
void amb_window_phase_features(const float window[AMB_STYLE_WINDOW], float *out);

#endif
