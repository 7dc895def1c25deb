/* Writing clips as binary glTF. */
#include "motion/glb.h"

#include "base/assert.h"
#include "motion/export.h"
#include "motion/rotation.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { AROUND = 16, ALONG = 4 }; /* of a ball: corners of its equator, rings between equator and pole */
enum { FLOAT = 5126, UNSIGNED_SHORT = 5123, UNSIGNED_BYTE = 5121, VERTICES = 34962, INDICES = 34963 };

/* The file as it grows: its numbers, and what the JSON says of them. */
typedef struct writer {
    uint8_t *bytes;
    size_t size, capacity;
    bool failed; /* out of memory */
    json_t *views, *accessors;
} writer;

static void put(writer *w, const void *data, size_t size)
{
    if (w->failed || size == 0)
        return;
    if (w->size + size > w->capacity) {
        const size_t capacity = 2 * (w->size + size);
        uint8_t *bytes = realloc(w->bytes, capacity);
        if (!bytes) {
            w->failed = true;
            return;
        }
        w->bytes = bytes;
        w->capacity = capacity;
    }
    memcpy(w->bytes + w->size, data, size);
    w->size += size;
}

static void put_float(writer *w, double value)
{
    const float f = (float)value;
    put(w, &f, sizeof f);
}

/* Ends the array that began at `from` and returns the number of its accessor. target 0: no vertices. */
static int end_array(writer *w, size_t from, int component, const char *type, int count, int target)
{
    json_t *view = json_pack("{s:i, s:I, s:I}", "buffer", 0, "byteOffset", (json_int_t)from, "byteLength",
                             (json_int_t)(w->size - from));
    if (target)
        json_object_set_new(view, "target", json_integer(target));
    json_array_append_new(w->views, view);
    json_array_append_new(w->accessors,
                          json_pack("{s:i, s:i, s:i, s:s}", "bufferView", (int)json_array_size(w->views) - 1,
                                    "componentType", component, "count", count, "type", type));
    while (w->size % 4 != 0 && !w->failed)
        put(w, "", 1);
    return (int)json_array_size(w->accessors) - 1;
}

static void set_range(writer *w, int accessor, int n, const double *lo, const double *hi)
{
    json_t *min = json_array(), *max = json_array(), *a = json_array_get(w->accessors, (size_t)accessor);
    for (int k = 0; k < n; k++) { /* as they are in the file: rounded to float */
        json_array_append_new(min, json_real((double)(float)lo[k]));
        json_array_append_new(max, json_real((double)(float)hi[k]));
    }
    json_object_set_new(a, "min", min);
    json_object_set_new(a, "max", max);
}

/* ---- The body ---- */

typedef struct vertex {
    float at[3], normal[3];
    uint8_t joint;
} vertex;

typedef struct mesh {
    vertex *vertex;
    uint16_t *index;
    int vertices, indices;
} mesh;

enum { MOST_VERTICES = 4096, MOST_INDICES = 20000 };

static int add_vertex(mesh *m, int joint, const double at[3], const double normal[3])
{
    AMI_ASSERT(m->vertices < MOST_VERTICES);
    vertex *v = &m->vertex[m->vertices];
    double a[3], n[3];
    ami_export_vector(at, a);
    ami_export_vector(normal, n);
    for (int k = 0; k < 3; k++) {
        v->at[k] = (float)a[k];
        v->normal[k] = (float)n[k];
    }
    v->joint = (uint8_t)joint;
    return m->vertices++;
}

static void add_triangle(mesh *m, int a, int b, int c)
{
    AMI_ASSERT(m->indices + 3 <= MOST_INDICES);
    m->index[m->indices++] = (uint16_t)a;
    m->index[m->indices++] = (uint16_t)b;
    m->index[m->indices++] = (uint16_t)c;
}

