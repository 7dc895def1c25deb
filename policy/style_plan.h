/* Mixtures of styles, and plans: schedules or random sequences of styles.
 *
 * Does not depend on networks: policy/cycle.h decodes latents, policy/styles.h reads the table of named
 * ones. */
#ifndef AMI_POLICY_STYLE_PLAN_H
#define AMI_POLICY_STYLE_PLAN_H

#include "base/rng.h"
#include "policy/styles.h"

enum { AMI_STYLE_MOMENTS_MAX = 10000 };

/* The source of a motion. Only z and scale determine the motion; speed and tempo determine the duration of
 * transitions. */
typedef struct ami_latent {
    float z[AMI_STYLE_SIZE];
    double scale; /* duration of the motion / duration of the decoded window; a style's `scale` */
    double speed; /* m/s, approximate ground speed */
    double tempo; /* cycles/s, approximate; 0: unknown */
} ami_latent;

void ami_latent_of_style(const ami_style *style, ami_latent *latent);

/* Whether they give the same motion. */
bool ami_latent_same(const ami_latent *a, const ami_latent *b);

/* Interpolates from a (weight 0) to b (weight 1): z, speed and tempo linearly, the scale linearly in its
 * accelerations, 1/scale². Exact at the ends and for equal values. */
void ami_latent_between(const ami_latent *a, const ami_latent *b, double weight, ami_latent *out);

/* "walk" or "walk:0.7,zombie:0.3": the weighted mean of the named latents, with the mean of 1/scale². Weights
 * are 0 to 1000, not all 0, and need not sum to 1. The sentence for an unknown name lists the known ones. */
bool ami_style_mix(const ami_styles *styles, const char *text, ami_latent *latent, ami_error *err);

/* The same with a weight ≥ 0 for every style of the table, (count). False if all are 0. */
bool ami_style_blend(const ami_styles *styles, const double *weights, ami_latent *latent);

/* The inverse: weights with sum 1 whose blend is nearest to the latent. */
void ami_style_weights(const ami_styles *styles, const ami_latent *latent, double *weights);

/* An entry of a schedule. */
typedef struct ami_style_moment {
    double time;    /* s, from which it applies */
    double heading; /* rad, requested; NaN: unchanged */
    double speed;   /* m/s, requested; 0: the style's own; NaN: unchanged */
    ami_latent latent;
    char label[64]; /* the schedule's text, truncated */
    char skill
        [AMI_NAME]; /* a skill instead of a style, by the session that follows the plan; then the latent is that
                             of the moment before. Empty: a style */
} ami_style_moment;

typedef struct ami_style_plan {
    const ami_styles *styles;
    int moments;              /* of a schedule; 0: styles are drawn at random */
    ami_style_moment *moment; /* (moments), times increasing from 0 */
    int skills;               /* moments with a skill */
    /* If styles are drawn: */
    double change_s[2]; /* s, range of the uniform time between changes; 0 0: one style in an episode */
    double blends;      /* [0, 1]: fraction of draws that are blends of two styles instead of one */
    double pace;        /* [0, .5]: in half of the draws the rate is uniform in 1 ± pace, else 1 */
} ami_style_plan;

/* Parses --style. The styles must outlive the plan. change_s and pace are set to 0.
 *
 *   "random", "random-names", "random-blends"   drawn styles: half of them, none or all are blends
 *   else                                        a mixture (ami_style_mix) */
bool ami_style_plan_parse(ami_style_plan *plan, const ami_styles *styles, const char *text, ami_error *err);

/* A plan with one style. */
bool ami_style_plan_of_style(ami_style_plan *plan, const ami_styles *styles, const ami_style *style,
                             ami_error *err);

/* Reads a schedule file: lines of "TIME STYLE [heading=DEG] [speed=M/S]", TIME in s, increasing from 0; STYLE
 * as in ami_style_mix, or, but for the first line, the name of one of amble's skills (policy/skill_table.h): where a
 * style has the same name it is the style, and skill:NAME is the skill. '#' begins a comment. Sentences name the file
 * and the line. */
bool ami_style_plan_read(ami_style_plan *plan, const ami_styles *styles, const char *path, ami_error *err);
void ami_style_plan_free(ami_style_plan *plan);

/* Draws a latent and the rate at which it is played. */
void ami_style_draw(const ami_style_plan *plan, ami_rng *rng, ami_latent *latent, double *pace);

#endif
