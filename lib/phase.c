/* amble/phase.h: DeepPhase, its features and its six functions. */
#include <amble/phase.h>

#include "base/assets.h"
#include "lib/internal.h"
#include "lib/motion.h"
#include "motion/features.h"
#include "nets/deepphase.h"
#include "nets/onnx/onnx.h"

#include <stdlib.h>
#include <string.h>

struct amb_deepphase {
    ami_model *model;
    ami_deepphase net; /* runs that model */
};

/* One layout, so that arrays need not be copied. */
_Static_assert(sizeof(amb_phase) == sizeof(ami_phase), "amb_phase is ami_phase");
_Static_assert(offsetof(amb_phase, x) == offsetof(ami_phase, x), "amb_phase is ami_phase");
_Static_assert(offsetof(amb_phase, y) == offsetof(ami_phase, y), "amb_phase is ami_phase");
_Static_assert(offsetof(amb_phase, phase) == offsetof(ami_phase, phase), "amb_phase is ami_phase");
_Static_assert(offsetof(amb_phase, amplitude) == offsetof(ami_phase, amplitude), "amb_phase is ami_phase");
_Static_assert((int)AMI_DEEPPHASE_INPUTS == (int)AMI_PHASE_FEATURES, "the network reads the features");

/* ---- phases ---- */

static amb_phase public_phase(ami_phase p)
{
    return (amb_phase){p.x, p.y, p.phase, p.amplitude};
}

static ami_phase internal_phase(const amb_phase *p)
{
    return (ami_phase){p->x, p->y, p->phase, p->amplitude};
}

amb_phase amb_phase_from_point(double x, double y)
{
    return public_phase(ami_phase_from_point(x, y));
}

amb_phase amb_phase_at(double cycles, double amplitude)
{
    return public_phase(ami_phase_at(cycles, amplitude));
}

double amb_phase_difference(double from, double to)
{
    return ami_phase_difference(from, to);
}

/* ---- features ---- */

int amb_phase_feature_count(void)
{
    return AMI_PHASE_FEATURES;
}

int amb_phase_point_count(void)
{
    return AMI_POINTS;
}

const char *amb_phase_point_name(int index)
{
    return index >= 0 && index < AMI_POINTS ? ami_point_name[index] : NULL;
}

amb_result amb_phase_features(const amb_skeleton *skeleton, const double *pose, const double *velocity,
                              float *features)
{
    LIB_REQUIRE(skeleton && pose && velocity && features);
    ami_state state;
    ami_points points;
    const amb_result result = lib_state_of(skeleton, pose, velocity, &state);
    if (result != AMB_OK)
        return result;
    ami_points_of_state(&skeleton->measures, &state, &points);
    ami_phase_features(&points, features);
    return AMB_OK;
}

amb_result amb_phase_features_of_points(const double *position, const double *velocity,
                                        const double root_rotation[4], float *features)
{
    LIB_REQUIRE(position && velocity && root_rotation && features);
    ami_points points = {.yaw_rate = 0}; /* not among these features */
    amb_result result = lib_check_finite("the positions", position, 3 * AMI_POINTS);
    if (result == AMB_OK)
        result = lib_check_finite("the velocities", velocity, 3 * AMI_POINTS);
    if (result == AMB_OK)
        result = lib_check_finite("the root's rotation", root_rotation, 4);
    if (result != AMB_OK)
        return result;
    memcpy(points.pos, position, sizeof points.pos);
    memcpy(points.vel, velocity, sizeof points.vel);
    ami_points_heading(root_rotation, points.forward);
    ami_phase_features(&points, features);
    return AMB_OK;
}

/* ---- the network ---- */

/* Packs the net, which is taken over; sentences begin with `name`. */
static amb_result make(ami_net *net, const char *name, const ami_model_def *def, amb_deepphase **out)
{
    ami_error err = {""};
    amb_result result = AMB_OK;
    amb_deepphase *made = calloc(1, sizeof *made);
    if (!made) {
        result = lib_fail(AMB_ERROR_MEMORY, "%s: out of memory", name);
    } else if (!(made->model = ami_model_create(net, def, &err))) {
        ami_fail_in(&err, "%s", name);
        result = lib_fail_with(AMB_ERROR_UNSUPPORTED, &err);
    } else if (!ami_deepphase_init(&made->net, made->model, &err)) {
        ami_fail_in(&err, "%s", name);
        result = lib_fail_with(AMB_ERROR_FILE, &err);
    }
    ami_net_destroy(net);
    if (result != AMB_OK) {
        amb_deepphase_destroy(made);
        return result;
    }
    char text[256];
    ami_model_describe(made->model, text, sizeof text);
    lib_log(AMB_LOG_INFO, "%s: %s", name, text);
    *out = made;
    return AMB_OK;
}

amb_result amb_deepphase_load(const char *path, const amb_model_def *def, amb_deepphase **deepphase)
{
    LIB_REQUIRE(deepphase);
    *deepphase = NULL;
    char own[4096];
    ami_model_def inner;
    ami_error err = {""};
    const amb_result result = lib_model_def(def, &inner);
    if (result != AMB_OK)
        return result;
    if (!path && !ami_asset_path("models/deepphase.onnx", own, sizeof own, &err))
        return lib_fail_with(AMB_ERROR_NOT_FOUND, &err);
    path = path ? path : own;
    ami_net *net = ami_onnx_read(path, &err);
    return net ? make(net, path, &inner, deepphase)
               : lib_fail_with(lib_result_of_file(path, AMB_ERROR_FILE), &err);
}

