// SPDX-License-Identifier: Apache-2.0
#include "imsfs/account.h"

#include <errno.h>

#include "home.h"

/* Every secret in these tests has this in it, so that it is seen wherever it should not be. */
#define SECRET "S3CR3T"

/* --- Loading, and looking --- */

static struct account load(enum account_origin origin, const char *cloud)
{
    struct account a;
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    if (account_load(&a, &(struct account_request){origin, cloud, false}, &why) < 0)
        fail_msg("%s", strbuf_str(&why));
    assert_int_equal(why.len, 0);
    return a;
}

static void assert_load_fails(enum account_origin origin, const char *cloud, int error,
                              const char *part)
{
    struct account a;
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    if (account_load(&a, &(struct account_request){origin, cloud, false}, &why) != error)
        fail_msg("expected \"%s\", not \"%s\"", part, strbuf_str(&why));
    if (!strstr(strbuf_str(&why), part) || strchr(strbuf_str(&why), '\n') ||
        strstr(strbuf_str(&why), SECRET))
        fail_msg("expected \"%s\" in \"%s\"", part, strbuf_str(&why));
}

/* The one cloud of a clouds.yaml with these values in flow style. */
static void write_cloud(const char *auth, const char *top)
{
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    strbuf_printf(&text, "clouds: {c: {auth: {%s}, %s}}\n", auth, top);
    home_write("work/clouds.yaml", strbuf_str(&text));
}

static struct account load_cloud(const char *auth, const char *top)
{
    write_cloud(auth, top);
    return load(ACCOUNT_CLOUD, "c");
}

static void assert_cloud_fails(const char *auth, const char *top, const char *part)
{
    write_cloud(auth, top);
    assert_load_fails(ACCOUNT_CLOUD, "c", -EINVAL, part);
    assert_load_fails(ACCOUNT_CLOUD, "c", -EINVAL, "cloud \"c\" in /tmp/");
}

/* Sets NAME=VALUE, ...; NULL ends. */
static void set_variables(const char *const *pairs)
{
    for (; *pairs; pairs++) {
        const char *sign = strchr(*pairs, '=');
        CLEANUP(free_ptr) char *name = strndup(*pairs, (size_t)(sign - *pairs));
        setenv(name, sign + 1, 1);
    }
}
#define SET(...) set_variables((const char *const[]){__VA_ARGS__, NULL})

static void assert_text(const char *actual, const char *expected)
{
    if (!expected) {
        assert_null(actual);
        return;
    }
    assert_non_null(actual);
    assert_string_equal(actual, expected);
}

#define USER "username: u, password: " SECRET ", user_domain_name: ud"
#define FULL "auth_url: 'https://k:5000/v3', " USER ", project_id: p"

/* --- Each field, under each of its names --- */

struct naming {
    const char *auth, *top; /* of clouds.yaml */
    size_t offset;
    const char *expected;
};
#define AT(field) offsetof(struct account, field)

static const struct naming namings[] = {
    {"username: U", "", AT(username), "U"},
    {"", "username: U", AT(username), "U"},
    {"user_name: U", "", AT(username), "U"},
    {"user_id: I", "", AT(user_id), "I"},
    {"user_domain_id: I", "", AT(user_domain_id), "I"},
    {"user-domain-id: I", "", AT(user_domain_id), "I"},
    {"user_domain_name: N", "", AT(user_domain_name), "N"},
    {"passcode: 123456", "", AT(passcode), "123456"},
    {"", "passcode: 123456", AT(passcode), "123456"},
    {"project_id: 007", "", AT(project_id), "007"},
    {"tenant_id: T", "", AT(project_id), "T"},
    {"project_id: P, tenant_id: T", "", AT(project_id), "P"},
    {"tenant_id: T", "project_id: P", AT(project_id), "P"},
    {"project_name: P", "", AT(project_name), "P"},
    {"tenant_name: T", "", AT(project_name), "T"},
    {"tenant-name: T", "", AT(project_name), "T"},
    {"project_name: ''", "tenant_name: T", AT(project_name), "T"},
    {"project_domain_id: I", "", AT(project_domain_id), "I"},
    {"project_domain_name: N", "", AT(project_domain_name), "N"},
    {"auth_url: k.example.com/v3", "", AT(auth_url), "https://k.example.com/v3"},
    {"auth_url: 'http://k/prefix/v3'", "", AT(auth_url), "http://k/prefix/v3"},
    {"auth_url: 'https://k.{region_name}/v3'", "region_name: R", AT(auth_url), "https://k.R/v3"},
    {"", "region_name: R", AT(region), "R"},
    {"", "region-name: R", AT(region), "R"},
    {"", "region_name: 'R,S'", AT(region), "R"},
    {"", "regions: [R, S]", AT(region), "R"},
    {"", "regions: [R, S], region_name: S", AT(region), "R"},
    {"", "regions: [{name: R, values: {interface: admin}}]", AT(region), "R"},
    {"", "regions: [{name: R, values: {interface: admin}}]", AT(interface), "admin"},
    {"", "region_name: R, image_region_name: S", AT(region), "S"},
    {"", "x: y", AT(interface), "public"},
    {"", "interface: internal", AT(interface), "internal"},
    {"", "interface: adminURL", AT(interface), "admin"},
    {"", "interface: internal, endpoint_type: publicURL", AT(interface), "public"},
    {"", "interface: internal, image_interface: admin", AT(interface), "admin"},
    {"", "image_endpoint_override: 'https://i/v2'", AT(image_endpoint), "https://i/v2"},
    {"", "image_endpoint_override: 'i.{region_name}', region_name: R", AT(image_endpoint),
     "https://i.R"},
    {"", "cacert: /a/b.pem", AT(cacert), "/a/b.pem"},
    {"", "cert: /a/b.pem", AT(cert), "/a/b.pem"},
    {"", "key: /a/b.pem", AT(key), "/a/b.pem"},
};

