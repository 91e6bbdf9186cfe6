//! Telling the windows and the person what happens: events to the windows, the overlay, notifications of the system.

use std::sync::{Mutex, PoisonError};

use client_core::desk::Desk;
use client_core::settings::{OverlayPlace, Settings};
use client_core::view::{BackendEvent, DictationState, NoticeKind, Snapshot};
use tauri::{AppHandle, Emitter, Manager, Runtime, WebviewWindow};
use tauri_plugin_notification::NotificationExt;
use tokio::sync::broadcast;
use tokio::time::Instant;

use crate::journal::Journal;
use crate::windows;
use crate::words::{Tongue, sentence};

/// The event all news go to the windows as.
const EVENT: &str = "alfavoice";

/// What the main window is to hear once it is there: it is made only when somebody needs it.
#[derive(Default)]
struct Unheard(Mutex<Option<BackendEvent>>);

/// Tells a main window, which listens by now, what it was made for.
pub fn catch_up<R: Runtime>(window: &WebviewWindow<R>) {
    let Some(unheard) = window.try_state::<Unheard>() else {
        return;
    };
    if window.label() != windows::MAIN {
        return;
    }
    let mut unheard = unheard.0.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(event) = unheard.take()
        && let Err(error) = window.emit(EVENT, &event)
    {
        tracing::warn!(%error, "the windows hear nothing");
    }
}

/// Tells until the desk is gone.
pub async fn tell<R: Runtime>(app: AppHandle<R>, desk: Desk) {
    app.manage(Unheard::default());
    let mut snapshots = desk.snapshot();
    let mut events = desk.events();
    let mut overlay = Overlay::default();
    let mut journal = Journal::default();
    journal.follow(&snapshots.borrow());
    loop {
        let event = tokio::select! {
            changed = snapshots.changed() => {
                if changed.is_err() {
                    return;
                }
                let snapshot = snapshots.borrow_and_update().clone();
                journal.follow(&snapshot);
                overlay.follow(&app, &snapshot, &desk.settings().borrow());
                BackendEvent::Snapshot { snapshot: Box::new(snapshot) }
            }
            event = events.recv() => match event {
                Ok(event) => event,
                // Levels that nobody saw.
                Err(broadcast::error::RecvError::Lagged(_)) => continue,
                Err(broadcast::error::RecvError::Closed) => return,
            },
            () = overlay.unused() => {
                overlay.drop_it(&app);
                continue;
            }
        };
        if let BackendEvent::FixWord { .. } = &event {
            if app.get_webview_window(windows::MAIN).is_none() {
                let unheard = app.state::<Unheard>();
                let mut kept = unheard.0.lock().unwrap_or_else(PoisonError::into_inner);
                *kept = Some(event.clone());
            }
            if let Err(error) = windows::show_main(&app) {
                tracing::warn!(%error, "the window cannot be shown");
            }
        }
        say(&app, &desk, &event);
    }
}

/// Tells the windows, and of notices the person too, who may look at none of them.
pub fn say<R: Runtime>(app: &AppHandle<R>, desk: &Desk, event: &BackendEvent) {
    if let BackendEvent::Notice { kind, code, .. } = event {
        notify(app, *kind, code, tongue(&desk.settings().borrow()));
    }
    if let Err(error) = app.emit(EVENT, event) {
        tracing::warn!(%error, "the windows hear nothing");
    }
}

/// The language the shell speaks.
#[must_use]
pub fn tongue(settings: &Settings) -> Tongue {
    let chosen = serde_json::to_value(settings.appearance.language).unwrap_or_default();
    Tongue::chosen(
        chosen.as_str().unwrap_or_default(),
        Tongue::of_system().as_deref(),
    )
}

/// Says it outside our windows, which nobody may be looking at. Never what was said.
fn notify<R: Runtime>(app: &AppHandle<R>, kind: NoticeKind, code: &str, tongue: Tongue) {
    let key = match kind {
        NoticeKind::LateText | NoticeKind::News | NoticeKind::Update => format!("notice.{code}"),
        NoticeKind::Problem => format!("problem.{code}"),
    };
    let fallback = match kind {
        NoticeKind::LateText => "notice.late_text",
        NoticeKind::News => "notice.news",
        NoticeKind::Update => "notice.update",
        NoticeKind::Problem => "problem.unknown",
    };
    let Some(body) = sentence(tongue, &key).or_else(|| sentence(tongue, fallback)) else {
        return;
    };
    let notification = app.notification().builder().title("AlfaVoice").body(body);
    // The session bus may hang; the windows are told meanwhile.
    std::thread::spawn(move || {
        if let Err(error) = notification.show() {
            tracing::warn!(%error, "the system shows no notifications");
        }
    });
}

/// Whether the overlay is seen, and since when it is not.
#[derive(Default)]
struct Overlay {
    shown: bool,
    unused_since: Option<Instant>,
}

impl Overlay {
    fn follow<R: Runtime>(&mut self, app: &AppHandle<R>, snapshot: &Snapshot, settings: &Settings) {
        let wanted = settings.appearance.overlay
            && !matches!(snapshot.dictation.state, DictationState::Idle);
        if wanted == self.shown {
            return;
        }
        self.shown = wanted;
        let done = if wanted {
            self.unused_since = None;
            let edge = match settings.appearance.overlay_place {
                OverlayPlace::Top => windows::Edge::Top,
                OverlayPlace::Bottom => windows::Edge::Bottom,
            };
            windows::show_overlay(app, edge)
        } else {
            self.unused_since = Some(Instant::now());
            windows::hide_overlay(app)
        };
        if let Err(error) = done {
            tracing::warn!(%error, "the overlay");
        }
    }

    /// Comes back when the overlay has not been of use for a while.
    async fn unused(&self) {
        match self.unused_since {
            Some(since) => tokio::time::sleep_until(since + windows::OVERLAY_KEPT).await,
            None => std::future::pending::<()>().await,
        }
    }

    fn drop_it<R: Runtime>(&mut self, app: &AppHandle<R>) {
        self.unused_since = None;
        if app.get_webview_window(windows::OVERLAY).is_some()
            && let Err(error) = windows::drop_overlay(app)
        {
            tracing::warn!(%error, "the overlay");
        }
    }
}
