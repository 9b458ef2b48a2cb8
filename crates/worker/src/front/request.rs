//! One request: what it is for and whether it may be asked. The router and the Durable Object read it alike,
//! so that nothing has to be told from one to the other.

use std::rc::Rc;

use durablefetch_protocol::access::Admitted;
use durablefetch_protocol::address::{Own, Target, Upstream};
use durablefetch_protocol::route::{Route, Rules};
use durablefetch_protocol::{ErrorCode, ProtocolError, upstream_headers, via};
use http::{HeaderMap, Method};
use wasm_bindgen::JsValue;

use crate::config::Config;
use crate::js::{self, sys};
use crate::upstream::Upward;

/// A request that passed the guard.
pub(crate) struct Request {
    /// As JavaScript has it.
    pub(crate) js: web_sys::Request,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    pub(crate) admitted: Admitted,
    pub(crate) own: Rc<Own>,
    pub(crate) pseudonym: Rc<str>,
}

impl Request {
    /// Reads the head of a request and checks who asks.
    pub(crate) fn read(request: web_sys::Request, config: &Config) -> Result<Self, ProtocolError> {
        let mut headers = js::headers::from_js(&request.headers());
        let url = request.url();
        let host = headers.get("host").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let host = match host {
            Some(host) => host,
            None => {
                // A request between two Workers has its Host in its URL only.
                let host = authority(&url).to_owned();
                if let Ok(value) = host.parse() {
                    headers.insert("host", value);
                }
                host
            }
        };
        let admitted = config.access.check(&headers)?;
        let mut own = config.access.own(&config.base_path, &host);
        let pseudonym = config.access.pseudonym(&own).into();
        if is_mounted(&headers) {
            own.loopback_port = None;
        }
        let method =
            request.method().parse().map_err(|_| ProtocolError::from(ErrorCode::MethodNotAllowed))?;
        Ok(Self { js: request, method, headers, admitted, own: Rc::new(own), pseudonym })
    }

    /// Who answers it.
    pub(crate) fn route(&self, config: &Config) -> Result<Route, ProtocolError> {
        let rules = Rules {
            own: &self.own,
            scoping: &config.scoping,
            secret: &config.scope_secret,
            now_s: sys::now_ms() / 1000,
        };
        let route = Route::read(&self.method, path_and_query(&self.js.url()), &self.headers, &rules)?;
        if matches!(route, Route::Fetch { target: Target::Upstream(_), .. }) {
            via::check(&self.headers, &self.pseudonym)?;
        }
        Ok(route)
    }

    /// The request that goes up for this one. Its body is added once it is read.
    pub(crate) fn upward(&self, config: &Config, to: Upstream) -> Upward {
        let mut headers =
            upstream_headers::to_upstream(&self.headers, config.access.crossing(&to), &config.drop_headers);
        via::append(&mut headers, &self.pseudonym);
        let own = Rc::clone(&self.own);
        Upward { to, method: self.method.clone(), headers, body: Vec::new(), own }
    }

    /// The request as JavaScript has it, to be passed on.
    pub(crate) fn into_js(self) -> JsValue {
        self.js.into()
    }
}

/// Whether a page of an app at this very Host asks, whose server passes it on (a mount such as `/df`). The recorder
/// has no page that fetches, so the Host is the app's then, and what it names is not a loop. A real one is told by `via`.
fn is_mounted(headers: &HeaderMap) -> bool {
    let says = |name, value: &[u8]| headers.get(name).is_some_and(|found| found.as_bytes() == value);
    says("sec-fetch-site", b"same-origin") && !says("sec-fetch-mode", b"navigate")
}

fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    &rest[..rest.find(['/', '?']).unwrap_or(rest.len())]
}

fn path_and_query(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find(['/', '?']).map_or("/", |at| &rest[at..]);
    path.split('#').next().unwrap_or(path)
}
