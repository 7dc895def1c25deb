/* policy/motion: the clip that a policy or a checkpoint was trained on, found among the clips or beside it,
 * and distinguished from others of its name.
 */
#include "policy/motion.h"

#include "tests/policy.h"

#include "base/file.h"

static char clips[200], run[200], empty[200];
static uint32_t crc;

static void write_march(const char *folder, const char *file, double lift)
{
    ami_error err = {""};
    char path[400];
    ami_clip *clip = march(lift, true);
    snprintf(path, sizeof path, "%s/%s", folder, file);
    if (!ami_clip_write(clip, path, &err))
        fail_msg("%s", err.text);
    ami_clip_destroy(clip);
}

static int set_up(void **state)
{
    (void)state;
    snprintf(clips, sizeof clips, "%s", scratch("clips"));
    snprintf(run, sizeof run, "%s", scratch("run"));
    snprintf(empty, sizeof empty, "%s", scratch("empty"));
    assert_true(ami_folder_make(clips, NULL) && ami_folder_make(run, NULL) && ami_folder_make(empty, NULL));
    write_march(scratch_folder, "hop.txt", .3);
    ami_clip *clip = ami_clip_read(scratch("hop.txt"), NULL);
    assert_non_null(clip);
    crc = ami_clip_crc(clip);
    ami_clip_destroy(clip);
    return 0;
}

static void in(const char *folder, const char *name, char path[400])
{
    snprintf(path, 400, "%s/%s", folder, name);
}

/* Loads and expects this file's clip, or a sentence with these parts where `want` is NULL. */
static void load(const char *motion, const char *from, const ami_origin *origin, const char *want,
                 const char *parts)
{
    char path[400] = "";
    ami_error err = {""};
    ami_clip *clip = ami_load_motion(motion, from, origin, path, sizeof path, &err);
    if (want) {
        if (!clip)
            fail_msg("%s", err.text);
        assert_string_equal(path, want);
        assert_string_equal(ami_clip_name(clip), "hop");
        if (origin && origin->has_crc && !motion)
            assert_int_equal(ami_clip_crc(clip), origin->crc);
    } else {
        assert_null(clip);
        assert_sentence(&err, parts);
    }
    ami_clip_destroy(clip);
}

static void the_own_clip_is_found(void **state)
{
    (void)state;
    char actor[400], copy[400], other[400], parts[1200];
    in(run, "actor.onnx", actor);
    in(run, "humanoid3d_hop.txt", copy);
    in(clips, "hop.txt", other);
    ami_origin origin = {.file = actor, .motion = "hop", .has_crc = true, .crc = crc};

    snprintf(parts, sizeof parts, "%s: its motion|--motion|no motion \"hop\" in %s", actor, clips);
    load(NULL, clips, &origin, NULL, parts);
    load("hop", clips, &origin, NULL, "no motion \"hop\"");

    ami_clip *clip = ami_clip_read(scratch("hop.txt"), NULL);
    ami_error err = {""};
    assert_true(ami_keep_clip(run, scratch("hop.txt"), NULL, clip, &err));
    load(NULL, clips, &origin, copy, NULL); /* beside it */
    load("hop", clips, &origin, copy, NULL);
    load("hop", clips, NULL, NULL, "no motion \"hop\"");
    load("hip", clips, &origin, NULL, "no motion \"hip\"");

    write_march(clips, "hop.txt", .5); /* another one of the same name */
    load(NULL, clips, &origin, copy, NULL);
    load("hop", clips, &origin, other, NULL); /* asked for by hand */
    origin.has_crc = false;                   /* a network of before: what the name says */
    load(NULL, clips, &origin, other, NULL);
    origin.has_crc = true;

    assert_int_equal(remove(copy), 0);
    snprintf(parts, sizeof parts,
             "%s: is not the motion \"hop\" that %s was trained on|expected %08x|--motion", other, actor,
             (unsigned)crc);
    load(NULL, clips, &origin, NULL, parts);
    assert_int_equal(remove(other), 0);
    write_march(run, "humanoid3d_hop.txt", .7); /* the copy was changed */
    snprintf(parts, sizeof parts, "%s: is not the motion \"hop\" that %s was trained on", copy, actor);
    load(NULL, clips, &origin, NULL, parts);
    write_march(clips, "hop.txt", .3);
    load(NULL, clips, &origin, other, NULL);
    assert_int_equal(remove(copy), 0);
    assert_int_equal(remove(other), 0);
    ami_clip_destroy(clip);
}

