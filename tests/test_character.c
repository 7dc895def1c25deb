/* The body: humanoid.xml against DeepMimic's table, errors, and the collision switch. */
#include "tests/body.h"
#include "tests/scratch.h"

#include "base/assets.h"
#include "base/file.h"
#include "sim/world.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static char *humanoid; /* the text that broken files are made from */

static int set_up(void **unused)
{
    (void)unused;
    char path[1024];
    size_t size;
    if (make_scratch(NULL) || !ami_asset_path("humanoid.xml", path, sizeof path, NULL))
        return -1;
    humanoid = (char *)ami_file_read(path, 1 << 20, &size, NULL);
    return humanoid ? 0 : -1;
}

static int tear_down(void **state)
{
    free(humanoid);
    return remove_scratch(state);
}

static ami_character *load_text(const char *text, char path[128], ami_error *err)
{
    snprintf(path, 128, "%s/body.xml", scratch_folder);
    assert_true(ami_file_write(path, text, strlen(text), NULL));
    ami_character_def def = ami_character_default_def();
    def.path = path;
    return ami_character_create(&def, err);
}

static void it_is_deepmimics_body(void **unused)
{
    (void)unused;
    ami_character *c = load_character(120);
    const mjModel *m = c->model;
    assert_int_equal(AMI_BODIES, 15);
    assert_int_equal(m->nq, 43);
    assert_int_equal(m->nv, 34);
    assert_near(c->mass, 45, 1e-9, "mass", 0);
    assert_near(m->opt.gravity[2], -9.8, 1e-12, "gravity", 0);
    assert_near(m->geom_friction[3 * c->floor_geom], .9, 1e-12, "friction of the floor", 0);
    assert_int_equal(m->geom_type[c->floor_geom], mjGEOM_PLANE);
    assert_int_equal(c->geom_body[c->floor_geom], -1);
    double weights = 0;
    int geoms = 0;
    for (int i = 0; i < AMI_BODIES; i++) {
        const skeleton_row *row = &skeleton[i];
        const int b = c->body[i];
        assert_string_equal(ami_body_name[i], row->name);
        assert_int_equal(ami_body_by_name(row->name), i);
        assert_string_equal(mj_id2name(m, mjOBJ_BODY, b), row->name);
        assert_near(m->body_mass[b], row->mass, 1e-12, row->name, 0);
        if (i != AMI_ROOT) {
            assert_int_equal(m->body_parentid[b], c->body[row->parent]);
            assert_all_near(m->body_pos + 3 * b, row->offset, 3, 1e-12, row->name);
            assert_all_near(m->body_quat + 4 * b, (const double[4]){1, 0, 0, 0}, 4, 0, row->name);
        }
        assert_int_equal(m->body_geomnum[b], 1);
        const int g = m->body_geomadr[b];
        assert_int_equal(c->geom_body[g], i);
        geoms++;
        assert_int_equal(m->geom_type[g], row->shape);
        assert_all_near(m->geom_size + 3 * g, row->size,
                        row->shape == mjGEOM_SPHERE    ? 1
                        : row->shape == mjGEOM_CAPSULE ? 2
                                                       : 3,
                        1e-12, row->name);
        assert_all_near(m->geom_pos + 3 * g, row->centre, 3, 1e-12, row->name);
        assert_all_near(m->body_ipos + 3 * b, row->centre, 3, 1e-12, row->name);
        assert_near(m->geom_friction[3 * g], .9, 1e-12, "friction", i);

        const ami_joint *joint = &c->joint[i];
        assert_int_equal(joint->width, is_ball(i) ? 4 : is_hinge(i) ? 1 : 0);
        assert_near(joint->weight, row->weight / 4.8, 1e-12, "weight", i);
        weights += joint->weight;
        if (i == AMI_ROOT || joint->width) {
            assert_int_equal(joint->pose, pose_at[i]);
            assert_int_equal(joint->vel, vel_at[i]);
            const int id = m->body_jntadr[b];
            assert_int_equal(joint->qpos, m->jnt_qposadr[id]);
            assert_int_equal(joint->qvel, m->jnt_dofadr[id]);
            assert_int_equal(m->jnt_type[id], i == AMI_ROOT ? mjJNT_FREE
                                              : is_ball(i)  ? mjJNT_BALL
                                                            : mjJNT_HINGE);
            assert_all_near(m->jnt_pos + 3 * id, (const double[3]){0, 0, 0}, 3, 0, row->name);
            if (is_hinge(i)) {
                const bool knee = i == AMI_RIGHT_KNEE || i == AMI_LEFT_KNEE;
                assert_all_near(m->jnt_axis + 3 * id, (const double[3]){0, 0, 1}, 3, 0, row->name);
                assert_near(m->jnt_range[2 * id], knee ? -M_PI : 0, 1e-8, "lower limit", i);
                assert_near(m->jnt_range[2 * id + 1], knee ? 0 : M_PI, 1e-8, "upper limit", i);
                assert_true(m->jnt_limited[id]);
            } else {
                assert_false(m->jnt_limited[id]);
            }
        }
        if (joint->width) {
            assert_near(joint->kp, row->kp, 0, row->name, 0);
            assert_near(joint->kd, row->kp / 10, 1e-12, row->name, 0);
            assert_near(joint->limit, row->limit, 0, row->name, 0);
        } else {
            assert_int_equal(m->body_jntnum[b], i == AMI_ROOT);
        }
    }
    assert_near(weights, 1, 1e-12, "sum of the weights", 0);
    assert_int_equal(geoms + 1, m->ngeom);
    assert_int_equal(ami_body_by_name("tail"), -1);
    assert_int_equal(ami_body_by_name(""), -1);
    ami_character_destroy(c);
    ami_character_destroy(NULL);
}

