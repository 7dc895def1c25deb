/* Creates, runs, exports, saves and loads fits. */
#include "learn/fit_state.h"

#include "learn/net_checkpoint.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const ami_setting ami_fit_setting_list[2][AMI_FIT_SETTING_COUNT] = {
    {
#define SETTING(name, kind, phase, style, lo, hi, help) {#name, ami_setting_##kind, phase, lo, hi, help},
        AMI_FIT_SETTINGS(SETTING)
#undef SETTING
    },
    {
#define SETTING(name, kind, phase, style, lo, hi, help) {#name, ami_setting_##kind, style, lo, hi, help},
        AMI_FIT_SETTINGS(SETTING)
#undef SETTING
    },
};

_Static_assert(sizeof(ami_fit_settings) == AMI_FIT_SETTING_COUNT * sizeof(double),
               "settings are an array of doubles");

const char *const ami_fit_term[2][AMI_FIT_TERMS] = {
    {"x", "y"}, {"points", "root_velocity", "contacts", "point_velocity", "soles", "kl"}};
const char *const ami_fit_net_name[2][AMI_FIT_NETS] = {{"deepphase", NULL},
                                                       {"stylevae_encoder", "stylevae_decoder"}};
static const char *const what_name[2] = {"phase", "style"};

static const double last_rate = .01;        /* final learning rate / first one */
static const float first_log_variance = -4; /* a start with little noise */
enum { PAIRS_DIVISOR = 5 };                 /* rows of the batch / pairs: two fifths of the rows are pairs */

ami_fit_settings ami_fit_settings_default(ami_fit_what what)
{
    ami_fit_settings settings;
    ami_setting_defaults(ami_fit_setting_list[what], AMI_FIT_SETTING_COUNT, (double *)&settings);
    return settings;
}

/* ---- Creation ---- */

static bool something_to_learn(const ami_fit_data *d, ami_fit_what what, ami_error *err)
{
    int loops = 0, walks = 0;
    for (int i = 0; i < d->motions; i++) {
        if (d->held[i])
            continue;
        loops += d->motion[i]->strikes > 1;
        walks += d->motion[i]->walks && (d->motion[i]->loops || d->motion[i]->duration > 9);
    }
    if (what == AMI_FIT_PHASE && loops == 0)
        return ami_fail(err, "none of the %d training clips repeats: a phase needs a loop or three steps",
                        d->motions / 2);
    if (what == AMI_FIT_STYLE && walks == 0)
        return ami_fail(err,
                        "none of the %d training clips walks (left and right foot in turn, as a loop or for "
                        "9 s), which a style needs",
                        d->motions / 2);
    return true;
}

/* ---- Creation ---- */

static bool create_nets(ami_fit *fit, ami_error *err)
{
    const ami_train_precision precision = fit->bf16 ? AMI_TRAIN_BF16 : AMI_TRAIN_FP32;
    const int own = ami_shards_own(&fit->shards);
    int most = 0, most_batch = 0;
    for (int s = 0; s < fit->shards.count; s++) {
        const fit_span part = fit_any_shard(fit, s);
        most = part.rows > most ? part.rows : most;
        most_batch = part.batch > most_batch ? part.batch : most_batch;
    }
    fit->nets = fit->what == AMI_FIT_PHASE ? 1 : 2;
    bool ok = true;
    for (int i = 0; i < fit->nets && ok; i++) {
        int layers;
        const int *dim = fit_dims(fit, i, &layers);
        fit->net[i] = i == 0 ? ami_train_net_create_shards(layers, dim, own, most_batch, precision, err)
                             : ami_train_net_create_inner_shards(layers, dim, own, most, precision, err);
        if (fit->net[i] && fit->shards.rounded)
            ami_train_net_round_gradients(fit->net[i]);
        ok = fit->net[i] && ami_adam_init(&fit->adam[i], ami_train_net_size(fit->net[i]), err) &&
             ami_shard_sums_init(&fit->sums[i], &fit->shards, ami_train_net_size(fit->net[i]), err);
    }
    return ok;
}

