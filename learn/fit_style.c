/* Fits StyleVAE: draws windows and pairs of windows, and runs both networks forward and backward. */
#include "learn/fit_state.h"

#include <math.h>
#include <string.h>

static const double span = (AMI_STYLE_FRAMES - 1) / AMI_FEATURE_RATE;
static const double min_rate = .9, max_rate = 1.1; /* rates at which windows are played */
static const double max_span =
    1.1 * 3 * 59 / AMI_FEATURE_RATE;    /* s, of windows of motions that are played three times faster */
static const double min_amplitude = .3; /* in the window's middle */
static const double blends_fraction = .15,
                    loops_fraction = .2;                     /* of the windows that are no pairs; the rest is
                                                              from long clips */
static const double crossed_fraction = .5, max_crossed = .5; /* of these windows; of another motion in them */
static const double reshaped_fraction = .6, sized = .02, leaned = .06, paced = .08;
static const double floor_std = .02;
static const float largest_log_variance = 10;

/* Mixes another walking loop into a window of motion g at equal phase, which gives a new gait. Points,
 * contacts and the root's distance per phase are weighted means. Limbs get a little short if the motions
 * differ much, so the weight is small. */
static void cross(const ami_fit *fit, const ami_gait *g, double t0, double scale, ami_rng *rng,
                  float window[FIT_WINDOW])
{
    const ami_fit_data *d = fit->data;
    double t;
    const int i = ami_fit_draw(d, AMI_FIT_WALKING_LOOP, 0, rng, &t);
    const float weight = (float)(max_crossed * ami_rng_uniform(rng));
    const ami_gait *o = i < 0 ? NULL : d->motion[i];
    if (!o || o == g || g->strikes < 2)
        return;
    for (int f = 0; f < AMI_STYLE_FRAMES; f++) {
        const double at = t0 + scale * f / AMI_FEATURE_RATE;
        const float tempo = (float)(scale * o->period / g->period);
        float other[AMI_FEATURES], *frame = window + f * AMI_FEATURES;
        ami_gait_sample(o, ami_gait_time(o, 0, ami_gait_phase(g, at)), other, NULL);
        for (int k = AMI_FEATURE_FORWARD; k <= AMI_FEATURE_YAW_RATE; k++)
            other[k] *= tempo;
        for (int k = 0; k < AMI_FEATURES; k++)
            frame[k] += weight * (other[k] - frame[k]);
    }
}

/* Changes the body's size, lean and speed, constant over the window. */
static void reshape(ami_rng *rng, float window[FIT_WINDOW])
{
    const float size = 1 + (float)(sized * ami_rng_normal(rng)), nod = (float)(leaned * ami_rng_normal(rng));
    const float roll = (float)(leaned * ami_rng_normal(rng)), pace = 1 + (float)(paced * ami_rng_normal(rng));
    for (int f = 0; f < AMI_STYLE_FRAMES; f++) {
        float *frame = window + f * AMI_FEATURES;
        const float height = frame[2];
        for (int p = 0; p < AMI_POINTS; p++) { /* above the root the body leans, the legs stay on the
                                                  ground */
            float *at = frame + 3 * p;
            const float above = fmaxf(at[2] - height, 0);
            at[0] = size * (at[0] + nod * above);
            at[1] = size * (at[1] + roll * above);
            at[2] *= size;
        }
        frame[AMI_FEATURE_FORWARD] *= size * pace;
        frame[AMI_FEATURE_LEFT] *= size * pace;
    }
}

