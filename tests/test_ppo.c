/* The update against a second implementation of PPO's formulas in double: the gradient by finite differences
 * of the clipped surrogate, Adam's first step, KL, clipping, values; every sample used once an epoch;
 * gradients that are not finite; same bits for any number of threads. */
#include "tests/policy.h"
#include "tests/skip.h"

#include "learn/ppo.h"

enum { OBS = 5, ACTIONS = 3, HIDDEN1 = 7, HIDDEN2 = 6, SAMPLES = 24, MAX_SAMPLES = 300, MAX_WIDTH = 80 };

static ami_ppo_def tiny_def(void)
{
    return (ami_ppo_def){.obs = OBS,
                         .actions = ACTIONS,
                         .hidden1 = HIDDEN1,
                         .hidden2 = HIDDEN2,
                         .samples = SAMPLES,
                         .minibatches = 1,
                         .epochs = 1,
                         .clip = .2f,
                         .advantage_clip = 1.5f,
                         .gradient_norm = 0,
                         .critic_rate = 1e-4f};
}

/* NULL only where this CPU has no bf16 products. */
static ami_ppo *create(const ami_ppo_def *def, uint64_t seed)
{
    ami_error err = {""};
    ami_rng rng = ami_rng_seed(seed, 1);
    ami_ppo *ppo = ami_ppo_create(def, &rng, 1, &err);
    if (!ppo && !(def->precision == AMI_TRAIN_BF16 && strstr(err.text, "bf16")))
        fail_msg("%s", err.text);
    return ppo;
}

/* A batch and the memory it points to. Old means are the actor's own plus something, so that ratios lie on
 * both sides of the clip. */
typedef struct sample_set {
    ami_ppo_batch batch;
    float x[MAX_SAMPLES * MAX_WIDTH], action[MAX_SAMPLES * 8], mean[MAX_SAMPLES * 8], advantage[MAX_SAMPLES],
        target[MAX_SAMPLES];
    float teacher_action[MAX_SAMPLES * 8];
    unsigned char has_teacher[MAX_SAMPLES];
} sample_set;

/* ---- The formulas, in double ---- */

static void reference_forward(const ami_ppo_def *def, const double *p, const float *x, int outputs,
                              double *out)
{
    const int dim[] = {def->obs, def->hidden1, def->hidden2, outputs};
    double in[MAX_WIDTH], h[MAX_WIDTH];
    for (int k = 0; k < def->obs; k++)
        in[k] = (double)x[k];
    for (int l = 0; l < 3; l++) {
        const double *bias = p + dim[l] * dim[l + 1];
        for (int o = 0; o < dim[l + 1]; o++) {
            h[o] = bias[o];
            for (int k = 0; k < dim[l]; k++)
                h[o] += p[o * dim[l] + k] * in[k];
            if (l < 2 && h[o] < 0)
                h[o] = 0;
        }
        p = bias + dim[l + 1];
        memcpy(in, h, (size_t)dim[l + 1] * sizeof *in);
    }
    memcpy(out, in, (size_t)outputs * sizeof *out);
}

static double *parameters_of(ami_train_net *net)
{
    const size_t n = ami_train_net_size(net);
    double *p = malloc(n * sizeof *p);
    for (size_t i = 0; i < n; i++)
        p[i] = (double)ami_train_net_parameters(net)[i];
    return p;
}

