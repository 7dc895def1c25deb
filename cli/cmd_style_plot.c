/* amble style plot: the tables behind the pictures.
 *
 * styles-phase.tsv: DeepPhase's trajectory of each named style's motion and of one half-way blend.
 * styles-map.tsv: the named latents, the blends of every two of them, and the encoder's latents of windows of
 * their motions, all on the plane of the named latents' first two principal components. Columns are named in
 * the first line; a table knows nothing of gnuplot. */
#include "cli/cmd_style.h"

#include "base/file.h"
#include "base/number.h"
#include "base/pca.h"
#include "policy/style_motion.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = STYLE_PICTURES_MOST, POINTS = 180, STEPS = 12, WINDOWS = 36 };

/* ---- phase ---- */

/* A row a point, the first one once more at the end. */
static void put_trajectory(FILE *out, int number, const char *name, double period, const ami_phase *phase)
{
    for (int i = 0; i <= POINTS; i++) {
        const ami_phase *p = &phase[i % POINTS], *next = &phase[(i + 1) % POINTS];
        ami_number_fprintf(out, "%d\t%s\t%.6f\t%.6f\t%.6f\t%.6f\t%.6f\t%.6f\t%.6f\t%.6f\n", number, name,
                           (double)i / POINTS, period * i / POINTS, p->x, p->y, next->x - p->x,
                           next->y - p->y, p->phase, p->amplitude);
    }
}

/* False only where memory is short; a latent that gives no motion is left out of the picture. */
static bool add_portrait(const style_pictures *p, const ami_latent *latent, int number, const char *name,
                         FILE *out, ami_error *err)
{
    ami_phase phase[POINTS];
    ami_refusal refusal;
    ami_clip *clip = ami_style_motion(&p->motions->nets, latent, name, NULL, &refusal, err);
    if (!clip)
        return refusal != AMI_MOTION_OK;
    const bool ok = ami_style_portrait(&p->motions->nets, clip, POINTS, phase, err);
    if (ok)
        put_trajectory(out, number, name, ami_clip_duration(clip), phase);
    ami_clip_destroy(clip);
    return ok;
}

static bool put_portraits(style_pictures *p, FILE *out, ami_error *err)
{
    const ami_styles *styles = p->motions->styles;
    ami_latent latent, other;
    char name[160], plain[2][AMI_NAME];
    fputs("number\tstyle\tshare\ttime_s\tx\ty\tdx\tdy\tphase\tamplitude\n", out);
    for (int i = 0; i < styles->count; i++) {
        ami_latent_of_style(&styles->style[i], &latent);
        if (!add_portrait(p, &latent, i, style_plain_name(p->motions, i, plain[0]), out, err))
            return false;
    }
    if (styles->count < 2)
        return true;
    ami_latent_of_style(&styles->style[p->between[0]], &latent);
    ami_latent_of_style(&styles->style[p->between[1]], &other);
    ami_latent_between(&latent, &other, .5, &latent);
    snprintf(name, sizeof name, "%s:0.5,%s:0.5", style_plain_name(p->motions, p->between[0], plain[0]),
             style_plain_name(p->motions, p->between[1], plain[1]));
    return add_portrait(p, &latent, styles->count, name, out, err);
}

/* ---- map ---- */

static const char map_head[] =
    "kind\tnumber\tstyle\tother\tweight\tstart\tpc1\tpc2\tusable\tperiod_s\tspeed_mps\tskate_mps\n";

/* One latent that a motion is made of: a name (other = style) or a blend. */
static bool put_latent(style_pictures *p, const ami_pca *pca, int style, int other, double weight, FILE *out,
                       ami_clip **motion, ami_error *err)
{
    const ami_styles *styles = p->motions->styles;
    char plain[2][AMI_NAME];
    ami_latent a, b, latent;
    ami_cycle_facts facts = {0};
    ami_refusal refusal;
    double at[2];
    ami_latent_of_style(&styles->style[style], &a);
    ami_latent_of_style(&styles->style[other], &b);
    ami_latent_between(&a, &b, weight, &latent);
    *motion = ami_style_motion(&p->motions->nets, &latent, styles->style[style].name, &facts, &refusal, err);
    if (!*motion && refusal == AMI_MOTION_OK)
        return false;
    ami_pca_project(pca, latent.z, at);
    if (style == other)
        memcpy(p->at[style], at, sizeof at);
    ami_number_fprintf(
        out, "%s\t%d\t%s\t%s\t%g\t0\t%.6f\t%.6f\t%d\t%.6f\t%.6f\t%.6f\n", style == other ? "name" : "blend",
        style, style_plain_name(p->motions, style, plain[0]), style_plain_name(p->motions, other, plain[1]),
        weight, at[0], at[1], *motion != NULL, *motion ? facts.period_s : 0, facts.speed, facts.skate);
    return true;
}

