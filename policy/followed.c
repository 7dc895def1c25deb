/* Loads what characters follow: a clip, or the networks and the table behind invented motions. */
#include "policy/followed.h"

#include "base/file.h"
#include "policy/models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NETWORK = 256 << 20 };

/* The file as given, or amble's own; its checksum is added to crc. */
static bool find_file(const char *given, const char *own, bool table, char *path, size_t size, uint32_t *crc,
                      amb_error *err)
{
    const char *name = given ? given : own;
    size_t bytes;
    if (!(table ? amb_find_table(name, path, size, err) : amb_find_model(name, path, size, err)))
        return false;
    uint8_t *data = amb_file_read(path, MAX_NETWORK, &bytes, err);
    if (!data)
        return false;
    *crc = amb_crc32c(*crc, data, bytes);
    free(data);
    return true;
}

/* The latent of a clip's own style, as a plan of one moment. */
static bool plan_from_clip(amb_motions *m, const amb_style_request *s, const char *clips, amb_error *err)
{
    char path[4096];
    uint32_t unused = 0;
    amb_stylevae encoder = {0};
    amb_style style;
    amb_clip *clip = amb_load_motion(s->from, clips, NULL, path, sizeof path, err);
    amb_gait *gait = clip ? amb_gait_create(m->nets.skeleton, clip, err) : NULL;
    bool ok =
        gait && find_file(s->encoder, "stylevae_encoder.onnx", false, path, sizeof path, &unused, err) &&
        amb_stylevae_load(&encoder, path, NULL, NULL, err) && amb_style_of_gait(&encoder, gait, &style, err);
    if (ok)
        ok = amb_style_plan_of_style(&m->plan, m->styles, &style, err);
    amb_stylevae_free(&encoder);
    amb_gait_destroy(gait);
    amb_clip_destroy(clip);
    return ok;
}

static bool make_plan(amb_motions *m, const amb_style_request *s, const char *clips, amb_error *err)
{
    const char *what = s->style ? s->style : s->schedule ? s->schedule : s->from;
    snprintf(m->name, sizeof m->name, "%s %.200s",
             s->style      ? "style"
             : s->schedule ? "styles of"
                           : "the style of",
             what);
    if (s->from)
        return plan_from_clip(m, s, clips, err) || amb_fail_in(err, "--style-from");
    if (s->schedule)
        return amb_style_plan_read(&m->plan, m->styles, s->schedule, err);
    if (!amb_style_plan_parse(&m->plan, m->styles, s->style, err))
        return amb_fail_in(err, "--style");
    m->plan.change_s[0] = m->plan.change_s[1] = s->change;
    return true;
}

bool amb_motions_load(amb_motions *m, const amb_style_request *s, const amb_skeleton *skeleton,
                      const char *clips, amb_error *err)
{
    char decoder[4096], deepphase[4096], table[4096];
    memset(m, 0, sizeof *m);
    m->nets = (amb_motion_nets){skeleton, &m->vae, &m->deepphase};
    m->style = s->style;
    if (find_file(s->decoder, "stylevae_decoder.onnx", false, decoder, sizeof decoder, &m->crc, err) &&
        find_file(s->deepphase, "deepphase.onnx", false, deepphase, sizeof deepphase, &m->crc, err) &&
        find_file(s->table, "styles.json", true, table, sizeof table, &m->crc, err) &&
        amb_stylevae_load(&m->vae, NULL, decoder, NULL, err) &&
        amb_deepphase_load(&m->deepphase, deepphase, NULL, err) &&
        (m->styles = amb_styles_read(table, err)) != NULL && make_plan(m, s, clips, err)) {
        m->def = amb_generator_default_def(&m->nets, &m->plan);
        m->def.speed = s->speed;
        m->def.phase_gain = s->phase_gain;
        return true;
    }
    amb_motions_free(m);
    return false;
}

void amb_motions_free(amb_motions *m)
{
    amb_style_plan_free(&m->plan);
    amb_styles_destroy(m->styles);
    amb_deepphase_free(&m->deepphase);
    amb_stylevae_free(&m->vae);
    m->styles = NULL;
}

const char *amb_style_trained_on(const char *motion)
{
    static const char invented[] = "style:";
    return strncmp(motion, invented, strlen(invented)) ? NULL : motion + strlen(invented);
}

bool amb_follow(amb_followed *f, const char *motion, const amb_style_request *style, const amb_origin *origin,
                const amb_skeleton *skeleton, const char *clips, amb_error *err)
{
    memset(f, 0, sizeof *f);
    const char *trained_on = origin && origin->motion ? amb_style_trained_on(origin->motion) : NULL;
    if (!motion && !amb_style_requested(style) && trained_on) {
        amb_style_request own = *style;
        own.style = trained_on;
        f->name = f->motions.name;
        return amb_motions_load(&f->motions, &own, skeleton, clips, err);
    }
    if (amb_style_requested(style)) {
        f->name = f->motions.name;
        return amb_motions_load(&f->motions, style, skeleton, clips, err);
    }
    f->clip = amb_load_motion(motion, clips, origin, f->path, sizeof f->path, err);
    f->name = f->clip ? amb_clip_name(f->clip) : "";
    return f->clip != NULL;
}

void amb_followed_free(amb_followed *f)
{
    if (!f->clip)
        amb_motions_free(&f->motions);
    amb_clip_destroy(f->clip);
    f->clip = NULL;
}
