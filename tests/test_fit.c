/* Fits: the loss against finite differences, short fits that must learn, the same bits for any number of
 * threads and after a stop, exported networks in metres, and errors. Uses learn/fit_state.h, which is private
 * to the fits and their tests. */
#include "tests/fits.h"
#include "tests/ranks.h"

#include "base/file.h"
#include "learn/fit_evaluate.h"
#include "learn/fit_state.h"

#include "nets/model.h"

static ami_character *character;
static ami_fit_data *data;

static int set_up(void **state)
{
    (void)state;
    set_threads(2);
    character = load_character(120);
    data = read_data(character, "near");
    return 0;
}

static int tear_down(void **state)
{
    ami_fit_data_destroy(data);
    ami_character_destroy(character);
    return remove_scratch(state);
}

static ami_fit_settings small(ami_fit_what what)
{
    ami_fit_settings s = ami_fit_settings_default(what);
    s.bf16 = 0;
    s.batch = what == AMI_FIT_PHASE ? 128 : 20;
    s.samples = 40 * s.batch;
    return s;
}

static ami_fit *create(ami_fit_what what, const ami_fit_settings *s)
{
    ami_error err = {""};
    ami_fit *fit = ami_fit_create(what, s, data, &err);
    if (!fit)
        fail_msg("%s", err.text);
    return fit;
}

static void the_loss_is_zero_at_the_truth_and_has_the_right_slope(void **state)
{
    (void)state;
    static float y[FIT_WINDOW], target[FIT_WINDOW], dy[FIT_WINDOW], unused[FIT_WINDOW];
    float mean[AMI_FEATURES], std[AMI_FEATURES];
    double term[AMI_FIT_TERMS];
    ami_rng rng = ami_rng_seed(3, 3);
    for (int k = 0; k < AMI_FEATURES; k++) {
        mean[k] = (float)ami_rng_normal(&rng);
        std[k] = (float)ami_rng_range(&rng, .1, .5);
    }
    for (int i = 0; i < FIT_WINDOW; i++) {
        y[i] = (float)ami_rng_normal(&rng);
        target[i] = y[i] * std[i % AMI_FEATURES] + mean[i % AMI_FEATURES];
        if (i % AMI_FEATURES >= AMI_FEATURE_CONTACT)
            target[i] = (float)ami_rng_uniform(&rng);
    }
    for (int i = 0; i < FIT_WINDOW; i++) /* contacts are in [0, 1] in the target, so y has to follow them */
        if (i % AMI_FEATURES >= AMI_FEATURE_CONTACT)
            y[i] = (target[i] - mean[i % AMI_FEATURES]) / std[i % AMI_FEATURES];
    assert_true(fit_style_loss(y, target, mean, std, dy, term) < 1e-5);
    for (int i = 0; i < FIT_WINDOW; i++)
        y[i] += .1f * (float)ami_rng_normal(&rng);
    const double whole = fit_style_loss(y, target, mean, std, dy, term);
    for (int k = 0; k < 5; k++)
        assert_true(term[k] > .01); /* each part has a say */
    assert_float_equal(term[0] + term[1] + term[2] + term[3] + term[4], whole, 1e-6 * whole);
    /* The loss is quadratic, so a central difference has no error of its own, whatever the step. */
    for (int n = 0; n < 600; n++) {
        const int i = n < 3 * AMI_FEATURES ? (n / AMI_FEATURES) * 29 * AMI_FEATURES + n % AMI_FEATURES
                                           : (int)ami_rng_below(&rng, FIT_WINDOW);
        const float saved = y[i], step = 1;
        y[i] = saved + step;
        const double up = fit_style_loss(y, target, mean, std, unused, term);
        y[i] = saved - step;
        const double slope = (up - fit_style_loss(y, target, mean, std, unused, term)) / 2;
        y[i] = saved;
        if (fabs(slope - (double)dy[i]) > 1e-3 * (fabs(slope) + .05 * whole))
            fail_msg("derivative by number %d of frame %d is %g, expected %g", i % AMI_FEATURES,
                     i / AMI_FEATURES, (double)dy[i], slope);
    }
}

static double mean_loss(ami_fit *fit, int steps)
{
    ami_fit_stats s;
    ami_fit_run(fit, steps, &s);
    assert_int_equal(s.skipped, 0);
    return s.loss;
}

