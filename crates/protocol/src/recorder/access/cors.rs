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

/// Adds the CORS headers to an answer. Call it last: every header that is there is exposed.
pub fn add_to_response(admitted: &Admitted, headers: &mut HeaderMap) {
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    let Some(origin) = &admitted.origin else { return };
    let exposed: Vec<&str> = headers
        .keys()
        .map(http::HeaderName::as_str)
        .filter(|name| !matches!(*name, "set-cookie" | "vary"))
        .collect();
    if let Ok(value) = HeaderValue::try_from(exposed.join(", ")) {
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, value);
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
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
        Admitted { origin: Some(HeaderValue::from_static("http://localhost:5173")), navigates: false }
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
}
