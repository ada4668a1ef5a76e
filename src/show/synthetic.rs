//! A made-up run for tests of the pictures: boxes in a tote, a few picks, no world behind them.

use std::collections::BTreeMap;
use std::sync::Arc;

use control::{ArmState, Cell, JointAngles, Obstacles, Planner, Program, SegmentKind, ToolModel};
use firmware::{CUPS, CupSet, CupState, CupStatus, State, Status};
use grasp::Surroundings;
use nalgebra::{Point3, UnitQuaternion, Vector3};
use scene::{
    Belief, Catalogue, Fragility, HeightMap, Item, ItemId, Mask, Material, Pose, RgbdImage, Shape, Sku, SkuName, Span,
    Timestamp, frame,
};

use crate::cycle::Step;
use crate::telemetry::{CandidateRecord, Choice, Event, Outcome, PickRecord};

/// A box in the tote: centre in the tote, sides, turn about the vertical, colour, name.
struct Block {
    at: [f64; 3],
    size: [f64; 3],
    yaw: f64,
    rgb: [u8; 3],
    sku: &'static str,
}

fn blocks() -> Vec<Block> {
    let names = ["tea-box", "soap-3pack", "pasta-500", "drill-bit-set", "socks-grey", "vitamin-c"];
    let colours = [[168, 120, 76], [214, 206, 188], [52, 84, 150], [176, 52, 48], [96, 98, 104], [226, 168, 44]];
    let mut out = Vec::new();
    for n in 0..17_u32 {
        let f = f64::from(n);
        let (column, row) = (f64::from(n % 5), f64::from(n / 5));
        let size =
            [0.085 + 0.012 * (f * 1.7).sin(), 0.062 + 0.012 * (f * 2.3).cos(), 0.05 + 0.04 * (f * 0.9).sin().abs()];
        let kind = (n * 5 + n / 3) as usize % names.len();
        out.push(Block {
            at: [-0.232 + 0.116 * column + 0.01 * (f * 3.1).sin(), -0.145 + 0.096 * row, 0.5 * size[2]],
            size,
            yaw: 0.35 * (f * 1.3).sin(),
            rgb: colours[kind],
            sku: names[kind],
        });
    }
    out
}

impl Block {
    fn top(&self) -> f64 {
        self.at[2] + 0.5 * self.size[2]
    }

    /// The colour of its upper side there; `None` beside it.
    fn colour_at(&self, x: f64, y: f64) -> Option<[u8; 3]> {
        let (sin, cos) = self.yaw.sin_cos();
        let (dx, dy) = (x - self.at[0], y - self.at[1]);
        let (u, v) = ((cos * dx + sin * dy).abs() / self.size[0], (cos * dy - sin * dx).abs() / self.size[1]);
        let label = u < 0.3 && v < 0.16;
        (u < 0.5 && v < 0.5).then_some(if label { [238, 236, 228] } else { self.rgb })
    }
}

/// Height over a point of the tote's floor.
fn height(blocks: &[Block], x: f64, y: f64) -> f64 {
    blocks.iter().filter(|b| b.colour_at(x, y).is_some()).map(Block::top).fold(0.0, f64::max)
}

/// The image of a camera that looks straight down, and which block each pixel shows.
fn image(cell: &Cell, camera: &str, blocks: &[Block], at: Timestamp) -> (RgbdImage, Vec<Option<usize>>) {
    let mount = cell.cameras.iter().find(|c| c.name == camera).unwrap();
    let tote = &cell.totes[0];
    let lens = mount.intrinsics;
    let (mut rgb, mut depth_m, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    let eye = mount.world_from_camera.origin();
    for v in 0..lens.height {
        for u in 0..lens.width {
            let ray = mount.world_from_camera.direction(&lens.unproject(f64::from(u), f64::from(v), 1.0).coords);
            let at = |height: f64| tote.world_from.inverse().point(&(eye + ray * ((eye.z - height) / -ray.z)));
            let inside = |p: &Point3<f64>| p.x.abs() < 0.5 * tote.size[0] && p.y.abs() < 0.5 * tote.size[1];
            let mut hit = (0.0, [74, 79, 86], None);
            if !inside(&at(tote.size[2])) {
                hit = (tote.size[2], [62, 104, 158], None);
            } else if !inside(&at(0.0)) {
                // On a wall: where the ray leaves the inner size.
                let height = (0..100).map(|n| 0.003 * f64::from(n)).find(|&h| inside(&at(h))).unwrap_or(0.3);
                hit = (height, [48, 80, 122], None);
            }
            for (n, block) in blocks.iter().enumerate() {
                let p = at(block.top());
                if let Some(rgb) = block.colour_at(p.x, p.y).filter(|_| block.top() > hit.0) {
                    hit = (block.top(), rgb, Some(n));
                }
            }
            let depth = (eye.z - hit.0) / -ray.z;
            let shade = 1.0 - 0.25 * (1.0 - hit.0 / 0.15).clamp(0.0, 1.0);
            rgb.extend(hit.1.map(|c: u8| (f64::from(c) * shade) as u8));
            let hole = (u * 7 + v * 13) % 97 == 0;
            depth_m.push(if hole { f32::NAN } else { depth as f32 });
            ids.push(hit.2);
        }
    }
    let image = RgbdImage { taken_at: at, intrinsics: lens, world_from_camera: mount.world_from_camera, rgb, depth_m };
    (image, ids)
}

/// Every cell of a height map.
fn cells(nx: usize, ny: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..nx).flat_map(move |i| (0..ny).map(move |j| (i, j)))
}

