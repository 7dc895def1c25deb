/* Evaluates fits of DeepPhase and StyleVAE on held-out data. */
#include "learn/fit_evaluate.h"

#include "nets/deepphase.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = AMI_STYLE_FRAMES, F = AMI_FEATURES, W = AMI_STYLE_WINDOW, MAX_FRAMES = 4096 };
static const double rate = AMI_FEATURE_RATE, noise_m = .02, difference_noise = 21.2;
static const double degree = M_PI / 180;
static const double usable_cm = 5; /* a style decodes to its own window this well, or has no place in the
                                      table */

void ami_fit_evaluation_destroy(ami_fit_evaluation *evaluation)
{
    if (!evaluation)
        return;
    free(evaluation->row);
    free(evaluation);
}

/* A new row of NANs; NULL when memory is short. */
static double *add_row(ami_fit_evaluation *j, const char *what, const char *motion, ami_error *err)
{
    if (j->rows == j->capacity) {
        void *more = realloc(j->row, (size_t)(2 * j->capacity + 64) * sizeof *j->row);
        if (!more) {
            ami_fail(err, "out of memory");
            return NULL;
        }
        j->row = more;
        j->capacity = 2 * j->capacity + 64;
    }
    struct ami_fit_evaluation_row *row = &j->row[j->rows++];
    row->what = what;
    snprintf(row->motion, sizeof row->motion, "%s", motion);
    for (int k = 0; k < AMI_FIT_EVALUATION_COLUMNS; k++)
        row->value[k] = NAN;
    return row->value;
}

/* ---- Phase ---- */

enum { PERIOD_ERROR, ADVANCE_ERROR, PHASE_ERROR, STRIKE, AMPLITUDE, CONFIDENCE, PHASE_COLUMNS };
static const char *const phase_column[PHASE_COLUMNS] = {"period_error", "advance_error", "phase_error_deg",
                                                        "strike_deg",   "amplitude",     "confidence"};

typedef struct phase_evaluation {
    ami_deepphase net;
    void *workspace;
    float *frame;      /* (MAX_FRAMES, 132) */
    ami_phase *phase;  /* (MAX_FRAMES) */
    double *unwrapped; /* (MAX_FRAMES) */
} phase_evaluation;

static void noisy_frame(const ami_gait *g, double t, double position, double velocity, ami_rng *rng,
                        float *frame)
{
    ami_gait_sample(g, t, NULL, frame);
    for (int i = 0; i < AMI_PHASE_FEATURES; i++)
        frame[i] += (float)((i % 6 < 3 ? position : velocity) * ami_rng_normal(rng));
}

/* The network's mean phase at the strikes in [from, to], degrees; NaN if there are none. */
static double phase_at_strikes(const phase_evaluation *p, const ami_gait *g, double from, double to,
                               double position, double velocity, ami_rng *rng)
{
    double x = 0, y = 0;
    int n = 0;
    for (int s = 0; s < g->strikes - g->loops; s++) {
        float frame[AMI_PHASE_FEATURES];
        ami_phase phase;
        if (!g->loops &&
            (g->strike[s] < from || g->strike[s] > to || !(g->whole[s] || (s > 0 && g->whole[s - 1]))))
            continue;
        for (int repeat = 0; repeat < (position > 0 ? 16 : 1); repeat++) {
            noisy_frame(g, g->strike[s], position, velocity, rng, frame);
            /* unless the output is not finite */
            if (ami_deepphase_encode(&p->net, p->workspace, frame, &phase, NULL))
                x += phase.x, y += phase.y, n++;
        }
    }
    return n ? atan2(y, x) / degree : NAN;
}

