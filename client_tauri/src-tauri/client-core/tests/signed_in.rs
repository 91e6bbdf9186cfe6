//! Sign-in, refresh and certificates against a server of a few lines, which counts what it is asked.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use client_core::account::{Device, Fingerprint, Server};
use client_core::api::ApiError;
use client_core::ports::{Keychain, KeychainError};
use client_core::sensitive::Sensitive;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

#[derive(Default)]
struct Drawer(Mutex<HashMap<String, Vec<u8>>>);

impl Drawer {
    fn all(&self) -> String {
        let secrets = self.0.lock().unwrap();
        let values = secrets.values().flat_map(|value| value.iter().copied());
        String::from_utf8(values.collect()).unwrap()
    }
}

impl Keychain for Drawer {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, KeychainError> {
        Ok(self.0.lock().unwrap().get(name).cloned())
    }

    fn write(&self, name: &str, secret: &[u8]) -> Result<(), KeychainError> {
        let mut secrets = self.0.lock().unwrap();
        secrets.insert(name.to_owned(), secret.to_vec());
        Ok(())
    }

    fn forget(&self, name: &str) -> Result<(), KeychainError> {
        self.0.lock().unwrap().remove(name);
        Ok(())
    }
}

/// Takes refresh token `rt_N` and gives `rt_N+1`, each once.
#[derive(Default)]
struct Office {
    newest: AtomicU32,
    refreshes: AtomicU32,
}

impl Office {
    fn answer(&self, head: &str, body: &str) -> (u16, String) {
        let path = head.split(' ').nth(1).unwrap_or_default();
        match path {
            "/health/ready" => {
                let told = r#"{"ready":true,"reasons":[],"version":"1"}"#;
                (200, told.to_owned())
            }
            "/v1/auth/setup" => (
                200,
                r#"{"login_required":true,"has_admin":true}"#.to_owned(),
            ),
            "/v1/auth/login" => (200, self.next()),
            "/v1/auth/refresh" => {
                self.refreshes.fetch_add(1, Ordering::SeqCst);
                let newest = format!("\"rt_{}\"", self.newest.load(Ordering::SeqCst));
                if body.contains(&newest) {
                    (200, self.next())
                } else {
                    let over = r#"{"code":"auth.session_ended","detail":"sign in again"}"#;
                    (401, over.to_owned())
                }
            }
            _ => (204, String::new()),
        }
    }

    fn next(&self) -> String {
        let number = self.newest.fetch_add(1, Ordering::SeqCst) + 1;
        format!(
            r#"{{"access_token":"at_{number}","refresh_token":"rt_{number}","expires_in":900,"device":"d",
                "user":{{"login":"ann","name":"Ann","role":"user"}}}}"#
        )
    }

    async fn serve(self: Arc<Self>, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let mut held = Vec::new();
        loop {
            let mut part = [0; 4096];
            let Ok(count) = stream.read(&mut part).await else {
                return;
            };
            held.extend_from_slice(&part[..count]);
            let text = String::from_utf8_lossy(&held).into_owned();
            if count == 0 {
                return;
            }
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let length = head
                .to_lowercase()
                .lines()
                .find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
            if body.len() < length.unwrap_or(0_usize) {
                continue;
            }
            let (status, told) = self.answer(head, body);
            let length = told.len();
            let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n{told}");
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
            held.clear();
        }
    }
}

/// Starts it; gives its address.
async fn start(office: &Arc<Office>, tls: Option<TlsAcceptor>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let scheme = if tls.is_some() { "https" } else { "http" };
    let office = Arc::clone(office);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (office, tls) = (Arc::clone(&office), tls.clone());
            tokio::spawn(async move {
                match tls {
                    None => office.serve(stream).await,
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            office.serve(stream).await;
                        }
                    }
                }
            });
        }
    });
    format!("{scheme}://localhost:{port}")
}

fn server(address: &str, pin: Option<Fingerprint>, keychain: &Arc<Drawer>) -> Arc<Server> {
    let device = Device {
        name: "test".to_owned(),
        platform: "test".to_owned(),
        client: "alfavoice-desktop/0".to_owned(),
    };
    let keychain = Arc::clone(keychain) as Arc<dyn Keychain>;
    Server::new(address.parse().unwrap(), pin, keychain, device).unwrap()
}

