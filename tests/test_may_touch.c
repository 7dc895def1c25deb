/* policy/may_touch: the bodies that may touch the floor, from the option, the policy or the motion. */
#include "policy/may_touch.h"
#include "tests/body.h"

static ami_character *character;
static ami_clip *crouch; /* standing at its beginning; at its end hips and knees are in the floor */

static const unsigned feet = 1u << AMI_RIGHT_ANKLE | 1u << AMI_LEFT_ANKLE;
static const unsigned legs = 1u << AMI_RIGHT_ANKLE | 1u << AMI_LEFT_ANKLE | 1u << AMI_RIGHT_KNEE |
                             1u << AMI_LEFT_KNEE | 1u << AMI_RIGHT_HIP | 1u << AMI_LEFT_HIP;
static const unsigned wrist = 1u << AMI_LEFT_WRIST;

static int set_up(void **unused)
{
    (void)unused;
    static const double time[2] = {0, 1};
    double pose[2 * AMI_POSE];
    character = load_character(120);
    pose_at_rest(pose, .881416);
    pose_at_rest(pose + AMI_POSE, .3);
    crouch = make_clip(2, time, pose, false);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    ami_clip_destroy(crouch);
    ami_character_destroy(character);
    return 0;
}

static void bodies_that_may_touch_are_chosen_by_rules(void **unused)
{
    (void)unused;
    const ami_policy handstand = {.may_touch = wrist}, silent = {.may_touch = 0};
    const struct {
        const char *text;
        const ami_policy *policy;
        const ami_clip *clip;
        unsigned bits;
    } row[] = {
        /* What is given wins, whatever the policy and the motion are. */
        {"feet", NULL, NULL, feet},
        {"feet", NULL, crouch, feet},
        {"feet", &handstand, crouch, feet},
        {"auto", &handstand, crouch, legs},
        {"auto", NULL, crouch, legs},
        {"neck", &handstand, crouch, feet | 1u << AMI_NECK},
        {"neck,root", &silent, NULL, feet | 1u << AMI_NECK | 1u << AMI_ROOT},
        {"", &handstand, crouch, feet},
        /* Else what the policy was trained with; one that does not say was trained on its feet. */
        {NULL, &handstand, crouch, feet | wrist},
        {NULL, &handstand, NULL, feet | wrist},
        {NULL, &silent, crouch, feet},
        {NULL, &silent, NULL, feet},
        /* Else what the motion brings there. */
        {NULL, NULL, crouch, legs},
        {NULL, NULL, NULL, feet},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        ami_error err = {""};
        unsigned bits = 0xdead;
        if (!ami_choose_may_touch(row[i].text, row[i].policy, character, row[i].clip, &bits, &err))
            fail_msg("row %zu: %s", i, err.text);
        if (bits != row[i].bits)
            fail_msg("row %zu: bodies %x, expected %x", i, bits, row[i].bits);
    }
}

static void what_names_no_body_is_refused(void **unused)
{
    (void)unused;
    const ami_policy handstand = {.may_touch = wrist};
    unsigned bits;
    ami_error err = {""};
    assert_false(ami_choose_may_touch("neck,tail", &handstand, character, crouch, &bits, &err));
    assert_sentence(&err, "--may-touch|feet, auto|no body is named \"tail\"|left_wrist");
    assert_false(ami_choose_may_touch("auto", &handstand, character, NULL, &bits, &err));
    assert_sentence(&err, "--may-touch auto|clip|name the bodies");
}

/* Sinking at a steady rate from the floor to .581416 m below. */
static void a_clips_height_is_that_of_its_lowest_points(void **unused)
{
    (void)unused;
    ami_error err = {""};
    double lowest, mean;
    assert_true(ami_clip_height(character, crouch, &lowest, &mean, &err));
    assert_near(lowest, -.581416, 1e-9, "lowest", 0);
    assert_near(mean, -.581416 / 2, 1e-9, "mean", 0);
    double pose[2 * AMI_POSE];
    pose_at_rest(pose, 1.881416);
    pose_at_rest(pose + AMI_POSE, 2.881416);
    ami_clip *high = make_clip(2, (const double[2]){0, 3}, pose, true);
    assert_true(ami_clip_height(character, high, &lowest, &mean, &err));
    assert_near(lowest, 1, 1e-9, "lowest", 1);
    assert_near(mean, 1.5, .01, "mean", 1); /* the last moment is the first of the next cycle */
    ami_clip_destroy(high);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_that_may_touch_are_chosen_by_rules),
        cmocka_unit_test(what_names_no_body_is_refused),
        cmocka_unit_test(a_clips_height_is_that_of_its_lowest_points),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
