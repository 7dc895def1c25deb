/* What the subcommands that can follow invented motions share: --style and its relatives, and the networks behind them. */
#ifndef AMB_CLI_STYLE_OPTIONS_H
#define AMB_CLI_STYLE_OPTIONS_H

#include "cli/motion.h"
#include "policy/generator.h"

#include <argp.h>

typedef struct cli_style {
    const char *style, *schedule, *from;     /* at most one of them; none: a clip is followed */
    const char *decoder, *deepphase, *table; /* files; NULL: amble's own */
    const char *encoder;                     /* for `from` */
    double change, speed, phase_gain;        /* s, m/s, 1; 0 0 0 where not given */
    const char *speed_option;                /* which option said the speed */
} cli_style;

/* An argp child; its input is a cli_style that is zero. */
extern const struct argp cli_style_argp;

/* The same without --speed, which was time's in the viewer: --ground-speed alone. */
extern const struct argp cli_view_style_argp;

/* Only --decoder, --deepphase and --styles, and --style, for training. */
extern const struct argp cli_train_style_argp;

static inline bool cli_style_given(const cli_style *style)
{
    return style->style || style->schedule || style->from;
}

/* Only --decoder, --deepphase and --styles, for what shows styles. */
extern const struct argp cli_style_files_argp;

/* Whether what was given goes together: at most one way to say the style, and nothing about styles without one. */
bool cli_style_check(const cli_style *style, const char *motion, amb_error *err);

/* Everything loaded. */
typedef struct cli_motions {
    amb_stylevae vae;
    amb_deepphase deepphase;
    amb_styles *styles;
    amb_motion_nets nets;
    amb_style_plan plan;
    amb_generator_def def; /* for amb_rollout_def.generator; the seed is the caller's to set */
    uint32_t crc;          /* of decoder, DeepPhase and table, as files */
    const char *style;     /* as given by --style, or NULL */
    char name[256];        /* for reports: "style walk:0.7,zombie:0.3" */
} cli_motions;

/* clips: where --style-from looks for names (NULL: see amb_clip_find). The character must outlive the motions. */
bool cli_motions_load(cli_motions *motions, const cli_style *style, const amb_character *character, const char *clips, amb_error *err);
void cli_motions_free(cli_motions *motions);

/* The styles that a policy was trained on: "random" where amb_policy.motion is "style:random", or one's name; NULL where that is a clip. */
const char *cli_style_trained_on(const char *motion);

/* What characters follow: a clip or invented motions. */
typedef struct cli_followed {
    amb_clip *clip;      /* or NULL */
    char path[4096];     /* its file */
    cli_motions motions; /* where clip is NULL */
    const char *name;    /* for reports */
} cli_followed;

/* As given by --motion or the style's options, else what the origin (NULL: none) was trained on, else walk; see cli_load_motion. */
bool cli_follow(cli_followed *followed, const char *motion, const cli_style *style, const cli_origin *origin,
                const amb_character *character, const char *clips, amb_error *err);
void cli_followed_free(cli_followed *followed);

#endif