static void damping_and_step_follow_the_rate(void **unused)
{
    (void)unused;
    for (double hz = 30; hz < 1000; hz *= 2) {
        ami_character *c = load_character(hz);
        assert_near(c->timestep, 1 / hz, 1e-15, "step", (int)hz);
        assert_near(c->model->opt.timestep, 1 / hz, 1e-15, "step of the model", (int)hz);
        assert_int_equal(c->model->opt.integrator, mjINT_EULER);
        assert_int_equal(c->model->opt.disableflags & mjDSBL_EULERDAMP, 0); /* stable PD lives on it */
        double want[AMI_VEL] = {0};
        for (int i = 1; i < AMI_BODIES; i++)
            for (int k = 0; k < (is_ball(i) ? 3 : is_hinge(i) ? 1 : 0); k++)
                want[c->joint[i].qvel + k] = skeleton[i].kp * (.1 + 1 / hz);
        assert_all_near(c->model->dof_damping, want, AMI_VEL, 1e-9, "damping");
        ami_character_destroy(c);
    }
    const double bad[] = {0, 29, 10001, -120, NAN, INFINITY};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ami_character_def def = ami_character_default_def();
        ami_error err = {""};
        def.physics_hz = bad[i];
        assert_null(ami_character_create(&def, &err));
        assert_sentence(&err, "physics rate|Hz, expected 30 to 10000");
    }
}

/* humanoid.xml with one piece of text, everywhere it occurs, replaced by another. */
static char *changed(const char *from, const char *to)
{
    char *out = calloc(1, strlen(humanoid) * 2), *at = out;
    const char *rest = humanoid, *hit;
    assert_non_null(strstr(humanoid, from));
    while ((hit = strstr(rest, from))) {
        memcpy(at, rest, (size_t)(hit - rest));
        at += hit - rest;
        at = stpcpy(at, to);
        rest = hit + strlen(from);
    }
    strcpy(at, rest);
    return out;
}

