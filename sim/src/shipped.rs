//! What comes with the program: scenarios by name, and the goods as a catalogue that is made when it is first wanted.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::look::{CatalogueError, goods_catalogue, write_catalogue};

/// Scenarios by name: the default one, one mixed from all classes, and the three classes with 15, 5 and 30 items.
pub const SCENARIOS: [(&str, &str); 11] = [
    ("default", include_str!("../scenarios/default.toml")),
    ("mixed", include_str!("../scenarios/mixed.toml")),
    ("basic", include_str!("../scenarios/basic.toml")),
    ("basic-5", include_str!("../scenarios/basic-5.toml")),
    ("basic-30", include_str!("../scenarios/basic-30.toml")),
    ("typical", include_str!("../scenarios/typical.toml")),
    ("typical-5", include_str!("../scenarios/typical-5.toml")),
    ("typical-30", include_str!("../scenarios/typical-30.toml")),
    ("adversarial", include_str!("../scenarios/adversarial.toml")),
    ("adversarial-5", include_str!("../scenarios/adversarial-5.toml")),
    ("adversarial-30", include_str!("../scenarios/adversarial-30.toml")),
];

/// The text of a scenario that comes with the program.
#[must_use]
pub fn scenario(name: &str) -> Option<&'static str> {
    SCENARIOS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// The catalogue's name in a scenario that stands for the goods.
pub const GOODS: &str = "goods";
/// Goods of other builds are removed after this.
const DAY: Duration = Duration::from_secs(86_400);
/// Written last: a folder without it is not whole.
const WHOLE: &str = "whole";

/// The folder of the goods under `cache`, made when it isn't there. Each build of the program, told by the time of its
/// file, has a folder of its own, so that none takes another's away; those that nobody made for a day are removed. They are
/// 30 MB, too much to come with the repository, and code makes them.
///
/// # Errors
/// [`CatalogueError::Unwritable`] with the file; a folder that is not whole is made anew the next time.
pub fn goods_folder(cache: &Path, program: SystemTime) -> Result<PathBuf, CatalogueError> {
    let number = program.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let folder = cache.join(format!("{GOODS}-{number}"));
    if folder.join(WHOLE).exists() {
        return Ok(folder);
    }
    remove_old(cache);
    let unwritable = |file: &Path| {
        let file = file.to_path_buf();
        move |e: std::io::Error| CatalogueError::Unwritable { file, why: e.to_string() }
    };
    // Made aside and moved, so that two programs at once don't mix theirs.
    let aside = cache.join(format!("{GOODS}-{number}-{}", std::process::id()));
    fs::create_dir_all(&aside).map_err(unwritable(&aside))?;
    write_catalogue(&goods_catalogue(), &aside)?;
    fs::write(aside.join(WHOLE), b"").map_err(unwritable(&aside))?;
    match fs::rename(&aside, &folder) {
        Ok(()) => Ok(folder),
        // Somebody else was faster.
        Err(_) if folder.join(WHOLE).exists() => {
            let _ = fs::remove_dir_all(&aside);
            Ok(folder)
        }
        Err(error) => Err(unwritable(&folder)(error)),
    }
}

/// Removes the goods that other builds made more than a day ago. What can't be removed stays.
fn remove_old(cache: &Path) {
    let is_old = |entry: &fs::DirEntry| {
        let age = entry.metadata().and_then(|m| m.modified()).ok().and_then(|at| at.elapsed().ok());
        entry.file_name().to_string_lossy().starts_with(&format!("{GOODS}-")) && age.is_some_and(|age| age > DAY)
    };
    for entry in fs::read_dir(cache).into_iter().flatten().flatten().filter(is_old) {
        let _ = fs::remove_dir_all(entry.path());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::look::{Class, goods_classes};
    use crate::scenario::Scenario;

    #[test]
    fn every_shipped_scenario_is_read_and_holds_goods_of_its_class() {
        let classes: BTreeMap<&str, Class> = goods_classes().into_iter().collect();
        for (name, text) in SCENARIOS {
            let scenario = Scenario::from_toml(text, name).unwrap();
            assert_eq!(scenario.name, name);
            if name == "default" {
                continue;
            }
            let contents = &scenario.tote[0].contents;
            let class = match name.split('-').next() {
                Some("basic") => Some(Class::Basic),
                Some("typical") => Some(Class::Typical),
                Some("adversarial") => Some(Class::Adversarial),
                _ => None,
            };
            for sku in contents.keys() {
                let is = classes.get(sku.as_str()).unwrap_or_else(|| panic!("{name}: {sku} is not one of the goods"));
                assert!(class.is_none_or(|c| c == *is), "{name}: {sku} is {is:?}");
            }
            let count: u32 = contents.values().sum();
            let wanted =
                name.rsplit('-').next().and_then(|n| n.parse().ok()).unwrap_or(if class.is_some() { 15 } else { 32 });
            assert_eq!(count, wanted, "{name}");
        }
    }
}
