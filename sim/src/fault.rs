//! What goes wrong, and when: `[[fault]]` of a scenario file. The table of all kinds stands in this crate's README.
//!
//! None of it is told to a runtime: a fault shows at the devices' border as it would on a real cell.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use scene::{SkuName, Timestamp};
use toml::{Table, Value};

/// What goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum FaultKind {
    /// A cup is torn: air comes in under its lip whatever it lies on.
    LeakingCup {
        /// Which.
        cup: usize,
        /// How much at 40 kPa, m³/s.
        at_40_kpa: f64,
    },
    /// A cup's 3/2 valve stays where it is.
    StuckValve {
        /// Which.
        cup: usize,
        /// Towards the vent gallery instead of the manifold.
        vents: bool,
    },
    /// The filter before the ejector is clogged.
    CloggedFilter {
        /// What is left of the ejector's flow, 0…1.
        flow: f64,
    },
    /// A cup's pressure sensor says one thing only.
    DeadPressureSensor {
        /// Which.
        cup: usize,
        /// What it says, pascals below ambient.
        reads_pa: f64,
    },
    /// Cameras give the same picture again and again, with fresh times.
    FrozenCamera(Cameras),
    /// Cameras give pictures without light and without depth.
    BlackCamera(Cameras),
    /// Images come late.
    LateCamera {
        /// Which cameras.
        cameras: Cameras,
        /// By how much, seconds.
        by_s: f64,
    },
    /// Images never come.
    LostImages {
        /// Which cameras.
        cameras: Cameras,
        /// How many of them, 0…1.
        share: f64,
    },
    /// Cameras answer nothing.
    CamerasSilent(Cameras),
    /// Somebody pushes a tote with all that lies in it, once.
    ShiftedTote {
        /// Which.
        tote: String,
        /// How far along the world's x and y, metres.
        by_m: [f64; 2],
        /// And turns it about its middle, radians.
        yaw: f64,
    },
    /// Two totes have been exchanged; manifests are not.
    WrongTote {
        /// One.
        tote: String,
        /// The other.
        with: String,
    },
    /// The manifest of a tote is wrong.
    WrongManifest {
        /// Which tote.
        tote: String,
        /// In the tote, not in the manifest: how many of each.
        missing: BTreeMap<SkuName, u32>,
        /// In the manifest, not in the tote.
        extra: BTreeMap<SkuName, u32>,
        /// One is in the manifest under the name of another and the other way round.
        swapped: Vec<[SkuName; 2]>,
    },
    /// The two nearest items of a tote stick together from then on.
    StuckTogether {
        /// In which tote.
        tote: String,
        /// One of them is of this SKU.
        sku: Option<SkuName>,
        /// Until they are pulled apart with so many newtons.
        holds_n: f64,
    },
    /// An item is thrown out of its tote onto the table, once: the topmost one.
    KnockedOut {
        /// Out of which tote.
        tote: String,
        /// The topmost of this SKU.
        sku: Option<SkuName>,
    },
    /// Something strikes what hangs on the cups, sideways.
    Struck {
        /// With so many newtons.
        push_n: f64,
    },
    /// Packets to and from the tool, and setpoints, are lost at random.
    LostPackets {
        /// On which link.
        link: Link,
        /// How many of them, 0…1.
        share: f64,
    },
    /// No packet gets through to or from the tool.
    ToolSilent,
    /// No setpoint gets through to the arm, and it tells its last state again and again.
    ArmSilent,
    /// The loop is late: setpoints reach the arm later than they should.
    LateTicks {
        /// By so many milliseconds.
        by_ms: usize,
    },
    /// The arm's own protection stops it.
    ArmStop {
        /// A person acknowledges when it is over.
        reset: bool,
    },
    /// The e-stop is pressed: the arm stops, the tool goes to its safe state.
    EStop {
        /// A person acknowledges the arm's stop when the button is out again.
        reset: bool,
    },
    /// Compressed air is missing.
    SupplyLoss,
    /// The cell has no power: drives brake, no device answers, the tool's controller starts anew afterwards.
    PowerLoss {
        /// A person acknowledges the arm's stop when power is back.
        reset: bool,
    },
}

impl FaultKind {
    /// The camera that it names.
    #[must_use]
    pub fn camera(&self) -> Option<&str> {
        match self {
            Self::FrozenCamera(cameras)
            | Self::BlackCamera(cameras)
            | Self::LateCamera { cameras, .. }
            | Self::LostImages { cameras, .. }
            | Self::CamerasSilent(cameras) => cameras.0.as_deref(),
            _ => None,
        }
    }
}

/// A camera's name, or all cameras.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cameras(pub Option<String>);

