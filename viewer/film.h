/* A video file, written by ffmpeg at the other end of a pipe: .mp4 (H.264, .mov and .mkv too), .webm (VP9) or
 * .gif (with a palette of its own). The file is whole when ami_film_close returns, also after an early end;
 * if this program is killed, ffmpeg still finishes what it got. */
#ifndef AMI_VIEWER_FILM_H
#define AMI_VIEWER_FILM_H

#include "base/error.h"

#include <stdint.h>

typedef struct ami_film ami_film;

/* To be asked before anything else is begun: is ffmpeg there, does the ending of the name mean something, can
 * the file be written? One sentence otherwise. */
bool ami_film_check(const char *path, ami_error *err);

/* Starts ffmpeg for frames of this size and rate. Odd sizes are made even where the format wants that. */
ami_film *ami_film_open(const char *path, int width, int height, double fps, ami_error *err);

/* rgb (height, width, 3), the bottom row first. False and ffmpeg's own words if it gave up. */
bool ami_film_frame(ami_film *film, const unsigned char *rgb, ami_error *err);

/* Lets ffmpeg finish the file and waits for it. False and its words if that failed. NULL is fine and true. */
bool ami_film_close(ami_film *film, ami_error *err);

int64_t ami_film_frames(const ami_film *film);

#endif
