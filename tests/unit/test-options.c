// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "imsfs/layout.h"
#include "imsfs/options.h"

#define ARGS_MAX 160

/* Parses words that end with NULL; argv[0] is added. */
static int parse(struct options *o, struct strbuf *why, const char *const *words)
{
    char *argv[ARGS_MAX + 2] = {(char[]){"imsfs"}};
    int argc = 1;
    for (; words[argc - 1]; argc++) {
        assert_true(argc < ARGS_MAX);
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    }
    return options_parse(o, argc, argv, why);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct options accept(const char *const *words)
{
    struct options o;
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    if (parse(&o, &why, words))
        fail_msg("refused: %s", strbuf_str(&why));
    assert_string_equal(strbuf_str(&why), "");
    return o;
}

static void refuse(const char *message, const char *const *words)
{
    struct options o;
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    int rc = parse(&o, &why, words);
    if (!rc)
        options_free(&o);
    assert_int_equal(rc, -EINVAL);
    assert_string_equal(strbuf_str(&why), message);
}

/* The message for one item of -o. */
static void refuse_item(const char *message, const char *item)
{
    refuse(message, WORDS("/x.json", "/mnt", "-o", item));
}

static void test_defaults(void **state)
{
    (void)state;
    struct options o = accept(WORDS("https://ims.example.com/v2", "/mnt/images"));
    assert_int_equal(o.action, OPTIONS_MOUNT);
    assert_int_equal(o.source_kind, LOCATION_URL);
    assert_string_equal(o.source, "https://ims.example.com/v2");
    assert_string_equal(o.mountpoint, "/mnt/images");
    assert_string_equal(o.api, "images");
    assert_string_equal(o.layout, LAYOUT_DEFAULT);
    assert_int_equal(o.page_size, 1000);
    assert_int_equal(o.limits.max[LIMIT_IMAGES], 2000000);
    assert_int_equal(o.ttl_ms, 60000);
    assert_int_equal(o.stale_ms, 86400000);
    assert_int_equal(o.timeout_ms, 30000);
    assert_int_equal(o.list_timeout_ms, 900000);
    assert_int_equal(o.uid, getuid());
    assert_int_equal(o.gid, getgid());
    assert_int_equal(o.umask, 0);
    assert_int_equal(o.by.count, 0);
    assert_null(o.token_file);
    assert_null(o.api_version);
    assert_false(o.foreground || o.debug || o.lazy || o.nonempty || o.allow_other);
    options_free(&o);
}

static void test_values(void **state)
{
    (void)state;
    struct options o = accept(
        WORDS("-f", "-oapi=cloudimages,ttl=0.5", "/x.json", "/mnt", "-o",
              "page_size=7,max_images=12,stale=2h,timeout=1.25,list_timeout=3m,token_file=/run/t,"
              "api_version=1.2,uid=12,gid=34,umask=027,lazy,nonempty,recover,allow_other,"
              "insecure_http,layout=status,by=os_version,by=tags"));
    assert_true(o.foreground && o.lazy && o.nonempty && o.recover && o.allow_other &&
                o.insecure_http);
    assert_false(o.debug);
    assert_int_equal(o.source_kind, LOCATION_FILE);
    assert_string_equal(o.api, "cloudimages");
    assert_int_equal(o.ttl_ms, 500);
    assert_int_equal(o.stale_ms, 7200000);
    assert_int_equal(o.timeout_ms, 1250);
    assert_int_equal(o.list_timeout_ms, 180000);
    assert_int_equal(o.page_size, 7);
    assert_int_equal(o.limits.max[LIMIT_IMAGES], 12);
    assert_string_equal(o.token_file, "/run/t");
    assert_string_equal(o.api_version, "1.2");
    assert_int_equal(o.uid, 12);
    assert_int_equal(o.gid, 34);
    assert_int_equal(o.umask, 027);
    assert_string_equal(o.layout, "status");
    assert_int_equal(o.by.count, 2);
    assert_string_equal(o.by.items[0], "os_version");
    assert_string_equal(o.by.items[1], "tags");
    options_free(&o);
}

static void test_last_value_wins(void **state)
{
    (void)state;
    struct options o = accept(WORDS("/x.json", "/mnt", "-o", "ttl=1,layout=a,ttl=2,layout=b"));
    assert_int_equal(o.ttl_ms, 2000);
    assert_string_equal(o.layout, "b");
    options_free(&o);
}

static void test_commas_and_backslashes(void **state)
{
    (void)state;
    struct options o =
        accept(WORDS("/x.json", "/mnt", "-o", ",by=a\\,b,,by=c\\\\,by=d\\e,by=f=g,", "-o", ""));
    assert_int_equal(o.by.count, 4);
    assert_string_equal(o.by.items[0], "a,b");
    assert_string_equal(o.by.items[1], "c\\");
    assert_string_equal(o.by.items[2], "d\\e");
    assert_string_equal(o.by.items[3], "f=g");
    options_free(&o);
}

static void test_letters(void **state)
{
    (void)state;
    struct options o = accept(WORDS("-sdottl=3", "/x.json", "--", "-odd"));
    assert_true(o.debug && o.foreground);
    assert_int_equal(o.ttl_ms, 3000);
    assert_non_null(strstr(o.mountpoint, "/-odd"));
    options_free(&o);
    o = accept(WORDS("-h", "--nonsense"));
    assert_int_equal(o.action, OPTIONS_HELP);
    options_free(&o);
    o = accept(WORDS("/x.json", "--help"));
    assert_int_equal(o.action, OPTIONS_HELP);
    options_free(&o);
    o = accept(WORDS("--help-query", "--nonsense"));
    assert_int_equal(o.action, OPTIONS_HELP_QUERY);
    options_free(&o);
    o = accept(WORDS("-fV"));
    assert_int_equal(o.action, OPTIONS_VERSION);
    options_free(&o);
}

/* As mount.fuse3(8) calls us for an entry in fstab. */
static void test_mount_options(void **state)
{
    (void)state;
    struct options o = accept(
        WORDS("https://h", "/mnt", "-o",
              "rw,nosuid,nodev,dev,suid,exec,noexec,ro,defaults,auto,noauto,noatime,relatime,"
              "user,user=me,users,nouser,owner,group,sync,async,_netdev,nofail,x-gvfs-show,"
              "x-systemd.idle-timeout=10min,comment=a b,fsname=a,subtype=b"));
    options_free(&o);
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        const char *item;
        int64_t ms;
    } good[] = {
        {"stale=0", 0},          {"stale=1", 1000},
        {"stale=1s", 1000},      {"stale=.5", 500},
        {"stale=0.0019", 1},     {"stale=1.5m", 90000},
        {"stale=2d", 172800000}, {"stale=0.12345678901234567890", 123},
    };
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        struct options o = accept(WORDS("/x.json", "/mnt", "-o", good[i].item));
        assert_int_equal(o.stale_ms, good[i].ms);
        options_free(&o);
    }
    static const char *const bad[] = {"ttl=abc",  "ttl=-1",  "ttl=+1", "ttl=1 ",
                                      "ttl= 1",   "ttl=1e3", "ttl=.",  "ttl=1.2.3",
                                      "ttl=",     "ttl=s",   "ttl=5w", "ttl=99999999999999999999",
                                      "ttl=0x10", "ttl=nan"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        char message[128];
        snprintf(message, sizeof(message), "%s: not a number of seconds", bad[i]);
        refuse_item(message, bad[i]);
    }
    refuse_item("ttl=0: must be 0.01 to 2592000 seconds", "ttl=0");
    refuse_item("ttl=31d: must be 0.01 to 2592000 seconds", "ttl=31d");
    refuse_item("stale=9223372036854775d: not a number of seconds", "stale=9223372036854775d");
}

