#include "cli/clip_import.h"

#include "base/file.h"
#include "base/number.h"
#include "options/options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_MAP = 0x20000, KEY_UP, KEY_SCALE, KEY_FACING, KEY_REST, KEY_FEET };

static const double degree = M_PI / 180;

static int axis_of(struct argp_state *state, const char *text, const char *option)
{
    int axis = 0;
    if (strcmp(text, "auto") != 0 && !ami_axis_read(text, &axis))
        argp_error(state, "%s: \"%s\", expected x, y, z, -x, -y, -z or auto", option, text);
    return axis;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    clip_import *import = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        import->def = ami_retarget_default_def();
        return 0;
    case KEY_MAP:
        import->map_file = text;
        return 0;
    case KEY_UP:
        import->def.up = axis_of(state, text, "--up");
        return 0;
    case KEY_FACING:
        import->def.facing = axis_of(state, text, "--facing");
        return 0;
    case KEY_SCALE:
        import->def.scale = strcmp(text, "auto") ? cli_double(state, text, 1e-6, 1e3, "--scale") : 0;
        return 0;
    case KEY_REST:
        import->def.rest = !strcmp(text, "auto") ? AMI_REST_AUTO
                           : !strcmp(text, "zero")
                               ? AMI_REST_ZERO
                               : (int)cli_int(state, text, 0, AMI_CLIP_MAX_FRAMES, "--rest");
        return 0;
    case KEY_FEET:
        if (strcmp(text, "lock") != 0 && strcmp(text, "free") != 0)
            argp_error(state, "--feet: \"%s\", expected lock or free", text);
        import->def.lock_feet = text[0] == 'l';
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {NULL, 0, NULL, 0, "For files of other skeletons (BVH):", 3},
    {"map", KEY_MAP, "FILE", 0, "which joint is which part of the body (`amble clip map` prints the guess)",
     3},
    {"up", KEY_UP, "AXIS", 0, "the file's axis that points up: x, y, z, -x, -y, -z (default: found)", 3},
    {"scale", KEY_SCALE, "M", 0,
     "metres a unit of the file, for the root's path (default: from the legs' lengths)", 3},
    {"facing", KEY_FACING, "AXIS", 0, "the file's axis that the rest pose faces (default: found)", 3},
    {"rest", KEY_REST, "POSE", 0,
     "what rotations are measured from: zero, the zero pose, or a frame (default: found)", 3},
    {"feet", KEY_FEET, "HOW", 0, "lock: on the floor, and held where they rest (default); free: as they come",
     3},
    {0},
};

const struct argp clip_import_argp = {options, parse, NULL, NULL, NULL, NULL, NULL};

bool clip_import_load(clip_import *import, ami_error *err)
{
    size_t size;
    if (!import->map_file)
        return true;
    import->map = ami_file_read_text(import->map_file, 1 << 20, &size, err);
    import->def.map = import->map;
    return import->map != NULL;
}

void clip_import_free(clip_import *import)
{
    free(import->map);
    import->map = NULL;
}

json_t *clip_import_json(const ami_retarget_report *report)
{
    if (report->own)
        return json_null();
    json_t *joints = json_array(), *full;
    char unit[64];
    for (int b = 0; b < AMI_BODIES; b++) {
        const ami_retarget_joint *j = &report->joint[b];
        json_array_append_new(joints,
                              json_pack("{s:s, s:o, s:o, s:i, s:o, s:o, s:i}", "joint", ami_body_name[b],
                                        "angle_mean_deg", cli_real(j->angle[0] / degree), "angle_max_deg",
                                        cli_real(j->angle[1] / degree), "angle_max_frame", j->angle_frame,
                                        "position_mean_m", cli_real(j->off[0]), "position_max_m",
                                        cli_real(j->off[1]), "position_max_frame", j->off_frame));
    }
    full = json_pack("{s:s, s:b, s:s, s:o, s:o, s:o, s:i, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "up",
                     ami_axis_name(report->up), "mirrored", (int)report->mirrored, "unit",
                     ami_retarget_unit(report, unit, sizeof unit), "scale_m", cli_real(report->scale),
                     "leg_units", cli_real(report->leg), "rest_pose",
                     report->rest == AMI_REST_ZERO ? json_string("zero") : json_integer(report->rest),
                     "jumps_repaired", report->jumps, "in_place", (int)report->in_place, "lowered_m",
                     cli_real(report->drop), "contact", cli_real(report->contact), "foot_skate_source_mps",
                     cli_real(report->skate[0]), "foot_skate_mps", cli_real(report->skate[1]),
                     "penetration_before_m", cli_real(report->depth[0]), "penetration_m",
                     cli_real(report->depth[1]), "joints", joints);
    return full;
}

const char *clip_import_line(const ami_retarget_report *report, char *text, size_t size)
{
    char unit[64], rest[40] = "zero pose", jumps[60] = "";
    if (report->rest >= 0)
        snprintf(rest, sizeof rest, "frame %d", report->rest);
    if (report->jumps > 0)
        snprintf(jumps, sizeof jumps, ", %d jump%s of one frame repaired", report->jumps,
                 cli_plural(report->jumps));
    ami_number_format(
        text, size,
        "up %s, %s%s, rest pose: %s, feet slide %.3f m/s (source %.3f), sink %.3f m (source %.3f)%s%s",
        ami_axis_name(report->up), ami_retarget_unit(report, unit, sizeof unit),
        report->mirrored ? ", left-handed: mirrored" : "", rest, report->skate[1], report->skate[0],
        report->depth[1], report->depth[0], jumps,
        report->in_place ? ", the root keeps its place: the file has no path over the floor" : "");
    return text;
}

void clip_import_print(const ami_retarget_report *report, FILE *to)
{
    fprintf(to, "  %-15s %9s %9s %7s %9s %9s %7s\n", "joint", "mean deg", "max deg", "frame", "mean m",
            "max m", "frame");
    for (int b = 0; b < AMI_BODIES; b++) {
        const ami_retarget_joint *j = &report->joint[b];
        fprintf(to, "  %-15s %9.2f %9.2f %7d %9.3f %9.3f %7d\n", ami_body_name[b], j->angle[0] / degree,
                j->angle[1] / degree, j->angle_frame, j->off[0], j->off[1], j->off_frame);
    }
}
