/* Loads what `amble train` trains on. */
#include "cli/train_source.h"

#include "base/file.h"
#include "cli/motion_names.h"
#include "cli/ranks.h"
#include "policy/may_touch.h"
#include "policy/models.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_clip(const train_source *s)
{
    return s->motion[0].followed.clip != NULL;
}

/* ---- loading one ---- */

/* A clip that cannot be followed because the floor is in its way, or is not where it should be. */
static bool check_floor(const ami_character *character, const ami_clip *clip, ami_error *err)
{
    double lowest, mean;
    if (!clip)
        return true;
    if (!ami_clip_height(character, clip, &lowest, &mean, err))
        return false;
    if (lowest < -.25 || mean < -.1)
        fprintf(stderr,
                "amble: the poses of %s are in the floor, by %.0f cm at the deepest and %.0f cm on average: "
                "a body cannot follow them there. "
                "Raise the motion, or check its scale and its up axis (amble clip info).\n",
                ami_clip_name(clip), -100 * lowest, -100 * fmin(mean, 0));
    return true;
}

/* A motion of another format: looped as asked, and reported. */
static bool settle(int loop, ami_followed *followed, char **text, ami_error *err)
{
    ami_edit_cycle cycle;
    if (!followed->clip)
        return true;
    if (!ami_settle_clip(&followed->clip, followed->path, loop, &cycle, text, err))
        return false;
    followed->name = ami_clip_name(followed->clip);
    if (*text && cycle.end > 0)
        fprintf(stderr,
                "%s: loops from %.2f to %.2f s, off by %.1f degrees before it was closed (--loop none: all "
                "of it)\n",
                followed->path, cycle.begin, cycle.end, cycle.gap * 180 / M_PI);
    else if (*text)
        fprintf(stderr, "%s: %.2f s, does not loop\n", followed->path, ami_clip_duration(followed->clip));
    return true;
}

/* `name` NULL: what the origin was trained on. */
static bool load_motion(const train_arguments *a, const char *name, const ami_origin *origin,
                        const ami_character *character, train_motion *m, ami_train_clip *clip, ami_error *err)
{
    if (!ami_follow(&m->followed, name, &a->style, origin, &character->skeleton, a->common.clips, err) ||
        !settle(a->loop, &m->followed, &m->text, err))
        return false;
    clip->clip = m->followed.clip;
    return ami_choose_may_touch(a->may_touch, NULL, character, m->followed.clip, &clip->may_touch, err) &&
           check_floor(character, m->followed.clip, err);
}

/* Whether the motion is that of the checkpoint that is resumed (`before`; its motion is NULL where none is).
 * Before a training is made: settings that were decided for another motion may be impossible for this one. */
static bool check_motion(const ami_origin *before, const ami_followed *followed, ami_error *err)
{
    const ami_clip *clip = followed->clip;
    if (!before->motion || (clip ? !before->has_crc || ami_clip_crc(clip) == before->crc
                                 : ami_style_trained_on(before->motion) != NULL))
        return true;
    return ami_fail(err,
                    "%s: was trained on another motion than \"%s\" as it is now; continue with the same one, "
                    "or start from its networks with "
                    "--init",
                    before->file, followed->name);
}

/* No two clips of one name, whose copies would be one file, and none twice under two names. */
static bool check_different(const train_source *s, ami_error *err)
{
    for (int i = 0; i < s->count; i++)
        for (int k = 0; k < i; k++) {
            const ami_followed *a = &s->motion[k].followed, *b = &s->motion[i].followed;
            const bool same = ami_clip_crc(a->clip) == ami_clip_crc(b->clip);
            if (!strcmp(ami_clip_name(a->clip), ami_clip_name(b->clip)))
                return ami_fail(err, "--motion: %s and %s are both named \"%s\"%s", a->path, b->path,
                                ami_clip_name(a->clip), same ? ", expected each motion once" : "");
            if (same)
                return ami_fail(err, "--motion: \"%s\" and \"%s\" are the same motion (%s and %s)",
                                ami_clip_name(a->clip), ami_clip_name(b->clip), a->path, b->path);
        }
    return true;
}

static bool load_clips(const train_arguments *a, const motion_names *n, const ami_character *character,
                       train_source *s, ami_error *err)
{
    const ami_origin *before = &s->origin;
    if (before->motion && n->count > 0 && n->count != (before->motions > 0 ? before->motions : 1))
        return ami_fail(err,
                        "%s: was trained on %d motion%s, and --motion gives %d; continue with the same ones, "
                        "or start from its networks with --init",
                        before->file, before->motions > 0 ? before->motions : 1,
                        before->motions > 1 ? "s" : "", n->count);
    s->count = n->count > 0 ? n->count : before->motions > 0 ? before->motions : 1;
    s->motion = calloc((size_t)s->count, sizeof *s->motion);
    s->clip = calloc((size_t)s->count, sizeof *s->clip);
    if (!s->motion || !s->clip)
        return ami_fail(err, "out of memory for %d motions", s->count);
    for (int i = 0; i < s->count; i++) {
        const ami_origin one = before->motions > 0 ? ami_origin_of_one(before, &before->listed[i]) : *before;
        if (!load_motion(a, n->count > 0 ? n->name[i] : NULL, &one, character, &s->motion[i], &s->clip[i],
                         err) ||
            !check_motion(&one, &s->motion[i].followed, err))
            return false;
    }
    s->may_touch = s->clip[0].may_touch;
    return !is_clip(s) || check_different(s, err);
}

