/* What model_set.c and character.c share. */
#ifndef AMB_LIB_CHARACTER_H
#define AMB_LIB_CHARACTER_H

#include <amble/character.h>

#include "policy/followed.h"
#include "policy/skill.h"

#include <stdatomic.h>

struct amb_model_set {
    ami_character *body;
    ami_motions motions; /* where the first skill invents */
    bool has_styles;
    ami_skill *skill[AMI_SKILLS]; /* without scratch memory for characters of their own */
    int skills;
    uint64_t fingerprint;  /* of all files behind it */
    atomic_int characters; /* that are made of it */
};

#endif
