/* Starts a process in a folder as a container engine does, without the engine: for tests that must know what the
 * kernel and the loader make of an image, a thousand times a minute. It runs in a user namespace of its own.
 *
 *   start BINFMT RULE ROOT UID GID WORKDIR PROGRAM ARG...
 *
 * RULE is written into a binfmt_misc that is mounted at BINFMT and is this user namespace's alone; `-` for none. The
 * environment is passed on. What fails is said as `start: WHAT: WHY`, and then the status is 125.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(int is_done, const char *what) {
    if (!is_done) {
        fprintf(stderr, "start: %s: %s\n", what, strerror(errno));
        exit(125);
    }
}

static void put(const char *path, const char *text) {
    int file = open(path, O_WRONLY);
    must(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text), path);
    close(file);
}

/* Goes on in a child with namespaces of its own; the parent ends as it ends. */
static void enter_namespaces(void) {
    int is_there[2], is_mapped[2];
    char byte = 0, path[64];
    must(pipe(is_there) == 0 && pipe(is_mapped) == 0, "pipe");
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        close(is_mapped[1]);
        must(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0, "namespaces");
        must(write(is_there[1], &byte, 1) == 1 && read(is_mapped[0], &byte, 1) == 1, "the users of the namespace");
        return;
    }
    close(is_there[1]);
    if (read(is_there[0], &byte, 1) == 1) {
        snprintf(path, sizeof path, "/proc/%d/uid_map", child);
        put(path, "0 0 65536");
        snprintf(path, sizeof path, "/proc/%d/gid_map", child);
        put(path, "0 0 65536");
        must(write(is_mapped[1], &byte, 1) == 1, "pipe");
    }
    int status;
    must(waitpid(child, &status, 0) == child, "wait");
    exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* Where engines find a program: by its path, or else as an executable file in a folder of PATH. */
static const char *find(const char *program) {
    static char found[4096];
    if (strchr(program, '/'))
        return program;
    const char *path = getenv("PATH");
    errno = ENOENT;
    while (path && *path) {
        size_t length = strcspn(path, ":");
        struct stat file;
        snprintf(found, sizeof found, "%.*s/%s", (int)length, path, program);
        if (stat(found, &file) == 0 && S_ISREG(file.st_mode) && access(found, X_OK) == 0)
            return found;
        path += length + (path[length] == ':');
    }
    must(0, program);
    return NULL;
}

int main(int argc, char **argv) {
    if (argc < 8) {
        fputs("usage: start BINFMT RULE ROOT UID GID WORKDIR PROGRAM ARG...\n", stderr);
        return 125;
    }
    uid_t uid = (uid_t)strtoul(argv[4], NULL, 10);
    gid_t gid = (gid_t)strtoul(argv[5], NULL, 10);
    enter_namespaces();
    must(chdir(argv[1]) == 0, argv[1]);
    if (strcmp(argv[2], "-") != 0) {
        must(mount("binfmt_misc", ".", "binfmt_misc", 0, NULL) == 0, "binfmt_misc");
        must(chdir(argv[1]) == 0, argv[1]);
        put("register", argv[2]);
    }
    must(chdir(argv[3]) == 0, argv[3]);
    /* Loaders learn from /proc where a program is. */
    must(mkdir("proc", 0555) == 0 || errno == EEXIST, "proc");
    must(mount("/proc", "proc", NULL, MS_BIND | MS_REC, NULL) == 0, "/proc");
    must(chroot(".") == 0, argv[3]);
    must(setgroups(0, NULL) == 0, "groups");
    must(setgid(gid) == 0, "gid");
    must(setuid(uid) == 0, "uid");
    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no new privileges");
    must(chdir(argv[6]) == 0, argv[6]);
    const char *program = find(argv[7]);
    execve(program, argv + 7, environ);
    must(0, program);
}
