/* policy/motion: the clip that a policy or a checkpoint was trained on, found among the clips or beside it,
 * and distinguished from others of its name.
 */
#include "motion/bvh.h"
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

/* As other programs write BVH. */
static void write_without_mark(const ami_clip *clip, const char *path)
{
    size_t size;
    char *text = ami_bvh_encode(clip, &size, NULL), *mark = strstr(text, "MOTION ");
    assert_non_null(mark);
    char *rest = mark + strlen("MOTION"), *end = strchr(rest, '\n');
    memmove(rest, end, strlen(end) + 1);
    put_text(path, text);
    free(text);
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

/* A BVH file of another program does not say whether it loops: training settles that, and what it keeps is what it was
 * trained on, to the bit. */
static void a_foreign_file_is_settled(void **state)
{
    (void)state;
    char bvh[400], copy[400], *text = NULL;
    ami_error err = {""};
    in(run, "march.bvh", bvh);
    in(run, "humanoid3d_march.txt", copy);
    ami_clip *made = march(.5, true);
    write_without_mark(made, bvh);
    ami_clip *clip = ami_clip_read(bvh, &err);
    assert_true(clip && !ami_clip_loops(clip) && !ami_clip_loop_is_known(clip));
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

/* amble's own says so, and is asked: unless another thing is asked for. */
static void an_own_file_says_whether_it_loops(void **state)
{
    (void)state;
    static const char *const ending[] = {"bvh", "glb", "npz"};
    for (int i = 0; i < 6; i++) {
        char path[400], name[40], *text = NULL;
        ami_error err = {""};
        ami_edit_cycle cycle;
        const bool loops = i % 2;
        snprintf(name, sizeof name, "march.%s", ending[i / 2]);
        in(run, name, path);
        ami_clip *made = march(.5, loops);
        assert_true(ami_clip_write(made, path, &err));
        for (int mode = AMI_LOOP_NONE; mode <= AMI_LOOP_AUTO; mode++) {
            ami_clip *clip = ami_clip_read(path, &err);
            if (!clip && i / 2 == 2 && strstr(err.text, "libzip"))
                continue; /* built without */
            assert_true(clip && ami_clip_loops(clip) == loops && ami_clip_loop_is_known(clip));
            assert_true(ami_settle_clip(&clip, path, mode, &cycle, &text, &err));
            assert_true(text &&
                        ami_clip_loops(clip) == (mode == AMI_LOOP_AUTO ? loops : mode == AMI_LOOP_WRAP));
            free(text);
            ami_clip_destroy(clip);
        }
        ami_clip_destroy(made);
        assert_int_equal(remove(path), 0);
    }
}

/* A file of the working folder that has the name of the policy's motion is another thing. */
static void a_name_is_no_file(void **state)
{
    (void)state;
    char actor[400], copy[400], here[1000], path[400];
    ami_error err = {""};
    in(run, "actor.onnx", actor);
    in(run, "humanoid3d_hop.txt", copy);
    ami_clip *clip = ami_clip_read(scratch("hop.txt"), NULL);
    assert_true(ami_keep_clip(run, scratch("hop.txt"), NULL, clip, &err));
    put_text(scratch("hop"), "a list of hops");
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(scratch_folder), 0);
    const ami_origin origin = {.file = actor, .motion = "hop", .has_crc = true, .crc = crc};
    ami_clip *found = ami_load_motion(NULL, clips, &origin, path, sizeof path, &err);
    assert_int_equal(chdir(here), 0);
    if (!found)
        fail_msg("%s", err.text);
    assert_string_equal(path, copy);
    ami_clip_destroy(found);
    ami_clip_destroy(clip);
    assert_int_equal(remove(copy), 0);
    assert_int_equal(remove(scratch("hop")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_own_clip_is_found), cmocka_unit_test(a_copy_is_kept_once),
        cmocka_unit_test(a_foreign_file_is_settled), cmocka_unit_test(an_own_file_says_whether_it_loops),
        cmocka_unit_test(a_name_is_no_file)};
    return cmocka_run_group_tests(tests, set_up, remove_scratch);
}
