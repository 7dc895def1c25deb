/* StyleVAE's part of a fit: windows and pairs of windows, through both networks and back. */
#include "learn/fit_state.h"

#include <math.h>
#include <string.h>

const int fit_encoder_dim[4] = {FIT_WINDOW, 512, 256, 2 * FIT_Z};
const int fit_decoder_dim[4] = {FIT_Z, 256, 512, FIT_WINDOW};

static const double span = (AMB_STYLE_FRAMES - 1) / 30.;
static const double slowest = .9, fastest = 1.1; /* speeds at which windows are played */
static const double longest_span =
    1.1 * 3 * 59 / 30.;                   /* s: windows of motions played up to three times faster must fit
                                             into what is learned */
static const double least_amplitude = .3; /* in the window's middle */
static const double blends_share = .15, loops_share = .2;  /* of the windows that are no pairs; the rest is
                                                              from long clips */
static const double crossed_share = .5, most_crossed = .5; /* of these windows; of another motion in them */
static const double reshaped_share = .6, sized = .02, leaned = .06, paced = .08;
static const double floor_std = .02;
static const float largest_log_variance = 10;

/* Mixes into a window of motion g some of another loop that walks, at equal phase: a gait that no clip has.
 * Points, contacts and what the root covers in a part of the cycle are weighted means; limbs come out a
 * little short where the two are far apart, so the share is small.
 */
static void cross(const amb_fit *fit, const amb_gait *g, double t0, double scale, amb_rng *rng,
                  float window[FIT_WINDOW])
{
    const amb_fit_data *d = fit->data;
    double t;
    const int i = amb_fit_draw(d, AMB_FIT_WALKING_LOOP, 0, rng, &t);
    const float share = (float)(most_crossed * amb_rng_uniform(rng));
    const amb_gait *o = i < 0 ? NULL : d->motion[i];
    if (!o || o == g || g->strikes < 2)
        return;
    for (int f = 0; f < AMB_STYLE_FRAMES; f++) {
        const double at = t0 + scale * f / 30;
        const float tempo = (float)(scale * o->period / g->period);
        float other[AMB_FEATURES], *frame = window + f * AMB_FEATURES;
        amb_gait_sample(o, amb_gait_time(o, 0, amb_gait_phase(g, at)), other, NULL);
        for (int k = AMB_FEATURE_FORWARD; k <= AMB_FEATURE_YAW_RATE; k++)
            other[k] *= tempo;
        for (int k = 0; k < AMB_FEATURES; k++)
            frame[k] += share * (other[k] - frame[k]);
    }
}

/* Another body in another posture: size, lean and speed, the same in the whole window. */
static void reshape(amb_rng *rng, float window[FIT_WINDOW])
{
    const float size = 1 + (float)(sized * amb_rng_normal(rng)), nod = (float)(leaned * amb_rng_normal(rng));
    const float roll = (float)(leaned * amb_rng_normal(rng)), pace = 1 + (float)(paced * amb_rng_normal(rng));
    for (int f = 0; f < AMB_STYLE_FRAMES; f++) {
        float *frame = window + f * AMB_FEATURES;
        const float height = frame[2];
        for (int p = 0; p < AMB_POINTS; p++) { /* above the root the body leans, the legs stay on the
                                                  ground */
            float *at = frame + 3 * p;
            const float above = fmaxf(at[2] - height, 0);
            at[0] = size * (at[0] + nod * above);
            at[1] = size * (at[1] + roll * above);
            at[2] *= size;
        }
        frame[AMB_FEATURE_FORWARD] *= size * pace;
        frame[AMB_FEATURE_LEFT] *= size * pace;
    }
}

/* A window at a random place of something that walks. */
static void draw_window(const amb_fit *fit, amb_rng *rng, float window[FIT_WINDOW])
{
    const amb_fit_data *d = fit->data;
    const double u = amb_rng_uniform(rng), scale = exp(amb_rng_range(rng, log(slowest), log(fastest)));
    double t = 0;
    const amb_gait *g = NULL;
    if (u < blends_share && d->blends) {
        const amb_fit_blend *b = &d->blend[amb_rng_below(rng, (uint32_t)d->blends)];
        for (int tries = 0; b->held && tries < 64; tries++)
            b = &d->blend[amb_rng_below(rng, (uint32_t)d->blends)];
        g = b->gait;
        t = amb_rng_uniform(rng) * g->duration;
    } else {
        const amb_fit_kind first = u < blends_share + loops_share ? AMB_FIT_WALKING_LOOP : AMB_FIT_WALKING;
        int i = -1;
        for (int tries = 0; tries < 16; tries++) {
            i = amb_fit_draw(d, first, longest_span, rng, &t);
            if (i < 0)
                i = amb_fit_draw(d, first == AMB_FIT_WALKING ? AMB_FIT_WALKING_LOOP : AMB_FIT_WALKING,
                                 longest_span, rng, &t);
            const amb_gait *drawn = d->motion[i];
            if (amb_gait_amplitude(drawn, t + .5 * span * amb_gait_scale(drawn)) >= least_amplitude)
                break; /* elsewhere it stands about, or turns round */
        }
        g = d->motion[i];
    }
    amb_gait_window(g, t, scale * amb_gait_scale(g), AMB_STYLE_FRAMES, window);
    if (amb_rng_uniform(rng) < crossed_share)
        cross(fit, g, t, scale * amb_gait_scale(g), rng, window);
    if (amb_rng_uniform(rng) < reshaped_share)
        reshape(rng, window);
}

