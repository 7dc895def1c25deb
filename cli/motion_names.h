/* Lists of motions on the command line: --motion walk,run --motion dance.bvh. */
#ifndef AMI_CLI_MOTION_NAMES_H
#define AMI_CLI_MOTION_NAMES_H

#include "base/error.h"

typedef struct motion_names {
    char *text;        /* all, separated by zeros */
    const char **name; /* (count) */
    int count;
} motion_names;

/* Divides the texts of --motion (given, each) at their commas, but not one that is an existing file. False and a
 * sentence if nothing is between two commas, or memory is short; to be freed in any case. */
bool motion_names_split(const char *const *text, int given, motion_names *names, ami_error *err);
void motion_names_free(motion_names *names);

#endif
