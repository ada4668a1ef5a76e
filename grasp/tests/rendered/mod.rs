//! Boxes and cylinders in a tote, rendered by rays, with the noise of a stereo camera: what the tests look at.
//! It is made for the tests alone and knows nothing of suction.
#![allow(dead_code, missing_docs, reason = "each test uses a part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics has failed")]

use std::sync::Arc;

use control::{Cell, Container, ToolModel};
use grasp::Surroundings;
use nalgebra::{Isometry3, Matrix3, Point3, Rotation3, Translation3, UnitQuaternion, Vector3};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scene::frame::Tote;
use scene::{
    Belief, Catalogue, Fragility, HeightMap, Item, ItemId, Mask, Material, Pose, Shape, Sku, SkuName, Timestamp,
};

pub const TOTE: [f64; 3] = [0.6, 0.4, 0.3];
const WIDTH: usize = 640;
const HEIGHT: usize = 480;
const FOCAL: f64 = 940.0;
const CAMERA_Z: f64 = 1.27;

/// A thing in the tote: in the tote's frame, sides along x, y, z; a cylinder's axis is its z.
#[derive(Clone)]
pub struct Solid {
    pub sku: Sku,
    pub at: Isometry3<f64>,
}

pub fn sku(name: &str, size_m: [f64; 3], mass_kg: f64, shape: Shape, material: Material) -> Sku {
    Sku {
        name: SkuName::new(name).unwrap(),
        barcode: None,
        size_m,
        mass_kg: Some(mass_kg),
        shape,
        material,
        fragility: Fragility::Normal,
        upright: false,
        size_unknown: false,
    }
}

/// A carton that stands on the floor at (x, y), turned by `yaw`.
pub fn carton(name: &str, size_m: [f64; 3], mass_kg: f64, x: f64, y: f64, yaw: f64) -> Solid {
    let at = Isometry3::new(Vector3::new(x, y, 0.5 * size_m[2]), Vector3::z() * yaw);
    Solid { sku: sku(name, size_m, mass_kg, Shape::Box, Material::Carton), at }
}

/// A can that lies on the floor, its axis turned by `yaw` from x.
pub fn lying_can(name: &str, diameter: f64, length: f64, mass_kg: f64, x: f64, y: f64, yaw: f64) -> Solid {
    let turn = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw)
        * UnitQuaternion::from_axis_angle(&Vector3::y_axis(), core::f64::consts::FRAC_PI_2);
    Solid {
        sku: sku(name, [diameter, diameter, length], mass_kg, Shape::Cylinder, Material::Metal),
        at: Isometry3::from_parts(Translation3::new(x, y, 0.5 * diameter), turn),
    }
}

impl Solid {
    pub fn tilted(mut self, about: Vector3<f64>, angle: f64, lift: f64) -> Self {
        let turn = UnitQuaternion::from_axis_angle(&nalgebra::Unit::new_normalize(about), angle);
        self.at.rotation = turn * self.at.rotation;
        self.at.translation.z += lift;
        self
    }

    pub fn raised(mut self, by: f64) -> Self {
        self.at.translation.z += by;
        self
    }

    fn hit(&self, from: &Point3<f64>, way: &Vector3<f64>) -> Option<f64> {
        let p = self.at.inverse_transform_point(from);
        let d = self.at.inverse_transform_vector(way);
        let half = self.sku.size_m.map(|s| 0.5 * s);
        let slab = |axis: usize| {
            let (a, b) = ((-half[axis] - p[axis]) / d[axis], (half[axis] - p[axis]) / d[axis]);
            (a.min(b), a.max(b))
        };
        let (mut near, mut far) = slab(2);
        if self.sku.shape == Shape::Cylinder {
            let a = d.x * d.x + d.y * d.y;
            let b = p.x * d.x + p.y * d.y;
            let c = p.x * p.x + p.y * p.y - half[0] * half[0];
            let root = b * b - a * c;
            if root < 0.0 {
                return None;
            }
            if a > 1e-12 {
                near = near.max((-b - root.sqrt()) / a);
                far = far.min((-b + root.sqrt()) / a);
            } else if c > 0.0 {
                return None;
            }
        } else {
            for axis in 0..2 {
                let (a, b) = slab(axis);
                (near, far) = (near.max(a), far.min(b));
            }
        }
        (near < far && near > 0.0).then_some(near)
    }
}

