//! A display of a test's own, with the programs that run on it; all of it ends with the test.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use x11rb::connection::Connection;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, PropMode};
use x11rb::wrapper::ConnectionExt as _;

/// An Xvfb with openbox on it.
pub struct Screen {
    pub name: String,
    children: Vec<Child>,
}

impl Screen {
    /// `None`, said loudly, where there is no Xvfb; a failure where the tests are told that there has to be one.
    pub fn start(layout: &str) -> Option<Self> {
        let missing: Vec<&str> = [
            "Xvfb",
            "openbox",
            "xdotool",
            "xclip",
            "setxkbmap",
            "xterm",
            "xev",
        ]
        .into_iter()
        .filter(|program| !installed(program))
        .collect();
        if !missing.is_empty() {
            assert!(
                std::env::var_os("ALFAVOICE_DISPLAY_TESTS").is_none(),
                "not installed: {missing:?}"
            );
            eprintln!("SKIPPED: not installed: {missing:?}");
            return None;
        }
        let mut server = Command::new("Xvfb")
            .args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                "800x600x24",
                "-noreset",
                "-nolisten",
                "tcp",
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut number = String::new();
        BufReader::new(server.stdout.take().unwrap())
            .read_line(&mut number)
            .unwrap();
        let mut screen = Self {
            name: format!(":{}", number.trim()),
            children: vec![server],
        };
        screen.layout(layout);
        screen.start_program("openbox", &[]);
        until("a window manager", || {
            screen
                .output("xprop", &["-root", "_NET_SUPPORTING_WM_CHECK"])
                .contains("window id")
        });
        Some(screen)
    }

    pub fn layout(&self, layout: &str) {
        self.run("setxkbmap", &["-layout", layout]);
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env("DISPLAY", &self.name)
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, program: &str, arguments: &[&str]) {
        let status = self
            .command(program, arguments)
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "{program} {arguments:?}: {status}");
    }

    pub fn output(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.command(program, arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs until the test ends.
    pub fn start_program(&mut self, program: &str, arguments: &[&str]) {
        let child = self
            .command(program, arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.children.push(child);
    }

    /// A program that says things line by line on its standard output.
    pub fn start_telling(&mut self, program: &str, arguments: &[&str]) -> Receiver<String> {
        let mut child = self
            .command(program, arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        self.children.push(child);
        let (say, said) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if say.send(line).is_err() {
                    return;
                }
            }
        });
        said
    }

    /// Puts something into a selection, as another program would.
    pub fn own(&self, selection: &str, target: &str, content: &[u8]) {
        let mut child = self
            .command("xclip", &["-i", "-selection", selection, "-t", target])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(content).unwrap();
        assert!(child.wait().unwrap().success());
        // It says that it is done before the display has heard of it: a moment later it would take the clipboard away from whoever has
        // it by then. Contents must therefore differ from what is there already.
        until("what was copied", || {
            self.read(selection, target) == content
        });
    }

    /// What another program would paste.
    pub fn read(&self, selection: &str, target: &str) -> Vec<u8> {
        self.command("xclip", &["-o", "-selection", selection, "-t", target])
            .stderr(Stdio::null())
            .output()
            .unwrap()
            .stdout
    }

    /// As somebody strikes keys: `keydown`, `keyup` or `key` of xdotool.
    pub fn keys(&self, arguments: &[&str]) {
        self.run("xdotool", arguments);
    }

    /// Says that a window is active, as a window manager does.
    pub fn call_active(&self, window: u32) {
        let (connection, number) = x11rb::connect(Some(&self.name)).unwrap();
        let root = connection.setup().roots[number].root;
        let name = connection
            .intern_atom(false, b"_NET_ACTIVE_WINDOW")
            .unwrap();
        let name = name.reply().unwrap().atom;
        connection
            .change_property32(PropMode::REPLACE, root, name, AtomEnum::WINDOW, &[window])
            .unwrap()
            .check()
            .unwrap();
    }

    /// The display goes away.
    pub fn kill(&mut self) {
        for child in self.children.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
        self.children.clear();
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.kill();
    }
}

pub fn installed(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    })
}

/// Waits for something that is sure to come, at most half a minute.
pub fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !happened() {
        assert!(Instant::now() < deadline, "never came: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
