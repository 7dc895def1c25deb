/* Sequences of phases, motions of styles: amble's networks in the shape of models. */
#include "server/ensemble.h"

#include "base/file.h"
#include "base/number.h"
#include "server/infer.h"

#include <amble/phase.h>
#include <amble/style.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_FRAMES = 65536, MAX_LATENTS = 64, MAX_OUTPUTS = 4, MAX_STYLE = 1024, MAX_SETS = 16 };

/* Styles of a set of models. */
typedef struct style_set {
    const char *name; /* not owned */
    amb_stylevae *vae;
    amb_stylevae_info info;
} style_set;

struct srv_ensembles {
    amb_deepphase *deepphase;
    amb_stylevae *vae;
    amb_stylevae_info info;
    style_set set[MAX_SETS]; /* further ones, for motions */
    int sets;
};

typedef struct tensor {
    const char *name;
    float *data; /* owned by the call */
    int64_t shape[3];
    int rank;
    bool requested, binary;
} tensor;

struct srv_call {
    const srv_ensembles *all;
    const char *name;
    char id[256], style[MAX_STYLE];
    float *in;
    int rows;
    double dt;
    tensor out[MAX_OUTPUTS];
    int outs;
    char failure[512];
};

static const char *const names[] = {"deepphase_sequence", "style_motion"};

/* Inputs and outputs, with -1 for a size that the request chooses. */
static const struct {
    const char *ensemble, *name, *type, *shape;
    bool output;
} tensors[] = {
    {"deepphase_sequence", "frames", "FP32", "[-1,132]", false},
    {"deepphase_sequence", "dt", "FP32", "[1]", false},
    {"deepphase_sequence", "phase", "FP32", "[-1]", true},
    {"deepphase_sequence", "unwrapped", "FP32", "[-1]", true},
    {"deepphase_sequence", "amplitude", "FP32", "[-1]", true},
    {"deepphase_sequence", "period_s", "FP32", "[1]", true},
    {"style_motion", "style", "BYTES", "[1]", false},
    {"style_motion", "latent", "FP32", "[-1,256]", false},
    {"style_motion", "window", "FP32", "[-1,60,73]", true},
};

const char *srv_ensemble_name(int index)
{
    return index >= 0 && index < (int)(sizeof names / sizeof *names) ? names[index] : NULL;
}

static const char *find_name(const char *name)
{
    for (int i = 0; srv_ensemble_name(i); i++)
        if (!strcmp(names[i], name))
            return names[i];
    return NULL;
}

bool srv_is_ensemble(const char *name)
{
    return find_name(name);
}

static json_t *tensors_json(const char *ensemble, bool output, const char *type_key, const char *shape_key)
{
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
        char type[32];
        if (strcmp(tensors[i].ensemble, ensemble) != 0 || tensors[i].output != output)
            continue;
        const bool config = !strcmp(type_key, "data_type");
        snprintf(type, sizeof type, "%s%s", config ? "TYPE_" : "",
                 config && !strcmp(tensors[i].type, "BYTES") ? "STRING" : tensors[i].type);
        json_t *o = json_pack("{ss ss so}", "name", tensors[i].name, type_key, type, shape_key,
                              json_loads(tensors[i].shape, 0, NULL));
        if (o && !output && strcmp(tensors[i].name, "frames") != 0)
            json_object_set_new(o, "optional", json_true());
        json_array_append_new(list, o);
    }
    return list;
}

json_t *srv_ensemble_metadata(const char *name)
{
    return json_pack("{ss s[s] ss so so}", "name", name, "versions", "1", "platform", "ensemble", "inputs",
                     tensors_json(name, false, "datatype", "shape"), "outputs",
                     tensors_json(name, true, "datatype", "shape"));
}

json_t *srv_ensemble_config(const char *name)
{
    return json_pack("{ss ss ss si so so}", "name", name, "platform", "ensemble", "backend", "amble",
                     "max_batch_size", 0, "input", tensors_json(name, false, "data_type", "dims"), "output",
                     tensors_json(name, true, "data_type", "dims"));
}

