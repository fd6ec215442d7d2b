//! Keeps user-facing documentation in step with the list of settings: generates the VS Code extension's contribution,
//! and checks README.md's table and Neovim's help.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::*;

/// The JSON schema of a setting, without its default and description.
fn schema(accepts: &Accepts) -> Value {
    match accepts {
        Boolean => json!({"type": "boolean"}),
        Integer(range) => {
            json!({"type": "integer", "minimum": range.start(), "maximum": range.end()})
        }
        Probability => json!({"type": "number", "minimum": 0, "maximum": 1}),
        Text(_) => json!({"type": "string", "minLength": 1}),
        Characters => {
            json!({"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 1}})
        }
    }
}

/// A setting's entry in VS Code's `contributes.configuration`. The extension reads `formerName`.
fn property(order: usize, setting: &Setting) -> (&'static str, Value) {
    let mut property = schema(&setting.accepts);
    property["default"] = (setting.default)();
    property["markdownDescription"] = json!(setting.description.trim());
    property["order"] = json!(order);
    if let Some(name) = setting.old_name {
        property["formerName"] = json!(name);
    }
    (setting.name, property)
}

/// Entries for old names, listed last. VS Code shows them only if the user has set them.
fn deprecated() -> Vec<(&'static str, Value)> {
    let mut properties: Vec<(&str, Value)> = Vec::new();
    for setting in SETTINGS {
        let Some(old_name) = setting.old_name else {
            continue;
        };
        let new_name = format!("`#minicopilot.{}#`", setting.name);
        if let Some((_, property)) = properties.iter_mut().find(|(name, _)| *name == old_name) {
            let message = property["markdownDeprecationMessage"].as_str().unwrap();
            let message = format!("{} and {new_name}.", message.trim_end_matches('.'));
            property["markdownDeprecationMessage"] = json!(message);
        } else {
            let mut property = schema(&setting.accepts);
            property["markdownDeprecationMessage"] = json!(format!("Renamed to {new_name}."));
            property["order"] = json!(SETTINGS.len() + properties.len());
            properties.push((old_name, property));
        }
    }
    properties
}

fn in_repository(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

fn read(file: &str) -> String {
    let path = in_repository(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The section "Answers" is generated; the rest of package.json is written by hand.
#[test]
fn vs_code_contributes_every_setting() {
    const FILE: &str = "editors/vscode/package.json";
    const BEFORE: &str = "\"title\": \"Answers\",\n        \"properties\": ";
    const AFTER: &str = "\n      }\n    ]";
    let current = SETTINGS.iter().enumerate();
    let current = current.map(|(order, setting)| property(order, setting));
    let properties = current.chain(deprecated()).map(|(name, property)| {
        let property = format!("{property:#}").replace('\n', "\n          ");
        format!("          \"minicopilot.{name}\": {property}")
    });
    let properties = properties.collect::<Vec<_>>().join(",\n");
    let expected = format!("{{\n{properties}\n        }}");

    let text = read(FILE);
    let (before, rest) = text
        .split_once(BEFORE)
        .expect("package.json has a section \"Answers\" for the server's settings");
    let (contributed, after) = rest
        .split_once(AFTER)
        .expect("the section \"Answers\" comes last in the configuration");
    if contributed == expected {
        return;
    }
    if std::env::var_os("MINICOPILOT_UPDATE").is_some() {
        let text = format!("{before}{BEFORE}{expected}{AFTER}{after}");
        return std::fs::write(in_repository(FILE), text).unwrap();
    }
    panic!(
        "the settings in {FILE} differ from the server's. To generate them:\n\
         MINICOPILOT_UPDATE=1 cargo test -p minicopilot --lib settings\n\n{expected}"
    );
}

/// A row of README.md's table names one setting, or several with the same default. In Neovim's help, the default
/// follows the name.
#[test]
fn readme_and_help_name_every_setting_and_its_default() {
    let readme = read("README.md");
    let help = read("editors/neovim/doc/minicopilot.txt");
    let help: Vec<&str> = help.split_whitespace().collect();
    for setting in SETTINGS {
        let name = setting.name;
        let default = match (setting.default)() {
            Value::Array(characters) => {
                let shown = characters.iter().filter_map(Value::as_str);
                let shown = shown.map(|text| match text {
                    " " => "space".to_owned(),
                    text => format!("`{text}`"),
                });
                assert!(help.contains(&name), "Neovim's help lacks {name}");
                shown.collect::<Vec<_>>().join(" ")
            }
            default => {
                let default = default.to_string();
                let mut pairs = help.windows(2);
                assert!(
                    pairs.any(|pair| *pair == [name, &default]),
                    "Neovim's help lacks {name} and its default, {default}"
                );
                default
            }
        };
        let quoted = format!("`{name}`");
        let row = readme.lines().find_map(|line| {
            let mut cells = line.strip_prefix('|')?.split('|');
            cells.next()?.contains(&quoted).then(|| cells.next())?
        });
        let row = row.unwrap_or_else(|| panic!("README.md's table lacks {quoted}"));
        let is_shown = [&default, &format!("`{default}`")].contains(&&row.trim().to_owned());
        assert!(is_shown, "the default of {name} in README.md: {default}");
    }
}
