/* Reads and checks tables of skills, and finds amble's own. */
#include "policy/skill_table.h"

#include "base/assert.h"
#include "base/assets.h"
#include "base/file.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const size_t largest_file = 1 << 20;
static const char previous[] = "previous";

/* A field's text; NULL if it is not there. False and a sentence if it is not text of 1 to size - 1 bytes. */
static bool get_text(const json_t *o, const char *path, const char *what, const char *key, size_t size,
                     const char **text, ami_error *err)
{
    const json_t *v = json_object_get(o, key);
    *text = json_string_value(v);
    if (!v)
        return true;
    if (!*text || !**text || json_string_length(v) != strlen(*text) || strlen(*text) >= size ||
        !ami_text_is_printable(*text))
        return ami_fail(err, "%s: \"%s\" of %s is not printable text of 1 to %zu bytes", path, key, what,
                        size - 1);
    return true;
}

static bool check_keys(const json_t *o, const char *path, const char *what, ami_error *err)
{
    static const char *const known[] = {"name", "network", "motion", "plays", "then"};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)o, key, value)
    {
        bool found = false;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            found |= !strcmp(key, known[i]);
        if (!found)
            return ami_fail(err, "%s: %s has a field \"%.60s\", expected name, network, motion, plays, then",
                            path, what, key);
    }
    return true;
}

static bool take_ending(const char *plays, const char *then, const char *path, const char *what,
                        ami_skill_entry *e, ami_error *err)
{
    if (!plays || (strcmp(plays, "loop") != 0 && strcmp(plays, "once") != 0))
        return ami_fail(err, "%s: \"plays\" of %s is %s%.60s%s, expected \"loop\" or \"once\"", path, what,
                        plays ? "\"" : "", plays ? plays : "missing", plays ? "\"" : "");
    e->once = !strcmp(plays, "once");
    if (then && !e->once)
        return ami_fail(err, "%s: \"then\" of %s is \"%.60s\", but it plays in a loop, which has no end",
                        path, what, then);
    if (then && strcmp(then, previous) != 0)
        snprintf(e->then, sizeof e->then, "%s", then);
    return true;
}

static bool get_entry(const json_t *o, const char *path, int i, ami_skill_entry *e, ami_error *err)
{
    char what[100];
    const char *name, *network, *motion, *plays, *then;
    snprintf(what, sizeof what, "skill %d", i);
    if (!json_is_object(o))
        return ami_fail(err, "%s: %s is not an object {\"name\", \"network\", …}", path, what);
    if (!get_text(o, path, what, "name", sizeof e->name, &name, err))
        return false;
    if (!name)
        return ami_fail(err, "%s: %s has no name, expected text of 1 to %d bytes", path, what, AMI_NAME - 1);
    if (!ami_name_check(name, what, err))
        return ami_fail_in(err, "%s", path);
    if (strpbrk(name, ":, \t") || !strcmp(name, previous) || !strcmp(name, "none"))
        return ami_fail(err,
                        "%s: %s is called \"%s\", expected a name without blanks, commas and colons, and "
                        "neither \"previous\" nor \"none\"",
                        path, what, name);
    snprintf(what, sizeof what, "skill \"%s\"", name);
    if (!check_keys(o, path, what, err) ||
        !get_text(o, path, what, "network", sizeof e->network, &network, err) ||
        !get_text(o, path, what, "motion", sizeof e->motion, &motion, err) ||
        !get_text(o, path, what, "plays", AMI_NAME, &plays, err) ||
        !get_text(o, path, what, "then", sizeof e->then, &then, err))
        return false;
    if (!network || strchr(network, '/') || !ami_text_has_ending(network, ".onnx"))
        return ami_fail(err, "%s: \"network\" of %s is %s%.60s%s, expected a .onnx file in the same folder",
                        path, what, network ? "\"" : "", network ? network : "missing", network ? "\"" : "");
    snprintf(e->name, sizeof e->name, "%s", name);
    snprintf(e->network, sizeof e->network, "%s", network);
    snprintf(e->motion, sizeof e->motion, "%s", motion ? motion : "");
    return take_ending(plays, then, path, what, e, err);
}

