/* A session of one character, one of many that share networks and motions. Each has random numbers of its own, so
 * results depend on the seed and a character's number, not on the number of characters or threads. */
#ifndef AMI_SESSION_SOLO_H
#define AMI_SESSION_SOLO_H

#include "session/session.h"

typedef struct ami_solo {
    ami_session *session;
    ami_skill *skill[AMI_SKILLS], *get_up[AMI_FACES];
} ami_solo;

/* def: of each character; its skills are shared (ami_skill_share), not changed. Characters, history_s, seed, stream
 * and unmeasured are replaced. generator: if the first skill invents motions; its seed is replaced. On failure, too,
 * free it. */
AMI_MUST_CHECK bool ami_solo_make(ami_solo *solo, const ami_session_def *def,
                                  const ami_generator_def *generator, uint64_t seed, int index,
                                  ami_error *err);
void ami_solo_free(ami_solo *solo);

#endif
