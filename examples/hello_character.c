/* A character walks, is pushed, changes its style, does a backflip if it can, and prints its pose.
 *
 *     hello_character */
#include <amble/amble.h>

#include <stdio.h>
#include <stdlib.h>

static void check(amb_result result)
{
    if (result == AMB_OK)
        return;
    fprintf(stderr, "%s: %s\n", amb_result_name(result), amb_error_message());
    exit(1);
}

static void live(amb_character *hero, double seconds)
{
    static const char *const name[] = {"",        "fell",        "stood up",      "was lifted",
                                       "reached", "ended skill", "was begun anew"};
    amb_character_state state = {.size = sizeof state};
    amb_event event = {.size = sizeof event};
    for (int frame = 0; frame < 60 * seconds; frame++) {
        check(amb_character_advance(hero, 1. / 60));
        while (amb_character_poll(hero, &event))
            printf("%5.2f s  %s\n", event.time, name[event.type]);
    }
    check(amb_character_get_state(hero, &state));
    printf("%5.2f s  %s %s, %.2f m/s, heading %.2f rad, phase %.2f%s\n", state.time, state.skill, state.style,
           state.speed, state.heading, state.phase, state.down ? ", down" : "");
}

int main(void)
{
    amb_model_set *models;
    amb_character_def def;
    amb_character *hero;
    amb_request request;
    check(amb_model_set_load(NULL, &models));
    amb_character_def_init(&def);
    def.space = AMB_SPACE_GODOT; /* y up, -z forward, metres */
    check(amb_character_create(models, &def, &hero));
    live(hero, 1.5);

    puts("a push from its left");
    check(amb_character_push(hero, (const double[3]){.5, 0, 0}));
    live(hero, 1.5);

    puts("turns left, half a zombie");
    amb_request_init(&request);
    request.style = "walk:0.5,zombie:0.5";
    request.heading = 1.57;
    check(amb_character_request(hero, &request));
    live(hero, 3.5);

    for (int i = 0; i < amb_model_set_skills(models); i++) {
        amb_request_init(&request);
        request.skill = amb_model_set_skill_name(models, i);
        request.cycles = 1;
        if (request.skill[0] != 'b')
            continue;
        puts("a backflip");
        check(amb_character_request(hero, &request));
    }
    live(hero, 3);

    const int bodies = amb_character_bodies(hero);
    amb_transform *world = malloc((size_t)bodies * sizeof *world);
    if (!world)
        return 1;
    check(amb_character_pose(hero, 0, world, NULL));
    for (int b = 0; b < bodies; b++)
        printf("%-15s at (%6.3f, %6.3f, %6.3f) m, turned (%6.3f, %6.3f, %6.3f, %6.3f)\n",
               amb_character_body_name(hero, b), world[b].position[0], world[b].position[1],
               world[b].position[2], world[b].rotation[0], world[b].rotation[1], world[b].rotation[2],
               world[b].rotation[3]);
    free(world);
    amb_character_destroy(hero);
    amb_model_set_destroy(models);
    return 0;
}
