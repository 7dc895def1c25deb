/* Computes styles of gaits, reads and writes style tables. */
#include "policy/styles.h"

#include "base/assert.h"
#include "base/file.h"
#include "base/number.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { Z = AMI_STYLE_SIZE, MAX_STYLES = 10000, PER_LINE = 16 };
static const size_t largest_file = (size_t)64 << 20;

double ami_style_distance(const float a[AMI_STYLE_SIZE], const float b[AMI_STYLE_SIZE])
{
    double sum = 0;
    for (int k = 0; k < Z; k++)
        sum += ((double)a[k] - (double)b[k]) * ((double)a[k] - (double)b[k]);
    return sqrt(sum);
}

/* Equal distances stay in the table's order. */
static int by_distance(const void *a, const void *b)
{
    const ami_style_near *x = a, *y = b;
    return x->distance != y->distance ? (x->distance > y->distance) - (x->distance < y->distance)
                                      : x->style - y->style;
}

void ami_styles_nearest(const ami_styles *styles, const float z[AMI_STYLE_SIZE], ami_style_near *near)
{
    AMI_ASSERT(styles && z && near);
    for (int i = 0; i < styles->count; i++)
        near[i] = (ami_style_near){i, ami_style_distance(z, styles->style[i].z)};
    qsort(near, (size_t)styles->count, sizeof *near, by_distance);
}

/* ---- The style of a motion ---- */

