/* A session's state and internal functions, for session.c (steps), command.c, transition.c (changes of the
 * skill), style.c (invented motions), history.c and save.c. */
#ifndef AMI_SESSION_INTERNAL_H
#define AMI_SESSION_INTERNAL_H

#include "session/session.h"

enum { AMI_MEMBER_STATE = 7 + AMI_ACTION + AMI_VEL };

/* A member's state besides its environment, as stored in the history. */
typedef struct member_facts {
    int64_t up_since;    /* step of the start or of the last time it got up */
    int64_t down_since;  /* step of the fall, -1: not fallen */
    bool fell;           /* at least once since the session's start */
    int stage, face;     /* ami_stage; AMI_FACE_..., unless UP */
    int64_t stage_since; /* step of the stage's beginning */
    double reward_total;
    bool brakes; /* the generator was slowed down for a skill; it is to return to `fast` */
    ami_latent fast;
} member_facts;

typedef struct member {
    ami_env env;
    member_facts facts;
    ami_reward reward;
    int64_t falls, lifts, restarts; /* so far */
    int64_t rises, stood;
    bool jumped;                       /* the last change was a reset or the like, not motion */
    double before[AMI_POSE];           /* pose at the step's beginning */
    double reference_before[AMI_POSE]; /* the reference's pose at the step's beginning */
    double frozen[AMI_MEMBER_STATE];   /* qpos, qvel at the first fall */
} member;

typedef struct moment {
    int64_t step; /* -1: empty */
    int skill, before_skill, style_skill;
    double pace, left;
} moment;

struct ami_session {
    ami_session_def def;
    member *member;          /* (characters) */
    int skill, before_skill; /* before_skill: the skill to return to after a motion that ends */
    int style_skill;         /* the last skill that invented motions, -1: none; its generators are in the
                                history */
    bool style_requested;    /* by a command: a restart keeps this style instead of the plan's */
    ami_phase body_phase;    /* of the followed character */
    int requested;           /* the skill to change to as soon as possible, -1: none */
    int64_t requested_since;
    int cycles;    /* of the requested skill; 0: as it is meant */
    double left;   /* s until the current motion ends; infinite: it does not */
    member trial;  /* a second body for simulating ahead, which leaves the real one unchanged */
    void *scratch; /* saved state of an environment */
    int skills;
    ami_skill *known[AMI_SKILLS];
    int64_t step, oldest, newest, jumps, pushes;
    uint64_t commands;
    int64_t endings; /* ends of motions that do not loop, so far */
    double dt, turn_rate, pace;
    double heading; /* rad, requested; NaN: none */
    bool entered;
    int follow;
    double value, step_us, physics_us;
    double velocity[2]; /* of the followed character's root, smoothed, m/s */
    ami_command pull;   /* the current pull; kind AMI_DO_NOTHING: none */
    double pull_from[3];
    double push[3];
    int64_t push_step; /* -1: never */
    int push_character;

    int moments;        /* in the ring */
    size_t record_size; /* bytes of one member's record: environment, generator, facts */
    size_t style_at;    /* offset of its generator */
    size_t facts_at;    /* offset of its facts */
    moment *moment;     /* (moments) */
    char *record;       /* (moments, characters, record_size) */
};

/* History (history.c). keep: records the current step; go: goes to `step` or to the oldest one after it;
 * forget: clears the history. */
bool ami_history_init(ami_session *s, ami_error *err);
void ami_history_free(ami_session *s);
void ami_history_keep(ami_session *s);
void ami_history_go(ami_session *s, int64_t step);
void ami_history_forget(ami_session *s);

/* Measures the critic's value and the body's phase for the followed character. */
void ami_measure(ami_session *s);

/* Changes to a skill: now or, if that would end in a fall, later. cycles: of it; 0: as it is meant. */
void ami_enter(ami_session *s, int number, int cycles);
void ami_enter_if_good(ami_session *s);

/* After a step: when the motion ends, changes to what follows it. */
void ami_end_motion(ami_session *s);

/* Changes the reference of one character that stands to the session's motion, at the phase with the number
 * `attempt` in the order of the distances of their poses; the character's state does not change. False: not
 * there, because it would fall; with `anyway` always true. */
bool ami_enter_alone(ami_session *s, int character, int attempt, bool anyway);

/* Getting up (recover.c). ami_recover: after a step, for all characters. begin: the character has fallen. end:
 * it is put on its feet, and follows the session's motion. target: of a FALLEN body's PD controllers. */
bool ami_recovers(const ami_session *s);
void ami_recover(ami_session *s);
void ami_recover_begin(ami_session *s, int character);
void ami_recover_end(ami_session *s, int character);
void ami_recover_target(const ami_session *s, const member *m, double target[AMI_POSE]);
/* The skill that decides for a character: the session's, unless it gets up. */
const ami_skill *ami_member_skill(const ami_session *s, const member *m);

/* Styles (style.c); without effect if no motions are invented. step: call it before the member's actor
 * runs. */
void ami_style_step(ami_session *s, int character);
/* Before a step: requests the skills and styles of the plan that are due, unless a command has chosen a style. */
void ami_style_follow_plan(ami_session *s);
void ami_style_restart(ami_session *s, int character); /* call it before the environment's reset */
void ami_style_choose(ami_session *s, const ami_command *command);
void ami_style_pace(ami_session *s, double pace);
void ami_style_speed(ami_session *s, double speed);
void ami_style_gain(ami_session *s, double gain);
/* Slows the generator down for a skill that the body could not enter; ends that, and begins the transition to the
 * requested style in after_s s. */
void ami_style_brake(ami_session *s, int character);
void ami_style_end_brake(ami_session *s, int character, double after_s);
void ami_style_release_heading(ami_session *s); /* a command steers instead of the plan */
void ami_style_measure(ami_session *s);
void ami_style_look(const ami_session *s, ami_snapshot *out);
/* Moves the generators from a skill to the one that replaces it. */
void ami_style_hand_over(ami_skill *from, ami_skill *to);
/* For the history: ami_generator_save_size bytes. */
void ami_style_save(const ami_session *s, int character, void *data);
void ami_style_load(ami_session *s, int character, const void *data);

/* The definition of a member's environment with a skill. */
ami_env_def ami_member_def(const ami_session *s, const ami_skill *skill, int character);
/* Sets a skill's definition in a running environment without changing its state. */
void ami_member_use(ami_session *s, member *m, int character, const ami_skill *skill);
void ami_member_reset_here(ami_session *s, member *m);
void ami_member_start(ami_session *s, member *m);
void ami_member_refresh(member *m); /* updates the reference's state after its clock was set */

#endif
