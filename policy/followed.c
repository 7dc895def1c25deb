/* Loads the reference of characters: a clip, or the networks and the style table for invented motions. */
#include "policy/followed.h"

#include "base/file.h"
#include "policy/models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_NETWORK = 256 << 20 };
static const char own_decoder[] = "stylevae_decoder.onnx", own_deepphase[] = "deepphase.onnx",
                  own_table[] = "styles.json";

/* Finds the given file, or amble's own (given NULL), and continues crc with its content. */
static bool find_file(const char *given, const char *own, bool table, char *path, size_t size, uint32_t *crc,
                      ami_error *err)
{
    const char *name = given ? given : own;
    size_t bytes;
    if (!(table ? ami_find_table(name, path, size, err) : ami_find_model(name, path, size, err)))
        return false;
    uint8_t *data = ami_file_read(path, MAX_NETWORK, &bytes, err);
    if (!data)
        return false;
    *crc = ami_crc32c(*crc, data, bytes);
    free(data);
    return true;
}

/* A plan with one style, that of a clip. */
static bool plan_from_clip(ami_motions *m, const ami_style_request *s, const char *clips, ami_error *err)
{
    char path[4096];
    uint32_t unused = 0;
    ami_stylevae encoder = {0};
    ami_style style;
    ami_clip *clip = ami_load_motion(s->from, clips, NULL, path, sizeof path, err);
    ami_gait *gait = clip ? ami_gait_create(m->nets.skeleton, clip, err) : NULL;
    bool ok =
        gait && find_file(s->encoder, "stylevae_encoder.onnx", false, path, sizeof path, &unused, err) &&
        ami_stylevae_load(&encoder, path, NULL, NULL, err) && ami_style_of_gait(&encoder, gait, &style, err);
    if (ok)
        ok = ami_style_plan_of_style(&m->plan, m->styles, &style, err);
    ami_stylevae_free(&encoder);
    ami_gait_destroy(gait);
    ami_clip_destroy(clip);
    return ok;
}

static bool make_plan(ami_motions *m, const ami_style_request *s, const char *clips, ami_error *err)
{
    const char *what = s->style ? s->style : s->schedule ? s->schedule : s->from;
    snprintf(m->name, sizeof m->name, "%s %.200s",
             s->style      ? "style"
             : s->schedule ? "styles of"
                           : "the style of",
             what);
    if (s->from)
        return plan_from_clip(m, s, clips, err) || ami_fail_in(err, "--style-from");
    if (s->schedule)
        return ami_style_plan_read(&m->plan, m->styles, s->schedule, err) &&
               (s->skills || m->plan.skills == 0 ||
                ami_fail(err, "%s: the schedule names skills, which only amble rollout and amble-view follow",
                         s->schedule));
    if (!ami_style_plan_parse(&m->plan, m->styles, s->style, err))
        return ami_fail_in(err, "--style");
    m->plan.change_s[0] = m->plan.change_s[1] = s->change;
    return true;
}

bool ami_motions_load(ami_motions *motions, const ami_style_request *style, const ami_skeleton *skeleton,
                      const char *clips, ami_error *err)
{
    char decoder[4096], deepphase[4096], table[4096];
    memset(motions, 0, sizeof *motions);
    motions->nets = (ami_motion_nets){skeleton, &motions->vae, &motions->deepphase};
    motions->style = style->style;
    if (find_file(style->decoder, own_decoder, false, decoder, sizeof decoder, &motions->crc, err) &&
        find_file(style->deepphase, own_deepphase, false, deepphase, sizeof deepphase, &motions->crc, err) &&
        find_file(style->table, own_table, true, table, sizeof table, &motions->crc, err) &&
        ami_stylevae_load(&motions->vae, NULL, decoder, NULL, err) &&
        ami_deepphase_load(&motions->deepphase, deepphase, NULL, err) &&
        (motions->styles = ami_styles_read(table, err)) != NULL && make_plan(motions, style, clips, err)) {
        motions->def = ami_generator_default_def(&motions->nets, &motions->plan);
        motions->def.speed = style->speed;
        motions->def.phase_gain = style->phase_gain;
        return true;
    }
    ami_motions_free(motions);
    return false;
}

