//! The shell on Tauri's mock runtime: the real configuration, capabilities, commands and desk; no display, no machine.

mod access;
mod events;
mod files;
mod outbox;
mod screens;
mod updates;

use std::path::Path;
use std::sync::mpsc::sync_channel;

use client_core::desk::Desk;
use client_platform::Platform;
use client_platform::session::Session;
use serde_json::{Value, json};
use tauri::ipc::{CallbackFn, InvokeBody, InvokeResponseBody};
use tauri::test::{INVOKE_KEY, MockRuntime, get_ipc_response, mock_builder};
use tauri::webview::InvokeRequest;
use tauri::{App, WebviewWindow};
use tempfile::TempDir;

use crate::assembly::{Machine, assemble};
use crate::places::Places;
use crate::{app, telling, updates as newer, windows};

/// The program with its main window and its overlay, in a folder of its own.
struct Shell {
    app: App<MockRuntime>,
    desk: Desk,
    main: WebviewWindow<MockRuntime>,
    overlay: WebviewWindow<MockRuntime>,
    folder: TempDir,
}

impl Shell {
    fn start() -> Self {
        let app = app::with_commands(mock_builder())
            .plugin(tauri_plugin_updater::Builder::new().build())
            .plugin(tauri_plugin_notification::init())
            .manage(newer::Found::default())
            .build(app::context())
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let places = Places {
            folder: folder.path().to_owned(),
        };
        // Nobody strikes a key on this machine; who could is gone at once.
        let (_, keys) = sync_channel(1);
        let machine = Machine {
            platform: Platform::bare(Session::X11),
            keys,
        };
        let assembled = tauri::async_runtime::block_on(assemble(&places, machine)).unwrap();
        let desk = app::manage(app.handle(), assembled, places);
        tauri::async_runtime::spawn(telling::tell(app.handle().clone(), desk.clone()));
        windows::show_main(app.handle()).unwrap();
        let overlay = windows::prepare_overlay(app.handle()).unwrap();
        let main = tauri::Manager::get_webview_window(&app, windows::MAIN).unwrap();
        Self {
            app,
            desk,
            main,
            overlay,
            folder,
        }
    }

    /// Calls a command as the main window's screens do.
    fn call(&self, command: &str, arguments: Value) -> Result<Value, Value> {
        call(&self.main, "tauri://localhost", command, arguments)
    }

    /// Chooses the team's server at `address`.
    fn choose(&self, address: &str) {
        let choice = json!({"choice": {"kind": "team", "address": address}});
        self.call("choose_server", choice).unwrap();
        let mut now = self.desk.snapshot();
        let known = now.wait_for(|now| now.server.address.is_some());
        tauri::async_runtime::block_on(known).unwrap();
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        tauri::async_runtime::block_on(self.desk.stop());
    }
}

/// Calls a command from a page at `address` in `window`.
fn call(
    window: &WebviewWindow<MockRuntime>,
    address: &str,
    command: &str,
    arguments: Value,
) -> Result<Value, Value> {
    let request = InvokeRequest {
        cmd: command.to_owned(),
        callback: CallbackFn(0),
        error: CallbackFn(1),
        url: address.parse().unwrap(),
        body: InvokeBody::Json(arguments),
        headers: tauri::http::HeaderMap::default(),
        invoke_key: INVOKE_KEY.to_owned(),
    };
    get_ipc_response(window, request).map(|answer| match answer {
        InvokeResponseBody::Json(text) => serde_json::from_str(&text).unwrap(),
        InvokeResponseBody::Raw(bytes) => Value::from(bytes.len()),
    })
}
