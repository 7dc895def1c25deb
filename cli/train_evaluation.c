/* Evaluations while `amble train` trains. */
#include "cli/train_evaluation.h"

#include "cli/ranks.h"
#include "cli/training.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void log_score(ami_event_log *log, int64_t samples, const char *clip, const ami_train_score *s)
{
    const struct {
        const char *tag;
        double value;
    } scalar[] = {
        {clip ? "return" : "normalised_return", s->normalised_return},
        {"survival", s->survival},
        {"success", s->success},
        {"seconds", s->seconds},
        {"root_m", s->root_m},
        {"joint_rad", s->joint_rad},
        {"end_effector_m", s->end_effector_m},
    };
    for (size_t i = 0; log && i < sizeof scalar / sizeof *scalar; i++) {
        char tag[400];
        snprintf(tag, sizeof tag, "eval/%s%s%s", clip ? clip : "", clip ? "/" : "", scalar[i].tag);
        ami_event_log_scalar(log, tag, samples, scalar[i].value, NULL);
    }
}

static int name_width(const ami_train *train)
{
    int width = 0;
    for (int c = 0; c < ami_train_clip_count(train); c++) {
        const int columns = cli_columns(ami_clip_name(ami_train_get_clip(train, c)));
        width = columns > width ? columns : width;
    }
    return width;
}

/* One line a clip, and its curves. */
static void report_clips(const ami_train *train, const ami_train_score *score, ami_event_log *log,
                         ami_progress *progress)
{
    const int width = name_width(train);
    for (int c = 0; c < ami_train_clip_count(train); c++) {
        const ami_train_score *s = &score[c];
        const char *name = ami_clip_name(ami_train_get_clip(train, c));
        log_score(log, ami_train_samples(train), name, s);
        ami_progress_note(progress,
                          "  %s%*s  return %.3f, %3.0f %% up, %3.0f %% successful, joints off by %4.1f°",
                          name, width - cli_columns(name), "", s->normalised_return, 100 * s->survival,
                          100 * s->success, s->joint_rad * 180 / M_PI);
    }
}

static bool evaluate(const ami_train *train, ami_train_score *score, ami_error *err)
{
    const bool several = ami_train_clip_count(train) > 1;
    return ami_train_evaluate_clips(train, several ? 16 : 32, 10, score, err);
}

bool train_evaluate(const ami_train *train, int64_t before, double every, double stop_at, ami_event_log *log,
                    ami_progress *progress)
{
    const int64_t now = ami_train_samples(train), period = (int64_t)every;
    const int clips = ami_train_clip_count(train), count = clips > 1 ? clips : 1;
    if (period == 0 || now / period == before / period)
        return false;
    ami_train_score *score = calloc((size_t)count, sizeof *score), s;
    ami_error err;
    const bool ready = score || ami_fail(&err, "out of memory for the scores of %d clips", count);
    if (!ami_exchange_agree(cli_ranks(), ready, &err) || !evaluate(train, score, &err)) {
        training_warn(progress, &err);
        free(score);
        return false;
    }
    ami_train_mean_score(score, count, &s);
    if (s.failed)
        ami_progress_note(
            progress,
            "amble: physics failed in %d of the evaluation's characters, which count as fallen: %s; going on",
            (int)s.failed, s.failure);
    log_score(log, now, NULL, &s);
    ami_progress_note(
        progress,
        "evaluation after %.2fM samples: %sreturn %.3f, %.0f %% up, %.0f %% successful, joints off by %.1f°",
        1e-6 * (double)now, clips > 1 ? "means of the clips: " : "", s.normalised_return, 100 * s.survival,
        100 * s.success, s.joint_rad * 180 / M_PI);
    if (clips > 1)
        report_clips(train, score, log, progress);
    free(score);
    return stop_at > 0 && s.normalised_return >= stop_at;
}
