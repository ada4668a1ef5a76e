//! A picture with what was found in it: outlines and names, for people.

use opencv::core::{Mat, MatTraitConst, Point, Rect, Scalar, Size, Vector, add_weighted};
use opencv::{imgcodecs, imgproc};

use crate::LookError;
use crate::picture::Picture;

/// The longest side of what is drawn, pixels: smaller pictures are enlarged by a whole number.
const LONGEST: usize = 1280;
/// How strongly an item is tinted, 0…1.
const TINT: f64 = 0.2;
const FONT: i32 = imgproc::FONT_HERSHEY_SIMPLEX;
const FONT_SCALE: f64 = 0.48;
const PAD: i32 = 4;

/// One thing to draw.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// Its outlines, `[x, y, x, y, …]` in the picture's pixels.
    pub polygons: Vec<Vec<f64>>,
    /// What stands on it, one line each.
    pub lines: Vec<String>,
    /// A thin line alone, without tint.
    pub faint: bool,
}

/// Draws marks on a picture; gives a PNG. Letters beyond ASCII become question marks.
///
/// # Errors
/// [`LookError::Image`]: what OpenCV says.
pub fn annotate(picture: &Picture, marks: &[Mark]) -> Result<Vec<u8>, LookError> {
    let factor = (LONGEST / picture.width.max(picture.height)).max(1) as i32;
    let mut bgr = picture.rgb.clone();
    bgr.chunks_exact_mut(3).for_each(|pixel| pixel.swap(0, 2));
    let own = Mat::from_slice(&bgr)?;
    let own = own.reshape(3, picture.height as i32)?;
    let size = Size::new(picture.width as i32 * factor, picture.height as i32 * factor);
    let mut canvas = Mat::default();
    imgproc::resize(&own, &mut canvas, size, 0.0, 0.0, imgproc::INTER_CUBIC)?;
    let outlines: Vec<Vector<Vector<Point>>> = marks.iter().map(|mark| points(mark, factor)).collect();
    let mut tinted = canvas.try_clone()?;
    for ((mark, outline), k) in marks.iter().zip(&outlines).zip(0u32..) {
        if !mark.faint && !outline.is_empty() {
            imgproc::fill_poly_def(&mut tinted, outline, colour(k))?;
        }
    }
    let mut picture = Mat::default();
    add_weighted(&tinted, TINT, &canvas, 1.0 - TINT, 0.0, &mut picture, -1)?;
    for ((mark, outline), k) in marks.iter().zip(&outlines).zip(0u32..) {
        if outline.is_empty() {
            continue;
        }
        let (under, over) = if mark.faint { (0, 1) } else { (4, 2) };
        if under > 0 {
            let dark = Scalar::new(20.0, 20.0, 20.0, 0.0);
            imgproc::polylines(&mut picture, outline, true, dark, under, imgproc::LINE_AA, 0)?;
        }
        imgproc::polylines(&mut picture, outline, true, colour(k), over, imgproc::LINE_AA, 0)?;
    }
    let mut placed = Vec::new();
    for ((mark, outline), k) in marks.iter().zip(&outlines).zip(0u32..) {
        label(&mut picture, mark, outline, colour(k), size, &mut placed)?;
    }
    let mut png = Vector::<u8>::new();
    imgcodecs::imencode(".png", &picture, &mut png, &Vector::new())?;
    Ok(png.as_slice().to_vec())
}

fn points(mark: &Mark, factor: i32) -> Vector<Vector<Point>> {
    let place = |x: f64| (x * f64::from(factor)).round() as i32;
    mark.polygons.iter().map(|p| p.chunks_exact(2).map(|c| Point::new(place(c[0]), place(c[1]))).collect()).collect()
}

/// Hues that lie far apart one after another (golden angle), bright enough for dark items and dark enough for light ones.
fn colour(k: u32) -> Scalar {
    let hue = (f64::from(k) * 0.618_034 + 0.08).fract() * 6.0;
    let part = |shift: f64| {
        let away = ((hue + shift) % 6.0 - 3.0).abs();
        255.0 * (0.25 + 0.75 * (away - 1.0).clamp(0.0, 1.0))
    };
    Scalar::new(part(2.0), part(4.0), part(0.0), 0.0)
}