static void fill(sample_set *s, const ami_ppo_def *def, ami_ppo *ppo, uint64_t seed, double moved)
{
    ami_rng rng = ami_rng_seed(seed, 2);
    double *p = parameters_of(ami_ppo_actor(ppo));
    s->batch = (ami_ppo_batch){.x = s->x,
                               .action = s->action,
                               .mean = s->mean,
                               .advantage = s->advantage,
                               .target = s->target,
                               .noise = .3f};
    for (int i = 0; i < def->samples; i++) {
        double mean[8];
        for (int k = 0; k < def->obs; k++)
            s->x[i * def->obs + k] = (float)ami_rng_normal(&rng);
        reference_forward(def, p, s->x + i * def->obs, def->actions, mean);
        for (int k = 0; k < def->actions; k++) {
            s->mean[i * def->actions + k] = (float)(mean[k] + moved * ami_rng_normal(&rng));
            s->action[i * def->actions + k] =
                (float)((double)s->mean[i * def->actions + k] + .3 * ami_rng_normal(&rng));
        }
        s->advantage[i] = (float)(3 + 5 * ami_rng_normal(&rng));
        s->target[i] = (float)ami_rng_uniform(&rng);
    }
    free(p);
}

/* Mean 0, deviation 1, then the limit. */
static void reference_advantages(const ami_ppo_def *def, const float *advantage, double *out)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < def->samples; i++)
        sum += (double)advantage[i];
    const double mean = sum / def->samples;
    for (int i = 0; i < def->samples; i++)
        squares += ((double)advantage[i] - mean) * ((double)advantage[i] - mean);
    const double limit = (double)def->advantage_clip;
    for (int i = 0; i < def->samples; i++)
        out[i] = fmin(fmax(((double)advantage[i] - mean) / sqrt(squares / def->samples), -limit), limit);
}

typedef struct expectation {
    double surrogate;           /* mean of -min(r A, clip(r) A) */
    double teachers;            /* mean of has · |mean - taught|² / 2σ² */
    double kl, clipped, critic; /* critic: mean of (v - target)² */
} expectation;

static expectation expect(const ami_ppo_def *def, const double *actor, const double *critic,
                          const sample_set *s, const double *advantage)
{
    expectation e = {0};
    const double sigma2 = (double)s->batch.noise * (double)s->batch.noise, lo = 1 - (double)def->clip,
                 hi = 1 + (double)def->clip;
    for (int i = 0; i < def->samples; i++) {
        double mean[8], value, log_ratio = 0, moved = 0, apart = 0;
        reference_forward(def, actor, s->x + i * def->obs, def->actions, mean);
        reference_forward(def, critic, s->x + i * def->obs, 1, &value);
        for (int k = 0; k < def->actions; k++) {
            const double a = (double)s->action[i * def->actions + k],
                         old = (double)s->mean[i * def->actions + k];
            log_ratio += ((a - old) * (a - old) - (a - mean[k]) * (a - mean[k])) / (2 * sigma2);
            moved += (mean[k] - old) * (mean[k] - old) / (2 * sigma2);
            if (s->batch.teacher_action && s->has_teacher[i])
                apart += (mean[k] - (double)s->teacher_action[i * def->actions + k]) *
                         (mean[k] - (double)s->teacher_action[i * def->actions + k]);
        }
        const double ratio = exp(log_ratio), inside = fmin(fmax(ratio, lo), hi),
                     error = value - (double)s->target[i];
        e.surrogate -= fmin(ratio * advantage[i], inside * advantage[i]) / def->samples;
        e.clipped += (inside * advantage[i] < ratio * advantage[i]) / (double)def->samples;
        e.kl += moved / def->samples;
        e.teachers += apart / (2 * sigma2 * def->samples);
        e.critic += error * error / def->samples;
    }
    return e;
}

/* ---- Tests ---- */

