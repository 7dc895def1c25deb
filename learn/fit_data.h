/* What the motion networks learn from: a folder of clips, analysed (motion/gait.h), mirrored and blended, and
 * what of it is held out.
 *
 * Every file *.txt, *.json, *.bvh and *.npz of the folder that looks like a clip (ami_clip_looks_like) is a motion,
 * and so is its mirror image; others are left out. Any two loops that walk, mirrored ones among themselves, give
 * blends at weights 1/8 … 7/8. Where that makes more than AMI_FIT_MOST_PAIRS pairs, it is about as many:
 * every loop with the same number of others, chosen by the clips' checksum.
 *
 * Held out, decided by the clips alone: motions named by --hold-out with their mirror images, entirely; of
 * other loops the windows that start in [.20, .25) or [.70, .75) of the loop; of other clips the last fifth,
 * which no window of the training reaches into; of blends those half-way. A loop shorter than a window is
 * seen whole by training, so only the alignment is new in its held-out windows: hold a whole clip out to see
 * more. */
#ifndef AMI_LEARN_FIT_DATA_H
#define AMI_LEARN_FIT_DATA_H

#include "motion/gait.h"

#include "base/rng.h"

enum { AMI_FIT_MOST_PAIRS = 300 };

typedef struct ami_fit_blend {
    int a, b; /* motions */
    double weight;
    bool held;
    ami_gait *gait;
} ami_fit_blend;

typedef struct ami_fit_data {
    int motions;       /* each clip, then its mirror image */
    ami_gait **motion; /* (motions) */
    bool *held;        /* (motions) the whole of it */
    int blends;
    ami_fit_blend *blend;     /* (blends) */
    int left_out;             /* files of the folder that are no clips of this body */
    char left_out_names[200]; /* of the first ones, with commas, fit to print */
    uint32_t crc;             /* of the clips and of what is held out: a training goes on only with the
                                 same */
} ami_fit_data;

/* `held_out`: names with commas, or NULL. NULL and a sentence: the folder cannot be read or holds no clips, a
 * clip is bad or too short, a name is none of them or holds out everything that walks. */
ami_fit_data *ami_fit_data_read(const ami_skeleton *skeleton, const char *folder, const char *held_out,
                                ami_error *err);
void ami_fit_data_destroy(ami_fit_data *data); /* NULL is fine */

/* Whether what lies in [t0, t0 + span) s of a motion is for training, or held out; between the two (a window
 * across the border) it is neither. */
bool ami_fit_trains(const ami_fit_data *data, int motion, double t0, double span);
bool ami_fit_held(const ami_fit_data *data, int motion, double t0, double span);

/* Kinds of motion: for drawing. */
typedef enum ami_fit_kind {
    AMI_FIT_WALKING_LOOP,
    AMI_FIT_WALKING,
    AMI_FIT_OTHER_LOOP,
    AMI_FIT_OTHER
} ami_fit_kind;
ami_fit_kind ami_fit_kind_of(const ami_gait *gait);

/* A time to train at for a motion of this kind and the motion (index), or -1 where there is none with room
 * for `span` s (of playing at speed 1). Longer clips are drawn more often. */
int ami_fit_draw(const ami_fit_data *data, ami_fit_kind kind, double span, ami_rng *rng, double *t0);

#endif
