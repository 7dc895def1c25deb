/* Snapshots, which the simulation publishes after every control step for drawing, and commands to the
 * simulation. Plain data without pointers into the simulation, so that neither side waits for the other. */
#ifndef AMI_SESSION_SNAPSHOT_H
#define AMI_SESSION_SNAPSHOT_H

#include "nets/deepphase.h"
#include "policy/style_plan.h"
#include "sim/env.h"

enum { AMI_VIEW_CONTACTS = 16 };

/* Commands. They are applied between control steps, in the order sent. */
typedef enum ami_command_kind {
    AMI_DO_NOTHING,
    AMI_DO_PAUSE,        /* value: 1 pause, 0 continue, -1 toggle */
    AMI_DO_SPEED,        /* value: simulated seconds per second, 1/16 to 16 */
    AMI_DO_STEP,         /* value: control steps, back in history if negative; pauses */
    AMI_DO_RESTART,      /* resets all characters to the session's beginning */
    AMI_DO_RESET,        /* `character` (-1: all) restarts its motion where it is */
    AMI_DO_PUSH,         /* `character`: v[0:3] is added to the root's velocity, m/s, world */
    AMI_DO_PULL,         /* `character`, `body`: a spring from local point v[0:3] to world point v[3:6] */
    AMI_DO_RELEASE,      /* ends the pull */
    AMI_DO_TURN,         /* value: turn rate of the references, rad/s */
    AMI_DO_HEADING,      /* value: heading to which the references turn at up to .8 rad/s, rad; NaN, or
                            AMI_DO_TURN, ends it */
    AMI_DO_PACE,         /* value: rate of the references' clocks, .7 to 1.3; to 1.4 for invented motions */
    AMI_DO_SKILL,        /* value: number of the skill; `cycles`: after so many of its motion what follows it
                            begins; 0: as the skill is meant, without end or once */
    AMI_DO_STYLE,        /* value: number of a skill that invents motions; changes the style of `character`
                            (-1: all) to `latent` */
    AMI_DO_DRAW,         /* the same with a random style for each character */
    AMI_DO_GROUND_SPEED, /* value: speed of invented motions as far as the range of paces allows, m/s; 0: the
                            style's own */
    AMI_DO_PHASE_GAIN,   /* value: gain from the body's phase to the clock of invented motions; 0: off */
    AMI_DO_REPLACE,      /* value: number of the skill to replace by `skill` */
    AMI_DO_FOLLOW,       /* `character`: the one whose values, contacts and reference the snapshots contain */
} ami_command_kind;

typedef struct ami_command {
    ami_command_kind kind;
    int character, body, cycles;
    double value, v[6];
    ami_latent latent;
    struct ami_skill *skill; /* the replaced skill is the sender's once commands_done counts this command */
} ami_command;

/* What a character does with ami_session_def.get_up; without, always UP. */
typedef enum ami_stage {
    AMI_UP,
    AMI_FALLEN,  /* takes the first pose of getting up */
    AMI_RISING,  /* follows the motion of getting up */
    AMI_STANDING /* stands, but has not yet entered the requested motion */
} ami_stage;

typedef struct ami_view_body {
    double before[AMI_POSE], pose[AMI_POSE]; /* at the last step's beginning and end; equal after a jump */
    bool down;                               /* has fallen and is not up again */
    ami_stage stage;
    double up_s; /* s since its start or recovery; if down: until the fall */
} ami_view_body;

typedef struct ami_view_contact {
    double at[3], force[3]; /* m; N, on the body, world frame */
} ami_view_contact;

typedef struct ami_snapshot {
    uint64_t commands_done; /* commands applied so far */
    int64_t step;           /* control steps since the start */
    int64_t oldest, newest; /* steps in the history */
    double dt;              /* s of a control step */
    double published;       /* ami_clock_now() */
    int64_t jumps;          /* number of restarts, resets and steps back: trails are cleared */
    int64_t pushes;
    int64_t falls, recoveries; /* of all characters; recoveries: by physics or lifted */
    bool finished;             /* the step limit is reached */

    bool paused;
    double speed, real_time_factor; /* requested, and reached in the last .5 s */

    int skill, skills;
    int requested;          /* the skill that will follow as soon as possible, or the current one */
    double turn_rate, pace; /* pace: of invented motions, the requested rate */
    bool entered_by_skill;  /* the skill was changed in the last step */

    int follow; /* index of the followed character; the values below are its */
    double reference_before[AMI_POSE], reference[AMI_POSE];
    double phase, reference_heading;
    bool invents;         /* the skill invents motions; if so: */
    ami_latent latent;    /* the requested style */
    double style_phase;   /* DeepPhase's phase of the reference, [0, 1) */
    ami_phase body_phase; /* DeepPhase's phase of the body; amplitude -1: not measured */
    double phase_gain;
    ami_reward reward;
    double value;        /* the critic's; NaN without one */
    double step_us;      /* µs, wall time of the control step of all characters */
    double physics_us;   /* µs, wall time of physics, summed over characters */
    double ground_speed; /* m/s, smoothed over half a second */
    int contacts;
    ami_view_contact contact[AMI_VIEW_CONTACTS];
    bool pulling;
    int pulled_character, pulled_body;
    double pull_from[3], pull_to[3]; /* world, m */
    double push[3];                  /* the last push, m/s */
    double pushed_ago;               /* s of simulated time since then; 1e9: never */
    int pushed_character;

    double clip_time, clip_duration; /* clip player: s; duration 0 in a simulation */
    int clip_frame, clip_frames;

    int characters;
    ami_view_body *body; /* (characters), owned */
} ami_snapshot;

#endif
