/* The reference generator: invents the motion that a character follows, while it follows it.
 *
 * A plan (policy/style_plan.h) says which style is wanted when. The latent goes from one style to the next
 * within glide_s, or longer where a body could not brake or speed up or change its rhythm that fast. Where
 * their speeds differ more than fivefold it does not go straight, through creeping runs that no body can do,
 * but in a curve (a quadratic Bézier one) towards the named style whose speed is between them, as one gets
 * from creeping to running by walking. Every every_s on the way, and at its end, a new cycle is made from it
 * (policy/cycle.h), a stage or more a control step, in the buffer that is not followed. When it is done the
 * reference goes on with it at the same phase, DeepPhase's, so that the feet keep their rhythm, and pose and
 * velocity stay continuous (ami_reference_change). A latent that gives no usable motion is counted and left
 * out: the last good motion goes on.
 *
 * Clock. The reference runs at rate = wanted · (1 + pull). Wanted is 1, or what the plan's pace or speed
 * says. The pull is a phase-locked loop: DeepPhase sees the simulated body, Δ is how far it is ahead of the
 * reference in cycles, A its amplitude (at most 1),
 *   pull = clamp(phase_gain · A · (Δ - lag), ±.25),
 * where lag is the mean of Δ over some 2 s, because a body under PD control is always a little late and
 * should not be waited for. A disturbance of the phase dies away with the time constant period / phase_gain.
 * The rate changes by at most 1.5 a second. On the way from one style to another there is no pull, and lag is
 * found anew behind it: every style is late by an amount of its own.
 *
 * Deterministic: a seed and the environment's steps decide everything, time does not (the budget counts
 * nominal costs). One thread at a time may use a generator. Nothing allocates after creation. */
#ifndef AMI_POLICY_GENERATOR_H
#define AMI_POLICY_GENERATOR_H

#include "policy/cycle.h"
#include "sim/env.h"

/* The rates at which a motion is still itself: references are played no slower and no faster, and DeepPhase
 * learns from frames that were played between them. A recorded motion goes up to AMI_PACE_MAX_CLIP only. */
#define AMI_PACE_MIN .7
#define AMI_PACE_MAX 1.4
#define AMI_PACE_MAX_CLIP 1.3

typedef struct ami_generator_def {
    const ami_motion_nets *nets;
    const ami_style_plan *plan;
    uint64_t seed, stream; /* of what is drawn; stream: the environment's number */
    double budget_us;      /* 150: nominal cost of the stages done in a control step; one is always done */
    double glide_s;        /* 1: s, from one style to the next, at least */
    double acceleration;   /* 1.2 m/s²: the way to a style of another speed takes as long as this needs, 3 s
                              at most */
    double blend_s;        /* .3: s, from one cycle to the next */
    double octave_s;       /* 1.2: s, in which a body's tempo may double or halve, at least; at most 3 s are
                              waited for that, too */
    double every_s;        /* .2: s, from one cycle to the next one on the way between two styles, at least */
    double phase_gain;     /* 0: off */
    double speed;          /* m/s wanted, as far as a rate of .7 to 1.4 makes it; 0: the style's own. The
                              plan's speeds replace it. */
    ami_motion_limits limits;
} ami_generator_def;

/* Since the creation. */
typedef struct ami_generator_counts {
    int64_t made;                  /* motions that were usable */
    int64_t refused[AMI_REFUSALS]; /* by reason */
    int64_t changes;               /* times that the reference went over to a new motion */
} ami_generator_counts;

typedef struct ami_generator ami_generator;

ami_generator_def ami_generator_default_def(const ami_motion_nets *nets, const ami_style_plan *plan);

/* Makes the first motion. NULL and a sentence where a number is out of range or the plan's first style (of
 * drawn ones: every style) gives no usable motion. */
ami_generator *ami_generator_create(const ami_generator_def *def, ami_cycle_room *room, ami_error *err);
void ami_generator_destroy(ami_generator *generator); /* NULL is fine */

/* Sets what an environment of this generator needs in its definition before ami_env_init: clip and rate. */
void ami_generator_use(const ami_generator *generator, ami_env_def *def);

