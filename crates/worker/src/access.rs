//! Who may ask this recorder, and for which upstreams: loopback rules where it runs on somebody's machine,
//! those of a public recorder where `PUBLIC_ORIGIN` is set.

use std::net::IpAddr;

use durablefetch_protocol::access::{
    Access as Rules, Admitted, Cookies, Crossing, PageOrigin, Pages, ToldBy, parse_origin,
};
use durablefetch_protocol::address::{Own, Upstream, is_localhost_name};
use durablefetch_protocol::allow::{self, Allow};
use durablefetch_protocol::destination::{Destination, Lifted, Sender};
use durablefetch_protocol::scope::Scoping;
use durablefetch_protocol::{ErrorCode, ProtocolError};
use http::HeaderMap;
use url::{Host, Url};

/// The rules, with what a Worker's operator is told. Local where `PUBLIC_ORIGIN` is not set: for workerd on this
/// machine. Every public Host is refused then.
#[derive(Debug)]
pub(crate) struct Access {
    rules: Rules,
    /// `ALLOW`: upstreams that may be fetched, and may be on private addresses. None: any.
    allow: Vec<Allow>,
    /// `ALLOW_ANY`: what `ALLOW` does not name may be fetched as well.
    any: bool,
}

impl Access {
    /// Reads `PUBLIC_ORIGIN` and what it requires.
    pub(crate) fn read(
        var: &dyn Fn(&str) -> Option<String>,
        origins: &[String],
        allow: Vec<Allow>,
        scoping: &Scoping,
    ) -> Result<Self, String> {
        let named = origins
            .iter()
            .map(|origin| PageOrigin::parse(origin).map_err(|error| format!("ORIGINS: {error}")))
            .collect::<Result<Vec<_>, _>>()?;
        let pages = Pages { named, null: is_on(var, "ORIGIN_NULL")?, told_by: ToldBy::Variables };
        let (any, unguessable) = (is_on(var, "ALLOW_ANY")?, is_on(var, "UNGUESSABLE_URLS")?);
        let Some(public) = var("PUBLIC_ORIGIN") else {
            return Ok(Self { rules: Rules::new(None, pages), allow, any });
        };
        let public = parse_origin(&public).map_err(|error| format!("PUBLIC_ORIGIN: {error}"))?;
        if allow.is_empty() && !any {
            return Err("PUBLIC_ORIGIN needs ALLOW, the upstreams that may be fetched (https://api.example.com/v1/, …), \
                        or ALLOW_ANY set to `true`"
                .into());
        }
        if matches!(scoping, Scoping::Shared) && !unguessable {
            return Err("PUBLIC_ORIGIN needs TOKEN_SECRET or SCOPE_BY, which say whose a recording is, or \
                        UNGUESSABLE_URLS set to `true`: then everybody who knows a URL can read, stop and delete its \
                        recording, so URLs must not be guessable"
                .into());
        }
        Ok(Self { rules: Rules::new(Some(&public), pages), allow, any })
    }

    /// Checks who asks.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<Admitted, ProtocolError> {
        let checked = self.rules.check(None, headers);
        if !self.rules.is_local() {
            return checked;
        }
        checked.map_err(|error| match error.code {
            ErrorCode::MisdirectedHost => {
                let hint = "to serve another Host than localhost, set the variables PUBLIC_ORIGIN, ALLOW and \
                            TOKEN_SECRET of the Worker";
                ProtocolError::new(error.code, format!("{}; {hint}", error.message))
            }
            _ => error,
        })
    }

    /// Checks an upstream URL before it is fetched, redirects included. What a host name resolves to is
    /// checked by the platform: workerd connects to public addresses only, unless its configuration says more.
    pub(crate) fn check_upstream(&self, upstream: &Upstream, sender: Sender) -> Result<(), ProtocolError> {
        if !self.any {
            allow::check(&self.allow, upstream, |_| "name it in the variable ALLOW".to_owned())?;
        }
        let destination = match upstream.url().host() {
            Some(Host::Ipv4(address)) => Destination::of(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Destination::of(IpAddr::V6(address)),
            Some(Host::Domain(name)) if is_localhost_name(name) => Destination::Loopback,
            Some(Host::Domain(_)) => Destination::Public,
            None => Destination::Forbidden,
        };
        let named = self.allow.iter().any(|entry| entry.covers(upstream));
        let lifted = Lifted::new(self.rules.is_local(), sender, named);
        destination.check(lifted).map_err(|code| {
            let host = upstream.url().host_str().unwrap_or_default();
            ProtocolError::new(code, format!("this recorder may not connect to {host}"))
        })
    }

    /// Whether those who ask may learn why an upstream could not be fetched. Where anybody may have anything fetched, it
    /// would tell them what is reached from here.
    pub(crate) fn tells_why(&self) -> bool {
        self.rules.tells_why(self.any)
    }

    /// What crosses between who asks and the upstream.
    pub(crate) fn crossing(&self, upstream: &Upstream) -> Crossing {
        self.rules.crossing(upstream, &[])
    }

    /// Whether cookies may cross between this recorder and the upstream.
    pub(crate) fn cookies(&self, upstream: &Upstream) -> Cookies {
        self.rules.cookies(upstream)
    }

    /// What the recorder knows of its own address. Its port is known from the Host of a request alone.
    pub(crate) fn own(&self, base_path: &str, host: &str) -> Own {
        let base_path = base_path.to_owned();
        match &self.rules {
            Rules::Public(guard) => {
                Own { base_path, authorities: guard.authorities().to_vec(), ..Own::default() }
            }
            Rules::Local(_) => {
                let url = Url::parse(&format!("http://{host}/")).ok();
                let loopback_port = url.and_then(|url| url.port_or_known_default());
                Own { base_path, loopback_port, ..Own::default() }
            }
        }
    }

    /// What the recorder calls itself in `via`.
    pub(crate) fn pseudonym(&self, own: &Own) -> String {
        match (own.loopback_port, own.authorities.first()) {
            (Some(port), _) => format!("durablefetch-localhost-{port}"),
            (None, Some(authority)) => format!("durablefetch-{}", authority.replace([':', '[', ']'], "-")),
            (None, None) => "durablefetch".to_owned(),
        }
    }
}

/// A switch. What is neither on nor off is an error: a slip of the pen must not open a recorder to everybody.
fn is_on(var: &dyn Fn(&str) -> Option<String>, name: &str) -> Result<bool, String> {
    let Some(value) = var(name) else { return Ok(false) };
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(format!("{name}: `{value}` is neither `true` nor `false`")),
    }
}
