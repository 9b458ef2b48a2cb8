//! Settings that all recorders of a cluster should have alike.

use durablefetch_protocol::scope::{Credential, Scoping, TokenIn};
use durablefetch_store_postgres::Setting;

use crate::config::{Config, Shared};

/// Those of this process. What says whose recordings are whose has to be the same: what one records for somebody, another one
/// would give to everybody. What says how much is kept, and for how long, may differ while it is being changed.
pub(crate) fn of(config: &Config, shared: &Shared) -> Vec<Setting> {
    let setting = |name, value, must_agree| Setting { name, value, must_agree };
    let seconds = |time: std::time::Duration| format!("{}s", time.as_secs_f64());
    vec![
        setting("scope-by", scoping(&config.scoping), true),
        setting("unguessable-urls", config.unguessable_urls.to_string(), true),
        setting("lease", seconds(shared.lease), true),
        setting("ttl", seconds(config.ttl), false),
        setting("max-age", seconds(config.max_age), false),
        setting("max-cluster-bytes", shared.most_bytes.to_string(), false),
    ]
}

fn scoping(scoping: &Scoping) -> String {
    match scoping {
        Scoping::Shared => "unset".to_owned(),
        Scoping::Tokens(_) => "--token-secret".to_owned(),
        Scoping::Presented(by, _) => by.iter().map(credential).collect::<Vec<_>>().join(","),
    }
}

fn credential(by: &Credential) -> String {
    match by {
        Credential::Header(name) => name.to_string(),
        Credential::Cookie(name) => format!("cookie:{name}"),
        Credential::Claim(TokenIn::Bearer, claim) => format!("bearer-jwt:{claim}"),
        Credential::Claim(TokenIn::Cookie(name), claim) => format!("cookie-jwt:{name}:{claim}"),
    }
}
