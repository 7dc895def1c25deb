/* From amble's axes (right-handed, z up, x forward, m) to a host's and back: amble/character.h. */
#ifndef AMB_LIB_SPACE_H
#define AMB_LIB_SPACE_H

#include <amble/character.h>

typedef struct lib_space {
    double c[3][3];  /* host = c · amble: a signed permutation, */
    double det;      /* of determinant 1, or -1: the host is left-handed */
    double unit;     /* host's units in a metre */
    bool own_bodies; /* bodies keep amble's axes */
} lib_space;

/* AMB_ERROR_ARGUMENT where the axes are not three different ones, or the unit is not a positive number. */
amb_result lib_space_make(amb_space space, const amb_axes *axes, lib_space *out);

/* Directions and points without their unit; rotations; angular velocities (pseudo-vectors). */
void lib_space_to_host(const lib_space *space, const double v[3], double out[3]);
void lib_space_from_host(const lib_space *space, const double v[3], double out[3]);
void lib_space_rotation(const lib_space *space, const double q[4], double out[4]);
void lib_space_spin(const lib_space *space, const double w[3], double out[3]);

/* A point in a body's axes, from the host's to amble's, in m. */
void lib_space_body_point_from_host(const lib_space *space, const double p[3], double out[3]);

/* The transforms of bodies at `joint` (m) with rotations `rot`; world and local may be NULL. */
void lib_space_bodies(const lib_space *space, int bodies, const int *parent, const double (*joint)[3],
                      const double (*rot)[4], amb_transform *world, amb_transform *local);

#endif