/* The encoder's latents of a named style's motion. */
static bool put_windows(const style_pictures *p, const ami_pca *pca, int style, const ami_clip *motion,
                        FILE *out, ami_error *err)
{
    static float mean[WINDOWS * AMI_STYLE_SIZE];
    const ami_style *s = &p->motions->styles->style[style];
    char plain[AMI_NAME];
    if (!ami_style_windows(p->encoder, p->motions->nets.skeleton, motion, s->scale, WINDOWS, mean, err))
        return false;
    for (int i = 0; i <= WINDOWS; i++) {
        double at[2];
        ami_pca_project(pca, mean + i % WINDOWS * AMI_STYLE_SIZE, at);
        ami_number_fprintf(out, "window\t%d\t%s\t%s\t0\t%.6f\t%.6f\t%.6f\t1\t%.6f\t0\t0\n", style,
                           style_plain_name(p->motions, style, plain), plain, (double)i / WINDOWS, at[0],
                           at[1], ami_clip_duration(motion));
    }
    return true;
}

static bool put_names(style_pictures *p, const ami_pca *pca, FILE *out, ami_error *err)
{
    for (int i = 0; i < p->motions->styles->count; i++) {
        ami_clip *motion;
        bool ok = put_latent(p, pca, i, i, 0, out, &motion, err);
        if (motion)
            ok = ok && put_windows(p, pca, i, motion, out, err);
        ami_clip_destroy(motion);
        if (!ok)
            return false;
    }
    return true;
}

static bool put_blends(style_pictures *p, const ami_pca *pca, FILE *out, ami_error *err)
{
    for (int i = 0; i < p->motions->styles->count; i++)
        for (int j = i + 1; j < p->motions->styles->count; j++)
            for (int k = 1; k < STEPS; k++) {
                ami_clip *motion;
                if (!put_latent(p, pca, i, j, (double)k / STEPS, out, &motion, err))
                    return false;
                p->mixed++;
                p->fails += !motion;
                ami_clip_destroy(motion);
            }
    return true;
}

static bool put_map(style_pictures *p, FILE *out, ami_error *err)
{
    const ami_styles *styles = p->motions->styles;
    static float z[MOST * AMI_STYLE_SIZE];
    for (int i = 0; i < styles->count; i++)
        memcpy(z + i * AMI_STYLE_SIZE, styles->style[i].z, sizeof styles->style[i].z);
    ami_pca *pca = ami_pca_create(z, styles->count, AMI_STYLE_SIZE, 2, err);
    if (!pca)
        return false;
    memcpy(p->share, pca->fraction, sizeof p->share);
    fputs(map_head, out);
    const bool ok = put_names(p, pca, out, err) && put_blends(p, pca, out, err);
    ami_pca_destroy(pca);
    return ok;
}

/* ---- all ---- */

static bool write_table(style_pictures *p, bool (*put)(style_pictures *, FILE *, ami_error *),
                        const char *folder, const char *name, ami_error *err)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return ami_fail(err, "%s: out of memory", name);
    bool ok = put(p, out, err);
    const bool whole = !ferror(out);
    if ((fclose(out) != 0 || !whole) && ok)
        ok = ami_fail(err, "%s: out of memory", name);
    ok = ok && style_write_text(folder, name, text, size, err);
    free(text);
    return ok;
}

static bool choose_pair(style_pictures *p, const char *between, ami_error *err)
{
    const ami_styles *styles = p->motions->styles;
    double most = -1;
    if (between) {
        char first[AMI_NAME];
        const char *comma = strchr(between, ',');
        if (!comma || comma - between >= (ptrdiff_t)sizeof first)
            return ami_fail(err, "--between is \"%.60s\", expected two styles, A,B", between);
        snprintf(first, sizeof first, "%.*s", (int)(comma - between), between);
        p->between[0] = ami_styles_find(styles, first, err);
        p->between[1] = p->between[0] < 0 ? -1 : ami_styles_find(styles, comma + 1, err);
        return p->between[1] >= 0 || ami_fail_in(err, "--between");
    }
    for (int i = 0; i < styles->count; i++)
        for (int j = i + 1; j < styles->count; j++) {
            const double far = ami_style_distance(styles->style[i].z, styles->style[j].z);
            if (far > most) {
                most = far;
                p->between[0] = i;
                p->between[1] = j;
            }
        }
    return true;
}

bool style_plot(const ami_motions *motions, const ami_stylevae *encoder, const char *between,
                const char *folder, const char *json, json_t *facts, ami_error *err)
{
    style_pictures p = {.motions = motions, .encoder = encoder};
    if (motions->styles->count > MOST)
        return ami_fail(err,
                        "%d styles in the table, expected at most %d: more cannot be told apart in a picture",
                        motions->styles->count, MOST);
    if (!choose_pair(&p, between, err) || !ami_folder_make(folder, err) ||
        !cli_check_output(json, NULL, err) ||
        !write_table(&p, put_portraits, folder, STYLE_PHASE_NAME ".tsv", err) ||
        !write_table(&p, put_map, folder, STYLE_MAP_NAME ".tsv", err) ||
        !style_write_scripts(&p, folder, err))
        return false;
    json_object_set_new(facts, "folder", cli_text(folder));
    json_object_set_new(facts, "styles", json_integer(motions->styles->count));
    json_object_set_new(facts, "explained_variance",
                        json_pack("[o, o]", cli_real(p.share[0]), cli_real(p.share[1])));
    json_object_set_new(facts, "blends", json_integer(p.mixed));
    json_object_set_new(facts, "blends_without_motion", json_integer(p.fails));
    fprintf(stderr,
            "%s: tables and scripts are written; of %d blends of two styles %d give no usable motion\n",
            folder, p.mixed, p.fails);
    return style_draw(folder, err);
}
