//! Colour and depth images, and the camera that gives them.

use nalgebra::{Point2, Point3};
use serde::{Deserialize, Serialize};

use crate::frame;
use crate::{Pose, Timestamp};

/// A pinhole without distortion. Pixel centres lie at whole numbers: pixel (0, 0) covers −0.5…0.5.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intrinsics {
    /// Image width, pixels.
    pub width: u32,
    /// Image height, pixels.
    pub height: u32,
    /// Focal length along x, pixels.
    pub fx: f64,
    /// Focal length along y, pixels.
    pub fy: f64,
    /// Principal point x, pixels.
    pub cx: f64,
    /// Principal point y, pixels.
    pub cy: f64,
}

impl Intrinsics {
    /// Where a point in the camera frame appears, pixels; `None` at or behind the camera plane.
    #[must_use]
    pub fn project(&self, in_camera: &Point3<f64>) -> Option<Point2<f64>> {
        (in_camera.z > 1e-9).then(|| {
            Point2::new(self.fx * in_camera.x / in_camera.z + self.cx, self.fy * in_camera.y / in_camera.z + self.cy)
        })
    }

    /// The point in the camera frame that a pixel with depth z (metres along the optical axis) shows.
    #[must_use]
    pub fn unproject(&self, u: f64, v: f64, z: f64) -> Point3<f64> {
        Point3::new((u - self.cx) * z / self.fx, (v - self.cy) * z / self.fy, z)
    }
}

/// One look of an RGB-D camera: colour and depth on the same pixels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RgbdImage {
    /// When the world was so.
    pub taken_at: Timestamp,
    /// The camera's pinhole; its width and height are the image's.
    pub intrinsics: Intrinsics,
    /// Where the camera stood.
    pub world_from_camera: Pose<frame::World, frame::Camera>,
    /// Red, green, blue, a byte each, row-major from the top left: `3 × width × height`.
    pub rgb: Vec<u8>,
    /// Depth along the optical axis in metres, row-major, NaN where there is no reading: `width × height`.
    pub depth_m: Vec<f32>,
}

impl RgbdImage {
    /// Image width, pixels.
    #[must_use]
    pub fn width(&self) -> usize {
        self.intrinsics.width as usize
    }
    /// Image height, pixels.
    #[must_use]
    pub fn height(&self) -> usize {
        self.intrinsics.height as usize
    }
    /// Depth at a pixel in metres; `None` outside the image or without a reading.
    #[must_use]
    pub fn depth_at(&self, u: usize, v: usize) -> Option<f64> {
        if u >= self.width() || v >= self.height() {
            return None;
        }
        let z = *self.depth_m.get(v * self.width() + u)?;
        z.is_finite().then_some(f64::from(z))
    }
    /// The world point that a pixel shows; `None` outside the image or without a reading.
    #[must_use]
    pub fn world_point(&self, u: usize, v: usize) -> Option<Point3<f64>> {
        let z = self.depth_at(u, v)?;
        Some(self.world_from_camera.point(&self.intrinsics.unproject(u as f64, v as f64, z)))
    }
}

/// Why a camera gave no image. Nothing has moved; the camera may be asked again.
#[derive(Debug, Clone, PartialEq)]
pub enum CameraError {
    /// The camera did not answer in time.
    Silent {
        /// The camera's name in the cell file.
        camera: String,
    },
}

impl core::fmt::Display for CameraError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Silent { camera } => write!(f, "camera {camera} gave no image"),
        }
    }
}

impl core::error::Error for CameraError {}

/// An RGB-D camera. Calls return at once: an image is asked for and fetched later.
pub trait Camera {
    /// Asks for one image of the world as it is at `now`. Asking again before fetching replaces the request.
    ///
    /// # Errors
    /// [`CameraError`] when the camera can't be reached.
    fn trigger(&mut self, now: Timestamp) -> Result<(), CameraError>;

    /// The image asked for, once it is there; `None` before, and when none was asked for.
    ///
    /// # Errors
    /// [`CameraError`] when the camera can't be reached; the request is gone.
    fn fetch(&mut self, now: Timestamp) -> Result<Option<RgbdImage>, CameraError>;
}

impl<C: Camera + ?Sized> Camera for Box<C> {
    fn trigger(&mut self, now: Timestamp) -> Result<(), CameraError> {
        (**self).trigger(now)
    }
    fn fetch(&mut self, now: Timestamp) -> Result<Option<RgbdImage>, CameraError> {
        (**self).fetch(now)
    }
}
