use super::*;
use serde_json::json;

fn check(raw: &Value) -> (Settings, Vec<String>) {
    let mut warnings = Vec::new();
    (Settings::resolve(raw, &mut warnings), warnings)
}

#[test]
fn settings_may_be_wrapped_under_the_servers_name() {
    let expected = Settings {
        max_items: 3,
        in_comments: true,
        ..Settings::default()
    };
    let bare = json!({"maxItems": 3, "inComments": true});
    assert_eq!(check(&bare), (expected.clone(), Vec::new()));
    assert_eq!(
        check(&json!({"minicopilot": bare, "python": {}})),
        (expected, Vec::new())
    );
    for nothing in [json!(null), json!({}), json!({"minicopilot": null})] {
        assert_eq!(check(&nothing), (Settings::default(), Vec::new()));
    }
}

#[test]
fn a_dotted_name_may_be_a_nested_object() {
    let expected = Settings {
        inline_min_probability: 0.25,
        ..Settings::default()
    };
    for raw in [
        json!({"inlineCompletion.minProbability": 0.25}),
        json!({"inlineCompletion": {"minProbability": 0.25}}),
        json!({"minicopilot": {"inlineCompletion": {"minProbability": 0.25}}}),
    ] {
        assert_eq!(check(&raw), (expected.clone(), Vec::new()), "{raw}");
    }
    let (settings, warnings) = check(&json!({
        "inlineCompletion": {"minProbability": 2, "most": 1}, "spaceTrigger": 0.5, "pylsp": {"maxItems": 1},
    }));
    assert_eq!(settings, Settings::default());
    insta::assert_snapshot!(warnings.join("\n"), @r#"
    unknown setting "inlineCompletion.most"
    unknown setting "spaceTrigger"
    setting "inlineCompletion.minProbability" must be a number from 0 to 1, not 2
    "#);
}

#[test]
fn an_invalid_setting_is_named_and_the_others_count() {
    let (settings, warnings) = check(&json!({
        "maxItem": 3, "maxItems": 0, "spaceTrigger.minProbability": "high", "inStrings": 1, "newNames": null,
        "triggerCharacters": ["->"], "inComments": true, "modelCacheMb": 1.5, "pythonEnvironment": "",
    }));
    assert_eq!(
        settings,
        Settings {
            in_comments: true,
            ..Settings::default()
        }
    );
    insta::assert_snapshot!(warnings.join("\n"), @r#"
    unknown setting "maxItem"
    setting "maxItems" must be a whole number from 1 to 50, not 0
    setting "spaceTrigger.minProbability" must be a number from 0 to 1, not "high"
    setting "inStrings" must be true or false, not 1
    setting "newNames" must be true or false, not null
    setting "pythonEnvironment" must be "auto", "none" or a folder, not ""
    setting "modelCacheMb" must be a whole number from 8 to 4096, not 1.5
    setting "triggerCharacters" must be a list of single characters, not ["->"]
    "#);
    assert_eq!(
        check(&json!([1])).1,
        ["settings must be an object, not [1]"]
    );
}

#[test]
fn an_old_name_works_and_the_warning_gives_the_new_one() {
    let (settings, warnings) = check(&json!({
        "lineProbability": 0.75, "minProbability": 0.5, "shortNames": false, "textBelow": false, "project": false,
        "projectMemory": 32, "memory": 16, "environment": "none",
    }));
    let expected = Settings {
        inline_min_probability: 0.75,
        space_min_probability: 0.5,
        fuzzy_matching: false,
        new_names: false,
        use_suffix_context: false,
        workspace_context: false,
        workspace_memory_mb: 32,
        model_cache_mb: 16,
        python_environment: "none".to_owned(),
        ..Settings::default()
    };
    assert_eq!(settings, expected);
    insta::assert_snapshot!(warnings.join("\n"), @r#"
    setting "environment" was renamed to "pythonEnvironment"
    setting "lineProbability" was renamed to "inlineCompletion.minProbability"
    setting "memory" was renamed to "modelCacheMb"
    setting "minProbability" was renamed to "spaceTrigger.minProbability"
    setting "project" was renamed to "workspaceContext"
    setting "projectMemory" was renamed to "workspaceMemoryMb"
    setting "shortNames" was renamed to "fuzzyMatching" and "newNames"
    setting "textBelow" was renamed to "useSuffixContext"
    "#);
}

#[test]
fn a_new_name_wins_over_the_old_one() {
    let (settings, warnings) = check(&json!({
        "shortNames": false, "newNames": true, "modelCacheMb": 32, "memory": 16,
        "lineProbability": 0.75, "inlineCompletion": {"minProbability": 0.25},
    }));
    let expected = Settings {
        fuzzy_matching: false,
        model_cache_mb: 32,
        inline_min_probability: 0.25,
        ..Settings::default()
    };
    assert_eq!(settings, expected);
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    // An invalid value under an old name is reported once, under the name that the user wrote.
    insta::assert_snapshot!(check(&json!({"shortNames": 1})).1.join("\n"), @r#"
    setting "shortNames" was renamed to "fuzzyMatching" and "newNames"
    setting "shortNames" must be true or false, not 1
    "#);
}

#[test]
fn a_setting_that_is_not_given_stays_as_it_was() {
    let mut warnings = Vec::new();
    let raw = json!({"maxItems": 3, "workspaceContext": false});
    let first = Settings::resolve(&raw, &mut warnings);
    for silent in [
        json!(null),
        json!({}),
        json!({"minicopilot": null}),
        json!({"minicopilot": {}}),
        json!({"pylsp": {"plugins": {}}}),
    ] {
        assert_eq!(first.changed(&silent, &mut warnings), first);
    }
    let changes = json!({"minicopilot": {"maxItems": 7, "modelCacheMb": 0}});
    let changed = first.changed(&changes, &mut warnings);
    let expected = Settings {
        max_items: 7,
        ..first
    };
    assert_eq!(changed, expected);
    assert_eq!(
        warnings,
        ["setting \"modelCacheMb\" must be a whole number from 8 to 4096, not 0"]
    );
}
