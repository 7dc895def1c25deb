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
    PyObject *path_object, *settings, *keep = NULL, *path_keep = PyList_New(0), *made = NULL;
    const char *path = NULL;
    amb_model_def def;
    amb_model_def_init(&def);
    if (path_keep && PyArg_ParseTupleAndKeywords(args, kwargs, "OO", names, &path_object, &settings) &&
        ext_read_fields(settings, ext_model_fields, &def, "a model", &keep) &&
        (path_object == Py_None || (path = ext_text(path_object, "the model", path_keep)))) {
        ext_handle *self = ext_new(type);
        amb_deepphase *loaded = NULL;
        amb_result result;
        if (self) {
            EXT_WITHOUT_GIL(result = amb_deepphase_load(path, &def, &loaded));
            self->pointer = loaded;
            self->shared = true;
            made = ext_made(self, result);
        }
    }
    Py_XDECREF(keep);
    Py_XDECREF(path_keep);
    return made;
}

/* encode(features, phases, unwrapped): unwrapped None: each frame for itself; else as frames of one
 * motion. */
static PyObject *encode(PyObject *self, PyObject *args)
{
    PyObject *features_array, *phases_array, *unwrapped_array, *done = NULL;
    ext_arrays arrays = {0};
    const Py_buffer *features = NULL, *phases = NULL, *unwrapped = NULL;
    const Py_ssize_t in[2] = {-1, amb_phase_feature_count()};
    Py_ssize_t out[2] = {0, PHASE};
    void *workspace = NULL;
    bool ok = PyArg_ParseTuple(args, "OOO", &features_array, &phases_array, &unwrapped_array) &&
              (features = ext_array(&arrays, features_array, "features", 'f', false, 2, in));
    if (ok) {
        out[0] = features->shape[0];
        ok = (phases = ext_array(&arrays, phases_array, "phases", 'd', true, 2, out)) &&
             (unwrapped_array == Py_None ||
              (unwrapped = ext_array(&arrays, unwrapped_array, "unwrapped", 'd', true, 1, out)));
    }
    if (ok && out[0] > 1 << 30)
        PyErr_Format(PyExc_ValueError, "%zd frames, expected at most %d", out[0], 1 << 30);
    else if (ok && out[0] == 0)
        done = Py_NewRef(Py_None);
    else if (ok && (workspace = malloc(amb_deepphase_workspace_size(of(self)) + 1)) == NULL)
        PyErr_NoMemory();
    else if (ok) {
        const int n = (int)out[0];
        amb_result result;
        EXT_WITHOUT_GIL(
            result = unwrapped
                         ? amb_deepphase_encode_sequence(of(self), features->buf, n, phases->buf,
                                                         unwrapped->buf, workspace)
                         : amb_deepphase_encode_batch(of(self), features->buf, n, phases->buf, workspace));
        done = ext_done(result);
    }
    free(workspace);
    ext_release(&arrays);
    return done;
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

/* Phases (n, 4) and unwrapped phases (n), the first two of `arrays`; n, or 0 with an exception. */
static int get_sequence(ext_arrays *arrays, PyObject *phases_array, PyObject *unwrapped_array)
{
    Py_ssize_t shape[2] = {-1, PHASE};
    const Py_buffer *phases = ext_array(arrays, phases_array, "phases", 'd', false, 2, shape);
    if (!phases)
        return 0;
    shape[0] = phases->shape[0];
    if (!ext_array(arrays, unwrapped_array, "unwrapped", 'd', false, 1, shape))
        return 0;
    if (shape[0] > 0 && shape[0] <= 1 << 30)
        return (int)shape[0];
    PyErr_Format(PyExc_ValueError, "a motion of %zd frames, expected 1 or more", shape[0]);
    return 0;
}

static PyObject *velocity(PyObject *module, PyObject *args)
{
    PyObject *phases, *unwrapped, *velocities_array, *done = NULL;
    double rate;
    ext_arrays arrays = {0};
    const Py_buffer *velocities;
    (void)module;
    if (!PyArg_ParseTuple(args, "OOdO", &phases, &unwrapped, &rate, &velocities_array))
        return NULL;
    const Py_ssize_t n = get_sequence(&arrays, phases, unwrapped);
    if (n > 0 && (velocities = ext_array(&arrays, velocities_array, "velocities", 'd', true, 1, &n)))
        done = ext_done(
            amb_deepphase_velocity(arrays.view[0].buf, arrays.view[1].buf, (int)n, rate, velocities->buf));
    ext_release(&arrays);
    return done;
}

static PyObject *periodicity(PyObject *module, PyObject *args)
{
    PyObject *phases, *unwrapped;
    double rate;
    ext_arrays arrays = {0};
    amb_phase_period p = {.size = sizeof p};
    amb_result result = AMB_OK;
    (void)module;
    if (!PyArg_ParseTuple(args, "OOd", &phases, &unwrapped, &rate))
        return NULL;
    const int n = get_sequence(&arrays, phases, unwrapped);
    if (n > 0)
        result = amb_deepphase_periodicity(arrays.view[0].buf, arrays.view[1].buf, n, rate, &p);
    ext_release(&arrays);
    if (n == 0)
        return NULL;
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
    PyObject *poses_array, *velocities_array, *features_array, *done = NULL;
    ext_arrays arrays = {0};
    const Py_buffer *poses, *velocities, *features;
    const amb_skeleton *skeleton;
    amb_skeleton_info info;
    (void)module;
    if (!ext_skeleton(&skeleton, &info))
        return NULL;
    Py_ssize_t pose[2] = {-1, info.pose_size}, velocity_shape[2] = {0, info.velocity_size},
               out[2] = {0, amb_phase_feature_count()};
    if (PyArg_ParseTuple(args, "OOO", &poses_array, &velocities_array, &features_array) &&
        (poses = ext_array(&arrays, poses_array, "poses", 'd', false, 2, pose))) {
        velocity_shape[0] = out[0] = poses->shape[0];
        amb_result result = AMB_OK;
        if ((velocities =
                 ext_array(&arrays, velocities_array, "velocities", 'd', false, 2, velocity_shape)) &&
            (features = ext_array(&arrays, features_array, "features", 'f', true, 2, out))) {
            for (Py_ssize_t i = 0; i < out[0] && result == AMB_OK; i++)
                result = amb_phase_features(skeleton, (double *)poses->buf + i * pose[1],
                                            (double *)velocities->buf + i * velocity_shape[1],
                                            (float *)features->buf + i * out[1]);
            done = ext_done(result);
        }
    }
    ext_release(&arrays);
    return done;
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
    for (int i = 0; names && i < amb_phase_point_count(); i++)
        ext_append(&names, ext_string(amb_phase_point_name(i)));
    const bool ok = names && PyModule_AddObjectRef(module, "phase_point_names", names) == 0;
    Py_XDECREF(names);
    return ok && ext_add_type(module, &spec) && PyModule_AddFunctions(module, functions) == 0;
}
