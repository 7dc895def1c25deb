/* Clips in files: DeepMimic's JSON in and out.
 *
 * Reading believes nothing: the file's size, the number of values in it, every count, type and number are
 * checked, and what is wrong is named by frame and field. It reads one body's layout, 44 numbers a frame, and
 * guesses at no other. */
#include "motion/clip.h"

#include "base/assert.h"
#include "base/file.h"
#include "base/text.h"
#include "motion/bvh.h"
#include "motion/clip_check.h"
#include "motion/fbx.h"
#include "motion/motion_file.h"
#include "motion/glb.h"
#include "motion/npz.h"
#include "motion/rotation.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FRAME = 1 + AMI_POSE, WRITTEN_DIGITS = 12, LOOKED_AT = 1 << 16 };

/* A comma costs a byte in the file but tens in memory; a clip has one per number. */
static const size_t max_commas = (size_t)FRAME * AMI_CLIP_MAX_FRAMES + 100000;
static const char prefix[] = "humanoid3d_";
static const double max_gap = 1; /* s */
static const char heights_remedy[] = "the floor is at 0 and lengths are in metres: multiply root positions "
                                     "by 0.01 if these are centimetres, by "
                                     "0.0254 if inches, by 0.3048 if feet";
static const char speeds_remedy[] = "lengths are in metres, durations in seconds";

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

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
    static const char *const root[8] = {"duration",        "root position x", "root position y",
                                        "root position z", "root rotation w", "root rotation x",
                                        "root rotation y", "root rotation z"};
    if (i < 8) {
        return root[i];
    }
    int j = AMI_CLIP_JOINTS - 1;
    while (j > 0 && (size_t)ami_clip_joints[j].pose + 1 > i) {
        j--;
    }
    return ami_clip_joints[j].name;
}

static bool read_frame(const json_t *frame, size_t number, bool last, double out[FRAME], ami_error *err)
{
    if (!json_is_array(frame)) {
        return ami_fail(err, "frame %zu is %s, expected a list of %d numbers", number, kind_of(frame), FRAME);
    }
    if (json_array_size(frame) != FRAME) {
        return ami_fail(err,
                        "frame %zu holds %zu values, expected the %d of DeepMimic's humanoid3d: duration, "
                        "root position (3) and rotation "
                        "(4), joints (%d)",
                        number, json_array_size(frame), FRAME, AMI_POSE - 7);
    }
    for (size_t i = 0; i < FRAME; i++) {
        const json_t *value = json_array_get(frame, i);
        if (!json_is_number(value)) {
            return ami_fail(err, "frame %zu: value %zu (%s) is %s, expected a number", number, i, field_of(i),
                            kind_of(value));
        }
        out[i] = json_number_value(value);
    }
    if (!last && out[0] > max_gap) {
        return ami_fail(
            err,
            "frame %zu: the duration is %g s, expected at most %g: divide by 1000 if these are milliseconds",
            number, out[0], max_gap);
    }
    if (last ? out[0] < 0.0 : out[0] <= 0.0) {
        return ami_fail(err, "frame %zu: the duration is %g s, expected %s", number, out[0],
                        last ? "0 or more" : "more than 0 (only the last frame may have 0)");
    }
    return true;
}

/* y up, as the file has it, to z up. */
static void pose_from_file(double pose[AMI_POSE], const double *values)
{
    memcpy(pose, values, AMI_POSE * sizeof *pose);
    pose[1] = 0.0 - values[2];
    pose[2] = values[1];
    ami_quat_mul(pose + 3, AMI_QUAT_Y_UP, values + 3);
}

static void pose_to_file(double *values, const double pose[AMI_POSE])
{
    memcpy(values, pose, AMI_POSE * sizeof *pose);
    values[1] = pose[2];
    values[2] = 0.0 - pose[1];
    ami_quat_between(values + 3, AMI_QUAT_Y_UP, pose + 3);
}

/* "humanoid3d_walk.txt" in any folder is the clip "walk". A file's name that is no name (base/text.h) is
 * escaped and cut to be one. */
static const char *name_of(const char *path, char name[AMI_NAME])
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    if (strncmp(base, prefix, sizeof prefix - 1) == 0) {
        base += sizeof prefix - 1;
    }
    base += strspn(base, " ");
    ami_text_escape(base, name, AMI_NAME);
    char *dot = strrchr(name, '.');
    if (dot && dot != name) {
        *dot = 0;
    }
    size_t length = strlen(name);
    while (length > 0 && name[length - 1] == ' ') {
        name[--length] = 0;
    }
    if (length == 0) {
        snprintf(name, AMI_NAME, "clip");
    }
    return name;
}