/* Rings from the lower pole to the upper one; a capsule's equator is two rings. Counter-clockwise from outside. */
static void add_ball(mesh *m, int joint, const ami_shape *shape)
{
    const double radius = shape->size[0], half = shape->kind == AMI_SHAPE_CAPSULE ? shape->size[1] : 0;
    const int first = m->vertices, rings = 2 * (ALONG + 1) + 1;
    for (int r = 0; r <= rings; r++) {
        const bool upper = r > ALONG + 1;
        const double angle = M_PI / 2 * (upper ? r - ALONG - 2 : r - ALONG - 1) / (ALONG + 1);
        for (int k = 0; k <= AROUND; k++) {
            const double turn = 2 * M_PI * k / AROUND;
            const double n[3] = {cos(angle) * cos(turn), sin(angle), cos(angle) * sin(turn)};
            const double at[3] = {shape->at[0] + radius * n[0],
                                  shape->at[1] + radius * n[1] + (upper ? half : -half),
                                  shape->at[2] + radius * n[2]};
            add_vertex(m, joint, at, n);
        }
    }
    for (int r = 0; r < rings; r++)
        for (int k = 0; k < AROUND && !(half == 0 && r == ALONG + 1);
             k++) { /* a ball's two equators are one */
            const int a = first + r * (AROUND + 1) + k, above = a + AROUND + 1;
            if (r > 0) /* at the poles a ring is a point */
                add_triangle(m, a, above, a + 1);
            if (r < rings - 1)
                add_triangle(m, a + 1, above, above + 1);
        }
}

static void add_box(mesh *m, int joint, const ami_shape *shape)
{
    for (int axis = 0; axis < 3; axis++)
        for (int side = -1; side <= 1; side += 2) {
            const int u = (axis + 1) % 3, v = (axis + 2) % 3;
            double normal[3] = {0};
            normal[axis] = side;
            int corner[4];
            for (int c = 0; c < 4; c++) {
                double at[3];
                at[axis] = shape->at[axis] + side * shape->size[axis];
                at[u] = shape->at[u] + (c == 1 || c == 2 ? 1 : -1) * shape->size[u];
                at[v] = shape->at[v] + (c >= 2 ? 1 : -1) * shape->size[v];
                corner[c] = add_vertex(m, joint, at, normal);
            }
            const int b = side > 0 ? 1 : 3, d = side > 0 ? 3 : 1;
            add_triangle(m, corner[0], corner[b], corner[2]);
            add_triangle(m, corner[0], corner[2], corner[d]);
        }
}

static const struct {
    const char *name;
    double colour[3];
} materials[] = {{"torso", {.90, .88, .84}},
                 {"right", {.84, .45, .30}},
                 {"left", {.27, .50, .70}},
                 {"foot", {.25, .27, .31}}};
enum { MATERIALS = sizeof materials / sizeof *materials };

static int material_of(int body)
{
    if (body == AMI_RIGHT_ANKLE || body == AMI_LEFT_ANKLE)
        return 3;
    return body >= AMI_LEFT_HIP ? 2 : body >= AMI_RIGHT_HIP ? 1 : 0;
}

/* The bodies of one material in the file's rest pose, as a primitive of the mesh. */
static json_t *write_bodies(writer *w, int material, const double (*rest)[3])
{
    mesh m = {malloc(MOST_VERTICES * sizeof(vertex)), malloc(MOST_INDICES * sizeof(uint16_t)), 0, 0};
    if (!m.vertex || !m.index) {
        w->failed = true;
        free(m.vertex);
        free(m.index);
        return NULL;
    }
    for (int j = 0; j < AMI_EXPORT_JOINTS; j++) {
        const int body = ami_export_joints[j].body, first = m.vertices;
        if (body < 0 || material_of(body) != material)
            continue;
        const ami_shape shape = ami_humanoid_shape(body);
        if (shape.kind == AMI_SHAPE_BOX)
            add_box(&m, j, &shape);
        else
            add_ball(&m, j, &shape);
        for (int i = first; i < m.vertices; i++)
            for (int k = 0; k < 3; k++)
                m.vertex[i].at[k] += (float)rest[j][k];
    }
    double lo[3] = {1e9, 1e9, 1e9}, hi[3] = {-1e9, -1e9, -1e9};
    size_t from = w->size;
    for (int i = 0; i < m.vertices; i++) {
        put(w, m.vertex[i].at, sizeof m.vertex[i].at);
        for (int k = 0; k < 3; k++) {
            lo[k] = fmin(lo[k], (double)m.vertex[i].at[k]);
            hi[k] = fmax(hi[k], (double)m.vertex[i].at[k]);
        }
    }
    const int at = end_array(w, from, FLOAT, "VEC3", m.vertices, VERTICES);
    set_range(w, at, 3, lo, hi);
    from = w->size;
    for (int i = 0; i < m.vertices; i++)
        put(w, m.vertex[i].normal, sizeof m.vertex[i].normal);
    const int normal = end_array(w, from, FLOAT, "VEC3", m.vertices, VERTICES);
    from = w->size;
    for (int i = 0; i < m.vertices; i++)
        put(w, (const uint8_t[4]){m.vertex[i].joint, 0, 0, 0}, 4);
    const int joint = end_array(w, from, UNSIGNED_BYTE, "VEC4", m.vertices, VERTICES);
    from = w->size;
    for (int i = 0; i < m.vertices; i++)
        put(w, (const uint8_t[4]){255, 0, 0, 0}, 4);
    const int weight = end_array(w, from, UNSIGNED_BYTE, "VEC4", m.vertices, VERTICES);
    json_object_set_new(json_array_get(w->accessors, (size_t)weight), "normalized", json_true());
    from = w->size;
    put(w, m.index, (size_t)m.indices * sizeof *m.index);
    const int index = end_array(w, from, UNSIGNED_SHORT, "SCALAR", m.indices, INDICES);
    free(m.vertex);
    free(m.index);
    return json_pack("{s:{s:i, s:i, s:i, s:i}, s:i, s:i}", "attributes", "POSITION", at, "NORMAL", normal,
                     "JOINTS_0", joint, "WEIGHTS_0", weight, "indices", index, "material", material);
}

