/* A session: N characters, their skill, what is being done to them, and the last seconds to step back
 * through. No threads, no clock, no drawing: the viewer's thread (session/clock_thread.h) and the film maker
 * step it, each in its own way, to the same bits.
 *
 * Untouched, every character's states are those of `amble rollout` with the same definition, seed for seed,
 * bit for bit. A character that falls goes limp, lies for a moment and takes its motion up again where it is;
 * the session's hash keeps the state at its first fall, which is where a rollout stops simulating it.
 *
 * A step allocates nothing. Characters are spread over the OpenMP team of the calling thread. */
#ifndef AMB_SESSION_SESSION_H
#define AMB_SESSION_SESSION_H

#include "policy/skill.h"
#include "session/snapshot.h"

typedef struct amb_session_def {
    amb_env_def env;              /* clip, action mode, substeps, look-ahead and may_touch are the skill's;
                                     episode_s is not used */
    amb_skill *skill[AMB_SKILLS]; /* the first one is what it begins with; the session does not own them */
    int skills, characters;
    double history_s;   /* s to keep for stepping back */
    double get_up_s;    /* s a fallen character lies before it takes its motion up again; negative: for
                           ever */
    int64_t step_limit; /* steps that amb_session_step will do; 0: no limit */
} amb_session_def;

typedef struct amb_session amb_session;

/* 20 s of history, gets up after 1.5 s, no limit. */
amb_session_def amb_session_default_def(const amb_env_def *env, amb_skill *first, int characters);

amb_session *amb_session_create(const amb_session_def *def, amb_error *err);
void amb_session_destroy(amb_session *session); /* NULL is fine */

/* One control step of everybody. False where the limit is reached; nothing happens then. */
bool amb_session_step(amb_session *session);

/* Applies a command. PAUSE and SPEED are the caller's clock's business and only counted here. A number that
 * is out of its bounds is taken to mean the nearest one in them. */
void amb_session_apply(amb_session *session, const amb_command *command);

/* The same for a caller that must not be kept waiting: many steps are one command, so at most one of them is
 * simulated here. True while more is to be done: what is left is then in `command`, which is to be given
 * again. It counts as done at its end. */
bool amb_session_apply_part(amb_session *session, amb_command *command);

/* Fills everything but paused, speed, real_time_factor, published; `snapshot` comes from
 * amb_session_snapshot_init. */
void amb_session_look(const amb_session *session, amb_snapshot *snapshot);
bool amb_session_snapshot_init(amb_snapshot *snapshot, int characters, amb_error *err);

int64_t amb_session_steps(const amb_session *session);

/* The first error that MuJoCo reported in a step, of the first character that had one; NULL: there was none.
 */
const char *amb_session_failure(const amb_session *session);
double amb_session_dt(const amb_session *session);
uint64_t amb_session_hash(const amb_session *session); /* of the states, as amb_rollout_result.hash */

#endif
