//! Edits compared with a plain string. A text of a single identifier is returned in full as the prefix of `nextTokens`.

mod common;

use common::{URI, next_tokens_at, start, start_with};
use minicopilot::lsp::{Change, Client, Position};
use serde_json::json;

/// One, two, three and four UTF-8 bytes; one or two UTF-16 units; all are letters to Python.
const LETTERS: [char; 4] = ['a', '\u{e9}', '\u{4e2d}', '\u{1d41a}'];

/// The server's text and version of a one-identifier document.
fn text(client: &mut Client) -> (String, i64) {
    let end = Position::new(0, u32::MAX);
    let answer = client
        .call("minicopilot/nextTokens", next_tokens_at(URI, end, 1))
        .unwrap();
    let prefix = answer["prefix"].as_str().unwrap().to_owned();
    (prefix, answer["version"].as_i64().unwrap())
}

#[test]
fn a_burst_of_edits_gives_the_same_text_as_in_a_string() {
    for (encoding, units) in [
        ("utf-8", char::len_utf8 as fn(char) -> usize),
        ("utf-16", char::len_utf16),
        ("utf-32", |_| 1),
    ] {
        let capabilities = json!({"general": {"positionEncodings": [encoding]}});
        let (mut client, _) = start_with(json!({"capabilities": capabilities}));
        client.open(URI, "python", 0, "a").unwrap();
        let mut model = vec!['a'];
        // A small random generator, so that runs are reproducible.
        let mut seed = 12345_usize;
        let mut random = |below: usize| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        for version in 1..=300 {
            // Two changes in one message, the second on top of the first.
            let changes = [(); 2].map(|()| {
                let start = random(model.len() + 1);
                let end = (start + random(3)).min(model.len());
                let typed: Vec<char> = (0..random(4)).map(|_| LETTERS[random(4)]).collect();
                let place = |at: usize| {
                    let units: usize = model[..at].iter().map(|&letter| units(letter)).sum();
                    Position::new(0, units as u32)
                };
                let change =
                    Change::replace(place(start), place(end), typed.iter().collect::<String>());
                model.splice(start..end, typed);
                change
            });
            client.change(URI, version, &changes).unwrap();
            if version % 50 == 0 {
                let expected: String = model.iter().collect();
                assert_eq!(
                    text(&mut client),
                    (expected, i64::from(version)),
                    "{encoding}"
                );
            }
        }
    }
}

#[test]
fn a_full_text_replaces_everything() {
    let mut client = start();
    client.open(URI, "python", 1, "before").unwrap();
    client.change(URI, 2, &[Change::full("after")]).unwrap();
    client
        .change(URI, 3, &[Change::insert(Position::new(0, 5), "wards")])
        .unwrap();
    assert_eq!(text(&mut client), ("afterwards".to_owned(), 3));
    client.open(URI, "python", 1, "again").unwrap();
    assert_eq!(text(&mut client), ("again".to_owned(), 1));
}

#[test]
fn positions_outside_the_text_are_clamped() {
    let mut client = start();
    client.open(URI, "python", 1, "a\u{1d41a}").unwrap();
    client
        .change(URI, 2, &[Change::insert(Position::new(0, 99), "b")])
        .unwrap();
    client
        .change(URI, 3, &[Change::insert(Position::new(7, 7), "c")])
        .unwrap();
    // The middle of a surrogate pair; an end before the start.
    client
        .change(URI, 4, &[Change::insert(Position::new(0, 2), "d")])
        .unwrap();
    client
        .change(
            URI,
            5,
            &[Change::replace(
                Position::new(0, 1),
                Position::new(0, 0),
                "e",
            )],
        )
        .unwrap();
    assert_eq!(text(&mut client), ("aed\u{1d41a}bc".to_owned(), 5));
}

#[test]
fn edits_of_documents_that_are_not_open_are_ignored() {
    let mut client = start();
    client.change(URI, 2, &[Change::full("never")]).unwrap();
    client.close(URI).unwrap();
    client.open(URI, "python", 9, "opened").unwrap();
    client
        .change(URI, 3, &[Change::insert(Position::new(0, 6), "x")])
        .unwrap();
    assert_eq!(
        text(&mut client),
        ("openedx".to_owned(), 9),
        "the version never goes back, no edit is lost"
    );
    client.close(URI).unwrap();
    let list = client.completion(URI, Position::new(0, 0)).unwrap();
    assert_eq!(list, common::empty_list());
    let error = client
        .call(
            "minicopilot/nextTokens",
            next_tokens_at(URI, Position::new(0, 0), 1),
        )
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "minicopilot/nextTokens: error -32602: file:///a.py is not open"
    );
}
