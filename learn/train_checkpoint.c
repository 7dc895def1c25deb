/* Saves trainings to checkpoints, loads them, and checks that they fit. */
#include "base/file.h"
#include "learn/net_checkpoint.h"
#include "learn/train_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Version of a training's state. 1 (no such section): without means of the weights, mirrored samples and
 * adaptive starts. 2: samples were shuffled over all environments, and sums had another order. */
static const uint32_t format = 3;

/* Prevents that a training is continued on another motion by mistake; of several clips, also in another order. */
static uint32_t motion_crc(const ami_train *t)
{
    uint32_t crc = 0;
    if (t->clips <= 1)
        return t->clips > 0 ? ami_clip_crc(t->clip[0].clip) : t->styles.crc;
    for (int c = 0; c < t->clips; c++) {
        const uint32_t one = ami_clip_crc(t->clip[c].clip);
        crc = ami_crc32c(crc, &one, sizeof one);
    }
    return crc;
}

static uint32_t teachers_crc(const ami_train *t);

uint32_t ami_train_crc(const ami_train *train)
{
    char settings[8192];
    const size_t length = ami_settings_print(&train->settings, settings, sizeof settings);
    const uint32_t facts[] = {format, motion_crc(train), teachers_crc(train), (uint32_t)train->bf16,
                              (uint32_t)ami_train_may_touch(train, 0)};
    uint32_t crc = ami_crc32c(0, settings, length);
    crc = ami_crc32c(crc, facts, sizeof facts);
    for (int c = 1; c < train->clips; c++)
        crc = ami_crc32c(crc, &train->clip[c].may_touch, sizeof train->clip[c].may_touch);
    crc = ami_crc32c(crc, train->parts, (size_t)train->clips * sizeof *train->parts);
    crc = ami_crc32c(crc, &train->normalizer, sizeof train->normalizer);
    crc = ami_crc32c(crc, &train->progress, sizeof train->progress);
    ami_train_net *const net[] = {ami_ppo_actor(train->ppo), ami_ppo_critic(train->ppo)};
    for (int i = 0; i < 2; i++)
        crc = ami_crc32c(crc, ami_train_net_parameters(net[i]), ami_train_net_size(net[i]) * sizeof(float));
    return crc;
}

static uint32_t teachers_crc(const ami_train *t)
{
    return t->teacher_action ? t->teachers->crc : 0;
}

/* A checkpoint of a training without teachers may lack this section. */
static bool check_teachers(const ami_train *t, const ami_checkpoint *c, ami_error *err)
{
    uint32_t crc = 0;
    size_t size;
    if (ami_checkpoint_find(c, "teachers_crc", &size) &&
        !ami_checkpoint_get(c, "teachers_crc", &crc, sizeof crc, err))
        return false;
    return crc == teachers_crc(t) ||
           ami_fail(
               err,
               "%s: was trained %s; continue with the same --teacher, or start from its networks with --init",
               ami_checkpoint_path(c), crc ? "with other teachers" : "without teachers");
}

/* Bytes of each environment in a checkpoint, of all ranks. */
typedef struct environment_bytes {
    size_t runner, env, generator, clip;
} environment_bytes;

/* Whether it is not plain which clip an environment follows, and how. */
static bool has_env_clips(const ami_train *t)
{
    return t->clips > 1 || t->settings.mirrored > 0;
}

static environment_bytes bytes_of(const ami_train *t)
{
    return (environment_bytes){sizeof *t->run, ami_env_save_size(&t->env[0]),
                               t->generator ? ami_generator_save_size(t->generator[0]) : 0,
                               has_env_clips(t) ? sizeof *t->env_clip : 0};
}

static size_t bytes_of_all(environment_bytes each)
{
    return each.runner + each.env + each.generator + each.clip;
}

/* Collective. At rank 0: the states of all ranks' environments, each as runner, environment, generator, clip, to be freed.
 * Elsewhere an array without meaning. NULL and a sentence on error, in all ranks. */
