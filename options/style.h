/* What the subcommands that can follow invented motions share: --style and its relatives, and the networks
 * behind them. */
#ifndef AMI_OPTIONS_STYLE_H
#define AMI_OPTIONS_STYLE_H

#include "policy/followed.h"

#include <argp.h>

/* An argp child; its input is a ami_style_request that is zero. */
extern const struct argp cli_style_argp;

/* The same without --speed, which was time's in the viewer: --ground-speed alone. */
extern const struct argp cli_view_style_argp;

/* Only --decoder, --deepphase and --styles, and --style, for training. */
extern const struct argp cli_train_style_argp;

/* Only --decoder, --deepphase and --styles, for what shows styles. */
extern const struct argp cli_style_files_argp;

/* Whether what was given goes together: at most one way to say the style, and nothing about styles without
 * one. */
bool cli_style_check(const ami_style_request *style, const char *motion, ami_error *err);

#endif
