//! Paths that a server on the way may read as a way up.
//!
//! A path reaches the upstream as it came. What stands in front of an application there, and the application itself,
//! each decode it in their own way: some once, some twice, some take `\\` for `/`, cut a segment at `;` or the path at a
//! NUL, or read overlong UTF-8. One of them is enough to turn `/v1/..%2fadmin` into `/admin`.

/// How often a path is decoded: by a proxy, a gateway, a server and an application.
const ROUNDS: usize = 4;

/// Whether a path, as a URL has it, has a segment that is `.` or `..` for somebody who decodes it. Plain dot segments
/// are not in a serialised URL any more.
#[must_use]
pub(super) fn climbs(path: &str) -> bool {
    let mut path = path.as_bytes().to_vec();
    for _ in 0..ROUNDS {
        if has_dots(&path) {
            return true;
        }
        let decoded = decode(&path);
        if decoded.len() == path.len() {
            return false;
        }
        path = decoded;
    }
    has_dots(&path)
}

fn has_dots(path: &[u8]) -> bool {
    path.split(|byte| matches!(byte, b'/' | b'\\' | b'?' | b'#' | 0)).any(|segment| {
        // Java's servers take what follows `;` for parameters (RFC 3986 §3.3).
        let name = segment.split(|byte| *byte == b';').next().unwrap_or_default();
        let is_nothing = |byte: &u8| byte.is_ascii_whitespace();
        // URL parsers leave out tabs and line ends anywhere, Windows leaves out blanks at an end.
        let mut bytes = name.iter().filter(|byte| !is_nothing(byte));
        matches!((bytes.next(), bytes.next(), bytes.next()), (Some(b'.'), None | Some(b'.'), None))
    })
}

/// Undoes one percent-coding, and overlong UTF-8 of the bytes that matter. What is not a coding stays.
fn decode(path: &[u8]) -> Vec<u8> {
    let digit = |at: usize| path.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut out: Vec<u8> = Vec::with_capacity(path.len());
    let mut at = 0;
    while let Some(&byte) = path.get(at) {
        let coded = match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => u8::try_from(high * 16 + low).ok(),
            _ => None,
        };
        at += if coded.is_some() { 3 } else { 1 };
        let byte = coded.unwrap_or(byte);
        match out.last() {
            // Two bytes for what takes one: in no valid UTF-8, and read all the same by some.
            Some(first @ (0xc0 | 0xc1)) if byte & 0xc0 == 0x80 => {
                let short = (first & 1) << 6 | byte & 0x3f;
                out.pop();
                out.push(short);
            }
            _ => out.push(byte),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_may_read_as_a_way_up_is_seen() {
        for path in [
            "/v1/..%2fadmin",
            "/v1/..%2Fadmin",
            "/v1/%2e%2e%2fadmin",
            "/v1/.%2e%2fadmin",
            "/v1/x%2f..%2f..%2fadmin",
            "/v1/..%5cadmin",
            "/v1/..%00/admin",
            "/v1/%00../admin",
            "/v1/..;/admin",
            "/v1/..;x=1/admin",
            "/v1/%2e%2e;/admin",
            "/v1/..%3b/admin",
            "/v1/%252e%252e/admin",
            "/v1/..%252fadmin",
            "/v1/%252e%252e%255cadmin",
            "/v1/%25252e%25252e%25252fadmin",
            "/v1/%%32%65%%32%65/admin",
            "/v1/..%3fx",
            "/v1/..%23x",
            "/v1/.%0a.%2fadmin",
            "/v1/.%09./admin",
            "/v1/..%20/admin",
            "/v1/%c0%ae%c0%ae/admin",
            "/v1/..%c0%afadmin",
            "/v1/..%c1%9cadmin",
            "/v1/.%2fadmin",
            "/v1/%252e",
        ] {
            assert!(climbs(path), "{path}");
        }
    }

    #[test]
    fn what_leads_down_or_is_a_name_is_plain() {
        for path in [
            "/",
            "/v1/x",
            "/v1//x",
            "/v1/a%20b",
            "/v1/a%2Fb",
            "/v1/a%2F%2Fb",
            "/v1/gid%3A%2F%2Fshop%2FProduct%2F1",
            "/v1/%C3%A4/\u{e4}",
            "/v1/%E4",
            "/v1/...",
            "/v1/..foo",
            "/v1/foo..",
            "/v1/a..b%2Fc",
            "/v1/.well-known%2Fx",
            "/v1/100%",
            "/v1/%zz",
            "/v1/a;..",
            "/v1/;x",
            "/v1/%2525",
            "/v1/main...feature%2Fx",
        ] {
            assert!(!climbs(path), "{path}");
        }
    }

    #[test]
    fn a_path_that_is_coded_without_end_is_decoded_so_often_and_no_more() {
        assert!(!climbs(&format!("/v1/%{}2e", "25".repeat(30_000))));
    }
}
