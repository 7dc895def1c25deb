/* Prints and writes the progress of `amble train`. */
#include "cli/train_report.h"

#include "cli/ranks.h"
#include "learn/diagnosis.h"

#include <stdlib.h>
#include <string.h>

enum { CLIPS_EVERY = 100 }; /* iterations between points of the clips' curves */

void train_report_begin(const ami_train *train, const char *folder)
{
    const ami_settings *settings = ami_train_settings(train);
    const int ranks = ami_exchange_ranks(cli_ranks()), clips = ami_train_clip_count(train);
    char processes[AMI_EXCHANGE_NAME + 64] = "", number[32] = "";
    if (ranks > 1)
        snprintf(processes, sizeof processes, "%d processes (%s), ", ranks, ami_exchange_name(cli_ranks()));
    if (clips > 1)
        snprintf(number, sizeof number, "%d clips, ", clips);
    fprintf(stderr,
            "Training %s%s in %s: %s%.0f environments, %s matrix products, %.2fM of %.2fM samples done.\n",
            number, ami_train_motion(train), folder, processes, settings->envs,
            ami_train_uses_bf16(train) ? "bf16" : "fp32", 1e-6 * (double)ami_train_samples(train),
            1e-6 * settings->samples);
}

/* Of several clips, not in every iteration: each changes slowly. */
static void log_clips(ami_event_log *log, const ami_train *train, const ami_train_stats *s)
{
    if (ami_train_clip_count(train) <= 1 || s->iteration % CLIPS_EVERY != 0)
        return;
    for (int c = 0; c < ami_train_clip_count(train); c++) {
        ami_train_stats own;
        ami_train_clip_stats(train, c, &own);
        const struct {
            const char *what;
            double value;
        } scalar[] = {
            {"normalised_return", own.normalised_return},
            {"seconds", own.episode_s},
            {"survived", own.survived},
            {"samples", (double)own.samples},
        };
        for (size_t i = 0; i < sizeof scalar / sizeof *scalar; i++) {
            char tag[400];
            snprintf(tag, sizeof tag, "clip/%s/%s", ami_clip_name(ami_train_get_clip(train, c)),
                     scalar[i].what);
            ami_event_log_scalar(log, tag, s->samples, scalar[i].value, NULL);
        }
    }
}

void train_report_curves(ami_event_log *log, const ami_train *train, const ami_train_stats *stats,
                         double rate)
{
    const struct {
        const char *tag;
        double value;
    } scalar[] = {
        {"episode/seconds", stats->episode_s},
        {"episode/normalised_return", stats->normalised_return},
        {"episode/survived", stats->survived},
        {"step/reward", stats->reward},
        {"step/root_m", stats->root_m},
        {"step/joint_rad", stats->joint_rad},
        {"step/end_effector_m", stats->end_effector_m},
        {"ppo/kl", stats->ppo.kl},
        {"ppo/clipped", stats->ppo.clipped},
        {"ppo/critic_loss", stats->ppo.critic_loss},
        {"ppo/explained_variance", stats->explained},
        {"ppo/actor_rate", stats->actor_rate},
        {"ppo/noise", stats->noise},
        {"ppo/actor_gradient_norm", stats->ppo.actor_norm},
        {"ppo/critic_gradient_norm", stats->ppo.critic_norm},
        {"ppo/teacher_distance", stats->ppo.teacher_distance},
        {"ppo/copy_error", stats->copy_error},
        {"run/samples_per_s", rate},
        {"run/push_speed", stats->push_speed},
        {"run/unstable", (double)stats->unstable},
        {"run/motions", (double)stats->motions},
        {"run/motions_refused", (double)stats->refused},
    };
    for (size_t i = 0; i < sizeof scalar / sizeof *scalar; i++)
        ami_event_log_scalar(log, scalar[i].tag, stats->samples, scalar[i].value, NULL);
    for (int k = 0; k < AMI_REWARD_PARTS; k++) {
        char tag[64];
        snprintf(tag, sizeof tag, "reward/%s", ami_reward_name[k]);
        ami_event_log_scalar(log, tag, stats->samples, stats->part[k], NULL);
    }
    log_clips(log, train, stats);
}

void train_report_line(FILE *file, const ami_train_stats *stats, double seconds, double rate)
{
    json_t *o = json_object();
    json_object_set_new(o, "samples", json_integer(stats->samples));
    json_object_set_new(o, "wall_s", cli_real(seconds));
    json_object_set_new(o, "samples_per_s", cli_real(rate));
    json_object_set_new(o, "episode_s", cli_real(stats->episode_s));
    json_object_set_new(o, "normalised_return", cli_real(stats->normalised_return));
    json_object_set_new(o, "survived", cli_real(stats->survived));
    json_object_set_new(o, "step_reward", cli_real(stats->reward));
    json_object_set_new(o, "kl", cli_real(stats->ppo.kl));
    char *line = o ? json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    if (line) {
        fprintf(file, "%s\n", line);
        fflush(file);
    }
    free(line);
    json_decref(o);
}

