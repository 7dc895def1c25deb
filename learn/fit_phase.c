/* Fits DeepPhase: draws single frames with noise and their target points in the phase plane. */
#include "learn/fit_state.h"

#include "policy/generator.h"

#include <math.h>
#include <string.h>

/* Velocity noise (m/s) / position noise (m) of a central difference over two frames at 30 Hz. */
static const double difference_noise = 21.2;
/* Some frames are played at less than half their speed, down to 0, where the motion does not repeat and the
 * amplitude decreases to 0. */
static const double halting_fraction = .06, halting_speed = .5;
static const double usual_noise = .03;          /* m; less of it reduces the following, too */
static const double turned = .10, leaned = .07; /* rad, standard deviations of heading and posture */
static const double sized = .03, drifted = .08; /* of the body's size; m/s, of its speed */
static const double floor_std = .02;

/* Changes size, posture, heading and speed of the whole body, for generalisation to other motions: errors
 * that independent noise of the points does not cover. strength: 0 none, 1 full. */
static void perturb(float frame[AMI_PHASE_FEATURES], double strength, ami_rng *rng)
{
    const double turn = strength * turned * ami_rng_normal(rng),
                 nod = strength * leaned * ami_rng_normal(rng);
    const double roll = strength * leaned * ami_rng_normal(rng),
                 size = 1 + strength * sized * ami_rng_normal(rng);
    const float drift[2] = {(float)(strength * drifted * ami_rng_normal(rng)),
                            (float)(strength * drifted * ami_rng_normal(rng))};
    const float cosine = (float)cos(turn), sine = (float)sin(turn), height = frame[2];
    for (int p = 0; p < AMI_POINTS; p++) {
        for (int k = 0; k < 2; k++) { /* position, velocity */
            float *v = frame + 6 * p + 3 * k, level = k == 0 ? height : 0;
            const float x = (float)size * (v[0] + (float)nod * (v[2] - level)),
                        y = (float)size * (v[1] + (float)roll * (v[2] - level));
            v[2] = (float)size * (v[2] - (float)nod * v[0] - (float)roll * v[1]);
            v[0] = cosine * x - sine * y;
            v[1] = sine * x + cosine * y;
        }
        frame[6 * p + 3] += drift[0];
        frame[6 * p + 4] += drift[1];
    }
}

/* Draws a training frame and its target. */
static void draw(const ami_fit *fit, ami_rng *rng, float frame[AMI_PHASE_FEATURES], float target[2])
{
    static const struct {
        ami_fit_kind kind;
        double fraction;
    } kinds[] = {
        {AMI_FIT_WALKING_LOOP, .27}, {AMI_FIT_WALKING, .30}, {AMI_FIT_OTHER_LOOP, .12}, {AMI_FIT_OTHER, .13}};
    const ami_fit_data *d = fit->data;
    const ami_gait *g = NULL;
    double u = ami_rng_uniform(rng), t = 0;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds && !g; k++) {
        if ((u -= kinds[k].fraction) < 0) {
            const int i = ami_fit_draw(d, kinds[k].kind, 0, rng, &t);
            g = i >= 0 ? d->motion[i] : NULL;
        }
    }
    if (!g && d->blends) {
        const ami_fit_blend *b = &d->blend[ami_rng_below(rng, (uint32_t)d->blends)];
        for (int tries = 0; b->held && tries < 64; tries++)
            b = &d->blend[ami_rng_below(rng, (uint32_t)d->blends)];
        g = b->gait;
        t = ami_rng_uniform(rng) * g->duration;
    }
    for (int k = 0; !g && k < 4; k++) { /* if the data has no motion of the drawn kind */
        const int i = ami_fit_draw(d, (ami_fit_kind)k, 0, rng, &t);
        g = i >= 0 ? d->motion[i] : NULL;
    }
    ami_gait_sample(g, t, NULL, frame);
    const double usual = exp(ami_rng_range(rng, log(AMI_PACE_MIN), log(AMI_PACE_MAX))) *
                         (ami_rng_uniform(rng) < .5 ? ami_gait_scale(g) : 1);
    const double halting = ami_rng_uniform(rng) / halting_fraction;
    const double scale = halting < 1 ? halting_speed * halting : usual;
    const double position = ami_rng_uniform(rng) < .25 ? 0 : fit->settings.noise * ami_rng_uniform(rng);
    const double velocity = position * difference_noise * ami_rng_uniform(rng);
    const bool clean = position == 0;
    for (int p = 0; p < AMI_POINTS; p++) {
        float *at = frame + 6 * p;
        for (int k = 0; k < 3; k++) {
            at[k] += (float)(position * ami_rng_normal(rng));
            at[3 + k] = (float)((double)at[3 + k] * scale + velocity * ami_rng_normal(rng));
        }
    }
    perturb(frame, clean ? 0 : fmin(1, fit->settings.noise / usual_noise) * ami_rng_uniform(rng) * 1.7, rng);
    const double phase = 2 * M_PI * ami_gait_phase(g, t),
                 amplitude = ami_gait_amplitude(g, t) * fmin(halting, 1);
    target[0] = (float)(amplitude * cos(phase));
    target[1] = (float)(amplitude * sin(phase));
}

