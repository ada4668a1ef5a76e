//! What the instance network sees: colour, height above the tote floor, and where that is known.

use nalgebra::Vector3;
use opencv::core::{Mat, MatTraitConst, MatTraitConstManual, Size};
use opencv::imgproc;
use scene::frame::{Tote, World};
use scene::{Pose, RgbdImage};

/// Width of the network's input, pixels.
pub(crate) const WIDTH: usize = 320;
/// Height of the network's input, pixels.
pub(crate) const HEIGHT: usize = 240;
/// Colour, height, validity.
pub(crate) const CHANNELS: usize = 5;
/// The unit of height in the network's input, metres (training/networks.py).
const HEIGHT_UNIT_M: f32 = 0.1;

/// How the image lies in the network's input: scaled by one factor and kept in the top left corner.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fit {
    /// Image pixels a network pixel.
    pub scale: f64,
    /// Width and height of the part of the input that the image fills.
    pub used: (usize, usize),
}

impl Fit {
    pub(crate) fn of(width: usize, height: usize) -> Self {
        let scale = (width as f64 / WIDTH as f64).max(height as f64 / HEIGHT as f64);
        let part = |side: usize, limit: usize| ((side as f64 / scale).round() as usize).clamp(1, limit);
        Self { scale, used: (part(width, WIDTH), part(height, HEIGHT)) }
    }
}

/// Height above the tote floor of each pixel, metres, NaN without a reading.
pub(crate) fn heights(image: &RgbdImage, world_from_tote: &Pose<World, Tote>) -> Vec<f32> {
    let tote_from_camera = world_from_tote.inverse() * image.world_from_camera;
    let up = tote_from_camera.inverse().direction(&Vector3::new(0.0, 0.0, 1.0));
    let origin = tote_from_camera.origin().z;
    let k = image.intrinsics;
    let width = image.width();
    let mut heights = Vec::with_capacity(image.depth_m.len());
    for (v, row) in image.depth_m.chunks_exact(width).enumerate() {
        let along_row = up.y * (v as f64 - k.cy) / k.fy + up.z;
        for (u, &depth) in row.iter().enumerate() {
            let slope = up.x * (u as f64 - k.cx) / k.fx + along_row;
            heights.push((origin + f64::from(depth) * slope) as f32);
        }
    }
    heights
}

/// The network's input tensor, `CHANNELS × HEIGHT × WIDTH`.
pub(crate) fn tensor(rgb: &[u8], width: usize, height: usize, heights: &[f32]) -> opencv::Result<(Vec<f32>, Fit)> {
    let fit = Fit::of(width, height);
    let (used_w, used_h) = fit.used;
    let whole = Mat::from_slice(rgb)?;
    let whole = whole.reshape(3, height as i32)?;
    let mut small = Mat::default();
    imgproc::resize(&whole, &mut small, Size::new(used_w as i32, used_h as i32), 0.0, 0.0, imgproc::INTER_AREA)?;
    let small = small.try_clone()?;
    let colours = small.data_bytes()?;
    let plane = WIDTH * HEIGHT;
    let mut tensor = vec![0.0; CHANNELS * plane];
    for v in 0..used_h {
        for u in 0..used_w {
            let to = v * WIDTH + u;
            let from = 3 * (v * used_w + u);
            for channel in 0..3 {
                tensor[channel * plane + to] = f32::from(colours[from + channel]) / 255.0 * 2.0 - 1.0;
            }
        }
    }
    average_heights(heights, width, height, fit, &mut tensor[3 * plane..]);
    Ok((tensor, fit))
}

/// Mean height over the valid pixels of each network pixel; the second plane is 1 where there is one.
fn average_heights(heights: &[f32], width: usize, height: usize, fit: Fit, planes: &mut [f32]) {
    let plane = WIDTH * HEIGHT;
    let mut count = vec![0.0f32; plane];
    let column: Vec<usize> =
        (0..width).map(|u| (((u as f64 + 0.5) / fit.scale) as usize).min(fit.used.0 - 1)).collect();
    for v in 0..height {
        let row = (((v as f64 + 0.5) / fit.scale) as usize).min(fit.used.1 - 1) * WIDTH;
        for (&z, &to) in heights[v * width..(v + 1) * width].iter().zip(&column) {
            if z.is_finite() {
                planes[row + to] += z;
                count[row + to] += 1.0;
            }
        }
    }
    for i in 0..plane {
        if count[i] > 0.0 {
            planes[i] /= count[i] * HEIGHT_UNIT_M;
            planes[plane + i] = 1.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_input_averages_valid_heights_and_colours_of_two_by_two_pixels() {
        let mut rgb = vec![0u8; 3 * 640 * 480];
        rgb[..6].copy_from_slice(&[255, 0, 0, 255, 0, 0]);
        let mut heights = vec![f32::NAN; 640 * 480];
        (heights[0], heights[1]) = (0.1, 0.2);
        let (tensor, fit) = tensor(&rgb, 640, 480, &heights).unwrap();
        assert_eq!((fit.scale, fit.used), (2.0, (WIDTH, HEIGHT)));
        let plane = WIDTH * HEIGHT;
        assert!(tensor[0].abs() < 0.01, "red is {}", tensor[0]);
        assert_eq!(tensor[plane], -1.0);
        assert!((tensor[3 * plane] - 1.5).abs() < 1e-6);
        assert_eq!((tensor[4 * plane], tensor[4 * plane + 1]), (1.0, 0.0));
    }

    #[test]
    fn another_shape_of_image_keeps_its_proportions() {
        let fit = Fit::of(2400, 1000);
        assert_eq!((fit.scale, fit.used), (7.5, (320, 133)));
    }
}
