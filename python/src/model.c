/* _amble.Model: a network from an ONNX file. */
#include "python/src/module.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_TENSORS = 64 };

/* A workspace is kept for the calls that follow; a call that finds it taken by another thread has its own. */
typedef struct model {
    ext_handle handle; /* amb_model */
    void *workspace;
    size_t workspace_size;
    bool taken;
} model;

static amb_model *of(model *self)
{
    return self->handle.pointer;
}

static void dealloc(PyObject *object)
{
    model *self = (model *)object;
    amb_model_destroy(of(self));
    free(self->workspace);
    ext_free(object);
}

static PyObject *new_model(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"source", "name", "settings", NULL};
    PyObject *source, *settings, *keep = NULL, *path_keep = PyList_New(0), *made = NULL;
    const char *name, *path = NULL;
    Py_buffer bytes = {0};
    amb_model_def def;
    amb_model_def_init(&def);
    bool ok = path_keep &&
              PyArg_ParseTupleAndKeywords(args, kwargs, "OzO", names, &source, &name, &settings) &&
              ext_read_fields(settings, ext_model_fields, &def, "a model", &keep);
    if (ok && name)
        ok = PyObject_GetBuffer(source, &bytes, PyBUF_SIMPLE) == 0;
    else if (ok)
        ok = (path = ext_text(source, "the model", path_keep)) != NULL;
    model *self = ok ? (model *)ext_new(type) : NULL;
    if (self) {
        amb_model *loaded = NULL;
        amb_result result;
        EXT_WITHOUT_GIL(result =
                            path ? amb_model_load(path, &def, &loaded)
                                 : amb_model_load_memory(bytes.buf, (size_t)bytes.len, name, &def, &loaded));
        self->handle.pointer = loaded;
        self->handle.shared = true;
        made = ext_made(&self->handle, result);
    }
    if (bytes.obj)
        PyBuffer_Release(&bytes);
    Py_XDECREF(keep);
    Py_XDECREF(path_keep);
    return made;
}

/* ---- inputs, outputs, metadata ---- */

typedef amb_result (*tensor_of)(const amb_model *model, int index, amb_tensor_info *info);

static const char *dtype_name(amb_type type)
{
    switch (type) {
    case AMB_FLOAT32:
        return "float32";
    case AMB_INT32:
        return "int32";
    case AMB_INT64:
        return "int64";
    case AMB_BOOL:
        return "bool";
    case AMB_FLOAT16:
        return "float16";
    case AMB_FLOAT64:
        return "float64";
    }
    return "float32";
}

static PyObject *tensors(model *self, int count, tensor_of get)
{
    PyObject *list = PyList_New(0);
    for (int i = 0; list && i < count; i++) {
        amb_tensor_info info = {.size = sizeof info};
        if (get(of(self), i, &info) != AMB_OK) {
            Py_DECREF(list);
            return ext_raise(AMB_ERROR_ARGUMENT);
        }
        PyObject *shape = PyTuple_New(info.rank);
        for (int d = 0; shape && d < info.rank; d++)
            PyTuple_SetItem(shape, d, PyLong_FromLongLong(info.shape[d]));
        ext_append(&list, shape ? Py_BuildValue("(ssN)", info.name, dtype_name(info.type), shape) : NULL);
    }
    return list;
}

static PyObject *inputs(PyObject *object, PyObject *unused)
{
    model *self = (model *)object;
    (void)unused;
    return tensors(self, amb_model_inputs(of(self)), amb_model_input);
}

static PyObject *outputs(PyObject *object, PyObject *unused)
{
    model *self = (model *)object;
    (void)unused;
    return tensors(self, amb_model_outputs(of(self)), amb_model_output);
}

static PyObject *metadata(PyObject *object, PyObject *unused)
{
    model *self = (model *)object;
    (void)unused;
    PyObject *dict = PyDict_New();
    const char *key;
    for (int i = 0; dict && (key = amb_model_metadata_key(of(self), i)) != NULL; i++)
        if (!ext_set(dict, key, ext_string(amb_model_metadata(of(self), key))))
            Py_CLEAR(dict);
    return dict;
}

