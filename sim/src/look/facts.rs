//! What can be said of a mesh without knowing what it is: closed, turned the right way, how large.

use std::collections::BTreeMap;

use serde::Serialize;

use super::mesh::Mesh;

/// Corners nearer than this are one, metres.
const WELD_M: f64 = 1e-6;

/// Counts and measures of a mesh.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MeshFacts {
    /// Triangles.
    pub triangles: usize,
    /// Edges, by place, that no triangle runs the other way: holes, or neighbours that face opposite ways.
    pub open_edges: usize,
    /// Edges that are run the same way twice.
    pub doubled_edges: usize,
    /// Enclosed volume, cubic metres; below 0 when inside and outside are swapped.
    pub volume_m3: f64,
    /// Sides of the box around it, metres.
    pub size_m: [f64; 3],
}

impl MeshFacts {
    /// Measures a mesh. Corners at the same place are one; triangles that welding makes flat are left out.
    #[must_use]
    pub fn of(mesh: &Mesh) -> Self {
        let mut places = BTreeMap::new();
        let welded: Vec<usize> = mesh
            .positions
            .iter()
            .map(|p| {
                let key = p.map(|v| (f64::from(v) / WELD_M).round() as i64);
                let next = places.len();
                *places.entry(key).or_insert(next)
            })
            .collect();
        let mut edges: BTreeMap<(usize, usize), u32> = BTreeMap::new();
        let mut volume_m3 = 0.0;
        for triangle in &mesh.triangles {
            let [a, b, c] = triangle.map(|i| welded[i as usize]);
            if a == b || b == c || a == c {
                continue;
            }
            for edge in [(a, b), (b, c), (c, a)] {
                *edges.entry(edge).or_default() += 1;
            }
            let [p, q, r] = triangle.map(|i| mesh.positions[i as usize].map(f64::from));
            volume_m3 += (p[0] * (q[1] * r[2] - q[2] * r[1])
                + p[1] * (q[2] * r[0] - q[0] * r[2])
                + p[2] * (q[0] * r[1] - q[1] * r[0]))
                / 6.0;
        }
        let open = |&(&(a, b), &count): &(&(usize, usize), &u32)| edges.get(&(b, a)) != Some(&count);
        let extent = |k: usize| {
            let each = mesh.positions.iter().map(|p| f64::from(p[k]));
            each.clone().fold(f64::MIN, f64::max) - each.fold(f64::MAX, f64::min)
        };
        Self {
            triangles: mesh.triangles.len(),
            open_edges: edges.iter().filter(open).count(),
            doubled_edges: edges.values().filter(|&&count| count > 1).count(),
            volume_m3,
            size_m: if mesh.positions.is_empty() { [0.0; 3] } else { [extent(0), extent(1), extent(2)] },
        }
    }

    /// What keeps it from being a solid, if anything does.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        if self.triangles == 0 {
            Some("0 triangles".to_owned())
        } else if self.open_edges > 0 {
            Some(format!("{} open edges of {} triangles", self.open_edges, self.triangles))
        } else if self.volume_m3 <= 0.0 {
            Some(format!("inverted, it encloses {:.6} m³", self.volume_m3))
        } else {
            None
        }
    }

    /// The unit that a mesh seems to be in when it isn't metres, and the factor that makes metres of it: by the
    /// longest side that it should have.
    #[must_use]
    pub fn mistaken_unit(&self, longest_m: f64) -> Option<(&'static str, f64)> {
        let longest = self.size_m.into_iter().fold(0.0, f64::max);
        let ratio = longest / longest_m.max(1e-9);
        [("millimetres", 1e-3), ("inches", 0.0254), ("centimetres", 1e-2)]
            .into_iter()
            .find(|(_, factor)| (0.75..1.34).contains(&(ratio * factor)))
            .filter(|_| !(0.34..3.0).contains(&ratio))
    }
}

#[cfg(test)]
mod tests {
    use super::super::mesh::Patch;
    use super::*;

    fn cube(half: f32) -> Mesh {
        Mesh::cuboid([half; 3], &[Patch { left: 0.0, top: 0.0, right: 1.0, bottom: 1.0, turned: false }; 6])
    }

    #[test]
    fn holes_swapped_sides_and_units_are_told_apart() {
        let check = |spoil: fn(&mut Mesh), expected: Option<&str>| {
            let mut mesh = cube(0.05);
            spoil(&mut mesh);
            assert_eq!(MeshFacts::of(&mesh).fault().as_deref(), expected);
        };
        check(|_| {}, None);
        check(|m| m.triangles.truncate(11), Some("3 open edges of 11 triangles"));
        check(|m| m.triangles[0].swap(0, 1), Some("3 open edges of 12 triangles"));
        check(|m| m.triangles.iter_mut().for_each(|t| t.swap(0, 1)), Some("inverted, it encloses -0.001000 m³"));
        check(|m| m.triangles.clear(), Some("0 triangles"));
        let unit = |half: f32| MeshFacts::of(&cube(half)).mistaken_unit(0.1).map(|(unit, _)| unit);
        assert_eq!(
            [unit(0.05), unit(50.0), unit(5.0), unit(1.97)],
            [None, Some("millimetres"), Some("centimetres"), Some("inches")]
        );
    }
}
