/* A session: N characters, their skill, commands, and a history of the last seconds for stepping back. It has
 * no threads, clock or drawing: the viewer's thread (session/clock_thread.h) and the film maker step it and
 * get the same bits.
 *
 * Without commands, every character's states are bit-equal to those of `amble rollout` with the same
 * definition and seed. A character that falls goes limp, lies for a while, and then restarts its motion where
 * it lies; or, with `get_up` of the definition, gets up by physics and goes on (recover.c). The session's hash
 * uses its state at the first fall, where a rollout stops simulating it.
 *
 * A step allocates nothing. The OpenMP team of the calling thread divides the characters. */
#ifndef AMI_SESSION_SESSION_H
#define AMI_SESSION_SESSION_H

#include "policy/get_up.h"
#include "session/snapshot.h"

enum { AMI_SESSION_TRIES = 10, AMI_SESSION_TRIES_A_STEP = 3 };

typedef struct ami_session_def {
    ami_env_def env;              /* clip, action mode, substeps, look-ahead and may_touch are replaced by the
                                     skill's; episode_s is not used */
    ami_skill *skill[AMI_SKILLS]; /* it begins with the first; not owned */
    int skills, characters;
    double history_s;   /* s of history for stepping back (20) */
    double get_up_s;    /* s a fallen character lies until it restarts its motion (1.5); negative: for ever */
    int64_t step_limit; /* max steps; 0: no limit */
    int entry_tries;    /* phases of a new skill's clip from which the motion is simulated ahead to choose one
                           (10); 0: takes the phase of the nearest pose without simulation */
    int entry_per_step; /* number of them that are simulated in a control step (3); 0: all in one step, every third
                           step, and the best is chosen */
    bool
        entry_by_value; /* chooses them by the critic of the new skill, if it has one, instead of by the pose */
    bool styles_tried; /* simulates ahead also before a change from a clip to invented motions; else these
                           begin at once */
    /* A fallen character gets up by physics, with these two skills (policy/get_up.h; not owned), and then
     * enters what is requested. get_up_s is not used. NULL (default): it does not. */
    ami_skill *get_up[AMI_FACES];
    bool unmeasured; /* do not measure the critic's value and the body's phase after every step */
} ami_session_def;

typedef struct ami_session ami_session;

/* 20 s of history, gets up after 1.5 s, no limit, 10 tries. */
ami_session_def ami_session_default_def(const ami_env_def *env, ami_skill *first, int characters);

ami_session *ami_session_create(const ami_session_def *def, ami_error *err);
void ami_session_destroy(ami_session *session); /* NULL is fine */

/* One control step of all characters. False without a step if the limit is reached. */
bool ami_session_step(ami_session *session);

/* The same for `count` ≤ AMI_SKILL_GROUP sessions of one character each: sessions with the same actor network
 * (ami_skill_share) run it as a batch. The results are bit-equal to those of separate steps. */
void ami_session_step_together(ami_session *const *sessions, int count);

/* Applies a command. PAUSE and SPEED are for the caller's clock and are only counted here. Numbers out of
 * their range are clamped. */
void ami_session_apply(ami_session *session, const ami_command *command);

/* The same for callers that must not block: of a command of many steps at most one is simulated. Returns true
 * if steps remain; `command` then has the rest and must be applied again. It counts as done at its end. */
bool ami_session_apply_part(ami_session *session, ami_command *command);

/* Fills a snapshot of ami_session_snapshot_init, except paused, speed, real_time_factor and published. */
void ami_session_look(const ami_session *session, ami_snapshot *snapshot);
bool ami_session_snapshot_init(ami_snapshot *snapshot, int characters, ami_error *err);

int64_t ami_session_steps(const ami_session *session);

/* The current state of one character, without contacts and rewards. */
typedef struct ami_member_view {
    const double *before, *pose; /* (AMI_POSE) at the last step's beginning and end; equal after a jump */
    const double *vel;           /* (AMI_VEL) */
    double heading;              /* rad, of the reference */
    double phase;                /* [0, 1): DeepPhase's of an invented motion, else fraction of the clip */
    double velocity[2];          /* m/s, of the followed character's root, smoothed over half a second */
    bool down;                   /* has fallen and is not up again */
    ami_stage stage;
    int64_t falls, lifts, restarts; /* numbers of falls, of recoveries from them, and of unstable states */
    int64_t rises, stood;           /* number of times that it began to get up, and that it had got up and
                                       entered the requested motion */
    int64_t endings;                /* number of ends of motions that do not loop */
    int skill;                      /* the current one */
    int requested;                  /* the skill that will follow as soon as possible, or the current one */
    int before_skill;               /* the one to return to after a motion that ends */
    bool settled;                   /* the current skill and style are the requested ones */
    const ami_reward *reward;       /* of the last step */
    const char *failure;            /* MuJoCo's first error; empty: none */
} ami_member_view;
void ami_session_view(const ami_session *session, int character, ami_member_view *view);

/* Saves the session without its history as ami_session_save_size bytes of plain data, for bit-equal
 * continuation. Load into a session with the same definition and skills; its history is cleared. False and a
 * sentence if the state is not valid for this session, which is then unchanged, or if a motion cannot be made
 * any more; then the session must be loaded again before use. */
size_t ami_session_save_size(const ami_session *session);
void ami_session_save(const ami_session *session, void *data);
AMI_MUST_CHECK bool ami_session_load(ami_session *session, const void *data, ami_error *err);

/* MuJoCo's first error in a step, of the first character that had one; NULL: none. */
const char *ami_session_failure(const ami_session *session);
double ami_session_dt(const ami_session *session);
uint64_t ami_session_hash(const ami_session *session); /* of the states, as ami_rollout_result.hash */

#endif
