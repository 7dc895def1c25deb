/* The module amble._amble: exceptions, definitions, arrays and handles, and the functions that need no
 * object. */
#include "python/src/module.h"

#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

/* ---- exceptions ---- */

static PyObject *error_type[AMB_ERROR_PHYSICS + 1];

PyObject *ext_raise(amb_result result)
{
    const bool known = result > AMB_OK && result <= AMB_ERROR_PHYSICS && error_type[result];
    PyErr_SetString(known ? error_type[result] : PyExc_RuntimeError, amb_error_message());
    return NULL;
}

PyObject *ext_done(amb_result result)
{
    if (result != AMB_OK)
        return ext_raise(result);
    Py_RETURN_NONE;
}

/* An assertion of the library's becomes an exception: the function that failed returns AMB_ERROR_ARGUMENT
 * with a sentence. */
static void on_assertion(void *context, const char *condition, const char *function)
{
    (void)context, (void)condition, (void)function;
}

static bool add_error(PyObject *module, amb_result result, const char *name, const char *doc, PyObject *base,
                      PyObject *builtin, PyObject *other)
{
    char full[64];
    PyOS_snprintf(full, sizeof full, "amble.%s", name);
    PyObject *bases = other ? PyTuple_Pack(3, base, builtin, other) : PyTuple_Pack(2, base, builtin);
    PyObject *type = bases ? PyErr_NewExceptionWithDoc(full, doc, bases, NULL) : NULL;
    Py_XDECREF(bases);
    if (!type || PyModule_AddObjectRef(module, name, type) < 0)
        return false;
    error_type[result] = type;
    return true;
}

static bool add_errors(PyObject *module)
{
    PyObject *base =
        PyErr_NewExceptionWithDoc("amble.Error", "What all of amble's exceptions are.", NULL, NULL);
    if (!base || PyModule_AddObjectRef(module, "Error", base) < 0)
        return false;
    return add_error(module, AMB_ERROR_ARGUMENT, "ArgumentError",
                     "A value outside of its range, or values that contradict each other.", base,
                     PyExc_ValueError, NULL) &&
           add_error(module, AMB_ERROR_NOT_FOUND, "NotFoundError",
                     "No file, motion, style or model of that name.", base, PyExc_FileNotFoundError,
                     PyExc_LookupError) &&
           add_error(module, AMB_ERROR_FILE, "FileError",
                     "A file cannot be read or written, or its content is not valid.", base, PyExc_OSError,
                     PyExc_ValueError) &&
           add_error(module, AMB_ERROR_UNSUPPORTED, "UnsupportedError",
                     "Valid, but this version or this machine cannot do it.", base, PyExc_RuntimeError,
                     NULL) &&
           add_error(module, AMB_ERROR_MEMORY, "OutOfMemoryError", "Out of memory.", base, PyExc_MemoryError,
                     NULL) &&
           add_error(module, AMB_ERROR_PHYSICS, "PhysicsError", "MuJoCo reported an error.", base,
                     PyExc_RuntimeError, NULL);
}

/* ---- definitions ---- */

const ext_name ext_precisions[] = {{"auto", AMB_PRECISION_AUTO}, {"fp32", AMB_PRECISION_FP32},
                                   {"bf16", AMB_PRECISION_BF16}, {"int16", AMB_PRECISION_INT16},
                                   {"int8", AMB_PRECISION_INT8}, {NULL, 0}};

static const ext_name action_modes[] = {
    {"residual", AMB_ACTION_RESIDUAL}, {"absolute", AMB_ACTION_ABSOLUTE}, {NULL, 0}};
static const ext_name autoresets[] = {{"none", AMB_AUTORESET_NONE},
                                      {"next_step", AMB_AUTORESET_NEXT_STEP},
                                      {"same_step", AMB_AUTORESET_SAME_STEP},
                                      {NULL, 0}};

#define FIELD(type, kind, name)                    \
    {                                              \
#name, kind, offsetof(type, name), NULL, 0 \
    }

