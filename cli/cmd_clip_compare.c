/* amble clip compare: how far two motions are apart, by the field's metrics. */
#include "cli/cmd_clip.h"
#include "motion/metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_SIZE = 4096 };

typedef struct options {
    cli_common common;
    char *names[2];
    int count;
} options;

static error_t parse(int key, char *text, struct argp_state *state)
{
    options *o = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->common;
        return 0;
    case ARGP_KEY_ARG:
        if (o->count == 2)
            argp_error(state, "\"%s\" found where nothing is expected", text);
        o->names[o->count++] = text;
        return 0;
    case ARGP_KEY_END:
        if (o->count != 2)
            argp_error(state, "expected two motions, A and B");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void print_quality(const char *name, const ami_quality *q)
{
    printf("%-20s  jerk %8.1f m/s3   foot skate %.3f m/s   penetration %.3f m\n", name, q->jerk,
           q->foot_skate, q->penetration);
}

static json_t *quality_json(const ami_clip *clip, const ami_quality *q)
{
    return json_pack("{s:s, s:o, s:o, s:o}", "name", ami_clip_name(clip), "jerk", cli_real(q->jerk),
                     "foot_skate_mps", cli_real(q->foot_skate), "penetration_m", cli_real(q->penetration));
}

int clip_compare(int argc, char **argv)
{
    static const struct argp_child children[] = {{&cli_common_argp, 0, NULL, 90}, {0}};
    static const struct argp argp = {NULL,
                                     parse,
                                     "A B",
                                     "Measures how far motion A is from motion B, a NAME or a FILE each: "
                                     "mean error of the joints' positions in "
                                     "the world (E_g-mpjpe) and relative to the root (E_mpjpe), of their "
                                     "velocities and accelerations, and after "
                                     "dynamic time warping; and jerk, foot skate and penetration of each.\v"
                                     "Example: amble clip compare recorded.bvh walk\n",
                                     children,
                                     NULL,
                                     NULL};
    options o = {0};
    cli_parse(&argp, argc, argv, &o);
    ami_error err = {""};
    ami_clip *clip[2] = {NULL, NULL};
    ami_metrics m;
    ami_quality q[2];
    bool ok = true;
    for (int i = 0; ok && i < 2; i++) {
        char path[PATH_SIZE];
        ok = ami_clip_find(o.names[i], o.common.clips, path, sizeof path, &err) &&
             (clip[i] = ami_clip_read(path, &err)) != NULL && ami_quality_of_clip(clip[i], &q[i], &err);
    }
    ok = ok && ami_metrics_of_clips(clip[0], clip[1], &m, &err);
    if (ok) {
        if (!o.common.json || strcmp(o.common.json, "-") != 0) {
            printf(
                "%d frames at %g Hz that both have: E_g-mpjpe %.1f mm, E_mpjpe %.1f mm, E_vel %.2f mm/frame, "
                "E_acc %.2f mm/frame2\n",
                m.frames, AMI_METRICS_RATE, m.e_g_mpjpe * 1e3, m.e_mpjpe * 1e3, m.e_vel * 1e3, m.e_acc * 1e3);
            if (!isnan(m.dtw))
                printf("after dynamic time warping: %.4f m\n", m.dtw);
            for (int i = 0; i < 2; i++)
                print_quality(ami_clip_name(clip[i]), &q[i]);
        }
        if (o.common.json) {
            json_t *motions = json_array();
            for (int i = 0; i < 2; i++)
                json_array_append_new(motions, quality_json(clip[i], &q[i]));
            json_t *all = json_pack(
                "{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "frames", m.frames, "e_g_mpjpe_mm",
                cli_real(m.e_g_mpjpe * 1e3), "e_mpjpe_mm", cli_real(m.e_mpjpe * 1e3), "e_vel_mm",
                cli_real(m.e_vel * 1e3), "e_acc_mm", cli_real(m.e_acc * 1e3), "dtw_m", cli_real(m.dtw),
                "jerk", cli_real(q[0].jerk), "foot_skate_mps", cli_real(q[0].foot_skate), "motions", motions);
            ok = cli_write_json(o.common.json, all, &err);
        }
    }
    for (int i = 0; i < 2; i++)
        ami_clip_destroy(clip[i]);
    return ok ? EXIT_SUCCESS : cli_fail(&err);
}
