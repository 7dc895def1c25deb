/* The motion files of a folder. */
#ifndef AMI_MOTION_MOTION_FOLDER_H
#define AMI_MOTION_MOTION_FOLDER_H

#include "base/error.h"

#include <stddef.h>

typedef struct ami_motion_folder {
    char *
        *path; /* (count), each begins with the folder; sorted in each folder by name, whatever the locale */
    int count;
    size_t below;          /* path[i] + below: without the folder */
    int others;            /* files that hold no motion: licences, pictures, clips of other bodies */
    char other_names[512]; /* of the first ones, below the folder, printable, separated by commas */
} ami_motion_folder;

/* Finds the motions in a folder and in the folders in it, of every format and any name (ami_clip_looks_like).
 * Hidden files and folders are not looked at, and links to folders are not followed, which may lead back; nor
 * is the folder `except`, if it is there (NULL: none). On error the list is empty. */
bool ami_motion_folder_find(ami_motion_folder *list, const char *folder, const char *except, ami_error *err);
void ami_motion_folder_free(ami_motion_folder *list);

#endif