static char *gather_environments(const ami_train *t, environment_bytes each, ami_error *err)
{
    ami_exchange *exchange = t->shards.exchange;
    const int ranks = ami_exchange_ranks(exchange);
    const size_t row = bytes_of_all(each);
    const bool first = ami_exchange_rank(exchange) == 0;
    char *mine = malloc((size_t)t->envs * row), *all = malloc((first ? (size_t)t->all_envs : 1) * row);
    size_t *bytes = malloc((size_t)ranks * sizeof *bytes);
    bool ok = mine && all && bytes;
    if (!ok)
        ami_fail(err, "out of memory for a checkpoint");
    ok = ami_exchange_agree(exchange, ok, err);
    for (int e = 0; ok && e < t->envs; e++) {
        char *to = mine + (size_t)e * row;
        memcpy(to, &t->run[e], each.runner);
        ami_env_save(&t->env[e], to + each.runner);
        if (t->generator)
            ami_generator_save(t->generator[e], to + each.runner + each.env);
        memcpy(to + each.runner + each.env + each.generator, &t->env_clip[e], each.clip);
    }
    for (int r = 0; ok && r < ranks; r++)
        bytes[r] =
            (size_t)(ami_shards_rank_item(&t->shards, r + 1) - ami_shards_rank_item(&t->shards, r)) * row;
    if (ok && !ami_exchange_to_first(exchange, mine, bytes, all))
        ok = !ami_exchange_failed(exchange, err);
    free(mine);
    free(bytes);
    if (ok)
        return all;
    free(all);
    return NULL;
}

/* One section of what gather_environments has: the part of `size` bytes at `offset` of each environment. */
static bool put_environments(const ami_train *t, ami_checkpoint_writer *w, const char *name, const char *all,
                             size_t row, size_t offset, size_t size, ami_error *err)
{
    char *data = malloc((size_t)t->all_envs * size + 1);
    if (!data)
        return ami_fail(err, "out of memory for a checkpoint");
    for (int e = 0; e < t->all_envs; e++)
        memcpy(data + (size_t)e * size, all + (size_t)e * row + offset, size);
    const bool ok = ami_checkpoint_put(w, name, data, (size_t)t->all_envs * size, err);
    free(data);
    return ok;
}

/* This rank's part of a section with `size` bytes an environment; to be freed. */
static char *get_environments(const ami_train *t, const ami_checkpoint *c, const char *name, size_t size,
                              ami_error *err)
{
    char *data = malloc((size_t)t->all_envs * size);
    if (!data) {
        ami_fail(err, "out of memory for a checkpoint");
        return NULL;
    }
    if (!ami_checkpoint_get(c, name, data, (size_t)t->all_envs * size, err)) {
        free(data);
        return NULL;
    }
    memmove(data, data + (size_t)t->first_env * size, (size_t)t->envs * size);
    return data;
}

/* Call it before loading the environments: it sets their clips. */
static bool get_generators(ami_train *t, const ami_checkpoint *c, ami_error *err)
{
    if (!t->generator)
        return true;
    const size_t size = ami_generator_save_size(t->generator[0]);
    char *data = get_environments(t, c, "generators", size, err);
    bool ok = data != NULL;
    for (int e = 0; ok && e < t->envs; e++)
        ok = ami_generator_load(t->generator[e], t->scratch[0].cycle, data + (size_t)e * size, &t->env[e],
                                err) ||
             ami_fail_in(err, "%s: environment %d", ami_checkpoint_path(c), t->first_env + e);
    free(data);
    return ok;
}

/* Call it before loading the environments: it sets their clips. */
static bool get_env_clips(ami_train *t, const ami_checkpoint *c, ami_error *err)
{
    if (!has_env_clips(t))
        return true;
    char *data = get_environments(t, c, "environment_clips", sizeof *t->env_clip, err);
    bool ok = data != NULL;
    for (int e = 0; ok && e < t->envs; e++) {
        env_clip found;
        memcpy(&found, data + (size_t)e * sizeof found, sizeof found);
        if (found.clip < 0 || found.clip >= t->clips || (found.mirrored != 0 && found.mirrored != 1))
            ok = ami_fail(err, "%s: environment %d follows clip %d of %d", ami_checkpoint_path(c),
                          t->first_env + e, (int)found.clip, t->clips);
        else
            t->env_clip[e] = found;
        if (ok && t->clips > 1)
            ami_train_use_clip(t, e);
    }
    free(data);
    return ok;
}

