/* policy/skill_table: what a table may say, the sentences about what it may not, and finding skills by name. */
#include "policy/skill_table.h"

#include "tests/policy.h"

#include "base/assets.h"
#include "base/file.h"

#define ENTRY(more) "{\"skills\": [{\"name\": \"flip\", \"network\": \"flip.onnx\", " more "}]}"

static bool read_text(const char *text, ami_skill_table *table, ami_error *err)
{
    const char *path = scratch("skills.json");
    if (!ami_file_write(path, text, strlen(text), err))
        fail_msg("%s", err->text);
    return ami_skill_table_read(table, path, err);
}

static void a_table_says_what_ends_and_what_follows(void **state)
{
    (void)state;
    ami_skill_table table;
    ami_error err = {""};
    assert_true(read_text(
        "{\"skills\": ["
        "{\"name\": \"walk\", \"network\": \"a.onnx\", \"plays\": \"loop\"},"
        "{\"name\": \"flip\", \"network\": \"b.onnx\", \"motion\": \"backflip\", \"plays\": \"once\"},"
        "{\"name\": \"jump\", \"network\": \"c.onnx\", \"plays\": \"once\", \"then\": \"walk\"}]}",
        &table, &err));
    assert_int_equal(table.count, 3);
    assert_false(table.entry[0].once);
    assert_true(table.entry[1].once && !table.entry[1].then[0]);
    assert_string_equal(table.entry[1].motion, "backflip");
    assert_string_equal(table.entry[2].then, "walk");
    const ami_skill_entry *entry = NULL;
    assert_int_equal(ami_skill_table_network(&table, "some/folder/b.onnx", &entry), 1);
    assert_ptr_equal(entry, &table.entry[1]);
    assert_int_equal(ami_skill_table_network(&table, "flip.onnx", NULL), 0);
    assert_ptr_equal(ami_skill_table_skill(&table, "jump"), &table.entry[2]);
}

