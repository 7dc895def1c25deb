/* The measures of assets/humanoid.xml. */
#include "motion/humanoid.h"

#include <math.h>

#define BALL(body, at, centre_of_mass, kg) \
    .offset[body] = at, .centre[body] = centre_of_mass, .mass[body] = kg
#define AT(...)     \
    {               \
        __VA_ARGS__ \
    }
/* Limbs are the same on both sides; `z` is the side: 1 right, -1 left. */
#define LIMBS(hip, shoulder, z)                                              \
    BALL(hip, AT(0, 0, z * .084887), AT(0, -.21, 0), 4.5),                   \
        BALL(hip + 1, AT(0, -.421546, 0), AT(0, -.2, 0), 3),                 \
        BALL(hip + 2, AT(0, -.40987, 0), AT(.045, -.0225, 0), 1),            \
        BALL(shoulder, AT(-.02405, .2435, z * .18311), AT(0, -.14, 0), 1.5), \
        BALL(shoulder + 1, AT(0, -.274788, 0), AT(0, -.12, 0), 1),           \
        BALL(shoulder + 2, AT(0, -.258947, 0), AT(0, 0, 0), .5),             \
        .hinge_range[hip + 1] = AT(-3.14159265, 0), .hinge_range[shoulder + 1] = AT(0, 3.14159265)

#define QUAT(at, v) \
    {               \
        4, at, v    \
    }
#define HINGE(at, v) \
    {                \
        1, at, v     \
    }

static const ami_skeleton humanoid = {
    .joint = {{0, 3, 3},
              QUAT(7, 6),
              QUAT(11, 9),
              QUAT(15, 12),
              HINGE(19, 15),
              QUAT(20, 16),
              QUAT(24, 19),
              HINGE(28, 22),
              {0, 3, 3},
              QUAT(29, 23),
              HINGE(33, 26),
              QUAT(34, 27),
              QUAT(38, 30),
              HINGE(42, 33),
              {0, 3, 3}},
    .parent = {-1, AMI_ROOT, AMI_CHEST, AMI_ROOT, AMI_RIGHT_HIP, AMI_RIGHT_KNEE, AMI_CHEST,
               AMI_RIGHT_SHOULDER, AMI_RIGHT_ELBOW, AMI_ROOT, AMI_LEFT_HIP, AMI_LEFT_KNEE, AMI_CHEST,
               AMI_LEFT_SHOULDER, AMI_LEFT_ELBOW},
    BALL(AMI_ROOT, AT(0, 0, 0), AT(0, .07, 0), 6),
    BALL(AMI_CHEST, AT(0, .236151, 0), AT(0, .12, 0), 14),
    BALL(AMI_NECK, AT(0, .223894, 0), AT(0, .175, 0), 2),
    LIMBS(AMI_RIGHT_HIP, AMI_RIGHT_SHOULDER, 1),
    LIMBS(AMI_LEFT_HIP, AMI_LEFT_SHOULDER, -1),
    .total_mass = 45,
    .toe = {{.1335, -.05, 0}, {.1335, -.05, 0}},
    .heel = {{-.0435, -.05, 0}, {-.0435, -.05, 0}},
    .head_front = {.1025, .175, 0},
};

const ami_skeleton *ami_humanoid(void)
{
    return &humanoid;
}

ami_shape ami_humanoid_shape(int body)
{
    static const ami_shape shapes[AMI_BODIES] = {
        [AMI_ROOT] = {AMI_SHAPE_SPHERE, {0, .07, 0}, {.09}},
        [AMI_CHEST] = {AMI_SHAPE_SPHERE, {0, .12, 0}, {.11}},
        [AMI_NECK] = {AMI_SHAPE_SPHERE, {0, .175, 0}, {.1025}},
        [AMI_RIGHT_HIP] = {AMI_SHAPE_CAPSULE, {0, -.21, 0}, {.055, .15}},
        [AMI_RIGHT_KNEE] = {AMI_SHAPE_CAPSULE, {0, -.2, 0}, {.05, .155}},
        [AMI_RIGHT_ANKLE] = {AMI_SHAPE_BOX, {.045, -.0225, 0}, {.0885, .0275, .045}},
        [AMI_RIGHT_SHOULDER] = {AMI_SHAPE_CAPSULE, {0, -.14, 0}, {.045, .09}},
        [AMI_RIGHT_ELBOW] = {AMI_SHAPE_CAPSULE, {0, -.12, 0}, {.04, .0675}},
        [AMI_RIGHT_WRIST] = {AMI_SHAPE_SPHERE, {0}, {.04}},
    };
    const int right = body >= AMI_LEFT_HIP ? body - AMI_LEFT_HIP + AMI_RIGHT_HIP : body; /* limbs are alike */
    return shapes[right];
}
