/* Builds MuJoCo's scene from a snapshot: bodies, ranks, shadows, trails, camera. */
#include "viewer/scene.h"

#include "motion/points.h"
#include "motion/pose.h"
#include "motion/rotation.h"
#include "sim/mujoco_guard.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Okabe and Ito's palette, safe for colour blindness. */
static const float green[4] = {0, .62f, .45f, .34f}, orange[4] = {.90f, .62f, 0, .95f},
                   sky[4] = {.34f, .71f, .91f, .9f}, vermilion[4] = {.84f, .37f, 0, .95f},
                   purple[4] = {.80f, .47f, .65f, .9f};

static void set_visuals(mjModel *m, ami_quality quality, bool crowd, int width, int height)
{
    m->vis.global.offwidth = width;
    m->vis.global.offheight = height;
    m->vis.quality.shadowsize = quality == AMI_QUALITY_HIGH     ? 4096
                                : quality == AMI_QUALITY_MEDIUM ? 2048
                                                                : 1024;
    m->vis.quality.offsamples = quality == AMI_QUALITY_LOW ? 0 : 4;
    if (quality == AMI_QUALITY_LOW) { /* a software renderer's time grows with the triangles */
        m->vis.quality.numslices = crowd ? 10 : 20;
        m->vis.quality.numstacks = crowd ? 6 : 12;
    }
    if (quality != AMI_QUALITY_HIGH)
        for (int i = 0; i < m->nmat; i++)
            m->mat_reflectance[i] = 0;
}

/* Ranks of up to eight, the first character in the middle of the front one. */
static void set_up_ranks(ami_scene *s)
{
    int columns = 1;
    while (columns * columns < s->characters)
        columns++;
    for (int i = 0; i < s->characters; i++) {
        const int column = i % columns, rank = i / columns;
        const double side = (column + 1) / 2 * (column % 2 ? 1. : -1.);
        s->place[i][0] = -1.9 * rank;
        s->place[i][1] = 1.5 * side;
    }
}

typedef struct model_parts {
    ami_scene *scene;
    ami_quality quality;
    int width, height;
} model_parts;

static void make_model(void *context)
{
    const model_parts *p = context;
    ami_scene *s = p->scene;
    s->model = mj_copyModel(NULL, s->character->model);
    if (s->model)
        set_visuals(s->model, p->quality, s->characters > 8, p->width, p->height);
    s->data = s->model ? mj_makeData(s->model) : NULL;
    if (!s->data)
        return;
    mj_kinematics(s->model, s->data); /* the floor has its place from the first frame on */
    mjv_makeScene(s->model, &s->scene, 1000 + 52 * s->characters);
}

bool ami_scene_init(ami_scene *scene, const ami_character *character, int characters, ami_quality quality,
                    int width, int height, ami_error *err)
{
    memset(scene, 0, sizeof *scene);
    scene->character = character;
    scene->characters = characters;
    mjv_defaultScene(&scene->scene);
    mjv_defaultOption(&scene->option);
    scene->place = calloc((size_t)characters, sizeof *scene->place);
    model_parts parts = {scene, quality, width, height};
    if (!ami_mujoco_guard(make_model, &parts, err)) {
        ami_scene_free(scene);
        return ami_fail_in(err, "no picture of %d characters", characters);
    }
    if (!scene->data || !scene->place) {
        ami_scene_free(scene);
        return ami_fail(err, "out of memory for a picture of %d characters", characters);
    }
    scene->scene.flags[mjRND_HAZE] = 1;
    scene->scene.flags[mjRND_REFLECTION] = quality == AMI_QUALITY_HIGH;
    /* a shadow map does not cover a crowd */
    scene->flat_shadows = quality != AMI_QUALITY_HIGH || characters > 1;
    set_up_ranks(scene);
    ami_camera_home(&scene->camera, characters);
    scene->jumps = -1;
    return true;
}

typedef struct context_parts {
    const ami_scene *scene;
    mjrContext *context;
    int font;
} context_parts;

static void make_context(void *argument)
{
    const context_parts *p = argument;
    mjr_makeContext(p->scene->model, p->context, p->font);
}

bool ami_scene_open_context(const ami_scene *scene, mjrContext *context, int font, ami_error *err)
{
    context_parts parts = {scene, context, font};
    mjr_defaultContext(context);
    return ami_mujoco_guard(make_context, &parts, err) || ami_fail_in(err, "OpenGL cannot be used");
}

void ami_scene_free(ami_scene *scene)
{
    mjv_freeScene(&scene->scene);
    mj_deleteData(scene->data);
    mj_deleteModel(scene->model);
    free(scene->place);
    memset(scene, 0, sizeof *scene);
}

