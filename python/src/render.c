/* _amble.Renderer: pictures without a window, where libamble-render was built. */
#include "python/src/module.h"

#ifdef AMBLE_PYTHON_RENDER

#include <amble/render.h>

#include <stddef.h>

static const char what[] = "renderer";

typedef struct renderer {
    ext_handle handle; /* amb_renderer */
    int width, height;
} renderer;

static const ext_name qualities[] = {
    {"low", AMB_QUALITY_LOW}, {"medium", AMB_QUALITY_MEDIUM}, {"high", AMB_QUALITY_HIGH}, {NULL, 0}};

static const ext_field fields[] = {
    {"width", EXT_INT, offsetof(amb_renderer_def, width), NULL, 0},
    {"height", EXT_INT, offsetof(amb_renderer_def, height), NULL, 0},
    {"quality", EXT_ENUM, offsetof(amb_renderer_def, quality), qualities, 0},
    {"max_characters", EXT_INT, offsetof(amb_renderer_def, max_characters), NULL, 0},
    {"backend", EXT_TEXT, offsetof(amb_renderer_def, backend), NULL, 0},
    {NULL, 0, 0, NULL, 0},
};

static const ext_field camera_fields[] = {
    {"follow", EXT_INT, offsetof(amb_camera, follow), NULL, 0},
    {"at", EXT_PAIR, offsetof(amb_camera, at), NULL, 0},
    {"height", EXT_DOUBLE, offsetof(amb_camera, height), NULL, 0},
    {"azimuth", EXT_DOUBLE, offsetof(amb_camera, azimuth), NULL, 0},
    {"elevation", EXT_DOUBLE, offsetof(amb_camera, elevation), NULL, 0},
    {"distance", EXT_DOUBLE, offsetof(amb_camera, distance), NULL, 0},
    {"seconds", EXT_DOUBLE, offsetof(amb_camera, seconds), NULL, 0},
    {NULL, 0, 0, NULL, 0},
};

static void dealloc(PyObject *self)
{
    amb_renderer_destroy(((ext_handle *)self)->pointer);
    ext_free(self);
}

static PyObject *new_renderer(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"settings", NULL};
    PyObject *settings, *keep = NULL;
    amb_renderer_def def;
    amb_renderer *made = NULL;
    renderer *self = NULL;
    amb_result result;
    amb_renderer_def_init(&def);
    if (PyArg_ParseTupleAndKeywords(args, kwargs, "O", names, &settings) &&
        ext_read_fields(settings, fields, &def, "a renderer", &keep)) {
        Py_BEGIN_ALLOW_THREADS result = amb_renderer_create(&def, &made);
        Py_END_ALLOW_THREADS if (result != AMB_OK) ext_raise(result);
        else if ((self = (renderer *)ext_new(type)) != NULL)
        {
            self->handle.pointer = made;
            self->width = def.width;
            self->height = def.height;
        }
        else
        {
            amb_renderer_destroy(made);
        }
    }
    Py_XDECREF(keep);
    return (PyObject *)self;
}

/* draw(poses, down, camera, rgb): (n, P) float64, (n) bool, settings, (height, width, 3) uint8 */
static PyObject *draw(PyObject *object, PyObject *args)
{
    renderer *self = (renderer *)object;
    PyObject *poses_array, *down_array, *settings, *rgb_array, *keep = NULL;
    Py_buffer poses, down = {0}, rgb = {0};
    amb_camera camera;
    amb_result result = AMB_OK;
    Py_ssize_t shape[2] = {-1, -1};
    const Py_ssize_t picture[3] = {self->height, self->width, 3};
    amb_camera_init(&camera);
    if (!PyArg_ParseTuple(args, "OOOO", &poses_array, &down_array, &settings, &rgb_array) ||
        !ext_get_array(poses_array, "poses", 'd', false, 2, shape, &poses))
        return NULL;
    shape[0] = poses.shape[0];
    bool ok = ext_read_fields(settings, camera_fields, &camera, "a camera", &keep) &&
              ext_get_array(down_array, "down", '?', false, 1, shape, &down) &&
              ext_get_array(rgb_array, "rgb", 'B', true, 3, picture, &rgb) && ext_enter(&self->handle, what);
    if (ok) {
        const int n = shape[0] > 1 << 20 ? 1 << 20 : (int)shape[0],
                  width = poses.shape[1] > 1 << 20 ? 0 : (int)poses.shape[1];
        Py_BEGIN_ALLOW_THREADS result =
            amb_renderer_draw_poses(self->handle.pointer, poses.buf, width, down.buf, n, &camera, rgb.buf);
        Py_END_ALLOW_THREADS ext_leave(&self->handle);
    }
    if (rgb.obj)
        PyBuffer_Release(&rgb);
    if (down.obj)
        PyBuffer_Release(&down);
    PyBuffer_Release(&poses);
    Py_XDECREF(keep);
    return ok ? ext_done(result) : NULL;
}

