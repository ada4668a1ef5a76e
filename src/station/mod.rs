//! The station: knows orders, totes and bins; answers the cycle's tasks with `perception`, `grasp` and `control`.
//!
//! It computes no geometry of its own and never sees the simulator.

pub mod eyes;
pub mod ledger;
pub mod orders;
mod plans;
pub mod weight;

use std::collections::BTreeMap;
use std::sync::Arc;

use control::{Cell, Obstacles, Planner, RobotModel, ToolModel};
use grasp::{Candidate, Placement, Surroundings};
use perception::LookError;
use scene::{Catalogue, HeightMap, Item, Manifest, RgbdImage, SkuName, Timestamp, frame};

use crate::cli::Strategy;
use crate::cycle::Attempt;
use crate::telemetry::{CandidateRecord, Choice, Event, Outcome, PickRecord, Way};
use eyes::Eyes;
use ledger::Ledger;
use orders::Orders;
use plans::Ahead;

/// Side of the cells of all height maps, metres: two cells are narrower than the least gap that matters (10 mm).
const CELL_M: f64 = 0.005;
/// How many items of one look get the full grasp search; more only while none of them can be picked.
const ITEMS_SEARCHED: usize = 6;
/// Choices of one look that may turn out unreachable before the look is given up.
const REPLANS: u32 = 12;
/// Attempts on one item before it is left alone.
const TRIES_OF_AN_ITEM: u32 = 3;
/// An item of a SKU this near to where one lay is taken for the same one, metres: a miss may move it.
const SAME_ITEM_M: f64 = 0.06;
/// What lies on others goes first: what a grasp is worth more for each metre of the item's height.
const TOP_FIRST_PER_M: f64 = 1.5;
/// Seconds of a pick without its carry, of a usual carry, and what a failure costs (read off picks of tuning seeds, rounded).
const PICK_S: f64 = 1.5;
const CARRY_S: f64 = 1.2;
const FAILURE_S: f64 = 5.0;
/// Least belief from the picture with which the weight may settle what an item is.
const LEAST_PICTURE: f64 = 0.45;

/// One bin as the station believes it to be.
#[derive(Debug, Clone)]
struct BinState {
    name: String,
    /// The newest measured surface with what was put there since.
    surface: Arc<HeightMap<frame::Bin>>,
    /// The surface before the newest placement, to confirm it against.
    before: Arc<HeightMap<frame::Bin>>,
}

/// An item whose picking went wrong.
#[derive(Debug, Clone)]
struct Miss {
    sku: SkuName,
    /// Where it lay.
    item_at: nalgebra::Point3<f64>,
    /// Where the tool took hold.
    at: nalgebra::Point3<f64>,
    axis: nalgebra::Vector3<f64>,
    tries: u32,
    why: Outcome,
    /// What it weighed, where that was not what was expected.
    weighed_kg: Option<f64>,
}

/// A released pick that waits for its bin to be looked at.
#[derive(Debug)]
struct Waiting {
    record: PickRecord,
    placement: Placement,
}

/// Knows what is wanted, what lies where, and what was tried.
pub struct Station {
    cell: Cell,
    tool: ToolModel,
    planner: Planner,
    eyes: Box<dyn Eyes>,
    catalogue: Catalogue,
    manifest: Manifest,
    tote: usize,
    strategy: Strategy,
    /// Where the newest reach began, and the least time of the newest pick, seconds.
    ledger: Ledger,
    items: Arc<Vec<Item>>,
    tote_surface: Arc<HeightMap<frame::Tote>>,
    /// What stands in the way, from the newest surfaces; `None` once one of them is newer.
    obstacles: Option<Arc<Obstacles>>,
    bins: Vec<BinState>,
    misses: Vec<Miss>,
    /// Grasps of the newest look that no motion reaches: item and place of the candidate.
    unreachable: Vec<(scene::ItemId, nalgebra::Point3<f64>, nalgebra::Vector3<f64>)>,
    waiting: Option<Waiting>,
    /// A short carry from where the reach should touch.
    ahead: Option<Ahead>,
    /// The pick whose item goes elsewhere than chosen, and where.
    elsewhere: Option<(u32, Placement)>,
    records: Vec<PickRecord>,
    events: Vec<Event>,
}