/* ---- The motion ---- */

static json_t *vector(int n, const double *v)
{
    json_t *array = json_array();
    for (int k = 0; k < n; k++)
        json_array_append_new(array, json_real(v[k]));
    return array;
}

static void add_channel(json_t *animation, int input, int output, int node, const char *path)
{
    json_t *samplers = json_object_get(animation, "samplers");
    json_array_append_new(
        samplers, json_pack("{s:i, s:s, s:i}", "input", input, "interpolation", "LINEAR", "output", output));
    json_array_append_new(json_object_get(animation, "channels"),
                          json_pack("{s:i, s:{s:i, s:s}}", "sampler", (int)json_array_size(samplers) - 1,
                                    "target", "node", node, "path", path));
}

static json_t *write_animation(writer *w, const ami_clip *clip)
{
    const int n = ami_clip_frames(clip);
    const double *time = ami_clip_times(clip), *poses = ami_clip_poses(clip);
    json_t *animation = json_pack("{s:s, s:[], s:[]}", "name", ami_clip_name(clip), "channels", "samplers");
    if (!animation) /* a name that is no UTF-8 */
        animation = json_pack("{s:s, s:[], s:[]}", "name", "motion", "channels", "samplers");
    if (ami_clip_loop_is_known(clip))
        json_object_set_new(animation, "extras", json_pack("{s:b}", "loop", (int)ami_clip_loops(clip)));
    size_t from = w->size;
    for (int f = 0; f < n; f++)
        put_float(w, time[f]);
    const int input = end_array(w, from, FLOAT, "SCALAR", n, 0);
    set_range(w, input, 1, time, time + n - 1);
    from = w->size;
    for (int f = 0; f < n; f++) {
        double at[3];
        ami_export_place(poses + (size_t)f * AMI_POSE, at);
        for (int k = 0; k < 3; k++)
            put_float(w, at[k]);
    }
    add_channel(animation, input, end_array(w, from, FLOAT, "VEC3", n, 0), 0, "translation");
    for (int j = 0; j < AMI_EXPORT_JOINTS; j++) {
        if (ami_export_joints[j].body < 0)
            continue;
        from = w->size;
        double last[4] = {1, 0, 0, 0};
        for (int f = 0; f < n; f++) {
            double q[4];
            ami_export_rotation(poses + (size_t)f * AMI_POSE, j, q);
            ami_quat_normalize(q);
            ami_quat_same_side(q, last);
            memcpy(last, q, sizeof last);
            for (int k = 0; k < 4; k++)
                put_float(w, q[(k + 1) % 4]); /* x, y, z, w */
        }
        add_channel(animation, input, end_array(w, from, FLOAT, "VEC4", n, 0), j, "rotation");
    }
    return animation;
}

