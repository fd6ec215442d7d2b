//! The user's settings: raw JSON from `initializationOptions` or `workspace/didChangeConfiguration`, resolved into
//! checked values. What is wrong is named and left as it was; it never stops the server.
//!
//! [`SETTINGS`] is the one list of them. What VS Code's extension contributes is written from it, and the tables that
//! people read are held to it, by the tests below.

use std::ops::RangeInclusive;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::completion::Options;
use crate::workspace::environment;

/// Checked settings; [`SETTINGS`] says what each is for.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::struct_excessive_bools, reason = "switches of a user")]
#[allow(missing_docs, reason = "described where users read it, in SETTINGS")]
pub struct Settings {
    pub max_items: usize,
    pub min_probability: f32,
    pub line_probability: f32,
    pub in_strings: bool,
    pub in_comments: bool,
    pub short_names: bool,
    pub dictionary_keys: bool,
    pub text_below: bool,
    pub project: bool,
    pub project_memory: usize,
    pub environment: String,
    pub memory: usize,
    pub trigger_characters: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_items: 5,
            min_probability: 0.1,
            line_probability: 0.4,
            in_strings: false,
            in_comments: false,
            short_names: true,
            dictionary_keys: true,
            text_below: true,
            project: true,
            project_memory: 64,
            environment: environment::FOUND.to_owned(),
            memory: 48,
            trigger_characters: [".", "(", "[", ",", "=", "@", "\"", "'", " "]
                .map(str::to_owned)
                .to_vec(),
        }
    }
}

/// One setting.
struct Setting {
    /// Its name in the client's JSON.
    name: &'static str,
    /// What it does, in Markdown.
    #[cfg_attr(not(test), allow(dead_code, reason = "for the editors' own lists"))]
    description: &'static str,
    field: Field,
}

/// Where a setting is kept, and so what it may be.
enum Field {
    Switch(fn(&mut Settings) -> &mut bool),
    Count(fn(&mut Settings) -> &mut usize, RangeInclusive<usize>),
    Probability(fn(&mut Settings) -> &mut f32),
    Text(fn(&mut Settings) -> &mut String, &'static str),
    Characters(fn(&mut Settings) -> &mut Vec<String>),
}

use Field::{Characters, Count, Probability, Switch, Text};

/// What people may set, in the order in which they read it.
const SETTINGS: [Setting; 13] = [
    Setting {
        name: "maxItems",
        description: "The most candidates in a list.",
        field: Count(|it| &mut it.max_items, 1..=50),
    },
    Setting {
        name: "minProbability",
        description: "How likely the first candidate must be for a list that a typed space opens.",
        field: Probability(|it| &mut it.min_probability),
    },
    Setting {
        name: "lineProbability",
        description: "How likely the rest of a line must be to be shown as ghost text, or as much of it as is; with 0 all of it always is.",
        field: Probability(|it| &mut it.line_probability),
    },
    Setting {
        name: "inStrings",
        description: "Complete inside string literals.",
        field: Switch(|it| &mut it.in_strings),
    },
    Setting {
        name: "inComments",
        description: "Complete inside comments.",
        field: Switch(|it| &mut it.in_comments),
    },
    Setting {
        name: "shortNames",
        description: "Where nothing starts with what is typed, offer `getAllTokens` for `gAT`, and new names that end as known ones do, `del_user_name` for `del_us`.",
        field: Switch(|it| &mut it.short_names),
    },
    Setting {
        name: "dictionaryKeys",
        description: "Behind `config[`, `config.get(` and inside their quotes, offer the keys that stand in the file.",
        field: Switch(|it| &mut it.dictionary_keys),
    },
    Setting {
        name: "textBelow",
        description: "Answer by what stands below the line that is being edited, too.",
        field: Switch(|it| &mut it.text_below),
    },
    Setting {
        name: "project",
        description: "Read the workspace's `.py` files, and what is declared where imports are from, and answer by them too.",
        field: Switch(|it| &mut it.project),
    },
    Setting {
        name: "projectMemory",
        description: "Megabytes that the project's files may take; what is beyond them is not read.",
        field: Count(|it| &mut it.project_memory, 8..=4096),
    },
    Setting {
        name: "environment",
        description: "Where Python is installed that imports are from: `auto` finds it, `none` reads nothing of it; else a folder, such as that of a virtual environment.",
        field: Text(|it| &mut it.environment, "\"auto\", \"none\" or a folder"),
    },
    Setting {
        name: "memory",
        description: "Megabytes for what the model has read of the open files; beyond them the one used longest ago is read again when asked about.",
        field: Count(|it| &mut it.memory, 8..=4096),
    },
    Setting {
        name: "triggerCharacters",
        description: "Characters that open the list when typed; read when the server starts.",
        field: Characters(|it| &mut it.trigger_characters),
    },
];

impl Settings {
    /// The defaults, changed by what a client says at its start. Adds a line to `warnings` for each setting that is unknown
    /// or unusable.
    pub fn resolve(raw: &Value, warnings: &mut Vec<String>) -> Self {
        Self::default().changed(raw, warnings)
    }