impl Station {
    /// A station about to begin. `tote` is the index in the cell of the tote that is presented, `manifest` what it should hold.
    #[must_use]
    #[expect(clippy::too_many_arguments, reason = "called once, where the devices are chosen")]
    pub fn new(
        cell: Cell,
        robot: &RobotModel,
        tool: ToolModel,
        eyes: Box<dyn Eyes>,
        orders: &Orders,
        tote: usize,
        manifest: Manifest,
        strategy: Strategy,
    ) -> Self {
        let tote_size = cell.totes[tote].size;
        let bins = cell
            .bins
            .iter()
            .map(|bin| {
                let empty = Arc::new(HeightMap::over_floor([bin.size[0], bin.size[1]], CELL_M, 0.0));
                BinState { name: bin.name.clone(), surface: empty.clone(), before: empty }
            })
            .collect();
        Self {
            planner: Planner::new(robot, &tool, &cell),
            catalogue: eyes.catalogue().clone(),
            tool,
            eyes,
            manifest,
            tote,
            strategy,
            ledger: Ledger::new(orders),
            items: Arc::new(Vec::new()),
            tote_surface: Arc::new(HeightMap::over_floor([tote_size[0], tote_size[1]], CELL_M, 0.0)),
            obstacles: None,
            bins,
            misses: Vec::new(),
            unreachable: Vec::new(),
            waiting: None,
            ahead: None,
            elsewhere: None,
            records: Vec::new(),
            events: Vec::new(),
            cell,
        }
    }

    /// Finds the items of a new image of the tote.
    ///
    /// # Errors
    /// [`LookError`] when inference itself breaks; nothing has moved.
    pub fn look(&mut self, camera: &str, image: &Arc<RgbdImage>) -> Result<(), LookError> {
        let tote = &self.cell.totes[self.tote];
        let items = self.eyes.look(image, &self.manifest, tote)?;
        self.items = Arc::new(items);
        self.obstacles = None;
        self.tote_surface = Arc::new(perception::height_map(image, &tote.world_from, tote.size, CELL_M));
        self.unreachable.clear();
        let (at, tote) = (image.taken_at, tote.name.clone());
        self.events.extend([
            Event::Image { at, camera: camera.into(), image: image.clone() },
            Event::Items { at, camera: camera.into(), tote: tote.clone(), items: self.items.clone() },
            Event::ToteSurface { at, tote, surface: self.tote_surface.clone() },
        ]);
        Ok(())
    }

    /// Chooses the next item, its grasp and its place; `None` when nothing can be picked, with the reasons in the ledger.
    pub fn choose(&mut self, pick: u32, now: Timestamp) -> Option<Arc<Choice>> {
        if self.ledger.is_filled() || self.unreachable.len() as u32 >= REPLANS {
            return None;
        }
        let wanted = self.wanted_items();
        let mut best: Option<(f64, Choice)> = None;
        for (searched, (item, sku, window)) in wanted.into_iter().enumerate() {
            if searched >= ITEMS_SEARCHED && best.is_some() {
                break;
            }
            let candidates = self.grasps(&item, &sku);
            let Some(chosen) = candidates.iter().position(|c| c.rejected.is_none()) else {
                let why = candidates
                    .first()
                    .and_then(|c| c.rejected.as_ref())
                    .map_or("no grasp on it".into(), ToString::to_string);
                self.ledger.note(&sku, &format!("seen, but {why}"));
                continue;
            };
            let score = worth(&candidates[chosen]) + TOP_FIRST_PER_M * item.world_from_item.origin().z;
            if best.as_ref().is_some_and(|(s, _)| *s >= score) {
                continue;
            }
            for open in self.ledger.open(&sku) {
                let Some(bin) = self.bins.iter().position(|b| b.name == open.bin) else { continue };
                let placements = grasp::placements(
                    &candidates[chosen].hold,
                    &self.bins[bin].surface,
                    &self.cell.bins[bin],
                    &self.tool,
                    self.catalogue.get(&sku),
                );
                if placements.first().is_none_or(|p| p.rejected.is_some()) {
                    self.ledger.note(&sku, &format!("no place left in {}", open.bin));
                    continue;
                }
                let choice = Choice {
                    pick,
                    tote: self.cell.totes[self.tote].name.clone(),
                    bin: open.bin,
                    order: open.order,
                    sku: sku.clone(),
                    mass_kg: window,
                    items: self.items.clone(),
                    item: item.id,
                    candidates,
                    chosen,
                    placements,
                    surface: self.bins[bin].surface.clone(),
                };
                best = Some((score, choice));
                break;
            }
        }
        let choice = Arc::new(best?.1);
        self.events.push(Event::Choice { at: now, choice: choice.clone() });
        Some(choice)
    }

