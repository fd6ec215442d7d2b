//! The server under evaluation: this program, and its configuration.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use serde_json::{Value, json};
use tower_lsp::ls_types::Uri;

use super::sample::Sample;
use crate::lsp::Client;

/// Parameters of a measurement.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// The sample of targets.
    pub sample: Sample,
    /// Open each path as a project in the server; otherwise open every file without a workspace.
    pub in_project: bool,
    /// The Python installation used to resolve imports; `None` reads no installed packages.
    pub environment: Option<&'a Path>,
    /// A checkpoint folder; `None` for the embedded model.
    pub model: Option<&'a Path>,
}

impl Setting<'_> {
    /// The server's settings. Results must not depend on the packages installed on this machine.
    pub(super) fn options(&self) -> Value {
        let folder = self.environment.unwrap_or(Path::new("none"));
        json!({"pythonEnvironment": folder.to_string_lossy()})
    }
}

/// The command that starts this program as a server.
pub(super) fn server_command(model: Option<&Path>) -> anyhow::Result<Command> {
    let program = std::env::current_exe().context("cannot determine this program's path")?;
    let mut command = Command::new(program);
    command.arg("serve");
    if let Some(folder) = model {
        command.arg("--model").arg(folder);
    }
    Ok(command)
}

/// Starts a server in a folder, or without one for files opened without a workspace.
pub(super) fn start_server(
    setting: Setting<'_>,
    folder: Option<&PathBuf>,
) -> anyhow::Result<Client> {
    let mut client = Client::start(server_command(setting.model)?)?;
    let root = folder.map(|folder| uri_of(folder)).transpose()?;
    client.initialize(json!({
        "processId": std::process::id(),
        "rootUri": root,
        "initializationOptions": setting.options(),
        // The typist counts positions in bytes.
        "capabilities": {"general": {"positionEncodings": ["utf-8"]}},
    }))?;
    Ok(client)
}

/// The URI of a path.
pub(super) fn uri_of(path: &Path) -> anyhow::Result<String> {
    let path = std::path::absolute(path)?;
    let uri = Uri::from_file_path(&path)
        .with_context(|| format!("{} cannot be written as a file URI", path.display()))?;
    Ok(uri.as_str().to_owned())
}