fn items(cell: &Cell, blocks: &[Block], ids: &[Option<usize>], image: &RgbdImage) -> Vec<Item> {
    let mut out = Vec::new();
    for (n, block) in blocks.iter().enumerate() {
        let pixels: Vec<(u32, u32)> = ids
            .iter()
            .zip(0_u32..)
            .filter(|(id, _)| **id == Some(n))
            .map(|(_, i)| (i % image.intrinsics.width, i / image.intrinsics.width))
            .collect();
        let Some(mask) = Mask::from_pixels(&pixels) else { continue };
        let cloud: Vec<_> = mask.pixels().filter_map(|(u, v)| image.world_point(u as usize, v as usize)).collect();
        let tote_from_item: Pose<frame::Tote, frame::Item> =
            Pose::from_parts(Vector3::from(block.at), UnitQuaternion::from_axis_angle(&Vector3::z_axis(), block.yaw));
        let p = 0.72 + 0.25 * (n as f64 * 0.7).sin().abs();
        let other = if block.sku == "tea-box" { "pasta-500" } else { "tea-box" };
        out.push(Item {
            id: ItemId(n as u32),
            taken_at: image.taken_at,
            score: 0.93,
            mask,
            beliefs: vec![
                Belief { sku: Some(SkuName::new(block.sku).unwrap()), p },
                Belief { sku: Some(SkuName::new(other).unwrap()), p: 0.7 * (1.0 - p) },
                Belief { sku: None, p: 0.3 * (1.0 - p) },
            ],
            normals: vec![Vector3::z(); cloud.len()],
            cloud,
            world_from_item: cell.totes[0].world_from * tote_from_item,
            size_m: block.size,
            material: Material::Carton,
            compliance: 0.05,
            covered: 0.0,
        });
    }
    out
}

/// What the site knows of the blocks.
fn catalogue(blocks: &[Block]) -> Catalogue {
    let sku = |block: &Block| {
        let name = SkuName::new(block.sku).unwrap();
        let sku = Sku {
            name: name.clone(),
            barcode: None,
            size_m: block.size,
            mass_kg: Some(0.25),
            shape: Shape::Box,
            material: Material::Carton,
            fragility: Fragility::Normal,
            upright: false,
            size_unknown: false,
        };
        (name, sku)
    };
    blocks.iter().map(sku).collect()
}

struct Run<'a> {
    cell: &'a Cell,
    tool: &'a ToolModel,
    planner: &'a Planner,
    catalogue: Catalogue,
    events: Vec<Event>,
    now: Timestamp,
    q: JointAngles,
    cups: [(CupState, f64); CUPS],
    load_n: f64,
}

