/* _amble.Clip: a motion clip; and the skeleton. */
#include "python/src/module.h"

#include <string.h>

PyTypeObject *ext_clip_type;

static amb_clip *of(PyObject *self)
{
    return ((ext_handle *)self)->pointer;
}

PyObject *ext_wrap_clip(amb_clip *clip)
{
    ext_handle *self = ext_new(ext_clip_type);
    if (!self) {
        amb_clip_destroy(clip);
        return NULL;
    }
    self->pointer = clip;
    self->shared = true;
    return (PyObject *)self;
}

const amb_clip *ext_clip_of(PyObject *object)
{
    PyObject *inner = NULL;
    if (!PyObject_TypeCheck(object, ext_clip_type)) { /* amble.Clip keeps one as _clip */
        inner = PyObject_GetAttrString(object, "_clip");
        if (!inner || !PyObject_TypeCheck(inner, ext_clip_type)) {
            PyErr_Clear();
            PyErr_Format(PyExc_TypeError, "clip is %.200R, expected an amble.Clip", object);
            Py_XDECREF(inner);
            return NULL;
        }
        Py_DECREF(inner); /* the object keeps it */
        object = inner;
    }
    return of(object);
}

static void dealloc(PyObject *self)
{
    amb_clip_destroy(of(self));
    ext_free(self);
}

static PyObject *wrap_result(amb_result result, amb_clip *clip)
{
    return result == AMB_OK ? ext_wrap_clip(clip) : ext_raise(result);
}

/* ---- making ---- */

static PyObject *load(PyObject *type, PyObject *args)
{
    PyObject *name_object, *folder_object = Py_None, *keep = PyList_New(0), *made = NULL;
    (void)type;
    if (keep && PyArg_ParseTuple(args, "O|O", &name_object, &folder_object)) {
        const char *name = ext_text(name_object, "the motion", keep), *folder = NULL;
        amb_clip *clip = NULL;
        amb_result result;
        if (name && (folder_object == Py_None || (folder = ext_text(folder_object, "folder", keep)))) {
            EXT_WITHOUT_GIL(result = amb_clip_load(name, folder, &clip));
            made = wrap_result(result, clip);
        }
    }
    Py_XDECREF(keep);
    return made;
}

static PyObject *from_bytes(PyObject *type, PyObject *args)
{
    Py_buffer bytes;
    const char *name;
    amb_clip *clip = NULL;
    amb_result result;
    (void)type;
    if (!PyArg_ParseTuple(args, "y*s", &bytes, &name))
        return NULL;
    EXT_WITHOUT_GIL(result = amb_clip_load_memory(bytes.buf, (size_t)bytes.len, name, &clip));
    PyBuffer_Release(&bytes);
    return wrap_result(result, clip);
}

/* from_arrays(times, poses, loops, name) */
static PyObject *from_arrays(PyObject *type, PyObject *args)
{
    PyObject *times_array, *poses_array, *made = NULL;
    int loops;
    const char *name;
    ext_arrays arrays = {0};
    const Py_buffer *times, *poses;
    Py_ssize_t shape[2] = {-1, -1};
    (void)type;
    if (!PyArg_ParseTuple(args, "OOps", &times_array, &poses_array, &loops, &name) ||
        !(times = ext_array(&arrays, times_array, "times", 'd', false, 1, shape)))
        return NULL;
    shape[0] = times->shape[0];
    if ((poses = ext_array(&arrays, poses_array, "poses", 'd', false, 2, shape))) {
        amb_clip_def def;
        amb_clip *clip = NULL;
        amb_clip_def_init(&def);
        def.name = name;
        def.loops = loops != 0;
        def.frames = shape[0] > 1 << 30 ? 1 << 30 : (int)shape[0];
        def.pose_size = poses->shape[1] > 1 << 30 ? 1 << 30 : (int)poses->shape[1];
        def.time = times->buf;
        def.pose = poses->buf;
        const amb_result result = amb_clip_create(&def, &clip);
        made = wrap_result(result, clip);
    }
    ext_release(&arrays);
    return made;
}

static PyObject *mirror(PyObject *self, PyObject *unused)
{
    amb_clip *mirrored = NULL;
    (void)unused;
    const amb_result result = amb_clip_mirror(of(self), &mirrored);
    return wrap_result(result, mirrored);
}

static PyObject *save(PyObject *self, PyObject *path_object)
{
    PyObject *keep = PyList_New(0), *done = NULL;
    const char *path = keep ? ext_text(path_object, "path", keep) : NULL;
    if (path)
        done = ext_done(amb_clip_save(of(self), path));
    Py_XDECREF(keep);
    return done;
}

/* ---- reading ---- */

