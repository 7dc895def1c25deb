/* A library for LD_PRELOAD, used by test_viewer.sh: replaces GLFW's gamepads by one whose state is in the
 * file $AMBLE_TEST_GAMEPAD: "b NUMBER" for each pressed button, "a NUMBER VALUE" for each axis that is not
 * centred. No file: no gamepad. */
#include <GLFW/glfw3.h>
#include <stdio.h>
#include <stdlib.h>

int glfwGetGamepadState(int joystick, GLFWgamepadstate *state)
{
    const char *path = getenv("AMBLE_TEST_GAMEPAD");
    FILE *file = joystick == GLFW_JOYSTICK_3 && path ? fopen(path, "r") : NULL;
    *state = (GLFWgamepadstate){0};
    if (!file)
        return GLFW_FALSE;
    char line[64];
    while (fgets(line, sizeof line, file)) {
        int number;
        float value;
        if (sscanf(line, "b %d", &number) == 1 && number >= 0 && number <= GLFW_GAMEPAD_BUTTON_LAST)
            state->buttons[number] = GLFW_PRESS;
        else if (sscanf(line, "a %d %f", &number, &value) == 2 && number >= 0 &&
                 number <= GLFW_GAMEPAD_AXIS_LAST)
            state->axes[number] = value;
    }
    fclose(file);
    return GLFW_TRUE;
}
