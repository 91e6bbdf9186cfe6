//! Hotkey events on their way to whoever listens: a full channel holds nobody up and loses no release.

use std::collections::VecDeque;
use std::sync::mpsc::TrySendError;

use client_core::ports::{Edge, HotkeyEvent, HotkeyEvents};

/// As many events wait here when the channel is full; beyond it only releases are kept.
const WAITING: usize = 256;

/// The listener went away.
#[derive(Debug, PartialEq, Eq)]
pub struct Gone;

/// A bounded channel with a bounded waiting room before it.
#[derive(Debug)]
pub struct Outlet {
    events: HotkeyEvents,
    waiting: VecDeque<HotkeyEvent>,
}

impl Outlet {
    /// Puts events into `events`.
    #[must_use]
    pub fn new(events: HotkeyEvents) -> Self {
        Self {
            events,
            waiting: VecDeque::new(),
        }
    }

    /// Hands on what there is and then these, in order.
    ///
    /// # Errors
    /// [`Gone`] when nobody listens any more.
    pub fn send(&mut self, events: impl IntoIterator<Item = HotkeyEvent>) -> Result<(), Gone> {
        for event in events {
            if self.waiting.len() < WAITING || keeps(&event) {
                self.waiting.push_back(event);
            }
        }
        while let Some(event) = self.waiting.pop_front() {
            match self.events.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Full(event)) => {
                    self.waiting.push_front(event);
                    return Ok(());
                }
                Err(TrySendError::Disconnected(_)) => return Err(Gone),
            }
        }
        Ok(())
    }

    /// Whether something waits for room, so that [`Outlet::send`] is worth calling again soon.
    #[must_use]
    pub fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }
}

/// A release follows a press that got through, so there are never more of these than bindings.
fn keeps(event: &HotkeyEvent) -> bool {
    match event {
        HotkeyEvent::Chord { edge, .. } => *edge == Edge::Released,
        HotkeyEvent::OtherKey { .. } => false,
        HotkeyEvent::Recorded { .. } | HotkeyEvent::Lost { .. } => true,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;
    use std::time::Instant;

    use client_core::ports::Action;

    use super::*;

    fn chord(edge: Edge) -> HotkeyEvent {
        HotkeyEvent::Chord {
            action: Action::Dictate,
            edge,
            modifiers_only: false,
            at: Instant::now(),
        }
    }

    #[test]
    fn a_release_gets_through_however_full_it_was() {
        let (events, heard) = sync_channel(1);
        let mut outlet = Outlet::new(events);
        for _ in 0..WAITING + 10 {
            outlet
                .send([HotkeyEvent::OtherKey { at: Instant::now() }])
                .unwrap();
        }
        outlet.send([chord(Edge::Released)]).unwrap();
        let mut last = None;
        while let Ok(event) = heard.try_recv() {
            last = Some(event);
            outlet.send([]).unwrap();
        }
        assert!(matches!(
            last,
            Some(HotkeyEvent::Chord {
                edge: Edge::Released,
                ..
            })
        ));
        drop(heard);
        assert_eq!(outlet.send([chord(Edge::Pressed)]), Err(Gone));
    }
}