ami_clip *ami_clip_create_human(int frames, const double *time, const double *pose, bool loop,
                                const char *name, ami_error *err)
{
    if (frames >= 2 && !ami_clip_check_heights(frames, pose, heights_remedy, err)) {
        return NULL;
    }
    ami_clip *clip = ami_clip_create(frames, time, pose, loop, name, err);
    if (clip && !ami_clip_check_speeds(clip, 0, speeds_remedy, err)) {
        ami_clip_destroy(clip);
        return NULL;
    }
    return clip;
}

/* DeepMimic's "wrap" and "none", and what other writers make of them. */
static bool read_loop(const json_t *loop, bool *loops, ami_error *err)
{
    const char *mode = json_string_value(loop);
    const double number = json_is_number(loop) ? json_number_value(loop) : -1;
    *loops = json_is_true(loop) || number == 1 || (mode && strcmp(mode, "wrap") == 0);
    if (*loops || json_is_false(loop) || number == 0 || (mode && strcmp(mode, "none") == 0)) {
        return true;
    }
    const char *quote = mode ? "\"" : "";
    return json_is_number(loop)
               ? ami_fail(err, "Loop is %g, expected \"wrap\" (or true, 1) or \"none\" (or false, 0)", number)
               : ami_fail(err, "Loop is %s%.40s%s, expected \"wrap\" (or true, 1) or \"none\" (or false, 0)",
                          quote, mode ? mode : kind_of(loop), quote);
}

bool ami_clip_name_of_file(const char *path, char *name, size_t n, ami_error *err)
{
    AMI_ASSERT(path && name && n > 0);
    char whole[AMI_NAME];
    return (size_t)snprintf(name, n, "%s", name_of(path, whole)) < n ||
           ami_fail(err, "%.200s: its name is longer than %zu bytes", path, n - 1);
}

static ami_clip *clip_of_json(const json_t *root, const char *path, ami_error *err)
{
    if (!json_is_object(root)) {
        ami_fail(err, "the file holds %s, expected an object with Loop and Frames", kind_of(root));
        return NULL;
    }
    const json_t *loop = json_object_get(root, "Loop"), *frames = json_object_get(root, "Frames");
    if (!loop || !frames) {
        ami_fail(err, "%s is missing", loop ? "Frames" : "Loop");
        return NULL;
    }
    bool loops;
    if (!read_loop(loop, &loops, err)) {
        return NULL;
    }
    if (!json_is_array(frames)) {
        ami_fail(err, "Frames is %s, expected a list of frames", kind_of(frames));
        return NULL;
    }
    const size_t n = json_array_size(frames);
    if (n < 2 || n > AMI_CLIP_MAX_FRAMES) {
        ami_fail(err, "Frames holds %zu frame%s, expected 2 to %d", n, n == 1 ? "" : "s",
                 AMI_CLIP_MAX_FRAMES);
        return NULL;
    }
    double *block = malloc(n * FRAME * sizeof *block); /* times, then poses */
    char name[AMI_NAME];
    ami_clip *clip = NULL;
    if (!block) {
        ami_fail(err, "out of memory for %zu frames", n);
        goto out;
    }
    double *time = block, *pose = block + n, values[FRAME], now = 0.0;
    for (size_t f = 0; f < n; f++) {
        if (!read_frame(json_array_get(frames, f), f, f == n - 1, values, err)) {
            goto out;
        }
        time[f] = now;
        now += values[0];
        pose_from_file(pose + f * AMI_POSE, values + 1);
    }
    clip = ami_clip_create_human((int)n, time, pose, loops, name_of(path, name), err);
out:
    free(block);
    return clip;
}

/* What a file of another format is, by how it begins; NULL for anything else. */
static const char *format_of(const char *text, size_t size)
{
    static const struct {
        const char *begins, *is;
    } formats[] = {
        {"glTF", "a GLB file"},        {":ASF", "an ASF skeleton"},  {":FULLY-SPECIFIED", "an AMC file"},
        {"\x93NUMPY", "a NumPy file"}, {"PK\x03\x04", "a ZIP file"}, {"<", "an XML file"}};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        const size_t length = strlen(formats[i].begins);
        if (size >= length && memcmp(text, formats[i].begins, length) == 0) {
            return formats[i].is;
        }
    }
    return size > 1 && text[1] == 0x50 && (unsigned char)text[0] < 10 ? "a C3D file" : NULL;
}

/* The first character that is no blank, behind `at`. */
static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

