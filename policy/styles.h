/* Named styles: a style is StyleVAE's latent of a gait, in a readable file (JSON), and the style of any clip
 * that walks.
 *
 * A window's latent holds its phase as well as its style, and the mean over all starts would decode to a body
 * in no phase at all. So a clip's style is taken from windows that start at a left-foot strike
 * (motion/gait.h): of each cycle's mean latent μ the one nearest to all others, averaged with the nearer half
 * of the others. It decodes to a window that starts at the strike; mixtures of such latents do too
 * (learn/fit.h trains for it).
 *
 * A motion whose cycle takes longer than 1.4 s is encoded as played `scale` times faster, so that 2 s hold
 * more than a cycle: whoever decodes it plays the window `scale` times slower. A mixture's scale is the one
 * whose accelerations, 1/scale², are the weighted mean of its parts'. */
#ifndef AMI_POLICY_STYLES_H
#define AMI_POLICY_STYLES_H

#include "base/text.h"
#include "motion/gait.h"
#include "nets/stylevae.h"

typedef struct ami_style {
    char name[AMI_NAME], clip[AMI_NAME]; /* names as base/text.h has them; clip may be empty */
    double period;                       /* s, of a cycle as the clip plays it */
    double speed;                        /* m/s, the root's mean over ground */
    double scale;                        /* ≥ 1: how much faster than that the latent's window plays */
    double spread;                       /* root mean square distance of the cycles' latents from this one */
    float z[AMI_STYLE_SIZE];
} ami_style;

typedef struct ami_styles {
    int count;
    ami_style *style; /* (count) */
} ami_styles;

/* The style of a motion that walks; name: its clip's without "_walk". Refuses others in a sentence, as well
 * as motions without room for a window of 2 s behind a strike. Allocates. */
AMI_MUST_CHECK bool ami_style_of_gait(const ami_stylevae *vae, const ami_gait *gait, ami_style *style,
                                      ami_error *err);

ami_styles *ami_styles_read(const char *path, ami_error *err);
AMI_MUST_CHECK bool ami_styles_write(const ami_styles *styles, const char *path, ami_error *err);
void ami_styles_destroy(ami_styles *styles); /* NULL is fine */

/* -1, and a sentence that names the known ones, if there is none. */
int ami_styles_find(const ami_styles *styles, const char *name, ami_error *err);

/* Euclidean distance of two latents. */
double ami_style_distance(const float a[AMI_STYLE_SIZE], const float b[AMI_STYLE_SIZE]);

typedef struct ami_style_near {
    int style; /* index in the table */
    double distance;
} ami_style_near;

/* All of the table's styles by their distance from z, the nearest first: near (styles->count). */
void ami_styles_nearest(const ami_styles *styles, const float z[AMI_STYLE_SIZE], ami_style_near *near);

#endif