const ext_field ext_env_fields[] = {
    FIELD(amb_env_def, EXT_TEXT, motion),
    FIELD(amb_env_def, EXT_TEXT, clips),
    FIELD(amb_env_def, EXT_CLIP, clip),
    FIELD(amb_env_def, EXT_DOUBLE, style_change_s),
    FIELD(amb_env_def, EXT_DOUBLE, ground_speed),
    FIELD(amb_env_def, EXT_DOUBLE, rate),
    FIELD(amb_env_def, EXT_TEXT, policy),
    {"action_mode", EXT_ENUM, offsetof(amb_env_def, action_mode), action_modes, 0},
    FIELD(amb_env_def, EXT_BOOL, goal),
    FIELD(amb_env_def, EXT_DOUBLE, physics_hz),
    FIELD(amb_env_def, EXT_INT, substeps),
    FIELD(amb_env_def, EXT_DOUBLE, look_ahead),
    FIELD(amb_env_def, EXT_BOOL, self_collision),
    FIELD(amb_env_def, EXT_TEXT, may_touch),
    FIELD(amb_env_def, EXT_DOUBLE, episode_s),
    FIELD(amb_env_def, EXT_PAIR, hold_s),
    FIELD(amb_env_def, EXT_DOUBLE, max_root_m),
    FIELD(amb_env_def, EXT_DOUBLE, max_height_m),
    FIELD(amb_env_def, EXT_DOUBLE, max_tilt),
    FIELD(amb_env_def, EXT_DOUBLE, max_body_m),
    FIELD(amb_env_def, EXT_DOUBLE, start_phase),
    FIELD(amb_env_def, EXT_DOUBLE, start_heading),
    FIELD(amb_env_def, EXT_DOUBLE, start_noise),
    FIELD(amb_env_def, EXT_DOUBLE, turn_rate),
    FIELD(amb_env_def, EXT_DOUBLE, push_speed),
    FIELD(amb_env_def, EXT_DOUBLE, push_period),
    FIELD(amb_env_def, EXT_BOOL, push_random),
    FIELD(amb_env_def, EXT_UINT64, seed),
    FIELD(amb_env_def, EXT_UINT64, stream),
    FIELD(amb_env_def, EXT_PAIR, friction),
    FIELD(amb_env_def, EXT_PAIR, mass_range),
    FIELD(amb_env_def, EXT_INT_PAIR, delay),
    FIELD(amb_env_def, EXT_DOUBLE, observation_noise),
    {"autoreset", EXT_ENUM, offsetof(amb_env_def, autoreset), autoresets, 0},
    {"threads", EXT_INT, offsetof(amb_env_def, parallel.threads), NULL, 0},
    {NULL, 0, 0, NULL, 0},
};

const ext_field ext_model_fields[] = {
    {"precision", EXT_ENUM, offsetof(amb_model_def, precision), ext_precisions, 0},
    FIELD(amb_model_def, EXT_DOUBLE, max_mse),
    FIELD(amb_model_def, EXT_INT, calibration_rows),
    {NULL, 0, 0, NULL, 0},
};

/* Replaces the present exception, if it is one about types or sizes, by a sentence with the field's name. */
static bool refuse(PyObject *type, const char *name, PyObject *value, const char *expected)
{
    PyErr_Clear();
    PyErr_Format(type, "%s is %.200R, expected %s", name, value, expected);
    return false;
}

static bool read_double(PyObject *value, const char *name, double *out)
{
    const double x = PyUnicode_Check(value) ? -1 : PyFloat_AsDouble(value);
    if (PyUnicode_Check(value) || (x == -1 && PyErr_Occurred()))
        return refuse(PyErr_ExceptionMatches(PyExc_OverflowError) ? PyExc_ValueError : PyExc_TypeError, name,
                      value, "a number");
    *out = x;
    return true;
}

static bool read_int(PyObject *value, const char *name, int *out)
{
    PyObject *index = PyNumber_Index(value);
    if (!index)
        return refuse(PyExc_TypeError, name, value, "an integer");
    int overflow;
    const long x = PyLong_AsLongAndOverflow(index, &overflow);
    Py_DECREF(index);
    if (overflow || x < INT_MIN || x > INT_MAX)
        return refuse(PyExc_ValueError, name, value, "an integer of 32 bits");
    *out = (int)x;
    return true;
}

