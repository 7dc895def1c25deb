/* amble/character.h: model sets, loaded once and shared by characters. */
#include "lib/character.h"

#include "base/assets.h"
#include "base/file.h"
#include "base/hash.h"
#include "lib/internal.h"
#include "policy/may_touch.h"
#include "policy/models.h"
#include "policy/skill_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH = 4096, MAX_FILE = 256 << 20 };

void amb_model_set_def_init_size(amb_model_set_def *def, size_t size)
{
    const amb_model_set_def full = {.size = size};
    if (def)
        memcpy(def, &full, size < sizeof full ? size : sizeof full);
}

static void add_to_fingerprint(amb_model_set *set, const void *bytes, size_t size)
{
    set->fingerprint = ami_hash(set->fingerprint, bytes, size);
}

static bool add_file(amb_model_set *set, const char *path, ami_error *err)
{
    size_t size;
    uint8_t *data = ami_file_read(path, MAX_FILE, &size, err);
    if (!data)
        return false;
    const uint32_t crc = ami_crc32c(0, data, size);
    free(data);
    add_to_fingerprint(set, &crc, sizeof crc);
    return true;
}

/* The actor's file: as given, or one of amble's own. */
static bool find_actor(const char *given, const char *own, char *path, ami_error *err)
{
    char name[64];
    if (given)
        return ami_find_model(given, path, PATH, err);
    snprintf(name, sizeof name, "models/%s.onnx", own);
    return ami_asset_path(name, path, PATH, err);
}

static bool same_rates(const ami_policy *a, const ami_policy *b, const char *path, ami_error *err)
{
    const double difference = a->physics_hz - b->physics_hz;
    if (a->substeps == b->substeps && difference < 1e-6 * a->physics_hz && difference > -1e-6 * a->physics_hz)
        return true;
    return ami_fail(err,
                    "%s was trained with physics at %g Hz and control at %g Hz, but the set's first actor "
                    "with %g and %g Hz",
                    path, b->physics_hz, b->physics_hz / b->substeps, a->physics_hz,
                    a->physics_hz / a->substeps);
}

/* Appends one actor to the set; with the first also loads the body, at that actor's physics rate. */
/* name NULL: the network's only skill */
static bool add_skill(amb_model_set *set, const amb_model_set_def *def, const char *path, const char *name,
                      bool invents, ami_error *err)
{
    const ami_skill_def skill_def = {.policy = path,
                                     .name = name,
                                     .invents = invents,
                                     .clips = def->motions,
                                     .characters = 1,
                                     .no_critic = true};
    ami_skill *skill = ami_skill_load(&skill_def, err);
    if (!skill)
        return false;
    set->skill[set->skills++] = skill; /* now the set frees it */
    if (skill->invents && !invents)
        return ami_fail(
            err, "%s follows invented motions, expected an actor of one motion (give it as locomotion)",
            path);
    if (!same_rates(&set->skill[0]->policy, &skill->policy, path, err))
        return false;
    if (!set->body) {
        ami_character_def body = ami_character_default_def();
        body.path = def->body;
        body.physics_hz = skill->policy.physics_hz;
        set->body = ami_character_create(&body, err);
    }
    for (int i = 0; i < set->skills - 1; i++)
        if (!strcmp(set->skill[i]->name, skill->name))
            return ami_fail(err, "%s: there is a skill named %s already", path, skill->name);
    return set->body &&
           ami_choose_may_touch(NULL, &skill->policy, set->body, skill->clip, &skill->may_touch, err) &&
           add_file(set, path, err);
}

static bool add_styles(amb_model_set *set, const amb_model_set_def *def, ami_error *err)
{
    char path[PATH];
    const ami_style_request given = {
        .style = "random", .decoder = def->decoder, .deepphase = def->deepphase, .table = def->styles};
    if (!find_actor(def->locomotion, "locomotion", path, err) || !add_skill(set, def, path, NULL, true, err))
        return false;
    ami_style_files files;
    const ami_origin origin = ami_policy_origin(&set->skill[0]->policy, path);
    const ami_style_request request = ami_style_beside(&given, &origin, &files);
    if (!ami_motions_load(&set->motions, &request, &set->body->skeleton, def->motions, err))
        return false;
    set->has_styles = true;
    snprintf(set->skill[0]->name, sizeof set->skill[0]->name, "locomotion");
    add_to_fingerprint(set, &set->motions.crc, sizeof set->motions.crc);
    return true;
}

/* Adds one of amble's own skills, if its motion is here; else it is left out, with a line in the log. */
static bool add_usual(amb_model_set *set, const amb_model_set_def *def, const char *name, const char *motion,
                      const char *model, ami_error *err)
{
    char file[PATH], path[PATH];
    if (!ami_clip_find(motion, def->motions, file, sizeof file, err)) {
        lib_log(AMB_LOG_WARNING, "the skill %s is left out: %s", name, err->text);
        return true;
    }
    return find_actor(NULL, model, path, err) && add_skill(set, def, path, name, false, err);
}

/* Amble's own skills: those of their table, or walk, run and backflip where there is none. */
static bool add_usual_skills(amb_model_set *set, const amb_model_set_def *def, ami_error *err)
{
    static const char *const without_table[] = {"walk", "run", "backflip"};
    char path[PATH], model[PATH];
    ami_skill_table table = {0};
    if (ami_asset_path("models/skills.json", path, sizeof path, NULL) &&
        !ami_skill_table_read(&table, path, err))
        return false;
    for (size_t i = 0; table.count == 0 && i < sizeof without_table / sizeof *without_table; i++)
        if (!add_usual(set, def, without_table[i], without_table[i], without_table[i], err))
            return false;
    for (int i = 0; i < table.count && set->skills < AMI_SKILLS; i++) {
        const ami_skill_entry *e = &table.entry[i];
        snprintf(model, sizeof model, "%.*s", (int)(strlen(e->network) - strlen(".onnx")), e->network);
        if (!add_usual(set, def, e->name, e->motion[0] ? e->motion : model, model, err))
            return false;
    }
    return true;
}