static void pose_data(ami_scene *s, const double pose[AMI_POSE], const double place[2])
{
    double *qpos = s->data->qpos;
    ami_pose_to_qpos(s->character, pose, qpos);
    qpos[0] += place[0];
    qpos[1] += place[1];
    mj_kinematics(s->model, s->data);
}

static mjvGeom *add(ami_scene *s, int type, const float rgba[4])
{
    if (s->scene.ngeom >= s->scene.maxgeom)
        return NULL;
    mjvGeom *g = &s->scene.geoms[s->scene.ngeom++];
    mjv_initGeom(g, type, NULL, NULL, NULL, rgba);
    g->category = mjCAT_DECOR;
    return g;
}

static void add_between(ami_scene *s, int type, double width, const double from[3], const double to[3],
                        const float rgba[4], float alpha)
{
    mjvGeom *g = add(s, type, rgba);
    if (!g)
        return;
    mjv_connector(g, type, width, from, to);
    g->rgba[3] *= alpha;
    g->emission = .35f;
}

static void add_ball(ami_scene *s, const double at[3], double radius, const float rgba[4])
{
    mjvGeom *g = add(s, mjGEOM_SPHERE, rgba);
    if (!g)
        return;
    for (int k = 0; k < 3; k++) {
        g->size[k] = (float)radius;
        g->pos[k] = (float)at[k];
    }
    g->emission = .35f;
}

/* Additional shapes for drawing: the model's balls and capsules hardly touch, so trunk, neck, shoulders and
 * hips are drawn between them, and a visor shows the direction of view. Physics does not use them. */
static void add_trunk(ami_scene *s)
{
    static const struct {
        int body[2];
        double offset[2][3]; /* m, body frames: x forward, y up, z right */
        double radius;
    } part[] = {
        {{AMI_ROOT, AMI_CHEST}, {{0, .07, 0}, {0, .10, 0}}, .088},
        {{AMI_CHEST, AMI_CHEST}, {{-.012, .205, -.125}, {-.012, .205, .125}}, .062},
        {{AMI_RIGHT_HIP, AMI_LEFT_HIP}, {{0, 0, 0}, {0, 0, 0}}, .072},
        {{AMI_CHEST, AMI_NECK}, {{0, .18, 0}, {0, .14, 0}}, .046},
        {{AMI_RIGHT_SHOULDER, AMI_RIGHT_SHOULDER}, {{0, 0, 0}, {0, -.06, 0}}, .052},
        {{AMI_LEFT_SHOULDER, AMI_LEFT_SHOULDER}, {{0, 0, 0}, {0, -.06, 0}}, .052},
    };
    static const float trunk[4] = {.90f, .88f, .84f, 1}, visor[4] = {.16f, .18f, .22f, 1};
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        double end[2][3];
        for (int e = 0; e < 2; e++) {
            const int id = s->character->body[part[i].body[e]];
            mju_mulMatVec3(end[e], s->data->xmat + 9 * id, part[i].offset[e]);
            mju_addTo3(end[e], s->data->xpos + 3 * id);
        }
        mjvGeom *g = add(s, mjGEOM_CAPSULE, trunk);
        if (!g)
            return;
        mjv_connector(g, mjGEOM_CAPSULE, part[i].radius, end[0], end[1]);
        g->category = mjCAT_DYNAMIC;
        g->specular = .12f;
        g->shininess = .4f;
    }
    mjvGeom *g = add(s, mjGEOM_ELLIPSOID, visor);
    if (!g)
        return;
    const int neck = s->character->body[AMI_NECK];
    const double *mat = s->data->xmat + 9 * neck, at[3] = {.066, .185, 0};
    double centre[3];
    mju_mulMatVec3(centre, mat, at);
    mju_addTo3(centre, s->data->xpos + 3 * neck);
    const float size[3] = {.046f, .024f, .074f};
    for (int k = 0; k < 9; k++)
        g->mat[k] = (float)mat[k];
    for (int k = 0; k < 3; k++) {
        g->pos[k] = (float)centre[k];
        g->size[k] = size[k];
    }
    g->category = mjCAT_DYNAMIC;
    g->specular = .5f;
    g->shininess = .8f;
}

