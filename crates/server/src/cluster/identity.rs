//! By what the processes of a cluster know each other: a key of their own, made at each start. Each tells its own in the store,
//! and speaks to nobody but the keys that are told there. The certificates around them say nothing.

use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, PublicKeyData};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::version::TLS13;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, ServerConfig,
    SignatureScheme,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use x509_cert::der::{Decode, Encode};

/// The key of this process.
pub(crate) struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
    /// Its public half, DER.
    spki: Vec<u8>,
    provider: Arc<CryptoProvider>,
}

impl Identity {
    /// A new one.
    pub(crate) fn new() -> Result<Self, String> {
        let failed = |error: rcgen::Error| error.to_string();
        let key = KeyPair::generate().map_err(failed)?;
        let params = CertificateParams::new(vec![NAME.to_owned()]).map_err(failed)?;
        let certificate = params.self_signed(&key).map_err(failed)?.der().clone();
        let provider = Arc::new(ring::default_provider());
        Ok(Self {
            certificate,
            spki: key.subject_public_key_info(),
            key: key.serialize_der().into(),
            provider,
        })
    }

    pub(crate) fn spki(&self) -> &[u8] {
        &self.spki
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        self.key.clone_key().into()
    }

    /// Takes connections of all who have a key: [`spki_of`] says which.
    pub(crate) fn acceptor(&self) -> Result<TlsAcceptor, Error> {
        let any = Arc::new(AnyKey { algorithms: self.provider.signature_verification_algorithms });
        let config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&TLS13])?
            .with_client_cert_verifier(any)
            .with_single_cert(vec![self.certificate.clone()], self.key())?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Speaks to who has this key, and to nobody else.
    pub(crate) fn connector(&self, spki: &[u8]) -> Result<TlsConnector, Error> {
        let algorithms = self.provider.signature_verification_algorithms;
        let only = Arc::new(OnlyKey { spki: spki.to_owned(), algorithms });
        let config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(only)
            .with_client_auth_cert(vec![self.certificate.clone()], self.key())?;
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

/// What all of them are called to TLS, which wants a name.
pub(crate) const NAME: &str = "durablefetch-peer";

/// The public key of a certificate.
pub(crate) fn spki_of(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let certificate = x509_cert::Certificate::from_der(certificate).ok()?;
    certificate.tbs_certificate.subject_public_key_info.to_der().ok()
}

/// What both verifiers have: that the other one has this key, TLS proves; a version before 1.3 is never spoken.
macro_rules! signatures {
    () => {
        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Err(Error::General("TLS 1.3 is spoken between the processes of a cluster".into()))
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls13_signature(message, cert, dss, &self.algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.algorithms.supported_schemes()
        }
    };
}

#[derive(Debug)]
struct OnlyKey {
    spki: Vec<u8>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for OnlyKey {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if spki_of(end_entity).as_ref() == Some(&self.spki) {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    signatures!();
}

#[derive(Debug)]
struct AnyKey {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for AnyKey {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    signatures!();
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    /// What each side makes of a connection from `from` to `to`, which is known by `pinned`.
    async fn speak(from: &Identity, to: &Identity, pinned: &[u8]) -> Option<Vec<u8>> {
        let (near, far) = duplex(16 * 1024);
        let (acceptor, connector) = (to.acceptor().unwrap(), from.connector(pinned).unwrap());
        let accepting = async {
            let mut stream = acceptor.accept(far).await.ok()?;
            let shown = stream.get_ref().1.peer_certificates().and_then(|all| spki_of(all.first()?));
            stream.write_all(b"hello").await.ok()?;
            stream.shutdown().await.ok()?;
            shown
        };
        let connecting = async {
            let mut stream = connector.connect(NAME.try_into().unwrap(), near).await.ok()?;
            let mut said = Vec::new();
            stream.read_to_end(&mut said).await.ok()?;
            (said == b"hello").then_some(())
        };
        let (shown, heard) = tokio::join!(accepting, connecting);
        heard.and(shown)
    }

    #[tokio::test]
    async fn each_is_known_by_its_key_alone() {
        let [one, two, other] = [(); 3].map(|()| Identity::new().unwrap());
        assert_eq!(speak(&one, &two, two.spki()).await.as_deref(), Some(one.spki()));
        assert_eq!(speak(&one, &other, two.spki()).await, None, "another one answers at that address");
    }
}
