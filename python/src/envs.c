/* _amble.Envs: amb_envs with the arrays that its steps write to. A single environment is one of a count of
 * 1. */
#include "python/src/module.h"

#include <stddef.h>
#include <string.h>

enum { SLOTS = 2, ARRAYS = 10 };
static const char what[] = "environment";

/* Two sets of arrays, which a caller uses in turn, so that what a step returned is still there after the
 * next. */
typedef struct envs {
    ext_handle handle; /* amb_envs */
    amb_env_info info;
    int count;
    amb_envs_arrays out[SLOTS];
    Py_buffer view[SLOTS][ARRAYS];
    bool bound[SLOTS][ARRAYS];
} envs;

static amb_envs *of(envs *self)
{
    return self->handle.pointer;
}

static void unbind(envs *self, int slot)
{
    for (int a = 0; a < ARRAYS; a++)
        if (self->bound[slot][a]) {
            self->bound[slot][a] = false;
            PyBuffer_Release(&self->view[slot][a]);
        }
    self->out[slot] = (amb_envs_arrays){.size = sizeof self->out[slot]};
}

static void close_envs(envs *self)
{
    for (int s = 0; s < SLOTS; s++)
        unbind(self, s);
    amb_envs_destroy(of(self));
    self->handle.pointer = NULL;
}

static void dealloc(PyObject *self)
{
    close_envs((envs *)self);
    ext_free(self);
}

static bool create(envs *self, PyObject *settings, int count)
{
    amb_env_def def;
    PyObject *keep = NULL;
    amb_envs *made = NULL;
    amb_result result = AMB_OK;
    amb_env_def_init(&def);
    const bool ok = ext_read_fields(settings, ext_env_fields, &def, "an environment", &keep) &&
                    ext_begin_threads(def.parallel.threads);
    if (ok) {
        EXT_WITHOUT_GIL(result = amb_envs_create(&def, count, &made));
    }
    Py_XDECREF(keep);
    if (!ok)
        return false;
    if (result != AMB_OK) {
        ext_raise(result);
        return false;
    }
    self->handle.pointer = made;
    self->handle.threaded = def.parallel.threads != 1;
    self->count = count;
    self->info.size = sizeof self->info;
    return amb_env_get_info(amb_envs_at(made, 0), &self->info) == AMB_OK;
}

static PyObject *new_envs(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *settings;
    int count;
    static char *names[] = {"settings", "count", NULL};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "Oi", names, &settings, &count))
        return NULL;
    envs *self = (envs *)ext_new(type);
    if (self && !create(self, settings, count)) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

/* ---- sizes and names ---- */

typedef amb_result (*block_of)(const amb_env *env, int index, amb_env_block *block);

static PyObject *blocks(const amb_env *env, block_of get)
{
    PyObject *list = PyList_New(0);
    amb_env_block block = {.size = sizeof block};
    for (int i = 0; list && get(env, i, &block) == AMB_OK; i++) {
        ext_append(&list, Py_BuildValue("(siii)", block.name, block.first, block.count, block.rows));
    }
    return list;
}

static PyObject *names_of(const amb_env *env, const char *(*name)(const amb_env *, int))
{
    PyObject *list = PyList_New(0);
    const char *text;
    for (int i = 0; list && (text = name(env, i)) != NULL; i++) {
        ext_append(&list, ext_string(text));
    }
    return list;
}

static PyObject *weights_of(const amb_env *env)
{
    PyObject *list = PyList_New(0);
    for (int i = 0; list && amb_env_reward_name(env, i); i++) {
        ext_append(&list, PyFloat_FromDouble(amb_env_reward_weight(env, i)));
    }
    return list;
}

