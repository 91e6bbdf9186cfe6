//! Which server is talked to: certificates checked by the system, or one certificate the person confirmed.
//!
//! A server of one's own often has a certificate of its own making. It is accepted only when its SHA-256 is the one somebody
//! has looked at and confirmed; from then on no other is, not even one the system would trust.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use sha2::{Digest, Sha256};

/// SHA-256 of a certificate (DER), as `openssl x509 -fingerprint -sha256` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    fn of(certificate: &CertificateDer<'_>) -> Self {
        Self(Sha256::digest(certificate.as_ref()).into())
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let colon = if at == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

/// It is no SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no SHA-256 of a certificate")]
pub struct NotAFingerprint;

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    /// Reads 64 hex digits, with or without colons and blanks.
    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        let digits: Vec<u32> = text
            .chars()
            .filter(|letter| !matches!(letter, ':' | ' '))
            .map(|letter| letter.to_digit(16).ok_or(NotAFingerprint))
            .collect::<Result<_, _>>()?;
        let mut bytes = [0_u8; 32];
        if digits.len() != 64 {
            return Err(NotAFingerprint);
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = u8::try_from(pair[0] * 16 + pair[1]).map_err(|_| NotAFingerprint)?;
        }
        Ok(Self(bytes))
    }
}

/// Why a certificate was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusedCertificate {
    /// The one that was confirmed before; None: none was.
    pub expected: Option<Fingerprint>,
    /// The one the server showed.
    pub found: Fingerprint,
}

/// Checks certificates, and remembers the one it refused last.
#[derive(Debug)]
pub(crate) struct Trust {
    pin: Option<Fingerprint>,
    provider: Arc<CryptoProvider>,
    /// Made when first needed: a machine without any roots can still use a confirmed certificate.
    system: OnceLock<Option<rustls_platform_verifier::Verifier>>,
    refused: Mutex<Option<RefusedCertificate>>,
}

impl Trust {
    pub(crate) fn new(pin: Option<Fingerprint>) -> Arc<Self> {
        Arc::new(Self {
            pin,
            provider: Arc::new(rustls::crypto::ring::default_provider()),
            system: OnceLock::new(),
            refused: Mutex::new(None),
        })
    }

    /// TLS 1.2 or 1.3 with these checks.
    pub(crate) fn config(self: &Arc<Self>) -> Result<ClientConfig, Error> {
        Ok(
            ClientConfig::builder_with_provider(Arc::clone(&self.provider))
                .with_safe_default_protocol_versions()?
                .dangerous()
                .with_custom_certificate_verifier(Arc::clone(self) as Arc<dyn ServerCertVerifier>)
                .with_no_client_auth(),
        )
    }

    /// The certificate refused last, once.
    pub(crate) fn take_refused(&self) -> Option<RefusedCertificate> {
        self.refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    fn refuse(&self, found: Fingerprint) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(RefusedCertificate {
            expected: self.pin,
            found,
        });
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let found = Fingerprint::of(end_entity);
        match self.pin {
            Some(pin) if pin == found => Ok(ServerCertVerified::assertion()),
            Some(_) => {
                self.refuse(found);
                Err(CertificateError::ApplicationVerificationFailure.into())
            }
            None => {
                let system = self.system.get_or_init(|| {
                    rustls_platform_verifier::Verifier::new(Arc::clone(&self.provider)).ok()
                });
                match system {
                    Some(system) => system.verify_server_cert(
                        end_entity,
                        intermediates,
                        server_name,
                        ocsp_response,
                        now,
                    ),
                    None => Err(CertificateError::UnknownIssuer.into()),
                }
                .inspect_err(|_| self.refuse(found))
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signed,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signed,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
