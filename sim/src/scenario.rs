//! Scenario files: what truly lies in the totes, what the runtime is told, what goes wrong and when.

use std::collections::BTreeMap;
use std::path::PathBuf;

use scene::{Manifest, SkuName, Timestamp};
use serde::{Deserialize, Serialize};

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
        rule: &'static str,
    },
}

/// What lies in one tote, and what the runtime is told of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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

/// Which sensors are noisy. All are by default; a quiet one gives the true value, quantised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SensorSwitches {
    /// Noise and holes of depth and noise of colour.
    pub image_noise: bool,
    /// Noise of pressures and load.
    pub tool_noise: bool,
}

impl Default for SensorSwitches {
    fn default() -> Self {
        Self { image_noise: true, tool_noise: true }
    }
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// Compressed air is missing.
    SupplyLoss,
    /// The e-stop is pressed: the arm stops, the tool goes to its safe state.
    EStop,
    /// The cameras answer nothing.
    CamerasSilent,
    /// Packets to and from the tool are lost.
    ToolSilent,
}

/// Something that goes wrong for a while.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What.
    pub kind: FaultKind,
    /// When it begins, seconds since the cell started.
    pub at_s: f64,
    /// How long it lasts, seconds.
    pub for_s: f64,
}

impl Fault {
    /// True while it lasts.
    #[must_use]
    pub fn is_on(&self, now: Timestamp) -> bool {
        (self.at_s..self.at_s + self.for_s).contains(&now.seconds())
    }
}

/// A scenario: `scenarios/NAME.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// The cell file, relative to the folder that holds cells, or a name of a shipped one.
    pub cell: String,
    /// Folder of the catalogue, relative to the scenario file; the cell's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalogue: Option<PathBuf>,
    /// Seed of everything that is drawn.
    #[serde(default)]
    pub seed: u64,
    /// Sensor switches.
    #[serde(default)]
    pub sensors: SensorSwitches,
    /// What lies in the totes.
    #[serde(default)]
    pub tote: Vec<ToteContents>,
    /// What goes wrong.
    #[serde(default)]
    pub fault: Vec<Fault>,
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
        let scenario: Self = toml::from_str(text).map_err(|error| ScenarioError::Syntax {
            file: file.to_owned(),
            message: error.to_string().trim_end().to_owned(),
        })?;
        scenario.check(file)?;
        Ok(scenario)
    }

    fn check(&self, file: &str) -> Result<(), ScenarioError> {
        let refuse = |field: String, value: String, rule: &'static str| {
            Err(ScenarioError::Range { file: file.to_owned(), field, value, rule })
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
            for (name, value) in [("at_s", fault.at_s), ("for_s", fault.for_s)] {
                if !(0.0..=86_400.0).contains(&value) {
                    return refuse(format!("fault[{i}].{name}"), value.to_string(), "from 0 to 86400 s");
                }
            }
        }
        Ok(())
    }

    /// What the runtime is told that a tote holds; empty for a tote that the scenario doesn't name.
    #[must_use]
    pub fn manifest(&self, tote: &str) -> Manifest {
        let mut manifest = Manifest::new();
        if let Some(tote) = self.tote.iter().find(|t| t.name == tote) {
            manifest.extend(tote.contents.iter().map(|(sku, n)| (sku.clone(), *n)));
            manifest.extend(tote.told.iter().map(|(sku, n)| (sku.clone(), *n)));
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
            "s.toml: fault[0].at_s is -1; must be from 0 to 86400 s",
        );
        check(&format!("{head}sed = 1"), "unknown field `sed`");
        check("name = \"\"\ncell = \"x\"", "s.toml: name is empty; must be one or more characters");
        check(&format!("{head}[[fault]]\nkind = \"flood\"\nat_s = 1\nfor_s = 1"), "unknown variant `flood`");
    }

    #[test]
    fn a_manifest_holds_what_is_told_where_it_differs() {
        let text = "name = \"a\"\ncell = \"default\"\n[[tote]]\nname = \"t\"\ncontents = { tea = 2, soap = 1 }\ntold = { tea = 3, soap = 0, rice = 1 }";
        let scenario = Scenario::from_toml(text, "s.toml").unwrap();
        let told: Vec<(String, u32)> =
            scenario.manifest("t").into_iter().map(|(sku, n)| (sku.to_string(), n)).collect();
        assert_eq!(told, [("rice".to_owned(), 1), ("tea".to_owned(), 3)]);
    }
}