/* Encodes the windows at the strikes of whole cycles: z (count, 256). Returns count. */
static int encode_cycles(const ami_stylevae *vae, void *workspace, const ami_gait *g, double scale,
                         bool steady, float *z)
{
    const double span = scale * (AMI_STYLE_FRAMES - 1) / AMI_FEATURE_RATE;
    int count = 0;
    for (int c = 0; c + 1 < g->strikes; c++) {
        const double mid = .5 * (g->strike[c] + g->strike[c + 1]);
        float window[AMI_STYLE_WINDOW];
        if (!g->whole[c] || (!g->loops && g->strike[c] + span > g->duration) ||
            (steady && ami_gait_amplitude(g, mid) < .5))
            continue;
        ami_gait_window(g, g->strike[c], scale, AMI_STYLE_FRAMES, window);
        ami_stylevae_encode(vae, workspace, window, 1, z + (size_t)count++ * Z, NULL);
    }
    return count;
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Mean of the medoid and the half of the latents that is nearer to it. distance: workspace (n). */
static void centre(const float *z, int n, double *distance, ami_style *style)
{
    int best = 0;
    double least = INFINITY;
    for (int i = 0; i < n; i++) {
        double sum = 0;
        for (int j = 0; j < n; j++)
            sum += ami_style_distance(z + (size_t)i * Z, z + (size_t)j * Z);
        if (sum < least) {
            least = sum;
            best = i;
        }
    }
    for (int i = 0; i < n; i++)
        distance[i] = ami_style_distance(z + (size_t)best * Z, z + (size_t)i * Z);
    qsort(distance, (size_t)n, sizeof *distance, compare_doubles);
    const double within = distance[n / 2];
    double sum[Z] = {0}, square = 0;
    int used = 0;
    for (int i = 0; i < n; i++) {
        if (ami_style_distance(z + (size_t)best * Z, z + (size_t)i * Z) > within)
            continue;
        used++;
        for (int k = 0; k < Z; k++)
            sum[k] += (double)z[(size_t)i * Z + (size_t)k];
    }
    for (int k = 0; k < Z; k++)
        style->z[k] = (float)(sum[k] / used);
    for (int i = 0; i < n; i++)
        square += pow(ami_style_distance(style->z, z + (size_t)i * Z), 2) / n;
    style->spread = sqrt(square);
}

static double mean_speed(const ami_gait *g)
{
    double forward = 0, left = 0;
    const double from = g->loops ? 0 : g->strike[0], to = g->loops ? g->duration : g->strike[g->strikes - 1];
    const int n = (int)((to - from) * AMI_GAIT_RATE) + 1;
    double path = 0;
    for (int i = 0; i < n; i++) {
        float f[AMI_FEATURES];
        ami_gait_sample(g, from + (to - from) * i / n, f, NULL);
        forward += (double)f[AMI_FEATURE_FORWARD] / n;
        left += (double)f[AMI_FEATURE_LEFT] / n;
        path += (double)hypotf(f[AMI_FEATURE_FORWARD], f[AMI_FEATURE_LEFT]) / n;
    }
    return g->loops ? hypot(forward, left) : path; /* a long clip may walk back and forth */
}

bool ami_style_of_gait(const ami_stylevae *vae, const ami_gait *gait, ami_style *style, ami_error *err)
{
    AMI_ASSERT(vae && gait && style);
    if (!gait->walks)
        return ami_fail(err,
                        "%s: does not walk (left and right foot in turn, upright, faster than 0.2 m/s), so "
                        "it has no style",
                        gait->name);
    float *z = malloc((size_t)gait->strikes * Z * sizeof *z);
    double *distance = malloc((size_t)gait->strikes * sizeof *distance);
    void *workspace = malloc(ami_stylevae_workspace_size(vae));
    int n = 0;
    memset(style, 0, sizeof *style);
    snprintf(style->clip, sizeof style->clip, "%s", gait->name);
    snprintf(style->name, sizeof style->name, "%s", gait->name);
    char *walk = strstr(style->name, "_walk");
    if (walk && !walk[5])
        *walk = 0;
    style->period = gait->period;
    style->scale = ami_gait_scale(gait);
    style->speed = mean_speed(gait);
    if (z && distance && workspace) {
        n = encode_cycles(vae, workspace, gait, style->scale, true, z);
        if (n == 0)
            n = encode_cycles(vae, workspace, gait, style->scale, false, z);
        if (n > 0)
            centre(z, n, distance, style);
        else
            ami_fail(err, "%s: no left-foot strike is followed by %.2g s of motion", gait->name,
                     style->scale * (AMI_STYLE_FRAMES - 1) / AMI_FEATURE_RATE);
    } else {
        ami_fail(err, "%s: out of memory", gait->name);
    }
    free(z);
    free(distance);
    free(workspace);
    return n > 0;
}

/* ---- The file ---- */

void ami_styles_destroy(ami_styles *styles)
{
    if (!styles)
        return;
    free(styles->style);
    free(styles);
}

int ami_styles_find(const ami_styles *styles, const char *name, ami_error *err)
{
    AMI_ASSERT(styles && name);
    char known[800] = "";
    for (int i = 0; i < styles->count; i++) {
        if (!strcmp(styles->style[i].name, name))
            return i;
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "",
                 styles->style[i].name);
    }
    ami_fail(err, "there is no style \"%.60s\"; known styles: %s", name, known);
    return -1;
}

