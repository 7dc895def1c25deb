/* The reference generator: makes the motion that a character follows while the character follows it (an
 * "invented" motion).
 *
 * Transitions. A plan (policy/style_plan.h) is a sequence of styles. The latent moves from one style to the
 * next in glide_s, or longer where the body needs more time to accelerate, to brake or to change its tempo.
 * If the speeds of the two styles differ by more than a factor of 5, the straight line would lead through
 * motions that no body can do; instead the latent follows a quadratic Bézier curve towards the named style
 * whose speed is in the middle, such as walking between creeping and running.
 *
 * Motions. Every every_s during a transition, and at its end, a new cycle is made from the latent
 * (policy/cycle.h) in the unused one of two buffers. The reference changes to it as many control steps later
 * as its stages would take within the budget (usually one), at the same DeepPhase phase, so that the rhythm
 * of the feet is kept; pose and velocity are continuous (ami_reference_change). A latent without a usable
 * motion is then counted and skipped; the last usable motion goes on.
 *
 * No slow step. When the next motion begins, and from which latent, is known before, unless a request comes:
 * so it is worked on from two steps earlier on, and every step until it is followed does an even part of what
 * is left. Usually that is a quarter, about 75 µs; after a request a third. Only when work is done depends on
 * this, never what is followed when: a step after ami_generator_load may have to do all of it.
 *
 * Clock. The reference runs at rate = requested · (1 + pull). The requested rate is 1 or follows from the
 * plan's pace or speed. The pull is a phase-locked loop,
 *   pull = clamp(phase_gain · A · (Δ - lag), ±.25),
 * where DeepPhase measures on the simulated body its lead Δ over the reference in cycles and its amplitude A
 * (at most 1), and lag is the mean of Δ over about 2 s: a body under PD control is always a little late,
 * which the loop should not correct. A phase disturbance decays with the time constant period / phase_gain.
 * The rate changes by at most 1.5 per second. During a transition there is no pull, and afterwards lag is
 * measured again, because it depends on the style.
 *
 * Deterministic: depends only on the seed and the environment's steps, not on time (the budget counts nominal
 * costs). Only one thread at a time may use a generator. Nothing allocates after creation. */
#ifndef AMI_POLICY_GENERATOR_H
#define AMI_POLICY_GENERATOR_H

#include "policy/cycle.h"
#include "sim/env.h"

/* The range of rates at which a motion still looks natural. References are played within it, and DeepPhase is
 * trained with frames played within it. For recorded clips the max is AMI_PACE_MAX_CLIP. */
#define AMI_PACE_MIN .7
#define AMI_PACE_MAX 1.4
#define AMI_PACE_MAX_CLIP 1.3

typedef struct ami_generator_def {
    const ami_motion_nets *nets;
    const ami_style_plan *plan;
    uint64_t seed, stream; /* of the random numbers; stream: index of the environment */
    double budget_us;      /* µs (150): max nominal cost of stages in a control step, one at least: when a
                              motion that has begun is followed */
    double glide_s;        /* s (1): min duration of a transition */
    double acceleration;   /* m/s² (1.2): max change of speed in a transition, which lasts 3 s at most */
    double octave_s;       /* s (1.2): min time to double or halve the tempo; the max of 3 s applies, too */
    double blend_s;        /* s (.3): blend from one cycle to the next */
    double every_s;        /* s (.2): min time between cycles during a transition */
    double phase_gain;     /* (0: off) */
    double speed;          /* m/s (0: the style's own): requested speed, reached as far as rates of .7 to 1.4
                              allow; the plan's speeds replace it */
    ami_motion_limits limits;
} ami_generator_def;

/* Counts since the creation. */
typedef struct ami_generator_counts {
    int64_t made;                  /* usable motions */
    int64_t refused[AMI_REFUSALS]; /* unusable motions by reason */
    int64_t changes;               /* changes of the reference to a new motion */
} ami_generator_counts;

typedef struct ami_generator ami_generator;

ami_generator_def ami_generator_default_def(const ami_motion_nets *nets, const ami_style_plan *plan);

/* Makes the first motion. NULL and a sentence if a number is out of range or the plan's first style (if
 * styles are drawn: every style) gives no usable motion. */
ami_generator *ami_generator_create(const ami_generator_def *def, ami_cycle_workspace *workspace,
                                    ami_error *err);
void ami_generator_destroy(ami_generator *generator); /* NULL is fine */

/* Sets clip and rate in the definition of an environment that follows this generator, before ami_env_init. */
void ami_generator_use(const ami_generator *generator, ami_env_def *def);

/* The current motion. The pointers and their targets change with the calls below. */
const ami_clip *ami_generator_clip(const ami_generator *generator);
const ami_cycle_facts *ami_generator_facts(const ami_generator *generator);
const ami_generator_counts *ami_generator_get_counts(const ami_generator *generator);

