/* MuJoCo's errors: in amble's calls they become error sentences, and the world can be reset; others go to the
 * host's handler. */
#include "tests/body.h"
#include "tests/scratch.h"

#include "base/assets.h"
#include "base/file.h"
#include "sim/env.h"
#include "sim/mujoco_guard.h"

#include <unistd.h>

static int host_errors, host_warnings;
static char host_text[256];

static void host_handler(const mjLogMessage *message)
{
    host_errors += message->level == mjLOG_ERROR;
    host_warnings += message->level == mjLOG_WARNING;
    snprintf(host_text, sizeof host_text, "%.200s", message->subject);
}

static char body[96];

/* humanoid.xml with so little memory that lying on the floor is too much for a step. */
static int set_up(void **state)
{
    (void)state;
    char path[1024];
    size_t size;
    if (make_scratch(NULL) || !ami_asset_path("humanoid.xml", path, sizeof path, NULL))
        return -1;
    char *text = (char *)ami_file_read(path, 1 << 20, &size, NULL),
         *memory = text ? strstr(text, "memory=\"2M\"") : NULL;
    if (!memory)
        return -1;
    memcpy(memory, "memory=\"9K\"", 11);
    snprintf(body, sizeof body, "%s/body.xml", scratch_folder);
    const bool written = ami_file_write(body, text, strlen(text), NULL);
    free(text);
    mju_setLogHandler(host_handler); /* as a host would, before it uses amble */
    return written && chdir(scratch_folder) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    const bool log = access("MUJOCO_LOG.TXT", F_OK) == 0;
    unlink("MUJOCO_LOG.TXT");
    unlink(body);
    return chdir("/") == 0 && remove_empty_scratch(NULL) == 0 && !log ? 0 : -1;
}

static ami_character *load_small(void)
{
    ami_error err = {""};
    ami_character_def def = ami_character_default_def();
    def.path = body;
    ami_character *c = ami_character_create(&def, &err);
    if (!c)
        fail_msg("%s", err.text);
    return c;
}

static void report_error(void *context)
{
    mju_error("the number is %d", *(int *)context);
}

static void report_warning(void *context)
{
    mju_warning("the number is %d", *(int *)context);
}

static void what_happens_in_a_guard_is_ambles(void **state)
{
    (void)state;
    int number = 5;
    ami_error err = {""};
    host_errors = host_warnings = 0;
    assert_false(ami_mujoco_guard(report_error, &number, &err));
    assert_string_equal(err.text, "MuJoCo: the number is 5");
    assert_true(ami_mujoco_guard(report_warning, &number, &err));
    assert_int_equal(host_errors + host_warnings, 0);
}

static void what_happens_elsewhere_is_the_hosts(void **state)
{
    (void)state;
    host_errors = host_warnings = 0;
    mju_warning("the host's own %s", "business");
    assert_int_equal(host_warnings, 1);
    assert_string_equal(host_text, "the host's own business");
}

static void *no_memory(size_t size)
{
    (void)size;
    return NULL;
}

static void a_world_without_memory_is_refused(void **state)
{
    (void)state;
    ami_character *c = load_character(120);
    ami_world world;
    ami_error err = {""};
    mju_user_malloc = no_memory;
    const bool made = ami_world_init(&world, c, &err);
    mju_user_malloc = NULL;
    assert_false(made);
    assert_sentence(&err, "cannot create a simulation|MuJoCo: |memory");
    ami_world_free(&world);
    assert_true(ami_world_init(&world, c, &err));
    ami_world_free(&world);
    ami_character_destroy(c);
}

static void a_model_without_memory_is_refused(void **state)
{
    (void)state;
    ami_error err = {""};
    const ami_character_def def = ami_character_default_def();
    mju_user_malloc = no_memory;
    ami_character *c = ami_character_create(&def, &err);
    mju_user_malloc = NULL;
    assert_null(c);
    assert_sentence(&err, "humanoid.xml");
    ami_character_destroy(load_character(120));
}

static void an_error_in_a_step_makes_a_world_unstable(void **state)
{
    (void)state;
    ami_character *small = load_small(), *large = load_character(120);
    ami_world world, other;
    ami_error err = {""};
    assert_true(ami_world_init(&world, small, &err) && ami_world_init(&other, large, &err));
    double pose[AMI_POSE], vel[AMI_VEL] = {0}, *saved = malloc((size_t)small->state_size * sizeof *saved);
    pose_at_rest(pose, .1); /* deep in the floor: many contacts */
    host_errors = host_warnings = 0;
    for (int round = 0; round < 3; round++) {
        ami_world_set(&world, pose, vel);
        assert_false(world.unstable);
        ami_world_save(&world, saved);
        ami_world_step(&world, pose, 4);
        assert_true(world.unstable && world.interrupted);
        if (strncmp(world.failure, "MuJoCo: ", 8) != 0)
            fail_msg("\"%s\" does not begin with MuJoCo", world.failure);
        ami_world_step(&world, pose, 4); /* does nothing */
        assert_true(world.unstable);
    }
    ami_world_load(&world, saved);
    assert_false(world.unstable || world.interrupted);
    assert_int_equal(host_errors + host_warnings, 0);

    /* In the air there is memory enough: the same steps as those of a world that never failed. */
    pose[2] = 5;
    ami_world_set(&world, pose, vel);
    ami_world_set(&other, pose, vel);
    for (int i = 0; i < 5; i++) {
        ami_world_step(&world, pose, 4);
        ami_world_step(&other, pose, 4);
    }
    assert_false(world.unstable);
    assert_memory_equal(world.data->qpos, other.data->qpos, (7 + AMI_ACTION) * sizeof(double));
    assert_memory_equal(world.data->qvel, other.data->qvel, AMI_VEL * sizeof(double));
    free(saved);
    ami_world_free(&world), ami_world_free(&other);
    ami_character_destroy(small), ami_character_destroy(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_happens_in_a_guard_is_ambles),
        cmocka_unit_test(what_happens_elsewhere_is_the_hosts),
        cmocka_unit_test(a_world_without_memory_is_refused),
        cmocka_unit_test(a_model_without_memory_is_refused),
        cmocka_unit_test(an_error_in_a_step_makes_a_world_unstable),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