/* What is known of the clips: of the first or only one its parts are at the end of the section "progress". */
static bool put_progress(const ami_train *t, ami_checkpoint_writer *w, ami_error *err)
{
    static const clip_parts none;
    char data[sizeof(progress) + sizeof(clip_parts)];
    memcpy(data, &t->progress, sizeof(progress));
    memcpy(data + sizeof(progress), t->clips > 0 ? t->parts : &none, sizeof(clip_parts));
    if (!ami_checkpoint_put(w, "progress", data, sizeof data, err) || t->clips <= 1)
        return t->clips <= 1;
    char *list = ami_train_print_clips(t);
    const bool ok =
        (list || ami_fail(err, "out of memory for a checkpoint")) &&
        ami_checkpoint_put(w, "motions", list, strlen(list) + 1, err) &&
        ami_checkpoint_put(w, "clip_parts", t->parts, (size_t)t->clips * sizeof *t->parts, err) &&
        ami_checkpoint_put(w, "clip_records", t->record, (size_t)t->clips * sizeof *t->record, err);
    free(list);
    return ok;
}

bool ami_train_read_clips(const ami_checkpoint *checkpoint, ami_listed_motion **motion, int *count,
                          ami_error *err)
{
    size_t size;
    const char *text = ami_checkpoint_find(checkpoint, "motions", &size);
    *motion = NULL;
    *count = 0;
    if (!text)
        return true;
    if (size < 1 || text[size - 1])
        return ami_fail(err, "%s: section \"motions\" is no text", ami_checkpoint_path(checkpoint));
    return ami_motion_list_read(text, motion, count, err) ||
           ami_fail_in(err, "%s: section \"motions\"", ami_checkpoint_path(checkpoint));
}

/* Of several clips also what may touch the floor, as it was. */
static bool get_progress(ami_train *t, const ami_checkpoint *c, ami_error *err)
{
    char data[sizeof(progress) + sizeof(clip_parts)];
    ami_listed_motion *list = NULL;
    int count = 0;
    if (!ami_checkpoint_get(c, "progress", data, sizeof data, err))
        return false;
    memcpy(&t->progress, data, sizeof(progress));
    if (t->clips > 0)
        memcpy(t->parts, data + sizeof(progress), sizeof(clip_parts));
    if (t->clips <= 1)
        return true;
    bool ok = ami_train_read_clips(c, &list, &count, err) &&
              (count == t->clips ||
               ami_fail(err, "%s: has %d clips, expected %d", ami_checkpoint_path(c), count, t->clips)) &&
              ami_checkpoint_get(c, "clip_parts", t->parts, (size_t)t->clips * sizeof *t->parts, err) &&
              ami_checkpoint_get(c, "clip_records", t->record, (size_t)t->clips * sizeof *t->record, err);
    for (int k = 0; ok && k < count; k++)
        t->clip[k].may_touch = list[k].may_touch;
    free(list);
    return ok;
}

static bool put_copies(const ami_train *t, ami_checkpoint_writer *w, ami_error *err)
{
    return !t->mirror ||
           (ami_net_checkpoint_put(w, "plain_actor", t->copier.net[0], &t->copier.adam[0], err) &&
            ami_net_checkpoint_put(w, "plain_critic", t->copier.net[1], &t->copier.adam[1], err));
}

static bool get_copies(ami_train *t, const ami_checkpoint *c, ami_error *err)
{
    return !t->mirror ||
           (ami_net_checkpoint_get(c, "plain_actor", t->copier.net[0], &t->copier.adam[0], err) &&
            ami_net_checkpoint_get(c, "plain_critic", t->copier.net[1], &t->copier.adam[1], err));
}

static bool put_average(const ami_train *t, ami_checkpoint_writer *w, ami_error *err)
{
    return !t->actor_average ||
           (ami_checkpoint_put(w, "actor.average", t->actor_average,
                               ami_train_net_size(ami_ppo_actor(t->ppo)) * sizeof(float), err) &&
            ami_checkpoint_put(w, "critic.average", t->critic_average,
                               ami_train_net_size(ami_ppo_critic(t->ppo)) * sizeof(float), err));
}

