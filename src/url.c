// SPDX-License-Identifier: Apache-2.0
#include "imsfs/url.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <strings.h>

#define HOST_MAX_BYTES 255

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void url_add_encoded(struct strbuf *out, struct bytes value)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < value.len; i++) {
        uint8_t byte = (uint8_t)value.data[i];
        if (is_unreserved((char)byte))
            strbuf_add_char(out, (char)byte);
        else
            strbuf_add(out, (char[]){'%', hex[byte >> 4], hex[byte & 15]}, 3);
    }
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static void add_decoded(struct strbuf *out, struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i] == '+' ? ' ' : text.data[i];
        if (c == '%' && text.len - i > 2) {
            int high = hex_digit(text.data[i + 1]), low = hex_digit(text.data[i + 2]);
            if (high >= 0 && low >= 0) {
                c = (char)(high * 16 + low);
                i += 2;
            }
        }
        strbuf_add_char(out, c);
    }
}

/* Cuts the part up to sep, or all of it, off rest. */
static struct bytes cut_at(struct bytes *rest, char sep)
{
    const char *end = rest->len ? memchr(rest->data, sep, rest->len) : NULL;
    struct bytes part = {rest->data, end ? (size_t)(end - rest->data) : rest->len};
    size_t used = part.len + (end ? 1 : 0);
    *rest = (struct bytes){rest->data + used, rest->len - used};
    return part;
}

bool url_query_value(struct bytes url, const char *name, struct strbuf *out)
{
    struct bytes found = {NULL, 0};
    struct bytes rest = cut_at(&url, '#');
    cut_at(&rest, '?');
    while (rest.len) {
        struct bytes value = cut_at(&rest, '&');
        if (bytes_are(cut_at(&value, '='), name))
            found = value;
    }
    if (!found.data)
        return false;
    add_decoded(out, found);
    return true;
}

static bool only_url_bytes(const char *text)
{
    for (; *text; text++) {
        if (*text <= 0x20 || *text >= 0x7F || strchr("\\\"<>^`{|}", *text))
            return false;
    }
    return true;
}

/* True for a name or address that means the same to us and to libcurl. */
static bool host_is_valid(const char *host, bool bracketed)
{
    struct in6_addr ip6;
    if (bracketed)
        return inet_pton(AF_INET6, host, &ip6) == 1;
    for (const char *c = host; *c; c++) {
        if (!is_unreserved(*c) || *c == '~')
            return false;
    }
    return *host != '\0';
}

static bool host_is_loopback(const char *host)
{
    struct in_addr ip4;
    struct in6_addr ip6;
    if (strcasecmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &ip4) == 1)
        return ntohl(ip4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, host, &ip6) == 1 && IN6_IS_ADDR_LOOPBACK(&ip6);
}

/* What follows the host: nothing, or ':' and 1 to 65535. */
static bool port_is_valid(struct bytes text)
{
    unsigned port = 0;
    if (text.len == 0)
        return true;
    for (size_t i = 1; i < text.len && port <= 65535; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        port = port * 10 + (unsigned)(text.data[i] - '0');
    }
    return text.data[0] == ':' && port >= 1 && port <= 65535;
}

/* Checks host[:port] and tells whether it is this machine. */
static bool parse_authority(struct bytes text, bool *loopback)
{
    bool bracketed = text.len && text.data[0] == '[';
    struct bytes rest = text;
    struct bytes host = cut_at(&rest, bracketed ? ']' : ':');
    if (bracketed) {
        if (host.len == text.len)
            return false;
        host = (struct bytes){host.data + 1, host.len - 1};
    }
    char name[HOST_MAX_BYTES + 1];
    if (host.len >= sizeof(name))
        return false;
    if (host.len)
        memcpy(name, host.data, host.len);
    name[host.len] = '\0';
    size_t used = (size_t)(host.data - text.data) + host.len + bracketed;
    *loopback = host_is_loopback(name);
    return host_is_valid(name, bracketed) &&
           port_is_valid((struct bytes){text.data + used, text.len - used});
}

static size_t without_slashes(struct bytes path)
{
    while (path.len && path.data[path.len - 1] == '/')
        path.len--;
    return path.len;
}

/* The length of path without slashes at its end and one last /v2 or /v2.x. */
static size_t prefix_length(struct bytes path)
{
    path.len = without_slashes(path);
    size_t at = path.len;
    while (at && (strchr("0123456789.", path.data[at - 1])))
        at--;
    struct bytes version = {path.data + at, path.len - at};
    bool two = bytes_are(version, "2") || (version.len > 2 && memcmp(version.data, "2.", 2) == 0);
    if (two && at >= 2 && memcmp(path.data + at - 2, "/v", 2) == 0)
        path.len = without_slashes((struct bytes){path.data, at - 2});
    return path.len;
}

static const char *parse(struct url *u, const char *text, size_t *base_len)
{
    u->https = strncasecmp(text, "https://", 8) == 0;
    if (!u->https && strncasecmp(text, "http://", 7) != 0)
        return "the endpoint must start with https:// or http://";
    const char *authority = text + (u->https ? 8 : 7);
    size_t len = strcspn(authority, "/?#\\");
    if (memchr(authority, '@', len))
        return "the endpoint must not hold a user name or password; use OS_TOKEN or token_file=";
    if (strpbrk(authority, "?#"))
        return "the endpoint must not hold '?' or '#'; give only the address of the service";
    if (!only_url_bytes(text))
        return "the endpoint holds a character that must be written as %XX in a URL";
    if (!parse_authority((struct bytes){authority, len}, &u->loopback))
        return "the endpoint needs a host name or address, and a port from 1 to 65535 if any";
    *base_len = (size_t)(authority - text) + len + prefix_length(bytes_of(authority + len));
    return NULL;
}

int url_parse_endpoint(struct url *out, const char *text, char *error, size_t size)
{
    struct url u = {0};
    size_t base_len = 0;
    const char *problem = parse(&u, text, &base_len);
    if (problem) {
        snprintf(error, size, "%s", problem);
        return -EINVAL;
    }
    u.base = strndup(text, base_len);
    if (!u.base)
        return -ENOMEM;
    *out = u;
    return 0;
}

void url_free(struct url *u)
{
    free(u->base);
    *u = (struct url){0};
}