static void a_copy_is_kept_once(void **state)
{
    (void)state;
    char copy[400];
    ami_error err = {""};
    size_t size[2];
    in(run, "humanoid3d_hop.txt", copy);
    ami_clip *clip = ami_clip_read(scratch("hop.txt"), &err);
    assert_non_null(clip);
    for (int i = 0; i < 2; i++) { /* the second time it is there */
        if (!ami_keep_clip(run, scratch("hop.txt"), NULL, clip, &err))
            fail_msg("%s", err.text);
        uint8_t *was = ami_file_read(scratch("hop.txt"), 1 << 20, &size[0], &err),
                *is = ami_file_read(copy, 1 << 20, &size[1], &err);
        assert_true(was && is && size[0] == size[1]);
        assert_memory_equal(was, is, size[0]);
        free(was), free(is);
    }
    assert_true(ami_keep_clip(run, copy, NULL, clip, &err)); /* the copy itself */
    ami_clip *other = march(.6, true);
    ami_clip *renamed = ami_clip_create(ami_clip_frames(other), ami_clip_times(other), ami_clip_poses(other),
                                        true, "hop", &err);
    assert_false(ami_keep_clip(run, scratch("elsewhere.txt"), NULL, renamed, &err));
    assert_sentence(&err, "humanoid3d_hop.txt exists|another motion|elsewhere.txt|--out");
    assert_false(ami_keep_clip(scratch("nowhere"), scratch("hop.txt"), NULL, clip, &err));
    assert_sentence(&err, "nowhere/humanoid3d_hop.txt: not written");
    assert_int_equal(remove(copy), 0);
    ami_clip_destroy(renamed);
    ami_clip_destroy(other);
    ami_clip_destroy(clip);
}

/* A BVH file does not say whether it loops: training settles that, and what it keeps is what it was trained
 * on, to the bit. */
static void a_foreign_file_is_settled(void **state)
{
    (void)state;
    char bvh[400], copy[400], *text = NULL;
    ami_error err = {""};
    in(run, "march.bvh", bvh);
    in(run, "humanoid3d_march.txt", copy);
    ami_clip *made = march(.5, true);
    assert_true(ami_clip_write(made, bvh, &err));
    ami_clip *clip = ami_clip_read(bvh, &err);
    assert_true(clip && !ami_clip_loops(clip));
    ami_edit_cycle cycle;
    if (!ami_settle_clip(&clip, bvh, AMI_LOOP_WRAP, &cycle, &text, &err))
        fail_msg("%s", err.text);
    assert_true(text && ami_clip_loops(clip) && cycle.end > 0);
    assert_string_equal(ami_clip_name(clip), "march");
    assert_true(ami_keep_clip(run, bvh, text, clip, &err));
    assert_true(ami_keep_clip(run, bvh, text, clip, &err)); /* it is there */
    ami_clip *kept = ami_clip_read(copy, &err);
    assert_true(kept && ami_clip_crc(kept) == ami_clip_crc(clip));
    free(text);
    /* what is in amble's format already stays as it is */
    assert_true(ami_settle_clip(&kept, copy, AMI_LOOP_NONE, &cycle, &text, &err));
    assert_true(!text && ami_clip_loops(kept));
    assert_int_equal(remove(copy), 0);
    assert_int_equal(remove(bvh), 0);
    ami_clip_destroy(kept);
    ami_clip_destroy(clip);
    ami_clip_destroy(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_own_clip_is_found),
                                       cmocka_unit_test(a_copy_is_kept_once),
                                       cmocka_unit_test(a_foreign_file_is_settled)};
    return cmocka_run_group_tests(tests, set_up, remove_scratch);
}