static bool get_average(ami_train *t, const ami_checkpoint *c, ami_error *err)
{
    return !t->actor_average ||
           (ami_checkpoint_get(c, "actor.average", t->actor_average,
                               ami_train_net_size(ami_ppo_actor(t->ppo)) * sizeof(float), err) &&
            ami_checkpoint_get(c, "critic.average", t->critic_average,
                               ami_train_net_size(ami_ppo_critic(t->ppo)) * sizeof(float), err));
}

static bool put_all(const ami_train *t, ami_checkpoint_writer *w, const char *envs, environment_bytes each,
                    ami_error *err)
{
    char settings[8192];
    const size_t length = ami_settings_print(&t->settings, settings, sizeof settings);
    const uint32_t crc = motion_crc(t), teachers = teachers_crc(t), may_touch = ami_train_may_touch(t, 0);
    const size_t row = bytes_of_all(each), after = each.runner + each.env;
    return ami_checkpoint_put(w, "format", &format, sizeof format, err) &&
           ami_checkpoint_put(w, "settings", settings, length + 1, err) &&
           ami_checkpoint_put(w, "motion", ami_train_motion(t), strlen(ami_train_motion(t)) + 1, err) &&
           ami_checkpoint_put(w, "clip_crc", &crc, sizeof crc, err) &&
           ami_checkpoint_put(w, "may_touch", &may_touch, sizeof may_touch, err) &&
           (!t->generator || put_environments(t, w, "generators", envs, row, after, each.generator, err)) &&
           (!each.clip ||
            put_environments(t, w, "environment_clips", envs, row, after + each.generator, each.clip, err)) &&
           (!teachers || ami_checkpoint_put(w, "teachers_crc", &teachers, sizeof teachers, err)) &&
           ami_net_checkpoint_put(w, "actor", ami_ppo_actor(t->ppo), ami_ppo_actor_adam(t->ppo), err) &&
           ami_net_checkpoint_put(w, "critic", ami_ppo_critic(t->ppo), ami_ppo_critic_adam(t->ppo), err) &&
           put_copies(t, w, err) && put_average(t, w, err) &&
           ami_checkpoint_put(w, "normalizer", &t->normalizer, sizeof t->normalizer, err) &&
           put_progress(t, w, err) && put_environments(t, w, "runners", envs, row, 0, each.runner, err) &&
           put_environments(t, w, "environments", envs, row, each.runner, each.env, err);
}

bool ami_train_save(const ami_train *train, const char *path, ami_error *err)
{
    const environment_bytes each = bytes_of(train);
    char *envs = gather_environments(train, each, err);
    if (!envs)
        return false;
    bool ok = true;
    if (ami_exchange_rank(train->shards.exchange) == 0) {
        ami_checkpoint_writer *w = ami_checkpoint_writer_create(err);
        ok = w && put_all(train, w, envs, each, err) && ami_checkpoint_save(w, path, err);
        ami_checkpoint_writer_destroy(w);
    }
    free(envs);
    return ami_exchange_agree(train->shards.exchange, ok, err);
}

bool ami_train_read_settings(const ami_checkpoint *checkpoint, ami_settings *settings, ami_error *err)
{
    size_t size;
    const char *text = ami_checkpoint_find(checkpoint, "settings", &size);
    if (!text || size < 1 || text[size - 1])
        return ami_fail(err, "%s: contains no training settings; is it a checkpoint of amble train?",
                        ami_checkpoint_path(checkpoint));
    *settings = ami_settings_default();
    return ami_settings_parse(settings, text, err) || ami_fail_in(err, "%s", ami_checkpoint_path(checkpoint));
}

/* Loads the policy's networks. With setting mirror (train_symmetry.c) these cover one half of the cycle; if
 * this training has no mirror, it loads the exported copies, which cover all of it. */
