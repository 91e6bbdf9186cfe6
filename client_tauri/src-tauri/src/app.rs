//! The program put together: the machine, the desk, the windows, the tray, one instance.

use client_core::coordinator::Ask;
use client_core::desk::Desk;
use client_platform::session::Session;
use tauri::{AppHandle, Manager, RunEvent, Runtime};

use crate::arguments::{self, Request};
use crate::assembly::{self, Assembled, Machine};
use crate::commands::server::Looking;
use crate::places::Places;
use crate::words::Tongue;
use crate::{commands, logs, telling, tray, updates, windows};

/// Why the program does not run.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Neither a display nor a compositor: a text console, a service, another user's shell.
    #[error("there is no desktop here (neither DISPLAY nor WAYLAND_DISPLAY is set)")]
    NoDesktop,
    /// Windows, or the folder of the program.
    #[error("the window system: {0}")]
    Tauri(#[from] tauri::Error),
}

impl AppError {
    /// What is wrong and what to do, in the language of the system.
    #[must_use]
    pub fn said(&self, tongue: Tongue) -> String {
        match (tongue, self) {
            (Tongue::Russian, Self::NoDesktop) => {
                "AlfaVoice не запустить: здесь нет рабочего стола (не заданы ни DISPLAY, ни WAYLAND_DISPLAY). \
                 Запустите его на рабочем столе."
                    .to_owned()
            }
            (Tongue::English, Self::NoDesktop) => {
                format!("AlfaVoice cannot start: {self}. Start it on your desktop.")
            }
            (Tongue::Russian, Self::Tauri(error)) => {
                format!("AlfaVoice не запустить, помешала оконная система: {error}")
            }
            (Tongue::English, Self::Tauri(_)) => format!("AlfaVoice cannot start: {self}"),
        }
    }
}

/// Runs until it is ended.
///
/// # Errors
/// [`AppError`] if the window system cannot be had.
pub fn run(request: Request) -> Result<(), AppError> {
    // Asked before GTK is, which ends the program with a stack trace.
    if Session::detect() == Session::None {
        return Err(AppError::NoDesktop);
    }
    let app = with_commands(tauri::Builder::default())
        // First, so that a second start ends before it touches anything.
        .plugin(tauri_plugin_single_instance::init(|app, arguments, _| {
            second_start(app, &arguments)
        }))
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_notification::init())
        .plugin(tauri_plugin_updater::Builder::new().build())
        .plugin(
            tauri_plugin_window_state::Builder::new()
                .with_denylist(&[windows::OVERLAY])
                .build(),
        )
        .manage(updates::Found::default())
        .setup(move |app| set_up(app.handle(), request))
        .build(context())?;
    app.run(|app, event| match event {
        // The last window closed: the keys go on working. Only "Quit" has a code.
        RunEvent::ExitRequested {
            code: None, api, ..
        } => api.prevent_exit(),
        RunEvent::Exit => {
            if let Some(desk) = app.try_state::<Desk>() {
                tauri::async_runtime::block_on(desk.stop());
            }
        }
        _ => {}
    });
    Ok(())
}

/// Configuration, screens and who may call what; also for tests on Tauri's mock runtime.
pub fn context<R: Runtime>() -> tauri::Context<R> {
    tauri::generate_context!()
}

