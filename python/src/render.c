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
    PyObject *settings, *keep = NULL, *made = NULL;
    amb_renderer_def def;
    amb_renderer_def_init(&def);
    if (PyArg_ParseTupleAndKeywords(args, kwargs, "O", names, &settings) &&
        ext_read_fields(settings, fields, &def, "a renderer", &keep)) {
        renderer *self = (renderer *)ext_new(type);
        amb_renderer *created = NULL;
        amb_result result;
        if (self) {
            EXT_WITHOUT_GIL(result = amb_renderer_create(&def, &created));
            self->handle.pointer = created;
            self->width = def.width;
            self->height = def.height;
            made = ext_made(&self->handle, result);
        }
    }
    Py_XDECREF(keep);
    return made;
}

/* draw(poses, down, camera, rgb): (n, P) float64, (n) bool, settings, (height, width, 3) uint8 */
static PyObject *draw(PyObject *object, PyObject *args)
{
    renderer *self = (renderer *)object;
    PyObject *poses_array, *down_array, *settings, *rgb_array, *keep = NULL, *done = NULL;
    ext_arrays arrays = {0};
    const Py_buffer *poses, *down, *rgb;
    amb_camera camera;
    Py_ssize_t shape[2] = {-1, -1};
    const Py_ssize_t picture[3] = {self->height, self->width, 3};
    amb_camera_init(&camera);
    if (!PyArg_ParseTuple(args, "OOOO", &poses_array, &down_array, &settings, &rgb_array) ||
        !(poses = ext_array(&arrays, poses_array, "poses", 'd', false, 2, shape)))
        return NULL;
    shape[0] = poses->shape[0];
    if ((down = ext_array(&arrays, down_array, "down", '?', false, 1, shape)) &&
        (rgb = ext_array(&arrays, rgb_array, "rgb", 'B', true, 3, picture)) &&
        ext_read_fields(settings, camera_fields, &camera, "a camera", &keep) &&
        ext_enter(&self->handle, what)) {
        const int n = shape[0] > 1 << 20 ? 1 << 20 : (int)shape[0],
                  width = poses->shape[1] > 1 << 20 ? 0 : (int)poses->shape[1];
        amb_result result;
        EXT_WITHOUT_GIL(result = amb_renderer_draw_poses(self->handle.pointer, poses->buf, width, down->buf,
                                                         n, &camera, rgb->buf));
        ext_leave(&self->handle);
        done = ext_done(result);
    }
    ext_release(&arrays);
    Py_XDECREF(keep);
    return done;
}

/* draw_characters(list, camera, rgb) */
static PyObject *draw_characters(PyObject *object, PyObject *args)
{
    enum { MAX = 1000 };
    renderer *self = (renderer *)object;
    PyObject *list, *settings, *rgb_array, *keep = NULL, *done = NULL;
    amb_character **characters;
    ext_arrays arrays = {0};
    const Py_buffer *rgb;
    amb_camera camera;
    const Py_ssize_t picture[3] = {self->height, self->width, 3};
    amb_camera_init(&camera);
    if (PyArg_ParseTuple(args, "OOO", &list, &settings, &rgb_array) &&
        (rgb = ext_array(&arrays, rgb_array, "rgb", 'B', true, 3, picture)) &&
        ext_read_fields(settings, camera_fields, &camera, "a camera", &keep) &&
        ext_enter(&self->handle, what)) {
        const int n = ext_enter_all(list, MAX, &characters);
        if (n >= 0) {
            amb_result result;
            EXT_WITHOUT_GIL(result =
                                amb_renderer_draw(self->handle.pointer, characters, n, 0, &camera, rgb->buf));
            ext_leave_all(list, n, characters);
            done = ext_done(result);
        }
        ext_leave(&self->handle);
    }
    ext_release(&arrays);
    Py_XDECREF(keep);
    return done;
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