static void gradients_are_those_of_the_formulas(void **state)
{
    (void)state;
    const ami_ppo_def def = tiny_def();
    for (uint64_t seed = 1; seed <= 4; seed++) {
        ami_ppo *ppo = create(&def, seed);
        static sample_set s;
        fill(&s, &def, ppo, seed, .15);
        double advantage[SAMPLES], *actor = parameters_of(ami_ppo_actor(ppo)),
                                   *critic = parameters_of(ami_ppo_critic(ppo));
        reference_advantages(&def, s.advantage, advantage);
        const expectation before = expect(&def, actor, critic, &s, advantage);
        assert_true(before.clipped > .1 && before.clipped < .9); /* both kinds are there */
        ami_rng rng = ami_rng_seed(seed, 3);
        ami_ppo_stats stats;
        ami_ppo_update(ppo, &s.batch, 1e-4f, &rng, &stats);

        for (int i = 0; i < SAMPLES; i++)
            assert_near((double)s.advantage[i], advantage[i], 1e-5, "normalised advantage", i);
        for (int which = 0; which < 2; which++) {
            ami_train_net *net = which ? ami_ppo_critic(ppo) : ami_ppo_actor(ppo);
            double *p = which ? critic : actor, norm2 = 0;
            const float *gradient = ami_train_net_gradient(net), *now = ami_train_net_parameters(net);
            for (size_t i = 0; i < ami_train_net_size(net); i++) {
                const double h = 1e-6, kept = p[i];
                p[i] = kept + h;
                const expectation up = expect(&def, actor, critic, &s, advantage);
                p[i] = kept - h;
                const expectation down = expect(&def, actor, critic, &s, advantage);
                p[i] = kept;
                const double numeric =
                    which ? (up.critic - down.critic) / (4 * h) : (up.surrogate - down.surrogate) / (2 * h);
                assert_near((double)gradient[i], numeric, 2e-5,
                            which ? "critic's gradient" : "actor's gradient", (int)i);
                norm2 += numeric * numeric;
                if (fabs(numeric) > 1e-3) /* Adam's first step goes the full rate against the gradient */
                    assert_near((double)now[i] - kept, numeric > 0 ? -1e-4 : 1e-4, 2e-7, "first step",
                                (int)i);
            }
            assert_near(which ? stats.critic_norm : stats.actor_norm, sqrt(norm2), 1e-4, "gradient's norm",
                        which);
        }
        assert_near(stats.kl, before.kl, 1e-5 * before.kl, "KL", 0);
        assert_near(stats.clipped, before.clipped, 1e-9, "clipped", 0);
        assert_near(stats.critic_loss, before.critic, 1e-5 * before.critic, "critic's loss", 0);
        assert_int_equal(stats.skipped, 0);

        double *stepped = parameters_of(ami_ppo_actor(ppo)),
               *critic_stepped = parameters_of(ami_ppo_critic(ppo));
        const expectation after = expect(&def, stepped, critic_stepped, &s, advantage);
        assert_true(after.surrogate < before.surrogate);
        assert_true(after.critic < before.critic);
        free(stepped), free(critic_stepped), free(actor), free(critic);
        ami_ppo_destroy(ppo);
    }
}

/* The loss with teachers is the surrogate and teach · |mean - taught|² / 2σ² of the samples that have one. */
static void teachers_pull_where_they_are(void **state)
{
    (void)state;
    const ami_ppo_def def = tiny_def();
    for (uint64_t seed = 1; seed <= 3; seed++) {
        ami_ppo *ppo = create(&def, seed);
        static sample_set s;
        fill(&s, &def, ppo, seed, .15);
        int taught = 0;
        for (int i = 0; i < SAMPLES; i++) {
            taught += s.has_teacher[i] = i % 3 == 0;
            for (int k = 0; k < ACTIONS; k++) /* where there is no teacher nobody reads it */
                s.teacher_action[i * ACTIONS + k] =
                    s.has_teacher[i] ? s.mean[i * ACTIONS + k] + .3f * (float)k : (float)NAN;
        }
        s.batch.teacher_action = s.teacher_action;
        s.batch.has_teacher = s.has_teacher;
        s.batch.teach = .7f;
        double advantage[SAMPLES], *actor = parameters_of(ami_ppo_actor(ppo)),
                                   *critic = parameters_of(ami_ppo_critic(ppo));
        reference_advantages(&def, s.advantage, advantage);
        const expectation before = expect(&def, actor, critic, &s, advantage);
        assert_true(before.teachers > .01);
        ami_rng rng = ami_rng_seed(seed, 3);
        ami_ppo_stats stats;
        ami_ppo_update(ppo, &s.batch, 1e-4f, &rng, &stats);
        const float *gradient = ami_train_net_gradient(ami_ppo_actor(ppo));
        for (size_t i = 0; i < ami_train_net_size(ami_ppo_actor(ppo)); i++) {
            const double h = 1e-6, kept = actor[i];
            actor[i] = kept + h;
            const expectation up = expect(&def, actor, critic, &s, advantage);
            actor[i] = kept - h;
            const expectation down = expect(&def, actor, critic, &s, advantage);
            actor[i] = kept;
            const double numeric =
                (up.surrogate + .7 * up.teachers - down.surrogate - .7 * down.teachers) / (2 * h);
            assert_near((double)gradient[i], numeric, 2e-5, "gradient with teachers", (int)i);
        }
        const double squares = before.teachers * 2 * .3 * .3 * SAMPLES / (taught * ACTIONS);
        assert_near(stats.teacher_distance, sqrt(squares), 1e-5, "distance from teachers", 0);
        free(actor), free(critic);
        ami_ppo_destroy(ppo);
    }
}