static PyObject *get_info(PyObject *object, PyObject *unused)
{
    envs *self = (envs *)object;
    (void)unused;
    if (!ext_enter(&self->handle, what))
        return NULL;
    const amb_env *env = amb_envs_at(of(self), 0);
    const amb_env_info *i = &self->info;
    PyObject *dict = PyDict_New();
    const bool ok = dict && ext_set(dict, "count", PyLong_FromLong(self->count)) &&
                    ext_set(dict, "observation_size", PyLong_FromLong(i->observation_size)) &&
                    ext_set(dict, "action_size", PyLong_FromLong(i->action_size)) &&
                    ext_set(dict, "pose_size", PyLong_FromLong(i->pose_size)) &&
                    ext_set(dict, "velocity_size", PyLong_FromLong(i->velocity_size)) &&
                    ext_set(dict, "max_episode_steps", PyLong_FromLong(i->max_episode_steps)) &&
                    ext_set(dict, "control_dt", PyFloat_FromDouble(i->control_dt)) &&
                    ext_set(dict, "motion", ext_string(i->motion)) &&
                    ext_set(dict, "clip_s", PyFloat_FromDouble(i->clip_s)) &&
                    ext_set(dict, "clip_loops", PyBool_FromLong(i->clip_loops)) &&
                    ext_set(dict, "observation_blocks", blocks(env, amb_env_observation_block)) &&
                    ext_set(dict, "action_blocks", blocks(env, amb_env_action_block)) &&
                    ext_set(dict, "reward_names", names_of(env, amb_env_reward_name)) &&
                    ext_set(dict, "reward_weights", weights_of(env)) &&
                    ext_set(dict, "tracking_names", names_of(env, amb_env_tracking_name));
    ext_leave(&self->handle);
    if (!ok)
        Py_CLEAR(dict);
    return dict;
}

static PyObject *action_scale(PyObject *object, PyObject *args)
{
    envs *self = (envs *)object;
    PyObject *mean_array, *std_array, *done = NULL;
    ext_arrays arrays = {0};
    const Py_buffer *mean, *std;
    const Py_ssize_t shape = self->info.action_size;
    if (PyArg_ParseTuple(args, "OO", &mean_array, &std_array) &&
        (mean = ext_array(&arrays, mean_array, "mean", 'f', true, 1, &shape)) &&
        (std = ext_array(&arrays, std_array, "std", 'f', true, 1, &shape)) &&
        ext_enter(&self->handle, what)) {
        done = ext_done(amb_env_action_scale(amb_envs_at(of(self), 0), mean->buf, std->buf));
        ext_leave(&self->handle);
    }
    ext_release(&arrays);
    return done;
}

/* ---- arrays ---- */

static const struct {
    const char *name;
    char type;
    size_t offset;
    size_t width; /* offset in amb_env_info of the second dimension; 0: there is none */
} array_list[ARRAYS] = {
    {"observations", 'f', offsetof(amb_envs_arrays, observations), offsetof(amb_env_info, observation_size)},
    {"rewards", 'd', offsetof(amb_envs_arrays, rewards), 0},
    {"terminated", '?', offsetof(amb_envs_arrays, terminated), 0},
    {"truncated", '?', offsetof(amb_envs_arrays, truncated), 0},
    {"ends", 'B', offsetof(amb_envs_arrays, ends), 0},
    {"reward_parts", 'd', offsetof(amb_envs_arrays, reward_parts), offsetof(amb_env_info, reward_parts)},
    {"tracking", 'd', offsetof(amb_envs_arrays, tracking), offsetof(amb_env_info, tracking_errors)},
    {"final_observations", 'f', offsetof(amb_envs_arrays, final_observations),
     offsetof(amb_env_info, observation_size)},
    {"episode_returns", 'd', offsetof(amb_envs_arrays, episode_returns), 0},
    {"episode_lengths", 'q', offsetof(amb_envs_arrays, episode_lengths), 0},
};

static bool bind_array(envs *self, int slot, int a, PyObject *array)
{
    Py_ssize_t shape[2] = {self->count, 0};
    int width = 0;
    if (array_list[a].width)
        memcpy(&width, (char *)&self->info + array_list[a].width, sizeof width);
    shape[1] = width;
    if (!ext_get_array(array, array_list[a].name, array_list[a].type, true, array_list[a].width ? 2 : 1,
                       shape, &self->view[slot][a]))
        return false;
    self->bound[slot][a] = true;
    memcpy((char *)&self->out[slot] + array_list[a].offset, &self->view[slot][a].buf, sizeof(void *));
    return true;
}

static PyObject *bind(PyObject *object, PyObject *args)
{
    envs *self = (envs *)object;
    int slot;
    PyObject *arrays;
    if (!PyArg_ParseTuple(args, "iO", &slot, &arrays) || !ext_enter(&self->handle, what))
        return NULL;
    bool ok = slot >= 0 && slot < SLOTS && PyDict_Check(arrays);
    if (!ok)
        PyErr_Format(PyExc_ValueError, "bind takes a slot, 0 or 1, and a dictionary of arrays");
    else
        unbind(self, slot);
    for (int a = 0; ok && a < ARRAYS; a++) {
        PyObject *array = PyDict_GetItemString(arrays, array_list[a].name);
        ok = !array || bind_array(self, slot, a, array);
    }
    if (!ok && slot >= 0 && slot < SLOTS)
        unbind(self, slot);
    ext_leave(&self->handle);
    if (!ok)
        return NULL;
    Py_RETURN_NONE;
}

