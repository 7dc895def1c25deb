/* Evaluations while `amble train` trains. */
#include "cli/train_evaluation.h"

#include "cli/training.h"

#include <math.h>

bool train_evaluate(const ami_train *train, int64_t before, double every, double stop_at, ami_event_log *log,
                    ami_progress *progress)
{
    const int64_t now = ami_train_samples(train), period = (int64_t)every;
    if (period == 0 || now / period == before / period)
        return false;
    ami_train_score s;
    ami_error err;
    if (!ami_train_evaluate(train, 32, 10, &s, &err)) {
        training_warn(progress, &err);
        return false;
    }
    if (s.failed)
        ami_progress_note(
            progress,
            "amble: physics failed in %d of the evaluation's characters, which count as fallen: %s; going on",
            (int)s.failed, s.failure);
    const struct {
        const char *tag;
        double value;
    } scalar[] = {
        {"eval/normalised_return", s.normalised_return},
        {"eval/survival", s.survival},
        {"eval/success", s.success},
        {"eval/seconds", s.seconds},
        {"eval/root_m", s.root_m},
        {"eval/joint_rad", s.joint_rad},
        {"eval/end_effector_m", s.end_effector_m},
    };
    for (size_t i = 0; log && i < sizeof scalar / sizeof *scalar; i++)
        ami_event_log_scalar(log, scalar[i].tag, now, scalar[i].value, NULL);
    ami_progress_note(
        progress,
        "evaluation after %.2fM samples: return %.3f, %.0f %% up, %.0f %% successful, joints off by %.1f°",
        1e-6 * (double)now, s.normalised_return, 100 * s.survival, 100 * s.success, s.joint_rad * 180 / M_PI);
    return stop_at > 0 && s.normalised_return >= stop_at;
}
