/* Stands for a shell or a language: says that it started, with the arguments it was given. */
#include <stdio.h>

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        printf("%s ", argv[i]);
    puts("started");
    return 0;
}
