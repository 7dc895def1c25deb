/* amble clip convert and map: motions of any format retargeted to the humanoid, edited and written, one or a
 * whole folder; and the guess which joint of a file is which.
 *
 * Unless asked nothing is cut, looped or smoothed. Files are written whole or not at all, so a folder's
 * conversion can be stopped and gone on with (--skip-existing). Under mpirun every process converts some of
 * the files, and rank 0 prints for all. */
#include "base/clock.h"
#include "base/file.h"
#include "base/number.h"
#include "base/text.h"
#include "cli/clip_facts.h"
#include "cli/clip_import.h"
#include "cli/cmd_clip.h"
#include "cli/ranks.h"
#include "motion/clip.h"
#include "motion/edit.h"
#include "motion/mirror.h"
#include "motion/motion_file.h"
#include "motion/motion_folder.h"
#include "options/program.h"
#include "options/progress.h"
#include "options/threads.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum {
    PATH_SIZE = 4096,
    KEY_OUT = 'o',
    KEY_VERBOSE = 'v',
    KEY_RATE = CLI_KEY_OWN,
    KEY_FORMAT,
    KEY_FROM,
    KEY_TO,
    KEY_LOOP,
    KEY_MIRROR,
    KEY_SMOOTH,
    KEY_TIME_SCALE,
    KEY_REVERSE,
    KEY_GROUND,
    KEY_HEADING,
    KEY_SKIP,
};

/* A moment: s, or a frame. */
typedef struct moment {
    bool given, frame;
    double at;
} moment;

typedef struct options {
    cli_common common;
    clip_import import;
    const char *out, *format;
    moment from, to;
    double rate, smooth, time_scale, heading; /* Hz, Hz, 1, degrees; 0, 0, 1, NAN: not asked for */
    int loop;
    bool mirror, reverse, ground, verbose, skip;
    char **names;
    int count;
} options;