/* Windows of two gaits and of their blend, all from the same phase, at the speed that styles have. */
static float draw_pair(const amb_fit *fit, amb_rng *rng, float *a, float *b, float *between)
{
    const amb_fit_data *d = fit->data;
    const amb_fit_blend *blend = &d->blend[amb_rng_below(rng, (uint32_t)d->blends)];
    for (int tries = 0; blend->held && tries < 64; tries++)
        blend = &d->blend[amb_rng_below(rng, (uint32_t)d->blends)];
    const double u = amb_rng_uniform(rng), anywhere = amb_rng_uniform(rng), near = .02 * amb_rng_normal(rng);
    const double phase = u < .75 ? near : anywhere, w = blend->weight;
    const amb_gait *ga = d->motion[blend->a], *gb = d->motion[blend->b];
    const double sa = amb_gait_scale(ga), sb = amb_gait_scale(gb);
    amb_gait_window(ga, amb_gait_time(ga, 0, phase), sa, AMB_STYLE_FRAMES, a);
    amb_gait_window(gb, amb_gait_time(gb, 0, phase), sb, AMB_STYLE_FRAMES, b);
    amb_gait_window(blend->gait, amb_gait_time(blend->gait, 0, phase), pow(sa, 1 - w) * pow(sb, w),
                    AMB_STYLE_FRAMES, between);
    return (float)w;
}

static void normalise(const amb_fit *fit, const float *window, float *x)
{
    for (int t = 0; t < AMB_STYLE_FRAMES; t++)
        for (int k = 0; k < AMB_FEATURES; k++)
            x[t * AMB_FEATURES + k] = (window[t * AMB_FEATURES + k] - fit->mean[k]) / fit->std[k];
}

void fit_style_normaliser(amb_fit *fit)
{
    double sum[AMB_FEATURES] = {0}, square[AMB_FEATURES] = {0};
    const int draws = FIT_NORMALISER_DRAWS / 4;
    for (int i = 0; i < draws; i++) {
        float window[FIT_WINDOW];
        amb_rng rng = fit_rng(fit, i, 1);
        draw_window(fit, &rng, window);
        for (int k = 0; k < FIT_WINDOW; k++) {
            const double v = (double)window[k] / (draws * AMB_STYLE_FRAMES);
            sum[k % AMB_FEATURES] += v;
            square[k % AMB_FEATURES] += v * (double)window[k];
        }
    }
    for (int k = 0; k < AMB_FEATURES; k++) {
        fit->mean[k] = (float)sum[k];
        fit->std[k] = (float)fmax(floor_std, sqrt(fmax(0, square[k] - sum[k] * sum[k])));
    }
}

/* Draws row i, or rows i and i + 1 and their mixture. */
static void draw_rows(amb_fit *fit, int i)
{
    const int single = fit->batch - 2 * fit->pairs;
    float *target = fit->target + (size_t)i * FIT_WINDOW, *x = fit->x + (size_t)i * FIT_WINDOW;
    amb_rng rng = fit_rng(fit, fit->progress.samples + i, 0);
    if (i < single) {
        draw_window(fit, &rng, target);
    } else {
        const int pair = (i - single) / 2;
        float *between = fit->target + (size_t)(fit->batch + pair) * FIT_WINDOW;
        fit->share[pair] = draw_pair(fit, &rng, target, target + FIT_WINDOW, between);
        normalise(fit, target + FIT_WINDOW, x + FIT_WINDOW);
    }
    normalise(fit, target, x);
    for (int r = i; r < i + (i < single ? 1 : 2); r++)
        for (int k = 0; k < FIT_Z; k++)
            fit->noise[(size_t)r * FIT_Z + (size_t)k] = (float)amb_rng_normal(&rng);
}

static float clamped(float log_variance)
{
    return fminf(fmaxf(log_variance, -largest_log_variance), largest_log_variance);
}

/* z of row r from the encoder's outputs y. */
static void latent(const amb_fit *fit, const float *y, int r, float *z)
{
    const float *mean = y + (size_t)r * 2 * FIT_Z, *log_variance = mean + FIT_Z,
                *noise = fit->noise + (size_t)r * FIT_Z;
    for (int k = 0; k < FIT_Z; k++)
        z[k] = mean[k] + expf(.5f * clamped(log_variance[k])) * noise[k];
}

/* Derivative by the encoder's outputs of row r: through its own window, through the mixture it is in, and of
 * the KL divergence. */