impl Run<'_> {
    fn state(&mut self, dq: [f64; 6]) {
        let status = Status {
            time_ms: (self.now.nanos() / 1_000_000) as u32,
            state: State::Active,
            cups: self.cups.map(|(state, kpa)| CupStatus { state, pressure_pa: (kpa * 1e3) as u32 }),
            manifold_pa: (1e3 * self.cups.iter().map(|c| c.1).fold(0.0, f64::max) + 1500.0) as u32,
            load_mn: (self.load_n * 1e3) as i32,
            contact: false,
            generator: true,
            supply_ok: true,
            ..Status::default()
        };
        let arm = ArmState { at: self.now, q: self.q, dq, stopped: false };
        self.events.push(Event::State { at: self.now, arm, tool: Some(status) });
        self.now = self.now + Span::from_millis(20);
    }

    fn step(&mut self, pick: u32, step: Step) {
        self.events.push(Event::Step { at: self.now, pick, step });
    }

    fn wait(&mut self, seconds: f64) {
        for _ in 0..(seconds / 0.02) as usize {
            self.state([0.0; 6]);
        }
    }

    /// Runs a program until the tool is below `lowest`, telling the steps that its segments are.
    fn run(&mut self, pick: u32, program: Arc<Program>, lowest: f64, steps: &[(SegmentKind, Step)]) {
        let path = program.samples().iter().step_by(5).map(|q| self.planner.forward(q).origin().coords.into());
        let tool_path = Arc::new(path.collect());
        self.events.push(Event::Path { at: self.now, pick, program: program.clone(), tool_path });
        let mut told = None;
        for (n, next) in program.samples().iter().enumerate().step_by(20) {
            if self.planner.forward(next).origin().z < lowest {
                break;
            }
            let step = program
                .segment_at(n)
                .and_then(|segment| steps.iter().find(|(kind, _)| *kind == segment.kind))
                .map(|(_, step)| *step);
            if let Some(new) = step.filter(|_| step != told) {
                told = step;
                self.step(pick, new);
            }
            let dq = std::array::from_fn(|i| (next.0[i] - self.q.0[i]) / 0.02);
            self.q = *next;
            self.state(dq);
        }
    }

    fn seal(&mut self, wanted: CupSet) {
        for n in 0..9 {
            let kpa = 52.0 * (1.0 - (-f64::from(n) / 2.5).exp());
            for (cup, state) in self.cups.iter_mut().enumerate() {
                if wanted.contains(cup) {
                    let reached = if n < 4 { CupState::Seeking } else { CupState::Sealed };
                    *state = (reached, kpa * (1.0 - 0.015 * cup as f64));
                }
            }
            self.state([0.0; 6]);
        }
    }

    fn look(&mut self, blocks: &[Block]) -> (Arc<Vec<Item>>, Arc<HeightMap<frame::Tote>>) {
        let tote = &self.cell.totes[0];
        let camera = self.cell.camera_over(&tote.name).unwrap().name.clone();
        let (image, ids) = image(self.cell, &camera, blocks, self.now);
        let found = Arc::new(items(self.cell, blocks, &ids, &image));
        let mut surface = HeightMap::over_floor([tote.size[0], tote.size[1]], 0.005, 0.0);
        for (i, j) in cells(surface.nx, surface.ny) {
            let [x, y] = surface.centre(i, j);
            surface.set(i, j, if (i * 7 + j) % 61 == 0 { f32::NAN } else { height(blocks, x, y) as f32 });
        }
        let surface = Arc::new(surface);
        let at = self.now;
        self.events.push(Event::Image { at, camera: camera.clone(), image: Arc::new(image) });
        self.events.push(Event::Items { at, camera, tote: tote.name.clone(), items: found.clone() });
        self.events.push(Event::ToteSurface { at, tote: tote.name.clone(), surface: surface.clone() });
        (found, surface)
    }

    fn choose(&self, pick: u32, item: &Item, items: &Arc<Vec<Item>>, surface: &HeightMap<frame::Tote>) -> Choice {
        let around = Surroundings { tool: self.tool, tote: &self.cell.totes[0], surface, catalogue: &self.catalogue };
        let bin = &self.cell.bins[(pick as usize - 1) % self.cell.bins.len()];
        let candidates = grasp::grasps(item, items, &around, &|holds| self.planner.estimate(holds, bin));
        let in_bin = HeightMap::over_floor([bin.size[0], bin.size[1]], 0.005, 0.0);
        let sku = item.best().unwrap().0.clone();
        let placements = grasp::placements(&candidates[0].hold, &in_bin, bin, self.tool, self.catalogue.get(&sku));
        Choice {
            pick,
            tote: self.cell.totes[0].name.clone(),
            bin: bin.name.clone(),
            order: format!("order-{pick}"),
            sku,
            mass_kg: [0.2, 0.3],
            item: item.id,
            items: items.clone(),
            candidates,
            chosen: 0,
            placements,
            surface: Arc::new(in_bin),
        }
    }

    fn pick(&mut self, pick: u32, blocks: &[Block], index: usize) {
        let began_at = self.now;
        self.step(pick, Step::Look);
        let (items, surface) = self.look(blocks);
        self.wait(0.1);
        self.step(pick, Step::Choose);
        let choice = Arc::new(self.choose(pick, &items[index], &items, &surface));
        self.events.push(Event::Choice { at: self.now, choice: choice.clone() });
        self.wait(0.02);
        // Of an empty cell: blocks stand closer here than the planner's margin allows.
        let obstacles = Obstacles::of_cell(self.cell);
        let (hold, drop) = (choice.candidates[0].hold, choice.placements[0].drop);
        let reach = self.planner.reach(&self.q, &hold, &obstacles).unwrap();
        let steps = [(SegmentKind::Reach, Step::Reach), (SegmentKind::Approach, Step::Approach)];
        self.run(pick, Arc::new(reach), hold.world_from_tool.origin().z, &steps);
        self.step(pick, Step::Seal);
        self.seal(hold.cups);
        self.load_n = 9.81 * hold.mass_kg;
        let carry = self.planner.carry(&self.q, &hold, &drop, &obstacles).unwrap();
        let steps =
            [(SegmentKind::Lift, Step::Lift), (SegmentKind::Carry, Step::Carry), (SegmentKind::Lower, Step::Place)];
        self.run(pick, Arc::new(carry), drop.world_from_tool.origin().z, &steps);
        self.step(pick, Step::Release);
        self.cups = [(CupState::Vented, 0.0); CUPS];
        self.load_n = 0.0;
        self.wait(0.1);
        let retreat = self.planner.retreat(&self.q, 0.1, &obstacles).unwrap();
        self.run(pick, Arc::new(retreat), 0.0, &[(SegmentKind::Retreat, Step::Retreat)]);
        let mut surface = (*choice.surface).clone();
        choice.placements[0].add_to(&mut surface);
        self.events.push(Event::BinSurface { at: self.now, bin: choice.bin.clone(), surface: Arc::new(surface) });
        self.events.push(Event::Pick(Arc::new(record(&choice, began_at, self.now))));
    }
}

