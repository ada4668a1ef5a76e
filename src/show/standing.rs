//! What does not change: walls, cameras, the links' shapes, names and colours of curves.

use firmware::CUPS;
use nalgebra::{UnitQuaternion, Vector3};
use rerun::{
    AnnotationContext, Boxes3D, Capsules3D, Cylinders3D, FillMode, LineStrips3D, Pinhole, Radius, SeriesLines,
    StateConfiguration, ViewCoordinates,
};

use super::draw::Draw;
use super::paths::Kind;
use super::{ShowError, colour, paths};
use crate::cycle::Step;

/// Length of the drawn frustum of a camera, metres.
const FRUSTUM_M: f32 = 0.16;

impl Draw {
    /// Logs everything that is drawn once.
    pub(super) fn standing(&self) -> Result<(), ShowError> {
        self.log_static(paths::WORLD, &ViewCoordinates::RIGHT_HAND_Z_UP())?;
        self.obstacles()?;
        for tote in &self.cell.totes {
            self.container(Kind::Tote, &tote.name, tote.world_from.isometry(), tote.size, colour::TOTE)?;
        }
        for bin in &self.cell.bins {
            self.container(Kind::Bin, &bin.name, bin.world_from.isometry(), bin.size, colour::BIN)?;
        }
        self.cameras()?;
        self.links()?;
        self.tool_bodies()?;
        self.curves()
    }

    fn obstacles(&self) -> Result<(), ShowError> {
        let fixed = &self.cell.obstacles;
        let boxes = Boxes3D::from_centers_and_sizes(
            fixed.iter().map(|b| colour::three(b.centre_m)),
            fixed.iter().map(|b| colour::three(b.size_m)),
        )
        .with_colors([colour::of(colour::GROUND)])
        .with_fill_mode(FillMode::Solid)
        .with_labels(fixed.iter().map(|b| b.name.clone()))
        .with_show_labels(false);
        self.log_static(paths::GROUND, &boxes)
    }

    /// Four walls as lines: the rim thick, so that it is found at once, and a dark floor.
    fn container(
        &self,
        kind: Kind,
        name: &str,
        world_from: &nalgebra::Isometry3<f64>,
        size: [f64; 3],
        rgba: u32,
    ) -> Result<(), ShowError> {
        self.log_static(&paths::container(kind, name), &colour::transform(world_from))?;
        let [x, y, z] = [size[0] as f32 / 2.0, size[1] as f32 / 2.0, size[2] as f32];
        let ring = |z: f32| vec![[-x, -y, z], [x, -y, z], [x, y, z], [-x, y, z], [-x, -y, z]];
        let mut lines = vec![ring(z), ring(0.0)];
        lines.extend([[-x, -y], [x, -y], [x, y], [-x, y]].map(|[x, y]| vec![[x, y, 0.0], [x, y, z]]));
        let walls = LineStrips3D::new(lines)
            .with_colors([colour::of(rgba)])
            .with_radii([2.0, 1.0, 1.0, 1.0, 1.0, 1.0].map(Radius::new_ui_points))
            .with_labels([name])
            .with_show_labels(false);
        self.log_static(&paths::walls(kind, name), &walls)?;
        let floor = Boxes3D::from_centers_and_half_sizes([[0.0, 0.0, -0.002]], [[x, y, 0.001]])
            .with_colors([colour::of(colour::FLOOR)])
            .with_fill_mode(FillMode::Solid);
        self.log_static(&format!("{}/floor", paths::walls(kind, name)), &floor)
    }

    fn cameras(&self) -> Result<(), ShowError> {
        for camera in &self.cell.cameras {
            let path = paths::camera(&camera.name);
            let lens = &camera.intrinsics;
            self.log_static(&path, &colour::transform(camera.world_from_camera.isometry()))?;
            let columns =
                [[lens.fx as f32, 0.0, 0.0], [0.0, lens.fy as f32, 0.0], [lens.cx as f32, lens.cy as f32, 1.0]];
            let pinhole = Pinhole::new(rerun::components::PinholeProjection::from(columns))
                .with_resolution([lens.width as f32, lens.height as f32])
                .with_camera_xyz(rerun::components::ViewCoordinates::RDF)
                .with_image_plane_distance(FRUSTUM_M)
                .with_color(colour::of(colour::CAMERA))
                .with_line_width(Radius::new_ui_points(1.0));
            self.log_static(&path, &pinhole)?;
            let classes = (1..=u8::MAX).map(|class| {
                let [r, g, b] = colour::item(u32::from(class) - 1);
                rerun::AnnotationInfo { id: class.into(), label: None, color: Some(rerun::Rgba32::from_rgb(r, g, b)) }
            });
            let nothing = rerun::AnnotationInfo { id: 0, label: None, color: Some(rerun::Rgba32::TRANSPARENT) };
            self.log_static(
                &paths::masks(&camera.name),
                &AnnotationContext::new(std::iter::once(nothing).chain(classes)),
            )?;
        }
        Ok(())
    }

