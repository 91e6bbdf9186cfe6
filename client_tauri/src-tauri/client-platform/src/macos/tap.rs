//! The event tap: the system calls it for every key before programs see it, on the thread whose run loop it is in.

use std::cell::RefCell;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::time::Instant;

use objc2_core_foundation::{CFMachPort, CFRetained, CFRunLoop, kCFRunLoopCommonModes};
use objc2_core_graphics::{
    CGEvent, CGEventField, CGEventFlags, CGEventTapLocation, CGEventTapOptions,
    CGEventTapPlacement, CGEventTapProxy, CGEventType,
};

use crate::chords::Struck;
use crate::keys::{self, MOUSE_BUTTONS};
use crate::listening::Listener;

/// Clicks are numbered from here, apart from the keys.
const CLICKS: u32 = 0x1_0000;
/// The first side button of a mouse, as Core Graphics counts them.
const SIDE_BUTTON: i64 = 3;
/// Side buttons have no virtual key; they are told by these numbers, which no key has.
const SIDE_BUTTON_KEY: u16 = 0x100;

/// Which bit of the flags says that a modifier is down, by its virtual key (`NX_DEVICE…KEYMASK` of `IOLLEvent.h`).
const MODIFIERS: [(u16, u64); 8] = [
    (0x3B, 0x1),
    (0x38, 0x2),
    (0x3C, 0x4),
    (0x37, 0x8),
    (0x36, 0x10),
    (0x3A, 0x20),
    (0x3D, 0x40),
    (0x3E, 0x2000),
];

/// What the tap tells.
pub struct Heard {
    /// The chords.
    pub listener: RefCell<Listener>,
    /// The tap itself, to switch it on again when the system has switched it off.
    port: RefCell<Option<CFRetained<CFMachPort>>>,
}

impl Heard {
    /// Tells `listener`, once there is a [`Tap`].
    #[must_use]
    pub fn new(listener: Listener) -> Box<Self> {
        Box::new(Self {
            listener: RefCell::new(listener),
            port: RefCell::new(None),
        })
    }

    /// Switches the tap on if the system has switched it off.
    pub fn keep_on(&self) {
        if let Some(port) = self.port.borrow().as_deref()
            && !CGEvent::tap_is_enabled(port)
        {
            CGEvent::tap_enable(port, true);
        }
    }

    fn heard(&self, kind: CGEventType, event: &CGEvent) -> bool {
        // What programs strike is not what the person holds; the keyboard itself is no process.
        if field(event, CGEventField::EventSourceUnixProcessID) != 0 {
            return false;
        }
        let Ok(mut listener) = self.listener.try_borrow_mut() else {
            return false;
        };
        let now = Instant::now();
        match kind {
            CGEventType::KeyDown => {
                let key = key_of(event);
                listener.pressed(struck(key), key, now)
            }
            CGEventType::KeyUp => listener.released(struck(key_of(event)), now),
            CGEventType::FlagsChanged => {
                modifier(&mut listener, event, now);
                false
            }
            CGEventType::OtherMouseDown => match side_button(event) {
                Some((button, key)) => listener.pressed(button, key, now),
                None => clicked(&mut listener, kind, now),
            },
            CGEventType::OtherMouseUp => {
                side_button(event).is_some_and(|(button, _)| listener.released(button, now))
            }
            CGEventType::LeftMouseDown | CGEventType::RightMouseDown => {
                clicked(&mut listener, kind, now)
            }
            _ => false,
        }
    }
}

fn clicked(listener: &mut Listener, kind: CGEventType, at: Instant) -> bool {
    listener.clicked(CLICKS + kind.0, at);
    false
}

fn modifier(listener: &mut Listener, event: &CGEvent, at: Instant) {
    let key = key_of(event);
    let Some((_, bit)) = MODIFIERS.iter().find(|(modifier, _)| *modifier == key) else {
        return;
    };
    if CGEvent::flags(Some(event)).contains(CGEventFlags(*bit)) {
        listener.pressed(struck(key), key, at);
    } else {
        listener.released(struck(key), at);
    }
}

fn side_button(event: &CGEvent) -> Option<(Struck, u16)> {
    let index = field(event, CGEventField::MouseEventButtonNumber) - SIDE_BUTTON;
    let index = usize::try_from(index).ok()?;
    let name = MOUSE_BUTTONS.get(index)?;
    Some((
        Struck::Place(name),
        SIDE_BUTTON_KEY + u16::try_from(index).ok()?,
    ))
}

fn field(event: &CGEvent, field: CGEventField) -> i64 {
    CGEvent::integer_value_field(Some(event), field)
}

fn key_of(event: &CGEvent) -> u16 {
    u16::try_from(field(event, CGEventField::KeyboardEventKeycode)).unwrap_or(u16::MAX)
}

fn struck(key: u16) -> Struck {
    keys::by_macos(key).map_or(Struck::Unnamed(key.into()), |place| {
        Struck::Place(place.code)
    })
}

/// A tap in the run loop of the thread that made it; taken out when dropped.
pub struct Tap<'heard> {
    port: CFRetained<CFMachPort>,
    heard: &'heard Heard,
}

impl<'heard> Tap<'heard> {
    /// Tells `heard` of all keys; `None` unless the person lets this program hear them (System Settings → Privacy &
    /// Security → Accessibility).
    #[must_use]
    pub fn open(heard: &'heard Heard) -> Option<Self> {
        let kinds = [
            CGEventType::KeyDown,
            CGEventType::KeyUp,
            CGEventType::FlagsChanged,
            CGEventType::LeftMouseDown,
            CGEventType::RightMouseDown,
            CGEventType::OtherMouseDown,
            CGEventType::OtherMouseUp,
        ];
        let mask = kinds.iter().fold(0, |mask, kind| mask | 1_u64 << kind.0);
        let context: *mut c_void = (&raw const *heard).cast_mut().cast();
        // SAFETY: `heard` outlives the tap, which is made invalid when it is dropped, on the same thread.
        let port = unsafe {
            CGEvent::tap_create(
                CGEventTapLocation::SessionEventTap,
                CGEventTapPlacement::HeadInsertEventTap,
                CGEventTapOptions::Default,
                mask,
                Some(called),
                context,
            )
        }?;
        let source = CFMachPort::new_run_loop_source(None, Some(&port), 0)?;
        // SAFETY: a constant of the system.
        let modes = unsafe { kCFRunLoopCommonModes };
        CFRunLoop::current()?.add_source(Some(&source), modes);
        *heard.port.borrow_mut() = Some(port.clone());
        Some(Self { port, heard })
    }
}

impl Drop for Tap<'_> {
    fn drop(&mut self) {
        self.port.invalidate();
        *self.heard.port.borrow_mut() = None;
    }
}

unsafe extern "C-unwind" fn called(
    _: CGEventTapProxy,
    kind: CGEventType,
    event: NonNull<CGEvent>,
    context: *mut c_void,
) -> *mut CGEvent {
    // SAFETY: the context is what the tap was made with, which outlives it.
    let heard = unsafe { &*context.cast::<Heard>() };
    if kind == CGEventType::TapDisabledByTimeout || kind == CGEventType::TapDisabledByUserInput {
        heard.keep_on();
        return event.as_ptr();
    }
    // SAFETY: the system lends the event for the call.
    if heard.heard(kind, unsafe { event.as_ref() }) {
        std::ptr::null_mut()
    } else {
        event.as_ptr()
    }
}