    /// Items that may be taken, with the SKU each is taken for: the likely, uncovered and high ones first.
    fn wanted_items(&mut self) -> Vec<(Item, SkuName, [f64; 2])> {
        let thresholds = self.cell.thresholds;
        let (share, least_kg) = (thresholds.weight_tolerance, thresholds.weight_tolerance_kg);
        let wanted = self.ledger.wanted();
        let items: Vec<Item> = self.items.iter().map(|item| self.with_weight(item)).collect();
        let mut found: Vec<(f64, Item, SkuName, [f64; 2])> = Vec::new();
        for sku in &wanted {
            let mut seen = false;
            for item in &items {
                let Some((best, p)) = item.best() else { continue };
                if best != sku {
                    continue;
                }
                seen = true;
                let window = weight::window(sku, &item.beliefs, &self.catalogue, share, least_kg);
                let sure = weight::after_weighing(sku, &item.beliefs, &self.catalogue, window);
                if p < LEAST_PICTURE || sure < thresholds.accept_belief {
                    self.ledger.note(sku, &format!("seen, but only {:.0} % sure", p * 100.0));
                    continue;
                }
                let spot = item.world_from_item.origin();
                let given_up =
                    |m: &&Miss| m.sku == *sku && (m.item_at - spot).norm() < SAME_ITEM_M && m.tries >= TRIES_OF_AN_ITEM;
                if let Some(miss) = self.misses.iter().find(given_up) {
                    let note = format!("tried {} times, last: {}", miss.tries, miss.why);
                    self.ledger.note(sku, &note);
                    continue;
                }
                found.push((p * (1.0 - item.covered) + spot.z, item.clone(), sku.clone(), window));
            }
            if !seen {
                self.ledger.note(sku, "not seen in the tote");
            }
        }
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        found.into_iter().map(|(_, item, sku, window)| (item, sku, window)).collect()
    }

    /// An item with what was learnt of it when it was lifted and put back: its weight.
    fn with_weight(&self, item: &Item) -> Item {
        let mut item = item.clone();
        let spot = item.world_from_item.origin();
        for miss in self.misses.iter().filter(|m| (m.item_at - spot).norm() < SAME_ITEM_M) {
            if let Some(kg) = miss.weighed_kg {
                weight::learn(&mut item.beliefs, kg, &self.catalogue);
            }
        }
        item
    }

    fn grasps(&self, item: &Item, sku: &SkuName) -> Vec<Candidate> {
        let tote = &self.cell.totes[self.tote];
        let around = Surroundings { tool: &self.tool, tote, surface: &self.tote_surface, catalogue: &self.catalogue };
        let mut candidates = match self.strategy {
            Strategy::Planned => {
                let open = self.ledger.open(sku);
                let Some(bin) = open.iter().find_map(|o| self.cell.bins.iter().find(|b| b.name == o.bin)) else {
                    return Vec::new();
                };
                grasp::grasps(item, &self.items, &around, &|holds| self.planner.estimate(holds, bin))
            }
            Strategy::Baseline => grasp::baseline_grasps(item, &around),
        };
        // The next grasp after a miss must differ from it; scores near it shrink with each try.
        for candidate in &mut candidates {
            let at = candidate.hold.world_from_tool.origin();
            let axis = candidate.hold.world_from_tool.direction(&nalgebra::Vector3::z());
            let near =
                |p: &nalgebra::Point3<f64>, a: &nalgebra::Vector3<f64>| (p - at).norm() < 0.012 && a.dot(&axis) > 0.99;
            for miss in self.misses.iter().filter(|m| near(&m.at, &m.axis)) {
                candidate.score *= 0.5_f64.powi(miss.tries as i32);
            }
            let least = self.cell.thresholds.accept_probability;
            if candidate.rejected.is_none() && self.strategy == Strategy::Planned && candidate.score < least {
                candidate.rejected = Some(grasp::Rejection::Unlikely { score: candidate.score, limit: least });
            }
            if candidate.rejected.is_none() && self.unreachable.iter().any(|(id, p, a)| *id == item.id && near(p, a)) {
                candidate.rejected = Some(grasp::Rejection::NoMotion);
            }
        }
        candidates.sort_by(|a, b| a.rejected.is_some().cmp(&b.rejected.is_some()).then(worth(b).total_cmp(&worth(a))));
        candidates
    }

