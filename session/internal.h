/* What session.c (stepping), command.c, transition.c (from skill to skill), style.c (invented motions) and
 * history.c share. */
#ifndef AMI_SESSION_INTERNAL_H
#define AMI_SESSION_INTERNAL_H

#include "session/session.h"

enum { AMI_MEMBER_STATE = 7 + AMI_ACTION + AMI_VEL };

/* What a member is beside its environment; goes into the history as it is. */
typedef struct member_facts {
    int64_t up_since;   /* step */
    int64_t down_since; /* step of the fall, -1 while up */
    bool fell;          /* ever, since the session's start */
    double reward_total;
} member_facts;

typedef struct member {
    ami_env env;
    member_facts facts;
    ami_reward reward;
    int64_t falls, lifts, restarts; /* so far */
    bool jumped;                    /* the last change was no motion */
    double before[AMI_POSE];        /* pose and reference at the step's beginning */
    double reference_before[AMI_POSE];
    double frozen[AMI_MEMBER_STATE]; /* qpos, qvel at the first fall */
} member;

typedef struct moment {
    int64_t step; /* -1: nothing kept here */
    int skill, before_skill, style_skill;
    double pace;
} moment;

struct ami_session {
    ami_session_def def;
    member *member;          /* (characters) */
    int skill, before_skill; /* before_skill: to go back to after one that ends */
    int style_skill;         /* the last one that invented motions, -1: none yet; its generators are part of
                                the history */
    bool wished;             /* somebody has chosen a style: a restart does not go back to the plan's */
    ami_phase body_phase;    /* of the followed character */
    int wanted;              /* the skill to change to at the next good moment, -1: none */
    int64_t wanted_since;
    member trial;  /* a body for looking ahead, so that nothing of the real one changes, its contacts
                      included */
    void *scratch; /* an environment's state */
    int skills;
    ami_skill *known[AMI_SKILLS];
    int64_t step, oldest, newest, jumps, pushes;
    uint64_t commands;
    int64_t endings; /* of motions that end, so far */
    double dt, turn_rate, pace;
    double heading; /* rad, to turn to; NaN: nowhere */
    bool entered;
    int follow;
    double value, step_us, physics_us;
    double velocity[2]; /* of the followed character's root, smoothed, m/s */
    ami_command pull;   /* kind AMI_DO_PULL while one is on */
    double pull_from[3];
    double push[3];
    int64_t push_step; /* -1: never */
    int push_character;

    int moments;        /* in the ring */
    size_t record_size; /* bytes of one member's record: its environment, */
    size_t style_at;    /* from here its generator, */
    size_t facts_at;    /* from here its facts */
    moment *moment;     /* (moments) */
    char *record;       /* (moments, characters, record_size) */
};

/* history: keeps the present; goes to `step`, or as near as there is; forgets everything. */
bool ami_past_init(ami_session *s, ami_error *err);
void ami_past_free(ami_session *s);
void ami_past_keep(ami_session *s);
void ami_past_go(ami_session *s, int64_t step);
void ami_past_forget(ami_session *s);

/* the critic's value and the body's phase, of the followed character */
void ami_measure(ami_session *s);

/* entering a skill: now or, where that would end in a fall, soon */
void ami_enter(ami_session *s, int number);
void ami_enter_if_good(ami_session *s);

/* styles (style.c); they do nothing where nothing is invented. step: before the member decides */
void ami_style_step(ami_session *s, int character);
void ami_style_restart(ami_session *s, int character); /* before the environment is reset */
void ami_style_choose(ami_session *s, const ami_command *command);
void ami_style_pace(ami_session *s, double pace);
void ami_style_speed(ami_session *s, double speed);
void ami_style_gain(ami_session *s, double gain);
void ami_style_let_go(ami_session *s); /* somebody steers */
void ami_style_measure(ami_session *s);
void ami_style_look(const ami_session *s, ami_snapshot *out);
/* from a skill to its successor */
void ami_style_hand_over(ami_skill *from, ami_skill *to);
/* for the history: ami_generator_save_size bytes */
void ami_style_save(const ami_session *s, int character, void *data);
void ami_style_load(ami_session *s, int character, const void *data);

/* Definition of one member's environment under a skill. */
ami_env_def ami_member_def(const ami_session *s, const ami_skill *skill, int character);
/* Puts a skill's demands into a running environment, without touching its state. */
void ami_member_use(ami_session *s, member *m, int character, const ami_skill *skill);
void ami_member_reset_here(ami_session *s, member *m);
void ami_member_start(ami_session *s, member *m);
void ami_member_refresh(member *m); /* the reference's state, after its clock was set */

#endif
