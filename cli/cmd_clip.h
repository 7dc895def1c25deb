/* What amble clip's files share. */
#ifndef AMI_CLI_CMD_CLIP_H
#define AMI_CLI_CMD_CLIP_H

#include "motion/clip.h"
#include "options/options.h"

/* amble clip style: the style latents of clips and their nearest named styles. encoder, styles_file: files,
 * NULL: amble's own. Returns the exit status. */
int clip_style(const cli_common *common, char **names, int count, const char *encoder,
               const char *styles_file);

/* amble clip convert, map and compare, with their own command lines. Return the exit status. */
int clip_convert(int argc, char **argv);
int clip_map(int argc, char **argv);
int clip_compare(int argc, char **argv);

#endif
