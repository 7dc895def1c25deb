/* Styles of walking and running: StyleVAE's latents, named styles, mixtures, and the motions they encode.
 *
 *     amb_stylevae *vae;
 *     amb_stylevae_load(NULL, &vae);
 *     amb_stylevae_info about = {.size = sizeof about};
 *     amb_stylevae_get_info(vae, &about);
 *     float *z = malloc(about.latent_size * sizeof *z);
 *     amb_latent latent;
 *     amb_latent_init(&latent, z);
 *     amb_clip *clip;
 *     if (amb_style_parse(vae, "walk:0.7,zombie:0.3", &latent) == AMB_OK)
 *         amb_style_to_clip(vae, &latent, "slouch", NULL, &clip);
 *
 * StyleVAE is a variational autoencoder (Kingma and Welling 2014) of windows of motion: 2 s, 60 frames of 73
 * features. Its latent of a window that begins where the left foot strikes is a style; styles can be mixed.
 * Only motions that walk have one: left and right foot take turns, upright, faster than 0.2 m/s.
 *
 * Scale: a motion whose cycle takes longer than 1.4 s is encoded as played `scale` times faster, so that 2 s
 * hold more than a cycle. A window decoded from its latent is to be played `scale` times slower, as
 * amb_style_to_clip does. The scale is part of a style, as the latent is.
 *
 * Threads: an amb_stylevae is const after loading; any number of threads may use it at once, each with its
 * own workspaces, latents and buffers. Encoding, decoding, parsing and blending allocate nothing;
 * amb_style_of_clip and amb_style_to_clip do. */
#ifndef AMBLE_STYLE_H
#define AMBLE_STYLE_H

#include <amble/clip.h>
#include <amble/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct amb_stylevae amb_stylevae;

typedef struct amb_stylevae_def {
    size_t size;
    const char *encoder;     /* NULL: amble's own, models/stylevae_encoder.onnx of the assets */
    const char *decoder;     /* NULL: models/stylevae_decoder.onnx */
    const char *deepphase;   /* NULL: models/deepphase.onnx, which finds the cycle in decoded windows */
    const char *styles;      /* NULL: models/styles.json, the named styles */
    bool without_encoder;    /* false. true: do not load the encoder, which takes four fifths of the time;
                                amb_stylevae_encode and amb_style_of_clip fail then */
    amb_precision precision; /* AMB_PRECISION_AUTO, of all networks, see amble/model.h */
} amb_stylevae_def;

AMB_API void amb_stylevae_def_init_size(amb_stylevae_def *def, size_t size);
static inline void amb_stylevae_def_init(amb_stylevae_def *def)
{
    amb_stylevae_def_init_size(def, sizeof *def);
}

/* Loads networks and named styles; def NULL: the defaults. AMB_ERROR_NOT_FOUND where a file or an asset is
 * missing, AMB_ERROR_FILE where one is not valid. */
AMB_NODISCARD AMB_API amb_result amb_stylevae_load(const amb_stylevae_def *def, amb_stylevae **vae);
AMB_API void amb_stylevae_destroy(amb_stylevae *vae); /* NULL is fine */

typedef struct amb_stylevae_info {
    size_t size;         /* sizeof(amb_stylevae_info), set by the caller */
    int latent_size;     /* numbers in a latent (256) */
    int window_frames;   /* frames in a window (60), */
    int window_features; /* numbers in each (73), */
    double window_rate;  /* and frames a second (30) */
    int styles;          /* named ones */
} amb_stylevae_info;

AMB_API amb_result amb_stylevae_get_info(const amb_stylevae *vae, amb_stylevae_info *info);

/* ---- latents ---- */

/* A style: a latent and how much slower than decoded it is played. */
typedef struct amb_latent {
    size_t size;  /* sizeof(amb_latent), set by the caller, who also sets */
    float *z;     /* (latent_size) numbers, the caller's, filled by functions that write a latent */
    double scale; /* .1 to 100: how many times slower than decoded; 1 for cycles up to 1.4 s */
    double speed; /* m/s, about; 0 where it is not known. No motion depends on it */
    double tempo; /* cycles/s, about; the same */
} amb_latent;

static inline void amb_latent_init(amb_latent *latent, float *z)
{
    latent->size = sizeof *latent;
    latent->z = z;
    latent->scale = 1;
    latent->speed = latent->tempo = 0;
}

/* A named style. */
typedef struct amb_style_info {
    size_t size;      /* sizeof(amb_style_info), set by the caller */
    const char *name; /* lives as long as the amb_stylevae */
    const char *clip; /* the clip that it is the style of; "" where the file does not name one */
    double period;    /* s, of a cycle as the clip plays it */
    double speed;     /* m/s, the root's mean over ground */
    double scale;     /* as in a latent */
    double spread;    /* root mean square distance of the latents of the clip's cycles from the style's */
} amb_style_info;

