//! The protocol: capabilities, lifecycle, and robustness against invalid messages.

mod common;

use std::process::Command;
use std::time::Duration;

use common::{PATIENCE, URI, at, empty_list, start, start_silent, start_with, texts};
use minicopilot::lsp::{Client, Error, Position, frame};
use serde_json::{Value, json};

/// The error response to a call.
fn error(client: &mut Client, method: &str, params: Value) -> (i64, String) {
    match client.call(method, params) {
        Err(Error::Response { error, .. }) => (error.code, error.message),
        other => panic!("{method}: {other:?}"),
    }
}

/// Asserts that the server still works.
fn assert_alive(client: &mut Client) {
    client.open(URI, "python", 1, "import ").unwrap();
    assert_ne!(
        texts(&client.completion(URI, Position::new(0, 7)).unwrap()),
        Vec::<&str>::new()
    );
}

#[test]
fn initialize_returns_the_capabilities() {
    let (_client, answer) =
        start_with(json!({"processId": null, "rootUri": null, "capabilities": {}}));
    insta::assert_snapshot!(serde_json::to_string_pretty(&answer["capabilities"]).unwrap(), @r#"
    {
      "completionProvider": {
        "completionItem": {
          "labelDetailsSupport": true
        },
        "triggerCharacters": [
          ".",
          "(",
          "[",
          ",",
          "=",
          "@",
          "\"",
          "'",
          " "
        ]
      },
      "inlineCompletionProvider": true,
      "positionEncoding": "utf-16",
      "textDocumentSync": {
        "change": 2,
        "openClose": true,
        "save": true
      },
      "workspace": {
        "workspaceFolders": {
          "changeNotifications": true,
          "supported": true
        }
      }
    }
    "#);
    assert_eq!(answer["serverInfo"]["name"], "minicopilot");
}

#[test]
fn the_exit_status_tells_whether_shutdown_came_first() {
    let client = start();
    assert_eq!(client.shutdown().unwrap().code(), Some(0));

    let mut client = start();
    client.notify("exit", Value::Null).unwrap();
    assert_eq!(client.wait_exit(PATIENCE).unwrap().code(), Some(1));

    let mut client = start();
    client.close_input();
    assert_eq!(client.wait_exit(PATIENCE).unwrap().code(), Some(1));

    let mut client = start();
    client.call("shutdown", Value::Null).unwrap();
    client.close_input();
    assert_eq!(client.wait_exit(PATIENCE).unwrap().code(), Some(0));
}

#[test]
fn the_server_exits_with_its_client() {
    let mut parent = Command::new("sleep").arg("60").spawn().unwrap();
    let (mut client, _) = start_with(json!({"processId": parent.id(), "capabilities": {}}));
    assert_alive(&mut client);
    parent.kill().unwrap();
    parent.wait().unwrap();
    assert_eq!(
        client.wait_exit(Duration::from_secs(1)).unwrap().code(),
        Some(1)
    );
}

#[test]
fn requests_out_of_order_are_rejected() {
    let mut client = start_silent();
    let place = at(URI, Position::new(0, 0));
    assert_eq!(
        error(&mut client, "textDocument/completion", place.clone()).0,
        -32002
    );
    assert_eq!(error(&mut client, "shutdown", Value::Null).0, -32002);
    client.initialize(json!({"capabilities": {}})).unwrap();
    assert_eq!(
        error(&mut client, "initialize", json!({"capabilities": {}})).0,
        -32600
    );
    client.call("shutdown", Value::Null).unwrap();
    assert_eq!(
        error(&mut client, "textDocument/completion", place).0,
        -32600
    );
    client.notify("exit", Value::Null).unwrap();
    assert_eq!(client.wait_exit(PATIENCE).unwrap().code(), Some(0));
}

#[test]
#[expect(clippy::too_many_lines, reason = "one scenario, or one list of cases")]
fn invalid_parameters_are_rejected() {
    let mut client = start();
    let document = json!({"uri": URI});
    for (method, params, code) in [
        ("minicopilot/nothing", json!({}), -32601),
        ("$/nothing", json!({}), 0),
        ("textDocument/hover", at(URI, Position::new(0, 0)), -32601),
        ("textDocument/completion", Value::Null, -32602),
        ("textDocument/completion", json!([1, 2]), -32602),
        (
            "textDocument/completion",
            json!({"textDocument": document}),
            -32602,
        ),
        (
            "textDocument/completion",
            json!({"textDocument": document, "position": {"line": -1, "character": 0}}),
            -32602,
        ),
        (
            "textDocument/completion",
            json!({"textDocument": document, "position": {"line": 1e300, "character": 0}}),
            -32602,
        ),
        (
            "textDocument/completion",
            json!({"textDocument": {"uri": "no uri"}, "position": {"line": 0, "character": 0}}),
            -32602,
        ),
        (
            "minicopilot/nextTokens",
            at(URI, Position::new(0, 0)),
            -32602,
        ),
        (
            "minicopilot/nextTokens",
            json!({"textDocument": document, "position": {"line": 0, "character": 0}, "k": -1}),
            -32602,
        ),
    ] {
        if code == 0 {
            // An unknown optional method gets no response.
            let id = client.request(method, params).unwrap();
            assert!(client.wait(id, Duration::from_millis(200)).is_err());
        } else {
            assert_eq!(
                error(&mut client, method, params.clone()).0,
                code,
                "{method} {params}"
            );
        }
    }
    for (method, params) in [
        ("minicopilot/nothing", json!({})),
        ("textDocument/didOpen", json!({"textDocument": 1})),
        ("textDocument/didChange", Value::Null),
        (
            "textDocument/didChange",
            json!({"textDocument": {"uri": URI, "version": 1}, "contentChanges": [{"range": 1}]}),
        ),
        (
            "workspace/didChangeConfiguration",
            json!({"settings": "all of them"}),
        ),
        ("$/cancelRequest", json!({"id": 4711})),
        ("$/cancelRequest", json!({"id": {}})),
        ("$/setTrace", json!({"value": "loud"})),
        ("initialized", json!({})),
    ] {
        client.notify(method, params).unwrap();
    }
    assert_alive(&mut client);
}

#[test]
fn malformed_messages_are_answered_and_skipped() {
    let mut client = start();
    let deep = "[".repeat(100_000);
    let refused: &[(&[u8], i64)] = &[
        (b"Hello, server!\r\n\r\n", -32700),
        (b"Content-Length: many\r\n\r\n{}", -32700),
        (b"Content-Length: 18446744073709551616\r\n\r\n", -32700),
        (b"Content-Type: text/plain\r\n\r\n", -32700),
        (
            &[b"X-Header: ", "y".repeat(100_000).as_bytes(), b"\r\n\r\n"].concat(),
            -32700,
        ),
        (&[0xff; 5000], -32700),
        (b"{\"jsonrpc\":\"2.0\",\"method\":\"exit\"}\n", -32700),
        (&frame(b"{"), -32700),
        (&frame(b""), -32700),
        (&frame(b"\"\xff\xfe\""), -32700),
        (&frame(deep.as_bytes()), -32700),
        (&frame(b"[]"), -32600),
        (&frame(b"null"), -32600),
        (&frame(b"{\"jsonrpc\":\"1.0\",\"method\":\"exit\"}"), -32600),
        (&frame(b"{\"jsonrpc\":\"2.0\",\"method\":17}"), -32600),
    ];
    for (bytes, code) in refused {
        client.send_bytes(bytes).unwrap();
        // The next header ends the garbage.
        client
            .send_bytes(&frame(br#"{"jsonrpc":"2.0","method":"$/nothing"}"#))
            .unwrap();
        let answer = client.wait_unaddressed(PATIENCE).unwrap();
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]);
        assert_eq!(answer.result.unwrap_err().code, *code, "{shown}");
    }
    // A response to no request; a header that announces too much; a header in different case.
    client
        .send_bytes(&frame(br#"{"jsonrpc":"2.0","id":99,"result":null}"#))
        .unwrap();
    client
        .send_bytes(b"Content-Length: 60\r\n\r\n{\"jsonrpc\":\"2.0\",\"method\":\"$/nothing\"}")
        .unwrap();
    client
        .send_bytes(&frame(br#"{"jsonrpc":"2.0","method":"$/nothing"}"#))
        .unwrap();
    assert_eq!(
        client
            .wait_unaddressed(PATIENCE)
            .unwrap()
            .result
            .unwrap_err()
            .code,
        -32700
    );
    client
        .send_bytes(b"content-length:38\r\nContent-Type: application/vscode-jsonrpc\r\n\r\n")
        .unwrap();
    client
        .send_bytes(br#"{"jsonrpc":"2.0","method":"$/nothing"}"#)
        .unwrap();
    assert_alive(&mut client);
}

#[test]
fn text_that_is_not_python_is_completed_like_any_other() {
    let mut client = start();
    let long_line = format!("x = {}", "1 + ".repeat(200));
    for (number, text) in [
        "",
        "\0",
        "\u{feff}",
        "\r\r\n\n",
        "'''",
        "((((",
        "\\",
        "f'{f'{",
        "\u{202e}\u{0}\u{10ffff}",
        &long_line,
    ]
    .into_iter()
    .enumerate()
    {
        let uri = format!("untitled:{number}");
        client.open(&uri, "plaintext", 1, text).unwrap();
        let list = client
            .completion(&uri, Position::new(u32::MAX, u32::MAX))
            .unwrap();
        assert_eq!(list["isIncomplete"], true, "{text:?}");
    }
    assert_eq!(
        client
            .completion("file:///never/opened.py", Position::new(0, 0))
            .unwrap(),
        empty_list()
    );
    assert_eq!(client.shutdown().unwrap().code(), Some(0));
}
