/* Reading binary glTF. The whole tree of nodes is placed in every frame; what is kept are the joints, with rotations
 * against the rest pose. */
#include "motion/glb.h"

#include "base/assert.h"
#include "base/text.h"
#include "motion/rotation.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double cm = 100;
static const double still =
    1e-3; /* cm: a joint that moves less against its parent has no positions of its own */

enum { BYTE = 5120, UNSIGNED_BYTE, SHORT, UNSIGNED_SHORT, FLOAT = 5126 };
enum { TRANSLATION, ROTATION, SCALE, PATHS };

static const char *const path_name[PATHS] = {"translation", "rotation", "scale"};

enum { LINEAR, STEP, CUBIC };

/* One channel of the animation: keys, in the file's memory. */
typedef struct track {
    int node, path;
    int how; /* LINEAR, STEP, CUBIC */
    int keys;
    double *time, *value; /* (keys), (keys × 3 if cubic, width) */
} track;

typedef struct node {
    int parent;
    double at[3], turn[4], scale[3]; /* at rest */
    const char *name;
    bool animated, joint;
} node;

typedef struct reader {
    json_t *json;
    const uint8_t *numbers; /* the binary part */
    size_t size;
    node *nodes;
    int *order; /* (count) parents first */
    int count;
    track *tracks;
    int track_count;
    double begin, end, step; /* s */
    int loop;                /* AMI_MOCAP_LOOP_... */
    ami_error *err;
} reader;

bool ami_glb_looks_like(const void *bytes, size_t size)
{
    const char *text = bytes;
    if (size >= 12 && !memcmp(text, "glTF", 4))
        return true;
    /* A text file: JSON with an "asset" among its first keys, which no clip has. */
    size_t i = 0;
    while (i < size && (text[i] == ' ' || text[i] == '\n' || text[i] == '\r' || text[i] == '\t'))
        i++;
    if (i == size || text[i] != '{')
        return false;
    static const char key[] = "\"asset\"";
    const size_t length = sizeof key - 1, until = size < 4096 ? size : 4096;
    while (i + length <= until && memcmp(text + i, key, length) != 0)
        i++;
    return i + length <= until;
}

