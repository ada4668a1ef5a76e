//! What a cup holds and how surely it seals: the planner's own model, from data sheets and the depth image.

use control::{ToolModel, Vacuum};
use scene::Material;

/// What the planner expects of a material. Medians are estimates around published ranges, and the
/// scatter says how little they are worth for one item.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Surface {
    /// Leak of one cup at 40 kPa, m³/s of free air.
    pub(crate) leak_m3_s: f64,
    /// Standard deviation of the leak's logarithm.
    pub(crate) leak_sigma: f64,
    /// Unevenness at which half of the cups seal, metres.
    pub(crate) half_rms_m: f64,
    /// Factor between what the cups can hold and what they are asked to (Schmalz: 1.5 smooth and
    /// dense, 2 porous or critical).
    pub(crate) safety: f64,
    /// Friction of the lip on it, as a share of the tool file's value for dry goods.
    pub(crate) friction_share: f64,
    /// Mass of a box of it for its volume, kg/m³ (estimate; used where nobody weighed the item).
    pub(crate) density: f64,
}

const LITRE_PER_MINUTE: f64 = 1e-3 / 60.0;

/// Leaks: linerboard 2 to 9, tape edge or seam 3 to 15, taut film 0.5 to 3, wrinkled 5 to 40 (σ ≈ 0.8),
/// cloth at least 24 at 20 kPa, glass and cans under 0.5 l/min; mesh isn't holdable.
pub(crate) fn surface(material: Material) -> Surface {
    let of = |leak: f64, leak_sigma, half_mm: f64, safety, friction_share, density| Surface {
        leak_m3_s: leak * LITRE_PER_MINUTE,
        leak_sigma,
        half_rms_m: half_mm * 1e-3,
        safety,
        friction_share,
        density,
    };
    match material {
        Material::Carton => of(4.0, 0.6, 4.0, 2.0, 1.0, 300.0),
        Material::Plastic => of(0.6, 0.7, 3.5, 1.5, 0.9, 500.0),
        Material::Metal => of(0.4, 0.6, 3.5, 1.5, 1.0, 900.0),
        Material::Glass => of(0.3, 0.6, 3.5, 1.5, 1.0, 1100.0),
        Material::Film => of(6.0, 0.8, 5.0, 2.0, 0.8, 350.0),
        Material::Fabric => of(60.0, 0.7, 6.0, 2.5, 1.2, 200.0),
        Material::Mesh => of(2000.0, 0.7, 6.0, 2.5, 1.0, 300.0),
    }
}

/// Share of the expected pressure at which the gripper takes a cup for sealed, and its floor, pascals
/// (the defaults that the host sends it).
const SEALED_SHARE: f64 = 0.6;
/// The floor below which nothing counts as sealed, pascals.
pub(crate) const SEALED_FLOOR_PA: f64 = 15_000.0;
/// Pressure beyond which more is not asked for: above it energy rises faster than force (Schmalz).
const ASKED_MOST_PA: f64 = 60_000.0;
/// Where the gripper's regulation keeps tight cups on average (it starts at 60 kPa and stops at 75 kPa by default).
const CARRIED_PA: f64 = 67_500.0;
/// Flow through an orifice of one square metre at one pascal, m³/s: 0.126 l/s/bar for 1 mm
/// (ISO 6358's form; 7.5 l/min at 40 kPa).
const ORIFICE_FLOW: f64 = 7.5 * LITRE_PER_MINUTE / (200.0 * 0.785e-6);

/// What one cup of a group reaches.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Supply {
    /// What the host tells the gripper to expect, pascals below ambient.
    pub(crate) expected_pa: f64,
    /// Probability that one cup's leak is small enough for "sealed", 0…1.
    pub(crate) tight: f64,
    /// What the cups stand at while they carry, pascals below ambient.
    pub(crate) carried_pa: f64,
}

