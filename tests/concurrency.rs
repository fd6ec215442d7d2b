//! Concurrent requests. A large document keeps the inference thread busy.

mod common;

use std::time::{Duration, Instant};

use common::{PATIENCE, URI, at, empty_list, next_tokens_at, start};
use minicopilot::lsp::{Change, Client, Position, RequestId};
use serde_json::json;

const BUSY: &str = "file:///busy.py";
/// Timeout of an immediate answer: far less than the large document takes.
const SOON: Duration = Duration::from_secs(5);

/// Opens a document of half a million tokens and requests a completion at its end.
fn keep_busy(client: &mut Client) -> RequestId {
    client
        .open(BUSY, "python", 1, &"a = b + c\n".repeat(80_000))
        .unwrap();
    let params = next_tokens_at(BUSY, Position::new(80_000, 0), 5);
    client.request("minicopilot/nextTokens", params).unwrap()
}

fn release(client: &mut Client, busy: RequestId) {
    client.cancel(busy).unwrap();
    let error = client.wait(busy, SOON).unwrap().result.unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (-32800, "Canceled"));
    client.close(BUSY).unwrap();
}

#[test]
fn edits_and_cancels_do_not_queue_behind_a_hundred_requests() {
    let mut client = start();
    let busy = keep_busy(&mut client);
    let uris: Vec<String> = (0..100).map(|n| format!("file:///{n}.py")).collect();
    let mut asked = Vec::new();
    for uri in &uris {
        client.open(uri, "python", 1, "x = ").unwrap();
        let params = next_tokens_at(uri, Position::new(0, 4), 1);
        asked.push(client.request("minicopilot/nextTokens", params).unwrap());
    }
    // A cancellation is answered while the other requests wait.
    client.cancel(asked[50]).unwrap();
    let error = client.wait(asked[50], SOON).unwrap().result.unwrap_err();
    assert_eq!(error.code, -32800);
    // So is a request superseded by a newer one; the newer one sees the edit between them.
    client
        .change(&uris[0], 2, &[Change::insert(Position::new(0, 4), "yes")])
        .unwrap();
    let newer = client
        .request(
            "minicopilot/nextTokens",
            next_tokens_at(&uris[0], Position::new(0, 7), 1),
        )
        .unwrap();
    let outdated = client.wait(asked[0], SOON).unwrap().result.unwrap();
    assert_eq!(outdated, json!({"tokens": [], "version": 1, "prefix": ""}));
    // So is a request that the framework rejects.
    assert!(client.call("minicopilot/unknown", json!({})).is_err());

    release(&mut client, busy);
    let answer = client.wait(newer, PATIENCE).unwrap().result.unwrap();
    assert_eq!(
        (&answer["version"], &answer["prefix"]),
        (&json!(2), &json!("yes"))
    );
    for (number, id) in asked
        .into_iter()
        .enumerate()
        .filter(|(number, _)| ![0, 50].contains(number))
    {
        let answer = client.wait(id, PATIENCE).unwrap().result.unwrap();
        assert_eq!(
            answer["tokens"].as_array().map(Vec::len),
            Some(1),
            "{number}"
        );
    }
}

#[test]
fn a_newer_request_supersedes_an_older_one_of_the_same_method() {
    let mut client = start();
    let busy = keep_busy(&mut client);
    client.open(URI, "python", 1, "x = ").unwrap(); // unread, so the answer comes from the available context at once
    let other = client
        .request(
            "minicopilot/nextTokens",
            next_tokens_at(URI, Position::new(0, 4), 1),
        )
        .unwrap();
    let ask = |client: &mut Client| {
        client
            .request("textDocument/completion", at(URI, Position::new(0, 4)))
            .unwrap()
    };
    let asked: Vec<_> = (0..100).map(|_| ask(&mut client)).collect();
    let (last, outdated) = asked.split_last().unwrap();
    for &id in outdated {
        assert_eq!(client.wait(id, SOON).unwrap().result.unwrap(), empty_list());
    }
    let early = client.wait(*last, Duration::from_millis(100));
    assert!(early.is_err(), "the newest waits for the model: {early:?}");
    release(&mut client, busy);
    assert_ne!(
        client.wait(*last, PATIENCE).unwrap().result.unwrap(),
        empty_list()
    );
    let answer = client.wait(other, PATIENCE).unwrap().result.unwrap();
    assert_eq!(
        answer["tokens"].as_array().map(Vec::len),
        Some(1),
        "another method is not outdated"
    );
}

#[test]
fn closing_a_document_answers_its_pending_requests() {
    let mut client = start();
    let busy = keep_busy(&mut client);
    client.close(BUSY).unwrap();
    let answer = client.wait(busy, SOON).unwrap().result.unwrap();
    assert_eq!(answer["tokens"], json!([]));
}

#[test]
fn reading_ahead_gives_way_to_requests() {
    let mut client = start();
    client
        .open(BUSY, "python", 1, &"a = b + c\n".repeat(80_000))
        .unwrap();
    client.open(URI, "python", 1, "x = ").unwrap();
    let asked = Instant::now();
    assert_ne!(
        client.completion(URI, Position::new(0, 4)).unwrap(),
        empty_list()
    );
    assert!(asked.elapsed() < SOON);
}

/// Reading the whole document first would take longer.
#[test]
fn a_list_at_the_end_of_a_long_document_does_not_wait_until_it_is_read() {
    let mut client = start();
    let text = "a = b + c\n".repeat(80_000) + "for x in ";
    client.open(BUSY, "python", 1, &text).unwrap();
    for version in 2..5 {
        let asked = Instant::now();
        assert_ne!(
            client.completion(BUSY, Position::new(80_000, 9)).unwrap(),
            empty_list()
        );
        assert!(asked.elapsed() < SOON);
        let top = Change::insert(Position::new(0, 0), "import os\n");
        let above = Change::replace(Position::new(1, 0), Position::new(2, 0), "");
        client.change(BUSY, version, &[top, above]).unwrap();
    }
}

#[test]
fn shutdown_does_not_wait_for_answers() {
    let mut client = start();
    keep_busy(&mut client);
    let ended = Instant::now();
    assert!(client.shutdown().unwrap().success());
    assert!(ended.elapsed() < SOON);

    let mut client = start();
    keep_busy(&mut client);
    client.close_input();
    assert_eq!(client.wait_exit(SOON).unwrap().code(), Some(1));
}
