//! What the viewer opens with: four tabs, made for the cell's own geometry.
//!
//! The SDK's builder sets neither eye nor grid nor what is hidden at first, so the layout is written
//! the way that builder writes it: archetypes in a store of the kind blueprint, then the command
//! that makes it active.

use control::Cell;
use nalgebra::Vector3;
use rerun::blueprint::components::{
    ActiveTab, BackgroundKind, ColumnShare, ContainerKind, Corner2D, IncludedContent, LinkAxis, PanelState, PlayState,
    QueryExpression, RootContainer, RowShare, TimelineName, ViewClass,
};
use rerun::components::{Name, Plane3D, Visible};
use rerun::external::re_log_types::BlueprintActivationCommand;
use rerun::external::re_sdk_types::blueprint::archetypes::{
    Background, ContainerBlueprint, EntityBehavior, EyeControls3D, LineGrid3D, PanelBlueprint, PlotLegend, ScalarAxis,
    TextLogColumns, TimeAxis, TimePanelBlueprint, ViewBlueprint, ViewContents, ViewportBlueprint, VisualBounds2D,
};
use rerun::external::re_sdk_types::blueprint::datatypes::{TextLogColumn, TextLogColumnKind};
use rerun::external::re_sdk_types::external::uuid::Uuid;
use rerun::{Arrows3D, AsComponents, Boxes3D, RecordingStream, RecordingStreamBuilder, RecordingStreamError};

use super::paths::{self, Kind};
use super::{APPLICATION, colour, draw};

/// How much of the past and the future the curves show around the cursor, seconds.
const BEFORE_S: i64 = 12;
const AFTER_S: i64 = 3;

/// Sends the layout and makes it active.
///
/// `live` follows what comes in; else the recording plays from its beginning.
pub fn send(stream: &RecordingStream, cell: &Cell, live: bool) -> Result<(), RecordingStreamError> {
    let (blueprint, messages) = RecordingStreamBuilder::new(APPLICATION).blueprint().memory()?;
    blueprint.set_time_sequence("blueprint", 0);
    let mut writer = Writer { stream: &blueprint, last_id: 0 };
    let tabs = Part::Box(Container {
        kind: ContainerKind::Tabs,
        name: "nuthatch",
        shares: vec![],
        parts: vec![cell_tab(cell), masks_tab(cell), grasps_tab(cell), curves_tab()],
    });
    let (root, _) = writer.part(&tabs)?;
    let viewport = ViewportBlueprint::new()
        .with_root_container(RootContainer(root.into()))
        .with_auto_layout(false)
        .with_auto_views(false);
    blueprint.log("viewport", &viewport)?;
    for panel in ["blueprint_panel", "selection_panel"] {
        blueprint.log(panel, &PanelBlueprint::new().with_state(PanelState::Hidden))?;
    }
    let time = TimePanelBlueprint::new()
        .with_state(PanelState::Collapsed)
        .with_timeline(TimelineName(draw::CELL_TIME.into()))
        .with_play_state(if live { PlayState::Following } else { PlayState::Playing });
    blueprint.log("time_panel", &time)?;
    let messages = messages.take();
    if let Some(first) = messages.first() {
        let activate = BlueprintActivationCommand {
            blueprint_id: first.store_id().clone(),
            make_active: true,
            make_default: true,
        };
        stream.send_blueprint(messages, activate);
    }
    Ok(())
}

/// The whole cell, the picks beside it.
fn cell_tab(cell: &Cell) -> Part {
    let (centre, radius) = extent(cell);
    let eye = centre + Vector3::new(1.5, -1.65, 1.15) * radius;
    let mut view = View::new("3D", "the cell", paths::WORLD).eye(&eye, &centre).dark().grid();
    view.contents = vec![
        format!("+ /{}/**", paths::WORLD),
        format!("- /{}", paths::ACCEPTED),
        format!("- /{}", paths::REJECTED),
        format!("- /{}", paths::REASONS),
    ];
    for camera in &cell.cameras {
        for path in [paths::depth, paths::masks, paths::item_boxes, paths::chosen_box, paths::chosen_discs] {
            view.contents.push(format!("- /{}", path(&camera.name)));
        }
    }
    // Points show what lies in a tote better, the height map what the planner believes of a bin.
    view.hidden.extend(cell.totes.iter().map(|t| paths::surface(Kind::Tote, &t.name)));
    view.quiet();
    let picks =
        View::new("TextLog", "picks", paths::LOG).with(columns()).showing([paths::PICK_LOG, paths::WARNING_LOG]);
    let steps = View::new("StateTimeline", "steps", "").showing([paths::STEPS]).with(time_axis());
    let beside = Container {
        kind: ContainerKind::Vertical,
        name: "picks and steps",
        shares: vec![1.0, 6.0],
        parts: vec![Part::View(steps), Part::View(picks)],
    };
    Part::Box(Container {
        kind: ContainerKind::Horizontal,
        name: "cell",
        shares: vec![2.4, 1.0],
        parts: vec![Part::View(view), Part::Box(beside)],
    })
}

