//! TLS to the server, as far as `sslmode` asks for it.
//!
//! `require` encrypts and believes any certificate, as libpq does: it keeps listeners out, and
//! not impostors. With a `ca` it is `verify-ca`.

use std::{future::Future, io, path::Path, pin::Pin, sync::Arc, task::Context, task::Poll};

use rustls::{
    ClientConfig, RootCertStore,
    client::danger::ServerCertVerifier,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use tidegate_remote::{Lenient, RemoteError};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};

use crate::error::setup;

/// How far a server's certificate is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Not at all.
    Anyone,
    /// It must come from an authority that is trusted.
    Authority,
    /// And be made out for the host in the URL.
    Name,
}

/// The files that TLS needs.
#[derive(Clone, Debug, Default)]
pub(crate) struct TlsFiles {
    pub(crate) ca: Option<String>,
    pub(crate) certificate: Option<String>,
    pub(crate) key: Option<String>,
}

/// Makes TLS connections; read from the files once.
#[derive(Clone, Debug)]
pub(crate) struct Connector(Arc<ClientConfig>);

impl Connector {
    /// # Errors
    ///
    /// [`RemoteError::Setup`] when a file cannot be read or holds something else.
    pub(crate) fn new(trust: Trust, files: &TlsFiles) -> Result<Self, RemoteError> {
        let provider = Arc::new(ring::default_provider());
        let trust = match trust {
            Trust::Anyone if files.ca.is_some() => Trust::Authority,
            other => other,
        };
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| setup(format!("TLS: {error}")))?
            .dangerous()
            .with_custom_certificate_verifier(verifier(trust, files, &provider)?);
        let config = match (&files.certificate, &files.key) {
            (Some(certificate), Some(key)) => config
                .with_client_auth_cert(read_certificates("sslcert", certificate)?, read_key(key)?)
                .map_err(|error| setup(format!("sslcert and sslkey do not fit: {error}")))?,
            (None, None) => config.with_no_client_auth(),
            _ => return Err(setup("sslcert and sslkey go together; give both or none")),
        };
        Ok(Self(Arc::new(config)))
    }
}

fn verifier(
    trust: Trust,
    files: &TlsFiles,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, RemoteError> {
    if trust == Trust::Anyone {
        return Ok(Arc::new(Lenient::any_certificate(provider)));
    }
    let roots = Arc::new(roots(files.ca.as_deref())?);
    let strict =
        rustls::client::WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider))
            .build()
            .map_err(|error| setup(format!("ca: {error}")))?;
    Ok(match trust {
        Trust::Name => strict,
        Trust::Authority | Trust::Anyone => Arc::new(Lenient::any_name(strict, provider)),
    })
}

/// The authorities in `ca`; without one, those that the system trusts.
fn roots(ca: Option<&str>) -> Result<RootCertStore, RemoteError> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = ca.filter(|path| *path != "system") {
        for certificate in read_certificates("ca", path)? {
            roots.add(certificate).map_err(|error| setup(format!("ca `{path}`: {error}")))?;
        }
        return Ok(roots);
    }
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(setup("the system has no certificates to trust; give ca=/path/to/ca.pem"));
    }
    Ok(roots)
}

fn read_certificates(
    option: &str,
    path: &str,
) -> Result<Vec<CertificateDer<'static>>, RemoteError> {
    let wrong = |what: String| setup(format!("{option} `{path}`: {what}"));
    let certificates = CertificateDer::pem_file_iter(Path::new(path))
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(error.to_string()))?;
    if certificates.is_empty() {
        return Err(wrong("no certificate in it; PEM is expected".into()));
    }
    Ok(certificates)
}

fn read_key(path: &str) -> Result<PrivateKeyDer<'static>, RemoteError> {
    PrivateKeyDer::from_pem_file(Path::new(path))
        .map_err(|error| setup(format!("sslkey `{path}`: {error}")))
}

impl<S> MakeTlsConnect<S> for Connector
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Stream<S>;
    type TlsConnect = Handshake;
    type Error = rustls::pki_types::InvalidDnsNameError;

    fn make_tls_connect(&mut self, host: &str) -> Result<Handshake, Self::Error> {
        // A Unix socket has no host, and is never encrypted: the name goes nowhere.
        let host = if host.is_empty() { "localhost" } else { host };
        let name = ServerName::try_from(host)?.to_owned();
        Ok(Handshake { config: Arc::clone(&self.0), name })
    }
}

/// One TLS connection in the making.
pub(crate) struct Handshake {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl<S> TlsConnect<S> for Handshake
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Stream<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        let connector = tokio_rustls::TlsConnector::from(self.config);
        Box::pin(async move { connector.connect(self.name, stream).await.map(Stream) })
    }
}

/// An encrypted stream.
pub(crate) struct Stream<S>(tokio_rustls::client::TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Stream<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
