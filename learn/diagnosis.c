/* Finds the most likely cause when a training makes little progress. */
#include "learn/diagnosis.h"

#include "base/number.h"

static const int64_t samples_for_physics = 50000, samples_for_learning = 300000;
static const double unstable_limit = 1e-4; /* episodes that physics ended, per sample */
static const double shortest_s = .3, limited_limit = .5;

bool ami_train_diagnose(const ami_train_stats *stats, char *text, size_t size)
{
    const double thousands = 1e-3 * (double)stats->samples;
    text[0] = 0;
    if (stats->samples < samples_for_physics)
        return false;
    if ((double)stats->unstable > unstable_limit * (double)stats->samples)
        ami_number_format(
            text, size,
            "physics became unstable in %lld episodes in %.0fk samples, which spoils the training. Smaller "
            "physics steps help (--physics-hz, with --substeps in proportion), and weaker pushes.",
            (long long)stats->unstable, thousands);
    else if (stats->samples < samples_for_learning)
        return false;
    else if (stats->episodes > 0 && stats->episode_s < shortest_s && stats->fell >= stats->lost &&
             stats->fell_on >= 0)
        ami_number_format(
            text, size,
            "episodes last only %.2f s after %.0fk samples: most end when the %s touches the floor. If "
            "this is part of the motion, allow it with --may-touch.",
            stats->episode_s, thousands, ami_body_name[stats->fell_on]);
    else if (stats->episodes > 0 && stats->episode_s < shortest_s)
        ami_number_format(
            text, size,
            "episodes last only %.2f s after %.0fk samples: most end because the body loses its "
            "reference. Is the motion too fast for it? The limits are --max-height-m, --max-tilt and "
            "--max-root-m.",
            stats->episode_s, thousands);
    else if (stats->limited > limited_limit)
        ami_number_format(
            text, size,
            "%.0f %% of the joints are at their torque limit: the motion needs more torque than the body "
            "has. Slow it down, or check that the clip's rate and scale are right (amble clip info).",
            100 * stats->limited);
    return text[0] != 0;
}
