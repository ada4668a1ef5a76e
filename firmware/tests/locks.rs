//! What is on the wire and in the flash is made by the same versions of others' crates on the board and on the host.

use std::collections::BTreeSet;

/// Crates whose bytes both ends must agree on.
const SHARED: [&str; 7] =
    ["postcard", "serde", "serde_core", "cobs", "crc", "sequential-storage", "embedded-storage-async"];

/// The versions of a crate that a lock file names.
fn versions<'a>(lock: &'a str, name: &str) -> BTreeSet<&'a str> {
    let head = format!("name = \"{name}\"");
    let packages = lock.split("[[package]]").filter(|package| package.lines().any(|line| line == head));
    packages.flat_map(|package| package.lines().find_map(|line| line.strip_prefix("version = "))).collect()
}

#[test]
fn a_crate_is_found_by_its_whole_name() {
    let lock =
        "[[package]]\nname = \"serde\"\nversion = \"1\"\n\n[[package]]\nname = \"serde_core\"\nversion = \"2\"\n";
    assert_eq!(versions(lock, "serde"), BTreeSet::from(["\"1\""]));
    assert_eq!(versions(lock, "core"), BTreeSet::new());
}

#[test]
fn board_and_host_lock_the_same_versions_of_what_makes_bytes() {
    let host = include_str!("../../Cargo.lock");
    let boards = include_str!("../boards/Cargo.lock");
    for name in SHARED {
        let (host, boards) = (versions(host, name), versions(boards, name));
        assert_eq!(boards.len(), 1, "{name} in firmware/boards/Cargo.lock: {boards:?}");
        assert_eq!(host, boards, "{name}: Cargo.lock has the left, firmware/boards/Cargo.lock the right");
    }
}
