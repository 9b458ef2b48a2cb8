//! The Host of a request.

use core::net::{Ipv4Addr, Ipv6Addr};

use http::header::{self, HeaderMap};

use crate::recorder::address::is_localhost_name;
use crate::words::{ErrorCode, ProtocolError};

/// The Hosts that a request names: in its target and in its header, where it has them. At least one.
pub(super) fn hosts<'a>(
    authority: Option<&'a str>,
    headers: &'a HeaderMap,
) -> Result<Vec<&'a str>, ProtocolError> {
    let mut values = headers.get_all(header::HOST).iter();
    let host = match (values.next(), values.next()) {
        (None, _) => None,
        // What is not ASCII is nobody's name.
        (Some(value), None) => Some(value.to_str().unwrap_or("(not ASCII)")),
        (Some(_), Some(_)) => {
            return Err(ProtocolError::new(ErrorCode::BadRequest, "the request has two Host headers"));
        }
    };
    let named: Vec<&str> = [authority, host].into_iter().flatten().collect();
    if named.is_empty() {
        return Err(ProtocolError::new(ErrorCode::MisdirectedHost, "the request names no Host"));
    }
    Ok(named)
}

/// Whether this value of Host leads to the machine itself, whatever the port.
///
/// It is `host` or `host:port` as browsers write it, and read as that alone: a URL parser would find `localhost` in
/// `@localhost`, `lo%63alhost` and `localhost#.evil`.
pub(super) fn is_loopback_authority(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (text, ""),
    };
    let is_port =
        port.bytes().all(|byte| byte.is_ascii_digit()) && (port.is_empty() || port.parse::<u16>().is_ok());
    is_port && is_loopback(host)
}

fn is_loopback(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback());
    }
    let is_of_a_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || host.bytes().all(is_of_a_name) && is_localhost_name(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_of_this_machine_is_a_name_or_address_and_a_port() {
        for host in [
            "localhost",
            "LocalHost",
            "localhost.",
            "localhost:8787",
            "localhost:",
            "localhost:65535",
            "app.localhost:1",
            "my_app-2.localhost",
            "127.0.0.1",
            "127.9.9.9:80",
            "[::1]",
            "[::1]:8787",
            "[0:0:0:0:0:0:0:1]",
        ] {
            assert!(is_loopback_authority(host), "{host}");
        }
    }

    #[test]
    fn what_a_url_parser_would_read_as_this_machine_is_another_host() {
        for host in [
            "",
            ":",
            ":80",
            " ",
            "localhost#.evil",
            "localhost#",
            "localhost/..",
            "localhost/",
            "localhost?",
            "localhost\\.evil",
            "evil.example#.localhost",
            "evil.example/.localhost",
            "evil.example\\.localhost",
            "evil example.localhost",
            "evil.example:80.localhost",
            "@localhost",
            "user@localhost",
            "user:pass@localhost",
            ":@localhost",
            "evil.example:80@localhost",
            "lo%63alhost",
            "%6cocalhost",
            "localhost%00",
            "localhost%2f",
            "loc\talhost",
            "localhost ",
            "localhost, localhost",
            "localhost,evil.example",
            "localhost:80:80",
            "localhost:+80",
            "localhost:0x50",
            "localhost:65536",
            "localhost:80x",
            "localhost.evil.example",
            "127.1",
            "127.0.0.1.evil.example",
            "127.0.0.1.",
            "0177.0.0.1",
            "0x7f.0.0.1",
            "2130706433",
            "10.0.0.1",
            "[::1",
            "::1",
            "[::1].evil",
            "[::1]x:80",
            "[::ffff:127.0.0.1]",
            "[::1%25lo]",
            "\u{ff4c}ocalhost",
            "(not ASCII)",
        ] {
            assert!(!is_loopback_authority(host), "{host:?}");
        }
    }
}