impl Cameras {
    /// True when this one is meant.
    #[must_use]
    pub fn hold(&self, camera: &str) -> bool {
        self.0.as_deref().is_none_or(|name| name == camera)
    }
}

/// Which link loses packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// The tool's.
    Tool,
    /// The arm's.
    Arm,
    /// Both.
    Both,
}

/// Something that goes wrong for a while.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// What.
    pub kind: FaultKind,
    /// When it begins, seconds since the cell started.
    pub at_s: f64,
    /// How long it lasts, seconds; without end where the file says nothing.
    pub for_s: f64,
}

impl Fault {
    /// True while it lasts.
    #[must_use]
    pub fn is_on(&self, now: Timestamp) -> bool {
        let now = now.seconds();
        now >= self.at_s && now < self.at_s + self.for_s
    }
}

/// Why an entry is refused: its key, the value and the rule.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refused {
    pub key: String,
    pub value: String,
    pub rule: String,
}

fn refuse<T>(key: &str, value: impl ToString, rule: impl Into<String>) -> Result<T, Refused> {
    Err(Refused { key: key.to_owned(), value: value.to_string(), rule: rule.into() })
}

/// All kinds, as they are written.
const KINDS: [&str; 23] = [
    "leaking-cup",
    "stuck-valve",
    "clogged-filter",
    "dead-pressure-sensor",
    "frozen-camera",
    "black-camera",
    "late-camera",
    "lost-images",
    "cameras-silent",
    "shifted-tote",
    "wrong-tote",
    "wrong-manifest",
    "stuck-together",
    "knocked-out",
    "struck",
    "lost-packets",
    "tool-silent",
    "arm-silent",
    "late-ticks",
    "arm-stop",
    "e-stop",
    "supply-loss",
    "power-loss",
];

/// The keys of one entry, taken out one by one; what is left at the end is unknown.
struct Keys {
    table: Table,
    kind: String,
}

impl Keys {
    fn number(&mut self, key: &str, default: Option<f64>, range: RangeInclusive<f64>) -> Result<f64, Refused> {
        let rule = || format!("a number from {} to {}", range.start(), range.end());
        let value = match self.table.remove(key) {
            None => return default.map_or_else(|| refuse(key, "missing", rule()), Ok),
            Some(Value::Integer(i)) => i as f64,
            Some(Value::Float(f)) => f,
            Some(other) => return refuse(key, other, rule()),
        };
        if range.contains(&value) { Ok(value) } else { refuse(key, value, rule()) }
    }

    fn count(&mut self, key: &str, default: Option<u32>, range: RangeInclusive<u32>) -> Result<usize, Refused> {
        let value = self.number(key, default.map(f64::from), f64::from(*range.start())..=f64::from(*range.end()))?;
        if value.fract() == 0.0 { Ok(value as usize) } else { refuse(key, value, "a whole number") }
    }

    fn text(&mut self, key: &str) -> Result<Option<String>, Refused> {
        match self.table.remove(key) {
            None => Ok(None),
            Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text)),
            Some(other) => refuse(key, other, "a name"),
        }
    }

    fn name(&mut self, key: &str) -> Result<String, Refused> {
        self.text(key)?.map_or_else(|| refuse(key, "missing", "a name"), Ok)
    }

    fn one_of<T: Copy>(&mut self, key: &str, default: T, names: &[(&str, T)]) -> Result<T, Refused> {
        let Some(text) = self.text(key)? else { return Ok(default) };
        let known = || names.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        names
            .iter()
            .find(|(name, _)| *name == text)
            .map_or_else(|| refuse(key, &text, format!("one of {}", known())), |(_, value)| Ok(*value))
    }

    fn flag(&mut self, key: &str) -> Result<bool, Refused> {
        match self.table.remove(key) {
            None => Ok(false),
            Some(Value::Boolean(flag)) => Ok(flag),
            Some(other) => refuse(key, other, "true or false"),
        }
    }

    fn sku(&mut self, key: &str) -> Result<Option<SkuName>, Refused> {
        self.text(key)?.map(|text| sku(key, &text)).transpose()
    }

    fn counts(&mut self, key: &str) -> Result<BTreeMap<SkuName, u32>, Refused> {
        let table = match self.table.remove(key) {
            None => return Ok(BTreeMap::new()),
            Some(Value::Table(table)) => table,
            Some(other) => return refuse(key, other, "SKU = how many"),
        };
        let mut counts = BTreeMap::new();
        for (name, count) in table {
            let key = format!("{key}.{name}");
            match count.as_integer() {
                Some(n @ 1..=200) => drop(counts.insert(sku(&key, &name)?, n as u32)),
                _ => return refuse(&key, count, "from 1 to 200"),
            }
        }
        Ok(counts)
    }

    fn pairs(&mut self, key: &str) -> Result<Vec<[SkuName; 2]>, Refused> {
        const RULE: &str = "a list of pairs of SKUs";
        let list = match self.table.remove(key) {
            None => return Ok(Vec::new()),
            Some(Value::Array(list)) => list,
            Some(other) => return refuse(key, other, RULE),
        };
        list.iter()
            .map(|pair| match pair.as_array().map(Vec::as_slice) {
                Some([Value::String(a), Value::String(b)]) if a != b => Ok([sku(key, a)?, sku(key, b)?]),
                _ => refuse(key, pair, RULE),
            })
            .collect()
    }

    fn plane(&mut self, key: &str) -> Result<[f64; 2], Refused> {
        const RULE: &str = "two numbers from -0.5 to 0.5";
        let Some(value) = self.table.remove(key) else { return refuse(key, "missing", RULE) };
        let number = |v: &Value| v.as_float().or_else(|| v.as_integer().map(|i| i as f64));
        match value.as_array().map(|list| list.iter().filter_map(number).collect::<Vec<_>>()).as_deref() {
            Some([x, y]) if x.abs() <= 0.5 && y.abs() <= 0.5 => Ok([*x, *y]),
            _ => refuse(key, value, RULE),
        }
    }

    fn cameras(&mut self) -> Result<Cameras, Refused> {
        Ok(Cameras(self.text("camera")?))
    }
}