/* Every character's geoms; the followed one last, so that mjData then holds its state. */
static void add_bodies(ami_scene *s, const ami_snapshot *snap, double alpha)
{
    for (int n = 1; n <= snap->characters; n++) {
        const int i = (snap->follow + n) % snap->characters;
        double pose[AMI_POSE];
        ami_pose_between(snap->body[i].before, snap->body[i].pose, alpha, pose);
        pose_data(s, pose, s->place[i]);
        const int first = s->scene.ngeom;
        mjv_addGeoms(s->model, s->data, &s->option, NULL, mjCAT_DYNAMIC, &s->scene);
        add_trunk(s);
        if (!snap->body[i].down)
            continue;
        for (int g = first; g < s->scene.ngeom; g++) /* fallen: paler */
            for (int k = 0; k < 3; k++)
                s->scene.geoms[g].rgba[k] = .5f * s->scene.geoms[g].rgba[k] + .33f;
    }
}

static void add_ghost(ami_scene *s, const ami_snapshot *snap, double alpha, bool beside)
{
    double pose[AMI_POSE], place[2] = {s->place[snap->follow][0], s->place[snap->follow][1]};
    ami_pose_between(snap->reference_before, snap->reference, alpha, pose);
    if (beside) { /* a step to its left */
        place[0] -= .9 * sin(snap->reference_heading);
        place[1] += .9 * cos(snap->reference_heading);
    }
    pose_data(s, pose, place);
    const int first = s->scene.ngeom;
    mjv_addGeoms(s->model, s->data, &s->option, NULL, mjCAT_DYNAMIC, &s->scene);
    add_trunk(s);
    for (int g = first; g < s->scene.ngeom; g++) {
        mjvGeom *geom = &s->scene.geoms[g];
        memcpy(geom->rgba, green, sizeof green);
        geom->matid = -1;
        geom->texid = -1;
        geom->category = mjCAT_DECOR;
        geom->objtype = mjOBJ_UNKNOWN;
        geom->specular = .1f;
    }
}

static void add_forces(ami_scene *s, const ami_snapshot *snap)
{
    const double *place = s->place[snap->follow];
    for (int i = 0; i < snap->contacts; i++) {
        const ami_view_contact *c = &snap->contact[i];
        if (mju_norm3(c->force) < 5)
            continue;
        const double from[3] = {c->at[0] + place[0], c->at[1] + place[1], c->at[2]};
        double to[3];
        for (int k = 0; k < 3; k++)
            to[k] = from[k] + c->force[k] * .0015; /* a body's weight is 66 cm */
        add_between(s, mjGEOM_ARROW, .013, from, to, orange, 1);
    }
}

static void soles(const ami_character *c, const double pose[AMI_POSE], double at[2][3])
{
    double joint[AMI_BODIES][3], rot[AMI_BODIES][4];
    ami_fk(&c->skeleton, pose, joint, rot);
    static const int ankle[2] = {AMI_RIGHT_ANKLE, AMI_LEFT_ANKLE};
    for (int f = 0; f < 2; f++) {
        double middle[3], world[3];
        for (int k = 0; k < 3; k++)
            middle[k] = .5 * (c->skeleton.toe[f][k] + c->skeleton.heel[f][k]);
        ami_quat_rotate(world, rot[ankle[f]], middle);
        for (int k = 0; k < 3; k++)
            at[f][k] = joint[ankle[f]][k] + world[k];
    }
}

/* One point a thirtieth of a second of simulated time at most, the last five seconds. */
static void keep_trail(ami_scene *s, const ami_snapshot *snap)
{
    const double now = snap->clip_duration > 0 ? snap->clip_time : (double)snap->step * snap->dt;
    if (s->jumps != snap->jumps || s->follow != snap->follow ||
        snap->clip_time + 1e-9 < s->trail_time * (snap->clip_duration > 0)) {
        s->trail_count = 0;
        s->trail_time = -1;
        s->jumps = snap->jumps;
        s->follow = snap->follow;
    }
    if (now < s->trail_time + 1. / 31)
        return;
    s->trail_time = now;
    soles(s->character, snap->body[snap->follow].pose,
          s->trail[(s->trail_begin + s->trail_count) % AMI_TRAIL].at);
    if (s->trail_count < AMI_TRAIL)
        s->trail_count++;
    else
        s->trail_begin = (s->trail_begin + 1) % AMI_TRAIL;
}

static void add_trail(ami_scene *s, const double place[2])
{
    for (int i = 0; i + 1 < s->trail_count; i++) {
        for (int f = 0; f < 2; f++) {
            const double *a = s->trail[(s->trail_begin + i) % AMI_TRAIL].at[f],
                         *b = s->trail[(s->trail_begin + i + 1) % AMI_TRAIL].at[f];
            const double from[3] = {a[0] + place[0], a[1] + place[1], fmax(a[2], .006)};
            const double to[3] = {b[0] + place[0], b[1] + place[1], fmax(b[2], .006)};
            if (mju_dist3(from, to) > .004)
                add_between(s, mjGEOM_CAPSULE, .006, from, to, f ? sky : vermilion,
                            .9f * (float)(i + 1) / (float)s->trail_count);
        }
    }
}

