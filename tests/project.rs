//! The server in a workspace: which files it reads, and which it ignores.

mod common;

use std::fs;
use std::path::Path;

use common::{at, cursor, start_with, texts};
use minicopilot::lsp::{Change, Client, Position};
use serde_json::{Value, json};

const MODULE: &str = "class Zauberlehrling:\n    def __init__(self, besenstiel=None):\n        self.besenstiel = besenstiel\n\n    def rufe_meister(self):\n        pass\n";

fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn open_folder(folder: &Path, settings: &Value) -> Client {
    let params = json!({
        "capabilities": {}, "initializationOptions": settings,
        "workspaceFolders": [{"uri": uri(folder), "name": "w"}],
    });
    start_with(params).0
}

/// Number of workspace files, once all have been read.
fn files(client: &mut Client) -> u64 {
    let read = client.call("minicopilot/project", Value::Null).unwrap();
    read["files"].as_u64().unwrap()
}

/// The completions at the cursor of a document that is opened at a path.
fn offered(client: &mut Client, path: &Path, fixture: &str) -> Vec<String> {
    let (text, position) = cursor(fixture);
    client.open(&uri(path), "python", 1, &text).unwrap();
    files(client);
    let list = client.call("textDocument/completion", at(&uri(path), position));
    client.close(&uri(path)).unwrap();
    let list = list.unwrap();
    texts(&list).into_iter().map(str::to_owned).collect()
}

#[test]
fn names_of_the_project_are_offered_and_members_come_first() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "pkg/zauber.py", MODULE);
    let mut client = open_folder(folder.path(), &Value::Null);
    let main = folder.path().join("pkg/main.py");
    let mut check = |fixture: &str, expected: &str| {
        let offered = offered(&mut client, &main, fixture);
        assert!(
            offered.contains(&expected.to_owned()),
            "{fixture}: {offered:?}"
        );
    };
    check("from .zauber import $0", "Zauberlehrling");
    check("from pkg.zauber import Zau$0", "Zauberlehrling");
    check(
        "from .zauber import Zauberlehrling\nlehrling = Zauberlehrling()\nlehrling.$0",
        "rufe_meister",
    );
    check(
        "from .zauber import Zauberlehrling\nZauberlehrling(b$0",
        "besenstiel",
    );

    let without = json!({"workspaceContext": false});
    let mut client = open_folder(folder.path(), &without);
    assert_eq!(files(&mut client), 0);
    assert_eq!(
        offered(&mut client, &main, "from pkg.zauber import Zauberl$0"),
        [""; 0]
    );
}

#[test]
fn declarations_of_project_files_are_offered_after_import() {
    let folder = tempfile::tempdir().unwrap();
    let site = "venv/lib/python3.12/site-packages/anderswo.py";
    write(folder.path(), "venv/pyvenv.cfg", "home = /nowhere/bin\n");
    write(folder.path(), site, "");
    let helpers = "def hexen(): pass\n\ndef zaubern():\n    return Besen(1)\n\nclass Besen:\n    def fegen(self): pass\n    def fliegen(self): pass\n";
    write(folder.path(), "besenkammer.py", helpers);
    let mut client = open_folder(folder.path(), &json!({"pythonEnvironment": "auto"}));
    let main = folder.path().join("main.py");
    let check = |client: &mut Client, fixture: &str, expected: &[&str]| {
        let mut offered = offered(client, &main, fixture);
        offered.truncate(expected.len());
        offered.sort_unstable();
        assert_eq!(offered, expected, "{fixture}");
    };
    check(&mut client, "import be$0", &["besenkammer"]);
    check(
        &mut client,
        "from besenkammer import $0",
        &["Besen", "hexen", "zaubern"],
    );
    check(
        &mut client,
        "from besenkammer import zaubern\nx = zaubern()\nx.$0",
        &["fegen", "fliegen"],
    );

    // The editor's text of the file counts, where the line now starts at a different column.
    let besenkammer = uri(&folder.path().join("besenkammer.py"));
    let changed = helpers.replace("    def fegen(self)", "def fegen(selb)");
    client.open(&besenkammer, "python", 1, &changed).unwrap();
    let all = &["Besen", "fegen", "hexen", "zaubern"];
    check(&mut client, "from besenkammer import $0", all);
    let outdented = changed.replace("    def fliegen", "def fliegen");
    client.close(&besenkammer).unwrap();
    write(folder.path(), "besenkammer.py", &outdented);
    let change = json!({"changes": [{"uri": besenkammer, "type": 2}]});
    client
        .notify("workspace/didChangeWatchedFiles", change)
        .unwrap();
    let all = &["Besen", "fegen", "fliegen", "hexen", "zaubern"];
    check(&mut client, "from besenkammer import $0", all);

    // A new, unsaved file.
    let new = uri(&folder.path().join("neumodul.py"));
    client.open(&new, "python", 1, "x = 1\n").unwrap();
    check(&mut client, "import neu$0", &["neumodul"]);
}

