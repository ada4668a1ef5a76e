//! A picture of any size, with depth or without, as the networks see it; outlines in its own pixels.

use nalgebra::{UnitQuaternion, Vector3};
use opencv::core::{Mat, MatTraitConst, MatTraitConstManual, Size};
use opencv::imgproc;
use scene::frame::{Camera, Tote, World};
use scene::{Intrinsics, Mask, Pose, RgbdImage, Timestamp};
use thiserror::Error;

use crate::floor::floor;
use crate::outline::{fill_polygons, outlines};
use crate::picture::Picture;
use crate::{LookError, check_camera};

/// The size that the networks were trained for: pictures are brought to fit it by one factor.
const WORKING: [f64; 2] = [640.0, 480.0];
/// Height of a camera of which nobody knows anything, over a floor that nobody sees, metres.
const HEIGHT_M: f64 = 1.27;
/// Focal length over width of such a camera (an Intel D415 at 640 × 480).
const FOCAL: f64 = 1.47;
/// How far the outlines of a picture's own pixels may be rounded off, working pixels.
const ROUNDED_PX: f64 = 1.2;

/// What a depth camera adds to a picture.
#[derive(Debug, Clone)]
pub struct Depth {
    /// Width of the depth picture, pixels.
    pub width: usize,
    /// Height of the depth picture, pixels.
    pub height: usize,
    /// Depth along the optical axis, metres, NaN without a reading.
    pub depth_m: Vec<f32>,
    /// The camera, on the picture's own pixels.
    pub camera: Intrinsics,
    /// Where it stood; straight above where nobody says.
    pub world_from_camera: Option<Pose<World, Camera>>,
    /// Where the tote's floor is; the farthest dominant plane where nobody says.
    pub world_from_tote: Option<Pose<World, Tote>>,
}

