//! Scenario files: what truly lies in the totes, what the runtime is told, what goes wrong and when.

use std::collections::BTreeMap;
use std::path::PathBuf;

use scene::{Manifest, SkuName};
use serde::Deserialize;
use toml::Table;

use crate::fault::{Fault, FaultKind};
use crate::sensors::{Sensors, SensorsFile};

/// Why a scenario file is refused: file, field, value, rule. Nothing was loaded.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ScenarioError {
    /// Not TOML, an unknown key, or a value of the wrong kind.
    #[error("{file}: {message}")]
    Syntax {
        /// The file's name.
        file: String,
        /// What the parser says, with line and column.
        message: String,
    },
    /// A value out of range.
    #[error("{file}: {field} is {value}; must be {rule}")]
    Range {
        /// The file's name.
        file: String,
        /// The key, with its place.
        field: String,
        /// The value found.
        value: String,
        /// The rule it breaks.
        rule: String,
    },
}

/// What lies in one tote, and what the runtime is told of it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToteContents {
    /// The tote's name in the cell file.
    pub name: String,
    /// How many of each SKU truly lie in it.
    #[serde(default)]
    pub contents: BTreeMap<SkuName, u32>,
    /// What the manifest says where it is wrong: the SKU's count replaces the true one.
    #[serde(default)]
    pub told: BTreeMap<SkuName, u32>,
}

/// A scenario: `scenarios/NAME.toml`.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// The cell file, relative to the folder that holds cells, or a name of a shipped one.
    pub cell: String,
    /// Folder of the catalogue, relative to the scenario file; the cell's own when absent.
    pub catalogue: Option<PathBuf>,
    /// Seed of everything that is drawn.
    pub seed: u64,
    /// How the sensors lie.
    pub sensors: Sensors,
    /// What lies in the totes, by what is written; exchanged totes are looked through by [`Scenario::truly_in`].
    pub tote: Vec<ToteContents>,
    /// What goes wrong.
    pub fault: Vec<Fault>,
}

/// As it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScenarioFile {
    name: String,
    cell: String,
    #[serde(default)]
    catalogue: Option<PathBuf>,
    #[serde(default)]
    seed: u64,
    #[serde(default)]
    sensors: SensorsFile,
    #[serde(default)]
    tote: Vec<ToteContents>,
    #[serde(default)]
    fault: Vec<Table>,
}

/// The most items that one tote may be given.
const MOST_ITEMS: u32 = 200;

/// The scenario that comes with the crate.
pub const DEFAULT: &str = include_str!("../scenarios/default.toml");

impl Scenario {
    /// Parses a scenario file; `file` is its name in messages.
    ///
    /// # Errors
    /// [`ScenarioError`] with file, field, value and rule.
    pub fn from_toml(text: &str, file: &str) -> Result<Self, ScenarioError> {
        let raw: ScenarioFile = toml::from_str(text).map_err(|error| ScenarioError::Syntax {
            file: file.to_owned(),
            message: error.to_string().trim_end().to_owned(),
        })?;
        let range = |field: String, value: String, rule: String| ScenarioError::Range {
            file: file.to_owned(),
            field,
            value,
            rule,
        };
        let mut refused = None;
        let sensors = raw.sensors.set(|field, value, [least, most]| {
            refused.get_or_insert_with(|| range(field, value.to_string(), format!("from {least} to {most}")));
        });
        if let Some(refused) = refused {
            return Err(refused);
        }
        let fault = raw
            .fault
            .into_iter()
            .enumerate()
            .map(|(i, table)| {
                Fault::from_table(table).map_err(|r| range(format!("fault[{i}].{}", r.key), r.value, r.rule))
            })
            .collect::<Result<_, _>>()?;
        let scenario = Self {
            name: raw.name,
            cell: raw.cell,
            catalogue: raw.catalogue,
            seed: raw.seed,
            sensors,
            tote: raw.tote,
            fault,
        };
        scenario.check(file)?;
        Ok(scenario)
    }

