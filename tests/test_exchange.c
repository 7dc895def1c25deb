/* Exchange between ranks, which are threads here: messages arrive, a rank that is silent is named, sums over shards have the same
 * bits for any number of ranks, and those of the tree written out. */
#include "learn/shards.h"
#include "nets/train_net.h"
#include "tests/policy.h"
#include "tests/ranks.h"

#include <sys/wait.h>

/* ---- Messages ---- */

static void exchange_all_kinds(ami_exchange *x, void *argument)
{
    bool *good = argument;
    const int rank = ami_exchange_rank(x), ranks = ami_exchange_ranks(x);
    int mine = 100 + rank, all[RANKS_MAX] = {0}, first = rank == 0 ? 77 : 0,
        gathered[RANKS_MAX * RANKS_MAX] = {0};
    *good = ami_exchange_all(x, &mine, sizeof mine, all) &&
            ami_exchange_from_first(x, &first, sizeof first) && first == 77;
    for (int r = 0; r < ranks; r++)
        *good = *good && all[r] == 100 + r;
    /* rank r has r + 1 numbers for rank 0 */
    size_t bytes[RANKS_MAX];
    int own[RANKS_MAX], next = 0;
    for (int r = 0; r < ranks; r++) {
        bytes[r] = (size_t)(r + 1) * sizeof(int);
        own[r] = 10 * rank + r;
    }
    *good = *good && ami_exchange_to_first(x, own, bytes, rank == 0 ? gathered : NULL);
    for (int r = 0; rank == 0 && r < ranks; r++)
        for (int i = 0; i <= r; i++)
            *good = *good && gathered[next++] == 10 * r + i;
    /* all are well, then all but two are not */
    ami_error err = {""};
    *good = *good && ami_exchange_agree(x, true, &err) && !err.text[0];
    if (rank >= 1)
        ami_fail(&err, "the disk of %d is full", rank);
    if (ranks > 1)
        *good = *good && !ami_exchange_agree(x, rank < 1, &err) && strstr(err.text, "rank 1 on ") &&
                strstr(err.text, ": the disk of 1 is full");
    ami_fail(&err, "there is no such motion");
    *good = *good && !ami_exchange_agree(x, false, &err) && !strcmp(err.text, "there is no such motion");
}

static void messages_arrive(void **state)
{
    (void)state;
    for (int ranks = 1; ranks <= 5; ranks++) {
        bool good[RANKS_MAX] = {false};
        void *argument[RANKS_MAX];
        for (int r = 0; r < ranks; r++)
            argument[r] = &good[r];
        run_ranks(ranks, 0, exchange_all_kinds, argument);
        for (int r = 0; r < ranks; r++)
            assert_true(good[r]);
    }
}

typedef struct silence {
    bool silent, failed, again, reports;
    ami_error err;
} silence;

static void wait_for_the_silent_one(ami_exchange *x, void *argument)
{
    silence *s = argument;
    int mine = 1, all[RANKS_MAX];
    if (s->silent)
        return;
    s->failed = !ami_exchange_all(x, &mine, sizeof mine, all) && ami_exchange_failed(x, &s->err);
    s->again = !ami_exchange_from_first(x, &mine, sizeof mine);
    s->reports = ami_exchange_reports(x);
}

static void a_silent_rank_is_named(void **state)
{
    (void)state;
    for (int silent = 0; silent < 3; silent++) {
        silence s[3] = {{0}};
        void *argument[] = {&s[0], &s[1], &s[2]};
        s[silent].silent = true;
        run_ranks(3, .2, wait_for_the_silent_one, argument);
        int reports = 0;
        for (int r = 0; r < 3; r++) {
            char named[32];
            snprintf(named, sizeof named, "rank %d on ", silent);
            reports += s[r].reports;
            assert_true(r == silent || (s[r].failed && s[r].again && strstr(s[r].err.text, named) &&
                                        strstr(s[r].err.text, "did not answer within 0.2 s")));
        }
        assert_int_equal(reports, 1);
    }
}

/* ---- Sums ---- */

enum { ITEMS = 23, WIDTH = 3, LONG = 10007 };

static double item_value(int item, int k)
{
    ami_rng rng = ami_rng_seed(5, (uint64_t)(item * WIDTH + k));
    return ami_rng_normal(&rng) * pow(10, item % 7); /* so that the order matters */
}

static float long_value(int shard, size_t i)
{
    ami_rng rng = ami_rng_seed(6, (uint64_t)shard * LONG + i);
    return (float)(ami_rng_normal(&rng) * pow(10, shard % 5));
}

/* The tree, written out. */
static double tree(const double *value, int first, int end)
{
    if (end - first == 1)
        return value[first];
    int left = 1;
    while (2 * left < end - first)
        left *= 2;
    return tree(value, first, first + left) + tree(value, first + left, end);
}

/* By division, not by bits: to 8 significant binary digits, ties to even. */
static float to_bf16(float x)
{
    int exponent;
    const double mantissa = frexp((double)x, &exponent);
    return (float)ldexp(nearbyint(ldexp(mantissa, 8)), exponent - 8);
}

static float tree_long(size_t i, int first, int end, bool rounded)
{
    if (end - first == 1)
        return rounded ? to_bf16(long_value(first, i)) : long_value(first, i);
    int left = 1;
    while (2 * left < end - first)
        left *= 2;
    const float sum = tree_long(i, first, first + left, rounded) + tree_long(i, first + left, end, rounded);
    return rounded ? to_bf16(sum) : sum;
}

typedef struct sums {
    int size, threads;
    bool rounded;
    bool ok;
    int count;
    int64_t bytes; /* sent for the long sum */
    double total[WIDTH];
    float sum[LONG];
} sums;