static json_t *describe(writer *w, const ami_clip *clip)
{
    double rest[AMI_EXPORT_JOINTS][3] = {{0}};
    json_t *nodes = json_array(), *joints = json_array();
    for (int j = 0; j < AMI_EXPORT_JOINTS; j++) {
        double at[3];
        ami_export_offset(j, at);
        if (j == 0)
            at[1] = ami_export_height();
        json_t *node =
                   json_pack("{s:s, s:o}", "name", ami_export_joints[j].name, "translation", vector(3, at)),
               *children = json_array();
        for (int c = j + 1; c < AMI_EXPORT_JOINTS; c++)
            if (ami_export_joints[c].parent == j)
                json_array_append_new(children, json_integer(c));
        if (json_array_size(children) > 0)
            json_object_set(node, "children", children);
        json_decref(children);
        json_array_append_new(nodes, node);
        json_array_append_new(joints, json_integer(j));
        for (int k = 0; k < 3; k++)
            rest[j][k] = at[k] + (j > 0 ? rest[ami_export_joints[j].parent][k] : 0);
    }
    json_array_append_new(nodes, json_pack("{s:s, s:i, s:i}", "name", "Body", "mesh", 0, "skin", 0));
    json_t *primitives = json_array(), *colours = json_array();
    for (int m = 0; m < MATERIALS; m++) {
        json_array_append_new(primitives, write_bodies(w, m, (const double(*)[3])rest));
        json_array_append_new(colours,
                              json_pack("{s:s, s:{s:[f,f,f,f], s:f, s:f}}", "name", materials[m].name,
                                        "pbrMetallicRoughness", "baseColorFactor", materials[m].colour[0],
                                        materials[m].colour[1], materials[m].colour[2], 1., "metallicFactor",
                                        0., "roughnessFactor", .7));
    }
    const size_t from = w->size;
    for (int j = 0; j < AMI_EXPORT_JOINTS; j++) /* column by column */
        for (int k = 0; k < 16; k++)
            put_float(w, k % 5 == 0 ? 1 : k >= 12 && k < 15 ? -rest[j][k - 12] : 0);
    const int inverse = end_array(w, from, FLOAT, "MAT4", AMI_EXPORT_JOINTS, 0);
    json_t *animation = write_animation(w, clip);
    return json_pack(
        "{s:{s:s, s:s}, s:i, s:[{s:[i,i]}], s:o, s:[{s:s, s:o}], s:o, s:[{s:o, s:i, s:i}], s:[o], s:[{s:I}], "
        "s:O, s:O}",
        "asset", "version", "2.0", "generator", "amble", "scene", 0, "scenes", "nodes", 0, AMI_EXPORT_JOINTS,
        "nodes", nodes, "meshes", "name", "Body", "primitives", primitives, "materials", colours, "skins",
        "joints", joints, "inverseBindMatrices", inverse, "skeleton", 0, "animations", animation, "buffers",
        "byteLength", (json_int_t)w->size, "bufferViews", w->views, "accessors", w->accessors);
}

static void put_word(writer *w, size_t value)
{
    put(w,
        (const uint8_t[4]){(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                           (uint8_t)(value >> 24)},
        4);
}

uint8_t *ami_glb_encode(const ami_clip *clip, size_t *size, ami_error *err)
{
    AMI_ASSERT(clip && size);
    writer numbers = {.views = json_array(), .accessors = json_array()}, file = {0};
    json_t *all = describe(&numbers, clip);
    char *text = all ? json_dumps(all, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    if (text && !numbers.failed) {
        const size_t length = (strlen(text) + 3) / 4 * 4;
        put(&file, "glTF", 4);
        put_word(&file, 2);
        put_word(&file, 12 + 8 + length + 8 + numbers.size);
        put_word(&file, length);
        put(&file, "JSON", 4);
        put(&file, text, strlen(text));
        put(&file, "   ", length - strlen(text));
        put_word(&file, numbers.size);
        put(&file, "BIN", 4);
        put(&file, numbers.bytes, numbers.size);
    }
    const bool ok = text && !numbers.failed && !file.failed;
    free(text);
    json_decref(all);
    json_decref(numbers.views);
    json_decref(numbers.accessors);
    free(numbers.bytes);
    if (!ok) {
        free(file.bytes);
        ami_fail(err, "out of memory for the motion of %d frames", ami_clip_frames(clip));
        return NULL;
    }
    *size = file.size;
    return file.bytes;
}
