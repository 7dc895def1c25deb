/* `amble train --minutes` alone: once the speed is known, the samples that the time gives. */
#include "cli/train_budget.h"

#include <math.h>

bool train_budget_decide(train_budget *budget, ami_train *train, double elapsed, bool at_end,
                         ami_progress *progress)
{
    enum { FIRST = 8 }; /* iterations, at the least */
    if (!budget->open || ami_train_iterations(train) < (at_end ? 1 : FIRST) ||
        (!at_end && elapsed < fmin(10, .1 * budget->seconds)))
        return false;
    budget->open = false;
    const ami_settings *s = ami_train_settings(train);
    const double done = (double)ami_train_samples(train), batch = s->envs * s->steps;
    const double samples = fmax(batch * round(done / elapsed * budget->seconds / batch), done + batch);
    ami_train_set_samples(train, samples);
    progress->total = samples;
    ami_progress_note(progress, "%.0f samples/s: %g minutes give %.2fM samples", done / elapsed,
                      budget->seconds / 60, 1e-6 * samples);
    return true;
}