/// What a look gives.
pub struct Look {
    pub tool: ToolModel,
    pub tote: Container<Tote>,
    pub surface: HeightMap<Tote>,
    pub catalogue: Catalogue,
    /// One for each solid of which more than 100 pixels are seen, with the solid's number as its id.
    pub items: Vec<Item>,
}

impl Look {
    pub fn around(&self) -> Surroundings<'_> {
        Surroundings { tool: &self.tool, tote: &self.tote, surface: &self.surface, catalogue: &self.catalogue }
    }

    pub fn item(&self, id: usize) -> &Item {
        self.items.iter().find(|i| i.id.0 as usize == id).expect("the solid is seen")
    }
}

/// The sensor's faults.
#[derive(Clone, Copy)]
pub struct Sensor {
    /// Standard deviation of depth at the floor, metres; correlated over about 7 pixels.
    pub noise_m: f64,
    /// Share of pixels without depth, in blots of about 5 pixels.
    pub holes: f64,
}

pub const STEREO: Sensor = Sensor { noise_m: 0.0025, holes: 0.01 };

/// The default cell without its files.
pub fn cell() -> Cell {
    Cell::from_toml(include_str!("../../../src/cells/default.toml"), "default.toml").unwrap()
}

pub fn look(solids: &[Solid], sensor: Sensor, seed: u64) -> Look {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let cell = cell();
    let tote = cell.totes[0].clone();
    let tool = ToolModel::find("six-cup", std::path::Path::new(".")).unwrap();
    let (depth, ids) = render(solids);
    let noise = Noise::new(&mut rng);
    let holes = Noise::new(&mut rng);
    let limit = if sensor.holes <= 0.0 { f64::INFINITY } else { upper_quantile(sensor.holes) };
    let mut points: Vec<Option<Point3<f64>>> = vec![None; WIDTH * HEIGHT];
    for v in 0..HEIGHT {
        for u in 0..WIDTH {
            let k = v * WIDTH + u;
            if holes.at(u, v) > limit {
                continue;
            }
            let white: f64 = rng.random_range(-0.5..0.5);
            let error = sensor.noise_m * (depth[k] / CAMERA_Z).powi(2) * (noise.at(u, v) + 0.5 * white);
            points[k] = Some(unproject(u, v, depth[k] + error));
        }
    }
    let catalogue: Catalogue = solids.iter().map(|s| (s.sku.name.clone(), s.sku.clone())).collect();
    let items = solids.iter().enumerate().filter_map(|(id, solid)| item(id, solid, &ids, &points, &tote)).collect();
    Look { tool, surface: height_map(&points), tote, catalogue, items }
}

/// The value that a standard normal exceeds with this probability (bisection on a logistic approximation).
fn upper_quantile(share: f64) -> f64 {
    -(share / (1.0 - share)).ln() / 1.702
}

/// Camera over the tote's middle: x along the tote's x, y against its y.
fn unproject(u: usize, v: usize, z: f64) -> Point3<f64> {
    Point3::new((u as f64 - 319.5) * z / FOCAL, -(v as f64 - 239.5) * z / FOCAL, CAMERA_Z - z)
}

fn render(solids: &[Solid]) -> (Vec<f64>, Vec<u32>) {
    let mut depth = vec![CAMERA_Z; WIDTH * HEIGHT];
    let mut ids = vec![u32::MAX; WIDTH * HEIGHT];
    let from = Point3::new(0.0, 0.0, CAMERA_Z);
    for (id, solid) in solids.iter().enumerate() {
        let radius = 0.5 * Vector3::from(solid.sku.size_m).norm();
        let c = solid.at.translation.vector;
        let scale = FOCAL / (CAMERA_Z - c.z - radius).max(0.2);
        let span = |middle: f64, n: usize| {
            let low = (middle - scale * radius - 60.0).max(0.0) as usize;
            (low, ((middle + scale * radius + 60.0).max(0.0) as usize).min(n))
        };
        let near = FOCAL / (CAMERA_Z - c.z);
        let (u0, u1) = span(319.5 + c.x * near, WIDTH);
        let (v0, v1) = span(239.5 - c.y * near, HEIGHT);
        for v in v0..v1 {
            for u in u0..u1 {
                let way = unproject(u, v, 1.0) - from;
                let k = v * WIDTH + u;
                if let Some(z) = solid.hit(&from, &way).filter(|z| *z < depth[k]) {
                    (depth[k], ids[k]) = (z, id as u32);
                }
            }
        }
    }
    (depth, ids)
}

