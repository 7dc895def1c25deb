/* Makes MuJoCo's abstract scene from a snapshot, with a camera that follows. Without OpenGL.
 *
 * Uses its own copy of the model and its own mjData, so a simulation may run at the same time. In a crowd
 * every character has its own world, around the origin; here they are placed in ranks. */
#ifndef AMI_VIEWER_SCENE_H
#define AMI_VIEWER_SCENE_H

#include "session/snapshot.h"

enum { AMI_TRAIL = 160 };

typedef enum ami_quality {
    AMI_QUALITY_LOW,    /* flat shadows, no reflection, no multisampling: software renderers in a window */
    AMI_QUALITY_MEDIUM, /* multisampling too: software renderers that film */
    AMI_QUALITY_HIGH,   /* shadow map and reflection too: graphics cards */
} ami_quality;

/* What to show in addition to the body. Ints, the type of the panel's check boxes. */
typedef struct ami_look {
    int ghost;  /* 0 none, 1 at the reference (inside the body when it follows well), 2 beside it */
    int forces; /* of contacts */
    int trail;  /* of the feet */
    int points; /* joints and soles */
    int shadows;
} ami_look;

typedef struct ami_camera {
    double azimuth, elevation; /* degrees, as MuJoCo's */
    double distance, height;   /* m: distance to the point looked at, and that point's height */
    double at[2], speed[2];    /* m, m/s: the point looked at, which follows the character smoothly */
    bool placed;               /* false: the next frame jumps to the character */
    bool fixed;                /* it follows no character: the caller sets `at` */
} ami_camera;

typedef struct ami_scene {
    const ami_character *character;
    mjModel *model; /* own copy, with this viewer's visual settings */
    mjData *data;
    mjvScene scene;
    mjvOption option;
    ami_camera camera;
    bool flat_shadows;  /* by projection instead of a shadow map */
    double (*place)[2]; /* (characters): position of each world's origin in the picture */
    int characters;
    struct {
        double at[2][3]; /* right, left sole */
    } trail[AMI_TRAIL];
    int trail_begin, trail_count;
    double trail_time; /* of the newest point, s of simulated time */
    int64_t jumps;
    int follow;
} ami_scene;

bool ami_scene_init(ami_scene *scene, const ami_character *character, int characters, ami_quality quality,
                    int width, int height, ami_error *err);

/* Creates MuJoCo's renderer for it in the current OpenGL context; `font` in percent. The caller frees it with
 * mjr_freeContext. False and a sentence on error. */
bool ami_scene_open_context(const ami_scene *scene, mjrContext *context, int font, ami_error *err);

void ami_scene_free(ami_scene *scene);

/* Builds the picture, interpolated by `alpha` (0 to 1) between beginning and end of the snapshot's last step;
 * `seconds` since the last picture, for the camera. */
void ami_scene_update(ami_scene *scene, const ami_snapshot *snapshot, double alpha, double seconds,
                      const ami_look *look);

/* Finds character and body under a point of the picture, (0, 0) bottom left to (1, 1), and the point in the
 * body's frame. Poses are those of the snapshot. False: no body is there. */
bool ami_scene_pick(ami_scene *scene, const ami_snapshot *snapshot, double x, double y, double aspect,
                    int *character, int *body, double local[3], double depth[1]);

/* The world point (in the character's own world) `depth` in front of the camera under a point of the picture.
 */
void ami_scene_unproject(const ami_scene *scene, int character, double x, double y, double aspect,
                         double depth, double at[3]);

/* The camera's direction on the ground, a unit vector. */
void ami_scene_forward(const ami_scene *scene, double forward[2]);

/* Turns and moves the camera: degrees, and a factor for the distance. */
void ami_camera_orbit(ami_camera *camera, double azimuth, double elevation);
void ami_camera_zoom(ami_camera *camera, double factor);
/* Moves the point that the camera looks at after `target` (m, on the ground) for `seconds`. */
void ami_camera_follow(ami_camera *camera, const double target[2], double seconds);
void ami_camera_home(ami_camera *camera, int characters);

#endif