static moment moment_of(struct argp_state *state, const char *text, const char *option)
{
    char number[64];
    const size_t n = strlen(text);
    moment m = {.given = true, .frame = n > 1 && text[n - 1] == 'f'};
    const bool unit = m.frame || (n > 1 && text[n - 1] == 's');
    snprintf(number, sizeof number, "%.*s", (int)(unit ? n - 1 : n), text);
    m.at = m.frame ? (double)cli_int(state, number, 0, AMI_CLIP_MAX_FRAMES, option)
                   : cli_double(state, number, 0, 1e6, option);
    return m;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    static const char *const loops[] = {"none", "wrap", "auto"};
    enum { FORMATS = 6 };
    static const char *const formats[FORMATS] = {"txt", "json", "bvh", "glb", "npz", "csv"};
    options *o = state->input;
    int k = 0;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->common;
        state->child_inputs[1] = &o->import;
        return 0;
    case KEY_OUT:
        o->out = text;
        return 0;
    case KEY_FORMAT:
        while (k < FORMATS && strcmp(text, formats[k]) != 0)
            k++;
        if (k == FORMATS)
            argp_error(state, "--format: \"%s\", expected txt, json, bvh, glb, npz or csv", text);
        o->format = text;
        return 0;
    case KEY_RATE:
        o->rate = cli_double(state, text, 1, 1000, "--rate");
        return 0;
    case KEY_FROM:
        o->from = moment_of(state, text, "--from");
        return 0;
    case KEY_TO:
        o->to = moment_of(state, text, "--to");
        return 0;
    case KEY_LOOP:
        while (k < 3 && strcmp(text, loops[k]) != 0)
            k++;
        if (k == 3)
            argp_error(state, "--loop: \"%s\", expected auto, wrap or none", text);
        o->loop = k;
        return 0;
    case KEY_MIRROR:
        o->mirror = true;
        return 0;
    case KEY_SMOOTH:
        o->smooth = cli_double(state, text, .1, 100, "--smooth");
        return 0;
    case KEY_TIME_SCALE:
        o->time_scale = cli_double(state, text, .001, 1000, "--time-scale");
        return 0;
    case KEY_REVERSE:
        o->reverse = true;
        return 0;
    case KEY_GROUND:
        o->ground = true;
        return 0;
    case KEY_HEADING:
        o->heading = cli_double(state, text, -360, 360, "--heading");
        return 0;
    case KEY_SKIP:
        o->skip = true;
        return 0;
    case KEY_VERBOSE:
        o->verbose = true;
        return 0;
    case ARGP_KEY_ARGS:
        o->names = state->argv + state->next;
        o->count = state->argc - state->next;
        return 0;
    case ARGP_KEY_END:
        if (!o->out && o->count == 2)
            o->out = o->names[--o->count];
        if (!o->out || o->count < 1)
            argp_error(state, "expected two files, IN and OUT, or IN... and -o OUT");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option convert_options[] = {
    {"output", KEY_OUT, "OUT", 0,
     "file, or folder for several: .txt and .json DeepMimic's, .bvh, .glb, .npz, .csv a table", 1},
    {"format", KEY_FORMAT, "NAME", 0,
     "what a folder is filled with: txt (default), json, bvh, glb, npz or csv", 1},
    {"skip-existing", KEY_SKIP, NULL, 0,
     "leave out what is there already, to go on with a stopped conversion", 1},
    {"verbose", KEY_VERBOSE, NULL, 0, "print how far each joint is from the source's", 1},
    {NULL, 0, NULL, 0, "Editing, in this order:", 2},
    {"from", KEY_FROM, "T", 0, "begin here: seconds, or a frame as in 45f", 2},
    {"to", KEY_TO, "T", 0, "end here", 2},
    {"time-scale", KEY_TIME_SCALE, "X", 0, "durations times X: 2 is half as fast", 2},
    {"reverse", KEY_REVERSE, NULL, 0, "backwards", 2},
    {"mirror", KEY_MIRROR, NULL, 0, "left and right exchanged", 2},
    {"smooth", KEY_SMOOTH, "HZ", 0, "filter out what is faster than HZ", 2},
    {"loop", KEY_LOOP, "HOW", 0,
     "auto: cut to the cycle that closes best, and close it, if there is one; wrap: close the whole motion; "
     "none (default)",
     2},
    {"heading", KEY_HEADING, "DEG", 0, "turn, so that the first frame faces this way (0 is x)", 2},
    {"ground", KEY_GROUND, NULL, 0, "move up or down until the soles are on the floor", 2},
    {"rate", KEY_RATE, "HZ", 0, "resample to about HZ even frames a second", 2},
    {0},
};

/* A table for other programs: time and pose, z up, one frame a line. */
static bool write_csv(const ami_clip *clip, const char *path, ami_error *err)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) {
        return ami_fail(err, "%s: out of memory", path);
    }
    static const char *const part[4] = {"w", "x", "y", "z"};
    fputs("time_s,root_x_m,root_y_m,root_z_m,root_qw,root_qx,root_qy,root_qz", out);
    for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
        for (int k = 0; k < (ami_clip_joints[j].ball ? 4 : 1); k++) {
            fprintf(out, ",%s_%s", ami_clip_joints[j].name, ami_clip_joints[j].ball ? part[k] : "rad");
        }
    }
    const double *time = ami_clip_times(clip), *pose = ami_clip_poses(clip);
    for (int f = 0; f < ami_clip_frames(clip); f++) {
        ami_number_fprintf(out, "\n%.12g", time[f]);
        for (int i = 0; i < AMI_POSE; i++) {
            ami_number_fprintf(out, ",%.12g", pose[(size_t)f * AMI_POSE + i]);
        }
    }
    fputc('\n', out);
    const bool whole = !ferror(out);
    const bool done = (fclose(out) == 0 && whole) ? ami_file_write(path, text, size, err)
                                                  : ami_fail(err, "%s: out of memory", path);
    free(text);
    return done;
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Replaces *clip by `edited`; false where there is none. */
static bool take(ami_clip **clip, ami_clip *edited)
{
    ami_clip_destroy(*clip);
    *clip = edited;
    return edited != NULL;
}

static double time_of(const ami_clip *clip, moment m, double otherwise)
{
    if (!m.given)
        return otherwise;
    const int last = ami_clip_frames(clip) - 1;
    return m.frame ? ami_clip_times(clip)[m.at < last ? (int)m.at : last] : m.at;
}