static void test_bad_values(void **state)
{
    (void)state;
    refuse_item("page_size=0: must be 1 to 1000000", "page_size=0");
    refuse_item("page_size=1000001: must be 1 to 1000000", "page_size=1000001");
    refuse_item("page_size=-5: not a whole number", "page_size=-5");
    refuse_item("page_size=5x: not a whole number", "page_size=5x");
    refuse_item("page_size=18446744073709551617: not a whole number",
                "page_size=18446744073709551617");
    refuse_item("page_size: needs a value: page_size=N", "page_size");
    refuse_item("umask=8: not an octal number", "umask=8");
    refuse_item("umask=1000: must be 0 to 777", "umask=1000");
    refuse_item("api=v3: must be images or cloudimages", "api=v3");
    refuse_item("uid=no such: no such user", "uid=no such");
    refuse_item("uid=4294967295: no such user", "uid=4294967295");
    refuse_item("gid=no such: no such group", "gid=no such");
    refuse_item("lazy=1: lazy takes no value", "lazy=1");
    refuse_item("layout=: must not be empty", "layout=");
    refuse_item("token_file=: must not be empty", "token_file=");
    refuse_item("by=a\nb: must not have control bytes", "by=a\nb");
    refuse_item("api_version=a b: must be letters, digits and signs of ASCII without spaces",
                "api_version=a b");
    refuse_item("allow_other and allow_root exclude each other", "allow_root,allow_other");
}