/* The 22 points that describe a pose; those on the ground large and orange. */
static void add_points(ami_scene *s, const ami_snapshot *snap, double alpha)
{
    static const double still[AMI_VEL];
    double pose[AMI_POSE];
    ami_state state;
    ami_points points;
    ami_pose_between(snap->body[snap->follow].before, snap->body[snap->follow].pose, alpha, pose);
    pose[0] += s->place[snap->follow][0];
    pose[1] += s->place[snap->follow][1];
    ami_fk_state(&s->character->skeleton, pose, still, &state);
    ami_points_of_state(&s->character->skeleton, &state, &points);
    for (int i = 0; i < AMI_POINTS; i++) {
        const bool touches = points.pos[i][2] < .025;
        add_ball(s, points.pos[i], touches ? .026 : .017, touches ? orange : purple);
    }
}

static void add_touch(ami_scene *s, const ami_snapshot *snap)
{
    if (snap->pulling) {
        const double *place = s->place[snap->pulled_character];
        const double from[3] = {snap->pull_from[0] + place[0], snap->pull_from[1] + place[1],
                                snap->pull_from[2]};
        const double to[3] = {snap->pull_to[0] + place[0], snap->pull_to[1] + place[1], snap->pull_to[2]};
        add_between(s, mjGEOM_CAPSULE, .009, from, to, vermilion, 1);
        add_ball(s, from, .028, vermilion);
        add_ball(s, to, .035, vermilion);
    }
    if (snap->pushed_ago < .7) {
        const double *place = s->place[snap->pushed_character];
        const double *root = snap->body[snap->pushed_character].pose;
        const double speed = mju_norm3(snap->push);
        double from[3], to[3];
        for (int k = 0; k < 3; k++) {
            const double at = root[k] + (k < 2 ? place[k] : .2), unit = snap->push[k] / fmax(speed, 1e-9);
            to[k] = at - .18 * unit;
            from[k] = to[k] - (.3 + .35 * speed) * unit;
        }
        add_between(s, mjGEOM_ARROW, .035, from, to, vermilion, (float)(1 - snap->pushed_ago / .7));
    }
}

static void follow(ami_scene *s, const ami_snapshot *snap, double alpha, double seconds)
{
    const ami_view_body *b = &snap->body[snap->follow];
    double target[2];
    for (int k = 0; k < 2; k++)
        target[k] = b->before[k] + alpha * (b->pose[k] - b->before[k]) + s->place[snap->follow][k];
    if (s->characters > 1 && s->camera.distance > 6) { /* a wide view of a crowd looks at its middle */
        int columns = 1;
        while (columns * columns < s->characters)
            columns++;
        target[0] += -1.9 * .35 * ((double)s->characters / columns - 1) - s->place[snap->follow][0];
        target[1] -= s->place[snap->follow][1];
    }
    ami_camera_follow(&s->camera, target, seconds);
}

static void set_camera(ami_scene *s, const ami_snapshot *snap, double alpha, double seconds)
{
    if (!s->camera.fixed)
        follow(s, snap, alpha, seconds);
    mjvCamera cam;
    mjv_defaultCamera(&cam);
    cam.lookat[0] = s->camera.at[0];
    cam.lookat[1] = s->camera.at[1];
    cam.lookat[2] = s->camera.height;
    cam.distance = s->camera.distance;
    cam.azimuth = s->camera.azimuth;
    cam.elevation = s->camera.elevation;
    if (cam.elevation > 0) /* never under the floor */
        cam.elevation = fmin(cam.elevation, asin(fmin((cam.lookat[2] - .05) / cam.distance, 1)) * 180 / M_PI);
    mjv_updateCamera(s->model, s->data, &cam, &s->scene);
}

/* Shadows by projection: every solid geom once more, flattened onto the floor along the sun's rays, in one
 * colour. A shadow map costs a software renderer as much as all the rest of the picture; this costs a few
 * hundred triangles. */
