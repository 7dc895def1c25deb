/* Settings: numbers with names, bounds and a line of help, in lists that the command line, checkpoints, the
 * ONNX metadata and the documentation all read. Here are what can be done with any list, and the list of
 * every number that training depends on; the list of fits is in learn/fit.h.
 *
 * The defaults make a humanoid walk on two cores (docs/training.md). Times and places a user chooses per run
 * (folder, threads, how often to save) are not settings: they do not change the result. */
#ifndef AMI_LEARN_SETTINGS_H
#define AMI_LEARN_SETTINGS_H

#include "base/error.h"

#include <stddef.h>

typedef struct ami_setting {
    const char *name;
    bool whole; /* an integer */
    double value, lo, hi;
    const char *help;
} ami_setting;

/* For SETTING's `kind`. */
enum { ami_setting_int = true, ami_setting_real = false };

/* ---- Any list: setting i has the value values[i] ---- */

void ami_setting_defaults(const ami_setting *list, int count, double *values);

/* -1 if there is none; '-' and '_' are the same. */
int ami_setting_find(const ami_setting *list, int count, const char *name);

/* One setting from text; a sentence for text that is not a number ("2e6" and "2M" are), that is not whole
 * where it must be, or out of range. */
bool ami_setting_set(const ami_setting *setting, double *value, const char *text, ami_error *err);

/* "name=value" lines, all of them, readable back by ami_setting_parse without loss. Returns the length
 * without the zero. */
size_t ami_setting_print(const ami_setting *list, int count, const double *values, char *text, size_t size);
/* What the text does not name stays as it is; a name that is not in the list is an error. */
bool ami_setting_parse(const ami_setting *list, int count, double *values, const char *text, ami_error *err);

/* ---- Those of training ---- */

