/* DeepPhase: where in its cycle a motion is (after Starke, Mason & Komura 2022, "DeepPhase: Periodic
 * Autoencoders for Learning Motion Phase Manifolds"), with one channel: a network takes one frame's 132
 * features (22 points' positions and velocities) to a point in the plane,
 *
 *   (x, y) = A (cos 2πφ, sin 2πφ),
 *
 * with phase φ in cycles, [0, 1), and amplitude A ≥ 0, which is small where the network is unsure. All phases
 * and speeds below are in cycles, all times in seconds. Where A is 0 the phase is undefined and given as 0.
 *
 * Six functions: encode, encode_batch, encode_sequence, velocity, periodicity, interpolate. None of them
 * allocates, locks or does I/O, so a control thread may call them; the network is const and shared, the
 * buffers are the caller's. Numbers that are not finite are refused: false, and a sentence that names the
 * frame. */
#ifndef AMI_NETS_DEEPPHASE_H
#define AMI_NETS_DEEPPHASE_H

#include "nets/model.h"

enum { AMI_DEEPPHASE_INPUTS = 132, AMI_DEEPPHASE_OUTPUTS = 2 };

typedef struct ami_phase {
    double x, y;
    double phase;     /* cycles, [0, 1) */
    double amplitude; /* ≥ 0 */
} ami_phase;

ami_phase ami_phase_from_point(double x, double y);

/* `cycles` may be any finite number; its fraction counts. */
ami_phase ami_phase_at(double cycles, double amplitude);

/* The shortest way from one phase to another, in (-½, ½] cycles; exactly opposite is +½, forwards. */
double ami_phase_difference(double from, double to);

/* ---- The network ---- */

typedef struct ami_deepphase {
    const ami_model *model; /* 132 → 2 */
    ami_model *owned;       /* the same where ami_deepphase_load made it */
} ami_deepphase;

/* A model that has been loaded already and outlives this. False and a sentence unless it maps 132 numbers to
 * 2. */
AMI_MUST_CHECK bool ami_deepphase_init(ami_deepphase *deepphase, const ami_model *model, ami_error *err);

/* From an ONNX file. def: as in ami_model_load. */
AMI_MUST_CHECK bool ami_deepphase_load(ami_deepphase *deepphase, const char *path, const ami_model_def *def,
                                       ami_error *err);
void ami_deepphase_free(ami_deepphase *deepphase);

/* Bytes of workspace for any number of frames; one workspace a thread. */
size_t ami_deepphase_workspace_size(const ami_deepphase *deepphase);

/* One frame (132). */
AMI_MUST_CHECK bool ami_deepphase_encode(const ami_deepphase *deepphase, void *workspace, const float *frame,
                                         ami_phase *out, ami_error *err);

/* n frames (n, 132), each for itself: bit for bit what n calls of encode give. */
AMI_MUST_CHECK bool ami_deepphase_encode_batch(const ami_deepphase *deepphase, void *workspace,
                                               const float *frame, int n, ami_phase *out, ami_error *err);

/* ---- Trajectories ---- */

/* Frames of one motion at an even rate. */
typedef struct ami_phase_trajectory {
    int frames;        /* ≥ 1 */
    double rate;       /* frames a second, > 0 */
    ami_phase *phase;  /* (frames), the caller's */
    double *unwrapped; /* (frames), the caller's: φ made continuous, see ami_phase_unwrap */
} ami_phase_trajectory;

/* unwrapped[0] = φ[0], then unwrapped[i] = φ[i] + k with the whole number k that makes the step from the
 * frame before the shortest way (half a cycle: forwards). So a motion must advance by less than half a cycle
 * a frame. A frame whose amplitude is below a tenth of the trajectory's largest points anywhere: its own step
 * is taken, but the next is counted from the last frame that was stronger, so that a weak frame cannot add or
 * lose a cycle. One of amplitude 0 keeps its neighbour's value. */
void ami_phase_unwrap(ami_phase_trajectory *trajectory);

/* Frames (trajectory->frames, 132) → phase and unwrapped, in the buffers of *trajectory. */
AMI_MUST_CHECK bool ami_deepphase_encode_sequence(const ami_deepphase *deepphase, void *workspace,
                                                  const float *frame, ami_phase_trajectory *trajectory,
                                                  ami_error *err);

/* Cycles a second at every frame, negative where the motion runs backwards: the slope of a straight line
 * fitted to the unwrapped phase by least squares over the frames at most .1 s away (one at least), each
 * weighted by A², as phase noise has variance ∝ 1 / A² where noise of x and y has the same everywhere (a
 * weighted Savitzky-Golay derivative of order 1, 1964). At the ends the window is one-sided. Exact for
 * constant speed, and no different at the wrap. 0 where fewer than two frames of the window have an
 * amplitude. */
AMI_MUST_CHECK bool ami_deepphase_velocity(const ami_phase_trajectory *trajectory, double *velocity,
                                           ami_error *err);

typedef struct ami_phase_period {
    double period_s;          /* > 0; INFINITY where the phase does not advance at all */
    double velocity;          /* mean cycles a second: 1 / period_s, negative for a motion that runs
                                 backwards */
    double cycles;            /* that the frames cover: |velocity| × frames / rate */
    double confidence;        /* [0, 1] */
    bool short_of_two_cycles; /* less than two cycles (1 % forgiven) were seen: nothing was seen to repeat */
} ami_phase_period;

/* The period of a trajectory, with z = x + iy:
 *
 * Velocity: arg Σ z[t+L] z*[t] / 2π is the mean advance in L frames but for whole cycles. Known unambiguously
 * for L = 1, it predicts that of L = 2, and so on, doubling, up to 2/3 of the frames, the lag at which the
 * estimate is best (Lank, Reed & Pollon 1973); noise that is independent from frame to frame drops out of
 * each. Last, the lag is moved to the whole number of cycles below that, so that a speed that varies within
 * the cycle drops out too.
 *
 * Confidence: the product of
 *   evenness   R = |Σ A e^{2πi(φ - vt)}| / Σ A, less what noise alone would reach, r = √(ln n / n): max(0, (R
 *              - r) / (1 - r));
 *   winding    max(0, 1 - |w - v T| / max(1, |v T|)), w the unwrapped phase's advance over the time T: 0 for
 *              a swing to and fro;
 *   length     min(1, cycles / 2).
 * An even, clean motion of two cycles or more has 1; a phase that stands still, noise, and a random walk have
 * little. */
AMI_MUST_CHECK bool ami_deepphase_periodicity(const ami_phase_trajectory *trajectory, ami_phase_period *out,
                                              ami_error *err);

/* Between a and b, weight 0 … 1: the phase goes the shortest way around the circle (ami_phase_difference;
 * exactly opposite, to 1e-9 of a cycle: forwards), the amplitude straight. Weight 0 gives a, 1 gives b, to
 * the bit. Where one of them has amplitude 0, and so no phase, the other's phase is kept all the way, ends
 * included. */
AMI_MUST_CHECK bool ami_deepphase_interpolate(const ami_phase *a, const ami_phase *b, double weight,
                                              ami_phase *out, ami_error *err);

#endif
