// SPDX-License-Identifier: Apache-2.0
/*
 * ims-sim: an image service on loopback, out of a JSON file or by rule, for tests and
 * demonstrations.
 *
 * GET /v2/images and GET /v2/cloudimages answer as the documents of both calls say and as a real
 * Glance was seen to. The file may be changed at any time (rename a new one over it); SIGHUP reads
 * it again at once. Images by rule (rule.h) are computed for each answer, so a million need no
 * memory and a page of them costs what a page of few does.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>

#include "server.h"

static const char usage[] =
    "usage: ims-sim [options] FILE\n"
    "       ims-sim [options] --rule N[+STEP][/NAMES]\n"
    "  --port N           listen on 127.0.0.1:N; 0 (the default) is any free port\n"
    "  --prefix PATH      serve PATH/v2/... (links in answers stay without it, as Glance's do)\n"
    "  --token TOKEN      answer 401 to any other X-Auth-Token\n"
    "  --no-cloudimages   a plain Glance: /v2/cloudimages is 404\n"
    "  --limit-max N      cut a larger limit to N (default 1000)\n"
    "  --exact-next       no \"next\" on the last page, as the documents say; a real Glance has "
    "one\n"
    "                     on every full page, and so has this by default\n"
    "  --latency MS       answer that much later\n"
    "  --fault N=WHAT     the Nth request goes wrong; also N-M=, N-= and *=. WHAT is a status\n"
    "                     (503, 429:RETRY_AFTER), hang, reset, truncate, garbage or delay:MS\n"
    "  --rule N           N images made by rule instead of a file: up to 16000000, not stored; at\n"
    "                     SIGHUP the STEP oldest go and new ones come. NAMES of them have names\n"
    "                     of their own, then these come again. They sort by created_at and\n"
    "                     __sequence_num only\n"
    "  --log FILE         one line a request: number, ms, method, target, status, images\n"
    "FILE: a list response, an array, or one record a line. A response may also hold\n"
    "project_id, members {image id: [{member_id, status}]} and flavors {id: [image ids]}.\n"
    "A parameter called harness is left out of account: tests mark their own requests with it.\n";

enum {
    OPT_PORT = 256,
    OPT_PREFIX,
    OPT_TOKEN,
    OPT_NO_CLOUD,
    OPT_LIMIT_MAX,
    OPT_EXACT,
    OPT_LATENCY,
    OPT_FAULT,
    OPT_LOG,
    OPT_RULE,
    OPT_HELP
};

static const struct option long_options[] = {
    {"port", required_argument, NULL, OPT_PORT},
    {"prefix", required_argument, NULL, OPT_PREFIX},
    {"token", required_argument, NULL, OPT_TOKEN},
    {"no-cloudimages", no_argument, NULL, OPT_NO_CLOUD},
    {"limit-max", required_argument, NULL, OPT_LIMIT_MAX},
    {"exact-next", no_argument, NULL, OPT_EXACT},
    {"latency", required_argument, NULL, OPT_LATENCY},
    {"fault", required_argument, NULL, OPT_FAULT},
    {"log", required_argument, NULL, OPT_LOG},
    {"rule", required_argument, NULL, OPT_RULE},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

struct options {
    struct server_options server;
    const char *path; /* NULL: by rule */
    struct rule rule;
};

static bool parse_number(const char *text, unsigned max, unsigned *n)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    *n = (unsigned)value;
    return end != text && *end == '\0' && value <= max;
}

static bool open_log(const char *path, struct server_options *o)
{
    o->log = fopen(path, "ae");
    if (o->log)
        setvbuf(o->log, NULL, _IOLBF, 8192);
    return o->log;
}

/* False: usage. */
static bool take_option(int option, const char *value, struct server_options *o)
{
    unsigned n = 0;
    switch (option) {
    case OPT_PORT:
        if (!parse_number(value, 65535, &n))
            return false;
        o->port = (unsigned short)n;
        return true;
    case OPT_PREFIX:
        o->prefix = value;
        return true;
    case OPT_TOKEN:
        o->token = value;
        return true;
    case OPT_NO_CLOUD:
        o->no_cloudimages = o->rules.plain_glance = true;
        return true;
    case OPT_LIMIT_MAX:
        return parse_number(value, 1000000, &o->rules.limit_max) && o->rules.limit_max;
    case OPT_EXACT:
        o->rules.exact_next = true;
        return true;
    case OPT_LATENCY:
        return parse_number(value, 3600000, &o->latency_ms);
    case OPT_FAULT:
        return fault_add(&o->faults, value);
    case OPT_LOG:
        return open_log(value, o);
    default:
        return false;
    }
}

/* 0: go on; else the exit status + 1. */
static int parse_options(int argc, char **argv, struct options *o)
{
    bool by_rule = false;
    int option;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option == OPT_HELP) {
            fputs(usage, stdout);
            return 1;
        }
        by_rule = by_rule || option == OPT_RULE;
        if (option == OPT_RULE ? !rule_parse(&o->rule, optarg)
                               : !take_option(option, optarg, &o->server)) {
            fputs(usage, stderr);
            return 3;
        }
    }
    if (optind + !by_rule != argc) {
        fputs(usage, stderr);
        return 3;
    }
    o->path = argv[optind];
    return 0;
}

/* Until SIGTERM or SIGINT. */
static void serve(struct store *store, const sigset_t *signals)
{
    int signal;
    while (sigwait(signals, &signal) == 0 && signal == SIGHUP)
        store_reload(store);
}

static int run(const struct options *options, const sigset_t *signals)
{
    struct store *store = NULL;
    struct server *server = NULL;
    char error[200] = "out of memory";
    int r = options->path ? store_open(&store, options->path, error, sizeof(error))
                          : store_open_rule(&store, options->rule);
    if (r < 0) {
        fprintf(stderr, "ims-sim: %s: %s\n", options->path ? options->path : "--rule", error);
        return 1;
    }
    r = server_start(&server, &options->server, store);
    if (r < 0) {
        fprintf(stderr, "ims-sim: port %u: %s\n", options->server.port, strerror(-r));
    } else {
        printf("listening on 127.0.0.1:%u\n", server_port(server));
        fflush(stdout);
        serve(store, signals);
        server_stop(server);
    }
    store_free(store);
    return r < 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct options options = {.server = {.prefix = "", .rules = {.limit_max = 1000}}};
    sigset_t signals;
    int r = parse_options(argc, argv, &options);
    if (r > 0)
        return r - 1;
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    /* Before threads start, so that all of them leave the signals to sigwait(). */
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    r = run(&options, &signals);
    if (options.server.log)
        fclose(options.server.log);
    return r;
}
