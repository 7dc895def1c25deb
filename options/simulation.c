/* Options of the simulation, common to rollout, eval, the viewer and the benchmarks. */
#include "options/simulation.h"

#include "options/options.h"
#include "options/precision.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

cli_simulation cli_simulation_default(void)
{
    return (cli_simulation){.seconds_min = .01,
                            .seconds_max = 1e6,
                            .envs_max = 65536,
                            .envs_option = "--envs",
                            .pushes_max = 1,
                            .precision = AMI_PRECISION_AUTO,
                            .envs = 1,
                            .start = -1,
                            .push = {{0, 2}}};
}

static void take_push(cli_simulation *s, const char *text, struct argp_state *state)
{
    ami_error err;
    if (s->pushes == s->pushes_max && s->pushes_max > 1)
        argp_error(state, "--push: at most %d", s->pushes_max);
    cli_push *push = &s->push[s->pushes_max > 1 ? s->pushes : 0];
    if (!cli_parse_push(text, "--push", &push->speed, &push->period, &err))
        argp_error(state, "%s", err.text);
    s->pushes += s->pushes < s->pushes_max;
}

/* "LO,HI" */
static void take_range(struct argp_state *state, const char *text, double lo, double hi, const char *option,
                       double range[2])
{
    char first[40];
    const char *comma = strchr(text, ',');
    if (!comma || comma - text >= (int)sizeof first) {
        argp_error(state, "%s is \"%.40s\", expected two numbers, LO,HI", option, text);
        return;
    }
    snprintf(first, sizeof first, "%.*s", (int)(comma - text), text);
    range[0] = cli_double(state, first, lo, hi, option);
    range[1] = cli_double(state, comma + 1, lo, hi, option);
    if (range[0] > range[1])
        argp_error(state, "%s is \"%.40s\", expected the smaller number first", option, text);
}

/* "STEPS" or "LO,HI" */
static void take_delay(cli_simulation *s, const char *text, struct argp_state *state)
{
    char first[16];
    const char *comma = strchr(text, ',');
    const int length = comma ? (int)(comma - text) : (int)strlen(text);
    if (snprintf(first, sizeof first, "%.*s", length, text) >= (int)sizeof first)
        argp_error(state, "--delay is \"%.40s\", expected a whole number, or two, LO,HI", text);
    for (int k = 0; k < 2; k++)
        s->vary.delay[k] =
            (int)cli_int(state, k == 1 && comma ? comma + 1 : first, 0, AMI_DELAY_MAX, "--delay");
    if (s->vary.delay[0] > s->vary.delay[1])
        argp_error(state, "--delay is \"%.40s\", expected the smaller number first", text);
}

error_t cli_simulation_parse(int key, char *text, struct argp_state *state)
{
    cli_simulation *s = state->input;
    ami_error err;
    switch (key) {
    case CLI_SIM_MOTION:
        s->motion = text;
        return 0;
    case CLI_SIM_POLICY:
        s->policy = text;
        return 0;
    case CLI_SIM_NO_POLICY:
        s->no_policy = true;
        return 0;
    case CLI_SIM_SECONDS:
        s->seconds = cli_double(state, text, s->seconds_min, s->seconds_max, "--seconds");
        return 0;
    case CLI_SIM_ENVS:
        s->envs = (int)cli_int(state, text, 1, s->envs_max, s->envs_option);
        return 0;
    case CLI_SIM_PUSH:
        take_push(s, text, state);
        return 0;
    case CLI_SIM_TURN:
        s->turn = cli_double(state, text, -1000, 1000, "--turn");
        return 0;
    case CLI_SIM_HEADING:
        s->heading = !strcmp(text, "random") ? NAN : cli_double(state, text, -360, 360, "--heading");
        return 0;
    case CLI_SIM_START:
        s->start = !strcmp(text, "random") ? -1 : cli_double(state, text, 0, .999999, "--start");
        return 0;
    case CLI_SIM_SELF_COLLISION:
        s->self_collision = true;
        return 0;
    case CLI_SIM_MAY_TOUCH:
        s->may_touch = text;
        return 0;
    case CLI_SIM_MAX_ROOT:
        s->max_root = cli_double(state, text, 0, 1e6, "--max-root-m");
        return 0;
    case CLI_SIM_FRICTION:
        take_range(state, text, .01, 10, "--friction", s->vary.friction);
        return 0;
    case CLI_SIM_MASS:
        take_range(state, text, .1, 10, "--mass-range", s->vary.mass);
        return 0;
    case CLI_SIM_DELAY:
        take_delay(s, text, state);
        return 0;
    case CLI_SIM_OBSERVATION_NOISE:
        s->vary.observation_noise = cli_double(state, text, 0, 100, "--observation-noise");
        return 0;
    case CLI_SIM_CALIBRATE:
        cli_calibration_add(&s->calibration, text, state);
        return 0;
    case CLI_SIM_PRECISION:
        if (!cli_parse_precision(text, &s->precision, &err))
            argp_error(state, "%s", err.text);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

void cli_simulation_use(const cli_simulation *simulation, ami_env_def *def)
{
    def->push_speed = simulation->push[0].speed;
    def->push_period = simulation->push[0].period;
    def->turn_rate = simulation->turn * M_PI / 180;
    def->start_heading = simulation->heading * M_PI / 180;
    def->start_phase = simulation->start;
    def->max_root_m = simulation->max_root;
    def->vary = simulation->vary;
}
