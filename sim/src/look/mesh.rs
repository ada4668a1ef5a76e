//! The outside of an item as triangles, and its OBJ file.

use std::collections::BTreeMap;
use std::f32::consts::TAU;
use std::fmt::Write as _;
use std::str::FromStr;

/// Triangles in the item's frame, metres, centred on the item's box. Counter-clockwise seen from outside.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mesh {
    /// Where each corner is, metres.
    pub positions: Vec<[f32; 3]>,
    /// The outward direction at each corner.
    pub normals: Vec<[f32; 3]>,
    /// Where each corner lies in the texture: 0…1 from the top left.
    pub uvs: Vec<[f32; 2]>,
    /// Three corners each.
    pub triangles: Vec<[u32; 3]>,
}

/// A rectangle of an atlas, in 0…1 from the top left.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Patch {
    pub left: f32,
    pub top: f32,
    pub right: f32,
    pub bottom: f32,
    /// Turned by a quarter: the picture's right runs down the atlas and its top lies at the right.
    pub turned: bool,
}

impl Patch {
    /// Where a point of the picture (0…1 from its top left) lies in the atlas.
    pub fn at(&self, s: f32, t: f32) -> [f32; 2] {
        let (s, t) = if self.turned { (1.0 - t, s) } else { (s, t) };
        [self.left + (self.right - self.left) * s, self.top + (self.bottom - self.top) * t]
    }
}

/// Outward direction, the picture's right and the picture's up of the box's sides −x, +x, −y, +y, −z, +z.
pub(crate) const SIDES: [[[f32; 3]; 3]; 6] = [
    [[-1., 0., 0.], [0., -1., 0.], [0., 0., 1.]],
    [[1., 0., 0.], [0., 1., 0.], [0., 0., 1.]],
    [[0., -1., 0.], [1., 0., 0.], [0., 0., 1.]],
    [[0., 1., 0.], [-1., 0., 0.], [0., 0., 1.]],
    [[0., 0., -1.], [1., 0., 0.], [0., -1., 0.]],
    [[0., 0., 1.], [1., 0., 0.], [0., 1., 0.]],
];

impl Mesh {
    fn corner(&mut self, position: [f32; 3], normal: [f32; 3], uv: [f32; 2]) -> u32 {
        self.positions.push(position);
        self.normals.push(normal);
        self.uvs.push(uv);
        (self.positions.len() - 1) as u32
    }

    /// A box of half sides `half`; patch k is the picture of side k of [`SIDES`].
    pub(crate) fn cuboid(half: [f32; 3], patches: &[Patch; 6]) -> Self {
        let mut mesh = Self::default();
        for ([out, right, up], patch) in SIDES.iter().zip(patches) {
            let at = |s: f32, t: f32| [0, 1, 2].map(|k| half[k] * (out[k] + right[k] * s + up[k] * t));
            let a = mesh.corner(at(-1., -1.), *out, patch.at(0., 1.));
            let b = mesh.corner(at(1., -1.), *out, patch.at(1., 1.));
            let c = mesh.corner(at(1., 1.), *out, patch.at(1., 0.));
            let d = mesh.corner(at(-1., 1.), *out, patch.at(0., 0.));
            mesh.triangles.extend([[a, b, c], [a, c, d]]);
        }
        mesh
    }

    /// A cylinder along z; `side` is unrolled from −y round by +x, `ends` are the pictures of −z and +z.
    pub(crate) fn cylinder(radius: f32, half_height: f32, segments: u32, side: &Patch, ends: &[Patch; 2]) -> Self {
        let mut mesh = Self::default();
        for i in 0..=segments {
            let share = i as f32 / segments as f32;
            let (sin, cos) = (share * TAU).sin_cos();
            let out = [sin, -cos, 0.0];
            let at = |z: f32| [radius * sin, -radius * cos, z];
            let low = mesh.corner(at(-half_height), out, side.at(share, 1.0));
            let high = mesh.corner(at(half_height), out, side.at(share, 0.0));
            if i < segments {
                mesh.triangles.extend([[low, low + 2, high + 2], [low, high + 2, high]]);
            }
        }
        for ([out, right, up], patch) in SIDES[4..].iter().zip(ends) {
            let first = mesh.positions.len() as u32;
            for i in 0..segments {
                let (sin, cos) = (i as f32 / segments as f32 * TAU).sin_cos();
                let at = [0, 1, 2].map(|k| radius * (right[k] * cos + up[k] * sin) + out[k] * half_height);
                mesh.corner(at, *out, patch.at(0.5 + 0.5 * cos, 0.5 - 0.5 * sin));
            }
            mesh.triangles.extend((1..segments - 1).map(|i| [first, first + i, first + i + 1]));
        }
        mesh
    }

