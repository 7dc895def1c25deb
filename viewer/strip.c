/* Draws filmstrips. */
#include "viewer/strip.h"

#include "policy/followed.h"
#include "policy/style_motion.h"
#include "session/session.h"
#include "viewer/offscreen.h"
#include "viewer/png_file.h"
#include "viewer/scene.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const double apart_m = 1.1, below_m = .13, beside_m = .12; /* between poses; under the floor; at the
                                                                     ends */
static const double standing_m = 1.8, label_m = .45;              /* of a row: at least as high as this; above
                                                                     that, for the label */
enum { LABEL_PIXELS = 40 };                                       /* but not less than that */

typedef struct strip {
    const ami_strip_def *def;
    ami_character *character;
    ami_clip *clip[AMI_STRIP_ROWS]; /* (rows) */
    int rows, width, row_height;
    double pixels_per_m;
    ami_scene scene;
    ami_snapshot snapshot;
    mjrContext context;
    bool has_context;
} strip;

/* ---- motions ---- */

static ami_clip *clip_of_style(strip *s, const char *text, ami_error *err)
{
    ami_motions motions;
    ami_style_request style = s->def->style;
    style.style = text;
    ami_clip *clip = NULL;
    if (!ami_motions_load(&motions, &style, &s->character->skeleton, s->def->clips, err))
        return NULL;
    if (motions.plan.moments)
        clip = ami_style_motion(&motions.nets, &motions.plan.moment[0].latent, text, NULL, NULL, err);
    else
        ami_fail(err, "\"%.60s\" is a different style every time: give a name or a mixture", text);
    ami_motions_free(&motions);
    return clip;
}

static bool all_styles(strip *s, ami_error *err)
{
    ami_motions motions;
    ami_style_request style = s->def->style;
    style.style = "random-names";
    if (!ami_motions_load(&motions, &style, &s->character->skeleton, s->def->clips, err))
        return false;
    bool ok = motions.styles->count <= AMI_STRIP_ROWS ||
              ami_fail(err, "%d named styles, but a filmstrip has at most %d rows: name some",
                       motions.styles->count, AMI_STRIP_ROWS);
    for (int i = 0; ok && i < motions.styles->count; i++) {
        ami_latent latent;
        ami_latent_of_style(&motions.styles->style[i], &latent);
        s->clip[s->rows] =
            ami_style_motion(&motions.nets, &latent, motions.styles->style[i].name, NULL, NULL, err);
        ok = s->clip[s->rows++] != NULL;
    }
    ami_motions_free(&motions);
    return ok;
}