fn sku(key: &str, name: &str) -> Result<SkuName, Refused> {
    SkuName::new(name).or_else(|_| refuse(key, name, "a SKU's name"))
}

impl Fault {
    /// Reads one entry.
    pub(crate) fn from_table(table: Table) -> Result<Self, Refused> {
        let mut keys = Keys { table, kind: String::new() };
        keys.kind = keys.name("kind")?;
        let kind = keys.kind.clone();
        let cup = |keys: &mut Keys| keys.count("cup", None, 0..=firmware::CUPS as u32 - 1);
        let kind = match kind.as_str() {
            "leaking-cup" => FaultKind::LeakingCup {
                cup: cup(&mut keys)?,
                at_40_kpa: keys.number("leak_l_min", None, 0.01..=200.0)? / 60e3,
            },
            "stuck-valve" => FaultKind::StuckValve {
                cup: cup(&mut keys)?,
                vents: keys.one_of("to", false, &[("vacuum", false), ("vent", true)])?,
            },
            "clogged-filter" => FaultKind::CloggedFilter { flow: keys.number("flow", None, 0.0..=1.0)? },
            "dead-pressure-sensor" => FaultKind::DeadPressureSensor {
                cup: cup(&mut keys)?,
                reads_pa: keys.number("reads_pa", Some(0.0), 0.0..=100_000.0)?,
            },
            "frozen-camera" => FaultKind::FrozenCamera(keys.cameras()?),
            "black-camera" => FaultKind::BlackCamera(keys.cameras()?),
            "late-camera" => {
                FaultKind::LateCamera { by_s: keys.number("by_s", None, 0.001..=600.0)?, cameras: keys.cameras()? }
            }
            "lost-images" => {
                FaultKind::LostImages { share: keys.number("share", Some(1.0), 0.0..=1.0)?, cameras: keys.cameras()? }
            }
            "cameras-silent" => FaultKind::CamerasSilent(keys.cameras()?),
            "shifted-tote" => FaultKind::ShiftedTote {
                tote: keys.name("tote")?,
                by_m: keys.plane("by_m")?,
                yaw: keys.number("yaw_deg", Some(0.0), -45.0..=45.0)?.to_radians(),
            },
            "wrong-tote" => FaultKind::WrongTote { tote: keys.name("tote")?, with: keys.name("with")? },
            "wrong-manifest" => FaultKind::WrongManifest {
                tote: keys.name("tote")?,
                missing: keys.counts("missing")?,
                extra: keys.counts("extra")?,
                swapped: keys.pairs("swapped")?,
            },
            "stuck-together" => FaultKind::StuckTogether {
                tote: keys.name("tote")?,
                sku: keys.sku("sku")?,
                holds_n: keys.number("holds_n", Some(1_000.0), 0.01..=10_000.0)?,
            },
            "knocked-out" => FaultKind::KnockedOut { tote: keys.name("tote")?, sku: keys.sku("sku")? },
            "struck" => FaultKind::Struck { push_n: keys.number("push_n", None, 0.1..=1_000.0)? },
            "lost-packets" => FaultKind::LostPackets {
                link: keys.one_of(
                    "link",
                    Link::Both,
                    &[("tool", Link::Tool), ("arm", Link::Arm), ("both", Link::Both)],
                )?,
                share: keys.number("share", None, 0.0..=1.0)?,
            },
            "tool-silent" => FaultKind::ToolSilent,
            "arm-silent" => FaultKind::ArmSilent,
            "late-ticks" => FaultKind::LateTicks { by_ms: keys.count("by_ms", None, 1..=1_000)? },
            "arm-stop" => FaultKind::ArmStop { reset: keys.flag("reset")? },
            "e-stop" => FaultKind::EStop { reset: keys.flag("reset")? },
            "supply-loss" => FaultKind::SupplyLoss,
            "power-loss" => FaultKind::PowerLoss { reset: keys.flag("reset")? },
            other => return refuse("kind", other, format!("one of {}", KINDS.join(", "))),
        };
        // These are so from the beginning to the end: a time would be no part of them.
        let (at_s, for_s) = match kind {
            FaultKind::WrongTote { .. } | FaultKind::WrongManifest { .. } => (0.0, f64::INFINITY),
            // These happen once.
            FaultKind::ShiftedTote { .. } | FaultKind::KnockedOut { .. } => {
                (keys.number("at_s", None, 0.0..=86_400.0)?, f64::INFINITY)
            }
            _ => {
                (keys.number("at_s", None, 0.0..=86_400.0)?, keys.number("for_s", Some(f64::INFINITY), 0.0..=86_400.0)?)
            }
        };
        match keys.table.into_iter().next() {
            None => Ok(Self { kind, at_s, for_s }),
            Some((key, value)) => refuse(&key, value, format!("left out: {} has no such key", keys.kind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Fault, String> {
        Fault::from_table(text.parse().unwrap()).map_err(|r| format!("{} is {}; must be {}", r.key, r.value, r.rule))
    }

    #[test]
    fn a_fault_is_on_from_its_beginning_to_before_its_end_or_for_ever() {
        let fault = parse("kind = \"e-stop\"\nat_s = 1.0\nfor_s = 0.5").unwrap();
        let check = |fault: &Fault, ms: u64, on: bool| {
            assert_eq!(fault.is_on(Timestamp::from_nanos(ms * 1_000_000)), on, "at {ms} ms");
        };
        check(&fault, 999, false);
        check(&fault, 1_000, true);
        check(&fault, 1_499, true);
        check(&fault, 1_500, false);
        check(&parse("kind = \"supply-loss\"\nat_s = 1").unwrap(), 80_000_000, true);
    }

    #[test]
    fn what_a_kind_does_not_have_or_cannot_be_is_refused() {
        let check = |text: &str, expected: &str| assert_eq!(parse(text), Err(expected.to_owned()));
        check("at_s = 1", "kind is missing; must be a name");
        check("kind = \"leaking-cup\"\nleak_l_min = 3\nat_s = 1", "cup is missing; must be a number from 0 to 5");
        check("kind = \"leaking-cup\"\ncup = 6\nleak_l_min = 3\nat_s = 1", "cup is 6; must be a number from 0 to 5");
        check("kind = \"leaking-cup\"\ncup = 1.5\nleak_l_min = 3\nat_s = 1", "cup is 1.5; must be a whole number");
        check("kind = \"e-stop\"\nat_s = nan", "at_s is NaN; must be a number from 0 to 86400");
        check("kind = \"e-stop\"\nat_s = 1\ncup = 2", "cup is 2; must be left out: e-stop has no such key");
        check(
            "kind = \"wrong-tote\"\ntote = \"a\"\nwith = \"b\"\nat_s = 1.0",
            "at_s is 1.0; must be left out: wrong-tote has no such key",
        );
        check("kind = \"stuck-valve\"\ncup = 1\nto = \"up\"\nat_s = 1", "to is up; must be one of vacuum, vent");
        check(
            "kind = \"shifted-tote\"\ntote = \"a\"\nat_s = 1\nby_m = [0.1, 2]",
            "by_m is [0.1, 2]; must be two numbers from -0.5 to 0.5",
        );
        check("kind = \"wrong-manifest\"\ntote = \"a\"\nextra = { tea = 0 }", "extra.tea is 0; must be from 1 to 200");
        check(
            "kind = \"wrong-manifest\"\ntote = \"a\"\nswapped = [[\"tea\"]]",
            "swapped is [\"tea\"]; must be a list of pairs of SKUs",
        );
    }

    #[test]
    fn the_readme_lists_every_kind() {
        let readme = include_str!("../README.md");
        for kind in KINDS {
            assert!(
                readme.lines().any(|line| line.starts_with(&format!("| `{kind}` |"))),
                "README has no row for {kind}"
            );
        }
    }
}