static PyObject *get_info(PyObject *object, PyObject *unused)
{
    model *self = (model *)object;
    amb_model_info i = {.size = sizeof i};
    (void)unused;
    const amb_result result = amb_model_get_info(of(self), &i);
    if (result != AMB_OK)
        return ext_raise(result);
    return Py_BuildValue("{s:s,s:s,s:d,s:n,s:L,s:s}", "precision", ext_precisions[i.precision].name, "kernel",
                         i.kernel, "mse", i.mse, "weight_bytes", (Py_ssize_t)i.weight_bytes,
                         "multiplications", (long long)i.multiplications, "precisions", i.precisions);
}

/* ---- running ---- */

static bool set_type(char letter, amb_type *type)
{
    switch (letter) {
    case 'f':
        *type = AMB_FLOAT32;
        return true;
    case 'd':
        *type = AMB_FLOAT64;
        return true;
    case 'i':
        *type = AMB_INT32;
        return true;
    case 'q':
        *type = AMB_INT64;
        return true;
    case '?':
        *type = AMB_BOOL;
        return true;
    case 'e':
        *type = AMB_FLOAT16;
        return true;
    default:
        return false;
    }
}

/* A tensor from an array; name NULL: by place. */
static bool get_tensor(PyObject *array, const char *name, bool writable, amb_tensor *tensor, Py_buffer *view)
{
    const char *label = name ? name : "the array";
    if (PyObject_GetBuffer(array, view, PyBUF_FORMAT | PyBUF_C_CONTIGUOUS | (writable ? PyBUF_WRITABLE : 0)) <
        0) {
        view->obj = NULL;
        PyErr_Clear();
        PyErr_Format(PyExc_TypeError, "%s: a C-contiguous%s array is expected", label,
                     writable ? ", writable" : "");
        return false;
    }
    *tensor = (amb_tensor){.name = name, .data = view->buf, .rank = view->ndim};
    if (!set_type(ext_array_type(view), &tensor->type)) {
        PyErr_Format(PyExc_TypeError,
                     "%s: the array's numbers have the format \"%s\", expected float16, float32, float64, "
                     "int32, int64 "
                     "or bool",
                     label, view->format ? view->format : "B");
        return false;
    }
    if (view->ndim < 1 || view->ndim > AMB_MAX_RANK) {
        PyErr_Format(PyExc_ValueError, "%s: the array has %d dimensions, expected 1 to %d", label, view->ndim,
                     AMB_MAX_RANK);
        return false;
    }
    for (int d = 0; d < view->ndim; d++)
        tensor->shape[d] = view->shape[d];
    return true;
}

static bool get_tensors(PyObject *pairs, bool writable, amb_tensor *tensor, Py_buffer *view, int *count)
{
    const Py_ssize_t n = PyList_Check(pairs) ? PyList_Size(pairs) : -1;
    if (n < 0 || n > MAX_TENSORS) {
        PyErr_Format(PyExc_ValueError, "expected a list of at most %d pairs (name, array)", MAX_TENSORS);
        return false;
    }
    *count = (int)n;
    for (int i = 0; i < n; i++) {
        PyObject *pair = PyList_GetItem(pairs, i), *array;
        const char *name;
        if (!PyTuple_Check(pair) || !PyArg_ParseTuple(pair, "zO", &name, &array) ||
            !get_tensor(array, name, writable, &tensor[i], &view[i]))
            return false;
    }
    return true;
}

/* The number of rows that a tensor has: what stands where its declared shape has the batch. */
static int64_t rows_of(model *self, const amb_tensor *tensor, int place)
{
    amb_tensor_info info = {.size = sizeof info};
    for (int i = 0; i < amb_model_inputs(of(self)); i++) {
        if (amb_model_input(of(self), i, &info) != AMB_OK ||
            (tensor->name ? strcmp(info.name, tensor->name) != 0 : i != place))
            continue;
        for (int d = 0; d < info.rank && info.rank == tensor->rank; d++)
            if (info.shape[d] < 0)
                return tensor->shape[d];
    }
    return 1;
}

