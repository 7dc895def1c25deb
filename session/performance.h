/* Rollouts of characters that follow a style schedule with skills: a session a character, and results as those of
 * policy/rollout.h. Who falls is not simulated any more; its reward is 0 for the rest of the time. */
#ifndef AMI_SESSION_PERFORMANCE_H
#define AMI_SESSION_PERFORMANCE_H

#include "policy/rollout.h"
#include "session/session.h"

typedef struct ami_performance_def {
    ami_session_def
        session; /* of each character; the first skill invents motions, the others are those of the plan */
    const ami_generator_def *generator; /* its plan is followed */
    int characters;
    double seconds;
    uint64_t seed;
    bool record;                                      /* keep character 0's poses */
    void (*progress)(void *context, double fraction); /* NULL; by one thread at a time */
    void *context;
} ami_performance_def;

/* The result has no times of steps and no counts of motions. False and a sentence on error. */
AMI_MUST_CHECK bool ami_performance_run(const ami_performance_def *def, ami_rollout_result *result,
                                        ami_error *err);

#endif
