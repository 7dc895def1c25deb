/* Moves the camera; independent of the scene. */
#include "viewer/scene.h"

#include <math.h>
#include <string.h>

void ami_camera_home(ami_camera *camera, int characters)
{
    *camera = (ami_camera){.azimuth = 128, .elevation = -13, .distance = 3.9, .height = .86};
    if (characters > 1) {
        camera->distance = 4.5 + 1.4 * sqrt(characters);
        camera->elevation = -20;
    }
}

void ami_camera_orbit(ami_camera *camera, double azimuth, double elevation)
{
    camera->azimuth = fmod(camera->azimuth + azimuth, 360);
    camera->elevation = fmin(fmax(camera->elevation + elevation, -89), 8);
}

void ami_camera_zoom(ami_camera *camera, double factor)
{
    camera->distance = fmin(fmax(camera->distance * factor, 1), 60);
}

void ami_scene_forward(const ami_scene *scene, double forward[2])
{
    forward[0] = cos(scene->camera.azimuth * M_PI / 180);
    forward[1] = sin(scene->camera.azimuth * M_PI / 180);
}

/* A critically damped follower with an estimate of the target's speed, so that it neither lags behind a
 * runner nor shakes with every step. */
void ami_camera_follow(ami_camera *camera, const double target[2], double seconds)
{
    const double gap = hypot(target[0] - camera->at[0], target[1] - camera->at[1]);
    if (!camera->placed || gap > 6) {
        memcpy(camera->at, target, sizeof camera->at);
        camera->speed[0] = camera->speed[1] = 0;
        camera->placed = true;
        return;
    }
    const double w = 3.2;
    for (double left = fmin(seconds, .5); left > 0; left -= 1. / 120) {
        const double h = fmin(left, 1. / 120);
        for (int k = 0; k < 2; k++) { /* speed is the integral term: at constant speed the error goes to
                                         zero */
            const double error = target[k] - camera->at[k];
            camera->speed[k] += w * w * .6 * error * h;
            camera->at[k] += (camera->speed[k] + 2 * w * .6 * error) * h;
        }
    }
}
