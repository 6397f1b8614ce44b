/* The least that can be said to have started. */
#include <stdio.h>

int main(void) {
    puts("started");
    return 0;
}