/// Writes the lines of a mark near its middle, where no other label stands.
fn label(
    picture: &mut Mat,
    mark: &Mark,
    outline: &Vector<Vector<Point>>,
    colour: Scalar,
    canvas: Size,
    placed: &mut Vec<Rect>,
) -> Result<(), LookError> {
    let corners: Vec<Point> = outline.iter().flat_map(|polygon| polygon.as_slice().to_vec()).collect();
    let lines: Vec<String> =
        mark.lines.iter().map(|l| l.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect()).collect();
    if corners.is_empty() || lines.is_empty() {
        return Ok(());
    }
    let (mut wide, mut tall) = (0, 0);
    for line in &lines {
        let mut base = 0;
        let size = imgproc::get_text_size(line, FONT, FONT_SCALE, 1, &mut base)?;
        wide = wide.max(size.width);
        tall = tall.max(size.height + base);
    }
    let (wide, step) = (wide + 2 * PAD + 4, tall + 2);
    let height = step * lines.len() as i32 + PAD;
    let mean = |of: fn(&Point) -> i32| corners.iter().map(of).sum::<i32>() / corners.len() as i32;
    let (x, y) = (mean(|p| p.x) - wide / 2, mean(|p| p.y) - height / 2);
    let x = x.clamp(0, (canvas.width - wide).max(0));
    // Up and down from the middle, in turn, until it is free.
    let free = |y: &i32| {
        let place = Rect::new(x, *y, wide, height);
        placed.iter().all(|other| (*other & place).area() == 0)
    };
    let ways = (0..40).map(|k| y + (k + 1) / 2 * 6 * if k % 2 == 0 { 1 } else { -1 });
    let y = ways.map(|y| y.clamp(0, (canvas.height - height).max(0))).find(free).unwrap_or(y.max(0));
    let place = Rect::new(x, y, wide, height);
    placed.push(place);
    let dark = Scalar::new(30.0, 26.0, 24.0, 0.0);
    imgproc::rectangle(picture, place, dark, imgproc::FILLED, imgproc::LINE_8, 0)?;
    imgproc::rectangle(picture, Rect::new(x, y, 4, height), colour, imgproc::FILLED, imgproc::LINE_8, 0)?;
    for (line, k) in lines.iter().zip(1..) {
        let at = Point::new(x + 4 + PAD, y + step * k - 4);
        let white = Scalar::new(245.0, 245.0, 245.0, 0.0);
        imgproc::put_text(picture, line, at, FONT, FONT_SCALE, white, 1, imgproc::LINE_AA, false)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_changes_the_picture_where_it_is_and_nowhere_else() {
        let picture = Picture { width: 160, height: 120, rgb: vec![90; 3 * 160 * 120], alpha: None };
        let square = vec![100.0, 60.0, 150.0, 60.0, 150.0, 110.0, 100.0, 110.0];
        let mark = |lines: &[&str]| Mark {
            polygons: vec![square.clone()],
            lines: lines.iter().map(|l| (*l).to_owned()).collect(),
            faint: false,
        };
        let read = |png: &[u8]| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), png).unwrap();
            crate::load_picture(file.path()).unwrap()
        };
        let plain = read(&annotate(&picture, &[]).unwrap());
        let drawn = read(&annotate(&picture, &[mark(&["tea", "99 %"])]).unwrap());
        assert_eq!((drawn.width, drawn.height), (1280, 960));
        let at = |p: &Picture, x: usize, y: usize| p.rgb[3 * (y * p.width + x)..][..3].to_vec();
        assert_ne!(at(&drawn, 820, 500), at(&plain, 820, 500));
        assert_eq!(at(&drawn, 80, 80), at(&plain, 80, 80));
        // Without lines, without an outline and beyond the picture there is nothing to fail on.
        let nothing = Mark { polygons: vec![], lines: vec!["é".into()], faint: true };
        let beyond = Mark { polygons: vec![vec![-900.0, -900.0, 900.0, -900.0, 900.0, 900.0]], ..mark(&["x"]) };
        annotate(&picture, &[nothing, beyond, mark(&[])]).unwrap();
    }
}
