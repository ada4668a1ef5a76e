//! The station: knows orders, totes and bins; answers the cycle's tasks with `perception`, `grasp` and `control`.
//!
//! It computes no geometry of its own and never sees the simulator.

mod bins;
pub mod eyes;
pub mod ledger;
pub mod orders;
mod plans;
pub mod weight;

use std::collections::BTreeMap;
use std::sync::Arc;

use control::{Cell, Obstacles, Planner, RobotModel, ToolModel};
use grasp::{Candidate, Placement, Surroundings};
use perception::{ContainerDoubt, LookError};
use scene::{Catalogue, HeightMap, Item, Manifest, RgbdImage, SkuName, Timestamp, frame};

use crate::cli::Strategy;
use crate::cycle::Attempt;
use crate::telemetry::{CandidateRecord, Choice, Event, Outcome, PickRecord, Way};
use bins::{OpenBin, Waiting};
use eyes::Eyes;
use ledger::{Ledger, Open};
use orders::Orders;
use plans::Ahead;

/// Side of the cells of all height maps, metres: two cells are narrower than the least gap that matters (10 mm).
pub(crate) const CELL_M: f64 = 0.005;
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
/// Sides of an item that are tried to be put down upwards, each with its best grasp, and the cosine of the angle between the
/// axes of grasps that turn the same side up.
const SIDES_TRIED: usize = 3;
const OTHER_SIDE_COS: f64 = 0.9;
/// Seconds of a pick without its carry, of a usual carry, and what a failure costs (read off picks of tuning seeds, rounded).
const PICK_S: f64 = 1.5;
const CARRY_S: f64 = 1.2;
const FAILURE_S: f64 = 5.0;
/// Least belief from the picture with which the weight may settle what an item is.
const LEAST_PICTURE: f64 = 0.45;

/// Why nothing may be taken from a tote that stands so: it is off by more than `most` metres, or it is of another kind. A
/// rim that can't be seen says nothing.
fn tote_doubt(image: &RgbdImage, tote: &control::Container<frame::Tote>, most: f64) -> Option<String> {
    match perception::container_seen(image, &tote.world_from, tote.size, tote.wall) {
        Ok(seen) if seen.off_m() > most => {
            let [x, y, z] = seen.shift_m.map(|m| m * 1e3);
            Some(format!(
                "tote-shifted: the rim of {} is off by {:.0} mm (x {x:.0}, y {y:.0}, z {z:.0} mm, turned by {:.1}°, leaning by {:.1}°); must be {:.0} mm or less",
                tote.name,
                seen.off_m() * 1e3,
                seen.turn_rad.to_degrees(),
                seen.tilt_rad.to_degrees(),
                most * 1e3
            ))
        }
        Err(why @ ContainerDoubt::OtherKind { .. }) => Some(format!("tote-of-another-kind: {}: {why}", tote.name)),
        Ok(_) | Err(ContainerDoubt::NotSeen { .. }) => None,
    }
}

