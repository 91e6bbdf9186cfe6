//! The icon in the system's tray, where there is a tray.
//!
//! Made in code and only after a look whether it can be had: the library behind it on Linux ends the program when a
//! part of it is missing.

use tauri::menu::{Menu, MenuItem, PredefinedMenuItem};
use tauri::tray::{MouseButton, MouseButtonState, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Runtime};

use crate::arguments::Request;
use crate::words::Tongue;

/// The words of the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Words {
    show: &'static str,
    toggle: &'static str,
    paste_last: &'static str,
    quit: &'static str,
}

fn words(tongue: Tongue) -> Words {
    match tongue {
        Tongue::English => Words {
            show: "Open AlfaVoice",
            toggle: "Dictate / stop",
            paste_last: "Insert the last text",
            quit: "Quit",
        },
        Tongue::Russian => Words {
            show: "Открыть AlfaVoice",
            toggle: "Диктовать / закончить",
            paste_last: "Вставить последний текст",
            quit: "Выйти",
        },
    }
}

/// Puts the icon there. Without a tray nothing happens: the window and the keys do all it does.
///
/// # Errors
/// Whatever the system says when there is a tray and it refuses.
pub fn show<R: Runtime>(
    app: &AppHandle<R>,
    tongue: Tongue,
    asked: impl Fn(&AppHandle<R>, Request) + Send + Sync + Clone + 'static,
) -> tauri::Result<bool> {
    if !available() {
        return Ok(false);
    }
    let words = words(tongue);
    let menu = Menu::with_items(
        app,
        &[
            &MenuItem::with_id(app, "show", words.show, true, None::<&str>)?,
            &MenuItem::with_id(app, "toggle", words.toggle, true, None::<&str>)?,
            &MenuItem::with_id(app, "paste_last", words.paste_last, true, None::<&str>)?,
            &PredefinedMenuItem::separator(app)?,
            &MenuItem::with_id(app, "quit", words.quit, true, None::<&str>)?,
        ],
    )?;
    let clicked = asked.clone();
    let mut icon = TrayIconBuilder::with_id("alfavoice")
        .menu(&menu)
        .tooltip("AlfaVoice")
        .show_menu_on_left_click(false);
    if let Some(picture) = app.default_window_icon() {
        icon = icon.icon(picture.clone());
    }
    icon.on_menu_event(move |app, event| {
        let request = match event.id().as_ref() {
            "toggle" => Request::Toggle,
            "paste_last" => Request::PasteLast,
            "quit" => Request::Quit,
            _ => Request::Show,
        };
        asked(app, request);
    })
    .on_tray_icon_event(move |icon, event| {
        if let TrayIconEvent::Click {
            button: MouseButton::Left,
            button_state: MouseButtonState::Up,
            ..
        } = event
        {
            clicked(icon.app_handle(), Request::Show);
        }
    })
    .build(app)?;
    Ok(true)
}

/// Whether the library behind the tray can be loaded.
#[cfg(target_os = "linux")]
fn available() -> bool {
    ["libayatana-appindicator3.so.1", "libappindicator3.so.1"]
        .iter()
        .any(|name| {
            // SAFETY: loading runs the library's initialisers; it is the system's own, the one the tray would load a moment later.
            #[expect(unsafe_code, reason = "the only way to ask without ending the program")]
            unsafe { libloading::Library::new(name) }.is_ok()
        })
}

/// Windows and macOS always have one.
#[cfg(not(target_os = "linux"))]
fn available() -> bool {
    true
}