/* Draws a window at a random time of a walking motion. */
static void draw_window(const ami_fit *fit, ami_rng *rng, float window[FIT_WINDOW])
{
    const ami_fit_data *d = fit->data;
    const double u = ami_rng_uniform(rng), scale = exp(ami_rng_range(rng, log(min_rate), log(max_rate)));
    double t = 0;
    const ami_gait *g = NULL;
    if (u < blends_fraction && d->blends) {
        const ami_fit_blend *b = &d->blend[ami_rng_below(rng, (uint32_t)d->blends)];
        for (int tries = 0; b->held && tries < 64; tries++)
            b = &d->blend[ami_rng_below(rng, (uint32_t)d->blends)];
        g = b->gait;
        t = ami_rng_uniform(rng) * g->duration;
    } else {
        const ami_fit_kind first =
            u < blends_fraction + loops_fraction ? AMI_FIT_WALKING_LOOP : AMI_FIT_WALKING;
        int i = -1;
        for (int tries = 0; tries < 16; tries++) {
            i = ami_fit_draw(d, first, max_span, rng, &t);
            if (i < 0)
                i = ami_fit_draw(d, first == AMI_FIT_WALKING ? AMI_FIT_WALKING_LOOP : AMI_FIT_WALKING,
                                 max_span, rng, &t);
            const ami_gait *drawn = d->motion[i];
            if (ami_gait_amplitude(drawn, t + .5 * span * ami_gait_scale(drawn)) >= min_amplitude)
                break; /* else it stands or turns around */
        }
        g = d->motion[i];
    }
    ami_gait_window(g, t, scale * ami_gait_scale(g), AMI_STYLE_FRAMES, window);
    if (ami_rng_uniform(rng) < crossed_fraction)
        cross(fit, g, t, scale * ami_gait_scale(g), rng, window);
    if (ami_rng_uniform(rng) < reshaped_fraction)
        reshape(rng, window);
}

/* Draws windows of two gaits and of their blend, from the same phase, at the rate of style windows. Returns
 * the weight of the second. */
static float draw_pair(const ami_fit *fit, ami_rng *rng, float *a, float *b, float *between)
{
    const ami_fit_data *d = fit->data;
    const ami_fit_blend *blend = &d->blend[ami_rng_below(rng, (uint32_t)d->blends)];
    for (int tries = 0; blend->held && tries < 64; tries++)
        blend = &d->blend[ami_rng_below(rng, (uint32_t)d->blends)];
    const double u = ami_rng_uniform(rng), anywhere = ami_rng_uniform(rng), near = .02 * ami_rng_normal(rng);
    const double phase = u < .75 ? near : anywhere, w = blend->weight;
    const ami_gait *ga = d->motion[blend->a], *gb = d->motion[blend->b];
    /* Not the scale that a mixture is played with (policy/style_plan.c, the mean of 1/scale²): the blend's
     * period is the geometric mean of theirs (ami_gait_blend), so with the geometric mean of their scales the
     * number of cycles in its window is that of theirs, too, and no rhythm jumps from a to b. */
    const double sa = ami_gait_scale(ga), sb = ami_gait_scale(gb);
    ami_gait_window(ga, ami_gait_time(ga, 0, phase), sa, AMI_STYLE_FRAMES, a);
    ami_gait_window(gb, ami_gait_time(gb, 0, phase), sb, AMI_STYLE_FRAMES, b);
    ami_gait_window(blend->gait, ami_gait_time(blend->gait, 0, phase), pow(sa, 1 - w) * pow(sb, w),
                    AMI_STYLE_FRAMES, between);
    return (float)w;
}

static void normalise(const ami_fit *fit, const float *window, float *x)
{
    for (int t = 0; t < AMI_STYLE_FRAMES; t++)
        for (int k = 0; k < AMI_FEATURES; k++)
            x[t * AMI_FEATURES + k] = (window[t * AMI_FEATURES + k] - fit->mean[k]) / fit->std[k];
}

void fit_style_normaliser(ami_fit *fit)
{
    double sum[AMI_FEATURES] = {0}, square[AMI_FEATURES] = {0};
    const int draws = FIT_NORMALISER_DRAWS / 4;
    for (int i = 0; i < draws; i++) {
        float window[FIT_WINDOW];
        ami_rng rng = fit_rng(fit, i, 1);
        draw_window(fit, &rng, window);
        for (int k = 0; k < FIT_WINDOW; k++) {
            const double v = (double)window[k] / (draws * AMI_STYLE_FRAMES);
            sum[k % AMI_FEATURES] += v;
            square[k % AMI_FEATURES] += v * (double)window[k];
        }
    }
    for (int k = 0; k < AMI_FEATURES; k++) {
        fit->mean[k] = (float)sum[k];
        fit->std[k] = (float)fmax(floor_std, sqrt(fmax(0, square[k] - sum[k] * sum[k])));
    }
}

