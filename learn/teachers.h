/* Teachers: actors that follow one style well each. A policy for all styles that trains with them learns from
 * what they would do beside what its own reward teaches (kickstarting, Schmitt et al. 2018): the policy acts,
 * in states of its own, and a teacher is asked where exactly its style is followed, not a blend or the way to
 * another one. */
#ifndef AMB_LEARN_TEACHERS_H
#define AMB_LEARN_TEACHERS_H

#include "policy/controller.h"
#include "policy/cycle.h"

typedef struct amb_teacher {
    amb_latent latent; /* of its style */
    amb_policy policy;
} amb_teacher;

typedef struct amb_teachers {
    int count;
    amb_teacher *teacher; /* (count) */
    uint32_t crc;         /* of styles' names and files */
} amb_teachers;

/* "STYLE=FILE": the actor in FILE teaches the table's style. False and a sentence for an unknown style, one
 * that has a teacher already, or a file that is no actor; the teachers are as before then. */
bool amb_teachers_add(amb_teachers *teachers, const amb_styles *styles, const char *text, amb_error *err);
void amb_teachers_free(amb_teachers *teachers);

/* The teacher of the style with this latent; NULL: none. */
const amb_policy *amb_teachers_of(const amb_teachers *teachers, const amb_latent *latent);

#endif
