/* The table of all actions. Keys, buttons of the panel, `--do` and the help on screen come from it, so that
 * they always agree. */
#ifndef AMI_VIEWER_ACTIONS_H
#define AMI_VIEWER_ACTIONS_H

#include "base/error.h"

typedef enum ami_action {
    AMI_ACT_NONE,
    AMI_ACT_PAUSE,
    AMI_ACT_FORWARD, /* a control step, or frame of a clip; value: number of them */
    AMI_ACT_BACK,
    AMI_ACT_FASTER,
    AMI_ACT_SLOWER,
    AMI_ACT_SPEED, /* value: simulated seconds a second */
    AMI_ACT_RESTART,
    AMI_ACT_RESET,
    AMI_ACT_PUSH,   /* value: m/s */
    AMI_ACT_OPEN,   /* a file, as if it were dropped on the window; scripts only */
    AMI_ACT_SKILL,  /* value: its number, from 1 */
    AMI_ACT_STYLE,  /* text: a mixture, or random; scripts only */
    AMI_ACT_RANDOM, /* a style drawn at random */
    AMI_ACT_PHASE_LOOP,
    AMI_ACT_PHASE_GAIN,   /* value */
    AMI_ACT_GROUND_SPEED, /* value: m/s */
    AMI_ACT_TURN,         /* value: degrees a second, to the left */
    AMI_ACT_PACE,         /* value: .7 to 1.3, of styles 1.4 */
    AMI_ACT_PACE_UP,
    AMI_ACT_PACE_DOWN,
    AMI_ACT_NEXT,      /* follow the next character */
    AMI_ACT_GHOST,     /* the next of off, inside, beside */
    AMI_ACT_REFERENCE, /* value: 0 off, 1 inside, 2 beside; the panel's */
    AMI_ACT_WEIGHT,    /* value: of a style in the blend; the panel's, for ami_app_weigh */
    AMI_ACT_FORCES,
    AMI_ACT_TRAIL,
    AMI_ACT_POINTS,
    AMI_ACT_SHADOWS,
    AMI_ACT_PLOTS,
    AMI_ACT_PANEL,
    AMI_ACT_STATUS,
    AMI_ACT_HELP,
    AMI_ACT_CAMERA, /* back to its first position */
    AMI_ACT_ORBIT,  /* value: degrees */
    AMI_ACT_TILT,
    AMI_ACT_ZOOM, /* value: factor of the distance */
    AMI_ACT_SCREENSHOT,
    AMI_ACT_FILM,
    AMI_ACT_FULLSCREEN,
    AMI_ACT_QUIT,
    AMI_ACTIONS
} ami_action;

typedef struct ami_action_info {
    ami_action action;
    const char *name; /* for --do and --log */
    double value;     /* the default */
    const char *keys; /* as shown in the help; NULL: not in the help */
    const char *what; /* the help's line */
    int key[3];       /* GLFW's numbers; 0: none */
} ami_action_info;

/* Bounds of an action's value. Both 0: it has none. */
typedef struct ami_action_bounds {
    double lo, hi;
    bool whole; /* only whole numbers */
} ami_action_bounds;

/* In the order of the help; the last one's name is NULL. */
extern const ami_action_info ami_action_table[];

const ami_action_info *ami_action_by_name(const char *name); /* NULL: there is none */
const ami_action_info *ami_action_by_key(int key);
const ami_action_info *ami_action_of(ami_action action);
ami_action_bounds ami_action_bounds_of(ami_action action);

/* The help for the mouse and held keys: pairs of texts, ended by NULL. */
extern const char *const ami_mouse_help[][2];

/* Reads a line of a script, "TIME ACTION [VALUE]": at TIME s of simulated time. False and a sentence where
 * `text` has another form or a number is out of its bounds. */
typedef struct ami_cue {
    double time, value;
    ami_action action;
    char text[256]; /* of "skill NAME", "style MIXTURE" and "open FILE" */
} ami_cue;
bool ami_cue_parse(const char *text, ami_cue *cue, ami_error *err);

#endif
