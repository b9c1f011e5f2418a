// SPDX-License-Identifier: Apache-2.0
/*
 * main: puts the parts together, waits for what ends them, and takes them apart in reverse order.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "imsfs/daemon.h"
#include "imsfs/event.h"
#include "imsfs/failure.h"
#include "imsfs/fs.h"
#include "imsfs/help.h"
#include "imsfs/log.h"
#include "imsfs/login.h"
#include "imsfs/memory.h"
#include "imsfs/mount.h"

/* One may be inside the kernel while another must answer it; nobody waits for more: none ever
 * blocks. */
#define FUSE_WORKERS 2

struct app {
    struct options options;
    struct daemon daemon;
    int signal_fd; /* -1: not open */
    struct mount mount;
    bool stopped; /* somebody told us to end */
    char **argv;
    const struct sandbox *confined; /* NULL: there is no sandbox */
    struct sandbox sandbox;
    struct slot_table *attrs;
    struct layout *layout;
    struct numbers numbers;
    struct tree tree;
    struct login login;
    struct source *source;
    struct criteria criteria;
    struct queries *queries;
    struct fs *fs;
    struct cache *cache;
    struct status status;
    struct traffic traffic;
    struct limits_counters over;
};

/* --- what can happen while we run --- */

static bool on_signal(void *ctx)
{
    struct app *app = ctx;
    for (int number; (number = daemon_next_signal(app->signal_fd));) {
        if (number == SIGINT || number == SIGTERM)
            app->stopped = true;
        if (number == SIGHUP)
            cache_refresh(app->cache);
    }
    return !app->stopped;
}

static bool on_mount_change(void *ctx)
{
    const struct app *app = ctx;
    return mount_present(&app->mount);
}

static bool on_end(void *ctx)
{
    (void)ctx;
    return false;
}

static void wait_for_end(struct app *app)
{
    const struct event events[] = {
        {app->signal_fd, POLLIN, on_signal},
        {app->mount.watch_fd, POLLPRI, on_mount_change},
        {fs_ended_fd(app->fs), POLLIN, on_end},
    };
    event_wait(events, ARRAY_SIZE(events), app);
}

/* The first page of the list, or why there is none. */
static int wait_for_first_page(struct app *app, struct strbuf *why)
{
    char reason[512];
    const struct event events[] = {
        {app->signal_fd, POLLIN, on_signal},
        {cache_first_fd(app->cache), POLLIN, on_end},
    };
    event_wait(events, ARRAY_SIZE(events), app);
    if (app->stopped) { /* even if the page has come as well: the signal comes only once */
        strbuf_add_str(why, "stopped before the first page of the list had come");
        return -EINTR;
    }
    int rc = cache_first_page(app->cache, reason);
    if (rc)
        strbuf_add_str(why, reason);
    return rc;
}

/* --- what queries and the status ask; any thread --- */

static enum query_dialect dialect_of(void *ctx)
{
    const struct app *app = ctx;
    return source_dialect(app->source);
}

static struct bytes project_of(void *ctx)
{
    const struct app *app = ctx;
    return login_project(&app->login, &app->options);
}

static void add_refused(void *ctx, struct strbuf *out)
{
    const struct app *app = ctx;
    queries_add_refused(app->queries, out);
}

static void forget_account(void *ctx)
{
    struct app *app = ctx;
    login_free(&app->login);
}

/* What to do when something cannot be done. usual: unless this machine is short of something. */
static const char *advice(int rc, const char *usual)
{
    const char *scarcity = failure_scarcity(rc);
    return scarcity ? scarcity : usual;
}

static int make_sandbox(struct app *app, struct strbuf *why)
{
    struct sandbox_config needs;
    if (!login_needs(&app->login, &app->options, &needs) || app->options.nosandbox)
        return 0;
    int rc = mount_keep(&app->mount, app->argv, forget_account, app);
    if (!rc)
        rc = sandbox_init(&app->sandbox, &needs);
    if (rc)
        strbuf_printf(why, "cannot give rights up: %s; %s", strerror(-rc),
                      advice(rc, "nosandbox keeps them"));
    else
        app->confined = &app->sandbox;
    return rc;
}

/* --- up and down --- */

