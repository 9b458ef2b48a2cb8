//! Flags: whose recordings a request is about, and what may be fetched.

use clap::Args;
use clap::builder::FalseyValueParser;
use durablefetch_protocol::DropHeader;
use durablefetch_protocol::allow::Allow;
use durablefetch_protocol::client_address::{Network, TrustedProxies};
use durablefetch_protocol::jwt::Keys;
use durablefetch_protocol::map::Map;
use durablefetch_protocol::scope::{Credential, Scoping};
use durablefetch_protocol::token::Secrets;

use super::secrets;
use crate::jwt;

/// See `durablefetch serve --help`.
#[derive(Args)]
#[command(next_help_heading = "Whose recordings are whose")]
pub(super) struct ScopeArgs {
    /// Want tokens (JWT, HS256): the secret or @FILE; may be repeated.
    #[arg(long, value_name = "SECRET", value_delimiter = ',', conflicts_with_all = ["scope_by", "unguessable_urls"])]
    token_secret: Vec<String>,

    /// Tell by authorization, cookie:NAME, bearer-jwt:sub, cookie-jwt:NAME:sub.
    #[arg(long, value_name = "CREDENTIAL", value_delimiter = ',', value_parser = Credential::parse, conflicts_with = "unguessable_urls")]
    scope_by: Vec<Credential>,

    /// What those are signed with: a secret, a JWKS, or @FILE; repeatable.
    #[arg(long, value_name = "KEY", requires = "scope_by")]
    jwt_key: Vec<String>,

    /// Everybody who knows a URL may have what was recorded of it.
    #[arg(long, value_parser = FalseyValueParser::new())]
    pub(super) unguessable_urls: bool,
}

impl ScopeArgs {
    /// How these flags tell whose recordings a request is about.
    pub(super) fn scoping(&self) -> Result<Scoping, String> {
        if !self.scope_by.is_empty() {
            let keys = self.jwt_key.iter().map(|text| secrets::read(text)).collect::<Result<Vec<_>, _>>()?;
            let keys =
                Keys::parse(&keys, Some(jwt::verify)).map_err(|error| format!("--jwt-key: {error}"))?;
            return Scoping::presented(self.scope_by.clone(), keys)
                .map_err(|error| format!("--jwt-key: {error}"));
        }
        if self.token_secret.is_empty() {
            return Ok(Scoping::Shared);
        }
        let secrets =
            self.token_secret.iter().map(|text| secrets::read(text)).collect::<Result<Vec<_>, _>>()?;
        Ok(Scoping::Tokens(Secrets::new(&secrets)?))
    }
}

/// Never the secrets.
impl std::fmt::Debug for ScopeArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScopeArgs").finish_non_exhaustive()
    }
}

/// See `durablefetch serve --help`.
#[derive(Debug, Args)]
#[command(next_help_heading = "What may be fetched")]
pub(super) struct UpstreamArgs {
    /// Only this origin and path prefix, private or not; repeatable.
    #[arg(long, value_name = "PREFIX", value_parser = parse_allow, value_delimiter = ',')]
    pub(super) allow: Vec<Allow>,

    /// All of the internet besides, which needs saying in public.
    #[arg(long, value_parser = FalseyValueParser::new())]
    pub(super) allow_any: bool,

    /// Send no upstream this header; repeatable.
    #[arg(long = "drop-header", value_name = "NAME", value_parser = DropHeader::parse, value_delimiter = ',')]
    pub(super) drop_headers: Vec<DropHeader>,

    /// Where an origin is: https://app.example=http://app:3000.
    #[arg(long = "map", value_name = "ORIGIN=ORIGIN", value_parser = Map::parse, value_delimiter = ',')]
    pub(super) maps: Vec<Map>,

    /// Proxies that tell clients apart. [default: this machine's]
    #[arg(long, value_name = "NETWORK", value_parser = Network::parse, value_delimiter = ',')]
    trusted_proxies: Vec<Network>,
}

impl UpstreamArgs {
    /// The proxies that may say where a request comes from.
    pub(super) fn trusted_proxies(&self) -> TrustedProxies {
        if self.trusted_proxies.is_empty() {
            return TrustedProxies::default();
        }
        TrustedProxies::new(self.trusted_proxies.clone())
    }
}

fn parse_allow(text: &str) -> Result<Allow, String> {
    Allow::parse(text).map_err(|error| error.message)
}