/* SETTING(name, kind, default, smallest, largest, help). kind: int or real. */
#define AMI_SETTINGS(SETTING)                                                                                \
    SETTING(seed, int, 1, 0, 9e15, "seed of everything random")                                              \
    SETTING(samples, int, 6e6, 1, 1e12, "control steps to train for; noise and KL fall over these")          \
    SETTING(envs, int, 64, 1, 65536, "environments")                                                         \
    SETTING(steps, int, 16, 1, 65536, "control steps of each environment in an iteration")                   \
    SETTING(epochs, int, 3, 1, 100, "passes over an iteration's samples")                                    \
    SETTING(minibatches, int, 2, 1, 4096, "minibatches in an epoch")                                         \
    SETTING(gamma, real, .95, 0, .9999, "discount")                                                          \
    SETTING(lambda, real, .95, 0, 1, "GAE's and TD(lambda)'s lambda")                                        \
    SETTING(ratio_clip, real, .2, .001, 10, "PPO's limit on the probability ratio")                          \
    SETTING(advantage_clip, real, 4, .1, 1000, "limit on normalised advantages")                             \
    SETTING(kl, real, .12, 1e-6, 10,                                                                         \
            "KL divergence an iteration is meant to make, at the start; it falls geometrically")             \
    SETTING(kl_end, real, .012, 1e-6, 10, "the same at the end")                                             \
    SETTING(actor_rate, real, 5e-6, 1e-9, 1, "actor's first learning rate; KL adapts it")                    \
    SETTING(critic_rate, real, 2e-4, 1e-9, 1, "critic's learning rate, or the actor's where that is larger") \
    SETTING(gradient_norm, real, 1, 0, 1e9, "limit on each network's gradient norm; 0: none")                \
    SETTING(noise, real, .07, 1e-4, 10, "standard deviation of exploration at the start, in action units")   \
    SETTING(noise_end, real, .03, 1e-4, 10, "the same at the end")                                           \
    SETTING(noise_memory, real, .7, 0, .99,                                                                  \
            "share of a step's exploration noise that is still there in the next step")                      \
    SETTING(normalizer_samples, int, 3e6, 0, 1e12,                                                           \
            "samples after which the observation normaliser is frozen")                                      \
    SETTING(observation_clip, real, 10, 1, 1000, "limit on normalised observations")                         \
    SETTING(last_layer, real, .01, 0, 1, "scale of both last layers at the start")                           \
    SETTING(hidden1, int, 1024, 1, 8192, "units of the first hidden layer")                                  \
    SETTING(hidden2, int, 512, 1, 8192, "units of the second hidden layer")                                  \
    SETTING(episode_s, real, 0, 0, 1e6, "s, longest episode; 0: 10 s, or what the clip needs")               \
    SETTING(max_root_m, real, 1, 0, 1e6, "m, an episode ends this far from the reference; 0: never")         \
    SETTING(max_height_m, real, .25, 0, 1e6,                                                                 \
            "m, or when its root's height is off the reference's by this; 0: never")                         \
    SETTING(max_tilt, real, .8, 0, 2, "or when the root's tilt is off by this, as a cosine; 0: never")       \
    SETTING(max_body_m, real, 0, 0, 1e6, "m, or when its bodies are off by this on average; 0: never")       \
    SETTING(hold_min_s, real, .5, 0, 1e6, "s, the last pose of a clip that does not loop is held, at least") \
    SETTING(hold_max_s, real, 2, 0, 1e6, "s, the same at most")                                              \
    SETTING(start_failures, real, .5, 0, 1, "fraction of the starts at moments where episodes fail")         \
    SETTING(start_noise, real, 0, 0, 10, "starts off the reference, at the end: 1 is .1 rad and .3 m/s")     \
    SETTING(start_noisy, real, .5, 0, 1, "fraction of the starts that are off the reference")                \
    SETTING(mirror, int, -1, -1, 1,                                                                          \
            "1: learn a loop in one half of its cycle, mirrored in the other, -1: if symmetric")             \
    SETTING(average, real, .04, 0, 1,                                                                        \
            "half-life of the weights' mean, as a fraction of the samples done; 0: no mean")                 \
    SETTING(push_speed, real, 0, 0, 20, "m/s, pushes of up to this much, at the end of push_ramp")           \
    SETTING(push_period, real, 2, .05, 1e6, "s between pushes")                                              \
    SETTING(push_ramp, real, .5, 0, 1, "fraction of the samples over which pushes grow from 0")              \
    SETTING(turn_rate, real, 0, 0, 20, "rad/s, references turned by up to this much")                        \
    SETTING(style_change, real, 4, 0, 1e6,                                                                   \
            "s between changes of a drawn style, on average; 0: one style an episode")                       \
    SETTING(style_blends, real, .5, 0, 1, "share of the drawn styles that are blends of two")                \
    SETTING(style_pace, real, .1, 0, .25,                                                                    \
            "drawn styles are played faster or slower by up to this share, half of them")                    \
    SETTING(style_again, real, .8, 0, 1, "chance that after a fall the same drawn style comes again")        \
    SETTING(teach, real, 1, 0, 1000, "weight of teachers' actions beside the reward, at the start")          \
    SETTING(teach_end, real, 0, 0, 1000, "the same at the end")                                              \
    SETTING(teach_after_s, real, 1.5, 0, 1e6, "s after a change of style before its teacher is asked")       \
    SETTING(goal, int, -1, -1, 1,                                                                            \
            "1: the networks see what the reference wants, too, 0: not, -1: with drawn styles")              \
    SETTING(physics_hz, real, 120, 30, 10000, "physics steps a second")                                      \
    SETTING(substeps, int, 4, 1, 1000, "physics steps in a control step")                                    \
    SETTING(look_ahead, real, .06, 0, 1,                                                                     \
            "s, how much earlier than due the PD target's reference is looked up")                           \
    SETTING(absolute, int, 0, 0, 1, "1: DeepMimic's absolute actions instead of residual ones")              \
    SETTING(self_collision, int, 0, 0, 1, "1: limbs collide with each other")                                \
    SETTING(bf16, int, -1, -1, 1, "1: bf16 matrix products, 0: fp32, -1: bf16 where the CPU has it")

typedef struct ami_settings {
#define SETTING(name, kind, value, lo, hi, help) double name;
    AMI_SETTINGS(SETTING)
#undef SETTING
} ami_settings;

enum {
    AMI_SETTING_COUNT = 0
#define SETTING(name, kind, value, lo, hi, help) +1
    AMI_SETTINGS(SETTING)
#undef SETTING
};

/* In the order of the struct: setting i is ((double *)settings)[i]. */
extern const ami_setting ami_setting_list[AMI_SETTING_COUNT];

ami_settings ami_settings_default(void);

/* As ami_setting_find; "clip", as ratio_clip was called before, is still understood. */
int ami_setting_by_name(const char *name);

/* As ami_setting_set; a sentence also for a name that is not there. */
bool ami_settings_set(ami_settings *settings, const char *name, const char *text, ami_error *err);

/* What two settings together make impossible. */
bool ami_settings_check(const ami_settings *settings, ami_error *err);

/* As ami_setting_print and ami_setting_parse. */
size_t ami_settings_print(const ami_settings *settings, char *text, size_t size);
bool ami_settings_parse(ami_settings *settings, const char *text, ami_error *err);

#endif