static int make_fs(struct app *app)
{
    const struct options *o = &app->options;
    const struct queries_config queries = {
        .criteria = &app->criteria,
        .project = project_of,
        .dialect = dialect_of,
        .ctx = app,
    };
    int rc = numbers_init(&app->numbers, app->layout, app->attrs);
    if (!rc)
        rc = queries_new(&app->queries, &queries);
    if (rc)
        return rc;
    app->tree = (struct tree){
        .numbers = &app->numbers,
        .uid = o->uid,
        .gid = o->gid,
        .umask = o->umask,
        .queries = true,
    };
    const struct fs_config fs = {
        .tree = &app->tree,
        .workers = FUSE_WORKERS,
        .follow = !o->nofollow,
        .debug = o->debug,
        .traffic = &app->traffic,
        .queries = app->queries,
    };
    return fs_new(&app->fs, &fs);
}

static int start_threads(void *ctx)
{
    struct app *app = ctx;
    int rc = fs_attach(app->fs, app->cache, &app->status);
    return rc ? rc : cache_start(app->cache);
}

static int make_cache(struct app *app)
{
    const struct options *o = &app->options;
    const struct cache_config cache = {
        .source = app->source,
        .numbers = &app->numbers,
        .query = query_ref(app->criteria.filter),
        .clock = &clock_boottime,
        .listener = fs_listener(app->fs),
        .ttl_ms = o->ttl_ms,
        .stale_ms = o->stale_ms,
        .timeout_ms = o->timeout_ms,
        .max_bytes = (uint64_t)o->cache_max < SIZE_MAX ? (size_t)o->cache_max : SIZE_MAX,
        .log_first = o->lazy,
    };
    int rc = cache_new(&app->cache, &cache);
    if (rc)
        return rc;
    queries_attach(app->queries, app->cache);
    app->status = (struct status){
        .cache = app->cache,
        .source = app->source,
        .version = IMSFS_VERSION,
        .location = login_location(&app->login, o),
        .auth = app->login.auth,
        .traffic = &app->traffic,
        .over = &app->over,
        .filter = app->criteria.filter,
        .dialect = dialect_of,
        .add_refused = add_refused,
        .ctx = app,
    };
    return sandbox_call(app->confined, start_threads, app);
}

static int prepare(struct app *app, struct strbuf *why)
{
    int rc = login_open(&app->login, &app->options, app->attrs, &app->source, why);
    if (rc)
        return rc;
    rc = make_fs(app);
    if (!rc)
        rc = make_cache(app);
    if (rc)
        strbuf_printf(why, "cannot start: %s; %s", strerror(-rc), advice(rc, "see the log"));
    else if (!app->options.lazy)
        rc = wait_for_first_page(app, why);
    return rc;
}

/* Mounts and starts the workers. */
static int mount_it(struct app *app, struct strbuf *why)
{
    CLEANUP(strbuf_free) struct strbuf options = STRBUF_INIT;
    const struct options *o = &app->options;
    mountpoint_add_options(&options, login_location(&app->login, o), o->allow_other, o->allow_root);
    int rc = strbuf_error(&options);
    if (!rc)
        rc = fs_mount(app->fs, app->mount.point, strbuf_str(&options));
    app->mount.mounted = !rc;
    int found = rc ? 0 : mount_find(&app->mount, why); /* who is answered may move it */
    if (found)
        return found;
    if (!rc && app->confined)
        rc = sandbox_enter(app->confined);
    if (!rc)
        rc = fs_start(app->fs);
    if (rc)
        strbuf_printf(why, "%s: cannot mount: %s; %s", app->mount.point, strerror(-rc),
                      mount_advice(rc, o->allow_other || o->allow_root));
    return rc;
}

/* In reverse order: nobody waits, nobody is told, nobody asks. -errno: our mount is left behind. */
static int unwind(struct app *app)
{
    if (app->cache)
        cache_stop(app->cache);
    bool on_top = mount_on_top(&app->mount);
    if (app->fs)
        fs_stop(app->fs, on_top && !mount_is_kept(&app->mount));
    int rc = mount_leave(&app->mount, on_top);
    cache_free(app->cache);
    fs_free(app->fs);
    queries_free(app->queries);
    source_free(app->source);
    numbers_deinit(&app->numbers);
    return rc;
}

