//! Hands the linker the memory of the board.

use std::path::PathBuf;

fn main() {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    println!("cargo::rustc-link-search={}", here.display());
    println!("cargo::rustc-link-arg=-Tlink.x");
    // Flash is at 0, so the first segment must not be moved for the linker's page size.
    println!("cargo::rustc-link-arg=--nmagic");
    println!("cargo::rerun-if-changed=memory.x");
    println!("cargo::rerun-if-changed=device.x");
}