#[test]
fn imports_from_the_environment_have_members() {
    let folder = tempfile::tempdir().unwrap();
    let site = "venv/lib/python3.12/site-packages/";
    write(folder.path(), "venv/pyvenv.cfg", "home = /nowhere/bin\n");
    write(folder.path(), &format!("{site}zauberei/_kern.py"), MODULE);
    let package = "from zauberei._kern import Zauberlehrling\n\ndef hexen(einmaleins): pass\n";
    write(
        folder.path(),
        &format!("{site}zauberei/__init__.py"),
        package,
    );
    let mut client = open_folder(folder.path(), &json!({"pythonEnvironment": "auto"}));
    let main = folder.path().join("main.py");
    for (fixture, expected) in [
        ("import zauberei as z\nz.$0", "hexen"),
        ("import zauberei\nzauberei.hexen(ein$0", "einmaleins"),
        ("from zauberei import Zau$0", "Zauberlehrling"),
        (
            "from zauberei import Zauberlehrling\nlehrling = Zauberlehrling()\nlehrling.$0",
            "rufe_meister",
        ),
    ] {
        let offered = offered(&mut client, &main, fixture);
        assert!(
            offered.contains(&expected.to_owned()),
            "{fixture}: {offered:?}"
        );
    }
    assert_eq!(files(&mut client), 0);

    let (mut client, _) = start_with(
        json!({"capabilities": {}, "initializationOptions": {"pythonEnvironment": "none"}}),
    );
    let alone = offered(&mut client, &main, "import zauberei as z\nz.hex$0");
    assert!(!alone.contains(&"hexen".to_owned()), "{alone:?}");
}

#[test]
fn text_below_the_cursor_counts() {
    let folder = tempfile::tempdir().unwrap();
    let settings = json!({"useSuffixContext": true});
    let mut client = open_folder(folder.path(), &settings);
    let (text, position) = cursor(
        "class A:\n    def f(self):\n        self$0\n\n    def rufe_meister(self):\n        pass\n",
    );
    let uri = uri(&folder.path().join("a.py"));
    client.open(&uri, "python", 1, &text).unwrap();
    client
        .change(&uri, 2, &[Change::insert(position, ".")])
        .unwrap();
    files(&mut client);
    let position = Position::new(position.line, position.character + 1);
    let list = client
        .call("textDocument/completion", at(&uri, position))
        .unwrap();
    assert!(texts(&list).contains(&"rufe_meister"), "{list}");
}

