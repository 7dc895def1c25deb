/* What model_set.c and character.c share. */
#ifndef AMB_LIB_CHARACTER_H
#define AMB_LIB_CHARACTER_H

#include <amble/character.h>

#include "policy/followed.h"
#include "policy/skill.h"

#include <stdatomic.h>

struct amb_model_set {
    ami_character *body;
    ami_motions motions; /* for a first skill that generates motions */
    bool has_styles;
    ami_skill *skill[AMI_SKILLS]; /* without scratch memory; characters have their own */
    int skills;
    uint64_t fingerprint;  /* of all files it was loaded from */
    atomic_int characters; /* that use it */
};

#endif