/// The commands of all windows; also for tests on Tauri's mock runtime.
pub fn with_commands<R: Runtime>(builder: tauri::Builder<R>) -> tauri::Builder<R> {
    use commands::{dictation, files, here, keeping, local, server, windows};
    builder.invoke_handler(tauri::generate_handler![
        dictation::snapshot,
        dictation::begin,
        dictation::end,
        dictation::cancel,
        dictation::undo_cancel,
        dictation::paste_last,
        dictation::copy_text,
        dictation::retry,
        keeping::outbox_list,
        keeping::outbox_audio,
        keeping::outbox_retry,
        keeping::outbox_retry_all,
        keeping::outbox_remove,
        keeping::outbox_restore,
        keeping::outbox_unlock,
        keeping::outbox_put_aside,
        keeping::cache_read,
        keeping::cache_write,
        keeping::cache_forget,
        files::bytes,
        files::save,
        files::outbox_export,
        files::upload,
        files::save_bundle,
        here::settings,
        here::change_settings,
        here::microphones,
        here::test_microphone,
        here::test_insertion,
        here::record_hotkey,
        here::stop_recording_hotkey,
        here::diagnostics,
        server::request,
        server::choose_server,
        server::probe,
        server::trust_certificate,
        server::sign_in,
        server::sign_out,
        server::pin_route,
        local::sidecar,
        local::sidecar_log,
        local::models,
        local::install_model,
        local::cancel_install,
        local::verify_model,
        local::activate_model,
        local::remove_model,
        updates::check_update,
        updates::install_update,
        windows::minimise,
        windows::toggle_maximise,
        windows::close,
        windows::start_dragging,
    ])
}

/// Puts what the commands stand on where they find it.
pub fn manage<R: Runtime>(app: &AppHandle<R>, assembled: Assembled, places: Places) -> Desk {
    let Assembled {
        desk,
        cache,
        looking,
        local,
    } = assembled;
    app.manage::<Looking>(looking);
    app.manage(cache);
    app.manage(local);
    app.manage(places);
    app.manage(desk.clone());
    desk
}

fn set_up<R: Runtime>(
    app: &AppHandle<R>,
    request: Request,
) -> Result<(), Box<dyn std::error::Error>> {
    // A program that runs has been told already, and this one has ended.
    if !request.starts_the_program() {
        app.exit(0);
        return Ok(());
    }
    let places = Places::of(app)?;
    logs::begin(&places.log());
    let assembled = tauri::async_runtime::block_on(async {
        assembly::assemble(&places, Machine::look().await?).await
    })?;
    let desk = manage(app, assembled, places);
    let tongue = telling::tongue(&desk.settings().borrow());
    tauri::async_runtime::spawn(telling::tell(app.clone(), desk.clone()));
    tauri::async_runtime::spawn(updates::look_daily(app.clone(), desk.clone()));
    let in_tray = tray::show(app, tongue, obey).unwrap_or_else(|error| {
        tracing::warn!(%error, "no tray");
        false
    });
    let version = env!("CARGO_PKG_VERSION");
    tracing::info!(
        version,
        system = std::env::consts::OS,
        tray = in_tray,
        "started"
    );
    match request {
        // Without a tray a hidden program is found by its keys and by starting it again.
        Request::Hidden if !desk.snapshot().borrow().first_start => {}
        Request::Toggle | Request::PasteLast => obey(app, request),
        _ => windows::show_main(app)?,
    }
    Ok(())
}

/// A second start: its arguments are done here.
fn second_start<R: Runtime>(app: &AppHandle<R>, arguments: &[String]) {
    match arguments::parse(arguments.iter().skip(1).map(String::as_str)) {
        // "Start hidden" while it runs: nothing to do.
        Ok(Request::Hidden) => {}
        Ok(request) => obey(app, request),
        Err(error) => tracing::warn!(%error, "a second start with arguments that mean nothing"),
    }
}

/// Does what was asked for by tray, command line or a second start.
pub fn obey<R: Runtime>(app: &AppHandle<R>, request: Request) {
    let ask = match request {
        Request::Show | Request::Hidden => {
            if let Err(error) = windows::show_main(app) {
                tracing::warn!(%error, "the window cannot be shown");
            }
            return;
        }
        Request::Quit => return app.exit(0),
        Request::Toggle => Ask::Toggle,
        Request::Cancel => Ask::Cancel,
        Request::PasteLast => Ask::PasteLast,
    };
    if let Some(desk) = app.try_state::<Desk>()
        && !desk.ask(ask)
    {
        tracing::warn!("the program is too busy to obey");
    }
}
