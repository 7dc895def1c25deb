/* The control step of one humanoid in its parts, with the clock read between them. It follows a clip or
 * invented motions.
 *
 * It is ami_generator_step (policy/generator.h) and ami_controller_step (policy/controller.h), the latter as
 * its separate calls, with the critic and DeepPhase in addition. bench_walker_check checks that it reaches
 * the same states, bit for bit. The actor's normaliser is taken out of the network and run by itself, with
 * the same bits in the action. */
#ifndef AMI_BENCH_WALKER_H
#define AMI_BENCH_WALKER_H

#include "policy/controller.h"
#include "policy/followed.h"

typedef enum bench_part {
    BENCH_OBSERVE,   /* make the observation: 197 numbers of the body's state; for an actor with a goal 49
                        more of the reference */
    BENCH_NORMALISE, /* the actor's */
    BENCH_ACTOR,
    BENCH_CRITIC,     /* including its normaliser */
    BENCH_ACTION,     /* the reference's pose for t + dt + look-ahead, turned by the action: the PD target */
    BENCH_PHYSICS,    /* the physics steps and their kinematics */
    BENCH_REFERENCE,  /* the reference's time and position; for an actor with a goal its kinematics, too */
    BENCH_PHASE,      /* the body's points, 132 numbers of them, and DeepPhase. Not run where the generator
                         does it itself. */
    BENCH_GENERATION, /* ami_generator_step; not where a clip is followed */
    BENCH_REWARD,     /* the reward and, for an actor without a goal, the reference's kinematics; only
                         training and evaluation need it */
    BENCH_PARTS
} bench_part;

extern const char *const bench_part_name[BENCH_PARTS];

typedef struct bench_walker_def {
    const char *actor;  /* a file, or a name among amble's models */
    const char *critic; /* the same; NULL: the one that lies beside the actor, else walk's */
    const char *motion; /* NULL: the style's, else the actor's own */
    const ami_style_request *style;
    const char *clips;          /* folder, NULL: see ami_clip_find */
    const ami_model_def *model; /* how the actor is packed; NULL: ami_model_default_def */
    uint64_t seed;
} bench_walker_def;

typedef struct bench_walker {
    ami_policy policy;
    char actor_path[4096];
    ami_model *bare; /* the actor without its normaliser */
    ami_model *critic, *own_phase;
    const ami_model *phase;      /* the generator's, or own_phase */
    float *mean, *inv_std, clip; /* the actor's normaliser; NULL: none */
    char phase_source[256];      /* where DeepPhase's weights come from */
    ami_character *character;
    ami_followed followed;
    ami_generator *generator;             /* NULL: a clip is followed */
    ami_cycle_workspace *cycle_workspace; /* the generator's */
    ami_env env;
    void *workspace;
    float obs[AMI_OBS_MAX], scaled[AMI_OBS_MAX], action[AMI_ACTION], phase_in[132 /* AMI_PHASE_FEATURES */];
    float value, phase_out[2];   /* last outputs of critic and DeepPhase */
    int resets;                  /* times the body fell or the episode was over */
    bool making;                 /* the generator worked on a motion in the last step */
    ami_generator_counts counts; /* in steps; the user may set them to zero */
} bench_walker;

/* Loads everything and starts the body. False and a sentence on error. */
bool bench_walker_init(bench_walker *walker, const bench_walker_def *def, ami_error *err);
void bench_walker_free(bench_walker *walker);

/* Whether a step has this part. */
bool bench_walker_has(const bench_walker *walker, bench_part part);

/* Number of clock readings in a step. */
int bench_walker_readings(const bench_walker *walker);

/* Takes `steps` steps, fewer where the body falls, beside ami_generator_step and ami_controller_step from the
 * same start; false and a sentence where they diverge. */
bool bench_walker_check(bench_walker *walker, int steps, ami_error *err);

/* One step; part gets each part's time in s. Returns the whole step's, the clock's readings between the parts
 * included. A body that fell is put back on its feet, with another drawn style, after the time was taken. No
 * allocation. */
double bench_walker_step(bench_walker *walker, double part[BENCH_PARTS]);

#endif
