//! TLS for SMTP: which certificates are believed, and the handshake. rustls with ring only.

use std::sync::Arc;
use std::{fmt, io};

use model::Refused;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Which certificates are believed. Built once, cheap to clone.
#[derive(Clone)]
pub struct Trust(Arc<ClientConfig>);

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trust")
    }
}

impl Trust {
    /// The certificate authorities browsers believe (Mozilla's list, compiled in).
    pub fn public() -> Self {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        Self::roots(roots)
    }

    /// Only the authorities (or self-signed certificates) of this PEM text: for a relay of one's
    /// own.
    pub fn only(pem: &str) -> Result<Self, Refused> {
        let refused = || {
            let why = "no certificate found: paste the text between BEGIN and END CERTIFICATE";
            Refused::new("certificate_invalid", why)
        };
        let mut roots = RootCertStore::empty();
        for found in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            roots.add(found.map_err(|_| refused())?).map_err(|_| refused())?;
        }
        if roots.is_empty() { Err(refused()) } else { Ok(Self::roots(roots)) }
    }

    fn roots(roots: RootCertStore) -> Self {
        Self(Arc::new(versions().with_root_certificates(roots).with_no_client_auth()))
    }

    /// Any certificate at all: for opportunistic TLS, where the other choice is no TLS.
    pub(crate) fn anybody() -> Self {
        let verifier =
            Arc::new(Anybody(ring::default_provider().signature_verification_algorithms));
        let config = versions().dangerous().with_custom_certificate_verifier(verifier);
        Self(Arc::new(config.with_no_client_auth()))
    }

    /// The handshake, as a client of `host`.
    pub(crate) async fn handshake(
        &self,
        host: &str,
        socket: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(host.trim_end_matches('.').to_owned()).map_err(|_| {
            io::Error::other("the relay's host is not a name a certificate can have")
        })?;
        TlsConnector::from(Arc::clone(&self.0)).connect(name, socket).await
    }
}

type Versions = rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>;

fn versions() -> Versions {
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    let versions = [&rustls::version::TLS13, &rustls::version::TLS12];
    match ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&versions)
    {
        Ok(builder) => builder,
        // ring knows both versions: this is a fact of the build, not of the input.
        Err(_) => ClientConfig::builder(),
    }
}

/// Believes any certificate, but still checks that the other side holds its key.
#[derive(Debug)]
struct Anybody(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
