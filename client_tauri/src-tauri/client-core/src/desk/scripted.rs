//! A server of `alfavoice.v1` with a script: enough of it to dictate to, and to be dropped by.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::StatusCode;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

#[derive(Clone)]
pub(super) struct Script {
    pub text: &'static str,
    /// Places of the one final.
    pub places: Value,
    /// People sign in there.
    pub wants_token: bool,
    /// It knows another protocol only, and is this version.
    pub other_version: Option<&'static str>,
    /// The first connection is cut, without a word, after this many samples.
    pub cut_after: Option<usize>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            text: "Привет, как дела?",
            places: json!([]),
            wants_token: false,
            other_version: None,
            cut_after: None,
        }
    }
}

#[derive(Default)]
pub(super) struct Heard {
    /// Audio by session.
    pub sessions: HashMap<String, Vec<u8>>,
    pub connections: usize,
    /// What sessions were begun with.
    pub starts: Vec<Value>,
    pub cancelled: Vec<String>,
    /// What its person wants; changing it makes it English.
    pub preferences: Value,
    /// Who signs in.
    pub login: &'static str,
}

pub(super) struct Server {
    pub address: String,
    pub heard: Arc<Mutex<Heard>>,
    /// While it is false, `done` is held back.
    pub may_finish: watch::Sender<bool>,
    /// While it is false, nobody is told that there is a server.
    pub may_answer: watch::Sender<bool>,
    /// While it is false, no token is good.
    pub is_signed_in: watch::Sender<bool>,
    _serving: tokio::task::JoinSet<()>,
}

impl Server {
    pub async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heard = Arc::new(Mutex::new(Heard {
            preferences: json!({"language": "ru"}),
            login: "ann",
            ..Heard::default()
        }));
        let may_finish = watch::Sender::new(true);
        let may_answer = watch::Sender::new(true);
        let is_signed_in = watch::Sender::new(true);
        let gates = Gates {
            finish: may_finish.subscribe(),
            answer: may_answer.subscribe(),
            signed_in: is_signed_in.subscribe(),
        };
        let mut serving = tokio::task::JoinSet::new();
        let all = heard.clone();
        serving.spawn(async move {
            let mut each = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (script, heard, gates) = (script.clone(), all.clone(), gates.clone());
                each.spawn(async move {
                    let _ = serve(stream, script, heard, gates).await;
                });
            }
        });
        Self {
            address,
            heard,
            may_finish,
            may_answer,
            is_signed_in,
            _serving: serving,
        }
    }

    pub fn samples(&self) -> Vec<Vec<i16>> {
        let heard = self.heard.lock().unwrap();
        let pcm = |bytes: &Vec<u8>| {
            let pair = |pair: &[u8]| i16::from_le_bytes([pair[0], pair[1]]);
            bytes.chunks_exact(2).map(pair).collect()
        };
        heard.sessions.values().map(pcm).collect()
    }
}

#[derive(Clone)]
struct Gates {
    finish: watch::Receiver<bool>,
    answer: watch::Receiver<bool>,
    signed_in: watch::Receiver<bool>,
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

async fn serve(
    mut stream: TcpStream,
    script: Script,
    heard: Arc<Mutex<Heard>>,
    mut gates: Gates,
) -> Result<()> {
    let mut start = [0; 64];
    let read = stream.peek(&mut start).await?;
    if start[..read].starts_with(b"GET /v1/stream ") {
        // The type is the library's.
        #[allow(clippy::result_large_err)]
        let accept = |request: &Request, mut response: Response| {
            let token = request.headers().get("Authorization");
            let is_known = token.is_some() && *gates.signed_in.borrow();
            if script.wants_token && !is_known {
                let mut refused = ErrorResponse::new(None);
                *refused.status_mut() = StatusCode::UNAUTHORIZED;
                return Err(refused);
            }
            if script.other_version.is_some() {
                return Ok(response);
            }
            let name = "Sec-WebSocket-Protocol";
            let value = "alfavoice.v1".parse().unwrap();
            response.headers_mut().insert(name, value);
            Ok(response)
        };
        let socket = tokio_tungstenite::accept_hdr_async(stream, accept).await?;
        return session(socket, script, heard, gates.finish).await;
    }
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    gates.answer.wait_for(|may| *may).await?;
    let login = heard.lock().unwrap().login;
    let person = json!({"login": login, "name": "", "role": "user"});
    let body = if head.starts_with(b"GET /health/ready ") {
        let version = script.other_version.unwrap_or("1.0.0");
        json!({"ready": true, "reasons": [], "version": version})
    } else if head.starts_with(b"GET /v1/auth/setup ") {
        json!({"login_required": script.wants_token, "has_admin": true})
    } else if head.starts_with(b"GET /v1/preferences ") {
        json!({"values": heard.lock().unwrap().preferences})
    } else if head.starts_with(b"PATCH /v1/preferences ") {
        heard.lock().unwrap().preferences = json!({"language": "en", "shows_partials": false});
        json!({})
    } else if head.starts_with(b"POST /v1/auth/") && *gates.signed_in.borrow() {
        json!({"access_token": "at", "refresh_token": "rt", "expires_in": 61, "device": "d", "user": person})
    } else if head.starts_with(b"POST /v1/auth/") {
        json!({"code": "auth.session_ended", "status": 401, "detail": "sign in again"})
    } else {
        json!({"code": "request.not_found", "status": 404, "detail": "no"})
    };
    let status = body["status"].as_u64().unwrap_or(200);
    let (body, close) = (body.to_string(), "connection: close\r\n\r\n");
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{close}"
    );
    stream.write_all((head + &body).as_bytes()).await?;
    stream.shutdown().await?;
    Ok(())
}

