/* The subcommands: main.c dispatches to them. Each parses its command line and returns the exit status. */
#ifndef AMI_CLI_COMMANDS_H
#define AMI_CLI_COMMANDS_H

int cmd_train(int argc, char **argv);
int cmd_fit(int argc, char **argv);
int cmd_rollout(int argc, char **argv);
int cmd_eval(int argc, char **argv);
int cmd_clip(int argc, char **argv);
int cmd_style(int argc, char **argv);
int cmd_model(int argc, char **argv);

#endif
