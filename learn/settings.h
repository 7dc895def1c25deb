/* Settings: lists of numbers with name, bounds and a line of help, for the command line, checkpoints, ONNX
 * metadata and the documentation. This file has the functions for all lists and the list for training, which
 * contains every number that the result depends on; learn/fit.h has the list for fits.
 *
 * The defaults train a humanoid to walk on two cores (docs/training.md). Options that do not change the
 * result (folder, threads, time between checkpoints) are not settings. */
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

/* The index of a setting, -1 if there is none; '-' and '_' are equal. */
int ami_setting_find(const ami_setting *list, int count, const char *name);

/* Reads one setting from text. False and a sentence if the text is not a number (such as "2e6" or "2M"), not
 * whole although it must be, or out of range. */
bool ami_setting_set(const ami_setting *setting, double *value, const char *text, ami_error *err);

/* Writes all settings as lines of "name=value", which ami_setting_parse reads without loss. Returns the
 * length without the terminating zero. */
size_t ami_setting_print(const ami_setting *list, int count, const double *values, char *text, size_t size);
/* Reads such lines. Settings that are not in the text are unchanged; an unknown name is an error. */
bool ami_setting_parse(const ami_setting *list, int count, double *values, const char *text, ami_error *err);

/* ---- The settings of training ---- */