static void test_users_by_name(void **state)
{
    (void)state;
    struct options o = accept(WORDS("/x.json", "/mnt", "-o", "uid=root,gid=root"));
    assert_int_equal(o.uid, 0);
    assert_int_equal(o.gid, 0);
    options_free(&o);
}

static void test_too_many_and_too_long(void **state)
{
    (void)state;
    const char *words[ARGS_MAX] = {"/x.json", "/mnt"};
    for (int i = 0; i < SETTING_LIST_MAX + 1; i++)
        words[2 + i] = "-oby=a";
    refuse("by=a: at most 64 of these", words);
    char item[SETTING_TEXT_MAX + 32] = "layout=";
    memset(item + strlen(item), 'a', SETTING_TEXT_MAX + 1);
    refuse_item("layout=...: longer than 4096 bytes", item);
}

static void test_unknown_options(void **state)
{
    (void)state;
    refuse_item("unknown option 'foo'; see imsfs --help", "foo");
    refuse_item("unknown option 'foo'; see imsfs --help", "foo=value");
    refuse_item("unknown option 'TTL'; see imsfs --help", "TTL=1");
    refuse_item("unknown option ''; see imsfs --help", "=1");
    refuse("unknown option '-x'; see imsfs --help", WORDS("-xvalue"));
    refuse("unknown option '--foo'; see imsfs --help", WORDS("--foo=value"));
    refuse("unknown option '--ttl': write it as -o ttl", WORDS("--ttl=5"));
    refuse("-o: needs a value: -o NAME=VALUE; see imsfs --help", WORDS("/x.json", "/mnt", "-o"));
}

static void test_secrets_are_refused(void **state)
{
    (void)state;
    static const char *const arguments[] = {
        "password=S3CRET", "token=S3CRET",      "OS_PASSWORD=S3CRET",
        "secret=S3CRET",   "SecretKey=S3CRET",  "access_key=S3CRET",
        "passcode=S3CRET", "auth_token=S3CRET", "application_credential_secret=S3CRET",
    };
    for (size_t i = 0; i < ARRAY_SIZE(arguments); i++) {
        char dashed[64];
        snprintf(dashed, sizeof(dashed), "--%s", arguments[i]);
        const char *const *lines[] = {WORDS("/x.json", "/mnt", "-o", arguments[i]), WORDS(dashed)};
        for (size_t j = 0; j < ARRAY_SIZE(lines); j++) {
            struct options o;
            CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
            assert_int_equal(parse(&o, &why, lines[j]), -EINVAL);
            assert_non_null(strstr(strbuf_str(&why), "never taken from the command line"));
            assert_null(strstr(strbuf_str(&why), "S3CRET"));
        }
    }
}

