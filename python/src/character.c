/* _amble.ModelSet and _amble.Character: live characters. A body's transform is seven float64: position
 * (3), rotation wxyz (4). */
#include "python/src/module.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { TRANSFORM = 7, MAX_TOGETHER = 65536 };
_Static_assert(sizeof(amb_transform) == TRANSFORM * sizeof(double), "a row of an array is an amb_transform");

PyTypeObject *ext_character_type;
static PyTypeObject *set_type;
static const char what[] = "character";

static const ext_name spaces[] = {{"mujoco", AMB_SPACE_MUJOCO},   {"unity", AMB_SPACE_UNITY},
                                  {"unreal", AMB_SPACE_UNREAL},   {"godot", AMB_SPACE_GODOT},
                                  {"blender", AMB_SPACE_BLENDER}, {NULL, 0}};

/* ---- the models ---- */

static const ext_field set_fields[] = {
    {"body", EXT_TEXT, offsetof(amb_model_set_def, body), NULL, 0},
    {"locomotion", EXT_TEXT, offsetof(amb_model_set_def, locomotion), NULL, 0},
    {"decoder", EXT_TEXT, offsetof(amb_model_set_def, decoder), NULL, 0},
    {"deepphase", EXT_TEXT, offsetof(amb_model_set_def, deepphase), NULL, 0},
    {"styles", EXT_TEXT, offsetof(amb_model_set_def, styles), NULL, 0},
    {"skills", EXT_TEXTS, offsetof(amb_model_set_def, skills), NULL,
     offsetof(amb_model_set_def, skill_count)},
    {"motions", EXT_TEXT, offsetof(amb_model_set_def, motions), NULL, 0},
    {NULL, 0, 0, NULL, 0},
};

static void set_dealloc(PyObject *self)
{
    amb_model_set_destroy(((ext_handle *)self)->pointer);
    ext_free(self);
}

static PyObject *set_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"settings", NULL};
    PyObject *settings, *keep = NULL;
    PyObject *made = NULL;
    amb_model_set_def def;
    amb_model_set_def_init(&def);
    if (PyArg_ParseTupleAndKeywords(args, kwargs, "O", names, &settings) &&
        ext_read_fields(settings, set_fields, &def, "a model set", &keep)) {
        ext_handle *self = ext_new(type);
        amb_model_set *set = NULL;
        amb_result result;
        if (self) {
            EXT_WITHOUT_GIL(result = amb_model_set_load(&def, &set));
            self->pointer = set;
            self->shared = true;
            made = ext_made(self, result);
        }
    }
    Py_XDECREF(keep);
    return made;
}

static PyObject *set_styles(PyObject *self, PyObject *unused)
{
    const amb_model_set *set = ((ext_handle *)self)->pointer;
    PyObject *dict = PyDict_New();
    (void)unused;
    for (int i = 0; dict && i < amb_model_set_styles(set); i++)
        if (!ext_set(dict, amb_model_set_style_name(set, i),
                     PyFloat_FromDouble(amb_model_set_style_speed(set, i))))
            Py_CLEAR(dict);
    return dict;
}

static PyObject *set_skills(PyObject *self, PyObject *unused)
{
    const amb_model_set *set = ((ext_handle *)self)->pointer;
    PyObject *list = PyList_New(0);
    (void)unused;
    for (int i = 0; list && i < amb_model_set_skills(set); i++) {
        ext_append(&list, ext_string(amb_model_set_skill_name(set, i)));
    }
    return list;
}

static PyMethodDef set_methods[] = {
    {"styles", set_styles, METH_NOARGS, "{name: speed in m/s}"},
    {"skills", set_skills, METH_NOARGS, "[name]"},
    {NULL, NULL, 0, NULL},
};
static PyType_Slot set_slots[] = {
    {Py_tp_new, (void *)set_new},
    {Py_tp_dealloc, (void *)set_dealloc},
    {Py_tp_methods, set_methods},
    {Py_tp_doc, (void *)"ModelSet(settings): what characters are made of."},
    {0, NULL},
};
static PyType_Spec set_spec = {"amble._amble.ModelSet", sizeof(ext_handle), 0, Py_TPFLAGS_DEFAULT, set_slots};

/* ---- a character ---- */

typedef struct character {
    ext_handle handle; /* amb_character */
    PyObject *set;     /* lives as long */
} character;

static amb_character *of(PyObject *self)
{
    return ((character *)self)->handle.pointer;
}