/// What the cameras over the totes see, with masks, names and probabilities; depth and bins beside it.
fn masks_tab(cell: &Cell) -> Part {
    let over_totes = cell.cameras.iter().filter(|c| cell.totes.iter().any(|t| c.sees.contains(&t.name)));
    let large = over_totes
        .clone()
        .map(|camera| {
            let mut view = View::new("2D", &camera.name, &paths::camera(&camera.name)).whole(camera);
            view.contents = vec!["+ $origin/**".into(), format!("- /{}", paths::depth(&camera.name))];
            Part::View(view)
        })
        .collect();
    let depth = over_totes.take(1).map(|camera| {
        let name = format!("depth of {}", camera.name);
        Part::View(
            View::new("2D", &name, &paths::camera(&camera.name)).whole(camera).showing([paths::depth(&camera.name)]),
        )
    });
    let bins = cell.cameras.iter().filter(|c| cell.bins.iter().any(|b| c.sees.contains(&b.name))).map(|camera| {
        Part::View(
            View::new("2D", &camera.name, &paths::camera(&camera.name))
                .whole(camera)
                .showing([paths::image(&camera.name)]),
        )
    });
    let small: Vec<Part> = depth.chain(bins).collect();
    Part::Box(Container {
        kind: ContainerKind::Horizontal,
        name: "tote with masks",
        shares: vec![2.6, 1.0],
        parts: vec![
            Part::Box(Container { kind: ContainerKind::Tabs, name: "totes", shares: vec![], parts: large }),
            Part::Box(Container {
                kind: ContainerKind::Vertical,
                name: "depth and bins",
                shares: vec![],
                parts: small,
            }),
        ],
    })
}

/// The grasps considered, in the first tote's surroundings, and why.
fn grasps_tab(cell: &Cell) -> Part {
    let mut view = View::new("3D", "chosen and rejected grasps", paths::WORLD).dark().no_grid();
    view.contents = vec![format!("+ /{}/**", paths::GRASPS)];
    view.contents.extend(cell.totes.iter().map(|t| format!("+ /{}/**", paths::container(Kind::Tote, &t.name))));
    view.contents.extend(cell.totes.iter().map(|t| format!("+ /{}", paths::items(&t.name))));
    for camera in cell.cameras.iter().filter(|c| cell.totes.iter().any(|t| c.sees.contains(&t.name))) {
        view.contents.push(format!("+ /{}", paths::cloud(&camera.name)));
    }
    view.hidden.extend(cell.totes.iter().map(|t| paths::surface(Kind::Tote, &t.name)));
    view.defaults.push(Box::new(Boxes3D::update_fields().with_show_labels(false)));
    if let Some(tote) = cell.totes.first() {
        let floor = tote.world_from.origin().coords;
        let centre = floor + Vector3::z() * 0.35 * tote.size[2];
        let eye = centre + Vector3::new(0.25, -0.75, 1.25) * tote.size[0];
        view = view.eye(&eye, &centre);
    }
    let why = View::new("TextDocument", "why", "").showing([paths::WHY]);
    let outcome = View::new("TextDocument", "the last pick", "").showing([paths::OUTCOME]);
    let texts = Container {
        kind: ContainerKind::Tabs,
        name: "texts",
        shares: vec![],
        parts: vec![Part::View(why), Part::View(outcome)],
    };
    Part::Box(Container {
        kind: ContainerKind::Horizontal,
        name: "grasps",
        shares: vec![2.0, 1.0],
        parts: vec![Part::View(view), Part::Box(texts)],
    })
}

