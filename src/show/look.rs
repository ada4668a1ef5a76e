//! What cameras give and perception makes of it: images, masks, boxes, points, height maps.

use image::codecs::{jpeg::JpegEncoder, png::PngEncoder};
use image::{ExtendedColorType, ImageEncoder as _, ImageResult};
use nalgebra::Point3;
use rerun::{
    Boxes2D, Boxes3D, EncodedDepthImage, EncodedImage, FillMode, ImageFormat, Mesh3D, Points3D, Radius,
    SegmentationImage,
};
use scene::frame::Frame;
use scene::{HeightMap, Item, RgbdImage};

use super::draw::Draw;
use super::{ShowError, colour, paths};

/// Quality of colour images, 1…100.
const JPEG_QUALITY: u8 = 85;
/// Depth is stored in whole millimetres.
const DEPTH_PER_METRE: f32 = 1000.0;
/// Every how many pixels a point is drawn, along both sides: 2.7 mm on a tote's floor.
const POINT_STRIDE: usize = 2;
/// Radius of a drawn point, metres.
const POINT_M: f32 = 0.0016;
/// How far from a container's inner walls points are drawn, metres: the walls themselves are lines, and
/// points on them would hide what lies behind.
const FROM_WALL_M: f64 = 0.006;
/// How far above its rim points are drawn, metres.
const ABOVE_RIM_M: f64 = 0.05;

impl Draw {
    /// The image as JPEG, its depth as PNG, and its points inside totes and bins.
    pub(super) fn image(&self, camera: &str, image: &RgbdImage) -> Result<(), ShowError> {
        let fault = |source| ShowError::Encode { to: self.to.clone(), camera: camera.into(), source: Box::new(source) };
        let colour = EncodedImage::from_file_contents(jpeg(image).map_err(fault)?);
        self.log(&paths::image(camera), &colour)?;
        let finite = || image.depth_m.iter().copied().filter(|z| z.is_finite());
        let nearest = finite().fold(f32::INFINITY, f32::min);
        let farthest = finite().fold(0.0, f32::max);
        if nearest < farthest {
            let depth = EncodedDepthImage::from_file_contents(depth_png(image).map_err(fault)?)
                .with_meter(DEPTH_PER_METRE)
                .with_depth_range([f64::from(nearest * DEPTH_PER_METRE), f64::from(farthest * DEPTH_PER_METRE)])
                .with_colormap(rerun::components::Colormap::Viridis);
            self.log(&paths::depth(camera), &depth)?;
        }
        self.cloud(camera, image)
    }

    fn cloud(&self, camera: &str, image: &RgbdImage) -> Result<(), ShowError> {
        let totes = self.cell.totes.iter().map(|t| (t.world_from.isometry(), t.size));
        let bins = self.cell.bins.iter().map(|b| (b.world_from.isometry(), b.size));
        let inside: Vec<_> = totes.chain(bins).map(|(world_from, size)| (world_from.inverse(), size)).collect();
        let is_inside = |point: &Point3<f64>| {
            inside.iter().any(|(from_world, size)| {
                let p = from_world.transform_point(point);
                p.x.abs() < 0.5 * size[0] - FROM_WALL_M
                    && p.y.abs() < 0.5 * size[1] - FROM_WALL_M
                    && p.z < size[2] + ABOVE_RIM_M
            })
        };
        let mut points = Vec::new();
        let mut colours = Vec::new();
        for v in (0..image.height()).step_by(POINT_STRIDE) {
            for u in (0..image.width()).step_by(POINT_STRIDE) {
                let Some(point) = image.world_point(u, v).filter(is_inside) else { continue };
                let at = 3 * (v * image.width() + u);
                let Some(&[r, g, b]) = image.rgb.get(at..at + 3) else { continue };
                points.push(colour::vector(&point.coords));
                colours.push(rerun::Color::from_rgb(r, g, b));
            }
        }
        self.log(&paths::cloud(camera), &Points3D::new(points).with_colors(colours).with_radii([POINT_M]))
    }