static const ext_field character_fields[] = {
    {"space", EXT_ENUM, offsetof(amb_character_def, space), spaces, 0},
    {"style", EXT_TEXT, offsetof(amb_character_def, style), NULL, 0},
    {"position", EXT_TRIPLE, offsetof(amb_character_def, position), NULL, 0},
    {"heading", EXT_DOUBLE, offsetof(amb_character_def, heading), NULL, 0},
    {"seed", EXT_UINT64, offsetof(amb_character_def, seed), NULL, 0},
    {"get_up_s", EXT_DOUBLE, offsetof(amb_character_def, get_up_s), NULL, 0},
    {"entry_tries", EXT_INT, offsetof(amb_character_def, entry_tries), NULL, 0},
    {"recover", EXT_UINT64, offsetof(amb_character_def, recover), NULL, 0},
    {NULL, 0, 0, NULL, 0},
};

static void dealloc(PyObject *self)
{
    amb_character_destroy(of(self));
    Py_XDECREF(((character *)self)->set);
    ext_free(self);
}

static PyObject *new_character(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"set", "settings", NULL};
    PyObject *set, *settings, *keep = NULL, *made = NULL;
    amb_character_def def;
    amb_character_def_init(&def);
    if (PyArg_ParseTupleAndKeywords(args, kwargs, "O!O", names, set_type, &set, &settings) &&
        ext_read_fields(settings, character_fields, &def, "a character", &keep)) {
        character *self = (character *)ext_new(type);
        amb_character *created = NULL;
        if (self) {
            const amb_result result = amb_character_create(((ext_handle *)set)->pointer, &def, &created);
            self->handle.pointer = created;
            self->set = Py_NewRef(set);
            made = ext_made(&self->handle, result);
        }
    }
    Py_XDECREF(keep);
    return made;
}

static bool enter(PyObject *self)
{
    return ext_enter((ext_handle *)self, what);
}

static PyObject *leave(PyObject *self, amb_result result)
{
    ext_leave((ext_handle *)self);
    return ext_done(result);
}

static const ext_field request_fields[] = {
    {"style", EXT_TEXT, offsetof(amb_request, style), NULL, 0},
    {"skill", EXT_TEXT, offsetof(amb_request, skill), NULL, 0},
    {"heading", EXT_DOUBLE, offsetof(amb_request, heading), NULL, 0},
    {"speed", EXT_DOUBLE, offsetof(amb_request, speed), NULL, 0},
    {"turn", EXT_DOUBLE, offsetof(amb_request, turn), NULL, 0},
    {"cycles", EXT_INT, offsetof(amb_request, cycles), NULL, 0},
    {NULL, 0, 0, NULL, 0},
};

static PyObject *request(PyObject *self, PyObject *settings)
{
    amb_request r;
    PyObject *keep = NULL, *done = NULL;
    amb_request_init(&r);
    if (ext_read_fields(settings, request_fields, &r, "a request", &keep) && enter(self)) {
        amb_result result;
        EXT_WITHOUT_GIL(result = amb_character_request(of(self), &r));
        done = leave(self, result);
    }
    Py_XDECREF(keep);
    return done;
}

static PyObject *push(PyObject *self, PyObject *args)
{
    double v[3];
    if (!PyArg_ParseTuple(args, "(ddd)", &v[0], &v[1], &v[2]) || !enter(self))
        return NULL;
    return leave(self, amb_character_push(of(self), v));
}

static PyObject *pull(PyObject *self, PyObject *args)
{
    int body;
    double p[3], t[3];
    if (!PyArg_ParseTuple(args, "i(ddd)(ddd)", &body, &p[0], &p[1], &p[2], &t[0], &t[1], &t[2]) ||
        !enter(self))
        return NULL;
    return leave(self, amb_character_pull(of(self), body, p, t));
}

static PyObject *release(PyObject *self, PyObject *unused)
{
    (void)unused;
    if (!enter(self))
        return NULL;
    amb_character_release(of(self));
    return leave(self, AMB_OK);
}

static PyObject *lift(PyObject *self, PyObject *unused)
{
    (void)unused;
    if (!enter(self))
        return NULL;
    amb_character_lift(of(self));
    return leave(self, AMB_OK);
}

static PyObject *advance(PyObject *self, PyObject *args)
{
    double dt;
    amb_result result;
    if (!PyArg_ParseTuple(args, "d", &dt) || !enter(self))
        return NULL;
    EXT_WITHOUT_GIL(result = amb_character_advance(of(self), dt));
    return leave(self, result);
}