/* Names are different ones, and so are networks or motions; what follows a skill is in the table. */
static bool check_together(const ami_skill_table *t, const char *path, ami_error *err)
{
    for (int i = 0; i < t->count; i++) {
        const ami_skill_entry *e = &t->entry[i];
        for (int k = 0; k < i; k++) {
            if (!strcmp(e->name, t->entry[k].name))
                return ami_fail(err, "%s: two skills are called \"%s\"", path, e->name);
            if (!strcmp(e->network, t->entry[k].network) && !strcmp(e->motion, t->entry[k].motion))
                return ami_fail(
                    err, "%s: the skills \"%s\" and \"%s\" have the same network %s and the same motion",
                    path, t->entry[k].name, e->name, e->network);
        }
        if (e->then[0] && !ami_skill_table_skill(t, e->then))
            return ami_fail(err,
                            "%s: \"then\" of skill \"%s\" is \"%s\", expected \"previous\" or a skill of the "
                            "table",
                            path, e->name, e->then);
    }
    return true;
}

bool ami_skill_table_read(ami_skill_table *table, const char *path, ami_error *err)
{
    AMI_ASSERT(table && path);
    table->count = 0;
    size_t size;
    char *text = ami_file_read_text(path, largest_file, &size, err);
    if (!text)
        return false;
    json_error_t where;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &where);
    free(text);
    const json_t *list = json_object_get(root, "skills");
    const size_t n = json_array_size(list);
    bool ok = true;
    if (!root)
        ok = where.text[0] ? ami_fail(err, "%s: not JSON, line %d: %s", path, where.line, where.text)
                           : ami_fail(err, "%s: out of memory", path);
    else if (!json_is_array(list) || n > AMI_SKILL_TABLE_MAX)
        ok = ami_fail(err, "%s: \"skills\" %s, expected an array of at most %d", path,
                      !list                 ? "is missing"
                      : json_is_array(list) ? "has too many skills"
                                            : "is not an array",
                      AMI_SKILL_TABLE_MAX);
    for (size_t i = 0; ok && i < n; i++) {
        ami_skill_entry *e = &table->entry[i];
        *e = (ami_skill_entry){.once = false};
        ok = get_entry(json_array_get(list, i), path, (int)i, e, err);
        table->count += ok;
    }
    json_decref(root);
    return ok && check_together(table, path, err);
}

bool ami_skill_table_beside(ami_skill_table *table, const char *file, ami_error *err)
{
    AMI_ASSERT(table && file);
    char path[4200];
    const char *slash = strrchr(file, '/');
    table->count = 0;
    if ((size_t)snprintf(path, sizeof path, "%.*sskills.json", slash ? (int)(slash + 1 - file) : 0, file) >=
            sizeof path ||
        access(path, F_OK) != 0)
        return true;
    return ami_skill_table_read(table, path, err);
}

int ami_skill_table_network(const ami_skill_table *table, const char *path, const ami_skill_entry **entry)
{
    AMI_ASSERT(table && path);
    const char *slash = strrchr(path, '/');
    int n = 0;
    for (int i = 0; i < table->count; i++) {
        const bool same = !strcmp(table->entry[i].network, slash ? slash + 1 : path);
        if (same && n++ == 0 && entry)
            *entry = &table->entry[i];
    }
    return n;
}

const ami_skill_entry *ami_skill_table_skill(const ami_skill_table *table, const char *name)
{
    AMI_ASSERT(table && name);
    for (int i = 0; i < table->count; i++)
        if (!strcmp(table->entry[i].name, name))
            return &table->entry[i];
    return NULL;
}

/* ---- amble's own skills ---- */