static void other_bodies_are_refused(void **unused)
{
    (void)unused;
    static const struct {
        const char *from, *to, *says;
    } rows[] = {
        {"<body name=\"neck\"", "<body name=\"head\"", "no body named \"neck\"|15 bodies"},
        {"</worldbody>", "</worldbodies>", "XML"},
        {"<joint name=\"neck\" type=\"ball\"", "<joint name=\"neck\" type=\"hinge\"",
         "joint of body \"neck\"|type \"hinge\", expected \"ball\""},
        {"<freejoint name=\"root\"/>", "<joint name=\"root\" type=\"ball\"/>",
         "joint of body \"root\"|type \"ball\", expected \"free\""},
        {"<freejoint name=\"root\"/>", "", "body \"root\" has 0 joints, expected 1"},
        {"<joint name=\"left_elbow\" type=\"hinge\"",
         "<joint type=\"hinge\" axis=\"1 0 0\"/><joint name=\"left_elbow\" type=\"hinge\"",
         "body \"left_elbow\" has 2 joints, expected 1"},
        {"<geom name=\"left_wrist\"", "<joint type=\"hinge\"/><geom name=\"left_wrist\"",
         "body \"left_wrist\" has 1 joints, expected 0"},
        {"user=\"100 50 .3\"", "user=\"0 50 .3\"", "joint \"neck\"|0 50 0.3|expected kp > 0"},
        {"user=\"100 50 .3\"", "user=\"100 -50 .3\"", "joint \"neck\"|torque limit > 0"},
        {"user=\"100 50 .3\"", "user=\"100 50 -.3\"", "joint \"neck\"|weight >= 0"},
        {"user=\"100 50 .3\"", "", "joint \"neck\"|0 0 0"},
        {"<geom name=\"floor\" type=\"plane\" size=\"0 0 .25\"",
         "<geom name=\"floor\" type=\"box\" size=\"9 9 .25\"", "no plane geom"},
        {"<geom name=\"left_wrist\" class=\"limb_left\" type=\"sphere\" size=\".04\"",
         "<geom name=\"left_wrist\" class=\"limb_left\" type=\"ellipsoid\" size=\".04 .04 .04\"",
         "not a sphere, capsule or box"},
        {"</worldbody>", "<body><joint type=\"hinge\"/><geom size=\".1\"/></body></worldbody>",
         "44 positions and 35 velocities, expected 43 and 34"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = changed(rows[i].from, rows[i].to), path[128];
        ami_error err = {""};
        ami_character *c = load_text(text, path, &err);
        if (c)
            fail_msg("row %zu was taken, expected \"%s\"", i, rows[i].says);
        assert_sentence(&err, rows[i].says);
        assert_sentence(&err, path);
        assert_null(load_text(text, path, NULL)); /* nobody listens */
        free(text);
    }
}

static void files_that_are_none_are_refused(void **unused)
{
    (void)unused;
    ami_character_def def = ami_character_default_def();
    ami_error err = {""};
    def.path = "/nowhere/humanoid.xml";
    assert_null(ami_character_create(&def, &err));
    assert_sentence(&err, "/nowhere/humanoid.xml|No such file");
    def.path = scratch_folder;
    assert_null(ami_character_create(&def, &err));
    assert_sentence(&err, scratch_folder);
    static const char *const texts[] = {"", "not XML at all", "<mujoco/>",
                                        "<mujoco><worldbody><geom size=\"nan\"/></worldbody></mujoco>"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char path[128];
        assert_null(load_text(texts[i], path, &err));
        assert_sentence(&err, path);
    }
    /* amble's own file is one that this test's folder may hold */
    char path[128];
    ami_character *c = load_text(humanoid, path, &err);
    assert_non_null(c);
    ami_character_destroy(c);
}

static void assets_are_found(void **unused)
{
    (void)unused;
    char path[1024];
    ami_error err = {""};
    const char *before = getenv("AMBLE_ASSETS");
    char *kept = before ? strdup(before) : NULL;
    unsetenv("AMBLE_ASSETS");
    assert_true(ami_asset_path("humanoid.xml", path, sizeof path, &err));
    assert_int_equal(access(path, R_OK), 0);
    assert_false(ami_asset_path("no/such.onnx", path, sizeof path, &err));
    assert_sentence(&err, "no/such.onnx|looked in| and ");
    char small[8];
    /* never a path that is cut off */
    assert_false(ami_asset_path("humanoid.xml", small, sizeof small, &err));

    load_text("x", path, &err);
    assert_int_equal(setenv("AMBLE_ASSETS", scratch_folder, 1), 0);
    assert_true(ami_asset_path("body.xml", path, sizeof path, &err));
    assert_true(strncmp(path, scratch_folder, strlen(scratch_folder)) == 0);
    assert_false(ami_asset_path("humanoid.xml", path, sizeof path, &err)); /* only there */
    assert_sentence(&err, "$AMBLE_ASSETS");
    assert_sentence(&err, scratch_folder);
    if (kept)
        setenv("AMBLE_ASSETS", kept, 1);
    else
        unsetenv("AMBLE_ASSETS");
    free(kept);
}

/* Paths are as long as the system allows, not cut: 1,600 bytes. */
static void long_paths_are_whole(void **unused)
{
    (void)unused;
    char path[2048], assets[2048], body[128], found[PATH_MAX];
    ami_error err = {""};
    ami_character_destroy(load_text(humanoid, body, &err));
    size_t length = (size_t)snprintf(assets, sizeof assets, "%s", scratch_folder);
    for (int i = 0; i < 8; i++) {
        length += (size_t)snprintf(assets + length, sizeof assets - length, "/%0200d", i);
        assert_true(mkdir(assets, 0700) == 0 || errno == EEXIST);
    }
    snprintf(path, sizeof path, "%s/humanoid.xml", assets);
    assert_int_equal(rename(body, path), 0);
    ami_character_def def = ami_character_default_def();
    def.path = path;
    ami_character *c = ami_character_create(&def, &err);
    if (!c)
        fail_msg("%s", err.text);
    ami_character_destroy(c);
    const char *before = getenv("AMBLE_ASSETS");
    char *kept = before ? strdup(before) : NULL;
    assert_int_equal(setenv("AMBLE_ASSETS", assets, 1), 0);
    assert_true(ami_asset_path("humanoid.xml", found, sizeof found, &err));
    assert_string_equal(found, path);
    if (kept)
        setenv("AMBLE_ASSETS", kept, 1);
    else
        unsetenv("AMBLE_ASSETS");
    free(kept);
}

/* Contacts between bodies, and with the floor, of a pose. */
static void count_contacts(const ami_character *c, const double pose[AMI_POSE], int *between, int *floor)
{
    ami_world world;
    const double rest[AMI_VEL] = {0};
    assert_true(ami_world_init(&world, c, NULL));
    ami_world_set(&world, pose, rest);
    mj_forward(c->model, world.data);
    *between = *floor = 0;
    for (int k = 0; k < world.data->ncon; k++) {
        const int *geom = world.data->contact[k].geom;
        if (geom[0] == c->floor_geom || geom[1] == c->floor_geom)
            ++*floor;
        else
            ++*between;
    }
    ami_world_free(&world);
}

static void limbs_collide_if_asked(void **unused)
{
    (void)unused;
    double standing[AMI_POSE], crossed[AMI_POSE];
    pose_at_rest(standing, .88);
    pose_at_rest(crossed, .88);
    /* both arms turned inwards, up to the horizontal: 23 cm each from shoulders 37 cm apart */
    turn_about(crossed + pose_at[AMI_RIGHT_SHOULDER], 1, 0, 0, 1.57);
    turn_about(crossed + pose_at[AMI_LEFT_SHOULDER], 1, 0, 0, -1.57);
    for (int collide = 0; collide < 2; collide++) {
        ami_character_def def = ami_character_default_def();
        assert_false(def.self_collision);
        def.self_collision = collide;
        ami_character *c = ami_character_create(&def, NULL);
        assert_non_null(c);
        int between, floor;
        count_contacts(c, standing, &between, &floor);
        assert_int_equal(between, 0); /* nor does a body collide with itself just because it stands */
        assert_true(floor >= 6);      /* two boxes on a plane */
        count_contacts(c, crossed, &between, &floor);
        assert_true(collide ? between > 0 : between == 0);
        assert_true(floor >= 6);
        ami_character_destroy(c);
    }
}

/* A world may switch collisions on and off, with the character's models or one of its own. */
static void a_world_collides_while_it_is_told_to(void **unused)
{
    (void)unused;
    double crossed[AMI_POSE], still[AMI_VEL] = {0};
    pose_at_rest(crossed, .88);
    turn_about(crossed + pose_at[AMI_RIGHT_SHOULDER], 1, 0, 0, 1.57);
    turn_about(crossed + pose_at[AMI_LEFT_SHOULDER], 1, 0, 0, -1.57);
    const ami_character_def def = ami_character_default_def();
    ami_character *c = ami_character_create(&def, NULL);
    assert_non_null(c);
    int contacts[2][3];
    for (int own = 0; own < 2; own++) {
        ami_world world;
        ami_error err = {""};
        assert_true(ami_world_init(&world, c, &err));
        assert_true(!own || ami_world_own_model(&world, &err));
        for (int k = 0; k < 3; k++) {
            ami_world_collide(&world, k == 1);
            ami_world_set(&world, crossed, still);
            ami_world_step(&world, crossed, 1);
            contacts[own][k] = world.data->ncon;
        }
        ami_world_free(&world);
        assert_true(contacts[own][1] > contacts[own][0] && contacts[own][2] == contacts[own][0]);
    }
    assert_true(contacts[0][0] == contacts[1][0] && contacts[0][1] == contacts[1][1]);
    ami_character_destroy(c);
}

/* "Bodies meet the floor only" is a promise of the definition, whatever a file says about its geoms. */
static void limbs_do_not_collide_unless_asked(void **unused)
{
    (void)unused;
    char path[128], *text = changed("contype=\"0\" conaffinity=\"0\"", "contype=\"1\" conaffinity=\"1\"");
    ami_error err = {""};
    ami_character *c = load_text(text, path, &err);
    assert_non_null(c);
    double crossed[AMI_POSE];
    int between, floor;
    pose_at_rest(crossed, .88);
    turn_about(crossed + pose_at[AMI_RIGHT_SHOULDER], 1, 0, 0, 1.57);
    turn_about(crossed + pose_at[AMI_LEFT_SHOULDER], 1, 0, 0, -1.57);
    count_contacts(c, crossed, &between, &floor);
    assert_int_equal(between, 0);
    assert_true(floor >= 6);
    ami_character_destroy(c);
    free(text);
}

/* humanoid.xml without its list of pairs. */
static char *without_pairs(void)
{
    char *text = strdup(humanoid), *from = strstr(text, "  <contact>"), *to = strstr(text, "</contact>");
    assert_true(from && to && to > from);
    to += strlen("</contact>");
    memmove(from, to, strlen(to) + 1);
    return text;
}

/* The floor is met whether the file lists all pairs with it, some or none; and once only. */
static void the_floor_needs_no_pairs(void **unused)
{
    (void)unused;
    double standing[AMI_POSE], lying[AMI_POSE];
    pose_at_rest(standing, .88);
    pose_at_rest(lying, .05);
    for (int collide = 0; collide < 2; collide++) {
        char path[128],
            *text[] = {strdup(humanoid), changed("<pair geom1=\"floor\" geom2=\"right_ankle\"/>", ""),
                       without_pairs()};
        int between[3][2], floor[3][2];
        for (int i = 0; i < 3; i++) {
            snprintf(path, sizeof path, "%s/body.xml", scratch_folder);
            assert_true(ami_file_write(path, text[i], strlen(text[i]), NULL));
            ami_character_def def = ami_character_default_def();
            def.path = path;
            def.self_collision = collide;
            ami_error err = {""};
            ami_character *c = ami_character_create(&def, &err);
            if (!c)
                fail_msg("%s", err.text);
            assert_int_equal(c->model->npair, i == 0 ? AMI_BODIES : i == 1 ? AMI_BODIES - 1 : 0);
            count_contacts(c, standing, &between[i][0], &floor[i][0]);
            count_contacts(c, lying, &between[i][1], &floor[i][1]);
            assert_true(floor[i][0] == floor[0][0] && floor[i][1] == floor[0][1]);
            assert_true(between[i][0] == between[0][0] && between[i][1] == between[0][1]);
            ami_character_destroy(c);
            free(text[i]);
        }
        assert_true(floor[0][0] >= 6 && floor[0][1] > floor[0][0]);
    }
}

static void bodies_are_named_in_lists(void **unused)
{
    (void)unused;
    static const struct {
        const char *list;
        unsigned bits;
        const char *printed;
    } row[] = {
        {"", 0, ""},
        {"root", 1u << AMI_ROOT, "root"},
        /* in the body's order */
        {"left_wrist,right_wrist", 1u << AMI_LEFT_WRIST | 1u << AMI_RIGHT_WRIST, "right_wrist,left_wrist"},
        {"neck,neck,", 1u << AMI_NECK, "neck"},
        {"root,chest,neck,right_hip,right_knee,right_ankle,right_shoulder,right_elbow,right_wrist,left_hip,"
         "left_knee,left_ankle,"
         "left_shoulder,left_elbow,left_wrist",
         0x7fff,
         "root,chest,neck,right_hip,right_knee,right_ankle,right_shoulder,right_elbow,right_wrist,left_hip,"
         "left_knee,left_ankle,"
         "left_shoulder,left_elbow,left_wrist"},
    };
    ami_error err;
    char text[256];
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        unsigned bits = 0xdead;
        if (!ami_bodies_read(row[i].list, &bits, &err))
            fail_msg("%s", err.text);
        assert_int_equal(bits, row[i].bits);
        ami_bodies_print(bits, text, sizeof text);
        assert_string_equal(text, row[i].printed);
    }
    for (unsigned bits = 0; bits < 1u << AMI_BODIES; bits++) { /* all of them fit, and come back */
        unsigned back = 0xdead;
        ami_bodies_print(bits, text, sizeof text);
        assert_true(strlen(text) < sizeof text - 1 && ami_bodies_read(text, &back, &err) && back == bits);
    }
    static const char *const bad[] = {"tail",
                                      "Root",
                                      " root",
                                      "root;neck",
                                      "neck,,root",
                                      ",neck",
                                      "left_wrist,tail",
                                      "roo",
                                      "roots",
                                      "a_name_that_is_longer_than_any_that_a_body_has"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        unsigned bits = 0xdead;
        if (ami_bodies_read(bad[i], &bits, &err))
            fail_msg("\"%s\" was taken", bad[i]);
        assert_sentence(&err, "no body is named \"|expected some of root,chest|left_wrist");
        assert_int_equal(bits, 0xdead);
    }
    assert_false(ami_bodies_read("left_wrist,tail", &(unsigned){0}, &err));
    assert_sentence(&err, "no body is named \"tail\"");
    assert_false(ami_bodies_read("tail", &(unsigned){0}, NULL)); /* nobody listens */

    for (size_t size = 1; size < 30; size++) { /* where there is no room for all, what there is room for, and
                                                  nothing behind it */
        memset(text, 'x', sizeof text);
        ami_bodies_print(1u << AMI_LEFT_WRIST | 1u << AMI_RIGHT_WRIST, text, size);
        assert_int_equal(strlen(text), size - 1 < 22 ? size - 1 : 22);
        assert_memory_equal(text, "right_wrist,left_wrist", strlen(text));
        assert_true(text[size] == 'x');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_deepmimics_body),
        cmocka_unit_test(damping_and_step_follow_the_rate),
        cmocka_unit_test(other_bodies_are_refused),
        cmocka_unit_test(files_that_are_none_are_refused),
        cmocka_unit_test(assets_are_found),
        cmocka_unit_test(long_paths_are_whole),
        cmocka_unit_test(bodies_are_named_in_lists),
        cmocka_unit_test(limbs_collide_if_asked),
        cmocka_unit_test(a_world_collides_while_it_is_told_to),
        cmocka_unit_test(limbs_do_not_collide_unless_asked),
        cmocka_unit_test(the_floor_needs_no_pairs),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
