/* Clips in files: DeepMimic's JSON in and out, and finding a motion by its name.
 *
 * Reading believes nothing: the file's size, the number of values in it, every count, type and number are checked, and what is wrong is
 * named by frame and field. It reads one body's layout, 44 numbers a frame, and guesses at no other. */
#include "sim/clip.h"

#include "base/file.h"
#include "sim/character.h"
#include "sim/rotation.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FRAME = 1 + AMB_POSE, WRITTEN_DIGITS = 12, LISTED = 40 };

static const size_t max_file = 256u << 20; /* bytes */
/* A comma costs a byte in the file but tens in memory; a clip has one per number. */
static const size_t max_commas = (size_t)FRAME * AMB_CLIP_MAX_FRAMES + 100000;
static const char prefix[] = "humanoid3d_";

static const char *kind_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_NULL:
        return "null";
    default:
        return json_is_true(value) ? "true" : "false";
    }
}

/* What number i of a frame is. */
static const char *field_of(size_t i)
{
    static const char *const root[8] = {"duration",        "root position x", "root position y", "root position z",
                                        "root rotation w", "root rotation x", "root rotation y", "root rotation z"};
    if (i < 8) {
        return root[i];
    }
    int j = AMB_CLIP_JOINTS - 1;
    while (j > 0 && (size_t)amb_clip_joints[j].pose + 1 > i) {
        j--;
    }
    return amb_clip_joints[j].name;
}

static bool read_frame(const json_t *frame, size_t number, bool last, double out[FRAME], amb_error *err)
{
    if (!json_is_array(frame)) {
        return amb_fail(err, "frame %zu is %s, expected a list of %d numbers", number, kind_of(frame), FRAME);
    }
    if (json_array_size(frame) != FRAME) {
        return amb_fail(err, "frame %zu holds %zu values, expected %d", number, json_array_size(frame), FRAME);
    }
    for (size_t i = 0; i < FRAME; i++) {
        const json_t *value = json_array_get(frame, i);
        if (!json_is_number(value)) {
            return amb_fail(err, "frame %zu: value %zu (%s) is %s, expected a number", number, i, field_of(i), kind_of(value));
        }
        out[i] = json_number_value(value);
    }
    if (last ? out[0] < 0.0 : out[0] <= 0.0) {
        return amb_fail(err, "frame %zu: the duration is %g s, expected %s", number, out[0],
                        last ? "0 or more" : "more than 0 (only the last frame may have 0)");
    }
    return true;
}

/* y up, as the file has it, to z up. */
static void pose_from_file(double pose[AMB_POSE], const double *values)
{
    memcpy(pose, values, AMB_POSE * sizeof *pose);
    pose[1] = 0.0 - values[2];
    pose[2] = values[1];
    amb_quat_mul(pose + 3, AMB_QUAT_Y_UP, values + 3);
}

static void pose_to_file(double *values, const double pose[AMB_POSE])
{
    memcpy(values, pose, AMB_POSE * sizeof *pose);
    values[1] = pose[2];
    values[2] = 0.0 - pose[1];
    amb_quat_between(values + 3, AMB_QUAT_Y_UP, pose + 3);
}

/* "humanoid3d_walk.txt" in any folder is the clip "walk". */
static char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    if (strncmp(base, prefix, sizeof prefix - 1) == 0) {
        base += sizeof prefix - 1;
    }
    const char *dot = strrchr(base, '.');
    return strndup(base, dot && dot != base ? (size_t)(dot - base) : strlen(base));
}

