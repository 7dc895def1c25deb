/* DeepPhase: a motion's phase in its cycle (after Starke, Mason and Komura 2022, "DeepPhase: Periodic
 * Autoencoders for Learning Motion Phase Manifolds").
 *
 *     amb_deepphase *deepphase;
 *     amb_deepphase_load(NULL, NULL, &deepphase);
 *     void *workspace = malloc(amb_deepphase_workspace_size(deepphase));
 *     float features[132];                                    amb_phase_feature_count() of them
 *     amb_phase phase;
 *     amb_phase_features(skeleton, pose, velocity, features);
 *     amb_deepphase_encode(deepphase, features, &phase, workspace);
 *     printf("%.2f of a cycle\n", phase.phase);
 *
 * A network maps the features of one frame to a point in the plane, (x, y) = A (cos 2πφ, sin 2πφ): phase φ
 * in cycles, [0, 1), 0 where the left foot strikes, and amplitude A, which is small where the network is
 * unsure. Phases and speeds are in cycles, times in seconds.
 *
 * Six functions: encode, encode_batch, encode_sequence, velocity, periodicity, interpolate. None of them
 * allocates, locks or does I/O.
 *
 * Threads: an amb_deepphase is const after loading, any number of threads may use it at once, each with its
 * own workspace and buffers. */
#ifndef AMBLE_PHASE_H
#define AMBLE_PHASE_H

#include <amble/clip.h>
#include <amble/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- phases ---- */

typedef struct amb_phase {
    double x, y;
    double phase;     /* cycles, [0, 1); 0 where the amplitude is 0 */
    double amplitude; /* ≥ 0; about 1 in a steady motion such as the training data */
} amb_phase;

AMB_API amb_phase amb_phase_from_point(double x, double y);

/* `cycles` may be any finite number; its fraction counts. */
AMB_API amb_phase amb_phase_at(double cycles, double amplitude);

/* The shortest signed distance from one phase to another, in (-½, ½] cycles; opposite phases give ½. */
AMB_API double amb_phase_difference(double from, double to);

/* ---- features ---- */

/* Numbers in a frame of features (132): 6 for each of 22 points of the body: its position (m) and its
 * velocity (m/s). Positions are in a frame with its origin at the root's projection to the ground, x along
 * the heading, y to the left, z up. Velocities are those in the world, along the axes of that frame. */
AMB_API int amb_phase_feature_count(void);

/* The points' number (22) and names ("root", "left heel", …); NULL beyond the last. */
AMB_API int amb_phase_point_count(void);
AMB_API const char *amb_phase_point_name(int index);

/* Of a body in a pose with a velocity (amble/clip.h): features (feature_count). AMB_ERROR_ARGUMENT for
 * numbers that are not finite. */
AMB_API amb_result amb_phase_features(const amb_skeleton *skeleton, const double *pose,
                                      const double *velocity, float *features);

/* The same for a body of the host: the points' positions and velocities in the world (z up), (point_count, 3)
 * in m and m/s, and the root's rotation, a quaternion wxyz as in amble/clip.h, for the heading. */
AMB_API amb_result amb_phase_features_of_points(const double *position, const double *velocity,
                                                const double root_rotation[4], float *features);

/* ---- the network ---- */

typedef struct amb_deepphase amb_deepphase;

/* An ONNX file from 132 numbers to 2; NULL: amble's own, models/deepphase.onnx of the assets. def NULL: the
 * defaults (amble/model.h). AMB_ERROR_FILE for another network. */
AMB_NODISCARD AMB_API amb_result amb_deepphase_load(const char *path, const amb_model_def *def,
                                                    amb_deepphase **deepphase);

/* The same from the bytes of a file; `name` replaces the path in sentences. */
AMB_NODISCARD AMB_API amb_result amb_deepphase_load_memory(const void *bytes, size_t size, const char *name,
                                                           const amb_model_def *def,
                                                           amb_deepphase **deepphase);
AMB_API void amb_deepphase_destroy(amb_deepphase *deepphase); /* NULL is fine */

/* Bytes of a workspace, for any number of frames; aligned as malloc does. */
AMB_API size_t amb_deepphase_workspace_size(const amb_deepphase *deepphase);

/* One frame (feature_count). AMB_ERROR_ARGUMENT for features that are not finite. */
AMB_API amb_result amb_deepphase_encode(const amb_deepphase *deepphase, const float *features,
                                        amb_phase *phase, void *workspace);

/* n ≥ 1 frames (n, feature_count), each independently: to the bit the results of n calls of encode. The
 * sentence names the frame that is not finite. Where the network's outputs are not finite (features far
 * beyond a body's), earlier frames may have been written. */
AMB_API amb_result amb_deepphase_encode_batch(const amb_deepphase *deepphase, const float *features, int n,
                                              amb_phase *phase, void *workspace);

/* ---- trajectories: frames of one motion at an even rate ---- */

/* n ≥ 1 frames (n, feature_count) → phase (n), and unwrapped (n), the phase in cycles made continuous: each
 * step is the shortest distance from the previous frame, so a motion must advance by less than half a cycle
 * in a frame. A frame whose amplitude is below a tenth of the largest cannot add or lose a cycle: the next
 * step is counted from the last stronger one. One of amplitude 0 keeps its neighbour's value. */
AMB_API amb_result amb_deepphase_encode_sequence(const amb_deepphase *deepphase, const float *features, int n,
                                                 amb_phase *phase, double *unwrapped, void *workspace);

/* Cycles a second at each of n ≥ 1 frames, negative where the motion runs backwards: velocity (n). It is the
 * slope of a straight line through the unwrapped phases of the frames at most .1 s away, weighted by A².
 * rate: frames a second, more than 0. AMB_ERROR_ARGUMENT for a rate or numbers out of range. */
AMB_API amb_result amb_deepphase_velocity(const amb_phase *phase, const double *unwrapped, int n, double rate,
                                          double *velocity);

typedef struct amb_phase_period {
    size_t size;       /* sizeof(amb_phase_period), set by the caller */
    double period;     /* s, > 0; infinite where the phase does not advance */
    double velocity;   /* mean cycles a second: 1 / period, negative for a motion that runs backwards */
    double cycles;     /* that the frames cover: |velocity| n / rate */
    double confidence; /* [0, 1]: product of three: how evenly the phase advances, whether it goes round at
                          all, how many cycles were seen (1 for 2 or more) */
    bool short_of_two_cycles; /* fewer than two cycles (1 % tolerance) were seen: no repetition was seen */
} amb_phase_period;

/* The period of a motion, from n ≥ 1 frames at `rate` a second. The mean advance over growing lags, up to the
 * whole number of cycles below 2/3 of the frames (docs/how-it-works.md). */
AMB_API amb_result amb_deepphase_periodicity(const amb_phase *phase, const double *unwrapped, int n,
                                             double rate, amb_phase_period *period);

/* Between a and b, weight 0 to 1: the phase along the shorter arc of the circle, the amplitude linearly.
 * Weight 0 gives a and 1 gives b, to the bit. Where one has amplitude 0, and so no phase, the other's phase
 * is kept. */
AMB_API amb_result amb_deepphase_interpolate(const amb_phase *a, const amb_phase *b, double weight,
                                             amb_phase *out);

#ifdef __cplusplus
}
#endif

#endif
