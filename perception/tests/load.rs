//! What `Perception::load` refuses, and with which words.

use std::fs;
use std::path::PathBuf;

use perception::{Files, Perception, Settings};

mod fixture;
use fixture::{files, models, small_catalogue};

fn check(files: &Files, settings: &Settings, expected: &str) {
    let error = match Perception::load(files, settings) {
        Ok(_) => String::from("loaded"),
        Err(error) => error.to_string(),
    };
    assert!(error.contains(expected), "{error:?} lacks {expected:?}");
}

#[test]
fn a_missing_library_is_named_with_what_to_do() {
    let catalogue = small_catalogue();
    let mut files = files(catalogue.path());
    files.runtime_library = PathBuf::from("no/libonnxruntime.so");
    check(
        &files,
        &Settings::default(),
        "ONNX Runtime library no/libonnxruntime.so is not there; must be a libonnxruntime of version 1.24 or newer: \
         run `make setup`",
    );
}

#[test]
fn a_broken_library_is_refused_and_does_not_panic() {
    let catalogue = small_catalogue();
    let mut files = files(catalogue.path());
    files.runtime_library = catalogue.path().join("libonnxruntime.so");
    fs::write(&files.runtime_library, "no library").unwrap();
    check(&files, &Settings::default(), "libonnxruntime.so is not usable");
}

#[test]
fn a_missing_or_broken_model_is_named() {
    let catalogue = small_catalogue();
    let mut files = files(catalogue.path());
    let folder = tempfile::tempdir().unwrap();
    files.models_dir = folder.path().to_path_buf();
    check(&files, &Settings::default(), "instances.onnx is not there");
    fs::write(folder.path().join("instances.onnx"), "no model").unwrap();
    check(&files, &Settings::default(), "must be an ONNX file that perception/training wrote");
}

#[test]
fn a_model_with_other_tensors_is_refused() {
    let catalogue = small_catalogue();
    let mut files = files(catalogue.path());
    let folder = tempfile::tempdir().unwrap();
    files.models_dir = folder.path().to_path_buf();
    for name in ["instances.onnx", "identity.onnx"] {
        fs::copy(models().join("identity.onnx"), folder.path().join(name)).unwrap();
    }
    check(
        &files,
        &Settings::default(),
        "instances.onnx: input tensor 0 is crops float32 [any, 4, 96, 96]; \
         must be image float32 [1, 5, 240, 320]",
    );
}

#[test]
fn settings_out_of_range_are_refused() {
    let catalogue = small_catalogue();
    let settings = Settings { threads: 0, ..Settings::default() };
    check(&files(catalogue.path()), &settings, "setting threads is 0; must be from 1 to 64");
}