static bool is_file(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

static bool load_motions(strip *s, ami_error *err)
{
    const ami_strip_def *def = s->def;
    if (!def->rows)
        return all_styles(s, err);
    for (int i = 0; i < def->rows; i++) {
        s->clip[i] =
            is_file(def->row[i]) ? ami_clip_read(def->row[i], err) : clip_of_style(s, def->row[i], err);
        if (!s->clip[i])
            return false;
        s->rows++;
    }
    return true;
}

/* ---- drawing ---- */

/* One character for each pose, seen from its right side and facing right, whatever the motion's direction. */
static void set_row(strip *s, const ami_clip *clip)
{
    const int n = s->def->poses;
    for (int i = 0; i < n; i++) {
        ami_view_body *body = &s->snapshot.body[i];
        ami_clip_sample(clip, ami_clip_duration(clip) * i / n, body->pose, NULL);
        memcpy(body->before, body->pose, sizeof body->before);
        s->scene.place[i][0] = (i - .5 * (n - 1)) * apart_m - body->pose[0];
        s->scene.place[i][1] = -body->pose[1];
    }
}

/* A floor of one colour: the poses stand out, and the file is small. */
static void plain_floor(mjvScene *scene)
{
    for (int i = 0; i < scene->ngeom; i++) {
        mjvGeom *g = &scene->geoms[i];
        if (g->type != mjGEOM_PLANE)
            continue;
        const float grey[4] = {.80f, .82f, .85f, 1};
        memcpy(g->rgba, grey, sizeof grey);
        g->matid = g->texid = -1;
        g->specular = g->shininess = g->reflectance = 0;
    }
}

/* Parallel projection, so that the outer poses are seen from the same side as the middle ones. */
static void set_view(strip *s)
{
    s->scene.model->vis.global.orthographic = 1;
    const double high = s->row_height / s->pixels_per_m;
    s->scene.model->vis.global.fovy = (float)high;
    s->scene.camera = (ami_camera){
        .azimuth = 90, .elevation = -7, .distance = 6, .height = .5 * high - below_m, .placed = true};
}

/* The highest z of a geom of the picture, m. Its axes are the columns of mat. */
static double top_of(const mjvGeom *g)
{
    const double up[3] = {fabs((double)g->mat[6]), fabs((double)g->mat[7]), fabs((double)g->mat[8])},
                 z = (double)g->pos[2];
    const double size[3] = {(double)g->size[0], (double)g->size[1], (double)g->size[2]};
    switch (g->type) {
    case mjGEOM_PLANE:
        return 0;
    case mjGEOM_SPHERE:
        return z + size[0];
    case mjGEOM_CAPSULE:
        return z + size[0] + up[2] * size[2];
    default: /* the box around it */
        return z + up[0] * size[0] + up[1] * size[1] + up[2] * size[2];
    }
}

/* The highest point of all poses, m. */
static double highest(strip *s)
{
    const ami_look look = {.shadows = 0};
    double top = standing_m;
    for (int i = 0; i < s->rows; i++) {
        set_row(s, s->clip[i]);
        ami_scene_update(&s->scene, &s->snapshot, 1, 0, &look);
        for (int g = 0; g < s->scene.scene.ngeom; g++)
            top = fmax(top, top_of(&s->scene.scene.geoms[g]));
    }
    return top;
}

static int text_width(const mjrContext *context, const char *text)
{
    int width = 0;
    for (; *text; text++)
        width += context->charWidth[(unsigned char)*text < 127 ? (unsigned char)*text : (unsigned char)'?'];
    return width;
}

/* The name on a plate, top left, and the motion's numbers beside it. */
static void label_row(const strip *s, mjrRect row, const ami_clip *clip)
{
    char facts[80];
    double way[3];
    ami_clip_cycle_offset(clip, way);
    snprintf(facts, sizeof facts, "%.2f s, %.2f m/s", ami_clip_duration(clip),
             hypot(way[0], way[1]) / ami_clip_duration(clip));
    const int margin = s->context.charHeight / 2, height = s->context.charHeight * 3 / 2;
    const char *const text[2] = {ami_clip_name(clip), facts};
    int left = margin;
    for (int k = 0; k < 2; k++) {
        const mjrRect box = {left, row.bottom + row.height - margin - height,
                             text_width(&s->context, text[k]) + 3 * margin, height};
        mjr_label(box, mjFONT_NORMAL, text[k], k ? .42f : .11f, k ? .44f : .12f, k ? .48f : .15f, 1, .98f,
                  .98f, .98f, &s->context);
        left += box.width;
    }
}

static void draw(strip *s)
{
    const ami_look look = {.shadows = 1};
    mjr_setBuffer(mjFB_OFFSCREEN, &s->context);
    for (int i = 0; i < s->rows; i++) {
        const mjrRect row = {0, (s->rows - 1 - i) * s->row_height, s->width, s->row_height};
        set_row(s, s->clip[i]);
        ami_scene_update(&s->scene, &s->snapshot, 1, 0, &look);
        plain_floor(&s->scene.scene);
        mjr_render(row, &s->scene.scene, &s->context);
        label_row(s, row, s->clip[i]);
        if (i > 0)
            mjr_rectangle((mjrRect){0, row.bottom + row.height, s->width, 2}, 1, 1, 1, 1);
    }
    mjr_finish();
}

static bool save(strip *s, ami_error *err)
{
    const mjrRect whole = {0, 0, s->width, s->rows * s->row_height};
    unsigned char *rgb = malloc(3 * (size_t)whole.width * (size_t)whole.height);
    if (!rgb)
        return ami_fail(err, "out of memory for a picture of %d x %d", whole.width, whole.height);
    mjr_readPixels(rgb, NULL, whole, &s->context);
    /* Quantises every channel to 52 levels, 0 and 255 included: halves the file without a visible
     * difference. */
    for (size_t i = 0; i < 3 * (size_t)whole.width * (size_t)whole.height; i++)
        rgb[i] = (unsigned char)((rgb[i] + 2) / 5 * 5);
    const bool ok = ami_png_write(s->def->file, rgb, whole.width, whole.height, err);
    free(rgb);
    return ok;
}

static bool shoot(strip *s, ami_error *err)
{
    const ami_strip_def *def = s->def;
    s->width = def->width;
    s->pixels_per_m = def->width / (def->poses * apart_m + 2 * beside_m);
    if (!ami_session_snapshot_init(&s->snapshot, def->poses, err) ||
        !ami_scene_init(&s->scene, s->character, def->poses, AMI_QUALITY_MEDIUM, s->width, 1, err))
        return false;
    s->snapshot.clip_duration = 1; /* a clip instead of a simulation */
    s->snapshot.pushed_ago = 1e9;
    s->row_height =
        (int)lround(fmax(label_m * s->pixels_per_m, LABEL_PIXELS) + (highest(s) + below_m) * s->pixels_per_m);
    s->scene.model->vis.global.offheight = s->rows * s->row_height;
    if (s->rows * s->row_height > 8192)
        return ami_fail(
            err, "a filmstrip of %d rows is %d pixels high, expected at most 8192: take a smaller --size",
            s->rows, s->rows * s->row_height);
    set_view(s);
    const int font = s->pixels_per_m < 85 ? mjFONTSCALE_50 : s->pixels_per_m < 190 ? mjFONTSCALE_100 : 200;
    if (!ami_scene_open_context(&s->scene, &s->context, font, err))
        return false;
    s->has_context = true;
    if (s->context.offWidth < s->width || s->context.offHeight < s->rows * s->row_height)
        return ami_fail(err, "OpenGL here has no offscreen buffer of %d x %d", s->width,
                        s->rows * s->row_height);
    draw(s);
    return save(s, err);
}

bool ami_strip_make(const ami_strip_def *def, ami_error *err)
{
    static strip s; /* the renderer's context is too large for a stack */
    memset(&s, 0, sizeof s);
    s.def = def;
    const ami_character_def body = ami_character_default_def();
    s.character = ami_character_create(&body, err);
    bool ok = s.character && load_motions(&s, err);
    ami_offscreen *offscreen = ok ? ami_offscreen_open(def->backend, err) : NULL;
    ok = offscreen && shoot(&s, err);
    if (s.has_context)
        mjr_freeContext(&s.context);
    if (s.scene.model)
        ami_scene_free(&s.scene);
    ami_offscreen_close(offscreen);
    free(s.snapshot.body);
    for (int i = 0; i < s.rows; i++)
        ami_clip_destroy(s.clip[i]);
    ami_character_destroy(s.character);
    return ok;
}
