/* Teachers: actors that follow one style well each. A policy for all styles that trains with them learns from
 * what they would do beside what its own reward teaches (kickstarting, Schmitt et al. 2018): the policy acts,
 * in states of its own, and a teacher is asked where exactly its style is followed, not a blend or the way to
 * another one. */
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

/* "STYLE=FILE": the actor in FILE teaches the table's style. False and a sentence for an unknown style, one
 * that has a teacher already, or a file that is no actor; the teachers are as before then. */
bool ami_teachers_add(ami_teachers *teachers, const ami_styles *styles, const char *text, ami_error *err);
void ami_teachers_free(ami_teachers *teachers);

/* The teacher of the style with this latent; NULL: none. */
const ami_policy *ami_teachers_of(const ami_teachers *teachers, const ami_latent *latent);

#endif
