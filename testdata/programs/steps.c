/* A stand-in for a shell in images that have none: linked statically, mounted into the container beside the
 * image, it runs one step after the other and ends with the status of the first that fails.
 *
 *   steps STEP [';' STEP]...
 *     PROGRAM ARG...        run it and wait
 *     '&' PROGRAM ARG...    start it; it is ended with SIGTERM after the last step and must then end by itself
 *     @write PATH TEXT      make a file
 *     @await PATH           wait until PATH is there, 20 s at most
 *     @get SOCKET PATH      an HTTP GET through a Unix socket; prints the body
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t background[8];
static int background_count;

static int failed(const char *what) {
    fprintf(stderr, "steps: %s: %s\n", what, strerror(errno));
    return 1;
}

static pid_t start(char **argv) {
    pid_t pid = fork();
    if (pid == 0) {
        execvp(argv[0], argv);
        failed(argv[0]);
        _exit(127);
    }
    return pid;
}

static int ended(pid_t pid) {
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) return failed("waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0) return failed(path);
    return 0;
}

static int await(const char *path) {
    struct stat found;
    for (int tries = 0; tries < 400; tries++) {
        if (stat(path, &found) == 0) return 0;
        usleep(50 * 1000);
    }
    return failed(path);
}

static int get(const char *socket_path, const char *path) {
    static char reply[1 << 20];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = 0;
    ssize_t got;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strncpy(address.sun_path, socket_path, sizeof address.sun_path - 1);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) return failed(socket_path);
    dprintf(fd, "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n", path);
    while (length < sizeof reply - 1 && (got = read(fd, reply + length, sizeof reply - 1 - length)) > 0)
        length += got;
    close(fd);
    reply[length] = 0;
    char *body = strstr(reply, "\r\n\r\n");
    if (!body || !strstr(reply, " 200 ")) {
        fprintf(stderr, "steps: %s answered: %s\n", path, reply);
        return 1;
    }
    fputs(body + 4, stdout);
    return 0;
}

static int step(char **argv, int argc) {
    fflush(stdout);
    if (argc >= 2 && strcmp(argv[0], "&") == 0) {
        if (background_count == 8) return 2;
        return (background[background_count++] = start(argv + 1)) < 0;
    }
    if (argc == 3 && strcmp(argv[0], "@write") == 0) return write_file(argv[1], argv[2]);
    if (argc == 2 && strcmp(argv[0], "@await") == 0) return await(argv[1]);
    if (argc == 3 && strcmp(argv[0], "@get") == 0) return get(argv[1], argv[2]);
    return argc >= 1 && argv[0][0] != '@' ? ended(start(argv)) : 2;
}

int main(int argc, char **argv) {
    int status = 0;
    for (int from = 1; from < argc && status == 0;) {
        int to = from;
        while (to < argc && strcmp(argv[to], ";") != 0) to++;
        argv[to] = NULL;
        status = step(argv + from, to - from);
        if (status != 0) fprintf(stderr, "steps: %s: status %d\n", argv[from] ? argv[from] : "(none)", status);
        from = to + 1;
    }
    for (int i = 0; i < background_count; i++) {
        kill(background[i], SIGTERM);
        int left = ended(background[i]);
        if (status == 0 && left != 0 && left != 128 + SIGTERM) {
            fprintf(stderr, "steps: a program in the background ended with status %d\n", left);
            status = left;
        }
    }
    return status;
}
