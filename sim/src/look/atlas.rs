//! Prints of single faces packed into one texture.

use super::mesh::Patch;
use super::paint::Canvas;
use super::texture::Texture;

/// Longest side of a texture, pixels.
const SIDE: usize = 512;
/// Copies of the rim around each face, so that smaller copies of the texture don't mix faces, pixels.
const GUTTER: usize = 6;
/// The finest print, pixels a metre: finer than any camera here sees.
const FINEST: f64 = 4_000.0;

/// Where a face goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub x: usize,
    pub y: usize,
    /// Size of the upright print, pixels.
    pub width: usize,
    pub height: usize,
    pub turned: bool,
}

/// A plan for faces of given sizes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Atlas {
    pub slots: Vec<Slot>,
    width: usize,
    height: usize,
}

impl Atlas {
    /// The finest plan for faces of `sizes` metres (width, height) that fits.
    pub fn plan(sizes: &[[f64; 2]]) -> Self {
        let (mut low, mut high) = (10.0, FINEST);
        let mut best = lay(sizes, low, usize::MAX);
        for _ in 0..24 {
            let middle = 0.5 * (low + high);
            let plan = lay(sizes, middle, SIDE);
            if plan.width <= SIDE && plan.height <= SIDE {
                best = plan;
                low = middle;
            } else {
                high = middle;
            }
        }
        best
    }

    /// Stamps the prints into a texture; print k goes to slot k.
    pub fn fill(&self, prints: &[Canvas]) -> (Texture, Vec<Patch>) {
        let (sheet, patches) = self.stamp(prints, 0.5);
        let bytes = sheet.to_bytes();
        let texture = Texture::new(self.width, self.height, bytes).unwrap_or_else(Texture::grey);
        (texture, patches)
    }

    /// As [`Self::fill`], with the cover of each print (black a hole, white opaque).
    pub fn fill_covered(&self, prints: &[Canvas], covers: &[Canvas]) -> (Texture, Vec<Patch>) {
        let (texture, patches) = self.fill(prints);
        let (cover, _) = self.stamp(covers, 1.0);
        let cover = cover.rgb.iter().map(|p| (p[0].clamp(0.0, 1.0) * 255.0).round() as u8).collect();
        (texture.clone().with_cover(cover).unwrap_or(texture), patches)
    }

    fn stamp(&self, prints: &[Canvas], ground: f32) -> (Canvas, Vec<Patch>) {
        let mut sheet = Canvas::new(self.width, self.height, [ground; 3]);
        let (w, h) = (sheet.w(), sheet.h());
        let mut patches = Vec::new();
        for (slot, print) in self.slots.iter().zip(prints) {
            sheet.stamp(print, slot.x, slot.y, slot.turned);
            let (wide, tall) = slot.placed();
            spread(&mut sheet, [slot.x, slot.y, slot.x + wide, slot.y + tall]);
            patches.push(Patch {
                left: slot.x as f32 / w,
                top: slot.y as f32 / h,
                right: (slot.x + wide) as f32 / w,
                bottom: (slot.y + tall) as f32 / h,
                turned: slot.turned,
            });
        }
        (sheet, patches)
    }
}

impl Slot {
    fn placed(&self) -> (usize, usize) {
        if self.turned { (self.height, self.width) } else { (self.width, self.height) }
    }
}

/// Repeats the rim of a rectangle outwards over the gutter.
fn spread(sheet: &mut Canvas, [x0, y0, x1, y1]: [usize; 4]) {
    for y in y0.saturating_sub(GUTTER)..(y1 + GUTTER).min(sheet.height) {
        for x in x0.saturating_sub(GUTTER)..(x1 + GUTTER).min(sheet.width) {
            let inside = (x0..x1).contains(&x) && (y0..y1).contains(&y);
            if !inside {
                let (s, t) = (x.clamp(x0, x1 - 1), y.clamp(y0, y1 - 1));
                sheet.rgb[y * sheet.width + x] = sheet.rgb[t * sheet.width + s];
            }
        }
    }
}

/// Shelves from the tallest face to the lowest, each face lying on its long side.
fn lay(sizes: &[[f64; 2]], scale: f64, room: usize) -> Atlas {
    let mut slots: Vec<Slot> = sizes
        .iter()
        .map(|&[w, h]| {
            let pixels = |m: f64| ((m * scale).round() as usize).max(4);
            Slot { x: 0, y: 0, width: pixels(w), height: pixels(h), turned: h > w }
        })
        .collect();
    let mut order: Vec<usize> = (0..slots.len()).collect();
    order.sort_by_key(|&i| core::cmp::Reverse((slots[i].placed().1, slots[i].placed().0)));
    let (mut x, mut y, mut shelf, mut width) = (GUTTER, GUTTER, 0, 0);
    for i in order {
        let (wide, tall) = slots[i].placed();
        if x > GUTTER && x.saturating_add(wide + GUTTER) > room {
            y += shelf + 2 * GUTTER;
            x = GUTTER;
            shelf = 0;
        }
        (slots[i].x, slots[i].y) = (x, y);
        x += wide + 2 * GUTTER;
        width = width.max(x - GUTTER);
        shelf = shelf.max(tall);
    }
    Atlas { slots, width: width.next_multiple_of(4), height: (y + shelf + GUTTER).next_multiple_of(4) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faces_of_an_atlas_lie_inside_it_and_apart() {
        for size in [[0.12, 0.08, 0.06], [0.23, 0.15, 0.02], [0.06, 0.06, 0.2], [0.1, 0.1, 0.1]] {
            let [x, y, z] = size;
            let plan = Atlas::plan(&[[y, z], [y, z], [x, z], [x, z], [x, y], [x, y]]);
            assert!(plan.width <= SIDE && plan.height <= SIDE, "{plan:?}");
            assert!(plan.width.max(plan.height) > SIDE / 2, "{plan:?}");
            let areas: Vec<_> = plan.slots.iter().map(|s| (s.x, s.y, s.x + s.placed().0, s.y + s.placed().1)).collect();
            for (i, a) in areas.iter().enumerate() {
                assert!(a.2 <= plan.width && a.3 <= plan.height);
                for b in &areas[i + 1..] {
                    assert!(a.2 <= b.0 || b.2 <= a.0 || a.3 <= b.1 || b.3 <= a.1, "{a:?} {b:?}");
                }
            }
        }
    }
}