/* ---- steps ---- */

/* step(actions, slot) → how many episodes ended, if "ends" is bound. */
static PyObject *step(PyObject *object, PyObject *const *args, Py_ssize_t n)
{
    envs *self = (envs *)object;
    Py_buffer actions;
    const Py_ssize_t shape[2] = {self->count, self->info.action_size};
    if (n != 2) {
        PyErr_SetString(PyExc_TypeError, "step takes actions and a slot");
        return NULL;
    }
    const long slot = PyLong_AsLong(args[1]);
    if (slot < 0 || slot >= SLOTS) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_ValueError, "the slot is 0 or 1");
        return NULL;
    }
    if (!ext_get_array(args[0], "actions", 'f', false, 2, shape, &actions))
        return NULL;
    if (!ext_enter(&self->handle, what)) {
        PyBuffer_Release(&actions);
        return NULL;
    }
    amb_result result;
    EXT_WITHOUT_GIL(result = amb_envs_step(of(self), actions.buf, &self->out[slot]));
    ext_leave(&self->handle);
    PyBuffer_Release(&actions);
    if (result != AMB_OK)
        return ext_raise(result);
    long ended = 0;
    for (int i = 0; self->out[slot].ends && i < self->count; i++)
        ended += self->out[slot].ends[i] != AMB_ENV_GOES_ON;
    return PyLong_FromLong(ended);
}

/* reset(observations, mask): mask None: all. */
static PyObject *reset(PyObject *object, PyObject *args)
{
    envs *self = (envs *)object;
    PyObject *array, *mask_array = Py_None, *done = NULL;
    ext_arrays arrays = {0};
    const Py_buffer *observations, *mask = NULL;
    const Py_ssize_t shape[2] = {self->count, self->info.observation_size};
    if (PyArg_ParseTuple(args, "O|O", &array, &mask_array) &&
        (observations = ext_array(&arrays, array, "observations", 'f', true, 2, shape)) &&
        (mask_array == Py_None || (mask = ext_array(&arrays, mask_array, "mask", '?', false, 1, shape))) &&
        ext_enter(&self->handle, what)) {
        amb_result result;
        EXT_WITHOUT_GIL(result = amb_envs_reset(of(self), mask ? mask->buf : NULL, observations->buf));
        ext_leave(&self->handle);
        done = ext_done(result);
    }
    ext_release(&arrays);
    return done;
}

/* seed(seeds, observations) */
static PyObject *seed(PyObject *object, PyObject *args)
{
    envs *self = (envs *)object;
    PyObject *seeds_array, *array, *done = NULL;
    ext_arrays arrays = {0};
    const Py_buffer *seeds, *observations;
    const Py_ssize_t shape[2] = {self->count, self->info.observation_size};
    if (PyArg_ParseTuple(args, "OO", &seeds_array, &array) &&
        (seeds = ext_array(&arrays, seeds_array, "seeds", 'Q', false, 1, shape)) &&
        (observations = ext_array(&arrays, array, "observations", 'f', true, 2, shape)) &&
        ext_enter(&self->handle, what)) {
        amb_result result;
        EXT_WITHOUT_GIL(result = amb_envs_seed(of(self), seeds->buf, observations->buf));
        ext_leave(&self->handle);
        done = ext_done(result);
    }
    ext_release(&arrays);
    return done;
}

/* ---- one of them ---- */

/* Enters and returns number `index`; NULL with an exception. */
static amb_env *enter_one(envs *self, int index)
{
    if (!ext_enter(&self->handle, what))
        return NULL;
    amb_env *env = amb_envs_at(of(self), index);
    if (!env) {
        ext_leave(&self->handle);
        PyErr_Format(PyExc_IndexError, "environment %d, expected 0 to %d", index, self->count - 1);
    }
    return env;
}

/* A row of observations, one environment's. */
static const Py_buffer *observation_of(envs *self, ext_arrays *arrays, PyObject *array)
{
    const Py_ssize_t shape = self->info.observation_size;
    return ext_array(arrays, array, "observation", 'f', true, 1, &shape);
}