static bool get_networks(ami_train *t, const ami_checkpoint *c, ami_error *err)
{
    size_t size;
    const bool copies = ami_checkpoint_find(c, "plain_actor.parameters", &size) != NULL,
               plain = copies && !t->mirror;
    if (!ami_net_checkpoint_get(c, plain ? "plain_actor" : "actor", ami_ppo_actor(t->ppo),
                                ami_ppo_actor_adam(t->ppo), err) ||
        !ami_net_checkpoint_get(c, plain ? "plain_critic" : "critic", ami_ppo_critic(t->ppo),
                                ami_ppo_critic_adam(t->ppo), err))
        return false;
    ami_train_start_copy(t);
    return !copies || get_copies(t, c, err);
}

bool ami_train_load_networks(ami_train *train, const ami_checkpoint *checkpoint, ami_error *err)
{
    ami_normalizer normalizer;
    if (!ami_checkpoint_get(checkpoint, "normalizer", &normalizer, sizeof normalizer, err))
        return false;
    if (normalizer.columns != train->inputs)
        return ami_fail(
            err,
            "%s: its networks have %lld inputs, expected %d (setting goal: %d without the goal, %d "
            "with it)",
            ami_checkpoint_path(checkpoint), (long long)normalizer.columns, train->inputs, AMI_OBS,
            AMI_OBS_MAX);
    if (!get_networks(train, checkpoint, err))
        return false;
    train->normalizer = normalizer;
    ami_train_refresh_normalizer(train);
    return true;
}

static bool check_progress(const progress *p, const ami_checkpoint *c, ami_error *err)
{
    if (p->samples >= 0 && p->iterations >= 0 && p->actor_rate > 0 && p->actor_rate <= 1)
        return true;
    return ami_fail(
        err, "%s: %lld samples in %lld iterations and a learning rate of %g found, which are not valid",
        ami_checkpoint_path(c), (long long)p->samples, (long long)p->iterations, p->actor_rate);
}

/* The algorithm depends on the version, so continuing a training of another version would give the results of
 * neither. */
static bool check_format(const ami_checkpoint *c, ami_error *err)
{
    uint32_t found = 1;
    size_t size;
    if (ami_checkpoint_find(c, "format", &size) &&
        !ami_checkpoint_get(c, "format", &found, sizeof found, err))
        return false;
    return found == format || ami_fail(err,
                                       "%s: was written by %s version of amble, whose trainings this one "
                                       "does not continue; start from "
                                       "its networks with --init",
                                       ami_checkpoint_path(c), found < format ? "an older" : "a newer");
}

bool ami_train_load(ami_train *train, const ami_checkpoint *checkpoint, ami_error *err)
{
    uint32_t crc, may_touch;
    if (!ami_checkpoint_get(checkpoint, "clip_crc", &crc, sizeof crc, err))
        return false;
    if (crc != motion_crc(train))
        return ami_fail(err,
                        "%s: was trained on another motion than \"%s\" as it is now; continue with the same "
                        "clip, or start from its "
                        "networks with --init",
                        ami_checkpoint_path(checkpoint), ami_train_motion(train));
    if (!check_format(checkpoint, err) || !check_teachers(train, checkpoint, err))
        return false;
    const size_t env_size = ami_env_save_size(&train->env[0]);
    char *envs = NULL, *runners = NULL;
    const bool ok =
        ami_train_load_networks(train, checkpoint, err) && get_progress(train, checkpoint, err) &&
        (runners = get_environments(train, checkpoint, "runners", sizeof *train->run, err)) != NULL &&
        (envs = get_environments(train, checkpoint, "environments", env_size, err)) != NULL &&
        ami_checkpoint_get(checkpoint, "may_touch", &may_touch, sizeof may_touch, err) &&
        check_progress(&train->progress, checkpoint, err) && get_generators(train, checkpoint, err) &&
        get_env_clips(train, checkpoint, err) && get_average(train, checkpoint, err);
    ami_train_refresh_starts(train);
    ami_train_refresh_clips(train);
    for (int e = 0; ok && e < train->envs; e++) {
        memcpy(&train->run[e], runners + (size_t)e * sizeof *train->run, sizeof *train->run);
        if (train->clips <= 1)
            train->env[e].def.may_touch = may_touch;
        ami_env_load(&train->env[e], envs + (size_t)e * env_size);
    }
    free(envs);
    free(runners);
    return ok;
}