static void encoder_row(amb_fit *fit, const float *y, const float *dz, int r)
{
    const int single = fit->batch - 2 * fit->pairs, pair = r < single ? -1 : (r - single) / 2;
    const float *mean = y + (size_t)r * 2 * FIT_Z, *log_variance = mean + FIT_Z,
                *noise = fit->noise + (size_t)r * FIT_Z;
    const float *own = dz + (size_t)r * FIT_Z,
                *mixed = pair < 0 ? NULL : dz + (size_t)(fit->batch + pair) * FIT_Z;
    const float share = pair < 0 ? 0 : (r - single) % 2 ? fit->share[pair] : 1 - fit->share[pair];
    const float beta = (float)fit->beta / (float)fit->batch;
    float *d = fit->d[0] + (size_t)r * 2 * FIT_Z;
    double kl = 0;
    for (int k = 0; k < FIT_Z; k++) {
        const float lv = clamped(log_variance[k]), variance = expf(lv),
                    g = own[k] + (mixed ? share * mixed[k] : 0);
        kl += .5 * (double)(mean[k] * mean[k] + variance - 1 - lv);
        d[k] = g + beta * mean[k];
        d[FIT_Z + k] = .5f * (g * sqrtf(variance) * noise[k] + beta * (variance - 1));
    }
    double *loss = fit->loss + (size_t)r * (1 + AMB_FIT_TERMS);
    loss[0] += fit->beta * kl;
    loss[6] = kl;
}

void fit_style_step(amb_fit *fit)
{
    const int n = fit->batch, single = n - 2 * fit->pairs, rows = fit->rows;
#pragma omp for schedule(dynamic, 16)
    for (int i = 0; i < single + fit->pairs; i++)
        draw_rows(fit, i < single ? i : single + 2 * (i - single));
    const float *y = amb_train_net_forward(fit->net[0], fit->x, n);
#pragma omp for schedule(dynamic, 16)
    for (int r = 0; r < n; r++)
        latent(fit, y, r, fit->z + (size_t)r * FIT_Z);
#pragma omp for schedule(dynamic, 16)
    for (int p = 0; p < fit->pairs; p++) {
        const float *a = fit->z + (size_t)(single + 2 * p) * FIT_Z, *b = a + FIT_Z, w = fit->share[p];
        float *z = fit->z + (size_t)(n + p) * FIT_Z;
        for (int k = 0; k < FIT_Z; k++)
            z[k] = (1 - w) * a[k] + w * b[k];
    }
    const float *out = amb_train_net_forward(fit->net[1], fit->z, rows);
#pragma omp for schedule(dynamic, 16)
    for (int r = 0; r < rows; r++) {
        const size_t at = (size_t)r * FIT_WINDOW;
        double *loss = fit->loss + (size_t)r * (1 + AMB_FIT_TERMS);
        loss[0] = fit_style_loss(out + at, fit->target + at, fit->mean, fit->std, fit->d[1] + at, loss + 1);
        for (int k = 0; k < FIT_WINDOW; k++)
            fit->d[1][at + (size_t)k] /= (float)rows;
    }
    amb_train_net_backward(fit->net[1], fit->d[1], rows);
    const float *dz = amb_train_net_input_gradient(fit->net[1]);
#pragma omp for schedule(dynamic, 16)
    for (int r = 0; r < n; r++)
        encoder_row(fit, y, dz, r);
    amb_train_net_backward(fit->net[0], fit->d[0], n);
}

static bool name_head(amb_net_head *head, const char *name, amb_net_shape shape)
{
    head->name = strdup(name);
    head->shape = shape;
    head->outputs = 1;
    for (int i = 0; i < shape.rank; i++)
        head->outputs *= shape.dim[i];
    return head->name != NULL;
}

amb_net *fit_style_export(const amb_fit *fit, int which, amb_error *err)
{
    const amb_net_shape window = {2, {AMB_STYLE_FRAMES, AMB_FEATURES}}, latent_shape = {1, {FIT_Z}};
    amb_net *net = amb_net_create(3, which == 0 ? fit_encoder_dim : fit_decoder_dim, err);
    bool ok = net != NULL;
    if (!ok)
        return NULL;
    amb_net_set_parameters(net, amb_train_net_parameters(fit->net[which]));
    if (which == 0) {
        net->heads = 2;
        net->in_shape = window;
        ok = amb_net_add_normalizer(net) && name_head(&net->head[0], "mu", latent_shape) &&
             name_head(&net->head[1], "logvar", latent_shape);
        for (int k = 0; ok && k < FIT_WINDOW; k++) {
            net->in_mean[k] = fit->mean[k % AMB_FEATURES];
            net->in_std[k] = fit->std[k % AMB_FEATURES];
        }
    } else {
        ok = name_head(&net->head[0], "window", window);
        for (int o = 0; o < FIT_WINDOW; o++) { /* out of the normalised units */
            const float scale = fit->std[o % AMB_FEATURES];
            for (int k = 0; k < net->dim[2]; k++)
                net->weight[2][(size_t)o * (size_t)net->dim[2] + (size_t)k] *= scale;
            net->bias[2][o] = net->bias[2][o] * scale + fit->mean[o % AMB_FEATURES];
        }
    }
    if (!ok) {
        amb_fail(err, "out of memory");
        amb_net_destroy(net);
        return NULL;
    }
    return net;
}
