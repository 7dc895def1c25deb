/* Options of the subcommands that can follow invented motions: --style and related ones, and their
 * networks. */
#ifndef AMI_OPTIONS_STYLE_H
#define AMI_OPTIONS_STYLE_H

#include "policy/followed.h"

#include <argp.h>

/* An argp child; its input is a ami_style_request that is zero. */
extern const struct argp cli_style_argp;

/* The same without --speed, which had another meaning in the viewer: --ground-speed alone. */
extern const struct argp cli_view_style_argp;

/* Only --decoder, --deepphase and --styles, and --style, for training. */
extern const struct argp cli_train_style_argp;

/* Only --decoder, --deepphase and --styles, for commands that show styles. */
extern const struct argp cli_style_files_argp;

/* Whether the given options are consistent: at most one of those that choose styles, and no other option
 * about styles without one. */
bool cli_style_check(const ami_style_request *style, const char *motion, ami_error *err);

#endif