/* Ends a call that enter_one began. */
static PyObject *leave_one(envs *self, amb_result result)
{
    ext_leave(&self->handle);
    return ext_done(result);
}

/* seed_one(index, seed, stream, observation) */
static PyObject *seed_one(PyObject *object, PyObject *args)
{
    envs *self = (envs *)object;
    int index;
    uint64_t number, stream;
    PyObject *numbers[2], *array, *done = NULL;
    ext_arrays arrays = {0};
    const Py_buffer *observation;
    amb_env *env;
    if (PyArg_ParseTuple(args, "iOOO", &index, &numbers[0], &numbers[1], &array) &&
        ext_uint64(numbers[0], "seed", &number) && ext_uint64(numbers[1], "stream", &stream) &&
        (observation = observation_of(self, &arrays, array)) && (env = enter_one(self, index)))
        done = leave_one(self, amb_env_seed(env, number, stream, observation->buf));
    ext_release(&arrays);
    return done;
}

/* reset_at(index, phase, observation) */
static PyObject *reset_at(PyObject *object, PyObject *args)
{
    envs *self = (envs *)object;
    int index;
    double phase;
    PyObject *array, *done = NULL;
    ext_arrays arrays = {0};
    const Py_buffer *observation;
    amb_env *env;
    if (PyArg_ParseTuple(args, "idO", &index, &phase, &array) &&
        (observation = observation_of(self, &arrays, array)) && (env = enter_one(self, index)))
        done = leave_one(self, amb_env_reset_at(env, phase, observation->buf));
    ext_release(&arrays);
    return done;
}

static PyObject *save(PyObject *object, PyObject *args)
{
    envs *self = (envs *)object;
    int index;
    if (!PyArg_ParseTuple(args, "i", &index))
        return NULL;
    amb_env *env = enter_one(self, index);
    if (!env)
        return NULL;
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)self->info.state_bytes);
    const amb_result result =
        bytes ? amb_env_save(env, PyBytes_AsString(bytes), self->info.state_bytes) : AMB_OK;
    ext_leave(&self->handle);
    if (result != AMB_OK) {
        Py_XDECREF(bytes);
        return ext_raise(result);
    }
    return bytes;
}

/* restore(index, bytes, observation) */
static PyObject *restore(PyObject *object, PyObject *args)
{
    envs *self = (envs *)object;
    int index;
    Py_buffer bytes;
    PyObject *array, *done = NULL;
    ext_arrays arrays = {0};
    const Py_buffer *observation;
    amb_env *env;
    if (!PyArg_ParseTuple(args, "iy*O", &index, &bytes, &array))
        return NULL;
    if ((observation = observation_of(self, &arrays, array)) && (env = enter_one(self, index)))
        done = leave_one(self, amb_env_restore(env, bytes.buf, (size_t)bytes.len, observation->buf));
    ext_release(&arrays);
    PyBuffer_Release(&bytes);
    return done;
}

typedef amb_result (*poser)(amb_env *env, double *pose, double *velocity);

static amb_result set_body_of(amb_env *env, double *pose, double *velocity)
{
    return amb_env_set_body(env, pose, velocity);
}

/* A call with (index, pose, velocity), which are read or written. */
static PyObject *with_pose(envs *self, PyObject *args, bool writes, poser call)
{
    int index;
    PyObject *pose_array, *velocity_array, *done = NULL;
    ext_arrays arrays = {0};
    const Py_buffer *pose, *velocity;
    const Py_ssize_t sizes[2] = {self->info.pose_size, self->info.velocity_size};
    amb_env *env;
    if (PyArg_ParseTuple(args, "iOO", &index, &pose_array, &velocity_array) &&
        (pose = ext_array(&arrays, pose_array, "pose", 'd', writes, 1, &sizes[0])) &&
        (velocity = ext_array(&arrays, velocity_array, "velocity", 'd', writes, 1, &sizes[1])) &&
        (env = enter_one(self, index)))
        done = leave_one(self, call(env, pose->buf, velocity->buf));
    ext_release(&arrays);
    return done;
}

static PyObject *body(PyObject *self, PyObject *args)
{
    return with_pose((envs *)self, args, true, amb_env_body);
}

static PyObject *reference(PyObject *self, PyObject *args)
{
    return with_pose((envs *)self, args, true, amb_env_reference);
}

