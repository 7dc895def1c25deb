/* Creates OpenGL contexts without a window, by EGL or OSMesa. */
#include "viewer/offscreen.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EGL_NO_X11
#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <GL/gl.h>

/* From GL/osmesa.h, which newer distributions lack (Mesa dropped OSMesa in 2025); an installed library is
 * still used. */
typedef struct osmesa_context *OSMesaContext;
#define OSMESA_RGBA GL_RGBA

struct ami_offscreen {
    char name[32];
    void *library; /* stays open until the end: unloading drivers is not safe */
    EGLDisplay display;
    EGLContext context;
    EGLBoolean (*make_current)(EGLDisplay, EGLSurface, EGLSurface, EGLContext);
    EGLBoolean (*destroy_context)(EGLDisplay, EGLContext);
    EGLBoolean (*terminate)(EGLDisplay);
    struct { /* in the calling thread, before ami_offscreen_enter */
        EGLDisplay display;
        EGLSurface draw, read;
        EGLContext context;
    } before;
    EGLDisplay (*current_display)(void);
    EGLSurface (*current_surface)(EGLint);
    EGLContext (*current_context)(void);
    OSMesaContext mesa;
    GLboolean (*mesa_make_current)(OSMesaContext, void *, GLenum, GLsizei, GLsizei);
    void (*mesa_destroy)(OSMesaContext);
    unsigned char *pixels; /* OSMesa needs a buffer for a current context */
};

enum { MESA_SIDE = 16 };

/* The EGL functions in use, found by name because the library is loaded at run time. */
typedef struct egl {
    void *(*get_proc)(const char *);
    EGLBoolean (*initialize)(EGLDisplay, EGLint *, EGLint *);
    EGLBoolean (*bind_api)(EGLenum);
    EGLBoolean (*choose_config)(EGLDisplay, const EGLint *, EGLConfig *, EGLint, EGLint *);
    EGLContext (*create_context)(EGLDisplay, EGLConfig, EGLContext, const EGLint *);
    EGLBoolean (*make_current)(EGLDisplay, EGLSurface, EGLSurface, EGLContext);
    EGLBoolean (*destroy_context)(EGLDisplay, EGLContext);
    EGLBoolean (*terminate)(EGLDisplay);
    EGLDisplay (*current_display)(void);
    EGLSurface (*current_surface)(EGLint);
    EGLContext (*current_context)(void);
    PFNEGLGETPLATFORMDISPLAYEXTPROC platform_display;
    PFNEGLQUERYDEVICESEXTPROC query_devices;
} egl;

/* C has no conversion from a data pointer to a function's; POSIX does. */
static void find(void *library, const char *name, void *to)
{
    void *symbol = dlsym(library, name);
    memcpy(to, &symbol, sizeof symbol);
}

static bool load_egl(egl *e, void *library)
{
    find(library, "eglGetProcAddress", &e->get_proc);
    find(library, "eglInitialize", &e->initialize);
    find(library, "eglBindAPI", &e->bind_api);
    find(library, "eglChooseConfig", &e->choose_config);
    find(library, "eglCreateContext", &e->create_context);
    find(library, "eglMakeCurrent", &e->make_current);
    find(library, "eglDestroyContext", &e->destroy_context);
    find(library, "eglTerminate", &e->terminate);
    find(library, "eglGetCurrentDisplay", &e->current_display);
    find(library, "eglGetCurrentSurface", &e->current_surface);
    find(library, "eglGetCurrentContext", &e->current_context);
    if (!e->get_proc || !e->initialize || !e->bind_api || !e->choose_config || !e->create_context ||
        !e->make_current || !e->destroy_context || !e->terminate || !e->current_display ||
        !e->current_surface || !e->current_context)
        return false;
    void *f = e->get_proc("eglGetPlatformDisplayEXT");
    memcpy(&e->platform_display, &f, sizeof f);
    f = e->get_proc("eglQueryDevicesEXT");
    memcpy(&e->query_devices, &f, sizeof f);
    return e->platform_display != NULL;
}

/* Makes a context without a surface current on the display; MuJoCo draws into its own buffer. */
static bool use_display(ami_offscreen *o, const egl *e, EGLDisplay display)
{
    if (display == EGL_NO_DISPLAY || !e->initialize(display, NULL, NULL))
        return false;
    static const EGLint attributes[] = {EGL_RENDERABLE_TYPE,
                                        EGL_OPENGL_BIT,
                                        EGL_RED_SIZE,
                                        8,
                                        EGL_GREEN_SIZE,
                                        8,
                                        EGL_BLUE_SIZE,
                                        8,
                                        EGL_DEPTH_SIZE,
                                        24,
                                        EGL_SURFACE_TYPE,
                                        EGL_PBUFFER_BIT,
                                        EGL_NONE};
    EGLConfig config;
    EGLint count = 0;
    if (e->choose_config(display, attributes, &config, 1, &count) && count > 0 &&
        e->bind_api(EGL_OPENGL_API)) {
        const EGLContext context = e->create_context(display, config, EGL_NO_CONTEXT, NULL);
        if (context != EGL_NO_CONTEXT && e->make_current(display, EGL_NO_SURFACE, EGL_NO_SURFACE, context)) {
            o->display = display;
            o->context = context;
            o->make_current = e->make_current;
            o->destroy_context = e->destroy_context;
            o->terminate = e->terminate;
            return true;
        }
        if (context != EGL_NO_CONTEXT)
            e->destroy_context(display, context);
    }
    e->terminate(display);
    return false;
}

