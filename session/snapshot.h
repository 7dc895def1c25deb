/* What the simulation tells the drawing side after every control step, and what the drawing side may ask of
 * it. Plain data, no pointers into the simulation: a snapshot is a copy, so neither side ever waits for the
 * other. */
#ifndef AMI_SESSION_SNAPSHOT_H
#define AMI_SESSION_SNAPSHOT_H

#include "nets/deepphase.h"
#include "policy/style_plan.h"
#include "sim/env.h"

enum { AMI_VIEW_CONTACTS = 16 };

/* What one may ask. Applied between control steps, in the order sent. */
typedef enum ami_command_kind {
    AMI_DO_NOTHING,
    AMI_DO_PAUSE,        /* value: 1 pause, 0 go on, -1 the other */
    AMI_DO_SPEED,        /* value: simulated seconds a second, 1/16 to 16 */
    AMI_DO_STEP,         /* value: control steps, back in history if negative; pauses */
    AMI_DO_RESTART,      /* everybody back to where the session began */
    AMI_DO_RESET,        /* `character` (-1: all) takes up its motion anew where it is */
    AMI_DO_PUSH,         /* `character`: v[0:3] is added to the root's velocity, m/s, world */
    AMI_DO_PULL,         /* `character`, `body`: a spring from local point v[0:3] to world point v[3:6] */
    AMI_DO_RELEASE,      /* ends the pull */
    AMI_DO_TURN,         /* value: rad/s by which the references are being turned from now on */
    AMI_DO_HEADING,      /* value: rad, where the references are turned to, at .8 rad/s at most; NaN, or
                            AMI_DO_TURN: nowhere */
    AMI_DO_PACE,         /* value: how fast the references' clocks run, .7 to 1.3; 1.4 where motions are
                            invented */
    AMI_DO_SKILL,        /* value: number of the skill */
    AMI_DO_STYLE,        /* value: number of a skill that invents motions; `character` (-1: all) takes
                            `latent` up */
    AMI_DO_DRAW,         /* the same with a style that is drawn, for everybody another */
    AMI_DO_GROUND_SPEED, /* value: m/s that invented motions shall make, as far as the pace goes; 0: their
                            own */
    AMI_DO_PHASE_GAIN,   /* value: how much the body's phase pulls the clock of invented motions; 0: not at
                            all */
    AMI_DO_TEACH,        /* value: number of the skill that `skill` becomes, in place of the one that is
                            there */
    AMI_DO_FOLLOW,       /* `character`: whose numbers, contacts and reference the snapshots carry */
} ami_command_kind;

typedef struct ami_command {
    ami_command_kind kind;
    int character, body;
    double value, v[6];
    ami_latent latent;
    struct ami_skill *skill; /* the old one is the sender's again once commands_done has passed the command */
} ami_command;

typedef struct ami_view_body {
    double before[AMI_POSE], pose[AMI_POSE]; /* at the last step's beginning and end; equal where something
                                                jumped */
    bool down;                               /* has fallen and is not up again */
    double up_s;                             /* s since it was put there or got up; how long it lasted, where
                                                down */
} ami_view_body;

typedef struct ami_view_contact {
    double at[3], force[3]; /* m; N, on the body, world frame */
} ami_view_contact;

typedef struct ami_snapshot {
    uint64_t commands_done; /* commands applied so far */
    int64_t step;           /* control steps since the start */
    int64_t oldest, newest; /* the earliest and latest there is a record of */
    double dt;              /* s of a control step */
    double published;       /* ami_clock_now() */
    int64_t jumps;          /* counts restarts, resets and steps back: trails begin anew */
    int64_t pushes;
    bool finished; /* the asked number of steps is done */

    bool paused;
    double speed, real_time_factor; /* asked for, and reached in the last second */

    int skill, skills;
    int wanted;             /* the skill that is to come at the next good moment; else the same */
    double turn_rate, pace; /* pace: of invented motions, how fast they are wanted */
    bool entered_by_skill;  /* the skill was changed in the last step */

    int follow; /* the character that the rest is about */
    double reference_before[AMI_POSE], reference[AMI_POSE];
    double phase, reference_heading;
    bool invents;         /* the skill's motions; the next lines are about that */
    ami_latent latent;    /* the style that is wanted */
    double style_phase;   /* DeepPhase's, of the reference, [0, 1) */
    ami_phase body_phase; /* measured on the body; amplitude -1: could not be */
    double phase_gain;
    ami_reward reward;
    double value;        /* of the critic; NaN without one */
    double step_us;      /* wall time of the whole control step, all characters */
    double physics_us;   /* of it, in physics, summed over characters */
    double ground_speed; /* m/s, smoothed over half a second */
    int contacts;
    ami_view_contact contact[AMI_VIEW_CONTACTS];
    bool pulling;
    int pulled_character, pulled_body;
    double pull_from[3], pull_to[3]; /* world, m */
    double push[3];                  /* the last one: m/s */
    double pushed_ago;               /* s of simulated time; huge if never */
    int pushed_character;

    double clip_time, clip_duration; /* clip player: s; duration 0 in a simulation */
    int clip_frame, clip_frames;

    int characters;
    ami_view_body *body; /* (characters), owned */
} ami_snapshot;

#endif
