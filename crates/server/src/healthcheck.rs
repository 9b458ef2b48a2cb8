//! `durablefetch healthcheck`: asks the recorder of this machine whether it is well, for containers that have no curl.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use durablefetch_protocol::name;
use http::{StatusCode, header};
use reqwest::Client;

use crate::upstream::connect::causes;

/// A recorder that takes longer is not well. Less than any supervisor's patience, so that the sentence is seen.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is asked, and in whose name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    url: String,
    /// The `Host` under which the recorder answers.
    host: String,
}

impl Question {
    /// The question to a recorder with these settings.
    ///
    /// # Errors
    /// A sentence, where the port is known to nobody but the recorder itself.
    pub fn new(
        listen: SocketAddr,
        has_tls: bool,
        public_origin: Option<&str>,
        base_path: &str,
    ) -> Result<Self, String> {
        if listen.port() == 0 {
            return Err(
                "port 0 picks a free port, which is known to the recorder alone: name one with --listen"
                    .to_owned(),
            );
        }
        let reached = SocketAddr::new(reached(listen.ip()), listen.port());
        let scheme = if has_tls { "https" } else { "http" };
        let authority = public_origin.and_then(|origin| origin.split_once("://")).map(|(_, rest)| rest);
        Ok(Self {
            url: format!("{scheme}://{reached}{base_path}/healthz"),
            host: authority.map_or_else(|| reached.to_string(), str::to_owned),
        })
    }
}

/// Where a listener is reached from the same machine.
fn reached(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}

/// Asks. The sentence says how it is.
///
/// # Errors
/// A sentence that says what is wrong.
pub async fn run(question: Question) -> Result<String, String> {
    let Question { url, host } = question;
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Its certificate is for the public name, and may be renewed at any moment. Nothing secret is sent.
    let client = Client::builder()
        .no_proxy()
        .http1_only()
        .timeout(PATIENCE)
        .redirect(reqwest::redirect::Policy::none())
        .tls_danger_accept_invalid_certs(true)
        .build()
        .map_err(|error| format!("no HTTP client: {}", causes(&error)))?;
    let response = client.get(&url).header(header::HOST, host).send().await.map_err(|error| {
        format!(
            "nothing answers at {url}: {}; is `durablefetch serve` running with the same settings?",
            causes(&error)
        )
    })?;
    let status = response.status();
    if !response.headers().contains_key(name::STATE) {
        return Err(format!("what answers at {url} (status {status}) is not a durablefetch recorder"));
    }
    if status != StatusCode::OK {
        let error = response.headers().get(name::ERROR).and_then(|code| code.to_str().ok());
        let error = error.unwrap_or("no error code");
        return Err(format!(
            "the recorder at {url} answers {status}, {error}; is it running with the same settings?"
        ));
    }
    Ok(format!("the recorder at {url} is well"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(listen: &str, has_tls: bool, origin: Option<&str>, base: &str) -> (String, String) {
        let Question { url, host } = Question::new(listen.parse().unwrap(), has_tls, origin, base).unwrap();
        (url, host)
    }

    #[test]
    fn all_interfaces_are_asked_on_loopback_under_the_public_name() {
        let is = |url: &str, host: &str| (url.to_owned(), host.to_owned());
        assert_eq!(
            question("127.0.0.1:8787", false, None, ""),
            is("http://127.0.0.1:8787/healthz", "127.0.0.1:8787")
        );
        assert_eq!(
            question("0.0.0.0:443", true, Some("https://app.example"), "/df"),
            is("https://127.0.0.1:443/df/healthz", "app.example")
        );
        assert_eq!(
            question("[::]:8787", false, Some("http://app.example:81"), ""),
            is("http://[::1]:8787/healthz", "app.example:81")
        );
        assert_eq!(
            question("192.0.2.7:80", false, None, ""),
            is("http://192.0.2.7:80/healthz", "192.0.2.7:80")
        );
    }

    #[test]
    fn a_port_that_is_picked_cannot_be_asked() {
        let error = Question::new("0.0.0.0:0".parse().unwrap(), false, None, "").unwrap_err();
        assert!(error.contains("--listen"), "{error}");
    }
}
