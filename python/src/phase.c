/* _amble.DeepPhase, and the functions about phases. A phase is four float64: x, y, phase, amplitude. */
#include "python/src/module.h"

#include <stdlib.h>
#include <string.h>

enum { PHASE = 4 };
_Static_assert(sizeof(amb_phase) == PHASE * sizeof(double), "a row of an array is an amb_phase");

static amb_deepphase *of(PyObject *self)
{
    return ((ext_handle *)self)->pointer;
}

static void dealloc(PyObject *self)
{
    amb_deepphase_destroy(of(self));
    ext_free(self);
}

static PyObject *new_deepphase(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"path", "settings", NULL};
    PyObject *path_object, *settings, *keep = NULL, *path_keep = PyList_New(0);
    const char *path = NULL;
    amb_model_def def;
    amb_deepphase *made = NULL;
    ext_handle *self = NULL;
    amb_model_def_init(&def);
    if (path_keep && PyArg_ParseTupleAndKeywords(args, kwargs, "OO", names, &path_object, &settings) &&
        ext_read_fields(settings, ext_model_fields, &def, "a model", &keep) &&
        (path_object == Py_None || (path = ext_text(path_object, "the model", path_keep)))) {
        const amb_result result = amb_deepphase_load(path, &def, &made);
        if (result != AMB_OK)
            ext_raise(result);
        else if ((self = ext_new(type)) != NULL) {
            self->pointer = made;
            self->shared = true;
        } else {
            amb_deepphase_destroy(made);
        }
    }
    Py_XDECREF(keep);
    Py_XDECREF(path_keep);
    return (PyObject *)self;
}

/* encode(features, phases, unwrapped): unwrapped None: each frame for itself; else as frames of one
 * motion. */
static PyObject *encode(PyObject *self, PyObject *args)
{
    PyObject *features_array, *phases_array, *unwrapped_array;
    Py_buffer features, phases, unwrapped = {0};
    const Py_ssize_t in[2] = {-1, amb_phase_feature_count()};
    amb_result result = AMB_OK;
    if (!PyArg_ParseTuple(args, "OOO", &features_array, &phases_array, &unwrapped_array) ||
        !ext_get_array(features_array, "features", 'f', false, 2, in, &features))
        return NULL;
    const Py_ssize_t n = features.shape[0], out[2] = {n, PHASE};
    void *workspace = NULL;
    bool ok = ext_get_array(phases_array, "phases", 'd', true, 2, out, &phases);
    if (ok && unwrapped_array != Py_None) {
        ok = ext_get_array(unwrapped_array, "unwrapped", 'd', true, 1, out, &unwrapped);
        if (!ok)
            PyBuffer_Release(&phases);
    }
    if (ok && n > 0 && n <= 1 << 30) {
        workspace = malloc(amb_deepphase_workspace_size(of(self)) + 1);
        if (workspace) {
            Py_BEGIN_ALLOW_THREADS result =
                unwrapped.obj
                    ? amb_deepphase_encode_sequence(of(self), features.buf, (int)n, phases.buf, unwrapped.buf,
                                                    workspace)
                    : amb_deepphase_encode_batch(of(self), features.buf, (int)n, phases.buf, workspace);
            Py_END_ALLOW_THREADS free(workspace);
        } else {
            PyErr_NoMemory();
            ok = false;
            PyBuffer_Release(&phases);
        }
    }
    if (unwrapped.obj)
        PyBuffer_Release(&unwrapped);
    if (ok)
        PyBuffer_Release(&phases);
    PyBuffer_Release(&features);
    return ok ? ext_done(result) : NULL;
}

static PyMethodDef methods[] = {
    {"encode", encode, METH_VARARGS, "encode(features, phases, unwrapped=None): fills the last two."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, (void *)new_deepphase},
    {Py_tp_dealloc, (void *)dealloc},
    {Py_tp_methods, methods},
    {Py_tp_doc, (void *)"DeepPhase(path or None, settings)"},
    {0, NULL},
};
static PyType_Spec spec = {"amble._amble.DeepPhase", sizeof(ext_handle), 0, Py_TPFLAGS_DEFAULT, slots};

/* ---- functions ---- */

/* Phases (n, 4) and unwrapped phases (n). */
static bool get_sequence(PyObject *phases_array, PyObject *unwrapped_array, Py_buffer *phases,
                         Py_buffer *unwrapped)
{
    Py_ssize_t shape[2] = {-1, PHASE};
    if (!ext_get_array(phases_array, "phases", 'd', false, 2, shape, phases))
        return false;
    shape[0] = phases->shape[0];
    if (ext_get_array(unwrapped_array, "unwrapped", 'd', false, 1, shape, unwrapped)) {
        if (shape[0] > 0 && shape[0] <= 1 << 30)
            return true;
        PyErr_Format(PyExc_ValueError, "a motion of %zd frames, expected 1 or more", shape[0]);
        PyBuffer_Release(unwrapped);
    }
    PyBuffer_Release(phases);
    return false;
}

static PyObject *velocity(PyObject *module, PyObject *args)
{
    PyObject *phases_array, *unwrapped_array, *velocities_array, *done = NULL;
    double rate;
    Py_buffer phases, unwrapped, velocities;
    (void)module;
    if (!PyArg_ParseTuple(args, "OOdO", &phases_array, &unwrapped_array, &rate, &velocities_array) ||
        !get_sequence(phases_array, unwrapped_array, &phases, &unwrapped))
        return NULL;
    const Py_ssize_t n = phases.shape[0];
    if (ext_get_array(velocities_array, "velocities", 'd', true, 1, &n, &velocities)) {
        done = ext_done(amb_deepphase_velocity(phases.buf, unwrapped.buf, (int)n, rate, velocities.buf));
        PyBuffer_Release(&velocities);
    }
    PyBuffer_Release(&unwrapped);
    PyBuffer_Release(&phases);
    return done;
}