/// Steps, pressures, load, angles, speeds over time, one below the other.
fn curves_tab() -> Part {
    let plot = |name: &str, paths: Vec<&'static str>| {
        View::new("TimeSeries", name, "")
            .showing(paths)
            .with(PlotLegend::new().with_corner(Corner2D::LeftTop))
            .with(time_axis())
    };
    let from_zero = |top: f64| ScalarAxis::new().with_range([0.0, top]);
    let pressures =
        plot("vacuum at the cups and the manifold, kPa below ambient", vec![paths::CUP_PRESSURES, paths::MANIFOLD]);
    Part::Box(Container {
        kind: ContainerKind::Vertical,
        name: "curves",
        shares: vec![0.75, 1.8, 0.9, 1.75, 1.75],
        parts: vec![
            Part::View(View::new("StateTimeline", "step of the cycle", "").showing([paths::STEPS]).with(time_axis())),
            Part::View(pressures.with(from_zero(90.0))),
            Part::View(plot("load cell, N", vec![paths::LOAD])),
            Part::View(plot("joint angles, °", vec![paths::ANGLES])),
            Part::View(plot("joint speeds, °/s", vec![paths::SPEEDS])),
        ],
    })
}

/// Level and text; the entity's path says nothing to a reader.
fn columns() -> TextLogColumns {
    let column = |kind| TextLogColumn { visible: true.into(), kind };
    TextLogColumns::new().with_text_log_columns([column(TextLogColumnKind::LogLevel), column(TextLogColumnKind::Body)])
}

fn time_axis() -> TimeAxis {
    let nanoseconds = |seconds: i64| {
        rerun::datatypes::TimeRangeBoundary::CursorRelative(rerun::datatypes::TimeInt(seconds * 1_000_000_000))
    };
    let range = rerun::datatypes::TimeRange { start: nanoseconds(-BEFORE_S), end: nanoseconds(AFTER_S) };
    TimeAxis::new().with_link(LinkAxis::LinkToGlobal).with_view_range(range)
}

/// Middle and radius of what the arm works on, metres.
fn extent(cell: &Cell) -> (Vector3<f64>, f64) {
    let totes = cell.totes.iter().map(|t| t.world_from.origin().coords);
    let bins = cell.bins.iter().map(|b| b.world_from.origin().coords);
    let mut low = Vector3::zeros();
    let mut high = Vector3::new(0.0, 0.0, 1.0);
    for at in totes.chain(bins) {
        low = low.inf(&at);
        high = high.sup(&at);
    }
    let mut centre = 0.5 * (low + high);
    centre.z = 0.4;
    (centre, 0.5 * (high - low).norm())
}

/// A view or a box of views.
enum Part {
    View(View),
    Box(Container),
}

struct Container {
    kind: ContainerKind,
    name: &'static str,
    /// How the room is divided; equally where empty.
    shares: Vec<f32>,
    parts: Vec<Part>,
}

struct View {
    class: &'static str,
    name: String,
    origin: String,
    contents: Vec<String>,
    /// Logged, but off until someone turns them on.
    hidden: Vec<String>,
    /// Properties of the view, each under its archetype's name.
    properties: Vec<(&'static str, Box<dyn AsComponents>)>,
    /// What holds where an entity says nothing.
    defaults: Vec<Box<dyn AsComponents>>,
}

impl View {
    fn new(class: &'static str, name: &str, origin: &str) -> Self {
        Self {
            class,
            name: name.into(),
            origin: format!("/{origin}"),
            contents: vec!["$origin/**".into()],
            hidden: Vec::new(),
            properties: Vec::new(),
            defaults: Vec::new(),
        }
    }

    fn showing<S: std::fmt::Display>(mut self, entities: impl IntoIterator<Item = S>) -> Self {
        self.contents = entities.into_iter().map(|path| format!("+ /{path}")).collect();
        self
    }

    fn with<A: rerun::Archetype + AsComponents + 'static>(mut self, property: A) -> Self {
        self.properties.push((A::name().short_name(), Box::new(property)));
        self
    }