fn acceptor() -> TlsAcceptor {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn a_server_of_which_all_could_be_read_on_the_way_is_not_even_described() {
    let described = |address: &str| {
        let device = Device {
            name: "desk".into(),
            platform: "linux".into(),
            client: "test/1".into(),
        };
        let address = address.parse().unwrap();
        Server::new(address, None, Arc::new(Drawer::default()), device).map(drop)
    };
    for address in ["http://voice.example.com", "http://10.0.0.5:8765"] {
        let refused = described(address).unwrap_err();
        assert_eq!(refused, ApiError::InClear, "{address}");
        assert_eq!(refused.code(), "server.insecure");
        assert!(!refused.passes());
    }
    for address in ["10.0.0.5:8765", "http://127.0.0.1:1", "http://localhost:1"] {
        assert_eq!(described(address), Ok(()), "{address}");
    }
}

#[tokio::test]
async fn a_sign_in_outlasts_the_program_and_is_refreshed_once_for_all_who_ask() {
    let (office, keychain) = (Arc::<Office>::default(), Arc::<Drawer>::default());
    let address = start(&office, None).await;
    let first = server(&address, None, &keychain);
    assert_eq!(first.token().await.unwrap(), None);
    let password = Sensitive::new("secret words".to_owned());
    let person = first.sign_in("ann", &password).await.unwrap();
    assert_eq!(person.login, "ann");
    assert!(keychain.all().contains("rt_1") && !keychain.all().contains("secret words"));

    let again = server(&address, None, &keychain);
    assert_eq!(again.person().await.unwrap().unwrap().name, "Ann");
    let (a, b, c) = tokio::join!(again.token(), again.token(), again.token());
    for token in [a, b, c] {
        assert_eq!(token.unwrap().unwrap().expose(), "at_2");
    }
    assert_eq!(office.refreshes.load(Ordering::SeqCst), 1);
    assert!(keychain.all().contains("rt_2"));
    again
        .token_refused(&Sensitive::new("at_2".to_owned()))
        .await;
    assert_eq!(again.token().await.unwrap().unwrap().expose(), "at_3");
}

#[tokio::test]
async fn a_sign_in_that_is_over_is_told_and_forgotten() {
    let (office, keychain) = (Arc::<Office>::default(), Arc::<Drawer>::default());
    let address = start(&office, None).await;
    let first = server(&address, None, &keychain);
    let password = Sensitive::new("secret words".to_owned());
    first.sign_in("ann", &password).await.unwrap();
    office.newest.store(77, Ordering::SeqCst);
    let again = server(&address, None, &keychain);
    let over = again.token().await.unwrap_err();
    assert_eq!(
        (over.clone(), over.code()),
        (ApiError::SignedOut, "auth.expired")
    );
    assert_eq!(keychain.all(), "");
    assert_eq!(again.token().await.unwrap(), None);
    first.sign_in("ann", &password).await.unwrap();
    first.sign_out().await.unwrap();
    assert_eq!(
        (keychain.all().as_str(), first.person().await.unwrap()),
        ("", None)
    );
}

#[tokio::test]
async fn a_certificate_is_taken_when_somebody_confirmed_it_and_no_other_after_that() {
    let (office, keychain) = (Arc::<Office>::default(), Arc::<Drawer>::default());
    let address = start(&office, Some(acceptor())).await;
    let found = match server(&address, None, &keychain).probe().await {
        Err(ApiError::UnknownCertificate(found)) => found,
        other => panic!("{other:?}"),
    };
    let shown: Fingerprint = found.to_string().parse().unwrap();
    let probed = server(&address, Some(shown), &keychain)
        .probe()
        .await
        .unwrap();
    assert!(probed.ready && probed.needs_sign_in);
    let other = start(&office, Some(acceptor())).await;
    match server(&other, Some(shown), &keychain).probe().await {
        Err(ApiError::ChangedCertificate { expected, found }) => {
            assert!(expected == shown && found != shown);
        }
        other => panic!("{other:?}"),
    }
}
