/* Styles mixed, and plans of which style comes when.
 *
 * Knows no networks: what a latent looks like is the decoder's business (policy/cycle.h); where named ones
 * come from is the table's (policy/styles.h). */
#ifndef AMB_POLICY_STYLE_PLAN_H
#define AMB_POLICY_STYLE_PLAN_H

#include "base/rng.h"
#include "policy/styles.h"

enum { AMB_STYLE_MOMENTS_MAX = 10000 };

/* What a motion is made of. */
typedef struct amb_latent {
    float z[AMB_STYLE_SIZE];
    double scale; /* how many times slower than decoded it is played; a style's `scale` */
    double speed; /* m/s, about, on the ground; how far apart two latents are for a body: no motion depends on
                     it */
    double tempo; /* cycles/s, about; for the same purpose; 0 where no period is known */
} amb_latent;

void amb_latent_of_style(const amb_style *style, amb_latent *latent);

/* Whether they make the same motion. */
bool amb_latent_same(const amb_latent *a, const amb_latent *b);

/* From a (weight 0) to b (1): z, speed and tempo straight, the scale by its accelerations, 1/scale². The
 * ends, and what is the same in both, to the bit. */
void amb_latent_between(const amb_latent *a, const amb_latent *b, double weight, amb_latent *out);

/* "walk" or "walk:0.7,zombie:0.3": the weighted mean of the named latents, the mean of 1/scale²; weights are
 * 0 to 1000, not all 0, and need not sum to 1. An unknown name's sentence lists the known ones. */
bool amb_style_mix(const amb_styles *styles, const char *text, amb_latent *latent, amb_error *err);

/* The same with a weight for every style of the table, (count), at least 0; false where none is above 0. */
bool amb_style_blend(const amb_styles *styles, const double *weights, amb_latent *latent);

/* The other way round: weights of sum 1 whose blend is nearest to the latent. */
void amb_style_weights(const amb_styles *styles, const amb_latent *latent, double *weights);

/* From `time` on. */
typedef struct amb_style_moment {
    double time;    /* s */
    double heading; /* rad, where to turn to; NaN: as before */
    double speed;   /* m/s wanted, 0: the style's own; NaN: as before */
    amb_latent latent;
    char label[64]; /* as it was asked for, cut off where it is longer */
} amb_style_moment;

typedef struct amb_style_plan {
    const amb_styles *styles;
    int moments;              /* a fixed schedule; 0: styles are drawn */
    amb_style_moment *moment; /* (moments), times increasing, the first at 0 */
    /* Where styles are drawn: */
    double change_s[2]; /* s, between changes, drawn evenly from this range; 0 0: one style for the whole
                           episode */
    double blends;      /* [0, 1]: share of draws that are a blend of two styles, the other ones are a name */
    double pace;        /* [0, .5]: in half of the draws the motion is played faster or slower by up to this
                           share */
} amb_style_plan;

/* What --style says: a mixture (amb_style_mix), or "random", "random-names", "random-blends": drawn, half of
 * them, none or all of them blends; change_s and pace are 0 then. The styles must outlive the plan. */
bool amb_style_plan_parse(amb_style_plan *plan, const amb_styles *styles, const char *text, amb_error *err);

/* One style all the time. */
bool amb_style_plan_of_style(amb_style_plan *plan, const amb_styles *styles, const amb_style *style,
                             amb_error *err);

/* A schedule file: lines of "TIME STYLE [heading=DEG] [speed=M/S]", TIME in s, the first 0, increasing; STYLE
 * as in amb_style_mix; '#' begins a comment. Sentences name the file and the line. */
bool amb_style_plan_read(amb_style_plan *plan, const amb_styles *styles, const char *path, amb_error *err);
void amb_style_plan_free(amb_style_plan *plan);

/* One draw: a latent, and how fast it is played (1: as it is). */
void amb_style_draw(const amb_style_plan *plan, amb_rng *rng, amb_latent *latent, double *pace);

#endif
