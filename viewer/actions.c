/* The table of actions, and parsing of scripts. */
#include "viewer/actions.h"

#include "base/number.h"
#include "policy/generator.h"

#include <GLFW/glfw3.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const ami_action_info ami_action_table[] = {
    {AMI_ACT_PUSH, "push", 1, "P", "push the body away from you", {GLFW_KEY_P}},
    {AMI_ACT_PAUSE, "pause", 0, "Space", "pause, go on", {GLFW_KEY_SPACE}},
    {AMI_ACT_FORWARD, "forward", 1, ".", "one step; paused, Right too", {GLFW_KEY_PERIOD}},
    {AMI_ACT_BACK, "back", 1, ",", "one step back; paused, Left too", {GLFW_KEY_COMMA}},
    {AMI_ACT_FASTER, "faster", 0, "+", "time runs faster, up to 16 x", {GLFW_KEY_EQUAL, GLFW_KEY_KP_ADD}},
    {AMI_ACT_SLOWER, "slower", 0, "-", "time runs slower, to 1/16 x", {GLFW_KEY_MINUS, GLFW_KEY_KP_SUBTRACT}},
    {AMI_ACT_RESET, "reset", 0, "R", "stand up here", {GLFW_KEY_R}},
    {AMI_ACT_RESTART, "restart", 0, "Backspace", "start all over", {GLFW_KEY_BACKSPACE}},
    {AMI_ACT_NEXT, "next", 0, "N", "follow the next character", {GLFW_KEY_N}},
    {AMI_ACT_RANDOM, "random", 0, "0", "a random style", {GLFW_KEY_0}},
    {AMI_ACT_PHASE_LOOP, "phase-loop", 0, "O", "the body's phase pulls the clock", {GLFW_KEY_O}},
    {AMI_ACT_GHOST, "ghost", 0, "G", "reference: off, inside, beside", {GLFW_KEY_G}},
    {AMI_ACT_FORCES, "forces", 0, "C", "contact forces", {GLFW_KEY_C}},
    {AMI_ACT_TRAIL, "trail", 0, "T", "trail of the feet", {GLFW_KEY_T}},
    {AMI_ACT_POINTS, "points", 0, "J", "joints and soles", {GLFW_KEY_J}},
    {AMI_ACT_PLOTS, "plots", 0, "L", "plots", {GLFW_KEY_L}},
    {AMI_ACT_SHADOWS, "shadows", 0, "K", "shadows", {GLFW_KEY_K}},
    {AMI_ACT_PANEL, "panel", 0, "Tab", "panel", {GLFW_KEY_TAB}},
    {AMI_ACT_STATUS, "status", 0, "I", "text at the bottom", {GLFW_KEY_I}},
    {AMI_ACT_HELP, "help", 0, "H, F1", "this help", {GLFW_KEY_H, GLFW_KEY_F1}},
    {AMI_ACT_CAMERA, "camera", 0, "Home", "camera as at first", {GLFW_KEY_HOME}},
    {AMI_ACT_SCREENSHOT, "screenshot", 0, "S, F12", "save a picture (PNG)", {GLFW_KEY_S, GLFW_KEY_F12}},
    {AMI_ACT_FILM, "film", 0, "V", "start or end a video (mp4)", {GLFW_KEY_V}},
    {AMI_ACT_FULLSCREEN, "fullscreen", 0, "F11", "whole screen", {GLFW_KEY_F11, GLFW_KEY_F}},
    {AMI_ACT_QUIT, "quit", 0, "Q", "leave", {GLFW_KEY_Q}},
    {AMI_ACT_SKILL, "skill", 1, NULL, NULL, {0}},
    {AMI_ACT_STYLE, "style", 0, NULL, NULL, {0}},
    {AMI_ACT_PHASE_GAIN, "phase-gain", 1, NULL, NULL, {0}},
    {AMI_ACT_GROUND_SPEED, "ground-speed", 1, NULL, NULL, {0}},
    {AMI_ACT_OPEN, "open", 0, NULL, NULL, {0}},
    {AMI_ACT_SPEED, "time-scale", 1, NULL, NULL, {0}},
    {AMI_ACT_TURN, "turn", 0, NULL, NULL, {0}},
    {AMI_ACT_PACE, "pace", 1, NULL, NULL, {0}},
    {AMI_ACT_PACE_UP, "pace-up", 0, NULL, NULL, {0}},
    {AMI_ACT_PACE_DOWN, "pace-down", 0, NULL, NULL, {0}},
    {AMI_ACT_ORBIT, "orbit", 30, NULL, NULL, {0}},
    {AMI_ACT_TILT, "tilt", -10, NULL, NULL, {0}},
    {AMI_ACT_ZOOM, "zoom", .8, NULL, NULL, {0}},
    {0},
};

/* Steps: more than a history holds, and an hour of simulation. Other bounds are those of the options of the
 * same names, if any. */
