/* Teachers: actors of which each follows one style well. The loss of a policy for all styles can include its
 * distance from the teachers' actions, besides its own reward (kickstarting, Schmitt et al. 2018). States
 * come from the policy; a teacher gives its action only while exactly its style is followed, not during
 * blends or transitions. */
#ifndef AMI_LEARN_TEACHERS_H
#define AMI_LEARN_TEACHERS_H

#include "policy/controller.h"
#include "policy/cycle.h"

typedef struct ami_teacher {
    ami_latent latent; /* of its style */
    ami_policy policy;
} ami_teacher;

typedef struct ami_teachers {
    int count;
    ami_teacher *teacher; /* (count) */
    uint32_t crc;         /* of styles' names and files */
} ami_teachers;

/* Adds a teacher, "STYLE=FILE": a style of the table and an actor's file. False and a sentence if the style
 * is unknown or already has a teacher, or the file is not an actor; then the teachers are unchanged. */
bool ami_teachers_add(ami_teachers *teachers, const ami_styles *styles, const char *text, ami_error *err);
void ami_teachers_free(ami_teachers *teachers);

/* The teacher of the style with this latent; NULL: none. */
const ami_policy *ami_teachers_of(const ami_teachers *teachers, const ami_latent *latent);

#endif