static void add_all(ami_exchange *x, void *argument)
{
    sums *s = argument;
    ami_shards shards;
    ami_error err = {""};
    s->ok = ami_shards_init(&shards, ITEMS, s->size, x, &err);
    if (!s->ok)
        return;
    s->count = shards.count;
    const int own = ami_shards_own(&shards);
    double *value = calloc((size_t)own * WIDTH, sizeof *value);
    for (int i = 0; i < own; i++)
        for (int e = ami_shards_item(&shards, shards.first + i);
             e < ami_shards_item(&shards, shards.first + i + 1); e++)
            for (int k = 0; k < WIDTH; k++)
                value[i * WIDTH + k] += item_value(e, k);
    s->ok = ami_shards_sum(&shards, value, WIDTH, s->total);
    free(value);

    ami_shard_sums m;
    shards.rounded = s->rounded;
    s->ok = s->ok && ami_shard_sums_init(&m, &shards, LONG, &err);
    for (int n = 0; s->ok && n < shards.own_nodes; n++) {
        const ami_shard_node *node = &shards.node[shards.own_node + n];
        for (size_t i = 0; i < LONG; i++)
            m.node[(size_t)n * LONG + i] = tree_long(i, node->first, node->end, s->rounded);
    }
    const int64_t before = ami_exchange_bytes(x);
#pragma omp parallel num_threads(s->threads)
    ami_shard_sums_add(&m);
    s->bytes = ami_exchange_bytes(x) - before;
    memcpy(s->sum, m.total, sizeof s->sum);
    ami_shard_sums_free(&m);
    ami_shards_free(&shards);
}

static void sums_are_those_of_the_tree(void **state)
{
    (void)state;
    sums *s = calloc(RANKS_MAX, sizeof *s);
    int64_t bytes[RANKS_MAX + 1] = {0};
    for (int kind = 0; kind < 6; kind++) {
        const int size = 1 + kind / 2 * 2;
        const bool rounded = kind % 2;
        for (int ranks = 1; ranks <= 5; ranks++) {
            void *argument[RANKS_MAX];
            for (int r = 0; r < ranks; r++) {
                s[r] = (sums){.size = size, .threads = 1 + ranks % 3, .rounded = rounded};
                argument[r] = &s[r];
            }
            run_ranks(ranks, 0, add_all, argument);
            if (!rounded)
                bytes[ranks] = s[0].bytes;
            assert_int_equal(s[0].bytes, rounded ? bytes[ranks] / 2 : bytes[ranks]);
            const int count = (ITEMS + size - 1) / size;
            for (int r = 0; r < ranks; r++) {
                assert_true(s[r].ok && s[r].count == count);
                for (int k = 0; k < WIDTH; k++) {
                    double value[ITEMS] = {0};
                    for (int shard = 0; shard < count; shard++)
                        for (int e = ITEMS * shard / count; e < ITEMS * (shard + 1) / count; e++)
                            value[shard] += item_value(e, k);
                    assert_true(s[r].total[k] == tree(value, 0, count));
                }
                for (size_t i = 0; i < LONG; i += 97)
                    assert_true(s[r].sum[i] == tree_long(i, 0, count, rounded));
                assert_memory_equal(s[r].sum, s[0].sum, sizeof s->sum);
            }
        }
    }
    free(s);
}

static void more_ranks_than_shards_are_refused(void **state)
{
    (void)state;
    static sums s[5];
    void *argument[5];
    for (int r = 0; r < 5; r++) {
        s[r] = (sums){.size = 6, .threads = 1};
        argument[r] = &s[r];
    }
    run_ranks(5, 0, add_all, argument); /* four shards */
    for (int r = 0; r < 5; r++)
        assert_false(s[r].ok);
}

/* ---- The launcher ---- */

static void the_launcher_is_known_by_its_variables(void **state)
{
    (void)state;
    static const struct {
        const char *set[3]; /* NAME=VALUE */
        const char *mpi;
        int ranks;
        bool mute;
    } cases[] = {
        {{NULL}, NULL, 0, false},
        {{"OMPI_COMM_WORLD_SIZE=4"}, "Open MPI", 4, false},
        {{"OMPI_COMM_WORLD_SIZE=1"}, NULL, 1, false},
        {{"PMI_RANK=0", "PMI_SIZE=3"}, "MPICH", 3, false},
        {{"PMIX_RANK=2", "SLURM_STEP_NUM_TASKS=8"}, "Open MPI", 8, false},
        {{"SLURM_STEP_NUM_TASKS=8"}, NULL, 8, true},
        {{"SLURM_STEP_NUM_TASKS=1"}, NULL, 0, false},
        {{"OMPI_COMM_WORLD_SIZE=4", "AMBLE_EXCHANGE=none"}, NULL, 0, false},
        {{"PMIX_RANK=2", "SLURM_STEP_NUM_TASKS=8", "AMBLE_EXCHANGE=mpich"}, "MPICH", 8, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            clearenv();
            for (int k = 0; k < 3 && cases[i].set[k]; k++)
                putenv((char *)(uintptr_t)cases[i].set[k]);
            const ami_launch l = ami_exchange_launch();
            _exit(l.ranks == cases[i].ranks && l.mute == cases[i].mute &&
                          (l.mpi && cases[i].mpi ? !strcmp(l.mpi, cases[i].mpi) : l.mpi == cases[i].mpi)
                      ? 0
                      : 1);
        }
        int status;
        waitpid(pid, &status, 0);
        if (status != 0)
            fail_msg("case %zu: another launcher was seen", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_arrive),
        cmocka_unit_test(a_silent_rank_is_named),
        cmocka_unit_test(sums_are_those_of_the_tree),
        cmocka_unit_test(more_ranks_than_shards_are_refused),
        cmocka_unit_test(the_launcher_is_known_by_its_variables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