static bool edit(const options *o, ami_clip **clip, ami_edit_cycle *cycle, ami_error *err)
{
    *cycle = (ami_edit_cycle){0};
    if ((o->from.given || o->to.given) &&
        !take(clip, ami_edit_cut(*clip, time_of(*clip, o->from, 0),
                                 time_of(*clip, o->to, ami_clip_duration(*clip)), err)))
        return false;
    if (o->time_scale != 1 && !take(clip, ami_edit_time_scale(*clip, o->time_scale, err)))
        return false;
    if (o->reverse && !take(clip, ami_edit_reverse(*clip, err)))
        return false;
    if (o->mirror && !take(clip, ami_mirror_clip(*clip, err)))
        return false;
    if (o->smooth > 0 && !take(clip, ami_edit_smooth(*clip, o->smooth, err)))
        return false;
    if (o->loop != AMI_LOOP_NONE && !take(clip, ami_edit_loop(*clip, o->loop, cycle, err)))
        return false;
    if (!isnan(o->heading) && !take(clip, ami_edit_heading(*clip, o->heading * (M_PI / 180), err)))
        return false;
    if (o->ground && !take(clip, ami_edit_ground(*clip, NULL, err)))
        return false;
    return o->rate <= 0 || take(clip, ami_edit_resample(*clip, o->rate, err));
}

/* What became of one file. */
typedef struct result {
    bool tried, done, skipped;
    char *text; /* what is printed about it; NULL: nothing */
    ami_retarget_report report;
    ami_edit_cycle cycle;
    int frames;
    double duration;
    json_t *json;
    ami_error err;
} result;

static void convert(const options *o, const char *in, const char *out, result *r)
{
    struct stat st;
    if (o->skip && stat(out, &st) == 0) {
        r->done = r->skipped = true;
        return;
    }
    ami_retarget_def def = o->import.def;
    def.check = o->time_scale == 1; /* the scale is the remedy for a wrong frame time */
    ami_clip *clip = ami_motion_read(in, &def, &r->report, &r->err);
    if (clip && edit(o, &clip, &r->cycle, &r->err)) {
        r->done = ami_text_has_ending(out, ".csv") ? write_csv(clip, out, &r->err)
                                                   : ami_clip_write(clip, out, &r->err);
        r->frames = ami_clip_frames(clip);
        r->duration = ami_clip_duration(clip);
        if (r->done && o->common.json) {
            const clip_facts facts = clip_facts_of(clip);
            r->json = clip_facts_json(clip, out, &facts);
            json_object_set_new(r->json, "retarget", clip_import_json(&r->report));
            if (r->cycle.end > 0)
                json_object_set_new(r->json, "cycle",
                                    json_pack("{s:o, s:o, s:o}", "begin_s", cli_real(r->cycle.begin), "end_s",
                                              cli_real(r->cycle.end), "gap_deg",
                                              cli_real(r->cycle.gap * 180 / M_PI)));
        }
    }
    ami_clip_destroy(clip);
}

static void print_result(const options *o, const char *in, const char *out, const result *r, FILE *to)
{
    char line[512];
    if (r->skipped || (r->report.own && r->cycle.end <= 0 && o->loop != AMI_LOOP_AUTO))
        return;
    fprintf(to, "%s -> %s: %d frames, %.3g s\n", in, out, r->frames, r->duration);
    if (!r->report.own)
        fprintf(to, "  %s\n", clip_import_line(&r->report, line, sizeof line));
    if (r->cycle.end > 0)
        fprintf(to, "  loops from %.2f to %.2f s, off by %.1f deg at the seam before it was closed\n",
                r->cycle.begin, r->cycle.end, r->cycle.gap * 180 / M_PI);
    else if (o->loop == AMI_LOOP_AUTO && !r->skipped)
        fprintf(to, "  does not loop: it does not repeat itself within %.0f deg\n",
                AMI_CYCLE_GAP * 180 / M_PI);
    if (o->verbose && !r->report.own)
        clip_import_print(&r->report, to);
}

/* The files to convert, and where to. */
typedef struct work {
    char **in, **out;
    int count, capacity;
    bool folder; /* they go into one */
} work;

static void work_free(work *w)
{
    for (int i = 0; i < w->count; i++) {
        free(w->in[i]);
        free(w->out[i]);
    }
    free(w->in);
    free(w->out);
}