/* SETTING(name, kind, default, smallest, largest, help). kind: int or real. */
#define AMI_SETTINGS(SETTING)                                                                               \
    SETTING(seed, int, 1, 0, 9e15, "seed of everything random")                                             \
    SETTING(samples, int, 6e6, 1, 1e12, "control steps to train for; noise and KL fall over these")         \
    SETTING(envs, int, 64, 1, 65536, "environments")                                                        \
    SETTING(steps, int, 16, 1, 65536, "control steps of each environment per iteration")                    \
    SETTING(shard, int, 16, 1, 65536, "environments that are never divided over processes")                 \
    SETTING(epochs, int, 3, 1, 100, "passes over the samples of an iteration")                              \
    SETTING(minibatches, int, 2, 1, 4096, "minibatches per epoch")                                          \
    SETTING(gamma, real, .95, 0, .9999, "discount at the start")                                            \
    SETTING(gamma_end, real, -1, -1, .9999, "the same at the end; -1: as at the start")                     \
    SETTING(lambda, real, .95, 0, 1, "GAE's and TD(lambda)'s lambda")                                       \
    SETTING(ratio_clip, real, .2, .001, 10, "PPO's limit of the probability ratio")                         \
    SETTING(advantage_clip, real, 4, .1, 1000, "limit of normalised advantages")                            \
    SETTING(kl, real, .12, 1e-6, 10,                                                                        \
            "target KL divergence per iteration, at the start; it falls geometrically")                     \
    SETTING(kl_end, real, .012, 1e-6, 10, "the same at the end")                                            \
    SETTING(actor_rate, real, 5e-6, 1e-9, 1, "actor's first learning rate; adapted to the target KL")       \
    SETTING(critic_rate, real, 2e-4, 1e-9, 1, "critic's learning rate, or the actor's if that is larger")   \
    SETTING(gradient_norm, real, 1, 0, 1e9, "max norm of each network's gradient; 0: no limit")             \
    SETTING(noise, real, .07, 1e-4, 10,                                                                     \
            "standard deviation of exploration noise at the start, in action units")                        \
    SETTING(noise_end, real, .03, 1e-4, 10, "the same at the end")                                          \
    SETTING(noise_memory, real, .7, 0, .99,                                                                 \
            "fraction of a step's exploration noise that remains in the next step; 0: white noise")         \
    SETTING(normalizer_samples, int, 3e6, 0, 1e12,                                                          \
            "samples after which the observation normaliser is frozen")                                     \
    SETTING(observation_clip, real, 10, 1, 1000, "limit of normalised observations")                        \
    SETTING(last_layer, real, .01, 0, 1, "scale of both last layers at the start")                          \
    SETTING(hidden1, int, 1024, 1, 8192, "units of the first hidden layer")                                 \
    SETTING(hidden2, int, 512, 1, 8192, "units of the second hidden layer")                                 \
    SETTING(episode_s, real, 0, 0, 1e6, "s, max length of an episode; 0: 10 s, or more for long clips")     \
    SETTING(max_root_m, real, 1, 0, 1e6,                                                                    \
            "m, an episode ends if the root is farther from the reference's; 0: never")                     \
    SETTING(max_height_m, real, .25, 0, 1e6, "m, or if the roots' heights differ by more; 0: never")        \
    SETTING(max_tilt, real, .8, 0, 2, "or if the cosines of the roots' tilts differ by more; 0: never")     \
    SETTING(max_body_m, real, 0, 0, 1e6, "m, or if the mean distance of the bodies is larger; 0: never")    \
    SETTING(hold_min_s, real, .5, 0, 1e6,                                                                   \
            "s, min time for which the last pose of a clip without loop is held")                           \
    SETTING(hold_max_s, real, 2, 0, 1e6, "s, max of the same")                                              \
    SETTING(start_failures, real, .5, 0, 1,                                                                 \
            "fraction of the starts shortly before times where episodes fail")                              \
    SETTING(start_first, real, .2, 0, 1,                                                                    \
            "fraction of the starts at the first pose of a clip that does not loop")                        \
    SETTING(start_noise, real, 0, 0, 10,                                                                    \
            "deviation of starts from the reference, at the end: 1 is .1 rad and .3 m/s")                   \
    SETTING(start_noisy, real, .5, 0, 1, "fraction of the starts with start_noise")                         \
    SETTING(mirror, int, -1, -1, 1,                                                                         \
            "1: train one half of a loop's cycle and mirror it in the other, -1: if symmetric and alone")   \
    SETTING(mirrored, real, 0, 0, 1,                                                                        \
            "fraction of the episodes that follow their clip's mirror image; needs the goal")               \
    SETTING(clip_failures, real, .5, 0, 1,                                                                  \
            "fraction of the samples of several clips divided by what their returns lack of 1")             \
    SETTING(average, real, .04, 0, 1,                                                                       \
            "half-life of the weights' mean, as a fraction of the samples so far; 0: no mean")              \
    SETTING(push_speed, real, 0, 0, 20, "m/s, max push, at the end of push_ramp")                           \
    SETTING(push_period, real, 2, .05, 1e6, "s between pushes")                                             \
    SETTING(push_ramp, real, .5, 0, 1, "fraction of the samples over which pushes grow from 0")             \
    SETTING(friction_min, real, 0, 0, 10,                                                                   \
            "min friction with the floor, drawn per episode; 0: the body's own, 1")                         \
    SETTING(friction_max, real, 0, 0, 10, "max of the same")                                                \
    SETTING(mass_range, real, 0, 0, .9, "each body's mass times 1 - X to 1 + X, drawn per episode")         \
    SETTING(delay_min, int, 0, 0, 8,                                                                        \
            "min of the control steps by which actions come late, drawn per episode")                       \
    SETTING(delay_max, int, 0, 0, 8, "max of the same")                                                     \
    SETTING(observation_noise, real, 0, 0, 100, "at 1: .01 rad and m, .1 rad/s and m/s in observations")    \
    SETTING(turn_rate, real, 0, 0, 20, "rad/s, max turn rate of references")                                \
    SETTING(style_change, real, 4, 0, 1e6,                                                                  \
            "s, mean time between changes of drawn styles; 0: one style per episode")                       \
    SETTING(style_blends, real, .5, 0, 1, "fraction of the drawn styles that are blends of two")            \
    SETTING(style_pace, real, .1, 0, .25,                                                                   \
            "half of the drawn styles are played faster or slower by up to this fraction")                  \
    SETTING(style_again, real, .8, 0, 1, "probability that the same style is repeated after a fall")        \
    SETTING(teach, real, 1, 0, 1000, "weight of the teachers' actions in the loss, at the start")           \
    SETTING(teach_end, real, 0, 0, 1000, "the same at the end")                                             \
    SETTING(teach_after_s, real, 1.5, 0, 1e6, "s, a teacher is used this long after a change to its style") \
    SETTING(goal, int, -1, -1, 1,                                                                           \
            "1: observations include the reference's goal, 0: not, -1: with styles or several clips")       \
    SETTING(physics_hz, real, 120, 30, 10000, "physics steps per second")                                   \
    SETTING(substeps, int, 4, 1, 1000, "physics steps per control step")                                    \
    SETTING(look_ahead, real, .06, 0, 1, "s, PD targets use the reference this long after the step's end")  \
    SETTING(absolute, int, 0, 0, 1, "1: DeepMimic's absolute actions instead of residual ones")             \
    SETTING(self_collision, int, 0, 0, 1, "1: limbs collide with each other")                               \
    SETTING(bf16, int, -1, -1, 1, "1: bf16 matrix products, 0: fp32, -1: bf16 where the CPU has it")        \
    SETTING(gradients_bf16, int, 0, 0, 1,                                                                   \
            "1: gradients are rounded to bf16 and sent so between processes, 0: fp32")

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

/* As ami_setting_find; also knows "clip", the former name of ratio_clip. */
int ami_setting_by_name(const char *name);

/* As ami_setting_set; also false and a sentence if there is no such setting. */
bool ami_settings_set(ami_settings *settings, const char *name, const char *text, ami_error *err);

/* Checks the constraints between settings. */
bool ami_settings_check(const ami_settings *settings, ami_error *err);

/* As ami_setting_print and ami_setting_parse. */
size_t ami_settings_print(const ami_settings *settings, char *text, size_t size);
bool ami_settings_parse(ami_settings *settings, const char *text, ami_error *err);

#endif
