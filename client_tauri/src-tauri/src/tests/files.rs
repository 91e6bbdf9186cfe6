//! Audio that is played and files that are sent: through memory only, and whole.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};

use client_core::api::Call;
use serde_json::{Value, json};
use tauri::ipc::{CallbackFn, InvokeBody};
use tauri::test::{INVOKE_KEY, get_ipc_response};
use tauri::webview::InvokeRequest;

use super::Shell;
use crate::commands::calls::server_of;

/// What the server answers a `GET` with: more than one read of a socket brings.
fn audio() -> Vec<u8> {
    (0..300_000_u32).map(|n| (n % 251) as u8).collect()
}

/// Answers with the audio, and tells what it was sent.
fn serve() -> (String, Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (say, said) = channel();
    // It ends with the process; each connection is one call.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = answer(stream, &say);
        }
    });
    (address, said)
}

fn answer(stream: TcpStream, say: &Sender<(String, Vec<u8>)>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head)? > 0 {}
    let head = head.to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut sent = vec![0; length.and_then(|n| n.parse().ok()).unwrap_or(0)];
    reader.read_exact(&mut sent)?;
    let body = if head.contains("/audio ") {
        audio()
    } else {
        b"{}".to_vec()
    };
    if head.starts_with("post ") {
        let _ = say.send((head, sent));
    }
    let mut stream = reader.into_inner();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    )?;
    stream.write_all(&body)
}

/// As the screens send a file.
fn upload(shell: &Shell, contents: Vec<u8>) -> Result<Value, Value> {
    let headers = [("x-path", "/v1/dictionary/import"), ("x-type", "text/csv")];
    let request = InvokeRequest {
        cmd: "upload".to_owned(),
        callback: CallbackFn(0),
        error: CallbackFn(1),
        url: "tauri://localhost".parse().unwrap(),
        body: InvokeBody::Raw(contents),
        headers: headers
            .into_iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect(),
        invoke_key: INVOKE_KEY.to_owned(),
    };
    get_ipc_response(&shell.main, request).map(|answer| answer.deserialize().unwrap())
}

#[test]
fn audio_to_be_played_comes_whole() {
    let (address, _) = serve();
    let shell = Shell::start();
    shell.choose(&address);
    let call = json!({"call": {"method": "GET", "path": "/v1/recordings/0199/audio"}});
    assert_eq!(shell.call("bytes", call).unwrap(), audio().len());
    let server = server_of(&shell.desk).unwrap();
    let call = Call::get("/v1/recordings/0199/audio");
    let read = tauri::async_runtime::block_on(server.bytes(&call)).unwrap();
    assert!(read == audio());
}

#[cfg(unix)]
#[test]
fn what_is_saved_is_read_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;

    let (address, _) = serve();
    let shell = Shell::start();
    shell.choose(&address);
    let path = shell.folder().join("saved.wav");
    // What an attempt that broke off has left.
    std::fs::write(shell.folder().join("saved.wav.part"), "old").unwrap();
    let server = server_of(&shell.desk).unwrap();
    let call = Call::get("/v1/recordings/0199/audio");
    tauri::async_runtime::block_on(server.save(&call, &path)).unwrap();
    assert!(std::fs::read(&path).unwrap() == audio());
    let rights = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(rights & 0o777, 0o600);
}

#[test]
fn a_file_arrives_at_the_server_as_it_was() {
    let (address, said) = serve();
    let shell = Shell::start();
    shell.choose(&address);
    let file = "слово,как пишется\n".repeat(10_000).into_bytes();
    assert_eq!(upload(&shell, file.clone()), Ok(json!({})));
    let (head, sent) = said.recv().unwrap();
    assert!(head.starts_with("post /v1/dictionary/import "), "{head}");
    assert!(head.contains("content-type: text/csv"), "{head}");
    assert!(sent == file);
}
