/* Characters that live on: they change styles, do skills, turn and are pushed for minutes, and get up when they
 * fall. Counts falls and how long each took.
 *
 * Each character is a session of its own (session.h) with random numbers of its own, so results depend on the
 * seed and a character's number, not on the number of characters or threads. */
#ifndef AMI_SESSION_LIFE_H
#define AMI_SESSION_LIFE_H

#include "session/session.h"

enum { AMI_LIFE_PUSHES = 2 };

/* Random pushes: on average every period_s s, which is drawn from half to one and a half of it, the root's
 * velocity changes in a random horizontal direction by min to max, m/s. */
typedef struct ami_life_push {
    double min, max, period_s; /* period 0: none */
} ami_life_push;

typedef struct ami_life_def {
    ami_session_def session; /* of each character. Its skills are shared (ami_skill_share), not changed. The
                                first one invents motions, or follows a loop */
    const ami_generator_def *generator; /* if the first skill invents motions: its plan says which. The seed
                                           is replaced */
    int characters;
    double seconds;
    uint64_t seed;
    double skill_every_s; /* on average; one of the session's other skills, drawn; one that loops is left
                             after 3 to 6 s. 0: none */
    double turn_every_s;  /* on average; to a heading drawn from the whole circle. 0: none */
    ami_life_push push[AMI_LIFE_PUSHES];
    bool record;                                      /* keep character 0's poses */
    void (*progress)(void *context, double fraction); /* NULL; by one thread at a time */
    void *context;
} ami_life_def;

/* What happened last before a fall, at most 3 s before. */
typedef enum ami_life_cause {
    AMI_LIFE_PUSH_0, /* a push of that kind */
    AMI_LIFE_PUSH_1,
    AMI_LIFE_SKILL, /* a skill began or ended */
    AMI_LIFE_STYLE, /* another style was requested */
    AMI_LIFE_ROSE,  /* it had just got up */
    AMI_LIFE_NOTHING,
    AMI_LIFE_CAUSES
} ami_life_cause;

typedef struct ami_life_result {
    int64_t steps;                      /* of all characters */
    int64_t falls, by[AMI_LIFE_CAUSES]; /* by: falls by what came before */
    int64_t resets;                     /* times that a character was lifted, or its state was unstable */
    int64_t pushes[AMI_LIFE_PUSHES], skills, styles, turns; /* skills: that began; styles: requested */
    /* Down: from the first contact with the floor that is not allowed, until the body has followed what is
     * requested for .5 s, with its bodies less than .5 m off on average. A fall in between belongs to the
     * same. */
    int64_t downs, still_down;                        /* still_down: at the end */
    double median_down_s, p95_down_s, longest_down_s; /* NaN without a fall; the last includes those still
                                                         down */
    double
        within_8_s; /* fraction of those that ended after at most 8 s; those that are younger at the end are
                          not counted. NaN: none */
    double down_fraction; /* of the time */
    double distance_m;    /* mean path length of a character, horizontal */
    uint64_t hash;        /* of the characters' last states */
    double wall_s;
    int frames;       /* if `record`: character 0's */
    double *pose, dt; /* (frames, AMI_POSE), every dt s */
} ami_life_result;

/* False and a sentence on error. */
AMI_MUST_CHECK bool ami_life_run(const ami_life_def *def, ami_life_result *result, ami_error *err);
void ami_life_result_free(ami_life_result *result);

const char *ami_life_cause_name(ami_life_cause cause); /* for JSON: "push", "hard_push", "skill", … */

#endif