    /// Masks and named boxes in the image, named boxes in the world.
    pub(super) fn items(&self, camera: &str, tote: &str, items: &[Item]) -> Result<(), ShowError> {
        self.clear(&paths::chosen_box(camera))?;
        if let Some(mount) = self.cell.cameras.iter().find(|c| c.name == camera) {
            let (width, height) = (mount.intrinsics.width, mount.intrinsics.height);
            let mut classes = vec![0_u8; width as usize * height as usize];
            for item in items {
                for (u, v) in item.mask.pixels().filter(|&(u, v)| u < width && v < height) {
                    classes[v as usize * width as usize + u as usize] = class(item);
                }
            }
            let format = ImageFormat::segmentation([width, height], rerun::ChannelDatatype::U8);
            self.log(&paths::masks(camera), &SegmentationImage::new(classes, format).with_opacity(0.45))?;
        }
        let colours: Vec<_> = items.iter().map(|i| rerun::Color::from(colour::item(i.id.0))).collect();
        let names: Vec<_> = items.iter().map(name).collect();
        let boxes = Boxes2D::from_mins_and_sizes(
            items.iter().map(|i| [i.mask.x as f32, i.mask.y as f32]),
            items.iter().map(|i| [i.mask.width as f32, i.mask.height as f32]),
        )
        .with_colors(colours.clone())
        .with_radii([Radius::new_ui_points(1.0)])
        .with_labels(names.clone())
        .with_show_labels(true);
        self.log(&paths::item_boxes(camera), &boxes)?;
        let in_world = Boxes3D::from_centers_and_sizes(
            items.iter().map(|i| colour::position(i.world_from_item.isometry())),
            items.iter().map(|i| colour::three(i.size_m)),
        )
        .with_quaternions(items.iter().map(|i| colour::quaternion(i.world_from_item.isometry())))
        .with_colors(colours)
        .with_radii([Radius::new_ui_points(1.0)])
        .with_fill_mode(FillMode::MajorWireframe)
        .with_labels(names);
        self.log(&paths::items(tote), &in_world)
    }

    /// A height map as a mesh in its container's frame; `walls` is the container's inner size, metres.
    pub(super) fn surface<F: Frame>(
        &self,
        path: &str,
        map: &HeightMap<F>,
        walls: Option<[f64; 3]>,
    ) -> Result<(), ShowError> {
        if map.nx < 2 || map.ny < 2 {
            return Ok(());
        }
        let highest = walls.map_or(0.3, |size| size[2] as f32);
        let seen = |i: usize, j: usize| map.at(i, j).is_finite().then(|| map.at(i, j));
        let cells = || (0..map.ny).flat_map(|j| (0..map.nx).map(move |i| (i, j)));
        let height = |i: usize, j: usize| seen(i, j).unwrap_or(0.0);
        let points = cells().map(|(i, j)| {
            let [x, y] = map.centre(i, j);
            [x as f32, y as f32, height(i, j)]
        });
        let normals = cells().map(|(i, j)| {
            let (left, right) = (i.saturating_sub(1), (i + 1).min(map.nx - 1));
            let (below, above) = (j.saturating_sub(1), (j + 1).min(map.ny - 1));
            let cell = map.cell as f32;
            let dx = (height(right, j) - height(left, j)) / (cell * (right - left) as f32);
            let dy = (height(i, above) - height(i, below)) / (cell * (above - below) as f32);
            let length = (dx * dx + dy * dy + 1.0).sqrt();
            [-dx / length, -dy / length, 1.0 / length]
        });
        let colours =
            cells().map(|(i, j)| seen(i, j).map_or(colour::of(colour::UNSEEN), |z| colour::height(z / highest)));
        let corner = |i: usize, j: usize| u32::try_from(j * map.nx + i).unwrap_or(0);
        let triangles = (0..map.ny - 1).flat_map(|j| {
            (0..map.nx - 1).flat_map(move |i| {
                let (a, b, c, d) = (corner(i, j), corner(i + 1, j), corner(i + 1, j + 1), corner(i, j + 1));
                [[a, b, c], [a, c, d]]
            })
        });
        let mesh = Mesh3D::new(points)
            .with_vertex_normals(normals)
            .with_vertex_colors(colours)
            .with_triangle_indices(triangles);
        self.log(path, &mesh)
    }
}

/// The name that most speaks for, and how much: `tea-box-250 93 %`.
pub fn name(item: &Item) -> String {
    match item.beliefs.first() {
        Some(belief) => {
            let sku = belief.sku.as_ref().map_or("none of these", |sku| sku.as_str());
            format!("{sku} {:.0} %", 100.0 * belief.p)
        }
        None => "not named".into(),
    }
}

/// The class of an item in the mask image; 0 is no item.
fn class(item: &Item) -> u8 {
    (item.id.0 % 255) as u8 + 1
}

fn jpeg(image: &RgbdImage) -> ImageResult<Vec<u8>> {
    let mut out = Vec::new();
    let [width, height] = [image.intrinsics.width, image.intrinsics.height];
    JpegEncoder::new_with_quality(&mut out, JPEG_QUALITY).write_image(
        &image.rgb,
        width,
        height,
        ExtendedColorType::Rgb8,
    )?;
    Ok(out)
}

/// Whole millimetres, 0 where there is no reading.
fn depth_png(image: &RgbdImage) -> ImageResult<Vec<u8>> {
    let mut out = Vec::new();
    let [width, height] = [image.intrinsics.width, image.intrinsics.height];
    // A NaN becomes 0.
    let millimetres: Vec<u8> =
        image.depth_m.iter().flat_map(|z| ((z * DEPTH_PER_METRE).round() as u16).to_ne_bytes()).collect();
    PngEncoder::new(&mut out).write_image(&millimetres, width, height, ExtendedColorType::L16)?;
    Ok(out)
}
