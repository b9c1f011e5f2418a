// SPDX-License-Identifier: Apache-2.0
/*
 * http over TLS, against "openssl s_server" with certificates made for the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "imsfs/http.h"

/* ca signs: good, expired, elsewhere, client. self signs itself. other is a CA of nobody here. */
static const char make_certificates[] =
    "set -e\n"
    "key='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'\n"
    "local=subjectAltName=DNS:localhost,IP:127.0.0.1\n"
    "for name in ca other self; do\n"
    "  openssl req -x509 $key -keyout $name.key -out $name.pem -subj /CN=$name -addext $local\n"
    "done\n"
    "sign() { # name, days, subjectAltName\n"
    "  openssl req $key -keyout $1.key -out $1.csr -subj /CN=$1 -addext \"$3\"\n"
    "  openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days $2 \\\n"
    "    -copy_extensions copy -out $1.pem\n"
    "}\n"
    "sign good 2 $local\n"
    "sign expired -1 $local\n"
    "sign elsewhere 2 subjectAltName=DNS:ims.example.com\n"
    "sign client 2 subjectAltName=DNS:client.example.com\n"
    "openssl ec -in client.key -aes128 -passout pass:1234 -out locked.key\n"
    "cat client.pem client.key > both.pem\n";

static char directory[] = "/tmp/imsfs-test-tls-XXXXXX";

static int make_directory(void **state)
{
    (void)state;
    char command[2048];
    if (!mkdtemp(directory) || chdir(directory) < 0)
        return -1;
    snprintf(command, sizeof(command), "exec >certificates.log 2>&1\n%s", make_certificates);
    if (system(command) == 0)
        return 0;
    print_error("cannot make certificates; see %s/certificates.log\n", directory);
    return -1;
}

static int remove_directory(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    return chdir("/") < 0 ? -1 : system(command);
}

/* --- the server --- */

struct tls_server {
    pid_t pid;
    FILE *output;
    char url[64];
};

static void start(struct tls_server *s, const char *certificate, const char *more)
{
    int ends[2];
    char command[512], line[256];
    unsigned port = 0;
    snprintf(command, sizeof(command),
             "exec openssl s_server -accept 127.0.0.1:0 -www -cert %s.pem -key %s.key %s "
             "</dev/null 2>/dev/null",
             certificate, certificate, more);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM); /* a test that fails does not stop it */
        dup2(ends[1], STDOUT_FILENO);
        execl("/bin/sh", "sh", "-c", command, NULL);
        _exit(127);
    }
    close(ends[1]);
    s->output = fdopen(ends[0], "r");
    while (!port && fgets(line, sizeof(line), s->output))
        (void)sscanf(line, "ACCEPT 127.0.0.1:%u", &port);
    assert_int_not_equal(port, 0);
    snprintf(s->url, sizeof(s->url), "https://127.0.0.1:%u/", port);
}

static void stop(struct tls_server *s)
{
    kill(s->pid, SIGTERM);
    assert_int_equal(waitpid(s->pid, NULL, 0), s->pid);
    fclose(s->output);
}

/* --- the client --- */

struct outcome {
    int result, status;
    unsigned long long requests;
    char cause[256];
};

static struct outcome get(const char *url, struct http_tls tls)
{
    struct outcome o = {0};
    struct http *http;
    struct http_response response;
    atomic_ullong requests = 0;
    struct http_config config = {.tls = tls, .backoff_ms = 2, .requests = &requests};
    assert_int_equal(http_new(&http, &config), 0);
    const struct http_request request = {.url = url,
                                         .deadline_ms = clock_now_ms(&clock_boottime) + 20000};
    o.result = http_send(http, &request, &response);
    o.status = response.status;
    o.requests = atomic_load(&requests);
    snprintf(o.cause, sizeof(o.cause), "%s", response.cause);
    http_response_free(&response);
    http_free(http);
    return o;
}

struct row {
    const char *name, *certificate, *server_options;
    struct http_tls tls;
    const char *cause; /* NULL: it works */
};

static void check(const struct row *row)
{
    struct tls_server server;
    start(&server, row->certificate, row->server_options);
    struct outcome o = get(server.url, row->tls);
    stop(&server);
    bool good = row->cause ? o.result == -EHOSTUNREACH && o.status == 0 : o.result == 0;
    if (!good || (row->cause && !strstr(o.cause, row->cause)))
        fail_msg("%s: %d, status %d: %s", row->name, o.result, o.status, o.cause);
    if (o.requests != 1)
        fail_msg("%s: %llu requests", row->name, o.requests);
}