bool ext_uint64(PyObject *value, const char *name, uint64_t *out)
{
    PyObject *index = PyNumber_Index(value);
    if (!index)
        return refuse(PyExc_TypeError, name, value, "an integer");
    const unsigned long long x = PyLong_AsUnsignedLongLong(index);
    Py_DECREF(index);
    if (x == (unsigned long long)-1 && PyErr_Occurred())
        return refuse(PyExc_ValueError, name, value, "an integer from 0 to 2**64 - 1");
    *out = x;
    return true;
}

static bool read_bool(PyObject *value, const char *name, bool *out)
{
    if (PyUnicode_Check(value) || PyFloat_Check(value) || PySequence_Check(value))
        return refuse(PyExc_TypeError, name, value, "True or False");
    const int x = PyObject_IsTrue(value);
    if (x < 0)
        return refuse(PyExc_TypeError, name, value, "True or False");
    *out = x != 0;
    return true;
}

static bool read_enum(PyObject *value, const ext_field *field, int *out)
{
    char known[256] = "";
    const char *text = PyUnicode_Check(value) ? PyUnicode_AsUTF8AndSize(value, NULL) : NULL;
    for (const ext_name *n = field->names; n->name; n++) {
        if (text && strcmp(text, n->name) == 0) {
            *out = n->value;
            return true;
        }
        const size_t used = strlen(known);
        PyOS_snprintf(known + used, sizeof known - used, "%s'%s'", used ? ", " : "one of ", n->name);
    }
    return refuse(text ? PyExc_ValueError : PyExc_TypeError, field->name, value, known);
}

static bool read_numbers(PyObject *value, const char *name, double *out, int n)
{
    if (PyUnicode_Check(value) || !PySequence_Check(value) || PySequence_Size(value) != n)
        return refuse(PyExc_TypeError, name, value, n == 2 ? "two numbers" : "three numbers");
    for (int i = 0; i < n; i++) {
        PyObject *item = PySequence_GetItem(value, i);
        const bool ok = item && read_double(item, name, &out[i]);
        Py_XDECREF(item);
        if (!ok)
            return false;
    }
    return true;
}

const char *ext_text(PyObject *value, const char *what, PyObject *keep)
{
    PyObject *path = PyOS_FSPath(value), *bytes = NULL;
    if (!path) {
        refuse(PyExc_TypeError, what, value, "a string or a path");
        return NULL;
    }
    char *text = NULL;
    Py_ssize_t length = 0;
    if (PyUnicode_Check(path))
        bytes = PyUnicode_EncodeFSDefault(path);
    else
        bytes = Py_NewRef(path);
    Py_DECREF(path);
    if (!bytes)
        return NULL;
    if (PyBytes_AsStringAndSize(bytes, &text, &length) < 0 || PyList_Append(keep, bytes) < 0)
        text = NULL;
    else if (strlen(text) != (size_t)length) {
        PyErr_Format(PyExc_ValueError, "%s contains a NUL character", what);
        text = NULL;
    }
    Py_DECREF(bytes);
    return text;
}

/* The array of pointers itself is a bytes object in `keep`. */
static bool read_texts(PyObject *value, const ext_field *field, char *def, PyObject *keep)
{
    const Py_ssize_t n = PyUnicode_Check(value) || !PySequence_Check(value) ? -1 : PySequence_Size(value);
    if (n < 0 || n > 1000)
        return refuse(PyExc_TypeError, field->name, value, "a list of strings");
    PyObject *array = PyBytes_FromStringAndSize(NULL, (n + 1) * (Py_ssize_t)sizeof(char *));
    if (!array || PyList_Append(keep, array) < 0) {
        Py_XDECREF(array);
        return false;
    }
    Py_DECREF(array); /* the list's */
    const char **text = (const char **)(void *)PyBytes_AsString(array);
    text[n] = NULL;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *item = PySequence_GetItem(value, i);
        text[i] = item ? ext_text(item, field->name, keep) : NULL;
        Py_XDECREF(item);
        if (!text[i])
            return false;
    }
    const int count = (int)n;
    memcpy(def + field->offset, &text, sizeof text);
    memcpy(def + field->other, &count, sizeof count);
    return true;
}