static PyObject *poll(PyObject *self, PyObject *unused)
{
    static const char *const name[] = {"",        "fell",        "stood_up",  "lifted",
                                       "reached", "skill_ended", "restarted", "rising"};
    PyObject *list = PyList_New(0);
    (void)unused;
    if (!list || !enter(self)) {
        Py_XDECREF(list);
        return NULL;
    }
    for (amb_event e = {.size = sizeof e}; list && amb_character_poll(of(self), &e);) {
        const int type = (int)e.type;
        ext_append(&list, Py_BuildValue("(sd)", type >= 1 && type <= 7 ? name[type] : "unknown", e.time));
    }
    ext_leave((ext_handle *)self);
    return list;
}

/* pose(offset, world, local): both (bodies, 7); rest(world, local). */
static PyObject *fill_pose(PyObject *self, bool rest, double offset, PyObject *world_array,
                           PyObject *local_array)
{
    ext_arrays arrays = {0};
    const Py_buffer *world, *local;
    PyObject *done = NULL;
    if (!enter(self))
        return NULL;
    const Py_ssize_t shape[2] = {amb_character_bodies(of(self)), TRANSFORM};
    if ((world = ext_array(&arrays, world_array, "world", 'd', true, 2, shape)) &&
        (local = ext_array(&arrays, local_array, "local", 'd', true, 2, shape)))
        done = ext_done(rest ? amb_character_rest(of(self), world->buf, local->buf)
                             : amb_character_pose(of(self), offset, world->buf, local->buf));
    ext_leave((ext_handle *)self);
    ext_release(&arrays);
    return done;
}

static PyObject *pose(PyObject *self, PyObject *args)
{
    double offset;
    PyObject *world, *local;
    return PyArg_ParseTuple(args, "dOO", &offset, &world, &local)
               ? fill_pose(self, false, offset, world, local)
               : NULL;
}

static PyObject *rest(PyObject *self, PyObject *args)
{
    PyObject *world, *local;
    return PyArg_ParseTuple(args, "OO", &world, &local) ? fill_pose(self, true, 0, world, local) : NULL;
}

static PyObject *bodies(PyObject *self, PyObject *unused)
{
    (void)unused;
    PyObject *list = PyList_New(0);
    if (!list || !enter(self)) {
        Py_XDECREF(list);
        return NULL;
    }
    for (int b = 0; list && b < amb_character_bodies(of(self)); b++) {
        ext_append(&list, Py_BuildValue("(si)", amb_character_body_name(of(self), b),
                                        amb_character_body_parent(of(self), b)));
    }
    ext_leave((ext_handle *)self);
    return list;
}

static PyObject *get_state(PyObject *self, PyObject *unused)
{
    amb_character_state s = {.size = sizeof s};
    PyObject *dict;
    (void)unused;
    if (!enter(self))
        return NULL;
    const amb_result result = amb_character_get_state(of(self), &s);
    if (result == AMB_OK)
        dict = Py_BuildValue("{s:d,s:d,s:d,s:(ddd),s:(ddd),s:d,s:d,s:d,s:O,s:O,s:s,s:N}", "time", s.time,
                             "remainder", s.remainder, "step_s", s.step_s, "velocity", s.velocity[0],
                             s.velocity[1], s.velocity[2], "angular_velocity", s.angular_velocity[0],
                             s.angular_velocity[1], s.angular_velocity[2], "heading", s.heading, "speed",
                             s.speed, "phase", s.phase, "down", s.down ? Py_True : Py_False, "settled",
                             s.settled ? Py_True : Py_False, "skill", s.skill, "style", ext_string(s.style));
    else
        dict = ext_raise(result);
    ext_leave((ext_handle *)self);
    return dict;
}

static PyObject *save(PyObject *self, PyObject *unused)
{
    (void)unused;
    if (!enter(self))
        return NULL;
    const size_t size = amb_character_save_size(of(self));
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    const amb_result result = bytes ? amb_character_save(of(self), PyBytes_AsString(bytes), size) : AMB_OK;
    ext_leave((ext_handle *)self);
    if (result != AMB_OK) {
        Py_XDECREF(bytes);
        return ext_raise(result);
    }
    return bytes;
}

static PyObject *restore(PyObject *self, PyObject *args)
{
    Py_buffer bytes;
    PyObject *done = NULL;
    if (!PyArg_ParseTuple(args, "y*", &bytes))
        return NULL;
    if (enter(self))
        done = leave(self, amb_character_restore(of(self), bytes.buf, (size_t)bytes.len));
    PyBuffer_Release(&bytes);
    return done;
}

