#include "policy/dataset.h"

#include "base/assert.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { QPOS = 7 + AMI_ACTION };

/* Each array has a part of the same size for each episode. */
typedef struct column {
    const char *name;
    ami_npy_type type;
    size_t width; /* numbers in a row */
    bool states;  /* a row more than steps */
    char *data;
} column;

enum {
    LENGTHS,
    OBSERVATIONS,
    QPOSES,
    QVELS,
    PHASES,
    ACTIONS,
    REWARDS,
    PARTS,
    TORQUES,
    CONTACTS,
    TERMINATIONS,
    TRUNCATIONS
};
_Static_assert(TRUNCATIONS + 1 == AMI_DATASET_ARRAYS, "all arrays");

struct ami_dataset {
    int episodes, steps;
    column column[AMI_DATASET_ARRAYS];
    bool *over;       /* (episodes) */
    int64_t *lengths; /* (episodes): column LENGTHS */
};

static size_t row_size(const column *c)
{
    return c->width * ami_npy_type_size(c->type);
}

static size_t rows_of(const ami_dataset *d, const column *c)
{
    return (size_t)d->steps + c->states;
}

static void *row(ami_dataset *d, int kind, int episode, int64_t step)
{
    const column *c = &d->column[kind];
    return c->data + ((size_t)episode * rows_of(d, c) + (size_t)step) * row_size(c);
}

static void describe(int inputs, column columns[AMI_DATASET_ARRAYS])
{
    const column all[AMI_DATASET_ARRAYS] = {
        [LENGTHS] = {"episode_lengths", AMI_NPY_INT64, 1, false, NULL},
        [OBSERVATIONS] = {"observations", AMI_NPY_FLOAT32, (size_t)inputs, true, NULL},
        [QPOSES] = {"qpos", AMI_NPY_FLOAT64, QPOS, true, NULL},
        [QVELS] = {"qvel", AMI_NPY_FLOAT64, AMI_VEL, true, NULL},
        [PHASES] = {"phases", AMI_NPY_FLOAT32, 1, true, NULL},
        [ACTIONS] = {"actions", AMI_NPY_FLOAT32, AMI_ACTION, false, NULL},
        [REWARDS] = {"rewards", AMI_NPY_FLOAT32, 1, false, NULL},
        [PARTS] = {"reward_parts", AMI_NPY_FLOAT32, AMI_REWARD_PARTS, false, NULL},
        [TORQUES] = {"torques", AMI_NPY_FLOAT32, AMI_VEL, false, NULL},
        [CONTACTS] = {"contacts", AMI_NPY_BOOL, AMI_BODIES, false, NULL},
        [TERMINATIONS] = {"terminations", AMI_NPY_BOOL, 1, false, NULL},
        [TRUNCATIONS] = {"truncations", AMI_NPY_BOOL, 1, false, NULL},
    };
    memcpy(columns, all, sizeof all);
}

ami_dataset *ami_dataset_create(int episodes, int steps, int inputs, ami_error *err)
{
    AMI_ASSERT(episodes > 0 && steps > 0 && inputs > 0);
    ami_dataset *d = calloc(1, sizeof *d);
    if (!d) {
        ami_fail(err, "out of memory");
        return NULL;
    }
    d->episodes = episodes;
    d->steps = steps;
    describe(inputs, d->column);
    bool ok = (d->over = calloc((size_t)episodes, sizeof *d->over)) != NULL;
    for (int i = 0; i < AMI_DATASET_ARRAYS; i++) {
        column *c = &d->column[i];
        const size_t rows = i == LENGTHS ? 1 : rows_of(d, c);
        ok = ok && (c->data = calloc((size_t)episodes * rows, row_size(c))) != NULL;
    }
    if (!ok) {
        ami_fail(err, "out of memory for %d episodes of %d steps", episodes, steps);
        ami_dataset_destroy(d);
        return NULL;
    }
    d->lengths = (int64_t *)(void *)d->column[LENGTHS].data;
    return d;
}

void ami_dataset_destroy(ami_dataset *dataset)
{
    if (!dataset)
        return;
    for (int i = 0; i < AMI_DATASET_ARRAYS; i++)
        free(dataset->column[i].data);
    free(dataset->over);
    free(dataset);
}

void ami_dataset_before(ami_dataset *dataset, int episode, const ami_env *env)
{
    AMI_ASSERT(dataset && episode >= 0 && episode < dataset->episodes);
    const int64_t step = dataset->lengths[episode];
    if (dataset->over[episode] || step >= dataset->steps + 1)
        return;
    const float phase = (float)ami_reference_phase(&env->reference);
    ami_env_observe(env, row(dataset, OBSERVATIONS, episode, step));
    memcpy(row(dataset, QPOSES, episode, step), env->world.data->qpos, QPOS * sizeof(double));
    memcpy(row(dataset, QVELS, episode, step), env->world.data->qvel, AMI_VEL * sizeof(double));
    memcpy(row(dataset, PHASES, episode, step), &phase, sizeof phase);
}

