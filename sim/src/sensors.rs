//! How the sensors lie: knobs with three named levels, `none`, `typical` and `bad`. The table of all of them, with their
//! sources, stands in this crate's README; a test holds the two together.

use serde::Deserialize;

/// How much a group of sensors lies where no knob says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The truth, as far as a sensor can tell it.
    None,
    /// As the constants have it: what a cell in good order shows.
    #[default]
    Typical,
    /// At the far end of what the constants allow.
    Bad,
}

/// One knob as a table shows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Knob {
    /// Its table in a scenario file.
    pub table: &'static str,
    /// Its key there.
    pub name: &'static str,
    /// Its values at the three levels.
    pub levels: [f64; 3],
    /// What it may be set to.
    pub range: [f64; 2],
}

/// A group of knobs: its values, how a file sets them, its ranges.
macro_rules! knobs {
    ($(#[$doc:meta])* $group:ident, $file:ident, $table:literal:
     $($(#[$knob_doc:meta])* $name:ident = [$none:expr, $typical:expr, $bad:expr] in [$least:expr, $most:expr];)*) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub struct $group {
            $($(#[$knob_doc])* pub $name: f64,)*
        }

        impl $group {
            /// All of this group's knobs.
            pub const KNOBS: &'static [Knob] = &[$(Knob {
                table: $table,
                name: stringify!($name),
                levels: [$none, $typical, $bad],
                range: [$least, $most],
            },)*];

            /// The knobs at a level.
            #[must_use]
            pub const fn at(level: Level) -> Self {
                match level {
                    Level::None => Self { $($name: $none,)* },
                    Level::Typical => Self { $($name: $typical,)* },
                    Level::Bad => Self { $($name: $bad,)* },
                }
            }
        }

        #[derive(Debug, Clone, Copy, Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        struct $file {
            level: Option<Level>,
            $($name: Option<f64>,)*
        }

        impl $file {
            fn set(&self, outer: Level, refuse: &mut impl FnMut(String, f64, [f64; 2])) -> $group {
                let mut group = $group::at(self.level.unwrap_or(outer));
                $(if let Some(value) = self.$name {
                    // NaN is in no range.
                    if !($least..=$most).contains(&value) {
                        refuse(format!("{}.{}", $table, stringify!($name)), value, [$least, $most]);
                    }
                    group.$name = value;
                })*
                group
            }
        }
    };
}

knobs! {
    /// The colour camera.
    Colour, ColourFile, "sensors.colour":
    /// Exposure is off by up to so many stops, drawn a world.
    exposure_stops = [0.0, 0.37, 0.8] in [0.0, 3.0];
    /// Gains of red and blue are off by up to this share, drawn a world.
    white_balance = [0.0, 0.08, 0.16] in [0.0, 0.5];
    /// Blur of the lens: share of light that goes to each neighbour.
    blur = [0.0, 0.12, 0.22] in [0.0, 0.3];
    /// How long it exposes, seconds: what moves is smeared by `v t f / z` pixels.
    exposure_s = [0.0, 0.005, 0.033] in [0.0, 0.2];
    /// Electrons that make white: shot noise is their square root.
    full_well_e = [1e12, 5_000.0, 2_000.0] in [100.0, 1e12];
    /// Noise of reading a pixel, electrons.
    read_e = [0.0, 8.0, 20.0] in [0.0, 1_000.0];
}

knobs! {
    /// The stereo depth camera.
    Depth, DepthFile, "sensors.depth":
    /// Standard deviation of disparity, pixels; of depth it is `z² / (f B)` times that.
    disparity_noise_px = [0.0, 0.08, 0.16] in [0.0, 2.0];
    /// Step of disparity, pixels.
    disparity_step_px = [0.001, 0.031_25, 0.062_5] in [0.000_1, 1.0];
    /// Width of the matching window, pixels: within it errors are alike.
    window_px = [7.0, 7.0, 9.0] in [1.0, 15.0];
    /// The band that one eye doesn't see, as a share of what geometry says.
    shadow = [0.0, 1.0, 1.0] in [0.0, 1.0];
    /// Chance of no reading on clear, shiny and black material, times what the material says.
    holes = [0.0, 1.0, 1.5] in [0.0, 10.0];
    /// Share of the readings on clear material that are of what is behind it.
    through = [0.0, 0.5, 0.7] in [0.0, 1.0];
    /// How far near surfaces grow over their edges, times the usual one or two pixels.
    edge_growth = [0.0, 1.0, 1.6] in [0.0, 3.0];
    /// Share of readings at edges that lie between near and far.
    flying = [0.0, 0.0, 0.3] in [0.0, 1.0];
}

knobs! {
    /// Where cameras truly stand, against where calibration says. Drawn once a world for each camera.
    Mount, MountFile, "sensors.mount":
    /// Standard deviation of the place where it looks, each axis, metres.
    shift_m = [0.0, 0.000_5, 0.001_2] in [0.0, 0.1];
    /// Standard deviation of its turn about the place where it looks, each axis, degrees.
    turn_deg = [0.0, 0.08, 0.17] in [0.0, 10.0];
}

knobs! {
    /// How images arrive.
    Images, ImagesFile, "sensors.images":
    /// How long an image takes beyond the look budget that the cell declares, seconds.
    late_s = [0.0, 0.0, 0.09] in [0.0, 10.0];
    /// Up to so much more, drawn an image, seconds.
    jitter_s = [0.0, 0.0, 0.03] in [0.0, 10.0];
    /// Chance that one never comes.
    drop_chance = [0.0, 0.000_03, 0.01] in [0.0, 1.0];
}

