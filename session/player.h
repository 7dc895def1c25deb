/* Plays a clip without physics: the same snapshots as a simulation gives, made from poses alone, so that
 * everything that draws can draw them. */
#ifndef AMB_SESSION_PLAYER_H
#define AMB_SESSION_PLAYER_H

#include "session/snapshot.h"

typedef struct amb_player {
    const amb_character *character;
    amb_clip *clip; /* owned */
    double time;    /* s; runs on past the duration of a loop, so that it walks away */
    double speed;
    bool playing;
    int64_t jumps;
    amb_snapshot snapshot;
} amb_player;

/* Takes the clip over. */
bool amb_player_init(amb_player *player, const amb_character *character, amb_clip *clip, amb_error *err);
void amb_player_free(amb_player *player);

/* Lets `seconds` of wall time pass. */
void amb_player_advance(amb_player *player, double seconds);

/* Goes to a time within the clip; or by frames of the clip, from the one that is shown. Both stop it. */
void amb_player_seek(amb_player *player, double time);
void amb_player_step(amb_player *player, int frames);

const amb_snapshot *amb_player_look(amb_player *player);

#endif
