//! Lets Tauri check the configuration and generate what the program is built with.

fn main() {
    tauri_build::build();
}