static void a_clipped_sample_teaches_nothing(void **state)
{
    (void)state;
    ami_ppo_def def = tiny_def();
    def.samples = 2;
    for (int beyond = 0; beyond < 2; beyond++) {
        ami_ppo *ppo = create(&def, 7);
        static sample_set s;
        fill(&s, &def, ppo, 7, 0);
        /* One good sample that the actor has already moved towards by far, one bad one it has moved away
         * from: both are out, or neither. */
        for (int i = 0; i < 2; i++) {
            s.advantage[i] = i ? -1 : 1;
            for (int k = 0; k < ACTIONS; k++) {
                const float now = s.mean[i * ACTIONS + k];
                s.action[i * ACTIONS + k] = now + .3f;
                s.mean[i * ACTIONS + k] = now + (i ? 1.f : -1.f) * (beyond ? .3f : .003f);
            }
        }
        ami_rng rng = ami_rng_seed(7, 3);
        ami_ppo_stats stats;
        ami_ppo_update(ppo, &s.batch, 1e-4f, &rng, &stats);
        double most = 0;
        for (size_t i = 0; i < ami_train_net_size(ami_ppo_actor(ppo)); i++)
            most = fmax(most, fabs((double)ami_train_net_gradient(ami_ppo_actor(ppo))[i]));
        if (beyond ? most != 0 : most < .1)
            fail_msg("the largest gradient is %g where the samples are %s the clip", most,
                     beyond ? "beyond" : "within");
        assert_true(stats.clipped == beyond);
        ami_ppo_destroy(ppo);
    }
}

static void gradient_norms_are_limited(void **state)
{
    (void)state;
    ami_ppo_def def = tiny_def();
    def.gradient_norm = .01f;
    ami_ppo *ppo = create(&def, 9);
    static sample_set s;
    fill(&s, &def, ppo, 9, .1);
    ami_rng rng = ami_rng_seed(9, 3);
    ami_ppo_stats stats;
    ami_ppo_update(ppo, &s.batch, 1e-4f, &rng, &stats);
    assert_true(stats.actor_norm > .1 && stats.critic_norm > .1); /* before the limit */
    const ami_adam *adam[] = {ami_ppo_actor_adam(ppo), ami_ppo_critic_adam(ppo)};
    for (int which = 0; which < 2; which++) {
        double norm2 = 0;
        for (size_t i = 0; i < adam[which]->size; i++)
            norm2 += (double)adam[which]->m[i] * (double)adam[which]->m[i];
        assert_near(sqrt(norm2), .1 * .01, 1e-6, "first moment's norm", which);
    }
    ami_ppo_destroy(ppo);
}

/* KL is the last epoch's, the other figures are means over all; twins that stop earlier tell where the
 * parameters were. */