static bool evaluate_phase_of(phase_evaluation *p, const ami_gait *g, double from, double to, double position,
                              double velocity, ami_rng *rng, double *value, ami_error *err)
{
    const int frames = (int)fmin((to - from) * rate, MAX_FRAMES - 1) + 1;
    double error = 0, amplitude = 0, advance = 0, before = 0;
    for (int i = 0; i < frames; i++)
        noisy_frame(g, from + i / rate, position, velocity, rng, p->frame + (size_t)i * AMI_PHASE_FEATURES);
    ami_phase_trajectory trajectory = {frames, rate, p->phase, p->unwrapped};
    ami_phase_period period;
    if (!ami_deepphase_encode_sequence(&p->net, p->workspace, p->frame, &trajectory, err) ||
        !ami_deepphase_periodicity(&trajectory, &period, err))
        return false;
    for (int i = 0; i < frames; i++) {
        const double truth = ami_gait_phase(g, from + i / rate);
        advance += i ? ami_phase_difference(before, truth) : 0;
        before = truth;
        error += fabs(ami_phase_difference(truth, p->phase[i].phase)) * 360 / frames;
        amplitude += p->phase[i].amplitude / frames;
    }
    const double period_true = (frames - 1) / rate / advance;
    value[PERIOD_ERROR] = g->strikes > 1 ? fabs(period.period_s / period_true - 1) : NAN;
    value[ADVANCE_ERROR] =
        g->strikes > 1 ? fabs((p->unwrapped[frames - 1] - p->unwrapped[0]) / advance - 1) : NAN;
    value[PHASE_ERROR] = g->strikes > 1 ? error : NAN;
    value[STRIKE] = phase_at_strikes(p, g, from, to, position, velocity, rng);
    value[AMPLITUDE] = amplitude;
    value[CONFIDENCE] = period.confidence;
    return true;
}

/* Narrows [*from, *to] to its longest stretch in which the motion repeats (amplitude of .5 or more): the rest
 * has no true period. */
static void repeating_part(const ami_gait *g, double *from, double *to)
{
    double best[2] = {*from, *from}, began = *from;
    if (g->loops || g->strikes < 2)
        return;
    *from = fmax(*from, g->strike[0]);
    *to = fmin(*to, g->strike[g->strikes - 1]);
    began = *from;
    for (double t = *from; t <= *to; t += 1 / rate) {
        if (ami_gait_amplitude(g, t) < .5)
            began = t + 1 / rate;
        else if (t - began > best[1] - best[0])
            best[0] = began, best[1] = t;
    }
    *from = best[0];
    *to = best[1];
}

static bool evaluate_phases(phase_evaluation *p, const ami_fit_data *d, ami_fit_evaluation *j, uint64_t seed,
                            ami_error *err)
{
    static const struct {
        const char *what;
        double position, velocity;
    } noise[] = {
        {"clean", 0, 0}, {"noise 2 cm", noise_m, 0}, {"noise 2 cm, v", noise_m, noise_m * difference_noise}};
    for (int k = 0; k < 3; k++) {
        /* of loops, of others */
        double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY}, worst[2][2] = {{0}};
        for (int i = 0; i < d->motions; i += 2) {
            const ami_gait *g = d->motion[i];
            ami_rng rng = ami_rng_seed(seed, (uint64_t)(1000 + i));
            char name[80];
            double from = g->loops     ? 0
                          : d->held[i] ? 0
                                       : .8 * g->duration,
                   to = g->loops ? fmax(3 * g->period, 4) : g->duration;
            repeating_part(g, &from, &to);
            if (to - from < fmax(.3, 1.5 * g->period))
                continue;
            snprintf(name, sizeof name, "%.60s%s", g->name, d->held[i] ? " (held out)" : "");
            double *value = add_row(j, noise[k].what, name, err);
            if (!value ||
                !evaluate_phase_of(p, g, from, to, noise[k].position, noise[k].velocity, &rng, value, err))
                return false;
            if (g->walks) {
                low[!g->loops] = fmin(low[!g->loops], value[STRIKE]);
                high[!g->loops] = fmax(high[!g->loops], value[STRIKE]);
                for (int m = PERIOD_ERROR; m <= ADVANCE_ERROR; m++)
                    worst[!g->loops][m] = fmax(worst[!g->loops][m], value[m]);
            }
        }
        for (int other = 0; other < 2; other++) {
            double *all = add_row(
                j, noise[k].what,
                other ? "LONG CLIPS: worst; range of strikes" : "LOOPS: worst; range of strikes", err);
            if (!all)
                return false;
            all[PERIOD_ERROR] = worst[other][PERIOD_ERROR];
            all[ADVANCE_ERROR] = worst[other][ADVANCE_ERROR];
            all[STRIKE] = high[other] - low[other];
        }
    }
    return true;
}

