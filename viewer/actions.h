/* Everything one can do, by name: the keys, the buttons of the panel, `--do` and the help on screen all come
 * from this one table, so that they cannot say different things. */
#ifndef AMB_VIEWER_ACTIONS_H
#define AMB_VIEWER_ACTIONS_H

#include "base/error.h"

typedef enum amb_action {
    AMB_ACT_NONE,
    AMB_ACT_PAUSE,
    AMB_ACT_FORWARD, /* one control step, or frame of a clip; value: how many */
    AMB_ACT_BACK,
    AMB_ACT_FASTER,
    AMB_ACT_SLOWER,
    AMB_ACT_SPEED, /* value: simulated seconds a second */
    AMB_ACT_RESTART,
    AMB_ACT_RESET,
    AMB_ACT_PUSH,   /* value: m/s */
    AMB_ACT_OPEN,   /* a file, as if it were dropped on the window; scripts only */
    AMB_ACT_SKILL,  /* value: its number, from 1 */
    AMB_ACT_STYLE,  /* text: a mixture, or random; scripts only */
    AMB_ACT_RANDOM, /* a style that is drawn */
    AMB_ACT_PHASE_LOOP,
    AMB_ACT_PHASE_GAIN,   /* value */
    AMB_ACT_GROUND_SPEED, /* value: m/s */
    AMB_ACT_TURN,         /* value: degrees a second, to the left */
    AMB_ACT_PACE,         /* value: .7 to 1.3, of styles 1.4 */
    AMB_ACT_PACE_UP,
    AMB_ACT_PACE_DOWN,
    AMB_ACT_NEXT, /* follow the next character */
    AMB_ACT_GHOST,
    AMB_ACT_FORCES,
    AMB_ACT_TRAIL,
    AMB_ACT_POINTS,
    AMB_ACT_SHADOWS,
    AMB_ACT_PLOTS,
    AMB_ACT_PANEL,
    AMB_ACT_STATUS,
    AMB_ACT_HELP,
    AMB_ACT_CAMERA, /* back to where it was at the beginning */
    AMB_ACT_ORBIT,  /* value: degrees */
    AMB_ACT_TILT,
    AMB_ACT_ZOOM, /* value: factor of the distance */
    AMB_ACT_SCREENSHOT,
    AMB_ACT_FILM,
    AMB_ACT_FULLSCREEN,
    AMB_ACT_QUIT,
    AMB_ACTIONS
} amb_action;

typedef struct amb_action_info {
    amb_action action;
    const char *name; /* for --do and --log */
    double value;     /* where none is given */
    const char *keys; /* as help shows them; NULL: not in the help */
    const char *what; /* the help's line */
    int key[3];       /* GLFW's numbers; 0: none */
} amb_action_info;

/* What an action's value may be. Both 0: it takes none. */
typedef struct amb_action_bounds {
    double lo, hi;
    bool whole; /* only whole numbers */
} amb_action_bounds;

/* In the order of the help; the end has no name. */
extern const amb_action_info amb_action_table[];

const amb_action_info *amb_action_by_name(const char *name); /* NULL: there is none */
const amb_action_info *amb_action_by_key(int key);
const amb_action_info *amb_action_of(amb_action action);
amb_action_bounds amb_action_bounds_of(amb_action action);

/* What the mouse and the held keys do, for the help: pairs of texts, ended by NULL. */
extern const char *const amb_mouse_help[][2];

/* One line of a script, "TIME ACTION [VALUE]": at TIME s of simulated time. False and a sentence where `text`
 * is something else, or where a number is out of its bounds. */
typedef struct amb_cue {
    double time, value;
    amb_action action;
    char text[256]; /* of "skill NAME", "style MIXTURE" and "open FILE" */
} amb_cue;
bool amb_cue_parse(const char *text, amb_cue *cue, amb_error *err);

#endif
