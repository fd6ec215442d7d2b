//! The user's settings: raw JSON from `initializationOptions` or `workspace/didChangeConfiguration`, resolved once into
//! checked values. What is wrong is named and left at its default; it never stops the server.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::environment;
use crate::completer::Options;

/// Checked settings. The names in the client's JSON are these in camel case.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::struct_excessive_bools, reason = "switches of a user")]
pub struct Settings {
    /// The most completion items in a list (1 to 50).
    pub max_items: usize,
    /// What a list that a typed space asked for must promise: the first item's least probability (0 to 1).
    pub min_probability: f32,
    /// How likely the rest of a line must be to be shown, or as much of it as is (0 to 1); with 0 all of it always is.
    pub line_probability: f32,
    /// Complete inside string literals.
    pub in_strings: bool,
    /// Complete inside comments.
    pub in_comments: bool,
    /// Offer keys of dictionaries, inside string literals too.
    pub dictionary_keys: bool,
    /// Offer names that the word begun may be short for (`gAT` for `getAllTokens`) where nothing starts with it.
    pub short_names: bool,
    /// Characters that ask for a list when typed.
    pub trigger_characters: Vec<String>,
    /// Megabytes that what the model has read of the open documents may take together (8 to 4096): what is beyond them is
    /// read again when it is asked about.
    pub memory: usize,
    /// Answer by what stands below the line that is being edited, too.
    pub text_below: bool,
    /// Read the workspace's Python files, and answer by them too.
    pub project: bool,
    /// Megabytes that they may take (8 to 4096): what is beyond them is not read.
    pub project_memory: usize,
    /// Where Python is installed that the project's imports are from: `auto` finds it, `none` reads nothing of them.
    pub environment: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_items: 5,
            min_probability: 0.1,
            line_probability: 0.4,
            in_strings: false,
            in_comments: false,
            dictionary_keys: true,
            short_names: true,
            trigger_characters: [".", "(", "[", ",", "=", "@", " "]
                .map(str::to_owned)
                .to_vec(),
            memory: 48,
            text_below: true,
            project: true,
            project_memory: 64,
            environment: environment::FOUND.to_owned(),
        }
    }
}

impl Settings {
    /// Reads a client's settings, bare or under the key `minicopilot`; adds a line to `warnings` for each that is
    /// unknown or unusable. `null` means none.
    pub fn resolve(raw: &Value, warnings: &mut Vec<String>) -> Self {
        let mut settings = Self::default();
        let own = raw.get("minicopilot").unwrap_or(raw);
        let entries = match own {
            Value::Null => return settings,
            Value::Object(entries) => entries,
            other => {
                warnings.push(format!("settings must be an object, not {other}"));
                return settings;
            }
        };
        for (key, value) in entries {
            let read = match key.as_str() {
                "maxItems" => set(&mut settings.max_items, value, |n| (1..=50).contains(n))
                    .ok_or("a number from 1 to 50"),
                "minProbability" => set(&mut settings.min_probability, value, |p| {
                    (0.0..=1.0).contains(p)
                })
                .ok_or("a number from 0 to 1"),
                "lineProbability" => set(&mut settings.line_probability, value, |p| {
                    (0.0..=1.0).contains(p)
                })
                .ok_or("a number from 0 to 1"),
                "inStrings" => {
                    set(&mut settings.in_strings, value, |_| true).ok_or("true or false")
                }
                "inComments" => {
                    set(&mut settings.in_comments, value, |_| true).ok_or("true or false")
                }
                "dictionaryKeys" => {
                    set(&mut settings.dictionary_keys, value, |_| true).ok_or("true or false")
                }
                "shortNames" => {
                    set(&mut settings.short_names, value, |_| true).ok_or("true or false")
                }
                "triggerCharacters" => set(
                    &mut settings.trigger_characters,
                    value,
                    |list: &Vec<String>| list.iter().all(|text| text.chars().count() == 1),
                )
                .ok_or("a list of single characters"),
                "memory" => set(&mut settings.memory, value, |mb| (8..=4096).contains(mb))
                    .ok_or("a number of megabytes from 8 to 4096"),
                "textBelow" => {
                    set(&mut settings.text_below, value, |_| true).ok_or("true or false")
                }
                "project" => set(&mut settings.project, value, |_| true).ok_or("true or false"),
                "projectMemory" => set(&mut settings.project_memory, value, |mb| {
                    (8..=4096).contains(mb)
                })
                .ok_or("a number of megabytes from 8 to 4096"),
                "environment" => set(&mut settings.environment, value, |path: &String| {
                    [environment::FOUND, environment::NONE].contains(&&**path)
                        || Path::new(path).is_dir()
                })
                .ok_or("\"auto\", \"none\" or a folder"),
                _ => {
                    warnings.push(format!("unknown setting {key:?}"));
                    Ok(())
                }
            };
            if let Err(expected) = read {
                warnings.push(format!("setting {key:?} must be {expected}, not {value}"));
            }
        }
        settings
    }

    /// [`Settings::memory`] in bytes.
    pub fn session_bytes(&self) -> usize {
        self.memory << 20
    }

    /// [`Settings::project_memory`] in bytes; `None` if the workspace is not to be read.
    pub fn project_bytes(&self) -> Option<usize> {
        self.project.then_some(self.project_memory << 20)
    }

    /// What the completer needs to know.
    pub fn completer_options(&self) -> Options {
        Options {
            max_items: self.max_items,
            in_strings: self.in_strings,
            in_comments: self.in_comments,
            keys: self.dictionary_keys,
            loosely: self.short_names,
        }
    }
}

fn set<T: DeserializeOwned>(slot: &mut T, value: &Value, valid: impl Fn(&T) -> bool) -> Option<()> {
    *slot = T::deserialize(value).ok().filter(valid)?;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(raw: &Value) -> (Settings, Vec<String>) {
        let mut warnings = Vec::new();
        (Settings::resolve(raw, &mut warnings), warnings)
    }

    #[test]
    fn bare_or_under_the_servers_name() {
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
    fn what_is_wrong_is_named_and_the_rest_counts() {
        let (settings, warnings) = check(&json!({
            "maxItem": 3, "maxItems": 0, "minProbability": "high", "inStrings": 1,
            "triggerCharacters": ["->"], "inComments": true, "memory": 1,
        }));
        assert_eq!(
            settings,
            Settings {
                in_comments: true,
                ..Settings::default()
            }
        );
        insta::assert_snapshot!(warnings.join("\n"), @r#"
        setting "inStrings" must be true or false, not 1
        unknown setting "maxItem"
        setting "maxItems" must be a number from 1 to 50, not 0
        setting "memory" must be a number of megabytes from 8 to 4096, not 1
        setting "minProbability" must be a number from 0 to 1, not "high"
        setting "triggerCharacters" must be a list of single characters, not ["->"]
        "#);
        assert_eq!(
            check(&json!([1])).1,
            ["settings must be an object, not [1]"]
        );
    }
}
