/* What session.c (stepping), session_do.c (commands), session_enter.c (skills), session_style.c (invented
 * motions) and session_past.c (history) share. */
#ifndef AMB_SESSION_INTERNAL_H
#define AMB_SESSION_INTERNAL_H

#include "session/session.h"

enum { AMB_MEMBER_STATE = 7 + AMB_ACTION + AMB_VEL };

/* What a member is beside its environment; goes into the history as it is. */
typedef struct member_facts {
    int64_t up_since;   /* step */
    int64_t down_since; /* step of the fall, -1 while up */
    bool fell;          /* ever, since the session's start */
    double reward_total;
} member_facts;

typedef struct member {
    amb_env env;
    member_facts facts;
    amb_reward reward;
    bool jumped;             /* the last change was no motion */
    double before[AMB_POSE]; /* pose and reference at the step's beginning */
    double reference_before[AMB_POSE];
    double frozen[AMB_MEMBER_STATE]; /* qpos, qvel at the first fall */
} member;

typedef struct moment {
    int64_t step; /* -1: nothing kept here */
    int skill, before_skill, style_skill;
    double pace;
} moment;

struct amb_session {
    amb_session_def def;
    member *member;          /* (characters) */
    int skill, before_skill; /* before_skill: to go back to after one that ends */
    int style_skill;         /* the last one that invented motions, -1: none yet; its generators are part of
                                the history */
    bool wished;             /* somebody has chosen a style: a restart does not go back to the plan's */
    amb_phase body_phase;    /* of the followed character */
    int wanted;              /* the skill to change to at the next good moment, -1: none */
    int64_t wanted_since;
    member trial;  /* a body for looking ahead, so that nothing of the real one changes, its contacts
                      included */
    void *scratch; /* an environment's state */
    int skills;
    amb_skill *known[AMB_SKILLS];
    int64_t step, oldest, newest, jumps, pushes;
    uint64_t commands;
    double dt, turn_rate, pace;
    bool entered;
    int follow;
    double value, step_us, physics_us;
    double velocity[2]; /* of the followed character's root, smoothed, m/s */
    amb_command pull;   /* kind AMB_DO_PULL while one is on */
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
bool amb_past_init(amb_session *s, amb_error *err);
void amb_past_free(amb_session *s);
void amb_past_keep(amb_session *s);
void amb_past_go(amb_session *s, int64_t step);
void amb_past_forget(amb_session *s);

/* entering a skill: now or, where that would end in a fall, soon */
void amb_enter(amb_session *s, int number);
void amb_enter_if_good(amb_session *s);

/* styles (session_style.c); they do nothing where nothing is invented. step: before the member decides */
void amb_style_step(amb_session *s, int character);
void amb_style_restart(amb_session *s, int character); /* before the environment is reset */
void amb_style_choose(amb_session *s, const amb_command *command);
void amb_style_pace(amb_session *s, double pace);
void amb_style_speed(amb_session *s, double speed);
void amb_style_gain(amb_session *s, double gain);
void amb_style_let_go(amb_session *s); /* somebody steers */
void amb_style_measure(amb_session *s);
void amb_style_look(const amb_session *s, amb_snapshot *out);
/* from a skill to its successor */
void amb_style_hand_over(amb_skill *from, amb_skill *to);
/* for the history: amb_generator_save_size bytes */
void amb_style_save(const amb_session *s, int character, void *data);
void amb_style_load(amb_session *s, int character, const void *data);

/* Definition of one member's environment under a skill. */
amb_env_def amb_member_def(const amb_session *s, const amb_skill *skill, int character);
/* Puts a skill's demands into a running environment, without touching its state. */
void amb_member_use(amb_session *s, member *m, int character, const amb_skill *skill);
void amb_member_reset_here(amb_session *s, member *m);
void amb_member_start(amb_session *s, member *m);
void amb_member_refresh(member *m); /* the reference's state, after its clock was set */

#endif
