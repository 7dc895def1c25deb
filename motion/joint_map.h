/* Which joint of a recorded skeleton is which part of the body: found by name, or read from a file.
 *
 * Names are split into words; prefixes ("mixamorig:", "Bip01 ", "DEF-", "Character1_", ...) and the side
 * ("Left", "L", "_l", ".L", "r", ...) are taken off, what is left is looked up in a table of synonyms. Names
 * that mean different joints in different systems (LeftShoulder, LeftLeg, LeftHip, LeftFoot) are resolved by
 * the other joints of that side and by the hierarchy. Hips and chest are found in the tree: where the
 * legs meet, and where the arms do.
 *
 * A map file has a line "PART = JOINT" for each part; "#" begins a comment line; a part that is not named is
 * found as above, "PART =" leaves it out. */
#ifndef AMI_MOTION_JOINT_MAP_H
#define AMI_MOTION_JOINT_MAP_H

#include "motion/mocap.h"

enum {
    AMI_PART_HIPS,
    AMI_PART_CHEST,
    AMI_PART_NECK,
    AMI_PART_HEAD,
    AMI_PART_RIGHT, /* the right side's seven, in the order below */
    AMI_PART_LEFT = AMI_PART_RIGHT + 7,
    AMI_PARTS = AMI_PART_LEFT + 7,

    /* added to AMI_PART_RIGHT or AMI_PART_LEFT */
    AMI_PART_THIGH = 0,
    AMI_PART_SHIN,
    AMI_PART_FOOT,
    AMI_PART_TOE,
    AMI_PART_ARM,
    AMI_PART_FOREARM,
    AMI_PART_HAND,
};

extern const char *const ami_part_name[AMI_PARTS]; /* "hips", "right_thigh", ... */

typedef struct ami_joint_map {
    int joint[AMI_PARTS]; /* number of the joint; -1: none (chest, neck, head and toes may be missing) */
} ami_joint_map;

/* `text`: a map file's, NULL for none. On error the sentence names the missing part and the joints found, or
 * the line of the map file. */
AMI_MUST_CHECK bool ami_joint_map_find(ami_joint_map *map, const ami_mocap *mocap, const char *text,
                                       ami_error *err);

/* The same without refusing what is missing: for showing a guess. */
AMI_MUST_CHECK bool ami_joint_map_guess(ami_joint_map *map, const ami_mocap *mocap, const char *text,
                                        ami_error *err);

#endif