static PyObject *hash(PyObject *self, PyObject *unused)
{
    (void)unused;
    if (!enter(self))
        return NULL;
    const uint64_t h = amb_character_hash(of(self));
    ext_leave((ext_handle *)self);
    return PyLong_FromUnsignedLongLong(h);
}

static PyMethodDef methods[] = {
    {"request", request, METH_O, "request(settings)"},
    {"push", push, METH_VARARGS, "push((x, y, z))"},
    {"pull", pull, METH_VARARGS, "pull(body, point, target)"},
    {"release", release, METH_NOARGS, "Ends a pull."},
    {"lift", lift, METH_NOARGS, "Puts a fallen character on its feet."},
    {"advance", advance, METH_VARARGS, "advance(dt)"},
    {"poll", poll, METH_NOARGS, "[(event, time)]"},
    {"pose", pose, METH_VARARGS, "pose(offset, world, local): fills both, float64 (bodies, 7)."},
    {"rest", rest, METH_VARARGS, "rest(world, local): fills both."},
    {"bodies", bodies, METH_NOARGS, "[(name, parent)]"},
    {"state", get_state, METH_NOARGS, "A dictionary."},
    {"save", save, METH_NOARGS, "bytes"},
    {"restore", restore, METH_VARARGS, "restore(bytes)"},
    {"hash", hash, METH_NOARGS, "Of position and velocity."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, (void *)new_character},
    {Py_tp_dealloc, (void *)dealloc},
    {Py_tp_methods, methods},
    {Py_tp_doc, (void *)"Character(set, settings)"},
    {0, NULL},
};
static PyType_Spec spec = {"amble._amble.Character", sizeof(character), 0, Py_TPFLAGS_DEFAULT, slots};

/* ---- many ---- */

int ext_enter_all(PyObject *list, int max, amb_character ***characters)
{
    const Py_ssize_t n = PyList_Check(list) ? PyList_Size(list) : -1;
    *characters = NULL;
    if (n < 0 || n > max) {
        PyErr_Format(PyExc_TypeError, "a list of at most %d characters is expected", max);
        return -1;
    }
    *characters = malloc(((size_t)n + 1) * sizeof **characters);
    if (!*characters) {
        PyErr_NoMemory();
        return -1;
    }
    int entered = 0;
    for (; entered < n; entered++) {
        PyObject *item = PyList_GetItem(list, entered);
        if (!PyObject_TypeCheck(item, ext_character_type)) {
            PyErr_Format(PyExc_TypeError, "a list of characters is expected, found %.200R", item);
            break;
        }
        int first = ((ext_handle *)item)->users > 0 ? 0 : entered; /* it may be in use by this call */
        while (first < entered && PyList_GetItem(list, first) != item)
            first++;
        if (first < entered) {
            PyErr_Format(PyExc_ValueError, "characters %d and %d of the list are the same one", first,
                         entered);
            break;
        }
        if (!enter(item))
            break;
        (*characters)[entered] = of(item);
    }
    if (entered == n)
        return entered;
    ext_leave_all(list, entered, *characters);
    *characters = NULL;
    return -1;
}

void ext_leave_all(PyObject *list, int count, amb_character **characters)
{
    for (int i = 0; i < count; i++)
        ext_leave((ext_handle *)PyList_GetItem(list, i));
    free(characters);
}

/* advance_characters(list, dt, threads): the list must not be changed meanwhile. */
static PyObject *advance_characters(PyObject *module, PyObject *args)
{
    PyObject *list;
    double dt;
    amb_parallel parallel = {.threads = 1};
    amb_character **characters;
    amb_result result;
    (void)module;
    if (!PyArg_ParseTuple(args, "Odi", &list, &dt, &parallel.threads) || !ext_begin_threads(parallel.threads))
        return NULL;
    const int n = ext_enter_all(list, MAX_TOGETHER, &characters);
    if (n < 0)
        return NULL;
    EXT_WITHOUT_GIL(result = amb_characters_advance(characters, n, dt, &parallel));
    ext_leave_all(list, n, characters);
    return ext_done(result);
}

static PyMethodDef functions[] = {
    {"advance_characters", advance_characters, METH_VARARGS, "advance_characters(list, dt, threads)"},
    {NULL, NULL, 0, NULL},
};

bool ext_add_character(PyObject *module)
{
    set_type = ext_add_type(module, &set_spec);
    ext_character_type = set_type ? ext_add_type(module, &spec) : NULL;
    return ext_character_type && PyModule_AddFunctions(module, functions) == 0;
}