static void test_sources(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        enum location kind;
    } good[] = {
        {"http://127.0.0.1:8080", LOCATION_URL},
        {"HTTPS://h/p/v2/", LOCATION_URL},
        {"/a/b", LOCATION_FILE},
        {"./a", LOCATION_FILE},
        {"a.json", LOCATION_FILE},
        {"a.ndjson", LOCATION_FILE},
        {"a.jsonl", LOCATION_FILE},
        {"mycloud", LOCATION_CLOUD},
        {"my cloud", LOCATION_CLOUD},
    };
    CLEANUP(free_ptr) char *cwd = getcwd(NULL, 0);
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        struct options o = accept(WORDS(good[i].source, "/mnt"));
        assert_int_equal(o.source_kind, good[i].kind);
        if (good[i].kind != LOCATION_FILE)
            assert_string_equal(o.source, good[i].source);
        else
            assert_int_equal(o.source[0], '/');
        options_free(&o);
    }
    struct options o = accept(WORDS("a.json", "mnt"));
    assert_memory_equal(o.source, cwd, strlen(cwd));
    assert_string_equal(o.source + strlen(cwd), "/a.json");
    assert_string_equal(o.mountpoint + strlen(cwd), "/mnt");
    options_free(&o);
}

static void test_no_source(void **state)
{
    (void)state;
    struct options o = accept(WORDS("/mnt"));
    assert_int_equal(o.source_kind, LOCATION_ANY);
    assert_null(o.source);
    assert_string_equal(o.mountpoint, "/mnt");
    options_free(&o);
}

static void test_tokens(void **state)
{
    (void)state;
    struct options o = accept(WORDS("c", "/mnt", "-o", "token_command=vault read -field=t a\\,b"));
    assert_string_equal(o.token_command, "vault read -field=t a,b");
    assert_string_equal(o.signature, "plain");
    options_free(&o);
    refuse("token_file and token_command exclude each other",
           WORDS("c", "/mnt", "-o", "token_file=/t,token_command=t"));
    refuse_item("signature=new: must be plain or scoped", "signature=new");
}

static void test_bad_sources(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "ftp://h",          "http://",       "https://u:S3CRET@h/", "https://h?x=S3CRET",
        "https://h#S3CRET", "https://h/a b", "file:///S3CRET"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct options o;
        CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
        assert_int_equal(parse(&o, &why, WORDS(bad[i], "/mnt")), -EINVAL);
        assert_memory_equal(strbuf_str(&why), "SOURCE: ", 8);
        assert_null(strstr(strbuf_str(&why), "S3CRET"));
    }
    refuse("SOURCE=: must not be empty", WORDS("", "/mnt"));
    refuse("MOUNTPOINT=: must not be empty", WORDS("a.json", ""));
}

