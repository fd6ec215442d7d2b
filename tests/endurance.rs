//! What a server has taken after many documents, and that a client which reads nothing cannot make it take more. Linux
//! alone tells.
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use minicopilot_harness::{Client, Position, frame};
use serde_json::json;

use common::{at, minicopilot, start};

/// Memory of a server in MB: all of it, and what is its own, not a file's.
fn memory(client: &Client) -> (f64, f64) {
    of_process(client.process_id())
}

fn of_process(id: u32) -> (f64, f64) {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let value = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<f64>()
            .unwrap()
            / 1e3
    };
    (value("VmRSS:"), value("RssAnon:"))
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
        if number == 0 {
            let (all, _) = memory(&client);
            assert!(all < 60.0, "{all} MB with one document");
        }
    }
    let (all, _) = memory(&client);
    assert!(all < 120.0, "{all} MB with 200 documents");
    println!("{all:.0} MB with 200 documents");
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
        memory(&client).1
    };
    let first = pass(0);
    let last = [2_500, 5_000, 7_500].map(&mut pass)[2];
    assert!(last < first + 2.0, "{first} MB, after 7,500 more {last} MB");
}

#[test]
fn a_client_that_reads_nothing_costs_no_more_than_the_queue() {
    let mut server = minicopilot()
        .arg("serve")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let id = server.id();
    let mut input = server.stdin.take().unwrap();
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
    // Until it no longer reads either, or all has been sent: 400,000 answers would be some 600 MB.
    let began = Instant::now();
    let (mut last, mut still) = (0.0, 0);
    while !writer.is_finished() && still < 10 && began.elapsed() < Duration::from_mins(1) {
        std::thread::sleep(Duration::from_millis(200));
        let (_, own) = of_process(id);
        still = if (own - last).abs() < 0.1 {
            still + 1
        } else {
            0
        };
        last = own;
    }
    assert!(last < 120.0, "{last} MB");
    server.kill().unwrap();
    server.wait().unwrap();
    let _ = writer.join();
}
