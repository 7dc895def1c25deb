/* The reference that characters follow: a clip, or motions invented (generated) in styles. Loads all their
 * files. */
#ifndef AMI_POLICY_FOLLOWED_H
#define AMI_POLICY_FOLLOWED_H

#include "policy/generator.h"
#include "policy/motion.h"

/* The options that request invented motions. Zero: no request, amble's own files. */
typedef struct ami_style_request {
    const char *style, *schedule, *from;     /* at most one of them; none: a clip is followed */
    const char *decoder, *deepphase, *table; /* files; NULL: amble's own */
    const char *encoder;                     /* for `from` */
    double change, speed, phase_gain;        /* s, m/s, 1; 0 if not given */
    const char *speed_option;                /* name of the option that set the speed */
    bool skills;                             /* the schedule may name skills; else that is refused */
} ami_style_request;

static inline bool ami_style_requested(const ami_style_request *style)
{
    return style->style || style->schedule || style->from;
}

/* Files of a policy that was trained on styles, which its run folder keeps under amble's own names
 * (ami_keep_style_files). */
typedef struct ami_style_files {
    char decoder[4096], deepphase[4096], table[4096];
} ami_style_files;

/* The request with the files that lie beside the policy in place of amble's own, where the request names none. origin
 * may be NULL, `files` must outlive the result. */
ami_style_request ami_style_beside(const ami_style_request *style, const ami_origin *origin,
                                   ami_style_files *files);

/* Copies what a training on styles uses other than amble's own (table, decoder, DeepPhase) into its run folder. False
 * and a sentence if that fails, or if another file of that name is there. */
AMI_MUST_CHECK bool ami_keep_style_files(const char *folder, const ami_style_request *style,
                                         const ami_origin *origin, ami_error *err);

/* Loaded networks and styles for invented motions. */
typedef struct ami_motions {
    ami_stylevae vae;
    ami_deepphase deepphase;
    ami_styles *styles;
    ami_motion_nets nets;
    ami_style_plan plan;
    ami_generator_def def; /* for ami_rollout_def.generator; the caller sets the seed */
    uint32_t crc;          /* of the files of decoder, DeepPhase and table */
    const char *style;     /* as given by --style, or NULL */
    char name[256];        /* for reports: "style walk:0.7,zombie:0.3" */
} ami_motions;

/* clips: folder in which --style-from finds names (NULL: see ami_clip_find). The skeleton must outlive the
 * motions. */
bool ami_motions_load(ami_motions *motions, const ami_style_request *style, const ami_skeleton *skeleton,
                      const char *clips, ami_error *err);
void ami_motions_free(ami_motions *motions);

/* The styles that a policy was trained on: the part of ami_policy.motion after "style:", "random" or a
 * style's name; NULL if the motion is a clip. */
const char *ami_style_trained_on(const char *motion);

/* The reference of characters: a clip or invented motions. */
typedef struct ami_followed {
    ami_clip *clip;      /* or NULL */
    char path[4096];     /* the clip's file */
    ami_motions motions; /* if clip is NULL */
    const char *name;    /* for reports */
} ami_followed;

/* Loads the motion of --motion or of the style options, else the one that the origin (may be NULL) was
 * trained on, else walk; see ami_load_motion. Styles are those of the table beside the origin, if there is one. */
bool ami_follow(ami_followed *followed, const char *motion, const ami_style_request *style,
                const ami_origin *origin, const ami_skeleton *skeleton, const char *clips, ami_error *err);
void ami_followed_free(ami_followed *followed);

#endif