    /// What stands in the way: the cell, and what is believed to lie in tote and bins.
    #[expect(clippy::expect_used, reason = "the name comes from the same cell")]
    fn obstacles(&mut self) -> Arc<Obstacles> {
        if let Some(known) = &self.obstacles {
            return known.clone();
        }
        let mut obstacles = self.bins_alone();
        obstacles.set_tote(&self.cell.totes[self.tote].name, &self.tote_surface).expect("a tote of this cell");
        self.obstacles.insert(Arc::new(obstacles)).clone()
    }

    /// The same with nothing in the tote.
    #[expect(clippy::expect_used, reason = "the names come from the same cell")]
    fn bins_alone(&self) -> Obstacles {
        let mut obstacles = Obstacles::of_cell(&self.cell);
        for bin in &self.bins {
            obstacles.set_bin(&bin.name, &bin.surface).expect("a bin of this cell");
        }
        obstacles
    }

    /// A pick begins: its item is under way and its line wants one less.
    pub fn begin(&mut self, choice: &Choice) {
        self.ledger.begin(&choice.order, &choice.sku);
    }

    /// The tool has let go in a bin: the bin is believed to hold the item from now on.
    pub fn released(&mut self, choice: &Choice, now: Timestamp) {
        let placement = self.placement(choice).clone();
        self.obstacles = None;
        if let Some(bin) = self.bins.iter_mut().find(|b| b.name == choice.bin) {
            bin.before = bin.surface.clone();
            let mut surface = (*bin.surface).clone();
            placement.add_to(&mut surface);
            bin.surface = Arc::new(surface);
            self.events.push(Event::BinSurface { at: now, bin: bin.name.clone(), surface: bin.surface.clone() });
        }
    }

    /// Takes the end of an attempt. A released pick waits for [`Station::confirm`]; others are settled here.
    pub fn finish(&mut self, attempt: &Attempt) {
        let record = self.record(attempt);
        if attempt.released_in_bin {
            self.waiting = Some(Waiting { placement: self.placement(&attempt.choice).clone(), record });
        } else {
            let hold = &attempt.choice.candidates[attempt.choice.chosen].hold;
            let (at, axis) = (hold.world_from_tool.origin(), hold.world_from_tool.direction(&nalgebra::Vector3::z()));
            let (sku, item_at) = (record.sku.clone(), record.world_from_item.origin());
            let same = |m: &&mut Miss| m.sku == sku && (m.item_at - item_at).norm() < SAME_ITEM_M;
            let (tries, why) = (1, attempt.outcome);
            let weighed_kg = attempt.weighed_kg.filter(|_| why == Outcome::WrongWeight);
            match self.misses.iter_mut().find(same) {
                Some(miss) => *miss = Miss { tries: miss.tries + 1, item_at, at, axis, why, sku, weighed_kg },
                None => self.misses.push(Miss { tries, item_at, at, axis, why, sku, weighed_kg }),
            }
            self.ledger.give_back(&record.order, &record.sku, &format!("last try: {}", attempt.outcome));
            self.settle(record);
        }
    }

