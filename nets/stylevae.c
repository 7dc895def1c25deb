/* StyleVAE's two networks: checks what they are, and lays out their numbers. */
#include "nets/stylevae.h"

#include "nets/onnx/onnx.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { BLOCK = 16 }; /* rows through the encoder at once: its heads are taken apart behind it */

/* Flat, or frames × features. */
static bool is_window(const ami_net_shape *s)
{
    return (s->rank == 1 && s->dim[0] == AMI_STYLE_WINDOW) ||
           (s->rank == 2 && s->dim[0] == AMI_STYLE_FRAMES && s->dim[1] == AMI_STYLE_FEATURES);
}

static const char *shape_text(const ami_net_shape *s, char text[48])
{
    size_t used = 0;
    text[0] = 0;
    for (int i = 0; i < s->rank && used < 40; i++)
        used += (size_t)snprintf(text + used, 48 - used, "%s%d", i ? " × " : "", s->dim[i]);
    return text;
}

/* Whether the name has the word in it, whatever its case. */
static bool has(const char *name, const char *word)
{
    for (; *name; name++)
        if (!strncasecmp(name, word, strlen(word)))
            return true;
    return false;
}

static bool names_variance(const char *name)
{
    return name && has(name, "var");
}

static bool names_mean(const char *name)
{
    return name && !has(name, "var") && (has(name, "mu") || has(name, "mean"));
}

static bool check_encoder(const ami_net *net, int *mean_at, ami_error *err)
{
    char text[48];
    if (!is_window(&net->in_shape))
        return ami_fail(err, "its input is %s, expected a StyleVAE encoder's, %d × %d or %d",
                        shape_text(&net->in_shape, text), AMI_STYLE_FRAMES, AMI_STYLE_FEATURES,
                        AMI_STYLE_WINDOW);
    if (net->heads != 2 || net->head[0].outputs != AMI_STYLE_SIZE || net->head[1].outputs != AMI_STYLE_SIZE)
        return ami_fail(err,
                        "it has %d heads of %d outputs together, expected a StyleVAE encoder's two, mean and "
                        "log-variance, of %d each",
                        net->heads, net->dim[net->layers], AMI_STYLE_SIZE);
    const char *first = net->head[0].name, *second = net->head[1].name;
    *mean_at = names_variance(first) ? AMI_STYLE_SIZE : 0;
    if ((!first && !second) || (names_mean(first) && names_variance(second)) ||
        (names_variance(first) && names_mean(second)))
        return true;
    return ami_fail(err,
                    "its heads are named \"%.40s\" and \"%.40s\", expected one with \"mu\" or \"mean\" and "
                    "one with \"var\" in it",
                    first ? first : "", second ? second : "");
}

static bool check_decoder(const ami_net *net, ami_error *err)
{
    char text[48];
    if (net->dim[0] != AMI_STYLE_SIZE)
        return ami_fail(err, "it has %d inputs, expected a StyleVAE decoder's %d", net->dim[0],
                        AMI_STYLE_SIZE);
    if (net->heads != 1 || !is_window(&net->head[0].shape))
        return ami_fail(
            err, "it has %d %s, the first of %s, expected a StyleVAE decoder's one of %d × %d or %d",
            net->heads, net->heads == 1 ? "output" : "heads", shape_text(&net->head[0].shape, text),
            AMI_STYLE_FRAMES, AMI_STYLE_FEATURES, AMI_STYLE_WINDOW);
    return true;
}

bool ami_stylevae_init(ami_stylevae *vae, const ami_net *encoder, const ami_net *decoder,
                       const ami_model_def *def, ami_error *err)
{
    *vae = (ami_stylevae){.encoder = NULL};
    if (encoder && check_encoder(encoder, &vae->mean_at, err))
        vae->encoder = ami_model_create(encoder, def, err);
    if (decoder && (vae->encoder || !encoder) && check_decoder(decoder, err))
        vae->decoder = ami_model_create(decoder, def, err);
    if ((vae->encoder || !encoder) && (vae->decoder || !decoder))
        return true;
    ami_stylevae_free(vae);
    return false;
}