static bool evaluate_phase(const ami_fit *fit, const ami_fit_data *d, uint64_t seed, ami_fit_evaluation *j,
                           ami_error *err)
{
    phase_evaluation p = {.workspace = NULL};
    ami_model_def def = ami_model_default_def();
    def.precision = AMI_PRECISION_FP32;
    j->columns = PHASE_COLUMNS;
    memcpy(j->column, phase_column, sizeof phase_column);
    ami_net *net = ami_fit_export(fit, 0, err);
    ami_model *model = net ? ami_model_create(net, &def, err) : NULL;
    ami_net_destroy(net);
    bool ok = model && ami_deepphase_init(&p.net, model, err);
    if (ok) {
        p.workspace = malloc(ami_deepphase_workspace_size(&p.net));
        p.frame = malloc((size_t)MAX_FRAMES * AMI_PHASE_FEATURES * sizeof(float));
        p.phase = malloc(MAX_FRAMES * sizeof *p.phase);
        p.unwrapped = malloc(MAX_FRAMES * sizeof *p.unwrapped);
        ok = (p.workspace && p.frame && p.phase && p.unwrapped) || ami_fail(err, "out of memory");
    }
    ok = ok && evaluate_phases(&p, d, j, seed, err);
    free(p.workspace);
    free(p.frame);
    free(p.phase);
    free(p.unwrapped);
    ami_model_destroy(model);
    return ok;
}

/* ---- Style ---- */

enum { POINT, SPEED, YAW, CONTACT, SKATE, SKATE_TRUE, CLOSES, WINDOWS, STYLE_COLUMNS };
static const char *const style_column[STYLE_COLUMNS] = {
    "point_cm", "speed_error", "yaw_error", "contact_error", "skate", "skate_true", "closes_cm", "windows"};

/* Mean ground speed, m/s, of the soles in contact according to `truth`; 0 if there are none. */
static double skate(const float *window, const float *truth)
{
    double sum = 0;
    int n = 0;
    for (int t = 0; t + 1 < N; t++) {
        const float *a = window + t * F, *b = a + F, *c = truth + t * F + AMI_FEATURE_CONTACT;
        for (int s = 0; s < 4; s++) {
            if (c[s] < .5f || c[s + F] < .5f)
                continue;
            const int p = 3 * ami_sole_point[s];
            const double yaw = (double)a[AMI_FEATURE_YAW_RATE];
            const double x =
                rate * (double)(b[p] - a[p]) + (double)a[AMI_FEATURE_FORWARD] - yaw * (double)a[p + 1];
            const double y =
                rate * (double)(b[p + 1] - a[p + 1]) + (double)a[AMI_FEATURE_LEFT] + yaw * (double)a[p];
            sum += hypot(x, y);
            n++;
        }
    }
    return n ? sum / n : 0;
}

/* Adds the errors of a decoded window. */
static void compare(const float *window, const float *truth, double *value)
{
    double v[2][2] = {{0}}, path = 0, error[2] = {0};
    for (int t = 0; t < N; t++) {
        const float *a = window + t * F, *b = truth + t * F;
        value[POINT] += 100 * ami_features_distance(a, b) / N;
        for (int k = 0; k < 2; k++) {
            v[0][k] += (double)a[AMI_FEATURE_FORWARD + k] / N;
            v[1][k] += (double)b[AMI_FEATURE_FORWARD + k] / N;
        }
        path += (double)hypotf(b[AMI_FEATURE_FORWARD], b[AMI_FEATURE_LEFT]) / N;
        error[0] += (double)(a[AMI_FEATURE_YAW_RATE] - b[AMI_FEATURE_YAW_RATE]) / N;
        for (int k = 0; k < 4; k++)
            error[1] += fabs((double)(a[AMI_FEATURE_CONTACT + k] - b[AMI_FEATURE_CONTACT + k])) / (4 * N);
    }
    value[SPEED] += hypot(v[0][0] - v[1][0], v[0][1] - v[1][1]) / fmax(path, .05);
    value[YAW] += fabs(error[0]);
    value[CONTACT] += error[1];
    value[SKATE] += skate(window, truth);
    value[SKATE_TRUE] += skate(truth, truth);
    value[WINDOWS]++;
}