/* The actors that get up. Without them, characters that recover cannot be made; else the set is complete. */
static bool add_get_up(amb_model_set *set, const amb_model_set_def *def, ami_error *err)
{
    const ami_skill_def like = {.clips = def->motions,
                                .character = set->body,
                                .substeps = set->skill[0]->policy.substeps,
                                .characters = 1};
    if (!ami_get_up_load(set->get_up, &like, &set->no_get_up))
        return true;
    for (int k = 0; k < AMI_FACES; k++) {
        const uint32_t crc = ami_clip_crc(set->get_up[k]->clip);
        add_to_fingerprint(set, &crc, sizeof crc);
        if (!add_file(set, set->get_up[k]->path, err))
            return false;
    }
    return true;
}

/* Adds the other data that a motion depends on: the body and the skills' clips. */
static bool add_body_and_clips(amb_model_set *set, const char *given, ami_error *err)
{
    char path[PATH];
    for (int i = 0; i < set->skills; i++)
        if (set->skill[i]->clip) {
            const uint32_t crc = ami_clip_crc(set->skill[i]->clip);
            add_to_fingerprint(set, &crc, sizeof crc);
        }
    return (given || ami_asset_path("humanoid.xml", path, sizeof path, err)) &&
           add_file(set, given ? given : path, err);
}

static bool load(amb_model_set *set, const amb_model_set_def *def, ami_error *err)
{
    char path[PATH];
    ami_skill_place place;
    ami_error unused;
    set->fingerprint = AMI_HASH_START;
    if (!(def->locomotion && !*def->locomotion) && !add_styles(set, def, err))
        return false;
    if (!def->skills && !add_usual_skills(set, def, err))
        return false;
    for (int i = 0; def->skills && i < def->skill_count; i++)
        if (ami_find_model(def->skills[i], path, sizeof path, err)
                ? !add_skill(set, def, path, NULL, false, err)
                : !ami_skill_find_one(def->skills[i], &place, &unused) ||
                      !add_skill(set, def, place.path, place.name, false, err))
            return false;
    if (set->skills == 0)
        return ami_fail(err, "the set has no actor: neither styles nor skills were given");
    return add_get_up(set, def, err) && add_body_and_clips(set, def->body, err);
}

amb_result amb_model_set_load(const amb_model_set_def *def, amb_model_set **set)
{
    amb_model_set_def full;
    LIB_REQUIRE(set);
    *set = NULL;
    amb_model_set_def_init(&full);
    if (def)
        LIB_REQUIRE(lib_def_copy(&full, sizeof full, def) && "the definition was initialised");
    if (full.skill_count < 0 || full.skill_count > AMI_SKILLS - 1)
        return lib_fail(AMB_ERROR_ARGUMENT, "%d skills, expected 0 to %d", full.skill_count, AMI_SKILLS - 1);
    for (int i = 0; full.skills && i < full.skill_count; i++)
        if (!full.skills[i])
            return lib_fail(AMB_ERROR_ARGUMENT, "skill %d of the set is NULL, expected a file or a name", i);
    ami_error err = {""};
    amb_model_set *made = calloc(1, sizeof *made);
    if (!made)
        return lib_fail(AMB_ERROR_MEMORY, "out of memory for a set of models");
    if (load(made, &full, &err)) {
        *set = made;
        return AMB_OK;
    }
    amb_model_set_destroy(made);
    return lib_fail_with(strstr(err.text, "No such file") ? AMB_ERROR_NOT_FOUND : AMB_ERROR_FILE, &err);
}

void amb_model_set_destroy(amb_model_set *set)
{
    if (!set)
        return;
    LIB_REQUIRE_OR(atomic_load(&set->characters) == 0 && "its characters are destroyed", );
    for (int i = 0; i < set->skills; i++)
        ami_skill_free(set->skill[i]);
    for (int k = 0; k < AMI_FACES; k++)
        ami_skill_free(set->get_up[k]);
    if (set->has_styles)
        ami_motions_free(&set->motions);
    ami_character_destroy(set->body);
    free(set);
}

int amb_model_set_styles(const amb_model_set *set)
{
    LIB_REQUIRE_OR(set, 0);
    return set->has_styles ? set->motions.styles->count : 0;
}

static const ami_style *style(const amb_model_set *set, int index)
{
    return set->has_styles && index >= 0 && index < set->motions.styles->count
               ? &set->motions.styles->style[index]
               : NULL;
}

const char *amb_model_set_style_name(const amb_model_set *set, int index)
{
    LIB_REQUIRE_OR(set, NULL);
    return style(set, index) ? style(set, index)->name : NULL;
}

double amb_model_set_style_speed(const amb_model_set *set, int index)
{
    LIB_REQUIRE_OR(set, 0);
    return style(set, index) ? style(set, index)->speed : 0;
}

int amb_model_set_skills(const amb_model_set *set)
{
    LIB_REQUIRE_OR(set, 0);
    return set->skills;
}

const char *amb_model_set_skill_name(const amb_model_set *set, int index)
{
    LIB_REQUIRE_OR(set, NULL);
    return index >= 0 && index < set->skills ? set->skill[index]->name : NULL;
}