static PyObject *set_body(PyObject *self, PyObject *args)
{
    return with_pose((envs *)self, args, false, set_body_of);
}

static PyObject *failure(PyObject *object, PyObject *args)
{
    envs *self = (envs *)object;
    int index;
    if (!PyArg_ParseTuple(args, "i", &index))
        return NULL;
    amb_env *env = enter_one(self, index);
    if (!env)
        return NULL;
    PyObject *text = ext_string(amb_env_failure(env));
    ext_leave(&self->handle);
    return text;
}

/* The last step of one: a dictionary. */
static PyObject *last_step(PyObject *object, PyObject *args)
{
    envs *self = (envs *)object;
    int index;
    if (!PyArg_ParseTuple(args, "i", &index))
        return NULL;
    amb_env *env = enter_one(self, index);
    if (!env)
        return NULL;
    amb_env_step_info s = {.size = sizeof s};
    const amb_result result = amb_env_last_step(env, &s);
    ext_leave(&self->handle);
    if (result != AMB_OK)
        return ext_raise(result);
    return Py_BuildValue("{s:s,s:d,s:L,s:d}", "end", amb_env_end_name(s.end), "episode_return",
                         s.episode_return, "episode_length", (long long)s.episode_length, "saturated",
                         s.saturated);
}

/* ---- a policy as a file ---- */

enum { MAX_LAYERS = 64 };

static const ext_name activations[] = {{"none", AMB_ACTIVATION_NONE},
                                       {"relu", AMB_ACTIVATION_RELU},
                                       {"leaky_relu", AMB_ACTIVATION_LEAKY_RELU},
                                       {"elu", AMB_ACTIVATION_ELU},
                                       {"tanh", AMB_ACTIVATION_TANH},
                                       {"sigmoid", AMB_ACTIVATION_SIGMOID},
                                       {NULL, 0}};

static bool read_layer(PyObject *row, amb_dense_layer *layer, Py_buffer *weight, Py_buffer *bias)
{
    PyObject *weight_array, *bias_array;
    const char *name;
    double alpha;
    const Py_ssize_t free_shape[2] = {-1, -1};
    if (!PyTuple_Check(row) || !PyArg_ParseTuple(row, "OOsd", &weight_array, &bias_array, &name, &alpha))
        return false;
    const ext_name *a = activations;
    while (a->name && strcmp(a->name, name) != 0)
        a++;
    if (!a->name) {
        PyErr_Format(PyExc_ValueError,
                     "the activation '%s' is not known; there are none, relu, leaky_relu, elu, tanh, sigmoid",
                     name);
        return false;
    }
    if (!ext_get_array(weight_array, "a layer's weight", 'f', false, 2, free_shape, weight))
        return false;
    const Py_ssize_t outputs = weight->shape[0];
    if (weight->shape[0] > 65536 || weight->shape[1] > 65536) {
        PyErr_Format(PyExc_ValueError,
                     "a layer's weight has the shape (%zd, %zd), expected at most 65536 each",
                     weight->shape[0], weight->shape[1]);
        return false;
    }
    if (bias_array != Py_None && !ext_get_array(bias_array, "a layer's bias", 'f', false, 1, &outputs, bias))
        return false;
    *layer = (amb_dense_layer){.inputs = (int)weight->shape[1],
                               .outputs = (int)outputs,
                               .weight = weight->buf,
                               .bias = bias->buf,
                               .activation = (amb_activation)a->value,
                               .alpha = (float)alpha};
    return true;
}

/* save_actor(layers, mean, std, clip, half, path): layers are tuples (weight, bias or None, activation,
 * alpha). */
