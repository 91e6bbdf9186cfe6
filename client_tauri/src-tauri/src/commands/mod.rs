//! The commands of the main window. Each is one call of `src/backend/backend.ts`, in snake case, and does little but hand it on.

pub mod calls;
pub mod dictation;
pub mod files;
pub mod here;
pub mod keeping;
pub mod local;
pub mod server;
pub mod windows;