void fit_phase_normaliser(ami_fit *fit)
{
    double sum[AMI_PHASE_FEATURES] = {0}, square[AMI_PHASE_FEATURES] = {0};
    for (int i = 0; i < FIT_NORMALISER_DRAWS; i++) {
        float frame[AMI_PHASE_FEATURES], target[2];
        ami_rng rng = fit_rng(fit, i, 1);
        draw(fit, &rng, frame, target);
        for (int k = 0; k < AMI_PHASE_FEATURES; k++) {
            sum[k] += (double)frame[k] / FIT_NORMALISER_DRAWS;
            square[k] += (double)frame[k] * (double)frame[k] / FIT_NORMALISER_DRAWS;
        }
    }
    for (int k = 0; k < AMI_PHASE_FEATURES; k++) {
        fit->mean[k] = (float)sum[k];
        fit->std[k] = (float)fmax(floor_std, sqrt(fmax(0, square[k] - sum[k] * sum[k])));
    }
}

void fit_phase_step(ami_fit *fit)
{
    const int n = fit->own_rows;
#pragma omp for schedule(dynamic, 16)
    for (int i = 0; i < n; i++) {
        const fit_span part = fit_shard(fit, fit_shard_of(fit, i));
        float frame[AMI_PHASE_FEATURES], *x = fit->x + (size_t)i * AMI_PHASE_FEATURES;
        ami_rng rng = fit_rng(fit, fit->progress.samples + part.sample + (i - part.first), 0);
        draw(fit, &rng, frame, fit->target + 2 * (size_t)i);
        for (int k = 0; k < AMI_PHASE_FEATURES; k++)
            x[k] = (frame[k] - fit->mean[k]) / fit->std[k];
    }
    fit_forward(fit, 0, fit->x, false, fit->y[0]);
#pragma omp for schedule(dynamic, 16)
    for (int i = 0; i < n; i++) {
        double *loss = fit->loss + (size_t)i * (1 + AMI_FIT_TERMS);
        memset(loss, 0, (1 + AMI_FIT_TERMS) * sizeof *loss);
        for (int k = 0; k < 2; k++) {
            const float e = fit->y[0][2 * i + k] - fit->target[2 * i + k];
            fit->d[0][2 * i + k] = 2 * e / (float)fit->batch;
            loss[1 + k] = (double)(e * e);
            loss[0] += loss[1 + k];
        }
    }
    fit_backward(fit, 0, false, NULL);
}

ami_net *fit_phase_export(const ami_fit *fit, ami_error *err)
{
    ami_net *net = ami_net_create(4, fit_phase_dim, err);
    if (!net)
        return NULL;
    ami_net_set_parameters(net, ami_train_net_parameters(fit->net[0]));
    if (!ami_net_add_normalizer(net)) {
        ami_net_destroy(net);
        ami_fail(err, "out of memory for the exported network");
        return NULL;
    }
    memcpy(net->in_mean, fit->mean, sizeof fit->mean);
    memcpy(net->in_std, fit->std, sizeof fit->std);
    return net;
}
