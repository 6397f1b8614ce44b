/* Says hello with what a classic image has: users, names of ports, time zones and certificates; with TLS, OpenSSL. */
#include <dlfcn.h>
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static void certificates(const char *path) {
    char line[256];
    int count = 0;
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        count += !strncmp(line, "-----BEGIN", 10);
    printf("certificates %s\n", count > 100 ? "many" : "few");
}

int main(void) {
    struct utsname machine;
    uname(&machine);
    printf("hello from %s\n", machine.machine);
    struct passwd *user = getpwuid(getuid());
    printf("user %s at %s\n", user ? user->pw_name : "unknown", user ? user->pw_dir : "nowhere");
    struct servent *https = getservbyname("https", "tcp");
    printf("https %d\n", https ? (https->s_port & 0xff) << 8 | https->s_port >> 8 : 0);
    time_t summer = 1751328000;
    char text[64];
    strftime(text, sizeof text, "%H:%M %Z", localtime(&summer));
    printf("time %s\n", text);
    certificates("/etc/ssl/certs/ca-certificates.crt");
#ifdef TLS
    void *library = dlopen("libssl.so.3", RTLD_NOW);
    const char *(*version)(int) = library ? (const char *(*)(int))dlsym(library, "OpenSSL_version") : 0;
    printf("%s\n", version ? version(0) : dlerror());
#endif
    return 0;
}
