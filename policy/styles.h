/* Named styles in a JSON file, and the style of any clip with a gait. A style is a latent of StyleVAE.
 *
 * The latent of a window depends on its phase, too, and the mean over all start times would decode to a body
 * without a phase. So a clip's style is computed from windows that start at left-foot strikes
 * (motion/gait.h): of the cycles' mean latents μ, the medoid is averaged with the nearer half of the others.
 * It decodes to a window that starts at a strike, and so do mixtures of such latents (learn/fit.h trains for
 * that).
 *
 * A motion whose cycle takes longer than 1.4 s is encoded `scale` times faster, so that a window of 2 s
 * contains more than a cycle; the decoded window is played `scale` times slower. The accelerations, 1/scale²,
 * of a mixture are the weighted mean of its parts'. */
#ifndef AMI_POLICY_STYLES_H
#define AMI_POLICY_STYLES_H

#include "base/text.h"
#include "motion/gait.h"
#include "nets/stylevae.h"

typedef struct ami_style {
    char name[AMI_NAME], clip[AMI_NAME]; /* valid by ami_name_check; clip may be empty */
    double period;                       /* s, of a cycle in the clip */
    double speed;                        /* m/s, mean ground speed of the root */
    double scale;                        /* ≥ 1: time in the clip / time in the latent's window */
    double spread;                       /* root mean square distance of the cycles' latents from z */
    float z[AMI_STYLE_SIZE];
} ami_style;

typedef struct ami_styles {
    int count;
    ami_style *style; /* (count) */
} ami_styles;

/* The style of a walking motion; its name is the clip's without "_walk". False and a sentence if the motion
 * does not walk, or if no strike is followed by a window of 2 s. Allocates. */
AMI_MUST_CHECK bool ami_style_of_gait(const ami_stylevae *vae, const ami_gait *gait, ami_style *style,
                                      ami_error *err);

ami_styles *ami_styles_read(const char *path, ami_error *err);
AMI_MUST_CHECK bool ami_styles_write(const ami_styles *styles, const char *path, ami_error *err);
void ami_styles_destroy(ami_styles *styles); /* NULL is fine */

/* The index of the style; -1 and a sentence that lists the known ones if there is none. */
int ami_styles_find(const ami_styles *styles, const char *name, ami_error *err);

/* Euclidean distance of two latents. */
double ami_style_distance(const float a[AMI_STYLE_SIZE], const float b[AMI_STYLE_SIZE]);

typedef struct ami_style_near {
    int style; /* index in the table */
    double distance;
} ami_style_near;

/* All styles of the table, sorted by their distance from z: near (styles->count). */
void ami_styles_nearest(const ami_styles *styles, const float z[AMI_STYLE_SIZE], ami_style_near *near);

#endif
