/* A character in a host's own MuJoCo scene, as mocap bodies that push a ball about; the end as a picture.
 *
 *     mujoco_scene [PICTURE.ppm] */
#include <amble/amble.h>
#ifdef EXAMPLE_EGL
#include <EGL/egl.h>
#include <EGL/eglext.h>
#endif
#include <mujoco/mujoco.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
enum { BODIES = 64, WIDTH = 640, HEIGHT = 360 };

static void check(int ok, const char *sentence)
{
    if (!ok)
        fprintf(stderr, "%s\n", sentence), exit(1);
}

/* A floor, a ball in the way, and a mocap body with bones to its children for each of the character's. */
static mjModel *make_scene(const amb_character *hero, const amb_transform *local)
{
    char error[500] = "", xml[16384] =
                              "<mujoco><worldbody><light pos='0 0 9'/><geom type='plane' size='9 9 1'/>"
                              "<body pos='2.5 0 .3'><freejoint/><geom size='.3' mass='2'/></body>";
    for (int b = 0; b < amb_character_bodies(hero); b++) {
        strcat(xml, "<body mocap='true'><geom size='.07' rgba='.9 .6 .2 1'/>");
        for (int k = 1; k < amb_character_bodies(hero); k++)
            if (amb_character_body_parent(hero, k) == b)
                sprintf(xml + strlen(xml), "<geom type='capsule' size='.05' fromto='0 0 0 %g %g %g'/>",
                        local[k].position[0], local[k].position[1], local[k].position[2]);
        strcat(xml, "</body>");
    }
    mjSpec *spec = mj_parseXMLString(strcat(xml, "</worldbody></mujoco>"), NULL, error, sizeof error);
    mjModel *model = spec ? mj_compile(spec, NULL) : NULL;
    check(model != NULL, spec ? mjs_getError(spec) : error);
    mj_deleteSpec(spec);
    return model;
}

static void render(const mjModel *model, mjData *data, FILE *file)
{
    static unsigned char rgb[3 * WIDTH * HEIGHT];
    const mjrRect whole = {0, 0, WIDTH, HEIGHT};
    mjvScene scene;
    mjvCamera camera = {.type = mjCAMERA_FREE, .distance = 4, .azimuth = 120, .elevation = -15};
    mjvOption option;
    mjrContext drawing;
    memcpy(camera.lookat, data->mocap_pos, sizeof camera.lookat);
    mjv_defaultScene(&scene), mjv_defaultOption(&option), mjr_defaultContext(&drawing);
    mjv_makeScene(model, &scene, 200), mjr_makeContext(model, &drawing, 100);
    mjr_setBuffer(mjFB_OFFSCREEN, &drawing);
    mjv_updateScene(model, data, &option, NULL, &camera, mjCAT_ALL, &scene);
    mjr_render(whole, &scene, &drawing), mjr_readPixels(rgb, NULL, whole, &drawing);
    fprintf(file, "P6 %d %d 255\n", WIDTH, HEIGHT);
    for (int y = HEIGHT; y-- > 0;) /* OpenGL begins at the bottom */
        fwrite(rgb + 3 * (size_t)y * WIDTH, 3, WIDTH, file);
    mjr_freeContext(&drawing), mjv_freeScene(&scene);
}

static int open_gl(void) /* a context without a window; false: there is none here */
{
#ifdef EXAMPLE_EGL
    EGLDisplay display = eglGetPlatformDisplay(EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY, NULL);
    EGLContext context = EGL_NO_CONTEXT;
    if (eglInitialize(display, NULL, NULL) && eglBindAPI(EGL_OPENGL_API))
        context = eglCreateContext(display, NULL, EGL_NO_CONTEXT, NULL);
    return context && eglMakeCurrent(display, EGL_NO_SURFACE, EGL_NO_SURFACE, context);
#else
    return 0;
#endif
}
int main(int argc, char **argv)
{
    amb_model_set *set;
    amb_character *hero = NULL;
    amb_transform world[BODIES], local[BODIES];
    check(!amb_model_set_load(NULL, &set) && !amb_character_create(set, NULL, &hero), amb_error_message());
    amb_character_rest(hero, NULL, local);
    mjModel *model = make_scene(hero, local);
    mjData *data = mj_makeData(model);
    for (int step = 0; step < 2500; step++) { /* 5 s of the host's own 500 Hz */
        check(!amb_character_advance(hero, model->opt.timestep), amb_error_message());
        amb_character_pose(hero, 0, world, NULL);
        for (int b = 0; b < amb_character_bodies(hero); b++) {
            memcpy(data->mocap_pos + 3 * b, world[b].position, sizeof world[b].position);
            memcpy(data->mocap_quat + 4 * b, world[b].rotation, sizeof world[b].rotation);
        }
        mj_step(model, data);
    }
    printf("the ball lay at (2.50, 0.00), now at (%.2f, %.2f)\n", data->qpos[0], data->qpos[1]);
    FILE *file = argc > 1 && open_gl() ? fopen(argv[1], "wb") : NULL;
    if (file)
        render(model, data, file), check(!fclose(file), "the picture cannot be written");
    mj_deleteData(data), mj_deleteModel(model);
    amb_character_destroy(hero), amb_model_set_destroy(set);
    return 0;
}