/* Writes a key and a name in quotes; names contain no control characters (base/text.h). */
static void put_text(FILE *out, const char *key, const char *text)
{
    fprintf(out, "\"%s\": \"", key);
    for (; *text; text++)
        fprintf(out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
    fputs("\", ", out);
}

bool ami_styles_write(const ami_styles *styles, const char *path, ami_error *err)
{
    AMI_ASSERT(styles && path);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return ami_fail(err, "%s: out of memory", path);
    fprintf(out, "{\"frames\": %d, \"hz\": 30, \"starts\": \"left-foot strike\", \"styles\": [\n",
            AMI_STYLE_FRAMES);
    for (int i = 0; i < styles->count; i++) {
        const ami_style *s = &styles->style[i];
        fputs("{", out);
        put_text(out, "name", s->name);
        put_text(out, "clip", s->clip);
        ami_number_fprintf(
            out,
            "\"period_s\": %.6g, \"speed_mps\": %.6g, \"scale\": %.6g, \"spread\": %.4g,\n \"latent\": [",
            s->period, s->speed, s->scale, s->spread);
        for (int k = 0; k < Z; k++)
            ami_number_fprintf(out, "%s%.6g", k == 0 ? "" : k % PER_LINE ? ", " : ",\n  ", (double)s->z[k]);
        fprintf(out, "]}%s\n", i + 1 < styles->count ? "," : "");
    }
    fputs("]}\n", out);
    const bool whole = !ferror(out);
    const bool ok = (fclose(out) == 0 && whole) ? ami_file_write(path, text, size, err)
                                                : ami_fail(err, "%s: out of memory", path);
    free(text);
    return ok;
}

static bool get_number(const json_t *o, const char *path, int i, const char *key, double lo, double hi,
                       double *value, ami_error *err)
{
    const json_t *v = json_object_get(o, key);
    *value = json_number_value(v);
    return (json_is_number(v) && *value >= lo && *value <= hi) ||
           ami_fail(err, "%s: %s of style %d is missing or not a number from %g to %g", path, key, i, lo, hi);
}

static bool get_style(const json_t *o, const char *path, int i, ami_style *s, ami_error *err)
{
    const char *name = json_string_value(json_object_get(o, "name")),
               *clip = json_string_value(json_object_get(o, "clip"));
    const json_t *z = json_object_get(o, "latent");
    char what[32];
    snprintf(what, sizeof what, "style %d", i);
    if (!name)
        return ami_fail(err, "%s: %s has no name, expected text of 1 to %d bytes", path, what, AMI_NAME - 1);
    if (!ami_name_check(name, what, err))
        return ami_fail_in(err, "%s", path);
    snprintf(what, sizeof what, "clip of style %d", i);
    if (clip && *clip && !ami_name_check(clip, what, err))
        return ami_fail_in(err, "%s", path);
    snprintf(s->name, sizeof s->name, "%s", name);
    snprintf(s->clip, sizeof s->clip, "%s", clip ? clip : "");
    if (!get_number(o, path, i, "period_s", .05, 100, &s->period, err) ||
        !get_number(o, path, i, "speed_mps", 0, 100, &s->speed, err) ||
        !get_number(o, path, i, "scale", 1, 100, &s->scale, err))
        return false;
    s->spread = json_number_value(json_object_get(o, "spread"));
    if (json_array_size(z) != Z)
        return ami_fail(err, "%s: the latent of style \"%s\" has %zu numbers, expected %d", path, name,
                        json_array_size(z), Z);
    for (int k = 0; k < Z; k++) {
        const json_t *v = json_array_get(z, (size_t)k);
        s->z[k] = (float)json_number_value(v);
        if (!json_is_number(v) || !isfinite(s->z[k]))
            return ami_fail(err, "%s: number %d of the latent of style \"%s\" is not finite", path, k, name);
    }
    return true;
}

ami_styles *ami_styles_read(const char *path, ami_error *err)
{
    AMI_ASSERT(path);
    size_t size;
    char *text = ami_file_read_text(path, largest_file, &size, err);
    if (!text)
        return NULL;
    json_error_t where;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &where);
    free(text);
    const json_t *list = json_object_get(root, "styles");
    const size_t n = json_array_size(list);
    ami_styles *styles = NULL;
    if (!root && !where.text[0])
        ami_fail(err, "%s: out of memory", path);
    else if (!root)
        ami_fail(err, "%s: not JSON, line %d: %s", path, where.line, where.text);
    else if (n < 1 || n > MAX_STYLES)
        ami_fail(err, "%s: \"styles\" has %zu styles, expected 1 to %d", path, n, MAX_STYLES);
    else if (!(styles = calloc(1, sizeof *styles)) || !(styles->style = calloc(n, sizeof *styles->style)))
        ami_fail(err, "%s: out of memory", path);
    bool ok = styles && styles->style;
    for (size_t i = 0; ok && i < n; i++, styles->count += ok)
        ok = get_style(json_array_get(list, i), path, (int)i, &styles->style[i], err);
    json_decref(root);
    if (!ok) {
        ami_styles_destroy(styles);
        styles = NULL;
    }
    return styles;
}
