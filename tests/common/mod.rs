//! Test fixtures: a server, and documents with a cursor.

#![allow(dead_code, reason = "each test crate uses its part")]

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use minicopilot::lsp::{Client, Position};
use serde_json::{Value, json};

/// The default document.
pub const URI: &str = "file:///a.py";

/// A timeout that suffices on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The program under test.
pub fn minicopilot() -> Command {
    Command::new(env!("CARGO_BIN_EXE_minicopilot"))
}

/// A started server, not yet initialized.
pub fn start_silent() -> Client {
    let mut command = minicopilot();
    command.arg("serve").stderr(Stdio::piped());
    Client::start(command).expect("the server starts")
}

/// A server initialized with these parameters, and its response. Unless the parameters say otherwise, its answers only
/// depend on the text before the cursor and on the workspace.
pub fn start_with(mut params: Value) -> (Client, Value) {
    let options = &mut params["initializationOptions"];
    if options.is_null() {
        *options = json!({});
    }
    if let Some(options) = options.as_object_mut() {
        options
            .entry("pythonEnvironment")
            .or_insert_with(|| json!("none"));
        options
            .entry("useSuffixContext")
            .or_insert_with(|| json!(false));
    }
    let mut client = start_silent();
    let answer = client.initialize(params).expect("an answer to initialize");
    (client, answer)
}

/// A server for a client without special capabilities.
pub fn start() -> Client {
    start_with(json!({"capabilities": {}})).0
}

/// A fixture's text without `$0`, and the position of `$0` in UTF-16 units.
pub fn cursor(fixture: &str) -> (String, Position) {
    let (before, after) = fixture.split_once("$0").expect("a cursor");
    let line = before.rsplit('\n').next().unwrap_or_default();
    let character = line.encode_utf16().count() as u32;
    let position = Position::new(before.matches('\n').count() as u32, character);
    (format!("{before}{after}"), position)
}

/// Request parameters for a position.
pub fn at(uri: &str, position: Position) -> Value {
    json!({"textDocument": {"uri": uri}, "position": position})
}

/// Parameters of `minicopilot/nextTokens`.
pub fn next_tokens_at(uri: &str, position: Position, k: usize) -> Value {
    let mut params = at(uri, position);
    params["k"] = json!(k);
    params
}

/// The inserted texts of a completion list.
pub fn texts(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().expect("a list");
    items
        .iter()
        .map(|item| item["textEdit"]["newText"].as_str().expect("a text"))
        .collect()
}

/// The response to an outdated or unanswerable request.
pub fn empty_list() -> Value {
    json!({"isIncomplete": true, "items": []})
}

/// Runs a command to completion.
pub fn run(arguments: &[&str]) -> Output {
    minicopilot()
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// The error message of a failing command without its folder. It must be one line.
pub fn failure(folder: &Path, arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{arguments:?}");
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(message.matches('\n').count(), 1, "{message}");
    message
        .trim_end()
        .replace(&*folder.to_string_lossy(), "DIR")
}
