//! CORS, the same on answers and errors (Fetch standard, "CORS protocol").

use http::header::{self, HeaderMap, HeaderValue};

use super::origin::Admitted;
use crate::words::name;

/// How long a browser may keep a preflight's answer, in seconds; Chromium keeps none longer.
pub const PREFLIGHT_MAX_AGE: u32 = 7200;

const OUR_REQUEST_HEADERS: [&str; 10] = [
    name::URL,
    name::MODE,
    name::REQUEST,
    name::RECORDING,
    name::OFFSET,
    name::TOKEN,
    name::FOR,
    name::ATTACH,
    name::READ,
    name::AUTHORIZATION,
];

/// Headers that a page of any origin may read (Fetch standard, "CORS-safelisted response-header name").
const READABLE: [&str; 7] = [
    "cache-control",
    "content-language",
    "content-length",
    "content-type",
    "expires",
    "last-modified",
    "pragma",
];

/// What a proxy takes for a head at the least, and by whose multiples its operators raise it: nginx's `proxy_buffer_size`.
const HEAD_BUFFER: usize = 4096;
/// What is still added to a head: the status line, `date`, the body's framing.
const STILL_TO_COME: usize = 256;

/// Adds the CORS headers to an answer. Call it last: every header that is there is exposed, but for those that would not
/// fit into a proxy's buffer.
pub fn add_to_response(admitted: &Admitted, headers: &mut HeaderMap) {
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    let Some(origin) = &admitted.origin else { return };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    if !admitted.is_same_origin
        && let Ok(list) = HeaderValue::try_from(exposed(headers))
    {
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, list);
    }
}

/// The list of what a page of another origin may read. It repeats the names of a head, and must not be why a head that a
/// proxy takes grows into one that it refuses (nginx: 502 "upstream sent too big header"). The protocol's own come first.
fn exposed(headers: &HeaderMap) -> String {
    let line = |name: usize, value: usize| name + value + ": \r\n".len();
    let lines = headers.iter().map(|(name, value)| line(name.as_str().len(), value.len()));
    let head =
        STILL_TO_COME + lines.sum::<usize>() + line(header::ACCESS_CONTROL_EXPOSE_HEADERS.as_str().len(), 0);
    let room = head.next_multiple_of(HEAD_BUFFER) - head;
    let names = headers.keys().map(http::HeaderName::as_str).filter(|name| {
        let is_told_otherwise = matches!(*name, "set-cookie" | "vary") || name.starts_with("access-control-");
        !is_told_otherwise && !READABLE.contains(name)
    });
    let (ours, others): (Vec<&str>, Vec<&str>) = names.partition(|name| name.starts_with(name::PREFIX));
    let mut list = ours.join(", ");
    for name in others {
        if list.len() + ", ".len() + name.len() <= room {
            if !list.is_empty() {
                list.push_str(", ");
            }
            list.push_str(name);
        }
    }
    list
}

