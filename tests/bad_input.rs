//! Bad input: one message that names file, field, value and rule, exit code 2, before anything moves.
#![cfg(test)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn nuthatch(arguments: &[&str], dir: &Path, home: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nuthatch"))
        .args(arguments)
        .current_dir(dir)
        .env("NUTHATCH_HOME", home)
        .output()
        .unwrap()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Runs in an empty folder and expects exit code 2, the words in the message, no panic and no report.
fn refused(arguments: &[&str], home: &Path, words: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let output = nuthatch(arguments, dir.path(), home);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
    assert!(!message.contains("panicked"), "{message}");
    for word in words {
        assert!(message.contains(word), "{arguments:?}: {word:?} is not in: {message}");
    }
    assert!(!dir.path().join("report.json").exists(), "{arguments:?} wrote a report");
}

fn file(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn flags_of_later_versions_are_refused_in_words() {
    for (flag, value) in [("--clock", "wall"), ("--tool", "emulator"), ("--hours", "2")] {
        refused(&["run", flag, value], &root(), &[flag, "is not there yet"]);
    }
    refused(&["catalog", "report"], &root(), &["catalog report", "is not there yet"]);
}

#[test]
fn orders_that_cannot_be_right_are_refused_with_file_field_value_and_rule() {
    let dir = tempfile::tempdir().unwrap();
    let check = |text: &str, words: &[&str]| {
        let orders = file(dir.path(), "mine.toml", text);
        refused(&["run", "--orders", &orders], &root(), &[words, &["mine.toml"]].concat());
    };
    check(
        "[[order]]\nname = \"a\"\nbin = \"bin-1\"\nlines = { no-such-sku = 1 }",
        &["no-such-sku", "must be a SKU of the catalogue"],
    );
    check("[[order]]\nname = \"a\"\nbin = \"bin-9\"\nlines = { tea-box-250 = 1 }", &["order[0].bin is bin-9", "bin-1"]);
    check("[[order]]\nname = \"a\"\nbin = \"bin-1\"\nlines = { tea-box-250 = 500 }", &["500 of tea-box-250 ordered"]);
    check("[[order]]\nname = \"a\"\nbin = \"bin-1\"\nlines = { tea-box-250 = -1 }", &["-1"]);
    check(
        "[[order]]\nname = \"a\"\nbin = \"bin-1\"\ncolour = \"red\"\nlines = { tea-box-250 = 1 }",
        &["unknown field", "colour"],
    );
    check("[[order]]\nname = \"a\"\nbin = \"bin-1\"\nlines = {}", &["order[0].lines is empty"]);
    refused(&["run", "--orders", "nowhere.toml"], &root(), &["nowhere.toml", "No such file"]);
}

#[test]
fn a_cell_with_a_nan_or_a_negative_size_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let cell = std::fs::read_to_string(root().join("src/cells/default.toml")).unwrap();
    let check = |from: &str, to: &str, words: &[&str]| {
        assert!(cell.contains(from), "the default cell no longer has {from}");
        let path = file(dir.path(), "cell.toml", &cell.replacen(from, to, 1));
        refused(&["run", "--cell", &path], &root(), words);
    };
    check("look = 100", "look = nan", &["cell.toml", "budgets_ms.look", "NaN"]);
    check("size_m = [0.6", "size_m = [-0.6", &["cell.toml", "size_m", "-0.6"]);
    check("inference_threads", "inference_thread", &["cell.toml", "inference_thread"]);
}

/// A home that has everything the real one has, by links, but for what `change` replaces.
fn changed_home(change: &str, with: Option<&[u8]>) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let models = home.path().join("perception/models");
    std::fs::create_dir_all(&models).unwrap();
    std::fs::create_dir_all(home.path().join("src/cells")).unwrap();
    for entry in std::fs::read_dir(root().join("perception/models")).unwrap() {
        let entry = entry.unwrap();
        std::os::unix::fs::symlink(entry.path(), models.join(entry.file_name())).unwrap();
    }
    for folder in ["perception/catalog", ".local"] {
        std::os::unix::fs::symlink(root().join(folder), home.path().join(folder)).unwrap();
    }
    let path = home.path().join(change);
    std::fs::remove_file(&path).unwrap();
    if let Some(bytes) = with {
        std::fs::write(&path, bytes).unwrap();
    }
    home
}

#[test]
fn a_missing_or_broken_model_is_named() {
    for model in ["instances.onnx", "identity.onnx"] {
        let path = format!("perception/models/{model}");
        refused(&["run"], changed_home(&path, None).path(), &[model]);
        refused(&["run"], changed_home(&path, Some(b"not a network")).path(), &[model]);
    }
}

#[test]
fn a_missing_or_broken_onnx_runtime_is_named_with_what_to_do() {
    for with in [None, Some(b"not a library".as_slice())] {
        let home = changed_home(".local", None);
        if let Some(bytes) = with {
            let folder = home.path().join(".local/onnxruntime");
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("libonnxruntime.so"), bytes).unwrap();
        }
        let cure: &[&str] = if with.is_none() { &["make setup"] } else { &[] };
        refused(&["run"], home.path(), &[&["libonnxruntime.so"], cure].concat());
    }
}

#[test]
fn why_without_a_recording_says_how_one_is_made() {
    refused(&["why", "nowhere", "3"], &root(), &["nowhere", "run --record"]);
}

#[test]
fn worlds_that_cannot_be_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("w.sock").display().to_string();
    refused(&["world", "--socket", &socket, "--scenario", "no-such"], &root(), &["no-such", "default"]);
    refused(&["world", "--socket", &format!("{socket}/deeper")], &root(), &["w.sock/deeper"]);
    refused(&["run", "--world", &socket, "--seed", "3"], &root(), &["--seed", "--world"]);
    refused(&["run", "--world", &socket, "--scenario", "default"], &root(), &["--scenario", "--world"]);
    let check = |text: &str, words: &[&str]| {
        let text = format!("name = \"s\"\ncell = \"default\"\n[[tote]]\nname = \"tote-a\"\n{text}");
        let scenario = file(dir.path(), "s.toml", &text);
        refused(&["world", "--socket", &socket, "--scenario", &scenario], &root(), words);
    };
    check("[sensors.depth]\nflying = 2", &["s.toml", "sensors.depth.flying is 2", "from 0 to 1"]);
    check(
        "[[fault]]\nkind = \"leaking-cup\"\ncup = 9\nleak_l_min = 1\nat_s = 0",
        &["fault[0].cup is 9", "from 0 to 5"],
    );
    check("[[fault]]\nkind = \"black-camera\"\ncamera = \"moon\"\nat_s = 0", &["\"moon\"", "tote-a, tote-b, bins"]);
    check("[[fault]]\nkind = \"knocked-out\"\ntote = \"tote-z\"\nat_s = 0", &["fault[0].tote", "tote-z"]);
}

#[test]
fn an_unknown_scenario_is_refused_with_the_shipped_ones() {
    refused(&["run", "--scenario", "no-such"], &root(), &["no-such", "default"]);
}