static void wrong_tables_get_a_sentence(void **state)
{
    (void)state;
    static const struct {
        const char *text, *sentence;
    } wrong[] = {
        {"[", "not JSON, line 1"},
        {"{}", "\"skills\" is missing, expected an array"},
        {"{\"skills\": {}}", "\"skills\" is not an array"},
        {"{\"skills\": [3]}", "skill 0 is not an object"},
        {"{\"skills\": [{}]}", "skill 0 has no name"},
        {"{\"skills\": [{\"name\": \"a:b\"}]}", "skill 0 is called \"a:b\", expected a name without blanks"},
        {"{\"skills\": [{\"name\": \"a\", \"plays\": \"once\"}]}", "\"network\" of skill \"a\" is missing"},
        {ENTRY("\"motion\": 3, \"plays\": \"once\""), "\"motion\" of skill \"flip\" is not printable text"},
        {ENTRY("\"plays\": \"twice\""),
         "\"plays\" of skill \"flip\" is \"twice\", expected \"loop\" or \"once\""},
        {ENTRY("\"motion\": \"flip\""), "\"plays\" of skill \"flip\" is missing"},
        {ENTRY("\"plays\": \"loop\", \"then\": \"flip\""),
         "\"then\" of skill \"flip\" is \"flip\", but it plays in a loop"},
        {ENTRY("\"plays\": \"once\", \"then\": \"run\""),
         "\"then\" of skill \"flip\" is \"run\", expected \"previous\""},
        {ENTRY("\"plays\": \"once\", \"key\": \"K\""),
         "skill \"flip\" has a field \"key\", expected name, network"},
        {"{\"skills\": [{\"name\": \"a\", \"network\": \"../a.onnx\", \"plays\": \"once\"}]}",
         "is \"../a.onnx\", expected a .onnx file in the same folder"},
        {"{\"skills\": [{\"name\": \"a\", \"network\": \"a.onnx\", \"plays\": \"once\"},"
         "{\"name\": \"a\", \"network\": \"b.onnx\", \"plays\": \"once\"}]}",
         "two skills are called \"a\""},
        {"{\"skills\": [{\"name\": \"a\", \"network\": \"a.onnx\", \"plays\": \"once\"},"
         "{\"name\": \"b\", \"network\": \"a.onnx\", \"plays\": \"once\"}]}",
         "have the same network a.onnx"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ami_skill_table table;
        ami_error err = {""};
        assert_false(read_text(wrong[i].text, &table, &err));
        if (!strstr(err.text, wrong[i].sentence) || !strstr(err.text, "skills.json: "))
            fail_msg("\"%s\" lacks \"%s\"", err.text, wrong[i].sentence);
    }
}

static void put(const char *name, const char *text)
{
    ami_error err = {""};
    if (!ami_file_write(scratch(name), text, strlen(text), &err))
        fail_msg("%s", err.text);
}

static void skills_are_found_by_their_names(void **state)
{
    (void)state;
    ami_error err = {""};
    ami_skill_place one, place[8];
    int n;
    char folder[300];
    snprintf(folder, sizeof folder, "%s", scratch("assets/models"));
    assert_true(ami_folder_make(folder, &err));
    *strrchr(folder, '/') = 0;
    assert_int_equal(setenv("AMBLE_ASSETS", folder, 1), 0);
    put("assets/models/walk.onnx", "x");
    put("assets/models/somersault.onnx", "x");
    put("assets/models/extra.onnx", "x");
    put("assets/models/walk_critic.onnx", "x");
    assert_true(ami_skill_find(place, 8, &n, &err)); /* without a table: walk, then by name */
    assert_int_equal(n, 3);
    assert_non_null(strstr(place[0].path, "/walk.onnx"));
    assert_non_null(strstr(place[1].path, "/extra.onnx"));
    assert_true(ami_skill_find_one("somersault", &one, &err));
    put("assets/models/skills.json",
        "{\"skills\": [{\"name\": \"flip\", \"network\": \"somersault.onnx\", \"plays\": \"once\"}]}");
    assert_true(ami_skill_find(place, 8, &n, &err));
    assert_int_equal(n, 3);
    assert_non_null(strstr(place[0].path, "/somersault.onnx"));
    assert_true(ami_skill_find_one("flip", &one, &err));
    assert_non_null(strstr(one.path, "/somersault.onnx"));
    assert_false(ami_skill_find_one("somersault", &one, &err));
    assert_non_null(strstr(err.text, "there is no skill \"somersault\"; known skills: flip, walk, extra"));
    /* two skills of one network */
    put("assets/models/skills.json",
        "{\"skills\": [{\"name\": \"flip\", \"network\": \"somersault.onnx\", \"plays\": \"once\"},"
        "{\"name\": \"roll\", \"network\": \"somersault.onnx\", \"motion\": \"roll\", \"plays\": "
        "\"once\"}]}");
    assert_true(ami_skill_find(place, 8, &n, &err));
    assert_int_equal(n, 4);
    assert_string_equal(place[1].name, "roll");
    assert_string_equal(place[1].path, place[0].path);
    assert_true(ami_skill_find_one("roll", &one, &err));
    assert_string_equal(one.name, "roll");
    assert_string_equal(one.path, place[0].path);
    put("assets/models/skills.json", "{");
    assert_false(ami_skill_find(place, 8, &n, &err));
    assert_false(ami_skill_find_one("walk", &one, &err));
    assert_non_null(strstr(err.text, "not JSON"));
    assert_int_equal(unsetenv("AMBLE_ASSETS"), 0);
}

/* Amble's own table fits its models. */
static void the_shipped_table_is_right(void **state)
{
    (void)state;
    ami_skill_table table;
    ami_error err = {""};
    char path[4096];
    assert_true(ami_asset_path("models/skills.json", path, sizeof path, &err));
    if (!ami_skill_table_read(&table, path, &err))
        fail_msg("%s", err.text);
    assert_true(ami_skill_table_skill(&table, "backflip")->once);
    for (int i = 0; i < table.count; i++) {
        snprintf(strrchr(path, '/') + 1, 300, "%s", table.entry[i].network);
        assert_int_equal(access(path, R_OK), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_says_what_ends_and_what_follows),
        cmocka_unit_test(wrong_tables_get_a_sentence),
        cmocka_unit_test(skills_are_found_by_their_names),
        cmocka_unit_test(the_shipped_table_is_right),
    };
    return cmocka_run_group_tests(tests, NULL, remove_scratch);
}
