/* Draws the picture: world, plots, texts, scrub bar, panel. */
#include "viewer/app.h"
#include "viewer/panel.h"

#include "base/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int px(const ami_app *app, double at_100_percent)
{
    return (int)lround(at_100_percent * app->view.scale);
}

mjrRect ami_app_world(const ami_app *app, mjrRect whole)
{
    const int panel = app->view.shown.panel ? ami_panel_width(app->view.panel) : 0;
    if (panel <= 0 || whole.width - panel < 100)
        return whole;
    return (mjrRect){panel, 0, whole.width - panel, whole.height};
}

bool ami_app_scrub_rect(const ami_app *app, const ami_snapshot *snapshot, mjrRect whole, mjrRect *bar)
{
    if (snapshot->clip_duration <= 0 && !(snapshot->paused && snapshot->step > snapshot->oldest))
        return false;
    const mjrRect world = ami_app_world(app, whole);
    const int margin = (int)(16 * app->view.scale);
    *bar = (mjrRect){world.left + margin, world.bottom + margin, world.width - 2 * margin,
                     (int)(14 * app->view.scale)};
    return bar->width > 50;
}

/* Draws text of `font` with its baseline from a point. */
static void text(const ami_app *app, mjrRect at, int font, const char *words, int x, int y, float shade)
{
    mjr_text(font, words, &app->view.context, (float)(x - at.left) / (float)at.width,
             (float)(y - at.bottom) / (float)at.height, shade, shade, shade);
}

static int text_width(const ami_app *app, const char *words, int font)
{
    const int *width = font == mjFONT_BIG ? app->view.context.charWidthBig : app->view.context.charWidth;
    int sum = 0;
    for (; *words; words++)
        sum += width[(unsigned char)*words < 127 ? (unsigned char)*words : (unsigned char)'?'];
    return sum;
}

/* Needs the viewport set to `in`, for mjr_text's coordinates are relative to it. */
static void centred_line(const ami_app *app, mjrRect in, int y, const char *words, float alpha)
{
    const int width = text_width(app, words, mjFONT_NORMAL) + px(app, 28),
              height = app->view.context.charHeight + px(app, 12);
    const mjrRect box = {in.left + (in.width - width) / 2, y, width, height};
    mjr_label(box, mjFONT_NORMAL, words, .11f, .12f, .15f, alpha, .95f, .96f, .97f, &app->view.context);
}

/* Two columns of texts on a dark plate. */
typedef struct line {
    const char *key, *words;
} line;

static int line_height(const ami_app *app)
{
    return app->view.context.charHeight + px(app, 5);
}

static mjrRect plate_size(const ami_app *app, const line *lines, int n, int *first_column)
{
    int keys = 0, words = 0;
    for (int i = 0; i < n; i++) {
        const int key = lines[i].key ? text_width(app, lines[i].key, mjFONT_NORMAL) : 0,
                  word = text_width(app, lines[i].words, mjFONT_NORMAL);
        keys = key > keys ? key : keys;
        words = word > words ? word : words;
    }
    *first_column = keys ? keys + px(app, 18) : 0;
    return (mjrRect){0, 0, *first_column + words + px(app, 28), n * line_height(app) + px(app, 20)};
}

static void plate(const ami_app *app, mjrRect box, const line *lines, int n, int first_column, float alpha)
{
    mjr_rectangle(box, .11f, .12f, .15f, alpha);
    for (int i = 0; i < n; i++) {
        const int y = box.bottom + box.height - px(app, 10) - (i + 1) * line_height(app) + px(app, 6);
        if (lines[i].key)
            text(app, box, mjFONT_NORMAL, lines[i].key, box.left + px(app, 14), y, .98f);
        text(app, box, mjFONT_NORMAL, lines[i].words, box.left + px(app, 14) + first_column, y, .80f);
    }
}

enum { HELP_LINES = 48 };

static void draw_help(const ami_app *app, mjrRect world)
{
    line lines[HELP_LINES];
    int n = 0;
    for (int i = 0; ami_mouse_help[i][0]; i++)
        lines[n++] = (line){ami_mouse_help[i][0], ami_mouse_help[i][1]};
    for (const ami_action_info *i = ami_action_table; i->name && n < HELP_LINES; i++)
        if (i->keys)
            lines[n++] = (line){i->keys, i->what};
    int columns = 1, rows = n, first[3], total = 0, height = 0;
    mjrRect size[3];
    /* As few columns as the height allows, two at most: they are read from top to bottom. */
    if (n * line_height(app) + px(app, 24) > world.height - px(app, 20))
        columns = 2, rows = (n + 1) / 2;
    for (int c = 0; c < columns; c++) {
        const int from = c * rows, count = c == columns - 1 ? n - from : rows;
        size[c] = plate_size(app, lines + from, count, &first[c]);
        total += size[c].width;
        height = size[c].height > height ? size[c].height : height;
    }
    int left = world.left + (world.width - total) / 2;
    for (int c = 0; c < columns; c++) {
        const int from = c * rows, count = c == columns - 1 ? n - from : rows;
        plate(app, (mjrRect){left, world.bottom + (world.height - height) / 2, size[c].width, height},
              lines + from, count, first[c], 1);
        left += size[c].width;
    }
}