/* ---- loading ---- */

srv_ensembles *srv_ensembles_open(ami_error *err)
{
    srv_ensembles *all = calloc(1, sizeof *all);
    amb_stylevae_def def;
    amb_model_def fp32;
    if (!all) {
        ami_fail(err, "out of memory");
        return NULL;
    }
    amb_stylevae_def_init(&def);
    amb_model_def_init(&fp32);
    def.without_encoder = true;
    def.precision = fp32.precision = AMB_PRECISION_FP32; /* exact for whatever input */
    all->info.size = sizeof all->info;
    if (amb_deepphase_load(NULL, &fp32, &all->deepphase) == AMB_OK &&
        amb_stylevae_load(&def, &all->vae) == AMB_OK && amb_stylevae_get_info(all->vae, &all->info) == AMB_OK)
        return all;
    ami_fail(err, "%s", amb_error_message());
    srv_ensembles_close(all);
    return NULL;
}

/* The path of a folder's file, NULL where the folder does not have it. */
static const char *file_of(const char *folder, const char *name, char path[4096])
{
    const int n = snprintf(path, 4096, "%s/%s", folder, name);
    return n > 0 && n < 4096 && access(path, R_OK) == 0 ? path : NULL;
}

bool srv_ensembles_add_set(srv_ensembles *ensembles, const char *name, const char *folder, ami_error *err)
{
    char path[3][4096];
    amb_stylevae_def def;
    if (ensembles->sets == MAX_SETS)
        return ami_fail(err, "there are more than %d sets of models", MAX_SETS);
    amb_stylevae_def_init(&def);
    def.without_encoder = true;
    def.precision = AMB_PRECISION_FP32;
    def.decoder = file_of(folder, "stylevae_decoder.onnx", path[0]);
    def.deepphase = file_of(folder, "deepphase.onnx", path[1]);
    def.styles = file_of(folder, "styles.json", path[2]);
    style_set *set = &ensembles->set[ensembles->sets];
    *set = (style_set){.name = name, .info = {.size = sizeof set->info}};
    if (amb_stylevae_load(&def, &set->vae) != AMB_OK ||
        amb_stylevae_get_info(set->vae, &set->info) != AMB_OK) {
        ami_fail(err, "%s", amb_error_message());
        amb_stylevae_destroy(set->vae);
        return false;
    }
    ensembles->sets++;
    return true;
}

void srv_ensembles_close(srv_ensembles *ensembles)
{
    if (!ensembles)
        return;
    for (int i = 0; i < ensembles->sets; i++)
        amb_stylevae_destroy(ensembles->set[i].vae);
    amb_deepphase_destroy(ensembles->deepphase);
    amb_stylevae_destroy(ensembles->vae);
    free(ensembles);
}

/* ---- reading ---- */

/* A part of the body that holds binary tensors. */
typedef struct bytes {
    const char *at;
    size_t left;
} bytes;

static bool take_bytes(bytes *binary, const char *name, int64_t size, const char **data, ami_error *err)
{
    if (size < 0 || (size_t)size > binary->left)
        return ami_fail(err, "input \"%s\" has %lld binary bytes, but the body has %zu more", name,
                        (long long)size, binary->left);
    *data = binary->at;
    binary->at += size;
    binary->left -= (size_t)size;
    return true;
}

/* Numbers of nested lists, at most n; their count, -1 where one is not a number or there are more. */
static int64_t flatten(const json_t *data, float *out, int64_t n, int depth)
{
    if (json_is_number(data) && n > 0) {
        *out = (float)json_number_value(data);
        return 1;
    }
    if (!json_is_array(data) || depth > 4)
        return -1;
    int64_t at = 0;
    for (size_t i = 0; i < json_array_size(data); i++) {
        const int64_t more = flatten(json_array_get(data, i), out + at, n - at, depth + 1);
        if (more < 0)
            return -1;
        at += more;
    }
    return at;
}

