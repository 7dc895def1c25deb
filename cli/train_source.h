/* What `amble train` trains on: one or more clips, or styles, and their teachers. */
#ifndef AMI_CLI_TRAIN_SOURCE_H
#define AMI_CLI_TRAIN_SOURCE_H

#include "cli/train_arguments.h"
#include "learn/train.h"

/* One motion of --motion, or the styles. */
typedef struct train_motion {
    ami_followed followed;
    char *text; /* a copy of the clip in amble's format, where its file has another; or NULL */
} train_motion;

typedef struct train_source {
    int count;            /* 1 or more */
    train_motion *motion; /* (count) more than one: all are clips */
    ami_train_clip *clip; /* (count) */
    unsigned may_touch;   /* with styles */
    ami_styles one;       /* the style that is drawn, if it is only one */
    ami_teachers teachers;
    ami_origin origin; /* the checkpoint that is resumed */
    ami_listed_motion *listed;
} train_source;

/* Loads all. `resumed`: the checkpoint of --resume, or NULL; then the motions must be its own. False and a sentence
 * on error. */
bool train_source_load(const train_arguments *arguments, const ami_checkpoint *resumed,
                       const ami_character *character, train_source *source, ami_error *err);
void train_source_free(train_source *source);

/* Collective. A training on it; the source must outlive it. */
ami_train *train_source_create(train_source *source, const ami_settings *settings,
                               const ami_character *character, ami_error *err);

/* Copies clips, or files of styles, into the run folder. */
bool train_source_keep(const train_source *source, const train_arguments *arguments, const char *folder,
                       ami_error *err);

#endif