/* draw_characters(list, camera, rgb) */
static PyObject *draw_characters(PyObject *object, PyObject *args)
{
    enum { MAX = 1000 };
    renderer *self = (renderer *)object;
    PyObject *list, *settings, *rgb_array, *keep = NULL;
    amb_character *character[MAX];
    Py_buffer rgb = {0};
    amb_camera camera;
    amb_result result = AMB_OK;
    const Py_ssize_t picture[3] = {self->height, self->width, 3};
    amb_camera_init(&camera);
    if (!PyArg_ParseTuple(args, "OOO", &list, &settings, &rgb_array))
        return NULL;
    const Py_ssize_t n = PyList_Check(list) ? PyList_Size(list) : -1;
    if (n < 0 || n > MAX) {
        PyErr_Format(PyExc_TypeError, "a list of at most %d characters is expected", MAX);
        return NULL;
    }
    bool ok = ext_read_fields(settings, camera_fields, &camera, "a camera", &keep) &&
              ext_get_array(rgb_array, "rgb", 'B', true, 3, picture, &rgb) && ext_enter(&self->handle, what);
    if (ok) {
        Py_ssize_t entered = 0;
        for (; entered < n; entered++) {
            PyObject *item = PyList_GetItem(list, entered);
            if (!PyObject_TypeCheck(item, ext_character_type)) {
                PyErr_Format(PyExc_TypeError, "a list of characters is expected, found %.200R", item);
                break;
            }
            if (!ext_enter((ext_handle *)item, "character"))
                break;
            character[entered] = ((ext_handle *)item)->pointer;
        }
        ok = entered == n;
        if (ok) {
            Py_BEGIN_ALLOW_THREADS result =
                amb_renderer_draw(self->handle.pointer, character, (int)n, 0, &camera, rgb.buf);
            Py_END_ALLOW_THREADS
        }
        while (entered-- > 0)
            ext_leave((ext_handle *)PyList_GetItem(list, entered));
        ext_leave(&self->handle);
    }
    if (rgb.obj)
        PyBuffer_Release(&rgb);
    Py_XDECREF(keep);
    return ok ? ext_done(result) : NULL;
}

static PyObject *backend(PyObject *object, PyObject *unused)
{
    renderer *self = (renderer *)object;
    (void)unused;
    if (!ext_enter(&self->handle, what))
        return NULL;
    PyObject *name = ext_string(amb_renderer_backend(self->handle.pointer));
    ext_leave(&self->handle);
    return name;
}

static PyObject *close_method(PyObject *object, PyObject *unused)
{
    renderer *self = (renderer *)object;
    (void)unused;
    if (!ext_may_close(&self->handle, what))
        return NULL;
    amb_renderer_destroy(self->handle.pointer);
    self->handle.pointer = NULL;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"draw", draw, METH_VARARGS, "draw(poses, down, camera, rgb)"},
    {"draw_characters", draw_characters, METH_VARARGS, "draw_characters(list, camera, rgb)"},
    {"backend", backend, METH_NOARGS, "What draws: \"EGL (surfaceless)\", \"OSMesa\"."},
    {"close", close_method, METH_NOARGS, "Frees it, so that another can be made."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, (void *)new_renderer},
    {Py_tp_dealloc, (void *)dealloc},
    {Py_tp_methods, methods},
    {Py_tp_doc, (void *)"Renderer(settings): a process has one at a time."},
    {0, NULL},
};
static PyType_Spec spec = {"amble._amble.Renderer", sizeof(renderer), 0, Py_TPFLAGS_DEFAULT, slots};

bool ext_add_render(PyObject *module)
{
    return ext_add_type(module, &spec) != NULL;
}

#else

bool ext_add_render(PyObject *module)
{
    return PyModule_AddObjectRef(module, "Renderer", Py_None) == 0;
}

#endif
