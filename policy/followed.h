/* What characters follow: a clip, or motions invented in styles, with every file behind it loaded. */
#ifndef AMI_POLICY_FOLLOWED_H
#define AMI_POLICY_FOLLOWED_H

#include "policy/generator.h"
#include "policy/motion.h"

/* A request for invented motions, as a person gives it. Zero: none, all files amble's own. */
typedef struct ami_style_request {
    const char *style, *schedule, *from;     /* at most one of them; none: a clip is followed */
    const char *decoder, *deepphase, *table; /* files; NULL: amble's own */
    const char *encoder;                     /* for `from` */
    double change, speed, phase_gain;        /* s, m/s, 1; 0 0 0 where not given */
    const char *speed_option;                /* which option said the speed */
} ami_style_request;

static inline bool ami_style_requested(const ami_style_request *style)
{
    return style->style || style->schedule || style->from;
}

/* Everything loaded. */
typedef struct ami_motions {
    ami_stylevae vae;
    ami_deepphase deepphase;
    ami_styles *styles;
    ami_motion_nets nets;
    ami_style_plan plan;
    ami_generator_def def; /* for ami_rollout_def.generator; the seed is the caller's to set */
    uint32_t crc;          /* of decoder, DeepPhase and table, as files */
    const char *style;     /* as given by --style, or NULL */
    char name[256];        /* for reports: "style walk:0.7,zombie:0.3" */
} ami_motions;

/* clips: where --style-from looks for names (NULL: see ami_clip_find). The character must outlive the
 * motions. */
bool ami_motions_load(ami_motions *motions, const ami_style_request *style, const ami_skeleton *skeleton,
                      const char *clips, ami_error *err);
void ami_motions_free(ami_motions *motions);

/* The styles that a policy was trained on: "random" where ami_policy.motion is "style:random", or one's name;
 * NULL where that is a clip. */
const char *ami_style_trained_on(const char *motion);

/* What characters follow: a clip or invented motions. */
typedef struct ami_followed {
    ami_clip *clip;      /* or NULL */
    char path[4096];     /* its file */
    ami_motions motions; /* where clip is NULL */
    const char *name;    /* for reports */
} ami_followed;

/* As given by --motion or the style's options, else what the origin (NULL: none) was trained on, else walk;
 * see ami_load_motion. */
bool ami_follow(ami_followed *followed, const char *motion, const ami_style_request *style,
                const ami_origin *origin, const ami_skeleton *skeleton, const char *clips, ami_error *err);
void ami_followed_free(ami_followed *followed);

#endif