async fn session(
    mut socket: WebSocketStream<TcpStream>,
    script: Script,
    heard: Arc<Mutex<Heard>>,
    mut gate: watch::Receiver<bool>,
) -> Result<()> {
    let mut id = String::new();
    let mut cut = usize::MAX;
    while let Some(message) = socket.next().await {
        match message? {
            Message::Text(text) => {
                let told: Value = serde_json::from_str(&text)?;
                match told["type"].as_str() {
                    Some("start") => {
                        id = told["session"].as_str().unwrap_or_default().into();
                        let received = {
                            let mut heard = heard.lock().unwrap();
                            heard.connections += 1;
                            heard.starts.push(told.clone());
                            if heard.connections == 1 {
                                cut = script.cut_after.unwrap_or(usize::MAX);
                            }
                            heard.sessions.entry(id.clone()).or_default().len() / 2
                        };
                        let limits = json!({"max_message_bytes": 524_288, "max_session_s": 14_400.0, "idle_s": 60.0, "resume_s": 300.0});
                        say(&mut socket, json!({"type": "ready", "session": id, "received": received, "limits": limits})).await?;
                    }
                    Some("finish") => {
                        gate.wait_for(|may| *may).await?;
                        let samples = heard.lock().unwrap().sessions[&id].len() / 2;
                        let last = json!({"type": "final", "utterance": 0, "start": 0, "end": samples, "text": script.text, "raw": "", "words": [], "language": "ru", "glue": " ", "erase": 0, "places": script.places});
                        say(&mut socket, last).await?;
                        let done = json!({"type": "done", "transcript": id, "text": script.text, "audio_seconds": samples as f64 / 16_000.0, "finalisation_ms": 1.0});
                        say(&mut socket, done).await?;
                        socket.close(Some(bye())).await?;
                    }
                    Some("cancel") => {
                        heard.lock().unwrap().cancelled.push(id.clone());
                        socket.close(Some(bye())).await?;
                    }
                    _ => {}
                }
            }
            Message::Binary(pcm) => {
                let received = {
                    let mut heard = heard.lock().unwrap();
                    let all = heard.sessions.get_mut(&id).unwrap();
                    all.extend_from_slice(&pcm);
                    all.len() / 2
                };
                if received >= cut {
                    return Ok(());
                }
                say(
                    &mut socket,
                    json!({"type": "ack", "received": received, "stored": 0}),
                )
                .await?;
                say(&mut socket, json!({"type": "partial", "utterance": 0, "revision": received, "start": 0, "stable": "привет", "tail": " как"})).await?;
            }
            _ => {}
        }
    }
    Ok(())
}

async fn say(socket: &mut WebSocketStream<TcpStream>, message: Value) -> Result<()> {
    socket.send(Message::text(message.to_string())).await?;
    Ok(())
}

fn bye() -> CloseFrame {
    CloseFrame {
        code: CloseCode::Normal,
        reason: "".into(),
    }
}
