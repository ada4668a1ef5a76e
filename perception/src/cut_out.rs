//! An item's outline in a photograph of it alone, on a plain ground.

use opencv::core::{BORDER_CONSTANT, CV_32S, Mat, MatTraitConst, MatTraitConstManual, Point, Rect, Scalar, Size};
use opencv::imgproc;

use crate::catalogue::View;
use crate::picture::Picture;

/// The longest side of a view, pixels: larger photographs are reduced. A crop for the network is far smaller.
const LONGEST: usize = 640;
/// A pixel is the item's where a colour differs this much from the ground's: noise and the ringing of a JPEG stay below.
const DIFFERS: u8 = 8;
/// The ground is plain where this share of the border …
const PLAIN_SHARE: f64 = 0.7;
/// … is within so much of its median colour.
const PLAIN: u8 = 24;
/// An item fills at least this share of its photograph …
const LEAST: f64 = 0.005;
/// … and leaves at least this share of it.
const MOST: f64 = 0.98;

/// Cuts the item out of a photograph: by its alpha where it has one; else by how pixels differ from the colour of the
/// border, dark items on black included; else, where the border has no one colour, by `GrabCut` from the inner nine tenths.
/// The largest patch counts, closed over small gaps and with its holes filled.
///
/// The error says what the picture is instead.
pub(crate) fn cut_out(picture: &Picture) -> opencv::Result<Result<View, String>> {
    let picture = reduced(picture)?;
    let (width, height) = (picture.width, picture.height);
    let inside: Vec<u8> = match &picture.alpha {
        Some(alpha) if alpha.iter().any(|a| *a < 128) => alpha.iter().map(|a| u8::from(*a >= 128)).collect(),
        _ => match ground(&picture) {
            Some(ground) => whole(&differing(&picture, ground), width, height)?,
            None => whole(&grab(&picture)?, width, height)?,
        },
    };
    let share = inside.iter().filter(|bit| **bit != 0).count() as f64 / inside.len() as f64;
    if share < LEAST {
        return Ok(Err(format!("{:.1} % item", 100.0 * share)));
    }
    if share > MOST {
        return Ok(Err("the same from border to border".into()));
    }
    let rgba = picture.rgb.chunks_exact(3).zip(&inside).flat_map(|(c, bit)| [c[0], c[1], c[2], 255 * bit]).collect();
    Ok(Ok(View { width, height, rgba }))
}

fn reduced(picture: &Picture) -> opencv::Result<Picture> {
    let longest = picture.width.max(picture.height);
    if longest <= LONGEST {
        return Ok(picture.clone());
    }
    let part = |side: usize| (side * LONGEST / longest).max(1);
    let (width, height) = (part(picture.width), part(picture.height));
    let resized = |bytes: &[u8], channels: i32| -> opencv::Result<Vec<u8>> {
        let whole = Mat::from_slice(bytes)?;
        let whole = whole.reshape(channels, picture.height as i32)?;
        let mut small = Mat::default();
        imgproc::resize(&whole, &mut small, Size::new(width as i32, height as i32), 0.0, 0.0, imgproc::INTER_AREA)?;
        Ok(small.data_bytes()?.to_vec())
    };
    let alpha = picture.alpha.as_ref().map(|alpha| resized(alpha, 1)).transpose()?;
    Ok(Picture { width, height, rgb: resized(&picture.rgb, 3)?, alpha })
}

/// The colour of the border, where it has one.
fn ground(picture: &Picture) -> Option<[u8; 3]> {
    let (w, h) = (picture.width, picture.height);
    let rim = |i: &usize| i % w < 2 || i % w >= w - 2 || i / w < 2 || i / w >= h - 2;
    let border: Vec<&[u8]> =
        picture.rgb.chunks_exact(3).enumerate().filter(|(i, _)| rim(i)).map(|(_, colour)| colour).collect();
    let median = [0, 1, 2].map(|channel| {
        let mut values: Vec<u8> = border.iter().map(|colour| colour[channel]).collect();
        values.sort_unstable();
        values[values.len() / 2]
    });
    let near = border.iter().filter(|c| (0..3).all(|k| c[k].abs_diff(median[k]) <= PLAIN)).count();
    (near as f64 >= PLAIN_SHARE * border.len() as f64).then_some(median)
}

fn differing(picture: &Picture, ground: [u8; 3]) -> Vec<u8> {
    picture
        .rgb
        .chunks_exact(3)
        .map(|colour| u8::from(colour.iter().zip(ground).any(|(c, g)| c.abs_diff(g) > DIFFERS)))
        .collect()
}

fn grab(picture: &Picture) -> opencv::Result<Vec<u8>> {
    let (w, h) = (picture.width as i32, picture.height as i32);
    let rect = Rect::new(w / 20, h / 20, w - w / 10, h - h / 10);
    grab_cut(&picture.rgb, picture.width, rect)
}

/// 1 where `GrabCut` (Rother et al. 2004) sees the item of a rectangle of an RGB picture.
pub(crate) fn grab_cut(rgb: &[u8], width: usize, rect: Rect) -> opencv::Result<Vec<u8>> {
    let height = rgb.len() / 3 / width;
    let whole = Mat::from_slice(rgb)?;
    let whole = whole.reshape(3, height as i32)?.try_clone()?;
    let (mut mask, mut back, mut fore) = (Mat::default(), Mat::default(), Mat::default());
    // Its random numbers begin anew, so that the same picture gives the same outline.
    opencv::core::set_rng_seed(1)?;
    imgproc::grab_cut(&whole, &mut mask, rect, &mut back, &mut fore, 3, imgproc::GC_INIT_WITH_RECT)?;
    // 1 and 3: surely and probably the item.
    Ok(mask.data_bytes()?.iter().map(|value| value & 1).collect())
}

