//! How to reach the database.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;
use url::Url;

use crate::error::{Error, Result, said};

/// Where the database is, and how it is spoken to.
///
/// TLS is a must, and the certificate has to be for the host's name (`sslmode=verify-full`). Whom it trusts is the system's
/// affair, unless the URL says `sslrootcert=FILE`, in PEM. `sslmode=disable` speaks without TLS; the other modes of libpq check
/// less than they seem to, and are refused.
#[derive(Clone)]
pub struct Options {
    pub(crate) config: Config,
    pub(crate) tls: Option<MakeRustlsConnect>,
    /// How long a statement may take, the wait for a connection included.
    pub(crate) timeout: Duration,
}

impl Options {
    /// Reads `postgres://user:password@host:5432/database?sslrootcert=ca.pem`. `timeout`: for one statement, the wait for a
    /// connection included.
    ///
    /// # Errors
    ///
    /// [`Error::Url`] for what is not such a URL, for a mode of TLS that is not taken, and for certificates that cannot be read.
    pub fn parse(url: &str, timeout: Duration) -> Result<Self> {
        let mut url = Url::parse(url).map_err(|error| {
            Error::Url(format!(
                "the database's address is not a URL ({error}): write postgres://user@host/database"
            ))
        })?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(Error::Url(format!(
                "{}: is not a database of PostgreSQL: write postgres://…",
                url.scheme()
            )));
        }
        let (mut mode, mut authority, mut rest) = (String::from("verify-full"), None, Vec::new());
        for (name, value) in url.query_pairs() {
            match &*name {
                "sslmode" => mode = value.into_owned(),
                "sslrootcert" => authority = Some(value.into_owned()),
                _ => rest.push((name.into_owned(), value.into_owned())),
            }
        }
        url.set_query(None);
        if !rest.is_empty() {
            url.query_pairs_mut().extend_pairs(rest);
        }
        let mut config = Config::from_str(url.as_str()).map_err(|error| {
            Error::Url(format!("the database's address cannot be used: {}", said(&error)))
        })?;
        let tls = match mode.as_str() {
            "verify-full" => Some(MakeRustlsConnect::new(trusting(authority.as_deref().map(Path::new))?)),
            "disable" => None,
            other => {
                return Err(Error::Url(format!(
                    "sslmode={other} does not make sure who answers: write sslmode=verify-full, which is the default, or \
                     sslmode=disable where nobody else is on the way"
                )));
            }
        };
        config.ssl_mode(if tls.is_some() { SslMode::Require } else { SslMode::Disable });
        config.application_name("durablefetch").connect_timeout(timeout);
        // A process that is paused in a transaction, or waits for one that is, must not hold up those that take over.
        config.options(format!(
            "-c idle_in_transaction_session_timeout=4s -c lock_timeout=2s -c statement_timeout={}",
            timeout.as_millis()
        ));
        Ok(Self { config, tls, timeout })
    }
}

fn trusting(authority: Option<&Path>) -> Result<ClientConfig> {
    let unusable = |error: rustls::Error| Error::Url(format!("TLS cannot be used: {error}"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?;
    let Some(path) = authority else {
        return Ok(builder.with_platform_verifier().map_err(unusable)?.with_no_client_auth());
    };
    let unreadable = |why: String| Error::Url(format!("sslrootcert={}: {why}", path.display()));
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| unreadable(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unreadable(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unreadable("it has no certificate".into()));
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Options> {
        Options::parse(url, Duration::from_secs(10))
    }

    #[test]
    fn tls_is_verified_unless_it_is_switched_off() {
        let verified = parse("postgres://df:secret@db.example:5433/df").unwrap();
        assert!(verified.tls.is_some());
        assert_eq!(verified.config.get_ssl_mode(), SslMode::Require);
        assert_eq!((verified.config.get_dbname(), verified.config.get_ports()), (Some("df"), &[5433][..]));
        assert!(parse("postgres://df@db.example/df?sslmode=verify-full").unwrap().tls.is_some());
        assert!(parse("postgres://df@127.0.0.1/df?sslmode=disable").unwrap().tls.is_none());
    }

    #[test]
    fn what_is_less_is_refused_with_the_remedy() {
        for mode in ["allow", "prefer", "require", "verify-ca", "verfy-full"] {
            let Err(Error::Url(said)) = parse(&format!("postgres://df@db.example/df?sslmode={mode}")) else {
                panic!("{mode} is taken");
            };
            assert!(said.contains(&format!("sslmode={mode}")) && said.contains("verify-full"), "{said}");
        }
        for wrong in
            ["db.example", "mysql://db.example/df", "postgres://df@db.example/df?sslrootcert=/missing.pem"]
        {
            assert!(matches!(parse(wrong), Err(Error::Url(_))), "{wrong}");
        }
    }
}