static void only_servers_that_prove_themselves_are_talked_to(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"trusted", "good", "", {.cacert = "ca.pem"}, NULL},
        {"only the system's store", "good", "", {0}, "unable to get local issuer certificate"},
        {"another CA", "good", "", {.cacert = "other.pem"}, "unable to get local issuer"},
        {"self-signed", "self", "", {.cacert = "ca.pem"}, "self-signed certificate"},
        {"self-signed and known", "self", "", {.cacert = "self.pem"}, NULL},
        {"expired", "expired", "", {.cacert = "ca.pem"}, "certificate has expired"},
        {"another host", "elsewhere", "", {.cacert = "ca.pem"}, "target host name"},
        {"old TLS", "good", "-tls1_1 -cipher ALL:@SECLEVEL=0", {.cacert = "ca.pem"}, "alert"},
        {"no such CA file", "good", "", {.cacert = "absent.pem"}, "absent.pem"},
        {"no CA in the file", "good", "", {.cacert = "good.key"}, "good.key"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        check(&rows[i]);
}

static void who_insists_talks_to_anybody(void **state)
{
    (void)state;
    static const char *const certificates[] = {"good", "self", "expired", "elsewhere"};
    for (size_t i = 0; i < ARRAY_SIZE(certificates); i++) {
        struct row row = {certificates[i], certificates[i], "", {.insecure = true}, NULL};
        check(&row);
        row.tls.cacert = "other.pem";
        check(&row);
    }
}

#define WANTS_US "-Verify 1 -verify_return_error -CAfile ca.pem"

static void we_prove_ourselves_where_that_is_wanted(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"two files", "good", WANTS_US, {"ca.pem", "client.pem", "client.key", false}, NULL},
        {"one file", "good", WANTS_US, {"ca.pem", "both.pem", NULL, false}, NULL},
        {"TLS 1.2", "good", WANTS_US " -tls1_2", {"ca.pem", "both.pem", NULL, false}, NULL},
        {"not wanted", "good", "", {"ca.pem", "both.pem", NULL, false}, NULL},
        {"none", "good", WANTS_US, {.cacert = "ca.pem"}, "alert certificate required"},
        {"none, TLS 1.2", "good", WANTS_US " -tls1_2", {.cacert = "ca.pem"}, "alert handshake"},
        {"unknown",
         "good",
         WANTS_US,
         {"ca.pem", "self.pem", "self.key", false},
         "alert unknown ca"},
        {"another's key", "good", WANTS_US, {"ca.pem", "client.pem", "self.key", false}, "key"},
        {"no file", "good", WANTS_US, {"ca.pem", "absent.pem", NULL, false}, "absent.pem"},
        {"no key", "good", WANTS_US, {"ca.pem", "client.pem", "absent.key", false}, "absent.key"},
        {"locked", "good", WANTS_US, {"ca.pem", "client.pem", "locked.key", false}, "locked.key"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        check(&rows[i]);
}

/* On a terminal OpenSSL would ask there, and wait. */
static void nobody_is_asked_for_a_password(void **state)
{
    (void)state;
    struct tls_server server;
    int terminal, status;
    char shown[1024] = "";
    size_t len = 0;
    start(&server, "good", WANTS_US);
    pid_t child = forkpty(&terminal, NULL, NULL, NULL);
    assert_true(child >= 0);
    if (child == 0) {
        struct outcome o =
            get(server.url, (struct http_tls){"ca.pem", "client.pem", "locked.key", false});
        _exit(o.result == -EHOSTUNREACH ? 0 : 1);
    }
    for (ssize_t n; !strstr(shown, "pass phrase") && len < sizeof(shown) - 1 &&
                    (n = read(terminal, shown + len, sizeof(shown) - 1 - len)) > 0;)
        len += (size_t)n;
    kill(child, len ? SIGKILL : 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    close(terminal);
    stop(&server);
    assert_string_equal(shown, "");
    assert_int_equal(status, 0);
}

/* http_new() may not count on the caller's strings later. */
static void the_names_of_the_files_are_copied(void **state)
{
    (void)state;
    struct tls_server server;
    struct http *http;
    struct http_response response;
    char *cacert = strdup("ca.pem"), *cert = strdup("both.pem");
    start(&server, "good", WANTS_US);
    struct http_config config = {.tls = {.cacert = cacert, .cert = cert}};
    assert_int_equal(http_new(&http, &config), 0);
    free(cacert);
    free(cert);
    const struct http_request request = {.url = server.url,
                                         .deadline_ms = clock_now_ms(&clock_boottime) + 20000};
    assert_int_equal(http_send(http, &request, &response), 0);
    http_response_free(&response);
    http_free(http);
    stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_servers_that_prove_themselves_are_talked_to),
        cmocka_unit_test(who_insists_talks_to_anybody),
        cmocka_unit_test(we_prove_ourselves_where_that_is_wanted),
        cmocka_unit_test(nobody_is_asked_for_a_password),
        cmocka_unit_test(the_names_of_the_files_are_copied),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
