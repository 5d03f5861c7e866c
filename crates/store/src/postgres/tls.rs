//! TLS to a PostgreSQL server, by the words libpq has for it: `sslmode` and `sslrootcert` in the
//! address. rustls with ring; the authorities browsers believe where no file is named.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::{fmt, io};

use futures_util::future::BoxFuture;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::Socket;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect};
use tokio_rustls::TlsConnector;

use crate::Result;
use crate::error::StoreError;

/// How much of a server's certificate is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// Anything: encrypted, but perhaps to the wrong one.
    Anybody,
    /// One of the authorities signed it, for whatever name.
    Chain,
    /// One of the authorities signed it for this host.
    Host,
}

/// What an address says of TLS.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wish {
    mode: SslMode,
    trust: Trust,
    roots: Option<String>,
}

/// The address without what it says of TLS, and that.
///
/// # Errors
/// The word is none of libpq's.
pub(super) fn split(url: &str) -> Result<(String, Wish)> {
    let (place, asked) = url.split_once('?').unwrap_or((url, ""));
    let (mut word, mut roots, mut left) = ("prefer", None, Vec::new());
    for pair in asked.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("sslmode", value)) => word = value,
            Some(("sslrootcert", "system")) => {}
            Some(("sslrootcert", value)) => roots = Some(value.to_owned()),
            _ => left.push(pair),
        }
    }
    let (mode, trust) = match word {
        "disable" => (SslMode::Disable, Trust::Anybody),
        "allow" | "prefer" => (SslMode::Prefer, Trust::Anybody),
        // As libpq has it: who names authorities wants them asked.
        "require" if roots.is_some() => (SslMode::Require, Trust::Chain),
        "require" => (SslMode::Require, Trust::Anybody),
        "verify-ca" => (SslMode::Require, Trust::Chain),
        "verify-full" => (SslMode::Require, Trust::Host),
        other => {
            return Err(StoreError::Driver(format!(
                "sslmode={other} is not known; use disable, prefer, require, verify-ca or \
                 verify-full"
            )));
        }
    };
    let sign = if left.is_empty() { "" } else { "?" };
    Ok((format!("{place}{sign}{}", left.join("&")), Wish { mode, trust, roots }))
}

impl Wish {
    /// Whether TLS is asked for.
    pub(super) fn mode(&self) -> SslMode {
        self.mode
    }

    /// Makes the connections that were wished for.
    ///
    /// # Errors
    /// The file of authorities holds none.
    pub(super) fn tls(&self) -> Result<Tls> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|e| StoreError::Driver(e.to_string()))?;
        let config = if self.trust == Trust::Host {
            builder.with_root_certificates(self.roots()?).with_no_client_auth()
        } else {
            let chain = match self.trust {
                Trust::Anybody => None,
                _ => Some(verifier(self.roots()?, &provider)?),
            };
            let lenient = Arc::new(Lenient { chain, provider });
            builder.dangerous().with_custom_certificate_verifier(lenient).with_no_client_auth()
        };
        Ok(Tls(TlsConnector::from(Arc::new(config))))
    }

    fn roots(&self) -> Result<RootCertStore> {
        let Some(path) = &self.roots else {
            return Ok(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() });
        };
        let refused = |why: &dyn fmt::Display| {
            StoreError::Driver(format!("sslrootcert {path} holds no certificates: {why}"))
        };
        let mut roots = RootCertStore::empty();
        for found in CertificateDer::pem_file_iter(path).map_err(|e| refused(&e))? {
            roots.add(found.map_err(|e| refused(&e))?).map_err(|e| refused(&e))?;
        }
        if roots.is_empty() { Err(refused(&"the file is empty")) } else { Ok(roots) }
    }
}

fn verifier(
    roots: RootCertStore,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|e| StoreError::Driver(e.to_string()))
}

/// Believes any certificate, or any that an authority signed; in both cases the other side must
/// hold its key.
#[derive(Debug)]
struct Lenient {
    chain: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        use CertificateError::{NotValidForName, NotValidForNameContext};
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        let found =
            chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match found {
            // The name is looked at last: all else was well.
            Err(rustls::Error::InvalidCertificate(
                NotValidForName | NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            found => found,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Makes TLS connections for the driver.
#[derive(Clone)]
pub(super) struct Tls(TlsConnector);

impl MakeTlsConnect<Socket> for Tls {
    type Stream = Stream;
    type TlsConnect = Handshake;
    type Error = io::Error;

    fn make_tls_connect(&mut self, host: &str) -> io::Result<Handshake> {
        Ok(Handshake { connector: self.0.clone(), host: host.to_owned() })
    }
}

/// One handshake to come.
pub(super) struct Handshake {
    connector: TlsConnector,
    host: String,
}

impl TlsConnect<Socket> for Handshake {
    type Stream = Stream;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Stream>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move {
            let name = ServerName::try_from(self.host).map_err(io::Error::other)?;
            Ok(Stream(Box::new(self.connector.connect(name, socket).await?)))
        })
    }
}

/// A connection under TLS.
pub(super) struct Stream(Box<tokio_rustls::client::TlsStream<Socket>>);

impl tokio_postgres::tls::TlsStream for Stream {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_address_says_of_tls_is_taken_out_of_it() {
        let (url, wish) = split("postgres://a@h/d?sslmode=verify-full&connect_timeout=3").unwrap();
        assert_eq!(url, "postgres://a@h/d?connect_timeout=3");
        assert_eq!((wish.mode, wish.trust), (SslMode::Require, Trust::Host));
        let (url, wish) = split("postgres://a@h/d?sslmode=require&sslrootcert=/ca.pem").unwrap();
        assert_eq!((url.as_str(), wish.trust), ("postgres://a@h/d", Trust::Chain));
        assert_eq!(split("postgres://a@h/d").unwrap().1.mode, SslMode::Prefer);
        assert!(split("postgres://a@h/d?sslmode=yes").is_err());
    }
}
