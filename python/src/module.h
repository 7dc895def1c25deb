/* What the files of the extension module amble._amble share: exceptions, definitions from keyword arguments,
 * arrays, handles.
 *
 * The extension binds the public library and has no logic of its own. It uses CPython's stable ABI (3.11),
 * so one binary serves every later version. Arrays are anything with the buffer protocol; it knows nothing of
 * numpy.
 *
 * Calls that compute release the GIL. A handle counts the calls that are using it: a second thread gets
 * a RuntimeError where the library allows one thread at a time, and close() one while a call runs. */
#ifndef AMBLE_PYTHON_MODULE_H
#define AMBLE_PYTHON_MODULE_H

#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <amble/amble.h>

/* ---- exceptions ---- */

/* Sets the exception for a result, with the library's sentence. Returns NULL. */
PyObject *ext_raise(amb_result result);

/* None for AMB_OK, else ext_raise. */
PyObject *ext_done(amb_result result);

/* Runs a statement while other threads may use Python. */
#define EXT_WITHOUT_GIL(statement)                       \
    do {                                                 \
        PyThreadState *ext_thread = PyEval_SaveThread(); \
        statement;                                       \
        PyEval_RestoreThread(ext_thread);                \
    } while (0)

/* ---- definitions ---- */

typedef enum ext_kind {
    EXT_DOUBLE,
    EXT_INT,
    EXT_BOOL,
    EXT_UINT64,
    EXT_TEXT,  /* a string or a path; const char * */
    EXT_TEXTS, /* a list of them; const char *const *, with its count in the int at `other` */
    EXT_ENUM,  /* a name of `names`; int */
    EXT_PAIR,  /* two numbers; double[2] */
    EXT_TRIPLE,
    EXT_INT_PAIR, /* one whole number for both, or two; int[2] */
    EXT_CLIP      /* a _amble.Clip; const amb_clip * */
} ext_kind;

typedef struct ext_name {
    const char *name;
    int value;
} ext_name;

typedef struct ext_field {
    const char *name; /* NULL ends a list */
    ext_kind kind;
    size_t offset;
    const ext_name *names; /* of EXT_ENUM */
    size_t other;          /* of EXT_TEXTS */
} ext_field;

/* Sets fields of `def` from a dictionary; None leaves a default. `what` names it in sentences ("an
 * environment"). Texts stay valid as long as *keep, a list that this function makes; the caller drops it.
 * False with an exception: an unknown name (TypeError), a value of another type (TypeError) or one that
 * the field cannot hold (ValueError). */
bool ext_read_fields(PyObject *dict, const ext_field *fields, void *def, const char *what, PyObject **keep);

/* A text or path as UTF-8; owned by `keep` (a list). */
const char *ext_text(PyObject *value, const char *what, PyObject *keep);

/* An integer from 0 to 2**64 - 1; else false with an exception whose sentence begins with `name`. */
bool ext_uint64(PyObject *value, const char *name, uint64_t *out);

extern const ext_name ext_precisions[];
extern const ext_field ext_env_fields[];
extern const ext_field ext_model_fields[];

/* ---- arrays ---- */

/* Gets a C-contiguous buffer of one type: f float32, d float64, ? bool, B uint8, q int64, Q uint64. shape:
 * -1 is any length. False with an exception whose sentence begins with `what`. The caller releases the
 * view. */
bool ext_get_array(PyObject *object, const char *what, char type, bool writable, int rank,
                   const Py_ssize_t *shape, Py_buffer *view);

/* The arrays of one call, released together by ext_release. Begins as {0}. */
typedef struct ext_arrays {
    Py_buffer view[3];
    int count;
} ext_arrays;

/* ext_get_array for one more of them; NULL with an exception. */
const Py_buffer *ext_array(ext_arrays *arrays, PyObject *object, const char *what, char type, bool writable,
                           int rank, const Py_ssize_t *shape);
void ext_release(ext_arrays *arrays);

/* The type of an array by its format: one of the letters above, also i int32 and e float16; 0: another
 * one. */
char ext_array_type(const Py_buffer *view);

/* ---- handles ---- */

typedef struct ext_handle {
    PyObject_HEAD void *pointer; /* NULL: closed */
    int users;                   /* calls that are running */
    unsigned forks;              /* ext_forks at its creation */
    bool shared;                 /* any number of threads may use it at once */
    bool threaded;               /* it uses OpenMP's threads */
} ext_handle;

extern unsigned ext_forks; /* how often this process is a fork's child */

/* Called before an object that uses more than one thread is made: false with an exception in a forked
 * child whose parent had started OpenMP's threads, where they would never answer. */
bool ext_begin_threads(int threads);

/* False with an exception where the handle is closed, belongs to a process that forked this one and has
 * threads, or is in use. */
bool ext_enter(ext_handle *handle, const char *what);
void ext_leave(ext_handle *handle);
bool ext_may_close(ext_handle *handle, const char *what);

/* ---- the types ---- */

bool ext_add_envs(PyObject *module);
bool ext_add_model(PyObject *module);
bool ext_add_phase(PyObject *module);
bool ext_add_style(PyObject *module);
bool ext_add_clip(PyObject *module);
bool ext_add_character(PyObject *module);
bool ext_add_render(PyObject *module);
bool ext_add_rollout(PyObject *module);

/* Makes a type of its specification and adds it to the module. NULL with an exception. */
PyTypeObject *ext_add_type(PyObject *module, PyType_Spec *spec);

extern PyTypeObject *ext_clip_type, *ext_character_type;

/* A new _amble.Clip that owns `clip`; on failure the clip is destroyed. */
PyObject *ext_wrap_clip(amb_clip *clip);
/* The clip in a _amble.Clip; NULL with a TypeError. */
const amb_clip *ext_clip_of(PyObject *object);

/* Enters all characters of a list, which must not be changed meanwhile, and writes them to *characters, the
 * caller's to pass to ext_leave_all; their number. -1 with an exception and none entered: not a list of at
 * most `max` characters, one of them twice, closed or in use. */
int ext_enter_all(PyObject *list, int max, amb_character ***characters);
void ext_leave_all(PyObject *list, int count, amb_character **characters);

/* The humanoid's skeleton and its sizes; false with an exception. */
bool ext_skeleton(const amb_skeleton **skeleton, amb_skeleton_info *info);

/* Allocates an object of a type. */
ext_handle *ext_new(PyTypeObject *type);

/* Ends a constructor that began with ext_new: the object, or NULL with the exception of a `result` that is
 * not AMB_OK. */
PyObject *ext_made(ext_handle *self, amb_result result);
void ext_free(PyObject *self);

/* dict[key] = value, whose reference is taken; false with an exception, also where value is NULL. */
bool ext_set(PyObject *dict, const char *key, PyObject *value);
PyObject *ext_string(const char *text); /* None for NULL */

/* Appends an item, whose reference is taken. Where that fails, or item is NULL, *list becomes NULL with an
 * exception. */
void ext_append(PyObject **list, PyObject *item);

#endif
