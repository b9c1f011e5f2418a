// SPDX-License-Identifier: Apache-2.0
#include "answer.h"

#include "imsfs/json.h"

#define THROTTLED                                                                             \
    "The throttling threshold has been reached: policy user over ratelimit,limit:100,time:1 " \
    "minute"
#define UNVERIFIED                                                                        \
    "This server could not verify that you are authorized to access the document you "    \
    "requested. Either you supplied the wrong credentials (e.g., bad password), or your " \
    "browser does not understand how to supply the credentials required."

/* The forms of fixtures that were seen in the wild. */
enum shape { SHAPE_GLANCE, SHAPE_IMS, SHAPE_GATEWAY, SHAPE_FAULT, SHAPE_PROXY, SHAPE_EMPTY };

static const struct failure {
    unsigned status;
    const char *title;
    enum shape shapes[2]; /* by enum answer_service */
    const char *code;     /* of IMS or the gateway */
    const char *message;  /* of Glance */
    const char *ims_message;
} failures[] = {
    {400,
     "Bad Request",
     {SHAPE_GLANCE, SHAPE_IMS},
     "IMG.0001",
     "limit param must be an integer",
     "The request message format is invalid."},
    {401,
     "Unauthorized",
     {SHAPE_GLANCE, SHAPE_GATEWAY},
     "APIG.0301",
     UNVERIFIED,
     "Incorrect IAM authentication information: decrypt token fail"},
    {403,
     "Forbidden",
     {SHAPE_GLANCE, SHAPE_IMS},
     "IMG.0003",
     "You are not authorized to complete this action.",
     "You do not have the rights to perform the operation."},
    {404,
     "Not Found",
     {SHAPE_GLANCE, SHAPE_IMS},
     "IMG.0027",
     "The resource could not be found.",
     "The requested resource was not found."},
    {405,
     "Method Not Allowed",
     {SHAPE_GLANCE, SHAPE_IMS},
     "IMG.0005",
     "The method is not allowed for this resource.",
     "The method is not allowed."},
    {414, "Request URI Too Long", {SHAPE_EMPTY, SHAPE_EMPTY}, "", "", ""},
    {429, "Too Many Requests", {SHAPE_GATEWAY, SHAPE_GATEWAY}, "APIGW.0308", THROTTLED, THROTTLED},
    {500,
     "Internal Server Error",
     {SHAPE_FAULT, SHAPE_FAULT},
     "",
     "The server has either erred or is incapable of performing the requested operation.",
     "Internal service error."},
    {502,
     "Bad Gateway",
     {SHAPE_PROXY, SHAPE_PROXY},
     "",
     "The server returned an invalid response.",
     ""},
    {503,
     "Service Unavailable",
     {SHAPE_PROXY, SHAPE_PROXY},
     "",
     "No server is available to handle this request.",
     ""},
    {504,
     "Gateway Time-out",
     {SHAPE_PROXY, SHAPE_PROXY},
     "",
     "The server did not respond in time.",
     ""},
};

void answer_free(struct answer *a)
{
    strbuf_free(&a->body);
}

static struct failure failure_of(unsigned status)
{
    for (size_t i = 0; i < ARRAY_SIZE(failures); i++)
        if (failures[i].status == status)
            return failures[i];
    return (struct failure){.status = status,
                            .title = "Error",
                            .shapes = {SHAPE_PROXY, SHAPE_PROXY},
                            .code = "",
                            .message = "Something is wrong.",
                            .ims_message = ""};
}

static void add_text(struct strbuf *out, const char *before, const char *text, const char *after)
{
    strbuf_add_str(out, before);
    json_add_quoted(out, bytes_of(text));
    strbuf_add_str(out, after);
}

/* WebOb's three forms of one error. */
static void add_glance(struct answer *a, const struct failure *f, const char *message,
                       const char *accept)
{
    CLEANUP(strbuf_free) struct strbuf text = STRBUF_INIT;
    if (!accept || streq(accept, "text/plain")) {
        a->content_type = "text/plain; charset=UTF-8";
        strbuf_printf(&a->body, "%u %s\n\n%s\n\n\n", f->status, f->title, message);
    } else if (streq(accept, "application/json")) {
        strbuf_printf(&text, "%s<br /><br />\n\n\n", message);
        add_text(&a->body, "{\"message\": ", strbuf_str(&text), ", \"code\": ");
        strbuf_printf(&a->body, "\"%u %s\", \"title\": \"%s\"}", f->status, f->title, f->title);
    } else {
        a->content_type = "text/html; charset=UTF-8";
        strbuf_printf(&a->body,
                      "<html>\n <head>\n  <title>%u %s</title>\n </head>\n <body>\n"
                      "  <h1>%u %s</h1>\n  %s<br /><br />\n\n\n\n </body>\n</html>",
                      f->status, f->title, f->status, f->title, message);
    }
}

static void add_proxy(struct answer *a, const struct failure *f, const char *message)
{
    a->content_type = "text/html";
    strbuf_printf(&a->body, "<html><body><h1>%u %s</h1>\n%s\n</body></html>\n", f->status, f->title,
                  message);
}

void answer_error(struct answer *a, enum answer_service service, unsigned status,
                  const char *message, const char *code, const char *accept)
{
    struct failure f = failure_of(status);
    enum shape shape = f.shapes[service];
    if (!message)
        message = shape == SHAPE_IMS || shape == SHAPE_GATEWAY ? f.ims_message : f.message;
    strbuf_reset(&a->body);
    a->status = status;
    a->count = 0;
    a->content_type = "application/json";
    switch (shape) {
    case SHAPE_GLANCE:
        add_glance(a, &f, message, accept);
        break;
    case SHAPE_IMS:
        add_text(&a->body, "{\"error\":{\"message\":", message, ",\"code\":");
        add_text(&a->body, "", code ? code : f.code, "}}");
        break;
    case SHAPE_GATEWAY:
        add_text(&a->body, "{\"error_msg\":", message, ",\"error_code\":");
        add_text(&a->body, "", f.code, ",\"request_id\":\"d58d1fe6196832aebb76f1c43c169128\"}");
        break;
    case SHAPE_FAULT:
        add_text(&a->body, "{\"computeFault\":{\"message\":", message, ",\"code\":");
        strbuf_printf(&a->body, "%u}}", status);
        break;
    case SHAPE_PROXY:
        add_proxy(a, &f, message);
        break;
    default:
        break;
    }
}
