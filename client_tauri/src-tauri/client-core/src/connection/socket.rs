//! The socket itself: TCP, TLS where the address says so, the upgrade with the token and the subprotocol.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::client::ClientRequestBuilder;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::http::{StatusCode, Uri};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, http};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::account::{CONNECT_PATIENCE, Server};
use crate::api::ApiError;
use crate::sensitive::Sensitive;
use crate::wire::SUBPROTOCOL;

/// The upgrade, with the database behind it.
const UPGRADE_PATIENCE: Duration = Duration::from_secs(15);
/// A final of the longest utterance with the times of all its words is far below.
const MOST_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

/// What a socket goes through.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub(super) type Socket = WebSocketStream<Box<dyn Stream>>;

/// Opens the socket of a server with a token; with a new one where the server finds that it is too old. Tells which.
pub(super) async fn signed_in(
    server: &Arc<Server>,
    elsewhere: u32,
) -> Result<(Socket, Option<Sensitive<String>>), ApiError> {
    let token = server.token().await?;
    match open(server, token.as_ref(), elsewhere).await {
        Err(ApiError::SignedOut) => {}
        told => return Ok((told?, token)),
    }
    let Some(token) = token else {
        return Err(ApiError::SignedOut);
    };
    server.token_refused(&token).await;
    let token = server.token().await?;
    let socket = open(server, token.as_ref(), elsewhere).await?;
    Ok((socket, token))
}

/// Opens the socket of a server. `elsewhere`: how often another server behind the same address was asked for.
async fn open(
    server: &Arc<Server>,
    token: Option<&Sensitive<String>>,
    elsewhere: u32,
) -> Result<Socket, ApiError> {
    let tcp = within(CONNECT_PATIENCE, async {
        let address = server.address();
        let tcp = TcpStream::connect((address.host(), address.port()))
            .await
            .map_err(|_| ApiError::Unreachable)?;
        // Words are small and must not wait for each other.
        tcp.set_nodelay(true).map_err(|_| ApiError::Unreachable)?;
        Ok(tcp)
    })
    .await?;
    within(UPGRADE_PATIENCE, async {
        let stream: Box<dyn Stream> = if server.address().is_encrypted() {
            let name = ServerName::try_from(server.address().host().to_owned())
                .map_err(|_| ApiError::Unreachable)?;
            let tls = TlsConnector::from(Arc::clone(&server.tls))
                .connect(name, tcp)
                .await
                .map_err(|error| {
                    let broke = if error.kind() == std::io::ErrorKind::InvalidData {
                        ApiError::Tls
                    } else {
                        ApiError::Unreachable
                    };
                    ApiError::of_connection(server.trust.take_refused(), broke)
                })?;
            Box::new(tls)
        } else {
            Box::new(tcp)
        };
        upgrade(server, token, elsewhere, stream).await
    })
    .await
}

async fn upgrade(
    server: &Arc<Server>,
    token: Option<&Sensitive<String>>,
    elsewhere: u32,
    stream: Box<dyn Stream>,
) -> Result<Socket, ApiError> {
    let uri: Uri = server
        .address()
        .stream()
        .parse()
        .map_err(|_| ApiError::NotAllowed)?;
    let mut request = ClientRequestBuilder::new(uri).with_sub_protocol(SUBPROTOCOL);
    if let Some(token) = token {
        request = request.with_header("Authorization", format!("Bearer {}", token.expose()));
    }
    if elsewhere > 0 {
        request = request.with_header("AlfaVoice-Elsewhere", elsewhere.to_string());
    }
    let config = WebSocketConfig::default()
        .max_message_size(Some(MOST_MESSAGE_BYTES))
        .max_frame_size(Some(MOST_MESSAGE_BYTES));
    match client_async_with_config(request, stream, Some(config)).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(answer)) => Err(refused(&answer)),
        Err(Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(_))) => {
            Err(ApiError::OtherVersion)
        }
        Err(Error::Protocol(_) | Error::HttpFormat(_) | Error::Utf8(_)) => Err(ApiError::NotOurs),
        Err(_) => Err(ApiError::Unreachable),
    }
}

fn refused(answer: &http::Response<Option<Vec<u8>>>) -> ApiError {
    let retry_after_s = answer
        .headers()
        .get("Retry-After")
        .and_then(|value| value.to_str().ok()?.trim().parse().ok());
    if answer.status() == StatusCode::UNAUTHORIZED {
        return ApiError::SignedOut;
    }
    let body = answer.body().as_deref().unwrap_or_default();
    let status = reqwest::StatusCode::from_u16(answer.status().as_u16())
        .unwrap_or(reqwest::StatusCode::BAD_GATEWAY);
    ApiError::of_answer(status, retry_after_s, body)
}

async fn within<T>(
    patience: Duration,
    what: impl Future<Output = Result<T, ApiError>>,
) -> Result<T, ApiError> {
    match tokio::time::timeout(patience, what).await {
        Ok(told) => told,
        Err(_) => Err(ApiError::TimedOut),
    }
}