static bool read_int_pair(PyObject *value, const char *name, int *out)
{
    if (!PySequence_Check(value) || PyUnicode_Check(value)) {
        if (!read_int(value, name, &out[0]))
            return false;
        out[1] = out[0];
        return true;
    }
    if (PySequence_Size(value) != 2)
        return refuse(PyExc_ValueError, name, value, "a whole number, or two");
    for (int i = 0; i < 2; i++) {
        PyObject *item = PySequence_GetItem(value, i);
        const bool ok = item && read_int(item, name, &out[i]);
        Py_XDECREF(item);
        if (!ok)
            return false;
    }
    return true;
}

static bool read_field(PyObject *value, const ext_field *field, char *def, PyObject *keep)
{
    char *at = def + field->offset;
    switch (field->kind) {
    case EXT_DOUBLE:
        return read_double(value, field->name, (double *)(void *)at);
    case EXT_INT:
        return read_int(value, field->name, (int *)(void *)at);
    case EXT_BOOL:
        return read_bool(value, field->name, (bool *)at);
    case EXT_UINT64:
        return ext_uint64(value, field->name, (uint64_t *)(void *)at);
    case EXT_ENUM:
        return read_enum(value, field, (int *)(void *)at);
    case EXT_PAIR:
        return read_numbers(value, field->name, (double *)(void *)at, 2);
    case EXT_INT_PAIR:
        return read_int_pair(value, field->name, (int *)(void *)at);
    case EXT_TRIPLE:
        return read_numbers(value, field->name, (double *)(void *)at, 3);
    case EXT_TEXT: {
        const char *text = ext_text(value, field->name, keep);
        memcpy(at, &text, sizeof text);
        return text != NULL;
    }
    case EXT_TEXTS:
        return read_texts(value, field, def, keep);
    case EXT_CLIP: {
        const amb_clip *clip = ext_clip_of(value);
        memcpy(at, &clip, sizeof clip);
        return clip && PyList_Append(keep, value) == 0;
    }
    }
    return false;
}

static bool refuse_unknown(PyObject *key, const ext_field *fields, const char *what)
{
    PyObject *known = PyUnicode_FromString("");
    for (const ext_field *f = fields; f->name && known; f++) {
        PyObject *longer = PyUnicode_FromFormat("%U%s%s", known, f == fields ? "" : ", ", f->name);
        Py_DECREF(known);
        known = longer;
    }
    if (known)
        PyErr_Format(PyExc_TypeError, "%R is no setting of %s; there are %U", key, what, known);
    Py_XDECREF(known);
    return false;
}

bool ext_read_fields(PyObject *dict, const ext_field *fields, void *def, const char *what, PyObject **keep)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    *keep = PyList_New(0);
    if (!*keep)
        return false;
    if (!PyDict_Check(dict)) {
        PyErr_Format(PyExc_TypeError, "the settings of %s are %.200R, expected a dictionary", what, dict);
        return false;
    }
    while (PyDict_Next(dict, &at, &key, &value)) {
        const char *name = PyUnicode_Check(key) ? PyUnicode_AsUTF8AndSize(key, NULL) : NULL;
        const ext_field *f = fields;
        while (name && f->name && strcmp(f->name, name) != 0)
            f++;
        if (!name || !f->name)
            return refuse_unknown(key, fields, what);
        if (value != Py_None && !read_field(value, f, def, *keep))
            return false;
    }
    return true;
}

/* ---- arrays ---- */

char ext_array_type(const Py_buffer *view)
{
    const char *format = view->format ? view->format : "B";
    if (*format == '@' || *format == '=' || *format == '<') /* of little-endian machines, as amble's are */
        format++;
    if (strlen(format) != 1)
        return 0;
    switch (*format) {
    case 'l':
        return view->itemsize == 8 ? 'q' : 'i';
    case 'L':
        return view->itemsize == 8 ? 'Q' : 0;
    case 'f':
    case 'd':
    case '?':
    case 'B':
    case 'q':
    case 'Q':
    case 'i':
    case 'e':
        return *format;
    default:
        return 0;
    }
}

