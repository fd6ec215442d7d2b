//! User settings: resolves the raw JSON of `initializationOptions` and `workspace/didChangeConfiguration` into checked
//! values. An unknown or invalid setting adds a warning and leaves the value as it was; it never stops the server.
//!
//! The list below is the only place that defines a setting. The VS Code extension's `package.json` is generated from it,
//! and README.md and Neovim's help are tested against it.

#[cfg(test)]
mod published;
#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::completion::Options;
use crate::workspace::environment;
use Accepts::{Boolean, Characters, Integer, Probability, Text};

/// Declares [`Settings`], its defaults and [`SETTINGS`] from one list. An entry has the form
/// `"name" (was "oldName") => field: type = default, accepted values;`, and its doc comment is the Markdown description
/// shown to users. An old name shared by two settings sets both.
macro_rules! settings {
    ($(
        $(#[doc = $description:literal])+
        $name:literal $((was $old_name:literal))? => $field:ident: $type:ty = $default:expr, $accepts:expr;
    )+) => {
        /// Checked settings.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(clippy::struct_excessive_bools, reason = "each is a switch that users set")]
        pub struct Settings {
            $($(#[doc = $description])+ pub $field: $type,)+
        }

        impl Default for Settings {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        /// Every setting, in the order in which users read them.
        const SETTINGS: &[Setting] = &[$(Setting {
            name: $name,
            old_name: { let old_names: &[&str] = &[$($old_name)?]; old_names.first().copied() },
            accepts: $accepts,
            set: |settings, value| {
                settings.$field = serde_json::from_value(value.clone())?;
                Ok(())
            },
            #[cfg(test)]
            default: || serde_json::json!($default),
            #[cfg(test)]
            description: concat!($($description),+),
        }),+];
    };
}

settings! {
    /// Maximum number of items in the completion list.
    "maxItems" => max_items: usize = 5, Integer(1..=50);

    /// Minimum probability of the first item for the list to open when you type a space.
    "spaceTrigger.minProbability" (was "minProbability") => space_min_probability: f32 = 0.1, Probability;

    /// Minimum probability of an inline completion (ghost text). The suggestion is cut to the longest prefix that reaches it;
    /// 0 always shows the whole line.
    "inlineCompletion.minProbability" (was "lineProbability") => inline_min_probability: f32 = 0.4, Probability;

    /// Complete inside string literals.
    "inStrings" => in_strings: bool = false, Boolean;

    /// Complete inside comments.
    "inComments" => in_comments: bool = false, Boolean;

    /// If nothing starts with the typed prefix, offer the names that it abbreviates: `getAllTokens` for `gAT`.
    "fuzzyMatching" (was "shortNames") => fuzzy_matching: bool = true, Boolean;

    /// If nothing starts with the typed prefix, offer new names that end like known ones: `del_user_name` for `del_us`.
    "newNames" (was "shortNames") => new_names: bool = true, Boolean;

    /// After `config[` and `config.get(`, and inside their quotes, offer the dictionary keys that occur in the file.
    "dictionaryKeys" => dictionary_keys: bool = true, Boolean;

    /// Also use the text after the cursor as context.
    "useSuffixContext" (was "textBelow") => use_suffix_context: bool = true, Boolean;

    /// Index the `.py` files of the workspace and the declarations of imported modules, and use them as context.
    "workspaceContext" (was "project") => workspace_context: bool = true, Boolean;

    /// Memory for the workspace index, in MB. Files that do not fit are not indexed.
    "workspaceMemoryMb" (was "projectMemory") => workspace_memory_mb: usize = 64, Integer(8..=4096);

    /// The Python environment used to resolve imports: a folder, such as that of a virtual environment; `auto` to find one;
    /// or `none` to ignore installed packages.
    "pythonEnvironment" (was "environment") =>
        python_environment: String = environment::FOUND.to_owned(), Text("\"auto\", \"none\" or a folder");

    /// Memory for cached model states, in MB. When it is exceeded, the least recently used file is evicted and read again on
    /// demand.
    "modelCacheMb" (was "memory") => model_cache_mb: usize = 48, Integer(8..=4096);

    /// Characters that open the list when you type them. Read when the server starts.
    "triggerCharacters" =>
        trigger_characters: Vec<String> = [".", "(", "[", ",", "=", "@", "\"", "'", " "].map(str::to_owned).to_vec(), Characters;
}

/// A setting as clients send it.
struct Setting {
    /// Its name in the client's JSON; a dot separates a group from a name within it.
    name: &'static str,
    /// Its previous name, accepted for one version with a warning.
    old_name: Option<&'static str>,
    accepts: Accepts,
    /// Stores a value that `accepts` allows.
    set: fn(&mut Settings, &Value) -> serde_json::Result<()>,
    #[cfg(test)]
    default: fn() -> Value,
    /// The Markdown description.
    #[cfg(test)]
    description: &'static str,
}

/// The values that a setting accepts.
enum Accepts {
    Boolean,
    Integer(RangeInclusive<u64>),
    /// A number from 0 to 1.
    Probability,
    /// A non-empty string, with a description of its meaning for the warning.
    Text(&'static str),
    /// A list of single characters.
    Characters,
}

impl Settings {
    /// The defaults, changed by a client's `initializationOptions`. Adds a line to `warnings` for each setting that is
    /// unknown, invalid or renamed.
    pub fn resolve(raw: &Value, warnings: &mut Vec<String>) -> Self {
        Self::default().changed(raw, warnings)
    }

    /// These settings with a client's changes, which may be wrapped in an object under the key `minicopilot`. `null` changes
    /// nothing. Adds a line to `warnings` for each setting that is unknown, invalid or renamed.
    #[must_use]
    pub fn changed(&self, raw: &Value, warnings: &mut Vec<String>) -> Self {
        let mut settings = self.clone();
        let entries = match raw.get("minicopilot").unwrap_or(raw) {
            Value::Null => return settings,
            Value::Object(entries) => dotted(entries),
            other => {
                warnings.push(format!("settings must be an object, not {other}"));
                return settings;
            }
        };
        for (name, value) in &entries {
            if let Some(warning) = renamed(name) {
                warnings.push(warning);
            } else if !SETTINGS.iter().any(|setting| setting.name == name) {
                // No setting is an object, so this belongs to another server: some editors send one file to all
                // servers.
                if value.is_object() {
                    tracing::info!("ignoring the settings of {name:?}");
                } else {
                    warnings.push(format!("unknown setting {name:?}"));
                }
            }
        }
        for setting in SETTINGS {
            // The new name is set last, so that it wins.
            for name in setting.old_name.into_iter().chain([setting.name]) {
                let Some((_, value)) = entries.iter().find(|(given, _)| given == name) else {
                    continue;
                };
                if !setting.accepts.is_valid(value) || (setting.set)(&mut settings, value).is_err()
                {
                    let expected = setting.accepts.expected();
                    warnings.push(format!("setting {name:?} must be {expected}, not {value}"));
                }
            }
        }
        // An old name that sets two settings warns for both.
        warnings.dedup();
        settings
    }

    /// [`Settings::model_cache_mb`] in bytes.
    pub fn session_bytes(&self) -> usize {
        self.model_cache_mb << 20
    }

    /// [`Settings::workspace_memory_mb`] in bytes; `None` if the workspace is not to be indexed.
    pub fn project_bytes(&self) -> Option<usize> {
        self.workspace_context
            .then_some(self.workspace_memory_mb << 20)
    }

    /// The minimum probability of the first candidate for the list to open after this trigger character; `None` if the
    /// character does not open the list.
    pub fn min_list_probability(&self, trigger: Option<&str>) -> Option<f32> {
        let Some(trigger) = trigger else {
            return Some(0.0);
        };
        // A client may still send characters that a later change of the settings has removed.
        let is_set = self.trigger_characters.iter().any(|set| set == trigger);
        is_set.then_some(match trigger {
            " " => self.space_min_probability,
            _ => 0.0,
        })
    }

    /// The part of the settings that the completer uses.
    pub fn completer_options(&self) -> Options {
        Options {
            max_items: self.max_items,
            in_strings: self.in_strings,
            in_comments: self.in_comments,
            dictionary_keys: self.dictionary_keys,
            fuzzy: self.fuzzy_matching,
            new_names: self.new_names,
        }
    }
}

/// Flattens groups to dotted names: `{"group": {"name": 1}}` means the same as `{"group.name": 1}`.
fn dotted(entries: &Map<String, Value>) -> Vec<(String, &Value)> {
    let is_group = |key: &str| {
        let mut groups = SETTINGS
            .iter()
            .filter_map(|setting| setting.name.split_once('.'));
        groups.any(|(group, _)| group == key)
    };
    let mut all = Vec::new();
    for (key, value) in entries {
        match value {
            Value::Object(group) if is_group(key) => {
                all.extend(
                    group
                        .iter()
                        .map(|(name, value)| (format!("{key}.{name}"), value)),
                );
            }
            _ => all.push((key.clone(), value)),
        }
    }
    all
}

/// The warning for an old name: the names to use instead. `None` for every other name.
fn renamed(name: &str) -> Option<String> {
    let renamed = SETTINGS
        .iter()
        .filter(|setting| setting.old_name == Some(name));
    let names: Vec<String> = renamed
        .map(|setting| format!("{:?}", setting.name))
        .collect();
    (!names.is_empty()).then(|| format!("setting {name:?} was renamed to {}", names.join(" and ")))
}

impl Accepts {
    fn is_valid(&self, value: &Value) -> bool {
        let is_character =
            |value: &Value| value.as_str().is_some_and(|text| text.chars().count() == 1);
        match self {
            Boolean => value.is_boolean(),
            Integer(range) => value.as_u64().is_some_and(|number| range.contains(&number)),
            Probability => value
                .as_f64()
                .is_some_and(|number| (0.0..=1.0).contains(&number)),
            Text(_) => value.as_str().is_some_and(|text| !text.is_empty()),
            Characters => value
                .as_array()
                .is_some_and(|list| list.iter().all(is_character)),
        }
    }

    /// The accepted values in words, for a warning.
    fn expected(&self) -> String {
        match self {
            Boolean => "true or false".to_owned(),
            Integer(range) => format!("a whole number from {} to {}", range.start(), range.end()),
            Probability => "a number from 0 to 1".to_owned(),
            Text(expected) => (*expected).to_owned(),
            Characters => "a list of single characters".to_owned(),
        }
    }
}