ami_clip *ami_clip_decode(const char *text, size_t size, const char *path, ami_error *err)
{
    const char *const format = format_of(text, size);
    if (format) {
        ami_fail(
            err,
            "is %s; amble reads BVH and motions of DeepMimic's humanoid3d: JSON with Loop and Frames of %d "
            "numbers each",
            format, FRAME);
        return NULL;
    }
    size_t commas = 0;
    for (size_t i = 0; i < size; i++) {
        commas += text[i] == ',';
    }
    if (commas > max_commas) {
        ami_fail(err, "the file holds more than %zu values, more than %d frames have", max_commas,
                 AMI_CLIP_MAX_FRAMES);
        return NULL;
    }
    json_error_t why;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &why);
    if (!root) {
        if (why.text[0])
            ami_fail(err, "not JSON at line %d, column %d: %s", why.line, why.column, why.text);
        else
            ami_fail(err, "out of memory");
        return NULL;
    }
    ami_clip *clip = clip_of_json(root, path, err);
    json_decref(root);
    return clip;
}

bool ami_clip_looks_like(const char *path)
{
    AMI_ASSERT(path);
    char *text = is_file(path) ? malloc(LOOKED_AT + 1) : NULL;
    FILE *file = text ? fopen(path, "rb") : NULL;
    const size_t size = file ? fread(text, 1, LOOKED_AT, file) : 0;
    bool found = false;
    if (size > 0) {
        text[size] = 0;
        const size_t mark = strncmp(text, "\xef\xbb\xbf", 3) ? 0 : 3;
        found = ami_bvh_looks_like(text + mark, size - mark) || ami_motion_npz_holds_arrays(text, size) ||
                ami_glb_has_animation(text, size, path) || ami_fbx_looks_like(text, size);
        const char *at = skip_blanks(text + mark);
        const char *frames = *at == '{' ? strstr(at, "\"Frames\"") : NULL;
        static const char *const next[3] = {":", "[", "["};
        at = frames ? frames + strlen("\"Frames\"") : NULL;
        for (int i = 0; at && i < 3; i++) {
            at = skip_blanks(at);
            at = *at == *next[i] ? at + 1 : NULL;
        }
        const char *end = at ? at + strcspn(at, "[]{}\"") : NULL;
        int values = 1;
        for (; at && at < end; at++) {
            values += *at == ',';
        }
        found |= end && *end == ']' && values == FRAME;
    }
    if (file) {
        fclose(file);
    }
    free(text);
    return found;
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

bool ami_clip_check_ending(const char *path, ami_error *err)
{
    AMI_ASSERT(path);
    static const char *const known[] = {".txt", ".json", ".bvh", ".glb", ".npz"};
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path, *dot = strrchr(base, '.');
    for (size_t i = 0; dot && i < sizeof known / sizeof *known; i++) {
        if (ami_text_has_ending(base, known[i])) {
            return true;
        }
    }
    if (!dot) { /* without any it is JSON */
        return true;
    }
    return ami_fail(
        err,
        "%s: a motion is written as DeepMimic's JSON, as BVH, glTF or npz, expected a name that ends in "
        ".txt, .json, .bvh, .glb or .npz and not in %s",
        path, dot);
}

char *ami_clip_encode(const ami_clip *clip, size_t *size, ami_error *err)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    bool done = out != NULL;
    if (out) {
        const int n = ami_clip_frames(clip);
        const double *time = ami_clip_times(clip), *pose = ami_clip_poses(clip);
        fprintf(out, "{\n\"Loop\": \"%s\",\n\"Frames\":\n[\n", ami_clip_loops(clip) ? "wrap" : "none");
        for (int f = 0; f < n && done; f++) {
            double values[FRAME];
            values[0] = f < n - 1 ? time[f + 1] - time[f] : 0.0;
            pose_to_file(values + 1, pose + (size_t)f * AMI_POSE);
            done = write_frame(out, values);
            fputs(f < n - 1 ? ",\n" : "\n", out);
        }
        fputs("]\n}\n", out);
        done &= !ferror(out);
        done &= fclose(out) == 0;
    }
    if (!done) {
        free(text);
        ami_fail(err, "out of memory for the text of a clip");
        return NULL;
    }
    return text;
}

bool ami_clip_write(const ami_clip *clip, const char *path, ami_error *err)
{
    AMI_ASSERT(clip && path);
    if (!ami_clip_check_ending(path, err)) {
        return false;
    }
    if (ami_text_has_ending(path, ".npz")) {
        return ami_motion_npz_write(clip, path, err);
    }
    size_t size;
    if (ami_text_has_ending(path, ".glb")) {
        uint8_t *bytes = ami_glb_encode(clip, &size, err);
        const bool written = bytes ? ami_file_write(path, bytes, size, err) : ami_fail_in(err, "%s", path);
        free(bytes);
        return written;
    }
    char *text = ami_text_has_ending(path, ".bvh") ? ami_bvh_encode(clip, &size, err)
                                                   : ami_clip_encode(clip, &size, err);
    const bool done = text ? ami_file_write(path, text, size, err) : ami_fail_in(err, "%s", path);
    free(text);
    return done;
}