static PyObject *get_info(PyObject *self, PyObject *unused)
{
    (void)unused;
    amb_clip_info i = {.size = sizeof i};
    const amb_result result = amb_clip_get_info(of(self), &i);
    if (result != AMB_OK)
        return ext_raise(result);
    return Py_BuildValue("{s:s,s:i,s:d,s:O,s:i,s:i,s:(ddd),s:I}", "name", i.name, "frames", i.frames,
                         "duration", i.duration, "loops", i.loops ? Py_True : Py_False, "pose_size",
                         i.pose_size, "velocity_size", i.velocity_size, "cycle_offset", i.cycle_offset[0],
                         i.cycle_offset[1], i.cycle_offset[2], "checksum", (unsigned)i.checksum);
}

/* One row for each of n times. */
typedef struct rows {
    Py_ssize_t n, pose_size, velocity_size;
    double *time, *pose, *velocity;
} rows;

/* Gets times (n), poses (n, pose_size) and velocities (n, velocity_size); n < 0: any number. Times are read
 * only, unless they are written, too. */
static bool get_rows(PyObject *self, PyObject *args, Py_ssize_t n, bool writes_times, ext_arrays *arrays,
                     rows *out)
{
    PyObject *times_array, *poses_array, *velocities_array;
    const Py_buffer *times, *poses, *velocities;
    amb_clip_info i = {.size = sizeof i};
    if (!PyArg_ParseTuple(args, "OOO", &times_array, &poses_array, &velocities_array))
        return false;
    if (amb_clip_get_info(of(self), &i) != AMB_OK)
        return ext_raise(AMB_ERROR_ARGUMENT) != NULL;
    if (!(times = ext_array(arrays, times_array, "times", 'd', writes_times, 1, &n)))
        return false;
    *out = (rows){.n = times->shape[0], .pose_size = i.pose_size, .velocity_size = i.velocity_size};
    const Py_ssize_t pose[2] = {out->n, i.pose_size}, velocity[2] = {out->n, i.velocity_size};
    if (!(poses = ext_array(arrays, poses_array, "poses", 'd', true, 2, pose)) ||
        !(velocities = ext_array(arrays, velocities_array, "velocities", 'd', true, 2, velocity)))
        return false;
    out->time = times->buf;
    out->pose = poses->buf;
    out->velocity = velocities->buf;
    return true;
}

static amb_result sample_rows(const amb_clip *clip, const rows *r)
{
    amb_result result = AMB_OK;
    for (Py_ssize_t i = 0; i < r->n && result == AMB_OK; i++)
        result =
            amb_clip_sample(clip, r->time[i], r->pose + i * r->pose_size, r->velocity + i * r->velocity_size);
    return result;
}

/* sample(times, poses, velocities) */
static PyObject *sample(PyObject *self, PyObject *args)
{
    ext_arrays arrays = {0};
    rows r;
    PyObject *done = NULL;
    if (get_rows(self, args, -1, false, &arrays, &r)) {
        amb_result result;
        EXT_WITHOUT_GIL(result = sample_rows(of(self), &r));
        done = ext_done(result);
    }
    ext_release(&arrays);
    return done;
}

/* frames(times, poses, velocities): fills them with all that is stored. */
static PyObject *frames(PyObject *self, PyObject *args)
{
    ext_arrays arrays = {0};
    rows r;
    PyObject *done = NULL;
    amb_clip_info info = {.size = sizeof info};
    amb_result result = amb_clip_get_info(of(self), &info);
    if (result != AMB_OK)
        return ext_raise(result);
    if (get_rows(self, args, info.frames, true, &arrays, &r)) {
        for (int i = 0; i < info.frames && result == AMB_OK; i++)
            result = amb_clip_frame(of(self), i, r.time + i, r.pose + i * r.pose_size,
                                    r.velocity + i * r.velocity_size);
        done = ext_done(result);
    }
    ext_release(&arrays);
    return done;
}