/* The loss whose derivative a style step finds: mean over decoded rows, plus beta times the mean KL
 * divergence over encoded ones. */
static double loss_of_step(const ami_fit *fit)
{
    double sum = 0;
    for (int r = 0; r < fit->rows; r++) {
        const double *loss = fit->loss + r * (1 + AMI_FIT_TERMS);
        sum += (loss[0] - fit->beta * loss[6]) / fit->rows + fit->beta * loss[6] / fit->batch;
    }
    return sum;
}

/* Along each network's own gradient the loss of one and the same step changes at the rate of the gradient's
 * length: through the decoder, the noise, the mixtures and the KL divergence. Any of these left out or
 * weighted wrongly makes another direction of it. */
static void the_gradient_of_a_style_step_is_its_slope(void **state)
{
    (void)state;
    ami_fit_settings s = small(AMI_FIT_STYLE);
    ami_fit *fit = create(AMI_FIT_STYLE, &s);
    mean_loss(fit, 20);
    for (int k = 0; k < 2; k++) {
        fit->beta = k ? 5 : 0; /* without and mostly KL */
        for (int i = 0; i < 2; i++) {
            fit_style_step(fit);
            const size_t n = ami_train_net_size(fit->net[i]), bytes = n * sizeof(float);
            float *p = ami_train_net_parameters(fit->net[i]), *saved = malloc(bytes),
                  *gradient = malloc(bytes);
            memcpy(saved, p, bytes);
            memcpy(gradient, ami_train_net_gradient(fit->net[i]), bytes);
            double length = 0, side[2];
            for (size_t j = 0; j < n; j++)
                length += (double)gradient[j] * (double)gradient[j];
            length = sqrt(length);
            assert_true(length > 0);
            for (int up = 0; up < 2; up++) {
                const float step = (float)((up ? 1 : -1) * 2e-3 / length);
                for (size_t j = 0; j < n; j++)
                    p[j] = saved[j] + step * gradient[j];
                ami_train_net_parameters_changed(fit->net[i]);
                fit_style_step(fit);
                side[up] = loss_of_step(fit);
            }
            memcpy(p, saved, bytes);
            ami_train_net_parameters_changed(fit->net[i]);
            const double slope = (side[1] - side[0]) / 4e-3;
            if (!(fabs(slope / length - 1) < .02))
                fail_msg("beta %g, network %d: the loss rises by %g, its gradient's length is %g", fit->beta,
                         i, slope, length);
            free(saved);
            free(gradient);
        }
    }
    ami_fit_destroy(fit);
}

static const struct ami_fit_evaluation_row *row_of(const ami_fit_evaluation *j, const char *what,
                                                   const char *motion)
{
    for (int i = 0; i < j->rows; i++)
        if (!strcmp(j->row[i].what, what) && !strcmp(j->row[i].motion, motion))
            return &j->row[i];
    fail_msg("no row %s, %s", what, motion);
    return NULL;
}

static double evaluated(const ami_fit_evaluation *j, const char *what, const char *motion, const char *column)
{
    for (int k = 0; k < j->columns; k++)
        if (!strcmp(j->column[k], column))
            return row_of(j, what, motion)->value[k];
    fail_msg("no column %s", column);
    return NAN;
}

static void a_phase_is_learned(void **state)
{
    (void)state;
    ami_fit_settings s = small(AMI_FIT_PHASE);
    s.samples = 60e3;
    ami_fit *fit = create(AMI_FIT_PHASE, &s);
    const double first = mean_loss(fit, 5);
    double last = 0;
    while ((double)ami_fit_samples(fit) < s.samples)
        last = mean_loss(fit, 50);
    if (!(last < .3 * first)) /* standing still, left and right look alike */
        fail_msg("the loss went from %g to %g", first, last);
    ami_styles *styles;
    ami_error err = {""};
    ami_fit_evaluation *j = ami_fit_evaluate(fit, AMI_FIT_PHASE, data, 1, &styles, &err);
    if (!j)
        fail_msg("%s", err.text);
    assert_null(styles);
    assert_true(evaluated(j, "clean", "amble", "period_error") < .02 &&
                evaluated(j, "clean", "amble", "phase_error_deg") < 10);
    assert_true(evaluated(j, "clean", "near (held out)", "period_error") < .05);
    assert_true(evaluated(j, "noise 2 cm", "hurry", "period_error") < .05);
    assert_true(fabs(evaluated(j, "clean", "hurry", "strike_deg")) < 12);
    ami_fit_evaluation_destroy(j);
    ami_fit_destroy(fit);
}

