//! Hands the linker what an interrupt that nobody handles does.

fn main() {
    println!("cargo::rustc-link-search={}", env!("CARGO_MANIFEST_DIR"));
    println!("cargo::rerun-if-changed=device.x");
}
