/* A skill: an actor with the motion it follows, its critic if there is one, and the scratch memory to run
 * them for a crowd. The motion is a clip, or invented while it is followed: then every character has a
 * generator of its own (policy/generator.h), and what is chosen among is styles.
 *
 * Const for everybody but the thread that steps the session it was given to (scratch). All skills of a
 * session share one character, so they must want the same physics and control rates; one that wants others is
 * refused. */
#ifndef AMB_POLICY_SKILL_H
#define AMB_POLICY_SKILL_H

#include "policy/controller.h"
#include "policy/generator.h"

/* GROUP: characters whose networks run together. PHASES: moments of a clip that are tried as entry when
 * skills change. */
enum { AMB_SKILL_GROUP = 8, AMB_SKILL_PHASES = 32, AMB_SKILLS = 9 };

typedef struct amb_skill {
    char name[64];
    char path[4096]; /* of the actor; empty without one */
    bool has_policy; /* false: zero actions, the joints track the motion and nothing balances */
    amb_policy policy;
    amb_model *critic;         /* NULL: none */
    bool invents;              /* motions */
    amb_clip *clip;            /* NULL where they are invented */
    amb_generator **generator; /* (characters), there */
    amb_cycle_room **room;     /* (groups), there */
    char *initial;             /* (characters, amb_generator_save_size), there: how the generators began */
    unsigned may_touch;
    double speed; /* m/s: of the clip, 0 where it does not loop or is invented */
    int characters, groups;
    amb_controller *controller; /* (groups) */
    void *workspace;            /* the critic's, for one row */
    float *obs, *value;         /* (AMB_OBS_MAX), (1) */
} amb_skill;

typedef struct amb_skill_def {
    const char *policy;             /* ONNX file; NULL: no network */
    const char *critic;             /* NULL: STEM_critic.onnx, or critic.onnx, beside the policy, if it is
                                       there */
    const char *motion;             /* name or file; NULL: what the policy's metadata say, else walk */
    bool invents;                   /* motions are invented, whatever the policy was trained on */
    const char *clips;              /* folder, NULL: as amb_clip_find */
    const char *may_touch;          /* as `amble rollout --may-touch` */
    const amb_character *character; /* whose physics rate the policy must want; NULL: not checked, and
                                       may_touch is feet */
    int substeps;                   /* control rate that the policy must want; 0: any */
    int characters;                 /* to make scratch memory for */
} amb_skill_def;

/* NULL and a sentence where something is missing or does not fit. One that invents motions (asked for, or
 * trained on invented ones and no motion is given) needs amb_skill_invent before it is used. */
amb_skill *amb_skill_load(const amb_skill_def *def, amb_error *err);

/* Makes the generators of a skill that invents motions, with their first motions. What the definition points
 * to must outlive them. */
bool amb_skill_invent(amb_skill *skill, const amb_generator_def *def, amb_error *err);
void amb_skill_free(amb_skill *skill); /* NULL is fine */

/* The actors among amble's models, walk and run first, then by name: paths[n][4096]. Critics and other
 * networks are left out. Returns how many there are, at most `max`. */
int amb_skill_find(char (*paths)[4096], int max);

/* Value of a state under the critic, NaN without one. */
double amb_skill_value(const amb_skill *skill, const amb_env *env);

/* What a character follows now, or did when it last had this skill. */
const amb_clip *amb_skill_clip(const amb_skill *skill, int character);

/* Whether the motion goes on for ever. */
bool amb_skill_loops(const amb_skill *skill);

/* The `n` phases (at most AMB_SKILL_PHASES) at which the clip's pose is nearest to this one, the nearest
 * first. */
void amb_skill_entries(const amb_clip *clip, const amb_state *state, int n, double *phases);

#endif
