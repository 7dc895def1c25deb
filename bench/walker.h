/* The control step of one walking humanoid, cut into its parts with the clock read between them.
 *
 * It is amb_controller_step (policy/controller.h) taken apart into the calls it is made of, with the critic and DeepPhase beside it; that
 * it still takes the body to the same states, bit for bit, is checked (bench_walker_check). The actor's normaliser is taken out of the
 * network and run by itself, with the same bits in the action. */
#ifndef AMB_BENCH_WALKER_H
#define AMB_BENCH_WALKER_H

#include "policy/controller.h"

typedef enum bench_part {
    BENCH_OBSERVE,   /* read the body's state, 197 numbers of it */
    BENCH_NORMALISE, /* the actor's */
    BENCH_ACTOR,
    BENCH_CRITIC,    /* its normalising included */
    BENCH_ACTION,    /* the reference's pose for t + dt + look-ahead, turned by the action: the PD target */
    BENCH_PHYSICS,   /* the physics steps and their kinematics */
    BENCH_REFERENCE, /* the reference's clock and place */
    BENCH_PHASE,     /* the body's points, 132 numbers of them, and DeepPhase */
    BENCH_REWARD,    /* the reference's kinematics and the reward; only training and evaluation need it */
    BENCH_PARTS
} bench_part;

extern const char *const bench_part_name[BENCH_PARTS];

typedef struct bench_walker_def {
    const char *actor, *critic; /* files, or names among amble's models */
    const char *motion;         /* NULL: the actor's own */
    const char *clips;          /* folder, NULL: see amb_clip_find */
    uint64_t seed;
} bench_walker_def;

typedef struct bench_walker {
    amb_policy policy;
    amb_model *bare; /* the actor without its normaliser */
    amb_model *critic, *phase;
    float *mean, *inv_std, clip; /* the actor's normaliser; NULL: none */
    char phase_source[256];      /* where DeepPhase's weights come from */
    amb_character *character;
    amb_clip *clip_;
    amb_env env;
    void *workspace;
    float obs[AMB_OBS_MAX], scaled[AMB_OBS_MAX], action[AMB_ACTION], phase_in[132 /* AMB_PHASE_FEATURES */];
    float value, phase_out[2]; /* what critic and DeepPhase said last */
    int resets;                /* times the body fell or the episode was over */
} bench_walker;

/* Loads everything and starts the body. False and a sentence on error. */
bool bench_walker_init(bench_walker *walker, const bench_walker_def *def, amb_error *err);
void bench_walker_free(bench_walker *walker);

/* Takes `steps` steps beside amb_controller_step from the same start; false and a sentence where they part. */
bool bench_walker_check(bench_walker *walker, int steps, amb_error *err);

/* One step; part gets each part's time in s. Returns the whole step's, the clock's readings between the parts included. A body that fell
 * is put back on its feet after the time was taken. No allocation. */
double bench_walker_step(bench_walker *walker, double part[BENCH_PARTS]);

#endif
