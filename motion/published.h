/* Published results for DeepMimic's clips, to stand beside ours. */
#ifndef AMI_MOTION_PUBLISHED_H
#define AMI_MOTION_PUBLISHED_H

#include "motion/clip.h"

/* Peng et al. 2018, "DeepMimic", tables 2 and 6 (humanoid). */
typedef struct ami_published {
    const char *clip;         /* its name: "backflip" */
    uint32_t crc;             /* of its frames: ami_clip_crc */
    double samples;           /* until the end of the training, e.g. 72e6 */
    double normalised_return; /* mean reward a step: over 20 s, or over its own length if it does not loop */
    double forward_n, sideways_n; /* largest push on the root for .2 s, N; 0: not published */
} ami_published;

/* The entry of one of DeepMimic's own clips, told by its frames whatever it is called. NULL: nothing was published. */
const ami_published *ami_published_find(const ami_clip *clip);

#endif