static void test_queries(void **state)
{
    (void)state;
    struct options o = accept(WORDS("https://h", "/mnt", "-o",
                                    "query=a:tag=x\\,y&limit=5,query=b:,filter=status=active,"
                                    "dialect=ims,project_id=0123"));
    assert_int_equal(o.queries.count, 2);
    assert_string_equal(o.queries.items[0], "a:tag=x,y&limit=5");
    assert_string_equal(o.filter, "status=active");
    assert_string_equal(o.dialect, "ims");
    assert_string_equal(o.project_id, "0123");
    options_free(&o);
    refuse_item("query: a: the name is taken", "query=a:limit=1,query=a:limit=2");
    refuse_item("query: a: limit: '0' is not allowed: integer, at least 1", "query=a:limit=0");
    refuse_item("query=: must not be empty", "query=");
    refuse_item("filter: limit: chooses a page or an order, not images", "filter=limit=5");
    refuse_item("filter=: must not be empty", "filter=");
    refuse_item("filter: x: no such parameter of the list calls; see imsfs --help-query",
                "filter=x=y,dialect=ims");
    refuse_item("filter: os_type: no such parameter of the list calls; see imsfs --help-query",
                "filter=os_type=Linux"); /* of a file */
    refuse_item("query: a: os_type: no such parameter of the list calls; see imsfs --help-query",
                "query=a:os_type=Linux");
    struct options glance = accept(WORDS("/x.json", "/mnt", "-o", "filter=x=y,dialect=glance"));
    options_free(&glance);
    refuse_item("dialect=nova: must be ims or glance", "dialect=nova");
    refuse_item("project_id=a b: must be letters, digits and signs of ASCII without spaces",
                "project_id=a b");
    refuse_item("api=cloudimages and dialect=glance exclude each other",
                "api=cloudimages,dialect=glance");
}

static void test_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *item;
        int64_t bytes;
    } good[] = {
        {"lazy", 268435456},
        {"cache_max=65536", 65536},
        {"cache_max=00000000000000000000000000000000000000000000000065536", 65536},
        {"cache_max=64k", 65536},
        {"cache_max=64K", 65536},
        {"cache_max=3M", 3145728},
        {"cache_max=5g", 5368709120},
        {"cache_max=1024G", INT64_C(1) << 40},
    };
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        struct options o = accept(WORDS("/x.json", "/mnt", "-o", good[i].item));
        assert_int_equal(o.cache_max, good[i].bytes);
        options_free(&o);
    }
    static const char *const bad[] = {
        "cache_max=abc",
        "cache_max=-1",
        "cache_max=k",
        "cache_max=",
        "cache_max=1kb",
        "cache_max=1T",
        "cache_max=1.5M",
        "cache_max=1 ",
        "cache_max=0x10",
        "cache_max=+1",
        "cache_max=99999999999999999999",
        "cache_max=9223372036854775807G",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        char message[128];
        snprintf(message, sizeof(message), "%s: not a number of bytes, with k, M or G at most",
                 bad[i]);
        refuse_item(message, bad[i]);
    }
    refuse_item("cache_max=63k: must be 65536 to 1099511627776 bytes", "cache_max=63k");
    refuse_item("cache_max=1025G: must be 65536 to 1099511627776 bytes", "cache_max=1025G");
    refuse_item("cache_max: needs a value: cache_max=BYTES", "cache_max");
}

static void test_missing_words(void **state)
{
    (void)state;
    static const char end[] = ": write imsfs [options] [SOURCE] MOUNTPOINT; see imsfs --help";
    static const struct {
        const char *problem;
        const char *words[4];
    } cases[] = {
        {"no MOUNTPOINT", {NULL}},
        {"no MOUNTPOINT, but a URL", {"https://h"}},
        {"too many arguments", {"a.json", "/mnt", "more"}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char message[160];
        snprintf(message, sizeof(message), "%s%s", cases[i].problem, end);
        refuse(message, cases[i].words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),        cmocka_unit_test(test_values),
        cmocka_unit_test(test_last_value_wins), cmocka_unit_test(test_commas_and_backslashes),
        cmocka_unit_test(test_letters),         cmocka_unit_test(test_mount_options),
        cmocka_unit_test(test_times),           cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_users_by_name),   cmocka_unit_test(test_too_many_and_too_long),
        cmocka_unit_test(test_unknown_options), cmocka_unit_test(test_secrets_are_refused),
        cmocka_unit_test(test_sources),         cmocka_unit_test(test_no_source),
        cmocka_unit_test(test_tokens),          cmocka_unit_test(test_bad_sources),
        cmocka_unit_test(test_missing_words),   cmocka_unit_test(test_queries),
        cmocka_unit_test(test_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