/* The motion that is followed now. The pointer and what it points to change with the calls below. */
const ami_clip *ami_generator_clip(const ami_generator *generator);
const ami_cycle_facts *ami_generator_facts(const ami_generator *generator);
const ami_generator_counts *ami_generator_get_counts(const ami_generator *generator);

/* Whether a motion is begun and not done yet. */
bool ami_generator_is_making(const ami_generator *generator);

/* To be called before ami_env_reset: the plan begins anew (or another style is drawn) and its first motion is
 * made at once; the environment is told its clip and rate. */
void ami_generator_start(ami_generator *generator, ami_cycle_room *room, ami_env *env);

/* The same with other random numbers: the generator becomes what ami_generator_create makes with this seed
 * and stream. False and a sentence as there. */
bool ami_generator_start_seeded(ami_generator *generator, ami_cycle_room *room, ami_env *env, uint64_t seed,
                                uint64_t stream, ami_error *err);

/* The same where a plan that draws styles has been followed up to the environment's time, but not with a new
 * one: with the style that was wanted last, or, if it was wanted for less than 3 s, with the one before it,
 * and soon the same change again. */
void ami_generator_start_again(ami_generator *generator, ami_cycle_room *room, ami_env *env);

/* To be called before every observation. Reads the environment's time and state, changes its reference. */
void ami_generator_step(ami_generator *generator, ami_cycle_room *room, ami_env *env);

/* ---- what somebody wants who plays with it: between steps, in place of what the plan says ---- */

/* A style, from now on; the plan's later ones are not followed any more. */
void ami_generator_want(ami_generator *generator, const ami_env *env, const ami_latent *latent);
/* The same with a style drawn from the plan's table, every other time a blend of two. */
void ami_generator_want_drawn(ami_generator *generator, const ami_env *env);
/* ami_generator_start with this style in place of the plan's; where it gives no usable motion, with the one
 * that is there. */
void ami_generator_start_with(ami_generator *generator, ami_cycle_room *room, ami_env *env,
                              const ami_latent *latent);

/* How fast motions are played, .7 to 1.4 (nearer ones are taken), whatever speed that makes; or the speed on
 * the ground, as ami_generator_def.speed. */
void ami_generator_set_pace(ami_generator *generator, double pace);
void ami_generator_set_speed(ami_generator *generator, double speed);
/* Leaves the reference's turn rate to others, where a plan asked for a heading. */
void ami_generator_let_go(ami_generator *generator);
void ami_generator_set_phase_gain(ami_generator *generator, double gain); /* not saved: as the definition */
double ami_generator_phase_gain(const ami_generator *generator);

/* The latent that the motion that is followed was made of, and for how long it has been followed, s: infinite
 * for an episode's first. */
const ami_latent *ami_generator_latent(const ami_generator *generator);
double ami_generator_followed_s(const ami_generator *generator, const ami_env *env);

/* Whether the motion that is followed is that of the latent that is wanted, and what was left of the motion
 * before has faded. */
bool ami_generator_settled(const ami_generator *generator, const ami_env *env);

/* The latent that is wanted, and at how many times its speed the motion is to be played, the phase's pull
 * left out. */
const ami_latent *ami_generator_wanted(const ami_generator *generator);
double ami_generator_rate(const ami_generator *generator);

/* DeepPhase's phase of the reference, [0, 1]; and what it measures on the body (false: its features are not
 * finite). */
double ami_generator_phase(const ami_generator *generator, const ami_env *env);
bool ami_generator_body_phase(const ami_generator *generator, ami_cycle_room *room, const ami_env *env,
                              ami_phase *phase);

/* For bit-equal continuation: ami_generator_save_size bytes (of every generator, also of NULL, the same) of
 * plain data; motions are kept as the latents they are made from. Load goes into a generator of the same
 * definition, before ami_env_load; false and a sentence where the networks make other motions of them. */
size_t ami_generator_save_size(const ami_generator *generator);
void ami_generator_save(const ami_generator *generator, void *data);
bool ami_generator_load(ami_generator *generator, ami_cycle_room *room, const void *data, ami_env *env,
                        ami_error *err);

#endif
