//! Document notifications and requests of an editor.

use serde_json::{Value, json};

use super::{Change, Client, Error, Position};

impl Client {
    /// Opens a document.
    pub fn open(
        &mut self,
        uri: &str,
        language: &str,
        version: i32,
        text: &str,
    ) -> Result<(), Error> {
        let document =
            json!({"uri": uri, "languageId": language, "version": version, "text": text});
        self.notify("textDocument/didOpen", json!({"textDocument": document}))
    }

    /// Edits a document.
    pub fn change(&mut self, uri: &str, version: i32, changes: &[Change]) -> Result<(), Error> {
        let document = json!({"uri": uri, "version": version});
        let params = json!({"textDocument": document, "contentChanges": changes});
        self.notify("textDocument/didChange", params)
    }

    /// Closes a document.
    pub fn close(&mut self, uri: &str) -> Result<(), Error> {
        let params = json!({"textDocument": {"uri": uri}});
        self.notify("textDocument/didClose", params)
    }

    /// Requests completions with an explicit trigger (`Invoked`), and waits for the answer.
    pub fn completion(&mut self, uri: &str, position: Position) -> Result<Value, Error> {
        let params = json!({"textDocument": {"uri": uri}, "position": position});
        self.call("textDocument/completion", params)
    }
}