static void speed_text(char *out, size_t size, double speed)
{
    if (speed >= 1)
        snprintf(out, size, "%g x", round(speed * 100) / 100);
    else
        snprintf(out, size, "1/%g x", round(1 / speed * 100) / 100);
}

static int skill_line(const ami_app *app, const ami_snapshot *s, line *lines, char (*buffer)[96])
{
    const ami_view_body *body = &s->body[s->follow];
    const char *state = body->stage > AMI_FALLEN   ? ", getting up"
                        : body->down               ? ", fallen"
                        : s->requested != s->skill ? ", about to change"
                                                   : "";
    const char *pace = s->pace > 1.01 ? ", hurried" : s->pace < .99 ? ", slow" : "";
    snprintf(buffer[0], 96, "%s%s%s",
             s->skill < app->content.skills ? app->content.skill_name[s->skill] : "?", state, pace);
    lines[0] = (line){"Skill", buffer[0]};
    return 1;
}

/* A line for each part of a blend; there are three at most. */
static int style_lines(const ami_app *app, const ami_snapshot *s, line *lines, char (*buffer)[96])
{
    char text[128], *rest = text;
    int n = 0;
    ami_app_style_text(app, text, sizeof text);
    for (const char *part; n < 3 && (part = strsep(&rest, ",")) != NULL; n++) {
        snprintf(buffer[n], 96, "%s%s", part + strspn(part, " "),
                 n == 0 && s->requested != s->skill ? ", about to change" : "");
        lines[n] = (line){n ? NULL : "Style", buffer[n]};
    }
    return n;
}

static int simulation_lines(const ami_app *app, const ami_snapshot *s, line *lines, char (*buffer)[96])
{
    const ami_view_body *body = &s->body[s->follow];
    char speed[32];
    const char *state = body->stage > AMI_FALLEN ? ", getting up" : body->down ? ", fallen" : "";
    int n = s->invents ? style_lines(app, s, lines, buffer) : skill_line(app, s, lines, buffer);
    speed_text(speed, sizeof speed, s->speed);
    snprintf(buffer[n], 96, "%.1f m/s", s->ground_speed);
    if (s->invents && fabs(s->pace - 1) > .01)
        snprintf(buffer[n] + strlen(buffer[n]), 96 - strlen(buffer[n]), ", pace %.0f %%", 100 * s->pace);
    if (fabs(s->turn_rate) > 1e-3) /* only while it is steered */
        snprintf(buffer[n] + strlen(buffer[n]), 96 - strlen(buffer[n]), ", turning %s",
                 s->turn_rate > 0 ? "left" : "right");
    lines[n] = (line){"Speed", buffer[n]};
    n++;
    snprintf(buffer[n], 96, "%.1f s%s", body->up_s, s->invents ? state : "");
    if (s->characters > 1) {
        int up = 0;
        for (int i = 0; i < s->characters; i++)
            up += !s->body[i].down;
        snprintf(buffer[n], 96, "%d of %d; no. %d for %.1f s", up, s->characters, s->follow + 1, body->up_s);
    }
    lines[n] = (line){body->down && s->characters == 1 ? "Was up" : "Up", buffer[n]};
    n++;
    if (s->falls > 0) {
        snprintf(buffer[n], 96, "%lld, up again %lld", (long long)s->falls, (long long)s->recoveries);
        lines[n] = (line){"Falls", buffer[n]};
        n++;
    }
    if (s->paused)
        snprintf(buffer[n], 96, "paused at %.2f s", (double)s->step * s->dt);
    else if (app->content.sim)
        snprintf(buffer[n], 96, "%s, real %.2f x", speed, s->real_time_factor);
    else /* a film has no wall clock */
        snprintf(buffer[n], 96, "%s", speed);
    lines[n] = (line){"Time", buffer[n]};
    return n + 1;
}

static int clip_lines(const ami_app *app, const ami_snapshot *s, line *lines, char (*buffer)[96])
{
    char speed[32];
    speed_text(speed, sizeof speed, s->speed);
    snprintf(buffer[0], 96, "%.60s", ami_clip_name(app->content.player.clip));
    snprintf(buffer[1], 96, "%.2f of %.2f s", s->clip_time, s->clip_duration);
    snprintf(buffer[2], 96, "%d of %d", s->clip_frame, s->clip_frames - 1);
    snprintf(buffer[3], 96, "%s", s->paused ? "paused" : speed);
    lines[0] = (line){"Clip", buffer[0]};
    lines[1] = (line){"Time", buffer[1]};
    lines[2] = (line){"Frame", buffer[2]};
    lines[3] = (line){"Speed", buffer[3]};
    return 4;
}