    fn eye(self, eye: &Vector3<f64>, target: &Vector3<f64>) -> Self {
        self.with(
            EyeControls3D::new()
                .with_position(colour::vector(eye))
                .with_look_target(colour::vector(target))
                .with_eye_up([0.0, 0.0, 1.0]),
        )
    }

    /// The colours of what is drawn are chosen for a dark background, whatever the viewer's theme.
    fn dark(self) -> Self {
        self.with(Background::new(BackgroundKind::SolidColor).with_color(colour::of(colour::BACKGROUND)))
    }

    /// Boxes and arrows show their labels when pointed at.
    fn quiet(&mut self) {
        self.defaults.push(Box::new(Boxes3D::update_fields().with_show_labels(false)));
        self.defaults.push(Box::new(Arrows3D::update_fields().with_show_labels(false)));
    }

    fn grid(self) -> Self {
        self.with(
            LineGrid3D::new()
                .with_visible(true)
                .with_spacing(0.25)
                .with_plane(Plane3D::XY)
                .with_stroke_width(0.75)
                .with_color(rerun::Color::from_unmultiplied_rgba(120, 130, 145, 60)),
        )
    }

    fn no_grid(self) -> Self {
        self.with(LineGrid3D::new().with_visible(false))
    }

    /// The whole image of a camera, whatever is drawn beyond it.
    fn whole(self, camera: &control::CameraMount) -> Self {
        let (width, height) = (f64::from(camera.intrinsics.width), f64::from(camera.intrinsics.height));
        let range = rerun::datatypes::Range2D { x_range: [0.0, width].into(), y_range: [0.0, height].into() };
        self.with(VisualBounds2D::new(range))
    }
}

/// Logs parts into a blueprint store. Ids are counted, so the same cell gives the same layout.
struct Writer<'a> {
    stream: &'a RecordingStream,
    last_id: u128,
}

impl Writer<'_> {
    fn part(&mut self, part: &Part) -> Result<(Uuid, String), RecordingStreamError> {
        self.last_id += 1;
        let id = Uuid::from_u128(self.last_id);
        match part {
            Part::View(view) => {
                let path = format!("view/{id}");
                self.view(view, id, &path)?;
                Ok((id, path))
            }
            Part::Box(container) => {
                let path = format!("container/{id}");
                self.container(container, &path)?;
                Ok((id, path))
            }
        }
    }

    fn container(&mut self, container: &Container, path: &str) -> Result<(), RecordingStreamError> {
        let mut children = Vec::with_capacity(container.parts.len());
        for part in &container.parts {
            children.push(self.part(part)?.1);
        }
        let mut archetype = ContainerBlueprint::new(container.kind)
            .with_display_name(Name(container.name.into()))
            .with_contents(children.iter().map(|child| IncludedContent(child.as_str().into())));
        if !container.shares.is_empty() {
            archetype = if container.kind == ContainerKind::Horizontal {
                archetype.with_col_shares(container.shares.iter().map(|&s| ColumnShare(s.into())))
            } else {
                archetype.with_row_shares(container.shares.iter().map(|&s| RowShare(s.into())))
            };
        }
        if let (ContainerKind::Tabs, Some(first)) = (container.kind, children.first()) {
            archetype = archetype.with_active_tab(ActiveTab(first.as_str().into()));
        }
        self.stream.log(path, &archetype)
    }

    fn view(&mut self, view: &View, id: Uuid, path: &str) -> Result<(), RecordingStreamError> {
        let contents = ViewContents::new(view.contents.iter().map(|query| QueryExpression(query.as_str().into())));
        self.stream.log(format!("{path}/ViewContents"), &contents)?;
        let archetype = ViewBlueprint::new(ViewClass(view.class.into()))
            .with_display_name(Name(view.name.as_str().into()))
            .with_space_origin(view.origin.as_str());
        self.stream.log(path, &archetype)?;
        for (name, property) in &view.properties {
            self.stream.log(format!("{path}/{name}"), property.as_ref())?;
        }
        for defaults in &view.defaults {
            self.stream.log(format!("{path}/defaults"), defaults.as_ref())?;
        }
        for entity in &view.hidden {
            let hidden = EntityBehavior::new().with_visible(Visible(false.into()));
            let at = ViewContents::blueprint_base_visualizer_path_for_entity(id, &entity.as_str().into());
            self.stream.log(at, &hidden)?;
        }
        Ok(())
    }
}