static bool allocate(ami_fit *fit, ami_error *err)
{
    const bool style = fit->what == AMI_FIT_STYLE;
    const size_t rows = (size_t)fit->own_rows, in = style ? FIT_WINDOW : AMI_PHASE_FEATURES,
                 out = style ? FIT_WINDOW : 2, first_out = style ? 2 * FIT_Z : 2;
    fit->x = malloc(rows * in * sizeof(float));
    fit->target = malloc(rows * out * sizeof(float));
    fit->d[0] = malloc(rows * first_out * sizeof(float));
    fit->y[0] = malloc(rows * first_out * sizeof(float));
    fit->loss = calloc(rows * (1 + AMI_FIT_TERMS), sizeof(double));
    fit->totals = malloc((size_t)ami_shards_own(&fit->shards) * (2 + AMI_FIT_TERMS) * sizeof(double));
    bool ok = fit->x && fit->target && fit->d[0] && fit->y[0] && fit->loss && fit->totals;
    if (style) {
        fit->d[1] = malloc(rows * out * sizeof(float));
        fit->y[1] = malloc(rows * out * sizeof(float));
        fit->z = malloc(rows * FIT_Z * sizeof(float));
        fit->dz = malloc(rows * FIT_Z * sizeof(float));
        fit->noise = malloc(rows * FIT_Z * sizeof(float));
        fit->weight = malloc(rows * sizeof(float));
        ok = ok && fit->d[1] && fit->y[1] && fit->z && fit->dz && fit->noise && fit->weight;
    }
    return ok || ami_fail(err, "out of memory for steps of %d samples", fit->batch);
}

static void init_nets(ami_fit *fit)
{
    ami_rng rng = fit_rng(fit, 0, 2);
    for (int i = 0; i < fit->nets; i++)
        ami_train_net_init(fit->net[i], &rng, fit->what == AMI_FIT_STYLE ? .3f : 1);
    if (fit->what == AMI_FIT_STYLE) {
        float *end = ami_train_net_parameters(fit->net[0]) + ami_train_net_size(fit->net[0]);
        for (int k = 0; k < FIT_Z; k++)
            end[k - FIT_Z] = first_log_variance;
        ami_train_net_parameters_changed(fit->net[0]);
    }
}

ami_fit *ami_fit_create(ami_fit_what what, const ami_fit_settings *settings, const ami_fit_data *data,
                        ami_error *err)
{
    return ami_fit_create_ranks(what, settings, data, ami_exchange_none(), err);
}

ami_fit *ami_fit_create_ranks(ami_fit_what what, const ami_fit_settings *settings, const ami_fit_data *data,
                              ami_exchange *exchange, ami_error *err)
{
    for (int i = 0; i < AMI_FIT_SETTING_COUNT; i++) {
        const ami_setting *s = &ami_fit_setting_list[what][i];
        const double v = ((const double *)settings)[i];
        if (!(v >= s->lo && v <= s->hi)) {
            ami_fail(err, "%s is %g, expected %g to %g", s->name, v, s->lo, s->hi);
            return NULL;
        }
    }
    ami_fit *fit = something_to_learn(data, what, err) ? calloc(1, sizeof *fit) : NULL;
    if (!fit)
        return NULL;
    fit->what = what;
    fit->settings = *settings;
    fit->data = data;
    fit->bf16 = settings->bf16 > 0 || (settings->bf16 < 0 && ami_train_bf16_native());
    fit->batch = (int)settings->batch;
    bool blends = false;
    for (int i = 0; i < data->blends; i++)
        blends |= !data->blend[i].held;
    fit->pairs = what == AMI_FIT_STYLE && blends ? fit->batch / PAIRS_DIVISOR : 0;
    fit->rows = fit->batch + fit->pairs;
    const int shards = (int)((settings->batch + settings->shard - 1) / settings->shard);
    if (!ami_shards_init(&fit->shards, shards, 1, exchange, err)) {
        ami_fail_in(err, "batches of %d (settings batch, shard)", fit->batch);
        ami_fit_destroy(fit);
        return NULL;
    }
    fit->shards.rounded = settings->gradients_bf16 > 0;
    fit->own_rows = fit_any_shard(fit, fit->shards.end).first - fit_any_shard(fit, fit->shards.first).first;
    if (!ami_exchange_agree(exchange, create_nets(fit, err) && allocate(fit, err), err)) {
        ami_fit_destroy(fit);
        return NULL;
    }
    init_nets(fit);
    if (what == AMI_FIT_PHASE)
        fit_phase_normaliser(fit);
    else
        fit_style_normaliser(fit);
    return fit;
}

void ami_fit_destroy(ami_fit *fit)
{
    if (!fit)
        return;
    for (int i = 0; i < AMI_FIT_NETS; i++) {
        ami_train_net_destroy(fit->net[i]);
        ami_adam_free(&fit->adam[i]);
        ami_shard_sums_free(&fit->sums[i]);
        free(fit->d[i]);
        free(fit->y[i]);
    }
    ami_shards_free(&fit->shards);
    free(fit->totals);
    free(fit->dz);
    free(fit->x);
    free(fit->target);
    free(fit->loss);
    free(fit->z);
    free(fit->noise);
    free(fit->weight);
    free(fit);
}

/* ---- Running ---- */

static double fraction_done(const ami_fit *fit)
{
    return fmin((double)fit->progress.samples / fit->settings.samples, 1);
}

