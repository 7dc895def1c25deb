/* rollout and evaluate: many characters under a policy, and what came of it. */
#include "python/src/module.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const ext_field fields[] = {
    {"precision", EXT_ENUM, offsetof(amb_rollout_def, precision), ext_precisions, 0},
    {"characters", EXT_INT, offsetof(amb_rollout_def, characters), NULL, 0},
    {"record", EXT_BOOL, offsetof(amb_rollout_def, record), NULL, 0},
    {"realtime", EXT_BOOL, offsetof(amb_rollout_def, realtime), NULL, 0},
    {"threads", EXT_INT, offsetof(amb_rollout_def, parallel.threads), NULL, 0},
    {NULL, 0, 0, NULL, 0},
};

/* What the progress function needs. It may be called by a thread that Python did not make. */
typedef struct watch {
    PyObject *callback; /* or None */
    bool raised;        /* an exception is kept in the three below */
    PyObject *type, *value, *traceback;
} watch;

/* Also where no callback is given, so that Ctrl-C is noticed. */
static bool on_progress(void *context, double fraction)
{
    watch *w = context;
    PyGILState_STATE state = PyGILState_Ensure();
    bool go_on = !w->raised && PyErr_CheckSignals() == 0;
    if (go_on && w->callback != Py_None) {
        PyObject *answer = PyObject_CallFunction(w->callback, "d", fraction);
        go_on = answer && answer != Py_False;
        Py_XDECREF(answer);
    }
    if (PyErr_Occurred()) {
        PyErr_Fetch(&w->type, &w->value, &w->traceback);
        w->raised = true;
    }
    PyGILState_Release(state);
    return go_on;
}

/* True where the callback or a signal raised; the exception is then set again. */
static bool raise_again(watch *w)
{
    if (w->raised)
        PyErr_Restore(w->type, w->value, w->traceback);
    return w->raised;
}

static PyObject *percentiles(const amb_percentiles *p)
{
    return Py_BuildValue("{s:d,s:d,s:d,s:d}", "p50", p->p50, "p99", p->p99, "p999", p->p999, "max", p->max);
}

static PyObject *parts(const amb_rollout *rollout)
{
    PyObject *dict = PyDict_New();
    const char *name;
    for (int i = 0; dict && (name = amb_rollout_reward_name(rollout, i)) != NULL; i++)
        if (!ext_set(dict, name, PyFloat_FromDouble(amb_rollout_reward_part(rollout, i))))
            Py_CLEAR(dict);
    return dict;
}

static PyObject *recording(const amb_rollout *rollout)
{
    amb_clip *clip = NULL;
    if (!amb_rollout_poses(rollout, NULL, NULL))
        Py_RETURN_NONE;
    const amb_result result = amb_rollout_clip(rollout, &clip);
    return result == AMB_OK ? ext_wrap_clip(clip) : ext_raise(result);
}

static PyObject *result_of(const amb_rollout *rollout)
{
    amb_rollout_result r = {.size = sizeof r};
    const amb_result got = amb_rollout_get_result(rollout, &r);
    if (got != AMB_OK)
        return ext_raise(got);
    PyObject *dict = Py_BuildValue(
        "{s:s,s:i,s:O,s:d,s:d,s:d,s:d,s:d,s:d,s:d,s:L,s:L,s:i,s:s,s:K,s:d,s:d,s:d,s:d,s:L}", "motion",
        r.motion, "characters", r.characters, "stopped", r.stopped ? Py_True : Py_False, "survival",
        r.survival, "success", r.success, "normalised_return", r.normalised_return, "seconds_up",
        r.seconds_up, "root_m", r.root_m, "joint_rad", r.joint_rad, "end_effector_m", r.end_effector_m,
        "control_steps", (long long)r.control_steps, "unstable", (long long)r.unstable, "physics_failures",
        r.physics_failures, "failure", r.failure, "hash", (unsigned long long)r.hash, "control_dt",
        r.control_dt, "wall_s", r.wall_s, "control_steps_per_s", r.control_steps_per_s, "physics_fraction",
        r.physics_fraction, "missed_deadlines", (long long)r.missed_deadlines);
    const bool ok =
        dict && ext_set(dict, "policy", r.policy ? PyUnicode_DecodeFSDefault(r.policy) : ext_string(NULL)) &&
        ext_set(dict, "step_us", percentiles(&r.step_us)) &&
        ext_set(dict, "generate_us", percentiles(&r.generate_us)) &&
        ext_set(dict, "wakeup_us", percentiles(&r.wakeup_us)) && ext_set(dict, "reward", parts(rollout)) &&
        ext_set(dict, "clip", recording(rollout));
    if (!ok)
        Py_CLEAR(dict);
    return dict;
}

typedef struct request {
    amb_env_def env;
    amb_rollout_def rollout;
    watch watch;
    PyObject *keep[2];
} request;

