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

void url_add_decoded(struct strbuf *out, struct bytes text, bool form)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = form && text.data[i] == '+' ? ' ' : text.data[i];
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
    url_add_decoded(out, found, true);
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

/* The length of path without slashes at its end and one last version: /vN or /vN.x, where N is one
 * of majors. */
static size_t prefix_length(struct bytes path, const char *majors)
{
    path.len = without_slashes(path);
    size_t at = path.len;
    while (at && (strchr("0123456789.", path.data[at - 1])))
        at--;
    size_t len = path.len - at;
    bool is_one = len == 1 || (len > 2 && path.data[at + 1] == '.');
    if (is_one && strchr(majors, path.data[at]) && at >= 2 &&
        memcmp(path.data + at - 2, "/v", 2) == 0)
        path.len = without_slashes((struct bytes){path.data, at - 2});
    return path.len;
}

static const char *check(struct url *u, const char *text, const char *majors, size_t *base_len)
{
    u->https = strncasecmp(text, "https://", 8) == 0;
    if (!u->https && strncasecmp(text, "http://", 7) != 0)
        return "the address must start with https:// or http://";
    const char *authority = text + (u->https ? 8 : 7);
    size_t len = strcspn(authority, "/?#\\");
    if (memchr(authority, '@', len))
        return "the address must not hold a user name or password; give them in clouds.yaml or "
               "OS_*";
    if (strpbrk(authority, "?#"))
        return "the address must not hold '?' or '#'; give only where the service is";
    if (!only_url_bytes(text))
        return "the address holds a character that must be written as %XX in a URL";
    if (!parse_authority((struct bytes){authority, len}, &u->loopback))
        return "the address needs a host name or IP address, and a port from 1 to 65535 if any";
    size_t prefix = prefix_length(bytes_of(authority + len), majors);
    *base_len = (size_t)(authority - text) + len + prefix;
    return NULL;
}

static int parse(struct url *out, const char *text, const char *majors, char *error, size_t size)
{
    struct url u = {0};
    size_t base_len = 0;
    const char *problem = check(&u, text, majors, &base_len);
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

int url_parse_endpoint(struct url *out, const char *text, char *error, size_t size)
{
    return parse(out, text, "2", error, size);
}

int url_parse_identity(struct url *out, const char *text, char *error, size_t size)
{
    return parse(out, text, "23", error, size);
}

uint16_t url_port(const char *address)
{
    const char *host = strstr(address, "://");
    if (!host)
        return 0;
    host += strlen("://");
    const char *end = host + strcspn(host, "/");
    const char *colon = memrchr(host, ':', (size_t)(end - host));
    if (colon && !memchr(colon, ']', (size_t)(end - colon)))
        return (uint16_t)strtoul(colon + 1, NULL, 10);
    return strncasecmp(address, "https", 5) == 0 ? 443 : 80;
}

void url_free(struct url *u)
{
    free(u->base);
    *u = (struct url){0};
}