static const char *type_name(char type)
{
    switch (type) {
    case 'f':
        return "float32";
    case 'd':
        return "float64";
    case '?':
        return "bool";
    case 'B':
        return "uint8";
    case 'q':
        return "int64";
    case 'Q':
        return "uint64";
    case 'i':
        return "int32";
    case 'e':
        return "float16";
    default:
        return "another type";
    }
}

static void print_shape(int rank, const Py_ssize_t *shape, char *text, size_t size)
{
    size_t used = (size_t)PyOS_snprintf(text, size, "(");
    for (int i = 0; i < rank && used < size; i++)
        if (shape[i] < 0)
            used += (size_t)PyOS_snprintf(text + used, size - used, "%sn", i ? ", " : "");
        else
            used += (size_t)PyOS_snprintf(text + used, size - used, "%s%zd", i ? ", " : "", shape[i]);
    if (used < size)
        PyOS_snprintf(text + used, size - used, rank == 1 ? ",)" : ")");
}

bool ext_get_array(PyObject *object, const char *what, char type, bool writable, int rank,
                   const Py_ssize_t *shape, Py_buffer *view)
{
    if (PyObject_GetBuffer(object, view,
                           PyBUF_FORMAT | PyBUF_C_CONTIGUOUS | (writable ? PyBUF_WRITABLE : 0)) < 0) {
        const bool is_array = PyObject_CheckBuffer(object);
        PyErr_Clear();
        if (!is_array)
            PyErr_Format(PyExc_TypeError, "%s: an array of %s is expected, not %.200R", what, type_name(type),
                         object);
        else
            PyErr_Format(PyExc_ValueError, "%s: the array is not C-contiguous%s", what,
                         writable ? " and writable" : "");
        return false;
    }
    const char found = ext_array_type(view);
    bool fits = view->ndim == rank;
    for (int i = 0; fits && i < rank; i++)
        fits = shape[i] < 0 || view->shape[i] == shape[i];
    if (found != type) {
        PyErr_Format(PyExc_TypeError, "%s: the array's numbers are %s, expected %s", what, type_name(found),
                     type_name(type));
    } else if (!fits) {
        char is[128], expected[128];
        print_shape(view->ndim, view->shape, is, sizeof is);
        print_shape(rank, shape, expected, sizeof expected);
        PyErr_Format(PyExc_ValueError, "%s: the array has the shape %s, expected %s", what, is, expected);
    } else {
        return true;
    }
    PyBuffer_Release(view);
    return false;
}

const Py_buffer *ext_array(ext_arrays *arrays, PyObject *object, const char *what, char type, bool writable,
                           int rank, const Py_ssize_t *shape)
{
    Py_buffer *view = &arrays->view[arrays->count];
    if (!ext_get_array(object, what, type, writable, rank, shape, view))
        return NULL;
    arrays->count++;
    return view;
}

void ext_release(ext_arrays *arrays)
{
    while (arrays->count > 0)
        PyBuffer_Release(&arrays->view[--arrays->count]);
}

/* ---- handles ---- */

unsigned ext_forks;
static bool team_started; /* by this process, or by one that forked it */

static void after_fork(void)
{
    ext_forks++;
}

bool ext_begin_threads(int threads)
{
    if (threads == 1)
        return true;
    if (ext_forks > 0 && team_started) {
        PyErr_Format(PyExc_RuntimeError,
                     "this process was forked from one that had started amble's threads, which a child does "
                     "not have: use "
                     "threads=1, or start processes with multiprocessing's \"spawn\" or \"forkserver\"");
        return false;
    }
    team_started = true;
    return true;
}

bool ext_enter(ext_handle *handle, const char *what)
{
    if (!handle->pointer)
        PyErr_Format(PyExc_ValueError, "the %s is closed", what);
    else if (handle->threaded && handle->forks != ext_forks)
        PyErr_Format(PyExc_RuntimeError,
                     "this %s was made in the process that forked this one, and its threads did not come "
                     "along: make it in the "
                     "child, with threads=1, or start processes with multiprocessing's \"spawn\"",
                     what);
    else if (handle->users > 0 && !handle->shared)
        PyErr_Format(PyExc_RuntimeError, "another thread is using this %s", what);
    else {
        handle->users++;
        return true;
    }
    return false;
}