void ami_motions_free(ami_motions *motions)
{
    ami_style_plan_free(&motions->plan);
    ami_styles_destroy(motions->styles);
    ami_deepphase_free(&motions->deepphase);
    ami_stylevae_free(&motions->vae);
    motions->styles = NULL;
}

const char *ami_style_trained_on(const char *motion)
{
    static const char invented[] = "style:";
    return strncmp(motion, invented, strlen(invented)) ? NULL : motion + strlen(invented);
}

/* FOLDER/NAME of the folder in which `file` lies, if it exists; else NULL. */
static const char *file_beside(const char *file, const char *name, char *path, size_t size)
{
    const char *slash = strrchr(file, '/');
    const int n = snprintf(path, size, "%.*s%s", slash ? (int)(slash + 1 - file) : 0, file, name);
    return n > 0 && (size_t)n < size && access(path, F_OK) == 0 ? path : NULL;
}

ami_style_request ami_style_beside(const ami_style_request *style, const ami_origin *origin,
                                   ami_style_files *files)
{
    ami_style_request own = *style;
    if (!origin || !origin->file || !origin->motion || !ami_style_trained_on(origin->motion))
        return own;
    if (!own.decoder)
        own.decoder = file_beside(origin->file, own_decoder, files->decoder, sizeof files->decoder);
    if (!own.deepphase)
        own.deepphase = file_beside(origin->file, own_deepphase, files->deepphase, sizeof files->deepphase);
    if (!own.table)
        own.table = file_beside(origin->file, own_table, files->table, sizeof files->table);
    return own;
}

static bool keep_file(const char *folder, const char *given, const char *own, bool table, ami_error *err)
{
    char from[4096], to[4096];
    size_t size, there_size = 0;
    if (!given)
        return true;
    if (!(table ? ami_find_table(given, from, sizeof from, err)
                : ami_find_model(given, from, sizeof from, err)))
        return false;
    if ((size_t)snprintf(to, sizeof to, "%s/%s", folder, own) >= sizeof to)
        return ami_fail(err, "%.80s...: the path of %s is longer than %zu bytes", folder, own, sizeof to - 1);
    uint8_t *bytes = ami_file_read(from, MAX_NETWORK, &size, err), *there = NULL;
    bool ok = bytes != NULL;
    if (ok && access(to, F_OK) == 0) {
        there = ami_file_read(to, MAX_NETWORK, &there_size, err);
        ok = there &&
             ((size == there_size && memcmp(bytes, there, size) == 0) ||
              ami_fail(err, "%s exists and differs from %s: give another folder with --out", to, from));
    } else if (ok) {
        ok = ami_file_write(to, bytes, size, err);
    }
    free(there);
    free(bytes);
    return ok;
}

bool ami_keep_style_files(const char *folder, const ami_style_request *style, const ami_origin *origin,
                          ami_error *err)
{
    ami_style_files files;
    const ami_style_request used = ami_style_beside(style, origin, &files);
    return keep_file(folder, used.table, own_table, true, err) &&
           keep_file(folder, used.decoder, own_decoder, false, err) &&
           keep_file(folder, used.deepphase, own_deepphase, false, err);
}

bool ami_follow(ami_followed *followed, const char *motion, const ami_style_request *style,
                const ami_origin *origin, const ami_skeleton *skeleton, const char *clips, ami_error *err)
{
    memset(followed, 0, sizeof *followed);
    ami_style_files files;
    const ami_style_request with_files = ami_style_beside(style, origin, &files);
    style = &with_files;
    const char *trained_on = origin && origin->motion ? ami_style_trained_on(origin->motion) : NULL;
    if (!motion && !ami_style_requested(style) && trained_on) {
        ami_style_request own = *style;
        own.style = trained_on;
        followed->name = followed->motions.name;
        return ami_motions_load(&followed->motions, &own, skeleton, clips, err);
    }
    if (ami_style_requested(style)) {
        followed->name = followed->motions.name;
        return ami_motions_load(&followed->motions, style, skeleton, clips, err);
    }
    followed->clip = ami_load_motion(motion, clips, origin, followed->path, sizeof followed->path, err);
    followed->name = followed->clip ? ami_clip_name(followed->clip) : "";
    return followed->clip != NULL;
}

void ami_followed_free(ami_followed *followed)
{
    if (!followed->clip)
        ami_motions_free(&followed->motions);
    ami_clip_destroy(followed->clip);
    followed->clip = NULL;
}