/// An item that may be taken, with its grasps.
struct Grasped {
    /// Of the best grasp, and of lying high.
    worth: f64,
    item: Item,
    sku: SkuName,
    /// What it may weigh, kilograms.
    mass_kg: [f64; 2],
    /// Accepted ones first.
    candidates: Vec<Candidate>,
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
    /// Why nothing is taken from the tote as the newest look shows it standing.
    tote_doubt: Option<String>,
    /// What stands in the way, from the newest surfaces; `None` once one of them is newer.
    obstacles: Option<Arc<Obstacles>>,
    bins: Vec<OpenBin>,
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
        let bins = cell.bins.iter().map(OpenBin::unseen).collect();
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
            tote_doubt: None,
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
        let doubt = tote_doubt(image, tote, self.cell.thresholds.tote_off_m);
        self.items = Arc::new(items);
        self.obstacles = None;
        self.tote_surface = Arc::new(perception::height_map(image, &tote.world_from, tote.size, CELL_M));
        self.unreachable.clear();
        let (at, tote) = (image.taken_at, tote.name.clone());
        if let Some(text) = doubt.clone().filter(|_| doubt != self.tote_doubt) {
            self.events.push(Event::Warning { at, text });
        }
        self.tote_doubt = doubt;
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
        if let Some(why) = &self.tote_doubt {
            for sku in self.ledger.wanted() {
                self.ledger.note(&sku, why);
            }
            return None;
        }
        let mut wanted = self.wanted_items().into_iter();
        let mut found: Vec<Grasped> = wanted.by_ref().take(ITEMS_SEARCHED).filter_map(|w| self.grasped(w)).collect();
        found.sort_by(|a, b| b.worth.total_cmp(&a.worth));
        let choice = match found.into_iter().find_map(|grasped| self.placed(pick, grasped)) {
            Some(choice) => choice,
            None => wanted.find_map(|w| self.grasped(w).and_then(|grasped| self.placed(pick, grasped)))?,
        };
        let choice = Arc::new(choice);
        self.events.push(Event::Choice { at: now, choice: choice.clone() });
        Some(choice)
    }

    /// The grasps of an item that may be taken; `None`, with the reason in the ledger, where none is accepted.
    fn grasped(&mut self, (item, sku, mass_kg): (Item, SkuName, [f64; 2])) -> Option<Grasped> {
        let candidates = self.grasps(&item, &sku);
        let Some(best) = candidates.iter().find(|c| c.rejected.is_none()) else {
            let why = candidates
                .first()
                .and_then(|c| c.rejected.as_ref())
                .map_or("no grasp on it".into(), ToString::to_string);
            self.ledger.note(&sku, &format!("seen, but {why}"));
            return None;
        };
        let worth = worth(best) + TOP_FIRST_PER_M * item.world_from_item.origin().z;
        Some(Grasped { worth, item, sku, mass_kg, candidates })
    }

    /// The bin that a grasped item goes to, and where in it: of all bins whose orders want it, the one in which it lies
    /// best. `None`, with the reasons in the ledger, where no bin has a place.
    fn placed(&mut self, pick: u32, grasped: Grasped) -> Option<Choice> {
        let Grasped { item, sku, mass_kg, candidates, .. } = grasped;
        let number = |open: &Open| self.bins.iter().position(|b| b.name == open.bin);
        let mut open: Vec<(usize, Open)> =
            self.ledger.open(&sku).into_iter().filter_map(|open| Some((number(&open)?, open))).collect();
        let bins: Vec<_> = open.iter().map(|(bin, _)| (&*self.bins[*bin].state, &self.cell.bins[*bin])).collect();
        let known = self.catalogue.get(&sku);
        let (mut chosen, mut best) = (None, Vec::new());
        let mut axes: Vec<nalgebra::Vector3<f64>> = Vec::new();
        for (index, candidate) in candidates.iter().enumerate().filter(|(_, c)| c.rejected.is_none()) {
            // Another grasp helps only where it turns another side up.
            let axis = candidate.hold.world_from_tool.direction(&nalgebra::Vector3::z());
            if axes.iter().any(|tried| tried.dot(&axis) > OTHER_SIDE_COS) || axes.len() >= SIDES_TRIED {
                continue;
            }
            axes.push(axis);
            best = grasp::best_bins(&candidate.hold, &bins, &self.tool, known);
            if best.first().is_some_and(|(_, places)| places.first().is_some_and(|p| p.rejected.is_none())) {
                chosen = Some(index);
                break;
            }
        }
        let Some(chosen) = chosen else {
            for (number, places) in &best {
                let why =
                    places.first().and_then(|p| p.rejected.as_ref()).map_or(String::new(), |why| format!(": {why}"));
                self.ledger.note(&sku, &format!("no place left in {}{why}", open[*number].1.bin));
            }
            return None;
        };
        let (number, placements) = best.swap_remove(0);
        let (bin, Open { order, bin: name }) = open.swap_remove(number);
        Some(Choice {
            pick,
            tote: self.cell.totes[self.tote].name.clone(),
            bin: name,
            order,
            sku,
            mass_kg,
            items: self.items.clone(),
            item: item.id,
            candidates,
            chosen,
            placements,
            surface: self.bins[bin].state.surface.clone(),
        })
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
                let sure = perception::sure_within(sku, &item.beliefs, &self.catalogue, window);
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
                item.beliefs = perception::after_weight(&item.beliefs, kg, &self.catalogue);
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
            obstacles.set_bin(&bin.name, &bin.state.surface).expect("a bin of this cell");
        }
        obstacles
    }

    /// A pick begins: its item is under way and its line wants one less.
    pub fn begin(&mut self, choice: &Choice) {
        self.ledger.begin(&choice.order, &choice.sku);
    }

    /// A pick that had begun does not take place: its line wants the item as before.
    pub fn withdraw(&mut self, choice: &Choice) {
        self.ledger.give_back(&choice.order, &choice.sku, "the pick before was not over");
    }

    /// Takes the end of an attempt. A released pick waits for [`Station::confirm`]; others are settled here.
    pub fn finish(&mut self, attempt: &Attempt) {
        let record = self.record(attempt);
        if attempt.released_in_bin {
            self.wait(record, self.placement(&attempt.choice).clone());
        } else {
            if attempt.outcome == Outcome::Stuck {
                self.not_released(&record.bin);
            }
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
            remark: attempt.blown_off.then(|| "stuck to the cups after release, and was blown off once more".into()),
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
