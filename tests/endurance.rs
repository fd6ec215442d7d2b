//! What a server has taken after many documents, and that a client which reads nothing cannot make it take more. Linux
//! alone tells.
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use minicopilot_harness::{Position, frame};
use serde_json::json;

use common::{at, minicopilot, start};

/// Memory of a process in MB that is its own and no file's.
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

/// Ends with the test, however that ends.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// About 1,000 tokens of Python, of which each number gives another.
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
        // And 30 MB of the program's file, with the model that it has read there.
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
fn documents_that_come_and_go_leave_nothing() {
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
        // Everything before this is done.
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

#[test]
fn a_client_that_reads_nothing_costs_no_more_than_the_queue() {
    let mut server = Server(
        minicopilot()
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let id = server.0.id();
    let mut input = server.0.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        use std::io::Write;
        let mut send =
            |message: serde_json::Value| input.write_all(&frame(message.to_string().as_bytes()));
        send(
            json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"capabilities": {}}}),
        )?;
        let document = json!({"uri": "file:///a.py", "languageId": "python", "version": 1, "text": "import os\n"});
        send(
            json!({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": document}}),
        )?;
        for id in 1..400_000 {
            let params = at("file:///a.py", Position::new(1, 0));
            send(
                json!({"jsonrpc": "2.0", "id": id, "method": "textDocument/completion", "params": params}),
            )?;
        }
        std::io::Result::Ok(())
    });
    // Until it no longer reads either: 400,000 answers would be some 600 MB.
    let began = Instant::now();
    let (mut last, mut still) = (0.0, 0);
    while still < 10 && began.elapsed() < Duration::from_mins(1) {
        std::thread::sleep(Duration::from_millis(200));
        let own = memory(id);
        assert!(own < 150.0, "{own} MB");
        still = if own > 24.0 && (own - last).abs() < 0.1 {
            still + 1
        } else {
            0
        };
        last = own;
    }
    assert!(!writer.is_finished(), "it goes on reading");
    drop(server);
    assert!(writer.join().unwrap().is_err());
}