static PyObject *periodicity(PyObject *module, PyObject *args)
{
    PyObject *phases_array, *unwrapped_array;
    double rate;
    Py_buffer phases, unwrapped;
    (void)module;
    if (!PyArg_ParseTuple(args, "OOd", &phases_array, &unwrapped_array, &rate) ||
        !get_sequence(phases_array, unwrapped_array, &phases, &unwrapped))
        return NULL;
    amb_phase_period p = {.size = sizeof p};
    const amb_result result =
        amb_deepphase_periodicity(phases.buf, unwrapped.buf, (int)phases.shape[0], rate, &p);
    PyBuffer_Release(&unwrapped);
    PyBuffer_Release(&phases);
    if (result != AMB_OK)
        return ext_raise(result);
    return Py_BuildValue("{s:d,s:d,s:d,s:d,s:O}", "period", p.period, "velocity", p.velocity, "cycles",
                         p.cycles, "confidence", p.confidence, "short_of_two_cycles",
                         p.short_of_two_cycles ? Py_True : Py_False);
}

static PyObject *interpolate(PyObject *module, PyObject *args)
{
    double weight;
    amb_phase a, b, out;
    (void)module;
    if (!PyArg_ParseTuple(args, "(dddd)(dddd)d", &a.x, &a.y, &a.phase, &a.amplitude, &b.x, &b.y, &b.phase,
                          &b.amplitude, &weight))
        return NULL;
    const amb_result result = amb_deepphase_interpolate(&a, &b, weight, &out);
    if (result != AMB_OK)
        return ext_raise(result);
    return Py_BuildValue("(dddd)", out.x, out.y, out.phase, out.amplitude);
}

static PyObject *phase_at(PyObject *module, PyObject *args)
{
    double cycles, amplitude;
    (void)module;
    if (!PyArg_ParseTuple(args, "dd", &cycles, &amplitude))
        return NULL;
    const amb_phase p = amb_phase_at(cycles, amplitude);
    return Py_BuildValue("(dddd)", p.x, p.y, p.phase, p.amplitude);
}

/* phase_features(poses, velocities, features) */
static PyObject *phase_features(PyObject *module, PyObject *args)
{
    PyObject *poses_array, *velocities_array, *features_array;
    Py_buffer poses, velocities, features;
    const amb_skeleton *skeleton;
    amb_skeleton_info info = {.size = sizeof info};
    (void)module;
    amb_result result = amb_skeleton_humanoid(&skeleton);
    if (result == AMB_OK)
        result = amb_skeleton_get_info(skeleton, &info);
    if (result != AMB_OK)
        return ext_raise(result);
    Py_ssize_t pose[2] = {-1, info.pose_size}, velocity_shape[2] = {0, info.velocity_size},
               out[2] = {0, amb_phase_feature_count()};
    if (!PyArg_ParseTuple(args, "OOO", &poses_array, &velocities_array, &features_array) ||
        !ext_get_array(poses_array, "poses", 'd', false, 2, pose, &poses))
        return NULL;
    velocity_shape[0] = out[0] = poses.shape[0];
    bool ok = ext_get_array(velocities_array, "velocities", 'd', false, 2, velocity_shape, &velocities);
    if (ok) {
        ok = ext_get_array(features_array, "features", 'f', true, 2, out, &features);
        for (Py_ssize_t i = 0; ok && i < out[0] && result == AMB_OK; i++)
            result = amb_phase_features(skeleton, (double *)poses.buf + i * pose[1],
                                        (double *)velocities.buf + i * velocity_shape[1],
                                        (float *)features.buf + i * out[1]);
        if (ok)
            PyBuffer_Release(&features);
        PyBuffer_Release(&velocities);
    }
    PyBuffer_Release(&poses);
    return ok ? ext_done(result) : NULL;
}

static PyMethodDef functions[] = {
    {"phase_velocity", velocity, METH_VARARGS, "phase_velocity(phases, unwrapped, rate, velocities)"},
    {"phase_periodicity", periodicity, METH_VARARGS,
     "phase_periodicity(phases, unwrapped, rate) -> dictionary"},
    {"phase_interpolate", interpolate, METH_VARARGS, "phase_interpolate(a, b, weight): tuples of four."},
    {"phase_at", phase_at, METH_VARARGS, "phase_at(cycles, amplitude) -> tuple of four"},
    {"phase_features", phase_features, METH_VARARGS, "phase_features(poses, velocities, features)"},
    {NULL, NULL, 0, NULL},
};

bool ext_add_phase(PyObject *module)
{
    PyObject *names = PyList_New(0);
    for (int i = 0; names && i < amb_phase_point_count(); i++) {
        PyObject *name = ext_string(amb_phase_point_name(i));
        if (!name || PyList_Append(names, name) < 0)
            Py_CLEAR(names);
        Py_XDECREF(name);
    }
    const bool ok = names && PyModule_AddObjectRef(module, "phase_point_names", names) == 0;
    Py_XDECREF(names);
    return ok && ext_add_type(module, &spec) && PyModule_AddFunctions(module, functions) == 0;
}