static void fields_of_a_cloud(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(namings); i++) {
        const struct naming *n = &namings[i];
        CLEANUP(strbuf_free) struct strbuf auth = STRBUF_INIT;
        /* What the case does not give must be there in another way. */
        strbuf_printf(&auth, "password: " SECRET ", default_domain_id: dd%s%s",
                      *n->auth ? ", " : "", n->auth);
        if (!strstr(n->auth, "auth_url"))
            strbuf_add_str(&auth, ", auth_url: 'http://k'");
        if (!strstr(n->auth, "user") && !strstr(n->top, "user"))
            strbuf_add_str(&auth, ", user_id: u");
        if (strstr(n->auth, "user_domain") || strstr(n->auth, "user-domain"))
            strbuf_add_str(&auth, ", user_id: u");
        CLEANUP(account_free) struct account a = load_cloud(strbuf_str(&auth), n->top);
        assert_text(*(char **)(void *)((char *)&a + n->offset), n->expected);
        assert_int_equal(a.method, ACCOUNT_PASSWORD);
        assert_text(a.password, SECRET);
        assert_text(a.cloud, "c");
    }
}

struct variable {
    const char *setting;
    size_t offset;
    const char *expected;
};

static void assert_variables(const char *const *base, const struct variable *v, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        home_forget_variables();
        set_variables(base);
        SET(v[i].setting);
        CLEANUP(account_free) struct account a = load(ACCOUNT_ENVIRONMENT, NULL);
        assert_text(*(char **)(void *)((char *)&a + v[i].offset), v[i].expected);
        assert_null(a.cloud);
    }
}

static void fields_of_os_variables(void **state)
{
    (void)state;
    static const char *const base[] = {"OS_AUTH_URL=http://k", "OS_USER_ID=u",
                                       "OS_PASSWORD=" SECRET, "OS_DEFAULT_DOMAIN=d", NULL};
    static const struct variable v[] = {
        {"OS_AUTH_URL=k.example.com", AT(auth_url), "https://k.example.com"},
        {"OS_USERNAME=U", AT(username), "U"},
        {"OS_USER_ID=I", AT(user_id), "I"},
        {"OS_PASSWORD=" SECRET "2", AT(password), SECRET "2"},
        {"OS_PASSCODE=1", AT(passcode), "1"},
        {"OS_USER_DOMAIN_NAME=N", AT(user_domain_name), "N"},
        {"OS_USER_DOMAIN_ID=I", AT(user_domain_id), "I"},
        {"OS_PROJECT_NAME=N", AT(project_name), "N"},
        {"OS_TENANT_NAME=N", AT(project_name), "N"},
        {"OS_PROJECT_ID=I", AT(project_id), "I"},
        {"OS_TENANT_ID=I", AT(project_id), "I"},
        {"OS_PROJECT_DOMAIN_NAME=N", AT(project_domain_name), "N"},
        {"OS_PROJECT_DOMAIN_ID=I", AT(project_domain_id), "I"},
        {"OS_DOMAIN_NAME=N", AT(user_domain_name), "N"},
        {"OS_DOMAIN_NAME=N", AT(project_domain_name), "N"},
        {"OS_DOMAIN_ID=I", AT(user_domain_id), "I"},
        {"OS_DEFAULT_DOMAIN=I", AT(user_domain_id), "I"},
        {"OS_REGION_NAME=R", AT(region), "R"},
        {"OS_INTERFACE=internal", AT(interface), "internal"},
        {"OS_ENDPOINT_TYPE=internalURL", AT(interface), "internal"},
        {"OS_CACERT=/c", AT(cacert), "/c"},
        {"OS_CERT=/c", AT(cert), "/c"},
        {"OS_KEY=/c", AT(key), "/c"},
        {"OS_IMAGE_ENDPOINT_OVERRIDE=http://i", AT(image_endpoint), "http://i"},
        {"OS_TOKEN=" SECRET, AT(token), SECRET},
        {"OS_AUTH_TOKEN=" SECRET, AT(token), SECRET},
        {"OS_ACCESS_KEY=A", AT(access_key), "A"},
        {"OS_SECRET_KEY=" SECRET, AT(secret_key), SECRET},
        {"OS_SECURITY_TOKEN=" SECRET, AT(security_token), SECRET},
    };
    assert_variables(base, v, ARRAY_SIZE(v));
}

