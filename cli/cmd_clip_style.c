/* amble clip style: what StyleVAE's encoder makes of clips that walk, and which named styles are nearest. */
#include "cli/cmd_clip.h"

#include "policy/models.h"
#include "policy/styles.h"
#include "sim/character.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_SIZE = 4096, SHOWN = 3 };

static json_t *style_json(const ami_style *style, const char *path, const ami_styles *styles,
                          const ami_style_near *near)
{
    json_t *o = json_object(), *list = json_array(), *latent = json_array();
    for (int i = 0; i < styles->count; i++) {
        json_t *one = json_object();
        json_object_set_new(one, "style", json_string(styles->style[near[i].style].name));
        json_object_set_new(one, "distance", cli_real(near[i].distance));
        json_array_append_new(list, one);
    }
    for (int k = 0; k < AMI_STYLE_SIZE; k++)
        json_array_append_new(latent, cli_real((double)style->z[k]));
    json_object_set_new(o, "clip", json_string(style->clip));
    json_object_set_new(o, "file", cli_text(path));
    json_object_set_new(o, "period_s", cli_real(style->period));
    json_object_set_new(o, "speed_mps", cli_real(style->speed));
    json_object_set_new(o, "scale", cli_real(style->scale));
    json_object_set_new(o, "spread", cli_real(style->spread));
    json_object_set_new(o, "nearest", list);
    json_object_set_new(o, "latent", latent);
    return o;
}

static void print_style(const ami_style *style, const ami_styles *styles, const ami_style_near *near)
{
    printf("%-20s %8.3f %6.2f %6.2f %7.3f ", style->clip, style->period, style->speed, style->scale,
           style->spread);
    for (int i = 0; i < styles->count && i < SHOWN; i++)
        printf("%s %s %.2f", i ? "," : "", styles->style[near[i].style].name, near[i].distance);
    putchar('\n');
}

/* One clip: its style, and the named ones by their distance. */
static bool one_clip(const cli_common *common, const char *name, const ami_character *character,
                     const ami_stylevae *vae, const ami_styles *styles, bool table, bool *headed,
                     json_t *list, ami_error *err)
{
    char path[PATH_SIZE];
    ami_style style;
    ami_clip *clip =
        ami_clip_find(name, common->clips, path, PATH_SIZE, err) ? ami_clip_read(path, err) : NULL;
    ami_gait *gait = clip ? ami_gait_create(&character->skeleton, clip, err) : NULL;
    ami_style_near *near = calloc((size_t)styles->count, sizeof *near);
    const bool ok = gait && near && ami_style_of_gait(vae, gait, &style, err);
    if (ok) {
        ami_styles_nearest(styles, style.z, near);
        json_array_append_new(list, style_json(&style, path, styles, near));
        if (table && !*headed)
            printf("%-20s %8s %6s %6s %7s  %s\n", "motion", "period s", "m/s", "scale", "spread",
                   "nearest styles and their distances");
        *headed = true;
        if (table)
            print_style(&style, styles, near);
    }
    free(near);
    ami_gait_destroy(gait);
    ami_clip_destroy(clip);
    return ok;
}

int clip_style(const cli_common *common, char **names, int count, const char *encoder,
               const char *styles_file)
{
    ami_error err = {""};
    char encoder_path[PATH_SIZE], styles_path[PATH_SIZE];
    ami_stylevae vae = {.encoder = NULL};
    const ami_character_def def = ami_character_default_def();
    const bool found =
        ami_find_model(encoder ? encoder : "stylevae_encoder.onnx", encoder_path, PATH_SIZE, &err) &&
        ami_find_table(styles_file ? styles_file : "styles.json", styles_path, PATH_SIZE, &err);
    ami_styles *styles = found ? ami_styles_read(styles_path, &err) : NULL;
    ami_character *character = styles && ami_stylevae_load(&vae, encoder_path, NULL, NULL, &err)
                                   ? ami_character_create(&def, &err)
                                   : NULL;
    json_t *list = json_array();
    const bool table = !common->json || strcmp(common->json, "-") != 0;
    bool headed = false;
    int status = character && list ? EXIT_SUCCESS : cli_fail(&err);
    for (int i = 0; character && list && i < count; i++)
        if (!one_clip(common, names[i], character, &vae, styles, table, &headed, list, &err))
            status = cli_fail(&err);
    if (character && !cli_write_json(common->json, list, &err))
        status = cli_fail(&err);
    else if (!character)
        json_decref(list);
    ami_character_destroy(character);
    ami_stylevae_free(&vae);
    ami_styles_destroy(styles);
    return status;
}