/* env_settings and rollout_settings are dictionaries. */
static bool read_request(request *q, PyObject *env_settings, PyObject *rollout_settings, PyObject *callback)
{
    *q = (request){.watch = {.callback = callback}};
    amb_env_def_init(&q->env);
    amb_rollout_def_init(&q->rollout);
    q->rollout.env = &q->env;
    q->rollout.progress = on_progress;
    q->rollout.context = &q->watch;
    if (callback != Py_None && !PyCallable_Check(callback)) {
        PyErr_Format(PyExc_TypeError, "progress is %.200R, expected a function of a fraction", callback);
        return false;
    }
    return ext_read_fields(env_settings, ext_env_fields, &q->env, "an environment", &q->keep[0]) &&
           ext_read_fields(rollout_settings, fields, &q->rollout, "a rollout", &q->keep[1]) &&
           ext_begin_threads(q->rollout.parallel.threads);
}

static void free_request(request *q)
{
    Py_XDECREF(q->keep[0]);
    Py_XDECREF(q->keep[1]);
}

/* rollout(env_settings, rollout_settings, progress) -> dictionary */
static PyObject *rollout(PyObject *module, PyObject *args)
{
    PyObject *env_settings, *rollout_settings, *callback, *dict = NULL;
    request q;
    (void)module;
    if (!PyArg_ParseTuple(args, "OOO", &env_settings, &rollout_settings, &callback))
        return NULL;
    if (read_request(&q, env_settings, rollout_settings, callback)) {
        amb_rollout *run = NULL;
        amb_result result;
        EXT_WITHOUT_GIL(result = amb_rollout_run(&q.rollout, &run));
        if (!raise_again(&q.watch))
            dict = result == AMB_OK ? result_of(run) : ext_raise(result);
        amb_rollout_destroy(run);
    }
    free_request(&q);
    return dict;
}

static PyObject *row_of(const amb_evaluation *e)
{
    return Py_BuildValue("{s:i,s:O,s:d,s:d,s:d,s:d,s:d,s:d,s:d,s:d,s:L}", "seeds", e->seeds, "stopped",
                         e->stopped ? Py_True : Py_False, "survival", e->survival, "worst_survival",
                         e->worst_survival, "success", e->success, "normalised_return", e->normalised_return,
                         "worst_return", e->worst_return, "root_m", e->root_m, "joint_rad", e->joint_rad,
                         "control_steps_per_s", e->control_steps_per_s, "unstable", (long long)e->unstable);
}

static const ext_name protocols[] = {
    {"seconds", AMB_PROTOCOL_SECONDS}, {"own_length", AMB_PROTOCOL_OWN_LENGTH}, {NULL, 0}};
static const ext_field evaluation_fields[] = {
    {"seeds", EXT_INT, offsetof(amb_evaluation_def, seeds), NULL, 0},
    {"protocol", EXT_ENUM, offsetof(amb_evaluation_def, protocol), protocols, 0},
    {NULL, 0, 0, NULL, 0},
};

/* evaluate(env_settings, rollout_settings, evaluation_settings, pushes, progress): pushes (n, 2) float64,
 * or None. */
static PyObject *evaluate(PyObject *module, PyObject *args)
{
    enum { MAX_PUSHES = 1000 };
    PyObject *env_settings, *rollout_settings, *settings, *pushes_array, *callback, *keep = NULL,
                                                                                    *list = NULL;
    Py_buffer pushes = {0};
    const Py_ssize_t shape[2] = {-1, 2};
    request q;
    amb_evaluation_def def;
    (void)module;
    amb_evaluation_def_init(&def);
    if (!PyArg_ParseTuple(args, "OOOOO", &env_settings, &rollout_settings, &settings, &pushes_array,
                          &callback))
        return NULL;
    bool ok =
        read_request(&q, env_settings, rollout_settings, callback) &&
        ext_read_fields(settings, evaluation_fields, &def, "an evaluation", &keep) &&
        (pushes_array == Py_None || ext_get_array(pushes_array, "pushes", 'd', false, 2, shape, &pushes));
    if (ok && pushes.obj && pushes.shape[0] > MAX_PUSHES) {
        PyErr_Format(PyExc_ValueError, "%zd pushes, expected at most %d", pushes.shape[0], MAX_PUSHES);
        ok = false;
    }
    if (ok) {
        const int rows = pushes.obj ? (int)pushes.shape[0] : 1;
        amb_evaluation *row = calloc((size_t)rows + 1, sizeof *row);
        amb_result result = AMB_ERROR_MEMORY;
        def.rollout = &q.rollout;
        def.pushes = pushes.buf;
        def.push_count = pushes.obj ? rows : 0;
        for (int i = 0; row && i < rows; i++)
            row[i].size = sizeof *row;
        if (!row)
            PyErr_NoMemory();
        else {
            EXT_WITHOUT_GIL(result = amb_evaluate(&def, row));
            if (!raise_again(&q.watch))
                list = result == AMB_OK ? PyList_New(0) : ext_raise(result);
        }
        for (int i = 0; list && i < rows; i++) {
            ext_append(&list, row_of(&row[i]));
        }
        free(row);
    }
    if (pushes.obj)
        PyBuffer_Release(&pushes);
    Py_XDECREF(keep);
    free_request(&q);
    return list;
}

static PyMethodDef functions[] = {
    {"rollout", rollout, METH_VARARGS, "rollout(env_settings, rollout_settings, progress)"},
    {"evaluate", evaluate, METH_VARARGS,
     "evaluate(env_settings, rollout_settings, evaluation_settings, pushes, progress)"},
    {NULL, NULL, 0, NULL},
};

bool ext_add_rollout(PyObject *module)
{
    return PyModule_AddFunctions(module, functions) == 0;
}
