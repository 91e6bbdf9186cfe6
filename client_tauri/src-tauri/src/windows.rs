//! The two windows. Each exists only while it is of use: a hidden web view costs some 100 MB for nothing.

use std::time::Duration;

#[cfg(target_os = "linux")]
use client_platform::session::Session;
use tauri::{
    AppHandle, LogicalSize, Manager, PhysicalPosition, Runtime, Url, WebviewUrl, WebviewWindow,
    WebviewWindowBuilder,
};

use crate::words::Tongue;

/// Label of the main window.
pub const MAIN: &str = "main";
/// Label of the overlay.
pub const OVERLAY: &str = "overlay";
/// The overlay stays for this long after a dictation, so that the next one finds it ready.
pub const OVERLAY_KEPT: Duration = Duration::from_secs(20);

const OVERLAY_SIZE: LogicalSize<f64> = LogicalSize {
    width: 480.0,
    height: 96.0,
};
/// Logical pixels between the overlay and the screen's edge; room for a task bar.
const OVERLAY_MARGIN: f64 = 64.0;

/// Shows the main window, in front, making it when there is none.
///
/// # Errors
/// Whatever the system says when it cannot make one.
pub fn show_main<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<()> {
    if let Some(window) = app.get_webview_window(MAIN) {
        window.show()?;
        window.unminimize()?;
        return window.set_focus();
    }
    WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App("index.html".into()))
        .title("AlfaVoice")
        .inner_size(1080.0, 720.0)
        .min_inner_size(720.0, 480.0)
        .decorations(false)
        .on_navigation(is_our_page)
        .initialization_script(Tongue::script())
        .build()?;
    Ok(())
}

/// Makes the overlay, unseen, when there is none.
///
/// # Errors
/// Whatever the system says when it cannot make one.
pub fn prepare_overlay<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<WebviewWindow<R>> {
    if let Some(window) = app.get_webview_window(OVERLAY) {
        return Ok(window);
    }
    let see_through = can_be_seen_through();
    let page = if see_through {
        "overlay.html"
    } else {
        "overlay.html?plain"
    };
    WebviewWindowBuilder::new(app, OVERLAY, WebviewUrl::App(page.into()))
        .title("AlfaVoice")
        .inner_size(OVERLAY_SIZE.width, OVERLAY_SIZE.height)
        // Not "not resizable": GTK gives such a window the size its web view likes, 200 pixels high.
        .min_inner_size(OVERLAY_SIZE.width, OVERLAY_SIZE.height)
        .max_inner_size(OVERLAY_SIZE.width, OVERLAY_SIZE.height)
        .decorations(false)
        .on_navigation(is_our_page)
        .initialization_script(Tongue::script())
        .transparent(see_through)
        .shadow(false)
        .always_on_top(true)
        .visible_on_all_workspaces(true)
        .skip_taskbar(true)
        // Both: toolkits give the focus back after the first drawing when it is only "not focused".
        .focusable(false)
        .focused(false)
        .visible(false)
        .build()
}

/// Whether a page is of this program: a window goes to no other, whatever a link or a dropped file says.
fn is_our_page(page: &Url) -> bool {
    match (page.scheme(), page.host_str()) {
        // Windows' web view knows no scheme of ours.
        ("tauri", Some("localhost")) | ("http" | "https", Some("tauri.localhost")) => true,
        // The screens of a program that is being written come from a server on this computer.
        ("http", Some("localhost" | "127.0.0.1")) => cfg!(dev),
        _ => false,
    }
}

/// Whether what a window leaves free shows what is behind it; where not, the overlay fills its window.
fn can_be_seen_through() -> bool {
    #[cfg(target_os = "linux")]
    if Session::detect() == Session::X11 {
        return client_platform::x11::composited();
    }
    true
}

/// Where on the screen the overlay is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// Middle of the upper edge.
    Top,
    /// Middle of the lower edge.
    Bottom,
}

/// Shows the overlay on the screen where the pointer is, without taking the focus.
///
/// # Errors
/// Whatever the system says.
pub fn show_overlay<R: Runtime>(app: &AppHandle<R>, edge: Edge) -> tauri::Result<()> {
    let window = prepare_overlay(app)?;
    let pointer = app.cursor_position().ok();
    let monitor = match pointer.map(|at| app.monitor_from_point(at.x, at.y)) {
        Some(Ok(Some(monitor))) => Some(monitor),
        _ => app.primary_monitor()?,
    };
    if let Some(monitor) = monitor {
        let place = overlay_place(
            (monitor.position().x, monitor.position().y),
            (monitor.size().width, monitor.size().height),
            monitor.scale_factor(),
            edge,
        );
        window.set_position(PhysicalPosition::new(place.0, place.1))?;
    }
    window.show()
}

/// Hides the overlay, if there is one.
///
/// # Errors
/// Whatever the system says.
pub fn hide_overlay<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<()> {
    app.get_webview_window(OVERLAY)
        .map_or(Ok(()), |window| window.hide())
}

/// Gives back what the overlay takes, if there is one.
///
/// # Errors
/// Whatever the system says.
pub fn drop_overlay<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<()> {
    app.get_webview_window(OVERLAY)
        .map_or(Ok(()), |window| window.destroy())
}

/// Upper left corner of the overlay, in physical pixels, on a monitor at `origin` of `size` physical pixels.
fn overlay_place(origin: (i32, i32), size: (u32, u32), scale: f64, edge: Edge) -> (i32, i32) {
    let width = OVERLAY_SIZE.width * scale;
    let height = OVERLAY_SIZE.height * scale;
    let margin = OVERLAY_MARGIN * scale;
    let x = f64::from(origin.0) + (f64::from(size.0) - width) / 2.0;
    let y = match edge {
        Edge::Top => f64::from(origin.1) + margin,
        Edge::Bottom => f64::from(origin.1) + f64::from(size.1) - height - margin,
    };
    #[expect(clippy::cast_possible_truncation, reason = "a place on a screen")]
    (x.round() as i32, y.round() as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_go_to_our_own_pages_only() {
        let goes = |page: &str| is_our_page(&page.parse().unwrap());
        for ours in [
            "tauri://localhost",
            "tauri://localhost/index.html#/history",
            "tauri://localhost/overlay.html?plain",
            "http://tauri.localhost/index.html",
        ] {
            assert!(goes(ours), "{ours}");
        }
        for other in [
            "https://example.org/",
            "https://tauri.localhost.example.org/",
            "https://tauri.localhost@example.org/",
            "file:///etc/passwd",
            "data:text/html,x",
            "about:blank",
        ] {
            assert!(!goes(other), "{other}");
        }
        assert_eq!(goes("http://127.0.0.1:1430/"), cfg!(dev));
    }

    #[test]
    fn the_overlay_is_in_the_middle_of_its_own_screen() {
        assert_eq!(
            overlay_place((0, 0), (1920, 1080), 1.0, Edge::Bottom),
            (720, 920)
        );
        assert_eq!(
            overlay_place((1920, -200), (2560, 1440), 2.0, Edge::Top),
            (1920 + 800, -200 + 128)
        );
    }
}