/// What groups of 0, 1, 2, … cups on one material reach.
pub(crate) fn supplies(tool: &ToolModel, surface: &Surface) -> Vec<Supply> {
    let vacuum = &tool.vacuum;
    let orifice = ORIFICE_FLOW * core::f64::consts::FRAC_PI_4 * vacuum.orifice_m * vacuum.orifice_m;
    let group = |cups: usize| {
        // Planned with a leak half a σ above the median: the force is there in two of three picks.
        let cautious = surface.leak_m3_s * (0.5 * surface.leak_sigma).exp();
        let expected_pa = reached(vacuum, orifice, cups, cautious).min(ASKED_MOST_PA);
        let least = (SEALED_SHARE * expected_pa).max(SEALED_FLOOR_PA);
        let most = most_leak(vacuum, orifice, cups, least);
        let tight = normal((most / surface.leak_m3_s).max(1e-12).ln() / surface.leak_sigma);
        let carried_pa = reached(vacuum, orifice, cups, surface.leak_m3_s).min(CARRIED_PA);
        Supply { expected_pa, tight, carried_pa }
    };
    core::iter::once(Supply::default()).chain((1..=tool.cups.len()).map(group)).collect()
}

/// Flow of a leak at a pressure: orifice-like, known at 40 kPa.
fn leak_flow(leak_m3_s: f64, pressure_pa: f64) -> f64 {
    leak_m3_s * (pressure_pa / 40e3).max(0.0).sqrt()
}

/// Pressure in each of `cups` cups that leak alike behind one ejector: the manifold's pressure where
/// the ejector's flow equals the sum of leaks, less what each line's orifice takes.
fn reached(vacuum: &Vacuum, orifice: f64, cups: usize, leak_m3_s: f64) -> f64 {
    // leak·√(p/40k) = orifice·√(m − p): both go with the root, so p is a share of m.
    let ratio = leak_m3_s / 40e3_f64.sqrt() / orifice.max(1e-15);
    let share = 1.0 / (1.0 + ratio * ratio);
    let (mut low, mut high) = (0.0, vacuum.end_vacuum_pa());
    for _ in 0..24 {
        let manifold = 0.5 * (low + high);
        if vacuum.flow_m3_s(manifold) > cups as f64 * leak_flow(leak_m3_s, share * manifold) {
            low = manifold;
        } else {
            high = manifold;
        }
    }
    share * low
}

/// Largest leak of each of `cups` cups, m³/s at 40 kPa, with which they still reach a pressure: the manifold's
/// pressure at which what the orifices pass is what the ejector moves.
fn most_leak(vacuum: &Vacuum, orifice: f64, cups: usize, pressure_pa: f64) -> f64 {
    let passes = |manifold: f64| orifice * (manifold - pressure_pa).max(0.0).sqrt();
    let (mut low, mut high) = (pressure_pa, vacuum.end_vacuum_pa().max(pressure_pa));
    for _ in 0..24 {
        let manifold = 0.5 * (low + high);
        if vacuum.flow_m3_s(manifold) > cups as f64 * passes(manifold) {
            low = manifold;
        } else {
            high = manifold;
        }
    }
    passes(low) / (pressure_pa / 40e3).sqrt()
}

/// Error of tool and camera together where the cup lands, metres (1 to 3 mm, 1 σ; constants of the cell).
const LANDING_SIGMA_M: f64 = 0.002;
/// Way that the tool goes on after the first cup touches, and what the vacuum draws in beyond: 1.5 mm of stroke
/// until it is told, then braking from 0.05 m/s (estimate), and its scatter.
const FOLLOW_M: f64 = 0.004;
const FOLLOW_SIGMA_M: f64 = 0.0013;
/// Tilt at which half of the cups seal, and the width of the change (2.5 folds and more: 20 to 30°).
const HALF_TILT_RAD: f64 = 0.40;
const TILT_SIGMA_RAD: f64 = 0.09;

