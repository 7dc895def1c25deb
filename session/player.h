/* Plays a clip without physics: the same snapshots as a simulation gives, made from poses alone, so that
 * everything that draws can draw them. */
#ifndef AMI_SESSION_PLAYER_H
#define AMI_SESSION_PLAYER_H

#include "session/snapshot.h"

typedef struct ami_player {
    const ami_character *character;
    ami_clip *clip; /* owned */
    double time;    /* s; runs on past the duration of a loop, so that it walks away */
    double speed;
    bool playing;
    int64_t jumps;
    ami_snapshot snapshot;
} ami_player;

/* Takes the clip over. */
bool ami_player_init(ami_player *player, const ami_character *character, ami_clip *clip, ami_error *err);
void ami_player_free(ami_player *player);

/* Lets `seconds` of wall time pass. */
void ami_player_advance(ami_player *player, double seconds);

/* Goes to a time within the clip; or by frames of the clip, from the one that is shown. Both stop it. */
void ami_player_seek(ami_player *player, double time);
void ami_player_step(ami_player *player, int frames);

const ami_snapshot *ami_player_look(ami_player *player);

#endif