/* Runs with the kept workspace, or with one of its own. */
static PyObject *run_tensors(model *self, const amb_tensor *in, int in_count, const amb_tensor *out,
                             int out_count)
{
    int64_t rows = 1;
    for (int i = 0; i < in_count; i++) {
        const int64_t n = rows_of(self, &in[i], i);
        rows = n > rows ? n : rows;
    }
    const size_t size = amb_model_workspace_size(of(self), rows);
    const bool mine = !self->taken;
    void *workspace = NULL;
    if (mine && size > self->workspace_size) {
        free(self->workspace);
        self->workspace = malloc(size);
        self->workspace_size = self->workspace ? size : 0;
    }
    workspace = mine ? self->workspace : malloc(size);
    if (!workspace && size > 0)
        return PyErr_NoMemory();
    self->taken = true;
    amb_result result;
    EXT_WITHOUT_GIL(result = amb_model_run(of(self), in, in_count, out, out_count, workspace));
    if (mine)
        self->taken = false;
    else
        free(workspace);
    return ext_done(result);
}

/* run(inputs, outputs): lists of (name or None, array) */
static PyObject *run(PyObject *object, PyObject *args)
{
    model *self = (model *)object;
    PyObject *in_pairs, *out_pairs, *done = NULL;
    amb_tensor in[MAX_TENSORS], out[MAX_TENSORS];
    Py_buffer in_view[MAX_TENSORS], out_view[MAX_TENSORS];
    int in_count = 0, out_count = 0;
    for (int i = 0; i < MAX_TENSORS; i++)
        in_view[i].obj = out_view[i].obj = NULL;
    if (PyArg_ParseTuple(args, "OO", &in_pairs, &out_pairs) &&
        get_tensors(in_pairs, false, in, in_view, &in_count) &&
        get_tensors(out_pairs, true, out, out_view, &out_count))
        done = run_tensors(self, in, in_count, out, out_count);
    for (int i = 0; i < MAX_TENSORS; i++) {
        if (in_view[i].obj)
            PyBuffer_Release(&in_view[i]);
        if (out_view[i].obj)
            PyBuffer_Release(&out_view[i]);
    }
    return done;
}

/* run_one(x, y): the only input and the first output. */
static PyObject *run_one(PyObject *object, PyObject *const *args, Py_ssize_t n)
{
    amb_tensor in, out;
    Py_buffer in_view, out_view;
    PyObject *done = NULL;
    if (n != 2) {
        PyErr_SetString(PyExc_TypeError, "run_one takes an input and an output");
        return NULL;
    }
    if (get_tensor(args[0], NULL, false, &in, &in_view)) {
        if (get_tensor(args[1], NULL, true, &out, &out_view))
            done = run_tensors((model *)object, &in, 1, &out, 1);
        if (out_view.obj)
            PyBuffer_Release(&out_view);
    }
    if (in_view.obj)
        PyBuffer_Release(&in_view);
    return done;
}

static PyMethodDef methods[] = {
    {"inputs", inputs, METH_NOARGS, "[(name, type, shape)], -1 is the batch."},
    {"outputs", outputs, METH_NOARGS, "[(name, type, shape)], -1 is the batch."},
    {"metadata", metadata, METH_NOARGS, "The file's metadata: a dictionary."},
    {"info", get_info, METH_NOARGS, "Precision, kernel, size: a dictionary."},
    {"run", run, METH_VARARGS, "run(inputs, outputs): lists of (name or None, array)."},
    {"run_one", (PyCFunction)(void (*)(void))run_one, METH_FASTCALL,
     "run_one(x, y): the only input and the first output."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, (void *)new_model},
    {Py_tp_dealloc, (void *)dealloc},
    {Py_tp_methods, methods},
    {Py_tp_doc, (void *)"Model(source, name, settings): source is a path, or, with a name, bytes."},
    {0, NULL},
};
static PyType_Spec spec = {"amble._amble.Model", sizeof(model), 0, Py_TPFLAGS_DEFAULT, slots};

bool ext_add_model(PyObject *module)
{
    return ext_add_type(module, &spec) != NULL;
}