static void epochs_follow_each_other(void **state)
{
    (void)state;
    enum { EPOCHS = 3 };
    expectation at[EPOCHS];
    double advantage[SAMPLES];
    ami_ppo_stats stats;
    for (int epochs = 0; epochs <= EPOCHS; epochs++) {
        ami_ppo_def def = tiny_def();
        def.epochs = epochs;
        ami_ppo *ppo = create(&def, 5);
        static sample_set s;
        fill(&s, &def, ppo, 5, .1);
        reference_advantages(&def, s.advantage, advantage);
        ami_rng rng = ami_rng_seed(5, 3);
        ami_ppo_update(ppo, &s.batch, 3e-3f, &rng, &stats);
        double *actor = parameters_of(ami_ppo_actor(ppo)), *critic = parameters_of(ami_ppo_critic(ppo));
        if (epochs < EPOCHS)
            at[epochs] = expect(&def, actor, critic, &s, advantage);
        free(actor), free(critic);
        ami_ppo_destroy(ppo);
    }
    assert_true(fabs(at[2].kl - at[1].kl) > .01 * at[2].kl);
    assert_near(stats.kl, at[2].kl, 1e-4 * at[2].kl, "KL", 0);
    assert_near(stats.clipped, (at[0].clipped + at[1].clipped + at[2].clipped) / 3, 1e-9, "clipped", 0);
    assert_near(stats.critic_loss, (at[0].critic + at[1].critic + at[2].critic) / 3, 1e-5, "critic's loss",
                0);
}

/* With rates of zero nothing moves, so means over an epoch of minibatches are those of the whole batch, if
 * each sample comes once. */
static void every_sample_comes_once_an_epoch(void **state)
{
    (void)state;
    for (int minibatches = 1; minibatches <= SAMPLES; minibatches++) {
        ami_ppo_def def = tiny_def();
        def.minibatches = minibatches;
        def.critic_rate = 0;
        def.epochs = 2;
        ami_ppo *ppo = create(&def, 6);
        static sample_set s;
        fill(&s, &def, ppo, 6, .1);
        double advantage[SAMPLES], *actor = parameters_of(ami_ppo_actor(ppo)),
                                   *critic = parameters_of(ami_ppo_critic(ppo));
        reference_advantages(&def, s.advantage, advantage);
        ami_rng rng = ami_rng_seed(6, 3);
        ami_ppo_stats stats;
        ami_ppo_update(ppo, &s.batch, 0, &rng, &stats);
        const expectation e = expect(&def, actor, critic, &s, advantage);
        assert_near(stats.kl, e.kl, 1e-6 * e.kl, "KL", minibatches);
        assert_near(stats.critic_loss, e.critic, 1e-6 * e.critic, "critic's loss", minibatches);
        assert_near(stats.clipped, e.clipped, 1e-9, "clipped", minibatches);
        assert_int_equal(ami_ppo_actor_adam(ppo)->step, 2 * minibatches);
        free(actor), free(critic);
        ami_ppo_destroy(ppo);
    }
}

/* The order of samples comes from the generator and nowhere else. */
static void shuffling_is_the_generators(void **state)
{
    (void)state;
    ami_ppo_def def = tiny_def();
    def.minibatches = 5;
    float first[ACTIONS * 200];
    for (int run = 0; run < 3; run++) {
        ami_ppo *ppo = create(&def, 8);
        static sample_set s;
        fill(&s, &def, ppo, 8, .1);
        ami_rng rng = ami_rng_seed(run == 2 ? 99 : 8, 3);
        ami_ppo_stats stats;
        ami_ppo_update(ppo, &s.batch, 1e-2f, &rng, &stats);
        const size_t bytes = ami_train_net_size(ami_ppo_actor(ppo)) * sizeof(float);
        assert_true(bytes <= sizeof first);
        if (run == 0)
            memcpy(first, ami_train_net_parameters(ami_ppo_actor(ppo)), bytes);
        else
            assert_int_equal(memcmp(first, ami_train_net_parameters(ami_ppo_actor(ppo)), bytes) == 0,
                             run == 1);
        ami_ppo_destroy(ppo);
    }
}

