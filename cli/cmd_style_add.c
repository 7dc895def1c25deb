/* amble style add: the style of a motion of one's own, as a new name in a table. */
#include "cli/cmd_style.h"

#include "motion/edit.h"
#include "options/style.h"
#include "policy/models.h"
#include "policy/motion.h"
#include "policy/style_motion.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, SHOWN = 3 };

/* Replaces the style of that name, or appends it. */
static bool put(ami_styles *styles, const ami_style *style, bool replace, const char *table, ami_error *err)
{
    for (int i = 0; i < styles->count; i++)
        if (!strcmp(styles->style[i].name, style->name)) {
            if (!replace)
                return ami_fail(err, "%s has a style \"%s\" already; --replace takes its place", table,
                                style->name);
            styles->style[i] = *style;
            return true;
        }
    ami_style *more = realloc(styles->style, ((size_t)styles->count + 1) * sizeof *more);
    if (!more)
        return ami_fail(err, "out of memory for %d styles", styles->count + 1);
    styles->style = more;
    styles->style[styles->count++] = *style;
    return true;
}

/* The style of the file's motion, and the motion that is invented from it: *invented is false, with the reason, where
 * that is not usable. */
static bool find_style(const ami_motions *m, const ami_stylevae *encoder, const char *file, const char *clips,
                       const char *name, ami_style *style, ami_cycle_facts *facts, ami_refusal *refusal,
                       ami_error *err)
{
    char path[PATH_SIZE];
    ami_clip *found = ami_load_motion(file, clips, NULL, path, sizeof path, err);
    /* A file that does not say whether it loops may hold less than a window of 2 s. */
    ami_clip *clip = found && !ami_clip_loops(found) ? ami_edit_loop(found, AMI_LOOP_AUTO, NULL, err) : found;
    if (clip != found)
        ami_clip_destroy(found);
    ami_gait *gait = clip ? ami_gait_create(m->nets.skeleton, clip, err) : NULL;
    bool ok = gait && ami_style_of_gait(encoder, gait, style, err);
    if (ok) {
        snprintf(style->name, sizeof style->name, "%s", name);
        ami_latent latent;
        ami_latent_of_style(style, &latent);
        ami_clip *motion = ami_style_motion(&m->nets, &latent, name, facts, refusal, err);
        ok = motion || *refusal != AMI_MOTION_OK;
        ami_clip_destroy(motion);
    }
    ami_gait_destroy(gait);
    ami_clip_destroy(clip);
    return ok;
}

static json_t *added_json(const char *table, const style_addition *a, const ami_styles *styles,
                          const ami_style *style, const ami_cycle_facts *facts, ami_refusal refusal)
{
    ami_style_near *near = calloc((size_t)styles->count, sizeof *near);
    json_t *list = json_array(), *motion = json_null();
    if (near)
        ami_styles_nearest(styles, style->z, near);
    for (int i = 0; near && i < styles->count; i++)
        if (strcmp(styles->style[near[i].style].name, style->name) != 0)
            json_array_append_new(list, json_pack("{s:s, s:o}", "style", styles->style[near[i].style].name,
                                                  "distance", cli_real(near[i].distance)));
    free(near);
    if (refusal == AMI_MOTION_OK)
        motion = json_pack("{s:o, s:o}", "period_s", cli_real(facts->period_s), "speed_mps",
                           cli_real(facts->speed));
    return json_pack(
        "{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "table", cli_text(table), "style", style->name,
        "file", cli_text(a->file), "period_s", cli_real(style->period), "speed_mps", cli_real(style->speed),
        "scale", cli_real(style->scale), "spread", cli_real(style->spread), "motion", motion, "refused",
        refusal == AMI_MOTION_OK ? json_null() : json_string(ami_refusal_text(refusal)), "nearest", list);
}

static void print_nearest(const ami_styles *styles, const ami_style *style)
{
    ami_style_near *near = calloc((size_t)styles->count, sizeof *near);
    if (!near)
        return;
    ami_styles_nearest(styles, style->z, near);
    for (int i = 0, shown = 0; i < styles->count && shown < SHOWN; i++)
        if (strcmp(styles->style[near[i].style].name, style->name) != 0)
            printf("%s%s %.2f", shown++ ? ", " : "; nearest: ", styles->style[near[i].style].name,
                   near[i].distance);
    free(near);
}

bool style_add(const ami_motions *motions, const style_addition *a, ami_error *err)
{
    char encoder_path[PATH_SIZE], table[PATH_SIZE];
    ami_stylevae encoder = {0};
    ami_style style = {.period = 0};
    ami_cycle_facts facts = {0};
    ami_refusal refusal = AMI_MOTION_OK;
    if (!ami_name_check(a->name, "style", err))
        return false;
    if (strpbrk(a->name, ":, "))
        return ami_fail(err,
                        "style: the name \"%s\" holds a colon, a comma or a blank, which separate the parts "
                        "of a mixture or of a schedule",
                        a->name);
    if (!a->out && !a->table)
        return ami_fail(
            err,
            "where to? -o FILE makes a new table of amble's own styles and this one; --styles FILE alone "
            "puts it into that table");
    if (!strcmp(a->name, "random") || !strcmp(a->name, "random-names") || !strcmp(a->name, "random-blends"))
        return ami_fail(err, "style: the name \"%s\" stands for styles that are drawn", a->name);
    /* A table that is there already is added to. */
    const char *from = a->table ? a->table : access(a->out, F_OK) == 0 ? a->out : "styles.json";
    if (!ami_find_table(from, table, sizeof table, err))
        return false;
    const char *out = a->out ? a->out : table;
    static const char *const tables[] = {".json", NULL};
    if (!cli_check_output(out, tables, err))
        return false;
    ami_styles *styles = ami_styles_read(table, err);
    bool ok = styles &&
              ami_find_model(a->encoder ? a->encoder : "stylevae_encoder.onnx", encoder_path,
                             sizeof encoder_path, err) &&
              ami_stylevae_load(&encoder, encoder_path, NULL, NULL, err) &&
              find_style(motions, &encoder, a->file, a->clips, a->name, &style, &facts, &refusal, err);
    if (ok && refusal != AMI_MOTION_OK && !a->force)
        ok = ami_fail(err,
                      "%s: the decoder's motion of this style is not usable (%s); train StyleVAE on it "
                      "(amble fit style), or "
                      "add it all the same with --force",
                      a->file, ami_refusal_text(refusal));
    ok = ok && put(styles, &style, a->replace, table, err) && ami_styles_write(styles, out, err);
    if (ok && (!a->json || strcmp(a->json, "-") != 0)) {
        printf("%s: %s, period %.2f s, %.2f m/s", out, style.name, style.period, style.speed);
        if (refusal == AMI_MOTION_OK)
            printf(" (invented: %.2f s, %.2f m/s)", facts.period_s, facts.speed);
        print_nearest(styles, &style);
        printf("\nUse it with --styles %s --style %s\n", out, style.name);
    }
    ok =
        ok && (!a->json || cli_write_json(a->json, added_json(out, a, styles, &style, &facts, refusal), err));
    ami_stylevae_free(&encoder);
    ami_styles_destroy(styles);
    return ok;
}
