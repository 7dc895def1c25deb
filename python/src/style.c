/* _amble.StyleVAE: styles, mixtures, latents and the windows of motion that they encode. */
#include "python/src/module.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef struct style {
    ext_handle handle; /* amb_stylevae */
    amb_stylevae_info info;
} style;

static amb_stylevae *of(style *self)
{
    return self->handle.pointer;
}

static void dealloc(PyObject *object)
{
    amb_stylevae_destroy(of((style *)object));
    ext_free(object);
}

static const ext_field fields[] = {
    {"encoder", EXT_TEXT, offsetof(amb_stylevae_def, encoder), NULL, 0},
    {"decoder", EXT_TEXT, offsetof(amb_stylevae_def, decoder), NULL, 0},
    {"deepphase", EXT_TEXT, offsetof(amb_stylevae_def, deepphase), NULL, 0},
    {"styles", EXT_TEXT, offsetof(amb_stylevae_def, styles), NULL, 0},
    {"without_encoder", EXT_BOOL, offsetof(amb_stylevae_def, without_encoder), NULL, 0},
    {"precision", EXT_ENUM, offsetof(amb_stylevae_def, precision), ext_precisions, 0},
    {NULL, 0, 0, NULL, 0},
};

static PyObject *new_style(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"settings", NULL};
    PyObject *settings, *keep = NULL, *made = NULL;
    amb_stylevae_def def;
    amb_stylevae_def_init(&def);
    if (PyArg_ParseTupleAndKeywords(args, kwargs, "O", names, &settings) &&
        ext_read_fields(settings, fields, &def, "a StyleVAE", &keep)) {
        style *self = (style *)ext_new(type);
        amb_stylevae *loaded = NULL;
        amb_result result;
        if (self) {
            EXT_WITHOUT_GIL(result = amb_stylevae_load(&def, &loaded));
            self->handle.pointer = loaded;
            self->handle.shared = true;
            self->info.size = sizeof self->info;
            if (result == AMB_OK)
                result = amb_stylevae_get_info(loaded, &self->info);
            made = ext_made(&self->handle, result);
        }
    }
    Py_XDECREF(keep);
    return made;
}

static PyObject *get_info(PyObject *object, PyObject *unused)
{
    const amb_stylevae_info *i = &((style *)object)->info;
    (void)unused;
    return Py_BuildValue("{s:i,s:i,s:i,s:d,s:i}", "latent_size", i->latent_size, "window_frames",
                         i->window_frames, "window_features", i->window_features, "window_rate",
                         i->window_rate, "styles", i->styles);
}

static PyObject *styles(PyObject *object, PyObject *unused)
{
    style *self = (style *)object;
    PyObject *list = PyList_New(0);
    (void)unused;
    for (int i = 0; list && i < self->info.styles; i++) {
        amb_style_info s = {.size = sizeof s};
        const amb_result result = amb_style_get_info(of(self), i, &s);
        if (result != AMB_OK) {
            Py_DECREF(list);
            return ext_raise(result);
        }
        ext_append(&list, Py_BuildValue("{s:s,s:s,s:d,s:d,s:d,s:d}", "name", s.name, "clip", s.clip, "period",
                                        s.period, "speed", s.speed, "scale", s.scale, "spread", s.spread));
    }
    return list;
}

/* ---- latents: an array z and (scale, speed, tempo) ---- */

static bool get_latent(style *self, PyObject *array, bool writable, amb_latent *latent, Py_buffer *view)
{
    const Py_ssize_t size = self->info.latent_size;
    if (!ext_get_array(array, "a latent's z", 'f', writable, 1, &size, view))
        return false;
    amb_latent_init(latent, view->buf);
    return true;
}

static PyObject *latent_numbers(amb_result result, const amb_latent *latent)
{
    return result == AMB_OK ? Py_BuildValue("(ddd)", latent->scale, latent->speed, latent->tempo)
                            : ext_raise(result);
}