static void a_style_is_learned_and_mixes(void **state)
{
    (void)state;
    ami_fit_settings s = small(AMI_FIT_STYLE);
    s.samples = 6000;
    ami_fit *fit = create(AMI_FIT_STYLE, &s);
    const double first = mean_loss(fit, 5);
    double last = 0;
    while ((double)ami_fit_samples(fit) < s.samples)
        last = mean_loss(fit, 50);
    if (!(last < .15 * first))
        fail_msg("the loss went from %g to %g", first, last);
    ami_styles *styles;
    ami_error err = {""};
    ami_fit_evaluation *j = ami_fit_evaluate(fit, AMI_FIT_STYLE, data, 1, &styles, &err);
    if (!j)
        fail_msg("%s", err.text);
    assert_int_equal(styles->count, 3); /* amble, far, hurry */
    assert_float_equal(styles->style[0].period, 1.2, .001);
    assert_float_equal(styles->style[2].speed, .35, .01);
    assert_true(evaluated(j, "aligned", "amble", "point_cm") < 3 &&
                evaluated(j, "aligned", "amble", "closes_cm") < 3);
    assert_true(evaluated(j, "aligned", "hurry", "speed_error") < .1);
    assert_true(evaluated(j, "half-way", "amble:0.5,hurry:0.5", "point_cm") < 4);
    assert_true(evaluated(j, "held out", "amble", "point_cm") < 4);
    assert_true(evaluated(j, "held out", "amble", "windows") > 5);
    ami_fit_evaluation_destroy(j);
    ami_styles_destroy(styles);
    ami_fit_destroy(fit);
}

static void assert_same_fit(ami_fit *a, ami_fit *b)
{
    assert_memory_equal(&a->progress, &b->progress, sizeof a->progress);
    for (int i = 0; i < a->nets; i++) {
        const size_t bytes = a->adam[i].size * sizeof(float);
        assert_memory_equal(ami_train_net_parameters(a->net[i]), ami_train_net_parameters(b->net[i]), bytes);
        assert_memory_equal(a->adam[i].m, b->adam[i].m, bytes);
        assert_memory_equal(a->adam[i].v, b->adam[i].v, bytes);
        assert_true(a->adam[i].step == b->adam[i].step);
    }
}

static void threads_and_stops_change_no_bit(void **state)
{
    (void)state;
    for (int what = 0; what < 2; what++) {
        ami_error err = {""};
        const ami_fit_settings s = small((ami_fit_what)what);
        ami_fit *whole = create((ami_fit_what)what, &s), *parts = create((ami_fit_what)what, &s);
        ami_fit_stats a, b;
        set_threads(1);
        ami_fit_run(whole, 5, &a);
        ami_fit_run(whole, 7, &a);
        set_threads(3);
        ami_fit_run(parts, 5, &b);
        if (!ami_fit_save(parts, scratch("fit.bin"), &err))
            fail_msg("%s", err.text);
        ami_fit_destroy(parts);

        ami_checkpoint *c = ami_checkpoint_read(scratch("fit.bin"), &err);
        ami_fit_settings read;
        ami_fit_what read_what;
        assert_true(ami_fit_read_settings(c, &read_what, &read, &err));
        assert_int_equal(read_what, what);
        assert_memory_equal(&read, &s, sizeof s);
        set_threads(2);
        parts = create(read_what, &read);
        ami_fit_run(parts, 3, &b); /* is forgotten */
        assert_true(ami_fit_load(parts, c, &err));
        assert_int_equal(ami_fit_samples(parts), 5 * (int64_t)s.batch);
        ami_fit_run(parts, 7, &b);
        assert_memory_equal(&a, &b, sizeof a);
        assert_same_fit(whole, parts);
        ami_checkpoint_destroy(c);
        ami_fit_destroy(whole);
        ami_fit_destroy(parts);
    }
}

/* ---- Ranks, which are threads here ---- */

typedef struct rank_fit {
    ami_fit_what what;
    ami_fit_settings settings;
    const char *save;
    ami_fit_stats stats;
    bool ok;
    ami_error err;
} rank_fit;