static void fields_of_hw_variables(void **state)
{
    (void)state;
    static const char *const base[] = {"HW_REGION_NAME=cn-north-4", "HW_USER_NAME=u",
                                       "HW_USER_PASSWORD=" SECRET, "HW_DOMAIN_NAME=d", NULL};
    static const struct variable v[] = {
        {"HW_REGION_NAME=r", AT(region), "r"},
        {"HW_USER_NAME=U", AT(username), "U"},
        {"HW_USER_PASSWORD=" SECRET "2", AT(password), SECRET "2"},
        {"HW_DOMAIN_NAME=N", AT(user_domain_name), "N"},
        {"HW_DOMAIN_NAME=N", AT(project_domain_name), "N"},
        {"HW_DOMAIN_ID=I", AT(user_domain_id), "I"},
        {"HW_PROJECT_ID=I", AT(project_id), "I"},
        {"HW_PROJECT_NAME=N", AT(project_name), "N"},
        {"HW_REGION_NAME=r", AT(project_name), "r"}, /* by default, as for Terraform */
        {"HW_PROJECT_ID=I", AT(project_name), NULL},
        {"HW_AUTH_URL=http://k/v3", AT(auth_url), "http://k/v3"},
        {"HW_REGION_NAME=r", AT(auth_url), "https://iam.r.myhuaweicloud.com/v3"},
        {"HW_REGION_NAME=eu-west-101", AT(auth_url), "https://iam.eu-west-101.myhuaweicloud.eu/v3"},
        {"HW_CLOUD=example.com", AT(auth_url), "https://iam.cn-north-4.example.com/v3"},
        {"HW_AUTH_TOKEN=" SECRET, AT(token), SECRET},
        {"HW_ACCESS_KEY=A", AT(access_key), "A"},
        {"HW_SECRET_KEY=" SECRET, AT(secret_key), SECRET},
        {"HW_SECURITY_TOKEN=" SECRET, AT(security_token), SECRET},
    };
    assert_variables(base, v, ARRAY_SIZE(v));
    home_forget_variables();
    SET("HW_AUTH_TOKEN=" SECRET, "HW_REGION_NAME=r");
    CLEANUP(account_free) struct account a = load(ACCOUNT_ENVIRONMENT, NULL);
    assert_null(a.project_name); /* a token has its own */
}

static void fields_of_sdk_variables(void **state)
{
    (void)state;
    static const char *const base[] = {"HUAWEICLOUD_SDK_AK=a", "HUAWEICLOUD_SDK_SK=" SECRET,
                                       "HUAWEICLOUD_SDK_REGION_ID=cn-north-4", NULL};
    static const struct variable v[] = {
        {"HUAWEICLOUD_SDK_AK=A", AT(access_key), "A"},
        {"HUAWEICLOUD_SDK_SK=" SECRET "2", AT(secret_key), SECRET "2"},
        {"HUAWEICLOUD_SDK_SECURITY_TOKEN=" SECRET, AT(security_token), SECRET},
        {"HUAWEICLOUD_SDK_PROJECT_ID=I", AT(project_id), "I"},
        {"HUAWEICLOUD_SDK_REGION_ID=r", AT(image_endpoint), "https://ims.r.myhuaweicloud.com"},
        {"HUAWEICLOUD_SDK_REGION_ID=r", AT(auth_url), "https://iam.r.myhuaweicloud.com/v3"},
        {"HUAWEICLOUD_SDK_IAM_ENDPOINT=https://iam.x", AT(auth_url), "https://iam.x"},
        {"HUAWEICLOUD_SDK_REGION_IMS_CN_NORTH_4=https://i", AT(image_endpoint), "https://i"},
        {"HUAWEICLOUD_SDK_REGION_IMS_CN_NORTH_1=https://i", AT(image_endpoint),
         "https://ims.cn-north-4.myhuaweicloud.com"},
    };
    assert_variables(base, v, ARRAY_SIZE(v));
}

/* --- Layers --- */

static void layers_count_in_order(void **state)
{
    (void)state;
    home_write("work/clouds.yaml",
               "clouds: {c: {profile: p, auth: {username: main, password: " SECRET "main}}}");
    home_write("work/secure.yaml", "clouds: {c: {auth: {password: " SECRET "secure}}}");
    home_write("work/clouds-public.yaml",
               "public-clouds: {p: {auth: {username: profile, auth_url: 'http://k.{region_name}', "
               "user_domain_id: d}, regions: [one, two], interface: internal}}");
    struct account a = load(ACCOUNT_CLOUD, "c");
    assert_text(a.username, "main");
    assert_text(a.password, SECRET "secure");
    assert_text(a.auth_url, "http://k.one");
    assert_text(a.interface, "internal");
    account_free(&a);
    home_write("work/secure.yaml", "clouds: {c: {region_name: two, auth: {username: secure}}}");
    a = load(ACCOUNT_CLOUD, "c");
    assert_text(a.username, "secure");
    assert_text(a.password, SECRET "main");
    assert_text(a.auth_url, "http://k.two");
    account_free(&a);
}