/* ---- teachers ---- */

static bool load_teachers(const train_arguments *a, train_source *s, ami_error *err)
{
    const char **name = malloc((size_t)s->count * sizeof *name);
    if (!name)
        return ami_fail(err, "out of memory for %d motions", s->count);
    for (int i = 0; i < s->count; i++)
        name[i] = s->motion[i].followed.name;
    const ami_teachable clips = {.clip = name, .clips = s->count},
                        styles = {.styles = s->motion[0].followed.motions.styles};
    bool ok = true;
    for (int i = 0; ok && i < a->teachers; i++) {
        const char *equals = strchr(a->teacher[i], '=');
        char path[4096],
            *found = NULL; /* "NAMES=FILE" with the file's path; if there is none, ami_teachers_add
                                           says so */
        if (equals && ami_find_model(equals + 1, path, sizeof path, NULL)) {
            const size_t names = (size_t)(equals + 1 - a->teacher[i]), size = names + strlen(path) + 1;
            if ((found = malloc(size)) != NULL)
                snprintf(found, size, "%.*s%s", (int)names, a->teacher[i], path);
        }
        ok = ami_teachers_add(&s->teachers, is_clip(s) ? &clips : &styles, found ? found : a->teacher[i],
                              err) ||
             ami_fail_in(err, "--teacher");
        free(found);
    }
    free(name);
    return ok;
}

/* ---- all ---- */

bool train_source_load(const train_arguments *arguments, const ami_checkpoint *resumed,
                       const ami_character *character, train_source *source, ami_error *err)
{
    size_t size;
    int listed = 0;
    motion_names n = {0};
    *source = (train_source){.origin = {.file = arguments->training.resume}};
    if (resumed) {
        source->origin.motion = ami_checkpoint_find(resumed, "motion", &size);
        source->origin.has_crc =
            source->origin.motion &&
            ami_checkpoint_get(resumed, "clip_crc", &source->origin.crc, sizeof source->origin.crc, NULL);
        if (!ami_train_read_clips(resumed, &source->listed, &listed, err))
            return false;
        source->origin.motions = listed;
        source->origin.listed = source->listed;
    }
    if (arguments->motions == 0 && !arguments->style.style && !source->origin.motion)
        return ami_fail(err, "which motion? Give --motion NAME or FILE, or --style random");
    const bool ok = motion_names_split(arguments->motion, arguments->motions, &n, err) &&
                    load_clips(arguments, &n, character, source, err) &&
                    load_teachers(arguments, source, err);
    motion_names_free(&n);
    return ok;
}

void train_source_free(train_source *source)
{
    ami_teachers_free(&source->teachers);
    for (int i = 0; source->motion && i < source->count; i++) {
        if (source->motion[i].followed.name) /* it was begun */
            ami_followed_free(&source->motion[i].followed);
        free(source->motion[i].text);
    }
    free(source->motion);
    free(source->clip);
    free(source->listed);
}

/* What is drawn: all of the table's styles, or the one that --style names, which `one` is made to hold; it
 * must outlive the training. */
static bool choose_styles(const ami_motions *motions, ami_styles *one, ami_train_styles *styles,
                          ami_error *err)
{
    *styles = (ami_train_styles){
        .nets = &motions->nets, .styles = motions->styles, .name = motions->style, .crc = motions->crc};
    if (!strcmp(motions->style, "random"))
        return true;
    const int style = ami_styles_find(motions->styles, motions->style, err);
    if (style < 0)
        return ami_fail_in(err, "--style: expected random or one style");
    *one = (ami_styles){1, &motions->styles->style[style]};
    styles->styles = one;
    styles->crc = ami_crc32c(styles->crc, motions->style, strlen(motions->style));
    return true;
}

ami_train *train_source_create(train_source *source, const ami_settings *settings,
                               const ami_character *character, ami_error *err)
{
    const ami_train_clips clips = {source->count, source->clip, &source->teachers};
    ami_train_styles styles;
    const bool ok =
        is_clip(source) || choose_styles(&source->motion[0].followed.motions, &source->one, &styles, err);
    if (!ami_exchange_agree(cli_ranks(), ok, err))
        return NULL;
    if (is_clip(source))
        return ami_train_create_clips(settings, character, &clips, cli_ranks(), err);
    styles.teachers = &source->teachers;
    return ami_train_create_ranks(settings, character, NULL, &styles, source->may_touch, cli_ranks(), err);
}

bool train_source_keep(const train_source *source, const train_arguments *arguments, const char *folder,
                       ami_error *err)
{
    if (!is_clip(source))
        return ami_keep_style_files(folder, &arguments->style, &source->origin, err);
    for (int i = 0; i < source->count; i++)
        if (!ami_keep_clip(folder, source->motion[i].followed.path, source->motion[i].text,
                           source->motion[i].followed.clip, err))
            return false;
    return true;
}
