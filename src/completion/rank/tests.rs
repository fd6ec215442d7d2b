//! Ranking with given probabilities.

use insta::assert_snapshot;

use super::*;
use crate::inference::Distribution;
use crate::python::IncrementalLexer;

/// Candidates at `$0` if the network's distribution is `distribution`, one per line.
fn check(fixture: &str, distribution: &[(&str, f32)]) -> String {
    check_with(fixture, distribution, &Options::default())
}

fn check_with(fixture: &str, distribution: &[(&str, f32)], options: &Options) -> String {
    let (left, right) = fixture.split_once("$0").expect("a cursor");
    let mut reader = IncrementalLexer::default();
    let context = reader.context(&format!("{left}{right}"), left.len());
    let (tokens, probabilities): (Vec<&str>, Vec<f32>) = distribution.iter().copied().unzip();
    let table = CandidateTable::new((0..).map(TokenId::new).zip(tokens));
    let prefix = &left[context.prefix];
    let prediction = Prediction::of_network(&Distribution::new(probabilities, 0.0, Vec::new()));
    let lines = table
        .rank(
            &prediction.space(&BufferTokens::new()),
            &prediction,
            InsertionSite {
                prefix,
                suffix: right,
            },
            options,
            |fitting| prediction.best(fitting.into_iter(), 5),
        )
        .into_iter()
        .map(|candidate| {
            let Candidate {
                text,
                token,
                kind,
                probability,
                origin,
            } = candidate;
            let behind = if token == text {
                String::new()
            } else {
                format!("  ({token})")
            };
            let kind = match origin {
                Origin::Model => format!("{kind:?}"),
                other => format!("{other:?}"),
            };
            format!("{probability:.2} {kind} {text}{behind}\n")
        });
    lines.collect()
}

const NAMES: [(&str, f32); 8] = [
    ("<UNK>", 0.2),
    ("<EOL>", 0.2),
    ("self", 0.2),
    ("selected", 0.1),
    ("set", 0.1),
    ("Set", 0.1),
    ("(", 0.06),
    ("return", 0.04),
];

#[test]
fn best_first_and_only_what_can_be_inserted() {
    assert_snapshot!(check("x = $0", &NAMES), @r"
        0.33 Name self
        0.17 Name selected
        0.17 Name set
        0.17 Name Set
        0.10 Operator (
        ");
}

#[test]
fn the_word_begun_filters_and_probabilities_are_shares_of_what_fits() {
    assert_snapshot!(check("x = se$0", &NAMES), @r"
        0.50 Name self
        0.25 Name selected
        0.25 Name set
        ");
    assert_snapshot!(check("x = sel$0", &NAMES), @r"
        0.67 Name self
        0.33 Name selected
        ");
    assert_snapshot!(check("x = self$0", &NAMES), @"1.00 Name self");
    assert_snapshot!(check("x = selfish$0", &NAMES), @"");
}

#[test]
fn what_the_word_begun_may_be_short_for_is_offered_where_nothing_starts_with_it() {
    let names = [
        ("getAllTokens", 0.5),
        ("gather", 0.3),
        ("base_cfg", 0.2),
        ("None", 0.1),
    ];
    assert_snapshot!(check("x = gATo$0", &names), @"1.00 Name getAllTokens");
    assert_snapshot!(check("x = cfg$0", &names), @"1.00 Name base_cfg");
    assert_snapshot!(check("x = ga$0", &names), @"1.00 Name gather");
    assert_snapshot!(check("x = gaT$0kens", &names), @"");
}

#[test]
fn a_new_name_may_end_as_another_does() {
    let names = [("set_name", 0.5), ("data_user", 0.3)];
    assert_snapshot!(check("x = del_na$0", &names), @"0.12 NewName del_name");
    // Names it may abbreviate are known, and come first if they are more probable.
    assert_snapshot!(check("x = d_us$0", &names), @r"
        0.89 Name data_user
        0.11 NewName d_user
        ");
}

#[test]
fn abbreviated_and_new_names_can_be_turned_off() {
    let names = [("set_name", 0.5), ("data_user", 0.3)];
    let check = |fuzzy, new_names| {
        let options = Options {
            fuzzy,
            new_names,
            ..Options::default()
        };
        check_with("x = d_us$0", &names, &options)
    };
    assert_snapshot!(check(true, false), @"1.00 Name data_user");
    assert_snapshot!(check(false, true), @"0.12 NewName d_user");
    assert_snapshot!(check(false, false), @"");
}

#[test]
fn what_stands_right_of_the_cursor_is_not_inserted_again() {
    let names = [
        ("self", 0.4),
        ("get_name", 0.3),
        ("get_full_name", 0.2),
        ("get_item", 0.1),
    ];
    assert_snapshot!(check("se$0lf", &names), @"");
    assert_snapshot!(check("get_$0name", &names), @r"
        0.67 Name get_full_  (get_full_name)
        0.33 Name get_item
        ");
    let closings = [
        (")", 0.5),
        ("]", 0.25),
        ("\"<STR_LIT>\"", 0.125),
        ("'<STR_LIT:a>'", 0.125),
    ];
    assert_snapshot!(check("f(x, $0)", &closings), @r#"
        0.50 Operator ]
        0.25 String ""  ("<STR_LIT>")
        0.25 String 'a'  ('<STR_LIT:a>')
        "#);
    assert_snapshot!(check("[$0'']", &closings), @r#"
        0.57 Operator )
        0.29 Operator ]
        0.14 String ""  ("<STR_LIT>")
        "#);
    assert_snapshot!(check("f(x[0]$0 )", &closings), @r#"
        0.50 Operator )
        0.25 Operator ]
        0.12 String ""  ("<STR_LIT>")
        0.12 String 'a'  ('<STR_LIT:a>')
        "#);
}

#[test]
fn literals_are_offered_as_what_they_stand_for() {
    let literals = [
        ("\"<STR_LIT>\"", 0.3),
        ("<NUM_LIT>", 0.2),
        ("<NUM_LIT:0>", 0.2),
        ("'<STR_LIT:utf-8>'", 0.2),
        ("f'<STR_LIT>'", 0.1),
    ];
    assert_snapshot!(check("x = $0", &literals), @r#"
        0.38 String ""  ("<STR_LIT>")
        0.25 Number 0  (<NUM_LIT:0>)
        0.25 String 'utf-8'  ('<STR_LIT:utf-8>')
        0.12 String f''  (f'<STR_LIT>')
        "#);
    assert_snapshot!(check("x = f$0", &literals), @"1.00 String f''  (f'<STR_LIT>')");
    assert_snapshot!(check("x = 1$0", &[("<NUM_LIT:10>", 0.5), ("<NUM_LIT:1>", 0.5), ("<NUM_LIT:0>", 0.5)]), @r"
        0.50 Number 10  (<NUM_LIT:10>)
        0.50 Number 1  (<NUM_LIT:1>)
        ");
}

#[test]
fn a_distribution_of_zeros_or_not_of_numbers_offers_nothing() {
    assert_eq!(check("x = $0", &[("a", 0.0), ("b", f32::NAN)]), "");
}
