//! Certificates and keys, read from the files that a URL names.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore,
    client::WebPkiServerVerifier,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem, pem::PemObject as _},
};
use tidegate_remote::{Lenient, RemoteError};

use crate::url::Encryption;

/// What a connection by TLS needs.
#[derive(Clone, Debug)]
pub(crate) struct Tls(Arc<ClientConfig>);

impl Tls {
    /// Reads the files of `encryption`, or what the system trusts; nothing is read later.
    pub(crate) fn load(encryption: &Encryption) -> Result<Self, RemoteError> {
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| setup(format!("TLS: {error}")))?;
        let config = if encryption.insecure {
            let verifier = Lenient::any_certificate(&provider);
            config.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
        } else {
            config.with_webpki_verifier(verifier(encryption.ca.as_deref(), provider)?)
        };
        let config = match (&encryption.cert, &encryption.key) {
            (Some(cert), Some(key)) => config
                .with_client_auth_cert(certificates("cert", cert)?, private_key("key", key)?)
                .map_err(|error| setup(format!("`cert` and `key` do not fit: {error}")))?,
            _ => config.with_no_client_auth(),
        };
        Ok(Self(Arc::new(config)))
    }

    /// Begins a handshake with the server of this name or address.
    pub(crate) fn begin(&self, host: &str) -> Result<ClientConnection, RemoteError> {
        let wrong = |what: String| setup(format!("TLS with the host {host}: {what}"));
        let name = ServerName::try_from(host.to_owned()).map_err(|e| wrong(e.to_string()))?;
        ClientConnection::new(Arc::clone(&self.0), name).map_err(|e| wrong(e.to_string()))
    }
}

fn verifier(
    ca: Option<&Path>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, RemoteError> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = ca {
        for certificate in certificates("ca", path)? {
            let added = roots.add(certificate);
            added.map_err(|error| setup(format!("`ca`, {}: {error}", path.display())))?;
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(setup("the system has no certificates to trust; give ca=/path/to/ca.pem"));
        }
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| setup(format!("`ca`: {error}")))
}

fn certificates(option: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, RemoteError> {
    let found = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unreadable(option, path, &error))?;
    if found.is_empty() {
        return Err(unreadable(option, path, &pem::Error::NoItemsFound));
    }
    Ok(found)
}

fn private_key(option: &str, path: &Path) -> Result<PrivateKeyDer<'static>, RemoteError> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| unreadable(option, path, &error))
}

fn unreadable(option: &str, path: &Path, error: &pem::Error) -> RemoteError {
    let path = path.display();
    setup(format!("cannot read the file of `{option}`, {path}, as PEM: {error}"))
}

fn setup(reason: impl Into<String>) -> RemoteError {
    RemoteError::Setup { reason: reason.into() }
}
