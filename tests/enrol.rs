//! `nuthatch catalog add` and `catalog check`: a new SKU from photographs, and what is refused.
#![cfg(test)]

use std::path::{Path, PathBuf};
use std::process::Command;

use image::{ImageBuffer, Rgb, RgbImage};

/// Exit code, standard output and standard error of `nuthatch catalog …`.
fn catalog(dir: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_nuthatch"))
        .arg("catalog")
        .args(arguments)
        .current_dir(dir)
        .env("NUTHATCH_HOME", PathBuf::from(env!("CARGO_MANIFEST_DIR")))
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Photographs of two items on white, and of nothing.
fn site() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let save = |name: &str, colour: &dyn Fn(u32, u32) -> Option<[u8; 3]>| {
        let photo: RgbImage = ImageBuffer::from_fn(160, 120, |x, y| Rgb(colour(x, y).unwrap_or([248, 249, 247])));
        photo.save(dir.path().join(name)).unwrap();
    };
    let inside = |x: u32, y: u32| (30..130).contains(&x) && (25..95).contains(&y);
    save("red.jpg", &|x, y| inside(x, y).then_some(if x / 10 % 2 == 0 { [200, 30, 30] } else { [120, 20, 90] }));
    save("blue.png", &|x, y| inside(x, y).then_some(if y / 12 % 2 == 0 { [30, 60, 200] } else { [220, 220, 40] }));
    save("void.png", &|_, _| None);
    dir
}

#[test]
fn a_sku_is_enrolled_once_and_the_most_alike_is_told() {
    let dir = site();
    let add = |arguments: &[&str]| catalog(dir.path(), &[&["add"], arguments].concat());
    let size = ["--dims", "0.12,0.08,0.05", "--mass", "0.2", "--material", "carton"];
    let (code, out, err) = add(&[&["--sku", "red_box", "--images", "red.jpg,blue.png"][..], &size].concat());
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("red_box: 2 views"), "{out}");
    let text = std::fs::read_to_string(dir.path().join("catalog/red_box/sku.toml")).unwrap();
    assert!(text.contains("size_m = [0.12, 0.08, 0.05]") && !text.contains("size_unknown"), "{text}");
    let view = image::open(dir.path().join("catalog/red_box/views/0.png")).unwrap().to_rgba8();
    let opaque = view.pixels().filter(|p| p.0[3] == 255).count();
    assert!((6_700..=7_500).contains(&opaque), "{opaque} pixels of 7000");

    let (code, out, err) = add(&["--sku", "blue", "--images", "blue.png"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("most alike: red_box, cosine"), "{out}");
    assert!(std::fs::read_to_string(dir.path().join("catalog/blue/sku.toml")).unwrap().contains("size_unknown = true"));

    let (code, _, err) = add(&["--sku", "blue", "--images", "red.jpg"]);
    assert!(code == Some(2) && err.contains("SKU blue is in catalog already"), "{err}");
    let (code, _, err) = add(&["--sku", "azure", "--images", "blue.png"]);
    assert!(code == Some(2) && err.contains("the photographs of azure are those of blue"), "{err}");
    assert!(!dir.path().join("catalog/azure").exists());

    let (code, out, err) = catalog(dir.path(), &["check", "catalog"]);
    assert_eq!(code, Some(0), "{out}{err}");
    std::fs::create_dir_all(dir.path().join("catalog/azure")).unwrap();
    for file in ["sku.toml", "views/0.png"] {
        let to = dir.path().join("catalog/azure").join(file);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(dir.path().join("catalog/blue").join(file), to).unwrap();
    }
    let named =
        std::fs::read_to_string(dir.path().join("catalog/azure/sku.toml")).unwrap().replace("\"blue\"", "\"azure\"");
    std::fs::write(dir.path().join("catalog/azure/sku.toml"), named).unwrap();
    let (_, out, _) = catalog(dir.path(), &["check", "catalog"]);
    assert!(out.contains("note: azure, blue have the same views; beliefs are split between them"), "{out}");
}

#[test]
fn what_cannot_be_enrolled_is_refused_and_leaves_nothing_behind() {
    let dir = site();
    let check = |arguments: &[&str], words: &str| {
        let (code, _, err) = catalog(dir.path(), &[&["add"], arguments].concat());
        assert!(code == Some(2) && err.contains(words) && !err.contains("panicked"), "{arguments:?}: {err}");
        assert!(!dir.path().join("catalog").exists(), "{arguments:?} left a catalogue");
    };
    let with = |more: &[&str], words: &str| {
        check(&[&["--sku", "red", "--images", "red.jpg"][..], more].concat(), words);
    };
    check(&["--sku", "Red Box", "--images", "red.jpg"], "must be 1 to 64 characters of a-z, 0-9, - and _");
    check(&["--sku", "red", "--images", "void.png"], "void.png: view is 0.0 % item");
    check(&["--sku", "red", "--images", "no.png"], "no.png is not readable");
    check(&["--sku", "red", "--images", "a,b,c,d,e,f,g"], "--images is 7 photographs; must be 1 to 6");
    with(&["--dims", "0.1,0.2"], "--dims is [0.1, 0.2]; must be three lengths in metres");
    with(&["--dims", "0.1,0.2,9"], "--dims is [0.1, 0.2, 9.0]; must be each side from 0.005 to 0.6 m");
    with(&["--mass=-1"], "--mass is -1; must be from 0.001 to 25 kg");
    with(&["--material", "wood"], "--material is wood; must be carton, plastic");
    with(&["--barcode", "4006381333932"], "--barcode is 4006381333932; must be 13 digits");
}

#[test]
fn a_catalogue_of_photographs_is_checked() {
    let dir = site();
    let file = dir.path().join("catalogue.json");
    let items = r#"{"items": [{"name": "a_1", "photo": "red.jpg"}, {"name": "b", "photo": "red.jpg"}]}"#;
    std::fs::write(&file, items).unwrap();
    let (code, out, _) = catalog(dir.path(), &["check", "catalogue.json", "--json"]);
    assert!(code == Some(0) && out.contains("a_1, b have the same views"), "{out}");
    assert!(out.contains(r#""equal":[["a_1","b"]]"#), "{out}");
    std::fs::write(&file, items.replace("red.jpg", "void.png")).unwrap();
    let (code, _, err) = catalog(dir.path(), &["check", "catalogue.json"]);
    assert!(code == Some(2) && err.contains("void.png: view is 0.0 % item"), "{err}");
}