bool train_report_settings(ami_event_log *log, const ami_train *train, ami_error *err)
{
    const ami_event_setting fact[] = {{"motion", ami_train_motion(train), 0}};
    return training_log_settings(log, fact, 1, ami_setting_list, AMI_SETTING_COUNT,
                                 (const double *)ami_train_settings(train), err);
}

void train_report_status(ami_progress *progress, const ami_train_stats *stats, double rate)
{
    ami_progress_update(progress, (double)stats->samples,
                        "%.2fM samples, %.0f/s, episode %.2f s, return %.3f, reward %.3f (pose %.2f vel %.2f "
                        "ends %.2f root %.2f com %.2f)",
                        1e-6 * (double)stats->samples, rate, stats->episode_s, stats->normalised_return,
                        stats->reward, stats->part[0], stats->part[1], stats->part[2], stats->part[3],
                        stats->part[4]);
}

void train_report_advice(ami_progress *progress, const ami_train *train, const ami_train_stats *stats,
                         bool *told)
{
    const int clips = ami_train_clip_count(train);
    char advice[512];
    if (clips <= 1 && !told[0] && (told[0] = ami_train_diagnose(stats, advice, sizeof advice)))
        ami_progress_note(progress, "amble: %s", advice);
    for (int c = 0; clips > 1 && stats->iteration % CLIPS_EVERY == 0 && c < clips; c++) {
        ami_train_stats own;
        ami_train_clip_stats(train, c, &own);
        if (!told[c] && (told[c] = ami_train_diagnose(&own, advice, sizeof advice)))
            ami_progress_note(progress, "amble: %s: %s", ami_clip_name(ami_train_get_clip(train, c)), advice);
    }
}

static json_t *clips_json(const ami_train *train)
{
    json_t *list = json_array();
    for (int c = 0; c < ami_train_clip_count(train); c++) {
        ami_train_stats own;
        ami_train_clip_stats(train, c, &own);
        json_t *o = json_object();
        json_object_set_new(o, "motion", cli_text(ami_clip_name(ami_train_get_clip(train, c))));
        json_object_set_new(o, "samples", json_integer(own.samples));
        json_object_set_new(o, "episode_s", cli_real(own.episode_s));
        json_object_set_new(o, "normalised_return", cli_real(own.normalised_return));
        json_object_set_new(o, "survived", cli_real(own.survived));
        json_array_append_new(list, o);
    }
    return list;
}

json_t *train_report_summary(const ami_train_stats *stats, const ami_train *train, const char *folder,
                             double wall)
{
    json_t *parts = json_object(), *o = json_object();
    for (int k = 0; k < AMI_REWARD_PARTS; k++)
        json_object_set_new(parts, ami_reward_name[k], cli_real(stats->part[k]));
    json_object_set_new(o, "samples", json_integer(ami_train_samples(train)));
    json_object_set_new(o, "iterations", json_integer(ami_train_iterations(train)));
    json_object_set_new(o, "wall_s", cli_real(wall));
    json_object_set_new(o, "episode_s", cli_real(stats->episode_s));
    json_object_set_new(o, "normalised_return", cli_real(stats->normalised_return));
    json_object_set_new(o, "survived", cli_real(stats->survived));
    json_object_set_new(o, "step_reward", cli_real(stats->reward));
    json_object_set_new(o, "reward", parts);
    json_object_set_new(o, "kl", cli_real(stats->ppo.kl));
    json_object_set_new(o, "resets_non_finite", json_integer(stats->unstable));
    json_object_set_new(o, "precision", json_string(ami_train_uses_bf16(train) ? "bf16" : "fp32"));
    json_object_set_new(o, "folder", cli_text(folder));
    if (ami_train_clip_count(train) > 1)
        json_object_set_new(o, "clips", clips_json(train));
    return o;
}

/* The command that goes on with this training, with all that a checkpoint asks to be given again. */
void train_report_how_to_go_on(const train_arguments *arguments, const ami_train *train, const char *folder)
{
    fprintf(stderr, "Networks: %s/actor.onnx, %s/critic.onnx. To go on: amble train", folder, folder);
    training_print_resume(folder);
    cli_print_option(stderr, "--decoder", arguments->style.decoder);
    cli_print_option(stderr, "--deepphase", arguments->style.deepphase);
    cli_print_option(stderr, "--styles", arguments->style.table);
    for (int i = 0; i < arguments->teachers; i++)
        cli_print_option(stderr, "--teacher", arguments->teacher[i]);
    training_print_rest(&arguments->training, ami_train_samples(train), ami_train_settings(train)->samples);
}
