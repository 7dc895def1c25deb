/* The options about invented motions. */
#include "options/style.h"

#include "options/options.h"

#include <string.h>

enum {
    KEY_STYLE = 0x20000,
    KEY_SCHEDULE,
    KEY_FROM,
    KEY_CHANGE,
    KEY_SPEED,
    KEY_GROUND_SPEED,
    KEY_GAIN,
    KEY_DECODER,
    KEY_ENCODER,
    KEY_DEEPPHASE,
    KEY_TABLE,
};

static error_t parse(int key, char *text, struct argp_state *state)
{
    ami_style_request *s = state->input;
    switch (key) {
    case KEY_STYLE:
        s->style = text;
        return 0;
    case KEY_SCHEDULE:
        s->schedule = text;
        return 0;
    case KEY_FROM:
        s->from = text;
        return 0;
    case KEY_CHANGE:
        s->change = cli_double(state, text, .1, 1e6, "--style-change");
        return 0;
    case KEY_SPEED:
    case KEY_GROUND_SPEED:
        s->speed_option = key == KEY_SPEED ? "--speed" : "--ground-speed";
        s->speed = cli_double(state, text, .05, 20, s->speed_option);
        return 0;
    case KEY_GAIN:
        s->phase_gain = cli_double(state, text, 0, 20, "--phase-gain");
        return 0;
    case KEY_DECODER:
        s->decoder = text;
        return 0;
    case KEY_ENCODER:
        s->encoder = text;
        return 0;
    case KEY_DEEPPHASE:
        s->deepphase = text;
        return 0;
    case KEY_TABLE:
        s->table = text;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

#define FILES                                                                                   \
    {"decoder",                                                                                 \
     KEY_DECODER,                                                                               \
     "FILE",                                                                                    \
     0,                                                                                         \
     "StyleVAE's decoder (default stylevae_decoder.onnx among amble's models)",                 \
     2},                                                                                        \
        {"deepphase", KEY_DEEPPHASE, "FILE", 0, "DeepPhase (default deepphase.onnx there)", 2}, \
    {                                                                                           \
        "styles", KEY_TABLE, "FILE", 0, "table of named styles (default styles.json there)", 2  \
    }

#define WAYS                                                                                         \
    {NULL, 0, NULL, 0, "Invented motions, instead of a clip:", 2},                                   \
        {"style",                                                                                    \
         KEY_STYLE,                                                                                  \
         "STYLE",                                                                                    \
         0,                                                                                          \
         "a style by name, a mixture (walk:0.7,zombie:0.3), or styles drawn from the seed: random, " \
         "random-names, random-blends",                                                              \
         2},                                                                                         \
        {"style-schedule",                                                                           \
         KEY_SCHEDULE,                                                                               \
         "FILE",                                                                                     \
         0,                                                                                          \
         "schedule of styles: lines of \"TIME STYLE [heading=DEG] [speed=M/S]\"; in rollout and "    \
         "amble-view skills, too (skill:NAME where a style has that name)",                          \
         2},                                                                                         \
        {"style-from", KEY_FROM, "NAME|FILE", 0, "the style of a clip", 2},                          \
        {"style-change",                                                                             \
         KEY_CHANGE,                                                                                 \
         "S",                                                                                        \
         0,                                                                                          \
         "with drawn styles: time between changes (default: one style for each character)",          \
         2},                                                                                         \
        {"phase-gain",                                                                               \
         KEY_GAIN,                                                                                   \
         "G",                                                                                        \
         0,                                                                                          \
         "how much the body's own phase pulls the motion's clock (default 0: not at all)",           \
         2},                                                                                         \
    {                                                                                                \
        "encoder", KEY_ENCODER, "FILE", 0,                                                           \
            "StyleVAE's encoder, for --style-from (default stylevae_encoder.onnx there)", 2          \
    }
static const char speed_help[] = "how fast to go: the motion is played .7 to 1.4 times as fast as it is";

static const struct argp_option all_options[] = {WAYS,
                                                 {"ground-speed", KEY_GROUND_SPEED, "M/S", 0, speed_help, 2},
                                                 {"speed", KEY_SPEED, NULL, OPTION_ALIAS, NULL, 2},
                                                 FILES,
                                                 {0}};
const struct argp cli_style_argp = {all_options, parse, NULL, NULL, NULL, NULL, NULL};

static const struct argp_option view_options[] = {
    WAYS, {"ground-speed", KEY_GROUND_SPEED, "M/S", 0, speed_help, 2}, FILES, {0}};
const struct argp cli_view_style_argp = {view_options, parse, NULL, NULL, NULL, NULL, NULL};

static const struct argp_option train_options[] = {
    {NULL, 0, NULL, 0, "Invented motions, instead of a clip:", 2},
    {"style", KEY_STYLE, "random|STYLE", 0,
     "random: new styles are drawn all the time, see the settings style-...; or one style's name", 2},
    FILES,
    {0},
};
const struct argp cli_train_style_argp = {train_options, parse, NULL, NULL, NULL, NULL, NULL};

static const struct argp_option file_options[] = {FILES, {0}};
const struct argp cli_style_files_argp = {file_options, parse, NULL, NULL, NULL, NULL, NULL};

bool cli_style_check(const ami_style_request *style, const char *motion, ami_error *err)
{
    const char *const way[] = {style->style ? "--style" : NULL, style->schedule ? "--style-schedule" : NULL,
                               style->from ? "--style-from" : NULL, motion ? "--motion" : NULL};
    const char *first = NULL;
    for (int i = 0; i < 4; i++) {
        if (first && way[i])
            return ami_fail(err, "%s and %s exclude each other", first, way[i]);
        first = first ? first : way[i];
    }
    const char *const wants[] = {style->change > 0 ? "--style-change" : NULL,
                                 style->speed > 0 ? style->speed_option : NULL,
                                 style->phase_gain > 0 ? "--phase-gain" : NULL};
    for (int i = 0; i < 3; i++)
        if (wants[i] && !ami_style_requested(style))
            return ami_fail(err,
                            "%s is for invented motions: give a style too, with --style, --style-schedule or "
                            "--style-from",
                            wants[i]);
    if (style->change > 0 && !(style->style && !strncmp(style->style, "random", 6)))
        return ami_fail(err, "--style-change is for styles that are drawn: give --style random, random-names "
                             "or random-blends");
    return true;
}
