/* What `amble clip info` prints of a clip. */
#ifndef AMI_CLI_CLIP_FACTS_H
#define AMI_CLI_CLIP_FACTS_H

#include "motion/clip.h"
#include "options/options.h"

#include "base/text.h"

typedef struct clip_facts {
    char name[AMI_NAME];
    bool loops;
    int frames;
    double duration;   /* s */
    double low, high;  /* m: the root's height */
    double distance;   /* m on the ground, from first frame to last */
    double speed;      /* m/s: distance over duration */
    double fastest;    /* rad/s: largest joint speed at a frame */
    const char *joint; /* the joint it belongs to */
    double seam;       /* rad: largest jump of the root or a joint from the last frame to the first; 0 without
                          a loop */
    double gap[2];     /* s: shortest and longest time between frames */
} clip_facts;

clip_facts clip_facts_of(const ami_clip *clip);

/* As JSON; NULL where memory is short. */
json_t *clip_facts_json(const ami_clip *clip, const char *path, const clip_facts *f);

#endif