/* index: [0, amb_stylevae_info.styles). AMB_ERROR_ARGUMENT where there is none. */
AMB_API amb_result amb_style_get_info(const amb_stylevae *vae, int index, amb_style_info *info);

/* A name, or a mixture "walk:0.7,zombie:0.3": the weighted mean of the named latents. Weights are 0 to 1000,
 * not all 0, and need not sum to 1; the scale is the one whose accelerations, 1/scale², are the weighted
 * mean. AMB_ERROR_NOT_FOUND for an unknown name, with the known ones in the sentence; AMB_ERROR_ARGUMENT for
 * text that is not a mixture. */
AMB_API amb_result amb_style_parse(const amb_stylevae *vae, const char *text, amb_latent *latent);

/* From a (weight 0) to b (1): latents, speed and tempo linearly, the scale as in a mixture. Exact at both
 * ends. `out` may be a or b. */
AMB_API amb_result amb_style_blend(const amb_stylevae *vae, const amb_latent *a, const amb_latent *b,
                                   double weight, amb_latent *out);

/* The style of a clip that walks: the latent that is in the middle of those of its cycles. AMB_ERROR_ARGUMENT
 * where it does not walk, or has no left-foot strike with 2 s (`scale` times that) of motion behind it. */
AMB_API amb_result amb_style_of_clip(const amb_stylevae *vae, const amb_clip *clip, amb_latent *latent);

/* Measurements of a motion decoded from a style. */
typedef struct amb_style_report {
    size_t size;       /* sizeof(amb_style_report), set by the caller */
    double period;     /* s, of the cycle */
    double speed;      /* m/s over ground */
    double stretch;    /* the period over that in the decoded window: the latent's scale, within .5 to 5 */
    double confidence; /* [0, 1]: DeepPhase's confidence that there is a cycle; at most half the number of
                          cycles in the decoded window */
    double close; /* m: mean distance of the body's points between the cycle's ends before it was closed */
    double fit;   /* m: mean distance of the decoded points from those of the body in its poses */
    double skate; /* m/s: mean speed of the soles while they are on the ground */
} amb_style_report;

/* A style as a clip: one cycle from left-foot strike to left-foot strike, a loop along the x axis, at most 51
 * frames, of which the last begins the next cycle; *clip is the caller's to destroy. report may be NULL.
 * AMB_ERROR_ARGUMENT where the latent gives no usable motion: the sentence names the limit that it breaks
 * (rhythm, closing, points not those of the body, height, speed, joints). Takes less than a millisecond. */
AMB_NODISCARD AMB_API amb_result amb_style_to_clip(const amb_stylevae *vae, const amb_latent *latent,
                                                   const char *name, amb_style_report *report,
                                                   amb_clip **clip);

/* ---- the networks ---- */

/* Bytes of a workspace for encoding and decoding any number of windows; aligned as malloc does. */
AMB_API size_t amb_stylevae_workspace_size(const amb_stylevae *vae);

/* One frame of features of a body in a pose with a velocity (amble/clip.h): features (window_features). Its
 * 22 points' positions as in amble/phase.h (66 numbers), the root's velocity forward and to the left (m/s),
 * its yaw rate (rad/s), and contact of left heel, left toe, right heel, right toe, [0, 1]. */
AMB_API amb_result amb_style_features(const amb_skeleton *skeleton, const double *pose,
                                      const double *velocity, float *features);

/* The window of a clip that begins at `time` s, the clip played `scale` times faster (1: as it is): window
 * (window_frames, window_features). */
AMB_API amb_result amb_style_window(const amb_stylevae *vae, const amb_clip *clip, double time, double scale,
                                    float *window);

/* n ≥ 1 windows (n, window_frames, window_features) → mean and log-variance of their latents (n,
 * latent_size); either may be NULL. Take the mean as the latent, or add noise: mean + ε exp(log_variance /
 * 2). A NaN in a window makes its latent NaN. AMB_ERROR_UNSUPPORTED where the encoder was not loaded. */
AMB_API amb_result amb_stylevae_encode(const amb_stylevae *vae, const float *window, int n, float *mean,
                                       float *log_variance, void *workspace);

/* n ≥ 1 latents z (n, latent_size) → windows (n, window_frames, window_features), before `scale`. */
AMB_API amb_result amb_stylevae_decode(const amb_stylevae *vae, const float *z, int n, float *window,
                                       void *workspace);

#ifdef __cplusplus
}
#endif

#endif
