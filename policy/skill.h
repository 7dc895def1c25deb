/* A skill: an actor, its critic if there is one, the motion it follows, and the scratch memory to run them
 * for several characters. The motion is a clip, or invented: then each character has a generator
 * (policy/generator.h), and users choose styles.
 *
 * Only the thread that steps the skill's session may change it (scratch memory); for others it is const. All
 * skills of a session use one character model, so they need the same physics and control rates; a skill with
 * other rates is refused. */
#ifndef AMI_POLICY_SKILL_H
#define AMI_POLICY_SKILL_H

#include "base/text.h"
#include "policy/controller.h"
#include "policy/generator.h"

/* GROUP: characters in a batch of the networks. PHASES: phases of a clip that are candidates for the start
 * when the skill changes. SKILLS: max in a session. */
enum { AMI_SKILL_GROUP = 8, AMI_SKILL_PHASES = 32, AMI_SKILLS = 24 };

typedef struct ami_skill {
    char name[64];
    char path[4096]; /* of the actor; empty without one */
    bool shared;     /* policy, critic and clip belong to another skill */
    bool has_policy; /* false: zero actions; the joints track the motion without balance */
    ami_policy policy;
    ami_model *critic;         /* NULL: none */
    bool invents;              /* motions are invented */
    bool ends;                 /* the motion is done once: by the table of skills beside the actor
                                              (policy/skill_table.h), else because the clip does not loop */
    char then[AMI_NAME];       /* the skill that follows a motion that ends; empty: what was before */
    ami_clip *clip;            /* NULL if motions are invented */
    ami_generator **generator; /* (characters), if motions are invented */
    ami_cycle_workspace **cycle_workspace; /* (groups) */
    char *initial; /* (characters, ami_generator_save_size): initial states of the generators */
    unsigned may_touch;
    double speed; /* m/s, of the clip; 0 if it does not loop or motions are invented */
    int characters, groups;
    ami_controller *controller; /* (groups) */
    void *workspace;            /* the critic's, for one row */
    float *obs, *value;         /* (AMI_OBS_MAX), (1) */
} ami_skill;

typedef struct ami_skill_def {
    const char *policy;    /* ONNX file; NULL: no network */
    const char *name;      /* of the skill in the table beside the network (policy/skill_table.h), which may
                                       do several; NULL: the network's only one, if it has one there */
    const char *critic;    /* NULL: NAME_critic.onnx or critic.onnx in the policy's folder, if one
                                       exists */
    const char *motion;    /* name or file; NULL: the motion in the table of skills, else in the
                                       policy's metadata, else walk */
    bool invents;          /* motions are invented, whatever the policy was trained on */
    const char *clips;     /* folder, NULL: as ami_clip_find */
    const char *may_touch; /* as `amble rollout --may-touch` */
    const ami_character *character; /* the policy's physics rate must be its rate; NULL: not checked, and
                                       may_touch is feet */
    int substeps;                   /* the policy's must be the same; 0: any */
    int characters;                 /* that the scratch memory is for */
    bool no_critic;                 /* do not load a critic */
    const ami_model_def *model;     /* how the policy's network is packed; NULL: ami_model_default_def */
} ami_skill_def;

/* NULL and a sentence if something is missing or does not fit. A skill invents motions if the definition
 * requests it, or if no motion is given and the policy was trained on invented ones; then call
 * ami_skill_invent before its first use. */
ami_skill *ami_skill_load(const ami_skill_def *def, ami_error *err);

/* A skill that uses the same actor, critic and motion, with its own scratch memory for `characters`, for a
 * concurrent session. `of` must outlive it. If motions are invented, it needs ami_skill_invent, too. */
ami_skill *ami_skill_share(const ami_skill *of, int characters, ami_error *err);

/* Creates the generators of a skill that invents motions, and their first motions. The targets of the
 * definition's pointers must outlive the skill. */
bool ami_skill_invent(ami_skill *skill, const ami_generator_def *def, ami_error *err);
void ami_skill_free(ami_skill *skill); /* NULL is fine */

/* Value of a state under the critic, NaN without one. */
double ami_skill_value(const ami_skill *skill, const ami_env *env);

/* The clip that a character follows with this skill, or followed when it last had this skill. */
const ami_clip *ami_skill_clip(const ami_skill *skill, int character);

/* Whether the motion has no end: a loop, or invented. */
bool ami_skill_loops(const ami_skill *skill);

/* Phases at which the clip's pose is nearest to the state's, the nearest first: of AMI_SKILL_PHASES in [0, 1)
 * those up to `last`. Writes at most n, and returns how many. */
int ami_skill_entries(const ami_clip *clip, const ami_state *state, double last, int n, double *phases);

#endif