/// The largest patch, closed over small gaps, its holes filled.
fn whole(bits: &[u8], width: usize, height: usize) -> opencv::Result<Vec<u8>> {
    let marked = Mat::from_slice(bits)?;
    let marked = marked.reshape(1, height as i32)?;
    let reach = (width.max(height) / 100).max(1) as i32;
    let around = imgproc::get_structuring_element_def(imgproc::MORPH_ELLIPSE, Size::new(2 * reach + 1, 2 * reach + 1))?;
    // A ring of ground, so that closing does not run along the border.
    let ring = reach + 1;
    let mut framed = Mat::default();
    opencv::core::copy_make_border(&marked, &mut framed, ring, ring, ring, ring, BORDER_CONSTANT, Scalar::all(0.0))?;
    let mut closed = Mat::default();
    let (anchor, edge) = (Point::new(-1, -1), imgproc::morphology_default_border_value()?);
    imgproc::morphology_ex(&framed, &mut closed, imgproc::MORPH_CLOSE, &around, anchor, 1, BORDER_CONSTANT, edge)?;
    let item = largest(closed.data_bytes()?, closed.rows(), |_| true)?;
    // What is not the item and touches the frame is ground; the rest are holes.
    let outside: Vec<u8> = item.iter().map(|bit| 1 - bit).collect();
    let ground = largest(&outside, closed.rows(), |first| first == 0)?;
    let wide = width + 2 * ring as usize;
    let at = |x: usize, y: usize| (y + ring as usize) * wide + x + ring as usize;
    Ok((0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| 1 - ground[at(x, y)]).collect())
}

/// The largest patch (8 neighbours) whose first pixel counts, as bits.
fn largest(bits: &[u8], rows: i32, counts: impl Fn(usize) -> bool) -> opencv::Result<Vec<u8>> {
    let picture = Mat::from_slice(bits)?;
    let picture = picture.reshape(1, rows)?;
    let mut labels = Mat::default();
    imgproc::connected_components(&picture, &mut labels, 8, CV_32S)?;
    let labels: Vec<i32> = labels.data_typed::<i32>()?.to_vec();
    let mut area = std::collections::BTreeMap::<i32, usize>::new();
    let mut refused = std::collections::BTreeSet::new();
    for (i, &label) in labels.iter().enumerate() {
        if label == 0 || refused.contains(&label) {
            continue;
        }
        if !area.contains_key(&label) && !counts(i) {
            refused.insert(label);
            continue;
        }
        *area.entry(label).or_default() += 1;
    }
    let best = area.into_iter().max_by_key(|(label, area)| (*area, -label)).map(|(label, _)| label);
    Ok(labels.into_iter().map(|label| u8::from(Some(label) == best)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ring of `item` colour, 60 px across with a hole of the ground's colour, on a ground with noise and one speck.
    fn drawn(ground: [u8; 3], item: [u8; 3]) -> Picture {
        let (width, height) = (120usize, 100usize);
        let mut rgb = Vec::new();
        for i in 0..width * height {
            let (x, y) = ((i % width) as f64 - 60.0, (i / width) as f64 - 50.0);
            let r = x.hypot(y);
            let noise = (i * 7919 % 5) as u8;
            let speck = i % width < 12 && i % width > 8 && i / width > 8 && i / width < 12;
            let colour = if (10.0..30.0).contains(&r) || speck { item } else { ground };
            rgb.extend(colour.map(|c| c.saturating_add(noise)));
        }
        Picture { width, height, rgb, alpha: None }
    }

    fn area(view: &View) -> usize {
        view.rgba.chunks_exact(4).filter(|p| p[3] == 255).count()
    }

    #[test]
    fn the_largest_patch_counts_and_its_holes_are_filled() {
        let disc = core::f64::consts::PI * 900.0;
        for (ground, item) in [([0; 3], [200, 30, 40]), ([0; 3], [16; 3]), ([250; 3], [20, 90, 30])] {
            let view = cut_out(&drawn(ground, item)).unwrap().unwrap();
            assert!((area(&view) as f64 - disc).abs() < 0.03 * disc, "{} pixels for {item:?}", area(&view));
            assert_eq!(view.rgba[3], 0);
        }
    }

    #[test]
    fn a_photograph_without_an_item_says_what_it_is() {
        let mut empty = drawn([0; 3], [0; 3]);
        assert_eq!(cut_out(&empty).unwrap().unwrap_err(), "0.0 % item");
        empty.alpha = Some(vec![255; empty.width * empty.height]);
        empty.alpha.iter_mut().for_each(|alpha| alpha[..6000].fill(0));
        assert_eq!(area(&cut_out(&empty).unwrap().unwrap()), 6000);
    }

    #[test]
    fn large_photographs_are_reduced() {
        let small = drawn([0; 3], [200, 30, 40]);
        let large = Picture {
            width: 1200,
            height: 1000,
            rgb: (0..1_200_000)
                .flat_map(|i| {
                    let from = 3 * (i / 1200 / 10 * 120 + i % 1200 / 10);
                    [small.rgb[from], small.rgb[from + 1], small.rgb[from + 2]]
                })
                .collect(),
            alpha: None,
        };
        let view = cut_out(&large).unwrap().unwrap();
        assert_eq!((view.width, view.height), (640, 533));
    }
}