/* Mean distance of the points from those `period` frames earlier, cm. */
static double closes(const float *window, double period)
{
    double sum = 0;
    int n = 0;
    for (int t = 0; t + period < N - 1; t++, n++) {
        float later[F];
        const int i = (int)(t + period);
        const float weight = (float)(t + period - i);
        for (int k = 0; k < F; k++)
            later[k] = window[i * F + k] + weight * (window[(i + 1) * F + k] - window[i * F + k]);
        sum += 100 * ami_features_distance(window + t * F, later);
    }
    return n ? sum / n : NAN;
}

typedef struct style_evaluation {
    ami_stylevae vae;
    void *workspace;
} style_evaluation;

static void evaluate_window(const style_evaluation *s, const ami_gait *g, double t0, double scale,
                            double *value)
{
    float truth[W], window[W], z[AMI_STYLE_SIZE];
    ami_gait_window(g, t0, scale, N, truth);
    ami_stylevae_encode(&s->vae, s->workspace, truth, 1, z, NULL);
    ami_stylevae_decode(&s->vae, s->workspace, z, 1, window);
    compare(window, truth, value);
}

static void finish(double *value)
{
    for (int k = 0; k < WINDOWS; k++)
        value[k] = k == CLOSES ? NAN : value[k] / fmax(value[WINDOWS], 1);
}

/* Whether the root's mean speed in a window exceeds .2 m/s at the clip's rate. */
static bool moves(const ami_gait *g, double t0, double scale)
{
    double path = 0;
    for (int i = 0; i < N; i++) {
        float f[AMI_FEATURES];
        ami_gait_sample(g, t0 + scale * i / rate, f, NULL);
        path += (double)hypotf(f[AMI_FEATURE_FORWARD], f[AMI_FEATURE_LEFT]) / N;
    }
    return path > .2;
}

/* Evaluates the held-out windows of all walking motions, including mirrored ones. */
static bool evaluate_held_out(const style_evaluation *s, const ami_fit_data *d, ami_fit_evaluation *j,
                              ami_error *err)
{
    for (int i = 0; i < d->motions; i++) {
        const ami_gait *g = d->motion[i];
        const double scale = ami_gait_scale(g), span = scale * (N - 1) / rate,
                     step = g->loops ? g->duration / 80 : .25;
        double sum[STYLE_COLUMNS] = {0};
        if (!g->walks)
            continue;
        for (double t = 0; t < g->duration; t += step)
            if (ami_fit_held(d, i, t, span) && ami_gait_amplitude(g, t + .5 * span) >= .5 &&
                moves(g, t, scale))
                evaluate_window(s, g, t, scale, sum);
        if (sum[WINDOWS] < 1)
            continue;
        char name[80];
        snprintf(name, sizeof name, "%.60s%s", g->name, d->held[i] ? " (held out)" : "");
        double *value = add_row(j, "held out", name, err);
        if (!value)
            return false;
        finish(sum);
        memcpy(value, sum, sizeof sum);
    }
    for (int i = 0; i < d->blends; i++) {
        const ami_fit_blend *b = &d->blend[i];
        double sum[STYLE_COLUMNS] = {0};
        if (!b->held || b->a % 2)
            continue;
        for (int k = 0; k < 16; k++)
            evaluate_window(s, b->gait, b->gait->duration * k / 16, ami_gait_scale(b->gait), sum);
        double *value = add_row(j, "held out", b->gait->name, err);
        if (!value)
            return false;
        finish(sum);
        memcpy(value, sum, sizeof sum);
    }
    return true;
}

/* Compares the window decoded from z with the nearest of the motion's windows that start at a strike. */
static bool evaluate_latent(const style_evaluation *s, const char *what, const ami_gait *g, double scale,
                            const float *z, ami_fit_evaluation *j, ami_error *err)
{
    float window[W], truth[W];
    double best[STYLE_COLUMNS] = {INFINITY};
    ami_stylevae_decode(&s->vae, s->workspace, z, 1, window);
    for (int c = 0; c + 1 < g->strikes; c++) {
        double sum[STYLE_COLUMNS] = {0};
        if (!g->loops && g->strike[c] + scale * (N - 1) / rate > g->duration)
            continue;
        ami_gait_window(g, g->strike[c], scale, N, truth);
        compare(window, truth, sum);
        if (sum[POINT] < best[POINT])
            memcpy(best, sum, sizeof best);
    }
    double *value = add_row(j, what, g->name, err);
    if (!value)
        return false;
    memcpy(value, best, sizeof best);
    value[CLOSES] = closes(window, rate * g->period / scale);
    return true;
}