/* Numbers of a tensor of shape [rows, width], or [1] for width 0, in *out, which the caller frees. */
static bool read_floats(const json_t *input, const char *name, int width, int max_rows, bytes *binary,
                        float **out, int *rows, ami_error *err)
{
    const json_t *shape = json_object_get(input, "shape"),
                 *size = json_object_get(json_object_get(input, "parameters"), "binary_data_size");
    const json_int_t n = json_integer_value(json_array_get(shape, 0));
    const bool fits = json_array_size(shape) == (width ? 2u : 1u) &&
                      (!width || json_integer_value(json_array_get(shape, 1)) == width);
    const char *data = NULL;
    if (!fits || n < 1 || n > max_rows)
        return width ? ami_fail(err, "input \"%s\": expected the shape [rows,%d] with 1 to %d rows", name,
                                width, max_rows)
                     : ami_fail(err, "input \"%s\": expected the shape [1]", name);
    const int64_t count = n * (width ? width : 1);
    *rows = (int)n;
    *out = malloc((size_t)count * sizeof(float));
    if (!*out)
        return ami_fail(err, "out of memory");
    if (size) {
        if (json_integer_value(size) != count * 4)
            return ami_fail(err, "input \"%s\" has %lld binary bytes, expected %lld", name,
                            (long long)json_integer_value(size), (long long)count * 4);
        if (!take_bytes(binary, name, count * 4, &data, err))
            return false;
        memcpy(*out, data, (size_t)count * 4);
    } else if (flatten(json_object_get(input, "data"), *out, count, 0) != count) {
        return ami_fail(err, "the data of input \"%s\" are not %lld numbers", name, (long long)count);
    }
    return true;
}

/* A tensor of one text: JSON's string, or 4 bytes of length and the bytes. */
static bool read_text(const json_t *input, const char *name, bytes *binary, char text[MAX_STYLE],
                      ami_error *err)
{
    const json_t *size = json_object_get(json_object_get(input, "parameters"), "binary_data_size");
    const json_t *data = json_object_get(input, "data");
    const char *from = NULL;
    uint32_t n;
    while (json_is_array(data) && json_array_size(data) == 1)
        data = json_array_get(data, 0);
    if (!size) {
        from = json_string_value(data);
        n = from ? (uint32_t)strlen(from) : 0;
    } else {
        const json_int_t total = json_integer_value(size);
        if (!take_bytes(binary, name, total, &from, err))
            return false;
        if (total < 4)
            return ami_fail(err,
                            "input \"%s\" has %lld binary bytes, expected a length of 4 bytes and a text",
                            name, (long long)total);
        memcpy(&n, from, 4);
        from += 4;
        if (n != (uint64_t)total - 4)
            return ami_fail(err, "input \"%s\" has a text of %u bytes in %lld", name, n,
                            (long long)total - 4);
    }
    if (!from || n >= MAX_STYLE || memchr(from, 0, n))
        return ami_fail(err, "input \"%s\" is not one text of at most %d bytes", name, MAX_STYLE - 1);
    memcpy(text, from, n);
    text[n] = 0;
    return true;
}

static bool read_input(srv_call *c, const json_t *input, bytes *binary, ami_error *err)
{
    const char *name = json_string_value(json_object_get(input, "name"));
    const char *type = json_string_value(json_object_get(input, "datatype"));
    const bool both = json_object_get(input, "data") &&
                      json_object_get(json_object_get(input, "parameters"), "binary_data_size");
    const bool sequence = c->name == names[0];
    for (size_t i = 0; name && i < sizeof tensors / sizeof *tensors; i++) {
        if (tensors[i].output || strcmp(tensors[i].ensemble, c->name) != 0 ||
            strcmp(tensors[i].name, name) != 0)
            continue;
        if (!type || strcmp(type, tensors[i].type) != 0)
            return ami_fail(err, "input \"%s\" has datatype \"%.40s\", expected %s", name, type ? type : "",
                            tensors[i].type);
        if (both)
            return ami_fail(err, "input \"%s\" has both \"data\" and \"binary_data_size\"", name);
        if (!strcmp(name, "style"))
            return read_text(input, name, binary, c->style, err);
        float *data = NULL;
        int rows = 0;
        const int width = !strcmp(name, "dt") ? 0 : sequence ? 132 : c->all->info.latent_size;
        bool ok = read_floats(input, name, width,
                              !width     ? 1
                              : sequence ? MAX_FRAMES
                                         : MAX_LATENTS,
                              binary, &data, &rows, err);
        if (ok && !width) {
            c->dt = (double)*data;
            free(data);
            return (c->dt > 1e-5 && c->dt <= 10) ||
                   ami_fail(err, "\"dt\" is %g s, expected 1e-5 to 10", c->dt);
        }
        free(c->in);
        c->in = data;
        c->rows = rows;
        return ok;
    }
    return ami_fail(err, "there is no input \"%.80s\", expected %s", name ? name : "",
                    sequence ? "\"frames\" or \"dt\"" : "\"style\" or \"latent\"");
}