static void the_critics_rate_is_the_larger_one(void **state)
{
    (void)state;
    for (int larger = 0; larger < 2; larger++) {
        const ami_ppo_def def = tiny_def();
        const float actor_rate = larger ? 5e-4f : 2e-5f;
        ami_ppo *ppo = create(&def, 4);
        static sample_set s;
        fill(&s, &def, ppo, 4, .1);
        double *critic = parameters_of(ami_ppo_critic(ppo)), most = 0;
        ami_rng rng = ami_rng_seed(4, 3);
        ami_ppo_stats stats;
        ami_ppo_update(ppo, &s.batch, actor_rate, &rng, &stats);
        for (size_t i = 0; i < ami_train_net_size(ami_ppo_critic(ppo)); i++)
            most = fmax(most, fabs((double)ami_train_net_parameters(ami_ppo_critic(ppo))[i] - critic[i]));
        assert_near(most, larger ? 5e-4 : 1e-4, 1e-6, "critic's longest step", larger);
        free(critic);
        ami_ppo_destroy(ppo);
    }
}

static void values_are_the_critics(void **state)
{
    (void)state;
    ami_ppo_def def = tiny_def();
    def.minibatches = 2; /* so the network is made for 12 rows at once */
    ami_ppo *ppo = create(&def, 3);
    double *critic = parameters_of(ami_ppo_critic(ppo));
    ami_rng rng = ami_rng_seed(3, 4);
    float x[50 * OBS], value[52];
    for (int i = 0; i < 50 * OBS; i++)
        x[i] = (float)ami_rng_normal(&rng);
    const int counts[] = {1, 11, 12, 13, 24, 50};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        for (int i = 0; i < 52; i++)
            value[i] = 77;
        ami_ppo_values(ppo, x, counts[c], value);
        for (int i = 0; i < counts[c]; i++) {
            double want;
            reference_forward(&def, critic, x + i * OBS, 1, &want);
            assert_near((double)value[i], want, 1e-5, "value", i);
        }
        assert_true(value[counts[c]] == 77 && value[51] == 77);
    }
    free(critic);
    ami_ppo_destroy(ppo);
}

static bool all_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

static void what_is_not_finite_is_skipped_and_counted(void **state)
{
    (void)state;
    for (int which = 0; which < 2; which++) {
        ami_ppo_def def = tiny_def();
        def.minibatches = 4;
        ami_ppo *ppo = create(&def, 2);
        static sample_set s;
        fill(&s, &def, ppo, 2, .1);
        (which ? s.target : s.action)[5] = NAN;
        ami_rng rng = ami_rng_seed(2, 3);
        ami_ppo_stats stats;
        ami_ppo_update(ppo, &s.batch, 1e-4f, &rng, &stats);
        assert_int_equal(stats.skipped, 1);
        assert_true(
            all_finite(ami_train_net_parameters(ami_ppo_actor(ppo)), ami_train_net_size(ami_ppo_actor(ppo))));
        assert_true(all_finite(ami_train_net_parameters(ami_ppo_critic(ppo)),
                               ami_train_net_size(ami_ppo_critic(ppo))));
        assert_true(isfinite(stats.actor_norm) && isfinite(stats.critic_norm));
        /* the other minibatches were applied */
        assert_int_equal((which ? ami_ppo_critic_adam(ppo) : ami_ppo_actor_adam(ppo))->step, 3);
        ami_ppo_destroy(ppo);
    }
}

/* In bf16 the drawing means are the training network's own, so the first step starts at a ratio of exactly 1.
 */
