// SPDX-License-Identifier: Apache-2.0
/*
 * home: a home and a working directory of our own, with no variable of any cloud set, and what is
 * logged kept for a look. One at a time; the test's set-up and tear-down call home_begin() and
 * home_end().
 */
#ifndef TESTS_HOME_H
#define TESTS_HOME_H

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct home {
    char root[32]; /* with home/ and work/, where we are */
    int log, stderr_copy;
};

static struct home home;

static void home_forget_variables(void)
{
    static const char *const prefixes[] = {"OS_", "HW_", "HUAWEICLOUD_", "XDG_"};
    for (char **entry = environ; *entry;) {
        size_t i = 0;
        while (i < 4 && strncmp(*entry, prefixes[i], strlen(prefixes[i])) != 0)
            i++;
        if (i == 4) {
            entry++;
            continue;
        }
        char *name = strndup(*entry, strcspn(*entry, "="));
        unsetenv(name); /* moves the others up */
        free(name);
    }
}

static int home_begin(void **state)
{
    char path[64];
    (void)state;
    strcpy(home.root, "/tmp/imsfs-home-XXXXXX");
    assert_non_null(mkdtemp(home.root));
    chmod(home.root, 0755);
    static const char *const directories[] = {"home", "work", "etc"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/%s", home.root, directories[i]);
        assert_return_code(mkdir(path, 0755), 0);
    }
    home_forget_variables();
    setenv("XDG_CONFIG_DIRS", path, 1);
    snprintf(path, sizeof(path), "%s/home", home.root);
    setenv("HOME", path, 1);
    snprintf(path, sizeof(path), "%s/work", home.root);
    assert_return_code(chdir(path), 0);
    home.log = open(home.root, O_TMPFILE | O_RDWR, 0600);
    assert_return_code(home.log, 0);
    home.stderr_copy = dup(STDERR_FILENO);
    dup2(home.log, STDERR_FILENO);
    return 0;
}

static int home_remove(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static int home_end(void **state)
{
    (void)state;
    dup2(home.stderr_copy, STDERR_FILENO);
    close(home.stderr_copy);
    close(home.log);
    assert_return_code(chdir("/"), 0);
    home_forget_variables();
    return nftw(home.root, home_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/* Writes a file below the root, with the directories that it needs; 0600. */
static void home_write(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", home.root, name);
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_return_code(fd, 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

/* A path below the root; valid until the next call. */
static const char *home_path(const char *name)
{
    static char path[256];
    snprintf(path, sizeof(path), "%s/%s", home.root, name);
    return path;
}

/* How often text was logged. */
static size_t home_logged(const char *text)
{
    char log[8192];
    size_t count = 0;
    ssize_t n = pread(home.log, log, sizeof(log) - 1, 0);
    assert_return_code(n, 0);
    log[n] = '\0';
    for (const char *at = log; (at = strstr(at, text)); at++)
        count++;
    return count;
}

#endif