static const ami_style *style_of_motion(const ami_styles *styles, const ami_gait *g)
{
    for (int i = 0; i < styles->count; i++)
        if (!strcmp(styles->style[i].clip, g->name))
            return &styles->style[i];
    return NULL;
}

static bool evaluate_styles(const style_evaluation *s, const ami_fit_data *d, ami_styles *styles,
                            ami_fit_evaluation *j, ami_error *err)
{
    styles->style = calloc((size_t)d->motions, sizeof *styles->style);
    if (!styles->style)
        return ami_fail(err, "out of memory");
    for (int i = 0; i < d->motions; i += 2) {
        ami_style *style = &styles->style[styles->count];
        if (d->held[i] || !d->motion[i]->walks || !ami_style_of_gait(&s->vae, d->motion[i], style, NULL))
            continue;
        if (!evaluate_latent(s, "aligned", d->motion[i], style->scale, style->z, j, err))
            return false;
        styles->count += j->row[j->rows - 1].value[POINT] <= usable_cm; /* a clip of many gaits has no one
                                                                           style */
    }
    for (int i = 0; i < d->blends; i++) {
        const ami_fit_blend *b = &d->blend[i];
        if (b->a % 2 || !(b->held || fabs(b->weight - .25) < 1e-9))
            continue;
        const ami_style *sa = style_of_motion(styles, d->motion[b->a]),
                        *sb = style_of_motion(styles, d->motion[b->b]);
        float z[AMI_STYLE_SIZE];
        if (!sa || !sb)
            continue;
        for (int k = 0; k < AMI_STYLE_SIZE; k++)
            z[k] = (float)(1 - b->weight) * sa->z[k] + (float)b->weight * sb->z[k];
        const double scale = pow(sa->scale, 1 - b->weight) * pow(sb->scale, b->weight);
        if (!evaluate_latent(s, b->held ? "half-way" : "quarter", b->gait, scale, z, j, err))
            return false;
    }
    return true;
}

static bool evaluate_style(const ami_fit *fit, const ami_fit_data *d, ami_fit_evaluation *j,
                           ami_styles *styles, ami_error *err)
{
    style_evaluation s = {.workspace = NULL};
    ami_model_def def = ami_model_default_def();
    def.precision = AMI_PRECISION_FP32;
    j->columns = STYLE_COLUMNS;
    memcpy(j->column, style_column, sizeof style_column);
    ami_net *encoder = ami_fit_export(fit, 0, err), *decoder = encoder ? ami_fit_export(fit, 1, err) : NULL;
    bool ok = decoder && ami_stylevae_init(&s.vae, encoder, decoder, &def, err);
    ami_net_destroy(encoder);
    ami_net_destroy(decoder);
    if (!ok)
        return false;
    s.workspace = malloc(ami_stylevae_workspace_size(&s.vae));
    ok = s.workspace ? evaluate_held_out(&s, d, j, err) && evaluate_styles(&s, d, styles, j, err)
                     : ami_fail(err, "out of memory");
    free(s.workspace);
    ami_stylevae_free(&s.vae);
    return ok;
}

ami_fit_evaluation *ami_fit_evaluate(const ami_fit *fit, ami_fit_what what, const ami_fit_data *data,
                                     uint64_t seed, ami_styles **styles, ami_error *err)
{
    ami_fit_evaluation *j = calloc(1, sizeof *j);
    ami_styles *table = calloc(1, sizeof *table);
    *styles = NULL;
    bool ok = (j && table) || ami_fail(err, "out of memory");
    ok = ok && (what == AMI_FIT_PHASE ? evaluate_phase(fit, data, seed, j, err)
                                      : evaluate_style(fit, data, j, table, err));
    if (ok && table->count > 0) {
        *styles = table;
        table = NULL;
    }
    ami_styles_destroy(table);
    if (!ok) {
        ami_fit_evaluation_destroy(j);
        j = NULL;
    }
    return j;
}
