// A character in Unreal's convention (left-handed, z up, centimetres), mapped onto the bone names of Unreal's
// mannequin: what a plug-in would write into a poseable mesh every frame.
//
//     unreal_pose
#include <amble/amble.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

namespace
{

struct Bone {
    const char *body, *name;
    std::array<double, 4> rest; // w, x, y, z: the bone in the mesh's own reference pose, arms hanging
};

// The rotations stand for a mesh's own; the mannequin's bones point along their x axes, down the limbs.
const Bone bones[] = {
    {"root", "pelvis", {.5, .5, -.5, -.5}},
    {"chest", "spine_03", {.5, .5, -.5, -.5}},
    {"neck", "neck_01", {.5, .5, -.5, -.5}},
    {"right_hip", "thigh_r", {.5, -.5, .5, -.5}},
    {"right_knee", "calf_r", {.5, -.5, .5, -.5}},
    {"right_ankle", "foot_r", {.5, -.5, .5, -.5}},
    {"right_shoulder", "upperarm_r", {.5, -.5, .5, -.5}},
    {"right_elbow", "lowerarm_r", {.5, -.5, .5, -.5}},
    {"right_wrist", "hand_r", {.5, -.5, .5, -.5}},
    {"left_hip", "thigh_l", {.5, .5, .5, .5}},
    {"left_knee", "calf_l", {.5, .5, .5, .5}},
    {"left_ankle", "foot_l", {.5, .5, .5, .5}},
    {"left_shoulder", "upperarm_l", {.5, .5, .5, .5}},
    {"left_elbow", "lowerarm_l", {.5, .5, .5, .5}},
    {"left_wrist", "hand_l", {.5, .5, .5, .5}},
};

void check(amb_result result)
{
    if (result == AMB_OK)
        return;
    std::fprintf(stderr, "%s: %s\n", amb_result_name(result), amb_error_message());
    std::exit(1);
}

std::array<double, 4> times(const double *a, const double *b) // FQuat's product
{
    return {a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3],
            a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2],
            a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1],
            a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0]};
}

} // namespace

int main()
{
    amb_model_set *set = nullptr;
    check(amb_model_set_load(nullptr, &set));
    const std::unique_ptr<amb_model_set, void (*)(amb_model_set *)> models(set, amb_model_set_destroy);
    amb_character_def def;
    amb_character_def_init(&def);
    def.space = AMB_SPACE_UNREAL;
    def.position[0] = 1000; // 10 m before the origin
    amb_character *made = nullptr;
    check(amb_character_create(models.get(), &def, &made));
    const std::unique_ptr<amb_character, void (*)(amb_character *)> hero(made, amb_character_destroy);

    amb_request request;
    amb_request_init(&request);
    request.style = "jog";
    request.heading = 1.5708; // yaw of 90 degrees: to the right, along +y
    check(amb_character_request(hero.get(), &request));
    for (int frame = 0; frame < 6 * 120; frame++)
        check(amb_character_advance(hero.get(), 1. / 120));

    std::vector<amb_transform> world(static_cast<size_t>(amb_character_bodies(hero.get())));
    check(amb_character_pose(hero.get(), 0, world.data(), nullptr));
    for (const Bone &bone : bones) {
        const int body = amb_character_find_body(hero.get(), bone.body);
        const amb_transform &t = world[static_cast<size_t>(body)];
        const auto q = times(t.rotation, bone.rest.data()); // the turn from rest, after the bone's own rest
        std::printf("%-10s location (%7.1f, %7.1f, %6.1f) cm  FQuat(%6.3f, %6.3f, %6.3f, %6.3f)\n", bone.name,
                    t.position[0], t.position[1], t.position[2], q[1], q[2], q[3], q[0]);
    }
    const double *at = world[0].position;
    return at[1] > 500 ? 0 : 1; // it went to the right
}