enum { MAX_STEPS = 100000 };
static const double most_seconds = 1e6;
static const ami_action_bounds bounds[AMI_ACTIONS] = {
    [AMI_ACT_PUSH] = {-20, 20, false},
    [AMI_ACT_FORWARD] = {-MAX_STEPS, MAX_STEPS, true},
    [AMI_ACT_BACK] = {-MAX_STEPS, MAX_STEPS, true},
    [AMI_ACT_SPEED] = {1. / 16, 16, false},
    [AMI_ACT_SKILL] = {1, 32, true},
    [AMI_ACT_PHASE_GAIN] = {0, 20, false},
    [AMI_ACT_GROUND_SPEED] = {0, 20, false},
    [AMI_ACT_TURN] = {-1000, 1000, false},
    [AMI_ACT_PACE] = {AMI_PACE_MIN, AMI_PACE_MAX, false},
    [AMI_ACT_REFERENCE] = {0, 2, true},
    [AMI_ACT_WEIGHT] = {0, 1, false},
    [AMI_ACT_ORBIT] = {-3600, 3600, false},
    [AMI_ACT_TILT] = {-180, 180, false},
    [AMI_ACT_ZOOM] = {.01, 100, false},
};

const char *const ami_mouse_help[][2] = {
    {"Drag a limb", "pull it"},
    {"Right click", "push there, away from you"},
    {"Drag beside", "turn the camera"},
    {"Wheel", "nearer, farther"},
    {"Left, Right", "steer"},
    {"Up, Down", "faster, slower"},
    {"1 ... 9", "styles, skills"},
    {"Gamepad", "sticks steer and look, A pushes"},
    {NULL, NULL},
};

const ami_action_info *ami_action_by_name(const char *name)
{
    if (!strcmp(name, "speed")) /* the former name */
        name = "time-scale";
    for (const ami_action_info *i = ami_action_table; i->name; i++)
        if (!strcmp(i->name, name))
            return i;
    return NULL;
}

const ami_action_info *ami_action_by_key(int key)
{
    for (const ami_action_info *i = ami_action_table; i->name; i++)
        for (int k = 0; k < 3; k++)
            if (key && i->key[k] == key)
                return i;
    return NULL;
}

const ami_action_info *ami_action_of(ami_action action)
{
    for (const ami_action_info *i = ami_action_table; i->name; i++)
        if (i->action == action)
            return i;
    return NULL;
}

ami_action_bounds ami_action_bounds_of(ami_action action)
{
    return bounds[action];
}

static bool check_value(const ami_action_info *info, double value, ami_error *err)
{
    const ami_action_bounds b = bounds[info->action];
    if (b.lo == b.hi)
        return ami_fail(err, "%s takes no value, found %.9g", info->name, value);
    if (value >= b.lo && value <= b.hi && (!b.whole || value == floor(value)))
        return true;
    return ami_fail(err, "%s is %.9g, expected a %snumber from %g to %g", info->name, value,
                    b.whole ? "whole " : "", b.lo, b.hi);
}

bool ami_cue_parse(const char *text, ami_cue *cue, ami_error *err)
{
    char name[32] = "", value[256] = "", rest[2] = "";
    *cue = (ami_cue){0};
    const char *behind = "";
    const bool timed = ami_number_read(text + strspn(text, " \t"), &behind, &cue->time);
    const int n = timed && (*behind == ' ' || *behind == '\t')
                      ? 1 + sscanf(behind, "%31s %255s %1s", name, value, rest)
                      : 0;
    if (n >= 2 && n <= 3 && (cue->time < 0 || cue->time > most_seconds))
        return ami_fail(err, "\"%.60s\": the time is %.9g s, expected 0 to %g", text, cue->time,
                        most_seconds);
    if (n < 2 || n > 3 || !(cue->time >= 0))
        return ami_fail(
            err, "\"%.60s\", expected \"TIME ACTION\" or \"TIME ACTION VALUE\", as in \"3 push 1.5\"", text);
    const ami_action_info *info = ami_action_by_name(name);
    if (!info) {
        char known[600] = "";
        for (const ami_action_info *i = ami_action_table; i->name; i++)
            snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s",
                     i == ami_action_table ? "" : ", ", i->name);
        return ami_fail(err, "there is no action \"%s\", expected one of %s", name, known);
    }
    cue->action = info->action;
    cue->value = info->value;
    if (info->action == AMI_ACT_OPEN && n < 3)
        return ami_fail(err, "\"%.60s\": open which file?", text);
    if (info->action == AMI_ACT_STYLE && n < 3)
        return ami_fail(err, "\"%.60s\": which style?", text);
    if (n == 3) {
        const bool number = ami_number_read(value, NULL, &cue->value);
        if (info->action == AMI_ACT_OPEN || info->action == AMI_ACT_STYLE ||
            (!number && info->action == AMI_ACT_SKILL))
            snprintf(cue->text, sizeof cue->text, "%s", value);
        else if (!number)
            return ami_fail(err, "\"%.60s\": \"%.60s\" is not a number", text, value);
    }
    if (n == 3 && !cue->text[0] && !check_value(info, cue->value, err))
        return ami_fail_in(err, "\"%.60s\"", text);
    return true;
}
