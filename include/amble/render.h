/* Pictures of live characters without a window, in a separate library: libamble-render.
 *
 *     amb_renderer *renderer;
 *     amb_renderer_create(NULL, &renderer);                       1280 x 720
 *     unsigned char *rgb = malloc((size_t)3 * 1280 * 720);
 *     amb_character_advance(hero, 1. / 30);
 *     amb_renderer_draw(renderer, &hero, 1, 0, NULL, rgb);        (720, 1280, 3), the top row first
 *
 * Characters are drawn where they are, on a floor with a horizon; those that have fallen are paler. OpenGL is
 * loaded at run time: EGL, on a graphics card or in software, else OSMesa. On a machine with neither, only
 * amb_renderer_create fails, with a sentence.
 *
 * Threads: a process has one renderer at a time. It is used by one thread at a time, any of them. A call
 * makes its OpenGL context current and afterwards restores the previous one, if that was EGL's; a host that
 * draws through another interface (GLX, WGL) makes its own current again, or draws in another thread. While a
 * renderer is created, the environment variable MUJOCO_GL is set, as MuJoCo requires, and then restored. */
#ifndef AMBLE_RENDER_H
#define AMBLE_RENDER_H

#include <amble/character.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct amb_renderer amb_renderer;

typedef enum amb_quality {
    AMB_QUALITY_LOW = 0,    /* flat shadows, jagged edges: the fastest in software */
    AMB_QUALITY_MEDIUM = 1, /* smooth edges */
    AMB_QUALITY_HIGH = 2    /* reflection and, where max_characters is 1, a shadow map: for graphics cards */
} amb_quality;

typedef struct amb_renderer_def {
    size_t size;
    int width, height;   /* 1280, 720: pixels, 16 to 8192 each */
    amb_quality quality; /* AMB_QUALITY_MEDIUM */
    int max_characters;  /* 16: in one picture, at most 1000 */
    const char *backend; /* NULL: the first that works; "egl", "osmesa" */
} amb_renderer_def;

AMB_API void amb_renderer_def_init_size(amb_renderer_def *def, size_t size);
static inline void amb_renderer_def_init(amb_renderer_def *def)
{
    amb_renderer_def_init_size(def, sizeof *def);
}

/* def NULL: the defaults. AMB_ERROR_UNSUPPORTED: there is no OpenGL here, or a renderer already. */
AMB_NODISCARD AMB_API amb_result amb_renderer_create(const amb_renderer_def *def, amb_renderer **renderer);
AMB_API void amb_renderer_destroy(amb_renderer *renderer); /* NULL is fine */

/* "EGL (surfaceless)", "EGL (device)", "OSMesa" */
AMB_API const char *amb_renderer_backend(const amb_renderer *renderer);

/* The camera, in amble's own axes (AMB_SPACE_MUJOCO), whatever the characters' space. */
typedef struct amb_camera {
    size_t size;
    int follow;       /* 0: index in the call of the character to look at; -1: none, it looks at `at` */
    double at[2];     /* 0 0: m, on the ground */
    double height;    /* .86: m, of the point that it looks at */
    double azimuth;   /* 2.23: rad, direction of view: 0 along x, π/2 along y */
    double elevation; /* -.23: rad, of its view: negative looks down; clamped to .14 at most */
    double distance;  /* 3.9: m, .5 to 200 */
    double seconds;   /* 0: it follows the character at once; more: s since the last picture, for a camera
                         that follows smoothly */
} amb_camera;

AMB_API void amb_camera_init_size(amb_camera *camera, size_t size);
static inline void amb_camera_init(amb_camera *camera)
{
    amb_camera_init_size(camera, sizeof *camera);
}

/* Draws `count` characters as they are at `offset` (amb_character_pose) into rgb (height, width, 3), the top
 * row first. camera NULL: the defaults. Allocates nothing of amble's own. */
AMB_API amb_result amb_renderer_draw(amb_renderer *renderer, amb_character *const *characters, int count,
                                     double offset, const amb_camera *camera, unsigned char *rgb);

/* The same for bodies given by their poses: poses (count, pose_size), as amb_env_body and amb_clip_sample
 * return them, and down (count), true for those to be drawn paler; NULL: none. The camera follows a pose as
 * it follows a character. AMB_ERROR_ARGUMENT and nothing drawn where pose_size is not
 * amb_skeleton_info.pose_size or a number is not finite. */
AMB_API amb_result amb_renderer_draw_poses(amb_renderer *renderer, const double *poses, int pose_size,
                                           const bool *down, int count, const amb_camera *camera,
                                           unsigned char *rgb);

#ifdef __cplusplus
}
#endif

#endif
