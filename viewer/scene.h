/* The picture's contents: a snapshot becomes MuJoCo's abstract scene, seen by a camera that follows. No
 * OpenGL here.
 *
 * Draws from its own copy of the model and its own mjData, so a simulation may go on meanwhile. In a crowd
 * every character lives in a world of its own, around the origin; here they are set up in ranks. */
#ifndef AMI_VIEWER_SCENE_H
#define AMI_VIEWER_SCENE_H

#include "session/snapshot.h"

enum { AMI_TRAIL = 160 };

typedef enum ami_quality {
    AMI_QUALITY_LOW,    /* flat shadows, no reflection, no multisampling: software renderers at play */
    AMI_QUALITY_MEDIUM, /* multisampling too: software renderers that film */
    AMI_QUALITY_HIGH,   /* shadow map and reflection too: graphics cards */
} ami_quality;

/* What to show beside the body. Ints, because the panel's check boxes want ints. */
typedef struct ami_look {
    int ghost;  /* 0 none, 1 where the reference is (inside the body when all is well), 2 beside it */
    int forces; /* of contacts */
    int trail;  /* of the feet */
    int points; /* joints and soles */
    int shadows;
} ami_look;

typedef struct ami_camera {
    double azimuth, elevation; /* degrees, as MuJoCo's */
    double distance, height;   /* m: from what it looks at; of what it looks at */
    double at[2], speed[2];    /* m, m/s: what it looks at, moving smoothly after the character */
    bool placed;               /* false: the next frame jumps to the character */
    bool fixed;                /* it follows nobody: `at` is the caller's */
} ami_camera;

typedef struct ami_scene {
    const ami_character *character;
    mjModel *model; /* own copy, with this viewer's visual settings */
    mjData *data;
    mjvScene scene;
    mjvOption option;
    ami_camera camera;
    bool flat_shadows;  /* by projection instead of a shadow map */
    double (*place)[2]; /* (characters): where each world's origin is drawn */
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

/* MuJoCo's renderer for it, in the OpenGL context that is current; `font` in percent. The caller's to free
 * with mjr_freeContext unless this returns false and a sentence. */
bool ami_scene_open_context(const ami_scene *scene, mjrContext *context, int font, ami_error *err);

void ami_scene_free(ami_scene *scene);

/* Builds the picture `alpha` (0 to 1) of the way from the snapshot's last step's beginning to its end;
 * `seconds` have passed since the last picture, for the camera. */
void ami_scene_update(ami_scene *scene, const ami_snapshot *snapshot, double alpha, double seconds,
                      const ami_look *look);

/* What is under a point of the picture, (0, 0) bottom left to (1, 1): character and body, and the point in
 * the body's frame. Poses are those of the snapshot. False where there is nobody. */
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
/* Lets what the camera looks at follow `target` (m, on the ground) for `seconds`. */
void ami_camera_follow(ami_camera *camera, const double target[2], double seconds);
void ami_camera_home(ami_camera *camera, int characters);

#endif
