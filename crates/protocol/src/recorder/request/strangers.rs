//! What a stranger is not sent: what the browser and the servers in front add to a request, meant for the app alone.
//!
//! A stranger is an upstream under a public origin that is neither that origin nor mapped. A page asks it through its own
//! origin, so that its request carries what the page's origin is sent: the whole address of the page, the password that
//! the browser keeps for it, and what proxies say of the person and of themselves. Fetched directly, the upstream would
//! see none of that. What the app puts into its request by itself passes: `x-api-key`, `x-goog-api-key`, `cf-aig-*`.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::words::header::{is_of_token, plain};

/// Headers that servers in front add: who it is, where from, by which connection. Named one by one where the same
/// beginning is also that of headers which apps send.
const FRONTS: &[&str] = &[
    // Who is logged in, of proxies that authenticate.
    "remote-user",
    "remote-groups",
    "remote-name",
    "remote-email",
    "x-remote-user",
    "x-remote-group",
    "x-user-claims",
    "x-apigateway-api-userinfo",
    "x-endpoint-api-userinfo",
    "x-userinfo",
    "x-id-token",
    "teleport-jwt-assertion",
    "oidc-access-token",
    "oidc-id-token",
    "x-vercel-oidc-token",
    // Client certificates (RFC 9440 and older ways).
    "client-cert",
    "client-cert-chain",
    "x-client-cert",
    "x-arr-clientcert",
    "x-amzn-mtls-clientcert",
    "x-amzn-mtls-clientcert-leaf",
    // Where the client is.
    "client-ip",
    "x-forwarded",
    "x-original-forwarded-for",
    "x-originating-ip",
    "x-remote-ip",
    "x-remote-addr",
    "x-real-port",
    "x-azure-clientip",
    "x-azure-socketip",
    "x-envoy-external-address",
    "x-nf-client-connection-ip",
    "x-nf-geo",
    "x-vercel-forwarded-for",
    "x-vercel-proxied-for",
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "cf-connecting-o2o",
    "cf-pseudo-ipv4",
    "cf-ipcountry",
    "cf-ipcity",
    "cf-ipcontinent",
    "cf-iplatitude",
    "cf-iplongitude",
    "cf-region",
    "cf-region-code",
    "cf-metro-code",
    "cf-postal-code",
    "cf-timezone",
    // What the front is and knows of the connection.
    "cf-ray",
    "cf-visitor",
    "cf-worker",
    "cf-ew-via",
    "cf-bot-score",
    "cf-verified-bot",
    "cf-threat-score",
    "cf-ja3-hash",
    "cf-ja4",
    "fly-forwarded-port",
    "fly-forwarded-proto",
    "fly-forwarded-ssl",
    "fly-region",
    "fly-request-id",
    "x-amz-cf-id",
    "x-arr-log-id",
    "x-arr-ssl",
    "x-azure-fdid",
    "x-azure-ref",
    "x-nf-account-id",
    "x-nf-site-id",
    "x-nf-request-id",
    "x-vercel-deployment-url",
    "x-vercel-id",
    "x-vercel-ja4-digest",
    "x-vercel-proxy-signature",
    "x-vercel-proxy-signature-ts",
    // The URL that the front was asked for.
    "x-original-host",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-url",
    "x-envoy-original-path",
    "x-envoy-peer-metadata",
    "x-envoy-peer-metadata-id",
    // Traces: which of the operator's requests this one is a part of.
    "traceparent",
    "tracestate",
    "baggage",
    "b3",
    "sentry-trace",
    "uber-trace-id",
    "x-amzn-trace-id",
    "x-cloud-trace-context",
    "fly-traceparent",
];

/// Beginnings that nobody but a server in front uses.
const FRONT_PREFIXES: &[&str] = &[
    "cf-access-",
    "cloudfront-is-",
    "cloudfront-viewer-",
    "ngrok-auth-user-",
    "oidc-claim-",
    "ssl-client-",
    "tailscale-user-",
    "uberctx-",
    "x-amzn-oidc-",
    "x-appengine-",
    "x-auth-request-",
    "x-authentik-",
    "x-b3-",
    "x-datadog-",
    "x-forwarded-",
    "x-goog-authenticated-user-",
    "x-goog-iap-",
    "x-ms-client-principal",
    "x-ms-token-",
    "x-pomerium-",
    "x-remote-extra-",
    "x-ssl-client-",
    "x-vercel-ip-",
    "x-webauth-",
];

/// Passwords that a browser sends by itself once it was given them, whatever the page.
const OF_BROWSERS: [&str; 4] = ["basic", "digest", "negotiate", "ntlm"];

/// Takes out what a stranger is not sent, and shortens the address of the page. `basic_is_the_apps`: the app says that it
/// sends a password itself, so that none of the browser's is in its place.
pub(super) fn strip(headers: &mut HeaderMap, basic_is_the_apps: bool) {
    let fronts: Vec<HeaderName> = headers.keys().filter(|name| is_of_a_front(name)).cloned().collect();
    for name in fronts {
        headers.remove(name);
    }
    retain(headers, &header::AUTHORIZATION, |value| {
        let scheme = scheme(value);
        let is_the_apps = basic_is_the_apps && scheme == "basic";
        (is_the_apps || !OF_BROWSERS.contains(&scheme.as_str())).then(|| value.clone())
    });
    retain(headers, &header::REFERER, origin_of);
}