#[test]
fn ignored_and_installed_files_are_not_read_and_changed_files_are() {
    let folder = tempfile::tempdir().unwrap();
    for path in [
        "a.py",
        "pkg/b.py",
        "built/c.py",
        ".hidden/d.py",
        "venv/lib/e.py",
        "notes.txt",
    ] {
        write(folder.path(), path, "x = 1\n");
    }
    write(folder.path(), ".gitignore", "built/\n");
    write(folder.path(), "venv/pyvenv.cfg", "");
    write(folder.path(), "broken.py", "x = '\0'\n");
    let mut client = open_folder(folder.path(), &Value::Null);
    assert_eq!(files(&mut client), 2);

    let mut changed = |paths: &[&str]| {
        let changes: Vec<Value> = paths
            .iter()
            .map(|path| json!({"uri": uri(&folder.path().join(path)), "type": 1}))
            .collect();
        let params = json!({"changes": changes});
        client
            .notify("workspace/didChangeWatchedFiles", params)
            .unwrap();
        files(&mut client)
    };
    write(folder.path(), "pkg/new.py", MODULE);
    write(folder.path(), "built/new.py", MODULE);
    write(folder.path(), "venv/new.py", MODULE);
    assert_eq!(
        changed(&["pkg/new.py", "built/new.py", "venv/new.py", "never/was.py"]),
        3
    );
    fs::remove_file(folder.path().join("a.py")).unwrap();
    assert_eq!(changed(&["a.py"]), 2);

    let params =
        json!({"event": {"added": [], "removed": [{"uri": uri(folder.path()), "name": "w"}]}});
    client
        .notify("workspace/didChangeWorkspaceFolders", params)
        .unwrap();
    assert_eq!(files(&mut client), 0);
}

#[test]
fn a_documents_own_file_is_no_context_but_other_open_documents_are() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "main.py", "import os\nhexeneinmaleins = 1\n");
    write(folder.path(), "other.py", "x = 1\n");
    let mut client = open_folder(folder.path(), &Value::Null);
    let main = folder.path().join("main.py");
    assert_eq!(offered(&mut client, &main, "import os\nhexen$0"), [""; 0]);

    // A name that is typed into another buffer but not saved.
    let other = uri(&folder.path().join("other.py"));
    client.open(&other, "python", 1, "x = 1\n").unwrap();
    client
        .open(&uri(&main), "python", 1, "import os\nwal")
        .unwrap();
    let change = Change::insert(Position::new(1, 0), "walpurgisnacht = 2\n");
    client.change(&other, 2, &[change]).unwrap();
    let change = Change::insert(Position::new(1, 3), "p");
    client.change(&uri(&main), 2, &[change]).unwrap();
    files(&mut client);
    let list = client.call(
        "textDocument/completion",
        at(&uri(&main), Position::new(1, 4)),
    );
    assert_eq!(texts(&list.unwrap()), ["walpurgisnacht"]);
}

#[test]
fn folders_with_equal_names_are_distinct_and_a_deleted_folder_takes_its_files_along() {
    let parent = tempfile::tempdir().unwrap();
    let [one, two] = ["one/app", "two/app"].map(|path| parent.path().join(path));
    write(&one, "a.py", "x = 1\n");
    write(&two, "a.py", "x = 1\n");
    write(&two, "sub/b.py", "x = 1\n");
    let folders = [&one, &two].map(|path| json!({"uri": uri(path), "name": "app"}));
    let mut client = start_with(json!({"capabilities": {}, "workspaceFolders": folders})).0;
    assert_eq!(files(&mut client), 3);
    fs::remove_dir_all(two.join("sub")).unwrap();
    let gone = json!({"changes": [{"uri": uri(&two.join("sub")), "type": 3}]});
    client
        .notify("workspace/didChangeWatchedFiles", gone)
        .unwrap();
    assert_eq!(files(&mut client), 2);
    // A file too large to be hand-written, created later.
    write(&one, "large.py", &"x = 1\n".repeat(200_000));
    let made = json!({"changes": [{"uri": uri(&one.join("large.py")), "type": 1}]});
    client
        .notify("workspace/didChangeWatchedFiles", made)
        .unwrap();
    assert_eq!(files(&mut client), 2);
}

#[test]
fn every_open_document_has_the_project_as_context() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "zauber.py", MODULE);
    let mut client = open_folder(folder.path(), &Value::Null);
    let paths: Vec<_> = (0..9)
        .map(|n| folder.path().join(format!("m{n}.py")))
        .collect();
    for path in &paths {
        client.open(&uri(path), "python", 1, "x = Zauber").unwrap();
    }
    files(&mut client);
    let first = uri(&paths[0]);
    let change = Change::insert(Position::new(0, 10), "l");
    client.change(&first, 2, &[change]).unwrap();
    files(&mut client);
    let list = client.call("textDocument/completion", at(&first, Position::new(0, 11)));
    assert_eq!(texts(&list.unwrap()), ["Zauberlehrling"]);
}