/* OUT/NAME.FORMAT for a file in a folder; below: the part of its path, with a slash behind it, that is kept in OUT. */
static bool add(work *w, const options *o, const char *in, bool folder, const char *below, ami_error *err)
{
    char out[PATH_SIZE];
    if (w->count == w->capacity) {
        const int capacity = w->capacity ? 2 * w->capacity : 64;
        char **ins = realloc(w->in, (size_t)capacity * sizeof *ins);
        w->in = ins ? ins : w->in;
        char **outs = realloc(w->out, (size_t)capacity * sizeof *outs);
        w->out = outs ? outs : w->out;
        if (!ins || !outs)
            return ami_fail(err, "out of memory for %d files", capacity);
        w->capacity = capacity;
    }
    if (folder) {
        const char *slash = strrchr(in, '/'), *base = slash ? slash + 1 : in, *dot = strrchr(base, '.');
        const int length = (int)(dot && dot > base ? (size_t)(dot - base) : strlen(base));
        if ((size_t)snprintf(out, sizeof out, "%s/%s%.*s.%s", o->out, below, length, base,
                             o->format ? o->format : "txt") >= sizeof out)
            return ami_fail(err, "%.80s...: the path is longer than %d bytes", o->out, PATH_SIZE - 1);
        for (int i = 0; i < w->count; i++)
            if (strcmp(w->out[i], out) == 0)
                return ami_fail(err, "%s and %s would both become %s", w->in[i], in, out);
    } else {
        snprintf(out, sizeof out, "%s", o->out);
    }
    w->in[w->count] = strdup(in);
    w->out[w->count] = strdup(out);
    w->count++;
    return (w->in[w->count - 1] && w->out[w->count - 1]) || ami_fail(err, "out of memory");
}

/* The motions of a folder and of those in it, which keep their place below OUT. What no motion is found in is named. */
static bool add_folder(work *w, const options *o, const char *folder, ami_error *err)
{
    ami_motion_folder list;
    if (!ami_motion_folder_find(&list, folder, o->out, err))
        return false;
    bool ok = true;
    for (int i = 0; ok && i < list.count; i++) {
        const char *inner = list.path[i] + list.below, *slash = strrchr(inner, '/');
        char below[PATH_SIZE];
        snprintf(below, sizeof below, "%.*s", slash ? (int)(slash + 1 - inner) : 0, inner);
        ok = add(w, o, list.path[i], true, below, err);
    }
    if (ok && list.others > 0 && cli_ranks_first())
        fprintf(stderr, "amble: left out %d file%s that hold%s no motion: %s\n", list.others,
                cli_plural(list.others), list.others == 1 ? "s" : "", list.other_names);
    ami_motion_folder_free(&list);
    return ok;
}

/* The folders in which the results go. */
static bool make_folders(const work *w, const options *o, ami_error *err)
{
    bool ok = ami_folder_make(o->out, err);
    for (int i = 0; ok && i < w->count; i++) {
        char folder[PATH_SIZE];
        snprintf(folder, sizeof folder, "%s", w->out[i]);
        char *slash = strrchr(folder, '/');
        if (slash && slash != folder && (*slash = 0, !is_folder(folder)))
            ok = ami_folder_make(folder, err);
    }
    return ok;
}

/* A file's name where a folder is meant. */
static bool is_file_name(const char *out)
{
    static const char *const endings[] = {".txt", ".json", ".bvh", ".glb", ".npz", ".csv"};
    bool known = false;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        known |= ami_text_has_ending(out, endings[i]);
    return known && !is_folder(out);
}

static bool find_work(work *w, const options *o, ami_error *err)
{
    const bool folder =
        o->count > 1 || is_folder(o->names[0]) || is_folder(o->out) || ami_text_has_ending(o->out, "/");
    if (folder && is_file_name(o->out))
        return ami_fail(err, "%s: several motions go into a folder, and this is the name of a file", o->out);
    if (!folder && !ami_text_has_ending(o->out, ".csv") && !ami_clip_check_ending(o->out, err))
        return false;
    for (int i = 0; i < o->count; i++) {
        char path[PATH_SIZE];
        if (!(is_folder(o->names[i]) ? add_folder(w, o, o->names[i], err)
                                     : ami_clip_find(o->names[i], o->common.clips, path, sizeof path, err) &&
                                           add(w, o, path, folder, "", err)))
            return false;
    }
    if (w->count == 0)
        return ami_fail(err, "%s: none of the files in it is a motion", o->names[0]);
    w->folder = folder;
    return true;
}

