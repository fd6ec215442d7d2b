//! Memory after many documents, and with a client that does not read. Memory is measured on Linux only.
#![cfg(target_os = "linux")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::channel;
use std::thread;

use minicopilot::lsp::Position;
use minicopilot::lsp::framing::{Frame, FrameReader, frame};
use serde_json::{Value, json};

use common::{URI, at, minicopilot, start};

/// Private anonymous memory of a process in MB.
fn memory(id: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    let kilobytes: f64 = line
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    kilobytes * 1024.0 / 1e6
}

/// Kills the server when the test ends.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// About 1,000 tokens of Python, distinct per number.
fn text(number: usize) -> String {
    (0..60)
        .map(|line| format!("def f{line}_{number}(self, value):\n    return self.x[{number}] + value.y({line})\n"))
        .collect()
}

#[test]
fn two_hundred_documents_stay_small() {
    let mut client = start();
    let uri = |number: usize| format!("file:///{number}.py");
    for number in 0..200 {
        client
            .open(&uri(number), "python", 1, &text(number))
            .unwrap();
        client
            .completion(&uri(number), Position::new(100, 0))
            .unwrap();
        let own = memory(client.process_id());
        // Plus 30 MB of the program's file, which contains the model.
        assert!(
            own < if number == 0 { 30.0 } else { 90.0 },
            "{own} MB with {} documents",
            number + 1
        );
        if [0, 199].contains(&number) {
            println!("{own:.0} MB of its own with {} documents", number + 1);
        }
    }
}

#[test]
fn closed_documents_leave_no_memory_behind() {
    let mut client = start();
    let mut pass = |first: usize| {
        for number in first..first + 2_500 {
            let uri = format!("file:///{number}.py");
            client.open(&uri, "python", 1, "import os\nos.").unwrap();
            if number % 100 == 0 {
                client.completion(&uri, Position::new(1, 3)).unwrap();
            }
            client.close(&uri).unwrap();
        }
        // All earlier requests have been processed by now.
        client.open("file:///last.py", "python", 1, "x").unwrap();
        client
            .completion("file:///last.py", Position::new(0, 1))
            .unwrap();
        client.close("file:///last.py").unwrap();
        memory(client.process_id())
    };
    let first = pass(0);
    let last = [2_500, 5_000, 7_500].map(&mut pass)[2];
    assert!(last < first + 2.0, "{first} MB, after 7,500 more {last} MB");
}

/// Enough requests that their answers exceed the server's queue of 4 MB: each takes at least 90 bytes.
const REQUESTS: u64 = 60_000;

fn send_requests(input: &mut ChildStdin) -> io::Result<()> {
    let mut send = |message: Value| input.write_all(&frame(message.to_string().as_bytes()));
    send(
        json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"capabilities": {}}}),
    )?;
    let document = json!({"uri": URI, "languageId": "python", "version": 1, "text": "import os\n"});
    send(
        json!({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": document}}),
    )?;
    for id in 1..REQUESTS {
        let params = at(URI, Position::new(1, 0));
        send(
            json!({"jsonrpc": "2.0", "id": id, "method": "textDocument/completion", "params": params}),
        )?;
    }
    Ok(())
}

#[test]
fn a_client_that_reads_no_answers_is_throttled_and_loses_none() {
    let mut server = Server(
        minicopilot()
            .arg("serve")
            .env("RUST_LOG", "minicopilot::server::output=debug")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut input = server.0.stdin.take().unwrap();
    let errors = BufReader::new(server.0.stderr.take().unwrap());
    let mut answers = FrameReader::new(BufReader::new(server.0.stdout.take().unwrap()));
    // The server reports on standard error that it is waiting for its client.
    let (stalled, is_stalled) = channel();
    thread::spawn(move || {
        for line in errors.lines().map_while(Result::ok) {
            if line.contains("does not read its answers") {
                let _ = stalled.send(());
            }
        }
    });
    let sender = thread::spawn(move || {
        send_requests(&mut input).unwrap();
        input // open until all answers are read
    });
    // The error is that standard error was closed: the server has died.
    is_stalled.recv().expect("the server waits for its client");
    let own = memory(server.0.id());
    println!("{own:.0} MB of its own with a full queue");
    // The requests that were read before the queue was full wait for their answers in memory, about 1 KB each.
    assert!(own < 120.0, "{own} MB");

    let mut answered = BTreeSet::new();
    while answered.len() < REQUESTS as usize {
        let Frame::Body(body) = answers.read().unwrap() else {
            panic!("the end after {} answers", answered.len());
        };
        let answer: Value = serde_json::from_slice(&body).unwrap();
        if let Some(id) = answer["id"].as_u64() {
            assert!(answered.insert(id), "two answers to {id}");
        }
    }
    sender.join().unwrap();
}