void ami_dataset_after(ami_dataset *dataset, int episode, const ami_env *env, const float action[AMI_ACTION],
                       const ami_reward *reward, ami_env_end end)
{
    AMI_ASSERT(dataset && episode >= 0 && episode < dataset->episodes && action && reward);
    const int64_t step = dataset->lengths[episode];
    if (dataset->over[episode] || step >= dataset->steps)
        return;
    memcpy(row(dataset, ACTIONS, episode, step), action, AMI_ACTION * sizeof *action);
    const float total = (float)reward->total;
    memcpy(row(dataset, REWARDS, episode, step), &total, sizeof total);
    float *part = row(dataset, PARTS, episode, step), *torque = row(dataset, TORQUES, episode, step);
    for (int k = 0; k < AMI_REWARD_PARTS; k++)
        part[k] = (float)reward->part[k];
    double exact[AMI_VEL];
    ami_world_torques(&env->world, exact);
    for (int k = 0; k < AMI_VEL; k++)
        torque[k] = end == AMI_ENV_UNSTABLE ? 0 : (float)exact[k];
    bool *contact = row(dataset, CONTACTS, episode, step);
    for (int b = 0; b < AMI_BODIES; b++)
        contact[b] = env->world.touching >> b & 1;
    const bool truncated = end == AMI_ENV_TIME_OUT || (end == AMI_ENV_GOES_ON && step + 1 == dataset->steps);
    *(bool *)row(dataset, TRUNCATIONS, episode, step) = truncated;
    *(bool *)row(dataset, TERMINATIONS, episode, step) = end != AMI_ENV_GOES_ON && end != AMI_ENV_TIME_OUT;
    dataset->lengths[episode]++;
    if (end == AMI_ENV_UNSTABLE) /* its state cannot be observed: the last one again */
        for (int k = OBSERVATIONS; k <= PHASES; k++)
            memcpy(row(dataset, k, episode, step + 1), row(dataset, k, episode, step),
                   row_size(&dataset->column[k]));
    else
        ami_dataset_before(dataset, episode, env);
    dataset->over[episode] = truncated || end != AMI_ENV_GOES_ON;
}

void ami_dataset_finish(ami_dataset *dataset, const char *name[AMI_DATASET_ARRAYS],
                        ami_npy array[AMI_DATASET_ARRAYS])
{
    AMI_ASSERT(dataset && name && array);
    size_t steps = 0, episodes = 0;
    for (int e = 0; e < dataset->episodes; e++) {
        const int64_t length = dataset->lengths[e];
        if (length == 0)
            continue;
        for (int k = OBSERVATIONS; k < AMI_DATASET_ARRAYS; k++) {
            column *c = &dataset->column[k];
            const size_t to = steps + (c->states ? episodes : 0);
            memmove(c->data + to * row_size(c), row(dataset, k, e, 0),
                    ((size_t)length + c->states) * row_size(c));
        }
        dataset->lengths[episodes++] = length;
        steps += (size_t)length;
    }
    for (int k = 0; k < AMI_DATASET_ARRAYS; k++) {
        const column *c = &dataset->column[k];
        const size_t rows = k == LENGTHS ? episodes : steps + (c->states ? episodes : 0);
        name[k] = c->name;
        array[k] = (ami_npy){.type = c->type,
                             .rank = c->width == 1 ? 1 : 2,
                             .shape = {rows, c->width},
                             .count = rows * c->width,
                             .data = c->data};
    }
}

void ami_dataset_first(const ami_npy array[AMI_DATASET_ARRAYS], ami_npy first[AMI_DATASET_ARRAYS])
{
    const int64_t length = array[LENGTHS].count > 0 ? *(const int64_t *)array[LENGTHS].data : 0;
    column all[AMI_DATASET_ARRAYS];
    describe(1, all);
    for (int k = 0; k < AMI_DATASET_ARRAYS; k++) {
        first[k] = array[k];
        first[k].shape[0] = k == LENGTHS ? length > 0 : (size_t)length + (all[k].states && length > 0);
        first[k].count = first[k].shape[0] * (first[k].rank == 2 ? first[k].shape[1] : 1);
    }
}

int ami_dataset_episodes(const ami_dataset *dataset)
{
    return dataset->episodes;
}

double ami_dataset_bytes(int episodes, double steps, int inputs)
{
    column all[AMI_DATASET_ARRAYS];
    describe(inputs, all);
    double bytes = 0;
    for (int k = 0; k < AMI_DATASET_ARRAYS; k++)
        bytes += (double)row_size(&all[k]) * (k == LENGTHS ? 1 : steps + all[k].states);
    return bytes * episodes;
}