knobs! {
    /// The tool's pressure sensors and load cell.
    ToolSense, ToolSenseFile, "sensors.tool":
    /// Noise of a pressure, pascals rms.
    pressure_noise_pa = [0.0, 70.0, 150.0] in [0.0, 10_000.0];
    /// Standard deviation of a pressure sensor's offset, drawn a world, pascals.
    pressure_offset_pa = [0.0, 300.0, 600.0] in [0.0, 10_000.0];
    /// Time constant of hose and sensor, seconds.
    pressure_lag_s = [0.0, 0.003, 0.010] in [0.0, 1.0];
    /// Noise of the load cell, newtons rms.
    load_noise_n = [0.0, 0.03, 0.1] in [0.0, 100.0];
    /// Drift of the load cell, newtons in the root of a second.
    load_drift_n = [0.0, 0.02, 0.08] in [0.0, 10.0];
}

knobs! {
    /// The arm's encoders and drives.
    ArmSense, ArmSenseFile, "sensors.arm":
    /// Noise of a joint's angle, radians rms.
    encoder_noise_rad = [0.0, 0.000_003, 0.000_01] in [0.0, 0.01];
    /// Standard deviation of a joint's zero, drawn a world, radians: the arm is elsewhere than its encoders say.
    joint_offset_rad = [0.0, 0.000_1, 0.000_3] in [0.0, 0.05];
    /// Time constant with which joints follow their setpoints, seconds.
    lag_s = [0.001, 0.003, 0.008] in [0.000_1, 0.1];
}

/// All of a cell's sensors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sensors {
    /// Colour.
    pub colour: Colour,
    /// Depth.
    pub depth: Depth,
    /// Mounting against calibration.
    pub mount: Mount,
    /// Late and lost images.
    pub images: Images,
    /// Pressures and load.
    pub tool: ToolSense,
    /// Encoders and tracking.
    pub arm: ArmSense,
}

impl Default for Sensors {
    fn default() -> Self {
        Self::at(Level::default())
    }
}

impl Sensors {
    /// All knobs at a level.
    #[must_use]
    pub const fn at(level: Level) -> Self {
        Self {
            colour: Colour::at(level),
            depth: Depth::at(level),
            mount: Mount::at(level),
            images: Images::at(level),
            tool: ToolSense::at(level),
            arm: ArmSense::at(level),
        }
    }

    /// Every knob there is.
    pub fn knobs() -> impl Iterator<Item = &'static Knob> {
        [Colour::KNOBS, Depth::KNOBS, Mount::KNOBS, Images::KNOBS, ToolSense::KNOBS, ArmSense::KNOBS]
            .into_iter()
            .flatten()
    }
}

/// `[sensors]` as it is written: a level, and in each group a level and knobs.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SensorsFile {
    level: Option<Level>,
    colour: ColourFile,
    depth: DepthFile,
    mount: MountFile,
    images: ImagesFile,
    tool: ToolSenseFile,
    arm: ArmSenseFile,
}

impl SensorsFile {
    /// The knobs as the file sets them; `refuse` hears of each that is out of its range.
    pub fn set(&self, mut refuse: impl FnMut(String, f64, [f64; 2])) -> Sensors {
        let level = self.level.unwrap_or_default();
        Sensors {
            colour: self.colour.set(level, &mut refuse),
            depth: self.depth.set(level, &mut refuse),
            mount: self.mount.set(level, &mut refuse),
            images: self.images.set(level, &mut refuse),
            tool: self.tool.set(level, &mut refuse),
            arm: self.arm.set(level, &mut refuse),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (Sensors, Vec<String>) {
        let file: SensorsFile = toml::from_str(text).unwrap();
        let mut refused = Vec::new();
        let sensors = file.set(|field, value, [least, most]| refused.push(format!("{field} {value} {least} {most}")));
        (sensors, refused)
    }

    #[test]
    fn a_knob_goes_before_its_groups_level_and_that_before_the_whole_level() {
        let check = |text: &str, expected: Sensors| assert_eq!(parse(text), (expected, Vec::new()), "{text}");
        check("", Sensors::at(Level::Typical));
        check("level = \"none\"", Sensors::at(Level::None));
        let depth = Depth { flying: 0.5, ..Depth::at(Level::Bad) };
        check(
            "level = \"none\"\ndepth = { level = \"bad\", flying = 0.5 }",
            Sensors { depth, ..Sensors::at(Level::None) },
        );
    }

    #[test]
    fn every_level_of_every_knob_is_in_its_range_and_beyond_it_a_value_is_refused() {
        for knob in Sensors::knobs() {
            let [least, most] = knob.range;
            assert!(knob.levels.iter().all(|v| (least..=most).contains(v)), "{knob:?}");
            let group = knob.table.trim_start_matches("sensors.");
            for value in [least - 1.0, most + 1e12, f64::NAN] {
                let value = if value.is_nan() { "nan".to_owned() } else { format!("{value:.1}") };
                let (_, refused) = parse(&format!("{group} = {{ {} = {value} }}", knob.name));
                assert!(
                    refused.len() == 1 && refused[0].starts_with(&format!("{}.{} ", knob.table, knob.name)),
                    "{refused:?}"
                );
            }
        }
    }

    #[test]
    fn the_readme_shows_every_knob_with_its_levels_and_a_source() {
        let readme = include_str!("../README.md");
        for Knob { table, name, levels: [none, typical, bad], .. } in Sensors::knobs() {
            let row = format!("| `{}.{name}` | {none} | {typical} | {bad} |", table.trim_start_matches("sensors."));
            let line = readme.lines().find(|line| line.starts_with(&row));
            assert!(
                line.is_some_and(|l| ["[S", "[K", "[E"].iter().any(|tag| l.contains(tag))),
                "README: {row} … source"
            );
        }
    }
}