/// Keeps of a header what `keep` makes of its values.
fn retain(headers: &mut HeaderMap, name: &HeaderName, keep: impl Fn(&HeaderValue) -> Option<HeaderValue>) {
    let kept: Vec<_> = headers.get_all(name).iter().filter_map(keep).collect();
    headers.remove(name);
    for value in kept {
        headers.append(name, value);
    }
}

fn is_of_a_front(name: &HeaderName) -> bool {
    let name = plain(name);
    FRONTS.contains(&&*name)
        || FRONT_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || name.ends_with("-client-ip")
}

/// The scheme of a credential (RFC 9110 §11.4), in lower case.
fn scheme(value: &HeaderValue) -> String {
    let bytes = value.as_bytes().trim_ascii_start().iter().copied().take_while(|byte| is_of_token(*byte));
    bytes.map(|byte| char::from(byte.to_ascii_lowercase())).collect()
}

/// The origin of a page, as `referrer-policy: origin` sends it. Nothing for what has none.
fn origin_of(referer: &HeaderValue) -> Option<HeaderValue> {
    let url = Url::parse(referer.to_str().ok()?).ok()?;
    let origin = url.origin();
    if !origin.is_tuple() {
        return None;
    }
    HeaderValue::try_from(format!("{}/", origin.ascii_serialization())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::header::testing::{map, names};

    #[test]
    fn what_fronts_add_is_dropped_by_name() {
        for name in [
            "cf-access-jwt-assertion",
            "cf-connecting-ip",
            "cf-ray",
            "x-amzn-oidc-data",
            "x-goog-iap-jwt-assertion",
            "x-goog-authenticated-user-email",
            "x-ms-client-principal",
            "x-ms-client-principal-name",
            "x-ms-token-aad-access-token",
            "x-auth-request-email",
            "x-vercel-ip-city",
            "true-client-ip",
            "fastly-client-ip",
            "x-client-ip",
            "x-pomerium-jwt-assertion",
            "x-forwarded-client-cert",
            "x-remote-user",
            "x_remote_user",
            "oidc_claim_sub",
            "true_client_ip",
            "client-cert",
            "traceparent",
            "x-b3-traceid",
        ] {
            let mut headers = map(&[(name, "x"), ("x-kept", "1")]);
            strip(&mut headers, true);
            assert_eq!(names(&headers), ["x-kept"], "{name}");
        }
    }

    #[test]
    fn what_apps_send_passes() {
        for name in [
            "x-api-key",
            "api-key",
            "x-goog-api-key",
            "x-goog-user-project",
            "cf-aig-authorization",
            "cf-aig-metadata",
            "x-ms-version",
            "x-ms-client-request-id",
            "x-amz-date",
            "x-amz-security-token",
            "x-amzn-bedrock-accept",
            "x-vercel-ai-data-stream",
            "x-vercel-protection-bypass",
            "x-client-info",
            "x-access-token",
            "x-request-id",
            "x-csrf-token",
            "cdn-loop",
            "via",
            "origin",
            "openai-organization",
            "anthropic-version",
        ] {
            let mut headers = map(&[(name, "x")]);
            strip(&mut headers, false);
            assert_eq!(names(&headers), [name]);
        }
    }

    #[test]
    fn what_a_browser_sends_by_itself_is_dropped_and_basic_passes_where_it_is_the_apps() {
        for (value, kept) in [
            ("Basic dTpw", [false, true]),
            ("basic dTpw", [false, true]),
            ("BASIC\tdTpw", [false, true]),
            ("Digest username=\"u\"", [false, false]),
            ("Negotiate YII=", [false, false]),
            ("NTLM TlRM", [false, false]),
            ("NTLM", [false, false]),
            ("Bearer Basic", [true, true]),
            ("DPoP x", [true, true]),
            ("Basically x", [true, true]),
            ("AWS4-HMAC-SHA256 Credential=x", [true, true]),
            ("sk-key", [true, true]),
        ] {
            for (app, kept) in [false, true].into_iter().zip(kept) {
                let mut headers = map(&[("authorization", value)]);
                strip(&mut headers, app);
                assert_eq!(headers.contains_key("authorization"), kept, "{value} {app}");
            }
        }
        let mut two = map(&[("authorization", "Bearer x"), ("authorization", "Basic dTpw")]);
        strip(&mut two, false);
        assert_eq!(two.get_all("authorization").iter().collect::<Vec<_>>(), ["Bearer x"]);
    }

    #[test]
    fn a_referer_is_cut_to_its_origin() {
        for (referer, cut) in [
            ("https://app.example/chat/7?invite=SECRET", Some("https://app.example/")),
            ("https://app.example", Some("https://app.example/")),
            ("http://app.example:81/x#y", Some("http://app.example:81/")),
            ("https://user:pass@app.example/x", Some("https://app.example/")),
            ("/chat/7?invite=SECRET", None),
            ("about:client", None),
            ("file:///home/u/x.html", None),
            ("data:text/html,x", None),
            ("", None),
        ] {
            let mut headers = map(&[("referer", referer)]);
            strip(&mut headers, false);
            assert_eq!(headers.get("referer").map(|value| value.to_str().unwrap()), cut, "{referer}");
        }
    }
}
