/* The inside of a generator, for the files that implement it: generator.c, generator_plan.c,
 * generator_save.c. */
#ifndef AMI_POLICY_GENERATOR_STATE_H
#define AMI_POLICY_GENERATOR_STATE_H

#include "policy/generator.h"

/* s: the time over which the body's lag is averaged. */
#define AMI_LAG_S 2.0

/* The path of the latent from one style to the next: straight, or a quadratic Bézier curve with control point
 * `middle`. Afterwards the latent stays at `to`. */
typedef struct ami_transition {
    ami_latent from, to, middle;
    bool has_middle;
    double begun, duration; /* s */
} ami_transition;

/* The generator's state without its motions. */
typedef struct ami_generator_state {
    ami_rng rng; /* of the plan's drawn styles, and of when they change */

    /* The plan (follow_plan, begin_plan) and interactive overrides (ami_generator_request, …_set_pace, …) */
    ami_transition transition;
    double heading, speed, pace; /* requested; heading NaN: none, speed 0: the style's */
    int moment;                  /* index of the next moment of a fixed plan */
    double changed, next_change; /* s, changes of drawn styles; changed 0: none yet */
    ami_latent before;           /* of drawn styles: the one before transition.to */
    bool change_again;           /* the next change of drawn styles is to `again`, … */
    ami_latent again;            /* … to which the body fell in the transition from `before` */

    /* Making motions (work, make_now, change) */
    int current;      /* index of the motion that is followed */
    bool busy;        /* a motion has begun that is not followed yet */
    int stage;        /* nominal: of that motion, which decides when it is followed */
    ami_latent tried; /* the last latent of which a motion was begun */
    double begun;     /* s, when the last motion was begun */
    double entered;   /* s, when the reference changed to the current motion */
    ami_generator_counts counts;

    /* The clock (phase_pull) */
    double lag, lag_seen_s; /* cycles; s, time over which lag has been averaged */
} ami_generator_state;

struct ami_generator {
    ami_generator_def def; /* phase_gain may be set while it runs */
    ami_clip *clip[2];
    ami_cycle cycle[2];
    ami_generator_state s;

    /* Work on the motion that is not followed yet, in the other buffer. Results do not depend on how much of
     * it is done when: it is not saved. */
    ami_cycle_task *task;
    bool started;        /* of cycle[1 - s.current]; maybe before the motion's beginning */
    int begins;          /* environment's step in which it is expected to begin */
    ami_refusal refusal; /* of what is done */
    bool worked;         /* in the last step */
};

/* The latent at this time of its transition. */
ami_latent ami_generator_latent_at(const ami_generator *g, double now);

/* Begins a transition to this latent. */
void ami_generator_glide(ami_generator *g, const ami_latent *latent, double now);

/* Begins the transitions that the plan, or chance, has for this time. */
void ami_generator_follow_plan(ami_generator *g, double now);

/* When it has the next one, s; infinite: never. */
double ami_generator_next_change(const ami_generator *g);

/* Restarts the plan without a transition to its first style. Again: with the style that was requested last
 * instead of a drawn one. */
void ami_generator_begin_plan(ami_generator *g, bool again);

#endif
