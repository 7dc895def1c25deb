/* Reads a folder of clips, mirrors and blends them, divides them into training and held-out data. */
#include "learn/fit_data.h"

#include "base/file.h"
#include "base/number.h"
#include "motion/mirror.h"
#include "motion/motion_folder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS = 8, MAX_CLIPS = 4096, TRIES = 64 };
static const double held_band[2][2] = {{.20, .25}, {.70, .75}}; /* of a loop */
static const double held_from = .8;                             /* of another clip */

void ami_fit_data_destroy(ami_fit_data *data)
{
    if (!data)
        return;
    for (int i = 0; i < data->motions; i++)
        ami_gait_destroy(data->motion[i]);
    for (int i = 0; i < data->blends; i++)
        ami_gait_destroy(data->blend[i].gait);
    free(data->motion);
    free(data->held);
    free(data->blend);
    free(data);
}

/* ---- Reading ---- */

static bool add_motion(ami_fit_data *d, const ami_skeleton *skeleton, const ami_clip *clip, ami_error *err)
{
    if (!clip)
        return false;
    d->motion[d->motions] = ami_gait_create(skeleton, clip, err);
    return d->motion[d->motions] && ++d->motions;
}

static bool add_file(ami_fit_data *d, const ami_skeleton *skeleton, const char *folder, const char *path,
                     ami_error *err)
{
    ami_clip *clip = ami_clip_read(path, err);
    if (!clip)
        return false;
    const size_t frames = (size_t)ami_clip_frames(clip);
    const unsigned char loops = ami_clip_loops(clip);
    d->crc = ami_crc32c(ami_crc32c(d->crc, &loops, 1), ami_clip_times(clip), frames * sizeof(double));
    d->crc = ami_crc32c(d->crc, ami_clip_poses(clip), frames * AMI_POSE * sizeof(double));
    ami_clip *mirrored = ami_mirror_clip(clip, err);
    const bool ok = (add_motion(d, skeleton, clip, err) && add_motion(d, skeleton, mirrored, err)) ||
                    ami_fail_in(err, "%s", folder);
    ami_clip_destroy(clip);
    ami_clip_destroy(mirrored);
    return ok;
}

static bool add_files(ami_fit_data *d, const ami_skeleton *skeleton, const char *folder, ami_error *err)
{
    ami_motion_folder list;
    if (!ami_motion_folder_find(&list, folder, NULL, err))
        return false;
    d->left_out = list.others;
    snprintf(d->left_out_names, sizeof d->left_out_names, "%s", list.other_names);
    const size_t capacity = 2 * (size_t)list.count + 1;
    d->motion = calloc(capacity, sizeof(ami_gait *));
    d->held = calloc(capacity, sizeof *d->held);
    bool ok = (d->motion && d->held) || ami_fail(err, "out of memory for %d clips", list.count);
    if (ok && list.count == 0 && list.others == 0)
        ok = ami_fail(err, "%s: no motion clips in this folder, expected 1 to %d", folder, MAX_CLIPS);
    else if (ok && list.count == 0)
        ok = ami_fail(err, "%s: none of the files in this folder is a motion: %s", folder, list.other_names);
    else if (ok && list.count > MAX_CLIPS)
        ok = ami_fail(err, "%s: %d motion clips in this folder, expected 1 to %d", folder, list.count,
                      MAX_CLIPS);
    for (int i = 0; ok && i < list.count; i++)
        ok = add_file(d, skeleton, folder, list.path[i], err);
    ami_motion_folder_free(&list);
    return ok;
}

static bool hold_out(ami_fit_data *d, const char *names, ami_error *err)
{
    while (names && *names) {
        const size_t n = strcspn(names, ",");
        bool found = false;
        for (int i = 0; i < d->motions; i += 2) {
            if (strlen(d->motion[i]->name) == n && !strncmp(d->motion[i]->name, names, n))
                found = d->held[i] = d->held[i + 1] = true;
        }
        if (!found) {
            char known[800] = "";
            for (int i = 0; i < d->motions; i += 2)
                snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "",
                         d->motion[i]->name);
            return ami_fail(err, "--hold-out: there is no clip \"%.*s\"; known clips: %s", (int)n, names,
                            known);
        }
        names += n + (names[n] == ',');
    }
    for (int i = 0; i < d->motions; i += 2)
        if (!d->held[i])
            return true;
    return ami_fail(err, "--hold-out leaves no clip for training");
}

/* The pairs of loops to blend: all walking loops form a ring, and each is blended with the next `reach`. */
typedef struct ring {
    int *place; /* (clips), -1: not in the ring */
    int count, reach;
} ring;

static bool blends_with_others(const ami_fit_data *d, int motion)
{
    return d->motion[motion]->loops && d->motion[motion]->walks && !d->held[motion];
}

static bool make_ring(const ami_fit_data *d, ring *r, ami_error *err)
{
    const int clips = d->motions / 2;
    r->count = 0;
    r->place = malloc(((size_t)clips + 1) * sizeof *r->place);
    if (!r->place)
        return ami_fail(err, "out of memory for blends of %d motions", d->motions);
    ami_rng rng = ami_rng_seed(d->crc, 0);
    for (int i = 0; i < clips; i++) { /* a random permutation (Fisher & Yates) */
        r->place[i] = -1;
        if (!blends_with_others(d, 2 * i) && !blends_with_others(d, 2 * i + 1))
            continue;
        const int at = (int)ami_rng_below(&rng, (uint32_t)r->count + 1);
        for (int k = 0; k < i; k++)
            if (r->place[k] == at)
                r->place[k] = r->count;
        r->place[i] = at;
        r->count++;
    }
    const int64_t pairs = (int64_t)r->count * (r->count - 1) / 2;
    r->reach = pairs <= AMI_FIT_MAX_PAIRS ? r->count : AMI_FIT_MAX_PAIRS / r->count;
    return true;
}