/// Why picture and depth don't belong together.
#[derive(Debug, Error)]
pub enum ShotError {
    /// Depth or camera has another size than the picture.
    #[error("{part} is {width} × {height} pixels; must be the picture's {picture_width} × {picture_height}")]
    Size {
        /// `depth picture` or `camera`.
        part: &'static str,
        /// Its width, pixels.
        width: usize,
        /// Its height, pixels.
        height: usize,
        /// The picture's.
        picture_width: usize,
        /// The picture's.
        picture_height: usize,
    },
    /// A number of the camera is out of range.
    #[error("camera {field} is {value}; must be {rule}")]
    Camera {
        /// The key.
        field: &'static str,
        /// The value.
        value: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// An image operation didn't run.
    #[error(transparent)]
    Image(#[from] LookError),
}

/// A picture ready to be looked at.
#[derive(Debug, Clone)]
pub struct Shot {
    /// The image at the working size: within 640 × 480.
    pub image: RgbdImage,
    /// Where the tote's floor is.
    pub world_from_tote: Pose<World, Tote>,
    /// True where depth took part: with fewer than 100 readings it does not.
    pub has_depth: bool,
    /// The picture's own size, pixels.
    size: [u32; 2],
    /// Own pixels a working pixel.
    scale: f64,
}

impl Shot {
    /// Brings a picture, and its depth where there is any, to the working size: colours are averaged or blended, of depth the
    /// nearest reading is taken.
    ///
    /// # Errors
    /// [`ShotError`].
    pub fn new(picture: &Picture, depth: Option<&Depth>) -> Result<Self, ShotError> {
        let (width, height) = (picture.width, picture.height);
        let scale = (width as f64 / WORKING[0]).max(height as f64 / WORKING[1]);
        let part = |side: usize| ((side as f64 / scale).round() as usize).max(1);
        let (w, h) = (part(width), part(height));
        let rgb = if (w, h) == (width, height) { picture.rgb.clone() } else { resized(picture, w, h)? };
        let own = match depth {
            Some(depth) => checked(depth, width, height)?,
            None => Intrinsics {
                width: width as u32,
                height: height as u32,
                fx: FOCAL * width as f64,
                fy: FOCAL * width as f64,
                cx: 0.5 * (width as f64 - 1.0),
                cy: 0.5 * (height as f64 - 1.0),
            },
        };
        // Pixel centres lie at whole numbers.
        let middle = |c: f64| (c + 0.5) / scale - 0.5;
        let intrinsics = Intrinsics {
            width: w as u32,
            height: h as u32,
            fx: own.fx / scale,
            fy: own.fy / scale,
            cx: middle(own.cx),
            cy: middle(own.cy),
        };
        let depth_m = match depth {
            None => vec![f32::NAN; w * h],
            Some(depth) => {
                let from = |at: usize, side: usize| (((at as f64 + 0.5) * scale) as usize).min(side - 1);
                let rows = (0..h).map(|v| from(v, height) * width);
                rows.flat_map(|row| (0..w).map(move |u| row + from(u, width))).map(|i| depth.depth_m[i]).collect()
            }
        };
        let down = || {
            let over = UnitQuaternion::from_axis_angle(&Vector3::x_axis(), core::f64::consts::PI);
            Pose::from_parts(Vector3::new(0.0, 0.0, HEIGHT_M), over)
        };
        let pose = depth.and_then(|depth| depth.world_from_camera);
        let world_from_camera = pose.unwrap_or_else(down);
        let mut image = RgbdImage { taken_at: Timestamp::ZERO, intrinsics, world_from_camera, rgb, depth_m };
        let seen = floor(&image, pose.is_some());
        if seen.is_none() {
            image.depth_m.fill(f32::NAN);
        }
        let told = depth.and_then(|depth| depth.world_from_tote);
        let world_from_tote = told.or(seen).unwrap_or_else(Pose::identity);
        let size = [width as u32, height as u32];
        Ok(Self { image, world_from_tote, has_depth: seen.is_some(), size, scale })
    }

    /// A mask of the picture's own pixels at the working size; `None` where nothing is left of it.
    ///
    /// # Errors
    /// [`LookError::Image`].
    pub fn working(&self, own: &Mask) -> Result<Option<Mask>, LookError> {
        if self.is_own() {
            return Ok(Some(own.clone()));
        }
        let mut polygons = outlines(own, 0.0)?;
        polygons.iter_mut().flatten().for_each(|x| *x /= self.scale);
        Ok(fill_polygons(&polygons, self.image.intrinsics.width, self.image.intrinsics.height))
    }

    /// The outlines of a working mask in the picture's own pixels.
    ///
    /// # Errors
    /// [`LookError::Image`].
    pub fn own_polygons(&self, working: &Mask) -> Result<Vec<Vec<f64>>, LookError> {
        let mut polygons = outlines(working, ROUNDED_PX)?;
        let round = |x: f64, most: u32| ((x * self.scale * 10.0).round() / 10.0).clamp(0.0, f64::from(most));
        for polygon in &mut polygons {
            for (k, x) in polygon.iter_mut().enumerate() {
                *x = round(*x, self.size[k % 2]);
            }
        }
        Ok(polygons)
    }

    /// A working mask in the picture's own pixels.
    ///
    /// # Errors
    /// [`LookError::Image`].
    pub fn own(&self, working: &Mask) -> Result<Option<Mask>, LookError> {
        if self.is_own() {
            return Ok(Some(working.clone()));
        }
        let mut polygons = outlines(working, ROUNDED_PX)?;
        polygons.iter_mut().flatten().for_each(|x| *x *= self.scale);
        Ok(fill_polygons(&polygons, self.size[0], self.size[1]))
    }

    fn is_own(&self) -> bool {
        self.size == [self.image.intrinsics.width, self.image.intrinsics.height]
    }
}

fn checked(depth: &Depth, width: usize, height: usize) -> Result<Intrinsics, ShotError> {
    let k = depth.camera;
    for (part, w, h) in [("depth picture", depth.width, depth.height), ("camera", k.width as usize, k.height as usize)]
    {
        if (w, h) != (width, height) {
            return Err(ShotError::Size { part, width: w, height: h, picture_width: width, picture_height: height });
        }
    }
    check_camera(&k).map_err(|(field, value, rule)| ShotError::Camera { field, value, rule })?;
    Ok(k)
}

fn resized(picture: &Picture, width: usize, height: usize) -> Result<Vec<u8>, LookError> {
    let whole = Mat::from_slice(&picture.rgb)?;
    let whole = whole.reshape(3, picture.height as i32)?;
    let how = if width < picture.width { imgproc::INTER_AREA } else { imgproc::INTER_LINEAR };
    let mut out = Mat::default();
    imgproc::resize(&whole, &mut out, Size::new(width as i32, height as i32), 0.0, 0.0, how)?;
    Ok(out.data_bytes().map_err(LookError::from)?.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: usize, height: usize) -> Picture {
        Picture { width, height, rgb: vec![90; 3 * width * height], alpha: None }
    }

    fn depth(width: usize, height: usize, z: f32) -> Depth {
        let (w, h) = (width as f64, height as f64);
        let camera = Intrinsics {
            width: width as u32,
            height: height as u32,
            fx: w,
            fy: w,
            cx: 0.5 * w - 0.5,
            cy: 0.5 * h - 0.5,
        };
        let depth_m = vec![z; width * height];
        Depth { width, height, depth_m, camera, world_from_camera: None, world_from_tote: None }
    }

    #[test]
    fn pictures_of_any_size_work_within_640_by_480_and_outlines_come_back_in_their_own_pixels() {
        for (width, height, working) in [(640, 480, (640, 480)), (1920, 1080, (640, 360)), (100, 150, (320, 480))] {
            let shot = Shot::new(&picture(width, height), Some(&depth(width, height, 0.8))).unwrap();
            assert_eq!((shot.image.width(), shot.image.height()), working);
            assert!(shot.has_depth);
            // The same ray through the corner, whatever the size.
            let k = shot.image.intrinsics;
            assert!(((0.5 + k.cx) / k.fx - 0.5).abs() < 0.01, "{k:?}");
            let (w, h) = (width as f64, height as f64);
            let square = vec![0.25 * w, 0.25 * h, 0.75 * w, 0.25 * h, 0.75 * w, 0.75 * h, 0.25 * w, 0.75 * h];
            let own = fill_polygons(&[square], width as u32, height as u32).unwrap();
            let there = shot.working(&own).unwrap().unwrap();
            let back = shot.own(&there).unwrap().unwrap();
            let same = back.pixels().filter(|&(u, v)| own.contains(u, v)).count();
            let iou = same as f64 / (back.area() + own.area() - same) as f64;
            assert!(iou > 0.98, "{width} × {height}: {iou}");
            let polygon = &shot.own_polygons(&there).unwrap()[0];
            assert!((polygon[0] - 0.25 * w).abs() <= 0.01 * w, "{polygon:?}");
        }
    }

    #[test]
    fn the_floor_of_a_camera_straight_above_is_where_depth_ends() {
        let shot = Shot::new(&picture(640, 480), Some(&depth(640, 480, 0.8))).unwrap();
        let at = shot.world_from_tote.origin();
        assert!((at.z - (HEIGHT_M - 0.8)).abs() < 1e-3, "floor at {at}");
    }

    #[test]
    fn depth_without_readings_is_no_depth() {
        let shot = Shot::new(&picture(640, 480), Some(&depth(640, 480, f32::NAN))).unwrap();
        assert!(!shot.has_depth && shot.image.depth_m.iter().all(|z| z.is_nan()));
        assert!(!Shot::new(&picture(64, 48), None).unwrap().has_depth);
    }

    #[test]
    fn depth_of_another_size_and_impossible_cameras_are_refused() {
        let check = |depth: &Depth, expected: &str| {
            let error = Shot::new(&picture(64, 48), Some(depth)).unwrap_err().to_string();
            assert_eq!(error, expected);
        };
        check(&depth(64, 40, 1.0), "depth picture is 64 × 40 pixels; must be the picture's 64 × 48");
        let mut other = depth(64, 48, 1.0);
        other.camera.width = 640;
        check(&other, "camera is 640 × 48 pixels; must be the picture's 64 × 48");
        let mut blind = depth(64, 48, 1.0);
        blind.camera.fx = f64::NAN;
        check(&blind, "camera fx is NaN; must be from 0.1 to 50 widths of the picture, in pixels");
    }
}