    /// Looks into the bins: the newest surfaces, and whether the released item lies where it should, which settles its
    /// pick. After a pick that lost its item there is nothing to settle, only surfaces.
    pub fn confirm(&mut self, pick: u32, camera: &str, image: &Arc<RgbdImage>) {
        self.events.push(Event::Image { at: image.taken_at, camera: camera.into(), image: image.clone() });
        let seen: Vec<HeightMap<frame::Bin>> = self
            .cell
            .bins
            .iter()
            .map(|container| perception::height_map(image, &container.world_from, container.size, CELL_M))
            .collect();
        if let Some(Waiting { mut record, placement }) = self.waiting.take_if(|w| w.record.pick == pick) {
            let there = self
                .bins
                .iter()
                .position(|b| b.name == record.bin)
                .is_some_and(|i| placement.is_seen(&self.bins[i].before, &seen[i]));
            if there {
                self.ledger.deliver(&record.order, &record.sku);
                if let Some(left) = self.manifest.get_mut(&record.sku) {
                    *left = left.saturating_sub(1);
                }
            } else {
                record.outcome = Outcome::NotSeenInBin;
                self.ledger.give_back(&record.order, &record.sku, "released, but not seen in its bin");
            }
            self.settle(record);
        }
        self.obstacles = None;
        for (bin, mut surface) in self.bins.iter_mut().zip(seen) {
            // Cells without a reading keep what was believed of them.
            for (new, old) in surface.z.iter_mut().zip(&bin.surface.z) {
                if new.is_nan() {
                    *new = *old;
                }
            }
            bin.surface = Arc::new(surface);
            self.events.push(Event::BinSurface {
                at: image.taken_at,
                bin: bin.name.clone(),
                surface: bin.surface.clone(),
            });
        }
    }

    fn settle(&mut self, record: PickRecord) {
        self.events.push(Event::Pick(Arc::new(record.clone())));
        self.records.push(record);
    }

    fn record(&self, attempt: &Attempt) -> PickRecord {
        let choice = &attempt.choice;
        let candidate = &choice.candidates[choice.chosen];
        let hold = &candidate.hold;
        let item = choice.items.iter().find(|i| i.id == choice.item);
        let mut planned_s: BTreeMap<String, f64> = BTreeMap::new();
        for (kind, span) in &attempt.planned {
            *planned_s.entry(kind.to_string()).or_default() += span.seconds();
        }
        PickRecord {
            pick: choice.pick,
            began_at: attempt.began_at,
            ended_at: attempt.ended_at,
            order: choice.order.clone(),
            tote: choice.tote.clone(),
            bin: choice.bin.clone(),
            sku: choice.sku.clone(),
            beliefs: item.map(|i| i.beliefs.clone()).unwrap_or_default(),
            size_m: item.map_or([0.0; 3], |i| i.size_m),
            world_from_item: item.map_or_else(scene::Pose::identity, |i| i.world_from_item),
            covered: item.map_or(0.0, |i| i.covered),
            candidates: choice.candidates.iter().map(CandidateRecord::of).collect(),
            chosen: choice.chosen,
            retry: self
                .misses
                .iter()
                .find(|m| {
                    m.sku == choice.sku
                        && item.is_some_and(|i| (m.item_at - i.world_from_item.origin()).norm() < SAME_ITEM_M)
                })
                .map_or(0, |m| m.tries),
            bin_from_box: self.placement(choice).bin_from_box,
            support: self.placement(choice).support,
            max_acceleration: hold.max_acceleration,
            max_vertical: hold.max_vertical,
            planned_s,
            way: attempt
                .held_at
                .zip(attempt.released_at)
                .filter(|_| attempt.released_in_bin)
                .map(|(grasp, drop)| Way { from: attempt.reached_from, grasp, drop, held: hold.held }),
            expected_pa: hold.expected_pa,
            sealed_pa: attempt.sealed_pa.to_vec(),
            lowest_pa: attempt.lowest_pa.to_vec(),
            weighed_kg: attempt.weighed_kg,
            nominal_kg: self.catalogue.get(&choice.sku).and_then(|s| s.mass_kg),
            released_over_m: attempt
                .released_at
                .filter(|_| attempt.released_in_bin)
                .map(|q| self.planner.forward(&q).origin().z - self.placement(choice).drop.world_from_tool.origin().z),
            outcome: attempt.outcome,
            remark: None,
            steps_s: attempt.steps.iter().map(|(step, span)| (*step, span.seconds())).collect(),
        }
    }

    /// The orders' state.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// All settled picks.
    #[must_use]
    pub fn records(&self) -> &[PickRecord] {
        &self.records
    }

    /// Events since the last call.
    pub fn drain_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }
}

/// What a grasp is worth: its probability of success against the time that it takes, a failure's included, as a share of
/// what the surest is worth with a usual carry.
fn worth(candidate: &Candidate) -> f64 {
    let carry_s = candidate.carry.map_or(CARRY_S, scene::Span::seconds);
    let failing = FAILURE_S * (1.0 - candidate.score);
    candidate.score * (PICK_S + CARRY_S) / (PICK_S + carry_s + failing)
}