static void profiles_give_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *top, *auth_url, *region;
    } cases[] = {
        {"profile: otc", "https://iam.eu-de.otc.t-systems.com/v3", "eu-de"},
        {"cloud: otc", "https://iam.eu-de.otc.t-systems.com/v3", "eu-de"},
        {"profile: otc, region_name: eu-nl", "https://iam.eu-nl.otc.t-systems.com/v3", "eu-nl"},
        {"profile: otc-swiss", "https://iam-pub.eu-ch2.sc.otc.t-systems.com/v3", "eu-ch2"},
        {"profile: huaweicloud, region_name: cn-north-4",
         "https://iam.cn-north-4.myhuaweicloud.com/v3", "cn-north-4"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(account_free) struct account a = load_cloud(USER, cases[i].top);
        assert_text(a.auth_url, cases[i].auth_url);
        assert_text(a.region, cases[i].region);
        assert_null(a.image_endpoint); /* the catalog has it */
    }
    home_write("work/clouds-public.yaml",
               "public-clouds: {otc: {auth: {auth_url: 'http://shared'}}}");
    struct account a = load_cloud(USER, "profile: otc");
    assert_text(a.auth_url, "http://shared");
    account_free(&a);
    a = load_cloud(USER ", auth_url: 'http://k'", "profile: otc");
    assert_text(a.auth_url, "http://k");
    account_free(&a);
    a = load_cloud(FULL, "profile: nobody");
    assert_int_equal(home_logged("no profile \"nobody\" is known"), 1);
    account_free(&a);
}

