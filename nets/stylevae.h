/* StyleVAE: a variational autoencoder (Kingma & Welling 2014) of motion windows. A window is 60 frames (2 s
 * at 30 Hz) of 73 features; a style is 256 numbers z.
 *
 *   encoder   60 × 73 (4380) → mean μ (256) and log-variance log σ² (256), two heads
 *   decoder   z (256) → 60 × 73
 *
 * Two networks and nothing else: what features mean is sim/'s matter, and no random number is drawn here:
 * take z = μ, or pass standard normal noise to ami_stylevae_sample. The models are const and shared;
 * each thread has its own workspace. Encoding and decoding allocate nothing; a NaN in a row makes that row's
 * results NaN (nets/model.h). */
#ifndef AMI_NETS_STYLEVAE_H
#define AMI_NETS_STYLEVAE_H

#include "nets/model.h"

enum {
    AMI_STYLE_FRAMES = 60,
    AMI_STYLE_FEATURES = 73,
    AMI_STYLE_WINDOW = AMI_STYLE_FRAMES * AMI_STYLE_FEATURES,
    AMI_STYLE_SIZE = 256
};

typedef struct ami_stylevae {
    ami_model *encoder; /* NULL: not given */
    ami_model *decoder; /* NULL: not given */
    int mean_at;        /* where μ begins in a row of the encoder's output; log σ² has the other half */
} ami_stylevae;

/* Reads one or both ONNX files (NULL: not this one). The encoder must take 4380 numbers, flat or as 60 × 73,
 * and have two heads of 256: one whose name has "mu" or "mean" in it, one with "var" ("logvar", "log_var"),
 * in either order; where neither head has a name, the first is μ. The decoder must take 256 numbers and give
 * 4380, flat or as 60 × 73. Other names and shapes are refused in a sentence that begins with the path. def:
 * as in ami_model_load. */
AMI_MUST_CHECK bool ami_stylevae_load(ami_stylevae *vae, const char *encoder, const char *decoder,
                                      const ami_model_def *def, ami_error *err);

/* The same from networks in memory, which are copied. */
AMI_MUST_CHECK bool ami_stylevae_init(ami_stylevae *vae, const ami_net *encoder, const ami_net *decoder,
                                      const ami_model_def *def, ami_error *err);
void ami_stylevae_free(ami_stylevae *vae);

/* Bytes of workspace for encoding and decoding any number of rows. */
size_t ami_stylevae_workspace_size(const ami_stylevae *vae);

/* window (n, 60, 73) → mean, log_variance (n, 256); either may be NULL. */
void ami_stylevae_encode(const ami_stylevae *vae, void *workspace, const float *window, int n, float *mean,
                         float *log_variance);

/* z (n, 256) → window (n, 60, 73) */
void ami_stylevae_decode(const ami_stylevae *vae, void *workspace, const float *z, int n, float *window);

/* One row in parts, as ami_model_run_part: with a workspace of its own, of ami_stylevae_part_size bytes. */
size_t ami_stylevae_part_size(const ami_stylevae *vae);
void ami_stylevae_decode_part(const ami_stylevae *vae, void *workspace, const float *z, int part, int parts,
                              float *window);

/* z = μ + ε exp(log σ² / 2) for n rows of 256; ε (noise) from a standard normal distribution makes z a draw
 * from the encoder's. z may be any of the others' arrays. */
void ami_stylevae_sample(const float *mean, const float *log_variance, const float *noise, int n, float *z);

#endif
