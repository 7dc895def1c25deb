/* Collects and prints frame times. */
#include "viewer/report.h"

#include "base/clock.h"
#include "options/options.h"

#include <inttypes.h>
#include <math.h>
#include <time.h>

/* CPU time of all threads, s: the cost of a frame, independent of other programs' load. */
static double cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void ami_report_frame(ami_report *report, double draw, double update)
{
    report->last = ami_clock_now();
    if (!report->frames++) {
        report->first_frame = report->last - report->begun;
        report->cpu_begun = cpu();
    }
    ami_histogram_add(&report->draw, draw, 1);
    ami_histogram_add(&report->update, update, 1);
}

static json_t *times(const ami_histogram *h)
{
    json_t *o = json_object();
    json_object_set_new(o, "p50", cli_real(1e3 * ami_histogram_quantile(h, .5)));
    json_object_set_new(o, "p99", cli_real(1e3 * ami_histogram_quantile(h, .99)));
    json_object_set_new(o, "max", cli_real(1e3 * h->max));
    return o;
}

bool ami_report_write(const ami_report *report, ami_app *app, ami_error *err)
{
    const ami_snapshot *s = ami_app_look(app);
    const double wall = report->last - report->begun - report->first_frame;
    const double rate = wall > 0 ? (double)(report->frames - 1) / wall : 0;
    const double cpu_ms =
        report->frames > 1 ? 1e3 * (cpu() - report->cpu_begun) / (double)(report->frames - 1) : 0;
    const double p50 = 1e3 * ami_histogram_quantile(&report->draw, .5);
    if (app->def.bench) {
        printf("%s, %d x %d, %d character%s\n\n", report->renderer, app->def.width, app->def.height,
               s->characters, s->characters == 1 ? "" : "s");
        printf("  start to first frame  %6.0f ms\n", 1e3 * report->first_frame);
        printf("  frames/s              %6.1f\n", rate);
        printf("  drawing a frame       %6.2f ms  p50, %.2f ms p99\n", p50,
               1e3 * ami_histogram_quantile(&report->draw, .99));
        printf("  processor time        %6.2f ms  a frame, all threads, simulation included\n", cpu_ms);
        printf("  a control step        %6.2f ms  for all characters, the last one\n", s->step_us / 1e3);
        printf("  real-time factor      %6.2f\n", s->real_time_factor);
    }
    json_t *o = json_object();
    json_object_set_new(o, "renderer", json_string(report->renderer));
    json_object_set_new(o, "width", json_integer(app->def.width));
    json_object_set_new(o, "height", json_integer(app->def.height));
    json_object_set_new(o, "characters", json_integer(s->characters));
    json_object_set_new(o, "frames", json_integer(report->frames));
    json_object_set_new(o, "first_frame_ms", cli_real(1e3 * report->first_frame));
    json_object_set_new(o, "frames_per_s", cli_real(rate));
    json_object_set_new(o, "cpu_ms_per_frame", cli_real(cpu_ms));
    json_object_set_new(o, "draw_ms", times(&report->draw));
    json_object_set_new(o, "before_ms", times(&report->update));
    if (app->content.session) {
        char hash[20];
        snprintf(hash, sizeof hash, "%016" PRIx64, ami_session_hash(app->content.session));
        json_object_set_new(o, "steps", json_integer(ami_session_steps(app->content.session)));
        json_object_set_new(o, "hash", json_string(hash));
        json_object_set_new(o, "real_time_factor", cli_real(s->real_time_factor));
        json_object_set_new(o, "step_us", cli_real(s->step_us));
        json_object_set_new(o, "pushes", json_integer(s->pushes));
        char style[128];
        if (s->invents) {
            ami_app_see_style(app, s);
            ami_app_style_text(app, style, sizeof style);
            json_object_set_new(o, "style", json_string(style));
        }
        int up = 0;
        for (int i = 0; i < s->characters; i++)
            up += !s->body[i].down;
        json_object_set_new(o, "up", json_integer(up));
        json_object_set_new(o, "falls", json_integer(s->falls));
        json_object_set_new(o, "recoveries", json_integer(s->recoveries));
    }
    return cli_write_json(app->def.json, o, err);
}
