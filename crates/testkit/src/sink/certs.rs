//! Certificates for the sink, made anew each time: no key file lies in the repository.

use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

/// A self-signed certificate: the server's side, and the PEM text a client may trust.
pub struct Certificate {
    /// For [`super::Options::tls`].
    pub acceptor: TlsAcceptor,
    /// The certificate as PEM.
    pub pem: String,
    /// Its key as PEM: for a server of another that reads it from a file.
    pub key_pem: String,
}

/// A certificate for `name` that is valid for centuries.
pub fn valid_for(name: &str) -> Certificate {
    certificate(name, 4000)
}

/// A certificate for `name` that ended long ago.
pub fn expired_for(name: &str) -> Certificate {
    certificate(name, 2001)
}

fn certificate(name: &str, until_year: i32) -> Certificate {
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(until_year, 1, 1);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring knows TLS 1.2 and 1.3")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], der)
        .expect("a key that fits its certificate");
    Certificate {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        pem: certificate.pem(),
        key_pem: key.serialize_pem(),
    }
}
