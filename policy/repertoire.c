/* Loads body, styles, skills and getting up for live characters. */
#include "policy/repertoire.h"

#include "base/assert.h"
#include "policy/models.h"
#include "policy/skill_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool load_first(ami_repertoire *r, const ami_repertoire_def *def, ami_error *err)
{
    char path[4096];
    if (!ami_find_actor(def->locomotion, NULL, def->clips, "locomotion", path, sizeof path, err))
        return false;
    const ami_skill_def first = {.policy = path,
                                 .invents = true,
                                 .clips = def->clips,
                                 .characters = 1,
                                 .no_critic = true,
                                 .model = def->model};
    if (!(r->skill[0] = ami_skill_load(&first, err)))
        return false;
    r->skills = 1;
    ami_character_def body = ami_character_default_def();
    body.self_collision = def->self_collision;
    body.physics_hz = r->skill[0]->policy.physics_hz;
    r->body = ami_character_create(&body, err);
    r->has_motions =
        r->body && ami_motions_load(&r->motions, def->style, &r->body->skeleton, def->clips, err);
    return r->has_motions;
}

/* name NULL: the network's only skill */
static bool add_skill(ami_repertoire *r, const ami_repertoire_def *def, const char *path, const char *name,
                      ami_error *err)
{
    const ami_skill_def own = {.policy = path,
                               .name = name,
                               .clips = def->clips,
                               .character = r->body,
                               .substeps = r->skill[0]->policy.substeps,
                               .characters = 1,
                               .no_critic = !def->critics};
    if (r->skills == AMI_SKILLS)
        return ami_fail(err, "more than %d skills", AMI_SKILLS - 1);
    ami_skill *skill = ami_skill_load(&own, err);
    if (!skill)
        return false;
    if (skill->invents) {
        ami_skill_free(skill);
        return ami_fail(err, "%s follows invented motions, expected an actor of one", path);
    }
    r->skill[r->skills++] = skill;
    return true;
}

/* Whether one of amble's skills is one beside the styles: it is not named like one. */
static bool is_beside(const ami_repertoire *r, const char *name)
{
    return strcmp(name, "locomotion") != 0 && ami_styles_find(r->motions.styles, name, NULL) < 0;
}

static bool add_own(ami_repertoire *r, const ami_repertoire_def *def, ami_error *err)
{
    ami_skill_place *place = malloc(AMI_SKILLS * sizeof *place);
    int n = 0;
    const bool ok = place ? ami_skill_find(place, AMI_SKILLS, &n, err)
                          : ami_fail(err, "out of memory for the list of skills");
    for (int i = 0; ok && i < n && r->skills < AMI_SKILLS; i++)
        if (is_beside(r, place[i].name) && !add_skill(r, def, place[i].path, place[i].name, err) &&
            def->left_out)
            def->left_out(place[i].name, err->text);
    free(place);
    return ok;
}

static bool add_named(ami_repertoire *r, const ami_repertoire_def *def, ami_error *err)
{
    char list[4096], path[4096];
    ami_skill_place place;
    ami_error unused;
    if ((size_t)snprintf(list, sizeof list, "%s", def->skills) >= sizeof list)
        return ami_fail(err, "the list of skills is longer than %zu bytes", sizeof list - 1);
    for (char *rest = list, *name; (name = strsep(&rest, ","));)
        if (ami_find_model(name, path, sizeof path, err)
                ? !add_skill(r, def, path, NULL, err)
                : !ami_skill_find_one(name, &place, &unused) || !add_skill(r, def, place.path, name, err))
            return false;
    return true;
}

static bool load(ami_repertoire *r, const ami_repertoire_def *def, ami_error *err)
{
    if (!load_first(r, def, err))
        return false;
    if (!def->skills) {
        if (!add_own(r, def, err))
            return false;
    } else if (strcmp(def->skills, "none") != 0 && !add_named(r, def, err)) {
        return ami_fail_in(err, "%s", def->skills_from ? def->skills_from : "--skills");
    }
    const ami_skill_def like = {
        .clips = def->clips, .character = r->body, .substeps = r->skill[0]->policy.substeps, .characters = 1};
    return !def->get_up || ami_get_up_load(r->get_up, &like, err);
}

bool ami_repertoire_load(ami_repertoire *repertoire, const ami_repertoire_def *def, ami_error *err)
{
    AMI_ASSERT(repertoire && def && def->style);
    memset(repertoire, 0, sizeof *repertoire);
    if (load(repertoire, def, err))
        return true;
    ami_repertoire_free(repertoire);
    return false;
}

void ami_repertoire_free(ami_repertoire *repertoire)
{
    for (int k = 0; k < repertoire->skills; k++)
        ami_skill_free(repertoire->skill[k]);
    for (int k = 0; k < AMI_FACES; k++)
        ami_skill_free(repertoire->get_up[k]);
    if (repertoire->has_motions)
        ami_motions_free(&repertoire->motions);
    ami_character_destroy(repertoire->body);
    memset(repertoire, 0, sizeof *repertoire);
}
