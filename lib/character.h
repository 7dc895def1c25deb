/* What model_set.c and character.c share. */
#ifndef AMB_LIB_CHARACTER_H
#define AMB_LIB_CHARACTER_H

#include <amble/character.h>

#include "policy/followed.h"
#include "policy/get_up.h"

#include <stdatomic.h>

struct amb_model_set {
    ami_character *body;
    ami_motions motions; /* for a first skill that generates motions */
    bool has_styles;
    ami_skill *skill[AMI_SKILLS]; /* without scratch memory; characters have their own */
    int skills;
    ami_skill *get_up[AMI_FACES]; /* NULL: not there */
    ami_error no_get_up;          /* why */
    uint64_t fingerprint;         /* of all files it was loaded from */
    atomic_int characters;        /* that use it */
};

#endif
