/* A skill: an actor with the motion it follows, its critic if there is one, and the scratch memory to run
 * them for a crowd. The motion is a clip, or invented while it is followed: then every character has a
 * generator of its own (policy/generator.h), and what is chosen among is styles.
 *
 * Const for everybody but the thread that steps the session it was given to (scratch). All skills of a
 * session share one character, so they must want the same physics and control rates; one that wants others is
 * refused. */
#ifndef AMI_POLICY_SKILL_H
#define AMI_POLICY_SKILL_H

#include "policy/controller.h"
#include "policy/generator.h"

/* GROUP: characters whose networks run together. PHASES: moments of a clip that are tried as entry when
 * skills change. */
enum { AMI_SKILL_GROUP = 8, AMI_SKILL_PHASES = 32, AMI_SKILLS = 9 };

typedef struct ami_skill {
    char name[64];
    char path[4096]; /* of the actor; empty without one */
    bool shared;     /* policy, critic and clip are another skill's */
    bool has_policy; /* false: zero actions, the joints track the motion and nothing balances */
    ami_policy policy;
    ami_model *critic;         /* NULL: none */
    bool invents;              /* motions */
    ami_clip *clip;            /* NULL where they are invented */
    ami_generator **generator; /* (characters), there */
    ami_cycle_room **room;     /* (groups), there */
    char *initial;             /* (characters, ami_generator_save_size), there: how the generators began */
    unsigned may_touch;
    double speed; /* m/s: of the clip, 0 where it does not loop or is invented */
    int characters, groups;
    ami_controller *controller; /* (groups) */
    void *workspace;            /* the critic's, for one row */
    float *obs, *value;         /* (AMI_OBS_MAX), (1) */
} ami_skill;

typedef struct ami_skill_def {
    const char *policy;             /* ONNX file; NULL: no network */
    const char *critic;             /* NULL: STEM_critic.onnx, or critic.onnx, beside the policy, if it is
                                       there */
    const char *motion;             /* name or file; NULL: what the policy's metadata say, else walk */
    bool invents;                   /* motions are invented, whatever the policy was trained on */
    const char *clips;              /* folder, NULL: as ami_clip_find */
    const char *may_touch;          /* as `amble rollout --may-touch` */
    const ami_character *character; /* whose physics rate the policy must want; NULL: not checked, and
                                       may_touch is feet */
    int substeps;                   /* control rate that the policy must want; 0: any */
    int characters;                 /* to make scratch memory for */
    bool no_critic;                 /* none is loaded, even where there is one */
} ami_skill_def;

/* NULL and a sentence where something is missing or does not fit. One that invents motions (asked for, or
 * trained on invented ones and no motion is given) needs ami_skill_invent before it is used. */
ami_skill *ami_skill_load(const ami_skill_def *def, ami_error *err);

/* The same actor, critic and motion with scratch memory of its own for so many characters, for another
 * session at the same time. `of` must outlive it. Where motions are invented it needs ami_skill_invent, too. */
ami_skill *ami_skill_share(const ami_skill *of, int characters, ami_error *err);

/* Makes the generators of a skill that invents motions, with their first motions. What the definition points
 * to must outlive them. */
bool ami_skill_invent(ami_skill *skill, const ami_generator_def *def, ami_error *err);
void ami_skill_free(ami_skill *skill); /* NULL is fine */

/* The actors among amble's models, walk and run first, then by name: paths[n][4096]. Critics and other
 * networks are left out. Returns how many there are, at most `max`. */
int ami_skill_find(char (*paths)[4096], int max);

/* Value of a state under the critic, NaN without one. */
double ami_skill_value(const ami_skill *skill, const ami_env *env);

/* What a character follows now, or did when it last had this skill. */
const ami_clip *ami_skill_clip(const ami_skill *skill, int character);

/* Whether the motion goes on for ever. */
bool ami_skill_loops(const ami_skill *skill);

/* The `n` phases (at most AMI_SKILL_PHASES) at which the clip's pose is nearest to this one, the nearest
 * first. */
void ami_skill_entries(const ami_clip *clip, const ami_state *state, int n, double *phases);

#endif
