/* Styles: named latents of the StyleVAE, mixtures of them, and plans of which style comes when.
 *
 * The table is a JSON file that a person can read: {"format": "amble styles 1", "styles": [{"name": "walk", "clip": "humanoid3d_walk",
 * "period_s": 1.2, "speed": 1.1, "latent": [256 numbers]}, ...]}. "clip" and "speed" say where the style came from and are not needed; nor
 * is "period_s", but where it is there the decoded cycle is played in that time: slow motions are learned faster than they are, so that a
 * window holds a whole cycle. Other keys are ignored. A name begins with a letter and has letters, digits, '_' and '-'; "random" is none.
 *
 * Knows no networks: what a latent looks like is the decoder's business (policy/cycle.h). */
#ifndef AMB_POLICY_STYLE_H
#define AMB_POLICY_STYLE_H

#include "base/error.h"
#include "base/rng.h"

#include <stdbool.h>
#include <stdint.h>

enum { AMB_LATENT = 256, AMB_STYLES_MAX = 256, AMB_STYLE_MOMENTS_MAX = 10000 };

/* What a motion is made of. */
typedef struct amb_latent {
    float z[AMB_LATENT];
    double period_s; /* s, that the cycle is to take; 0: what the decoder gives it */
} amb_latent;

typedef struct amb_style {
    char name[32];
    char clip[64]; /* the clip it is the latent of, or empty */
    double speed;  /* m/s, of that clip; 0: not said */
    amb_latent latent;
} amb_style;

typedef struct amb_styles {
    int count;        /* 1 .. AMB_STYLES_MAX */
    amb_style *style; /* (count) */
} amb_styles;

/* Refuses, in a sentence with the path: what is no such file, no style at all, two of one name, a latent that has not 256 finite numbers of
 * at most 1000. On error nothing is left to free. */
bool amb_styles_read(amb_styles *styles, const char *path, amb_error *err);

/* The same format, one style a line, replacing `path` as a whole or not at all; 7 digits, which is what a float holds. */
bool amb_styles_write(const amb_styles *styles, const char *path, amb_error *err);
void amb_styles_free(amb_styles *styles);

/* Number of a style by its name, -1 if there is none. */
int amb_style_find(const amb_styles *styles, const char *name);

/* From a (weight 0) to b (1): z straight, the period by its logarithm; 0 where either's is. The ends to the bit. */
void amb_latent_between(const amb_latent *a, const amb_latent *b, double weight, amb_latent *out);

/* "walk" or "walk:0.7,zombie:0.3": the weighted mean of the named latents, of the periods the geometric one; weights are 0 to 1000, not all
 * 0, and need not sum to 1. An unknown name's sentence lists the known ones. */
bool amb_style_mix(const amb_styles *styles, const char *text, amb_latent *latent, amb_error *err);

/* From `time` on. */
typedef struct amb_style_moment {
    double time;    /* s */
    double heading; /* rad, where to turn to; NaN: as before */
    double speed;   /* m/s wanted, 0: the style's own; NaN: as before */
    amb_latent latent;
} amb_style_moment;

typedef struct amb_style_plan {
    const amb_styles *styles;
    int moments;              /* a fixed schedule; 0: styles are drawn */
    amb_style_moment *moment; /* (moments), times increasing, the first at 0 */
    /* Where styles are drawn: */
    double change_s[2]; /* s, between changes, drawn evenly from this range; 0 0: one style for the whole episode */
    double blends;      /* [0, 1]: share of draws that are a blend of two styles, the other ones are a name */
    double pace;        /* [0, .5]: in half of the draws the motion is played faster or slower by up to this share */
} amb_style_plan;

/* What --style says: a mixture (amb_style_mix), or "random", "random-names", "random-blends": drawn, half of them, none or all of them
 * blends; change_s and pace are 0 then. The styles must outlive the plan. */
bool amb_style_plan_parse(amb_style_plan *plan, const amb_styles *styles, const char *text, amb_error *err);

/* A schedule file: lines of "TIME STYLE [heading=DEG] [speed=M/S]", TIME in s, the first 0, increasing; STYLE as in amb_style_mix; '#'
 * begins a comment. Sentences name the file and the line. */
bool amb_style_plan_read(amb_style_plan *plan, const amb_styles *styles, const char *path, amb_error *err);
void amb_style_plan_free(amb_style_plan *plan);

/* One draw: a latent, and how fast it is played (1: as it is). */
void amb_style_draw(const amb_style_plan *plan, amb_rng *rng, amb_latent *latent, double *pace);

#endif