static PyObject *save_actor(PyObject *object, PyObject *args)
{
    envs *self = (envs *)object;
    PyObject *rows, *mean_array, *std_array, *path_object, *done = NULL, *keep = PyList_New(0);
    Py_buffer weight[MAX_LAYERS] = {0}, bias[MAX_LAYERS] = {0}, mean = {0}, std = {0};
    amb_dense_layer layer[MAX_LAYERS];
    amb_actor_def def;
    double clip;
    int half;
    amb_actor_def_init(&def);
    bool ok =
        keep && PyArg_ParseTuple(args, "OOOdpO", &rows, &mean_array, &std_array, &clip, &half, &path_object);
    const char *path = ok ? ext_text(path_object, "path", keep) : NULL;
    const Py_ssize_t n = path && PyList_Check(rows) ? PyList_Size(rows) : -1,
                     size = self->info.observation_size;
    ok = path && n >= 0 && n <= MAX_LAYERS;
    if (path && !ok)
        PyErr_Format(PyExc_ValueError, "layers is a list of at most %d", MAX_LAYERS);
    for (Py_ssize_t i = 0; ok && i < n; i++)
        ok = read_layer(PyList_GetItem(rows, i), &layer[i], &weight[i], &bias[i]);
    ok = ok && (mean_array == Py_None || ext_get_array(mean_array, "mean", 'f', false, 1, &size, &mean)) &&
         (std_array == Py_None || ext_get_array(std_array, "std", 'f', false, 1, &size, &std));
    if (ok && ext_enter(&self->handle, what)) {
        def.layers = layer;
        def.layer_count = (int)n;
        def.mean = mean.buf;
        def.std = std.buf;
        def.clip = (float)clip;
        def.half = half != 0;
        done = ext_done(amb_env_save_actor(amb_envs_at(of(self), 0), &def, path));
        ext_leave(&self->handle);
    }
    for (int i = 0; i < MAX_LAYERS; i++) {
        if (weight[i].obj)
            PyBuffer_Release(&weight[i]);
        if (bias[i].obj)
            PyBuffer_Release(&bias[i]);
    }
    if (mean.obj)
        PyBuffer_Release(&mean);
    if (std.obj)
        PyBuffer_Release(&std);
    Py_XDECREF(keep);
    return done;
}

static PyObject *close_method(PyObject *object, PyObject *unused)
{
    envs *self = (envs *)object;
    (void)unused;
    if (!ext_may_close(&self->handle, what))
        return NULL;
    close_envs(self);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"info", get_info, METH_NOARGS, "Sizes, names, layouts: a dictionary."},
    {"action_scale", action_scale, METH_VARARGS, "action_scale(mean, std): fills both, float32 (A)."},
    {"bind", bind, METH_VARARGS, "bind(slot, arrays): the arrays that step(actions, slot) writes to."},
    {"step", (PyCFunction)(void (*)(void))step, METH_FASTCALL,
     "step(actions, slot) -> number of episodes that ended (where \"ends\" is bound)."},
    {"reset", reset, METH_VARARGS, "reset(observations, mask=None)"},
    {"seed", seed, METH_VARARGS, "seed(seeds, observations): seeds are uint64 (n)."},
    {"seed_one", seed_one, METH_VARARGS, "seed_one(index, seed, stream, observation)"},
    {"reset_at", reset_at, METH_VARARGS, "reset_at(index, phase, observation)"},
    {"save", save, METH_VARARGS, "save(index) -> bytes"},
    {"restore", restore, METH_VARARGS, "restore(index, bytes, observation)"},
    {"body", body, METH_VARARGS, "body(index, pose, velocity): fills both."},
    {"reference", reference, METH_VARARGS, "reference(index, pose, velocity): fills both."},
    {"set_body", set_body, METH_VARARGS, "set_body(index, pose, velocity)"},
    {"failure", failure, METH_VARARGS,
     "failure(index): the first error of MuJoCo's that ended an episode; \"\": none."},
    {"last_step", last_step, METH_VARARGS,
     "last_step(index): why it ended and the episode's sums, a dictionary."},
    {"save_actor", save_actor, METH_VARARGS, "save_actor(layers, mean, std, clip, half, path)"},
    {"close", close_method, METH_NOARGS, "Frees it; later calls raise ValueError."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, (void *)new_envs},
    {Py_tp_dealloc, (void *)dealloc},
    {Py_tp_methods, methods},
    {Py_tp_doc, (void *)"Envs(settings, count): environments that are stepped in one call."},
    {0, NULL},
};
static PyType_Spec spec = {"amble._amble.Envs", sizeof(envs), 0, Py_TPFLAGS_DEFAULT, slots};

bool ext_add_envs(PyObject *module)
{
    PyObject *ends = PyTuple_New(5);
    for (int e = 0; ends && e < 5; e++)
        PyTuple_SetItem(ends, e, ext_string(amb_env_end_name((amb_env_end)e)));
    const bool ok = ends && PyModule_AddObjectRef(module, "end_names", ends) == 0;
    Py_XDECREF(ends);
    return ok && ext_add_type(module, &spec);
}