/* walk, run, then the others by name */
static int rank(const char *name)
{
    return !strcmp(name, "walk") ? 0 : !strcmp(name, "run") ? 1 : 2;
}

static int by_rank(const void *a, const void *b)
{
    const char *x = ((const ami_skill_place *)a)->name, *y = ((const ami_skill_place *)b)->name;
    return rank(x) != rank(y) ? rank(x) - rank(y) : strcmp(x, y);
}

/* Decides by the name alone, without reading the file: critics, phase and style networks, the actors that get up
 * (policy/get_up.h) and the one of many motions, which is no single skill, have these words in their names. */
static bool is_actor_name(const char *name)
{
    static const char *const others[] = {"critic", "phase", "style", "vae", "getup", "repertoire"};
    const size_t n = strlen(name);
    if (n < 6 || strcmp(name + n - 5, ".onnx"))
        return false;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strstr(name, others[i]))
            return false;
    return true;
}

static void put(ami_skill_place *place, const char *folder, const char *file, const char *name)
{
    static const char ending[] = ".onnx";
    snprintf(place->path, sizeof place->path, "%.3800s/%s", folder, file);
    if (name)
        snprintf(place->name, sizeof place->name, "%s", name);
    else
        snprintf(place->name, sizeof place->name, "%.*s", (int)(strlen(file) - strlen(ending)), file);
}

/* Appends the actors of the folder that are not in the table, sorted. */
static int add_others(const ami_skill_table *table, const char *folder, ami_skill_place *place, int max)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return 0;
    int n = 0;
    for (const struct dirent *entry; (entry = readdir(dir)) && n < max;)
        if (is_actor_name(entry->d_name) && ami_skill_table_network(table, entry->d_name, NULL) == 0)
            put(&place[n++], folder, entry->d_name, NULL);
    closedir(dir);
    qsort(place, (size_t)n, sizeof *place, by_rank);
    return n;
}

/* The folder of amble's models and the table in it. *found: there is such a folder. */
static bool find_table(ami_skill_table *table, char *folder, size_t size, bool *found, ami_error *err)
{
    table->count = 0;
    *found = ami_asset_path("models/skills.json", folder, size, NULL) ||
             ami_asset_path("models/walk.onnx", folder, size, NULL) ||
             ami_asset_path("models/locomotion.onnx", folder, size, NULL);
    if (!*found)
        return true;
    const bool ok = ami_skill_table_beside(table, folder, err);
    *strrchr(folder, '/') = 0;
    return ok;
}

bool ami_skill_find(ami_skill_place *place, int max, int *count, ami_error *err)
{
    AMI_ASSERT(place && count);
    char folder[4096];
    ami_skill_table table;
    bool found;
    *count = 0;
    if (!find_table(&table, folder, sizeof folder, &found, err))
        return false;
    for (int i = 0; i < table.count && *count < max; i++)
        put(&place[(*count)++], folder, table.entry[i].network, table.entry[i].name);
    if (found)
        *count += add_others(&table, folder, place + *count, max - *count);
    return true;
}

bool ami_skill_find_one(const char *name, ami_skill_place *place, ami_error *err)
{
    AMI_ASSERT(name && place);
    char known[800] = "";
    ami_skill_place *all = malloc(AMI_SKILL_TABLE_MAX * sizeof *all);
    bool done = false;
    int count = 0;
    if (!all)
        return ami_fail(err, "out of memory for the list of skills");
    if (!ami_skill_find(all, AMI_SKILL_TABLE_MAX, &count, err)) {
        free(all);
        return false;
    }
    for (int i = 0; i < count && !done; i++) {
        if (!strcmp(all[i].name, "locomotion")) /* follows styles */
            continue;
        done = !strcmp(all[i].name, name);
        if (done)
            *place = all[i];
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", known[0] ? ", " : "",
                 all[i].name);
    }
    free(all);
    return done || ami_fail(err, "there is no skill \"%.60s\"; known skills: %s", name,
                            known[0] ? known : "none, because no models are installed");
}
