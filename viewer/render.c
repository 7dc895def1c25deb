/* amble/render.h: draws the viewer's scene without a window for hosts. Characters are accessed through
 * libamble's public functions alone. */
#include <amble/render.h>

#include "motion/skeleton.h"
#include "session/session.h"
#include "sim/character.h"
#include "sim/mujoco_guard.h"
#include "viewer/offscreen.h"
#include "viewer/scene.h"

#include <math.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct amb_renderer {
    atomic_flag busy;
    amb_renderer_def def;
    ami_character *body;
    ami_offscreen *offscreen;
    ami_scene scene;
    bool has_scene, has_context;
    mjrContext context;
    ami_snapshot snapshot;
};

static atomic_flag taken = ATOMIC_FLAG_INIT; /* EGL's displays belong to the process: closing one would close
                                                another renderer's */

/* As LIB_REQUIRE of lib/internal.h. */
#define REQUIRE_OR(condition, value)                    \
    do {                                                \
        if (!(condition)) {                             \
            amb_assertion_failed(#condition, __func__); \
            return value;                               \
        }                                               \
    } while (0)
#define REQUIRE(condition) REQUIRE_OR(condition, amb_fail(AMB_ERROR_ARGUMENT, #condition " does not hold"))

static amb_result refuse(amb_result result, const char *format, ...) __attribute__((format(printf, 2, 3)));
static amb_result refuse(amb_result result, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return amb_fail(result, text);
}

/* Copies the fields that the caller's header has over the defaults in `full`; false: not initialised. */
static bool copy_def(void *full, size_t full_size, const void *given)
{
    size_t size;
    memcpy(&size, given, sizeof size);
    if (size < sizeof size || size > 1 << 16)
        return false;
    memcpy((char *)full + sizeof size, (const char *)given + sizeof size,
           (size < full_size ? size : full_size) - sizeof size);
    return true;
}

void amb_renderer_def_init_size(amb_renderer_def *def, size_t size)
{
    const amb_renderer_def full = {
        .size = size, .width = 1280, .height = 720, .quality = AMB_QUALITY_MEDIUM, .max_characters = 16};
    if (def)
        memcpy(def, &full, size < sizeof full ? size : sizeof full);
}

void amb_camera_init_size(amb_camera *camera, size_t size)
{
    const amb_camera full = {
        .size = size, .height = .86, .azimuth = 2.23, .elevation = -.23, .distance = 3.9};
    if (camera)
        memcpy(camera, &full, size < sizeof full ? size : sizeof full);
}

static amb_result check_def(const amb_renderer_def *def)
{
    if (def->width < 16 || def->width > 8192 || def->height < 16 || def->height > 8192)
        return refuse(AMB_ERROR_ARGUMENT, "a picture of %d x %d pixels, expected 16 to 8192 each", def->width,
                      def->height);
    if ((int)def->quality < 0 || (int)def->quality > AMB_QUALITY_HIGH)
        return refuse(AMB_ERROR_ARGUMENT, "the quality is %d, expected one of amb_quality",
                      (int)def->quality);
    if (def->max_characters < 1 || def->max_characters > 1000)
        return refuse(AMB_ERROR_ARGUMENT, "max_characters is %d, expected 1 to 1000", def->max_characters);
    if (def->backend && strcmp(def->backend, "egl") != 0 && strcmp(def->backend, "osmesa") != 0)
        return refuse(AMB_ERROR_ARGUMENT, "the backend is \"%.80s\", expected \"egl\" or \"osmesa\"",
                      def->backend);
    return AMB_OK;
}

/* The OpenGL context must be current. */
static bool open_context(amb_renderer *r, ami_error *err)
{
    if (!ami_scene_open_context(&r->scene, &r->context, 100, err))
        return false;
    r->has_context = true;
    mjr_setBuffer(mjFB_OFFSCREEN, &r->context);
    return r->context.currentBuffer == mjFB_OFFSCREEN ||
           ami_fail(err, "OpenGL has no buffer of %d x %d pixels", r->def.width, r->def.height);
}

static bool open_drawing(amb_renderer *r, ami_error *err)
{
    const char *variable = getenv("MUJOCO_GL");
    char *before = variable ? strdup(variable) : NULL;
    bool ok = variable && !before ? ami_fail(err, "out of memory for a renderer") : true;
    ok = ok && (r->offscreen = ami_offscreen_open(r->def.backend, err)) != NULL;
    if (ok) { /* and current */
        ok = open_context(r, err);
        ami_offscreen_leave(r->offscreen);
    }
    if (before)
        setenv("MUJOCO_GL", before, 1);
    else
        unsetenv("MUJOCO_GL");
    free(before);
    return ok;
}

static bool make(amb_renderer *r, ami_error *err)
{
    char path[4096];
    if (amb_find_asset("humanoid.xml", path, sizeof path) != AMB_OK)
        return ami_fail(err, "%s", amb_error_message());
    ami_character_def body = ami_character_default_def();
    body.path = path;
    r->body = ami_character_create(&body, err);
    if (!r->body || !ami_session_snapshot_init(&r->snapshot, r->def.max_characters, err))
        return false;
    r->has_scene = ami_scene_init(&r->scene, r->body, r->def.max_characters, (ami_quality)r->def.quality,
                                  r->def.width, r->def.height, err);
    if (!r->has_scene)
        return false;
    memset(r->scene.place, 0, (size_t)r->def.max_characters * sizeof *r->scene.place);
    r->scene.characters = 1; /* no ranks, so the camera does not look at their middle */
    return open_drawing(r, err);
}

static void release(amb_renderer *r)
{
    if (r->has_context && ami_offscreen_enter(r->offscreen)) {
        mjr_freeContext(&r->context);
        ami_offscreen_leave(r->offscreen);
    }
    ami_offscreen_close(r->offscreen);
    if (r->has_scene)
        ami_scene_free(&r->scene);
    ami_character_destroy(r->body);
    free(r->snapshot.body);
    free(r);
    atomic_flag_clear(&taken);
}

amb_result amb_renderer_create(const amb_renderer_def *def, amb_renderer **renderer)
{
    amb_renderer_def full;
    REQUIRE(renderer);
    *renderer = NULL;
    amb_renderer_def_init(&full);
    if (def)
        REQUIRE(copy_def(&full, sizeof full, def) && "the definition was initialised");
    const amb_result result = check_def(&full);
    if (result != AMB_OK)
        return result;
    if (atomic_flag_test_and_set(&taken))
        return refuse(AMB_ERROR_UNSUPPORTED, "a renderer exists already, and a process has one at a time");
    amb_renderer *r = calloc(1, sizeof *r);
    if (!r) {
        atomic_flag_clear(&taken);
        return refuse(AMB_ERROR_MEMORY, "out of memory for a renderer");
    }
    ami_error err = {""};
    r->def = full;
    const bool made = make(r, &err);
    r->def.backend = NULL; /* the caller's text */
    if (made) {
        *renderer = r;
        return AMB_OK;
    }
    release(r);
    return refuse(strstr(err.text, "out of memory") ? AMB_ERROR_MEMORY : AMB_ERROR_UNSUPPORTED, "%s",
                  err.text);
}

void amb_renderer_destroy(amb_renderer *renderer)
{
    if (!renderer)
        return;
    REQUIRE_OR(!atomic_flag_test_and_set(&renderer->busy) && "no other thread is using it", );
    release(renderer);
}

const char *amb_renderer_backend(const amb_renderer *renderer)
{
    REQUIRE_OR(renderer, "");
    return ami_offscreen_name(renderer->offscreen);
}

/* ---- drawing ---- */

static amb_result check_camera(const amb_camera *c, int count)
{
    if (c->follow < -1 || c->follow >= count)
        return refuse(AMB_ERROR_ARGUMENT, "the camera follows character %d, expected -1 to %d", c->follow,
                      count - 1);
    if (!isfinite(c->at[0]) || !isfinite(c->at[1]) || !isfinite(c->height) || !isfinite(c->azimuth))
        return refuse(AMB_ERROR_ARGUMENT, "the camera's at, height and azimuth must be finite numbers");
    if (!(fabs(c->elevation) <= 1.5708))
        return refuse(AMB_ERROR_ARGUMENT, "the camera's elevation is %g rad, expected -π/2 to π/2",
                      c->elevation);
    if (!(c->distance >= .5 && c->distance <= 200))
        return refuse(AMB_ERROR_ARGUMENT, "the camera's distance is %g m, expected 0.5 to 200", c->distance);
    if (!(c->seconds >= 0))
        return refuse(AMB_ERROR_ARGUMENT, "the camera's seconds are %g, expected 0 or more", c->seconds);
    return AMB_OK;
}

/* A pose (motion/clip.h) from bodies' transforms in amble's own axes. */
static void pose_of(const amb_transform local[AMI_BODIES], double pose[AMI_POSE])
{
    memcpy(pose, local[AMI_ROOT].position, 3 * sizeof *pose);
    memcpy(pose + 3, local[AMI_ROOT].rotation, 4 * sizeof *pose);
    for (int b = 1; b < AMI_BODIES; b++) {
        const ami_joint_layout joint = ami_body_joint(b);
        const double *q = local[b].rotation;
        if (joint.width == 4)
            memcpy(pose + joint.pose, q, 4 * sizeof *pose);
        else if (joint.width == 1) /* about z */
            pose[joint.pose] = remainder(2 * atan2(q[3], q[0]), 2 * M_PI);
    }
}

static amb_result look_at(const amb_character *character, double offset, ami_view_body *to)
{
    amb_transform local[AMI_BODIES];
    amb_character_state state = {.size = sizeof state};
    amb_result result = amb_character_pose_in(character, AMB_SPACE_MUJOCO, offset, NULL, local);
    if (result == AMB_OK)
        result = amb_character_get_state(character, &state);
    if (result != AMB_OK)
        return result;
    pose_of(local, to->pose);
    memcpy(to->before, to->pose, sizeof to->before);
    to->down = state.down;
    return AMB_OK;
}

static void set_camera(ami_camera *camera, const amb_camera *c)
{
    camera->azimuth = c->azimuth * 180 / M_PI;
    camera->elevation = fmin(fmax(c->elevation * 180 / M_PI, -89.9), 8);
    camera->distance = c->distance;
    camera->height = c->height;
    camera->fixed = c->follow < 0;
    if (camera->fixed)
        memcpy(camera->at, c->at, sizeof camera->at);
    camera->placed = camera->placed && c->seconds > 0 && !camera->fixed;
}

typedef struct picture {
    amb_renderer *renderer;
    double seconds;
    unsigned char *rgb;
} picture;

static void draw(void *argument)
{
    const picture *p = argument;
    amb_renderer *r = p->renderer;
    const ami_look look = {.shadows = 1};
    const mjrRect whole = {0, 0, r->def.width, r->def.height};
    ami_scene_update(&r->scene, &r->snapshot, 1, p->seconds, &look);
    mjr_setBuffer(mjFB_OFFSCREEN, &r->context);
    mjr_render(whole, &r->scene.scene, &r->context);
    mjr_readPixels(p->rgb, NULL, whole, &r->context);
}

/* OpenGL's rows begin at the bottom. */
static void turn_over(unsigned char *rgb, int width, int height)
{
    const size_t row = (size_t)width * 3;
    for (int y = 0; y < height / 2; y++) {
        unsigned char *a = rgb + (size_t)y * row, *b = rgb + (size_t)(height - 1 - y) * row;
        for (size_t i = 0; i < row; i++) {
            const unsigned char keep = a[i];
            a[i] = b[i];
            b[i] = keep;
        }
    }
}

/* Draws the `count` bodies of the snapshot. */
static amb_result draw_snapshot(amb_renderer *r, int count, const amb_camera *camera, unsigned char *rgb)
{
    picture p = {r, camera->seconds, rgb};
    ami_error err = {""};
    r->snapshot.characters = count;
    r->snapshot.follow = camera->follow > 0 ? camera->follow : 0;
    r->snapshot.jumps++; /* no trails */
    r->snapshot.pushed_ago = 1e9;
    set_camera(&r->scene.camera, camera);
    if (!ami_offscreen_enter(r->offscreen))
        return refuse(AMB_ERROR_UNSUPPORTED, "the OpenGL context cannot be made current: is it in another "
                                             "thread?");
    const bool ok = ami_mujoco_guard(draw, &p, &err);
    ami_offscreen_leave(r->offscreen);
    if (!ok)
        return refuse(AMB_ERROR_PHYSICS, "%s", err.text);
    turn_over(rgb, r->def.width, r->def.height);
    return AMB_OK;
}

static amb_result check(const amb_renderer *r, int count, const amb_camera *camera)
{
    if (count < 1 || count > r->def.max_characters)
        return refuse(AMB_ERROR_ARGUMENT, "%d characters, expected 1 to %d (max_characters)", count,
                      r->def.max_characters);
    return check_camera(camera, count);
}

amb_result amb_renderer_draw(amb_renderer *renderer, amb_character *const *characters, int count,
                             double offset, const amb_camera *camera, unsigned char *rgb)
{
    amb_camera view;
    REQUIRE(renderer && rgb && characters);
    amb_camera_init(&view);
    if (camera)
        REQUIRE(copy_def(&view, sizeof view, camera) && "the camera was initialised");
    amb_result result = check(renderer, count, &view);
    if (result != AMB_OK)
        return result;
    for (int i = 0; i < count; i++)
        REQUIRE(characters[i]);
    REQUIRE(!atomic_flag_test_and_set(&renderer->busy) && "no other thread is using it");
    for (int i = 0; i < count && result == AMB_OK; i++)
        result = look_at(characters[i], offset, &renderer->snapshot.body[i]);
    if (result == AMB_OK)
        result = draw_snapshot(renderer, count, &view, rgb);
    atomic_flag_clear(&renderer->busy);
    return result;
}

amb_result amb_renderer_draw_poses(amb_renderer *renderer, const double *poses, int pose_size,
                                   const bool *down, int count, const amb_camera *camera, unsigned char *rgb)
{
    amb_camera view;
    REQUIRE(renderer && rgb && poses);
    amb_camera_init(&view);
    if (camera)
        REQUIRE(copy_def(&view, sizeof view, camera) && "the camera was initialised");
    amb_result result = check(renderer, count, &view);
    if (result != AMB_OK)
        return result;
    if (pose_size != AMI_POSE)
        return refuse(AMB_ERROR_ARGUMENT, "poses of %d numbers, expected %d", pose_size, AMI_POSE);
    for (int i = 0; i < count * AMI_POSE; i++)
        if (!isfinite(poses[i]))
            return refuse(AMB_ERROR_ARGUMENT, "number %d of pose %d is %g, expected a finite one",
                          i % AMI_POSE, i / AMI_POSE, poses[i]);
    REQUIRE(!atomic_flag_test_and_set(&renderer->busy) && "no other thread is using it");
    for (int i = 0; i < count; i++) {
        ami_view_body *to = &renderer->snapshot.body[i];
        memcpy(to->pose, poses + (size_t)i * AMI_POSE, sizeof to->pose);
        memcpy(to->before, to->pose, sizeof to->before);
        to->down = down && down[i];
    }
    result = draw_snapshot(renderer, count, &view, rgb);
    atomic_flag_clear(&renderer->busy);
    return result;
}
