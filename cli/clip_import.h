/* The options of retargeting a motion to the humanoid, and the report about it: shared by amble
 * clip's verbs. */
#ifndef AMI_CLI_CLIP_IMPORT_H
#define AMI_CLI_CLIP_IMPORT_H

#include "motion/retarget.h"

#include <argp.h>
#include <jansson.h>
#include <stdio.h>

typedef struct clip_import {
    ami_retarget_def def;
    const char *map_file;
    char *map; /* its text, after clip_import_load */
} clip_import;

/* An argp child: --map, --up, --scale, --facing, --rest, --feet. Its input is a clip_import, set up by
 * ARGP_KEY_INIT. Of keys from 0x20000 on. */
extern const struct argp clip_import_argp;

/* Reads the map file, if one was given. */
bool clip_import_load(clip_import *import, ami_error *err);
void clip_import_free(clip_import *import);

/* The report as JSON: null where nothing was retargeted. */
json_t *clip_import_json(const ami_retarget_report *report);

/* "up y, centimetres, rest pose: zero pose, ..." in one line. Returns text. */
const char *clip_import_line(const ami_retarget_report *report, char *text, size_t size);

/* A line for each joint. */
void clip_import_print(const ami_retarget_report *report, FILE *to);

#endif
