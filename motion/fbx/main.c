/* amble-fbx: turns an FBX file into binary glTF on standard output, by Assimp, in a process of its own.
 *
 *     amble-fbx <FILE.fbx >FILE.glb
 *
 * Assimp's readers are not safe against made-up files, so no program of amble loads them: motion/fbx.h starts this one,
 * which has limits of memory, time and output (below) and no other use. It writes what motion/glb.h reads: the tree of
 * nodes at rest, the joints, and the longest animation; no shapes. What is wrong is a sentence on standard output, and
 * exit status 1. */
#include <assimp/cimport.h>
#include <assimp/config.h>
#include <assimp/postprocess.h>
#include <assimp/scene.h>

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { NODES = 1024, KEYS = 200000 };
enum { FLOAT = 5126 };

static const rlim_t memory_limit = (rlim_t)2 << 30, output_limit = (rlim_t)256 << 20; /* bytes */
static const rlim_t time_limit = 60; /* s of processor time */

/* Ends with a sentence. */
static void refuse(const char *sentence)
{
    puts(sentence);
    exit(1);
}

static void set_limits(void)
{
    const struct rlimit memory = {memory_limit, memory_limit}, output = {output_limit, output_limit},
                        seconds = {time_limit, time_limit}, none = {0, 0};
    if (setrlimit(RLIMIT_AS, &memory) || setrlimit(RLIMIT_FSIZE, &output) ||
        setrlimit(RLIMIT_CPU, &seconds) || setrlimit(RLIMIT_CORE, &none))
        refuse("the converter's limits of memory and time cannot be set");
}

/* All of standard input. */
static char *read_input(size_t *size)
{
    const size_t most = (size_t)256 << 20;
    size_t capacity = 1 << 20, n;
    char *text = malloc(capacity);
    *size = 0;
    while (text && (n = fread(text + *size, 1, capacity - *size, stdin)) > 0) {
        *size += n;
        if (*size > most)
            refuse("holds more than 256 MiB");
        if (*size == capacity)
            text = realloc(text, capacity *= 2);
    }
    if (!text)
        refuse("out of memory for the file");
    return text;
}

/* What goes into the file: its numbers, and what the JSON says of them. */
typedef struct writer {
    float *number;
    size_t count, capacity;
    json_t *views, *accessors, *nodes, *joints;
    const struct aiNode *node[NODES];
    int nodes_found;
} writer;

static void put(writer *w, double value)
{
    if (w->count == w->capacity) {
        w->capacity = w->capacity ? 2 * w->capacity : 4096;
        w->number = realloc(w->number, w->capacity * sizeof *w->number);
        if (!w->number)
            refuse("out of memory for the motion");
    }
    w->number[w->count++] = (float)value;
}

static int end_array(writer *w, size_t from, const char *type, unsigned rows, double last)
{
    json_array_append_new(w->views, json_pack("{s:i, s:I, s:I}", "buffer", 0, "byteOffset",
                                              (json_int_t)(from * sizeof(float)), "byteLength",
                                              (json_int_t)((w->count - from) * sizeof(float))));
    json_t *accessor = json_pack("{s:i, s:i, s:I, s:s}", "bufferView", (int)json_array_size(w->views) - 1,
                                 "componentType", FLOAT, "count", (json_int_t)rows, "type", type);
    if (last >= 0)
        json_object_set_new(accessor, "max", json_pack("[f]", last));
    json_array_append_new(w->accessors, accessor);
    return (int)json_array_size(w->accessors) - 1;
}

/* Names as UTF-8, whatever the file holds. */
static json_t *name_of(const struct aiString *name)
{
    json_t *text = json_stringn(name->data, strnlen(name->data, sizeof name->data));
    return text ? text : json_string("joint");
}

static int number_of(const writer *w, const struct aiString *name)
{
    for (int i = 0; i < w->nodes_found; i++)
        if (!strcmp(w->node[i]->mName.data, name->data))
            return i;
    return -1;
}

/* The node's tree as glTF's nodes, parents first; `parent` is the JSON that gets the children. */
static void add_node(writer *w, const struct aiNode *node, json_t *parent, int depth)
{
    if (w->nodes_found == NODES || depth > NODES)
        refuse("the file holds more than 1024 nodes");
    struct aiVector3D scale, at;
    struct aiQuaternion turn;
    aiDecomposeMatrix(&node->mTransformation, &scale, &turn, &at);
    json_t *o =
        json_pack("{s:o, s:[f,f,f], s:[f,f,f,f], s:[f,f,f]}", "name", name_of(&node->mName), "translation",
                  (double)at.x, (double)at.y, (double)at.z, "rotation", (double)turn.x, (double)turn.y,
                  (double)turn.z, (double)turn.w, "scale", (double)scale.x, (double)scale.y, (double)scale.z);
    if (!o)
        refuse("a node's place, rotation or scale is not finite");
    if (parent) {
        if (!json_object_get(parent, "children"))
            json_object_set_new(parent, "children", json_array());
        json_array_append_new(json_object_get(parent, "children"), json_integer(1 + w->nodes_found));
    }
    w->node[w->nodes_found++] = node;
    json_array_append_new(w->nodes, o);
    for (unsigned i = 0; i < node->mNumChildren; i++)
        add_node(w, node->mChildren[i], o, depth + 1);
}

