//! Completion through the protocol. Tests that the model contributes, not how well.

mod common;

use common::{PATIENCE, URI, at, cursor, empty_list, next_tokens_at, start, start_with, texts};
use minicopilot::lsp::{Client, Position};
use serde_json::{Value, json};

/// The completion list at a fixture's cursor.
fn check(fixture: &str) -> Value {
    check_with(json!({"capabilities": {}}), fixture, Value::Null)
}

/// The same with `initialize` parameters and a completion context.
fn check_with(initialize: Value, fixture: &str, context: Value) -> Value {
    let (text, position) = cursor(fixture);
    let (mut client, _) = start_with(initialize);
    client.open(URI, "python", 1, &text).unwrap();
    let mut params = at(URI, position);
    if !context.is_null() {
        params["context"] = context;
    }
    client.call("textDocument/completion", params).unwrap()
}

#[test]
fn items_replace_the_word_before_the_cursor() {
    let list = check("s = '\u{1f40d}'; ret = ret$0\n");
    assert_eq!(list["isIncomplete"], true);
    let items = list["items"].as_array().unwrap();
    assert!((1..=5).contains(&items.len()), "{list}");
    let mut before = 1.0;
    for (rank, item) in items.iter().enumerate() {
        let text = item["textEdit"]["newText"].as_str().unwrap();
        assert!(text.starts_with("ret"), "{text}");
        assert_eq!(item["label"], text);
        assert_eq!(item["filterText"], text);
        assert_eq!(item["sortText"], format!("0000{rank}"));
        // The snake takes two UTF-16 code units.
        let range =
            json!({"start": {"line": 0, "character": 16}, "end": {"line": 0, "character": 19}});
        assert_eq!(item["textEdit"]["range"], range);
        let probability = item["data"]["probability"].as_f64().unwrap();
        assert!(probability > 0.0 && probability <= before, "{list}");
        before = probability;
        assert!(item["detail"].as_str().unwrap().ends_with(" %"));
        assert!(item["kind"].is_u64());
        let more = [
            "labelDetails",
            "preselect",
            "insertText",
            "commitCharacters",
            "command",
        ];
        assert!(more.iter().all(|key| item.get(key).is_none()), "{item}");
    }
}

#[test]
fn the_embedded_model_completes_python() {
    for (fixture, expected) in [
        ("import numpy as $0", "np"),
        ("import os\nprint(os.path.$0)\n", "join"),
        ("def main(argv):\n    ret$0", "return"),
        ("class A:\n    def __init__($0", "self"),
        ("for i in $0", "range"),
    ] {
        let list = check(fixture);
        assert!(
            texts(&list).contains(&expected),
            "{fixture}: {:?}",
            texts(&list)
        );
    }
}

#[test]
fn a_client_with_label_details_gets_them() {
    let item = json!({"labelDetailsSupport": true});
    let initialize =
        json!({"capabilities": {"textDocument": {"completion": {"completionItem": item}}}});
    let list = check_with(initialize, "import $0", Value::Null);
    let item = &list["items"][0];
    assert!(item.get("detail").is_none(), "{item}");
    assert!(
        item["labelDetails"]["description"]
            .as_str()
            .unwrap()
            .ends_with('%'),
        "{item}"
    );
}

#[test]
fn positions_use_the_negotiated_encoding() {
    // Offset of `ret` after a two-byte and a four-byte character, in bytes, UTF-16 units and characters.
    for (encoding, start) in [("utf-8", 9), ("utf-16", 6), ("utf-32", 5), ("ebcdic", 6)] {
        let capabilities = json!({"general": {"positionEncodings": [encoding]}});
        let (mut client, answer) = start_with(json!({"capabilities": capabilities}));
        let agreed = if encoding == "ebcdic" {
            "utf-16"
        } else {
            encoding
        };
        assert_eq!(answer["capabilities"]["positionEncoding"], agreed);
        client
            .open(URI, "python", 1, "'\u{e9}\u{1f40d}';ret\n")
            .unwrap();
        let list = client.completion(URI, Position::new(0, start + 3)).unwrap();
        let range = &list["items"][0]["textEdit"]["range"];
        assert_eq!(range["start"]["character"], start, "{encoding}");
        assert_eq!(range["end"]["character"], start + 3, "{encoding}");
    }
}