static PyMethodDef methods[] = {
    {"load", load, METH_VARARGS | METH_STATIC, "load(name_or_path, folder=None)"},
    {"from_bytes", from_bytes, METH_VARARGS | METH_STATIC, "from_bytes(bytes, name)"},
    {"from_arrays", from_arrays, METH_VARARGS | METH_STATIC, "from_arrays(times, poses, loops, name)"},
    {"mirror", mirror, METH_NOARGS, "A new clip with left and right exchanged."},
    {"save", save, METH_O, "save(path)"},
    {"info", get_info, METH_NOARGS, "Name, sizes, duration: a dictionary."},
    {"sample", sample, METH_VARARGS, "sample(times, poses, velocities): fills the last two."},
    {"frames", frames, METH_VARARGS, "frames(times, poses, velocities): fills all three."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_dealloc, (void *)dealloc},
    {Py_tp_methods, methods},
    {Py_tp_doc, (void *)"A motion clip."},
    {0, NULL},
};
static PyType_Spec spec = {"amble._amble.Clip", sizeof(ext_handle), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

/* ---- the skeleton ---- */

static PyObject *body(const amb_skeleton *skeleton, int index)
{
    static const char *const joint[] = {"free", "ball", "hinge", "fixed"};
    amb_body_info b = {.size = sizeof b};
    const amb_result result = amb_skeleton_body(skeleton, index, &b);
    if (result != AMB_OK)
        return ext_raise(result);
    return Py_BuildValue("{s:s,s:i,s:s,s:i,s:i,s:i,s:i,s:(ddd),s:(ddd),s:d,s:(dd)}", "name", b.name, "parent",
                         b.parent, "joint", joint[b.joint], "pose", b.pose, "pose_size", b.pose_size,
                         "velocity", b.velocity, "velocity_size", b.velocity_size, "offset", b.offset[0],
                         b.offset[1], b.offset[2], "centre", b.centre[0], b.centre[1], b.centre[2], "mass",
                         b.mass, "limit", b.limit[0], b.limit[1]);
}

bool ext_skeleton(const amb_skeleton **skeleton, amb_skeleton_info *info)
{
    *info = (amb_skeleton_info){.size = sizeof *info};
    amb_result result = amb_skeleton_humanoid(skeleton);
    if (result == AMB_OK)
        result = amb_skeleton_get_info(*skeleton, info);
    if (result != AMB_OK)
        ext_raise(result);
    return result == AMB_OK;
}

static PyObject *skeleton(PyObject *module, PyObject *unused)
{
    const amb_skeleton *s;
    amb_skeleton_info i;
    (void)module, (void)unused;
    if (!ext_skeleton(&s, &i))
        return NULL;
    PyObject *bodies = PyList_New(0);
    for (int b = 0; bodies && b < i.bodies; b++)
        ext_append(&bodies, body(s, b));
    PyObject *dict = bodies ? PyDict_New() : NULL;
    const bool ok = dict && ext_set(dict, "pose_size", PyLong_FromLong(i.pose_size)) &&
                    ext_set(dict, "velocity_size", PyLong_FromLong(i.velocity_size)) &&
                    ext_set(dict, "mass", PyFloat_FromDouble(i.mass)) &&
                    PyDict_SetItemString(dict, "bodies", bodies) == 0;
    Py_XDECREF(bodies);
    if (!ok)
        Py_CLEAR(dict);
    return dict;
}

static PyObject *rest_pose(PyObject *module, PyObject *array)
{
    const amb_skeleton *s;
    amb_skeleton_info i;
    Py_buffer pose;
    (void)module;
    if (!ext_skeleton(&s, &i))
        return NULL;
    const Py_ssize_t size = i.pose_size;
    if (!ext_get_array(array, "pose", 'd', true, 1, &size, &pose))
        return NULL;
    const amb_result result = amb_skeleton_rest_pose(s, pose.buf);
    PyBuffer_Release(&pose);
    return ext_done(result);
}

/* transforms(poses, positions, rotations): (n, P) -> (n, bodies, 3) and (n, bodies, 4) */
static PyObject *transforms(PyObject *module, PyObject *args)
{
    const amb_skeleton *s;
    amb_skeleton_info i;
    PyObject *pose_array, *position_array, *rotation_array, *done = NULL;
    ext_arrays arrays = {0};
    const Py_buffer *pose, *position, *rotation;
    (void)module;
    if (!ext_skeleton(&s, &i))
        return NULL;
    const Py_ssize_t poses[2] = {-1, i.pose_size};
    if (!PyArg_ParseTuple(args, "OOO", &pose_array, &position_array, &rotation_array) ||
        !(pose = ext_array(&arrays, pose_array, "poses", 'd', false, 2, poses)))
        return NULL;
    const Py_ssize_t n = pose->shape[0], positions[3] = {n, i.bodies, 3}, rotations[3] = {n, i.bodies, 4};
    if ((position = ext_array(&arrays, position_array, "positions", 'd', true, 3, positions)) &&
        (rotation = ext_array(&arrays, rotation_array, "rotations", 'd', true, 3, rotations))) {
        amb_result result = AMB_OK;
        for (Py_ssize_t k = 0; k < n && result == AMB_OK; k++)
            result = amb_skeleton_transforms(s, (double *)pose->buf + k * i.pose_size,
                                             (double *)position->buf + k * i.bodies * 3,
                                             (double *)rotation->buf + k * i.bodies * 4);
        done = ext_done(result);
    }
    ext_release(&arrays);
    return done;
}

static PyMethodDef functions[] = {
    {"skeleton", skeleton, METH_NOARGS, "The humanoid's bodies: a dictionary."},
    {"rest_pose", rest_pose, METH_O, "rest_pose(pose): fills it."},
    {"transforms", transforms, METH_VARARGS, "transforms(poses, positions, rotations): fills the last two."},
    {NULL, NULL, 0, NULL},
};

bool ext_add_clip(PyObject *module)
{
    ext_clip_type = ext_add_type(module, &spec);
    return ext_clip_type && PyModule_AddFunctions(module, functions) == 0;
}