static amb_clip *clip_of_json(const json_t *root, const char *path, amb_error *err)
{
    if (!json_is_object(root)) {
        amb_fail(err, "the file holds %s, expected an object with Loop and Frames", kind_of(root));
        return NULL;
    }
    const json_t *loop = json_object_get(root, "Loop"), *frames = json_object_get(root, "Frames");
    if (!loop || !frames) {
        amb_fail(err, "%s is missing", loop ? "Frames" : "Loop");
        return NULL;
    }
    const char *mode = json_string_value(loop);
    if (!mode || (strcmp(mode, "wrap") != 0 && strcmp(mode, "none") != 0)) {
        const char *quote = mode ? "\"" : "";
        amb_fail(err, "Loop is %s%.40s%s, expected \"wrap\" or \"none\"", quote, mode ? mode : kind_of(loop), quote);
        return NULL;
    }
    if (!json_is_array(frames)) {
        amb_fail(err, "Frames is %s, expected a list of frames", kind_of(frames));
        return NULL;
    }
    const size_t n = json_array_size(frames);
    if (n < 2 || n > AMB_CLIP_MAX_FRAMES) {
        amb_fail(err, "Frames holds %zu frame%s, expected 2 to %d", n, n == 1 ? "" : "s", AMB_CLIP_MAX_FRAMES);
        return NULL;
    }
    double *block = malloc(n * FRAME * sizeof *block); /* times, then poses */
    char *name = name_of(path);
    amb_clip *clip = NULL;
    if (!block || !name) {
        amb_fail(err, "out of memory for %zu frames", n);
        goto out;
    }
    double *time = block, *pose = block + n, values[FRAME], now = 0.0;
    for (size_t f = 0; f < n; f++) {
        if (!read_frame(json_array_get(frames, f), f, f == n - 1, values, err)) {
            goto out;
        }
        time[f] = now;
        now += values[0];
        pose_from_file(pose + f * AMB_POSE, values + 1);
    }
    clip = amb_clip_create((int)n, time, pose, mode[0] == 'w', name, err);
out:
    free(name);
    free(block);
    return clip;
}

/* jansson quotes the text near an error: keep a sentence on one line. */
static void make_printable(char *text)
{
    for (char *c = text; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            *c = ' ';
        }
    }
}

static amb_clip *clip_of_text(const char *text, size_t size, const char *path, amb_error *err)
{
    size_t commas = 0;
    for (size_t i = 0; i < size; i++) {
        commas += text[i] == ',';
    }
    if (commas > max_commas) {
        amb_fail(err, "the file holds more than %zu values, more than %d frames have", max_commas, AMB_CLIP_MAX_FRAMES);
        return NULL;
    }
    json_error_t why;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &why);
    if (!root) {
        make_printable(why.text);
        amb_fail(err, "not JSON at line %d, column %d: %s", why.line, why.column, why.text);
        return NULL;
    }
    amb_clip *clip = clip_of_json(root, path, err);
    json_decref(root);
    return clip;
}

amb_clip *amb_clip_read(const char *path, amb_error *err)
{
    size_t size;
    char *text = (char *)amb_file_read(path, max_file, &size, err);
    if (!text) {
        return NULL;
    }
    amb_clip *clip = clip_of_text(text, size, path, err);
    if (!clip) {
        amb_fail_in(err, "%s", path);
    }
    free(text);
    return clip;
}

/* One frame as a line of JSON; jansson writes a point whatever the locale. */
static bool write_frame(FILE *out, const double values[FRAME])
{
    json_t *list = json_array();
    for (int i = 0; list && i < FRAME; i++) {
        if (json_array_append_new(list, json_real(values[i])) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    char *line = list ? json_dumps(list, JSON_COMPACT | JSON_REAL_PRECISION(WRITTEN_DIGITS)) : NULL;
    if (line) {
        fputs(line, out);
    }
    const bool done = line != NULL;
    free(line);
    json_decref(list);
    return done;
}

bool amb_clip_write(const amb_clip *clip, const char *path, amb_error *err)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) {
        return amb_fail(err, "%s: out of memory for the text of a clip", path);
    }
    const int n = amb_clip_frames(clip);
    const double *time = amb_clip_times(clip), *pose = amb_clip_poses(clip);
    bool done = true;
    fprintf(out, "{\n\"Loop\": \"%s\",\n\"Frames\":\n[\n", amb_clip_loops(clip) ? "wrap" : "none");
    for (int f = 0; f < n && done; f++) {
        double values[FRAME];
        values[0] = f < n - 1 ? time[f + 1] - time[f] : 0.0;
        pose_to_file(values + 1, pose + (size_t)f * AMB_POSE);
        done = write_frame(out, values);
        fputs(f < n - 1 ? ",\n" : "\n", out);
    }
    fputs("]\n}\n", out);
    done &= !ferror(out);
    done &= fclose(out) == 0;
    if (!done) {
        free(text);
        return amb_fail(err, "%s: out of memory for the text of a clip", path);
    }
    done = amb_file_write(path, text, size, err);
    free(text);
    return done;
}

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static int is_clip(const struct dirent *entry)
{
    const size_t length = strlen(entry->d_name);
    return entry->d_name[0] != '.' && length > 4 && strcmp(entry->d_name + length - 4, ".txt") == 0;
}