#[test]
fn strings_and_comments_are_completed_only_if_enabled() {
    for fixture in ["x = 'ret$0'", "x = '''\nret$0", "# ret$0"] {
        assert_eq!(check(fixture), empty_list(), "{fixture}");
        let options = json!({"inStrings": true, "inComments": true});
        let initialize = json!({"capabilities": {}, "initializationOptions": options});
        let list = check_with(initialize, fixture, Value::Null);
        assert_ne!(texts(&list), Vec::<&str>::new(), "{fixture}");
    }
}

#[test]
fn a_space_opens_the_list_only_if_the_model_is_confident() {
    let typed = |character| json!({"triggerKind": 2, "triggerCharacter": character});
    let sure = json!({"capabilities": {}, "initializationOptions": {"spaceTrigger.minProbability": 1.0, "triggerCharacters": [" ", "."]}});
    let check = |fixture, context| check_with(sure.clone(), fixture, context);
    assert_eq!(check("x = $0", typed(" ")), empty_list());
    assert_ne!(check("x = $0", json!({"triggerKind": 1})), empty_list());
    assert_ne!(check("x = $0", json!({"triggerKind": 3})), empty_list());
    assert_ne!(check("x.$0", typed(".")), empty_list());
    assert_eq!(
        check("x($0", typed("(")),
        empty_list(),
        "a trigger that the settings have taken back"
    );
}

#[test]
fn settings_change_while_the_server_runs() {
    let options = json!({"maxItem": 3});
    let (mut client, answer) =
        start_with(json!({"capabilities": {}, "initializationOptions": options}));
    expect_warning(&mut client, "unknown setting \"maxItem\"");
    assert_eq!(
        answer["capabilities"]["completionProvider"]["triggerCharacters"],
        json!([".", "(", "[", ",", "=", "@", "\"", "'", " "])
    );

    client.open(URI, "python", 1, "x = ").unwrap();
    let mut count = |settings| {
        client
            .notify(
                "workspace/didChangeConfiguration",
                json!({"settings": settings}),
            )
            .unwrap();
        texts(&client.completion(URI, Position::new(0, 4)).unwrap()).len()
    };
    assert_eq!(count(json!({"minicopilot": {"maxItems": 2}})), 2);
    assert_eq!(count(json!({"maxItems": 7})), 7);
    assert_eq!(count(json!({})), 5);
}

/// Waits for the next message to the user, which must be this warning.
fn expect_warning(client: &mut Client, warning: &str) {
    let message = client
        .wait_notification("window/showMessage", PATIENCE)
        .unwrap();
    let expected = json!({"type": 2, "message": format!("minicopilot: {warning}")});
    assert_eq!(message.params, expected);
}

#[test]
fn a_client_that_repeats_its_settings_is_warned_once() {
    let options = json!({"lineProbability": 0.5});
    let (mut client, _) = start_with(json!({"capabilities": {}, "initializationOptions": options}));
    expect_warning(
        &mut client,
        "setting \"lineProbability\" was renamed to \"inlineCompletion.minProbability\"",
    );
    let mut change = |settings: Value| {
        let settings = json!({"settings": {"minicopilot": settings}});
        client
            .notify("workspace/didChangeConfiguration", settings)
            .unwrap();
    };
    change(json!({"lineProbability": 0.5}));
    change(json!({"lineProbability": 0.6, "maxItem": 3}));
    // If the first change had warned too, that warning would come first.
    expect_warning(&mut client, "unknown setting \"maxItem\"");
}

#[test]
fn next_tokens_are_raw() {
    let (text, position) = cursor("def f(self):\n    return sel$0f\n");
    let mut client = start();
    client.open(URI, "python", 3, &text).unwrap();
    let answer = client
        .call(
            "minicopilot/nextTokens",
            next_tokens_at(URI, position, 100_000),
        )
        .unwrap();
    assert_eq!(answer["version"], 3);
    assert_eq!(answer["prefix"], "sel");
    let tokens = answer["tokens"].as_array().unwrap();
    assert!(tokens.iter().any(|next| next["token"] == "<EOL>"));
    let ids: std::collections::HashSet<_> = tokens.iter().map(|next| next["id"].as_u64()).collect();
    assert_eq!(ids.len(), tokens.len(), "the whole vocabulary, each once");
    let total: f64 = tokens
        .iter()
        .map(|next| next["probability"].as_f64().unwrap())
        .sum();
    assert!((total - 1.0).abs() < 1e-3, "{total}");
    let mut few = |k| {
        client
            .call("minicopilot/nextTokens", next_tokens_at(URI, position, k))
            .unwrap()
    };
    assert_eq!(few(2)["tokens"].as_array().unwrap()[..], tokens[..2]);
    assert_eq!(few(0)["tokens"], json!([]));
}