/* Whether the motions a and b, both mirrored or both not, are blended. */
static bool are_blended(const ami_fit_data *d, const ring *r, int a, int b)
{
    if (!blends_with_others(d, a) || !blends_with_others(d, b))
        return false;
    const int pa = r->place[a / 2], pb = r->place[b / 2], between = abs(pa - pb),
              apart = between < r->count - between ? between : r->count - between;
    if (r->reach == 0) /* more loops than pairs: only some neighbours */
        return between == 1 && (pa < pb ? pa : pb) < AMI_FIT_MAX_PAIRS;
    return apart <= r->reach;
}

static bool make_blends(ami_fit_data *d, const ami_skeleton *skeleton, const ring *r, ami_error *err)
{
    size_t pairs = 0;
    for (int a = 0; a < d->motions; a++)
        for (int b = a + 2; b < d->motions; b += 2)
            pairs += are_blended(d, r, a, b);
    d->blend = calloc(pairs * (PARTS - 1) + 1, sizeof *d->blend);
    if (!d->blend)
        return ami_fail(err, "out of memory for blends of %d motions", d->motions);
    for (int a = 0; a < d->motions; a++) {
        for (int b = a + 2; b < d->motions; b += 2) { /* both mirrored or both not */
            const ami_gait *ga = d->motion[a], *gb = d->motion[b];
            if (!are_blended(d, r, a, b))
                continue;
            for (int k = 1; k < PARTS; k++) {
                char name[160];
                const double w = (double)k / PARTS;
                ami_number_format(name, sizeof name, "%.60s:%g,%.60s:%g", ga->name, 1 - w, gb->name, w);
                ami_gait *g = ami_gait_blend(skeleton, ga, gb, w, name, err);
                if (!g)
                    return false;
                d->blend[d->blends++] = (ami_fit_blend){a, b, w, 2 * k == PARTS, g};
            }
        }
    }
    return true;
}

static bool add_blends(ami_fit_data *d, const ami_skeleton *skeleton, ami_error *err)
{
    ring r = {.place = NULL};
    const bool ok = make_ring(d, &r, err) && make_blends(d, skeleton, &r, err);
    free(r.place);
    return ok;
}

ami_fit_data *ami_fit_data_read(const ami_skeleton *skeleton, const char *folder, const char *held_out,
                                ami_error *err)
{
    ami_fit_data *d = calloc(1, sizeof *d);
    if (!d) {
        ami_fail(err, "out of memory");
        return NULL;
    }
    if (!add_files(d, skeleton, folder, err) || !hold_out(d, held_out, err) ||
        !add_blends(d, skeleton, err)) {
        ami_fit_data_destroy(d);
        return NULL;
    }
    for (int i = 0; i < d->motions; i++)
        d->crc = ami_crc32c(d->crc, &d->held[i], sizeof d->held[i]);
    return d;
}

/* ---- What is held out ---- */

static bool in_held_band(const ami_gait *g, double t0)
{
    const double u = t0 / g->duration - floor(t0 / g->duration);
    return (u >= held_band[0][0] && u < held_band[0][1]) || (u >= held_band[1][0] && u < held_band[1][1]);
}

bool ami_fit_held(const ami_fit_data *data, int motion, double t0, double span)
{
    const ami_gait *g = data->motion[motion];
    if (g->loops)
        return data->held[motion] || in_held_band(g, t0);
    return t0 >= (data->held[motion] ? 0 : held_from * g->duration) && t0 + span <= g->duration;
}

bool ami_fit_trains(const ami_fit_data *data, int motion, double t0, double span)
{
    const ami_gait *g = data->motion[motion];
    if (data->held[motion])
        return false;
    return g->loops ? !in_held_band(g, t0) : t0 >= 0 && t0 + span <= held_from * g->duration;
}

/* ---- Drawing ---- */

ami_fit_kind ami_fit_kind_of(const ami_gait *gait)
{
    return gait->loops   ? gait->walks ? AMI_FIT_WALKING_LOOP : AMI_FIT_OTHER_LOOP
           : gait->walks ? AMI_FIT_WALKING
                         : AMI_FIT_OTHER;
}

/* All loops have the same weight, whatever their length. */
static double weight_of(const ami_fit_data *d, int i, ami_fit_kind kind, double span)
{
    const ami_gait *g = d->motion[i];
    if (d->held[i] || ami_fit_kind_of(g) != kind)
        return 0;
    return g->loops ? 1 : fmax(0, held_from * g->duration - span);
}

int ami_fit_draw(const ami_fit_data *data, ami_fit_kind kind, double span, ami_rng *rng, double *t0)
{
    double total = 0;
    for (int i = 0; i < data->motions; i++)
        total += weight_of(data, i, kind, span);
    double at = ami_rng_uniform(rng) * total;
    int chosen = -1;
    for (int i = 0; i < data->motions; i++) {
        const double w = weight_of(data, i, kind, span);
        if (w <= 0)
            continue;
        chosen = i;
        if ((at -= w) < 0)
            break;
    }
    if (chosen < 0)
        return -1;
    const ami_gait *g = data->motion[chosen];
    for (int k = 0; k < TRIES; k++) {
        *t0 = ami_rng_uniform(rng) * (g->loops ? g->duration : held_from * g->duration - span);
        if (ami_fit_trains(data, chosen, *t0, span))
            break;
    }
    return chosen;
}