fn record(choice: &Choice, began_at: Timestamp, ended_at: Timestamp) -> PickRecord {
    let item = choice.items.iter().find(|i| i.id == choice.item).unwrap();
    PickRecord {
        pick: choice.pick,
        began_at,
        ended_at,
        order: choice.order.clone(),
        tote: choice.tote.clone(),
        bin: choice.bin.clone(),
        sku: choice.sku.clone(),
        beliefs: item.beliefs.clone(),
        size_m: item.size_m,
        world_from_item: item.world_from_item,
        covered: item.covered,
        candidates: choice.candidates.iter().map(CandidateRecord::of).collect(),
        chosen: choice.chosen,
        retry: 0,
        bin_from_box: choice.placements[0].bin_from_box,
        support: 0.98,
        max_acceleration: 12.0,
        max_vertical: 15.0,
        planned_s: BTreeMap::new(),
        way: None,
        expected_pa: 52_000,
        sealed_pa: vec![50_400; CUPS],
        lowest_pa: vec![48_900; CUPS],
        weighed_kg: Some(0.247),
        nominal_kg: Some(0.25),
        released_over_m: Some(0.002),
        outcome: if choice.pick == 2 { Outcome::WrongWeight } else { Outcome::Placed },
        remark: None,
        steps_s: vec![(Step::Look, 0.1), (Step::Choose, 0.02), (Step::Reach, 0.8), (Step::Approach, 0.5)],
    }
}

/// A few picks of some four seconds each.
pub fn events(cell: &Cell, tool: &ToolModel, planner: &Planner, picks: u32) -> Vec<Event> {
    let mut blocks = blocks();
    let mut run = Run {
        cell,
        tool,
        planner,
        catalogue: catalogue(&blocks),
        events: Vec::new(),
        now: Timestamp::ZERO,
        q: cell.rest,
        cups: [(CupState::Vented, 0.0); CUPS],
        load_n: 0.0,
    };
    for (pick, index) in (1..=picks).zip([7, 11, 6, 2]) {
        run.pick(pick, &blocks, index);
        blocks.remove(index);
    }
    run.events.push(Event::Warning { at: run.now, text: "cup 3 sealed 210 ms after the others".into() });
    run.events
}
