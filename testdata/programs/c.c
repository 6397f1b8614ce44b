/* Asks libc for what an image easily lacks: a user by number, a service by name, the two addresses of localhost. */
#include <math.h>
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
    struct passwd *user = getpwuid(getuid());
    struct servent *service = getservbyname("https", "tcp");
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int answer = getaddrinfo("localhost", "http", &hints, &found);
    volatile double two = 2.0;

    printf("user %s\n", user ? user->pw_name : "unknown");
    printf("https %d\n", service ? (service->s_port & 0xff) << 8 | service->s_port >> 8 : -1);
    printf("localhost %s\n", answer == 0 ? "known" : gai_strerror(answer));
    printf("sqrt %.6f\n", sqrt(two));
    return user && service && answer == 0 ? 0 : 1;
}