/* Adds a step's losses to the own shards' totals. */
static void sum_up(ami_fit *fit)
{
    for (int own = 0; own < ami_shards_own(&fit->shards); own++) {
        const fit_span part = fit_shard(fit, own);
        double *total = fit->totals + (size_t)own * (2 + AMI_FIT_TERMS);
        for (int r = part.first; r < part.first + part.rows; r++)
            for (int k = 0; k <= AMI_FIT_TERMS; k++) /* loss, terms */
                total[k] += fit->loss[(size_t)r * (1 + AMI_FIT_TERMS) + (size_t)k];
    }
}

static bool own_failed(const ami_fit *fit, ami_error *err)
{
    bool failed = false;
    for (int i = 0; i < fit->nets && !failed; i++)
        failed = ami_train_net_failed(fit->net[i], err);
    return failed;
}

/* Collective. The means over all ranks' rows of `steps` steps; and whether memory was short anywhere. */
static void finish_sums(ami_fit *fit, ami_fit_stats *s, int steps)
{
    double total[2 + AMI_FIT_TERMS];
    const bool failed = own_failed(fit, NULL);
    for (int own = 0; own < ami_shards_own(&fit->shards); own++)
        fit->totals[(size_t)own * (2 + AMI_FIT_TERMS) + 1 + AMI_FIT_TERMS] = failed;
    ami_shards_sum(&fit->shards, fit->totals, 2 + AMI_FIT_TERMS, total);
    s->loss = total[0] / fit->rows / steps;
    for (int k = 0; k < AMI_FIT_TERMS; k++) /* the KL divergence has no rows for mixtures */
        s->term[k] = total[1 + k] / (k == 5 ? fit->batch : fit->rows) / steps;
    fit->other_failed = fit->other_failed || (total[1 + AMI_FIT_TERMS] > 0 && !failed);
}

void ami_fit_run(ami_fit *fit, int steps, ami_fit_stats *stats)
{
    memset(stats, 0, sizeof *stats);
    const double left = ceil((fit->settings.samples - (double)fit->progress.samples) / fit->batch);
    const int n = (int)fmin(steps, fmax(left, 1));
    const bool one = ami_exchange_ranks(fit->shards.exchange) == 1;
    memset(fit->totals, 0, (size_t)ami_shards_own(&fit->shards) * (2 + AMI_FIT_TERMS) * sizeof *fit->totals);
#pragma omp parallel
    for (int step = 0; step < n; step++) {
#pragma omp single
        {
            const double done = fraction_done(fit), warmup = fit->settings.warmup;
            fit->beta = fit->settings.beta * (warmup > 0 ? fmin(done / warmup, 1) : 1);
            stats->rate = fit->settings.rate * (last_rate + (1 - last_rate) * .5 * (1 + cos(M_PI * done)));
        }
        if (fit->what == AMI_FIT_PHASE)
            fit_phase_step(fit);
        else
            fit_style_step(fit);
        double most = 0;
        for (int i = 0; i < fit->nets; i++) {
            const float norm = ami_adam_update(&fit->adam[i], ami_train_net_parameters(fit->net[i]),
                                               one ? ami_train_net_gradient(fit->net[i]) : fit->sums[i].total,
                                               (float)stats->rate, (float)fit->settings.gradient_norm);
            ami_train_net_parameters_changed(fit->net[i]);
            most = isfinite(norm) ? fmax(most, (double)norm) : INFINITY;
        }
#pragma omp single
        {
            sum_up(fit);
            if (isfinite(most))
                stats->gradient += most / n;
            else
                fit->progress.skipped++;
            fit->progress.samples += fit->batch;
        }
    }
    finish_sums(fit, stats, n);
    stats->samples = fit->progress.samples;
    stats->skipped = fit->progress.skipped;
}

bool ami_fit_failed(const ami_fit *fit, ami_error *err)
{
    if (fit->other_failed)
        ami_fail(err, "out of memory in another process");
    return own_failed(fit, err) || ami_exchange_failed(fit->shards.exchange, err) || fit->other_failed;
}

int64_t ami_fit_samples(const ami_fit *fit)
{
    return fit->progress.samples;
}

bool ami_fit_uses_bf16(const ami_fit *fit)
{
    return fit->bf16;
}

/* ---- Export ---- */

static size_t settings_text(const ami_fit *fit, char *text, size_t size)
{
    return ami_setting_print(ami_fit_setting_list[fit->what], AMI_FIT_SETTING_COUNT,
                             (const double *)&fit->settings, text, size);
}

static size_t add_name(char *text, size_t used, size_t size, const char *name)
{
    static const char more[] = ",...";
    if (used + strlen(name) + 1 + sizeof more < size)
        return used + (size_t)snprintf(text + used, size - used, "%s%s", used ? "," : "", name);
    snprintf(text + used, size - used, "%s", more);
    return size;
}

/* Names of the motions that are, or are not, held out, separated by commas; "..." replaces those that do not
 * fit. */
