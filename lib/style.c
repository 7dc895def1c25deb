/* amble/style.h: StyleVAE, named styles and their motions. */
#include <amble/style.h>

#include "base/assets.h"
#include "base/text.h"
#include "lib/internal.h"
#include "lib/motion.h"
#include "motion/features.h"
#include "policy/style_motion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct amb_stylevae {
    ami_stylevae vae;
    ami_deepphase deepphase;
    ami_styles *styles;
    ami_motion_nets nets; /* points to those */
    const amb_skeleton *skeleton;
};

enum { PATH = 4096 };

static const double scale_range[2] = {.1, 100}; /* of a latent */

/* ---- loading ---- */

void amb_stylevae_def_init_size(amb_stylevae_def *def, size_t size)
{
    const amb_stylevae_def full = {.size = size, .precision = AMB_PRECISION_AUTO};
    if (def)
        memcpy(def, &full, size < sizeof full ? size : sizeof full);
}

/* The given file, or amble's own. */
static amb_result find_file(const char **path, const char *given, const char *own, char buffer[PATH])
{
    ami_error err = {""};
    if (!given && !ami_asset_path(own, buffer, PATH, &err))
        return lib_fail_with(AMB_ERROR_NOT_FOUND, &err);
    *path = given ? given : buffer;
    return AMB_OK;
}

static void log_model(const char *path, const ami_model *model)
{
    char text[256];
    ami_model_describe(model, text, sizeof text);
    lib_log(AMB_LOG_INFO, "%s: %s", path, text);
}

static amb_result load_encoder(amb_stylevae *s, const char *given, const ami_model_def *def)
{
    char own[PATH];
    const char *path = NULL;
    ami_error err = {""};
    ami_stylevae part;
    const amb_result result = find_file(&path, given, "models/stylevae_encoder.onnx", own);
    if (result != AMB_OK)
        return result;
    if (!ami_stylevae_load(&part, path, NULL, def, &err))
        return lib_fail_with(lib_result_of_file(path, AMB_ERROR_FILE), &err);
    s->vae.encoder = part.encoder;
    s->vae.mean_at = part.mean_at;
    log_model(path, part.encoder);
    return AMB_OK;
}

static amb_result load_decoder(amb_stylevae *s, const char *given, const ami_model_def *def)
{
    char own[PATH];
    const char *path = NULL;
    ami_error err = {""};
    ami_stylevae part;
    const amb_result result = find_file(&path, given, "models/stylevae_decoder.onnx", own);
    if (result != AMB_OK)
        return result;
    if (!ami_stylevae_load(&part, NULL, path, def, &err))
        return lib_fail_with(lib_result_of_file(path, AMB_ERROR_FILE), &err);
    s->vae.decoder = part.decoder;
    log_model(path, part.decoder);
    return AMB_OK;
}

static amb_result load_deepphase(amb_stylevae *s, const char *given, const ami_model_def *def)
{
    char own[PATH];
    const char *path = NULL;
    ami_error err = {""};
    const amb_result result = find_file(&path, given, "models/deepphase.onnx", own);
    if (result != AMB_OK)
        return result;
    if (!ami_deepphase_load(&s->deepphase, path, def, &err))
        return lib_fail_with(lib_result_of_file(path, AMB_ERROR_FILE), &err);
    log_model(path, s->deepphase.model);
    return AMB_OK;
}

static amb_result load_styles(amb_stylevae *s, const char *given)
{
    char own[PATH];
    const char *path = NULL;
    ami_error err = {""};
    const amb_result result = find_file(&path, given, "models/styles.json", own);
    if (result != AMB_OK)
        return result;
    s->styles = ami_styles_read(path, &err);
    return s->styles ? AMB_OK : lib_fail_with(lib_result_of_file(path, AMB_ERROR_FILE), &err);
}

amb_result amb_stylevae_load(const amb_stylevae_def *def, amb_stylevae **vae)
{
    LIB_REQUIRE(vae);
    *vae = NULL;
    amb_stylevae_def inner;
    amb_stylevae_def_init(&inner);
    if (def)
        LIB_REQUIRE(lib_def_copy(&inner, sizeof inner, def) && "the definition was initialised");
    amb_model_def networks;
    ami_model_def packing;
    amb_model_def_init(&networks);
    networks.precision = inner.precision;
    amb_result result = lib_model_def(&networks, &packing);
    if (result != AMB_OK)
        return result;
    amb_stylevae *s = calloc(1, sizeof *s);
    if (!s)
        return lib_fail(AMB_ERROR_MEMORY, "out of memory");
    result = load_styles(s, inner.styles);
    if (result == AMB_OK)
        result = amb_skeleton_humanoid(&s->skeleton);
    if (result == AMB_OK)
        result = load_deepphase(s, inner.deepphase, &packing);
    if (result == AMB_OK)
        result = load_decoder(s, inner.decoder, &packing);
    if (result == AMB_OK && !inner.without_encoder)
        result = load_encoder(s, inner.encoder, &packing);
    if (result != AMB_OK) {
        amb_stylevae_destroy(s);
        return result;
    }
    s->nets = (ami_motion_nets){&s->skeleton->measures, &s->vae, &s->deepphase};
    *vae = s;
    return AMB_OK;
}

