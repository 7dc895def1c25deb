/* Statistics of the time that generating motions takes. */
#include "bench/invention.h"

#include "options/options.h"

#include <inttypes.h>
#include <stdio.h>

static void look_at_steps(bench_invention *v, const bench_pace *pace)
{
    int longest = 0, slowest = 0;
    double total = 0, invents = 0;
    for (int i = 0; i < pace->steps; i++) {
        total += pace->whole[i];
        invents += pace->invents[i];
        longest = pace->invents[i] > pace->invents[longest] ? i : longest;
        slowest = pace->whole[i] > pace->whole[slowest] ? i : slowest;
        if (pace->whole[i] > BENCH_LONG_STEP) {
            v->long_steps++;
            v->long_because += pace->whole[i] - pace->invents[i] <= BENCH_LONG_STEP;
        }
    }
    v->fraction = invents / total;
    v->max_whole = pace->whole[longest];
    v->slowest = pace->whole[slowest];
    v->slowest_invents = pace->invents[slowest];
}

void bench_invention_find(bench_invention *invention, bench_pace *pace)
{
    *invention = (bench_invention){.counts = pace->counts};
    look_at_steps(invention, pace);
    invention->all = bench_summarise(pace->invents, pace->steps);
    if (pace->makings)
        invention->making = bench_summarise(pace->making, pace->makings);
}

static int64_t refused(const bench_invention *v)
{
    int64_t n = 0;
    for (int i = 0; i < AMI_REFUSALS; i++)
        n += v->counts.refused[i];
    return n;
}

void bench_invention_print(const bench_invention *invention)
{
    printf("  phase + generation: %.1f %% of the step at the median, %.1f %% in all; max in one step %.0f "
           "µs, of %.0f\n",
           100 * invention->fraction_p50, 100 * invention->fraction, 1e6 * invention->all.max,
           1e6 * invention->max_whole);
    printf("  motions: %" PRId64 " made, %" PRId64 " more refused, in %d steps; the body changed to %" PRId64
           " of them\n",
           invention->counts.made, refused(invention), invention->making.n, invention->counts.changes);
    printf("  slowest step: %.0f µs, %.0f of them phase + generation; steps over %g ms: %d, %d of them "
           "because of phase + generation\n",
           1e6 * invention->slowest, 1e6 * invention->slowest_invents, 1e3 * BENCH_LONG_STEP,
           invention->long_steps, invention->long_because);
}

json_t *bench_invention_json(const bench_invention *invention)
{
    json_t *o = json_object();
    json_object_set_new(o, "us", bench_summary_json(&invention->all));
    json_object_set_new(o, "us_while_one_is_made",
                        invention->making.n ? bench_summary_json(&invention->making) : json_null());
    json_object_set_new(o, "share", cli_real(invention->fraction));
    json_object_set_new(o, "share_p50", cli_real(invention->fraction_p50));
    json_object_set_new(o, "step_of_the_most_us", cli_real(1e6 * invention->max_whole));
    json_object_set_new(o, "slowest_step_us", cli_real(1e6 * invention->slowest));
    json_object_set_new(o, "slowest_step_invention_us", cli_real(1e6 * invention->slowest_invents));
    json_object_set_new(o, "steps_over_1_ms", json_integer(invention->long_steps));
    json_object_set_new(o, "steps_over_1_ms_because_of_it", json_integer(invention->long_because));
    json_object_set_new(o, "steps_while_one_is_made", json_integer(invention->making.n));
    json_object_set_new(o, "motions_made", json_integer(invention->counts.made));
    json_object_set_new(o, "motions_refused", json_integer(refused(invention)));
    json_object_set_new(o, "motions_changed_to", json_integer(invention->counts.changes));
    return o;
}