static void motion_names(const ami_fit_data *d, bool held, char *text, size_t size)
{
    size_t n = 0;
    text[0] = 0;
    for (int i = 0; i < d->motions && n < size; i += 2)
        if (d->held[i] == held)
            n = add_name(text, n, size, d->motion[i]->name);
}

ami_net *ami_fit_export(const ami_fit *fit, int which, ami_error *err)
{
    ami_net *net =
        fit->what == AMI_FIT_PHASE ? fit_phase_export(fit, err) : fit_style_export(fit, which, err);
    if (!net)
        return NULL;
    char text[8192];
    bool ok = ami_net_set_meta(net, "kind", ami_fit_net_name[fit->what][which]);
    settings_text(fit, text, sizeof text);
    ok = ok && ami_net_set_meta(net, "training", text);
    motion_names(fit->data, false, text, sizeof text);
    ok = ok && ami_net_set_meta(net, "clips", text);
    motion_names(fit->data, true, text, sizeof text);
    ok = ok && ami_net_set_meta(net, "held_out", text);
    snprintf(text, sizeof text, "%lld", (long long)fit->progress.samples);
    ok = ok && ami_net_set_meta(net, "samples", text) && ami_net_set_meta(net, "frame_hz", "30") &&
         ami_net_set_meta(net, "features",
                          fit->what == AMI_FIT_PHASE ? "22 points × (position m, velocity m/s)"
                                                     : "22 points, root, contacts");
    if (!ok) {
        ami_fail(err, "out of memory");
        ami_net_destroy(net);
        return NULL;
    }
    return net;
}

/* ---- Checkpoints ---- */

bool ami_fit_save(const ami_fit *fit, const char *path, ami_error *err)
{
    ami_checkpoint_writer *w = ami_checkpoint_writer_create(err);
    const uint32_t crc = fit->data->crc;
    char text[4096];
    settings_text(fit, text, sizeof text);
    bool ok = w &&
              ami_checkpoint_put(w, "fit", what_name[fit->what], strlen(what_name[fit->what]) + 1, err) &&
              ami_checkpoint_put(w, "settings", text, strlen(text) + 1, err) &&
              ami_checkpoint_put(w, "data_crc", &crc, sizeof crc, err) &&
              ami_checkpoint_put(w, "progress", &fit->progress, sizeof fit->progress, err);
    for (int i = 0; i < fit->nets; i++)
        ok = ok && ami_net_checkpoint_put(w, ami_fit_net_name[fit->what][i], fit->net[i], &fit->adam[i], err);
    ok = ok && ami_checkpoint_save(w, path, err);
    ami_checkpoint_writer_destroy(w);
    return ok;
}

bool ami_fit_read_settings(const ami_checkpoint *checkpoint, ami_fit_what *what, ami_fit_settings *settings,
                           ami_error *err)
{
    size_t size, length;
    const char *name = ami_checkpoint_find(checkpoint, "fit", &size),
               *text = ami_checkpoint_find(checkpoint, "settings", &length);
    if (!name || !text || size < 1 || length < 1 || name[size - 1] || text[length - 1])
        return ami_fail(err, "%s: contains no settings of a fit; is it a checkpoint of amble fit?",
                        ami_checkpoint_path(checkpoint));
    *what = strcmp(name, what_name[AMI_FIT_STYLE]) ? AMI_FIT_PHASE : AMI_FIT_STYLE;
    *settings = ami_fit_settings_default(*what);
    return ami_setting_parse(ami_fit_setting_list[*what], AMI_FIT_SETTING_COUNT, (double *)settings, text,
                             err) ||
           ami_fail_in(err, "%s", ami_checkpoint_path(checkpoint));
}

bool ami_fit_load(ami_fit *fit, const ami_checkpoint *checkpoint, ami_error *err)
{
    uint32_t crc;
    if (!ami_checkpoint_get(checkpoint, "data_crc", &crc, sizeof crc, err))
        return false;
    if (crc != fit->data->crc)
        return ami_fail(
            err,
            "%s: was trained with other clips or another --hold-out; continue with the same folder and "
            "--hold-out",
            ami_checkpoint_path(checkpoint));
    bool ok = ami_checkpoint_get(checkpoint, "progress", &fit->progress, sizeof fit->progress, err);
    for (int i = 0; i < fit->nets; i++)
        ok = ok && ami_net_checkpoint_get(checkpoint, ami_fit_net_name[fit->what][i], fit->net[i],
                                          &fit->adam[i], err);
    if (ok && (fit->progress.samples < 0 || fit->progress.skipped < 0))
        return ami_fail(err, "%s: %lld samples found, expected 0 or more", ami_checkpoint_path(checkpoint),
                        (long long)fit->progress.samples);
    return ok;
}
