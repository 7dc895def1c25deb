/* The table of skills of a folder of models, skills.json: which networks are skills, which motion each follows,
 * whether that loops or is done once, and what follows it.
 *
 *   {"skills": [
 *     {"name": "run", "network": "run.onnx", "motion": "run", "plays": "loop"},
 *     {"name": "backflip", "network": "backflip.onnx", "motion": "backflip", "plays": "once", "then": "previous"}
 *   ]}
 *
 * "network" is a file in the table's folder. "motion" is a clip's name or file as for --motion; without it, the
 * motion that the network was trained on. "plays" decides, whatever the clip says: many clips of a single jump are
 * written as loops. "then" is for "once": "previous" (the default), the motion before it, or the name of a skill.
 * Keys and buttons are not in the table; programs count its skills in its order.
 *
 * A folder without a table is fine: then a skill loops if its clip does, and the motion before it follows it. */
#ifndef AMI_POLICY_SKILL_TABLE_H
#define AMI_POLICY_SKILL_TABLE_H

#include "base/error.h"
#include "base/text.h"

enum { AMI_SKILL_TABLE_MAX = 64 };

typedef struct ami_skill_entry {
    char name[AMI_NAME], network[256];
    char motion[1024]; /* empty: what the network was trained on */
    bool once;
    char then[AMI_NAME]; /* empty: the motion before it */
} ami_skill_entry;

typedef struct ami_skill_table {
    int count;
    ami_skill_entry entry[AMI_SKILL_TABLE_MAX];
} ami_skill_table;

/* Reads and checks a table. False and a sentence: which file and skill, what was found, what was expected. */
AMI_MUST_CHECK bool ami_skill_table_read(ami_skill_table *table, const char *path, ami_error *err);

/* Reads the table in the folder of this file, such as a network's; an empty one if there is none. */
AMI_MUST_CHECK bool ami_skill_table_beside(ami_skill_table *table, const char *file, ami_error *err);

/* Number of entries of a network, by its file's name without the folder; *entry gets the first, if there is one
 * (NULL: not wanted). One network may do several skills. */
int ami_skill_table_network(const ami_skill_table *table, const char *path, const ami_skill_entry **entry);

/* The entry of a skill; NULL: there is none. */
const ami_skill_entry *ami_skill_table_skill(const ami_skill_table *table, const char *name);

/* A skill among amble's models: what ami_skill_def needs to load it. */
typedef struct ami_skill_place {
    char name[AMI_NAME]; /* the table's, or the file's without its ending */
    char path[4096];     /* of its network */
} ami_skill_place;

/* Finds the skills among amble's models: first those of their table, in its order; then other actors, without
 * critics and other networks, walk and run first, by name. place (max); *count: their number, at most `max`. False
 * and a sentence if the table is wrong. */
AMI_MUST_CHECK bool ami_skill_find(ami_skill_place *place, int max, int *count, ami_error *err);

/* Finds one of them by name, the styles' own actor excepted. The sentence for an unknown name lists the known
 * ones. */
AMI_MUST_CHECK bool ami_skill_find_one(const char *name, ami_skill_place *place, ami_error *err);

#endif