static uint32_t word(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

bool ami_glb_has_animation(const void *bytes, size_t size, const char *path)
{
    static const char key[] = "\"animations\"";
    const size_t most = 64 << 20;
    if (size < 20 || memcmp(bytes, "glTF", 4) != 0)
        return false;
    const size_t length = word((const uint8_t *)bytes + 12);
    char *text = length <= most ? malloc(length + 1) : NULL;
    FILE *file = text ? fopen(path, "rb") : NULL;
    const size_t read = file && fseek(file, 20, SEEK_SET) == 0 ? fread(text, 1, length, file) : 0;
    bool found = false;
    for (size_t i = 0; i + sizeof key - 1 <= read && !found; i++)
        found = memcmp(text + i, key, sizeof key - 1) == 0;
    if (file)
        fclose(file);
    free(text);
    return found;
}

/* Finds the JSON and the numbers. */
static bool open_file(reader *r, const uint8_t *bytes, size_t size)
{
    if (size >= 4 && size < 20 && !memcmp(bytes, "glTF", 4))
        return ami_fail(r->err, "is cut off: %zu bytes found", size);
    if (size < 20 || memcmp(bytes, "glTF", 4) != 0)
        return ami_fail(r->err, "is glTF as text, expected the binary form: export it as .glb");
    if (word(bytes + 4) != 2)
        return ami_fail(r->err, "glTF version %u found, expected 2", (unsigned)word(bytes + 4));
    const size_t length = word(bytes + 12);
    if (word(bytes + 16) != 0x4e4f534a || length > size - 20)
        return ami_fail(r->err,
                        "the JSON part of %zu bytes is not there or not whole: the file has %zu bytes",
                        length, size);
    json_error_t why;
    r->json = json_loadb((const char *)bytes + 20, length, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(r->json))
        return ami_fail(r->err, "its JSON is none: %s", r->json ? "no object" : why.text);
    const size_t next = 20 + length;
    if (size >= next + 8 && word(bytes + next + 4) == 0x004e4942) {
        r->numbers = bytes + next + 8;
        r->size = word(bytes + next);
        if (r->size > size - next - 8)
            return ami_fail(r->err, "the binary part of %zu bytes is not whole: %zu bytes found", r->size,
                            size - next - 8);
    }
    return true;
}

/* A whole number of an object: `otherwise` where it is not there, -1 where it is no number in [0, 2^31). */
static int64_t whole(const json_t *object, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(object, key);
    if (!value)
        return otherwise;
    const json_int_t n = json_integer_value(value);
    return json_is_integer(value) && n >= 0 && n < INT32_MAX ? n : -1;
}

/* The same as the file has it, for sentences; -1 where it is no number. */
static long long found_whole(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? (long long)json_integer_value(value) : -1;
}

static double number_at(const uint8_t *at, int component, bool normalized)
{
    switch (component) {
    case BYTE: {
        const double v = *(const int8_t *)at;
        return normalized ? fmax(v / 127, -1) : v;
    }
    case UNSIGNED_BYTE:
        return normalized ? at[0] / 255. : at[0];
    case SHORT: {
        const double v = (int16_t)((unsigned)at[0] | (unsigned)at[1] << 8);
        return normalized ? fmax(v / 32767, -1) : v;
    }
    case UNSIGNED_SHORT: {
        const double v = (unsigned)at[0] | (unsigned)at[1] << 8;
        return normalized ? v / 65535 : v;
    }
    default: {
        const uint32_t bits = word(at);
        float v;
        memcpy(&v, &bits, sizeof v);
        return (double)v;
    }
    }
}

/* An accessor's numbers, malloc'd; *rows × width. NULL and a sentence if it is not whole and finite. */
static double *read_numbers(reader *r, int64_t accessor, const char *type, int width, int *rows)
{
    const json_t *a = json_array_get(json_object_get(r->json, "accessors"), (size_t)accessor);
    const char *found = json_string_value(json_object_get(a, "type"));
    const json_t *view =
        json_array_get(json_object_get(r->json, "bufferViews"), (size_t)whole(a, "bufferView", -1));
    const int64_t component = whole(a, "componentType", -1), count = whole(a, "count", -1),
                  offset = whole(a, "byteOffset", 0), start = whole(view, "byteOffset", 0),
                  length = whole(view, "byteLength", -1), stride = whole(view, "byteStride", 0);
    const int bytes = component == FLOAT ? 4 : component == SHORT || component == UNSIGNED_SHORT ? 2 : 1;
    if (accessor < 0 || !found || strcmp(found, type) != 0 || component < BYTE ||
        (component > UNSIGNED_SHORT && component != FLOAT)) {
        ami_fail(r->err,
                 "accessor %lld is %.20s of component type %lld, expected %s of floats or of integers of 8 "
                 "or 16 bits",
                 (long long)accessor, found ? found : "nothing", found_whole(a, "componentType"), type);
        return NULL;
    }
    if (json_object_get(a, "sparse") || !view || json_object_get(view, "extensions")) {
        ami_fail(r->err,
                 "accessor %lld is sparse or compressed, expected plain numbers: export without compression",
                 (long long)accessor);
        return NULL;
    }
    const int64_t row = stride > 0 ? stride : (int64_t)width * bytes;
    if (whole(view, "buffer", -1) != 0 || count < 1 || offset < 0 || start < 0 || length < 0 || stride < 0 ||
        count > AMI_GLB_VALUES / width || offset + (count - 1) * row + (int64_t)width * bytes > length ||
        start + length > (int64_t)r->size) {
        ami_fail(r->err, "accessor %lld of %lld rows does not lie in the file's %zu bytes of numbers",
                 (long long)accessor, found_whole(a, "count"), r->size);
        return NULL;
    }
    double *out = malloc((size_t)count * (size_t)width * sizeof *out);
    if (!out) {
        ami_fail(r->err, "out of memory for %lld rows", (long long)count);
        return NULL;
    }
    const bool normalized = json_is_true(json_object_get(a, "normalized"));
    for (int64_t i = 0; i < count; i++)
        for (int k = 0; k < width; k++) {
            const double v = number_at(r->numbers + start + offset + i * row + (int64_t)k * bytes,
                                       (int)component, normalized);
            if (!(fabs(v) <= 1e9)) {
                ami_fail(r->err, "accessor %lld: number %d of row %lld is %g, expected a finite one",
                         (long long)accessor, k, (long long)i, v);
                free(out);
                return NULL;
            }
            out[i * width + k] = v;
        }
    *rows = (int)count;
    return out;
}

/* Extensions that a file requires change what it means, but for those of its meshes and materials. */
static bool check_extensions(reader *r)
{
    static const char *const harmless[] = {
        "KHR_materials_",  "KHR_texture_",         "EXT_texture_",
        "KHR_lights_",     "KHR_draco_mesh_",      "KHR_mesh_quantization",
        "KHR_xmp_json_ld", "VRMC_materials_mtoon", "EXT_mesh_gpu_instancing"};
    size_t i;
    json_t *extension;
    json_array_foreach(json_object_get(r->json, "extensionsRequired"), i, extension)
    {
        const char *name = json_string_value(extension);
        bool known = false;
        for (size_t k = 0; name && k < sizeof harmless / sizeof *harmless; k++)
            known |= !strncmp(name, harmless[k], strlen(harmless[k]));
        if (!known)
            return ami_fail(r->err, "requires the glTF extension %.60s, which is not read: export without it",
                            name ? name : "that is no text");
    }
    return true;
}

/* ---- Nodes ---- */

/* Numbers of an array; false where there are others than n finite ones. Not there: *v as it is. */
static bool numbers_of(const json_t *object, const char *key, int n, double *v)
{
    const json_t *array = json_object_get(object, key);
    if (!array)
        return true;
    if (json_array_size(array) != (size_t)n)
        return false;
    for (int k = 0; k < n; k++) {
        const json_t *x = json_array_get(array, (size_t)k);
        v[k] = json_number_value(x);
        if (!json_is_number(x) || !(fabs(v[k]) <= 1e9))
            return false;
    }
    return true;
}

/* Shepperd 1978: by the largest of the four numbers. */
static void quat_of_matrix(double q[4], const double m[3][3])
{
    const double square[4] = {1 + m[0][0] + m[1][1] + m[2][2], 1 + m[0][0] - m[1][1] - m[2][2],
                              1 - m[0][0] + m[1][1] - m[2][2], 1 - m[0][0] - m[1][1] + m[2][2]};
    int most = 0;
    for (int k = 1; k < 4; k++)
        if (square[k] > square[most])
            most = k;
    const double off[4][4] = {{square[0], m[2][1] - m[1][2], m[0][2] - m[2][0], m[1][0] - m[0][1]},
                              {m[2][1] - m[1][2], square[1], m[0][1] + m[1][0], m[0][2] + m[2][0]},
                              {m[0][2] - m[2][0], m[0][1] + m[1][0], square[2], m[1][2] + m[2][1]},
                              {m[1][0] - m[0][1], m[0][2] + m[2][0], m[1][2] + m[2][1], square[3]}};
    memcpy(q, off[most], 4 * sizeof *q);
    ami_quat_normalize(q);
}

/* Translation, rotation and scale of a matrix, column by column. */
static bool take_apart(const double m[16], node *n)
{
    double rows[3][3];
    for (int c = 0; c < 3; c++) {
        n->scale[c] = sqrt(m[4 * c] * m[4 * c] + m[4 * c + 1] * m[4 * c + 1] + m[4 * c + 2] * m[4 * c + 2]);
        if (!(n->scale[c] > 1e-9))
            return false;
        for (int k = 0; k < 3; k++)
            rows[k][c] = m[4 * c + k] / n->scale[c];
        n->at[c] = m[12 + c];
    }
    const double det = rows[0][0] * (rows[1][1] * rows[2][2] - rows[1][2] * rows[2][1]) -
                       rows[0][1] * (rows[1][0] * rows[2][2] - rows[1][2] * rows[2][0]) +
                       rows[0][2] * (rows[1][0] * rows[2][1] - rows[1][1] * rows[2][0]);
    if (fabs(det - 1) > 1e-3)
        return false; /* sheared or mirrored */
    quat_of_matrix(n->turn, (const double(*)[3])rows);
    return true;
}

static bool read_node(reader *r, int i)
{
    const json_t *o = json_array_get(json_object_get(r->json, "nodes"), (size_t)i);
    node *n = &r->nodes[i];
    n->parent = -1;
    n->name = json_string_value(json_object_get(o, "name"));
    double matrix[16], turn[4] = {0, 0, 0, 1};
    memcpy(n->scale, (const double[3]){1, 1, 1}, sizeof n->scale);
    ami_quat_identity(n->turn);
    const bool has_matrix = json_object_get(o, "matrix") != NULL;
    bool ok = json_is_object(o) && numbers_of(o, "matrix", 16, matrix) &&
              numbers_of(o, "translation", 3, n->at) && numbers_of(o, "rotation", 4, turn) &&
              numbers_of(o, "scale", 3, n->scale);
    if (ok && has_matrix) {
        ok = take_apart(matrix, n);
    } else if (ok) {
        const double q[4] = {turn[3], turn[0], turn[1], turn[2]}, length = sqrt(ami_quat_dot(q, q));
        ok = length > .5 && length < 2;
        memcpy(n->turn, q, sizeof q);
        if (ok)
            ami_quat_normalize(n->turn);
    }
    return ok || ami_fail(r->err, "node %d: its matrix, translation, rotation or scale is none", i);
}

/* Of the joints and what they hang on: other nodes, meshes and props, may be scaled as they like. */
static bool check_scales(const reader *r)
{
    for (int j = 0; j < r->count; j++)
        for (int i = r->nodes[j].joint ? j : -1; i >= 0; i = r->nodes[i].parent) {
            const node *n = &r->nodes[i];
            const double mean = (n->scale[0] + n->scale[1] + n->scale[2]) / 3;
            for (int k = 0; k < 3; k++)
                if (!(n->scale[k] > 1e-9) || fabs(n->scale[k] - mean) > .01 * mean)
                    return ami_fail(r->err,
                                    "node %d is scaled by %g, %g and %g, expected the same along all axes", i,
                                    n->scale[0], n->scale[1], n->scale[2]);
        }
    return true;
}

/* Parents, and an order in which they come first. A node that is its own ancestor is refused. */
static bool order_nodes(reader *r)
{
    for (int i = 0; i < r->count; i++) {
        const json_t *children =
            json_object_get(json_array_get(json_object_get(r->json, "nodes"), (size_t)i), "children");
        size_t k;
        json_t *child;
        json_array_foreach(children, k, child)
        {
            const json_int_t c = json_is_integer(child) ? json_integer_value(child) : -1;
            if (c < 0 || c >= r->count || c == i || r->nodes[c].parent >= 0)
                return ami_fail(r->err,
                                "node %d: child %lld is none of the %d nodes, or another node's child", i,
                                (long long)c, r->count);
            r->nodes[c].parent = i;
        }
    }
    int n = 0;
    for (int i = 0; i < r->count; i++)
        if (r->nodes[i].parent < 0)
            r->order[n++] = i;
    for (int done = 0; done < n; done++)
        for (int i = 0; i < r->count; i++)
            if (r->nodes[i].parent == r->order[done])
                r->order[n++] = i;
    return n == r->count || ami_fail(r->err, "its nodes are no tree: some are their own ancestors");
}

static bool read_nodes(reader *r)
{
    const size_t count = json_array_size(json_object_get(r->json, "nodes"));
    if (count < 1 || count > AMI_MOCAP_JOINTS)
        return ami_fail(r->err, "%zu nodes found, expected 1 to %d", count, AMI_MOCAP_JOINTS);
    r->count = (int)count;
    r->nodes = calloc(count, sizeof *r->nodes);
    r->order = calloc(count, sizeof *r->order);
    if (!r->nodes || !r->order)
        return ami_fail(r->err, "out of memory for %zu nodes", count);
    for (int i = 0; i < r->count; i++)
        if (!read_node(r, i))
            return false;
    return order_nodes(r);
}

/* ---- The animation ---- */

static bool read_track(reader *r, const json_t *animation, size_t number)
{
    const json_t *channel = json_array_get(json_object_get(animation, "channels"), number);
    const json_t *target = json_object_get(channel, "target");
    const char *path = json_string_value(json_object_get(target, "path"));
    const int64_t on = whole(target, "node", -1), which = whole(channel, "sampler", -1);
    int kind = 0;
    while (path && kind < PATHS && strcmp(path, path_name[kind]) != 0)
        kind++;
    if (!path || kind == PATHS || on < 0) /* weights of shapes, or of no node */
        return true;
    const json_t *sampler = json_array_get(json_object_get(animation, "samplers"), (size_t)which);
    if (on >= r->count || which < 0 || !sampler)
        return ami_fail(r->err,
                        "channel %zu of the animation names node %lld and sampler %lld, which do not exist",
                        number, found_whole(target, "node"), found_whole(channel, "sampler"));
    track *t = &r->tracks[r->track_count++];
    t->node = (int)on;
    t->path = kind;
    static const char *const hows[] = {[LINEAR] = "LINEAR", [STEP] = "STEP", [CUBIC] = "CUBICSPLINE"};
    const json_t *interpolation = json_object_get(sampler, "interpolation");
    const char *how = interpolation ? json_string_value(interpolation) : hows[LINEAR];
    int h = LINEAR;
    while (how && h <= CUBIC && strcmp(how, hows[h]) != 0)
        h++;
    if (!how || h > CUBIC)
        return ami_fail(
            r->err,
            "channel %zu of the animation: the interpolation is %s%.40s%s, expected LINEAR, STEP or "
            "CUBICSPLINE",
            number, how ? "\"" : "", how ? how : "no text", how ? "\"" : "");
    t->how = h;
    int rows = 0;
    const bool turns = kind == ROTATION;
    t->time = read_numbers(r, whole(sampler, "input", -1), "SCALAR", 1, &t->keys);
    t->value =
        t->time ? read_numbers(r, whole(sampler, "output", -1), turns ? "VEC4" : "VEC3", turns ? 4 : 3, &rows)
                : NULL;
    if (!t->value)
        return false;
    if (rows != t->keys * (t->how == CUBIC ? 3 : 1))
        return ami_fail(r->err, "channel %zu of the animation has %d times and %d values", number, t->keys,
                        rows);
    for (int i = 1; i < t->keys; i++)
        if (!(t->time[i] > t->time[i - 1]))
            return ami_fail(r->err, "channel %zu of the animation: time %d is %g s, after %g s", number, i,
                            t->time[i], t->time[i - 1]);
    r->nodes[on].animated |= kind != SCALE;
    r->begin = fmin(r->begin, t->time[0]);
    r->end = fmax(r->end, t->time[t->keys - 1]);
    for (int i = 1; i < t->keys; i++)
        r->step = fmin(r->step, t->time[i] - t->time[i - 1]);
    return true;
}

/* By the times in the file's own summary, which are checked when they are read. */
static double length_of(const reader *r, const json_t *animation)
{
    const json_t *samplers = json_object_get(animation, "samplers"),
                 *accessors = json_object_get(r->json, "accessors");
    size_t i;
    json_t *sampler;
    double end = 0;
    json_array_foreach(samplers, i, sampler)
    {
        const json_t *input = json_array_get(accessors, (size_t)whole(sampler, "input", -1));
        end = fmax(end, json_number_value(json_array_get(json_object_get(input, "max"), 0)));
    }
    return end;
}

static bool read_animation(reader *r)
{
    const json_t *animations = json_object_get(r->json, "animations"), *longest = NULL;
    size_t i;
    json_t *animation;
    json_array_foreach(animations, i,
                       animation) if (!longest || length_of(r, animation) > length_of(r, longest)) longest =
        animation;
    const size_t channels = json_array_size(json_object_get(longest, "channels"));
    if (channels == 0)
        return ami_fail(r->err, "has no animation");
    if (channels > 3 * AMI_MOCAP_JOINTS)
        return ami_fail(r->err, "%zu channels in the animation, expected at most %d", channels,
                        3 * AMI_MOCAP_JOINTS);
    r->tracks = calloc(channels, sizeof *r->tracks);
    if (!r->tracks)
        return ami_fail(r->err, "out of memory for %zu channels", channels);
    const json_t *loop = json_object_get(json_object_get(longest, "extras"), "loop");
    r->loop = json_is_true(loop)    ? AMI_MOCAP_LOOP_WRAP
              : json_is_false(loop) ? AMI_MOCAP_LOOP_NONE
                                    : AMI_MOCAP_LOOP_UNKNOWN;
    r->begin = INFINITY;
    r->end = -INFINITY;
    r->step = INFINITY;
    for (size_t c = 0; c < channels; c++)
        if (!read_track(r, longest, c))
            return false;
    if (!(r->end > r->begin))
        return ami_fail(r->err, "nothing moves in its animation");
    r->step = fmin(fmax(r->step, 1 / 240.), r->end - r->begin);
    return true;
}

/* Of several trees of joints (props, a second character) the one with the most joints is the body. */
static bool keep_largest_tree(reader *r)
{
    int *top = malloc((size_t)r->count * 2 * sizeof *top), *size = top + r->count, best = -1;
    if (!top)
        return ami_fail(r->err, "out of memory for %d nodes", r->count);
    for (int k = 0; k < r->count; k++) {
        const int i = r->order[k], p = r->nodes[i].parent;
        top[i] = p >= 0 && top[p] >= 0 ? top[p] : r->nodes[i].joint ? i : -1;
        size[i] = 0;
        if (top[i] >= 0 && r->nodes[i].joint && (++size[top[i]] > (best < 0 ? 0 : size[best])))
            best = top[i];
    }
    for (int i = 0; i < r->count; i++)
        r->nodes[i].joint &= top[i] == best;
    free(top);
    return best >= 0 || ami_fail(r->err, "none of its %d nodes is a joint", r->count);
}

/* The joints: of the first skin, else what is animated. */
static bool choose_joints(reader *r)
{
    const json_t *joints = json_object_get(json_array_get(json_object_get(r->json, "skins"), 0), "joints");
    size_t i;
    json_t *joint;
    json_array_foreach(joints, i, joint)
    {
        const json_int_t n = json_is_integer(joint) ? json_integer_value(joint) : -1;
        if (n < 0 || n >= r->count)
            return ami_fail(r->err, "joint %zu of the skin is node %lld, expected one of %d", i, (long long)n,
                            r->count);
        r->nodes[n].joint = true;
    }
    for (int n = 0; n < r->count && json_array_size(joints) == 0; n++)
        r->nodes[n].joint = r->nodes[n].animated;
    return keep_largest_tree(r);
}

/* A track's value at a time (glTF 2.0, appendix C). */
static void sample(const track *t, double time, double *out)
{
    const int width = t->path == ROTATION ? 4 : 3, last = t->keys - 1;
    int lo = 0, hi = last;
    while (hi - lo > 1) {
        const int middle = (lo + hi) / 2;
        *(t->time[middle] <= time ? &lo : &hi) = middle;
    }
    if (time >= t->time[last])
        lo = hi = last;
    const size_t w = (size_t)width, stride = t->how == CUBIC ? 3 * w : w, middle = t->how == CUBIC ? w : 0;
    const double *a = t->value + (size_t)lo * stride + middle, *b = t->value + (size_t)hi * stride + middle;
    const double span = t->time[hi] - t->time[lo],
                 u = span > 0 ? fmin(fmax((time - t->time[lo]) / span, 0), 1) : 0;
    if (t->how == STEP || lo == hi) {
        memcpy(out, a, w * sizeof *out);
    } else if (t->how == CUBIC) {
        const double u2 = u * u, u3 = u2 * u;
        for (size_t k = 0; k < w; k++)
            out[k] = (2 * u3 - 3 * u2 + 1) * a[k] + span * (u3 - 2 * u2 + u) * a[w + k] +
                     (3 * u2 - 2 * u3) * b[k] + span * (u3 - u2) * (b - w)[k];
    } else if (t->path == ROTATION) {
        double from[4] = {a[3], a[0], a[1], a[2]}, to[4] = {b[3], b[0], b[1], b[2]}, q[4];
        ami_quat_normalize(from);
        ami_quat_normalize(to);
        ami_quat_same_side(to, from);
        ami_quat_slerp(q, from, to, u);
        out[0] = q[1], out[1] = q[2], out[2] = q[3], out[3] = q[0];
    } else {
        for (size_t k = 0; k < w; k++)
            out[k] = a[k] + u * (b[k] - a[k]);
    }
}

/* World places (cm) and rotations of all nodes; NAN: at rest. */
static void place(const reader *r, double time, double (*pos)[3], double (*rot)[4], double *scale, node *now)
{
    memcpy(now, r->nodes, (size_t)r->count * sizeof *now);
    for (int i = 0; i < r->track_count && !isnan(time); i++) {
        const track *t = &r->tracks[i];
        double v[4];
        sample(t, time, v);
        if (t->path == TRANSLATION)
            memcpy(now[t->node].at, v, sizeof now->at);
        else if (t->path == ROTATION) {
            memcpy(now[t->node].turn, (const double[4]){v[3], v[0], v[1], v[2]}, sizeof now->turn);
            ami_quat_normalize(now[t->node].turn);
        }
    }
    for (int k = 0; k < r->count; k++) {
        const int i = r->order[k], p = now[i].parent;
        for (int c = 0; c < 3; c++)
            pos[i][c] = now[i].at[c] * (p < 0 ? cm : scale[p]);
        memcpy(rot[i], now[i].turn, sizeof rot[i]);
        scale[i] = now[i].scale[0] * (p < 0 ? cm : scale[p]);
        if (p >= 0) {
            double at[3];
            memcpy(at, pos[i], sizeof at);
            ami_quat_rotate(pos[i], rot[p], at);
            for (int c = 0; c < 3; c++)
                pos[i][c] += pos[p][c];
            ami_quat_mul(rot[i], rot[p], now[i].turn);
        }
    }
}

/* A frame's scratch: of all nodes, and of the joints against their parents. */
typedef struct frame {
    double (*pos)[3], (*rot)[4], *scale, (*rest)[4];
    node *now;
} frame;

/* Joint j's place against its parent joint and its rotation, from the nodes' places. */
static void against_parent(const frame *s, const int *on, const ami_mocap *m, int j, double at[3],
                           double turn[4])
{
    const int i = on[j], p = m->joint[j].parent;
    double back[4], world[4], up[4];
    ami_quat_conj(back, s->rest[i]);
    ami_quat_mul(world, s->rot[i], back);
    memcpy(at, s->pos[i], 3 * sizeof *at);
    memcpy(turn, world, sizeof world);
    if (p < 0)
        return;
    double parent[4], d[3];
    ami_quat_conj(back, s->rest[on[p]]);
    ami_quat_mul(parent, s->rot[on[p]], back);
    ami_quat_conj(up, parent);
    for (int k = 0; k < 3; k++)
        d[k] = s->pos[i][k] - s->pos[on[p]][k];
    ami_quat_rotate(at, up, d);
    ami_quat_mul(turn, up, world);
}

/* Fills places and rotation vectors of all joints, then drops the places of those that keep their distance. */
static void fill(const reader *r, ami_mocap *m, const int *on, const frame *s)
{
    for (int f = 0; f < m->frames; f++) {
        place(r, fmin(r->begin + f * m->frame_time, r->end), s->pos, s->rot, s->scale, s->now);
        for (int j = 0; j < m->joints; j++) {
            double *value = m->value + (size_t)f * (size_t)m->channels + m->joint[j].first, turn[4];
            against_parent(s, on, m, j, value, turn);
            ami_quat_log(value + 3, turn);
        }
    }
    for (int j = 0; j < m->joints; j++) {
        ami_mocap_joint *joint = &m->joint[j];
        double most = 0;
        for (int f = 0; f < m->frames; f++)
            for (int k = 0; k < 3; k++)
                most =
                    fmax(most, fabs(m->value[(size_t)f * (size_t)m->channels + (size_t)(joint->first + k)] -
                                    joint->offset[k]));
        if (joint->parent >= 0 && most < still) {
            joint->channels = 3;
            joint->channel[0] = AMI_CHANNEL_VECTOR;
            joint->first += 3;
        }
    }
}

static ami_mocap *collect(const reader *r, frame *s, int *on, int *joint_of)
{
    ami_mocap *m = calloc(1, sizeof *m);
    int count = 0;
    for (int k = 0; k < r->count; k++)
        count += r->nodes[k].joint;
    const double frames = floor((r->end - r->begin) / r->step + .5) + 1;
    if (m && frames * 6 * count > AMI_GLB_VALUES) {
        free(m);
        ami_fail(r->err, "%.0f frames of %d joints are more than %d numbers", frames, count, AMI_GLB_VALUES);
        return NULL;
    }
    if (m) {
        m->loop = r->loop;
        m->joints = count;
        m->frames = (int)frames;
        m->channels = 6 * count;
        m->frame_time = (r->end - r->begin) / (frames - 1);
        m->joint = calloc((size_t)count, sizeof *m->joint);
        m->value = calloc((size_t)m->frames * (size_t)m->channels, sizeof *m->value);
    }
    if (!m || !m->joint || !m->value) {
        ami_mocap_destroy(m);
        ami_fail(r->err, "out of memory for %.0f frames of %d joints", frames, count);
        return NULL;
    }
    place(r, NAN, s->pos, s->rot, s->scale, s->now);
    memcpy(s->rest, s->rot, (size_t)r->count * sizeof *s->rest);
    int j = 0;
    for (int k = 0; k < r->count; k++) {
        const int i = r->order[k];
        int p = r->nodes[i].parent;
        joint_of[i] = -1;
        if (!r->nodes[i].joint)
            continue;
        while (p >= 0 && !r->nodes[p].joint)
            p = r->nodes[p].parent;
        ami_mocap_joint *joint = &m->joint[j];
        on[j] = i;
        joint_of[i] = j;
        joint->parent = p < 0 ? -1 : joint_of[p];
        joint->first = 6 * j;
        joint->channels = 6;
        memcpy(joint->channel, (const unsigned char[6]){0, 1, 2, AMI_CHANNEL_VECTOR}, 6);
        ami_text_escape(r->nodes[i].name ? r->nodes[i].name : "", joint->name, sizeof joint->name);
        double turn[4];
        against_parent(s, on, m, j++, joint->offset, turn);
    }
    fill(r, m, on, s);
    return m;
}

static ami_mocap *sample_all(const reader *r)
{
    const size_t n = (size_t)r->count;
    frame s = {malloc(n * sizeof *s.pos), malloc(n * sizeof *s.rot), malloc(n * sizeof *s.scale),
               malloc(n * sizeof *s.rest), malloc(n * sizeof *s.now)};
    int *on = malloc(n * sizeof *on), *joint_of = malloc(n * sizeof *joint_of);
    ami_mocap *m = NULL;
    if (s.pos && s.rot && s.scale && s.rest && s.now && on && joint_of)
        m = collect(r, &s, on, joint_of);
    else
        ami_fail(r->err, "out of memory for %d nodes", r->count);
    free(s.pos);
    free(s.rot);
    free(s.scale);
    free(s.rest);
    free(s.now);
    free(on);
    free(joint_of);
    return m;
}

ami_mocap *ami_glb_decode(const void *bytes, size_t size, ami_error *err)
{
    AMI_ASSERT(bytes || size == 0);
    reader r = {.err = err};
    ami_mocap *m = NULL;
    if (open_file(&r, bytes, size) && check_extensions(&r) && read_nodes(&r) && read_animation(&r) &&
        choose_joints(&r) && check_scales(&r))
        m = sample_all(&r);
    for (int i = 0; i < r.track_count; i++) {
        free(r.tracks[i].time);
        free(r.tracks[i].value);
    }
    free(r.tracks);
    free(r.nodes);
    free(r.order);
    json_decref(r.json);
    return m;
}