static bool add_output(srv_call *c, const char *name, int64_t n, int64_t frames, int64_t features)
{
    tensor *t = &c->out[c->outs++];
    *t = (tensor){.name = name, .shape = {n, frames, features}, .rank = frames ? 3 : 1};
    t->data = calloc((size_t)(n * (frames ? frames * features : 1)), sizeof(float));
    return t->data;
}

static bool make_outputs(srv_call *c, ami_error *err)
{
    bool ok = true;
    if (c->name == names[0]) {
        if (!c->in)
            return ami_fail(err, "\"inputs\" has no \"frames\"");
        ok = add_output(c, "phase", c->rows, 0, 0) && add_output(c, "unwrapped", c->rows, 0, 0) &&
             add_output(c, "amplitude", c->rows, 0, 0) && add_output(c, "period_s", 1, 0, 0);
    } else {
        if (!c->in == !c->style[0])
            return ami_fail(err, "expected one of the inputs \"style\" and \"latent\"");
        ok = add_output(c, "window", c->in ? c->rows : 1, c->all->info.window_frames,
                        c->all->info.window_features);
    }
    return ok || ami_fail(err, "out of memory");
}

static bool read_outputs(srv_call *c, const json_t *root, ami_error *err)
{
    const json_t *list = json_object_get(root, "outputs");
    bool all_binary = false;
    if (!srv_read_flag(root, "binary_data_output", &all_binary, err))
        return false;
    if (list && (!json_is_array(list) || json_array_size(list) == 0))
        return ami_fail(err, "\"outputs\" is not a list of at least one output");
    for (int k = 0; k < c->outs; k++) {
        c->out[k].requested = !list;
        c->out[k].binary = all_binary;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *o = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(o, "name"));
        tensor *found = NULL;
        for (int k = 0; name && k < c->outs; k++)
            if (!strcmp(c->out[k].name, name))
                found = &c->out[k];
        if (!found)
            return ami_fail(err, "there is no output \"%.80s\"", name ? name : "");
        found->requested = true;
        found->binary = all_binary;
        if (!srv_read_flag(o, "binary_data", &found->binary, err))
            return false;
    }
    return true;
}

srv_call *srv_call_read(const srv_ensembles *ensembles, const char *name, const char *body, size_t size,
                        int64_t header, ami_error *err)
{
    json_error_t where;
    if (header > (int64_t)size) {
        ami_fail(err, "Inference-Header-Content-Length is %lld, but the body has %zu bytes",
                 (long long)header, size);
        return NULL;
    }
    const size_t json_size = header < 0 ? size : (size_t)header;
    srv_call *c = calloc(1, sizeof *c);
    json_t *root = c ? json_loadb(body, json_size, 0, &where) : NULL;
    if (!root) {
        ami_fail(err, c ? "the request is not JSON: line %d, column %d: %.120s" : "out of memory",
                 c ? where.line : 0, c ? where.column : 0, c ? where.text : "");
        free(c);
        return NULL;
    }
    c->all = ensembles;
    c->name = find_name(name);
    c->dt = 1. / 30;
    bytes binary = {body + json_size, size - json_size};
    const json_t *inputs = json_object_get(root, "inputs");
    const char *id = json_string_value(json_object_get(root, "id"));
    snprintf(c->id, sizeof c->id, "%s", id ? id : "");
    bool ok = json_array_size(inputs) >= 1 && json_array_size(inputs) <= 2;
    if (!ok)
        ami_fail(err, "\"inputs\" has %zu entries, expected 1 or 2", json_array_size(inputs));
    for (size_t i = 0; ok && i < json_array_size(inputs); i++)
        ok = read_input(c, json_array_get(inputs, i), &binary, err);
    if (ok && binary.left > 0)
        ok = ami_fail(err, "%zu bytes follow the last binary tensor", binary.left);
    ok = ok && make_outputs(c, err) && read_outputs(c, root, err);
    json_decref(root);
    if (ok)
        return c;
    srv_call_free(c);
    return NULL;
}

