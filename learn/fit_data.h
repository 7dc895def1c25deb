/* The data for fitting the motion networks: a folder of clips, analysed (motion/gait.h), mirrored and
 * blended, with a held-out part.
 *
 * Every file *.txt, *.json, *.bvh, *.glb, *.npz and *.fbx of the folder that looks like a clip (ami_clip_looks_like) is a
 * motion, and so is its mirror image; other files are ignored. Every pair of walking loops (both mirrored or
 * both not) is blended at weights 1/8 … 7/8. If there are more than AMI_FIT_MAX_PAIRS pairs, about that many
 * are chosen by the clips' checksum, with equally many for every loop.
 *
 * Held out (depends on the clips only):
 * - motions named by --hold-out and their mirror images, entirely;
 * - of other loops, windows that start in [.20, .25) or [.70, .75) of the loop;
 * - of other clips, the last fifth, with which no training window overlaps;
 * - blends at weight 1/2.
 * Training windows cover all of a loop that is shorter than a window, so in its held-out windows only the
 * alignment is new. To measure generalisation, hold out a whole clip. */
#ifndef AMI_LEARN_FIT_DATA_H
#define AMI_LEARN_FIT_DATA_H

#include "motion/gait.h"

#include "base/rng.h"

enum { AMI_FIT_MAX_PAIRS = 300 };

typedef struct ami_fit_blend {
    int a, b; /* motions */
    double weight;
    bool held;
    ami_gait *gait;
} ami_fit_blend;

typedef struct ami_fit_data {
    int motions;       /* clips and mirror images, alternating */
    ami_gait **motion; /* (motions) */
    bool *held;        /* (motions) entirely held out */
    int blends;
    ami_fit_blend *blend;     /* (blends) */
    int left_out;             /* ignored files: not clips of this body */
    char left_out_names[512]; /* of the first ones, printable, separated by commas */
    uint32_t crc;             /* of the clips and the held-out part; a resumed fit needs the same */
} ami_fit_data;

/* held_out: names separated by commas, or NULL. NULL and a sentence if the folder cannot be read or has no
 * clips, a clip is invalid or too short, a name is unknown, or everything that walks is held out. */
ami_fit_data *ami_fit_data_read(const ami_skeleton *skeleton, const char *folder, const char *held_out,
                                ami_error *err);
void ami_fit_data_destroy(ami_fit_data *data); /* NULL is fine */

/* Whether [t0, t0 + span) s of a motion is for training, or held out. A window across the border is
 * neither. */
bool ami_fit_trains(const ami_fit_data *data, int motion, double t0, double span);
bool ami_fit_held(const ami_fit_data *data, int motion, double t0, double span);

/* Kinds of motion, for random draws. */
typedef enum ami_fit_kind {
    AMI_FIT_WALKING_LOOP,
    AMI_FIT_WALKING,
    AMI_FIT_OTHER_LOOP,
    AMI_FIT_OTHER
} ami_fit_kind;
ami_fit_kind ami_fit_kind_of(const ami_gait *gait);

/* Draws a training motion of this kind and a time t0 such that `span` s (at rate 1) fit in. Returns the
 * motion's index, or -1 if there is none. Longer clips are drawn more often. */
int ami_fit_draw(const ami_fit_data *data, ami_fit_kind kind, double span, ami_rng *rng, double *t0);

#endif