/// Whether a request is a preflight, to be answered by the recorder itself.
#[must_use]
pub fn is_preflight(method: &http::Method, headers: &HeaderMap) -> bool {
    method == http::Method::OPTIONS
        && headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The headers of a preflight's answer (a 204). `request` are those of the preflight.
#[must_use]
pub fn preflight(admitted: &Admitted, request: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let Some(origin) = &admitted.origin else { return headers };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    if let Some(method) = request.get(header::ACCESS_CONTROL_REQUEST_METHOD) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, method.clone());
    }
    let asked = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS).and_then(|value| value.to_str().ok());
    let mut allowed: Vec<&str> =
        asked.into_iter().flat_map(|value| value.split(',')).map(str::trim).collect();
    allowed.retain(|name| !name.is_empty());
    for ours in OUR_REQUEST_HEADERS {
        if !allowed.iter().any(|name| name.eq_ignore_ascii_case(ours)) {
            allowed.push(ours);
        }
    }
    if let Ok(value) = HeaderValue::try_from(allowed.join(", ")) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, value);
    }
    // A page of an allowed public origin may reach a recorder on this machine (Private Network Access).
    if request.contains_key("access-control-request-private-network") {
        headers.insert("access-control-allow-private-network", HeaderValue::from_static("true"));
    }
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(PREFLIGHT_MAX_AGE));
    headers.append(header::VARY, HeaderValue::from_static("origin, access-control-request-headers"));
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted() -> Admitted {
        let origin = Some(HeaderValue::from_static("http://localhost:5173"));
        Admitted { origin, ..Admitted::nobody() }
    }

    #[test]
    fn answers_echo_the_origin_and_expose_every_header() {
        let mut headers = HeaderMap::new();
        headers.insert("x-request-id", HeaderValue::from_static("1"));
        headers.insert(name::STATE, HeaderValue::from_static("none"));
        add_to_response(&admitted(), &mut headers);
        assert_eq!(headers["access-control-allow-origin"], "http://localhost:5173");
        assert_eq!(headers["access-control-allow-credentials"], "true");
        assert_eq!(headers["vary"], "origin");
        let exposed = headers["access-control-expose-headers"].to_str().unwrap();
        assert!(exposed.contains("x-request-id") && exposed.contains(name::STATE), "{exposed}");
    }

    #[test]
    fn an_answer_without_an_origin_says_only_that_it_varies() {
        let mut headers = HeaderMap::new();
        add_to_response(&Admitted::nobody(), &mut headers);
        assert_eq!(headers.len(), 1);
    }

    #[test]
    fn preflights_list_what_was_asked_and_all_of_ours() {
        let mut request = HeaderMap::new();
        request.insert("access-control-request-method", HeaderValue::from_static("POST"));
        request.insert(
            "access-control-request-headers",
            HeaderValue::from_static("x-api-key, durablefetch-url"),
        );
        let headers = preflight(&admitted(), &request);
        assert_eq!(headers["access-control-allow-methods"], "POST");
        let listed = headers["access-control-allow-headers"].to_str().unwrap();
        assert!(listed.starts_with("x-api-key, durablefetch-url, durablefetch-mode"), "{listed}");
        assert_eq!(headers["access-control-max-age"], "7200");
    }

    #[test]
    fn a_preflight_is_an_options_with_origin_and_method() {
        let both = [header::ORIGIN, header::ACCESS_CONTROL_REQUEST_METHOD];
        let is = |method, names: &[http::HeaderName]| {
            let headers = names.iter().map(|name| (name.clone(), HeaderValue::from_static("x"))).collect();
            is_preflight(&method, &headers)
        };
        assert!(is(http::Method::OPTIONS, &both));
        assert!(!is(http::Method::GET, &both));
        assert!(!is(http::Method::OPTIONS, &both[..1]) && !is(http::Method::OPTIONS, &both[1..]));
    }

    #[test]
    fn a_preflight_that_asks_for_no_header_is_told_ours_alone() {
        for asked in ["", " , "] {
            let mut request = HeaderMap::new();
            request.insert(header::ACCESS_CONTROL_REQUEST_HEADERS, HeaderValue::from_static(asked));
            let headers = preflight(&admitted(), &request);
            assert_eq!(headers["access-control-allow-headers"], OUR_REQUEST_HEADERS.join(", "), "{asked:?}");
        }
    }

    #[test]
    fn neither_cookies_nor_what_varies_is_exposed() {
        let mut headers = HeaderMap::new();
        headers.insert("set-cookie", HeaderValue::from_static("a=b"));
        headers.insert("x-a", HeaderValue::from_static("1"));
        add_to_response(&admitted(), &mut headers);
        assert_eq!(headers["access-control-expose-headers"], "x-a");
    }

    /// A head of `count` headers beside the protocol's own, with values of this length.
    fn with_headers(count: usize, value: usize) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for number in 0..count {
            let name: http::HeaderName = format!("x-upstream-header-{number}").parse().unwrap();
            headers.insert(name, "v".repeat(value).parse().unwrap());
        }
        headers.insert(name::STATE, HeaderValue::from_static("none"));
        headers
    }

    fn size(headers: &HeaderMap) -> usize {
        headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
    }

    #[test]
    fn a_page_of_the_recorders_own_origin_needs_no_list() {
        let mut headers = with_headers(3, 1);
        add_to_response(&Admitted { is_same_origin: true, ..admitted() }, &mut headers);
        assert!(!headers.contains_key("access-control-expose-headers"));
        assert_eq!(headers["access-control-allow-origin"], "http://localhost:5173");
    }

    #[test]
    fn the_list_lifts_no_head_over_what_a_proxy_takes() {
        for count in 0..400 {
            let mut headers = with_headers(count, 50);
            let without = size(&headers) + STILL_TO_COME;
            add_to_response(&admitted(), &mut headers);
            let list = headers["access-control-expose-headers"].to_str().unwrap();
            assert!(list.starts_with(name::STATE), "{list}");
            // What is always there may lift it by itself.
            let always = 200;
            let limit = (without + always).next_multiple_of(HEAD_BUFFER);
            assert!(size(&headers) + STILL_TO_COME <= limit, "{count}: {without} {}", size(&headers));
        }
    }

    #[test]
    fn forty_headers_fit_into_4_kib_and_all_of_few_are_named() {
        let mut forty = with_headers(40, 60);
        add_to_response(&admitted(), &mut forty);
        assert!(size(&forty) + STILL_TO_COME <= 4096, "{}", size(&forty));
        let mut ten = with_headers(10, 60);
        add_to_response(&admitted(), &mut ten);
        let list = ten["access-control-expose-headers"].to_str().unwrap();
        assert_eq!(list.split(", ").count(), 11, "{list}");
    }

    #[test]
    fn what_every_page_may_read_is_not_named() {
        let mut headers = with_headers(0, 0);
        for name in READABLE {
            headers.insert(name, HeaderValue::from_static("x"));
        }
        add_to_response(&admitted(), &mut headers);
        assert_eq!(headers["access-control-expose-headers"], name::STATE);
    }
}
