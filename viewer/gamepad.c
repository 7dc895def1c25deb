/* Turns a gamepad's state into actions. */
#include "viewer/gamepad.h"

#include <GLFW/glfw3.h>
#include <math.h>

static const double dead = .15;           /* dead zone, fraction of a stick's range */
static const double pace_at = .6;         /* from here on up or down counts */
static const double pace_again_s = .25;   /* s */
static const double camera_degrees = 120; /* a second */

static bool first_gamepad(GLFWgamepadstate *state)
{
    for (int i = GLFW_JOYSTICK_1; i <= GLFW_JOYSTICK_LAST; i++)
        if (glfwGetGamepadState(i, state))
            return true;
    return false;
}

static void choose_beside(ami_app *app, int by)
{
    const int chosen = ami_app_chosen(app, ami_app_look(app));
    if (app->content.choices > 0)
        ami_app_choose(app, chosen < 0 ? 0 : (chosen + by + app->content.choices) % app->content.choices);
}

/* Executes the actions of newly pressed buttons. */
static void buttons(ami_app *app, unsigned pressed)
{
    static const struct {
        int button;
        ami_action action;
    } map[] = {{GLFW_GAMEPAD_BUTTON_A, AMI_ACT_PUSH},
               {GLFW_GAMEPAD_BUTTON_B, AMI_ACT_RESET},
               {GLFW_GAMEPAD_BUTTON_Y, AMI_ACT_RESTART},
               {GLFW_GAMEPAD_BUTTON_START, AMI_ACT_PAUSE},
               {GLFW_GAMEPAD_BUTTON_BACK, AMI_ACT_HELP},
               {GLFW_GAMEPAD_BUTTON_RIGHT_BUMPER, AMI_ACT_PACE_UP},
               {GLFW_GAMEPAD_BUTTON_LEFT_BUMPER, AMI_ACT_PACE_DOWN},
               {GLFW_GAMEPAD_BUTTON_DPAD_UP, AMI_ACT_PACE_UP},
               {GLFW_GAMEPAD_BUTTON_DPAD_DOWN, AMI_ACT_PACE_DOWN}};
    for (size_t i = 0; i < sizeof map / sizeof *map; i++)
        if (pressed >> map[i].button & 1)
            ami_app_act(app, map[i].action, ami_action_of(map[i].action)->value);
    if (pressed >> GLFW_GAMEPAD_BUTTON_X & 1 || pressed >> GLFW_GAMEPAD_BUTTON_DPAD_RIGHT & 1)
        choose_beside(app, 1);
    if (pressed >> GLFW_GAMEPAD_BUTTON_DPAD_LEFT & 1)
        choose_beside(app, -1);
}

static void left_stick(ami_gamepad *pad, ami_app *app, double right, double down, bool keys_steer, double now)
{
    const bool steers = fabs(right) > dead;
    if ((steers || pad->steers) && !keys_steer)
        ami_app_steer(app, steers ? -round(right * 20) / 20 : 0);
    pad->steers = steers;
    const int pace = down < -pace_at ? 1 : down > pace_at ? -1 : 0;
    if (pace && (pace != pad->pace || now >= pad->pace_next)) {
        ami_app_act(app, pace > 0 ? AMI_ACT_PACE_UP : AMI_ACT_PACE_DOWN, 0);
        pad->pace_next = now + pace_again_s;
    }
    pad->pace = pace;
}

static double beyond_dead(double axis)
{
    return fabs(axis) > dead ? axis : 0;
}

void ami_gamepad_read(ami_gamepad *pad, ami_app *app, bool keys_steer, double now, double seconds)
{
    GLFWgamepadstate state = {0}; /* unplugged: everything is released */
    first_gamepad(&state);
    unsigned held = 0;
    for (int i = 0; i <= GLFW_GAMEPAD_BUTTON_LAST; i++)
        held |= (unsigned)(state.buttons[i] == GLFW_PRESS) << i;
    const unsigned pressed = held & ~pad->held;
    pad->held = held;
    buttons(app, pressed);
    left_stick(pad, app, (double)state.axes[GLFW_GAMEPAD_AXIS_LEFT_X],
               (double)state.axes[GLFW_GAMEPAD_AXIS_LEFT_Y], keys_steer, now);
    const double turn = beyond_dead((double)state.axes[GLFW_GAMEPAD_AXIS_RIGHT_X]);
    const double tilt = beyond_dead((double)state.axes[GLFW_GAMEPAD_AXIS_RIGHT_Y]);
    if (turn != 0 || tilt != 0)
        ami_camera_orbit(&app->view.scene.camera, -camera_degrees * turn * fmin(seconds, .1),
                         -camera_degrees * tilt * fmin(seconds, .1));
}
