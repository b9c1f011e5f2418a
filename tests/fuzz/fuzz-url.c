// SPDX-License-Identifier: Apache-2.0
/* An address as a user writes it -> a service, of which libcurl must think the same; and a link to
 * the next page as a server writes it -> our own address of that page. */
#include <curl/curl.h>
#include <errno.h>
#include <strings.h>

#include "fuzz.h"
#include "imsfs/endpoint.h"
#include "imsfs/trail.h"

typedef int parse_fn(struct url *out, const char *text, char *error, size_t size);

static bool has_part(CURLU *parsed, CURLUPart part)
{
    char *text = NULL;
    CURLUcode r = curl_url_get(parsed, part, &text, 0);
    curl_free(text);
    return r == CURLUE_OK;
}

/* Whoever connects is libcurl: what it makes of the address counts. */
static void check_with_curl(const struct url *url)
{
    CURLU *parsed = curl_url();
    char *scheme, *host;
    CHECK(parsed && curl_url_set(parsed, CURLUPART_URL, url->base, 0) == CURLUE_OK);
    CHECK(curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK);
    CHECK(curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK);
    CHECK(streq(scheme, url->https ? "https" : "http"));
    CHECK(!url->loopback || strcasecmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
          host[0] == '[');
    CHECK(!has_part(parsed, CURLUPART_USER) && !has_part(parsed, CURLUPART_PASSWORD));
    CHECK(!has_part(parsed, CURLUPART_QUERY) && !has_part(parsed, CURLUPART_FRAGMENT));
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(parsed);
}

static void check_address(const char *text, parse_fn *parse)
{
    CLEANUP(url_free) struct url url = {0};
    CLEANUP(url_free) struct url again = {0};
    char error[256] = "";
    int r = parse(&url, text, error, sizeof(error));
    CHECK(r == 0 || (r == -EINVAL && error[0] && fuzz_is_plain(bytes_of(error))));
    if (r < 0)
        return;
    size_t len = strlen(url.base);
    CHECK(len && url.base[len - 1] != '/');
    for (size_t i = 0; i < len; i++)
        CHECK(url.base[i] > ' ' && url.base[i] < 0x7F);
    check_with_curl(&url);
    CHECK(parse(&again, url.base, error, sizeof(error)) == 0);
    CHECK(again.https == url.https && again.loopback == url.loopback);
}

static void check_encoding(struct bytes text)
{
    CLEANUP(strbuf_free) struct strbuf encoded = STRBUF_INIT;
    CLEANUP(strbuf_free) struct strbuf back = STRBUF_INIT;
    url_add_encoded(&encoded, text);
    url_add_decoded(&back, strbuf_bytes(&encoded), true);
    CHECK(bytes_equal(strbuf_bytes(&back), text));
    strbuf_reset(&back);
    url_add_decoded(&back, text, false);
    CHECK(back.len <= text.len);
}

/* Where a link leads: to our own service, at the marker that stands in it. */
static void check_link(char *link)
{
    static char base[] = "https://ims.example.com/prefix";
    const struct url service = {.base = base, .https = true};
    const struct list_call *call = list_call_find("images");
    const struct decode_result result = {.next = link, .records = 1};
    CLEANUP(strbuf_free) struct strbuf marker = STRBUF_INIT;
    CLEANUP(strbuf_free) struct strbuf page = STRBUF_INIT;
    CLEANUP(strbuf_free) struct strbuf back = STRBUF_INIT;
    const char *why = NULL;
    int r = trail_add_marker(call, &result, 0, &marker, &why);
    CHECK(r == 0 || (r == -EIO && why));
    if (r < 0)
        return;
    CHECK(marker.len >= 1 && marker.len <= TRAIL_MARKER_MAX && !memchr(marker.data, 0, marker.len));
    CHECK(endpoint_add_page(&service, call, NULL, strbuf_bytes(&marker), 1000, &page) == 0);
    CHECK(strncmp(page.data, base, strlen(base)) == 0 && strlen(page.data) == page.len);
    for (size_t i = 0; i < page.len; i++)
        CHECK(page.data[i] > ' ' && page.data[i] < 0x7F);
    CHECK(url_query_value(strbuf_bytes(&page), "marker", &back));
    CHECK(bytes_equal(strbuf_bytes(&back), strbuf_bytes(&marker)));
}

void fuzz_one(struct bytes input)
{
    CLEANUP(strbuf_free) struct strbuf value = STRBUF_INIT;
    CLEANUP(free_ptr) char *text = malloc(input.len + 1);
    CHECK(text);
    if (input.len)
        memcpy(text, input.data, input.len);
    text[input.len] = '\0';
    url_query_value(input, "marker", &value);
    check_encoding(input);
    check_address(text, url_parse_endpoint);
    check_address(text, url_parse_identity);
    check_link(text);
}
