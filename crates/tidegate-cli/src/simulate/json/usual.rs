//! The names that logs usually have for things.

use super::super::line::Field;

/// Names of things, and the names that they usually have in logs, the likeliest first: those of
/// nginx's variables, Apache, Caddy, Traefik, the Elastic Common Schema, Google Cloud.
pub(super) const USUAL: [(&str, Field, &[&str]); 11] = [
    (
        "time",
        Field::Time,
        &[
            "time",
            "timestamp",
            "@timestamp",
            "ts",
            "time_iso8601",
            "time_local",
            "msec",
            "date",
            "StartUTC",
        ],
    ),
    (
        "address",
        Field::Address,
        &[
            "remote_addr",
            "client_ip",
            "remote_ip",
            "ip",
            "client",
            "addr",
            "remote",
            "request.client_ip",
            "request.remote_ip",
            "ClientHost",
            "client.ip",
            "source.ip",
            "httpRequest.remoteIp",
        ],
    ),
    (
        "method",
        Field::Method,
        &[
            "method",
            "request_method",
            "verb",
            "request.method",
            "RequestMethod",
            "http.request.method",
            "httpRequest.requestMethod",
        ],
    ),
    (
        "path",
        Field::Path,
        &[
            "request_uri",
            "path",
            "uri",
            "url",
            "target",
            "request.uri",
            "RequestPath",
            "url.original",
            "url.path",
            "httpRequest.requestUrl",
        ],
    ),
    ("query", Field::Query, &["args", "query_string", "query", "url.query"]),
    ("request", Field::Request, &["request", "request_line"]),
    (
        "status",
        Field::Status,
        &[
            "status",
            "status_code",
            "code",
            "DownstreamStatus",
            "http.response.status_code",
            "httpRequest.status",
        ],
    ),
    ("user", Field::User, &["user", "remote_user", "user_id", "ClientUsername", "user.name"]),
    (
        "host",
        Field::Host,
        &["host", "http_host", "vhost", "server_name", "RequestHost", "url.domain", "request.host"],
    ),
    (
        "header:user-agent",
        Field::Agent,
        &[
            "user_agent",
            "http_user_agent",
            "agent",
            "request.headers.User-Agent",
            "request_User-Agent",
            "user_agent.original",
            "httpRequest.userAgent",
        ],
    ),
    (
        "header:referer",
        Field::Referer,
        &[
            "referer",
            "http_referer",
            "referrer",
            "request.headers.Referer",
            "http.request.referrer",
            "httpRequest.referer",
        ],
    ),
];
