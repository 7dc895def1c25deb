/* Styles mixed, and plans of which style comes when.
 *
 * Knows no networks: what a latent looks like is the decoder's business (policy/cycle.h); where named ones
 * come from is the table's (policy/styles.h). */
#ifndef AMI_POLICY_STYLE_PLAN_H
#define AMI_POLICY_STYLE_PLAN_H

#include "base/rng.h"
#include "policy/styles.h"

enum { AMI_STYLE_MOMENTS_MAX = 10000 };

/* What a motion is made of. */
typedef struct ami_latent {
    float z[AMI_STYLE_SIZE];
    double scale; /* how many times slower than decoded it is played; a style's `scale` */
    double speed; /* m/s, about, on the ground; how far apart two latents are for a body: no motion depends on
                     it */
    double tempo; /* cycles/s, about; for the same purpose; 0 where no period is known */
} ami_latent;

void ami_latent_of_style(const ami_style *style, ami_latent *latent);

/* Whether they make the same motion. */
bool ami_latent_same(const ami_latent *a, const ami_latent *b);

/* From a (weight 0) to b (1): z, speed and tempo straight, the scale by its accelerations, 1/scale². The
 * ends, and what is the same in both, to the bit. */
void ami_latent_between(const ami_latent *a, const ami_latent *b, double weight, ami_latent *out);

/* "walk" or "walk:0.7,zombie:0.3": the weighted mean of the named latents, the mean of 1/scale²; weights are
 * 0 to 1000, not all 0, and need not sum to 1. An unknown name's sentence lists the known ones. */
bool ami_style_mix(const ami_styles *styles, const char *text, ami_latent *latent, ami_error *err);

/* The same with a weight for every style of the table, (count), at least 0; false where none is above 0. */
bool ami_style_blend(const ami_styles *styles, const double *weights, ami_latent *latent);

/* The other way round: weights of sum 1 whose blend is nearest to the latent. */
void ami_style_weights(const ami_styles *styles, const ami_latent *latent, double *weights);

/* From `time` on. */
typedef struct ami_style_moment {
    double time;    /* s */
    double heading; /* rad, where to turn to; NaN: as before */
    double speed;   /* m/s wanted, 0: the style's own; NaN: as before */
    ami_latent latent;
    char label[64]; /* as it was asked for, cut off where it is longer */
} ami_style_moment;

typedef struct ami_style_plan {
    const ami_styles *styles;
    int moments;              /* a fixed schedule; 0: styles are drawn */
    ami_style_moment *moment; /* (moments), times increasing, the first at 0 */
    /* Where styles are drawn: */
    double change_s[2]; /* s, between changes, drawn evenly from this range; 0 0: one style for the whole
                           episode */
    double blends;      /* [0, 1]: share of draws that are a blend of two styles, the other ones are a name */
    double pace;        /* [0, .5]: in half of the draws the motion is played faster or slower by up to this
                           share */
} ami_style_plan;

/* What --style says: a mixture (ami_style_mix), or "random", "random-names", "random-blends": drawn, half of
 * them, none or all of them blends; change_s and pace are 0 then. The styles must outlive the plan. */
bool ami_style_plan_parse(ami_style_plan *plan, const ami_styles *styles, const char *text, ami_error *err);

/* One style all the time. */
bool ami_style_plan_of_style(ami_style_plan *plan, const ami_styles *styles, const ami_style *style,
                             ami_error *err);

/* A schedule file: lines of "TIME STYLE [heading=DEG] [speed=M/S]", TIME in s, the first 0, increasing; STYLE
 * as in ami_style_mix; '#' begins a comment. Sentences name the file and the line. */
bool ami_style_plan_read(ami_style_plan *plan, const ami_styles *styles, const char *path, ami_error *err);
void ami_style_plan_free(ami_style_plan *plan);

/* One draw: a latent, and how fast it is played (1: as it is). */
void ami_style_draw(const ami_style_plan *plan, ami_rng *rng, ami_latent *latent, double *pace);

#endif