    fn check(&self, file: &str) -> Result<(), ScenarioError> {
        let refuse = |field: String, value: String, rule: &'static str| {
            Err(ScenarioError::Range { file: file.to_owned(), field, value, rule: rule.to_owned() })
        };
        for (field, text) in [("name", &self.name), ("cell", &self.cell)] {
            if text.trim().is_empty() {
                return refuse(field.to_owned(), "empty".to_owned(), "one or more characters");
            }
        }
        for (i, tote) in self.tote.iter().enumerate() {
            if self.tote[..i].iter().any(|other| other.name == tote.name) {
                let value = format!("{:?}", tote.name);
                return refuse(format!("tote[{i}].name"), value, "a tote that no entry before it names");
            }
            let items: u32 = tote.contents.values().fold(0, |sum: u32, n| sum.saturating_add(*n));
            if items > MOST_ITEMS {
                return refuse(format!("tote[{i}].contents"), format!("{items} items"), "at most 200 items");
            }
            for (sku, count) in tote.contents.iter().chain(&tote.told) {
                if *count > MOST_ITEMS {
                    return refuse(format!("tote[{i}].{sku}"), count.to_string(), "from 0 to 200");
                }
            }
        }
        for (i, fault) in self.fault.iter().enumerate() {
            let totes: &[(&str, &String)] = match &fault.kind {
                FaultKind::ShiftedTote { tote, .. }
                | FaultKind::WrongManifest { tote, .. }
                | FaultKind::StuckTogether { tote, .. }
                | FaultKind::KnockedOut { tote, .. } => &[("tote", tote)],
                FaultKind::WrongTote { tote, with } => &[("tote", tote), ("with", with)],
                _ => &[],
            };
            for (key, name) in totes {
                if !self.tote.iter().any(|tote| tote.name == **name) {
                    let rule = "a tote of this scenario";
                    return refuse(format!("fault[{i}].{key}"), format!("{name:?}"), rule);
                }
            }
        }
        Ok(())
    }

    /// What truly lies in a tote, exchanged totes looked through; nothing for one that the scenario doesn't name.
    #[must_use]
    pub fn truly_in(&self, tote: &str) -> BTreeMap<SkuName, u32> {
        let mut named = tote;
        for fault in self.fault.iter().rev() {
            if let FaultKind::WrongTote { tote, with } = &fault.kind {
                if named == tote {
                    named = with;
                } else if named == with {
                    named = tote;
                }
            }
        }
        self.tote.iter().find(|t| t.name == named).map(|t| t.contents.clone()).unwrap_or_default()
    }

    /// What the runtime is told that a tote holds; empty for a tote that the scenario doesn't name.
    #[must_use]
    pub fn manifest(&self, tote: &str) -> Manifest {
        let mut manifest = Manifest::new();
        if let Some(tote) = self.tote.iter().find(|t| t.name == tote) {
            manifest.extend(tote.contents.iter().map(|(sku, n)| (sku.clone(), *n)));
            manifest.extend(tote.told.iter().map(|(sku, n)| (sku.clone(), *n)));
        }
        for fault in &self.fault {
            let FaultKind::WrongManifest { tote: of, missing, extra, swapped } = &fault.kind else { continue };
            if of != tote {
                continue;
            }
            for (sku, n) in missing {
                manifest.entry(sku.clone()).and_modify(|count| *count = count.saturating_sub(*n));
            }
            for (sku, n) in extra {
                *manifest.entry(sku.clone()).or_default() += n;
            }
            for [a, b] in swapped {
                let (of_a, of_b) = (manifest.remove(a), manifest.remove(b));
                manifest.extend(of_b.map(|n| (a.clone(), n)));
                manifest.extend(of_a.map(|n| (b.clone(), n)));
            }
        }
        manifest.retain(|_, count| *count > 0);
        manifest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_scenario_lays_25_items_of_14_skus_into_tote_a() {
        let scenario = Scenario::from_toml(DEFAULT, "default.toml").unwrap();
        let tote = &scenario.tote[0];
        assert_eq!(tote.name, "tote-a");
        assert_eq!((tote.contents.len(), tote.contents.values().sum::<u32>()), (14, 25));
        assert_eq!(scenario.manifest("tote-a"), tote.contents);
        assert!(scenario.manifest("tote-b").is_empty());
    }

    #[test]
    fn a_refused_scenario_names_file_field_value_and_rule() {
        let check = |text: &str, expected: &str| {
            let error = Scenario::from_toml(text, "s.toml").unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        let head = "name = \"a\"\ncell = \"default\"\n";
        check(
            &format!("{head}[[tote]]\nname = \"tote-a\"\ncontents = {{ tea = 900 }}"),
            "s.toml: tote[0].contents is 900 items; must be at most 200 items",
        );
        check(
            &format!("{head}[[fault]]\nkind = \"e-stop\"\nat_s = -1.0\nfor_s = 1.0"),
            "s.toml: fault[0].at_s is -1; must be a number from 0 to 86400",
        );
        check(&format!("{head}sed = 1"), "unknown field `sed`");
        check("name = \"\"\ncell = \"x\"", "s.toml: name is empty; must be one or more characters");
        check(
            &format!("{head}[[fault]]\nkind = \"flood\"\nat_s = 1\nfor_s = 1"),
            "fault[0].kind is flood; must be one of leaking-cup, ",
        );
        check(&format!("{head}[sensors.depth]\nflying = 2"), "s.toml: sensors.depth.flying is 2; must be from 0 to 1");
        check(&format!("{head}[sensors.depth]\nfling = 0.2"), "unknown field `fling`");
        check(&format!("{head}[sensors]\nlevel = \"awful\""), "unknown variant `awful`");
        check(
            &format!("{head}[[fault]]\nkind = \"knocked-out\"\ntote = \"t\"\nat_s = 1"),
            "s.toml: fault[0].tote is \"t\"; must be a tote of this scenario",
        );
    }

    #[test]
    fn a_manifest_holds_what_is_told_where_it_differs() {
        let text = "name = \"a\"\ncell = \"default\"\n[[tote]]\nname = \"t\"\ncontents = { tea = 2, soap = 1 }\ntold = { tea = 3, soap = 0, rice = 1 }";
        let scenario = Scenario::from_toml(text, "s.toml").unwrap();
        let told: Vec<(String, u32)> =
            scenario.manifest("t").into_iter().map(|(sku, n)| (sku.to_string(), n)).collect();
        assert_eq!(told, [("rice".to_owned(), 1), ("tea".to_owned(), 3)]);
    }
    #[test]
    fn a_wrong_manifest_misses_adds_and_swaps_and_a_wrong_tote_changes_what_lies_there_alone() {
        let text = "name = \"a\"\ncell = \"default\"\n\
            [[tote]]\nname = \"t\"\ncontents = { tea = 2, soap = 1, rice = 3 }\n\
            [[tote]]\nname = \"u\"\ncontents = { can = 4 }\n\
            [[fault]]\nkind = \"wrong-manifest\"\ntote = \"t\"\nmissing = { tea = 1 }\nextra = { milk = 2 }\nswapped = [[\"soap\", \"rice\"]]\n\
            [[fault]]\nkind = \"wrong-tote\"\ntote = \"t\"\nwith = \"u\"\n";
        let scenario = Scenario::from_toml(text, "s.toml").unwrap();
        let check = |found: BTreeMap<SkuName, u32>, expected: &[(&str, u32)]| {
            let found: Vec<(&str, u32)> = found.iter().map(|(sku, n)| (sku.as_str(), *n)).collect();
            assert_eq!(found, expected);
        };
        check(scenario.manifest("t"), &[("milk", 2), ("rice", 1), ("soap", 3), ("tea", 1)]);
        check(scenario.manifest("u"), &[("can", 4)]);
        check(scenario.truly_in("t"), &[("can", 4)]);
        check(scenario.truly_in("u"), &[("rice", 3), ("soap", 1), ("tea", 2)]);
    }
}