static void keys_find_the_service_without_a_catalog(void **state)
{
    (void)state;
    static const struct {
        const char *auth, *top, *image_endpoint, *region;
    } cases[] = {
        {"ak: A, sk: " SECRET, "profile: otc", "https://ims.eu-de.otc.t-systems.com", "eu-de"},
        {"access_key: A, secret_key: " SECRET, "profile: otc-swiss",
         "https://ims.eu-ch2.sc.otc.t-systems.com", "eu-ch2"},
        {"", "ak: A, sk: " SECRET ", profile: huaweicloud, region_name: eu-west-101",
         "https://ims.eu-west-101.myhuaweicloud.eu", "eu-west-101"},
        {"ak: A, sk: " SECRET ", auth_url: 'https://iam.eu-nl.otc.t-systems.com/v3'", "",
         "https://ims.eu-nl.otc.t-systems.com", "eu-nl"},
        {"ak: A, sk: " SECRET ", auth_url: 'https://iam.myhuaweicloud.com/v3'",
         "region_name: cn-north-1", "https://ims.cn-north-1.myhuaweicloud.com", "cn-north-1"},
        {"ak: A, sk: " SECRET, "image_endpoint_override: 'http://i'", "http://i", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(account_free) struct account a = load_cloud(cases[i].auth, cases[i].top);
        assert_int_equal(a.method, ACCOUNT_KEYS);
        assert_text(a.access_key, "A");
        assert_text(a.secret_key, SECRET);
        assert_text(a.image_endpoint, cases[i].image_endpoint);
        assert_text(a.region, cases[i].region);
    }
    assert_cloud_fails("ak: A, sk: " SECRET, "x: y", "access keys need region_name");
    assert_cloud_fails("ak: A, sk: " SECRET ", auth_url: 'https://iam.myhuaweicloud.com'", "x: y",
                       "access keys need region_name");
}

/* --- The method --- */

static void the_method_follows_from_what_is_given(void **state)
{
    (void)state;
    static const struct {
        const char *auth, *top;
        enum account_method method;
    } cases[] = {
        {FULL, "", ACCOUNT_PASSWORD},
        {FULL, "auth_type: password", ACCOUNT_PASSWORD},
        {FULL, "auth_type: v3password", ACCOUNT_PASSWORD},
        {FULL, "auth_plugin: password", ACCOUNT_PASSWORD},
        {FULL ", passcode: 1", "auth_type: v3totp", ACCOUNT_PASSWORD},
        {FULL ", passcode: 1", "auth_type: v3multifactor", ACCOUNT_PASSWORD},
        {FULL ", token: " SECRET, "", ACCOUNT_TOKEN},
        {FULL ", token: " SECRET, "auth_type: password", ACCOUNT_PASSWORD},
        {FULL ", token: " SECRET, "auth_type: v3token", ACCOUNT_TOKEN},
        {FULL ", auth_token: " SECRET, "auth_type: token", ACCOUNT_TOKEN},
        {"token: " SECRET ", endpoint: 'http://i'", "auth_type: admin_token", ACCOUNT_TOKEN},
        {FULL ", token: t, application_credential_id: i, application_credential_secret: " SECRET,
         "", ACCOUNT_CREDENTIAL},
        {"auth_url: 'http://k', application_credential_name: n, username: u, user_domain_id: d, "
         "application_credential_secret: " SECRET,
         "auth_type: v3applicationcredential", ACCOUNT_CREDENTIAL},
        {FULL ", ak: A, sk: " SECRET, "", ACCOUNT_PASSWORD},
        {"endpoint: 'http://i'", "auth_type: none", ACCOUNT_NONE},
        {"endpoint: 'http://i'", "auth_type: None", ACCOUNT_NONE},
        {"", "image_endpoint_override: 'http://i'", ACCOUNT_NONE},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(account_free) struct account a = load_cloud(cases[i].auth, cases[i].top);
        assert_int_equal(a.method, cases[i].method);
        if (strstr(cases[i].auth, "endpoint:"))
            assert_text(a.image_endpoint, "http://i");
    }
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *auth, *top, *part;
    } cases[] = {
        {USER, "", ": auth_url is missing"},
        {"auth_url: 'http://k', password: " SECRET, "", "password needs username or user_id"},
        {"auth_url: 'http://k', user_id: u", "", "password is missing"},
        {"auth_url: 'http://k', username: u", "", "password is missing"},
        {"auth_url: 'http://k', username: u, password: " SECRET, "profile: otc, region_name: r",
         "username needs user_domain_name or user_domain_id"},
        {"auth_url: 'http://k', application_credential_id: i", "",
         "application_credential_secret is missing"},
        {"auth_url: 'http://k', application_credential_secret: " SECRET, "",
         "needs application_credential_id"},
        {"auth_url: 'http://k', application_credential_name: n, "
         "application_credential_secret: " SECRET,
         "", "application_credential_name needs username or user_id"},
        {"application_credential_id: n, application_credential_secret: " SECRET, "",
         "auth_url is missing"},
        {"token: " SECRET, "", "auth_url is missing"},
        {"auth_url: 'http://k', ak: A", "", "sk is missing"},
        {"auth_url: 'http://k', sk: " SECRET, "", "ak is missing"},
        {"auth_url: 'http://k'", "", "neither password"},
        {"auth_url: 'http://k'", "auth_type: none", "nor image_endpoint_override is given"},
        {FULL, "auth_type: v3token", "auth_type v3token needs token"},
        {FULL, "auth_type: v3totp", "auth_type v3totp needs passcode"},
        {FULL, "auth_type: v3applicationcredential", "needs application_credential_secret"},
        {FULL, "auth_type: v2password", "auth_type v2password is not supported; supported are"},
        {FULL, "auth_type: v3kerberos", "is not supported"},
        {FULL, "auth_type: v3oidcpassword", "is not supported"},
        {FULL, "auth_type: agency", "is not supported"},
        {FULL, "auth_type: \"a\\nb\"", "auth_type a\\x0ab is not supported"},
        {FULL ", agency_name: a", "", "agency_name is not supported"},
        {FULL ", trust_id: a", "", "trust_id is not supported"},
        {FULL ", system_scope: all", "", "system_scope is not supported"},
        {FULL, "interface: outer", "interface must be public, internal or admin"},
        {FULL, "interface: [public]", "interface must be one text"},
        {"username: [" SECRET "]", "", "username must be one text"},
        {FULL, "insecure: maybe", "insecure must be true or false"},
        {FULL, "verify: /etc/ca.pem", "verify must be true or false"},
        {FULL, "region_name: {a: b}", "a region's name must be one text"},
        {FULL, "profile: [otc]", "profile must be one text"},
        {"auth_url: 'https://k.{region_name}', " USER, "", "auth_url needs region_name"},
        {"auth_url: 'https://k.{region_name}', " USER, "region_name: 'e/'",
         "auth_url needs region_name"},
        {"auth_url: 'ftp://k', " USER, "", "auth_url: the address must start with https://"},
        {"auth_url: 'https://u:" SECRET "@k', " USER, "", "auth_url: the address must not hold"},
        {FULL, "image_endpoint_override: 'https://i?x=" SECRET "'",
         "image_endpoint_override: the address must not hold '?'"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_cloud_fails(cases[i].auth, *cases[i].top ? cases[i].top : "x: y", cases[i].part);
}

static void what_variables_lack_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *settings[4];
        const char *part;
    } cases[] = {
        {{"OS_USERNAME=u"}, "the OS_ variables: OS_PASSWORD is missing"},
        {{"OS_USERNAME=u", "OS_PASSWORD=" SECRET}, "OS_AUTH_URL is missing"},
        {{"OS_USER_ID=u", "OS_PASSWORD=" SECRET}, "OS_AUTH_URL is missing"},
        {{"OS_APPLICATION_CREDENTIAL_ID=u"}, "OS_APPLICATION_CREDENTIAL_SECRET is missing"},
        {{"OS_TOKEN=" SECRET}, "OS_AUTH_URL is missing"},
        {{"OS_ACCESS_KEY=a"}, "OS_SECRET_KEY is missing"},
        {{"OS_ACCESS_KEY=a", "OS_SECRET_KEY=" SECRET}, "access keys need OS_REGION_NAME"},
        {{"OS_USER_ID=u", "OS_AUTH_TYPE=v3saml"}, "OS_AUTH_TYPE v3saml is not supported"},
        {{"OS_USER_ID=u", "OS_PASSWORD=" SECRET, "OS_INSECURE=" SECRET}, "the OS_ variables: OS_"},
        {{"OS_USER_ID=u", "OS_PASSWORD=" SECRET, "OS_AGENCY_NAME=x"},
         "OS_AGENCY_NAME is not supported"},
        {{"OS_AUTH_URL=http://k", "OS_PASSWORD=" SECRET}, "OS_PASSWORD needs OS_USERNAME"},
        {{"HW_SECRET_KEY=" SECRET}, "the HW_ variables: HW_ACCESS_KEY is missing"},
        {{"HW_ACCESS_KEY=a"}, "the HW_ variables: HW_SECRET_KEY is missing"},
        {{"HW_ACCESS_KEY=a", "HW_SECRET_KEY=" SECRET}, "access keys need HW_REGION_NAME"},
        {{"HW_USER_NAME=a", "HW_USER_PASSWORD=" SECRET}, "HW_USER_NAME needs HW_DOMAIN_NAME"},
        {{"HUAWEICLOUD_SDK_AK=a", "HUAWEICLOUD_SDK_SK=" SECRET},
         "access keys need HUAWEICLOUD_SDK_REGION_ID"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        home_forget_variables();
        set_variables(cases[i].settings);
        assert_load_fails(ACCOUNT_ANY, NULL, -EINVAL, cases[i].part);
    }
}

static void with_a_token_from_elsewhere_an_address_will_do(void **state)
{
    (void)state;
    CLEANUP(strbuf_free) struct strbuf why = STRBUF_INIT;
    struct account a;
    home_forget_variables();
    set_variables((const char *const[]){"OS_AUTH_URL=http://k", NULL});
    assert_load_fails(ACCOUNT_ANY, NULL, -ENOENT, "clouds.yaml");
    const struct account_request any = {ACCOUNT_ANY, NULL, true};
    assert_int_equal(account_load(&a, &any, &why), 0);
    assert_int_equal(a.method, ACCOUNT_TOKEN);
    account_free(&a);
    home_forget_variables();
    write_cloud("auth_url: 'http://k', username: u", ""); /* without its password */
    const struct account_request cloud = {ACCOUNT_CLOUD, "c", true};
    assert_int_equal(account_load(&a, &cloud, &why), 0);
    assert_int_equal(a.method, ACCOUNT_TOKEN);
    account_free(&a);
    write_cloud("username: u", "");
    assert_int_equal(account_load(&a, &cloud, &why), -EINVAL);
    assert_non_null(strstr(strbuf_str(&why), "auth_url is missing"));
}

/* --- Domains, paths, certificates --- */

static void domains_follow_from_each_other(void **state)
{
    (void)state;
    static const struct {
        const char *auth;
        const char *user_id, *user_name, *project_id, *project_name;
    } cases[] = {
        {"domain_id: D", "D", NULL, "D", NULL},
        {"domain_name: D", NULL, "D", NULL, "D"},
        {"domain_name: D, user_domain_name: U", NULL, "U", NULL, "D"},
        {"domain_id: D, user_domain_name: U", "D", "U", "D", NULL},
        {"default_domain: D", "D", NULL, "D", NULL},
        {"default_domain_name: D, project_domain_id: P", NULL, "D", "P", NULL},
        {"default_domain_id: D, domain_name: N", NULL, "N", NULL, "N"},
        {"user_domain_name: U", NULL, "U", NULL, "U"}, /* as OTC's guides have it */
        {"user_domain_id: U, project_domain_name: P", "U", NULL, NULL, "P"},
        {"user_domain_id: ''", "default", NULL, "default", NULL}, /* as the openstack command */
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(strbuf_free) struct strbuf auth = STRBUF_INIT;
        strbuf_printf(&auth, "auth_url: 'http://k', username: u, password: p, project_name: n, %s",
                      cases[i].auth);
        CLEANUP(account_free) struct account a = load_cloud(strbuf_str(&auth), "");
        assert_text(a.user_domain_id, cases[i].user_id);
        assert_text(a.user_domain_name, cases[i].user_name);
        assert_text(a.project_domain_id, cases[i].project_id);
        assert_text(a.project_domain_name, cases[i].project_name);
    }
    CLEANUP(account_free) struct account a = load_cloud(FULL, "");
    assert_null(a.project_domain_name); /* a project's id needs no domain */
}

static void paths_are_absolute(void **state)
{
    (void)state;
    CLEANUP(account_free)
    struct account a = load_cloud(FULL, "cacert: ~/ca.pem, cert: sub/c.pem, key: ./k.pem");
    assert_text(a.cacert, home_path("home/ca.pem"));
    assert_text(a.cert, home_path("work/sub/c.pem"));
    assert_text(a.key, home_path("work/./k.pem"));
}

static void certificates_are_checked_unless_told(void **state)
{
    (void)state;
    static const struct {
        const char *top;
        bool insecure;
    } cases[] = {
        {"x: y", false},           {"verify: true", false},
        {"verify: false", true},   {"insecure: true", true},
        {"insecure: 1", true},     {"insecure: false", false},
        {"insecure: 'no'", false}, {"verify: true, insecure: yes", true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP(account_free) struct account a = load_cloud(FULL, cases[i].top);
        assert_int_equal(a.insecure, cases[i].insecure);
    }
}

/* --- The choice --- */

static void a_named_cloud_takes_nothing_from_variables(void **state)
{
    (void)state;
    write_cloud(FULL, "region_name: R");
    SET("OS_AUTH_URL=http://other", "OS_TOKEN=" SECRET, "OS_USERNAME=other", "OS_PROJECT_ID=other",
        "OS_REGION_NAME=other", "OS_INSECURE=true", "OS_CACERT=/other", "HW_ACCESS_KEY=other");
    struct account a = load(ACCOUNT_CLOUD, "c");
    assert_text(a.auth_url, "https://k:5000/v3");
    assert_text(a.username, "u");
    assert_text(a.project_id, "p");
    assert_text(a.region, "R");
    assert_null(a.token);
    assert_null(a.cacert);
    assert_null(a.access_key);
    assert_false(a.insecure);
    account_free(&a);
    SET("OS_CLOUD=c");
    a = load(ACCOUNT_ANY, NULL);
    assert_text(a.username, "u");
    account_free(&a);
}

static void any_account_is_looked_for_in_order(void **state)
{
    (void)state;
    assert_load_fails(ACCOUNT_ANY, NULL, -ENOENT, "there is no clouds.yaml");
    write_cloud(FULL, "x: y");
    SET("OS_CLOUD=");
    struct account a = load(ACCOUNT_ANY, NULL);
    assert_text(a.cloud, "c");
    account_free(&a);
    SET("HUAWEICLOUD_SDK_AK=sdk", "HUAWEICLOUD_SDK_SK=" SECRET, "HUAWEICLOUD_SDK_REGION_ID=r");
    a = load(ACCOUNT_ANY, NULL);
    assert_text(a.access_key, "sdk");
    account_free(&a);
    SET("HW_ACCESS_KEY=hw", "HW_SECRET_KEY=" SECRET, "HW_REGION_NAME=r");
    a = load(ACCOUNT_ANY, NULL);
    assert_text(a.access_key, "hw");
    account_free(&a);
    SET("OS_AUTH_URL=http://os", "OS_TOKEN=" SECRET);
    a = load(ACCOUNT_ANY, NULL);
    assert_text(a.auth_url, "http://os");
    assert_null(a.access_key); /* families are not mixed */
    assert_null(a.cloud);
    account_free(&a);
    SET("OS_CLOUD=c");
    a = load(ACCOUNT_ANY, NULL);
    assert_text(a.cloud, "c");
    account_free(&a);
    SET("OS_CLOUD=d");
    assert_load_fails(ACCOUNT_ANY, NULL, -ENOENT, "there is no cloud called ");
}

static void several_clouds_are_listed(void **state)
{
    (void)state;
    home_write("work/clouds.yaml", "clouds: {a: {auth: {password: " SECRET "}}, b: {}}");
    assert_load_fails(ACCOUNT_ANY, NULL, -ENOENT, "several clouds");
    assert_load_fails(ACCOUNT_ANY, NULL, -ENOENT, ": a, b");
    assert_load_fails(ACCOUNT_CLOUD, "c", -ENOENT, "has a, b");
    home_write("work/clouds.yaml", "clouds: {a: , b: x}");
    assert_load_fails(ACCOUNT_CLOUD, "a", -EINVAL, "neither password");
    assert_load_fails(ACCOUNT_CLOUD, "b", -EINVAL, "cloud \"b\"");
}

static void variables_may_say_nothing(void **state)
{
    (void)state;
    write_cloud(FULL, "x: y");
    struct account a = load(ACCOUNT_ENVIRONMENT, NULL);
    assert_int_equal(a.method, ACCOUNT_NONE);
    assert_null(a.cloud);
    account_free(&a);
    /* What goes with any account, and what a shell start-up file leaves behind. */
    SET("OS_CACERT=/ca", "OS_PROJECT_ID=p", "OS_AUTH_TYPE=v3password", "OS_CLOUD=c");
    a = load(ACCOUNT_ENVIRONMENT, NULL);
    assert_int_equal(a.method, ACCOUNT_NONE);
    assert_text(a.cacert, "/ca");
    assert_text(a.project_id, "p");
    account_free(&a);
    /* Where the service is, its user says in another way. */
    SET("OS_TOKEN=" SECRET, "OS_AUTH_TYPE=token");
    a = load(ACCOUNT_ENVIRONMENT, NULL);
    assert_int_equal(a.method, ACCOUNT_TOKEN);
    assert_null(a.auth_url);
    account_free(&a);
}

static void files_with_keys_are_an_account(void **state)
{
    (void)state;
    home_write("home/config.json",
               "{\"profiles\": [{\"name\": \"default\", \"accessKeyId\": \"A\", "
               "\"secretAccessKey\": \"" SECRET "\"}]}");
    home_write("home/credentials", "[basic]\nak = B\nsk = " SECRET "\n");
    SET("HW_SHARED_CONFIG_FILE=~/config.json", "HW_REGION_NAME=r");
    struct account a = load(ACCOUNT_ANY, NULL);
    assert_int_equal(a.method, ACCOUNT_KEYS);
    assert_text(a.access_key, "A");
    assert_text(a.secret_key, SECRET);
    assert_text(a.image_endpoint, "https://ims.r.myhuaweicloud.com");
    account_free(&a);
    home_forget_variables();
    SET("HUAWEICLOUD_SDK_CREDENTIALS_FILE=~/credentials");
    assert_load_fails(ACCOUNT_ANY, NULL, -EINVAL, "home/credentials: access keys need");
    SET("HUAWEICLOUD_SDK_REGION_ID=r");
    a = load(ACCOUNT_ANY, NULL);
    assert_text(a.access_key, "B");
    assert_text(a.image_endpoint, "https://ims.r.myhuaweicloud.com");
    account_free(&a);
    home_forget_variables();
    SET("HUAWEICLOUD_SDK_CREDENTIALS_FILE=~/missing");
    assert_load_fails(ACCOUNT_ANY, NULL, -ENOENT, "home/missing: No such file");
}

/* --- Secrets --- */

static void open_files_with_secrets_are_told(void **state)
{
    (void)state;
    write_cloud(FULL, "x: y");
    account_free(&(struct account[]){load(ACCOUNT_CLOUD, "c")}[0]);
    assert_int_equal(home_logged("imsfs:"), 0);
    chmod("clouds.yaml", 0640);
    write_cloud(FULL ", passcode: 1", "x: y");
    account_free(&(struct account[]){load(ACCOUNT_CLOUD, "c")}[0]);
    assert_int_equal(home_logged("work/clouds.yaml has a secret of cloud \"c\""), 1);
    assert_int_equal(home_logged(SECRET), 0);
}

static void open_files_without_secrets_are_fine(void **state)
{
    (void)state;
    write_cloud("auth_url: 'http://k', user_id: u", "x: y");
    home_write("work/secure.yaml", "clouds: {c: {auth: {password: " SECRET "}}}");
    chmod("clouds.yaml", 0644);
    account_free(&(struct account[]){load(ACCOUNT_CLOUD, "c")}[0]);
    assert_int_equal(home_logged("imsfs:"), 0);
    chmod("secure.yaml", 0604);
    account_free(&(struct account[]){load(ACCOUNT_CLOUD, "c")}[0]);
    assert_int_equal(home_logged("work/secure.yaml has a secret"), 1);
    assert_int_equal(home_logged("imsfs:"), 1);
}

static void secrets_are_wiped_from_the_environment(void **state)
{
    (void)state;
    static const char *const names[] = {
        "OS_PASSWORD",
        "OS_PASSCODE",
        "OS_TOKEN",
        "OS_AUTH_TOKEN",
        "OS_APPLICATION_CREDENTIAL_SECRET",
        "OS_SECRET_KEY",
        "OS_SECURITY_TOKEN",
        "HW_USER_PASSWORD",
        "HW_AUTH_TOKEN",
        "HW_SECRET_KEY",
        "HW_SECURITY_TOKEN",
        "HUAWEICLOUD_SDK_SK",
        "HUAWEICLOUD_SDK_SECURITY_TOKEN",
    };
    char entries[ARRAY_SIZE(names)][64] = {{0}};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        snprintf(entries[i], sizeof(entries[i]), "%s=" SECRET, names[i]);
        putenv(entries[i]);
    }
    /* Twice in one environment, as a program can arrange it. */
    char twice[] = "OS_PASSWORD=" SECRET;
    char *small[] = {entries[0], twice, (char[]){"OS_USERNAME=u"}, NULL};
    char **before = environ;
    environ = small;
    account_wipe_environment();
    assert_null(getenv("OS_PASSWORD"));
    assert_string_equal(getenv("OS_USERNAME"), "u");
    assert_null(strstr(twice, SECRET));
    assert_int_equal(twice[strlen("OS_PASSWORD=")], '\0');
    environ = before;
    SET("OS_USERNAME=u", "OS_PASSWORD_FILE=keep");
    account_wipe_environment();
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        assert_null(getenv(names[i]));
        assert_null(memmem(entries[i], sizeof(entries[i]), SECRET, strlen(SECRET)));
    }
    assert_string_equal(getenv("OS_USERNAME"), "u");
    assert_string_equal(getenv("OS_PASSWORD_FILE"), "keep");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, home_begin, home_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fields_of_a_cloud),
        TEST(fields_of_os_variables),
        TEST(fields_of_hw_variables),
        TEST(fields_of_sdk_variables),
        TEST(layers_count_in_order),
        TEST(profiles_give_addresses),
        TEST(keys_find_the_service_without_a_catalog),
        TEST(the_method_follows_from_what_is_given),
        TEST(what_is_missing_is_named),
        TEST(what_variables_lack_is_named),
        TEST(with_a_token_from_elsewhere_an_address_will_do),
        TEST(domains_follow_from_each_other),
        TEST(paths_are_absolute),
        TEST(certificates_are_checked_unless_told),
        TEST(a_named_cloud_takes_nothing_from_variables),
        TEST(any_account_is_looked_for_in_order),
        TEST(several_clouds_are_listed),
        TEST(variables_may_say_nothing),
        TEST(files_with_keys_are_an_account),
        TEST(open_files_with_secrets_are_told),
        TEST(open_files_without_secrets_are_fine),
        TEST(secrets_are_wiped_from_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