/* The plan of the definition. */
const ami_style_plan *ami_generator_plan(const ami_generator *generator);

/* Whether a motion has begun that is not followed yet. */
bool ami_generator_is_making(const ami_generator *generator);

/* Whether the last step worked on a motion, which may not have begun yet. */
bool ami_generator_worked(const ami_generator *generator);

/* Restarts the plan (or draws another style), makes its first motion at once, and sets clip and rate of the
 * environment. Call it before ami_env_reset. */
void ami_generator_start(ami_generator *generator, ami_cycle_workspace *workspace, ami_env *env);

/* The same with other random numbers: afterwards the generator is as ami_generator_create would make it with
 * this seed and stream. False and a sentence as there. */
bool ami_generator_start_seeded(ami_generator *generator, ami_cycle_workspace *workspace, ami_env *env,
                                uint64_t seed, uint64_t stream, ami_error *err);

/* The same without drawing a new style, after a fall: repeats the style that was requested last. If it was
 * requested less than 3 s ago, repeats the transition: begins with the style before it and soon changes to it
 * again. For plans that draw styles; reads the environment's time. */
void ami_generator_start_again(ami_generator *generator, ami_cycle_workspace *workspace, ami_env *env);

/* After steps of the environment without this generator: the transition from the motion that it made last to
 * the requested latent begins in after_s s, with its whole duration. */
void ami_generator_resume(ami_generator *generator, const ami_env *env, double after_s);

/* Before a motion that begins standing: glides quickly to the style whose speed is nearest to walking, 1 m/s, without
 * leaving the plan. *before receives the requested latent. False, and nothing changes, if the requested style is
 * hardly faster. */
bool ami_generator_brake(ami_generator *generator, const ami_env *env, ami_latent *before);
/* Ends this: ami_generator_resume to `before`, or to what was requested meanwhile. */
void ami_generator_end_brake(ami_generator *generator, const ami_env *env, const ami_latent *before,
                             double after_s);

/* Call it before every observation. Reads the environment's time and state and changes its reference. */
void ami_generator_step(ami_generator *generator, ami_cycle_workspace *workspace, ami_env *env);

/* ---- interactive overrides of the plan, between steps ---- */

/* Begins a transition to this style; the plan's later styles are ignored from now on. */
void ami_generator_request(ami_generator *generator, const ami_env *env, const ami_latent *latent);
/* The same with a style drawn from the plan's table; half of the draws are blends of two styles. */
void ami_generator_request_drawn(ami_generator *generator, const ami_env *env);
/* ami_generator_start with this style instead of the plan's; if it gives no usable motion, with the current
 * motion. */
void ami_generator_start_with(ami_generator *generator, ami_cycle_workspace *workspace, ami_env *env,
                              const ami_latent *latent);

/* Sets the rate at which motions are played, clamped to .7 to 1.4; or the ground speed, as
 * ami_generator_def.speed. */
void ami_generator_set_pace(ami_generator *generator, double pace);
void ami_generator_set_speed(ami_generator *generator, double speed);
/* Stops steering towards the plan's heading; the caller may set the reference's turn rate. */
void ami_generator_release_heading(ami_generator *generator);
void ami_generator_set_phase_gain(ami_generator *generator, double gain); /* not saved: as the definition */
double ami_generator_phase_gain(const ami_generator *generator);

/* The latent of the current motion, and the time for which it has been followed, s: infinite for an episode's
 * first motion. */
const ami_latent *ami_generator_latent(const ami_generator *generator);
double ami_generator_followed_s(const ami_generator *generator, const ami_env *env);

/* Whether the current motion is that of the requested latent and the blend from the previous motion is
 * over. */
bool ami_generator_settled(const ami_generator *generator, const ami_env *env);

/* The requested latent, and the requested rate, without the pull. */
const ami_latent *ami_generator_requested(const ami_generator *generator);
double ami_generator_rate(const ami_generator *generator);

/* DeepPhase's phase of the reference, [0, 1]; and of the body (false: its features are not finite). */
double ami_generator_phase(const ami_generator *generator, const ami_env *env);
bool ami_generator_body_phase(const ami_generator *generator, ami_cycle_workspace *workspace,
                              const ami_env *env, ami_phase *phase);

/* For bit-equal continuation: ami_generator_save_size bytes of plain data (the same size for every generator
 * and for NULL), with latents instead of motions. Load into a generator with the same definition, before
 * ami_env_load; false and a sentence if the latents do not give the saved motions with these networks. */
size_t ami_generator_save_size(const ami_generator *generator);
void ami_generator_save(const ami_generator *generator, void *data);
bool ami_generator_load(ami_generator *generator, ami_cycle_workspace *workspace, const void *data,
                        ami_env *env, ami_error *err);

#endif