/* Draws row r, or the pair of rows r and r + 1 and their mixture; nothing at a pair's second row and at a mixture. */
static void draw_rows(ami_fit *fit, int r)
{
    const fit_span part = fit_shard(fit, fit_shard_of(fit, r));
    const int at = r - part.first, in_pairs = at - part.single;
    if (at >= part.batch || (in_pairs >= 0 && in_pairs % 2 != 0))
        return;
    float *target = fit->target + (size_t)r * FIT_WINDOW, *x = fit->x + (size_t)r * FIT_WINDOW;
    ami_rng rng = fit_rng(
        fit, fit->progress.samples + (in_pairs < 0 ? part.sample + at : part.pair_sample + in_pairs), 0);
    if (in_pairs < 0) {
        draw_window(fit, &rng, target);
    } else {
        const int mixture = part.first + part.batch + in_pairs / 2;
        float *between = fit->target + (size_t)mixture * FIT_WINDOW;
        fit->weight[mixture] = draw_pair(fit, &rng, target, target + FIT_WINDOW, between);
        normalise(fit, target + FIT_WINDOW, x + FIT_WINDOW);
    }
    normalise(fit, target, x);
    for (int k = r; k < r + (in_pairs < 0 ? 1 : 2); k++)
        for (int i = 0; i < FIT_Z; i++)
            fit->noise[(size_t)k * FIT_Z + (size_t)i] = (float)ami_rng_normal(&rng);
}

static float clamped(float log_variance)
{
    return fminf(fmaxf(log_variance, -largest_log_variance), largest_log_variance);
}

/* z of row r from the encoder's outputs y. */
static void latent(const ami_fit *fit, const float *y, int r, float *z)
{
    const float *mean = y + (size_t)r * 2 * FIT_Z, *log_variance = mean + FIT_Z,
                *noise = fit->noise + (size_t)r * FIT_Z;
    for (int k = 0; k < FIT_Z; k++)
        z[k] = mean[k] + expf(.5f * clamped(log_variance[k])) * noise[k];
}

/* Derivative by the encoder's outputs of row r: of the loss of its own window, of the loss of its mixture,
 * and of the KL divergence. */
static void encoder_row(ami_fit *fit, const float *y, const float *dz, int r)
{
    const fit_span part = fit_shard(fit, fit_shard_of(fit, r));
    const int in_pairs = r - part.first - part.single, mixture = part.first + part.batch + in_pairs / 2;
    if (r - part.first >= part.batch)
        return;
    const float *mean = y + (size_t)r * 2 * FIT_Z, *log_variance = mean + FIT_Z,
                *noise = fit->noise + (size_t)r * FIT_Z;
    const float *own = dz + (size_t)r * FIT_Z, *mixed = in_pairs < 0 ? NULL : dz + (size_t)mixture * FIT_Z;
    const float weight = in_pairs < 0 ? 0 : in_pairs % 2 ? fit->weight[mixture] : 1 - fit->weight[mixture];
    const float beta = (float)fit->beta / (float)fit->batch;
    float *d = fit->d[0] + (size_t)r * 2 * FIT_Z;
    double kl = 0;
    for (int k = 0; k < FIT_Z; k++) {
        const float lv = clamped(log_variance[k]), variance = expf(lv),
                    g = own[k] + (mixed ? weight * mixed[k] : 0);
        kl += .5 * (double)(mean[k] * mean[k] + variance - 1 - lv);
        d[k] = g + beta * mean[k];
        d[FIT_Z + k] = .5f * (g * sqrtf(variance) * noise[k] + beta * (variance - 1));
    }
    double *loss = fit->loss + (size_t)r * (1 + AMI_FIT_TERMS);
    loss[0] += fit->beta * kl;
    loss[6] = kl;
}

