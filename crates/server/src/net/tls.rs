//! TLS: the certificate that a recorder shows, read again when it is told to.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;
use x509_cert::der::Decode;

use crate::config::TlsFiles;
use crate::error::StartError;

/// What accepts TLS connections. HTTP/2 and HTTP/1.1 are offered (ALPN).
#[derive(Clone)]
pub struct Tls {
    files: TlsFiles,
    current: Arc<Current>,
    acceptor: TlsAcceptor,
}

/// The certificate for connections to come.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Tls {
    /// Reads certificate and key.
    pub(crate) fn read(files: &TlsFiles) -> Result<Self, StartError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let current = Arc::new(Current(RwLock::new(certified(files).map_err(StartError::Tls)?)));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| StartError::Tls(error.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { files: files.clone(), current, acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    /// Whether certificate and key can be used.
    ///
    /// # Errors
    /// [`StartError::Tls`].
    pub fn check(files: &TlsFiles) -> Result<(), StartError> {
        certified(files).map(drop).map_err(StartError::Tls)
    }

    /// Reads both files again. The certificate that is shown stays as it was.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub(crate) fn read_again(&self) -> Result<Arc<CertifiedKey>, StartError> {
        certified(&self.files).map_err(StartError::Tls)
    }

    /// Shows this certificate on connections to come.
    pub(crate) fn show(&self, certified: Arc<CertifiedKey>) {
        *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = certified;
    }

    /// When the certificate that is shown expires, in seconds since 1970.
    pub(crate) fn until_s(&self) -> Option<u64> {
        let current = Arc::clone(&self.current.0.read().unwrap_or_else(PoisonError::into_inner));
        let certificate = x509_cert::Certificate::from_der(current.cert.first()?).ok()?;
        Some(certificate.tbs_certificate.validity.not_after.to_unix_duration().as_secs())
    }

    pub(crate) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("files", &self.files).finish_non_exhaustive()
    }
}

fn certified(files: &TlsFiles) -> Result<Arc<CertifiedKey>, String> {
    let of = |what: &str, path: &Path, error: &dyn fmt::Display| {
        format!("the {what} {} cannot be used: {error}", path.display())
    };
    let certificate = |error: &dyn fmt::Display| of("certificate", &files.cert, error);
    let chain = CertificateDer::pem_file_iter(&files.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| certificate(&error))?;
    if chain.is_empty() {
        return Err(certificate(&"it holds no certificate (PEM)"));
    }
    let key =
        PrivateKeyDer::from_pem_file(&files.key).map_err(|error| of("private key", &files.key, &error))?;
    let provider = rustls::crypto::ring::default_provider();
    let certified = CertifiedKey::from_der(chain, key, &provider).map_err(|error| {
        format!("{} and {} do not go together: {error}", files.cert.display(), files.key.display())
    })?;
    Ok(Arc::new(certified))
}