/// Probability that the lip stays on the face, for its distance from the edge.
pub(crate) fn on_face(margin_m: f64) -> f64 {
    normal((margin_m + 0.001) / LANDING_SIGMA_M)
}

/// Probability that the lip follows the surface.
pub(crate) fn follows(rms_m: f64, half_rms_m: f64) -> f64 {
    1.0 / (1.0 + (rms_m / half_rms_m).powi(4))
}

/// Probability that a cup sits well on a surface that leans away from its axis.
pub(crate) fn stands(tilt_rad: f64) -> f64 {
    normal((HALF_TILT_RAD - tilt_rad) / TILT_SIGMA_RAD)
}

/// Probability that a cup touches which has this way left when the first one does.
pub(crate) fn touches(gap_m: f64) -> f64 {
    if gap_m <= 0.0 { 1.0 } else { normal((FOLLOW_M - gap_m) / FOLLOW_SIGMA_M).min(1.0) }
}

/// Probability that an item which swings so far, radians, stays clear of what it passes and lies down flat (estimate: half
/// of those that swing by 15° touch something or come down on an edge).
pub(crate) fn steady(swing_rad: f64) -> f64 {
    1.0 / (1.0 + (swing_rad / 0.26).powi(2))
}

/// Probability that a lying cylinder stays where it is when it is pushed this far beside its crest, radians: it rolls
/// off once the push along the side beats what holds it (estimate).
pub(crate) fn stays(beside_rad: f64) -> f64 {
    1.0 / (1.0 + (beside_rad / 0.16).powi(4))
}

/// Radius below which no bellows seals on a cylinder, as a share of the cup's diameter (0.65 to 1.0).
pub(crate) const LEAST_BEND: f64 = 0.65;

/// Probability that a lip lies down on a cylinder of this radius.
pub(crate) fn bends(radius_m: f64, cup_diameter_m: f64) -> f64 {
    normal((radius_m / cup_diameter_m - 0.72) / 0.12)
}

/// The normal distribution's function (Abramowitz and Stegun 26.2.17, error below 7.5e-8).
pub(crate) fn normal(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * x.abs());
    let series = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let tail = series.iter().rev().fold(0.0, |sum, c| (sum + c) * t);
    let tail = tail * (-0.5 * x * x).exp() / (2.0 * core::f64::consts::PI).sqrt();
    if x >= 0.0 { 1.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool() -> ToolModel {
        ToolModel::find("six-cup", std::path::Path::new(".")).unwrap()
    }

    #[test]
    fn tight_goods_reach_what_is_asked_for_with_any_number_of_cups() {
        for supply in &supplies(&tool(), &surface(Material::Metal))[1..] {
            assert!(supply.expected_pa > 55e3 && supply.tight > 0.99, "{supply:?}");
        }
    }

    #[test]
    fn more_cups_on_a_leaky_material_reach_less() {
        let reached: Vec<_> = supplies(&tool(), &surface(Material::Film)).iter().map(|s| s.expected_pa).collect();
        assert!(reached[1] > 45e3, "{reached:?}");
        assert!(reached[1..].windows(2).all(|w| w[1] <= w[0]) && reached[6] < 0.75 * reached[1], "{reached:?}");
    }

    #[test]
    fn a_mesh_holds_no_vacuum() {
        let supplies = supplies(&tool(), &surface(Material::Mesh));
        assert!(supplies[1].expected_pa < SEALED_FLOOR_PA && supplies[1].tight < 0.05, "{:?}", supplies[1]);
    }

    #[test]
    fn the_normal_distribution_has_its_known_values() {
        for (x, expected) in [(0.0, 0.5), (1.0, 0.841_344_746), (-1.96, 0.024_997_895), (4.0, 0.999_968_329)] {
            assert!((normal(x) - expected).abs() < 1e-7, "normal({x}) = {}", normal(x));
        }
    }
}