static PyObject *parse(PyObject *object, PyObject *args)
{
    const char *text;
    PyObject *array;
    Py_buffer z;
    amb_latent latent;
    if (!PyArg_ParseTuple(args, "sO", &text, &array) ||
        !get_latent((style *)object, array, true, &latent, &z))
        return NULL;
    const amb_result result = amb_style_parse(of((style *)object), text, &latent);
    PyBuffer_Release(&z);
    return latent_numbers(result, &latent);
}

static PyObject *blend(PyObject *object, PyObject *args)
{
    style *self = (style *)object;
    PyObject *array[3], *numbers = NULL;
    Py_buffer view[3];
    amb_latent latent[3];
    double scale[2], speed[2], tempo[2], weight;
    int got = 0;
    if (!PyArg_ParseTuple(args, "O(ddd)O(ddd)dO", &array[0], &scale[0], &speed[0], &tempo[0], &array[1],
                          &scale[1], &speed[1], &tempo[1], &weight, &array[2]))
        return NULL;
    while (got < 3 && get_latent(self, array[got], got == 2, &latent[got], &view[got]))
        got++;
    if (got == 3) {
        for (int k = 0; k < 2; k++) {
            latent[k].scale = scale[k];
            latent[k].speed = speed[k];
            latent[k].tempo = tempo[k];
        }
        const amb_result result = amb_style_blend(of(self), &latent[0], &latent[1], weight, &latent[2]);
        numbers = latent_numbers(result, &latent[2]);
    }
    while (got-- > 0)
        PyBuffer_Release(&view[got]);
    return numbers;
}

static PyObject *of_clip(PyObject *object, PyObject *args)
{
    PyObject *clip_object, *array;
    Py_buffer z;
    amb_latent latent;
    amb_result result;
    if (!PyArg_ParseTuple(args, "OO", &clip_object, &array))
        return NULL;
    const amb_clip *clip = ext_clip_of(clip_object);
    if (!clip || !get_latent((style *)object, array, true, &latent, &z))
        return NULL;
    EXT_WITHOUT_GIL(result = amb_style_of_clip(of((style *)object), clip, &latent));
    PyBuffer_Release(&z);
    return latent_numbers(result, &latent);
}

static PyObject *to_clip(PyObject *object, PyObject *args)
{
    PyObject *array;
    const char *name;
    double scale, speed, tempo;
    Py_buffer z;
    amb_latent latent;
    amb_style_report r = {.size = sizeof r};
    amb_clip *clip = NULL;
    if (!PyArg_ParseTuple(args, "O(ddd)s", &array, &scale, &speed, &tempo, &name) ||
        !get_latent((style *)object, array, false, &latent, &z))
        return NULL;
    latent.scale = scale;
    latent.speed = speed;
    latent.tempo = tempo;
    const amb_result result = amb_style_to_clip(of((style *)object), &latent, name, &r, &clip);
    PyBuffer_Release(&z);
    PyObject *wrapped = result == AMB_OK ? ext_wrap_clip(clip) : ext_raise(result);
    if (!wrapped)
        return NULL;
    return Py_BuildValue("(N{s:d,s:d,s:d,s:d,s:d,s:d,s:d})", wrapped, "period", r.period, "speed", r.speed,
                         "stretch", r.stretch, "confidence", r.confidence, "close", r.close, "fit", r.fit,
                         "skate", r.skate);
}

/* ---- the networks ---- */

/* window(clip, time, scale, window) */
static PyObject *window(PyObject *object, PyObject *args)
{
    style *self = (style *)object;
    PyObject *clip_object, *array;
    double time, scale;
    Py_buffer view;
    const Py_ssize_t shape[2] = {self->info.window_frames, self->info.window_features};
    if (!PyArg_ParseTuple(args, "OddO", &clip_object, &time, &scale, &array))
        return NULL;
    const amb_clip *clip = ext_clip_of(clip_object);
    if (!clip || !ext_get_array(array, "window", 'f', true, 2, shape, &view))
        return NULL;
    const amb_result result = amb_style_window(of(self), clip, time, scale, view.buf);
    PyBuffer_Release(&view);
    return ext_done(result);
}

