#include "cli/style_options.h"

#include "base/file.h"
#include "cli/models.h"
#include "cli/options.h"

#include <stdio.h>
#include <stdlib.h>
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
    MAX_NETWORK = 256 << 20,
};

static error_t parse(int key, char *text, struct argp_state *state)
{
    cli_style *s = state->input;
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

#define FILES                                                                                                          \
    {"decoder", KEY_DECODER, "FILE", 0, "StyleVAE's decoder (default stylevae_decoder.onnx among amble's models)", 2}, \
        {"deepphase", KEY_DEEPPHASE, "FILE", 0, "DeepPhase (default deepphase.onnx there)", 2},                        \
    {                                                                                                                  \
        "styles", KEY_TABLE, "FILE", 0, "table of named styles (default styles.json there)", 2                         \
    }

#define WAYS                                                                                                                        \
    {NULL, 0, NULL, 0, "Invented motions, instead of a clip:", 2},                                                                  \
        {"style",                                                                                                                   \
         KEY_STYLE,                                                                                                                 \
         "STYLE",                                                                                                                   \
         0,                                                                                                                         \
         "a style by name, a mixture (walk:0.7,zombie:0.3), or styles drawn from the seed: random, random-names, random-blends",    \
         2},                                                                                                                        \
        {"style-schedule", KEY_SCHEDULE, "FILE", 0, "which style when: lines of \"TIME STYLE [heading=DEG] [speed=M/S]\"", 2},      \
        {"style-from", KEY_FROM, "NAME|FILE", 0, "the style of a clip", 2},                                                         \
        {"style-change", KEY_CHANGE, "S", 0, "with drawn styles: time between changes (default: one style for each character)", 2}, \
        {"phase-gain", KEY_GAIN, "G", 0, "how much the body's own phase pulls the motion's clock (default 0: not at all)", 2},      \
    {                                                                                                                               \
        "encoder", KEY_ENCODER, "FILE", 0, "StyleVAE's encoder, for --style-from (default stylevae_encoder.onnx there)", 2          \
    }
static const char speed_help[] = "how fast to go: the motion is played .7 to 1.4 times as fast as it is";

static const struct argp_option all_options[] = {
    WAYS, {"ground-speed", KEY_GROUND_SPEED, "M/S", 0, speed_help, 2}, {"speed", KEY_SPEED, NULL, OPTION_ALIAS, NULL, 2}, FILES, {0}};
const struct argp cli_style_argp = {all_options, parse, NULL, NULL, NULL, NULL, NULL};

static const struct argp_option view_options[] = {WAYS, {"ground-speed", KEY_GROUND_SPEED, "M/S", 0, speed_help, 2}, FILES, {0}};
const struct argp cli_view_style_argp = {view_options, parse, NULL, NULL, NULL, NULL, NULL};

static const struct argp_option train_options[] = {
    {NULL, 0, NULL, 0, "Invented motions, instead of a clip:", 2},
    {"style", KEY_STYLE, "random|STYLE", 0, "random: styles drawn anew all the time, see the settings style-...; or one style's name", 2},
    FILES,
    {0},
};
const struct argp cli_train_style_argp = {train_options, parse, NULL, NULL, NULL, NULL, NULL};

static const struct argp_option file_options[] = {FILES, {0}};
const struct argp cli_style_files_argp = {file_options, parse, NULL, NULL, NULL, NULL, NULL};

bool cli_style_check(const cli_style *s, const char *motion, amb_error *err)
{
    const char *const way[] = {s->style ? "--style" : NULL, s->schedule ? "--style-schedule" : NULL, s->from ? "--style-from" : NULL,
                               motion ? "--motion" : NULL};
    const char *first = NULL;
    for (int i = 0; i < 4; i++) {
        if (first && way[i])
            return amb_fail(err, "%s and %s exclude each other", first, way[i]);
        first = first ? first : way[i];
    }
    const char *const wants[] = {s->change > 0 ? "--style-change" : NULL, s->speed > 0 ? s->speed_option : NULL,
                                 s->phase_gain > 0 ? "--phase-gain" : NULL};
    for (int i = 0; i < 3; i++)
        if (wants[i] && !cli_style_given(s))
            return amb_fail(err, "%s is for invented motions: give a style too, with --style, --style-schedule or --style-from", wants[i]);
    if (s->change > 0 && !(s->style && !strncmp(s->style, "random", 6)))
        return amb_fail(err, "--style-change is for styles that are drawn: give --style random, random-names or random-blends");
    return true;
}

/* The file as given, or amble's own; its checksum is added to crc. */
static bool find_file(const char *given, const char *own, bool table, char *path, size_t size, uint32_t *crc, amb_error *err)
{
    const char *name = given ? given : own;
    size_t bytes;
    if (!(table ? cli_find_table(name, path, size, err) : cli_find_model(name, path, size, err)))
        return false;
    uint8_t *data = amb_file_read(path, MAX_NETWORK, &bytes, err);
    if (!data)
        return false;
    *crc = amb_crc32c(*crc, data, bytes);
    free(data);
    return true;
}

/* The latent of a clip's own style, as a plan of one moment. */
static bool plan_from_clip(cli_motions *m, const cli_style *s, const char *clips, amb_error *err)
{
    char path[4096];
    uint32_t unused = 0;
    amb_stylevae encoder = {0};
    amb_style style;
    amb_clip *clip = cli_load_motion(s->from, clips, NULL, path, sizeof path, err);
    amb_gait *gait = clip ? amb_gait_create(m->nets.character, clip, err) : NULL;
    bool ok = gait && find_file(s->encoder, "stylevae_encoder.onnx", false, path, sizeof path, &unused, err) &&
              amb_stylevae_load(&encoder, path, NULL, NULL, err) && amb_style_of_gait(&encoder, gait, &style, err);
    if (ok)
        ok = amb_style_plan_of_style(&m->plan, m->styles, &style, err);
    amb_stylevae_free(&encoder);
    amb_gait_destroy(gait);
    amb_clip_destroy(clip);
    return ok;
}

static bool make_plan(cli_motions *m, const cli_style *s, const char *clips, amb_error *err)
{
    const char *what = s->style ? s->style : s->schedule ? s->schedule : s->from;
    snprintf(m->name, sizeof m->name, "%s %.200s", s->style ? "style" : s->schedule ? "styles of" : "the style of", what);
    if (s->from)
        return plan_from_clip(m, s, clips, err) || amb_fail_in(err, "--style-from");
    if (s->schedule)
        return amb_style_plan_read(&m->plan, m->styles, s->schedule, err);
    if (!amb_style_plan_parse(&m->plan, m->styles, s->style, err))
        return amb_fail_in(err, "--style");
    m->plan.change_s[0] = m->plan.change_s[1] = s->change;
    return true;
}

bool cli_motions_load(cli_motions *m, const cli_style *s, const amb_character *character, const char *clips, amb_error *err)
{
    char decoder[4096], deepphase[4096], table[4096];
    memset(m, 0, sizeof *m);
    m->nets = (amb_motion_nets){character, &m->vae, &m->deepphase};
    m->style = s->style;
    if (find_file(s->decoder, "stylevae_decoder.onnx", false, decoder, sizeof decoder, &m->crc, err) &&
        find_file(s->deepphase, "deepphase.onnx", false, deepphase, sizeof deepphase, &m->crc, err) &&
        find_file(s->table, "styles.json", true, table, sizeof table, &m->crc, err) &&
        amb_stylevae_load(&m->vae, NULL, decoder, NULL, err) && amb_deepphase_load(&m->deepphase, deepphase, NULL, err) &&
        (m->styles = amb_styles_read(table, err)) != NULL && make_plan(m, s, clips, err)) {
        m->def = amb_generator_default_def(&m->nets, &m->plan);
        m->def.speed = s->speed;
        m->def.phase_gain = s->phase_gain;
        return true;
    }
    cli_motions_free(m);
    return false;
}

void cli_motions_free(cli_motions *m)
{
    amb_style_plan_free(&m->plan);
    amb_styles_destroy(m->styles);
    amb_deepphase_free(&m->deepphase);
    amb_stylevae_free(&m->vae);
    m->styles = NULL;
}

const char *cli_style_trained_on(const char *motion)
{
    static const char invented[] = "style:";
    return strncmp(motion, invented, strlen(invented)) ? NULL : motion + strlen(invented);
}

bool cli_follow(cli_followed *f, const char *motion, const cli_style *style, const cli_origin *origin, const amb_character *character,
                const char *clips, amb_error *err)
{
    memset(f, 0, sizeof *f);
    const char *trained_on = origin && origin->motion ? cli_style_trained_on(origin->motion) : NULL;
    if (!motion && !cli_style_given(style) && trained_on) {
        cli_style own = *style;
        own.style = trained_on;
        f->name = f->motions.name;
        return cli_motions_load(&f->motions, &own, character, clips, err);
    }
    if (cli_style_given(style)) {
        f->name = f->motions.name;
        return cli_motions_load(&f->motions, style, character, clips, err);
    }
    f->clip = cli_load_motion(motion, clips, origin, f->path, sizeof f->path, err);
    f->name = f->clip ? amb_clip_name(f->clip) : "";
    return f->clip != NULL;
}

void cli_followed_free(cli_followed *f)
{
    if (!f->clip)
        cli_motions_free(&f->motions);
    amb_clip_destroy(f->clip);
    f->clip = NULL;
}
