/* The camera's own movements; it knows no scene. */
#include "viewer/scene.h"

#include <math.h>
#include <string.h>

void ami_camera_home(ami_camera *c, int characters)
{
    *c = (ami_camera){.azimuth = 128, .elevation = -13, .distance = 3.9, .height = .86};
    if (characters > 1) {
        c->distance = 4.5 + 1.4 * sqrt(characters);
        c->elevation = -20;
    }
}

void ami_camera_orbit(ami_camera *c, double azimuth, double elevation)
{
    c->azimuth = fmod(c->azimuth + azimuth, 360);
    c->elevation = fmin(fmax(c->elevation + elevation, -89), 8);
}

void ami_camera_zoom(ami_camera *c, double factor)
{
    c->distance = fmin(fmax(c->distance * factor, 1), 60);
}

void ami_scene_forward(const ami_scene *s, double forward[2])
{
    forward[0] = cos(s->camera.azimuth * M_PI / 180);
    forward[1] = sin(s->camera.azimuth * M_PI / 180);
}

/* A critically damped follower that knows the target's speed, so that it neither lags behind a runner nor
 * shakes with every step. */
void ami_camera_follow(ami_camera *c, const double target[2], double seconds)
{
    const double gap = hypot(target[0] - c->at[0], target[1] - c->at[1]);
    if (!c->placed || gap > 6) {
        memcpy(c->at, target, sizeof c->at);
        c->speed[0] = c->speed[1] = 0;
        c->placed = true;
        return;
    }
    const double w = 3.2;
    for (double left = fmin(seconds, .5); left > 0; left -= 1. / 120) {
        const double h = fmin(left, 1. / 120);
        for (int k = 0; k < 2; k++) { /* speed is the integral part: at a steady pace the gap goes to zero */
            const double error = target[k] - c->at[k];
            c->speed[k] += w * w * .6 * error * h;
            c->at[k] += (c->speed[k] + 2 * w * .6 * error) * h;
        }
    }
}