static void add_flat_shadows(ami_scene *s)
{
    static const float shade[4] = {.52f, .55f, .60f, 1};
    const double *sun = s->data->light_xdir;
    if (s->model->nlight < 1 || sun[2] > -.1)
        return;
    const double slope[2] = {-sun[0] / sun[2], -sun[1] / sun[2]};
    const int count = s->scene.ngeom;
    for (int i = 0; i < count; i++) {
        const mjvGeom *from = &s->scene.geoms[i];
        if (from->category != mjCAT_DYNAMIC || s->scene.ngeom >= s->scene.maxgeom)
            continue;
        mjvGeom *to = &s->scene.geoms[s->scene.ngeom++];
        *to = *from;
        memcpy(to->rgba, shade, sizeof shade);
        to->matid = to->texid = -1;
        to->category = mjCAT_DECOR;
        to->objtype = mjOBJ_UNKNOWN;
        to->specular = to->shininess = to->reflectance = 0;
        for (int k = 0; k < 2; k++) {
            to->pos[k] += (float)(slope[k] * from->pos[2]);
            for (int j = 0; j < 3; j++)
                to->mat[3 * k + j] += (float)(slope[k] * from->mat[6 + j]);
        }
        to->pos[2] = .0025f;
        for (int j = 0; j < 3; j++)
            to->mat[6 + j] = .004f * from->mat[6 + j]; /* not quite flat: a matrix that can be inverted, for
                                                          the normals */
    }
}

void ami_scene_update(ami_scene *scene, const ami_snapshot *snapshot, double alpha, double seconds,
                      const ami_look *look)
{
    scene->scene.ngeom = 0;
    set_camera(scene, snapshot, alpha, seconds); /* first: an endless floor is drawn around the camera */
    scene->scene.flags[mjRND_SHADOW] = look->shadows && !scene->flat_shadows;
    mjv_addGeoms(scene->model, scene->data, &scene->option, NULL, mjCAT_STATIC, &scene->scene);
    if (look->ghost && snapshot->clip_duration <= 0)
        add_ghost(scene, snapshot, alpha, look->ghost == 2);
    add_bodies(scene, snapshot, alpha);
    mj_comPos(scene->model, scene->data);
    mj_camlight(scene->model, scene->data);
    mjv_makeLights(scene->model, scene->data, &scene->scene);
    if (look->shadows && scene->flat_shadows)
        add_flat_shadows(scene);
    keep_trail(scene, snapshot);
    if (look->trail)
        add_trail(scene, scene->place[snapshot->follow]);
    if (look->forces)
        add_forces(scene, snapshot);
    if (look->points)
        add_points(scene, snapshot, alpha);
    add_touch(scene, snapshot);
}

/* Position and direction (length 1 along the camera's axis) of the ray through a point of the picture. */
static void ray(const ami_scene *s, double x, double y, double aspect, double from[3], double along[3])
{
    const mjvGLCamera c = mjv_averageCamera(&s->scene.camera[0], &s->scene.camera[1]);
    const double height = (double)c.frustum_top - c.frustum_bottom;
    const double up = (c.frustum_bottom + y * height) / c.frustum_near,
                 right = (x - .5) * height * aspect / c.frustum_near;
    const double side[3] = {(double)c.forward[1] * c.up[2] - (double)c.forward[2] * c.up[1],
                            (double)c.forward[2] * c.up[0] - (double)c.forward[0] * c.up[2],
                            (double)c.forward[0] * c.up[1] - (double)c.forward[1] * c.up[0]};
    for (int k = 0; k < 3; k++) {
        from[k] = c.pos[k];
        along[k] = c.forward[k] + up * c.up[k] + right * side[k];
    }
}

bool ami_scene_pick(ami_scene *scene, const ami_snapshot *snapshot, double x, double y, double aspect,
                    int *character, int *body, double local[3], double depth[1])
{
    double from[3], along[3];
    ray(scene, x, y, aspect, from, along);
    depth[0] = INFINITY;
    for (int i = 0; i < snapshot->characters; i++) {
        pose_data(scene, snapshot->body[i].pose, scene->place[i]);
        int geom = -1;
        const double d = mj_ray(scene->model, scene->data, from, along, NULL, 0, -1, &geom, NULL);
        if (geom < 0 || d < 0 || d >= depth[0] || scene->character->geom_body[geom] < 0)
            continue;
        depth[0] = d;
        *character = i;
        *body = scene->character->geom_body[geom];
        const int id = scene->character->body[*body];
        double arm[3];
        for (int k = 0; k < 3; k++)
            arm[k] = from[k] + d * along[k] - scene->data->xpos[3 * id + k];
        mju_mulMatTVec3(local, scene->data->xmat + 9 * id, arm);
    }
    return isfinite(depth[0]);
}

void ami_scene_unproject(const ami_scene *scene, int character, double x, double y, double aspect,
                         double depth, double at[3])
{
    double from[3], along[3];
    ray(scene, x, y, aspect, from, along);
    for (int k = 0; k < 3; k++)
        at[k] = from[k] + depth * along[k] - (k < 2 ? scene->place[character][k] : 0);
    at[2] = fmax(at[2], .02);
}