void amb_stylevae_destroy(amb_stylevae *vae)
{
    if (!vae)
        return;
    ami_styles_destroy(vae->styles);
    ami_deepphase_free(&vae->deepphase);
    ami_stylevae_free(&vae->vae);
    free(vae);
}

amb_result amb_stylevae_get_info(const amb_stylevae *vae, amb_stylevae_info *info)
{
    LIB_REQUIRE(vae && info);
    const amb_stylevae_info full = {.latent_size = AMI_STYLE_SIZE,
                                    .window_frames = AMI_STYLE_FRAMES,
                                    .window_features = AMI_STYLE_FEATURES,
                                    .window_rate = AMI_FEATURE_RATE,
                                    .styles = vae->styles->count};
    LIB_REQUIRE(lib_out_copy(info, &full, sizeof full) && "size is set");
    return AMB_OK;
}

/* ---- latents ---- */

/* Reads a caller's latent and copies its numbers. */
static amb_result read_latent(const amb_latent *given, ami_latent *latent)
{
    amb_latent full;
    amb_latent_init(&full, NULL);
    LIB_REQUIRE(lib_def_copy(&full, sizeof full, given) && "size is set");
    LIB_REQUIRE(full.z && "the latent has numbers");
    for (int k = 0; k < AMI_STYLE_SIZE; k++)
        if (!isfinite(full.z[k]))
            return lib_fail(AMB_ERROR_ARGUMENT, "number %d of the latent is %g, expected a finite one", k,
                            (double)full.z[k]);
    if (!(full.scale >= scale_range[0] && full.scale <= scale_range[1]))
        return lib_fail(AMB_ERROR_ARGUMENT, "the latent's scale is %g, expected %g to %g", full.scale,
                        scale_range[0], scale_range[1]);
    if (!isfinite(full.speed) || !isfinite(full.tempo))
        return lib_fail(AMB_ERROR_ARGUMENT, "the latent's speed is %g and its tempo %g, expected finite ones",
                        full.speed, full.tempo);
    memcpy(latent->z, full.z, sizeof latent->z);
    latent->scale = full.scale;
    latent->speed = full.speed;
    latent->tempo = full.tempo;
    return AMB_OK;
}

/* The buffer of a latent's numbers; NULL where the caller gave none. */
static float *numbers_of(const amb_latent *latent)
{
    amb_latent full;
    amb_latent_init(&full, NULL);
    return lib_def_copy(&full, sizeof full, latent) ? full.z : NULL;
}

static amb_result write_latent(amb_latent *out, const ami_latent *latent)
{
    float *z = numbers_of(out);
    LIB_REQUIRE(z && "the latent has a size and a buffer for its numbers");
    const amb_latent full = {.z = z, .scale = latent->scale, .speed = latent->speed, .tempo = latent->tempo};
    memcpy(z, latent->z, sizeof latent->z);
    lib_out_copy(out, &full, sizeof full);
    return AMB_OK;
}

amb_result amb_style_get_info(const amb_stylevae *vae, int index, amb_style_info *info)
{
    LIB_REQUIRE(vae && info);
    if (index < 0 || index >= vae->styles->count)
        return lib_fail(AMB_ERROR_ARGUMENT, "style %d was asked for, expected 0 to %d", index,
                        vae->styles->count - 1);
    const ami_style *style = &vae->styles->style[index];
    const amb_style_info full = {.name = style->name,
                                 .clip = style->clip,
                                 .period = style->period,
                                 .speed = style->speed,
                                 .scale = style->scale,
                                 .spread = style->spread};
    LIB_REQUIRE(lib_out_copy(info, &full, sizeof full) && "size is set");
    return AMB_OK;
}

amb_result amb_style_parse(const amb_stylevae *vae, const char *text, amb_latent *latent)
{
    LIB_REQUIRE(vae && text && latent);
    ami_error err = {""};
    ami_latent mixed;
    if (!ami_style_mix(vae->styles, text, &mixed, &err))
        return lib_fail_with(lib_result_of_style(&err), &err);
    return write_latent(latent, &mixed);
}

amb_result amb_style_blend(const amb_stylevae *vae, const amb_latent *a, const amb_latent *b, double weight,
                           amb_latent *out)
{
    LIB_REQUIRE(vae && a && b && out);
    ami_latent from, to, between;
    amb_result result = read_latent(a, &from);
    if (result == AMB_OK)
        result = read_latent(b, &to);
    if (result != AMB_OK)
        return result;
    if (!(weight >= 0 && weight <= 1))
        return lib_fail(AMB_ERROR_ARGUMENT, "the weight between two latents is %g, expected 0 to 1", weight);
    ami_latent_between(&from, &to, weight, &between);
    return write_latent(out, &between);
}