/* After all ranks have found their work, so that none sees another's output. */
static bool check_outputs(const work *w, const options *o, ami_error *err)
{
    return (w->folder ? make_folders(w, o, err) : cli_check_output(o->out, NULL, err)) &&
           cli_check_output(o->common.json, NULL, err);
}

/* ---- Over ranks (learn/exchange.h): rank r converts files r, r + ranks, ... ---- */

/* Collective. That all ranks have found the same files. */
static bool agree_on_work(const work *w, bool ok, ami_error *err)
{
    ami_exchange *x = cli_ranks();
    uint32_t own = 0, first;
    for (int i = 0; i < w->count; i++)
        own = ami_crc32c(own, w->in[i], strlen(w->in[i]) + 1);
    first = own;
    if (!ami_exchange_agree(x, ok, err))
        return false;
    if (!ami_exchange_from_first(x, &first, sizeof first))
        return !ami_exchange_failed(x, err);
    return ami_exchange_agree(
        x,
        first == own || ami_fail(err, "found other files to convert than rank 0: all need the same folder"),
        err);
}

static void convert_one(const options *o, const work *w, int i, result *r)
{
    size_t size = 0;
    convert(o, w->in[i], w->out[i], r);
    r->tried = true;
    if (!r->done || (o->common.json && strcmp(o->common.json, "-") == 0))
        return;
    FILE *to = open_memstream(&r->text, &size);
    if (to) {
        print_result(o, w->in[i], w->out[i], r, to);
        fclose(to);
    }
}

/* Collective. Converts this rank's files. Ranks meet every `round` seconds, so that one line shows the progress of all, a
 * signal to one stops all, and a rank that is gone is noticed. *done: files that all ranks have converted. */
static bool convert_all(const options *o, const work *w, result *results, int *done, ami_error *err)
{
    static const double round = 5;
    ami_exchange *x = cli_ranks();
    const int ranks = ami_exchange_ranks(x), rank = ami_exchange_rank(x);
    int mine = 0, *all = calloc((size_t)ranks, sizeof *all);
    ami_progress progress;
    if (!ami_exchange_agree(x, all || ami_fail(err, "out of memory for %d processes", ranks), err)) {
        free(all);
        return false;
    }
    ami_progress_start(&progress, "convert", 0, w->count, 0);
    bool ok = true;
    do {
        const double end = ami_clock_now() + round;
#pragma omp parallel for schedule(dynamic) if (w->count > 1)
        for (int i = rank; i < w->count; i += ranks) {
            if (cli_stopped || results[i].tried || (ranks > 1 && ami_clock_now() > end))
                continue;
            convert_one(o, w, i, &results[i]);
#pragma omp critical(clip_convert_progress)
            {
                mine++;
                if (w->count > 1 && ranks == 1)
                    ami_progress_update(&progress, mine, "%d of %d files", mine, w->count);
            }
        }
        const int report = cli_stopped ? -1 - mine : mine;
        ok = ami_exchange_all(x, &report, sizeof report, all) || (ami_exchange_failed(x, err), false);
        *done = 0;
        for (int r = 0; ok && r < ranks; r++) {
            cli_stopped = cli_stopped || all[r] < 0;
            *done += all[r] < 0 ? -1 - all[r] : all[r];
        }
        if (ok && ranks > 1)
            ami_progress_update(&progress, *done, "%d of %d files, %d processes", *done, w->count, ranks);
    } while (ok && !cli_stopped && *done < w->count);
    ami_progress_end(&progress);
    free(all);
    return ok;
}

/* A rank's results as text for rank 0: of each file that was tried a line {"i": file, "done": ..., "error": ..., "text": ...,
 * "json": ...}. */
