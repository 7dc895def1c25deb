/* Teachers: actors of which each follows one style or clip well. The loss of a policy for all of them can
 * include its distance from the teachers' actions, besides its own reward (kickstarting, Schmitt et al. 2018).
 * States come from the policy; a teacher gives its action only while exactly its style or clip is followed, not
 * during blends or transitions of styles. */
#ifndef AMI_LEARN_TEACHERS_H
#define AMI_LEARN_TEACHERS_H

#include "policy/controller.h"
#include "policy/cycle.h"

typedef struct ami_teacher {
    ami_latent latent; /* of its style, or ... */
    int clip;          /* ... the number of its clip, or -1 */
    int policy;        /* number of the network */
} ami_teacher;

typedef struct ami_teachers {
    int count;
    ami_teacher *teacher; /* (count) */
    int policies;
    ami_policy **policy; /* (policies) of which each may serve several teachers */
    uint32_t crc;        /* of the names of styles or clips and of the files */
} ami_teachers;

/* What may have teachers: styles, or clips. */
typedef struct ami_teachable {
    const ami_styles *styles; /* or NULL: */
    const char *const *clip;  /* (clips) names */
    int clips;
} ami_teachable;

/* Adds teachers, "NAMES=FILE": styles or clips, separated by commas, and an actor's file. False and a sentence if
 * one is unknown or already has a teacher, or the file is not an actor; then the teachers are unchanged. */
bool ami_teachers_add(ami_teachers *teachers, const ami_teachable *what, const char *text, ami_error *err);
void ami_teachers_free(ami_teachers *teachers);

/* The teacher of the style with this latent, of a clip; NULL: none. */
const ami_policy *ami_teachers_of(const ami_teachers *teachers, const ami_latent *latent);
const ami_policy *ami_teachers_of_clip(const ami_teachers *teachers, int clip);

#endif
