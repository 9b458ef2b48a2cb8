//! The root certificates of an image that has no system: Mozilla's, of the version in Cargo.lock.

use pem::{EncodeConfig, LineEnding, Pem};
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

/// Where the recorder looks for them, as on Debian.
pub(super) const PATH: &str = "etc/ssl/certs/ca-certificates.crt";

/// All of them, as one PEM file.
pub(super) fn bundle() -> String {
    let pems: Vec<_> =
        TLS_SERVER_ROOT_CERTS.iter().map(|root| Pem::new("CERTIFICATE", root.as_ref())).collect();
    pem::encode_many_config(&pems, EncodeConfig::new().set_line_ending(LineEnding::LF))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundle_has_each_root() {
        let bundle = bundle();
        assert!(TLS_SERVER_ROOT_CERTS.len() > 50, "{}", TLS_SERVER_ROOT_CERTS.len());
        assert_eq!(pem::parse_many(&bundle).unwrap().len(), TLS_SERVER_ROOT_CERTS.len());
        assert!(!bundle.contains('\r'));
    }
}
