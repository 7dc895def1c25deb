/* Plays a clip without physics. Its snapshots have the form of a simulation's, so that the same code draws
 * them. */
#ifndef AMI_SESSION_PLAYER_H
#define AMI_SESSION_PLAYER_H

#include "session/snapshot.h"

typedef struct ami_player {
    const ami_character *character;
    ami_clip *clip; /* owned */
    double time;    /* s; beyond the duration of a loop the body moves on */
    double speed;
    bool playing;
    int64_t jumps;
    ami_snapshot snapshot;
} ami_player;

/* The player owns the clip from now on. */
bool ami_player_init(ami_player *player, const ami_character *character, ami_clip *clip, ami_error *err);
void ami_player_free(ami_player *player);

/* Advances by `seconds` of wall time. */
void ami_player_advance(ami_player *player, double seconds);

/* Goes to a time in the clip, or by a number of frames from the current one. Both pause it. */
void ami_player_seek(ami_player *player, double time);
void ami_player_step(ami_player *player, int frames);

const ami_snapshot *ami_player_look(ami_player *player);

#endif
