/* Training over ranks, which are threads here: the same networks, statistics and checkpoints, bit for bit, on any number of ranks and
 * threads; going on with another number of ranks; a rank that is silent. */
#include "tests/training.h"

#include "base/file.h"
#include "tests/ranks.h"

#ifdef _OPENMP
#include <omp.h>
#endif

enum { ITERATIONS = 4, MAX_RANKS = 5 };

typedef struct run {
    ami_settings settings;
    int threads, iterations, silent_after; /* silent_after: iterations, 0: never */
    const char *resume, *save;             /* save: path that all ranks give; rank 0 writes */
    bool ok;
    ami_error err;
    ami_train_stats stats[ITERATIONS];
} run;

static void train_in_a_rank(ami_exchange *x, void *argument)
{
    run *r = argument;
    set_threads(r->threads);
    ami_train *t = ami_train_create_ranks(&r->settings, character, clip, NULL, 0, x, &r->err);
    ami_checkpoint *c = t && r->resume ? ami_checkpoint_read(r->resume, &r->err) : NULL;
    r->ok = t && (!r->resume || (c && ami_train_load(t, c, &r->err)));
    for (int i = 0; r->ok && i < r->iterations; i++) {
        if (r->silent_after > 0 && i == r->silent_after)
            break;
        ami_train_iterate(t, &r->stats[i]);
        r->ok = !ami_train_failed(t, &r->err);
    }
    if (r->ok && r->save)
        r->ok = ami_train_save(t, r->save, &r->err);
    ami_checkpoint_destroy(c);
    ami_train_destroy(t);
}

static void train_on(int ranks, run *runs)
{
    void *argument[RANKS_MAX];
    for (int i = 0; i < ranks; i++)
        argument[i] = &runs[i];
    run_ranks(ranks, 60, train_in_a_rank, argument);
}

static void assert_same_file(const char *a, const char *b)
{
    ami_error err = {""};
    size_t n, m;
    uint8_t *x = ami_file_read(a, 1 << 28, &n, &err), *y = ami_file_read(b, 1 << 28, &m, &err);
    assert_true(x && y && n == m);
    assert_memory_equal(x, y, n);
    free(x), free(y);
}

/* Ten environments in five shards. Kinds 4 and 5: gradients are sent in bf16, which needs no bf16 products. */
static void any_ranks_train_the_same_bits(void **state)
{
    (void)state;
    ami_train_stats before = {0};
    for (int kind = 0; kind < 6; kind++) {
        const int bf16 = kind < 4 && kind % 2;
        ami_settings s = kind == 4 || kind < 2 ? lively(bf16) : lively_all(bf16);
        s.shard = 2;
        s.gradients_bf16 = kind >= 4;
        if (bf16) {
            ami_train *t = try_create(&s);
            if (!t)
                continue;
            ami_train_destroy(t);
        }
        run *one = calloc(1, sizeof *one), *many = calloc(MAX_RANKS, sizeof *many);
        const char *saved = scratch("one.bin"), *half = scratch("half.bin"), *also = scratch("many.bin"),
                   *rest = scratch("rest.bin");
        *one = (run){.settings = s, .threads = 1, .iterations = ITERATIONS, .save = saved};
        train_on(1, one);
        assert_true(one->ok);
        assert_true(one->stats[ITERATIONS - 1].episodes > 10);
        if (kind == 0)
            before = one->stats[0];
        else if (kind == 4) /* other bits, but nearly the same */
            assert_true(one->stats[0].ppo.kl != before.ppo.kl &&
                        fabs(one->stats[0].ppo.kl / before.ppo.kl - 1) < .05);
        for (int ranks = 2; ranks <= MAX_RANKS; ranks++) {
            for (int r = 0; r < ranks; r++)
                many[r] =
                    (run){.settings = s, .threads = 1 + ranks % 2, .iterations = ITERATIONS, .save = also};
            train_on(ranks, many);
            for (int r = 0; r < ranks; r++) {
                if (!many[r].ok)
                    fail_msg("rank %d of %d: %s", r, ranks, many[r].err.text);
                for (int i = 0; i < ITERATIONS; i++)
                    assert_same_stats(&one->stats[i], &many[r].stats[i]);
            }
            assert_same_file(saved, also);
        }
        /* two iterations on three ranks, two more on two */
        for (int r = 0; r < 3; r++)
            many[r] = (run){.settings = s, .threads = 1, .iterations = 2, .save = half};
        train_on(3, many);
        for (int r = 0; r < 2; r++)
            many[r] = (run){.settings = s, .threads = 2, .iterations = 2, .resume = half, .save = rest};
        train_on(2, many);
        assert_true(many[0].ok && many[1].ok);
        assert_same_stats(&one->stats[3], &many[1].stats[1]);
        assert_same_file(saved, rest);
        free(one), free(many);
    }
    set_threads(2);
}

static void a_rank_that_is_silent_ends_the_training(void **state)
{
    (void)state;
    ami_settings s = lively(false);
    s.shard = 2;
    run *many = calloc(3, sizeof *many);
    void *argument[3];
    for (int r = 0; r < 3; r++) {
        many[r] = (run){.settings = s, .threads = 1, .iterations = 3, .silent_after = r == 1 ? 2 : 0};
        argument[r] = &many[r];
    }
    run_ranks(3, 1, train_in_a_rank, argument);
    assert_true(many[1].ok && !many[0].ok && !many[2].ok);
    assert_non_null(strstr(many[0].err.text, "rank 1 on "));
    assert_non_null(strstr(many[2].err.text, "rank 1 on "));
    assert_int_equal(many[0].stats[1].iteration, 2);
    assert_int_equal(many[0].stats[2].iteration, 0); /* not done */
    free(many);
    set_threads(2);
}

static void too_many_ranks_are_refused(void **state)
{
    (void)state;
    run *many = calloc(3, sizeof *many);
    for (int r = 0; r < 3; r++)
        many[r] = (run){.settings = lively(false), .threads = 1}; /* one shard */
    train_on(3, many);
    for (int r = 0; r < 3; r++) {
        assert_false(many[r].ok);
        assert_sentence(&many[r].err, "10 environments|shard|3 processes|only 1 shards");
    }
    free(many);
    set_threads(2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_ranks_train_the_same_bits),
        cmocka_unit_test(a_rank_that_is_silent_ends_the_training),
        cmocka_unit_test(too_many_ranks_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
