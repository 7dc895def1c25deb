/* A gamepad in the window, with the names of an Xbox pad as in GLFW's database:
 *   left stick     steers; up and down: faster and slower steps, again every .25 s while it is held
 *   right stick    turns and tilts the camera
 *   A B X Y        pushes, stands up, next style or skill, restarts
 *   D-pad          up and down: faster and slower steps; left and right: style or skill before and after
 *   LB RB          slower and faster steps
 *   Start, Back    pause, help
 * The first joystick that GLFW knows as a gamepad is used; it may be plugged in and out at any time. */
#ifndef AMI_VIEWER_GAMEPAD_H
#define AMI_VIEWER_GAMEPAD_H

#include "viewer/app.h"

typedef struct ami_gamepad {
    unsigned held;    /* bits: GLFW_GAMEPAD_BUTTON_... */
    bool steers;      /* the stick was outside its dead zone */
    int pace;         /* direction of the stick: 1 up, -1 down */
    double pace_next; /* s of ami_clock_now: time of the next repetition */
} ami_gamepad;

/* To be called for every frame, from the window's thread. keys_steer: an arrow key is held, which has
 * priority. seconds: since the last call. */
void ami_gamepad_read(ami_gamepad *pad, ami_app *app, bool keys_steer, double now, double seconds);

#endif