static void bf16_compares_like_with_like(void **state)
{
    (void)state;
    ami_ppo_def def = tiny_def();
    def.precision = AMI_TRAIN_BF16;
    ami_ppo *ppo = create(&def, 1);
    if (!ppo)
        skip_because("this CPU has no bf16 products");
    static sample_set s;
    fill(&s, &def, ppo, 1, 0);
    float drawn[SAMPLES * ACTIONS];
    memcpy(drawn, s.mean, sizeof drawn);
    ami_rng rng = ami_rng_seed(1, 3);
    ami_ppo_stats stats;
    ami_ppo_update(ppo, &s.batch, 1e-3f, &rng, &stats);
    assert_true(stats.kl == 0 && stats.clipped == 0);
    double most = 0;
    for (int i = 0; i < SAMPLES * ACTIONS; i++)
        most = fmax(most, fabs((double)s.mean[i] - (double)drawn[i]));
    assert_true(most > 1e-6 && most < .1);
    ami_ppo_destroy(ppo);
}

static void any_team_gives_the_same_bits(void **state)
{
    (void)state;
    for (int precision = 0; precision < 2; precision++) {
        ami_ppo_def def = {.obs = 70,
                           .actions = 8,
                           .hidden1 = 75,
                           .hidden2 = 20,
                           .samples = MAX_SAMPLES,
                           .minibatches = 2,
                           .epochs = 2,
                           .clip = .2f,
                           .advantage_clip = 4,
                           .gradient_norm = 1,
                           .critic_rate = 1e-3f,
                           .precision = precision ? AMI_TRAIN_BF16 : AMI_TRAIN_FP32};
        float *first[2] = {NULL}, value[MAX_SAMPLES], first_value[MAX_SAMPLES];
        ami_ppo_stats stats, first_stats = {0};
        for (int threads = 1; threads <= 3; threads++) {
            set_threads(threads);
            ami_ppo *ppo = create(&def, 12);
            if (!ppo)
                break;
            static sample_set s;
            fill(&s, &def, ppo, 12, .05);
            ami_rng rng = ami_rng_seed(12, 3);
            for (int update = 0; update < 2; update++)
                ami_ppo_update(ppo, &s.batch, 1e-3f, &rng, &stats);
            ami_ppo_values(ppo, s.x, MAX_SAMPLES, value);
            ami_train_net *net[] = {ami_ppo_actor(ppo), ami_ppo_critic(ppo)};
            for (int which = 0; which < 2; which++) {
                const size_t bytes = ami_train_net_size(net[which]) * sizeof(float);
                if (threads == 1) {
                    first[which] = malloc(bytes);
                    memcpy(first[which], ami_train_net_parameters(net[which]), bytes);
                } else {
                    assert_memory_equal(first[which], ami_train_net_parameters(net[which]), bytes);
                }
            }
            if (threads == 1) {
                first_stats = stats;
                memcpy(first_value, value, sizeof value);
            } else {
                assert_memory_equal(&first_stats, &stats, sizeof stats);
                assert_memory_equal(first_value, value, sizeof value);
            }
            ami_ppo_destroy(ppo);
        }
        free(first[0]), free(first[1]);
    }
    set_threads(2);
}

int main(void)
{
    set_threads(2);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_those_of_the_formulas),
        cmocka_unit_test(teachers_pull_where_they_are),
        cmocka_unit_test(a_clipped_sample_teaches_nothing),
        cmocka_unit_test(gradient_norms_are_limited),
        cmocka_unit_test(epochs_follow_each_other),
        cmocka_unit_test(every_sample_comes_once_an_epoch),
        cmocka_unit_test(shuffling_is_the_generators),
        cmocka_unit_test(the_critics_rate_is_the_larger_one),
        cmocka_unit_test(values_are_the_critics),
        cmocka_unit_test(what_is_not_finite_is_skipped_and_counted),
        cmocka_unit_test(bf16_compares_like_with_like),
        cmocka_unit_test(any_team_gives_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