static void fit_in_a_rank(ami_exchange *x, void *argument)
{
    rank_fit *r = argument;
    set_threads(1 + ami_exchange_ranks(x) % 2);
    ami_fit *fit = ami_fit_create_ranks(r->what, &r->settings, data, x, &r->err);
    r->ok = fit != NULL;
    if (!fit)
        return;
    ami_fit_run(fit, 4, &r->stats);
    r->ok =
        !ami_fit_failed(fit, &r->err) && (ami_exchange_rank(x) > 0 || ami_fit_save(fit, r->save, &r->err));
    ami_fit_destroy(fit);
}

/* Shards of 7 and of 5 windows and pairs: odd ones, on up to three ranks; more are refused. The style's gradients in bf16, too. */
static void any_ranks_fit_the_same_bits(void **state)
{
    (void)state;
    const char *path[2] = {scratch("one.bin"), scratch("many.bin")};
    double loss[3];
    for (int kind = 0; kind < 3; kind++) {
        const int what = kind > 0;
        static rank_fit r[RANKS_MAX];
        void *argument[RANKS_MAX];
        uint8_t *file[2];
        size_t size[2];
        ami_fit_stats one = {0};
        for (int ranks = 1; ranks <= 4; ranks++) {
            for (int i = 0; i < ranks; i++) {
                r[i] = (rank_fit){
                    (ami_fit_what)what, small((ami_fit_what)what), path[ranks > 1], {0}, false, {""}};
                r[i].settings.batch = 20;
                r[i].settings.shard = 7;
                r[i].settings.gradients_bf16 = kind == 2;
                argument[i] = &r[i];
            }
            run_ranks(ranks, 60, fit_in_a_rank, argument);
            for (int i = 0; i < ranks; i++) {
                if (ranks == 4)
                    assert_sentence(&r[i].err, "batches of 20|4 processes|only 3 shards");
                else if (!r[i].ok)
                    fail_msg("rank %d of %d: %s", i, ranks, r[i].err.text);
                if (ranks == 1)
                    one = r[0].stats;
                else if (ranks < 4)
                    assert_memory_equal(&one, &r[i].stats, sizeof one);
            }
            if (ranks > 1 && ranks < 4) {
                for (int k = 0; k < 2; k++)
                    file[k] = ami_file_read(path[k], 1 << 28, &size[k], NULL);
                assert_true(file[0] && file[1] && size[0] == size[1]);
                assert_memory_equal(file[0], file[1], size[0]);
                free(file[0]), free(file[1]);
            }
        }
        assert_true(one.loss > 0 && isfinite(one.loss));
        loss[kind] = one.loss;
    }
    assert_true(loss[2] != loss[1] && fabs(loss[2] / loss[1] - 1) < .01);
    set_threads(2);
}

static void another_seed_is_another_fit(void **state)
{
    (void)state;
    ami_fit_settings s = small(AMI_FIT_PHASE);
    ami_fit *a = create(AMI_FIT_PHASE, &s);
    s.seed = 2;
    ami_fit *b = create(AMI_FIT_PHASE, &s);
    assert_true(mean_loss(a, 1) != mean_loss(b, 1));
    ami_fit_destroy(a);
    ami_fit_destroy(b);
}

/* The exported networks take metres and give metres: what training does in normalised units, done by
 * nets/model.h's double twin. */
static void exported_networks_are_in_metres(void **state)
{
    (void)state;
    const ami_fit_settings s = small(AMI_FIT_STYLE);
    ami_fit *fit = create(AMI_FIT_STYLE, &s);
    mean_loss(fit, 3);
    ami_error err = {""};
    ami_net *encoder = ami_fit_export(fit, 0, &err), *decoder = ami_fit_export(fit, 1, &err);
    assert_non_null(encoder);
    assert_non_null(decoder);
    assert_true(encoder->heads == 2 && !strcmp(encoder->head[0].name, "mu") &&
                !strcmp(encoder->head[1].name, "logvar"));
    assert_true(encoder->in_shape.rank == 2 && encoder->in_shape.dim[0] == 60 &&
                decoder->head[0].shape.dim[1] == 73);
    assert_string_equal(ami_net_get_meta(encoder, "clips"), "amble,far,hurry,once");
    assert_string_equal(ami_net_get_meta(decoder, "held_out"), "near");
    static float window[FIT_WINDOW], x[FIT_WINDOW], z[FIT_Z];
    static double code[2 * FIT_Z], decoded[FIT_WINDOW];
    ami_gait_window(data->motion[0], .1, 1, 60, window);
    for (int i = 0; i < FIT_WINDOW; i++)
        x[i] = (window[i] - fit->mean[i % AMI_FEATURES]) / fit->std[i % AMI_FEATURES];
    const float *own = ami_train_net_forward(fit->net[0], x, 1);
    assert_true(ami_net_run_double(encoder, window, 1, code, &err));
    for (int k = 0; k < 2 * FIT_Z; k++)
        assert_float_equal(own[k], (float)code[k], 1e-3 * (1 + fabsf(own[k])));
    for (int k = 0; k < FIT_Z; k++)
        z[k] = (float)code[k];
    own = ami_train_net_forward(fit->net[1], z, 1);
    assert_true(ami_net_run_double(decoder, z, 1, decoded, &err));
    for (int i = 0; i < FIT_WINDOW; i++)
        assert_float_equal(own[i] * fit->std[i % AMI_FEATURES] + fit->mean[i % AMI_FEATURES],
                           (float)decoded[i], 1e-4);
    ami_net_destroy(encoder);
    ami_net_destroy(decoder);
    ami_fit_destroy(fit);
}