static char *pack(const work *w, const result *results)
{
    json_t *list = json_array();
    for (int i = 0; i < w->count; i++)
        if (results[i].tried)
            json_array_append_new(list, json_pack("{s:i, s:b, s:o, s:o*, s:O*}", "i", i, "done",
                                                  results[i].done, "error", cli_text(results[i].err.text),
                                                  "text", results[i].text ? cli_text(results[i].text) : NULL,
                                                  "json", results[i].json));
    char *text = json_dumps(list, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(list);
    return text;
}

static bool unpack(const char *text, size_t size, const work *w, result *results)
{
    json_t *list = json_loadb(text, size, 0, NULL), *e;
    size_t k;
    json_array_foreach(list, k, e)
    {
        const json_int_t i = json_integer_value(json_object_get(e, "i"));
        const char *error = json_string_value(json_object_get(e, "error")),
                   *said = json_string_value(json_object_get(e, "text"));
        if (i < 0 || i >= w->count || results[i].tried)
            continue;
        results[i].tried = true;
        results[i].done = json_is_true(json_object_get(e, "done"));
        results[i].text = said ? strdup(said) : NULL;
        results[i].json = json_incref(json_object_get(e, "json"));
        snprintf(results[i].err.text, sizeof results[i].err.text, "%s", error ? error : "");
    }
    json_decref(list);
    return list != NULL;
}

/* Collective. Rank 0 gets all results. */
static bool gather(const work *w, result *results, ami_error *err)
{
    ami_exchange *x = cli_ranks();
    const int ranks = ami_exchange_ranks(x);
    if (ranks == 1)
        return true;
    char *mine = pack(w, results), *all = NULL;
    const uint64_t own = mine ? strlen(mine) : 0;
    uint64_t *size = calloc((size_t)ranks, sizeof *size);
    size_t *bytes = calloc((size_t)ranks, sizeof *bytes), sum = 0;
    bool ok =
        ami_exchange_agree(x, (mine && size && bytes) || ami_fail(err, "out of memory for results"), err);
    ok = ok && (ami_exchange_all(x, &own, sizeof own, size) || (ami_exchange_failed(x, err), false));
    for (int r = 0; ok && r < ranks; r++)
        sum += bytes[r] = (size_t)size[r];
    if (ok && cli_ranks_first())
        all = malloc(sum + 1);
    ok = ok &&
         ami_exchange_agree(x, all || !cli_ranks_first() || ami_fail(err, "out of memory for results"), err);
    ok = ok && (ami_exchange_to_first(x, mine, bytes, all) || (ami_exchange_failed(x, err), false));
    size_t at = ok ? bytes[0] : 0;
    for (int r = 1; ok && cli_ranks_first() && r < ranks; at += bytes[r++])
        ok = unpack(all + at, bytes[r], w, results) || ami_fail(err, "out of memory for results");
    free(mine);
    free(all);
    free(size);
    free(bytes);
    return ok;
}

/* Rank 0 prints and writes JSON for all. Returns the exit status, which is that of rank 0 in all ranks. */
static int report(const options *o, const work *w, result *results, int done)
{
    int status = EXIT_SUCCESS, failed = 0;
    ami_error err = {""};
    json_t *list = json_array();
    for (int i = 0; i < w->count; i++) {
        if (!results[i].done && results[i].err.text[0]) {
            status = cli_fail(&results[i].err);
            failed++;
        } else if (results[i].text) {
            fputs(results[i].text, stdout);
        }
        if (results[i].json)
            json_array_append(list, results[i].json);
    }
    if (cli_stopped && done < w->count) {
        fprintf(stderr, "amble: stopped after %d of %d files; --skip-existing goes on\n", done, w->count);
        status = CLI_FAILED;
    }
    const bool one = w->count == 1 && json_array_size(list) == 1;
    json_t *json = json_incref(one ? json_array_get(list, 0) : list);
    json_decref(list);
    if ((w->count == 1 && failed > 0) || !o->common.json)
        json_decref(json);
    else if (!cli_write_json(o->common.json, json, &err))
        status = cli_fail(&err);
    return status;
}

int clip_convert(int argc, char **argv)
{
    static const struct argp_child children[] = {
        {&cli_common_argp, 0, NULL, 90}, {&clip_import_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        convert_options,
        parse,
        "NAME-or-FILE... -o OUT\nNAME-or-FILE OUT",
        "Brings motions of any format that amble reads (BVH, binary glTF, npz, DeepMimic's JSON) "
        "on to the humanoid, edits them if "
        "asked, and writes them as DeepMimic's JSON, BVH, npz or a table. A folder, with those in it, "
        "or several files go into a folder. "
        "Prints how other skeletons were understood.\v"
        "Examples:\n  amble clip convert dance.bvh -o dance.txt --loop auto\n"
        "  amble clip convert takes/ -o clips/ --rate 30\n"
        "  amble clip convert walk walk.bvh\n",
        children,
        NULL,
        NULL};
    options o = {.common = {.json_later = true}, .time_scale = 1, .heading = NAN};
    cli_parse(&argp, argc, argv, &o);
    cli_set_threads(o.common.threads);
    ami_exchange *x = cli_ranks();
    ami_error err = {""};
    work w = {0};
    result *results = NULL;
    int status = EXIT_SUCCESS, done = 0;
    bool ok = agree_on_work(&w, clip_import_load(&o.import, &err) && find_work(&w, &o, &err), &err);
    if (ok) {
        results = calloc((size_t)w.count, sizeof *results);
        ok = results || ami_fail(&err, "out of memory for %d files", w.count);
        ok = ami_exchange_agree(x, ok && (!cli_ranks_first() || check_outputs(&w, &o, &err)), &err);
    }
    if (ok && w.count > 1)
        cli_stop_on_signals();
    ok = ok && convert_all(&o, &w, results, &done, &err) && gather(&w, results, &err);
    if (ok && cli_ranks_first())
        status = report(&o, &w, results, done);
    if (ok && !ami_exchange_from_first(x, &status, sizeof status))
        ok = !ami_exchange_failed(x, &err);
    if (!ok && ami_exchange_failed(x, NULL)) {
        cli_ranks_report();
        status = CLI_FAILED;
    } else if (!ok) {
        status = cli_fail(&err);
    }
    for (int i = 0; results && i < w.count; i++) {
        free(results[i].text);
        json_decref(results[i].json);
    }
    free(results);
    work_free(&w);
    clip_import_free(&o.import);
    return status;
}

/* The map as a file that --map reads: what is known, and in comments what is not used. */
static int print_map(const char *file, const clip_import *import, ami_error *err)
{
    ami_mocap *mocap = ami_motion_read_mocap(file, err);
    ami_joint_map map;
    if (!mocap)
        return cli_fail(err);
    const bool ok = ami_joint_map_guess(&map, mocap, import->map, err);
    if (ok) {
        char escaped[PATH_SIZE];
        printf("# Parts of the body in %s, for --map. \"PART =\" leaves one out.\n",
               ami_text_escape(file, escaped, sizeof escaped));
        for (int p = 0; p < AMI_PARTS; p++)
            if (map.joint[p] >= 0 && mocap->joint[map.joint[p]].end)
                printf("# %s: the end of \"%s\"\n", ami_part_name[p],
                       mocap->joint[mocap->joint[map.joint[p]].parent].name);
            else
                printf("%s%s = %s\n", map.joint[p] < 0 ? "# not found: " : "", ami_part_name[p],
                       map.joint[p] < 0 ? "" : mocap->joint[map.joint[p]].name);
        int unused = 0;
        for (int j = 0; j < mocap->joints; j++) {
            bool used = mocap->joint[j].end;
            for (int p = 0; p < AMI_PARTS; p++)
                used |= map.joint[p] == j;
            if (!used)
                printf("%s%s", unused++ ? ", " : "# not used: ", mocap->joint[j].name);
        }
        if (unused)
            putchar('\n');
    }
    ami_mocap_destroy(mocap);
    return ok ? EXIT_SUCCESS : cli_fail(err);
}

typedef struct map_options {
    cli_common common;
    clip_import import;
    const char *file;
} map_options;

static error_t parse_map(int key, char *text, struct argp_state *state)
{
    map_options *o = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->import;
        return 0;
    case ARGP_KEY_ARG:
        if (o->file)
            argp_error(state, "\"%s\" found where nothing is expected", text);
        o->file = text;
        return 0;
    case ARGP_KEY_END:
        if (!o->file)
            argp_error(state, "which motion? Give a FILE");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int clip_map(int argc, char **argv)
{
    static const struct argp_child children[] = {{&clip_import_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        NULL,
        parse_map,
        "FILE",
        "Prints which joint of a motion file is which part of the body, as a file that "
        "--map of `amble clip convert` reads, with what was not found and what is not "
        "used.\v"
        "Example: amble clip map dance.bvh >dance.map\n",
        children,
        NULL,
        NULL};
    map_options o = {0};
    cli_parse(&argp, argc, argv, &o);
    ami_error err = {""};
    const int status =
        clip_import_load(&o.import, &err) ? print_map(o.file, &o.import, &err) : cli_fail(&err);
    clip_import_free(&o.import);
    return status;
}