void srv_call_free(srv_call *call)
{
    if (!call)
        return;
    for (int k = 0; k < call->outs; k++)
        free(call->out[k].data);
    free(call->in);
    free(call);
}

/* ---- running ---- */

static bool run_sequence(srv_call *c)
{
    const amb_deepphase *d = c->all->deepphase;
    const size_t n = (size_t)c->rows;
    amb_phase *phase = malloc(n * sizeof *phase);
    double *unwrapped = malloc(n * sizeof *unwrapped);
    void *workspace = malloc(amb_deepphase_workspace_size(d));
    amb_phase_period period = {.size = sizeof period};
    bool ok = phase && unwrapped && workspace;
    if (!ok)
        snprintf(c->failure, sizeof c->failure, "out of memory");
    else if (amb_deepphase_encode_sequence(d, c->in, c->rows, phase, unwrapped, workspace) != AMB_OK ||
             amb_deepphase_periodicity(phase, unwrapped, c->rows, 1 / c->dt, &period) != AMB_OK)
        ok = false;
    for (size_t i = 0; ok && i < n; i++) {
        c->out[0].data[i] = (float)phase[i].phase;
        c->out[1].data[i] = (float)unwrapped[i];
        c->out[2].data[i] = (float)phase[i].amplitude;
    }
    c->out[3].data[0] = (float)period.period;
    free(phase);
    free(unwrapped);
    free(workspace);
    return ok;
}

static bool run_style(srv_call *c)
{
    const amb_stylevae *vae = c->all->vae;
    const size_t numbers = (size_t)c->all->info.latent_size;
    amb_latent latent;
    void *workspace = malloc(amb_stylevae_workspace_size(vae));
    float *z = malloc(numbers * sizeof *z);
    bool ok = workspace && z;
    if (!ok)
        snprintf(c->failure, sizeof c->failure, "out of memory");
    if (ok && !c->in) {
        amb_latent_init(&latent, z);
        ok = amb_style_parse(vae, c->style, &latent) == AMB_OK;
    }
    ok = ok && amb_stylevae_decode(vae, c->in ? c->in : z, c->in ? c->rows : 1, c->out[0].data, workspace) ==
                   AMB_OK;
    free(workspace);
    free(z);
    return ok;
}

void srv_call_run(srv_call *call)
{
    if (!(call->name == names[0] ? run_sequence(call) : run_style(call)) && !call->failure[0])
        snprintf(call->failure, sizeof call->failure, "%s", amb_error_message());
}

/* ---- the answer ---- */

static int64_t count_of(const tensor *t)
{
    return t->shape[0] * (t->rank == 3 ? t->shape[1] * t->shape[2] : 1);
}

static void put_tensor(FILE *out, const tensor *t, bool first)
{
    fprintf(out, "%s{\"name\":\"%s\",\"datatype\":\"FP32\",\"shape\":[%lld", first ? "" : ",", t->name,
            (long long)t->shape[0]);
    for (int k = 1; k < t->rank; k++)
        fprintf(out, ",%lld", (long long)t->shape[k]);
    if (t->binary) {
        fprintf(out, "],\"parameters\":{\"binary_data_size\":%lld}}", (long long)count_of(t) * 4);
        return;
    }
    fputs("],\"data\":[", out);
    for (int64_t i = 0; i < count_of(t); i++)
        if (isfinite(t->data[i]))
            ami_number_fprintf(out, "%s%.9g", i ? "," : "", (double)t->data[i]);
        else
            fprintf(out, "%snull", i ? "," : ""); /* a phase that does not advance has no period */
    fputs("]}", out);
}

