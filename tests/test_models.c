/* policy/models: finding networks and tables in the current folder and among amble's models, and the error
 * where there is none. */
#include "policy/models.h"

#include "tests/policy.h"

#include "base/file.h"
#include "nets/onnx/onnx.h"
#include "policy/motion_list.h"

#include <sys/stat.h>

static char here[4096];

static void put(const char *name)
{
    ami_error err = {""};
    if (!ami_file_write(name, "x", 1, &err))
        fail_msg("%s", err.text);
}

/* The current folder is a folder of the test's own, and amble's assets are in it. */
static int set_up(void **state)
{
    (void)state;
    ami_error err;
    assert_non_null(getcwd(here, sizeof here));
    (void)scratch("x");
    assert_int_equal(chdir(scratch_folder), 0);
    assert_true(ami_folder_make("assets/models", &err) && ami_folder_make("sub", &err) &&
                ami_folder_make("run", &err));
    assert_int_equal(setenv("AMBLE_ASSETS", "assets", 1), 0);
    assert_int_equal(unsetenv("AMBLE_CLIPS"), 0);
    put("assets/models/walk.onnx");
    put("assets/models/run.onnx");
    put("assets/models/run"); /* without an ending */
    put("assets/models/styles.json");
    put("mine.onnx");
    put("checkpoint");
    put("checkpoint.onnx");
    put("sub/other.onnx");
    put("sub/table.json");
    ami_clip *clip = march(.3, true);
    assert_true(ami_clip_write(clip, "sub/humanoid3d_walk.txt", &err) &&
                ami_clip_write(clip, "sub/hop.txt", &err));
    ami_clip_destroy(clip);
    return 0;
}

static int tear_down(void **state)
{
    assert_int_equal(chdir(here), 0);
    return remove_scratch(state);
}

static void models_are_found(void **state)
{
    (void)state;
    static const char *const row[][2] = {
        {"mine.onnx", "mine.onnx"},
        {"mine", "mine.onnx"},
        {"checkpoint", "checkpoint"}, /* what is there, before anything with an ending */
        {"sub/other.onnx", "sub/other.onnx"},
        {"sub/other", "sub/other.onnx"},
        {"./mine", "./mine.onnx"},
        {"walk.onnx", "assets/models/walk.onnx"},
        {"walk", "assets/models/walk.onnx"},
        {"run", "assets/models/run"}, /* the folder of that name here is not it */
        {"run.onnx", "assets/models/run.onnx"},
        {"styles.json", "assets/models/styles.json"},
    };
    char path[4096];
    ami_error err = {""};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        if (!ami_find_model(row[i][0], path, sizeof path, &err))
            fail_msg("%s", err.text);
        assert_string_equal(path, row[i][1]);
    }
    put("walk.onnx"); /* what is here goes before amble's */
    assert_true(ami_find_model("walk", path, sizeof path, &err));
    assert_string_equal(path, "walk.onnx");
    assert_int_equal(remove("walk.onnx"), 0);

    assert_true(ami_find_table("styles", path, sizeof path, &err));
    assert_string_equal(path, "assets/models/styles.json");
    assert_true(ami_find_table("sub/table", path, sizeof path, &err));
    assert_string_equal(path, "sub/table.json");
    assert_false(ami_find_table("mine", path, sizeof path, &err));
}

static void what_is_not_there_is_said(void **state)
{
    (void)state;
    static const char *const row[][2] = {
        {"wlak", "wlak|No such file|amble's models|which are run, walk"},
        {"", "empty"},
        {"sub/walk", "sub/walk: |No such file"},
        {"sub", "sub: |is a folder|sub/actor.onnx"},
        {"sub/", "sub/: |is a folder"},
        {"mine.onnx/x", "mine.onnx/x: |Not a directory"},
    };
    char path[4096], tight[10], endless[5000];
    ami_error err;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        assert_false(ami_find_model(row[i][0], path, sizeof path, &err));
        assert_sentence(&err, row[i][1]);
    }
    memset(endless, 'a', sizeof endless - 1);
    endless[sizeof endless - 1] = 0;
    assert_false(ami_find_model(endless, path, sizeof path, &err));
    assert_sentence(&err, "aaaa|longer than 4095 bytes");
    assert_false(ami_find_model("mine.onnx", tight, 9, &err));
    assert_true(ami_find_model("mine.onnx", tight, 10, &err));
    assert_false(ami_find_model("mine", tight, 9, &err));
    assert_false(ami_find_model("wlak", path, sizeof path, NULL)); /* nobody listens */
}

static void an_actor_is_that_of_the_motion(void **state)
{
    (void)state;
    char path[4096];
    ami_error err = {""};
    /* given: nothing else is asked */
    assert_true(ami_find_actor("mine", "nowhere", NULL, "run", path, sizeof path, &err));
    assert_string_equal(path, "mine.onnx");
    static const char *const motion[][2] = {{"walk", "sub"}, {"sub/humanoid3d_walk.txt", NULL}};
    for (int i = 0; i < 2; i++) {
        assert_true(ami_find_actor(NULL, motion[i][0], motion[i][1], "run", path, sizeof path, &err));
        assert_string_equal(path, "assets/models/walk.onnx");
    }
    assert_true(ami_find_actor(NULL, NULL, NULL, "run", path, sizeof path, &err));
    assert_string_equal(path, "assets/models/run.onnx");
    assert_false(ami_find_actor(NULL, "sub/hop.txt", NULL, "run", path, sizeof path, &err));
    assert_sentence(&err, "no actor for \"hop\"|--policy|hop.onnx|which are run, walk");
    /* one network for several motions, of which that is one */
    ami_net *net = small_actor_of(AMI_OBS_MAX, 1, .1);
    ami_listed_motion listed[] = {{.name = "leap"}, {.name = "hop"}};
    for (int with_hop = 0; with_hop < 2; with_hop++) {
        char *text = ami_motion_list_print(listed, 1 + with_hop);
        assert_true(text && ami_net_set_meta(net, "motions", text) &&
                    ami_onnx_write("assets/models/repertoire.onnx", net, AMI_ONNX_FLOAT16, &err));
        free(text);
        assert_int_equal(ami_find_actor(NULL, "sub/hop.txt", NULL, "run", path, sizeof path, &err), with_hop);
    }
    assert_string_equal(path, "assets/models/repertoire.onnx");
    assert_true(ami_find_actor(NULL, "walk", "sub", "run", path, sizeof path, &err));
    assert_string_equal(path, "assets/models/walk.onnx"); /* a specialist comes first */
    ami_net_destroy(net);
    assert_int_equal(unlink("assets/models/repertoire.onnx"), 0);
    assert_false(ami_find_actor(NULL, "hobble", "sub", "run", path, sizeof path, &err));
    assert_sentence(&err, "no motion \"hobble\" in sub|hop, walk");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_are_found),
        cmocka_unit_test(what_is_not_there_is_said),
        cmocka_unit_test(an_actor_is_that_of_the_motion),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