/* A workspace for `rows` rows, the caller's to free; NULL with an exception. */
static void *workspace_for(style *self, Py_ssize_t rows)
{
    enum { MAX_ROWS = 1 << 20 };
    if (rows < 1 || rows > MAX_ROWS) {
        PyErr_Format(PyExc_ValueError, "%zd rows, expected 1 to %d", rows, (int)MAX_ROWS);
        return NULL;
    }
    void *workspace = malloc(amb_stylevae_workspace_size(of(self)) + 1);
    return workspace ? workspace : PyErr_NoMemory();
}

/* encode(windows, means, log_variances) */
static PyObject *encode(PyObject *object, PyObject *args)
{
    style *self = (style *)object;
    PyObject *array[3], *done = NULL;
    ext_arrays arrays = {0};
    const Py_buffer *windows, *mean, *variance;
    const Py_ssize_t in[3] = {-1, self->info.window_frames, self->info.window_features};
    void *workspace = NULL;
    if (!PyArg_ParseTuple(args, "OOO", &array[0], &array[1], &array[2]) ||
        !(windows = ext_array(&arrays, array[0], "windows", 'f', false, 3, in)))
        return NULL;
    const Py_ssize_t n = windows->shape[0], out[2] = {n, self->info.latent_size};
    if ((mean = ext_array(&arrays, array[1], "means", 'f', true, 2, out)) &&
        (variance = ext_array(&arrays, array[2], "log_variances", 'f', true, 2, out)) &&
        (workspace = workspace_for(self, n))) {
        amb_result result;
        EXT_WITHOUT_GIL(result = amb_stylevae_encode(of(self), windows->buf, (int)n, mean->buf, variance->buf,
                                                     workspace));
        done = ext_done(result);
    }
    free(workspace);
    ext_release(&arrays);
    return done;
}

/* decode(latents, windows) */
static PyObject *decode(PyObject *object, PyObject *args)
{
    style *self = (style *)object;
    PyObject *array[2], *done = NULL;
    ext_arrays arrays = {0};
    const Py_buffer *z, *windows;
    const Py_ssize_t in[2] = {-1, self->info.latent_size};
    void *workspace = NULL;
    if (!PyArg_ParseTuple(args, "OO", &array[0], &array[1]) ||
        !(z = ext_array(&arrays, array[0], "latents", 'f', false, 2, in)))
        return NULL;
    const Py_ssize_t n = z->shape[0], out[3] = {n, self->info.window_frames, self->info.window_features};
    if ((windows = ext_array(&arrays, array[1], "windows", 'f', true, 3, out)) &&
        (workspace = workspace_for(self, n))) {
        amb_result result;
        EXT_WITHOUT_GIL(result = amb_stylevae_decode(of(self), z->buf, (int)n, windows->buf, workspace));
        done = ext_done(result);
    }
    free(workspace);
    ext_release(&arrays);
    return done;
}

static PyMethodDef methods[] = {
    {"info", get_info, METH_NOARGS, "Sizes: a dictionary."},
    {"styles", styles, METH_NOARGS, "The named styles: a list of dictionaries."},
    {"parse", parse, METH_VARARGS, "parse(text, z) -> (scale, speed, tempo)"},
    {"blend", blend, METH_VARARGS, "blend(z, numbers, z, numbers, weight, z) -> (scale, speed, tempo)"},
    {"of_clip", of_clip, METH_VARARGS, "of_clip(clip, z) -> (scale, speed, tempo)"},
    {"to_clip", to_clip, METH_VARARGS, "to_clip(z, numbers, name) -> (clip, report)"},
    {"window", window, METH_VARARGS, "window(clip, time, scale, window)"},
    {"encode", encode, METH_VARARGS, "encode(windows, means, log_variances)"},
    {"decode", decode, METH_VARARGS, "decode(latents, windows)"},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, (void *)new_style},
    {Py_tp_dealloc, (void *)dealloc},
    {Py_tp_methods, methods},
    {Py_tp_doc, (void *)"StyleVAE(settings)"},
    {0, NULL},
};
static PyType_Spec spec = {"amble._amble.StyleVAE", sizeof(style), 0, Py_TPFLAGS_DEFAULT, slots};

bool ext_add_style(PyObject *module)
{
    return ext_add_type(module, &spec) != NULL;
}