/* Where memory is short, what was to be said may not have found any either. */
static const char *reason(const struct strbuf *why, int rc)
{
    return why->len == 0 || strbuf_error(why) < 0 ? strerror(-rc) : strbuf_str(why);
}

/* The process that has the mount. Returns its exit status. */
static int serve(struct app *app)
{
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    int rc = mount_watch(&app->mount, &why);
    if (!rc)
        rc = make_sandbox(app, &why);
    if (!rc)
        rc = prepare(app, &why);
    if (!rc)
        rc = mount_it(app, &why);
    if (!rc && (rc = daemon_ready(&app->daemon)))
        strbuf_printf(&why, "cannot go to the background: %s; %s", strerror(-rc),
                      advice(rc, "that takes /dev/null"));
    if (!rc)
        wait_for_end(app);
    int left = unwind(app);
    if (rc)
        daemon_failed(&app->daemon, DAEMON_FAILURE, reason(&why, rc));
    return rc || left ? DAEMON_FAILURE : DAEMON_OK;
}

/* The log is a terminal's only in the foreground: what the child has to say goes through the
 * parent. */
static void set_up_log(const struct options *o)
{
    enum log_level level = o->debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
    log_setup(o->foreground ? LOG_SINK_STDERR : LOG_SINK_SYSLOG, level);
}

static int make_layout(struct app *app)
{
    const struct options *o = &app->options;
    char error[256] = "";
    int rc = image_attrs_new(&app->attrs);
    if (!rc)
        rc = layout_new(&app->layout, o->layout, o->by.items, o->by.count, app->attrs, error);
    if (rc)
        log_error("%s", error[0] ? error : strerror(-rc));
    return rc == 0 ? DAEMON_OK : rc == -EINVAL ? DAEMON_USAGE : DAEMON_FAILURE;
}

static int run(struct app *app)
{
    const struct options *o = &app->options;
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    int status = make_layout(app);
    if (status != DAEMON_OK)
        return status;
    int rc = options_criteria(o, &app->criteria, &why);
    if (!rc && o->recover)
        rc = mountpoint_recover(o->mountpoint, &why);
    if (!rc)
        rc = mountpoint_check(o->mountpoint, o->nonempty, &app->mount.point, &why);
    if (!rc)
        rc = login_load(&app->login, o, &why);
    if (rc) {
        const char *scarcity = failure_scarcity(rc);
        log_error("%s%s%s", reason(&why, rc), scarcity ? "; " : "", scarcity ? scarcity : "");
        return DAEMON_FAILURE;
    }
    rc = app->signal_fd = daemon_signals();
    if (rc >= 0)
        rc = daemon_fork(&app->daemon, o->foreground, &status);
    if (rc > 0)
        return status;
    if (rc < 0) {
        log_error("cannot start: %s; %s", strerror(-rc), advice(rc, "try again later"));
        return DAEMON_FAILURE;
    }
    set_up_log(o);
    return serve(app);
}

/* --- the command --- */

static void app_free(struct app *app)
{
    if (app->signal_fd >= 0)
        close(app->signal_fd);
    mount_deinit(&app->mount);
    sandbox_deinit(&app->sandbox);
    login_free(&app->login);
    criteria_clear(&app->criteria);
    layout_free(app->layout);
    slot_table_free(app->attrs);
    options_free(&app->options);
}

int main(int argc, char *argv[])
{
    CLEANUP(app_free)
    struct app app = {.daemon = DAEMON_INIT,
                      .signal_fd = -1,
                      .argv = argv,
                      .sandbox = SANDBOX_INIT,
                      .mount = MOUNT_INIT};
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    memory_setup();
    daemon_close_inherited();
    daemon_harden();
    int rc = options_parse(&app.options, argc, argv, &why);
    if (rc) {
        log_error("%s", reason(&why, rc));
        return rc == -EINVAL ? DAEMON_USAGE : DAEMON_FAILURE;
    }
    app.options.limits.counters = &app.over;
    if (app.options.action != OPTIONS_MOUNT)
        return help_print(app.options.action) < 0 ? DAEMON_FAILURE : DAEMON_OK;
    return run(&app);
}