amb_result amb_deepphase_load_memory(const void *bytes, size_t size, const char *name,
                                     const amb_model_def *def, amb_deepphase **deepphase)
{
    LIB_REQUIRE(bytes && name && deepphase);
    *deepphase = NULL;
    ami_model_def inner;
    ami_error err = {""};
    const amb_result result = lib_model_def(def, &inner);
    if (result != AMB_OK)
        return result;
    ami_net *net = ami_onnx_read_memory(bytes, size, name, &err);
    return net ? make(net, name, &inner, deepphase) : lib_fail_with(AMB_ERROR_FILE, &err);
}

void amb_deepphase_destroy(amb_deepphase *deepphase)
{
    if (!deepphase)
        return;
    ami_model_destroy(deepphase->model);
    free(deepphase);
}

size_t amb_deepphase_workspace_size(const amb_deepphase *deepphase)
{
    LIB_REQUIRE_OR(deepphase, 0);
    return ami_deepphase_workspace_size(&deepphase->net);
}

static amb_result check_frames(int n)
{
    return n >= 1 ? AMB_OK : lib_fail(AMB_ERROR_ARGUMENT, "%d frames were given, expected 1 or more", n);
}

amb_result amb_deepphase_encode(const amb_deepphase *deepphase, const float *features, amb_phase *phase,
                                void *workspace)
{
    return amb_deepphase_encode_batch(deepphase, features, 1, phase, workspace);
}

amb_result amb_deepphase_encode_batch(const amb_deepphase *deepphase, const float *features, int n,
                                      amb_phase *phase, void *workspace)
{
    LIB_REQUIRE(deepphase && features && phase && workspace);
    ami_error err = {""};
    const amb_result result = check_frames(n);
    if (result != AMB_OK)
        return result;
    return ami_deepphase_encode_batch(&deepphase->net, workspace, features, n, (ami_phase *)phase, &err)
               ? AMB_OK
               : lib_fail_with(AMB_ERROR_ARGUMENT, &err);
}

/* ---- trajectories ---- */

amb_result amb_deepphase_encode_sequence(const amb_deepphase *deepphase, const float *features, int n,
                                         amb_phase *phase, double *unwrapped, void *workspace)
{
    LIB_REQUIRE(unwrapped);
    const amb_result result = amb_deepphase_encode_batch(deepphase, features, n, phase, workspace);
    if (result != AMB_OK)
        return result;
    ami_phase_trajectory trajectory = {.frames = n, .phase = (ami_phase *)phase, .unwrapped = unwrapped};
    ami_phase_unwrap(&trajectory);
    return AMB_OK;
}

/* The functions below only read these arrays. */
static ami_phase_trajectory trajectory_of(const amb_phase *phase, const double *unwrapped, int n, double rate)
{
    return (ami_phase_trajectory){n, rate, (ami_phase *)(uintptr_t)phase, (double *)(uintptr_t)unwrapped};
}

amb_result amb_deepphase_velocity(const amb_phase *phase, const double *unwrapped, int n, double rate,
                                  double *velocity)
{
    LIB_REQUIRE(phase && unwrapped && velocity);
    ami_error err = {""};
    const amb_result result = check_frames(n);
    if (result != AMB_OK)
        return result;
    const ami_phase_trajectory trajectory = trajectory_of(phase, unwrapped, n, rate);
    return ami_deepphase_velocity(&trajectory, velocity, &err) ? AMB_OK
                                                               : lib_fail_with(AMB_ERROR_ARGUMENT, &err);
}

amb_result amb_deepphase_periodicity(const amb_phase *phase, const double *unwrapped, int n, double rate,
                                     amb_phase_period *period)
{
    LIB_REQUIRE(phase && unwrapped && period);
    ami_error err = {""};
    ami_phase_period found;
    const amb_result result = check_frames(n);
    if (result != AMB_OK)
        return result;
    const ami_phase_trajectory trajectory = trajectory_of(phase, unwrapped, n, rate);
    if (!ami_deepphase_periodicity(&trajectory, &found, &err))
        return lib_fail_with(AMB_ERROR_ARGUMENT, &err);
    const amb_phase_period full = {.period = found.period_s,
                                   .velocity = found.velocity,
                                   .cycles = found.cycles,
                                   .confidence = found.confidence,
                                   .short_of_two_cycles = found.short_of_two_cycles};
    LIB_REQUIRE(lib_out_copy(period, &full, sizeof full) && "size is set");
    return AMB_OK;
}

amb_result amb_deepphase_interpolate(const amb_phase *a, const amb_phase *b, double weight, amb_phase *out)
{
    LIB_REQUIRE(a && b && out);
    ami_error err = {""};
    ami_phase between;
    const ami_phase from = internal_phase(a), to = internal_phase(b);
    if (!ami_deepphase_interpolate(&from, &to, weight, &between, &err))
        return lib_fail_with(AMB_ERROR_ARGUMENT, &err);
    *out = public_phase(between);
    return AMB_OK;
}
