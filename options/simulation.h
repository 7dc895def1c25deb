/* Options of the simulation, common to rollout, eval, the viewer and the benchmarks.
 *
 *   static const struct argp_option simulated[] = {
 *       {"motion", CLI_SIM_MOTION, "NAME|FILE", 0, "motion clip to follow (default: …)", 1},
 *       CLI_SIM_OPTION_MAX_ROOT(1),
 *       {0}};
 *   const struct argp child = {simulated, cli_simulation_parse, NULL, NULL, NULL, NULL, NULL};
 *
 * A program lists its options with its own help texts and groups; parsing, bounds and storage are here. The
 * child's input is a cli_simulation, initialised by cli_simulation_default(). */
#ifndef AMI_OPTIONS_SIMULATION_H
#define AMI_OPTIONS_SIMULATION_H

#include "options/calibrate.h"
#include "sim/env.h"

#include <argp.h>

enum {
    CLI_SIM_MOTION = 'm',
    CLI_SIM_POLICY = 'p',
    CLI_SIM_SECONDS = 's',
    CLI_SIM_ENVS = 'n', /* --envs or --characters */
    CLI_SIM_NO_POLICY = 0x30000,
    CLI_SIM_PUSH,
    CLI_SIM_TURN,
    CLI_SIM_HEADING,
    CLI_SIM_START,
    CLI_SIM_SELF_COLLISION,
    CLI_SIM_MAY_TOUCH,
    CLI_SIM_MAX_ROOT,
    CLI_SIM_PRECISION,
    CLI_SIM_CALIBRATE,
    CLI_SIM_FRICTION,
    CLI_SIM_MASS,
    CLI_SIM_DELAY,
    CLI_SIM_OBSERVATION_NOISE,
};

enum { CLI_PUSHES_MAX = 32 };

typedef struct cli_push {
    double speed, period; /* m/s, s */
} cli_push;

typedef struct cli_simulation {
    /* Bounds, set by the program. */
    double seconds_min, seconds_max; /* .01, 1e6 */
    int envs_max;                    /* 65536 */
    const char *envs_option;         /* "--envs" */
    int pushes_max;                  /* 1: of several --push the last one counts */

    /* Values from the command line, initially the program's defaults. */
    const char *motion, *policy, *may_touch; /* NULL: not given */
    bool no_policy, self_collision;
    ami_precision precision; /* auto */
    cli_calibration calibration;
    int envs;               /* 1 */
    double seconds;         /* 0 */
    double turn, heading;   /* degrees a second, degrees or NAN (random); 0 */
    double start;           /* 0 to 1, or -1 (random), the default */
    double max_root;        /* m; 0: never */
    ami_variation_def vary; /* nothing varies */
    int pushes;             /* number given */
    cli_push push[CLI_PUSHES_MAX];
} cli_simulation;

cli_simulation cli_simulation_default(void);

error_t cli_simulation_parse(int key, char *text, struct argp_state *state);

/* Sets turn, heading, start, limit, variation and the first push of an environment's definition. The caller sets time
 * and seed. */
void cli_simulation_use(const cli_simulation *simulation, ami_env_def *def);

/* Options with the same help text in every program. */
#define CLI_SIM_OPTION_NO_POLICY(group)                                           \
    {                                                                             \
        "no-policy", CLI_SIM_NO_POLICY, NULL, 0,                                  \
            "no network: the joints track the motion and nothing balances", group \
    }
#define CLI_SIM_OPTION_HEADING(group)                                                         \
    {                                                                                         \
        "heading", CLI_SIM_HEADING, "DEG", 0, "first direction, or random (default 0)", group \
    }
#define CLI_SIM_OPTION_START(group)                                                                      \
    {                                                                                                    \
        "start", CLI_SIM_START, "PHASE", 0, "where in the motion to start, 0 to 1, or random (default)", \
            group                                                                                        \
    }
#define CLI_SIM_OPTION_SELF_COLLISION(group)                                \
    {                                                                       \
        "self-collision", CLI_SIM_SELF_COLLISION, NULL, 0,                  \
            "limbs collide with each other, not only with the floor", group \
    }
#define CLI_SIM_OPTION_MAY_TOUCH(group)                                                                     \
    {                                                                                                       \
        "may-touch", CLI_SIM_MAY_TOUCH, "BODIES", 0,                                                        \
            "bodies that may touch the floor: feet, auto (those that touch it in the clip), or names with " \
            "commas (default: as in training)",                                                             \
            group                                                                                           \
    }
#define CLI_SIM_OPTION_MAX_ROOT(group)                                                           \
    {                                                                                            \
        "max-root-m", CLI_SIM_MAX_ROOT, "M", 0,                                                  \
            "a character this far from its reference counts as fallen (default 0: never)", group \
    }
#define CLI_SIM_OPTION_CALIBRATE(group)                                                            \
    {                                                                                              \
        "calibrate", CLI_SIM_CALIBRATE, "ROWS.npy", 0, "of the policy: " CLI_CALIBRATE_HELP, group \
    }

/* Four options: what varies from episode to episode (sim/variation.h). */
#define CLI_SIM_OPTIONS_VARY(group)                                                                  \
    {"friction",                                                                                     \
     CLI_SIM_FRICTION,                                                                               \
     "LO,HI",                                                                                        \
     0,                                                                                              \
     "friction with the floor, drawn for each episode (default: the body's own, 1)",                 \
     group},                                                                                         \
        {"mass-range",                                                                               \
         CLI_SIM_MASS,                                                                               \
         "LO,HI",                                                                                    \
         0,                                                                                          \
         "mass of each body times a number drawn for each episode, as .9,1.1",                       \
         group},                                                                                     \
        {"delay",                                                                                    \
         CLI_SIM_DELAY,                                                                              \
         "STEPS",                                                                                    \
         0,                                                                                          \
         "actions come this many control steps late, 0 to 8; LO,HI: drawn",                          \
         group},                                                                                     \
    {                                                                                                \
        "observation-noise", CLI_SIM_OBSERVATION_NOISE, "X", 0,                                      \
            "noise in observations; 1: .01 rad and m, .1 rad/s and m/s (standard deviations)", group \
    }

#define CLI_SIM_OPTION_PRECISION(group)                                                                \
    {                                                                                                  \
        "precision", CLI_SIM_PRECISION, "NAME", 0,                                                     \
            "the actor's arithmetic: fp32, bf16, int16, int8, or auto (default), the fastest of mean " \
            "squared error below 1e-6",                                                                \
            group                                                                                      \
    }

#endif
