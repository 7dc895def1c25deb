/* What live characters can do, loaded once for all of them: the body, an actor for styles with the networks that
 * invent motions, skills, and getting up. */
#ifndef AMI_POLICY_REPERTOIRE_H
#define AMI_POLICY_REPERTOIRE_H

#include "policy/followed.h"
#include "policy/get_up.h"

typedef struct ami_repertoire_def {
    const char *locomotion; /* file or name; NULL: amble's locomotion */
    const ami_style_request *style;
    const char *clips;          /* folder, NULL: as ami_clip_find */
    const ami_model_def *model; /* how the locomotion's network is packed; NULL: ami_model_default_def */
    bool self_collision;
    bool critics; /* load the skills' critics */
    /* Names with commas, of the table of skills, of models or files; "none"; NULL: all of amble's own that are no
     * style, without those whose motions are not found, for which left_out is called. */
    const char *skills;
    const char *skills_from; /* what named them, for sentences; NULL: "--skills" */
    void (*left_out)(const char *name, const char *why); /* NULL is fine */
    bool get_up; /* load the actors that get up; a failure if they are missing */
} ami_repertoire_def;

typedef struct ami_repertoire {
    ami_character *body;
    ami_motions motions;
    bool has_motions;
    ami_skill *skill[AMI_SKILLS]; /* the first follows styles; without scratch memory for more than one
                                     character */
    int skills;
    ami_skill *get_up[AMI_FACES];
} ami_repertoire;

/* False and a sentence if something is missing or does not fit; then nothing needs to be freed. The strings and
 * structs of `def` must outlive it. */
AMI_MUST_CHECK bool ami_repertoire_load(ami_repertoire *repertoire, const ami_repertoire_def *def,
                                        ami_error *err);
void ami_repertoire_free(ami_repertoire *repertoire);

#endif
