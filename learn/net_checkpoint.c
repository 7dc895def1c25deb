/* Saves and loads a network in training and its optimiser. */
#include "learn/net_checkpoint.h"

#include <stdio.h>

enum { PARTS = 4 };

typedef struct part {
    char section[AMI_CHECKPOINT_NAME];
    void *data;
    size_t size;
} part;

static void list_parts(const char *name, ami_train_net *net, ami_adam *adam, part list[PARTS])
{
    static const char *const what[PARTS] = {"parameters", "adam_m", "adam_v", "adam_step"};
    void *const data[PARTS] = {ami_train_net_parameters(net), adam->m, adam->v, &adam->step};
    const size_t bytes = ami_train_net_size(net) * sizeof(float);
    for (int i = 0; i < PARTS; i++) {
        snprintf(list[i].section, sizeof list[i].section, "%s.%s", name, what[i]);
        list[i].data = data[i];
        list[i].size = i < 3 ? bytes : sizeof adam->step;
    }
}

bool ami_net_checkpoint_put(ami_checkpoint_writer *writer, const char *name, ami_train_net *net,
                            const ami_adam *adam, ami_error *err)
{
    ami_adam seen = *adam;
    part list[PARTS];
    list_parts(name, net, &seen, list);
    for (int i = 0; i < PARTS; i++)
        if (!ami_checkpoint_put(writer, list[i].section, list[i].data, list[i].size, err))
            return false;
    return true;
}

bool ami_net_checkpoint_get(const ami_checkpoint *checkpoint, const char *name, ami_train_net *net,
                            ami_adam *adam, ami_error *err)
{
    part list[PARTS];
    list_parts(name, net, adam, list);
    for (int i = 0; i < PARTS; i++)
        if (!ami_checkpoint_get(checkpoint, list[i].section, list[i].data, list[i].size, err))
            return false;
    ami_train_net_parameters_changed(net);
    return true;
}
