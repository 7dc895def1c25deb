/* Getting up from the floor: two actors, for a body that lies face down and one that lies face up, each with
 * the motion that it follows, which begins lying and ends standing.
 *
 * Amble's models getup_facedown and getup_faceup. The motions are amble's own of these names, where they are
 * installed, else those in the folder of clips. */
#ifndef AMI_POLICY_GET_UP_H
#define AMI_POLICY_GET_UP_H

#include "policy/skill.h"

enum { AMI_FACE_DOWN, AMI_FACE_UP, AMI_FACES };

/* Loads skill[AMI_FACES] for the clips, character, substeps and number of characters of `def`; its other
 * fields are not used. While one gets up, every body may touch the floor. False and a sentence if a file is
 * missing or does not fit; then both are NULL. The caller frees them (ami_skill_free). */
AMI_MUST_CHECK bool ami_get_up_load(ami_skill **skill, const ami_skill_def *def, ami_error *err);

#endif