void ext_leave(ext_handle *handle)
{
    handle->users--;
}

bool ext_may_close(ext_handle *handle, const char *what)
{
    if (handle->users == 0)
        return true;
    PyErr_Format(PyExc_RuntimeError, "another thread is using this %s", what);
    return false;
}

PyTypeObject *ext_add_type(PyObject *module, PyType_Spec *spec)
{
    PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);
    if (!type)
        return NULL;
    if (PyModule_AddType(module, (PyTypeObject *)type) < 0) {
        Py_DECREF(type);
        return NULL;
    }
    return (PyTypeObject *)type; /* kept for ever */
}

ext_handle *ext_new(PyTypeObject *type)
{
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    ext_handle *self = (ext_handle *)allocate(type, 0);
    if (self)
        self->forks = ext_forks;
    return self;
}

PyObject *ext_made(ext_handle *self, amb_result result)
{
    if (result == AMB_OK)
        return (PyObject *)self;
    ext_raise(result);
    Py_DECREF(self);
    return NULL;
}

void ext_free(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF(type);
}

bool ext_set(PyObject *dict, const char *key, PyObject *value)
{
    const bool ok = value && PyDict_SetItemString(dict, key, value) == 0;
    Py_XDECREF(value);
    return ok;
}

PyObject *ext_string(const char *text)
{
    if (!text)
        Py_RETURN_NONE;
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
}

void ext_append(PyObject **list, PyObject *item)
{
    if (!item || PyList_Append(*list, item) < 0)
        Py_CLEAR(*list);
    Py_XDECREF(item);
}

/* ---- functions ---- */

static PyObject *cpu_info(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    amb_cpu_info info = {.size = sizeof info};
    const amb_result result = amb_get_cpu_info(&info);
    if (result != AMB_OK)
        return ext_raise(result);
    return Py_BuildValue("{s:i,s:s,s:{s:s,s:s,s:s,s:s}}", "cores", info.cores, "isa", info.isa, "kernels",
                         "fp32", info.kernel[0], "bf16", info.kernel[1], "int16", info.kernel[2], "int8",
                         info.kernel[3]);
}

static PyObject *set_assets(PyObject *module, PyObject *folder)
{
    (void)module;
    PyObject *keep = PyList_New(0);
    const char *text = NULL;
    PyObject *done = NULL;
    if (keep && (folder == Py_None || (text = ext_text(folder, "the assets' folder", keep))))
        done = ext_done(amb_set_assets(text));
    Py_XDECREF(keep);
    return done;
}

static PyObject *find_asset(PyObject *module, PyObject *name)
{
    (void)module;
    char path[4096];
    PyObject *keep = PyList_New(0), *found = NULL;
    const char *text = keep ? ext_text(name, "the asset's name", keep) : NULL;
    if (text) {
        const amb_result result = amb_find_asset(text, path, sizeof path);
        found = result == AMB_OK ? PyUnicode_DecodeFSDefault(path) : ext_raise(result);
    }
    Py_XDECREF(keep);
    return found;
}

static PyMethodDef functions[] = {
    {"cpu_info", cpu_info, METH_NOARGS, "Cores that this process may use, instruction set, fastest kernels."},
    {"set_assets", set_assets, METH_O, "Sets the folder with amble's own files; None: the default."},
    {"find_asset", find_asset, METH_O, "The path of one of amble's own files."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {.m_base = PyModuleDef_HEAD_INIT,
                                        .m_name = "amble._amble",
                                        .m_doc = "The C part of amble; use the package amble.",
                                        .m_size = -1,
                                        .m_methods = functions};

PyMODINIT_FUNC PyInit__amble(void);
PyMODINIT_FUNC PyInit__amble(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (!module)
        return NULL;
    amb_set_assert_handler(on_assertion, NULL);
    pthread_atfork(NULL, NULL, after_fork);
    if (PyModule_AddStringConstant(module, "version", amb_version_string()) < 0 || !add_errors(module) ||
        !ext_add_clip(module) || !ext_add_envs(module) || !ext_add_model(module) || !ext_add_phase(module) ||
        !ext_add_style(module) || !ext_add_character(module) || !ext_add_render(module) ||
        !ext_add_rollout(module)) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