/* Appends to text[size], as much as fits. */
static void append(char *text, size_t size, const char *before, const char *more)
{
    const size_t used = strlen(text);
    snprintf(text + used, size - used, "%s%s", before, more);
}

/* The names of a folder's clips, sorted, separated by commas; empty where there are none. */
static void list_clips(const char *dir, char *text, size_t size)
{
    struct dirent **entries = NULL;
    const int n = scandir(dir, &entries, is_clip, alphasort);
    text[0] = '\0';
    for (int i = 0; i < n; i++) {
        char *name = i < LISTED ? name_of(entries[i]->d_name) : NULL;
        if (name && strlen(text) + strlen(name) + 8 < size) {
            append(text, size, text[0] ? ", " : "", name);
        } else if (i == LISTED) {
            append(text, size, ", ", "...");
        }
        free(name);
        free(entries[i]);
    }
    free(entries);
}

/* How to get clips, as a sentence's end: the script of an installation, or the one beside the sources. */
static void ways_to_clips(char *text, size_t size)
{
    char script[512];
    bool found = amb_asset_path("get-clips.sh", script, sizeof script, NULL);
#ifdef AMB_SOURCE_DIR
    if (!found) {
        snprintf(script, sizeof script, "%s", AMB_SOURCE_DIR "/scripts/get-clips.sh");
        found = is_file(script);
    }
#endif
    if (found) {
        snprintf(text, size, "%s fetches DeepMimic's", script);
    } else {
        snprintf(text, size, "DeepMimic's are in its repository, in data/motions");
    }
}

bool amb_clip_find(const char *name_or_path, const char *clips_dir, char *path, size_t n, amb_error *err)
{
    if (is_file(name_or_path)) {
        if ((size_t)snprintf(path, n, "%s", name_or_path) >= n) {
            return amb_fail(err, "the path %.80s... is longer than %zu bytes", name_or_path, n - 1);
        }
        return true;
    }
    if (name_or_path[0] == '\0' || strchr(name_or_path, '/')) {
        struct stat st;
        const char *why = stat(name_or_path, &st) != 0 ? strerror(errno) : "not a regular file";
        return amb_fail(err, "the motion \"%.200s\" cannot be read: %s", name_or_path, why);
    }
    const char *dirs[4];
    char shipped[512];
    int count = 0, others;
    if (clips_dir) {
        dirs[count++] = clips_dir;
    } else {
        const char *own = getenv("AMBLE_CLIPS");
        if (own && *own) {
            dirs[count++] = own;
        }
        dirs[count++] = "clips";
#ifdef AMB_SOURCE_DIR
        dirs[count++] = AMB_SOURCE_DIR "/clips";
#endif
    }
    others = count;
    if (!clips_dir && amb_asset_path("motions", shipped, sizeof shipped, NULL)) {
        dirs[count++] = shipped;
    }
    char places[320] = "", there[320] = "", ways[600];
    for (int i = 0; i < count; i++) {
        static const char *const form[2] = {"%s/humanoid3d_%s.txt", "%s/%s.txt"};
        for (int k = 0; k < 2; k++) {
            if ((size_t)snprintf(path, n, form[k], dirs[i], name_or_path) < n && is_file(path)) {
                return true;
            }
        }
        append(places, sizeof places, i == 0 ? "" : i == count - 1 ? " and " : ", ", dirs[i]);
        if (!there[0] && i < others) {
            list_clips(dirs[i], there, sizeof there);
        }
    }
    if (there[0]) {
        return amb_fail(err, "there is no motion \"%.100s\" in %s; there are %s", name_or_path, places, there);
    }
    ways_to_clips(ways, sizeof ways);
    if (count > others) {
        list_clips(shipped, there, sizeof there);
    }
    return amb_fail(err, "there is no motion \"%.100s\" in %s, %s%s; %s", name_or_path, places,
                    there[0] ? "only amble's own " : "nor any other", there, ways);
}