static void what_cannot_be_learned_is_refused(void **state)
{
    (void)state;
    ami_error err = {""};
    ami_fit_settings s = small(AMI_FIT_PHASE);
    s.batch = 4;
    assert_null(ami_fit_create(AMI_FIT_PHASE, &s, data, &err));
    assert_sentence(&err, "batch is 4|8 to 65536");
    s = small(AMI_FIT_PHASE);
    s.rate = NAN;
    assert_null(ami_fit_create(AMI_FIT_PHASE, &s, data, &err));
    assert_sentence(&err, "rate is nan");

    ami_fit_data *poor = read_data(character, "amble,far,hurry,near");
    s = small(AMI_FIT_PHASE);
    assert_null(ami_fit_create(AMI_FIT_PHASE, &s, poor, &err));
    assert_sentence(&err, "repeats");
    s = small(AMI_FIT_STYLE);
    assert_null(ami_fit_create(AMI_FIT_STYLE, &s, poor, &err));
    assert_sentence(&err, "walks");
    ami_fit_data_destroy(poor);

    /* A checkpoint of other clips, of the other kind, and of a training. */
    s = small(AMI_FIT_PHASE);
    ami_fit *fit = create(AMI_FIT_PHASE, &s);
    assert_true(ami_fit_save(fit, scratch("fit.bin"), &err));
    ami_fit_destroy(fit);
    ami_checkpoint *c = ami_checkpoint_read(scratch("fit.bin"), &err);
    ami_fit_data *others = read_data(character, "far");
    fit = ami_fit_create(AMI_FIT_PHASE, &s, others, &err);
    assert_non_null(fit);
    assert_false(ami_fit_load(fit, c, &err));
    assert_sentence(&err, "fit.bin|other clips");
    ami_fit_destroy(fit);
    ami_fit_data_destroy(others);
    s = small(AMI_FIT_STYLE);
    fit = create(AMI_FIT_STYLE, &s);
    assert_false(ami_fit_load(fit, c, &err));
    assert_sentence(&err, "stylevae_encoder");
    ami_fit_destroy(fit);
    ami_checkpoint_destroy(c);
    ami_checkpoint_writer *w = ami_checkpoint_writer_create(&err);
    assert_true(ami_checkpoint_put(w, "settings", "seed=1", 7, &err) &&
                ami_checkpoint_save(w, scratch("train.bin"), &err));
    ami_checkpoint_writer_destroy(w);
    c = ami_checkpoint_read(scratch("train.bin"), &err);
    ami_fit_what what;
    assert_false(ami_fit_read_settings(c, &what, &s, &err));
    assert_sentence(&err, "train.bin|amble fit");
    ami_checkpoint_destroy(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loss_is_zero_at_the_truth_and_has_the_right_slope),
        cmocka_unit_test(the_gradient_of_a_style_step_is_its_slope),
        cmocka_unit_test(a_phase_is_learned),
        cmocka_unit_test(a_style_is_learned_and_mixes),
        cmocka_unit_test(threads_and_stops_change_no_bit),
        cmocka_unit_test(any_ranks_fit_the_same_bits),
        cmocka_unit_test(another_seed_is_another_fit),
        cmocka_unit_test(exported_networks_are_in_metres),
        cmocka_unit_test(what_cannot_be_learned_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