    /// As a Wavefront OBJ file; v is turned to run upwards, as the format has it.
    #[must_use]
    pub fn to_obj(&self) -> String {
        let mut text = String::from("# item frame, metres\n");
        for [x, y, z] in &self.positions {
            let _ = writeln!(text, "v {x} {y} {z}");
        }
        for [u, v] in &self.uvs {
            // In f64, so that turning v twice gives it back.
            let _ = writeln!(text, "vt {u} {}", 1.0 - f64::from(*v));
        }
        for [x, y, z] in &self.normals {
            let _ = writeln!(text, "vn {x} {y} {z}");
        }
        for corners in &self.triangles {
            let [a, b, c] = corners.map(|i| i + 1);
            let _ = writeln!(text, "f {a}/{a}/{a} {b}/{b}/{b} {c}/{c}/{c}");
        }
        text
    }

    /// From a Wavefront OBJ file with positions, texture coordinates and normals; faces may be polygons.
    ///
    /// # Errors
    /// The line, what it holds, and the rule that it breaks.
    pub fn from_obj(text: &str) -> Result<Self, ObjError> {
        let mut obj = ObjLines::default();
        for (number, line) in (1..).zip(text.lines()) {
            obj.take(line).map_err(|rule| ObjError { line: number, found: line.to_owned(), rule })?;
        }
        if obj.faces.is_empty() {
            return Err(ObjError { line: 0, found: "0 faces".to_owned(), rule: "one face or more" });
        }
        Ok(obj.mesh())
    }
}

/// Why an OBJ file is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is {found:?}; must be {rule}")]
pub struct ObjError {
    /// The line, from 1; 0 is the file as a whole.
    pub line: usize,
    /// What it holds.
    pub found: String,
    /// The rule it breaks.
    pub rule: &'static str,
}

/// The most triangles of an OBJ file that are read.
const MOST_TRIANGLES: usize = 1_000_000;

#[derive(Default)]
struct ObjLines {
    positions: Vec<[f32; 3]>,
    uvs: Vec<[f32; 2]>,
    normals: Vec<[f32; 3]>,
    /// Three corners each: position, texture coordinate, normal.
    faces: Vec<[[usize; 3]; 3]>,
}

impl ObjLines {
    fn take(&mut self, line: &str) -> Result<(), &'static str> {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("v") => self.positions.push(numbers(words, "v and three finite numbers")?),
            Some("vn") => self.normals.push(numbers(words, "vn and three finite numbers")?),
            Some("vt") => {
                let [u, v] = numbers::<f64, 2>(words, "vt and two finite numbers")?;
                self.uvs.push([u as f32, (1.0 - v) as f32]);
            }
            Some("f") => self.face(words)?,
            _ => {}
        }
        Ok(())
    }

    fn face<'a>(&mut self, words: impl Iterator<Item = &'a str>) -> Result<(), &'static str> {
        let lengths = [self.positions.len(), self.uvs.len(), self.normals.len()];
        let corner = |word: &str| -> Option<[usize; 3]> {
            let numbers: Vec<usize> = word.split('/').map(|p| p.parse().ok()).collect::<Option<_>>()?;
            let numbers: [usize; 3] = numbers.try_into().ok()?;
            let known = numbers.iter().zip(lengths).all(|(n, length)| (1..=length).contains(n));
            known.then(|| numbers.map(|n| n - 1))
        };
        let corners: Option<Vec<[usize; 3]>> = words.map(corner).collect();
        let corners = corners.ok_or("f and corners v/vt/vn, each the number of a line above")?;
        if corners.len() < 3 {
            return Err("f and three corners or more");
        }
        if self.faces.len() + corners.len() > MOST_TRIANGLES {
            return Err("at most 1000000 triangles in all");
        }
        self.faces.extend(corners[1..].windows(2).map(|pair| [corners[0], pair[0], pair[1]]));
        Ok(())
    }

    fn mesh(self) -> Mesh {
        let alike = self.faces.iter().flatten().all(|[v, vt, vn]| v == vt && v == vn);
        if alike && self.uvs.len() == self.positions.len() && self.normals.len() == self.positions.len() {
            let triangles = self.faces.iter().map(|f| f.map(|[v, _, _]| v as u32)).collect();
            return Mesh { positions: self.positions, normals: self.normals, uvs: self.uvs, triangles };
        }
        let mut mesh = Mesh::default();
        let mut known = BTreeMap::new();
        for face in &self.faces {
            let triangle = face.map(|corner| {
                let [v, vt, vn] = corner;
                *known.entry(corner).or_insert_with(|| mesh.corner(self.positions[v], self.normals[vn], self.uvs[vt]))
            });
            mesh.triangles.push(triangle);
        }
        mesh
    }
}

fn numbers<'a, T: FromStr + Into<f64> + Copy, const N: usize>(
    words: impl Iterator<Item = &'a str>,
    rule: &'static str,
) -> Result<[T; N], &'static str> {
    let finite = |word: &str| word.parse().ok().filter(|v: &T| (*v).into().is_finite());
    let found: Option<Vec<T>> = words.take(N).map(finite).collect();
    found.and_then(|v| v.try_into().ok()).ok_or(rule)
}