static void add_channel(json_t *animation, int node, const char *path, int input, int output)
{
    json_t *samplers = json_object_get(animation, "samplers");
    json_array_append_new(
        samplers, json_pack("{s:i, s:i, s:s}", "input", input, "output", output, "interpolation", "LINEAR"));
    json_array_append_new(json_object_get(animation, "channels"),
                          json_pack("{s:i, s:{s:i, s:s}}", "sampler", (int)json_array_size(samplers) - 1,
                                    "target", "node", 1 + node, "path", path));
}

/* The keys of a curve that are kept: Assimp's times are those of all of the node's curves together, with pairs that lie
 * closer than any frames do. Returns how many. */
static unsigned choose_keys(const struct aiNodeAnim *curve, bool turns, double tick, unsigned *chosen,
                            double *time)
{
    const unsigned all = turns ? curve->mNumRotationKeys : curve->mNumPositionKeys;
    unsigned n = 0;
    double first = 0, final = 0;
    for (int pass = 0; pass < 2; pass++) {
        const double least = pass == 1 && n > 1 ? .5 * (final - first) / (n - 1) : 0;
        n = 0;
        for (unsigned k = 0; k < all; k++) {
            const double t = (turns ? curve->mRotationKeys[k].mTime : curve->mPositionKeys[k].mTime) * tick;
            if (!(fabs(t) < 1e5) ||
                (n > 0 && !((double)(float)t > (double)(float)time[n - 1] && t - time[n - 1] >= least)))
                continue;
            chosen[n] = k;
            time[n++] = t;
        }
        first = n > 0 ? time[0] : 0;
        final = n > 0 ? time[n - 1] : 0;
    }
    return n;
}

static void add_curve(writer *w, json_t *animation, const struct aiNodeAnim *curve, int node, double tick)
{
    static unsigned chosen[KEYS];
    static double time[KEYS];
    if (curve->mNumPositionKeys > KEYS || curve->mNumRotationKeys > KEYS)
        refuse("an animation curve has more than 200000 keys");
    for (int kind = 0; kind < 2; kind++) {
        const bool turns = kind == 1;
        const unsigned keys = choose_keys(curve, turns, tick, chosen, time);
        if (keys == 0)
            continue;
        size_t from = w->count;
        for (unsigned i = 0; i < keys; i++)
            put(w, time[i]);
        const int input = end_array(w, from, "SCALAR", keys, time[keys - 1]);
        from = w->count;
        for (unsigned i = 0; i < keys; i++) {
            const struct aiQuaternion *q = turns ? &curve->mRotationKeys[chosen[i]].mValue : NULL;
            const struct aiVector3D *v = turns ? NULL : &curve->mPositionKeys[chosen[i]].mValue;
            put(w, (double)(turns ? q->x : v->x));
            put(w, (double)(turns ? q->y : v->y));
            put(w, (double)(turns ? q->z : v->z));
            if (turns)
                put(w, (double)q->w);
        }
        add_channel(animation, node, turns ? "rotation" : "translation", input,
                    end_array(w, from, turns ? "VEC4" : "VEC3", keys, -1));
    }
}

static double rate_of(const struct aiAnimation *a)
{
    return a->mTicksPerSecond > 0 && a->mTicksPerSecond < 1e9 ? a->mTicksPerSecond : 25;
}

static json_t *add_animation(writer *w, const struct aiScene *scene)
{
    const struct aiAnimation *longest = NULL;
    for (unsigned i = 0; i < scene->mNumAnimations; i++) {
        const struct aiAnimation *a = scene->mAnimations[i];
        if (a->mNumChannels > 0 &&
            (!longest || a->mDuration / rate_of(a) > longest->mDuration / rate_of(longest)))
            longest = a;
    }
    if (!longest)
        refuse("has no animation");
    json_t *animation =
        json_pack("{s:o, s:[], s:[]}", "name", name_of(&longest->mName), "channels", "samplers");
    for (unsigned c = 0; c < longest->mNumChannels; c++) {
        const int node = number_of(w, &longest->mChannels[c]->mNodeName);
        if (node >= 0)
            add_curve(w, animation, longest->mChannels[c], node, 1 / rate_of(longest));
    }
    return animation;
}

