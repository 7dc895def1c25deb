/* What the parts of `amble style` share. */
#ifndef AMI_CLI_CMD_STYLE_H
#define AMI_CLI_CMD_STYLE_H

#include "options/options.h"
#include "policy/followed.h"

enum { STYLE_PICTURES_MOST = 23 }; /* styles that can be distinguished in a picture */

/* What the tables of `amble style plot` are made of, and what the scripts need to know of them. */
typedef struct style_pictures {
    const ami_motions *motions;
    const ami_stylevae *encoder;
    int between[2];                    /* styles whose half-way blend is drawn, in the table's order */
    double at[STYLE_PICTURES_MOST][2]; /* (styles): the named ones on the map */
    double share[2];                   /* of the variance of the named latents, on the map's axes */
    int mixed, fails;                  /* blends on the map, and how many of them give no usable motion */
} style_pictures;

/* ---- cmd_style_add.c ---- */

typedef struct style_addition {
    const char *name, *file;             /* of the style; a motion that walks */
    const char *clips, *table, *encoder; /* as the options give them, or NULL */
    const char *out;                     /* the new table; NULL: `table` itself */
    const char *json;                    /* what is printed as JSON; NULL: not written */
    bool replace, force; /* an older style of this name; also where its motion is not usable */
} style_addition;

/* Adds it, writes the table as a whole or not at all, and prints what it is like. */
bool style_add(const ami_motions *motions, const style_addition *a, ami_error *err);

/* ---- cmd_style_plot.c ---- */

/* `between` is "A,B", or NULL for the two styles that are farthest apart. Writes the
 * tables, and the scripts that draw them, into the folder, which is made; then draws. `json`, a file that the
 * caller writes (NULL: none), is checked before. */
bool style_plot(const ami_motions *motions, const ami_stylevae *encoder, const char *between,
                const char *folder, const char *json, json_t *facts, ami_error *err);

/* ---- cmd_style_draw.c: scripts for gnuplot, and its run on them. It calls nothing of the above. ---- */

bool style_write_scripts(const style_pictures *pictures, const char *folder, ami_error *err);
bool style_draw(const char *folder, ami_error *err);

/* A name as it can stand in a table and in a picture: without control characters. */
const char *style_plain_name(const ami_motions *motions, int style, char plain[AMI_NAME]);

/* FOLDER/NAME with this text. */
bool style_write_text(const char *folder, const char *name, const char *text, size_t size, ami_error *err);

#define STYLE_PHASE_NAME "styles-phase" /* .tsv, .gp, .png */
#define STYLE_MAP_NAME "styles-map"

#endif
