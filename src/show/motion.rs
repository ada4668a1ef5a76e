//! What moves: arm, tool, what hangs on it, the planned way, the curves.

use control::{ArmState, Program, SegmentKind};
use firmware::Status;
use rerun::{Boxes3D, Cylinders3D, FillMode, LineStrips3D, Radius, Scalars};

use super::draw::Draw;
use super::{ShowError, colour, paths};
use crate::cycle::Step;

impl Draw {
    /// Links, tool and joint curves.
    pub(super) fn arm(&self, arm: &ArmState) -> Result<(), ShowError> {
        for (index, world_from_link) in self.planner.links(&arm.q).iter().enumerate() {
            self.log(&paths::link(index), &colour::transform(world_from_link))?;
        }
        self.log(paths::TOOL, &colour::transform(self.planner.forward(&arm.q).isometry()))?;
        self.log(paths::ANGLES, &Scalars::new(arm.q.degrees()))?;
        self.log(paths::SPEEDS, &Scalars::new(arm.dq.map(f64::to_degrees)))
    }

    /// Pressures, load, and the cups' colours where they changed.
    pub(super) fn status(&mut self, status: &Status) -> Result<(), ShowError> {
        let kpa = |pascals: u32| f64::from(pascals) * 1e-3;
        self.log(paths::CUP_PRESSURES, &Scalars::new(status.cups.map(|cup| kpa(cup.pressure_pa))))?;
        self.log(paths::MANIFOLD, &Scalars::single(kpa(status.manifold_pa)))?;
        self.log(paths::LOAD, &Scalars::single(f64::from(status.load_mn) * 1e-3))?;
        let states = status.cups.map(|cup| cup.state);
        if self.cups.as_ref() != Some(&states) {
            self.log(paths::CUPS, &Cylinders3D::update_fields().with_colors(states.map(colour::cup)))?;
            self.cups = Some(states);
        }
        Ok(())
    }

    /// While the pick lifts and carries, the box that should hang on the tool, and where it is to rest.
    pub(super) fn held(&self, pick: u32, step: Step) -> Result<(), ShowError> {
        match (step, self.choice_of(pick)) {
            (Step::Reach, Some(choice)) => self.placement(&choice),
            (Step::Lift, Some(choice)) => {
                let Some(candidate) = choice.candidates.get(choice.chosen) else { return Ok(()) };
                let held = candidate.hold.held;
                let at = held.tool_from_box.isometry();
                let hangs = Boxes3D::from_centers_and_sizes([colour::position(at)], [colour::three(held.size_m)])
                    .with_quaternions([colour::quaternion(at)])
                    .with_colors([colour::faint(colour::PLACEMENT, 200)])
                    .with_fill_mode(FillMode::TransparentFillMajorWireframe)
                    .with_labels([choice.sku.as_str()]);
                self.log(paths::HELD, &hangs)
            }
            (Step::Release | Step::Retreat | Step::BlowOff | Step::Clear | Step::Look, _) => {
                self.clear(paths::HELD)?;
                self.clear(paths::PLACEMENT)
            }
            _ => Ok(()),
        }
    }

    /// The planned way of the tool: blue free, orange guarded, green with something in hand.
    pub(super) fn path(&self, program: &Program, tool_path: &[[f64; 3]]) -> Result<(), ShowError> {
        let last_sample = program.samples().len().saturating_sub(1).max(1);
        let last_point = tool_path.len().saturating_sub(1);
        // The path may have fewer points than the program has samples.
        let point = |sample: usize| (sample * last_point).div_ceil(last_sample).min(last_point);
        let parts: Vec<_> = program
            .segments()
            .iter()
            .filter_map(|s| tool_path.get(point(s.first)..=point(s.last)).map(|points| (s.kind, points)))
            .collect();
        let way = LineStrips3D::new(parts.iter().map(|(_, points)| points.iter().map(|&p| colour::three(p))))
            .with_colors(parts.iter().map(|(kind, _)| {
                colour::of(match kind {
                    SegmentKind::Reach | SegmentKind::Retreat => colour::FREE,
                    SegmentKind::Approach | SegmentKind::Lower => colour::GUARDED,
                    SegmentKind::Lift | SegmentKind::Carry => colour::LOADED,
                })
            }))
            .with_radii([Radius::new_ui_points(2.0)])
            .with_labels(parts.iter().map(|(kind, _)| kind.to_string()))
            .with_show_labels(false);
        self.log(paths::PATH, &way)
    }
}