fn item(id: usize, solid: &Solid, ids: &[u32], points: &[Option<Point3<f64>>], tote: &Container<Tote>) -> Option<Item> {
    let pixels: Vec<(u32, u32)> = (0..HEIGHT as u32)
        .flat_map(|v| (0..WIDTH as u32).map(move |u| (u, v)))
        .filter(|(u, v)| ids[*v as usize * WIDTH + *u as usize] == id as u32)
        .collect();
    if pixels.len() < 100 {
        return None;
    }
    let alone = render(std::slice::from_ref(solid)).1.iter().filter(|i| **i == 0).count();
    let (mut cloud, mut normals) = (Vec::new(), Vec::new());
    for &(u, v) in &pixels {
        let at = |du: i64, dv: i64| {
            let (u, v) = (i64::from(u) + du, i64::from(v) + dv);
            if u < 0 || v < 0 || u >= WIDTH as i64 || v >= HEIGHT as i64 {
                return None;
            }
            points[v as usize * WIDTH + u as usize]
        };
        let Some(p) = at(0, 0) else { continue };
        let slope = |a: Option<Point3<f64>>, b: Option<Point3<f64>>| Some(b? - a?);
        let normal = slope(at(-4, 0), at(4, 0))
            .zip(slope(at(0, 4), at(0, -4)))
            .and_then(|(x, y)| x.cross(&y).try_normalize(1e-12))
            .unwrap_or_else(Vector3::z);
        cloud.push(tote.world_from.point(&p));
        normals.push(tote.world_from.direction(&normal));
    }
    // The side that looks up most is the box's z; a lying cylinder's axis is its x.
    let turn = solid.at.rotation;
    let axes = [Vector3::x(), Vector3::y(), Vector3::z()].map(|a| turn * a);
    let up = (0..3).fold(0, |m, i| if axes[i].z.abs() > axes[m].z.abs() + 1e-9 { i } else { m });
    let [x, z] = if solid.sku.shape == Shape::Cylinder && axes[2].z.abs() < 0.7 {
        let x = axes[2];
        [x, (Vector3::z() - x * x.z).normalize()]
    } else {
        [axes[(up + 1) % 3], axes[up] * axes[up].z.signum()]
    };
    let rotation = UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(Matrix3::from_columns(&[
        x,
        z.cross(&x),
        z,
    ])));
    let inside: Vec<_> =
        cloud.iter().map(|p| rotation.inverse_transform_point(&tote.world_from.inverse().point(p))).collect();
    let low = |a: usize| inside.iter().map(|p| p[a]).fold(f64::INFINITY, f64::min);
    let high = |a: usize| inside.iter().map(|p| p[a]).fold(f64::NEG_INFINITY, f64::max);
    let middle = Point3::new(0.5 * (low(0) + high(0)), 0.5 * (low(1) + high(1)), 0.5 * (low(2) + high(2)));
    let tote_from_item = Pose::from_parts((rotation * middle).coords, rotation);
    Some(Item {
        id: ItemId(id as u32),
        taken_at: Timestamp::ZERO,
        score: 0.95,
        mask: Mask::from_pixels(&pixels)?,
        beliefs: vec![Belief { sku: Some(solid.sku.name.clone()), p: 0.97 }, Belief { sku: None, p: 0.03 }],
        cloud,
        normals,
        world_from_item: tote.world_from * tote_from_item,
        size_m: [0, 1, 2].map(|a| (high(a) - low(a)).max(0.002)),
        material: solid.sku.material,
        compliance: 0.1,
        covered: 1.0 - pixels.len() as f64 / alone.max(1) as f64,
    })
}

