//! The files of this repository, as git tracks them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Paths from the root, in git's order, of what is tracked and still there. A source archive has no
/// history and gives none.
pub fn files() -> Vec<PathBuf> {
    if !root().join(".git").exists() {
        return Vec::new();
    }
    // In a container the folder often belongs to somebody else, which git refuses unless told.
    let listed = Command::new("git")
        .args(["-c", "safe.directory=*", "ls-files", "-z"])
        .current_dir(root())
        .output()
        .expect("git runs");
    assert!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
    String::from_utf8(listed.stdout)
        .expect("paths are UTF-8")
        .split_terminator('\0')
        .map(PathBuf::from)
        .filter(|path| root().join(path).is_file())
        .collect()
}

/// The text of a file, or nothing when it is not text.
pub fn text(path: &Path) -> Option<String> {
    String::from_utf8(std::fs::read(root().join(path)).expect("a tracked file can be read")).ok()
}