#[test]
fn answers_do_not_depend_on_earlier_edits() {
    let text = "import os\n\ndef main(argv):\n    return os.path.";
    let end = Position::new(3, 19);
    let mut client = start();
    client.open(URI, "python", 1, text).unwrap();
    let mut ask = |uri, position| {
        let params = next_tokens_at(uri, position, 5);
        client.call("minicopilot/nextTokens", params).unwrap()["tokens"].clone()
    };
    let straight = ask(URI, end);
    ask(URI, Position::new(1, 0));
    ask(URI, Position::new(2, 9));
    let roundabout = ask(URI, end);
    for (one, other) in straight
        .as_array()
        .unwrap()
        .iter()
        .zip(roundabout.as_array().unwrap())
    {
        assert_eq!(one["token"], other["token"]);
        let difference =
            one["probability"].as_f64().unwrap() - other["probability"].as_f64().unwrap();
        // Cached states are stored in 16 bits, 11 of them mantissa.
        assert!(difference.abs() < 1e-3, "{difference}");
    }
}

/// The line after accepting the inline completion at a fixture's cursor; unchanged if there is none.
fn line(fixture: &str, settings: &Value) -> String {
    let (text, position) = cursor(fixture);
    let params = json!({"capabilities": {}, "initializationOptions": settings});
    let (mut client, _) = start_with(params);
    client.open(URI, "python", 1, &text).unwrap();
    let mut params = at(URI, position);
    params["context"] = json!({"triggerKind": 2});
    let answer = client
        .call("textDocument/inlineCompletion", params)
        .unwrap();
    let line = text.lines().nth(position.line as usize).unwrap();
    if answer.as_array().unwrap().is_empty() {
        return line.to_owned();
    }
    let [start, end] = ["start", "end"].map(|end| answer[0]["range"][end]["character"].as_u64());
    let insert = answer[0]["insertText"].as_str().unwrap();
    let (start, end) = (start.unwrap() as usize, end.unwrap() as usize);
    format!("{}{insert}{}", &line[..start], &line[end..])
}

#[test]
fn inline_completion_is_formatted_like_black() {
    let class = "class A:\n    def __init__(self, name, size, **kwargs):\n        super(A, self).__init__(**kwargs)\n        self.name = name\n        ";
    let check = |fixture: &str, expected: &str| {
        assert_eq!(
            line(&format!("{class}{fixture}\n"), &Value::Null),
            format!("        {expected}")
        );
    };
    check("self.size$0", "self.size = size");
    check("self.size $0", "self.size = size");
    check("self.size =$0", "self.size = size");
    check("self.si$0", "self.size = size");
    // Auto-closed brackets are replaced, not doubled.
    check("super().__init__(**kwar$0)", "super().__init__(**kwargs)");
}

#[test]
fn inline_completion_is_empty_where_it_cannot_apply() {
    let always = json!({"inlineCompletion.minProbability": 0.0});
    for fixture in ["x = 'a$0'", "# a$0", "x = $0 + 1", "import os\nos$0.path"] {
        let (text, position) = cursor(fixture);
        let shown = line(fixture, &always);
        assert_eq!(
            Some(&*shown),
            text.lines().nth(position.line as usize),
            "{fixture}"
        );
    }
    // An unlikely completion is not shown by default.
    assert_eq!(
        line(
            "import os\n\nx$0\n",
            &json!({"inlineCompletion": {"minProbability": 1.0}})
        ),
        "x"
    );
}

#[test]
fn inline_completion_does_not_change_later_lists() {
    let mut client = start();
    for (number, fixture) in ["import o$0", "x = $0", "def f(a):\n    return $0"]
        .iter()
        .enumerate()
    {
        let (text, position) = cursor(fixture);
        let lists: Vec<Value> = [false, true]
            .map(|with_line| {
                let uri = format!("file:///{number}{with_line}.py");
                client.open(&uri, "python", 1, &text).unwrap();
                if with_line {
                    let mut params = at(&uri, position);
                    params["context"] = json!({"triggerKind": 1});
                    client
                        .call("textDocument/inlineCompletion", params)
                        .unwrap();
                }
                client
                    .call("textDocument/completion", at(&uri, position))
                    .unwrap()
            })
            .into();
        assert_eq!(texts(&lists[0]), texts(&lists[1]), "{fixture}");
    }
    assert!(!client.stderr().contains("panicked"));
}