    /// These settings, changed by what a client says, bare or under the key `minicopilot`; `null`, or nothing under the key,
    /// changes none. Adds a line to `warnings` for each setting that is unknown or unusable.
    #[must_use]
    pub fn changed(&self, raw: &Value, warnings: &mut Vec<String>) -> Self {
        let mut settings = self.clone();
        let entries = match raw.get("minicopilot").unwrap_or(raw) {
            Value::Null => return settings,
            Value::Object(entries) => entries,
            other => {
                warnings.push(format!("settings must be an object, not {other}"));
                return settings;
            }
        };
        for (key, value) in entries {
            match SETTINGS.iter().find(|setting| setting.name == key) {
                Some(setting) => {
                    if setting.field.set(&mut settings, value).is_none() {
                        let expected = setting.field.expected();
                        warnings.push(format!("setting {key:?} must be {expected}, not {value}"));
                    }
                }
                // No setting is an object: this is another server's part of a file that an editor sends to all of them.
                None if value.is_object() => tracing::info!("settings of {key:?} are not ours"),
                None => warnings.push(format!("unknown setting {key:?}")),
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

impl Field {
    /// Takes a value over, if it is one that the field may have.
    fn set(&self, settings: &mut Settings, value: &Value) -> Option<()> {
        match self {
            Switch(field) => put(field(settings), value, |_| true),
            Count(field, range) => put(field(settings), value, |n| range.contains(n)),
            Probability(field) => put(field(settings), value, |p| (0.0..=1.0).contains(p)),
            Text(field, _) => put(field(settings), value, |text| !text.is_empty()),
            Characters(field) => put(field(settings), value, |list| {
                list.iter().all(|text| text.chars().count() == 1)
            }),
        }
    }

    /// What a value must be.
    fn expected(&self) -> String {
        match self {
            Switch(_) => "true or false".to_owned(),
            Count(_, range) => format!("a whole number from {} to {}", range.start(), range.end()),
            Probability(_) => "a number from 0 to 1".to_owned(),
            Text(_, expected) => (*expected).to_owned(),
            Characters(_) => "a list of single characters".to_owned(),
        }
    }
}

fn put<T: DeserializeOwned>(slot: &mut T, value: &Value, valid: impl Fn(&T) -> bool) -> Option<()> {
    *slot = T::deserialize(value).ok().filter(valid)?;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::path::{Path, PathBuf};

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
            "triggerCharacters": ["->"], "inComments": true, "memory": 1, "environment": "",
        }));
        assert_eq!(
            settings,
            Settings {
                in_comments: true,
                ..Settings::default()
            }
        );
        insta::assert_snapshot!(warnings.join("\n"), @r#"
        setting "environment" must be "auto", "none" or a folder, not ""
        setting "inStrings" must be true or false, not 1
        unknown setting "maxItem"
        setting "maxItems" must be a whole number from 1 to 50, not 0
        setting "memory" must be a whole number from 8 to 4096, not 1
        setting "minProbability" must be a number from 0 to 1, not "high"
        setting "triggerCharacters" must be a list of single characters, not ["->"]
        "#);
        assert_eq!(
            check(&json!([1])).1,
            ["settings must be an object, not [1]"]
        );
    }

    #[test]
    fn what_is_not_said_stays_as_it_was() {
        let mut warnings = Vec::new();
        let first = Settings::resolve(&json!({"maxItems": 3, "project": false}), &mut warnings);
        for silent in [
            json!(null),
            json!({}),
            json!({"minicopilot": null}),
            json!({"minicopilot": {}}),
            json!({"pylsp": {"plugins": {}}}),
        ] {
            assert_eq!(first.changed(&silent, &mut warnings), first);
        }
        let changed = first.changed(
            &json!({"minicopilot": {"maxItems": 7, "memory": 0}}),
            &mut warnings,
        );
        let expected = Settings {
            max_items: 7,
            ..first
        };
        assert_eq!(changed, expected);
        assert_eq!(
            warnings,
            ["setting \"memory\" must be a whole number from 8 to 4096, not 0"]
        );
    }

    // What people read -----------------------------------------------------------------------------------------------

    /// A setting's default, as JSON.
    fn default_of(field: &Field) -> Value {
        let all = &mut Settings::default();
        match field {
            Switch(field) => json!(*field(all)),
            Count(field, _) => json!(*field(all)),
            // As it was written, without what `f32` adds when it becomes `f64`.
            Probability(field) => serde_json::from_str(&field(all).to_string()).unwrap(),
            Text(field, _) => json!(*field(all)),
            Characters(field) => json!(*field(all)),
        }
    }

    /// A setting as VS Code's settings editor wants it.
    fn schema(setting: &Setting, order: usize) -> Value {
        let mut schema = match &setting.field {
            Switch(_) => json!({"type": "boolean"}),
            Count(_, range) => {
                json!({"type": "integer", "minimum": range.start(), "maximum": range.end()})
            }
            Probability(_) => json!({"type": "number", "minimum": 0, "maximum": 1}),
            Text(..) => json!({"type": "string", "minLength": 1}),
            Characters(_) => {
                json!({"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 1}})
            }
        };
        schema["default"] = default_of(&setting.field);
        schema["markdownDescription"] = json!(setting.description);
        schema["order"] = json!(order);
        schema
    }

    fn in_repository(file: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
    }

    fn read(file: &str) -> String {
        let path = in_repository(file);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The extension's own settings stand in a section before, so that its file is otherwise written by hand.
    #[test]
    fn vs_code_contributes_the_same() {
        const FILE: &str = "editors/vscode/package.json";
        const BEFORE: &str = "\"title\": \"Answers\",\n        \"properties\": ";
        const AFTER: &str = "\n      }\n    ]";
        let properties = SETTINGS.iter().enumerate().map(|(order, setting)| {
            let schema = format!("{:#}", schema(setting, order)).replace('\n', "\n          ");
            format!("          \"minicopilot.{}\": {schema}", setting.name)
        });
        let properties = properties.collect::<Vec<_>>().join(",\n");
        let expected = format!("{{\n{properties}\n        }}");

        let text = read(FILE);
        let (before, rest) = text
            .split_once(BEFORE)
            .expect("package.json has a section \"Answers\" for the server's settings");
        let (contributed, after) = rest
            .split_once(AFTER)
            .expect("the section \"Answers\" is the last of the configuration");
        if contributed == expected {
            return;
        }
        if std::env::var_os("MINICOPILOT_UPDATE").is_some() {
            let text = format!("{before}{BEFORE}{expected}{AFTER}{after}");
            return std::fs::write(in_repository(FILE), text).unwrap();
        }
        panic!(
            "the settings in {FILE} are not the server's. To write them anew:\n\
             MINICOPILOT_UPDATE=1 cargo test -p minicopilot --lib vs_code_contributes_the_same\n\n{expected}"
        );
    }

    /// A row of README.md's table names one setting or several with the same default; a line of Neovim's help names one.
    #[test]
    fn the_tables_name_every_setting_and_its_default() {
        let (readme, help) = (
            read("README.md"),
            read("editors/neovim/doc/minicopilot.txt"),
        );
        for Setting { name, field, .. } in &SETTINGS {
            let default = default_of(field);
            let quoted = format!("`{name}`");
            let row = readme.lines().find_map(|line| {
                let mut cells = line.strip_prefix('|')?.split('|');
                cells.next()?.contains(&quoted).then(|| cells.next())?
            });
            let row = row.unwrap_or_else(|| panic!("README.md's table lacks {quoted}"));
            let line = help.lines().find_map(|line| {
                let mut words = line.split_whitespace();
                (words.next() == Some(name)).then(|| words.next().unwrap_or_default())
            });
            let line =
                line.unwrap_or_else(|| panic!("editors/neovim/doc/minicopilot.txt lacks {name}"));
            if let Value::Array(characters) = &default {
                let shown = characters.iter().filter_map(Value::as_str);
                let shown = shown.map(|text| match text {
                    " " => "space".to_owned(),
                    text => format!("`{text}`"),
                });
                let shown = shown.collect::<Vec<_>>().join(" ");
                assert_eq!(row.trim(), shown, "the default of {name} in README.md");
            } else {
                let shown = default.to_string();
                let row = row.trim().trim_matches('`');
                assert_eq!(row, shown, "the default of {name} in README.md");
                assert_eq!(line, shown, "the default of {name} in Neovim's help");
            }
        }
    }
}
