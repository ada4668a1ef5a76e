//! A choice as a picture: every grasp considered, why most were not taken, the one that is tried.

use std::collections::BTreeMap;
use std::sync::Arc;

use control::Hold;
use grasp::Candidate;
use nalgebra::{Point3, Vector3};
use rerun::{
    Arrows3D, Boxes2D, Boxes3D, Cylinders3D, Ellipses2D, FillMode, LineStrips3D, Points3D, Radius, TextDocument,
};

use super::draw::Draw;
use super::{ShowError, colour, paths, words};
use crate::telemetry::Choice;

/// Length of the arrow of a grasp that is not tried, metres.
const ARROW_M: f64 = 0.05;
/// Reasons with a label in the picture; the text names all.
const LABELLED: usize = 6;
/// How far beside the item and above the rim they stand, and above each other, metres.
const BESIDE_M: f64 = 0.12;
const ABOVE_M: f64 = 0.10;
const ROW_M: f64 = 0.035;

impl Draw {
    /// Grasps, the chosen item in the image, and the text.
    pub(super) fn choice(&self, choice: &Arc<Choice>) -> Result<(), ShowError> {
        self.log(paths::WHY, &TextDocument::from_markdown(words::why(choice)))?;
        let others = || choice.candidates.iter().enumerate().filter(|(i, _)| *i != choice.chosen).map(|(_, c)| c);
        let accepted: Vec<_> = others().filter(|c| c.rejected.is_none()).collect();
        let rejected: Vec<_> = others().filter(|c| c.rejected.is_some()).collect();
        let scores = arrows(&accepted, 0.002)
            .with_colors(accepted.iter().map(|c| colour::score(c.score)))
            .with_labels(accepted.iter().map(|c| format!("{:.2}", c.score)))
            .with_show_labels(false);
        self.log(paths::ACCEPTED, &scores)?;
        let refused = arrows(&rejected, 0.0015)
            .with_colors([colour::of(colour::REJECTED)])
            .with_labels(rejected.iter().filter_map(|c| c.rejected.as_ref().map(ToString::to_string)))
            .with_show_labels(false);
        self.log(paths::REJECTED, &refused)?;
        self.reasons(choice, &rejected)?;
        self.chosen(choice)?;
        self.chosen_in_image(choice)
    }

    /// One label a reason: a column beside the item, each on a line to the first grasp that it refused.
    fn reasons(&self, choice: &Choice, rejected: &[&Candidate]) -> Result<(), ShowError> {
        let mut groups: BTreeMap<String, (Point3<f64>, usize, String)> = BTreeMap::new();
        for candidate in rejected {
            let Some(reason) = candidate.rejected.as_ref().map(ToString::to_string) else { continue };
            let at = candidate.hold.world_from_tool.point(&Point3::new(0.0, 0.0, -ARROW_M));
            groups.entry(words::kind_of(&reason)).or_insert((at, 0, reason)).1 += 1;
        }
        let mut labels: Vec<_> = groups.into_values().collect();
        labels.sort_by_key(|(_, count, _)| std::cmp::Reverse(*count));
        labels.truncate(LABELLED);
        let rim = self.cell.tote(&choice.tote).map_or(0.0, |t| t.world_from.origin().z + t.size[2]);
        let middle =
            labels.iter().fold(Vector3::zeros(), |sum, (at, _, _)| sum + at.coords) / labels.len().max(1) as f64;
        let place = |row: usize| Point3::new(middle.x + BESIDE_M, middle.y, rim + ABOVE_M + ROW_M * row as f64);
        let lines = LineStrips3D::new(
            labels.iter().enumerate().map(|(row, (at, _, _))| [*at, place(row)].map(|p| colour::vector(&p.coords))),
        )
        .with_radii([Radius::new_ui_points(0.75)])
        .with_colors([colour::of(colour::REJECTED)]);
        self.log(paths::REASONS, &lines)?;
        let points = Points3D::new((0..labels.len()).map(|row| colour::vector(&place(row).coords)))
            .with_radii([Radius::new_ui_points(3.0)])
            .with_colors([colour::of(colour::REASON)])
            .with_labels(labels.iter().map(|(_, count, reason)| match count {
                1 => reason.clone(),
                _ => format!("{count} × {reason}"),
            }))
            .with_show_labels(true);
        self.log(paths::REASONS, &points)
    }

