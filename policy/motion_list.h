/* The motions that a network was trained on, as text for metadata and checkpoints: a JSON array of
 * {"name": "walk", "crc32c": "1b2f4a0c", "may_touch": "right_ankle,left_ankle"}. */
#ifndef AMI_POLICY_MOTION_LIST_H
#define AMI_POLICY_MOTION_LIST_H

#include "base/error.h"

#include <stdint.h>

enum { AMI_LISTED_NAME = 256, AMI_LISTED_MAX = 65536 };

typedef struct ami_listed_motion {
    char name[AMI_LISTED_NAME]; /* the clip's, printable */
    uint32_t crc;               /* ami_clip_crc */
    unsigned may_touch;         /* bits of the bodies that may touch the floor */
} ami_listed_motion;

/* The text, malloc'd; NULL if memory is short. */
char *ami_motion_list_print(const ami_listed_motion *motion, int count);

/* Reads such a text: *motion (malloc'd) gets *count motions, 1 or more, of different names. False and a sentence
 * if it is not one. */
AMI_MUST_CHECK bool ami_motion_list_read(const char *text, ami_listed_motion **motion, int *count,
                                         ami_error *err);

/* The motion of that name; NULL: there is none. */
const ami_listed_motion *ami_motion_list_find(const ami_listed_motion *motion, int count, const char *name);

#endif