/* What skins hang on; without any, what moves (motion/glb.h). */
static void add_joints(writer *w, const struct aiScene *scene)
{
    bool is_joint[NODES] = {false};
    for (unsigned m = 0; m < scene->mNumMeshes; m++)
        for (unsigned b = 0; b < scene->mMeshes[m]->mNumBones; b++) {
            const int node = number_of(w, &scene->mMeshes[m]->mBones[b]->mName);
            if (node >= 0)
                is_joint[node] = true;
        }
    for (int i = 0; i < w->nodes_found; i++)
        if (is_joint[i])
            json_array_append_new(w->joints, json_integer(1 + i));
}

/* Centimetres a unit. */
static double unit_of(const struct aiScene *scene)
{
    const struct aiMetadata *m = scene->mMetaData;
    for (unsigned i = 0; m && i < m->mNumProperties; i++)
        if (!strcmp(m->mKeys[i].data, "UnitScaleFactor")) {
            const double v = m->mValues[i].mType == AI_DOUBLE  ? *(const double *)m->mValues[i].mData
                             : m->mValues[i].mType == AI_FLOAT ? (double)*(const float *)m->mValues[i].mData
                                                               : 1;
            return v > 1e-6 && v < 1e6 ? v : 1;
        }
    return 1;
}

static void put_word(FILE *out, size_t value)
{
    const uint8_t bytes[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                              (uint8_t)(value >> 24)};
    fwrite(bytes, 1, 4, out);
}

static void write_file(const writer *w, json_t *animation)
{
    json_t *all = json_pack("{s:{s:s, s:s}, s:i, s:[{s:[i]}], s:o, s:[o], s:[{s:I}], s:o, s:o}", "asset",
                            "version", "2.0", "generator", "amble-fbx", "scene", 0, "scenes", "nodes", 0,
                            "nodes", w->nodes, "animations", animation, "buffers", "byteLength",
                            (json_int_t)(w->count * sizeof *w->number), "bufferViews", w->views, "accessors",
                            w->accessors);
    if (all && json_array_size(w->joints) > 0)
        json_object_set_new(all, "skins", json_pack("[{s:O}]", "joints", w->joints));
    char *text = all ? json_dumps(all, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
    if (!text)
        refuse("out of memory for the motion, or a number in it is not finite");
    const size_t length = (strlen(text) + 3) / 4 * 4, numbers = w->count * sizeof *w->number;
    fwrite("glTF", 1, 4, stdout);
    put_word(stdout, 2);
    put_word(stdout, 12 + 8 + length + 8 + numbers);
    put_word(stdout, length);
    fwrite("JSON", 1, 4, stdout);
    fwrite(text, 1, strlen(text), stdout);
    fwrite("   ", 1, length - strlen(text), stdout);
    put_word(stdout, numbers);
    fwrite("BIN", 1, 4, stdout);
    fwrite(w->number, 1, numbers, stdout);
    if (fflush(stdout) != 0 || ferror(stdout))
        exit(1);
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc != 1)
        refuse("usage: amble-fbx <FILE.fbx >FILE.glb");
    set_limits();
    size_t size;
    char *file = read_input(&size);
    struct aiPropertyStore *properties = aiCreatePropertyStore();
    /* One node a joint, instead of one for each pivot and rotation order. */
    aiSetImportPropertyInteger(properties, AI_CONFIG_IMPORT_FBX_PRESERVE_PIVOTS, 0);
    aiSetImportPropertyInteger(properties, AI_CONFIG_IMPORT_FBX_READ_TEXTURES, 0);
    aiSetImportPropertyInteger(properties, AI_CONFIG_IMPORT_FBX_READ_MATERIALS, 0);
    const struct aiScene *scene =
        aiImportFileFromMemoryWithProperties(file, (unsigned)size, 0, "fbx", properties);
    if (!scene || !scene->mRootNode) {
        char sentence[300], *line;
        snprintf(sentence, sizeof sentence, "Assimp does not read it: %.200s", aiGetErrorString());
        if ((line = strpbrk(sentence, "\r\n")))
            *line = 0;
        refuse(sentence);
    }
    writer w = {
        .views = json_array(), .accessors = json_array(), .nodes = json_array(), .joints = json_array()};
    const double metres = unit_of(scene) / 100;
    json_t *root = json_pack("{s:s, s:[i], s:[f,f,f]}", "name", "amble-fbx", "children", 1, "scale", metres,
                             metres, metres);
    json_array_append_new(w.nodes, root);
    add_node(&w, scene->mRootNode, NULL, 0);
    add_joints(&w, scene);
    write_file(&w, add_animation(&w, scene));
    return 0;
}
