/* What characters follow: a clip, or motions invented in styles, with every file behind it loaded. */
#ifndef AMB_POLICY_FOLLOWED_H
#define AMB_POLICY_FOLLOWED_H

#include "policy/generator.h"
#include "policy/motion.h"

/* A request for invented motions, as a person gives it. Zero: none, all files amble's own. */
typedef struct amb_style_request {
    const char *style, *schedule, *from;     /* at most one of them; none: a clip is followed */
    const char *decoder, *deepphase, *table; /* files; NULL: amble's own */
    const char *encoder;                     /* for `from` */
    double change, speed, phase_gain;        /* s, m/s, 1; 0 0 0 where not given */
    const char *speed_option;                /* which option said the speed */
} amb_style_request;

static inline bool amb_style_requested(const amb_style_request *style)
{
    return style->style || style->schedule || style->from;
}

/* Everything loaded. */
typedef struct amb_motions {
    amb_stylevae vae;
    amb_deepphase deepphase;
    amb_styles *styles;
    amb_motion_nets nets;
    amb_style_plan plan;
    amb_generator_def def; /* for amb_rollout_def.generator; the seed is the caller's to set */
    uint32_t crc;          /* of decoder, DeepPhase and table, as files */
    const char *style;     /* as given by --style, or NULL */
    char name[256];        /* for reports: "style walk:0.7,zombie:0.3" */
} amb_motions;

/* clips: where --style-from looks for names (NULL: see amb_clip_find). The character must outlive the
 * motions. */
bool amb_motions_load(amb_motions *motions, const amb_style_request *style, const amb_skeleton *skeleton,
                      const char *clips, amb_error *err);
void amb_motions_free(amb_motions *motions);

/* The styles that a policy was trained on: "random" where amb_policy.motion is "style:random", or one's name;
 * NULL where that is a clip. */
const char *amb_style_trained_on(const char *motion);

/* What characters follow: a clip or invented motions. */
typedef struct amb_followed {
    amb_clip *clip;      /* or NULL */
    char path[4096];     /* its file */
    amb_motions motions; /* where clip is NULL */
    const char *name;    /* for reports */
} amb_followed;

/* As given by --motion or the style's options, else what the origin (NULL: none) was trained on, else walk;
 * see amb_load_motion. */
bool amb_follow(amb_followed *followed, const char *motion, const amb_style_request *style,
                const amb_origin *origin, const amb_skeleton *skeleton, const char *clips, amb_error *err);
void amb_followed_free(amb_followed *followed);

#endif