    fn links(&self) -> Result<(), ShowError> {
        for index in 0..=6 {
            let of_link: Vec<_> = self.robot.capsules.iter().filter(|c| c.link == index).collect();
            let ends = of_link.iter().map(|c| (Vector3::from(c.from), Vector3::from(c.to)));
            let (lengths, turns): (Vec<f32>, Vec<rerun::Quaternion>) = ends
                .map(|(from, to)| {
                    let along = to - from;
                    let turn = UnitQuaternion::rotation_between(&Vector3::z(), &along)
                        .unwrap_or_else(|| UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f64::consts::PI));
                    (along.norm() as f32, colour::quaternion(&turn.into_isometry()))
                })
                .unzip();
            let rgba = if index == 0 {
                colour::GROUND
            } else if index < 5 {
                colour::ARM
            } else {
                colour::WRIST
            };
            let capsules = Capsules3D::from_lengths_and_radii(lengths, of_link.iter().map(|c| c.radius as f32))
                .with_translations(of_link.iter().map(|c| colour::three(c.from)))
                .with_quaternions(turns)
                .with_colors([colour::of(rgba)])
                .with_fill_mode(FillMode::Solid);
            self.log_static(&paths::link(index), &capsules)?;
        }
        Ok(())
    }

    fn tool_bodies(&self) -> Result<(), ShowError> {
        let rigid: Vec<_> = self.tool.bodies.iter().filter(|b| b.rigid).collect();
        let bodies = Boxes3D::from_centers_and_sizes(
            rigid.iter().map(|b| colour::three(b.centre_m)),
            rigid.iter().map(|b| colour::three(b.size_m)),
        )
        .with_colors([colour::of(colour::TOOL)])
        .with_fill_mode(FillMode::Solid);
        self.log_static(paths::TOOL_BODY, &bodies)?;
        // Colours follow with the first state.
        let height = self.tool.stroke_m as f32;
        let cups = Cylinders3D::from_lengths_and_radii([height; CUPS], [0.5 * self.tool.cup_diameter_m as f32; CUPS])
            .with_centers(self.tool.cups.iter().map(|c| [c[0] as f32, c[1] as f32, -0.5 * height]))
            .with_fill_mode(FillMode::Solid);
        self.log_static(paths::CUPS, &cups)
    }

    fn curves(&self) -> Result<(), ShowError> {
        let lines = |names: Vec<String>, rgba: &[u32]| {
            SeriesLines::new()
                .with_names(names)
                .with_colors(rgba.iter().map(|&c| colour::of(c)))
                .with_widths(vec![1.5; rgba.len()])
        };
        let cups = (0..CUPS).map(|i| format!("cup {i} kPa")).collect();
        self.log_static(paths::CUP_PRESSURES, &lines(cups, &colour::SERIES))?;
        self.log_static(paths::MANIFOLD, &lines(vec!["manifold kPa".into()], &[colour::rgb(0xe6ebf2)]))?;
        self.log_static(paths::LOAD, &lines(vec!["load N".into()], &[colour::CHOSEN]))?;
        let joints = |unit: &str| control::JOINT_NAMES.iter().map(|name| format!("{name} {unit}")).collect();
        self.log_static(paths::ANGLES, &lines(joints("°"), &colour::SERIES))?;
        self.log_static(paths::SPEEDS, &lines(joints("°/s"), &colour::SERIES))?;
        let steps = STEPS.map(|s| s.to_string());
        let states =
            StateConfiguration::new().with_values(steps).with_colors(STEPS.map(|s| colour::of(colour::step(s))));
        self.log_static(paths::STEPS, &states)
    }
}

/// All steps, for the legend.
const STEPS: [Step; 15] = [
    Step::Look,
    Step::Choose,
    Step::Plan,
    Step::Reach,
    Step::Approach,
    Step::Seal,
    Step::Lift,
    Step::Carry,
    Step::Place,
    Step::Release,
    Step::Retreat,
    Step::BlowOff,
    Step::PutBack,
    Step::Clear,
    Step::Done,
];

/// A rotation alone, as a transform.
trait IntoIsometry {
    fn into_isometry(self) -> nalgebra::Isometry3<f64>;
}
impl IntoIsometry for UnitQuaternion<f64> {
    fn into_isometry(self) -> nalgebra::Isometry3<f64> {
        nalgebra::Isometry3::from_parts(nalgebra::Translation3::identity(), self)
    }
}