static void remember(ami_offscreen *o)
{
    o->before.display = o->current_display();
    o->before.draw = o->current_surface(EGL_DRAW);
    o->before.read = o->current_surface(EGL_READ);
    o->before.context = o->current_context();
}

static bool open_egl(ami_offscreen *o, ami_error *err)
{
    o->library = dlopen("libEGL.so.1", RTLD_NOW | RTLD_GLOBAL);
    egl e = {0};
    if (!o->library || !load_egl(&e, o->library))
        return ami_fail(err, "libEGL.so.1 is missing (package libegl1)");
    o->current_display = e.current_display;
    o->current_surface = e.current_surface;
    o->current_context = e.current_context;
    remember(o);
    EGLDeviceEXT device[16];
    EGLint devices = 0;
    if (e.query_devices && e.query_devices(16, device, &devices))
        for (EGLint i = 0; i < devices; i++) /* graphics cards come first here */
            if (use_display(o, &e, e.platform_display(EGL_PLATFORM_DEVICE_EXT, device[i], NULL))) {
                snprintf(o->name, sizeof o->name, "EGL (device)");
                return true;
            }
    if (use_display(o, &e, e.platform_display(EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY, NULL))) {
        snprintf(o->name, sizeof o->name, "EGL (surfaceless)");
        return true;
    }
    return ami_fail(
        err, "libEGL has no device that can draw (software drawing needs the package libgl1-mesa-dri)");
}

static bool make_mesa_current(ami_offscreen *o)
{
    return o->mesa_make_current(o->mesa, o->pixels, GL_UNSIGNED_BYTE, MESA_SIDE, MESA_SIDE);
}

static bool open_osmesa(ami_offscreen *o, ami_error *err)
{
    static const char *const names[] = {"libOSMesa.so.8", "libOSMesa.so.6", "libOSMesa.so"};
    for (size_t i = 0; i < sizeof names / sizeof *names && !o->library; i++)
        o->library = dlopen(names[i], RTLD_NOW | RTLD_GLOBAL);
    OSMesaContext (*create)(GLenum, GLint, GLint, GLint, OSMesaContext) = NULL;
    if (o->library) {
        find(o->library, "OSMesaCreateContextExt", &create);
        find(o->library, "OSMesaMakeCurrent", &o->mesa_make_current);
        find(o->library, "OSMesaDestroyContext", &o->mesa_destroy);
    }
    if (!create || !o->mesa_make_current || !o->mesa_destroy)
        return ami_fail(err, "libOSMesa is missing (package libosmesa6)");
    o->pixels = malloc((size_t)4 * MESA_SIDE * MESA_SIDE);
    o->mesa = create(OSMESA_RGBA, 24, 8, 0, NULL);
    if (!o->pixels || !o->mesa || !make_mesa_current(o))
        return ami_fail(err, "libOSMesa cannot create a context");
    snprintf(o->name, sizeof o->name, "OSMesa");
    return true;
}

/* MuJoCo's loader reads this variable to choose the library. */
static bool try_backend(ami_offscreen *o, const char *backend, ami_error *err)
{
    const bool ok = !strcmp(backend, "egl") ? open_egl(o, err) : open_osmesa(o, err);
    if (ok)
        setenv("MUJOCO_GL", backend, 1);
    return ok;
}

ami_offscreen *ami_offscreen_open(const char *backend, ami_error *err)
{
    ami_offscreen *o = calloc(1, sizeof *o);
    ami_error egl_reason = {{0}}, mesa_reason = {{0}};
    if (!o) {
        ami_fail(err, "out of memory for a picture");
        return NULL;
    }
    if ((!backend || !strcmp(backend, "egl")) && try_backend(o, "egl", &egl_reason))
        return o;
    o->library = NULL;
    if ((!backend || !strcmp(backend, "osmesa")) && try_backend(o, "osmesa", &mesa_reason))
        return o;
    ami_offscreen_close(o);
    ami_fail(err, "pictures without a display are not possible here: %s%s%s", egl_reason.text,
             egl_reason.text[0] && mesa_reason.text[0] ? "; " : "", mesa_reason.text);
    return NULL;
}

void ami_offscreen_close(ami_offscreen *offscreen)
{
    if (!offscreen)
        return;
    if (offscreen->context) {
        offscreen->make_current(offscreen->display, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
        offscreen->destroy_context(offscreen->display, offscreen->context);
        offscreen->terminate(offscreen->display);
    }
    if (offscreen->mesa)
        offscreen->mesa_destroy(offscreen->mesa);
    free(offscreen->pixels);
    free(offscreen);
}

bool ami_offscreen_enter(ami_offscreen *offscreen)
{
    if (offscreen->mesa)
        return make_mesa_current(offscreen);
    remember(offscreen);
    return offscreen->make_current(offscreen->display, EGL_NO_SURFACE, EGL_NO_SURFACE, offscreen->context);
}

void ami_offscreen_leave(ami_offscreen *offscreen)
{
    if (offscreen->mesa)
        return;
    offscreen->make_current(offscreen->display, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
    if (offscreen->before.display != EGL_NO_DISPLAY && offscreen->before.context != EGL_NO_CONTEXT)
        offscreen->make_current(offscreen->before.display, offscreen->before.draw, offscreen->before.read,
                                offscreen->before.context);
}

const char *ami_offscreen_name(const ami_offscreen *offscreen)
{
    return offscreen->name;
}