static amb_result without_encoder(void)
{
    return lib_fail(AMB_ERROR_UNSUPPORTED,
                    "the encoder was not loaded, because amb_stylevae_def.without_encoder was set");
}

amb_result amb_style_of_clip(const amb_stylevae *vae, const amb_clip *clip, amb_latent *latent)
{
    LIB_REQUIRE(vae && clip && latent);
    ami_error err = {""};
    ami_style style;
    ami_latent found;
    if (!vae->vae.encoder)
        return without_encoder();
    ami_gait *gait = ami_gait_create(vae->nets.skeleton, clip->clip, &err);
    const bool ok = gait && ami_style_of_gait(&vae->vae, gait, &style, &err);
    ami_gait_destroy(gait);
    if (!ok)
        return lib_fail_with(AMB_ERROR_ARGUMENT, &err);
    ami_latent_of_style(&style, &found);
    return write_latent(latent, &found);
}

amb_result amb_style_to_clip(const amb_stylevae *vae, const amb_latent *latent, const char *name,
                             amb_style_report *report, amb_clip **clip)
{
    LIB_REQUIRE(vae && latent && name && clip);
    *clip = NULL;
    ami_error err = {""};
    ami_latent requested;
    ami_cycle_facts facts;
    amb_result result = read_latent(latent, &requested);
    if (result != AMB_OK)
        return result;
    if (!ami_name_check(name, "the clip's name", &err))
        return lib_fail_with(AMB_ERROR_ARGUMENT, &err);
    ami_clip *made = ami_style_motion(&vae->nets, &requested, name, &facts, NULL, &err);
    if (!made)
        return lib_fail_with(AMB_ERROR_ARGUMENT, &err);
    const amb_style_report full = {.period = facts.period_s,
                                   .speed = facts.speed,
                                   .stretch = facts.stretch,
                                   .confidence = facts.confidence,
                                   .close = facts.close_m,
                                   .fit = facts.fit_m,
                                   .skate = facts.skate};
    if (report && !lib_out_copy(report, &full, sizeof full)) {
        ami_clip_destroy(made);
        LIB_REQUIRE(false && "size is set");
    }
    return lib_clip_wrap(made, clip);
}

/* ---- the networks ---- */

size_t amb_stylevae_workspace_size(const amb_stylevae *vae)
{
    LIB_REQUIRE_OR(vae, 0);
    return ami_stylevae_workspace_size(&vae->vae);
}

amb_result amb_style_features(const amb_skeleton *skeleton, const double *pose, const double *velocity,
                              float *features)
{
    LIB_REQUIRE(skeleton && pose && velocity && features);
    ami_state state;
    ami_points points;
    const amb_result result = lib_state_of(skeleton, pose, velocity, &state);
    if (result != AMB_OK)
        return result;
    ami_points_of_state(&skeleton->measures, &state, &points);
    ami_features(&points, features);
    return AMB_OK;
}

amb_result amb_style_window(const amb_stylevae *vae, const amb_clip *clip, double time, double scale,
                            float *window)
{
    LIB_REQUIRE(vae && clip && window);
    double pose[AMI_POSE], velocity[AMI_VEL];
    if (!(scale >= scale_range[0] && scale <= scale_range[1]))
        return lib_fail(AMB_ERROR_ARGUMENT, "the scale is %g, expected %g to %g", scale, scale_range[0],
                        scale_range[1]);
    amb_result result = amb_clip_sample(clip, time, NULL, NULL); /* before anything is written */
    if (result == AMB_OK)
        result = amb_clip_sample(clip, time + scale * AMI_STYLE_FRAMES / AMI_FEATURE_RATE, NULL, NULL);
    for (int f = 0; result == AMB_OK && f < AMI_STYLE_FRAMES; f++) {
        ami_clip_sample(clip->clip, time + scale * f / AMI_FEATURE_RATE, pose, velocity);
        for (int k = 0; k < AMI_VEL; k++)
            velocity[k] *= scale;
        result = amb_style_features(vae->skeleton, pose, velocity, window + (size_t)f * AMI_STYLE_FEATURES);
    }
    return result;
}

static amb_result check_rows(const char *what, int n)
{
    return n >= 1 ? AMB_OK : lib_fail(AMB_ERROR_ARGUMENT, "%d %s were given, expected 1 or more", n, what);
}

amb_result amb_stylevae_encode(const amb_stylevae *vae, const float *window, int n, float *mean,
                               float *log_variance, void *workspace)
{
    LIB_REQUIRE(vae && window && workspace);
    if (!vae->vae.encoder)
        return without_encoder();
    const amb_result result = check_rows("windows", n);
    if (result == AMB_OK)
        ami_stylevae_encode(&vae->vae, workspace, window, n, mean, log_variance);
    return result;
}

amb_result amb_stylevae_decode(const amb_stylevae *vae, const float *z, int n, float *window, void *workspace)
{
    LIB_REQUIRE(vae && z && window && workspace);
    const amb_result result = check_rows("latents", n);
    if (result == AMB_OK)
        ami_stylevae_decode(&vae->vae, workspace, z, n, window);
    return result;
}