bool ami_stylevae_load(ami_stylevae *vae, const char *encoder, const char *decoder, const ami_model_def *def,
                       ami_error *err)
{
    ami_stylevae part[2] = {{.encoder = NULL}, {.encoder = NULL}};
    const char *const path[2] = {encoder, decoder};
    bool ok = true;
    for (int k = 0; ok && k < 2; k++) {
        if (!path[k])
            continue;
        ami_net *net = ami_onnx_read(path[k], err);
        ok = net && (ami_stylevae_init(&part[k], k == 0 ? net : NULL, k == 1 ? net : NULL, def, err) ||
                     ami_fail_in(err, "%s", path[k]));
        ami_net_destroy(net);
    }
    *vae = (ami_stylevae){part[0].encoder, part[1].decoder, part[0].mean_at};
    if (!ok)
        ami_stylevae_free(vae);
    return ok;
}

void ami_stylevae_free(ami_stylevae *vae)
{
    ami_model_destroy(vae->encoder);
    ami_model_destroy(vae->decoder);
    *vae = (ami_stylevae){.encoder = NULL};
}

/* The encoder's output for a block, in front of its own workspace. */
static const size_t heads_bytes = BLOCK * 2 * AMI_STYLE_SIZE * sizeof(float);

size_t ami_stylevae_workspace_size(const ami_stylevae *vae)
{
    const size_t encoder =
        vae->encoder ? ami_model_workspace_size(vae->encoder, BLOCK) + heads_bytes + sizeof(float) : 0;
    const size_t decoder = vae->decoder ? ami_model_workspace_size(vae->decoder, BLOCK) : 0;
    return encoder > decoder ? encoder : decoder;
}

void ami_stylevae_encode(const ami_stylevae *vae, void *workspace, const float *window, int n, float *mean,
                         float *log_variance)
{
    assert(vae->encoder && n >= 1);
    float *heads = (float *)(((uintptr_t)workspace + sizeof(float) - 1) / sizeof(float) * sizeof(float));
    void *rest = (char *)heads + heads_bytes;
    float *const to[2] = {vae->mean_at == 0 ? mean : log_variance, vae->mean_at == 0 ? log_variance : mean};
    for (int first = 0; first < n; first += BLOCK) {
        const int rows = n - first < BLOCK ? n - first : BLOCK;
        ami_model_run(vae->encoder, rest, window + (size_t)first * AMI_STYLE_WINDOW, rows, heads);
        for (int r = 0; r < rows; r++)
            for (int half = 0; half < 2; half++)
                if (to[half])
                    memcpy(to[half] + (size_t)(first + r) * AMI_STYLE_SIZE,
                           heads + (2 * r + half) * AMI_STYLE_SIZE, AMI_STYLE_SIZE * sizeof(float));
    }
}

void ami_stylevae_decode(const ami_stylevae *vae, void *workspace, const float *z, int n, float *window)
{
    assert(vae->decoder && n >= 1);
    for (int first = 0; first < n; first += BLOCK) {
        const int rows = n - first < BLOCK ? n - first : BLOCK;
        ami_model_run(vae->decoder, workspace, z + (size_t)first * AMI_STYLE_SIZE, rows,
                      window + (size_t)first * AMI_STYLE_WINDOW);
    }
}

size_t ami_stylevae_part_size(const ami_stylevae *vae)
{
    assert(vae->decoder);
    return ami_model_workspace_size(vae->decoder, 1);
}

void ami_stylevae_decode_part(const ami_stylevae *vae, void *workspace, const float *z, int part, int parts,
                              float *window)
{
    assert(vae->decoder);
    ami_model_run_part(vae->decoder, workspace, z, part, parts, window);
}

void ami_stylevae_sample(const float *mean, const float *log_variance, const float *noise, int n, float *z)
{
    for (size_t i = 0; i < (size_t)n * AMI_STYLE_SIZE; i++)
        z[i] = mean[i] + noise[i] * expf(.5f * log_variance[i]);
}