/* z of row r, of a mixture from those of its pair. */
static void find_z(ami_fit *fit, int r)
{
    const fit_span part = fit_shard(fit, fit_shard_of(fit, r));
    const int mixture = r - part.first - part.batch;
    float *z = fit->z + (size_t)r * FIT_Z, own[2][FIT_Z];
    if (mixture < 0) {
        latent(fit, fit->y[0], r, z);
        return;
    }
    const int pair = part.first + part.single + 2 * mixture;
    latent(fit, fit->y[0], pair, own[0]);
    latent(fit, fit->y[0], pair + 1, own[1]);
    const float w = fit->weight[r];
    for (int k = 0; k < FIT_Z; k++)
        z[k] = (1 - w) * own[0][k] + w * own[1][k];
}

void fit_style_step(ami_fit *fit)
{
    const int rows = fit->own_rows;
#pragma omp for schedule(dynamic, 16)
    for (int r = 0; r < rows; r++)
        draw_rows(fit, r);
    fit_forward(fit, 0, fit->x, false, fit->y[0]);
#pragma omp for schedule(dynamic, 16)
    for (int r = 0; r < rows; r++)
        find_z(fit, r);
    fit_forward(fit, 1, fit->z, true, fit->y[1]);
#pragma omp for schedule(dynamic, 16)
    for (int r = 0; r < rows; r++) {
        const size_t at = (size_t)r * FIT_WINDOW;
        double *loss = fit->loss + (size_t)r * (1 + AMI_FIT_TERMS);
        loss[0] =
            fit_style_loss(fit->y[1] + at, fit->target + at, fit->mean, fit->std, fit->d[1] + at, loss + 1);
        for (int k = 0; k < FIT_WINDOW; k++)
            fit->d[1][at + (size_t)k] /= (float)fit->rows;
    }
    fit_backward(fit, 1, true, fit->dz);
#pragma omp for schedule(dynamic, 16)
    for (int r = 0; r < rows; r++)
        encoder_row(fit, fit->y[0], fit->dz, r);
    fit_backward(fit, 0, false, NULL);
}

static bool name_head(ami_net_head *head, const char *name, ami_net_shape shape)
{
    head->name = strdup(name);
    head->shape = shape;
    head->outputs = 1;
    for (int i = 0; i < shape.rank; i++)
        head->outputs *= shape.dim[i];
    return head->name != NULL;
}

ami_net *fit_style_export(const ami_fit *fit, int which, ami_error *err)
{
    const ami_net_shape window = {2, {AMI_STYLE_FRAMES, AMI_FEATURES}}, latent_shape = {1, {FIT_Z}};
    ami_net *net = ami_net_create(3, which == 0 ? fit_encoder_dim : fit_decoder_dim, err);
    bool ok = net != NULL;
    if (!ok)
        return NULL;
    ami_net_set_parameters(net, ami_train_net_parameters(fit->net[which]));
    if (which == 0) {
        net->heads = 2;
        net->in_shape = window;
        ok = ami_net_add_normalizer(net) && name_head(&net->head[0], "mu", latent_shape) &&
             name_head(&net->head[1], "logvar", latent_shape);
        for (int k = 0; ok && k < FIT_WINDOW; k++) {
            net->in_mean[k] = fit->mean[k % AMI_FEATURES];
            net->in_std[k] = fit->std[k % AMI_FEATURES];
        }
    } else {
        ok = name_head(&net->head[0], "window", window);
        for (int o = 0; o < FIT_WINDOW; o++) { /* undoes the normalisation */
            const float scale = fit->std[o % AMI_FEATURES];
            for (int k = 0; k < net->dim[2]; k++)
                net->weight[2][(size_t)o * (size_t)net->dim[2] + (size_t)k] *= scale;
            net->bias[2][o] = net->bias[2][o] * scale + fit->mean[o % AMI_FEATURES];
        }
    }
    if (!ok) {
        ami_fail(err, "out of memory");
        ami_net_destroy(net);
        return NULL;
    }
    return net;
}