    /// The tool where its lips touch: outline, cups as discs (bright where they shall seal), the straight way.
    fn chosen(&self, choice: &Choice) -> Result<(), ShowError> {
        let Some(candidate) = choice.candidates.get(choice.chosen) else {
            return self.clear(paths::CHOSEN);
        };
        let hold = &candidate.hold;
        self.log(paths::CHOSEN, &colour::transform(hold.world_from_tool.isometry()))?;
        let cups = self.tool.cups.len();
        let radius = 0.5 * self.tool.cup_diameter_m as f32;
        let discs = Cylinders3D::from_lengths_and_radii(vec![0.003; cups], vec![radius; cups])
            .with_centers(self.tool.cups.iter().map(|c| [c[0] as f32, c[1] as f32, -0.0015]))
            .with_colors((0..cups).map(|cup| {
                if hold.cups.contains(cup) { colour::of(colour::CHOSEN) } else { colour::faint(colour::IDLE_CUP, 90) }
            }))
            .with_fill_mode(FillMode::Solid);
        self.log(paths::CHOSEN_CUPS, &discs)?;
        let approach = Arrows3D::from_vectors([[0.0, 0.0, hold.approach_m as f32]])
            .with_origins([[0.0, 0.0, -hold.approach_m as f32]])
            .with_radii([0.0025])
            .with_colors([colour::of(colour::CHOSEN)])
            .with_labels([format!("{} {:.2}", choice.sku, candidate.score)]);
        self.log(paths::CHOSEN_APPROACH, &approach)?;
        let rigid: Vec<_> = self.tool.bodies.iter().filter(|b| b.rigid).collect();
        let outline = Boxes3D::from_centers_and_sizes(
            rigid.iter().map(|b| colour::three(b.centre_m)),
            rigid.iter().map(|b| colour::three(b.size_m)),
        )
        .with_colors([colour::faint(colour::CHOSEN, 120)])
        .with_radii([Radius::new_ui_points(0.75)])
        .with_fill_mode(FillMode::MajorWireframe);
        self.log(paths::CHOSEN_TOOL, &outline)
    }

    fn chosen_in_image(&self, choice: &Choice) -> Result<(), ShowError> {
        let item = choice.items.iter().find(|i| i.id == choice.item);
        let camera = self.cell.camera_over(&choice.tote);
        let (Some(item), Some(camera)) = (item, camera) else { return Ok(()) };
        let mask = &item.mask;
        let frame = Boxes2D::from_mins_and_sizes(
            [[mask.x as f32 - 2.0, mask.y as f32 - 2.0]],
            [[mask.width as f32 + 4.0, mask.height as f32 + 4.0]],
        )
        .with_colors([colour::of(colour::CHOSEN)])
        .with_radii([Radius::new_ui_points(2.5)]);
        self.log(&paths::chosen_box(&camera.name), &frame)?;
        let Some(hold) = choice.candidates.get(choice.chosen).map(|c| c.hold) else { return Ok(()) };
        let camera_from_tool = camera.world_from_camera.inverse() * hold.world_from_tool;
        let (centres, sizes): (Vec<[f32; 2]>, Vec<[f32; 2]>) = hold
            .cups
            .iter()
            .filter_map(|cup| self.tool.cups.get(cup))
            .filter_map(|&[x, y]| {
                let cup = camera_from_tool.point(&Point3::new(x, y, 0.0));
                let pixel = camera.intrinsics.project(&cup)?;
                let radius = (0.5 * self.tool.cup_diameter_m * camera.intrinsics.fx / cup.z) as f32;
                Some(([pixel.x as f32, pixel.y as f32], [radius; 2]))
            })
            .unzip();
        let discs = Ellipses2D::from_centers_and_half_sizes(centres, sizes)
            .with_colors([colour::of(colour::CHOSEN)])
            .with_line_radii([Radius::new_ui_points(1.5)]);
        self.log(&paths::chosen_discs(&camera.name), &discs)
    }

    /// Where the item in hand is to rest.
    pub(super) fn placement(&self, choice: &Choice) -> Result<(), ShowError> {
        let place = choice.placements.first().filter(|p| p.rejected.is_none());
        let bin = self.cell.bin(&choice.bin);
        let (Some(place), Some(bin)) = (place, bin) else {
            return self.clear(paths::PLACEMENT);
        };
        let world_from_box = bin.world_from * place.bin_from_box;
        let at = world_from_box.isometry();
        let rests = Boxes3D::from_centers_and_sizes([colour::position(at)], [colour::three(place.size_m)])
            .with_quaternions([colour::quaternion(at)])
            .with_colors([colour::of(colour::PLACEMENT)])
            .with_radii([Radius::new_ui_points(1.5)])
            .with_fill_mode(FillMode::MajorWireframe)
            .with_labels([format!("{} for {}", choice.sku, choice.order)]);
        self.log(paths::PLACEMENT, &rests)
    }
}

/// Short arrows that end where the lips would touch.
fn arrows(candidates: &[&Candidate], radius: f32) -> Arrows3D {
    let way = |hold: &Hold| hold.world_from_tool.direction(&(Vector3::z() * ARROW_M));
    Arrows3D::from_vectors(candidates.iter().map(|c| colour::vector(&way(&c.hold))))
        .with_origins(candidates.iter().map(|c| {
            let touch = c.hold.world_from_tool.origin().coords;
            colour::vector(&(touch - way(&c.hold)))
        }))
        .with_radii([radius])
}