static void draw_status(const ami_app *app, const ami_snapshot *s, mjrRect world, int bottom)
{
    line lines[8];
    char buffer[8][96];
    int first;
    const int n =
        s->clip_duration > 0 ? clip_lines(app, s, lines, buffer) : simulation_lines(app, s, lines, buffer);
    mjrRect box = plate_size(app, lines, n, &first);
    const int min_width =
        px(app, app->content.sim ? 200 : 150); /* so that the width does not change with every
                                                                digit */
    box.width = box.width < min_width ? min_width : box.width;
    box.left = world.left + px(app, 12);
    box.bottom = bottom;
    plate(app, box, lines, n, first, .80f);
}

static void draw_scrub(const ami_app *app, const ami_snapshot *s, mjrRect bar)
{
    const double at = s->clip_duration > 0
                          ? s->clip_time / s->clip_duration
                          : (double)(s->step - s->oldest) / fmax((double)(s->newest - s->oldest), 1);
    mjr_rectangle(bar, .11f, .12f, .15f, .8f);
    mjrRect done = bar;
    done.width = (int)(bar.width * fmin(fmax(at, 0), 1));
    mjr_rectangle(done, .34f, .62f, .80f, .9f);
    mjr_rectangle((mjrRect){bar.left + done.width - px(app, 3), bar.bottom - px(app, 3), px(app, 6),
                            bar.height + px(app, 6)},
                  .95f, .96f, .97f, 1);
}

static mjrRect plots_column(const ami_app *app, mjrRect world)
{
    int width = world.width / 4;
    width = width < px(app, 190) ? px(app, 190) : width > px(app, 300) ? px(app, 300) : width;
    const int gap = px(app, 12);
    return (mjrRect){world.left + world.width - width - gap, world.bottom + px(app, 44), width,
                     world.height - px(app, 44) - gap};
}

static bool has_plots(const ami_app *app, mjrRect world)
{
    return app->view.shown.plots && world.width >= px(app, 360);
}

static mjrRect without_plots(const ami_app *app, mjrRect world)
{
    if (has_plots(app, world))
        world.width = plots_column(app, world).left - world.left;
    return world;
}

/* The first hints, as many as fit on the line. */
static void draw_hint(const ami_app *app, mjrRect clear)
{
    static const char *const clip[] = {"Space: stop and go     Left, Right: frame by frame     H: help",
                                       "Space: stop     H: help", NULL};
    static const char *const play[] = {
        "Drag a limb to pull it     Right click or P: push     Arrows: steer     Space: pause     H: help",
        "Drag a limb: pull     P: push     Arrows: steer     H: help", "P: push     H: help", NULL};
    for (const char *const *hint = app->content.playing_clip ? clip : play; *hint; hint++)
        if (text_width(app, *hint, mjFONT_NORMAL) + px(app, 60) < clear.width) {
            centred_line(app, clear, clear.bottom + clear.height - px(app, 40), *hint, .72f);
            return;
        }
}

static void draw_texts(ami_app *app, const ami_snapshot *s, mjrRect world, mjrRect whole)
{
    mjrRect bar;
    const bool has_bar = ami_app_scrub_rect(app, s, whole, &bar);
    const int bottom = world.bottom + px(app, 12) + (has_bar ? px(app, 30) : 0);
    if (has_bar && app->view.shown.status)
        draw_scrub(app, s, bar);
    if (app->view.shown.status && !app->view.shown.help) /* the help covers it */
        draw_status(app, s, world, bottom);
    const mjrRect clear = without_plots(app, world);
    if (!app->view.shown.help && app->view.hint && app->view.shown.status && app->view.now - app->begun < 20)
        draw_hint(app, clear);
    if (ami_clock_now() < app->view.message_until)
        centred_line(app, clear, world.bottom + world.height - px(app, 76), app->view.message, .8f);
    if (app->view.film && !app->def.record &&
        fmod(app->view.now, 1) < .6) /* not in the film: drawn after the capture */
        mjr_label((mjrRect){world.left + world.width - px(app, 70), world.bottom + px(app, 10), px(app, 58),
                            px(app, 24)},
                  mjFONT_NORMAL, "REC", .80f, .25f, .10f, .9f, 1, 1, 1, &app->view.context);
}

void ami_app_draw(ami_app *app, const ami_snapshot *snapshot, double alpha, double seconds, mjrRect whole)
{
    ami_panel_refresh(app->view.panel);
    const mjrRect world = ami_app_world(app, whole);
    ami_plots_add(app->view.plots, snapshot);
    ami_app_see_style(app, snapshot);
    ami_scene_update(&app->view.scene, snapshot, alpha, seconds, &app->view.shown.look);
    mjr_render(world, &app->view.scene.scene, &app->view.context);
    if (has_plots(app, world) && !app->view.shown.help)
        ami_plots_draw(app->view.plots, snapshot, plots_column(app, world), app->view.scale,
                       &app->view.context);
    draw_texts(app, snapshot, world, whole);
    if (app->view.shown.panel)
        ami_panel_draw(app->view.panel, snapshot, whole);
    if (app->view.shown.help)
        draw_help(app, whole);
}
