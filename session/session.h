/* A session: N characters, their skill, what is being done to them, and the last seconds to step back
 * through. No threads, no clock, no drawing: the viewer's thread (session/clock_thread.h) and the film maker
 * step it, each in its own way, to the same bits.
 *
 * Untouched, every character's states are those of `amble rollout` with the same definition, seed for seed,
 * bit for bit. A character that falls goes limp, lies for a moment and takes its motion up again where it is;
 * the session's hash keeps the state at its first fall, which is where a rollout stops simulating it.
 *
 * A step allocates nothing. Characters are spread over the OpenMP team of the calling thread. */
#ifndef AMI_SESSION_SESSION_H
#define AMI_SESSION_SESSION_H

#include "policy/skill.h"
#include "session/snapshot.h"

enum { AMI_SESSION_TRIES = 10 };

typedef struct ami_session_def {
    ami_env_def env;              /* clip, action mode, substeps, look-ahead and may_touch are the skill's;
                                     episode_s is not used */
    ami_skill *skill[AMI_SKILLS]; /* the first one is what it begins with; the session does not own them */
    int skills, characters;
    double history_s;   /* s to keep for stepping back */
    double get_up_s;    /* s a fallen character lies before it takes its motion up again; negative: for
                           ever */
    int64_t step_limit; /* steps that ami_session_step will do; 0: no limit */
    int entry_tries;    /* 10: phases of a motion that are simulated ahead to find the one to enter it at; 0:
                           the one with the nearest pose is taken, which costs nothing */
    bool styles_tried;  /* that is done, too, before invented motions take over from a clip; else they do at
                           once */
    bool unmeasured;    /* the critic's value and the body's phase are not measured after every step */
} ami_session_def;

typedef struct ami_session ami_session;

/* 20 s of history, gets up after 1.5 s, no limit, 10 tries. */
ami_session_def ami_session_default_def(const ami_env_def *env, ami_skill *first, int characters);

ami_session *ami_session_create(const ami_session_def *def, ami_error *err);
void ami_session_destroy(ami_session *session); /* NULL is fine */

/* One control step of everybody. False where the limit is reached; nothing happens then. */
bool ami_session_step(ami_session *session);

/* The same for `count` sessions of one character each, at most AMI_SKILL_GROUP, at once: those whose actor is
 * the same network (ami_skill_share) run it together. Each goes on as it does alone, to the bit. */
void ami_session_step_together(ami_session *const *sessions, int count);

/* Applies a command. PAUSE and SPEED are the caller's clock's business and only counted here. A number that
 * is out of its bounds is taken to mean the nearest one in them. */
void ami_session_apply(ami_session *session, const ami_command *command);

/* The same for a caller that must not be kept waiting: many steps are one command, so at most one of them is
 * simulated here. True while more is to be done: what is left is then in `command`, which is to be given
 * again. It counts as done at its end. */
bool ami_session_apply_part(ami_session *session, ami_command *command);

/* Fills everything but paused, speed, real_time_factor, published; `snapshot` comes from
 * ami_session_snapshot_init. */
void ami_session_look(const ami_session *session, ami_snapshot *snapshot);
bool ami_session_snapshot_init(ami_snapshot *snapshot, int characters, ami_error *err);

int64_t ami_session_steps(const ami_session *session);

/* One character as it is now: for who needs neither contacts nor rewards. */
typedef struct ami_member_view {
    const double *before, *pose; /* (AMI_POSE) at the last step's beginning and end; the same where it
                                    jumped */
    const double *vel;           /* (AMI_VEL) */
    double heading;              /* rad, of the reference */
    double phase;                /* [0, 1): DeepPhase's of an invented motion, else the share of the clip */
    double velocity[2];          /* m/s, of the followed character's root, smoothed over half a second */
    bool down;                   /* has fallen and is not up again */
    int64_t falls, lifts, restarts; /* so far: how often it fell, was put up again, flew apart */
    int64_t endings;                /* and how often a motion that ends was at its end */
    int skill;                      /* that is followed, */
    int wanted;                     /* the one that is to come, or the same */
    int before_skill;               /* the one to go back to after one that ends */
    bool settled;                   /* what is followed is what is wanted: skill and style */
    const char *failure;            /* the first error of MuJoCo's; empty: none */
} ami_member_view;
void ami_session_view(const ami_session *session, int character, ami_member_view *view);

/* Everything that decides how the session goes on, as ami_session_save_size bytes of plain data, without the
 * history; and back, into a session of the same definition and the same skills: bit-equal continuation, and a
 * history that begins anew. False and a sentence where no such session can be in that state: nothing has
 * changed then, or, where a motion cannot be made any more, the session must be loaded again. */
size_t ami_session_save_size(const ami_session *session);
void ami_session_save(const ami_session *session, void *data);
AMI_MUST_CHECK bool ami_session_load(ami_session *session, const void *data, ami_error *err);

/* The first error that MuJoCo reported in a step, of the first character that had one; NULL: there was none.
 */
const char *ami_session_failure(const ami_session *session);
double ami_session_dt(const ami_session *session);
uint64_t ami_session_hash(const ami_session *session); /* of the states, as ami_rollout_result.hash */

#endif
