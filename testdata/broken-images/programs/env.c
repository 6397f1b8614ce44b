/* As much of env(1) as scripts use: `env PROGRAM` and `env -S PROGRAM ARG...`, with names apart by spaces. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
    char *arguments[64];
    int count = 0, next = 1;
    if (next < argc && strncmp(argv[next], "-S", 2) == 0) {
        for (char *word = strtok(argv[next++] + 2, " "); word && count < 32; word = strtok(NULL, " "))
            arguments[count++] = word;
    }
    while (next < argc && count < 63)
        arguments[count++] = argv[next++];
    arguments[count] = NULL;
    if (count == 0)
        return 125;
    execvp(arguments[0], arguments);
    fprintf(stderr, "env: ");
    perror(arguments[0]);
    return 127;
}