char *srv_call_answer(const srv_call *call, size_t *size, int64_t *header, ami_error *err)
{
    char *text = NULL;
    if (call->failure[0]) {
        ami_fail(err, "%s", call->failure);
        return NULL;
    }
    FILE *out = open_memstream(&text, size);
    json_t *id = json_string(call->id);
    char *quoted = id ? json_dumps(id, JSON_ENCODE_ANY) : NULL;
    json_decref(id);
    if (!out || !quoted) {
        if (out)
            fclose(out);
        free(text);
        free(quoted);
        ami_fail(err, "out of memory");
        return NULL;
    }
    fprintf(out, "{\"model_name\":\"%s\",\"model_version\":\"1\"", call->name);
    if (call->id[0])
        fprintf(out, ",\"id\":%s", quoted);
    free(quoted);
    fputs(",\"outputs\":[", out);
    bool first = true;
    for (int k = 0; k < call->outs; k++)
        if (call->out[k].requested) {
            put_tensor(out, &call->out[k], first);
            first = false;
        }
    fputs("]}", out);
    fflush(out);
    *header = -1;
    const int64_t json_size = (int64_t)*size;
    for (int k = 0; k < call->outs; k++)
        if (call->out[k].requested && call->out[k].binary) {
            *header = json_size;
            fwrite(call->out[k].data, sizeof(float), (size_t)count_of(&call->out[k]), out);
        }
    if (fclose(out) == 0)
        return text;
    free(text);
    ami_fail(err, "out of memory");
    return NULL;
}

/* ---- motions ---- */

/* A new folder for the file that libamble writes; memory where the temporary folder cannot be written. */
static bool make_folder(char folder[256])
{
    const char *temporary = getenv("TMPDIR");
    const char *const parents[] = {temporary && strlen(temporary) < 200 ? temporary : "/tmp", "/dev/shm"};
    for (int i = 0; i < 2; i++) {
        snprintf(folder, 256, "%s/amble-motion-XXXXXX", parents[i]);
        if (mkdtemp(folder))
            return true;
    }
    return false;
}

char *srv_motion_file(const srv_ensembles *ensembles, const char *set, const char *style, const char *format,
                      size_t *size, bool *missing, ami_error *err)
{
    char folder[256], path[300];
    amb_latent latent;
    amb_clip *clip = NULL;
    char *content = NULL;
    style_set from = {"default", ensembles->vae, ensembles->info};
    bool known = !strcmp(set, from.name);
    for (int i = 0; !known && i < ensembles->sets; i++)
        if ((known = !strcmp(set, ensembles->set[i].name)))
            from = ensembles->set[i];
    *missing = !known;
    if (!known) {
        ami_fail(err, "there is no set of models \"%.60s\"", set);
        return NULL;
    }
    float *z = malloc((size_t)from.info.latent_size * sizeof *z);
    if (!z) {
        ami_fail(err, "out of memory");
        return NULL;
    }
    amb_latent_init(&latent, z);
    const amb_result found = amb_style_parse(from.vae, style, &latent);
    *missing = found == AMB_ERROR_NOT_FOUND;
    if (found != AMB_OK || amb_style_to_clip(from.vae, &latent, "style", NULL, &clip) != AMB_OK) {
        ami_fail(err, "%s", amb_error_message());
    } else if (!make_folder(folder)) {
        ami_fail(err, "no temporary file can be made");
    } else {
        snprintf(path, sizeof path, "%s/style.%s", folder, format);
        if (amb_clip_save(clip, path) == AMB_OK)
            content = (char *)ami_file_read(path, 1 << 24, size, err);
        else
            ami_fail(err, "%s", amb_error_message());
        unlink(path);
        rmdir(folder);
    }
    amb_clip_destroy(clip);
    free(z);
    return content;
}