/// Cells of 5 mm, each at the upper quartile of its readings.
fn height_map(points: &[Option<Point3<f64>>]) -> HeightMap<Tote> {
    let mut map = HeightMap::over_floor([TOTE[0], TOTE[1]], 0.005, f32::NAN);
    let mut readings: Vec<(usize, f64)> =
        points.iter().flatten().filter_map(|p| map.cell_at(p.x, p.y).map(|(i, j)| (j * map.nx + i, p.z))).collect();
    readings.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    for group in readings.chunk_by(|a, b| a.0 == b.0) {
        map.z[group[0].0] = group[(group.len() - 1) * 3 / 4].1 as f32;
    }
    map
}

/// Noise of unit variance that hangs together over about seven pixels.
struct Noise(Arc<[f64]>);

const COARSE: usize = 7;
const ACROSS: usize = WIDTH / COARSE + 3;

impl Noise {
    fn new(rng: &mut ChaCha8Rng) -> Self {
        let count = ACROSS * (HEIGHT / COARSE + 3);
        Self((0..count).map(|_| (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0).collect())
    }

    fn at(&self, u: usize, v: usize) -> f64 {
        let (x, y) = (u as f64 / COARSE as f64, v as f64 / COARSE as f64);
        let (i, j) = (x as usize, y as usize);
        let (a, b) = (x - i as f64, y - j as f64);
        let weights = [(0, 0, (1.0 - a) * (1.0 - b)), (1, 0, a * (1.0 - b)), (0, 1, (1.0 - a) * b), (1, 1, a * b)];
        let power: f64 = weights.iter().map(|w| w.2 * w.2).sum();
        weights.iter().map(|(di, dj, w)| w * self.0[(j + dj) * ACROSS + i + di]).sum::<f64>() / power.sqrt()
    }
}

/// About 25 things in a heap that doesn't touch the walls: layers of tilted boxes and cans.
pub fn heap(seed: u64) -> Vec<Solid> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut solids = Vec::new();
    for layer in 0..2 {
        for column in 0..13 {
            let x = -0.23 + 0.46 * (column as f64 % 5.0) / 4.0 + rng.random_range(-0.02..0.02);
            let y = -0.12 + 0.24 * (column / 5) as f64 / 2.0 + rng.random_range(-0.02..0.02);
            let yaw = rng.random_range(-1.5..1.5);
            let name = format!("item-{}-{column}", layer);
            let solid = if rng.random_bool(0.3) {
                lying_can(&name, rng.random_range(0.05..0.08), rng.random_range(0.08..0.13), 0.4, x, y, yaw)
            } else {
                let size = [rng.random_range(0.07..0.16), rng.random_range(0.05..0.1), rng.random_range(0.03..0.07)];
                carton(&name, size, rng.random_range(0.1..0.6), x, y, yaw)
            };
            let lean = Vector3::new(rng.random_range(-1.0..1.0), rng.random_range(-1.0..1.0), 0.1);
            let tilt = rng.random_range(0.0..0.25) * f64::from(layer);
            solids.push(solid.tilted(lean, tilt, 0.0).raised(0.07 * f64::from(layer)));
        }
    }
    solids
}

/// The first solid that a straight way down the tool's axis meets, from 30 mm before the lips: its number,
/// and how far beyond the lips it is, metres. Tote frame.
pub fn under(solids: &[Solid], from: &Point3<f64>, axis: &Vector3<f64>) -> Option<(usize, f64)> {
    let start = from - axis * 0.03;
    solids
        .iter()
        .enumerate()
        .filter_map(|(i, s)| s.hit(&start, axis).map(|t| (i, t - 0.03)))
        .min_by(|a, b| a.1.total_cmp(&b.1))
}

/// How many of 24 points of a wanted cup's lip lie on the solid within ±`reach` of the lip's plane.
pub fn lip_on(solids: &[Solid], id: usize, look: &Look, hold: &control::Hold, cup: usize, reach: f64) -> usize {
    let tote_from_tool = look.tote.world_from.inverse() * hold.world_from_tool;
    let axis = tote_from_tool.direction(&Vector3::z());
    let [x, y] = look.tool.cups[cup];
    (0..24)
        .filter(|i| {
            let angle = core::f64::consts::TAU * f64::from(*i) / 24.0;
            let (sin, cos) = angle.sin_cos();
            let r = look.tool.r_eff_m;
            let p = tote_from_tool.point(&Point3::new(x + r * cos, y + r * sin, 0.0));
            under(solids, &p, &axis).is_some_and(|(s, gap)| s == id && gap.abs() < reach)
        })
        .count()
}
